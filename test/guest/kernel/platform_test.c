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

static void write_info(void *out)
{
	*(struct kernel_info *)out = *strata_kernel_info();
}

static void expect_true_info(const struct kernel_info *info)
{
	uint64_t cores = 0, hz;
	EXPECT_EQ(info->magic, KERNEL_INFO_MAGIC);
	EXPECT_EQ(info->abi_version, ABI_VERSION);
	EXPECT_EQ(info->page_size, 4096);
	EXPECT_EQ(info->core_count, boot_info->core_count);
	EXPECT_OK(strata_scheduler_info(SCHEDULER, 0, &cores, NULL));
	EXPECT_EQ(info->core_count, cores);
	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	EXPECT_EQ(info->timer_hz, hz);
}

static void information_page_is_in_every_task(void)
{
	struct child_task child;
	struct thread thread;
	struct kernel_info *seen = new_shared(sizeof(*seen));
	expect_true_info(strata_kernel_info());
	REQUIRE(make_task(&child) && spawn(&thread, &child, write_info, seen) && join(&thread));
	expect_true_info(seen);
	for (const struct child_task *task = NULL;; task = &child) {
		EXPECT(can_access(task, KERNEL_INFO_ADDRESS, FAULT_READ));
		EXPECT(can_access(task, KERNEL_INFO_ADDRESS + 4088, FAULT_READ));
		EXPECT(!can_access(task, KERNEL_INFO_ADDRESS, FAULT_WRITE));
		EXPECT(!can_access(task, KERNEL_INFO_ADDRESS, FAULT_EXECUTE));
		EXPECT(!can_access(task, KERNEL_INFO_ADDRESS - 8, FAULT_READ));
		EXPECT(!can_access(task, KERNEL_INFO_ADDRESS + 4096, FAULT_READ));
		if (task == &child) {
			break;
		}
	}
}

/* Takes no items: the answer to a call that brings one is the kernel's refusal, or nothing. */
static void take_memory(struct server *server, struct message *message)
{
	(void)server;
	*message = message_of(0, 0, 0);
}

static void information_page_is_nobodys(void)
{
	struct child_task child;
	uint64_t info = KERNEL_INFO_ADDRESS, frame = new_frame(12), at = new_addresses(4096, 12);
	REQUIRE(make_task(&child));
	EXPECT_STATUS(OPERATE(child.cap, TASK_MAP, info, at, 4096, PAGE_READ), STATUS_BAD_RANGE);
	EXPECT_STATUS(OPERATE(child.cap, TASK_MAP, frame, info, 4096, PAGE_READ), STATUS_BAD_RANGE);
	EXPECT_STATUS(OPERATE(OWN_TASK, TASK_MAP, frame, info, 4096, PAGE_RIGHTS), STATUS_BAD_RANGE);
	EXPECT_STATUS(OPERATE(child.cap, TASK_UNMAP, info, 4096, UNMAP_SELF), STATUS_BAD_RANGE);
	EXPECT_STATUS(OPERATE(OWN_TASK, TASK_UNMAP, info, 4096, UNMAP_SELF), STATUS_BAD_RANGE);
	EXPECT_STATUS(OPERATE(OWN_TASK, TASK_AGE, info, 12, 1, 0), STATUS_BAD_RANGE);
	EXPECT_STATUS(OPERATE(OWN_TASK, TASK_SET_TYPE, info, 12, MEMORY_TYPE_DEVICE), STATUS_BAD_RANGE);
	EXPECT_STATUS(OPERATE(FACTORY, FACTORY_CREATE, OBJECT_THREAD, new_cap().index, child.cap.index, info),
		      STATUS_BAD_RANGE);
	struct server *server = new_server_with(
		&child, take_memory, (struct server){.memory_window = {info, 4096}});
	REQUIRE(server != NULL);
	struct message message = message_of(0, 0, 1);
	put_memory_item(0, info, 12, PAGE_READ, 0, 0);
	(void)strata_call(server->gate, &message);
	EXPECT_STATUS(message_status(&message), STATUS_BAD_RANGE);
	message = message_of(0, 0, 1);
	put_memory_item(0, frame, 12, PAGE_READ, 0, 0);
	(void)strata_call(server->gate, &message);
	EXPECT_STATUS(message_status(&message), STATUS_WINDOW);
	expect_true_info(strata_kernel_info());
}

TEST_TABLE({"the log writes what was sent and refuses more", log_writes_what_was_sent},
	   {"counters only grow", counters_only_grow},
	   {"every task can read the kernel information page, and nothing around it", information_page_is_in_every_task},
	   {"nobody can map, take or replace the kernel information page", information_page_is_nobodys});
