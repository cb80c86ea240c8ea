/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Task.UNMAP: taking back what was given, from everybody who has it from there.
 */
#include "memory.h"

static void expect_gone(const struct child_task *task, uint64_t address)
{
	EXPECT_EQ(value_at(task, address), NO_VALUE);
}

/* root -> a -> b -> c, each in a task of its own, at the same address. */
struct line {
	struct child_task tasks[3];
	struct agent agents[3];
	uint64_t frame, at;
};

static bool make_line(struct line *line, unsigned order, unsigned rights)
{
	line->frame = marked_frame(order, 0x11);
	line->at = new_addresses(1ul << order, order);
	for (unsigned i = 0; i < 3; i++) {
		if (!make_task(&line->tasks[i]) || !make_agent(&line->agents[i], &line->tasks[i])) {
			return false;
		}
	}
	for (unsigned i = 0; i < 2; i++) {
		EXPECT_OK(give_cap(&line->tasks[i], line->tasks[i + 1].cap, 30, RIGHT_CONTROL, 0));
	}
	map_to(&line->tasks[0], line->frame, line->at, 1ul << order, rights);
	for (unsigned i = 0; i < 2; i++) {
		EXPECT_OK(
			agent_map(&line->agents[i], 30, line->at, line->at, 1ul << order, rights));
	}
	return true;
}

static void everybody_below_loses_it(void)
{
	struct line l;
	REQUIRE(make_line(&l, 12, READ_WRITE));
	EXPECT_EQ(value_at(&l.tasks[2], l.at), 0x11);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, l.frame, PAGE, 0, NULL));
	for (unsigned i = 0; i < 3; i++) {
		expect_gone(&l.tasks[i], l.at);
	}
	EXPECT_EQ(peek(l.frame), 0x11);
}

static void who_unmaps_in_the_middle_keeps_it(void)
{
	struct line l;
	struct strata_unmapped unmapped;
	REQUIRE(make_line(&l, 12, READ_WRITE));
	REQUIRE_OK(strata_task_unmap(l.tasks[1].cap, l.at, PAGE, 0, &unmapped));
	EXPECT_EQ(unmapped.pages, 0); /* the task itself lost nothing */
	EXPECT_EQ(value_at(&l.tasks[0], l.at), 0x11);
	EXPECT_EQ(value_at(&l.tasks[1], l.at), 0x11);
	expect_gone(&l.tasks[2], l.at);
	REQUIRE_OK(strata_task_unmap(l.tasks[1].cap, l.at, PAGE, UNMAP_SELF, &unmapped));
	EXPECT_EQ(unmapped.pages, 1);
	EXPECT_EQ(unmapped.begin, l.at);
	EXPECT_EQ(unmapped.end, l.at + PAGE);
	EXPECT_EQ(value_at(&l.tasks[0], l.at), 0x11);
	expect_gone(&l.tasks[1], l.at);
}

static void siblings_keep_theirs(void)
{
	struct child_task a, b;
	uint64_t frame = marked_frame(12, 0x21), at = new_addresses(PAGE, 12);
	REQUIRE(make_task(&a) && make_task(&b));
	map_to(&a, frame, at, PAGE, PAGE_READ);
	map_to(&b, frame, at, PAGE, PAGE_READ);
	REQUIRE_OK(strata_task_unmap(a.cap, at, PAGE, UNMAP_SELF, NULL));
	expect_gone(&a, at);
	EXPECT_EQ(value_at(&b, at), 0x21);
}

static void dying_task_takes_what_is_below(void)
{
	struct line l;
	REQUIRE(make_line(&l, 12, READ_WRITE));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, l.tasks[1].cap.index));
	EXPECT_EQ(value_at(&l.tasks[0], l.at), 0x11);
	expect_gone(&l.tasks[2], l.at);
}

/* ---- sizes ---- */

static void part_of_a_large_page_is_taken_back(void)
{
	struct child_task child;
	uint64_t block = marked_frame(21, 0x31), at = new_addresses(BLOCK, 21);
	REQUIRE(make_task(&child));
	map_to(&child, block, at, 8 * PAGE, PAGE_READ);
	map_to(&child, block + 20 * PAGE, at + 20 * PAGE, PAGE, PAGE_READ);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, block + 3 * PAGE, 2 * PAGE, 0, NULL));
	for (unsigned i = 0; i < 8; i++) {
		EXPECT_EQ(value_at(&child, at + i * PAGE),
			  i == 3 || i == 4 ? NO_VALUE : 0x31 + i * PAGE);
	}
	EXPECT_EQ(value_at(&child, at + 20 * PAGE), 0x31 + 20 * PAGE);
}

