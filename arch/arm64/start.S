/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's first instructions on every core, entered by the boot stage with MMU and caches on.
 */
#include "asm.h"
#include "core.h"

	.section .text.entry, "ax"

/* FROM: boot stage. x0 = core number, x1 = struct handover. IRQ: masked. TTBR0: the boot identity map. */
func kernel_entry
	adrp	x2, kernel_vectors
	add	x2, x2, :lo12:kernel_vectors
	msr	vbar_el1, x2
	isb

	ldr	x2, =(KV_STACKS + STACK_TOP_OFFSET)
	add	x2, x2, x0, lsl #STACK_SLOT_SHIFT
	mov	sp, x2

	adrp	x3, arch_cores
	add	x3, x3, :lo12:arch_cores
	add	x3, x3, x0, lsl #CORE_STRIDE_LOG2
	msr	tpidr_el1, x3
	str	x2, [x3, #CORE_STACK_TOP]
	str	x0, [x3, #CORE_NUMBER]

	mov	x29, #0				/* call chains end here */
	mov	x30, #0
	bl	arch_start
	b	.
endfunc kernel_entry
