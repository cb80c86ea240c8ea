/* SPDX-License-Identifier: BSD-2-Clause */
#include "tables.h"

/* A cleared page for a table; 0 if there is none left. */
static uint64_t table_alloc(struct tables *tables)
{
	if (tables->next == tables->end) {
		return 0;
	}
	uint64_t pa = tables->next;
	pte_t *table = (pte_t *)(pa + tables->offset);
	for (size_t i = 0; i < PTE_COUNT; i++) {
		table[i] = 0;
	}
	tables->next += PAGE_SIZE;
	return pa;
}

/* The table that `entry` points to, made if there is none; NULL if it is a block, or memory ran out. */
static pte_t *table_below(struct tables *tables, pte_t *entry)
{
	if (*entry == 0) {
		uint64_t pa = table_alloc(tables);
		if (pa == 0) {
			return NULL;
		}
		*entry = pte_make_table(pa);
	}
	return pte_is_table(*entry) ? (pte_t *)(pte_address(*entry) + tables->offset) : NULL;
}

/* The highest level (largest size) at which one entry can map the start of the range. */
static unsigned level_for(uint64_t va, uint64_t pa, uint64_t size)
{
	for (unsigned level = 1; level < 3; level++) {
		uint64_t entry_size = UL(1) << pte_shift(level);
		if (((va | pa) & (entry_size - 1)) == 0 && size >= entry_size) {
			return level;
		}
	}
	return 3;
}

/* Whether `entry`, at `level`, already maps `va` to `pa` as wanted: alone, or as a part of something larger. */
static bool is_mapped(pte_t entry, unsigned level, uint64_t va, uint64_t pa, pte_t attributes)
{
	uint64_t offset = (UL(1) << pte_shift(level)) - 1;
	return level > 0 && ((va ^ pa) & offset) == 0 && entry == pte_make_leaf(pa & ~offset, level, attributes);
}

/* Maps one entry, of the largest size that fits or, where tables are finer already, a smaller one.
 * Returns its size, or 0. */
static uint64_t map_one(struct tables *tables, uint64_t va, uint64_t pa, uint64_t size, pte_t attributes)
{
	unsigned wanted = level_for(va, pa, size);
	pte_t *table = tables->root;
	for (unsigned level = 0;; level++) {
		pte_t *entry = &table[pte_index(va, level)];
		if (is_mapped(*entry, level, va, pa, attributes)) {
			return UL(1) << pte_shift(level < wanted ? wanted : level);
		}
		if (level >= wanted && *entry == 0) {
			*entry = pte_make_leaf(pa, level, attributes);
			return UL(1) << pte_shift(level);
		}
		if (level == 3) {
			return 0;
		}
		table = table_below(tables, entry);
		if (table == NULL) {
			return 0;
		}
	}
}

bool tables_map(struct tables *tables, uint64_t va, uint64_t pa, uint64_t size, pte_t attributes)
{
	uint64_t last = pa + size - 1;
	if (((va | pa | size) & (PAGE_SIZE - 1)) != 0 ||
	    (size != 0 && (last < pa || last >= PTE_PHYSICAL_END))) {
		return false;
	}
	while (size != 0) {
		uint64_t mapped = map_one(tables, va, pa, size, attributes);
		if (mapped == 0) {
			return false;
		}
		va += mapped;
		pa += mapped;
		size -= mapped;
	}
	return true;
}
