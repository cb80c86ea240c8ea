/* SPDX-License-Identifier: BSD-2-Clause */
#include "mapdb_walk.h"

#include <arch/cpu.h>

/* A mapping with nothing below costs as much as so many that are visited below one: the way to it, locks, TLBs. */
#define FINISH_VISITS 6

void walk_advance(struct walk *walk, uint64_t va)
{
	*walk->at = (struct map_position){.va = va};
}

static bool must_pause(const struct walk *walk)
{
	return walk->visited >= WALK_MAX || batch_is_full(&walk->batch);
}

bool walk_look(struct walk *walk)
{
	walk->visited = 0;
	return !preempt_pending();
}

static bool is_linked_mapping(uint32_t id, uint64_t physical, unsigned order)
{
	if (id == 0) {
		return false;
	}
	const struct page *twin = twin_of(id);
	if (twin->e != KIND_TWIN || twin->d == 0) {
		return false;
	}
	const uint64_t *entry = slot_entry(id);
	const struct page *table = table_of(entry);
	if (table->e != KIND_TABLE || table->d != (id & ~SLOT_INDEX)) {
		return false;
	}
	uint64_t value = arch_entry_load(entry);
	bool large = slot_order(id) == ORDER_GIANT;
	return arch_entry_is_leaf(value, table_level(table)) && !arch_entry_is_kernel(value) &&
	       large == (order == ORDER_GIANT) &&
	       (arch_entry_physical(value) - physical) >> order == 0;
}

/*
 * A position that still is a mapping below `top`, which begins at `physical`. Its memory may have become anything else: but if
 * table and twin name each other and the entry is one of our frames, it is under our lock and is what it seems, and so is
 * all that is above it, up to `top`.
 */
static bool position_is_good(uint32_t id, uint32_t top, uint64_t physical, unsigned order)
{
	if (!is_linked_mapping(id, physical, order)) {
		return false;
	}
	while (id != 0 && id != top) {
		id = slot_parent(id);
	}
	return id == top;
}

/* Below one mapping or part, 2 MiB at most, under the lock of its region. */

static uint32_t begin_below(struct walk *walk, uint32_t top, bool others)
{
	uint32_t first = others ? tree_first_same(top) : tree_below(top, &walk->visited);
	if (first == 0) {
		return top;
	}
	return walk->parents_first ? first : tree_first(first, &walk->visited);
}

static uint32_t next_below(struct walk *walk, uint32_t at, uint32_t top)
{
	if (!walk->parents_first) {
		return tree_after(at, &walk->visited);
	}
	uint32_t next = tree_next(at, top, &walk->visited);
	return next != 0 ? next : top;
}

static void visit(struct walk *walk, struct region *region, uint32_t at)
{
	walk->visited++;
	walk->visit(walk, region, at);
}

/* From a part to what comes after it: the piece table is done if that is outside. */
static void leave_part(struct walk *walk, uint32_t part, uint32_t next)
{
	uint32_t pieces = part & ~SLOT_INDEX;
	if (walk->visit_pieces != NULL && (next & ~SLOT_INDEX) != pieces) {
		walk->visited += WALK_MAX; /* a part is less than a mapping, but there are 512 */
		walk->visit_pieces(walk, pieces);
	}
}

/* `others`: only what is below children as large as `top`. False: it must pause. */
static bool walk_below(struct walk *walk, struct region *region, uint32_t top, uint64_t physical,
		       bool others)
{
	uint32_t at = walk->at->slot;
	if (!position_is_good(at, top, physical, slot_order(top))) {
		at = begin_below(walk, top, others);
	}
	while (at != top) {
		bool is_part = slot_is_piece(at);
		if (must_pause(walk) && !is_part) {
			walk->at->slot = at;
			return false;
		}
		uint32_t next = next_below(walk, at, top);
		if (is_part) {
			leave_part(walk, at, next);
		} else {
			visit(walk, region, at);
		}
		at = next;
	}
	walk->at->slot = 0;
	return true;
}

/* Below a mapping of 1 GiB, under BIG: its parts, and those of all its descendants of that size. */

static bool walk_one_part(struct walk *walk, uint32_t part, uint64_t physical)
{
	struct region *region = region_of(physical, ORDER_BLOCK);
	spinlock_lock(&region->lock);
	walk->visited++;
	bool done = walk_below(walk, region, part, physical, false);
	if (done && walk->visit_part != NULL) {
		walk->visit_part(walk, part);
	}
	batch_flush(&walk->batch);
	spinlock_unlock(&region->lock);
	batch_release(&walk->batch, true);
	return done;
}

static bool walk_parts(struct walk *walk, uint32_t giant)
{
	uint64_t physical = arch_entry_physical(arch_entry_load(slot_entry(giant)));
	uint32_t pieces, part;
	while ((pieces = slot_pieces(giant)) != 0 &&
	       (part = pieces_from(pieces, walk->at->giant_part, walk->visit_part != NULL, &walk->visited)) != 0) {
		unsigned index = part & SLOT_INDEX;
		walk->at->giant_part = index;
		if (must_pause(walk) ||
		    !walk_one_part(walk, part, physical + ((uint64_t)index << ORDER_BLOCK))) {
			return false;
		}
		walk->at->giant_part = index + 1;
	}
	walk->at->giant_part = 0;
	return true;
}

static uint32_t first_giant(uint32_t top)
{
	uint32_t below;
	while ((below = tree_first_same(top)) != 0) {
		top = below;
	}
	return top;
}

