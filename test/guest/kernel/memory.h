/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tests of memory share.
 */
#pragma once

#include "harness.h"

#define PAGE     4096ul
#define BLOCK    (1ul << 21)
#define GIANT    (1ul << 30)
#define NO_VALUE 0xdeadul

#define READ_WRITE (PAGE_READ | PAGE_WRITE)

/* What a thread of the task (NULL: this one) reads there; NO_VALUE if it cannot. */
uint64_t value_at(const struct child_task *task, uint64_t address);

/* Each page of it begins with mark + its offset. */
uint64_t marked_frame(unsigned order, uint64_t mark);

/* Maps from this task's memory to `task`, with OK. */
void map_to(const struct child_task *task, uint64_t from, uint64_t to, uint64_t size,
	    unsigned rights);

/* A task whose tables are paid by a factory of its own. */
struct paying_task {
	struct child_task task;
	cap_t factory;
};

bool make_paying_task(struct paying_task *paying);

/* From now on it can pay for nothing more; and then for this many pages more. */
void stop_paying(const struct paying_task *paying);
void allow_pages(const struct paying_task *paying, uint64_t pages);

uint64_t used_by(cap_t factory);

/* A thread of `task` that makes kernel calls for the test: a task can map only what is its own. */
struct agent {
	struct server *server;
};

bool make_agent(struct agent *agent, const struct child_task *task);

/* The agent calls its capability at `cap`, with up to 6 words; word 0 of the answer in *answer (may be NULL). */
enum status agent_operate(const struct agent *agent, uint64_t cap, uint32_t operation,
			  const uint64_t words[6], uint64_t *answer);

#define AGENT(agent, cap, operation, ...) \
	agent_operate(agent, cap, operation, (const uint64_t[6]){__VA_ARGS__}, NULL)

/* Task.MAP by the agent into the task whose capability it has at `cap`. */
enum status agent_map(const struct agent *agent, uint64_t cap, uint64_t from, uint64_t to,
		      uint64_t size, unsigned rights);

/* The agent derives `count` capabilities in its own table, each from the one before, from index `first` on. */
enum status agent_chain(const struct agent *agent, uint64_t first, uint64_t count);
