/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A task that does nothing sensible: three threads make system calls at random, with arguments that are often almost right. Each
 * round has a new task, a new seed and a random end; then nobody else may have been harmed, nothing of what the task was given may
 * have grown, and every byte must come back. Long runs: run.py --long.
 */
#include "memory.h"

#include <abi/boot_info.h>

#include <string.h>

#define CALLS_PER_ROUND 500
#define ROUNDS          100
#define ROUNDS_LONG     2000

/* What the task finds in its table. */
enum {
	AT_TASK = 1,
	AT_THREADS = 2, /* 3 of them */
	AT_FACTORY = 5,
	AT_GATES = 8, /* 4, of which the threads serve two */
	AT_IRQS = 12, /* 4 */
	AT_OTHER_TASK = 16,
	AT_OTHER_THREAD = 17,
	AT_SCHEDULER = 18, /* from here on to look only */
	AT_ICU = 19,
	AT_PLATFORM = 20,
	AT_LOG = 21,
	AT_FOREIGN = 22, /* a gate of somebody else, with badge 7 and few rights */
	AT_FREE = 24,
	AT_END = 64,
};

void yield_for_ever(void);

#define FOREIGN_BADGE  7
#define FOREIGN_RIGHTS (RIGHT_READ | RIGHT_SEND)

#define THREADS 3

struct hostile {
	struct thread threads[THREADS];
	uint64_t own, own_size; /* memory that it has, and addresses where it has none */
	uint64_t none, none_size;
	uint64_t read_only;
	uint64_t seed;
	volatile uint64_t calls, strange; /* answers that are none */
	volatile uint64_t strange_tag, strange_operation, strange_index;
	volatile uint64_t last[THREADS][4];
};

_Static_assert(sizeof(struct hostile) <= PAGE, "it has a page of its own");

/* ---- arguments ---- */

/* What the words of each operation mean: i index, a address, s size, f rights and flags, o order, n small number, p pc. */
static const char *const meanings[OBJECT_KINDS][16] = {
	[OBJECT_TASK] = {"aasf0", "asf", "aonn", "aon",    "a", "ao", "", "iifbn", "ii", "i", "i",
			 "i"},
	[OBJECT_THREAD] = {"papx",   "",      "",     "",         "", "xxxxxxxx", "i", "i", "i", ""},
	[OBJECT_GATE] = {"xxxxxxxx"   },
	[OBJECT_IRQ] = {"",     "in",            "",                  "",                     ""},
	[OBJECT_FACTORY] = {"niis",    "",   "is",   "a"},
	[OBJECT_SCHEDULER] = {"innx",    "n"     },
	[OBJECT_ICU] = {"inn",     ""       },
	[OBJECT_LOG] = {"n"   },
	[OBJECT_PLATFORM] = {"",   "",          "n",          ""                 },
};

static enum object_kind kind_at(uint64_t index)
{
	if (index >= AT_THREADS && index < AT_FACTORY) {
		return OBJECT_THREAD;
	}
	if (index >= AT_GATES && index < AT_IRQS) {
		return OBJECT_GATE;
	}
	if (index >= AT_IRQS && index < AT_OTHER_TASK) {
		return OBJECT_IRQ;
	}
	switch (index) {
	case AT_FACTORY:
		return OBJECT_FACTORY;
	case AT_OTHER_THREAD:
		return OBJECT_THREAD;
	case AT_SCHEDULER:
		return OBJECT_SCHEDULER;
	case AT_ICU:
		return OBJECT_ICU;
	case AT_PLATFORM:
		return OBJECT_PLATFORM;
	case AT_LOG:
		return OBJECT_LOG;
	case AT_FOREIGN:
		return OBJECT_GATE;
	default:
		return OBJECT_TASK;
	}
}

