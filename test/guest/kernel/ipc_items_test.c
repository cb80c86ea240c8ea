/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that travels in messages, both ways: windows, rights, grant, replace, and errors that leave nothing half done.
 */
#include "callers.h"

#include <abi/boot_info.h>

#define PAGE       4096ul
#define BLOCK      (1ul << 21)
#define NO_VALUE   0xdeadul
#define WINDOW_MAX (1ul << 30)

/* What a thread of the task reads there; NO_VALUE if it cannot. */
static uint64_t value_at(const struct child_task *task, uint64_t address)
{
	struct access *access = new_shared(sizeof(*access));
	struct thread thread;
	access->address = address;
	access->kind = FAULT_READ;
	access->value = NO_VALUE;
	if (make_thread(&thread, task)) {
		expect_no_report(&thread);
		(void)start_thread(&thread, do_access, access);
		(void)EXPECT_OK(strata_cap_delete(OWN_TASK, thread.cap.index));
	}
	return access->value;
}

/* A receiver in a task of its own: what it got is in the record. */
struct record {
	struct message_item items[MESSAGE_ITEMS];
};

static void serve_record(struct server *server, struct message *message)
{
	struct record *record = server->context;
	for (unsigned i = 0; i < MESSAGE_ITEMS; i++) {
		record->items[i] = strata_utcb()->items[i];
	}
	*message = message_of(STATUS_OK, 0, 0);
}

struct receiver {
	struct child_task task;
	struct server *server;
	struct record *record;
	uint64_t window;
};

static bool make_receiver(struct receiver *receiver)
{
	receiver->record = new_shared(sizeof(*receiver->record));
	receiver->window = new_addresses(WINDOW_MAX, 30);
	return make_task(&receiver->task) &&
	       (receiver->server = new_server_with(
			&receiver->task, serve_record,
			(struct server){
				.context = receiver->record,
				.memory_window = {receiver->window, WINDOW_MAX}
        })) != NULL;
}

static enum status send(const struct receiver *receiver, unsigned items)
{
	struct message message = message_of(1, 0, items);
	(void)strata_call(receiver->server->gate, &message);
	return message_status(&message);
}

static uint64_t marked_frame(unsigned order, uint64_t mark)
{
	uint64_t frame = new_frame(order);
	for (uint64_t offset = 0; offset < 1ul << order; offset += PAGE) {
		poke(frame + offset, mark + offset);
	}
	return frame;
}

/* A page of this task's own, of exactly 4096 bytes, mapped from the window. */
static uint64_t small_page(uint64_t mark, uint64_t *frame)
{
	uint64_t from = marked_frame(12, mark), to = new_addresses(PAGE, 12);
	EXPECT_OK(strata_task_map(OWN_TASK, from, to, PAGE, PAGE_READ | PAGE_WRITE, NULL));
	if (frame != NULL) {
		*frame = from;
	}
	return to;
}

/* ---- what arrives ---- */

static void page_arrives(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	uint64_t frame = marked_frame(12, 0x11);
	put_memory_item(0, frame, 12, PAGE_READ | PAGE_WRITE, 0x5000, 0);
	REQUIRE_OK(send(&r, 1));
	EXPECT_EQ(RECEIVED_KIND(r.record->items[0].page), RECEIVED_MEMORY);
	EXPECT_EQ(r.record->items[0].place, r.window + 0x5000);
	EXPECT_EQ(value_at(&r.task, r.window + 0x5000), 0x11);
	EXPECT_EQ(value_at(&r.task, r.window + 0x4000), NO_VALUE);
	EXPECT_EQ(value_at(&r.task, r.window + 0x6000), NO_VALUE);
	EXPECT(can_access(&r.task, r.window + 0x5000, FAULT_WRITE));
	EXPECT_EQ(peek(frame), 0);
}

static void rights_are_those_of_the_item(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	uint64_t frame = marked_frame(12, 0x11);
	poke(frame, 0xd65f03c0); /* ret */
	static const struct {
		unsigned rights;
		bool write, execute;
	} cases[] = {
		{PAGE_READ,                false, false},
		{PAGE_READ | PAGE_WRITE,   true,  false},
		{PAGE_READ | PAGE_EXECUTE, false, true },
		{PAGE_EXECUTE,             false, true }
        };
	for (unsigned i = 0; i < 4; i++) {
		uint64_t at = r.window + i * PAGE;
		put_memory_item(0, frame, 12, cases[i].rights, i * PAGE, 0);
		REQUIRE_OK(send(&r, 1));
		EXPECT(can_access(&r.task, at, FAULT_READ));
		EXPECT_EQ(can_access(&r.task, at, FAULT_EXECUTE), cases[i].execute);
		EXPECT_EQ(can_access(&r.task, at, FAULT_WRITE), cases[i].write);
		poke(frame, 0xd65f03c0);
	}
}

/* Both may be handed on; the page itself can be written, not executed. */
static void nothing_is_writable_and_executable(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	uint64_t frame = marked_frame(12, 0);
	poke(frame, 0xd65f03c0);
	put_memory_item(0, frame, 12, PAGE_RIGHTS, 0, 0);
	REQUIRE_OK(send(&r, 1));
	EXPECT(!can_access(&r.task, r.window, FAULT_EXECUTE));
	EXPECT(can_access(&r.task, r.window, FAULT_WRITE));
}

