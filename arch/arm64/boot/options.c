/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot arguments: words "name=value" separated by blanks, from /chosen/bootargs.
 */
#include "boot.h"

#include <string.h>

static const char *skip_blanks(const char *text)
{
	while (*text == ' ' || *text == '\t' || *text == '\n') {
		text++;
	}
	return text;
}

static size_t word_length(const char *text)
{
	size_t length = 0;
	while (text[length] != '\0' && text[length] != ' ' && text[length] != '\t' && text[length] != '\n') {
		length++;
	}
	return length;
}

bool boot_option(const char *arguments, const char *name, char *value, size_t size)
{
	size_t name_length = strlen(name);
	bool found = false;
	for (const char *word = skip_blanks(arguments); *word != '\0';) {
		size_t length = word_length(word);
		if (length > name_length && length - name_length <= size && word[name_length] == '=' &&
		    memcmp(word, name, name_length) == 0) {
			size_t value_length = length - name_length - 1;
			memcpy(value, word + name_length + 1, value_length);
			value[value_length] = '\0';
			found = true; /* the last one counts: users append */
		}
		word = skip_blanks(word + length);
	}
	return found;
}

bool boot_parse_size(const char *text, uint64_t *size)
{
	uint64_t value = 0;
	size_t digits = 0;
	for (; text[digits] >= '0' && text[digits] <= '9'; digits++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text[digits] - '0'), &value)) {
			return false;
		}
	}
	unsigned shift = 0;
	switch (text[digits]) {
	case 'K':
		shift = 10;
		break;
	case 'M':
		shift = 20;
		break;
	case 'G':
		shift = 30;
		break;
	case '\0':
		break;
	default:
		return false;
	}
	bool ends = text[digits] == '\0' || text[digits + 1] == '\0';
	*size = value << shift;
	return digits != 0 && ends && *size >> shift == value;
}
