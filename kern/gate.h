/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gates: where calls to a server arrive. Per core a slot with the handlers that are idle there and those that are
 * busy, on a cache line of its own: a call that finds an idle handler touches nothing of another core.
 */
#pragma once

#include "object.h"

#include <arch/cpu.h>

struct task;
struct thread;

TAILQ_HEAD(thread_list, thread);

/* Owned by its core. */
struct gate_slot {
	SLIST_HEAD(, thread) idle;   /* in the open wait, owe nothing (I5); the last to come is the first to go */
	struct thread_list busy;     /* all other handlers of this core (I3) */
	struct thread_list calling;  /* threads of this core that want in (CALLING); in no order: who is picked first, tries first */
} __attribute__((aligned(64)));

struct gate {
	struct object object;
	bool strict;       /* a call is refused rather than taken to another core; no effect while one core runs threads */
	struct task *task; /* of its handlers, all of one task: only compared; NULL while there are none */
	uint32_t handlers; /* how many are bound, on all cores */
	struct gate_slot slots[ARCH_CORES_MAX];
};

/* QUOTA. */
enum status gate_create(struct factory *factory, bool strict, struct gate **result);

/* Calls in progress end with SERVER_DIED, handlers go on unbound. Restartable; part of
 * object_destroy(). */
bool gate_destroy(struct gate *gate);