static uint64_t wild(struct random *random)
{
	static const uint64_t edges[] = {
		0,
		1,
		2,
		63,
		64,
		65,
		127,
		128,
		4095,
		4096,
		4097,
		CAP_INDEX_LIMIT - 1,
		CAP_INDEX_LIMIT,
		CAP_INDEX_LIMIT + 1,
		1ul << 31,
		1ul << 32,
		(1ul << 47) - 4096,
		1ul << 47,
		(1ul << 48) - 4096,
		1ul << 48,
		(1ul << 48) + 4096,
		1ul << 52,
		1ul << 62,
		1ul << 63,
		~0ul,
		~0ul - 4095,
		~0ul << 12,
		0xffff000000000000,
		0xffff800000000000,
		0xffffffff80000000,
		0x7ffff8000000,
		0x7ffff0000000,
		BOOT_INFO_WINDOW,
		BOOT_INFO_WINDOW + 0x40000000,
	};
	switch (random_below(random, 4)) {
	case 0:
		return random_next(random);
	case 1:
		return 1ul << random_below(random, 64);
	case 2:
		return random_next(random) >> random_below(random, 64);
	default:
		return edges[random_below(random, sizeof(edges) / sizeof(edges[0]))];
	}
}

static uint64_t some_address(const struct hostile *hostile, struct random *random)
{
	uint64_t own = random_below(random, 2);
	uint64_t base = own != 0 ? hostile->own : hostile->none,
		 size = own != 0 ? hostile->own_size : hostile->none_size;
	uint64_t address = base + random_below(random, size / PAGE) * PAGE;
	switch (random_below(random, 12)) {
	case 0:
		return address & ~(BLOCK - 1);
	case 1:
		return hostile->read_only;
	case 2:
		return address + random_below(random, PAGE);
	default:
		return address;
	}
}

static uint64_t argument(const struct hostile *hostile, struct random *random, char meaning)
{
	if (random_below(random, 10) == 0) {
		return wild(random);
	}
	switch (meaning) {
	case 'i':
		return random_below(random, 8) == 0 ? random_below(random, 300)
						    : random_below(random, AT_END);
	case 'a':
		return some_address(hostile, random);
	case 's':
		return (1 + random_below(random, 64)) * PAGE;
	case 'f':
		return random_below(random, 64);
	case 'b':
		return random_below(random, 2) == 0 ? 0 : 0x1000 + random_below(random, 16);
	case 'o': {
		static const uint64_t orders[] = {12, 12, 12, 21, 30, 13};
		return orders[random_below(random, 6)];
	}
	case 'n':
		return random_below(random, 70);
	case 'p':
		return random_below(random, 2) == 0 ? (uint64_t)yield_for_ever
						    : random_next(random);
	case '0':
		return 0;
	default:
		return random_next(random);
	}
}

/* ---- calls ---- */

static void random_utcb(const struct hostile *hostile, struct random *random)
{
	struct utcb *utcb = strata_utcb();
	for (unsigned i = 0; i < 4; i++) {
		bool memory = random_below(random, 2) != 0;
		uint64_t page = memory ? (some_address(hostile, random) & ~(PAGE - 1)) |
						 argument(hostile, random, 'o') << 6 |
						 (1 + random_below(random, 7))
				       : random_below(random, AT_END) << 12 | ITEM_CAPABILITY;
		uint64_t place = random_below(random, 80) << 12 | random_below(random, 8);
		utcb->items[i] =
			(struct message_item){random_below(random, 12) == 0 ? wild(random) : page,
					      random_below(random, 12) == 0 ? wild(random) : place};
	}
	bool sane = random_below(random, 8) != 0;
	utcb->memory_window = sane ? (struct window){hostile->none, hostile->none_size}
				   : (struct window){wild(random), wild(random)};
	utcb->capability_window = sane ? (struct window){AT_FREE, AT_END - AT_FREE}
				       : (struct window){wild(random), wild(random)};
	utcb->forward_window = sane ? (struct window){0, hostile->none_size}
				    : (struct window){wild(random), wild(random)};
	utcb->forward_rights = random_below(random, 8);
	for (unsigned i = MESSAGE_REGISTERS; i < MESSAGE_WORDS; i++) {
		utcb->words[i] = random_next(random);
	}
}

static uint64_t random_tag(struct random *random, uint64_t label, unsigned words)
{
	unsigned items = random_below(random, 3) == 0 ? (unsigned)random_below(random, 4) : 0;
	uint64_t tag = TAG_MAKE(label, words, items);
	return random_below(random, 20) == 0 ? tag ^ wild(random) : tag;
}

