/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much kernel memory somebody may use. Every page of kernel memory is charged to exactly one quota;
 * a quota is a part of the one above it (factory.h), down from the whole pool.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Bytes, multiples of the page size. Any core changes them, by compare-and-swap: 0 <= used <= limit. */
struct quota {
	uint64_t limit;
	uint64_t used;
};

/* Takes `bytes` of what is left; false if that is less. */
bool quota_charge(struct quota *quota, uint64_t bytes);

/* Gives back what quota_charge() took. */
void quota_refund(struct quota *quota, uint64_t bytes);
