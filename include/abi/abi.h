/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract of kernel and user code, whole. The version is raised by every change that old programs would notice.
 */
#pragma once

#include "boot_info.h"
#include "kernel_info.h"
#include "message.h"
#include "rights.h"
#include "status.h"

#define ABI_VERSION 2

enum object_kind {
	OBJECT_NONE = 0,
#define OBJECT(number, name, what) OBJECT_##name = number,
#include "objects.def"
#undef OBJECT
	OBJECT_KINDS
};

enum operation {
#define OPERATION(object, name, number, right, in, out, what) object##_##name = number,
#define REFUSAL(object, name, status, when)
#include "operations.def"
#undef OPERATION
#undef REFUSAL
};

enum counter {
#define COUNTER(name, what) COUNTER_##name,
#include "counters.def"
#undef COUNTER
	COUNTER_COUNT
};

/* The capabilities that the root task starts with. */
enum root_capability {
	ROOT_CAP_TASK = 1,
	ROOT_CAP_THREAD = 2,
	ROOT_CAP_FACTORY = 3,
	ROOT_CAP_SCHEDULER = 4,
	ROOT_CAP_ICU = 5,
	ROOT_CAP_LOG = 6,
	ROOT_CAP_PLATFORM = 7,
	ROOT_CAP_FIRST_FREE = 8,
};

enum thread_state_code {
	THREAD_STATE_READY,
	THREAD_STATE_CALLING,
	THREAD_STATE_IN_CALL,
	THREAD_STATE_IDLE,
	THREAD_STATE_WAITING,
	THREAD_STATE_REMOTE,
	THREAD_STATE_STOPPED,
};
