/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mapping database, case by case.
 */
#include "machine.h"

#include <kern/entry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define KIB4 0x1000ul
#define MIB2 0x200000ul
#define GIB1 0x40000000ul
#define HOME 0x40000000ul /* where root mappings of A are */

static struct quota quota, small;
static struct space a, b, c;
static uint64_t start_free;

static int set_up(void **state)
{
	(void)state;
	machine_reset(8);
	start_free = page_pool_free();
	quota = (struct quota){.limit = start_free};
	small = (struct quota){.limit = TABLE_BYTES};
	assert_int_equal(space_init(&a, &quota), STATUS_OK);
	assert_int_equal(space_init(&b, &quota), STATUS_OK);
	assert_int_equal(space_init(&c, &quota), STATUS_OK);
	return 0;
}

static void check_all(void)
{
	mapdb_check(&a);
	mapdb_check(&b);
	mapdb_check(&c);
	unsigned every = machine_preempt_every;
	machine_preempt_every = 0; /* nothing stays for the next way out of the kernel */
	round_leave_kernel();
	machine_preempt_every = every;
	assert_int_equal(quota.used + small.used, start_free - page_pool_free());
}

static int tear_down(void **state)
{
	(void)state;
	check_all();
	assert_true(space_destroy(&a) && space_destroy(&b) && space_destroy(&c));
	machine_operation_ends();
	round_leave_kernel();
	assert_int_equal(quota.used, 0);
	assert_int_equal(page_pool_free(), start_free);
	assert_int_equal(mapdb_big.revokes, 0);
	for (unsigned i = 0; i < REGION_COUNT; i++) {
		assert_int_equal(mapdb_regions[i].revokes, 0);
	}
	assert_int_equal(machine_violations, 0);
	return 0;
}

static void root(struct space *space, uint64_t va, uint64_t frame, unsigned order)
{
	assert_int_equal(mapdb_add_root(space, va, frame, order, PAGE_RIGHTS, MEMORY_TYPE_NORMAL, false), STATUS_OK);
}

static enum status map_as(struct map_request request)
{
	enum status status = mapdb_prepare(&request);
	if (status == STATUS_OK) {
		status = mapdb_map(&request);
		mapdb_publish();
	}
	machine_operation_ends();
	check_all();
	return status;
}

static struct map_request ask(struct space *src, uint64_t src_va, struct space *dst,
			      uint64_t dst_va, unsigned order)
{
	return (struct map_request){.src = src, .src_va = src_va, .dst = dst, .dst_va = dst_va, .order = order,
				    .rights = PAGE_READ | PAGE_WRITE};
}

static enum status map(struct space *src, uint64_t src_va, struct space *dst, uint64_t dst_va,
		       unsigned order)
{
	return map_as(ask(src, src_va, dst, dst_va, order));
}

static bool is_mapped(struct space *space, uint64_t va, uint64_t frame)
{
	uint64_t physical = 0;
	unsigned order = 0, rights;
	return mapdb_lookup(space, va, &physical, &order, &rights) &&
	       physical + (va & ((1ul << order) - 1)) == frame;
}

static unsigned rights_at(struct space *space, uint64_t va)
{
	uint64_t physical;
	unsigned order, rights;
	return mapdb_lookup(space, va, &physical, &order, &rights) ? rights : 0;
}

static struct unmap_report unmap(struct space *space, uint64_t va, uint64_t size, bool self,
				 unsigned keep)
{
	struct unmap_report report = {.pages = 0};
	while (!mapdb_unmap(space, va, size, self, keep, &report)) {
	}
	machine_operation_ends();
	check_all();
	return report;
}

static struct age_report age(struct space *space, uint64_t va, unsigned order, unsigned count)
{
	struct age_report report = {.referenced = 0};
	while (!mapdb_age(space, va, order, count, true, &report)) {
	}
	machine_operation_ends();
	check_all();
	return report;
}

static void a_mapping_shows_the_frame_of_its_source(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 12);
	assert_int_equal(map(&a, HOME, &b, 0x5000, 12), STATUS_OK);
	assert_true(is_mapped(&b, 0x5000, RAM_BASE));
	assert_int_equal(rights_at(&b, 0x5000), PAGE_READ | PAGE_WRITE);
}

