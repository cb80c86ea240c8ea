/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that find no idle handler: helping, waiting, rings, and everybody's death in the middle of it.
 */
#include "callers.h"

#define LOW  50
#define MID  90
#define HIGH PRIORITY_HELPER

static void hog(void *argument)
{
	volatile uint64_t *stop = argument;
	while (*stop == 0) {
	}
}

/* ---- helping ---- */

static void caller_lends_its_time(void)
{
	volatile uint64_t *stop = new_shared(8);
	struct server *server = new_server(NULL, serve_after_spin);
	struct thread hogger;
	set_priority(&server->thread, LOW);
	struct caller *low = new_caller(NULL, server->gate, milliseconds(30), LOW);
	low->message.words[1] = milliseconds(30);
	sleep_for(milliseconds(5));
	EXPECT_EQ(server->calls, 1);
	EXPECT_EQ(state_of(&low->thread), THREAD_STATE_IN_CALL);
	REQUIRE(spawn_at(&hogger, NULL, MID, hog, (void *)stop));
	uint64_t helped = counter(COUNTER_HELPED);
	struct caller *high = new_caller(NULL, server->gate, 2, HIGH);
	EXPECT(answered(high, STATUS_OK));
	EXPECT(counter(COUNTER_HELPED) > helped);
	EXPECT_EQ(high->message.words[0], 2);
	EXPECT_EQ(low->done, 0); /* its answer is there, but the hog is more urgent */
	*stop = 1;
	EXPECT(answered(low, STATUS_OK));
}

static void spin_call(void *argument)
{
	struct caller *caller = argument;
	caller->message.words[1] = milliseconds(60);
	caller->status = strata_call(caller->gate, &caller->message);
	caller->done = 1;
}

static void server_spends_its_callers_time(void)
{
	struct server *server = new_server(NULL, serve_after_spin);
	uint64_t before = time_of(server->thread.cap);
	struct caller *caller = new_shared(sizeof(*caller));
	caller->gate = server->gate;
	caller->message = message_of(1, 2, 0);
	REQUIRE(spawn_at(&caller->thread, NULL, MID, spin_call, caller));
	EXPECT(answered(caller, STATUS_OK));
	EXPECT(time_of(server->thread.cap) - before < milliseconds(5));
	EXPECT(time_of(caller->thread.cap) > milliseconds(40));
}

/* The caller helps it to get its Irq out of the way; its own time, which that made ready, must not be used for the call. */
static void server_that_was_woken_runs_on_its_callers_time(void)
{
	struct server *server = new_server(NULL, serve_after_spin);
	cap_t irq = irq_for(&server->thread);
	struct caller *caller = new_shared(sizeof(*caller));
	caller->gate = server->gate;
	caller->message = message_of(1, 2, 0);
	REQUIRE_OK(strata_scheduler_set(SCHEDULER, server->thread.cap, 0, MID, 1000));
	uint64_t before = time_of(server->thread.cap);
	REQUIRE_OK(strata_irq_trigger(irq));
	REQUIRE(spawn_at(&caller->thread, NULL, MID + 1, spin_call, caller));
	sleep_for(milliseconds(5));
	EXPECT_EQ(server->calls, 1);
	REQUIRE_OK(strata_scheduler_set(SCHEDULER, caller->thread.cap, 0, MID,
					1000)); /* now both are equals */
	EXPECT(answered(caller, STATUS_OK));
	EXPECT(time_of(server->thread.cap) - before < milliseconds(10));
	EXPECT(time_of(caller->thread.cap) > milliseconds(40));
}

static void waiting_callers_come_by_priority(void)
{
	struct server *server = new_server(NULL, serve_after_irq);
	cap_t irq = irq_for(&server->thread);
	struct caller *callers[5];
	static const unsigned priorities[5] = {HIGH, HIGH + 1, HIGH + 4, HIGH + 2, HIGH + 3};
	static const unsigned order[5] = {0, 2, 4, 3, 1}; /* the first has the handler already */
	for (unsigned i = 0; i < 5; i++) {
		callers[i] = new_caller(NULL, server->gate, i, priorities[i]);
	}
	EXPECT_EQ(state_of(&callers[0]->thread), THREAD_STATE_IN_CALL);
	for (unsigned i = 1; i < 5; i++) {
		EXPECT_EQ(state_of(&callers[i]->thread), THREAD_STATE_CALLING);
	}
	for (unsigned i = 0; i < 5; i++) {
		EXPECT_EQ(server->last[0], order[i]);
		REQUIRE_OK(strata_irq_trigger(irq));
		EXPECT(answered(callers[order[i]], STATUS_OK));
		EXPECT_EQ(callers[order[i]]->message.words[0], order[i]);
	}
	EXPECT_EQ(server->calls, 5);
}

