/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine, as trees of real shape describe it, and what is said of broken trees.
 *
 * A tree is loaded with room to grow, edited with libfdt, packed, and read from a copy of exactly
 * its size that malloc() gave, so that ASan sees each byte read too many.
 */
#include <common/machine.h>

#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOM     16384
#define PHYSICAL UINT64_C(0x2eff2000) /* where trees lie that no test puts elsewhere */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static _Alignas(8) char tree[ROOM];
static struct machine machine;
static char error[MACHINE_ERROR_MAX];

static void load(const char *name)
{
	static char file[ROOM];
	char path[512];
	snprintf(path, sizeof(path), "%s/%s.dtb", TREES_DIR, name);
	FILE *stream = fopen(path, "rb");
	assert_non_null(stream);
	assert_true(fread(file, 1, sizeof(file), stream) > 0);
	fclose(stream);
	assert_int_equal(fdt_open_into(file, tree, sizeof(tree)), 0);
}

/* Reads the tree as it stands, or the first `size` bytes of it. */
static bool read_bytes(size_t size, uint64_t physical)
{
	void *copy = malloc(size + (size == 0));
	memcpy(copy, tree, size);
	bool ok = machine_read(copy, size, physical, &machine, error);
	assert_true(memchr(error, '\0', sizeof(error)) != NULL);
	assert_true(ok == (error[0] == '\0'));
	/* What points into the copy must not be looked at once it is gone. */
	free(copy);
	return ok;
}

static bool read_at(uint64_t physical)
{
	assert_int_equal(fdt_pack(tree), 0);
	return read_bytes(fdt_totalsize(tree), physical);
}

static void read_well(const char *name)
{
	load(name);
	read_at(PHYSICAL);
	assert_string_equal(error, "");
}

static int node(const char *path)
{
	int offset = fdt_path_offset(tree, path);
	assert_true(offset >= 0);
	return offset;
}

static void set_cells(const char *path, const char *name, size_t count, const uint32_t *cells)
{
	fdt32_t value[16];
	for (size_t i = 0; i < count; i++) {
		value[i] = cpu_to_fdt32(cells[i]);
	}
	assert_int_equal(
		fdt_setprop(tree, node(path), name, value, (int)(count * sizeof(value[0]))), 0);
}

#define SET_CELLS(path, name, ...) \
	set_cells(path, name, COUNT(((uint32_t[]){__VA_ARGS__})), (uint32_t[]){__VA_ARGS__})

static void set_string(const char *path, const char *name, const char *value)
{
	int size = (int)strlen(value) + 1;
	assert_int_equal(fdt_setprop(tree, node(path), name, value, size), 0);
}

/* --- What the trees say --- */

static void assert_map(size_t count, const struct memory_range *expected)
{
	for (size_t i = 0; i < machine.memory.count && i < count; i++) {
		assert_int_equal(machine.memory.items[i].base, expected[i].base);
		assert_int_equal(machine.memory.items[i].size, expected[i].size);
		assert_int_equal(machine.memory.items[i].kind, expected[i].kind);
	}
	assert_int_equal(machine.memory.count, count);
}

#define ASSERT_MAP(...)                                           \
	assert_map(COUNT(((struct memory_range[]){__VA_ARGS__})), \
		   (struct memory_range[]){__VA_ARGS__})

/* The tree lies just behind the initrd, as the firmware puts it, and shares no page with it. */
#define PI_PHYSICAL UINT64_C(0x2eff3100)

#define PI_LOW_MEMORY                                                    \
	{0, 0x1000, MEMORY_RESERVED}, {0x1000, 0x2ebff000, MEMORY_FREE}, \
		{0x2ec00000, 0x3f4000, MEMORY_MODULE},                   \
	{                                                                \
		0x2eff4000, 0xc40c000, MEMORY_FREE                       \
	}

static void read_pi(const char *name)
{
	load(name);
	read_at(PI_PHYSICAL);
	assert_string_equal(error, "");
}

static void assert_pi_devices(void)
{
	assert_int_equal(machine.initrd.base, 0x2ec00000);
	assert_int_equal(machine.initrd.size, 0x3f22a5);
	assert_int_equal(machine.kaslr_seed, UINT64_C(0x0123456789abcdef));
	assert_int_equal(machine.console.kind, MACHINE_CONSOLE_BCM_MINI_UART);
	assert_int_equal(machine.console.registers.base, 0xfe215040);
	assert_int_equal(machine.console.registers.size, 0x40);
	assert_int_equal(machine.console.clock_hz, 0);
	assert_int_equal(machine.console.baud, 115200);
	assert_int_equal(machine.gic.kind, MACHINE_GIC_V2);
	assert_int_equal(machine.gic.distributor.base, 0xff841000);
	assert_int_equal(machine.gic.cpu_interface.base, 0xff842000);
	assert_int_equal(machine.gic.cpu_interface.size, 0x2000);
	assert_int_equal(machine.timer_virtual_intid, 27);
	assert_int_equal(machine.bcm_watchdog.base, 0xfe100000);
	assert_int_equal(machine.psci, MACHINE_PSCI_NONE);
	assert_int_equal(machine.core_count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(machine.cores[i].affinity, i);
		assert_int_equal(machine.cores[i].start, MACHINE_START_SPIN_TABLE);
		assert_int_equal(machine.cores[i].release_address, 0xd8 + 8 * i);
	}
}

