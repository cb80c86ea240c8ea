/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Irqs: events from triggers and from hardware, and how threads hear of them.
 */
#include "callers.h"

#include <abi/boot_info.h>

static cap_t new_irq(void)
{
	cap_t irq = new_cap();
	EXPECT_OK(strata_create_irq(FACTORY, irq.index));
	return irq;
}

static cap_t irq_at(const struct thread *thread, unsigned bit)
{
	cap_t irq = new_irq();
	EXPECT_OK(strata_irq_bind(irq, thread->cap, bit));
	return irq;
}

struct listener {
	struct thread thread;
	uint64_t set, deadline_ticks;
	volatile uint64_t status, fired, rounds;
};

static void listen_closed(void *argument)
{
	struct listener *listener = argument;
	for (;;) {
		uint64_t fired = 0, deadline = listener->deadline_ticks == 0
						       ? 0
						       : now() + listener->deadline_ticks;
		listener->status = strata_wait_irq(listener->set, deadline, &fired);
		listener->fired = fired;
		listener->rounds++;
	}
}

static void listen_openly(void *argument)
{
	struct listener *listener = argument;
	for (;;) {
		struct message message;
		strata_wait(&message);
		EXPECT(message_is_kernel(&message, LABEL_IRQ));
		EXPECT_EQ(TAG_WORDS(message.tag), 1);
		EXPECT_EQ(message.badge, 0);
		listener->fired = message.words[0];
		listener->rounds++;
	}
}

static struct listener *new_listener(void (*run)(void *), uint64_t set)
{
	struct listener *listener = new_shared(sizeof(*listener));
	listener->set = set;
	(void)spawn(&listener->thread, NULL, run, listener);
	return listener;
}

/* ---- triggers ---- */

static void open_wait_ends_with_an_event(void)
{
	struct listener *listener = new_listener(listen_openly, 0);
	cap_t irqs[3] = {irq_at(&listener->thread, 0), irq_at(&listener->thread, 17),
			 irq_at(&listener->thread, 63)};
	static const uint64_t bits[3] = {1, 1 << 17, 1ul << 63};
	for (unsigned i = 0; i < 3; i++) {
		REQUIRE_OK(strata_irq_trigger(irqs[i]));
		EXPECT_EQ(listener->rounds, i + 1);
		EXPECT_EQ(listener->fired, bits[i]);
	}
}

static void closed_wait_ends_with_its_events_only(void)
{
	struct listener *listener = new_listener(listen_closed, 1 << 4 | 1 << 6);
	cap_t in = irq_at(&listener->thread, 4), out = irq_at(&listener->thread, 5),
	      also = irq_at(&listener->thread, 6);
	REQUIRE_OK(strata_irq_trigger(out));
	EXPECT_EQ(listener->rounds, 0);
	REQUIRE_OK(strata_irq_trigger(in));
	EXPECT_EQ(listener->rounds, 1);
	EXPECT_EQ(listener->fired, 1 << 4);
	REQUIRE_OK(strata_irq_trigger(also));
	EXPECT_EQ(listener->rounds, 2);
	EXPECT_EQ(listener->fired, 1 << 6);
}

static void events_wait_for_a_busy_thread(void)
{
	struct listener *listener = new_listener(listen_openly, 0);
	cap_t a = irq_at(&listener->thread, 1), b = irq_at(&listener->thread, 2);
	set_priority(&listener->thread, PRIORITY_MAIN - 10);
	sleep_for(milliseconds(1));
	REQUIRE_OK(strata_irq_trigger(a)); /* wakes it, but we go on */
	REQUIRE_OK(strata_irq_trigger(b));
	REQUIRE_OK(strata_irq_trigger(b));
	REQUIRE_OK(strata_irq_trigger(a));
	EXPECT_EQ(listener->rounds, 0);
	sleep_for(milliseconds(2));
	EXPECT_EQ(listener->rounds, 2);
	EXPECT_EQ(listener->fired, 1 << 1 | 1 << 2); /* all that came meanwhile, once */
}

static void event_before_the_closed_wait_ends_it_at_once(void)
{
	struct listener *listener = new_shared(sizeof(*listener));
	REQUIRE(make_thread(&listener->thread, NULL));
	cap_t irq = irq_at(&listener->thread, 3);
	REQUIRE_OK(strata_irq_trigger(irq));
	listener->set = 1 << 3;
	REQUIRE(start_thread(&listener->thread, listen_closed, listener));
	EXPECT_EQ(listener->rounds, 1);
	EXPECT_EQ(listener->fired, 1 << 3);
}