/* An object call, with words that mean something to it mostly. */
static void make_call(const struct hostile *hostile, struct random *random, uint64_t x[32])
{
	uint64_t index = argument(hostile, random, 'i');
	unsigned kind = random_below(random, 6) == 0
				? 1 + (unsigned)random_below(random, OBJECT_KINDS - 1)
				: kind_at(index);
	uint64_t label = random_below(random, 13);
	const char *meaning = meanings[kind][label];
	unsigned words = 0;
	if (meaning != NULL) {
		for (; meaning[words] != '\0'; words++) {
			x[words] = argument(hostile, random, meaning[words]);
		}
	}
	if (random_below(random, 8) == 0) {
		words = (unsigned)random_below(random, 65);
	}
	x[8] = random_tag(random, label, words);
	x[9] = index;
}

/* So that it wakes again. */
static void make_wait(struct random *random, uint64_t x[32])
{
	x[0] = random_next(random);
	x[1] = random_below(random, 4) == 0 ? wild(random) | 1
					    : now() + random_below(random, milliseconds(1));
	x[9] = random_below(random, 16) == 0 ? wild(random) | 2 : WAIT_CLOSED;
}

static void check_answer(struct hostile *hostile, const uint64_t x[32], unsigned operation,
			 uint64_t index)
{
	bool kernel = (x[8] & TAG_KERNEL) != 0;
	uint32_t label = TAG_LABEL(x[8]);
	bool good = !kernel || label < STATUS_COUNT || label == LABEL_IRQ || label == LABEL_FAULT ||
		    label == LABEL_EXCEPTION;
	uint64_t rest = 0;
	for (unsigned i = 10; i < 19; i++) {
		rest |= x[i];
	}
	good = good && rest == 0 && TAG_WORDS(x[8]) <= MESSAGE_WORDS &&
	       TAG_ITEMS(x[8]) <= MESSAGE_ITEMS;
	for (unsigned i = 19; i < 31; i++) {
		good = good && x[i] == i;
	}
	if (!good && hostile->strange++ == 0) {
		hostile->strange_tag = x[8];
		hostile->strange_operation = operation;
		hostile->strange_index = index;
	}
}

/* `server`: takes calls as well. */
static void rage(struct hostile *hostile, unsigned number)
{
	struct random random = {hostile->seed * 3 + number + 1};
	bool server = number != 0;
	for (;;) {
		uint64_t x[32];
		for (unsigned i = 0; i < 32; i++) {
			x[i] = i < 10 ? random_next(&random) : i;
		}
		random_utcb(hostile, &random);
		unsigned operation = SYSCALL_CALL;
		uint64_t what = random_below(&random, 20);
		if (what < 2) {
			operation = SYSCALL_WAIT;
			make_wait(&random, x);
		} else if (what == 2) {
			operation = SYSCALL_YIELD + (unsigned)random_below(&random, 4);
		} else if (what < 10 && server) {
			operation = random_below(&random, 4) == 0 ? SYSCALL_FORWARD
								  : SYSCALL_REPLY_WAIT;
			x[8] = random_tag(&random,
					  random_below(&random, 3) == 0 ? random_next(&random) : 0,
					  (unsigned)random_below(&random, 10));
			x[9] = argument(hostile, &random, 'i');
		} else if (what == 10) {
			operation = SYSCALL_FORWARD;
			x[8] = random_tag(&random, 3, (unsigned)random_below(&random, 10));
			x[9] = argument(hostile, &random, 'i');
			if (!server) {
				operation = SYSCALL_CALL;
			}
		} else {
			make_call(hostile, &random, x);
		}
		hostile->last[number][0] = operation;
		hostile->last[number][1] = x[8];
		hostile->last[number][2] = x[9];
		hostile->last[number][3] = x[0];
		uint64_t index = x[9];
		raw_system_call(x, operation);
		check_answer(hostile, x, operation, index);
		hostile->calls++;
	}
}

static void rage_0(void *argument)
{
	rage(argument, 0);
}

static void rage_1(void *argument)
{
	rage(argument, 1);
}

static void rage_2(void *argument)
{
	rage(argument, 2);
}

static void (*const rages[THREADS])(void *) = {rage_0, rage_1, rage_2};

/* ---- a round ---- */

struct round {
	cap_t factory;
	struct child_task task, other;
	struct thread other_thread;
	struct hostile *hostile;
	cap_t gates[4], irqs[4];
	uint64_t frames, read_only;
};

