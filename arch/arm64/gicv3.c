/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GICv3 (Arm IHI 0069), affinity routing on, group 1 only: the same values work with one security state
 * (GICD_CTLR.DS = 1) and in the non-secure view of two.
 */
#include "core.h"
#include "gic.h"
#include "insn.h"

#include <arch/cpu.h>
#include <arch/irq.h>
#include <kern/panic.h>

/* ARE is bit 4 in both views; group 1 is bit 1 (EnableGrp1 with DS = 1, EnableGrp1A non-secure). */
#define GICD_CTLR_ARE_GROUP1 0x12u
#define GICD_CTLR_RWP        (1u << 31)

#define GICR_CTLR_RWP  (1u << 3)
#define GICR_CTLR      0x0000
#define GICR_TYPER     0x0008
#define GICR_WAKER     0x0014
#define GICR_SGI_BASE  0x10000

#define GICR_TYPER_LAST   (1ul << 4)
#define GICR_TYPER_VLPIS  (1ul << 1)
#define WAKER_SLEEP       (1u << 1)
#define WAKER_ASLEEP      (1u << 2)

#define PATIENCE 1000000u

/* System registers by their encodings: assemblers know their names only with an extension. */
#define ICC_PMR_EL1     s3_0_c4_c6_0
#define ICC_IAR1_EL1    s3_0_c12_c12_0
#define ICC_EOIR1_EL1   s3_0_c12_c12_1
#define ICC_BPR1_EL1    s3_0_c12_c12_3
#define ICC_CTLR_EL1    s3_0_c12_c12_4
#define ICC_SRE_EL1     s3_0_c12_c12_5
#define ICC_IGRPEN1_EL1 s3_0_c12_c12_7
#define ICC_SGI1R_EL1   s3_0_c12_c11_5

static const struct arch_handover *machine;
static uint64_t distributor;

/* Waits until writes that change what is forwarded have taken effect. */
static void wait_clear(uint64_t address, uint32_t bits, const char *what)
{
	for (uint32_t polls = 0; (read32(address) & bits) != 0; polls++) {
		if (polls == PATIENCE) {
			panic("GICv3: %s does not settle", what);
		}
	}
}

static void init(const struct arch_handover *boot)
{
	machine = boot;
	distributor = boot->gic_distributor;
	write32(distributor + GICD_CTLR, 0);
	wait_clear(distributor + GICD_CTLR, GICD_CTLR_RWP, "the distributor");
	gic_reset_shared(distributor);
	uint32_t lines = gic_line_count(distributor);
	for (uint32_t first = ARCH_IRQ_FIRST_SHARED; first < lines; first += 32) {
		write32(distributor + GICD_IGROUPR + first / 8, 0xffffffff);
	}
	write32(distributor + GICD_CTLR, GICD_CTLR_ARE_GROUP1);
	wait_clear(distributor + GICD_CTLR, GICD_CTLR_RWP, "the distributor");
}

/* GICR_TYPER.Affinity_Value has Aff3 next to Aff2; MPIDR_EL1 has them apart. */
static uint64_t typer_affinity(uint64_t typer)
{
	uint64_t packed = typer >> 32;
	return (packed & 0xffffff) | (packed >> 24) << 32;
}

static uint64_t frame_size(uint64_t typer)
{
	if (machine->gic_redistributor_stride != 0) {
		return machine->gic_redistributor_stride;
	}
	return (typer & GICR_TYPER_VLPIS) != 0 ? 0x40000 : 0x20000;
}

/* This core's redistributor among the frames of one region; 0 if it is not there. */
static uint64_t find_in_region(uint64_t region, uint64_t size, uint64_t affinity)
{
	for (uint64_t offset = 0; offset + 0x20000 <= size;) {
		uint64_t typer = read64(region + offset + GICR_TYPER);
		if (typer_affinity(typer) == affinity) {
			return region + offset;
		}
		if ((typer & GICR_TYPER_LAST) != 0) {
			break;
		}
		offset += frame_size(typer);
	}
	return 0;
}

