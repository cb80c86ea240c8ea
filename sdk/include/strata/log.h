/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines on the early console, through the Log object.
 */
#pragma once

#include <stddef.h>

/* Writes `size` bytes, in as many calls as it takes. */
void strata_log_write(const char *text, size_t size);

/* Writes "strata: ", the text, and a newline, as one line. Longer than 200 characters is cut. */
void strata_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
