/* SPDX-License-Identifier: BSD-2-Clause */
#include "info.h"

#include "page_alloc.h"
#include "panic.h"

#include <abi/abi.h>
#include <arch/aspace.h>
#include <arch/timer.h>

#include <stddef.h>

void info_publish(uint32_t cores)
{
	struct kernel_info *info = page_alloc();
	if (info == NULL) {
		panic("there is no page for the kernel information");
	}
	*info = (struct kernel_info){
		.magic = KERNEL_INFO_MAGIC,
		.abi_version = ABI_VERSION,
		.core_count = cores,
		.page_size = PAGE_BYTES,
		.timer_hz = arch_timer_hz(),
	};
	arch_information_map(page_physical(info));
}
