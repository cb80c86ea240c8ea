/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities: derivation, badges, rights, moving, deleting, and the objects that go with their original.
 */
#include "memory.h"

static void answer_badge(struct server *server, struct message *message)
{
	(void)server;
	uint64_t badge = message->badge, rights = TAG_RIGHTS(message->tag);
	*message = message_of(STATUS_OK, 2, 0);
	message->words[0] = badge;
	message->words[1] = rights;
}

/* What a server sees of a capability that is called. */
static enum status seen_by_server(cap_t cap, uint64_t *badge, uint64_t *rights)
{
	struct message message = message_of(0, 0, 0);
	(void)strata_call(cap, &message);
	*badge = message.words[0];
	*rights = message.words[1];
	return message_status(&message);
}

static cap_t derived(cap_t from, unsigned rights, uint64_t badge)
{
	cap_t cap = new_cap();
	EXPECT_OK(strata_cap_derive(OWN_TASK, from, cap.index, rights, badge));
	return cap;
}

static void expect_info(cap_t cap, enum object_kind kind, unsigned rights, uint64_t badge)
{
	enum object_kind seen_kind = OBJECT_NONE;
	unsigned seen_rights = 0;
	uint64_t seen_badge = ~0ul;
	EXPECT_OK(strata_cap_info(OWN_TASK, cap.index, &seen_kind, &seen_rights, &seen_badge));
	EXPECT_EQ(seen_kind, kind);
	EXPECT_EQ(seen_rights, rights);
	EXPECT_EQ(seen_badge, badge);
}

static void expect_gone(cap_t cap)
{
	EXPECT_STATUS(strata_cap_info(OWN_TASK, cap.index, NULL, NULL, NULL), STATUS_NOT_FOUND);
	EXPECT_STATUS(OPERATE(cap, 0, 0), STATUS_NO_CAPABILITY);
}

/* ---- derive ---- */

static void derived_rights_only_shrink(void)
{
	cap_t gate = new_gate();
	for (unsigned rights = 0; rights <= RIGHTS_ALL; rights++) {
		cap_t first = derived(gate, rights, 0);
		expect_info(first, OBJECT_GATE, rights, 0);
		cap_t second = derived(first, RIGHTS_ALL, 0);
		expect_info(second, OBJECT_GATE, rights, 0);
		EXPECT_OK(strata_cap_delete(OWN_TASK, first.index));
		expect_gone(second);
	}
}

static void badge_is_set_once_and_inherited(void)
{
	struct server *server = new_server(NULL, answer_badge);
	uint64_t badge, rights;
	cap_t plain = derived(server->gate, RIGHTS_ALL, 0),
	      badged = derived(plain, RIGHT_READ, 0xb1);
	cap_t below = derived(badged, RIGHTS_ALL, 0);
	REQUIRE_OK(seen_by_server(server->gate, &badge, &rights));
	EXPECT_EQ(badge, 0);
	EXPECT_EQ(rights, RIGHTS_ALL);
	REQUIRE_OK(seen_by_server(badged, &badge, &rights));
	EXPECT_EQ(badge, 0xb1);
	EXPECT_EQ(rights, RIGHT_READ);
	REQUIRE_OK(seen_by_server(below, &badge, &rights));
	EXPECT_EQ(badge, 0xb1);
	EXPECT_EQ(rights, RIGHT_READ);
	EXPECT_STATUS(strata_cap_derive(OWN_TASK, badged, new_cap().index, RIGHTS_ALL, 0xb2),
		      STATUS_BADGED);
	EXPECT_STATUS(strata_cap_derive(OWN_TASK, below, new_cap().index, RIGHTS_ALL, 0xb1),
		      STATUS_BADGED);
}

static void large_badges_pass(void)
{
	struct server *server = new_server(NULL, answer_badge);
	static const uint64_t badges[] = {1, 1ul << 63, ~0ul, 0x0123456789abcdef};
	for (unsigned i = 0; i < 4; i++) {
		uint64_t badge, rights;
		REQUIRE_OK(seen_by_server(derived(server->gate, 0, badges[i]), &badge, &rights));
		EXPECT_EQ(badge, badges[i]);
		EXPECT_EQ(rights, 0);
	}
}