static void parts_of_large_mappings_can_be_mapped_and_mapped_on(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 30);
	assert_int_equal(map(&a, HOME + 3 * MIB2, &b, 4 * MIB2, 21), STATUS_OK);
	assert_int_equal(map(&a, HOME + 3 * MIB2 + KIB4, &b, 0x5000, 12), STATUS_OK);
	assert_int_equal(map(&b, 4 * MIB2 + KIB4, &c, 0x7000, 12), STATUS_OK);
	assert_true(is_mapped(&c, 0x7000, RAM_BASE + 3 * MIB2 + KIB4));
	assert_int_equal(map(&b, 0x5000, &c, 0x8000, 12), STATUS_OK);
	(void)unmap(&a, HOME + 3 * MIB2 + KIB4, KIB4, false, 0);
	assert_false(is_mapped(&c, 0x8000, RAM_BASE + 3 * MIB2 + KIB4));
	/* The larger page that overlapped went as a whole. */
	assert_int_equal(rights_at(&b, 4 * MIB2), 0);
	assert_int_equal(rights_at(&c, 0x7000), 0);
	assert_true(is_mapped(&a, HOME, RAM_BASE));
}

static void unmap_revokes_every_descendant(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 12);
	assert_int_equal(map(&a, HOME, &b, 0x1000, 12), STATUS_OK);
	for (uint64_t i = 0; i < 100; i++) {
		assert_int_equal(map(&b, 0x1000, &c, 0x100000 + i * KIB4, 12), STATUS_OK);
	}
	struct unmap_report report = unmap(&a, HOME, KIB4, true, 0);
	assert_int_equal(report.pages, 1);
	assert_int_equal(report.begin, HOME);
	assert_int_equal(report.end, HOME + KIB4);
	for (uint64_t i = 0; i < 100; i++) {
		assert_int_equal(rights_at(&c, 0x100000 + i * KIB4), 0);
	}
	assert_int_equal(rights_at(&a, HOME), 0);
}

static void unmapping_self_of_a_part_takes_the_large_page_as_a_whole(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 21);
	assert_int_equal(map(&a, HOME + KIB4, &b, 0x1000, 12), STATUS_OK);
	struct unmap_report report = unmap(&a, HOME + 2 * KIB4, KIB4, true, 0);
	assert_int_equal(report.begin, HOME);
	assert_int_equal(report.end, HOME + MIB2);
	assert_int_equal(rights_at(&b, 0x1000), 0);
}

static void reducing_rights_reaches_descendants_and_leaves_the_source(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 21);
	assert_int_equal(map(&a, HOME, &b, MIB2, 21), STATUS_OK);
	assert_int_equal(map(&b, MIB2 + KIB4, &c, 0x1000, 12), STATUS_OK);
	(void)unmap(&a, HOME, MIB2, false, PAGE_READ);
	assert_int_equal(rights_at(&a, HOME), PAGE_RIGHTS);
	assert_int_equal(rights_at(&b, MIB2), PAGE_READ);
	assert_int_equal(rights_at(&c, 0x1000), PAGE_READ);
	assert_false(mapdb_repair(&c, 0x1000, FAULT_WRITE));
	assert_true(mapdb_repair(&c, 0x1000, FAULT_READ));
}

static void no_page_is_writable_and_executable(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 12);
	struct map_request request = ask(&a, HOME, &b, 0x1000, 12);
	request.rights = PAGE_RIGHTS;
	assert_int_equal(map_as(request), STATUS_OK);
	assert_true(mapdb_repair(&b, 0x1000, FAULT_WRITE));
	assert_false(mapdb_repair(&b, 0x1000, FAULT_EXECUTE));
	request = ask(&b, 0x1000, &c, 0x1000, 12);
	request.rights = PAGE_READ | PAGE_EXECUTE;
	assert_int_equal(map_as(request), STATUS_OK);
	assert_false(mapdb_repair(&c, 0x1000, FAULT_WRITE));
	assert_true(mapdb_repair(&c, 0x1000, FAULT_EXECUTE));
}

static enum status map_with(struct space *src, uint64_t src_va, struct space *dst, uint64_t dst_va, unsigned order,
			    unsigned rights, bool grant)
{
	struct map_request request = ask(src, src_va, dst, dst_va, order);
	request.rights = rights;
	request.grant = grant;
	return map_as(request);
}

