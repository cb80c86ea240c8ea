/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doors into kern/: what arch/ calls. All of them run with interrupts masked, on the core's own stack.
 */
#pragma once

#include <stdint.h>

struct arch_frame;
struct handover;

/* Every core, once: `core` is its number. Core 0 brings the system up, the others join. */
_Noreturn void kernel_main(uint32_t core, struct handover *boot);

/* The thread whose frame this is called the system; `operation` is the immediate of its SVC. */
_Noreturn void kernel_syscall(struct arch_frame *frame, uint32_t operation);

enum fault_access { FAULT_READ, FAULT_WRITE, FAULT_EXECUTE };

/* It touched `address`, which its address space does not let it. `kind` is a word or two for people. */
_Noreturn void kernel_fault(struct arch_frame *frame, uint64_t address, enum fault_access access,
			    const char *kind);

/* The exception has no address of its own. */
#define FAULT_NO_ADDRESS UINT64_MAX

/* It did anything else that it cannot go on from; `code` is the architecture's (ESR_EL1), `what` for people;
 * `address` may be FAULT_NO_ADDRESS. */
_Noreturn void kernel_exception(struct arch_frame *frame, uint64_t code, uint64_t address, const char *what);

/* An interrupt is pending; frame is the thread that it interrupted. */
_Noreturn void kernel_irq(struct arch_frame *frame);
