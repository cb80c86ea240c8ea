/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same operations with more and more around them.
 */
#include "bench.h"
#include "object.h"
#include "world.h"

#include <stdbool.h>

#define PAGES 512
#define LAST  ((PAGES - 1) * PAGE)

/* Where masses are mapped: misaligned by a page, so that no large pages are made. */
#define MASS_VA (FREE_VA + 0x10000000000ul + PAGE)

/* ---- many tasks ---- */

static void make_tasks(uint64_t count)
{
	for (uint64_t i = 1; i < count; i++) {
		(void)world_thread(world_empty_task());
	}
}

static void call_among_tasks(const struct row *row)
{
	make_tasks(row->parameter);
	row_call_0(row);
}

static void fault_among_tasks(const struct row *row)
{
	make_tasks(row->parameter);
	row_fault(row);
}

/* ---- many mappings ---- */

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* `count` pages of 4 KiB, of pages of 1 GiB, in a task of their own. */
static void map_mass(uint64_t count)
{
	cap_t task = world_empty_task();
	for (uint64_t done = 0; done < count;) {
		uint64_t part = smaller(count - done, GIANT / PAGE);
		bench_check(task_map(task, world_memory(GIANT), MASS_VA + done * PAGE, part * PAGE,
				     PAGE_READ),
			    "mass");
		done += part;
	}
}

static void call_among_pages(const struct row *row)
{
	map_mass(row->parameter);
	row_call_0(row);
}

static void fault_among_pages(const struct row *row)
{
	map_mass(row->parameter);
	row_fault(row);
}

/* ---- many sharers ---- */

static void revoke_sharers(const struct row *row)
{
	uint64_t memory = world_memory(BLOCK);
	for (uint64_t i = 0; i < row->parameter; i++) {
		cap_t task = world_empty_task();
		bench_check(task_map(task, memory + LAST, FREE_VA + LAST, PAGE, PAGE_READ),
			    "last page");
		bench_check(task_map(task, memory, FREE_VA, row->count * PAGE, PAGE_READ), "share");
	}
	for (uint64_t at = memory; at < memory + row->count * PAGE; at += PAGE) {
		bench_begin();
		enum status status = task_unmap(CAP(ROOT_CAP_TASK), at, PAGE, 0);
		bench_end();
		bench_check(status, "revoke");
	}
}

/* ---- many pieces of one page ---- */

/* Pages of the giant that are not handed out with the mass: those that are measured. */
#define HOLE_BEGIN 256
#define HOLE_PAGES 64

static uint64_t hand_out(cap_t task, uint64_t count)
{
	uint64_t giant = world_memory(GIANT), before = smaller(count, HOLE_BEGIN);
	uint64_t behind = HOLE_BEGIN + HOLE_PAGES;
	bench_check(task_map(task, giant, MASS_VA, before * PAGE, PAGE_READ), "pieces");
	if (count > before) {
		bench_check(task_map(task, giant + behind * PAGE, MASS_VA + behind * PAGE,
				     (count - before) * PAGE, PAGE_READ),
			    "more pieces");
	}
	return giant + HOLE_BEGIN * PAGE;
}

static void insert_piece(const struct row *row)
{
	cap_t task = world_empty_task(), other = world_empty_task();
	uint64_t memory = hand_out(task, row->parameter);
	bench_check(task_map(other, world_memory(BLOCK), FREE_VA + LAST, PAGE, PAGE_READ),
		    "last page");
	for (uint64_t offset = 0; offset < row->count * PAGE; offset += PAGE) {
		bench_begin();
		enum status status =
			task_map(other, memory + offset, FREE_VA + offset, PAGE, PAGE_READ);
		bench_end();
		bench_check(status, "insert");
	}
}

static void revoke_piece(const struct row *row)
{
	cap_t task = world_empty_task(), other = world_empty_task();
	uint64_t memory = hand_out(task, row->parameter);
	bench_check(task_map(other, world_memory(BLOCK), FREE_VA + LAST, PAGE, PAGE_READ),
		    "last page");
	for (uint64_t offset = 0; offset < row->count * PAGE; offset += PAGE) {
		bench_check(task_map(other, memory + offset, FREE_VA + offset, PAGE, PAGE_READ),
			    "insert");
		bench_begin();
		enum status status = task_unmap(CAP(ROOT_CAP_TASK), memory + offset, PAGE, 0);
		bench_end();
		bench_check(status, "revoke");
	}
}

/* ---- chains of pagers ---- */

/* Each pager but the last has its pages from the next, asked for with a call, at the fault. */
struct pager {
	cap_t next;      /* index 0: it has the memory itself */
	uint64_t memory; /* where its pages are in its task */
	uint64_t places; /* where the answer's pages go, in the window of who asks */
};

