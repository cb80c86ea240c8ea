/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making mappings. The source is found without a lock; then the lock of its frame is taken, and it is looked at again:
 * from there on it can neither go nor change. The destination's table is held since mapdb_prepare(), so
 * that nothing can fail for lack of memory.
 */
#include "mapdb_walk.h"

#include "panic.h"

#include "entry.h"

#include <arch/cpu.h>

/* Besides those of enum status: something changed on the way, start again. */
#define STATUS_AGAIN ((enum status)STATUS_COUNT)

static uint64_t order_mask(unsigned order)
{
	return (1ul << order) - 1;
}

static bool order_is_good(unsigned order)
{
	return order == ORDER_PAGE || order == ORDER_BLOCK || order == ORDER_GIANT;
}

static bool address_is_good(uint64_t va, unsigned order)
{
	return (va & order_mask(order)) == 0 && va >= USER_BEGIN && va < USER_END;
}

uint64_t leaf_frame(const struct leaf *leaf, uint64_t va)
{
	return arch_entry_physical(leaf->value) + (va & order_mask(leaf->order));
}

bool leaf_is_same(const struct leaf *leaf, uint64_t entry)
{
	return arch_entry_is_leaf(entry, leaf->level) &&
	       arch_entry_physical(entry) == arch_entry_physical(leaf->value);
}

static unsigned part_index(uint64_t va, unsigned order)
{
	return (unsigned)(va >> order) & SLOT_INDEX;
}

/* Sources. */

/* True: something that can be mapped onward, at least that large. */
static __attribute__((noinline)) bool find_source(struct map_request *request)
{
	struct leaf *source = &request->source;
	bool found = space_find(request->src, request->src_va, source) &&
		     source->order >= request->order && !arch_entry_is_kernel(source->value);
	source->entry = found ? source->entry : NULL;
	return found;
}

/* The same, without a walk if it is as it was. Its table may have been given up: then there is nothing in it. */
static bool find_source_again(struct map_request *request)
{
	const struct leaf *source = &request->source;
	return (source->entry != NULL && arch_entry_load(source->entry) == source->value) ||
	       find_source(request);
}

bool mapdb_plan(struct map_request *request, uint64_t size)
{
	request->order = ORDER_PAGE;
	if (request->src_va >= USER_END || !find_source(request)) {
		return false;
	}
	unsigned order = request->source.order;
	while (order > ORDER_PAGE &&
	       (((request->src_va | request->dst_va) & order_mask(order)) != 0 || size >> order == 0)) {
		order -= ORDER_STEP;
	}
	request->order = order;
	return true;
}

/* The slot for the part of `order` at `va` of the mapping of order `at` whose slot is `id`; 0: there is no piece table. */
static uint32_t part_slot(uint32_t id, unsigned at, uint64_t va, unsigned order)
{
	for (; at > order; at -= ORDER_STEP) {
		uint32_t pieces = slot_pieces(id);
		if (pieces == 0) {
			return 0;
		}
		id = pieces | part_index(va, at - ORDER_STEP);
	}
	return id;
}

uint32_t leaf_slot(const struct leaf *leaf, uint64_t va, unsigned order)
{
	return part_slot(slot_of_entry(leaf->entry), leaf->order, va, order);
}

/*
 * Counts the part of `order` at `va` in its piece table if it had no children, and makes sure that the piece table is that of
 * the mapping: one of 1 GiB has another lock, and may have gone meanwhile. Under the lock of the part, whose slot is `id`.
 */
static bool part_enter(const struct leaf *leaf, uint32_t id, uint64_t va, unsigned order)
{
	if (order == leaf->order) {
		return true;
	}
	bool was_empty = (slot_at(id)->first & SLOT_LINK) == 0;
	if (was_empty && !live_up(twin_of(id))) {
		return false;
	}
	if (leaf->order != ORDER_GIANT ||
	    (leaf_is_same(leaf, arch_entry_load(leaf->entry)) && leaf_slot(leaf, va, order) == id)) {
		return true;
	}
	if (was_empty) {
		(void)live_down(twin_of(id));
	}
	return false;
}