static bool executes(struct space *space, uint64_t va)
{
	return mapdb_repair(space, va, FAULT_EXECUTE);
}

/* A window hands on what it does not execute itself: by mapping and granting, whole and in parts, split and joined. */
static void a_window_is_never_executable(void **state)
{
	(void)state;
	unsigned text = PAGE_READ | PAGE_EXECUTE;
	a.window = HOME;
	assert_int_equal(mapdb_add_root(&a, HOME, RAM_BASE, 21, text, MEMORY_TYPE_NORMAL, false), STATUS_OK);
	assert_int_equal(map_with(&a, HOME, &b, 0x1000, 12, text, false), STATUS_OK);
	assert_false(executes(&a, HOME));
	assert_true(executes(&b, 0x1000));
	assert_int_equal(mapdb_split(&a, HOME), STATUS_OK);
	assert_false(executes(&a, HOME));
	assert_int_equal(map_with(&a, HOME + KIB4, &a, 0x1000, 12, text, true), STATUS_OK);
	assert_true(executes(&a, 0x1000)); /* before the window */
	assert_int_equal(map_with(&a, 0x1000, &a, HOME + KIB4, 12, text, true), STATUS_OK);
	assert_false(executes(&a, HOME + KIB4));
	assert_int_equal(mapdb_join(&a, HOME, 21), STATUS_OK);
	machine_operation_ends();
	assert_false(executes(&a, HOME));
	assert_int_equal(map_with(&b, 0x1000, &a, HOME + MIB2, 12, text, false), STATUS_OK);
	assert_false(executes(&a, HOME + MIB2));
	/* What cannot be written any more. */
	root(&a, HOME + 2 * MIB2, RAM_BASE + MIB2, 21);
	(void)unmap(&a, HOME + 2 * MIB2, MIB2, true, text);
	assert_int_equal(rights_at(&a, HOME + 2 * MIB2), text);
	assert_false(executes(&a, HOME + 2 * MIB2));
}

static void what_is_mapped_already_changes_rights_and_nothing_else_is_replaced(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 12);
	root(&a, HOME + KIB4, RAM_BASE + KIB4, 12);
	struct map_request request = ask(&a, HOME, &b, 0x1000, 12);
	assert_int_equal(map_as(request), STATUS_OK);
	request.rights = PAGE_READ;
	assert_int_equal(map_as(request), STATUS_OK);
	assert_int_equal(rights_at(&b, 0x1000), PAGE_READ);
	request.rights = PAGE_READ | PAGE_WRITE;
	assert_int_equal(map_as(request), STATUS_OK);
	assert_int_equal(map(&b, 0x1000, &c, 0x1000, 12), STATUS_OK);
	request.rights = PAGE_READ;
	assert_int_equal(map_as(request), STATUS_OVERMAP);
	assert_int_equal(map(&a, HOME + KIB4, &b, 0x1000, 12), STATUS_OVERMAP);
	assert_int_equal(map(&b, 0x1000, &b, 0x1000, 12), STATUS_OVERMAP);
}

/* Of the largest mapping from a to b; 0: there is none. */
static unsigned next_order(uint64_t from, uint64_t to, uint64_t size)
{
	struct map_request request = ask(&a, from, &b, to, 0);
	return mapdb_plan(&request, size) ? request.order : 0;
}

static void bad_requests_are_refused(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 21);
	assert_int_equal(map(&a, HOME, &b, 0, 12), STATUS_BAD_RANGE);
	assert_int_equal(map(&a, HOME, &b, 0x1000, 13), STATUS_BAD_RANGE);
	assert_int_equal(map(&a, HOME, &b, 0x1000, 21), STATUS_BAD_RANGE);
	assert_int_equal(map(&a, HOME, &b, USER_END, 12), STATUS_BAD_RANGE);
	assert_int_equal(map(&a, HOME + MIB2, &b, 0x1000, 12), STATUS_NOT_MAPPED);
	assert_int_equal(map(&a, HOME, &b, GIB1, 30), STATUS_NOT_MAPPED);
	struct map_request request = ask(&a, HOME, &b, 0x1000, 12);
	request.grant = true;
	assert_int_equal(map_as(request), STATUS_SPLIT_FIRST);
	assert_int_equal(next_order(HOME, MIB2, GIB1), 21);
	assert_int_equal(next_order(HOME, KIB4, GIB1), 12);
	assert_int_equal(next_order(HOME, MIB2, MIB2 - 1), 12);
	assert_int_equal(next_order(HOME + MIB2, MIB2, GIB1), 0);
}

