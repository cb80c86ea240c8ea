/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls to kernel objects: one function per operation of operations.def, found through a table made from it.
 *
 * An operation reads its words from the caller's message and writes its answer there. It returns a status; or RESTART, if
 * an interrupt is pending and it has left in the message registers what is needed to go on.
 */
#include "invoke.h"

#include "coverage.h"
#include "factory.h"
#include "gate.h"
#include "ipc.h"
#include "irq.h"
#include "log.h"
#include "mapdb.h"
#include "page_alloc.h"
#include "panic.h"
#include "task.h"
#include "thread.h"

#include <arch/console.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/timer.h>

#include <stddef.h>
#include <string.h>

#define USER_END (1ul << 48)

struct call {
	struct cpu *cpu;
	struct thread *caller;
	struct capability *capability;
	unsigned words_in, words_out; /* words of the answer */
};

static uint64_t word(const struct call *call, unsigned index)
{
	if (index >= call->words_in) {
		return 0;
	}
	return index < MESSAGE_REGISTERS ? call->caller->msg[index]
					 : __atomic_load_n(&call->caller->utcb->words[index], __ATOMIC_RELAXED);
}

static void answer_word(struct call *call, unsigned index, uint64_t value)
{
	if (index < MESSAGE_REGISTERS) {
		call->caller->msg[index] = value;
	} else {
		call->caller->utcb->words[index] = value;
	}
	if (index >= call->words_out) {
		call->words_out = index + 1;
	}
}

/* The object of a kind that the caller's capability at `index` names. NOT_FOUND, WRONG_OBJECT, NO_RIGHT. */
static enum status argument(const struct call *call, uint64_t index, enum object_kind kind, unsigned rights,
			    struct capability **capability)
{
	*capability = cap_lookup(&call->caller->task->caps, index);
	if (*capability == NULL || cap_object(*capability)->dying) {
		return STATUS_NOT_FOUND;
	}
	if (cap_object(*capability)->kind != kind) {
		return STATUS_WRONG_OBJECT;
	}
	return (cap_rights(*capability) & rights) == rights ? STATUS_OK : STATUS_NO_RIGHT;
}

static bool is_user_range(uint64_t base, uint64_t size)
{
	uint64_t end;
	bool wraps = __builtin_add_overflow(base, size, &end);
	return ((base | size) & (PAGE_BYTES - 1)) == 0 && size != 0 && !wraps && end <= USER_END;
}

static bool is_page_order(uint64_t order)
{
	return order == 12 || order == 21 || order == 30;
}

/* ---- Task ---- */

static struct task *this_task(const struct call *call)
{
	return (struct task *)cap_object(call->capability);
}

static enum status map_next(struct call *call, uint64_t src, uint64_t dst, uint64_t size, uint64_t flags,
			    uint64_t *mapped)
{
	struct map_request request = {
		.src = &call->caller->task->space,
		.src_va = src,
		.dst = &this_task(call)->space,
		.dst_va = dst,
		.rights = (unsigned)(flags & PAGE_RIGHTS),
		.track = (flags & MAP_TRACK) != 0,
		.grant = (flags & MAP_GRANT) != 0,
	};
	if (!mapdb_plan(&request, size)) {
		return STATUS_NOT_MAPPED;
	}
	enum status status = mapdb_prepare(&request);
	if (status == STATUS_OK) {
		status = mapdb_map(&request);
		*mapped = 1ul << request.order;
	}
	return status;
}

/*
 * What is left of a long operation on a task when it meets an interrupt is kept in the thread, and not in its
 * registers, where it could be changed. The call is made again with the same words and goes on; any other one of
 * its kind, the thread's death or the task's, ends it.
 */
void invoke_abandon(struct thread *thread)
{
	struct unfinished *unfinished = &thread->unfinished;
	if (unfinished->task == NULL) {
		return;
	}
	if (unfinished->operation == TASK_UNMAP) {
		mapdb_unmap_abandon(&unfinished->task->space, &unfinished->unmap);
	}
	LIST_REMOVE(thread, unfinished_node);
	unfinished->task = NULL;
}

