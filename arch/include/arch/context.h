/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread's registers as kern/ may touch them, and the way into user code.
 */
#pragma once

#include <arch_frame.h> /* struct arch_frame, embedded by value */

#include <stdint.h>

/* Message words and the values beside them, as the system call ABI places them in registers. */
void arch_frame_init(struct arch_frame *frame, uint64_t pc, uint64_t argument);
uint64_t arch_frame_word(const struct arch_frame *frame, unsigned index);
void arch_frame_set_word(struct arch_frame *frame, unsigned index, uint64_t value);

/* Runs the thread whose registers `frame` holds, on this core, in the address space entered last. */
_Noreturn void arch_return_to_user(struct arch_frame *frame);

/* Makes the address space with these tables and this ASID the one of this core; `utcb` is for user code to find its UTCB. */
void arch_enter_address_space(uint64_t table_physical, uint32_t asid, uint64_t utcb);
