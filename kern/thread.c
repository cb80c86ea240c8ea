/* SPDX-License-Identifier: BSD-2-Clause */
#include "thread.h"

#include "cpu.h"
#include "factory.h"
#include "invoke.h"
#include "ipc.h"
#include "irq.h"
#include "mapdb.h"
#include "page_alloc.h"
#include "quota.h"
#include "root.h"
#include "task.h"

#include <arch/timer.h>

#include <stddef.h>

#define DEFAULT_SLICE_US 10000
#define DEFAULT_PRIORITY 0

/* Page 0 is never mapped; the UTCB must be a page of user space. */
static bool is_user_page(uint64_t va)
{
	return va % PAGE_BYTES == 0 && va != 0 && va < 1ul << 48;
}

static enum status make_utcb(struct factory *factory, struct thread *thread)
{
	if (!quota_charge(&factory->quota, PAGE_BYTES)) {
		return STATUS_QUOTA;
	}
	enum status status = STATUS_QUOTA;
	thread->utcb = page_alloc();
	if (thread->utcb != NULL) {
		status = mapdb_add_kernel(&thread->task->space, thread->utcb_va,
					  page_physical(thread->utcb), PAGE_READ | PAGE_WRITE);
		if (status == STATUS_OK) {
			return STATUS_OK;
		}
		page_free(thread->utcb);
	}
	quota_refund(&factory->quota, PAGE_BYTES);
	/* The tables are the task's, the page is the factory's. */
	return status == STATUS_QUOTA && thread->utcb != NULL ? STATUS_KERNEL_QUOTA : status;
}

enum status thread_create(struct factory *factory, struct task *task, uint64_t utcb_va,
			  struct thread **result)
{
	if (!is_user_page(utcb_va)) {
		return STATUS_BAD_RANGE;
	}
	struct thread *thread = factory_alloc(factory, OBJECT_THREAD);
	if (thread == NULL) {
		return STATUS_QUOTA;
	}
	thread->task = task;
	thread->utcb_va = utcb_va;
	enum status status = make_utcb(factory, thread);
	if (status != STATUS_OK) {
		factory_free(&thread->object);
		return status;
	}
	thread->state = THREAD_STOPPED;
	thread->frame_kind = FRAME_FULL;
	thread->sc.thread = thread;
	thread->sc.slice = DEFAULT_SLICE_US * arch_timer_hz() / 1000000;
	thread->sc.left = thread->sc.slice;
	thread->sc.priority = DEFAULT_PRIORITY;
	TAILQ_INIT(&thread->parked);
	LIST_INSERT_HEAD(&task->threads, thread, of_task);
	*result = thread;
	return STATUS_OK;
}

struct sched_context *thread_sc(struct thread *thread)
{
	while (thread->caller != NULL) {
		thread = thread->caller;
	}
	return &thread->sc;
}

/* The context that `thread` runs on does not run it any more: a helper's waits for it, its own is off. */
void thread_stop(struct thread *thread)
{
	struct cpu *cpu = this_cpu();
	struct sched_context *sc = thread_sc(thread);
	thread->state = THREAD_STOPPED;
	if (cpu->current == thread && cpu->sc != sc) {
		sched_park_running(cpu, thread);
	}
	if (sc->place != SC_PARKED) {
		sched_remove(cpu, sc);
	}
}

void thread_suspend(struct thread *thread)
{
	if (thread->state == THREAD_STOPPED) {
		return;
	}
	thread->suspend = true;
	if (thread->state == THREAD_IDLE) {
		thread->idle_when_resumed = true;
		if (thread->gate != NULL) {
			struct gate_slot *slot = &thread->gate->slots[arch_core_number()];
			SLIST_REMOVE(&slot->idle, thread, thread, idle_node);
			TAILQ_INSERT_TAIL(&slot->busy, thread, busy_node);
		}
		thread->state = THREAD_STOPPED;
	} else if (thread->state == THREAD_READY && this_cpu()->current != thread) {
		thread_stop(thread);
	}
}

