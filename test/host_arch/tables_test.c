/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translation tables against a naive model: an array with what each page is mapped to. A walker that knows
 * only the architecture's format reads the tables.
 */
#include <tables.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"

#define ARENA_PAGES 64
#define ARENA_PA    UINT64_C(0x7f0000000)
#define GIB         UINT64_C(0x40000000)

/* The model's window: pages on both sides of a border between two level-1 entries. */
#define WINDOW_PAGES UINT64_C(4096)
#define WINDOW_VA    (UINT64_C(0x123) * GIB - WINDOW_PAGES / 2 * PAGE_SIZE)

struct arena {
	uint8_t (*pages)[PAGE_SIZE];
	struct tables tables;
};

/* Uncleared memory: tables must be cleared by whoever takes them, the root by us. */
static struct arena arena_make(size_t pages)
{
	struct arena arena = {.pages = aligned_alloc(PAGE_SIZE, (pages + 1) * PAGE_SIZE)};
	memset(arena.pages, 0xa5, (pages + 1) * PAGE_SIZE);
	memset(arena.pages[0], 0, PAGE_SIZE);
	arena.tables = (struct tables){
		.root = (pte_t *)(void *)arena.pages[0],
		.next = ARENA_PA + PAGE_SIZE,
		.end = ARENA_PA + (pages + 1) * PAGE_SIZE,
		.offset = (uint64_t)(uintptr_t)arena.pages - ARENA_PA,
	};
	return arena;
}

struct leaf {
	unsigned level; /* 0: nothing is mapped */
	uint64_t pa;
	pte_t attributes;
};

static struct leaf walk(const struct arena *arena, uint64_t va)
{
	const pte_t *table = arena->tables.root;
	for (unsigned level = 0;; level++) {
		unsigned shift = 39 - 9 * level;
		pte_t entry = table[va >> shift & 511];
		if ((entry & 1) == 0) {
			assert_true(entry == 0);
			return (struct leaf){0};
		}
		uint64_t address = entry & UINT64_C(0x0000fffffffff000);
		if (level < 3 && (entry & 2) != 0) {
			assert_true(entry == (address | 3)); /* a table, and no attributes that would narrow it */
			assert_true(address >= ARENA_PA && address < arena->tables.next);
			table = (const pte_t *)(void *)arena->pages[(address - ARENA_PA) / PAGE_SIZE];
			continue;
		}
		assert_true(level > 0 && (level < 3 || (entry & 2) != 0));
		uint64_t mask = (UINT64_C(1) << shift) - 1;
		assert_true((address & mask) == 0);
		return (struct leaf){level, address | (va & mask & ~(uint64_t)(PAGE_SIZE - 1)),
				     entry & ~UINT64_C(0x0000fffffffff003)};
	}
}

static void assert_leaf(const struct arena *arena, uint64_t va, unsigned level, uint64_t pa, pte_t attributes)
{
	struct leaf leaf = walk(arena, va);
	assert_int_equal(leaf.level, level);
	assert_true(leaf.pa == pa);
	assert_true(leaf.attributes == attributes);
}

struct model_page {
	uint64_t pa; /* 0: not mapped */
	pte_t attributes;
};

/* True if the whole range can be mapped so: nothing there is mapped otherwise. */
static bool model_agrees(const struct model_page *model, uint64_t first, uint64_t count, uint64_t pa, pte_t attributes)
{
	for (uint64_t i = 0; i < count; i++) {
		const struct model_page *page = &model[first + i];
		if (page->pa != 0 && (page->pa != pa + i * PAGE_SIZE || page->attributes != attributes)) {
			return false;
		}
	}
	return true;
}

static void assert_same(const struct arena *arena, const struct model_page *model)
{
	for (uint64_t i = 0; i < WINDOW_PAGES; i++) {
		struct leaf leaf = walk(arena, WINDOW_VA + i * PAGE_SIZE);
		assert_true(leaf.pa == model[i].pa && leaf.attributes == model[i].attributes);
	}
}

