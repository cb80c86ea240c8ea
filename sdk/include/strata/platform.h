/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Power, through the Platform object.
 */
#pragma once

#include <stdint.h>

/* Powers the machine off. `status` reaches whoever runs it under a debugger; 0 is success. */
_Noreturn void strata_power_off(uint32_t status);
