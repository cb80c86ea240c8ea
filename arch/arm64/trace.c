/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Call chains, by the frame records that the compiler leaves (AAPCS64, "The Frame Pointer").
 */
#include "core.h"
#include "handover.h"
#include "layout.h"

#include "arch_frame.h"

#include <arch/trace.h>

#include <stdbool.h>

extern const char _image_begin[];

static uint64_t physical_offset;

void handover_remember(const struct handover *boot)
{
	physical_offset = boot->image_physical - boot->image_va;
}

uint64_t image_physical(const void *in_image)
{
	return (uint64_t)in_image + physical_offset;
}

uint64_t image_linked(uint64_t va)
{
	return va - (uint64_t)_image_begin;
}

/* The call itself: what follows a call that does not return may be another function. */
uint64_t arch_trace_call(const void *return_address)
{
	return image_linked((uint64_t)return_address) - 4;
}

/* Only what lies on this core's stack is followed, and only upwards: a broken chain ends, it does not loop. */
static bool is_on_stack(uint64_t record)
{
	uint64_t top = this_core()->stack_top;
	return (record & 7) == 0 && record >= top - STACK_SIZE && record <= top - 16;
}

size_t arch_trace_calls(const struct arch_frame *frame, uint64_t *addresses, size_t count)
{
	size_t found = 0;
	uint64_t record = (uint64_t)__builtin_frame_address(0);
	if (frame != NULL) {
		record = frame->x[29];
		addresses[found++] = image_linked(frame->pc);
		if (found < count) {
			addresses[found++] = arch_trace_call((const void *)frame->x[30]);
		}
	}
	while (found < count && is_on_stack(record)) {
		const uint64_t *pair = (const uint64_t *)record;
		if (pair[1] == 0) {
			break;
		}
		/* The first record repeats x30 if the function had set its frame up already. */
		uint64_t caller = arch_trace_call((const void *)pair[1]);
		if (found == 0 || addresses[found - 1] != caller) {
			addresses[found++] = caller;
		}
		if (pair[0] <= record) {
			break;
		}
		record = pair[0];
	}
	return found;
}
