/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checked reading of a flattened device tree, over libfdt.
 *
 * Of libfdt only fdt.c, fdt_ro.c and fdt_check.c are used. fdt_addresses.c is not: it would pull
 * in the functions that write trees.
 */
#include "tree.h"

#include "format.h"

#include <libfdt.h>
#include <stdarg.h>
#include <string.h>

#define CELL sizeof(fdt32_t)

/*
 * A path longer than this leaves too little of the line for the reason; its last name is shown
 * then.
 */
#define PATH_MAX_SHOWN 80
#define NAME_MAX_SHOWN 64

/* Far above the 31 characters that property names may have ("Property Names"). */
#define NAME_MAX_SIZE 256

static void replace_unprintable(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~') {
			*text = '?';
		}
	}
}

static void show_path(const struct tree *tree, int node, char path[PATH_MAX_SHOWN])
{
	if (fdt_get_path(tree->fdt, node, path, PATH_MAX_SHOWN) == 0) {
		return;
	}
	char name[NAME_MAX_SHOWN];
	const char *full = fdt_get_name(tree->fdt, node, NULL);
	size_t length = full != NULL ? strnlen(full, sizeof(name) - 1) : 0;
	if (length != 0) {
		memcpy(name, full, length);
	}
	name[length] = '\0';
	format(path, PATH_MAX_SHOWN, ".../%s", name);
}

bool tree_fail(const struct tree *tree, int node, const char *property, const char *fmt, ...)
{
	char path[PATH_MAX_SHOWN];
	show_path(tree, node, path);
	size_t used = property != NULL
			      ? format(tree->error, tree->error_size, "%s: %s: ", path, property)
			      : format(tree->error, tree->error_size, "%s: ", path);
	if (used < tree->error_size) {
		va_list arguments;
		va_start(arguments, fmt);
		format_va(tree->error + used, tree->error_size - used, fmt, arguments);
		va_end(arguments);
	}
	replace_unprintable(tree->error);
	return false;
}

__attribute__((format(printf, 2, 3))) static bool fail_header(const struct tree *tree,
							      const char *fmt, ...)
{
	size_t used = format(tree->error, tree->error_size, "device tree: ");
	va_list arguments;
	va_start(arguments, fmt);
	format_va(tree->error + used, tree->error_size - used, fmt, arguments);
	va_end(arguments);
	return false;
}

/*
 * The header field at `offset`. The header may be all there is, so it is read before libfdt
 * trusts it.
 */
static uint32_t header_field(const struct tree *tree, size_t offset)
{
	return (uint32_t)tree_number((const unsigned char *)tree->fdt + offset, 1);
}

/*
 * libfdt measures the name of each property with memchr(), to the end of the strings block if
 * need be: many properties that share one endless name would take quadratic time. So no name may
 * be endless.
 */
static bool check_strings(const struct tree *tree)
{
	const char *strings = (const char *)tree->fdt + fdt_off_dt_strings(tree->fdt);
	size_t size = fdt_size_dt_strings(tree->fdt);
	size_t begin = 0;
	for (size_t i = 0; i < size; i++) {
		if (strings[i] == '\0') {
			begin = i + 1;
		} else if (i - begin == NAME_MAX_SIZE) {
			return fail_header(tree, "a property name is longer than %u characters",
					   NAME_MAX_SIZE);
		}
	}
	return true;
}

static bool check_header(const struct tree *tree, size_t size)
{
	if (size < sizeof(struct fdt_header)) {
		return fail_header(tree, "%zu bytes are too few for its header", size);
	}
	uint32_t magic = header_field(tree, offsetof(struct fdt_header, magic));
	if (magic != FDT_MAGIC) {
		return fail_header(tree, "its magic is 0x%08x, not 0x%08x", magic, FDT_MAGIC);
	}
	uint32_t total = header_field(tree, offsetof(struct fdt_header, totalsize));
	if (total > size) {
		return fail_header(tree, "its size is %u bytes, but only %zu are there", total,
				   size);
	}
	uint32_t version = header_field(tree, offsetof(struct fdt_header, version));
	if (version < 17) {
		return fail_header(tree, "its version is %u; 17 is the oldest that is read",
				   version);
	}
	if ((uintptr_t)tree->fdt % 8 != 0) {
		return fail_header(tree, "it does not begin at a multiple of 8 bytes");
	}
	int status = fdt_check_header(tree->fdt);
	if (status != 0) {
		return fail_header(tree, "its header is broken (libfdt error %d)", -status);
	}
	return true;
}

