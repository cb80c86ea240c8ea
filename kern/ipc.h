/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls, replies, forwards and waits: docs/ipc.md has the whole.
 *
 * Rule S: a thread that owes a reply to a caller of its own core runs on that caller's scheduling
 * context. One that owes none runs on its own. So a call and its reply make no scheduling decision.
 */
#pragma once

#include "cpu.h"
#include "thread.h"

/* The four system calls of messages, for the running thread; they change cpu->current. */
void ipc_call(struct cpu *cpu, struct thread *caller, struct capability *capability);
void ipc_reply_wait(struct cpu *cpu, struct thread *handler);
void ipc_forward(struct cpu *cpu, struct thread *handler);
void ipc_wait(struct cpu *cpu, struct thread *thread);

/* A call that the kernel makes for the running thread, whose FULL frame is saved. */
void ipc_fault_call(struct cpu *cpu, struct thread *thread);
void ipc_exception_call(struct cpu *cpu, struct thread *thread);

/*
 * `thread` is whom the running context leads to. Lets it run, or goes on with its call: true if somebody runs now, perhaps
 * another one. False: nobody can, and the context was parked, turned off, or put back on the ready list; nothing runs.
 */
bool ipc_run(struct cpu *cpu, struct thread *thread);

/* The last thread of the chain that begins with the owner of `sc`. */
struct thread *ipc_runner_of(struct sched_context *sc);

/* Ends the call that `caller` is in or wants, with `status` (a fault or exception: see call_failed()); the handler goes on, owing
 * nothing. Nothing happens to a thread that is in no call. */
void ipc_abort_call(struct cpu *cpu, struct thread *caller, enum status status);

/* Makes the thread a handler of the gate, which has no handlers of another task. */
void ipc_join_gate(struct thread *handler, struct gate *gate);

/* Takes the thread out of its gate: idle or busy. It must owe nothing. */
void ipc_leave_gate(struct thread *handler);

/* A capability has moved: calls that wait and came through it go on to belong to it. */
void ipc_move_capability(const struct capability *from, struct capability *to);

/* A thread that owes nothing is in the open wait; an Irq that fired meanwhile ends it at once. */
void ipc_become_idle(struct cpu *cpu, struct thread *handler);

/* The capability goes: who waits through it for a handler gets REVOKED. Calls that a handler has already go on. */
void ipc_sweep_capability(struct cpu *cpu, struct capability *capability);

/* Irqs of the thread fired: wakes it, or keeps them for later. */
void ipc_notify(struct cpu *cpu, struct thread *thread, uint64_t bits);

/* The deadline of a closed wait has passed. */
void ipc_timeout(struct cpu *cpu, struct thread *thread);

/* The answer that the kernel itself gives to the running thread's system call. */
void ipc_answer(struct thread *thread, enum status status, unsigned words);

/* ---- ipc_items.c ---- */

/* Where items go. */
struct destination {
	struct task *task;
	struct utcb *utcb;    /* told what arrived; NULL for a fault */
	struct window memory, capabilities;
	unsigned rights;      /* PAGE_ rights that may arrive */
	bool fault;           /* the answer to a page fault: tracked memory is born referenced */
	bool fault_write;     /* and by a write: born dirty; means nothing without `fault` */
};

/*
 * Moves `count` items of `sender` to `to`: checks all, prepares all, then commits. On an error nothing has
 * moved. KERNEL_QUOTA is the receiver's fault, all others the sender's. Restartable: RESTART means that an interrupt
 * is pending, and nothing has moved but what REPLACE removed.
 */
enum status ipc_move_items(struct thread *sender, unsigned count, const struct destination *to);
