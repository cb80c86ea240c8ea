/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each core collects what it unlinked while it was in the kernel. What core A unlinked may be freed when every
 * other core has left the kernel once since, or was outside. As long as one core runs user threads, its own way
 * out of the kernel is that round: the others hold no pointers to objects.
 */
#include "round.h"

#include "mapdb.h"

#include <arch/cpu.h>

#include <stddef.h>

/* Touched by its own core only. */
struct deferred {
	struct round_item *first, *last;
} __attribute__((aligned(64)));

static struct deferred deferred[ARCH_CORES_MAX];

void round_defer(struct round_item *item, void (*done)(struct round_item *item))
{
	struct deferred *mine = &deferred[arch_core_number()];
	item->done = done;
	item->next = NULL;
	if (mine->first == NULL) {
		mine->first = item;
	} else {
		mine->last->next = item;
	}
	mine->last = item;
}

/* How many items are done between two looks for interrupts. */
#define ITEMS_MAX 16

/* In the order in which they were deferred: a factory goes after what it made. done() may defer more: that waits for the next
 * round. What is left when an interrupt is pending is done on the way out after it. */
static void do_items(struct deferred *mine)
{
	struct round_item *item = mine->first, *last = mine->last;
	mine->first = NULL;
	for (unsigned items = 1; item != NULL; items++) {
		struct round_item *next = item->next;
		item->done(item);
		item = next;
		if (items % ITEMS_MAX == 0 && item != NULL && preempt_pending()) {
			last->next = mine->first;
			mine->last = mine->first != NULL ? mine->last : last;
			mine->first = item;
			return;
		}
	}
}

void round_leave_kernel(void)
{
	struct deferred *mine = &deferred[arch_core_number()];
	if (mine->first != NULL) {
		do_items(mine);
	}
}