static void chains_end_at_15(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 12);
	for (uint64_t i = 0; i < 15; i++) {
		assert_int_equal(map(&a, HOME + i * KIB4, &a, HOME + (i + 1) * KIB4, 12),
				 STATUS_OK);
	}
	assert_int_equal(map(&a, HOME + 15 * KIB4, &a, HOME + 16 * KIB4, 12), STATUS_TOO_DEEP);
	(void)unmap(&a, HOME, KIB4, true, 0);
	assert_int_equal(rights_at(&a, HOME + 15 * KIB4), 0);
}

static void a_grant_takes_the_place_of_its_source(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 12);
	assert_int_equal(map(&a, HOME, &b, 0x1000, 12), STATUS_OK);
	assert_int_equal(map(&b, 0x1000, &c, 0x1000, 12), STATUS_OK);
	struct map_request request = ask(&b, 0x1000, &c, 0x2000, 12);
	request.grant = true;
	assert_int_equal(map_as(request), STATUS_OK);
	assert_int_equal(rights_at(&b, 0x1000), 0);
	assert_true(is_mapped(&c, 0x2000, RAM_BASE));
	(void)unmap(&c, 0x2000, KIB4, false, 0);
	assert_int_equal(rights_at(&c, 0x1000), 0);
	(void)unmap(&a, HOME, KIB4, false, 0);
	assert_int_equal(rights_at(&c, 0x2000), 0);
}

static void a_grant_with_65_children_is_refused(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 12);
	for (uint64_t i = 0; i < 65; i++) {
		assert_int_equal(map(&a, HOME, &b, 0x100000 + i * KIB4, 12), STATUS_OK);
	}
	struct map_request request = ask(&a, HOME, &c, 0x2000, 12);
	request.grant = true;
	assert_int_equal(map_as(request), STATUS_GRANT_BUSY);
	(void)unmap(&b, 0x100000, KIB4, true, 0);
	request.rights = PAGE_READ;
	assert_int_equal(map_as(request), STATUS_GRANT_BUSY);
	request.rights = PAGE_RIGHTS;
	assert_int_equal(map_as(request), STATUS_OK);
}

static void uses_reach_every_level_that_asks(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 12);
	struct map_request request = ask(&a, HOME, &b, 0x1000, 12);
	request.track = true;
	assert_int_equal(map_as(request), STATUS_OK);
	assert_int_equal(map(&b, 0x1000, &c, 0x1000, 12), STATUS_OK);
	assert_int_equal(age(&a, HOME, 12, 1).referenced, 0);
	assert_true(mapdb_repair(&c, 0x1000, FAULT_WRITE));
	struct age_report report = age(&a, HOME, 12, 1);
	assert_true(report.referenced == 1 && report.dirty == 1);
	report = age(&a, HOME, 12, 1);
	assert_true(report.referenced == 0 && report.dirty == 0);
	report = age(&b, 0x1000, 12, 1);
	assert_true(report.referenced == 1 && report.dirty == 1);
	report = age(&c, 0x1000, 12, 1);
	assert_true(report.referenced == 1 && report.dirty == 1);
	assert_true(mapdb_repair(&c, 0x1000, FAULT_WRITE));
	report = age(&c, 0x1000, 12, 1);
	assert_true(report.dirty == 1);
	report = age(&b, 0x1000, 12, 1);
	assert_true(report.dirty == 1);
	(void)unmap(&c, 0x1000, KIB4, true, 0);
	report = age(&b, 0x1000, 12, 1);
	assert_true(report.dirty == 0);
	report = age(&a, HOME, 12, 1);
	assert_true(report.dirty == 1);
}