static void rights_never_grow(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	uint64_t frame = marked_frame(12, 0x11), read_only = new_addresses(PAGE, 12);
	REQUIRE_OK(strata_task_map(OWN_TASK, frame, read_only, PAGE, PAGE_READ, NULL));
	put_memory_item(0, read_only, 12, PAGE_RIGHTS, 0, 0);
	REQUIRE_OK(send(&r, 1));
	EXPECT(can_access(&r.task, r.window, FAULT_READ));
	EXPECT(!can_access(&r.task, r.window, FAULT_WRITE));
	EXPECT(!can_access(&r.task, r.window, FAULT_EXECUTE));
}

static void items_of_all_sizes(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	uint64_t frame = marked_frame(21, 0x1000000);
	for (unsigned order = 12; order <= 18; order++) {
		uint64_t offset = 1ul << (order + 1); /* all fit: 64 pages at most */
		put_memory_item(0, frame, order, PAGE_READ, offset, 0);
		REQUIRE_OK(send(&r, 1));
		uint64_t size = 1ul << order;
		EXPECT_EQ(value_at(&r.task, r.window + offset), 0x1000000);
		EXPECT_EQ(value_at(&r.task, r.window + offset + size - PAGE),
			  0x1000000 + size - PAGE);
		EXPECT_OK(strata_task_unmap(OWN_TASK, frame, BLOCK, 0, NULL));
	}
	put_memory_item(0, frame, 21, PAGE_READ, 0, 0);
	REQUIRE_OK(send(&r, 1));
	EXPECT_EQ(value_at(&r.task, r.window + BLOCK - PAGE), 0x1000000 + BLOCK - PAGE);
}

static void large_pages_stay_large(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	uint64_t limit, before, after, frame = new_frame(21), giant = new_frame(30);
	put_memory_item(0, frame, 21, PAGE_READ, BLOCK, 0);
	REQUIRE_OK(strata_factory_account(FACTORY, &limit, &before));
	REQUIRE_OK(send(&r, 1));
	REQUIRE_OK(strata_factory_account(FACTORY, &limit, &after));
	EXPECT(after - before <= 5 * PAGE); /* levels 1 and 2, a twin */
	if (giant == 0) {
		skip("there is no page of 1 GiB");
		return;
	}
	REQUIRE_OK(strata_task_unmap(OWN_TASK, frame, BLOCK, 0, NULL));
	put_memory_item(0, giant, 30, PAGE_READ, 0, 0);
	REQUIRE_OK(send(&r, 1));
	poke(giant + (1ul << 30) - 8, 0x600d);
	EXPECT_EQ(value_at(&r.task, r.window + (1ul << 30) - 8), 0x600d);
}

static void sixty_four_items(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	uint64_t frame = marked_frame(18, 0x900000);
	for (unsigned i = 0; i < 64; i++) {
		put_memory_item(i, frame + i * PAGE, 12, PAGE_READ, (63 - i) * PAGE, 0);
	}
	REQUIRE_OK(send(&r, 64));
	for (unsigned i = 0; i < 64; i += 9) {
		EXPECT_EQ(value_at(&r.task, r.window + (63 - i) * PAGE), 0x900000 + i * PAGE);
		EXPECT_EQ(r.record->items[i].place, r.window + (63 - i) * PAGE);
	}
}

static void memory_and_capabilities_together(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	cap_t gate = new_gate();
	put_memory_item(0, marked_frame(12, 0x22), 12, PAGE_READ, 0, 0);
	put_cap_item(1, gate.index, 0, RIGHTS_ALL);
	EXPECT_STATUS(send(&r, 2), STATUS_WINDOW); /* its window for capabilities is closed */
	EXPECT_EQ(value_at(&r.task, r.window), NO_VALUE);
	r.server->capability_window = (struct window){50, 1};
	struct server *open = new_server_with(&r.task, serve_record,
					      (struct server){
						      .context = r.record,
						      .memory_window = {r.window, WINDOW_MAX},
						      .capability_window = {50,       1         }
        });
	struct message message = message_of(1, 0, 2);
	EXPECT_EQ(strata_call(open->gate, &message), STATUS_OK);
	EXPECT_EQ(value_at(&r.task, r.window), 0x22);
	EXPECT_OK(strata_cap_info(r.task.cap, 50, NULL, NULL, NULL));
}

/* ---- refusals ---- */

static void expect_refused(struct receiver *r, struct message_item item, enum status status)
{
	/* A good item before and after it: they must not arrive either. */
	uint64_t frame = marked_frame(12, 0x33);
	put_memory_item(0, frame, 12, PAGE_READ, 0x100000, 0);
	strata_utcb()->items[1] = item;
	put_memory_item(2, frame, 12, PAGE_READ, 0x101000, 0);
	uint64_t calls = r->server->calls;
	EXPECT_STATUS(send(r, 3), status);
	EXPECT_EQ(r->server->calls, calls);
	EXPECT_EQ(value_at(&r->task, r->window + 0x100000), NO_VALUE);
	EXPECT_EQ(value_at(&r->task, r->window + 0x101000), NO_VALUE);
}

static struct message_item item(uint64_t address, unsigned order, uint64_t rights, uint64_t offset,
				uint64_t flags)
{
	return (struct message_item){address | (uint64_t)order << 6 | rights, offset | flags};
}