/* What overlaps goes as a whole, and the report says so. */
static void larger_page_goes_as_a_whole(void)
{
	struct child_task child;
	struct strata_unmapped unmapped;
	uint64_t block = marked_frame(21, 0x41), at = new_addresses(BLOCK, 21);
	REQUIRE(make_task(&child));
	map_to(&child, block, at, BLOCK, PAGE_READ);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, block + 5 * PAGE, PAGE, 0, NULL));
	expect_gone(&child, at);
	expect_gone(&child, at + BLOCK - PAGE);
	map_to(&child, block, at, BLOCK, PAGE_READ);
	REQUIRE_OK(strata_task_unmap(child.cap, at + 5 * PAGE, PAGE, UNMAP_SELF, &unmapped));
	EXPECT_EQ(unmapped.pages, 512);
	EXPECT_EQ(unmapped.begin, at);
	EXPECT_EQ(unmapped.end, at + BLOCK);
	expect_gone(&child, at);
}

static void pages_of_1_gib_and_their_parts(void)
{
	struct child_task a, b;
	struct agent agent;
	uint64_t giant = new_frame(30), at = new_addresses(GIANT, 30);
	if (giant == 0) {
		skip("there is no page of 1 GiB");
		return;
	}
	REQUIRE(make_task(&a) && make_task(&b) && make_agent(&agent, &a));
	REQUIRE_OK(give_cap(&a, b.cap, 30, RIGHT_CONTROL, 0));
	map_to(&a, giant, at, GIANT, READ_WRITE);
	for (unsigned i = 0; i < 10; i++) {
		poke(giant + i * 0x3000000 + 0x5000, 0x900 + i);
		EXPECT_OK(agent_map(&agent, 30, at + i * 0x3000000 + 0x5000,
				    at + i * 0x3000000 + 0x5000, PAGE, PAGE_READ));
	}
	EXPECT_EQ(value_at(&b, at + 3 * 0x3000000 + 0x5000), 0x903);
	/* A part of ours, which lies within a's whole: that goes, and what is below in b. */
	REQUIRE_OK(strata_task_unmap(OWN_TASK, giant + 0x3000000, BLOCK, 0, NULL));
	expect_gone(&a, at);
	for (unsigned i = 0; i < 10; i++) {
		expect_gone(&b, at + i * 0x3000000 + 0x5000);
	}
	/* And parts that we gave ourselves. */
	map_to(&b, giant + 0x6000000, at, BLOCK, PAGE_READ);
	map_to(&b, giant + 0x9000000, at + BLOCK, PAGE, PAGE_READ);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, giant + 0x6000000, BLOCK, 0, NULL));
	expect_gone(&b, at);
	EXPECT_EQ(value_at(&b, at + BLOCK), 0);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, giant, GIANT, 0, NULL));
	expect_gone(&b, at + BLOCK);
}

static void range_with_holes(void)
{
	struct child_task child;
	struct strata_unmapped unmapped;
	uint64_t frames = marked_frame(16, 0x51), at = new_addresses(GIANT, 30);
	REQUIRE(make_task(&child));
	map_to(&child, frames, at + 3 * PAGE, PAGE, PAGE_READ);
	map_to(&child, frames + PAGE, at + 100 * BLOCK, PAGE, PAGE_READ);
	map_to(&child, frames + 2 * PAGE, at + 200 * BLOCK + 7 * PAGE, PAGE, PAGE_READ);
	map_to(&child, frames + 3 * PAGE, at + 300 * BLOCK, PAGE, PAGE_READ);
	REQUIRE_OK(strata_task_unmap(child.cap, at, 300 * BLOCK, UNMAP_SELF, &unmapped));
	EXPECT_EQ(unmapped.pages, 3);
	EXPECT_EQ(unmapped.begin, at + 3 * PAGE);
	EXPECT_EQ(unmapped.end, at + 200 * BLOCK + 8 * PAGE);
	expect_gone(&child, at + 3 * PAGE);
	expect_gone(&child, at + 200 * BLOCK + 7 * PAGE);
	EXPECT_EQ(value_at(&child, at + 300 * BLOCK), 0x51 + 3 * PAGE);
	REQUIRE_OK(strata_task_unmap(child.cap, at, 300 * BLOCK, UNMAP_SELF, &unmapped));
	EXPECT_EQ(unmapped.pages, 0);
}

