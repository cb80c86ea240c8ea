/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the mapping database: slots, the tables they belong to, and locks. docs/memory-kernel.md has the drawing.
 *
 * A slot is named by a number of 27 bits: the number of its twin (8 KiB) in the pool window, and an index. A twin
 * stands beside a page table, or, as a piece table, alone: its slots then stand for the parts of a large mapping.
 */
#pragma once

#include "mapdb.h"
#include "page_alloc.h"
#include "spinlock.h"

#include <arch/aspace.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_BYTES PAGE_BYTES
#define TWIN_BYTES  (2 * PAGE_BYTES)

#define ORDER_PAGE  12u
#define ORDER_BLOCK 21u
#define ORDER_GIANT 30u
#define ORDER_STEP  9u

/* User addresses that can be mapped. */
#define USER_BEGIN 0x1000ul
#define USER_END   0x1000000000000ul

/*
 * 27 bits of each word are a slot number; 0 is none. `first` and `prev` may name a piece table instead: SLOT_PIECES and
 * the number of its slot 0. What is above belongs to the slot itself.
 */
struct slot {
	uint32_t parent, first, next, prev;
} __attribute__((may_alias));

#define SLOT_ID     0x07ffffffu
#define SLOT_PIECES 0x08000000u
#define SLOT_LINK   (SLOT_ID | SLOT_PIECES)

#define SLOT_INDEX_BITS 9
#define SLOT_INDEX      0x1ffu

/* In `parent`: how many mappings are above. */
#define SLOT_DEPTH_SHIFT 28
#define SLOT_DEPTH_MAX   15u

/* In `first`. */
#define SLOT_REVOKING   0x10000000u
#define SLOT_FIXED_TYPE 0x20000000u /* a root mapping that is no RAM */

/* In `next`: uses, not in the entry, that an age of this mapping has still to report; and those of levels above. */
#define SLOT_REF_OWN   0x10000000u
#define SLOT_DIRTY_OWN 0x20000000u
#define SLOT_REF_UP    0x40000000u
#define SLOT_DIRTY_UP  0x80000000u

/*
 * Page descriptors. A table's: a space, b base address and level, c live count, d its twin's slot 0, e kind.
 * A twin's first page: a quota that paid, c live count (piece tables; else dead), d page number of the table
 * (0: piece table), e kind, f order of the parts. Second page: c to f are a slot, the piece table's place among the children.
 */
#define KIND_TABLE 0x7ab1e001u
#define KIND_TWIN  0x7ab1e002u

#define TABLE_LEVEL 3ul /* bits of b */

/* What a live count says once the table has been given up: nothing can be added any more. */
#define LIVE_DEAD 0xffffffffu

/* Debug builds and host tests check what they touch. */
#ifdef STRATA_DEBUG
#define MAPDB_CHECKS true
#else
#define MAPDB_CHECKS false
#endif

struct region {
	struct spinlock lock;
	uint32_t revokes; /* slots with SLOT_REVOKING; atomic */
} __attribute__((aligned(64)));

#define REGION_COUNT 256

extern struct region mapdb_regions[REGION_COUNT];
extern struct region mapdb_big; /* the same for mappings of 1 GiB */

static inline struct region *region_of(uint64_t physical, unsigned order)
{
	uint64_t number = physical >> ORDER_BLOCK;
	return order == ORDER_GIANT ? &mapdb_big
				    : &mapdb_regions[(number ^ number >> 8) % REGION_COUNT];
}

/* Tables. */

/* The table that an entry is in. */
static inline uint64_t *table_of_entry(const uint64_t *entry)
{
	return (uint64_t *)((uintptr_t)entry & ~(PAGE_BYTES - 1));
}

static inline struct page *table_of(const uint64_t *entry)
{
	return page_descriptor(entry);
}

static inline unsigned table_level(const struct page *table)
{
	return (unsigned)(table->b & TABLE_LEVEL);
}

static inline struct space *table_space(const struct page *table)
{
	return (struct space *)table->a;
}

static inline unsigned entry_index(const uint64_t *entry)
{
	return (unsigned)((uintptr_t)entry / sizeof(*entry) % ARCH_ENTRIES);
}

static inline uint64_t entry_va(const uint64_t *entry)
{
	const struct page *table = table_of(entry);
	return (table->b & ~TABLE_LEVEL) +
	       ((uint64_t)entry_index(entry) << arch_level_order(table_level(table)));
}

/* Slots. */

static inline uint32_t slot_of_entry(const uint64_t *entry)
{
	return __atomic_load_n(&table_of(entry)->d, __ATOMIC_ACQUIRE) | entry_index(entry);
}

