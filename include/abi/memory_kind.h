/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a range of physical memory is used for when the root task starts.
 */
#pragma once

enum memory_kind {
	MEMORY_FREE = 0,     /* handed to the root task, readable and writable, in its memory window */
	MEMORY_RESERVED = 1, /* withheld by the device tree: /memreserve/, /reserved-memory, spin-table pages */
	MEMORY_UNUSABLE = 2, /* RAM, but less than a page, or beyond what the memory window covers */
	MEMORY_KERNEL = 3,   /* kept by the kernel: its image, page tables, stacks and pool */
	MEMORY_BOOT = 4,     /* the boot stage; becomes MEMORY_FREE once all cores are up */
	MEMORY_ROOT = 5,     /* the root task's own program, mapped where it was linked */
	MEMORY_MODULE = 6,   /* the boot modules and the device tree, read-only in the memory window */
};

#define MEMORY_KIND_COUNT 7
