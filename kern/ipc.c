/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls, replies, forwards and waits, in portable C: every case. docs/ipc.md has the whole.
 *
 *        call                      reply
 *   T ----------> H           T <---------- H        T.callee = H, H.caller = T (I2)
 *   READY  ->  IN_CALL        READY    IDLE -> READY -> IDLE
 *
 * The running context leads from its owner along callees to the thread that runs. A thread that finds all handlers
 * busy becomes CALLING and lends its context to one of them; whenever the context is picked, it tries again.
 */
#include "ipc.h"

#include "entry.h"
#include "log.h"
#include "panic.h"
#include "root.h"
#include "task.h"

#include <stddef.h>

#define DEPTH_MAX    16 /* callers above a handler */
#define HELP_MAX     16 /* busy handlers of a gate looked at for one try, */
#define SEARCH_MAX   64 /* and calls that are tried with it */
#define FORWARDS_MAX 16

#define KERNEL_TAG(label, words) (TAG_MAKE(label, words, 0) | TAG_KERNEL)

static struct gate_slot *slot_of(struct gate *gate)
{
	return &gate->slots[arch_core_number()];
}

void ipc_answer(struct thread *thread, enum status status, unsigned words)
{
	for (unsigned i = words; i < MESSAGE_REGISTERS; i++) {
		thread->msg[i] = 0;
	}
	thread->msg[MSG_TAG] = KERNEL_TAG(status, words);
	thread->msg[MSG_BADGE] = 0;
}

/* ---- who runs ---- */

struct thread *ipc_runner_of(struct sched_context *sc)
{
	struct thread *thread = sc->thread;
	while (thread->callee != NULL) {
		thread = thread->callee;
	}
	return thread;
}

/* The running context cannot run `thread` now: if it is the thread's own, it is off, else it waits for the thread. */
static void give_up_context(struct cpu *cpu, struct thread *thread)
{
	if (cpu->sc == thread_sc(thread)) {
		sched_stop_running(cpu);
	} else {
		sched_park_running(cpu, thread);
	}
}

/* ---- waking handlers ---- */

/*
 * The gate has changed: a handler is idle, or one is no more. Contexts that wait for it are parked wherever
 * their search ended, not at the handler that becomes idle: they try again, with those that wait there too.
 */
static void wake_callers(struct cpu *cpu, struct gate_slot *slot)
{
	struct thread *caller;
	TAILQ_FOREACH (caller, &slot->calling, calling_node) {
		struct sched_context *sc = thread_sc(caller);
		struct sc_list *list = sc->parked_list;
		while (sc->place == SC_PARKED) {
			sched_ready(cpu, TAILQ_FIRST(list));
		}
	}
}

static void become_idle(struct cpu *cpu, struct thread *handler)
{
	handler->state = THREAD_IDLE;
	handler->frame_kind = FRAME_LIGHT;
	if (handler->gate != NULL) {
		struct gate_slot *slot = slot_of(handler->gate);
		TAILQ_REMOVE(&slot->busy, handler, busy_node);
		SLIST_INSERT_HEAD(&slot->idle, handler, idle_node);
		wake_callers(cpu, slot);
	}
	sched_unpark_all(cpu, handler);
	if (handler->sc.place == SC_READY) {
		/* It was woken, and others helped it to finish: its next call must not find its own time ready (I5). */
		sched_remove(cpu, &handler->sc);
	}
}

void ipc_become_idle(struct cpu *cpu, struct thread *handler)
{
	become_idle(cpu, handler);
	if (handler->irq_pending != 0) {
		ipc_notify(cpu, handler, 0);
	}
}

static void leave_idle(struct thread *handler)
{
	handler->state = THREAD_READY;
	if (handler->gate != NULL) {
		struct gate_slot *slot = slot_of(handler->gate);
		SLIST_REMOVE(&slot->idle, handler, thread, idle_node);
		TAILQ_INSERT_TAIL(&slot->busy, handler, busy_node);
	}
}

