/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ELF reader, on a sample that is broken in one way after the other.
 */
#include "elf_sample.h"

#include <common/elf.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static bool open_sample(const struct sample *sample, struct elf_file *elf,
			struct parse_error *error)
{
	return elf_open(sample, sizeof(*sample), SAMPLE_PAGE, SAMPLE_LIMIT, elf, error);
}

static void a_static_pie_program_is_read(void **state)
{
	(void)state;
	struct sample sample;
	struct elf_file elf;
	struct parse_error error;
	sample_make(&sample);

	assert_true(open_sample(&sample, &elf, &error));
	assert_true(elf.position_independent);
	assert_int_equal(elf.entry, 0x180);
	assert_int_equal(elf.begin, 0);
	assert_int_equal(elf.end, 0x2000);
	assert_int_equal(elf.segment_count, 2);
	assert_true(elf.segments[0].executable && !elf.segments[0].writable);
	assert_int_equal(elf.segments[1].va, 0x1200);
	assert_ptr_equal(elf.segments[1].data, sample.dynamic);
	assert_int_equal(elf.segments[1].file_size, 0x200);
	assert_int_equal(elf.segments[1].mem_size, 0x300);
	assert_true(elf.segments[1].writable && elf.segments[1].readable);
	assert_int_equal(elf.relocation_count, 2);
	assert_int_equal(elf_relocation(&elf, 0).where, 0x1300);
	assert_int_equal(elf_relocation(&elf, 1).value, 0x1400);
}

static void a_program_with_fixed_addresses_is_read(void **state)
{
	(void)state;
	struct sample sample;
	struct elf_file elf;
	struct parse_error error;
	sample_make(&sample);
	sample.header.e_type = ET_EXEC;
	sample.header.e_phnum = 2;
	assert_true(open_sample(&sample, &elf, &error));
	assert_false(elf.position_independent);
	assert_int_equal(elf.relocation_count, 0);
}

static void a_segment_without_bytes_is_passed_over(void **state)
{
	(void)state;
	struct sample sample;
	struct elf_file elf;
	struct parse_error error;
	sample_make(&sample);
	sample.program[SAMPLE_STACK].p_type = PT_LOAD;
	assert_true(open_sample(&sample, &elf, &error));
	assert_int_equal(elf.segment_count, 2);
}

static void an_unaligned_file_is_read(void **state)
{
	(void)state;
	struct sample sample;
	struct elf_file elf;
	struct parse_error error;
	char *bytes = malloc(sizeof(sample) + 1);
	sample_make(&sample);
	memcpy(bytes + 1, &sample, sizeof(sample));
	assert_true(elf_open(bytes + 1, sizeof(sample), SAMPLE_PAGE, SAMPLE_LIMIT, &elf, &error));
	assert_int_equal(elf_relocation(&elf, 1).where, 0x13f8);
	free(bytes);
}

static void a_cut_file_is_refused_wherever_it_was_cut(void **state)
{
	(void)state;
	struct sample sample;
	sample_make(&sample);
	for (size_t size = 0; size < sizeof(sample); size++) {
		struct elf_file elf;
		struct parse_error error = {0};
		void *copy = malloc(size + (size == 0));
		memcpy(copy, &sample, size);
		assert_false(elf_open(copy, size, SAMPLE_PAGE, SAMPLE_LIMIT, &elf, &error));
		assert_non_null(error.what);
		free(copy);
	}
}

