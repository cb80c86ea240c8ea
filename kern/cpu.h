/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel keeps per core. Nobody but the core writes its own; counters and idle time are read by others.
 */
#pragma once

#include "sched.h"
#include "thread.h"

#include <abi/abi.h>
#include <arch/cpu.h>

/*
 * What a system call ends with, inside the kernel, if an interrupt is pending and it is to be made again: a value of
 * enum status that no status has. Never shown to users: the pc is set back to the SVC instead (arch_frame_repeat_syscall()).
 */
#define RESTART STATUS_COUNT

RB_HEAD(timeout_tree, thread);

struct cpu {
	struct thread *current;    /* enters user mode when the kernel is left; NULL: to be picked */
	struct sched_context *sc;  /* on whose time; NULL: to be picked */
	bool need_pick;            /* something more urgent, or nothing, is there to run */
	uint64_t slice_end;        /* of sc: in counter ticks; 0 makes it yield */

	uint64_t ready_bits[SCHED_PRIORITIES / 64]; /* priorities with a context on the list */
	struct sc_list ready[SCHED_PRIORITIES];

	uint64_t search;              /* number of the last search for somebody to help (ipc.c) */

	struct timeout_tree timeouts; /* of threads in closed waits, by deadline */

	struct space *space;      /* whose tables are in TTBR0; NULL: none */
	struct thread *fp_owner;  /* whose FP registers are in the core */
	bool fp_enabled;          /* user code may use them; else its first use traps */

	uint64_t idle_time;       /* ticks with nothing to run */
	uint64_t counters[COUNTER_COUNT];
} __attribute__((aligned(64)));

extern struct cpu cpus[ARCH_CORES_MAX];

/* Cores that run; their numbers are below. Set before the first thread runs. */
extern uint32_t cpu_count;

static inline struct cpu *this_cpu(void)
{
	return &cpus[arch_core_number()];
}

static inline void count(struct cpu *cpu, enum counter counter)
{
	cpu->counters[counter]++;
}

void cpu_init(struct cpu *cpu);

/* Leaves the kernel: to cpu->current, or to whom sched_pick() finds. */
_Noreturn void cpu_leave_kernel(struct cpu *cpu);
