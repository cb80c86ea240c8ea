/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads cpio archives in the "newc" format (cpio(5), magic 070701, and 070702, whose checksum is
 * not looked at), as the boot modules arrive. Everything is checked against the archive's bounds
 * before it is used; nothing is copied or changed.
 */
#pragma once

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpio_file {
	const char *name; /* in the archive, NUL-terminated; a leading "./" is left out */
	const void *data; /* in the archive */
	size_t size;   /* of hard links, only the last has the data; the others come with size 0 */
	uint32_t mode; /* as in stat(2): type and permissions */
};

enum cpio_result { CPIO_FILE, CPIO_END, CPIO_BROKEN };

/*
 * Reads the entry at *offset of the archive `base`, `size`, and moves *offset to the next one.
 * Start with *offset = 0. CPIO_FILE: *file is filled (directories and links come too, told apart
 * by mode). CPIO_END: the trailer was read; bytes after it are legal (firmware rounds the
 * archive's end up). CPIO_BROKEN: *error says why, and at which entry; an archive without a
 * trailer is broken.
 */
enum cpio_result cpio_next(const void *base, size_t size, size_t *offset, struct cpio_file *file,
			   struct parse_error *error);

/*
 * Finds the regular file `name`. CPIO_FILE: found. CPIO_END: there is none. CPIO_BROKEN: the
 * archive is broken before it; *error says why.
 */
enum cpio_result cpio_find(const void *base, size_t size, const char *name, struct cpio_file *file,
			   struct parse_error *error);
