/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FP/SIMD registers: each thread has its own, and sees nobody else's.
 */
#include "callers.h"

#define FP_WORDS 66
#define FPCR     64
#define FPSR     65

void fp_fill(uint64_t number);
void fp_store(uint64_t *words);

static bool is_filled_with(const uint64_t *words, uint64_t number)
{
	bool good = true;
	for (unsigned i = 0; i < 64; i++) {
		good = good && words[i] == number + i / 2;
	}
	return good && words[FPCR] == (number & 3) << 22 && (words[FPSR] & 0x1f) == (number & 0x1f);
}

static bool is_clean(const uint64_t *words)
{
	uint64_t any = 0;
	for (unsigned i = 0; i < FP_WORDS; i++) {
		any |= words[i];
	}
	return any == 0;
}

struct user {
	struct thread thread;
	uint64_t number;
	uint64_t first[FP_WORDS], words[FP_WORDS];
	volatile uint64_t rounds, wrong, stop;
	cap_t gate;
};

/* Fills, lets others run, looks; and again. */
static void use(struct user *user, void (*between)(struct user *user))
{
	fp_store(user->first);
	for (uint64_t i = 0; user->stop == 0; i++) {
		uint64_t number = user->number + 64 * i;
		fp_fill(number);
		between(user);
		fp_store(user->words);
		user->wrong += is_filled_with(user->words, number) ? 0 : 1;
		user->rounds = i + 1;
	}
}

static void between_yield(struct user *user)
{
	(void)user;
	strata_yield();
}

static void between_nothing(struct user *user)
{
	(void)user;
	spin_for(milliseconds(1) / 8);
}

static void between_call(struct user *user)
{
	struct message message = message_of(1, 1, 0);
	(void)strata_call(user->gate, &message);
}

static void between_sleep(struct user *user)
{
	(void)user;
	sleep_for(milliseconds(1) / 8);
}

static void use_and_yield(void *argument)
{
	use(argument, between_yield);
}

static void use_and_spin(void *argument)
{
	use(argument, between_nothing);
}

static void use_and_call(void *argument)
{
	use(argument, between_call);
}

static void use_and_sleep(void *argument)
{
	use(argument, between_sleep);
}

static struct user *new_user(const struct child_task *task, void (*run)(void *), uint64_t number,
			     cap_t gate)
{
	struct user *user = new_shared(sizeof(*user));
	user->number = number;
	user->gate = gate;
	if (make_thread(&user->thread, task)) {
		EXPECT_OK(strata_scheduler_set(SCHEDULER, user->thread.cap, 0, PRIORITY_MAIN - 10,
					       300));
		(void)start_thread(&user->thread, run, user);
	}
	return user;
}

static void expect_good(struct user *const *users, unsigned count)
{
	sleep_for(milliseconds(80));
	for (unsigned i = 0; i < count; i++) {
		users[i]->stop = 1;
	}
	for (unsigned i = 0; i < count; i++) {
		EXPECT(join(&users[i]->thread));
		EXPECT(users[i]->rounds > 2);
		EXPECT_EQ(users[i]->wrong, 0);
		EXPECT(is_clean(users[i]->first));
	}
}

static void threads_have_their_own(void (*run)(void *))
{
	struct child_task child;
	struct user *users[4];
	REQUIRE(make_task(&child));
	struct server *server = new_server(NULL, serve_echo);
	REQUIRE_OK(give_cap(&child, server->gate, 40, RIGHTS_ALL, 0));
	for (unsigned i = 0; i < 4; i++) {
		users[i] = new_user(i % 2 == 0 ? NULL : &child, run, 0x1000000 * (i + 1),
				    i % 2 == 0 ? server->gate : cap_t_of(40));
	}
	uint64_t switches = counter(COUNTER_FP_SWITCHES);
	expect_good(users, 4);
	EXPECT(counter(COUNTER_FP_SWITCHES) - switches > 4);
}

static void own_through_yields(void)
{
	threads_have_their_own(use_and_yield);
}

static void own_through_preemption(void)
{
	threads_have_their_own(use_and_spin);
}

static void own_through_waits(void)
{
	threads_have_their_own(use_and_sleep);
}

static void own_through_calls(void)
{
	threads_have_their_own(use_and_call);
}

/* The server uses them too. */
static void serve_with_fp(struct server *server, struct message *message)
{
	uint64_t words[FP_WORDS];
	fp_fill(0x7000 + server->calls % 64);
	fp_store(words);
	server->last[1] += is_filled_with(words, 0x7000 + server->calls % 64) ? 0 : 1;
	message->tag = TAG_MAKE(STATUS_OK, 1, 0);
}

