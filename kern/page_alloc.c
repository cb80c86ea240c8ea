/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A buddy allocator of two sizes: pages and pairs. Free ones are linked in lists through their descriptors, so that
 * a page whose neighbour comes back is found and taken out in a few instructions.
 *
 *   a block of 2 MiB   | page 0 | page 1 | ...                  | page 507 | descriptors of pages 0 to 511 |
 *
 * The descriptors of the last four pages would describe the descriptors themselves: there the block's own data is.
 */
#include "page_alloc.h"

#include "panic.h"
#include "spinlock.h"

#include <arch/aspace.h>

#include <string.h>

#define BLOCK_BYTES      POOL_BLOCK_BYTES
#define BLOCK_PAGES      POOL_BLOCK_PAGES
#define DESCRIPTOR_BYTES POOL_DESCRIPTOR_BYTES
#define WINDOW_BYTES     0x80000000ul
#define PAIR_BYTES       (2 * PAGE_BYTES)

_Static_assert(sizeof(struct page) == 32, "512 of them fill the last 16 KiB of a block");

/* What is known of a block, in place of its last four descriptors. */
struct block {
	uint64_t physical, window;
	uint64_t free[BLOCK_PAGES / 64]; /* a bit for each free page, alone or in a pair */
	uint64_t unused[6];
};

_Static_assert(sizeof(struct block) == DESCRIPTOR_BYTES / PAGE_BYTES * sizeof(struct page),
	       "fits there");

/* Free pages or pairs; window addresses in `a` (next) and `b` (previous) of their descriptors, 0 at the ends. */
struct free_list {
	uint64_t first;
};

/* All guarded by `lock`. */
static struct spinlock lock;
static struct free_list pages, pairs;
static uint64_t window_used; /* bytes of the window that have blocks */
static uint64_t size_bytes, free_bytes;

void *page_of_descriptor(const struct page *descriptor)
{
	uint64_t at = (uint64_t)(uintptr_t)descriptor;
	uint64_t base = at & ~(BLOCK_BYTES - 1);
	uint64_t index = (at - (base + BLOCK_BYTES - DESCRIPTOR_BYTES)) / sizeof(struct page);
	return (void *)(base + index * PAGE_BYTES);
}

static struct block *block_of(uint64_t address)
{
	return (struct block *)((address | (BLOCK_BYTES - 1)) + 1 - sizeof(struct block));
}

uint64_t page_physical(const void *page)
{
	uint64_t at = (uint64_t)(uintptr_t)page;
	return block_of(at)->physical + (at & (BLOCK_BYTES - 1));
}

void *page_of_physical(uint64_t physical)
{
	return (void *)(block_of(ARCH_DIRECT + physical)->window + (physical & (BLOCK_BYTES - 1)));
}

static bool is_free(uint64_t page)
{
	uint64_t index = (page & (BLOCK_BYTES - 1)) / PAGE_BYTES;
	return (block_of(page)->free[index / 64] >> (index % 64) & 1) != 0;
}

/* `count` is 1 or 2; a pair does not cross a word. */
static void mark(uint64_t page, unsigned count, bool now_free)
{
	uint64_t index = (page & (BLOCK_BYTES - 1)) / PAGE_BYTES;
	uint64_t bits = ((1ul << count) - 1) << (index % 64);
	uint64_t *word = &block_of(page)->free[index / 64];
	*word = now_free ? *word | bits : *word & ~bits;
}

static void list_push(struct free_list *list, uint64_t page)
{
	*page_descriptor((void *)page) = (struct page){.a = list->first};
	if (list->first != 0) {
		page_descriptor((void *)list->first)->b = page;
	}
	list->first = page;
}

static void list_remove(struct free_list *list, uint64_t page)
{
	struct page *descriptor = page_descriptor((void *)page);
	if (descriptor->b != 0) {
		page_descriptor((void *)descriptor->b)->a = descriptor->a;
	} else {
		list->first = descriptor->a;
	}
	if (descriptor->a != 0) {
		page_descriptor((void *)descriptor->a)->b = descriptor->b;
	}
	*descriptor = (struct page){0};
}

static void give_page(uint64_t page)
{
	uint64_t buddy = page ^ PAGE_BYTES;
	mark(page, 1, true);
	free_bytes += PAGE_BYTES;
	if (is_free(buddy)) {
		list_remove(&pages, buddy);
		*page_descriptor((void *)page) = (struct page){0};
		list_push(&pairs, page & ~PAGE_BYTES);
	} else {
		list_push(&pages, page);
	}
}

/* From the front of `list`, `count` pages that belong together; 0 if it is empty. */
static uint64_t take(struct free_list *list, unsigned count)
{
	uint64_t page = list->first;
	if (page != 0) {
		list_remove(list, page);
		mark(page, count, false);
		free_bytes -= count * PAGE_BYTES;
	}
	return page;
}

