/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FP/SIMD registers of a thread, while they are not in a core.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arch_fp {
	uint64_t v[64]; /* V0 to V31 */
	uint64_t status, control;
} __attribute__((aligned(16)));

/* Both need the registers to be enabled. */
void arch_fp_save(struct arch_fp *fp);
void arch_fp_load(const struct arch_fp *fp);

/* Lets user code use the registers, and the kernel move them; or makes user code trap. Takes effect for
 * user code with the exception return. */
void arch_fp_enable(bool enable);