/* The first handler waits for ever; the second becomes free. */
static void any_handler_that_becomes_idle_is_taken(void)
{
	struct server *first = new_server(NULL, serve_after_irq),
		      *second = new_shared(sizeof(*second));
	REQUIRE(add_handler(second, first, NULL));
	cap_t irqs[2] = {irq_for(&first->thread), irq_for(&second->thread)};
	struct caller *a = new_caller(NULL, first->gate, 0, HIGH),
		      *b = new_caller(NULL, first->gate, 1, HIGH);
	EXPECT_EQ(state_of(&first->thread), THREAD_STATE_WAITING);
	EXPECT_EQ(state_of(&second->thread), THREAD_STATE_WAITING);
	bool first_has_a = first->calls != 0 && first->last[0] == 0;
	struct caller *c = new_caller(NULL, first->gate, 2, HIGH);
	EXPECT_EQ(state_of(&c->thread), THREAD_STATE_CALLING);
	/* The one that c does not wait for, whichever that is. */
	REQUIRE_OK(strata_irq_trigger(irqs[first_has_a ? 1 : 0]));
	EXPECT(answered(b, STATUS_OK));
	EXPECT_EQ(state_of(&c->thread), THREAD_STATE_IN_CALL);
	REQUIRE_OK(strata_irq_trigger(irqs[first_has_a ? 1 : 0]));
	EXPECT(answered(c, STATUS_OK));
	EXPECT_EQ(a->done, 0);
	REQUIRE_OK(strata_irq_trigger(irqs[first_has_a ? 0 : 1]));
	EXPECT(answered(a, STATUS_OK));
}

static void new_handler_serves_who_waits(void)
{
	struct server *first = new_server(NULL, serve_after_irq),
		      *second = new_shared(sizeof(*second));
	struct caller *a = new_caller(NULL, first->gate, 0, HIGH),
		      *b = new_caller(NULL, first->gate, 1, HIGH);
	EXPECT_EQ(state_of(&b->thread), THREAD_STATE_CALLING);
	*second = *first;
	second->serve = serve_echo;
	REQUIRE(add_handler(second, second, NULL));
	EXPECT(answered(b, STATUS_OK));
	EXPECT_EQ(a->done, 0);
}

static void wait_unbound(void *argument)
{
	struct server *server = argument;
	struct message message;
	strata_wait(&message);
	for (;;) {
		server->calls++;
		serve_echo(server, &message);
		strata_reply_wait(&message);
	}
}

/* It is in the open wait already when it becomes a handler. */
static void waiting_thread_can_become_a_handler(void)
{
	struct server *first = new_server(NULL, serve_after_irq),
		      *second = new_shared(sizeof(*second));
	REQUIRE(spawn(&second->thread, NULL, wait_unbound, second));
	EXPECT_EQ(state_of(&second->thread), THREAD_STATE_IDLE);
	struct caller *a = new_caller(NULL, first->gate, 0, HIGH),
		      *b = new_caller(NULL, first->gate, 1, HIGH);
	EXPECT_EQ(state_of(&b->thread), THREAD_STATE_CALLING);
	REQUIRE_OK(strata_thread_bind(second->thread.cap, first->gate));
	EXPECT(answered(b, STATUS_OK));
	EXPECT_EQ(second->calls, 1);
	EXPECT_EQ(a->done, 0);
}

static void resumed_handler_serves_who_waits(void)
{
	struct server *first = new_server(NULL, serve_after_irq),
		      *second = new_shared(sizeof(*second));
	REQUIRE(add_handler(second, first, NULL));
	REQUIRE_OK(strata_thread_suspend(second->thread.cap));
	cap_t irq = irq_for(&second->thread);
	struct caller *a = new_caller(NULL, first->gate, 0, HIGH),
		      *b = new_caller(NULL, first->gate, 1, HIGH);
	EXPECT_EQ(state_of(&a->thread), THREAD_STATE_IN_CALL);
	EXPECT_EQ(state_of(&b->thread), THREAD_STATE_CALLING);
	REQUIRE_OK(strata_thread_resume(second->thread.cap));
	sleep_for(milliseconds(2));
	EXPECT_EQ(state_of(&b->thread), THREAD_STATE_IN_CALL);
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT(answered(b, STATUS_OK));
}

static void many_callers_are_served_once_each(void)
{
	struct server *server = new_server(NULL, serve_after_irq);
	cap_t irq = irq_for(&server->thread);
	struct caller *callers[30];
	for (unsigned i = 0; i < 30; i++) {
		callers[i] = new_caller(NULL, server->gate, i, HIGH + i % 3);
	}
	for (unsigned i = 0; i < 30; i++) {
		REQUIRE_OK(strata_irq_trigger(irq));
		sleep_for(milliseconds(1));
	}
	for (unsigned i = 0; i < 30; i++) {
		EXPECT(answered(callers[i], STATUS_OK));
		EXPECT_EQ(callers[i]->message.words[0], i);
	}
	EXPECT_EQ(server->calls, 30);
}

/* A helper reaches through a chain of calls to the thread that really runs. */
static void helper_reaches_through_a_chain(void)
{
	volatile uint64_t *stop = new_shared(8);
	struct server *last = new_server(NULL, serve_after_spin);
	cap_t *next = new_shared(sizeof(*next));
	*next = last->gate;
	struct server *first =
		new_server_with(NULL, serve_by_call, (struct server){.context = next});
	set_priority(&first->thread, LOW);
	set_priority(&last->thread, LOW);
	struct caller *low = new_caller(NULL, first->gate, 1, LOW);
	low->message.words[1] = milliseconds(40);
	sleep_for(milliseconds(5));
	EXPECT_EQ(state_of(&first->thread), THREAD_STATE_IN_CALL);
	struct thread hogger;
	REQUIRE(spawn_at(&hogger, NULL, MID, hog, (void *)stop));
	struct caller *high = new_caller(NULL, first->gate, 2, HIGH);
	EXPECT(answered(high, STATUS_OK));
	*stop = 1;
	EXPECT(answered(low, STATUS_OK));
}

