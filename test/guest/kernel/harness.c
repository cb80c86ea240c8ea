/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <abi/boot_info.h>
#include <common/format.h>
#include <strata/platform.h>

#include <stdarg.h>
#include <string.h>

#define KIB 1024ul
#define MIB (1024 * KIB)

#define PAGE 4096ul

#define TIMEOUT_MS      8000
#define TEST_QUOTA      (12 * MIB)
#define STACK_ORDER     14
#define SHARED_SIZE     (256 * KIB)
#define FAILURES_MAX    100 /* as an exit status */
#define PRIORITY_WATCH  250
#define PRIORITY_REPORT 240

/* The harness's own capabilities: 8 to 63. */
enum {
	CAP_NEW_INDEX_TEST = 8,
	CAP_TEST_FACTORY = 9,
	CAP_REPORT_GATE = 10,
	CAP_REPORT_THREAD,
	CAP_WATCH_THREAD
};

/* Where things are in every task: UTCBs, and addresses that tests may use. */
#define UTCB_BASE      0x0f00000000ul
#define UTCB_OWN_COUNT 2 /* the harness's own threads */
#define ADDRESS_BASE   0x1000000000ul
#define ADDRESS_END    0x4000000000ul

/* How much of the window tests get. */
#define SMALL_BYTES (48 * MIB)
#define LARGE_BYTES (64 * MIB)

extern char _text_begin[], _text_end[], _rodata_end[], _data_end[];
void thread_entry(void);
_Noreturn void thread_main(struct thread_start *start);
_Noreturn void strata_main(const struct boot_info *info);

const struct boot_info *boot_info;
static uint64_t timer_hz; /* tasks that tests make have it too, but not the boot information */

/* What all tasks write to. */
struct common {
	volatile uint64_t failed;
	char failure[200];
	volatile uint64_t skipped;
	volatile uint64_t deadline;
	volatile uint64_t reports_wanted; /* threads whose exceptions are no failure */
	volatile uint64_t test_number;
	struct exception_report exception;
};

static struct common *common;
struct exception_report *last_exception;

/* A stretch of addresses that is given out from the front, once per test. */
struct run {
	uint64_t base, next, end;
};

static struct run small_frames, large_frames, shared, addresses, utcbs;
static uint64_t giant_frame, next_giant;
static uint64_t next_index;
static uint64_t pool_growth;

/* ---- output ---- */

static void say(const char *line, size_t length)
{
	strata_log_write(line, length);
}

static void say_line(const char *format_string, ...) __attribute__((format(printf, 1, 2)));

static void say_line(const char *format_string, ...)
{
	char line[320];
	va_list arguments;
	va_start(arguments, format_string);
	size_t length = format_va(line, sizeof(line) - 1, format_string, arguments);
	va_end(arguments);
	length = length > sizeof(line) - 2 ? sizeof(line) - 2 : length;
	line[length] = '\n';
	say(line, length + 1);
}

void note(const char *format_string, ...)
{
	char line[240];
	va_list arguments;
	va_start(arguments, format_string);
	(void)format_va(line, sizeof(line), format_string, arguments);
	va_end(arguments);
	say_line("# %s", line);
}

const char *status_name(enum status status)
{
	static const char *const names[] = {
#define STATUS(number, name, meaning) [number] = #name,
#include <abi/status.def>
#undef STATUS
	};
	return (unsigned)status < STATUS_COUNT ? names[status] : "no status";
}

/* ---- expectations ---- */

static void fail(const char *format_string, ...) __attribute__((format(printf, 1, 2)));

static void fail(const char *format_string, ...)
{
	if (common->failed++ != 0) {
		return;
	}
	va_list arguments;
	va_start(arguments, format_string);
	(void)format_va(common->failure, sizeof(common->failure), format_string, arguments);
	va_end(arguments);
}

bool expect_that(bool good, const char *what, const char *file, int line)
{
	if (!good) {
		fail("%s:%d: not so: %s", file, line, what);
	}
	return good;
}

bool expect_equal(uint64_t got, uint64_t expected, const char *what, const char *file, int line)
{
	if (got != expected) {
		fail("%s:%d: %s: got 0x%lx expected 0x%lx", file, line, what, got, expected);
	}
	return got == expected;
}

