/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The longest that the kernel runs with interrupts masked: what is as long as users can make it. One operation each;
 * the plugin looks for the longest row of kernel instructions in it.
 */
#include "bench.h"
#include "object.h"
#include "world.h"

#include <stdbool.h>

#define PAGES 512

#define USER_END (1ul << 48)
#define REGION   (1ul << 39) /* what an entry of the first level of tables covers */

#define CAPS_PER_PAGE 128ul

static void check_answer(const struct message *message, const char *what)
{
	bench_check(message_status(message), what);
}

/* ---- messages ---- */

/* Takes anything anywhere. */
static void serve_all(uint64_t argument)
{
	(void)argument;
	struct utcb *utcb = strata_utcb();
	utcb->memory_window = (struct window){0, USER_END};
	utcb->capability_window = (struct window){0, CAP_INDEX_LIMIT};
	for (;;) {
		struct message message = {.tag = TAG_MAKE(STATUS_OK, 0, 0)};
		strata_fast_reply_wait(&message, 0);
	}
}

static void call_with_items(cap_t gate, unsigned words, unsigned items)
{
	struct message message = {.tag = TAG_MAKE(1, words, items)};
	bench_begin();
	strata_fast_call(gate, &message, 8);
	bench_end();
	check_answer(&message, "message");
}

/* Each page comes from another part of 2 MiB of a page of 1 GiB, and goes to a place as far from the others as there is:
 * three tables there, and two piece tables here. */
static void put_mappings(uint64_t giant, unsigned rights)
{
	struct utcb *utcb = strata_utcb();
	for (uint64_t i = 0; i < MESSAGE_ITEMS; i++) {
		utcb->items[i].page = ITEM_MEMORY_MAKE(giant + i * BLOCK, 12, rights);
		utcb->items[i].place = (i + 128) * REGION;
	}
}

static void message_mappings(const struct row *row)
{
	(void)row;
	cap_t gate = world_server(world_task(), serve_all, 0);
	put_mappings(world_memory(GIANT), PAGE_READ | PAGE_WRITE);
	call_with_items(gate, MESSAGE_WORDS, MESSAGE_ITEMS);
}

/* All are there already, and are reduced. */
static void message_again(const struct row *row)
{
	(void)row;
	cap_t gate = world_server(world_task(), serve_all, 0);
	uint64_t giant = world_memory(GIANT);
	struct message message = {.tag = TAG_MAKE(1, 0, MESSAGE_ITEMS)};
	put_mappings(giant, PAGE_READ | PAGE_WRITE);
	strata_fast_call(gate, &message, 0);
	check_answer(&message, "first message");
	put_mappings(giant, PAGE_READ);
	call_with_items(gate, MESSAGE_WORDS, MESSAGE_ITEMS);
}

#define OWN_TASK CAP(ROOT_CAP_TASK)

/* Unlike tasks, what this one mapped to itself does not go by itself. */
static void clear_own(void)
{
	bench_check(task_unmap(OWN_TASK, FREE_VA, REGION, UNMAP_SELF), "clear");
}

/* A page of this task at `to`, mapped from `from`, with children of its own. */
static void make_parent(uint64_t from, uint64_t to, uint64_t children)
{
	bench_check(task_map(OWN_TASK, from, to, PAGE, PAGE_READ), "parent");
	for (uint64_t i = 1; i <= children; i++) {
		bench_check(task_map(OWN_TASK, to, to + i * PAGE, PAGE, PAGE_READ), "child");
	}
}

#define GRANTS 16ul /* the most there can be in a message */

/* Each page is handed over, with its children. */
static void message_grants(const struct row *row)
{
	cap_t gate = world_server(world_task(), serve_all, 0);
	struct utcb *utcb = strata_utcb();
	uint64_t memory = world_memory(BLOCK);
	for (uint64_t i = 0; i < GRANTS; i++) {
		uint64_t page = FREE_VA + i * BLOCK;
		make_parent(memory + i * PAGE, page, row->parameter);
		utcb->items[i].page = ITEM_MEMORY_MAKE(page, 12, PAGE_READ);
		utcb->items[i].place = (i + 128) * REGION | ITEM_GRANT;
	}
	call_with_items(gate, MESSAGE_WORDS, GRANTS);
	clear_own();
}

