/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's log: lines on the early console.
 */
#pragma once

#include <stddef.h>

/* Writes "strata: ", the text, and a newline. Any core; lines stay whole. Longer than 200 characters is cut. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes bytes as they are: what user code logs. */
void log_bytes(const char *text, size_t size);

/* From now on only this core writes, without waiting: for panic, which stops the others. Any other that tries stops.
 * Waits a moment for the line that one of them may be writing. */
void log_break_lock(void);
