/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every instruction that C cannot say, by name. All inline assembly of arch/arm64 is here.
 *
 * Barriers and maintenance instructions clobber memory, so the compiler moves no access across them.
 */
#pragma once

#include <stdint.h>

/* `name` is a register's, or a macro for its encoding. */
#define READ_SYSREG(name)         READ_SYSREG_(name)
#define WRITE_SYSREG(name, value) WRITE_SYSREG_(name, value)

#define READ_SYSREG_(name)                                                                         \
	({                                                                                         \
		uint64_t read_;                                                                    \
		__asm__ volatile("mrs %0, " #name : "=r"(read_));                                  \
		read_;                                                                             \
	})

#define WRITE_SYSREG_(name, value)                                                                 \
	do {                                                                                       \
		uint64_t written_ = (value);                                                       \
		__asm__ volatile("msr " #name ", %0" : : "r"(written_) : "memory");                \
	} while (0)

#define INSN_(name, text)                                                                          \
	static inline void name(void)                                                              \
	{                                                                                          \
		__asm__ volatile(text : : : "memory");                                             \
	}

#define INSN_WITH_(name, text)                                                                     \
	static inline void name(uint64_t operand)                                                  \
	{                                                                                          \
		__asm__ volatile(text ", %0" : : "r"(operand) : "memory");                         \
	}

INSN_(isb, "isb")
INSN_(dsb_sy, "dsb sy")
INSN_(dsb_ish, "dsb ish")
INSN_(dsb_ishst, "dsb ishst")
INSN_(dsb_nsh, "dsb nsh")
INSN_(wfi, "wfi")
INSN_(wfe, "wfe")
INSN_(sev, "sev")
INSN_(cpu_relax, "yield")
INSN_(irq_mask_all, "msr daifset, #0xf")
INSN_(serror_unmask, "msr daifclr, #0x4")

INSN_(tlbi_vmalle1, "tlbi vmalle1")
INSN_(tlbi_vmalle1is, "tlbi vmalle1is")
/* Operand: ASID in bits 63 to 48, VA[55:12] in bits 43 to 0. "vale": entries of the last level only. */
INSN_WITH_(tlbi_vae1is, "tlbi vae1is")
INSN_WITH_(tlbi_vale1is, "tlbi vale1is")
INSN_WITH_(tlbi_aside1is, "tlbi aside1is")
INSN_WITH_(tlbi_vale1, "tlbi vale1")
INSN_WITH_(tlbi_vaae1is, "tlbi vaae1is")
INSN_(ic_iallu, "ic iallu")
INSN_(ic_ialluis, "ic ialluis")
INSN_WITH_(dc_civac, "dc civac")
INSN_WITH_(dc_cvac, "dc cvac")
INSN_WITH_(dc_cvau, "dc cvau")
INSN_WITH_(dc_ivac, "dc ivac")

/*
 * Entries of translation tables. Table walks are single-copy atomic 64-bit reads: Arm ARM DDI 0487,
 * "Ordering and completion of translation table walks". Here so that tests see each access.
 */
static inline uint64_t entry_load(const uint64_t *entry)
{
	return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

static inline void entry_store(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static inline uint64_t entry_exchange(uint64_t *entry, uint64_t value)
{
	return __atomic_exchange_n(entry, value, __ATOMIC_ACQ_REL);
}

static inline _Bool entry_compare_and_swap(uint64_t *entry, uint64_t old, uint64_t value)
{
	return __atomic_compare_exchange_n(entry, &old, value, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* SMC Calling Convention (Arm DEN 0028): function and three arguments in x0 to x3, result in x0; x4 to
 * x17 are preserved from version 1.1 on, and may change before. */
#define FIRMWARE_CALL_(name, text)                                                                 \
	static inline uint64_t name(uint64_t function, uint64_t a, uint64_t b, uint64_t c)         \
	{                                                                                          \
		register uint64_t x0 __asm__("x0") = function;                                     \
		register uint64_t x1 __asm__("x1") = a;                                            \
		register uint64_t x2 __asm__("x2") = b;                                            \
		register uint64_t x3 __asm__("x3") = c;                                            \
		__asm__ volatile(text                                                              \
				 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)                          \
				 :                                                                 \
				 : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", \
				   "x14", "x15", "x16", "x17", "memory");                          \
		return x0;                                                                         \
	}

FIRMWARE_CALL_(hvc_call, "hvc #0")
FIRMWARE_CALL_(smc_call, "smc #0")

/* Semihosting for AArch32 and AArch64 (Arm): operation in w0, parameter block in x1. */
static inline uint64_t semihosting_call(uint64_t operation, const void *block)
{
	register uint64_t x0 __asm__("x0") = operation;
	register const void *x1 __asm__("x1") = block;
	__asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
	return x0;
}

/* Device registers are accessed with these only: one access of exactly this width, not reordered by the
 * compiler against other volatile accesses. */
static inline uint32_t read32(uint64_t address)
{
	uint32_t value;
	__asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline void write32(uint64_t address, uint32_t value)
{
	__asm__ volatile("str %w0, [%1]" : : "rZ"(value), "r"(address) : "memory");
}

static inline uint64_t read64(uint64_t address)
{
	uint64_t value;
	__asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline void write64(uint64_t address, uint64_t value)
{
	__asm__ volatile("str %0, [%1]" : : "rZ"(value), "r"(address) : "memory");
}