static void deliver_irqs(struct thread *thread, uint64_t bits)
{
	thread->irq_pending &= ~bits;
	ipc_answer(thread, STATUS_OK, 1);
	thread->msg[0] = bits;
	thread->msg[MSG_TAG] = KERNEL_TAG(LABEL_IRQ, 1);
}

void ipc_notify(struct cpu *cpu, struct thread *thread, uint64_t bits)
{
	thread->irq_pending |= bits;
	if (thread->state == THREAD_IDLE && thread->irq_pending != 0) {
		leave_idle(thread);
		deliver_irqs(thread, thread->irq_pending);
		sched_ready(cpu, &thread->sc);
	} else if (thread->state == THREAD_WAITING && (thread->irq_pending & thread->wait_set) != 0) {
		sched_timeout_remove(cpu, thread);
		thread->state = THREAD_READY;
		deliver_irqs(thread, thread->irq_pending & thread->wait_set);
		sched_ready(cpu, thread_sc(thread));
		sched_unpark_all(cpu, thread);
	}
}

void ipc_timeout(struct cpu *cpu, struct thread *thread)
{
	sched_timeout_remove(cpu, thread);
	thread->state = THREAD_READY;
	ipc_answer(thread, STATUS_TIMEOUT, 0);
	sched_ready(cpu, thread_sc(thread));
	sched_unpark_all(cpu, thread);
}

/* ---- messages ---- */

/* Unrolled, this is a load, a select and a store for each register, whatever `words` is. */
static void copy_words(const struct thread *from, struct thread *to, unsigned words)
{
#pragma GCC unroll 8
	for (unsigned i = 0; i < MESSAGE_REGISTERS; i++) {
		to->msg[i] = i < words ? from->msg[i] : 0;
	}
	for (unsigned i = MESSAGE_REGISTERS; i < words; i++) {
		uint64_t word = __atomic_load_n(&from->utcb->words[i], __ATOMIC_RELAXED);
		__atomic_store_n(&to->utcb->words[i], word, __ATOMIC_RELAXED);
	}
}

static void write_word(struct thread *to, unsigned index, uint64_t word)
{
	if (index < MESSAGE_REGISTERS) {
		to->msg[index] = word;
	} else {
		to->utcb->words[index] = word;
	}
}

static uint64_t read_word(const struct thread *from, unsigned index)
{
	return index < MESSAGE_REGISTERS ? from->msg[index]
					 : __atomic_load_n(&from->utcb->words[index], __ATOMIC_RELAXED);
}

static void write_exception(const struct thread *from, struct thread *to)
{
	for (unsigned i = 0; i < EXCEPTION_WORD_X0; i++) {
		write_word(to, i, from->msg[i]);
	}
	for (unsigned i = 0; i < REGISTER_WORDS; i++) {
		write_word(to, EXCEPTION_WORD_X0 + i, arch_frame_register(&from->frame, i));
	}
}

static bool is_tag_valid(uint64_t tag)
{
	return TAG_WORDS(tag) <= MESSAGE_WORDS && TAG_ITEMS(tag) <= MESSAGE_ITEMS;
}

/* What a caller or a server may say in a tag. */
static uint64_t clean_tag(uint64_t tag)
{
	return TAG_MAKE(TAG_LABEL(tag), TAG_WORDS(tag), TAG_ITEMS(tag));
}

/* Moves the request of `caller` to `handler`. On an error nothing has happened. */
static enum status transfer_request(struct thread *caller, struct thread *handler)
{
	uint64_t tag = caller->call_tag;
	if (TAG_ITEMS(tag) != 0) {
		struct destination to = {
			.task = handler->task,
			.utcb = handler->utcb,
			.memory = handler->utcb->memory_window,
			.capabilities = handler->utcb->capability_window,
			.rights = PAGE_RIGHTS,
		};
		enum status status = ipc_move_items(caller, TAG_ITEMS(tag), &to);
		if (status != STATUS_OK) {
			return status;
		}
	}
	if ((tag & TAG_KERNEL) != 0 && TAG_LABEL(tag) == LABEL_EXCEPTION) {
		write_exception(caller, handler);
	} else {
		copy_words(caller, handler, TAG_WORDS(tag));
	}
	handler->msg[MSG_TAG] = tag;
	handler->msg[MSG_BADGE] = caller->call_badge;
	return STATUS_OK;
}