static void derive_refusals(void)
{
	cap_t gate = new_gate(), free = new_cap();
	EXPECT_STATUS(strata_cap_derive(OWN_TASK, new_cap(), free.index, RIGHTS_ALL, 0),
		      STATUS_NOT_FOUND);
	EXPECT_STATUS(strata_cap_derive(OWN_TASK, gate, 0, RIGHTS_ALL, 0), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_cap_derive(OWN_TASK, gate, CAP_INDEX_LIMIT, RIGHTS_ALL, 0),
		      STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_cap_derive(OWN_TASK, gate, ~0ul, RIGHTS_ALL, 0), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_cap_derive(OWN_TASK, gate, free.index, RIGHTS_ALL + 1, 0),
		      STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(OPERATE(OWN_TASK, TASK_CAP_DERIVE, gate.index, free.index, RIGHTS_ALL, 0, 2),
		      STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(OPERATE(OWN_TASK, TASK_CAP_DERIVE, gate.index, free.index, RIGHTS_ALL, 0,
			      CAP_SET_BADGE),
		      STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_cap_derive(OWN_TASK, gate, ROOT_CAP_LOG, RIGHTS_ALL, 0),
		      STATUS_SLOT_TAKEN);
	EXPECT_STATUS(strata_cap_derive(OWN_TASK, gate, gate.index, RIGHTS_ALL, 0),
		      STATUS_SLOT_TAKEN);
	EXPECT_STATUS(strata_cap_derive(OWN_TASK, OWN_TASK, free.index, RIGHTS_ALL, 1),
		      STATUS_WRONG_OBJECT);
	EXPECT_STATUS(strata_cap_info(OWN_TASK, free.index, NULL, NULL, NULL), STATUS_NOT_FOUND);
}

static void last_index_works(void)
{
	cap_t gate = new_gate(), factory = new_cap();
	struct child_task child;
	REQUIRE_OK(strata_create_factory(FACTORY, factory.index, 1 << 20));
	REQUIRE(make_task_from(&child, factory));
	EXPECT_OK(strata_cap_derive(child.cap, gate, CAP_INDEX_LIMIT - 1, RIGHT_READ, 0));
	unsigned rights;
	EXPECT_OK(strata_cap_info(child.cap, CAP_INDEX_LIMIT - 1, NULL, &rights, NULL));
	EXPECT_EQ(rights, RIGHT_READ);
	EXPECT_STATUS(strata_cap_info(child.cap, CAP_INDEX_LIMIT, NULL, NULL, NULL),
		      STATUS_NOT_FOUND);
}

static void derive_pays_from_the_targets_quota(void)
{
	cap_t gate = new_gate(), factory = new_cap();
	struct child_task child;
	uint64_t limit, used;
	REQUIRE_OK(strata_create_factory(FACTORY, factory.index, 1 << 20));
	REQUIRE(make_task_from(&child, factory));
	REQUIRE_OK(strata_factory_account(factory, &limit, &used));
	REQUIRE_OK(strata_factory_set_limit(FACTORY, factory, used));
	EXPECT_STATUS(strata_cap_derive(child.cap, gate, 5000, RIGHTS_ALL, 0), STATUS_QUOTA);
	EXPECT_STATUS(strata_cap_move(child.cap, gate, 5000), STATUS_QUOTA);
	expect_info(gate, OBJECT_GATE, RIGHTS_ALL, 0);
	REQUIRE_OK(strata_factory_set_limit(FACTORY, factory, used + 4096));
	EXPECT_OK(strata_cap_derive(child.cap, gate, 5000, RIGHTS_ALL, 0));
	EXPECT_STATUS(strata_cap_derive(child.cap, gate, 6000, RIGHTS_ALL, 0), STATUS_QUOTA);
	EXPECT_OK(strata_cap_derive(child.cap, gate, 5001, RIGHTS_ALL, 0));
}

/* ---- move ---- */

static void move_keeps_place_in_the_tree(void)
{
	cap_t gate = new_gate(), middle = derived(gate, RIGHT_READ | RIGHT_SEND, 0x55),
	      moved = new_cap();
	cap_t left = derived(gate, RIGHTS_ALL, 0), leaf = derived(middle, RIGHTS_ALL, 0);
	REQUIRE_OK(strata_cap_move(OWN_TASK, middle, moved.index));
	expect_gone(middle);
	expect_info(moved, OBJECT_GATE, RIGHT_READ | RIGHT_SEND, 0x55);
	REQUIRE_OK(strata_cap_revoke(OWN_TASK, moved.index));
	expect_gone(leaf);
	expect_info(moved, OBJECT_GATE, RIGHT_READ | RIGHT_SEND, 0x55);
	REQUIRE_OK(strata_cap_revoke(OWN_TASK, gate.index));
	expect_gone(moved);
	expect_gone(left);
}

static void moved_original_still_owns_its_object(void)
{
	cap_t gate = new_gate(), moved = new_cap(), below = derived(gate, RIGHTS_ALL, 0);
	REQUIRE_OK(strata_cap_move(OWN_TASK, gate, moved.index));
	expect_gone(gate);
	expect_info(below, OBJECT_GATE, RIGHTS_ALL, 0);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, moved.index));
	expect_gone(below);
}

