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

#include <stddef.h>

/*
 * The object that is being torn down; those below it wait for it. What an interrupt leaves here stays: the same deletion goes on with
 * it when it is made again, or else the next one, whoever makes it. So no way is gone twice, and nothing that nobody can ask for any more
 * (its original went with a ring, or who asked went with it) stays for ever.
 */
static struct object *top;

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
	object->dying = true;
	object->on_stack = true;
	object->below = top;
	top = object;
}

static void pop(void)
{
	top->on_stack = false;
	top = top->below;
}

bool object_destroy(struct object *object)
{
	if (!object->on_stack) {
		push(object);
	}
	while (top != NULL) {
		bool finished = destroy_step(top);
		if (finished) {
			pop();
		}
		if (top != NULL && preempt_pending()) {
			return object->gone;
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
	/* It waits: its original goes with what holds it, it itself when its turn comes. It may wait since an interrupt, and still have
	 * derived capabilities. */
	if (object->original != NULL) {
		if (!cap_revoke(object->original)) {
			return false;
		}
		*object->original = (struct capability){0};
		object->original = NULL;
	}
	return true;
}

void object_finish_after(struct object *object, struct object *waiting)
{
	CHECK(top == object && waiting->on_stack);
	top = object->below;
	object->below = waiting->below;
	waiting->below = object;
}
