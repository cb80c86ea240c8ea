/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forward: a handler hands its caller on, with a narrower window and fewer rights.
 */
#include "callers.h"

#define PAGE 4096ul

/* Forwards to `gate` with these; the words are what came, plus 1. In shared memory, as a server's context. */
struct forwarder {
	cap_t gate;
	struct window window;
	uint64_t rights;
	uint64_t words, items;    /* said in the tag */
	volatile uint64_t status; /* of the last forward that came back */
	volatile uint64_t forwards;
};

static void serve_forward_loop(struct forwarder *forwarder)
{
	struct message message;
	strata_wait(&message);
	for (;;) {
		if ((message.tag & TAG_KERNEL) != 0 && TAG_LABEL(message.tag) < STATUS_COUNT) {
			forwarder->status = TAG_LABEL(message.tag);
			message = message_of((uint32_t)forwarder->status, 0, 0);
			strata_reply_wait(&message);
			continue;
		}
		forwarder->forwards++;
		strata_utcb()->forward_window = forwarder->window;
		strata_utcb()->forward_rights = forwarder->rights;
		message.words[0]++;
		uint64_t label = TAG_LABEL(message.tag);
		unsigned words = forwarder->words != 0 ? (unsigned)forwarder->words : 2;
		message.tag = TAG_MAKE(label, words, forwarder->items);
		strata_forward(forwarder->gate, &message);
	}
}

static void run_forwarder(void *argument)
{
	serve_forward_loop(argument);
}

/* A handler of a new gate, which is returned. */
static cap_t new_forwarder(struct thread *thread, const struct child_task *task,
			   struct forwarder *forwarder)
{
	cap_t gate = new_gate();
	EXPECT(make_thread(thread, task));
	EXPECT_OK(strata_thread_bind(thread->cap, gate));
	EXPECT(start_thread(thread, run_forwarder, forwarder));
	return gate;
}

static struct forwarder *forwarder_to(cap_t gate)
{
	struct forwarder *forwarder = new_shared(sizeof(*forwarder));
	forwarder->gate = gate;
	forwarder->window = (struct window){0, 1ul << 40};
	forwarder->rights = PAGE_RIGHTS;
	return forwarder;
}

static enum status call_with(cap_t gate, struct message *message)
{
	*message = message_of(7, 2, 0);
	message->words[0] = 100;
	message->words[1] = 0x2222;
	(void)strata_call(gate, message);
	return message_status(message);
}

/* ---- who answers whom ---- */

static void second_server_answers_the_caller(void)
{
	struct child_task tasks[2];
	struct thread thread;
	struct message message;
	REQUIRE(make_task(&tasks[0]) && make_task(&tasks[1]));
	struct server *second = new_server(&tasks[1], serve_echo);
	REQUIRE_OK(give_cap(&tasks[0], second->gate, 40, RIGHT_WRITE, 0x99));
	cap_t gate = new_forwarder(&thread, &tasks[0], forwarder_to(cap_t_of(40)));
	for (unsigned i = 0; i < 3; i++) {
		EXPECT_OK(call_with(gate, &message));
		EXPECT_EQ(message.words[0], 101);
		EXPECT_EQ(message.words[1], 0x2222);
		EXPECT_EQ(second->last_badge, 0x99);
		EXPECT_EQ(second->last_tag, TAG_MAKE(7, 2, 0) | (uint64_t)RIGHT_WRITE << 16);
		EXPECT_EQ(state_of(&thread), THREAD_STATE_IDLE);
	}
}

