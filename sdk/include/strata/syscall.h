/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls, as C. A message's first eight words are in `struct message`, all else in the UTCB.
 */
#pragma once

#include <abi/abi.h>

/* A capability: an index in this task's table. */
typedef struct {
	uint64_t index;
} cap_t;

#define CAP(i) ((cap_t){i})

struct message {
	uint64_t words[MESSAGE_REGISTERS];
	uint64_t tag;
	uint64_t badge; /* of the capability by which it came; received only */
};

/* This thread's UTCB. Words 0 to 7 of it are not used: they travel in registers. */
struct utcb *strata_utcb(void);

/* Calls what `capability` names; the answer replaces the message. Returns the answer's label: a status, if it is the kernel's. */
uint32_t strata_call(cap_t capability, struct message *message);

/* Answers the caller, if one waits, with the message, and waits for the next call or Irq, which replaces it. */
void strata_reply_wait(struct message *message);

/* Hands the caller on to `gate` with this message, then as strata_reply_wait(). Window and rights are in the UTCB. */
void strata_forward(cap_t gate, struct message *message);

/* Waits for the next call or Irq. */
void strata_wait(struct message *message);

/* Waits for an Irq of `set`, or until `deadline` (CNTVCT_EL0; 0: for ever). Returns OK and the Irqs that fired, or TIMEOUT or CANCELLED. */
enum status strata_wait_irq(uint64_t set, uint64_t deadline, uint64_t *fired);

/* Lets others of this priority run. */
void strata_yield(void);

/* The label of an answer as a status. */
static inline enum status message_status(const struct message *message)
{
	return (enum status)TAG_LABEL(message->tag);
}

/* True if the message is the kernel's own, with this label. */
static inline int message_is_kernel(const struct message *message, enum kernel_label label)
{
	return (message->tag & TAG_KERNEL) != 0 && TAG_LABEL(message->tag) == (uint32_t)label;
}
