/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doors from user mode, and the way back.
 */
#include "entry.h"

#include "cpu.h"
#include "invariants.h"
#include "invoke.h"
#include "ipc.h"
#include "irq.h"
#include "mapdb.h"
#include "panic.h"
#include "round.h"
#include "task.h"

#include <arch/context.h>
#include <arch/cpu.h>
#include <arch/fp.h>
#include <arch/irq.h>
#include <arch/timer.h>

#include <stddef.h>

static void enter_space(struct cpu *cpu, struct space *space)
{
	if (cpu->space != space) {
		cpu->space = space;
		arch_enter_address_space(space->root, space->asid);
	}
}

/* User code of any other thread traps at its first use. */
static void set_fp(struct cpu *cpu, bool enable)
{
	if (cpu->fp_enabled != enable) {
		cpu->fp_enabled = enable;
		arch_fp_enable(enable);
	}
}

static _Noreturn void enter_user(struct cpu *cpu, struct thread *thread)
{
	enter_space(cpu, &thread->task->space);
	set_fp(cpu, cpu->fp_owner == thread);
	arch_set_utcb(thread->utcb_va);
	if (thread->frame_kind == FRAME_LIGHT) {
		arch_return_light(&thread->frame, thread->msg);
	}
	arch_return_full(&thread->frame);
}

/* A thread that was asked to stop does so where it would enter user mode. */
static bool stops_now(struct cpu *cpu)
{
	struct thread *thread = cpu->current;
	if (!thread->suspend) {
		return false;
	}
	thread_stop(thread);
	return true;
}

_Noreturn void cpu_leave_kernel(struct cpu *cpu)
{
	while (cpu->need_pick || cpu->current == NULL || stops_now(cpu)) {
		sched_pick(cpu);
	}
	round_leave_kernel();
	invariants_check(cpu);
	enter_user(cpu, cpu->current);
}

/* ---- system calls ---- */

static void call(struct cpu *cpu, struct thread *thread)
{
	struct capability *capability = cap_lookup(&thread->task->caps, thread->msg[MSG_BADGE]);
	if (capability == NULL) {
		ipc_answer(thread, STATUS_NO_CAPABILITY, 0);
	} else if (cap_object(capability)->kind == OBJECT_GATE) {
		ipc_call(cpu, thread, capability);
	} else {
		invoke_object(cpu, thread, capability);
	}
}

_Noreturn void kernel_syscall(uint32_t operation)
{
	struct cpu *cpu = this_cpu();
	struct thread *thread = cpu->current;
	thread->frame_kind = FRAME_LIGHT;
	switch (operation) {
	case SYSCALL_CALL:
		call(cpu, thread);
		break;
	case SYSCALL_REPLY_WAIT:
		ipc_reply_wait(cpu, thread);
		break;
	case SYSCALL_FORWARD:
		ipc_forward(cpu, thread);
		break;
	case SYSCALL_WAIT:
		ipc_wait(cpu, thread);
		break;
	case SYSCALL_YIELD:
		ipc_answer(thread, STATUS_OK, 0);
		sched_yield(cpu);
		break;
	default:
		ipc_answer(thread, STATUS_NO_OPERATION, 0);
	}
	cpu_leave_kernel(cpu);
}

/* ---- faults and exceptions ---- */

_Noreturn void kernel_fault(uint64_t code, uint64_t address, enum fault_access access)
{
	struct cpu *cpu = this_cpu();
	struct thread *thread = cpu->current;
	thread->frame_kind = FRAME_FULL;
	if (mapdb_repair(&thread->task->space, address, access)) {
		count(cpu, COUNTER_REPAIRS);
	} else {
		thread->fault_address = address;
		thread->fault_access = access;
		thread->exception_code = code;
		thread->exception_address = address;
		ipc_fault_call(cpu, thread);
	}
	cpu_leave_kernel(cpu);
}

_Noreturn void kernel_exception(uint64_t code, uint64_t address)
{
	struct cpu *cpu = this_cpu();
	struct thread *thread = cpu->current;
	thread->frame_kind = FRAME_FULL;
	thread->exception_code = code;
	thread->exception_address = address;
	ipc_exception_call(cpu, thread);
	cpu_leave_kernel(cpu);
}

_Noreturn void kernel_fp_trap(void)
{
	struct cpu *cpu = this_cpu();
	struct thread *thread = cpu->current;
	thread->frame_kind = FRAME_FULL;
	set_fp(cpu, true);
	if (cpu->fp_owner != NULL) {
		arch_fp_save(&cpu->fp_owner->fp);
	}
	arch_fp_load(&thread->fp);
	cpu->fp_owner = thread;
	count(cpu, COUNTER_FP_SWITCHES);
	cpu_leave_kernel(cpu);
}

/* ---- interrupts ---- */

static void handle_interrupt(struct cpu *cpu, uint32_t intid)
{
	if (intid == arch_timer_intid()) {
		sched_tick(cpu);
	} else if (intid == ARCH_IPI_HALT) {
		arch_core_halt();
	} else if (intid != ARCH_IPI_WAKE && !irq_taken(intid)) {
		arch_irq_disable(intid); /* nobody's: it must not come again */
	}
}

void kernel_take_interrupts(void)
{
	struct cpu *cpu = this_cpu();
	uint32_t intid;
	while ((intid = arch_irq_take()) != ARCH_IRQ_NONE) {
		count(cpu, COUNTER_INTERRUPTS);
		handle_interrupt(cpu, intid);
		arch_irq_done(intid);
	}
}

_Noreturn void kernel_irq(void)
{
	struct cpu *cpu = this_cpu();
	cpu->current->frame_kind = FRAME_FULL;
	kernel_take_interrupts();
	cpu_leave_kernel(cpu);
}

bool preempt_pending(void)
{
	return arch_irq_is_pending();
}
