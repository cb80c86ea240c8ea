/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The root task: the one user task that the kernel starts.
 */
#pragma once

#include <stdint.h>

struct handover;
struct utcb;

/* The name by which logs speak of its program. */
#define ROOT_NAME "roottask"

/* Makes its address space, boot-information pages and thread, and runs it. `running` cores are up. */
_Noreturn void root_start(const struct handover *boot, uint32_t running);

/* The root thread's UTCB as the kernel sees it. */
struct utcb *root_utcb(void);
