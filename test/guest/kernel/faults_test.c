/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page faults: what pagers are told, and everything that they may answer, or not answer.
 */
#include "callers.h"

#include <abi/boot_info.h>

#define PAGE  4096ul
#define BLOCK (1ul << 21)

/* What a pager does, as context of its server, in shared memory. */
struct policy {
	uint64_t from, order, rights, place, flags; /* its item; place is the address */
	uint64_t items;                             /* 0: no item */
	uint64_t label;                             /* its answer's */
	uint64_t wrong_first; /* that often it answers as `wrong` says before it does right */
	struct message_item wrong;
	uint64_t map_first; /* maps the page by Task.MAP into task 40 instead of by the item */
	volatile uint64_t address, pc, access; /* the last fault */
};

static void serve_policy(struct server *server, struct message *message)
{
	struct policy *policy = server->context;
	policy->address = message->words[FAULT_WORD_ADDRESS];
	policy->pc = message->words[FAULT_WORD_PC];
	policy->access = message->words[FAULT_WORD_ACCESS];
	EXPECT(message_is_kernel(message, LABEL_FAULT));
	EXPECT_EQ(TAG_WORDS(message->tag), FAULT_WORDS);
	put_memory_item(0, policy->from, (unsigned)policy->order, policy->rights, policy->place,
			policy->flags);
	if (server->calls <= policy->wrong_first) {
		strata_utcb()->items[0] = policy->wrong;
	}
	if (policy->map_first != 0) {
		EXPECT_OK(strata_task_map(cap_t_of(policy->map_first), policy->from, policy->place,
					  PAGE, (unsigned)policy->rights, NULL));
	}
	*message = message_of((uint32_t)policy->label, 0, policy->items != 0 ? 1 : 0);
}

/* A client in a task of its own with a pager in this one. */
struct paged {
	struct child_task task;
	struct thread thread;
	struct server *pager;
	struct policy *policy;
	struct access *access;
	uint64_t address; /* nothing is mapped there */
};

static bool make_paged(struct paged *paged)
{
	paged->policy = new_shared(sizeof(*paged->policy));
	paged->access = new_shared(sizeof(*paged->access));
	paged->address = new_addresses(4 * BLOCK, 21);
	paged->policy->from = new_frame(12);
	paged->policy->order = 12;
	paged->policy->rights = PAGE_READ | PAGE_WRITE;
	paged->policy->place = paged->address;
	paged->policy->items = 1;
	paged->access->address = paged->address + 0x128;
	poke(paged->policy->from + 0x128, 0xfeedf00d);
	paged->pager =
		new_server_with(NULL, serve_policy, (struct server){.context = paged->policy});
	return make_task(&paged->task) && make_thread(&paged->thread, &paged->task) &&
	       EXPECT_OK(strata_thread_set_pager(paged->thread.cap, paged->pager->gate));
}

static bool touch(struct paged *paged, enum fault_access kind)
{
	paged->access->kind = kind;
	paged->access->value = 0x77;
	return start_thread(&paged->thread, do_access, paged->access);
}

static void expect_stopped(const struct paged *paged, enum status status)
{
	EXPECT_EQ(paged->access->finished, 0);
	EXPECT_EQ(state_of(&paged->thread), THREAD_STATE_STOPPED);
	EXPECT_EQ(last_exception->count, 1);
	EXPECT_EQ(last_exception->reason, EXCEPTION_FAULT);
	EXPECT_EQ(last_exception->access, paged->access->kind);
	EXPECT_EQ(last_exception->address, paged->access->address);
	EXPECT_STATUS((enum status)last_exception->status, status);
}

/* ---- what a pager is told ---- */

static void pager_is_told_address_pc_and_access(void)
{
	static const enum fault_access kinds[] = {FAULT_READ, FAULT_WRITE, FAULT_EXECUTE};
	for (unsigned i = 0; i < 3; i++) {
		struct paged p;
		REQUIRE(make_paged(&p));
		p.policy->rights = i == 2 ? PAGE_READ | PAGE_EXECUTE : PAGE_READ | PAGE_WRITE;
		poke(p.policy->from + 0x128, 0xd65f03c0);
		REQUIRE(touch(&p, kinds[i]));
		EXPECT(join(&p.thread));
		EXPECT_EQ(p.pager->calls, 1);
		EXPECT_EQ(p.policy->address, p.access->address);
		EXPECT_EQ(p.policy->access, kinds[i]);
		uint64_t code = i == 2 ? p.access->address : (uint64_t)do_access;
		EXPECT(p.policy->pc >= code && p.policy->pc < code + 0x100);
	}
}

