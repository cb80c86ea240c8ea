/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls and messages.
 *
 * User code enters the kernel by SVC; its immediate is the operation.
 *
 *                       x0 to x7           x8    x9                x0 to x7   x8      x9
 *   SYSCALL_CALL        words              tag   index             words      tag     0
 *   SYSCALL_REPLY_WAIT  words              tag   -                 words      tag     badge
 *   SYSCALL_FORWARD     words              tag   index             words      tag     badge
 *   SYSCALL_WAIT        set, deadline      -     0 open, 1 closed  words      tag     badge
 *   SYSCALL_YIELD       -                  -     -                 -          tag     0
 *
 * x10 to x18 come back as 0, x19 to x30, sp and TPIDR_EL0 unchanged. TPIDRRO_EL0 points to the thread's
 * UTCB, which holds words 8 to 63 and everything else of a message.
 *
 * CALL sends a message and waits for the answer. REPLY_WAIT answers the caller that the thread owes
 * one, if any, then is the open wait: the next call, or one of the thread's Irqs. FORWARD hands the caller on to
 * another gate, with a new message (at most eight words, no items) and a narrower window, then is the open wait; a
 * caller that has an exception cannot be handed on, it stops. The closed wait ends
 * with one of the Irqs in `set`, or at `deadline` (CNTVCT_EL0 ticks; 0: never). An error of REPLY_WAIT or FORWARD
 * comes back at once and the thread still owes its reply.
 */
#pragma once

#include "status.h"

#include <stdint.h>

#define SYSCALL_CALL       0
#define SYSCALL_REPLY_WAIT 1
#define SYSCALL_FORWARD    2
#define SYSCALL_WAIT       3
#define SYSCALL_YIELD      4

#define WAIT_OPEN   0
#define WAIT_CLOSED 1

#define MESSAGE_REGISTERS 8
#define MESSAGE_WORDS     64
#define MESSAGE_ITEMS     64

/*
 * The tag of a message:
 *   bits 6 to 0    words, 0 to 64
 *   bits 13 to 7   items, 0 to 64
 *   bits 23 to 16  received only: the rights of the capability that was called
 *   bit 31         received only: the message is the kernel's
 *   bits 63 to 32  label: the operation of a request, the status of an answer, LABEL_ of the kernel's messages
 */
#define TAG_WORDS(tag)  ((unsigned)((tag)&0x7f))
#define TAG_ITEMS(tag)  ((unsigned)((tag) >> 7 & 0x7f))
#define TAG_RIGHTS(tag) ((unsigned)((tag) >> 16 & 0xff))
#define TAG_KERNEL      0x80000000ul
#define TAG_LABEL(tag)  ((uint32_t)((tag) >> 32))
#define TAG_MAKE(label, words, items) \
	((uint64_t)(uint32_t)(label) << 32 | (uint64_t)(items) << 7 | (uint64_t)(words))

/* Labels of messages with TAG_KERNEL; below 0x100 they are statuses. */
enum kernel_label {
	LABEL_FAULT = 0x100,     /* words: enum fault_word; answer: items to map, or a status */
	LABEL_EXCEPTION = 0x101, /* words: enum exception_word; answer OK: go on, with the registers if 40 words are sent */
	LABEL_IRQ = 0x102,       /* word 0: set of the Irqs that fired, by their bits; nothing is owed */
};

/* A page fault. The receive window is the whole task, or what forward left of it; offsets are addresses. */
enum fault_word { FAULT_WORD_ADDRESS, FAULT_WORD_PC, FAULT_WORD_ACCESS, FAULT_WORDS };

enum fault_access { FAULT_READ = 0, FAULT_WRITE = 1, FAULT_EXECUTE = 2 };

/* Anything else, and faults that no pager resolved. */
enum exception_word {
	EXCEPTION_WORD_REASON,  /* enum exception_reason */
	EXCEPTION_WORD_CODE,    /* ESR_EL1 */
	EXCEPTION_WORD_ADDRESS, /* FAR_EL1; all bits set if the exception has none */
	EXCEPTION_WORD_STATUS,  /* EXCEPTION_FAULT: what the pager, or the way to it, said */
	EXCEPTION_WORD_ACCESS,  /* EXCEPTION_FAULT: enum fault_access */
	EXCEPTION_WORD_X0,      /* x0 to x30, sp, pc, pstate, TPIDR_EL0 */
	EXCEPTION_WORD_SP = EXCEPTION_WORD_X0 + 31,
	EXCEPTION_WORD_PC,
	EXCEPTION_WORD_PSTATE,
	EXCEPTION_WORD_TLS,
	EXCEPTION_WORDS
};

