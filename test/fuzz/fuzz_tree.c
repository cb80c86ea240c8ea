/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a device tree: machine_read() must end, stay inside, and either explain itself or
 * keep the promises of machine.h. And a tree that is accepted is accepted by libfdt too, which must
 * find the same in it.
 */
#include <common/machine.h>
#include <common/tree.h>

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#define PHYSICAL UINT64_C(0x48000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void check_map(const struct memory_map *map)
{
	check(map->count <= MEMORY_MAP_MAX);
	for (size_t i = 0; i < map->count; i++) {
		const struct memory_range *item = &map->items[i];
		check(item->size != 0 && item->base + item->size > item->base);
		check(item->kind == MEMORY_FREE || item->kind == MEMORY_RESERVED ||
		      item->kind == MEMORY_MODULE);
		if (i > 0) {
			uint64_t end = item[-1].base + item[-1].size;
			check(end < item->base ||
			      (end == item->base && item[-1].kind != item->kind));
		}
	}
}

static void check_region(struct machine_region region)
{
	check(region.base + region.size >= region.base);
}

static void check_cores(const struct machine *machine)
{
	check(machine->core_count >= 1 && machine->core_count <= MACHINE_MAX_CORES);
	for (size_t i = 0; i < machine->core_count; i++) {
		for (size_t j = 0; j < i; j++) {
			check(machine->cores[i].affinity != machine->cores[j].affinity);
		}
		check(machine->cores[i].release_address % 8 == 0);
	}
}

static void check_gic(const struct machine_gic *gic)
{
	check(gic->kind != MACHINE_GIC_NONE);
	check(gic->distributor.size != 0);
	check_region(gic->distributor);
	check_region(gic->cpu_interface);
	check((gic->kind == MACHINE_GIC_V2) == (gic->cpu_interface.size != 0));
	check((gic->kind == MACHINE_GIC_V3) == (gic->redistributor_count != 0));
	check(gic->redistributor_count <= MACHINE_MAX_REGIONS);
	for (size_t i = 0; i < gic->redistributor_count; i++) {
		check_region(gic->redistributors[i]);
	}
}

static void check_machine(const struct machine *machine)
{
	const struct machine_region *initrd = &machine->initrd;
	check(memory_map_total(&machine->memory) != 0);
	check(initrd->size ==
	      memory_map_bytes_in(&machine->memory, initrd->base, initrd->size, MEMORY_MODULE));
	check(machine->timer_virtual_intid >= 16 && machine->timer_virtual_intid <= 31);
	check((machine->console.kind == MACHINE_CONSOLE_NONE) ==
	      (machine->console.registers.size == 0));
	check_cores(machine);
	check_gic(&machine->gic);
}

static int node_or_none(int offset)
{
	return offset >= 0 ? offset : TREE_NO_NODE;
}

static void compare_property(const struct tree *tree, int node, const char *name)
{
	struct tree_property property;
	int size;
	const void *data = fdt_getprop(tree->fdt, node, name, &size);
	check(tree_property(tree, node, name, &property) == (data != NULL));
	check(property.data == data && property.size == (size_t)(data != NULL ? size : 0));
}

static void compare_properties(const struct tree *tree, int node)
{
	int at;
	fdt_for_each_property_offset(at, tree->fdt, node)
	{
		const char *name;
		check(fdt_getprop_by_offset(tree->fdt, at, &name, NULL) != NULL);
		compare_property(tree, node, name);
	}
	compare_property(tree, node, "reg");
	compare_property(tree, node, "");
}

/* Through the path, as far as names are unlike each other. */
static void compare_path(const struct tree *tree, int node)
{
	char path[256];
	if (fdt_get_path(tree->fdt, node, path, sizeof(path)) == 0) {
		check(tree_node_at(tree, path, strlen(path)) ==
		      node_or_none(fdt_path_offset(tree->fdt, path)));
	}
}

static void compare_relatives(const struct tree *tree, int node)
{
	const void *fdt = tree->fdt;
	check(tree_parent(tree, node) == node_or_none(fdt_parent_offset(fdt, node)));
	check(tree_first_child(tree, node) == node_or_none(fdt_first_subnode(fdt, node)));
	check(tree_next_sibling(tree, node) == node_or_none(fdt_next_subnode(fdt, node)));
	uint32_t phandle = fdt_get_phandle(fdt, node);
	check(tree_node_by_phandle(tree, phandle) ==
	      node_or_none(fdt_node_offset_by_phandle(fdt, phandle)));
}

static void compare_with_libfdt(const void *fdt, size_t size)
{
	struct tree tree;
	char error[MACHINE_ERROR_MAX];
	if (!tree_open(&tree, fdt, size, error, sizeof(error))) {
		return;
	}
	check(fdt_check_full(fdt, fdt_totalsize(fdt)) == 0);
	int depth = 0, their_depth = 0, node = 0, their_node = 0, compared = 0;
	while (node >= 0) {
		check(node == their_node && depth == their_depth);
		compare_properties(&tree, node);
		if (compared++ < 16) { /* libfdt's are slow */
			compare_path(&tree, node);
			compare_relatives(&tree, node);
		}
		node = tree_next(&tree, node, &depth);
		their_node = fdt_next_node(fdt, their_node, &their_depth);
	}
	check(their_node < 0 || their_depth < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine machine;
	char error[MACHINE_ERROR_MAX];
	void *copy = malloc(size + (size == 0)); /* libFuzzer does not promise alignment */
	memcpy(copy, data, size);

	bool ok = machine_read(copy, size, PHYSICAL, &machine, error);
	check(strnlen(error, sizeof(error)) < sizeof(error));
	check(ok == (error[0] == '\0'));
	check_map(&machine.memory);
	check(strlen(machine.model) + strlen(machine.bootargs) <= size + sizeof("unknown machine"));
	if (ok) {
		check_machine(&machine);
	}
	compare_with_libfdt(copy, size);
	free(copy);
	return 0;
}