static void random_maps_are_as_the_model_says(void **state)
{
	(void)state;
	static const pte_t attributes[] = {PTE_KERNEL_RW, PTE_KERNEL_RX, PTE_USER_RO};
	struct model_page *model = malloc(WINDOW_PAGES * sizeof(*model));
	unsigned mapped = 0, refused = 0;
	for (int round = 0; round < 60; round++) {
		struct arena arena = arena_make(ARENA_PAGES);
		memset(model, 0, WINDOW_PAGES * sizeof(*model));
		/* Mostly congruent to va modulo 2 MiB or 1 GiB, so that blocks fit; sometimes not. */
		uint64_t skew = random_below(3) == 0 ? PAGE_SIZE * random_below(512) : random_below(2) * BLOCK_SIZE;
		for (int step = 0; step < 40; step++) {
			uint64_t first = random_below(WINDOW_PAGES);
			if (random_below(2) == 0) {
				first &= ~UINT64_C(511);
			}
			uint64_t count = random_below(2) == 0 ? 1 + random_below(30) : 1 + random_below(1500);
			count = count < WINDOW_PAGES - first ? count : WINDOW_PAGES - first;
			uint64_t va = WINDOW_VA + first * PAGE_SIZE, pa = va + skew;
			pte_t attribute = attributes[random_below(8) == 0 ? 1 + random_below(2) : 0];
			bool agrees = model_agrees(model, first, count, pa, attribute);
			assert_int_equal(tables_map(&arena.tables, va, pa, count * PAGE_SIZE, attribute), agrees);
			for (uint64_t i = 0; i < count; i++) {
				/* A refused map may have been made in part, but only as it was asked for. */
				if (agrees || (model[first + i].pa == 0 && walk(&arena, va + i * PAGE_SIZE).level != 0)) {
					model[first + i] = (struct model_page){pa + i * PAGE_SIZE, attribute};
				}
			}
			agrees ? mapped++ : refused++;
		}
		assert_same(&arena, model);
		assert_int_equal(walk(&arena, WINDOW_VA - PAGE_SIZE).level, 0);
		assert_int_equal(walk(&arena, WINDOW_VA + WINDOW_PAGES * PAGE_SIZE).level, 0);
		free(arena.pages);
	}
	free(model);
	assert_true(mapped > 500 && refused > 100);
}

static void the_largest_entries_that_fit_are_used(void **state)
{
	(void)state;
	struct arena arena = arena_make(ARENA_PAGES);
	uint64_t va = 5 * GIB - BLOCK_SIZE - PAGE_SIZE, pa = 9 * GIB - BLOCK_SIZE - PAGE_SIZE;
	uint64_t size = PAGE_SIZE + BLOCK_SIZE + 2 * GIB + BLOCK_SIZE + PAGE_SIZE;
	assert_true(tables_map(&arena.tables, va, pa, size, PTE_KERNEL_RW));
	assert_leaf(&arena, va, 3, pa, PTE_KERNEL_RW);
	assert_leaf(&arena, va + PAGE_SIZE, 2, pa + PAGE_SIZE, PTE_KERNEL_RW);
	assert_leaf(&arena, 5 * GIB, 1, 9 * GIB, PTE_KERNEL_RW);
	assert_leaf(&arena, 7 * GIB - PAGE_SIZE, 1, 11 * GIB - PAGE_SIZE, PTE_KERNEL_RW);
	assert_leaf(&arena, 7 * GIB, 2, 11 * GIB, PTE_KERNEL_RW);
	assert_leaf(&arena, 7 * GIB + BLOCK_SIZE, 3, 11 * GIB + BLOCK_SIZE, PTE_KERNEL_RW);
	assert_int_equal(walk(&arena, va - PAGE_SIZE).level, 0);
	assert_int_equal(walk(&arena, va + size).level, 0);
	/* One level-1 table; two level-2 and two level-3 tables. */
	assert_true(arena.tables.next == ARENA_PA + 6 * PAGE_SIZE);
	free(arena.pages);
}

static void what_is_mapped_already_may_be_mapped_again_in_parts_or_whole(void **state)
{
	(void)state;
	struct arena arena = arena_make(ARENA_PAGES);
	assert_true(tables_map(&arena.tables, 4 * GIB, 4 * GIB, GIB, PTE_USER_RO));
	uint64_t used = arena.tables.next;
	assert_true(tables_map(&arena.tables, 4 * GIB, 4 * GIB, GIB, PTE_USER_RO));
	assert_true(tables_map(&arena.tables, 4 * GIB + BLOCK_SIZE, 4 * GIB + BLOCK_SIZE, BLOCK_SIZE, PTE_USER_RO));
	assert_true(tables_map(&arena.tables, 4 * GIB + PAGE_SIZE, 4 * GIB + PAGE_SIZE, 7 * PAGE_SIZE, PTE_USER_RO));
	assert_true(arena.tables.next == used);
	/* Pages first, then the block around them. */
	assert_true(tables_map(&arena.tables, 8 * GIB + PAGE_SIZE, 8 * GIB + PAGE_SIZE, PAGE_SIZE, PTE_USER_RO));
	assert_true(tables_map(&arena.tables, 8 * GIB, 8 * GIB, BLOCK_SIZE, PTE_USER_RO));
	assert_leaf(&arena, 8 * GIB + BLOCK_SIZE - PAGE_SIZE, 3, 8 * GIB + BLOCK_SIZE - PAGE_SIZE, PTE_USER_RO);
	free(arena.pages);
}

