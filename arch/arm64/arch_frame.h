/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of a thread outside of the kernel. While user code runs, SP_EL1 points to its frame.
 * Offsets for the assembler, checked by the compiler.
 */
#pragma once

#define FRAME_X(n)   (8 * (n))
#define FRAME_SP     248
#define FRAME_PC     256
#define FRAME_PSTATE 264
#define FRAME_TLS    272
/* Behind the frame of a thread stand its ten message registers (kern/thread.h). */
#define FRAME_MESSAGE(n) (FRAME_SIZE + 8 * (n))
#define FRAME_SIZE   288 /* a multiple of 16: exceptions of the kernel itself push one on its stack */

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

struct arch_frame {
	uint64_t x[31];
	uint64_t sp;
	uint64_t pc;
	uint64_t pstate;
	uint64_t tls; /* TPIDR_EL0 */
	uint64_t unused;
};

_Static_assert(offsetof(struct arch_frame, sp) == FRAME_SP, "used by vectors.S");
_Static_assert(offsetof(struct arch_frame, pc) == FRAME_PC, "used by vectors.S");
_Static_assert(offsetof(struct arch_frame, pstate) == FRAME_PSTATE, "used by vectors.S");
_Static_assert(offsetof(struct arch_frame, tls) == FRAME_TLS, "used by vectors.S");
_Static_assert(sizeof(struct arch_frame) == FRAME_SIZE, "used by vectors.S");

#endif
