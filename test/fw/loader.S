/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stands in for a boot loader that hands over whatever the test wants, where QEMU's own loader would
 * refuse, and for firmware at EL3. The test puts three words behind LOADER_PARAMETERS:
 *
 *   where to jump to, what x0 is then, and 3 to stay at EL3 if that is where the core is.
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
	ldp	x4, x0, [x20]
	mov	x1, #0
	mov	x2, #0
	mov	x3, #0
	br	x4

park:	mov	x1, #0xd8
1:	wfe
	ldr	x4, [x1, x0, lsl #3]
	cbz	x4, 1b
	mov	x0, #0
	br	x4
