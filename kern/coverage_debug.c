/* SPDX-License-Identifier: BSD-2-Clause */
#include "coverage.h"

#include "log.h"

static uint64_t seen[OBJECT_KINDS][16];

_Static_assert(STATUS_COUNT <= 64, "a bit per status");

void coverage_note(unsigned kind, uint32_t label, enum status status)
{
	seen[kind][label] |= 1ul << status;
}

void coverage_print(void)
{
	for (unsigned kind = 0; kind < OBJECT_KINDS; kind++) {
		for (unsigned label = 0; label < 16; label++) {
			if (seen[kind][label] != 0) {
				log_line("coverage: %u %u 0x%lx", kind, label, seen[kind][label]);
			}
		}
	}
}