static void page_that_is_answered_is_used(void)
{
	struct paged p;
	REQUIRE(make_paged(&p));
	uint64_t faults = counter(COUNTER_FAULTS);
	REQUIRE(touch(&p, FAULT_READ));
	EXPECT(join(&p.thread));
	EXPECT_EQ(p.access->value, 0xfeedf00d);
	EXPECT_EQ(counter(COUNTER_FAULTS) - faults, 1);
	EXPECT(can_access(&p.task, p.address + PAGE - 8, FAULT_WRITE));
}

static void badge_and_rights_of_the_pagers_gate_are_seen(void)
{
	struct paged p;
	cap_t badged = new_cap();
	REQUIRE(make_paged(&p));
	REQUIRE_OK(strata_cap_derive(OWN_TASK, p.pager->gate, badged.index,
				     RIGHT_READ | RIGHT_SPECIAL, 0xabc));
	REQUIRE_OK(strata_thread_set_pager(p.thread.cap, badged));
	REQUIRE(touch(&p, FAULT_READ));
	EXPECT(join(&p.thread));
	EXPECT_EQ(p.pager->last_badge, 0xabc);
	EXPECT_EQ(TAG_RIGHTS(p.pager->last_tag), RIGHT_READ | RIGHT_SPECIAL);
}

static void registers_survive_a_fault(void)
{
	/* do_access() holds its argument and more in registers across the fault; so a whole spin with its pattern. */
	extern void spin_with_pattern(void);
	uint64_t registers[REGISTER_WORDS];
	struct paged p;
	REQUIRE(make_paged(&p));
	set_priority(&p.thread, PRIORITY_MAIN - 10);
	REQUIRE_OK(strata_thread_start(p.thread.cap, (uint64_t)spin_with_pattern, 0x1230,
				       p.access->address, 0x456));
	sleep_for(milliseconds(3));
	REQUIRE_OK(strata_thread_suspend(p.thread.cap));
	EXPECT_EQ(p.pager->calls, 1);
	REQUIRE_OK(strata_thread_read_registers(p.thread.cap, registers));
	EXPECT_EQ(registers[0], p.access->address);
	for (unsigned i = 2; i < 31; i++) {
		EXPECT_EQ(registers[i], 0x5000 + i);
	}
	EXPECT_EQ(registers[REGISTER_WORD_SP], 0x1230);
	EXPECT_EQ(registers[REGISTER_WORD_PSTATE], 0xa0000000);
	EXPECT(peek(p.policy->from + 0x128) > 0xfeedf00d);
}

/* ---- what it answers ---- */

static void item_of_a_large_page(void)
{
	struct paged p;
	REQUIRE(make_paged(&p));
	p.policy->from = new_frame(21);
	p.policy->order = 21;
	poke(p.policy->from + 0x128, 0x1a49e);
	REQUIRE(touch(&p, FAULT_READ));
	EXPECT(join(&p.thread));
	EXPECT_EQ(p.access->value, 0x1a49e);
	EXPECT(can_access(&p.task, p.address + BLOCK - 8, FAULT_READ));
}

static void page_mapped_otherwise_and_no_item(void)
{
	struct paged p;
	REQUIRE(make_paged(&p));
	p.policy->items = 0;
	p.policy->map_first = p.task.cap.index;
	REQUIRE(touch(&p, FAULT_READ));
	EXPECT(join(&p.thread));
	EXPECT_EQ(p.access->value, 0xfeedf00d);
	EXPECT_EQ(p.pager->calls, 1);
}

static void wrong_answers_are_asked_again(struct message_item wrong, enum fault_access kind)
{
	struct paged p;
	REQUIRE(make_paged(&p));
	p.policy->wrong_first = 3;
	p.policy->wrong = wrong;
	p.policy->wrong.page |=
		wrong.page == 0 ? ITEM_MEMORY_MAKE(p.policy->from, 12, PAGE_READ | PAGE_WRITE)
				: p.policy->from;
	p.policy->wrong.place += p.address;
	REQUIRE(touch(&p, kind));
	EXPECT(join(&p.thread));
	EXPECT_EQ(p.pager->calls, 4);
	EXPECT_EQ(p.pager->refusals, 0);
}

