/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt controller. Interrupts are named by the GIC's INTID: 0 to 15 inter-processor, 16 to 31
 * private to a core, from 32 on shared.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arch_handover;

#define ARCH_IRQ_NONE      1023u /* nothing pending */
#define ARCH_IRQ_SPECIAL   1020u /* INTIDs from here on are no interrupts */
#define ARCH_IRQ_FIRST_SHARED 32u

/* Once, on the boot core: everything disabled. */
void arch_irq_init(const struct arch_handover *boot);

/* On every core, after arch_irq_init(): its interface open, inter-processor interrupts enabled. */
void arch_irq_init_core(void);

/* Lets `intid` through to this core; or holds it back. */
void arch_irq_enable(uint32_t intid);
void arch_irq_disable(uint32_t intid);

/* A shared interrupt, which must be disabled, is signalled by an edge; or by a level. */
void arch_irq_set_edge(uint32_t intid, bool edge);

/* INTIDs below this exist. */
uint32_t arch_irq_count(void);

/* An interrupt waits for this core to take it. */
bool arch_irq_is_pending(void);

/* Takes the pending interrupt of highest priority; ARCH_IRQ_NONE if there is none. It is active until arch_irq_done(). */
uint32_t arch_irq_take(void);
void arch_irq_done(uint32_t intid);