static bool is_same_operation(const struct call *call, const struct task *task, uint32_t operation)
{
	const struct unfinished *unfinished = &call->caller->unfinished;
	bool same = unfinished->task == task && unfinished->operation == operation;
	for (unsigned i = 0; i < 4; i++) {
		same = same && unfinished->words[i] == word(call, i);
	}
	return same;
}

/* The operation that is to begin, or to go on; it ends when the task dies. */
static struct unfinished *begin_operation_on(const struct call *call, struct task *task, uint32_t operation)
{
	struct thread *caller = call->caller;
	struct unfinished *unfinished = &caller->unfinished;
	if (is_same_operation(call, task, operation)) {
		return unfinished;
	}
	invoke_abandon(caller);
	*unfinished = (struct unfinished){.task = task, .operation = operation};
	for (unsigned i = 0; i < 4; i++) {
		unfinished->words[i] = word(call, i);
	}
	LIST_INSERT_HEAD(&task->unfinished, caller, unfinished_node);
	return unfinished;
}

static struct unfinished *begin_operation(const struct call *call, uint32_t operation)
{
	return begin_operation_on(call, this_task(call), operation);
}

static void end_operation(struct thread *caller)
{
	LIST_REMOVE(caller, unfinished_node);
	caller->unfinished.task = NULL;
}

static enum status op_TASK_MAP(struct call *call)
{
	uint64_t src = word(call, 0), dst = word(call, 1), size = word(call, 2), flags = word(call, 3);
	if ((flags & ~(PAGE_RIGHTS | MAP_GRANT | MAP_TRACK)) != 0 || (flags & PAGE_RIGHTS) == 0) {
		return STATUS_BAD_ARGUMENT;
	}
	if (!is_user_range(src, size) || !is_user_range(dst, size)) {
		return STATUS_BAD_RANGE;
	}
	uint64_t *done = &begin_operation(call, TASK_MAP)->mapped;
	enum status status = STATUS_OK;
	while (*done != size && status == STATUS_OK) {
		uint64_t mapped = 0;
		status = map_next(call, src + *done, dst + *done, size - *done, flags, &mapped);
		if (status == STATUS_OK) {
			*done += mapped;
		}
		if (status == STATUS_OK && *done != size && preempt_pending()) {
			mapdb_publish();
			return RESTART;
		}
	}
	mapdb_publish();
	end_operation(call->caller);
	answer_word(call, 0, *done);
	return status;
}

/*
 * Faults of the task's threads in the range are made again: what a pager answers to one that it took before would arrive
 * in a region that is gone. False: an interrupt is pending; those that are cancelled stay so.
 */
static bool cancel_faults(struct call *call, uint64_t va, uint64_t size)
{
	struct thread *thread;
	LIST_FOREACH (thread, &this_task(call)->threads, of_task) {
		bool faults = thread->call_kind == CALL_FAULT &&
			      (thread->state == THREAD_CALLING || thread->state == THREAD_IN_CALL);
		if (faults && thread->fault_address - va < size) {
			ipc_abort_call(call->cpu, thread, STATUS_CANCELLED);
			if (preempt_pending()) {
				return false;
			}
		}
	}
	return true;
}

static enum status op_TASK_UNMAP(struct call *call)
{
	uint64_t va = word(call, 0), size = word(call, 1), flags = word(call, 2);
	if ((flags & ~(PAGE_RIGHTS | UNMAP_SELF)) != 0) {
		return STATUS_BAD_ARGUMENT;
	}
	if (!is_user_range(va, size)) {
		return STATUS_BAD_RANGE;
	}
	if ((flags & UNMAP_SELF) != 0 && !cancel_faults(call, va, size)) {
		return RESTART;
	}
	struct unmap_report *report = &begin_operation(call, TASK_UNMAP)->unmap;
	if (!mapdb_unmap(&this_task(call)->space, va, size, (flags & UNMAP_SELF) != 0,
			 (unsigned)(flags & PAGE_RIGHTS), report)) {
		return RESTART;
	}
	end_operation(call->caller);
	answer_word(call, 0, report->pages);
	answer_word(call, 1, report->begin);
	answer_word(call, 2, report->end);
	answer_word(call, 3,
		    (report->referenced ? UNMAPPED_REFERENCED : 0) | (report->dirty ? UNMAPPED_DIRTY : 0));
	return STATUS_OK;
}

