/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the kernel and the root task go: random machines, compared with a search of every possible place.
 */
#include <boot/boot.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"

#define MIB       UINT64_C(0x100000)
#define KINDS     MEMORY_KIND_COUNT
#define POOL_LEAST (4 * MIB)

static bool is_free(const struct memory_map *map, uint64_t base, uint64_t size)
{
	return memory_map_bytes_in(map, base, size, MEMORY_FREE) == size;
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

/* What must hold of a plan that was made: `before` is the map that it was made from. */
static void check_plan(const struct memory_map *before, const struct memory_map *map, const struct boot_needs *needs,
		       const struct boot_plan *plan)
{
	uint64_t root_end = plan->root + plan->root_size, keep_end = plan->keep + plan->keep_size;
	assert_true(plan->keep % BLOCK_SIZE == 0 && plan->keep_size % BLOCK_SIZE == 0);
	assert_true(plan->root % PAGE_SIZE == 0 && plan->root_size % PAGE_SIZE == 0);
	assert_true(is_free(before, plan->keep, plan->keep_size));
	assert_true(is_free(before, plan->root, plan->root_size));
	assert_true(keep_end <= PHYSICAL_LIMIT && root_end <= PHYSICAL_LIMIT);
	assert_false(overlap(plan->keep, plan->keep_size, plan->root, plan->root_size));
	assert_false(overlap(plan->keep, plan->keep_size, needs->image_base, needs->image_size));
	assert_false(overlap(plan->root, plan->root_size, needs->image_base, needs->image_size));

	/* The kernel's parts, one behind the other. */
	assert_true(plan->image == plan->keep && plan->image_size >= needs->kernel_size);
	assert_true(plan->stacks == plan->image + plan->image_size);
	assert_true(plan->handover == plan->stacks + needs->core_count * STACK_SIZE);
	assert_true(plan->handover_size >= sizeof(struct handover));
	assert_true(plan->tables == plan->handover + plan->handover_size);
	assert_true(plan->tables % PAGE_SIZE == 0);
	assert_true(plan->tables < keep_end && keep_end - plan->tables >= POOL_LEAST);
	assert_true(keep_end - plan->tables >= needs->pool_size);

	/* Every byte is accounted for, and nothing that was not free was taken. */
	assert_true(memory_map_total(map) == memory_map_total(before));
	assert_true(memory_map_bytes(map, MEMORY_KERNEL) == plan->keep_size);
	assert_true(memory_map_bytes_in(map, plan->keep, plan->keep_size, MEMORY_KERNEL) == plan->keep_size);
	assert_true(memory_map_bytes_in(map, plan->root, plan->root_size, MEMORY_ROOT) == plan->root_size);
	assert_true(memory_map_bytes(map, MEMORY_RESERVED) == memory_map_bytes(before, MEMORY_RESERVED));
	assert_true(memory_map_bytes(map, MEMORY_MODULE) == memory_map_bytes(before, MEMORY_MODULE));
	for (size_t i = 0; i < map->count; i++) {
		const struct memory_range *range = &map->items[i];
		if (range->kind == MEMORY_FREE) {
			assert_true(range->base % PAGE_SIZE == 0 && range->size % PAGE_SIZE == 0);
			assert_true(range->base + range->size <= PHYSICAL_LIMIT);
		}
	}
}

/* Whether [base, base + size) is free and has nothing to do with the image. */
static bool could_be(const struct memory_map *before, const struct boot_needs *needs, uint64_t base, uint64_t size)
{
	return is_free(before, base, size) && !overlap(base, size, needs->image_base, needs->image_size);
}

static struct memory_map random_map(uint64_t unit)
{
	struct memory_map map = {0};
	size_t count = 1 + random_below(4);
	for (size_t i = 0; i < count; i++) {
		(void)memory_map_add(&map, random_below(96) * MIB + random_below(2) * unit, random_below(64) * MIB + unit);
	}
	count = random_below(20);
	for (size_t i = 0; i < count; i++) {
		enum memory_kind kind = random_below(2) == 0 ? MEMORY_RESERVED : MEMORY_MODULE;
		uint64_t base = random_below(160 * MIB / unit) * unit;
		(void)memory_map_paint(&map, base, unit * (1 + random_below(40)), kind);
	}
	return map;
}

static void a_plan_takes_only_what_is_free_and_the_highest_of_it(void **state)
{
	(void)state;
	unsigned made = 0, refused = 0;
	for (int round = 0; round < 4000; round++) {
		/* Ranges that begin and end anywhere, or at pages. */
		struct memory_map before = random_map(random_below(2) == 0 ? 0x1000 : 0x123);
		struct boot_needs needs = {
			.image_base = random_below(160) * MIB,
			.image_size = 1 + random_below(MIB),
			.kernel_size = 1 + random_below(MIB),
			.root_size = 1 + random_below(8 * MIB),
			.pool_size = random_below(3) == 0 ? random_below(32 * MIB) : 0,
			.core_count = 1 + random_below(8),
		};
		struct memory_map map = before;
		struct boot_plan plan;
		const char *problem = boot_plan_make(&map, &needs, &plan);
		if (problem == NULL) {
			made++;
			check_plan(&before, &map, &needs, &plan);
			for (uint64_t base = plan.keep + BLOCK_SIZE; base < 256 * MIB; base += BLOCK_SIZE) {
				assert_false(could_be(&before, &needs, base, plan.keep_size));
			}
			continue;
		}
		refused++;
		if (strcmp(problem, "not enough contiguous memory for the kernel") == 0) {
			for (uint64_t base = 0; base < 256 * MIB; base += BLOCK_SIZE) {
				assert_false(could_be(&before, &needs, base, plan.keep_size));
			}
		} else if (strcmp(problem, "the kernel image was loaded outside of free memory") == 0) {
			assert_false(is_free(&before, needs.image_base, (needs.image_size + 4095) & ~UINT64_C(4095)));
		}
	}
	/* Neither half of this test is idle. */
	assert_true(made > 300 && refused > 300);
}

static const char *plan_for(struct memory_map *map, uint64_t pool_size)
{
	struct boot_needs needs = {.image_base = 16 * MIB, .image_size = MIB, .kernel_size = MIB, .root_size = MIB,
				   .pool_size = pool_size, .core_count = 4};
	struct memory_map before = *map;
	struct boot_plan plan;
	const char *problem = boot_plan_make(map, &needs, &plan);
	if (problem == NULL) {
		check_plan(&before, map, &needs, &plan);
	}
	return problem;
}

static void a_pool_of_any_size_is_refused_or_there(void **state)
{
	(void)state;
	static const uint64_t sizes[] = {1, 4096, MIB, 64 * MIB, 200 * MIB, 256 * MIB, 1024 * MIB,
					 UINT64_C(1) << 47, UINT64_C(1) << 63, UINT64_MAX - 4096, UINT64_MAX};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct memory_map map = {0};
		assert_true(memory_map_add(&map, 0, 256 * MIB));
		assert_int_equal(plan_for(&map, sizes[i]) == NULL, sizes[i] <= 200 * MIB);
	}
	struct memory_map everything = {0};
	assert_true(memory_map_add(&everything, 0, UINT64_MAX));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct memory_map map = everything;
		(void)plan_for(&map, sizes[i]);
	}
}