/* first -> second's gate; second is busy with somebody else: first is CALLING. A caller of first helps all the way. */
static void helper_reaches_through_a_thread_that_wants_in(void)
{
	volatile uint64_t *stop = new_shared(8);
	struct server *last = new_server(NULL, serve_after_spin);
	cap_t *next = new_shared(sizeof(*next));
	*next = last->gate;
	struct server *first =
		new_server_with(NULL, serve_by_call, (struct server){.context = next});
	set_priority(&last->thread, LOW);
	struct caller *occupant = new_caller(NULL, last->gate, 1, LOW);
	occupant->message.words[1] = milliseconds(40);
	sleep_for(milliseconds(5));
	struct caller *low = new_caller(NULL, first->gate, 2, LOW);
	sleep_for(milliseconds(1));
	struct thread hogger;
	REQUIRE(spawn_at(&hogger, NULL, MID, hog, (void *)stop));
	struct caller *high = new_caller(NULL, first->gate, 3, HIGH);
	EXPECT(answered(high, STATUS_OK));
	*stop = 1;
	EXPECT(answered(occupant, STATUS_OK));
	EXPECT(answered(low, STATUS_OK));
}

/* ---- rings and chains ---- */

static void calling_oneself_is_a_deadlock(void)
{
	cap_t *next = new_shared(sizeof(*next));
	struct server *server =
		new_server_with(NULL, serve_by_call, (struct server){.context = next});
	*next = server->gate;
	struct caller *caller = new_caller(NULL, server->gate, 1, HIGH);
	EXPECT(answered(caller, STATUS_DEADLOCK));
}

static void ring_of_three_is_a_deadlock(void)
{
	cap_t *next = new_shared(3 * sizeof(*next));
	struct server *servers[3];
	for (unsigned i = 0; i < 3; i++) {
		servers[i] =
			new_server_with(NULL, serve_by_call, (struct server){.context = &next[i]});
	}
	for (unsigned i = 0; i < 3; i++) {
		next[i] = servers[(i + 1) % 3]->gate;
	}
	struct caller *caller = new_caller(NULL, servers[0]->gate, 1, HIGH);
	EXPECT(answered(caller, STATUS_DEADLOCK));
	for (unsigned i = 0; i < 3; i++) {
		EXPECT_EQ(state_of(&servers[i]->thread), THREAD_STATE_IDLE);
	}
}

static void serve_after_irq_by_call(struct server *server, struct message *message)
{
	uint64_t fired;
	(void)strata_wait_irq(1, 0, &fired);
	serve_by_call(server, message);
}

/* Each server, while it serves a client of its own, calls the next: nobody is in a call with anybody, all want in. */
static void ring_of_wishes(unsigned count)
{
	cap_t *next = new_shared(count * sizeof(*next)), irqs[40];
	struct server *servers[40];
	struct caller *callers[40];
	for (unsigned i = 0; i < count; i++) {
		servers[i] = new_server_with(NULL, serve_after_irq_by_call,
					     (struct server){.context = &next[i]});
		irqs[i] = irq_for(&servers[i]->thread);
	}
	for (unsigned i = 0; i < count; i++) {
		next[i] = servers[(i + 1) % count]->gate;
		callers[i] = new_caller(NULL, servers[i]->gate, i, HIGH);
	}
	for (unsigned i = 0; i < count; i++) {
		REQUIRE_OK(strata_irq_trigger(irqs[i]));
	}
	/* One call ends with DEADLOCK; that lets its client go, then the others can be answered one after the other. Who calls again
	 * into a server that waits for its Irq needs that. */
	uint64_t end = now() + milliseconds(1000), done = 0, refused = 0;
	while (done != count && now() < end) {
		done = 0;
		refused = 0;
		for (unsigned i = 0; i < count; i++) {
			done += callers[i]->done;
			refused += callers[i]->done != 0 && callers[i]->status == STATUS_DEADLOCK
					   ? 1
					   : 0;
			EXPECT_OK(strata_irq_trigger(irqs[i]));
		}
		sleep_for(milliseconds(1));
	}
	EXPECT_EQ(done, count);
	EXPECT(refused != 0);
}

static void ring_of_two_wishes_is_a_deadlock(void)
{
	ring_of_wishes(2);
}

static void ring_of_five_wishes_is_a_deadlock(void)
{
	ring_of_wishes(5);
}

static void ring_of_forty_wishes_is_a_deadlock(void)
{
	allow_milliseconds(20000);
	ring_of_wishes(40);
}

