/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Factories: quotas, their exhaustion at every step, and that destroying returns every byte, however objects own each other.
 */
#include "callers.h"
#include "memory.h"

#define KIB 1024ul

static uint64_t limit_of(cap_t factory)
{
	uint64_t limit = 0;
	EXPECT_OK(strata_factory_account(factory, &limit, NULL));
	return limit;
}

static cap_t new_factory(cap_t from, uint64_t limit)
{
	cap_t factory = new_cap();
	EXPECT_OK(strata_create_factory(from, factory.index, limit));
	return factory;
}

/* What was deleted comes back when the kernel has been left. */
static void expect_used(cap_t factory, uint64_t used)
{
	for (unsigned i = 0; i < 10 && used_by(factory) != used; i++) {
		sleep_for(milliseconds(1));
	}
	EXPECT_EQ(used_by(factory), used);
}

static enum status create_plain(cap_t factory, enum object_kind kind, cap_t to)
{
	return OPERATE(factory, FACTORY_CREATE, kind, to.index, 0, 0);
}

/* ---- creating ---- */

static void each_kind_is_made_and_goes(void)
{
	cap_t factory = new_factory(FACTORY, 256 * KIB), task = new_cap(), made = new_cap();
	REQUIRE_OK(strata_create_task(FACTORY, task.index));
	for (unsigned kind = OBJECT_TASK; kind <= OBJECT_FACTORY; kind++) {
		enum object_kind seen;
		unsigned rights;
		uint64_t badge;
		expect_used(factory, 0);
		REQUIRE_OK(OPERATE(factory, FACTORY_CREATE, kind, made.index,
				   kind == OBJECT_THREAD ? task.index : 0, 0x70000000));
		EXPECT(used_by(factory) != 0);
		EXPECT_EQ(used_by(factory) % PAGE, 0);
		REQUIRE_OK(strata_cap_info(OWN_TASK, made.index, &seen, &rights, &badge));
		EXPECT_EQ(seen, kind);
		EXPECT_EQ(rights, RIGHTS_ALL);
		EXPECT_EQ(badge, 0);
		REQUIRE_OK(strata_cap_delete(OWN_TASK, made.index));
		expect_used(factory, 0);
	}
}

static void create_refusals(void)
{
	struct paying_task p;
	cap_t to = new_cap(), taken = new_gate(), weak = new_cap();
	REQUIRE(make_paying_task(&p));
	static const uint64_t kinds[] = {0,          OBJECT_SCHEDULER, OBJECT_ICU,
					 OBJECT_LOG, OBJECT_PLATFORM,  OBJECT_KINDS,
					 256,        1ul << 32,        ~0ul};
	for (unsigned i = 0; i < 9; i++) {
		EXPECT_STATUS(OPERATE(FACTORY, FACTORY_CREATE, kinds[i], to.index, 0, 0),
			      STATUS_BAD_ARGUMENT);
	}
	static const uint64_t indices[] = {0, CAP_INDEX_LIMIT, 1ul << 32, ~0ul};
	for (unsigned i = 0; i < 4; i++) {
		EXPECT_STATUS(strata_create_irq(FACTORY, indices[i]), STATUS_BAD_ARGUMENT);
	}
	EXPECT_STATUS(strata_create_irq(FACTORY, taken.index), STATUS_SLOT_TAKEN);
	EXPECT_STATUS(strata_create_factory(FACTORY, to.index, 1), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_create_factory(FACTORY, to.index, 4095), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_create_factory(FACTORY, to.index, 1ul << 40), STATUS_QUOTA);
	EXPECT_STATUS(strata_create_factory(FACTORY, to.index, 0 - PAGE), STATUS_QUOTA);
	/* Threads. */
	uint64_t utcb = new_addresses(PAGE, 12);
	EXPECT_STATUS(strata_create_thread(FACTORY, to.index, new_cap(), utcb), STATUS_NOT_FOUND);
	EXPECT_STATUS(strata_create_thread(FACTORY, to.index, to, utcb), STATUS_NOT_FOUND);
	EXPECT_STATUS(strata_create_thread(FACTORY, to.index, FACTORY, utcb), STATUS_WRONG_OBJECT);
	REQUIRE_OK(strata_cap_derive(OWN_TASK, p.task.cap, weak.index, RIGHTS_ALL & ~RIGHT_CONTROL,
				     0));
	EXPECT_STATUS(strata_create_thread(FACTORY, to.index, weak, utcb), STATUS_NO_RIGHT);
	static const uint64_t wrong[] = {
		0, 1, 0x1001, 1ul << 48, ~0ul, 0 - PAGE, 0xffff800000000000};
	for (unsigned i = 0; i < 7; i++) {
		EXPECT_STATUS(strata_create_thread(FACTORY, to.index, p.task.cap, wrong[i]),
			      STATUS_BAD_RANGE);
	}
	EXPECT_STATUS(strata_create_thread(FACTORY, to.index, p.task.cap, 0x400000),
		      STATUS_OVERMAP);
	stop_paying(&p);
	EXPECT_STATUS(strata_create_thread(FACTORY, to.index, p.task.cap, utcb),
		      STATUS_KERNEL_QUOTA);
	EXPECT_STATUS(strata_cap_info(OWN_TASK, to.index, NULL, NULL, NULL), STATUS_NOT_FOUND);
	/* The caller's table. */
	struct agent agent;
	allow_pages(&p, 16);
	REQUIRE(make_agent(&agent, &p.task));
	REQUIRE_OK(give_cap(&p.task, FACTORY, 30, RIGHTS_ALL, 0));
	stop_paying(&p);
	EXPECT_STATUS(AGENT(&agent, 30, FACTORY_CREATE, OBJECT_IRQ, 20000), STATUS_QUOTA);
	EXPECT_OK(AGENT(&agent, 30, FACTORY_CREATE, OBJECT_IRQ, 31));
}