static enum status op_TASK_AGE(struct call *call)
{
	uint64_t va = word(call, 0), order = word(call, 1), pages = word(call, 2);
	if (!is_page_order(order) || pages > 64) {
		return STATUS_BAD_ARGUMENT;
	}
	if (!is_user_range(va, pages << order) || (va & ((1ul << order) - 1)) != 0) {
		return STATUS_BAD_RANGE;
	}
	struct age_report *report = &begin_operation(call, TASK_AGE)->age;
	if (!mapdb_age(&this_task(call)->space, va, (unsigned)order, (unsigned)pages, word(call, 3) != 0, report)) {
		return RESTART;
	}
	end_operation(call->caller);
	answer_word(call, 0, report->referenced);
	answer_word(call, 1, report->dirty);
	return STATUS_OK;
}

static bool is_user_page(uint64_t va, uint64_t order)
{
	return is_user_range(va & ~((1ul << order) - 1), 1ul << order) && (va & ((1ul << order) - 1)) == 0;
}

static enum status op_TASK_SET_TYPE(struct call *call)
{
	uint64_t order = word(call, 1), type = word(call, 2);
	if (!is_page_order(order) || type > MEMORY_TYPE_DEVICE) {
		return STATUS_BAD_ARGUMENT;
	}
	if (!is_user_page(word(call, 0), order)) {
		return STATUS_BAD_RANGE;
	}
	enum status status;
	struct map_position *at = &begin_operation(call, TASK_SET_TYPE)->type;
	if (!mapdb_set_type(&this_task(call)->space, word(call, 0), (unsigned)order, (enum memory_type)type, at,
			    &status)) {
		return RESTART;
	}
	end_operation(call->caller);
	return status;
}

static enum status op_TASK_SPLIT(struct call *call)
{
	if (!is_user_page(word(call, 0), 12)) {
		return STATUS_BAD_RANGE;
	}
	return mapdb_split(&this_task(call)->space, word(call, 0));
}

static enum status op_TASK_JOIN(struct call *call)
{
	uint64_t order = word(call, 1);
	if (order != 21 && order != 30) {
		return STATUS_BAD_ARGUMENT;
	}
	if (!is_user_page(word(call, 0), order)) {
		return STATUS_BAD_RANGE;
	}
	return mapdb_join(&this_task(call)->space, word(call, 0), (unsigned)order);
}

static enum status op_TASK_ACCOUNT(struct call *call)
{
	const struct quota *quota = this_task(call)->space.quota;
	answer_word(call, 0, quota->limit);
	answer_word(call, 1, quota->used);
	return STATUS_OK;
}

static enum status op_TASK_CAP_DERIVE(struct call *call)
{
	struct capability *parent = cap_lookup(&call->caller->task->caps, word(call, 0)), *slot;
	uint64_t rights = word(call, 2), badge = word(call, 3), flags = word(call, 4);
	if (parent == NULL || cap_object(parent)->dying) {
		return STATUS_NOT_FOUND;
	}
	bool set_badge = (flags & CAP_SET_BADGE) != 0;
	if (rights > RIGHTS_ALL || flags > CAP_SET_BADGE || (set_badge && badge == 0)) {
		return STATUS_BAD_ARGUMENT;
	}
	if (set_badge && cap_object(parent)->kind != OBJECT_GATE) {
		return STATUS_WRONG_OBJECT;
	}
	if (set_badge && parent->badge != 0) {
		return STATUS_BADGED;
	}
	enum status status = cap_slot(&this_task(call)->caps, word(call, 1), &slot);
	if (status == STATUS_OK) {
		cap_derive(parent, slot, (unsigned)rights, set_badge ? badge : 0);
	}
	return status;
}

static enum status op_TASK_CAP_MOVE(struct call *call)
{
	struct capability *from = cap_lookup(&call->caller->task->caps, word(call, 0)), *to;
	if (word(call, 0) == 0 || word(call, 0) >= CAP_INDEX_LIMIT) {
		return STATUS_BAD_ARGUMENT;
	}
	if (from == NULL) {
		return STATUS_NOT_FOUND;
	}
	enum status status = cap_slot(&this_task(call)->caps, word(call, 1), &to);
	if (status == STATUS_OK && !cap_move(from, to)) {
		return STATUS_BUSY;
	}
	return status;
}