static uint64_t take_page(void)
{
	uint64_t page = take(&pages, 1);
	if (page == 0) {
		page = take(&pairs, 2);
		if (page != 0) {
			give_page(page + PAGE_BYTES);
		}
	}
	return page;
}

static void *cleared(uint64_t page, size_t size)
{
	return page == 0 ? NULL : memset((void *)page, 0, size);
}

void *page_alloc(void)
{
	spinlock_lock(&lock);
	uint64_t page = take_page();
	spinlock_unlock(&lock);
	return cleared(page, PAGE_BYTES);
}

void *page_alloc_pair(void)
{
	spinlock_lock(&lock);
	uint64_t pair = take(&pairs, 2);
	spinlock_unlock(&lock);
	return cleared(pair, PAIR_BYTES);
}

void page_free(void *page)
{
	uint64_t at = (uint64_t)(uintptr_t)page;
	CHECK((at & (PAGE_BYTES - 1)) == 0 && !is_free(at));
	spinlock_lock(&lock);
	give_page(at);
	spinlock_unlock(&lock);
}

void page_free_pair(void *pair)
{
	uint64_t at = (uint64_t)(uintptr_t)pair;
	CHECK((at & (PAIR_BYTES - 1)) == 0 && !is_free(at) && !is_free(at + PAGE_BYTES));
	spinlock_lock(&lock);
	*page_descriptor((void *)(at + PAGE_BYTES)) = (struct page){0};
	mark(at, 2, true);
	list_push(&pairs, at);
	free_bytes += PAIR_BYTES;
	spinlock_unlock(&lock);
}

/* The block at `window` in the window; what lies below `used` of it is taken, the rest but the descriptors is free. */
static void add_block(uint64_t window, uint64_t physical, uint64_t used)
{
	uint64_t end = window + BLOCK_BYTES - DESCRIPTOR_BYTES;
	memset((void *)end, 0, DESCRIPTOR_BYTES);
	block_of(window)->physical = physical;
	block_of(window)->window = window;
	/* Downwards, so that the lowest is given out first. */
	for (uint64_t page = end; page > window + used; page -= PAGE_BYTES) {
		give_page(page - PAGE_BYTES);
	}
}

static uint64_t take_kernel_table(void)
{
	void *page = page_alloc();
	return page == NULL ? 0 : page_physical(page);
}

static uint64_t block_base(uint64_t address)
{
	return address & ~(BLOCK_BYTES - 1);
}

void page_pool_init(uint64_t base, uint64_t used, uint64_t end)
{
	CHECK(block_base(end) == end && base < used && used < end &&
	      end - block_base(base) <= WINDOW_BYTES);
	pages = pairs = (struct free_list){0};
	free_bytes = 0;
	uint64_t to_window = ARCH_POOL - block_base(base);
	uint64_t first = block_base(used);
	if (used - first > BLOCK_BYTES - DESCRIPTOR_BYTES) {
		first += BLOCK_BYTES; /* no room for its descriptors */
	}
	for (uint64_t block = first; block < end; block += BLOCK_BYTES) {
		add_block(to_window + block, block, block < used ? used - block : 0);
	}
	window_used = end - block_base(base);
	size_bytes = end - used;
	CHECK(arch_memory_init(take_kernel_table));
}

/* Room for a block in the window, as its offset; WINDOW_BYTES if there is none. */
static uint64_t take_window(void)
{
	spinlock_lock(&lock);
	uint64_t offset = window_used;
	window_used += offset < WINDOW_BYTES ? BLOCK_BYTES : 0;
	spinlock_unlock(&lock);
	return offset;
}

/* The kernel's tables for a block: levels 1 and 2, at two places. */
#define FEED_TABLES 4

bool page_pool_has_room(void)
{
	return __atomic_load_n(&window_used, __ATOMIC_RELAXED) < WINDOW_BYTES &&
	       page_pool_free() >= FEED_TABLES * PAGE_BYTES;
}

bool page_pool_feed(uint64_t physical)
{
	CHECK(block_base(physical) == physical);
	uint64_t offset = take_window();
	if (offset == WINDOW_BYTES || !arch_pool_map(physical, offset, take_kernel_table)) {
		return false;
	}
	spinlock_lock(&lock);
	add_block(ARCH_POOL + offset, physical, 0);
	size_bytes += BLOCK_BYTES;
	spinlock_unlock(&lock);
	return true;
}

uint64_t page_pool_size(void)
{
	return __atomic_load_n(&size_bytes, __ATOMIC_RELAXED);
}

uint64_t page_pool_free(void)
{
	return __atomic_load_n(&free_bytes, __ATOMIC_RELAXED);
}