/* The same with a second handler in one of the servers, which will become free: no ring. */
static void way_out_of_a_ring_is_taken(void)
{
	cap_t *next = new_shared(2 * sizeof(*next)), irqs[3];
	struct server *a = new_server_with(NULL, serve_after_irq_by_call,
					   (struct server){.context = &next[0]});
	struct server *b = new_server_with(NULL, serve_after_irq_by_call,
					   (struct server){.context = &next[1]});
	struct server *free = new_shared(sizeof(*free));
	*free = *b;
	free->serve = serve_after_irq;
	REQUIRE(add_handler(free, free, NULL));
	next[0] = b->gate;
	next[1] = a->gate;
	irqs[0] = irq_for(&a->thread);
	irqs[1] = irq_for(&b->thread);
	irqs[2] = irq_for(&free->thread);
	struct caller *ca = new_caller(NULL, a->gate, 0, HIGH);
	struct caller *cb = new_caller(NULL, b->gate, 1, HIGH),
		      *cc = new_caller(NULL, b->gate, 2, HIGH);
	EXPECT_EQ(b->calls, 1);
	EXPECT_EQ(free->calls, 1);
	if (b->last[0] == 2) {
		struct caller *other = cb;
		cb = cc;
		cc = other;
	}
	REQUIRE_OK(strata_irq_trigger(irqs[0])); /* a wants b's gate */
	EXPECT_EQ(state_of(&a->thread), THREAD_STATE_CALLING);
	REQUIRE_OK(
		strata_irq_trigger(irqs[1])); /* b wants a's gate: a waits for b or the free one */
	sleep_for(milliseconds(2));
	EXPECT_EQ(state_of(&b->thread), THREAD_STATE_CALLING);
	EXPECT_EQ(ca->done + cb->done + cc->done, 0);
	REQUIRE_OK(strata_irq_trigger(irqs[2]));
	EXPECT(answered(cc, STATUS_OK));
	/* It takes a's call; when that is answered, a serves b. */
	EXPECT_EQ(free->calls, 2);
	REQUIRE_OK(strata_irq_trigger(irqs[2]));
	EXPECT(answered(ca, STATUS_OK));
	EXPECT_EQ(a->calls, 2);
	REQUIRE_OK(strata_irq_trigger(irqs[0]));
	sleep_for(milliseconds(2));
	REQUIRE_OK(strata_irq_trigger(irqs[2]));
	EXPECT(answered(cb, STATUS_OK));
}

static void serve_deeper(struct server *server, struct message *message)
{
	message->words[1]++;
	serve_by_call(server, message);
}

static void chains_have_sixteen_callers(void)
{
	cap_t *next = new_shared(17 * sizeof(*next));
	struct server *servers[17];
	for (unsigned i = 0; i < 17; i++) {
		servers[i] = new_server_with(NULL, i < 16 ? serve_deeper : serve_echo,
					     (struct server){.context = &next[i]});
	}
	for (unsigned i = 0; i < 16; i++) {
		next[i] = servers[i + 1]->gate;
	}
	struct message message = message_of(1, 2, 0);
	EXPECT_EQ(strata_call(servers[1]->gate, &message), STATUS_OK);
	EXPECT_EQ(message.words[1], 15);
	message = message_of(1, 2, 0);
	EXPECT_EQ(strata_call(servers[0]->gate, &message), STATUS_DEADLOCK);
	EXPECT_EQ(servers[15]->calls, 2);
	EXPECT_EQ(servers[16]->calls, 1);
	for (unsigned i = 0; i < 17; i++) {
		EXPECT_EQ(state_of(&servers[i]->thread), THREAD_STATE_IDLE);
	}
}

/* ---- deaths ---- */

static void server_that_dies_ends_its_call(void)
{
	struct server *server = new_server(NULL, serve_after_irq);
	struct caller *in = new_caller(NULL, server->gate, 0, HIGH),
		      *waiting = new_caller(NULL, server->gate, 1, HIGH);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, server->thread.cap.index));
	EXPECT(answered(in, STATUS_SERVER_DIED));
	EXPECT(answered(waiting, STATUS_NO_HANDLER));
}

static void others_serve_when_a_handler_dies(void)
{
	struct server *first = new_server(NULL, serve_after_irq),
		      *second = new_shared(sizeof(*second));
	REQUIRE(add_handler(second, first, NULL));
	struct caller *a = new_caller(NULL, first->gate, 0, HIGH),
		      *b = new_caller(NULL, first->gate, 1, HIGH);
	struct caller *c = new_caller(NULL, first->gate, 2, HIGH);
	struct server *dies = first->last[0] == 0 && first->calls != 0 ? first : second;
	struct server *lives = dies == first ? second : first;
	REQUIRE_OK(strata_cap_delete(OWN_TASK, dies->thread.cap.index));
	EXPECT(answered(a, STATUS_SERVER_DIED));
	cap_t irq = irq_for(&lives->thread);
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT(answered(b, STATUS_OK));
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT(answered(c, STATUS_OK));
}

static void gate_that_goes_ends_all_calls(void)
{
	struct server *server = new_server(NULL, serve_after_irq);
	cap_t irq = irq_for(&server->thread), below = new_cap();
	REQUIRE_OK(strata_cap_derive(OWN_TASK, server->gate, below.index, RIGHT_READ, 9));
	struct caller *in = new_caller(NULL, server->gate, 0, HIGH),
		      *waiting = new_caller(NULL, server->gate, 1, HIGH);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, server->gate.index));
	EXPECT(answered(in, STATUS_SERVER_DIED));
	EXPECT(answered(waiting, STATUS_SERVER_DIED));
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_WAITING);
	/* The handler goes on, belongs to no gate, and can join another. */
	REQUIRE_OK(strata_irq_trigger(irq));
	sleep_for(milliseconds(2));
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_IDLE);
	cap_t other = new_gate();
	REQUIRE_OK(strata_thread_bind(server->thread.cap, other));
	struct caller *again = new_caller(NULL, other, 5, HIGH);
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT(answered(again, STATUS_OK));
}