static enum status op_TASK_CAP_DELETE(struct call *call)
{
	struct capability *capability = cap_lookup(&this_task(call)->caps, word(call, 0));
	if (capability == NULL) {
		return STATUS_NOT_FOUND;
	}
	if (capability->parent == 0 && cap_object(capability)->factory == NULL) {
		return STATUS_BUSY;
	}
	return cap_delete(capability) ? STATUS_OK : RESTART;
}

static enum status op_TASK_CAP_REVOKE(struct call *call)
{
	struct capability *capability = cap_lookup(&this_task(call)->caps, word(call, 0));
	if (capability == NULL) {
		return STATUS_NOT_FOUND;
	}
	return cap_revoke(capability) ? STATUS_OK : RESTART;
}

static enum status op_TASK_CAP_INFO(struct call *call)
{
	const struct capability *capability = cap_lookup(&this_task(call)->caps, word(call, 0));
	if (capability == NULL) {
		return STATUS_NOT_FOUND;
	}
	answer_word(call, 0, cap_object(capability)->kind);
	answer_word(call, 1, cap_rights(capability));
	answer_word(call, 2, capability->badge);
	return STATUS_OK;
}

/* ---- Thread ---- */

static struct thread *this_thread(const struct call *call)
{
	return (struct thread *)cap_object(call->capability);
}

/* Its registers are its own: it neither runs nor waits for an answer that would change them. */
static bool has_stopped(const struct thread *thread)
{
	return thread->state == THREAD_STOPPED;
}

static enum status op_THREAD_START(struct call *call)
{
	struct thread *thread = this_thread(call);
	if (!has_stopped(thread)) {
		return STATUS_BUSY;
	}
	arch_frame_init(&thread->frame, word(call, 0), word(call, 1), word(call, 2), word(call, 3));
	thread->frame_kind = FRAME_FULL;
	thread->idle_when_resumed = false;
	invoke_abandon(thread); /* the system call that it was to repeat is forgotten with its registers */
	(void)thread_resume(thread);
	return STATUS_OK;
}

static enum status op_THREAD_RESUME(struct call *call)
{
	return thread_resume(this_thread(call)) ? STATUS_OK : STATUS_BUSY;
}

static enum status op_THREAD_SUSPEND(struct call *call)
{
	thread_suspend(this_thread(call));
	return STATUS_OK;
}

static enum status op_THREAD_CANCEL(struct call *call)
{
	thread_cancel(this_thread(call));
	return STATUS_OK;
}

static enum status op_THREAD_READ_REGISTERS(struct call *call)
{
	const struct thread *thread = this_thread(call);
	if (!has_stopped(thread)) {
		return STATUS_BUSY;
	}
	for (unsigned i = 0; i < REGISTER_WORDS; i++) {
		answer_word(call, i, thread_register(thread, i));
	}
	return STATUS_OK;
}

static enum status op_THREAD_WRITE_REGISTERS(struct call *call)
{
	struct thread *thread = this_thread(call);
	if (!has_stopped(thread)) {
		return STATUS_BUSY;
	}
	if (call->words_in < REGISTER_WORDS) {
		return STATUS_BAD_ARGUMENT;
	}
	for (unsigned i = 0; i < REGISTER_WORDS; i++) {
		thread_set_register(thread, i, word(call, i));
	}
	thread->frame_kind = FRAME_FULL;
	thread->idle_when_resumed = false;
	invoke_abandon(thread);
	return STATUS_OK;
}

static enum status set_gate(struct call *call, struct capability *slot)
{
	struct capability *gate = NULL;
	if (word(call, 0) != 0) {
		enum status status = argument(call, word(call, 0), OBJECT_GATE, 0, &gate);
		if (status != STATUS_OK) {
			return status;
		}
	}
	if (slot->word != 0) {
		/* A fault that waits for the old pager is repeated, and goes to the new one. */
		if (this_thread(call)->state == THREAD_CALLING && this_thread(call)->call_cap == slot) {
			ipc_abort_call(call->cpu, this_thread(call), STATUS_CANCELLED);
		}
		(void)cap_delete(slot); /* derived, and never derived from: gone at once */
	}
	if (gate != NULL) {
		cap_derive(gate, slot, RIGHTS_ALL, 0);
	}
	return STATUS_OK;
}