static void bad_items_are_refused(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	uint64_t frame = marked_frame(13, 1);
	for (unsigned order = 0; order < 64; order++) {
		if (order < 12 || order > 47) {
			expect_refused(&r, item(0, order, PAGE_READ, 0, 0), STATUS_BAD_ARGUMENT);
		}
	}
	expect_refused(&r, item(frame, 12, 0, 0, 0), STATUS_BAD_ARGUMENT);
	expect_refused(&r, item(frame, 12, 8 | PAGE_READ, 0, 0), STATUS_BAD_ARGUMENT);
	for (unsigned bit = 3; bit < 12; bit++) {
		expect_refused(&r, item(frame, 12, PAGE_READ, 0, 1ul << bit), STATUS_BAD_ARGUMENT);
	}
	expect_refused(&r, (struct message_item){frame | 12 << 6 | 0x20 | PAGE_READ, 0},
		       STATUS_BAD_ARGUMENT);
	expect_refused(&r, (struct message_item){frame | 12 << 6 | 0x30 | PAGE_READ, 0},
		       STATUS_BAD_ARGUMENT);
	expect_refused(&r, item(frame + PAGE, 13, PAGE_READ, 0, 0), STATUS_BAD_RANGE);
	expect_refused(&r, item(1ul << 48, 12, PAGE_READ, 0, 0), STATUS_BAD_RANGE);
	expect_refused(&r, item(0xfffffffffffff000, 12, PAGE_READ, 0, 0), STATUS_BAD_RANGE);
}

static void places_outside_of_the_window_are_refused(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	uint64_t frame = marked_frame(13, 1);
	expect_refused(&r, item(frame, 12, PAGE_READ, WINDOW_MAX, 0), STATUS_WINDOW);
	expect_refused(&r, item(frame, 13, PAGE_READ, WINDOW_MAX - PAGE, 0), STATUS_WINDOW);
	expect_refused(&r, item(frame, 12, PAGE_READ, 0xfffffffffffff000, 0), STATUS_WINDOW);
	expect_refused(&r, item(frame, 12, PAGE_READ, 0 - r.window + PAGE, 0), STATUS_WINDOW);
}

static void unmapped_sources_are_refused(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	uint64_t hole = new_addresses(2 * PAGE, 13), frame = marked_frame(12, 1);
	expect_refused(&r, item(hole, 12, PAGE_READ, 0, 0), STATUS_NOT_MAPPED);
	REQUIRE_OK(strata_task_map(OWN_TASK, frame, hole, PAGE, PAGE_READ, NULL));
	expect_refused(&r, item(hole, 13, PAGE_READ, 0, 0), STATUS_NOT_MAPPED);
	expect_refused(&r, item((uint64_t)strata_utcb(), 12, PAGE_READ, 0, 0), STATUS_NOT_MAPPED);
	expect_refused(&r, item((uint64_t)boot_info & ~(PAGE - 1), 12, PAGE_READ, 0, 0),
		       STATUS_NOT_MAPPED);
	expect_refused(&r, item(0, 47, PAGE_READ, 0, 0), STATUS_WINDOW);
}

static void more_than_64_mappings_are_refused(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	uint64_t frame = marked_frame(21, 1);
	expect_refused(&r, item(frame, 19, PAGE_READ, 0, 0), STATUS_TOO_LARGE);
	expect_refused(&r, item(frame, 21, PAGE_READ, PAGE, 0), STATUS_TOO_LARGE);
	expect_refused(&r, item(frame, 18, PAGE_READ, 0, 0),
		       STATUS_TOO_LARGE); /* with the others it is 66 */
}

static void occupied_places_are_refused(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	uint64_t first = marked_frame(12, 0x44), second = marked_frame(12, 0x55),
		 block = marked_frame(21, 0x66);
	REQUIRE_OK(strata_task_map(r.task.cap, first, r.window + 0x7000, PAGE, PAGE_READ, NULL));
	expect_refused(&r, item(second, 12, PAGE_READ, 0x7000, 0), STATUS_OVERMAP);
	EXPECT_EQ(value_at(&r.task, r.window + 0x7000), 0x44);
	/* A large page over small ones, and a small one inside of a large one. */
	expect_refused(&r, item(block, 21, PAGE_READ, 0, 0), STATUS_OVERMAP);
	REQUIRE_OK(
		strata_task_map(r.task.cap, block, r.window + 2 * BLOCK, BLOCK, PAGE_READ, NULL));
	expect_refused(&r, item(second, 12, PAGE_READ, 2 * BLOCK + PAGE, 0), STATUS_OVERMAP);
	/* The same frame from another parent. */
	uint64_t alias = new_addresses(PAGE, 12);
	REQUIRE_OK(strata_task_map(OWN_TASK, first, alias, PAGE, PAGE_READ, NULL));
	expect_refused(&r, item(alias, 12, PAGE_READ, 0x7000, 0), STATUS_OVERMAP);
}

static void utcbs_are_never_replaced(void)
{
	struct receiver r;
	struct thread thread;
	REQUIRE(make_receiver(&r) && make_thread(&thread, &r.task));
	struct server *wide =
		new_server_with(&r.task, serve_record,
				(struct server){
					.context = r.record, .memory_window = {0x1000, 1ul << 47}
        });
	uint64_t frame = marked_frame(12, 0x66);
	put_memory_item(0, frame, 12, PAGE_READ, thread.utcb - 0x1000, ITEM_REPLACE);
	struct message message = message_of(1, 0, 1);
	EXPECT_EQ(strata_call(wide->gate, &message), STATUS_OVERMAP);
	EXPECT_EQ(value_at(&r.task, thread.utcb), 0);
}

