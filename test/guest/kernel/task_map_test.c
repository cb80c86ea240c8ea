/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Task.MAP: memory that one task gives another.
 */
#include "memory.h"

#include <abi/boot_info.h>

#define RET 0xd65f03c0ul

static void page_is_shared(void)
{
	struct child_task a, b;
	uint64_t frame = marked_frame(12, 0x11), at = new_addresses(PAGE, 12);
	REQUIRE(make_task(&a) && make_task(&b));
	map_to(&a, frame, at, PAGE, READ_WRITE);
	map_to(&b, frame, at + 0, PAGE, PAGE_READ);
	EXPECT_EQ(value_at(&a, at), 0x11);
	EXPECT_EQ(value_at(&b, at), 0x11);
	poke(frame, 0x12);
	EXPECT_EQ(value_at(&a, at), 0x12);
	EXPECT(can_access(&a, at, FAULT_WRITE));
	EXPECT_EQ(value_at(&b, at), 0);
	EXPECT(!can_access(&b, at, FAULT_WRITE));
}

static void rights_are_cut_to_the_sources(void)
{
	static const unsigned rights[] = {PAGE_READ, READ_WRITE, PAGE_READ | PAGE_EXECUTE,
					  PAGE_RIGHTS};
	uint64_t frame = new_frame(12);
	for (unsigned have = 0; have < 4; have++) {
		struct child_task child;
		uint64_t own = new_addresses(PAGE, 12);
		REQUIRE(make_task(&child));
		map_to(NULL, frame, own, PAGE, rights[have]);
		for (unsigned ask = 0; ask < 4; ask++) {
			uint64_t at = new_addresses(PAGE, 12);
			unsigned both = rights[have] & rights[ask];
			poke(frame, RET);
			map_to(&child, own, at, PAGE, rights[ask]);
			EXPECT(can_access(&child, at, FAULT_READ));
			/* What is writable is not executable. */
			EXPECT_EQ(can_access(&child, at, FAULT_EXECUTE),
				  both == (PAGE_READ | PAGE_EXECUTE));
			EXPECT_EQ(can_access(&child, at, FAULT_WRITE), (both & PAGE_WRITE) != 0);
		}
		REQUIRE_OK(strata_cap_delete(OWN_TASK, child.cap.index));
	}
}

/* With both rights a task can write a page, and let another one execute it. */
static void written_code_is_executed_elsewhere(void)
{
	struct child_task writer, runner;
	struct agent agent;
	uint64_t frame = new_frame(12), at = new_addresses(PAGE, 12);
	REQUIRE(make_task(&writer) && make_task(&runner) && make_agent(&agent, &writer));
	REQUIRE_OK(give_cap(&writer, runner.cap, 30, RIGHT_CONTROL, 0));
	map_to(&writer, frame, at, PAGE, PAGE_RIGHTS);
	poke(frame, RET);
	__asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" ::"r"(frame) : "memory");
	EXPECT_OK(agent_map(&agent, 30, at, at, PAGE, PAGE_READ | PAGE_EXECUTE));
	EXPECT(can_access(&runner, at, FAULT_EXECUTE));
	EXPECT(!can_access(&runner, at, FAULT_WRITE));
	EXPECT(!can_access(&writer, at, FAULT_EXECUTE));
}

/* The address of a word of the modules that says RET; 0: there is none. */
static uint64_t ret_in_modules(void)
{
	for (uint64_t at = 0; at + 8 <= boot_info->modules.size; at += 4) {
		if (*(volatile uint32_t *)(uintptr_t)(boot_info->modules.base + at) == (uint32_t)RET) {
			return boot_info->modules.base + at;
		}
	}
	return 0;
}