static enum status op_THREAD_SET_PAGER(struct call *call)
{
	return set_gate(call, &this_thread(call)->pager);
}

static enum status op_THREAD_SET_EXCEPTION_GATE(struct call *call)
{
	return set_gate(call, &this_thread(call)->exception_gate);
}

static enum status op_THREAD_BIND(struct call *call)
{
	struct thread *thread = this_thread(call);
	struct capability *capability;
	enum status status = argument(call, word(call, 0), OBJECT_GATE, RIGHT_CONTROL, &capability);
	if (status != STATUS_OK) {
		return status;
	}
	struct gate *gate = (struct gate *)cap_object(capability);
	if (thread->gate != NULL || (gate->task != NULL && gate->task != thread->task)) {
		return STATUS_BUSY;
	}
	ipc_join_gate(thread, gate);
	return STATUS_OK;
}

/* The codes of the ABI are the states, in the same order. */
_Static_assert((int)THREAD_STATE_READY == (int)THREAD_READY && (int)THREAD_STATE_CALLING == (int)THREAD_CALLING &&
		       (int)THREAD_STATE_IN_CALL == (int)THREAD_IN_CALL && (int)THREAD_STATE_IDLE == (int)THREAD_IDLE &&
		       (int)THREAD_STATE_WAITING == (int)THREAD_WAITING &&
		       (int)THREAD_STATE_REMOTE == (int)THREAD_REMOTE &&
		       (int)THREAD_STATE_STOPPED == (int)THREAD_STOPPED,
	       "THREAD.INFO answers with the state");

static enum status op_THREAD_INFO(struct call *call)
{
	const struct thread *thread = this_thread(call);
	uint64_t running = thread->sc.place == SC_RUNNING ? arch_timer_now() - thread->sc.started : 0;
	answer_word(call, 0, (uint64_t)thread->state);
	answer_word(call, 1, thread->sc.priority);
	answer_word(call, 2, arch_core_number());
	answer_word(call, 3, thread->sc.time + running);
	answer_word(call, 4, thread->fault_address);
	return STATUS_OK;
}

/* ---- Irq ---- */

static struct irq *this_irq(const struct call *call)
{
	return (struct irq *)cap_object(call->capability);
}

static enum status op_IRQ_TRIGGER(struct call *call)
{
	irq_trigger(this_irq(call));
	return STATUS_OK;
}

static enum status op_IRQ_BIND(struct call *call)
{
	struct capability *thread;
	enum status status = argument(call, word(call, 0), OBJECT_THREAD, RIGHT_CONTROL, &thread);
	if (status != STATUS_OK) {
		return status;
	}
	if (word(call, 1) > 63) {
		return STATUS_BAD_ARGUMENT;
	}
	return irq_bind(this_irq(call), (struct thread *)cap_object(thread), (unsigned)word(call, 1));
}

static enum status op_IRQ_UNBIND(struct call *call)
{
	irq_unbind(this_irq(call));
	return STATUS_OK;
}

static enum status op_IRQ_MASK(struct call *call)
{
	if (this_irq(call)->intid == IRQ_NO_INTID) {
		return STATUS_BUSY;
	}
	arch_irq_disable(this_irq(call)->intid);
	return STATUS_OK;
}

static enum status op_IRQ_UNMASK(struct call *call)
{
	if (this_irq(call)->intid == IRQ_NO_INTID) {
		return STATUS_BUSY;
	}
	arch_irq_enable(this_irq(call)->intid);
	return STATUS_OK;
}

/* ---- Factory ---- */

static struct factory *this_factory(const struct call *call)
{
	return (struct factory *)cap_object(call->capability);
}

static enum status create_thread(struct call *call, struct thread **thread)
{
	struct capability *task;
	enum status status = argument(call, word(call, 2), OBJECT_TASK, RIGHT_CONTROL, &task);
	if (status != STATUS_OK) {
		return status;
	}
	return thread_create(this_factory(call), (struct task *)cap_object(task), word(call, 3), thread);
}