static void a_dirty_page_that_vanishes_is_reported_by_unmap_or_age_above(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 21);
	struct map_request request = ask(&a, HOME + KIB4, &b, 0x1000, 12);
	request.track = true;
	request.born_written = true;
	assert_int_equal(map_as(request), STATUS_OK);
	(void)unmap(&b, 0x1000, KIB4, true, 0);
	/* The piece table is gone, so it is known of the whole only. */
	struct age_report report = age(&a, HOME, 21, 1);
	assert_true(report.dirty == 1 && report.referenced == 1);
	assert_int_equal(map_as(request), STATUS_OK);
	struct unmap_report removed = unmap(&a, HOME + KIB4, KIB4, false, 0);
	assert_true(removed.dirty && removed.referenced);
}

static void splitting_and_joining_keep_children(void **state)
{
	(void)state;
	for (unsigned order = 21; order <= 30; order += 9) {
		uint64_t part = 1ul << (order - 9);
		root(&a, HOME, RAM_BASE, order);
		assert_int_equal(map(&a, HOME + 5 * part, &b, 0x1000, 12), STATUS_OK);
		assert_int_equal(map(&a, HOME + 6 * part, &b, 8 * part, order - 9), STATUS_OK);
		assert_int_equal(mapdb_split(&a, HOME), STATUS_OK);
		machine_operation_ends();
		check_all();
		assert_true(is_mapped(&a, HOME + 511 * part, RAM_BASE + 511 * part));
		struct map_request request = ask(&a, HOME + 7 * part, &c, 9 * part, order - 9);
		request.grant = true;
		assert_int_equal(map_as(request), STATUS_OK);
		assert_int_equal(mapdb_join(&a, HOME, order), STATUS_NOT_MAPPED);
		request = ask(&c, 9 * part, &a, HOME + 7 * part, order - 9);
		request.grant = true;
		request.rights = PAGE_RIGHTS;
		assert_int_equal(map_as(request), STATUS_OK);
		/* What was granted without EXECUTE lacks it. */
		assert_int_equal(mapdb_join(&a, HOME, order), STATUS_NOT_MAPPED);
		(void)unmap(&a, HOME, 1ul << order, true, PAGE_READ);
		assert_int_equal(mapdb_join(&a, HOME, order), STATUS_OK);
		machine_operation_ends();
		check_all();
		assert_true(is_mapped(&b, 0x1000, RAM_BASE + 5 * part));
		(void)unmap(&a, HOME + 5 * part, part, false, 0);
		assert_int_equal(rights_at(&b, 0x1000), 0);
		assert_true(is_mapped(&b, 8 * part, RAM_BASE + 6 * part));
		(void)unmap(&a, HOME, 1ul << order, true, 0);
		assert_int_equal(rights_at(&b, 8 * part), 0);
	}
}

static enum status set_type(struct space *space, uint64_t va, unsigned order, enum memory_type type)
{
	struct map_position at = {.va = 0};
	enum status status;
	while (!mapdb_set_type(space, va, order, type, &at, &status)) {
	}
	machine_operation_ends();
	check_all();
	return status;
}

static void memory_that_is_not_cached_is_held_by_its_holder(void **state)
{
	(void)state;
	machine_preempt_every = 2;
	root(&a, HOME, RAM_BASE, 21);
	root(&a, HOME + MIB2, RAM_BASE + MIB2, 12);
	assert_int_equal(mapdb_add_root(&a, HOME + GIB1, 0x9000000, 12, PAGE_RIGHTS, MEMORY_TYPE_DEVICE, true),
			 STATUS_OK);
	assert_int_equal(map(&a, HOME + MIB2, &b, 0x9000, 12), STATUS_OK);
	assert_int_equal(set_type(&a, HOME + MIB2, 12, MEMORY_TYPE_DEVICE), STATUS_BUSY);
	assert_int_equal(set_type(&a, HOME + GIB1, 12, MEMORY_TYPE_NORMAL), STATUS_BAD_ARGUMENT);
	assert_int_equal(set_type(&a, HOME, 21, MEMORY_TYPE_NONCACHEABLE), STATUS_OK);
	assert_false(mapdb_repair(&a, HOME, FAULT_READ));
	assert_int_equal(map(&a, HOME + KIB4, &b, 0x1000, 12), STATUS_OK);
	assert_true(mapdb_repair(&b, 0x1000, FAULT_WRITE));
	assert_int_equal(map(&a, HOME + GIB1, &b, 0x2000, 12), STATUS_OK);
	assert_false(mapdb_repair(&a, HOME + GIB1, FAULT_READ));
	assert_true(mapdb_repair(&b, 0x2000, FAULT_READ));
	assert_false(mapdb_repair(&b, 0x2000, FAULT_EXECUTE));
	assert_int_equal(set_type(&a, HOME, 21, MEMORY_TYPE_NORMAL), STATUS_BUSY);
	(void)unmap(&a, HOME, MIB2, false, 0);
	assert_int_equal(set_type(&a, HOME, 21, MEMORY_TYPE_NORMAL), STATUS_OK);
	assert_true(mapdb_repair(&a, HOME, FAULT_READ));
	machine_preempt_every = 0;
}

