/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations against a naive model: a list of mappings, each with its parent. After each operation the mapping
 * database must hold exactly what the list holds, its invariants, and the accounts; in the end every byte is back.
 *
 *   mapdb_model [--operations N] [--seed N] [--check-every N]
 *
 * Addresses and frames are few, so that operations meet; some quotas are so small that they often run out.
 */
#include "machine.h"

#include <kern/entry.h>
#include <kern/panic.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACES    5
#define POOR      3 /* from here on, spaces have a small quota */
#define MODEL_MAX 6000
#define GIB       0x40000000ul
#define MIB2      0x200000ul

/* Frames and addresses in use: two GiB, of each three blocks of 2 MiB, of each four pages. */
#define GIANTS 2
#define BLOCKS 3
#define PAGES  4
#define PLACES (GIANTS * BLOCKS * PAGES)

static const uint64_t block_numbers[BLOCKS] = {0, 1, 511};
static const uint64_t page_numbers[PAGES] = {0, 1, 2, 511};

enum use { USE_REF = 1, USE_DIRTY = 2 };

struct mapping {
	struct mapping *parent; /* NULL: root */
	bool used;
	unsigned space, order, rights, depth;
	uint64_t va, frame;
	enum memory_type type;
	bool held, tracked;
	/* What an age or unmap of this mapping still has to report, by page: its own uses, and those below. And what it may report. */
	unsigned char own[PLACES], below[PLACES];
	unsigned char maybe;
};

static struct mapping list[MODEL_MAX];
static unsigned list_used; /* no used one from here on */
static struct space spaces[SPACES];
static struct quota quotas[SPACES];
static uint64_t start_free;
static uint64_t step;

