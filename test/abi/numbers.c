/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints all numbers, sizes and offsets of the ABI, a line each; golden.py compares them with golden.txt. All types of the
 * ABI have fixed widths and natural alignment, so this machine's layout is the 64-bit Arm's.
 */
#include <abi/abi.h>

#include <stddef.h>
#include <stdio.h>

_Static_assert(sizeof(void *) == 8 && _Alignof(uint64_t) == 8, "a 64-bit machine");

static void print(const char *name, unsigned long number)
{
	printf("%-32s %lu\n", name, number);
}

static void print_hex(const char *name, unsigned long number)
{
	printf("%-32s 0x%lx\n", name, number);
}

#define NUMBER(name)         print(#name, (unsigned long)(name))
#define BITS(name)           print_hex(#name, (unsigned long)(name))
#define SIZE(type)           print("sizeof " #type, sizeof(type))
#define OFFSET(type, member) print(#type "." #member, offsetof(type, member))

static void print_lists(void)
{
	NUMBER(ABI_VERSION);
#define STATUS(number, name, meaning) NUMBER(STATUS_##name);
#include <abi/status.def>
#undef STATUS
	NUMBER(STATUS_COUNT);
	NUMBER(OBJECT_NONE);
#define OBJECT(number, name, what) NUMBER(OBJECT_##name);
#include <abi/objects.def>
#undef OBJECT
	NUMBER(OBJECT_KINDS);
#define OPERATION(object, name, number, right, in, out, what) NUMBER(object##_##name);
#define REFUSAL(object, name, status, when)
#include <abi/operations.def>
#undef OPERATION
#undef REFUSAL
#define COUNTER(name, what) NUMBER(COUNTER_##name);
#include <abi/counters.def>
#undef COUNTER
	NUMBER(COUNTER_COUNT);
}