static void the_kernels_pages_can_not_be_mapped_on_nor_unmapped(void **state)
{
	(void)state;
	assert_int_equal(mapdb_add_kernel(&a, 0x1000, POOL_BASE, PAGE_READ | PAGE_WRITE), STATUS_OK);
	assert_int_equal(map(&a, 0x1000, &b, 0x1000, 12), STATUS_NOT_MAPPED);
	assert_int_equal(unmap(&a, 0, USER_END, true, 0).pages, 0);
	assert_true(is_mapped(&a, 0x1000, POOL_BASE));
	mapdb_remove_kernel(&a, 0x1000);
	assert_int_equal(rights_at(&a, 0x1000), 0);
	assert_int_equal(mapdb_add_kernel(&a, 0x1000, POOL_BASE, PAGE_READ | PAGE_WRITE), STATUS_OK);
}

static void the_kernel_takes_only_whole_free_root_mappings(void **state)
{
	(void)state;
	uint64_t physical;
	root(&a, HOME, RAM_BASE, 21);
	assert_int_equal(mapdb_take_root(&a, HOME + KIB4, 21, &physical), STATUS_NOT_MAPPED);
	assert_int_equal(map(&a, HOME, &b, 0x1000, 12), STATUS_OK);
	assert_int_equal(mapdb_take_root(&a, HOME, 21, &physical), STATUS_BUSY);
	assert_int_equal(mapdb_take_root(&b, 0x1000, 12, &physical), STATUS_NOT_MAPPED);
	(void)unmap(&a, HOME, MIB2, false, 0);
	assert_int_equal(mapdb_take_root(&a, HOME, 21, &physical), STATUS_OK);
	assert_int_equal(physical, RAM_BASE);
	machine_operation_ends();
	assert_int_equal(rights_at(&a, HOME), 0);
}

/* One operation after another, each with ever more quota until it succeeds. */
static void without_quota_nothing_changes(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 30);
	struct space poor;
	assert_int_equal(space_init(&poor, &small), STATUS_OK);
	struct map_request request = ask(&a, HOME + KIB4, &poor, 0x1000, 12);
	unsigned refused = 0;
	for (;; refused++) {
		check_all();
		uint64_t used = small.used, all = quota.used;
		enum status status = map_as(request);
		if (status == STATUS_OK) {
			break;
		}
		assert_int_equal(status, STATUS_KERNEL_QUOTA);
		assert_int_equal(small.used, used);
		assert_int_equal(quota.used, all);
		small.limit += TABLE_BYTES;
	}
	assert_int_equal(refused, 5);
	/* The source's side: two piece tables. */
	(void)unmap(&poor, 0x1000, KIB4, true, 0);
	uint64_t limit = quota.limit;
	quota.limit = quota.used;
	for (refused = 0;; refused++) {
		uint64_t used = small.used, all = quota.used;
		enum status status = map_as(request);
		if (status == STATUS_OK) {
			break;
		}
		assert_int_equal(status, STATUS_QUOTA);
		assert_int_equal(small.used, used);
		assert_int_equal(quota.used, all);
		quota.limit += TABLE_BYTES;
	}
	assert_int_equal(refused, 4);
	quota.limit = limit;
	/* Split. */
	(void)unmap(&poor, 0x1000, KIB4, true, 0);
	assert_true(space_destroy(&poor));
	machine_operation_ends();
	quota.limit = quota.used;
	for (refused = 0; mapdb_split(&a, HOME) != STATUS_OK; refused++) {
		check_all();
		assert_true(is_mapped(&a, HOME, RAM_BASE));
		quota.limit += TABLE_BYTES;
	}
	machine_operation_ends();
	assert_int_equal(refused, 3);
	assert_int_equal(small.used, 0);
	quota.limit = limit;
}

