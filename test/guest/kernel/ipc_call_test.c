/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that find an idle handler: what arrives, what comes back, and what no one may see.
 */
#include "callers.h"

#include <string.h>

#define RESERVED_TAG_BITS 0xffffc000ul /* all that neither label, words nor items use */

static uint64_t pattern(unsigned i)
{
	return 0x1111111111111111ul * (i % 15 + 1) + i;
}

/* ---- words ---- */

struct seen {
	uint64_t words[MESSAGE_WORDS];
	uint64_t tag, badge;
	uint64_t answer_words, answer_tag;
};

static void serve_seen(struct server *server, struct message *message)
{
	struct seen *seen = server->context;
	memcpy(seen->words, message->words, sizeof(message->words));
	for (unsigned i = MESSAGE_REGISTERS; i < MESSAGE_WORDS; i++) {
		seen->words[i] = strata_utcb()->words[i];
		strata_utcb()->words[i] = ~pattern(i);
	}
	seen->tag = message->tag;
	seen->badge = message->badge;
	*message = message_of(STATUS_OK, (unsigned)seen->answer_words, 0);
	if (seen->answer_tag != 0) {
		message->tag = seen->answer_tag;
	}
	for (unsigned i = 0; i < MESSAGE_REGISTERS; i++) {
		message->words[i] = ~pattern(i);
	}
}

static struct server *new_seer(const struct child_task *task, struct seen **seen)
{
	*seen = new_shared(sizeof(**seen));
	return new_server_with(task, serve_seen, (struct server){.context = *seen});
}

static void send_words(const struct server *server, struct seen *seen, unsigned out, unsigned back)
{
	struct message message = message_of(0x1234, out, 0);
	for (unsigned i = 0; i < MESSAGE_WORDS; i++) {
		*(i < MESSAGE_REGISTERS ? &message.words[i] : &strata_utcb()->words[i]) =
			pattern(i);
	}
	seen->answer_words = back;
	EXPECT_EQ(strata_call(server->gate, &message), STATUS_OK);
	for (unsigned i = 0; i < out; i++) {
		EXPECT_EQ(seen->words[i], pattern(i));
	}
	for (unsigned i = out; i < MESSAGE_REGISTERS; i++) {
		EXPECT_EQ(seen->words[i], 0);
	}
	EXPECT_EQ(seen->tag, TAG_MAKE(0x1234, out, 0) | (uint64_t)RIGHTS_ALL << 16);
	EXPECT_EQ(message.tag, TAG_MAKE(STATUS_OK, back, 0));
	for (unsigned i = 0; i < MESSAGE_REGISTERS; i++) {
		EXPECT_EQ(message.words[i], i < back ? ~pattern(i) : 0);
	}
	for (unsigned i = MESSAGE_REGISTERS; i < MESSAGE_WORDS; i++) {
		EXPECT_EQ(strata_utcb()->words[i], i < back ? ~pattern(i) : pattern(i));
	}
}

static void words_travel(void)
{
	struct child_task child;
	struct seen *seen;
	REQUIRE(make_task(&child));
	struct server *server = new_seer(&child, &seen);
	for (unsigned words = 0; words <= MESSAGE_WORDS; words++) {
		/* What is beyond the count must not come along from the message before. */
		for (unsigned i = MESSAGE_REGISTERS; i < MESSAGE_WORDS; i++) {
			seen->words[i] = 0;
		}
		send_words(server, seen, words, MESSAGE_WORDS - words);
		send_words(server, seen, words, words);
	}
}

/* What the UTCB of the other holds beyond the message stays its own. */
static void only_the_words_that_were_sent_arrive(void)
{
	struct child_task child;
	struct seen *seen;
	REQUIRE(make_task(&child));
	struct server *server = new_seer(&child, &seen);
	seen->answer_words = 10;
	for (unsigned i = MESSAGE_REGISTERS; i < MESSAGE_WORDS; i++) {
		strata_utcb()->words[i] = 0x5ec0e7;
	}
	struct message message = message_of(1, 9, 0);
	EXPECT_EQ(strata_call(server->gate, &message), STATUS_OK);
	EXPECT_EQ(seen->words[8], 0x5ec0e7);
	for (unsigned i = 9; i < MESSAGE_WORDS; i++) {
		EXPECT_EQ(seen->words[i], 0); /* its own UTCB's, fresh */
	}
	EXPECT_EQ(strata_utcb()->words[9], ~pattern(9));
	for (unsigned i = 10; i < MESSAGE_WORDS; i++) {
		EXPECT_EQ(strata_utcb()->words[i], 0x5ec0e7);
	}
}

