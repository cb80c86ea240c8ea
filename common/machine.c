/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the nodes of the device tree mean to us. How properties are read is in tree.c.
 *
 * The order of machine_read() matters: the console first, so that errors can be shown; then what
 * /chosen says; then memory, painted from the weakest claim to the strongest; then the devices.
 */
#include "machine.h"

#include "tree.h"

#include <libfdt.h>
#include <string.h>

#define CELL sizeof(fdt32_t)
#define PAGE UINT64_C(4096)

#define DEFAULT_BAUD   115200
#define MAX_CLOCKS     8 /* of a UART, that are looked through */
#define MAX_CLOCK_ARGS 8

/* Aff3 and Aff2 to Aff0; Arm ARM DDI 0487, "MPIDR_EL1". */
#define AFFINITY_MASK UINT64_C(0xff00ffffff)

struct reader {
	struct tree tree;
	struct machine *machine;
};

static unsigned long long ull(uint64_t number)
{
	return number;
}

/* --- Console --- */

/* What "stdout-path" names: a path or an alias, up to a ':'. Negative if that is nothing. */
static int console_node(const struct tree *tree, const char *stdout_path, size_t length)
{
	if (stdout_path[0] == '/') {
		return tree_node_at(tree, stdout_path, length);
	}
	int aliases = tree_node_at(tree, "/aliases", strlen("/aliases"));
	struct tree_property alias;
	if (!tree_property_named(tree, aliases, stdout_path, length, &alias)) {
		return TREE_NO_NODE;
	}
	const char *path = tree_property_string(&alias);
	return path != NULL ? tree_node_at(tree, path, strlen(path)) : TREE_NO_NODE;
}

/* The number that `options` ("115200n8") begin with. */
static uint32_t read_baud(const char *options)
{
	uint32_t baud = 0;
	for (; *options >= '0' && *options <= '9' && baud < 100000000; options++) {
		baud = baud * 10 + (uint32_t)(*options - '0');
	}
	return baud != 0 ? baud : DEFAULT_BAUD;
}

static enum machine_console_kind console_kind(const struct tree *tree, int node)
{
	if (tree_is_compatible(tree, node, "arm,pl011")) {
		return MACHINE_CONSOLE_PL011;
	}
	if (tree_is_compatible(tree, node, "brcm,bcm2835-aux-uart")) {
		return MACHINE_CONSOLE_BCM_MINI_UART;
	}
	return MACHINE_CONSOLE_NONE;
}

/* The node of clock number `index` in "clocks"; negative if that cannot be made out. */
static int clock_node(const struct tree *tree, int device, int index)
{
	struct tree_property clocks;
	if (!tree_property(tree, device, "clocks", &clocks)) {
		return TREE_NO_NODE;
	}
	size_t at = 0;
	/* Each clock is a phandle and as many cells as its node wants. */
	for (int i = 0; at + CELL <= clocks.size; i++) {
		uint32_t phandle = (uint32_t)tree_number(clocks.data + at, 1);
		int node = tree_node_by_phandle(tree, phandle);
		if (node < 0 || i == index) {
			return node;
		}
		struct tree_property cells;
		if (!tree_property(tree, node, "#clock-cells", &cells) || cells.size != CELL) {
			return TREE_NO_NODE;
		}
		uint64_t arguments = tree_number(cells.data, 1);
		if (arguments > MAX_CLOCK_ARGS) {
			return TREE_NO_NODE;
		}
		at += (1 + arguments) * CELL;
	}
	return TREE_NO_NODE;
}

/*
 * The UART's clock in Hz, as far as the tree says. Never an error: a UART that firmware set up
 * works.
 */
static uint32_t console_clock(const struct tree *tree, int device)
{
	struct tree_property frequency, names;
	int node = device;
	if (!tree_property(tree, device, "clock-frequency", &frequency)) {
		(void)tree_property(tree, device, "clock-names", &names);
		int index = tree_property_index(&names, "uartclk");
		index = index < 0 ? 0 : index;
		node = index < MAX_CLOCKS ? clock_node(tree, device, index) : TREE_NO_NODE;
		if (node < 0 || !tree_is_compatible(tree, node, "fixed-clock")) {
			return 0;
		}
	}
	if (!tree_property(tree, node, "clock-frequency", &frequency) || frequency.size != CELL) {
		return 0;
	}
	return (uint32_t)tree_number(frequency.data, 1);
}

