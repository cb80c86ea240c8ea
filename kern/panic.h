/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When the kernel itself is broken, or the system cannot go on. Never for what a user program did wrong,
 * except when that program is the root task and nobody is left to be told.
 */
#pragma once

#include <stdint.h>

struct arch_frame;

/* Stops all cores, says why, where (registers and call chain), and ends. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same with the registers of `frame`: user ones if `program` names the program, else the kernel's. */
_Noreturn void panic_with(const struct arch_frame *frame, const char *program, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* An invariant of ours. Checked in all builds; never sees unchecked user input. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (__builtin_expect(!(condition), 0)) {                                           \
			panic("%s:%d: %s is not so", __FILE__, __LINE__, #condition);              \
		}                                                                                  \
	} while (0)
