/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking mappings back, or rights of them.
 */
#include "mapdb_walk.h"

#include "panic.h"

struct unmap {
	struct walk walk; /* first */
	struct unmap_report *report;
	uint64_t va, end;
	unsigned keep;
	bool self;
	bool kernel; /* the kernel's own mappings too: the space goes */
};

static struct unmap *unmap_of(struct walk *walk)
{
	return (struct unmap *)(void *)walk;
}

static void note_uses(struct unmap_report *report, uint32_t own)
{
	report->referenced |= (own & SLOT_REF_OWN) != 0;
	report->dirty |= (own & SLOT_DIRTY_OWN) != 0;
}

static void note_extent(struct unmap_report *report, const struct leaf *leaf)
{
	uint64_t size = 1ul << leaf->order;
	bool first = report->begin == report->end;
	report->begin = first || leaf->va < report->begin ? leaf->va : report->begin;
	report->end = first || leaf->va + size > report->end ? leaf->va + size : report->end;
	report->pages += size / PAGE_BYTES;
}

/* Removing: children first, so that uses move up. */

static void remove_below(struct walk *walk, struct region *region, uint32_t id)
{
	(void)mapping_take(&walk->batch, region, id);
}

static uint32_t take_own(uint32_t id)
{
	struct slot *slot = slot_at(id);
	uint32_t own = slot->next & (SLOT_REF_OWN | SLOT_DIRTY_OWN);
	slot->next &= ~own;
	return own;
}

static void remove_end(struct walk *walk, struct region *region, const struct leaf *leaf,
		       uint32_t id)
{
	struct unmap *unmap = unmap_of(walk);
	if (unmap->self) {
		note_uses(unmap->report, mapping_take(&walk->batch, region, id));
		note_extent(unmap->report, leaf);
	} else {
		note_uses(unmap->report, take_own(id));
		revoking_clear(region, id);
	}
}

/* Reducing: parents first. A mapping that was visited can only make reduced ones, and new ones come before those that are still to be
 * visited only where the parent is, so nothing escapes. */

static void reduce(struct batch *batch, uint64_t *entry, unsigned keep)
{
	uint64_t old, new;
	do {
		old = arch_entry_load(entry);
		new = arch_entry_with_rights(old, arch_entry_rights(old) & keep);
		if (new == old) {
			return;
		}
	} while (!arch_entry_swap(entry, old, new));
	batch_add(batch, entry);
}

static void reduce_below(struct walk *walk, struct region *region, uint32_t id)
{
	(void)region;
	reduce(&walk->batch, slot_entry(id), unmap_of(walk)->keep);
}

static void nothing_to_finish(struct walk *walk, struct region *region, const struct leaf *leaf,
			      uint32_t id)
{
	(void)walk, (void)region, (void)leaf, (void)id;
}

/* The mapping itself, before what is below it. */
static enum walk_end reduce_self(struct unmap *unmap, const struct leaf *leaf)
{
	if (unmap->walk.at->stage != 0) {
		return WALK_DONE; /* before the interrupt */
	}
	struct region *region = region_of(leaf_frame(leaf, leaf->va), leaf->order);
	spinlock_lock(&region->lock);
	bool same = leaf_is_same(leaf, arch_entry_load(leaf->entry));
	if (same) {
		reduce(&unmap->walk.batch, leaf->entry, unmap->keep);
		note_extent(unmap->report, leaf);
	}
	batch_flush(&unmap->walk.batch);
	spinlock_unlock(&region->lock);
	batch_release(&unmap->walk.batch, false);
	return same ? WALK_DONE : WALK_CHANGED;
}

/* Ranges. */

/* The largest part of the leaf that begins at `va` and lies in the range. */
static unsigned part_order(const struct leaf *leaf, uint64_t va, uint64_t end)
{
	unsigned order = leaf->order;
	while (order > ORDER_PAGE &&
	       ((va & ((1ul << order) - 1)) != 0 || end - va < 1ul << order)) {
		order -= ORDER_STEP;
	}
	return order;
}

/* Where to go on after `va` if no part of `order` was ever made there: behind the smallest part that has a piece table. */
static uint64_t skip_unmade(const struct leaf *leaf, uint64_t va, unsigned order)
{
	unsigned at = order;
	while (at < leaf->order && leaf_slot(leaf, va, at) == 0) {
		at += ORDER_STEP;
	}
	return (va >> at << at) + (1ul << at);
}

static enum walk_end unmap_leaf(struct unmap *unmap, const struct leaf *leaf, uint64_t va)
{
	unsigned order = unmap->self ? leaf->order : part_order(leaf, va, unmap->end);
	uint64_t begin = unmap->self ? leaf->va : va;
	enum walk_end end = WALK_DONE;
	if (unmap->self && unmap->keep != 0) {
		end = reduce_self(unmap, leaf);
	}
	if (end == WALK_DONE) {
		end = walk_part(&unmap->walk, leaf, begin, order);
	}
	if (end == WALK_DONE) {
		walk_advance(&unmap->walk, skip_unmade(leaf, begin, order));
	} else if (end == WALK_CHANGED) {
		walk_advance(&unmap->walk, va);
	}
	return end;
}