static bool read_region(const struct reader *reader, int node, size_t index,
			struct machine_region *region)
{
	struct machine_region found;
	if (!tree_registers(&reader->tree, node, index, &found.base, &found.size)) {
		return false;
	}
	*region = found;
	return true;
}

/* A console that we have no driver for is no error: the machine runs without one. */
static bool read_console(struct reader *reader)
{
	const struct tree *tree = &reader->tree;
	struct machine_console *console = &reader->machine->console;
	int chosen = tree_node_at(tree, "/chosen", strlen("/chosen"));
	const char *path = tree_string(tree, chosen, "stdout-path");
	if (path == NULL) {
		return true;
	}
	const char *colon = strchr(path, ':');
	int node = console_node(tree, path, colon != NULL ? (size_t)(colon - path) : strlen(path));
	if (node < 0 || !tree_is_usable(tree, node)) {
		return true;
	}
	enum machine_console_kind kind = console_kind(tree, node);
	if (kind == MACHINE_CONSOLE_NONE) {
		return true;
	}
	if (!read_region(reader, node, 0, &console->registers)) {
		return false;
	}
	console->kind = kind;
	console->baud = read_baud(colon != NULL ? colon + 1 : "");
	console->clock_hz = console_clock(tree, node);
	return true;
}

/* --- /chosen --- */

static bool read_initrd(struct reader *reader, int chosen)
{
	static const char begin_name[] = "linux,initrd-start";
	static const char end_name[] = "linux,initrd-end";
	const struct tree *tree = &reader->tree;
	struct tree_property property;
	bool has_begin = tree_property(tree, chosen, begin_name, &property);
	bool has_end = tree_property(tree, chosen, end_name, &property);
	uint64_t begin = 0, end = 0;

	if (has_begin != has_end) {
		return tree_fail(tree, chosen, has_begin ? end_name : begin_name, "is missing");
	}
	if (!tree_u64(tree, chosen, begin_name, &begin) ||
	    !tree_u64(tree, chosen, end_name, &end)) {
		return false;
	}
	if (end < begin) {
		return tree_fail(tree, chosen, end_name, "0x%llx is below the start, 0x%llx",
				 ull(end), ull(begin));
	}
	if (end != begin) {
		reader->machine->initrd = (struct machine_region){begin, end - begin};
	}
	return true;
}

static bool read_bootargs(struct reader *reader, int chosen)
{
	struct tree_property property;
	if (!tree_property(&reader->tree, chosen, "bootargs", &property) || property.size == 0) {
		return true;
	}
	const char *bootargs = tree_string(&reader->tree, chosen, "bootargs");
	if (bootargs == NULL) {
		return tree_fail(&reader->tree, chosen, "bootargs", "has no NUL at its end");
	}
	reader->machine->bootargs = bootargs;
	return true;
}

static bool read_chosen(struct reader *reader)
{
	int chosen = tree_node_at(&reader->tree, "/chosen", strlen("/chosen"));
	if (chosen < 0) {
		return true;
	}
	/* The arguments first: they say how to end if something else is wrong. */
	return read_bootargs(reader, chosen) && read_initrd(reader, chosen) &&
	       tree_u64(&reader->tree, chosen, "kaslr-seed", &reader->machine->kaslr_seed);
}

static void read_model(struct reader *reader)
{
	const char *model = tree_string(&reader->tree, 0, "model");
	if (model != NULL) {
		reader->machine->model = model;
	}
}

/* --- Memory --- */

/* Paints all pages that [base, base + size) touches; the caller knows that this does not wrap. */
static bool paint_pages(struct memory_map *map, uint64_t base, uint64_t size, enum memory_kind kind)
{
	uint64_t begin = base & ~(PAGE - 1);
	uint64_t end = base + size;
	/*
	 * The last page of the address space has no end: what follows it is not in the map
	 * anyway.
	 */
	if (end <= UINT64_MAX - (PAGE - 1)) {
		end = (end + PAGE - 1) & ~(PAGE - 1);
	}
	return memory_map_paint(map, begin, end - begin, kind);
}

static bool paint_reserved(struct memory_map *map, uint64_t base, uint64_t size)
{
	return paint_pages(map, base, size, MEMORY_RESERVED);
}