/* ---- calls ---- */

static void connect(struct thread *caller, struct thread *handler)
{
	leave_idle(handler);
	caller->callee = handler;
	handler->caller = caller;
	handler->depth = caller->depth + 1;
	caller->state = THREAD_IN_CALL;
}

/* The call of `caller` to `callee` is over; who runs is the caller's business. */
static void disconnect(struct thread *caller, struct thread *handler)
{
	caller->callee = NULL;
	handler->caller = NULL;
	handler->depth = 0;
}

static void enqueue_calling(struct thread *thread)
{
	if (thread->state != THREAD_CALLING) {
		thread->state = THREAD_CALLING;
		TAILQ_INSERT_TAIL(&slot_of(thread->call_gate)->calling, thread, calling_node);
	}
}

static void dequeue_calling(struct thread *thread)
{
	if (thread->state == THREAD_CALLING) {
		TAILQ_REMOVE(&slot_of(thread->call_gate)->calling, thread, calling_node);
		thread->state = THREAD_READY;
	}
}

static void make_exception(struct cpu *cpu, struct thread *thread, enum exception_reason reason)
{
	count(cpu, COUNTER_EXCEPTIONS);
	thread->call_kind = CALL_EXCEPTION;
	thread->call_tag = KERNEL_TAG(LABEL_EXCEPTION, EXCEPTION_WORDS);
	thread->msg[EXCEPTION_WORD_REASON] = reason;
	thread->msg[EXCEPTION_WORD_CODE] = thread->exception_code;
	thread->msg[EXCEPTION_WORD_ADDRESS] = thread->exception_address;
	thread->msg[EXCEPTION_WORD_STATUS] = thread->fault_status;
	thread->msg[EXCEPTION_WORD_ACCESS] = reason == EXCEPTION_FAULT ? thread->fault_access : 0;
}

/* Aims the call of a fault or exception at the gate that a capability of the thread names; false if there is none. */
static bool aim_at(struct thread *thread, struct capability *capability)
{
	if (capability->word == 0 || cap_object(capability)->dying) {
		return false;
	}
	thread->call_gate = (struct gate *)cap_object(capability);
	thread->call_cap = capability;
	thread->call_badge = capability->badge;
	thread->call_tag |= (uint64_t)cap_rights(capability) << 16;
	thread->forwards = 0;
	thread->window_is_narrow = false;
	return true;
}

/* Nobody resolves it. The kernel speaks only if it is the root task's: nobody else could. */
static void give_up_thread(struct cpu *cpu, struct thread *thread)
{
	if (root_is_thread(thread)) {
		root_died(thread);
	}
	bool running = cpu->current == thread || cpu->current == NULL;
	thread->state = THREAD_STOPPED;
	if (running && cpu->sc != NULL) {
		give_up_context(cpu, thread);
	}
	sched_remove(cpu, thread_sc(thread));
}

/*
 * The call of `thread` cannot be, or will not be, answered. A user's call ends with the status. A fault becomes an exception; true if that is to
 * be called now. An exception that nobody takes stops the thread.
 */
static bool call_failed(struct cpu *cpu, struct thread *thread, enum status status)
{
	dequeue_calling(thread);
	thread->state = THREAD_READY;
	switch (thread->call_kind) {
	case CALL_USER:
		ipc_answer(thread, status, 0);
		return false;
	case CALL_FAULT:
		if (status == STATUS_CANCELLED) {
			return false; /* the instruction is repeated */
		}
		thread->fault_status = status;
		make_exception(cpu, thread, EXCEPTION_FAULT);
		if (aim_at(thread, &thread->exception_gate)) {
			return true;
		}
		give_up_thread(cpu, thread);
		return false;
	case CALL_EXCEPTION:
		if (status == STATUS_CANCELLED) {
			return false;
		}
		give_up_thread(cpu, thread);
		return false;
	}
	return false;
}

