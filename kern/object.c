/* SPDX-License-Identifier: BSD-2-Clause */
#include "object.h"

#include "cap.h"
#include "factory.h"
#include "gate.h"
#include "irq.h"
#include "mapdb.h"
#include "panic.h"
#include "task.h"
#include "thread.h"

#include <arch/cpu.h>
#include <stddef.h>

/* Per core: the object that is being torn down; those below it wait for it. Empty between kernel entries. */
static struct object *tops[ARCH_CORES_MAX];

/* Unlinks the object from all that knows it beside its capabilities. Restartable. */
static bool tear_down(struct object *object)
{
	switch ((enum object_kind)object->kind) {
	case OBJECT_TASK:
		return task_destroy((struct task *)object);
	case OBJECT_THREAD:
		thread_destroy((struct thread *)object);
		return true;
	case OBJECT_GATE:
		return gate_destroy((struct gate *)object);
	case OBJECT_IRQ:
		irq_destroy((struct irq *)object);
		return true;
	case OBJECT_FACTORY:
		return factory_destroy((struct factory *)object);
	case OBJECT_SCHEDULER:
	case OBJECT_ICU:
	case OBJECT_LOG:
	case OBJECT_PLATFORM:
	case OBJECT_NONE:
	case OBJECT_KINDS:
		break;
	}
	panic("an object of kind %u cannot be destroyed", object->kind);
}

/* The capabilities go first: then nothing new can reach it. The original goes last, so that an interrupted deletion can
 * be asked for again. */
static bool destroy_step(struct object *object)
{
	if (object->original != NULL && !cap_revoke(object->original)) {
		return false;
	}
	if (!tear_down(object)) {
		return false;
	}
	if (object->original != NULL) {
		*object->original = (struct capability){0};
		object->original = NULL;
	}
	object->gone = true;
	factory_free_after_round(object);
	return true;
}

static void push(struct object *object)
{
	struct object **top = &tops[arch_core_number()];
	object->dying = true;
	object->on_stack = true;
	object->below = *top;
	*top = object;
}

static void pop(void)
{
	struct object **top = &tops[arch_core_number()];
	(*top)->on_stack = false;
	*top = (*top)->below;
}

bool object_destroy(struct object *object)
{
	struct object **top = &tops[arch_core_number()];
	push(object);
	while (*top != NULL) {
		struct object *working = *top;
		bool finished = destroy_step(working);
		if (finished) {
			pop();
		}
		if (*top != NULL && preempt_pending()) {
			while (*top != NULL) {
				pop();
			}
			return false;
		}
	}
	return true;
}

bool object_destroy_first(struct object *object)
{
	if (object->gone) {
		return true;
	}
	if (!object->on_stack) {
		push(object);
		return false;
	}
	/* It waits for us: its original goes with what holds it, it itself when its turn comes. */
	if (object->original != NULL) {
		*object->original = (struct capability){0};
		object->original = NULL;
	}
	return true;
}

void object_finish_after(struct object *factory, struct object *waiting)
{
	struct object **top = &tops[arch_core_number()];
	CHECK(*top == factory && waiting->on_stack);
	*top = factory->below;
	factory->below = waiting->below;
	waiting->below = factory;
}
