/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on capabilities, objects and factories against a naive model: arrays of objects, and of slots that
 * say object, rights, badge and parent. After each operation every lookup, C1, C2 and the accounts must agree; in the end
 * every byte is back in the pool.
 *
 *   cap_model [--operations N] [--seed N]
 *
 * Interrupts are pending at random, so deletions stop anywhere; most are made again, some are not, and leave dying objects, which the next
 * deletion of an object that is not interrupted finishes, all of them.
 */
#include "machine.h"

#include <kern/cap.h>
#include <kern/cpu.h>
#include <kern/factory.h>
#include <kern/gate.h>
#include <kern/invoke.h>
#include <kern/ipc.h>
#include <kern/irq.h>
#include <kern/panic.h>
#include <kern/task.h>
#include <kern/thread.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS   120
#define TASKS     14
#define FACTORIES 12
#define SLOTS     40 /* of a task; of a thread, two */
#define NONE      (-1)

/* Two of the kernel's own, then the first task. */
enum { ROOT_FACTORY, OWN_LOG, FIRST_TASK };

struct thing {
	struct object *real; /* NULL: free */
	int factory;         /* NONE: the kernel's own */
	int task;            /* of a thread */
	bool pages[3];       /* of a task: made */
	bool dead;           /* what is being deleted takes it along */
};

struct held {
	int object; /* NONE: empty */
	int parent; /* a slot's number; NONE: original */
	unsigned rights;
	uint64_t badge;
	bool dead;
};

static struct thing things[OBJECTS];
static struct held slots[OBJECTS * SLOTS]; /* by holder */
static struct object own_log = {.kind = OBJECT_LOG};
static uint64_t start_free, space_bytes;
static uint64_t step, interrupted, left_dying;

struct cpu cpus[ARCH_CORES_MAX];

