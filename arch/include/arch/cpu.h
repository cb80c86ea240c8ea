/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cores: which one runs this, how they wait, how they are told.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ARCH_CORES_MAX 8

/* The number of the core that runs this, below ARCH_CORES_MAX. The boot core is 0. */
uint32_t arch_core_number(void);

/* Waits for an interrupt to be pending on this core (which stays masked). May return early. */
void arch_core_wait(void);

/* A hint inside a loop that polls memory which another core writes. */
void arch_core_relax(void);

/* Sends the inter-processor interrupt `ipi` to core `core`: the writes before it are visible there when it arrives. */
enum arch_ipi { ARCH_IPI_WAKE = 0, ARCH_IPI_HALT = 1 };
void arch_core_send(uint32_t core, enum arch_ipi ipi);

/* Leaves the boot stage for good: until a task's address space is entered, no user address is mapped; from now on
 * system errors are taken. */
void arch_core_leave_boot(void);

/* Stops this core for ever. */
_Noreturn void arch_core_halt(void);
