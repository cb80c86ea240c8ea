/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the counting plugin looks: one instruction each. Between the one of begin and the one of end lie one `ret`
 * and one `bl` besides what is measured.
 */
	.text
	.macro mark name
	.global \name
	.type \name, %function
\name:
	ret
	.size \name, . - \name
	.endm

	mark	bench_mark_row
	mark	bench_mark_begin
	mark	bench_mark_end
	mark	bench_mark_row_end
