/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads: start, stop, registers, what they are doing, and their end in every state.
 */
#include "harness.h"

void store_first_registers(void);
void spin_with_pattern(void);
extern char spin_loop[];

#define PRIORITY_BELOW 50

static void do_nothing(void *argument)
{
	(void)argument;
}

static void answer_ok(struct server *server, struct message *message)
{
	(void)server;
	*message = message_of(STATUS_OK, 0, 0);
}

static void runs_and_ends(void)
{
	struct thread thread;
	REQUIRE(spawn(&thread, NULL, do_nothing, NULL));
	EXPECT(join(&thread));
}

/* ---- start ---- */

static void start_sets_registers(void)
{
	uint64_t *seen = new_shared(34 * 8);
	struct thread thread;
	REQUIRE(make_thread(&thread, NULL));
	set_priority(&thread, PRIORITY_BELOW);
	uint64_t sp = thread.stack + 0x100;
	REQUIRE_OK(strata_thread_start(thread.cap, (uint64_t)store_first_registers, sp,
				       (uint64_t)seen, 0x1234567890));
	REQUIRE(wait_for(&seen[33], 1));
	EXPECT_EQ(seen[0], (uint64_t)seen);
	for (unsigned i = 1; i < 31; i++) {
		EXPECT_EQ(seen[i], 0);
	}
	EXPECT_EQ(seen[31], sp);
	EXPECT_EQ(seen[32], 0x1234567890);
}

static void start_is_refused_while_running(void)
{
	struct server *server = new_server(NULL, answer_ok);
	EXPECT_STATUS(strata_thread_start(server->thread.cap, 0, 0, 0, 0), STATUS_BUSY);
	struct thread sleeper;
	REQUIRE(spawn(&sleeper, NULL, do_nothing, NULL));
	EXPECT_EQ(state_of(&sleeper), THREAD_STATE_WAITING);
	EXPECT_STATUS(strata_thread_start(sleeper.cap, 0, 0, 0, 0), STATUS_BUSY);
	EXPECT_STATUS(strata_thread_start(cap_t_of(ROOT_CAP_THREAD), 0, 0, 0, 0), STATUS_BUSY);
	EXPECT_STATUS(strata_thread_resume(sleeper.cap), STATUS_BUSY);
	EXPECT_STATUS(strata_thread_resume(cap_t_of(ROOT_CAP_THREAD)), STATUS_BUSY);
}

static void can_be_started_again(void)
{
	struct thread thread;
	REQUIRE(spawn(&thread, NULL, do_nothing, NULL));
	REQUIRE_OK(strata_thread_suspend(thread.cap));
	REQUIRE_OK(strata_thread_cancel(thread.cap));
	EXPECT_EQ(state_of(&thread), THREAD_STATE_STOPPED);
	thread.start->done = 0;
	REQUIRE(start_thread(&thread, do_nothing, NULL));
	EXPECT(join(&thread));
}

/* ---- suspend and resume ---- */

static struct thread start_spinner(volatile uint64_t *count)
{
	struct thread thread;
	if (make_thread(&thread, NULL)) {
		set_priority(&thread, PRIORITY_BELOW);
		EXPECT_OK(strata_thread_start(thread.cap, (uint64_t)spin_with_pattern, 0x7770,
					      (uint64_t)count, 0x999));
		sleep_for(milliseconds(5));
		EXPECT(*count != 0);
	}
	return thread;
}

static void suspend_stops_a_running_thread(void)
{
	volatile uint64_t *count = new_shared(8);
	struct thread thread = start_spinner(count);
	EXPECT_EQ(state_of(&thread), THREAD_STATE_READY);
	REQUIRE_OK(strata_thread_suspend(thread.cap));
	EXPECT_EQ(state_of(&thread), THREAD_STATE_STOPPED);
	uint64_t before = *count;
	sleep_for(milliseconds(20));
	EXPECT_EQ(*count, before);
	REQUIRE_OK(strata_thread_resume(thread.cap));
	sleep_for(milliseconds(5));
	EXPECT(*count > before);
	REQUIRE_OK(strata_thread_suspend(thread.cap));
	EXPECT_OK(strata_thread_suspend(thread.cap));
}