bool expect_status(enum status got, enum status expected, const char *what, const char *file,
		   int line)
{
	if (got != expected) {
		fail("%s:%d: %s: got %s expected %s", file, line, what, status_name(got),
		     status_name(expected));
	}
	return got == expected;
}

void skip(const char *why)
{
	common->skipped = (uint64_t)why;
}

/* ---- the machine ---- */

uint64_t now(void)
{
	uint64_t ticks;
	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(ticks)::"memory");
	return ticks;
}

uint64_t milliseconds(uint64_t count)
{
	return count * timer_hz / 1000;
}

void sleep_for(uint64_t ticks)
{
	uint64_t fired;
	(void)strata_wait_irq(0, now() + ticks, &fired);
}

void spin_for(uint64_t ticks)
{
	uint64_t end = now() + ticks;
	while (now() < end) {
	}
}

uint64_t counter(enum counter which)
{
	uint64_t counters[COUNTER_COUNT] = {0};
	(void)strata_platform_counters(PLATFORM, 0, counters);
	return counters[which];
}

uint64_t pool_free(void)
{
	uint64_t bytes = 0;
	(void)strata_platform_pool(PLATFORM, NULL, &bytes);
	return bytes;
}

void allow_milliseconds(uint64_t count)
{
	common->deadline = now() + milliseconds(count);
}

/* ---- resources ---- */

static uint64_t take(struct run *run, uint64_t size, unsigned order)
{
	uint64_t mask = (1ul << order) - 1;
	uint64_t at = (run->next + mask) & ~mask;
	if (at + size > run->end) {
		note("the test has used up a resource of the harness");
		strata_power_off(FAILURES_MAX);
	}
	run->next = at + size;
	return at;
}

cap_t new_cap(void)
{
	return cap_t_of(next_index++);
}

uint64_t new_frame(unsigned order)
{
	if (order == 30) {
		uint64_t frame = next_giant;
		next_giant = 0;
		return frame;
	}
	uint64_t frame = take(order < 21 ? &small_frames : &large_frames, 1ul << order, order);
	memset((void *)frame, 0, 1ul << order);
	return frame;
}

void expect_pool_growth(uint64_t bytes)
{
	pool_growth = bytes;
}

void expect_pool_loss(uint64_t bytes)
{
	pool_growth = 0 - bytes;
}

void lose_frames(unsigned count)
{
	large_frames.base += (uint64_t)count << 21;
}

uint64_t new_addresses(uint64_t size, unsigned order)
{
	return take(&addresses, size, order);
}

void *new_shared(size_t size)
{
	void *memory = (void *)take(&shared, size, 6);
	memset(memory, 0, size);
	return memory;
}

struct resource_mark mark_resources(void)
{
	return (struct resource_mark){small_frames.next, large_frames.next, shared.next,
				      addresses.next,    utcbs.next,        next_index};
}

void reset_resources_to(const struct resource_mark *mark)
{
	small_frames.next = mark->small;
	large_frames.next = mark->large;
	shared.next = mark->shared;
	addresses.next = mark->addresses;
	utcbs.next = mark->utcbs;
	next_index = mark->index;
}

/* What follows `wanted` in the boot arguments, which stand in the device tree; NULL if it is not there. */
static const char *boot_argument(const char *wanted)
{
	const char *tree = (const char *)boot_info->tree.base;
	size_t length = strlen(wanted);
	for (uint64_t i = 0; i + length < boot_info->tree.size; i++) {
		if (memcmp(&tree[i], wanted, length) == 0) {
			return &tree[i + length];
		}
	}
	return NULL;
}

bool is_long_run(void)
{
	return boot_argument("test=long") != NULL;
}

uint64_t first_seed(void)
{
	const char *text = boot_argument("test_seed=");
	uint64_t seed = 0;
	for (; text != NULL && *text >= '0' && *text <= '9'; text++) {
		seed = seed * 10 + (uint64_t)(*text - '0');
	}
	return seed == 0 ? 1 : seed;
}

