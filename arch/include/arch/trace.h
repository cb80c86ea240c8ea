/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a panic shows of the machine.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arch_frame;

/* Fills `addresses` with the kernel's call chain, as linked (image-relative), innermost first; returns how many. Each is
 * that of a call; only the first, with a frame, is where that stands. `frame` is NULL for the caller's own chain. */
size_t arch_trace_calls(const struct arch_frame *frame, uint64_t *addresses, size_t count);

/* The address as linked, of kernel text at run time. */
uint64_t arch_trace_linked(uint64_t address);

/* The call that returns to `address`: what follows a call to a function that never returns may be another function. */
uint64_t arch_trace_call(uint64_t address);