enum attempt { ATTEMPT_RUNS, ATTEMPT_FAILED, ATTEMPT_BUSY };

/* Tries the call of `thread` once: it is delivered, fails, or finds all handlers busy. */
static enum attempt try_call(struct cpu *cpu, struct thread *thread, enum status *status)
{
	struct gate *gate = thread->call_gate;
	struct gate_slot *slot = slot_of(gate);
	struct thread *handler = SLIST_FIRST(&slot->idle);
	if (handler == NULL) {
		*status = gate->handlers == 0 ? STATUS_NO_HANDLER : STATUS_NO_LOCAL_HANDLER;
		return TAILQ_EMPTY(&slot->busy) ? ATTEMPT_FAILED : ATTEMPT_BUSY;
	}
	*status = STATUS_DEADLOCK;
	if (thread->depth + 1 > DEPTH_MAX) {
		return ATTEMPT_FAILED;
	}
	*status = transfer_request(thread, handler);
	if (*status != STATUS_OK) {
		return ATTEMPT_FAILED;
	}
	dequeue_calling(thread);
	connect(thread, handler);
	cpu->current = handler;
	count(cpu, COUNTER_CALLS);
	return ATTEMPT_RUNS;
}

/* The restart of a system call whose items met an interrupt: user mode is entered, and SVC made again. */
static void repeat_call(struct cpu *cpu, struct thread *thread)
{
	dequeue_calling(thread);
	thread->state = THREAD_READY;
	arch_frame_repeat_syscall(&thread->frame);
	count(cpu, COUNTER_RESTARTS);
	cpu->current = thread;
}

/*
 * Who could get a call done, from whoever makes it on: a thread that wants in waits for any handler of its gate, so for the ends of
 * their chains of calls, which may want in elsewhere.
 */
struct search {
	struct thread *wanting[SEARCH_MAX]; /* whose calls are to be tried, each once */
	unsigned count;
	struct thread *blocked;  /* the first that was found to wait for something else */
};

static void search_add(struct cpu *cpu, struct search *search, struct thread *thread)
{
	thread->search = cpu->search;
	if (search->count < SEARCH_MAX) {
		search->wanting[search->count++] = thread;
	}
}

/* Adds the handlers that `thread` waits for; returns one that can run, NULL if there is none. */
static struct thread *search_handlers(struct cpu *cpu, struct search *search, const struct thread *thread)
{
	struct thread *handler;
	unsigned looked_at = 0;
	TAILQ_FOREACH (handler, &slot_of(thread->call_gate)->busy, busy_node) {
		struct thread *last = handler;
		while (last->callee != NULL) {
			last = last->callee;
		}
		if (last->state == THREAD_READY && !last->suspend) {
			return last;
		}
		if (last->state == THREAD_CALLING) {
			if (last->search != cpu->search) {
				search_add(cpu, search, last);
			}
		} else if (search->blocked == NULL) {
			search->blocked = last;
		}
		if (++looked_at == HELP_MAX) {
			break;
		}
	}
	return NULL;
}

/* Nobody who can run was found. If all wait for each other, this is where the ring is cut. */
static void search_failed(struct cpu *cpu, const struct search *search, struct thread *first)
{
	if (search->blocked != NULL) {
		sched_park_running(cpu, search->blocked);
		return;
	}
	cpu->current = first;
	if (call_failed(cpu, first, STATUS_DEADLOCK)) {
		enqueue_calling(first); /* the exception call is tried when the context is picked next */
		sched_yield(cpu);
	}
}

/*
 * Goes on with the call of `first` on the running context, until somebody runs on it or it is given up.
 * A handler that is busy because it itself waits for a gate has its call tried in turn.
 */