#define EXPECT(condition)                                                                     \
	do {                                                                                  \
		if (!(condition)) {                                                           \
			panic("step %lu: line %d: %s is not so", step, __LINE__, #condition); \
		}                                                                             \
	} while (0)

/* Places. */

static uint64_t place(unsigned number)
{
	return number / (BLOCKS * PAGES) * GIB + block_numbers[number / PAGES % BLOCKS] * MIB2 +
	       page_numbers[number % PAGES] * PAGE_BYTES;
}

static uint64_t round_down(uint64_t value, unsigned order)
{
	return value >> order << order;
}

static unsigned random_order(void)
{
	static const unsigned orders[] = {12, 12, 12, 12, 21, 21, 30};
	return orders[machine_random(7)];
}

static uint64_t random_va(void)
{
	return GIB + place((unsigned)machine_random(PLACES));
}

/* Usually what the hardware can express: the same offset in frame and address. */
static uint64_t matching_va(uint64_t other, unsigned order)
{
	uint64_t va = machine_random(3) == 0 ? random_va()
					     : GIB + other % GIB + machine_random(GIANTS) * GIB;
	return round_down(va, order);
}

/* The list. */

static struct mapping *new_mapping(void)
{
	unsigned i = 0;
	while (i < list_used && list[i].used) {
		i++;
	}
	if (i == MODEL_MAX) {
		panic("the model is full");
	}
	list_used = i == list_used ? i + 1 : list_used;
	list[i] = (struct mapping){.used = true};
	return &list[i];
}

static uint64_t size_of(const struct mapping *m)
{
	return 1ul << m->order;
}

static struct mapping *at(unsigned space, uint64_t va)
{
	for (unsigned i = 0; i < list_used; i++) {
		if (list[i].used && list[i].space == space && va - list[i].va < size_of(&list[i])) {
			return &list[i];
		}
	}
	return NULL;
}

static bool overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static bool anything_in(unsigned space, uint64_t va, uint64_t size)
{
	for (unsigned i = 0; i < list_used; i++) {
		if (list[i].used && list[i].space == space &&
		    overlaps(va, size, list[i].va, size_of(&list[i]))) {
			return true;
		}
	}
	return false;
}

static bool is_below(const struct mapping *m, const struct mapping *above)
{
	for (; m != NULL; m = m->parent) {
		if (m->parent == above) {
			return true;
		}
	}
	return false;
}

static unsigned children(const struct mapping *m)
{
	unsigned count = 0;
	for (unsigned i = 0; i < list_used; i++) {
		count += list[i].used && list[i].parent == m;
	}
	return count;
}

static struct mapping *random_mapping(void)
{
	for (unsigned tries = 0; tries < 50 && list_used != 0; tries++) {
		struct mapping *m = &list[machine_random(list_used)];
		if (m->used) {
			return m;
		}
	}
	return NULL;
}

/* Uses. */

static void use(struct mapping *m, unsigned page, unsigned char uses)
{
	m->own[page] |= uses;
	m->maybe |= uses;
	for (m = m->parent; m != NULL; m = m->parent) {
		m->below[page] |= uses;
		m->maybe |= uses;
	}
}

static void may_use(struct mapping *m, unsigned char uses)
{
	for (; m != NULL; m = m->parent) {
		m->maybe |= uses;
	}
}

/* What is not tracked counts as used for those above. */
static unsigned char assumed(const struct mapping *m)
{
	return (unsigned char)(m->tracked ? 0 : USE_REF | ((m->rights & PAGE_WRITE) != 0 ? USE_DIRTY : 0));
}

/* Removing from the list. */

static void remove_one(struct mapping *m)
{
	m->used = false;
	while (list_used != 0 && !list[list_used - 1].used) {
		list_used--;
	}
}

static void remove_below(struct mapping *top)
{
	for (unsigned i = 0; i < list_used; i++) {
		if (list[i].used && list[i].parent == top) {
			remove_below(&list[i]);
			remove_one(&list[i]);
		}
	}
}

static void reduce_below(const struct mapping *top, unsigned keep)
{
	for (unsigned i = 0; i < list_used; i++) {
		if (list[i].used && list[i].parent == top) {
			list[i].rights &= keep | PAGE_READ;
			reduce_below(&list[i], keep);
		}
	}
}

/* Comparing. */

static unsigned char uses_in(bool referenced, bool dirty)
{
	return (unsigned char)((referenced ? USE_REF : 0) | (dirty ? USE_DIRTY : 0));
}

static bool is_in(const struct mapping *m, unsigned page, uint64_t va, uint64_t size)
{
	uint64_t offset = RAM_BASE + place(page) - m->frame;
	return offset < size_of(m) && m->va + offset - va < size;
}

/* All that is known of the pages has been reported. */
static void report_all(struct mapping *m, uint64_t va, uint64_t size, unsigned char reported)
{
	for (unsigned page = 0; page < PLACES; page++) {
		if (is_in(m, page, va, size)) {
			EXPECT(((m->own[page] | m->below[page]) & ~reported) == 0);
			m->own[page] = 0;
			m->below[page] = 0;
		}
	}
}

/* What goes below has been reported, if the mapping went as a whole; else some of it may be known of the whole only. */
static void report_below(struct mapping *m, uint64_t va, uint64_t size, unsigned char reported)
{
	bool whole = m->va >= va && m->va + size_of(m) <= va + size;
	for (unsigned page = 0; page < PLACES; page++) {
		if (is_in(m, page, va, size)) {
			EXPECT(!whole || (m->below[page] & ~reported) == 0);
			m->below[page] &= (unsigned char)~reported;
			m->own[page] &= (unsigned char)~reported; /* seen by an age above before */
		}
	}
}

static void compare_mapping(const struct mapping *m)
{
	uint64_t physical;
	unsigned order, rights;
	EXPECT(mapdb_lookup(&spaces[m->space], m->va, &physical, &order, &rights));
	EXPECT(physical == m->frame && order == m->order && rights == m->rights);
	struct leaf leaf;
	EXPECT(space_find(&spaces[m->space], m->va, &leaf));
	EXPECT(arch_entry_type(leaf.value) == m->type && arch_entry_is_held(leaf.value) == m->held);
	EXPECT(((leaf.value & ARCH_ENTRY_TRACKED) != 0) == m->tracked);
	uint32_t parent = slot_parent(slot_of_entry(leaf.entry));
	if (m->parent == NULL) {
		EXPECT(parent == 0);
	} else {
		EXPECT(table_space(table_of(slot_entry(slot_mapping(parent)))) ==
		       &spaces[m->parent->space]);
		EXPECT(entry_va(slot_entry(slot_mapping(parent))) == m->parent->va);
	}
}

static unsigned leaves(const uint64_t *table, unsigned level)
{
	unsigned count = 0;
	for (unsigned i = 0; i < ARCH_ENTRIES; i++) {
		uint64_t value = table[i];
		if (arch_entry_is_table(value, level)) {
			count += leaves(page_direct(arch_entry_physical(value)), level + 1);
		} else {
			count += value != 0;
		}
	}
	return count;
}

static void compare_all(void)
{
	unsigned count = 0, found = 0;
	for (unsigned i = 0; i < list_used; i++) {
		if (list[i].used) {
			count++;
			compare_mapping(&list[i]);
		}
	}
	for (unsigned i = 0; i < SPACES; i++) {
		mapdb_check(&spaces[i]);
		found += leaves(page_direct(spaces[i].root), 0);
	}
	EXPECT(found == count);
	EXPECT(mapdb_big.revokes == 0);
	for (unsigned i = 0; i < REGION_COUNT; i++) {
		EXPECT(mapdb_regions[i].revokes == 0);
	}
}

static uint64_t charged(void)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < SPACES; i++) {
		sum += quotas[i].used;
	}
	return sum;
}

