/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the kernel share. A test program is a root task of its own: it has a table `tests`; the harness runs them one after
 * the other and writes TAP (Test Anything Protocol) to the log.
 *
 * Each test makes its objects from a factory of its own (FACTORY), which is destroyed afterwards: what is missing in the kernel's
 * pool then is a leak and fails the test. Frames, addresses, indices and shared memory are given out anew to each test.
 *
 * The main thread has priority PRIORITY_MAIN, threads that tests make have PRIORITY_HELPER, which is higher: a helper runs
 * at once until it waits, so most tests need no waiting. All of this is on core 0.
 *
 * A task that a test makes runs this same program: its text is mapped there, and a copy of its data. Frames of the memory window
 * have the same address in all tasks that have them, so pointers to stacks and to shared memory are good everywhere.
 */
#pragma once

#include <strata/kernel.h>
#include <strata/log.h>
#include <strata/syscall.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test {
	const char *sentence;
	void (*run)(void);
};

/* Each program has these. */
extern const struct test tests[];
extern const size_t test_count;

#define TEST_TABLE(...)                            \
	const struct test tests[] = {__VA_ARGS__}; \
	const size_t test_count = sizeof(tests) / sizeof(tests[0])

/* ---- expectations: return whether they were met; the first one of a test that is not is reported ---- */

bool expect_that(bool good, const char *what, const char *file, int line);
bool expect_equal(uint64_t got, uint64_t expected, const char *what, const char *file, int line);
bool expect_status(enum status got, enum status expected, const char *what, const char *file,
		   int line);

