/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The archive reader, on archives of GNU cpio and on broken ones. An archive under test is always a
 * copy that malloc() gave, of exactly its size, so that ASan sees each byte read too many.
 */
#include <common/cpio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HEADER_SIZE 110
#define FIELDS      13

struct archive {
	char bytes[4096];
	size_t size;
};

static void append(struct archive *archive, const void *bytes, size_t size)
{
	assert_true(archive->size + size <= sizeof(archive->bytes));
	memcpy(archive->bytes + archive->size, bytes, size);
	archive->size += size;
	while (archive->size % 4 != 0) {
		archive->bytes[archive->size++] = '\0';
	}
}

/* Adds an entry whose name takes `name_size` bytes. */
static void append_padded(struct archive *archive, const char *name, size_t name_size,
			  unsigned mode, const char *data)
{
	char entry[1024] = {0};
	snprintf(entry, sizeof(entry),
		 "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1, mode, 0, 0, 1,
		 0, strlen(data), 0, 0, 0, 0, name_size, 0);
	memcpy(entry + HEADER_SIZE, name, strlen(name));
	append(archive, entry, HEADER_SIZE + name_size);
	append(archive, data, strlen(data));
}

static void append_file(struct archive *archive, const char *name, unsigned mode, const char *data)
{
	append_padded(archive, name, strlen(name) + 1, mode, data);
}

static struct archive make_archive(void)
{
	struct archive archive = {.size = 0};
	append_file(&archive, ".", S_IFDIR | 0755, "");
	append_file(&archive, "./root", S_IFREG | 0755, "program");
	append_padded(&archive, "boards/pi", 40, S_IFREG | 0644, "");
	append_file(&archive, "link", S_IFLNK | 0777, "root");
	append_file(&archive, "TRAILER!!!", 0, "");
	return archive;
}

/* So that the compiler cannot leave the reading out. */
static volatile unsigned bytes_read;

/* Reads all entries, and every byte that they name; returns how it ended. */
static enum cpio_result read_all(const void *bytes, size_t size, size_t *count,
				 struct parse_error *error)
{
	char *copy = malloc(size + (size == 0));
	memcpy(copy, bytes, size);
	size_t offset = 0;
	unsigned sum = 0;
	struct cpio_file file;
	enum cpio_result result;
	*count = 0;
	while ((result = cpio_next(copy, size, &offset, &file, error)) == CPIO_FILE) {
		sum += (unsigned)strlen(file.name);
		for (size_t i = 0; i < file.size; i++) {
			sum += ((const unsigned char *)file.data)[i];
		}
		(*count)++;
		assert_true(offset <= size);
	}
	free(copy);
	bytes_read = sum;
	return result;
}

static void assert_broken(const struct archive *archive, const char *what, size_t where)
{
	struct parse_error error = {0};
	size_t count;
	assert_int_equal(read_all(archive->bytes, archive->size, &count, &error), CPIO_BROKEN);
	assert_string_equal(error.what, what);
	assert_int_equal(error.where, where);
}

static void entries_come_in_order_with_name_mode_and_data(void **state)
{
	(void)state;
	struct archive archive = make_archive();
	struct parse_error error;
	struct cpio_file file;
	size_t offset = 0;

	assert_int_equal(cpio_next(archive.bytes, archive.size, &offset, &file, &error), CPIO_FILE);
	assert_string_equal(file.name, ".");
	assert_int_equal(file.mode, S_IFDIR | 0755);
	assert_int_equal(cpio_next(archive.bytes, archive.size, &offset, &file, &error), CPIO_FILE);
	assert_string_equal(file.name, "root");
	assert_int_equal(file.size, 7);
	assert_memory_equal(file.data, "program", 7);
	assert_int_equal(cpio_next(archive.bytes, archive.size, &offset, &file, &error), CPIO_FILE);
	assert_string_equal(file.name, "boards/pi");
	assert_int_equal(file.size, 0);
	assert_int_equal(cpio_next(archive.bytes, archive.size, &offset, &file, &error), CPIO_FILE);
	assert_int_equal(cpio_next(archive.bytes, archive.size, &offset, &file, &error), CPIO_END);
	assert_int_equal(offset, archive.size);
}

static void find_sees_regular_files_only(void **state)
{
	(void)state;
	struct archive archive = make_archive();
	struct parse_error error;
	struct cpio_file file;
	assert_int_equal(cpio_find(archive.bytes, archive.size, "root", &file, &error), CPIO_FILE);
	assert_memory_equal(file.data, "program", 7);
	assert_int_equal(cpio_find(archive.bytes, archive.size, "link", &file, &error), CPIO_END);
	assert_int_equal(cpio_find(archive.bytes, archive.size, ".", &file, &error), CPIO_END);
	assert_int_equal(cpio_find(archive.bytes, archive.size, "roo", &file, &error), CPIO_END);
	assert_int_equal(cpio_find(archive.bytes, 300, "link", &file, &error), CPIO_BROKEN);
}

static void bytes_after_the_trailer_are_ignored(void **state)
{
	(void)state;
	struct archive archive = make_archive();
	struct parse_error error;
	size_t count;
	append(&archive, "garbage from the firmware", 25);
	assert_int_equal(read_all(archive.bytes, archive.size, &count, &error), CPIO_END);
	assert_int_equal(count, 4);
}

