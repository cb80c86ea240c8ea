/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that make a call, and servers that take their time: what the tests of IPC are built from. In shared memory.
 */
#pragma once

#include "harness.h"

struct caller {
	struct thread thread;
	cap_t gate;
	struct message message;
	volatile uint64_t status, done;
};

/* A thread at `priority` that calls `gate` once, with its number as word 0. */
struct caller *new_caller(const struct child_task *task, cap_t gate, uint64_t number,
			  unsigned priority);

/* A thread that runs this function at a priority. */
bool spawn_at(struct thread *thread, const struct child_task *task, unsigned priority,
	      void (*run)(void *), void *argument);

/* Waits for its answer: whether it came, with this status. */
bool answered(const struct caller *caller, enum status status);

/* ---- answers ---- */

/* The request comes back, with label OK. */
void serve_echo(struct server *server, struct message *message);

/* Waits, owing a reply, for Irq 0 of its thread; then as serve_echo. */
void serve_after_irq(struct server *server, struct message *message);

/* Spins for the ticks in word 1; then as serve_echo. */
void serve_after_spin(struct server *server, struct message *message);

/* Calls the gate at *(cap_t *)context with the request and passes the answer on. */
void serve_by_call(struct server *server, struct message *message);

/* An Irq bound to bit 0 of the thread. */
cap_t irq_for(const struct thread *thread);
