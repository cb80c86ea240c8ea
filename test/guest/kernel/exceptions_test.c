/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions: what threads do that they cannot go on from, and who hears of it.
 */
#include "callers.h"

extern char privileged_functions[], privileged_functions_end[];
void permitted_instructions(void *memory);
void trap_with_pattern(void);
extern char trap_instruction[];

#define ESR_CLASS(esr) ((esr) >> 26 & 0x3f)
#define CLASS_BRK      0x3c

static void jump_to(void *argument)
{
	((void (*)(void))argument)();
}

/* What an exception handler does: context of its server. */
struct handling {
	uint64_t answer_label, answer_words;
	uint64_t set[EXCEPTION_WORDS]; /* what it writes into the words */
	uint64_t mask_low, mask_high;  /* bit i: word i is written */
	volatile uint64_t words[EXCEPTION_WORDS], tag, badge, count;
};

static void serve_exception(struct server *server, struct message *message)
{
	struct handling *handling = server->context;
	for (unsigned i = 0; i < EXCEPTION_WORDS; i++) {
		handling->words[i] =
			i < MESSAGE_REGISTERS ? message->words[i] : strata_utcb()->words[i];
		if ((handling->mask_low >> i & 1) != 0) {
			*(i < MESSAGE_REGISTERS ? &message->words[i] : &strata_utcb()->words[i]) =
				handling->set[i];
		}
	}
	handling->tag = message->tag;
	handling->badge = message->badge;
	handling->count++;
	message->tag = TAG_MAKE(handling->answer_label, handling->answer_words, 0);
}

struct watched {
	struct child_task task;
	struct thread thread;
	struct server *handler;
	struct handling *handling;
};

static bool make_watched(struct watched *watched)
{
	watched->handling = new_shared(sizeof(*watched->handling));
	watched->handler = new_server_with(NULL, serve_exception,
					   (struct server){.context = watched->handling});
	return make_task(&watched->task) && make_thread(&watched->thread, &watched->task) &&
	       EXPECT_OK(strata_thread_set_exception_gate(watched->thread.cap,
							  watched->handler->gate));
}

static void set_word(struct handling *handling, unsigned index, uint64_t value)
{
	handling->set[index] = value;
	handling->mask_low |= 1ul << index;
}

/* ---- what is told ---- */

static void all_registers_are_told(void)
{
	struct watched w;
	REQUIRE(make_watched(&w));
	uint64_t *out = new_shared(40 * 8);
	cap_t badged = new_cap();
	REQUIRE_OK(strata_cap_derive(OWN_TASK, w.handler->gate, badged.index, RIGHT_READ, 0x77));
	REQUIRE_OK(strata_thread_set_exception_gate(w.thread.cap, badged));
	w.handling->answer_label = STATUS_NOT_FOUND;
	uint64_t before = counter(COUNTER_EXCEPTIONS);
	REQUIRE_OK(strata_thread_start(w.thread.cap, (uint64_t)trap_with_pattern, 0x4560,
				       (uint64_t)out, 0x789));
	EXPECT_EQ(w.handling->count, 1);
	EXPECT_EQ(counter(COUNTER_EXCEPTIONS) - before, 1);
	EXPECT_EQ(w.handling->tag,
		  TAG_MAKE(LABEL_EXCEPTION, EXCEPTION_WORDS, 0) | TAG_KERNEL | RIGHT_READ << 16);
	EXPECT_EQ(w.handling->badge, 0x77);
	const volatile uint64_t *words = w.handling->words;
	EXPECT_EQ(words[EXCEPTION_WORD_REASON], EXCEPTION_TRAP);
	EXPECT_EQ(ESR_CLASS(words[EXCEPTION_WORD_CODE]), CLASS_BRK);
	EXPECT_EQ(words[EXCEPTION_WORD_CODE] & 0xffff, 0x123);
	EXPECT_EQ(words[EXCEPTION_WORD_STATUS], STATUS_OK);
	EXPECT_EQ(words[EXCEPTION_WORD_X0], (uint64_t)out);
	for (unsigned i = 1; i < 31; i++) {
		EXPECT_EQ(words[EXCEPTION_WORD_X0 + i], 0x7000 + i);
	}
	EXPECT_EQ(words[EXCEPTION_WORD_SP], 0x4560);
	EXPECT_EQ(words[EXCEPTION_WORD_PC], (uint64_t)trap_instruction);
	EXPECT_EQ(words[EXCEPTION_WORD_TLS], 0x789);
	EXPECT_EQ(state_of(&w.thread), THREAD_STATE_STOPPED);
	EXPECT_EQ(out[0], 0);
}