/* A program's text is run where it is in the archive, but not by the root task. */
static void modules_are_executed_in_place(void)
{
	struct child_task child;
	uint64_t ret = ret_in_modules(), page = ret & ~(PAGE - 1), at = new_addresses(2 * PAGE, 13);
	REQUIRE(ret != 0 && make_task(&child));
	__asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" ::"r"(ret) : "memory");
	map_to(&child, page, at, PAGE, PAGE_READ | PAGE_EXECUTE);
	map_to(&child, page, at + PAGE, PAGE, PAGE_RIGHTS);
	EXPECT(can_access(&child, at + (ret - page), FAULT_EXECUTE));
	EXPECT(!can_access(&child, at + PAGE, FAULT_WRITE));
	EXPECT(!can_access(NULL, ret, FAULT_EXECUTE));
	EXPECT(!can_access(NULL, ret, FAULT_WRITE));
	/* Outside of its window it may: it maps that to itself as to anybody else. */
	map_to(NULL, page, at, PAGE, PAGE_READ | PAGE_EXECUTE);
	EXPECT(can_access(NULL, at + (ret - page), FAULT_EXECUTE));
}

/* Also where it cannot write any more. */
static void window_is_never_executable(void)
{
	struct child_task child;
	uint64_t block = new_frame(21), at = new_addresses(2 * PAGE, 13);
	REQUIRE(make_task(&child));
	poke(block, RET);
	__asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" ::"r"(block) : "memory");
	map_to(&child, block, at, PAGE, PAGE_RIGHTS);
	EXPECT(can_access(&child, at + 8, FAULT_WRITE));
	EXPECT(!can_access(&child, at, FAULT_EXECUTE));
	REQUIRE_OK(strata_task_unmap(OWN_TASK, block, BLOCK, PAGE_READ | PAGE_EXECUTE | UNMAP_SELF, NULL));
	lose_frames(1);
	EXPECT(can_access(&child, at, FAULT_EXECUTE));
	EXPECT(!can_access(&child, at + 8, FAULT_WRITE));
	EXPECT(can_access(NULL, block, FAULT_READ));
	EXPECT(!can_access(NULL, block, FAULT_EXECUTE));
	EXPECT(!can_access(NULL, block, FAULT_WRITE));
}

static void largest_pages_that_fit_are_used(void)
{
	struct paying_task p;
	uint64_t block = marked_frame(21, 0x100000), at = new_addresses(4 * BLOCK, 23), used;
	REQUIRE(make_paying_task(&p));
	used = used_by(p.factory);
	map_to(&p.task, block, at, BLOCK, PAGE_READ);
	uint64_t one_large = used_by(p.factory) - used;
	EXPECT_EQ(value_at(&p.task, at + BLOCK - PAGE), 0x100000 + BLOCK - PAGE);
	/* Not congruent: 512 small ones. */
	used = used_by(p.factory);
	map_to(&p.task, block, at + BLOCK + PAGE, BLOCK, PAGE_READ);
	EXPECT(used_by(p.factory) - used >= 4 * PAGE);
	EXPECT(one_large <= 4 * PAGE);
	EXPECT_EQ(value_at(&p.task, at + BLOCK + PAGE), 0x100000);
	EXPECT_EQ(value_at(&p.task, at + 2 * BLOCK), 0x100000 + BLOCK - PAGE);
}

static void pages_of_1_gib(void)
{
	struct child_task child;
	uint64_t giant = new_frame(30), at = new_addresses(GIANT, 30);
	if (giant == 0) {
		skip("there is no page of 1 GiB");
		return;
	}
	REQUIRE(make_task(&child));
	poke(giant + 0x12345000, 0x77);
	map_to(&child, giant, at, GIANT, READ_WRITE);
	EXPECT_EQ(value_at(&child, at + 0x12345000), 0x77);
	EXPECT(can_access(&child, at + GIANT - 8, FAULT_WRITE));
	/* Parts of it, of both sizes, and parts of parts. */
	struct child_task other;
	uint64_t block = new_addresses(BLOCK, 21), page = new_addresses(PAGE, 12);
	REQUIRE(make_task(&other));
	map_to(&other, giant + 0x12200000, block, BLOCK, PAGE_READ);
	map_to(&other, giant + 0x12345000, page, PAGE, PAGE_READ);
	EXPECT_EQ(value_at(&other, block + 0x145000), 0x77);
	EXPECT_EQ(value_at(&other, page), 0x77);
}

