/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the first owner of memory may do to its pages: Task.SET_TYPE, SPLIT and JOIN. Each test leaves its pages as they were.
 */
#include "memory.h"

#include <abi/boot_info.h>

/* ---- split and join ---- */

static void block_is_split_and_joined(void)
{
	uint64_t block = marked_frame(21, 0x100), used = used_by(cap_t_of(ROOT_CAP_FACTORY));
	REQUIRE_OK(strata_task_split(OWN_TASK, block));
	EXPECT_EQ(used_by(cap_t_of(ROOT_CAP_FACTORY)) - used, 3 * PAGE); /* a table and its twin */
	for (unsigned i = 0; i < 512; i += 73) {
		EXPECT_EQ(peek(block + i * PAGE), 0x100 + i * PAGE);
		poke(block + i * PAGE, i);
	}
	EXPECT_STATUS(strata_task_split(OWN_TASK, block), STATUS_NOT_MAPPED);
	REQUIRE_OK(strata_task_join(OWN_TASK, block, 21));
	EXPECT_EQ(used_by(cap_t_of(ROOT_CAP_FACTORY)), used);
	EXPECT_EQ(peek(block + 73 * PAGE), 73);
	EXPECT_STATUS(strata_task_join(OWN_TASK, block, 21), STATUS_NOT_MAPPED);
}

/* Small pages of a split one can be granted. */
static void parts_can_be_granted_after_a_split(void)
{
	struct child_task child;
	uint64_t block = marked_frame(21, 0x200), at = new_addresses(PAGE, 12);
	REQUIRE(make_task(&child));
	EXPECT_STATUS(strata_task_map(child.cap, block, at, PAGE, PAGE_READ | MAP_GRANT, NULL),
		      STATUS_SPLIT_FIRST);
	REQUIRE_OK(strata_task_split(OWN_TASK, block));
	map_to(&child, block + PAGE, at, PAGE, PAGE_RIGHTS | MAP_GRANT);
	EXPECT_EQ(value_at(&child, at), 0x200 + PAGE);
	EXPECT(!can_access(NULL, block + PAGE, FAULT_READ));
	EXPECT_STATUS(strata_task_join(OWN_TASK, block, 21),
		      STATUS_NOT_MAPPED); /* not all is there */
	/* The child is its first owner now. It can be given back only by a grant. */
	struct agent agent;
	REQUIRE(make_agent(&agent, &child));
	REQUIRE_OK(give_cap(&child, OWN_TASK, 30, RIGHT_CONTROL, 0));
	EXPECT_OK(agent_map(&agent, 30, at, block + PAGE, PAGE, PAGE_RIGHTS | MAP_GRANT));
	REQUIRE_OK(strata_task_join(OWN_TASK, block, 21));
	EXPECT_EQ(peek(block + PAGE), 0x200 + PAGE);
}

static void children_of_parts_stay(void)
{
	struct child_task child;
	uint64_t block = marked_frame(21, 0x300), at = new_addresses(2 * PAGE, 13);
	REQUIRE(make_task(&child));
	map_to(&child, block + 5 * PAGE, at, PAGE, PAGE_READ);
	REQUIRE_OK(strata_task_split(OWN_TASK, block));
	EXPECT_EQ(value_at(&child, at), 0x300 + 5 * PAGE);
	map_to(&child, block + 6 * PAGE, at + PAGE, PAGE, PAGE_READ);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, block + 5 * PAGE, PAGE, 0, NULL));
	EXPECT_EQ(value_at(&child, at), NO_VALUE);
	REQUIRE_OK(strata_task_join(OWN_TASK, block, 21));
	EXPECT_EQ(value_at(&child, at + PAGE), 0x300 + 6 * PAGE);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, block, BLOCK, 0, NULL));
	EXPECT_EQ(value_at(&child, at + PAGE), NO_VALUE);
}

static void split_of_what_is_mapped_on_as_a_whole(void)
{
	struct child_task child;
	uint64_t block = new_frame(21), at = new_addresses(BLOCK, 21);
	REQUIRE(make_task(&child));
	map_to(&child, block, at, BLOCK, PAGE_READ);
	EXPECT_STATUS(strata_task_split(OWN_TASK, block), STATUS_BUSY);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, block, BLOCK, 0, NULL));
	EXPECT_OK(strata_task_split(OWN_TASK, block));
	EXPECT_OK(strata_task_join(OWN_TASK, block, 21));
}

