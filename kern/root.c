/* SPDX-License-Identifier: BSD-2-Clause */
#include "root.h"

#include "log.h"
#include "panic.h"

#include <abi/boot_info.h>
#include <abi/syscall.h>
#include <arch/aspace.h>
#include <arch/context.h>
#include <arch/handover.h>
#include <arch/timer.h>

#include <stddef.h>

#define PAGE_BYTES 4096ul

/* Where the root task finds its kernel pages: below the window, above any program. */
#define BOOT_INFO_VA HANDOVER_ROOT_PROGRAM_END
#define UTCB_VA      0x7ffff8000000ul

#define BOOT_INFO_BYTES_MAX \
	(sizeof(struct boot_info) + MEMORY_MAP_MAX * sizeof(struct boot_info_range))
#define BOOT_INFO_PAGES ((BOOT_INFO_BYTES_MAX + PAGE_BYTES - 1) / PAGE_BYTES)

static struct arch_aspace aspace;
static struct arch_frame frame;
static struct utcb *utcb;

static void *take_page(struct page_run *pool)
{
	void *page = arch_page_take(pool);
	if (page == NULL) {
		panic("the kernel's pool is too small to start the root task");
	}
	return page;
}

static void map(struct page_run *pool, uint64_t va, uint64_t physical, uint64_t size, enum arch_rights rights)
{
	if (!arch_aspace_map(&aspace, pool, va, physical, size, rights)) {
		panic("root task: cannot map 0x%lx bytes at 0x%lx: no memory, or mapped already", size, va);
	}
}

static void map_program(struct page_run *pool, const struct handover *boot)
{
	for (size_t i = 0; i < boot->root_segment_count; i++) {
		const struct handover_segment *segment = &boot->root_segments[i];
		enum arch_rights rights = segment->executable ? ARCH_READ_EXECUTE
					  : segment->writable ? ARCH_READ_WRITE
							      : ARCH_READ;
		map(pool, segment->va, segment->physical, segment->size, rights);
	}
}

/* All pages that [base, base + size) touches: where RAM ends inside of a page, a module may end there too. */
static void map_module(struct page_run *pool, uint64_t base, uint64_t size)
{
	uint64_t begin = base & ~(PAGE_BYTES - 1);
	uint64_t end = (base + size + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	map(pool, BOOT_INFO_WINDOW + begin, begin, end - begin, ARCH_READ);
}

/* Maps a module that is not in RAM, such as a tree in flash: RAM is in the window anyway. */
static void map_outside_ram(struct page_run *pool, const struct handover *boot, struct handover_module module)
{
	if (module.size != 0 && memory_map_at(&boot->memory, module.physical) == NULL) {
		map_module(pool, module.physical, module.size);
	}
}

static void map_window(struct page_run *pool, const struct handover *boot)
{
	for (size_t i = 0; i < boot->memory.count; i++) {
		const struct memory_range *range = &boot->memory.items[i];
		switch (range->kind) {
		case MEMORY_FREE:
			map(pool, BOOT_INFO_WINDOW + range->base, range->base, range->size, ARCH_READ_WRITE);
			break;
		case MEMORY_MODULE:
			map_module(pool, range->base, range->size);
			break;
		case MEMORY_RESERVED:
		case MEMORY_UNUSABLE:
		case MEMORY_KERNEL:
		case MEMORY_BOOT:
		case MEMORY_ROOT:
			break;
		}
	}
	map_outside_ram(pool, boot, boot->tree);
	map_outside_ram(pool, boot, boot->modules);
}

static struct boot_info_module in_window(struct handover_module module)
{
	if (module.size == 0) {
		return (struct boot_info_module){0, 0};
	}
	return (struct boot_info_module){BOOT_INFO_WINDOW + module.physical, module.size};
}

/* The pages are neighbours: the pool gives them from its front. */
static struct boot_info *make_boot_info(struct page_run *pool, const struct handover *boot, uint32_t running)
{
	struct boot_info *info = take_page(pool);
	for (size_t page = 1; page < BOOT_INFO_PAGES; page++) {
		(void)take_page(pool);
	}
	map(pool, BOOT_INFO_VA, arch_page_physical(info), BOOT_INFO_PAGES * PAGE_BYTES, ARCH_READ);
	*info = (struct boot_info){
		.magic = BOOT_INFO_MAGIC,
		.version = BOOT_INFO_VERSION,
		.window = BOOT_INFO_WINDOW,
		.page_size = PAGE_BYTES,
		.core_count = running,
		.core_missing = boot->core_count - running,
		.tree = in_window(boot->tree),
		.modules = in_window(boot->modules),
		.kernel_pool_size = boot->pool_size,
		.timer_hz = arch_timer_hz(),
		.range_count = boot->memory.count,
	};
	info->bytes = (uint32_t)(sizeof(*info) + info->range_count * sizeof(info->ranges[0]));
	for (size_t i = 0; i < boot->memory.count; i++) {
		const struct memory_range *range = &boot->memory.items[i];
		info->ranges[i] = (struct boot_info_range){range->base, range->size, range->kind};
	}
	return info;
}

_Noreturn void root_start(const struct handover *boot, uint32_t running)
{
	struct page_run pool = {boot->pool_physical, boot->pool_physical + boot->pool_size};
	if (!arch_aspace_init(&aspace, &pool)) {
		panic("the kernel's pool is too small to start the root task");
	}
	struct boot_info *info = make_boot_info(&pool, boot, running);
	utcb = take_page(&pool);
	map(&pool, UTCB_VA, arch_page_physical(utcb), PAGE_BYTES, ARCH_READ_WRITE);
	map_program(&pool, boot);
	map_window(&pool, boot);
	info->kernel_pool_free = pool.end - pool.next;

	arch_frame_init(&frame, boot->root_entry, BOOT_INFO_VA);
	arch_enter_address_space(aspace.root, 1, UTCB_VA);
	arch_return_to_user(&frame);
}

struct utcb *root_utcb(void)
{
	return utcb;
}
