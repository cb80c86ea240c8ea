/* SPDX-License-Identifier: BSD-2-Clause */
#include "factory.h"

#include "gate.h"
#include "irq.h"
#include "mapdb.h"
#include "page_alloc.h"
#include "panic.h"
#include "task.h"
#include "thread.h"

#include <stddef.h>
#include <string.h>

struct factory root_factory;

/*
 * A page of a slab holds objects of one kind side by side. Its descriptor:
 *   a  the factory         b  the first free place, which points to the next
 *   c  places in use       d  the kind
 *   e  next partial page   f  previous partial page (numbers; a full page is in no list)
 */
static const size_t object_sizes[OBJECT_KINDS] = {
	[OBJECT_TASK] = sizeof(struct task),
	[OBJECT_THREAD] = sizeof(struct thread),
	[OBJECT_GATE] = sizeof(struct gate),
	[OBJECT_IRQ] = sizeof(struct irq),
	[OBJECT_FACTORY] = sizeof(struct factory),
};

_Static_assert(sizeof(struct thread) <= PAGE_BYTES && sizeof(struct gate) <= PAGE_BYTES, "objects fit a page");

/* Objects begin on cache lines: gates need it, and capabilities inside of threads need half of it. */
static size_t place_size(enum object_kind kind)
{
	return (object_sizes[kind] + 63) & ~63ul;
}

static uint32_t page_number(const void *page)
{
	return page_number_of(page, 12);
}

static void list_page(struct slab *slab, void *page)
{
	struct page *descriptor = page_descriptor(page);
	descriptor->e = slab->first_partial;
	descriptor->f = 0;
	if (slab->first_partial != 0) {
		page_descriptor(page_at_number(slab->first_partial, 12))->f = page_number(page);
	}
	slab->first_partial = page_number(page);
}

static void unlist_page(struct slab *slab, void *page)
{
	struct page *descriptor = page_descriptor(page);
	if (descriptor->f != 0) {
		page_descriptor(page_at_number(descriptor->f, 12))->e = descriptor->e;
	} else {
		slab->first_partial = descriptor->e;
	}
	if (descriptor->e != 0) {
		page_descriptor(page_at_number(descriptor->e, 12))->f = descriptor->f;
	}
}

/* Chains all places of a new page. */
static void fill_free_list(void *page, size_t size)
{
	uint64_t next = 0;
	for (size_t place = PAGE_BYTES / size; place-- > 0;) {
		uint64_t *free_place = (uint64_t *)((char *)page + place * size);
		*free_place = next;
		next = (uint64_t)free_place;
	}
	page_descriptor(page)->b = next;
}

static bool slab_grow(struct factory *factory, enum object_kind kind)
{
	if (!quota_charge(&factory->quota, PAGE_BYTES)) {
		return false;
	}
	void *page = page_alloc();
	if (page == NULL) {
		quota_refund(&factory->quota, PAGE_BYTES);
		return false;
	}
	struct page *descriptor = page_descriptor(page);
	descriptor->a = (uint64_t)factory;
	descriptor->c = 0;
	descriptor->d = kind;
	fill_free_list(page, place_size(kind));
	list_page(&factory->slabs[kind], page);
	return true;
}

void *factory_alloc(struct factory *factory, enum object_kind kind)
{
	struct slab *slab = &factory->slabs[kind];
	if (slab->first_partial == 0 && !slab_grow(factory, kind)) {
		return NULL;
	}
	void *page = page_at_number(slab->first_partial, 12);
	struct page *descriptor = page_descriptor(page);
	struct object *object = (struct object *)descriptor->b;
	descriptor->b = *(uint64_t *)object;
	descriptor->c++;
	if (descriptor->b == 0) {
		unlist_page(slab, page);
	}
	memset(object, 0, object_sizes[kind]);
	object->kind = (uint8_t)kind;
	object->factory = factory;
	TAILQ_INSERT_TAIL(&factory->objects, object, of_factory);
	return object;
}

