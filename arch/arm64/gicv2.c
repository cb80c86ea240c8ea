/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GICv2 (Arm IHI 0048): QEMU virt's default, and the Pi 4's GIC-400. Written for the non-secure view that
 * the Pi's firmware leaves us, and for QEMU's model without Security Extensions: bit 0 of both control
 * registers enables in both, and the groups are not ours to change.
 */
#include "core.h"
#include "gic.h"
#include "insn.h"

#include <arch/cpu.h>
#include <arch/irq.h>

#define GICC_CTLR 0x00
#define GICC_PMR  0x04
#define GICC_BPR  0x08
#define GICC_IAR  0x0c
#define GICC_EOIR 0x10

#define INTID_MASK 0x3ffu

static uint64_t distributor, cpu_interface;

static void init(const struct arch_handover *boot)
{
	distributor = boot->gic_distributor;
	cpu_interface = boot->gic_cpu_interface;
	write32(distributor + GICD_CTLR, 0);
	gic_reset_shared(distributor);
	write32(distributor + GICD_CTLR, 1);
}

/* The banked GICD_ITARGETSR0 reads as this core's own bit; on a single core it may read as zero. */
static uint32_t own_target_bit(void)
{
	for (uint32_t offset = 0; offset < 32; offset += 4) {
		uint32_t targets = read32(distributor + GICD_ITARGETSR + offset);
		targets |= targets >> 16;
		targets |= targets >> 8;
		if ((targets & 0xff) != 0) {
			return targets & 0xff;
		}
	}
	return 1;
}

static void init_core(void)
{
	this_core()->gic_cpu_mask = own_target_bit();
	gic_reset_private(distributor);
	write32(distributor + GICD_ISENABLER, 0xffff); /* inter-processor interrupts; always on in some */
	write32(cpu_interface + GICC_PMR, GIC_MASK);
	write32(cpu_interface + GICC_BPR, 0);
	write32(cpu_interface + GICC_CTLR, 1);
}

static void enable(uint32_t intid)
{
	if (intid >= ARCH_IRQ_FIRST_SHARED) {
		uint64_t target = distributor + GICD_ITARGETSR + (intid & ~3u);
		uint32_t shift = 8 * (intid & 3);
		uint32_t targets = read32(target) & ~(0xffu << shift);
		write32(target, targets | this_core()->gic_cpu_mask << shift);
	}
	write32(distributor + GICD_ISENABLER + 4 * (intid / 32), 1u << (intid % 32));
}

/* The distributor holds it back at once; what is active already stays so until done(). */
static void disable(uint32_t intid)
{
	write32(distributor + GICD_ICENABLER + 4 * (intid / 32), 1u << (intid % 32));
}

/* What take() read, sender included, for the matching done(); one interrupt at a time per core. */
static uint32_t taken[ARCH_CORES_MAX];

static uint32_t take(void)
{
	uint32_t value = read32(cpu_interface + GICC_IAR);
	taken[this_core()->number] = value;
	uint32_t intid = value & INTID_MASK;
	return intid >= ARCH_IRQ_SPECIAL ? ARCH_IRQ_NONE : intid;
}

/* GICC_EOIR wants the value as it was read: for an SGI it names the sender. */
static void done(uint32_t intid)
{
	uint32_t value = taken[this_core()->number];
	write32(cpu_interface + GICC_EOIR, (value & INTID_MASK) == intid ? value : intid);
}

static void send(uint32_t core, uint32_t sgi)
{
	write32(distributor + GICD_SGIR, arch_cores[core].gic_cpu_mask << 16 | sgi);
}

const struct gic_driver gicv2_driver = {init, init_core, enable, disable, take, done, send};
