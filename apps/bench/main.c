/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark: a root task that does what each row is about, many times, between markers that the counting plugin sees.
 * The boot argument bench=NAME,NAME says which rows or groups of rows.
 */
#include "bench.h"
#include "world.h"

#include <common/tree.h>
#include <strata/log.h>
#include <strata/platform.h>

#include <stdbool.h>
#include <string.h>

_Noreturn void strata_main(const struct boot_info *info);

static const struct row *const tables[] = {rows_basic,  rows_ipc,    rows_memory,
					   rows_object, rows_growth, rows_stretch};

static const char *wanted = "";

void bench_check(enum status status, const char *what)
{
	if (status != STATUS_OK) {
		strata_log("bench: failed: %s: status %u", what, status);
		strata_power_off(1);
	}
}

void bench_value(const char *name, uint64_t value, const char *unit)
{
	strata_log("bench: value %s %lu %s", name, value, unit);
}

static bool ends_name(char c)
{
	return c == ',' || c == ' ' || c == '\0';
}

/* Reads bench= of the boot arguments. */
static void find_wanted(const struct boot_info *info)
{
	static const char option[] = "bench=";
	static char error[128];
	static struct tree tree;
	if (!tree_open(&tree, (const void *)info->tree.base, info->tree.size, error,
		       sizeof(error))) {
		return;
	}
	int chosen = tree_node_at(&tree, "/chosen", strlen("/chosen"));
	const char *at = chosen < 0 ? NULL : tree_string(&tree, chosen, "bootargs");
	for (; at != NULL; at = strchr(at, ' ') != NULL ? strchr(at, ' ') + 1 : NULL) {
		if (strncmp(at, option, strlen(option)) == 0) {
			wanted = at + strlen(option);
		}
	}
}

static bool is_wanted(const char *name)
{
	size_t length = strlen(name);
	for (const char *at = wanted;; at++) {
		if (strncmp(at, name, length) == 0 && ends_name(at[length])) {
			return true;
		}
		while (!ends_name(*at)) {
			at++;
		}
		if (*at != ',') {
			return false;
		}
	}
}

static void run(const struct row *row)
{
	strata_log("bench: row %s %u", row->name, row->count);
	BENCH_MARK_(row);
	row->run(row);
	BENCH_MARK_(row_end);
	world_reset();
}

_Noreturn void strata_main(const struct boot_info *info)
{
	find_wanted(info);
	world_init(info);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct row *row = tables[i]; row->name != NULL; row++) {
			if (is_wanted(row->group) || is_wanted(row->name)) {
				run(row);
			}
		}
	}
	strata_log("bench: done");
	strata_power_off(0);
}