#define EXPECT(condition) expect_that((condition), #condition, __FILE_NAME__, __LINE__)
#define EXPECT_EQ(got, expected) \
	expect_equal((uint64_t)(got), (uint64_t)(expected), #got, __FILE_NAME__, __LINE__)
#define EXPECT_STATUS(got, expected) expect_status((got), (expected), #got, __FILE_NAME__, __LINE__)
#define EXPECT_OK(got)               EXPECT_STATUS(got, STATUS_OK)

/* The same, and the test function ends. */
#define REQUIRE(condition)                \
	do {                              \
		if (!EXPECT(condition)) { \
			return;           \
		}                         \
	} while (0)
#define REQUIRE_OK(got)                \
	do {                           \
		if (!EXPECT_OK(got)) { \
			return;        \
		}                      \
	} while (0)

/* The rest of the test cannot be done here, for this reason; end the function after it. */
void skip(const char *why);

/* A comment line in the output. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

const char *status_name(enum status status);

/* ---- the machine ---- */

extern const struct boot_info *boot_info;

uint64_t now(void);                    /* ticks */
uint64_t milliseconds(uint64_t count); /* in ticks */
void sleep_for(uint64_t ticks);        /* the calling thread; lets all others run */
void spin_for(uint64_t ticks);
uint64_t counter(enum counter which); /* of core 0 */
uint64_t pool_free(void);

/* The test may take that long from now on, instead of TIMEOUT_MS. */
void allow_milliseconds(uint64_t count);

/* ---- resources; a test's own until it ends ---- */

#define OWN_TASK  cap_t_of(ROOT_CAP_TASK)
#define FACTORY   cap_t_of(9)
#define SCHEDULER cap_t_of(ROOT_CAP_SCHEDULER)
#define PLATFORM  cap_t_of(ROOT_CAP_PLATFORM)

/* Indices that hold the harness's own things, and from where on tests may choose: up to TEST_CAP_END their table's pages are
 * there already. */
#define TEST_CAP_FIRST 64
#define TEST_CAP_END   4096

static inline cap_t cap_t_of(uint64_t index)
{
	return (cap_t){index};
}

/* An index that is free, in this task's table. */
cap_t new_cap(void);

/* 2^order bytes of RAM, cleared: the address in this task's memory window. The mapping behind is one of 2 MiB, of the root
 * task's own, for orders up to 21; for 30 it is one of 1 GiB, not cleared, or 0: there is none. */
uint64_t new_frame(unsigned order);

/* The test gave this many bytes to the kernel's pool, and this many of its last frames of 2 MiB with them. */
void expect_pool_growth(uint64_t bytes);
void expect_pool_loss(uint64_t bytes); /* and that it took them for good */
void lose_frames(unsigned count);

/* Addresses, of this task or any other, at which nothing is mapped: a multiple of 2^order, `size` bytes. */
uint64_t new_addresses(uint64_t size, unsigned order);

/* Memory that all tasks of the test have at the same address, cleared; 16-byte aligned. */
void *new_shared(size_t size);

static inline uint64_t peek(uint64_t address)
{
	return *(volatile uint64_t *)(uintptr_t)address;
}

static inline void poke(uint64_t address, uint64_t value)
{
	*(volatile uint64_t *)(uintptr_t)address = value;
}

/* For tests that repeat themselves: what was taken since the mark can be taken again. The caller has removed all that was made of it. */
struct resource_mark {
	uint64_t small, large, shared, addresses, utcbs, index;
};
struct resource_mark mark_resources(void);
void reset_resources_to(const struct resource_mark *mark);

/* Whether the boot argument test=long was given; and the number in test_seed=NUMBER, 1 if there is none. */
bool is_long_run(void);
uint64_t first_seed(void);

/* ---- tasks and threads ---- */

#define PRIORITY_MAIN   100
#define PRIORITY_HELPER 110
#define SLICE_US        10000

/* A task that runs this program: has its text, a copy of its data, all shared memory (within one page of 2 MiB), and these capabilities. */
struct child_task {
	cap_t cap;
};

/* In a child's table, beside what a test puts there. */
#define CHILD_CAP_TASK       1 /* itself */
#define CHILD_CAP_LOG        ROOT_CAP_LOG
#define CHILD_CAP_FIRST_FREE 16

bool make_task(struct child_task *task);
bool make_task_from(struct child_task *task, cap_t factory);

/* Derives one of our capabilities into its table. */
enum status give_cap(const struct child_task *task, cap_t cap, uint64_t index, unsigned rights,
		     uint64_t badge);

struct thread_start {
	void (*run)(void *argument);
	void *argument;
	volatile uint64_t done; /* run() returned */
};

struct thread {
	cap_t cap;
	uint64_t utcb;              /* its address in its task */
	uint64_t stack, stack_size; /* one frame */
	struct thread_start *start; /* at the top of the stack */
};

/* NULL: a thread of this task. It has the harness as its exception gate, so that its end is a failure and is explained; and no pager. */
bool make_thread(struct thread *thread, const struct child_task *task);
bool make_thread_from(struct thread *thread, const struct child_task *task, cap_t factory);

/* Lets it run this; a helper has done so up to its first wait when this returns. */
bool start_thread(struct thread *thread, void (*run)(void *argument), void *argument);

/* Both. */
bool spawn(struct thread *thread, const struct child_task *task, void (*run)(void *),
	   void *argument);

void set_priority(const struct thread *thread, unsigned priority);

/* Waits until it returned from its function; false if it does not in time. */
bool join(const struct thread *thread);

/* Waits until `*word` is `value`; false if it does not become so in time. */
bool wait_for(const volatile uint64_t *word, uint64_t value);

enum thread_state_code state_of(const struct thread *thread);
uint64_t time_of(cap_t thread);

/* For ever; for threads that have nothing more to do. */
_Noreturn void sleep_for_ever(void);

/* The harness does not speak of the exceptions of this thread: they are wanted. */
void expect_no_report(const struct thread *thread);

/* Exceptions that threads with the harness's exception gate made and were stopped for. */
struct exception_report {
	volatile uint64_t count;
	volatile uint64_t reason, code, address, access, status, pc;
};
extern struct exception_report *last_exception;

/* From now on, in this test, exceptions only count: nothing fails because of them. */
void expect_exceptions(void);

/* ---- servers ---- */

/*
 * A thread that takes calls. `serve` makes the answer out of the request, in place; items and words beyond the eighth are in the UTCB. If the kernel
 * refuses the answer, the status is kept, and the caller gets it as a plain answer. In shared memory.
 */
struct server {
	struct thread thread;
	cap_t gate; /* ours */
	void (*serve)(struct server *server, struct message *message);
	void (*on_irq)(struct server *server, uint64_t fired); /* may be NULL */
	void *context;
	struct window memory_window, capability_window; /* of the handler; set before it starts */
	volatile uint64_t calls;
	volatile uint64_t refusals;
	volatile uint64_t
		refusal; /* enum status: the last answer of the kernel to an answer of its */
	volatile uint64_t last_badge, last_tag;
	volatile uint64_t last[FAULT_WORDS + 5];
};

struct server *new_server(const struct child_task *task,
			  void (*serve)(struct server *server, struct message *message));
struct server *new_server_with(const struct child_task *task,
			       void (*serve)(struct server *, struct message *),
			       struct server preset);

/* Another handler of the same gate. */
bool add_handler(struct server *other, const struct server *server, const struct child_task *task);

/* A gate without handlers. */
cap_t new_gate(void);

/* ---- messages ---- */

static inline struct message message_of(uint32_t label, unsigned words, unsigned items)
{
	return (struct message){.tag = TAG_MAKE(label, words, items)};
}

/* Puts item `index` into the UTCB of the running thread. */
void put_memory_item(unsigned index, uint64_t address, unsigned order, uint64_t rights,
		     uint64_t offset, uint64_t flags);
void put_cap_item(unsigned index, uint64_t cap, uint64_t offset, unsigned rights);

void open_memory_window(uint64_t base, uint64_t size);
void open_cap_window(uint64_t base, uint64_t size);

/* An answer with one page of memory to a fault at `address`, from the page of 4096 bytes at `from`. */
void answer_page(struct message *message, uint64_t from, uint64_t rights, uint64_t address);

/* Calls a kernel object with these words (at most 8), which may be wrong. */
enum status operate(cap_t cap, uint32_t operation, unsigned count, const uint64_t *words);
#define OPERATE(cap, operation, ...)                                         \
	operate(cap, operation, sizeof((const uint64_t[]){__VA_ARGS__}) / 8, \
		(const uint64_t[]){__VA_ARGS__})

/* The system call `operation` with all registers from, and back into, x[0] to x[30]. x[31] is NZCV on return. */
#define RAW_OPERATIONS 8 /* 0 to 6, and 7 for SVC #0xffff */
void raw_system_call(uint64_t x[32], unsigned operation);

/* ---- access that may fault: by threads that are to be stopped then ---- */

struct access {
	uint64_t address;
	volatile uint64_t value; /* read, or to be written */
	enum fault_access kind;
	volatile uint64_t finished; /* the access was made */
};

/* Thread functions: `argument` is a struct access in shared memory. Executing calls a `ret` there. */
void do_access(void *argument);

/* Whether a thread of `task` (NULL: this one) can make this access now, without pager. It is destroyed afterwards. */
bool can_access(const struct child_task *task, uint64_t address, enum fault_access kind);

/* A seeded generator (xorshift64*). */
struct random {
	uint64_t state;
};
uint64_t random_next(struct random *random);
static inline uint64_t random_below(struct random *random, uint64_t limit)
{
	return random_next(random) % limit;
}
