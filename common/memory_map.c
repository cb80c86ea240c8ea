/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory map: a sorted array of ranges.
 *
 * Every change is the same three steps: cut ranges so that the change begins and ends at borders,
 * change whole ranges, merge neighbours. Cutting is the only step that needs room, and merging
 * undoes it; so a change that does not fit leaves the map as it was, and no second copy is
 * needed.
 */
#include "memory_map.h"

#include <string.h>

static uint64_t range_end(const struct memory_range *range)
{
	return range->base + range->size;
}

/* The index of the first range that ends above `address`; map->count if there is none. */
static size_t index_above(const struct memory_map *map, uint64_t address)
{
	size_t index = 0;
	while (index < map->count && range_end(&map->items[index]) <= address) {
		index++;
	}
	return index;
}

/* The caller has checked that there is room. */
static void insert_at(struct memory_map *map, size_t index, struct memory_range range)
{
	memmove(&map->items[index + 1], &map->items[index],
		(map->count - index) * sizeof(map->items[0]));
	map->items[index] = range;
	map->count++;
}

/* Makes `address` a border between two ranges if it lies inside one. */
static bool cut(struct memory_map *map, uint64_t address)
{
	size_t index = index_above(map, address);
	if (index == map->count || map->items[index].base >= address) {
		return true;
	}
	if (map->count == MEMORY_MAP_MAX) {
		return false;
	}
	struct memory_range lower = map->items[index];
	lower.size = address - lower.base;
	map->items[index].base += lower.size;
	map->items[index].size -= lower.size;
	insert_at(map, index, lower);
	return true;
}

static void merge_neighbours(struct memory_map *map)
{
	size_t kept = 0;
	for (size_t i = 1; i < map->count; i++) {
		struct memory_range *last = &map->items[kept];
		const struct memory_range *next = &map->items[i];
		if (last->kind == next->kind && range_end(last) == next->base) {
			last->size += next->size;
		} else {
			map->items[++kept] = *next;
		}
	}
	map->count = map->count == 0 ? 0 : kept + 1;
}

/*
 * Finds the first part of [*begin, end) that is not in the map, writes it to [*begin, *gap_end),
 * and the index where a range for it belongs to *index. False if there is none.
 */
static bool find_gap(const struct memory_map *map, uint64_t *begin, uint64_t end, uint64_t *gap_end,
		     size_t *index)
{
	size_t i = index_above(map, *begin);
	while (i < map->count && map->items[i].base <= *begin) {
		*begin = range_end(&map->items[i]);
		i++;
	}
	if (*begin >= end) {
		return false;
	}
	*gap_end = i < map->count && map->items[i].base < end ? map->items[i].base : end;
	*index = i;
	return true;
}

static size_t count_gaps(const struct memory_map *map, uint64_t begin, uint64_t end)
{
	size_t count = 0;
	size_t index;
	uint64_t gap_end;
	while (find_gap(map, &begin, end, &gap_end, &index)) {
		count++;
		begin = gap_end;
	}
	return count;
}

bool memory_map_add(struct memory_map *map, uint64_t base, uint64_t size)
{
	uint64_t end;
	if (__builtin_add_overflow(base, size, &end)) {
		return false;
	}
	if (count_gaps(map, base, end) > MEMORY_MAP_MAX - map->count) {
		return false;
	}
	size_t index;
	uint64_t gap_end;
	while (find_gap(map, &base, end, &gap_end, &index)) {
		struct memory_range gap = {base, gap_end - base, MEMORY_FREE};
		insert_at(map, index, gap);
		base = gap_end;
	}
	merge_neighbours(map);
	return true;
}

bool memory_map_paint(struct memory_map *map, uint64_t base, uint64_t size, enum memory_kind kind)
{
	uint64_t end;
	if (__builtin_add_overflow(base, size, &end)) {
		return false;
	}
	if (size == 0) {
		return true;
	}
	bool fits = cut(map, base) && cut(map, end);
	if (fits) {
		for (size_t i = index_above(map, base); i < map->count && map->items[i].base < end;
		     i++) {
			map->items[i].kind = kind;
		}
	}
	merge_neighbours(map);
	return fits;
}

void memory_map_repaint(struct memory_map *map, enum memory_kind from, enum memory_kind to)
{
	for (size_t i = 0; i < map->count; i++) {
		if (map->items[i].kind == from) {
			map->items[i].kind = to;
		}
	}
	merge_neighbours(map);
}

/* Paints what [base, end) has outside of whole pages. */
static bool trim_range(struct memory_map *map, uint64_t base, uint64_t end, uint64_t page)
{
	uint64_t last = end & ~(page - 1);
	uint64_t first;
	if (__builtin_add_overflow(base, page - 1, &first) || (first & ~(page - 1)) >= last) {
		return memory_map_paint(map, base, end - base, MEMORY_UNUSABLE);
	}
	first &= ~(page - 1);
	return memory_map_paint(map, base, first - base, MEMORY_UNUSABLE) &&
	       memory_map_paint(map, last, end - last, MEMORY_UNUSABLE);
}

bool memory_map_trim(struct memory_map *map, uint64_t page)
{
	/* By address, not by index: painting moves the ranges about. */
	uint64_t done = 0;
	for (size_t i = 0; i < map->count; i = index_above(map, done)) {
		struct memory_range range = map->items[i];
		done = range_end(&range);
		if (range.kind == MEMORY_FREE && !trim_range(map, range.base, done, page)) {
			return false;
		}
	}
	return true;
}

bool memory_map_find_top(const struct memory_map *map, uint64_t size, uint64_t align,
			 uint64_t limit, uint64_t *base)
{
	if (size == 0) {
		return false;
	}
	for (size_t i = map->count; i-- > 0;) {
		const struct memory_range *range = &map->items[i];
		uint64_t end = range_end(range) < limit ? range_end(range) : limit;
		if (range->kind != MEMORY_FREE || end < size) {
			continue;
		}
		uint64_t candidate = (end - size) & ~(align - 1);
		if (candidate >= range->base) {
			*base = candidate;
			return true;
		}
	}
	return false;
}

uint64_t memory_map_bytes_in(const struct memory_map *map, uint64_t base, uint64_t size,
			     enum memory_kind kind)
{
	uint64_t end;
	if (__builtin_add_overflow(base, size, &end)) {
		end = UINT64_MAX; /* No range holds the last byte: base + size would wrap. */
	}
	uint64_t bytes = 0;
	for (size_t i = index_above(map, base); i < map->count && map->items[i].base < end; i++) {
		const struct memory_range *range = &map->items[i];
		uint64_t begin = range->base > base ? range->base : base;
		if (range->kind == kind) {
			bytes += (range_end(range) < end ? range_end(range) : end) - begin;
		}
	}
	return bytes;
}

uint64_t memory_map_bytes(const struct memory_map *map, enum memory_kind kind)
{
	return memory_map_bytes_in(map, 0, UINT64_MAX, kind);
}

uint64_t memory_map_total(const struct memory_map *map)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < map->count; i++) {
		bytes += map->items[i].size;
	}
	return bytes;
}

const struct memory_range *memory_map_at(const struct memory_map *map, uint64_t address)
{
	size_t index = index_above(map, address);
	if (index == map->count || map->items[index].base > address) {
		return NULL;
	}
	return &map->items[index];
}
