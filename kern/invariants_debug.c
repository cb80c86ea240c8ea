/* SPDX-License-Identifier: BSD-2-Clause */
#include "invariants.h"

#include "cpu.h"
#include "ipc.h"
#include "mapdb.h"
#include "panic.h"
#include "task.h"

#include <stddef.h>

/* Exits between two checks of everything on the core, and of a whole address space. */
#define EXITS_PER_CORE_CHECK  64
#define EXITS_PER_SPACE_CHECK 4096

#define CHAIN_MAX 64 /* callers above a handler, and those that are helped */

#define HOLDS(name, condition)                                                                     \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			panic("invariant " name " is broken: %s", #condition);                     \
		}                                                                                  \
	} while (0)

/* I2, I4: the links of a chain are mutual, and it ends. */
static void check_chain(const struct thread *thread)
{
	unsigned length = 0;
	for (; thread->callee != NULL; thread = thread->callee) {
		HOLDS("I2", thread->callee->caller == thread);
		HOLDS("I2", thread->state == THREAD_IN_CALL);
		HOLDS("I4", ++length < CHAIN_MAX);
	}
	HOLDS("I2", thread->state != THREAD_IN_CALL);
}

/* I3, I5: every handler of a gate is idle, and then owes nothing and has no time of its own ready; or it is busy. */
static void check_gate(struct gate *gate)
{
	struct gate_slot *slot = &gate->slots[arch_core_number()];
	struct thread *handler;
	SLIST_FOREACH (handler, &slot->idle, idle_node) {
		HOLDS("I3", handler->gate == gate);
		HOLDS("I5", handler->state == THREAD_IDLE && handler->caller == NULL);
		HOLDS("I5", handler->frame_kind == FRAME_LIGHT && handler->sc.place == SC_OFF);
	}
	TAILQ_FOREACH (handler, &slot->busy, busy_node) {
		HOLDS("I3", handler->gate == gate && handler->state != THREAD_IDLE);
	}
}

static void check_parked(const struct thread *thread)
{
	const struct sched_context *sc;
	TAILQ_FOREACH (sc, &thread->parked, node) {
		HOLDS("I1", sc->place == SC_PARKED && sc->parked_list == &thread->parked);
	}
}

static void check_ready(struct cpu *cpu)
{
	const struct sched_context *sc;
	for (unsigned priority = 0; priority < SCHED_PRIORITIES; priority++) {
		bool bit = (cpu->ready_bits[priority / 64] >> priority % 64 & 1) != 0;
		HOLDS("I1", bit == !TAILQ_EMPTY(&cpu->ready[priority]));
		TAILQ_FOREACH (sc, &cpu->ready[priority], node) {
			HOLDS("I1", sc->place == SC_READY && sc->priority == priority && sc != cpu->sc);
			check_chain(sc->thread);
			check_parked(sc->thread);
			if (sc->thread->gate != NULL) {
				check_gate(sc->thread->gate);
			}
		}
	}
}

void invariants_check(struct cpu *cpu)
{
	static uint64_t exits;
	struct thread *current = cpu->current;
	HOLDS("I1", cpu->sc != NULL && cpu->sc->place == SC_RUNNING);
	HOLDS("I2", current->state == THREAD_READY && current->callee == NULL);
	check_chain(cpu->sc->thread);
	check_parked(current);
	if (current->gate != NULL) {
		check_gate(current->gate);
	}
	exits++;
	if (exits % EXITS_PER_CORE_CHECK == 0) {
		check_ready(cpu);
	}
	if (exits % EXITS_PER_SPACE_CHECK == 0) {
		mapdb_check(&current->task->space);
	}
}