static void task_that_dies_ends_its_calls(void)
{
	struct child_task child;
	REQUIRE(make_task(&child));
	struct server *server = new_server(&child, serve_after_irq);
	struct caller *in = new_caller(NULL, server->gate, 0, HIGH),
		      *waiting = new_caller(NULL, server->gate, 1, HIGH);
	EXPECT_EQ(state_of(&in->thread), THREAD_STATE_IN_CALL);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, child.cap.index));
	EXPECT(answered(in, STATUS_SERVER_DIED));
	EXPECT(answered(waiting, STATUS_NO_HANDLER));
}

static void revoking_ends_calls_that_wait(void)
{
	struct server *server = new_server(NULL, serve_after_irq);
	cap_t irq = irq_for(&server->thread), lent = new_cap(), below = new_cap();
	REQUIRE_OK(strata_cap_derive(OWN_TASK, server->gate, lent.index, RIGHTS_ALL, 7));
	REQUIRE_OK(strata_cap_derive(OWN_TASK, lent, below.index, RIGHTS_ALL, 0));
	struct caller *in = new_caller(NULL, lent, 0, HIGH);
	struct caller *waiting = new_caller(NULL, below, 1, HIGH),
		      *other = new_caller(NULL, server->gate, 2, HIGH);
	REQUIRE_OK(strata_cap_revoke(OWN_TASK, lent.index));
	EXPECT(answered(waiting, STATUS_REVOKED));
	EXPECT_EQ(in->done, 0);
	EXPECT_EQ(other->done, 0);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, lent.index));
	EXPECT_EQ(in->done, 0); /* it is being served: that goes on */
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT(answered(in, STATUS_OK));
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT(answered(other, STATUS_OK));
}

static void moved_capability_can_still_be_revoked(void)
{
	struct server *server = new_server(NULL, serve_after_irq);
	cap_t lent = new_cap(), moved = new_cap();
	REQUIRE_OK(strata_cap_derive(OWN_TASK, server->gate, lent.index, RIGHTS_ALL, 7));
	struct caller *in = new_caller(NULL, server->gate, 0, HIGH),
		      *waiting = new_caller(NULL, lent, 1, HIGH);
	REQUIRE_OK(strata_cap_move(OWN_TASK, lent, moved.index));
	EXPECT_EQ(state_of(&waiting->thread), THREAD_STATE_CALLING);
	/* What comes to stand where it was has nothing to do with the call. */
	REQUIRE_OK(strata_cap_derive(OWN_TASK, server->gate, lent.index, RIGHTS_ALL, 8));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, lent.index));
	EXPECT_EQ(state_of(&waiting->thread), THREAD_STATE_CALLING);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, moved.index));
	EXPECT(answered(waiting, STATUS_REVOKED));
	EXPECT_EQ(in->done, 0);
}

/* ---- cancel ---- */

static void cancel_during_a_call(void)
{
	struct server *server = new_server(NULL, serve_after_irq);
	cap_t irq = irq_for(&server->thread);
	struct caller *in = new_caller(NULL, server->gate, 0, HIGH),
		      *waiting = new_caller(NULL, server->gate, 1, HIGH);
	REQUIRE_OK(strata_thread_cancel(in->thread.cap));
	EXPECT(answered(in, STATUS_CANCELLED));
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_WAITING);
	EXPECT_EQ(waiting->done, 0);
	/* Its answer is dropped, and the next call taken. */
	REQUIRE_OK(strata_irq_trigger(irq));
	sleep_for(milliseconds(2));
	EXPECT_EQ(server->calls, 2);
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT(answered(waiting, STATUS_OK));
	EXPECT_EQ(waiting->message.words[0], 1);
}

static void cancel_while_wanting_in(void)
{
	struct server *server = new_server(NULL, serve_after_irq);
	cap_t irq = irq_for(&server->thread);
	struct caller *in = new_caller(NULL, server->gate, 0, HIGH),
		      *waiting = new_caller(NULL, server->gate, 1, HIGH);
	REQUIRE_OK(strata_thread_cancel(waiting->thread.cap));
	EXPECT(answered(waiting, STATUS_CANCELLED));
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT(answered(in, STATUS_OK));
	EXPECT_EQ(server->calls, 1);
}

static void cancelled_callers_server_runs_on_its_own_time(void)
{
	struct server *server = new_server(NULL, serve_after_spin);
	set_priority(&server->thread, LOW);
	struct caller *caller = new_caller(NULL, server->gate, 0, MID);
	caller->message.words[1] = milliseconds(30);
	sleep_for(milliseconds(5));
	EXPECT_EQ(state_of(&caller->thread), THREAD_STATE_IN_CALL);
	uint64_t before = time_of(server->thread.cap);
	EXPECT(before < milliseconds(2));
	REQUIRE_OK(strata_thread_cancel(caller->thread.cap));
	EXPECT(answered(caller, STATUS_CANCELLED));
	uint64_t callers = time_of(caller->thread.cap);
	sleep_for(milliseconds(40));
	EXPECT(time_of(server->thread.cap) - before > milliseconds(10));
	EXPECT(time_of(caller->thread.cap) - callers < milliseconds(5));
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_IDLE);
}

