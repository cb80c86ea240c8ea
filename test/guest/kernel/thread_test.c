/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

static void do_nothing(void *argument)
{
	(void)argument;
}

static void first(void)
{
	struct thread thread;
	REQUIRE(spawn(&thread, NULL, do_nothing, NULL));
	EXPECT(join(&thread));
}

TEST_TABLE({"a thread runs and ends", first});
