/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling: priorities, slices, whose time is used, and deadlines. Figures are generous: the machine is emulated.
 */
#include "callers.h"

#define LOW  50
#define MID  70
#define NEAR 90

struct spinner {
	struct thread thread;
	volatile uint64_t count, stop;
	volatile uint64_t *order, *next; /* writes its number there when it begins */
	uint64_t number;
};

static void spin(void *argument)
{
	struct spinner *spinner = argument;
	if (spinner->next != NULL) {
		spinner->order[(*spinner->next)++] = spinner->number;
	}
	while (spinner->stop == 0) {
		spinner->count++;
	}
}

static void spin_and_yield(void *argument)
{
	struct spinner *spinner = argument;
	while (spinner->stop == 0) {
		spinner->count++;
		strata_yield();
	}
}

static struct spinner *new_spinner(unsigned priority, uint64_t slice_us, void (*run)(void *))
{
	struct spinner *spinner = new_shared(sizeof(*spinner));
	if (make_thread(&spinner->thread, NULL)) {
		EXPECT_OK(strata_scheduler_set(SCHEDULER, spinner->thread.cap, 0, priority,
					       slice_us));
		(void)start_thread(&spinner->thread, run, spinner);
	}
	return spinner;
}

/* ---- priorities ---- */

static void higher_priority_runs_at_once(void)
{
	struct spinner *high = new_shared(sizeof(*high));
	high->stop = 1;
	REQUIRE(spawn_at(&high->thread, NULL, PRIORITY_MAIN + 1, spin, high));
	EXPECT_EQ(high->thread.start->done, 1);
	struct spinner *low = new_shared(sizeof(*low));
	low->stop = 1;
	REQUIRE(spawn_at(&low->thread, NULL, PRIORITY_MAIN - 1, spin, low));
	EXPECT_EQ(low->thread.start->done, 0);
	EXPECT(join(&low->thread));
}

static void highest_of_all_runs_first(void)
{
	struct spinner *spinners[8];
	volatile uint64_t *order = new_shared(9 * 8);
	static const unsigned priorities[8] = {3, 63, 64, 65, 1, 99, 2, 80};
	static const uint64_t expected[8] = {5, 7, 3, 2, 1, 0, 6, 4};
	for (unsigned i = 0; i < 8; i++) {
		spinners[i] = new_shared(sizeof(*spinners[i]));
		spinners[i]->order = &order[1];
		spinners[i]->next = &order[0];
		spinners[i]->number = i;
		spinners[i]->stop = 1;
		REQUIRE(spawn_at(&spinners[i]->thread, NULL, priorities[i], spin, spinners[i]));
	}
	EXPECT_EQ(order[0], 0);
	for (unsigned i = 0; i < 8; i++) {
		EXPECT(join(&spinners[i]->thread));
	}
	for (unsigned i = 0; i < 8; i++) {
		EXPECT_EQ(order[1 + i], expected[i]);
	}
}

static void lower_priority_gets_nothing(void)
{
	struct spinner *mid = new_spinner(MID, SLICE_US, spin),
		       *low = new_spinner(LOW, SLICE_US, spin);
	sleep_for(milliseconds(30));
	EXPECT(mid->count != 0);
	EXPECT_EQ(low->count, 0);
	mid->stop = 1;
	sleep_for(milliseconds(10));
	EXPECT(low->count != 0);
	low->stop = 1;
}

static void priority_can_change_while_it_runs(void)
{
	struct spinner *a = new_spinner(MID, SLICE_US, spin), *b = new_spinner(LOW, SLICE_US, spin);
	sleep_for(milliseconds(10));
	EXPECT_EQ(b->count, 0);
	set_priority(&b->thread, NEAR);
	sleep_for(milliseconds(10));
	EXPECT(b->count != 0);
	uint64_t count = a->count;
	sleep_for(milliseconds(10));
	EXPECT_EQ(a->count, count);
	set_priority(&b->thread, LOW);
	sleep_for(milliseconds(10));
	EXPECT(a->count > count);
	/* Our own: below theirs we do not run until they stop. */
	a->stop = 1;
	b->stop = 1;
	REQUIRE_OK(strata_scheduler_set(SCHEDULER, cap_t_of(ROOT_CAP_THREAD), 0, 10, SLICE_US));
	EXPECT_EQ(a->thread.start->done, 1);
	EXPECT_EQ(b->thread.start->done, 1);
	REQUIRE_OK(strata_scheduler_set(SCHEDULER, cap_t_of(ROOT_CAP_THREAD), 0, PRIORITY_MAIN,
					SLICE_US));
}

