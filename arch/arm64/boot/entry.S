/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where every core begins: the head of the Image, the way down to EL1, and the first moment with the
 * MMU on. The protocol is Linux's for arm64 (Documentation/arch/arm64/booting): x0 = device tree, MMU
 * and data cache off, the loaded image cleaned to the point of coherency, entry at EL2 or EL1.
 *
 * With the MMU off every access is Device-nGnRnE and goes past the caches (Arm ARM, "Behavior when
 * stage 1 address translation is disabled"): aligned accesses only, no exclusives, no DC ZVA.
 */
#include "../asm.h"
#include "../sysreg.h"
#include "entry.h"

	.section .head, "ax"

	/* The arm64 image header. text_offset 0 and flags "anywhere": we run where we are put. */
	.global	image_header
	.hidden	image_header
image_header:
	b	boot_entry
	.long	0
	.quad	0			/* text_offset */
	.long	_image_size, 0		/* with .bss; two words, since .quad of it would need a relocation */
	.quad	0xa			/* little-endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

	.text

/* FROM: firmware or boot loader, boot core. x0 = device tree. LIVE: x19 = device tree, x20 = image. */
func boot_entry
	msr	daifset, #0xf
	mov	x19, x0
	adrp	x20, image_header

	/* A loader may have left dirty lines over what is .bss and tables for us; written back later they
	 * would bury what we write there with the caches off. So they go first, then the zeroing. Tables
	 * are cleared when they are used, and all but the first few are used with the caches on. */
	adrp	x0, _bss_begin
	adrp	x1, boot_tables_early_end
	bl	dcache_invalidate_range
	adrp	x0, _bss_begin
	adrp	x1, _bss_end
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b

	mrs	x0, CurrentEL
	lsr	x0, x0, #2
	adrp	x1, boot_entry_level
	str	w0, [x1, :lo12:boot_entry_level]

	adrp	x0, boot_stack_top
	mov	sp, x0
	adr	x0, boot_vectors
	bl	enter_el1

	mov	x0, x20
	bl	boot_relocate
	mov	x0, x19
	bl	boot_early

	/* Lines of the image fetched speculatively before are stale now: what was written with the caches
	 * off is in memory only. No line is dirty, so nothing is lost. */
	mov	x0, x20
	adrp	x1, boot_tables_early_end
	bl	dcache_invalidate_range
	adrp	x0, boot_mmu
	add	x0, x0, :lo12:boot_mmu
	bl	mmu_on
	mov	x0, x19
	bl	boot_main
	b	.
endfunc boot_entry

/*
 * FROM: PSCI CPU_ON or the spin-table loop, another core. All that it reads before its MMU is on has been
 * cleaned to the point of coherency: the image by the loader, boot_mmu and boot_secondary by boot_main.
 */
func boot_secondary_entry
	msr	daifset, #0xf
	adr	x0, boot_vectors
	mov	x1, #0
	bl	enter_el1

	/* Which core is this? Its index is the place of its affinity in the table. */
	mrs	x1, mpidr_el1
	and	x2, x1, #0xffffff
	and	x1, x1, #0xff00000000
	orr	x1, x1, x2
	adrp	x2, boot_secondary
	add	x2, x2, :lo12:boot_secondary
	ldr	x3, [x2, #SECONDARY_COUNT]
	add	x4, x2, #SECONDARY_AFFINITIES
	mov	x19, #0
1:	cmp	x19, x3
	b.hs	2f
	ldr	x5, [x4, x19, lsl #3]
	cmp	x5, x1
	b.eq	3f
	add	x19, x19, #1
	b	1b
2:	wfe				/* nobody we know; stays here */
	b	2b

3:	adrp	x0, boot_mmu
	add	x0, x0, :lo12:boot_mmu
	bl	mmu_on
	b	boot_enter_kernel_secondary
endfunc boot_secondary_entry

/* x19 = core. Leaves the boot stage for good. */
func boot_enter_kernel_secondary
	adrp	x2, boot_secondary
	add	x2, x2, :lo12:boot_secondary
	mov	x0, x19
	ldr	x1, [x2, #SECONDARY_HANDOVER]
	ldr	x2, [x2, #SECONDARY_ENTRY]
	br	x2
endfunc boot_enter_kernel_secondary

/*
 * Drops to EL1 if the core is at EL2, and gives every system register that matters a known value: they
 * are UNKNOWN at reset or as the loader left them (U-Boot leaves HCR_EL2 = 0x20, CPTR_EL2 = 0x33ff).
 * x0 = vector base. Changes x0 to x8; returns to its caller at EL1, with the caller's stack, MMU off.
 */
func enter_el1
	mrs	x1, CurrentEL
	cmp	x1, #(2 << 2)
	b.lo	.Lat_el1
	b.hi	.Lat_el3

	ldr	x1, =SCTLR_EL2_OFF
	msr	sctlr_el2, x1
	/* EL1 is AArch64, nothing is trapped, stage 2 is off, E2H = 0. Pointer authentication, where it
	 * exists, is left to EL1 (which leaves it off). */
	mov	x1, #HCR_RW
	mrs	x2, id_aa64isar1_el1
	ubfx	x3, x2, #4, #8			/* APA, API */
	ubfx	x4, x2, #24, #8			/* GPA, GPI */
	orr	x3, x3, x4
	cbz	x3, 1f
	orr	x1, x1, #HCR_APK
	orr	x1, x1, #HCR_API
1:	msr	hcr_el2, x1
	isb					/* E2H decides the layout of what follows */
	ldr	x1, =CPTR_EL2_FP_ONLY
	msr	cptr_el2, x1
	msr	hstr_el2, xzr
	msr	vttbr_el2, xzr			/* VMID 0: what tlbi vmalle1 at EL1 speaks of */
	mrs	x1, midr_el1
	msr	vpidr_el2, x1
	mrs	x1, mpidr_el1
	msr	vmpidr_el2, x1
	mov	x1, #3				/* EL1 may read the physical counter and set its timer */
	msr	cnthctl_el2, x1
	msr	cntvoff_el2, xzr
	msr	cnthp_ctl_el2, xzr

	mrs	x1, id_aa64dfr0_el1		/* PMUVer: 0 none, 15 not PMUv3 */
	ubfx	x2, x1, #8, #4
	mov	x3, #0
	cbz	x2, 2f
	cmp	x2, #0xf
	b.eq	2f
	mrs	x3, pmcr_el0
	ubfx	x3, x3, #11, #5			/* all counters belong to EL1 */
2:	msr	mdcr_el2, x3

	mrs	x1, id_aa64mmfr0_el1		/* FEAT_FGT: no fine-grained traps */
	ubfx	x1, x1, #56, #4
	cbz	x1, 3f
	msr	s3_4_c1_c1_4, xzr		/* HFGRTR_EL2 */
	msr	s3_4_c1_c1_5, xzr		/* HFGWTR_EL2 */
	msr	s3_4_c1_c1_6, xzr		/* HFGITR_EL2 */
	msr	s3_4_c3_c1_4, xzr		/* HDFGRTR_EL2 */
	msr	s3_4_c3_c1_5, xzr		/* HDFGWTR_EL2 */
	mrs	x1, id_aa64pfr0_el1		/* AMU */
	ubfx	x1, x1, #44, #4
	cbz	x1, 3f
	msr	s3_4_c3_c1_6, xzr		/* HAFGRTR_EL2 */
3:	mrs	x1, id_aa64mmfr1_el1		/* FEAT_HCX */
	ubfx	x1, x1, #40, #4
	cbz	x1, 4f
	msr	s3_4_c1_c2_2, xzr		/* HCRX_EL2 */
4:	mrs	x1, id_aa64pfr0_el1
	ubfx	x2, x1, #40, #4			/* MPAM */
	cbz	x2, 5f
	msr	s3_4_c10_c5_0, xzr		/* MPAM2_EL2 */
	mrs	x3, s3_0_c10_c4_4		/* MPAMIDR_EL1.HAS_HCR */
	tbz	x3, #17, 5f
	msr	s3_4_c10_c4_0, xzr		/* MPAMHCR_EL2 */
5:	ubfx	x2, x1, #24, #4			/* GIC system registers: EL1 uses them */
	cbz	x2, 6f
	mrs	x2, s3_4_c12_c9_5		/* ICC_SRE_EL2 */
	mov	x3, #9				/* SRE, Enable */
	orr	x2, x2, x3
	msr	s3_4_c12_c9_5, x2
	isb
	mrs	x2, s3_4_c12_c9_5
	tbz	x2, #0, 6f			/* EL3 forbids it: memory-mapped only */
	msr	s3_4_c12_c11_0, xzr		/* ICH_HCR_EL2 */
6:	ldr	x1, =SCTLR_EL1_RES1		/* EL1 starts with its MMU and caches off */
	msr	sctlr_el1, x1
	mov	x1, sp
	msr	sp_el1, x1
	mov	x1, #SPSR_EL1H_MASKED
	msr	spsr_el2, x1
	adr	x1, .Lat_el1
	msr	elr_el2, x1
	eret
	speculation_barrier

.Lat_el1:
	msr	vbar_el1, x0
	ldr	x1, =SCTLR_EL1_RES1
	msr	sctlr_el1, x1
	msr	spsel, #1
	msr	cpacr_el1, xzr			/* FP, SVE, SME trap */
	msr	mdscr_el1, xzr			/* no self-hosted debug */
	msr	contextidr_el1, xzr
	msr	tpidr_el0, xzr
	msr	tpidrro_el0, xzr
	msr	tpidr_el1, xzr
	mov	x1, #2				/* EL0VCTEN: user code reads the virtual counter, nothing else */
	msr	cntkctl_el1, x1
	msr	cntv_ctl_el0, xzr
	msr	cntp_ctl_el0, xzr
	mrs	x1, id_aa64dfr0_el1
	ubfx	x2, x1, #8, #4
	cbz	x2, 7f
	cmp	x2, #0xf
	b.eq	7f
	msr	pmuserenr_el0, xzr		/* the counters are the kernel's */
7:	mrs	x1, id_aa64mmfr1_el1		/* PAN: on, user memory is not ours to touch */
	ubfx	x1, x1, #20, #4
	cbz	x1, 8f
	msr	s0_0_c4_c1_4, xzr		/* MSR PAN, #1 */
8:	isb
	ret

.Lat_el3:
	b	boot_at_el3
endfunc enter_el1

/*
 * Turns MMU and caches on. x0 = struct boot_mmu, which lies in the identity map that ttbr0 names.
 * Changes x1 to x5.
 */
func mmu_on
	ldp	x1, x2, [x0, #MMU_MAIR]
	ldp	x3, x4, [x0, #MMU_TTBR0]
	ldr	x5, [x0, #MMU_SCTLR]
	msr	mair_el1, x1
	msr	tcr_el1, x2
	msr	ttbr0_el1, x3
	msr	ttbr1_el1, x4
	isb
	tlbi	vmalle1				/* TLBs and instruction cache may hold anything after reset */
	ic	iallu
	dsb	nsh
	isb
	msr	sctlr_el1, x5
	isb
	ret
endfunc mmu_on

/* Drops all lines of [x0, x1) to the point of coherency without writing them back. Changes x0, x2, x3. */
func dcache_invalidate_range
	mrs	x3, ctr_el0
	ubfx	x3, x3, #16, #4			/* DminLine, log2 of words */
	mov	x2, #4
	lsl	x2, x2, x3
1:	dc	ivac, x0
	add	x0, x0, x2
	cmp	x0, x1
	b.lo	1b
	dsb	sy
	ret
endfunc dcache_invalidate_range

/* x0 = handover, x1 = kernel entry: the boot core goes to the kernel. */
func boot_enter_kernel
	mov	x2, x1
	mov	x1, x0
	mov	x0, #0
	br	x2
endfunc boot_enter_kernel

/* Everything that goes wrong here ends in boot_exception(kind, esr, elr, far), or is a probe. */
.macro vector kind
	.balign 0x80
	stp	x0, x1, [sp, #-16]!
	stp	x2, x30, [sp, #-16]!
	adrp	x0, boot_probing
	ldr	w1, [x0, :lo12:boot_probing]
	cbnz	w1, boot_probe_failed
	mov	x0, #\kind
	mrs	x1, esr_el1
	mrs	x2, elr_el1
	mrs	x3, far_el1
	b	boot_exception
.endm

	.balign 0x800
boot_vectors:
	.set	kind, 0
	.rept	16
	vector	kind
	.set	kind, kind + 1
	.endr

/* What was tried did not work: skip the instruction, say so. */
boot_probe_failed:
	mov	w1, #2
	str	w1, [x0, :lo12:boot_probing]
	mrs	x0, elr_el1
	add	x0, x0, #4
	msr	elr_el1, x0
	ldp	x2, x30, [sp], #16
	ldp	x0, x1, [sp], #16
	eret
	speculation_barrier

	.ltorg

	.section .rodata.kernel, "a"
	.balign 4096
	.global boot_kernel_elf
	.hidden boot_kernel_elf
	.global boot_kernel_elf_end
	.hidden boot_kernel_elf_end
boot_kernel_elf:
	.incbin KERNEL_ELF
boot_kernel_elf_end:

	.section .bss.stack, "aw", %nobits
	.balign 4096
	.space	16384
boot_stack_top:

	.section .tables, "aw", %nobits
	.balign	4096
	.global	boot_tables
	.hidden	boot_tables
boot_tables:
	.space	EARLY_TABLES * PAGE_SIZE
boot_tables_early_end:
	.space	(IDENTITY_TABLES - EARLY_TABLES) * PAGE_SIZE