/* ---- tasks ---- */

enum status give_cap(const struct child_task *task, cap_t cap, uint64_t index, unsigned rights,
		     uint64_t badge)
{
	return strata_cap_derive(task->cap, cap, index, rights, badge);
}

static bool map_program(cap_t task)
{
	uint64_t text = (uint64_t)_text_begin,
		 text_end = ((uint64_t)_text_end + PAGE - 1) & ~(PAGE - 1);
	uint64_t rodata_end = (uint64_t)_rodata_end, data_size = (uint64_t)_data_end - rodata_end;
	uint64_t copy = take(&small_frames, data_size, 12);
	memcpy((void *)copy, (const void *)rodata_end, data_size);
	return EXPECT_OK(strata_task_map(task, text, text, text_end - text,
					 PAGE_READ | PAGE_EXECUTE, NULL)) &&
	       EXPECT_OK(strata_task_map(task, text_end, text_end, rodata_end - text_end, PAGE_READ,
					 NULL)) &&
	       EXPECT_OK(strata_task_map(task, copy, rodata_end, data_size, PAGE_READ | PAGE_WRITE,
					 NULL)) &&
	       EXPECT_OK(strata_task_map(task, shared.base, shared.base, SHARED_SIZE,
					 PAGE_READ | PAGE_WRITE, NULL));
}

bool make_task_from(struct child_task *task, cap_t factory)
{
	task->cap = new_cap();
	return EXPECT_OK(strata_create_task(factory, task->cap.index)) && map_program(task->cap) &&
	       EXPECT_OK(give_cap(task, task->cap, CHILD_CAP_TASK, RIGHTS_ALL, 0)) &&
	       EXPECT_OK(give_cap(task, cap_t_of(ROOT_CAP_LOG), CHILD_CAP_LOG, RIGHTS_ALL, 0));
}

bool make_task(struct child_task *task)
{
	return make_task_from(task, FACTORY);
}

/* ---- threads ---- */

_Noreturn void thread_main(struct thread_start *start)
{
	start->run(start->argument);
	start->done = 1;
	sleep_for_ever();
}

_Noreturn void sleep_for_ever(void)
{
	for (;;) {
		uint64_t fired;
		(void)strata_wait_irq(0, 0, &fired);
	}
}

void set_priority(const struct thread *thread, unsigned priority)
{
	EXPECT_OK(strata_scheduler_set(SCHEDULER, thread->cap, 0, priority, SLICE_US));
}

static bool make_stack(struct thread *thread, const struct child_task *task)
{
	thread->stack = new_frame(STACK_ORDER);
	thread->stack_size = 1ul << STACK_ORDER;
	thread->start = (struct thread_start *)(thread->stack + thread->stack_size -
						sizeof(struct thread_start));
	return task == NULL ||
	       EXPECT_OK(strata_task_map(task->cap, thread->stack, thread->stack,
					 thread->stack_size, PAGE_READ | PAGE_WRITE, NULL));
}

static bool create_thread(struct thread *thread, const struct child_task *task, cap_t factory)
{
	cap_t in = task == NULL ? OWN_TASK : task->cap;
	thread->cap = new_cap();
	thread->utcb = take(&utcbs, PAGE, 12);
	return EXPECT_OK(strata_create_thread(factory, thread->cap.index, in, thread->utcb)) &&
	       make_stack(thread, task);
}

bool make_thread_from(struct thread *thread, const struct child_task *task, cap_t factory)
{
	if (!create_thread(thread, task, factory)) {
		return false;
	}
	set_priority(thread, PRIORITY_HELPER);
	return EXPECT_OK(strata_thread_set_exception_gate(thread->cap, cap_t_of(CAP_REPORT_GATE)));
}

bool make_thread(struct thread *thread, const struct child_task *task)
{
	return make_thread_from(thread, task, FACTORY);
}

bool start_thread(struct thread *thread, void (*run)(void *), void *argument)
{
	*thread->start = (struct thread_start){run, argument, 0};
	uint64_t sp = (uint64_t)thread->start & ~15ul;
	return EXPECT_OK(strata_thread_start(thread->cap, (uint64_t)thread_entry, sp,
					     (uint64_t)thread->start, 0));
}