static void range_over_several_pages(void)
{
	struct child_task child;
	uint64_t frames = marked_frame(18, 0x500000), own = new_addresses(1 << 20, 20),
		 at = new_addresses(1 << 20, 20);
	REQUIRE(make_task(&child));
	/* In this task they are 64 pages, from three places. */
	map_to(NULL, frames, own, 20 * PAGE, PAGE_READ);
	map_to(NULL, frames + 30 * PAGE, own + 20 * PAGE, 30 * PAGE, READ_WRITE);
	map_to(&child, own, at, 50 * PAGE, READ_WRITE);
	EXPECT_EQ(value_at(&child, at + 19 * PAGE), 0x500000 + 19 * PAGE);
	EXPECT_EQ(value_at(&child, at + 20 * PAGE), 0x500000 + 30 * PAGE);
	EXPECT(!can_access(&child, at + 19 * PAGE, FAULT_WRITE));
	EXPECT(can_access(&child, at + 20 * PAGE, FAULT_WRITE));
}

static void hole_ends_the_mapping_and_says_where(void)
{
	struct child_task child;
	uint64_t frames = marked_frame(14, 1), own = new_addresses(1 << 20, 20),
		 at = new_addresses(1 << 20, 20), mapped = 7;
	REQUIRE(make_task(&child));
	map_to(NULL, frames, own, 3 * PAGE, PAGE_READ);
	EXPECT_STATUS(strata_task_map(child.cap, own, at, 4 * PAGE, PAGE_READ, &mapped),
		      STATUS_NOT_MAPPED);
	EXPECT_EQ(mapped, 3 * PAGE);
	EXPECT_EQ(value_at(&child, at + 2 * PAGE), 1 + 2 * PAGE);
	EXPECT_STATUS(strata_task_map(child.cap, own + 3 * PAGE, at, PAGE, PAGE_READ, &mapped),
		      STATUS_NOT_MAPPED);
	EXPECT_EQ(mapped, 0);
}

static void long_mapping_meets_interrupts(void)
{
	struct child_task child;
	uint64_t at = new_addresses(64 * BLOCK, 21), block = new_frame(21), mapped = 0;
	REQUIRE(make_task(&child));
	uint64_t restarts = counter(COUNTER_RESTARTS), end = now() + milliseconds(4000);
	poke(block + BLOCK - PAGE, 0x99);
	/* Each time 511 small pages; with our slice at its shortest some meet its end. */
	REQUIRE_OK(
		strata_scheduler_set(SCHEDULER, cap_t_of(ROOT_CAP_THREAD), 0, PRIORITY_MAIN, 100));
	unsigned rounds = 0;
	while (counter(COUNTER_RESTARTS) - restarts < 20 && now() < end && rounds < 2000) {
		EXPECT_OK(strata_task_map(child.cap, block + PAGE, at, BLOCK - PAGE, PAGE_READ,
					  &mapped));
		EXPECT_EQ(mapped, BLOCK - PAGE);
		REQUIRE_OK(strata_task_unmap(child.cap, at, BLOCK, UNMAP_SELF, NULL));
		rounds++;
	}
	REQUIRE_OK(strata_scheduler_set(SCHEDULER, cap_t_of(ROOT_CAP_THREAD), 0, PRIORITY_MAIN,
					SLICE_US));
	EXPECT(counter(COUNTER_RESTARTS) - restarts >= 20);
	map_to(&child, block + PAGE, at, BLOCK - PAGE, PAGE_READ);
	EXPECT_EQ(value_at(&child, at + BLOCK - 2 * PAGE), 0x99);
}

static void map_to_oneself(void)
{
	uint64_t frame = marked_frame(12, 0x31), first = new_addresses(PAGE, 12),
		 second = new_addresses(PAGE, 12);
	map_to(NULL, frame, first, PAGE, READ_WRITE);
	map_to(NULL, first, second, PAGE, PAGE_READ);
	poke(first, 0x32);
	EXPECT_EQ(peek(second), 0x32);
	EXPECT_EQ(peek(frame), 0x32);
	EXPECT(!can_access(NULL, second, FAULT_WRITE));
	EXPECT_STATUS(strata_task_map(OWN_TASK, first, first, PAGE, PAGE_READ, NULL),
		      STATUS_OVERMAP);
}

