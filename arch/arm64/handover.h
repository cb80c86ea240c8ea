/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the kernel's image is, for those of arch/arm64 who need to know.
 */
#pragma once

#include <arch/handover.h>

void handover_remember(const struct handover *boot);

/* The physical address of something in the kernel's image. */
uint64_t image_physical(const void *in_image);

/* The address as linked, of something in the kernel's image. */
uint64_t image_linked(uint64_t va);