bool tree_open(struct tree *tree, const void *fdt, size_t size, char *error, size_t error_size)
{
	tree->fdt = fdt;
	tree->error = error;
	tree->error_size = error_size;
	if (!check_header(tree, size) || !check_strings(tree)) {
		return false;
	}
	/*
	 * Walks every tag within the total size. libfdt checks bounds at each later access too,
	 * but stops in silence where the structure is broken: a memory node behind that place
	 * would just be missing.
	 */
	int status = fdt_check_full(fdt, fdt_totalsize(fdt));
	if (status != 0) {
		return fail_header(tree, "its structure is broken (libfdt error %d)", -status);
	}
	return true;
}

bool tree_property(const struct tree *tree, int node, const char *name,
		   struct tree_property *property)
{
	int size;
	property->data = fdt_getprop(tree->fdt, node, name, &size);
	property->size = property->data != NULL ? (size_t)size : 0;
	return property->data != NULL;
}

const char *tree_string(const struct tree *tree, int node, const char *name)
{
	struct tree_property property;
	if (!tree_property(tree, node, name, &property) || property.size == 0 ||
	    memchr(property.data, '\0', property.size) == NULL) {
		return NULL;
	}
	return (const char *)property.data;
}

uint64_t tree_number(const unsigned char *data, unsigned cells)
{
	uint64_t number = 0;
	for (size_t i = 0; i < cells * CELL; i++) {
		number = number << 8 | data[i];
	}
	return number;
}

bool tree_u32(const struct tree *tree, int node, const char *name, uint32_t *value)
{
	struct tree_property property;
	if (!tree_property(tree, node, name, &property)) {
		return true;
	}
	if (property.size != CELL) {
		return tree_fail(tree, node, name, "has %zu bytes, not 4", property.size);
	}
	*value = (uint32_t)tree_number(property.data, 1);
	return true;
}

bool tree_u64(const struct tree *tree, int node, const char *name, uint64_t *value)
{
	struct tree_property property;
	if (!tree_property(tree, node, name, &property)) {
		return true;
	}
	if (property.size != CELL && property.size != 2 * CELL) {
		return tree_fail(tree, node, name, "has %zu bytes, not 4 or 8", property.size);
	}
	*value = tree_number(property.data, (unsigned)(property.size / CELL));
	return true;
}

bool tree_has_string(const struct tree *tree, int node, const char *name, const char *value)
{
	const char *string = tree_string(tree, node, name);
	return string != NULL && strcmp(string, value) == 0;
}

bool tree_is_usable(const struct tree *tree, int node)
{
	struct tree_property status;
	return !tree_property(tree, node, "status", &status) ||
	       tree_has_string(tree, node, "status", "okay") ||
	       tree_has_string(tree, node, "status", "ok");
}

bool tree_is_compatible(const struct tree *tree, int node, const char *compatible)
{
	return fdt_node_check_compatible(tree->fdt, node, compatible) == 0;
}

int tree_node_at(const struct tree *tree, const char *path, size_t length)
{
	/*
	 * libfdt takes a path without a slash for an alias, and follows an alias that names
	 * itself for ever, recursively: aliases are the caller's business.
	 */
	if (length == 0 || path[0] != '/') {
		return -FDT_ERR_BADPATH;
	}
	return fdt_path_offset_namelen(tree->fdt, path, (int)length);
}

bool tree_cells(const struct tree *tree, int node, struct tree_cells *cells)
{
	/*
	 * "If missing, a client program should assume 2 for #address-cells and 1 for
	 * #size-cells".
	 */
	uint32_t address = 2;
	uint32_t size = 1;
	if (!tree_u32(tree, node, "#address-cells", &address) ||
	    !tree_u32(tree, node, "#size-cells", &size)) {
		return false;
	}
	if (address < 1 || address > 2) {
		return tree_fail(tree, node, "#address-cells", "is %u, not 1 or 2", address);
	}
	if (size > 2) {
		return tree_fail(tree, node, "#size-cells", "is %u, more than 2", size);
	}
	cells->address = address;
	cells->size = size;
	return true;
}

/* The children's view of a bus, and the way up. */
struct bus {
	int node;
	struct tree_cells cells;
};

static bool bus_above(const struct tree *tree, int node, struct bus *bus)
{
	bus->node = fdt_parent_offset(tree->fdt, node);
	if (bus->node < 0) {
		return tree_fail(tree, node, NULL, "has no parent node");
	}
	return tree_cells(tree, bus->node, &bus->cells);
}

/*
 * Looks in the "ranges" of `bus` for the entry that holds [*base, *base + size), and moves *base to
 * where that is on the bus above, whose addresses have `above` cells.
 */
