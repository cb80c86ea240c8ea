/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The root task: the one user task that the kernel starts. It is given everything that the kernel does not keep.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct handover;
struct thread;

/* Makes its task, capabilities, mappings and thread, and lets it run. `running` cores are up. */
void root_start(const struct handover *boot, uint32_t running);

/* True of its first thread. */
bool root_is_thread(const struct thread *thread);

/* The thread dies. */
void root_forget(const struct thread *thread);

/* The root task's first thread did something that nobody resolves: the system ends. */
_Noreturn void root_died(const struct thread *thread);