static void event_before_the_binding_waits_in_the_irq(void)
{
	struct listener *listener = new_listener(listen_openly, 0);
	cap_t irq = new_irq();
	REQUIRE_OK(strata_irq_trigger(irq));
	REQUIRE_OK(strata_irq_trigger(irq));
	REQUIRE_OK(strata_irq_bind(irq, listener->thread.cap, 9));
	EXPECT_EQ(listener->rounds, 1);
	EXPECT_EQ(listener->fired, 1 << 9);
	REQUIRE_OK(strata_irq_unbind(irq));
	REQUIRE_OK(strata_irq_bind(irq, listener->thread.cap, 10));
	EXPECT_EQ(listener->rounds, 1);
}

static void unbound_irq_tells_nobody(void)
{
	struct listener *listener = new_listener(listen_openly, 0);
	cap_t irq = irq_at(&listener->thread, 9);
	REQUIRE_OK(strata_irq_unbind(irq));
	EXPECT_OK(strata_irq_unbind(irq));
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT_EQ(listener->rounds, 0);
	struct listener *other = new_listener(listen_openly, 0);
	REQUIRE_OK(strata_irq_bind(irq, other->thread.cap, 1));
	EXPECT_EQ(other->rounds, 1);
}

static void deadline_ends_the_closed_wait(void)
{
	struct listener *listener = new_shared(sizeof(*listener));
	REQUIRE(make_thread(&listener->thread, NULL));
	cap_t irq = irq_at(&listener->thread, 3);
	listener->set = 1 << 3;
	listener->deadline_ticks = milliseconds(10);
	REQUIRE(start_thread(&listener->thread, listen_closed, listener));
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT_STATUS((enum status)listener->status, STATUS_OK);
	EXPECT_EQ(listener->rounds, 1);
	sleep_for(milliseconds(15));
	EXPECT(listener->rounds >= 2);
	EXPECT_STATUS((enum status)listener->status, STATUS_TIMEOUT);
	EXPECT_EQ(listener->fired, 0);
}

static void dead_things_are_forgotten(void)
{
	struct listener *listener = new_listener(listen_openly, 0);
	cap_t first = irq_at(&listener->thread, 0), second = irq_at(&listener->thread, 1);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, first.index));
	REQUIRE_OK(strata_irq_trigger(second));
	EXPECT_EQ(listener->fired, 2);
	cap_t again = irq_at(&listener->thread, 0);
	REQUIRE_OK(strata_irq_trigger(again));
	EXPECT_EQ(listener->fired, 1);
	REQUIRE_OK(strata_cap_delete(OWN_TASK, listener->thread.cap.index));
	REQUIRE_OK(strata_irq_trigger(again));
	REQUIRE_OK(strata_irq_trigger(second));
	struct listener *other = new_listener(listen_openly, 0);
	REQUIRE_OK(strata_irq_bind(again, other->thread.cap, 5));
	EXPECT_EQ(other->fired, 1 << 5);
}

static void triggering_needs_write_only(void)
{
	struct listener *listener = new_listener(listen_openly, 0);
	cap_t irq = irq_at(&listener->thread, 0), weak = new_cap();
	REQUIRE_OK(strata_cap_derive(OWN_TASK, irq, weak.index, RIGHT_WRITE, 0));
	EXPECT_OK(strata_irq_trigger(weak));
	EXPECT_EQ(listener->rounds, 1);
	EXPECT_STATUS(strata_irq_unbind(weak), STATUS_NO_RIGHT);
}

static void server_takes_calls_and_events(void)
{
	struct server *server = new_server(NULL, serve_echo);
	cap_t irq = irq_for(&server->thread);
	for (unsigned i = 0; i < 5; i++) {
		struct message message = message_of(1, 1, 0);
		REQUIRE_OK(strata_irq_trigger(irq));
		EXPECT_EQ(strata_call(server->gate, &message), STATUS_OK);
	}
	EXPECT_EQ(server->calls, 5);
}

/* An event that comes while it serves is told when it has answered. */
static volatile uint64_t *irq_rounds;

static void note_irq(struct server *server, uint64_t fired)
{
	server->last[2] += fired;
}

static void event_during_a_call_comes_after_the_answer(void)
{
	struct server *server =
		new_server_with(NULL, serve_after_spin, (struct server){.on_irq = note_irq});
	cap_t irq = irq_for(&server->thread);
	struct caller *caller = new_caller(NULL, server->gate, 1, PRIORITY_MAIN - 10);
	caller->message.words[1] = milliseconds(20);
	sleep_for(milliseconds(5));
	REQUIRE_OK(strata_irq_trigger(irq));
	EXPECT_EQ(server->last[2], 0);
	EXPECT(answered(caller, STATUS_OK));
	sleep_for(milliseconds(2));
	EXPECT_EQ(server->last[2], 1);
	(void)irq_rounds;
}