static void what_is_mapped_otherwise_is_refused_and_stays(void **state)
{
	(void)state;
	struct arena arena = arena_make(ARENA_PAGES);
	assert_true(tables_map(&arena.tables, 4 * GIB, 4 * GIB, GIB, PTE_USER_RO));
	assert_false(tables_map(&arena.tables, 4 * GIB, 4 * GIB, PAGE_SIZE, PTE_USER_RW));
	assert_false(tables_map(&arena.tables, 4 * GIB, 4 * GIB, GIB, PTE_USER_RW));
	assert_false(tables_map(&arena.tables, 4 * GIB, 5 * GIB, GIB, PTE_USER_RO));
	/* Inside of the block, but not where the block has it. */
	assert_false(tables_map(&arena.tables, 4 * GIB, 4 * GIB + PAGE_SIZE, PAGE_SIZE, PTE_USER_RO));
	assert_false(tables_map(&arena.tables, 4 * GIB + BLOCK_SIZE, 4 * GIB, BLOCK_SIZE, PTE_USER_RO));
	assert_leaf(&arena, 4 * GIB, 1, 4 * GIB, PTE_USER_RO);
	free(arena.pages);
}

static void ranges_that_are_no_pages_or_do_not_fit_are_refused(void **state)
{
	(void)state;
	struct arena arena = arena_make(ARENA_PAGES);
	static const uint64_t bad[][3] = {
		{1, 0, 0x1000}, {0, 1, 0x1000}, {0, 0, 1}, {0, 0, 0x1800}, {0x800, 0x800, 0x1000},
		{0, UINT64_C(1) << 48, 0x1000}, {0, (UINT64_C(1) << 48) - 0x1000, 0x2000},
		{0, UINT64_C(0xfffffffffffff000), 0x1000}, {0, UINT64_C(0xfffffffffffff000), 0x2000},
		{0, 0x1000, UINT64_C(0xfffffffffffff000)},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(tables_map(&arena.tables, bad[i][0], bad[i][1], bad[i][2], PTE_KERNEL_RW));
	}
	assert_true(arena.tables.next == ARENA_PA + PAGE_SIZE);
	assert_true(tables_map(&arena.tables, 0, 0, 0, PTE_KERNEL_RW));
	assert_true(tables_map(&arena.tables, 0, (UINT64_C(1) << 48) - PAGE_SIZE, PAGE_SIZE, PTE_KERNEL_RW));
	free(arena.pages);
}

static void without_pages_for_tables_nothing_is_written_elsewhere(void **state)
{
	(void)state;
	for (size_t pages = 0; pages < 5; pages++) {
		struct arena arena = arena_make(pages);
		assert_false(tables_map(&arena.tables, GIB - PAGE_SIZE, GIB - PAGE_SIZE, 2 * PAGE_SIZE, PTE_KERNEL_RW));
		assert_true(arena.tables.next == arena.tables.end);
		free(arena.pages);
	}
	struct arena arena = arena_make(5);
	assert_true(tables_map(&arena.tables, GIB - PAGE_SIZE, GIB - PAGE_SIZE, 2 * PAGE_SIZE, PTE_KERNEL_RW));
	free(arena.pages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_maps_are_as_the_model_says),
		cmocka_unit_test(the_largest_entries_that_fit_are_used),
		cmocka_unit_test(what_is_mapped_already_may_be_mapped_again_in_parts_or_whole),
		cmocka_unit_test(what_is_mapped_otherwise_is_refused_and_stays),
		cmocka_unit_test(ranges_that_are_no_pages_or_do_not_fit_are_refused),
		cmocka_unit_test(without_pages_for_tables_nothing_is_written_elsewhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