bool spawn(struct thread *thread, const struct child_task *task, void (*run)(void *),
	   void *argument)
{
	return make_thread(thread, task) && start_thread(thread, run, argument);
}

bool wait_for(const volatile uint64_t *word, uint64_t value)
{
	uint64_t end = now() + milliseconds(2000);
	while (*word != value && now() < end) {
		sleep_for(milliseconds(1) / 4);
	}
	return *word == value;
}

bool join(const struct thread *thread)
{
	return wait_for(&thread->start->done, 1);
}

enum thread_state_code state_of(const struct thread *thread)
{
	struct strata_thread_info info = {.state = ~0ul};
	EXPECT_OK(strata_thread_info(thread->cap, &info));
	return (enum thread_state_code)info.state;
}

uint64_t time_of(cap_t thread)
{
	struct strata_thread_info info = {0};
	EXPECT_OK(strata_thread_info(thread, &info));
	return info.time;
}

void expect_no_report(const struct thread *thread)
{
	EXPECT_OK(strata_thread_set_exception_gate(thread->cap, cap_t_of(0)));
}

void expect_exceptions(void)
{
	common->reports_wanted = 1;
}

/* ---- servers ---- */

static void record(struct server *server, const struct message *message)
{
	server->last_badge = message->badge;
	server->last_tag = message->tag;
	for (unsigned i = 0; i < MESSAGE_REGISTERS; i++) {
		server->last[i] = message->words[i];
	}
}

static void serve_one(struct server *server, struct message *message)
{
	if (message_is_kernel(message, LABEL_IRQ)) {
		if (server->on_irq != NULL) {
			server->on_irq(server, message->words[0]);
		}
		*message = message_of(STATUS_OK, 0, 0);
	} else if ((message->tag & TAG_KERNEL) != 0 &&
		   TAG_LABEL(message->tag) < (uint32_t)STATUS_COUNT) {
		/* Our answer was refused: we still owe one. */
		server->refusals++;
		server->refusal = TAG_LABEL(message->tag);
		*message = message_of((uint32_t)server->refusal, 0, 0);
	} else {
		server->calls++;
		record(server, message);
		server->serve(server, message);
	}
}

static void run_server(void *argument)
{
	struct server *server = argument;
	struct message message;
	strata_utcb()->memory_window = server->memory_window;
	strata_utcb()->capability_window = server->capability_window;
	strata_wait(&message);
	for (;;) {
		serve_one(server, &message);
		strata_reply_wait(&message);
	}
}

static bool start_handler(struct server *server, const struct child_task *task)
{
	return make_thread(&server->thread, task) &&
	       EXPECT_OK(strata_thread_bind(server->thread.cap, server->gate)) &&
	       start_thread(&server->thread, run_server, server);
}

cap_t new_gate(void)
{
	cap_t gate = new_cap();
	EXPECT_OK(strata_create_gate(FACTORY, gate.index, GATE_ANY_CORE));
	return gate;
}

struct server *new_server_with(const struct child_task *task,
			       void (*serve)(struct server *, struct message *),
			       struct server preset)
{
	struct server *server = new_shared(sizeof(*server));
	*server = preset;
	server->serve = serve;
	server->gate = new_gate();
	(void)start_handler(server, task);
	return server;
}

struct server *new_server(const struct child_task *task,
			  void (*serve)(struct server *, struct message *))
{
	return new_server_with(task, serve, (struct server){0});
}

bool add_handler(struct server *other, const struct server *server, const struct child_task *task)
{
	*other = *server;
	other->calls = 0;
	return start_handler(other, task);
}

/* ---- messages ---- */

void put_memory_item(unsigned index, uint64_t address, unsigned order, uint64_t rights,
		     uint64_t offset, uint64_t flags)
{
	strata_utcb()->items[index] =
		(struct message_item){ITEM_MEMORY_MAKE(address, order, rights), offset | flags};
}

void put_cap_item(unsigned index, uint64_t cap, uint64_t offset, unsigned rights)
{
	strata_utcb()->items[index] =
		(struct message_item){ITEM_CAPABILITY_MAKE(cap), offset << 12 | rights};
}

