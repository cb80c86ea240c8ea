/* SPDX-License-Identifier: BSD-2-Clause */
#include "uart.h"

#include "insn.h"

/* PL011, "Summary of registers". */
#define PL011_DR        0x00
#define PL011_FR        0x18
#define PL011_FR_TXFF   (1u << 5)
#define PL011_IBRD      0x24
#define PL011_FBRD      0x28
#define PL011_LCR_H     0x2c
#define PL011_LCR_8FIFO 0x70u /* 8 bits, FIFOs on, no parity, one stop bit */
#define PL011_CR        0x30
#define PL011_CR_UARTEN (1u << 0)
#define PL011_CR_TXE    (1u << 8)
#define PL011_CR_RXE    (1u << 9)

/* Mini-UART, relative to AUX_MU_IO_REG; AUX_ENABLES is at the start of the page. */
#define MINI_IO          0x00
#define MINI_LCR         0x0c
#define MINI_LCR_8_BITS  3u
#define MINI_LSR         0x14
#define MINI_LSR_TX_ROOM (1u << 5)
#define MINI_CNTL        0x20
#define MINI_CNTL_RX_TX  3u
#define AUX_ENABLES      0x04
#define AUX_ENABLE_UART  1u

/* Far longer than a character takes at 300 baud on any core of ours, counted in polls of a register. */
#define PATIENCE 1000000u

static void pl011_init(uint64_t registers, uint32_t clock_hz, uint32_t baud)
{
	uint32_t control = read32(registers + PL011_CR);
	if ((control & PL011_CR_UARTEN) != 0) {
		write32(registers + PL011_CR, control | PL011_CR_TXE);
		return;
	}
	if (clock_hz != 0 && baud != 0) {
		uint64_t divisor = (4ul * clock_hz + baud / 2) / baud; /* in 64ths, rounded */
		write32(registers + PL011_IBRD, (uint32_t)(divisor >> 6));
		write32(registers + PL011_FBRD, (uint32_t)(divisor & 0x3f));
	}
	/* LCR_H latches the divisors, so it comes after them even if its own value stays. */
	write32(registers + PL011_LCR_H, PL011_LCR_8FIFO);
	write32(registers + PL011_CR, PL011_CR_UARTEN | PL011_CR_TXE | PL011_CR_RXE);
}

static void mini_init(uint64_t registers)
{
	uint64_t aux = registers & ~0xffful;
	uint32_t enables = read32(aux + AUX_ENABLES);
	write32(aux + AUX_ENABLES, enables | AUX_ENABLE_UART);
	write32(registers + MINI_LCR, MINI_LCR_8_BITS);
	write32(registers + MINI_CNTL, MINI_CNTL_RX_TX);
}

void uart_init(const struct uart *uart, uint32_t clock_hz, uint32_t baud)
{
	switch (uart->kind) {
	case UART_PL011:
		pl011_init(uart->registers, clock_hz, baud);
		break;
	case UART_BCM_MINI:
		mini_init(uart->registers);
		break;
	case UART_NONE:
		break;
	}
}

static bool has_room(const struct uart *uart)
{
	if (uart->kind == UART_PL011) {
		return (read32(uart->registers + PL011_FR) & PL011_FR_TXFF) == 0;
	}
	return (read32(uart->registers + MINI_LSR) & MINI_LSR_TX_ROOM) != 0;
}

static void wait_for_room(struct uart *uart)
{
	uint32_t patience = uart->stuck ? 1 : PATIENCE;
	for (uint32_t polls = 0; polls < patience; polls++) {
		if (has_room(uart)) {
			uart->stuck = false;
			return;
		}
		cpu_relax();
	}
	uart->stuck = true;
}

static void put_raw(struct uart *uart, char c)
{
	wait_for_room(uart);
	uint64_t data = uart->registers + (uart->kind == UART_PL011 ? PL011_DR : MINI_IO);
	write32(data, (uint8_t)c);
}

void uart_put(struct uart *uart, char c)
{
	if (uart->kind == UART_NONE) {
		return;
	}
	if (c == '\n') {
		put_raw(uart, '\r');
	}
	put_raw(uart, c);
}