static void a_pi_with_1_gib_is_read(void **state)
{
	(void)state;
	read_pi("rpi4-1gb");
	assert_pi_devices();
	ASSERT_MAP(PI_LOW_MEMORY);
}

static void a_pi_with_2_gib_has_a_hole_for_the_videocore(void **state)
{
	(void)state;
	read_pi("rpi4-2gb");
	assert_pi_devices();
	ASSERT_MAP(PI_LOW_MEMORY, {0x40000000, 0x40000000, MEMORY_FREE});
}

static void a_pi_with_4_gib_has_its_peripherals_left_out(void **state)
{
	(void)state;
	read_pi("rpi4-4gb");
	assert_pi_devices();
	ASSERT_MAP(PI_LOW_MEMORY, {0x40000000, 0xbc000000, MEMORY_FREE});
}

static void a_pi_with_8_gib_is_the_same_with_one_and_two_size_cells(void **state)
{
	(void)state;
	static const char *const names[] = {"rpi4-8gb", "rpi4-8gb-wide"};
	for (size_t i = 0; i < COUNT(names); i++) {
		read_pi(names[i]);
		assert_pi_devices();
		ASSERT_MAP(PI_LOW_MEMORY, {0x40000000, 0xbc000000, MEMORY_FREE},
			   {UINT64_C(0x100000000), UINT64_C(0x100000000), MEMORY_FREE});
	}
}

static void a_console_behind_an_alias_without_options_has_the_usual_speed(void **state)
{
	(void)state;
	load("rpi4-1gb");
	set_string("/chosen", "stdout-path", "serial0");
	assert_true(read_at(PHYSICAL));
	assert_int_equal(machine.console.kind, MACHINE_CONSOLE_PL011);
	assert_int_equal(machine.console.registers.base, 0xfe201000);
	assert_int_equal(machine.console.baud, 115200);
	assert_int_equal(machine.console.clock_hz, 0);
}

static void virt_with_gicv2_is_read(void **state)
{
	(void)state;
	read_well("virt-gicv2");
	ASSERT_MAP({0x40000000, 0x8000000, MEMORY_FREE}, {0x48000000, 0x2000, MEMORY_MODULE},
		   {0x48002000, 0x7ffe000, MEMORY_FREE});
	assert_int_equal(machine.initrd.size, 0x1234);
	assert_int_equal(machine.tree.base, PHYSICAL);
	assert_int_equal(machine.tree.size, fdt_totalsize(tree));
	assert_int_equal(machine.console.kind, MACHINE_CONSOLE_PL011);
	assert_int_equal(machine.console.registers.base, 0x9000000);
	assert_int_equal(machine.console.clock_hz, 24000000);
	assert_int_equal(machine.gic.kind, MACHINE_GIC_V2);
	assert_int_equal(machine.gic.distributor.base, 0x8000000);
	assert_int_equal(machine.gic.cpu_interface.base, 0x8010000);
	assert_int_equal(machine.timer_virtual_intid, 27);
	assert_int_equal(machine.psci, MACHINE_PSCI_HVC);
	assert_int_equal(machine.core_count, 2);
	assert_int_equal(machine.cores[1].start, MACHINE_START_PSCI);
	assert_int_equal(machine.bcm_watchdog.size, 0);
	assert_int_equal(machine.kaslr_seed, 0);
}

static void virt_with_gicv3_and_memory_out_of_order_is_read(void **state)
{
	(void)state;
	read_well("virt-gicv3");
	assert_int_equal(memory_map_total(&machine.memory), 0x40000000);
	assert_int_equal(machine.memory.items[0].base, 0x40000000);
	assert_int_equal(machine.gic.kind, MACHINE_GIC_V3);
	assert_int_equal(machine.gic.redistributor_count, 1);
	assert_int_equal(machine.gic.redistributors[0].base, 0x80a0000);
	assert_int_equal(machine.gic.redistributors[0].size, 0xf60000);
	assert_int_equal(machine.gic.redistributor_stride, 0);
}

static void an_initrd_address_may_have_4_bytes_or_8(void **state)
{
	(void)state;
	load("virt-gicv2");
	SET_CELLS("/chosen", "linux,initrd-start", 0x48000000);
	SET_CELLS("/chosen", "linux,initrd-end", 0, 0x48001234);
	assert_true(read_at(PHYSICAL));
	assert_int_equal(machine.initrd.base, 0x48000000);
	assert_int_equal(machine.initrd.size, 0x1234);
}

static void an_initrd_of_no_bytes_is_none(void **state)
{
	(void)state;
	load("virt-gicv2");
	SET_CELLS("/chosen", "linux,initrd-start", 0x12345678);
	SET_CELLS("/chosen", "linux,initrd-end", 0x12345678);
	assert_true(read_at(PHYSICAL));
	assert_int_equal(machine.initrd.size, 0);
	assert_int_equal(memory_map_bytes(&machine.memory, MEMORY_MODULE), 0);
}

static void strings_of_the_tree_are_handed_on(void **state)
{
	(void)state;
	load("virt-gicv2");
	assert_true(machine_read(tree, sizeof(tree), PHYSICAL, &machine, error));
	assert_string_equal(machine.model, "linux,dummy-virt");
	assert_string_equal(machine.bootargs, "system=demo");
	load("buses");
	assert_true(machine_read(tree, sizeof(tree), PHYSICAL, &machine, error));
	assert_string_equal(machine.model, "unknown machine");
	assert_string_equal(machine.bootargs, "");
}

