/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must be done with the MMU off: relocate the boot stage, and build the identity map of its image and of the
 * device tree. Compiled with strict alignment, and calls nothing that could use more than plain
 * aligned loads and stores.
 */
#include "boot.h"

#include "../insn.h"

#include <string.h>

/* Registers are mapped at their physical address plus this, where no memory is: another mapping never is in their way. */
#define REGISTERS_OFFSET PHYSICAL_LIMIT

/* The arm64 boot protocol allows 2 MiB; trees that we have seen are up to 1 MiB. */
#define TREE_MAX (16 * UL(0x100000))

#define FDT_MAGIC 0xd00dfeedu

struct boot_mmu boot_mmu;
const char *boot_tree_problem;
uint64_t boot_tree_size;
volatile uint32_t boot_probing;
uint32_t boot_entry_level;

static struct tables identity, registers;

extern pte_t boot_tables[IDENTITY_TABLES][PTE_COUNT];
extern const char image_header[], _text_end[], _rodata_end[], _data_begin[], _image_end[];
extern const struct relocation {
	uint64_t offset, info, addend;
} _rela_begin[], _rela_end[];

/* The linker made only R_AARCH64_RELATIVE ones (boot.lds asserts it): word at offset = base + addend. */
void boot_relocate(uint64_t image)
{
	for (const struct relocation *r = _rela_begin; r != _rela_end; r++) {
		*(uint64_t *)(image + r->offset) = image + r->addend;
	}
}

bool boot_probe_read32(uint64_t address, uint32_t *value)
{
	boot_probing = 1;
	*value = read32(address);
	dsb_sy();
	isb();
	bool answered = boot_probing == 1;
	boot_probing = 0;
	return answered;
}

static bool probe_be32(uint64_t address, uint32_t *value)
{
	bool answered = boot_probe_read32(address, value);
	*value = __builtin_bswap32(*value);
	return answered;
}

static bool overlaps_image(uint64_t base, uint64_t size)
{
	return base < (uint64_t)_image_end && (uint64_t)image_header < base + size;
}

/* Why the tree's bytes cannot be mapped, or NULL and their number. All else is left to machine_read(). */
static const char *measure_tree(uint64_t tree, uint32_t *size)
{
	uint32_t magic, last;
	if (tree == 0 || (tree & 7) != 0 || tree >= PHYSICAL_LIMIT) {
		return "is no address of a device tree";
	}
	if (overlaps_image(tree, sizeof(uint64_t))) {
		return "points into the kernel's image, not to a device tree";
	}
	if (!probe_be32(tree, &magic)) {
		return "points to memory that does not answer, not to a device tree";
	}
	if (magic != FDT_MAGIC || !probe_be32(tree + 4, size)) {
		return "points to no device tree: its magic is wrong";
	}
	if (*size > TREE_MAX) {
		return "points to a device tree that claims to be larger than 16 MiB";
	}
	if (overlaps_image(tree, *size)) {
		return "points to a device tree that reaches into the kernel's image";
	}
	if (*size > 4 && !probe_be32((tree + *size - 4) & ~UL(3), &last)) {
		return "points to a device tree that reaches into memory that does not answer";
	}
	return NULL;
}

static void map_tree(uint64_t tree)
{
	uint32_t size;
	boot_tree_problem = measure_tree(tree, &size);
	if (boot_tree_problem == NULL) {
		boot_tree_size = size;
		boot_map_identity(tree, size, PTE_KERNEL_RO);
	}
}

static uint64_t make_tcr(void)
{
	uint64_t features = READ_SYSREG(id_aa64mmfr0_el1);
	uint64_t pa_range = features & 0xf;
	if (pa_range > TCR_IPS_48_BITS) {
		pa_range = TCR_IPS_48_BITS; /* 52 bits need another descriptor format */
	}
	uint64_t tcr = TCR_T0SZ(16) | TCR_IRGN0_WBWA | TCR_ORGN0_WBWA | TCR_SH0_INNER | TCR_TG0_4K |
		       TCR_T1SZ(16) | TCR_IRGN1_WBWA | TCR_ORGN1_WBWA | TCR_SH1_INNER | TCR_TG1_4K |
		       pa_range << TCR_IPS_SHIFT;
	if (((features >> 4) & 0xf) == 2) {
		tcr |= TCR_AS_16_BITS;
	}
	return tcr;
}

/* Write implies never execute, for the kernel and for users; EL0 may maintain caches by address, use DC
 * ZVA, WFI and WFE; exceptions set PAN where it exists. */
static uint64_t make_sctlr(void)
{
	uint64_t sctlr = SCTLR_EL1_RES1 | SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_SA | SCTLR_SA0 | SCTLR_WXN |
			 SCTLR_UCT | SCTLR_UCI | SCTLR_DZE | SCTLR_NTWI | SCTLR_NTWE;
	bool has_pan = ((READ_SYSREG(id_aa64mmfr1_el1) >> 20) & 0xf) != 0;
	return has_pan ? sctlr & ~SCTLR_SPAN : sctlr;
}

/* Maps all pages that [base, base + size) touches, `offset` above where they are. */
static bool map_pages(struct tables *tables, uint64_t base, uint64_t size, uint64_t offset, pte_t attributes)
{
	if (base >= PHYSICAL_LIMIT || size > PHYSICAL_LIMIT - base) {
		return false;
	}
	uint64_t begin = base & ~(PAGE_SIZE - 1);
	uint64_t end = (base + size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	bool mapped = tables_map(tables, begin + offset, begin, end - begin, attributes);
	dsb_ish();
	isb();
	return mapped;
}

void boot_map_identity(uint64_t base, uint64_t size, pte_t attributes)
{
	if (!map_pages(&identity, base, size, 0, attributes)) {
		boot_failed("memory at 0x%lx, size 0x%lx, is used for two things, or out of reach", base, size);
	}
}

uint64_t boot_map_registers(uint64_t base, uint64_t size)
{
	if (!boot_mmu_is_on()) {
		return base;
	}
	return map_pages(&registers, base, size, REGISTERS_OFFSET, PTE_KERNEL_DEVICE) ? base + REGISTERS_OFFSET : 0;
}

void boot_early(uint64_t tree)
{
	identity.root = registers.root = boot_tables[0];
	memset(identity.root, 0, PAGE_SIZE);
	identity.next = (uint64_t)boot_tables[1];
	identity.end = (uint64_t)boot_tables[EARLY_TABLES];

	uint64_t text = (uint64_t)image_header, rodata = (uint64_t)_text_end;
	uint64_t data = (uint64_t)_data_begin;
	boot_map_identity(text, rodata - text, PTE_KERNEL_RX);
	boot_map_identity(rodata, data - rodata, PTE_KERNEL_RO);
	boot_map_identity(data, (uint64_t)_image_end - data, PTE_KERNEL_RW);
	map_tree(tree);
	/* From here on the caches are on: the rest may be used too. */
	identity.end = registers.next = (uint64_t)boot_tables[MEMORY_TABLES];
	registers.end = (uint64_t)boot_tables[IDENTITY_TABLES];

	boot_mmu.mair = MAIR_VALUE;
	boot_mmu.tcr = make_tcr() | TCR_EPD1;
	boot_mmu.ttbr0 = (uint64_t)identity.root;
	boot_mmu.ttbr1 = 0;
	boot_mmu.sctlr = make_sctlr();
}

bool boot_mmu_is_on(void)
{
	return (READ_SYSREG(sctlr_el1) & SCTLR_M) != 0;
}