/* All children have to be told, in one go: so there may not be more than 64. */
static void move_with_many_children_is_refused(void)
{
	cap_t gate = new_gate(), moved = new_cap(), last = gate;
	for (unsigned i = 0; i < 65; i++) {
		last = derived(gate, RIGHTS_ALL, 0);
	}
	EXPECT_STATUS(strata_cap_move(OWN_TASK, gate, moved.index), STATUS_BUSY);
	expect_info(gate, OBJECT_GATE, RIGHTS_ALL, 0);
	expect_gone(moved);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, last.index));
	REQUIRE_OK(strata_cap_move(OWN_TASK, gate, moved.index));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, moved.index));
}

static void move_refusals(void)
{
	cap_t gate = new_gate();
	EXPECT_STATUS(strata_cap_move(OWN_TASK, new_cap(), new_cap().index), STATUS_NOT_FOUND);
	EXPECT_STATUS(strata_cap_move(OWN_TASK, gate, 0), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_cap_move(OWN_TASK, gate, CAP_INDEX_LIMIT), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_cap_move(OWN_TASK, cap_t_of(0), new_cap().index), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_cap_move(OWN_TASK, cap_t_of(CAP_INDEX_LIMIT), new_cap().index),
		      STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_cap_move(OWN_TASK, gate, gate.index), STATUS_SLOT_TAKEN);
	EXPECT_STATUS(strata_cap_move(OWN_TASK, gate, ROOT_CAP_LOG), STATUS_SLOT_TAKEN);
	expect_info(gate, OBJECT_GATE, RIGHTS_ALL, 0);
}

/* ---- delete and revoke ---- */

static void revoke_takes_all_that_was_derived(void)
{
	cap_t gate = new_gate(), caps[40];
	for (unsigned i = 0; i < 40; i++) {
		caps[i] = derived(i < 2 ? gate : caps[i / 2], RIGHTS_ALL, 0);
	}
	REQUIRE_OK(strata_cap_revoke(OWN_TASK, caps[1].index));
	for (unsigned i = 0; i < 40; i++) {
		unsigned top = i;
		while (top > 3) {
			top /= 2;
		}
		bool below =
			i >= 2 && (top == 2 || top == 3); /* caps[1] is the parent of 2 and 3 */
		if (below) {
			expect_gone(caps[i]);
		} else {
			expect_info(caps[i], OBJECT_GATE, RIGHTS_ALL, 0);
		}
	}
	EXPECT_OK(strata_cap_revoke(OWN_TASK, caps[1].index));
}

