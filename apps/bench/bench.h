/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of the benchmark. The counting plugin sees the markers; what the figures are called it learns from the
 * console: a line for each row, before it.
 */
#pragma once

#include <strata/syscall.h>

#include <stddef.h>
#include <stdint.h>

/* A marker clobbers nothing, so the compiler need not save anything for it. */
#define BENCH_MARK_(name) __asm__ volatile("bl bench_mark_" #name : : : "x30", "memory")

/* Around one operation, as often as the row says. */
static inline __attribute__((always_inline)) void bench_begin(void)
{
	BENCH_MARK_(begin);
}

static inline __attribute__((always_inline)) void bench_end(void)
{
	BENCH_MARK_(end);
}

struct row {
	const char *name;
	const char *group;
	void (*run)(const struct row *row);
	unsigned count;     /* how often the operation is measured */
	uint64_t parameter; /* of the row's own meaning */
};

/* Each ends with a row without name. */
extern const struct row rows_basic[];
extern const struct row rows_ipc[];
extern const struct row rows_memory[];
extern const struct row rows_object[];
extern const struct row rows_growth[];
extern const struct row rows_stretch[];

/* What several rows measure, for row->count times: call_0, and fault_raw. */
void row_call_0(const struct row *row);
void row_fault(const struct row *row);

/* Touches as many pages from FREE_VA on, as a new thread of `task` whose faults go to `pager`. */
void row_touch(cap_t task, cap_t pager, unsigned count);

/* A figure that the program finds itself. */
void bench_value(const char *name, uint64_t value, const char *unit);

/* Ends the run if the status is not OK. */
void bench_check(enum status status, const char *what);
