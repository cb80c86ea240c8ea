/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the kernel sees the memory of its pool: at ARCH_DIRECT + physical address, and in the pool window.
 */
#pragma once

#include "layout.h"

#define ARCH_DIRECT KV_DIRECT
#define ARCH_POOL   KV_POOL
