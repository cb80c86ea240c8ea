/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lies below us: PSCI (Arm DEN 0022), and the debugger's semihosting.
 */
#pragma once

#include "arch_handover.h"
#include "insn.h"

#define PSCI_VERSION      0x84000000ul
#define PSCI_CPU_ON       0xc4000003ul
#define PSCI_SYSTEM_OFF   0x84000008ul
#define PSCI_SYSTEM_RESET 0x84000009ul

/* The status with which a run ends when the system itself failed. */
#define SYSTEM_FAILED_STATUS 125

/* Calls PSCI. Only if `firmware` is not ARCH_FIRMWARE_NONE: an SMC that nobody handles never returns. */
static inline int64_t psci_call(enum arch_firmware firmware, uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
	return (int64_t)(firmware == ARCH_FIRMWARE_SMC ? smc_call(function, a, b, c) : hvc_call(function, a, b, c));
}

/* SYS_EXIT (0x18) with ADP_Stopped_ApplicationExit: ends QEMU with `status`. Returns only if nobody listens. */
static inline void semihosting_exit(uint64_t status)
{
	const uint64_t block[2] = {0x20026, status};
	semihosting_call(0x18, block);
}
