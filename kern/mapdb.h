/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces, and who mapped which page to whom: a mapping is its page-table entry, with a twin slot for its
 * place in the tree. The specification, its locks and invariants M1 to M7 are in docs/memory-kernel.md.
 */
#pragma once

#include <abi/message.h>
#include <abi/message.h>
#include <abi/status.h>

#include <stdbool.h>
#include <stdint.h>

struct quota;

/* The user half of the address space of a task. */
struct space {
	uint64_t root;       /* physical address of the level-0 table */
	uint32_t asid;       /* its own from creation to death */
	struct quota *quota; /* pays for tables and piece tables; borrowed, outlives the space */
	uint64_t window;     /* nothing from here on is ever executed in this space; set before anything is mapped */
	bool dying;          /* nothing can be mapped any more */
	uint64_t emptied;    /* while it is dying: nothing is mapped below this address */
};

/* QUOTA, NO_ASID. Charges the root table. */
enum status space_init(struct space *space, struct quota *quota);

/*
 * Removes every mapping as by unmap with self, and frees the tables. Restartable: false means that an
 * interrupt is pending and it must be called again; true: done, everything refunded, the ASID free again after a
 * round.
 */
bool space_destroy(struct space *space);

/* A root mapping (no parent) of `1 << order` bytes, order 12, 21 or 30; `held`: without access for its own space, but
 * it can be mapped onward. At boot, and for the holder of memory only. QUOTA, OVERMAP, BAD_RANGE. */
enum status mapdb_add_root(struct space *space, uint64_t va, uint64_t physical, unsigned order,
			   unsigned rights, enum memory_type type, bool held);

/* What root mappings allow and show. */
struct root_kind {
	unsigned rights;
	enum memory_type type;
	bool held;
};

/* Root mappings for [physical, physical + size) from va on, in the largest pages that fit; all multiples of 4 KiB. The same errors; what
 * was added before one stays. */
enum status mapdb_add_root_range(struct space *space, uint64_t va, uint64_t physical, uint64_t size,
				 const struct root_kind *kind);

/* Maps a page of kernel memory (UTCB, boot information) that can neither be mapped onward nor unmapped by users. */
enum status mapdb_add_kernel(struct space *space, uint64_t va, uint64_t physical, unsigned rights);
void mapdb_remove_kernel(struct space *space, uint64_t va);

/* What stands at an address. */
struct leaf {
	uint64_t *entry;
	uint64_t value;
	uint64_t va; /* where the leaf, or the hole, begins */
	unsigned order;
	unsigned level;
};

/* One mapping to be made. */
struct map_request {
	struct space *src;
	uint64_t src_va;
	struct space *dst;
	uint64_t dst_va;
	unsigned order;    /* 12, 21 or 30; both addresses are multiples of it */
	unsigned rights;   /* asked for; cut to the source's */
	bool track;        /* referenced and dirty are to be kept (inherited by children) */
	bool grant;        /* hand over: the source loses it */
	bool born_written; /* the answer to a write fault: born dirty if tracked */
	bool referenced;   /* the answer to a fault: born referenced if tracked */

	/* What it is made from, when last seen, so that it is not looked for again. `entry` is NULL: not yet. */
	struct leaf source;

	/* Set by mapdb_prepare(). */
	uint32_t src_slot, src_part; /* of the source, and of the part of it that is mapped */
	struct region *region;       /* the lock of its frame */
	uint64_t *dst_entry;         /* where the mapping goes; its table is held */
	uint32_t dst_slot;
	unsigned children; /* of a grant, set by mapdb_foresee(): each will learn of its new parent */
	uint64_t wanted; /* what *dst_entry becomes if the source still has the same value */
};

/* Looks for the source, and sets `order` to that of the largest mapping that can be made next within `size` bytes, a multiple
 * of 4 KiB. False: nothing that can be mapped onward is there. */
bool mapdb_plan(struct map_request *request, uint64_t size);

/* Makes what `request` will need in tables, and holds them (counted) until mapdb_map() or mapdb_unprepare(); all three come in the
 * same stay in the kernel. After it mapdb_map() fails for no lack of memory. KERNEL_QUOTA: the destination's quota cannot pay;
 * QUOTA: the source's cannot (piece table). BAD_RANGE, NOT_MAPPED, OVERMAP, SPLIT_FIRST as for mapdb_map(). After a failure nothing is
 * held. */
enum status mapdb_prepare(struct map_request *request);
void mapdb_unprepare(struct map_request *request);

/* The same, but tables and piece tables that were made stay, empty: the same request will be prepared again. If it is not, they stay until
 * something is mapped there and goes, or the range is unmapped with `self`, or the space goes. */
void mapdb_postpone(struct map_request *request);

/*
 * Makes the mapping; after mapdb_prepare(), whose hold ends here in any case. NOT_MAPPED: no source, or it is being revoked (or, with
 * several cores, its piece table was given back meanwhile: as if revoked). OVERMAP: another frame, or the same from another parent, is
 * mapped there; or the same from the same parent, with children and more rights than asked for. TOO_DEEP, SPLIT_FIRST,
 * GRANT_BUSY (children with more rights than are granted, too). The caller issues mapdb_publish() once for a whole message.
 */