static void page_elsewhere_is_no_answer(void)
{
	wrong_answers_are_asked_again((struct message_item){0, 2 * BLOCK}, FAULT_READ);
}

static void too_few_rights_are_no_answer(void)
{
	wrong_answers_are_asked_again((struct message_item){12 << 6 | PAGE_READ, 0}, FAULT_WRITE);
}

static void pager_gives_no_more_rights_than_it_has(void)
{
	struct paged p;
	uint64_t read_only = new_addresses(PAGE, 12);
	REQUIRE(make_paged(&p));
	REQUIRE_OK(strata_task_map(OWN_TASK, p.policy->from, read_only, PAGE, PAGE_READ, NULL));
	p.policy->from = read_only;
	p.policy->rights = PAGE_RIGHTS;
	REQUIRE(touch(&p, FAULT_READ));
	EXPECT(join(&p.thread));
	EXPECT(!can_access(&p.task, p.address, FAULT_WRITE));
	EXPECT(!can_access(&p.task, p.address, FAULT_EXECUTE));
}

static void errors_stop_the_thread_and_tell_its_exception_gate(void)
{
	static const enum status statuses[] = {STATUS_NOT_FOUND, STATUS_NO_RIGHT, STATUS_QUOTA,
					       STATUS_BUSY, STATUS_DEADLOCK};
	for (unsigned i = 0; i < 5; i++) {
		struct paged p;
		REQUIRE(make_paged(&p));
		expect_exceptions();
		last_exception->count = 0;
		p.policy->items = 0;
		p.policy->label = statuses[i];
		REQUIRE(touch(&p, FAULT_WRITE));
		expect_stopped(&p, statuses[i]);
		EXPECT_EQ(p.pager->calls, 1);
	}
}

static void labels_that_are_no_status_are_an_error(void)
{
	static const uint64_t labels[] = {STATUS_COUNT, LABEL_FAULT, 0x7fffffff, 0xffffffff};
	for (unsigned i = 0; i < 4; i++) {
		struct paged p;
		REQUIRE(make_paged(&p));
		expect_exceptions();
		last_exception->count = 0;
		p.policy->items = 0;
		p.policy->label = labels[i];
		REQUIRE(touch(&p, FAULT_READ));
		expect_stopped(&p, STATUS_BAD_ARGUMENT);
	}
}

/* The pager hears of its mistake, and may answer again. */
static void refused_items_come_back_to_the_pager(void)
{
	struct paged p;
	REQUIRE(make_paged(&p));
	expect_exceptions();
	p.policy->from = 0x1000;
	REQUIRE(touch(&p, FAULT_READ));
	EXPECT_EQ(p.pager->refusals, 1);
	EXPECT_STATUS((enum status)p.pager->refusal, STATUS_NOT_MAPPED);
	expect_stopped(&p, STATUS_NOT_MAPPED); /* what it answered then */
}

static void serve_capability(struct server *server, struct message *message)
{
	put_cap_item(0, server->gate.index, 0, RIGHTS_ALL);
	*message = message_of(STATUS_OK, 0, 1);
}

static void capabilities_are_no_answer_to_a_fault(void)
{
	struct paged p;
	REQUIRE(make_paged(&p));
	expect_exceptions();
	struct server *pager = new_server(NULL, serve_capability);
	REQUIRE_OK(strata_thread_set_pager(p.thread.cap, pager->gate));
	REQUIRE(touch(&p, FAULT_READ));
	expect_stopped(&p, STATUS_WINDOW);
	EXPECT_STATUS((enum status)pager->refusal, STATUS_WINDOW);
}

/* ---- pagers that are not there ---- */

static void without_pager_the_exception_gate_is_told(void)
{
	struct paged p;
	REQUIRE(make_paged(&p));
	expect_exceptions();
	REQUIRE_OK(strata_thread_set_pager(p.thread.cap, cap_t_of(0)));
	REQUIRE(touch(&p, FAULT_READ));
	expect_stopped(&p, STATUS_NO_CAPABILITY);
	EXPECT_EQ(last_exception->pc >= (uint64_t)do_access &&
			  last_exception->pc < (uint64_t)do_access + 0x100,
		  1);
}

