/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The root task's address space as it is built before the mapping database is in use.
 */
#include "layout.h"
#include "tables.h"

#include <arch/aspace.h>
#include <string.h>

void *arch_page_take(struct page_run *run)
{
	if (run->next == run->end) {
		return NULL;
	}
	void *page = (void *)(KV_DIRECT + run->next);
	run->next += PAGE_SIZE;
	memset(page, 0, PAGE_SIZE);
	return page;
}

uint64_t arch_page_physical(const void *page)
{
	return (uint64_t)page - KV_DIRECT;
}

bool arch_aspace_init(struct arch_aspace *aspace, struct page_run *run)
{
	void *root = arch_page_take(run);
	if (root == NULL) {
		return false;
	}
	aspace->root = arch_page_physical(root);
	return true;
}

static pte_t attributes(enum arch_rights rights)
{
	switch (rights) {
	case ARCH_READ_WRITE:
		return PTE_USER_RW;
	case ARCH_READ_EXECUTE:
		return PTE_USER_RX;
	case ARCH_READ:
		break;
	}
	return PTE_USER_RO;
}

bool arch_aspace_map(struct arch_aspace *aspace, struct page_run *run, uint64_t va,
		     uint64_t physical, uint64_t size, enum arch_rights rights)
{
	struct tables tables = {
		.root = (pte_t *)(KV_DIRECT + aspace->root),
		.next = run->next,
		.end = run->end,
		.offset = KV_DIRECT,
	};
	bool mapped = tables_map(&tables, va, physical, size, attributes(rights));
	run->next = tables.next;
	return mapped;
}