struct sleeper {
	volatile uint64_t status, woke;
	uint64_t deadline_ticks;
	uint64_t set, fired;
};

static void wait_once(void *argument)
{
	struct sleeper *sleeper = argument;
	uint64_t fired = 0;
	uint64_t deadline = sleeper->deadline_ticks == 0 ? 0 : now() + sleeper->deadline_ticks;
	sleeper->status = strata_wait_irq(sleeper->set, deadline, &fired);
	sleeper->fired = fired;
	sleeper->woke = 1;
}

static void suspend_during_a_wait(void)
{
	struct sleeper *sleeper = new_shared(sizeof(*sleeper));
	struct thread thread;
	sleeper->deadline_ticks = milliseconds(20);
	REQUIRE(spawn(&thread, NULL, wait_once, sleeper));
	REQUIRE_OK(strata_thread_suspend(thread.cap));
	EXPECT_EQ(state_of(&thread), THREAD_STATE_WAITING);
	sleep_for(milliseconds(60));
	EXPECT_EQ(state_of(&thread), THREAD_STATE_STOPPED);
	EXPECT_EQ(sleeper->woke, 0);
	REQUIRE_OK(strata_thread_resume(thread.cap));
	REQUIRE(join(&thread));
	EXPECT_STATUS((enum status)sleeper->status, STATUS_TIMEOUT);
}

static void resume_before_the_wait_ends(void)
{
	struct sleeper *sleeper = new_shared(sizeof(*sleeper));
	struct thread thread;
	sleeper->deadline_ticks = milliseconds(20);
	REQUIRE(spawn(&thread, NULL, wait_once, sleeper));
	REQUIRE_OK(strata_thread_suspend(thread.cap));
	EXPECT_OK(strata_thread_resume(thread.cap));
	EXPECT_STATUS(strata_thread_resume(thread.cap), STATUS_BUSY);
	EXPECT(join(&thread));
}

/* ---- in calls ---- */

struct caller {
	cap_t gate;
	struct message message;
	volatile uint64_t status, done;
};

static void call_once(void *argument)
{
	struct caller *caller = argument;
	caller->status = strata_call(caller->gate, &caller->message);
	caller->done = 1;
}

/* Waits, owing a reply, until Irq 0 of its thread, then answers 77. */
static void answer_after_irq(struct server *server, struct message *message)
{
	(void)server;
	uint64_t fired;
	*message = message_of((uint32_t)strata_wait_irq(1, 0, &fired), 1, 0);
	message->words[0] = 77;
}

static cap_t irq_for(const struct thread *thread)
{
	cap_t irq = new_cap();
	EXPECT_OK(strata_create_irq(FACTORY, irq.index));
	EXPECT_OK(strata_irq_bind(irq, thread->cap, 0));
	return irq;
}

static void suspend_during_a_call(void)
{
	struct server *server = new_server(NULL, answer_after_irq);
	cap_t irq = irq_for(&server->thread);
	struct caller *caller = new_shared(sizeof(*caller));
	struct thread thread;
	caller->gate = server->gate;
	REQUIRE(spawn(&thread, NULL, call_once, caller));
	EXPECT_EQ(state_of(&thread), THREAD_STATE_IN_CALL);
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_WAITING);
	REQUIRE_OK(strata_thread_suspend(thread.cap));
	EXPECT_EQ(state_of(&thread), THREAD_STATE_IN_CALL);
	REQUIRE_OK(strata_irq_trigger(irq));
	sleep_for(milliseconds(2));
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_IDLE);
	EXPECT_EQ(state_of(&thread), THREAD_STATE_STOPPED);
	EXPECT_EQ(caller->done, 0);
	REQUIRE_OK(strata_thread_resume(thread.cap));
	REQUIRE(join(&thread));
	EXPECT_EQ(caller->status, STATUS_OK);
	EXPECT_EQ(caller->message.words[0], 77);
}