static void remove_kernel_leaf(struct unmap *unmap, const struct leaf *leaf)
{
	if (unmap->kernel) {
		arch_entry_store(leaf->entry, ARCH_ENTRY_BROKEN);
		batch_add(&unmap->walk.batch, leaf->entry);
		batch_flush(&unmap->walk.batch);
		batch_release(&unmap->walk.batch, false);
	}
	walk_advance(&unmap->walk, leaf->va + PAGE_BYTES);
}

/* How many empty entries cost as much as a mapping that is visited. */
#define HOLES_PER_VISIT 16

/* Nothing is mapped from the leaf on up to the next entry of its table that is not 0. */
static uint64_t hole_end(struct walk *walk, const struct leaf *leaf)
{
	uint64_t left = ARCH_ENTRIES - entry_index(leaf->entry), holes = 1;
	while (holes < left && arch_entry_load(&leaf->entry[holes]) == 0) {
		holes++;
	}
	walk->visited += (unsigned)holes / HOLES_PER_VISIT;
	return leaf->va + (holes << leaf->order);
}

static bool unmap_range(struct unmap *unmap, struct space *space)
{
	struct map_position *at = unmap->walk.at;
	while (at->va < unmap->end) {
		struct leaf leaf;
		if (!walk_may_go_on(&unmap->walk)) {
			return false;
		}
		if (!space_find(space, at->va, &leaf)) {
			if (unmap->self) {
				/* A table that mapdb_postpone() left, for a message that never came. */
				space_drop_table(table_of_entry(leaf.entry));
			}
			walk_advance(&unmap->walk, hole_end(&unmap->walk, &leaf));
		} else if (arch_entry_is_kernel(leaf.value)) {
			remove_kernel_leaf(unmap, &leaf);
		} else if (unmap_leaf(unmap, &leaf, at->va) == WALK_INTERRUPTED) {
			return false;
		}
	}
	return true;
}

static void unmap_begin(struct unmap *unmap, uint64_t va, uint64_t end, bool self, unsigned keep,
			struct unmap_report *report)
{
	bool removes = keep == 0;
	unmap->walk.at = &report->at;
	unmap->walk.visit = removes ? remove_below : reduce_below;
	unmap->walk.visit_part = NULL;
	unmap->walk.visit_pieces = NULL;
	unmap->walk.finish = removes ? remove_end : nothing_to_finish;
	unmap->walk.parents_first = !removes;
	unmap->walk.revokes = removes;
	unmap->walk.visited = 0;
	unmap->walk.batch.count = 0;
	unmap->walk.batch.pieces_count = 0;
	unmap->report = report;
	unmap->va = va;
	unmap->end = end;
	unmap->keep = keep;
	unmap->self = self;
	unmap->kernel = false;
	if (report->at.va < va) {
		report->at = (struct map_position){.va = va};
	}
}

bool mapdb_unmap(struct space *space, uint64_t va, uint64_t size, bool self, unsigned keep,
		 struct unmap_report *report)
{
	uint64_t end = va < USER_END && size < USER_END - va ? va + size : USER_END;
	struct unmap unmap;
	unmap_begin(&unmap, va, end, self, keep, report);
	return unmap_range(&unmap, space);
}

void mapdb_unmap_abandon(struct space *space, struct unmap_report *report)
{
	struct leaf leaf;
	unsigned order = report->at.stage;
	if (order == 0 || !space_find(space, report->at.va, &leaf) || leaf.order < order) {
		return;
	}
	struct region *region = region_of(leaf_frame(&leaf, report->at.va), order);
	spinlock_lock(&region->lock);
	uint32_t id = leaf_slot(&leaf, report->at.va, order);
	if (leaf_is_same(&leaf, arch_entry_load(leaf.entry)) && id != 0) {
		uint32_t other = tree_first_same(id);
		revoking_clear(region, id);
		if (other != 0) {
			revoking_clear(region, other);
		}
	}
	spinlock_unlock(&region->lock);
	report->at = (struct map_position){.va = 0};
}

bool space_destroy(struct space *space)
{
	space->dying = true;
	const struct page *root = page_descriptor(page_of_physical(space->root));
	/* It goes on where it was interrupted: the way there may be longer than an interrupt lets it go. */
	struct unmap_report report = {.at = {.va = space->emptied}};
	struct unmap unmap;
	unmap_begin(&unmap, 0, USER_END, true, 0, &report);
	unmap.kernel = true;
	bool done = unmap_range(&unmap, space);
	space->emptied = done ? 0 : report.at.va;
	/* Other cores may be about to finish what they had begun to map. */
	if (!done || __atomic_load_n(&root->c, __ATOMIC_ACQUIRE) != 0) {
		return false;
	}
	space_end(space);
	return true;
}
