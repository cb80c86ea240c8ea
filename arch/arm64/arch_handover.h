/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of the hand-over that only arch/arm64 reads. Addresses of registers are virtual ones in
 * KV_DEVICES.
 */
#pragma once

#include <stdint.h>

#define ARCH_MAX_CORES  8
#define ARCH_MAX_REGIONS 8

enum uart_kind { UART_NONE, UART_PL011, UART_BCM_MINI };

enum arch_gic_kind { ARCH_GIC_V2, ARCH_GIC_V3 };

enum arch_firmware { ARCH_FIRMWARE_NONE, ARCH_FIRMWARE_HVC, ARCH_FIRMWARE_SMC };

struct arch_handover {
	uint64_t affinities[ARCH_MAX_CORES]; /* MPIDR_EL1 fields, by core number */

	enum uart_kind uart_kind;
	uint64_t uart;

	enum arch_gic_kind gic_kind;
	uint64_t gic_distributor;
	uint64_t gic_cpu_interface; /* GICv2 */
	uint32_t gic_redistributor_count;
	uint64_t gic_redistributors[ARCH_MAX_REGIONS]; /* GICv3 */
	uint64_t gic_redistributor_sizes[ARCH_MAX_REGIONS];
	uint64_t gic_redistributor_stride;

	uint32_t timer_intid;
	enum arch_firmware firmware; /* how PSCI is called, if there is any */
	uint64_t bcm_watchdog;       /* 0 if there is none */
};