/* Each into another page of the receiver's table. */
static void message_capabilities(const struct row *row)
{
	(void)row;
	cap_t gate = world_server(world_task(), serve_all, 0),
	      sent = world_irq(CAP(ROOT_CAP_THREAD), 1);
	struct utcb *utcb = strata_utcb();
	for (uint64_t i = 0; i < MESSAGE_ITEMS; i++) {
		utcb->items[i].page = ITEM_CAPABILITY_MAKE(sent.index);
		utcb->items[i].place = (i + 16) * CAPS_PER_PAGE << 12 | RIGHTS_ALL;
	}
	call_with_items(gate, MESSAGE_WORDS, MESSAGE_ITEMS);
}

static void message_words(const struct row *row)
{
	(void)row;
	call_with_items(world_server(world_task(), serve_all, 0), MESSAGE_WORDS, 0);
}

/* ---- revocation ---- */

static void unmap(uint64_t address, uint64_t size, unsigned keep)
{
	bench_begin();
	enum status status = task_unmap(CAP(ROOT_CAP_TASK), address, size, keep);
	bench_end();
	bench_check(status, "unmap");
}

/* Nothing else is mapped near: with the page go its tables. */
static uint64_t share_page(uint64_t sharers)
{
	uint64_t memory = world_memory(BLOCK);
	for (uint64_t i = 0; i < sharers; i++) {
		bench_check(
			task_map(world_empty_task(), memory, FREE_VA, PAGE, PAGE_READ | PAGE_WRITE),
			"share");
	}
	return memory;
}

static void revoke_page(const struct row *row)
{
	unmap(share_page(row->parameter), PAGE, 0);
}

static void reduce_page(const struct row *row)
{
	unmap(share_page(row->parameter), PAGE, PAGE_READ);
}

/* All pages of a block, to each sharer on its own. */
static uint64_t share_pages(uint64_t sharers)
{
	uint64_t memory = world_memory(BLOCK);
	for (uint64_t i = 0; i < sharers; i++) {
		cap_t task = world_empty_task();
		bench_check(task_map(task, memory, FREE_VA + PAGE, BLOCK, PAGE_READ | PAGE_WRITE),
			    "share");
	}
	return memory;
}

static void revoke_range(const struct row *row)
{
	unmap(share_pages(row->parameter), BLOCK, 0);
}

static void reduce_range(const struct row *row)
{
	unmap(share_pages(row->parameter), BLOCK, PAGE_READ);
}

/* All parts of the block but the last one have only uses to report, that nobody has asked for. */
static uint64_t used_parts(uint64_t sharers)
{
	uint64_t memory = share_pages(sharers);
	bench_check(task_unmap(OWN_TASK, memory, BLOCK - PAGE, 0), "unmap");
	return memory;
}

static void revoke_used_parts(const struct row *row)
{
	unmap(used_parts(row->parameter), BLOCK, 0);
}

static void reduce_used_parts(const struct row *row)
{
	unmap(used_parts(row->parameter), BLOCK, PAGE_READ);
}

/* The block is mapped as a whole so often, and of each of these mappings the last page. */
static uint64_t lonely_parts(uint64_t sharers)
{
	uint64_t memory = world_memory(BLOCK), at = FREE_VA;
	for (uint64_t i = 0; i < sharers; i++, at += 2 * BLOCK) {
		bench_check(task_map(OWN_TASK, memory, at, BLOCK, PAGE_READ | PAGE_WRITE), "whole");
		bench_check(task_map(OWN_TASK, at + BLOCK - PAGE, at + BLOCK, PAGE, PAGE_READ), "part");
	}
	return memory;
}

static void revoke_lonely_parts(const struct row *row)
{
	unmap(lonely_parts(row->parameter), BLOCK, 0);
	clear_own();
}

static void reduce_lonely_parts(const struct row *row)
{
	unmap(lonely_parts(row->parameter), BLOCK, PAGE_READ);
	clear_own();
}

static void age_block(uint64_t memory)
{
	bench_begin();
	enum status status = object_call_4(OWN_TASK, TASK_AGE, memory, 21, 1, 1);
	bench_end();
	bench_check(status, "age");
}

static void age_used_parts(const struct row *row)
{
	age_block(used_parts(row->parameter));
}

static void age_lonely_parts(const struct row *row)
{
	age_block(lonely_parts(row->parameter));
	clear_own();
}

