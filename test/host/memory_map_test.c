/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory map against a naive model: one byte for each byte of a small address space.
 */
#include <common/memory_map.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SPACE  512
#define ABSENT 0xff
#define ROUNDS 300
#define STEPS  150

static uint32_t random_state;

/* xorshift32: the same numbers in every run. */
static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % limit;
}

struct model {
	uint8_t kind[SPACE];
};

static size_t model_count(const struct model *model)
{
	size_t count = 0;
	for (size_t i = 0; i < SPACE; i++) {
		uint8_t before = i == 0 ? ABSENT : model->kind[i - 1];
		count += model->kind[i] != ABSENT && model->kind[i] != before;
	}
	return count;
}

static void assert_canonical(const struct memory_map *map)
{
	assert_true(map->count <= MEMORY_MAP_MAX);
	for (size_t i = 0; i < map->count; i++) {
		const struct memory_range *item = &map->items[i];
		assert_true(item->size != 0);
		assert_true(item->base + item->size > item->base);
		if (i > 0) {
			const struct memory_range *last = item - 1;
			uint64_t end = last->base + last->size;
			assert_true(end < item->base ||
				    (end == item->base && last->kind != item->kind));
		}
	}
}

/* The map holds what the model holds, and every question gets the model's answer. */
static void assert_same(const struct memory_map *map, const struct model *model)
{
	uint64_t bytes[MEMORY_KIND_COUNT] = {0};
	uint64_t total = 0;
	assert_canonical(map);
	assert_int_equal(map->count, model_count(model));
	for (uint64_t i = 0; i < SPACE; i++) {
		const struct memory_range *range = memory_map_at(map, i);
		assert_int_equal(range == NULL ? ABSENT : (uint8_t)range->kind, model->kind[i]);
		if (range != NULL) {
			bytes[range->kind]++;
			total++;
		}
	}
	assert_int_equal(memory_map_total(map), total);
	for (unsigned kind = 0; kind < MEMORY_KIND_COUNT; kind++) {
		assert_int_equal(memory_map_bytes(map, (enum memory_kind)kind), bytes[kind]);
	}
}

static void model_add(struct model *model, uint64_t base, uint64_t size)
{
	for (uint64_t i = base; i < base + size; i++) {
		model->kind[i] = model->kind[i] == ABSENT ? MEMORY_FREE : model->kind[i];
	}
}

static void model_paint(struct model *model, uint64_t base, uint64_t size, uint8_t kind)
{
	for (uint64_t i = base; i < base + size; i++) {
		model->kind[i] = model->kind[i] == ABSENT ? ABSENT : kind;
	}
}

static void model_trim(struct model *model, uint64_t page)
{
	struct model old = *model;
	uint64_t begin = 0;
	for (uint64_t i = 0; i <= SPACE; i++) {
		if (i < SPACE && old.kind[i] == MEMORY_FREE) {
			continue;
		}
		uint64_t first = (begin + page - 1) / page * page;
		uint64_t last = i / page * page;
		for (uint64_t at = begin; at < i; at++) {
			if (at < first || at >= last) {
				model->kind[at] = MEMORY_UNUSABLE;
			}
		}
		begin = i + 1;
	}
}

static bool model_find_top(const struct model *model, uint64_t size, uint64_t align, uint64_t limit,
			   uint64_t *base)
{
	for (uint64_t at = SPACE; at-- > 0;) {
		uint64_t run = 0;
		while (at + run < SPACE && run < size && model->kind[at + run] == MEMORY_FREE) {
			run++;
		}
		if (run == size && at % align == 0 && at + size <= limit) {
			*base = at;
			return true;
		}
	}
	return false;
}

static void random_range(uint64_t *base, uint64_t *size)
{
	*base = random_below(SPACE);
	*size = random_below(4) == 0 ? random_below((uint32_t)(SPACE - *base))
				     : random_below((uint32_t)(SPACE - *base)) % 16;
}

static void random_change(struct memory_map *map, struct model *model)
{
	uint64_t base, size;
	uint8_t kind = (uint8_t)random_below(MEMORY_KIND_COUNT);
	random_range(&base, &size);
	switch (random_below(16)) {
	case 0: {
		uint8_t to = (uint8_t)random_below(MEMORY_KIND_COUNT);
		memory_map_repaint(map, (enum memory_kind)kind, (enum memory_kind)to);
		for (size_t i = 0; i < SPACE; i++) {
			model->kind[i] = model->kind[i] == kind ? to : model->kind[i];
		}
		break;
	}
	case 1: {
		uint64_t page = UINT64_C(1) << random_below(5);
		assert_true(memory_map_trim(map, page));
		model_trim(model, page);
		break;
	}
	case 2:
	case 3:
	case 4:
	case 5:
	case 6:
		assert_true(memory_map_add(map, base, size));
		model_add(model, base, size);
		break;
	default:
		assert_true(memory_map_paint(map, base, size, (enum memory_kind)kind));
		model_paint(model, base, size, kind);
	}
}

