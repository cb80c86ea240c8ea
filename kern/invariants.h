/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks the invariants that thread.h, sched.h and ipc.h name, and panics with the name of one that does not hold.
 * Debug builds only.
 */
#pragma once

struct cpu;

/* On the way out of the kernel: of what runs, each time; of all that is ready, parked or bound on this core, now and then. */
void invariants_check(struct cpu *cpu);
