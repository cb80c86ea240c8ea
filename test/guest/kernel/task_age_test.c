/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Task.AGE: which pages were used and written since the last time.
 */
#include "memory.h"

struct aged {
	struct child_task task;
	uint64_t frames, at;
};

static bool make_aged(struct aged *aged, unsigned order, uint64_t count)
{
	aged->frames = count << order <= 1ul << 21 && order == 12 ? new_frame(18) : new_frame(21);
	aged->at = new_addresses(count << order, order < 21 ? 21 : order);
	if (!make_task(&aged->task)) {
		return false;
	}
	map_to(&aged->task, aged->frames, aged->at, count << order, READ_WRITE | MAP_TRACK);
	return true;
}

static void expect_age(const struct child_task *task, uint64_t at, unsigned order, unsigned count,
		       uint64_t referenced, uint64_t dirty)
{
	uint64_t seen_referenced = ~0ul, seen_dirty = ~0ul;
	EXPECT_OK(strata_task_age(task == NULL ? OWN_TASK : task->cap, at, order, count, AGE_EXACT,
				  &seen_referenced, &seen_dirty));
	EXPECT_EQ(seen_referenced, referenced);
	EXPECT_EQ(seen_dirty, dirty);
}

static void unused_pages_are_neither(void)
{
	struct aged a;
	REQUIRE(make_aged(&a, 12, 64));
	expect_age(&a.task, a.at, 12, 64, 0, 0);
}

static void uses_are_told_once(void)
{
	struct aged a;
	REQUIRE(make_aged(&a, 12, 64));
	EXPECT(can_access(&a.task, a.at + 3 * PAGE, FAULT_READ));
	EXPECT(can_access(&a.task, a.at + 5 * PAGE, FAULT_WRITE));
	EXPECT(can_access(&a.task, a.at + 63 * PAGE, FAULT_WRITE));
	expect_age(&a.task, a.at, 12, 64, 1ul << 63 | 1 << 5 | 1 << 3, 1ul << 63 | 1 << 5);
	expect_age(&a.task, a.at, 12, 64, 0, 0);
	EXPECT(can_access(&a.task, a.at + 5 * PAGE, FAULT_READ));
	expect_age(&a.task, a.at, 12, 64, 1 << 5, 0);
	EXPECT(can_access(&a.task, a.at + 5 * PAGE, FAULT_WRITE));
	expect_age(&a.task, a.at, 12, 64, 1 << 5, 1 << 5);
}

/* A write through a translation that was there before the age is never missed, exact or not. */
static void writes_are_never_lost(void)
{
	struct child_task child;
	struct thread thread;
	struct access *access = new_shared(sizeof(*access));
	uint64_t frame = new_frame(12), at = new_addresses(PAGE, 12), referenced, dirty;
	REQUIRE(make_task(&child) && make_thread(&thread, &child));
	map_to(&child, frame, at, PAGE, READ_WRITE | MAP_TRACK);
	access->address = at;
	access->kind = FAULT_WRITE;
	for (unsigned i = 1; i < 20; i++) {
		access->value = i;
		access->finished = 0;
		if (i != 1) {
			REQUIRE_OK(strata_thread_suspend(thread.cap));
			REQUIRE_OK(strata_thread_cancel(thread.cap));
			thread.start->done = 0;
		}
		REQUIRE(start_thread(&thread, do_access, access));
		EXPECT_EQ(access->finished, 1);
		REQUIRE_OK(strata_task_age(child.cap, at, 12, 1, i % 2 == 0 ? AGE_EXACT : AGE_ROUGH,
					   &referenced, &dirty));
		EXPECT_EQ(dirty, 1);
	}
}

static void counts_below_64(void)
{
	struct aged a;
	REQUIRE(make_aged(&a, 12, 64));
	EXPECT(can_access(&a.task, a.at, FAULT_READ));
	EXPECT(can_access(&a.task, a.at + PAGE, FAULT_READ));
	expect_age(&a.task, a.at, 12, 1, 1, 0);
	expect_age(&a.task, a.at + PAGE, 12, 10, 1, 0);
	expect_age(&a.task, a.at, 12, 64, 0, 0);
}

