/* SPDX-License-Identifier: BSD-2-Clause */
#include "sched.h"

#include "cpu.h"
#include "ipc.h"
#include "irq.h"
#include "panic.h"
#include "entry.h"
#include "selftest.h"

#include <arch/irq.h>
#include <arch/timer.h>

#include <stddef.h>

struct cpu cpus[ARCH_CORES_MAX];
uint32_t cpu_count;

static int compare_deadlines(const struct thread *a, const struct thread *b)
{
	if (a->deadline != b->deadline) {
		return a->deadline < b->deadline ? -1 : 1;
	}
	return (a > b) - (a < b);
}

RB_GENERATE_STATIC(timeout_tree, thread, timeout_node, compare_deadlines)

void cpu_init(struct cpu *cpu)
{
	for (unsigned i = 0; i < SCHED_PRIORITIES; i++) {
		TAILQ_INIT(&cpu->ready[i]);
	}
	RB_INIT(&cpu->timeouts);
	cpu->need_pick = true;
}

/* ---- the ready list ---- */

static void list_insert(struct cpu *cpu, struct sched_context *sc, bool first)
{
	struct sc_list *list = &cpu->ready[sc->priority];
	if (first) {
		TAILQ_INSERT_HEAD(list, sc, node);
	} else {
		TAILQ_INSERT_TAIL(list, sc, node);
	}
	cpu->ready_bits[sc->priority / 64] |= 1ul << sc->priority % 64;
	sc->place = SC_READY;
}

static void list_remove(struct cpu *cpu, struct sched_context *sc)
{
	struct sc_list *list = &cpu->ready[sc->priority];
	TAILQ_REMOVE(list, sc, node);
	if (TAILQ_EMPTY(list)) {
		cpu->ready_bits[sc->priority / 64] &= ~(1ul << sc->priority % 64);
	}
	sc->place = SC_OFF;
}

/* The highest priority with a ready context, or -1. */
static int highest_ready(const struct cpu *cpu)
{
	for (int word = SCHED_PRIORITIES / 64 - 1; word >= 0; word--) {
		if (cpu->ready_bits[word] != 0) {
			return word * 64 + 63 - __builtin_clzl(cpu->ready_bits[word]);
		}
	}
	return -1;
}

void sched_ready(struct cpu *cpu, struct sched_context *sc)
{
	if (sc->place == SC_READY || sc->place == SC_RUNNING) {
		return;
	}
	sched_remove(cpu, sc);
	list_insert(cpu, sc, false);
	if (cpu->sc == NULL || sc->priority > cpu->sc->priority) {
		cpu->need_pick = true;
	}
}

void sched_remove(struct cpu *cpu, struct sched_context *sc)
{
	switch (sc->place) {
	case SC_READY:
		list_remove(cpu, sc);
		break;
	case SC_PARKED:
		TAILQ_REMOVE(sc->parked_list, sc, node);
		sc->place = SC_OFF;
		break;
	case SC_OFF:
		break;
	case SC_RUNNING:
		sched_stop_running(cpu);
		break;
	}
}

/* ---- the running context ---- */

static void charge_running(struct cpu *cpu, uint64_t now)
{
	struct sched_context *sc = cpu->sc;
	sc->time += now - sc->started;
	sc->left = cpu->slice_end > now ? cpu->slice_end - now : 0;
}

static void detach_running(struct cpu *cpu)
{
	charge_running(cpu, arch_timer_now());
	cpu->sc->place = SC_OFF;
	cpu->sc = NULL;
	cpu->current = NULL;
	cpu->need_pick = true;
}

void sched_stop_running(struct cpu *cpu)
{
	if (cpu->sc != NULL) {
		detach_running(cpu);
	}
}

void sched_park_running(struct cpu *cpu, struct thread *thread)
{
	struct sched_context *sc = cpu->sc;
	detach_running(cpu);
	sc->place = SC_PARKED;
	sc->parked_list = &thread->parked;
	TAILQ_INSERT_TAIL(&thread->parked, sc, node); /* in no order: they are woken together */
}

