/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The items of a message: memory and capabilities that go along. All are checked, then everything that can fail for lack of
 * memory is prepared, then all are committed.
 */
#include "ipc.h"
#include "mapdb.h"
#include "panic.h"
#include "task.h"

#include <stddef.h>

/* Of all items of a message: bounds the time with interrupts masked. A mapping that is handed over is as much work as several that are
 * made. */
#define MAPPINGS_MAX   64
#define GRANT_WEIGHT   4
#define GRANT_CHILDREN 64 /* of all that a message hands over */

#define USER_END (1ul << 48)

/* An item, copied once from the sender's UTCB: its owner may change that meanwhile. */
struct item {
	uint64_t page, place;
	struct capability *source, *slot; /* of a capability; slot is NULL if it is unwrapped */
	unsigned first, end;              /* of memory: its mappings */
};

struct items {
	struct thread *sender;
	const struct destination *to;
	unsigned count;
	unsigned mappings, weight;
	struct item list[MESSAGE_ITEMS];
	struct map_request requests[MAPPINGS_MAX + 1]; /* and the one that is too much */
};

static bool is_memory(const struct item *item)
{
	return (item->page & ITEM_KIND_MASK) == ITEM_MEMORY;
}

static bool is_in_window(struct window window, uint64_t offset, uint64_t size)
{
	return offset <= window.size && size <= window.size - offset;
}

static void read_item(const struct thread *sender, unsigned index, struct item *item)
{
	const struct message_item *from = &sender->utcb->items[index];
	item->page = __atomic_load_n(&from->page, __ATOMIC_RELAXED);
	item->place = __atomic_load_n(&from->place, __ATOMIC_RELAXED);
	item->slot = NULL;
}

/* ---- memory ---- */

static enum status check_memory(const struct item *item, const struct destination *to)
{
	unsigned order = ITEM_ORDER(item->page), rights = (unsigned)(item->page & PAGE_RIGHTS);
	uint64_t address = ITEM_ADDRESS(item->page), offset = ITEM_ADDRESS(item->place);
	if (order < 12 || order > 47 || rights == 0 || (item->page & 8) != 0 ||
	    (item->place & 0xfff & ~ITEM_FLAGS) != 0) {
		return STATUS_BAD_ARGUMENT;
	}
	uint64_t size = 1ul << order;
	if ((address & (size - 1)) != 0 || address >= USER_END || address + size > USER_END) {
		return STATUS_BAD_RANGE;
	}
	/* The window is the receiver's word: it may be anything. */
	uint64_t begin, end;
	if (!is_in_window(to->memory, offset, size) || (to->memory.base & 0xfff) != 0 ||
	    __builtin_add_overflow(to->memory.base, offset, &begin) ||
	    __builtin_add_overflow(begin, size, &end) || end > USER_END) {
		return STATUS_WINDOW;
	}
	return STATUS_OK;
}

/* What mapdb_plan() and mapdb_prepare() set is left as it is: there may be 64 of these. */
static void make_request(const struct items *items, const struct item *item, uint64_t done,
			 struct map_request *request)
{
	const struct destination *to = items->to;
	request->src = &items->sender->task->space;
	request->src_va = ITEM_ADDRESS(item->page) + done;
	request->dst = &to->task->space;
	request->dst_va = to->memory.base + ITEM_ADDRESS(item->place) + done;
	request->rights = (unsigned)(item->page & PAGE_RIGHTS) & to->rights;
	request->track = (item->place & ITEM_TRACK) != 0;
	request->grant = (item->place & ITEM_GRANT) != 0;
	request->referenced = to->fault;
	request->born_written = to->fault_write;
}

/* How many mappings are looked for between two looks for interrupts. */
#define PLAN_MAX 16