static void whole_address_space(void)
{
	struct child_task child;
	struct thread thread;
	struct strata_unmapped unmapped;
	REQUIRE(make_task(&child) && make_thread(&thread, &child));
	EXPECT_OK(strata_task_unmap(child.cap, 0, 1ul << 48, UNMAP_SELF, &unmapped));
	EXPECT(unmapped.pages > 10);
	EXPECT(unmapped.begin >= PAGE);
	/* But for the UTCB nothing is there; a thread cannot even begin. */
	expect_no_report(&thread);
	(void)strata_thread_start(thread.cap, 0x400000, 0, 0, 0);
	EXPECT_EQ(state_of(&thread), THREAD_STATE_STOPPED);
}

static void many_mappings_of_one_page(void)
{
	struct child_task child;
	uint64_t frame = new_frame(12), at = new_addresses(8 * BLOCK, 21);
	REQUIRE(make_task(&child));
	for (unsigned i = 0; i < 3000; i++) {
		uint64_t mapped = 0;
		if (!EXPECT_OK(strata_task_map(child.cap, frame, at + i * PAGE, PAGE, PAGE_READ,
					       &mapped))) {
			return;
		}
	}
	REQUIRE_OK(strata_task_unmap(OWN_TASK, frame, PAGE, 0, NULL));
	for (unsigned i = 0; i < 3000; i += 271) {
		expect_gone(&child, at + i * PAGE);
	}
}

/* With slices of 100 us the removal is cut many times, and goes on. */
static void long_unmaps_meet_interrupts(void)
{
	struct child_task child;
	struct strata_unmapped unmapped;
	uint64_t frames = new_frame(21), at = new_addresses(16 * BLOCK, 21);
	REQUIRE(make_task(&child));
	uint64_t restarts = counter(COUNTER_RESTARTS), end = now() + milliseconds(4000);
	REQUIRE_OK(
		strata_scheduler_set(SCHEDULER, cap_t_of(ROOT_CAP_THREAD), 0, PRIORITY_MAIN, 100));
	unsigned rounds = 0;
	while (counter(COUNTER_RESTARTS) - restarts < 20 && now() < end && rounds < 500) {
		uint64_t size = BLOCK - PAGE;
		for (unsigned i = 0; i < 4; i++) {
			EXPECT_OK(strata_task_map(child.cap, frames + PAGE, at + i * BLOCK, size,
						  PAGE_READ, NULL));
		}
		EXPECT_OK(strata_task_unmap(child.cap, at, 4 * BLOCK, UNMAP_SELF, &unmapped));
		EXPECT_EQ(unmapped.pages, 4 * 511);
		EXPECT_EQ(unmapped.begin, at);
		EXPECT_EQ(unmapped.end, at + 4 * BLOCK - PAGE);
		rounds++;
	}
	REQUIRE_OK(strata_scheduler_set(SCHEDULER, cap_t_of(ROOT_CAP_THREAD), 0, PRIORITY_MAIN,
					SLICE_US));
	EXPECT(counter(COUNTER_RESTARTS) - restarts >= 20);
}

struct unmapper {
	uint64_t at, size;
	volatile uint64_t status, done;
};

static void unmap_once(void *argument)
{
	struct unmapper *unmapper = argument;
	unmapper->status = strata_task_unmap(cap_t_of(CHILD_CAP_TASK), unmapper->at, unmapper->size,
					     UNMAP_SELF, NULL);
	unmapper->done = 1;
}