static void page_of_1_gib_is_split_twice(void)
{
	uint64_t giant = new_frame(30);
	if (giant == 0) {
		skip("there is no page of 1 GiB");
		return;
	}
	poke(giant + 0x4567000, 0x99);
	REQUIRE_OK(strata_task_split(OWN_TASK, giant));
	REQUIRE_OK(strata_task_split(OWN_TASK, giant + 0x4400000));
	EXPECT_EQ(peek(giant + 0x4567000), 0x99);
	EXPECT_STATUS(strata_task_join(OWN_TASK, giant, 30), STATUS_NOT_MAPPED);
	REQUIRE_OK(strata_task_join(OWN_TASK, giant + 0x4400000, 21));
	REQUIRE_OK(strata_task_join(OWN_TASK, giant, 30));
	EXPECT_EQ(peek(giant + 0x4567000), 0x99);
}

static void split_while_in_use(void)
{
	struct child_task child;
	uint64_t giant = new_frame(30), at = new_addresses(2 * BLOCK, 21);
	if (giant == 0) {
		skip("there is no page of 1 GiB");
		return;
	}
	REQUIRE(make_task(&child));
	poke(giant + 3 * BLOCK + 5 * PAGE, 0x78);
	map_to(&child, giant + 3 * BLOCK, at, BLOCK, PAGE_READ);
	map_to(&child, giant + 3 * BLOCK + 5 * PAGE, at + BLOCK, PAGE, PAGE_READ);
	REQUIRE_OK(strata_task_split(OWN_TASK, giant));
	EXPECT_EQ(value_at(&child, at + 5 * PAGE), 0x78);
	EXPECT_EQ(value_at(&child, at + BLOCK), 0x78);
	EXPECT_STATUS(strata_task_split(OWN_TASK, giant + 3 * BLOCK), STATUS_BUSY);
	REQUIRE_OK(strata_task_join(OWN_TASK, giant, 30));
	REQUIRE_OK(strata_task_unmap(OWN_TASK, giant + 3 * BLOCK + 5 * PAGE, PAGE, 0, NULL));
	EXPECT_EQ(value_at(&child, at), NO_VALUE);
	EXPECT_EQ(value_at(&child, at + BLOCK), NO_VALUE);
}

/* The root factory has nothing left: somebody else's limit is all of it. */
static void split_that_cannot_be_paid(void)
{
	uint64_t block = new_frame(21), limit, used;
	cap_t factory = new_cap();
	struct child_task child;
	uint64_t at = new_addresses(PAGE, 12);
	REQUIRE(make_task(&child));
	REQUIRE_OK(strata_create_factory(cap_t_of(ROOT_CAP_FACTORY), factory.index, 0));
	REQUIRE_OK(strata_factory_account(cap_t_of(ROOT_CAP_FACTORY), &limit, &used));
	REQUIRE_OK(strata_factory_set_limit(cap_t_of(ROOT_CAP_FACTORY), factory, limit - used));
	EXPECT_STATUS(strata_task_split(OWN_TASK, block), STATUS_QUOTA);
	EXPECT_STATUS(strata_task_map(child.cap, block + PAGE, at, PAGE, PAGE_READ, NULL),
		      STATUS_QUOTA);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, factory.index));
	EXPECT_OK(strata_task_split(OWN_TASK, block));
	EXPECT_OK(strata_task_join(OWN_TASK, block, 21));
}

