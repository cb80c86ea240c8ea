/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What thread.h and cpu.h need of <sys/tree.h>, which the host's C library lacks: the layout of a tree that no test uses.
 */
#pragma once

#define RB_HEAD(name, type)            \
	struct name {                  \
		struct type *rbh_root; \
	}

#define RB_ENTRY(type)                             \
	struct {                                   \
		struct type *rbe_left, *rbe_right; \
		struct type *rbe_parent;           \
	}
