/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Included before everything else in freestanding code: every symbol is our own program's. Without it
 * position-independent code reaches other files' data through a table of absolute addresses, which
 * would be wrong until the program has relocated itself.
 */
#pragma GCC visibility push(hidden)