static enum status create(struct call *call, struct object **object)
{
	struct factory *factory = this_factory(call);
	switch (word(call, 0)) {
	case OBJECT_TASK:
		return task_create(factory, (struct task **)object);
	case OBJECT_THREAD:
		return create_thread(call, (struct thread **)object);
	case OBJECT_GATE:
		return gate_create(factory, word(call, 2) != 0, (struct gate **)object);
	case OBJECT_IRQ:
		return irq_create(factory, (struct irq **)object);
	case OBJECT_FACTORY:
		return factory_create(factory, word(call, 2), (struct factory **)object);
	default:
		return STATUS_BAD_ARGUMENT;
	}
}

static enum status op_FACTORY_CREATE(struct call *call)
{
	struct capability *slot;
	struct object *object = NULL;
	enum status status = cap_slot(&call->caller->task->caps, word(call, 1), &slot);
	if (status == STATUS_OK) {
		status = create(call, &object);
	}
	if (status == STATUS_OK) {
		cap_make_original(slot, object, RIGHTS_ALL);
	}
	return status;
}

static enum status op_FACTORY_ACCOUNT(struct call *call)
{
	answer_word(call, 0, this_factory(call)->quota.limit);
	answer_word(call, 1, this_factory(call)->quota.used);
	return STATUS_OK;
}

static enum status op_FACTORY_SET_LIMIT(struct call *call)
{
	struct capability *child;
	enum status status = argument(call, word(call, 0), OBJECT_FACTORY, 0, &child);
	if (status != STATUS_OK) {
		return status;
	}
	return factory_set_limit(this_factory(call), (struct factory *)cap_object(child), word(call, 1));
}

static enum status op_FACTORY_FEED(struct call *call)
{
	uint64_t va = word(call, 0), physical;
	if (!is_user_page(va, 21)) {
		return STATUS_BAD_RANGE;
	}
	if (!page_pool_has_room()) {
		return STATUS_BUSY;
	}
	enum status status = mapdb_take_root(&call->caller->task->space, va, 21, &physical);
	if (status != STATUS_OK) {
		return status;
	}
	uint64_t before = page_pool_free();
	CHECK(page_pool_feed(physical)); /* there is room */
	factory_feed(this_factory(call), page_pool_free() - before);
	return STATUS_OK;
}

/* ---- Scheduler ---- */

#define SLICE_MIN_US 100
#define SLICE_MAX_US 10000000

static enum status op_SCHEDULER_SET(struct call *call)
{
	struct capability *thread;
	uint64_t core = word(call, 1), priority = word(call, 2), slice_us = word(call, 3);
	enum status status = argument(call, word(call, 0), OBJECT_THREAD, RIGHT_CONTROL, &thread);
	if (status != STATUS_OK) {
		return status;
	}
	if (core != 0 || priority >= SCHED_PRIORITIES || slice_us < SLICE_MIN_US || slice_us > SLICE_MAX_US) {
		return STATUS_BAD_ARGUMENT;
	}
	struct thread *target = (struct thread *)cap_object(thread);
	sched_set(call->cpu, &target->sc, (uint8_t)priority, slice_us * arch_timer_hz() / 1000000);
	return STATUS_OK;
}

static enum status op_SCHEDULER_INFO(struct call *call)
{
	uint64_t core = word(call, 0); /* the answer takes its place */
	if (core >= cpu_count) {
		return STATUS_BAD_ARGUMENT;
	}
	answer_word(call, 0, cpu_count);
	answer_word(call, 1, cpus[core].idle_time);
	return STATUS_OK;
}

/* ---- Icu ---- */

static enum status op_ICU_ATTACH(struct call *call)
{
	struct capability *irq;
	enum status status = argument(call, word(call, 0), OBJECT_IRQ, RIGHT_CONTROL, &irq);
	if (status != STATUS_OK) {
		return status;
	}
	if (word(call, 1) >= ARCH_IRQ_SPECIAL || word(call, 2) > 1) {
		return STATUS_BAD_ARGUMENT;
	}
	return irq_attach((struct irq *)cap_object(irq), (uint32_t)word(call, 1), word(call, 2) == 1);
}

