/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a boot ends that cannot go on: one line that says why.
 */
#include "boot.h"

#include "../firmware.h"
#include "../insn.h"

#include <common/format.h>

#include <stdarg.h>

static struct uart console;
static bool semihosting;

/*
 * Where to look for a console if no device tree names one. The numbers of boards belong into trees; but
 * when the tree is what is broken, a silent machine helps nobody. A place is used only if it answers with
 * the identification of a PL011 (DDI 0183, "PrimeCell identification registers"); on the other
 * board the address is plain memory or nothing, and reading it harms nothing.
 */
static const uint64_t rescue_pl011[] = {
	0x09000000, /* QEMU virt */
	0xfe201000, /* BCM2711 UART0 */
};

/* BCM2711: the mini-UART, which is on the header by default; used if firmware has switched it on. */
static const struct {
	uint64_t pl011, enables, registers;
} rescue_mini = {0xfe201000, 0xfe215004, 0xfe215040};

/* UARTPeriphID0 and 1 (the part number, 0x011, and the designer's first half), UARTPCellID0 to 3. */
static const struct {
	uint32_t offset, value;
} pl011_id[] = {{0xfe0, 0x11}, {0xfe4, 0x10}, {0xff0, 0x0d}, {0xff4, 0xf0}, {0xff8, 0x05}, {0xffc, 0xb1}};

void boot_console_set(struct uart uart)
{
	console = uart;
}

void boot_exit_by_semihosting(bool yes)
{
	semihosting = yes;
}

static bool is_pl011(uint64_t registers)
{
	uint64_t page = registers & ~(PAGE_SIZE - 1);
	for (size_t i = 0; i < sizeof(pl011_id) / sizeof(pl011_id[0]); i++) {
		uint32_t id;
		if (!boot_probe_read32(page + pl011_id[i].offset, &id) || (id & 0xff) != pl011_id[i].value) {
			return false;
		}
	}
	return true;
}

static void print(struct uart *uart, const char *text)
{
	for (; *text != '\0'; text++) {
		uart_put(uart, *text);
	}
}

static void print_rescue_mini(const char *text)
{
	uint64_t enables_at = boot_map_registers(rescue_mini.enables, sizeof(uint32_t));
	uint32_t enables;
	if (enables_at != 0 && boot_probe_read32(enables_at, &enables) && (enables & 1) != 0) {
		struct uart mini = {UART_BCM_MINI, enables_at - rescue_mini.enables + rescue_mini.registers, false};
		print(&mini, text);
	}
}

static void print_rescue(uint64_t base, const char *text)
{
	struct uart uart = {UART_PL011, boot_map_registers(base, PAGE_SIZE), false};
	if (uart.registers == 0 || uart.registers == console.registers || !is_pl011(uart.registers)) {
		return;
	}
	uart_init(&uart, 0, 0);
	print(&uart, text);
	if (base == rescue_mini.pl011) {
		print_rescue_mini(text);
	}
}

/* Whether somebody reads what was printed on the tree's console, as far as can be told. */
static bool console_is_heard(void)
{
	return console.kind != UART_NONE && !console.stuck &&
	       (console.kind == UART_BCM_MINI || is_pl011(console.registers));
}

static void print_everywhere(const char *text)
{
	print(&console, text);
	if (console_is_heard()) {
		return;
	}
	for (size_t i = 0; i < sizeof(rescue_pl011) / sizeof(rescue_pl011[0]); i++) {
		print_rescue(rescue_pl011[i], text);
	}
}

_Noreturn static void stop(void)
{
	if (semihosting) {
		semihosting = false; /* if nobody listens it is an exception, and we come back here */
		semihosting_exit(SYSTEM_FAILED_STATUS);
	}
	for (;;) {
		wfi();
	}
}

/* Texts from the tree and the modules may be in the line: they must not steer a terminal. */
static void replace_unprintable(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~') {
			*text = '?';
		}
	}
}

_Noreturn void boot_failed(const char *message, ...)
{
	static bool failing;
	if (failing) {
		stop(); /* the failure is in here */
	}
	failing = true;
	/* In one piece: printing on the first of several consoles may be all that works. */
	static char line[256];
	size_t prefix = format(line, sizeof(line), "strata: boot failed: ");
	va_list arguments;
	va_start(arguments, message);
	size_t length = prefix + format_va(line + prefix, sizeof(line) - prefix - 1, message, arguments);
	va_end(arguments);
	replace_unprintable(line);
	line[length < sizeof(line) - 2 ? length : sizeof(line) - 2] = '\n';
	print_everywhere(line);
	stop();
}

_Noreturn void boot_exception(uint64_t kind, uint64_t esr, uint64_t elr, uint64_t far)
{
	/* Whoever jumped out of the image was not in it: the address as it is then. */
	extern const char image_header[], _image_end[];
	uint64_t begin = (uint64_t)image_header;
	bool inside = elr >= begin && elr < (uint64_t)_image_end;
	boot_failed("unexpected exception, vector %lu, ESR 0x%lx, FAR 0x%lx, at %s0x%lx", kind, esr, far,
		    inside ? "boot+" : "", inside ? elr - begin : elr);
}

_Noreturn void boot_at_el3(void)
{
	boot_failed("entered at EL3; the boot protocol asks for EL2 or EL1");
}
