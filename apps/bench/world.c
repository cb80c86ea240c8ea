/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include "object.h"

#include <stdbool.h>

#define STACK_BYTES 8192
#define THREADS_MAX 32 /* of those with a stack */

#define UTCBS 0x200000000000ul

#define SLICE_US 10000000ul /* so long that no row is cut */

#define DONE_BIT 63

extern char _text_begin[], _text_end[], _rodata_end[], _data_end[];

static const struct boot_info *boot;
static char stacks[THREADS_MAX][STACK_BYTES] __attribute__((aligned(16)));

static struct {
	uint64_t index;  /* the next free one in the capability table */
	uint64_t utcbs;  /* addresses given out */
	unsigned stacks; /* in use */
	uint64_t memory; /* physical: all below is in use */
	uint64_t split;  /* a page that was split; 0: none */
} now, first;

static cap_t done;

/* The first address from `at` on where `size` bytes of free memory begin, as a multiple of it. */
static uint64_t find_memory(uint64_t at, uint64_t size)
{
	for (uint64_t i = 0; i < boot->range_count; i++) {
		const struct boot_info_range *range = &boot->ranges[i];
		uint64_t begin = range->physical > at ? range->physical : at;
		begin = (begin + size - 1) & ~(size - 1);
		if (range->kind == MEMORY_FREE && begin < range->physical + range->size &&
		    range->physical + range->size - begin >= size) {
			return begin;
		}
	}
	bench_check(STATUS_NOT_FOUND, "memory: give the machine more");
	return 0;
}

uint64_t world_memory(uint64_t size)
{
	uint64_t unit = size < BLOCK ? BLOCK : size;
	uint64_t physical = find_memory(now.memory, unit);
	now.memory = physical + unit;
	return BOOT_INFO_WINDOW + physical;
}

uint64_t world_split_memory(void)
{
	now.split = world_memory(BLOCK);
	bench_check(object_call_2(CAP(ROOT_CAP_TASK), TASK_SPLIT, now.split, 0), "split");
	return now.split;
}

void world_join_memory(void)
{
	if (now.split != 0) {
		bench_check(object_call_2(CAP(ROOT_CAP_TASK), TASK_JOIN, now.split, 21), "join");
		now.split = 0;
	}
}

uint64_t world_index(void)
{
	return now.index++;
}

uint64_t world_pool_free(void)
{
	struct message message = {.tag = TAG_MAKE(PLATFORM_POOL, 0, 0)};
	strata_call(CAP(ROOT_CAP_PLATFORM), &message);
	return message.words[1];
}

static cap_t create(enum object_kind kind, uint64_t a, uint64_t b)
{
	uint64_t index = world_index();
	bench_check(object_call_4(CAP(ROOT_CAP_FACTORY), FACTORY_CREATE, kind, index, a, b),
		    "create");
	return CAP(index);
}

cap_t world_empty_task(void)
{
	return create(OBJECT_TASK, 0, 0);
}

static void share_memory(cap_t task, const char *begin, const char *end, unsigned rights)
{
	uint64_t address = (uint64_t)begin;
	if (end > begin) {
		bench_check(task_map(task, address, address, (uint64_t)(end - begin), rights),
			    "program");
	}
}

cap_t world_task(void)
{
	cap_t task = world_empty_task();
	share_memory(task, _text_begin, _text_end, PAGE_READ | PAGE_EXECUTE);
	share_memory(task, _text_end, _rodata_end, PAGE_READ);
	share_memory(task, _rodata_end, _data_end, PAGE_READ | PAGE_WRITE);
	world_share(task, done);
	return task;
}

uint64_t world_utcb(void)
{
	return UTCBS + now.utcbs++ * PAGE;
}

cap_t world_thread(cap_t task)
{
	return create(OBJECT_THREAD, task.index, world_utcb());
}

static void set_priority(cap_t thread, unsigned priority)
{
	bench_check(object_call_4(CAP(ROOT_CAP_SCHEDULER), SCHEDULER_SET, thread.index, 0, priority,
				  SLICE_US),
		    "priority");
}

static void start(cap_t thread, void (*entry)(uint64_t argument), uint64_t argument)
{
	if (now.stacks == THREADS_MAX) {
		bench_check(STATUS_QUOTA, "stack");
	}
	uint64_t sp = (uint64_t)stacks[now.stacks++] + STACK_BYTES;
	bench_check(object_call_4(thread, THREAD_START, (uint64_t)entry, sp, argument, 0), "start");
}

cap_t world_start(cap_t task, unsigned priority, void (*entry)(uint64_t argument),
		  uint64_t argument)
{
	cap_t thread = world_thread(task);
	set_priority(thread, priority);
	start(thread, entry, argument);
	return thread;
}

cap_t world_start_paged(cap_t task, cap_t pager, void (*entry)(uint64_t argument))
{
	cap_t thread = world_thread(task);
	set_priority(thread, MAIN_PRIORITY - 1);
	bench_check(object_call_2(thread, THREAD_SET_PAGER, pager.index, 0), "pager");
	start(thread, entry, 0);
	return thread;
}

cap_t world_gate(void)
{
	return create(OBJECT_GATE, 0, 0);
}

cap_t world_server(cap_t task, void (*entry)(uint64_t argument), uint64_t argument)
{
	cap_t gate = world_gate(), thread = world_thread(task);
	set_priority(thread, SERVER_PRIORITY);
	bench_check(object_call_2(thread, THREAD_BIND, gate.index, 0), "bind");
	start(thread, entry, argument);
	return gate;
}

cap_t world_irq(cap_t thread, unsigned bit)
{
	cap_t irq = create(OBJECT_IRQ, 0, 0);
	bench_check(object_call_2(irq, IRQ_BIND, thread.index, bit), "bind an Irq");
	return irq;
}

void world_share(cap_t task, cap_t capability)
{
	if (task.index != ROOT_CAP_TASK) {
		bench_check(cap_derive(task, capability.index, capability.index), "derive");
	}
}

_Noreturn void world_finish(void)
{
	(void)irq_trigger(done);
	for (;;) {
		struct message message;
		strata_wait(&message);
	}
}

void world_await(void)
{
	strata_fast_wait_irq(1ul << DONE_BIT);
}

void world_init(const struct boot_info *info)
{
	boot = info;
	now.index = ROOT_CAP_FIRST_FREE;
	set_priority(CAP(ROOT_CAP_THREAD), MAIN_PRIORITY);
	strata_yield(); /* the slice that it runs on now is still a short one */
	done = world_irq(CAP(ROOT_CAP_THREAD), DONE_BIT);
	first = now;
}

void world_reset(void)
{
	/* The newest first: threads before their tasks. */
	while (now.index > first.index) {
		(void)cap_delete(--now.index);
	}
	world_join_memory();
	now = first;
}
