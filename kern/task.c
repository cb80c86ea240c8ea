/* SPDX-License-Identifier: BSD-2-Clause */
#include "task.h"

#include "cpu.h"
#include "factory.h"
#include "invoke.h"
#include "thread.h"

#include <stddef.h>

enum status task_create(struct factory *factory, struct task **result)
{
	struct task *task = factory_alloc(factory, OBJECT_TASK);
	if (task == NULL) {
		return STATUS_QUOTA;
	}
	LIST_INIT(&task->threads);
	LIST_INIT(&task->unfinished);
	/* The space comes last: giving one back can be interrupted, giving an empty table back cannot. */
	enum status status = cap_table_init(&task->caps, &factory->quota);
	if (status == STATUS_OK) {
		status = space_init(&task->space, &factory->quota);
		if (status != STATUS_OK) {
			(void)cap_table_destroy(&task->caps);
		}
	}
	if (status != STATUS_OK) {
		factory_free(&task->object);
		return status;
	}
	*result = task;
	return STATUS_OK;
}

/* No core may go on walking tables that are about to be freed. */
static void leave_space(struct cpu *cpu, struct space *space)
{
	if (cpu->space == space) {
		arch_leave_address_space();
		cpu->space = NULL;
	}
}

bool task_destroy(struct task *task)
{
	struct thread *thread;
	while ((thread = LIST_FIRST(&task->unfinished)) != NULL) {
		invoke_abandon(thread);
	}
	thread = LIST_FIRST(&task->threads);
	if (thread != NULL && thread->object.on_stack) {
		object_finish_after(&task->object, &thread->object);
		return false;
	}
	if (thread != NULL) {
		(void)object_destroy_first(&thread->object);
		return false; /* it goes first, and takes itself off the list */
	}
	/* The task's own thread may be the one that asked for this. */
	leave_space(this_cpu(), &task->space);
	if (!cap_table_destroy(&task->caps)) {
		return false;
	}
	return space_destroy(&task->space);
}
