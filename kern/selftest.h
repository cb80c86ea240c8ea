/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Breaks the kernel on purpose, so that tests see how it ends. Debug builds only.
 */
#pragma once

/* The boot argument selftest=NAME; "" does nothing. An unknown name lists the known ones and panics. */
void selftest_run(const char *name);

/* Every other core, when it was woken from idling: its part in the selftest that runs. */
void selftest_woken(void);
