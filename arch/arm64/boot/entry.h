/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What entry.S and the C of the boot stage share.
 */
#pragma once

/* Tables for the identity map: the root and enough below it. Image, tree, initrd, kernel memory, root task and release
 * addresses each take at most 5 tables, or more if they are huge. While the MMU is off only the first few are used: for
 * the image and the tree. Registers take at most 3 each, and have their own share: what else failed, the rescue
 * consoles can be mapped. */
#define EARLY_TABLES    16
#define MEMORY_TABLES   64
#define REGISTER_TABLES 48
#define IDENTITY_TABLES (MEMORY_TABLES + REGISTER_TABLES)

/* struct boot_mmu */
#define MMU_MAIR   0
#define MMU_TCR    8
#define MMU_TTBR0  16
#define MMU_TTBR1  24
#define MMU_SCTLR  32

/* struct boot_secondary */
#define SECONDARY_COUNT      0
#define SECONDARY_HANDOVER   8
#define SECONDARY_ENTRY      16
#define SECONDARY_AFFINITIES 24

#ifndef __ASSEMBLER__

#include <common/machine.h>

#include <stddef.h>
#include <stdint.h>

/* The system registers that turn the MMU on; the boot core's values serve all cores. */
struct boot_mmu {
	uint64_t mair;
	uint64_t tcr;
	uint64_t ttbr0; /* the identity map */
	uint64_t ttbr1; /* the kernel's map; 0 and disabled in tcr until it is built */
	uint64_t sctlr;
};

/* What a secondary core needs, read with its MMU off. */
struct boot_secondary {
	uint64_t count;
	uint64_t handover; /* virtual, for the kernel */
	uint64_t entry;    /* virtual, of the kernel */
	uint64_t affinities[MACHINE_MAX_CORES];
};

_Static_assert(offsetof(struct boot_mmu, tcr) == MMU_TCR, "read by entry.S");
_Static_assert(offsetof(struct boot_mmu, ttbr0) == MMU_TTBR0, "read by entry.S");
_Static_assert(offsetof(struct boot_mmu, ttbr1) == MMU_TTBR1, "read by entry.S");
_Static_assert(offsetof(struct boot_mmu, sctlr) == MMU_SCTLR, "read by entry.S");
_Static_assert(offsetof(struct boot_secondary, handover) == SECONDARY_HANDOVER, "read by entry.S");
_Static_assert(offsetof(struct boot_secondary, entry) == SECONDARY_ENTRY, "read by entry.S");
_Static_assert(offsetof(struct boot_secondary, affinities) == SECONDARY_AFFINITIES, "read by entry.S");

extern struct boot_mmu boot_mmu;
extern struct boot_secondary boot_secondary;

/* 0: an exception is an error. 1: an instruction is being tried. 2: it was, and failed. */
extern volatile uint32_t boot_probing;

/* The exception level at which the boot core was entered. */
extern uint32_t boot_entry_level;

extern const uint8_t boot_kernel_elf[], boot_kernel_elf_end[];

/* Entry points of entry.S. */
void boot_secondary_entry(void);
_Noreturn void boot_enter_kernel(uint64_t handover, uint64_t entry);

/* Called by entry.S, MMU off. */
void boot_relocate(uint64_t image);
void boot_early(uint64_t tree);
_Noreturn void boot_at_el3(void);

/* Called by entry.S, MMU on. */
_Noreturn void boot_main(uint64_t tree);
_Noreturn void boot_exception(uint64_t kind, uint64_t esr, uint64_t elr, uint64_t far);

#endif