static void reservations_are_painted_in_whole_pages(void **state)
{
	(void)state;
	read_well("buses");
	/* The two ranges of memory overlap; the disabled node and the one elsewhere add nothing. */
	ASSERT_MAP({0x80000000, 0x100000, MEMORY_FREE}, {0x80100000, 0x1000, MEMORY_RESERVED},
		   {0x80101000, 0xff000, MEMORY_FREE}, {0x80200000, 0x1000, MEMORY_RESERVED},
		   {0x80201000, 0xff000, MEMORY_FREE}, {0x80300000, 0x1000, MEMORY_RESERVED},
		   {0x80301000, 0x1ff000, MEMORY_FREE}, {0x80500000, 0x2000, MEMORY_RESERVED},
		   {0x80502000, 0x1fe000, MEMORY_FREE}, {0x80700000, 0x1000, MEMORY_RESERVED},
		   {0x80701000, 0x1000, MEMORY_FREE}, {0x80702000, 0x1000, MEMORY_RESERVED},
		   {0x80703000, 0x4fd000, MEMORY_FREE});
}

static void addresses_are_translated_through_every_bus(void **state)
{
	(void)state;
	read_well("buses");
	assert_int_equal(machine.console.kind, MACHINE_CONSOLE_PL011);
	/* inner 0xff00000180 -> outer 0x4080 -> CPU 0x100003080 */
	assert_int_equal(machine.console.registers.base, UINT64_C(0x100003080));
	assert_int_equal(machine.console.clock_hz, 7372800);
	assert_int_equal(machine.console.baud, 9600);
	/* flat 0xff00000090 -> inner, the same -> outer 0x2090 -> CPU 0x100001090 */
	assert_int_equal(machine.bcm_watchdog.base, UINT64_C(0x100001090));
}

static void devices_below_a_disabled_bus_are_passed_over(void **state)
{
	(void)state;
	read_well("buses");
	assert_int_equal(machine.gic.kind, MACHINE_GIC_V3);
	assert_int_equal(machine.gic.redistributor_count, 2);
	assert_int_equal(machine.gic.redistributors[1].base, 0xa000000);
	assert_int_equal(machine.gic.redistributor_stride, 0x40000);
}

static void the_virtual_timer_is_found_by_name(void **state)
{
	(void)state;
	read_well("buses");
	assert_int_equal(machine.timer_virtual_intid, 28);
}

static void cores_beyond_the_last_are_counted(void **state)
{
	(void)state;
	read_well("buses");
	assert_int_equal(machine.core_count, MACHINE_MAX_CORES);
	assert_int_equal(machine.cores_ignored, 2);
	assert_int_equal(machine.cores[0].affinity, 0);
	assert_int_equal(machine.cores[0].start, MACHINE_START_NONE);
	assert_int_equal(machine.cores[1].release_address, 0x80700008);
	assert_int_equal(machine.cores[7].affinity, UINT64_C(0x100000000));
}

static void modules_win_over_plain_reservations(void **state)
{
	(void)state;
	load("buses");
	SET_CELLS("/chosen", "linux,initrd-start", 0x80200010);
	SET_CELLS("/chosen", "linux,initrd-end", 0x80200f00);
	assert_true(read_at(0x80100800));
	assert_int_equal(memory_map_at(&machine.memory, 0x80200000)->kind, MEMORY_MODULE);
	assert_int_equal(memory_map_at(&machine.memory, 0x80100000)->kind, MEMORY_MODULE);
}

static void no_map_wins_over_the_tree(void **state)
{
	(void)state;
	load("buses");
	assert_true(read_at(0x80501000));
	assert_int_equal(memory_map_at(&machine.memory, 0x80501000)->kind, MEMORY_RESERVED);
}

static void a_tree_outside_of_memory_is_fine(void **state)
{
	(void)state;
	load("virt-gicv2");
	assert_true(read_at(0x1000));
	assert_int_equal(memory_map_at(&machine.memory, 0x1000), NULL);
}

static void a_console_that_is_not_known_is_none(void **state)
{
	static const char *const paths[] = {"/timer", "/nowhere", "serial9", "", ":115200", "x"};
	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		load("virt-gicv2");
		set_string("/chosen", "stdout-path", paths[i]);
		/* An alias that names itself must not be followed for ever. */
		set_string("/aliases", "x", "x");
		assert_true(read_at(PHYSICAL));
		assert_int_equal(machine.console.kind, MACHINE_CONSOLE_NONE);
	}
	load("virt-gicv2");
	set_string("/pl011@9000000", "status", "disabled");
	assert_true(read_at(PHYSICAL));
	assert_int_equal(machine.console.kind, MACHINE_CONSOLE_NONE);
}

static void the_console_is_known_when_the_rest_is_broken(void **state)
{
	(void)state;
	load("virt-gicv2");
	assert_int_equal(fdt_del_node(tree, node("/memory@40000000")), 0);
	assert_false(read_at(PHYSICAL));
	assert_int_equal(machine.console.kind, MACHINE_CONSOLE_PL011);
	assert_int_equal(machine.console.registers.base, 0x9000000);
}

