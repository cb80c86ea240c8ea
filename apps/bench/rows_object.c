/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Irqs, and the life of threads and tasks.
 */
#include "bench.h"
#include "object.h"
#include "world.h"

#define THREADS 64

/* Answers each Irq with one of its own. */
static void answer_irqs(uint64_t irq)
{
	for (;;) {
		strata_fast_wait_irq(1);
		(void)irq_trigger(CAP(irq));
	}
}

static void irq_pingpong(const struct row *row)
{
	cap_t task = world_task(), mine = world_irq(CAP(ROOT_CAP_THREAD), 0);
	world_share(task, mine);
	cap_t other = world_start(task, MAIN_PRIORITY, answer_irqs, mine.index);
	cap_t theirs = world_irq(other, 0);
	for (unsigned i = 0; i < row->count; i++) {
		bench_begin();
		(void)irq_trigger(theirs);
		strata_fast_wait_irq(1);
		bench_end();
	}
}

static void finish(uint64_t argument)
{
	(void)argument;
	world_finish();
}

static void thread_create_join(const struct row *row)
{
	static char stack[1024] __attribute__((aligned(16)));
	uint64_t index = world_index(), utcb = world_utcb();
	(void)world_thread(CAP(ROOT_CAP_TASK)); /* so the tables of its UTCB stay */
	for (unsigned i = 0; i < row->count; i++) {
		bench_begin();
		enum status status = object_call_4(CAP(ROOT_CAP_FACTORY), FACTORY_CREATE,
						   OBJECT_THREAD, index, ROOT_CAP_TASK, utcb);
		(void)object_call_4(CAP(index), THREAD_START, (uint64_t)finish,
				    (uint64_t)stack + sizeof(stack), 0, 0);
		world_await();
		(void)cap_delete(index);
		bench_end();
		bench_check(status, "thread");
	}
}

static void task_create_destroy(const struct row *row)
{
	uint64_t task = world_index(), thread = world_index();
	for (unsigned i = 0; i < row->count; i++) {
		bench_begin();
		(void)object_call_2(CAP(ROOT_CAP_FACTORY), FACTORY_CREATE, OBJECT_TASK, task);
		enum status status = object_call_4(CAP(ROOT_CAP_FACTORY), FACTORY_CREATE,
						   OBJECT_THREAD, thread, task, FREE_VA);
		(void)cap_delete(thread);
		(void)cap_delete(task);
		bench_end();
		bench_check(status, "task");
	}
}

/* What a thread costs the kernel in memory, its UTCB included, and a task with one thread. */
static void object_bytes(const struct row *row)
{
	(void)row;
	cap_t task = world_empty_task();
	(void)world_thread(task);
	uint64_t before = world_pool_free();
	for (unsigned i = 0; i < THREADS; i++) {
		(void)world_thread(task);
	}
	uint64_t between = world_pool_free();
	bench_value("kernel_bytes_per_thread", (before - between) / THREADS, "bytes");
	for (unsigned i = 0; i < THREADS; i++) {
		(void)world_thread(world_empty_task());
	}
	bench_value("kernel_bytes_per_task", (between - world_pool_free()) / THREADS, "bytes");
}

const struct row rows_object[] = {
	{"irq_pingpong",        "main",   irq_pingpong,        1000, 0},
	{"thread_create_join",  "main",   thread_create_join,  200,  0},
	{"task_create_destroy", "main",   task_create_destroy, 200,  0},
	{"object_bytes",        "memory", object_bytes,        0,    0},
	{NULL,		  NULL,     NULL,                0,    0},
};
