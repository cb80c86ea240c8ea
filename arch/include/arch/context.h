/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread's registers as kern/ may touch them, and the way into user code.
 */
#pragma once

#include <arch_frame.h> /* struct arch_frame, embedded by value */

#include <stdint.h>

/* A thread that begins at `pc`; all that is not named is 0. */
void arch_frame_init(struct arch_frame *frame, uint64_t pc, uint64_t sp, uint64_t argument, uint64_t tls);

/* The registers by number: x0 to x30, then as enum register_word. What user code must not choose (the mode, masks) is
 * left out of pstate when it is written. */
uint64_t arch_frame_register(const struct arch_frame *frame, unsigned index);
void arch_frame_set_register(struct arch_frame *frame, unsigned index, uint64_t value);

/* Lets the system call that the frame came in with be made again. */
void arch_frame_repeat_syscall(struct arch_frame *frame);

/* Runs user code with all registers of the frame. */
_Noreturn void arch_return_full(struct arch_frame *frame);

/* Runs user code behind its system call: x0 to x9 from `message`, x10 to x18 zero, the others from the frame. */
_Noreturn void arch_return_light(struct arch_frame *frame, const uint64_t *message);

/* Makes the address space with these tables and this ASID the one of this core. Takes effect with the return to user code. */
void arch_enter_address_space(uint64_t table_physical, uint32_t asid);

/* No user address is mapped any more on this core. */
void arch_leave_address_space(void);

/* Where user code finds its UTCB. */
void arch_set_utcb(uint64_t utcb_va);
