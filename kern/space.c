/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces: identifiers, and the tables. A table lives as long as its live count is above 0: entries that
 * are not 0, and holds. Walks take no lock; what they find stays readable until the core leaves the kernel.
 */
#include "mapdb_slot.h"

#include "panic.h"
#include "quota.h"
#include "round.h"

#include <arch/cpu.h>

#define ASID_MAX 0x10000u

/* A bit for each identifier in use; guarded by the lock. */
static struct spinlock asid_lock;
static uint64_t asid_used[ASID_MAX / 64];
static uint32_t asid_next;

/* The first free one in [begin, end), a multiple of 64; 0 if there is none. */
static uint32_t asid_find(uint32_t begin, uint32_t end)
{
	uint64_t before = (1ul << begin % 64) - 1; /* in the first word */
	for (uint32_t at = begin & ~63u; at < end; at += 64) {
		uint64_t used = asid_used[at / 64] | before;
		if (~used != 0) {
			return at + (uint32_t)__builtin_ctzl(~used);
		}
		before = 0;
	}
	return 0;
}

/* 0 if none is left. Goes round, so that one that has just become free is not used again soon. */
static uint32_t asid_alloc(void)
{
	spinlock_lock(&asid_lock);
	asid_used[0] |= 1; /* for what belongs to no task */
	uint32_t found = asid_find(asid_next, arch_asid_count());
	if (found == 0) {
		found = asid_find(0, arch_asid_count());
	}
	if (found != 0) {
		asid_used[found / 64] |= 1ul << (found % 64);
		asid_next = found + 1 < arch_asid_count() ? found + 1 : 0;
	}
	spinlock_unlock(&asid_lock);
	return found;
}

static void asid_free(uint32_t asid)
{
	spinlock_lock(&asid_lock);
	asid_used[asid / 64] &= ~(1ul << (asid % 64));
	spinlock_unlock(&asid_lock);
}

/* Tables. */

static uint64_t *table_at(uint64_t entry)
{
	return page_direct(arch_entry_physical(entry));
}

static uint64_t *entry_in(uint64_t *table, uint64_t va, unsigned level)
{
	return &table[va >> arch_level_order(level) & (ARCH_ENTRIES - 1)];
}

/* Charged. 0: QUOTA. */
static uint32_t twin_make(struct quota *quota, const uint64_t *table, unsigned level)
{
	uint32_t twin = pieces_make(quota, arch_level_order(level) + ORDER_STEP);
	if (twin != 0) {
		twin_of(twin)->c = LIVE_DEAD; /* no piece table */
		twin_of(twin)->d = page_number_of(table, 12);
	}
	return twin;
}

uint64_t *table_make(struct space *space, uint64_t va, unsigned level, uint32_t twin)
{
	if (!quota_charge(space->quota, TABLE_BYTES)) {
		return NULL;
	}
	uint64_t *table = page_alloc();
	bool needs_twin = level == ARCH_LEVEL_LAST && twin == 0;
	if (table != NULL && needs_twin) {
		twin = twin_make(space->quota, table, level);
	}
	if (table == NULL || (needs_twin && twin == 0)) {
		if (table != NULL) {
			page_free(table);
		}
		quota_refund(space->quota, TABLE_BYTES);
		return NULL;
	}
	uint64_t covers = 1ul << (arch_level_order(level) + ORDER_STEP);
	*page_descriptor(table) = (struct page){.a = (uint64_t)(uintptr_t)space,
						.b = (va & ~(covers - 1)) | level,
						.d = twin,
						.e = KIND_TABLE};
	return table;
}

static void page_done(struct round_item *item)
{
	page_free(page_of_descriptor((struct page *)(void *)item));
}

void table_free(uint64_t *table)
{
	struct page *descriptor = table_of(table);
	struct space *space = table_space(descriptor);
	if (descriptor->d != 0) {
		pieces_free(descriptor->d);
	}
	quota_refund(space->quota, TABLE_BYTES);
	/* Others may still read its entries, all 0, and its live count, dead; but not a and b. */
	descriptor = page_descriptor(page_of_physical(page_physical(table)));
	round_defer((struct round_item *)(void *)descriptor, page_done);
}

bool table_add_twin(uint64_t *table)
{
	struct page *descriptor = table_of(table);
	uint32_t none = 0;
	if (__atomic_load_n(&descriptor->d, __ATOMIC_ACQUIRE) != 0) {
		return true;
	}
	const void *page = page_of_physical(page_physical(table));
	uint32_t twin = twin_make(table_space(descriptor)->quota, page, table_level(descriptor));
	if (twin == 0) {
		return false;
	}
	if (!__atomic_compare_exchange_n(&descriptor->d, &none, twin, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED)) {
		pieces_free(twin);
	}
	return true;
}

/* Walks. */

/* An entry is being changed, or its table given up: soon it is something else, and the walk starts over. */
static bool find_again(const struct space *space, uint64_t va, struct leaf *leaf)
{
	arch_core_relax();
	return space_find(space, va, leaf);
}

bool space_find(const struct space *space, uint64_t va, struct leaf *leaf)
{
	const unsigned top = arch_level_order(0);
	uint64_t *table = page_direct(space->root);
	uint64_t *entry, value;
	unsigned order = top;
	for (;; order -= ORDER_STEP) {
		entry = &table[va >> order & (ARCH_ENTRIES - 1)];
		value = arch_entry_load(entry);
		if (order == ORDER_PAGE || !arch_entry_is_table(value, 0)) {
			break;
		}
		table = table_at(value);
	}
	if (value == ARCH_ENTRY_BROKEN) {
		return find_again(space, va, leaf);
	}
	unsigned level = order == top ? 0 : arch_level_of_order(order);
	*leaf = (struct leaf){.entry = entry,
			      .value = value,
			      .va = va >> order << order,
			      .order = order,
			      .level = level};
	return arch_entry_is_leaf(value, level);
}

