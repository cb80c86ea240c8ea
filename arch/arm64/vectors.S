/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exception vectors (Arm ARM, "Exception vectors"): into the kernel and back to user code.
 */
#include "asm.h"
#include "core.h"
#include "arch_frame.h"

	.text

/* Stores all registers but sp, pc, pstate in the frame at sp. */
.macro save_general
	stp	x0, x1, [sp, #FRAME_X(0)]
	stp	x2, x3, [sp, #FRAME_X(2)]
	stp	x4, x5, [sp, #FRAME_X(4)]
	stp	x6, x7, [sp, #FRAME_X(6)]
	stp	x8, x9, [sp, #FRAME_X(8)]
	stp	x10, x11, [sp, #FRAME_X(10)]
	stp	x12, x13, [sp, #FRAME_X(12)]
	stp	x14, x15, [sp, #FRAME_X(14)]
	stp	x16, x17, [sp, #FRAME_X(16)]
	stp	x18, x19, [sp, #FRAME_X(18)]
	stp	x20, x21, [sp, #FRAME_X(20)]
	stp	x22, x23, [sp, #FRAME_X(22)]
	stp	x24, x25, [sp, #FRAME_X(24)]
	stp	x26, x27, [sp, #FRAME_X(26)]
	stp	x28, x29, [sp, #FRAME_X(28)]
.endm

/*
 * FROM: EL0.  IRQ: masked.  LIVE: all x registers are the user's.
 * ATLAS: tpidr_el1 = this core;  sp = this thread's frame, then this core's stack.
 */
.macro vector_user door
	.balign 0x80
	save_general
	mrs	x1, sp_el0
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	mrs	x4, tpidr_el0
	stp	x30, x1, [sp, #FRAME_X(30)]
	stp	x2, x3, [sp, #FRAME_PC]
	str	x4, [sp, #FRAME_TLS]
	mov	x0, sp
	b	\door
.endm

/*
 * FROM: EL1, which is an error of ours: the kernel runs with interrupts masked and touches nothing that
 * can fault.  ATLAS: sp = this core's stack, perhaps overflown.
 */
.macro vector_kernel kind
	.balign 0x80
	sub	sp, sp, #FRAME_SIZE
	add	sp, sp, x0			/* x0 and sp, exchanged without memory: */
	sub	x0, sp, x0
	tbz	x0, #15, stack_overflow		/* a stack fills 0x8000 to 0xc000 of its slot */
	sub	x0, sp, x0
	sub	sp, sp, x0
	stp	x0, x1, [sp, #FRAME_X(0)]
	mov	x1, #\kind
	b	el1_exception
.endm

/* What trap_kernel takes a stack overflow for; the vectors themselves are 0 to 15. */
#define STACK_OVERFLOW 16

.macro vector_unused kind
	.balign 0x80
	mov	x1, #\kind
	b	el1_exception_unused
.endm

	.balign 0x800
	.global kernel_vectors
	.hidden kernel_vectors
kernel_vectors:
	vector_unused	0			/* EL1 with SP_EL0: never selected */
	vector_unused	1
	vector_unused	2
	vector_unused	3
	vector_kernel	4			/* EL1 with SP_EL1: synchronous, IRQ, FIQ, SError */
	vector_kernel	5
	vector_kernel	6
	vector_kernel	7
	vector_user	user_sync
	vector_user	user_irq
	vector_user	user_fiq
	vector_user	user_serror
	vector_unused	12			/* AArch32: EL0 never runs it, SPSR says so */
	vector_unused	13
	vector_unused	14
	vector_unused	15
	.balign 0x80

.macro user_door name, target
\name:
	mrs	x1, tpidr_el1
	ldr	x2, [x1, #CORE_STACK_TOP]
	mov	sp, x2
	mov	x29, #0				/* call chains end here */
	mov	x30, #0
	bl	\target
	b	.				/* doors leave by arch_return_to_user */
.endm

	user_door user_sync, trap_user_sync
	user_door user_irq, trap_user_irq
	user_door user_fiq, trap_user_fiq
	user_door user_serror, trap_user_serror

/* x0 = the frame to go on with. ERET synchronises the context (SCTLR_EL1.EOS = 1). */
func arch_return_to_user
	mov	sp, x0
	ldp	x1, x2, [sp, #FRAME_PC]
	ldr	x3, [sp, #FRAME_TLS]
	ldr	x4, [sp, #FRAME_SP]
	msr	elr_el1, x1
	msr	spsr_el1, x2
	msr	tpidr_el0, x3
	msr	sp_el0, x4
	ldp	x0, x1, [sp, #FRAME_X(0)]
	ldp	x2, x3, [sp, #FRAME_X(2)]
	ldp	x4, x5, [sp, #FRAME_X(4)]
	ldp	x6, x7, [sp, #FRAME_X(6)]
	ldp	x8, x9, [sp, #FRAME_X(8)]
	ldp	x10, x11, [sp, #FRAME_X(10)]
	ldp	x12, x13, [sp, #FRAME_X(12)]
	ldp	x14, x15, [sp, #FRAME_X(14)]
	ldp	x16, x17, [sp, #FRAME_X(16)]
	ldp	x18, x19, [sp, #FRAME_X(18)]
	ldp	x20, x21, [sp, #FRAME_X(20)]
	ldp	x22, x23, [sp, #FRAME_X(22)]
	ldp	x24, x25, [sp, #FRAME_X(24)]
	ldp	x26, x27, [sp, #FRAME_X(26)]
	ldp	x28, x29, [sp, #FRAME_X(28)]
	ldr	x30, [sp, #FRAME_X(30)]
	eret
	speculation_barrier
endfunc arch_return_to_user

/* x1 = vector, x0 and x1 are saved already, sp = frame on the stack that was in use. */
el1_exception:
	stp	x2, x3, [sp, #FRAME_X(2)]
	stp	x4, x5, [sp, #FRAME_X(4)]
	stp	x6, x7, [sp, #FRAME_X(6)]
	stp	x8, x9, [sp, #FRAME_X(8)]
	stp	x10, x11, [sp, #FRAME_X(10)]
	stp	x12, x13, [sp, #FRAME_X(12)]
	stp	x14, x15, [sp, #FRAME_X(14)]
	stp	x16, x17, [sp, #FRAME_X(16)]
	stp	x18, x19, [sp, #FRAME_X(18)]
	stp	x20, x21, [sp, #FRAME_X(20)]
	stp	x22, x23, [sp, #FRAME_X(22)]
	stp	x24, x25, [sp, #FRAME_X(24)]
	stp	x26, x27, [sp, #FRAME_X(26)]
	stp	x28, x29, [sp, #FRAME_X(28)]
	add	x4, sp, #FRAME_SIZE
	cmp	x1, #STACK_OVERFLOW
	b.ne	1f
	mrs	x4, tpidrro_el0			/* the stack that has overflown */
1:	stp	x30, x4, [sp, #FRAME_X(30)]
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	stp	x2, x3, [sp, #FRAME_PC]
	mov	x0, sp
	bl	trap_kernel			/* panics */
	b	.

/* x0 = the frame's place, below the stack; sp - x0 was x0. Goes on on a stack kept for this. What user code keeps in the
 * two registers used here is lost: nothing goes on after this. */
stack_overflow:
	add	x0, x0, #FRAME_SIZE
	msr	tpidrro_el0, x0			/* sp as it was */
	sub	x0, x0, #FRAME_SIZE
	sub	x0, sp, x0			/* x0 as it was */
	msr	tpidr_el0, x0
	adrp	x0, panic_stack_top
	mov	sp, x0
	mrs	x0, tpidr_el0
	sub	sp, sp, #FRAME_SIZE
	stp	x0, x1, [sp, #FRAME_X(0)]
	mov	x1, #STACK_OVERFLOW
	b	el1_exception

el1_exception_unused:
	adrp	x0, panic_stack_top
	mov	sp, x0
	sub	sp, sp, #FRAME_SIZE
	b	el1_exception

	.section .bss.panic_stack, "aw", %nobits
	.balign 4096
	.space	8192
panic_stack_top:
