/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The translation table entry of a user mapping, as the mapping database sees it: plain numbers in, plain
 * numbers out. Four levels (0 to 3) of tables with 512 entries; leaves at levels 1 (1 GiB), 2 (2 MiB), 3 (4 KiB).
 *
 *   0                                  nothing
 *   ARCH_ENTRY_BROKEN                  nothing, but TLBs may still remember what was: wait until it is 0
 *   valid, to a table                  levels 0 to 2
 *   valid leaf                         a mapping; with PTE_SPECIAL one of the kernel's, that has no slot
 *   bit 0 clear, PTE_SPECIAL, address  a mapping that is held: it can be mapped onward but gives no access
 */
#pragma once

#include "pte.h"

#include <abi/message.h>
#include <insn.h>

#include <stdbool.h>
#include <stdint.h>

#define ARCH_ENTRIES    512
#define ARCH_LEVEL_LAST 3

#define ARCH_ENTRY_BROKEN PTE_TABLE

/* What an entry can know of itself; any combination may be given to arch_entry_leaf(). */
#define ARCH_ENTRY_REFERENCED PTE_AF
#define ARCH_ENTRY_DIRTY      PTE_DIRTY
#define ARCH_ENTRY_TRACKED    PTE_TRACKED
/* Never executed, though what is mapped from it may be. May be given to arch_entry_child(), too. */
#define ARCH_ENTRY_WINDOW     PTE_WINDOW

/* log2 of what an entry at `level` covers, and back: 12, 21, 30. */
static inline unsigned arch_level_order(unsigned level)
{
	return pte_shift(level);
}

static inline unsigned arch_level_of_order(unsigned order)
{
	return order == 12 ? 3 : order == 21 ? 2 : 1;
}

static inline bool arch_entry_is_table(uint64_t entry, unsigned level)
{
	return level != ARCH_LEVEL_LAST && pte_is_table(entry);
}

static inline bool arch_entry_is_held(uint64_t entry)
{
	return (entry & (PTE_VALID | PTE_SPECIAL)) == PTE_SPECIAL;
}

static inline bool arch_entry_is_kernel(uint64_t entry)
{
	return (entry & (PTE_VALID | PTE_SPECIAL)) == (PTE_VALID | PTE_SPECIAL);
}

/* A mapping of any kind: valid leaf, held, or the kernel's. */
static inline bool arch_entry_is_leaf(uint64_t entry, unsigned level)
{
	return (entry & (PTE_VALID | PTE_SPECIAL)) != 0 && !arch_entry_is_table(entry, level);
}

/* Hardware uses it, TLBs may hold it. */
static inline bool arch_entry_is_valid(uint64_t entry)
{
	return (entry & PTE_VALID) != 0;
}

static inline uint64_t arch_entry_table(uint64_t table)
{
	return pte_make_table(table);
}

static inline uint64_t arch_entry_physical(uint64_t entry)
{
	return pte_address(entry);
}

static inline unsigned arch_entry_rights(uint64_t entry)
{
	return PAGE_READ | ((entry & PTE_WRITABLE) != 0 ? PAGE_WRITE : 0) |
	       ((entry & PTE_EXECUTABLE) != 0 ? PAGE_EXECUTE : 0);
}

static inline enum memory_type arch_entry_type(uint64_t entry)
{
	switch (entry & PTE_ATTR(7)) {
	case PTE_ATTR(MAIR_DEVICE):
		return MEMORY_TYPE_DEVICE;
	case PTE_ATTR(MAIR_NONCACHEABLE):
		return MEMORY_TYPE_NONCACHEABLE;
	}
	return MEMORY_TYPE_NORMAL;
}

/*
 * Derives what hardware allows from the software bits. Written means writable, so the first write to a tracked clean
 * page faults. Execution needs the right, and that writing is not among the rights: with SCTLR_EL1.WXN a page
 * that is writable right now would not be executable anyway, but a clean one would. A window is never executed.
 */
static inline uint64_t arch_entry_settle(uint64_t entry)
{
	entry |= PTE_READ_ONLY | PTE_UXN;
	if ((entry & PTE_TRACKED) == 0) {
		entry |= PTE_AF | PTE_DIRTY;
	}
	if ((entry & (PTE_WRITABLE | PTE_DIRTY)) == (PTE_WRITABLE | PTE_DIRTY)) {
		entry &= ~PTE_READ_ONLY;
	}
	if ((entry & (PTE_WRITABLE | PTE_EXECUTABLE | PTE_WINDOW)) == PTE_EXECUTABLE &&
	    (entry & PTE_ATTR(7)) != PTE_ATTR(MAIR_DEVICE)) {
		entry &= ~PTE_UXN;
	}
	return entry;
}

static inline uint64_t arch_entry_with_rights(uint64_t entry, unsigned rights)
{
	entry &= ~(PTE_WRITABLE | PTE_EXECUTABLE);
	entry |= ((rights & PAGE_WRITE) != 0 ? PTE_WRITABLE : 0) |
		 ((rights & PAGE_EXECUTE) != 0 ? PTE_EXECUTABLE : 0);
	return arch_entry_settle(entry);
}

#define ARCH_ENTRY_RIGHTS (PTE_WRITABLE | PTE_EXECUTABLE)

