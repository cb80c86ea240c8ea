/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of the benchmark. The counting plugin sees the markers; what the figures are called it learns from the
 * console: a line for each row, before it.
 */
#pragma once

#include <abi/abi.h>

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

/* A figure that the program finds itself. */
void bench_value(const char *name, uint64_t value, const char *unit);

/* Ends the run if the status is not OK. */
void bench_check(enum status status, const char *what);
