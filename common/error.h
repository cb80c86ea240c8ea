/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a parser refused its input: one static sentence, and where.
 *
 * Used by the parsers of this folder (device tree, cpio, ELF). They read bytes that somebody else
 * wrote, so every refusal must be explained in one line to a person.
 */
#pragma once

#include <stdint.h>

struct parse_error {
	const char *what; /* A static string, no full stop: "header is truncated". */
	uint64_t where;   /* The offset in the input, address or count that `what` speaks of. */
};