static void without_both_the_thread_stops(void)
{
	struct paged p;
	REQUIRE(make_paged(&p));
	REQUIRE_OK(strata_thread_set_pager(p.thread.cap, cap_t_of(0)));
	expect_no_report(&p.thread);
	REQUIRE(touch(&p, FAULT_READ));
	EXPECT_EQ(state_of(&p.thread), THREAD_STATE_STOPPED);
	/* With a pager it goes on. */
	REQUIRE_OK(strata_thread_set_pager(p.thread.cap, p.pager->gate));
	REQUIRE_OK(strata_thread_resume(p.thread.cap));
	EXPECT(join(&p.thread));
	EXPECT_EQ(p.access->value, 0xfeedf00d);
}

static void revoked_pager_is_no_pager(void)
{
	struct paged p;
	cap_t lent = new_cap();
	REQUIRE(make_paged(&p));
	expect_exceptions();
	REQUIRE_OK(strata_cap_derive(OWN_TASK, p.pager->gate, lent.index, RIGHTS_ALL, 3));
	REQUIRE_OK(strata_thread_set_pager(p.thread.cap, lent));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, lent.index));
	REQUIRE(touch(&p, FAULT_READ));
	expect_stopped(&p, STATUS_NO_CAPABILITY);
}

static void pager_without_handlers(void)
{
	struct paged p;
	REQUIRE(make_paged(&p));
	expect_exceptions();
	REQUIRE_OK(strata_cap_delete(OWN_TASK, p.pager->thread.cap.index));
	REQUIRE(touch(&p, FAULT_READ));
	expect_stopped(&p, STATUS_NO_HANDLER);
}

static void serve_wait_then_policy(struct server *server, struct message *message)
{
	uint64_t fired;
	(void)strata_wait_irq(1, 0, &fired);
	serve_policy(server, message);
}

static bool make_slow_paged(struct paged *paged, cap_t *irq)
{
	if (!make_paged(paged)) {
		return false;
	}
	paged->pager = new_server_with(NULL, serve_wait_then_policy,
				       (struct server){.context = paged->policy});
	*irq = irq_for(&paged->pager->thread);
	return EXPECT_OK(strata_thread_set_pager(paged->thread.cap, paged->pager->gate));
}

static void pager_that_dies_while_it_owes(void)
{
	struct paged p;
	cap_t irq;
	REQUIRE(make_slow_paged(&p, &irq));
	expect_exceptions();
	REQUIRE(touch(&p, FAULT_READ));
	EXPECT_EQ(state_of(&p.thread), THREAD_STATE_IN_CALL);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, p.pager->thread.cap.index));
	sleep_for(milliseconds(2));
	expect_stopped(&p, STATUS_SERVER_DIED);
}

static void pagers_gate_that_goes_while_it_owes(void)
{
	struct paged p;
	cap_t irq;
	REQUIRE(make_slow_paged(&p, &irq));
	expect_exceptions();
	REQUIRE(touch(&p, FAULT_READ));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, p.pager->gate.index));
	sleep_for(milliseconds(2));
	expect_stopped(&p, STATUS_SERVER_DIED);
}

static void faults_wait_for_a_busy_pager(void)
{
	struct paged p;
	cap_t irq;
	REQUIRE(make_slow_paged(&p, &irq));
	struct thread threads[5];
	struct access *accesses = new_shared(5 * sizeof(*accesses));
	for (unsigned i = 0; i < 5; i++) {
		accesses[i].address = p.access->address;
		REQUIRE(make_thread(&threads[i], &p.task));
		REQUIRE_OK(strata_thread_set_pager(threads[i].cap, p.pager->gate));
		REQUIRE(start_thread(&threads[i], do_access, &accesses[i]));
		EXPECT_EQ(state_of(&threads[i]),
			  i == 0 ? THREAD_STATE_IN_CALL : THREAD_STATE_CALLING);
	}
	for (unsigned i = 0; i < 5; i++) {
		REQUIRE_OK(strata_irq_trigger(irq));
		sleep_for(milliseconds(1));
	}
	for (unsigned i = 0; i < 5; i++) {
		EXPECT(join(&threads[i]));
		EXPECT_EQ(accesses[i].value, 0xfeedf00d);
	}
	EXPECT_EQ(p.pager->refusals, 0);
}

