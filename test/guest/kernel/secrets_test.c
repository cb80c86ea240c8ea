/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nobody sees what is not meant for him: one thread keeps a pattern in all registers that it can set and in all of its UTCB while
 * it does everything that enters the kernel; another one looks for it in all registers, and in its own UTCB, after everything that
 * leaves the kernel.
 */
#include "callers.h"

#include <string.h>

#define SECRET      0x5ec4e70000000000ul
#define SECRET_MASK 0xffffff0000000000ul

void store_first_registers(void);
void fp_store(uint64_t *words);
void fp_fill(uint64_t number);

static bool is_secret(uint64_t word)
{
	return (word & SECRET_MASK) == SECRET;
}

static void fill_registers(uint64_t x[32])
{
	for (unsigned i = 0; i < 32; i++) {
		x[i] = SECRET + i;
	}
}

static void fill_utcb(void)
{
	uint64_t *words = (uint64_t *)strata_utcb();
	for (unsigned i = 0; i < sizeof(struct utcb) / 8; i++) {
		words[i] = SECRET + 0x1000 + i;
	}
	strata_utcb()->memory_window = (struct window){0, 0};
	strata_utcb()->capability_window = (struct window){0, 0};
}

/* How many secrets are in the UTCB of the running thread, all 4096 bytes of it. */
static uint64_t secrets_in_utcb(void)
{
	const uint64_t *words = (const uint64_t *)strata_utcb();
	uint64_t found = 0;
	for (unsigned i = 0; i < 4096 / 8; i++) {
		found += is_secret(words[i]) ? 1 : 0;
	}
	return found;
}

static uint64_t secrets_in(const uint64_t x[32])
{
	uint64_t found = 0;
	for (unsigned i = 0; i < 31; i++) {
		found += is_secret(x[i]) ? 1 : 0;
	}
	return found;
}

/* ---- the one who keeps secrets ---- */

struct keeper {
	struct thread thread;
	volatile uint64_t stop, rounds;
	uint64_t gate,
		page; /* a server that it calls; a page that is taken from it again and again */
};

static void keep_secrets(void *argument)
{
	struct keeper *keeper = argument;
	fp_fill(SECRET);
	while (keeper->stop == 0) {
		uint64_t x[32];
		unsigned kind = (unsigned)(keeper->rounds % 6);
		fill_utcb();
		fill_registers(x);
		x[8] = TAG_MAKE(SECRET, 0, 0);
		if (kind == 0) {
			raw_system_call(x, SYSCALL_YIELD);
		} else if (kind == 1) {
			x[9] = keeper->gate;
			raw_system_call(x, SYSCALL_CALL);
		} else if (kind == 2) {
			x[0] = 0;
			x[1] = now() + milliseconds(1) / 20;
			x[9] = WAIT_CLOSED;
			raw_system_call(x, SYSCALL_WAIT);
		} else if (kind == 3) {
			x[9] = CHILD_CAP_TASK;
			x[8] = TAG_MAKE(TASK_ACCOUNT, 0, 0);
			raw_system_call(x, SYSCALL_CALL);
		} else if (kind == 4) {
			raw_system_call(x, 6);
		} else {
			(void)peek(keeper->page);
			spin_for(milliseconds(1) / 10);
		}
		keeper->rounds++;
	}
}

static void serve_zero_page(struct server *server, struct message *message)
{
	const uint64_t *from = server->context;
	answer_page(message, *from, PAGE_READ, message->words[FAULT_WORD_ADDRESS]);
}

static void serve_nothing(struct server *server, struct message *message)
{
	(void)server;
	*message = message_of(STATUS_OK, 0, 0);
}

struct scene {
	struct child_task keepers, lookers;
	struct keeper *keeper;
	struct server *server;
	uint64_t *frame;
};

