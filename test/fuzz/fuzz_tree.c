/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a device tree: machine_read() must end, stay inside, and either explain itself or
 * keep the promises of machine.h.
 */
#include <common/machine.h>

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
	free(copy);
	return 0;
}