#define EXPECT(condition)                                                                     \
	do {                                                                                  \
		if (!(condition)) {                                                           \
			panic("step %lu: line %d: %s is not so", step, __LINE__, #condition); \
		}                                                                             \
	} while (0)

/* What the kernel calls. */

void ipc_sweep_capability(struct cpu *cpu, struct capability *capability)
{
	EXPECT(cpu == &cpus[0] && capability->word != 0 && capability->first_child == 0);
}

void ipc_move_capability(const struct capability *from, struct capability *to)
{
	EXPECT(from->word == 0 && to->word != 0);
}

void invoke_abandon(struct thread *thread)
{
	EXPECT(thread == NULL); /* no task has unfinished operations here */
}

void arch_leave_address_space(void)
{
}

static enum status make_thread(struct factory *factory, struct task *task, struct object **object)
{
	struct thread *thread = factory_alloc(factory, OBJECT_THREAD);
	if (thread == NULL) {
		return STATUS_QUOTA;
	}
	if (!quota_charge(&factory->quota, PAGE_BYTES)) {
		factory_free(&thread->object);
		return STATUS_QUOTA;
	}
	thread->utcb = page_alloc();
	thread->task = task;
	LIST_INSERT_HEAD(&task->threads, thread, of_task);
	*object = &thread->object;
	return STATUS_OK;
}

void thread_destroy(struct thread *thread)
{
	if (thread->pager.word != 0) {
		EXPECT(cap_delete(&thread->pager));
	}
	if (thread->exception_gate.word != 0) {
		EXPECT(cap_delete(&thread->exception_gate));
	}
	LIST_REMOVE(thread, of_task);
	page_free(thread->utcb);
	quota_refund(&thread->object.factory->quota, PAGE_BYTES);
}

bool gate_destroy(struct gate *gate)
{
	EXPECT(gate->object.dying);
	return !preempt_pending();
}

void irq_destroy(struct irq *irq)
{
	EXPECT(irq->object.dying);
}

/* Model and kernel: who is who. */

static unsigned kind_of(int thing)
{
	return things[thing].real->kind;
}

static unsigned slots_of(int holder)
{
	if (things[holder].real == NULL) {
		return 0;
	}
	return kind_of(holder) == OBJECT_TASK ? SLOTS : kind_of(holder) == OBJECT_THREAD ? 2 : 0;
}

/* The first 16, those around the first page's end, and the last eight. */
static uint64_t index_of(int slot)
{
	uint64_t i = (uint64_t)slot % SLOTS;
	return i < 16 ? i + 1 : i < 32 ? i - 16 + 120 : CAP_INDEX_LIMIT - SLOTS + i;
}

static unsigned page_of(int slot)
{
	return index_of(slot) < 128 ? 0 : index_of(slot) < 256 ? 1 : 2;
}

static struct task *task_of(int thing)
{
	return (struct task *)things[thing].real;
}

static struct capability *real_slot(int slot)
{
	int holder = slot / SLOTS;
	if (kind_of(holder) == OBJECT_TASK) {
		const struct cap_table *table = &task_of(holder)->caps;
		return table->pages == NULL ? NULL : cap_lookup(table, index_of(slot));
	}
	struct thread *thread = (struct thread *)things[holder].real;
	struct capability *own = slot % SLOTS == 0 ? &thread->pager : &thread->exception_gate;
	return own->word == 0 ? NULL : own;
}

static bool slot_used(int slot)
{
	return slots[slot].object != NONE;
}

#define FOR_EACH_SLOT(slot)                                                            \
	for (int holder_ = 0; holder_ < OBJECTS; holder_++)                            \
		for (int slot = holder_ * SLOTS, end_ = slot + (int)slots_of(holder_); \
		     slot < end_; slot++)

/* Comparing. */

static void compare_slot(int slot, const struct capability *real)
{
	const struct held *model = &slots[slot];
	EXPECT(cap_object(real) == things[model->object].real);
	EXPECT(cap_rights(real) == model->rights && real->badge == model->badge);
	if (model->parent == NONE) {
		EXPECT(real->parent == 0 && real->prev == 0 && real->next == 0);
		EXPECT(cap_object(real)->original == real);
	} else {
		EXPECT(slot_used(model->parent));
		EXPECT(page_at_number(real->parent, 5) == real_slot(model->parent));
	}
}

/* C1 and C2 from the parent's side; how many children. */
static unsigned check_children(const struct capability *real)
{
	unsigned count = 0;
	uint32_t prev = 0;
	for (uint32_t number = real->first_child; number != 0; count++) {
		const struct capability *child = page_at_number(number, 5);
		EXPECT(child->word != 0 && child->prev == prev);
		EXPECT(page_at_number(child->parent, 5) == real);
		EXPECT(cap_object(child) == cap_object(real));
		EXPECT((cap_rights(child) & ~cap_rights(real)) == 0);
		EXPECT(real->badge == 0 || child->badge == real->badge);
		prev = number;
		number = child->next;
	}
	return count;
}

static void compare_slots(void)
{
	unsigned derived = 0, children = 0;
	FOR_EACH_SLOT(slot)
	{
		const struct capability *real = real_slot(slot);
		EXPECT((real != NULL) == slot_used(slot));
		if (real != NULL) {
			compare_slot(slot, real);
			derived += slots[slot].parent != NONE;
			children += check_children(real);
		}
	}
	EXPECT(derived == children);
}

static struct factory *factory_of(int thing)
{
	return (struct factory *)things[thing].real;
}

static uint64_t own_bytes(int i)
{
	const struct thing *thing = &things[i];
	switch (kind_of(i)) {
	case OBJECT_TASK:
		return space_bytes +
		       PAGE_BYTES * (1u + thing->pages[0] + thing->pages[1] + thing->pages[2]);
	case OBJECT_THREAD:
		return PAGE_BYTES;
	case OBJECT_FACTORY:
		return factory_of(i)->quota.limit;
	default:
		return 0;
	}
}

/* Slab pages are those that its objects are in. Of a dying task nobody knows what it has given back. */
static void compare_accounts(void)
{
	static uint64_t seen[POOL_BLOCKS * POOL_BLOCK_PAGES];
	static uint64_t round;
	uint64_t used[OBJECTS] = {0}, sum = 0;
	bool unknown[OBJECTS] = {false};
	round++;
	for (int i = FIRST_TASK; i < OBJECTS; i++) {
		if (things[i].real == NULL) {
			continue;
		}
		uint32_t page = page_number_of(things[i].real, 12);
		used[things[i].factory] += seen[page] != round ? PAGE_BYTES : 0;
		seen[page] = round;
		used[things[i].factory] += own_bytes(i);
		unknown[things[i].factory] |= things[i].real->dying && kind_of(i) == OBJECT_TASK;
	}
	for (int i = 0; i < OBJECTS; i++) {
		if (things[i].real != NULL && kind_of(i) == OBJECT_FACTORY) {
			const struct quota *quota = &factory_of(i)->quota;
			EXPECT(quota->used <= quota->limit);
			EXPECT(unknown[i] || quota->used == used[i]);
			sum += quota->used - (i == ROOT_FACTORY ? 0 : quota->limit);
		}
	}
	EXPECT(sum == start_free - page_pool_free());
}

static bool is_listed(const struct object *object, const struct factory *factory)
{
	const struct object *other;
	TAILQ_FOREACH (other, &factory->objects, of_factory) {
		if (other == object) {
			return true;
		}
	}
	return false;
}

/* What the factories' lists hold is what the model has. */
static void compare_objects(void)
{
	unsigned model = 0, real = 0;
	for (int i = 0; i < OBJECTS; i++) {
		if (things[i].real == NULL) {
			continue;
		}
		model += i >= FIRST_TASK;
		/* What is dying is in the list of objects being torn down: nothing is stranded. */
		EXPECT(!things[i].real->gone && things[i].real->on_stack == things[i].real->dying);
		if (kind_of(i) == OBJECT_FACTORY) {
			const struct object *object;
			TAILQ_FOREACH (object, &factory_of(i)->objects, of_factory) {
				real++;
			}
		}
	}
	EXPECT(model == real);
}

static void leave_kernel(void)
{
	unsigned every = machine_preempt_every;
	machine_operation_ends();
	machine_preempt_every = 0; /* nothing stays for the next way out of the kernel */
	round_leave_kernel();
	machine_preempt_every = every;
	EXPECT(machine_violations == 0);
}

static void compare_all(void)
{
	compare_objects();
	compare_slots();
	compare_accounts();
}

/* What a deletion takes along. */

static bool mark_slots(void)
{
	bool more = false;
	FOR_EACH_SLOT(number)
	{
		struct held *slot = &slots[number];
		if (slot->object == NONE) {
			continue;
		}
		struct thing *object = &things[slot->object];
		if (!slot->dead && (object->dead || things[number / SLOTS].dead ||
				    (slot->parent != NONE && slots[slot->parent].dead))) {
			slot->dead = true;
			more = true;
		}
		if (slot->dead && slot->parent == NONE && object->factory != NONE &&
		    !object->dead) {
			object->dead = true;
			more = true;
		}
	}
	return more;
}

static bool mark_things(void)
{
	bool more = false;
	for (int i = FIRST_TASK; i < OBJECTS; i++) {
		struct thing *thing = &things[i];
		bool dead = thing->real != NULL && !thing->dead &&
			    (things[thing->factory].dead ||
			     (thing->task != NONE && things[thing->task].dead));
		thing->dead |= dead;
		more |= dead;
	}
	return more;
}

static void mark_all(void)
{
	while ((int)mark_slots() | (int)mark_things()) {
	}
}

static void unmark_all(void)
{
	for (int i = 0; i < OBJECTS; i++) {
		things[i].dead = false;
	}
	FOR_EACH_SLOT(slot)
	{
		slots[slot].dead = false;
	}
}

static void forget_thing(int i)
{
	for (int slot = i * SLOTS; slot < (i + 1) * SLOTS; slot++) {
		slots[slot] = (struct held){.object = NONE, .parent = NONE};
	}
	things[i] = (struct thing){.factory = NONE, .task = NONE};
}

/* Takes out of the model what is gone, all of which must be marked. Those marked that are left. Before memory is freed. */
static unsigned take_out_gone(void)
{
	unsigned left = 0;
	for (int i = FIRST_TASK; i < OBJECTS; i++) {
		if (things[i].real != NULL && things[i].real->gone) {
			EXPECT(things[i].dead &&
			       !is_listed(things[i].real, things[i].real->factory));
			forget_thing(i);
		} else {
			left += things[i].dead;
		}
	}
	FOR_EACH_SLOT(slot)
	{
		if (slot_used(slot) && real_slot(slot) == NULL) {
			EXPECT(slots[slot].dead);
			slots[slot].object = NONE;
		} else {
			left += slots[slot].dead;
		}
	}
	return left;
}

/* Choosing. */

static int random_thing(unsigned kind, bool alive)
{
	for (unsigned tries = 0; tries < 100; tries++) {
		int i = (int)machine_random(OBJECTS);
		if (things[i].real != NULL && kind_of(i) == kind &&
		    !(alive && things[i].real->dying)) {
			return i;
		}
	}
	return kind == OBJECT_FACTORY ? ROOT_FACTORY : kind == OBJECT_TASK ? FIRST_TASK : NONE;
}

static int random_slot(void)
{
	int holder = random_thing(OBJECT_TASK, false);
	return holder * SLOTS + (int)machine_random(SLOTS);
}

static int random_used_slot(void)
{
	for (unsigned tries = 0; tries < 200; tries++) {
		int slot = random_slot();
		if (slot_used(slot)) {
			return slot;
		}
	}
	return NONE;
}

/* Nobody reaches a dying task's table once its threads are gone. */
static bool is_reachable(int slot)
{
	const struct task *task = task_of(slot / SLOTS);
	return !task->object.dying || !LIST_EMPTY(&task->threads);
}

static int count_kind(unsigned kind)
{
	int count = 0;
	for (int i = 0; i < OBJECTS; i++) {
		count += things[i].real != NULL && kind_of(i) == kind;
	}
	return count;
}

/* Operations. */

/* cap_slot() against the model. */
static bool take_slot(int slot, struct capability **real)
{
	int holder = slot / SLOTS;
	struct thing *task = &things[holder];
	const struct quota *quota = task_of(holder)->caps.quota;
	bool page = task->pages[page_of(slot)];
	bool poor = !page && quota->limit - quota->used < PAGE_BYTES;
	enum status expected = poor              ? STATUS_QUOTA
			       : slot_used(slot) ? STATUS_SLOT_TAKEN
						 : STATUS_OK;
	EXPECT(cap_slot(&task_of(holder)->caps, index_of(slot), real) == expected);
	task->pages[page_of(slot)] |= !poor;
	return expected == STATUS_OK;
}

static void derive(int parent, int slot)
{
	struct capability *real, *from = real_slot(parent);
	if (things[slots[parent].object].real->dying || !is_reachable(slot) ||
	    !take_slot(slot, &real)) {
		return;
	}
	unsigned rights =
		(unsigned)machine_random(2) == 0 ? RIGHTS_ALL : (unsigned)machine_random(64);
	uint64_t badge = slots[parent].badge == 0 && machine_random(3) == 0 ? machine_random(5) : 0;
	cap_derive(from, real, rights, badge);
	slots[slot] = slots[parent];
	slots[slot].parent = parent;
	slots[slot].rights &= rights;
	slots[slot].badge = badge != 0 ? badge : slots[parent].badge;
}

static void do_derive(void)
{
	int parent = random_used_slot();
	if (parent != NONE && is_reachable(parent)) {
		derive(parent, random_slot());
	}
}

static void do_bad_index(void)
{
	static const uint64_t bad[] = {0, CAP_INDEX_LIMIT, CAP_INDEX_LIMIT + 1, 1ul << 63, ~0ul};
	uint64_t index = bad[machine_random(5)];
	const struct task *task = task_of(FIRST_TASK);
	struct capability *real;
	EXPECT(cap_lookup(&task->caps, index) == NULL);
	EXPECT(cap_slot((struct cap_table *)&task->caps, index, &real) == STATUS_BAD_ARGUMENT);
}

static unsigned children_of(int parent)
{
	unsigned count = 0;
	FOR_EACH_SLOT(slot)
	{
		count += slot_used(slot) && slots[slot].parent == parent;
	}
	return count;
}

static void move(int from, int to)
{
	struct capability *real;
	if (from == NONE || !is_reachable(from) || !is_reachable(to) || !take_slot(to, &real)) {
		return;
	}
	bool moved = cap_move(real_slot(from), real);
	EXPECT(moved == (children_of(from) <= 64));
	if (!moved) {
		return;
	}
	slots[to] = slots[from];
	slots[from].object = NONE;
	FOR_EACH_SLOT(slot)
	{
		if (slot_used(slot) && slots[slot].parent == from) {
			slots[slot].parent = to;
		}
	}
}

static void do_move(void)
{
	move(random_used_slot(), random_slot());
}

/* So that some have more children than can be moved. */
static void do_derive_many(void)
{
	int parent = random_used_slot();
	if (parent == NONE || !is_reachable(parent) || machine_random(20) != 0) {
		return;
	}
	for (unsigned i = 0; i < 300; i++) {
		derive(parent, random_slot());
	}
	move(parent, random_slot());
}

static void do_set_pager(void)
{
	int thread = random_thing(OBJECT_THREAD, true), gate = random_used_slot();
	if (thread == NONE || gate == NONE || kind_of(slots[gate].object) != OBJECT_GATE ||
	    things[slots[gate].object].real->dying || !is_reachable(gate)) {
		return;
	}
	int slot = thread * SLOTS + (int)machine_random(2);
	struct thread *real = (struct thread *)things[thread].real;
	struct capability *own = slot % SLOTS == 0 ? &real->pager : &real->exception_gate;
	if (slot_used(slot)) {
		EXPECT(cap_delete(own));
	}
	cap_derive(real_slot(gate), own, RIGHTS_ALL, 0);
	slots[slot] = slots[gate];
	slots[slot].parent = gate;
}

/* What deletions have left goes with the next object that is deleted. */
static void mark_dying(void)
{
	for (int i = FIRST_TASK; i < OBJECTS; i++) {
		things[i].dead |= things[i].real != NULL && things[i].real->dying;
	}
}

/* An interrupted deletion or revocation is made again, or not. */
static void ask_until_done(int slot, bool (*ask)(struct capability *capability))
{
	if (ask == cap_delete && slots[slot].parent == NONE) {
		mark_dying();
	}
	mark_all();
	bool done = false;
	uint64_t preempted = machine_preempted;
	while (!done) {
		struct capability *real = real_slot(slot);
		if (real == NULL || things[slot / SLOTS].real == NULL) {
			break; /* it went with a ring */
		}
		done = ask(real);
		unsigned left = take_out_gone();
		leave_kernel();
		EXPECT(!done || machine_preempted != preempted || left == 0);
		if (!done) {
			interrupted++;
			compare_all();
			if (things[slot / SLOTS].real == NULL || !slot_used(slot) ||
			    machine_random(16) == 0) {
				left_dying += left != 0;
				break;
			}
		} else {
			left_dying += left != 0;
		}
	}
	unmark_all();
}

static bool is_the_kernels(int slot)
{
	return slots[slot].parent == NONE && things[slots[slot].object].factory == NONE;
}

static void do_delete(void)
{
	int slot = random_used_slot();
	if (slot == NONE || is_the_kernels(slot) ||
	    (slots[slot].parent == NONE && machine_random(30) != 0)) {
		return;
	}
	slots[slot].dead = true;
	ask_until_done(slot, cap_delete);
}

static void do_revoke(void)
{
	int slot = random_used_slot();
	if (slot == NONE || (slots[slot].parent == NONE && machine_random(30) != 0)) {
		return;
	}
	FOR_EACH_SLOT(child)
	{
		slots[child].dead = slot_used(child) && slots[child].parent == slot;
	}
	ask_until_done(slot, cap_revoke);
}

/* Tasks and factories that are in some table. */
static void do_destroy(void)
{
	int i = random_thing(machine_random(3) == 0 ? OBJECT_FACTORY : OBJECT_TASK, false);
	if (machine_random(30) != 0 || things[i].factory == NONE) {
		return;
	}
	FOR_EACH_SLOT(slot)
	{
		if (slots[slot].object == i && slots[slot].parent == NONE) {
			slots[slot].dead = true;
			ask_until_done(slot, cap_delete);
			return;
		}
	}
}

static enum status create(int factory, int task, unsigned kind, struct object **object)
{
	struct factory *real = factory_of(factory);
	switch (kind) {
	case OBJECT_TASK:
		return task_create(real, (struct task **)object);
	case OBJECT_THREAD:
		return make_thread(real, task_of(task), object);
	case OBJECT_FACTORY:
		return factory_create(real, machine_random(60) * PAGE_BYTES,
				      (struct factory **)object);
	default:
		*object = factory_alloc(real, (enum object_kind)kind);
		return *object == NULL ? STATUS_QUOTA : STATUS_OK;
	}
}

static void add_original(int slot, struct capability *real, int object)
{
	cap_make_original(real, things[object].real, RIGHTS_ALL);
	slots[slot] = (struct held){.object = object, .parent = NONE, .rights = RIGHTS_ALL};
}

static void do_create(void)
{
	static const unsigned kinds[] = {OBJECT_TASK, OBJECT_TASK, OBJECT_THREAD, OBJECT_GATE,
					 OBJECT_GATE, OBJECT_IRQ,  OBJECT_FACTORY};
	unsigned kind = kinds[machine_random(7)];
	int free_thing = FIRST_TASK, factory = random_thing(OBJECT_FACTORY, true);
	int task = random_thing(OBJECT_TASK, true), slot = random_slot();
	while (free_thing < OBJECTS && things[free_thing].real != NULL) {
		free_thing++;
	}
	struct capability *real;
	if (free_thing == OBJECTS || (kind == OBJECT_TASK && count_kind(kind) >= TASKS) ||
	    (kind == OBJECT_FACTORY && count_kind(kind) >= FACTORIES) || !is_reachable(slot) ||
	    !take_slot(slot, &real)) {
		return;
	}
	struct object *object;
	enum status status = create(factory, task, kind, &object);
	if (status == STATUS_OK) {
		things[free_thing] = (struct thing){.real = object,
						    .factory = factory,
						    .task = kind == OBJECT_THREAD ? task : NONE};
		add_original(slot, real, free_thing);
	} else {
		const struct quota *quota = &factory_of(factory)->quota;
		EXPECT(status == STATUS_QUOTA && quota->limit - quota->used < 61 * PAGE_BYTES);
	}
}

static void do_set_limit(void)
{
	int child = random_thing(OBJECT_FACTORY, true), factory = things[child].factory;
	if (factory == NONE || machine_random(8) == 0) {
		factory = random_thing(OBJECT_FACTORY, true);
	}
	uint64_t limit = machine_random(80) * PAGE_BYTES + (machine_random(10) == 0);
	const struct quota *quota = &factory_of(factory)->quota, *below = &factory_of(child)->quota;
	enum status expected = STATUS_OK;
	if (limit % PAGE_BYTES != 0) {
		expected = STATUS_BAD_ARGUMENT;
	} else if (things[child].factory != factory) {
		expected = STATUS_WRONG_OBJECT;
	} else if (limit < below->used) {
		expected = STATUS_BUSY;
	} else if (limit > below->limit && limit - below->limit > quota->limit - quota->used) {
		expected = STATUS_QUOTA;
	}
	EXPECT(factory_set_limit(factory_of(factory), factory_of(child), limit) == expected);
	EXPECT(expected != STATUS_OK || below->limit == limit);
}

/* The kernel's own: their originals are abandoned with the table that holds them, and given out anew. */
static void do_own(void)
{
	for (int i = ROOT_FACTORY; i <= OWN_LOG; i++) {
		int slot = random_slot();
		struct capability *real;
		if (things[i].real->original == NULL && is_reachable(slot) &&
		    take_slot(slot, &real)) {
			add_original(slot, real, i);
		}
	}
}

static void one_operation(void)
{
	static void (*const operations[])(void) = {
		do_derive,    do_derive,      do_derive,    do_derive, do_derive, do_derive,
		do_derive,    do_derive_many, do_bad_index, do_move,   do_move,   do_delete,
		do_delete,    do_revoke,      do_destroy,   do_create, do_create, do_create,
		do_set_pager, do_set_limit,   do_own,
	};
	static const unsigned every[] = {0, 2, 3, 9, 30};
	machine_preempt_every = every[machine_random(5)];
	operations[machine_random(sizeof(operations) / sizeof(operations[0]))]();
	leave_kernel();
}

static void begin(void)
{
	machine_reset(POOL_BLOCKS);
	start_free = page_pool_free();
	factory_init_root();
	for (int i = 0; i < OBJECTS; i++) {
		forget_thing(i);
	}
	things[ROOT_FACTORY].real = &root_factory.object;
	things[OWN_LOG].real = &own_log;
	struct task *task;
	EXPECT(task_create(&root_factory, &task) == STATUS_OK);
	things[FIRST_TASK] =
		(struct thing){.real = &task->object, .factory = ROOT_FACTORY, .task = NONE};
	space_bytes = root_factory.quota.used -
		      2 * PAGE_BYTES; /* but for the task itself and its table */
}

/* Everything that the root factory made. */
static void end(void)
{
	struct object *object;
	while ((object = TAILQ_FIRST(&root_factory.objects)) != NULL) {
		while (!object_destroy(object)) {
			leave_kernel();
		}
		leave_kernel();
	}
	EXPECT(root_factory.quota.used == 0 && page_pool_free() == start_free);
}

static uint64_t option(int argc, char **argv, const char *name, uint64_t otherwise)
{
	for (int i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], name) == 0) {
			return strtoul(argv[i + 1], NULL, 0);
		}
	}
	return otherwise;
}

int main(int argc, char **argv)
{
	uint64_t operations = option(argc, argv, "--operations", 200000);
	machine_seed = option(argc, argv, "--seed", 1);
	begin();
	for (step = 0; step < operations; step++) {
		one_operation();
		compare_all();
	}
	end();
	printf("%lu operations, %lu interruptions, %lu deletions left unfinished\n", operations,
	       interrupted, left_dying);
	return 0;
}