static void own_while_the_server_uses_them_too(void)
{
	struct server *server = new_server(NULL, serve_with_fp);
	struct user *users[2];
	for (unsigned i = 0; i < 2; i++) {
		users[i] = new_user(NULL, use_and_call, 0x100000 * (i + 1), server->gate);
	}
	expect_good(users, 2);
	EXPECT(server->calls > 4);
	EXPECT_EQ(server->last[1], 0);
}

static void fill_and_stop(void *argument)
{
	(void)argument;
	fp_fill(0x5ec0e7);
}

static void store_first(void *argument)
{
	fp_store(argument);
}

/* Of a dead thread nothing is left for the next one; nor of one that only waits. */
static void new_threads_find_nothing(bool kill, bool other_task)
{
	struct child_task child;
	struct thread first, second;
	uint64_t *words = new_shared(FP_WORDS * 8);
	REQUIRE(make_task(&child));
	for (unsigned i = 0; i < FP_WORDS; i++) {
		words[i] = 1;
	}
	REQUIRE(spawn(&first, NULL, fill_and_stop, NULL));
	EXPECT(join(&first));
	if (kill) {
		REQUIRE_OK(strata_cap_delete(OWN_TASK, first.cap.index));
	}
	REQUIRE(spawn(&second, other_task ? &child : NULL, store_first, words));
	EXPECT(join(&second));
	EXPECT(is_clean(words));
}

static void nothing_is_left_of_a_dead_thread(void)
{
	new_threads_find_nothing(true, false);
	new_threads_find_nothing(true, true);
}

static void nothing_is_seen_of_a_living_one(void)
{
	new_threads_find_nothing(false, false);
	new_threads_find_nothing(false, true);
}

static void restarted_thread_keeps_its_own(void)
{
	struct thread thread;
	uint64_t *words = new_shared(FP_WORDS * 8);
	REQUIRE(spawn(&thread, NULL, fill_and_stop, NULL));
	REQUIRE_OK(strata_thread_suspend(thread.cap));
	REQUIRE_OK(strata_thread_cancel(thread.cap));
	thread.start->done = 0;
	REQUIRE(start_thread(&thread, store_first, words));
	EXPECT(join(&thread));
	EXPECT(is_filled_with(words, 0x5ec0e7));
}

static void serve_page(struct server *server, struct message *message)
{
	const uint64_t *from = server->context;
	answer_page(message, *from, PAGE_READ | PAGE_WRITE, message->words[FAULT_WORD_ADDRESS]);
}

/* The only user of them: others come and go without a switch. */
static void paging_and_calls_do_not_switch(void)
{
	struct child_task child;
	struct thread thread;
	uint64_t words[FP_WORDS], *from = new_shared(8);
	struct access *access = new_shared(sizeof(*access));
	*from = new_frame(12);
	struct server *pager = new_server_with(NULL, serve_page, (struct server){.context = from});
	struct server *server = new_server(NULL, serve_echo);
	REQUIRE(make_task(&child) && make_thread(&thread, &child));
	REQUIRE_OK(strata_thread_set_pager(thread.cap, pager->gate));
	access->address = new_addresses(4096, 12);
	fp_fill(0x123400);
	uint64_t switches = counter(COUNTER_FP_SWITCHES);
	REQUIRE(start_thread(&thread, do_access, access));
	EXPECT(join(&thread));
	for (unsigned i = 0; i < 10; i++) {
		struct message message = message_of(1, 1, 0);
		(void)strata_call(server->gate, &message);
		strata_yield();
	}
	fp_store(words);
	EXPECT(is_filled_with(words, 0x123400));
	EXPECT_EQ(counter(COUNTER_FP_SWITCHES), switches);
	EXPECT_EQ(pager->calls, 1);
}

TEST_TABLE({"threads have their own FP registers through yields", own_through_yields},
	   {"threads have their own FP registers through preemption", own_through_preemption},
	   {"threads have their own FP registers through waits", own_through_waits},
	   {"threads have their own FP registers through calls", own_through_calls},
	   {"callers keep their FP registers though the server uses them",
	    own_while_the_server_uses_them_too},
	   {"nothing is left of a dead thread's FP registers", nothing_is_left_of_a_dead_thread},
	   {"nothing is seen of a living thread's FP registers", nothing_is_seen_of_a_living_one},
	   {"a thread that is started again keeps its FP registers",
	    restarted_thread_keeps_its_own},
	   {"paging and calls switch no FP registers", paging_and_calls_do_not_switch});
