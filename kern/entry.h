/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doors into kern/: what arch/ calls. All of them run with interrupts masked, on the core's own stack.
 * The running thread's registers are saved in its frame: the one that arch_return_full() or arch_return_light() was last given.
 */
#pragma once

#include <abi/message.h>

#include <stdint.h>

struct handover;

/* Every core, once: `core` is its number. Core 0 brings the system up, the others join. */
_Noreturn void kernel_main(uint32_t core, struct handover *boot);

/* SVC with this immediate. The frame is light: x0 to x9 are in the message registers behind it. */
_Noreturn void kernel_syscall(uint32_t operation);

/* User code touched `address`, which its address space does not let it; `code` is the architecture's (ESR_EL1). */
_Noreturn void kernel_fault(uint64_t code, uint64_t address, enum fault_access access);

/* It used FP/SIMD registers, which are not its own now. */
_Noreturn void kernel_fp_trap(void);

/* The exception has no address of its own. */
#define FAULT_NO_ADDRESS UINT64_MAX

/* It did anything else that it cannot go on from; `code` is the architecture's (ESR_EL1), `address` belongs to it, and may be
 * FAULT_NO_ADDRESS. */
_Noreturn void kernel_exception(uint64_t code, uint64_t address);

/* An interrupt is pending. */
_Noreturn void kernel_irq(void);

/* Takes the interrupts that are pending, without leaving the kernel. */
void kernel_take_interrupts(void);