static void suspended_handler_is_busy(void)
{
	struct server *server = new_server(NULL, answer_ok);
	struct caller *caller = new_shared(sizeof(*caller));
	struct thread thread;
	caller->gate = server->gate;
	REQUIRE_OK(strata_thread_suspend(server->thread.cap));
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_STOPPED);
	REQUIRE(spawn(&thread, NULL, call_once, caller));
	EXPECT_EQ(state_of(&thread), THREAD_STATE_CALLING);
	sleep_for(milliseconds(20));
	EXPECT_EQ(caller->done, 0);
	REQUIRE_OK(strata_thread_resume(server->thread.cap));
	REQUIRE(join(&thread));
	EXPECT_EQ(caller->status, STATUS_OK);
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_IDLE);
}

static void handler_suspended_while_it_owes(void)
{
	struct server *server = new_server(NULL, answer_after_irq);
	cap_t irq = irq_for(&server->thread);
	struct caller *caller = new_shared(sizeof(*caller));
	struct thread thread;
	caller->gate = server->gate;
	REQUIRE(spawn(&thread, NULL, call_once, caller));
	REQUIRE_OK(strata_thread_suspend(server->thread.cap));
	REQUIRE_OK(strata_irq_trigger(irq));
	sleep_for(milliseconds(2));
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_STOPPED);
	EXPECT_EQ(caller->done, 0);
	REQUIRE_OK(strata_thread_resume(server->thread.cap));
	REQUIRE(join(&thread));
	EXPECT_EQ(caller->message.words[0], 77);
}

struct self {
	cap_t thread;
	volatile uint64_t before, after;
	enum status status;
};

static void suspend_itself(void *argument)
{
	struct self *self = argument;
	self->before = 1;
	self->status = strata_thread_suspend(self->thread);
	self->after = 1;
}

static void can_suspend_itself(void)
{
	struct self *self = new_shared(sizeof(*self));
	struct thread thread;
	REQUIRE(make_thread(&thread, NULL));
	self->thread = thread.cap;
	REQUIRE(start_thread(&thread, suspend_itself, self));
	EXPECT_EQ(self->before, 1);
	EXPECT_EQ(self->after, 0);
	EXPECT_EQ(state_of(&thread), THREAD_STATE_STOPPED);
	REQUIRE_OK(strata_thread_resume(thread.cap));
	REQUIRE(join(&thread));
	EXPECT_OK(self->status);
}

/* ---- registers ---- */

static void registers_of_a_running_thread_are_refused(void)
{
	uint64_t registers[REGISTER_WORDS] = {0};
	volatile uint64_t *count = new_shared(8);
	struct thread thread = start_spinner(count);
	EXPECT_STATUS(strata_thread_read_registers(thread.cap, registers), STATUS_BUSY);
	EXPECT_STATUS(strata_thread_write_registers(thread.cap, registers), STATUS_BUSY);
}

static void registers_are_read_and_written(void)
{
	uint64_t registers[REGISTER_WORDS];
	volatile uint64_t *counts = new_shared(16);
	struct thread thread = start_spinner(&counts[0]);
	REQUIRE_OK(strata_thread_suspend(thread.cap));
	REQUIRE_OK(strata_thread_read_registers(thread.cap, registers));
	EXPECT_EQ(registers[0], (uint64_t)counts);
	for (unsigned i = 2; i < 31; i++) {
		EXPECT_EQ(registers[i], 0x5000 + i);
	}
	EXPECT_EQ(registers[REGISTER_WORD_SP], 0x7770);
	EXPECT(registers[REGISTER_WORD_PC] >= (uint64_t)spin_loop &&
	       registers[REGISTER_WORD_PC] < (uint64_t)spin_loop + 16);
	EXPECT_EQ(registers[REGISTER_WORD_PSTATE], 0xa0000000);
	EXPECT_EQ(registers[REGISTER_WORD_TLS], 0x999);
	uint64_t before = counts[0];
	registers[0] = (uint64_t)&counts[1];
	registers[30] = 0xabc;
	registers[REGISTER_WORD_PC] = (uint64_t)spin_loop;
	registers[REGISTER_WORD_PSTATE] =
		0x5fffffff; /* Z and V; the rest would be EL3, masked, AArch32 */
	registers[REGISTER_WORD_SP] = 0x8880;
	REQUIRE_OK(strata_thread_write_registers(thread.cap, registers));
	REQUIRE_OK(strata_thread_resume(thread.cap));
	sleep_for(milliseconds(5));
	EXPECT_EQ(counts[0], before);
	EXPECT(counts[1] != 0);
	REQUIRE_OK(strata_thread_suspend(thread.cap));
	REQUIRE_OK(strata_thread_read_registers(thread.cap, registers));
	EXPECT_EQ(registers[REGISTER_WORD_PSTATE], 0x50000000);
	EXPECT_EQ(registers[REGISTER_WORD_SP], 0x8880);
	EXPECT_EQ(registers[30], 0xabc);
	EXPECT_EQ(registers[29], 0x501d);
}

