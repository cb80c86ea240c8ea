/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as an ELF file: if elf_open() takes it, all that elf.h promises holds.
 */
#include <common/elf.h>

#include <stdlib.h>

#define PAGE  UINT64_C(0x1000)
#define LIMIT UINT64_C(0x800000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static uint64_t round_up(uint64_t address)
{
	return (address + PAGE - 1) & ~(PAGE - 1);
}

static void check_segment(const struct elf_segment *segment, const uint8_t *data, size_t size)
{
	uint64_t offset = (uint64_t)((const uint8_t *)segment->data - data);
	check(offset <= size && segment->file_size <= size - offset);
	check(offset % PAGE == segment->va % PAGE);
	check(segment->mem_size != 0 && segment->file_size <= segment->mem_size);
	check(segment->va + segment->mem_size > segment->va);
	check(!(segment->writable && segment->executable));
}

static bool holds_file_part(const struct elf_segment *segment, uint64_t va, uint64_t size)
{
	return va >= segment->va && va - segment->va <= segment->file_size &&
	       size <= segment->file_size - (va - segment->va);
}

static void check_relocation(const struct elf_file *elf, size_t index)
{
	struct elf_relocation relocation = elf_relocation(elf, index);
	bool found = false;
	check(relocation.where % 8 == 0);
	for (size_t i = 0; i < elf->segment_count; i++) {
		found |= !elf->segments[i].executable &&
			 holds_file_part(&elf->segments[i], relocation.where, 8);
	}
	check(found);
}

static void check_entry(const struct elf_file *elf)
{
	bool found = false;
	for (size_t i = 0; i < elf->segment_count; i++) {
		found |= elf->segments[i].executable &&
			 holds_file_part(&elf->segments[i], elf->entry, 4);
	}
	check(found);
}

static void check_elf(const struct elf_file *elf, const uint8_t *data, size_t size)
{
	check(elf->segment_count >= 1 && elf->segment_count <= ELF_MAX_SEGMENTS);
	uint64_t end = 0;
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];
		check_segment(segment, data, size);
		check(segment->va / PAGE * PAGE >= end);
		end = round_up(segment->va + segment->mem_size);
	}
	check(elf->begin == elf->segments[0].va / PAGE * PAGE);
	check(elf->end == end && end <= LIMIT);
	check(elf->position_independent || elf->relocation_count == 0);
	for (size_t i = 0; i < elf->relocation_count; i++) {
		check_relocation(elf, i);
	}
	check_entry(elf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_file elf;
	struct parse_error error = {0};
	if (elf_open(data, size, PAGE, LIMIT, &elf, &error)) {
		check_elf(&elf, data, size);
	} else {
		check(error.what != NULL);
	}
	return 0;
}
