/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include "spinlock.h"

#include <arch/console.h>
#include <arch/timer.h>
#include <common/format.h>

#include <stdarg.h>
#include <stdbool.h>

static struct spinlock lock;
static bool lock_broken;

static void write_locked(const char *text, size_t size)
{
	if (lock_broken) {
		arch_console_write(text, size);
		return;
	}
	spinlock_lock(&lock);
	arch_console_write(text, size);
	spinlock_unlock(&lock);
}

void log_bytes(const char *text, size_t size)
{
	write_locked(text, size);
}

void log_line(const char *format_string, ...)
{
	static const char prefix[] = "strata: ";
	char line[200];
	size_t length = format(line, sizeof(line), "%s", prefix);
	va_list arguments;
	va_start(arguments, format_string);
	length += format_va(line + length, sizeof(line) - length - 1, format_string, arguments);
	va_end(arguments);
	if (length > sizeof(line) - 2) {
		length = sizeof(line) - 2;
	}
	line[length] = '\n';
	write_locked(line, length + 1);
}

void log_break_lock(void)
{
	/* If the lock is this core's own, nobody will give it back: hence the bound. */
	(void)spinlock_lock_until(&lock, arch_timer_now() + arch_timer_hz() / 10);
	lock_broken = true;
}