void open_memory_window(uint64_t base, uint64_t size)
{
	strata_utcb()->memory_window = (struct window){base, size};
}

void open_cap_window(uint64_t base, uint64_t size)
{
	strata_utcb()->capability_window = (struct window){base, size};
}

void answer_page(struct message *message, uint64_t from, uint64_t rights, uint64_t address)
{
	put_memory_item(0, from, 12, rights, address & ~(PAGE - 1), 0);
	*message = message_of(STATUS_OK, 0, 1);
}

enum status operate(cap_t cap, uint32_t operation, unsigned count, const uint64_t *words)
{
	struct message message = message_of(operation, count, 0);
	memcpy(message.words, words, 8ul * count);
	(void)strata_call(cap, &message);
	return message_status(&message);
}

/* ---- access that may fault ---- */

void do_access(void *argument)
{
	struct access *access = argument;
	switch (access->kind) {
	case FAULT_READ:
		access->value = peek(access->address);
		break;
	case FAULT_WRITE:
		poke(access->address, access->value);
		break;
	case FAULT_EXECUTE:
		((void (*)(void))access->address)();
		break;
	}
	access->finished = 1;
}

bool can_access(const struct child_task *task, uint64_t address, enum fault_access kind)
{
	struct access *access = new_shared(sizeof(*access));
	struct thread thread;
	access->address = address;
	access->kind = kind;
	if (!make_thread(&thread, task)) {
		return false;
	}
	expect_no_report(&thread);
	if (kind == FAULT_WRITE && address < BOOT_INFO_WINDOW) {
		access->value = 0;
	}
	(void)start_thread(&thread, do_access, access);
	(void)EXPECT_OK(strata_cap_delete(OWN_TASK, thread.cap.index));
	return access->finished != 0;
}

uint64_t random_next(struct random *random)
{
	uint64_t x = random->state;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	random->state = x;
	return x * 0x2545f4914f6cdd1dul;
}

/* ---- the harness's own threads ---- */

static struct thread reporter, watcher;

static void report_exception(const struct message *message)
{
	struct exception_report *last = &common->exception;
	last->count++;
	last->reason = message->words[EXCEPTION_WORD_REASON];
	last->code = message->words[EXCEPTION_WORD_CODE];
	last->address = message->words[EXCEPTION_WORD_ADDRESS];
	last->access = message->words[EXCEPTION_WORD_ACCESS];
	last->status = message->words[EXCEPTION_WORD_STATUS];
	last->pc = strata_utcb()->words[EXCEPTION_WORD_PC];
	if (common->reports_wanted == 0) {
		fail("a thread stopped: reason %lu code 0x%lx address 0x%lx status %s pc 0x%lx lr 0x%lx",
		     last->reason, last->code, last->address,
		     status_name((enum status)last->status), last->pc,
		     strata_utcb()->words[EXCEPTION_WORD_X0 + 30]);
	}
}

static void run_reporter(void *argument)
{
	(void)argument;
	struct message message;
	strata_wait(&message);
	for (;;) {
		if (message_is_kernel(&message, LABEL_EXCEPTION)) {
			report_exception(&message);
		}
		message = message_of(STATUS_NOT_FOUND, 0, 0);
		strata_reply_wait(&message);
	}
}

static void show_main(void)
{
	struct strata_thread_info info = {0};
	(void)strata_thread_info(cap_t_of(ROOT_CAP_THREAD), &info);
	note("the main thread is in state %lu; %lu restarts, %lu preemptions, %lu interrupts", info.state,
	     counter(COUNTER_RESTARTS), counter(COUNTER_PREEMPTIONS), counter(COUNTER_INTERRUPTS));
}

