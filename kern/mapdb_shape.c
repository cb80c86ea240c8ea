/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a holder may do to its root mappings: split, join, set the memory type, give them to the kernel.
 *
 * Splitting turns the piece table of a large mapping into the twin of the new page table, and joining does the
 * reverse: the numbers of slots do not change, so children stay where they are. For 1 GiB that needs the locks of all
 * regions: whoever holds BIG, and nobody else, may take several, in their order.
 */
#include "mapdb_walk.h"

#include <arch/cpu.h>

/* Locks all that a mapping of `order` and its parts are guarded by. */
static void lock_parts(uint64_t physical, unsigned order)
{
	spinlock_lock(&region_of(physical, order)->lock);
	for (unsigned i = 0; order == ORDER_GIANT && i < REGION_COUNT; i++) {
		spinlock_lock(&mapdb_regions[i].lock);
	}
}

static void unlock_parts(uint64_t physical, unsigned order)
{
	for (unsigned i = 0; order == ORDER_GIANT && i < REGION_COUNT; i++) {
		spinlock_unlock(&mapdb_regions[i].lock);
	}
	spinlock_unlock(&region_of(physical, order)->lock);
}

static bool is_root(uint32_t id)
{
	return (slot_at(id)->parent & SLOT_ID) == 0;
}

static bool is_revoking(uint32_t id)
{
	return (slot_at(id)->first & SLOT_REVOKING) != 0;
}

#define SLOT_USES (SLOT_REF_OWN | SLOT_DIRTY_OWN | SLOT_REF_UP | SLOT_DIRTY_UP)

/* Nobody uses it any more; returns what it was. */
static uint64_t break_entry(struct space *space, uint64_t *entry, uint64_t va)
{
	uint64_t old = arch_entry_exchange(entry, ARCH_ENTRY_BROKEN);
	arch_tlb_begin();
	arch_tlb_page(space->asid, va);
	arch_tlb_finish();
	return old;
}

/* Split. */

/* The table, not attached, shows what the leaf showed. */
static void fill_table(uint64_t *table, const struct leaf *leaf, uint64_t value)
{
	unsigned level = leaf->level + 1;
	uint64_t part = arch_entry_at(value, arch_entry_physical(value), level);
	for (unsigned i = 0; i < ARCH_ENTRIES; i++) {
		arch_entry_store(&table[i], part);
		part = arch_entry_next(part, level);
	}
	table_of(table)->c = ARCH_ENTRIES;
}

/* The slots that stood for parts, if any, become those of the table; else its own are used. All know what the whole knew. */
static void take_slots(uint64_t *table, uint32_t id)
{
	struct slot *whole = slot_at(id);
	struct page *descriptor = table_of(table);
	uint32_t pieces = slot_pieces(id);
	if (pieces != 0) {
		pieces_free(descriptor->d);
		descriptor->d = pieces;
		twin_of(pieces)->c =
			LIVE_DEAD; /* who noted that it may be empty finds it is no piece table */
		twin_of(pieces)->d = page_number_of(page_of_physical(page_physical(table)), 12);
		*pieces_node(pieces) = (struct slot){0};
	}
	struct slot *parts = slot_at(descriptor->d);
	for (unsigned i = 0; i < ARCH_ENTRIES; i++) {
		parts[i].next |= whole->next & SLOT_USES;
		parts[i].first |= whole->first & SLOT_FIXED_TYPE;
	}
	*whole = (struct slot){0};
}

static enum status split_locked(struct space *space, const struct leaf *leaf, uint64_t *table)
{
	uint64_t value = arch_entry_load(leaf->entry);
	uint32_t id = slot_of_entry(leaf->entry);
	if (!leaf_is_same(leaf, value) || !is_root(id)) {
		return STATUS_NOT_MAPPED;
	}
	if (tree_first_same(id) != 0 || is_revoking(id)) {
		return STATUS_BUSY;
	}
	value = break_entry(space, leaf->entry, leaf->va);
	fill_table(table, leaf, value);
	take_slots(table, id);
	arch_entry_store(leaf->entry, arch_entry_table(page_physical(table)));
	arch_entry_publish();
	return STATUS_OK;
}

enum status mapdb_split(struct space *space, uint64_t va)
{
	struct leaf leaf;
	if (va >= USER_END || !space_find(space, va, &leaf) || leaf.va != va ||
	    leaf.order == ORDER_PAGE) {
		return STATUS_NOT_MAPPED;
	}
	uint64_t *table = table_make(space, va, leaf.level + 1, 0);
	if (table == NULL) {
		return STATUS_QUOTA;
	}
	enum status status = STATUS_QUOTA;
	if (table_add_twin(table)) {
		uint64_t physical = arch_entry_physical(leaf.value);
		lock_parts(physical, leaf.order);
		status = split_locked(space, &leaf, table);
		unlock_parts(physical, leaf.order);
	}
	if (status != STATUS_OK) {
		table_free(table);
	}
	return status;
}

