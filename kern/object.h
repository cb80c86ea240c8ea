/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all kernel objects have in common.
 *
 * Life: a factory makes it, its original capability is put into the maker's table; from then on it lives as
 * long as that capability. Deleting the original (or its factory) marks it dying, deletes all derived
 * capabilities, unlinks it from whatever knows it, and frees its memory after a round. docs/objects.md has the whole.
 *
 * Restartable functions, here and elsewhere, do long work in steps. They return false when an interrupt is pending
 * and there is more to do; what they have done stays done. The caller returns up to the system call, which is then
 * made again after the interrupt, from its beginning.
 */
#pragma once

#include "round.h"

#include <abi/abi.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct capability;
struct factory;

struct object {
	uint8_t kind; /* enum object_kind; fixed */
	bool dying;   /* all use fails; teardown has begun */
	bool gone;    /* torn down; its memory waits for the round */

	/* While it is in the list of objects being torn down: `below` waits for it. */
	bool on_stack;
	struct object *below;

	struct factory *factory;     /* that made it and is charged; NULL: the kernel's own */
	struct capability *original; /* NULL before it has one, and once it is gone */
	TAILQ_ENTRY(object) of_factory;
	struct round_item round;
};

TAILQ_HEAD(object_list, object);

/*
 * Tears the object down: it and all capabilities to it are gone when this returns true, and whatever else deletions
 * that were interrupted had left, unless an interrupt is pending. Restartable: false means that one is; the object stays dying, and
 * the same call, or the next one for any object, goes on.
 */
bool object_destroy(struct object *object);

/*
 * For a teardown that finds that another object must go before it: returns true if that one is gone, or is itself
 * waiting for this one; else notes it down to be next, and the caller returns false up to object_destroy().
 * So chains of objects that own each other need no stack of ours.
 */
bool object_destroy_first(struct object *object);

/* For the teardown of a factory, or task, that finds one of its objects, or threads, waiting: lets that one finish first. */
void object_finish_after(struct object *object, struct object *waiting);