static void all_64_bits(void)
{
	struct listener *listener = new_listener(listen_closed, ~0ul);
	for (unsigned bit = 0; bit < 64; bit++) {
		cap_t irq = irq_at(&listener->thread, bit);
		REQUIRE_OK(strata_irq_trigger(irq));
		EXPECT_EQ(listener->fired, 1ul << bit);
	}
	EXPECT_EQ(listener->rounds, 64);
}

static void bind_refusals(void)
{
	struct thread thread;
	REQUIRE(make_thread(&thread, NULL));
	cap_t irq = new_irq(), other = new_irq(), weak = new_cap();
	REQUIRE_OK(strata_cap_derive(OWN_TASK, thread.cap, weak.index, RIGHTS_ALL & ~RIGHT_CONTROL,
				     0));
	EXPECT_STATUS(strata_irq_bind(irq, new_cap(), 0), STATUS_NOT_FOUND);
	EXPECT_STATUS(strata_irq_bind(irq, OWN_TASK, 0), STATUS_WRONG_OBJECT);
	EXPECT_STATUS(strata_irq_bind(irq, weak, 0), STATUS_NO_RIGHT);
	EXPECT_STATUS(strata_irq_bind(irq, thread.cap, 64), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(OPERATE(irq, IRQ_BIND, thread.cap.index, 1ul << 32), STATUS_BAD_ARGUMENT);
	EXPECT_OK(strata_irq_bind(irq, thread.cap, 5));
	EXPECT_STATUS(strata_irq_bind(irq, thread.cap, 6), STATUS_BUSY);
	EXPECT_STATUS(strata_irq_bind(other, thread.cap, 5), STATUS_BUSY);
	EXPECT_OK(strata_irq_bind(other, thread.cap, 6));
	EXPECT_STATUS(strata_irq_mask(irq), STATUS_BUSY);
	EXPECT_STATUS(strata_irq_unmask(irq), STATUS_BUSY);
}

/* ---- hardware ---- */

/*
 * On virt the PL061 (GPIO): an input that is low, watched for low, is a level interrupt that comes and goes with what is written to
 * the mask. On the Pi the PL011 that is not the console: its transmit interrupt, likewise.
 */
struct device {
	uint64_t physical;
	uint32_t interrupt;
	uint64_t mask;              /* offset of the mask register */
	uint32_t bits;              /* what is written to it */
	uint64_t prepare, prepared; /* a register and its value, before */
};

static const struct device gpio = {0x09030000, 32 + 7, 0x410, 1, 0x404, 1};
static const struct device uart = {0xfe201000, 32 + 121, 0x38, 1 << 5, 0, 'x'};

static bool is_virt(void)
{
	return boot_info->ranges[0].physical == 0x40000000;
}

struct attached {
	const struct device *device;
	uint64_t registers;
	cap_t irq;
};

static void write_register(const struct attached *attached, uint64_t offset, uint32_t value)
{
	*(volatile uint32_t *)(attached->registers + offset) = value;
	__asm__ volatile("dsb sy");
}

static bool attach(struct attached *attached)
{
	attached->device = is_virt() ? &gpio : &uart;
	attached->registers = new_addresses(4096, 12);
	attached->irq = new_irq();
	bool mapped =
		EXPECT_OK(strata_task_map(OWN_TASK, boot_info->window + attached->device->physical,
					  attached->registers, 4096, PAGE_READ | PAGE_WRITE, NULL));
	if (!mapped) {
		return false;
	}
	write_register(attached, attached->device->mask, 0);
	write_register(attached, attached->device->prepare, (uint32_t)attached->device->prepared);
	return EXPECT_OK(strata_icu_attach(cap_t_of(ROOT_CAP_ICU), attached->irq,
					   attached->device->interrupt, TRIGGER_LEVEL));
}

static void raise(const struct attached *attached)
{
	write_register(attached, attached->device->mask, attached->device->bits);
}

static void lower(const struct attached *attached)
{
	write_register(attached, attached->device->mask, 0);
}

static void hardware_interrupt_arrives(void)
{
	struct attached attached;
	struct listener *listener = new_listener(listen_openly, 0);
	REQUIRE(attach(&attached));
	REQUIRE_OK(strata_irq_bind(attached.irq, listener->thread.cap, 8));
	raise(&attached);
	sleep_for(milliseconds(2));
	EXPECT_EQ(listener->rounds, 0); /* it starts masked */
	uint64_t interrupts = counter(COUNTER_INTERRUPTS);
	REQUIRE_OK(strata_irq_unmask(attached.irq));
	EXPECT(wait_for(&listener->rounds, 1));
	EXPECT_EQ(listener->fired, 1 << 8);
	EXPECT(counter(COUNTER_INTERRUPTS) > interrupts);
	lower(&attached);
}

/* A level that stays does not come again until it is asked for. */
static void level_comes_once_per_unmask(void)
{
	struct attached attached;
	struct listener *listener = new_listener(listen_closed, 1);
	REQUIRE(attach(&attached));
	REQUIRE_OK(strata_irq_bind(attached.irq, listener->thread.cap, 0));
	raise(&attached);
	for (unsigned i = 1; i <= 20; i++) {
		REQUIRE_OK(strata_irq_unmask(attached.irq));
		EXPECT(wait_for(&listener->rounds, i));
		sleep_for(milliseconds(1));
		EXPECT_EQ(listener->rounds, i);
	}
	lower(&attached);
	REQUIRE_OK(strata_irq_unmask(attached.irq));
	sleep_for(milliseconds(2));
	EXPECT_EQ(listener->rounds, 20);
	raise(&attached);
	EXPECT(wait_for(&listener->rounds, 21));
	lower(&attached);
}

static void masked_interrupt_stays_away(void)
{
	struct attached attached;
	struct listener *listener = new_listener(listen_openly, 0);
	REQUIRE(attach(&attached));
	REQUIRE_OK(strata_irq_bind(attached.irq, listener->thread.cap, 0));
	REQUIRE_OK(strata_irq_unmask(attached.irq));
	REQUIRE_OK(strata_irq_mask(attached.irq));
	raise(&attached);
	sleep_for(milliseconds(2));
	EXPECT_EQ(listener->rounds, 0);
	REQUIRE_OK(strata_irq_unmask(attached.irq));
	EXPECT(wait_for(&listener->rounds, 1));
	lower(&attached);
}

static void interrupt_of_nobody_waits_in_its_irq(void)
{
	struct attached attached;
	REQUIRE(attach(&attached));
	REQUIRE_OK(strata_irq_unmask(attached.irq));
	raise(&attached);
	sleep_for(milliseconds(2));
	lower(&attached);
	struct listener *listener = new_listener(listen_openly, 0);
	REQUIRE_OK(strata_irq_bind(attached.irq, listener->thread.cap, 0));
	EXPECT_EQ(listener->rounds, 1);
}

/* With its Irq gone it can be attached again, and does not come meanwhile. */
static void attached_irq_can_be_deleted(void)
{
	struct attached attached;
	REQUIRE(attach(&attached));
	REQUIRE_OK(strata_irq_unmask(attached.irq));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, attached.irq.index));
	uint64_t interrupts = counter(COUNTER_INTERRUPTS);
	raise(&attached);
	spin_for(milliseconds(2));
	EXPECT(counter(COUNTER_INTERRUPTS) - interrupts < 20);
	attached.irq = new_irq();
	EXPECT_OK(strata_icu_attach(cap_t_of(ROOT_CAP_ICU), attached.irq,
				    attached.device->interrupt, TRIGGER_LEVEL));
	struct listener *listener = new_listener(listen_openly, 0);
	REQUIRE_OK(strata_irq_bind(attached.irq, listener->thread.cap, 0));
	sleep_for(milliseconds(1));
	EXPECT_EQ(listener->rounds, 0);
	REQUIRE_OK(strata_irq_unmask(attached.irq));
	EXPECT(wait_for(&listener->rounds, 1));
	lower(&attached);
}