static void pager_whose_death_leaves_waiting_faults(void)
{
	struct paged p;
	cap_t irq;
	REQUIRE(make_slow_paged(&p, &irq));
	expect_exceptions();
	struct thread threads[3];
	struct access *accesses = new_shared(3 * sizeof(*accesses));
	for (unsigned i = 0; i < 3; i++) {
		accesses[i].address = p.access->address;
		REQUIRE(make_thread(&threads[i], &p.task));
		REQUIRE_OK(strata_thread_set_pager(threads[i].cap, p.pager->gate));
		REQUIRE(start_thread(&threads[i], do_access, &accesses[i]));
	}
	REQUIRE_OK(strata_cap_delete(OWN_TASK, p.pager->gate.index));
	sleep_for(milliseconds(5));
	for (unsigned i = 0; i < 3; i++) {
		EXPECT_EQ(state_of(&threads[i]), THREAD_STATE_STOPPED);
	}
	EXPECT_EQ(last_exception->count, 3);
}

static void serve_and_fault(struct server *server, struct message *message)
{
	struct policy *policy = server->context;
	(void)peek(policy->place + 8); /* not mapped here either */
	serve_policy(server, message);
}

static void pager_that_faults_itself(void)
{
	struct paged p;
	REQUIRE(make_paged(&p));
	expect_exceptions();
	p.pager = new_server_with(NULL, serve_and_fault, (struct server){.context = p.policy});
	REQUIRE_OK(strata_thread_set_pager(p.thread.cap, p.pager->gate));
	REQUIRE(touch(&p, FAULT_READ));
	EXPECT_EQ(state_of(&p.pager->thread), THREAD_STATE_STOPPED);
	EXPECT_EQ(state_of(&p.thread), THREAD_STATE_IN_CALL);
	/* Given the page, it goes on, and its client too. */
	REQUIRE_OK(
		strata_task_map(OWN_TASK, p.policy->from, p.policy->place, PAGE, PAGE_READ, NULL));
	REQUIRE_OK(strata_thread_resume(p.pager->thread.cap));
	EXPECT(join(&p.thread));
	EXPECT_EQ(p.access->value, 0xfeedf00d);
}

static void pager_that_is_its_own_pager(void)
{
	struct paged p;
	REQUIRE(make_paged(&p));
	expect_exceptions();
	p.pager = new_server_with(NULL, serve_and_fault, (struct server){.context = p.policy});
	REQUIRE_OK(strata_thread_set_pager(p.pager->thread.cap, p.pager->gate));
	REQUIRE_OK(strata_thread_set_pager(p.thread.cap, p.pager->gate));
	REQUIRE(touch(&p, FAULT_READ));
	EXPECT_EQ(state_of(&p.pager->thread), THREAD_STATE_STOPPED);
	EXPECT_STATUS((enum status)last_exception->status, STATUS_DEADLOCK);
	/* Its death frees the client. */
	last_exception->count = 0;
	REQUIRE_OK(strata_cap_delete(OWN_TASK, p.pager->thread.cap.index));
	sleep_for(milliseconds(2));
	expect_stopped(&p, STATUS_SERVER_DIED);
}

/* ---- suspend, cancel, other pagers ---- */

static void cancelled_fault_is_made_again(void)
{
	struct paged p;
	cap_t irq;
	REQUIRE(make_slow_paged(&p, &irq));
	REQUIRE(touch(&p, FAULT_READ));
	REQUIRE_OK(strata_thread_cancel(p.thread.cap));
	sleep_for(milliseconds(2));
	/* The pager is busy with what nobody waits for any more. */
	EXPECT_EQ(state_of(&p.thread), THREAD_STATE_CALLING);
	REQUIRE_OK(strata_irq_trigger(irq));
	sleep_for(milliseconds(2));
	EXPECT_EQ(p.pager->calls, 2);
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT(join(&p.thread));
	EXPECT_EQ(p.access->value, 0xfeedf00d);
}