enum status mapdb_map(struct map_request *request);

/* After mapdb_prepare(), which stands: what mapdb_map() would say now. For several mappings of which all are to be made or none. */
enum status mapdb_foresee(struct map_request *request);
void mapdb_publish(void);

/* Where a walk that was interrupted goes on. Numbers only: nothing points here. */
struct map_position {
	uint64_t va;   /* all before it is done; 0: not begun */
	uint32_t slot; /* the next mapping below, 0 if none; a hint, checked when it is used */
	uint32_t giant, giant_part; /* the same for mappings of 1 GiB and their parts */
	uint32_t stage;             /* order of what is being walked at `va`; 0: nothing yet */
};

/* What an unmap found. Cleared by the caller before the first call. */
struct unmap_report {
	uint64_t pages; /* of 4 KiB, removed or reduced in the space itself (self) */
	uint64_t begin,
		end; /* the extent removed there, larger than asked if a large entry went as a whole; empty: nothing */
	bool referenced, dirty;
	struct map_position at;
};

/*
 * Takes away what was mapped from [va, va + size) of `space` to others, and with `self` the mappings
 * there too. `keep` are the rights that stay: 0 removes, PAGE_READ makes read-only, and so on. Restartable: false means that an
 * interrupt is pending; call again with the same arguments and *report. True: done, and nothing taken is reachable on any core. All
 * addresses are multiples of 4096. What the kernel mapped for itself stays.
 */
bool mapdb_unmap(struct space *space, uint64_t va, uint64_t size, bool self, unsigned keep,
		 struct unmap_report *report);

/* For an interrupted unmap that nobody will go on with: what it began to revoke can be mapped onward again. */
void mapdb_unmap_abandon(struct space *space, struct unmap_report *report);

/* Bit i: page i of 2^order was referenced, or written. Cleared by the caller before the first call. */
struct age_report {
	uint64_t referenced, dirty;
	struct map_position at;
};

/* Per page of 2^order from va on: whether it, or what was mapped from it, was used since the last age. Clears. At most 64
 * pages. `exact`: with TLB invalidation, so that every use after this is seen; else one through a translation that a TLB
 * remembers may be missed (never a write). Pages of a larger mapping are told apart as far as its parts were handed out; its own
 * uses count for each, and are cleared only by an age of the whole. The mapping's own uses count if it is tracked; a mapping below that
 * is not tracked counts as used. Restartable as mapdb_unmap(); may be abandoned without a call. */
bool mapdb_age(struct space *space, uint64_t va, unsigned order, unsigned count, bool exact,
	       struct age_report *report);

/*
 * Memory type of a root mapping of the caller's own, of exactly this order, that has no children; not one that
 * mapdb_add_root() gave another type than normal. While it is not normal, the mapping is held: it gives no access, and children
 * inherit the type. On the way out and back the kernel writes the memory's cache lines back and drops them, so this is restartable as
 * mapdb_unmap(): false means call again with the same arguments and *at (cleared at first). *status: BUSY (children),
 * NOT_MAPPED, BAD_ARGUMENT (its type is fixed), SPLIT_FIRST (1 GiB). One that was interrupted and is never called again stays held and cannot
 * be mapped onward until the next one.
 */
bool mapdb_set_type(struct space *space, uint64_t va, unsigned order, enum memory_type type,
		    struct map_position *at, enum status *status);

/* Splits a root mapping of 1 GiB or 2 MiB into 512. BUSY: a child has the same size, or it is being revoked. NOT_MAPPED, QUOTA. */
enum status mapdb_split(struct space *space, uint64_t va);

/* Joins 512 root mappings into one of `order`. NOT_MAPPED: they are not 512 contiguous ones of equal attributes. BUSY: one
 * is being revoked, or the table is in use. QUOTA. */
enum status mapdb_join(struct space *space, uint64_t va, unsigned order);


/* Removes a root mapping of normal memory of exactly this order, readable and writable, without children, and says what it mapped: the
 * kernel takes the memory. NOT_MAPPED, BUSY. */
enum status mapdb_take_root(struct space *space, uint64_t va, unsigned order, uint64_t *physical);

/* A fault at `va`: true if the entry allows the access now, by repairing the access flag or the dirty state: the thread retries. */
bool mapdb_repair(struct space *space, uint64_t va, enum fault_access access);

/* Looks an address up, for tests and reports: false if nothing is mapped. */
bool mapdb_lookup(struct space *space, uint64_t va, uint64_t *physical, unsigned *order,
		  unsigned *rights);

/* Debug builds: checks M1 to M5 over the whole space; panics if one does not hold. */
void mapdb_check(struct space *space);

/* Supplied by the kernel proper (a stub in host tests): an interrupt is pending, long work should return. */
bool preempt_pending(void);
