/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A root task that does one forbidden (or allowed) thing, named by the boot argument case=NAME, and says what
 * came of it: "case NAME: done" and status 0 if it could go on, status 1 if something was wrong.
 */
#include <abi/boot_info.h>
#include <strata/log.h>
#include <strata/platform.h>
#include <strata/syscall.h>

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

_Noreturn void strata_main(const struct boot_info *info);

/* In hostile.S. x0 to x29 as they were, sp, tpidr_el0. */
extern uint64_t first_registers[32];

/* In hostile.S: registers x0 to x29 in [0..29], tpidr_el0 in [31]. */
uint64_t raw_call_0(uint64_t registers[32]);
uint64_t raw_call_1(uint64_t registers[32]);
uint64_t raw_call_65535(uint64_t registers[32]);

#define TEXT_OF(function) ((uintptr_t)&(function))

/* What registers hold before a call, plus their number. */
#define MARK 0x5eed000000000000ul

static const struct boot_info *boot;
static uint32_t data_word = 0xd65f03c0; /* ret */
static bool good = true;

/* As large as the largest cache block that DC ZVA may clear. */
static uint8_t block[2048] __attribute__((aligned(2048)));

static void expect(bool condition, const char *what)
{
	if (!condition) {
		good = false;
		strata_log("wrong: %s", what);
	}
}

static void read_at(uint64_t address)
{
	(void)*(volatile uint32_t *)address;
}

static void write_at(uint64_t address)
{
	*(volatile uint32_t *)address = 0;
}

static void jump_to(uint64_t address)
{
	__asm__ volatile("br %0" : : "r"(address));
}

static uint64_t window_of(enum memory_kind kind)
{
	for (uint64_t i = 0; i < boot->range_count; i++) {
		if (boot->ranges[i].kind == kind) {
			return boot->window + boot->ranges[i].physical;
		}
	}
	strata_log("no memory of kind %u", (unsigned)kind);
	strata_power_off(1);
}

#define INSTRUCTION(name, text)                                                                    \
	static void name(void)                                                                     \
	{                                                                                          \
		__asm__ volatile(text : : "r"(block) : "x0", "memory");                            \
	}

INSTRUCTION(undefined, "udf #0x1234")
INSTRUCTION(fp, ".inst 0x1e604000")        /* fmov d0, d0 */
INSTRUCTION(simd, ".inst 0x4ea01c00")      /* mov v0.16b, v0.16b */
INSTRUCTION(smc, ".inst 0xd4000003")       /* smc #0 */
INSTRUCTION(hvc, ".inst 0xd4000002")       /* hvc #0 */
INSTRUCTION(hlt, "hlt #0xf000")
INSTRUCTION(brk, "brk #0x77")
INSTRUCTION(eret, "eret")
INSTRUCTION(wfi, "wfi")
INSTRUCTION(wfe, "sevl\n wfe")
INSTRUCTION(write_ttbr, "msr ttbr0_el1, xzr")
INSTRUCTION(read_esr, "mrs x0, esr_el1")
INSTRUCTION(mask_interrupts, "msr daifset, #2")
INSTRUCTION(read_cntvct, "mrs x0, cntvct_el0")
INSTRUCTION(read_cntfrq, "mrs x0, cntfrq_el0")
INSTRUCTION(read_cntpct, "mrs x0, cntpct_el0")
INSTRUCTION(write_timer, "msr cntv_ctl_el0, xzr")
INSTRUCTION(read_cycles, "mrs x0, pmccntr_el0")
INSTRUCTION(clean_own, "dc cvac, %0\n dc cvau, %0\n dc civac, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb")
INSTRUCTION(zero_own, "dc zva, %0")
INSTRUCTION(read_cache_type, "mrs x0, ctr_el0\n mrs x0, dczid_el0")
INSTRUCTION(invalidate_own, "dc ivac, %0")
INSTRUCTION(invalidate_all, "ic iallu")
INSTRUCTION(invalidate_set, "dc isw, xzr")
INSTRUCTION(invalidate_tlb, "tlbi vmalle1")
INSTRUCTION(misaligned_exclusive, "add x0, %0, #2\n ldxr w0, [x0]")

static void stack_overflow(void)
{
	volatile char ballast[4096];
	for (;;) {
		__asm__ volatile("str xzr, [sp, #-16]!" : : "r"(&ballast) : "memory");
	}
}

static void read_null(void)
{
	read_at(0);
}

static void jump_null(void)
{
	jump_to(0);
}