/* The rights that operations need are part of the contract too. */
static void print_needed_rights(void)
{
#define OPERATION(object, name, number, right, in, out, what) \
	print_hex(#object "_" #name " needs", RIGHT_##right);
#define REFUSAL(object, name, status, when)
#include <abi/operations.def>
#undef OPERATION
#undef REFUSAL
}

static void print_fixed(void)
{
	NUMBER(ROOT_CAP_TASK);
	NUMBER(ROOT_CAP_THREAD);
	NUMBER(ROOT_CAP_FACTORY);
	NUMBER(ROOT_CAP_SCHEDULER);
	NUMBER(ROOT_CAP_ICU);
	NUMBER(ROOT_CAP_LOG);
	NUMBER(ROOT_CAP_PLATFORM);
	NUMBER(ROOT_CAP_FIRST_FREE);
	NUMBER(THREAD_STATE_READY);
	NUMBER(THREAD_STATE_CALLING);
	NUMBER(THREAD_STATE_IN_CALL);
	NUMBER(THREAD_STATE_IDLE);
	NUMBER(THREAD_STATE_WAITING);
	NUMBER(THREAD_STATE_REMOTE);
	NUMBER(THREAD_STATE_STOPPED);
	BITS(RIGHT_READ);
	BITS(RIGHT_WRITE);
	BITS(RIGHT_EXECUTE);
	BITS(RIGHT_SPECIAL);
	BITS(RIGHT_CONTROL);
	BITS(RIGHT_SEND);
	BITS(RIGHTS_ALL);
	NUMBER(CAP_INDEX_LIMIT);
}

static void print_calls(void)
{
	NUMBER(SYSCALL_CALL);
	NUMBER(SYSCALL_REPLY_WAIT);
	NUMBER(SYSCALL_FORWARD);
	NUMBER(SYSCALL_WAIT);
	NUMBER(SYSCALL_YIELD);
	NUMBER(WAIT_OPEN);
	NUMBER(WAIT_CLOSED);
	NUMBER(MESSAGE_REGISTERS);
	NUMBER(MESSAGE_WORDS);
	NUMBER(MESSAGE_ITEMS);
	BITS(TAG_MAKE(1, 0, 0));
	BITS(TAG_MAKE(0, 1, 0));
	BITS(TAG_MAKE(0, 0, 1));
	BITS(TAG_KERNEL);
	BITS(TAG_WORDS(~0ul));
	BITS(TAG_ITEMS(~0ul));
	BITS(TAG_RIGHTS(~0ul));
	BITS(TAG_RIGHTS(1ul << 16));
	BITS(TAG_LABEL(~0ul));
	BITS(TAG_LABEL(1ul << 32));
	BITS(LABEL_FAULT);
	BITS(LABEL_EXCEPTION);
	BITS(LABEL_IRQ);
}

static void print_kernel_messages(void)
{
	NUMBER(FAULT_WORD_ADDRESS);
	NUMBER(FAULT_WORD_PC);
	NUMBER(FAULT_WORD_ACCESS);
	NUMBER(FAULT_WORDS);
	NUMBER(FAULT_READ);
	NUMBER(FAULT_WRITE);
	NUMBER(FAULT_EXECUTE);
	NUMBER(EXCEPTION_WORD_REASON);
	NUMBER(EXCEPTION_WORD_CODE);
	NUMBER(EXCEPTION_WORD_ADDRESS);
	NUMBER(EXCEPTION_WORD_STATUS);
	NUMBER(EXCEPTION_WORD_ACCESS);
	NUMBER(EXCEPTION_WORD_X0);
	NUMBER(EXCEPTION_WORD_SP);
	NUMBER(EXCEPTION_WORD_PC);
	NUMBER(EXCEPTION_WORD_PSTATE);
	NUMBER(EXCEPTION_WORD_TLS);
	NUMBER(EXCEPTION_WORDS);
	NUMBER(EXCEPTION_TRAP);
	NUMBER(EXCEPTION_FAULT);
	NUMBER(REGISTER_WORD_SP);
	NUMBER(REGISTER_WORD_PC);
	NUMBER(REGISTER_WORD_PSTATE);
	NUMBER(REGISTER_WORD_TLS);
	NUMBER(REGISTER_WORDS);
}

static void print_items(void)
{
	BITS(ITEM_MEMORY);
	BITS(ITEM_CAPABILITY);
	BITS(ITEM_KIND_MASK);
	BITS(PAGE_READ);
	BITS(PAGE_WRITE);
	BITS(PAGE_EXECUTE);
	BITS(PAGE_RIGHTS);
	NUMBER(MEMORY_TYPE_NORMAL);
	NUMBER(MEMORY_TYPE_NONCACHEABLE);
	NUMBER(MEMORY_TYPE_DEVICE);
	BITS(ITEM_GRANT);
	BITS(ITEM_REPLACE);
	BITS(ITEM_TRACK);
	BITS(ITEM_FLAGS);
	BITS(ITEM_ORDER(~0ul));
	BITS(ITEM_ADDRESS(~0ul));
	BITS(ITEM_MEMORY_MAKE(0x1000, 1, 0));
	BITS(ITEM_CAPABILITY_MAKE(1));
	NUMBER(RECEIVED_NOTHING);
	NUMBER(RECEIVED_MEMORY);
	NUMBER(RECEIVED_CAPABILITY);
	NUMBER(RECEIVED_BADGE);
	BITS(RECEIVED_KIND(~0ul));
	BITS(RECEIVED_RIGHTS(~0ul));
	BITS(MAP_GRANT);
	BITS(MAP_TRACK);
	BITS(UNMAP_SELF);
	BITS(UNMAPPED_REFERENCED);
	BITS(UNMAPPED_DIRTY);
	BITS(CAP_SET_BADGE);
}

static void print_utcb(void)
{
	SIZE(struct message_item);
	OFFSET(struct message_item, page);
	OFFSET(struct message_item, place);
	SIZE(struct window);
	OFFSET(struct window, base);
	OFFSET(struct window, size);
	SIZE(struct utcb);
	OFFSET(struct utcb, words);
	OFFSET(struct utcb, items);
	OFFSET(struct utcb, memory_window);
	OFFSET(struct utcb, capability_window);
	OFFSET(struct utcb, forward_window);
	OFFSET(struct utcb, forward_rights);
}

static void print_kernel_info(void)
{
	BITS(KERNEL_INFO_ADDRESS);
	BITS(KERNEL_INFO_MAGIC);
	SIZE(struct kernel_info);
	OFFSET(struct kernel_info, magic);
	OFFSET(struct kernel_info, abi_version);
	OFFSET(struct kernel_info, core_count);
	OFFSET(struct kernel_info, page_size);
	OFFSET(struct kernel_info, timer_hz);
}

static void print_boot_info(void)
{
	BITS(BOOT_INFO_MAGIC);
	NUMBER(BOOT_INFO_VERSION);
	BITS(BOOT_INFO_WINDOW);
	SIZE(struct boot_info_module);
	OFFSET(struct boot_info_module, base);
	OFFSET(struct boot_info_module, size);
	SIZE(struct boot_info_range);
	OFFSET(struct boot_info_range, physical);
	OFFSET(struct boot_info_range, size);
	OFFSET(struct boot_info_range, kind);
	SIZE(struct boot_info);
	OFFSET(struct boot_info, magic);
	OFFSET(struct boot_info, version);
	OFFSET(struct boot_info, bytes);
	OFFSET(struct boot_info, abi_version);
	OFFSET(struct boot_info, unused);
	OFFSET(struct boot_info, window);
	OFFSET(struct boot_info, page_size);
	OFFSET(struct boot_info, core_count);
	OFFSET(struct boot_info, core_missing);
	OFFSET(struct boot_info, tree);
	OFFSET(struct boot_info, modules);
	OFFSET(struct boot_info, kernel_pool_size);
	OFFSET(struct boot_info, kernel_pool_free);
	OFFSET(struct boot_info, timer_hz);
	OFFSET(struct boot_info, range_count);
	OFFSET(struct boot_info, ranges);
	NUMBER(MEMORY_FREE);
	NUMBER(MEMORY_RESERVED);
	NUMBER(MEMORY_UNUSABLE);
	NUMBER(MEMORY_KERNEL);
	NUMBER(MEMORY_BOOT);
	NUMBER(MEMORY_ROOT);
	NUMBER(MEMORY_MODULE);
	NUMBER(MEMORY_KIND_COUNT);
}

int main(void)
{
	print_lists();
	print_needed_rights();
	print_fixed();
	print_calls();
	print_kernel_messages();
	print_items();
	print_utcb();
	print_kernel_info();
	print_boot_info();
	return 0;
}