/* Nearly as many as a table has indices, each derived from the one before. */
static void deep_chain_is_revoked(void)
{
	enum { FIRST = 1000, LENGTH = 60000 };
	cap_t gate = new_gate();
	struct child_task child;
	allow_milliseconds(40000);
	REQUIRE(make_task(&child));
	struct agent agent;
	REQUIRE(make_agent(&agent, &child));
	REQUIRE_OK(give_cap(&child, gate, FIRST, RIGHTS_ALL, 0));
	REQUIRE_OK(agent_chain(&agent, FIRST, LENGTH));
	EXPECT_OK(strata_cap_info(child.cap, FIRST + LENGTH, NULL, NULL, NULL));
	uint64_t before = now();
	REQUIRE_OK(strata_cap_delete(child.cap, FIRST));
	EXPECT(now() - before < milliseconds(4000));
	EXPECT_STATUS(strata_cap_info(child.cap, FIRST + LENGTH, NULL, NULL, NULL),
		      STATUS_NOT_FOUND);
	expect_info(gate, OBJECT_GATE, RIGHTS_ALL, 0);
}

static void delete_refusals(void)
{
	EXPECT_STATUS(strata_cap_delete(OWN_TASK, new_cap().index), STATUS_NOT_FOUND);
	EXPECT_STATUS(strata_cap_delete(OWN_TASK, 0), STATUS_NOT_FOUND);
	EXPECT_STATUS(strata_cap_delete(OWN_TASK, ~0ul), STATUS_NOT_FOUND);
	EXPECT_STATUS(strata_cap_revoke(OWN_TASK, new_cap().index), STATUS_NOT_FOUND);
	EXPECT_STATUS(strata_cap_info(OWN_TASK, new_cap().index, NULL, NULL, NULL),
		      STATUS_NOT_FOUND);
	for (uint64_t index = ROOT_CAP_FACTORY; index <= ROOT_CAP_PLATFORM; index++) {
		EXPECT_STATUS(strata_cap_delete(OWN_TASK, index), STATUS_BUSY);
	}
}

static void object_dies_with_its_original(void)
{
	struct server *server = new_server(NULL, answer_badge);
	cap_t below = derived(server->gate, RIGHTS_ALL, 3), irq = new_cap();
	REQUIRE_OK(strata_create_irq(FACTORY, irq.index));
	cap_t irq_below = derived(irq, RIGHT_WRITE, 0);
	REQUIRE_OK(strata_irq_trigger(irq_below));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, irq.index));
	expect_gone(irq_below);
	uint64_t badge, rights;
	REQUIRE_OK(seen_by_server(below, &badge, &rights));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, below.index));
	EXPECT_STATUS(seen_by_server(below, &badge, &rights), STATUS_NO_CAPABILITY);
	EXPECT_OK(seen_by_server(server->gate, &badge, &rights));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, server->gate.index));
	EXPECT_STATUS(seen_by_server(server->gate, &badge, &rights), STATUS_NO_CAPABILITY);
}

static void derived_caps_die_with_their_holder(void)
{
	struct child_task child;
	cap_t gate = new_gate(), back = new_cap();
	REQUIRE(make_task(&child));
	REQUIRE_OK(give_cap(&child, gate, 30, RIGHTS_ALL, 0));
	/* What is derived, in our table, from the child's goes with the child. */
	struct thread thread;
	REQUIRE(make_thread(&thread, &child));
	REQUIRE_OK(strata_cap_revoke(child.cap, 30));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, child.cap.index));
	expect_info(gate, OBJECT_GATE, RIGHTS_ALL, 0);
	expect_gone(thread.cap);
	expect_gone(back);
}

static void originals_in_a_table_die_with_the_task(void)
{
	struct child_task child;
	cap_t gate = new_gate(), below = derived(gate, RIGHTS_ALL, 0);
	REQUIRE(make_task(&child));
	REQUIRE_OK(strata_cap_move(child.cap, gate, 30));
	expect_info(below, OBJECT_GATE, RIGHTS_ALL, 0);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, child.cap.index));
	expect_gone(below);
}