/* A test that hangs is first told by CANCELLED, then ends the program. */
static void run_watcher(void *argument)
{
	(void)argument;
	bool warned = false;
	uint64_t test = 0;
	for (;;) {
		sleep_for(milliseconds(100));
		if (common->test_number != test) {
			test = common->test_number;
			warned = false;
		}
		if (common->deadline == 0 || now() < common->deadline) {
			continue;
		}
		if (warned) {
			say_line("not ok %lu - %s # hangs; %s", test, tests[test - 1].sentence,
				 common->failed != 0 ? common->failure : "");
			say_line("Bail out! the test does not end");
			strata_power_off(FAILURES_MAX);
		}
		warned = true;
		fail("the test took too long");
		show_main();
		(void)strata_thread_cancel(cap_t_of(ROOT_CAP_THREAD));
		allow_milliseconds(3000);
	}
}

static void start_own(struct thread *thread, uint64_t cap, unsigned priority, void (*run)(void *))
{
	thread->cap = cap_t_of(cap);
	thread->utcb = take(&utcbs, PAGE, 12);
	(void)EXPECT_OK(
		strata_create_thread(cap_t_of(ROOT_CAP_FACTORY), cap, OWN_TASK, thread->utcb));
	(void)make_stack(thread, NULL);
	set_priority(thread, priority);
	if (cap == CAP_REPORT_THREAD) {
		(void)EXPECT_OK(strata_create_gate(cap_t_of(ROOT_CAP_FACTORY), CAP_REPORT_GATE,
						   GATE_ANY_CORE));
		(void)EXPECT_OK(strata_thread_bind(thread->cap, cap_t_of(CAP_REPORT_GATE)));
	}
	(void)start_thread(thread, run, NULL);
}

/* ---- preparation ---- */

static uint64_t align_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) & ~(to - 1);
}

/* RAM for small frames, then large ones: from one range, before a border of 1 GiB, so that its mappings are of 2 MiB. */
static void find_frames(void)
{
	for (uint64_t i = 0; i < boot_info->range_count; i++) {
		const struct boot_info_range *range = &boot_info->ranges[i];
		uint64_t base = align_up(range->physical, 2 * MIB),
			 end = range->physical + range->size;
		uint64_t border = align_up(base + 1, 1024 * MIB);
		if (range->kind != MEMORY_FREE) {
			continue;
		}
		if (small_frames.end == 0 && (base & (1024 * MIB - 1)) != 0 &&
		    (end < border ? end : border) >= base + SMALL_BYTES + LARGE_BYTES) {
			base += boot_info->window;
			small_frames = (struct run){base, base, base + SMALL_BYTES};
			large_frames = (struct run){base + SMALL_BYTES, base + SMALL_BYTES,
						    base + SMALL_BYTES + LARGE_BYTES};
			base -= boot_info->window;
		}
		uint64_t giant = align_up(base, 1024 * MIB);
		if (giant_frame == 0 && end > giant && end - giant >= 1024 * MIB) {
			giant_frame = giant + boot_info->window;
		}
	}
}

/* So that no test is the first to need them. */
static void fill_cap_table(void)
{
	for (uint64_t index = CAP_NEW_INDEX_TEST; index < TEST_CAP_END; index += 128) {
		(void)EXPECT_OK(strata_create_irq(cap_t_of(ROOT_CAP_FACTORY), index));
		(void)EXPECT_OK(strata_cap_delete(OWN_TASK, index));
	}
}

static void prepare(void)
{
	find_frames();
	if (small_frames.end == 0) {
		strata_log("there is no RAM for the test");
		strata_power_off(FAILURES_MAX);
	}
	common = (struct common *)take(&small_frames, SHARED_SIZE, 12);
	memset(common, 0, SHARED_SIZE);
	shared = (struct run){(uint64_t)common, (uint64_t)common + PAGE,
			      (uint64_t)common + SHARED_SIZE};
	last_exception = &common->exception;
	addresses = (struct run){ADDRESS_BASE, ADDRESS_BASE, ADDRESS_END};
	utcbs = (struct run){UTCB_BASE, UTCB_BASE, ADDRESS_BASE};
	(void)EXPECT_OK(strata_scheduler_set(SCHEDULER, cap_t_of(ROOT_CAP_THREAD), 0, PRIORITY_MAIN,
					     SLICE_US));
	fill_cap_table();
	start_own(&reporter, CAP_REPORT_THREAD, PRIORITY_REPORT, run_reporter);
	start_own(&watcher, CAP_WATCH_THREAD, PRIORITY_WATCH, run_watcher);
	small_frames.base = small_frames.next;
	shared.base = (uint64_t)common;
}