/* ---- exhaustion ---- */

/* How many objects of a kind a factory can make; they are at indices from `first` on. */
static unsigned make_until_quota(cap_t factory, enum object_kind kind, uint64_t first, cap_t task)
{
	unsigned made = 0;
	for (;; made++) {
		uint64_t utcb = 0x70000000ul + made * PAGE;
		enum status status = OPERATE(factory, FACTORY_CREATE, kind, first + made,
					     kind == OBJECT_THREAD ? task.index : 0, utcb);
		if (status != STATUS_OK) {
			EXPECT_STATUS(status, STATUS_QUOTA);
			EXPECT(used_by(factory) <= limit_of(factory));
			return made;
		}
		if (made == 3000) {
			return made;
		}
	}
}

static void delete_range(uint64_t first, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		EXPECT_OK(strata_cap_delete(OWN_TASK, first + i));
	}
}

static void quotas_end_and_come_back(void)
{
	cap_t task = new_cap();
	allow_milliseconds(20000);
	REQUIRE_OK(strata_create_task(FACTORY, task.index));
	for (unsigned kind = OBJECT_TASK; kind <= OBJECT_FACTORY; kind++) {
		cap_t factory = new_factory(FACTORY, 64 * KIB);
		uint64_t first = 1000;
		unsigned made = make_until_quota(factory, (enum object_kind)kind, first, task);
		EXPECT(made >= 2);
		delete_range(first, made);
		expect_used(factory, 0);
		EXPECT_EQ(make_until_quota(factory, (enum object_kind)kind, first, task), made);
		/* Every second one, then the rest: holes are filled. */
		for (unsigned i = 0; i < made; i += 2) {
			EXPECT_OK(strata_cap_delete(OWN_TASK, first + i));
		}
		for (unsigned i = 0; i < made; i += 2) {
			EXPECT_OK(OPERATE(factory, FACTORY_CREATE, kind, first + i,
					  kind == OBJECT_THREAD ? task.index : 0,
					  0x70000000ul + i * PAGE));
		}
		REQUIRE_OK(strata_cap_delete(OWN_TASK, factory.index));
		for (unsigned i = 0; i < made; i++) {
			EXPECT_STATUS(strata_cap_info(OWN_TASK, first + i, NULL, NULL, NULL),
				      STATUS_NOT_FOUND);
		}
	}
}

