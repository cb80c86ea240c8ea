/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields of system registers, by their names in the Arm ARM (DDI 0487, chapter "AArch64 System
 * Register Descriptions"). For C and assembly.
 */
#pragma once

#include "layout.h"

/* SCTLR_EL1. A bit that is RES1 without its feature is written as 1. */
#define SCTLR_M      (UL(1) << 0)
#define SCTLR_C      (UL(1) << 2)
#define SCTLR_SA     (UL(1) << 3)
#define SCTLR_SA0    (UL(1) << 4)
#define SCTLR_EOS    (UL(1) << 11)
#define SCTLR_I      (UL(1) << 12)
#define SCTLR_DZE    (UL(1) << 14)
#define SCTLR_UCT    (UL(1) << 15)
#define SCTLR_NTWI   (UL(1) << 16)
#define SCTLR_NTWE   (UL(1) << 18)
#define SCTLR_WXN    (UL(1) << 19)
#define SCTLR_TSCXT  (UL(1) << 20)
#define SCTLR_EIS    (UL(1) << 22)
#define SCTLR_SPAN   (UL(1) << 23)
#define SCTLR_UCI    (UL(1) << 26)
#define SCTLR_NTLSMD (UL(1) << 28)
#define SCTLR_LSMAOE (UL(1) << 29)

#define SCTLR_EL1_RES1 \
	(SCTLR_EOS | SCTLR_TSCXT | SCTLR_EIS | SCTLR_SPAN | SCTLR_NTLSMD | SCTLR_LSMAOE)

/* SCTLR_EL2 with the MMU off: its RES1 bits (29, 28, 23, 22, 18, 16, 11, 5, 4). */
#define SCTLR_EL2_OFF UL(0x30c50830)

/* HCR_EL2 */
#define HCR_RW  (UL(1) << 31)
#define HCR_APK (UL(1) << 40)
#define HCR_API (UL(1) << 41)

/* CPTR_EL2 with E2H = 0: the RES1 bits, which trap SVE (TZ) and SME (TSM) where they exist; FP not trapped. */
#define CPTR_EL2_FP_ONLY UL(0x33ff)

/* SPSR: EL1 with SP_EL1, D A I F masked. */
#define SPSR_EL1H_MASKED UL(0x3c5)
/* SPSR: EL0, nothing masked. */
#define SPSR_EL0 UL(0)

/* TCR_EL1: 4 KiB granules, 48-bit addresses in both halves, tables inner-shareable write-back. */
#define TCR_T0SZ(x)     (UL(x) << 0)
#define TCR_IRGN0_WBWA  (UL(1) << 8)
#define TCR_ORGN0_WBWA  (UL(1) << 10)
#define TCR_SH0_INNER   (UL(3) << 12)
#define TCR_TG0_4K      (UL(0) << 14)
#define TCR_T1SZ(x)     (UL(x) << 16)
#define TCR_EPD1        (UL(1) << 23)
#define TCR_IRGN1_WBWA  (UL(1) << 24)
#define TCR_ORGN1_WBWA  (UL(1) << 26)
#define TCR_SH1_INNER   (UL(3) << 28)
#define TCR_TG1_4K      (UL(2) << 30)
#define TCR_IPS_SHIFT   32
#define TCR_IPS_48_BITS UL(5)
#define TCR_AS_16_BITS  (UL(1) << 36)

/* MAIR_EL1: the memory types, by the index that a descriptor names. */
#define MAIR_NORMAL       0 /* write-back, read- and write-allocate */
#define MAIR_DEVICE       1 /* Device-nGnRE */
#define MAIR_NONCACHEABLE 2 /* Normal, non-cacheable */
#define MAIR_STRICT       3 /* Device-nGnRnE */
#define MAIR_VALUE        UL(0x004404ff)

/* ESR_EL1 */
#define ESR_EC_SHIFT 26
#define ESR_EC_MASK  UL(0x3f)
#define ESR_EC_SVC64 0x15

/* ISR_EL1 */
#define ISR_I (UL(1) << 7)

/* CPACR_EL1.FPEN: neither EL0 nor EL1 traps. */
#define CPACR_FP_ENABLED (UL(3) << 20)