static void operation_done(void)
{
	unsigned every = machine_preempt_every;
	machine_operation_ends();
	machine_preempt_every = 0; /* nothing stays for the next way out of the kernel */
	round_leave_kernel();
	machine_preempt_every = every;
	EXPECT(machine_violations == 0);
	EXPECT(charged() == start_free - page_pool_free());
}

/* Operations. */

static bool out_of_quota(enum status status, unsigned src, unsigned dst)
{
	return (status == STATUS_KERNEL_QUOTA && dst >= POOR) ||
	       (status == STATUS_QUOTA && src >= POOR);
}

static bool can_grant(const struct mapping *src, unsigned rights)
{
	if (children(src) > 64) {
		return false;
	}
	for (unsigned i = 0; i < list_used; i++) {
		if (list[i].used && list[i].parent == src &&
		    (list[i].order != src->order || (list[i].rights & ~rights) != 0)) {
			return false;
		}
	}
	return true;
}

/* What mapping should say, and to do then. */
static enum status expected_map(const struct map_request *request, unsigned dst,
				struct mapping *src, struct mapping *old, unsigned rights)
{
	uint64_t size = 1ul << request->order;
	if (old != NULL && old->order > request->order) {
		return STATUS_OVERMAP;
	}
	if (src == NULL || src->order < request->order) {
		return STATUS_NOT_MAPPED;
	}
	if (request->grant && src->order != request->order) {
		return STATUS_SPLIT_FIRST;
	}
	uint64_t frame = src->frame + (request->src_va - src->va);
	if (old != NULL && old->order == request->order) {
		bool same =
			old->frame == frame && old->parent == src && !request->grant && !old->held;
		bool less = (old->rights & ~rights) != 0;
		return same && !(less && children(old) != 0) ? STATUS_OK : STATUS_OVERMAP;
	}
	if (anything_in(dst, request->dst_va, size)) {
		return STATUS_OVERMAP;
	}
	if (request->grant) {
		return can_grant(src, rights) ? STATUS_OK : STATUS_GRANT_BUSY;
	}
	return src->depth == 15 ? STATUS_TOO_DEEP : STATUS_OK;
}

static void model_grant(const struct map_request *request, unsigned dst, struct mapping *src,
			unsigned rights)
{
	src->space = dst;
	src->va = request->dst_va;
	src->rights = rights;
	if (request->track && !src->tracked) {
		src->tracked = true;
		may_use(src, USE_REF | USE_DIRTY); /* what it did untracked may be known */
	}
}

static void model_map(const struct map_request *request, unsigned dst, struct mapping *src,
		      unsigned rights)
{
	struct mapping *m = new_mapping();
	m->parent = src;
	m->space = dst;
	m->order = request->order;
	m->rights = rights;
	m->depth = src->depth + 1;
	m->va = request->dst_va;
	m->frame = src->frame + (request->src_va - src->va);
	m->type = src->type;
	m->tracked = src->tracked || request->track;
	may_use(src, assumed(m));
	unsigned char born = (unsigned char)((request->referenced ? USE_REF : 0) |
					     (request->born_written && (rights & PAGE_WRITE) != 0
						      ? USE_REF | USE_DIRTY : 0));
	may_use(m, m->tracked ? born : 0);
	for (unsigned page = 0; m->tracked && page < PLACES; page++) {
		if (RAM_BASE + place(page) - m->frame < size_of(m)) {
			use(m, page, born);
		}
	}
}

