/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hardware view of one task's memory, built before the task runs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Pages that the kernel has not used yet: physical [next, end). Taken from the front. */
struct page_run {
	uint64_t next;
	uint64_t end;
};

/* A page of `run`, cleared, as the kernel maps it; NULL if it is used up. */
void *arch_page_take(struct page_run *run);

/* Where a page that arch_page_take() gave is. */
uint64_t arch_page_physical(const void *page);

enum arch_rights { ARCH_READ, ARCH_READ_WRITE, ARCH_READ_EXECUTE };

struct arch_aspace {
	uint64_t root; /* physical */
};

/* False: `run` is used up. */
bool arch_aspace_init(struct arch_aspace *aspace, struct page_run *run);

/* Maps [va, va + size) to `physical` with the largest pages that fit; tables come from `run`. False: it is used up, or
 * something else is mapped there. */
bool arch_aspace_map(struct arch_aspace *aspace, struct page_run *run, uint64_t va, uint64_t physical,
		     uint64_t size, enum arch_rights rights);