static void the_checksum_format_is_read_too(void **state)
{
	(void)state;
	struct archive archive = {.size = 0};
	struct parse_error error;
	size_t count;
	append_file(&archive, "a", S_IFREG, "b");
	append_file(&archive, "TRAILER!!!", 0, "");
	archive.bytes[5] = '2';
	assert_int_equal(read_all(archive.bytes, archive.size, &count, &error), CPIO_END);
	assert_int_equal(count, 1);
}

static void a_cut_archive_is_broken_wherever_it_was_cut(void **state)
{
	(void)state;
	struct archive archive = make_archive();
	size_t trailer = archive.size - 124;
	for (size_t size = 0; size < archive.size; size++) {
		struct parse_error error = {0};
		size_t count;
		enum cpio_result result = read_all(archive.bytes, size, &count, &error);
		/* Only the padding after the trailer's name may be missing. */
		bool whole = size >= trailer + HEADER_SIZE + sizeof("TRAILER!!!");
		assert_int_equal(result, whole ? CPIO_END : CPIO_BROKEN);
		assert_true(whole || (error.what != NULL && error.where <= size));
	}
}

static void every_field_may_lie_without_harm(void **state)
{
	(void)state;
	static const char *const lies[] = {
		"ffffffff", "FFFFFFFF", "80000000",         "7fffffff", "fffffffc",
		"00000000", "00000001", "0000000b",         "0000ffff", "0000000g",
		"-0000001", "0x000001", "\0\0\0\0\0\0\0\0", "        ",
	};
	struct archive good = make_archive();
	for (size_t begin = 0; begin < good.size; begin += 4) {
		if (memcmp(good.bytes + begin, "070701", 6) != 0) {
			continue;
		}
		for (size_t field = 0; field < FIELDS; field++) {
			for (size_t lie = 0; lie < sizeof(lies) / sizeof(lies[0]); lie++) {
				struct archive bad = good;
				struct parse_error error = {0};
				size_t count;
				memcpy(bad.bytes + begin + 6 + field * 8, lies[lie], 8);
				enum cpio_result result =
					read_all(bad.bytes, bad.size, &count, &error);
				assert_true(result == CPIO_END || error.what != NULL);
			}
		}
	}
}

static void each_kind_of_damage_has_its_own_words(void **state)
{
	(void)state;
	struct archive good = make_archive();
	struct archive bad = good;
	size_t second = 112;
	assert_memory_equal(good.bytes + second, "070701", 6);

	memcpy(bad.bytes + second, "070707", 6);
	assert_broken(&bad, "not a cpio archive in newc format", second);
	bad = good;
	memcpy(bad.bytes + second + 6 + 8 * 6, "0000000x", 8);
	assert_broken(&bad, "a header field is not a hexadecimal number", second);
	bad = good;
	memcpy(bad.bytes + second + 6 + 8 * 6, "fffffff0", 8);
	assert_broken(&bad, "the data of a file reaches past the end of the archive", second);
	bad = good;
	memcpy(bad.bytes + second + 6 + 8 * 11, "ffffffff", 8);
	assert_broken(&bad, "a name reaches past the end of the archive", second);
	bad = good;
	memcpy(bad.bytes + second + 6 + 8 * 11, "00000000", 8);
	assert_broken(&bad, "a file has no name", second);
	bad = good;
	memcpy(bad.bytes + second + 6 + 8 * 11, "00000006", 8);
	assert_broken(&bad, "a name has no NUL at its end", second);
	bad = good;
	bad.size = second;
	assert_broken(&bad, "the archive ends without a trailer", second);
	bad.size = second + 50;
	assert_broken(&bad, "a header reaches past the end of the archive", second);
}

static void run(const char *command)
{
	assert_int_equal(system(command), 0);
}

/* Packs a small folder with the machine's own cpio. */
static void archives_of_gnu_cpio_are_read(void **state)
{
	(void)state;
	char folder[] = "cpio_test.XXXXXX";
	char command[512];
	static char bytes[65536];
	assert_non_null(mkdtemp(folder));
	snprintf(command, sizeof(command),
		 "cd %s && mkdir sub && printf hello > sub/a && head -c 5000 /dev/zero > b && "
		 "find . | LC_ALL=C sort | %s --quiet -o -H newc > ../%s.cpio",
		 folder, CPIO_PROGRAM, folder);
	run(command);

	snprintf(command, sizeof(command), "%s.cpio", folder);
	FILE *stream = fopen(command, "rb");
	assert_non_null(stream);
	size_t size = fread(bytes, 1, sizeof(bytes), stream);
	fclose(stream);
	snprintf(command, sizeof(command), "rm -r %s %s.cpio", folder, folder);
	run(command);

	struct parse_error error;
	struct cpio_file file;
	size_t count;
	assert_int_equal(read_all(bytes, size, &count, &error), CPIO_END);
	assert_int_equal(count, 4);
	assert_int_equal(cpio_find(bytes, size, "sub/a", &file, &error), CPIO_FILE);
	assert_int_equal(file.size, 5);
	assert_memory_equal(file.data, "hello", 5);
	assert_int_equal(cpio_find(bytes, size, "b", &file, &error), CPIO_FILE);
	assert_int_equal(file.size, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_come_in_order_with_name_mode_and_data),
		cmocka_unit_test(find_sees_regular_files_only),
		cmocka_unit_test(bytes_after_the_trailer_are_ignored),
		cmocka_unit_test(the_checksum_format_is_read_too),
		cmocka_unit_test(a_cut_archive_is_broken_wherever_it_was_cut),
		cmocka_unit_test(every_field_may_lie_without_harm),
		cmocka_unit_test(each_kind_of_damage_has_its_own_words),
		cmocka_unit_test(archives_of_gnu_cpio_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