static void go_on_with_call(struct cpu *cpu, struct thread *first)
{
	struct search search; /* not cleared as a whole: that would be half of a call's cost */
	search.count = 0;
	search.blocked = NULL;
	cpu->search++;
	search_add(cpu, &search, first);
	for (unsigned next = 0; next < search.count; next++) {
		struct thread *thread = search.wanting[next];
		enum status status;
		enum attempt attempt = try_call(cpu, thread, &status);
		if (attempt == ATTEMPT_FAILED && status == RESTART) {
			repeat_call(cpu, thread);
			return;
		}
		if (attempt == ATTEMPT_FAILED) {
			cpu->current = thread;
			if (!call_failed(cpu, thread, status)) {
				return; /* it runs with the error, or was stopped */
			}
			next--; /* a fault: now its exception gate */
			continue;
		}
		if (attempt == ATTEMPT_RUNS) {
			return;
		}
		enqueue_calling(thread);
		struct thread *busy = search_handlers(cpu, &search, thread);
		if (busy != NULL) {
			cpu->current = busy;
			count(cpu, COUNTER_HELPED);
			return;
		}
	}
	search_failed(cpu, &search, first);
}

bool ipc_run(struct cpu *cpu, struct thread *thread)
{
	switch (thread->state) {
	case THREAD_READY:
		if (thread->suspend) {
			cpu->current = thread;
			give_up_context(cpu, thread);
			thread->state = THREAD_STOPPED;
			return false;
		}
		cpu->current = thread;
		return true;
	case THREAD_CALLING:
		go_on_with_call(cpu, thread);
		return cpu->current != NULL;
	case THREAD_IN_CALL:
	case THREAD_IDLE:
	case THREAD_WAITING:
	case THREAD_REMOTE:
	case THREAD_STOPPED:
	case THREAD_DEAD:
		break;
	}
	give_up_context(cpu, thread);
	return false;
}

void ipc_call(struct cpu *cpu, struct thread *caller, struct capability *capability)
{
	uint64_t tag = caller->msg[MSG_TAG];
	if (!is_tag_valid(tag)) {
		ipc_answer(caller, STATUS_BAD_ARGUMENT, 0);
		return;
	}
	caller->call_kind = CALL_USER;
	caller->call_tag = clean_tag(tag);
	if (!aim_at(caller, capability)) {
		ipc_answer(caller, STATUS_NO_CAPABILITY, 0);
		return;
	}
	go_on_with_call(cpu, caller);
}

void ipc_fault_call(struct cpu *cpu, struct thread *thread)
{
	count(cpu, COUNTER_FAULTS);
	thread->call_kind = CALL_FAULT;
	thread->call_tag = KERNEL_TAG(LABEL_FAULT, FAULT_WORDS);
	thread->msg[FAULT_WORD_ADDRESS] = thread->fault_address;
	thread->msg[FAULT_WORD_PC] = arch_frame_register(&thread->frame, REGISTER_WORD_PC);
	thread->msg[FAULT_WORD_ACCESS] = thread->fault_access;
	if (aim_at(thread, &thread->pager) || call_failed(cpu, thread, STATUS_NO_CAPABILITY)) {
		go_on_with_call(cpu, thread);
	}
}

void ipc_exception_call(struct cpu *cpu, struct thread *thread)
{
	thread->fault_status = STATUS_OK;
	make_exception(cpu, thread, EXCEPTION_TRAP);
	if (aim_at(thread, &thread->exception_gate)) {
		go_on_with_call(cpu, thread);
	} else {
		give_up_thread(cpu, thread);
	}
}

/* ---- replies ---- */

static struct window intersect(struct window outer, struct window inner)
{
	if (inner.base > outer.size || inner.size > outer.size - inner.base) {
		return (struct window){0, 0};
	}
	return (struct window){outer.base + inner.base, inner.size};
}

/* Where the memory of a reply to `caller` may go. */
static struct window reply_window(const struct thread *caller)
{
	if (caller->window_is_narrow) {
		return caller->window;
	}
	if (caller->call_kind == CALL_FAULT) {
		return (struct window){0, 1ul << 48};
	}
	return caller->utcb->memory_window;
}

