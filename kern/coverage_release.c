/* SPDX-License-Identifier: BSD-2-Clause */
#include "coverage.h"

void coverage_note(unsigned kind, uint32_t label, enum status status)
{
	(void)kind;
	(void)label;
	(void)status;
}

void coverage_print(void)
{
}
