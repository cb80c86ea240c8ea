/* SPDX-License-Identifier: BSD-2-Clause */
#include "gate.h"

#include "cpu.h"
#include "factory.h"
#include "ipc.h"
#include "mapdb.h"
#include "thread.h"

#include <stddef.h>

enum status gate_create(struct factory *factory, bool strict, struct gate **result)
{
	struct gate *gate = factory_alloc(factory, OBJECT_GATE);
	if (gate == NULL) {
		return STATUS_QUOTA;
	}
	gate->strict = strict;
	for (unsigned core = 0; core < ARCH_CORES_MAX; core++) {
		SLIST_INIT(&gate->slots[core].idle);
		TAILQ_INIT(&gate->slots[core].busy);
		TAILQ_INIT(&gate->slots[core].calling);
	}
	*result = gate;
	return STATUS_OK;
}

/* One after the other, with a look for interrupts between two: there may be many. */
static bool release_handlers(struct cpu *cpu, struct gate_slot *slot)
{
	struct thread *handler;
	while ((handler = SLIST_FIRST(&slot->idle)) != NULL) {
		ipc_leave_gate(handler);
		if (preempt_pending()) {
			return false;
		}
	}
	while ((handler = TAILQ_FIRST(&slot->busy)) != NULL) {
		if (handler->caller != NULL) {
			ipc_abort_call(cpu, handler->caller, STATUS_SERVER_DIED);
		}
		ipc_leave_gate(handler);
		if (preempt_pending()) {
			return false;
		}
	}
	return true;
}

static bool refuse_callers(struct cpu *cpu, struct gate_slot *slot)
{
	struct thread *caller;
	while ((caller = TAILQ_FIRST(&slot->calling)) != NULL) {
		ipc_abort_call(cpu, caller, STATUS_SERVER_DIED);
		if (preempt_pending()) {
			return false;
		}
	}
	return true;
}

/* A handler that is IDLE stays in the open wait, for its Irqs. */
bool gate_destroy(struct gate *gate)
{
	struct cpu *cpu = this_cpu();
	struct gate_slot *slot = &gate->slots[arch_core_number()];
	return refuse_callers(cpu, slot) && release_handlers(cpu, slot);
}
