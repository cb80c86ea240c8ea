/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"

const struct row rows_memory[] = {
	{NULL, NULL, NULL, 0, 0},
};
