/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A map of physical memory: which bytes exist, and who has them.
 *
 * The boot stage makes one from the device tree and hands it to the kernel, which hands it to the
 * root task; the root task makes its own from the tree and compares. Ranges are kept sorted by
 * address, do not overlap, and neighbours of one kind are merged, so the map of a machine is
 * canonical: two equal maps are equal item by item.
 *
 * Plain C over a caller's array, no allocation; host-tested in test/host/memory_map_test.c.
 */
#pragma once

#include <abi/memory_kind.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Enough for every tree we know of many times over; a tree that needs more is refused in a clear
 * line.
 */
#define MEMORY_MAP_MAX 256

struct memory_range {
	uint64_t base;
	uint64_t size; /* never 0; base + size never wraps */
	enum memory_kind kind;
};

struct memory_map {
	size_t count;
	struct memory_range items[MEMORY_MAP_MAX];
};

/*
 * An operation that may not fit needs free items while it works: one for each border that it makes
 * inside a range, or for each gap that it fills. So a map with fewer than two free items may refuse
 * what would have fitted in the end.
 *
 * Ranges of size 0 are allowed everywhere, and nothing.
 */

/*
 * Adds [base, base + size) as existing memory of kind MEMORY_FREE. Parts that the map already has
 * keep their kind. Returns false if the map is full or the range wraps; the map is then unchanged.
 */
bool memory_map_add(struct memory_map *map, uint64_t base, uint64_t size);

/*
 * Gives those bytes of [base, base + size) that exist in the map the kind `kind`; bytes that are
 * not in the map stay out of it. Returns false if the map is full or the range wraps; the map is
 * then unchanged.
 */
bool memory_map_paint(struct memory_map *map, uint64_t base, uint64_t size, enum memory_kind kind);

/*
 * Gives all bytes of kind `from` the kind `to`.
 */
void memory_map_repaint(struct memory_map *map, enum memory_kind from, enum memory_kind to);

/*
 * Shrinks every range of kind MEMORY_FREE to whole pages of `page` bytes (a power of two); what is
 * cut off becomes MEMORY_UNUSABLE. Returns false if the map is full; some ranges are then trimmed.
 */
bool memory_map_trim(struct memory_map *map, uint64_t page);

/*
 * Finds the highest run of `size` bytes of kind MEMORY_FREE whose base is a multiple of `align`
 * (a power of two) and which ends at or below `limit`. Writes its base to *base; false if there
 * is none, or if `size` is 0.
 */
bool memory_map_find_top(const struct memory_map *map, uint64_t size, uint64_t align,
			 uint64_t limit, uint64_t *base);

/* How many bytes of [base, base + size) are in the map with kind `kind`. The range may wrap. */
uint64_t memory_map_bytes_in(const struct memory_map *map, uint64_t base, uint64_t size,
			     enum memory_kind kind);

/* How many bytes of kind `kind` there are. */
uint64_t memory_map_bytes(const struct memory_map *map, enum memory_kind kind);

/* All bytes in the map. */
uint64_t memory_map_total(const struct memory_map *map);

/* The range that holds `address`; NULL if none does. */
const struct memory_range *memory_map_at(const struct memory_map *map, uint64_t address);
