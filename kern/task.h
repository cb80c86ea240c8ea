/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks: an address space and a capability table, paid by the factory that made the task.
 */
#pragma once

#include "cap.h"
#include "mapdb.h"
#include "object.h"

struct thread;

struct task {
	struct object object;
	struct space space;
	struct cap_table caps;
	LIST_HEAD(, thread) threads;
	LIST_HEAD(, thread) unfinished; /* threads in the middle of a long operation on this task */
};

/* QUOTA, NO_ASID. */
enum status task_create(struct factory *factory, struct task **result);

/* Threads first, then capabilities, then mappings. Restartable; part of object_destroy(). */
bool task_destroy(struct task *task);
