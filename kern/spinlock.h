/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ticket spinlocks: first come, first served. Held with interrupts masked, as everything in the kernel.
 */
#pragma once

#include <arch/cpu.h>
#include <arch/timer.h>

#include <stdbool.h>
#include <stdint.h>

struct spinlock {
	uint32_t next;   /* the ticket for who comes next */
	uint32_t served; /* the ticket that holds the lock */
};

static inline void spinlock_lock(struct spinlock *lock)
{
	uint32_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&lock->served, __ATOMIC_ACQUIRE) != ticket) {
		arch_core_relax();
	}
}

/* The same, but gives up at `deadline`: false, and the lock is no good to anybody any more. */
static inline bool spinlock_lock_until(struct spinlock *lock, uint64_t deadline)
{
	uint32_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&lock->served, __ATOMIC_ACQUIRE) != ticket) {
		if (arch_timer_now() > deadline) {
			return false;
		}
		arch_core_relax();
	}
	return true;
}

static inline void spinlock_unlock(struct spinlock *lock)
{
	__atomic_store_n(&lock->served, lock->served + 1, __ATOMIC_RELEASE);
}
