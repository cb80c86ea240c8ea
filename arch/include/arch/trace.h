/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a panic shows of the machine.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arch_frame;

/* Fills `addresses` with the kernel's call chain, innermost first: where it was, and the calls that led there, as linked
 * (image-relative). Returns how many. `frame` is NULL for the caller's own chain, which has calls only. */
size_t arch_trace_calls(const struct arch_frame *frame, uint64_t *addresses, size_t count);

/* The address, as linked, of the call that returns to `return_address`. */
uint64_t arch_trace_call(const void *return_address);
