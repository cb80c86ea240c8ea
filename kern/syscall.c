/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doors by which a user thread comes in. There is one thread, the root task's, and two objects.
 */
#include "entry.h"
#include "log.h"
#include "panic.h"
#include "root.h"

#include <abi/syscall.h>
#include <arch/console.h>
#include <arch/context.h>

#include <stddef.h>
#include <string.h>

#define TAG_REGISTER        8
#define CAPABILITY_REGISTER 9
#define LAST_ZEROED         18

static uint64_t message_word(const struct arch_frame *frame, unsigned index)
{
	return index < MESSAGE_REGISTERS ? arch_frame_word(frame, index) : root_utcb()->words[index];
}

/* Each word is read once: user code on another core may change the UTCB meanwhile. */
static enum status log_write(const struct arch_frame *frame, unsigned words)
{
	char text[8 * (MESSAGE_WORDS - 1)];
	uint64_t size = message_word(frame, 0);
	if (words == 0 || words > MESSAGE_WORDS || size > 8 * (uint64_t)(words - 1)) {
		return STATUS_BAD_ARGUMENT;
	}
	for (unsigned i = 1; i < words; i++) {
		uint64_t word = message_word(frame, i);
		memcpy(&text[8 * (i - 1)], &word, sizeof(word));
	}
	log_bytes(text, size);
	return STATUS_OK;
}

static enum status call_log(const struct arch_frame *frame, uint64_t tag)
{
	return TAG_LABEL(tag) == LOG_WRITE ? log_write(frame, TAG_WORDS(tag)) : STATUS_NO_OPERATION;
}

static enum status call_platform(const struct arch_frame *frame, uint64_t tag)
{
	switch (TAG_LABEL(tag)) {
	case PLATFORM_POWER_OFF:
		arch_power_off((uint32_t)message_word(frame, 0));
	case PLATFORM_RESET:
		arch_power_reset();
	default:
		return STATUS_NO_OPERATION;
	}
}

static enum status call_object(const struct arch_frame *frame)
{
	uint64_t tag = arch_frame_word(frame, TAG_REGISTER);
	switch (arch_frame_word(frame, CAPABILITY_REGISTER)) {
	case ROOT_CAP_LOG:
		return call_log(frame, tag);
	case ROOT_CAP_PLATFORM:
		return call_platform(frame, tag);
	default:
		return STATUS_NO_CAPABILITY;
	}
}

_Noreturn void kernel_syscall(struct arch_frame *frame, uint32_t operation)
{
	enum status status = operation == SYSCALL_CALL ? call_object(frame) : STATUS_NO_OPERATION;
	for (unsigned i = 0; i <= LAST_ZEROED; i++) {
		arch_frame_set_word(frame, i, 0);
	}
	arch_frame_set_word(frame, TAG_REGISTER, TAG_MAKE(status, 0));
	arch_return_to_user(frame);
}

/* Nobody pages the root task: its program is loaded whole. */
_Noreturn void kernel_fault(struct arch_frame *frame, uint64_t address, enum fault_access access,
			    const char *kind)
{
	static const char *const names[] = {"read", "write", "execute"};
	panic_with(frame, ROOT_NAME, "the root task cannot %s address 0x%lx (%s)", names[access], address, kind);
}

_Noreturn void kernel_exception(struct arch_frame *frame, uint64_t code, uint64_t address, const char *what)
{
	if (address == FAULT_NO_ADDRESS) {
		panic_with(frame, ROOT_NAME, "the root task stopped: %s (ESR 0x%lx)", what, code);
	}
	panic_with(frame, ROOT_NAME, "the root task stopped: %s, address 0x%lx (ESR 0x%lx)", what, address, code);
}