/* The next of the same size after `at`, which is not `top` unless parents come first; 0 at the end. */
static uint32_t next_giant(const struct walk *walk, uint32_t at, uint32_t top)
{
	if (!walk->parents_first) {
		uint32_t next = slot_at(at)->next & SLOT_ID;
		return next != 0 ? first_giant(next) : slot_parent(at);
	}
	uint32_t next = tree_first_same(at);
	while (next == 0 && at != top) {
		next = slot_at(at)->next & SLOT_ID;
		at = slot_parent(at);
	}
	return next;
}

/* A mapper that counts a part and then finds the flag empties a piece table later than the walk does. */
static bool giant_is_bare(uint32_t id)
{
	uint32_t pieces = slot_pieces(id);
	if (pieces != 0) {
		(void)pieces_detach_if_empty(pieces);
	}
	return slot_pieces(id) == 0;
}

static bool walk_one_giant(struct walk *walk, uint32_t at, uint32_t top, bool others)
{
	bool is_top = at == top;
	if (!is_top && walk->parents_first) {
		visit(walk, &mapdb_big, at);
	}
	if (!(is_top && others) && !walk_parts(walk, at)) {
		return false;
	}
	if (is_top || walk->parents_first) {
		return true;
	}
	if (must_pause(walk) || (walk->revokes && !giant_is_bare(at))) {
		return false;
	}
	visit(walk, &mapdb_big, at);
	return true;
}

static bool walk_giant(struct walk *walk, uint32_t top, uint64_t physical, bool others)
{
	uint32_t at = walk->at->giant;
	if (!position_is_good(at, top, physical, ORDER_GIANT)) {
		at = walk->parents_first ? top : first_giant(top);
		walk->at->giant_part = 0;
	}
	for (;;) {
		walk->at->giant = at;
		uint32_t next = at == top && !walk->parents_first ? 0 : next_giant(walk, at, top);
		if (must_pause(walk) || !walk_one_giant(walk, at, top, others)) {
			return false;
		}
		if (next == 0) {
			walk->at->giant = 0;
			return true;
		}
		at = next;
	}
}

/* The mapping or part itself. */

/* False: there is room for the last entry no more. */
static bool finish(struct walk *walk, struct region *region, const struct leaf *leaf, uint32_t id)
{
	if (batch_is_full(&walk->batch) ||
	    (walk->revokes && slot_order(id) == ORDER_GIANT && !giant_is_bare(id))) {
		return false;
	}
	/* An empty piece table goes first, so that what its parts knew is known here. */
	uint32_t pieces = walk->revokes ? slot_pieces(id) : 0;
	if (pieces != 0) {
		batch_add_pieces(&walk->batch, pieces_detach_if_empty(pieces));
	}
	walk->finish(walk, region, leaf, id);
	walk->visited += FINISH_VISITS;
	return true;
}

static bool walk_locked(struct walk *walk, struct region *region, const struct leaf *leaf,
			uint64_t va, unsigned order, bool others)
{
	uint32_t id = leaf_slot(leaf, va, order);
	if (id == 0 || slot_mapping(id) != slot_of_entry(leaf->entry)) {
		return true; /* no piece table: nothing was made from the part */
	}
	uint32_t flagged = others ? tree_first_same(id) : id;
	if (slot_is_piece(id) && (slot_at(id)->first & SLOT_LINK) == 0) {
		flagged = 0; /* its piece table may go */
	}
	if (walk->revokes && flagged != 0) {
		revoking_set(region, flagged);
	}
	uint64_t physical = leaf_frame(leaf, va);
	bool done = order == ORDER_GIANT ? walk_giant(walk, id, physical, others)
					 : walk_below(walk, region, id, physical, others);
	return done && (others || finish(walk, region, leaf, id));
}

static enum walk_end walk_stage(struct walk *walk, const struct leaf *leaf, uint64_t va,
				unsigned order, bool others)
{
	struct region *region = region_of(leaf_frame(leaf, va), order);
	for (;;) {
		spinlock_lock(&region->lock);
		bool same = leaf_is_same(leaf, arch_entry_load(leaf->entry));
		bool done = same && walk_locked(walk, region, leaf, va, order, others);
		batch_flush(&walk->batch);
		spinlock_unlock(&region->lock);
		batch_release(&walk->batch, false);
		if (done || !same) {
			return done ? WALK_DONE : WALK_CHANGED;
		}
		if (!walk_look(walk)) {
			return WALK_INTERRUPTED;
		}
		arch_core_relax();
	}
}

enum walk_end walk_part(struct walk *walk, const struct leaf *leaf, uint64_t va, unsigned order)
{
	for (unsigned at = leaf->order; at >= order; at -= ORDER_STEP) {
		if (walk->at->stage != 0 && at > walk->at->stage) {
			continue; /* done before the interrupt */
		}
		if (walk->at->stage != at) {
			*walk->at = (struct map_position){.va = walk->at->va, .stage = at};
		}
		uint64_t begin = va >> at << at;
		uint32_t id = at > order ? leaf_slot(leaf, begin, at) : 0;
		if (at > order && (id == 0 || tree_first_same(id) == 0)) {
			continue;
		}
		enum walk_end end = walk_stage(walk, leaf, begin, at, at > order);
		if (end != WALK_DONE) {
			return end;
		}
	}
	return WALK_DONE;
}
