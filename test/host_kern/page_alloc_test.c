/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page pool against a list of what was handed out.
 */
#include "machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define STEPS  200000
#define HELD   2100
#define BLOCKS 4

struct held {
	unsigned char *at;
	uint64_t size;
	unsigned char mark;
};

static struct held held[HELD];
static unsigned held_count;
static uint64_t held_bytes;

static void take(uint64_t size)
{
	unsigned char *at = size == PAGE_BYTES ? page_alloc() : page_alloc_pair();
	if (at == NULL) {
		return;
	}
	assert_int_equal((uintptr_t)at & (size - 1), 0);
	for (uint64_t i = 0; i < size; i += 512) {
		assert_int_equal(at[i], 0);
	}
	for (uint64_t i = 0; i < size / PAGE_BYTES; i++) {
		const struct page *descriptor = page_descriptor(at + i * PAGE_BYTES);
		assert_true(descriptor->a == 0 && descriptor->b == 0 && descriptor->e == 0);
		assert_ptr_equal(page_of_descriptor(descriptor), at + i * PAGE_BYTES);
	}
	unsigned char mark = (unsigned char)(1 + machine_random(255));
	memset(at, mark, size);
	memset(page_descriptor(at), mark, sizeof(struct page));
	held[held_count++] = (struct held){at, size, mark};
	held_bytes += size;
}

static void give(unsigned index)
{
	struct held gone = held[index];
	held[index] = held[--held_count];
	held_bytes -= gone.size;
	for (uint64_t i = 0; i < gone.size; i++) {
		assert_int_equal(gone.at[i], gone.mark);
	}
	/* What the owner left in the descriptor must not matter. */
	if (gone.size == PAGE_BYTES) {
		page_free(gone.at);
	} else {
		page_free_pair(gone.at);
	}
}

static void pages_and_pairs_are_never_handed_out_twice_and_all_come_back(void **state)
{
	(void)state;
	machine_reset(BLOCKS);
	uint64_t start = page_pool_free();
	for (unsigned step = 0; step < STEPS; step++) {
		bool fill = machine_random(1000) < (step / 5000 % 2 == 0 ? 600u : 400u);
		if (fill && held_count < HELD) {
			take(machine_random(3) == 0 ? 2 * PAGE_BYTES : PAGE_BYTES);
		} else if (held_count != 0) {
			give((unsigned)machine_random(held_count));
		}
		assert_int_equal(page_pool_free(), start - held_bytes);
	}
	while (held_count != 0) {
		give(held_count - 1);
	}
	assert_int_equal(page_pool_free(), start);
}

static void a_pool_can_be_used_up_to_the_last_page_and_as_pairs_again(void **state)
{
	(void)state;
	machine_reset(BLOCKS);
	uint64_t start = page_pool_free();
	while (page_pool_free() != 0) {
		take(PAGE_BYTES);
	}
	assert_null(page_alloc());
	assert_null(page_alloc_pair());
	while (held_count != 0) {
		give((unsigned)machine_random(held_count));
	}
	/* What is left over are pages whose neighbours were taken from the start. */
	uint64_t pairs = 0;
	while (page_alloc_pair() != NULL) {
		pairs++;
	}
	assert_true(pairs * 2 * PAGE_BYTES + 2 * PAGE_BYTES * BLOCKS >= start);
}

static void numbers_and_views_of_a_page_lead_back_to_it(void **state)
{
	(void)state;
	machine_reset(BLOCKS);
	for (unsigned i = 0; i < 100; i++) {
		char *pair = page_alloc_pair();
		uint64_t physical = page_physical(pair);
		assert_ptr_equal(page_at_number(page_number_of(pair, 13), 13), pair);
		assert_ptr_equal(page_of_physical(physical), pair);
		assert_int_equal(page_physical(page_direct(physical)), physical);
		pair[17] = (char)i;
		assert_int_equal(((char *)page_direct(physical))[17], (char)i);
		assert_ptr_equal(page_descriptor(page_direct(physical)),
				 (char *)page_descriptor(pair) - ARCH_POOL + ARCH_DIRECT +
					 POOL_BASE);
	}
}

static void a_fed_block_adds_508_pages(void **state)
{
	(void)state;
	machine_reset(BLOCKS);
	uint64_t start = page_pool_free(), size = page_pool_size();
	assert_true(page_pool_has_room());
	assert_true(page_pool_feed(POOL_SPARE));
	/* Less at most the kernel's tables for it. */
	assert_in_range(start + 508 * PAGE_BYTES - page_pool_free(), 0, 4 * PAGE_BYTES);
	assert_int_equal(page_pool_size(), size + 0x200000);
	void *page;
	bool seen = false;
	while ((page = page_alloc()) != NULL) {
		seen |= page_physical(page) >= POOL_SPARE;
		assert_ptr_equal(page_of_physical(page_physical(page)), page);
	}
	assert_true(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_and_pairs_are_never_handed_out_twice_and_all_come_back),
		cmocka_unit_test(a_pool_can_be_used_up_to_the_last_page_and_as_pairs_again),
		cmocka_unit_test(numbers_and_views_of_a_page_lead_back_to_it),
		cmocka_unit_test(a_fed_block_adds_508_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