/* The same with another entry's rights. */
static inline uint64_t arch_entry_with_rights_of(uint64_t entry, uint64_t other)
{
	return arch_entry_settle((entry & ~ARCH_ENTRY_RIGHTS) | (other & ARCH_ENTRY_RIGHTS));
}

/* Whether it has a right that `other` has not. */
static inline bool arch_entry_has_more(uint64_t entry, uint64_t other)
{
	return (entry & ~other & ARCH_ENTRY_RIGHTS) != 0;
}

static inline uint64_t arch_entry_with_type(uint64_t entry, enum memory_type type)
{
	entry &= ~(PTE_ATTR(7) | PTE_INNER);
	switch (type) {
	case MEMORY_TYPE_NORMAL:
		entry |= PTE_ATTR(MAIR_NORMAL) | PTE_INNER;
		break;
	case MEMORY_TYPE_NONCACHEABLE:
		entry |= PTE_ATTR(MAIR_NONCACHEABLE);
		break;
	case MEMORY_TYPE_DEVICE:
		entry |= PTE_ATTR(MAIR_DEVICE);
		break;
	}
	return arch_entry_settle(entry);
}

/* The same mapping at another level. Only a level-3 entry has bit 1 set. */
static inline uint64_t arch_entry_at(uint64_t entry, uint64_t physical, unsigned level)
{
	entry &= ~(PTE_ADDRESS | PTE_TABLE);
	return entry | physical | (level == ARCH_LEVEL_LAST ? PTE_TABLE : 0);
}

/* The same mapping of what follows in memory. */
static inline uint64_t arch_entry_next(uint64_t entry, unsigned level)
{
	return entry + (1ul << arch_level_order(level));
}

/* In which bits entries may differ that differ only in what they know of uses: those, and what follows from them. */
#define ARCH_ENTRY_USES (PTE_AF | PTE_DIRTY | PTE_READ_ONLY)

/* A mapping with `known` of REFERENCED, DIRTY, TRACKED, WINDOW. */
static inline uint64_t arch_entry_leaf(uint64_t physical, unsigned level, unsigned rights,
				       enum memory_type type, uint64_t known)
{
	uint64_t entry = PTE_VALID | PTE_NG | PTE_USER | PTE_PXN | known;
	return arch_entry_with_type(
		arch_entry_with_rights(arch_entry_at(entry, physical, level), rights), type);
}

/* The same for a mapping made from `source`: it inherits the memory type, and that uses are tracked; it is no window. */
static inline uint64_t arch_entry_child(uint64_t source, uint64_t physical, unsigned level,
					unsigned rights, uint64_t known)
{
	uint64_t inherited =
		source & (PTE_ATTR(7) | PTE_INNER | PTE_TRACKED | PTE_NG | PTE_USER | PTE_PXN);
	return arch_entry_with_rights(arch_entry_at(inherited | PTE_VALID | known, physical, level),
				      rights);
}

static inline uint64_t arch_entry_hold(uint64_t entry)
{
	return (entry | PTE_SPECIAL) & ~PTE_VALID;
}

static inline uint64_t arch_entry_unhold(uint64_t entry)
{
	return (entry | PTE_VALID) & ~PTE_SPECIAL;
}

static inline uint64_t arch_entry_make_kernel(uint64_t entry)
{
	return entry | PTE_SPECIAL;
}

/* What is known is added, or forgotten (never of an untracked one). */
static inline uint64_t arch_entry_know(uint64_t entry, uint64_t known)
{
	return arch_entry_settle(entry | known);
}

static inline uint64_t arch_entry_forget(uint64_t entry, uint64_t known)
{
	return arch_entry_settle(entry & ~known);
}

/* Whether a TLB that remembers `old` would allow what `new`, the same page, does not. */
static inline bool arch_entry_loses(uint64_t old, uint64_t new)
{
	return ((~old & new) & (PTE_READ_ONLY | PTE_UXN)) != 0;
}

/* What the hardware would allow by this entry: all that is asked for, now. */
static inline bool arch_entry_can(uint64_t entry, unsigned rights)
{
	uint64_t forbidding = ((rights & PAGE_WRITE) != 0 ? PTE_READ_ONLY : 0) |
			      ((rights & PAGE_EXECUTE) != 0 ? PTE_UXN : 0);
	return (entry & forbidding) == 0 && (entry & PTE_AF) != 0;
}

/* What the hardware would allow once the entry is marked referenced and written. */
static inline bool arch_entry_may(uint64_t entry, unsigned rights)
{
	return arch_entry_can(arch_entry_know(entry, PTE_AF | PTE_DIRTY), rights);
}

/* Accesses to entries: single-copy atomic, as table walks are. */
static inline uint64_t arch_entry_load(const uint64_t *entry)
{
	return entry_load(entry);
}

static inline void arch_entry_store(uint64_t *entry, uint64_t value)
{
	entry_store(entry, value);
}

static inline uint64_t arch_entry_exchange(uint64_t *entry, uint64_t value)
{
	return entry_exchange(entry, value);
}

static inline bool arch_entry_swap(uint64_t *entry, uint64_t old, uint64_t value)
{
	return entry_compare_and_swap(entry, old, value);
}