static void model_change(const struct map_request *request, struct mapping *old, unsigned rights)
{
	old->rights = rights;
	old->tracked |= request->track || old->parent->tracked;
	old->maybe |= USE_REF | USE_DIRTY; /* what it did untracked may be known */
	may_use(old, USE_REF | USE_DIRTY);
}

static bool self_in_way(const struct map_request *request, unsigned dst, const struct mapping *src)
{
	return request->grant && src != NULL && src->space == dst &&
	       overlaps(src->va, size_of(src), request->dst_va, 1ul << request->order);
}

static void do_map(void)
{
	struct mapping *from = random_mapping();
	unsigned order = random_order();
	unsigned src = from != NULL ? from->space : 0, dst = (unsigned)machine_random(SPACES);
	uint64_t src_va = from != NULL ? from->va : GIB;
	if (from != NULL && order > from->order && machine_random(4) != 0) {
		order = from->order;
	}
	if (from != NULL && from->order > order) {
		src_va = from->va + place((unsigned)machine_random(PLACES)) % size_of(from);
	}
	src_va = round_down(src_va, order);
	struct map_request request = {
		.src = &spaces[src],
		.src_va = src_va,
		.dst = &spaces[dst],
		.dst_va = matching_va(src_va, order),
		.order = order,
		.rights = PAGE_READ | (unsigned)machine_random(8),
		.track = machine_random(2) == 0,
		.grant = machine_random(8) == 0,
		.born_written = machine_random(4) == 0,
		.referenced = machine_random(4) == 0,
	};
	struct mapping *source = at(src, src_va), *old = at(dst, request.dst_va);
	if (src_va < GIB || self_in_way(&request, dst, source)) {
		return;
	}
	unsigned rights = source != NULL ? source->rights & request.rights : 0;
	enum status expected = expected_map(&request, dst, source, old, rights);
	enum status status = mapdb_prepare(&request);
	if (status == STATUS_OK && machine_random(20) == 0) {
		mapdb_unprepare(&request);
		operation_done();
		return;
	}
	if (status == STATUS_OK) {
		status = mapdb_map(&request);
		mapdb_publish();
	}
	operation_done();
	if (out_of_quota(status, src, dst)) {
		return;
	}
	if (status != expected) {
		panic("step %lu: map says %d, not %d", step, status, expected);
	}
	if (status != STATUS_OK) {
		return;
	}
	if (request.grant) {
		model_grant(&request, dst, source, rights);
	} else if (old != NULL && old->order == order) {
		model_change(&request, old, rights);
	} else {
		model_map(&request, dst, source, rights);
	}
}

/* Everything below `m` that overlaps the part of it in the range. */
static void model_revoke_part(struct mapping *m, uint64_t va, uint64_t size, unsigned keep)
{
	uint64_t frame = m->frame + (va - m->va);
	for (unsigned i = 0; i < list_used; i++) {
		struct mapping *child = &list[i];
		if (child->used && child->parent == m &&
		    overlaps(child->frame, size_of(child), frame, size)) {
			if (keep == 0) {
				remove_below(child);
				remove_one(child);
			} else {
				child->rights &= keep | PAGE_READ;
				reduce_below(child, keep);
			}
		}
	}
}

/* The mapping with the lowest address in the range, from `from` on. */
static struct mapping *next_in(unsigned space, uint64_t from, uint64_t end)
{
	struct mapping *next = NULL;
	for (unsigned i = 0; i < list_used; i++) {
		struct mapping *m = &list[i];
		if (m->used && m->space == space && overlaps(from, end - from, m->va, size_of(m)) &&
		    (next == NULL || m->va < next->va)) {
			next = m;
		}
	}
	return next;
}

static void model_unmap_one(struct mapping *m, uint64_t va, uint64_t end, bool self, unsigned keep,
			    unsigned char reported)
{
	uint64_t from = self || m->va > va ? m->va : va;
	uint64_t to = m->va + size_of(m);
	to = self || to < end ? to : end;
	if (keep == 0 && self) {
		report_all(m, from, to - from, reported);
	} else if (keep == 0) {
		report_below(m, from, to - from, reported);
	}
	model_revoke_part(m, from, to - from, keep);
	if (self) {
		m->rights &= keep | PAGE_READ;
	}
	if (self && keep == 0) {
		remove_one(m);
	}
}