static void same_page_changes_its_rights(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	uint64_t frame = marked_frame(12, 0x77);
	static const unsigned steps[] = {PAGE_READ, PAGE_READ | PAGE_WRITE, PAGE_READ,
					 PAGE_READ | PAGE_EXECUTE, PAGE_READ};
	poke(frame, 0xd65f03c0);
	for (unsigned i = 0; i < 5; i++) {
		put_memory_item(0, frame, 12, steps[i], 0x3000, 0);
		REQUIRE_OK(send(&r, 1));
		EXPECT_EQ(can_access(&r.task, r.window + 0x3000, FAULT_EXECUTE),
			  (steps[i] & PAGE_EXECUTE) != 0);
		EXPECT_EQ(can_access(&r.task, r.window + 0x3000, FAULT_WRITE),
			  (steps[i] & PAGE_WRITE) != 0);
		poke(frame, 0xd65f03c0);
	}
}

static void replace_takes_what_was_there(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	uint64_t first = marked_frame(12, 0x88), second = marked_frame(12, 0x99),
		 block = marked_frame(21, 0xaa0000);
	put_memory_item(0, first, 12, PAGE_READ, 0x3000, 0);
	REQUIRE_OK(send(&r, 1));
	put_memory_item(0, second, 12, PAGE_READ, 0x3000, ITEM_REPLACE);
	REQUIRE_OK(send(&r, 1));
	EXPECT_EQ(value_at(&r.task, r.window + 0x3000), 0x99);
	put_memory_item(0, block, 21, PAGE_READ, 0, ITEM_REPLACE);
	REQUIRE_OK(send(&r, 1));
	EXPECT_EQ(value_at(&r.task, r.window + 0x3000), 0xaa3000);
	/* A part of it: the large one goes as a whole. */
	put_memory_item(0, first, 12, PAGE_READ, 0x5000, ITEM_REPLACE);
	REQUIRE_OK(send(&r, 1));
	EXPECT_EQ(value_at(&r.task, r.window + 0x5000), 0x88);
	EXPECT_EQ(value_at(&r.task, r.window + 0x3000), NO_VALUE);
	/* On an empty place it is an ordinary item. */
	put_memory_item(0, second, 12, PAGE_READ, 0x800000, ITEM_REPLACE);
	REQUIRE_OK(send(&r, 1));
	EXPECT_EQ(value_at(&r.task, r.window + 0x800000), 0x99);
}

static void of_two_items_for_one_place_the_first_arrives(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	put_memory_item(0, marked_frame(12, 0xb1), 12, PAGE_READ, 0x3000, 0);
	put_memory_item(1, marked_frame(12, 0xb2), 12, PAGE_READ, 0x3000, 0);
	REQUIRE_OK(send(&r, 2));
	EXPECT_EQ(value_at(&r.task, r.window + 0x3000), 0xb1);
	EXPECT_EQ(RECEIVED_KIND(r.record->items[0].page), RECEIVED_MEMORY);
	EXPECT_EQ(RECEIVED_KIND(r.record->items[1].page), RECEIVED_NOTHING);
}

/* ---- grant ---- */

static void granted_page_is_handed_over(void)
{
	struct receiver r;
	uint64_t frame;
	REQUIRE(make_receiver(&r));
	uint64_t page = small_page(0xc1, &frame);
	put_memory_item(0, page, 12, PAGE_READ | PAGE_WRITE, 0x3000, ITEM_GRANT);
	REQUIRE_OK(send(&r, 1));
	EXPECT_EQ(value_at(&r.task, r.window + 0x3000), 0xc1);
	EXPECT(!can_access(NULL, page, FAULT_READ));
	expect_refused(&r, item(page, 12, PAGE_READ, 0, 0), STATUS_NOT_MAPPED);
	/* Its parent is still ours: revoking there reaches it. */
	REQUIRE_OK(strata_task_unmap(OWN_TASK, frame, PAGE, 0, NULL));
	EXPECT_EQ(value_at(&r.task, r.window + 0x3000), NO_VALUE);
}

static void grant_takes_the_children_along(void)
{
	struct receiver r, below;
	REQUIRE(make_receiver(&r) && make_receiver(&below));
	uint64_t page = small_page(0xc2, NULL);
	REQUIRE_OK(strata_task_map(below.task.cap, page, below.window, PAGE, PAGE_READ, NULL));
	put_memory_item(0, page, 12, PAGE_READ | PAGE_WRITE, 0, ITEM_GRANT);
	REQUIRE_OK(send(&r, 1));
	EXPECT_EQ(value_at(&below.task, below.window), 0xc2);
	REQUIRE_OK(strata_task_unmap(r.task.cap, r.window, PAGE, 0, NULL));
	EXPECT_EQ(value_at(&below.task, below.window), NO_VALUE);
	EXPECT_EQ(value_at(&r.task, r.window), 0xc2);
}