#define DEPTH_MAX 4

static struct pager chain[DEPTH_MAX];

/* The first is told an address, the others an offset: the low bits are the same. */
static void serve_chain(uint64_t number)
{
	struct pager self = chain[number];
	struct utcb *utcb = strata_utcb();
	utcb->memory_window = (struct window){self.memory, BLOCK};
	struct message message = {.tag = 0};
	for (;;) {
		strata_fast_reply_wait(&message, 0);
		uint64_t offset = message.words[0] & LAST;
		if (self.next.index != 0) {
			struct message question = {
				.words = {offset, 0},
                                  .tag = TAG_MAKE(1, 2, 0)
                        };
			strata_fast_call(self.next, &question, 2);
		}
		utcb->items[0].page =
			ITEM_MEMORY_MAKE(self.memory + offset, 12, PAGE_READ | PAGE_WRITE);
		utcb->items[0].place = self.places + offset;
		message.tag = TAG_MAKE(STATUS_OK, 0, 1);
	}
}

static void fault_chain(const struct row *row)
{
	uint64_t memory = world_memory(BLOCK), depth = row->parameter;
	cap_t client = world_task(), next = CAP(0);
	uint64_t source = memory;
	for (uint64_t i = depth; i-- > 0;) {
		bool is_last = i == depth - 1;
		cap_t task = is_last ? CAP(ROOT_CAP_TASK) : world_task();
		if (!is_last) {
			world_share(task, next);
			/* The tables, by a page that is not touched. */
			bench_check(task_map(task, memory + LAST, FREE_VA + LAST, PAGE, PAGE_READ),
				    "last page");
			source = FREE_VA;
		}
		chain[i] = (struct pager){next, source, i == 0 ? FREE_VA : 0};
		next = world_server(task, serve_chain, i);
	}
	bench_check(task_map(client, memory + LAST, FREE_VA + LAST, PAGE, PAGE_READ), "last page");
	row_touch(client, next, row->count);
}

const struct row rows_growth[] = {
	{"call.tasks_1",         "growth", call_among_tasks,  100,        1      },
	{"call.tasks_10",        "growth", call_among_tasks,  100,        10     },
	{"call.tasks_100",       "growth", call_among_tasks,  100,        100    },
	{"call.tasks_1000",      "growth", call_among_tasks,  100,        1000   },
	{"fault.tasks_1",        "growth", fault_among_tasks, 100,        1      },
	{"fault.tasks_10",       "growth", fault_among_tasks, 100,        10     },
	{"fault.tasks_100",      "growth", fault_among_tasks, 100,        100    },
	{"fault.tasks_1000",     "growth", fault_among_tasks, 100,        1000   },
	{"call.pages_1",         "growth", call_among_pages,  100,        1      },
	{"call.pages_1000",      "growth", call_among_pages,  100,        1000   },
	{"call.pages_100000",    "growth", call_among_pages,  100,        100000 },
	{"call.pages_1000000",   "growth", call_among_pages,  100,        1000000},
	{"fault.pages_1",        "growth", fault_among_pages, 100,        1      },
	{"fault.pages_1000",     "growth", fault_among_pages, 100,        1000   },
	{"fault.pages_100000",   "growth", fault_among_pages, 100,        100000 },
	{"fault.pages_1000000",  "growth", fault_among_pages, 100,        1000000},
	{"revoke.sharers_1",     "growth", revoke_sharers,    16,         1      },
	{"revoke.sharers_10",    "growth", revoke_sharers,    16,         10     },
	{"revoke.sharers_100",   "growth", revoke_sharers,    16,         100    },
	{"revoke.sharers_1000",  "growth", revoke_sharers,    16,         1000   },
	{"insert.pieces_1",      "growth", insert_piece,      HOLE_PAGES, 1      },
	{"insert.pieces_1000",   "growth", insert_piece,      HOLE_PAGES, 1000   },
	{"insert.pieces_100000", "growth", insert_piece,      HOLE_PAGES, 100000 },
	{"revoke.pieces_1",      "growth", revoke_piece,      HOLE_PAGES, 1      },
	{"revoke.pieces_1000",   "growth", revoke_piece,      HOLE_PAGES, 1000   },
	{"revoke.pieces_100000", "growth", revoke_piece,      HOLE_PAGES, 100000 },
	{"fault.chain_1",        "growth", fault_chain,       100,        1      },
	{"fault.chain_2",        "growth", fault_chain,       100,        2      },
	{"fault.chain_3",        "growth", fault_chain,       100,        3      },
	{"fault.chain_4",        "growth", fault_chain,       100,        4      },
	{NULL,		   NULL,     NULL,              0,          0      },
};