static inline struct slot *slot_at(uint32_t id)
{
	return (struct slot *)page_at_number(id & SLOT_ID, 4);
}

static inline struct page *twin_of(uint32_t id)
{
	return page_descriptor(slot_at(id & ~SLOT_INDEX));
}

static inline bool slot_is_piece(uint32_t id)
{
	return twin_of(id)->d == 0;
}

static inline unsigned slot_order(uint32_t id)
{
	return twin_of(id)->f;
}

static inline uint64_t *slot_entry(uint32_t id)
{
	return (uint64_t *)page_at_number(twin_of(id)->d, 12) + (id & SLOT_INDEX);
}

/* The place of a piece table among the children of the slot that it belongs to. */
static inline struct slot *pieces_node(uint32_t link)
{
	return (struct slot *)&page_descriptor((const char *)slot_at(link & SLOT_ID & ~SLOT_INDEX) +
					       PAGE_BYTES)
		->c;
}

static inline struct slot *slot_node(uint32_t link)
{
	return (link & SLOT_PIECES) != 0 ? pieces_node(link) : slot_at(link);
}

/* The piece table of a slot, as its slot 0; 0 if there is none. May be asked without a lock. */
static inline uint32_t slot_pieces(uint32_t id)
{
	uint32_t first = __atomic_load_n(&slot_at(id)->first, __ATOMIC_ACQUIRE);
	return (first & SLOT_PIECES) != 0 ? first & SLOT_ID : 0;
}

/* The slot one level up in the tree: a mapping, or a part of one. 0 above a root mapping. */
static inline uint32_t slot_parent(uint32_t id)
{
	const struct slot *node = slot_is_piece(id) ? pieces_node(id) : slot_at(id);
	return __atomic_load_n(&node->parent, __ATOMIC_RELAXED) & SLOT_ID;
}

/* The mapping that a slot is, or is a part of. */
static inline uint32_t slot_mapping(uint32_t id)
{
	while (slot_is_piece(id)) {
		id = slot_parent(id);
	}
	return id;
}

/* The frame that a slot stands for. */
uint64_t slot_physical(uint32_t id);

static inline void link_set(uint32_t *word, uint32_t link)
{
	__atomic_store_n(word, (*word & ~SLOT_LINK) | link, __ATOMIC_RELEASE);
}

