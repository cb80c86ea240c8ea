/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads. A thread belongs to one core, which alone touches it.
 *
 * Life of a thread:
 *
 *   STOPPED --start, resume--> READY --call--> IN_CALL --reply--> READY
 *                                |     \-- all handlers busy --> CALLING --retry--> IN_CALL
 *                                |--open wait--> IDLE --call, Irq--> READY
 *                                |--closed wait--> WAITING --Irq, deadline--> READY
 *                                \--suspend, unresolved fault--> STOPPED
 *   any --kill--> DEAD
 *
 * I2 t->callee == h <=> h->caller == t.   I4 there is no ring of callees.
 */
#pragma once

#include "cap.h"
#include "gate.h"
#include "mapdb.h"
#include "object.h"
#include "sched.h"

#include <abi/abi.h>
#include <arch/context.h>
#include <arch/fp.h>

#include <stddef.h>
#include <sys/tree.h>

struct irq;

enum thread_state {
	THREAD_READY,
	THREAD_CALLING, /* wants a gate whose handlers are all busy; linked in slot.calling */
	THREAD_IN_CALL, /* callee owes it a reply */
	THREAD_IDLE,    /* open wait; owes nothing; its own context is off */
	THREAD_WAITING, /* closed wait; the context that it runs on is off */
	THREAD_REMOTE,  /* another core has its work item; no thread enters it while one core runs threads */
	THREAD_STOPPED, /* not started, suspended, or an unresolved fault; the context that it runs on is off */
	THREAD_DEAD,
};

/* What of the registers is in the frame: after a system call only those that calls preserve. */
enum frame_kind { FRAME_LIGHT, FRAME_FULL };

/* Who made the call: the thread itself, or the kernel for it. Decides what the answer does. */
enum call_kind { CALL_USER, CALL_FAULT, CALL_EXCEPTION };

/* msg[]: words 0 to 7, then these: as the registers x0 to x9 of a system call. */
#define MSG_TAG   8
#define MSG_BADGE 9 /* coming in, the capability's index */
#define MSG_COUNT 10

/* MAP, UNMAP, AGE or SET_TYPE of a task, or LOG.WRITE by one, with these words; `task` is NULL if there is none. */
struct unfinished {
	struct task *task;
	uint32_t operation;
	uint64_t words[4];
	union {
		uint64_t mapped; /* bytes */
		uint64_t logged; /* bytes */
		struct unmap_report unmap;
		struct age_report age;
		struct map_position type;
	};
};

struct thread {
	struct object object;

	/* Fixed at creation. */
	struct task *task;      /* borrowed: its threads die before it */
	struct utcb *utcb;      /* owned page, as the kernel sees it */
	uint64_t utcb_va;       /* as the thread sees it */
	LIST_ENTRY(thread) of_task;

	/* Registers. */
	struct arch_frame frame;
	uint64_t msg[MSG_COUNT]; /* right behind the frame: the assembler stores it (arch_frame.h) */
	enum frame_kind frame_kind;
	struct arch_fp fp;

	/* Scheduling. */
	enum thread_state state;
	struct sched_context sc;
	struct sc_list parked;  /* contexts that wait for this thread to be able to run */
	bool suspend;           /* stops when it would enter user mode */
	bool idle_when_resumed; /* it was stopped in the open wait, and is among the busy handlers meanwhile */

	/* Calls: who owes whom. */
	struct thread *callee, *caller;
	uint32_t depth;         /* callers above it, at most: after a call above was broken off it is too high */

	/* The call that it is in or wants. */
	struct gate *call_gate;
	struct capability *call_cap; /* through which it came; only compared, never followed */
	uint64_t call_badge;
	uint64_t call_tag;      /* as the handler is to see it: label, words, items, rights, kernel bit */
	enum call_kind call_kind;
	uint32_t forwards;      /* how often it was handed on */
	bool window_is_narrow;  /* memory goes to `window`, not to where the UTCB says */
	struct window window;
	unsigned window_rights; /* PAGE_ rights that may be mapped there */
	TAILQ_ENTRY(thread) calling_node;
	uint64_t search; /* the last one that looked at it */

	/* The last page fault: repeated to the exception gate if nobody resolves it. */
	uint64_t fault_address;
	enum fault_access fault_access;
	enum status fault_status; /* what its call ended with */
	uint64_t exception_code, exception_address; /* as kernel_exception() had them; of a fault: access and address */

	/* Gates that the kernel calls for it; empty capabilities if it has none. */
	struct capability pager __attribute__((aligned(32)));
	struct capability exception_gate;

	/* A long operation that an interrupt cut short: its system call is made again, and goes on from here. */
	struct unfinished unfinished;
	LIST_ENTRY(thread) unfinished_node;

	/* As a handler. */
	struct gate *gate;
	SLIST_ENTRY(thread) idle_node;
	TAILQ_ENTRY(thread) busy_node;

	/* Irqs and the closed wait. */
	uint64_t irq_pending;   /* bits that fired and were not delivered */
	uint64_t irq_bits;      /* that Irqs bound to it use */
	LIST_HEAD(, irq) irqs;
	uint64_t wait_set;
	uint64_t deadline;      /* 0: none; then it is not in the tree */
	RB_ENTRY(thread) timeout_node;
};

_Static_assert(offsetof(struct thread, msg) == offsetof(struct thread, frame) + sizeof(struct arch_frame),
	       "the message registers stand behind the frame");

/* QUOTA, KERNEL_QUOTA, BAD_RANGE, OVERMAP. The thread is stopped, at the lowest priority. */
enum status thread_create(struct factory *factory, struct task *task, uint64_t utcb_va,
			  struct thread **result);

/* Leaves everything it is in; part of object_destroy(). It may be the running thread. */
void thread_destroy(struct thread *thread);

/* The context that it runs on by Rule S: that of the first thread of its chain of callers. Helpers' are not looked at. */
struct sched_context *thread_sc(struct thread *thread);

/* Stops it: at once, or when its call ends. */
void thread_suspend(struct thread *thread);

/* False if it is not stopped. */
bool thread_resume(struct thread *thread);

/* Ends its call or wait with CANCELLED; a call that a fault makes is repeated. */
void thread_cancel(struct thread *thread);

/* It becomes stopped where it is; `cpu` must pick if it was running. */
void thread_stop(struct thread *thread);

/* The registers as message words (enum register_word), and back. */
uint64_t thread_register(const struct thread *thread, unsigned index);
void thread_set_register(struct thread *thread, unsigned index, uint64_t value);
