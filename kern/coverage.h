/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which (operation, status) pairs were returned: debug builds print them when the machine is powered off, and a test
 * compares them with what operations.def documents.
 */
#pragma once

#include <abi/abi.h>

void coverage_note(unsigned kind, uint32_t label, enum status status);
void coverage_print(void);
