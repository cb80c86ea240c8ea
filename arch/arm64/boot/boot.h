/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot stage: from the first instruction to the kernel's. It is a program of its own (boot.elf, flattened to
 * the Image) that carries the kernel's ELF file inside, and whose memory is given back once all
 * cores are in the kernel. It runs with an identity map. docs/boot.md tells it step by step.
 */
#pragma once

#include "entry.h"
#include "../tables.h"

#include "../uart.h"

#include <arch/handover.h>
#include <common/elf.h>
#include <common/machine.h>

#include <stdbool.h>

/* The machine as the tree describes it. */
extern struct machine boot_machine;

/* Ends the boot with one line that says why, on the console of the tree, or on the rescue consoles. */
_Noreturn void boot_failed(const char *message, ...) __attribute__((format(printf, 1, 2)));

/* The console that boot_failed() writes to; without one, it looks for the rescue consoles. */
void boot_console_set(struct uart uart);

/* Whether boot_failed() ends by telling a debugger's semihosting. */
void boot_exit_by_semihosting(bool yes);

/* Maps physical memory where it is; boot_failed() if that clashes. Rounds out to pages. The map is complete on return. */
void boot_map_identity(uint64_t base, uint64_t size, pte_t attributes);

/*
 * Maps the pages of registers, apart from all memory, and returns the address of `base`; just `base` while the MMU is
 * off. 0 if that cannot be.
 */
uint64_t boot_map_registers(uint64_t base, uint64_t size);

/* NULL, or what is wrong with the address in x0 that should be a device tree's. */
extern const char *boot_tree_problem;
/* How many bytes of the tree are mapped. */
extern uint64_t boot_tree_size;

/* Reads a word that may not be there; false if the access was aborted. */
bool boot_probe_read32(uint64_t address, uint32_t *value);

/* True once MMU and caches are on. */
bool boot_mmu_is_on(void);

/* Where everything goes: decided by plan.c, filled by load.c. */
struct boot_plan {
	/* The memory that the kernel keeps: image, stacks, hand-over, tables, then the pool. Aligned to BLOCK_SIZE. */
	uint64_t keep, keep_size;
	uint64_t image, image_size;
	uint64_t stacks;
	uint64_t handover, handover_size;
	uint64_t tables;          /* page tables from here on; what they leave is pool */
	uint64_t root, root_size; /* the root task's program */
};

/* What the plan depends on. */
struct boot_needs {
	uint64_t image_base, image_size; /* the boot stage's own */
	uint64_t kernel_size;            /* the kernel's image in memory */
	uint64_t root_size;              /* the root task's program in memory */
	uint64_t pool_size;              /* 0: max(4 MiB, RAM / 32) */
	size_t core_count;
};

/*
 * Paints `map` (FREE, RESERVED and MODULE, from the tree) with KERNEL, ROOT, BOOT and UNUSABLE, and fills *plan.
 * Returns NULL, or why it cannot: a static sentence.
 */
const char *boot_plan_make(struct memory_map *map, const struct boot_needs *needs, struct boot_plan *plan);

/* Copies the kernel into place, relocates it to `va`, and maps it in `kernel`. */
void boot_load_kernel(const struct elf_file *elf, const struct boot_plan *plan, uint64_t va,
		      struct tables *kernel);

/* Copies the root task's program into place and describes it in *handover. */
void boot_load_root(const struct elf_file *elf, const struct boot_plan *plan, struct handover *handover);

/* Makes the instructions in [base, base + size) visible to instruction fetches of all cores. */
void boot_sync_code(uint64_t base, uint64_t size);

/* Writes the lines of [base, base + size) back to memory, for readers with their caches off. */
void boot_clean_to_memory(const void *base, uint64_t size);

/*
 * Checks what the tree claims against the machine as far as that can be seen from here: what lies where, and whether
 * the devices that the kernel needs answer. boot_failed() with what is wrong.
 */
void boot_check_machine(const struct machine *machine);

/* Whether PSCI answers at all through the conduit that the tree names; boot_failed() if not. */
void boot_check_psci(const struct machine *machine);

/* Starts all cores but this one at boot_secondary_entry. */
void boot_start_cores(const struct machine *machine);

/* The value of `name` in the boot arguments "a=1 b=2": copies it into `value`; false if absent or too long. */
bool boot_option(const char *arguments, const char *name, char *value, size_t size);

/* A size such as 64M, 1G, 4096 or 512K. False if it is none. */
bool boot_parse_size(const char *text, uint64_t *size);
