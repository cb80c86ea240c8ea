/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel information page (abi/kernel_info.h).
 */
#pragma once

#include <stdint.h>

/* Once, before user code runs: `cores` is how many run. */
void info_publish(uint32_t cores);
