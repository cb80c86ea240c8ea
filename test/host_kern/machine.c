/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "machine.h"

#include <arch/cpu.h>
#include <kern/panic.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define BLOCK 0x200000ul

/* Of the pool's first block, taken already: the kernel's root table is in it. */
#define POOL_USED 0x8000ul

unsigned machine_preempt_every;
uint64_t machine_preempted;
enum forget machine_forget;
unsigned machine_violations;
uint64_t machine_seed = 1;

uint64_t machine_random(uint64_t limit)
{
	machine_seed = machine_seed * 6364136223846793005ul + 1442695040888963407ul;
	return (machine_seed >> 33) % limit;
}

_Noreturn void panic(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n");
	abort();
}

/* Memory. */

static int memory_file = -1;

static void map_at(uint64_t va, uint64_t size, uint64_t offset)
{
	void *got = mmap((void *)va, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 memory_file, (off_t)offset);
	if (got != (void *)va) {
		panic("mmap");
	}
}

static void map_memory(void)
{
	uint64_t size = POOL_BLOCKS * BLOCK;
	memory_file = memfd_create("memory", 0);
	if (memory_file < 0 || ftruncate(memory_file, (off_t)(2 * size)) != 0) {
		panic("memfd");
	}
	map_at(ARCH_DIRECT + POOL_BASE, size, 0);
	map_at(ARCH_DIRECT + POOL_SPARE, size, size);
}

/* The window shows `blocks` of the pool, then what may be fed. */
static void map_window(uint64_t blocks)
{
	map_at(ARCH_POOL, blocks * BLOCK, 0);
	map_at(ARCH_POOL + blocks * BLOCK, POOL_BLOCKS * BLOCK, POOL_BLOCKS * BLOCK);
}

/* History: what TLBs may remember. */

#define STALE_MAX 4096

struct stale {
	uint64_t *entry; /* in the direct map */
	uint64_t old;    /* what is remembered */
	uint64_t va, size;
	uint32_t asid;
	bool table;
	bool ordered;     /* a DSB came after the write */
	bool invalidated; /* a TLBI came after that */
};

static struct stale stale[STALE_MAX];
static unsigned stale_count;
static unsigned unpublished;

static void violation(const char *rule)
{
	if (machine_violations++ == 0 && machine_forget == FORGET_NOTHING) {
		fprintf(stderr, "history: %s\n", rule);
	}
}

unsigned machine_stale(void)
{
	return stale_count;
}

static uint64_t *direct(uint64_t *entry)
{
	return page_direct(page_physical(entry));
}

static void remember(uint64_t *entry, uint64_t old)
{
	const struct page *table = table_of(entry);
	unsigned level = table_level(table);
	if (stale_count == STALE_MAX) {
		panic("more stale entries than the test can remember");
	}
	stale[stale_count++] = (struct stale){
		.entry = direct(entry),
		.old = old,
		.va = entry_va(entry),
		.size = 1ul << arch_level_order(level),
		.asid = table_space(table)->asid,
		.table = arch_entry_is_table(old, level),
	};
}

/* What hardware makes of an entry: bits that it looks at, except those that may change at any time. */
static uint64_t translation(uint64_t entry)
{
	return entry & (PTE_ADDRESS | PTE_TABLE | PTE_ATTR(7) | PTE_INNER | PTE_NG | PTE_VALID);
}

static bool allows_more(uint64_t old, uint64_t new)
{
	bool writes = (old & PTE_READ_ONLY) == 0 && (new &PTE_READ_ONLY) != 0;
	bool executes = (old & PTE_UXN) == 0 && (new &PTE_UXN) != 0;
	return writes || executes;
}

static void note_write(uint64_t *entry, uint64_t old, uint64_t value)
{
	if (table_of(entry)->e != KIND_TABLE) {
		return; /* one of the kernel's own */
	}
	bool was = (old & PTE_VALID) != 0, is = (value & PTE_VALID) != 0;
	if (is) {
		bool table = arch_entry_is_table(value, table_level(table_of(entry)));
		unpublished += !table && (!was || allows_more(value, old));
		for (unsigned i = 0; i < stale_count; i++) {
			if (stale[i].entry == direct(entry) &&
			    translation(stale[i].old) != translation(value)) {
				violation("a new translation before all TLBs forgot the old one");
			}
		}
		if (was && translation(old) != translation(value)) {
			violation("a valid entry replaced by another one");
		}
	}
	if (was && (!is || allows_more(old, value))) {
		remember(entry, old);
	}
}

static void note_order(void)
{
	unpublished = 0;
	for (unsigned i = 0; i < stale_count; i++) {
		stale[i].ordered = true;
	}
}

static bool covers(const struct stale *what, enum fake_kind kind, uint64_t operand)
{
	uint64_t va = (operand << 12) & 0xffffffffffff;
	bool same_space = operand >> 48 == what->asid;
	bool same_va = va >= what->va && va - what->va < what->size;
	bool enough = kind != FAKE_TLBI_LEAF || !what->table;
	return what->ordered && same_space && enough && (kind == FAKE_TLBI_SPACE || same_va);
}

static void note_tlbi(enum fake_kind kind, uint64_t operand)
{
	for (unsigned i = 0; i < stale_count; i++) {
		stale[i].invalidated |= covers(&stale[i], kind, operand);
	}
}

