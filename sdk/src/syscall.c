/* SPDX-License-Identifier: BSD-2-Clause */
#include <strata/syscall.h>

struct utcb *strata_utcb(void)
{
	struct utcb *utcb;
	__asm__("mrs %0, tpidrro_el0" : "=r"(utcb));
	return utcb;
}

uint64_t strata_call(uint64_t capability, uint64_t tag, uint64_t words[MESSAGE_REGISTERS])
{
	register uint64_t x0 __asm__("x0") = words[0];
	register uint64_t x1 __asm__("x1") = words[1];
	register uint64_t x2 __asm__("x2") = words[2];
	register uint64_t x3 __asm__("x3") = words[3];
	register uint64_t x4 __asm__("x4") = words[4];
	register uint64_t x5 __asm__("x5") = words[5];
	register uint64_t x6 __asm__("x6") = words[6];
	register uint64_t x7 __asm__("x7") = words[7];
	register uint64_t x8 __asm__("x8") = tag;
	register uint64_t x9 __asm__("x9") = capability;
	__asm__ volatile("svc %[operation]"
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6), "+r"(x7),
			   "+r"(x8), "+r"(x9)
			 : [operation] "i"(SYSCALL_CALL)
			 : "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18", "memory", "cc");
	words[0] = x0;
	words[1] = x1;
	words[2] = x2;
	words[3] = x3;
	words[4] = x4;
	words[5] = x5;
	words[6] = x6;
	words[7] = x7;
	return x8;
}
