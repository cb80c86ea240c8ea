/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot arguments: which words count, and which texts are sizes.
 */
#include <boot/boot.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"

/* On the heap, so that a byte read or written too far is seen. */
static void check_option(const char *arguments, const char *name, size_t size, const char *expected)
{
	char *copy = strdup(arguments);
	char *value = malloc(size);
	memset(value, '#', size);
	assert_int_equal(boot_option(copy, name, value, size), expected != NULL);
	if (expected != NULL) {
		assert_string_equal(value, expected);
	}
	free(value);
	free(copy);
}

static void an_option_is_a_whole_word_with_a_value(void **state)
{
	(void)state;
	check_option("", "exit", 16, NULL);
	check_option("   \t\n ", "exit", 16, NULL);
	check_option("exit", "exit", 16, NULL);
	check_option("exit=", "exit", 16, "");
	check_option("exit=semihosting", "exit", 16, "semihosting");
	check_option("noexit=semihosting", "exit", 16, NULL);
	check_option("exits=1", "exit", 16, NULL);
	check_option("exi=1", "exit", 16, NULL);
	check_option("exit =1", "exit", 16, NULL);
	check_option("exit= 1", "exit", 16, "");
	check_option("exit==1", "exit", 16, "=1");
	check_option("a exit=1 b", "exit", 16, "1");
	check_option("a\texit=1\nb", "exit", 16, "1");
	check_option("=1", "exit", 16, NULL);
}

static void the_last_one_counts(void **state)
{
	(void)state;
	check_option("x=1 x=2 y=3", "x", 4, "2");
	check_option("x=1 x", "x", 4, "1");
	check_option("x=1 x=", "x", 4, "");
}

static void a_value_that_does_not_fit_is_none(void **state)
{
	(void)state;
	check_option("x=abc", "x", 4, "abc");
	check_option("x=abcd", "x", 4, NULL);
	check_option("x=", "x", 1, "");
	check_option("x=a", "x", 1, NULL);
	check_option("x=abc x=abcd", "x", 4, "abc");
}

static void any_text_is_read_within_its_bounds(void **state)
{
	(void)state;
	static const char letters[] = "xy= \t\n";
	for (int round = 0; round < 20000; round++) {
		char text[24];
		size_t length = random_below(sizeof(text));
		for (size_t i = 0; i < length; i++) {
			text[i] = letters[random_below(sizeof(letters) - 1)];
		}
		text[length] = '\0';
		char *copy = strdup(text);
		size_t size = 1 + random_below(8);
		char *value = malloc(size);
		if (boot_option(copy, "xy", value, size)) {
			assert_true(strlen(value) < size);
			assert_null(strpbrk(value, " \t\n"));
		}
		free(value);
		free(copy);
	}
}

static void check_size(const char *text, uint64_t expected)
{
	uint64_t size = 0;
	assert_true(boot_parse_size(text, &size));
	assert_true(size == expected);
}

static void sizes_have_an_optional_unit(void **state)
{
	(void)state;
	check_size("0", 0);
	check_size("4096", 4096);
	check_size("512K", 512 << 10);
	check_size("64M", 64 << 20);
	check_size("1G", 1 << 30);
	check_size("007M", 7 << 20);
	check_size("18446744073709551615", UINT64_MAX);
	check_size("17179869183G", UINT64_C(17179869183) << 30);
}

static void nonsense_is_no_size(void **state)
{
	(void)state;
	static const char *const nonsense[] = {
		"", "M", "-1", "+1", " 1", "1 ", "1m", "1MB", "1MM", "0x10", "1.5G", "1T", "lots",
		"18446744073709551616", "17179869184G", "99999999999999999999999999", "18446744073709551615K",
	};
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		uint64_t size;
		assert_false(boot_parse_size(nonsense[i], &size));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_option_is_a_whole_word_with_a_value),
		cmocka_unit_test(the_last_one_counts),
		cmocka_unit_test(a_value_that_does_not_fit_is_none),
		cmocka_unit_test(any_text_is_read_within_its_bounds),
		cmocka_unit_test(sizes_have_an_optional_unit),
		cmocka_unit_test(nonsense_is_no_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
