/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the kernel's memory and the root task's program go. Plain C over a memory map: host-tested.
 *
 * Both are placed as high as they fit, which leaves low memory, that some DMA controllers are limited to
 * (BCM2711: the first GiB), to user code.
 */
#include "boot.h"

#define POOL_MIN      (4 * UL(0x100000))
#define POOL_FRACTION 32
#define POOL_MAX      (2032 * UL(0x100000)) /* the pool window less what lies before the pool in its first block */

/* The kernel's tables: one level 0; for image, stacks, devices and direct map a few of levels 1 to 3.
 * Devices take the most: a GICv3 redistributor region has up to 3 level-3 tables. */
#define TABLE_PAGES 64

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) & ~(unit - 1);
}

static uint64_t pool_size(const struct memory_map *map, uint64_t wanted)
{
	uint64_t size = wanted != 0 ? wanted : memory_map_total(map) / POOL_FRACTION;
	if (size > POOL_MAX) {
		return POOL_MAX;
	}
	return size < POOL_MIN ? POOL_MIN : size;
}

/* Lays the kernel's parts out one behind the other in plan->keep; returns their size without the pool. */
static uint64_t lay_out(const struct boot_needs *needs, struct boot_plan *plan)
{
	uint64_t end = plan->keep;
	plan->image = end;
	plan->image_size = round_up(needs->kernel_size, PAGE_SIZE);
	end += plan->image_size;
	plan->stacks = end;
	end += needs->core_count * STACK_SIZE;
	plan->handover = end;
	plan->handover_size = round_up(sizeof(struct handover), PAGE_SIZE);
	end += plan->handover_size;
	plan->tables = end;
	end += TABLE_PAGES * PAGE_SIZE;
	return end - plan->keep;
}

/* What the window cannot reach is lost: no machine that we know has RAM there. */
static bool give_up_unreachable(struct memory_map *map)
{
	/* From the top: painting moves only the ranges above. */
	for (size_t i = map->count; i-- > 0;) {
		uint64_t begin = map->items[i].base, end = begin + map->items[i].size;
		if (map->items[i].kind != MEMORY_FREE || end <= PHYSICAL_LIMIT) {
			continue;
		}
		begin = begin > PHYSICAL_LIMIT ? begin : PHYSICAL_LIMIT;
		if (!memory_map_paint(map, begin, end - begin, MEMORY_UNUSABLE)) {
			return false;
		}
	}
	return true;
}

const char *boot_plan_make(struct memory_map *map, const struct boot_needs *needs, struct boot_plan *plan)
{
	/* Also keeps the sums below from wrapping. */
	if (needs->pool_size > memory_map_total(map) || needs->pool_size > PHYSICAL_LIMIT) {
		return "kernel_pool asks for more than there is";
	}
	if (needs->pool_size > POOL_MAX) {
		return "kernel_pool asks for more than the 2032 MiB that the kernel can use";
	}
	uint64_t boot_size = round_up(needs->image_size, PAGE_SIZE);
	if (memory_map_bytes_in(map, needs->image_base, boot_size, MEMORY_FREE) != boot_size) {
		return "the kernel image was loaded outside of free memory";
	}
	bool painted = memory_map_paint(map, needs->image_base, boot_size, MEMORY_BOOT) &&
		       memory_map_trim(map, PAGE_SIZE) && give_up_unreachable(map);

	plan->keep = 0;
	plan->keep_size = round_up(lay_out(needs, plan) + pool_size(map, needs->pool_size), BLOCK_SIZE);
	if (!memory_map_find_top(map, plan->keep_size, BLOCK_SIZE, PHYSICAL_LIMIT, &plan->keep)) {
		return "not enough contiguous memory for the kernel";
	}
	lay_out(needs, plan);
	painted = painted && memory_map_paint(map, plan->keep, plan->keep_size, MEMORY_KERNEL);

	plan->root_size = round_up(needs->root_size, PAGE_SIZE);
	if (!memory_map_find_top(map, plan->root_size, PAGE_SIZE, PHYSICAL_LIMIT, &plan->root)) {
		return "not enough contiguous memory for the root task";
	}
	painted = painted && memory_map_paint(map, plan->root, plan->root_size, MEMORY_ROOT);
	return painted ? NULL : "the memory map has too many ranges";
}
