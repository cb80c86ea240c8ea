/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling contexts: who may run, how urgently, how long at a time.
 *
 * A core runs one context at a time: the first of highest priority on its ready list. Which thread
 * that runs follows from who owes whom a reply (Rule S, ipc.h) and is computed whenever a context is
 * picked. Everything here belongs to the context's core.
 *
 * Parked: its owner waits, directly or through others, for a thread that cannot run now, to which it would lend its time.
 * It becomes ready when that thread can run. Off: its owner waits for something else than a thread, or runs on a caller's.
 *
 * I1 a context is in exactly one place: running, on the ready list, parked on a thread, or off.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct cpu;
struct thread;

#define SCHED_PRIORITIES 256

enum sc_place { SC_OFF, SC_READY, SC_PARKED, SC_RUNNING };

TAILQ_HEAD(sc_list, sched_context);

struct sched_context {
	struct thread *thread; /* its owner */
	uint8_t priority;
	enum sc_place place;
	TAILQ_ENTRY(sched_context) node; /* of the ready list, or of the thread that it is parked on */
	struct sc_list *parked_list;     /* the latter's, while it is parked */
	uint64_t slice;   /* ticks at a time */
	uint64_t left;    /* of the slice, when it does not run */
	uint64_t started; /* when it began to run */
	uint64_t time;    /* ticks run in all, up to `started` while it runs */
};

/* A context that is off or parked becomes ready, at the end of its priority; others stay where they are. If it is more urgent than
 * what runs, the core picks anew before it leaves the kernel. */
void sched_ready(struct cpu *cpu, struct sched_context *sc);

/* Takes a context out of the ready list, off the thread it is parked on, or off the core. */
void sched_remove(struct cpu *cpu, struct sched_context *sc);

/* The running context stops: it is off, and nothing runs. */
void sched_stop_running(struct cpu *cpu);

/* The running context waits for `thread` to be able to run again. */
void sched_park_running(struct cpu *cpu, struct thread *thread);

/* All contexts that are parked on `thread` become ready: they find out for themselves what to do. */
void sched_unpark_all(struct cpu *cpu, struct thread *thread);

/* The running context goes behind the others of its priority, with a new slice. Nothing runs then: the core picks. */
void sched_yield(struct cpu *cpu);

/* Changes a context's priority and slice, wherever it is. If it is running, the slice counts from the next one on. */
void sched_set(struct cpu *cpu, struct sched_context *sc, uint8_t priority, uint64_t slice_ticks);

/* Picks until a thread can run: cpu->current and cpu->sc are set on return. Waits for interrupts meanwhile. */
void sched_pick(struct cpu *cpu);

/* A thread whose deadline is set waits for it; and no longer, which clears the deadline, and does nothing if it was clear. */
void sched_timeout_insert(struct cpu *cpu, struct thread *thread);
void sched_timeout_remove(struct cpu *cpu, struct thread *thread);

/* The timer fired: ends the slice if it is over, and arms the timer for what comes next. */
void sched_tick(struct cpu *cpu);

/* The earliest moment at which the timer must fire may have changed. */
void sched_arm_timer(struct cpu *cpu);
