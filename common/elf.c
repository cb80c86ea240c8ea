/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads ELF files. Records are copied out of the file before they are looked at, since nothing says
 * that they are aligned. Names of fields and values are those of "ELF-64 Object File Format", 1.5.
 */
#include "elf.h"

#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the records of a little-endian file are read as they are"
#endif

struct ehdr {
	uint8_t e_ident[16];
	uint16_t e_type;
	uint16_t e_machine;
	uint32_t e_version;
	uint64_t e_entry;
	uint64_t e_phoff;
	uint64_t e_shoff;
	uint32_t e_flags;
	uint16_t e_ehsize;
	uint16_t e_phentsize;
	uint16_t e_phnum;
	uint16_t e_shentsize;
	uint16_t e_shnum;
	uint16_t e_shstrndx;
};

struct phdr {
	uint32_t p_type;
	uint32_t p_flags;
	uint64_t p_offset;
	uint64_t p_vaddr;
	uint64_t p_paddr;
	uint64_t p_filesz;
	uint64_t p_memsz;
	uint64_t p_align;
};

struct dyn {
	uint64_t d_tag;
	uint64_t d_val;
};

struct rela {
	uint64_t r_offset;
	uint64_t r_info;
	int64_t r_addend;
};

_Static_assert(sizeof(struct ehdr) == 64, "as in the file");
_Static_assert(sizeof(struct phdr) == 56, "as in the file");
_Static_assert(sizeof(struct dyn) == 16, "as in the file");
_Static_assert(sizeof(struct rela) == 24, "as in the file");

enum { ET_EXEC = 2, ET_DYN = 3 };
enum { EM_AARCH64 = 183 };
enum { PT_LOAD = 1, PT_DYNAMIC = 2, PT_INTERP = 3 };
enum { PF_X = 1, PF_W = 2, PF_R = 4 };

enum {
	DT_NULL = 0,
	DT_NEEDED = 1,
	DT_PLTRELSZ = 2,
	DT_RELA = 7,
	DT_RELASZ = 8,
	DT_RELAENT = 9,
	DT_RELSZ = 18,
	DT_RELRSZ = 35,
};

/* r_info of a relocation that names no symbol; AAELF64, "Dynamic relocations". */
#define R_AARCH64_RELATIVE 1027

struct file {
	const unsigned char *base;
	size_t size;
	uint64_t page;
	uint64_t limit;
	struct parse_error *error;
};

static bool refuse(const struct file *file, const char *what, uint64_t where)
{
	file->error->what = what;
	file->error->where = where;
	return false;
}

static bool in_file(const struct file *file, uint64_t offset, uint64_t size)
{
	return offset <= file->size && size <= file->size - offset;
}

static bool check_header(const struct file *file, const struct ehdr *header)
{
	static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', 2, 1, 1}; /* 64 bits, little-endian */

	if (memcmp(header->e_ident, ident, sizeof(ident)) != 0) {
		return refuse(file, "not a 64-bit little-endian ELF file", 0);
	}
	if (header->e_machine != EM_AARCH64) {
		return refuse(file, "not made for AArch64: its machine is", header->e_machine);
	}
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN) {
		return refuse(file, "not an executable: its type is", header->e_type);
	}
	if (header->e_phentsize != sizeof(struct phdr)) {
		return refuse(file, "program headers are of an unknown size", header->e_phentsize);
	}
	if (!in_file(file, header->e_phoff, (uint64_t)header->e_phnum * sizeof(struct phdr))) {
		return refuse(file, "program headers reach past the end of the file",
			      header->e_phoff);
	}
	return true;
}

/* What one PT_LOAD says of itself; how it stands to the others is checked in append_segment(). */
static bool check_segment(const struct file *file, const struct phdr *header)
{
	uint64_t end;

	if (header->p_filesz > header->p_memsz) {
		return refuse(file, "a segment is larger in the file than in memory",
			      header->p_vaddr);
	}
	if (!in_file(file, header->p_offset, header->p_filesz)) {
		return refuse(file, "a segment reaches past the end of the file", header->p_vaddr);
	}
	if (__builtin_add_overflow(header->p_vaddr, header->p_memsz, &end) ||
	    __builtin_add_overflow(end, file->page - 1, &end)) {
		return refuse(file, "a segment wraps past the end of the address space",
			      header->p_vaddr);
	}
	if ((end & ~(file->page - 1)) > file->limit) {
		return refuse(file, "a segment reaches past the addresses it may have",
			      header->p_vaddr);
	}
	if ((header->p_vaddr ^ header->p_offset) % file->page != 0) {
		return refuse(file, "a segment lies differently in its page than in the file",
			      header->p_vaddr);
	}
	if ((header->p_flags & (PF_W | PF_X)) == (PF_W | PF_X)) {
		return refuse(file, "a segment is writable and executable", header->p_vaddr);
	}
	return true;
}

