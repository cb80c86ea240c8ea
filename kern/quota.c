/* SPDX-License-Identifier: BSD-2-Clause */
#include "quota.h"

#include "panic.h"

bool quota_charge(struct quota *quota, uint64_t bytes)
{
	uint64_t used = __atomic_load_n(&quota->used, __ATOMIC_RELAXED);
	do {
		uint64_t limit = __atomic_load_n(&quota->limit, __ATOMIC_RELAXED);
		if (used > limit || limit - used < bytes) {
			return false;
		}
	} while (!__atomic_compare_exchange_n(&quota->used, &used, used + bytes, true,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

void quota_refund(struct quota *quota, uint64_t bytes)
{
	uint64_t before = __atomic_fetch_sub(&quota->used, bytes, __ATOMIC_RELAXED);
	CHECK(before >= bytes);
}