/* Undoes part_enter() when no child was made. An empty piece table is left to tidy_pieces(). */
static void part_leave(uint32_t id)
{
	if (slot_is_piece(id) && (slot_at(id)->first & SLOT_LINK) == 0) {
		(void)live_down(twin_of(id));
	}
}

/* Gives `id`, the slot of a mapping or part of `order` at `va`, a piece table, if it has none. */
static enum status add_pieces(struct space *space, const struct leaf *leaf, uint32_t id,
			      uint64_t va, unsigned order)
{
	uint32_t pieces = pieces_make(space->quota, order);
	if (pieces == 0) {
		return STATUS_QUOTA;
	}
	struct region *region = region_of(leaf_frame(leaf, va), order);
	spinlock_lock(&region->lock);
	bool entered = leaf_is_same(leaf, arch_entry_load(leaf->entry)) && part_enter(leaf, id, va, order);
	bool attach = entered && slot_pieces(id) == 0;
	if (attach) {
		pieces_attach(id, pieces);
	}
	spinlock_unlock(&region->lock);
	if (!attach) {
		pieces_free(pieces);
	}
	return entered ? STATUS_OK : STATUS_AGAIN;
}

/* Makes the piece tables between the mapping at `leaf` and its part. */
static __attribute__((noinline)) enum status make_pieces(struct space *space, const struct leaf *leaf,
							 uint64_t va, unsigned order)
{
	for (unsigned at = leaf->order; at > order; at -= ORDER_STEP) {
		uint32_t id = leaf_slot(leaf, va, at);
		if (id == 0) {
			return STATUS_AGAIN;
		}
		if (slot_pieces(id) == 0) {
			enum status status = add_pieces(space, leaf, id, va, at);
			if (status != STATUS_OK) {
				return status;
			}
		}
	}
	return STATUS_OK;
}

/* Gives piece tables at `va` back that were made for nothing: those down to parts of `order`. */
static void tidy_pieces(struct space *space, uint64_t va, unsigned order)
{
	struct leaf leaf;
	bool found = space_find(space, va, &leaf) && leaf.order > order;
	uint32_t upper = 0;
	if (found && order == ORDER_PAGE && !arch_entry_is_kernel(leaf.value)) {
		struct region *region = region_of(leaf_frame(&leaf, va), ORDER_BLOCK);
		spinlock_lock(&region->lock);
		uint32_t id = leaf_slot(&leaf, va, ORDER_BLOCK);
		uint32_t pieces = id != 0 && leaf_is_same(&leaf, arch_entry_load(leaf.entry))
					  ? slot_pieces(id)
					  : 0;
		upper = pieces != 0 ? pieces_detach_if_empty(pieces) : 0;
		spinlock_unlock(&region->lock);
	}
	if (found && leaf.order == ORDER_GIANT && upper == 0) {
		upper = slot_pieces(slot_of_entry(leaf.entry));
	}
	if (upper != 0) {
		pieces_release(upper);
	}
}

static uint64_t window_at(const struct space *space, uint64_t va)
{
	return va >= space->window ? ARCH_ENTRY_WINDOW : 0;
}

static uint64_t make_entry(const struct map_request *request, const struct leaf *source)
{
	unsigned rights = request->rights & arch_entry_rights(source->value);
	bool written = request->born_written && (rights & PAGE_WRITE) != 0;
	uint64_t known = window_at(request->dst, request->dst_va) |
			 (request->track ? ARCH_ENTRY_TRACKED : 0) |
			 (request->referenced || written ? ARCH_ENTRY_REFERENCED : 0) |
			 (written ? ARCH_ENTRY_DIRTY : 0);
	return arch_entry_child(source->value, leaf_frame(source, request->src_va),
				arch_level_of_order(request->order), rights, known);
}

/* True: the source has a slot for the part. */
static bool find_part(struct map_request *request)
{
	request->src_slot = slot_of_entry(request->source.entry);
	request->src_part =
		part_slot(request->src_slot, request->source.order, request->src_va, request->order);
	return request->src_part != 0;
}

