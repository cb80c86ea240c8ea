/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Brings the system up: core 0 prepares, all cores prove that they take timer and inter-processor
 * interrupts, then core 0 starts the root task and the others wait for work.
 */
#include "cpu.h"
#include "entry.h"
#include "factory.h"
#include "info.h"
#include "log.h"
#include "page_alloc.h"
#include "panic.h"
#include "root.h"
#include "selftest.h"

#include <arch/console.h>
#include <arch/cpu.h>
#include <arch/handover.h>
#include <arch/irq.h>
#include <arch/timer.h>

#include <stdbool.h>

/* How long a core may take to start. Under emulation on a busy host a core can be late by seconds. */
#define CORE_PATIENCE_SECONDS 10

/* A core's way to its idle loop, as far as core 0 waits for it; each step is written by that core. */
enum core_progress { CORE_ABSENT, CORE_HAS_TIMER, CORE_RUNNING };

static uint32_t progress[ARCH_CORES_MAX];

/* Set by core 0 when the interrupt controller is ready for the others. */
static uint32_t controller_ready;

static uint64_t patience(void)
{
	return arch_timer_now() + CORE_PATIENCE_SECONDS * arch_timer_hz();
}

/*
 * Waits for the interrupt `wanted`; anything else before it would be unasked for. Polls instead of sleeping: if
 * interrupts do not come at all, core 0 says so, as it does for the others when they are missing.
 */
static void expect_interrupt(uint32_t wanted)
{
	uint32_t intid;
	uint64_t deadline = patience();
	while ((intid = arch_irq_take()) == ARCH_IRQ_NONE) {
		if (arch_core_number() == 0 && arch_timer_now() > deadline) {
			panic("interrupt %u does not come: the device tree's GIC or timer is not the machine's", wanted);
		}
		arch_core_relax();
	}
	if (intid == wanted) {
		arch_timer_stop();
		arch_irq_done(intid);
		return;
	}
	if (intid == ARCH_IPI_HALT) {
		arch_core_halt();
	}
	panic("interrupt %u came where %u was expected", intid, wanted);
}

static void set_progress(uint32_t core, enum core_progress step)
{
	__atomic_store_n(&progress[core], step, __ATOMIC_RELEASE);
}

static bool wait_for_progress(uint32_t core, enum core_progress step, uint64_t deadline)
{
	while (__atomic_load_n(&progress[core], __ATOMIC_ACQUIRE) < step) {
		if (arch_timer_now() > deadline) {
			return false;
		}
		arch_core_relax();
	}
	return true;
}

/* What every core does, in the order in which the others rely on it. */
static void start_core(uint32_t core)
{
	arch_core_leave_boot();
	arch_irq_init_core();
	arch_timer_init_core();
	arch_timer_arm(arch_timer_now());
	expect_interrupt(arch_timer_intid());
	set_progress(core, CORE_HAS_TIMER);
}

/* Core 0: sees that every core came and answers an inter-processor interrupt. Returns how many did. */
static uint32_t gather_cores(uint32_t count)
{
	uint32_t running = 0;
	/* One deadline for all: they start at the same time. Who has come has its own to answer. */
	uint64_t deadline = patience();
	for (uint32_t core = 0; core < count; core++) {
		bool came = wait_for_progress(core, CORE_HAS_TIMER, deadline);
		if (came) {
			arch_core_send(core, ARCH_IPI_WAKE);
			if (core == 0) {
				expect_interrupt(ARCH_IPI_WAKE);
				set_progress(core, CORE_RUNNING);
			}
			came = wait_for_progress(core, CORE_RUNNING, patience());
		}
		if (came) {
			running++;
		} else {
			log_line("core %u did not start within %u s", core, CORE_PATIENCE_SECONDS);
		}
	}
	return running;
}

static _Noreturn void join(uint32_t core)
{
	while (__atomic_load_n(&controller_ready, __ATOMIC_ACQUIRE) == 0) {
		arch_core_relax();
	}
	start_core(core);
	expect_interrupt(ARCH_IPI_WAKE);
	set_progress(core, CORE_RUNNING);
	cpu_leave_kernel(this_cpu()); /* nothing is ready: it waits for work */
}

static _Noreturn void bring_up(struct handover *boot)
{
	arch_console_init(boot);
	log_line("kernel at 0x%lx, %lu KiB of memory for objects", boot->image_va, boot->pool_size >> 10);
	arch_irq_init(&boot->arch);
	arch_timer_init(&boot->arch);
	__atomic_store_n(&controller_ready, 1, __ATOMIC_RELEASE);
	start_core(0);
	uint32_t running = gather_cores(boot->core_count);
	if (running == boot->core_count) {
		/* Nobody is in the boot stage any more. A core that is missing may still come. */
		memory_map_repaint(&boot->memory, MEMORY_BOOT, MEMORY_FREE);
	}
	cpu_count = boot->core_count;
	selftest_run(boot->selftest);
	page_pool_init(boot->keep_physical, boot->pool_physical, boot->pool_physical + boot->pool_size);
	info_publish(running);
	factory_init_root();
	root_start(boot, running);
	cpu_leave_kernel(this_cpu());
}

_Noreturn void kernel_main(uint32_t core, struct handover *boot)
{
	cpu_init(&cpus[core]);
	if (core == 0) {
		bring_up(boot);
	}
	join(core);
}
