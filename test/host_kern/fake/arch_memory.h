/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the tests map the machine's memory: as the kernel sees it, twice.
 */
#pragma once

#define ARCH_DIRECT 0x200000000000ul
#define ARCH_POOL   0x300000000000ul