/* The same with a pool that runs empty, though the quota would allow it. */
static void without_pages_nothing_changes(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 30);
	static void *taken[8 * 512];
	unsigned count = 0, refused = 0;
	while ((taken[count] = page_alloc()) != NULL) {
		count++;
	}
	struct map_request request = ask(&a, HOME + KIB4, &b, 0x1000, 12);
	for (;; refused++) {
		uint64_t used = quota.used;
		enum status status = mapdb_prepare(&request);
		if (status == STATUS_OK) {
			assert_int_equal(mapdb_map(&request), STATUS_OK);
			mapdb_publish();
			break;
		}
		machine_operation_ends();
		assert_true(status == STATUS_KERNEL_QUOTA || status == STATUS_QUOTA);
		assert_int_equal(quota.used, used);
		round_leave_kernel();
		page_free(taken[--count]);
	}
	assert_true(refused >= 9);
	while (count != 0) {
		page_free(taken[--count]);
	}
}

static void an_interrupted_unmap_goes_on_or_is_abandoned(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 30);
	for (uint64_t i = 0; i < 300; i++) {
		assert_int_equal(map(&a, HOME + i * 7 * KIB4, &b, 0x100000 + i * KIB4, 12),
				 STATUS_OK);
		assert_int_equal(map(&b, 0x100000 + i * KIB4, &c, 0x100000 + i * KIB4, 12),
				 STATUS_OK);
	}
	machine_preempt_every = 1;
	struct unmap_report report = {.pages = 0};
	assert_false(mapdb_unmap(&a, HOME, GIB1, false, 0, &report));
	machine_operation_ends();
	assert_int_equal(map(&a, HOME + GIB1 / 2, &c, 0x9000000, 12), STATUS_NOT_MAPPED);
	mapdb_unmap_abandon(&a, &report);
	assert_int_equal(map(&a, HOME + GIB1 / 2, &c, 0x9000000, 12), STATUS_OK);
	unsigned calls = 1;
	report = (struct unmap_report){.pages = 0};
	while (!mapdb_unmap(&a, HOME, GIB1, false, 0, &report)) {
		machine_operation_ends();
		calls++;
	}
	assert_in_range(calls, 20, 80);
	assert_int_equal(map(&a, HOME, &c, 0x9000000, 12), STATUS_OK);
	machine_preempt_every = 0;
}

/* Both walks with a position: each call must get further, however often it is interrupted. */
static void walks_that_remove_nothing_go_on_where_they_were(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 12);
	struct map_request request = ask(&a, HOME, &b, 0x1000, 12);
	request.track = true;
	assert_int_equal(map_as(request), STATUS_OK);
	for (uint64_t i = 0; i < 1000; i++) {
		request = ask(&b, 0x1000, &c, 0x100000 + i * KIB4, 12);
		request.born_written = i == 7;
		assert_int_equal(mapdb_prepare(&request), STATUS_OK);
		assert_int_equal(mapdb_map(&request), STATUS_OK);
	}
	mapdb_publish();
	machine_preempt_every = 1;
	struct age_report aged = {.referenced = 0};
	unsigned calls = 0;
	while (!mapdb_age(&a, HOME, 12, 1, false, &aged)) {
		calls++;
	}
	assert_in_range(calls, 10, 40);
	assert_int_equal(aged.dirty, 1);
	struct unmap_report report = {.pages = 0};
	for (calls = 0; !mapdb_unmap(&a, HOME, KIB4, false, PAGE_READ, &report); calls++) {
		/* Whoever removes what the position names makes it start over, no more. */
		if (calls == 5) {
			struct unmap_report other = {.pages = 0};
			while (!mapdb_unmap(&c, 0x100000, 900 * KIB4, true, 0, &other)) {
			}
		}
	}
	assert_in_range(calls, 5, 60);
	assert_int_equal(rights_at(&c, 0x100000 + 999 * KIB4), PAGE_READ);
	machine_preempt_every = 0;
	machine_operation_ends();
}

