/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt controller, whichever it is, and what both generations share.
 */
#include "core.h"
#include "gic.h"
#include "insn.h"
#include "sysreg.h"

#include <arch/cpu.h>
#include <arch/irq.h>

static const struct gic_driver *gic;
static uint64_t distributor;

uint32_t gic_line_count(uint64_t registers)
{
	uint32_t lines = 32 * ((read32(registers + GICD_TYPER) & 0x1f) + 1);
	return lines > ARCH_IRQ_SPECIAL ? ARCH_IRQ_SPECIAL : lines;
}

static void reset_word(uint64_t registers, uint32_t first)
{
	write32(registers + GICD_ICENABLER + first / 8, 0xffffffff);
	write32(registers + GICD_ICPENDR + first / 8, 0xffffffff);
	write32(registers + GICD_ICACTIVER + first / 8, 0xffffffff);
	for (uint32_t intid = first; intid < first + 32; intid += 4) {
		write32(registers + GICD_IPRIORITYR + intid, GIC_PRIORITY * 0x01010101u);
	}
}

void gic_reset_shared(uint64_t registers)
{
	uint32_t lines = gic_line_count(registers);
	for (uint32_t first = ARCH_IRQ_FIRST_SHARED; first < lines; first += 32) {
		reset_word(registers, first);
	}
	for (uint32_t first = ARCH_IRQ_FIRST_SHARED; first < lines; first += 16) {
		write32(registers + GICD_ICFGR + first / 4, 0);
	}
}

void gic_reset_private(uint64_t registers)
{
	reset_word(registers, 0);
}

void arch_irq_init(const struct arch_handover *boot)
{
	distributor = boot->gic_distributor;
	gic = boot->gic_kind == ARCH_GIC_V3 ? &gicv3_driver : &gicv2_driver;
	gic->init(boot);
}

void arch_irq_init_core(void)
{
	gic->init_core();
}

void arch_irq_enable(uint32_t intid)
{
	gic->enable(intid);
}

void arch_irq_disable(uint32_t intid)
{
	gic->disable(intid);
}

/* GICD_ICFGR: two bits for each, the upper one says edge. */
void arch_irq_set_edge(uint32_t intid, bool edge)
{
	uint64_t address = distributor + GICD_ICFGR + 4 * (intid / 16);
	uint32_t bit = 2u << 2 * (intid % 16);
	uint32_t value = read32(address);
	write32(address, edge ? value | bit : value & ~bit);
}

uint32_t arch_irq_count(void)
{
	return gic_line_count(distributor);
}

/* ISR_EL1.I: pending for this core although masked. */
bool arch_irq_is_pending(void)
{
	return (READ_SYSREG(isr_el1) & ISR_I) != 0;
}

uint32_t arch_irq_take(void)
{
	return gic->take();
}

void arch_irq_done(uint32_t intid)
{
	gic->done(intid);
}

void arch_core_send(uint32_t core, enum arch_ipi ipi)
{
	if (gic == NULL || arch_cores[core].stack_top == 0) {
		return; /* nobody listens there */
	}
	/* What was written before is seen by whoever takes the interrupt: the store to the GIC is no
	 * barrier for normal memory (Arm ARM, "Data Synchronization Barrier"). */
	dsb_ishst();
	gic->send(core, (uint32_t)ipi);
}