static bool make_scene(struct scene *scene)
{
	scene->keeper = new_shared(sizeof(*scene->keeper));
	scene->frame = new_shared(8);
	*scene->frame = new_frame(12);
	if (!make_task(&scene->keepers) || !make_task(&scene->lookers)) {
		return false;
	}
	scene->server = new_server(NULL, serve_nothing);
	struct server *pager =
		new_server_with(NULL, serve_zero_page, (struct server){.context = scene->frame});
	scene->keeper->gate = 40;
	scene->keeper->page = new_addresses(4096, 12);
	return EXPECT_OK(give_cap(&scene->keepers, scene->server->gate, 40, RIGHTS_ALL, 0)) &&
	       EXPECT_OK(give_cap(&scene->lookers, scene->server->gate, 40, RIGHTS_ALL, 0)) &&
	       make_thread(&scene->keeper->thread, &scene->keepers) &&
	       EXPECT_OK(strata_thread_set_pager(scene->keeper->thread.cap, pager->gate)) &&
	       EXPECT_OK(strata_scheduler_set(SCHEDULER, scene->keeper->thread.cap, 0,
					      PRIORITY_MAIN - 10, 300)) &&
	       start_thread(&scene->keeper->thread, keep_secrets, scene->keeper);
}

/* ---- the one who looks for them ---- */

struct looker {
	struct thread thread;
	volatile uint64_t stop, rounds, found_registers, found_utcb, found_fp, operation;
};

static void look(void *argument)
{
	struct looker *looker = argument;
	uint64_t words[66];
	while (looker->stop == 0) {
		uint64_t x[32];
		unsigned kind = (unsigned)(looker->rounds % 7);
		for (unsigned i = 0; i < 32; i++) {
			x[i] = 0x100 + i;
		}
		x[8] = TAG_MAKE(1, looker->rounds % 9, 0);
		if (kind == 0) {
			raw_system_call(x, SYSCALL_YIELD);
		} else if (kind == 1) {
			x[9] = 40;
			raw_system_call(x, SYSCALL_CALL);
		} else if (kind == 2) {
			x[0] = 0;
			x[1] = now() + milliseconds(1) / 20;
			x[9] = WAIT_CLOSED;
			raw_system_call(x, SYSCALL_WAIT);
		} else if (kind == 3) {
			x[9] = 999;
			raw_system_call(x, SYSCALL_CALL);
		} else if (kind == 4) {
			raw_system_call(x, SYSCALL_FORWARD);
		} else if (kind == 5) {
			x[9] = CHILD_CAP_TASK;
			x[8] = TAG_MAKE(TASK_CAP_INFO, 1, 0);
			x[0] = 40;
			raw_system_call(x, SYSCALL_CALL);
		} else {
			raw_system_call(x, 7);
		}
		looker->found_registers += secrets_in(x);
		looker->found_utcb += secrets_in_utcb();
		if (kind == 2) {
			fp_store(words);
			for (unsigned i = 0; i < 66; i++) {
				looker->found_fp += is_secret(words[i]) ? 1 : 0;
			}
		}
		looker->operation = looker->found_registers == 0 ? kind : looker->operation;
		looker->rounds++;
	}
}

static void no_register_shows_a_secret(void)
{
	struct scene scene;
	struct looker *looker = new_shared(sizeof(*looker));
	allow_milliseconds(15000);
	REQUIRE(make_scene(&scene));
	REQUIRE(make_thread(&looker->thread, &scene.lookers));
	REQUIRE_OK(strata_scheduler_set(SCHEDULER, looker->thread.cap, 0, PRIORITY_MAIN - 10, 300));
	REQUIRE(start_thread(&looker->thread, look, looker));
	for (unsigned i = 0; i < 200; i++) {
		sleep_for(milliseconds(1));
		REQUIRE_OK(strata_task_unmap(OWN_TASK, *scene.frame, 4096, 0, NULL));
	}
	scene.keeper->stop = 1;
	looker->stop = 1;
	EXPECT(join(&looker->thread));
	EXPECT(join(&scene.keeper->thread));
	EXPECT(looker->rounds > 50);
	EXPECT(scene.keeper->rounds > 50);
	EXPECT_EQ(looker->found_registers, 0);
	EXPECT_EQ(looker->found_utcb, 0);
	EXPECT_EQ(looker->found_fp, 0);
}

/* The server that the keeper calls with no words, and its pager, see what is sent and nothing else. */
struct raw_server {
	struct thread thread;
	volatile uint64_t rounds, found_registers, found_utcb, faults;
	uint64_t frame;
};

