/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"
#include "handover.h"
#include "layout.h"
#include "pte.h"

#include <arch/cpu.h>
#include <kern/entry.h>

struct core arch_cores[ARCH_CORES_MAX];

/* TTBR0 while no task's tables are in use: nothing is mapped below. */
static pte_t no_user_tables[PTE_COUNT] __attribute__((aligned(4096)));

static uint64_t no_user_tables_physical;

_Noreturn void arch_start(uint64_t core, struct handover *boot);

_Noreturn void arch_start(uint64_t core, struct handover *boot)
{
	if (core == 0) {
		handover_remember(boot);
		no_user_tables_physical = image_physical(no_user_tables);
	}
	kernel_main((uint32_t)core, boot);
}

uint32_t arch_core_number(void)
{
	return (uint32_t)this_core()->number;
}

void arch_core_wait(void)
{
	dsb_sy(); /* device writes that end interrupts are complete before sleeping */
	wfi();
}

void arch_core_relax(void)
{
	cpu_relax();
}

void arch_core_wake_all(void)
{
	dsb_ish();
	sev();
}

/* An SError that firmware or the boot stage left pending is taken here and not before: now its report can be seen. */
void arch_core_leave_boot(void)
{
	serror_unmask();
	WRITE_SYSREG(ttbr0_el1, no_user_tables_physical);
	isb();
	tlbi_vmalle1();
	dsb_nsh();
	isb();
}

_Noreturn void arch_core_halt(void)
{
	irq_mask_all();
	for (;;) {
		wfi();
	}
}