static void same_again_changes_rights(void)
{
	struct child_task child;
	uint64_t frame = new_frame(12), at = new_addresses(PAGE, 12);
	REQUIRE(make_task(&child));
	for (unsigned i = 0; i < 3; i++) {
		map_to(&child, frame, at, PAGE, PAGE_READ);
		EXPECT(!can_access(&child, at, FAULT_WRITE));
		map_to(&child, frame, at, PAGE, READ_WRITE);
		EXPECT(can_access(&child, at, FAULT_WRITE));
	}
}

/* Its own child has the right that is to go: that takes an unmap. */
static void rights_of_a_parent_are_not_taken_by_a_map(void)
{
	struct child_task child;
	struct agent agent;
	uint64_t frame = new_frame(12), at = new_addresses(2 * PAGE, 13);
	REQUIRE(make_task(&child) && make_agent(&agent, &child));
	map_to(&child, frame, at, PAGE, READ_WRITE);
	EXPECT_OK(agent_map(&agent, CHILD_CAP_TASK, at, at + PAGE, PAGE, READ_WRITE));
	EXPECT_STATUS(strata_task_map(child.cap, frame, at, PAGE, PAGE_READ, NULL), STATUS_OVERMAP);
	EXPECT(can_access(&child, at + PAGE, FAULT_WRITE));
	REQUIRE_OK(strata_task_unmap(OWN_TASK, frame, PAGE, PAGE_READ, NULL));
	EXPECT(!can_access(&child, at + PAGE, FAULT_WRITE));
	EXPECT(!can_access(&child, at, FAULT_WRITE));
}

/* ---- refusals ---- */

static void wrong_arguments(void)
{
	uint64_t frame = new_frame(12), at = new_addresses(BLOCK, 21), end = 1ul << 48;
	const struct {
		uint64_t from, to, size, flags;
		enum status status;
	} cases[] = {
		{frame,			     at,                      PAGE,     0,                     STATUS_BAD_ARGUMENT},
		{frame,			     at,                      PAGE,     MAP_TRACK,             STATUS_BAD_ARGUMENT},
		{frame,			     at,                      PAGE,     PAGE_READ | 8,         STATUS_BAD_ARGUMENT},
		{frame,			     at,                      PAGE,     PAGE_READ | 0x40,      STATUS_BAD_ARGUMENT},
		{frame,			     at,                      PAGE,     PAGE_READ | 1ul << 63, STATUS_BAD_ARGUMENT},
		{frame,			     at,                      0,        PAGE_READ,             STATUS_BAD_RANGE   },
		{frame,			     at,                      1,        PAGE_READ,             STATUS_BAD_RANGE   },
		{frame,			     at,                      PAGE - 1, PAGE_READ,             STATUS_BAD_RANGE   },
		{frame + 8,                         at,                      PAGE,     PAGE_READ,             STATUS_BAD_RANGE   },
		{frame,			     at + 8,                  PAGE,     PAGE_READ,             STATUS_BAD_RANGE   },
		{end,			       at,                      PAGE,     PAGE_READ,             STATUS_BAD_RANGE   },
		{frame,			     end,                     PAGE,     PAGE_READ,             STATUS_BAD_RANGE   },
		{frame,			     end - PAGE,              2 * PAGE, PAGE_READ,             STATUS_BAD_RANGE   },
		{end - PAGE,                        at,                      2 * PAGE, PAGE_READ,             STATUS_BAD_RANGE   },
		{0 - PAGE,                          at,                      PAGE,     PAGE_READ,             STATUS_BAD_RANGE   },
		{frame,			     0 - PAGE,                PAGE,     PAGE_READ,             STATUS_BAD_RANGE   },
		{frame,			     at,                      0 - PAGE, PAGE_READ,             STATUS_BAD_RANGE   },
		{frame,			     0,                       PAGE,     PAGE_READ,             STATUS_BAD_RANGE   }, /* address 0 is never mapped */
		{0,				 at,                      PAGE,     PAGE_READ,             STATUS_NOT_MAPPED  },
		{at,				at + PAGE,               PAGE,     PAGE_READ,             STATUS_NOT_MAPPED  },
		{(uint64_t)boot_info & ~(PAGE - 1), at,                      PAGE,     PAGE_READ,             STATUS_NOT_MAPPED  },
		{(uint64_t)strata_utcb(),           at,                      PAGE,     PAGE_READ,             STATUS_NOT_MAPPED  },
		{frame,			     (uint64_t)strata_utcb(), PAGE,     PAGE_READ,             STATUS_OVERMAP     },
		{frame,			     frame,                   PAGE,     PAGE_READ,             STATUS_OVERMAP     },
	};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum status status = OPERATE(OWN_TASK, TASK_MAP, cases[i].from, cases[i].to,
					     cases[i].size, cases[i].flags, 0);
		if (!EXPECT_STATUS(status, cases[i].status)) {
			note("case %u", i);
		}
	}
	EXPECT(!can_access(NULL, 0, FAULT_READ));
	EXPECT(!can_access(NULL, at, FAULT_READ));
}

