/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Puts the two programs that the boot stage carries or finds into memory: the kernel and the root task.
 */
#include "boot.h"

#include "../insn.h"

#include <string.h>

static uint64_t segment_begin(const struct elf_segment *segment)
{
	return segment->va & ~(PAGE_SIZE - 1);
}

static uint64_t segment_end(const struct elf_segment *segment)
{
	return (segment->va + segment->mem_size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

static uint64_t segment_size(const struct elf_segment *segment)
{
	return segment_end(segment) - segment_begin(segment);
}

/* Fills the segment's pages: what the file does not say is zero, also around the segment. */
static void load_segment(const struct elf_segment *segment, uint64_t physical)
{
	uint8_t *page = (uint8_t *)physical;
	uint64_t before = segment->va - segment_begin(segment);
	uint64_t loaded = before + segment->file_size;
	memset(page, 0, before);
	memcpy(page + before, segment->data, segment->file_size);
	memset(page + loaded, 0, segment_size(segment) - loaded);
}

static pte_t kernel_attributes(const struct elf_segment *segment)
{
	if (segment->executable) {
		return PTE_KERNEL_RX;
	}
	return segment->writable ? PTE_KERNEL_RW : PTE_KERNEL_RO;
}

void boot_load_kernel(const struct elf_file *elf, const struct boot_plan *plan, uint64_t va,
		      struct tables *kernel)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];
		uint64_t begin = segment_begin(segment) - elf->begin;
		load_segment(segment, plan->image + begin);
		if (!tables_map(kernel, va + begin, plan->image + begin, segment_size(segment),
				kernel_attributes(segment))) {
			boot_failed("the kernel's image cannot be mapped");
		}
	}
	for (size_t i = 0; i < elf->relocation_count; i++) {
		struct elf_relocation relocation = elf_relocation(elf, i);
		*(uint64_t *)(plan->image + relocation.where - elf->begin) = va + relocation.value - elf->begin;
	}
	boot_sync_code(plan->image, plan->image_size);
}

void boot_load_root(const struct elf_file *elf, const struct boot_plan *plan, struct handover *handover)
{
	uint64_t physical = plan->root;
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];
		load_segment(segment, physical);
		handover->root_segments[i] = (struct handover_segment){
			.va = segment_begin(segment),
			.physical = physical,
			.size = segment_size(segment),
			.writable = segment->writable,
			.executable = segment->executable,
		};
		physical += segment_size(segment);
	}
	handover->root_segment_count = elf->segment_count;
	handover->root_entry = elf->entry;
	boot_sync_code(plan->root, plan->root_size);
}

static void for_each_line(uint64_t base, uint64_t size, unsigned log2_words, void (*maintain)(uint64_t))
{
	uint64_t line = UL(4) << log2_words;
	for (uint64_t address = base & ~(line - 1); address < base + size; address += line) {
		maintain(address);
	}
}

/* Arm ARM, "Ordering and completion of data and instruction cache instructions" */
void boot_sync_code(uint64_t base, uint64_t size)
{
	for_each_line(base, size, (READ_SYSREG(ctr_el0) >> 16) & 0xf, dc_cvau);
	dsb_ish();
	ic_ialluis();
	dsb_ish();
	isb();
}

void boot_clean_to_memory(const void *base, uint64_t size)
{
	for_each_line((uint64_t)base, size, (READ_SYSREG(ctr_el0) >> 16) & 0xf, dc_cvac);
	dsb_sy();
}
