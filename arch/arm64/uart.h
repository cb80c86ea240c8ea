/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The early console: output only, polled. Used by the boot stage and by the kernel's log.
 *
 * PL011: Arm DDI 0183. Mini-UART: BCM2711 Arm Peripherals, "Auxiliaries: UART1 & SPI1, SPI2".
 */
#pragma once

#include "arch_handover.h"

#include <stdbool.h>

/* Bytes of registers that are used of either kind. */
#define UART_REGISTERS_SIZE 0x40

struct uart {
	enum uart_kind kind;
	uint64_t registers; /* where they are mapped as device memory */
	bool stuck;         /* it did not drain in time: nobody waits for it again until it has room */
};

/*
 * Makes the UART ready to send. A PL011 that is enabled keeps its settings; otherwise it is set to 8N1
 * at `baud` if `clock_hz` is known. The mini-UART keeps the divisor that firmware left, since it
 * depends on a core clock that only the firmware knows.
 */
void uart_init(const struct uart *uart, uint32_t clock_hz, uint32_t baud);

/* Sends one character, waiting for room; '\n' goes as "\r\n". Gives up after a bounded wait, once, so that a
 * console that does not drain cannot hang the caller. */
void uart_put(struct uart *uart, char c);