/* Counts one more in a table or piece table; false if it is dead. */
static inline bool live_up(struct page *table)
{
	uint32_t live = __atomic_load_n(&table->c, __ATOMIC_RELAXED);
	do {
		if (live == LIVE_DEAD) {
			return false;
		}
	} while (!__atomic_compare_exchange_n(&table->c, &live, live + 1, true, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return true;
}
/* True: nothing is left in it. */
bool live_down(struct page *table);
/* True: it had `live`, and is dead now. The caller takes it out. */
bool live_kill(struct page *table, uint32_t live);

/* mapdb_tree.c. The caller holds the lock of the slots. */

/* `child`, whose slot is new and the caller's, becomes the newest child of `parent`, with `depth` mappings above; if the parent is a
 * part that had no child, it is counted already. */
void tree_push(uint32_t parent, uint32_t child, uint32_t depth);
/* Takes `child`, which has no children, out of the tree. A part that has no children left is counted down; returns its piece
 * table if that is empty now, else 0. */
uint32_t tree_remove(uint32_t child);

/*
 * Walks over what is below `top`, parts of mappings that have children included. Children first: from tree_first(top), by
 * tree_after(), until that is `top`. Parents first: from tree_below(top), by tree_next(at, top), until that is 0. tree_after() and
 * tree_next() are asked before `at` is removed. *work grows by what the way past other parts costs, in visits of a mapping.
 */
uint32_t tree_below(uint32_t id, unsigned *work);
uint32_t tree_first(uint32_t top, unsigned *work);
uint32_t tree_after(uint32_t at, unsigned *work);
uint32_t tree_next(uint32_t at, uint32_t top, unsigned *work);

/* The first child that is of the same size as `id`, behind the piece table; 0 if there is none. */
uint32_t tree_first_same(uint32_t id);

/* The first part from `index` on that has children, or with `used` also uses to report; 0 if there is none. */
uint32_t pieces_from(uint32_t pieces, unsigned index, bool used, unsigned *work);

/* A new piece table for `id`, a mapping or part of `order`, not attached yet; 0: no quota, no memory. */
uint32_t pieces_make(struct quota *quota, unsigned order);
void pieces_attach(uint32_t id, uint32_t pieces);
/* Of one that is not attached, or is dead and detached. */
void pieces_free(uint32_t pieces);
/* Takes a piece table, if it is empty, away from its slot, whose lock is held. Returns the piece table above if that is empty
 * now. */
uint32_t pieces_detach_if_empty(uint32_t pieces);
/* The same without lock, for parts of 2 MiB: the slot is one of 1 GiB. */
void pieces_release(uint32_t pieces);

/* Uses that are found in a slot on its way out, or by an age, are moved to the parent. */
void tree_move_up(uint32_t id, uint32_t own_bits);
/* The same for all parts of a piece table of 2 MiB; with `told` their holder is being told what they know. */
void pieces_move_up(uint32_t pieces, bool told);

/* What an entry knows of uses, as SLOT_REF_OWN and SLOT_DIRTY_OWN. */
static inline uint32_t entry_uses(uint64_t entry)
{
	bool dirty = (entry & ARCH_ENTRY_DIRTY) != 0 &&
		     ((arch_entry_rights(entry) & PAGE_WRITE) != 0 || (entry & ARCH_ENTRY_TRACKED) != 0);
	return ((entry & ARCH_ENTRY_REFERENCED) != 0 ? SLOT_REF_OWN : 0) | (dirty ? SLOT_DIRTY_OWN : 0);
}

/* The revocation flag; the caller holds the slot's lock, `region`. */
void revoking_set(struct region *region, uint32_t id);
void revoking_clear(struct region *region, uint32_t id);
/* Whether anything is being revoked there; if not, nobody needs to look for a flag. */
static inline bool revoking_somewhere(const struct region *region)
{
	return __atomic_load_n(&region->revokes, __ATOMIC_RELAXED) != 0 ||
	       __atomic_load_n(&mapdb_big.revokes, __ATOMIC_ACQUIRE) != 0;
}

/* True if a mapping above, or `id` itself, is being revoked. */
bool revoking_above(const struct region *region, uint32_t id);

/* mapdb_check.c: M1, M3 and M4 of one mapping, its parent and its neighbours. Under its lock. */
void mapdb_check_link(uint32_t id);

/* Batches: entries that were broken or reduced, before TLBs forget them. */

#define BATCH_MAX        16
#define BATCH_PIECES_MAX (BATCH_MAX + 1) /* one for each entry, and one of the mapping that is revoked */

struct batch {
	unsigned count;
	unsigned pieces_count;
	uint64_t *entries[BATCH_MAX];
	uint32_t pieces[BATCH_PIECES_MAX]; /* piece tables that may be empty now */
};

static inline bool batch_is_full(const struct batch *batch)
{
	return batch->count == BATCH_MAX;
}

/* The entry was changed to less, or to BROKEN. */
void batch_add(struct batch *batch, uint64_t *entry);
/* A piece table may be empty now (0: none). */
void batch_add_pieces(struct batch *batch, uint32_t pieces);
/* All cores forget what the entries were; broken ones become 0 and are counted down. Under the lock that they were changed under. */
void batch_flush(struct batch *batch);
/* Gives emptied tables back; without region locks, with or without BIG. Then the batch is empty. */
void batch_release(struct batch *batch, bool big_is_held);

/* Takes a mapping without children out of its space and the tree, into the batch. Returns its uses. */
uint32_t mapping_take(struct batch *batch, struct region *region, uint32_t id);

/* space.c: tables of a space. */

/* True: a mapping (of any kind) is there. False: nothing, from leaf->va for 1 << leaf->order bytes. */
bool space_find(const struct space *space, uint64_t va, struct leaf *leaf);

/* The entry that points to the table, which is alive. */
uint64_t *space_entry_above(const uint64_t *table);

/* Finds or makes the table and twin in which a leaf of `order` at `va` stands, and counts one in it. */
enum status space_hold(struct space *space, uint64_t va, unsigned order, uint64_t **entry);
/* Ends the hold; whatever counts in the table for an entry counts on. */
void space_release(uint64_t *entry);
/* Takes a table that is empty away, with those above that become empty. */
void space_drop_table(uint64_t *table);

/* Makes a table for `va` at `level`, charged, not attached. Level 3: with a twin, or with `twin` if that is not 0. NULL: QUOTA. */
uint64_t *table_make(struct space *space, uint64_t va, unsigned level, uint32_t twin);
/* Frees a table that is not attached any more, with its twin, after a round. */
void table_free(uint64_t *table);
/* Gives the table at `level` a twin, if it has none. False: QUOTA. */
bool table_add_twin(uint64_t *table);

/* The last step of a space that has no mappings any more. */
void space_end(struct space *space);