/* --- What is said of broken trees --- */

enum edit { SET, STRING, RAW, DELETE, DELETE_NODE };

struct broken {
	const char *tree;
	enum edit edit;
	const char *path;
	const char *property;
	const char *string; /* STRING; RAW: the bytes without a NUL */
	uint32_t cells[8];  /* SET */
	size_t count;
	const char *expected;
};

#define CELLS(...) .cells = {__VA_ARGS__}, .count = COUNT(((uint32_t[]){__VA_ARGS__}))

/* clang-format off */
static const struct broken broken_trees[] = {
	{"virt-gicv2", DELETE_NODE, "/memory@40000000",
	 .expected = "/: has no memory"},
	{"virt-gicv2", STRING, "/memory@40000000", "status", "disabled",
	 .expected = "/: has no memory"},
	{"virt-gicv2", DELETE, "/memory@40000000", "reg",
	 .expected = "/memory@40000000: reg: is missing"},
	{"virt-gicv2", SET, "/memory@40000000", "reg", CELLS(0, 0x40000000, 0),
	 .expected = "/memory@40000000: reg: 12 bytes are not whole ranges of 16"},
	{"virt-gicv2", SET, "/memory@40000000", "reg",
	 CELLS(0, 0x40000000, 0, 0x1000, 0xffffffff, 0xfffff000, 0, 0x1000),
	 .expected = "/memory@40000000: reg: range 1 wraps past the end of the address space"},
	{"virt-gicv2", SET, "/", "#address-cells", CELLS(3),
	 .expected = "/: #address-cells: is 3, not 1 or 2"},
	{"virt-gicv2", SET, "/", "#size-cells", CELLS(0x80000000),
	 .expected = "/: #size-cells: is 2147483648, more than 2"},
	{"virt-gicv2", SET, "/", "#size-cells", CELLS(0, 2),
	 .expected = "/: #size-cells: has 8 bytes, not 4"},
	{"virt-gicv2", DELETE, "/chosen", "linux,initrd-end",
	 .expected = "/chosen: linux,initrd-end: is missing"},
	{"virt-gicv2", DELETE, "/chosen", "linux,initrd-start",
	 .expected = "/chosen: linux,initrd-start: is missing"},
	{"virt-gicv2", SET, "/chosen", "linux,initrd-end", CELLS(0, 0x47ffffff),
	 .expected = "/chosen: linux,initrd-end: 0x47ffffff is below the start, 0x48000000"},
	{"virt-gicv2", SET, "/chosen", "linux,initrd-start", CELLS(0, 0, 0),
	 .expected = "/chosen: linux,initrd-start: has 12 bytes, not 4 or 8"},
	{"virt-gicv2", SET, "/chosen", "linux,initrd-end", CELLS(0, 0x50000001),
	 .expected = "/chosen: linux,initrd-start: 0x8000001 bytes at 0x48000000 reach into "
		     "memory that does not exist"},
	{"virt-gicv2", SET, "/chosen", "linux,initrd-end", CELLS(0xffffffff, 0xffffffff),
	 .expected = "/chosen: linux,initrd-start: 0xffffffffb7ffffff bytes at 0x48000000 "
		     "reach into memory that does not exist"},
	{"virt-gicv2", RAW, "/chosen", "bootargs", "endless",
	 .expected = "/chosen: bootargs: has no NUL at its end"},
	{"virt-gicv2", SET, "/chosen", "kaslr-seed", CELLS(1, 2, 3),
	 .expected = "/chosen: kaslr-seed: has 12 bytes, not 4 or 8"},
	{"virt-gicv2", DELETE_NODE, "/cpus",
	 .expected = "/: has no node cpus"},
	{"virt-gicv2", SET, "/cpus", "#address-cells", CELLS(0),
	 .expected = "/cpus: #address-cells: is 0, not 1 or 2"},
	{"virt-gicv2", SET, "/cpus/cpu@1", "reg", CELLS(0),
	 .expected = "/cpus/cpu@1: reg: another core has the number 0x0 too"},
	{"virt-gicv2", DELETE, "/cpus/cpu@1", "reg",
	 .expected = "/cpus/cpu@1: reg: is missing or too short"},
	{"virt-gicv2", STRING, "/cpus/cpu@1", "enable-method", "spin-table",
	 .expected = "/cpus/cpu@1: cpu-release-addr: is missing"},
	{"rpi4-1gb", SET, "/cpus/cpu@1", "cpu-release-addr", CELLS(0, 0xdc),
	 .expected = "/cpus/cpu@1: cpu-release-addr: 0xdc is not an aligned 64-bit word"},
	{"rpi4-1gb", SET, "/cpus/cpu@1", "cpu-release-addr", CELLS(0xffffffff, 0xfffffff8),
	 .expected = "/cpus/cpu@1: cpu-release-addr: 0xfffffffffffffff8 is not an aligned "
		     "64-bit word"},
	{"rpi4-1gb", SET, "/cpus/cpu@1", "cpu-release-addr", CELLS(0, 0x2ec00008),
	 .expected = "/cpus/cpu@1: cpu-release-addr: 0x2ec00008 lies inside the initrd"},
	{"rpi4-1gb", SET, "/cpus/cpu@1", "cpu-release-addr", CELLS(1, 2, 3),
	 .expected = "/cpus/cpu@1: cpu-release-addr: has 12 bytes, not 4 or 8"},
	{"virt-gicv2", STRING, "/psci", "method", "svc",
	 .expected = "/psci: method: is neither \"hvc\" nor \"smc\""},
	{"virt-gicv2", DELETE, "/intc@8000000", "compatible",
	 .expected = "/: has no GIC that is known"},
	{"virt-gicv2", STRING, "/intc@8000000", "status", "disabled",
	 .expected = "/: has no GIC that is known"},
	{"virt-gicv2", DELETE, "/intc@8000000", "reg",
	 .expected = "/intc@8000000: reg: is missing"},
	{"virt-gicv2", SET, "/intc@8000000", "reg", CELLS(0, 0x8000000, 0, 0x10000),
	 .expected = "/intc@8000000: reg: has no range 1"},
	{"virt-gicv2", SET, "/intc@8000000", "reg", CELLS(0, 0x8000000, 0, 0),
	 .expected = "/intc@8000000: reg: range 0 is empty"},
	{"virt-gicv3", SET, "/intc@8000000", "#redistributor-regions", CELLS(0),
	 .expected = "/intc@8000000: #redistributor-regions: is 0, not 1 to 8"},
	{"virt-gicv3", SET, "/intc@8000000", "#redistributor-regions", CELLS(9),
	 .expected = "/intc@8000000: #redistributor-regions: is 9, not 1 to 8"},
	{"virt-gicv3", SET, "/intc@8000000", "#redistributor-regions", CELLS(2),
	 .expected = "/intc@8000000: reg: has no range 2"},
	{"virt-gicv3", SET, "/intc@8000000", "redistributor-stride", CELLS(1, 2, 3),
	 .expected = "/intc@8000000: redistributor-stride: has 12 bytes, not 4 or 8"},
	{"virt-gicv2", DELETE_NODE, "/timer",
	 .expected = "/: has no node compatible with arm,armv8-timer"},
	{"virt-gicv2", DELETE, "/timer", "interrupts",
	 .expected = "/timer: interrupts: is missing"},
	{"virt-gicv2", SET, "/timer", "interrupts", CELLS(1, 13, 4, 1, 14, 4),
	 .expected = "/timer: interrupts: has no interrupt 2"},
	{"rpi4-1gb", SET, "/timer", "interrupt-parent", CELLS(0x777),
	 .expected = "/timer: interrupt-parent: names no node"},
	{"virt-gicv2", DELETE, "/", "interrupt-parent",
	 .expected = "/: interrupt-parent: is missing"},
	{"virt-gicv2", SET, "/", "interrupt-parent", CELLS(0x8000),
	 .expected = "/timer: interrupt-parent: leads nowhere in 16 steps"},
	{"virt-gicv2", SET, "/intc@8000000", "#interrupt-cells", CELLS(1),
	 .expected = "/intc@8000000: #interrupt-cells: is 1, less than 3"},
	{"virt-gicv2", SET, "/intc@8000000", "#interrupt-cells", CELLS(0xffffffff),
	 .expected = "/timer: interrupts: has no interrupt 2"},
	{"buses", SET, "/timer", "interrupts", CELLS(1, 14, 4, 0, 0, 12, 4, 0),
	 .expected = "/timer: interrupts: interrupt 1 is not a PPI"},
	{"buses", SET, "/timer", "interrupts", CELLS(1, 14, 4, 0, 1, 16, 4, 0),
	 .expected = "/timer: interrupts: interrupt 1 is not a PPI"},
	{"rpi4-1gb", DELETE, "/soc", "ranges",
	 .expected = "/soc: ranges: is missing, so the CPU cannot reach 0x7e215040 behind it"},
	{"rpi4-1gb", SET, "/soc", "ranges", CELLS(0x7c000000, 0, 0xfc000000, 0x2000000),
	 .expected = "/soc: ranges: no entry holds 0x7e215040 of size 0x40"},
	{"rpi4-1gb", SET, "/soc", "ranges", CELLS(0x7c000000, 0, 0xfc000000),
	 .expected = "/soc: ranges: 12 bytes are not whole entries of 16"},
	{"rpi4-1gb", SET, "/soc", "ranges", CELLS(0x7e000000, 0xffffffff, 0xfffff000, 0x2000000),
	 .expected = "/soc: ranges: entry 0 wraps past the end of the address space"},
	{"rpi4-1gb", SET, "/soc/serial@7e215040", "reg", CELLS(0x7e215040, 0xffffffff),
	 .expected = "/soc: ranges: no entry holds 0x7e215040 of size 0xffffffff"},
	{"rpi4-1gb", SET, "/soc/watchdog@7e100000", "reg", CELLS(0x10, 0x114),
	 .expected = "/soc: ranges: no entry holds 0x10 of size 0x114"},
	{"buses", DELETE, "/reserved-memory", "ranges",
	 .expected = "/reserved-memory: ranges: is missing or not empty"},
	{"buses", SET, "/reserved-memory", "ranges", CELLS(0, 0, 0, 0, 0, 1),
	 .expected = "/reserved-memory: ranges: is missing or not empty"},
	{"buses", SET, "/reserved-memory", "#size-cells", CELLS(5),
	 .expected = "/reserved-memory: #size-cells: is 5, more than 2"},
	{"buses", SET, "/reserved-memory/secure@80500000", "reg",
	 CELLS(0xffffffff, 0xffffffff, 0, 2),
	 .expected = "/reserved-memory/secure@80500000: reg: range 0 wraps past the end of the "
		     "address space"},
	{"buses", SET, "/reserved-memory/firmware@80200000", "reg", CELLS(0, 1, 2),
	 .expected = "/reserved-memory/firmware@80200000: reg: 12 bytes are not whole ranges "
		     "of 16"},
	{"buses", SET, "/outer@100000000/inner@2000", "#address-cells", CELLS(7),
	 .expected = "/outer@100000000/inner@2000: #address-cells: is 7, not 1 or 2"},
};
/* clang-format on */

