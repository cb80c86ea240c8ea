/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A printf for one line of text, without a C library: the kernel log, the boot stage, the root
 * task.
 *
 * Knows %s %c %d %u %x %p %% with the lengths l, ll and z, a width, and the flags '-' (to the left)
 * and '0' (zeros in front of numbers). %p is 0x and lower-case digits; a NULL string is "(null)".
 * Anything else after a '%' is written as it stands. No floating point.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/*
 * Writes at most `size` bytes to `out`, with a NUL at the end always (unless size is 0). Returns
 * the length the whole text has, without the NUL: it was cut off if that is `size` or more.
 */
size_t format(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
size_t format_va(char *out, size_t size, const char *fmt, va_list arguments)
	__attribute__((format(printf, 3, 0)));