/* At each number of pages it works or leaves nothing behind. */
static void nothing_is_left_of_what_failed(void)
{
	cap_t factory = new_factory(FACTORY, 0), to = new_cap(), task = new_cap();
	REQUIRE_OK(strata_create_task(FACTORY, task.index));
	for (unsigned kind = OBJECT_TASK; kind <= OBJECT_FACTORY; kind++) {
		unsigned pages = 0;
		for (;; pages++) {
			REQUIRE_OK(strata_factory_set_limit(FACTORY, factory, pages * PAGE));
			enum status status =
				OPERATE(factory, FACTORY_CREATE, kind, to.index,
					kind == OBJECT_THREAD ? task.index : 0, 0x70000000);
			if (status == STATUS_OK || pages == 10) {
				break;
			}
			EXPECT_STATUS(status, STATUS_QUOTA);
			EXPECT_EQ(used_by(factory), 0);
		}
		EXPECT(pages >= 1 && pages < 10);
		EXPECT_EQ(used_by(factory), pages * PAGE);
		REQUIRE_OK(strata_cap_delete(OWN_TASK, to.index));
		expect_used(factory, 0);
	}
}

/* ---- hierarchy ---- */

static void limits_count_as_used_above(void)
{
	cap_t a = new_factory(FACTORY, 512 * KIB);
	uint64_t own = 0;
	cap_t b = new_factory(a, 128 * KIB);
	own = used_by(a) - 128 * KIB;
	EXPECT(own <= 2 * PAGE);
	cap_t c = new_factory(b, 64 * KIB), irq = new_cap();
	EXPECT_EQ(used_by(a), 128 * KIB + own);
	REQUIRE_OK(create_plain(c, OBJECT_IRQ, irq));
	EXPECT_EQ(used_by(c), PAGE);
	EXPECT_EQ(used_by(a), 128 * KIB + own);
	EXPECT_STATUS(strata_create_factory(a, new_cap().index, 512 * KIB), STATUS_QUOTA);
	EXPECT_STATUS(strata_create_factory(b, new_cap().index, 64 * KIB), STATUS_QUOTA);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, b.index));
	EXPECT_STATUS(strata_irq_trigger(irq), STATUS_NO_CAPABILITY);
	EXPECT_STATUS(strata_factory_account(c, NULL, NULL), STATUS_NO_CAPABILITY);
	expect_used(a, 0);
}

static void limits_can_be_moved(void)
{
	cap_t a = new_factory(FACTORY, 256 * KIB), b = new_factory(a, 0), irq = new_cap();
	uint64_t own = used_by(a);
	EXPECT_STATUS(create_plain(b, OBJECT_IRQ, irq), STATUS_QUOTA);
	EXPECT_OK(strata_factory_set_limit(a, b, PAGE));
	EXPECT_OK(create_plain(b, OBJECT_IRQ, irq));
	EXPECT_STATUS(strata_factory_set_limit(a, b, 0), STATUS_BUSY);
	EXPECT_EQ(limit_of(b), PAGE);
	EXPECT_OK(strata_factory_set_limit(a, b, 128 * KIB));
	EXPECT_EQ(used_by(a), own + 128 * KIB);
	EXPECT_STATUS(strata_factory_set_limit(a, b, 256 * KIB), STATUS_QUOTA);
	EXPECT_STATUS(strata_factory_set_limit(a, b, 0 - PAGE), STATUS_QUOTA);
	EXPECT_STATUS(strata_factory_set_limit(a, b, 100), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_factory_set_limit(a, new_cap(), 0), STATUS_NOT_FOUND);
	EXPECT_STATUS(strata_factory_set_limit(a, irq, 0), STATUS_WRONG_OBJECT);
	EXPECT_STATUS(strata_factory_set_limit(FACTORY, b, 0),
		      STATUS_WRONG_OBJECT); /* it did not make it */
	EXPECT_STATUS(strata_factory_set_limit(a, a, 0), STATUS_WRONG_OBJECT);
	EXPECT_STATUS(strata_factory_set_limit(a, cap_t_of(ROOT_CAP_FACTORY), 0),
		      STATUS_WRONG_OBJECT);
	EXPECT_EQ(used_by(a), own + 128 * KIB);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, irq.index));
	expect_used(b, 0);
	EXPECT_OK(strata_factory_set_limit(a, b, 0));
	EXPECT_EQ(used_by(a), own);
}

