/* SPDX-License-Identifier: BSD-2-Clause */
#include "cap.h"

#include "cpu.h"
#include "ipc.h"
#include "mapdb.h"
#include "page_alloc.h"
#include "panic.h"
#include "quota.h"
#include "spinlock.h"

#include <stddef.h>

#define CAPS_PER_PAGE   (PAGE_BYTES / sizeof(struct capability))
#define PAGES_PER_TABLE (CAP_INDEX_LIMIT / CAPS_PER_PAGE)

#define CAP_NUMBER_SHIFT 5

_Static_assert(PAGES_PER_TABLE * sizeof(void *) == PAGE_BYTES, "the table's first level is a page");

static struct spinlock derivation;

static uint32_t number_of(const struct capability *capability)
{
	return page_number_of(capability, CAP_NUMBER_SHIFT);
}

static struct capability *at_number(uint32_t number)
{
	return number == 0 ? NULL : page_at_number(number, CAP_NUMBER_SHIFT);
}

static void *charged_page(struct quota *quota)
{
	if (!quota_charge(quota, PAGE_BYTES)) {
		return NULL;
	}
	void *page = page_alloc();
	if (page == NULL) {
		quota_refund(quota, PAGE_BYTES);
	}
	return page;
}

enum status cap_table_init(struct cap_table *table, struct quota *quota)
{
	table->quota = quota;
	table->pages = charged_page(quota);
	return table->pages == NULL ? STATUS_QUOTA : STATUS_OK;
}

/* An index that is out of bounds becomes 0 also for a core that speculates past the comparison. */
static uint64_t clamp_index(uint64_t index)
{
	uint64_t in_bounds = (uint64_t)((int64_t)(index - CAP_INDEX_LIMIT) >> 63);
	uint64_t not_negative = ~(uint64_t)((int64_t)index >> 63);
	return index & in_bounds & not_negative;
}

struct capability *cap_lookup(const struct cap_table *table, uint64_t index)
{
	uint64_t clamped = clamp_index(index);
	struct capability *page = table->pages[clamped / CAPS_PER_PAGE];
	if (page == NULL || clamped == 0) {
		return NULL;
	}
	struct capability *capability = &page[clamped % CAPS_PER_PAGE];
	return capability->word == 0 ? NULL : capability;
}

enum status cap_slot(struct cap_table *table, uint64_t index, struct capability **slot)
{
	if (index == 0 || index >= CAP_INDEX_LIMIT) {
		return STATUS_BAD_ARGUMENT;
	}
	struct capability **page = &table->pages[clamp_index(index) / CAPS_PER_PAGE];
	if (*page == NULL) {
		*page = charged_page(table->quota);
		if (*page == NULL) {
			return STATUS_QUOTA;
		}
	}
	*slot = &(*page)[index % CAPS_PER_PAGE];
	return (*slot)->word == 0 ? STATUS_OK : STATUS_SLOT_TAKEN;
}

static uint64_t make_word(const struct object *object, unsigned rights)
{
	return ((uint64_t)object & ~(0xfffful << 48)) | (uint64_t)(rights & RIGHTS_ALL) << 48;
}

void cap_make_original(struct capability *slot, struct object *object, unsigned rights)
{
	slot->badge = 0;
	slot->word = make_word(object, rights);
	object->original = slot;
}

static void link_child(struct capability *parent, struct capability *child)
{
	struct capability *old_first = at_number(parent->first_child);
	child->parent = number_of(parent);
	child->prev = 0;
	child->next = parent->first_child;
	if (old_first != NULL) {
		old_first->prev = number_of(child);
	}
	parent->first_child = number_of(child);
}

static void unlink_child(struct capability *child)
{
	struct capability *parent = at_number(child->parent);
	struct capability *prev = at_number(child->prev), *next = at_number(child->next);
	if (prev != NULL) {
		prev->next = child->next;
	} else if (parent != NULL) {
		parent->first_child = child->next;
	}
	if (next != NULL) {
		next->prev = child->prev;
	}
}

