/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Referenced and dirty: what was used since the last age. Three places know of a use of mapping M:
 *
 *   M's entry    (AF, DIRTY)  not yet seen by M nor by any mapping above it
 *   M's slot OWN              seen by those above, not yet by M; or reported by what vanished below M
 *   M's slot UP               seen by M, not yet by those above
 *
 * An age of S takes entry and UP of everything below, children first, and adds them to OWN and UP of the parent: so what S
 * learns is still news for every mapping between, and nothing is lost if the walk is interrupted (M7).
 */
#include "mapdb_walk.h"

#define USES_OWN      (SLOT_REF_OWN | SLOT_DIRTY_OWN)
#define USES_UP_SHIFT 2

struct age {
	struct walk walk; /* first */
	bool exact;
	uint32_t mapping; /* the slot of what is being aged */
	uint32_t uses;    /* of the page being walked, as SLOT_REF_OWN and SLOT_DIRTY_OWN */
};

static struct age *age_of(struct walk *walk)
{
	return (struct age *)(void *)walk;
}

/* Clears what a tracked entry knows. A translation that a TLB keeps hides the next read: costs precision. One that lets
 * write must go, or the next write would be lost. */
static uint32_t take_entry(struct age *age, uint64_t *entry)
{
	uint64_t old, new;
	do {
		old = arch_entry_load(entry);
		if ((old & ARCH_ENTRY_TRACKED) == 0) {
			return entry_uses(old);
		}
		new = arch_entry_forget(old, ARCH_ENTRY_REFERENCED | ARCH_ENTRY_DIRTY);
		if (new == old) {
			return 0;
		}
	} while (!arch_entry_swap(entry, old, new));
	if ((old & ARCH_ENTRY_DIRTY) != 0 || age->exact) {
		batch_add(&age->walk.batch, entry);
	}
	return entry_uses(old);
}

static void age_below(struct walk *walk, struct region *region, uint32_t id)
{
	(void)region;
	uint64_t *entry = slot_entry(id);
	uint32_t uses = take_entry(age_of(walk), entry);
	if ((arch_entry_load(entry) & ARCH_ENTRY_TRACKED) != 0) {
		slot_at(id)->next |= uses;
	}
	tree_move_up(id, uses);
}

/* What the parts of the aged mapping itself knew is reported with the whole. */
static void age_part(struct walk *walk, uint32_t id)
{
	tree_move_up(id, 0);
	if (slot_mapping(id) == age_of(walk)->mapping) {
		slot_at(id)->next &= ~USES_OWN;
	}
}

static void age_pieces(struct walk *walk, uint32_t pieces)
{
	pieces_move_up(pieces, slot_mapping(pieces) == age_of(walk)->mapping);
}

/* The whole mapping: its own uses are cleared, and news for those above. */
static void age_end(struct walk *walk, struct region *region, const struct leaf *leaf, uint32_t id)
{
	(void)region;
	struct age *age = age_of(walk);
	struct slot *slot = slot_at(id);
	age->uses |= slot->next & USES_OWN;
	slot->next &= ~USES_OWN;
	if (!slot_is_piece(id) && (leaf->value & ARCH_ENTRY_TRACKED) != 0) {
		uint32_t uses = take_entry(age, leaf->entry);
		slot->next |= uses << USES_UP_SHIFT;
		age->uses |= uses;
	}
}

/* What is known of larger mappings that the part lies in counts for the part, too. */
static uint32_t uses_above(const struct leaf *leaf, uint64_t va, unsigned order)
{
	uint32_t uses = 0;
	if (leaf->order > order && (leaf->value & ARCH_ENTRY_TRACKED) != 0) {
		uses = entry_uses(arch_entry_load(leaf->entry));
	}
	for (unsigned at = leaf->order; at > order; at -= ORDER_STEP) {
		uint32_t id = leaf_slot(leaf, va, at);
		uses |= id != 0 ? slot_at(id)->next & USES_OWN : 0;
	}
	return uses;
}

static void note(struct age_report *report, unsigned page, uint32_t uses)
{
	report->referenced |= (uint64_t)((uses & SLOT_REF_OWN) != 0) << page;
	report->dirty |= (uint64_t)((uses & SLOT_DIRTY_OWN) != 0) << page;
}

static enum walk_end age_leaf(struct age *age, const struct leaf *leaf, uint64_t va, unsigned order)
{
	unsigned unit = leaf->order < order ? leaf->order : order;
	age->uses = 0;
	age->mapping = slot_of_entry(leaf->entry);
	enum walk_end end = walk_part(&age->walk, leaf, va, unit);
	if (end == WALK_DONE) {
		age->uses |= uses_above(leaf, va, unit);
		walk_advance(&age->walk, va + (1ul << unit));
	} else if (end == WALK_CHANGED) {
		walk_advance(&age->walk, va);
	}
	return end;
}

bool mapdb_age(struct space *space, uint64_t va, unsigned order, unsigned count, bool exact,
	       struct age_report *report)
{
	struct age age;
	age.walk.at = &report->at;
	age.walk.visit = age_below;
	age.walk.visit_part = age_part;
	age.walk.visit_pieces = age_pieces;
	age.walk.finish = age_end;
	age.walk.parents_first = false;
	age.walk.revokes = false;
	age.walk.visited = 0;
	age.walk.batch.count = 0;
	age.walk.batch.pieces_count = 0;
	age.exact = exact;
	if (report->at.va < va) {
		report->at = (struct map_position){.va = va};
	}
	uint64_t end = va + ((uint64_t)count << order);
	while (report->at.va < end && report->at.va < USER_END) {
		struct leaf leaf;
		uint64_t at = report->at.va;
		if (!walk_may_go_on(&age.walk)) {
			return false;
		}
		if (!space_find(space, at, &leaf) || arch_entry_is_kernel(leaf.value)) {
			walk_advance(&age.walk, leaf.va + (1ul << leaf.order));
			continue;
		}
		enum walk_end result = age_leaf(&age, &leaf, at, order);
		note(report, (unsigned)((at - va) >> order), age.uses);
		if (result == WALK_INTERRUPTED) {
			return false;
		}
	}
	return true;
}
