/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a flattened device tree that nobody vouches for (Devicetree Specification, release 0.4).
 *
 * Checks the whole tree once, walks it, reads properties with their sizes checked, translates
 * addresses, and explains each refusal in one line that names node and property. Whatever the
 * tree holds, every function ends, in time about linear in the tree's size.
 *
 * Nodes are named as libfdt does: by their offset in the structure block. The root's is 0.
 *
 * Functions that return false have written such a line, unless their comment says otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Buses between a device and the root. */
#define TREE_MAX_DEPTH 16

/* Instead of a node. All that take nodes find nothing in it. */
#define TREE_NO_NODE (-1)

struct tree {
	const void *fdt;
	const uint32_t *structure; /* big-endian words */
	size_t structure_size;
	const char *strings;
	size_t strings_size; /* up to the last NUL: what begins in there ends in there */
	char *error;
	size_t error_size;
};

/* A property's bytes. They may be unaligned: take numbers out with tree_number(). */
struct tree_property {
	const unsigned char *data;
	size_t size;
};

struct tree_cells {
	unsigned address; /* 1 or 2 */
	unsigned size;    /* 0 to 2 */
};

/* Checks the tree at `fdt`, of which at most `size` bytes may be touched. */
bool tree_open(struct tree *tree, const void *fdt, size_t size, char *error, size_t error_size);

/*
 * Writes the line "node's path: property: reason" and returns false. `property` may be NULL.
 * Characters that are not printable ASCII are replaced: names come from the tree, and the line
 * goes to a terminal.
 */
bool tree_fail(const struct tree *tree, int node, const char *property, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* False, no line, and an empty *property, if the node has no such property. */
bool tree_property(const struct tree *tree, int node, const char *name,
		   struct tree_property *property);

/* The same for the name in the first `length` characters. */
bool tree_property_named(const struct tree *tree, int node, const char *name, size_t length,
			 struct tree_property *property);

/* The property's bytes as a string; NULL if they have no NUL. */
const char *tree_property_string(const struct tree_property *property);

/* The place of `string` in the property's list of strings, from 0; negative if it is not there. */
int tree_property_index(const struct tree_property *property, const char *string);

/* The property as a string; NULL, and no line, if it is absent or has no NUL. */
const char *tree_string(const struct tree *tree, int node, const char *name);

/* One cell. *value is left alone if the property is absent. */
bool tree_u32(const struct tree *tree, int node, const char *name, uint32_t *value);

/* One cell or two, as firmware likes. *value is left alone if the property is absent. */
bool tree_u64(const struct tree *tree, int node, const char *name, uint64_t *value);

/* The number in `cells` big-endian cells, 0 to 2. */
uint64_t tree_number(const unsigned char *data, unsigned cells);

/* Whether "status" says that the node is there ("status": absent, "okay" or "ok"). No line. */
bool tree_is_usable(const struct tree *tree, int node);

/* Whether the string property `name` is `value`. No line. */
bool tree_has_string(const struct tree *tree, int node, const char *name, const char *value);

/* Whether `compatible` is one of the node's. No line. */
bool tree_is_compatible(const struct tree *tree, int node, const char *compatible);

/*
 * The node behind `node` in the tree's order, and how much deeper it lies: added to *depth.
 * TREE_NO_NODE, and no line, at the end, and where *depth would fall below 0.
 */
int tree_next(const struct tree *tree, int node, int *depth);

/* For walks over the children of a node; TREE_NO_NODE, and no line, if there is none. */
int tree_first_child(const struct tree *tree, int node);
int tree_next_sibling(const struct tree *tree, int node);

/* TREE_NO_NODE, and no line, for the root. */
int tree_parent(const struct tree *tree, int node);

/* The node at the absolute path in the first `length` characters, or TREE_NO_NODE, and no line. */
int tree_node_at(const struct tree *tree, const char *path, size_t length);

/* The node that others refer to by this number, or TREE_NO_NODE, and no line. */
int tree_node_by_phandle(const struct tree *tree, uint32_t phandle);

/* How the children of `node` write addresses and sizes. */
bool tree_cells(const struct tree *tree, int node, struct tree_cells *cells);

/*
 * The address range number `index` of the device's "reg", as the CPU sees it: translated through
 * the "ranges" of every bus above. Refuses an empty range.
 */
bool tree_registers(const struct tree *tree, int device, size_t index, uint64_t *base,
		    uint64_t *size);

/* The node that takes the device's interrupts ("interrupt-parent"). */
bool tree_interrupt_parent(const struct tree *tree, int device, int *parent);