static void large_pages(void)
{
	struct child_task child;
	uint64_t frame = new_frame(21), at = new_addresses(4 * BLOCK, 21);
	REQUIRE(make_task(&child));
	map_to(&child, frame, at + BLOCK, BLOCK, READ_WRITE | MAP_TRACK);
	EXPECT(can_access(&child, at + BLOCK + 77 * PAGE, FAULT_WRITE));
	expect_age(&child, at, 21, 4, 2, 2);
	expect_age(&child, at, 21, 4, 0, 0);
	/* Asked for by parts, its own uses count for each. */
	EXPECT(can_access(&child, at + BLOCK + 77 * PAGE, FAULT_READ));
	expect_age(&child, at + BLOCK, 12, 3, 7, 0);
}

static void holder_sees_uses_below(void)
{
	struct child_task a, b;
	struct agent agent;
	uint64_t frame = new_frame(12), at = new_addresses(PAGE, 12);
	REQUIRE(make_task(&a) && make_task(&b) && make_agent(&agent, &a));
	REQUIRE_OK(give_cap(&a, b.cap, 30, RIGHT_CONTROL, 0));
	map_to(&a, frame, at, PAGE, READ_WRITE | MAP_TRACK);
	EXPECT_OK(agent_map(&agent, 30, at, at, PAGE, READ_WRITE | MAP_TRACK));
	EXPECT(can_access(&b, at, FAULT_WRITE));
	expect_age(&a, at, 12, 1, 1, 1);
	/* What one level learnt is still news for another. */
	expect_age(&b, at, 12, 1, 1, 1);
	expect_age(&b, at, 12, 1, 0, 0);
	expect_age(&a, at, 12, 1, 0, 0);
	EXPECT(can_access(&b, at, FAULT_READ));
	expect_age(&b, at, 12, 1, 1, 0);
	expect_age(&a, at, 12, 1, 1, 0);
}

static void uses_of_what_is_gone_are_kept(void)
{
	struct child_task a, b;
	struct agent agent;
	uint64_t frame = new_frame(12), at = new_addresses(PAGE, 12);
	REQUIRE(make_task(&a) && make_task(&b) && make_agent(&agent, &a));
	REQUIRE_OK(give_cap(&a, b.cap, 30, RIGHT_CONTROL, 0));
	map_to(&a, frame, at, PAGE, READ_WRITE | MAP_TRACK);
	EXPECT_OK(agent_map(&agent, 30, at, at, PAGE, READ_WRITE | MAP_TRACK));
	EXPECT(can_access(&b, at, FAULT_WRITE));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, b.cap.index));
	expect_age(&a, at, 12, 1, 1, 1);
	expect_age(&a, at, 12, 1, 0, 0);
}

static void parts_of_the_holders_large_page(void)
{
	struct child_task child;
	uint64_t block = new_frame(21), at = new_addresses(BLOCK, 21);
	REQUIRE(make_task(&child));
	map_to(&child, block + 3 * PAGE, at, PAGE, READ_WRITE | MAP_TRACK);
	map_to(&child, block + 9 * PAGE, at + PAGE, PAGE, READ_WRITE | MAP_TRACK);
	EXPECT(can_access(&child, at, FAULT_READ));
	EXPECT(can_access(&child, at + PAGE, FAULT_WRITE));
	expect_age(NULL, block, 12, 64, 1 << 9 | 1 << 3, 1 << 9);
	expect_age(NULL, block, 12, 64, 0, 0);
}

static void untracked_pages(void)
{
	struct child_task child;
	uint64_t frame = new_frame(12), at = new_addresses(PAGE, 12);
	REQUIRE(make_task(&child));
	map_to(&child, frame, at, PAGE, READ_WRITE);
	/* The mapping's own uses are not known; for the holder it counts as used. */
	expect_age(&child, at, 12, 1, 0, 0);
	expect_age(NULL, frame, 12, 1, 1, 1);
}