static void random_question(const struct memory_map *map, const struct model *model)
{
	uint64_t base, size, found = 0, expected = 0, count = 0;
	uint64_t align = UINT64_C(1) << random_below(6);
	uint64_t limit = random_below(SPACE * 2);
	random_range(&base, &size);

	size_t length = 1 + random_below(24);
	bool there = model_find_top(model, length, align, limit, &expected);
	assert_int_equal(memory_map_find_top(map, length, align, limit, &found), there);
	assert_int_equal(found, expected);

	uint8_t kind = (uint8_t)random_below(MEMORY_KIND_COUNT);
	for (uint64_t i = base; i < base + size; i++) {
		count += model->kind[i] == kind;
	}
	assert_int_equal(memory_map_bytes_in(map, base, size, (enum memory_kind)kind), count);
}

static void a_map_does_what_an_array_of_bytes_does(void **state)
{
	(void)state;
	random_state = 2463534242;
	for (int round = 0; round < ROUNDS; round++) {
		struct memory_map map = {0};
		struct model model;
		memset(&model, ABSENT, sizeof(model));
		for (int step = 0; step < STEPS && model_count(&model) <= MEMORY_MAP_MAX - 2;
		     step++) {
			random_change(&map, &model);
			assert_same(&map, &model);
			random_question(&map, &model);
		}
	}
}

static void fill(struct memory_map *map, size_t count)
{
	map->count = 0;
	for (size_t i = 0; i < count; i++) {
		assert_true(memory_map_add(map, i * 0x100, 0x80));
	}
	assert_int_equal(map->count, count);
}

static void a_full_map_refuses_and_stays_as_it_was(void **state)
{
	(void)state;
	struct memory_map map, before;
	for (size_t spare = 0; spare < 2; spare++) {
		fill(&map, MEMORY_MAP_MAX - spare);
		before = map;
		assert_false(memory_map_paint(&map, 0x110, 0x10, MEMORY_KERNEL));
		assert_memory_equal(&map, &before, sizeof(map.count));
		assert_memory_equal(map.items, before.items, map.count * sizeof(map.items[0]));
	}
	fill(&map, MEMORY_MAP_MAX);
	before = map;
	assert_false(memory_map_add(&map, 0x90, 0x10));
	assert_false(memory_map_add(&map, UINT64_C(1) << 40, 1));
	assert_memory_equal(&map, &before, sizeof(map));
}

static void a_full_map_still_takes_whole_ranges(void **state)
{
	(void)state;
	struct memory_map map;
	fill(&map, MEMORY_MAP_MAX);
	assert_true(memory_map_paint(&map, 0, UINT64_C(1) << 40, MEMORY_KERNEL));
	assert_true(memory_map_add(&map, 0x100, 0x80));
	assert_int_equal(memory_map_bytes(&map, MEMORY_KERNEL), MEMORY_MAP_MAX * 0x80);
	assert_int_equal(map.count, MEMORY_MAP_MAX);
}

static void trimming_a_full_map_is_refused(void **state)
{
	(void)state;
	struct memory_map map;
	fill(&map, MEMORY_MAP_MAX - 1);
	assert_true(memory_map_add(&map, (UINT64_C(1) << 40) + 1, 0x3000));
	assert_false(memory_map_trim(&map, 0x1000));
	assert_canonical(&map);
}

static void ranges_that_wrap_are_refused(void **state)
{
	(void)state;
	struct memory_map map = {0};
	assert_false(memory_map_add(&map, UINT64_MAX, 1));
	assert_false(memory_map_add(&map, 1, UINT64_MAX));
	assert_false(memory_map_paint(&map, UINT64_MAX - 1, 2, MEMORY_KERNEL));
	assert_int_equal(map.count, 0);
}

static void the_last_page_but_one_byte_can_be_held(void **state)
{
	(void)state;
	struct memory_map map = {0};
	uint64_t base = 0;
	assert_true(memory_map_add(&map, 0, UINT64_MAX));
	assert_int_equal(memory_map_total(&map), UINT64_MAX);
	assert_int_equal(memory_map_bytes_in(&map, 1, UINT64_MAX, MEMORY_FREE), UINT64_MAX - 1);
	assert_null(memory_map_at(&map, UINT64_MAX));
	assert_true(memory_map_find_top(&map, 0x1000, 0x1000, UINT64_MAX, &base));
	assert_int_equal(base, UINT64_MAX - 0x1fff);
	assert_true(memory_map_trim(&map, 0x1000));
	assert_int_equal(memory_map_bytes(&map, MEMORY_UNUSABLE), 0xfff);
}

static void ranges_of_size_0_change_nothing(void **state)
{
	(void)state;
	struct memory_map map = {0};
	uint64_t base;
	assert_true(memory_map_add(&map, 0x1000, 0));
	assert_int_equal(map.count, 0);
	assert_true(memory_map_add(&map, 0x1000, 0x1000));
	assert_true(memory_map_paint(&map, 0x1800, 0, MEMORY_KERNEL));
	assert_int_equal(map.count, 1);
	assert_int_equal(map.items[0].kind, MEMORY_FREE);
	assert_false(memory_map_find_top(&map, 0, 1, UINT64_MAX, &base));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_does_what_an_array_of_bytes_does),
		cmocka_unit_test(a_full_map_refuses_and_stays_as_it_was),
		cmocka_unit_test(a_full_map_still_takes_whole_ranges),
		cmocka_unit_test(trimming_a_full_map_is_refused),
		cmocka_unit_test(ranges_that_wrap_are_refused),
		cmocka_unit_test(the_last_page_but_one_byte_can_be_held),
		cmocka_unit_test(ranges_of_size_0_change_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
