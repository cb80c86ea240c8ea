/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instructions of arch/arm64/insn.h for the host: same names, but each is told to the test, in order, and is a
 * place where the test can let another core go on.
 */
#pragma once

#include <stdint.h>

enum fake_kind {
	FAKE_WRITE, /* of a table entry: from `old` to `value` */
	FAKE_DSB_ISHST,
	FAKE_DSB_ISH,
	FAKE_DSB_NSH,
	FAKE_TLBI_LEAF,  /* operand in `value` */
	FAKE_TLBI_TABLE, /* leaf, and tables above */
	FAKE_TLBI_SPACE,
	FAKE_TLBI_HERE,
	FAKE_OTHER,
};

/* Called after the fact. */
void fake_event(enum fake_kind kind, uint64_t *entry, uint64_t old, uint64_t value);
/* Called before it. */
void fake_cut(void);
uint64_t fake_sysreg(const char *name);

#define READ_SYSREG(name) fake_sysreg(#name)

#define FAKE_INSN(name, kind)              \
	static inline void name(void)      \
	{                                  \
		fake_cut();                \
		fake_event(kind, 0, 0, 0); \
	}

#define FAKE_INSN_WITH(name, kind)                \
	static inline void name(uint64_t operand) \
	{                                         \
		fake_cut();                       \
		fake_event(kind, 0, 0, operand);  \
	}

FAKE_INSN(isb, FAKE_OTHER)
FAKE_INSN(dsb_sy, FAKE_DSB_ISH)
FAKE_INSN(dsb_ish, FAKE_DSB_ISH)
FAKE_INSN(dsb_ishst, FAKE_DSB_ISHST)
FAKE_INSN(dsb_nsh, FAKE_DSB_NSH)
FAKE_INSN_WITH(tlbi_vae1is, FAKE_TLBI_TABLE)
FAKE_INSN_WITH(tlbi_vale1is, FAKE_TLBI_LEAF)
FAKE_INSN_WITH(tlbi_aside1is, FAKE_TLBI_SPACE)
FAKE_INSN_WITH(tlbi_vale1, FAKE_TLBI_HERE)
FAKE_INSN_WITH(tlbi_vaae1is, FAKE_OTHER)
FAKE_INSN_WITH(dc_civac, FAKE_OTHER)

static inline uint64_t entry_load(const uint64_t *entry)
{
	fake_cut();
	return *entry;
}

static inline void entry_store(uint64_t *entry, uint64_t value)
{
	fake_cut();
	uint64_t old = *entry;
	*entry = value;
	fake_event(FAKE_WRITE, entry, old, value);
}

static inline uint64_t entry_exchange(uint64_t *entry, uint64_t value)
{
	fake_cut();
	uint64_t old = *entry;
	*entry = value;
	fake_event(FAKE_WRITE, entry, old, value);
	return old;
}

static inline _Bool entry_compare_and_swap(uint64_t *entry, uint64_t old, uint64_t value)
{
	fake_cut();
	if (*entry != old) {
		return 0;
	}
	*entry = value;
	fake_event(FAKE_WRITE, entry, old, value);
	return 1;
}