/* Each way to break the sample. */
/* clang-format off */
static void bad_magic(struct sample *s) { s->header.e_ident[1] = 'e'; }
static void bad_class(struct sample *s) { s->header.e_ident[4] = ELFCLASS32; }
static void bad_machine(struct sample *s) { s->header.e_machine = EM_X86_64; }
static void bad_type(struct sample *s) { s->header.e_type = ET_REL; }
static void bad_phentsize(struct sample *s) { s->header.e_phentsize = 32; }
static void bad_phoff(struct sample *s) { s->header.e_phoff = UINT64_MAX - 7; }
static void bad_phnum(struct sample *s) { s->header.e_phnum = 0xffff; }
static void no_phnum(struct sample *s) { s->header.e_phnum = 0; }
static void entry_in_data(struct sample *s) { s->header.e_entry = 0x1300; }
static void entry_nowhere(struct sample *s) { s->header.e_entry = UINT64_MAX; }
static void entry_odd(struct sample *s) { s->header.e_entry = 0x182; }
static void entry_at_end(struct sample *s) { s->header.e_entry = 0x200; }
static void file_above_mem(struct sample *s) { s->program[SAMPLE_DATA].p_memsz = 0x1ff; }
static void past_file(struct sample *s) { s->program[SAMPLE_DATA].p_offset = 0x1200; }
static void offset_wraps(struct sample *s) { s->program[SAMPLE_DATA].p_offset = -0xe00ULL; }
static void va_wraps(struct sample *s) { s->program[SAMPLE_DATA].p_vaddr = UINT64_MAX - 0xdff; }
static void mem_wraps(struct sample *s) { s->program[SAMPLE_DATA].p_memsz = UINT64_MAX; }
static void past_limit(struct sample *s) { s->program[SAMPLE_DATA].p_memsz = SAMPLE_LIMIT; }
static void skewed(struct sample *s) { s->program[SAMPLE_DATA].p_vaddr = 0x1300; }
static void write_and_execute(struct sample *s) { s->program[SAMPLE_TEXT].p_flags |= PF_W; }
static void same_page(struct sample *s) { s->program[SAMPLE_DATA].p_vaddr = 0x200; }
static void overlap(struct sample *s) { s->program[SAMPLE_TEXT].p_memsz = 0x1001; }
static void interpreter(struct sample *s) { s->program[SAMPLE_STACK].p_type = PT_INTERP; }
static void dynamic_past(struct sample *s) { s->program[SAMPLE_DYNAMIC].p_filesz = 0x201; }
static void needed(struct sample *s) { s->dynamic[3].d_tag = DT_NEEDED; }
static void rel(struct sample *s) { s->dynamic[3].d_tag = DT_RELSZ; }
static void relr(struct sample *s) { s->dynamic[3].d_tag = 35; }
static void plt(struct sample *s) { s->dynamic[3].d_tag = DT_PLTRELSZ; }
static void fixed(struct sample *s) { s->header.e_type = ET_EXEC; }
static void rela_entry(struct sample *s) { s->dynamic[2].d_un.d_val = 16; }
static void rela_part(struct sample *s) { s->dynamic[1].d_un.d_val = 25; }
static void rela_huge(struct sample *s) { s->dynamic[1].d_un.d_val = 24 * (UINT64_MAX / 24); }
static void rela_nowhere(struct sample *s) { s->dynamic[0].d_un.d_val = 0x5000; }
static void rela_in_bss(struct sample *s) { s->dynamic[0].d_un.d_val = 0x13f0; }
static void abs64(struct sample *s) { s->rela[1].r_info = 257; }
static void with_symbol(struct sample *s) { s->rela[1].r_info |= UINT64_C(1) << 32; }
static void reloc_odd(struct sample *s) { s->rela[1].r_offset = 0x13f4; }
static void reloc_in_bss(struct sample *s) { s->rela[1].r_offset = 0x1400; }
static void reloc_in_code(struct sample *s) { s->rela[0].r_offset = 0x180; }
static void reloc_wraps(struct sample *s) { s->rela[0].r_offset = UINT64_MAX - 7; }
/* clang-format on */

