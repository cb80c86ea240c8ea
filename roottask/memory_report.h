/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compares the memory that the device tree describes with what the kernel says became of it.
 */
#pragma once

#include <abi/boot_info.h>

#include <stdbool.h>

/*
 * Parses the tree, prints the machine and how its memory splits, and checks byte for byte: all RAM of
 * the tree is in exactly one range of the boot information, nothing else is, what the tree reserves was
 * not handed out, and what was handed out can be touched. False, with a line for what is wrong, if not.
 */
bool memory_report(const struct boot_info *info);