static void suspended_fault_stops_after_its_answer(void)
{
	struct paged p;
	cap_t irq;
	REQUIRE(make_slow_paged(&p, &irq));
	REQUIRE(touch(&p, FAULT_READ));
	REQUIRE_OK(strata_thread_suspend(p.thread.cap));
	REQUIRE_OK(strata_irq_trigger(irq));
	sleep_for(milliseconds(2));
	EXPECT_EQ(state_of(&p.thread), THREAD_STATE_STOPPED);
	EXPECT(can_access(&p.task, p.address, FAULT_READ));
	uint64_t registers[REGISTER_WORDS];
	REQUIRE_OK(strata_thread_read_registers(p.thread.cap, registers));
	EXPECT(registers[REGISTER_WORD_PC] >= (uint64_t)do_access &&
	       registers[REGISTER_WORD_PC] < (uint64_t)do_access + 0x100);
	REQUIRE_OK(strata_thread_resume(p.thread.cap));
	EXPECT(join(&p.thread));
}

static void killed_client_leaves_its_pager_free(void)
{
	struct paged p;
	cap_t irq;
	REQUIRE(make_slow_paged(&p, &irq));
	REQUIRE(touch(&p, FAULT_READ));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, p.task.cap.index));
	EXPECT_EQ(state_of(&p.pager->thread), THREAD_STATE_WAITING);
	REQUIRE_OK(strata_irq_trigger(irq));
	sleep_for(milliseconds(2));
	EXPECT_EQ(state_of(&p.pager->thread), THREAD_STATE_IDLE);
	EXPECT_EQ(p.pager->refusals, 0);
}

static void new_pager_is_asked_next_time(void)
{
	struct paged p;
	REQUIRE(make_paged(&p));
	struct policy *policy = new_shared(sizeof(*policy));
	*policy = *p.policy;
	struct server *other =
		new_server_with(NULL, serve_policy, (struct server){.context = policy});
	REQUIRE_OK(strata_thread_set_pager(p.thread.cap, other->gate));
	REQUIRE(touch(&p, FAULT_READ));
	EXPECT(join(&p.thread));
	EXPECT_EQ(p.pager->calls, 0);
	EXPECT_EQ(other->calls, 1);
}

/* ---- quota ---- */

static void quota_that_cannot_pay_for_tables(void)
{
	struct paged p;
	cap_t factory = new_cap();
	uint64_t limit, used, after;
	REQUIRE(make_paged(&p));
	expect_exceptions();
	REQUIRE_OK(strata_cap_delete(OWN_TASK, p.task.cap.index));
	REQUIRE_OK(strata_create_factory(FACTORY, factory.index, 1 << 20));
	REQUIRE(make_task_from(&p.task, factory) && make_thread(&p.thread, &p.task));
	REQUIRE_OK(strata_thread_set_pager(p.thread.cap, p.pager->gate));
	REQUIRE_OK(strata_factory_account(factory, &limit, &used));
	REQUIRE_OK(strata_factory_set_limit(FACTORY, factory, used));
	REQUIRE(touch(&p, FAULT_READ));
	expect_stopped(&p, STATUS_KERNEL_QUOTA);
	EXPECT_EQ(p.pager->calls, 1);
	EXPECT_EQ(p.pager->refusals, 0); /* it is not to blame */
	EXPECT_EQ(state_of(&p.pager->thread), THREAD_STATE_IDLE);
	REQUIRE_OK(strata_factory_account(factory, &limit, &after));
	EXPECT_EQ(after, used); /* nothing half mapped */
	REQUIRE_OK(strata_factory_set_limit(FACTORY, factory, used + (1 << 16)));
	REQUIRE_OK(strata_thread_resume(p.thread.cap));
	EXPECT(join(&p.thread));
	EXPECT_EQ(p.access->value, 0xfeedf00d);
	EXPECT_EQ(p.pager->calls, 2);
}

/* ---- addresses that no pager can serve ---- */

static void strange_addresses(void)
{
	static const uint64_t addresses[] = {
		0,
		8,
		0xffff000000000000,
		0xffff800000000000,
		0xfffffffffffffff8,
		0x0001000000000000,
		0x8000000000000000,
		0x0100000000400000, /* a tag in the top byte of the text's address */
		0xff00800040000000, /* and of the window's */
		0xffff000000400000, /* the kernel's half, with the text's address below */
		0xffff800040300000,
		0x0001800040300000,
	};
	for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		for (unsigned kind = FAULT_READ; kind <= FAULT_EXECUTE; kind++) {
			struct paged p;
			REQUIRE(make_paged(&p));
			expect_exceptions();
			last_exception->count = 0;
			p.policy->items = 0;
			p.policy->label = STATUS_NOT_FOUND;
			p.access->address = addresses[i];
			REQUIRE(touch(&p, (enum fault_access)kind));
			EXPECT_EQ(p.access->finished, 0);
			if (!EXPECT_EQ(state_of(&p.thread), THREAD_STATE_STOPPED)) {
				note("access %u to 0x%lx", kind, addresses[i]);
				REQUIRE_OK(strata_cap_delete(OWN_TASK, p.thread.cap.index));
			}
			EXPECT_EQ(last_exception->count, 1);
		}
	}
}