/* A thread is stopped in the middle of an unmap and started elsewhere. What it had done is not done for the next one. */
static void unmap_that_was_given_up_is_begun_anew(void)
{
	struct child_task child;
	struct unmapper *unmapper = new_shared(sizeof(*unmapper));
	uint64_t frames = new_frame(21), page = new_frame(12), at = new_addresses(16 * BLOCK, 21);
	REQUIRE(make_task(&child));
	unmapper->at = at;
	unmapper->size = 8 * BLOCK;
	unsigned cut = 0;
	for (unsigned i = 0; i < 200 && cut < 5; i++) {
		struct thread thread;
		REQUIRE(make_thread(&thread, &child));
		set_priority(&thread, PRIORITY_MAIN - 10);
		for (unsigned j = 0; j < 8; j++) {
			REQUIRE_OK(strata_task_map(child.cap, frames + PAGE, at + j * BLOCK,
						   BLOCK - PAGE, PAGE_READ, NULL));
		}
		unmapper->done = 0;
		uint64_t restarts = counter(COUNTER_RESTARTS);
		REQUIRE(start_thread(&thread, unmap_once, unmapper));
		sleep_for(milliseconds(1) / 20 * (1 + i % 20));
		REQUIRE_OK(strata_thread_suspend(thread.cap));
		if (unmapper->done == 0 && counter(COUNTER_RESTARTS) != restarts) {
			cut++;
			/* The first page is there again, if it was gone. */
			enum status status =
				strata_task_map(child.cap, page, at, PAGE, PAGE_READ, NULL);
			EXPECT(status == STATUS_OK || status == STATUS_OVERMAP);
			REQUIRE(start_thread(&thread, unmap_once, unmapper));
			REQUIRE(wait_for(&unmapper->done, 1));
			expect_gone(&child, at);
		}
		REQUIRE_OK(strata_cap_delete(OWN_TASK, thread.cap.index));
		REQUIRE_OK(strata_task_unmap(child.cap, at, 8 * BLOCK, UNMAP_SELF, NULL));
	}
	EXPECT(cut != 0);
}

/* ---- rights ---- */

static void only_rights_are_taken(void)
{
	struct line l;
	struct strata_unmapped unmapped;
	REQUIRE(make_line(&l, 12, READ_WRITE));
	REQUIRE_OK(strata_task_unmap(OWN_TASK, l.frame, PAGE, PAGE_READ, NULL));
	for (unsigned i = 0; i < 3; i++) {
		EXPECT(can_access(&l.tasks[i], l.at, FAULT_READ));
		EXPECT(!can_access(&l.tasks[i], l.at, FAULT_WRITE));
	}
	poke(l.frame, 0x12); /* we keep ours */
	/* From then on nobody there can give more. */
	REQUIRE_OK(strata_task_unmap(l.tasks[2].cap, l.at, PAGE, UNMAP_SELF, NULL));
	EXPECT_OK(agent_map(&l.agents[1], 30, l.at, l.at, PAGE, READ_WRITE));
	EXPECT(!can_access(&l.tasks[2], l.at, FAULT_WRITE));
	(void)unmapped;
}

static void rights_of_the_task_itself_too(void)
{
	struct line l;
	struct strata_unmapped unmapped;
	REQUIRE(make_line(&l, 12, READ_WRITE));
	REQUIRE_OK(
		strata_task_unmap(l.tasks[0].cap, l.at, PAGE, PAGE_READ | UNMAP_SELF, &unmapped));
	EXPECT_EQ(unmapped.pages, 1);
	EXPECT(!can_access(&l.tasks[0], l.at, FAULT_WRITE));
	EXPECT(!can_access(&l.tasks[2], l.at, FAULT_WRITE));
	EXPECT(can_access(&l.tasks[0], l.at, FAULT_READ));
	EXPECT(can_access(&l.tasks[2], l.at, FAULT_READ));
}

static void execute_is_taken(void)
{
	struct line l;
	REQUIRE(make_line(&l, 12, PAGE_READ | PAGE_EXECUTE));
	poke(l.frame, 0xd65f03c0);
	EXPECT(can_access(&l.tasks[2], l.at, FAULT_EXECUTE));
	REQUIRE_OK(strata_task_unmap(OWN_TASK, l.frame, PAGE, READ_WRITE, NULL));
	EXPECT(!can_access(&l.tasks[0], l.at, FAULT_EXECUTE));
	EXPECT(!can_access(&l.tasks[2], l.at, FAULT_EXECUTE));
	EXPECT(can_access(&l.tasks[2], l.at, FAULT_READ));
}

static void keeping_all_rights_changes_nothing(void)
{
	struct line l;
	REQUIRE(make_line(&l, 12, READ_WRITE));
	REQUIRE_OK(strata_task_unmap(OWN_TASK, l.frame, PAGE, PAGE_RIGHTS, NULL));
	EXPECT(can_access(&l.tasks[2], l.at, FAULT_WRITE));
}