/* Join. */

/* 512 entries and their slots are looked at, and changed, with interrupts masked: the loops do nothing twice. */

static enum status can_join(const uint64_t *table, uint64_t first, unsigned level)
{
	const struct slot *slots = slot_at(slot_of_entry(table));
	uint32_t fixed = slots[0].first & SLOT_FIXED_TYPE, flags = 0, parents = 0;
	uint64_t different = 0;
	for (unsigned i = 0; i < ARCH_ENTRIES; i++) {
		different |= arch_entry_load(&table[i]) ^ first;
		parents |= slots[i].parent;
		flags |= slots[i].first ^ fixed;
		first = arch_entry_next(first, level);
	}
	if ((different & ~ARCH_ENTRY_USES) != 0 || (parents & SLOT_ID) != 0 || (flags & SLOT_FIXED_TYPE) != 0) {
		return STATUS_NOT_MAPPED;
	}
	return (flags & SLOT_REVOKING) != 0 ? STATUS_BUSY : STATUS_OK;
}

/* What the parts of a mapping that is being joined come to. */
struct joined {
	uint64_t known; /* by their entries */
	uint32_t uses;  /* in their slots */
	uint32_t live;  /* have children */
};

/* Breaks all entries, and makes their slots parts. */
static struct joined break_parts(uint64_t *table)
{
	struct joined all = {0};
	struct slot *parts = slot_at(slot_of_entry(table));
	for (unsigned i = 0; i < ARCH_ENTRIES; i++) {
		all.known |= arch_entry_exchange(&table[i], ARCH_ENTRY_BROKEN);
		all.uses |= parts[i].next;
		parts[i].next = 0;
		parts[i].first &= SLOT_LINK;
		all.live += parts[i].first != 0;
	}
	all.known &= ARCH_ENTRY_REFERENCED | ARCH_ENTRY_DIRTY;
	all.uses &= SLOT_USES;
	return all;
}

/* The table's slots become the piece table of `id`, or go if nothing was made from any part. */
static void give_slots(uint64_t *table, uint32_t id, const struct joined *all)
{
	struct page *descriptor = table_of(table);
	uint32_t pieces = descriptor->d;
	slot_at(id)->next = all->uses;
	descriptor->d = 0;
	if (all->live == 0) {
		pieces_free(pieces);
		return;
	}
	twin_of(pieces)->c = all->live;
	twin_of(pieces)->d = 0;
	pieces_attach(id, pieces);
}

/* The table stays as it is, broken: who still walks through it finds that, and starts again at the root. */
static enum status join_locked(struct space *space, uint64_t *table, uint64_t *above,
			       uint64_t first, unsigned level)
{
	enum status status = can_join(table, first, level);
	if (status != STATUS_OK) {
		return status;
	}
	if (!live_kill(table_of(table), ARCH_ENTRIES)) {
		return STATUS_BUSY;
	}
	uint32_t fixed = slot_at(slot_of_entry(table))->first & SLOT_FIXED_TYPE;
	struct joined all = break_parts(table);
	arch_entry_store(above, ARCH_ENTRY_BROKEN);
	arch_tlb_begin();
	arch_tlb_space(space->asid);
	arch_tlb_finish();
	*slot_at(slot_of_entry(above)) = (struct slot){.first = fixed};
	give_slots(table, slot_of_entry(above), &all);
	uint64_t whole = arch_entry_at(first, arch_entry_physical(first), level - 1);
	arch_entry_store(above, arch_entry_know(whole, all.known));
	arch_entry_publish();
	table_free(table);
	return STATUS_OK;
}

enum status mapdb_join(struct space *space, uint64_t va, unsigned order)
{
	struct leaf leaf;
	if ((order != ORDER_BLOCK && order != ORDER_GIANT) || (va & ((1ul << order) - 1)) != 0) {
		return STATUS_BAD_RANGE;
	}
	if (va >= USER_END || !space_find(space, va, &leaf) || leaf.order != order - ORDER_STEP) {
		return STATUS_NOT_MAPPED;
	}
	uint64_t physical = arch_entry_physical(leaf.value);
	uint64_t *table = table_of_entry(leaf.entry);
	if ((physical & ((1ul << order) - 1)) != 0 || arch_entry_is_kernel(leaf.value)) {
		return STATUS_NOT_MAPPED;
	}
	uint64_t *above = space_entry_above(table);
	if (!table_add_twin(table_of_entry(above))) {
		return STATUS_QUOTA;
	}
	lock_parts(physical, order);
	enum status status = join_locked(space, table, above, leaf.value, leaf.level);
	unlock_parts(physical, order);
	return status;
}

/* Memory type. */

