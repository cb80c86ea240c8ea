/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What arch/arm64 keeps per core. TPIDR_EL1 points to the core's own; nobody else touches it.
 */
#pragma once

#define CORE_STACK_TOP   0
#define CORE_NUMBER      8
#define CORE_STRIDE_LOG2 6

#ifndef __ASSEMBLER__

#include "insn.h"

#include <stddef.h>
#include <stdint.h>

struct core {
	uint64_t stack_top;
	uint64_t number;
	uint64_t gic_redistributor; /* GICv3: this core's frame */
	uint32_t gic_cpu_mask;      /* GICv2: this core's bit in target lists */
} __attribute__((aligned(64)));

_Static_assert(offsetof(struct core, stack_top) == CORE_STACK_TOP, "used by start.S, vectors.S");
_Static_assert(offsetof(struct core, number) == CORE_NUMBER, "used by start.S");
_Static_assert(sizeof(struct core) == 1 << CORE_STRIDE_LOG2, "used by start.S");

extern struct core arch_cores[];

static inline struct core *this_core(void)
{
	return (struct core *)READ_SYSREG(tpidr_el1);
}

#endif
