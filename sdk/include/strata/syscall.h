/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system call, as C.
 */
#pragma once

#include <abi/syscall.h>

/* This thread's UTCB. Words 0 to 7 of it are not used: they travel in registers. */
struct utcb *strata_utcb(void);

/*
 * Calls the object that `capability` names with the message of `tag`: `words` holds its first
 * MESSAGE_REGISTERS words, and the answer's afterwards. Words beyond are in the UTCB. Returns the answer's tag.
 */
uint64_t strata_call(uint64_t capability, uint64_t tag, uint64_t words[MESSAGE_REGISTERS]);