/* Calls `use` on the map for each range in the node's "reg" that is not empty. */
static bool use_ranges(struct reader *reader, int node, const struct tree_cells *cells,
		       const struct tree_property *reg,
		       bool (*use)(struct memory_map *map, uint64_t base, uint64_t size))
{
	const struct tree *tree = &reader->tree;
	size_t entry_size = (cells->address + cells->size) * CELL;
	if (reg->size % entry_size != 0) {
		return tree_fail(tree, node, "reg", "%zu bytes are not whole ranges of %zu",
				 reg->size, entry_size);
	}
	for (size_t i = 0; i < reg->size / entry_size; i++) {
		const unsigned char *entry = reg->data + i * entry_size;
		uint64_t base = tree_number(entry, cells->address);
		uint64_t size = tree_number(entry + cells->address * CELL, cells->size);
		uint64_t end;
		if (__builtin_add_overflow(base, size, &end)) {
			return tree_fail(tree, node, "reg",
					 "range %zu wraps past the end of the address space", i);
		}
		if (size != 0 && !use(&reader->machine->memory, base, size)) {
			return tree_fail(tree, node, "reg",
					 "range %zu is one too many for the memory map", i);
		}
	}
	return true;
}

static bool read_memory_node(struct reader *reader, int node, const struct tree_cells *cells)
{
	struct tree_property reg;
	if (!tree_property(&reader->tree, node, "reg", &reg)) {
		return tree_fail(&reader->tree, node, "reg", "is missing");
	}
	return use_ranges(reader, node, cells, &reg, memory_map_add);
}

/* "/memory node": there may be several, each with several ranges, and firmware keeps no order. */
static bool read_memory(struct reader *reader)
{
	const struct tree *tree = &reader->tree;
	struct tree_cells cells;
	if (!tree_cells(tree, 0, &cells)) {
		return false;
	}
	for (int node = tree_first_child(tree, 0); node >= 0;
	     node = tree_next_sibling(tree, node)) {
		if (tree_has_string(tree, node, "device_type", "memory") &&
		    tree_is_usable(tree, node) && !read_memory_node(reader, node, &cells)) {
			return false;
		}
	}
	if (reader->machine->memory.count == 0) {
		return tree_fail(tree, 0, NULL, "has no memory");
	}
	return true;
}

/* "Memory Reservation Block". */
static bool read_memreserve(struct reader *reader)
{
	const void *fdt = reader->tree.fdt;
	int count = fdt_num_mem_rsv(fdt);
	for (int i = 0; i < count; i++) {
		uint64_t base, size, end;
		if (fdt_get_mem_rsv(fdt, i, &base, &size) != 0) {
			return tree_fail(&reader->tree, 0, "/memreserve/", "entry %d is broken", i);
		}
		if (__builtin_add_overflow(base, size, &end)) {
			return tree_fail(&reader->tree, 0, "/memreserve/",
					 "entry %d wraps past the end of the address space", i);
		}
		if (!paint_reserved(&reader->machine->memory, base, size)) {
			return tree_fail(&reader->tree, 0, "/memreserve/",
					 "entry %d is one too many for the memory map", i);
		}
	}
	return true;
}

enum reservation { RESERVATION_PLAIN, RESERVATION_NO_MAP };

static bool is_reservation(const struct tree *tree, int node, enum reservation which)
{
	struct tree_property no_map;
	bool has_no_map = tree_property(tree, node, "no-map", &no_map);
	return has_no_map == (which == RESERVATION_NO_MAP) && tree_is_usable(tree, node);
}

/*
 * "/reserved-memory node". Children without "reg" ask the operating system to choose a place; we
 * serve no such wish. Its "ranges" "should be empty", and so its addresses are those of the CPU.
 */
static bool read_reservations(struct reader *reader, enum reservation which)
{
	const struct tree *tree = &reader->tree;
	int parent = tree_node_at(tree, "/reserved-memory", strlen("/reserved-memory"));
	struct tree_cells cells;
	struct tree_property property;
	if (parent < 0) {
		return true;
	}
	if (!tree_cells(tree, parent, &cells)) {
		return false;
	}
	if (!tree_property(tree, parent, "ranges", &property) || property.size != 0) {
		return tree_fail(tree, parent, "ranges", "is missing or not empty");
	}
	for (int node = tree_first_child(tree, parent); node >= 0;
	     node = tree_next_sibling(tree, node)) {
		if (is_reservation(tree, node, which) &&
		    tree_property(tree, node, "reg", &property) &&
		    !use_ranges(reader, node, &cells, &property, paint_reserved)) {
			return false;
		}
	}
	return true;
}