/* The pager tries to map there. */
static void strange_places(void)
{
	static const uint64_t places[] = {0, 1ul << 48, 0xffff800000000000, 0xfffffffffffff000,
					  0x8000000000000000};
	for (unsigned i = 0; i < 5; i++) {
		struct paged p;
		REQUIRE(make_paged(&p));
		expect_exceptions();
		p.policy->place = places[i];
		REQUIRE(touch(&p, FAULT_READ));
		EXPECT_EQ(p.pager->refusals, 1);
		EXPECT(p.pager->refusal == STATUS_WINDOW || p.pager->refusal == STATUS_BAD_RANGE);
	}
}

static void window_of_the_kernel_pages_is_no_memory(void)
{
	struct paged p;
	REQUIRE(make_paged(&p));
	expect_exceptions();
	p.policy->from = (uint64_t)boot_info & ~(PAGE - 1);
	REQUIRE(touch(&p, FAULT_READ));
	EXPECT_STATUS((enum status)p.pager->refusal, STATUS_NOT_MAPPED);
}

/* ---- repairs ---- */

static void untracked_pages_are_never_repaired(void)
{
	struct child_task child;
	uint64_t frame = new_frame(12), at = new_addresses(PAGE, 12);
	REQUIRE(make_task(&child));
	REQUIRE_OK(strata_task_map(child.cap, frame, at, PAGE, PAGE_READ | PAGE_WRITE, NULL));
	uint64_t repairs = counter(COUNTER_REPAIRS);
	EXPECT(can_access(&child, at, FAULT_READ));
	EXPECT(can_access(&child, at, FAULT_WRITE));
	EXPECT_EQ(counter(COUNTER_REPAIRS), repairs);
}

static void tracked_pages_are_repaired_once_for_each_use(void)
{
	struct child_task child;
	uint64_t frame = new_frame(12), at = new_addresses(PAGE, 12), referenced, dirty;
	REQUIRE(make_task(&child));
	REQUIRE_OK(strata_task_map(child.cap, frame, at, PAGE, PAGE_READ | PAGE_WRITE | MAP_TRACK,
				   NULL));
	uint64_t repairs = counter(COUNTER_REPAIRS), faults = counter(COUNTER_FAULTS);
	REQUIRE_OK(strata_task_age(child.cap, at, 12, 1, AGE_EXACT, &referenced, &dirty));
	EXPECT_EQ(referenced | dirty, 0);
	EXPECT(can_access(&child, at, FAULT_READ));
	EXPECT(can_access(&child, at, FAULT_READ));
	EXPECT_EQ(counter(COUNTER_REPAIRS) - repairs, 1);
	REQUIRE_OK(strata_task_age(child.cap, at, 12, 1, AGE_EXACT, &referenced, &dirty));
	EXPECT_EQ(referenced, 1);
	EXPECT_EQ(dirty, 0);
	EXPECT(can_access(&child, at, FAULT_WRITE));
	EXPECT(can_access(&child, at, FAULT_WRITE));
	EXPECT(counter(COUNTER_REPAIRS) - repairs <= 3);
	REQUIRE_OK(strata_task_age(child.cap, at, 12, 1, AGE_EXACT, &referenced, &dirty));
	EXPECT_EQ(referenced, 1);
	EXPECT_EQ(dirty, 1);
	EXPECT_EQ(counter(COUNTER_FAULTS), faults);
}

static void tracked_answer_is_born_used(enum fault_access kind, uint64_t expected_dirty)
{
	struct paged p;
	uint64_t referenced, dirty;
	REQUIRE(make_paged(&p));
	p.policy->flags = ITEM_TRACK;
	uint64_t repairs = counter(COUNTER_REPAIRS);
	REQUIRE(touch(&p, kind));
	EXPECT(join(&p.thread));
	EXPECT_EQ(counter(COUNTER_REPAIRS), repairs);
	REQUIRE_OK(strata_task_age(p.task.cap, p.address, 12, 1, AGE_EXACT, &referenced, &dirty));
	EXPECT_EQ(referenced, 1);
	EXPECT_EQ(dirty, expected_dirty);
}