static void registers_are_changed_by_the_answer(void)
{
	struct watched w;
	REQUIRE(make_watched(&w));
	uint64_t *out = new_shared(40 * 8);
	for (unsigned i = 1; i < 31; i++) {
		set_word(w.handling, EXCEPTION_WORD_X0 + i, 0x8000 + i);
	}
	set_word(w.handling, EXCEPTION_WORD_SP, 0x9990);
	set_word(w.handling, EXCEPTION_WORD_PC, (uint64_t)trap_instruction + 4);
	set_word(w.handling, EXCEPTION_WORD_PSTATE, 0x600003c5ul); /* Z, C, and what would be EL1 */
	set_word(w.handling, EXCEPTION_WORD_TLS, 0x111);
	w.handling->answer_words = EXCEPTION_WORDS;
	set_priority(&w.thread, PRIORITY_MAIN - 10);
	REQUIRE_OK(strata_thread_start(w.thread.cap, (uint64_t)trap_with_pattern, 0x4560,
				       (uint64_t)out, 0x789));
	REQUIRE(wait_for(&out[0], 1));
	EXPECT_EQ(w.handling->count, 1);
	for (unsigned i = 1; i < 31; i++) {
		EXPECT_EQ(out[i], 0x8000 + i);
	}
	EXPECT_EQ(out[31], 0x9990);
	EXPECT_EQ(out[32], 0x60000000);
	EXPECT_EQ(out[33], 0x111);
}

/* Without registers in the answer the instruction is repeated. */
static void answer_without_registers_repeats(void)
{
	struct watched w;
	REQUIRE(make_watched(&w));
	uint64_t *out = new_shared(40 * 8), registers[REGISTER_WORDS];
	w.handling->answer_words = EXCEPTION_WORDS - 1; /* too few to count */
	set_word(w.handling, EXCEPTION_WORD_X0 + 1, 1);
	set_priority(&w.thread, PRIORITY_MAIN - 10);
	REQUIRE_OK(strata_thread_start(w.thread.cap, (uint64_t)trap_with_pattern, 0x4560,
				       (uint64_t)out, 0));
	sleep_for(milliseconds(5));
	EXPECT(w.handling->count > 2);
	EXPECT_EQ(w.handling->words[EXCEPTION_WORD_X0 + 1], 0x7001);
	EXPECT_EQ(w.handling->words[EXCEPTION_WORD_PC], (uint64_t)trap_instruction);
	REQUIRE_OK(strata_thread_suspend(w.thread.cap));
	sleep_for(milliseconds(2));
	REQUIRE_OK(strata_thread_read_registers(w.thread.cap, registers));
	EXPECT_EQ(registers[1], 0x7001);
}

static void stopped_thread_is_changed_and_resumed(void)
{
	struct watched w;
	REQUIRE(make_watched(&w));
	uint64_t *out = new_shared(40 * 8), registers[REGISTER_WORDS];
	w.handling->answer_label = STATUS_NO_RIGHT;
	set_priority(&w.thread, PRIORITY_MAIN - 10);
	REQUIRE_OK(strata_thread_start(w.thread.cap, (uint64_t)trap_with_pattern, 0x4560,
				       (uint64_t)out, 0));
	REQUIRE(wait_for(&w.handling->count, 1));
	sleep_for(milliseconds(1));
	EXPECT_EQ(state_of(&w.thread), THREAD_STATE_STOPPED);
	REQUIRE_OK(strata_thread_read_registers(w.thread.cap, registers));
	EXPECT_EQ(registers[REGISTER_WORD_PC], (uint64_t)trap_instruction);
	EXPECT_EQ(registers[17], 0x7011);
	registers[REGISTER_WORD_PC] += 4;
	registers[17] = 0x1234;
	REQUIRE_OK(strata_thread_write_registers(w.thread.cap, registers));
	REQUIRE_OK(strata_thread_resume(w.thread.cap));
	REQUIRE(wait_for(&out[0], 1));
	EXPECT_EQ(out[17], 0x1234);
	EXPECT_EQ(out[18], 0x7012);
}

/* ---- what traps ---- */

