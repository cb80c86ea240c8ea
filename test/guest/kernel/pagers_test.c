/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pagers of pagers: the root task pages A, A pages B, B pages a client, each in a task of its own, with a policy of its own; once
 * by nested calls, where each maps from its own address space, and once by forward.
 */
#include "memory.h"

#define LEVELS 3 /* A, B, client */

/* A region at `base` of some task is paged from `own` of the pager. In shared memory: context of the pager's server. */
struct level {
	uint64_t base, own, size;
	uint64_t rights;
	cap_t next; /* forwarding: the gate of the level above, in the pager's table */
	struct server *server;
	struct child_task task;        /* of the pager */
	volatile uint64_t wrong_place; /* tries to map a page beyond */
};

static bool is_in(const struct level *level, uint64_t address)
{
	return address >= level->base && address - level->base < level->size;
}

/* Touches its own page, which may fault in turn, and maps that. */
static void serve_nested(struct server *server, struct message *message)
{
	const struct level *level = server->context;
	uint64_t address = message->words[FAULT_WORD_ADDRESS] & ~(PAGE - 1);
	if (!is_in(level, address)) {
		*message = message_of(STATUS_NOT_FOUND, 0, 0);
		return;
	}
	if (message->words[FAULT_WORD_ACCESS] == FAULT_WRITE && (level->rights & PAGE_WRITE) == 0) {
		*message = message_of(STATUS_NO_RIGHT, 0, 0);
		return;
	}
	uint64_t own = level->own + (address - level->base);
	uint64_t value = peek(own);
	if (message->words[FAULT_WORD_ACCESS] == FAULT_WRITE) {
		poke(own, value);
	}
	answer_page(message, own, level->rights, address);
}

/* A pager in the root task: its pages are there already. */
static void serve_root(struct server *server, struct message *message)
{
	serve_nested(server, message);
}

struct chain {
	struct level *levels[LEVELS]; /* 0: root pages A; 1: A pages B; 2: B pages the client */
	struct child_task client;
	uint64_t frames;
};

static struct level *new_level(struct chain *chain, unsigned i, uint64_t size)
{
	struct level *level = new_shared(sizeof(*level));
	level->size = size;
	level->base = new_addresses(BLOCK, 21);
	level->own = i == 0 ? chain->frames : chain->levels[i - 1]->base;
	level->rights = READ_WRITE;
	return level;
}

/* The pager at level i is a task (but the root's), whose thread is paged by level i - 1. */
static bool make_chain(struct chain *chain, uint64_t size)
{
	chain->frames = marked_frame(18, 0x100000);
	for (unsigned i = 0; i < LEVELS; i++) {
		struct level *level = new_level(chain, i, size);
		chain->levels[i] = level;
		if (i > 0 && !make_task(&level->task)) {
			return false;
		}
		level->server = new_server_with(i == 0 ? NULL : &level->task,
						i == 0 ? serve_root : serve_nested,
						(struct server){.context = level});
		if (i > 0) {
			EXPECT_OK(strata_thread_set_pager(level->server->thread.cap,
							  chain->levels[i - 1]->server->gate));
		}
	}
	return make_task(&chain->client);
}

/* A client's thread that reads or writes there. */
static struct access *access_by_client(const struct chain *chain, struct thread *thread,
				       uint64_t offset, enum fault_access kind, uint64_t value)
{
	struct access *access = new_shared(sizeof(*access));
	access->address = chain->levels[2]->base + offset;
	access->kind = kind;
	access->value = value;
	if (make_thread(thread, &chain->client)) {
		EXPECT_OK(strata_thread_set_pager(thread->cap, chain->levels[2]->server->gate));
		(void)start_thread(thread, do_access, access);
	}
	return access;
}

static uint64_t calls_of(const struct chain *chain, unsigned level)
{
	return chain->levels[level]->server->calls;
}

/* ---- nested ---- */