static void forwarder_is_free_at_once(void)
{
	struct server *slow = new_server(NULL, serve_after_irq);
	cap_t irq = irq_for(&slow->thread);
	struct thread thread;
	struct forwarder *forwarder = forwarder_to(slow->gate);
	cap_t gate = new_forwarder(&thread, NULL, forwarder);
	struct caller *first = new_caller(NULL, gate, 0, PRIORITY_HELPER);
	EXPECT_EQ(state_of(&first->thread), THREAD_STATE_IN_CALL);
	EXPECT_EQ(state_of(&thread), THREAD_STATE_IDLE);
	struct caller *second = new_caller(NULL, gate, 10, PRIORITY_HELPER);
	EXPECT_EQ(forwarder->forwards, 2);
	EXPECT_EQ(state_of(&second->thread), THREAD_STATE_CALLING);
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT(answered(first, STATUS_OK));
	EXPECT_EQ(first->message.words[0], 1);
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT(answered(second, STATUS_OK));
	EXPECT_EQ(second->message.words[0], 11);
}

static void sixteen_forwards_and_no_more(void)
{
	struct message message;
	struct server *last = new_server(NULL, serve_echo);
	struct thread threads[17];
	cap_t gate = last->gate;
	for (unsigned i = 0; i < 17; i++) {
		gate = new_forwarder(&threads[i], NULL, forwarder_to(gate));
		if (i == 15) {
			EXPECT_OK(call_with(gate, &message));
			EXPECT_EQ(message.words[0], 116);
		}
	}
	EXPECT_STATUS(call_with(gate, &message), STATUS_DEADLOCK);
	for (unsigned i = 0; i < 17; i++) {
		EXPECT_EQ(state_of(&threads[i]), THREAD_STATE_IDLE);
	}
	EXPECT_EQ(last->calls, 1);
}

static void forward_to_oneself_ends(void)
{
	struct message message;
	struct thread thread;
	struct forwarder *forwarder = forwarder_to(cap_t_of(0));
	cap_t gate = new_forwarder(&thread, NULL, forwarder);
	forwarder->gate = gate;
	EXPECT_STATUS(call_with(gate, &message), STATUS_DEADLOCK);
	EXPECT_EQ(forwarder->forwards, 17);
	EXPECT_EQ(state_of(&thread), THREAD_STATE_IDLE);
}

static void forwards_are_counted_anew_for_each_call(void)
{
	struct message message;
	struct server *last = new_server(NULL, serve_echo);
	struct thread threads[16];
	cap_t gate = last->gate;
	for (unsigned i = 0; i < 16; i++) {
		gate = new_forwarder(&threads[i], NULL, forwarder_to(gate));
	}
	uint64_t before = counter(COUNTER_FORWARDS);
	for (unsigned i = 0; i < 5; i++) {
		EXPECT_OK(call_with(gate, &message));
	}
	EXPECT_EQ(counter(COUNTER_FORWARDS) - before, 80);
}

/* ---- refusals ---- */

static void refused_forwards_come_back(void)
{
	struct message message;
	struct thread thread;
	struct server *second = new_server(NULL, serve_echo);
	struct forwarder *forwarder = forwarder_to(second->gate);
	cap_t gate = new_forwarder(&thread, NULL, forwarder);
	const struct {
		uint64_t gate, words, items;
		enum status status;
	} cases[] = {
		{new_cap().index,    0,   0,   STATUS_NO_CAPABILITY},
		{0,                  0,   0,   STATUS_NO_CAPABILITY},
		{CAP_INDEX_LIMIT,    0,   0,   STATUS_NO_CAPABILITY},
		{ROOT_CAP_TASK,      0,   0,   STATUS_WRONG_OBJECT },
		{second->gate.index, 9,   0,   STATUS_BAD_ARGUMENT },
		{second->gate.index, 127, 0,   STATUS_BAD_ARGUMENT },
		{second->gate.index, 0,   1,   STATUS_BAD_ARGUMENT },
		{second->gate.index, 0,   127, STATUS_BAD_ARGUMENT },
	};
	for (unsigned i = 0; i < 8; i++) {
		forwarder->gate = cap_t_of(cases[i].gate);
		forwarder->words = cases[i].words;
		forwarder->items = cases[i].items;
		forwarder->status = 0;
		EXPECT_STATUS(call_with(gate, &message), cases[i].status);
		EXPECT_STATUS((enum status)forwarder->status, cases[i].status);
		EXPECT_EQ(message.tag & TAG_KERNEL, 0); /* the forwarder answered so */
	}
	EXPECT_EQ(second->calls, 0);
}