enum exception_reason { EXCEPTION_TRAP = 0, EXCEPTION_FAULT = 1 };

/* Words of Thread.READ_REGISTERS and WRITE_REGISTERS: x0 to x30, then these. */
enum register_word { REGISTER_WORD_SP = 31, REGISTER_WORD_PC, REGISTER_WORD_PSTATE, REGISTER_WORD_TLS, REGISTER_WORDS };

/*
 * An item: memory or a capability that goes along.
 *
 *   memory      page   address, bits 63 to 12 | order (log2 of the bytes), bits 11 to 6 | ITEM_MEMORY | rights, bits 2 to 0
 *               place  offset in the window, bits 63 to 12 | ITEM_ flags
 *   capability  page   index, bits 63 to 12 | ITEM_CAPABILITY | 0 in bits 3 to 0
 *               place  offset in the window, bits 63 to 12 | rights, bits 7 to 0 | 0
 */
struct message_item {
	uint64_t page;
	uint64_t place;
};

#define ITEM_MEMORY     0x00ul
#define ITEM_CAPABILITY 0x10ul
#define ITEM_KIND_MASK  0x30ul

/*
 * Rights to memory. Every mapping can be read. One with both write and execute can hand on either; its own
 * task can write, never execute: nothing is writable and executable at once in one address space. What is in the root task's memory
 * window can be handed on with execute, too, but is never executed there.
 */
#define PAGE_READ    1u
#define PAGE_WRITE   2u
#define PAGE_EXECUTE 4u
#define PAGE_RIGHTS  7u

/* What kind of memory a page shows, for Task.SET_TYPE; children inherit it. */
enum memory_type { MEMORY_TYPE_NORMAL, MEMORY_TYPE_NONCACHEABLE, MEMORY_TYPE_DEVICE };

/* Flags in `place` of memory. */
#define ITEM_GRANT   1ul /* hand over instead of map */
#define ITEM_REPLACE 2ul /* what is mapped at the destination goes first */
#define ITEM_TRACK   4ul /* keep referenced and dirty for Task.AGE */
#define ITEM_FLAGS   7ul

#define ITEM_ORDER(page)         ((unsigned)((page) >> 6 & 0x3f))
#define ITEM_ADDRESS(word)       ((word) & ~0xffful)
#define ITEM_MEMORY_MAKE(address, order, rights) ((address) | (uint64_t)(order) << 6 | ITEM_MEMORY | (rights))
#define ITEM_CAPABILITY_MAKE(index)              ((uint64_t)(index) << 12 | ITEM_CAPABILITY)

/* What the kernel writes into the receiver's items. */
enum received_kind {
	RECEIVED_NOTHING = 0,    /* the sender lost it meanwhile */
	RECEIVED_MEMORY = 1,     /* place: the address */
	RECEIVED_CAPABILITY = 2, /* place: the index */
	RECEIVED_BADGE = 3,      /* the receiver's own gate: place is its badge, page's bits 15 to 8 the rights */
};
#define RECEIVED_KIND(page)   ((enum received_kind)((page)&0xff))
#define RECEIVED_RIGHTS(page) ((unsigned)((page) >> 8 & 0xff))

/* Where items may go. Closed if its size is 0. */
struct window {
	uint64_t base; /* an address, multiple of 4096; or an index */
	uint64_t size; /* in bytes, multiple of 4096; or in slots */
};

/* The UTCB: a page that the thread and the kernel share. The kernel reads and writes it only during system calls
 * and deliveries; every word once. */
struct utcb {
	uint64_t words[MESSAGE_WORDS]; /* the first MESSAGE_REGISTERS travel in registers */
	struct message_item items[MESSAGE_ITEMS];
	struct window memory_window;     /* where received memory goes */
	struct window capability_window; /* where received capabilities go */
	struct window forward_window;    /* of FORWARD: what of the caller's memory window stays; base is an offset in
					  * it, and none stays if it sticks out */
	uint64_t forward_rights;         /* of FORWARD: PAGE_ rights that may be mapped there */
};

/* Task.MAP: flags beside PAGE_ rights. */
#define MAP_GRANT 0x10ul
#define MAP_TRACK 0x20ul

/* Task.UNMAP: flags beside the PAGE_ rights that stay. */
#define UNMAP_SELF 0x10ul
#define UNMAPPED_REFERENCED 1ul
#define UNMAPPED_DIRTY      2ul

/* Task.CAP_DERIVE */
#define CAP_SET_BADGE 1ul

/* Capability indices of a task: 1 to CAP_INDEX_LIMIT - 1. */
#define CAP_INDEX_LIMIT 65536ul