static void nested_factories_go_together(void)
{
	cap_t factories[40];
	cap_t outer = new_factory(FACTORY, 4096 * KIB);
	uint64_t before = pool_free();
	factories[0] = outer;
	for (unsigned i = 1; i < 40; i++) {
		factories[i] = new_factory(factories[i - 1], (4096 - 100 * i) * KIB);
		for (unsigned j = 0; j < 5; j++) {
			EXPECT_OK(create_plain(factories[i], j % 2 == 0 ? OBJECT_TASK : OBJECT_GATE,
					       new_cap()));
		}
	}
	EXPECT(pool_free() < before);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, factories[1].index));
	expect_used(outer, 0);
	for (unsigned i = 1; i < 40; i++) {
		EXPECT_STATUS(strata_factory_account(factories[i], NULL, NULL),
			      STATUS_NO_CAPABILITY);
	}
	EXPECT_EQ(pool_free(), before);
}

/* ---- who owns whom ---- */

/* Task i's table holds the original of task i + 1. */
static void chain_of_tasks(unsigned count, bool ring)
{
	cap_t factory = new_factory(FACTORY, 8192 * KIB), first = cap_t_of(0),
	      previous = cap_t_of(0), derived = new_cap();
	allow_milliseconds(20000);
	for (unsigned i = 0; i < count; i++) {
		cap_t task = new_cap();
		REQUIRE_OK(strata_create_task(factory, task.index));
		if (i == 0) {
			first = task;
			/* All are reached through this one, whose original moves along in a ring. */
			REQUIRE_OK(strata_cap_derive(OWN_TASK, task, derived.index, RIGHTS_ALL, 0));
		} else {
			/* Its own original goes on to be here until it has the next one. */
			cap_t use = i == 1 ? derived : previous;
			REQUIRE_OK(
				strata_cap_derive(OWN_TASK, task, new_cap().index, RIGHTS_ALL, 0));
			REQUIRE_OK(strata_cap_move(use, task, 1));
			previous = cap_t_of(new_cap().index - 1);
		}
	}
	if (ring) {
		REQUIRE_OK(strata_cap_move(previous, first, 1));
		REQUIRE_OK(strata_cap_delete(OWN_TASK, factory.index));
	} else {
		REQUIRE_OK(strata_cap_delete(OWN_TASK, first.index));
		expect_used(factory, 0);
	}
	EXPECT_STATUS(strata_task_account(previous, NULL, NULL), STATUS_NO_CAPABILITY);
	EXPECT_STATUS(strata_task_account(derived, NULL, NULL), STATUS_NO_CAPABILITY);
}

static void chain_of_200_tasks(void)
{
	chain_of_tasks(200, false);
}

static void ring_of_2_tasks(void)
{
	chain_of_tasks(2, true);
}

static void ring_of_100_tasks(void)
{
	chain_of_tasks(100, true);
}

/* Deleted from inside of the ring, by the index of one of the originals. */
static void ring_is_deleted_at_one_place(void)
{
	cap_t factory = new_factory(FACTORY, 512 * KIB), a = new_cap(), b = new_cap(),
	      da = new_cap(), db = new_cap();
	REQUIRE_OK(strata_create_task(factory, a.index));
	REQUIRE_OK(strata_create_task(factory, b.index));
	REQUIRE_OK(strata_cap_derive(OWN_TASK, a, da.index, RIGHTS_ALL, 0));
	REQUIRE_OK(strata_cap_derive(OWN_TASK, b, db.index, RIGHTS_ALL, 0));
	REQUIRE_OK(strata_cap_move(da, b, 1));
	REQUIRE_OK(strata_cap_move(db, a, 1));
	REQUIRE_OK(strata_cap_delete(db, 1)); /* a */
	expect_used(factory, 0);
	EXPECT_STATUS(strata_task_account(da, NULL, NULL), STATUS_NO_CAPABILITY);
	EXPECT_STATUS(strata_task_account(db, NULL, NULL), STATUS_NO_CAPABILITY);
}

