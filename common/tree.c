/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checked reading of a flattened device tree.
 *
 * libfdt checks the header, reads the memory reservations and makes paths for messages. The
 * structure block is checked and walked here, for two reasons. libfdt 1.6 takes a property's size
 * for a signed number: one of -12 leads from the property to itself, and fdt_check_full() does
 * not end. And it doubts what it has checked: each step tests the bounds of each byte anew, which
 * took two thirds of the time from the first instruction to the root task. Here check_structure()
 * proves once what next_tag() relies on.
 *
 * Of libfdt only fdt.c and fdt_ro.c are used. fdt_addresses.c is not: it would pull in the
 * functions that write trees.
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
 * Finds where the last string ends. None may be endless: looking through many properties that
 * share such a name would take quadratic time.
 */
static bool check_strings(struct tree *tree)
{
	size_t size = fdt_size_dt_strings(tree->fdt);
	size_t begin = 0;
	for (size_t i = 0; i < size; i++) {
		if (tree->strings[i] == '\0') {
			begin = i + 1;
		} else if (i - begin == NAME_MAX_SIZE) {
			return fail_header(tree, "a property name is longer than %u characters",
					   NAME_MAX_SIZE);
		}
	}
	tree->strings_size = begin;
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

static size_t round_up(size_t offset)
{
	return (offset + CELL - 1) & ~(CELL - 1);
}

static uint32_t word_at(const struct tree *tree, size_t offset)
{
	return fdt32_to_cpu(tree->structure[offset / CELL]);
}

/* The name of the node at `offset`. */
static const char *name_at(const struct tree *tree, size_t offset)
{
	return (const char *)tree->structure + offset + CELL;
}

/* Where the tag behind that of a node is, or 0: the node's name does not end. */
static size_t check_node(const struct tree *tree, size_t offset)
{
	const char *name = name_at(tree, offset);
	const char *end = memchr(name, '\0', tree->structure_size - offset - CELL);
	return end != NULL ? round_up(offset + CELL + (size_t)(end - name) + 1) : 0;
}

/* Where the tag behind that of a property is, or 0: its value or its name is not in the tree. */
static size_t check_property(const struct tree *tree, size_t offset)
{
	size_t left = tree->structure_size - offset;
	if (left < sizeof(struct fdt_property)) {
		return 0;
	}
	size_t size = word_at(tree, offset + offsetof(struct fdt_property, len));
	size_t name = word_at(tree, offset + offsetof(struct fdt_property, nameoff));
	if (size > left - sizeof(struct fdt_property) || name >= tree->strings_size) {
		return 0;
	}
	return round_up(offset + sizeof(struct fdt_property) + size);
}

static bool begins_with_root(const struct tree *tree)
{
	return tree->structure_size >= 2 * CELL && word_at(tree, 0) == FDT_BEGIN_NODE &&
	       *name_at(tree, 0) == '\0';
}

/*
 * Looks at every tag up to FDT_END. 0, or one of libfdt's errors. All that fdt_check_full()
 * refuses is refused, and whatever stands before or beside the root. On success, and that is what
 * the rest of this file relies on:
 *
 *  - the root begins at 0, each node that begins ends, and FDT_END comes behind the root's end;
 *  - each tag has a successor, further up, and all of both lies in the structure block;
 *  - each node's name ends in there, and each property's value does;
 *  - each property's name begins below tree->strings_size, and so ends below it too.
 *
 * So a walk from any tag that was looked at meets only tags that were looked at, always further
 * up, and reaches FDT_END.
 */
static int check_structure(const struct tree *tree)
{
	size_t depth = 0, next = 0;
	if (!begins_with_root(tree)) {
		return -FDT_ERR_BADSTRUCTURE;
	}
	for (size_t at = 0; at + CELL <= tree->structure_size; at = next) {
		uint32_t tag = word_at(tree, at);
		if (depth == 0 && at != 0 && tag != FDT_NOP && tag != FDT_END) {
			return -FDT_ERR_BADSTRUCTURE;
		}
		next = at + CELL;
		switch (tag) {
		case FDT_BEGIN_NODE:
			depth++;
			next = check_node(tree, at);
			break;
		case FDT_PROP:
			next = check_property(tree, at);
			break;
		case FDT_END_NODE:
			depth--;
			break;
		case FDT_NOP:
			break;
		case FDT_END:
			return depth == 0 ? 0 : -FDT_ERR_BADSTRUCTURE;
		default:
			return -FDT_ERR_BADSTRUCTURE;
		}
		if (next == 0) {
			break;
		}
	}
	return -FDT_ERR_TRUNCATED;
}

bool tree_open(struct tree *tree, const void *fdt, size_t size, char *error, size_t error_size)
{
	*tree = (struct tree){.fdt = fdt, .error = error, .error_size = error_size};
	if (!check_header(tree, size)) {
		return false;
	}
	uint32_t structure = fdt_off_dt_struct(fdt);
	if (structure % CELL != 0) {
		return fail_header(tree, "its structure does not begin at a multiple of 4 bytes");
	}
	tree->structure = (const uint32_t *)((const char *)fdt + structure);
	tree->structure_size = fdt_size_dt_struct(fdt);
	tree->strings = (const char *)fdt + fdt_off_dt_strings(fdt);
	if (!check_strings(tree)) {
		return false;
	}
	int reservations = fdt_num_mem_rsv(fdt);
	int status = reservations < 0 ? reservations : check_structure(tree);
	if (status != 0) {
		return fail_header(tree, "its structure is broken (libfdt error %d)", -status);
	}
	return true;
}

/* Where the tag behind the one at `offset` is. */
static size_t next_tag(const struct tree *tree, size_t offset)
{
	switch (word_at(tree, offset)) {
	case FDT_BEGIN_NODE:
		return round_up(offset + CELL + strlen(name_at(tree, offset)) + 1);
	case FDT_PROP:
		return round_up(offset + sizeof(struct fdt_property) +
				word_at(tree, offset + offsetof(struct fdt_property, len)));
	default:
		return offset + CELL;
	}
}

int tree_next(const struct tree *tree, int node, int *depth)
{
	if (node < 0) {
		return TREE_NO_NODE;
	}
	for (size_t at = next_tag(tree, (size_t)node);; at = next_tag(tree, at)) {
		switch (word_at(tree, at)) {
		case FDT_BEGIN_NODE:
			++*depth;
			return (int)at;
		case FDT_END_NODE:
			if (--*depth < 0) {
				return TREE_NO_NODE;
			}
			break;
		case FDT_END:
			return TREE_NO_NODE;
		default:
			break;
		}
	}
}

int tree_first_child(const struct tree *tree, int node)
{
	int depth = 0;
	return tree_next(tree, node, &depth);
}

int tree_next_sibling(const struct tree *tree, int node)
{
	int depth = 1; /* as the parent's child: 0 is the parent */
	do {
		node = tree_next(tree, node, &depth);
	} while (depth > 1 && node >= 0);
	return node;
}

/* How deep `node` lies; and the last node before it that lies at `depth`, in *before. */
static int find_depth(const struct tree *tree, int node, int depth, int *before)
{
	int at_depth = 0;
	for (int at = 0; at != node && at >= 0; at = tree_next(tree, at, &at_depth)) {
		if (at_depth == depth) {
			*before = at;
		}
	}
	return at_depth;
}

int tree_parent(const struct tree *tree, int node)
{
	int parent = TREE_NO_NODE;
	int depth = find_depth(tree, node, -1, &parent);
	(void)find_depth(tree, node, depth - 1, &parent);
	return parent;
}

bool tree_property_named(const struct tree *tree, int node, const char *name, size_t length,
			 struct tree_property *property)
{
	*property = (struct tree_property){NULL, 0};
	if (node < 0) {
		return false;
	}
	for (size_t at = next_tag(tree, (size_t)node);; at = next_tag(tree, at)) {
		uint32_t tag = word_at(tree, at);
		if (tag == FDT_NOP) {
			continue;
		}
		if (tag != FDT_PROP) {
			return false; /* a node's properties come before its children */
		}
		const char *found =
			tree->strings + word_at(tree, at + offsetof(struct fdt_property, nameoff));
		if (strncmp(found, name, length) == 0 && found[length] == '\0') {
			property->data = (const unsigned char *)tree->structure + at +
					 sizeof(struct fdt_property);
			property->size = word_at(tree, at + offsetof(struct fdt_property, len));
			return true;
		}
	}
}

bool tree_property(const struct tree *tree, int node, const char *name,
		   struct tree_property *property)
{
	return tree_property_named(tree, node, name, strlen(name), property);
}

const char *tree_property_string(const struct tree_property *property)
{
	bool ends = property->size != 0 && memchr(property->data, '\0', property->size) != NULL;
	return ends ? (const char *)property->data : NULL;
}

int tree_property_index(const struct tree_property *property, const char *string)
{
	const char *at = (const char *)property->data;
	size_t left = property->size;
	for (int index = 0; left != 0; index++) {
		size_t length = strnlen(at, left);
		if (length == left) {
			break; /* the last one has no end */
		}
		if (strcmp(at, string) == 0) {
			return index;
		}
		at += length + 1;
		left -= length + 1;
	}
	return -1;
}

const char *tree_string(const struct tree *tree, int node, const char *name)
{
	struct tree_property property;
	return tree_property(tree, node, name, &property) ? tree_property_string(&property) : NULL;
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
	struct tree_property list;
	return tree_property(tree, node, "compatible", &list) &&
	       tree_property_index(&list, compatible) >= 0;
}

/* "the unit-address may be omitted if the full path to the node is unambiguous" */
static bool has_name(const struct tree *tree, int node, const char *name, size_t length)
{
	const char *full = name_at(tree, (size_t)node);
	if (strncmp(full, name, length) != 0) {
		return false;
	}
	return full[length] == '\0' || (full[length] == '@' && memchr(name, '@', length) == NULL);
}

static int child_named(const struct tree *tree, int parent, const char *name, size_t length)
{
	int child = tree_first_child(tree, parent);
	while (child >= 0 && !has_name(tree, child, name, length)) {
		child = tree_next_sibling(tree, child);
	}
	return child;
}

int tree_node_at(const struct tree *tree, const char *path, size_t length)
{
	if (length == 0 || path[0] != '/') {
		return TREE_NO_NODE; /* an alias: the caller's business */
	}
	int node = 0;
	const char *end = path + length;
	while (path != end && node >= 0) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		const char *name_end = slash != NULL ? slash : end;
		if (name_end != path) {
			node = child_named(tree, node, path, (size_t)(name_end - path));
		}
		path = slash != NULL ? slash + 1 : end;
	}
	return node;
}

static bool has_phandle(const struct tree *tree, int node, uint32_t phandle)
{
	struct tree_property property;
	if (!tree_property(tree, node, "phandle", &property) || property.size != CELL) {
		/* What dtc wrote before the specification. */
		(void)tree_property(tree, node, "linux,phandle", &property);
	}
	return property.size == CELL && tree_number(property.data, 1) == phandle;
}

int tree_node_by_phandle(const struct tree *tree, uint32_t phandle)
{
	int depth = 0, node = 0;
	while (node >= 0 && !has_phandle(tree, node, phandle)) {
		node = tree_next(tree, node, &depth);
	}
	/* No node has the numbers 0 and -1. */
	return phandle != 0 && phandle != UINT32_MAX ? node : TREE_NO_NODE;
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
	bus->node = tree_parent(tree, node);
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
	/* Each step up scans the tree twice more, so their number is bounded. */
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
	*next = phandle != 0 ? tree_node_by_phandle(tree, phandle) : tree_parent(tree, node);
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
