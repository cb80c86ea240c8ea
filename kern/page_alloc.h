/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool: the pages that kernel objects, page tables and mapping database are made of.
 *
 * The pool consists of blocks of 2 MiB (the first one may be a part of a block). Every block is mapped
 * twice: at KERNEL_DIRECT + physical address, to follow page tables, and in the pool window, where
 * blocks stand one behind the other in the order in which they came: so a page, a capability slot or a
 * mapping slot has a short number (its offset in the window). Both are read-write, never executable,
 * of one memory type; the caches are physically tagged, so the two views agree.
 *
 * Pages are handed out singly (4 KiB) or in aligned pairs (8 KiB). The last 16 KiB of each block hold the page
 * descriptors of the block. Lock: pool, the last in the lock order.
 */
#pragma once

#include <arch/memory.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES 4096ul

#define POOL_BLOCK_BYTES      0x200000ul
#define POOL_BLOCK_PAGES      (POOL_BLOCK_BYTES / PAGE_BYTES)
#define POOL_DESCRIPTOR_BYTES (POOL_BLOCK_PAGES * sizeof(struct page))

/* What is known of a page; whoever has the page says what its fields mean. 32 bytes. */
struct page {
	uint64_t a, b;
	uint32_t c, d, e, f;
};

/* The first block: physical [base, end), of which [base, used) is taken already. `end` is a multiple of
 * 2 MiB. At most 2 GiB in all. */
void page_pool_init(uint64_t base, uint64_t used, uint64_t end);

/* Feeds a block of 2 MiB, that nobody else uses: maps it at both places. False if the window is full, or there is no page left for
 * the kernel's own tables. For one core at a time. */
bool page_pool_feed(uint64_t physical);

/* True if page_pool_feed() would succeed now. */
bool page_pool_has_room(void);

/* A page, or an aligned pair of pages, cleared, as an address in the window; NULL if there is none. Quotas
 * are the caller's business. */
void *page_alloc(void);
void *page_alloc_pair(void);

/* Gives one back at once: nobody may have a pointer to it (round.h). */
void page_free(void *page);
void page_free_pair(void *pair);

/* Between the two views. */
uint64_t page_physical(const void *page);  /* of an address in either view */
void *page_of_physical(uint64_t physical); /* in the window */

static inline void *page_direct(uint64_t physical) /* in the direct map */
{
	return (void *)(ARCH_DIRECT + physical);
}

/* The descriptor of the page that holds `address`, in either view. */
static inline struct page *page_descriptor(const void *address)
{
	uint64_t at = (uint64_t)(uintptr_t)address;
	uint64_t block = at & ~(POOL_BLOCK_BYTES - 1);
	uint64_t index = (at & (POOL_BLOCK_BYTES - 1)) / PAGE_BYTES;
	return (struct page *)(block + POOL_BLOCK_BYTES - POOL_DESCRIPTOR_BYTES) + index;
}

/* The page, in the same view as `descriptor`. */
void *page_of_descriptor(const struct page *descriptor);

/* An address in the window as a number of `1 << shift` bytes from the window's start, and back. */
static inline uint32_t page_number_of(const void *address, unsigned shift)
{
	return (uint32_t)(((uint64_t)(uintptr_t)address - ARCH_POOL) >> shift);
}

static inline void *page_at_number(uint32_t number, unsigned shift)
{
	return (void *)(ARCH_POOL + ((uint64_t)number << shift));
}

/* Bytes in the pool, and of them free. */
uint64_t page_pool_size(void);
uint64_t page_pool_free(void);