static void forward_without_a_caller_is_refused(void)
{
	struct server *server = new_server(NULL, serve_echo);
	struct message message = message_of(1, 0, 0);
	strata_forward(server->gate, &message);
	EXPECT_STATUS(message_status(&message), STATUS_NO_CALLER);
	EXPECT_EQ(message.tag & TAG_KERNEL, TAG_KERNEL);
}

static void forward_to_a_gate_without_handlers(void)
{
	struct message message;
	struct thread thread;
	cap_t gate = new_forwarder(&thread, NULL, forwarder_to(new_gate()));
	EXPECT_STATUS(call_with(gate, &message), STATUS_NO_HANDLER);
	EXPECT_EQ(message.tag & TAG_KERNEL, TAG_KERNEL);
	EXPECT_EQ(state_of(&thread), THREAD_STATE_IDLE);
}

/* ---- in the middle of things ---- */

static void cancelled_callers_forward_has_nobody(void)
{
	struct server *slow = new_server(NULL, serve_after_irq);
	cap_t irq = irq_for(&slow->thread);
	struct thread thread;
	cap_t gate = new_forwarder(&thread, NULL, forwarder_to(slow->gate));
	struct caller *first = new_caller(NULL, gate, 0, PRIORITY_HELPER);
	struct caller *second = new_caller(NULL, gate, 0, PRIORITY_HELPER);
	REQUIRE_OK(strata_thread_cancel(first->thread.cap));
	REQUIRE_OK(strata_thread_cancel(second->thread.cap));
	EXPECT(answered(first, STATUS_CANCELLED));
	EXPECT(answered(second, STATUS_CANCELLED));
	REQUIRE_OK(strata_irq_trigger(irq));
	sleep_for(milliseconds(2));
	EXPECT_EQ(state_of(&slow->thread), THREAD_STATE_IDLE);
	EXPECT_EQ(slow->calls, 1);
}

static void forwarding_task_may_die(void)
{
	struct child_task child;
	struct thread thread;
	struct server *slow = new_server(NULL, serve_after_irq);
	cap_t irq = irq_for(&slow->thread);
	REQUIRE(make_task(&child));
	REQUIRE_OK(give_cap(&child, slow->gate, 40, RIGHTS_ALL, 0));
	cap_t gate = new_forwarder(&thread, &child, forwarder_to(cap_t_of(40)));
	struct caller *in = new_caller(NULL, gate, 0, PRIORITY_HELPER),
		      *waiting = new_caller(NULL, gate, 5, PRIORITY_HELPER);
	EXPECT_EQ(state_of(&in->thread), THREAD_STATE_IN_CALL);
	EXPECT_EQ(state_of(&waiting->thread), THREAD_STATE_CALLING);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, child.cap.index));
	/* The one that is being served is answered; the other waited by a capability of the dead. */
	EXPECT(answered(waiting, STATUS_REVOKED));
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT(answered(in, STATUS_OK));
}

static void forward_while_somebody_helps(void)
{
	struct server *last = new_server(NULL, serve_after_spin);
	struct thread thread;
	struct forwarder *forwarder = forwarder_to(last->gate);
	cap_t gate = new_forwarder(&thread, NULL, forwarder);
	struct caller *callers[6];
	for (unsigned i = 0; i < 6; i++) {
		callers[i] = new_caller(NULL, gate, 10 * i, 60 + 5 * i);
		callers[i]->message.words[1] = milliseconds(2);
	}
	for (unsigned i = 0; i < 6; i++) {
		EXPECT(answered(callers[i], STATUS_OK));
		EXPECT_EQ(callers[i]->message.words[0], 10 * i + 1);
	}
	EXPECT_EQ(last->calls, 6);
	EXPECT_EQ(forwarder->forwards, 6);
}

/* ---- windows and rights ---- */

struct giver {
	uint64_t page, order, rights, offset;
};