/* A task holds its own original. */
static void task_that_owns_itself(void)
{
	cap_t factory = new_factory(FACTORY, 512 * KIB), task = new_cap(), derived = new_cap();
	REQUIRE_OK(strata_create_task(factory, task.index));
	REQUIRE_OK(strata_cap_derive(OWN_TASK, task, derived.index, RIGHTS_ALL, 0));
	REQUIRE_OK(strata_cap_move(derived, task, 5));
	REQUIRE_OK(strata_cap_delete(derived, 5));
	expect_used(factory, 0);
	REQUIRE_OK(strata_create_task(factory, task.index));
	REQUIRE_OK(strata_cap_derive(OWN_TASK, task, derived.index, RIGHTS_ALL, 0));
	REQUIRE_OK(strata_cap_move(derived, task, 5));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, factory.index));
	EXPECT_STATUS(strata_task_account(derived, NULL, NULL), STATUS_NO_CAPABILITY);
}

/* The task that a factory made holds the factory's original; deleted from either end. */
static void factory_owned_by_its_own_task(void)
{
	for (unsigned end = 0; end < 2; end++) {
		cap_t outer = new_factory(FACTORY, 512 * KIB),
		      factory = new_factory(outer, 128 * KIB);
		cap_t task = new_cap(), derived = new_cap(), gate = new_cap();
		REQUIRE_OK(strata_create_task(factory, task.index));
		REQUIRE_OK(create_plain(factory, OBJECT_GATE, gate));
		REQUIRE_OK(strata_cap_derive(OWN_TASK, factory, derived.index, RIGHTS_ALL, 0));
		REQUIRE_OK(strata_cap_move(task, factory, 5));
		if (end == 0) {
			REQUIRE_OK(strata_cap_delete(OWN_TASK, task.index));
		} else {
			REQUIRE_OK(strata_cap_delete(task, 5));
		}
		expect_used(outer, 0);
		EXPECT_STATUS(strata_factory_account(derived, NULL, NULL), STATUS_NO_CAPABILITY);
		EXPECT_STATUS(strata_task_account(task, NULL, NULL), STATUS_NO_CAPABILITY);
		EXPECT_STATUS(OPERATE(gate, 0, 0), STATUS_NO_CAPABILITY);
		REQUIRE_OK(strata_cap_delete(OWN_TASK, outer.index));
	}
}

/* Factories and tasks own each other crosswise, several deep. */
static void tangle(unsigned seed)
{
	enum { COUNT = 12 };
	struct random random = {seed * 7919 + 1};
	cap_t outer = new_factory(FACTORY, 4096 * KIB), factories[COUNT], tasks[COUNT],
	      made[COUNT * 2];
	unsigned objects = 0;
	for (unsigned i = 0; i < COUNT; i++) {
		cap_t from = i == 0 || random_below(&random, 2) == 0
				     ? outer
				     : factories[random_below(&random, i)];
		cap_t original = new_cap(), task = new_cap();
		factories[i] = new_cap();
		tasks[i] = new_cap();
		if (strata_create_factory(from, original.index,
					  256 * KIB >> random_below(&random, 3)) != STATUS_OK) {
			REQUIRE_OK(strata_create_factory(outer, original.index, 64 * KIB));
		}
		REQUIRE_OK(
			strata_cap_derive(OWN_TASK, original, factories[i].index, RIGHTS_ALL, 0));
		REQUIRE_OK(strata_create_task(factories[random_below(&random, i + 1)], task.index));
		REQUIRE_OK(strata_cap_derive(OWN_TASK, task, tasks[i].index, RIGHTS_ALL, 0));
		made[objects++] = original;
		made[objects++] = task;
	}
	for (unsigned i = 0; i < objects; i++) {
		if (random_below(&random, 4) != 0) {
			(void)strata_cap_move(tasks[random_below(&random, COUNT)], made[i],
					      1 + random_below(&random, 100));
		}
	}
	for (unsigned i = 0; i < objects; i++) {
		unsigned which = (unsigned)random_below(&random, objects);
		(void)strata_cap_delete(OWN_TASK, made[which].index);
		(void)strata_cap_delete(tasks[random_below(&random, COUNT)],
					1 + random_below(&random, 100));
	}
	REQUIRE_OK(strata_cap_delete(OWN_TASK, outer.index));
	for (unsigned i = 0; i < COUNT; i++) {
		EXPECT_STATUS(strata_task_account(tasks[i], NULL, NULL), STATUS_NO_CAPABILITY);
		EXPECT_STATUS(strata_factory_account(factories[i], NULL, NULL),
			      STATUS_NO_CAPABILITY);
	}
}