static void split_and_join_refusals(void)
{
	uint64_t block = new_frame(21), small = new_addresses(PAGE, 12),
		 whole = new_addresses(BLOCK, 21);
	uint64_t hole = new_addresses(GIANT, 30), end = 1ul << 48;
	EXPECT_STATUS(strata_task_split(OWN_TASK, end), STATUS_BAD_RANGE);
	EXPECT_STATUS(strata_task_split(OWN_TASK, 0 - BLOCK), STATUS_BAD_RANGE);
	EXPECT_STATUS(strata_task_split(OWN_TASK, block + 8), STATUS_BAD_RANGE);
	EXPECT_STATUS(strata_task_split(OWN_TASK, block + PAGE), STATUS_NOT_MAPPED);
	EXPECT_STATUS(strata_task_split(OWN_TASK, hole), STATUS_NOT_MAPPED);
	map_to(NULL, block, small, PAGE, PAGE_READ);
	EXPECT_STATUS(strata_task_split(OWN_TASK, small), STATUS_NOT_MAPPED);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, block, BLOCK, 0, NULL));
	map_to(NULL, block, whole, BLOCK, PAGE_READ);
	EXPECT_STATUS(strata_task_split(OWN_TASK, whole),
		      STATUS_NOT_MAPPED); /* it is not the first owner there */
	EXPECT_STATUS(strata_task_split(OWN_TASK, (uint64_t)strata_utcb()), STATUS_NOT_MAPPED);
	static const uint64_t orders[] = {0, 12, 20, 22, 39, ~0ul};
	for (unsigned i = 0; i < 6; i++) {
		EXPECT_STATUS(OPERATE(OWN_TASK, TASK_JOIN, block, orders[i]), STATUS_BAD_ARGUMENT);
	}
	EXPECT_STATUS(strata_task_join(OWN_TASK, block + PAGE, 21), STATUS_BAD_RANGE);
	EXPECT_STATUS(strata_task_join(OWN_TASK, hole + BLOCK, 30), STATUS_BAD_RANGE);
	EXPECT_STATUS(strata_task_join(OWN_TASK, end, 21), STATUS_BAD_RANGE);
	EXPECT_STATUS(strata_task_join(OWN_TASK, 0 - BLOCK, 21), STATUS_BAD_RANGE);
	EXPECT_STATUS(strata_task_join(OWN_TASK, hole, 21), STATUS_NOT_MAPPED);
	EXPECT_STATUS(strata_task_join(OWN_TASK, hole, 30), STATUS_NOT_MAPPED);
}

/* 512 neighbours that are no roots. */
static void children_are_never_joined(void)
{
	uint64_t block = new_frame(21), at = new_addresses(2 * BLOCK, 21);
	map_to(NULL, block, at + PAGE, BLOCK - PAGE, PAGE_READ);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, at, 2 * BLOCK, UNMAP_SELF, NULL));
	struct child_task child;
	REQUIRE(make_task(&child));
	for (unsigned i = 0; i < 512; i++) {
		EXPECT_OK(strata_task_map(child.cap, block + i * PAGE, at + i * PAGE, PAGE,
					  PAGE_READ, NULL));
	}
	EXPECT_STATUS(strata_task_join(child.cap, at, 21), STATUS_NOT_MAPPED);
}

static void pages_of_other_order_are_not_joined(void)
{
	uint64_t block = new_frame(21), spare = new_addresses(PAGE, 12);
	REQUIRE_OK(strata_task_split(OWN_TASK, block));
	/* Two change places. */
	REQUIRE_OK(strata_task_map(OWN_TASK, block, spare, PAGE, PAGE_RIGHTS | MAP_GRANT, NULL));
	REQUIRE_OK(strata_task_map(OWN_TASK, block + PAGE, block, PAGE, PAGE_RIGHTS | MAP_GRANT,
				   NULL));
	REQUIRE_OK(strata_task_map(OWN_TASK, spare, block + PAGE, PAGE, PAGE_RIGHTS | MAP_GRANT,
				   NULL));
	EXPECT_STATUS(strata_task_join(OWN_TASK, block, 21), STATUS_NOT_MAPPED);
	/* And back, but one has lost a right. */
	REQUIRE_OK(strata_task_map(OWN_TASK, block, spare, PAGE, PAGE_RIGHTS | MAP_GRANT, NULL));
	REQUIRE_OK(strata_task_map(OWN_TASK, block + PAGE, block, PAGE, PAGE_RIGHTS | MAP_GRANT,
				   NULL));
	REQUIRE_OK(strata_task_map(OWN_TASK, spare, block + PAGE, PAGE, PAGE_RIGHTS | MAP_GRANT,
				   NULL));
	REQUIRE_OK(strata_task_join(OWN_TASK, block, 21));
}

struct revoker {
	uint64_t page;
	volatile uint64_t done, status;
};

