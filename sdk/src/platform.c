/* SPDX-License-Identifier: BSD-2-Clause */
#include <strata/platform.h>

#include <strata/syscall.h>

_Noreturn void strata_power_off(uint32_t status)
{
	uint64_t words[MESSAGE_REGISTERS] = {status};
	for (;;) {
		(void)strata_call(ROOT_CAP_PLATFORM, TAG_MAKE(PLATFORM_POWER_OFF, 1), words);
	}
}
