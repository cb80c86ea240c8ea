/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls and faults.
 */
#include "bench.h"
#include "object.h"
#include "world.h"

/* Servers: they answer with as many words as they are sent. The words of the call stay where they are. */

static void serve_0(uint64_t argument)
{
	(void)argument;
	for (;;) {
		struct message message = {.tag = TAG_MAKE(STATUS_OK, 0, 0)};
		strata_fast_reply_wait(&message, 0);
	}
}

static void serve_words(uint64_t words)
{
	struct message message = {.tag = TAG_MAKE(STATUS_OK, words, 0)};
	for (;;) {
		message.tag = TAG_MAKE(STATUS_OK, words, 0);
		strata_fast_reply_wait(&message, 8);
	}
}

/* Writes an FP register, as anything that computes with it would. */
#define USE_FP() __asm__ volatile(".inst 0x9e6703e0 /* fmov d0, xzr */" : : : "memory")

static void serve_fp(uint64_t argument)
{
	(void)argument;
	for (;;) {
		struct message message = {.tag = TAG_MAKE(STATUS_OK, 0, 0)};
		strata_fast_reply_wait(&message, 0);
		USE_FP();
	}
}

/* Parameters: how many words, and whether the server is in the same task. */
#define SAME 0x100ul

static uint64_t words_of(const struct row *row)
{
	return row->parameter & ~SAME;
}

static cap_t server(const struct row *row, void (*entry)(uint64_t argument))
{
	cap_t task = (row->parameter & SAME) != 0 ? CAP(ROOT_CAP_TASK) : world_task();
	return world_server(task, entry, words_of(row));
}

static void measure_call_0(const struct row *row, cap_t gate)
{
	for (unsigned i = 0; i < row->count; i++) {
		struct message message = {.tag = TAG_MAKE(1, 0, 0)};
		bench_begin();
		strata_fast_call(gate, &message, 0);
		bench_end();
		bench_check(message_status(&message), "call");
	}
}

static void call_0(const struct row *row)
{
	measure_call_0(row, server(row, serve_0));
}

void row_call_0(const struct row *row)
{
	measure_call_0(row, world_server(world_task(), serve_0, 0));
}

/* The words are in their registers, or in the UTCB: whoever computes them puts them there. */
static void call_4(const struct row *row)
{
	cap_t gate = server(row, serve_words);
	struct message message = {
		.words = {1, 2, 3, 4}
        };
	for (unsigned i = 0; i < row->count; i++) {
		message.tag = TAG_MAKE(1, 4, 0);
		bench_begin();
		strata_fast_call(gate, &message, 4);
		bench_end();
	}
	bench_check(message.words[3] == 4 ? STATUS_OK : STATUS_BAD_ARGUMENT, "four words");
}

static void call_many(const struct row *row)
{
	cap_t gate = server(row, serve_words);
	struct message message = {
		.words = {1, 2, 3, 4, 5, 6, 7, 8}
        };
	uint64_t words = words_of(row);
	strata_utcb()->words[words - 1] = 60;
	for (unsigned i = 0; i < row->count; i++) {
		message.tag = TAG_MAKE(1, words, 0);
		bench_begin();
		strata_fast_call(gate, &message, 8);
		bench_end();
	}
	bench_check(message.words[7] == 8 && TAG_WORDS(message.tag) == words ? STATUS_OK
									     : STATUS_BAD_ARGUMENT,
		    "many words");
}

static void call_0_fp(const struct row *row)
{
	cap_t gate = server(row, serve_fp);
	for (unsigned i = 0; i < row->count; i++) {
		struct message message = {.tag = TAG_MAKE(1, 0, 0)};
		bench_begin();
		USE_FP();
		strata_fast_call(gate, &message, 0);
		bench_end();
	}
}

/* ---- faults ---- */

#define PAGES 512 /* of a block of 2 MiB; the last is mapped before, so that all tables are there */

/* What the pager answers, by page. */
static struct message_item answers[PAGES];

/* Answers from the table. A real pager first looks what the call is about. */
static void serve_faults(uint64_t base)
{
	struct utcb *utcb = strata_utcb();
	struct message message = {.tag = 0};
	for (;;) {
		strata_fast_reply_wait(&message, 0);
		utcb->items[0] = answers[(message.words[FAULT_WORD_ADDRESS] - base) / PAGE];
		message.tag = TAG_MAKE(STATUS_OK, 0, 1);
	}
}

struct touched {
	uint64_t address, step;
	unsigned count;
};

static struct touched touched;

static void touch(uint64_t argument)
{
	struct touched what = touched;
	(void)argument;
	for (uint64_t at = what.address; what.count-- != 0; at += what.step) {
		uint64_t value;
		bench_begin();
		__asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(at) : "memory");
		bench_end();
	}
	world_finish();
}

static void fill_answers(uint64_t memory)
{
	for (uint64_t i = 0; i < PAGES; i++) {
		answers[i].page = ITEM_MEMORY_MAKE(memory + i * PAGE, 12, PAGE_READ | PAGE_WRITE);
		answers[i].place = FREE_VA + i * PAGE;
	}
}

void row_touch(cap_t task, cap_t pager, unsigned count)
{
	touched = (struct touched){FREE_VA, PAGE, count};
	world_start_paged(task, pager, touch);
	world_await();
}

static void fault_on(const struct row *row, uint64_t memory)
{
	uint64_t last = (PAGES - 1) * PAGE;
	cap_t task = world_task();
	bench_check(task_map(task, memory + last, FREE_VA + last, PAGE, PAGE_READ), "last page");
	fill_answers(memory);
	row_touch(task, world_server(CAP(ROOT_CAP_TASK), serve_faults, FREE_VA), row->count);
}

static void fault_raw(const struct row *row)
{
	fault_on(row, row->parameter != 0 ? world_split_memory() : world_memory(BLOCK));
}

void row_fault(const struct row *row)
{
	fault_on(row, world_memory(BLOCK));
}

const struct row rows_ipc[] = {
	{"call_0",          "main", call_0,    1000, 0        },
	{"call_4",          "main", call_4,    1000, 4        },
	{"call_8",          "main", call_many, 1000, 8        },
	{"call_60",         "main", call_many, 1000, 60       },
	{"call_0_same",     "main", call_0,    1000, 0 | SAME },
	{"call_4_same",     "main", call_4,    1000, 4 | SAME },
	{"call_8_same",     "main", call_many, 1000, 8 | SAME },
	{"call_60_same",    "main", call_many, 1000, 60 | SAME},
	{"call_0_fp",       "main", call_0_fp, 1000, 0        },
	{"fault_raw",       "main", fault_raw, 500,  0        },
	{"fault_raw_split", "main", fault_raw, 500,  1        },
	{NULL,              NULL,   NULL,      0,    0        },
};
