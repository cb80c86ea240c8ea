/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translation table descriptors: Arm ARM DDI 0487, "VMSAv8-64 translation table format descriptors".
 * 4 KiB granule, 48-bit addresses; stage 1 of the EL1&0 regime. No instruction is issued here.
 */
#pragma once

#include "layout.h"
#include "sysreg.h"

#include <stdint.h>

typedef uint64_t pte_t;

#define PTE_COUNT 512 /* entries in a table */

#define PTE_VALID     (UL(1) << 0)
#define PTE_TABLE     (UL(1) << 1) /* levels 0 to 2: a table; level 3: always set on a page */
#define PTE_ATTR(i)   (UL(i) << 2)
#define PTE_USER      (UL(1) << 6) /* AP[1]: EL0 may access */
#define PTE_READ_ONLY (UL(1) << 7) /* AP[2] */
#define PTE_INNER     (UL(3) << 8) /* SH: inner shareable */
#define PTE_AF        (UL(1) << 10)
#define PTE_NG        (UL(1) << 11)
#define PTE_PXN       (UL(1) << 53)
#define PTE_UXN       (UL(1) << 54)
#define PTE_ADDRESS   UL(0x0000fffffffff000)

/*
 * Bits of user leaves that hardware ignores and software uses: 58 to 55 are reserved for it; 62 to 59 are ignored while
 * TCR_EL1.HWU0nn are 0 (FEAT_HPDS2), and boot leaves them 0.
 */
#define PTE_WRITABLE   (UL(1) << 55) /* the right to write: the first write to a clean page is repaired */
#define PTE_DIRTY      (UL(1) << 56) /* written since the last age */
#define PTE_TRACKED    (UL(1) << 57) /* AF and DIRTY are kept; else both are always set */
#define PTE_SPECIAL    (UL(1) << 58) /* with VALID: the kernel's own; without: held, no access */
#define PTE_EXECUTABLE (UL(1) << 59) /* the right to execute, also where WRITABLE or WINDOW forbids its use */
#define PTE_WINDOW     (UL(1) << 60) /* the rights are for what is mapped from it: nobody executes it here */

/* Physical addresses from here on do not fit a descriptor. */
#define PTE_PHYSICAL_END UL(0x1000000000000)

/* What maps kernel memory: global, referenced, not accessible to EL0, which may not execute it either. */
#define PTE_KERNEL_COMMON (PTE_AF | PTE_INNER | PTE_UXN | PTE_ATTR(MAIR_NORMAL))
#define PTE_KERNEL_RX     (PTE_KERNEL_COMMON | PTE_READ_ONLY)
#define PTE_KERNEL_RO     (PTE_KERNEL_COMMON | PTE_READ_ONLY | PTE_PXN)
#define PTE_KERNEL_RW     (PTE_KERNEL_COMMON | PTE_PXN)
#define PTE_KERNEL_DEVICE (PTE_AF | PTE_UXN | PTE_PXN | PTE_ATTR(MAIR_DEVICE))

/* The one page of the kernel's half that EL0 may read. */
#define PTE_INFORMATION (PTE_KERNEL_RO | PTE_USER)

/* What maps user memory: never executable by the kernel, tagged with the task's ASID. */
#define PTE_USER_COMMON (PTE_AF | PTE_INNER | PTE_NG | PTE_USER | PTE_PXN | PTE_ATTR(MAIR_NORMAL))
#define PTE_USER_RX     (PTE_USER_COMMON | PTE_READ_ONLY)
#define PTE_USER_RO     (PTE_USER_COMMON | PTE_READ_ONLY | PTE_UXN)
#define PTE_USER_RW     (PTE_USER_COMMON | PTE_UXN)

/* log2 of what an entry at `level` (0 to 3) maps. */
static inline unsigned pte_shift(unsigned level)
{
	return 39 - 9 * level;
}

static inline unsigned pte_index(uint64_t va, unsigned level)
{
	return (unsigned)(va >> pte_shift(level)) & (PTE_COUNT - 1);
}

static inline uint64_t pte_address(pte_t pte)
{
	return pte & PTE_ADDRESS;
}

/* True of an entry at levels 0 to 2 that points to a table. */
static inline int pte_is_table(pte_t pte)
{
	return (pte & (PTE_VALID | PTE_TABLE)) == (PTE_VALID | PTE_TABLE);
}

static inline pte_t pte_make_table(uint64_t table_pa)
{
	return table_pa | PTE_TABLE | PTE_VALID;
}

/* A leaf at `level` (1 to 3): attributes are one of the PTE_KERNEL_ or PTE_USER_ sets. */
static inline pte_t pte_make_leaf(uint64_t pa, unsigned level, pte_t attributes)
{
	return pa | attributes | PTE_VALID | (level == 3 ? PTE_TABLE : 0);
}