static void rights_of_parts_of_large_pages(void)
{
	struct child_task child;
	uint64_t block = new_frame(21), at = new_addresses(2 * BLOCK, 21);
	REQUIRE(make_task(&child));
	map_to(&child, block, at, BLOCK, READ_WRITE);
	map_to(&child, block + PAGE, at + BLOCK, 4 * PAGE, READ_WRITE);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, block + 2 * PAGE, PAGE, PAGE_READ, NULL));
	EXPECT(!can_access(&child, at + BLOCK + PAGE, FAULT_WRITE));
	EXPECT(can_access(&child, at + BLOCK, FAULT_WRITE));
	EXPECT(!can_access(&child, at + 2 * PAGE, FAULT_WRITE)); /* the large one loses it whole */
	EXPECT(can_access(&child, at + 2 * PAGE, FAULT_READ));
}

/* ---- while it is in use ---- */

static void read_for_ever(void *argument)
{
	volatile uint64_t *const *words = argument;
	for (;;) {
		words[1][0]++;
		(void)*words[0];
	}
}

/* Nobody reads it any more once the unmap has returned, although the translation was in use. */
static void page_in_use_is_gone_at_once(void)
{
	struct child_task child;
	struct thread thread;
	uint64_t frame = new_frame(12), at = new_addresses(PAGE, 12);
	volatile uint64_t **words = new_shared(16);
	volatile uint64_t *count = new_shared(8);
	REQUIRE(make_task(&child) && make_thread(&thread, &child));
	expect_no_report(&thread);
	set_priority(&thread, PRIORITY_MAIN - 10);
	words[0] = (volatile uint64_t *)at;
	words[1] = count;
	for (unsigned i = 0; i < 5; i++) {
		map_to(&child, frame, at, PAGE, PAGE_READ);
		if (i == 0) {
			REQUIRE(start_thread(&thread, read_for_ever, words));
		} else {
			REQUIRE_OK(strata_thread_resume(thread.cap));
		}
		sleep_for(milliseconds(3));
		uint64_t before = *count;
		REQUIRE_OK(strata_task_unmap(OWN_TASK, frame, PAGE, 0, NULL));
		for (unsigned tries = 0; tries < 1000 && state_of(&thread) != THREAD_STATE_STOPPED; tries++) {
			sleep_for(milliseconds(1)); /* it is less urgent than we, and the host may be busy */
		}
		EXPECT_EQ(state_of(&thread), THREAD_STATE_STOPPED);
		EXPECT(*count <= before + 1);
	}
}

static void serve_page(struct server *server, struct message *message)
{
	const uint64_t *from = server->context;
	answer_page(message, *from, READ_WRITE, message->words[FAULT_WORD_ADDRESS]);
}

static void page_that_was_taken_faults_again(void)
{
	struct child_task child;
	struct thread thread;
	uint64_t *frame = new_shared(8), at = new_addresses(PAGE, 12);
	volatile uint64_t **words = new_shared(16);
	volatile uint64_t *count = new_shared(8);
	*frame = new_frame(12);
	REQUIRE(make_task(&child) && make_thread(&thread, &child));
	struct server *pager = new_server_with(NULL, serve_page, (struct server){.context = frame});
	REQUIRE_OK(strata_thread_set_pager(thread.cap, pager->gate));
	set_priority(&thread, PRIORITY_MAIN - 10);
	words[0] = (volatile uint64_t *)at;
	words[1] = count;
	REQUIRE(start_thread(&thread, read_for_ever, words));
	for (unsigned i = 1; i < 20; i++) {
		REQUIRE(wait_for(&pager->calls, i));
		while (state_of(&pager->thread) != THREAD_STATE_IDLE) {
			sleep_for(milliseconds(
				1)); /* it answers on the time of the reader, which is less urgent than we */
		}
		REQUIRE_OK(strata_task_unmap(OWN_TASK, *frame, PAGE, 0, NULL));
	}
}

/* Its first answer takes long. */
static void serve_page_late(struct server *server, struct message *message)
{
	uint64_t fired;
	uint64_t address = message->words[FAULT_WORD_ADDRESS];
	const uint64_t *from = server->context;
	if (server->calls == 1) {
		(void)strata_wait_irq(0, now() + milliseconds(10), &fired);
	}
	answer_page(message, *from, READ_WRITE, address);
}