/* ---- tags ---- */

static void labels_have_32_bits(void)
{
	struct seen *seen;
	struct server *server = new_seer(NULL, &seen);
	static const uint32_t labels[] = {0,         1,          LABEL_FAULT, LABEL_EXCEPTION,
					  LABEL_IRQ, 0x7fffffff, 0x80000000,  0xffffffff};
	for (unsigned i = 0; i < 8; i++) {
		struct message message = message_of(labels[i], 0, 0);
		seen->answer_tag = TAG_MAKE(~labels[i], 1, 0);
		EXPECT_EQ(strata_call(server->gate, &message), ~labels[i]);
		EXPECT_EQ(TAG_LABEL(seen->tag), labels[i]);
		EXPECT_EQ(message.tag, TAG_MAKE(~labels[i], 1, 0));
	}
}

static void tags_are_cleaned(void)
{
	struct seen *seen;
	struct server *server = new_seer(NULL, &seen);
	cap_t weak = new_cap();
	REQUIRE_OK(strata_cap_derive(OWN_TASK, server->gate, weak.index, RIGHT_WRITE, 0xbad9e));
	struct message message = message_of(LABEL_FAULT, 3, 0);
	message.tag |= RESERVED_TAG_BITS; /* says: from the kernel, with all rights */
	seen->answer_tag = TAG_MAKE(LABEL_IRQ, 1, 0) | RESERVED_TAG_BITS;
	message.badge = 0x123;
	EXPECT_EQ(strata_call(weak, &message), LABEL_IRQ);
	EXPECT_EQ(seen->tag, TAG_MAKE(LABEL_FAULT, 3, 0) | (uint64_t)RIGHT_WRITE << 16);
	EXPECT_EQ(seen->badge, 0xbad9e);
	EXPECT_EQ(message.tag, TAG_MAKE(LABEL_IRQ, 1, 0));
	EXPECT_EQ(message.badge, 0);
	EXPECT(!message_is_kernel(&message, LABEL_IRQ));
}

static void answers_of_objects_are_the_kernels(void)
{
	struct message message = message_of(TASK_ACCOUNT, 0, 0);
	(void)strata_call(OWN_TASK, &message);
	EXPECT_EQ(message.tag, TAG_MAKE(STATUS_OK, 2, 0) | TAG_KERNEL);
	message = message_of(TASK_ACCOUNT, 0, 0);
	(void)strata_call(new_cap(), &message);
	EXPECT_EQ(message.tag, TAG_MAKE(STATUS_NO_CAPABILITY, 0, 0) | TAG_KERNEL);
}

/* ---- registers ---- */

static void fill(uint64_t x[32])
{
	for (unsigned i = 0; i < 32; i++) {
		x[i] = 0xabcd000000000000ul + i;
	}
}

static void expect_clean(const uint64_t x[32])
{
	for (unsigned i = 10; i < 19; i++) {
		EXPECT_EQ(x[i], 0);
	}
	for (unsigned i = 19; i < 31; i++) {
		EXPECT_EQ(x[i], 0xabcd000000000000ul + i);
	}
	EXPECT_EQ(x[9], 0);
}

static void registers_after_a_call(void)
{
	struct child_task child;
	REQUIRE(make_task(&child));
	struct server *server = new_server(&child, serve_echo);
	uint64_t x[32];
	fill(x);
	x[8] = TAG_MAKE(7, 8, 0);
	x[9] = server->gate.index;
	raw_system_call(x, SYSCALL_CALL);
	expect_clean(x);
	for (unsigned i = 0; i < 8; i++) {
		EXPECT_EQ(x[i], 0xabcd000000000000ul + i);
	}
	fill(x);
	x[8] = TAG_MAKE(7, 2, 0);
	x[9] = server->gate.index;
	raw_system_call(x, SYSCALL_CALL);
	expect_clean(x);
	for (unsigned i = 2; i < 8; i++) {
		EXPECT_EQ(x[i], 0);
	}
}