static void note_completion(void)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < stale_count; i++) {
		if (!stale[i].invalidated) {
			stale[kept++] = stale[i];
		}
	}
	stale_count = kept;
}

void fake_event(enum fake_kind kind, uint64_t *entry, uint64_t old, uint64_t value)
{
	switch (kind) {
	case FAKE_WRITE:
		note_write(entry, old, value);
		break;
	case FAKE_DSB_ISH:
		if (machine_forget != FORGET_DSB_ISH) {
			note_order();
			note_completion();
		}
		break;
	case FAKE_DSB_ISHST:
		if (machine_forget != FORGET_DSB_ISHST) {
			note_order();
		}
		break;
	case FAKE_TLBI_LEAF:
	case FAKE_TLBI_TABLE:
	case FAKE_TLBI_SPACE:
		if (machine_forget != FORGET_TLBI) {
			note_tlbi(kind, value);
		}
		break;
	case FAKE_TLBI_HERE:
	case FAKE_DSB_NSH:
	case FAKE_OTHER:
		break;
	}
}

void machine_operation_ends(void)
{
	if (stale_count != 0) {
		violation("something was reported gone that TLBs may remember");
	}
	if (unpublished != 0) {
		violation("a new entry may not be visible to table walks");
	}
	stale_count = 0;
	unpublished = 0;
}

uint64_t fake_sysreg(const char *name)
{
	if (strcmp(name, "ttbr1_el1") == 0) {
		return POOL_BASE + 0x1000;
	}
	if (strcmp(name, "tcr_el1") == 0) {
		return TCR_AS_16_BITS;
	}
	return UINT64_C(4) << 16; /* ctr_el0: lines of 64 bytes */
}

/* Cores. */

static ucontext_t main_context, core_context[2];
static bool core_ended[2];
static unsigned core_running;
static bool two_cores;
static unsigned cuts, cut_wanted;
static unsigned turn_every; /* 0: one turn, at cut_wanted */
static void (*core_work[2])(void);
bool machine_second_ended_first;

uint32_t arch_core_number(void)
{
	return two_cores ? core_running : 0;
}

static void switch_core(void)
{
	unsigned from = core_running, to = 1 - from;
	if (!core_ended[to]) {
		core_running = to;
		swapcontext(&core_context[from], &core_context[to]);
	}
}

void arch_core_relax(void)
{
	if (!two_cores) {
		static unsigned spins;
		if (++spins > 100000000) {
			panic("a core waits for itself");
		}
		return;
	}
	if (core_ended[1 - core_running]) {
		static unsigned lonely;
		if (++lonely > 100000000) {
			panic("a core waits for what never comes");
		}
	}
	switch_core();
}

void fake_cut(void)
{
	if (!two_cores) {
		return;
	}
	bool turn = turn_every != 0 ? machine_random(turn_every) == 0
				    : core_running == 0 && cuts++ == cut_wanted;
	if (turn) {
		switch_core();
	}
}

static void core_main(void)
{
	core_work[core_running]();
	core_ended[core_running] = true;
	if (core_running == 0) {
		machine_second_ended_first = core_ended[1];
	}
	unsigned from = core_running, to = 1 - from;
	if (!core_ended[to]) {
		core_running = to;
		setcontext(&core_context[to]);
	}
	setcontext(&main_context);
}

#define STACK_BYTES 0x40000

bool machine_interleave(void (*first)(void), void (*second)(void), unsigned cut)
{
	static char stacks[2][STACK_BYTES] __attribute__((aligned(16)));
	core_work[0] = first;
	core_work[1] = second;
	for (unsigned i = 0; i < 2; i++) {
		core_ended[i] = false;
		getcontext(&core_context[i]);
		core_context[i].uc_stack.ss_sp = stacks[i];
		core_context[i].uc_stack.ss_size = STACK_BYTES;
		core_context[i].uc_link = NULL;
		makecontext(&core_context[i], core_main, 0);
	}
	core_running = 0;
	cuts = 0;
	cut_wanted = cut;
	two_cores = true;
	swapcontext(&main_context, &core_context[0]);
	/* Both cores leave the kernel. */
	for (core_running = 0; core_running < 2; core_running++) {
		round_leave_kernel();
	}
	two_cores = false;
	return cuts > cut;
}

void machine_interleave_randomly(void (*first)(void), void (*second)(void), unsigned every)
{
	turn_every = every;
	(void)machine_interleave(first, second, 0);
	turn_every = 0;
}

bool preempt_pending(void)
{
	bool pending = machine_preempt_every != 0 && machine_random(machine_preempt_every) == 0;
	machine_preempted += pending;
	return pending;
}

void machine_reset(uint64_t blocks)
{
	if (memory_file < 0) {
		map_memory();
	}
	map_window(blocks);
	memset((void *)(ARCH_DIRECT + POOL_BASE), 0, 0x100000);
	memset(mapdb_regions, 0, sizeof(mapdb_regions));
	memset(&mapdb_big, 0, sizeof(mapdb_big));
	stale_count = 0;
	unpublished = 0;
	machine_violations = 0;
	machine_forget = FORGET_NOTHING;
	machine_preempt_every = 0;
	page_pool_init(POOL_BASE, POOL_BASE + POOL_USED, POOL_BASE + blocks * BLOCK);
}