static bool translate_entry(const struct tree *tree, const struct bus *bus, unsigned above,
			    const struct tree_property *ranges, uint64_t *base, uint64_t size)
{
	size_t entry_size = (bus->cells.address + above + bus->cells.size) * CELL;
	if (ranges->size % entry_size != 0) {
		return tree_fail(tree, bus->node, "ranges",
				 "%zu bytes are not whole entries of %zu", ranges->size,
				 entry_size);
	}
	for (size_t at = 0; at < ranges->size; at += entry_size) {
		const unsigned char *entry = ranges->data + at;
		uint64_t child = tree_number(entry, bus->cells.address);
		entry += bus->cells.address * CELL;
		uint64_t parent = tree_number(entry, above);
		entry += above * CELL;
		uint64_t length = tree_number(entry, bus->cells.size);

		/* A base below the entry wraps to a large offset, which is refused too. */
		uint64_t offset = *base - child;
		uint64_t end;
		if (offset > length || size > length - offset) {
			continue;
		}
		if (__builtin_add_overflow(parent, offset + size, &end)) {
			return tree_fail(tree, bus->node, "ranges",
					 "entry %zu wraps past the end of the address space",
					 at / entry_size);
		}
		*base = parent + offset;
		return true;
	}
	return tree_fail(tree, bus->node, "ranges", "no entry holds 0x%llx of size 0x%llx",
			 (unsigned long long)*base, (unsigned long long)size);
}

static bool translate(const struct tree *tree, const struct bus *bus, unsigned above,
		      uint64_t *base, uint64_t size)
{
	struct tree_property ranges;
	/* "If the property is not present, no mapping exists between children and the parent". */
	if (!tree_property(tree, bus->node, "ranges", &ranges)) {
		return tree_fail(tree, bus->node, "ranges",
				 "is missing, so the CPU cannot reach 0x%llx behind it",
				 (unsigned long long)*base);
	}
	if (ranges.size == 0) {
		return true; /* "the parent and child address space is identical" */
	}
	return translate_entry(tree, bus, above, &ranges, base, size);
}

static bool read_reg(const struct tree *tree, int device, const struct bus *bus, size_t index,
		     uint64_t *base, uint64_t *size)
{
	size_t entry_size = (bus->cells.address + bus->cells.size) * CELL;
	struct tree_property reg;
	if (!tree_property(tree, device, "reg", &reg)) {
		return tree_fail(tree, device, "reg", "is missing");
	}
	if (reg.size / entry_size <= index) {
		return tree_fail(tree, device, "reg", "has no range %zu", index);
	}
	const unsigned char *entry = reg.data + index * entry_size;
	*base = tree_number(entry, bus->cells.address);
	*size = tree_number(entry + bus->cells.address * CELL, bus->cells.size);
	uint64_t end;
	if (__builtin_add_overflow(*base, *size, &end)) {
		return tree_fail(tree, device, "reg",
				 "range %zu wraps past the end of the address space", index);
	}
	if (*size == 0) {
		return tree_fail(tree, device, "reg", "range %zu is empty", index);
	}
	return true;
}

bool tree_registers(const struct tree *tree, int device, size_t index, uint64_t *base,
		    uint64_t *size)
{
	struct bus bus, above;
	if (!bus_above(tree, device, &bus) || !read_reg(tree, device, &bus, index, base, size)) {
		return false;
	}
	/* Each step up scans the tree once more, so their number is bounded. */
	for (int depth = 0; depth < TREE_MAX_DEPTH; depth++) {
		if (bus.node == 0) {
			return true;
		}
		if (!bus_above(tree, bus.node, &above) ||
		    !translate(tree, &bus, above.cells.address, base, *size)) {
			return false;
		}
		bus = above;
	}
	return tree_fail(tree, device, NULL, "lies below more than %u buses", TREE_MAX_DEPTH);
}

/*
 * One step of "Interrupt Generating Devices", "interrupt-parent": the phandle, or else the
 * parent.
 */
static bool interrupt_step(const struct tree *tree, int node, int *next)
{
	uint32_t phandle = 0;
	if (!tree_u32(tree, node, "interrupt-parent", &phandle)) {
		return false;
	}
	*next = phandle != 0 ? fdt_node_offset_by_phandle(tree->fdt, phandle)
			     : fdt_parent_offset(tree->fdt, node);
	if (*next < 0) {
		return tree_fail(tree, node, "interrupt-parent",
				 phandle != 0 ? "names no node" : "is missing");
	}
	return true;
}

bool tree_interrupt_parent(const struct tree *tree, int device, int *parent)
{
	int node = device;
	for (int depth = 0; depth < TREE_MAX_DEPTH; depth++) {
		struct tree_property cells;
		if (!interrupt_step(tree, node, &node)) {
			return false;
		}
		if (tree_property(tree, node, "#interrupt-cells", &cells)) {
			*parent = node;
			return true;
		}
	}
	return tree_fail(tree, device, "interrupt-parent", "leads nowhere in %u steps",
			 TREE_MAX_DEPTH);
}