static void overmap_leaves_what_was_there(void)
{
	struct child_task child;
	uint64_t first = marked_frame(12, 0x41), second = marked_frame(13, 0x42),
		 block = new_frame(21);
	uint64_t at = new_addresses(2 * BLOCK, 21), mapped = 0;
	REQUIRE(make_task(&child));
	map_to(&child, first, at + PAGE, PAGE, PAGE_READ);
	EXPECT_STATUS(strata_task_map(child.cap, second, at, 2 * PAGE, PAGE_READ, &mapped),
		      STATUS_OVERMAP);
	EXPECT_EQ(mapped, PAGE);
	EXPECT_EQ(value_at(&child, at), 0x42);
	EXPECT_EQ(value_at(&child, at + PAGE), 0x41);
	EXPECT_STATUS(strata_task_map(child.cap, block, at, BLOCK, PAGE_READ, NULL),
		      STATUS_OVERMAP);
	map_to(&child, block, at + BLOCK, BLOCK, PAGE_READ);
	EXPECT_STATUS(
		strata_task_map(child.cap, first, at + BLOCK + 5 * PAGE, PAGE, PAGE_READ, NULL),
		STATUS_OVERMAP);
}

static void large_page_over_an_empty_table(void)
{
	struct child_task child;
	uint64_t first = new_frame(12), block = marked_frame(21, 0x51),
		 at = new_addresses(BLOCK, 21);
	REQUIRE(make_task(&child));
	for (unsigned i = 0; i < 3; i++) {
		map_to(&child, first, at + 7 * PAGE, PAGE, PAGE_READ);
		REQUIRE_OK(strata_task_unmap(child.cap, at, BLOCK, UNMAP_SELF, NULL));
		map_to(&child, block, at, BLOCK, PAGE_READ);
		EXPECT_EQ(value_at(&child, at + 7 * PAGE), 0x51 + 7 * PAGE);
		REQUIRE_OK(strata_task_unmap(child.cap, at, BLOCK, UNMAP_SELF, NULL));
	}
}