static enum status prepare_source(struct map_request *request)
{
	enum status status = STATUS_OK;
	do {
		if (!find_source_again(request)) {
			return STATUS_NOT_MAPPED;
		}
		if (request->grant && request->source.order != request->order) {
			return STATUS_SPLIT_FIRST;
		}
		if (find_part(request)) {
			request->region =
				region_of(leaf_frame(&request->source, request->src_va), request->order);
			request->wanted = make_entry(request, &request->source);
			return STATUS_OK;
		}
		status = make_pieces(request->src, &request->source, request->src_va, request->order);
	} while (status == STATUS_OK || status == STATUS_AGAIN);
	tidy_pieces(request->src, request->src_va, request->order);
	return status;
}

enum status mapdb_prepare(struct map_request *request)
{
	if (!order_is_good(request->order) ||
	    !address_is_good(request->src_va | request->dst_va, request->order) || request->dst_va < USER_BEGIN) {
		return STATUS_BAD_RANGE;
	}
	if (request->dst->dying) {
		return STATUS_NOT_MAPPED;
	}
	enum status status =
		space_hold(request->dst, request->dst_va, request->order, &request->dst_entry);
	if (status != STATUS_OK) {
		return status == STATUS_QUOTA ? STATUS_KERNEL_QUOTA : status;
	}
	request->dst_slot = slot_of_entry(request->dst_entry);
	status = prepare_source(request);
	if (status != STATUS_OK) {
		space_release(request->dst_entry);
	}
	return status;
}

void mapdb_unprepare(struct map_request *request)
{
	space_release(request->dst_entry);
	tidy_pieces(request->src, request->src_va, request->order);
}

void mapdb_postpone(struct map_request *request)
{
	(void)live_down(table_of(request->dst_entry));
}

/* Mapping: all of this under the lock of the frame, which `id` and `source` belong to. */

static bool rights_within(unsigned rights, unsigned limit)
{
	return (rights & ~limit) == 0;
}

/* What an existing mapping of the same page from the same parent becomes: nothing known of it is lost. */
static uint64_t changed_entry(uint64_t entry, uint64_t wanted)
{
	uint64_t known = wanted & (ARCH_ENTRY_REFERENCED | ARCH_ENTRY_DIRTY);
	if ((wanted & ARCH_ENTRY_TRACKED) == 0) {
		known = 0; /* stays tracked if it was */
	}
	return arch_entry_with_rights_of(entry | known | (wanted & ARCH_ENTRY_TRACKED), wanted);
}

static void change_rights(const struct map_request *request, uint64_t wanted)
{
	uint64_t *entry = request->dst_entry;
	uint64_t old, new;
	do {
		old = arch_entry_load(entry);
		new = changed_entry(old, wanted);
	} while (!arch_entry_swap(entry, old, new));
	/* The hold ends: the mapping counts in its table already. */
	(void)live_down(table_of(entry));
	if (arch_entry_loses(old, new)) {
		arch_tlb_begin();
		arch_tlb_page(request->dst->asid, request->dst_va);
		arch_tlb_finish();
	}
}

/* The destination is not empty: OK if it is the same page from the same parent, which can have its rights changed. */
static enum status check_over(const struct map_request *request, uint32_t id, uint64_t old, uint64_t wanted)
{
	unsigned level = arch_level_of_order(request->order);
	if (old == ARCH_ENTRY_BROKEN) {
		return STATUS_AGAIN;
	}
	if (!arch_entry_is_leaf(old, level) || arch_entry_is_kernel(old) ||
	    arch_entry_is_held(old) || arch_entry_physical(old) != arch_entry_physical(wanted)) {
		return STATUS_OVERMAP;
	}
	const struct slot *child = slot_at(request->dst_slot);
	if ((child->parent & SLOT_ID) != id || request->grant) {
		return STATUS_OVERMAP;
	}
	bool has_children = (child->first & SLOT_LINK) != 0;
	return has_children && arch_entry_has_more(old, wanted) ? STATUS_OVERMAP : STATUS_OK;
}

static __attribute__((noinline)) enum status map_over(const struct map_request *request, uint32_t id,
						      uint64_t old, uint64_t wanted)
{
	enum status status = check_over(request, id, old, wanted);
	if (status == STATUS_OK) {
		change_rights(request, wanted);
	}
	return status;
}