static void grant_refusals(void)
{
	struct receiver r, below;
	REQUIRE(make_receiver(&r) && make_receiver(&below));
	uint64_t frame = new_frame(12);
	expect_refused(&r, item(frame, 12, PAGE_READ, 0, ITEM_GRANT), STATUS_SPLIT_FIRST);
	uint64_t page = small_page(0xc3, NULL);
	for (unsigned i = 0; i < 65; i++) {
		REQUIRE_OK(strata_task_map(below.task.cap, page, below.window + i * PAGE, PAGE,
					   PAGE_READ, NULL));
	}
	expect_refused(&r, item(page, 12, PAGE_READ | PAGE_WRITE, 0, ITEM_GRANT),
		       STATUS_GRANT_BUSY);
	REQUIRE_OK(strata_task_unmap(below.task.cap, below.window, PAGE, UNMAP_SELF, NULL));
	put_memory_item(0, page, 12, PAGE_READ | PAGE_WRITE, 0, ITEM_GRANT);
	REQUIRE_OK(send(&r, 1));
	EXPECT_EQ(value_at(&r.task, r.window), 0xc3);
}

/* More would be too much at once. */
static void sixteen_pages_are_handed_over_at_once(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	for (unsigned i = 0; i < 17; i++) {
		put_memory_item(i, small_page(0x100 + i, NULL), 12, PAGE_READ, i * PAGE, ITEM_GRANT);
	}
	EXPECT_STATUS(send(&r, 17), STATUS_TOO_LARGE);
	EXPECT_EQ(value_at(&r.task, r.window), NO_VALUE);
	REQUIRE_OK(send(&r, 16));
	EXPECT_EQ(value_at(&r.task, r.window), 0x100);
	EXPECT_EQ(value_at(&r.task, r.window + 15 * PAGE), 0x10f);
}

static void children_of_all_grants_count(void)
{
	struct receiver r, below;
	REQUIRE(make_receiver(&r) && make_receiver(&below));
	for (unsigned i = 0; i < 2; i++) {
		uint64_t page = small_page(0x200 + i, NULL);
		for (unsigned child = 0; child < 32 + i; child++) {
			REQUIRE_OK(strata_task_map(below.task.cap, page, below.window + (64 * i + child) * PAGE, PAGE,
						   PAGE_READ, NULL));
		}
		put_memory_item(i, page, 12, PAGE_READ, i * PAGE, ITEM_GRANT);
	}
	EXPECT_STATUS(send(&r, 2), STATUS_GRANT_BUSY);
	EXPECT_EQ(value_at(&r.task, r.window), NO_VALUE);
	REQUIRE_OK(strata_task_unmap(below.task.cap, below.window, PAGE, UNMAP_SELF, NULL));
	REQUIRE_OK(send(&r, 2));
	EXPECT_EQ(value_at(&r.task, r.window + PAGE), 0x201);
	EXPECT_EQ(value_at(&below.task, below.window + 64 * PAGE), 0x201);
}

static void granted_large_page(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	uint64_t frame = marked_frame(21, 0xd0000), block = new_addresses(BLOCK, 21),
		 part = new_addresses(PAGE, 12);
	REQUIRE_OK(strata_task_map(OWN_TASK, frame, block, BLOCK, PAGE_READ, NULL));
	REQUIRE_OK(strata_task_map(OWN_TASK, block + PAGE, part, PAGE, PAGE_READ, NULL));
	expect_refused(&r, item(block, 21, PAGE_READ, 4 * BLOCK, ITEM_GRANT), STATUS_GRANT_BUSY);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, part, PAGE, UNMAP_SELF, NULL));
	put_memory_item(0, block, 21, PAGE_READ, 0, ITEM_GRANT);
	REQUIRE_OK(send(&r, 1));
	EXPECT_EQ(value_at(&r.task, r.window + 0x5000), 0xd5000);
	EXPECT(!can_access(NULL, block, FAULT_READ));
}

/* ---- depth ---- */

static void chains_of_mappings_have_fifteen(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	uint64_t page = marked_frame(12, 0xe1);
	for (unsigned i = 0; i < 14; i++) {
		uint64_t next = new_addresses(PAGE, 12);
		REQUIRE_OK(strata_task_map(OWN_TASK, page, next, PAGE, PAGE_READ, NULL));
		page = next;
	}
	put_memory_item(0, page, 12, PAGE_READ, 0, 0);
	EXPECT_OK(send(&r, 1));
	EXPECT_EQ(value_at(&r.task, r.window), 0xe1);
	uint64_t last = new_addresses(PAGE, 12);
	REQUIRE_OK(strata_task_map(OWN_TASK, page, last, PAGE, PAGE_READ, NULL));
	expect_refused(&r, item(last, 12, PAGE_READ, 0x8000, 0), STATUS_TOO_DEEP);
}

/* ---- windows that lie ---- */

static void windows_outside_of_user_space_are_closed(void)
{
	struct child_task child;
	struct record *record = new_shared(sizeof(*record));
	REQUIRE(make_task(&child));
	static const struct window windows[] = {
		{1ul << 48,          1ul << 30},
		{0xffff000000000000, 1ul << 30},
		{0xffffffffffff0000, 1ul << 30},
		{(1ul << 48) - PAGE, 1 << 20  },
		{0x123,              1 << 20  },
		{0x2001000001,       1 << 20  },
		{0x2001000000,       0        },
		{0x2001000000,       4095     },
		{~0ul,               ~0ul     },
		{0,                  ~0ul     },
	};
	for (unsigned i = 0; i < 10; i++) {
		struct server *server = new_server_with(
			&child, serve_record,
			(struct server){.context = record, .memory_window = windows[i]});
		put_memory_item(0, marked_frame(12, 1), 12, PAGE_READ, i == 3 ? PAGE : 0, 0);
		struct message message = message_of(1, 0, 1);
		(void)strata_call(server->gate, &message);
		enum status status = message_status(&message);
		EXPECT(status == STATUS_WINDOW || status == STATUS_BAD_RANGE);
		EXPECT_EQ(server->calls, 0);
		/* REPLACE must not reach there either. */
		put_memory_item(0, marked_frame(12, 1), 12, PAGE_READ, i == 3 ? PAGE : 0,
				ITEM_REPLACE);
		message = message_of(1, 0, 1);
		(void)strata_call(server->gate, &message);
		status = message_status(&message);
		EXPECT(status == STATUS_WINDOW || status == STATUS_BAD_RANGE);
	}
}