static void serve_raw(void *argument)
{
	struct raw_server *server = argument;
	uint64_t x[32] = {0};
	raw_system_call(x, SYSCALL_WAIT);
	for (;;) {
		server->found_registers += secrets_in(x);
		server->found_utcb += secrets_in_utcb();
		server->rounds++;
		uint64_t address = x[FAULT_WORD_ADDRESS];
		bool fault = (x[8] & TAG_KERNEL) != 0 && TAG_LABEL(x[8]) == LABEL_FAULT;
		for (unsigned i = 0; i < 32; i++) {
			x[i] = 0;
		}
		if (fault) {
			server->faults++;
			put_memory_item(0, server->frame, 12, PAGE_READ, address & ~0xffful, 0);
			x[8] = TAG_MAKE(STATUS_OK, 0, 1);
		}
		raw_system_call(x, SYSCALL_REPLY_WAIT);
	}
}

static void servers_and_pagers_see_what_is_meant_for_them(void)
{
	struct scene scene;
	struct raw_server *server = new_shared(sizeof(*server)),
			  *pager = new_shared(sizeof(*pager));
	cap_t gates[2] = {new_gate(), new_gate()};
	allow_milliseconds(15000);
	REQUIRE(make_scene(&scene));
	REQUIRE_OK(strata_thread_suspend(scene.keeper->thread.cap));
	REQUIRE(make_thread(&server->thread, &scene.lookers) &&
		make_thread(&pager->thread, &scene.lookers));
	pager->frame = new_addresses(4096, 12);
	REQUIRE_OK(strata_task_map(scene.lookers.cap, *scene.frame, pager->frame, 4096, PAGE_READ,
				   NULL));
	REQUIRE_OK(strata_thread_bind(server->thread.cap, gates[0]));
	REQUIRE_OK(strata_thread_bind(pager->thread.cap, gates[1]));
	REQUIRE(start_thread(&server->thread, serve_raw, server) &&
		start_thread(&pager->thread, serve_raw, pager));
	REQUIRE_OK(give_cap(&scene.keepers, gates[0], 41, RIGHTS_ALL, 0));
	scene.keeper->gate = 41;
	REQUIRE_OK(strata_thread_set_pager(scene.keeper->thread.cap, gates[1]));
	(void)strata_thread_resume(scene.keeper->thread.cap);
	for (unsigned i = 0; i < 200; i++) {
		sleep_for(milliseconds(1));
		REQUIRE_OK(strata_task_unmap(scene.lookers.cap, pager->frame, 4096, 0, NULL));
	}
	scene.keeper->stop = 1;
	EXPECT(join(&scene.keeper->thread));
	EXPECT(server->rounds > 20);
	EXPECT(pager->faults > 20);
	EXPECT_EQ(server->found_registers, 0);
	EXPECT_EQ(server->found_utcb, 0);
	EXPECT_EQ(pager->found_registers, 0);
	EXPECT_EQ(pager->found_utcb, 0);
}

/* ---- what is made anew ---- */

static void fill_utcb_and_stop(void *argument)
{
	(void)argument;
	uint64_t *words = (uint64_t *)strata_utcb();
	for (unsigned i = 0; i < 4096 / 8; i++) {
		words[i] = SECRET + i;
	}
}

static void count_in_utcb(void *argument)
{
	volatile uint64_t *found = argument;
	const uint64_t *words = (const uint64_t *)strata_utcb();
	uint64_t other = 0;
	for (unsigned i = 0; i < 4096 / 8; i++) {
		other += words[i] != 0 ? 1 : 0;
	}
	*found = other;
}

static void new_utcbs_are_clear(void)
{
	struct child_task child;
	uint64_t *found = new_shared(8);
	REQUIRE(make_task(&child));
	for (unsigned i = 0; i < 50; i++) {
		struct thread keeper, looker;
		REQUIRE(spawn(&keeper, NULL, fill_utcb_and_stop, NULL));
		EXPECT(keeper.start->done != 0);
		REQUIRE_OK(strata_cap_delete(OWN_TASK, keeper.cap.index));
		*found = 1;
		REQUIRE(spawn(&looker, &child, count_in_utcb, found));
		EXPECT_EQ(*found, 0);
		REQUIRE_OK(strata_cap_delete(OWN_TASK, looker.cap.index));
	}
}

