/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot-information pages: what the kernel tells the root task when it starts it.
 *
 * Mapped read-only into the root task; their address is in x0 at its first instruction. All addresses
 * in it are virtual ones of the root task unless they are named physical. The kernel writes it once
 * and keeps no other copy that user code could observe.
 */
#pragma once

#include "memory_kind.h"

#include <stdint.h>

#define BOOT_INFO_MAGIC 0x6174617274530a00ul /* "\0\nStrata" */

/* Raised whenever a field changes its meaning; new fields at the end do not raise it. */
#define BOOT_INFO_VERSION 1

/*
 * The memory window: physical address p of memory that the root task was given is mapped at
 * p + BOOT_INFO_WINDOW, in the upper half of user space, so physical memory beyond 2^47 stays unused.
 */
#define BOOT_INFO_WINDOW 0x800000000000ul

/* Where the root task finds what it was given: base is in the window; size 0 if absent. Exact bytes. */
struct boot_info_module {
	uint64_t base;
	uint64_t size;
};

struct boot_info_range {
	uint64_t physical;
	uint64_t size;
	uint64_t kind; /* enum memory_kind; never MEMORY_BOOT unless a core failed to start */
};

struct boot_info {
	uint64_t magic;
	uint32_t version;
	uint32_t bytes;        /* of this structure with all its ranges */
	uint32_t abi_version;  /* ABI_VERSION of the kernel */
	uint32_t unused;
	uint64_t window;       /* BOOT_INFO_WINDOW */
	uint64_t page_size;    /* 4096 */
	uint32_t core_count;   /* cores that run, the boot core included */
	uint32_t core_missing; /* cores that the tree describes and that did not start */
	struct boot_info_module tree;    /* the device tree, read-only */
	struct boot_info_module modules; /* the cpio archive, read-only */
	uint64_t kernel_pool_size;       /* bytes of MEMORY_KERNEL that are the pool for kernel objects */
	uint64_t kernel_pool_free;       /* of these, bytes not in use when the root task started */
	uint64_t timer_hz;               /* CNTFRQ_EL0: ticks a second of CNTVCT_EL0 */
	uint64_t range_count;
	struct boot_info_range ranges[]; /* all RAM of the device tree, sorted, without overlap */
};
