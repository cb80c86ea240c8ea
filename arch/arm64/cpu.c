/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"
#include "handover.h"
#include "layout.h"

#include <arch/context.h>
#include <arch/cpu.h>
#include <kern/entry.h>

struct core arch_cores[ARCH_CORES_MAX];

_Noreturn void arch_start(uint64_t core, struct handover *boot);

_Noreturn void arch_start(uint64_t core, struct handover *boot)
{
	if (core == 0) {
		handover_remember(boot);
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

/* An SError that firmware or the boot stage left pending is taken here and not before: now its report can be seen. */
void arch_core_leave_boot(void)
{
	serror_unmask();
	arch_leave_address_space();
	tlbi_vmalle1(); /* the identity map had ASID 0 */
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
