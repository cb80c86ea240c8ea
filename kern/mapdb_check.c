/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The invariants M1 to M5: over a whole space, or of what has just been touched; for debug builds and tests.
 */
#include "mapdb_walk.h"

#include "panic.h"

/* M1, M2, M3: what is below a mapping is like it, and has no more rights. */
static void check_child(uint32_t parent, uint32_t child)
{
	CHECK((slot_at(child)->parent & SLOT_ID) == parent);
	CHECK(slot_order(child) == slot_order(parent));
	CHECK(slot_physical(child) == slot_physical(parent));
	uint64_t value = arch_entry_load(slot_entry(child));
	uint64_t above = arch_entry_load(slot_entry(slot_mapping(parent)));
	CHECK((arch_entry_rights(value) & ~arch_entry_rights(above)) == 0);
	CHECK(arch_entry_type(value) == arch_entry_type(above));
	CHECK(slot_at(child)->parent >> SLOT_DEPTH_SHIFT ==
	      (slot_at(slot_mapping(parent))->parent >> SLOT_DEPTH_SHIFT) + 1);
}

void mapdb_check_link(uint32_t id)
{
	const struct slot *slot = slot_at(id);
	uint32_t parent = slot->parent & SLOT_ID, next = slot->next & SLOT_ID,
		 prev = slot->prev & SLOT_LINK;
	uint64_t value = arch_entry_load(slot_entry(id));
	CHECK(twin_of(id)->e == KIND_TWIN && twin_of(id)->d != 0);
	CHECK(arch_entry_is_leaf(value, arch_level_of_order(slot_order(id))) &&
	      !arch_entry_is_kernel(value));
	CHECK(next == 0 || (slot_at(next)->prev & SLOT_LINK) == id);
	CHECK(prev == 0 || (slot_node(prev)->next & SLOT_ID) == id);
	if (parent == 0) {
		CHECK(prev == 0 && next == 0);
		return;
	}
	CHECK(prev != 0 || (slot_at(parent)->first & SLOT_LINK) == id);
	CHECK(slot_order(parent) == slot_order(id) && slot_physical(parent) == slot_physical(id));
	CHECK(arch_entry_type(value) ==
	      arch_entry_type(arch_entry_load(slot_entry(slot_mapping(parent)))));
}

static void check_children(uint32_t id)
{
	uint32_t before = slot_at(id)->first & SLOT_LINK;
	before = (before & SLOT_PIECES) != 0 ? before : 0;
	for (uint32_t child = tree_first_same(id); child != 0;
	     child = slot_at(child)->next & SLOT_ID) {
		CHECK((slot_at(child)->prev & SLOT_LINK) == before);
		check_child(id, child);
		before = child;
	}
}

static void check_slot(uint32_t id);

static void check_pieces(uint32_t id, uint32_t pieces)
{
	uint32_t live = 0;
	CHECK((pieces_node(pieces)->parent & SLOT_ID) == id);
	CHECK(twin_of(pieces)->e == KIND_TWIN && twin_of(pieces)->d == 0);
	CHECK(slot_order(pieces) + ORDER_STEP == slot_order(id));
	for (unsigned i = 0; i < ARCH_ENTRIES; i++) {
		live += (slot_at(pieces + i)->first & SLOT_LINK) != 0;
		check_slot(pieces + i);
	}
	CHECK(live == twin_of(pieces)->c);
}

static void check_slot(uint32_t id)
{
	uint32_t pieces = slot_pieces(id);
	check_children(id);
	if (pieces != 0) {
		check_pieces(id, pieces);
	}
}

/* M4: the slot of a mapping is linked with its parent. Uses of a slot: M1. */
static void check_leaf(const uint64_t *entry, uint64_t value)
{
	uint32_t id = slot_of_entry(entry);
	CHECK((arch_entry_settle(value) | (value & ARCH_ENTRY_REFERENCED)) == value);
	if (arch_entry_is_kernel(value)) {
		CHECK(slot_at(id)->parent == 0 && slot_at(id)->first == 0);
		return;
	}
	CHECK(twin_of(id)->e == KIND_TWIN && twin_of(id)->d != 0);
	CHECK(page_physical(slot_entry(id)) == page_physical(entry));
	check_slot(id);
	uint32_t parent = slot_parent(id), prev = slot_at(id)->prev & SLOT_LINK;
	if (parent != 0) {
		check_child(parent, id);
		uint32_t before = prev != 0 ? slot_node(prev)->next & SLOT_ID
					    : slot_at(parent)->first & SLOT_LINK;
		CHECK(before == id);
	}
}

/* M5: each table counts its entries that are not 0. No hold lasts longer than a stay in the kernel. */
static void check_table(struct space *space, const uint64_t *table, uint64_t base, unsigned level)
{
	const struct page *descriptor = table_of(table);
	uint32_t live = 0;
	CHECK(descriptor->e == KIND_TABLE && table_space(descriptor) == space);
	CHECK(descriptor->b == (base | level));
	for (unsigned i = 0; i < ARCH_ENTRIES; i++) {
		uint64_t value = arch_entry_load(&table[i]);
		uint64_t va = base + ((uint64_t)i << arch_level_order(level));
		live += value != 0;
		if (arch_entry_is_table(value, level)) {
			check_table(space, page_direct(arch_entry_physical(value)), va, level + 1);
		} else if (value != 0) {
			CHECK(arch_entry_is_leaf(value, level));
			check_leaf(&table[i], value);
		}
	}
	CHECK(live == descriptor->c);
	CHECK(live != 0 || level == 0);
}

void mapdb_check(struct space *space)
{
	check_table(space, page_direct(space->root), 0, 0);
}