static unsigned reply_rights(const struct thread *caller)
{
	return caller->window_is_narrow ? caller->window_rights : PAGE_RIGHTS;
}

static enum status transfer_reply_items(struct thread *handler, struct thread *caller, unsigned items)
{
	bool user = caller->call_kind == CALL_USER;
	struct destination to = {
		.task = caller->task,
		.utcb = user ? caller->utcb : NULL,
		.memory = reply_window(caller),
		.rights = reply_rights(caller),
		.fault = caller->call_kind == CALL_FAULT,
		.fault_write = caller->fault_access == FAULT_WRITE,
	};
	if (user) {
		to.capabilities = caller->utcb->capability_window;
	}
	return ipc_move_items(handler, items, &to);
}

static void read_registers(const struct thread *handler, struct thread *caller)
{
	for (unsigned i = 0; i < REGISTER_WORDS; i++) {
		arch_frame_set_register(&caller->frame, i, read_word(handler, EXCEPTION_WORD_X0 + i));
	}
}

/* Gives the answer to a caller whose items have arrived. Returns what remains of an unresolved fault or exception: the status
 * with which its call failed. */
static enum status transfer_reply(struct thread *handler, struct thread *caller, uint64_t tag)
{
	switch (caller->call_kind) {
	case CALL_USER:
		copy_words(handler, caller, TAG_WORDS(tag));
		caller->msg[MSG_TAG] = tag;
		caller->msg[MSG_BADGE] = 0;
		return STATUS_OK;
	case CALL_FAULT:
		return TAG_LABEL(tag) < (uint32_t)STATUS_COUNT ? (enum status)TAG_LABEL(tag) : STATUS_BAD_ARGUMENT;
	case CALL_EXCEPTION:
		if (TAG_LABEL(tag) == STATUS_OK && TAG_WORDS(tag) >= EXCEPTION_WORDS) {
			read_registers(handler, caller);
		}
		return TAG_LABEL(tag) == STATUS_OK ? STATUS_OK : STATUS_BAD_ARGUMENT;
	}
	return STATUS_OK;
}

/* `caller` has its answer, or the error that came instead, and goes on: on the running context if that is its
 * own, else when its own is picked. */
static void resume_caller(struct cpu *cpu, struct thread *caller, enum status status)
{
	struct sched_context *sc = thread_sc(caller);
	bool here = sc == cpu->sc;
	caller->state = THREAD_READY;
	if (here) {
		cpu->current = caller;
	}
	if (status != STATUS_OK && call_failed(cpu, caller, status)) {
		if (here) {
			go_on_with_call(cpu, caller);
			return;
		}
		enqueue_calling(caller);
	}
	if (!here && caller->state != THREAD_STOPPED) {
		sched_ready(cpu, sc);
		cpu->need_pick = true;
	}
}

/* The running context is not the caller's, so it was the handler's own or a helper's: the latter tries its own call again. */
static void leave_context_of(struct cpu *cpu, struct thread *handler)
{
	if (cpu->sc == NULL) {
		return;
	}
	if (cpu->sc == &handler->sc) {
		if (handler->state == THREAD_IDLE) {
			sched_stop_running(cpu);
		} else {
			cpu->need_pick = true;
		}
	} else {
		sched_yield(cpu);
	}
}

/* Ends the call to `handler`, which then is in the open wait. */
static void finish_call(struct cpu *cpu, struct thread *handler, struct thread *caller, enum status status)
{
	bool callers_context = thread_sc(caller) == cpu->sc;
	disconnect(caller, handler);
	ipc_become_idle(cpu, handler);
	if (!callers_context) {
		leave_context_of(cpu, handler);
	}
	resume_caller(cpu, caller, status);
}

static void wait_without_caller(struct cpu *cpu, struct thread *handler)
{
	ipc_become_idle(cpu, handler);
	leave_context_of(cpu, handler);
}

