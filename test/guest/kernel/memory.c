/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory.h"

uint64_t value_at(const struct child_task *task, uint64_t address)
{
	struct access *access = new_shared(sizeof(*access));
	struct thread thread;
	access->address = address;
	access->kind = FAULT_READ;
	access->value = NO_VALUE;
	if (make_thread(&thread, task)) {
		expect_no_report(&thread);
		(void)start_thread(&thread, do_access, access);
		(void)EXPECT_OK(strata_cap_delete(OWN_TASK, thread.cap.index));
	}
	return access->value;
}

uint64_t marked_frame(unsigned order, uint64_t mark)
{
	uint64_t frame = new_frame(order);
	for (uint64_t offset = 0; offset < 1ul << order; offset += PAGE) {
		poke(frame + offset, mark + offset);
	}
	return frame;
}

void map_to(const struct child_task *task, uint64_t from, uint64_t to, uint64_t size,
	    unsigned rights)
{
	uint64_t mapped = 0;
	EXPECT_OK(strata_task_map(task == NULL ? OWN_TASK : task->cap, from, to, size, rights,
				  &mapped));
	EXPECT_EQ(mapped, size);
}

bool make_paying_task(struct paying_task *paying)
{
	paying->factory = new_cap();
	return EXPECT_OK(strata_create_factory(FACTORY, paying->factory.index, 4 << 20)) &&
	       make_task_from(&paying->task, paying->factory);
}

uint64_t used_by(cap_t factory)
{
	uint64_t limit, used = 0;
	EXPECT_OK(strata_factory_account(factory, &limit, &used));
	return used;
}

void stop_paying(const struct paying_task *paying)
{
	allow_pages(paying, 0);
}

void allow_pages(const struct paying_task *paying, uint64_t pages)
{
	EXPECT_OK(strata_factory_set_limit(FACTORY, paying->factory,
					   used_by(paying->factory) + pages * PAGE));
}

#define CHAIN 0xcc /* label: words are first index and count */

static void serve_chain(struct message *message)
{
	uint64_t first = message->words[0], count = message->words[1];
	enum status status = STATUS_OK;
	for (uint64_t i = 0; i < count && status == STATUS_OK; i++) {
		status = strata_cap_derive(cap_t_of(CHILD_CAP_TASK), cap_t_of(first + i),
					   first + i + 1, RIGHTS_ALL, 0);
	}
	*message = message_of(status, 0, 0);
}

/* words: capability, operation, then those of the call. */
static void serve_operation(struct server *server, struct message *message)
{
	(void)server;
	if (TAG_LABEL(message->tag) == CHAIN) {
		serve_chain(message);
		return;
	}
	struct message request = message_of((uint32_t)message->words[1], 6, 0);
	for (unsigned i = 0; i < 6; i++) {
		request.words[i] = message->words[i + 2];
	}
	(void)strata_call(cap_t_of(message->words[0]), &request);
	*message = message_of(STATUS_OK, 2, 0);
	message->words[0] = TAG_LABEL(request.tag);
	message->words[1] = request.words[0];
}

bool make_agent(struct agent *agent, const struct child_task *task)
{
	agent->server = new_server(task, serve_operation);
	return agent->server != NULL;
}

enum status agent_operate(const struct agent *agent, uint64_t cap, uint32_t operation,
			  const uint64_t words[6], uint64_t *answer)
{
	struct message message = message_of(1, 8, 0);
	message.words[0] = cap;
	message.words[1] = operation;
	for (unsigned i = 0; i < 6; i++) {
		message.words[i + 2] = words[i];
	}
	EXPECT_EQ(strata_call(agent->server->gate, &message), STATUS_OK);
	if (answer != NULL) {
		*answer = message.words[1];
	}
	return (enum status)message.words[0];
}

enum status agent_map(const struct agent *agent, uint64_t cap, uint64_t from, uint64_t to,
		      uint64_t size, unsigned rights)
{
	return AGENT(agent, cap, TASK_MAP, from, to, size, rights, 0);
}

enum status agent_chain(const struct agent *agent, uint64_t first, uint64_t count)
{
	struct message message = message_of(CHAIN, 2, 0);
	message.words[0] = first;
	message.words[1] = count;
	(void)strata_call(agent->server->gate, &message);
	return message_status(&message);
}
