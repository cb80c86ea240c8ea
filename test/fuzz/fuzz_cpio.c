/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as an archive: what cpio_next() gives out lies inside, and reading goes forward.
 */
#include <common/cpio.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static bool is_inside(const uint8_t *data, size_t size, const void *part, size_t part_size)
{
	size_t offset = (size_t)((const uint8_t *)part - data);
	return offset <= size && part_size <= size - offset;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parse_error error = {0};
	struct cpio_file file, found;
	size_t offset = 0;
	size_t last = 0;
	enum cpio_result result;
	while ((result = cpio_next(data, size, &offset, &file, &error)) == CPIO_FILE) {
		check(offset > last && offset <= size && offset % 4 <= size % 4);
		check(is_inside(data, size, file.name, strlen(file.name) + 1));
		check(is_inside(data, size, file.data, file.size));
		last = offset;
	}
	check(result == CPIO_END || (error.what != NULL && error.where <= size));
	if (last != 0) {
		/* What was read last is there for cpio_find() too, unless it is not a file. */
		result = cpio_find(data, size, file.name, &found, &error);
		check(result != CPIO_FILE || strcmp(found.name, file.name) == 0);
	}
	return 0;
}
