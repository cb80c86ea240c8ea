/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations of kernel objects, inline and with no more registers than they need.
 */
#pragma once

#include <strata/fast.h>

#define OBJECT_CALL_ static inline __attribute__((always_inline))

OBJECT_CALL_ enum status object_call_0(cap_t object, uint32_t label)
{
	struct message message = {.tag = TAG_MAKE(label, 0, 0)};
	strata_fast_call(object, &message, 0);
	return message_status(&message);
}

OBJECT_CALL_ enum status object_call_2(cap_t object, uint32_t label, uint64_t a, uint64_t b)
{
	struct message message = {
		.words = {a, b},
                  .tag = TAG_MAKE(label, 2, 0)
        };
	strata_fast_call(object, &message, 2);
	return message_status(&message);
}

OBJECT_CALL_ enum status object_call_4(cap_t object, uint32_t label, uint64_t a, uint64_t b,
				       uint64_t c, uint64_t d)
{
	struct message message = {
		.words = {a, b, c, d},
                  .tag = TAG_MAKE(label, 4, 0)
        };
	strata_fast_call(object, &message, 4);
	return message_status(&message);
}

OBJECT_CALL_ enum status task_map(cap_t task, uint64_t from, uint64_t to, uint64_t size,
				  unsigned rights)
{
	return object_call_4(task, TASK_MAP, from, to, size, rights);
}

OBJECT_CALL_ enum status task_unmap(cap_t task, uint64_t address, uint64_t size, unsigned keep)
{
	return object_call_4(task, TASK_UNMAP, address, size, keep, 0);
}

OBJECT_CALL_ enum status cap_derive(cap_t task, uint64_t from, uint64_t to)
{
	return object_call_4(task, TASK_CAP_DERIVE, from, to, RIGHTS_ALL, 0);
}

OBJECT_CALL_ enum status cap_delete(uint64_t index)
{
	return object_call_2(CAP(ROOT_CAP_TASK), TASK_CAP_DELETE, index, 0);
}

OBJECT_CALL_ enum status irq_trigger(cap_t irq)
{
	return object_call_0(irq, IRQ_TRIGGER);
}