static void killed_caller_leaves_its_server_running(void)
{
	struct server *server = new_server(NULL, serve_after_spin);
	set_priority(&server->thread, LOW);
	struct caller *caller = new_caller(NULL, server->gate, 0, MID);
	caller->message.words[1] = milliseconds(20);
	sleep_for(milliseconds(5));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, caller->thread.cap.index));
	struct caller *next = new_caller(NULL, server->gate, 1, HIGH);
	EXPECT(answered(next, STATUS_OK));
	EXPECT_EQ(server->calls, 2);
}

/* A client high up in a chain goes: who helped at the chain's end must not be forgotten there. */
static void cancel_in_the_middle_of_a_chain(void)
{
	struct server *last = new_server(NULL, serve_after_irq);
	cap_t *next = new_shared(sizeof(*next)), irq = irq_for(&last->thread);
	*next = last->gate;
	struct server *first =
		new_server_with(NULL, serve_by_call, (struct server){.context = next});
	struct caller *a = new_caller(NULL, first->gate, 0, HIGH),
		      *b = new_caller(NULL, first->gate, 1, HIGH);
	EXPECT_EQ(state_of(&b->thread), THREAD_STATE_CALLING); /* parked on the last */
	REQUIRE_OK(strata_thread_cancel(first->thread.cap));   /* its call to the last ends */
	EXPECT(answered(a, STATUS_CANCELLED));
	EXPECT_EQ(state_of(&first->thread),
		  THREAD_STATE_CALLING); /* serving b, wants in at the last, which still waits */
	EXPECT_EQ(b->done, 0);
	REQUIRE_OK(strata_irq_trigger(irq));
	sleep_for(milliseconds(2));
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT(answered(b, STATUS_OK));
}

static void helper_can_be_killed(void)
{
	struct server *server = new_server(NULL, serve_after_spin);
	struct caller *low = new_caller(NULL, server->gate, 0, MID);
	low->message.words[1] = milliseconds(30);
	sleep_for(milliseconds(5));
	/* It helps, at the same urgency as we; then sleeps parked when the server waits. */
	struct caller *helper = new_caller(NULL, server->gate, 1, MID);
	sleep_for(milliseconds(5));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, helper->thread.cap.index));
	EXPECT(answered(low, STATUS_OK));
	EXPECT_EQ(server->calls, 1);
}

static void helped_server_can_be_killed(void)
{
	struct server *server = new_server(NULL, serve_after_spin);
	struct caller *low = new_caller(NULL, server->gate, 0, MID);
	low->message.words[1] = milliseconds(100);
	sleep_for(milliseconds(5));
	struct caller *helper = new_caller(NULL, server->gate, 1, MID);
	sleep_for(milliseconds(5));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, server->thread.cap.index));
	EXPECT(answered(low, STATUS_SERVER_DIED));
	EXPECT(answered(helper, STATUS_NO_HANDLER));
}

/* What a call waits for may be far away, while what it goes through is near. */
static void dead_handler_is_missed_by_who_waits_behind_it(void)
{
	struct server *last = new_server(NULL, serve_after_irq);
	cap_t *next = new_shared(sizeof(*next));
	*next = last->gate;
	struct server *first =
		new_server_with(NULL, serve_by_call, (struct server){.context = next});
	struct caller *occupant = new_caller(NULL, last->gate, 0, HIGH);
	struct caller *in = new_caller(NULL, first->gate, 1, HIGH),
		      *behind = new_caller(NULL, first->gate, 2, HIGH);
	EXPECT_EQ(state_of(&first->thread), THREAD_STATE_CALLING);
	EXPECT_EQ(state_of(&behind->thread), THREAD_STATE_CALLING);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, first->thread.cap.index));
	EXPECT(answered(in, STATUS_SERVER_DIED));
	EXPECT(answered(behind, STATUS_NO_HANDLER));
	EXPECT_EQ(occupant->done, 0);
}

static void long_line_of_wishes_is_no_ring(void)
{
	enum { LENGTH = 30 };
	struct server *last = new_server(NULL, serve_after_irq), *servers[LENGTH];
	cap_t irq = irq_for(&last->thread), *next = new_shared(LENGTH * sizeof(*next));
	struct caller *occupant = new_caller(NULL, last->gate, 0, HIGH), *callers[LENGTH];
	for (unsigned i = 0; i < LENGTH; i++) {
		servers[i] =
			new_server_with(NULL, serve_by_call, (struct server){.context = &next[i]});
		next[i] = i == 0 ? last->gate : servers[i - 1]->gate;
		callers[i] = new_caller(NULL, servers[i]->gate, i, HIGH);
		EXPECT_EQ(state_of(&servers[i]->thread), THREAD_STATE_CALLING);
	}
	for (unsigned i = 0; i < LENGTH + 1; i++) {
		REQUIRE_OK(strata_irq_trigger(irq));
		sleep_for(milliseconds(1));
	}
	EXPECT(answered(occupant, STATUS_OK));
	for (unsigned i = 0; i < 15; i++) {
		EXPECT(answered(callers[i], STATUS_OK));
	}
}

/* ---- servers that turn against those that they serve, or themselves ---- */

enum harm { CANCEL_CALLER, SUSPEND_CALLER, KILL_CALLER, KILL_CALLERS_TASK, KILL_GATE, KILL_ITSELF, RESTART_CALLER };

struct attack {
	enum harm harm;
	cap_t caller, task, gate, itself;
	volatile uint64_t status, survived;
};