/* How many mappings are above the one at `leaf`. */
static uint32_t depth_of(const struct leaf *leaf)
{
	return slot_at(slot_of_entry(leaf->entry))->parent >> SLOT_DEPTH_SHIFT;
}

static enum status map_new(const struct map_request *request, const struct leaf *source, uint32_t id,
			   uint64_t wanted)
{
	uint32_t depth = depth_of(source);
	if (depth == SLOT_DEPTH_MAX) {
		return STATUS_TOO_DEEP;
	}
	/* From here on the slot is ours. */
	if (!arch_entry_swap(request->dst_entry, 0, wanted)) {
		return STATUS_AGAIN;
	}
	tree_push(id, request->dst_slot, depth + 1);
	if (MAPDB_CHECKS) {
		mapdb_check_link(request->dst_slot);
	}
	return STATUS_OK;
}

/* Granting: the destination's slot takes the source's place in the tree. */

#define GRANT_CHILDREN_MAX 64

/* Few enough children, and none with more rights than stay. Counts them. */
static bool can_grant(uint32_t id, unsigned rights, unsigned *children)
{
	unsigned count = 0;
	if (slot_pieces(id) != 0) {
		return false;
	}
	for (uint32_t child = tree_first_same(id); child != 0;
	     child = slot_at(child)->next & SLOT_ID) {
		count++;
		if (count > GRANT_CHILDREN_MAX ||
		    !rights_within(arch_entry_rights(arch_entry_load(slot_entry(child))), rights)) {
			return false;
		}
	}
	*children = count;
	return true;
}

static void move_slot(uint32_t from, uint32_t to)
{
	struct slot *slot = slot_at(to);
	*slot = *slot_at(from);
	*slot_at(from) = (struct slot){0};
	uint32_t prev = slot->prev & SLOT_LINK, next = slot->next & SLOT_ID,
		 parent = slot->parent & SLOT_ID;
	if (prev != 0) {
		link_set(&slot_node(prev)->next, to);
	} else if (parent != 0) {
		link_set(&slot_at(parent)->first, to);
	}
	if (next != 0) {
		link_set(&slot_at(next)->prev, to);
	}
	for (uint32_t child = tree_first_same(to); child != 0;
	     child = slot_at(child)->next & SLOT_ID) {
		link_set(&slot_at(child)->parent, to);
	}
}

static __attribute__((noinline)) enum status grant(const struct map_request *request,
						   const struct leaf *source, uint64_t wanted)
{
	uint64_t *from = source->entry, *to = request->dst_entry;
	uint32_t id = slot_of_entry(from);
	unsigned children;
	if (!can_grant(id, arch_entry_rights(wanted), &children)) {
		return STATUS_GRANT_BUSY;
	}
	if (!arch_entry_swap(to, 0, ARCH_ENTRY_BROKEN)) {
		return STATUS_AGAIN;
	}
	move_slot(id, slot_of_entry(to));
	uint64_t old = arch_entry_exchange(from, ARCH_ENTRY_BROKEN);
	arch_tlb_begin();
	arch_tlb_page(request->src->asid, source->va);
	arch_tlb_finish();
	/* As it was, but for the rights; what was held stays held. */
	old = (old & ~ARCH_ENTRY_WINDOW) | (wanted & (ARCH_ENTRY_TRACKED | ARCH_ENTRY_WINDOW));
	uint64_t new = arch_entry_with_rights_of(old, wanted);
	arch_entry_store(to, new);
	arch_entry_store(from, 0);
	if (MAPDB_CHECKS) {
		mapdb_check_link(slot_of_entry(to));
	}
	(void)live_down(table_of(from));
	return STATUS_OK;
}

static enum status map_locked(const struct map_request *request, const struct leaf *source,
			      uint32_t id)
{
	uint64_t wanted = make_entry(request, source);
	uint64_t old = arch_entry_load(request->dst_entry);
	if (old != 0) {
		return map_over(request, id, old, wanted);
	}
	return request->grant ? grant(request, source, wanted) : map_new(request, source, id, wanted);
}