static bool give_all(struct round *round, cap_t foreign)
{
	bool good = EXPECT_OK(give_cap(&round->task, round->factory, AT_FACTORY, RIGHTS_ALL, 0));
	for (unsigned i = 0; i < THREADS; i++) {
		good = good && EXPECT_OK(give_cap(&round->task, round->hostile->threads[i].cap,
						  AT_THREADS + i, RIGHTS_ALL, 0));
	}
	for (unsigned i = 0; i < 4; i++) {
		round->gates[i] = new_cap();
		round->irqs[i] = new_cap();
		good = good &&
		       EXPECT_OK(strata_create_gate(round->factory, round->gates[i].index,
						    GATE_ANY_CORE)) &&
		       EXPECT_OK(strata_create_irq(round->factory, round->irqs[i].index)) &&
		       EXPECT_OK(give_cap(&round->task, round->gates[i], AT_GATES + i, RIGHTS_ALL,
					  0)) &&
		       EXPECT_OK(
			       give_cap(&round->task, round->irqs[i], AT_IRQS + i, RIGHTS_ALL, 0));
	}
	(void)strata_irq_bind(round->irqs[0], round->hostile->threads[1].cap, 0);
	(void)strata_thread_bind(round->hostile->threads[1].cap, round->gates[0]);
	(void)strata_thread_bind(round->hostile->threads[2].cap, round->gates[1]);
	(void)strata_thread_set_pager(round->hostile->threads[0].cap, round->gates[0]);
	(void)strata_thread_set_exception_gate(round->hostile->threads[0].cap, round->gates[1]);
	return good &&
	       EXPECT_OK(give_cap(&round->task, round->other.cap, AT_OTHER_TASK, RIGHTS_ALL, 0)) &&
	       EXPECT_OK(give_cap(&round->task, round->other_thread.cap, AT_OTHER_THREAD,
				  RIGHTS_ALL, 0)) &&
	       EXPECT_OK(give_cap(&round->task, SCHEDULER, AT_SCHEDULER, RIGHT_READ, 0)) &&
	       EXPECT_OK(give_cap(&round->task, cap_t_of(ROOT_CAP_ICU), AT_ICU, RIGHTS_ALL, 0)) &&
	       EXPECT_OK(give_cap(&round->task, PLATFORM, AT_PLATFORM, RIGHT_READ, 0)) &&
	       EXPECT_OK(give_cap(&round->task, cap_t_of(ROOT_CAP_LOG), AT_LOG, RIGHT_READ, 0)) &&
	       EXPECT_OK(give_cap(&round->task, foreign, AT_FOREIGN, FOREIGN_RIGHTS, 0));
}

static bool make_round(struct round *round, uint64_t seed, cap_t foreign, struct hostile *hostile)
{
	round->factory = new_cap();
	round->hostile = hostile;
	memset(hostile, 0, sizeof(*hostile));
	if (!EXPECT_OK(strata_create_factory(FACTORY, round->factory.index, 4 << 20)) ||
	    !make_task_from(&round->task, round->factory) ||
	    !make_task_from(&round->other, round->factory)) {
		return false;
	}
	/* It must not reach what belongs to the test: only its own page of the shared memory. */
	EXPECT_OK(strata_task_unmap(round->task.cap, (uint64_t)hostile & ~(BLOCK - 1), BLOCK,
				    UNMAP_SELF, NULL));
	EXPECT_OK(strata_task_unmap(round->other.cap, (uint64_t)hostile & ~(BLOCK - 1), BLOCK,
				    UNMAP_SELF, NULL));
	map_to(&round->task, (uint64_t)hostile, (uint64_t)hostile, PAGE, READ_WRITE);
	/* The log is for us. */
	EXPECT_OK(strata_cap_delete(round->task.cap, CHILD_CAP_LOG));
	EXPECT_OK(strata_cap_delete(round->other.cap, CHILD_CAP_LOG));
	hostile->seed = seed;
	hostile->own = new_addresses(BLOCK, 21);
	hostile->own_size = 64 * PAGE;
	hostile->none = new_addresses(BLOCK, 21);
	hostile->none_size = 256 * PAGE;
	hostile->read_only = new_addresses(PAGE, 12);
	uint64_t slice = seed % 3 == 0 ? 100 : 500;
	map_to(&round->task, round->frames, hostile->own, hostile->own_size,
	       PAGE_RIGHTS | (seed % 2 != 0 ? MAP_TRACK : 0));
	map_to(&round->task, round->read_only, hostile->read_only, PAGE, PAGE_READ);
	for (unsigned i = 0; i < THREADS; i++) {
		if (!make_thread_from(&hostile->threads[i], &round->task, round->factory)) {
			return false;
		}
		expect_no_report(&hostile->threads[i]);
		EXPECT_OK(strata_scheduler_set(
			SCHEDULER, hostile->threads[i].cap, 0,
			PRIORITY_MAIN - 10 - (unsigned)(seed / 2 % 2) * (i % 2), slice));
	}
	if (!make_thread_from(&round->other_thread, &round->other, round->factory)) {
		return false;
	}
	expect_no_report(&round->other_thread); /* it will be started, and fail */
	set_priority(&round->other_thread, PRIORITY_MAIN - 20);
	return give_all(round, foreign);
}