void cap_derive(struct capability *parent, struct capability *slot, unsigned rights, uint64_t badge)
{
	spinlock_lock(&derivation);
	slot->badge = badge != 0 ? badge : parent->badge;
	slot->word = make_word(cap_object(parent), rights & cap_rights(parent));
	link_child(parent, slot);
	spinlock_unlock(&derivation);
}

static void adopt_children(struct capability *from, struct capability *to)
{
	for (struct capability *child = at_number(from->first_child); child != NULL;
	     child = at_number(child->next)) {
		child->parent = number_of(to);
	}
}

#define MOVE_CHILDREN_MAX 64

static bool has_many_children(const struct capability *capability)
{
	unsigned count = 0;
	for (const struct capability *child = at_number(capability->first_child); child != NULL;
	     child = at_number(child->next)) {
		if (++count > MOVE_CHILDREN_MAX) {
			return true;
		}
	}
	return false;
}

bool cap_move(struct capability *from, struct capability *to)
{
	spinlock_lock(&derivation);
	if (has_many_children(from)) {
		spinlock_unlock(&derivation);
		return false;
	}
	*to = *from;
	adopt_children(from, to);
	struct capability *prev = at_number(to->prev), *next = at_number(to->next);
	struct capability *parent = at_number(to->parent);
	if (prev != NULL) {
		prev->next = number_of(to);
	} else if (parent != NULL) {
		parent->first_child = number_of(to);
	}
	if (next != NULL) {
		next->prev = number_of(to);
	}
	if (parent == NULL) {
		cap_object(to)->original = to;
	}
	*from = (struct capability){0};
	spinlock_unlock(&derivation);
	ipc_move_capability(from, to);
	return true;
}

/* Empties a derived capability that has no children. */
static void remove_leaf(struct capability *leaf)
{
	CHECK(leaf->parent != 0 && leaf->first_child == 0);
	ipc_sweep_capability(this_cpu(), leaf);
	spinlock_lock(&derivation);
	unlink_child(leaf);
	*leaf = (struct capability){0};
	spinlock_unlock(&derivation);
}

/* From each leaf it goes on at the parent, not at the top: a chain may be as long as a table. */
bool cap_revoke(struct capability *capability)
{
	struct capability *at = capability;
	while (capability->first_child != 0) {
		while (at->first_child != 0) {
			at = at_number(at->first_child);
		}
		struct capability *leaf = at;
		at = at_number(leaf->parent);
		remove_leaf(leaf);
		if (preempt_pending()) {
			return capability->first_child == 0;
		}
	}
	return true;
}

bool cap_delete(struct capability *capability)
{
	if (capability->parent == 0) {
		return object_destroy(cap_object(capability));
	}
	if (!cap_revoke(capability)) {
		return false;
	}
	remove_leaf(capability);
	return true;
}

/* The kernel's own objects stay, though nobody can reach them any more. */
static bool abandon_original(struct capability *capability)
{
	if (!cap_revoke(capability)) {
		return false;
	}
	cap_object(capability)->original = NULL;
	*capability = (struct capability){0};
	return true;
}

/* An original's object goes before the table does. */
static bool empty_slot(struct capability *capability)
{
	if (capability->parent != 0) {
		return cap_delete(capability);
	}
	if (cap_object(capability)->factory == NULL) {
		return abandon_original(capability);
	}
	return object_destroy_first(cap_object(capability));
}

/* Deletes the capabilities of one page of the table. */
static bool empty_page(struct capability *page)
{
	for (size_t i = 0; i < CAPS_PER_PAGE; i++) {
		if (page[i].word != 0 && !empty_slot(&page[i])) {
			return false;
		}
	}
	return true;
}

bool cap_table_destroy(struct cap_table *table)
{
	if (table->pages == NULL) {
		return true;
	}
	for (size_t i = 0; i < PAGES_PER_TABLE; i++) {
		if (table->pages[i] == NULL) {
			continue;
		}
		if (!empty_page(table->pages[i])) {
			return false;
		}
		page_free(table->pages[i]);
		quota_refund(table->quota, PAGE_BYTES);
		table->pages[i] = NULL;
	}
	page_free(table->pages);
	quota_refund(table->quota, PAGE_BYTES);
	table->pages = NULL;
	return true;
}
