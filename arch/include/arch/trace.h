/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a panic shows of the machine.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arch_frame;

/* Fills `addresses` with return addresses of the kernel's call chain, as linked (image-relative), innermost first; returns how many.
 * `frame` is NULL for the caller's own chain. */
size_t arch_trace_calls(const struct arch_frame *frame, uint64_t *addresses, size_t count);

/* The address as linked, of kernel text at run time. */
uint64_t arch_trace_linked(uint64_t address);

/* What an exception was, in words for people: `code` as kernel_exception() had it. Returns the length, as format(). */
size_t arch_trace_exception(uint64_t code, char *text, size_t size);