static void fault_goes_through_all_levels(void)
{
	struct chain c;
	struct thread thread;
	REQUIRE(make_chain(&c, 16 * PAGE));
	struct access *access = access_by_client(&c, &thread, 3 * PAGE, FAULT_READ, 0);
	EXPECT(join(&thread));
	EXPECT_EQ(access->value, 0x100000 + 3 * PAGE);
	for (unsigned i = 0; i < LEVELS; i++) {
		EXPECT_EQ(calls_of(&c, i), 1);
	}
	/* What a level has it does not ask for again. */
	(void)access_by_client(&c, &thread, 3 * PAGE + 8, FAULT_READ, 0);
	EXPECT(join(&thread));
	EXPECT_EQ(calls_of(&c, 2), 1);
}

static void write_is_seen_at_the_root(void)
{
	struct chain c;
	struct thread thread;
	REQUIRE(make_chain(&c, 16 * PAGE));
	(void)access_by_client(&c, &thread, 5 * PAGE + 16, FAULT_WRITE, 0xd00d);
	EXPECT(join(&thread));
	EXPECT_EQ(peek(c.frames + 5 * PAGE + 16), 0xd00d);
}

static void revoking_in_the_middle_reaches_all_below(void)
{
	struct chain c;
	struct thread thread;
	REQUIRE(make_chain(&c, 16 * PAGE));
	for (unsigned page = 0; page < 4; page++) {
		(void)access_by_client(&c, &thread, page * PAGE, FAULT_WRITE, page);
		EXPECT(join(&thread));
	}
	/* A takes page 2 back from B, and so from the client. */
	uint64_t at_a = c.levels[1]->own + 2 * PAGE, at_b = c.levels[2]->own + 2 * PAGE;
	REQUIRE_OK(strata_task_unmap(c.levels[1]->task.cap, at_a, PAGE, 0, NULL));
	EXPECT_EQ(value_at(&c.levels[1]->task, at_a), 2);
	EXPECT_EQ(value_at(&c.levels[2]->task, at_b), NO_VALUE);
	EXPECT_EQ(value_at(&c.client, c.levels[2]->base + 2 * PAGE), NO_VALUE);
	EXPECT_EQ(value_at(&c.client, c.levels[2]->base + PAGE), 1);
	/* The next fault asks A again, which has it still. */
	struct access *access = access_by_client(&c, &thread, 2 * PAGE, FAULT_READ, 0);
	EXPECT(join(&thread));
	EXPECT_EQ(access->value, 2);
	EXPECT_EQ(calls_of(&c, 0), 4);
	EXPECT_EQ(calls_of(&c, 1), 5);
	EXPECT_EQ(calls_of(&c, 2), 5);
}

/* Each level gives less than the one above. */
static void rights_never_grow_on_the_way(void)
{
	struct chain c;
	struct thread thread;
	REQUIRE(make_chain(&c, 16 * PAGE));
	c.levels[1]->rights = PAGE_READ; /* A gives B only reading */
	c.levels[2]->rights = PAGE_RIGHTS;
	struct access *access = access_by_client(&c, &thread, PAGE, FAULT_READ, 0);
	EXPECT(join(&thread));
	EXPECT_EQ(access->value, 0x100000 + PAGE);
	EXPECT(!can_access(&c.client, c.levels[2]->base + PAGE, FAULT_WRITE));
	EXPECT(!can_access(&c.client, c.levels[2]->base + PAGE, FAULT_EXECUTE));
	EXPECT(!can_access(&c.levels[2]->task, c.levels[2]->own + PAGE, FAULT_WRITE));
	/* A write: B tries to write its own page, A refuses, B stops; the client waits for it. */
	expect_exceptions();
	access = access_by_client(&c, &thread, PAGE, FAULT_WRITE, 1);
	EXPECT_EQ(access->finished, 0);
	EXPECT_EQ(state_of(&c.levels[2]->server->thread), THREAD_STATE_STOPPED);
	EXPECT_EQ(state_of(&thread), THREAD_STATE_IN_CALL);
	EXPECT_EQ(peek(c.frames + PAGE), 0x100000 + PAGE);
}