/* The task that maps a part of its large page pays for the piece table. */
static void mapper_pays_for_the_piece_table(void)
{
	struct paying_task mapper;
	struct child_task other;
	struct agent agent;
	uint64_t block = marked_frame(21, 0x61), at = new_addresses(BLOCK, 21),
		 to = new_addresses(BLOCK, 21);
	REQUIRE(make_paying_task(&mapper) && make_task(&other) && make_agent(&agent, &mapper.task));
	REQUIRE_OK(give_cap(&mapper.task, other.cap, 30, RIGHT_CONTROL, 0));
	map_to(&mapper.task, block, at, BLOCK, READ_WRITE);
	stop_paying(&mapper);
	EXPECT_STATUS(agent_map(&agent, 30, at + PAGE, to, PAGE, PAGE_READ), STATUS_QUOTA);
	EXPECT_EQ(value_at(&other, to), NO_VALUE);
	EXPECT_OK(agent_map(&agent, 30, at, to, BLOCK, PAGE_READ)); /* as a whole it needs none */
	REQUIRE_OK(strata_task_unmap(other.cap, to, BLOCK, UNMAP_SELF, NULL));
	allow_pages(&mapper, 2);
	EXPECT_OK(agent_map(&agent, 30, at + PAGE, to, PAGE, PAGE_READ));
	EXPECT_EQ(value_at(&other, to), 0x61 + PAGE);
	EXPECT_OK(agent_map(&agent, 30, at + 9 * PAGE, to + PAGE, PAGE, PAGE_READ));
	/* It is given back with the last part. */
	uint64_t used = used_by(mapper.factory);
	REQUIRE_OK(strata_task_unmap(other.cap, to, BLOCK, UNMAP_SELF, NULL));
	EXPECT_EQ(used - used_by(mapper.factory), 2 * PAGE);
}

static void receiver_pays_for_its_tables(void)
{
	struct paying_task p;
	uint64_t frame = marked_frame(12, 0x71), at = new_addresses(GIANT, 30), mapped = 1,
		 needed = 0;
	REQUIRE(make_paying_task(&p));
	stop_paying(&p);
	uint64_t used = used_by(p.factory);
	for (;; needed++) {
		enum status status =
			strata_task_map(p.task.cap, frame, at, PAGE, PAGE_READ, &mapped);
		if (status == STATUS_OK || needed == 10) {
			break;
		}
		EXPECT_STATUS(status, STATUS_KERNEL_QUOTA);
		EXPECT_EQ(mapped, 0);
		EXPECT_EQ(used_by(p.factory), used); /* nothing half made */
		allow_pages(&p, needed + 1);
	}
	EXPECT_EQ(used_by(p.factory) - used, needed * PAGE);
	EXPECT(needed >= 3 && needed <= 6); /* levels 2 and 3, twins */
	REQUIRE_OK(strata_task_unmap(p.task.cap, at, PAGE, UNMAP_SELF, NULL));
	EXPECT_EQ(used_by(p.factory), used);
}

static void chain_of_fifteen(void)
{
	uint64_t page = marked_frame(12, 0x81);
	for (unsigned i = 0; i < 15; i++) {
		uint64_t next = new_addresses(PAGE, 12);
		map_to(NULL, page, next, PAGE, PAGE_READ);
		page = next;
	}
	EXPECT_EQ(peek(page), 0x81);
	EXPECT_STATUS(
		strata_task_map(OWN_TASK, page, new_addresses(PAGE, 12), PAGE, PAGE_READ, NULL),
		STATUS_TOO_DEEP);
}

/* ---- grant ---- */

static void grant_moves_a_mapping(void)
{
	struct child_task child;
	uint64_t frame = marked_frame(12, 0x91), own = new_addresses(PAGE, 12),
		 at = new_addresses(PAGE, 12);
	REQUIRE(make_task(&child));
	map_to(NULL, frame, own, PAGE, READ_WRITE);
	map_to(&child, own, at, PAGE, READ_WRITE | MAP_GRANT);
	EXPECT(!can_access(NULL, own, FAULT_READ));
	EXPECT_EQ(value_at(&child, at), 0x91);
	EXPECT(can_access(&child, at, FAULT_WRITE));
	map_to(NULL, frame, own, PAGE, PAGE_READ); /* the place is free */
	REQUIRE_OK(strata_task_unmap(OWN_TASK, frame, PAGE, 0, NULL));
	EXPECT_EQ(value_at(&child, at), NO_VALUE);
}

