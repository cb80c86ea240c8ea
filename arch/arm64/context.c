/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch_frame.h"
#include "handover.h"
#include "insn.h"
#include "pte.h"
#include "sysreg.h"

#include <abi/message.h>
#include <arch/context.h>
#include <arch/fp.h>

#define TTBR_ASID_SHIFT 48

#define INSTRUCTION_SIZE 4

/* PSTATE that user code may choose: N, Z, C, V. */
#define PSTATE_FLAGS (UL(0xf) << 28)

/* TTBR0 while no task's tables are in use: nothing is mapped below. */
static pte_t no_user_tables[PTE_COUNT] __attribute__((aligned(4096)));

_Static_assert(REGISTER_WORD_PSTATE == REGISTER_WORD_SP + 2 && REGISTER_WORDS == 35, "as in the frame");

void arch_frame_init(struct arch_frame *frame, uint64_t pc, uint64_t sp, uint64_t argument, uint64_t tls)
{
	*frame = (struct arch_frame){.sp = sp, .pc = pc, .pstate = SPSR_EL0, .tls = tls};
	frame->x[0] = argument;
}

uint64_t arch_frame_register(const struct arch_frame *frame, unsigned index)
{
	switch (index) {
	case REGISTER_WORD_SP:
		return frame->sp;
	case REGISTER_WORD_PC:
		return frame->pc;
	case REGISTER_WORD_PSTATE:
		return frame->pstate;
	case REGISTER_WORD_TLS:
		return frame->tls;
	default:
		return frame->x[index];
	}
}

void arch_frame_set_register(struct arch_frame *frame, unsigned index, uint64_t value)
{
	switch (index) {
	case REGISTER_WORD_SP:
		frame->sp = value;
		break;
	case REGISTER_WORD_PC:
		frame->pc = value;
		break;
	case REGISTER_WORD_PSTATE:
		frame->pstate = SPSR_EL0 | (value & PSTATE_FLAGS);
		break;
	case REGISTER_WORD_TLS:
		frame->tls = value;
		break;
	default:
		frame->x[index] = value;
	}
}

void arch_frame_repeat_syscall(struct arch_frame *frame)
{
	frame->pc -= INSTRUCTION_SIZE;
}

/* No barrier: ASID and table base are in one register, kernel mappings are global and in TTBR1, no user
 * address is touched before ERET, and ERET synchronises the context (SCTLR_EL1.EOS = 1; Arm ARM, "Context
 * synchronization event"). */
void arch_enter_address_space(uint64_t table_physical, uint32_t asid)
{
	WRITE_SYSREG(ttbr0_el1, table_physical | (uint64_t)asid << TTBR_ASID_SHIFT);
}

/* ASID 0 is no task's. What the core walks speculatively until then, it walks in tables that stay until a round. */
void arch_leave_address_space(void)
{
	WRITE_SYSREG(ttbr0_el1, image_physical(no_user_tables));
	isb();
}

void arch_set_utcb(uint64_t utcb_va)
{
	WRITE_SYSREG(tpidrro_el0, utcb_va);
}

void arch_fp_enable(bool enable)
{
	WRITE_SYSREG(cpacr_el1, enable ? CPACR_FP_ENABLED : 0);
	if (enable) {
		isb(); /* the kernel may be about to move them */
	}
}
