/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"

const struct row rows_stretch[] = {
	{NULL, NULL, NULL, 0, 0},
};