static void holes_are_unused(void)
{
	struct child_task child;
	REQUIRE(make_task(&child));
	expect_age(&child, new_addresses(64 * PAGE, 21), 12, 64, 0, 0);
	expect_age(&child, new_addresses(GIANT, 30), 30, 1, 0, 0);
	expect_age(&child, new_addresses(64 * BLOCK, 21), 21, 64, 0, 0);
}

static void many_children_meet_interrupts(void)
{
	struct child_task child;
	uint64_t block = new_frame(21), at = new_addresses(8 * BLOCK, 21);
	REQUIRE(make_task(&child));
	for (unsigned i = 0; i < 4; i++) {
		map_to(&child, block + PAGE, at + i * BLOCK, BLOCK - PAGE, READ_WRITE | MAP_TRACK);
	}
	REQUIRE_OK(
		strata_scheduler_set(SCHEDULER, cap_t_of(ROOT_CAP_THREAD), 0, PRIORITY_MAIN, 100));
	uint64_t restarts = counter(COUNTER_RESTARTS), end = now() + milliseconds(4000);
	unsigned rounds = 0;
	while (counter(COUNTER_RESTARTS) - restarts < 10 && now() < end && rounds < 300) {
		EXPECT(can_access(&child, at + 2 * BLOCK + 20 * PAGE, FAULT_WRITE));
		expect_age(NULL, block, 21, 1, 1, 1);
		expect_age(NULL, block, 21, 1, 0, 0);
		rounds++;
	}
	REQUIRE_OK(strata_scheduler_set(SCHEDULER, cap_t_of(ROOT_CAP_THREAD), 0, PRIORITY_MAIN,
					SLICE_US));
	EXPECT(counter(COUNTER_RESTARTS) - restarts >= 10);
}

static void wrong_arguments(void)
{
	uint64_t at = new_addresses(GIANT, 30), end = 1ul << 48;
	const struct {
		uint64_t address, order, count;
		enum status status;
	} cases[] = {
		{at,          0,    1,    STATUS_BAD_ARGUMENT},
                {at,          11,   1,    STATUS_BAD_ARGUMENT},
		{at,          13,   1,    STATUS_BAD_ARGUMENT},
                {at,          39,   1,    STATUS_BAD_ARGUMENT},
		{at,          ~0ul, 1,    STATUS_BAD_ARGUMENT},
                {at,          12,   65,   STATUS_BAD_ARGUMENT},
		{at,          12,   ~0ul, STATUS_BAD_ARGUMENT},
                {at,          12,   0,    STATUS_BAD_RANGE   },
		{at + 8,      12,   1,    STATUS_BAD_RANGE   },
                {at + PAGE,   21,   1,    STATUS_BAD_RANGE   },
		{at + BLOCK,  30,   1,    STATUS_BAD_RANGE   },
                {end,         12,   1,    STATUS_BAD_RANGE   },
		{end - PAGE,  12,   2,    STATUS_BAD_RANGE   },
                {0 - PAGE,    12,   1,    STATUS_BAD_RANGE   },
		{end - GIANT, 30,   64,   STATUS_BAD_RANGE   },
	};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum status status = OPERATE(OWN_TASK, TASK_AGE, cases[i].address, cases[i].order,
					     cases[i].count, 1);
		if (!EXPECT_STATUS(status, cases[i].status)) {
			note("case %u", i);
		}
	}
}

TEST_TABLE({"pages that were not used are neither referenced nor dirty", unused_pages_are_neither},
	   {"uses are told once", uses_are_told_once},
	   {"writes are never lost", writes_are_never_lost},
	   {"a part of a range can be asked for", counts_below_64},
	   {"large pages are told as a whole", large_pages},
	   {"who holds a page sees the uses below, and each level does", holder_sees_uses_below},
	   {"uses of mappings that are gone are kept", uses_of_what_is_gone_are_kept},
	   {"parts of a large page are told apart", parts_of_the_holders_large_page},
	   {"mappings that are not tracked count as used", untracked_pages},
	   {"where nothing is mapped nothing was used", holes_are_unused},
	   {"a long age gives way to interrupts and goes on", many_children_meet_interrupts},
	   {"wrong arguments are refused", wrong_arguments});