/* ---- running ---- */

static void reset_resources(void)
{
	small_frames.next = small_frames.base;
	large_frames.next = large_frames.base;
	shared.next = shared.base + PAGE;
	addresses.next = addresses.base;
	utcbs.next = utcbs.base + UTCB_OWN_COUNT * PAGE;
	next_giant = giant_frame;
	next_index = TEST_CAP_FIRST;
	pool_growth = 0;
	common->failed = 0;
	common->skipped = 0;
	common->reports_wanted = 0;
	memset(&common->exception, 0, sizeof(common->exception));
}

/* Indices, addresses and frames are as before the test. */
static void tidy(void)
{
	strata_utcb()->memory_window = (struct window){0, 0};
	strata_utcb()->capability_window = (struct window){0, 0};
	(void)EXPECT_OK(strata_cap_delete(OWN_TASK, CAP_TEST_FACTORY));
	for (uint64_t index = TEST_CAP_FIRST; index < TEST_CAP_END; index++) {
		(void)strata_cap_delete(OWN_TASK, index);
	}
	(void)EXPECT_OK(strata_task_unmap(OWN_TASK, ADDRESS_BASE, ADDRESS_END - ADDRESS_BASE,
					  UNMAP_SELF, NULL));
	(void)EXPECT_OK(strata_task_unmap(OWN_TASK, small_frames.base,
					  small_frames.end - small_frames.base, 0, NULL));
	(void)EXPECT_OK(strata_task_unmap(OWN_TASK, large_frames.base,
					  large_frames.end - large_frames.base, 0, NULL));
	if (giant_frame != 0) {
		(void)EXPECT_OK(strata_task_unmap(OWN_TASK, giant_frame, 1ul << 30, 0, NULL));
	}
}

/* What is freed after a round comes back a moment later. */
static uint64_t settled_pool(uint64_t expected)
{
	for (unsigned i = 0; i < 20 && pool_free() != expected; i++) {
		sleep_for(milliseconds(5));
	}
	return pool_free();
}

static void run_test(const struct test *test, uint64_t number)
{
	reset_resources();
	uint64_t before = pool_free();
	if (EXPECT_OK(strata_create_factory(cap_t_of(ROOT_CAP_FACTORY), CAP_TEST_FACTORY,
					    TEST_QUOTA))) {
		common->test_number = number;
		allow_milliseconds(TIMEOUT_MS);
		test->run();
		allow_milliseconds(TIMEOUT_MS);
		tidy();
		common->deadline = 0;
	}
	before += pool_growth;
	uint64_t after = settled_pool(before);
	if (after < before) {
		fail("%lu bytes of the kernel's pool are lost", before - after);
	} else if (after > before) {
		fail("%lu bytes of the kernel's pool were freed that nobody had", after - before);
	}
}

static void report(const struct test *test, uint64_t number)
{
	if (common->failed != 0) {
		say_line("not ok %lu - %s # %s", number, test->sentence, common->failure);
		if (common->failed > 1) {
			note("and %lu more expectations were not met", common->failed - 1);
		}
	} else if (common->skipped != 0) {
		say_line("ok %lu - %s # SKIP %s", number, test->sentence,
			 (const char *)common->skipped);
	} else {
		say_line("ok %lu - %s", number, test->sentence);
	}
}

_Noreturn void strata_main(const struct boot_info *info)
{
	uint32_t failures = 0;
	boot_info = info;
	timer_hz = info->timer_hz;
	prepare();
	if (common->failed != 0) {
		say_line("Bail out! %s", common->failure);
		strata_power_off(FAILURES_MAX);
	}
	say_line("1..%lu", (uint64_t)test_count);
	for (size_t i = 0; i < test_count; i++) {
		run_test(&tests[i], i + 1);
		report(&tests[i], i + 1);
		failures += common->failed != 0 ? 1 : 0;
	}
	strata_power_off(failures < FAILURES_MAX ? failures : FAILURES_MAX);
}