static void model_unmap(unsigned space, uint64_t va, uint64_t size, bool self, unsigned keep,
			const struct unmap_report *report)
{
	uint64_t pages = 0, begin = 0, end = 0;
	unsigned char may = 0, reported = uses_in(report->referenced, report->dirty);
	struct mapping *m;
	for (uint64_t from = va;
	     from < va + size && (m = next_in(space, from, va + size)) != NULL;) {
		uint64_t m_size = size_of(m);
		from = m->va + m_size;
		may |= m->maybe;
		if (self) {
			begin = pages == 0 ? m->va : begin;
			end = m->va + m_size;
			pages += m_size / PAGE_BYTES;
		}
		model_unmap_one(m, va, va + size, self, keep, reported);
	}
	EXPECT(report->pages == pages && report->begin == begin && report->end == end);
	EXPECT((reported & ~may) == 0);
}

static void remove_in(unsigned space)
{
	for (unsigned i = 0; i < MODEL_MAX; i++) {
		if (list[i].used && list[i].space == space) {
			remove_below(&list[i]);
			remove_one(&list[i]);
		}
	}
}

static void do_unmap(void)
{
	const struct mapping *m = random_mapping();
	unsigned space =
		m != NULL && machine_random(4) != 0 ? m->space : (unsigned)machine_random(SPACES);
	uint64_t va = m != NULL && machine_random(4) != 0 ? m->va : random_va();
	uint64_t size =
		machine_random(2) != 0 ? 1ul << random_order() : (1 + machine_random(5)) << 12;
	if (m != NULL && m->order > 12 && machine_random(3) == 0) {
		va += place((unsigned)machine_random(PLACES)) % size_of(m);
	}
	if (size == GIB && machine_random(4) != 0) {
		size = PAGE_BYTES;
	}
	bool self = machine_random(3) == 0;
	unsigned keep = machine_random(3) == 0 ? PAGE_READ | (unsigned)machine_random(8) : 0;
	struct unmap_report report = {.pages = 0};
	while (!mapdb_unmap(&spaces[space], va, size, self, keep, &report)) {
		machine_operation_ends();
	}
	operation_done();
	model_unmap(space, va, size, self, keep, &report);
}

static void model_age(struct mapping *m, uint64_t va, unsigned order, unsigned char reported)
{
	if (!overlaps(va, 1ul << order, m->va, size_of(m))) {
		return;
	}
	report_all(m, va, 1ul << order, reported);
	if (m->order == order) {
		EXPECT((reported & ~m->maybe) == 0);
		m->maybe = 0;
		for (unsigned i = 0; i < list_used; i++) {
			m->maybe |= list[i].used && is_below(&list[i], m)
					    ? assumed(&list[i]) | list[i].maybe
					    : 0;
		}
	}
}

static void do_age(void)
{
	const struct mapping *m = random_mapping();
	if (m == NULL) {
		return;
	}
	unsigned order = machine_random(3) == 0 ? random_order() : m->order;
	unsigned count = order == 12 ? 1 + (unsigned)machine_random(6) : 1;
	uint64_t va = round_down(m->va, order);
	unsigned space = m->space;
	struct age_report report = {.referenced = 0};
	while (!mapdb_age(&spaces[space], va, order, count, machine_random(2) == 0, &report)) {
	}
	operation_done();
	for (unsigned i = 0; i < list_used; i++) {
		for (unsigned page = 0; page < count && list[i].space == space && list[i].used;
		     page++) {
			model_age(&list[i], va + ((uint64_t)page << order), order,
				  uses_in(report.referenced >> page & 1, report.dirty >> page & 1));
		}
	}
}

static void do_touch(void)
{
	struct mapping *m = random_mapping();
	unsigned page = (unsigned)machine_random(PLACES);
	if (m == NULL) {
		return;
	}
	uint64_t offset = RAM_BASE + place(page) - m->frame;
	if (offset >= size_of(m)) {
		return;
	}
	enum fault_access access = (enum fault_access)machine_random(3);
	bool both = (m->rights & (PAGE_WRITE | PAGE_EXECUTE)) == (PAGE_WRITE | PAGE_EXECUTE);
	bool allowed = !m->held && (access != FAULT_WRITE || (m->rights & PAGE_WRITE) != 0) &&
		       (access != FAULT_EXECUTE || ((m->rights & PAGE_EXECUTE) != 0 && !both &&
						    m->type != MEMORY_TYPE_DEVICE));
	EXPECT(mapdb_repair(&spaces[m->space], m->va + offset, access) == allowed);
	operation_done();
	if (allowed && m->tracked) {
		use(m, page, access == FAULT_WRITE ? USE_REF | USE_DIRTY : USE_REF);
	}
}

