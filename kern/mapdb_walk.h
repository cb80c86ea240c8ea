/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks over what was mapped from a mapping, or from a part of one: to remove it, to reduce it, to age it.
 *
 * A walk holds the lock of a region for at most WALK_MAX mappings or one batch of changed entries, and never
 * unlocks before all TLBs have forgotten what the batch changed. Then it looks for interrupts, and goes on at a
 * position, which is only a hint: somebody may have removed the mapping there, then the walk starts over. One that removes
 * could always start over, but would pass all parts that have uses to report again and again.
 */
#pragma once

#include "mapdb_slot.h"

struct walk {
	struct map_position *at;
	/* Called for each mapping below, under its lock; may add one entry to the batch. */
	void (*visit)(struct walk *walk, struct region *region, uint32_t id);
	/* Both or none, for children first. Called for each part of 2 MiB below after what is below it, under the locks of part and
	 * whole; and for each piece table of 2 MiB after what is below its parts, under its lock. */
	void (*visit_part)(struct walk *walk, uint32_t id);
	void (*visit_pieces)(struct walk *walk, uint32_t pieces);
	/* Called for the mapping or part itself in the end, under its lock; may add one entry to the batch. */
	void (*finish)(struct walk *walk, struct region *region, const struct leaf *leaf,
		       uint32_t id);
	bool parents_first;
	bool revokes; /* what is walked is flagged: nothing new can be mapped from it */
	unsigned visited; /* mappings, and what costs as much, since the last look for interrupts; 0 at first */
	struct batch batch;
};

enum walk_end { WALK_DONE, WALK_INTERRUPTED, WALK_CHANGED };

/*
 * Walks below the part of `order` at `va` of the mapping at `leaf`, then below all larger mappings that have been made from it
 * and that the part lies in, larger ones first. CHANGED: the leaf is no longer what it was; look again.
 */
enum walk_end walk_part(struct walk *walk, const struct leaf *leaf, uint64_t va, unsigned order);

/* How many mappings are visited between two looks for interrupts. */
#define WALK_MAX 32

/* Looks for interrupts: false if one is pending. */
bool walk_look(struct walk *walk);

/* Between two places: false, if enough was done since the last look for interrupts, and one is pending. */
static inline bool walk_may_go_on(struct walk *walk)
{
	return ++walk->visited < WALK_MAX || walk_look(walk);
}

/* The position moves on to `va`. */
void walk_advance(struct walk *walk, uint64_t va);

/* mapdb.c */

/* The frame at `va`, inside of the leaf. */
uint64_t leaf_frame(const struct leaf *leaf, uint64_t va);
/* Whether an entry is the same mapping as it was when `leaf` was found: all but uses and rights. */
bool leaf_is_same(const struct leaf *leaf, uint64_t entry);
/* The slot for the part of `order` at `va` of the mapping at `leaf`: its own, or that of a piece table. 0: there is no piece table. */
uint32_t leaf_slot(const struct leaf *leaf, uint64_t va, unsigned order);