static void age_pages(const struct row *row)
{
	uint64_t memory = share_pages(row->parameter);
	bench_begin();
	enum status status = object_call_4(CAP(ROOT_CAP_TASK), TASK_AGE, memory, 12, 64, 1);
	bench_end();
	bench_check(status, "age");
}

static void age_blocks(const struct row *row)
{
	age_block(share_pages(row->parameter));
}

/* ---- tasks ---- */

static void map_giant(const struct row *row)
{
	(void)row;
	uint64_t giant = world_memory(GIANT);
	cap_t task = world_empty_task();
	bench_begin();
	enum status status = task_map(task, giant, FREE_VA + PAGE, GIANT, PAGE_READ);
	bench_end();
	bench_check(status, "map");
}

/* Takes away an empty gigabyte. */
static void unmap_nothing(const struct row *row)
{
	(void)row;
	cap_t task = world_empty_task();
	bench_begin();
	enum status status = task_unmap(task, FREE_VA, FREE_VA, UNMAP_SELF);
	bench_end();
	bench_check(status, "unmap nothing");
}

static void delete (cap_t object)
{
	bench_begin();
	enum status status = cap_delete(object.index);
	bench_end();
	bench_check(status, "delete");
}

static void delete_task(const struct row *row)
{
	uint64_t giant = world_memory(GIANT);
	cap_t task = world_empty_task();
	bench_check(task_map(task, giant, FREE_VA + PAGE, row->parameter * PAGE, PAGE_READ), "map");
	delete (task);
}

/* A page in each of as many regions as there are: tables with an entry each. */
static void delete_sparse_task(const struct row *row)
{
	uint64_t memory = world_memory(BLOCK);
	cap_t task = world_empty_task();
	for (uint64_t i = 0; i < row->parameter; i++) {
		bench_check(
			task_map(task, memory, FREE_VA + i * REGION + i * PAGE, PAGE, PAGE_READ),
			"map");
	}
	delete (task);
}

static void make(cap_t factory, enum object_kind kind, uint64_t index, uint64_t a, uint64_t b)
{
	bench_check(object_call_4(factory, FACTORY_CREATE, kind, index, a, b), "make");
}

/* Every fifth is a task, with a thread in it; the others are gates and Irqs. */
static void delete_factory(const struct row *row)
{
	uint64_t factory = world_index();
	make(CAP(ROOT_CAP_FACTORY), OBJECT_FACTORY, factory, 64ul << 20, 0);
	for (uint64_t i = 0; i < row->parameter; i += 5) {
		uint64_t task = world_index(), thread = world_index();
		make(CAP(factory), OBJECT_TASK, task, 0, 0);
		make(CAP(factory), OBJECT_THREAD, thread, task, FREE_VA);
		make(CAP(factory), OBJECT_GATE, world_index(), 0, 0);
		make(CAP(factory), OBJECT_IRQ, world_index(), 0, 0);
		make(CAP(factory), OBJECT_GATE, world_index(), 0, 0);
	}
	delete (CAP(factory));
}

static void delete_thread(const struct row *row)
{
	cap_t thread = world_thread(world_empty_task());
	for (unsigned bit = 0; bit < row->parameter; bit++) {
		(void)world_irq(thread, bit);
	}
	delete (thread);
}

/* ---- capabilities ---- */

static cap_t derive_many(uint64_t count)
{
	cap_t gate = world_gate();
	for (uint64_t i = 0; i < count; i++) {
		bench_check(cap_derive(CAP(ROOT_CAP_TASK), gate.index, world_index()), "derive");
	}
	return gate;
}

static void revoke_capability(const struct row *row)
{
	cap_t gate = derive_many(row->parameter);
	bench_begin();
	enum status status = object_call_2(CAP(ROOT_CAP_TASK), TASK_CAP_REVOKE, gate.index, 0);
	bench_end();
	bench_check(status, "revoke");
}

/* Each child learns of its new parent. */
static void move_capability(const struct row *row)
{
	cap_t gate = derive_many(row->parameter);
	uint64_t to = world_index();
	bench_begin();
	enum status status = object_call_2(CAP(ROOT_CAP_TASK), TASK_CAP_MOVE, gate.index, to);
	bench_end();
	bench_check(status, "move");
}

/* ---- others ---- */

/* Takes a call and never answers it. */
static void serve_nothing(uint64_t argument)
{
	struct message message;
	(void)argument;
	strata_wait(&message);
	strata_fast_wait_irq(1);
}

