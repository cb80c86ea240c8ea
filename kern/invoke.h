/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls to kernel objects.
 */
#pragma once

#include "cpu.h"

/* Does what the running thread's message asks of the object that `capability` names, and leaves the answer in its message
 * registers; or lets the system call be repeated after an interrupt. */
void invoke_object(struct cpu *cpu, struct thread *caller, struct capability *capability);

/* Forgets the long operation that the thread is in the middle of, if any. */
void invoke_abandon(struct thread *thread);
