/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The derivation tree: links, walks, piece tables, revocation flags.
 */
#include "mapdb_slot.h"

#include "panic.h"
#include "quota.h"
#include "round.h"

#include <arch/cpu.h>

struct region mapdb_regions[REGION_COUNT];
struct region mapdb_big;

bool live_down(struct page *table)
{
	uint32_t before = __atomic_fetch_sub(&table->c, 1, __ATOMIC_ACQ_REL);
	CHECK(before != 0 && before != LIVE_DEAD);
	return before == 1;
}

bool live_kill(struct page *table, uint32_t live)
{
	return __atomic_compare_exchange_n(&table->c, &live, LIVE_DEAD, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

/* Links. */

void tree_push(uint32_t parent, uint32_t child, uint32_t depth)
{
	uint32_t *link = &slot_at(parent)->first;
	uint32_t before = *link & SLOT_LINK;
	if ((before & SLOT_PIECES) != 0) {
		link = &pieces_node(before)->next; /* the piece table stays the first */
	} else {
		before = 0;
	}
	uint32_t next = *link & SLOT_ID;
	*slot_at(child) = (struct slot){
		.parent = depth << SLOT_DEPTH_SHIFT | parent, .next = next, .prev = before};
	link_set(link, child);
	if (next != 0) {
		link_set(&slot_at(next)->prev, child);
	}
}

/* What was counted for a part whose last child went is uncounted. Returns the piece table if it is empty now. */
static uint32_t part_left(uint32_t id)
{
	bool left = slot_is_piece(id) && (slot_at(id)->first & SLOT_LINK) == 0;
	return left && live_down(twin_of(id)) ? id & ~SLOT_INDEX : 0;
}

uint32_t tree_remove(uint32_t child)
{
	struct slot *old = slot_at(child);
	uint32_t parent = old->parent & SLOT_ID, next = old->next & SLOT_ID,
		 prev = old->prev & SLOT_LINK;
	if (next != 0) {
		link_set(&slot_at(next)->prev, prev);
	}
	if (prev != 0) {
		link_set(&slot_node(prev)->next, next);
		return 0;
	}
	if (parent == 0) {
		return 0;
	}
	link_set(&slot_at(parent)->first, next);
	return part_left(parent);
}

/* Walks. */

/* As long as the visit of a mapping. */
#define PARTS_PER_VISIT 16

uint32_t pieces_from(uint32_t pieces, unsigned index, bool used, unsigned *work)
{
	const struct slot *parts = slot_at(pieces);
	unsigned at = index;
	if (__atomic_load_n(&twin_of(pieces)->c, __ATOMIC_ACQUIRE) == 0) {
		return 0;
	}
	while (at < ARCH_ENTRIES && (__atomic_load_n(&parts[at].first, __ATOMIC_RELAXED) & SLOT_LINK) == 0 &&
	       !(used && __atomic_load_n(&parts[at].next, __ATOMIC_RELAXED) != 0)) {
		at++;
	}
	*work += (at - index) / PARTS_PER_VISIT;
	return at < ARCH_ENTRIES ? pieces + at : 0;
}

uint32_t tree_first_same(uint32_t id)
{
	uint32_t first = slot_at(id)->first & SLOT_LINK;
	return ((first & SLOT_PIECES) != 0 ? pieces_node(first)->next : first) & SLOT_ID;
}

uint32_t tree_below(uint32_t id, unsigned *work)
{
	uint32_t pieces = slot_pieces(id);
	uint32_t part = pieces != 0 ? pieces_from(pieces, 0, false, work) : 0;
	return part != 0 ? part : tree_first_same(id);
}

static uint32_t sibling(uint32_t id, unsigned *work)
{
	if (!slot_is_piece(id)) {
		return slot_at(id)->next & SLOT_ID;
	}
	uint32_t part = pieces_from(id & ~SLOT_INDEX, (id & SLOT_INDEX) + 1, false, work);
	return part != 0 ? part : pieces_node(id)->next & SLOT_ID;
}

uint32_t tree_first(uint32_t top, unsigned *work)
{
	uint32_t below;
	while ((below = tree_below(top, work)) != 0) {
		top = below;
	}
	return top;
}

uint32_t tree_after(uint32_t at, unsigned *work)
{
	uint32_t next = sibling(at, work);
	return next != 0 ? tree_first(next, work) : slot_parent(at);
}

uint32_t tree_next(uint32_t at, uint32_t top, unsigned *work)
{
	uint32_t next = tree_below(at, work);
	while (next == 0 && at != top) {
		next = sibling(at, work);
		at = slot_parent(at);
	}
	return next;
}

uint64_t slot_physical(uint32_t id)
{
	uint64_t offset = 0;
	for (; slot_is_piece(id); id = slot_parent(id)) {
		offset += (uint64_t)(id & SLOT_INDEX) << slot_order(id);
	}
	return arch_entry_physical(arch_entry_load(slot_entry(id))) + offset;
}

/* Uses: OWN and UP are two bits each, UP above OWN. */

#define USES_OWN      (SLOT_REF_OWN | SLOT_DIRTY_OWN)
#define USES_UP       (SLOT_REF_UP | SLOT_DIRTY_UP)
#define USES_UP_SHIFT 2

void tree_move_up(uint32_t id, uint32_t own_bits)
{
	uint32_t parent = slot_parent(id);
	uint32_t uses = own_bits | (slot_at(id)->next & USES_UP) >> USES_UP_SHIFT;
	if (parent != 0 && uses != 0) {
		slot_at(parent)->next |= uses | uses << USES_UP_SHIFT;
	}
	slot_at(id)->next &= ~USES_UP;
}

/* Piece tables. */

uint32_t pieces_make(struct quota *quota, unsigned order)
{
	if (!quota_charge(quota, TWIN_BYTES)) {
		return 0;
	}
	char *pair = page_alloc_pair();
	if (pair == NULL) {
		quota_refund(quota, TWIN_BYTES);
		return 0;
	}
	struct page *twin = page_descriptor(pair);
	*twin = (struct page){
		.a = (uint64_t)(uintptr_t)quota, .e = KIND_TWIN, .f = order - ORDER_STEP};
	*page_descriptor(pair + PAGE_BYTES) = (struct page){0};
	return page_number_of(pair, 13) << SLOT_INDEX_BITS;
}

static void pair_done(struct round_item *item)
{
	char *second = page_of_descriptor((struct page *)(void *)item);
	page_free_pair(second - PAGE_BYTES);
}

/* Others may still read slots and descriptors, but for a and b of the second one. */
void pieces_free(uint32_t pieces)
{
	quota_refund((struct quota *)(uintptr_t)twin_of(pieces)->a, TWIN_BYTES);
	round_defer((struct round_item *)(void *)(twin_of(pieces) + 1), pair_done);
}

void pieces_attach(uint32_t id, uint32_t pieces)
{
	struct slot *node = pieces_node(pieces);
	uint32_t next = slot_at(id)->first & SLOT_ID;
	node->parent = id;
	node->next = next;
	if (next != 0) {
		link_set(&slot_at(next)->prev, pieces | SLOT_PIECES);
	}
	link_set(&slot_at(id)->first, pieces | SLOT_PIECES);
}

/* What was known only of parts is known of the whole. */
static void add_uses(uint32_t id, uint32_t uses)
{
	uint32_t up = (uses & USES_UP) >> USES_UP_SHIFT;
	slot_at(id)->next |= up | up << USES_UP_SHIFT;
}

void pieces_move_up(uint32_t pieces, bool told)
{
	struct slot *parts = slot_at(pieces);
	uint32_t uses = 0, left = told ? ~(USES_UP | USES_OWN) : ~USES_UP;
	for (unsigned i = 0; i < ARCH_ENTRIES; i++) {
		uses |= parts[i].next;
		parts[i].next &= left;
	}
	add_uses(slot_parent(pieces), uses);
}

static __attribute__((noinline)) void clear_flagged_parts(uint32_t pieces)
{
	for (unsigned i = 0; i < ARCH_ENTRIES; i++) {
		if ((slot_at(pieces + i)->first & SLOT_REVOKING) != 0) {
			revoking_clear(region_of(slot_physical(pieces + i), slot_order(pieces)),
				       pieces + i);
		}
	}
}

/* The uses that parts have still to report become the whole's. A part without children may be flagged, by a revocation that was
 * interrupted. */
static void collect_parts(uint32_t id, uint32_t pieces)
{
	const struct slot *parts = slot_at(pieces);
	uint32_t uses = 0, flags = 0;
	for (unsigned i = 0; i < ARCH_ENTRIES; i++) {
		uses |= parts[i].next;
		flags |= parts[i].first;
	}
	if ((flags & SLOT_REVOKING) != 0) {
		clear_flagged_parts(pieces);
	}
	slot_at(id)->next |= uses & (USES_OWN | USES_UP);
	add_uses(id, uses & USES_UP);
}

uint32_t pieces_detach_if_empty(uint32_t pieces)
{
	if (!live_kill(twin_of(pieces), 0)) {
		return 0;
	}
	struct slot *node = pieces_node(pieces);
	uint32_t id = node->parent & SLOT_ID, next = node->next & SLOT_ID;
	collect_parts(id, pieces);
	link_set(&slot_at(id)->first, next);
	if (next != 0) {
		link_set(&slot_at(next)->prev, 0);
	}
	pieces_free(pieces);
	return part_left(id);
}

void pieces_release(uint32_t pieces)
{
	spinlock_lock(&mapdb_big.lock);
	(void)pieces_detach_if_empty(pieces);
	spinlock_unlock(&mapdb_big.lock);
}

/* Revocation flags. */

void revoking_set(struct region *region, uint32_t id)
{
	struct slot *slot = slot_at(id);
	if ((slot->first & SLOT_REVOKING) == 0) {
		__atomic_store_n(&slot->first, slot->first | SLOT_REVOKING, __ATOMIC_RELEASE);
		__atomic_fetch_add(&region->revokes, 1, __ATOMIC_RELEASE);
	}
}

void revoking_clear(struct region *region, uint32_t id)
{
	struct slot *slot = slot_at(id);
	if ((slot->first & SLOT_REVOKING) != 0) {
		__atomic_store_n(&slot->first, slot->first & ~SLOT_REVOKING, __ATOMIC_RELEASE);
		__atomic_fetch_sub(&region->revokes, 1, __ATOMIC_RELEASE);
	}
}

bool revoking_above(const struct region *region, uint32_t id)
{
	if (!revoking_somewhere(region)) {
		return false;
	}
	for (; id != 0; id = slot_parent(id)) {
		if ((__atomic_load_n(&slot_at(id)->first, __ATOMIC_ACQUIRE) & SLOT_REVOKING) != 0) {
			return true;
		}
	}
	return false;
}

/* Batches. */

void batch_add(struct batch *batch, uint64_t *entry)
{
	CHECK(!batch_is_full(batch));
	batch->entries[batch->count++] = entry;
}

void batch_add_pieces(struct batch *batch, uint32_t pieces)
{
	if (pieces != 0) {
		CHECK(batch->pieces_count < BATCH_PIECES_MAX);
		batch->pieces[batch->pieces_count++] = pieces;
	}
}

static void batch_invalidate(const struct batch *batch)
{
	arch_tlb_begin();
	for (unsigned i = 0; i < batch->count; i++) {
		const uint64_t *entry = batch->entries[i];
		arch_tlb_page(table_space(table_of(entry))->asid, entry_va(entry));
	}
	arch_tlb_finish();
}

/* Piece tables of a 2 MiB mapping or part are under the lock that is held; for larger ones batch_release() sees. */
static void batch_detach_pieces(struct batch *batch)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < batch->pieces_count; i++) {
		uint32_t pieces = batch->pieces[i];
		if (slot_order(pieces) == ORDER_PAGE) {
			pieces = pieces_detach_if_empty(pieces);
		}
		if (pieces != 0) {
			batch->pieces[kept++] = pieces;
		}
	}
	batch->pieces_count = kept;
}

