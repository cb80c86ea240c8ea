/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot stage hands to the kernel proper: the machine and the root task in plain numbers, so
 * that the kernel parses neither device tree nor cpio nor ELF.
 *
 * It lies in memory that the kernel keeps and is written by the boot stage only, before the kernel's first instruction,
 * except `memory`, which the kernel brings up to date once the boot stage is gone.
 */
#pragma once

#include <common/memory_map.h>

#include <arch_handover.h> /* struct arch_handover: what arch/ tells itself */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HANDOVER_MAX_SEGMENTS 8

/* The root task's program ends below this: from here on the kernel maps pages of its own for it, and then the window. */
#define HANDOVER_ROOT_PROGRAM_END 0x7ffff0000000ul

/* A part of the root task's program, loaded at `physical`. Multiples of the page size. */
struct handover_segment {
	uint64_t va;
	uint64_t physical;
	uint64_t size;
	bool writable;
	bool executable; /* never both */
};

/* Exact bytes, physical. size 0 if absent. */
struct handover_module {
	uint64_t physical;
	uint64_t size;
};

struct handover {
	struct memory_map memory;

	/* Of MEMORY_KERNEL, the part that is not yet used: pages for kernel objects. Mapped at KV_DIRECT. */
	uint64_t pool_physical;
	uint64_t pool_size;

	/* The kernel's own image. */
	uint64_t image_physical;
	uint64_t image_va;

	uint64_t root_entry;
	size_t root_segment_count;
	struct handover_segment root_segments[HANDOVER_MAX_SEGMENTS];

	struct handover_module tree;
	struct handover_module modules;

	uint32_t core_count; /* cores that the tree describes, the boot core is number 0 */
	bool exit_semihosting; /* boot argument exit=semihosting */
	char selftest[16];     /* boot argument selftest=NAME, debug builds; "" if absent */

	struct arch_handover arch;
};