static void jump_misaligned(void)
{
	jump_to(TEXT_OF(jump_null) + 2);
}

static void jump_kernel(void)
{
	jump_to(0xffff800000000000);
}

static void jump_data(void)
{
	jump_to((uintptr_t)&data_word);
}

static void jump_window(void)
{
	jump_to(window_of(MEMORY_FREE));
}

static void jump_utcb(void)
{
	jump_to((uintptr_t)strata_utcb());
}

static void read_kernel_image(void)
{
	read_at(0xffff800000000000);
}

static void read_kernel_direct(void)
{
	read_at(window_of(MEMORY_KERNEL) - boot->window + 0xffff000000000000);
}

static void read_hole(void)
{
	read_at(0x0010000000000000);
}

static void write_text(void)
{
	write_at(TEXT_OF(strata_main));
}

static void write_boot_info(void)
{
	write_at((uintptr_t)boot);
}

static void write_module(void)
{
	write_at(window_of(MEMORY_MODULE));
}

static void read_kernel_window(void)
{
	read_at(window_of(MEMORY_KERNEL));
}

static void read_root_window(void)
{
	read_at(window_of(MEMORY_ROOT));
}

static void clean_text(void)
{
	__asm__ volatile("dc civac, %0" : : "r"(TEXT_OF(strata_main)) : "memory");
}

static void read_aborting(void)
{
	/* In the window, memory that the tree claims and that is not there. */
	const struct boot_info_range *last = &boot->ranges[boot->range_count - 1];
	read_at(boot->window + last->physical);
}

static void first_state(void)
{
	expect(first_registers[0] == (uintptr_t)boot, "x0 is not the boot information");
	for (unsigned i = 1; i < 30; i++) {
		expect(first_registers[i] == 0, "a register is not 0 at the first instruction");
	}
	expect(first_registers[30] == 0 && first_registers[31] == 0, "sp or tpidr_el0 is not 0 at the first instruction");
}

/* Makes a call with recognisable values in all registers, and checks all that comes back but the status. */
static enum status call(uint64_t (*raw)(uint64_t *), uint64_t capability, uint64_t tag, uint64_t word)
{
	uint64_t registers[32];
	for (unsigned i = 0; i < 32; i++) {
		registers[i] = MARK + i;
	}
	registers[0] = word;
	registers[8] = tag;
	registers[9] = capability;
	expect(raw(registers) == 0, "sp or x30 has changed");
	for (unsigned i = 0; i <= 18; i++) {
		expect(i == 8 || registers[i] == 0, "a register of the answer is not 0");
	}
	for (unsigned i = 19; i <= 29; i++) {
		expect(registers[i] == MARK + i, "a register was not preserved");
	}
	expect(registers[31] == MARK + 31, "tpidr_el0 was not preserved");
	expect(TAG_WORDS(registers[8]) == 0 && (registers[8] & 0xffffff80) == 0, "the answer's tag has words or flags");
	return (enum status)TAG_LABEL(registers[8]);
}

