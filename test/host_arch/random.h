/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same random numbers in every run.
 */
#pragma once

#include <stdint.h>

static uint64_t random_state = 88172645463325252;

/* xorshift64 */
static inline uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}
