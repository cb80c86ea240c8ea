/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel information page: what the kernel tells everyone. Every thread of every task can read it at
 * KERNEL_INFO_ADDRESS. It is no memory of the task: it cannot be mapped on or over, taken away or executed, and costs the
 * task nothing. It does not change while the system runs.
 */
#pragma once

#include <stdint.h>

#define KERNEL_INFO_ADDRESS 0xffff804100100000ul

#define KERNEL_INFO_MAGIC 0x6b74617274530a00ul /* "\0\nStratk" */

/* New fields come at the end, and are 0 in kernels that do not know them. */
struct kernel_info {
	uint64_t magic;
	uint32_t abi_version; /* ABI_VERSION of the kernel */
	uint32_t core_count;  /* cores that run */
	uint64_t page_size;   /* 4096 */
	uint64_t timer_hz;    /* CNTFRQ_EL0: ticks a second of CNTVCT_EL0 */
};
