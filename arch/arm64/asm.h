/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every assembly file of this folder shares. Included by .S files only.
 */
#pragma once

#include "layout.h"

.macro func name
	.global \name
	.hidden \name
	.type \name, %function
	.balign 16
\name:
	.cfi_startproc
.endm

.macro endfunc name
	.cfi_endproc
	.size \name, . - \name
.endm

/*
 * The end of a path that left by ERET: the core may speculate past it, with the registers of the
 * kernel, until the ERET resolves (Arm: "Straight-line speculation"). Never executed.
 */
.macro speculation_barrier
	dsb	nsh
	isb
.endm