static void serve_with_harm(struct server *server, struct message *message)
{
	struct attack *attack = server->context;
	const uint64_t victims[] = {[KILL_CALLER] = attack->caller.index,
				    [KILL_CALLERS_TASK] = attack->task.index,
				    [KILL_GATE] = attack->gate.index,
				    [KILL_ITSELF] = attack->itself.index};
	switch (attack->harm) {
	case CANCEL_CALLER:
		attack->status = strata_thread_cancel(attack->caller);
		break;
	case SUSPEND_CALLER:
		attack->status = strata_thread_suspend(attack->caller);
		break;
	case RESTART_CALLER:
		attack->status = strata_thread_start(attack->caller, 0x1000, 0, 0, 0);
		break;
	case KILL_CALLER:
	case KILL_CALLERS_TASK:
	case KILL_GATE:
	case KILL_ITSELF:
		attack->status = strata_cap_delete(OWN_TASK, victims[attack->harm]);
		break;
	}
	attack->survived = 1;
	spin_for(milliseconds(1));
	message->words[0] = 0x4444;
	message->tag = TAG_MAKE(STATUS_OK, 1, 0);
}

/* The caller in a task of its own, and one that waits behind it and helps. */
struct victim {
	struct child_task task;
	struct server *server;
	struct attack *attack;
	struct caller *caller, *helper;
};

static bool attack(struct victim *victim, enum harm harm)
{
	victim->attack = new_shared(sizeof(*victim->attack));
	victim->attack->harm = harm;
	victim->server = new_server_with(NULL, serve_with_harm, (struct server){.context = victim->attack});
	victim->attack->gate = victim->server->gate;
	victim->attack->itself = victim->server->thread.cap;
	if (!make_task(&victim->task) ||
	    !EXPECT_OK(give_cap(&victim->task, victim->server->gate, 40, RIGHTS_ALL, 0))) {
		return false;
	}
	victim->attack->task = victim->task.cap;
	struct caller *caller = new_shared(sizeof(*caller));
	caller->gate = cap_t_of(40);
	caller->message = message_of(1, 2, 0);
	victim->caller = caller;
	if (!make_thread(&caller->thread, &victim->task)) {
		return false;
	}
	victim->attack->caller = caller->thread.cap;
	set_priority(&caller->thread, MID);
	set_priority(&victim->server->thread, LOW);
	extern void call_for_attack(void *argument);
	return start_thread(&caller->thread, call_for_attack, caller);
}

void call_for_attack(void *argument);
void call_for_attack(void *argument)
{
	struct caller *caller = argument;
	caller->status = strata_call(caller->gate, &caller->message);
	caller->done = 1;
}

/* The server must be as good as before, when it still is. */
static void expect_server_alive(const struct victim *victim)
{
	sleep_for(milliseconds(10));
	EXPECT_EQ(victim->attack->survived, 1);
	EXPECT_EQ(state_of(&victim->server->thread), THREAD_STATE_IDLE);
}

static void server_cancels_its_caller(void)
{
	struct victim v;
	REQUIRE(attack(&v, CANCEL_CALLER));
	EXPECT(answered(v.caller, STATUS_CANCELLED));
	expect_server_alive(&v);
	EXPECT(v.caller->message.words[0] != 0x4444);
}

static void server_suspends_its_caller(void)
{
	struct victim v;
	REQUIRE(attack(&v, SUSPEND_CALLER));
	expect_server_alive(&v);
	EXPECT_EQ(v.caller->done, 0);
	EXPECT_EQ(state_of(&v.caller->thread), THREAD_STATE_STOPPED);
	REQUIRE_OK(strata_thread_resume(v.caller->thread.cap));
	EXPECT(answered(v.caller, STATUS_OK));
	EXPECT_EQ(v.caller->message.words[0], 0x4444);
}

static void server_cannot_restart_its_caller(void)
{
	struct victim v;
	REQUIRE(attack(&v, RESTART_CALLER));
	EXPECT(answered(v.caller, STATUS_OK));
	EXPECT_STATUS((enum status)v.attack->status, STATUS_BUSY);
}

static void server_kills_its_caller(void)
{
	struct victim v;
	REQUIRE(attack(&v, KILL_CALLER));
	expect_server_alive(&v);
	EXPECT_STATUS(strata_thread_info(v.attack->caller, NULL), STATUS_NO_CAPABILITY);
	struct caller *next = new_caller(NULL, v.server->gate, 1, HIGH);
	v.attack->harm = RESTART_CALLER;
	EXPECT(answered(next, STATUS_OK));
}

static void server_kills_its_callers_task(void)
{
	struct victim v;
	REQUIRE(attack(&v, KILL_CALLERS_TASK));
	expect_server_alive(&v);
	EXPECT_STATUS(strata_task_account(v.task.cap, NULL, NULL), STATUS_NO_CAPABILITY);
}

static void server_kills_its_gate(void)
{
	struct victim v;
	REQUIRE(attack(&v, KILL_GATE));
	EXPECT(answered(v.caller, STATUS_SERVER_DIED));
	expect_server_alive(&v);
}

static void server_kills_itself(void)
{
	struct victim v;
	REQUIRE(attack(&v, KILL_ITSELF));
	EXPECT(answered(v.caller, STATUS_SERVER_DIED));
	EXPECT_EQ(v.attack->survived, 0);
}

