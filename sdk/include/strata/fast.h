/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls for where every instruction counts: as in syscall.h, but inline, and only the registers that
 * carry words are loaded. `words` must be a constant: how many of message->words are sent. What of the answer is not looked at
 * costs nothing.
 */
#pragma once

#include <strata/syscall.h>

#define STRATA_FAST_ static inline __attribute__((always_inline))

#define STRATA_FAST_OUT_(n) "=r"(x##n)
#define STRATA_FAST_IN_(n)  "+r"(x##n)

/* One SVC; `w0` to `w7` are STRATA_FAST_IN_ for registers that carry a word. */
#define STRATA_FAST_SVC_(operation, w0, w1, w2, w3, w4, w5, w6, w7)                          \
	__asm__ volatile(                                                                    \
		"svc %[op]"                                                                  \
		: w0(0), w1(1), w2(2), w3(3), w4(4), w5(5), w6(6), w7(7), "+r"(x8), "+r"(x9) \
		: [op] "i"(operation)                                                        \
		: "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18", "memory", "cc")

#define STRATA_FAST_SVC_0_(operation)                                                            \
	STRATA_FAST_SVC_(operation, STRATA_FAST_OUT_, STRATA_FAST_OUT_, STRATA_FAST_OUT_,        \
			 STRATA_FAST_OUT_, STRATA_FAST_OUT_, STRATA_FAST_OUT_, STRATA_FAST_OUT_, \
			 STRATA_FAST_OUT_)
#define STRATA_FAST_SVC_2_(operation)                                                            \
	STRATA_FAST_SVC_(operation, STRATA_FAST_IN_, STRATA_FAST_IN_, STRATA_FAST_OUT_,          \
			 STRATA_FAST_OUT_, STRATA_FAST_OUT_, STRATA_FAST_OUT_, STRATA_FAST_OUT_, \
			 STRATA_FAST_OUT_)
#define STRATA_FAST_SVC_4_(operation)                                                           \
	STRATA_FAST_SVC_(operation, STRATA_FAST_IN_, STRATA_FAST_IN_, STRATA_FAST_IN_,          \
			 STRATA_FAST_IN_, STRATA_FAST_OUT_, STRATA_FAST_OUT_, STRATA_FAST_OUT_, \
			 STRATA_FAST_OUT_)
#define STRATA_FAST_SVC_8_(operation)                                                        \
	STRATA_FAST_SVC_(operation, STRATA_FAST_IN_, STRATA_FAST_IN_, STRATA_FAST_IN_,       \
			 STRATA_FAST_IN_, STRATA_FAST_IN_, STRATA_FAST_IN_, STRATA_FAST_IN_, \
			 STRATA_FAST_IN_)

/* Registers that carry nothing are only outputs, so nothing is moved into them. */
#define STRATA_FAST_CALL_(operation, in_out, argument, words_sent)                          \
	do {                                                                                \
		struct message *m_ = (in_out);                                              \
		register uint64_t x0 __asm__("x0");                                         \
		register uint64_t x1 __asm__("x1");                                         \
		register uint64_t x2 __asm__("x2");                                         \
		register uint64_t x3 __asm__("x3");                                         \
		register uint64_t x4 __asm__("x4");                                         \
		register uint64_t x5 __asm__("x5");                                         \
		register uint64_t x6 __asm__("x6");                                         \
		register uint64_t x7 __asm__("x7");                                         \
		register uint64_t x8 __asm__("x8") = m_->tag;                               \
		register uint64_t x9 __asm__("x9") = (argument);                            \
		if ((words_sent) == 0) {                                                    \
			STRATA_FAST_SVC_0_(operation);                                      \
		} else if ((words_sent) <= 2) {                                             \
			x0 = m_->words[0], x1 = m_->words[1];                               \
			STRATA_FAST_SVC_2_(operation);                                      \
		} else if ((words_sent) <= 4) {                                             \
			x0 = m_->words[0], x1 = m_->words[1];                               \
			x2 = m_->words[2], x3 = m_->words[3];                               \
			STRATA_FAST_SVC_4_(operation);                                      \
		} else {                                                                    \
			x0 = m_->words[0], x1 = m_->words[1];                               \
			x2 = m_->words[2], x3 = m_->words[3];                               \
			x4 = m_->words[4], x5 = m_->words[5];                               \
			x6 = m_->words[6], x7 = m_->words[7];                               \
			STRATA_FAST_SVC_8_(operation);                                      \
		}                                                                           \
		m_->words[0] = x0, m_->words[1] = x1, m_->words[2] = x2, m_->words[3] = x3; \
		m_->words[4] = x4, m_->words[5] = x5, m_->words[6] = x6, m_->words[7] = x7; \
		m_->tag = x8;                                                               \
		m_->badge = x9;                                                             \
	} while (0)

STRATA_FAST_ void strata_fast_call(cap_t capability, struct message *message, unsigned words)
{
	STRATA_FAST_CALL_(SYSCALL_CALL, message, capability.index, words);
}

STRATA_FAST_ void strata_fast_reply_wait(struct message *message, unsigned words)
{
	/* x9 means nothing: whatever is there may stay. */
	register uint64_t any __asm__("x9");
	__asm__("" : "=r"(any));
	STRATA_FAST_CALL_(SYSCALL_REPLY_WAIT, message, any, words);
}

/* Waits for an Irq of `set`, for ever. */
STRATA_FAST_ void strata_fast_wait_irq(uint64_t set)
{
	struct message message = {
		.words = {set, 0}
        };
	STRATA_FAST_CALL_(SYSCALL_WAIT, &message, WAIT_CLOSED, 2);
}
