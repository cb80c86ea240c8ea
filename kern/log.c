/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include "spinlock.h"

#include <arch/console.h>
#include <arch/cpu.h>
#include <arch/timer.h>
#include <common/format.h>

#include <stdarg.h>

static struct spinlock lock;

/* The core that has broken the lock, plus one; 0 if none has. */
static uint32_t only_core;

static void write_locked(const char *text, size_t size)
{
	uint32_t only = __atomic_load_n(&only_core, __ATOMIC_RELAXED);
	if (only == arch_core_number() + 1) {
		arch_console_write(text, size);
		return;
	}
	if (only != 0) {
		arch_core_halt(); /* another core panics, and has not reached us yet */
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
	__atomic_store_n(&only_core, arch_core_number() + 1, __ATOMIC_RELAXED);
}
