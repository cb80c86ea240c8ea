/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small static-PIE program, built by hand: what the ELF tests break, and the fuzzer's seed.
 *
 *   file 0x0000  headers and code   -> va 0x0000, read and execute
 *   file 0x0200  dynamic section,
 *        0x0280  relocations,
 *        0x0300  data               -> va 0x1200, read and write, with 0x100 bytes of zeros behind
 */
#pragma once

#include <elf.h>
#include <stdint.h>
#include <string.h>

#define SAMPLE_SIZE   0x400
#define SAMPLE_PAGE   0x1000
#define SAMPLE_LIMIT  UINT64_C(0x800000000000)
#define SAMPLE_RELAS  2
#define SAMPLE_R_TYPE 1027 /* R_AARCH64_RELATIVE */

struct sample {
	Elf64_Ehdr header;
	Elf64_Phdr program[4];
	unsigned char code[0x200 - sizeof(Elf64_Ehdr) - 4 * sizeof(Elf64_Phdr)];
	Elf64_Dyn dynamic[8];
	Elf64_Rela rela[4];
	unsigned char gap[0x300 - 0x280 - 4 * sizeof(Elf64_Rela)];
	uint64_t data[32];
};

_Static_assert(sizeof(struct sample) == SAMPLE_SIZE, "as drawn above");

enum { SAMPLE_TEXT, SAMPLE_DATA, SAMPLE_DYNAMIC, SAMPLE_STACK };

static inline Elf64_Ehdr sample_header(void)
{
	return (Elf64_Ehdr){
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = EM_AARCH64,
		.e_version = EV_CURRENT,
		.e_entry = 0x180,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 4,
	};
}

static inline Elf64_Phdr sample_segment(uint32_t type, uint32_t flags, uint64_t offset, uint64_t va,
					uint64_t file_size, uint64_t mem_size)
{
	return (Elf64_Phdr){.p_type = type,
			    .p_flags = flags,
			    .p_offset = offset,
			    .p_vaddr = va,
			    .p_paddr = va,
			    .p_filesz = file_size,
			    .p_memsz = mem_size,
			    .p_align = SAMPLE_PAGE};
}

static inline void sample_make(struct sample *sample)
{
	memset(sample, 0, sizeof(*sample));
	sample->header = sample_header();
	sample->program[SAMPLE_TEXT] = sample_segment(PT_LOAD, PF_R | PF_X, 0, 0, 0x200, 0x200);
	sample->program[SAMPLE_DATA] =
		sample_segment(PT_LOAD, PF_R | PF_W, 0x200, 0x1200, 0x200, 0x300);
	sample->program[SAMPLE_DYNAMIC] =
		sample_segment(PT_DYNAMIC, PF_R | PF_W, 0x200, 0x1200, 0x80, 0x80);
	sample->program[SAMPLE_STACK] = sample_segment(PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0);

	sample->dynamic[0] = (Elf64_Dyn){DT_RELA, {0x1280}};
	sample->dynamic[1] = (Elf64_Dyn){DT_RELASZ, {SAMPLE_RELAS * sizeof(Elf64_Rela)}};
	sample->dynamic[2] = (Elf64_Dyn){DT_RELAENT, {sizeof(Elf64_Rela)}};
	sample->dynamic[3] = (Elf64_Dyn){DT_FLAGS_1, {DF_1_NOW}};
	sample->rela[0] = (Elf64_Rela){0x1300, SAMPLE_R_TYPE, 0x180};
	sample->rela[1] = (Elf64_Rela){0x13f8, SAMPLE_R_TYPE, 0x1400};
}