static void serve_memory(struct server *server, struct message *message)
{
	const struct giver *giver = server->context;
	put_memory_item(0, giver->page, (unsigned)giver->order, giver->rights, giver->offset, 0);
	*message = message_of(STATUS_OK, 0, 1);
}

struct narrow {
	struct giver *giver;
	struct server *server;
	struct forwarder *forwarder;
	struct thread thread;
	cap_t gate;
	uint64_t window;
};

/* The caller's window has 16 pages. */
static bool make_narrow(struct narrow *narrow)
{
	narrow->giver = new_shared(sizeof(*narrow->giver));
	narrow->giver->page = new_frame(12);
	narrow->giver->order = 12;
	narrow->giver->rights = PAGE_READ | PAGE_WRITE;
	narrow->server =
		new_server_with(NULL, serve_memory, (struct server){.context = narrow->giver});
	narrow->forwarder = forwarder_to(narrow->server->gate);
	narrow->gate = new_forwarder(&narrow->thread, NULL, narrow->forwarder);
	narrow->window = new_addresses(1ul << 21, 21);
	open_memory_window(narrow->window, 16 * PAGE);
	return true;
}

static enum status ask(const struct narrow *narrow, uint64_t offset)
{
	struct message message;
	narrow->giver->offset = offset;
	return call_with(narrow->gate, &message);
}

static void window_is_narrowed(void)
{
	struct narrow n;
	REQUIRE(make_narrow(&n));
	n.forwarder->window = (struct window){4 * PAGE, 2 * PAGE};
	/* Offsets count from the narrow window's start. */
	EXPECT_OK(ask(&n, 0));
	EXPECT(can_access(NULL, n.window + 4 * PAGE, FAULT_READ));
	EXPECT_OK(ask(&n, PAGE));
	EXPECT(can_access(NULL, n.window + 5 * PAGE, FAULT_READ));
	EXPECT_STATUS(ask(&n, 2 * PAGE), STATUS_WINDOW);
	EXPECT_STATUS(ask(&n, 0 - 4 * PAGE), STATUS_WINDOW);
	EXPECT(!can_access(NULL, n.window, FAULT_READ));
	EXPECT(!can_access(NULL, n.window + 6 * PAGE, FAULT_READ));
}

static void window_never_grows(void)
{
	struct narrow n;
	REQUIRE(make_narrow(&n));
	static const struct window beyond[] = {
		{0,         17 * PAGE},
                {16 * PAGE, PAGE     },
                {~0ul,      PAGE     },
                {0 - PAGE,  2 * PAGE },
		{PAGE,      ~0ul     },
                {~0ul,      ~0ul     },
                {0,         ~0ul     },
                {17 * PAGE, 0        }
        };
	for (unsigned i = 0; i < 8; i++) {
		n.forwarder->window = beyond[i];
		EXPECT_STATUS(ask(&n, 0), STATUS_WINDOW);
	}
	n.forwarder->window = (struct window){0, 16 * PAGE};
	EXPECT_OK(ask(&n, 15 * PAGE));
	EXPECT_STATUS(ask(&n, 16 * PAGE), STATUS_WINDOW);
}

static void rights_are_cut(void)
{
	struct narrow n;
	REQUIRE(make_narrow(&n));
	n.forwarder->window = (struct window){0, 16 * PAGE};
	n.forwarder->rights = PAGE_READ;
	EXPECT_OK(ask(&n, 0));
	EXPECT(can_access(NULL, n.window, FAULT_READ));
	EXPECT(!can_access(NULL, n.window, FAULT_WRITE));
	n.forwarder->rights = 0;
	EXPECT_STATUS(ask(&n, PAGE), STATUS_WINDOW);
	n.forwarder->rights = ~0ul;
	EXPECT_OK(ask(&n, 2 * PAGE));
	EXPECT(can_access(NULL, n.window + 2 * PAGE, FAULT_WRITE));
}

