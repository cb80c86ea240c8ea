/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads ELF64 little-endian AArch64 executables (ELF-64 Object File Format, version 1.5; ELF for
 * the Arm 64-bit Architecture, AAELF64): static ones (ET_EXEC) and static-PIE ones (ET_DYN with
 * R_AARCH64_RELATIVE relocations only). Everything is checked against the file's bounds before it
 * is used: after elf_open() has succeeded, all other functions only read inside the file.
 */
#pragma once

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_MAX_SEGMENTS 8

struct elf_segment {
	uint64_t va;        /* as linked; begins a page when rounded down to `page` */
	const void *data;   /* in the file; `file_size` bytes */
	uint64_t file_size; /* at most mem_size */
	uint64_t mem_size;  /* not 0; bytes from file_size on are zero */
	bool readable, writable, executable; /* never both of the last two */
};

struct elf_file {
	bool position_independent; /* ET_DYN */
	uint64_t entry;            /* inside an executable segment */
	uint64_t begin, end;       /* of all segments, rounded out to pages */
	size_t segment_count;      /* at least 1; sorted by va, no two share a page */
	struct elf_segment segments[ELF_MAX_SEGMENTS];

	/*
	 * The relocations of a position-independent file: ELF64 Rela records, 24 bytes each. Read
	 * them through elf_relocation(): they may be unaligned.
	 */
	const void *relocations;
	size_t relocation_count;
};

struct elf_relocation {
	/*
	 * The linked address of an aligned 8-byte word in the file part of a segment that is not
	 * executable.
	 */
	uint64_t where;
	/* The linked address that the word must hold, to be moved by the load bias. Any number. */
	uint64_t value;
};

/*
 * Reads and checks the file `base`, `size`. `page` is the page size (a power of two): segments
 * are refused if two of them would share a page or are not in ascending order, if one is writable
 * and executable, if the last page of one wraps or ends above `limit`, or if address and file
 * offset of one differ modulo `page`. Refuses dynamic executables (PT_INTERP, or a PT_DYNAMIC
 * with DT_NEEDED), relocations of a file with fixed addresses, any relocation type but
 * R_AARCH64_RELATIVE, and relocations outside the segments' file parts. p_align is not looked at:
 * a segment may count on no more alignment than `page`.
 */
bool elf_open(const void *base, size_t size, uint64_t page, uint64_t limit, struct elf_file *elf,
	      struct parse_error *error);

/*
 * The relocation number `index`, below elf->relocation_count. It is read from the file: a
 * relocation may overwrite the loaded copy of the table, and must not change what comes after it.
 */
struct elf_relocation elf_relocation(const struct elf_file *elf, size_t index);