/*
 * The tree and the initrd are modules. They win over reservations, which U-Boot makes for them
 * too.
 */
static bool paint_modules(struct reader *reader)
{
	struct machine *machine = reader->machine;
	uint64_t end;
	if (__builtin_add_overflow(machine->tree.base, machine->tree.size, &end)) {
		return tree_fail(&reader->tree, 0, NULL,
				 "the tree wraps past the end of the address space");
	}
	if (!paint_pages(&machine->memory, machine->tree.base, machine->tree.size, MEMORY_MODULE) ||
	    (machine->initrd.size != 0 && !paint_pages(&machine->memory, machine->initrd.base,
						       machine->initrd.size, MEMORY_MODULE))) {
		return tree_fail(&reader->tree, 0, NULL,
				 "the tree or the initrd is one range too many for the memory map");
	}
	return true;
}

/* Whether the initrd kept its place: all of it exists, and nothing stronger was painted over it. */
static bool check_initrd(struct reader *reader)
{
	const struct machine_region *initrd = &reader->machine->initrd;
	const struct memory_map *map = &reader->machine->memory;
	uint64_t modules = memory_map_bytes_in(map, initrd->base, initrd->size, MEMORY_MODULE);
	uint64_t reserved = memory_map_bytes_in(map, initrd->base, initrd->size, MEMORY_RESERVED);
	if (modules == initrd->size) {
		return true;
	}
	int chosen = tree_node_at(&reader->tree, "/chosen", strlen("/chosen"));
	const char *where = modules + reserved == initrd->size ? "pages that no-map withholds"
							       : "memory that does not exist";
	return tree_fail(&reader->tree, chosen, "linux,initrd-start",
			 "0x%llx bytes at 0x%llx reach into %s", ull(initrd->size),
			 ull(initrd->base), where);
}

/* --- Cores --- */

static bool regions_overlap(struct machine_region a, struct machine_region b)
{
	return a.base < b.base + b.size && b.base < a.base + a.size;
}

/*
 * Reads "cpu-release-addr" and withholds its page, which waiting cores read for as long as they
 * wait.
 */
static bool read_release_address(struct reader *reader, int node, struct machine_core *core)
{
	static const char name[] = "cpu-release-addr";
	const struct tree *tree = &reader->tree;
	struct machine *machine = reader->machine;
	struct tree_property property;
	if (!tree_property(tree, node, name, &property)) {
		return tree_fail(tree, node, name, "is missing");
	}
	if (!tree_u64(tree, node, name, &core->release_address)) {
		return false;
	}
	struct machine_region word = {core->release_address, sizeof(uint64_t)};
	if (word.base % word.size != 0 || word.base > UINT64_MAX - word.size) {
		return tree_fail(tree, node, name, "0x%llx is not an aligned 64-bit word",
				 ull(word.base));
	}
	if (regions_overlap(word, machine->initrd)) {
		return tree_fail(tree, node, name, "0x%llx lies inside the initrd", ull(word.base));
	}
	if (!paint_reserved(&machine->memory, word.base, word.size)) {
		return tree_fail(tree, node, name, "is one range too many for the memory map");
	}
	return true;
}

/* The "enable-method" of /cpus itself is not looked at: on the Pi it is that of 32-bit kernels. */
static bool read_start(struct reader *reader, int node, struct machine_core *core)
{
	if (tree_has_string(&reader->tree, node, "enable-method", "psci")) {
		core->start = MACHINE_START_PSCI;
		return true;
	}
	if (tree_has_string(&reader->tree, node, "enable-method", "spin-table")) {
		core->start = MACHINE_START_SPIN_TABLE;
		return read_release_address(reader, node, core);
	}
	core->start = MACHINE_START_NONE;
	return true;
}

static bool read_affinity(const struct reader *reader, int node, const struct tree_cells *cells,
			  uint64_t *affinity)
{
	const struct machine *machine = reader->machine;
	struct tree_property reg;
	if (!tree_property(&reader->tree, node, "reg", &reg) || reg.size < cells->address * CELL) {
		return tree_fail(&reader->tree, node, "reg", "is missing or too short");
	}
	*affinity = tree_number(reg.data, cells->address) & AFFINITY_MASK;
	for (size_t i = 0; i < machine->core_count; i++) {
		if (machine->cores[i].affinity == *affinity) {
			return tree_fail(&reader->tree, node, "reg",
					 "another core has the number 0x%llx too", ull(*affinity));
		}
	}
	return true;
}