/* What was mapped from `from` belongs to the root mapping at its place now. */
static void adopt(struct mapping *from)
{
	for (unsigned i = 0; i < list_used; i++) {
		if (list[i].used && list[i].parent == from) {
			uint64_t offset = list[i].frame - from->frame;
			struct mapping *parent = at(from->space, from->va + offset);
			list[i].parent = parent;
		}
	}
}

static void do_split(void)
{
	struct mapping *m = random_mapping();
	if (m == NULL || m->order == 12 || list_used > MODEL_MAX - 600) {
		return;
	}
	bool same = false;
	for (unsigned i = 0; i < list_used; i++) {
		same |= list[i].used && list[i].parent == m && list[i].order == m->order;
	}
	enum status expected = m->parent != NULL ? STATUS_NOT_MAPPED
			       : same            ? STATUS_BUSY
						 : STATUS_OK;
	enum status status = mapdb_split(&spaces[m->space], m->va);
	operation_done();
	if (out_of_quota(status, m->space, m->space)) {
		return;
	}
	EXPECT(status == expected);
	if (status != STATUS_OK) {
		return;
	}
	struct mapping whole = *m;
	m->used = false;
	for (uint64_t i = 0; i < ARCH_ENTRIES; i++) {
		struct mapping *part = new_mapping();
		if (part == m) {
			/* Its children must still be told from those of others. */
			part->used = false;
			m->used = true;
			part = new_mapping();
			m->used = false;
		}
		*part = whole;
		part->used = true;
		part->order = whole.order - 9;
		part->va = whole.va + (i << part->order);
		part->frame = whole.frame + (i << part->order);
		for (unsigned page = 0; page < PLACES; page++) {
			if (!is_in(part, page, part->va, size_of(part))) {
				part->own[page] = part->below[page] = 0;
			}
		}
	}
	struct mapping *children_of = m;
	struct mapping shadow = whole;
	for (unsigned i = 0; i < list_used; i++) {
		if (list[i].used && list[i].parent == children_of) {
			list[i].parent = &shadow;
		}
	}
	adopt(&shadow);
}

static bool model_can_join(unsigned space, uint64_t va, unsigned order)
{
	const struct mapping *first = at(space, va);
	if (first == NULL || first->order + 9 != order || first->va != va ||
	    (first->frame & ((1ul << order) - 1)) != 0) {
		return false;
	}
	for (uint64_t i = 0; i < ARCH_ENTRIES; i++) {
		const struct mapping *m = at(space, va + (i << first->order));
		if (m == NULL || m->order != first->order || m->parent != NULL ||
		    m->rights != first->rights || m->type != first->type ||
		    m->held != first->held || m->tracked != first->tracked ||
		    m->frame != first->frame + (i << first->order)) {
			return false;
		}
	}
	return true;
}

static void model_join(unsigned space, uint64_t va, unsigned order)
{
	struct mapping whole = *at(space, va);
	struct mapping *parts[ARCH_ENTRIES];
	memset(whole.own, 0, sizeof(whole.own));
	memset(whole.below, 0, sizeof(whole.below));
	for (uint64_t i = 0; i < ARCH_ENTRIES; i++) {
		parts[i] = at(space, va + (i << whole.order));
		for (unsigned page = 0; page < PLACES; page++) {
			whole.own[page] |= parts[i]->own[page];
			whole.below[page] |= parts[i]->below[page];
		}
		whole.maybe |= parts[i]->maybe;
	}
	whole.order = order;
	struct mapping *joined = new_mapping();
	*joined = whole;
	for (unsigned i = 0; i < ARCH_ENTRIES; i++) {
		for (unsigned j = 0; j < list_used; j++) {
			if (list[j].used && list[j].parent == parts[i]) {
				list[j].parent = joined;
			}
		}
		parts[i]->used = false;
	}
}