static void interrupt_wakes_an_idle_core(void)
{
	struct attached attached;
	REQUIRE(attach(&attached));
	struct listener *listener = new_listener(listen_openly, 0);
	REQUIRE_OK(strata_irq_bind(attached.irq, listener->thread.cap, 0));
	/* It is pending, and masked, while the core idles; then unmasked by us. */
	for (unsigned i = 1; i < 5; i++) {
		raise(&attached);
		sleep_for(milliseconds(3));
		REQUIRE_OK(strata_irq_unmask(attached.irq));
		EXPECT(wait_for(&listener->rounds, i));
		lower(&attached);
	}
}

static void interrupt_preempts(void)
{
	struct attached attached;
	REQUIRE(attach(&attached));
	struct listener *listener = new_listener(listen_openly, 0);
	REQUIRE_OK(strata_irq_bind(attached.irq, listener->thread.cap, 0));
	REQUIRE_OK(strata_irq_unmask(attached.irq));
	raise(&attached);
	uint64_t end = now() + milliseconds(50);
	while (listener->rounds == 0 && now() < end) {
	}
	EXPECT_EQ(listener->rounds, 1);
	lower(&attached);
}

static void attach_refusals(void)
{
	struct attached attached;
	cap_t icu = cap_t_of(ROOT_CAP_ICU), irq = new_irq(), other = new_irq(), weak = new_cap();
	uint32_t first = 0, end = 0;
	REQUIRE_OK(strata_icu_info(icu, &first, &end));
	EXPECT_EQ(first, 32);
	EXPECT(end > 64 && end <= 1020);
	REQUIRE_OK(strata_cap_derive(OWN_TASK, irq, weak.index, RIGHTS_ALL & ~RIGHT_CONTROL, 0));
	EXPECT_STATUS(strata_icu_attach(icu, new_cap(), 40, TRIGGER_LEVEL), STATUS_NOT_FOUND);
	EXPECT_STATUS(strata_icu_attach(icu, OWN_TASK, 40, TRIGGER_LEVEL), STATUS_WRONG_OBJECT);
	EXPECT_STATUS(strata_icu_attach(icu, weak, 40, TRIGGER_LEVEL), STATUS_NO_RIGHT);
	for (uint32_t intid = 0; intid < first; intid++) {
		EXPECT_STATUS(strata_icu_attach(icu, irq, intid, TRIGGER_LEVEL),
			      STATUS_BAD_ARGUMENT);
	}
	EXPECT_STATUS(strata_icu_attach(icu, irq, end, TRIGGER_LEVEL), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(strata_icu_attach(icu, irq, 1023, TRIGGER_LEVEL), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(OPERATE(icu, ICU_ATTACH, irq.index, 1ul << 32 | 40, 0), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(OPERATE(icu, ICU_ATTACH, irq.index, 40, 2), STATUS_BAD_ARGUMENT);
	REQUIRE(attach(&attached));
	EXPECT_STATUS(strata_icu_attach(icu, irq, attached.device->interrupt, TRIGGER_LEVEL),
		      STATUS_BUSY);
	EXPECT_STATUS(strata_icu_attach(icu, attached.irq, 60, TRIGGER_LEVEL), STATUS_BUSY);
	EXPECT_OK(strata_icu_attach(icu, other, 60, TRIGGER_EDGE));
	/* The last there is. */
	cap_t last = new_irq();
	EXPECT_OK(strata_icu_attach(icu, last, end - 1, TRIGGER_EDGE));
	EXPECT_OK(strata_irq_unmask(last));
	EXPECT_OK(strata_irq_mask(last));
}

TEST_TABLE({"an event ends the open wait", open_wait_ends_with_an_event},
	   {"a closed wait ends with its own events only", closed_wait_ends_with_its_events_only},
	   {"events wait for a busy thread and come together", events_wait_for_a_busy_thread},
	   {"an event before the closed wait ends it at once",
	    event_before_the_closed_wait_ends_it_at_once},
	   {"an event before the binding waits in the Irq",
	    event_before_the_binding_waits_in_the_irq},
	   {"an Irq that is not bound tells nobody", unbound_irq_tells_nobody},
	   {"a deadline ends the closed wait", deadline_ends_the_closed_wait},
	   {"dead Irqs and dead threads are forgotten", dead_things_are_forgotten},
	   {"triggering needs the right to write only", triggering_needs_write_only},
	   {"a server takes calls and events", server_takes_calls_and_events},
	   {"an event during a call comes after the answer",
	    event_during_a_call_comes_after_the_answer},
	   {"a thread can have 64 Irqs", all_64_bits},
	   {"bind refuses what is wrong", bind_refusals},
	   {"a hardware interrupt arrives once it is unmasked", hardware_interrupt_arrives},
	   {"a level interrupt comes once for each unmask", level_comes_once_per_unmask},
	   {"a masked interrupt stays away", masked_interrupt_stays_away},
	   {"an interrupt that nobody is bound to waits in its Irq",
	    interrupt_of_nobody_waits_in_its_irq},
	   {"an attached Irq can be deleted and its interrupt attached again",
	    attached_irq_can_be_deleted},
	   {"an interrupt wakes an idle core", interrupt_wakes_an_idle_core},
	   {"an interrupt preempts what runs", interrupt_preempts},
	   {"attach refuses what is wrong", attach_refusals});
