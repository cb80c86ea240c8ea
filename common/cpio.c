/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads newc archives. An entry is a header of 110 ASCII characters, the name, and the data; name
 * and data are each padded so that what follows begins at a multiple of four bytes (cpio(5), "New
 * ASCII Format").
 */
#include "cpio.h"

#include <string.h>

#define MAGIC_SIZE  6
#define FIELD_SIZE  8
#define HEADER_SIZE (MAGIC_SIZE + 13 * FIELD_SIZE)

#define MODE_TYPE    0170000
#define MODE_REGULAR 0100000

/* The fields that matter here; there are 13. */
enum field { FIELD_MODE = 1, FIELD_FILE_SIZE = 6, FIELD_NAME_SIZE = 11 };

static enum cpio_result broken(struct parse_error *error, const char *what, size_t where)
{
	error->what = what;
	error->where = where;
	return CPIO_BROKEN;
}

static bool magic_is_known(const char *header)
{
	return memcmp(header, "070701", MAGIC_SIZE) == 0 ||
	       memcmp(header, "070702", MAGIC_SIZE) == 0;
}

/* The value of one hexadecimal digit; 16 or more if it is none. */
static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9') {
		return (unsigned)(c - '0');
	}
	c |= 0x20; /* to lower case */
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

static bool read_field(const char *header, enum field field, uint32_t *value)
{
	const char *digits = header + MAGIC_SIZE + field * FIELD_SIZE;
	*value = 0;
	for (int i = 0; i < FIELD_SIZE; i++) {
		unsigned digit = digit_value(digits[i]);
		if (digit > 15) {
			return false;
		}
		*value = *value << 4 | digit;
	}
	return true;
}

/*
 * Moves *at over `length` bytes and the padding behind them. False if they are not all in `size`.
 */
static bool step(size_t *at, size_t length, size_t size)
{
	if (length > size - *at) {
		return false;
	}
	*at += length;
	/* An archive cut off inside padding has lost nothing: the next header tells. */
	size_t padding = -*at % 4;
	*at += padding < size - *at ? padding : size - *at;
	return true;
}

static const char *without_dot_slash(const char *name)
{
	return strncmp(name, "./", 2) == 0 ? name + 2 : name;
}

/* Reads the name and the data behind a whole header at `begin`. */
static enum cpio_result read_body(const char *archive, size_t size, size_t begin, size_t *offset,
				  struct cpio_file *file, struct parse_error *error)
{
	uint32_t file_size, name_size;
	if (!read_field(archive + begin, FIELD_MODE, &file->mode) ||
	    !read_field(archive + begin, FIELD_FILE_SIZE, &file_size) ||
	    !read_field(archive + begin, FIELD_NAME_SIZE, &name_size)) {
		return broken(error, "a header field is not a hexadecimal number", begin);
	}
	if (name_size == 0) {
		return broken(error, "a file has no name", begin);
	}
	size_t at = begin;
	if (!step(&at, HEADER_SIZE + (size_t)name_size, size)) {
		return broken(error, "a name reaches past the end of the archive", begin);
	}
	const char *name = archive + begin + HEADER_SIZE;
	if (name[name_size - 1] != '\0') {
		return broken(error, "a name has no NUL at its end", begin);
	}
	if (strcmp(name, "TRAILER!!!") == 0) {
		*offset = at;
		return CPIO_END;
	}
	file->name = without_dot_slash(name);
	file->data = archive + at;
	file->size = file_size;
	if (!step(&at, file_size, size)) {
		return broken(error, "the data of a file reaches past the end of the archive",
			      begin);
	}
	*offset = at;
	return CPIO_FILE;
}

enum cpio_result cpio_next(const void *base, size_t size, size_t *offset, struct cpio_file *file,
			   struct parse_error *error)
{
	size_t begin = *offset;
	if (begin >= size) {
		return broken(error, "the archive ends without a trailer", begin);
	}
	if (size - begin < HEADER_SIZE) {
		return broken(error, "a header reaches past the end of the archive", begin);
	}
	const char *archive = base;
	if (!magic_is_known(archive + begin)) {
		return broken(error, "not a cpio archive in newc format", begin);
	}
	return read_body(archive, size, begin, offset, file, error);
}

enum cpio_result cpio_find(const void *base, size_t size, const char *name, struct cpio_file *file,
			   struct parse_error *error)
{
	size_t offset = 0;
	enum cpio_result result;
	do {
		result = cpio_next(base, size, &offset, file, error);
	} while (result == CPIO_FILE &&
		 ((file->mode & MODE_TYPE) != MODE_REGULAR || strcmp(file->name, name) != 0));
	return result;
}
