/* SPDX-License-Identifier: BSD-2-Clause */
#include <strata/syscall.h>

struct utcb *strata_utcb(void)
{
	struct utcb *utcb;
	__asm__("mrs %0, tpidrro_el0" : "=r"(utcb));
	return utcb;
}

/* One SVC with its registers: x0 to x7 words, x8 tag, x9 index, kind or badge. */
#define SYSTEM_CALL(operation, in_out, argument)                                                       \
	do {                                                                                           \
		struct message *m_ = (in_out);                                                         \
		register uint64_t x0 __asm__("x0") = m_->words[0];                                     \
		register uint64_t x1 __asm__("x1") = m_->words[1];                                     \
		register uint64_t x2 __asm__("x2") = m_->words[2];                                     \
		register uint64_t x3 __asm__("x3") = m_->words[3];                                     \
		register uint64_t x4 __asm__("x4") = m_->words[4];                                     \
		register uint64_t x5 __asm__("x5") = m_->words[5];                                     \
		register uint64_t x6 __asm__("x6") = m_->words[6];                                     \
		register uint64_t x7 __asm__("x7") = m_->words[7];                                     \
		register uint64_t x8 __asm__("x8") = m_->tag;                                          \
		register uint64_t x9 __asm__("x9") = (argument);                                       \
		__asm__ volatile("svc %[op]"                                                           \
				 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5),         \
				   "+r"(x6), "+r"(x7), "+r"(x8), "+r"(x9)                              \
				 : [op] "i"(operation)                                                 \
				 : "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",      \
				   "memory", "cc");                                                    \
		m_->words[0] = x0;                                                                     \
		m_->words[1] = x1;                                                                     \
		m_->words[2] = x2;                                                                     \
		m_->words[3] = x3;                                                                     \
		m_->words[4] = x4;                                                                     \
		m_->words[5] = x5;                                                                     \
		m_->words[6] = x6;                                                                     \
		m_->words[7] = x7;                                                                     \
		m_->tag = x8;                                                                          \
		m_->badge = x9;                                                                        \
	} while (0)

uint32_t strata_call(cap_t capability, struct message *message)
{
	SYSTEM_CALL(SYSCALL_CALL, message, capability.index);
	return TAG_LABEL(message->tag);
}

void strata_reply_wait(struct message *message)
{
	SYSTEM_CALL(SYSCALL_REPLY_WAIT, message, 0);
}

void strata_forward(cap_t gate, struct message *message)
{
	SYSTEM_CALL(SYSCALL_FORWARD, message, gate.index);
}

void strata_wait(struct message *message)
{
	SYSTEM_CALL(SYSCALL_WAIT, message, WAIT_OPEN);
}

enum status strata_wait_irq(uint64_t set, uint64_t deadline, uint64_t *fired)
{
	struct message message = {.words = {set, deadline}};
	SYSTEM_CALL(SYSCALL_WAIT, &message, WAIT_CLOSED);
	if (!message_is_kernel(&message, LABEL_IRQ)) {
		return message_status(&message);
	}
	*fired = message.words[0];
	return STATUS_OK;
}

void strata_yield(void)
{
	struct message message = {0};
	SYSTEM_CALL(SYSCALL_YIELD, &message, 0);
}
