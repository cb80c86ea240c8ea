/* SPDX-License-Identifier: BSD-2-Clause */
#include "root.h"

#include "cap.h"
#include "entry.h"
#include "factory.h"
#include "mapdb.h"
#include "page_alloc.h"
#include "panic.h"
#include "task.h"
#include "thread.h"

#include <arch/handover.h>
#include <arch/timer.h>
#include <arch/trace.h>

#include <stddef.h>

/* The name by which reports speak of its program. */
#define ROOT_NAME "roottask"

/* Where the root task finds its kernel pages: below the window, above any program. */
#define BOOT_INFO_VA 0x7ffff0000000ul
#define UTCB_VA      0x7ffff8000000ul

/* In the middle: what it starts may be more urgent than it, or less. */
#define ROOT_PRIORITY 128

/* Device memory is handed over up to here: all that virt and BCM2711 decode. In 1 GiB pages it costs two tables. */
#define DEVICE_LIMIT (1ul << 40)

#define BOOT_INFO_BYTES_MAX \
	(sizeof(struct boot_info) + MEMORY_MAP_MAX * sizeof(struct boot_info_range))
#define BOOT_INFO_PAGES ((BOOT_INFO_BYTES_MAX + PAGE_BYTES - 1) / PAGE_BYTES)

static struct task *root_task;
static struct thread *root_thread;

/* The kernel's own objects: nobody made them, and they stay. */
static struct object scheduler = {.kind = OBJECT_SCHEDULER}, icu = {.kind = OBJECT_ICU},
		     log = {.kind = OBJECT_LOG}, platform = {.kind = OBJECT_PLATFORM};

static void check(enum status status, const char *what)
{
	if (status != STATUS_OK) {
		panic("the root task cannot be started: %s: status %u; is the kernel's pool too small?", what,
		      status);
	}
}

static void give_capability(uint64_t index, struct object *object)
{
	struct capability *slot;
	check(cap_slot(&root_task->caps, index, &slot), "capability");
	cap_make_original(slot, object, RIGHTS_ALL);
}

static void map(uint64_t va, uint64_t physical, uint64_t size, const struct root_kind *kind)
{
	check(mapdb_add_root_range(&root_task->space, va, physical, size, kind), "mapping");
}

static const struct root_kind read_only = {PAGE_READ, MEMORY_TYPE_NORMAL, false};
static const struct root_kind all_rights = {PAGE_RIGHTS, MEMORY_TYPE_NORMAL, false};
static const struct root_kind read_write = {PAGE_READ | PAGE_WRITE, MEMORY_TYPE_NORMAL, false};
static const struct root_kind read_execute = {PAGE_READ | PAGE_EXECUTE, MEMORY_TYPE_NORMAL, false};
static const struct root_kind held_device = {PAGE_READ | PAGE_WRITE, MEMORY_TYPE_DEVICE, true};

static void map_program(const struct handover *boot)
{
	for (size_t i = 0; i < boot->root_segment_count; i++) {
		const struct handover_segment *segment = &boot->root_segments[i];
		map(segment->va, segment->physical, segment->size,
		    segment->executable ? &read_execute
		    : segment->writable ? &read_write
					: &read_only);
	}
}