/* What the pager answers to a fault that it took before must not arrive: the fault is made again. */
static void unmap_makes_pending_faults_again(void)
{
	struct child_task child;
	struct thread thread;
	uint64_t *frame = new_shared(8), at = new_addresses(2 * PAGE, 12);
	volatile uint64_t **words = new_shared(16);
	volatile uint64_t *count = new_shared(8);
	*frame = new_frame(12);
	REQUIRE(make_task(&child) && make_thread(&thread, &child));
	struct server *pager = new_server_with(NULL, serve_page_late, (struct server){.context = frame});
	REQUIRE_OK(strata_thread_set_pager(thread.cap, pager->gate));
	set_priority(&thread, PRIORITY_MAIN - 10);
	words[0] = (volatile uint64_t *)at;
	words[1] = count;
	REQUIRE(start_thread(&thread, read_for_ever, words));
	REQUIRE(wait_for(&pager->calls, 1));
	REQUIRE_OK(strata_task_unmap(child.cap, at + PAGE, PAGE, UNMAP_SELF, NULL));
	EXPECT_EQ(state_of(&thread), THREAD_STATE_IN_CALL); /* not in the range */
	REQUIRE_OK(strata_task_unmap(child.cap, at, PAGE, UNMAP_SELF, NULL));
	REQUIRE(wait_for(&pager->calls, 2));
	sleep_for(milliseconds(50));
	EXPECT(*count >= 2);
	EXPECT_EQ(pager->calls, 2);
}

/* ---- tables ---- */

static void empty_tables_are_given_back(void)
{
	struct paying_task p;
	uint64_t frame = new_frame(12);
	REQUIRE(make_paying_task(&p));
	uint64_t used = used_by(p.factory);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t at = new_addresses(GIANT, 30);
		map_to(&p.task, frame, at, PAGE, PAGE_READ);
		EXPECT(used_by(p.factory) > used);
		REQUIRE_OK(strata_task_unmap(i % 2 == 0 ? p.task.cap : OWN_TASK,
					     i % 2 == 0 ? at : frame, PAGE,
					     i % 2 == 0 ? UNMAP_SELF : 0, NULL));
		EXPECT_EQ(used_by(p.factory), used);
	}
}

/* ---- uses ---- */

static void report_says_what_was_used(void)
{
	struct child_task child;
	struct strata_unmapped unmapped;
	uint64_t frame = new_frame(12), at = new_addresses(PAGE, 12);
	REQUIRE(make_task(&child));
	static const struct {
		bool read, write;
		uint64_t flags;
	} cases[] = {
		{false, false, 0				   },
		{true,  false, UNMAPPED_REFERENCED                 },
		{false, true,  UNMAPPED_REFERENCED | UNMAPPED_DIRTY}
        };
	for (unsigned i = 0; i < 3; i++) {
		map_to(&child, frame, at, PAGE, READ_WRITE | MAP_TRACK);
		EXPECT(!cases[i].read || can_access(&child, at, FAULT_READ));
		EXPECT(!cases[i].write || can_access(&child, at, FAULT_WRITE));
		REQUIRE_OK(strata_task_unmap(child.cap, at, PAGE, UNMAP_SELF, &unmapped));
		EXPECT_EQ(unmapped.flags, cases[i].flags);
	}
}

static void holder_hears_of_uses_below(void)
{
	struct line l;
	struct strata_unmapped unmapped;
	REQUIRE(make_line(&l, 12, READ_WRITE | MAP_TRACK));
	EXPECT(can_access(&l.tasks[2], l.at, FAULT_WRITE));
	REQUIRE_OK(strata_task_unmap(l.tasks[1].cap, l.at, PAGE, UNMAP_SELF, NULL));
	REQUIRE_OK(strata_task_unmap(l.tasks[0].cap, l.at, PAGE, UNMAP_SELF, &unmapped));
	EXPECT_EQ(unmapped.flags & UNMAPPED_DIRTY, UNMAPPED_DIRTY);
}

