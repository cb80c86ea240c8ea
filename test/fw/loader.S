/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stands in for a boot loader that hands over whatever the test wants, where QEMU's own loader would
 * refuse, and for firmware at EL3. The test puts three words behind LOADER_PARAMETERS:
 *
 *   where to jump to; what x0 is then; and how:
 *   2  at EL2, or EL1 if the core starts there
 *   3  at EL3, if the core starts there
 *   4  from EL2 at EL1, with a virtual SError pending
 *   5  from EL2 at EL1, where the first WFI makes a virtual SError pending
 *
 * Other cores that enter too (raspi4b) wait as the Pi's firmware has them wait: on the words from 0xd8 on.
 */
	.text
	.global	_start
_start:
	ldr	x20, =LOADER_PARAMETERS
	mrs	x0, CurrentEL
	cmp	x0, #(3 << 2)
	b.ne	go
	ldr	x0, [x20, #16]
	cmp	x0, #3
	b.eq	go

	mov	x0, #0x5b1			/* SCR_EL3: RW, HCE, SMD, RES1, NS */
	msr	scr_el3, x0
	msr	cptr_el3, xzr
	ldr	x0, =54000000
	msr	cntfrq_el0, x0
	ldr	x0, =0x30c50830			/* SCTLR_EL2: RES1 */
	msr	sctlr_el2, x0
	mov	x0, #0x3c9			/* EL2h, all masked */
	msr	spsr_el3, x0
	adr	x0, go
	msr	elr_el3, x0
	eret

go:	mrs	x0, mpidr_el1
	ands	x0, x0, #0xff
	b.ne	park
	ldr	x1, [x20, #16]
	cmp	x1, #4
	b.ge	go_el1
	ldp	x4, x0, [x20]
	mov	x1, #0
	mov	x2, #0
	mov	x3, #0
	br	x4

go_el1:	ldr	x2, =0x80000120			/* HCR_EL2: RW, AMO, VSE */
	ldr	x3, =0x80002020			/* RW, AMO, TWI */
	cmp	x1, #4
	csel	x2, x2, x3, eq
	msr	hcr_el2, x2
	adr	x2, el2_vectors
	msr	vbar_el2, x2
	mrs	x2, midr_el1
	msr	vpidr_el2, x2
	mrs	x2, mpidr_el1
	msr	vmpidr_el2, x2
	msr	cntvoff_el2, xzr
	mov	x2, #0x3c5			/* EL1h, all masked */
	msr	spsr_el2, x2
	ldp	x4, x0, [x20]
	msr	elr_el2, x4
	eret

/* Comes from EL1 or EL0 by the trapped WFI only: passes over it, with an SError pending and no more traps. */
	.balign 0x800
el2_vectors:
	.space	0x400
	msr	tpidr_el2, x0
	ldr	x0, =0x80000120
	msr	hcr_el2, x0
	mrs	x0, elr_el2
	add	x0, x0, #4
	msr	elr_el2, x0
	mrs	x0, tpidr_el2
	eret
	.balign	0x80

park:	mov	x1, #0xd8
1:	wfe
	ldr	x4, [x1, x0, lsl #3]
	cbz	x4, 1b
	mov	x0, #0
	br	x4
