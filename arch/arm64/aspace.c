/* SPDX-License-Identifier: BSD-2-Clause */
#include "layout.h"

#include <abi/kernel_info.h>
#include <arch/aspace.h>
#include <arch/cpu.h>
#include <insn.h>

#include <stddef.h>

#define TLBI_ASID_SHIFT 48
#define TLBI_VA_MASK    UL(0xfffffffffff) /* VA[55:12] */

#define CTR_DMINLINE_SHIFT 16
#define WORD_BYTES         UL(4)

/* The table of level 3 that maps KV_WIPE and KV_INFO. */
static pte_t *wipe_table;

_Static_assert(KV_INFO == KERNEL_INFO_ADDRESS, "the information page is where the ABI says");
_Static_assert(KV_INFO / BLOCK_SIZE == KV_WIPE / BLOCK_SIZE, "and in the same table");

void arch_entry_publish(void)
{
	dsb_ishst();
}

void arch_tlb_begin(void)
{
	dsb_ishst();
}

static uint64_t tlbi_operand(uint32_t asid, uint64_t va)
{
	return (uint64_t)asid << TLBI_ASID_SHIFT | (va >> PAGE_SHIFT & TLBI_VA_MASK);
}

void arch_tlb_page(uint32_t asid, uint64_t va)
{
	tlbi_vale1is(tlbi_operand(asid, va));
}

void arch_tlb_table(uint32_t asid, uint64_t va)
{
	tlbi_vae1is(tlbi_operand(asid, va));
}

void arch_tlb_space(uint32_t asid)
{
	tlbi_aside1is((uint64_t)asid << TLBI_ASID_SHIFT);
}

/* User code sees the effect after the ERET to it, which is a context synchronization event. */
void arch_tlb_finish(void)
{
	dsb_ish();
}

void arch_tlb_page_here(uint32_t asid, uint64_t va)
{
	dsb_ishst();
	tlbi_vale1(tlbi_operand(asid, va));
	dsb_nsh();
}

uint32_t arch_asid_count(void)
{
	return (READ_SYSREG(tcr_el1) & TCR_AS_16_BITS) != 0 ? 1u << 16 : 1u << 8;
}

/* The kernel's table at `level` for `va`, with those above it; NULL if there is no page for it. */
static pte_t *kernel_table(uint64_t va, unsigned level, arch_table_source *source)
{
	pte_t *table = (pte_t *)(ARCH_DIRECT + pte_address(READ_SYSREG(ttbr1_el1)));
	for (unsigned at = 0; at < level; at++) {
		pte_t *entry = &table[pte_index(va, at)];
		if (*entry == 0) {
			uint64_t page = source();
			if (page == 0) {
				return NULL;
			}
			dsb_ishst(); /* its zeros come before the way to it */
			entry_store(entry, pte_make_table(page));
		}
		table = (pte_t *)(ARCH_DIRECT + pte_address(*entry));
	}
	return table;
}

bool arch_memory_init(arch_table_source *source)
{
	wipe_table = kernel_table(KV_WIPE, 3, source);
	return wipe_table != NULL;
}

bool arch_pool_map(uint64_t physical, uint64_t offset, arch_table_source *source)
{
	uint64_t direct = KV_DIRECT + physical;
	uint64_t window = KV_POOL + offset;
	pte_t *direct_table = kernel_table(direct, 2, source);
	pte_t *window_table = kernel_table(window, 2, source);
	if (direct_table == NULL || window_table == NULL) {
		return false;
	}
	pte_t leaf = pte_make_leaf(physical, 2, PTE_KERNEL_RW);
	entry_store(&direct_table[pte_index(direct, 2)], leaf);
	entry_store(&window_table[pte_index(window, 2)], leaf);
	/* Before the next access of this core; others learn of the block through memory, later. */
	dsb_ish();
	isb();
	return true;
}

/* Nothing was there, so no TLB remembers it; user code comes after an exception return. */
void arch_information_map(uint64_t physical)
{
	entry_store(&wipe_table[pte_index(KV_INFO, 3)], pte_make_leaf(physical, 3, PTE_INFORMATION));
	dsb_ishst();
}

static void wipe_lines(uint64_t va)
{
	uint64_t line = WORD_BYTES << (READ_SYSREG(ctr_el0) >> CTR_DMINLINE_SHIFT & 0xf);
	for (uint64_t at = va; at < va + PAGE_SIZE; at += line) {
		dc_civac(at);
	}
}

void arch_cache_wipe_page(uint64_t physical)
{
	uint64_t va = KV_WIPE + ((uint64_t)arch_core_number() << PAGE_SHIFT);
	pte_t *entry = &wipe_table[pte_index(va, 3)];
	entry_store(entry, pte_make_leaf(physical, 3, PTE_KERNEL_RW));
	dsb_ish();
	isb();
	wipe_lines(va);
	dsb_sy(); /* complete at the point of coherency, also for observers outside of the inner domain */
	/* No other core uses this core's page, but any may remember it from a speculative walk. */
	entry_store(entry, 0);
	dsb_ishst();
	tlbi_vaae1is(tlbi_operand(0, va));
	dsb_ish();
	isb();
}