static void calls(void)
{
	static const struct {
		uint64_t capability, tag, word;
		enum status status;
	} table[] = {
		{0, TAG_MAKE(0, 0), 0, STATUS_NO_CAPABILITY},
		{3, TAG_MAKE(0, 0), 0, STATUS_NO_CAPABILITY},
		{0x100000001, TAG_MAKE(LOG_WRITE, 1), 0, STATUS_NO_CAPABILITY},
		{UINT64_MAX, TAG_MAKE(0, 0), 0, STATUS_NO_CAPABILITY},
		{ROOT_CAP_LOG, TAG_MAKE(1, 1), 0, STATUS_NO_OPERATION},
		{ROOT_CAP_LOG, TAG_MAKE(UINT32_MAX, 127), UINT64_MAX, STATUS_NO_OPERATION},
		{ROOT_CAP_LOG, TAG_MAKE(LOG_WRITE, 0), 0, STATUS_BAD_ARGUMENT},
		{ROOT_CAP_LOG, TAG_MAKE(LOG_WRITE, 1), 0, STATUS_OK},
		{ROOT_CAP_LOG, TAG_MAKE(LOG_WRITE, 1), 1, STATUS_BAD_ARGUMENT},
		{ROOT_CAP_LOG, TAG_MAKE(LOG_WRITE, 2), 9, STATUS_BAD_ARGUMENT},
		{ROOT_CAP_LOG, TAG_MAKE(LOG_WRITE, 64), 0, STATUS_OK},
		{ROOT_CAP_LOG, TAG_MAKE(LOG_WRITE, 64), 8 * 63 + 1, STATUS_BAD_ARGUMENT},
		{ROOT_CAP_LOG, TAG_MAKE(LOG_WRITE, 65), 0, STATUS_BAD_ARGUMENT},
		{ROOT_CAP_LOG, TAG_MAKE(LOG_WRITE, 65), 8, STATUS_BAD_ARGUMENT},
		{ROOT_CAP_LOG, TAG_MAKE(LOG_WRITE, 127), 8 * 126, STATUS_BAD_ARGUMENT},
		{ROOT_CAP_LOG, TAG_MAKE(LOG_WRITE, 2), UINT64_MAX, STATUS_BAD_ARGUMENT},
		{ROOT_CAP_LOG, TAG_MAKE(LOG_WRITE, 2), (uint64_t)1 << 63, STATUS_BAD_ARGUMENT},
		{ROOT_CAP_PLATFORM, TAG_MAKE(2, 0), 0, STATUS_NO_OPERATION},
		{ROOT_CAP_PLATFORM, TAG_MAKE(UINT32_MAX, 0), 0, STATUS_NO_OPERATION},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		enum status status = call(raw_call_0, table[i].capability, table[i].tag, table[i].word);
		if (status != table[i].status) {
			good = false;
			strata_log("wrong: call %zu ends with status %u, not %u", i, (unsigned)status,
				   (unsigned)table[i].status);
		}
	}
	expect(call(raw_call_1, ROOT_CAP_LOG, TAG_MAKE(LOG_WRITE, 1), 0) == STATUS_NO_OPERATION, "SVC 1 is known");
	expect(call(raw_call_65535, ROOT_CAP_LOG, TAG_MAKE(LOG_WRITE, 1), 0) == STATUS_NO_OPERATION, "SVC 65535 is known");
}

/* All bytes, also those that could steer a terminal's line discipline, and a full message. */
static void log_whole(void)
{
	char text[8 * (MESSAGE_WORDS - 1)];
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\n';
	strata_log_write(text, sizeof(text));
}

static void reset(void)
{
	(void)strata_call(ROOT_CAP_PLATFORM, TAG_MAKE(PLATFORM_RESET, 0), (uint64_t[MESSAGE_REGISTERS]){0});
}

static void power_off(void)
{
	strata_power_off(0);
}

static void power_off_7(void)
{
	strata_power_off(7);
}

#define CASE(name) {#name, name}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	CASE(undefined), CASE(fp), CASE(simd), CASE(smc), CASE(hvc), CASE(hlt), CASE(brk), CASE(eret), CASE(wfi),
	CASE(wfe), CASE(write_ttbr), CASE(read_esr), CASE(mask_interrupts), CASE(read_cntvct), CASE(read_cntfrq),
	CASE(read_cntpct), CASE(write_timer), CASE(read_cycles), CASE(clean_own), CASE(zero_own),
	CASE(read_cache_type), CASE(invalidate_own), CASE(invalidate_all), CASE(invalidate_set), CASE(invalidate_tlb),
	CASE(misaligned_exclusive), CASE(stack_overflow), CASE(read_null), CASE(jump_null),
	CASE(jump_misaligned), CASE(jump_kernel), CASE(jump_data), CASE(jump_window), CASE(jump_utcb),
	CASE(read_kernel_image), CASE(read_kernel_direct), CASE(read_hole), CASE(write_text), CASE(write_boot_info),
	CASE(write_module), CASE(read_kernel_window), CASE(read_root_window), CASE(clean_text),
	CASE(read_aborting), CASE(first_state), CASE(calls), CASE(log_whole), CASE(reset), CASE(power_off),
	CASE(power_off_7),
};

/* The boot arguments are somewhere in the device tree; "case=" is there once. */
static const char *find_name(void)
{
	static const char key[] = "case=";
	const char *tree = (const char *)(uintptr_t)boot->tree.base;
	for (uint64_t i = 0; i + sizeof(key) < boot->tree.size; i++) {
		if (memcmp(&tree[i], key, sizeof(key) - 1) == 0) {
			return &tree[i + sizeof(key) - 1];
		}
	}
	return "";
}

_Noreturn void strata_main(const struct boot_info *info)
{
	boot = info;
	const char *name = find_name();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(name, cases[i].name) == 0) {
			strata_log("case %s", name);
			cases[i].run();
			strata_log("case %s: %s", name, good ? "done" : "wrong");
			strata_power_off(good ? 0 : 1);
		}
	}
	strata_log("no case \"%s\"", name);
	strata_power_off(1);
}