static void privileged_instructions_trap(void)
{
	struct watched w;
	REQUIRE(make_watched(&w));
	uint64_t count = (uint64_t)(privileged_functions_end - privileged_functions) / 8;
	w.handling->answer_label = STATUS_NOT_FOUND;
	EXPECT(count > 40);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t at = (uint64_t)privileged_functions + 8 * i;
		if (i != 0) {
			w.thread.start->done = 0;
		}
		w.handling->words[EXCEPTION_WORD_PC] = 0;
		REQUIRE(start_thread(&w.thread, jump_to, (void *)at));
		if (!EXPECT_EQ(w.handling->count, i + 1) ||
		    !EXPECT_EQ(w.handling->words[EXCEPTION_WORD_PC], at)) {
			note("instruction %lu, code 0x%lx", i,
			     w.handling->words[EXCEPTION_WORD_CODE]);
			return;
		}
		EXPECT_EQ(w.handling->words[EXCEPTION_WORD_REASON], EXCEPTION_TRAP);
		EXPECT_EQ(state_of(&w.thread), THREAD_STATE_STOPPED);
	}
	/* Time goes on: the timer was not touched. */
	uint64_t before = now();
	sleep_for(milliseconds(5));
	EXPECT(now() - before < milliseconds(500));
}

static void run_permitted(void *argument)
{
	permitted_instructions(argument);
}

static void permitted_instructions_work(void)
{
	struct child_task child;
	struct thread thread;
	uint64_t *memory = new_shared(4096);
	REQUIRE(make_task(&child) && spawn(&thread, &child, run_permitted, &memory[256]));
	EXPECT(join(&thread));
}

static void wait_for_interrupt(void *argument)
{
	(void)argument;
	__asm__ volatile("wfi");
}

/* Trapped or not, it must not stop the machine. */
static void waiting_for_interrupts_harms_nobody(void)
{
	struct watched w;
	REQUIRE(make_watched(&w));
	w.handling->answer_label = STATUS_NOT_FOUND;
	set_priority(&w.thread, PRIORITY_MAIN - 10);
	REQUIRE(start_thread(&w.thread, wait_for_interrupt, NULL));
	sleep_for(milliseconds(20));
	EXPECT(w.thread.start->done != 0 || w.handling->count == 1);
}

/* QEMU does not check the alignment of sp, so that is not tried. */
static void misaligned_pc(void)
{
	extern void thread_entry(void);
	for (unsigned offset = 1; offset < 4; offset++) {
		struct watched w;
		REQUIRE(make_watched(&w));
		w.handling->answer_label = STATUS_NOT_FOUND;
		REQUIRE_OK(strata_thread_start(w.thread.cap, (uint64_t)thread_entry + offset,
					       w.thread.stack + 0x1000, 0, 0));
		EXPECT_EQ(w.handling->count, 1);
		EXPECT_EQ(ESR_CLASS(w.handling->words[EXCEPTION_WORD_CODE]), 0x22);
		EXPECT_EQ(w.handling->words[EXCEPTION_WORD_PC], (uint64_t)thread_entry + offset);
	}
}

static void load_exclusive_misaligned(void *argument)
{
	uint64_t value;
	__asm__ volatile("ldxr %0, [%1]" : "=r"(value) : "r"((uint64_t)argument + 12));
}

static void alignment_faults_are_no_page_faults(void)
{
	struct watched w;
	REQUIRE(make_watched(&w));
	uint64_t *memory = new_shared(64);
	w.handling->answer_label = STATUS_NOT_FOUND;
	REQUIRE(start_thread(&w.thread, load_exclusive_misaligned, memory));
	EXPECT_EQ(w.handling->count, 1);
	EXPECT_EQ(w.handling->words[EXCEPTION_WORD_REASON], EXCEPTION_TRAP);
	EXPECT_EQ(ESR_CLASS(w.handling->words[EXCEPTION_WORD_CODE]), 0x24);
	EXPECT_EQ(w.handling->words[EXCEPTION_WORD_ADDRESS], (uint64_t)memory + 12);
}

static void unknown_system_calls_are_no_exceptions(void)
{
	uint64_t x[32] = {0};
	for (unsigned operation = 5; operation < RAW_OPERATIONS; operation++) {
		raw_system_call(x, operation);
		EXPECT_STATUS((enum status)TAG_LABEL(x[8]), STATUS_NO_OPERATION);
	}
}

/* ---- handlers that are not there ---- */

static void trap_once(void *argument)
{
	(void)argument;
	__asm__ volatile("brk #7");
}

static void without_handler_the_thread_stops(void)
{
	struct thread thread;
	cap_t gates[3] = {cap_t_of(0), new_gate(), new_gate()};
	for (unsigned i = 0; i < 3; i++) {
		REQUIRE(make_thread(&thread, NULL));
		REQUIRE_OK(strata_thread_set_exception_gate(thread.cap, gates[i]));
		if (i == 2) {
			REQUIRE_OK(strata_cap_delete(OWN_TASK, gates[2].index));
		}
		REQUIRE(start_thread(&thread, trap_once, NULL));
		EXPECT_EQ(state_of(&thread), THREAD_STATE_STOPPED);
		EXPECT_OK(strata_thread_resume(thread.cap));
		sleep_for(milliseconds(1));
		EXPECT_EQ(state_of(&thread), THREAD_STATE_STOPPED);
	}
}