static enum status op_ICU_INFO(struct call *call)
{
	answer_word(call, 0, ARCH_IRQ_FIRST_SHARED);
	answer_word(call, 1, arch_irq_count());
	return STATUS_OK;
}

/* ---- Log and Platform ---- */

/* What the UART's FIFO holds, more or less: between two such parts interrupts are looked for. */
#define LOG_PART 16

/* An operation of the caller's own task, for the purpose of being interrupted. */
#define LOG_OPERATION (1u << 16)

static enum status op_LOG_WRITE(struct call *call)
{
	char text[8 * (MESSAGE_WORDS - 1)];
	uint64_t size = word(call, 0);
	if (call->words_in == 0 || size > 8 * (uint64_t)(call->words_in - 1)) {
		return STATUS_BAD_ARGUMENT;
	}
	for (unsigned i = 1; i < call->words_in; i++) {
		uint64_t part = word(call, i);
		memcpy(&text[8 * (i - 1)], &part, sizeof(part));
	}
	uint64_t *done = &begin_operation_on(call, call->caller->task, LOG_OPERATION)->logged;
	while (*done != size) {
		uint64_t part = size - *done < LOG_PART ? size - *done : LOG_PART;
		log_bytes(text + *done, part);
		*done += part;
		if (*done != size && preempt_pending()) {
			return RESTART;
		}
	}
	end_operation(call->caller);
	return STATUS_OK;
}

static enum status op_PLATFORM_POWER_OFF(struct call *call)
{
	coverage_print();
	arch_power_off((uint32_t)word(call, 0));
}

static enum status op_PLATFORM_RESET(struct call *call)
{
	(void)call;
	arch_power_reset();
}

static enum status op_PLATFORM_COUNTERS(struct call *call)
{
	if (word(call, 0) >= cpu_count) {
		return STATUS_BAD_ARGUMENT;
	}
	const struct cpu *cpu = &cpus[word(call, 0)];
	for (unsigned i = 0; i < COUNTER_COUNT; i++) {
		answer_word(call, i, cpu->counters[i]);
	}
	return STATUS_OK;
}

static enum status op_PLATFORM_POOL(struct call *call)
{
	answer_word(call, 0, page_pool_size());
	answer_word(call, 1, page_pool_free());
	return STATUS_OK;
}

/* ---- dispatch ---- */

struct operation_entry {
	enum status (*run)(struct call *call);
	unsigned right;
};

static const struct operation_entry operations[OBJECT_KINDS][16] = {
#define OPERATION(object, name, number, right, in, out, what) \
	[OBJECT_##object][number] = {op_##object##_##name, RIGHT_##right},
#define REFUSAL(object, name, status, when)
#include <abi/operations.def>
#undef OPERATION
#undef REFUSAL
};

static enum status dispatch(struct call *call, uint32_t label)
{
	unsigned kind = cap_object(call->capability)->kind;
	if (label >= 16 || operations[kind][label].run == NULL) {
		return STATUS_NO_OPERATION;
	}
	const struct operation_entry *entry = &operations[kind][label];
	if ((cap_rights(call->capability) & entry->right) == 0) {
		return STATUS_NO_RIGHT;
	}
	enum status status = entry->run(call);
	if (status != RESTART) {
		coverage_note(kind, label, status);
	}
	return status;
}

void invoke_object(struct cpu *cpu, struct thread *caller, struct capability *capability)
{
	uint64_t tag = caller->msg[MSG_TAG];
	struct call call = {.cpu = cpu, .caller = caller, .capability = capability, .words_in = TAG_WORDS(tag)};
	/* This refuses no deletion that is to go on: that is asked of the task whose table has the original, not of the object. */
	bool gone = cap_object(capability)->dying;
	enum status status = STATUS_NO_CAPABILITY;
	if (!gone) {
		status = call.words_in > MESSAGE_WORDS ? STATUS_BAD_ARGUMENT : dispatch(&call, TAG_LABEL(tag));
	}
	if (status == RESTART) {
		arch_frame_repeat_syscall(&caller->frame);
		count(cpu, COUNTER_RESTARTS);
		return;
	}
	ipc_answer(caller, status, status == STATUS_OK || call.words_out != 0 ? call.words_out : 0);
}
