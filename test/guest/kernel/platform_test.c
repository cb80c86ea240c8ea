/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log and Platform.
 */
#include "harness.h"

#include <string.h>

static enum status write_words(uint64_t bytes, unsigned words)
{
	uint64_t *utcb = strata_utcb()->words;
	struct message message = message_of(LOG_WRITE, words, 0);
	message.words[0] = bytes;
	memset(&message.words[1], '#', sizeof(message.words) - 8);
	memset(&utcb[MESSAGE_REGISTERS], '#', 8 * (MESSAGE_WORDS - MESSAGE_REGISTERS));
	utcb[MESSAGE_WORDS - 1] = 0x0a23232323232323;
	(void)strata_call(cap_t_of(ROOT_CAP_LOG), &message);
	return message_status(&message);
}

static void log_writes_what_was_sent(void)
{
	EXPECT_OK(write_words(0, 1));
	EXPECT_OK(write_words(504, 64));
	EXPECT_STATUS(write_words(0, 0), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(write_words(1, 1), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(write_words(9, 2), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(write_words(505, 64), STATUS_BAD_ARGUMENT);
	EXPECT_STATUS(write_words(~0ul, 64), STATUS_BAD_ARGUMENT);
}

static void counters_only_grow(void)
{
	uint64_t before[COUNTER_COUNT], after[COUNTER_COUNT];
	REQUIRE_OK(strata_platform_counters(PLATFORM, 0, before));
	sleep_for(milliseconds(5));
	REQUIRE_OK(strata_platform_counters(PLATFORM, 0, after));
	for (unsigned i = 0; i < COUNTER_COUNT; i++) {
		EXPECT(after[i] >= before[i]);
	}
	EXPECT(after[COUNTER_INTERRUPTS] > before[COUNTER_INTERRUPTS]);
}

TEST_TABLE({"the log writes what was sent and refuses more", log_writes_what_was_sent},
	   {"counters only grow", counters_only_grow});