/* It knows nothing of its own uses; who gave it must take it for used. */
static void untracked_mappings_count_as_used_above(void)
{
	struct child_task child;
	struct strata_unmapped unmapped;
	uint64_t frame = new_frame(12), at = new_addresses(PAGE, 12);
	REQUIRE(make_task(&child));
	static const unsigned rights[] = {READ_WRITE, PAGE_READ};
	for (unsigned i = 0; i < 2; i++) {
		map_to(&child, frame, at, PAGE, rights[i]);
		REQUIRE_OK(strata_task_unmap(child.cap, at, PAGE, UNMAP_SELF, &unmapped));
		EXPECT_EQ(unmapped.flags, 0);
		map_to(&child, frame, at, PAGE, rights[i]);
		REQUIRE_OK(strata_task_unmap(OWN_TASK, frame, PAGE, 0, &unmapped));
		EXPECT_EQ(unmapped.flags,
			  i == 0 ? UNMAPPED_REFERENCED | UNMAPPED_DIRTY : UNMAPPED_REFERENCED);
	}
}

/* ---- refusals ---- */

static void wrong_arguments(void)
{
	uint64_t at = new_addresses(BLOCK, 21), end = 1ul << 48;
	const struct {
		uint64_t address, size, keep;
		enum status status;
	} cases[] = {
		{at,         0,        0,          STATUS_BAD_RANGE   },
		{at,         1,        0,          STATUS_BAD_RANGE   },
		{at + 1,     PAGE,     0,          STATUS_BAD_RANGE   },
		{end,        PAGE,     0,          STATUS_BAD_RANGE   },
		{end - PAGE, 2 * PAGE, 0,          STATUS_BAD_RANGE   },
		{0 - PAGE,   PAGE,     0,          STATUS_BAD_RANGE   },
		{0 - PAGE,   2 * PAGE, 0,          STATUS_BAD_RANGE   },
		{at,         0 - PAGE, 0,          STATUS_BAD_RANGE   },
		{at,         PAGE,     8,          STATUS_BAD_ARGUMENT},
		{at,         PAGE,     0x20,       STATUS_BAD_ARGUMENT},
		{at,         PAGE,     1ul << 63,  STATUS_BAD_ARGUMENT},
		{at,         PAGE,     0,          STATUS_OK          },
		{end - PAGE, PAGE,     UNMAP_SELF, STATUS_OK          },
		{0,          PAGE,     UNMAP_SELF, STATUS_OK          },
	};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum status status = OPERATE(OWN_TASK, TASK_UNMAP, cases[i].address, cases[i].size,
					     cases[i].keep);
		if (!EXPECT_STATUS(status, cases[i].status)) {
			note("case %u", i);
		}
	}
}

TEST_TABLE({"everybody below loses the page", everybody_below_loses_it},
	   {"who unmaps in the middle of a chain keeps the page unless it says self",
	    who_unmaps_in_the_middle_keeps_it},
	   {"siblings keep theirs", siblings_keep_theirs},
	   {"a task that dies takes along what is below", dying_task_takes_what_is_below},
	   {"a part of a large page is taken back", part_of_a_large_page_is_taken_back},
	   {"a larger page goes as a whole and the report says so", larger_page_goes_as_a_whole},
	   {"parts and wholes of pages of 1 GiB are taken back", pages_of_1_gib_and_their_parts},
	   {"a range may have holes", range_with_holes},
	   {"a whole address space is emptied but for the kernel's pages", whole_address_space},
	   {"three thousand mappings of one page are taken back", many_mappings_of_one_page},
	   {"a long unmap gives way to interrupts and goes on", long_unmaps_meet_interrupts},
	   {"an unmap that was given up is begun anew", unmap_that_was_given_up_is_begun_anew},
	   {"rights are taken from everybody below and do not come back", only_rights_are_taken},
	   {"rights are taken from the task itself with self", rights_of_the_task_itself_too},
	   {"the right to execute is taken", execute_is_taken},
	   {"keeping all rights changes nothing", keeping_all_rights_changes_nothing},
	   {"rights to parts of large pages are taken", rights_of_parts_of_large_pages},
	   {"a page in use is gone when unmap returns", page_in_use_is_gone_at_once},
	   {"a page that was taken faults again", page_that_was_taken_faults_again},
	   {"unmapping a range makes the faults again that wait there", unmap_makes_pending_faults_again},
	   {"tables that are empty are given back", empty_tables_are_given_back},
	   {"the report says whether the page was used and written", report_says_what_was_used},
	   {"who holds a page hears of writes far below", holder_hears_of_uses_below},
	   {"who gave a page that is not tracked takes it for used",
	    untracked_mappings_count_as_used_above},
	   {"wrong arguments are refused", wrong_arguments});