static void registers_after_a_system_call(void)
{
	uint64_t registers[REGISTER_WORDS];
	struct sleeper *sleeper = new_shared(sizeof(*sleeper));
	struct thread thread;
	REQUIRE(spawn(&thread, NULL, wait_once, sleeper));
	REQUIRE_OK(strata_thread_suspend(thread.cap));
	REQUIRE_OK(strata_thread_cancel(thread.cap));
	EXPECT_EQ(state_of(&thread), THREAD_STATE_STOPPED);
	REQUIRE_OK(strata_thread_read_registers(thread.cap, registers));
	EXPECT_STATUS((enum status)TAG_LABEL(registers[8]), STATUS_CANCELLED);
	for (unsigned i = 9; i < 19; i++) {
		EXPECT_EQ(registers[i], 0);
	}
	EXPECT(registers[REGISTER_WORD_SP] > thread.stack &&
	       registers[REGISTER_WORD_SP] < thread.stack + thread.stack_size);
	registers[0] = 0x10; /* what the wait answers */
	registers[8] = TAG_MAKE(LABEL_IRQ, 1, 0) | TAG_KERNEL;
	REQUIRE_OK(strata_thread_write_registers(thread.cap, registers));
	REQUIRE_OK(strata_thread_resume(thread.cap));
	REQUIRE(join(&thread));
	EXPECT_EQ(sleeper->status, STATUS_OK);
	EXPECT_EQ(sleeper->fired, 0x10);
}

static void too_few_registers_are_refused(void)
{
	struct thread thread;
	REQUIRE(make_thread(&thread, NULL));
	struct message message = message_of(THREAD_WRITE_REGISTERS, REGISTER_WORDS - 1, 0);
	(void)strata_call(thread.cap, &message);
	EXPECT_STATUS(message_status(&message), STATUS_BAD_ARGUMENT);
}

static void idle_thread_gets_new_registers(void)
{
	struct server *server = new_server(NULL, answer_ok);
	REQUIRE_OK(strata_thread_suspend(server->thread.cap));
	server->thread.start->done = 0;
	REQUIRE(start_thread(&server->thread, do_nothing, NULL));
	EXPECT(join(&server->thread));
	/* It is still a handler, and busy: a call waits for it, until it goes. */
	struct caller *caller = new_shared(sizeof(*caller));
	struct thread thread;
	caller->gate = server->gate;
	REQUIRE(spawn(&thread, NULL, call_once, caller));
	EXPECT_EQ(state_of(&thread), THREAD_STATE_CALLING);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, server->thread.cap.index));
	REQUIRE(join(&thread));
	EXPECT_STATUS((enum status)caller->status, STATUS_NO_HANDLER);
}

/* ---- cancel ---- */

static void cancel_ends_a_wait(void)
{
	struct sleeper *sleeper = new_shared(sizeof(*sleeper));
	struct thread thread;
	sleeper->deadline_ticks = milliseconds(50);
	REQUIRE(spawn(&thread, NULL, wait_once, sleeper));
	REQUIRE_OK(strata_thread_cancel(thread.cap));
	REQUIRE(join(&thread));
	EXPECT_STATUS((enum status)sleeper->status, STATUS_CANCELLED);
	sleep_for(milliseconds(80)); /* its deadline is forgotten */
	EXPECT_EQ(state_of(&thread), THREAD_STATE_WAITING);
}

