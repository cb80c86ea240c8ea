/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities: tables of them, and who was derived from whom.
 *
 * A table has two levels: a page of 512 pointers to pages of 128 capabilities, the latter made when first
 * needed and paid by the task. A capability knows its parent, first child and siblings, by number (its place in the
 * pool's window, in units of its size; all capabilities are in pool pages), so a subtree is found without searching. Threads have two capabilities outside
 * of any table, for their pager and exception gates: derived ones like all others, so revocation reaches them too.
 *
 * Lock: derivation, the first in the lock order, guards all links. Lookups take no lock.
 *
 * C1 a capability that is not empty is its parent's child, or its object's original.
 * C2 a child names its parent's object, with at most its rights, and its badge if it has one.
 */
#pragma once

#include "object.h"

#include <abi/abi.h>
#include <arch/memory.h>

#include <stdbool.h>
#include <stdint.h>

struct quota;

struct capability {
	uint64_t word;  /* rights in bits 63 to 48, below them the object's address, whose upper bits are the pool's; 0: empty */
	uint64_t badge; /* 0: none */
	uint32_t parent, first_child, next, prev; /* numbers; 0: none. No parent: the original */
};

_Static_assert(sizeof(struct capability) == 32, "its number counts 32 bytes");

struct cap_table {
	struct capability **pages; /* owned: a page of pointers to pages */
	struct quota *quota;       /* pays; borrowed */
};

/* QUOTA. */
enum status cap_table_init(struct cap_table *table, struct quota *quota);

/* Deletes all capabilities, which destroys the objects whose originals they are, and frees the table. Restartable. */
bool cap_table_destroy(struct cap_table *table);

/* The capability at `index`; NULL if there is none. */
struct capability *cap_lookup(const struct cap_table *table, uint64_t index);

/* An empty slot at `index`, whose page is made if needed. BAD_ARGUMENT, SLOT_TAKEN, QUOTA. */
enum status cap_slot(struct cap_table *table, uint64_t index, struct capability **slot);

static inline struct object *cap_object(const struct capability *capability)
{
	return (struct object *)((capability->word & ~(0xfffful << 48)) | (ARCH_POOL & 0xfffful << 48));
}

static inline unsigned cap_rights(const struct capability *capability)
{
	return (unsigned)(capability->word >> 48 & 0xff);
}

/* Makes `slot`, which is empty, the original of `object`. */
void cap_make_original(struct capability *slot, struct object *object, unsigned rights);

/* Derives `slot`, which is empty, from `parent`. A badge of 0 inherits the parent's. */
void cap_derive(struct capability *parent, struct capability *slot, unsigned rights, uint64_t badge);

/* Moves what `from` holds to `to`, which is empty; an original stays one. */
/* False: more than 64 were derived from it, which would all have to be told. */
bool cap_move(struct capability *from, struct capability *to);

/* Deletes all that is derived from `capability`. Restartable: false if an interrupt is pending. */
bool cap_revoke(struct capability *capability);

/* Deletes `capability` and all that is derived from it; an original takes its object along. Restartable. */
bool cap_delete(struct capability *capability);
