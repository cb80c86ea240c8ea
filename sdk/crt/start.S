/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program's first instructions. x0 = what the kernel or the loader passes; goes to strata_main.
 */
	.section .text.start, "ax"
	.global _start
	.type _start, %function
_start:
	adrp	x1, _stack_top
	add	x1, x1, :lo12:_stack_top
	mov	sp, x1
	mov	x29, #0
	mov	x30, #0
	bl	strata_main
	brk	#0			/* strata_main does not return */
	.size _start, . - _start
