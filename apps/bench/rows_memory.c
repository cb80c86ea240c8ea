/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapping and taking back. The last page of each block is mapped before and stays, so that no tables come or go meanwhile.
 */
#include "bench.h"
#include "object.h"
#include "world.h"

#define PAGES   512
#define LAST    ((PAGES - 1) * PAGE)
#define BATCH   64
#define BATCHES (PAGES / BATCH - 1)
#define SHARERS 64

/* Takes a page with each call. */
static void serve_window(uint64_t argument)
{
	(void)argument;
	strata_utcb()->memory_window = (struct window){FREE_VA, BLOCK};
	for (;;) {
		struct message message = {.tag = TAG_MAKE(STATUS_OK, 0, 0)};
		strata_fast_reply_wait(&message, 0);
	}
}

static void call_item(const struct row *row)
{
	uint64_t memory = row->parameter != 0 ? world_split_memory() : world_memory(BLOCK);
	cap_t task = world_task(), gate = world_server(task, serve_window, 0);
	bench_check(task_map(task, memory + LAST, FREE_VA + LAST, PAGE, PAGE_READ), "last page");
	struct utcb *utcb = strata_utcb();
	for (uint64_t offset = 0; offset < row->count * PAGE; offset += PAGE) {
		struct message message = {.tag = TAG_MAKE(1, 0, 1)};
		bench_begin();
		utcb->items[0].page = ITEM_MEMORY_MAKE(memory + offset, 12, PAGE_READ | PAGE_WRITE);
		utcb->items[0].place = offset;
		strata_fast_call(gate, &message, 0);
		bench_end();
		bench_check(message_status(&message), "call with an item");
	}
}

static void task_map_page(const struct row *row)
{
	cap_t task = world_empty_task();
	for (unsigned i = 0; i < row->count; i += BATCHES) {
		uint64_t memory = world_memory(BLOCK), va = FREE_VA + i * BLOCK;
		bench_check(task_map(task, memory + LAST, va + LAST, PAGE, PAGE_READ), "last page");
		for (uint64_t at = 0; at < BATCHES * BATCH * PAGE; at += BATCH * PAGE) {
			bench_begin();
			enum status status = task_map(task, memory + at, va + at, BATCH * PAGE,
						      PAGE_READ | PAGE_WRITE);
			bench_end();
			bench_check(status, "map");
		}
	}
}

/* All pages of a block, one by one. */
static uint64_t share_block(cap_t task)
{
	uint64_t memory = world_memory(BLOCK);
	bench_check(task_map(task, memory, FREE_VA, LAST, PAGE_READ | PAGE_WRITE), "share");
	bench_check(task_map(task, memory + LAST, FREE_VA + LAST, PAGE, PAGE_READ), "last page");
	return memory;
}

static void unmap_page(const struct row *row)
{
	uint64_t memory = share_block(world_empty_task());
	for (uint64_t at = memory; at < memory + row->count * PAGE; at += PAGE) {
		bench_begin();
		enum status status = task_unmap(CAP(ROOT_CAP_TASK), at, PAGE, 0);
		bench_end();
		bench_check(status, "unmap");
	}
}

static void protect_page(const struct row *row)
{
	uint64_t memory = share_block(world_empty_task());
	for (uint64_t at = memory; at < memory + row->count * PAGE; at += PAGE) {
		bench_begin();
		enum status status = task_unmap(CAP(ROOT_CAP_TASK), at, PAGE, PAGE_READ);
		bench_end();
		bench_check(status, "protect");
	}
}

static void revoke_64(const struct row *row)
{
	uint64_t memory = world_memory(BLOCK);
	for (unsigned i = 0; i < SHARERS; i++) {
		cap_t task = world_empty_task();
		bench_check(task_map(task, memory + LAST, FREE_VA + LAST, PAGE, PAGE_READ),
			    "last page");
		bench_check(task_map(task, memory, FREE_VA, row->count * PAGE, PAGE_READ), "share");
	}
	for (uint64_t at = memory; at < memory + row->count * PAGE; at += PAGE) {
		bench_begin();
		enum status status = task_unmap(CAP(ROOT_CAP_TASK), at, PAGE, 0);
		bench_end();
		bench_check(status, "revoke");
	}
}

/* What a mapping costs the kernel in memory, where all of a block are there. */
static void mapping_bytes(const struct row *row)
{
	uint64_t blocks = row->parameter;
	cap_t task = world_empty_task();
	uint64_t before = world_pool_free();
	for (uint64_t i = 0; i < blocks; i++) {
		uint64_t memory = world_memory(BLOCK), va = FREE_VA + i * BLOCK;
		bench_check(task_map(task, memory, va, LAST, PAGE_READ), "map");
		bench_check(task_map(task, memory + LAST, va + LAST, PAGE, PAGE_READ), "last page");
	}
	bench_value("kernel_bytes_per_mapping", (before - world_pool_free()) / (blocks * PAGES),
		    "bytes");
}

const struct row rows_memory[] = {
	{"call_item",       "main",   call_item,     500,         0 },
	{"call_item_split", "main",   call_item,     500,         1 },
	{"task_map_page",   "main",   task_map_page, 8 * BATCHES, 0 },
	{"unmap_page",      "main",   unmap_page,    500,         0 },
	{"protect_page",    "main",   protect_page,  500,         0 },
	{"revoke_64",       "main",   revoke_64,     64,          0 },
	{"mapping_bytes",   "memory", mapping_bytes, 0,           64},
	{NULL,              NULL,     NULL,          0,           0 },
};