static void do_join(void)
{
	const struct mapping *m = random_mapping();
	if (m == NULL || m->order == 30) {
		return;
	}
	unsigned order = m->order + 9, space = m->space;
	uint64_t va = round_down(m->va, order);
	bool can = model_can_join(space, va, order);
	enum status status = mapdb_join(&spaces[space], va, order);
	operation_done();
	if (out_of_quota(status, space, space)) {
		return;
	}
	EXPECT((status == STATUS_OK) == can && (can || status == STATUS_NOT_MAPPED));
	if (can) {
		model_join(space, va, order);
	}
}

static void do_type(void)
{
	struct mapping *m = random_mapping();
	if (m == NULL || m->order != 12) {
		return; /* larger ones: mapdb_test */
	}
	enum memory_type type = (enum memory_type)machine_random(3);
	enum status expected = m->parent != NULL  ? STATUS_NOT_MAPPED
			       : children(m) != 0 ? STATUS_BUSY
						  : STATUS_OK;
	enum status status;
	struct map_position position = {.va = 0};
	while (!mapdb_set_type(&spaces[m->space], m->va, m->order, type, &position, &status)) {
	}
	operation_done();
	EXPECT(status == expected);
	if (status == STATUS_OK) {
		m->type = type;
		m->held = type != MEMORY_TYPE_NORMAL;
	}
}

/* So that there is always something to map: the frames start out, and come back, in space 0. */
static void do_root(void)
{
	unsigned order = random_order();
	uint64_t frame = round_down(RAM_BASE + place((unsigned)machine_random(PLACES)), order);
	uint64_t va = GIB + (frame - RAM_BASE);
	for (unsigned i = 0; i < list_used; i++) {
		if (list[i].used &&
		    overlaps(list[i].frame, size_of(&list[i]), frame, 1ul << order)) {
			return; /* in use: it has a root somewhere */
		}
	}
	bool taken = anything_in(0, va, 1ul << order);
	enum status status =
		mapdb_add_root(&spaces[0], va, frame, order, PAGE_RIGHTS, MEMORY_TYPE_NORMAL, false);
	operation_done();
	EXPECT(status == (taken ? STATUS_OVERMAP : STATUS_OK));
	if (status == STATUS_OK) {
		struct mapping *m = new_mapping();
		m->order = order;
		m->rights = PAGE_RIGHTS;
		m->va = va;
		m->frame = frame;
	}
}

static void destroy(unsigned space)
{
	while (!space_destroy(&spaces[space])) {
		machine_operation_ends();
	}
	operation_done();
	remove_in(space);
	EXPECT(quotas[space].used == 0);
}

static void create(unsigned space)
{
	quotas[space] = (struct quota){
		.limit = space < POOR ? start_free : (3 + machine_random(20)) * PAGE_BYTES};
	EXPECT(space_init(&spaces[space], &quotas[space]) == STATUS_OK);
}

static void do_destroy(void)
{
	if (machine_random(40) == 0) {
		unsigned space = (unsigned)machine_random(SPACES);
		destroy(space);
		create(space);
	}
}

static void one_operation(void)
{
	static void (*const operations[])(void) = {
		do_map,   do_map,   do_map,  do_map,  do_map,     do_map,   do_map,
		do_unmap, do_unmap, do_age,  do_age,  do_touch,   do_touch, do_touch,
		do_split, do_join,  do_type, do_root, do_destroy,
	};
	operations[machine_random(sizeof(operations) / sizeof(operations[0]))]();
}

static uint64_t option(int argc, char **argv, const char *name, uint64_t otherwise)
{
	for (int i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], name) == 0) {
			return strtoul(argv[i + 1], NULL, 0);
		}
	}
	return otherwise;
}

int main(int argc, char **argv)
{
	uint64_t operations = option(argc, argv, "--operations", 200000);
	uint64_t every = option(argc, argv, "--check-every", 1);
	machine_seed = option(argc, argv, "--seed", 1);
	machine_reset(POOL_BLOCKS);
	machine_preempt_every = 7;
	start_free = page_pool_free();
	for (unsigned i = 0; i < SPACES; i++) {
		create(i);
	}
	for (step = 0; step < operations; step++) {
		one_operation();
		if (step % every == 0) {
			compare_all();
		}
	}
	for (unsigned i = 0; i < SPACES; i++) {
		destroy(i);
	}
	EXPECT(page_pool_free() == start_free);
	printf("%lu operations\n", operations);
	return 0;
}