/* The kernel's own objects cannot be destroyed, whoever holds their original. */
static void kernels_objects_survive_their_holder(void)
{
	struct child_task child;
	cap_t back = new_cap(), log = new_cap();
	REQUIRE(make_task(&child));
	REQUIRE_OK(strata_cap_derive(OWN_TASK, cap_t_of(ROOT_CAP_ICU), log.index, RIGHTS_ALL, 0));
	REQUIRE_OK(strata_cap_move(child.cap, cap_t_of(ROOT_CAP_ICU), 30));
	expect_info(log, OBJECT_ICU, RIGHTS_ALL, 0);
	EXPECT_STATUS(strata_cap_delete(child.cap, 30), STATUS_BUSY);
	(void)back;
	REQUIRE_OK(strata_cap_delete(OWN_TASK, child.cap.index));
	expect_gone(log);
}

/* ---- rights and operations ---- */

struct line {
	enum object_kind kind;
	uint32_t number;
	unsigned right;
	const char *name;
};

static const struct line lines[] = {
#define OPERATION(object, name, number, right, in, out, what) \
	{OBJECT_##object, number, RIGHT_##right, #object "." #name},
#define REFUSAL(object, name, status, when)
#include <abi/operations.def>
#undef OPERATION
#undef REFUSAL
};

#define LINES (sizeof(lines) / sizeof(lines[0]))

static cap_t original_of(enum object_kind kind)
{
	static const uint64_t roots[OBJECT_KINDS] = {
		[OBJECT_SCHEDULER] = ROOT_CAP_SCHEDULER,
		[OBJECT_LOG] = ROOT_CAP_LOG,
		[OBJECT_PLATFORM] = ROOT_CAP_PLATFORM,
	};
	static cap_t made[OBJECT_KINDS];
	if (roots[kind] != 0) {
		return cap_t_of(roots[kind]);
	}
	struct child_task child;
	struct thread thread;
	switch (kind) {
	case OBJECT_TASK:
		(void)make_task(&child);
		made[kind] = child.cap;
		break;
	case OBJECT_THREAD:
		(void)make_thread(&thread, NULL);
		made[kind] = thread.cap;
		break;
	case OBJECT_IRQ:
		made[kind] = new_cap();
		EXPECT_OK(strata_create_irq(FACTORY, made[kind].index));
		break;
	case OBJECT_FACTORY:
		made[kind] = new_cap();
		EXPECT_OK(strata_create_factory(FACTORY, made[kind].index, 65536));
		break;
	default:
		return cap_t_of(0);
	}
	return made[kind];
}

static void each_operation_needs_its_right(void)
{
	cap_t originals[OBJECT_KINDS];
	for (unsigned kind = OBJECT_TASK; kind < OBJECT_KINDS; kind++) {
		originals[kind] = original_of((enum object_kind)kind);
	}
	for (size_t i = 0; i < LINES; i++) {
		cap_t original = originals[lines[i].kind];
		if (original.index == 0) {
			continue; /* the Icu is gone after the test above */
		}
		cap_t weak = new_cap();
		REQUIRE_OK(strata_cap_derive(OWN_TASK, original, weak.index,
					     RIGHTS_ALL & ~lines[i].right, 0));
		enum status status = OPERATE(weak, lines[i].number, 0);
		if (status != STATUS_NO_RIGHT) {
			note("%s without its right: %s", lines[i].name, status_name(status));
		}
		EXPECT_STATUS(status, STATUS_NO_RIGHT);
		EXPECT_OK(strata_cap_delete(OWN_TASK, weak.index));
	}
}

static void unknown_operations_are_refused(void)
{
	for (unsigned kind = OBJECT_TASK; kind < OBJECT_KINDS; kind++) {
		cap_t original = original_of((enum object_kind)kind);
		uint32_t count = 0;
		for (size_t i = 0; i < LINES; i++) {
			count += lines[i].kind == kind ? 1 : 0;
		}
		if (original.index == 0) {
			continue;
		}
		static const uint32_t more[] = {15,  16,  17,         63,         64,
						255, 256, 0x7fffffff, 0x80000000, 0xffffffff};
		EXPECT_STATUS(OPERATE(original, count, 0), STATUS_NO_OPERATION);
		for (unsigned i = 0; i < 10; i++) {
			EXPECT_STATUS(OPERATE(original, more[i], 0), STATUS_NO_OPERATION);
		}
	}
}

static void indices_that_name_nothing(void)
{
	static const uint64_t indices[] = {
		0,         63,        CAP_INDEX_LIMIT - 1, CAP_INDEX_LIMIT, CAP_INDEX_LIMIT + 1,
		1ul << 31, 1ul << 32, (1ul << 32) + 1,     1ul << 63,       (1ul << 63) + 1,
		~0ul};
	for (unsigned i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
		EXPECT_STATUS(OPERATE(cap_t_of(indices[i]), 0, 0), STATUS_NO_CAPABILITY);
	}
}

static void too_many_words_are_refused(void)
{
	struct server *server = new_server(NULL, answer_badge);
	for (unsigned words = 65; words < 128; words++) {
		struct message message = message_of(TASK_ACCOUNT, words, 0);
		(void)strata_call(OWN_TASK, &message);
		EXPECT_STATUS(message_status(&message), STATUS_BAD_ARGUMENT);
		message = message_of(0, words, 0);
		(void)strata_call(server->gate, &message);
		EXPECT_STATUS(message_status(&message), STATUS_BAD_ARGUMENT);
		message = message_of(0, 0, words);
		(void)strata_call(server->gate, &message);
		EXPECT_STATUS(message_status(&message), STATUS_BAD_ARGUMENT);
	}
	EXPECT_EQ(server->calls, 0);
}

/* ---- in messages ---- */

struct receiver {
	uint64_t page[2], place[2];
};

static void note_items(struct server *server, struct message *message)
{
	struct receiver *receiver = server->context;
	for (unsigned i = 0; i < 2; i++) {
		receiver->page[i] = strata_utcb()->items[i].page;
		receiver->place[i] = strata_utcb()->items[i].place;
	}
	*message = message_of(STATUS_OK, 0, 0);
}

static struct server *new_receiver(const struct child_task *child, struct receiver *receiver)
{
	return new_server_with(child, note_items,
			       (struct server){
				       .context = receiver, .capability_window = {40, 8}
        });
}

static void caps_travel_in_messages(void)
{
	struct child_task child;
	struct receiver *receiver = new_shared(sizeof(*receiver));
	REQUIRE(make_task(&child));
	struct server *server = new_receiver(&child, receiver);
	cap_t gate = new_gate(), badged = derived(gate, RIGHT_READ | RIGHT_SEND, 0x77);
	put_cap_item(0, gate.index, 3, RIGHT_READ | RIGHT_WRITE);
	put_cap_item(1, badged.index, 7, RIGHTS_ALL);
	struct message message = message_of(0, 0, 2);
	EXPECT_EQ(strata_call(server->gate, &message), STATUS_OK);
	EXPECT_EQ(RECEIVED_KIND(receiver->page[0]), RECEIVED_CAPABILITY);
	EXPECT_EQ(receiver->place[0], 43);
	EXPECT_EQ(RECEIVED_KIND(receiver->page[1]), RECEIVED_CAPABILITY);
	EXPECT_EQ(receiver->place[1], 47);
	unsigned rights;
	uint64_t badge;
	REQUIRE_OK(strata_cap_info(child.cap, 43, NULL, &rights, &badge));
	EXPECT_EQ(rights, RIGHT_READ | RIGHT_WRITE);
	REQUIRE_OK(strata_cap_info(child.cap, 47, NULL, &rights, &badge));
	EXPECT_EQ(rights, RIGHT_READ | RIGHT_SEND);
	EXPECT_EQ(badge, 0x77);
	REQUIRE_OK(strata_cap_revoke(OWN_TASK, badged.index));
	EXPECT_STATUS(strata_cap_info(child.cap, 47, NULL, NULL, NULL), STATUS_NOT_FOUND);
	EXPECT_OK(strata_cap_info(child.cap, 43, NULL, NULL, NULL));
}

static void own_gates_arrive_as_badges(void)
{
	struct child_task child;
	struct receiver *receiver = new_shared(sizeof(*receiver));
	REQUIRE(make_task(&child));
	struct server *server = new_receiver(&child, receiver);
	cap_t own = derived(server->gate, RIGHT_WRITE | RIGHT_SEND, 0xfeed);
	put_cap_item(0, own.index, 1000, RIGHTS_ALL); /* needs no window */
	put_cap_item(1, server->gate.index, 0, RIGHTS_ALL);
	struct message message = message_of(0, 0, 2);
	EXPECT_EQ(strata_call(server->gate, &message), STATUS_OK);
	EXPECT_EQ(RECEIVED_KIND(receiver->page[0]), RECEIVED_BADGE);
	EXPECT_EQ(RECEIVED_RIGHTS(receiver->page[0]), RIGHT_WRITE | RIGHT_SEND);
	EXPECT_EQ(receiver->place[0], 0xfeed);
	EXPECT_EQ(RECEIVED_KIND(receiver->page[1]), RECEIVED_BADGE);
	EXPECT_EQ(receiver->place[1], 0);
	EXPECT_STATUS(strata_cap_info(child.cap, 40, NULL, NULL, NULL), STATUS_NOT_FOUND);
}

static void cap_items_refused(void)
{
	struct child_task child;
	struct receiver *receiver = new_shared(sizeof(*receiver));
	REQUIRE(make_task(&child));
	struct server *server = new_receiver(&child, receiver);
	cap_t gate = new_gate(), fixed = derived(gate, RIGHTS_ALL & ~RIGHT_SEND, 0);
	const struct {
		uint64_t index, offset;
		enum status status;
	} cases[] = {
		{0,                  0,               STATUS_NOT_FOUND},
		{fixed.index + 1000, 0,               STATUS_NOT_FOUND},
		{fixed.index,        0,               STATUS_NO_RIGHT },
		{gate.index,         8,               STATUS_WINDOW   },
		{gate.index,         (1ul << 52) - 1, STATUS_WINDOW   },
	};
	for (unsigned i = 0; i < 5; i++) {
		/* The first item is good, and must not arrive either. */
		put_cap_item(0, gate.index, 0, RIGHTS_ALL);
		put_cap_item(1, cases[i].index, cases[i].offset, RIGHTS_ALL);
		struct message message = message_of(0, 0, 2);
		(void)strata_call(server->gate, &message);
		EXPECT_STATUS(message_status(&message), cases[i].status);
		EXPECT_STATUS(strata_cap_info(child.cap, 40, NULL, NULL, NULL), STATUS_NOT_FOUND);
	}
	REQUIRE_OK(give_cap(&child, gate, 44, RIGHTS_ALL, 0));
	put_cap_item(0, gate.index, 0, RIGHTS_ALL);
	put_cap_item(1, gate.index, 4, RIGHTS_ALL);
	struct message message = message_of(0, 0, 2);
	(void)strata_call(server->gate, &message);
	EXPECT_STATUS(message_status(&message), STATUS_SLOT_TAKEN);
	EXPECT_STATUS(strata_cap_info(child.cap, 40, NULL, NULL, NULL), STATUS_NOT_FOUND);
	EXPECT_EQ(server->calls, 0);
}

static void malformed_items_are_refused(void)
{
	struct server *server = new_server_with(NULL, answer_badge,
						(struct server){
							.capability_window = {3000, 8}
        });
	cap_t gate = new_gate();
	for (unsigned bit = 0; bit < 12; bit++) {
		uint64_t page = ITEM_CAPABILITY_MAKE(gate.index) ^ 1ul << bit;
		strata_utcb()->items[0] = (struct message_item){page, RIGHTS_ALL};
		struct message message = message_of(0, 0, 1);
		(void)strata_call(server->gate, &message);
		if (bit != 4) { /* without it, it would be memory of no order */
			EXPECT_STATUS(message_status(&message), STATUS_BAD_ARGUMENT);
		}
		EXPECT(message_status(&message) != STATUS_OK);
	}
	for (unsigned bit = 8; bit < 12; bit++) {
		strata_utcb()->items[0] = (struct message_item){ITEM_CAPABILITY_MAKE(gate.index),
								RIGHTS_ALL | 1ul << bit};
		struct message message = message_of(0, 0, 1);
		(void)strata_call(server->gate, &message);
		EXPECT_STATUS(message_status(&message), STATUS_BAD_ARGUMENT);
	}
}

static void two_items_for_one_slot(void)
{
	struct child_task child;
	struct receiver *receiver = new_shared(sizeof(*receiver));
	REQUIRE(make_task(&child));
	struct server *server = new_receiver(&child, receiver);
	cap_t gate = new_gate();
	put_cap_item(0, gate.index, 2, RIGHT_READ);
	put_cap_item(1, gate.index, 2, RIGHT_WRITE);
	struct message message = message_of(0, 0, 2);
	EXPECT_EQ(strata_call(server->gate, &message), STATUS_OK);
	unsigned rights;
	REQUIRE_OK(strata_cap_info(child.cap, 42, NULL, &rights, NULL));
	EXPECT_EQ(rights, RIGHT_READ);
	EXPECT_EQ(RECEIVED_KIND(receiver->page[1]), RECEIVED_NOTHING);
}

static void windows_beyond_the_table_are_closed(void)
{
	struct child_task child;
	cap_t gate = new_gate();
	REQUIRE(make_task(&child));
	static const struct window windows[] = {
		{0,               1        },
                {CAP_INDEX_LIMIT, 8        },
                {~0ul,            8        },
                {~0ul - 3,        ~0ul     },
                {1ul << 52,       1ul << 52}
        };
	for (unsigned i = 0; i < 5; i++) {
		struct server *server = new_server_with(
			&child, answer_badge, (struct server){.capability_window = windows[i]});
		put_cap_item(0, gate.index, 0, RIGHTS_ALL);
		struct message message = message_of(0, 0, 1);
		(void)strata_call(server->gate, &message);
		EXPECT_STATUS(message_status(&message), STATUS_WINDOW);
	}
}

TEST_TABLE({"rights of derived capabilities only shrink", derived_rights_only_shrink},
	   {"a badge is set once and is inherited", badge_is_set_once_and_inherited},
	   {"badges have 64 bits", large_badges_pass},
	   {"derive refuses wrong indices, rights and flags", derive_refusals},
	   {"the last index of a table can be used", last_index_works},
	   {"a table's pages are paid by its task", derive_pays_from_the_targets_quota},
	   {"a moved capability keeps parent and children", move_keeps_place_in_the_tree},
	   {"a moved original still owns its object", moved_original_still_owns_its_object},
	   {"move refuses wrong indices", move_refusals},
	   {"a capability with more than 64 children is not moved",
	    move_with_many_children_is_refused},
	   {"revoke takes all that was derived and nothing else",
	    revoke_takes_all_that_was_derived},
	   {"a chain of 60000 derivations is revoked in time", deep_chain_is_revoked},
	   {"delete, revoke and info refuse what is not there", delete_refusals},
	   {"an object dies with its original", object_dies_with_its_original},
	   {"a task's capabilities die with it", derived_caps_die_with_their_holder},
	   {"originals in a task's table die with it", originals_in_a_table_die_with_the_task},
	   {"each operation needs its right", each_operation_needs_its_right},
	   {"labels that are no operation are refused", unknown_operations_are_refused},
	   {"indices that name nothing are refused", indices_that_name_nothing},
	   {"more than 64 words or items are refused", too_many_words_are_refused},
	   {"capabilities travel in messages with fewer rights", caps_travel_in_messages},
	   {"a gate of the receiver's own arrives as badge and rights", own_gates_arrive_as_badges},
	   {"refused capability items leave nothing behind", cap_items_refused},
	   {"malformed capability items are refused", malformed_items_are_refused},
	   {"of two items for one index the first arrives", two_items_for_one_slot},
	   {"windows beyond the table take nothing", windows_beyond_the_table_are_closed},
	   {"the kernel's own objects outlive who holds their original",
	    kernels_objects_survive_their_holder});