void ipc_reply_wait(struct cpu *cpu, struct thread *handler)
{
	struct thread *caller = handler->caller;
	uint64_t tag = handler->msg[MSG_TAG];
	if (!is_tag_valid(tag)) {
		ipc_answer(handler, STATUS_BAD_ARGUMENT, 0);
		return;
	}
	if (caller == NULL) {
		wait_without_caller(cpu, handler);
		return;
	}
	enum status status = STATUS_OK;
	tag = clean_tag(tag);
	if (TAG_ITEMS(tag) != 0) {
		status = transfer_reply_items(handler, caller, TAG_ITEMS(tag));
	}
	if (status == RESTART) {
		arch_frame_repeat_syscall(&handler->frame);
		count(cpu, COUNTER_RESTARTS);
		return;
	}
	if (status != STATUS_OK && status != STATUS_KERNEL_QUOTA) {
		ipc_answer(handler, status, 0);
		return;
	}
	if (status == STATUS_OK) {
		status = transfer_reply(handler, caller, tag);
	}
	count(cpu, COUNTER_REPLIES);
	finish_call(cpu, handler, caller, status);
}

/* ---- forward ---- */

/* The caller's call becomes one to `capability` with the handler's words. */
static void redirect_call(struct thread *handler, struct thread *caller, struct capability *capability)
{
	struct window narrow = intersect(reply_window(caller), handler->utcb->forward_window);
	unsigned rights = reply_rights(caller) & (unsigned)handler->utcb->forward_rights & PAGE_RIGHTS;
	uint32_t forwards = caller->forwards + 1;
	copy_words(handler, caller, TAG_WORDS(handler->msg[MSG_TAG]));
	caller->call_tag = clean_tag(handler->msg[MSG_TAG]);
	(void)aim_at(caller, capability);
	caller->window_is_narrow = true;
	caller->window = narrow;
	caller->window_rights = rights;
	caller->forwards = forwards;
}

static enum status check_forward(const struct thread *handler, const struct capability *capability)
{
	uint64_t tag = handler->msg[MSG_TAG];
	if (handler->caller == NULL) {
		return STATUS_NO_CALLER;
	}
	if (capability == NULL || cap_object(capability)->dying) {
		return STATUS_NO_CAPABILITY;
	}
	if (cap_object(capability)->kind != OBJECT_GATE) {
		return STATUS_WRONG_OBJECT;
	}
	/* Further words and items would have to travel through the caller's UTCB, where it could see them. */
	if (TAG_WORDS(tag) > MESSAGE_REGISTERS || TAG_ITEMS(tag) != 0) {
		return STATUS_BAD_ARGUMENT;
	}
	return STATUS_OK;
}

void ipc_forward(struct cpu *cpu, struct thread *handler)
{
	struct capability *capability = cap_lookup(&handler->task->caps, handler->msg[MSG_BADGE]);
	enum status status = check_forward(handler, capability);
	if (status != STATUS_OK) {
		ipc_answer(handler, status, 0);
		return;
	}
	struct thread *caller = handler->caller;
	if (caller->forwards == FORWARDS_MAX || caller->call_kind == CALL_EXCEPTION) {
		finish_call(cpu, handler, caller, STATUS_DEADLOCK);
		return;
	}
	redirect_call(handler, caller, capability);
	count(cpu, COUNTER_FORWARDS);
	bool callers_context = thread_sc(caller) == cpu->sc;
	disconnect(caller, handler);
	ipc_become_idle(cpu, handler);
	caller->state = THREAD_READY;
	if (callers_context) {
		go_on_with_call(cpu, caller);
	} else {
		leave_context_of(cpu, handler);
		enqueue_calling(caller);
		sched_ready(cpu, thread_sc(caller));
		cpu->need_pick = true;
	}
}

/* ---- waits ---- */

static void closed_wait(struct cpu *cpu, struct thread *thread, uint64_t set, uint64_t deadline)
{
	if ((thread->irq_pending & set) != 0) {
		deliver_irqs(thread, thread->irq_pending & set);
		return;
	}
	thread->wait_set = set;
	thread->state = THREAD_WAITING;
	if (deadline != 0) {
		thread->deadline = deadline;
		sched_timeout_insert(cpu, thread);
	}
	give_up_context(cpu, thread);
}

