/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the device tree says of the machine, in plain numbers (Devicetree Specification, release
 * 0.4).
 *
 * Read once by the boot stage, which hands the kernel what it needs, and again by the root task.
 * Every address is a physical one as the CPU sees it: "ranges" on the way up to the root have
 * been applied. Strings and pointers reach into the tree and live as long as it does.
 *
 * Uses libfdt (fdt.c, fdt_ro.c and fdt_check.c only) by way of tree.h, and format.h; so only the
 * boot stage, the root task and host programs may link this file.
 */
#pragma once

#include "error.h"
#include "memory_map.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MACHINE_MAX_CORES   8
#define MACHINE_MAX_REGIONS 8
#define MACHINE_ERROR_MAX   160

/* Registers of a device. size is 0 if the device is absent. */
struct machine_region {
	uint64_t base;
	uint64_t size;
};

enum machine_start { MACHINE_START_NONE, MACHINE_START_PSCI, MACHINE_START_SPIN_TABLE };

struct machine_core {
	uint64_t affinity;        /* as in MPIDR_EL1, masked with 0xff00ffffff */
	enum machine_start start; /* "enable-method"; NONE is right for a machine with one core */
	uint64_t release_address; /* spin-table only: where the 64-bit entry address is written */
};

enum machine_psci { MACHINE_PSCI_NONE, MACHINE_PSCI_HVC, MACHINE_PSCI_SMC };

enum machine_console_kind {
	MACHINE_CONSOLE_NONE,
	MACHINE_CONSOLE_PL011,
	MACHINE_CONSOLE_BCM_MINI_UART
};

struct machine_console {
	enum machine_console_kind kind;
	struct machine_region registers;
	uint32_t clock_hz; /* of the UART, its own or a fixed clock's; 0 if the tree does not say */
	uint32_t baud;     /* from the options after ':' in stdout-path; 115200 if it has none */
};

enum machine_gic_kind { MACHINE_GIC_NONE, MACHINE_GIC_V2, MACHINE_GIC_V3 };

struct machine_gic {
	enum machine_gic_kind kind;
	struct machine_region distributor;
	struct machine_region cpu_interface;                       /* GICv2 */
	struct machine_region redistributors[MACHINE_MAX_REGIONS]; /* GICv3 */
	size_t redistributor_count;
	uint64_t redistributor_stride; /* 0: as GICR_TYPER says */
};

struct machine {
	const char *model; /* of the root node; "unknown machine" if it has none */

	/*
	 * All RAM, each byte FREE, RESERVED (reserved-memory with and without no-map,
	 * /memreserve/, the pages of spin-table release addresses) or MODULE (the initrd and the
	 * tree itself). All are rounded out to 4 KiB pages. Where they meet, no-map wins over
	 * MODULE, and MODULE over the rest: U-Boot reserves the initrd and the tree, and firmware
	 * may put the tree into the page of the release addresses. Neither kind is ever given
	 * away. Not trimmed.
	 */
	struct memory_map memory;

	struct machine_region initrd; /* exact; size 0 if there is none */
	struct machine_region tree;   /* base is the `physical` of machine_read() */
	const char *bootargs;         /* "" if there are none */
	uint64_t kaslr_seed;          /* 0 if there is none */

	size_t core_count;    /* cores described, at most MACHINE_MAX_CORES */
	size_t cores_ignored; /* usable cores beyond that */
	struct machine_core cores[MACHINE_MAX_CORES];

	enum machine_psci psci;
	struct machine_console console;
	struct machine_gic gic;
	uint32_t timer_virtual_intid;       /* GIC's INTID, 16 to 31, of the EL1 virtual timer */
	struct machine_region bcm_watchdog; /* "brcm,bcm2835-pm" registers */
};

/*
 * Reads the tree at `fdt`, of which at most `size` bytes may be touched, and which lies at the
 * physical address `physical`. On failure returns false and writes one line (no newline,
 * NUL-terminated) to `error`: what is wrong, and in which node or property. Whatever was read
 * before the error stays in *machine: in particular the console, which is read first, so that the
 * error can be printed.
 *
 * Broken are: a bad header or structure block, no memory, cells of other counts than 1 and 2, a
 * memory or reserved range that wraps, an initrd that ends before it begins, lies outside of RAM,
 * in pages that no-map withholds or over a release address, more ranges than a map can hold, no
 * or a doubled core, no GIC, no timer, and registers of a known device that are not there or that
 * a bus does not translate. Nodes whose status is neither absent, "okay" nor "ok" are passed
 * over; so are ranges of size 0. A stdout-path that leads to no node, or to one that is not a
 * known UART, leaves the console NONE.
 *
 * Needs less than 2 KiB of stack. `fdt` must be a multiple of 8.
 */
bool machine_read(const void *fdt, size_t size, uint64_t physical, struct machine *machine,
		  char error[MACHINE_ERROR_MAX]);
