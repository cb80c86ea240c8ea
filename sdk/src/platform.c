/* SPDX-License-Identifier: BSD-2-Clause */
#include <strata/platform.h>

#include <strata/syscall.h>

_Noreturn void strata_power_off(uint32_t status)
{
	for (;;) {
		struct message message = {.words = {status}, .tag = TAG_MAKE(PLATFORM_POWER_OFF, 1, 0)};
		(void)strata_call(CAP(ROOT_CAP_PLATFORM), &message);
	}
}