static void revoke_once(void *argument)
{
	struct revoker *revoker = argument;
	revoker->status = strata_task_unmap(OWN_TASK, revoker->page, PAGE, 0, NULL);
	revoker->done = 1;
}

/* One page of 512 has so many children that its revocation is cut by interrupts. */
static void pages_are_not_joined_while_one_is_revoked(void)
{
	struct child_task child;
	struct revoker *revoker = new_shared(sizeof(*revoker));
	uint64_t block = new_frame(21), at = new_addresses(16 * BLOCK, 21);
	unsigned busy = 0;
	allow_milliseconds(20000);
	REQUIRE(make_task(&child));
	REQUIRE_OK(strata_task_split(OWN_TASK, block));
	revoker->page = block + 3 * PAGE;
	for (unsigned round = 0; round < 60 && busy < 3; round++) {
		struct thread thread;
		REQUIRE(make_thread(&thread, NULL));
		set_priority(&thread, PRIORITY_MAIN - 10);
		for (unsigned i = 0; i < 2000; i++) {
			REQUIRE_OK(strata_task_map(child.cap, revoker->page, at + i * PAGE, PAGE,
						   PAGE_READ, NULL));
		}
		revoker->done = 0;
		uint64_t restarts = counter(COUNTER_RESTARTS);
		REQUIRE(start_thread(&thread, revoke_once, revoker));
		sleep_for(milliseconds(1) / 20 * (1 + round % 10));
		if (revoker->done == 0 && counter(COUNTER_RESTARTS) != restarts) {
			EXPECT_STATUS(strata_task_join(OWN_TASK, block, 21), STATUS_BUSY);
			EXPECT_STATUS(strata_task_map(child.cap, revoker->page, at + 3000 * PAGE,
						      PAGE, PAGE_READ, NULL),
				      STATUS_NOT_MAPPED); /* as if it came later */
			busy++;
		}
		REQUIRE(wait_for(&revoker->done, 1));
		EXPECT_STATUS((enum status)revoker->status, STATUS_OK);
		EXPECT_EQ(value_at(&child, at + 1999 * PAGE), NO_VALUE);
		REQUIRE_OK(strata_cap_delete(OWN_TASK, thread.cap.index));
	}
	EXPECT(busy != 0);
	REQUIRE_OK(strata_task_join(OWN_TASK, block, 21));
}

/* Granted, the pages have another first owner, whose tables never knew a large page. */
static void join_that_cannot_be_paid(void)
{
	struct paying_task p;
	struct agent agent;
	uint64_t block = marked_frame(21, 0x700), at = new_addresses(BLOCK, 21);
	REQUIRE(make_paying_task(&p) && make_agent(&agent, &p.task));
	REQUIRE_OK(give_cap(&p.task, OWN_TASK, 30, RIGHT_CONTROL, 0));
	REQUIRE_OK(strata_task_split(OWN_TASK, block));
	map_to(&p.task, block, at, BLOCK, PAGE_RIGHTS | MAP_GRANT);
	stop_paying(&p);
	EXPECT_STATUS(strata_task_join(p.task.cap, at, 21), STATUS_QUOTA);
	EXPECT_EQ(value_at(&p.task, at + 9 * PAGE), 0x700 + 9 * PAGE);
	allow_pages(&p, 4);
	EXPECT_OK(strata_task_join(p.task.cap, at, 21));
	EXPECT_EQ(value_at(&p.task, at + 9 * PAGE), 0x700 + 9 * PAGE);
	EXPECT_OK(agent_map(&agent, 30, at, block, BLOCK, PAGE_RIGHTS | MAP_GRANT));
	EXPECT_EQ(peek(block + 9 * PAGE), 0x700 + 9 * PAGE);
}

/* ---- memory type ---- */