/* A waiting thread's priority counts when it wakes. */
static void priority_of_a_waiting_thread(void)
{
	struct server *server = new_server(NULL, serve_after_irq);
	cap_t irq = irq_for(&server->thread);
	set_priority(&server->thread, LOW);
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT_EQ(server->calls, 0);
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_READY);
	set_priority(&server->thread, PRIORITY_HELPER);
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_IDLE);
}

/* ---- slices ---- */

static void equals_take_turns(void)
{
	struct spinner *spinners[4];
	uint64_t preemptions = counter(COUNTER_PREEMPTIONS);
	for (unsigned i = 0; i < 4; i++) {
		spinners[i] = new_spinner(MID, 1000, spin);
	}
	sleep_for(milliseconds(200));
	uint64_t times[4], total = 0;
	for (unsigned i = 0; i < 4; i++) {
		times[i] = time_of(spinners[i]->thread.cap);
		total += times[i];
		EXPECT(spinners[i]->count != 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		EXPECT(times[i] > total / 4 / 2 && times[i] < total / 4 * 2);
		spinners[i]->stop = 1;
	}
	EXPECT(counter(COUNTER_PREEMPTIONS) - preemptions > 20);
}

static void longer_slices_get_more(void)
{
	struct spinner *small = new_spinner(MID, 500, spin), *large = new_spinner(MID, 4000, spin);
	sleep_for(milliseconds(200));
	uint64_t a = time_of(small->thread.cap), b = time_of(large->thread.cap);
	EXPECT(b > 3 * a);
	EXPECT(a != 0);
	small->stop = 1;
	large->stop = 1;
}

static void yield_lets_equals_run(void)
{
	struct spinner *a = new_spinner(MID, 10000000, spin_and_yield),
		       *b = new_spinner(MID, 10000000, spin_and_yield);
	sleep_for(milliseconds(50));
	EXPECT(a->count > 5);
	EXPECT(b->count > 5);
	uint64_t difference = a->count > b->count ? a->count - b->count : b->count - a->count;
	EXPECT(difference <= 1);
	a->stop = 1;
	b->stop = 1;
}

static void yield_alone_goes_on(void)
{
	struct spinner *low = new_spinner(LOW, SLICE_US, spin);
	for (unsigned i = 0; i < 100; i++) {
		strata_yield();
	}
	EXPECT_EQ(low->count, 0); /* it is less urgent */
	low->stop = 1;
}

/* Who sleeps and wakes does not lose its turn, nor gets more than its share. */
static void sleepers_do_not_starve_spinners(void)
{
	struct spinner *a = new_spinner(MID, 1000, spin),
		       *b = new_spinner(MID, 1000, spin_and_yield);
	sleep_for(milliseconds(50));
	EXPECT(a->count != 0);
	EXPECT(b->count != 0);
	a->stop = 1;
	b->stop = 1;
}

static void set_refusals(void)
{
	struct thread thread;
	cap_t weak = new_cap();
	REQUIRE(make_thread(&thread, NULL));
	REQUIRE_OK(strata_cap_derive(OWN_TASK, thread.cap, weak.index, RIGHTS_ALL & ~RIGHT_CONTROL,
				     0));
	EXPECT_STATUS(strata_scheduler_set(SCHEDULER, new_cap(), 0, 1, 1000), STATUS_NOT_FOUND);
	EXPECT_STATUS(strata_scheduler_set(SCHEDULER, OWN_TASK, 0, 1, 1000), STATUS_WRONG_OBJECT);
	EXPECT_STATUS(strata_scheduler_set(SCHEDULER, weak, 0, 1, 1000), STATUS_NO_RIGHT);
	EXPECT_STATUS(strata_scheduler_set(SCHEDULER, thread.cap, 1000, 1, 1000),
		      STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(OPERATE(SCHEDULER, SCHEDULER_SET, thread.cap.index, 1ul << 32, 1, 1000),
		      STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_scheduler_set(SCHEDULER, thread.cap, 0, 256, 1000),
		      STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(OPERATE(SCHEDULER, SCHEDULER_SET, thread.cap.index, 0, 1ul << 32, 1000),
		      STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_scheduler_set(SCHEDULER, thread.cap, 0, 1, 99), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_scheduler_set(SCHEDULER, thread.cap, 0, 1, 0), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_scheduler_set(SCHEDULER, thread.cap, 0, 1, ~0ul), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_scheduler_set(SCHEDULER, thread.cap, 0, 1, 1ul << 60),
		      STATUS_BAD_ARGUMENT);
	EXPECT_OK(strata_scheduler_set(SCHEDULER, thread.cap, 0, 255, 100));
	EXPECT_OK(strata_scheduler_set(SCHEDULER, thread.cap, 0, 0, 10000000));
	uint64_t cores = 0;
	EXPECT_OK(strata_scheduler_info(SCHEDULER, 0, &cores, NULL));
	EXPECT(cores >= 1);
	EXPECT_STATUS(strata_scheduler_info(SCHEDULER, 1000, NULL, NULL), STATUS_BAD_ARGUMENT);
	uint64_t counters[COUNTER_COUNT];
	EXPECT_OK(strata_platform_counters(PLATFORM, 0, counters));
	EXPECT_STATUS(strata_platform_counters(PLATFORM, 1000, counters), STATUS_BAD_ARGUMENT);
}

/* ---- whose time ---- */

static void spin_in_call(void *argument)
{
	struct caller *caller = argument;
	caller->message.words[1] = milliseconds(40);
	caller->status = strata_call(caller->gate, &caller->message);
	caller->done = 1;
}

/* A chain of servers, all less urgent than a hog, serves a client that is more urgent. */
static void servers_run_with_their_callers_urgency(void)
{
	struct server *last = new_server(NULL, serve_after_spin);
	cap_t *next = new_shared(sizeof(*next));
	*next = last->gate;
	struct server *first =
		new_server_with(NULL, serve_by_call, (struct server){.context = next});
	set_priority(&last->thread, LOW);
	set_priority(&first->thread, LOW);
	struct spinner *hog = new_spinner(MID, SLICE_US, spin);
	struct caller *caller = new_shared(sizeof(*caller));
	caller->gate = first->gate;
	caller->message = message_of(1, 2, 0);
	uint64_t before[2] = {time_of(first->thread.cap), time_of(last->thread.cap)};
	REQUIRE(spawn_at(&caller->thread, NULL, NEAR, spin_in_call, caller));
	sleep_for(milliseconds(10));
	EXPECT_EQ(state_of(&caller->thread), THREAD_STATE_IN_CALL);
	EXPECT_EQ(hog->count, 0);
	EXPECT(answered(caller, STATUS_OK));
	EXPECT(time_of(caller->thread.cap) > milliseconds(30));
	EXPECT(time_of(first->thread.cap) - before[0] < milliseconds(3));
	EXPECT(time_of(last->thread.cap) - before[1] < milliseconds(3));
	hog->stop = 1;
}

/* And an urgent server does not lend its own urgency to a client that is not. */
static void urgent_servers_do_not_lend_urgency(void)
{
	struct server *server = new_server(NULL, serve_after_spin);
	set_priority(&server->thread, NEAR);
	struct caller *caller = new_shared(sizeof(*caller));
	caller->gate = server->gate;
	caller->message = message_of(1, 2, 0);
	REQUIRE(spawn_at(&caller->thread, NULL, LOW, spin_in_call, caller));
	sleep_for(milliseconds(5));
	EXPECT_EQ(server->calls, 1);
	struct spinner *mid = new_spinner(MID, SLICE_US, spin);
	sleep_for(milliseconds(60));
	EXPECT_EQ(caller->done, 0);
	EXPECT(mid->count != 0);
	mid->stop = 1;
	EXPECT(answered(caller, STATUS_OK));
}

/* After a wait in the middle of a call it is still the caller's time. */
static void serve_sleep_and_spin(struct server *server, struct message *message)
{
	sleep_for(milliseconds(5));
	serve_after_spin(server, message);
}

static void callers_time_also_after_a_wait(void)
{
	struct server *server = new_server(NULL, serve_sleep_and_spin);
	set_priority(&server->thread, LOW);
	struct caller *caller = new_shared(sizeof(*caller));
	caller->gate = server->gate;
	caller->message = message_of(1, 2, 0);
	uint64_t before = time_of(server->thread.cap);
	REQUIRE(spawn_at(&caller->thread, NULL, NEAR, spin_in_call, caller));
	struct spinner *hog = new_spinner(MID, SLICE_US, spin);
	EXPECT(answered(caller, STATUS_OK));
	EXPECT(time_of(caller->thread.cap) > milliseconds(30));
	EXPECT(time_of(server->thread.cap) - before < milliseconds(3));
	hog->stop = 1;
}

/* The urgency of a caller can change while it is being served. */
static void callers_new_priority_counts_at_once(void)
{
	struct server *server = new_server(NULL, serve_after_spin);
	struct caller *caller = new_shared(sizeof(*caller));
	caller->gate = server->gate;
	caller->message = message_of(1, 2, 0);
	REQUIRE(spawn_at(&caller->thread, NULL, LOW, spin_in_call, caller));
	sleep_for(milliseconds(5));
	struct spinner *hog = new_spinner(MID, SLICE_US, spin);
	sleep_for(milliseconds(50));
	EXPECT_EQ(caller->done, 0);
	set_priority(&caller->thread, NEAR);
	EXPECT(answered(caller, STATUS_OK));
	hog->stop = 1;
}

/* ---- time ---- */

static void idle_time_is_counted(void)
{
	uint64_t cores, before, after;
	REQUIRE_OK(strata_scheduler_info(SCHEDULER, 0, &cores, &before));
	uint64_t began = now();
	sleep_for(milliseconds(50));
	uint64_t slept = now() - began;
	REQUIRE_OK(strata_scheduler_info(SCHEDULER, 0, &cores, &after));
	EXPECT(after - before > slept / 2);
	EXPECT(after - before <= slept);
	struct spinner *spinner = new_spinner(LOW, SLICE_US, spin);
	REQUIRE_OK(strata_scheduler_info(SCHEDULER, 0, &cores, &before));
	sleep_for(milliseconds(50));
	REQUIRE_OK(strata_scheduler_info(SCHEDULER, 0, &cores, &after));
	EXPECT(after - before < milliseconds(10));
	spinner->stop = 1;
}

static void times_add_up(void)
{
	uint64_t cores, idle[2], began = now();
	struct spinner *a = new_spinner(MID, 1000, spin), *b = new_spinner(MID, 2000, spin);
	uint64_t times[2] = {time_of(a->thread.cap) + time_of(b->thread.cap) +
				     time_of(cap_t_of(ROOT_CAP_THREAD)),
			     0};
	REQUIRE_OK(strata_scheduler_info(SCHEDULER, 0, &cores, &idle[0]));
	sleep_for(milliseconds(60));
	times[1] = time_of(a->thread.cap) + time_of(b->thread.cap) +
		   time_of(cap_t_of(ROOT_CAP_THREAD));
	REQUIRE_OK(strata_scheduler_info(SCHEDULER, 0, &cores, &idle[1]));
	uint64_t passed = now() - began, counted = times[1] - times[0] + idle[1] - idle[0];
	EXPECT(counted > passed / 2);
	EXPECT(counted <= passed);
	a->stop = 1;
	b->stop = 1;
}

static void deadlines_are_kept(void)
{
	for (uint64_t ms = 1; ms <= 32; ms *= 2) {
		uint64_t fired, deadline = now() + milliseconds(ms);
		EXPECT_STATUS(strata_wait_irq(0, deadline, &fired), STATUS_TIMEOUT);
		uint64_t woke = now();
		EXPECT(woke >= deadline);
		EXPECT(woke - deadline < milliseconds(50));
	}
}

static void deadline_that_is_over_ends_at_once(void)
{
	uint64_t fired;
	EXPECT_STATUS(strata_wait_irq(0, 1, &fired), STATUS_TIMEOUT);
	EXPECT_STATUS(strata_wait_irq(0, now(), &fired), STATUS_TIMEOUT);
	EXPECT_STATUS(strata_wait_irq(~0ul, now() - 1, &fired), STATUS_TIMEOUT);
}

struct timed {
	struct thread thread;
	uint64_t deadline;
	volatile uint64_t *order, *next;
	uint64_t number;
	volatile uint64_t status;
};

static void wait_until(void *argument)
{
	struct timed *timed = argument;
	uint64_t fired;
	timed->status = strata_wait_irq(0, timed->deadline, &fired);
	timed->order[(*timed->next)++] = timed->number;
}

static void deadlines_end_in_order(void)
{
	enum { COUNT = 24 };
	struct timed *timed[COUNT];
	volatile uint64_t *order = new_shared((COUNT + 1) * 8);
	uint64_t base = now() + milliseconds(60);
	for (unsigned i = 0; i < COUNT; i++) {
		timed[i] = new_shared(sizeof(*timed[i]));
		timed[i]->order = &order[1];
		timed[i]->next = &order[0];
		timed[i]->number = i;
		timed[i]->deadline = base + (i * 7 % COUNT) * milliseconds(2);
		REQUIRE(spawn(&timed[i]->thread, NULL, wait_until, timed[i]));
	}
	for (unsigned i = 0; i < COUNT; i++) {
		EXPECT(join(&timed[i]->thread));
		EXPECT_STATUS((enum status)timed[i]->status, STATUS_TIMEOUT);
	}
	for (unsigned i = 0; i < COUNT; i++) {
		EXPECT_EQ(order[1 + i] * 7 % COUNT, i);
	}
}

static void same_deadline_for_many(void)
{
	enum { COUNT = 20 };
	struct timed *timed[COUNT];
	volatile uint64_t *order = new_shared((COUNT + 1) * 8);
	uint64_t deadline = now() + milliseconds(30);
	for (unsigned i = 0; i < COUNT; i++) {
		timed[i] = new_shared(sizeof(*timed[i]));
		timed[i]->order = &order[1];
		timed[i]->next = &order[0];
		timed[i]->number = i;
		timed[i]->deadline = deadline;
		REQUIRE(spawn(&timed[i]->thread, NULL, wait_until, timed[i]));
	}
	REQUIRE_OK(strata_cap_delete(OWN_TASK, timed[3]->thread.cap.index));
	REQUIRE_OK(strata_thread_cancel(timed[5]->thread.cap));
	EXPECT(wait_for(&order[0], COUNT - 1));
	EXPECT_STATUS((enum status)timed[5]->status, STATUS_CANCELLED);
}

static void waiting_for_ever_is_no_deadline(void)
{
	struct timed *timed = new_shared(sizeof(*timed));
	volatile uint64_t *order = new_shared(16);
	timed->order = &order[1];
	timed->next = &order[0];
	timed->deadline = ~0ul;
	REQUIRE(spawn(&timed->thread, NULL, wait_until, timed));
	sleep_for(milliseconds(20));
	EXPECT_EQ(state_of(&timed->thread), THREAD_STATE_WAITING);
	REQUIRE_OK(strata_thread_cancel(timed->thread.cap));
	EXPECT(join(&timed->thread));
	EXPECT_STATUS((enum status)timed->status, STATUS_CANCELLED);
}

TEST_TABLE({"a more urgent thread runs at once", higher_priority_runs_at_once},
	   {"the most urgent of all runs first", highest_of_all_runs_first},
	   {"a less urgent thread gets nothing", lower_priority_gets_nothing},
	   {"a priority can change while its thread runs", priority_can_change_while_it_runs},
	   {"the priority of a ready thread counts at once", priority_of_a_waiting_thread},
	   {"equals take turns", equals_take_turns},
	   {"longer slices get more", longer_slices_get_more},
	   {"yield lets equals run", yield_lets_equals_run},
	   {"yield of the most urgent goes on", yield_alone_goes_on},
	   {"who yields and who spins both run", sleepers_do_not_starve_spinners},
	   {"wrong arguments are refused", set_refusals},
	   {"servers run with their caller's urgency", servers_run_with_their_callers_urgency},
	   {"urgent servers do not lend their urgency", urgent_servers_do_not_lend_urgency},
	   {"a server uses its caller's time also after a wait", callers_time_also_after_a_wait},
	   {"the caller's new priority counts at once", callers_new_priority_counts_at_once},
	   {"idle time is counted", idle_time_is_counted},
	   {"the times of threads and idle time add up", times_add_up},
	   {"deadlines are kept", deadlines_are_kept},
	   {"a deadline that is over ends the wait at once", deadline_that_is_over_ends_at_once},
	   {"deadlines end in their order", deadlines_end_in_order},
	   {"many threads can have the same deadline", same_deadline_for_many},
	   {"the last deadline there is does not come", waiting_for_ever_is_no_deadline});