static unsigned count_calls(uint64_t va, uint64_t size)
{
	struct unmap_report report = {.pages = 0};
	unsigned calls = 1;
	machine_preempt_every = 1;
	while (!mapdb_unmap(&a, va, size, false, 0, &report)) {
		calls++;
	}
	machine_preempt_every = 0;
	return calls;
}

static void revoking_a_piece_looks_at_no_other_piece(void **state)
{
	(void)state;
	root(&a, HOME, RAM_BASE, 30);
	for (uint64_t i = 0; i < 20000; i++) {
		struct map_request request = ask(&a, HOME + i * KIB4, &b, GIB1 + i * KIB4, 12);
		assert_int_equal(mapdb_prepare(&request), STATUS_OK);
		assert_int_equal(mapdb_map(&request), STATUS_OK);
	}
	mapdb_publish();
	assert_int_equal(count_calls(HOME + 777 * KIB4, KIB4), 1);
	assert_int_equal(rights_at(&b, GIB1 + 777 * KIB4), 0);
	assert_int_not_equal(rights_at(&b, GIB1 + 778 * KIB4), 0);
	machine_operation_ends();
}

static unsigned violations_of_a_life(enum forget forget)
{
	set_up(NULL);
	machine_forget = forget;
	root(&a, HOME, RAM_BASE, 21);
	struct map_request request = ask(&a, HOME, &b, 0x1000, 12);
	request.track = true;
	request.born_written = true;
	assert_int_equal(map_as(request), STATUS_OK);
	(void)age(&a, HOME, 21, 1);
	(void)unmap(&a, HOME, MIB2, false, 0);
	root(&b, 0x1000, RAM_BASE + MIB2, 12);
	assert_int_equal(mapdb_split(&a, HOME), STATUS_OK);
	machine_operation_ends();
	assert_int_equal(mapdb_join(&a, HOME, 21), STATUS_OK);
	machine_operation_ends();
	assert_true(space_destroy(&a) && space_destroy(&b) && space_destroy(&c));
	machine_operation_ends();
	round_leave_kernel();
	return machine_violations;
}

static void the_history_check_sees_what_is_left_out(void **state)
{
	(void)state;
	assert_int_equal(violations_of_a_life(FORGET_NOTHING), 0);
	assert_int_not_equal(violations_of_a_life(FORGET_TLBI), 0);
	assert_int_not_equal(violations_of_a_life(FORGET_DSB_ISH), 0);
	assert_int_not_equal(violations_of_a_life(FORGET_DSB_ISHST), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_mapping_shows_the_frame_of_its_source),
		TEST(parts_of_large_mappings_can_be_mapped_and_mapped_on),
		TEST(unmap_revokes_every_descendant),
		TEST(unmapping_self_of_a_part_takes_the_large_page_as_a_whole),
		TEST(reducing_rights_reaches_descendants_and_leaves_the_source),
		TEST(no_page_is_writable_and_executable),
		TEST(a_window_is_never_executable),
		TEST(what_is_mapped_already_changes_rights_and_nothing_else_is_replaced),
		TEST(bad_requests_are_refused),
		TEST(chains_end_at_15),
		TEST(a_grant_takes_the_place_of_its_source),
		TEST(a_grant_with_65_children_is_refused),
		TEST(uses_reach_every_level_that_asks),
		TEST(a_dirty_page_that_vanishes_is_reported_by_unmap_or_age_above),
		TEST(splitting_and_joining_keep_children),
		TEST(memory_that_is_not_cached_is_held_by_its_holder),
		TEST(the_kernels_pages_can_not_be_mapped_on_nor_unmapped),
		TEST(the_kernel_takes_only_whole_free_root_mappings),
		TEST(without_quota_nothing_changes),
		TEST(without_pages_nothing_changes),
		TEST(an_interrupted_unmap_goes_on_or_is_abandoned),
		TEST(walks_that_remove_nothing_go_on_where_they_were),
		TEST(revoking_a_piece_looks_at_no_other_piece),
		cmocka_unit_test(the_history_check_sees_what_is_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
