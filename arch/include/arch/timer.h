/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generic timer: one counter for all cores, one comparator per core. Times are counter ticks.
 */
#pragma once

#include <stdint.h>

struct arch_handover;

void arch_timer_init(const struct arch_handover *boot);

/* On every core: its interrupt enabled, nothing armed. */
void arch_timer_init_core(void);

uint64_t arch_timer_now(void);

/* Ticks a second; what firmware wrote to CNTFRQ_EL0. */
uint64_t arch_timer_hz(void);

/* The INTID of the timer's interrupt; it is level triggered, so it stays pending until armed anew or stopped. */
uint32_t arch_timer_intid(void);

void arch_timer_arm(uint64_t deadline);
void arch_timer_stop(void);