static void apply(const struct broken *broken)
{
	int at = node(broken->path);
	switch (broken->edit) {
	case SET:
		set_cells(broken->path, broken->property, broken->count, broken->cells);
		break;
	case STRING:
		set_string(broken->path, broken->property, broken->string);
		break;
	case RAW:
		assert_int_equal(fdt_setprop(tree, at, broken->property, broken->string,
					     (int)strlen(broken->string)),
				 0);
		break;
	case DELETE:
		assert_int_equal(fdt_delprop(tree, at, broken->property), 0);
		break;
	case DELETE_NODE:
		assert_int_equal(fdt_del_node(tree, at), 0);
		break;
	}
}

static void each_kind_of_damage_is_named_in_one_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(broken_trees); i++) {
		load(broken_trees[i].tree);
		apply(&broken_trees[i]);
		bool ok = read_at(PHYSICAL);
		assert_string_equal(error, broken_trees[i].expected);
		assert_false(ok);
	}
}

static void a_broken_header_is_named(void **state)
{
	(void)state;
	load("virt-gicv2");
	assert_int_equal(fdt_pack(tree), 0);
	size_t size = fdt_totalsize(tree);
	char expected[MACHINE_ERROR_MAX];

	assert_false(read_bytes(39, PHYSICAL));
	assert_string_equal(error, "device tree: 39 bytes are too few for its header");
	assert_false(read_bytes(size - 1, PHYSICAL));
	snprintf(expected, sizeof(expected),
		 "device tree: its size is %zu bytes, but only %zu are there", size, size - 1);
	assert_string_equal(error, expected);
	fdt_set_version(tree, 16);
	assert_false(read_bytes(size, PHYSICAL));
	assert_string_equal(error, "device tree: its version is 16; 17 is the oldest that is read");
	fdt_set_magic(tree, 0x12345678);
	assert_false(read_bytes(size, PHYSICAL));
	assert_string_equal(error, "device tree: its magic is 0x12345678, not 0xd00dfeed");
}