/* ---- answers ---- */

struct giver {
	uint64_t page, order, rights, offset, flags;
	struct message_item more;
};

static void serve_memory(struct server *server, struct message *message)
{
	const struct giver *giver = server->context;
	put_memory_item(0, giver->page, (unsigned)giver->order, giver->rights, giver->offset,
			giver->flags);
	strata_utcb()->items[1] = giver->more;
	*message = message_of(STATUS_OK, 1, giver->more.page != 0 ? 2 : 1);
	message->words[0] = 0x4711;
}

/* The giver owns a page of its own in its own task; the caller is this task. */
static struct server *new_giver(struct child_task *child, struct giver **giver, uint64_t mark)
{
	*giver = new_shared(sizeof(**giver));
	uint64_t frame = marked_frame(12, mark), at = new_addresses(PAGE, 12);
	if (!make_task(child) || !EXPECT_OK(strata_task_map(child->cap, frame, at, PAGE,
							    PAGE_READ | PAGE_WRITE, NULL))) {
		return new_server(NULL, serve_echo);
	}
	(*giver)->page = at;
	(*giver)->order = 12;
	(*giver)->rights = PAGE_READ;
	return new_server_with(child, serve_memory, (struct server){.context = *giver});
}

static void answers_bring_memory(void)
{
	struct child_task child;
	struct giver *giver;
	struct server *server = new_giver(&child, &giver, 0xf1);
	uint64_t window = new_addresses(1 << 20, 20);
	open_memory_window(window, 1 << 20);
	giver->offset = 0x9000;
	struct message message = message_of(1, 0, 0);
	EXPECT_EQ(strata_call(server->gate, &message), STATUS_OK);
	EXPECT_EQ(message.words[0], 0x4711);
	EXPECT_EQ(TAG_ITEMS(message.tag), 1);
	EXPECT_EQ(RECEIVED_KIND(strata_utcb()->items[0].page), RECEIVED_MEMORY);
	EXPECT_EQ(strata_utcb()->items[0].place, window + 0x9000);
	EXPECT(can_access(NULL, window + 0x9000, FAULT_READ));
	EXPECT_EQ(peek(window + 0x9000), 0xf1);
	EXPECT(!can_access(NULL, window + 0x9000, FAULT_WRITE));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, child.cap.index));
	EXPECT(!can_access(NULL, window + 0x9000, FAULT_READ));
}

/* The server learns of its error, still owes, and can answer otherwise; the caller sees only that. */
static void refused_answers_leave_the_caller_waiting(void)
{
	struct child_task child;
	struct giver *giver;
	struct server *server = new_giver(&child, &giver, 0xf2);
	uint64_t window = new_addresses(1 << 20, 20);
	open_memory_window(window, 1 << 20);
	const struct {
		uint64_t page, order, rights, offset;
		enum status status;
	} cases[] = {
		{giver->page, 12, 0,         0,       STATUS_BAD_ARGUMENT},
		{giver->page, 11, PAGE_READ, 0,       STATUS_BAD_ARGUMENT},
		{giver->page, 12, PAGE_READ, 1 << 20, STATUS_WINDOW      },
		{1ul << 48,   12, PAGE_READ, 0,       STATUS_BAD_RANGE   },
		{0x1000,      12, PAGE_READ, 0,       STATUS_NOT_MAPPED  },
	};
	for (unsigned i = 0; i < 5; i++) {
		giver->page = cases[i].page;
		giver->order = cases[i].order;
		giver->rights = cases[i].rights;
		giver->offset = cases[i].offset;
		struct message message = message_of(1, 0, 0);
		EXPECT_EQ(strata_call(server->gate, &message), cases[i].status);
		EXPECT_EQ(message.tag & TAG_KERNEL, 0); /* it is the server that says so */
		EXPECT_EQ(server->refusal, cases[i].status);
		EXPECT_EQ(server->refusals, i + 1);
	}
}

static void closed_windows_take_nothing(void)
{
	struct child_task child;
	struct giver *giver;
	struct server *server = new_giver(&child, &giver, 0xf3);
	struct message message = message_of(1, 0, 0);
	open_memory_window(0, 0);
	EXPECT_EQ(strata_call(server->gate, &message), STATUS_WINDOW);
}