void sched_unpark_all(struct cpu *cpu, struct thread *thread)
{
	struct sched_context *sc;
	while ((sc = TAILQ_FIRST(&thread->parked)) != NULL) {
		sched_ready(cpu, sc);
	}
}

/* Puts the running context back among the ready ones: behind its equals if its slice is used up. */
static void put_back_running(struct cpu *cpu)
{
	struct sched_context *sc = cpu->sc;
	if (sc == NULL) {
		return;
	}
	detach_running(cpu);
	list_insert(cpu, sc, sc->left != 0);
}

void sched_yield(struct cpu *cpu)
{
	cpu->slice_end = 0; /* as if it were used up */
	put_back_running(cpu);
}

void sched_set(struct cpu *cpu, struct sched_context *sc, uint8_t priority, uint64_t slice_ticks)
{
	bool listed = sc->place == SC_READY;
	if (listed) {
		list_remove(cpu, sc);
	}
	sc->priority = priority;
	sc->slice = slice_ticks;
	sc->left = slice_ticks;
	if (listed) {
		list_insert(cpu, sc, false);
	}
	cpu->need_pick = true;
}

/* ---- time ---- */

void sched_arm_timer(struct cpu *cpu)
{
	struct thread *first = RB_MIN(timeout_tree, &cpu->timeouts);
	/* Who must pick will arm it again; until then the end of a slice that is over would only repeat itself. */
	bool runs_on = cpu->sc != NULL && !cpu->need_pick;
	uint64_t next = runs_on ? cpu->slice_end : UINT64_MAX;
	if (first != NULL && first->deadline < next) {
		next = first->deadline;
	}
	if (next == UINT64_MAX) {
		arch_timer_stop();
	} else {
		arch_timer_arm(next);
	}
}

void sched_timeout_insert(struct cpu *cpu, struct thread *thread)
{
	RB_INSERT(timeout_tree, &cpu->timeouts, thread);
	sched_arm_timer(cpu);
}

void sched_timeout_remove(struct cpu *cpu, struct thread *thread)
{
	if (thread->deadline != 0) {
		RB_REMOVE(timeout_tree, &cpu->timeouts, thread);
		thread->deadline = 0;
	}
}

void sched_tick(struct cpu *cpu)
{
	uint64_t now = arch_timer_now();
	struct thread *first;
	while ((first = RB_MIN(timeout_tree, &cpu->timeouts)) != NULL && first->deadline <= now) {
		ipc_timeout(cpu, first);
	}
	if (cpu->sc != NULL && now >= cpu->slice_end) {
		cpu->need_pick = true;
	}
	sched_arm_timer(cpu);
}

/* ---- picking ---- */

static void start_running(struct cpu *cpu, struct sched_context *sc)
{
	list_remove(cpu, sc);
	sc->place = SC_RUNNING;
	sc->started = arch_timer_now();
	cpu->sc = sc;
	if (sc->left == 0) {
		sc->left = sc->slice;
	}
	cpu->slice_end = sc->started + sc->left;
	sched_arm_timer(cpu);
}

/* Nothing is ready: waits for an interrupt that changes that. Nobody's tables are in use meanwhile. */
static void idle(struct cpu *cpu)
{
	uint64_t since = arch_timer_now();
	arch_leave_address_space();
	cpu->space = NULL;
	round_leave_kernel();
	sched_arm_timer(cpu);
	while (highest_ready(cpu) < 0) {
		arch_core_wait();
		kernel_take_interrupts();
		selftest_woken();
	}
	cpu->idle_time += arch_timer_now() - since;
}

void sched_pick(struct cpu *cpu)
{
	const struct thread *before = cpu->current;
	bool wanted_to_run = before != NULL && before->state == THREAD_READY && !before->suspend;
	do {
		put_back_running(cpu);
		while (highest_ready(cpu) < 0) {
			idle(cpu);
		}
		struct sched_context *sc = TAILQ_FIRST(&cpu->ready[highest_ready(cpu)]);
		cpu->need_pick = false;
		start_running(cpu, sc);
	} while (!ipc_run(cpu, ipc_runner_of(cpu->sc)) || cpu->need_pick);
	if (wanted_to_run && before != cpu->current) {
		count(cpu, COUNTER_PREEMPTIONS);
	}
}
