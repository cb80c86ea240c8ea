/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compares what the tree claims with the machine, before anything relies on it. A wrong address would
 * else show as a hang, or as an exception somewhere in the kernel.
 */
#include "boot.h"

/* No register block that we drive is larger: the largest is a GICv3 redistributor region for 512 cores. */
#define REGISTERS_MAX (256 * UL(0x100000))

#define GICV2_SIZE               0x1000
#define GICV2_INTERFACE_SIZE     0x14
#define GICV2_PIDR2              0xfe8
#define GICV3_SIZE               0x10000
#define GICV3_REDISTRIBUTOR_SIZE 0x20000
#define GICV3_PIDR2              0xffe8
#define GIC_PIDR2_ARCH_REV(pidr) ((pidr) >> 4 & 0xf)

#define WATCHDOG_SIZE 0x28

extern const char image_header[], _image_end[];

static bool overlap(struct machine_region a, struct machine_region b)
{
	return a.base < b.base + b.size && b.base < a.base + a.size;
}

static void check_initrd(const struct machine *machine)
{
	struct machine_region image = {(uint64_t)image_header, (uint64_t)(_image_end - image_header)};
	struct machine_region initrd = machine->initrd;
	if (initrd.size == 0) {
		boot_failed("/chosen: no linux,initrd-start and -end: the boot modules are missing");
	}
	if (overlap(initrd, image)) {
		boot_failed("/chosen: the boot modules, 0x%lx to 0x%lx, overlap the kernel's image, 0x%lx to 0x%lx",
			    initrd.base, initrd.base + initrd.size, image.base, image.base + image.size);
	}
}

/* All of it in RAM, as a module, or all of it elsewhere, as in flash. */
static void check_tree(const struct machine *machine)
{
	struct machine_region tree = machine->tree;
	uint64_t module = memory_map_bytes_in(&machine->memory, tree.base, tree.size, MEMORY_MODULE);
	uint64_t reserved = memory_map_bytes_in(&machine->memory, tree.base, tree.size, MEMORY_RESERVED);
	if (reserved != 0) {
		boot_failed("the device tree, 0x%lx to 0x%lx, reaches into pages that no-map withholds", tree.base,
			    tree.base + tree.size);
	}
	if (module != 0 && module != tree.size) {
		boot_failed("the device tree, 0x%lx to 0x%lx, reaches past the end of RAM", tree.base,
			    tree.base + tree.size);
	}
}

/* The 32-bit register at `offset`, of a block that must have `least` bytes. */
static uint32_t read_register(const struct machine *machine, const char *what, struct machine_region block,
			      uint64_t least, uint64_t offset)
{
	if (block.size < least || block.size > REGISTERS_MAX) {
		boot_failed("%s at 0x%lx: 0x%lx bytes of registers cannot be right", what, block.base, block.size);
	}
	if (memory_map_at(&machine->memory, block.base) != NULL) {
		boot_failed("%s at 0x%lx is inside of memory", what, block.base);
	}
	uint64_t registers = boot_map_registers(block.base, least);
	uint32_t value;
	if (registers == 0 || (registers & 3) != 0 || !boot_probe_read32(registers + offset, &value)) {
		boot_failed("%s at 0x%lx does not answer", what, block.base);
	}
	return value;
}

/* GICv1 (Cortex-A9) and GICv2 say 1 and 2, GICv3 and GICv4 say 3 and 4, each at a place of its own. */
static void check_is_gic(const char *what, struct machine_region block, uint32_t pidr2, uint32_t first)
{
	uint32_t revision = GIC_PIDR2_ARCH_REV(pidr2);
	if (revision != first && revision != first + 1) {
		boot_failed("%s at 0x%lx: no GIC of the kind that the device tree names is there (PIDR2 is 0x%x)",
			    what, block.base, pidr2);
	}
}

static void check_gic_v2(const struct machine *machine, const struct machine_gic *gic)
{
	static const char what[] = "GICv2: the distributor";
	uint32_t pidr2 = read_register(machine, what, gic->distributor, GICV2_SIZE, GICV2_PIDR2);
	check_is_gic(what, gic->distributor, pidr2, 1);
	(void)read_register(machine, "GICv2: the CPU interface", gic->cpu_interface, GICV2_INTERFACE_SIZE, 0);
}

static void check_gic_v3(const struct machine *machine, const struct machine_gic *gic)
{
	static const char distributor[] = "GICv3: the distributor", redistributor[] = "GICv3: the redistributor";
	uint32_t pidr2 = read_register(machine, distributor, gic->distributor, GICV3_SIZE, GICV3_PIDR2);
	check_is_gic(distributor, gic->distributor, pidr2, 3);
	for (size_t i = 0; i < gic->redistributor_count; i++) {
		struct machine_region block = gic->redistributors[i];
		pidr2 = read_register(machine, redistributor, block, GICV3_REDISTRIBUTOR_SIZE, GICV3_PIDR2);
		check_is_gic(redistributor, block, pidr2, 3);
	}
	uint64_t stride = gic->redistributor_stride;
	if (stride % GICV3_REDISTRIBUTOR_SIZE != 0 || stride > REGISTERS_MAX) {
		boot_failed("GICv3: redistributor-stride 0x%lx cannot be right", stride);
	}
}

void boot_check_machine(const struct machine *machine)
{
	check_initrd(machine);
	check_tree(machine);
	if (machine->gic.kind == MACHINE_GIC_V3) {
		check_gic_v3(machine, &machine->gic);
	} else {
		check_gic_v2(machine, &machine->gic);
	}
	if (machine->bcm_watchdog.size != 0) {
		(void)read_register(machine, "the watchdog", machine->bcm_watchdog, WATCHDOG_SIZE, 0x1c);
	}
}
