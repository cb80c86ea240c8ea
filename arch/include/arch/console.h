/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The early console and the ways to end.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct handover;

/* Remembers where the console, the firmware and the watchdog are. Nothing else here works before it. */
void arch_console_init(const struct handover *boot);

/* Waits for room a bounded time. The caller keeps others out. */
void arch_console_write(const char *text, size_t size);

/* Powers the machine off; `status` is for whoever runs it under a debugger's semihosting. */
_Noreturn void arch_power_off(uint32_t status);

_Noreturn void arch_power_reset(void);

/* The end after a panic: gives `status` to a listening debugger; without one, stops and leaves the text readable. */
_Noreturn void arch_stop_after_panic(uint32_t status);
