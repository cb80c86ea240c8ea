/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's virtual addresses, for C, assembly and the boot stage, which builds these tables.
 *
 *   0xffff_0000_0000_0000  KV_DIRECT   + physical address, for physical addresses below 2^47. Only the
 *                                      memory that the kernel keeps is mapped, less its image and its
 *                                      stacks: read-write, never executable.
 *   0xffff_8000_0000_0000  KV_IMAGE    the kernel's image, at a random multiple of 64 KiB in the first
 *                                      GiB if the machine gave a seed; text read-execute, constants
 *                                      read-only, data read-write.
 *   0xffff_8040_0000_0000  KV_STACKS   a slot of 64 KiB per core: guard pages below and above the stack.
 *   0xffff_8040_4000_0000  KV_DEVICES  registers that the kernel drives: Device-nGnRE.
 *
 *   0xffff_8040_8000_0000  KV_POOL     the pool of kernel pages again, its 2 MiB blocks one behind the other in the
 *                                      order in which they came: 2 GiB, so that a page has a short number.
 *   0xffff_8041_0000_0000  KV_WIPE     a page per core, for cache maintenance of memory that has no other mapping.
 *   0xffff_8041_0010_0000  KV_INFO     the kernel information page: the only one that user code can read. In the
 *                                      2 MiB of KV_WIPE, so that it needs no table.
 *
 * The last six share one level-0 entry. Level-0 indices of the four: 0 to 255 for KV_DIRECT, 256.
 */
#pragma once

#ifdef __ASSEMBLER__
#define UL(x) x
#else
#define UL(x) x##UL
#endif

#define PAGE_SHIFT 12
#define PAGE_SIZE  UL(0x1000)
#define BLOCK_SIZE UL(0x200000) /* what a level-2 entry maps */

#define KV_DIRECT  UL(0xffff000000000000)
#define KV_IMAGE   UL(0xffff800000000000)
#define KV_STACKS  UL(0xffff804000000000)
#define KV_DEVICES UL(0xffff804040000000)
#define KV_POOL    UL(0xffff804080000000)
#define KV_WIPE    UL(0xffff804100000000)
#define KV_INFO    UL(0xffff804100100000)

#define KV_POOL_SIZE UL(0x80000000)

#define KV_IMAGE_RANDOM_SHIFT 16
#define KV_IMAGE_RANDOM_COUNT UL(0x3fc0) /* 64 KiB steps; leaves the last 4 MiB of the GiB to the image */

/* Physical addresses that the direct map, and the root task's memory window, can hold. */
#define PHYSICAL_LIMIT UL(0x800000000000)

/* A core's slot in KV_STACKS: the stack fills the 16 KiB that end at STACK_TOP_OFFSET; all else is unmapped. */
#define STACK_SLOT_SHIFT 16
#define STACK_SIZE       UL(0x4000)
#define STACK_TOP_OFFSET UL(0xc000)