static void regions_end_where_a_level_says(void)
{
	struct chain c;
	struct thread thread;
	REQUIRE(make_chain(&c, 4 * PAGE));
	expect_exceptions();
	struct access *access = access_by_client(&c, &thread, 4 * PAGE, FAULT_READ, 0);
	EXPECT_EQ(access->finished, 0);
	EXPECT_EQ(last_exception->count, 1);
	EXPECT_STATUS((enum status)last_exception->status, STATUS_NOT_FOUND);
}

static void pager_in_the_middle_dies(void)
{
	struct chain c;
	struct thread thread;
	REQUIRE(make_chain(&c, 16 * PAGE));
	expect_exceptions();
	(void)access_by_client(&c, &thread, 0, FAULT_READ, 0);
	EXPECT(join(&thread));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, c.levels[1]->task.cap.index));
	EXPECT_EQ(value_at(&c.client, c.levels[2]->base), NO_VALUE); /* it came through A */
	struct access *access = access_by_client(&c, &thread, PAGE, FAULT_READ, 0);
	sleep_for(milliseconds(5));
	EXPECT_EQ(access->finished, 0);
	/* B, whose pager is gone, has stopped; when it goes too, the client hears of it. */
	EXPECT_EQ(state_of(&c.levels[2]->server->thread), THREAD_STATE_STOPPED);
	last_exception->count = 0;
	REQUIRE_OK(strata_cap_delete(OWN_TASK, c.levels[2]->task.cap.index));
	sleep_for(milliseconds(5));
	EXPECT_EQ(last_exception->count, 1);
	EXPECT_STATUS((enum status)last_exception->status, STATUS_SERVER_DIED);
}

static void hog(void *argument)
{
	volatile uint64_t *stop = argument;
	while (*stop == 0) {
	}
}

/* All pagers are less urgent than the hog, the client is more: its faults are not delayed. */
static void paging_has_the_clients_urgency(void)
{
	struct chain c;
	struct thread thread, hogger;
	volatile uint64_t *stop = new_shared(8);
	REQUIRE(make_chain(&c, 16 * PAGE));
	for (unsigned i = 0; i < LEVELS; i++) {
		set_priority(&c.levels[i]->server->thread, 10);
	}
	REQUIRE(make_thread(&hogger, NULL));
	set_priority(&hogger, PRIORITY_MAIN - 10);
	REQUIRE(start_thread(&hogger, hog, (void *)stop));
	struct access *access = access_by_client(&c, &thread, 7 * PAGE, FAULT_READ, 0);
	EXPECT_EQ(access->finished, 1); /* at once */
	*stop = 1;
}

static void many_clients_at_once(void)
{
	struct chain c;
	struct thread threads[12];
	struct access *accesses[12];
	REQUIRE(make_chain(&c, 16 * PAGE));
	for (unsigned i = 0; i < 12; i++) {
		accesses[i] = access_by_client(&c, &threads[i], (i % 6) * PAGE,
					       i < 6 ? FAULT_READ : FAULT_WRITE, i);
	}
	for (unsigned i = 0; i < 12; i++) {
		EXPECT(join(&threads[i]));
		EXPECT(accesses[i]->value == (i < 6 ? 0x100000 + i * PAGE : i));
	}
}

/* ---- forward ---- */