/* elf->end is the end of the last segment, rounded up, while segments are added. */
static bool append_segment(const struct file *file, const struct phdr *header, struct elf_file *elf)
{
	uint64_t begin = header->p_vaddr & ~(file->page - 1);

	if (elf->segment_count == ELF_MAX_SEGMENTS) {
		return refuse(file, "there are too many segments; the first too many",
			      header->p_vaddr);
	}
	/*
	 * "Entries of type PT_LOAD appear in ascending order", so one comparison sees every
	 * overlap.
	 */
	if (elf->segment_count > 0 && begin < elf->end) {
		return refuse(file, "a segment overlaps, shares a page with or lies below the last",
			      header->p_vaddr);
	}
	if (elf->segment_count == 0) {
		elf->begin = begin;
	}
	elf->end = (header->p_vaddr + header->p_memsz + file->page - 1) & ~(file->page - 1);
	elf->segments[elf->segment_count++] = (struct elf_segment){
		.va = header->p_vaddr,
		.data = file->base + header->p_offset,
		.file_size = header->p_filesz,
		.mem_size = header->p_memsz,
		.readable = (header->p_flags & PF_R) != 0,
		.writable = (header->p_flags & PF_W) != 0,
		.executable = (header->p_flags & PF_X) != 0,
	};
	return true;
}

/* The segment whose part in the file holds all of [va, va + size); NULL if none does. */
static const struct elf_segment *segment_at(const struct elf_file *elf, uint64_t va, uint64_t size)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];
		/* A va below the segment wraps to a large offset, which is refused too. */
		uint64_t offset = va - segment->va;
		if (offset <= segment->file_size && size <= segment->file_size - offset) {
			return segment;
		}
	}
	return NULL;
}

static bool read_program_header(const struct file *file, const struct phdr *header,
				struct phdr *dynamic, struct elf_file *elf)
{
	switch (header->p_type) {
	case PT_LOAD:
		if (header->p_memsz == 0 && header->p_filesz == 0) {
			return true;
		}
		return check_segment(file, header) && append_segment(file, header, elf);
	case PT_INTERP:
		return refuse(file, "needs a program interpreter; only static programs run",
			      header->p_offset);
	case PT_DYNAMIC:
		if (!in_file(file, header->p_offset, header->p_filesz)) {
			return refuse(file, "the dynamic section reaches past the end of the file",
				      header->p_offset);
		}
		*dynamic = *header;
		return true;
	default:
		return true;
	}
}

static bool read_program_headers(const struct file *file, const struct ehdr *header,
				 struct phdr *dynamic, struct elf_file *elf)
{
	for (size_t i = 0; i < header->e_phnum; i++) {
		struct phdr program;
		memcpy(&program, file->base + header->e_phoff + i * sizeof(program),
		       sizeof(program));
		if (!read_program_header(file, &program, dynamic, elf)) {
			return false;
		}
	}
	if (elf->segment_count == 0) {
		return refuse(file, "nothing to load: segments", 0);
	}
	return true;
}

static bool check_entry(const struct file *file, const struct elf_file *elf)
{
	const struct elf_segment *segment = segment_at(elf, elf->entry, sizeof(uint32_t));
	if (segment == NULL || !segment->executable || elf->entry % sizeof(uint32_t) != 0) {
		return refuse(file, "the entry is not an instruction of the program", elf->entry);
	}
	return true;
}

/* What the dynamic section says of relocations. */
struct dynamic {
	uint64_t rela;
	uint64_t rela_size;
	uint64_t rela_entry_size;
};

