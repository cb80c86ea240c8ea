/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What C cannot say: system calls with every register chosen and seen, and the FP/SIMD registers.
 */
	.arch	armv8-a+fp
	.text

/* x0 = 32 registers, as raw_system_call() has them; sp = 112 bytes below the caller's. */
.macro one_call number
	ldp	x2, x3, [x0, #16]
	ldp	x4, x5, [x0, #32]
	ldp	x6, x7, [x0, #48]
	ldp	x8, x9, [x0, #64]
	ldp	x10, x11, [x0, #80]
	ldp	x12, x13, [x0, #96]
	ldp	x14, x15, [x0, #112]
	ldp	x16, x17, [x0, #128]
	ldp	x18, x19, [x0, #144]
	ldp	x20, x21, [x0, #160]
	ldp	x22, x23, [x0, #176]
	ldp	x24, x25, [x0, #192]
	ldp	x26, x27, [x0, #208]
	ldp	x28, x29, [x0, #224]
	ldr	x30, [x0, #240]
	ldp	x0, x1, [x0]
	svc	#\number
	b	after_call
.endm

	.global	raw_system_call
	.type	raw_system_call, %function
raw_system_call:
	sub	sp, sp, #128
	stp	x19, x20, [sp]
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
	str	x0, [sp, #96]
	cmp	w1, #7
	b.eq	7f
	cmp	w1, #6
	b.eq	6f
	cmp	w1, #5
	b.eq	5f
	cmp	w1, #4
	b.eq	4f
	cmp	w1, #3
	b.eq	3f
	cmp	w1, #2
	b.eq	2f
	cmp	w1, #1
	b.eq	1f
	one_call 0
1:	one_call 1
2:	one_call 2
3:	one_call 3
4:	one_call 4
5:	one_call 5
6:	one_call 6
7:	one_call 0xffff

after_call:
	stp	x0, x1, [sp, #104]
	ldr	x0, [sp, #96]
	stp	x2, x3, [x0, #16]
	stp	x4, x5, [x0, #32]
	stp	x6, x7, [x0, #48]
	stp	x8, x9, [x0, #64]
	stp	x10, x11, [x0, #80]
	stp	x12, x13, [x0, #96]
	stp	x14, x15, [x0, #112]
	stp	x16, x17, [x0, #128]
	stp	x18, x19, [x0, #144]
	stp	x20, x21, [x0, #160]
	stp	x22, x23, [x0, #176]
	stp	x24, x25, [x0, #192]
	stp	x26, x27, [x0, #208]
	stp	x28, x29, [x0, #224]
	str	x30, [x0, #240]
	ldp	x1, x2, [sp, #104]
	stp	x1, x2, [x0]
	mrs	x1, nzcv
	str	x1, [x0, #248]
	ldp	x19, x20, [sp]
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	add	sp, sp, #128
	ret
	.size	raw_system_call, . - raw_system_call

/* x0 = a thread's struct thread_start. */
	.global	thread_entry
	.type	thread_entry, %function
thread_entry:
	mov	x29, #0
	mov	x30, #0
	bl	thread_main
	brk	#1
	.size	thread_entry, . - thread_entry

/* Thread functions for which C would leave its own marks. They are started at, not called. */

/* x0 = 34 words: x0 to x30, sp, TPIDR_EL0, then 1: stored. */
	.global	store_first_registers
	.type	store_first_registers, %function
store_first_registers:
	stp	x0, x1, [x0]
	stp	x2, x3, [x0, #16]
	stp	x4, x5, [x0, #32]
	stp	x6, x7, [x0, #48]
	stp	x8, x9, [x0, #64]
	stp	x10, x11, [x0, #80]
	stp	x12, x13, [x0, #96]
	stp	x14, x15, [x0, #112]
	stp	x16, x17, [x0, #128]
	stp	x18, x19, [x0, #144]
	stp	x20, x21, [x0, #160]
	stp	x22, x23, [x0, #176]
	stp	x24, x25, [x0, #192]
	stp	x26, x27, [x0, #208]
	stp	x28, x29, [x0, #224]
	mov	x1, sp
	stp	x30, x1, [x0, #240]
	mrs	x1, tpidr_el0
	mov	x2, #1
	stp	x1, x2, [x0, #256]
1:	b	1b
	.size	store_first_registers, . - store_first_registers

/* x0 = a word that is counted up for ever by x1; x2 to x30 are 0x5000 + their number; N and C are set. */
	.global	spin_with_pattern
	.type	spin_with_pattern, %function
spin_with_pattern:
	.irp	n, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
	mov	x\n, #0x5000 + \n
	.endr
	mov	x1, #0xa0000000
	msr	nzcv, x1
	.global	spin_loop
spin_loop:
	ldr	x1, [x0]
	add	x1, x1, #1
	str	x1, [x0]
	b	spin_loop
	.size	spin_with_pattern, . - spin_with_pattern

/* Functions of 8 bytes each, one after the other: an instruction that user code must not execute, and a return. */
	.arch	armv8.2-a
	.global	privileged_functions
	.global	privileged_functions_end
	.balign	8
.macro forbidden instruction:vararg
	\instruction
	ret
.endm
privileged_functions:
	forbidden msr	daifset, #2
	forbidden mrs	x0, daif
	forbidden msr	daif, x0
	forbidden msr	spsel, #1
	forbidden mrs	x0, currentel
	forbidden msr	cntv_ctl_el0, xzr
	forbidden mrs	x0, cntv_ctl_el0
	forbidden msr	cntv_cval_el0, xzr
	forbidden msr	cntv_tval_el0, xzr
	forbidden msr	cntp_ctl_el0, xzr
	forbidden msr	cntkctl_el1, xzr
	forbidden mrs	x0, sctlr_el1
	forbidden msr	sctlr_el1, xzr
	forbidden msr	ttbr0_el1, xzr
	forbidden mrs	x0, ttbr0_el1
	forbidden msr	tcr_el1, xzr
	forbidden msr	vbar_el1, xzr
	forbidden msr	cpacr_el1, xzr
	forbidden msr	tpidr_el1, xzr
	forbidden mrs	x0, tpidr_el1
	forbidden msr	tpidrro_el0, xzr
	forbidden msr	sp_el0, x0
	forbidden mrs	x0, elr_el1
	forbidden mrs	x0, esr_el1
	forbidden mrs	x0, far_el1
	forbidden mrs	x0, spsr_el1
	forbidden msr	mdscr_el1, xzr
	forbidden mrs	x0, mpidr_el1
	forbidden msr	pmcr_el0, xzr
	forbidden mrs	x0, pmccntr_el0
	forbidden msr	pmuserenr_el0, x0
	forbidden mrs	x0, s3_0_c12_c12_0	/* ICC_IAR1_EL1 */
	forbidden msr	s3_0_c12_c12_1, xzr	/* ICC_EOIR1_EL1 */
	forbidden msr	s3_0_c4_c6_0, xzr	/* ICC_PMR_EL1 */
	forbidden msr	s3_0_c12_c11_5, xzr	/* ICC_SGI1R_EL1 */
	forbidden tlbi	vmalle1
	forbidden tlbi	vmalle1is
	forbidden ic	iallu
	forbidden dc	isw, xzr
	forbidden dc	ivac, x0
	forbidden at	s1e1r, x0
	forbidden hvc	#0
	forbidden smc	#0
	forbidden eret
	forbidden brk	#5
	forbidden hlt	#1
	forbidden .inst	0x00000000
	forbidden .inst	0xffffffff
	forbidden dcps1
	forbidden mrs	x0, hcr_el2
	forbidden msr	vbar_el2, xzr
privileged_functions_end:

/* What user code may execute: x0 = an address that it may write. */
	.global	permitted_instructions
permitted_instructions:
	mrs	x1, cntvct_el0
	mrs	x1, cntfrq_el0
	mrs	x1, ctr_el0
	mrs	x1, dczid_el0
	mrs	x1, tpidrro_el0
	mrs	x1, tpidr_el0
	mrs	x1, nzcv
	dc	cvac, x0
	dc	cvau, x0
	dc	civac, x0
	ic	ivau, x0
	dc	zva, x0
	wfe
	isb
	dsb	sy
	yield
	ret

/* x0 = a word to be set when it goes on. Loads a pattern, traps, and stores what it then has at x0 + 8: x1 to x30. */
	.global	trap_with_pattern
trap_with_pattern:
	.irp	n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
	mov	x\n, #0x7000 + \n
	.endr
	.global	trap_instruction
trap_instruction:
	brk	#0x123
	stp	x1, x2, [x0, #8]
	stp	x3, x4, [x0, #24]
	stp	x5, x6, [x0, #40]
	stp	x7, x8, [x0, #56]
	stp	x9, x10, [x0, #72]
	stp	x11, x12, [x0, #88]
	stp	x13, x14, [x0, #104]
	stp	x15, x16, [x0, #120]
	stp	x17, x18, [x0, #136]
	stp	x19, x20, [x0, #152]
	stp	x21, x22, [x0, #168]
	stp	x23, x24, [x0, #184]
	stp	x25, x26, [x0, #200]
	stp	x27, x28, [x0, #216]
	stp	x29, x30, [x0, #232]
	mov	x1, sp
	mrs	x2, nzcv
	stp	x1, x2, [x0, #248]
	mrs	x1, tpidr_el0
	str	x1, [x0, #264]
	mov	x1, #1
	str	x1, [x0]
1:	b	1b

	.arch	armv8-a+fp+simd
/* x0 = a number: all FP/SIMD registers are made of it, and FPCR and FPSR. */
	.global	fp_fill
	.type	fp_fill, %function
fp_fill:
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	add	x1, x0, #\n
	dup	v\n\().2d, x1
	.endr
	and	x1, x0, #3
	lsl	x1, x1, #22			/* rounding mode */
	msr	fpcr, x1
	and	x1, x0, #0x1f
	msr	fpsr, x1
	ret
	.size	fp_fill, . - fp_fill

/* x0 = 66 words: q0 to q31, FPCR, FPSR. */
	.global	fp_store
	.type	fp_store, %function
fp_store:
	stp	q0, q1, [x0]
	stp	q2, q3, [x0, #32]
	stp	q4, q5, [x0, #64]
	stp	q6, q7, [x0, #96]
	stp	q8, q9, [x0, #128]
	stp	q10, q11, [x0, #160]
	stp	q12, q13, [x0, #192]
	stp	q14, q15, [x0, #224]
	stp	q16, q17, [x0, #256]
	stp	q18, q19, [x0, #288]
	stp	q20, q21, [x0, #320]
	stp	q22, q23, [x0, #352]
	stp	q24, q25, [x0, #384]
	stp	q26, q27, [x0, #416]
	stp	q28, q29, [x0, #448]
	stp	q30, q31, [x0, #480]
	mrs	x1, fpcr
	mrs	x2, fpsr
	str	x1, [x0, #512]
	str	x2, [x0, #520]
	ret
	.size	fp_store, . - fp_store

/* For threads that are started at random. */
	.global	yield_for_ever
yield_for_ever:
	svc	#4
	b	yield_for_ever