static void slab_free(struct object *object)
{
	void *page = (void *)((uint64_t)object & ~(PAGE_BYTES - 1));
	struct page *descriptor = page_descriptor(page);
	struct factory *factory = (struct factory *)descriptor->a;
	struct slab *slab = &factory->slabs[descriptor->d];
	bool was_full = descriptor->b == 0;
	*(uint64_t *)object = descriptor->b;
	descriptor->b = (uint64_t)object;
	descriptor->c--;
	if (was_full) {
		list_page(slab, page);
	}
	if (descriptor->c == 0) {
		unlist_page(slab, page);
		page_free(page);
		quota_refund(&factory->quota, PAGE_BYTES);
	}
}

void factory_free(struct object *object)
{
	TAILQ_REMOVE(&object->factory->objects, object, of_factory);
	slab_free(object);
}

static void free_object_of(struct round_item *item)
{
	slab_free((struct object *)((char *)item - offsetof(struct object, round)));
}

void factory_free_after_round(struct object *object)
{
	TAILQ_REMOVE(&object->factory->objects, object, of_factory);
	round_defer(&object->round, free_object_of);
}

void factory_init_root(void)
{
	root_factory.object.kind = OBJECT_FACTORY;
	root_factory.quota = (struct quota){page_pool_free(), 0};
	TAILQ_INIT(&root_factory.objects);
}

enum status factory_create(struct factory *factory, uint64_t limit, struct factory **result)
{
	if (limit % PAGE_BYTES != 0) {
		return STATUS_BAD_ARGUMENT;
	}
	if (!quota_charge(&factory->quota, limit)) {
		return STATUS_QUOTA;
	}
	struct factory *child = factory_alloc(factory, OBJECT_FACTORY);
	if (child == NULL) {
		quota_refund(&factory->quota, limit);
		return STATUS_QUOTA;
	}
	child->quota = (struct quota){limit, 0};
	TAILQ_INIT(&child->objects);
	*result = child;
	return STATUS_OK;
}

/* The round that frees its last objects ends before the factory's own memory goes: items are freed in the order in which
 * they were deferred. So what it used is back in its quota, and its limit back in its maker's, by then. */
static void refund_limit(struct factory *factory)
{
	quota_refund(&factory->object.factory->quota, factory->quota.limit);
}

bool factory_destroy(struct factory *factory)
{
	struct object *object = TAILQ_FIRST(&factory->objects);
	if (object != NULL) {
		if (object->on_stack) {
			object_finish_after(&factory->object, object);
			return false;
		}
		(void)object_destroy_first(object);
		return false; /* it goes first, and takes itself off the list */
	}
	refund_limit(factory);
	return true;
}

enum status factory_set_limit(struct factory *factory, struct factory *child, uint64_t limit)
{
	if (limit % PAGE_BYTES != 0) {
		return STATUS_BAD_ARGUMENT;
	}
	if (child->object.factory != factory) {
		return STATUS_WRONG_OBJECT;
	}
	if (limit < child->quota.used) {
		return STATUS_BUSY;
	}
	if (limit > child->quota.limit) {
		if (!quota_charge(&factory->quota, limit - child->quota.limit)) {
			return STATUS_QUOTA;
		}
	} else {
		quota_refund(&factory->quota, child->quota.limit - limit);
	}
	child->quota.limit = limit;
	return STATUS_OK;
}

/* What the factory gains, those above it have given to it. */
void factory_feed(struct factory *factory, uint64_t bytes)
{
	__atomic_fetch_add(&factory->quota.limit, bytes, __ATOMIC_RELAXED);
	for (struct factory *above = factory->object.factory; above != NULL; above = above->object.factory) {
		__atomic_fetch_add(&above->quota.limit, bytes, __ATOMIC_RELAXED);
		__atomic_fetch_add(&above->quota.used, bytes, __ATOMIC_RELAXED);
	}
}