static void uncached_memory_is_held_and_comes_back(void)
{
	struct child_task child;
	uint64_t block = marked_frame(21, 0x400), at = new_addresses(BLOCK, 21);
	REQUIRE(make_task(&child));
	for (unsigned type = MEMORY_TYPE_NONCACHEABLE; type <= MEMORY_TYPE_DEVICE; type++) {
		REQUIRE_OK(strata_task_set_type(OWN_TASK, block, 21, type));
		EXPECT(!can_access(NULL, block, FAULT_READ)); /* held: there is no second alias */
		map_to(&child, block, at, BLOCK, READ_WRITE);
		EXPECT_EQ(value_at(&child, at + 7 * PAGE), 0x400 + 7 * PAGE);
		EXPECT_STATUS(strata_task_set_type(OWN_TASK, block, 21, MEMORY_TYPE_NORMAL),
			      STATUS_BUSY);
		REQUIRE_OK(strata_task_unmap(OWN_TASK, block, BLOCK, 0, NULL));
		EXPECT_EQ(value_at(&child, at), NO_VALUE);
		REQUIRE_OK(strata_task_set_type(OWN_TASK, block, 21, MEMORY_TYPE_NORMAL));
		EXPECT_EQ(peek(block + 7 * PAGE), 0x400 + 7 * PAGE);
	}
}

static void one_small_page_becomes_uncached(void)
{
	struct child_task child;
	uint64_t block = marked_frame(21, 0x500), at = new_addresses(PAGE, 12);
	REQUIRE(make_task(&child));
	REQUIRE_OK(strata_task_split(OWN_TASK, block));
	REQUIRE_OK(strata_task_set_type(OWN_TASK, block + 9 * PAGE, 12, MEMORY_TYPE_NONCACHEABLE));
	map_to(&child, block + 9 * PAGE, at, PAGE, READ_WRITE);
	EXPECT_EQ(value_at(&child, at), 0x500 + 9 * PAGE);
	EXPECT_EQ(peek(block + 8 * PAGE), 0x500 + 8 * PAGE);
	EXPECT_STATUS(strata_task_join(OWN_TASK, block, 21), STATUS_NOT_MAPPED);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, block + 9 * PAGE, PAGE, 0, NULL));
	REQUIRE_OK(strata_task_set_type(OWN_TASK, block + 9 * PAGE, 12, MEMORY_TYPE_NORMAL));
	REQUIRE_OK(strata_task_join(OWN_TASK, block, 21));
	EXPECT_EQ(peek(block + 9 * PAGE), 0x500 + 9 * PAGE);
}

static void set_type_refusals(void)
{
	struct child_task child;
	uint64_t block = new_frame(21), at = new_addresses(BLOCK, 21),
		 hole = new_addresses(BLOCK, 21), end = 1ul << 48;
	REQUIRE(make_task(&child));
	static const uint64_t wrong_types[] = {3, 4, 1ul << 32, ~0ul},
			      wrong_orders[] = {0, 11, 13, 39, ~0ul};
	for (unsigned i = 0; i < 4; i++) {
		EXPECT_STATUS(OPERATE(OWN_TASK, TASK_SET_TYPE, block, 21, wrong_types[i]),
			      STATUS_BAD_ARGUMENT);
	}
	for (unsigned i = 0; i < 5; i++) {
		EXPECT_STATUS(OPERATE(OWN_TASK, TASK_SET_TYPE, block, wrong_orders[i], 1),
			      STATUS_BAD_ARGUMENT);
	}
	EXPECT_STATUS(strata_task_set_type(OWN_TASK, block + PAGE, 21, 1), STATUS_BAD_RANGE);
	EXPECT_STATUS(strata_task_set_type(OWN_TASK, end, 21, 1), STATUS_BAD_RANGE);
	EXPECT_STATUS(strata_task_set_type(OWN_TASK, 0 - PAGE, 12, 1), STATUS_BAD_RANGE);
	EXPECT_STATUS(strata_task_set_type(OWN_TASK, hole, 21, 1), STATUS_NOT_MAPPED);
	EXPECT_STATUS(strata_task_set_type(OWN_TASK, block, 12, 1), STATUS_NOT_MAPPED);
	EXPECT_STATUS(strata_task_set_type(OWN_TASK, (uint64_t)strata_utcb(), 12, 1),
		      STATUS_NOT_MAPPED);
	map_to(&child, block, at, BLOCK, PAGE_READ);
	EXPECT_STATUS(strata_task_set_type(child.cap, at, 21, 1), STATUS_NOT_MAPPED);
	EXPECT_STATUS(strata_task_set_type(OWN_TASK, block, 21, 1), STATUS_BUSY);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, block, BLOCK, 0, NULL));
	map_to(&child, block + PAGE, at, PAGE, PAGE_READ);
	EXPECT_STATUS(strata_task_set_type(OWN_TASK, block, 21, 1), STATUS_BUSY);
	EXPECT_EQ(value_at(&child, at), 0);
}

