/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a row needs around it: tasks that share this program, threads in them, memory. All of it goes after the row.
 */
#pragma once

#include "bench.h"

#include <strata/syscall.h>

#define PAGE  4096ul
#define BLOCK 0x200000ul
#define GIANT 0x40000000ul

/* Addresses that rows may use in tasks of their own: nothing is there. */
#define FREE_VA 0x100000000000ul

#define MAIN_PRIORITY   128
#define SERVER_PRIORITY 200 /* runs to its first wait at once */

void world_init(const struct boot_info *info);

/* Deletes all objects that were made since the start, and takes all memory back. */
void world_reset(void);

/* An index in this task's table that is free. */
uint64_t world_index(void);

/* `size` bytes of memory at an address that is a multiple of it, held as the machine's memory came: in pages as large as
 * fit. Below 2 MiB they lie in one page of 2 MiB. */
uint64_t world_memory(uint64_t size);

/* 2 MiB in pages of 4 KiB; at most once in a row. Then into one again. */
uint64_t world_split_memory(void);
void world_join_memory(void);

/* The kernel's free memory. */
uint64_t world_pool_free(void);

/* A task with this program and its memory in it. */
cap_t world_task(void);

/* A task with nothing in it. */
cap_t world_empty_task(void);

/* An address for a UTCB, near to those of the others. */
uint64_t world_utcb(void);

/* A thread of `task` that is not started, at an address of its own for its UTCB. */
cap_t world_thread(cap_t task);

/* The same, and it runs `entry`(argument) with a stack of 8 KiB. */
cap_t world_start(cap_t task, unsigned priority, void (*entry)(uint64_t argument),
		  uint64_t argument);

/* The same, less urgent than the main thread, and its page faults go to `pager`. */
cap_t world_start_paged(cap_t task, cap_t pager, void (*entry)(uint64_t argument));

cap_t world_gate(void);

/* A gate that a new thread of `task` serves by `entry`. */
cap_t world_server(cap_t task, void (*entry)(uint64_t argument), uint64_t argument);

/* An Irq that tells `thread` by `bit`. */
cap_t world_irq(cap_t thread, unsigned bit);

/* Puts a capability of this task into `task`, at the same index. */
void world_share(cap_t task, cap_t capability);

/* For a thread that is done: tells the main thread, and never returns. Its task has the capability. */
_Noreturn void world_finish(void);

/* The main thread waits for world_finish(). */
void world_await(void);
