/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a mapping allows, and what kind of memory it shows.
 */
#pragma once

/*
 * Rights of a mapping: bits. Every mapping has READ. A mapping that has WRITE and EXECUTE can hand on either, and
 * lets its own holder write, never execute: nothing is writable and executable at once in one address space.
 */
#define MAP_READ    1u
#define MAP_WRITE   2u
#define MAP_EXECUTE 4u
#define MAP_ALL     7u

enum memory_type { MEMORY_TYPE_NORMAL, MEMORY_TYPE_NONCACHEABLE, MEMORY_TYPE_DEVICE };
