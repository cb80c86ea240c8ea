/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The formatter of format.h: the text is put out byte by byte, and what does not fit is only
 * counted.
 */
#include "format.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct output {
	char *out;
	size_t size;
	size_t length; /* wanted so far */
};

/* One conversion: "%-08lx". */
struct conversion {
	bool left;
	bool zeros;
	size_t width;
	char length; /* 0, 'l', 'L' for ll, or 'z' */
};

static void put(struct output *to, char c)
{
	if (to->length + 1 < to->size) {
		to->out[to->length] = c;
	}
	to->length++;
}

static void put_many(struct output *to, char c, size_t count)
{
	while (count-- > 0) {
		put(to, c);
	}
}

static void put_text(struct output *to, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		put(to, text[i]);
	}
}

/* Puts `prefix` ("-", "0x") and `text`, padded to the width; zeros go between the two. */
static void put_padded(struct output *to, const struct conversion *conversion, const char *prefix,
		       const char *text, size_t length)
{
	size_t used = strlen(prefix) + length;
	size_t padding = conversion->width > used ? conversion->width - used : 0;
	bool zeros = conversion->zeros && !conversion->left;

	put_many(to, ' ', conversion->left || zeros ? 0 : padding);
	put_text(to, prefix, strlen(prefix));
	put_many(to, '0', zeros ? padding : 0);
	put_text(to, text, length);
	put_many(to, ' ', conversion->left ? padding : 0);
}

static void put_number(struct output *to, const struct conversion *conversion, const char *prefix,
		       uint64_t number, unsigned base)
{
	char digits[20]; /* 2^64 has 20 decimal digits */
	size_t first = sizeof(digits);
	do {
		digits[--first] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number != 0);
	put_padded(to, conversion, prefix, &digits[first], sizeof(digits) - first);
}

static void put_string(struct output *to, struct conversion conversion, const char *text)
{
	conversion.zeros = false;
	text = text != NULL ? text : "(null)";
	put_padded(to, &conversion, "", text, strlen(text));
}

static void put_signed(struct output *to, const struct conversion *conversion, int64_t number)
{
	/* Negated as unsigned: INT64_MIN has no positive twin. */
	uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
	put_number(to, conversion, number < 0 ? "-" : "", size, 10);
}

/* Reads flags, width and length at `fmt`; returns where the conversion letter stands. */
static const char *read_conversion(const char *fmt, struct conversion *conversion)
{
	for (; *fmt == '-' || *fmt == '0'; fmt++) {
		conversion->left |= *fmt == '-';
		conversion->zeros |= *fmt == '0';
	}
	for (; *fmt >= '0' && *fmt <= '9'; fmt++) {
		conversion->width = conversion->width * 10 + (size_t)(*fmt - '0');
	}
	for (; *fmt == 'l' || *fmt == 'z'; fmt++) {
		conversion->length = conversion->length == 'l' ? 'L' : *fmt;
	}
	return fmt;
}

/* A va_list in a struct can be handed on by address on every ABI. */
struct arguments {
	va_list list;
};

static uint64_t next_unsigned(struct arguments *arguments, char length)
{
	switch (length) {
	case 'l':
		return va_arg(arguments->list, unsigned long);
	case 'L':
		return va_arg(arguments->list, unsigned long long);
	case 'z':
		return va_arg(arguments->list, size_t);
	default:
		return va_arg(arguments->list, unsigned);
	}
}

static int64_t next_signed(struct arguments *arguments, char length)
{
	switch (length) {
	case 'l':
		return va_arg(arguments->list, long);
	case 'L':
		return va_arg(arguments->list, long long);
	case 'z':
		return va_arg(arguments->list, ptrdiff_t);
	default:
		return va_arg(arguments->list, int);
	}
}

/* Puts the next argument as `letter` says. False if there is no such conversion. */
static bool put_conversion(struct output *to, const struct conversion *conversion, char letter,
			   struct arguments *arguments)
{
	char character;
	switch (letter) {
	case 's':
		put_string(to, *conversion, va_arg(arguments->list, const char *));
		return true;
	case 'c':
		character = (char)va_arg(arguments->list, int);
		put_padded(to, conversion, "", &character, 1);
		return true;
	case 'd':
		put_signed(to, conversion, next_signed(arguments, conversion->length));
		return true;
	case 'u':
		put_number(to, conversion, "", next_unsigned(arguments, conversion->length), 10);
		return true;
	case 'x':
		put_number(to, conversion, "", next_unsigned(arguments, conversion->length), 16);
		return true;
	case 'p':
		put_number(to, conversion, "0x", (uintptr_t)va_arg(arguments->list, void *), 16);
		return true;
	case '%':
		put(to, '%');
		return true;
	default:
		return false;
	}
}

size_t format_va(char *out, size_t size, const char *fmt, va_list list)
{
	struct output to = {out, size, 0};
	struct arguments arguments;
	va_copy(arguments.list, list);

	while (*fmt != '\0') {
		if (*fmt != '%') {
			put(&to, *fmt++);
			continue;
		}
		struct conversion conversion = {0};
		const char *letter = read_conversion(fmt + 1, &conversion);
		if (put_conversion(&to, &conversion, *letter, &arguments)) {
			fmt = letter + 1;
		} else {
			put(&to, *fmt++);
		}
	}
	va_end(arguments.list);
	if (size != 0) {
		out[to.length < size ? to.length : size - 1] = '\0';
	}
	return to.length;
}

size_t format(char *out, size_t size, const char *fmt, ...)
{
	va_list arguments;
	va_start(arguments, fmt);
	size_t length = format_va(out, size, fmt, arguments);
	va_end(arguments);
	return length;
}
