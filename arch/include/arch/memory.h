/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the kernel sees the memory of its pool: ARCH_DIRECT + physical address, and the window ARCH_POOL.
 */
#pragma once

#include <arch_memory.h>
