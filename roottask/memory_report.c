/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory_report.h"

#include <common/machine.h>
#include <strata/log.h>

#include <stddef.h>
#include <stdint.h>

static const char *const kind_names[MEMORY_KIND_COUNT] = {
	[MEMORY_FREE] = "free",
	[MEMORY_RESERVED] = "reserved",
	[MEMORY_UNUSABLE] = "unusable",
	[MEMORY_KERNEL] = "kernel",
	[MEMORY_BOOT] = "boot stage (a core is missing)",
	[MEMORY_ROOT] = "root task",
	[MEMORY_MODULE] = "boot modules",
};

static struct machine machine;
static struct memory_map handed;

static bool read_tree(const struct boot_info *info)
{
	char error[MACHINE_ERROR_MAX];
	const void *tree = (const void *)(uintptr_t)info->tree.base;
	if (!machine_read(tree, info->tree.size, info->tree.base - info->window, &machine, error)) {
		strata_log("root task: %s%s", error[0] == '/' ? "device tree: " : "", error);
		return false;
	}
	return true;
}

/* The ranges of the boot information as a map; false if they overlap, or name an unknown kind. */
static bool read_handed(const struct boot_info *info)
{
	uint64_t bytes = 0;
	for (uint64_t i = 0; i < info->range_count; i++) {
		const struct boot_info_range *range = &info->ranges[i];
		bool good = range->kind < MEMORY_KIND_COUNT &&
			    memory_map_add(&handed, range->physical, range->size) &&
			    memory_map_paint(&handed, range->physical, range->size,
					     (enum memory_kind)range->kind);
		bytes += range->size;
		if (!good || memory_map_total(&handed) != bytes) {
			strata_log("root task: range %lu (0x%lx, 0x%lx bytes) is wrong or overlaps another", i,
				   range->physical, range->size);
			return false;
		}
	}
	return true;
}

/* Bytes of [base, base + size) that are in the map, whatever their kind. */
static uint64_t bytes_present(const struct memory_map *map, uint64_t base, uint64_t size)
{
	uint64_t bytes = 0;
	for (unsigned kind = 0; kind < MEMORY_KIND_COUNT; kind++) {
		bytes += memory_map_bytes_in(map, base, size, (enum memory_kind)kind);
	}
	return bytes;
}

/* How many bytes of RAM became something that the tree does not allow, or are in no range at all. */
static uint64_t bytes_unaccounted(void)
{
	uint64_t wrong = 0;
	for (size_t i = 0; i < machine.memory.count; i++) {
		const struct memory_range *range = &machine.memory.items[i];
		uint64_t right = bytes_present(&handed, range->base, range->size);
		if (range->kind != MEMORY_FREE) {
			/* The tree withholds it: it must have stayed what the tree says. */
			right = memory_map_bytes_in(&handed, range->base, range->size, range->kind);
		}
		if (right != range->size) {
			strata_log("root task: of 0x%lx bytes at 0x%lx (%s), 0x%lx are accounted for",
				   range->size, range->base, kind_names[range->kind], right);
		}
		wrong += range->size - right;
	}
	return wrong;
}

/* Bytes that were handed out although the tree has no RAM there. */
static uint64_t bytes_invented(void)
{
	uint64_t wrong = 0;
	for (size_t i = 0; i < handed.count; i++) {
		const struct memory_range *range = &handed.items[i];
		uint64_t real = bytes_present(&machine.memory, range->base, range->size);
		if (real != range->size) {
			strata_log("root task: 0x%lx bytes at 0x%lx (%s) are not RAM in the device tree",
				   range->size - real, range->base, kind_names[range->kind]);
		}
		wrong += range->size - real;
	}
	return wrong;
}

/* Reads the ends of what was handed over, and writes what may be written: it faults if it is not mapped. */
static void touch(const struct boot_info *info, const struct memory_range *range)
{
	volatile uint64_t *first = (volatile uint64_t *)(uintptr_t)(info->window + range->base);
	volatile uint64_t *last = first + range->size / sizeof(*first) - 1;
	uint64_t first_word = *first, last_word = *last;
	if (range->kind == MEMORY_FREE) {
		*first = first_word;
		*last = last_word;
	}
}

static void touch_all(const struct boot_info *info)
{
	for (size_t i = 0; i < handed.count; i++) {
		enum memory_kind kind = handed.items[i].kind;
		if (kind == MEMORY_FREE || kind == MEMORY_MODULE) {
			touch(info, &handed.items[i]);
		}
	}
}

static void print_split(const struct boot_info *info)
{
	for (size_t i = 0; i < handed.count; i++) {
		const struct memory_range *range = &handed.items[i];
		strata_log("  %012lx to %012lx %10lu KiB  %s", range->base, range->base + range->size,
			   range->size >> 10, kind_names[range->kind]);
	}
	for (unsigned kind = 0; kind < MEMORY_KIND_COUNT; kind++) {
		uint64_t bytes = memory_map_bytes(&handed, (enum memory_kind)kind);
		if (bytes != 0) {
			strata_log("  %-12s %14lu bytes", kind_names[kind], bytes);
		}
	}
	strata_log("  of the kernel's, %lu KiB are its pool, of which %lu KiB are free",
		   info->kernel_pool_size >> 10, info->kernel_pool_free >> 10);
}

bool memory_report(const struct boot_info *info)
{
	if (!read_tree(info) || !read_handed(info)) {
		return false;
	}
	uint64_t total = memory_map_total(&machine.memory);
	strata_log("%s, %lu bytes of RAM, timer at %lu Hz", machine.model, total, info->timer_hz);
	print_split(info);
	uint64_t unaccounted = bytes_unaccounted(), invented = bytes_invented();
	touch_all(info);
	if (info->core_missing != 0) {
		strata_log("root task: %u of %u cores did not start", info->core_missing,
			   info->core_missing + info->core_count);
	}
	if (unaccounted != 0 || invented != 0) {
		strata_log("root task: %lu bytes unaccounted for, %lu invented", unaccounted, invented);
		return false;
	}
	strata_log("up: %u cores, %lu MiB, every byte accounted for", info->core_count, total >> 20);
	return info->core_missing == 0;
}