/* The caller's quota cannot pay: the server is done, the caller is told. */
static void caller_that_cannot_pay_gets_the_error(void)
{
	struct child_task client, child;
	struct giver *giver;
	cap_t factory = new_cap();
	uint64_t limit, used;
	struct server *server = new_giver(&child, &giver, 0xf4);
	REQUIRE_OK(strata_create_factory(FACTORY, factory.index, 1 << 20));
	REQUIRE(make_task_from(&client, factory));
	struct caller *caller = new_shared(sizeof(*caller));
	REQUIRE(make_thread(&caller->thread, &client));
	REQUIRE_OK(give_cap(&client, server->gate, 40, RIGHTS_ALL, 0));
	REQUIRE_OK(strata_factory_account(factory, &limit, &used));
	REQUIRE_OK(strata_factory_set_limit(FACTORY, factory, used));
	/* Its window is far from all that it has mapped. */
	giver->offset = 0;
	caller->gate = cap_t_of(40);
	caller->message = message_of(1, 0, 0);
	caller->message.words[0] = new_addresses(1ul << 30, 30);
	extern void call_with_window(void *argument);
	REQUIRE(start_thread(&caller->thread, call_with_window, caller));
	EXPECT(answered(caller, STATUS_KERNEL_QUOTA));
	EXPECT((caller->message.tag & TAG_KERNEL) != 0);
	EXPECT_EQ(server->refusals, 0);
	EXPECT_EQ(state_of(&server->thread), THREAD_STATE_IDLE);
	REQUIRE_OK(strata_factory_set_limit(FACTORY, factory, limit));
	caller->done = 0;
	REQUIRE_OK(strata_cap_delete(OWN_TASK, caller->thread.cap.index));
	struct caller *again = new_shared(sizeof(*again));
	*again = *caller;
	again->message = message_of(1, 0, 0);
	again->message.words[0] = new_addresses(1ul << 30, 30);
	REQUIRE(make_thread(&again->thread, &client));
	REQUIRE(start_thread(&again->thread, call_with_window, again));
	EXPECT(answered(again, STATUS_OK));
}

void call_with_window(void *argument);
void call_with_window(void *argument)
{
	struct caller *caller = argument;
	open_memory_window(caller->message.words[0], 1 << 20);
	caller->status = strata_call(caller->gate, &caller->message);
	caller->done = 1;
}

/* The receiver of a request cannot pay: the sender is told. */
static void receiver_that_cannot_pay_is_the_senders_error(void)
{
	struct child_task child;
	struct record *record = new_shared(sizeof(*record));
	cap_t factory = new_cap();
	uint64_t limit, used;
	REQUIRE_OK(strata_create_factory(FACTORY, factory.index, 1 << 20));
	REQUIRE(make_task_from(&child, factory));
	struct server *server =
		new_server_with(&child, serve_record,
				(struct server){
					.context = record,
					.memory_window = {new_addresses(1ul << 30, 30), 1 << 20}
        });
	REQUIRE_OK(strata_factory_account(factory, &limit, &used));
	REQUIRE_OK(strata_factory_set_limit(FACTORY, factory, used));
	put_memory_item(0, marked_frame(12, 1), 12, PAGE_READ, 0, 0);
	struct message message = message_of(1, 0, 1);
	EXPECT_EQ(strata_call(server->gate, &message), STATUS_KERNEL_QUOTA);
	EXPECT_EQ(server->calls, 0);
	uint64_t after;
	REQUIRE_OK(strata_factory_account(factory, &limit, &after));
	EXPECT_EQ(after, used);
}

/* ---- the mapping is the sender's child ---- */

static void sent_pages_go_with_the_senders(void)
{
	struct receiver r;
	REQUIRE(make_receiver(&r));
	uint64_t page = small_page(0x71, NULL);
	put_memory_item(0, page, 12, PAGE_READ, 0, 0);
	REQUIRE_OK(send(&r, 1));
	EXPECT_EQ(value_at(&r.task, r.window), 0x71);
	REQUIRE_OK(strata_task_unmap(OWN_TASK, page, PAGE, UNMAP_SELF, NULL));
	EXPECT_EQ(value_at(&r.task, r.window), NO_VALUE);
}

/* A task's own window is as good as another's. */
static void items_to_oneself(void)
{
	uint64_t window = new_addresses(BLOCK, 21);
	struct record *record = new_shared(sizeof(*record));
	struct server *server =
		new_server_with(NULL, serve_record,
				(struct server){
					.context = record, .memory_window = {window, BLOCK}
        });
	put_memory_item(0, marked_frame(12, 0x72), 12, PAGE_READ, 0x1000, 0);
	struct message message = message_of(1, 0, 1);
	EXPECT_EQ(strata_call(server->gate, &message), STATUS_OK);
	EXPECT(can_access(NULL, window + 0x1000, FAULT_READ));
	/* Onto itself. */
	put_memory_item(0, window + 0x1000, 12, PAGE_READ, 0x1000, 0);
	message = message_of(1, 0, 1);
	EXPECT_EQ(strata_call(server->gate, &message), STATUS_OVERMAP);
	put_memory_item(0, window + 0x1000, 12, PAGE_READ, 0x1000, ITEM_REPLACE);
	message = message_of(1, 0, 1);
	(void)strata_call(server->gate, &message);
	EXPECT(message_status(&message) == STATUS_NOT_MAPPED ||
	       message_status(&message) == STATUS_OK);
	put_memory_item(0, window + 0x1000, 12, PAGE_READ, 0x1000, ITEM_GRANT);
	message = message_of(1, 0, 1);
	(void)strata_call(server->gate, &message);
	EXPECT(message_status(&message) != STATUS_OK);
}

/* ---- interrupted, and never sent again ---- */

struct sender {
	struct thread thread;
	uint64_t gate, page;
	volatile uint64_t sent;
};