static void cancel_of_what_does_not_wait_does_nothing(void)
{
	volatile uint64_t *count = new_shared(8);
	struct thread spinner = start_spinner(count);
	EXPECT_OK(strata_thread_cancel(spinner.cap));
	EXPECT_EQ(state_of(&spinner), THREAD_STATE_READY);
	struct thread stopped;
	REQUIRE(make_thread(&stopped, NULL));
	EXPECT_OK(strata_thread_cancel(stopped.cap));
	EXPECT_EQ(state_of(&stopped), THREAD_STATE_STOPPED);
	EXPECT_OK(strata_thread_cancel(cap_t_of(ROOT_CAP_THREAD)));
	struct server *server = new_server(NULL, answer_ok);
	EXPECT_OK(strata_thread_cancel(server->thread.cap));
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_IDLE);
}

/* ---- info ---- */

static void info_tells_what_a_thread_does(void)
{
	volatile uint64_t *count = new_shared(8);
	struct thread thread = start_spinner(count);
	struct strata_thread_info info;
	REQUIRE_OK(strata_thread_info(thread.cap, &info));
	EXPECT_EQ(info.state, THREAD_STATE_READY);
	EXPECT_EQ(info.priority, PRIORITY_BELOW);
	EXPECT_EQ(info.core, 0);
	uint64_t before = info.time;
	EXPECT(before != 0);
	sleep_for(milliseconds(20));
	uint64_t spun = time_of(thread.cap) - before;
	EXPECT(spun > milliseconds(5) && spun < milliseconds(200));
	REQUIRE_OK(strata_thread_info(cap_t_of(ROOT_CAP_THREAD), &info));
	EXPECT_EQ(info.state, THREAD_STATE_READY);
	EXPECT_EQ(info.priority, PRIORITY_MAIN);
	EXPECT(info.time != 0);
}

static void info_tells_the_fault_address(void)
{
	struct access *access = new_shared(sizeof(*access));
	struct thread thread;
	struct strata_thread_info info;
	access->address = new_addresses(4096, 12) + 0x120;
	REQUIRE(make_thread(&thread, NULL));
	expect_no_report(&thread);
	REQUIRE(start_thread(&thread, do_access, access));
	REQUIRE_OK(strata_thread_info(thread.cap, &info));
	EXPECT_EQ(info.state, THREAD_STATE_STOPPED);
	EXPECT_EQ(info.fault_address, access->address);
}

/* ---- gates of a thread ---- */

static void bind_refusals(void)
{
	struct thread thread, other;
	struct child_task child;
	cap_t gate = new_gate(), weak = new_cap();
	REQUIRE(make_task(&child));
	REQUIRE(make_thread(&thread, NULL) && make_thread(&other, &child));
	EXPECT_STATUS(strata_thread_bind(thread.cap, new_cap()), STATUS_NOT_FOUND);
	EXPECT_STATUS(strata_thread_bind(thread.cap, cap_t_of(0)), STATUS_NOT_FOUND);
	EXPECT_STATUS(strata_thread_bind(thread.cap, cap_t_of(1ul << 40)), STATUS_NOT_FOUND);
	EXPECT_STATUS(strata_thread_bind(thread.cap, OWN_TASK), STATUS_WRONG_OBJECT);
	REQUIRE_OK(strata_cap_derive(OWN_TASK, gate, weak.index, RIGHTS_ALL & ~RIGHT_CONTROL, 0));
	EXPECT_STATUS(strata_thread_bind(thread.cap, weak), STATUS_NO_RIGHT);
	REQUIRE_OK(strata_thread_bind(thread.cap, gate));
	EXPECT_STATUS(strata_thread_bind(thread.cap, gate), STATUS_BUSY);
	EXPECT_STATUS(strata_thread_bind(thread.cap, new_gate()), STATUS_BUSY);
	EXPECT_STATUS(strata_thread_bind(other.cap, gate), STATUS_BUSY);
}

static void gate_of_a_dead_task_can_be_served_again(void)
{
	struct child_task first, second;
	struct thread thread, other;
	cap_t gate = new_gate();
	REQUIRE(make_task(&first) && make_thread(&thread, &first));
	REQUIRE(make_task(&second) && make_thread(&other, &second));
	REQUIRE_OK(strata_thread_bind(thread.cap, gate));
	EXPECT_STATUS(strata_thread_bind(other.cap, gate), STATUS_BUSY);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, first.cap.index));
	EXPECT_OK(strata_thread_bind(other.cap, gate));
}