static void windows_narrow_with_each_forward(void)
{
	struct narrow n;
	struct thread thread;
	REQUIRE(make_narrow(&n));
	struct forwarder *outer = forwarder_to(n.gate);
	cap_t gate = new_forwarder(&thread, NULL, outer);
	outer->window = (struct window){8 * PAGE, 4 * PAGE};
	outer->rights = PAGE_READ;
	n.forwarder->window = (struct window){PAGE, 2 * PAGE};
	n.forwarder->rights = PAGE_RIGHTS;
	n.gate = gate;
	EXPECT_OK(ask(&n, PAGE));
	EXPECT(can_access(NULL, n.window + 10 * PAGE, FAULT_READ));
	EXPECT(!can_access(NULL, n.window + 10 * PAGE, FAULT_WRITE));
	EXPECT_STATUS(ask(&n, 2 * PAGE), STATUS_WINDOW);
	n.forwarder->window =
		(struct window){3 * PAGE, 2 * PAGE}; /* one more than the outer leaves */
	EXPECT_STATUS(ask(&n, 0), STATUS_WINDOW);
}

/* A narrow window is of that call only. */
static void next_call_has_its_whole_window(void)
{
	struct narrow n;
	REQUIRE(make_narrow(&n));
	n.forwarder->window = (struct window){4 * PAGE, PAGE};
	n.forwarder->rights = PAGE_READ;
	EXPECT_OK(ask(&n, 0));
	n.gate = n.server->gate;
	EXPECT_OK(ask(&n, 15 * PAGE));
	EXPECT(can_access(NULL, n.window + 15 * PAGE, FAULT_WRITE));
}

/* Capabilities follow the caller's own window, forwarded or not. */
static void serve_capability(struct server *server, struct message *message)
{
	const cap_t *cap = server->context;
	put_cap_item(0, cap->index, 1, RIGHT_READ);
	*message = message_of(STATUS_OK, 0, 1);
}

static void forwarded_calls_bring_capabilities(void)
{
	struct thread thread;
	struct message message;
	struct child_task child;
	cap_t *cap = new_shared(sizeof(*cap)), gate = new_gate();
	REQUIRE(make_task(&child));
	REQUIRE_OK(give_cap(&child, gate, 41, RIGHTS_ALL, 0x31));
	*cap = cap_t_of(41);
	struct server *server =
		new_server_with(&child, serve_capability, (struct server){.context = cap});
	cap_t forwarding = new_forwarder(&thread, NULL, forwarder_to(server->gate)),
	      first = new_cap(), second = new_cap();
	open_cap_window(first.index, 2);
	EXPECT_OK(call_with(forwarding, &message));
	EXPECT_EQ(strata_utcb()->items[0].place, second.index);
	uint64_t badge;
	REQUIRE_OK(strata_cap_info(OWN_TASK, second.index, NULL, NULL, &badge));
	EXPECT_EQ(badge, 0x31);
}

TEST_TABLE({"the server that a call was forwarded to answers the caller",
	    second_server_answers_the_caller},
	   {"who forwards is free at once", forwarder_is_free_at_once},
	   {"a call is forwarded sixteen times and no more", sixteen_forwards_and_no_more},
	   {"forwarding to oneself ends", forward_to_oneself_ends},
	   {"forwards are counted anew for each call", forwards_are_counted_anew_for_each_call},
	   {"refused forwards come back and the reply is still owed", refused_forwards_come_back},
	   {"a forward without a caller is refused", forward_without_a_caller_is_refused},
	   {"a forward to a gate without handlers ends the call",
	    forward_to_a_gate_without_handlers},
	   {"a cancelled caller is nobody's", cancelled_callers_forward_has_nobody},
	   {"the task that forwarded may die", forwarding_task_may_die},
	   {"calls are forwarded while somebody helps", forward_while_somebody_helps},
	   {"the window is narrowed and offsets count from its new start", window_is_narrowed},
	   {"the window never grows", window_never_grows},
	   {"rights are cut and never grow", rights_are_cut},
	   {"windows narrow with each forward", windows_narrow_with_each_forward},
	   {"the next call has its whole window again", next_call_has_its_whole_window},
	   {"forwarded calls bring capabilities", forwarded_calls_bring_capabilities});
