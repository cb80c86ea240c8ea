/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the others are measured against, and system calls that do nothing.
 */
#include "bench.h"
#include "object.h"
#include "world.h"

#define LOOP 1000

static void empty(const struct row *row)
{
	for (unsigned i = 0; i < row->count; i++) {
		bench_begin();
		bench_end();
	}
}

/* Of known length: 1 + 2 * LOOP instructions. */
static void validation(const struct row *row)
{
	for (unsigned i = 0; i < row->count; i++) {
		uint64_t counter;
		bench_begin();
		__asm__ volatile("	mov	%0, %1\n"
				 "1:	subs	%0, %0, #1\n"
				 "	b.ne	1b"
				 : "=&r"(counter)
				 : "i"(LOOP)
				 : "cc");
		bench_end();
	}
}

/* Of known kinds: a barrier; and nothing else that user code may do. */
static void validation_kinds(const struct row *row)
{
	for (unsigned i = 0; i < row->count; i++) {
		bench_begin();
		__asm__ volatile("dsb ish\n\tdmb ish\n\tisb\n\tmsr tpidr_el0, xzr" : : : "memory");
		bench_end();
	}
}

/* There is no such system call: into the kernel and back. */
static void syscall_none(const struct row *row)
{
	for (unsigned i = 0; i < row->count; i++) {
		struct message message = {.tag = 0};
		bench_begin();
		STRATA_FAST_CALL_(15, &message, 0, 0);
		bench_end();
	}
}

static void syscall_yield(const struct row *row)
{
	for (unsigned i = 0; i < row->count; i++) {
		struct message message = {.tag = 0};
		bench_begin();
		STRATA_FAST_CALL_(SYSCALL_YIELD, &message, 0, 0);
		bench_end();
	}
}

/* Says the kind of a capability: through table, rights and dispatch. */
static void syscall_object(const struct row *row)
{
	for (unsigned i = 0; i < row->count; i++) {
		bench_begin();
		(void)object_call_0(CAP(ROOT_CAP_TASK), TASK_ACCOUNT);
		bench_end();
	}
}

/* Waits for an Irq that has fired: takes it and returns. */
static void syscall(const struct row *row)
{
	cap_t irq = world_irq(CAP(ROOT_CAP_THREAD), 0);
	for (unsigned i = 0; i < row->count; i++) {
		(void)irq_trigger(irq);
		bench_begin();
		strata_fast_wait_irq(1);
		bench_end();
	}
}

const struct row rows_basic[] = {
	{"empty",            "check", empty,            100,  0},
	{"validation",       "check", validation,       100,  0},
	{"validation_kinds", "check", validation_kinds, 100,  0},
	{"syscall",          "main",  syscall,          1000, 0},
	{"syscall_none",     "main",  syscall_none,     1000, 0},
	{"syscall_object",   "main",  syscall_object,   1000, 0},
	{"syscall_yield",    "main",  syscall_yield,    1000, 0},
	{NULL,	       NULL,    NULL,             0,    0},
};
