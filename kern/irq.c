/* SPDX-License-Identifier: BSD-2-Clause */
#include "irq.h"

#include "cpu.h"
#include "factory.h"
#include "ipc.h"
#include "thread.h"

#include <arch/irq.h>

#include <stddef.h>

/* Hardware interrupts by number; shared ones only. */
static struct irq *attached[ARCH_IRQ_SPECIAL];

enum status irq_create(struct factory *factory, struct irq **result)
{
	struct irq *irq = factory_alloc(factory, OBJECT_IRQ);
	if (irq == NULL) {
		return STATUS_QUOTA;
	}
	irq->intid = IRQ_NO_INTID;
	*result = irq;
	return STATUS_OK;
}

void irq_destroy(struct irq *irq)
{
	irq_unbind(irq);
	if (irq->intid != IRQ_NO_INTID) {
		arch_irq_disable(irq->intid);
		attached[irq->intid] = NULL;
	}
}

enum status irq_bind(struct irq *irq, struct thread *thread, unsigned bit)
{
	if (irq->thread != NULL || (thread->irq_bits & 1ul << bit) != 0) {
		return STATUS_BUSY;
	}
	irq->thread = thread;
	irq->bit = (uint8_t)bit;
	thread->irq_bits |= 1ul << bit;
	LIST_INSERT_HEAD(&thread->irqs, irq, of_thread);
	if (irq->pending) {
		irq->pending = false;
		ipc_notify(this_cpu(), thread, 1ul << bit);
	}
	return STATUS_OK;
}

void irq_unbind(struct irq *irq)
{
	if (irq->thread != NULL) {
		LIST_REMOVE(irq, of_thread);
		irq->thread->irq_bits &= ~(1ul << irq->bit);
		irq->thread->irq_pending &= ~(1ul << irq->bit);
		irq->thread = NULL;
	}
}

void irq_trigger(struct irq *irq)
{
	if (irq->thread == NULL) {
		irq->pending = true;
	} else {
		ipc_notify(this_cpu(), irq->thread, 1ul << irq->bit);
	}
}

enum status irq_attach(struct irq *irq, uint32_t intid, bool edge)
{
	if (intid < ARCH_IRQ_FIRST_SHARED || intid >= arch_irq_count()) {
		return STATUS_BAD_ARGUMENT;
	}
	if (irq->intid != IRQ_NO_INTID || attached[intid] != NULL) {
		return STATUS_BUSY;
	}
	arch_irq_set_edge(intid, edge);
	irq->intid = intid;
	attached[intid] = irq;
	return STATUS_OK;
}

bool irq_taken(uint32_t intid)
{
	if (intid >= ARCH_IRQ_SPECIAL || attached[intid] == NULL) {
		return false;
	}
	/* Held back until the driver acknowledges it: a level interrupt would come again at once. */
	arch_irq_disable(intid);
	irq_trigger(attached[intid]);
	return true;
}
