/* SPDX-License-Identifier: BSD-2-Clause */
#include "panic.h"

#include "log.h"

#include <arch/console.h>
#include <arch/context.h>
#include <arch/cpu.h>
#include <arch/trace.h>
#include <common/format.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define PANIC_STATUS 125
#define CALLS_SHOWN  16
#define CALLS_OWN    4 /* of the report itself, at most */

/* The core that panics, plus one; 0 while all is well. */
static uint32_t panicking;

/* Why, and whether that has been said. */
static char reason[160];
static bool reason_shown;

/* The whole report has been given. */
static bool reported;

static void show_reason(void)
{
	reason_shown = true;
	log_line("panic: %s", reason);
	log_line("on core %u", arch_core_number());
}

/* The report itself has failed: says what is still unsaid, without the machinery that failed. If only the end after it
 * failed (nobody listens to semihosting), there is nothing more to say. */
static _Noreturn void panic_again(const char *second)
{
	static bool tried;
	if (!tried && !reported) {
		tried = true;
		log_break_lock();
		if (!reason_shown) {
			show_reason();
		}
		log_line("panic: while reporting: %s", second);
	}
	arch_stop_after_panic(PANIC_STATUS);
}

/* Only the first core to panic reports. */
static void become_reporter(const char *why)
{
	uint32_t self = arch_core_number() + 1, nobody = 0;
	if (__atomic_compare_exchange_n(&panicking, &nobody, self, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		(void)format(reason, sizeof(reason), "%s", why);
		return;
	}
	if (nobody == self) {
		panic_again(why);
	}
	arch_core_halt();
}

static void stop_others(void)
{
	for (uint32_t core = 0; core < ARCH_CORES_MAX; core++) {
		if (core != arch_core_number()) {
			arch_core_send(core, ARCH_IPI_HALT);
		}
	}
	log_break_lock();
}

static void show_registers(const struct arch_frame *frame)
{
	for (unsigned i = 0; i < 30; i += 3) {
		log_line("  x%-2u %016lx  x%-2u %016lx  x%-2u %016lx", i, frame->x[i], i + 1, frame->x[i + 1],
			 i + 2, frame->x[i + 2]);
	}
	log_line("  x30 %016lx  sp  %016lx  pc  %016lx  pstate %lx", frame->x[30], frame->sp, frame->pc,
		 frame->pstate);
}

/* Without a frame the chain begins here, and is shown from the call of panic() on. */
static void show_calls(const struct arch_frame *frame, const void *panic_returns_to)
{
	uint64_t calls[CALLS_OWN + CALLS_SHOWN];
	size_t count = arch_trace_calls(frame, calls, sizeof(calls) / sizeof(calls[0])), first = 0;
	while (frame == NULL && first < count && calls[first] != arch_trace_call(panic_returns_to)) {
		first++;
	}
	log_line("call chain:");
	for (size_t i = first == count ? 0 : first; i < count; i++) {
		log_line("  kernel+0x%lx", calls[i]);
	}
}

/* A user program's stack is not ours to read: it is shown where it stands and who called that. */
static void show_program(const struct arch_frame *frame, const char *program)
{
	log_line("call chain:");
	log_line("  %s+0x%lx", program, frame->pc);
	log_line("  %s+0x%lx (from x30)", program, frame->x[30] - sizeof(uint32_t));
}

static _Noreturn void report(const struct arch_frame *frame, const char *program, const void *returns_to,
			     const char *message, va_list arguments)
{
	char why[sizeof(reason)];
	(void)format_va(why, sizeof(why), message, arguments);
	become_reporter(why);
	stop_others();
	show_reason();
	if (frame != NULL) {
		show_registers(frame);
	}
	if (program != NULL) {
		show_program(frame, program);
	} else {
		show_calls(frame, returns_to);
	}
	reported = true;
	arch_stop_after_panic(PANIC_STATUS);
}

void panic(const char *message, ...)
{
	va_list arguments;
	va_start(arguments, message);
	report(NULL, NULL, __builtin_return_address(0), message, arguments);
}

void panic_with(const struct arch_frame *frame, const char *program, const char *message, ...)
{
	va_list arguments;
	va_start(arguments, message);
	report(frame, program, __builtin_return_address(0), message, arguments);
}
