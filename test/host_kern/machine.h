/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine for the mapping database: memory for the pool, cores that are coroutines, and a history of what is written to
 * translation tables, checked as it grows.
 */
#pragma once

#include <kern/mapdb.h>
#include <kern/mapdb_slot.h>
#include <kern/page_alloc.h>
#include <kern/quota.h>
#include <kern/round.h>

#include <stdbool.h>
#include <stdint.h>

/* The pool's physical memory. */
#define POOL_BASE   0x40000000ul
#define POOL_BLOCKS 16ul
#define POOL_END    (POOL_BASE + (POOL_BLOCKS << 21))
/* More that can be fed. */
#define POOL_SPARE 0x80000000ul

/* Memory for users: 2 GiB; nobody looks into it. */
#define RAM_BASE 0x100000000ul

/* Starts over: an empty pool of `blocks`, no history, all locks free. */
void machine_reset(uint64_t blocks);

/* How often preempt_pending() says yes: once in `machine_preempt_every` calls; 0: never. */
extern unsigned machine_preempt_every;
/* How often it has said so. */
extern uint64_t machine_preempted;

/* History. */

/* An instruction that is left out of the history, as if the code had forgotten it. */
enum forget { FORGET_NOTHING, FORGET_TLBI, FORGET_DSB_ISH, FORGET_DSB_ISHST };
extern enum forget machine_forget;

/* Broken rules so far. The first one is printed, unless something is being forgotten. */
extern unsigned machine_violations;

/* An operation is complete: all it took must be gone from all TLBs, all it made visible to table walks. */
void machine_operation_ends(void);

/* Entries that TLBs may remember; 0 after every operation. */
unsigned machine_stale(void);

/* Two cores. */

/*
 * Runs `first` on core 0; at its cut number `cut` (from 0 on), `second` on core 1 as far as it goes without waiting for a
 * lock; whoever waits lets the other go on. True: the cut was reached.
 */
bool machine_interleave(void (*first)(void), void (*second)(void), unsigned cut);

/* The same, but the cores take turns at random: after a cut the other one goes on in one of `every` cases. */
void machine_interleave_randomly(void (*first)(void), void (*second)(void), unsigned every);

/* Whether second() had ended when first() did. */
extern bool machine_second_ended_first;

/* A random number below `limit`, from a seed. */
extern uint64_t machine_seed;
uint64_t machine_random(uint64_t limit);
