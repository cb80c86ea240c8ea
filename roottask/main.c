/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The root task: the first user program. It looks at what it was given, checks it, and reports.
 */
#include "memory_report.h"

#include <abi/boot_info.h>
#include <strata/log.h>
#include <strata/platform.h>

_Noreturn void strata_main(const struct boot_info *info);

_Noreturn void strata_main(const struct boot_info *info)
{
	if (info->magic != BOOT_INFO_MAGIC || info->version != BOOT_INFO_VERSION) {
		strata_log("root task: boot information has version %u, expected %u", info->version,
			   BOOT_INFO_VERSION);
		strata_power_off(1);
	}
	bool good = memory_report(info);
	strata_power_off(good ? 0 : 1);
}