/* Each page is far from the others, so each needs a table of its own. */
static void send_far_apart(void *argument)
{
	struct sender *sender = argument;
	for (;;) {
		for (unsigned i = 0; i < 64; i++) {
			put_memory_item(i, sender->page, 12, PAGE_READ, i * BLOCK, 0);
		}
		struct message message = message_of(1, 0, 64);
		(void)strata_call(cap_t_of(sender->gate), &message);
		sender->sent++;
	}
}

/* The receiver's tables were made, and nothing came into them. */
static void sender_dies_while_its_message_is_prepared(void)
{
	unsigned cut = 0;
	allow_milliseconds(20000);
	for (unsigned round = 0; round < 40 && cut < 5; round++) {
		struct receiver r;
		struct child_task task;
		struct sender *sender = new_shared(sizeof(*sender));
		cap_t factory = new_cap();
		uint64_t limit, before, after;
		struct resource_mark mark = mark_resources();
		REQUIRE_OK(strata_create_factory(FACTORY, factory.index, 6 << 20));
		r.record = new_shared(sizeof(*r.record));
		r.window = new_addresses(WINDOW_MAX, 30);
		REQUIRE(make_task_from(&r.task, factory) && make_task(&task));
		r.server = new_server_with(&r.task, serve_record,
					   (struct server){.context = r.record, .memory_window = {r.window, WINDOW_MAX}});
		sender->page = new_addresses(PAGE, 12);
		sender->gate = 40;
		REQUIRE_OK(give_cap(&task, r.server->gate, 40, RIGHTS_ALL, 0));
		REQUIRE_OK(strata_task_map(task.cap, marked_frame(12, 1), sender->page, PAGE, PAGE_READ, NULL));
		REQUIRE(make_thread(&sender->thread, &task));
		set_priority(&sender->thread, PRIORITY_MAIN - 10);
		REQUIRE_OK(strata_factory_account(factory, &limit, &before));
		uint64_t restarts = counter(COUNTER_RESTARTS);
		REQUIRE(start_thread(&sender->thread, send_far_apart, sender));
		sleep_for(milliseconds(1) / 10 * (1 + round % 20));
		REQUIRE_OK(strata_cap_delete(OWN_TASK, task.cap.index));
		if (sender->sent == 0 && counter(COUNTER_RESTARTS) != restarts) {
			cut++;
			/* Who empties the window gets all back. */
			REQUIRE_OK(strata_task_unmap(r.task.cap, r.window, WINDOW_MAX, UNMAP_SELF, NULL));
			REQUIRE_OK(strata_factory_account(factory, &limit, &after));
			EXPECT_EQ(after, before);
		}
		/* And a task that has such tables can go. */
		REQUIRE_OK(strata_cap_delete(OWN_TASK, r.task.cap.index));
		REQUIRE_OK(strata_cap_delete(OWN_TASK, factory.index));
		REQUIRE_OK(strata_cap_delete(OWN_TASK, r.server->gate.index));
		reset_resources_to(&mark);
	}
	EXPECT(cut != 0);
}

TEST_TABLE({"a page arrives where the window and the item say", page_arrives},
	   {"a page has the rights of its item", rights_are_those_of_the_item},
	   {"no page is writable and executable at once", nothing_is_writable_and_executable},
	   {"rights to memory never grow", rights_never_grow},
	   {"items have any power of two in size", items_of_all_sizes},
	   {"large pages are mapped as large pages", large_pages_stay_large},
	   {"sixty-four items travel in a message", sixty_four_items},
	   {"memory and capabilities travel together or not at all",
	    memory_and_capabilities_together},
	   {"malformed items are refused and leave nothing behind", bad_items_are_refused},
	   {"places outside of the window are refused", places_outside_of_the_window_are_refused},
	   {"sources that are not mapped are refused", unmapped_sources_are_refused},
	   {"more than 64 mappings are refused", more_than_64_mappings_are_refused},
	   {"occupied places are refused", occupied_places_are_refused},
	   {"a UTCB is never replaced", utcbs_are_never_replaced},
	   {"the same page again changes its rights", same_page_changes_its_rights},
	   {"replace takes away what was there", replace_takes_what_was_there},
	   {"of two items for one place the first arrives",
	    of_two_items_for_one_place_the_first_arrives},
	   {"a granted page is handed over", granted_page_is_handed_over},
	   {"a granted page takes its children along", grant_takes_the_children_along},
	   {"a grant of a part or of a busy page is refused", grant_refusals},
	   {"sixteen pages can be handed over at once, and no more", sixteen_pages_are_handed_over_at_once},
	   {"pages that are handed over together have at most 64 children", children_of_all_grants_count},
	   {"a large page is granted as a whole", granted_large_page},
	   {"a chain of mappings has at most fifteen", chains_of_mappings_have_fifteen},
	   {"windows outside of user space are closed", windows_outside_of_user_space_are_closed},
	   {"answers bring memory", answers_bring_memory},
	   {"a refused answer is the server's error and leaves the caller waiting",
	    refused_answers_leave_the_caller_waiting},
	   {"a closed window takes nothing", closed_windows_take_nothing},
	   {"a caller whose quota cannot pay gets the error",
	    caller_that_cannot_pay_gets_the_error},
	   {"a receiver whose quota cannot pay is the sender's error",
	    receiver_that_cannot_pay_is_the_senders_error},
	   {"pages go with those that they were sent from", sent_pages_go_with_the_senders},
	   {"a task can send memory to itself", items_to_oneself},
	   {"a sender that dies while its message is prepared leaves nothing behind",
	    sender_dies_while_its_message_is_prepared});