static void registers_after_other_system_calls(void)
{
	uint64_t x[32];
	for (unsigned operation = 0; operation < RAW_OPERATIONS; operation++) {
		if (operation == SYSCALL_REPLY_WAIT) {
			continue; /* nobody would wake us */
		}
		fill(x);
		x[8] = TAG_MAKE(7, 0, 0);
		x[9] = operation == SYSCALL_WAIT ? 2 : TEST_CAP_END - 1;
		raw_system_call(x, operation);
		expect_clean(x);
		for (unsigned i = 0; i < 8; i++) {
			EXPECT_EQ(x[i], 0);
		}
		enum status status = (enum status)TAG_LABEL(x[8]);
		EXPECT_EQ(x[8], TAG_MAKE(status, 0, 0) | TAG_KERNEL);
		static const enum status expected[] = {
			STATUS_NO_CAPABILITY, STATUS_OK,          STATUS_NO_CALLER,
			STATUS_BAD_ARGUMENT,  STATUS_OK,          STATUS_NO_OPERATION,
			STATUS_NO_OPERATION,  STATUS_NO_OPERATION};
		EXPECT_STATUS(status, expected[operation]);
	}
}

struct raw_handler {
	struct thread thread;
	uint64_t x[32];
	volatile uint64_t rounds;
};

static void run_raw_handler(void *argument)
{
	struct raw_handler *handler = argument;
	for (;;) {
		uint64_t label = TAG_LABEL(handler->x[8]), words = TAG_WORDS(handler->x[8]);
		(void)label;
		fill(handler->x);
		handler->x[8] = handler->rounds == 0 ? 0 : TAG_MAKE(STATUS_OK, words, 0);
		raw_system_call(handler->x, SYSCALL_REPLY_WAIT);
		handler->rounds++;
	}
}

static void registers_of_the_handler(void)
{
	struct child_task child;
	REQUIRE(make_task(&child));
	struct raw_handler *handler = new_shared(sizeof(*handler));
	cap_t gate = new_gate();
	REQUIRE(make_thread(&handler->thread, &child));
	REQUIRE_OK(strata_thread_bind(handler->thread.cap, gate));
	REQUIRE(start_thread(&handler->thread, run_raw_handler, handler));
	cap_t badged = new_cap();
	REQUIRE_OK(strata_cap_derive(OWN_TASK, gate, badged.index, RIGHTS_ALL, 0x42));
	for (unsigned words = 0; words <= 8; words++) {
		uint64_t x[32];
		for (unsigned i = 0; i < 32; i++) {
			x[i] = 0x5ec0000000000000ul + i;
		}
		x[8] = TAG_MAKE(3, words, 0);
		x[9] = badged.index;
		raw_system_call(x, SYSCALL_CALL);
		/* What the handler got: the words, tag and badge; nothing else of ours, and all of its own. */
		EXPECT_EQ(handler->rounds, words + 1);
	}
}

/* The same, seen by the handler itself. */
static void run_checking_handler(void *argument)
{
	struct raw_handler *handler = argument;
	uint64_t words = 0;
	for (;;) {
		uint64_t x[32];
		fill(x);
		x[8] = TAG_MAKE(STATUS_OK, words, 0);
		raw_system_call(x, SYSCALL_REPLY_WAIT);
		words = TAG_WORDS(x[8]);
		for (unsigned i = 0; i < 8; i++) {
			EXPECT_EQ(x[i], i < words ? 0x5ec0000000000000ul + i : 0);
		}
		EXPECT_EQ(x[9], 0x42);
		x[9] = 0;
		expect_clean(x);
		handler->rounds++;
	}
}