static void grant_with_fewer_rights(void)
{
	struct child_task child;
	uint64_t frame = marked_frame(12, 0x92), own = new_addresses(PAGE, 12),
		 at = new_addresses(PAGE, 12);
	uint64_t below = new_addresses(PAGE, 12);
	REQUIRE(make_task(&child));
	map_to(NULL, frame, own, PAGE, READ_WRITE);
	map_to(NULL, own, below, PAGE, READ_WRITE);
	/* A child would have more than its parent then. */
	EXPECT_STATUS(strata_task_map(child.cap, own, at, PAGE, PAGE_READ | MAP_GRANT, NULL),
		      STATUS_GRANT_BUSY);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, below, PAGE, UNMAP_SELF, NULL));
	map_to(&child, own, at, PAGE, PAGE_READ | MAP_GRANT);
	EXPECT(!can_access(&child, at, FAULT_WRITE));
	/* The grandparent's rights do not come back through it. */
	EXPECT_EQ(value_at(&child, at), 0x92);
}

static void grant_refusals(void)
{
	struct child_task child;
	uint64_t frame = new_frame(12), block = new_frame(21), own = new_addresses(BLOCK, 21),
		 at = new_addresses(BLOCK, 21);
	REQUIRE(make_task(&child));
	EXPECT_STATUS(strata_task_map(child.cap, frame, at, PAGE, PAGE_READ | MAP_GRANT, NULL),
		      STATUS_SPLIT_FIRST);
	map_to(NULL, block, own, BLOCK, READ_WRITE);
	EXPECT_STATUS(strata_task_map(child.cap, own, at, PAGE, PAGE_READ | MAP_GRANT, NULL),
		      STATUS_SPLIT_FIRST);
	map_to(&child, own + PAGE, at, PAGE, PAGE_READ);
	EXPECT_STATUS(
		strata_task_map(child.cap, own, at + BLOCK, BLOCK, READ_WRITE | MAP_GRANT, NULL),
		STATUS_GRANT_BUSY);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, own, BLOCK, 0, NULL));
	uint64_t small = new_addresses(PAGE, 12), many = new_addresses(65 * PAGE, 12);
	map_to(NULL, frame, small, PAGE, PAGE_READ);
	for (unsigned i = 0; i < 65; i++) {
		map_to(&child, small, many + i * PAGE, PAGE, PAGE_READ);
	}
	EXPECT_STATUS(strata_task_map(child.cap, small, at, PAGE, PAGE_READ | MAP_GRANT, NULL),
		      STATUS_GRANT_BUSY);
	REQUIRE_OK(strata_task_unmap(child.cap, many, PAGE, UNMAP_SELF, NULL));
	EXPECT_OK(strata_task_map(child.cap, small, at, PAGE, PAGE_READ | MAP_GRANT, NULL));
	EXPECT_EQ(value_at(&child, many + 64 * PAGE), 0);
}

static void grant_over_the_same_page(void)
{
	struct child_task child;
	uint64_t frame = new_frame(12), own = new_addresses(PAGE, 12), at = new_addresses(PAGE, 12);
	REQUIRE(make_task(&child));
	map_to(NULL, frame, own, PAGE, READ_WRITE);
	map_to(&child, own, at, PAGE, READ_WRITE);
	EXPECT_STATUS(strata_task_map(child.cap, own, at, PAGE, READ_WRITE | MAP_GRANT, NULL),
		      STATUS_OVERMAP);
	EXPECT_STATUS(strata_task_map(OWN_TASK, own, own, PAGE, READ_WRITE | MAP_GRANT, NULL),
		      STATUS_OVERMAP);
	EXPECT(can_access(NULL, own, FAULT_READ));
}

/* ---- devices and what the kernel keeps ---- */

static void device_memory_is_held(void)
{
	/* The first page of the interrupt controller is the kernel's; what is around is ours to give, not to touch. */
	uint64_t clock = boot_info->window + 0x09010000, at = new_addresses(PAGE, 12);
	if (boot_info->ranges[0].physical != 0x40000000) {
		skip("this is not QEMU's virt");
		return;
	}
	EXPECT(!can_access(NULL, clock, FAULT_READ));
	struct child_task child;
	REQUIRE(make_task(&child));
	map_to(&child, clock, at, PAGE, PAGE_READ);
	struct access *access = new_shared(sizeof(*access));
	(void)access;
	EXPECT(value_at(&child, at + 0xfe0) != NO_VALUE); /* PL031: its identification */
	EXPECT(!can_access(&child, at, FAULT_WRITE));
	EXPECT_STATUS(strata_task_map(child.cap, boot_info->window + 0x08000000, at + PAGE, PAGE,
				      PAGE_READ, NULL),
		      STATUS_NOT_MAPPED);
}