static bool read_dynamic_entry(const struct file *file, const struct dyn *entry,
			       struct dynamic *dynamic)
{
	switch (entry->d_tag) {
	case DT_NEEDED:
		return refuse(file, "needs shared libraries; only static programs run",
			      entry->d_val);
	case DT_RELA:
		dynamic->rela = entry->d_val;
		return true;
	case DT_RELASZ:
		dynamic->rela_size = entry->d_val;
		return true;
	case DT_RELAENT:
		dynamic->rela_entry_size = entry->d_val;
		return true;
	case DT_PLTRELSZ:
	case DT_RELSZ:
	case DT_RELRSZ:
		if (entry->d_val != 0) {
			return refuse(file, "has relocations outside of DT_RELA, of tag",
				      entry->d_tag);
		}
		return true;
	default:
		return true;
	}
}

static bool read_dynamic(const struct file *file, const struct phdr *header,
			 struct dynamic *dynamic)
{
	uint64_t count = header->p_filesz / sizeof(struct dyn);
	for (uint64_t i = 0; i < count; i++) {
		struct dyn entry;
		memcpy(&entry, file->base + header->p_offset + i * sizeof(entry), sizeof(entry));
		if (entry.d_tag == DT_NULL) {
			break;
		}
		if (!read_dynamic_entry(file, &entry, dynamic)) {
			return false;
		}
	}
	return true;
}

static struct rela read_rela(const struct elf_file *elf, size_t index)
{
	struct rela rela;
	memcpy(&rela, (const unsigned char *)elf->relocations + index * sizeof(rela), sizeof(rela));
	return rela;
}

static bool check_relocation(const struct file *file, const struct elf_file *elf, size_t index)
{
	struct rela rela = read_rela(elf, index);
	if (rela.r_info != R_AARCH64_RELATIVE) {
		return refuse(file, "a relocation is not R_AARCH64_RELATIVE; its number is", index);
	}
	const struct elf_segment *segment = segment_at(elf, rela.r_offset, sizeof(uint64_t));
	if (segment == NULL || segment->executable || rela.r_offset % sizeof(uint64_t) != 0) {
		return refuse(file, "a relocation is not of an aligned word of the program's data",
			      rela.r_offset);
	}
	return true;
}

/* Finds and checks the table of relocations. */
static bool read_relocations(const struct file *file, const struct dynamic *dynamic,
			     struct elf_file *elf)
{
	if (dynamic->rela_size == 0) {
		return true;
	}
	if (!elf->position_independent) {
		return refuse(file, "has relocations, but fixed addresses", dynamic->rela);
	}
	if (dynamic->rela_entry_size != sizeof(struct rela) ||
	    dynamic->rela_size % sizeof(struct rela) != 0) {
		return refuse(file, "relocations are of an unknown size", dynamic->rela_size);
	}
	const struct elf_segment *segment = segment_at(elf, dynamic->rela, dynamic->rela_size);
	if (segment == NULL) {
		return refuse(file, "the relocations lie outside of the segments", dynamic->rela);
	}
	elf->relocations = (const unsigned char *)segment->data + (dynamic->rela - segment->va);
	elf->relocation_count = dynamic->rela_size / sizeof(struct rela);
	for (size_t i = 0; i < elf->relocation_count; i++) {
		if (!check_relocation(file, elf, i)) {
			return false;
		}
	}
	return true;
}

bool elf_open(const void *base, size_t size, uint64_t page, uint64_t limit, struct elf_file *elf,
	      struct parse_error *error)
{
	struct file file = {base, size, page, limit, error};
	struct ehdr header;
	struct phdr dynamic_header = {0};
	struct dynamic dynamic = {0};

	memset(elf, 0, sizeof(*elf));
	if (size < sizeof(header)) {
		return refuse(&file, "the file is shorter than an ELF header", size);
	}
	memcpy(&header, base, sizeof(header));
	elf->position_independent = header.e_type == ET_DYN;
	elf->entry = header.e_entry;
	return check_header(&file, &header) &&
	       read_program_headers(&file, &header, &dynamic_header, elf) &&
	       check_entry(&file, elf) && read_dynamic(&file, &dynamic_header, &dynamic) &&
	       read_relocations(&file, &dynamic, elf);
}

struct elf_relocation elf_relocation(const struct elf_file *elf, size_t index)
{
	struct rela rela = read_rela(elf, index);
	return (struct elf_relocation){rela.r_offset, (uint64_t)rela.r_addend};
}