static void device_memory_keeps_its_type(void)
{
	/* The top of what is handed over: nothing is there on any board, in pages of 1 GiB. */
	uint64_t nothing = boot_info->window + (1ul << 40) - GIANT;
	EXPECT_STATUS(strata_task_set_type(OWN_TASK, nothing, 30, MEMORY_TYPE_NORMAL),
		      STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_task_set_type(OWN_TASK, nothing, 30, MEMORY_TYPE_NONCACHEABLE),
		      STATUS_BAD_ARGUMENT);
	REQUIRE_OK(strata_task_split(OWN_TASK, nothing));
	EXPECT_STATUS(strata_task_set_type(OWN_TASK, nothing, 21, MEMORY_TYPE_NORMAL),
		      STATUS_BAD_ARGUMENT);
	REQUIRE_OK(strata_task_join(OWN_TASK, nothing, 30));
}

static void page_of_1_gib_is_uncached_only_in_parts(void)
{
	uint64_t giant = new_frame(30);
	if (giant == 0) {
		skip("there is no page of 1 GiB");
		return;
	}
	EXPECT_STATUS(strata_task_set_type(OWN_TASK, giant, 30, MEMORY_TYPE_NONCACHEABLE),
		      STATUS_SPLIT_FIRST);
	EXPECT(can_access(NULL, giant, FAULT_READ));
}

/* It is wiped from the caches page by page; with short slices that is cut. */
static void long_change_meets_interrupts(void)
{
	uint64_t block = marked_frame(21, 0x600), restarts = counter(COUNTER_RESTARTS),
		 end = now() + milliseconds(4000);
	REQUIRE_OK(
		strata_scheduler_set(SCHEDULER, cap_t_of(ROOT_CAP_THREAD), 0, PRIORITY_MAIN, 100));
	for (unsigned i = 0; counter(COUNTER_RESTARTS) - restarts < 5 && now() < end && i < 400;
	     i++) {
		EXPECT_OK(strata_task_set_type(OWN_TASK, block, 21, MEMORY_TYPE_NONCACHEABLE));
		EXPECT_OK(strata_task_set_type(OWN_TASK, block, 21, MEMORY_TYPE_NORMAL));
	}
	REQUIRE_OK(strata_scheduler_set(SCHEDULER, cap_t_of(ROOT_CAP_THREAD), 0, PRIORITY_MAIN,
					SLICE_US));
	EXPECT(counter(COUNTER_RESTARTS) - restarts >= 5);
	EXPECT_EQ(peek(block + 100 * PAGE), 0x600 + 100 * PAGE);
}

TEST_TABLE({"a page of 2 MiB is split and joined", block_is_split_and_joined},
	   {"parts can be granted after a split", parts_can_be_granted_after_a_split},
	   {"what was mapped from parts stays through split and join", children_of_parts_stay},
	   {"a page that was mapped on as a whole is not split",
	    split_of_what_is_mapped_on_as_a_whole},
	   {"a page of 1 GiB is split twice and joined again", page_of_1_gib_is_split_twice},
	   {"a page of 1 GiB is split while its parts are in use", split_while_in_use},
	   {"a split that cannot be paid is refused", split_that_cannot_be_paid},
	   {"split and join refuse what is not theirs", split_and_join_refusals},
	   {"mappings that have a parent are not joined", children_are_never_joined},
	   {"pages that are not in order are not joined", pages_of_other_order_are_not_joined},
	   {"pages are not joined while one is being revoked",
	    pages_are_not_joined_while_one_is_revoked},
	   {"a join that cannot be paid is refused", join_that_cannot_be_paid},
	   {"while memory is out uncached its holder has no access",
	    uncached_memory_is_held_and_comes_back},
	   {"one small page becomes uncached", one_small_page_becomes_uncached},
	   {"set_type refuses what it must", set_type_refusals},
	   {"device memory keeps its type", device_memory_keeps_its_type},
	   {"a page of 1 GiB becomes uncached only in parts",
	    page_of_1_gib_is_uncached_only_in_parts},
	   {"a long change of type gives way to interrupts and goes on",
	    long_change_meets_interrupts});