/* Looks for a root mapping of exactly this order, and without children; the flag keeps it so. Under its lock. */
static enum status check_type(const struct leaf *leaf, enum memory_type type)
{
	uint32_t id = slot_of_entry(leaf->entry);
	bool cached =
		type == MEMORY_TYPE_NORMAL || arch_entry_type(leaf->value) == MEMORY_TYPE_NORMAL;
	if (!leaf_is_same(leaf, arch_entry_load(leaf->entry)) || !is_root(id)) {
		return STATUS_NOT_MAPPED;
	}
	if ((slot_at(id)->first & SLOT_FIXED_TYPE) != 0) {
		return STATUS_BAD_ARGUMENT;
	}
	if ((slot_at(id)->first & SLOT_LINK) != 0) {
		return STATUS_BUSY;
	}
	return cached && leaf->order == ORDER_GIANT ? STATUS_SPLIT_FIRST : STATUS_OK;
}

/* From here on nobody has a mapping of the memory, cacheable or not, and nobody can make one. */
static enum status hold_for_type(struct space *space, const struct leaf *leaf,
				 enum memory_type type)
{
	struct region *region = region_of(arch_entry_physical(leaf->value), leaf->order);
	spinlock_lock(&region->lock);
	enum status status = check_type(leaf, type);
	if (status == STATUS_OK) {
		revoking_set(region, slot_of_entry(leaf->entry));
		uint64_t old = break_entry(space, leaf->entry, leaf->va);
		arch_entry_store(leaf->entry, arch_entry_hold(old));
	}
	spinlock_unlock(&region->lock);
	return status;
}

static enum status change_type(const struct leaf *leaf, enum memory_type type)
{
	struct region *region = region_of(arch_entry_physical(leaf->value), leaf->order);
	spinlock_lock(&region->lock);
	enum status status = check_type(leaf, type);
	if (status == STATUS_OK) {
		uint64_t entry = arch_entry_with_type(arch_entry_load(leaf->entry), type);
		arch_entry_store(leaf->entry,
				 type == MEMORY_TYPE_NORMAL ? arch_entry_unhold(entry) : entry);
		revoking_clear(region, slot_of_entry(leaf->entry));
		arch_entry_publish();
	}
	spinlock_unlock(&region->lock);
	return status;
}

/* How many pages are wiped between two looks for interrupts. */
#define WIPE_PAGES 4

/* False: interrupted. */
static bool wipe(const struct leaf *leaf, struct map_position *at)
{
	for (unsigned pages = 1; at->va < leaf->va + (1ul << leaf->order); pages++) {
		if (pages % WIPE_PAGES == 0 && preempt_pending()) {
			return false;
		}
		arch_cache_wipe_page(leaf_frame(leaf, at->va));
		at->va += PAGE_BYTES;
	}
	return true;
}

bool mapdb_set_type(struct space *space, uint64_t va, unsigned order, enum memory_type type,
		    struct map_position *at, enum status *status)
{
	struct leaf leaf;
	*status = STATUS_NOT_MAPPED;
	if (va >= USER_END || !space_find(space, va, &leaf) || leaf.va != va ||
	    leaf.order != order || arch_entry_is_kernel(leaf.value)) {
		return true;
	}
	bool cached =
		type == MEMORY_TYPE_NORMAL || arch_entry_type(leaf.value) == MEMORY_TYPE_NORMAL;
	if (at->va == 0) {
		*status = hold_for_type(space, &leaf, type);
		if (*status != STATUS_OK) {
			return true;
		}
		at->va = va;
	}
	if (cached && !wipe(&leaf, at)) {
		return false;
	}
	*status = change_type(&leaf, type);
	return true;
}

/* Taking memory for the kernel. */

static enum status take_locked(struct batch *batch, struct region *region, const struct leaf *leaf)
{
	uint32_t id = slot_of_entry(leaf->entry);
	uint64_t value = arch_entry_load(leaf->entry);
	unsigned needed = PAGE_READ | PAGE_WRITE;
	if (!leaf_is_same(leaf, value) || !is_root(id) || (arch_entry_rights(value) & needed) != needed ||
	    arch_entry_type(value) != MEMORY_TYPE_NORMAL || arch_entry_is_held(value)) {
		return STATUS_NOT_MAPPED;
	}
	if ((slot_at(id)->first & SLOT_LINK) != 0) {
		return STATUS_BUSY;
	}
	(void)mapping_take(batch, region, id);
	batch_flush(batch);
	return STATUS_OK;
}

enum status mapdb_take_root(struct space *space, uint64_t va, unsigned order, uint64_t *physical)
{
	struct leaf leaf;
	if (va >= USER_END || !space_find(space, va, &leaf) || leaf.va != va ||
	    leaf.order != order || arch_entry_is_kernel(leaf.value)) {
		return STATUS_NOT_MAPPED;
	}
	struct batch batch;
	batch.count = 0;
	batch.pieces_count = 0;
	*physical = arch_entry_physical(leaf.value);
	struct region *region = region_of(*physical, order);
	spinlock_lock(&region->lock);
	enum status status = take_locked(&batch, region, &leaf);
	spinlock_unlock(&region->lock);
	batch_release(&batch, false);
	return status;
}
