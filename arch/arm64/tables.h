/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds translation tables that no table walk uses yet for the addresses that are mapped: the boot
 * stage's identity map, the kernel's own tables, and a task's before it runs. So no break-before-make and no TLB
 * maintenance is needed; whoever starts using the tables issues the DSB.
 */
#pragma once

#include "pte.h"

#include <stdbool.h>
#include <stddef.h>

struct tables {
	pte_t *root;     /* level 0, cleared */
	uint64_t next;   /* physical: the next free page for tables, need not be cleared */
	uint64_t end;    /* physical: behind the last one */
	uint64_t offset; /* of the mapping through which tables are written: virtual - physical */
};

/*
 * Maps [va, va + size) to pa onwards with the largest entries that fit. Mapping what is mapped already,
 * in the same way, is allowed. False: one of the three is no multiple of the page size, the physical
 * range does not fit descriptors, table pages ran out, or a part is mapped otherwise; in the last two
 * cases a part may have been mapped.
 */
bool tables_map(struct tables *tables, uint64_t va, uint64_t pa, uint64_t size, pte_t attributes);