static void each_kind_of_damage_has_its_own_words(void **state)
{
	static const char data_reloc[] =
		"a relocation is not of an aligned word of the program's data";
	static const char no_entry[] = "the entry is not an instruction of the program";
	static const char wraps[] = "a segment wraps past the end of the address space";
	static const char past[] = "a segment reaches past the end of the file";
	static const char shares[] =
		"a segment overlaps, shares a page with or lies below the last";
	static const char tag[] = "has relocations outside of DT_RELA, of tag";
	static const char type[] = "a relocation is not R_AARCH64_RELATIVE; its number is";
	static const struct {
		void (*damage)(struct sample *sample);
		const char *what;
		uint64_t where;
		/* clang-format off */
	} cases[] = {
		{bad_magic, "not a 64-bit little-endian ELF file", 0},
		{bad_class, "not a 64-bit little-endian ELF file", 0},
		{bad_machine, "not made for AArch64: its machine is", EM_X86_64},
		{bad_type, "not an executable: its type is", ET_REL},
		{bad_phentsize, "program headers are of an unknown size", 32},
		{bad_phoff, "program headers reach past the end of the file", UINT64_MAX - 7},
		{bad_phnum, "program headers reach past the end of the file", 64},
		{no_phnum, "nothing to load: segments", 0},
		{entry_in_data, no_entry,						 0x1300},
		{entry_nowhere, no_entry, UINT64_MAX},
		{entry_odd, no_entry,						 0x182},
		{entry_at_end, no_entry,						 0x200},
		{file_above_mem, "a segment is larger in the file than in memory", 0x1200},
		{past_file, past,						 0x1200},
		{offset_wraps, past,						 0x1200},
		{va_wraps, wraps, UINT64_MAX - 0xdff},
		{mem_wraps, wraps,						 0x1200},
		{past_limit, "a segment reaches past the addresses it may have", 0x1200},
		{skewed, "a segment lies differently in its page than in the file", 0x1300},
		{write_and_execute, "a segment is writable and executable", 0},
		{same_page, shares,						 0x200},
		{overlap, shares,						 0x1200},
		{interpreter, "needs a program interpreter; only static programs run", 0},
		{dynamic_past, "the dynamic section reaches past the end of the file", 0x200},
		{needed, "needs shared libraries; only static programs run", 1},
		{rel, tag,						 DT_RELSZ},
		{relr, tag,						 35},
		{plt, tag,						 DT_PLTRELSZ},
		{fixed, "has relocations, but fixed addresses", 0x1280},
		{rela_entry, "relocations are of an unknown size", 48},
		{rela_part, "relocations are of an unknown size", 25},
		{rela_huge, "the relocations lie outside of the segments", 0x1280},
		{rela_nowhere, "the relocations lie outside of the segments", 0x5000},
		{rela_in_bss, "the relocations lie outside of the segments", 0x13f0},
		{abs64, type,						 1},
		{with_symbol, type,						 1},
		{reloc_odd, data_reloc,						0x13f4},
		{reloc_in_bss, data_reloc,						0x1400},
		{reloc_in_code, data_reloc,						0x180},
		{reloc_wraps, data_reloc, UINT64_MAX - 7},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sample sample;
		struct elf_file elf;
		struct parse_error error = {"nothing", 0};
		sample_make(&sample);
		cases[i].damage(&sample);
		bool opened = open_sample(&sample, &elf, &error);
		assert_string_equal(error.what, cases[i].what);
		assert_int_equal(error.where, cases[i].where);
		assert_false(opened);
	}
}

static void more_segments_than_a_table_holds_are_refused(void **state)
{
	(void)state;
	struct sample sample;
	struct elf_file elf;
	struct parse_error error;
	sample_make(&sample);
	sample.header.e_phnum = ELF_MAX_SEGMENTS + 1;
	sample.header.e_entry = 0;
	/* The table grows over the code, the dynamic section and the relocations. */
	Elf64_Phdr *table = (Elf64_Phdr *)(void *)((char *)&sample + sample.header.e_phoff);
	for (size_t i = 0; i <= ELF_MAX_SEGMENTS; i++) {
		Elf64_Phdr segment =
			sample_segment(PT_LOAD, PF_R | PF_X, 0, i * SAMPLE_PAGE, 0x100, 0x100);
		memcpy((char *)table + i * sizeof(segment), &segment, sizeof(segment));
	}
	assert_false(open_sample(&sample, &elf, &error));
	assert_int_equal(error.where, ELF_MAX_SEGMENTS * SAMPLE_PAGE);
	sample.header.e_phnum = ELF_MAX_SEGMENTS;
	assert_true(open_sample(&sample, &elf, &error));
}

static void the_last_page_below_the_limit_may_be_used(void **state)
{
	(void)state;
	struct sample sample;
	struct elf_file elf;
	struct parse_error error;
	sample_make(&sample);
	assert_true(elf_open(&sample, sizeof(sample), SAMPLE_PAGE, 0x2000, &elf, &error));
	assert_false(elf_open(&sample, sizeof(sample), SAMPLE_PAGE, 0x1fff, &elf, &error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_static_pie_program_is_read),
		cmocka_unit_test(a_program_with_fixed_addresses_is_read),
		cmocka_unit_test(a_segment_without_bytes_is_passed_over),
		cmocka_unit_test(an_unaligned_file_is_read),
		cmocka_unit_test(a_cut_file_is_refused_wherever_it_was_cut),
		cmocka_unit_test(each_kind_of_damage_has_its_own_words),
		cmocka_unit_test(more_segments_than_a_table_holds_are_refused),
		cmocka_unit_test(the_last_page_below_the_limit_may_be_used),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