static void serve_slowly(struct server *server, struct message *message)
{
	uint64_t fired;
	(void)strata_wait_irq(1, 0, &fired);
	serve_exception(server, message);
}

static void handler_that_dies_while_it_owes(void)
{
	struct watched w;
	REQUIRE(make_watched(&w));
	struct server *slow =
		new_server_with(NULL, serve_slowly, (struct server){.context = w.handling});
	REQUIRE_OK(strata_thread_set_exception_gate(w.thread.cap, slow->gate));
	REQUIRE(start_thread(&w.thread, trap_once, NULL));
	EXPECT_EQ(state_of(&w.thread), THREAD_STATE_IN_CALL);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, slow->thread.cap.index));
	sleep_for(milliseconds(2));
	EXPECT_EQ(state_of(&w.thread), THREAD_STATE_STOPPED);
}

static void exceptions_that_wait_when_the_gate_goes(void)
{
	struct watched w;
	struct thread threads[4];
	REQUIRE(make_watched(&w));
	struct server *slow =
		new_server_with(NULL, serve_slowly, (struct server){.context = w.handling});
	for (unsigned i = 0; i < 4; i++) {
		REQUIRE(make_thread(&threads[i], NULL));
		REQUIRE_OK(strata_thread_set_exception_gate(threads[i].cap, slow->gate));
		REQUIRE(start_thread(&threads[i], trap_once, NULL));
	}
	EXPECT_EQ(state_of(&threads[3]), THREAD_STATE_CALLING);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, threads[2].cap.index));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, slow->gate.index));
	sleep_for(milliseconds(2));
	EXPECT_EQ(state_of(&threads[0]), THREAD_STATE_STOPPED);
	EXPECT_EQ(state_of(&threads[1]), THREAD_STATE_STOPPED);
	EXPECT_EQ(state_of(&threads[3]), THREAD_STATE_STOPPED);
}

static void handler_that_is_its_own(void)
{
	struct thread thread;
	struct server *server = new_server(NULL, serve_echo);
	(void)thread;
	REQUIRE_OK(strata_thread_set_exception_gate(server->thread.cap, server->gate));
	struct caller *caller = new_caller(NULL, server->gate, 1, PRIORITY_HELPER);
	EXPECT(answered(caller, STATUS_OK));
	/* Serving a call it traps: that is a ring. */
	struct watched w;
	REQUIRE(make_watched(&w));
	server->serve = NULL;
	struct caller *second = new_caller(NULL, server->gate, 1, PRIORITY_HELPER);
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_STOPPED);
	EXPECT_EQ(state_of(&second->thread), THREAD_STATE_IN_CALL);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, server->thread.cap.index));
	EXPECT(answered(second, STATUS_SERVER_DIED));
}

static void cancelled_exception_is_made_again(void)
{
	struct watched w;
	REQUIRE(make_watched(&w));
	struct server *slow =
		new_server_with(NULL, serve_slowly, (struct server){.context = w.handling});
	cap_t irq = irq_for(&slow->thread);
	w.handling->answer_label = STATUS_NOT_FOUND;
	REQUIRE_OK(strata_thread_set_exception_gate(w.thread.cap, slow->gate));
	REQUIRE(start_thread(&w.thread, trap_once, NULL));
	REQUIRE_OK(strata_thread_cancel(w.thread.cap));
	sleep_for(milliseconds(1));
	EXPECT_EQ(state_of(&w.thread), THREAD_STATE_CALLING);
	REQUIRE_OK(strata_irq_trigger(irq));
	sleep_for(milliseconds(1));
	REQUIRE_OK(strata_irq_trigger(irq));
	sleep_for(milliseconds(1));
	EXPECT_EQ(w.handling->count, 2);
	EXPECT_EQ(state_of(&w.thread), THREAD_STATE_STOPPED);
}

/* Its registers would go where the next server wants. */
static void run_forward(void *argument)
{
	const cap_t *gate = argument;
	struct message message;
	strata_wait(&message);
	for (;;) {
		message.tag = TAG_MAKE(LABEL_EXCEPTION, 8, 0);
		strata_forward(*gate, &message);
	}
}