/* Its first thread may be in a call that nobody answers, or have stopped. */
static bool is_alive(const struct round *round)
{
	bool alive = false;
	for (unsigned i = 0; i < THREADS; i++) {
		struct strata_thread_info info;
		if (strata_thread_info(round->hostile->threads[i].cap, &info) != STATUS_OK) {
			continue;
		}
		alive = alive ||
			(info.state != THREAD_STATE_STOPPED && info.state != THREAD_STATE_IDLE);
		if (info.state == THREAD_STATE_IN_CALL || info.state == THREAD_STATE_CALLING ||
		    info.state == THREAD_STATE_WAITING) {
			(void)strata_thread_cancel(round->hostile->threads[i].cap);
		}
	}
	return alive;
}

static void run_round(struct round *round)
{
	const struct hostile *hostile = round->hostile;
	for (unsigned i = 0; i < THREADS; i++) {
		(void)start_thread(&round->hostile->threads[THREADS - 1 - i],
				   rages[THREADS - 1 - i], round->hostile);
	}
	uint64_t before = 0;
	unsigned stuck = 0;
	while (hostile->calls < CALLS_PER_ROUND && stuck < 4) {
		sleep_for(milliseconds(1));
		if (hostile->calls == before) {
			stuck += is_alive(round) ? 1 : 4;
			(void)strata_irq_trigger(round->irqs[0]);
		} else {
			stuck = 0;
		}
		before = hostile->calls;
	}
}

/* Nothing of what it was given has grown. */
static void check_capabilities(const struct round *round)
{
	for (uint64_t index = 1; index < 320; index++) {
		enum object_kind kind;
		unsigned rights;
		uint64_t badge;
		if (strata_cap_info(round->task.cap, index, &kind, &rights, &badge) != STATUS_OK) {
			continue;
		}
		bool looks_only =
			kind == OBJECT_SCHEDULER || kind == OBJECT_PLATFORM || kind == OBJECT_LOG;
		EXPECT(!looks_only || (rights & ~RIGHT_READ) == 0);
		EXPECT(kind != OBJECT_GATE || badge != FOREIGN_BADGE ||
		       (rights & ~FOREIGN_RIGHTS) == 0);
		EXPECT(kind != OBJECT_NONE && kind < OBJECT_KINDS);
		EXPECT((rights & ~RIGHTS_ALL) == 0);
	}
}

/* ---- the others ---- */

/* A task that works with memory and a server all the time. */
struct bystander {
	struct child_task task;
	struct thread thread;
	struct server *server;
	uint64_t memory;
	volatile uint64_t rounds, wrong, stop;
};

static void stand_by(void *argument)
{
	struct bystander *bystander = argument;
	while (bystander->stop == 0) {
		uint64_t number = bystander->rounds + 1;
		for (unsigned i = 0; i < 8; i++) {
			poke(bystander->memory + i * PAGE, number * 8 + i);
		}
		struct message message = message_of(5, 2, 0);
		message.words[0] = number;
		uint32_t label = strata_call(cap_t_of(40), &message);
		bystander->wrong += label != STATUS_OK || message.words[0] != number + 1 ? 1 : 0;
		sleep_for(milliseconds(1) / 4);
		for (unsigned i = 0; i < 8; i++) {
			bystander->wrong +=
				peek(bystander->memory + i * PAGE) != number * 8 + i ? 1 : 0;
		}
		bystander->rounds = number;
	}
}