/* Makes the table that `entry`, which is 0, points to. A table that is about to go away: nothing happens. */
static enum status add_table(struct space *space, uint64_t *entry, uint64_t va, unsigned level)
{
	if (!live_up(table_of(entry))) {
		arch_core_relax();
		return STATUS_OK;
	}
	uint64_t *table = table_make(space, va, level, 0);
	bool linked =
		table != NULL && arch_entry_swap(entry, 0, arch_entry_table(page_physical(table)));
	if (!linked && live_down(table_of(entry))) {
		space_drop_table(table_of_entry(entry));
	}
	if (table != NULL && !linked) {
		table_free(table);
	}
	return table == NULL ? STATUS_QUOTA : STATUS_OK;
}

/* The way down ends at `entry`, above the table that is wanted; OK: try again. */
static __attribute__((noinline)) enum status go_below(struct space *space, uint64_t *entry, uint64_t value,
						      uint64_t va, unsigned order)
{
	if (value == 0) {
		return add_table(space, entry, va, (arch_level_order(0) - order) / ORDER_STEP + 1);
	}
	if (value != ARCH_ENTRY_BROKEN) {
		return STATUS_OVERMAP;
	}
	arch_core_relax();
	return STATUS_OK;
}

/* One way down to the entry; *entry is NULL if something changed meanwhile: try again. */
static enum status try_hold(struct space *space, uint64_t va, unsigned target, uint64_t **entry)
{
	*entry = NULL;
	uint64_t *table = page_direct(space->root);
	unsigned order = arch_level_order(0);
	for (; order != target; order -= ORDER_STEP) {
		uint64_t *at = &table[va >> order & (ARCH_ENTRIES - 1)];
		uint64_t value = arch_entry_load(at);
		if (!arch_entry_is_table(value, 0)) {
			return go_below(space, at, value, va, order);
		}
		table = table_at(value);
	}
	if (!live_up(table_of(table))) {
		arch_core_relax();
		return STATUS_OK;
	}
	*entry = &table[va >> order & (ARCH_ENTRIES - 1)];
	if (table_of(table)->d == 0 && !table_add_twin(table)) {
		space_release(*entry);
		return STATUS_QUOTA;
	}
	return STATUS_OK;
}

/* After a failure: the lowest table on the way may have been made for nothing. */
static void drop_unused(const struct space *space, uint64_t va)
{
	struct leaf leaf;
	if (!space_find(space, va, &leaf)) {
		space_drop_table(table_of_entry(leaf.entry));
	}
}

enum status space_hold(struct space *space, uint64_t va, unsigned order, uint64_t **entry)
{
	enum status status;
	do {
		status = try_hold(space, va, order, entry);
	} while (status == STATUS_OK && *entry == NULL);
	if (status != STATUS_OK) {
		drop_unused(space, va);
	}
	return status;
}

void space_release(uint64_t *entry)
{
	if (live_down(table_of(entry))) {
		space_drop_table(table_of_entry(entry));
	}
}

/* It counts in the table above, so that is alive. */
uint64_t *space_entry_above(const uint64_t *below)
{
	const struct page *descriptor = table_of(below);
	uint64_t *table = page_direct(table_space(descriptor)->root);
	uint64_t va = descriptor->b & ~TABLE_LEVEL;
	unsigned level = 0;
	for (; level + 1 < table_level(descriptor); level++) {
		table = table_at(arch_entry_load(entry_in(table, va, level)));
	}
	return entry_in(table, va, level);
}

/* Whoever kills a table takes it out; nothing else changes the entry that points to it. */
void space_drop_table(uint64_t *table)
{
	struct page *descriptor = table_of(table);
	while (table_level(descriptor) != 0 && live_kill(descriptor, 0)) {
		uint64_t *above = space_entry_above(table);
		arch_entry_store(above, ARCH_ENTRY_BROKEN);
		arch_tlb_begin();
		arch_tlb_table(table_space(descriptor)->asid, descriptor->b & ~TABLE_LEVEL);
		arch_tlb_finish();
		arch_entry_store(above, 0);
		table_free(table);
		if (!live_down(table_of(above))) {
			return;
		}
		table = table_of_entry(above);
		descriptor = table_of(table);
	}
}

/* Life of a space. */

enum status space_init(struct space *space, struct quota *quota)
{
	*space = (struct space){.quota = quota, .window = USER_END};
	space->asid = asid_alloc();
	if (space->asid == 0) {
		return STATUS_NO_ASID;
	}
	uint64_t *root = table_make(space, 0, 0, 0);
	if (root == NULL) {
		asid_free(space->asid);
		return STATUS_QUOTA;
	}
	space->root = page_physical(root);
	return STATUS_OK;
}

/* The identifier waits with the root table in its descriptor: nobody can be using it after the round. */
static void root_done(struct round_item *item)
{
	const struct page *descriptor = (const struct page *)(const void *)item;
	asid_free(descriptor->f);
	page_free(page_of_descriptor(descriptor));
}

void space_end(struct space *space)
{
	struct page *descriptor = page_descriptor(page_of_physical(space->root));
	CHECK(live_kill(descriptor, 0));
	arch_tlb_begin();
	arch_tlb_space(space->asid);
	arch_tlb_finish();
	descriptor->f = space->asid;
	quota_refund(space->quota, TABLE_BYTES);
	round_defer((struct round_item *)(void *)descriptor, root_done);
}
