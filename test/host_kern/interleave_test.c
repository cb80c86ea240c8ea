/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two operations on two cores: the second one runs at each single cut of the first, which are its accesses to entries,
 * barriers and TLB invalidations; who waits for a lock lets the other go on. Whatever the order, the invariants hold in the
 * end, nothing that was revoked is left, and every byte is back.
 */
#include "machine.h"

#include <arch/cpu.h>
#include <kern/entry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define KIB4 0x1000ul
#define MIB2 0x200000ul
#define GIB1 0x40000000ul
#define HOME GIB1

/* So many cuts that no operation here has more. */
#define CUTS_MAX 20000

static struct quota quota;
static struct space a, b, c;
static uint64_t start_free;
static enum status statuses[2];

static void map_to(unsigned core, struct space *src, uint64_t src_va, struct space *dst,
		   uint64_t dst_va, unsigned order, bool grant)
{
	struct map_request request = {.src = src, .src_va = src_va, .dst = dst, .dst_va = dst_va, .order = order,
				      .rights = PAGE_RIGHTS, .grant = grant, .track = true};
	statuses[core] = mapdb_prepare(&request);
	if (statuses[core] == STATUS_OK) {
		statuses[core] = mapdb_map(&request);
		mapdb_publish();
	}
}

static void must_map(struct space *src, uint64_t src_va, struct space *dst, uint64_t dst_va,
		     unsigned order)
{
	map_to(0, src, src_va, dst, dst_va, order, false);
	assert_int_equal(statuses[0], STATUS_OK);
}

static void unmap_all(struct space *space, uint64_t va, uint64_t size, bool self, unsigned keep)
{
	struct unmap_report report = {.pages = 0};
	while (!mapdb_unmap(space, va, size, self, keep, &report)) {
	}
}

static bool is_mapped(struct space *space, uint64_t va)
{
	uint64_t physical;
	unsigned order, rights;
	return mapdb_lookup(space, va, &physical, &order, &rights);
}

/* Operations; all are about the giant at HOME in A, or what was made from it. */

static void map_page_to_b(void)
{
	map_to(0, &a, HOME + KIB4, &b, 0x5000, 12, false);
}

static void map_page_to_b_too(void)
{
	map_to(1, &a, HOME + 2 * KIB4, &b, 0x5000, 12, false);
}

static void map_neighbour_to_b(void)
{
	map_to(1, &a, HOME + 3 * KIB4, &b, 0x6000, 12, false);
}

static void map_block_to_b(void)
{
	map_to(1, &a, HOME + MIB2, &b, 0, 21, false);
}

static void map_block_over_b(void)
{
	map_to(1, &a, HOME + MIB2, &b, MIB2, 21, false);
}

static void map_giant_to_c(void)
{
	map_to(1, &a, HOME, &c, GIB1, 30, false);
}

static void map_on_to_c(void)
{
	map_to(1, &b, 0x9000, &c, 0x9000, 12, false);
}

static void map_on_to_c_elsewhere(void)
{
	map_to(1, &b, 0x9000, &c, 0x7fff00000000, 12, false);
}

static void grant_to_c(void)
{
	map_to(1, &b, 0x9000, &c, 0x9000, 12, true);
}

static void unmap_page(void)
{
	unmap_all(&a, HOME + 9 * KIB4, KIB4, false, 0);
}

static void unmap_giant(void)
{
	unmap_all(&a, HOME, GIB1, false, 0);
}

static void unmap_giant_self(void)
{
	unmap_all(&a, HOME, GIB1, true, 0);
}

static void reduce_giant(void)
{
	unmap_all(&a, HOME, GIB1, false, PAGE_READ);
}

static void unmap_in_b(void)
{
	unmap_all(&b, 0x9000, KIB4, true, 0);
}

static void split_giant(void)
{
	statuses[1] = mapdb_split(&a, HOME);
}

static void split_giant_first(void)
{
	statuses[0] = mapdb_split(&a, HOME);
}

static void split_and_join(void)
{
	if (mapdb_split(&a, HOME) == STATUS_OK) {
		statuses[1] = mapdb_join(&a, HOME, 30);
	}
}

static void age_giant(void)
{
	struct age_report report = {.referenced = 0};
	while (!mapdb_age(&a, HOME, 30, 1, true, &report)) {
	}
}

static void touch(void)
{
	(void)mapdb_repair(&b, 0x9000, FAULT_WRITE);
}

static void destroy_b(void)
{
	while (!space_destroy(&b)) {
		arch_core_relax();
	}
}

