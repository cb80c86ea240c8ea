/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The EL1 virtual timer (Arm ARM, "The Generic Timer in AArch64 state"): works the same with and without a
 * hypervisor below us; CNTVOFF_EL2 is 0 where we set it.
 */
#include "arch_handover.h"
#include "insn.h"

#include <arch/irq.h>
#include <arch/timer.h>

#define CNTV_CTL_ENABLE 1u

static uint32_t intid;

void arch_timer_init(const struct arch_handover *boot)
{
	intid = boot->timer_intid;
}

void arch_timer_init_core(void)
{
	arch_timer_stop();
	arch_irq_enable(intid);
}

uint64_t arch_timer_now(void)
{
	isb(); /* the counter may be read early otherwise */
	return READ_SYSREG(cntvct_el0);
}

uint64_t arch_timer_hz(void)
{
	return READ_SYSREG(cntfrq_el0);
}

uint32_t arch_timer_intid(void)
{
	return intid;
}

void arch_timer_arm(uint64_t deadline)
{
	WRITE_SYSREG(cntv_cval_el0, deadline);
	WRITE_SYSREG(cntv_ctl_el0, CNTV_CTL_ENABLE);
	isb();
}

void arch_timer_stop(void)
{
	WRITE_SYSREG(cntv_ctl_el0, 0);
	isb();
}