static uint64_t find_redistributor(uint64_t affinity)
{
	for (uint32_t i = 0; i < machine->gic_redistributor_count; i++) {
		uint64_t found = find_in_region(machine->gic_redistributors[i],
						machine->gic_redistributor_sizes[i], affinity);
		if (found != 0) {
			return found;
		}
	}
	panic("GICv3: no redistributor for the core with affinity 0x%lx", affinity);
}

static void init_core(void)
{
	struct core *core = this_core();
	core->gic_redistributor = find_redistributor(machine->affinities[core->number]);
	write32(core->gic_redistributor + GICR_WAKER,
		read32(core->gic_redistributor + GICR_WAKER) & ~WAKER_SLEEP);
	wait_clear(core->gic_redistributor + GICR_WAKER, WAKER_ASLEEP, "a redistributor's wake-up");

	uint64_t private = core->gic_redistributor + GICR_SGI_BASE;
	gic_reset_private(private);
	write32(private + GICD_IGROUPR, 0xffffffff);
	write32(private + GICD_ISENABLER, 0xffff);
	wait_clear(core->gic_redistributor + GICR_CTLR, GICR_CTLR_RWP, "a redistributor");

	WRITE_SYSREG(ICC_SRE_EL1, READ_SYSREG(ICC_SRE_EL1) | 1);
	isb();
	WRITE_SYSREG(ICC_PMR_EL1, GIC_MASK);
	WRITE_SYSREG(ICC_BPR1_EL1, 0);
	WRITE_SYSREG(ICC_CTLR_EL1, 0);
	WRITE_SYSREG(ICC_IGRPEN1_EL1, 1);
	isb();
}

static void enable(uint32_t intid)
{
	uint64_t registers = distributor;
	if (intid < ARCH_IRQ_FIRST_SHARED) {
		registers = this_core()->gic_redistributor + GICR_SGI_BASE;
	} else {
		write64(distributor + GICD_IROUTER + 8ul * intid, machine->affinities[this_core()->number]);
	}
	write32(registers + GICD_ISENABLER + 4 * (intid / 32), 1u << (intid % 32));
}

static void disable(uint32_t intid)
{
	bool private = intid < ARCH_IRQ_FIRST_SHARED;
	uint64_t registers = private ? this_core()->gic_redistributor + GICR_SGI_BASE : distributor;
	write32(registers + GICD_ICENABLER + 4 * (intid / 32), 1u << (intid % 32));
	if (private) {
		wait_clear(this_core()->gic_redistributor + GICR_CTLR, GICR_CTLR_RWP, "a redistributor");
	} else {
		wait_clear(distributor + GICD_CTLR, GICD_CTLR_RWP, "the distributor");
	}
}

static uint32_t take(void)
{
	uint32_t intid = (uint32_t)READ_SYSREG(ICC_IAR1_EL1) & 0xffffff;
	/* Reading the register and what the handler then reads of the device are ordered only by this (IHI
	 * 0069, "Effects of IAR reads"). */
	dsb_sy();
	return intid >= ARCH_IRQ_SPECIAL ? ARCH_IRQ_NONE : intid;
}

static void done(uint32_t intid)
{
	WRITE_SYSREG(ICC_EOIR1_EL1, intid);
	isb();
}

/* ICC_SGI1R_EL1: Aff3, Aff2, Aff1 of the target; RS and a bit of the target list for its Aff0. */
static void send(uint32_t core, uint32_t sgi)
{
	uint64_t affinity = machine->affinities[core];
	uint64_t aff0 = affinity & 0xff;
	uint64_t value = (affinity >> 32 & 0xff) << 48 | (affinity >> 16 & 0xff) << 32 |
			 (affinity >> 8 & 0xff) << 16 | (aff0 >> 4) << 44 | (uint64_t)sgi << 24 |
			 1ul << (aff0 & 0xf);
	WRITE_SYSREG(ICC_SGI1R_EL1, value);
	isb();
}

const struct gic_driver gicv3_driver = {init, init_core, enable, disable, take, done, send};