static void modules_are_read_only(void)
{
	struct child_task child;
	uint64_t page = boot_info->modules.base & ~(PAGE - 1), at = new_addresses(PAGE, 12);
	REQUIRE(make_task(&child));
	EXPECT(!can_access(NULL, page, FAULT_WRITE));
	map_to(&child, page, at, PAGE, PAGE_RIGHTS);
	EXPECT(can_access(&child, at, FAULT_READ));
	EXPECT(!can_access(&child, at, FAULT_WRITE));
}

static void dead_tasks_take_nothing(void)
{
	struct child_task child;
	REQUIRE(make_task(&child));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, child.cap.index));
	EXPECT_STATUS(strata_task_map(child.cap, new_frame(12), new_addresses(PAGE, 12), PAGE,
				      PAGE_READ, NULL),
		      STATUS_NO_CAPABILITY);
}

static void tracked_flag_is_inherited(void)
{
	struct child_task child;
	struct agent agent;
	uint64_t frame = new_frame(12), at = new_addresses(2 * PAGE, 13), referenced, dirty;
	REQUIRE(make_task(&child) && make_agent(&agent, &child));
	map_to(&child, frame, at, PAGE, READ_WRITE | MAP_TRACK);
	EXPECT_OK(agent_map(&agent, CHILD_CAP_TASK, at, at + PAGE, PAGE, READ_WRITE));
	uint64_t repairs = counter(COUNTER_REPAIRS);
	EXPECT(can_access(&child, at + PAGE, FAULT_WRITE));
	EXPECT(counter(COUNTER_REPAIRS) > repairs);
	REQUIRE_OK(strata_task_age(child.cap, at, 12, 1, AGE_EXACT, &referenced, &dirty));
	EXPECT_EQ(dirty, 1);
}

TEST_TABLE({"a mapped page is shared", page_is_shared},
	   {"rights are cut to those of the source", rights_are_cut_to_the_sources},
	   {"code that one task writes another one executes", written_code_is_executed_elsewhere},
	   {"a program in the archive is executed there, by others than the root task", modules_are_executed_in_place},
	   {"nothing in the window is ever executed by the root task", window_is_never_executable},
	   {"the largest pages that fit are used", largest_pages_that_fit_are_used},
	   {"pages of 1 GiB and their parts are mapped", pages_of_1_gib},
	   {"a range may consist of several mappings", range_over_several_pages},
	   {"a hole ends the mapping and says where", hole_ends_the_mapping_and_says_where},
	   {"a long mapping gives way to interrupts and goes on", long_mapping_meets_interrupts},
	   {"a task can map to itself", map_to_oneself},
	   {"the same mapping again changes its rights", same_again_changes_rights},
	   {"a map does not take rights from a mapping with children",
	    rights_of_a_parent_are_not_taken_by_a_map},
	   {"wrong arguments are refused", wrong_arguments},
	   {"what is mapped already stays", overmap_leaves_what_was_there},
	   {"a large page can take the place of small ones that went",
	    large_page_over_an_empty_table},
	   {"who maps a part of a large page pays for the piece table",
	    mapper_pays_for_the_piece_table},
	   {"a task pays for its own tables and nothing is half made",
	    receiver_pays_for_its_tables},
	   {"a chain of mappings has at most fifteen", chain_of_fifteen},
	   {"a grant moves a mapping", grant_moves_a_mapping},
	   {"a grant can lower rights, not below those of children", grant_with_fewer_rights},
	   {"grants of parts and of busy pages are refused", grant_refusals},
	   {"a grant over what is mapped is refused", grant_over_the_same_page},
	   {"device memory can be given and not touched", device_memory_is_held},
	   {"boot modules are read-only for all", modules_are_read_only},
	   {"a dead task takes nothing", dead_tasks_take_nothing},
	   {"what is mapped from a tracked page is tracked", tracked_flag_is_inherited});
