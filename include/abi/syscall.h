/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How user code calls the system: SVC with the operation as its immediate.
 *
 *   in   x0 to x7  message words 0 to 7      x8  tag      x9  capability index
 *   out  x0 to x7  message words of the answer           x8  tag of the answer
 *
 * x10 to x18 come back as zero; x19 to x30, sp and TPIDR_EL0 are preserved. TPIDRRO_EL0 points to the
 * thread's UTCB.
 */
#pragma once

#include "status.h"

#include <stdint.h>

#define SYSCALL_CALL 0 /* call the object that the capability names, wait for its answer */

/*
 * The message tag: bits 6 to 0 word count (0 to 64), bits 31 to 16 flags, bits 63 to 32 label. The
 * label of a request is the operation asked for, that of an answer a status.
 */
#define TAG_WORDS(tag) ((unsigned)((tag) & 0x7f))
#define TAG_LABEL(tag) ((uint32_t)((tag) >> 32))
#define TAG_MAKE(label, words) ((uint64_t)(uint32_t)(label) << 32 | (uint64_t)(words))

#define MESSAGE_REGISTERS 8
#define MESSAGE_WORDS     64

/* The capabilities that the root task starts with. */
enum root_capability {
	ROOT_CAP_LOG = 1,      /* the early console */
	ROOT_CAP_PLATFORM = 2, /* power */
};

/* Log. Word 0: bytes to write, up to 8 * (MESSAGE_WORDS - 1); words 1 on: the bytes. */
enum log_operation { LOG_WRITE = 0 };

/* Platform. POWER_OFF: word 0: a status for whoever runs the machine under a debugger. No answer. */
enum platform_operation { PLATFORM_POWER_OFF = 0, PLATFORM_RESET = 1 };

/* The UTCB: a page shared with the kernel. Words 0 to 7 of a message travel in registers. */
struct utcb {
	uint64_t words[MESSAGE_WORDS];
};