/* The world: A has a giant; B has page 9 of it, C has that from B. */
static void build(void)
{
	machine_reset(4);
	start_free = page_pool_free();
	quota = (struct quota){.limit = start_free};
	assert_int_equal(space_init(&a, &quota), STATUS_OK);
	assert_int_equal(space_init(&b, &quota), STATUS_OK);
	assert_int_equal(space_init(&c, &quota), STATUS_OK);
	assert_int_equal(mapdb_add_root(&a, HOME, RAM_BASE, 30, PAGE_RIGHTS, MEMORY_TYPE_NORMAL, false), STATUS_OK);
	must_map(&a, HOME + 9 * KIB4, &b, 0x9000, 12);
	must_map(&b, 0x9000, &c, 0xa000, 12);
	machine_operation_ends();
	round_leave_kernel();
}

static void tear_down(bool b_is_gone)
{
	mapdb_check(&a);
	mapdb_check(&c);
	if (!b_is_gone) {
		mapdb_check(&b);
		assert_true(space_destroy(&b));
	}
	assert_int_equal(mapdb_big.revokes, 0);
	for (unsigned i = 0; i < REGION_COUNT; i++) {
		assert_int_equal(mapdb_regions[i].revokes, 0);
	}
	assert_true(space_destroy(&a) && space_destroy(&c));
	machine_operation_ends();
	round_leave_kernel();
	assert_int_equal(quota.used, 0);
	assert_int_equal(page_pool_free(), start_free);
	assert_int_equal(machine_violations, 0);
}

/* What must hold when both have ended. */
typedef void check_function(void);

static void end_round(void (*first)(void), void (*second)(void), check_function *check)
{
	assert_int_equal(machine_stale(), 0);
	machine_operation_ends();
	if (check != NULL) {
		check();
	}
	tear_down(first == destroy_b || second == destroy_b);
}

/* How often the cores take turns at random, after all single cuts. */
#define RANDOM_ROUNDS 200

static void random_turns(void (*first)(void), void (*second)(void), check_function *check)
{
	for (unsigned i = 0; i < RANDOM_ROUNDS; i++) {
		build();
		machine_seed = i;
		machine_interleave_randomly(first, second, 2 + i % 30);
		end_round(first, second, check);
	}
}

static void all_cuts(void (*first)(void), void (*second)(void), check_function *check)
{
	unsigned cut = 0;
	bool reached = true;
	for (; reached; cut++) {
		assert_true(cut < CUTS_MAX);
		build();
		statuses[0] = statuses[1] = STATUS_OK;
		reached = machine_interleave(first, second, cut);
		end_round(first, second, check);
	}
	assert_true(cut > 3);
	random_turns(first, second, check);
}

static void both_mapped(void)
{
	assert_int_equal(statuses[0], STATUS_OK);
	assert_int_equal(statuses[1], STATUS_OK);
}

static void one_of_both_mapped(void)
{
	assert_true((statuses[0] == STATUS_OK) != (statuses[1] == STATUS_OK));
	assert_true(statuses[0] == STATUS_OVERMAP || statuses[1] == STATUS_OVERMAP);
}

static void nothing_is_left_of_page_9(void)
{
	assert_false(is_mapped(&b, 0x9000));
	assert_false(is_mapped(&c, 0x9000));
	assert_false(is_mapped(&c, 0x7fff00000000));
	assert_false(is_mapped(&c, 0xa000));
}

static void nothing_is_left_if_it_came_first(void)
{
	assert_false(is_mapped(&b, 0x9000));
	assert_false(is_mapped(&c, 0xa000));
	if (machine_second_ended_first) {
		assert_false(is_mapped(&b, 0x6000));
		assert_false(is_mapped(&c, GIB1));
	}
}

static void all_is_readable_at_most(void)
{
	uint64_t physical;
	unsigned order, rights;
	if (mapdb_lookup(&c, 0x9000, &physical, &order, &rights)) {
		assert_int_equal(rights, PAGE_READ);
	}
	if (mapdb_lookup(&b, 0x9000, &physical, &order, &rights)) {
		assert_int_equal(rights, PAGE_READ);
	}
}

static void two_maps_to_neighbours_both_succeed(void **state)
{
	(void)state;
	all_cuts(map_page_to_b, map_neighbour_to_b, both_mapped);
}

static void of_two_maps_to_one_place_one_succeeds(void **state)
{
	(void)state;
	all_cuts(map_page_to_b, map_page_to_b_too, one_of_both_mapped);
	all_cuts(map_page_to_b, map_block_to_b, NULL);
}

static void maps_of_all_sizes_from_one_giant_succeed(void **state)
{
	(void)state;
	all_cuts(map_page_to_b, map_block_over_b, both_mapped);
	all_cuts(map_page_to_b, map_giant_to_c, both_mapped);
}

