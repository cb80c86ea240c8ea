/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of hostile.c that C cannot say. FP instructions are written as numbers: the assembler is told
 * that there are none.
 */
	.section .text.start, "ax"
	.global _start
_start:
	/* What does the kernel leave in the registers of a new thread? */
	adrp	x30, first_registers		/* x30 itself cannot be seen */
	add	x30, x30, :lo12:first_registers
	stp	x0, x1, [x30]
	stp	x2, x3, [x30, #16]
	stp	x4, x5, [x30, #32]
	stp	x6, x7, [x30, #48]
	stp	x8, x9, [x30, #64]
	stp	x10, x11, [x30, #80]
	stp	x12, x13, [x30, #96]
	stp	x14, x15, [x30, #112]
	stp	x16, x17, [x30, #128]
	stp	x18, x19, [x30, #144]
	stp	x20, x21, [x30, #160]
	stp	x22, x23, [x30, #176]
	stp	x24, x25, [x30, #192]
	stp	x26, x27, [x30, #208]
	stp	x28, x29, [x30, #224]
	mov	x1, sp
	mrs	x2, tpidr_el0
	stp	x1, x2, [x30, #240]
	adrp	x1, _stack_top
	add	x1, x1, :lo12:_stack_top
	mov	sp, x1
	mov	x29, #0
	mov	x30, #0
	bl	strata_main
	brk	#0

	.text
/* Calls the system with all registers from x0[0..30], and stores them there afterwards; x0[31] = tpidr_el0. x30 and
 * sp are checked here: x0 = 0 if they came back as they were. */
.macro raw_call name, immediate
	.global \name
	.balign 16
\name:
	sub	sp, sp, #128
	stp	x19, x20, [sp]
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
	mov	x1, sp
	stp	x0, x1, [sp, #96]
	ldr	x1, [x0, #248]
	msr	tpidr_el0, x1
	mov	x30, x0
	ldp	x2, x3, [x30, #16]
	ldp	x4, x5, [x30, #32]
	ldp	x6, x7, [x30, #48]
	ldp	x8, x9, [x30, #64]
	ldp	x10, x11, [x30, #80]
	ldp	x12, x13, [x30, #96]
	ldp	x14, x15, [x30, #112]
	ldp	x16, x17, [x30, #128]
	ldp	x18, x19, [x30, #144]
	ldp	x20, x21, [x30, #160]
	ldp	x22, x23, [x30, #176]
	ldp	x24, x25, [x30, #192]
	ldp	x26, x27, [x30, #208]
	ldp	x28, x29, [x30, #224]
	ldp	x0, x1, [x30]
	svc	#\immediate
	stp	x0, x1, [x30]
	ldr	x0, [sp, #96]
	stp	x2, x3, [x30, #16]
	stp	x4, x5, [x30, #32]
	stp	x6, x7, [x30, #48]
	stp	x8, x9, [x30, #64]
	stp	x10, x11, [x30, #80]
	stp	x12, x13, [x30, #96]
	stp	x14, x15, [x30, #112]
	stp	x16, x17, [x30, #128]
	stp	x18, x19, [x30, #144]
	stp	x20, x21, [x30, #160]
	stp	x22, x23, [x30, #176]
	stp	x24, x25, [x30, #192]
	stp	x26, x27, [x30, #208]
	stp	x28, x29, [x30, #224]
	mrs	x1, tpidr_el0
	str	x1, [x30, #248]
	mov	x2, sp
	ldr	x1, [sp, #104]
	sub	x1, x1, x2
	sub	x0, x0, x30
	orr	x0, x0, x1
	ldp	x19, x20, [sp]
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	add	sp, sp, #128
	ret
.endm

	raw_call raw_call_0, 0
	raw_call raw_call_1, 1
	raw_call raw_call_65535, 65535

	.bss
	.balign 16
	.global	first_registers
first_registers:
	.space	256