void batch_flush(struct batch *batch)
{
	batch_detach_pieces(batch);
	if (batch->count == 0) {
		return;
	}
	batch_invalidate(batch);
	for (unsigned i = 0; i < batch->count; i++) {
		uint64_t *entry = batch->entries[i];
		if (arch_entry_load(entry) == ARCH_ENTRY_BROKEN) {
			arch_entry_store(entry, 0);
			(void)live_down(table_of(entry));
		}
	}
}

void batch_release(struct batch *batch, bool big_is_held)
{
	for (unsigned i = 0; i < batch->count; i++) {
		space_drop_table(table_of_entry(batch->entries[i]));
	}
	for (unsigned i = 0; i < batch->pieces_count; i++) {
		if (big_is_held) {
			(void)pieces_detach_if_empty(batch->pieces[i]);
		} else {
			pieces_release(batch->pieces[i]);
		}
	}
	batch->count = 0;
	batch->pieces_count = 0;
}

uint32_t mapping_take(struct batch *batch, struct region *region, uint32_t id)
{
	uint32_t pieces = slot_pieces(id);
	if (pieces != 0) {
		(void)pieces_detach_if_empty(pieces);
	}
	struct slot *slot = slot_at(id);
	CHECK((slot->first & SLOT_LINK) == 0);
	if (MAPDB_CHECKS) {
		mapdb_check_link(id);
	}
	uint64_t *entry = slot_entry(id);
	uint64_t old = arch_entry_exchange(entry, ARCH_ENTRY_BROKEN);
	uint32_t own = slot->next & USES_OWN;
	revoking_clear(region, id);
	tree_move_up(id, entry_uses(old));
	batch_add_pieces(batch, tree_remove(id));
	*slot = (struct slot){0};
	batch_add(batch, entry);
	return own | ((old & ARCH_ENTRY_TRACKED) != 0 ? entry_uses(old) : 0);
}