void ipc_wait(struct cpu *cpu, struct thread *thread)
{
	uint64_t kind = thread->msg[MSG_BADGE];
	if (kind == WAIT_CLOSED) {
		closed_wait(cpu, thread, thread->msg[0], thread->msg[1]);
	} else if (kind != WAIT_OPEN) {
		ipc_answer(thread, STATUS_BAD_ARGUMENT, 0);
	} else if (thread->caller != NULL) {
		ipc_answer(thread, STATUS_OWES_REPLY, 0);
	} else {
		wait_without_caller(cpu, thread);
	}
}

/* ---- ends from outside ---- */

/* docs/ipc.md, "Ends from outside": contexts that were parked at the end of the chain try again, the handler goes on on its own context. */
static void break_link(struct cpu *cpu, struct thread *caller)
{
	struct thread *handler = caller->callee, *last = handler;
	while (last->callee != NULL) {
		last = last->callee;
	}
	struct sched_context *sc = thread_sc(caller);
	disconnect(caller, handler);
	sched_unpark_all(cpu, last);
	if (last->state == THREAD_READY || last->state == THREAD_CALLING) {
		sched_ready(cpu, &handler->sc);
	}
	if (sc == cpu->sc) {
		sched_yield(cpu); /* it ran the handler's chain; now it runs the caller */
	}
	sched_ready(cpu, sc);
	cpu->need_pick = true;
}

void ipc_abort_call(struct cpu *cpu, struct thread *caller, enum status status)
{
	if (caller->state == THREAD_IN_CALL) {
		break_link(cpu, caller);
		caller->state = THREAD_READY;
	} else if (caller->state == THREAD_CALLING) {
		dequeue_calling(caller);
		sched_ready(cpu, thread_sc(caller));
		cpu->need_pick = true;
	} else {
		return;
	}
	if (call_failed(cpu, caller, status)) {
		enqueue_calling(caller); /* the exception call is made when its context is picked */
	}
}

void ipc_join_gate(struct thread *handler, struct gate *gate)
{
	struct gate_slot *slot = slot_of(gate);
	gate->task = handler->task;
	gate->handlers++;
	handler->gate = gate;
	if (handler->state == THREAD_IDLE) {
		SLIST_INSERT_HEAD(&slot->idle, handler, idle_node);
		wake_callers(this_cpu(), slot);
	} else {
		TAILQ_INSERT_TAIL(&slot->busy, handler, busy_node);
	}
}

void ipc_leave_gate(struct thread *handler)
{
	struct gate_slot *slot = slot_of(handler->gate);
	if (handler->state == THREAD_IDLE) {
		SLIST_REMOVE(&slot->idle, handler, thread, idle_node);
	} else {
		TAILQ_REMOVE(&slot->busy, handler, busy_node);
	}
	if (--handler->gate->handlers == 0) {
		handler->gate->task = NULL; /* it may die now: another one can take the gate over */
	}
	handler->gate = NULL;
	wake_callers(this_cpu(), slot);
}

void ipc_move_capability(const struct capability *from, struct capability *to)
{
	if (cap_object(to)->kind != OBJECT_GATE) {
		return;
	}
	struct thread *caller;
	TAILQ_FOREACH (caller, &slot_of((struct gate *)cap_object(to))->calling, calling_node) {
		if (caller->call_cap == from) {
			caller->call_cap = to;
		}
	}
}

void ipc_sweep_capability(struct cpu *cpu, struct capability *capability)
{
	if (capability->word == 0 || cap_object(capability)->kind != OBJECT_GATE) {
		return;
	}
	struct gate_slot *slot = slot_of((struct gate *)cap_object(capability));
	struct thread *caller = TAILQ_FIRST(&slot->calling);
	while (caller != NULL) {
		struct thread *next = TAILQ_NEXT(caller, calling_node);
		if (caller->call_cap == capability) {
			ipc_abort_call(cpu, caller, STATUS_REVOKED);
		}
		caller = next;
	}
}