static void a_broken_structure_is_named(void **state)
{
	(void)state;
	load("virt-gicv2");
	/* A tag that there is not, where the first property of the root was. */
	fdt32_t tag = cpu_to_fdt32(0x55);
	memcpy(tree + fdt_off_dt_struct(tree) + 8, &tag, sizeof(tag));
	assert_false(read_bytes(fdt_totalsize(tree), PHYSICAL));
	assert_string_equal(error, "device tree: its structure is broken (libfdt error 11)");
}

/* libfdt takes sizes for signed numbers: from a property of -12 bytes it never comes back. */
static void a_property_of_negative_size_is_refused(void **state)
{
	(void)state;
	for (uint32_t size = UINT32_MAX; size > UINT32_MAX - 32; size--) {
		load("virt-gicv2");
		struct fdt_property *property =
			fdt_get_property_w(tree, node("/timer"), "interrupts", NULL);
		property->len = cpu_to_fdt32(size);
		assert_false(read_bytes(fdt_totalsize(tree), PHYSICAL));
		assert_string_equal(error, "device tree: its structure is broken (libfdt error 8)");
	}
}

/* The structure block is `words`, in a tree that is sound else. */
static void assert_structure(size_t count, const fdt32_t *words, const char *expected)
{
	load("virt-gicv2");
	assert_int_equal(fdt_pack(tree), 0);
	fdt_set_size_dt_struct(tree, (uint32_t)(count * sizeof(words[0])));
	for (size_t i = 0; i < count; i++) {
		fdt32_t word = cpu_to_fdt32(words[i]);
		memcpy(tree + fdt_off_dt_struct(tree) + i * sizeof(word), &word, sizeof(word));
	}
	assert_false(read_bytes(fdt_totalsize(tree), PHYSICAL));
	assert_string_equal(error, expected);
}

#define ASSERT_STRUCTURE(expected, ...) \
	assert_structure(COUNT(((fdt32_t[]){__VA_ARGS__})), (fdt32_t[]){__VA_ARGS__}, expected)