/* Looks at the source again, now that it cannot change. Rights may have: the new ones count. */
static enum status check_source(const struct map_request *request, struct leaf *source,
				const struct region *region, uint32_t *id)
{
	uint64_t value = arch_entry_load(source->entry);
	if (!leaf_is_same(source, value)) {
		return STATUS_AGAIN;
	}
	source->value = value;
	*id = leaf_slot(source, request->src_va, request->order);
	/* Another core took the piece table away after mapdb_prepare(): as if the source had been revoked. */
	if (*id == 0) {
		return STATUS_NOT_MAPPED;
	}
	if (!part_enter(source, *id, request->src_va, request->order)) {
		return STATUS_AGAIN;
	}
	if (revoking_above(region, *id)) {
		part_leave(*id);
		return STATUS_NOT_MAPPED;
	}
	return STATUS_OK;
}

static enum status try_map(struct map_request *request)
{
	struct leaf *source = &request->source;
	if (!find_source_again(request)) {
		return STATUS_NOT_MAPPED;
	}
	if (request->grant && source->order != request->order) {
		return STATUS_SPLIT_FIRST;
	}
	struct region *region = region_of(leaf_frame(source, request->src_va), request->order);
	spinlock_lock(&region->lock);
	uint32_t id;
	enum status status = check_source(request, source, region, &id);
	if (status == STATUS_OK) {
		status = map_locked(request, source, id);
		if (status != STATUS_OK) {
			part_leave(id);
		}
	}
	spinlock_unlock(&region->lock);
	if (status == STATUS_OK && request->grant) {
		space_drop_table(table_of_entry(source->entry));
	}
	return status;
}

/* A table without entries at the place of a large mapping is in the way. */
static bool drop_empty_table(const struct map_request *request)
{
	uint64_t old = arch_entry_load(request->dst_entry);
	if (!arch_entry_is_table(old, arch_level_of_order(request->order))) {
		return false;
	}
	space_drop_table(page_direct(arch_entry_physical(old)));
	return arch_entry_load(request->dst_entry) != old;
}

/*
 * The common cases: all is as mapdb_prepare() found it. Nothing that was unlinked since can have been used again, as this core has not
 * left the kernel. So a piece table that can be counted in, or has the part counted, is the source's; and while the part
 * counts, a source that still has its value stays. Under the lock; the part has been counted.
 */
static bool map_prepared(const struct map_request *request)
{
	uint32_t depth = slot_at(request->src_slot)->parent >> SLOT_DEPTH_SHIFT;
	if (arch_entry_load(request->source.entry) != request->source.value || depth == SLOT_DEPTH_MAX ||
	    revoking_somewhere(request->region)) {
		return false;
	}
	uint64_t old = arch_entry_load(request->dst_entry);
	if (old != 0) {
		return map_over(request, request->src_part, old, request->wanted) == STATUS_OK;
	}
	if (!arch_entry_swap(request->dst_entry, 0, request->wanted)) {
		return false;
	}
	tree_push(request->src_part, request->dst_slot, depth + 1);
	if (MAPDB_CHECKS) {
		mapdb_check_link(request->dst_slot);
	}
	return true;
}

static bool map_quickly(const struct map_request *request)
{
	struct region *region = request->region;
	uint32_t part = request->src_part;
	bool mapped = false;
	spinlock_lock(&region->lock);
	bool counts = part == request->src_slot || (slot_at(part)->first & SLOT_LINK) != 0;
	if (counts || live_up(twin_of(part))) {
		mapped = map_prepared(request);
		if (!mapped && !counts) {
			(void)live_down(twin_of(part));
		}
	}
	spinlock_unlock(&region->lock);
	return mapped;
}

enum status mapdb_map(struct map_request *request)
{
	if (!request->grant && map_quickly(request)) {
		return STATUS_OK;
	}
	enum status status = try_map(request);
	while (status == STATUS_AGAIN || (status == STATUS_OVERMAP && drop_empty_table(request))) {
		arch_core_relax();
		status = try_map(request);
	}
	if (status != STATUS_OK) {
		mapdb_unprepare(request);
	}
	return status;
}

