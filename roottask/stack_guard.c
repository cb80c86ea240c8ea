/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Debian's libfdt.a needs of whoever links it: it is compiled with stack protection.
 */
#include <strata/log.h>
#include <strata/platform.h>

#include <stdint.h>

extern uintptr_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

uintptr_t __stack_chk_guard = 0x57ac0ff5e7f1a9c3;

_Noreturn void __stack_chk_fail(void)
{
	strata_log("root task: libfdt has overrun its stack frame");
	strata_power_off(1);
}
