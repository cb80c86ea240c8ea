/* SPDX-License-Identifier: BSD-2-Clause */
#include "callers.h"

static void call_once(void *argument)
{
	struct caller *caller = argument;
	caller->status = strata_call(caller->gate, &caller->message);
	caller->done = 1;
}

bool spawn_at(struct thread *thread, const struct child_task *task, unsigned priority,
	      void (*run)(void *), void *argument)
{
	if (!make_thread(thread, task)) {
		return false;
	}
	set_priority(thread, priority);
	return start_thread(thread, run, argument);
}

struct caller *new_caller(const struct child_task *task, cap_t gate, uint64_t number,
			  unsigned priority)
{
	struct caller *caller = new_shared(sizeof(*caller));
	caller->gate = gate;
	caller->message = message_of(1, 2, 0);
	caller->message.words[0] = number;
	(void)spawn_at(&caller->thread, task, priority, call_once, caller);
	return caller;
}

bool answered(const struct caller *caller, enum status status)
{
	return EXPECT(wait_for(&caller->done, 1)) &&
	       EXPECT_STATUS((enum status)caller->status, status);
}

void serve_echo(struct server *server, struct message *message)
{
	(void)server;
	unsigned words = TAG_WORDS(message->tag);
	message->tag = TAG_MAKE(STATUS_OK, words, 0);
}

void serve_after_irq(struct server *server, struct message *message)
{
	uint64_t fired;
	enum status status = strata_wait_irq(1, 0, &fired);
	serve_echo(server, message);
	if (status != STATUS_OK) {
		*message = message_of(status, 0, 0);
	}
}

void serve_after_spin(struct server *server, struct message *message)
{
	spin_for(message->words[1]);
	serve_echo(server, message);
}

void serve_by_call(struct server *server, struct message *message)
{
	const cap_t *gate = server->context;
	(void)strata_call(*gate, message);
	message->tag = TAG_MAKE(TAG_LABEL(message->tag), TAG_WORDS(message->tag), 0);
}

cap_t irq_for(const struct thread *thread)
{
	cap_t irq = new_cap();
	EXPECT_OK(strata_create_irq(FACTORY, irq.index));
	EXPECT_OK(strata_irq_bind(irq, thread->cap, 0));
	return irq;
}