static void tangles_of_factories_and_tasks(void)
{
	allow_milliseconds(20000);
	for (unsigned seed = 0; seed < 25; seed++) {
		uint64_t before = used_by(FACTORY);
		tangle(seed);
		expect_used(FACTORY, before);
	}
}

/* ---- objects of several factories ---- */

static void thread_of_one_factory_in_a_task_of_another(void)
{
	cap_t for_tasks = new_factory(FACTORY, 1024 * KIB),
	      for_threads = new_factory(FACTORY, 256 * KIB);
	struct child_task child;
	struct thread thread;
	REQUIRE(make_task_from(&child, for_tasks) &&
		make_thread_from(&thread, &child, for_threads));
	uint64_t used = used_by(for_tasks);
	EXPECT(used_by(for_threads) != 0);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, for_threads.index));
	EXPECT_STATUS(strata_thread_info(thread.cap, NULL), STATUS_NO_CAPABILITY);
	EXPECT(used_by(for_tasks) <= used);
	for_threads = new_factory(FACTORY, 256 * KIB);
	REQUIRE(make_thread_from(&thread, &child, for_threads));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, for_tasks.index));
	EXPECT_STATUS(strata_thread_info(thread.cap, NULL), STATUS_NO_CAPABILITY);
	expect_used(for_threads, 0);
}

struct suicide {
	cap_t what;
	volatile uint64_t before, after;
};

static void delete_factory(void *argument)
{
	struct suicide *suicide = argument;
	suicide->before = 1;
	(void)strata_cap_delete(cap_t_of(CHILD_CAP_TASK), suicide->what.index);
	suicide->after = 1;
}

/* A thread deletes the factory that made it, its task and everything. */
static void factory_deleted_by_its_own_thread(void)
{
	cap_t factory = new_factory(FACTORY, 2048 * KIB);
	struct child_task child;
	struct thread thread;
	struct suicide *suicide = new_shared(sizeof(*suicide));
	REQUIRE(make_task_from(&child, factory) && make_thread_from(&thread, &child, factory));
	for (unsigned i = 0; i < 20; i++) {
		REQUIRE_OK(create_plain(factory, OBJECT_GATE, new_cap()));
	}
	REQUIRE_OK(strata_cap_move(child.cap, factory, 50));
	suicide->what = cap_t_of(50);
	REQUIRE(start_thread(&thread, delete_factory, suicide));
	EXPECT_EQ(suicide->before, 1);
	sleep_for(milliseconds(5));
	EXPECT_EQ(suicide->after, 0);
	EXPECT_STATUS(strata_thread_info(thread.cap, NULL), STATUS_NO_CAPABILITY);
}

static void factory_with_calls_in_progress(void)
{
	cap_t factory = new_factory(FACTORY, 2048 * KIB);
	struct child_task child;
	REQUIRE(make_task_from(&child, factory));
	struct server *server = new_server(&child, serve_after_irq);
	struct caller *in = new_caller(NULL, server->gate, 0, PRIORITY_HELPER);
	struct caller *waiting = new_caller(NULL, server->gate, 1, PRIORITY_HELPER);
	struct caller *inside = new_caller(&child, cap_t_of(1), 2, PRIORITY_HELPER);
	(void)inside;
	REQUIRE_OK(strata_cap_delete(OWN_TASK, factory.index));
	EXPECT(answered(in, STATUS_SERVER_DIED));
	EXPECT(answered(waiting, STATUS_NO_HANDLER));
}

/* ---- many ---- */

static void many_objects_go_in_time(void)
{
	cap_t factory = new_factory(FACTORY, 1024 * KIB);
	unsigned count = 0;
	allow_milliseconds(30000);
	uint64_t first = 200;
	while (count < 3500 && create_plain(factory, count % 3 == 0 ? OBJECT_IRQ : OBJECT_FACTORY,
					    cap_t_of(first + count)) == STATUS_OK) {
		count++;
	}
	EXPECT(count > 1000);
	uint64_t began = now();
	REQUIRE_OK(strata_cap_delete(OWN_TASK, factory.index));
	EXPECT(now() - began < milliseconds(3000));
	EXPECT_STATUS(strata_cap_info(OWN_TASK, first + count - 1, NULL, NULL, NULL),
		      STATUS_NOT_FOUND);
}

