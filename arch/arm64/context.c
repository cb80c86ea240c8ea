/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch_frame.h"
#include "insn.h"
#include "sysreg.h"

#include <arch/context.h>

#define TTBR_ASID_SHIFT 48

void arch_frame_init(struct arch_frame *frame, uint64_t pc, uint64_t argument)
{
	*frame = (struct arch_frame){.pc = pc, .pstate = SPSR_EL0};
	frame->x[0] = argument;
}

uint64_t arch_frame_word(const struct arch_frame *frame, unsigned index)
{
	return frame->x[index];
}

void arch_frame_set_word(struct arch_frame *frame, unsigned index, uint64_t value)
{
	frame->x[index] = value;
}

void arch_enter_address_space(uint64_t table_physical, uint32_t asid, uint64_t utcb)
{
	dsb_ishst(); /* entries written before are visible to table walks */
	WRITE_SYSREG(tpidrro_el0, utcb);
	WRITE_SYSREG(ttbr0_el1, table_physical | (uint64_t)asid << TTBR_ASID_SHIFT);
	isb();
}