static void serve_plus_one(struct server *server, struct message *message)
{
	(void)server;
	message->words[0]++;
	message->tag = TAG_MAKE(STATUS_OK, 2, 0);
}

static bool make_bystander(struct bystander *bystander)
{
	bystander->memory = new_addresses(BLOCK, 21);
	bystander->server = new_server(NULL, serve_plus_one);
	if (!make_task(&bystander->task)) {
		return false;
	}
	map_to(&bystander->task, new_frame(15), bystander->memory, 8 * PAGE, READ_WRITE);
	return EXPECT_OK(give_cap(&bystander->task, bystander->server->gate, 40, RIGHT_READ, 0)) &&
	       make_thread(&bystander->thread, &bystander->task) &&
	       start_thread(&bystander->thread, stand_by, bystander);
}

static void rounds_of(uint64_t rounds, uint64_t seed)
{
	struct round round = {.frames = new_frame(18), .read_only = new_frame(12)};
	struct bystander *bystander = new_shared(sizeof(*bystander));
	struct hostile *hostile = (struct hostile *)new_frame(12);
	uint64_t canary = new_frame(18), calls = 0;
	REQUIRE(make_bystander(bystander));
	struct server *foreign = new_server(NULL, serve_plus_one);
	cap_t badged = new_cap();
	REQUIRE_OK(strata_cap_derive(OWN_TASK, foreign->gate, badged.index, RIGHTS_ALL,
				     FOREIGN_BADGE));
	memset((void *)canary, 0x5a, 1 << 18);
	memset((void *)round.read_only, 0xa5, PAGE);
	uint64_t used = used_by(FACTORY);
	struct resource_mark mark = mark_resources();
	for (uint64_t i = 0; i < rounds; i++) {
		allow_milliseconds(20000);
		reset_resources_to(&mark);
		REQUIRE(make_round(&round, seed + i, badged, hostile));
		run_round(&round);
		calls += hostile->calls;
		check_capabilities(&round);
		REQUIRE_OK(strata_cap_delete(OWN_TASK, round.factory.index));
		REQUIRE_OK(strata_task_unmap(OWN_TASK, round.frames, 1 << 18, 0, NULL));
		for (unsigned tries = 0; tries < 10 && used_by(FACTORY) != used; tries++) {
			sleep_for(milliseconds(1));
		}
		bool good = EXPECT_EQ(used_by(FACTORY), used) && EXPECT_EQ(hostile->strange, 0) &&
			    EXPECT_EQ(bystander->wrong, 0);
		for (uint64_t offset = 0; offset < 1 << 18; offset += 8) {
			good = good && EXPECT_EQ(peek(canary + offset), 0x5a5a5a5a5a5a5a5a);
		}
		for (uint64_t offset = 0; offset < PAGE; offset += 8) {
			good = good &&
			       EXPECT_EQ(peek(round.read_only + offset), 0xa5a5a5a5a5a5a5a5);
		}
		if (!good) {
			note("seed %lu: after %lu calls; strange: operation %lu index 0x%lx tag 0x%lx",
			     seed + i, hostile->calls, hostile->strange_operation,
			     hostile->strange_index, hostile->strange_tag);
			for (unsigned t = 0; t < THREADS; t++) {
				note("thread %u: last operation %lu tag 0x%lx x9 0x%lx x0 0x%lx", t,
				     hostile->last[t][0], hostile->last[t][1], hostile->last[t][2],
				     hostile->last[t][3]);
			}
			return;
		}
	}
	note("%lu calls in %lu rounds, seeds from %lu", calls, rounds, seed);
	EXPECT(calls > rounds * CALLS_PER_ROUND / 4);
	EXPECT(bystander->rounds > rounds / 4);
	bystander->stop = 1;
	EXPECT(join(&bystander->thread));
}

static void random_calls(void)
{
	rounds_of(is_long_run() ? ROUNDS_LONG : ROUNDS, first_seed());
}

TEST_TABLE({"random system calls harm nobody", random_calls});