static void handler_sees_words_tag_and_badge_only(void)
{
	struct raw_handler *handler = new_shared(sizeof(*handler));
	cap_t gate = new_gate(), badged = new_cap();
	REQUIRE(make_thread(&handler->thread, NULL));
	REQUIRE_OK(strata_thread_bind(handler->thread.cap, gate));
	REQUIRE(start_thread(&handler->thread, run_checking_handler, handler));
	REQUIRE_OK(strata_cap_derive(OWN_TASK, gate, badged.index, RIGHTS_ALL, 0x42));
	for (unsigned words = 0; words <= 8; words++) {
		uint64_t x[32];
		for (unsigned i = 0; i < 32; i++) {
			x[i] = 0x5ec0000000000000ul + i;
		}
		x[8] = TAG_MAKE(3, words, 0);
		x[9] = badged.index;
		raw_system_call(x, SYSCALL_CALL);
		for (unsigned i = 0; i < 8; i++) {
			EXPECT_EQ(x[i], i < words ? 0xabcd000000000000ul + i : 0);
		}
	}
	EXPECT_EQ(handler->rounds, 9);
}

static void tls_and_stack_pointer_stay(void)
{
	struct server *server = new_server(NULL, serve_echo);
	uint64_t tls;
	__asm__ volatile("msr tpidr_el0, %0" ::"r"(0x77665544ul));
	for (unsigned i = 0; i < 10; i++) {
		struct message message = message_of(1, 1, 0);
		EXPECT_EQ(strata_call(server->gate, &message), STATUS_OK);
		sleep_for(milliseconds(1));
	}
	__asm__ volatile("mrs %0, tpidr_el0" : "=r"(tls));
	EXPECT_EQ(tls, 0x77665544ul);
	__asm__ volatile("msr tpidr_el0, xzr");
}

/* ---- waits and replies ---- */

static void gate_without_handlers_refuses(void)
{
	struct message message = message_of(1, 0, 0);
	EXPECT_EQ(strata_call(new_gate(), &message), STATUS_NO_HANDLER);
	cap_t strict = new_cap();
	REQUIRE_OK(strata_create_gate(FACTORY, strict.index, GATE_STRICT));
	message = message_of(1, 0, 0);
	EXPECT_EQ(strata_call(strict, &message), STATUS_NO_HANDLER);
}

static void serve_badly(struct server *server, struct message *message)
{
	uint64_t *statuses = server->context;
	struct message attempt = {0};
	strata_wait(&attempt);
	statuses[0] = TAG_LABEL(attempt.tag);
	attempt = message_of(0, 65, 0);
	strata_reply_wait(&attempt);
	statuses[1] = TAG_LABEL(attempt.tag);
	attempt = message_of(0, 0, 65);
	strata_reply_wait(&attempt);
	statuses[2] = TAG_LABEL(attempt.tag);
	serve_echo(server, message);
}

static void who_owes_a_reply_cannot_wait_openly(void)
{
	uint64_t *statuses = new_shared(3 * 8);
	struct server *server =
		new_server_with(NULL, serve_badly, (struct server){.context = statuses});
	struct message message = message_of(1, 1, 0);
	message.words[0] = 99;
	EXPECT_EQ(strata_call(server->gate, &message), STATUS_OK);
	EXPECT_EQ(message.words[0], 99);
	EXPECT_STATUS((enum status)statuses[0], STATUS_OWES_REPLY);
	EXPECT_STATUS((enum status)statuses[1], STATUS_BAD_ARGUMENT);
	EXPECT_STATUS((enum status)statuses[2], STATUS_BAD_ARGUMENT);
}

static void unknown_waits_are_refused(void)
{
	for (unsigned i = 0; i < 3; i++) {
		static const uint64_t kinds[] = {2, 1ul << 32, ~0ul};
		uint64_t x[32] = {[9] = kinds[i]};
		raw_system_call(x, SYSCALL_WAIT);
		EXPECT_STATUS((enum status)TAG_LABEL(x[8]), STATUS_BAD_ARGUMENT);
	}
}

