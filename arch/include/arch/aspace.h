/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address translation: what the mapping database may ask of the machine. Tables have four levels (0 to 3) of 512
 * entries; <arch_entry.h> says what an entry looks like. This layer writes and invalidates; it allocates nothing, and
 * frees nothing.
 *
 * Taking an entry away, or changing it to less, on all cores:
 *
 *   arch_entry_exchange(entry, ARCH_ENTRY_BROKEN) ...     up to as many as one likes
 *   arch_tlb_begin(); arch_tlb_page(asid, va) ...; arch_tlb_finish();
 *   arch_entry_store(entry, 0 or a new one) ...
 *
 * Only then does no core use, or remember, what was there (break-before-make: Arm ARM DDI 0487, "Using break-before-make
 * when updating translation table entries"). A new entry where there was none needs arch_entry_publish() only.
 */
#pragma once

#include <arch_entry.h> /* arch_entry_...() */
#include <arch/memory.h>

#include <stdbool.h>
#include <stdint.h>

/* The stores to entries so far are visible to table walks of all cores: those of the retried access too. */
void arch_entry_publish(void);

/* The stores to entries so far come before the invalidations that follow. */
void arch_tlb_begin(void);

/* No core will use what it remembers of the leaf entry that covers `va`, and with arch_tlb_table() of the tables above. */
void arch_tlb_page(uint32_t asid, uint64_t va);
void arch_tlb_table(uint32_t asid, uint64_t va);
void arch_tlb_space(uint32_t asid);

/* Waits until that is so. */
void arch_tlb_finish(void);

/* This core forgets the leaf entry that covers `va`: what it remembers is less than what the entry says now. */
void arch_tlb_page_here(uint32_t asid, uint64_t va);

/* How many address space identifiers there are: 0 to count - 1. 0 is never given to a task. */
uint32_t arch_asid_count(void);

/* Gives the physical address of a cleared page of the pool that becomes a table of the kernel's own; 0 if there is none. */
typedef uint64_t arch_table_source(void);

/* Once, when the pool has pages. False: it has not. */
bool arch_memory_init(arch_table_source *source);

/* Maps a block of 2 MiB for the kernel, in the direct map and `offset` bytes into the pool window. False: no table. */
bool arch_pool_map(uint64_t physical, uint64_t offset, arch_table_source *source);

/* Shows the page at `physical` to all user code of all spaces, at KERNEL_INFO_ADDRESS, for reading. Once. */
void arch_information_map(uint64_t physical);

/* Writes a page of RAM that has no cacheable mapping any more back to memory, and out of all caches. */
void arch_cache_wipe_page(uint64_t physical);