static void interrupted_destruction_of_a_full_task(void)
{
	allow_milliseconds(30000);
	REQUIRE_OK(
		strata_scheduler_set(SCHEDULER, cap_t_of(ROOT_CAP_THREAD), 0, PRIORITY_MAIN, 100));
	uint64_t restarts = counter(COUNTER_RESTARTS);
	for (unsigned round = 0; round < 5 || (round < 60 && counter(COUNTER_RESTARTS) == restarts);
	     round++) {
		cap_t factory = new_factory(FACTORY, 4096 * KIB);
		struct child_task child;
		struct thread threads[8];
		uint64_t at = new_addresses(4 * BLOCK, 21), block = new_frame(21);
		REQUIRE(make_task_from(&child, factory));
		REQUIRE_OK(strata_task_map(child.cap, block + PAGE, at, BLOCK - PAGE, READ_WRITE,
					   NULL));
		REQUIRE_OK(strata_task_map(child.cap, block + PAGE, at + BLOCK, BLOCK - PAGE,
					   READ_WRITE, NULL));
		for (unsigned i = 0; i < 8; i++) {
			REQUIRE(make_thread_from(&threads[i], &child, factory));
		}
		cap_t gate = new_gate();
		for (unsigned i = 0; i < 300; i++) {
			REQUIRE_OK(give_cap(&child, gate, 100 + i, RIGHTS_ALL, 0));
		}
		REQUIRE_OK(strata_cap_delete(OWN_TASK, child.cap.index));
		expect_used(factory, 0);
		EXPECT_STATUS(strata_thread_info(threads[7].cap, NULL), STATUS_NO_CAPABILITY);
		REQUIRE_OK(strata_cap_delete(OWN_TASK, factory.index));
	}
	REQUIRE_OK(strata_scheduler_set(SCHEDULER, cap_t_of(ROOT_CAP_THREAD), 0, PRIORITY_MAIN,
					SLICE_US));
	EXPECT(counter(COUNTER_RESTARTS) > restarts);
}

/* ---- the pool ---- */

static void pool_is_what_the_boot_information_says(void)
{
	uint64_t size, free;
	REQUIRE_OK(strata_platform_pool(PLATFORM, &size, &free));
	EXPECT_EQ(size % PAGE, 0);
	EXPECT(free < size);
	EXPECT_EQ(limit_of(cap_t_of(ROOT_CAP_FACTORY)) - used_by(cap_t_of(ROOT_CAP_FACTORY)) <=
			  free,
		  1);
}

static void feed_refusals(void)
{
	struct child_task child;
	uint64_t block = new_frame(21), own = new_addresses(BLOCK, 21),
		 hole = new_addresses(BLOCK, 21);
	EXPECT_STATUS(strata_factory_feed(FACTORY, block + PAGE), STATUS_BAD_RANGE);
	EXPECT_STATUS(strata_factory_feed(FACTORY, 1ul << 48), STATUS_BAD_RANGE);
	EXPECT_STATUS(strata_factory_feed(FACTORY, 0 - BLOCK), STATUS_BAD_RANGE);
	EXPECT_STATUS(strata_factory_feed(FACTORY, hole), STATUS_NOT_MAPPED);
	map_to(NULL, block, own, BLOCK, READ_WRITE);
	EXPECT_STATUS(strata_factory_feed(FACTORY, own), STATUS_NOT_MAPPED);
	EXPECT_STATUS(strata_factory_feed(FACTORY, block), STATUS_BUSY);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, block, BLOCK, 0, NULL));
	REQUIRE(make_task(&child));
	map_to(&child, block + PAGE, own, PAGE, PAGE_READ);
	EXPECT_STATUS(strata_factory_feed(FACTORY, block), STATUS_BUSY);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, block, BLOCK, 0, NULL));
	REQUIRE_OK(strata_task_set_type(OWN_TASK, block, 21, MEMORY_TYPE_NONCACHEABLE));
	EXPECT_STATUS(strata_factory_feed(FACTORY, block), STATUS_NOT_MAPPED);
	REQUIRE_OK(strata_task_set_type(OWN_TASK, block, 21, MEMORY_TYPE_NORMAL));
	cap_t weak = new_cap();
	REQUIRE_OK(
		strata_cap_derive(OWN_TASK, FACTORY, weak.index, RIGHTS_ALL & ~RIGHT_SPECIAL, 0));
	EXPECT_STATUS(strata_factory_feed(weak, block), STATUS_NO_RIGHT);
}

