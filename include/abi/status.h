/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a call ends, for kernel and user code alike.
 */
#pragma once

enum status {
#define STATUS(number, name, meaning) STATUS_##name = number,
#include "status.def"
#undef STATUS
	STATUS_COUNT /* no status: one more than the last */
};
