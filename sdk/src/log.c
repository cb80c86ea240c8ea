/* SPDX-License-Identifier: BSD-2-Clause */
#include <strata/log.h>

#include <common/format.h>
#include <strata/syscall.h>

#include <stdarg.h>
#include <string.h>

#define BYTES_PER_CALL (8 * (MESSAGE_WORDS - 1))

/* The message in memory: its first words are moved to registers for the call. */
static void write_some(const char *text, size_t size)
{
	uint64_t all[MESSAGE_WORDS] = {size};
	size_t words = 1 + (size + 7) / 8;
	memcpy(&all[1], text, size);
	struct message message = {.tag = TAG_MAKE(LOG_WRITE, words, 0)};
	memcpy(message.words, all, sizeof(message.words));
	if (words > MESSAGE_REGISTERS) {
		memcpy(&strata_utcb()->words[MESSAGE_REGISTERS], &all[MESSAGE_REGISTERS],
		       8 * (words - MESSAGE_REGISTERS));
	}
	(void)strata_call(CAP(ROOT_CAP_LOG), &message);
}

void strata_log_write(const char *text, size_t size)
{
	while (size != 0) {
		size_t part = size < BYTES_PER_CALL ? size : BYTES_PER_CALL;
		write_some(text, part);
		text += part;
		size -= part;
	}
}

void strata_log(const char *format_string, ...)
{
	char line[200];
	size_t length = format(line, sizeof(line), "strata: ");
	va_list arguments;
	va_start(arguments, format_string);
	length += format_va(line + length, sizeof(line) - length - 1, format_string, arguments);
	va_end(arguments);
	if (length > sizeof(line) - 2) {
		length = sizeof(line) - 2;
	}
	line[length] = '\n';
	strata_log_write(line, length + 1);
}