static void resume_idle(struct cpu *cpu, struct thread *thread)
{
	thread->idle_when_resumed = false;
	ipc_become_idle(cpu, thread);
}

bool thread_resume(struct thread *thread)
{
	struct cpu *cpu = this_cpu();
	bool was_asked_to_stop = thread->suspend;
	thread->suspend = false;
	if (thread->state != THREAD_STOPPED) {
		sched_unpark_all(cpu, thread);
		return was_asked_to_stop;
	}
	if (thread->idle_when_resumed) {
		resume_idle(cpu, thread);
	} else {
		thread->state = THREAD_READY;
		sched_ready(cpu, thread_sc(thread));
	}
	sched_unpark_all(cpu, thread);
	return true;
}

void thread_cancel(struct thread *thread)
{
	struct cpu *cpu = this_cpu();
	switch (thread->state) {
	case THREAD_CALLING:
	case THREAD_IN_CALL:
		ipc_abort_call(cpu, thread, STATUS_CANCELLED);
		break;
	case THREAD_WAITING:
		sched_timeout_remove(cpu, thread);
		ipc_answer(thread, STATUS_CANCELLED, 0);
		thread->state = THREAD_READY;
		sched_ready(cpu, thread_sc(thread));
		sched_unpark_all(cpu, thread);
		break;
	case THREAD_READY:
	case THREAD_IDLE:
	case THREAD_REMOTE:
	case THREAD_STOPPED:
	case THREAD_DEAD:
		break;
	}
}

/* Ends what it waits for and what others wait for from it. */
static void leave_calls(struct cpu *cpu, struct thread *thread)
{
	thread_cancel(thread);
	if (thread->caller != NULL) {
		ipc_abort_call(cpu, thread->caller, STATUS_SERVER_DIED);
	}
	if (thread->gate != NULL) {
		ipc_leave_gate(thread);
	}
}

static void leave_irqs(struct thread *thread)
{
	struct irq *irq;
	while ((irq = LIST_FIRST(&thread->irqs)) != NULL) {
		irq_unbind(irq);
	}
}

static void delete_own_capability(struct capability *capability)
{
	if (capability->word != 0) {
		(void)cap_delete(capability); /* derived, and never derived from: gone at once */
	}
}

static void free_utcb(struct thread *thread)
{
	mapdb_remove_kernel(&thread->task->space, thread->utcb_va);
	page_free(thread->utcb);
	quota_refund(&thread->object.factory->quota, PAGE_BYTES);
}

void thread_destroy(struct thread *thread)
{
	struct cpu *cpu = this_cpu();
	leave_calls(cpu, thread);
	thread->state = THREAD_DEAD;
	if (cpu->current == thread) {
		if (cpu->sc == &thread->sc) {
			sched_stop_running(cpu);
		} else {
			sched_yield(cpu);
		}
	}
	sched_remove(cpu, &thread->sc);
	sched_unpark_all(cpu, thread);
	leave_irqs(thread);
	invoke_abandon(thread);
	delete_own_capability(&thread->pager);
	delete_own_capability(&thread->exception_gate);
	root_forget(thread);
	if (cpu->fp_owner == thread) {
		cpu->fp_owner = NULL;
	}
	LIST_REMOVE(thread, of_task);
	free_utcb(thread);
}

uint64_t thread_register(const struct thread *thread, unsigned index)
{
	/* After a system call the message registers are what the thread will see of x0 to x9. */
	if (thread->frame_kind == FRAME_LIGHT && index <= 18) {
		return index < MSG_COUNT ? thread->msg[index] : 0;
	}
	return arch_frame_register(&thread->frame, index);
}

void thread_set_register(struct thread *thread, unsigned index, uint64_t value)
{
	arch_frame_set_register(&thread->frame, index, value);
}
