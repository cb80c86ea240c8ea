/* SPDX-License-Identifier: BSD-2-Clause */
#include "invariants.h"

void invariants_check(struct cpu *cpu)
{
	(void)cpu;
}
