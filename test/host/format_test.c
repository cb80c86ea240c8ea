/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The formatter says what the C library's printf says, for everything that it knows.
 */
#include <common/format.h>

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Both must give the same text and length, in buffers of every size. */
#define ASSERT_LIKE_PRINTF(...)                                                        \
	do {                                                                           \
		char ours[100], theirs[100];                                           \
		for (size_t size = 1; size <= sizeof(ours); size++) {                  \
			memset(ours, 'x', sizeof(ours));                               \
			size_t length = format(ours, size, __VA_ARGS__);               \
			assert_int_equal(length, snprintf(theirs, size, __VA_ARGS__)); \
			assert_string_equal(ours, theirs);                             \
			assert_true(size == sizeof(ours) || ours[size] == 'x');        \
		}                                                                      \
	} while (0)

static void numbers_come_out_as_printf_writes_them(void **state)
{
	(void)state;
	ASSERT_LIKE_PRINTF("%d %d %d", 0, -1, 42);
	ASSERT_LIKE_PRINTF("%d %d", INT_MIN, INT_MAX);
	ASSERT_LIKE_PRINTF("%u %x", UINT_MAX, UINT_MAX);
	ASSERT_LIKE_PRINTF("%ld %lu %lx", LONG_MIN, ULONG_MAX, ULONG_MAX);
	ASSERT_LIKE_PRINTF("%lld %llu %llx", LLONG_MIN, ULLONG_MAX, 0xabcdefULL);
	ASSERT_LIKE_PRINTF("%zu %zx", SIZE_MAX, (size_t)0x1234);
	ASSERT_LIKE_PRINTF("%p", (void *)(uintptr_t)0xffff800000001000);
}

static void widths_and_flags_are_obeyed(void **state)
{
	(void)state;
	ASSERT_LIKE_PRINTF("[%5d] [%-5d] [%05d] [%2d]", 42, 42, 42, 12345);
	ASSERT_LIKE_PRINTF("[%5d] [%-5d] [%05d]", -42, -42, -42);
	ASSERT_LIKE_PRINTF("[%016llx] [%8x] [%-8x]", 0x40000000ULL, 0xbeefu, 0xbeefu);
	ASSERT_LIKE_PRINTF("[%10s] [%-10s] [%2s]", "tree", "tree", "tree");
	ASSERT_LIKE_PRINTF("[%3c] [%-3c] [%c]", 'a', 'b', 'c');
	ASSERT_LIKE_PRINTF("100%% [%s]", "");
}

static void a_null_string_is_shown_as_such(void **state)
{
	(void)state;
	char out[32];
	const char *volatile nothing = NULL;
	assert_int_equal(format(out, sizeof(out), "<%s>", nothing), 8);
	assert_string_equal(out, "<(null)>");
}

static void a_null_pointer_is_0x0(void **state)
{
	(void)state;
	char out[32];
	format(out, sizeof(out), "%p", (void *)NULL);
	assert_string_equal(out, "0x0");
}

static void a_conversion_that_is_unknown_is_left_as_text(void **state)
{
	(void)state;
	char out[32];
	const char *volatile unknown = "%q %5";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
	format(out, sizeof(out), unknown);
#pragma GCC diagnostic pop
	assert_string_equal(out, "%q %5");
}

static void without_room_nothing_is_written(void **state)
{
	(void)state;
	char out = 'x';
	assert_int_equal(format(&out, 0, "%d", 1234), 4);
	assert_int_equal(out, 'x');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_come_out_as_printf_writes_them),
		cmocka_unit_test(widths_and_flags_are_obeyed),
		cmocka_unit_test(a_null_string_is_shown_as_such),
		cmocka_unit_test(a_null_pointer_is_0x0),
		cmocka_unit_test(a_conversion_that_is_unknown_is_left_as_text),
		cmocka_unit_test(without_room_nothing_is_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