static void exceptions_are_not_forwarded(void)
{
	struct watched w;
	struct thread thread;
	REQUIRE(make_watched(&w) && make_thread(&thread, NULL));
	cap_t *gate = new_shared(sizeof(*gate)), between = new_gate();
	*gate = w.handler->gate;
	REQUIRE_OK(strata_thread_bind(thread.cap, between));
	REQUIRE(start_thread(&thread, run_forward, gate));
	REQUIRE_OK(strata_thread_set_exception_gate(w.thread.cap, between));
	REQUIRE(start_thread(&w.thread, trap_once, NULL));
	EXPECT_EQ(w.handling->count, 0);
	EXPECT_EQ(state_of(&w.thread), THREAD_STATE_STOPPED);
	EXPECT_EQ(state_of(&thread), THREAD_STATE_IDLE);
}

static void killed_thread_leaves_its_handler_free(void)
{
	struct watched w;
	REQUIRE(make_watched(&w));
	struct server *slow =
		new_server_with(NULL, serve_slowly, (struct server){.context = w.handling});
	cap_t irq = irq_for(&slow->thread);
	REQUIRE_OK(strata_thread_set_exception_gate(w.thread.cap, slow->gate));
	REQUIRE(start_thread(&w.thread, trap_once, NULL));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, w.task.cap.index));
	REQUIRE_OK(strata_irq_trigger(irq));
	sleep_for(milliseconds(2));
	EXPECT_EQ(state_of(&slow->thread), THREAD_STATE_IDLE);
}

/* A fault that no pager resolves goes to the same gate; answered, it is repeated. */
static void unresolved_fault_is_resolved_by_the_handler(void)
{
	struct watched w;
	REQUIRE(make_watched(&w));
	struct access *access = new_shared(sizeof(*access));
	access->address = new_addresses(4096, 12);
	uint64_t good = new_frame(12);
	poke(good, 0xcafe);
	/* The handler gives the faulting thread another address: x0 to x30 all hold either. */
	w.handling->answer_words = EXCEPTION_WORDS;
	REQUIRE_OK(strata_task_map(w.task.cap, good, good, 4096, PAGE_READ, NULL));
	w.handling->answer_label = STATUS_NOT_FOUND;
	REQUIRE(start_thread(&w.thread, do_access, access));
	EXPECT_EQ(w.handling->words[EXCEPTION_WORD_REASON], EXCEPTION_FAULT);
	EXPECT_EQ(w.handling->words[EXCEPTION_WORD_ACCESS], FAULT_READ);
	EXPECT_EQ(w.handling->words[EXCEPTION_WORD_ADDRESS], access->address);
	EXPECT_EQ(w.handling->words[EXCEPTION_WORD_STATUS], STATUS_NO_CAPABILITY);
	for (unsigned i = 0; i < 31; i++) {
		if (w.handling->words[EXCEPTION_WORD_X0 + i] == access->address) {
			set_word(w.handling, EXCEPTION_WORD_X0 + i, good);
		}
	}
	w.handling->answer_label = STATUS_OK;
	REQUIRE_OK(strata_thread_resume(w.thread.cap));
	EXPECT(join(&w.thread));
	EXPECT_EQ(access->value, 0xcafe);
}

TEST_TABLE({"the handler is told all registers", all_registers_are_told},
	   {"the handler's answer changes the registers", registers_are_changed_by_the_answer},
	   {"an answer without registers repeats the instruction",
	    answer_without_registers_repeats},
	   {"a thread left stopped can be changed and resumed",
	    stopped_thread_is_changed_and_resumed},
	   {"privileged instructions trap", privileged_instructions_trap},
	   {"what user code may do it can do", permitted_instructions_work},
	   {"waiting for an interrupt harms nobody", waiting_for_interrupts_harms_nobody},
	   {"a misaligned pc traps", misaligned_pc},
	   {"alignment faults are exceptions", alignment_faults_are_no_page_faults},
	   {"unknown system calls are no exceptions", unknown_system_calls_are_no_exceptions},
	   {"without a handler the thread stops", without_handler_the_thread_stops},
	   {"a handler that dies leaves the thread stopped", handler_that_dies_while_it_owes},
	   {"threads that wait for a handler stop when its gate goes",
	    exceptions_that_wait_when_the_gate_goes},
	   {"a handler of its own exceptions stops", handler_that_is_its_own},
	   {"a cancelled exception is made again", cancelled_exception_is_made_again},
	   {"exceptions are not forwarded", exceptions_are_not_forwarded},
	   {"a killed thread leaves its handler free", killed_thread_leaves_its_handler_free},
	   {"an unresolved fault can be resolved by the handler",
	    unresolved_fault_is_resolved_by_the_handler});