/* Pages that were tables, capabilities and threads: full of the kernel's addresses. */
static void pages_that_the_kernel_used_are_clear(void)
{
	uint64_t *found = new_shared(8);
	struct child_task child;
	REQUIRE(make_task(&child));
	for (unsigned i = 0; i < 30; i++) {
		struct child_task other;
		struct thread threads[3], looker;
		REQUIRE(make_task(&other));
		for (unsigned j = 0; j < 3; j++) {
			REQUIRE(make_thread(&threads[j], &other));
		}
		REQUIRE_OK(strata_cap_delete(OWN_TASK, other.cap.index));
		*found = 1;
		REQUIRE(spawn(&looker, &child, count_in_utcb, found));
		EXPECT_EQ(*found, 0);
		REQUIRE_OK(strata_cap_delete(OWN_TASK, looker.cap.index));
	}
}

static void new_threads_start_clear(void)
{
	struct scene scene;
	REQUIRE(make_scene(&scene));
	for (unsigned i = 0; i < 20; i++) {
		struct thread thread;
		uint64_t *words = new_shared(34 * 8);
		REQUIRE(make_thread(&thread, &scene.lookers));
		set_priority(&thread, PRIORITY_MAIN - 10);
		REQUIRE_OK(strata_thread_start(thread.cap, (uint64_t)store_first_registers, 0x1000,
					       (uint64_t)words, 0));
		EXPECT(wait_for(&words[33], 1));
		for (unsigned j = 1; j < 31; j++) {
			EXPECT_EQ(words[j], 0);
		}
		REQUIRE_OK(strata_cap_delete(OWN_TASK, thread.cap.index));
	}
}

/* No kernel answer holds an address of the kernel's. */
static void answers_hold_no_kernel_addresses(void)
{
	struct thread thread;
	uint64_t kernel = 0xffff000000000000;
	cap_t caps[] = {OWN_TASK, cap_t_of(0), FACTORY,  SCHEDULER, cap_t_of(ROOT_CAP_ICU),
			PLATFORM, new_gate(),  new_cap()};
	REQUIRE(make_thread(&thread, NULL));
	expect_exceptions(); /* it is started, at address 0 */
	caps[1] = thread.cap;
	REQUIRE_OK(strata_create_irq(FACTORY, caps[7].index));
	for (unsigned i = 0; i < 8; i++) {
		for (uint32_t label = 0; label < 16; label++) {
			if (i == 5 && label < 2) {
				continue; /* power off, reset */
			}
			if (i == 0 && (label == TASK_UNMAP || label == TASK_CAP_DELETE)) {
				continue;
			}
			uint64_t *words = (uint64_t *)strata_utcb();
			for (unsigned j = 0; j < MESSAGE_WORDS; j++) {
				words[j] = 0;
			}
			struct message message = message_of(label, 1, 0);
			(void)strata_call(caps[i], &message);
			for (unsigned j = 0; j < MESSAGE_WORDS; j++) {
				uint64_t word = j < MESSAGE_REGISTERS ? message.words[j] : words[j];
				if (!EXPECT((word & kernel) != kernel || word == ~0ul)) {
					note("capability %u operation %u word %u: 0x%lx", i, label,
					     j, word);
				}
			}
			EXPECT_EQ(message.badge, 0);
		}
	}
}

TEST_TABLE({"no register, UTCB or FP register shows another task's secret",
	    no_register_shows_a_secret},
	   {"servers and pagers see what is meant for them",
	    servers_and_pagers_see_what_is_meant_for_them},
	   {"a new UTCB is clear", new_utcbs_are_clear},
	   {"pages that the kernel used are clear when they become UTCBs",
	    pages_that_the_kernel_used_are_clear},
	   {"new threads start with clear registers", new_threads_start_clear},
	   {"no answer holds an address of the kernel", answers_hold_no_kernel_addresses});