static void gate_setting_refusals(void)
{
	struct thread thread;
	cap_t none = new_cap();
	REQUIRE(make_thread(&thread, NULL));
	EXPECT_STATUS(strata_thread_set_pager(thread.cap, none), STATUS_NOT_FOUND);
	EXPECT_STATUS(strata_thread_set_pager(thread.cap, OWN_TASK), STATUS_WRONG_OBJECT);
	EXPECT_STATUS(strata_thread_set_exception_gate(thread.cap, none), STATUS_NOT_FOUND);
	EXPECT_STATUS(strata_thread_set_exception_gate(thread.cap, thread.cap),
		      STATUS_WRONG_OBJECT);
	for (unsigned i = 0; i < 3; i++) {
		cap_t gate = new_gate();
		EXPECT_OK(strata_thread_set_pager(thread.cap, gate));
		EXPECT_OK(strata_thread_set_exception_gate(thread.cap, gate));
		EXPECT_OK(strata_cap_delete(OWN_TASK, gate.index));
	}
	EXPECT_OK(strata_thread_set_pager(thread.cap, cap_t_of(0)));
	EXPECT_OK(strata_thread_set_exception_gate(thread.cap, cap_t_of(0)));
}

/* ---- the end ---- */

static void delete_itself(void *argument)
{
	struct self *self = argument;
	self->before = 1;
	self->status = strata_cap_delete(OWN_TASK, self->thread.index);
	self->after = 1;
}

static void can_delete_itself(void)
{
	struct self *self = new_shared(sizeof(*self));
	struct thread thread;
	REQUIRE(make_thread(&thread, NULL));
	self->thread = thread.cap;
	REQUIRE(start_thread(&thread, delete_itself, self));
	EXPECT_EQ(self->before, 1);
	sleep_for(milliseconds(5));
	EXPECT_EQ(self->after, 0);
	EXPECT_STATUS(strata_thread_info(thread.cap, NULL), STATUS_NO_CAPABILITY);
}

static void delete_own_task(void *argument)
{
	struct self *self = argument;
	self->before = 1;
	self->status = strata_cap_delete(cap_t_of(CHILD_CAP_TASK), CHILD_CAP_FIRST_FREE);
	self->after = 1;
}

/* The task's original is in its own table. */
static void task_can_delete_itself(void)
{
	struct self *self = new_shared(sizeof(*self));
	struct child_task child;
	struct thread thread;
	REQUIRE(make_task(&child) && make_thread(&thread, &child));
	REQUIRE_OK(strata_cap_move(child.cap, child.cap, CHILD_CAP_FIRST_FREE));
	REQUIRE(start_thread(&thread, delete_own_task, self));
	EXPECT_EQ(self->before, 1);
	sleep_for(milliseconds(5));
	EXPECT_EQ(self->after, 0);
	EXPECT_STATUS(strata_thread_info(thread.cap, NULL), STATUS_NO_CAPABILITY);
}

static void destroyed_in_each_state(void)
{
	struct server *server = new_server(NULL, answer_after_irq);
	struct caller *callers = new_shared(2 * sizeof(*callers));
	struct sleeper *sleeper = new_shared(sizeof(*sleeper));
	volatile uint64_t *count = new_shared(8);
	struct thread in_call, calling, waiting, stopped;
	callers[0].gate = server->gate;
	callers[1].gate = server->gate;
	sleeper->deadline_ticks = milliseconds(10);
	struct thread ready = start_spinner(count);
	REQUIRE(spawn(&in_call, NULL, call_once, &callers[0]));
	REQUIRE(spawn(&calling, NULL, call_once, &callers[1]));
	REQUIRE(spawn(&waiting, NULL, wait_once, sleeper));
	REQUIRE(make_thread(&stopped, NULL));
	EXPECT_EQ(state_of(&ready), THREAD_STATE_READY);
	EXPECT_EQ(state_of(&in_call), THREAD_STATE_IN_CALL);
	EXPECT_EQ(state_of(&calling), THREAD_STATE_CALLING);
	EXPECT_EQ(state_of(&waiting), THREAD_STATE_WAITING);
	EXPECT_EQ(state_of(&stopped), THREAD_STATE_STOPPED);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, calling.cap.index));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, in_call.cap.index));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, ready.cap.index));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, waiting.cap.index));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, stopped.cap.index));
	sleep_for(milliseconds(20));
	/* The handler waits on, owing nothing; then it is idle. */
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_WAITING);
	REQUIRE_OK(strata_irq_trigger(irq_for(&server->thread)));
	sleep_for(milliseconds(2));
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_IDLE);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, server->thread.cap.index));
	struct message message = message_of(0, 0, 0);
	EXPECT_EQ(strata_call(server->gate, &message), STATUS_NO_HANDLER);
}