static void memory_beyond_reach_is_given_up_and_no_other(void **state)
{
	(void)state;
	struct memory_map map = {0};
	assert_true(memory_map_add(&map, 0, 128 * MIB));
	assert_true(memory_map_add(&map, PHYSICAL_LIMIT - 64 * MIB, 128 * MIB));
	assert_true(memory_map_add(&map, PHYSICAL_LIMIT + 512 * MIB, MIB));
	assert_true(memory_map_paint(&map, PHYSICAL_LIMIT + 10 * MIB, MIB, MEMORY_MODULE));
	assert_true(memory_map_paint(&map, PHYSICAL_LIMIT + 20 * MIB, MIB, MEMORY_UNUSABLE));
	assert_null(plan_for(&map, 0));
	assert_true(memory_map_bytes(&map, MEMORY_UNUSABLE) == (63 + 1) * MIB);
	assert_true(memory_map_bytes_in(&map, PHYSICAL_LIMIT - 64 * MIB, 64 * MIB, MEMORY_KERNEL) != 0);
}

static void a_map_without_room_for_ranges_is_refused(void **state)
{
	(void)state;
	for (uint64_t free_items = 0; free_items < 8; free_items++) {
		struct memory_map map = {0};
		assert_true(memory_map_add(&map, 0, 64 * MIB));
		for (uint64_t i = 1; map.count < MEMORY_MAP_MAX - free_items; i++) {
			assert_true(memory_map_add(&map, 64 * MIB + i * 2 * MIB, MIB));
		}
		const char *problem = plan_for(&map, 0);
		if (problem != NULL) {
			assert_string_equal(problem, "the memory map has too many ranges");
		}
		/* The image cuts a range in three, the kernel one in two; the root task takes a whole one. */
		assert_int_equal(problem == NULL, free_items >= 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_takes_only_what_is_free_and_the_highest_of_it),
		cmocka_unit_test(a_pool_of_any_size_is_refused_or_there),
		cmocka_unit_test(memory_beyond_reach_is_given_up_and_no_other),
		cmocka_unit_test(a_map_without_room_for_ranges_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