/* Cuts an item into mappings of the largest sizes that fit. */
static enum status plan_memory(struct items *items, struct item *item)
{
	uint64_t size = 1ul << ITEM_ORDER(item->page);
	item->first = items->mappings;
	for (uint64_t done = 0; done < size;) {
		struct map_request *request = &items->requests[items->mappings];
		make_request(items, item, done, request);
		if (request->rights == 0) {
			return STATUS_WINDOW;
		}
		if (!mapdb_plan(request, size - done)) {
			return STATUS_NOT_MAPPED;
		}
		items->weight += request->grant ? GRANT_WEIGHT : 1;
		if (items->weight > MAPPINGS_MAX) {
			return STATUS_TOO_LARGE;
		}
		items->mappings++;
		done += 1ul << request->order;
		if (items->mappings % PLAN_MAX == 0 && preempt_pending()) {
			return RESTART; /* nothing has happened yet */
		}
	}
	item->end = items->mappings;
	return STATUS_OK;
}

/* REPLACE: what is at the destination goes first. RESTART: an interrupt is pending. */
static enum status clear_destination(const struct items *items, const struct item *item)
{
	struct unmap_report report = {0};
	uint64_t va = items->to->memory.base + ITEM_ADDRESS(item->place);
	struct space *space = &items->to->task->space;
	if (mapdb_unmap(space, va, 1ul << ITEM_ORDER(item->page), true, 0, &report)) {
		return STATUS_OK;
	}
	mapdb_unmap_abandon(space, &report); /* the message is sent again, and finds less to remove */
	return RESTART;
}

/* ---- capabilities ---- */

static bool is_receivers_own(const struct capability *source, const struct destination *to)
{
	const struct object *object = cap_object(source);
	return object->kind == OBJECT_GATE && ((const struct gate *)object)->task == to->task;
}

static enum status check_capability(const struct items *items, struct item *item)
{
	uint64_t offset = item->place >> 12;
	if ((item->page & 0xfcf) != 0 || (item->place & 0xfff & ~(uint64_t)RIGHTS_ALL) != 0) {
		return STATUS_BAD_ARGUMENT;
	}
	item->source = cap_lookup(&items->sender->task->caps, item->page >> 12);
	if (item->source == NULL) {
		return STATUS_NOT_FOUND;
	}
	if ((cap_rights(item->source) & RIGHT_SEND) == 0) {
		return STATUS_NO_RIGHT;
	}
	if (is_receivers_own(item->source, items->to)) {
		return STATUS_OK;
	}
	if (!is_in_window(items->to->capabilities, offset, 1)) {
		return STATUS_WINDOW;
	}
	return STATUS_OK;
}

static enum status prepare_capability(const struct items *items, struct item *item)
{
	if (is_receivers_own(item->source, items->to)) {
		return STATUS_OK;
	}
	enum status status = cap_slot(&items->to->task->caps,
				      items->to->capabilities.base + (item->place >> 12), &item->slot);
	if (status == STATUS_BAD_ARGUMENT) {
		return STATUS_WINDOW; /* the window leaves the table */
	}
	return status == STATUS_QUOTA ? STATUS_KERNEL_QUOTA : status;
}

/* ---- the three steps ---- */

static __attribute__((noinline)) enum status check_all(struct items *items)
{
	for (unsigned i = 0; i < items->count; i++) {
		struct item *item = &items->list[i];
		read_item(items->sender, i, item);
		enum status status = STATUS_BAD_ARGUMENT;
		if (is_memory(item)) {
			status = check_memory(item, items->to);
			if (status == STATUS_OK) {
				status = plan_memory(items, item);
			}
		} else if ((item->page & ITEM_KIND_MASK) == ITEM_CAPABILITY) {
			status = check_capability(items, item);
		}
		if (status != STATUS_OK) {
			return status;
		}
	}
	return STATUS_OK;
}

/* A message of one mapping has nothing that could be half done: its commit may still refuse. */
static bool is_single(const struct items *items)
{
	return items->count == 1 && items->mappings == 1;
}

static void unprepare_requests(struct items *items, unsigned count)
{
	while (count-- > 0) {
		mapdb_unprepare(&items->requests[count]);
	}
}

/* An interrupt: what was made stays where it is, so that the message comes further when it is sent again. */
static enum status postpone_requests(struct items *items, unsigned count)
{
	while (count-- > 0) {
		mapdb_postpone(&items->requests[count]);
	}
	return RESTART;
}