/* B: hands the fault on to A with the page as window; A maps from its own memory straight into the client. */
static void run_forwarding_pager(void *argument)
{
	struct server *server = argument;
	struct level *level = server->context;
	struct message message;
	strata_wait(&message);
	for (;;) {
		if (message_is_kernel(&message, LABEL_FAULT) &&
		    is_in(level, message.words[FAULT_WORD_ADDRESS])) {
			server->calls++;
			uint64_t page = message.words[FAULT_WORD_ADDRESS] & ~(PAGE - 1);
			strata_utcb()->forward_window = (struct window){page, PAGE};
			strata_utcb()->forward_rights = level->rights;
			message.words[0] = page - level->base; /* what A calls it */
			message.words[1] = message.words[FAULT_WORD_ACCESS];
			message.tag = TAG_MAKE(5, 2, 0);
			strata_forward(level->next, &message);
		} else {
			message = message_of(STATUS_NOT_FOUND, 0, 0);
			strata_reply_wait(&message);
		}
	}
}

/* A: gets offsets from B, and maps at the window's start. */
static void serve_offset(struct server *server, struct message *message)
{
	const struct level *level = server->context;
	uint64_t own = level->own + message->words[0];
	EXPECT_EQ(message->tag & TAG_KERNEL, 0);
	uint64_t value = peek(own);
	if (message->words[1] == FAULT_WRITE && (level->rights & PAGE_WRITE) != 0) {
		poke(own, value);
	}
	put_memory_item(0, own, 12, level->rights, level->wrong_place * PAGE, 0);
	*message = message_of(STATUS_OK, 0, 1);
}

/* As a chain, but A's gate takes offsets, and B forwards to it. */
static bool make_forwarding_chain(struct chain *chain)
{
	chain->frames = marked_frame(18, 0x100000);
	for (unsigned i = 0; i < LEVELS; i++) {
		chain->levels[i] = new_level(chain, i, 16 * PAGE);
		if (i > 0 && !make_task(&chain->levels[i]->task)) {
			return false;
		}
	}
	struct level *a = chain->levels[1], *b = chain->levels[2];
	chain->levels[0]->server =
		new_server_with(NULL, serve_root, (struct server){.context = chain->levels[0]});
	a->server = new_server_with(&a->task, serve_offset, (struct server){.context = a});
	EXPECT_OK(strata_thread_set_pager(a->server->thread.cap, chain->levels[0]->server->gate));
	EXPECT_OK(give_cap(&b->task, a->server->gate, 40, RIGHTS_ALL, 0xb));
	b->next = cap_t_of(40);
	struct server *server = new_shared(sizeof(*server));
	b->server = server;
	server->context = b;
	server->gate = new_gate();
	return make_thread(&server->thread, &b->task) &&
	       EXPECT_OK(strata_thread_bind(server->thread.cap, server->gate)) &&
	       start_thread(&server->thread, run_forwarding_pager, server) &&
	       make_task(&chain->client);
}

static void forwarded_fault_is_answered_from_above(void)
{
	struct chain c;
	struct thread thread;
	REQUIRE(make_forwarding_chain(&c));
	uint64_t forwards = counter(COUNTER_FORWARDS);
	struct access *access = access_by_client(&c, &thread, 3 * PAGE, FAULT_READ, 0);
	EXPECT(join(&thread));
	EXPECT_EQ(access->value, 0x100000 + 3 * PAGE);
	EXPECT_EQ(counter(COUNTER_FORWARDS) - forwards, 1);
	EXPECT_EQ(c.levels[1]->server->last_badge, 0xb);
	/* The page never was in B. */
	EXPECT_EQ(value_at(&c.levels[2]->task, c.levels[2]->own + 3 * PAGE), NO_VALUE);
	/* It is A's to take back. */
	REQUIRE_OK(strata_task_unmap(c.levels[1]->task.cap, c.levels[1]->own + 3 * PAGE, PAGE, 0,
				     NULL));
	EXPECT_EQ(value_at(&c.client, c.levels[2]->base + 3 * PAGE), NO_VALUE);
	access = access_by_client(&c, &thread, 3 * PAGE, FAULT_WRITE, 0x99);
	EXPECT(join(&thread));
	EXPECT_EQ(peek(c.frames + 3 * PAGE), 0x99);
}

