/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt controller. Interrupts are named by the GIC's INTID: 0 to 15 inter-processor, 16 to 31
 * private to a core, from 32 on shared.
 */
#pragma once

#include <stdint.h>

struct arch_handover;

#define ARCH_IRQ_NONE      1023u /* nothing pending */
#define ARCH_IRQ_SPECIAL   1020u /* INTIDs from here on are no interrupts */
#define ARCH_IRQ_FIRST_PPI 16u

/* Once, on the boot core: everything disabled. */
void arch_irq_init(const struct arch_handover *boot);

/* On every core, after arch_irq_init(): its interface open, inter-processor interrupts enabled. */
void arch_irq_init_core(void);

/* Lets `intid` through to this core. */
void arch_irq_enable(uint32_t intid);

/* Takes the pending interrupt of highest priority; ARCH_IRQ_NONE if there is none. It is active until arch_irq_done(). */
uint32_t arch_irq_take(void);
void arch_irq_done(uint32_t intid);