static void a_map_cannot_escape_an_unmap_of_its_source(void **state)
{
	(void)state;
	all_cuts(unmap_page, map_on_to_c, nothing_is_left_of_page_9);
	all_cuts(unmap_page, map_on_to_c_elsewhere, nothing_is_left_of_page_9);
	all_cuts(unmap_page, grant_to_c, nothing_is_left_of_page_9);
	all_cuts(unmap_giant, map_on_to_c, nothing_is_left_of_page_9);
	all_cuts(unmap_giant, grant_to_c, nothing_is_left_of_page_9);
	all_cuts(unmap_giant_self, map_on_to_c_elsewhere, nothing_is_left_of_page_9);
}

static void a_map_from_what_is_being_unmapped_comes_before_or_after(void **state)
{
	(void)state;
	all_cuts(unmap_giant, map_neighbour_to_b, nothing_is_left_if_it_came_first);
	all_cuts(unmap_giant, map_giant_to_c, nothing_is_left_if_it_came_first);
	all_cuts(unmap_giant_self, map_neighbour_to_b, nothing_is_left_if_it_came_first);
	all_cuts(unmap_giant_self, map_giant_to_c, nothing_is_left_if_it_came_first);
}

static void two_unmaps_of_one_tree_both_end(void **state)
{
	(void)state;
	all_cuts(unmap_page, unmap_in_b, nothing_is_left_of_page_9);
	all_cuts(unmap_giant, unmap_in_b, nothing_is_left_of_page_9);
	all_cuts(unmap_giant, unmap_page, nothing_is_left_of_page_9);
	all_cuts(unmap_page, unmap_giant_self, nothing_is_left_of_page_9);
	all_cuts(unmap_in_b, unmap_giant_self, nothing_is_left_of_page_9);
}

static void a_map_cannot_escape_a_reduction_of_rights(void **state)
{
	(void)state;
	all_cuts(reduce_giant, map_on_to_c, all_is_readable_at_most);
	all_cuts(reduce_giant, grant_to_c, all_is_readable_at_most);
	all_cuts(reduce_giant, touch, all_is_readable_at_most);
	all_cuts(reduce_giant, unmap_in_b, all_is_readable_at_most);
}

static void a_split_meets_everything_else(void **state)
{
	(void)state;
	all_cuts(map_page_to_b, split_giant, NULL);
	all_cuts(unmap_page, split_giant, nothing_is_left_of_page_9);
	all_cuts(unmap_giant, split_giant, nothing_is_left_of_page_9);
	all_cuts(unmap_giant_self, split_giant, nothing_is_left_of_page_9);
	all_cuts(split_giant_first, unmap_in_b, NULL);
	all_cuts(split_giant_first, map_neighbour_to_b, NULL);
	all_cuts(unmap_in_b, split_giant, NULL);
	all_cuts(age_giant, split_giant, NULL);
}

static void a_join_meets_everything_else(void **state)
{
	(void)state;
	all_cuts(map_page_to_b, split_and_join, NULL);
	all_cuts(unmap_page, split_and_join, nothing_is_left_of_page_9);
	all_cuts(unmap_giant_self, split_and_join, nothing_is_left_of_page_9);
}

static void an_age_meets_everything_else(void **state)
{
	(void)state;
	all_cuts(age_giant, touch, NULL);
	all_cuts(age_giant, unmap_in_b, NULL);
	all_cuts(age_giant, unmap_giant_self, nothing_is_left_of_page_9);
	all_cuts(age_giant, map_on_to_c, NULL);
	all_cuts(age_giant, grant_to_c, NULL);
}

static void the_end_of_a_space_meets_everything_else(void **state)
{
	(void)state;
	all_cuts(destroy_b, unmap_page, NULL);
	all_cuts(destroy_b, unmap_giant_self, NULL);
	all_cuts(destroy_b, map_on_to_c, NULL);
	all_cuts(destroy_b, grant_to_c, NULL);
	all_cuts(destroy_b, split_giant, NULL);
	all_cuts(unmap_giant, destroy_b, NULL);
	all_cuts(age_giant, destroy_b, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_maps_to_neighbours_both_succeed),
		cmocka_unit_test(of_two_maps_to_one_place_one_succeeds),
		cmocka_unit_test(maps_of_all_sizes_from_one_giant_succeed),
		cmocka_unit_test(a_map_cannot_escape_an_unmap_of_its_source),
		cmocka_unit_test(a_map_from_what_is_being_unmapped_comes_before_or_after),
		cmocka_unit_test(two_unmaps_of_one_tree_both_end),
		cmocka_unit_test(a_map_cannot_escape_a_reduction_of_rights),
		cmocka_unit_test(a_split_meets_everything_else),
		cmocka_unit_test(a_join_meets_everything_else),
		cmocka_unit_test(an_age_meets_everything_else),
		cmocka_unit_test(the_end_of_a_space_meets_everything_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
