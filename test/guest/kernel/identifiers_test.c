/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * So many tasks that no address space identifier is left. Needs 600 MiB of kernel memory (boot argument kernel_pool).
 */
#include "harness.h"

static void all_identifiers_are_used_and_come_back(void)
{
	cap_t factory = new_cap(), store = new_cap();
	uint64_t made = 0, index = TEST_CAP_END;
	enum status status = STATUS_OK;
	allow_milliseconds(80000);
	REQUIRE_OK(strata_create_factory(cap_t_of(ROOT_CAP_FACTORY), factory.index, 610ul << 20));
	REQUIRE_OK(strata_create_task(FACTORY, store.index));
	for (uint64_t stored = 1; status == STATUS_OK && made < 70000; made++) {
		if (made < 10000) {
			status = strata_create_task(factory, index);
			if (status == STATUS_OK) {
				REQUIRE_OK(strata_cap_move(store, cap_t_of(index), stored++));
			}
		} else {
			status = strata_create_task(factory, index++);
		}
	}
	made--;
	index--; /* the one that failed */
	EXPECT_STATUS(status, STATUS_NO_ASID);
	note("%lu tasks", made);
	/* Two more have one: this task, and the store. 0 is nobody's. */
	EXPECT(made == 65536 - 3 || made == 256 - 3);
	uint64_t before = now();
	EXPECT_STATUS(strata_create_task(factory, index), STATUS_NO_ASID);
	EXPECT(now() - before < milliseconds(5));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, index - 1));
	sleep_for(milliseconds(1));
	EXPECT_OK(strata_create_task(factory, index - 1));
	EXPECT_STATUS(strata_create_task(factory, index), STATUS_NO_ASID);
	before = now();
	REQUIRE_OK(strata_cap_delete(OWN_TASK, factory.index));
	note("destroyed in %lu ms", (now() - before) / milliseconds(1));
	sleep_for(milliseconds(10));
	EXPECT_STATUS(strata_cap_info(OWN_TASK, index - 1, NULL, NULL, NULL), STATUS_NOT_FOUND);
	REQUIRE_OK(strata_create_task(FACTORY, index));
	REQUIRE_OK(strata_cap_delete(OWN_TASK, index));
	expect_pool_loss(((index - TEST_CAP_END) / 128 + 1) *
			 4096); /* this task's table has grown */
}

TEST_TABLE({"all address space identifiers can be used, and come back",
	    all_identifiers_are_used_and_come_back});
