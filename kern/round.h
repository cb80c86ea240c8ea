/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rounds: when memory that others may still look at can be freed.
 *
 * The kernel runs with interrupts masked and looks objects and tables up without locks. What has been
 * unlinked may therefore still be in use by a core that is inside the kernel, and by no core once every
 * core has left the kernel or taken an inter-processor interrupt since: a round. What waits for one is
 * linked through memory of its own that nobody reads any more (of a page: its descriptor).
 */
#pragma once

#include <stdint.h>

struct round_item {
	struct round_item *next;
	void (*done)(struct round_item *item); /* called after the round, without locks */
} __attribute__((may_alias));

/* `item` is part of what is to be freed; nothing new can find it. Items of a core are done in this order. */
void round_defer(struct round_item *item, void (*done)(struct round_item *item));

/* Called by a core on its way out of the kernel, when it holds no pointers any more. */
void round_leave_kernel(void);