static void utcb_cannot_be_mapped_or_unmapped(void)
{
	uint64_t utcb = (uint64_t)strata_utcb(), to = new_addresses(4096, 12);
	EXPECT_STATUS(strata_task_map(OWN_TASK, utcb, to, 4096, PAGE_READ, NULL),
		      STATUS_NOT_MAPPED);
	EXPECT_OK(strata_task_unmap(OWN_TASK, utcb, 4096, UNMAP_SELF, NULL));
	strata_utcb()->words[20] = 5;
	EXPECT_EQ(strata_utcb()->words[20], 5);
	uint64_t frame = new_frame(12);
	EXPECT_STATUS(strata_task_map(OWN_TASK, frame, utcb, 4096, PAGE_READ, NULL),
		      STATUS_OVERMAP);
	EXPECT(!can_access(NULL, utcb, FAULT_EXECUTE));
}

TEST_TABLE({"a thread runs and ends", runs_and_ends},
	   {"start sets pc, sp, x0 and TPIDR_EL0 and clears all other registers",
	    start_sets_registers},
	   {"start and resume are refused for a thread that is not stopped",
	    start_is_refused_while_running},
	   {"a thread that was stopped can be started again", can_be_started_again},
	   {"suspend stops a running thread until it is resumed", suspend_stops_a_running_thread},
	   {"a thread suspended during a wait stops when the wait ends", suspend_during_a_wait},
	   {"resume takes back a suspend that has not happened yet", resume_before_the_wait_ends},
	   {"a call of a suspended thread goes on and its answer waits", suspend_during_a_call},
	   {"an idle handler that is suspended is busy until it is resumed",
	    suspended_handler_is_busy},
	   {"a handler suspended while it owes a reply keeps its caller",
	    handler_suspended_while_it_owes},
	   {"a thread can suspend itself", can_suspend_itself},
	   {"registers of a running thread are neither read nor written",
	    registers_of_a_running_thread_are_refused},
	   {"registers of a stopped thread are read and written", registers_are_read_and_written},
	   {"registers of a thread stopped in a system call are what it will see",
	    registers_after_a_system_call},
	   {"fewer than all registers are refused", too_few_registers_are_refused},
	   {"a handler stopped in the open wait can be started elsewhere",
	    idle_thread_gets_new_registers},
	   {"cancel ends a wait and forgets its deadline", cancel_ends_a_wait},
	   {"cancel of a thread that is in no call does nothing",
	    cancel_of_what_does_not_wait_does_nothing},
	   {"info tells state, priority, core and time", info_tells_what_a_thread_does},
	   {"info tells the address of the last fault", info_tells_the_fault_address},
	   {"bind refuses what is no gate of the thread's task", bind_refusals},
	   {"a gate whose server died can be served by another task",
	    gate_of_a_dead_task_can_be_served_again},
	   {"pager and exception gate are set, replaced and cleared", gate_setting_refusals},
	   {"a thread can delete itself", can_delete_itself},
	   {"a task can delete itself", task_can_delete_itself},
	   {"a thread can be destroyed in every state", destroyed_in_each_state},
	   {"a UTCB can be neither mapped on nor unmapped nor covered",
	    utcb_cannot_be_mapped_or_unmapped});