/* What map_locked() would say, were nothing to change until then. */
static enum status foresee_locked(struct map_request *request, const struct leaf *source, uint32_t id)
{
	uint64_t wanted = make_entry(request, source);
	uint64_t old = arch_entry_load(request->dst_entry);
	if (old != 0) {
		return check_over(request, id, old, wanted);
	}
	if (request->grant) {
		bool can = can_grant(id, arch_entry_rights(wanted), &request->children);
		return can ? STATUS_OK : STATUS_GRANT_BUSY;
	}
	return depth_of(source) == SLOT_DEPTH_MAX ? STATUS_TOO_DEEP : STATUS_OK;
}

static enum status try_foresee(struct map_request *request)
{
	struct leaf *source = &request->source;
	if (!find_source_again(request)) {
		return STATUS_NOT_MAPPED;
	}
	struct region *region = region_of(leaf_frame(source, request->src_va), request->order);
	spinlock_lock(&region->lock);
	uint32_t id;
	enum status status = check_source(request, source, region, &id);
	if (status == STATUS_OK) {
		status = foresee_locked(request, source, id);
		part_leave(id);
	}
	spinlock_unlock(&region->lock);
	return status;
}

/* Without the lock: that nothing is in the way. */
static bool foresee_quickly(const struct map_request *request)
{
	return !request->grant && arch_entry_load(request->dst_entry) == 0 &&
	       arch_entry_load(request->source.entry) == request->source.value &&
	       slot_at(request->src_slot)->parent >> SLOT_DEPTH_SHIFT != SLOT_DEPTH_MAX &&
	       !revoking_somewhere(request->region);
}

enum status mapdb_foresee(struct map_request *request)
{
	if (foresee_quickly(request)) {
		return STATUS_OK;
	}
	enum status status = try_foresee(request);
	while (status == STATUS_AGAIN || (status == STATUS_OVERMAP && drop_empty_table(request))) {
		arch_core_relax();
		status = try_foresee(request);
	}
	return status;
}

void mapdb_publish(void)
{
	arch_entry_publish();
}

/* Mappings without parent. */

static bool root_range_is_good(uint64_t va, uint64_t physical, unsigned order)
{
	return order_is_good(order) && address_is_good(va, order) &&
	       (physical & order_mask(order)) == 0;
}

/* Puts an entry where nothing is; the slot, if it has one, is that of a root mapping. */
static enum status fill_entry(uint64_t *entry, unsigned order, uint64_t value, uint32_t flags)
{
	struct region *region = region_of(arch_entry_physical(value), order);
	spinlock_lock(&region->lock);
	bool added = arch_entry_swap(entry, 0, value);
	if (added) {
		*slot_at(slot_of_entry(entry)) = (struct slot){.first = flags};
	}
	spinlock_unlock(&region->lock);
	if (!added) {
		space_release(entry);
	}
	return added ? STATUS_OK : STATUS_OVERMAP;
}

/* `count` entries side by side in one table, which is looked for once; each shows what comes after the one before. */
static enum status add_entries(struct space *space, uint64_t va, unsigned order, unsigned count, uint64_t value,
			       uint32_t flags)
{
	uint64_t *entry;
	uint64_t physical = arch_entry_physical(value);
	unsigned level = arch_level_of_order(order);
	enum status status = space_hold(space, va, order, &entry);
	for (unsigned i = 0; i < count && status == STATUS_OK; i++) {
		if (i != 0) {
			entry++;
			CHECK(live_up(table_of(entry))); /* the entry before counts */
		}
		status = fill_entry(entry, order, arch_entry_at(value, physical + ((uint64_t)i << order), level),
				    flags);
	}
	arch_entry_publish();
	return status;
}

static enum status add_entry(struct space *space, uint64_t va, unsigned order, uint64_t value,
			     uint32_t flags)
{
	return add_entries(space, va, order, 1, value, flags);
}

static enum status add_roots(struct space *space, uint64_t va, uint64_t physical, unsigned order, unsigned count,
			     const struct root_kind *kind)
{
	uint64_t entry = arch_entry_leaf(physical, arch_level_of_order(order), kind->rights, kind->type,
					 window_at(space, va));
	uint32_t flags = kind->type == MEMORY_TYPE_NORMAL ? 0 : SLOT_FIXED_TYPE;
	return add_entries(space, va, order, count, kind->held ? arch_entry_hold(entry) : entry, flags);
}

