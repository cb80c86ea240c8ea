/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The string functions, at every alignment and every size around the borders of words and blocks.
 * The buffers come from malloc() with exactly the size that is named, so that ASan sees each byte
 * too many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <stdbool.h>

#include <cmocka.h>

#define MAX_SIZE 200
#define MAX_SKEW 8

static unsigned char pattern(size_t i)
{
	return (unsigned char)(i * 7 + 3);
}

/* A block that begins `skew` bytes into what malloc() gave and ends with it. */
static unsigned char *make(size_t skew, size_t size)
{
	unsigned char *block = malloc(skew + size + (skew + size == 0));
	assert_non_null(block);
	for (size_t i = 0; i < skew + size; i++) {
		block[i] = pattern(i - skew);
	}
	return block;
}

static void copy_at(size_t to_skew, size_t from_skew, size_t size)
{
	unsigned char *to = make(to_skew, size);
	unsigned char *from = make(from_skew, size);
	for (size_t i = 0; i < size; i++) {
		to[to_skew + i] = 0;
	}
	assert_ptr_equal(our_memcpy(to + to_skew, from + from_skew, size), to + to_skew);
	for (size_t i = 0; i < size; i++) {
		assert_int_equal(to[to_skew + i], pattern(i));
	}
	for (size_t i = 0; i < to_skew; i++) {
		assert_int_equal(to[i], pattern(i - to_skew));
	}
	free(to);
	free(from);
}

static void memcpy_copies_at_every_alignment(void **state)
{
	(void)state;
	for (size_t to = 0; to < MAX_SKEW; to++) {
		for (size_t from = 0; from < MAX_SKEW; from++) {
			for (size_t size = 0; size <= MAX_SIZE; size++) {
				copy_at(to, from, size);
			}
		}
	}
}

static void move_within(size_t to, size_t from, size_t size)
{
	size_t length = (to > from ? to : from) + size;
	unsigned char *block = make(0, length);
	assert_ptr_equal(our_memmove(block + to, block + from, size), block + to);
	for (size_t i = 0; i < length; i++) {
		bool moved = i >= to && i < to + size;
		assert_int_equal(block[i], pattern(moved ? i - to + from : i));
	}
	free(block);
}

static void memmove_copies_over_itself_at_every_distance(void **state)
{
	(void)state;
	for (size_t to = 0; to < 90; to++) {
		for (size_t from = 0; from < 90; from += 1 + from / 20) {
			for (size_t size = 0; size <= MAX_SIZE; size += 1 + size / 10) {
				move_within(to, from, size);
			}
		}
	}
}

static void memset_sets_what_it_is_told_and_no_more(void **state)
{
	(void)state;
	for (size_t skew = 0; skew < MAX_SKEW; skew++) {
		for (size_t size = 0; size <= MAX_SIZE; size++) {
			unsigned char *block = make(skew, size);
			assert_ptr_equal(our_memset(block + skew, 0x1a5, size), block + skew);
			for (size_t i = 0; i < skew + size; i++) {
				assert_int_equal(block[i], i < skew ? pattern(i - skew) : 0xa5);
			}
			free(block);
		}
	}
}

static int sign(int number)
{
	return (number > 0) - (number < 0);
}

static void comparisons_see_the_first_difference_as_unsigned(void **state)
{
	(void)state;
	assert_int_equal(our_memcmp("abc", "abd", 2), 0);
	assert_int_equal(sign(our_memcmp("a\x80", "a\x7f", 2)), 1);
	assert_int_equal(sign(our_memcmp("a\0b", "a\0c", 3)), -1);
	assert_int_equal(our_memcmp("x", "y", 0), 0);
	assert_int_equal(our_strcmp("boot", "boot"), 0);
	assert_int_equal(sign(our_strcmp("boot", "boo")), 1);
	assert_int_equal(sign(our_strcmp("", "\xff")), -1);
	assert_int_equal(our_strncmp("./name", "./other", 2), 0);
	assert_int_equal(our_strncmp("a\0b", "a\0c", 3), 0);
	assert_int_equal(sign(our_strncmp("ab", "ac", 2)), -1);
}

static void searches_find_the_first_or_the_last(void **state)
{
	(void)state;
	const char *text = "a/b/c";
	assert_ptr_equal(our_strchr(text, '/'), text + 1);
	assert_ptr_equal(our_strrchr(text, '/'), text + 3);
	assert_ptr_equal(our_strchr(text, '\0'), text + 5);
	assert_ptr_equal(our_strrchr(text, '\0'), text + 5);
	assert_null(our_strchr(text, 'x'));
	assert_null(our_strrchr(text, 'x'));
	assert_ptr_equal(our_memchr(text, 'c', 5), text + 4);
	assert_null(our_memchr(text, 'c', 4));
	assert_null(our_memchr(text, 'a', 0));
	assert_ptr_equal(our_memchr("\xff", 0x1ff, 1) != NULL, 1);
}

static void lengths_stop_at_the_nul_or_the_limit(void **state)
{
	(void)state;
	assert_int_equal(our_strlen(""), 0);
	assert_int_equal(our_strlen("tree"), 4);
	assert_int_equal(our_strnlen("tree", 9), 4);
	assert_int_equal(our_strnlen("tree", 2), 2);
	assert_int_equal(our_strnlen("", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memcpy_copies_at_every_alignment),
		cmocka_unit_test(memmove_copies_over_itself_at_every_distance),
		cmocka_unit_test(memset_sets_what_it_is_told_and_no_more),
		cmocka_unit_test(comparisons_see_the_first_difference_as_unsigned),
		cmocka_unit_test(searches_find_the_first_or_the_last),
		cmocka_unit_test(lengths_stop_at_the_nul_or_the_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