static void forwarding_pager_cuts_rights(void)
{
	struct chain c;
	struct thread thread;
	REQUIRE(make_forwarding_chain(&c));
	c.levels[2]->rights = PAGE_READ;
	(void)access_by_client(&c, &thread, PAGE, FAULT_READ, 0);
	EXPECT(join(&thread));
	EXPECT(can_access(&c.client, c.levels[2]->base + PAGE, FAULT_READ));
	EXPECT(!can_access(&c.client, c.levels[2]->base + PAGE, FAULT_WRITE));
}

static void upper_pager_stays_in_the_window(void)
{
	struct chain c;
	struct thread thread;
	REQUIRE(make_forwarding_chain(&c));
	expect_exceptions();
	c.levels[1]->wrong_place = 1;
	struct access *access = access_by_client(&c, &thread, PAGE, FAULT_READ, 0);
	EXPECT_EQ(access->finished, 0);
	EXPECT_STATUS((enum status)c.levels[1]->server->refusal, STATUS_WINDOW);
	EXPECT_EQ(value_at(&c.client, c.levels[2]->base + 2 * PAGE), NO_VALUE);
	EXPECT_EQ(value_at(&c.client, c.levels[2]->base + PAGE), NO_VALUE);
	EXPECT_EQ(last_exception->count, 1);
	EXPECT_EQ(last_exception->address, access->address);
}

/* The window of a forwarded fault is of that fault only. */
static void next_fault_has_its_whole_task_again(void)
{
	struct chain c;
	struct thread thread;
	REQUIRE(make_forwarding_chain(&c));
	(void)access_by_client(&c, &thread, PAGE, FAULT_READ, 0);
	EXPECT(join(&thread));
	REQUIRE_OK(strata_thread_set_pager(thread.cap, c.levels[0]->server->gate));
	REQUIRE_OK(strata_thread_suspend(thread.cap));
	REQUIRE_OK(strata_thread_cancel(thread.cap));
	struct access *access = new_shared(sizeof(*access));
	access->address = c.levels[0]->base + 9 * PAGE;
	thread.start->done = 0;
	REQUIRE(start_thread(&thread, do_access, access));
	EXPECT(join(&thread));
	EXPECT_EQ(access->value, 0x100000 + 9 * PAGE);
}

static void forwarding_pager_may_die_meanwhile(void)
{
	struct chain c;
	struct thread thread;
	REQUIRE(make_forwarding_chain(&c));
	(void)access_by_client(&c, &thread, 0, FAULT_READ, 0);
	EXPECT(join(&thread));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, c.levels[2]->task.cap.index));
	/* What A gave stays the client's. */
	EXPECT_EQ(value_at(&c.client, c.levels[2]->base), 0x100000);
}

TEST_TABLE({"a fault goes through all levels", fault_goes_through_all_levels},
	   {"what a client writes is seen at the root", write_is_seen_at_the_root},
	   {"revoking in the middle reaches all below at once",
	    revoking_in_the_middle_reaches_all_below},
	   {"rights never grow on the way down", rights_never_grow_on_the_way},
	   {"a region ends where its pager says", regions_end_where_a_level_says},
	   {"a pager in the middle may die", pager_in_the_middle_dies},
	   {"paging has the client's urgency through all levels", paging_has_the_clients_urgency},
	   {"twelve clients fault at once", many_clients_at_once},
	   {"a forwarded fault is answered from above", forwarded_fault_is_answered_from_above},
	   {"who forwards a fault cuts rights", forwarding_pager_cuts_rights},
	   {"the upper pager stays in the window it was left", upper_pager_stays_in_the_window},
	   {"the next fault has its whole task as window again",
	    next_fault_has_its_whole_task_again},
	   {"who forwarded a fault may die", forwarding_pager_may_die_meanwhile});