static enum status prepare_requests(struct items *items)
{
	for (unsigned i = 0; i < items->mappings; i++) {
		enum status status = mapdb_prepare(&items->requests[i]);
		if (status != STATUS_OK) {
			unprepare_requests(items, i);
			return status;
		}
		if (i + 1 < items->mappings && preempt_pending()) {
			return postpone_requests(items, i + 1);
		}
	}
	unsigned children = 0;
	for (unsigned i = 0; i < items->mappings && !is_single(items); i++) {
		struct map_request *request = &items->requests[i];
		enum status status = mapdb_foresee(request);
		children += request->grant && status == STATUS_OK ? request->children : 0;
		status = children > GRANT_CHILDREN ? STATUS_GRANT_BUSY : status;
		if (status != STATUS_OK) {
			unprepare_requests(items, items->mappings);
			return status;
		}
		if (preempt_pending()) {
			return postpone_requests(items, items->mappings);
		}
	}
	return STATUS_OK;
}

static __attribute__((noinline)) enum status prepare_all(struct items *items)
{
	for (unsigned i = 0; i < items->count; i++) {
		struct item *item = &items->list[i];
		enum status status = STATUS_OK;
		if (!is_memory(item)) {
			status = prepare_capability(items, item);
		} else if ((item->place & ITEM_REPLACE) != 0) {
			status = clear_destination(items, item);
		}
		if (status == STATUS_OK && i + 1 < items->count && preempt_pending()) {
			status = RESTART; /* the pages of the table that were made stay */
		}
		if (status != STATUS_OK) {
			return status;
		}
	}
	return prepare_requests(items);
}

static void tell(const struct items *items, unsigned index, uint64_t page, uint64_t place)
{
	if (items->to->utcb != NULL) {
		items->to->utcb->items[index] = (struct message_item){page, place};
	}
}

static void commit_capability(const struct items *items, unsigned index)
{
	const struct item *item = &items->list[index];
	if (item->slot == NULL) {
		tell(items, index, RECEIVED_BADGE | (uint64_t)cap_rights(item->source) << 8, item->source->badge);
	} else if (item->slot->word != 0) {
		tell(items, index, RECEIVED_NOTHING, 0); /* two items for one slot: the first has it */
	} else {
		cap_derive(item->source, item->slot, (unsigned)item->place & 0xff, 0);
		tell(items, index, RECEIVED_CAPABILITY,
		     items->to->capabilities.base + (item->place >> 12));
	}
}

/* Makes the mappings of an item; OK if there is one at least. One whose source went, or whose place was filled by another item or core,
 * since it was prepared is left out, as if it had been revoked a moment later. */
static enum status commit_memory(struct items *items, unsigned index)
{
	const struct item *item = &items->list[index];
	struct map_request *request = &items->requests[item->first];
	enum status result = mapdb_map(request);
	for (unsigned more = item->end - item->first - 1; more != 0; more--) {
		enum status status = mapdb_map(++request);
		result = status == STATUS_OK ? status : result;
	}
	if (result == STATUS_OK) {
		tell(items, index, RECEIVED_MEMORY, items->to->memory.base + ITEM_ADDRESS(item->place));
	} else {
		tell(items, index, RECEIVED_NOTHING, 0);
	}
	return result;
}

/* Whatever was prepared happens now. */
static __attribute__((noinline)) enum status commit_all(struct items *items)
{
	enum status status = STATUS_OK;
	for (unsigned i = 0; i < items->count; i++) {
		if (is_memory(&items->list[i])) {
			status = commit_memory(items, i);
		} else {
			commit_capability(items, i);
		}
	}
	if (items->mappings != 0) {
		mapdb_publish();
	}
	return is_single(items) ? status : STATUS_OK;
}

enum status ipc_move_items(struct thread *sender, unsigned count, const struct destination *to)
{
	/* Not on the stack, which is small; a message is moved at a time per core. */
	static struct items per_core[ARCH_CORES_MAX];
	struct items *items = &per_core[arch_core_number()];
	items->sender = sender;
	items->to = to;
	items->count = count;
	items->mappings = 0;
	items->weight = 0;
	enum status status = check_all(items);
	if (status == STATUS_OK) {
		status = prepare_all(items);
	}
	return status == STATUS_OK ? commit_all(items) : status;
}