static bool read_core(struct reader *reader, int node, const struct tree_cells *cells)
{
	struct machine *machine = reader->machine;
	struct machine_core core = {0};
	if (!read_affinity(reader, node, cells, &core.affinity) ||
	    !read_start(reader, node, &core)) {
		return false;
	}
	if (machine->core_count == MACHINE_MAX_CORES) {
		machine->cores_ignored++;
	} else {
		machine->cores[machine->core_count++] = core;
	}
	return true;
}

static bool read_cores(struct reader *reader)
{
	const struct tree *tree = &reader->tree;
	int cpus = tree_node_at(tree, "/cpus", strlen("/cpus"));
	struct tree_cells cells;
	if (cpus < 0) {
		return tree_fail(tree, 0, NULL, "has no node cpus");
	}
	if (!tree_cells(tree, cpus, &cells)) {
		return false;
	}
	for (int node = tree_first_child(tree, cpus); node >= 0;
	     node = tree_next_sibling(tree, node)) {
		if (tree_has_string(tree, node, "device_type", "cpu") &&
		    tree_is_usable(tree, node) && !read_core(reader, node, &cells)) {
			return false;
		}
	}
	if (reader->machine->core_count == 0) {
		return tree_fail(tree, cpus, NULL, "has no core");
	}
	return true;
}

/* --- Devices found by what they are compatible with; of each kind, the first is taken --- */

static bool read_psci(struct reader *reader, int node)
{
	struct machine *machine = reader->machine;
	if (machine->psci != MACHINE_PSCI_NONE) {
		return true;
	}
	if (tree_has_string(&reader->tree, node, "method", "hvc")) {
		machine->psci = MACHINE_PSCI_HVC;
	} else if (tree_has_string(&reader->tree, node, "method", "smc")) {
		machine->psci = MACHINE_PSCI_SMC;
	} else {
		return tree_fail(&reader->tree, node, "method", "is neither \"hvc\" nor \"smc\"");
	}
	return true;
}

static bool read_gic_v2(struct reader *reader, int node)
{
	struct machine_gic *gic = &reader->machine->gic;
	if (gic->kind != MACHINE_GIC_NONE) {
		return true;
	}
	gic->kind = MACHINE_GIC_V2;
	return read_region(reader, node, 0, &gic->distributor) &&
	       read_region(reader, node, 1, &gic->cpu_interface);
}

static bool read_redistributors(struct reader *reader, int node, struct machine_gic *gic)
{
	static const char name[] = "#redistributor-regions";
	uint32_t count = 1;
	if (!tree_u32(&reader->tree, node, name, &count)) {
		return false;
	}
	if (count < 1 || count > MACHINE_MAX_REGIONS) {
		return tree_fail(&reader->tree, node, name, "is %u, not 1 to %u", count,
				 MACHINE_MAX_REGIONS);
	}
	for (size_t i = 0; i < count; i++) {
		if (!read_region(reader, node, 1 + i, &gic->redistributors[i])) {
			return false;
		}
	}
	gic->redistributor_count = count;
	return true;
}

static bool read_gic_v3(struct reader *reader, int node)
{
	struct machine_gic *gic = &reader->machine->gic;
	if (gic->kind != MACHINE_GIC_NONE) {
		return true;
	}
	gic->kind = MACHINE_GIC_V3;
	return read_region(reader, node, 0, &gic->distributor) &&
	       read_redistributors(reader, node, gic) &&
	       tree_u64(&reader->tree, node, "redistributor-stride", &gic->redistributor_stride);
}

/*
 * Which of the timer's interrupts is the virtual one: by name if there are names, else the third.
 */
static size_t virtual_timer_index(const struct tree *tree, int node)
{
	struct tree_property names;
	(void)tree_property(tree, node, "interrupt-names", &names);
	int index = tree_property_index(&names, "virt");
	return index < 0 ? 2 : (size_t)index;
}