/* As many threads as want a gate whose only handler is busy: the gate goes. */
static void caller(uint64_t gate)
{
	struct message message = {.tag = TAG_MAKE(1, 0, 0)};
	strata_call(CAP(gate), &message);
	world_finish();
}

static void delete_gate(const struct row *row)
{
	cap_t gate = world_server(CAP(ROOT_CAP_TASK), serve_nothing, 0);
	for (uint64_t i = 0; i < row->parameter; i++) {
		world_start(CAP(ROOT_CAP_TASK), SERVER_PRIORITY - 1, caller, gate.index);
	}
	delete (gate);
}

static void log_write(const struct row *row)
{
	(void)row;
	struct utcb *utcb = strata_utcb();
	for (unsigned i = MESSAGE_REGISTERS; i < MESSAGE_WORDS; i++) {
		utcb->words[i] = 0x0a2e2e2e2e2e2e2eul;
	}
	struct message message = {.words = {8 * (MESSAGE_WORDS - 1)},
				  .tag = TAG_MAKE(LOG_WRITE, MESSAGE_WORDS, 0)};
	for (unsigned i = 1; i < MESSAGE_REGISTERS; i++) {
		message.words[i] = utcb->words[MESSAGE_REGISTERS];
	}
	bench_begin();
	strata_fast_call(CAP(ROOT_CAP_LOG), &message, 8);
	bench_end();
	check_answer(&message, "log");
}

static void split_page(const struct row *row)
{
	(void)row;
	bench_begin();
	uint64_t memory = world_split_memory();
	bench_end();
	(void)memory;
}

static void join_page(const struct row *row)
{
	(void)row;
	(void)world_split_memory();
	bench_begin();
	world_join_memory();
	bench_end();
}

const struct row rows_stretch[] = {
	{"message_64_mappings",       "stretch", message_mappings,     1, 0     },
	{"message_64_again",          "stretch", message_again,        1, 0     },
	{"message_16_grants",         "stretch", message_grants,       1, 0     },
	{"message_16_grants_of_4",    "stretch", message_grants,       1, 4     },
	{"message_64_capabilities",   "stretch", message_capabilities, 1, 0     },
	{"message_64_words",          "stretch", message_words,        1, 0     },
	{"revoke_1000_sharers",       "stretch", revoke_page,          1, 1000  },
	{"reduce_1000_sharers",       "stretch", reduce_page,          1, 1000  },
	{"revoke_512_pages_of_4",     "stretch", revoke_range,         1, 4     },
	{"reduce_512_pages_of_4",     "stretch", reduce_range,         1, 4     },
	{"revoke_used_parts",         "stretch", revoke_used_parts,    1, 4     },
	{"reduce_used_parts",         "stretch", reduce_used_parts,    1, 4     },
	{"revoke_lonely_parts",       "stretch", revoke_lonely_parts,  1, 20    },
	{"reduce_lonely_parts",       "stretch", reduce_lonely_parts,  1, 20    },
	{"age_used_parts",            "stretch", age_used_parts,       1, 4     },
	{"age_lonely_parts",          "stretch", age_lonely_parts,     1, 20    },
	{"age_64_pages_of_4",         "stretch", age_pages,            1, 4     },
	{"age_64_pages_of_100",       "stretch", age_pages,            1, 100   },
	{"age_2_mib_of_4",            "stretch", age_blocks,           1, 4     },
	{"map_1_gib",                 "stretch", map_giant,            1, 0     },
	{"unmap_nothing",             "stretch", unmap_nothing,        1, 0     },
	{"delete_task_100000_pages",  "stretch", delete_task,          1, 100000},
	{"delete_task_100_regions",   "stretch", delete_sparse_task,   1, 100   },
	{"delete_factory_1000",       "stretch", delete_factory,       1, 1000  },
	{"delete_thread_62_irqs",     "stretch", delete_thread,        1, 62    },
	{"delete_gate_8_callers",     "stretch", delete_gate,          1, 8     },
	{"revoke_10000_capabilities", "stretch", revoke_capability,    1, 10000 },
	{"move_64_capabilities",      "stretch", move_capability,      1, 64    },
	{"log_504_bytes",             "stretch", log_write,            1, 0     },
	{"split_2_mib",               "stretch", split_page,           1, 0     },
	{"join_2_mib",                "stretch", join_page,            1, 0     },
	{NULL,			NULL,      NULL,                 0, 0     },
};