static void nested_calls_come_back_in_order(void)
{
	struct child_task tasks[3];
	struct server *servers[4];
	cap_t *next = new_shared(4 * sizeof(*next));
	for (unsigned i = 0; i < 4; i++) {
		if (i < 3) {
			REQUIRE(make_task(&tasks[i]));
		}
		servers[i] = new_server_with(i < 3 ? &tasks[i] : NULL,
					     i < 3 ? serve_by_call : serve_echo,
					     (struct server){.context = &next[i]});
		next[i] = cap_t_of(40);
	}
	for (unsigned i = 0; i < 3; i++) {
		REQUIRE_OK(give_cap(&tasks[i], servers[i + 1]->gate, 40, RIGHT_READ, 100 + i));
	}
	struct message message = message_of(5, 3, 0);
	message.words[2] = 0xcafe;
	EXPECT_EQ(strata_call(servers[0]->gate, &message), STATUS_OK);
	EXPECT_EQ(message.words[2], 0xcafe);
	EXPECT_EQ(servers[1]->last_badge, 100);
	EXPECT_EQ(servers[3]->last_badge, 102);
	EXPECT_EQ(TAG_RIGHTS(servers[3]->last_tag), RIGHT_READ);
}

static void calls_and_replies_are_counted(void)
{
	struct server *server = new_server(NULL, serve_echo);
	uint64_t calls = counter(COUNTER_CALLS), replies = counter(COUNTER_REPLIES);
	for (unsigned i = 0; i < 10; i++) {
		struct message message = message_of(1, 0, 0);
		(void)strata_call(server->gate, &message);
	}
	EXPECT_EQ(counter(COUNTER_CALLS) - calls, 10);
	EXPECT_EQ(counter(COUNTER_REPLIES) - replies, 10);
}

static void many_handlers_take_turns(void)
{
	struct server *first = new_server(NULL, serve_after_irq),
		      *others = new_shared(7 * sizeof(*others));
	cap_t irqs[8] = {irq_for(&first->thread)};
	struct caller *callers[8];
	for (unsigned i = 0; i < 7; i++) {
		REQUIRE(add_handler(&others[i], first, NULL));
		irqs[i + 1] = irq_for(&others[i].thread);
	}
	for (unsigned i = 0; i < 8; i++) {
		callers[i] = new_caller(NULL, first->gate, i, PRIORITY_HELPER);
		EXPECT_EQ(state_of(&callers[i]->thread), THREAD_STATE_IN_CALL);
	}
	for (unsigned i = 0; i < 8; i++) {
		REQUIRE_OK(strata_irq_trigger(irqs[i]));
	}
	for (unsigned i = 0; i < 8; i++) {
		EXPECT(answered(callers[i], STATUS_OK));
		EXPECT_EQ(callers[i]->message.words[0], i);
	}
}

TEST_TABLE({"0 to 64 words travel both ways", words_travel},
	   {"of the UTCB only the words that were sent arrive",
	    only_the_words_that_were_sent_arrive},
	   {"labels have 32 bits", labels_have_32_bits},
	   {"nobody can pass for the kernel or claim rights in a tag", tags_are_cleaned},
	   {"answers of kernel objects carry the kernel's mark",
	    answers_of_objects_are_the_kernels},
	   {"a call preserves x19 to x30 and clears x9 to x18", registers_after_a_call},
	   {"every system call preserves x19 to x30 and clears the rest",
	    registers_after_other_system_calls},
	   {"a handler in another task answers calls of 0 to 8 words", registers_of_the_handler},
	   {"a handler sees words, tag and badge and nothing else",
	    handler_sees_words_tag_and_badge_only},
	   {"TPIDR_EL0 stays through calls and waits", tls_and_stack_pointer_stay},
	   {"a gate without handlers refuses calls", gate_without_handlers_refuses},
	   {"who owes a reply cannot enter the open wait", who_owes_a_reply_cannot_wait_openly},
	   {"unknown kinds of waits are refused", unknown_waits_are_refused},
	   {"nested calls over four tasks come back in order", nested_calls_come_back_in_order},
	   {"calls and replies are counted", calls_and_replies_are_counted},
	   {"eight handlers of a gate serve eight callers", many_handlers_take_turns});