/* Memory that a sub-factory was fed is its own and counts above, whatever becomes of it. */
static void fed_memory_can_be_used_and_goes_up(void)
{
	enum { BLOCKS = 8 };
	uint64_t free_before = pool_free();
	cap_t root = cap_t_of(ROOT_CAP_FACTORY), outer = new_factory(root, 64 * KIB),
	      factory = new_factory(outer, 16 * KIB);
	uint64_t root_limit = limit_of(root), root_used = used_by(root),
		 outer_used = used_by(outer), free = pool_free();
	uint64_t blocks[BLOCKS];
	for (unsigned i = 0; i < BLOCKS; i++) {
		blocks[i] = new_frame(21);
		REQUIRE_OK(strata_factory_feed(factory, blocks[i]));
		EXPECT(!can_access(NULL, blocks[i], FAULT_READ));
		EXPECT_STATUS(strata_factory_feed(factory, blocks[i]), STATUS_NOT_MAPPED);
	}
	uint64_t fed = pool_free() - free;
	EXPECT(fed > BLOCKS * (BLOCK - 64 * KIB) && fed <= BLOCKS * BLOCK);
	EXPECT_EQ(limit_of(factory), 16 * KIB + fed);
	EXPECT_EQ(limit_of(outer), 64 * KIB + fed);
	EXPECT_EQ(used_by(outer), outer_used + fed);
	EXPECT_EQ(limit_of(root), root_limit + fed);
	EXPECT_EQ(used_by(root), root_used + fed);
	cap_t sub = new_factory(factory, fed);
	for (unsigned i = 0; i < 200; i++) {
		REQUIRE_OK(create_plain(sub, OBJECT_TASK, new_cap()));
	}
	REQUIRE_OK(strata_cap_delete(OWN_TASK, outer.index));
	expect_used(root, root_used - 64 * KIB);
	EXPECT_EQ(limit_of(root), root_limit + fed);
	EXPECT_EQ(pool_free(), free_before + fed);
	expect_pool_growth(fed);
	lose_frames(BLOCKS);
}

TEST_TABLE({"each kind of object is made and goes without a trace", each_kind_is_made_and_goes},
	   {"create refuses what is wrong", create_refusals},
	   {"quotas end and come back for every kind", quotas_end_and_come_back},
	   {"nothing is left of what a quota could not pay", nothing_is_left_of_what_failed},
	   {"a sub-factory's limit is used up above", limits_count_as_used_above},
	   {"limits can be moved between factories", limits_can_be_moved},
	   {"forty nested factories go together", nested_factories_go_together},
	   {"a chain of 200 tasks that own each other goes", chain_of_200_tasks},
	   {"a ring of two tasks goes with its factory", ring_of_2_tasks},
	   {"a ring of a hundred tasks goes with its factory", ring_of_100_tasks},
	   {"a ring of tasks is deleted at one place", ring_is_deleted_at_one_place},
	   {"a task that owns itself goes", task_that_owns_itself},
	   {"a factory that is owned by its own task goes", factory_owned_by_its_own_task},
	   {"tangles of factories and tasks go", tangles_of_factories_and_tasks},
	   {"a thread is paid by its factory and dies with its task",
	    thread_of_one_factory_in_a_task_of_another},
	   {"a factory can be deleted by a thread that it made", factory_deleted_by_its_own_thread},
	   {"a factory can be deleted while its tasks are in calls",
	    factory_with_calls_in_progress},
	   {"thousands of objects go in time", many_objects_go_in_time},
	   {"the destruction of a full task gives way to interrupts",
	    interrupted_destruction_of_a_full_task},
	   {"the pool is as large as all quotas", pool_is_what_the_boot_information_says},
	   {"feed refuses what it must", feed_refusals},
	   {"memory that was fed can be used and goes up", fed_memory_can_be_used_and_goes_up});
