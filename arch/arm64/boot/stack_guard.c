/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Debian's libfdt.a needs of whoever links it: it is compiled with stack protection. We are not; the value
 * only has to be the same when a function of libfdt begins and ends.
 */
#include "boot.h"

extern uintptr_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

uintptr_t __stack_chk_guard = 0x57ac0ff5e7f1a9c3;

_Noreturn void __stack_chk_fail(void)
{
	boot_failed("libfdt has overrun its stack frame");
}