static void nodes_must_nest(void **state)
{
	(void)state;
	static const char broken[] = "device tree: its structure is broken (libfdt error 11)";
	static const char cut[] = "device tree: its structure is broken (libfdt error 8)";
	enum { BEGIN = FDT_BEGIN_NODE, END_NODE, PROP, NOP, END = FDT_END };
	ASSERT_STRUCTURE("/: has no memory", BEGIN, 0, NOP, END_NODE, NOP, END);
	ASSERT_STRUCTURE(broken, BEGIN, 0, END);
	ASSERT_STRUCTURE(broken, BEGIN, 0, END_NODE, END_NODE, END);
	ASSERT_STRUCTURE(broken, BEGIN, 0, END_NODE, BEGIN, 0, END_NODE, END);
	ASSERT_STRUCTURE(broken, BEGIN, 0, END_NODE, PROP, 0, 0, END);
	ASSERT_STRUCTURE(broken, NOP, BEGIN, 0, END_NODE, END);
	ASSERT_STRUCTURE(broken, BEGIN, 0x72000000, END_NODE, END);
	ASSERT_STRUCTURE(broken, END);
	ASSERT_STRUCTURE(cut, BEGIN, 0, END_NODE);
	ASSERT_STRUCTURE(cut, BEGIN, 0, BEGIN, 0x61616161);
	ASSERT_STRUCTURE(cut, BEGIN, 0, PROP, 4, 0);
	ASSERT_STRUCTURE(cut, BEGIN, 0, PROP, 0, 0x10000, END_NODE, END);
}

static void a_structure_that_is_not_aligned_is_refused(void **state)
{
	(void)state;
	load("virt-gicv2");
	fdt_set_off_dt_struct(tree, fdt_off_dt_struct(tree) + 2);
	assert_false(read_bytes(fdt_totalsize(tree), PHYSICAL));
	assert_string_equal(error,
			    "device tree: its structure does not begin at a multiple of 4 bytes");
}

static void an_endless_property_name_is_refused(void **state)
{
	(void)state;
	load("virt-gicv2");
	char name[300] = {0};
	memset(name, 'n', sizeof(name) - 1);
	assert_int_equal(fdt_setprop_u32(tree, 0, name, 1), 0);
	assert_false(read_at(PHYSICAL));
	assert_string_equal(error, "device tree: a property name is longer than 256 characters");
}

static void names_are_shown_without_control_characters(void **state)
{
	(void)state;
	load("virt-gicv2");
	int evil = fdt_add_subnode(tree, 0, "m\033[2J\n");
	assert_true(evil >= 0);
	assert_int_equal(fdt_setprop_string(tree, evil, "device_type", "memory"), 0);
	assert_false(read_at(PHYSICAL));
	assert_string_equal(error, "/m?[2J?: reg: is missing");
}

static void a_long_path_leaves_room_for_the_reason(void **state)
{
	(void)state;
	load("virt-gicv2");
	char name[120] = {0};
	memset(name, 'm', sizeof(name) - 1);
	int at = fdt_add_subnode(tree, 0, name);
	assert_true(at >= 0);
	assert_int_equal(fdt_setprop_string(tree, at, "device_type", "memory"), 0);
	assert_false(read_at(PHYSICAL));
	assert_non_null(strstr(error, "mmm: reg: is missing"));
	assert_memory_equal(error, ".../mmm", 7);
}

static void an_initrd_in_no_map_memory_is_refused(void **state)
{
	(void)state;
	load("buses");
	SET_CELLS("/chosen", "linux,initrd-start", 0x80501f00);
	SET_CELLS("/chosen", "linux,initrd-end", 0x80502100);
	assert_false(read_at(PHYSICAL));
	assert_string_equal(error, "/chosen: linux,initrd-start: 0x200 bytes at 0x80501f00 reach "
				   "into pages that no-map withholds");
}

static void a_reserved_entry_that_wraps_is_refused(void **state)
{
	(void)state;
	load("virt-gicv2");
	assert_int_equal(fdt_add_mem_rsv(tree, 0x1000, 0x1000), 0);
	assert_int_equal(fdt_add_mem_rsv(tree, UINT64_MAX, 2), 0);
	assert_false(read_at(PHYSICAL));
	assert_string_equal(error,
			    "/: /memreserve/: entry 1 wraps past the end of the address space");
}

static void a_tree_at_the_end_of_the_address_space_is_refused(void **state)
{
	(void)state;
	load("virt-gicv2");
	assert_false(read_at(UINT64_MAX - 0xff));
	assert_string_equal(error, "/: the tree wraps past the end of the address space");
}

static void more_ranges_than_the_map_holds_are_refused(void **state)
{
	(void)state;
	fdt32_t reg[4 * 300];
	load("virt-gicv2");
	for (size_t i = 0; i < 300; i++) {
		reg[4 * i] = reg[4 * i + 2] = 0;
		reg[4 * i + 1] = cpu_to_fdt32((uint32_t)(0x40000000 + i * 0x2000));
		reg[4 * i + 3] = cpu_to_fdt32(0x1000);
	}
	assert_int_equal(fdt_setprop(tree, node("/memory@40000000"), "reg", reg, (int)sizeof(reg)),
			 0);
	assert_false(read_at(PHYSICAL));
	assert_string_equal(error,
			    "/memory@40000000: reg: range 256 is one too many for the memory map");
}

