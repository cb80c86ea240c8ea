/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest.h"

#include "log.h"
#include "panic.h"

#include <arch/console.h>
#include <arch/cpu.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static void fail_check(void)
{
	CHECK(1 + 1 == 3);
}

/* The address is far from everything that layout.h maps. */
static void write_unmapped(void)
{
	*(volatile uint32_t *)0xfffff00000000000ul = 1;
}

static void write_text(void)
{
	*(volatile uint32_t *)(uintptr_t)write_unmapped = 0;
}

static void execute_data(void)
{
	static uint32_t instruction = 0xd65f03c0; /* ret */
	((void (*)(void))(uintptr_t)&instruction)();
}

static void read_user(void)
{
	(void)*(volatile uint32_t *)0x1000ul;
}

static uint32_t recurse(uint32_t depth)
{
	volatile uint8_t ballast[256];
	ballast[0] = (uint8_t)depth;
	return depth == 0 ? 0 : recurse(depth - 1) + ballast[0];
}

static void overflow_stack(void)
{
	(void)recurse(1000);
}

static void undefined_behaviour(void)
{
	volatile int32_t large = INT32_MAX;
	large = large + 1;
}

static void reset(void)
{
	arch_power_reset();
}

/* Cores below this, but not core 0, panic when they are woken. */
static uint32_t panicking_cores;

void selftest_woken(void)
{
	uint32_t core = arch_core_number();
	if (core < __atomic_load_n(&panicking_cores, __ATOMIC_ACQUIRE)) {
		panic("selftest: panic on core %u", core);
	}
}

/* Meanwhile this core writes lines, which must not end up inside of the report. */
static void panic_elsewhere(uint32_t last_core)
{
	__atomic_store_n(&panicking_cores, last_core + 1, __ATOMIC_RELEASE);
	for (uint32_t core = 1; core <= last_core; core++) {
		arch_core_send(core, ARCH_IPI_WAKE);
	}
	for (;;) {
		log_line("selftest: core 0 is alive");
	}
}

static void panic_on_core_1(void)
{
	panic_elsewhere(1);
}

static void panic_on_three_cores(void)
{
	panic_elsewhere(3);
}

static void panic_while_panicking(void)
{
	panic_with((const struct arch_frame *)0xfffff00000000000ul, NULL, "selftest: the frame cannot be read");
}

static void power_off(void)
{
	arch_power_off(0);
}

static const struct {
	const char *name;
	void (*run)(void);
} selftests[] = {
	{"check", fail_check},       {"unmapped", write_unmapped}, {"text", write_text},
	{"execute", execute_data},   {"user", read_user},          {"stack", overflow_stack},
	{"ub", undefined_behaviour}, {"reset", reset},             {"core", panic_on_core_1},
	{"cores", panic_on_three_cores}, {"again", panic_while_panicking}, {"off", power_off},
};

void selftest_run(const char *name)
{
	if (name[0] == '\0') {
		return;
	}
	for (size_t i = 0; i < sizeof(selftests) / sizeof(selftests[0]); i++) {
		if (strcmp(name, selftests[i].name) == 0) {
			log_line("selftest %s", name);
			selftests[i].run();
			panic("selftest %s went on", name);
		}
	}
	panic("no selftest \"%s\": check, unmapped, text, execute, user, stack, ub, reset, core, cores, again, off", name);
}