/* Three cells or more of a GIC: type (1 is a PPI), number, flags. */
static bool read_timer(struct reader *reader, int node)
{
	const struct tree *tree = &reader->tree;
	struct tree_property interrupts;
	uint32_t cells = 0;
	int parent;
	if (reader->machine->timer_virtual_intid != 0) {
		return true;
	}
	if (!tree_property(tree, node, "interrupts", &interrupts)) {
		return tree_fail(tree, node, "interrupts", "is missing");
	}
	if (!tree_interrupt_parent(tree, node, &parent) ||
	    !tree_u32(tree, parent, "#interrupt-cells", &cells)) {
		return false;
	}
	if (cells < 3) {
		return tree_fail(tree, parent, "#interrupt-cells", "is %u, less than 3", cells);
	}
	size_t index = virtual_timer_index(tree, node);
	size_t entry_size = cells * CELL;
	if (interrupts.size / entry_size <= index) {
		return tree_fail(tree, node, "interrupts", "has no interrupt %zu", index);
	}
	const unsigned char *entry = interrupts.data + index * entry_size;
	uint64_t number = tree_number(entry + CELL, 1);
	if (tree_number(entry, 1) != 1 || number > 15) {
		return tree_fail(tree, node, "interrupts", "interrupt %zu is not a PPI", index);
	}
	reader->machine->timer_virtual_intid = (uint32_t)number + 16;
	return true;
}

static bool read_watchdog(struct reader *reader, int node)
{
	if (reader->machine->bcm_watchdog.size != 0) {
		return true;
	}
	return read_region(reader, node, 0, &reader->machine->bcm_watchdog);
}

struct device {
	const char *compatible;
	bool (*read)(struct reader *reader, int node);
};

static const struct device devices[] = {
	{"arm,psci-1.0",        read_psci    },
	{"arm,psci-0.2",        read_psci    },
	{"arm,gic-400",         read_gic_v2  },
	{"arm,cortex-a15-gic",  read_gic_v2  },
	{"arm,cortex-a9-gic",   read_gic_v2  },
	{"arm,cortex-a7-gic",   read_gic_v2  },
	{"arm,gic-v3",          read_gic_v3  },
	{"arm,armv8-timer",     read_timer   },
	{"brcm,bcm2711-pm",     read_watchdog},
	{"brcm,bcm2835-pm",     read_watchdog},
	{"brcm,bcm2835-pm-wdt", read_watchdog},
};

static bool read_device(struct reader *reader, int node)
{
	struct tree_property compatible;
	(void)tree_property(&reader->tree, node, "compatible", &compatible);
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		if (tree_property_index(&compatible, devices[i].compatible) >= 0) {
			return devices[i].read(reader, node);
		}
	}
	return true;
}

static bool read_devices(struct reader *reader)
{
	const struct tree *tree = &reader->tree;
	int depth = 0;
	int hidden_below = INT_MAX; /* what lies below a node that is not there is not there */
	for (int node = 0; node >= 0; node = tree_next(tree, node, &depth)) {
		if (depth > hidden_below) {
			continue;
		}
		bool usable = tree_is_usable(tree, node);
		hidden_below = usable ? INT_MAX : depth;
		if (usable && !read_device(reader, node)) {
			return false;
		}
	}
	if (reader->machine->gic.kind == MACHINE_GIC_NONE) {
		return tree_fail(tree, 0, NULL, "has no GIC that is known");
	}
	if (reader->machine->timer_virtual_intid == 0) {
		return tree_fail(tree, 0, NULL, "has no node compatible with arm,armv8-timer");
	}
	return true;
}

bool machine_read(const void *fdt, size_t size, uint64_t physical, struct machine *machine,
		  char error[MACHINE_ERROR_MAX])
{
	struct reader reader = {.machine = machine};

	memset(machine, 0, sizeof(*machine));
	error[0] = '\0';
	machine->model = "unknown machine";
	machine->bootargs = "";
	if (!tree_open(&reader.tree, fdt, size, error, MACHINE_ERROR_MAX)) {
		return false;
	}
	machine->tree = (struct machine_region){physical, fdt_totalsize(fdt)};
	read_model(&reader);
	/*
	 * Each claim on memory is stronger than those before it; no-map is what nobody may touch.
	 */
	return read_console(&reader) && read_chosen(&reader) && read_memory(&reader) &&
	       read_memreserve(&reader) && read_reservations(&reader, RESERVATION_PLAIN) &&
	       read_cores(&reader) && paint_modules(&reader) &&
	       read_reservations(&reader, RESERVATION_NO_MAP) && check_initrd(&reader) &&
	       read_devices(&reader);
}