/* A chain of buses with empty "ranges", and the GIC at its end. */
static void read_deep(int depth)
{
	load("virt-gicv2");
	assert_int_equal(fdt_del_node(tree, node("/intc@8000000")), 0);
	int at = 0;
	for (int i = 0; i < depth; i++) {
		at = fdt_add_subnode(tree, at, "b");
		assert_true(at >= 0);
		assert_int_equal(fdt_setprop(tree, at, "ranges", "", 0), 0);
		assert_int_equal(fdt_setprop_u32(tree, at, "#size-cells", 2), 0);
	}
	at = fdt_add_subnode(tree, at, "gic");
	assert_true(at >= 0);
	static const uint32_t cells[] = {0, 0x8000000, 0, 0x1000, 0, 0x8010000, 0, 0x1000};
	fdt32_t reg[COUNT(cells)];
	for (size_t i = 0; i < COUNT(cells); i++) {
		reg[i] = cpu_to_fdt32(cells[i]);
	}
	assert_int_equal(fdt_setprop(tree, at, "reg", reg, (int)sizeof(reg)), 0);
	assert_int_equal(fdt_setprop_u32(tree, at, "phandle", 0x8002), 0);
	assert_int_equal(fdt_setprop_u32(tree, at, "#interrupt-cells", 3), 0);
	assert_int_equal(fdt_setprop_string(tree, at, "compatible", "arm,gic-400"), 0);
	read_at(PHYSICAL);
}

static void buses_below_buses_have_an_end(void **state)
{
	(void)state;
	read_deep(15);
	assert_string_equal(error, "");
	assert_int_equal(machine.gic.cpu_interface.base, 0x8010000);
	read_deep(40);
	assert_non_null(strstr(error, "gic: lies below more than 16 buses"));
}

static void a_tree_cut_anywhere_is_refused(void **state)
{
	(void)state;
	load("buses");
	assert_int_equal(fdt_pack(tree), 0);
	size_t size = fdt_totalsize(tree);
	for (size_t cut = 0; cut < size; cut++) {
		fdt_set_totalsize(tree, (uint32_t)size);
		assert_false(read_bytes(cut, PHYSICAL));
		/* The same with a header that does not give the cut away. */
		fdt_set_totalsize(tree, (uint32_t)cut);
		assert_false(read_bytes(cut, PHYSICAL));
	}
}

static void any_word_of_a_tree_may_change_without_harm(void **state)
{
	(void)state;
	static const uint32_t words[] = {0, 1, 2, 3, 4, 9, 0x7fffffff, 0x80000000, 0xffffffff};
	load("buses");
	assert_int_equal(fdt_pack(tree), 0);
	size_t size = fdt_totalsize(tree);
	for (size_t at = 0; at + 4 <= size; at += 4) {
		char old[4];
		memcpy(old, tree + at, sizeof(old));
		for (size_t i = 0; i < COUNT(words); i++) {
			fdt32_t word = cpu_to_fdt32(words[i]);
			memcpy(tree + at, &word, sizeof(word));
			read_bytes(size, PHYSICAL);
		}
		memcpy(tree + at, old, sizeof(old));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pi_with_1_gib_is_read),
		cmocka_unit_test(a_pi_with_2_gib_has_a_hole_for_the_videocore),
		cmocka_unit_test(a_pi_with_4_gib_has_its_peripherals_left_out),
		cmocka_unit_test(a_pi_with_8_gib_is_the_same_with_one_and_two_size_cells),
		cmocka_unit_test(a_console_behind_an_alias_without_options_has_the_usual_speed),
		cmocka_unit_test(virt_with_gicv2_is_read),
		cmocka_unit_test(virt_with_gicv3_and_memory_out_of_order_is_read),
		cmocka_unit_test(an_initrd_address_may_have_4_bytes_or_8),
		cmocka_unit_test(an_initrd_of_no_bytes_is_none),
		cmocka_unit_test(strings_of_the_tree_are_handed_on),
		cmocka_unit_test(reservations_are_painted_in_whole_pages),
		cmocka_unit_test(addresses_are_translated_through_every_bus),
		cmocka_unit_test(devices_below_a_disabled_bus_are_passed_over),
		cmocka_unit_test(the_virtual_timer_is_found_by_name),
		cmocka_unit_test(cores_beyond_the_last_are_counted),
		cmocka_unit_test(modules_win_over_plain_reservations),
		cmocka_unit_test(no_map_wins_over_the_tree),
		cmocka_unit_test(a_tree_outside_of_memory_is_fine),
		cmocka_unit_test(a_console_that_is_not_known_is_none),
		cmocka_unit_test(the_console_is_known_when_the_rest_is_broken),
		cmocka_unit_test(each_kind_of_damage_is_named_in_one_line),
		cmocka_unit_test(a_broken_header_is_named),
		cmocka_unit_test(a_broken_structure_is_named),
		cmocka_unit_test(a_property_of_negative_size_is_refused),
		cmocka_unit_test(nodes_must_nest),
		cmocka_unit_test(a_structure_that_is_not_aligned_is_refused),
		cmocka_unit_test(an_endless_property_name_is_refused),
		cmocka_unit_test(names_are_shown_without_control_characters),
		cmocka_unit_test(a_long_path_leaves_room_for_the_reason),
		cmocka_unit_test(an_initrd_in_no_map_memory_is_refused),
		cmocka_unit_test(a_reserved_entry_that_wraps_is_refused),
		cmocka_unit_test(a_tree_at_the_end_of_the_address_space_is_refused),
		cmocka_unit_test(more_ranges_than_the_map_holds_are_refused),
		cmocka_unit_test(buses_below_buses_have_an_end),
		cmocka_unit_test(a_tree_cut_anywhere_is_refused),
		cmocka_unit_test(any_word_of_a_tree_may_change_without_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
