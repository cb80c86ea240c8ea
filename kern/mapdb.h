/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces, and who mapped which page to whom: a mapping is its page-table entry, with a twin slot for its
 * place in the tree. The specification, its locks and invariants M1 to M7 are in docs/memory-kernel.md.
 */
#pragma once

#include <abi/message.h>
#include <abi/status.h>

#include <stdbool.h>
#include <stdint.h>

struct quota;

/* Rights of a mapping: bits. WRITE implies READ; WRITE and EXECUTE together are refused (W^X). */
#define MAP_READ    1u
#define MAP_WRITE   2u
#define MAP_EXECUTE 4u

enum memory_type { MEMORY_TYPE_NORMAL, MEMORY_TYPE_NONCACHEABLE, MEMORY_TYPE_DEVICE };

/* The user half of the address space of a task. */
struct space {
	uint64_t root;       /* physical address of the level-0 table */
	uint32_t asid;       /* its own from creation to death */
	struct quota *quota; /* pays for tables and piece tables; borrowed, outlives the space */
	uint32_t lock[2];    /* struct spinlock: the task lock of the specification */
	bool dying;          /* nothing can be mapped any more */
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

/* Maps a page of kernel memory (UTCB, information page) that can neither be mapped onward nor unmapped by users. */
enum status mapdb_add_kernel(struct space *space, uint64_t va, uint64_t physical, unsigned rights);
void mapdb_remove_kernel(struct space *space, uint64_t va);

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
};

/* The order of the largest mapping that can be made next from src_va to dst_va within `size` bytes: 30, 21 or 12; 0 if nothing
 * is mapped at src_va. */
unsigned mapdb_next_order(struct space *src, uint64_t src_va, uint64_t dst_va, uint64_t size);

/* Makes what `request` will need in tables, and holds them (counted) until mapdb_map() or mapdb_unprepare(). After it mapdb_map() fails
 * for no lack of memory. KERNEL_QUOTA: the destination's quota cannot pay; QUOTA: the source's cannot (piece table). */
enum status mapdb_prepare(const struct map_request *request);
void mapdb_unprepare(const struct map_request *request);

/*
 * Makes the mapping; after mapdb_prepare(). NOT_MAPPED: no source, or it is being revoked. OVERMAP: another
 * frame, or the same from another parent, is mapped there. TOO_DEEP, SPLIT_FIRST, GRANT_BUSY. The caller issues mapdb_publish() once
 * for a whole message.
 */
enum status mapdb_map(const struct map_request *request);
void mapdb_publish(void);

/* What an unmap or an age found. */
struct unmap_report {
	uint64_t pages;      /* of 4 KiB, removed or reduced in the space itself (self) */
	uint64_t begin, end; /* the extent removed there, larger than asked if a large entry went as a whole */
	bool referenced, dirty;
};

/*
 * Takes away what was mapped from [va, va + size) of `space` to others, and with `self` the mappings
 * there too. `keep` are the rights that stay: 0 removes, MAP_READ makes read-only, and so on. Restartable: false means that an
 * interrupt is pending; call again with the same arguments, *report goes on. True: done, and nothing taken is reachable on any core.
 */
bool mapdb_unmap(struct space *space, uint64_t va, uint64_t size, bool self, unsigned keep,
		 struct unmap_report *report);

/* Per page of 2^order from va on: bit i of the bitmaps says whether it was referenced or written since the last age. Clears. At most 64
 * pages. `exact`: with TLB invalidation, so that every use after this is seen. Restartable as mapdb_unmap(). */
bool mapdb_age(struct space *space, uint64_t va, unsigned order, unsigned count, bool exact,
	       uint64_t *referenced, uint64_t *dirty);

/* Memory type of a root mapping of the caller's own, of exactly this order, that has no children. BUSY, NOT_MAPPED, BAD_ARGUMENT. */
enum status mapdb_set_type(struct space *space, uint64_t va, unsigned order, enum memory_type type);

/* Splits a root mapping of 1 GiB or 2 MiB into 512. BUSY: a child has the same size. NOT_MAPPED, QUOTA. */
enum status mapdb_split(struct space *space, uint64_t va);

/* Joins 512 root mappings into one. NOT_MAPPED: they are not 512 contiguous ones of equal attributes. BUSY. */
enum status mapdb_join(struct space *space, uint64_t va, unsigned order);


/* Removes a root mapping of normal memory of exactly this order, readable and writable, without children, and says what it mapped: the
 * kernel takes the memory. NOT_MAPPED, BUSY. */
enum status mapdb_take_root(struct space *space, uint64_t va, unsigned order, uint64_t *physical);

/* A fault at `va`: true if the entry allows the access now, by repairing the access flag or the dirty state: the thread retries. */
bool mapdb_repair(struct space *space, uint64_t va, enum fault_access access);

/* Looks an address up, for tests and reports: false if nothing is mapped. */
bool mapdb_lookup(struct space *space, uint64_t va, uint64_t *physical, unsigned *order, unsigned *rights);

/* Debug builds: checks M1 to M5 over the whole space; panics if one does not hold. */
void mapdb_check(struct space *space);

/* Supplied by the kernel proper (a stub in host tests): an interrupt is pending, long work should return. */
bool preempt_pending(void);
