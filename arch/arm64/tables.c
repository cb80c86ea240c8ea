/* SPDX-License-Identifier: BSD-2-Clause */
#include "tables.h"

#include <string.h>

/* A cleared page for a table; 0 if there is none left. */
static uint64_t table_alloc(struct tables *tables)
{
	if (tables->next == tables->end) {
		return 0;
	}
	uint64_t pa = tables->next;
	pte_t *table = (pte_t *)(pa + tables->offset);
	memset(table, 0, PAGE_SIZE);
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

/* Fills entries from the one for `va` on, as far as the table goes, whole entries fit, and nothing else is there.
 * Returns the bytes that are mapped now. */
static uint64_t fill(pte_t *table, unsigned level, uint64_t va, uint64_t pa, uint64_t size, pte_t attributes)
{
	uint64_t entry_size = UL(1) << pte_shift(level), mapped = 0;
	for (unsigned i = pte_index(va, level); i < PTE_COUNT && size - mapped >= entry_size; i++) {
		pte_t leaf = pte_make_leaf(pa + mapped, level, attributes);
		if (table[i] != 0 && table[i] != leaf) {
			break;
		}
		table[i] = leaf;
		mapped += entry_size;
	}
	return mapped;
}

/* Maps what one table can, with entries of the largest size that fits or, where tables are finer already, a smaller
 * one. Returns its size, or 0. */
static uint64_t map_some(struct tables *tables, uint64_t va, uint64_t pa, uint64_t size, pte_t attributes)
{
	unsigned wanted = level_for(va, pa, size);
	pte_t *table = tables->root;
	for (unsigned level = 0;; level++) {
		pte_t *entry = &table[pte_index(va, level)];
		if (level < wanted && is_mapped(*entry, level, va, pa, attributes)) {
			return UL(1) << pte_shift(wanted);
		}
		uint64_t mapped = level >= wanted ? fill(table, level, va, pa, size, attributes) : 0;
		if (mapped != 0 || level == 3) {
			return mapped;
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
		uint64_t mapped = map_some(tables, va, pa, size, attributes);
		if (mapped == 0) {
			return false;
		}
		va += mapped;
		pa += mapped;
		size -= mapped;
	}
	return true;
}
