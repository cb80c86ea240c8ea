/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The early console, and the ways to end: PSCI, the BCM2835 power manager's watchdog, semihosting.
 */
#include "firmware.h"
#include "insn.h"
#include "uart.h"

#include <arch/console.h>
#include <arch/cpu.h>
#include <arch/handover.h>

/* The power manager's registers are not in the BCM2711 document; offsets and password as in the
 * BCM2835 device tree binding's hardware. Partition 63 in RSTS asks the firmware to halt. */
#define PM_RSTC          0x1c
#define PM_RSTS          0x20
#define PM_WDOG          0x24
#define PM_PASSWORD      0x5a000000u
#define PM_RSTC_MASK     0x30u
#define PM_RSTC_FULL     0x20u
#define PM_RSTS_HALT     0x555u
#define PM_WDOG_TICKS    10u

static struct uart uart;
static enum arch_firmware firmware;
static uint64_t watchdog;
static bool semihosting;

void arch_console_init(const struct handover *boot)
{
	uart = (struct uart){.kind = boot->arch.uart_kind, .registers = boot->arch.uart};
	firmware = boot->arch.firmware;
	watchdog = boot->arch.bcm_watchdog;
	semihosting = boot->exit_semihosting;
}

void arch_console_write(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uart_put(&uart, text[i]);
	}
}

static void watchdog_reset(uint32_t status_bits)
{
	if (watchdog == 0) {
		return;
	}
	uint32_t status = read32(watchdog + PM_RSTS);
	write32(watchdog + PM_RSTS, PM_PASSWORD | status | status_bits);
	uint32_t control = read32(watchdog + PM_RSTC) & ~PM_RSTC_MASK & 0xffffffu;
	write32(watchdog + PM_WDOG, PM_PASSWORD | PM_WDOG_TICKS);
	write32(watchdog + PM_RSTC, PM_PASSWORD | control | PM_RSTC_FULL);
}

_Noreturn void arch_power_off(uint32_t status)
{
	if (semihosting) {
		semihosting_exit(status);
	}
	if (firmware != ARCH_FIRMWARE_NONE) {
		(void)psci_call(firmware, PSCI_SYSTEM_OFF, 0, 0, 0);
	}
	watchdog_reset(PM_RSTS_HALT);
	arch_core_halt();
}

_Noreturn void arch_power_reset(void)
{
	if (firmware != ARCH_FIRMWARE_NONE) {
		(void)psci_call(firmware, PSCI_SYSTEM_RESET, 0, 0, 0);
	}
	watchdog_reset(0);
	arch_core_halt();
}

_Noreturn void arch_stop_after_panic(uint32_t status)
{
	if (semihosting) {
		semihosting = false; /* if nobody listens it is an exception, and we come back here */
		semihosting_exit(status);
	}
	arch_core_halt();
}