/* All of that while somebody more urgent helps: the server runs on the helper's time then. */
static void attacked_while_somebody_helps(void)
{
	for (unsigned harm = CANCEL_CALLER; harm <= RESTART_CALLER; harm++) {
		struct victim v;
		struct attack *late = new_shared(sizeof(*late));
		REQUIRE(attack(&v, RESTART_CALLER));
		EXPECT(answered(v.caller, STATUS_OK));
		*late = *v.attack;
		late->harm = (enum harm)harm;
		late->survived = 0;
		/* A server that first waits, so that helper and caller are both there when it strikes. */
		struct server *server = new_server_with(NULL, serve_with_harm, (struct server){.context = late});
		set_priority(&server->thread, LOW);
		late->gate = server->gate;
		late->itself = server->thread.cap;
		struct caller *caller = new_caller(NULL, server->gate, 1, 10);
		late->caller = caller->thread.cap;
		struct caller *helpers[2] = {new_caller(NULL, server->gate, 2, MID), new_caller(NULL, server->gate, 3, HIGH)};
		(void)wait_for(&helpers[0]->done, 1);
		(void)wait_for(&helpers[1]->done, 1);
		sleep_for(milliseconds(10));
		EXPECT_EQ(helpers[0]->done, 1);
		EXPECT_EQ(helpers[1]->done, 1);
	}
}

static void irq_of_a_stopped_handler_waits(void)
{
	struct server *server = new_server(NULL, serve_echo);
	cap_t irq = irq_for(&server->thread);
	REQUIRE_OK(strata_thread_suspend(server->thread.cap));
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_STOPPED);
	REQUIRE_OK(strata_thread_resume(server->thread.cap));
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_IDLE);
	struct caller *caller = new_caller(NULL, server->gate, 1, HIGH);
	EXPECT(answered(caller, STATUS_OK));
}

TEST_TABLE({"a caller that finds the server busy lends it its time", caller_lends_its_time},
	   {"a server spends its caller's time", server_spends_its_callers_time},
	   {"a server that was woken before spends its caller's time",
	    server_that_was_woken_runs_on_its_callers_time},
	   {"waiting callers are served by priority", waiting_callers_come_by_priority},
	   {"whichever handler becomes idle takes the next call",
	    any_handler_that_becomes_idle_is_taken},
	   {"a new handler serves who waits already", new_handler_serves_who_waits},
	   {"a thread in the open wait can become a handler", waiting_thread_can_become_a_handler},
	   {"a handler that is resumed serves who waits", resumed_handler_serves_who_waits},
	   {"thirty callers of one handler are served once each",
	    many_callers_are_served_once_each},
	   {"a helper reaches through a chain of calls", helper_reaches_through_a_chain},
	   {"a helper reaches through a thread that wants in elsewhere",
	    helper_reaches_through_a_thread_that_wants_in},
	   {"calling oneself is a deadlock", calling_oneself_is_a_deadlock},
	   {"a ring of three calls is a deadlock", ring_of_three_is_a_deadlock},
	   {"a ring of two that want in is a deadlock", ring_of_two_wishes_is_a_deadlock},
	   {"a ring of five that want in is a deadlock", ring_of_five_wishes_is_a_deadlock},
	   {"a ring of forty that want in is a deadlock", ring_of_forty_wishes_is_a_deadlock},
	   {"where a ring has a way out there is no deadlock", way_out_of_a_ring_is_taken},
	   {"a line of thirty that want in is no ring", long_line_of_wishes_is_no_ring},
	   {"who waits behind a handler learns that it died",
	    dead_handler_is_missed_by_who_waits_behind_it},
	   {"a chain of calls has at most sixteen callers", chains_have_sixteen_callers},
	   {"a handler that dies ends its call", server_that_dies_ends_its_call},
	   {"other handlers serve on when one dies", others_serve_when_a_handler_dies},
	   {"a gate that goes ends all calls of it", gate_that_goes_ends_all_calls},
	   {"a task that dies ends all calls to it", task_that_dies_ends_its_calls},
	   {"revoking ends the calls that wait, not the one that is served",
	    revoking_ends_calls_that_wait},
	   {"a call that waits follows its capability when that is moved",
	    moved_capability_can_still_be_revoked},
	   {"cancel ends a call and drops its answer", cancel_during_a_call},
	   {"cancel ends a call that waits", cancel_while_wanting_in},
	   {"the server of a cancelled call goes on on its own time",
	    cancelled_callers_server_runs_on_its_own_time},
	   {"the server of a killed caller goes on", killed_caller_leaves_its_server_running},
	   {"a call cancelled in the middle of a chain leaves nobody behind",
	    cancel_in_the_middle_of_a_chain},
	   {"a thread that helps can be killed", helper_can_be_killed},
	   {"a server that is helped can be killed", helped_server_can_be_killed},
	   {"a server can cancel its caller", server_cancels_its_caller},
	   {"a server can suspend its caller", server_suspends_its_caller},
	   {"a server cannot start its caller elsewhere", server_cannot_restart_its_caller},
	   {"a server can kill its caller", server_kills_its_caller},
	   {"a server can kill its caller's task", server_kills_its_callers_task},
	   {"a server can kill its own gate", server_kills_its_gate},
	   {"a server can kill itself", server_kills_itself},
	   {"a server that strikes while it is helped leaves nobody behind", attacked_while_somebody_helps},
	   {"an Irq of a stopped handler waits", irq_of_a_stopped_handler_waits});
