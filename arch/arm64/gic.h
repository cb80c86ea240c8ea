/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two generations of the GIC behind one table: irq.c picks at boot.
 */
#pragma once

#include "arch_handover.h"

struct gic_driver {
	void (*init)(const struct arch_handover *boot);
	void (*init_core)(void);
	void (*enable)(uint32_t intid);
	void (*disable)(uint32_t intid);
	uint32_t (*take)(void);
	void (*done)(uint32_t intid);
	void (*send)(uint32_t core, uint32_t sgi);
};

extern const struct gic_driver gicv2_driver;
extern const struct gic_driver gicv3_driver;

/* Interrupt IDs that a distributor has, from GICD_TYPER.ITLinesNumber. */
uint32_t gic_line_count(uint64_t distributor);

/* Disables all shared interrupts, and makes them level triggered, of middle priority. Registers that both generations
 * have at the same places. */
void gic_reset_shared(uint64_t distributor);

/* The same for the 32 private ones of a core (GICv2: banked at the distributor, GICv3: in SGI_base). */
void gic_reset_private(uint64_t registers);

#define GICD_CTLR        0x000
#define GICD_TYPER       0x004
#define GICD_IGROUPR     0x080
#define GICD_ISENABLER   0x100
#define GICD_ICENABLER   0x180
#define GICD_ICPENDR     0x280
#define GICD_ICACTIVER   0x380
#define GICD_IPRIORITYR  0x400
#define GICD_ITARGETSR   0x800
#define GICD_ICFGR       0xc00
#define GICD_SGIR        0xf00
#define GICD_IROUTER     0x6000

/* Numerically below the mask and in the non-secure half whatever the view (GICv2 spec, "Software views of interrupt
 * priority in a system that includes the Security Extensions"). */
#define GIC_PRIORITY 0xa0u
#define GIC_MASK     0xffu
