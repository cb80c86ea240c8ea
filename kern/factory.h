/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Factories: make objects out of a quota.
 *
 * Kernel memory is charged in whole pages, so nobody can pin pages that he does not pay for: each factory keeps
 * its own pages per kind of object. A sub-factory's limit counts as used by the factory that made it.
 */
#pragma once

#include "object.h"
#include "quota.h"

#include <stdint.h>

struct slab {
	uint32_t first_partial; /* number of the first page with a free place; 0: none */
};

struct factory {
	struct object object;
	struct quota quota;
	struct object_list objects; /* all that it made and that is not gone, sub-factories included */
	struct slab slabs[OBJECT_KINDS];
};

/* The factory that owns the whole pool; the root task starts with it. */
extern struct factory root_factory;

/* Once at boot, when the pool is known. */
void factory_init_root(void);

/* Cleared memory for an object of `kind`, linked in the factory's list, or NULL: the quota cannot pay. */
void *factory_alloc(struct factory *factory, enum object_kind kind);

/* Gives an object's memory back. Nobody knows it any more. */
void factory_free(struct object *object);

/* Unlinks the object and frees it after a round. */
void factory_free_after_round(struct object *object);

/* A sub-factory with `limit` bytes, a multiple of the page size, of this one's quota. */
enum status factory_create(struct factory *factory, uint64_t limit, struct factory **result);

/* Restartable; part of object_destroy(). */
bool factory_destroy(struct factory *factory);

/* Moves quota between `factory` and `child`, which it made. QUOTA, BUSY, BAD_ARGUMENT, WRONG_OBJECT. */
enum status factory_set_limit(struct factory *factory, struct factory *child, uint64_t limit);

/* `bytes` that were fed to the pool are the factory's. */
void factory_feed(struct factory *factory, uint64_t bytes);