static void tracked_answers_are_born_referenced(void)
{
	tracked_answer_is_born_used(FAULT_READ, 0);
}

static void tracked_answers_to_writes_are_born_dirty(void)
{
	tracked_answer_is_born_used(FAULT_WRITE, 1);
}

static void write_to_a_tracked_read_only_page_is_a_fault(void)
{
	struct paged p;
	REQUIRE(make_paged(&p));
	REQUIRE_OK(strata_task_map(p.task.cap, p.policy->from, p.address, PAGE,
				   PAGE_READ | MAP_TRACK, NULL));
	REQUIRE(touch(&p, FAULT_WRITE));
	EXPECT(join(&p.thread));
	EXPECT_EQ(p.policy->access, FAULT_WRITE);
	EXPECT_EQ(p.pager->calls, 1);
}

TEST_TABLE({"a pager is told address, pc and access", pager_is_told_address_pc_and_access},
	   {"the page that is answered is used", page_that_is_answered_is_used},
	   {"a pager sees the badge and rights of its gate's capability",
	    badge_and_rights_of_the_pagers_gate_are_seen},
	   {"all registers survive a fault", registers_survive_a_fault},
	   {"a pager can answer with a large page", item_of_a_large_page},
	   {"a pager can map by itself and answer with nothing", page_mapped_otherwise_and_no_item},
	   {"a page elsewhere is no answer and is asked for again", page_elsewhere_is_no_answer},
	   {"a page with too few rights is no answer", too_few_rights_are_no_answer},
	   {"a pager gives no more rights than it has", pager_gives_no_more_rights_than_it_has},
	   {"a pager's error stops the thread and tells its exception gate",
	    errors_stop_the_thread_and_tell_its_exception_gate},
	   {"answers that are no status are errors", labels_that_are_no_status_are_an_error},
	   {"a refused item comes back to the pager", refused_items_come_back_to_the_pager},
	   {"capabilities are no answer to a fault", capabilities_are_no_answer_to_a_fault},
	   {"without pager the exception gate is told", without_pager_the_exception_gate_is_told},
	   {"without pager and exception gate the thread stops and can be resumed",
	    without_both_the_thread_stops},
	   {"a revoked pager is no pager", revoked_pager_is_no_pager},
	   {"a pager without handlers is an error", pager_without_handlers},
	   {"a pager that dies while it owes is an error", pager_that_dies_while_it_owes},
	   {"a pager's gate that goes while it owes is an error",
	    pagers_gate_that_goes_while_it_owes},
	   {"faults wait for a busy pager", faults_wait_for_a_busy_pager},
	   {"faults that wait for a pager that goes become exceptions",
	    pager_whose_death_leaves_waiting_faults},
	   {"a pager that faults itself goes on when it is helped", pager_that_faults_itself},
	   {"a pager that is its own pager is a deadlock", pager_that_is_its_own_pager},
	   {"a cancelled fault is made again", cancelled_fault_is_made_again},
	   {"a thread suspended in a fault stops after the answer",
	    suspended_fault_stops_after_its_answer},
	   {"a killed client leaves its pager free", killed_client_leaves_its_pager_free},
	   {"a new pager is asked at the next fault", new_pager_is_asked_next_time},
	   {"a quota that cannot pay stops the client and blames nobody",
	    quota_that_cannot_pay_for_tables},
	   {"faults at addresses that cannot be mapped come to the pager", strange_addresses},
	   {"pagers cannot map outside of user space", strange_places},
	   {"the kernel's pages are nobody's memory to give",
	    window_of_the_kernel_pages_is_no_memory},
	   {"untracked pages are never repaired", untracked_pages_are_never_repaired},
	   {"tracked pages are repaired at their first use and first write",
	    tracked_pages_are_repaired_once_for_each_use},
	   {"a tracked answer is born referenced", tracked_answers_are_born_referenced},
	   {"a tracked answer to a write is born dirty", tracked_answers_to_writes_are_born_dirty},
	   {"a write to a tracked read-only page is a fault",
	    write_to_a_tracked_read_only_page_is_a_fault});
