/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Irqs: asynchronous events, delivered as bits to the thread that they are bound to.
 */
#pragma once

#include "object.h"

#define IRQ_NO_INTID 0xffffffffu

struct thread;

struct irq {
	struct object object;
	struct thread *thread; /* told; NULL: nobody, the event stays pending here */
	LIST_ENTRY(irq) of_thread;
	uint8_t bit;
	bool pending;          /* fired while nobody was bound */
	uint32_t intid;        /* of the hardware interrupt; IRQ_NO_INTID: none */
};

/* QUOTA. */
enum status irq_create(struct factory *factory, struct irq **result);

/* Unbinds it and holds its hardware interrupt back. Part of object_destroy(). */
void irq_destroy(struct irq *irq);

/* From now on `thread` is told, by `bit` of its set; at once, if the event is pending. BUSY: one of the two has a partner. */
enum status irq_bind(struct irq *irq, struct thread *thread, unsigned bit);

/* What the thread was not told yet is forgotten. */
void irq_unbind(struct irq *irq);

/* The event: tells the thread, or stays pending. */
void irq_trigger(struct irq *irq);

/* Connects a shared hardware interrupt, which stays disabled. BUSY, BAD_ARGUMENT. */
enum status irq_attach(struct irq *irq, uint32_t intid, bool edge);

/* The hardware interrupt `intid` was taken; false if nobody has it. */
bool irq_taken(uint32_t intid);