/* RAM may begin or end inside a page, and a module may lie there: the page is mapped whole. */
static void map_module(const struct memory_range *range)
{
	uint64_t begin = range->base & ~(PAGE_BYTES - 1);
	uint64_t end = (range->base + range->size + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	map(BOOT_INFO_WINDOW + begin, begin, end - begin, &read_execute);
}

static void map_ram(const struct handover *boot)
{
	for (size_t i = 0; i < boot->memory.count; i++) {
		const struct memory_range *range = &boot->memory.items[i];
		uint64_t va = BOOT_INFO_WINDOW + range->base;
		switch (range->kind) {
		case MEMORY_FREE:
			map(va, range->base, range->size, &all_rights);
			break;
		case MEMORY_MODULE:
			map_module(range);
			break;
		case MEMORY_RESERVED:
		case MEMORY_UNUSABLE:
		case MEMORY_KERNEL:
		case MEMORY_BOOT:
		case MEMORY_ROOT:
			break;
		}
	}
}

/* A device tree in flash, say: not in the window as RAM, so it is mapped for itself. */
static void map_tree_outside_ram(const struct handover *boot)
{
	if (boot->tree.size != 0 && memory_map_at(&boot->memory, boot->tree.physical) == NULL) {
		map_module(&(struct memory_range){boot->tree.physical, boot->tree.size, MEMORY_MODULE});
	}
}

struct pages {
	uint64_t begin, end;
};

/* What is not handed over as device memory: number `i` of RAM, of the kernel's registers, and of the tree; all of them rounded
 * out to pages. */
static bool taken_pages(const struct handover *boot, size_t i, struct pages *pages)
{
	uint64_t base = boot->tree.physical, size = boot->tree.size;
	if (i < boot->memory.count) {
		base = boot->memory.items[i].base;
		size = boot->memory.items[i].size;
	} else if (i - boot->memory.count < boot->withheld_count) {
		base = boot->withheld[i - boot->memory.count].physical;
		size = boot->withheld[i - boot->memory.count].size;
	} else if (i - boot->memory.count > boot->withheld_count) {
		return false;
	}
	*pages = (struct pages){base & ~(PAGE_BYTES - 1), (base + size + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1)};
	return true;
}

/* The first address at or after `address` that is not taken, and where that ends. */
static struct pages device_gap(const struct handover *boot, uint64_t address)
{
	struct pages taken;
	for (bool moved = true; moved;) {
		moved = false;
		for (size_t i = 0; taken_pages(boot, i, &taken); i++) {
			if (taken.begin <= address && address < taken.end) {
				address = taken.end;
				moved = true;
			}
		}
	}
	uint64_t end = DEVICE_LIMIT;
	for (size_t i = 0; taken_pages(boot, i, &taken); i++) {
		if (taken.begin >= address && taken.begin < end && taken.begin != taken.end) {
			end = taken.begin;
		}
	}
	return (struct pages){address, end};
}

/* All that is not RAM, as held pages: it can be passed on, not accessed. */
static void map_devices(const struct handover *boot)
{
	for (struct pages gap = device_gap(boot, 0); gap.begin < DEVICE_LIMIT; gap = device_gap(boot, gap.end)) {
		map(BOOT_INFO_WINDOW + gap.begin, gap.begin, gap.end - gap.begin, &held_device);
	}
}

static struct boot_info_module in_window(struct handover_module module)
{
	if (module.size == 0) {
		return (struct boot_info_module){0, 0};
	}
	return (struct boot_info_module){BOOT_INFO_WINDOW + module.physical, module.size};
}

static void *kernel_page(uint64_t va)
{
	bool paid = quota_charge(&root_factory.quota, PAGE_BYTES);
	void *page = paid ? page_alloc() : NULL;
	check(page == NULL ? STATUS_QUOTA : STATUS_OK, "page");
	check(mapdb_add_kernel(&root_task->space, va, page_physical(page), PAGE_READ), "information page");
	return page;
}

/* The pages need not be neighbours in the pool: the information is written as the root task will see it. */
static void write_bytes(uint8_t *const *pages, size_t offset, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;
	for (size_t i = 0; i < size; i++) {
		pages[(offset + i) / PAGE_BYTES][(offset + i) % PAGE_BYTES] = from[i];
	}
}

static void make_boot_info(const struct handover *boot, uint32_t running)
{
	uint8_t *pages[BOOT_INFO_PAGES];
	for (size_t i = 0; i < BOOT_INFO_PAGES; i++) {
		pages[i] = kernel_page(BOOT_INFO_VA + i * PAGE_BYTES);
	}
	struct boot_info info = {
		.magic = BOOT_INFO_MAGIC,
		.version = BOOT_INFO_VERSION,
		.abi_version = ABI_VERSION,
		.window = BOOT_INFO_WINDOW,
		.page_size = PAGE_BYTES,
		.core_count = running,
		.core_missing = boot->core_count - running,
		.tree = in_window(boot->tree),
		.modules = in_window(boot->modules),
		.kernel_pool_size = page_pool_size(),
		.kernel_pool_free = page_pool_free(),
		.timer_hz = arch_timer_hz(),
		.range_count = boot->memory.count,
	};
	info.bytes = (uint32_t)(sizeof(info) + info.range_count * sizeof(info.ranges[0]));
	write_bytes(pages, 0, &info, sizeof(info));
	for (size_t i = 0; i < boot->memory.count; i++) {
		const struct memory_range *range = &boot->memory.items[i];
		struct boot_info_range out = {range->base, range->size, range->kind};
		write_bytes(pages, sizeof(info) + i * sizeof(out), &out, sizeof(out));
	}
}

void root_start(const struct handover *boot, uint32_t running)
{
	check(task_create(&root_factory, &root_task), "task");
	/* What is mapped from the window may be executed: programs in free memory, and in the archive where they are. */
	root_task->space.window = BOOT_INFO_WINDOW;
	check(thread_create(&root_factory, root_task, UTCB_VA, &root_thread), "thread");
	give_capability(ROOT_CAP_TASK, &root_task->object);
	give_capability(ROOT_CAP_THREAD, &root_thread->object);
	give_capability(ROOT_CAP_FACTORY, &root_factory.object);
	give_capability(ROOT_CAP_SCHEDULER, &scheduler);
	give_capability(ROOT_CAP_ICU, &icu);
	give_capability(ROOT_CAP_LOG, &log);
	give_capability(ROOT_CAP_PLATFORM, &platform);
	map_program(boot);
	map_ram(boot);
	map_tree_outside_ram(boot);
	map_devices(boot);
	make_boot_info(boot, running);
	arch_frame_init(&root_thread->frame, boot->root_entry, 0, BOOT_INFO_VA, 0);
	root_thread->sc.priority = ROOT_PRIORITY;
	(void)thread_resume(root_thread);
}

bool root_is_thread(const struct thread *thread)
{
	return thread == root_thread;
}

void root_forget(const struct thread *thread)
{
	if (thread == root_thread) {
		root_thread = NULL; /* another thread may come to lie at its address */
	}
}

_Noreturn void root_died(const struct thread *thread)
{
	static const char *const accesses[] = {"read", "write", "execute"};
	char what[80];
	(void)arch_trace_exception(thread->exception_code, what, sizeof(what));
	if (thread->msg[EXCEPTION_WORD_REASON] == EXCEPTION_FAULT) {
		panic_with(&thread->frame, ROOT_NAME, "the root task cannot %s address 0x%lx (%s)",
			   accesses[thread->fault_access], thread->fault_address, what);
	}
	if (thread->exception_address == FAULT_NO_ADDRESS) {
		panic_with(&thread->frame, ROOT_NAME, "the root task stopped: %s (ESR 0x%lx)", what,
			   thread->exception_code);
	}
	panic_with(&thread->frame, ROOT_NAME, "the root task stopped: %s, address 0x%lx (ESR 0x%lx)", what,
		   thread->exception_address, thread->exception_code);
}