enum status mapdb_add_root(struct space *space, uint64_t va, uint64_t physical, unsigned order,
			   unsigned rights, enum memory_type type, bool held)
{
	if (!root_range_is_good(va, physical, order)) {
		return STATUS_BAD_RANGE;
	}
	struct root_kind kind = {rights, type, held};
	return add_roots(space, va, physical, order, 1, &kind);
}

/* The largest order that fits the start of a range, at both addresses. */
static unsigned order_for(uint64_t va, uint64_t physical, uint64_t size)
{
	for (unsigned order = ORDER_GIANT; order > ORDER_PAGE; order -= ORDER_STEP) {
		if (((va | physical) & order_mask(order)) == 0 && size >= 1ul << order) {
			return order;
		}
	}
	return ORDER_PAGE;
}

enum status mapdb_add_root_range(struct space *space, uint64_t va, uint64_t physical, uint64_t size,
				 const struct root_kind *kind)
{
	enum status status = (size & order_mask(ORDER_PAGE)) == 0 ? STATUS_OK : STATUS_BAD_RANGE;
	while (size != 0 && status == STATUS_OK) {
		unsigned order = order_for(va, physical, size);
		uint64_t in_table = ARCH_ENTRIES - part_index(va, order), fit = size >> order;
		unsigned count = (unsigned)(fit < in_table ? fit : in_table);
		status = root_range_is_good(va, physical, order)
				 ? add_roots(space, va, physical, order, count, kind)
				 : STATUS_BAD_RANGE;
		va += (uint64_t)count << order;
		physical += (uint64_t)count << order;
		size -= (uint64_t)count << order;
	}
	return status;
}

enum status mapdb_add_kernel(struct space *space, uint64_t va, uint64_t physical, unsigned rights)
{
	if (!root_range_is_good(va, physical, ORDER_PAGE)) {
		return STATUS_BAD_RANGE;
	}
	uint64_t entry = arch_entry_leaf(physical, ARCH_LEVEL_LAST, rights, MEMORY_TYPE_NORMAL, 0);
	return add_entry(space, va, ORDER_PAGE, arch_entry_make_kernel(entry), 0);
}

void mapdb_remove_kernel(struct space *space, uint64_t va)
{
	struct leaf leaf;
	if (!space_find(space, va, &leaf) || !arch_entry_is_kernel(leaf.value)) {
		return;
	}
	struct batch batch = {0};
	arch_entry_store(leaf.entry, ARCH_ENTRY_BROKEN);
	batch_add(&batch, leaf.entry);
	batch_flush(&batch);
	batch_release(&batch, false);
}

bool mapdb_lookup(struct space *space, uint64_t va, uint64_t *physical, unsigned *order,
		  unsigned *rights)
{
	struct leaf leaf;
	if (va >= USER_END || !space_find(space, va, &leaf)) {
		return false;
	}
	*physical = arch_entry_physical(leaf.value);
	*order = leaf.order;
	*rights = arch_entry_rights(leaf.value);
	return true;
}

/* Faults that need no message. */

static unsigned rights_of_access(enum fault_access access)
{
	switch (access) {
	case FAULT_WRITE:
		return PAGE_WRITE;
	case FAULT_EXECUTE:
		return PAGE_EXECUTE;
	case FAULT_READ:
		break;
	}
	return PAGE_READ;
}

bool mapdb_repair(struct space *space, uint64_t va, enum fault_access access)
{
	struct leaf leaf;
	unsigned rights = rights_of_access(access);
	if (va >= USER_END) {
		return false;
	}
	if (!space_find(space, va, &leaf) || !arch_entry_is_valid(leaf.value) ||
	    !arch_entry_may(leaf.value, rights)) {
		return false;
	}
	if (!arch_entry_can(leaf.value, rights)) {
		uint64_t uses =
			ARCH_ENTRY_REFERENCED | (access == FAULT_WRITE ? ARCH_ENTRY_DIRTY : 0);
		/* Lost: whatever it is now, the access tries again. */
		(void)arch_entry_swap(leaf.entry, leaf.value, arch_entry_know(leaf.value, uses));
	}
	/* An entry without AF is not kept in a TLB, but one without the right to write is. */
	arch_tlb_page_here(space->asid, va);
	return true;
}
