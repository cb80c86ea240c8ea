/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why the core came into the kernel: decodes ESR_EL1 (Arm ARM, "ESR_EL1, Exception Syndrome Register
 * (EL1)") and opens the right door of kern/. Called by vectors.S.
 */
#include "arch_frame.h"
#include "core.h"
#include "insn.h"
#include "sysreg.h"

#include <common/format.h>
#include <kern/entry.h>
#include <kern/panic.h>

#include <stdbool.h>
#include <stddef.h>

enum exception_class {
	EC_SVC64 = 0x15,
	EC_SYSTEM = 0x18,
	EC_INSTRUCTION_ABORT_USER = 0x20,
	EC_INSTRUCTION_ABORT = 0x21,
	EC_PC_ALIGNMENT = 0x22,
	EC_DATA_ABORT_USER = 0x24,
	EC_DATA_ABORT = 0x25,
	EC_WATCHPOINT_USER = 0x34,
	EC_WATCHPOINT = 0x35,
	EC_BRK = 0x3c,
};

#define EXCEPTION_NAME_MAX 64

#define ISS_WNR        (UL(1) << 6)
#define ISS_CM         (UL(1) << 8)
#define ISS_FNV        (UL(1) << 10)
#define ISS_STATUS     UL(0x3f)
#define ISS_IMMEDIATE  UL(0xffff)

static const char *class_name(uint64_t esr)
{
	static const struct {
		uint8_t ec;
		const char *name;
	} names[] = {
		{0x00, "unknown or undefined instruction"},
		{0x01, "trapped WFI or WFE"},
		{0x03, "trapped AArch32 MCR or MRC (coproc 15)"},
		{0x04, "trapped AArch32 MCRR or MRRC (coproc 15)"},
		{0x05, "trapped AArch32 MCR or MRC (coproc 14)"},
		{0x06, "trapped AArch32 LDC or STC"},
		{0x07, "FP or SIMD instruction while disabled"},
		{0x09, "trapped pointer authentication"},
		{0x0a, "trapped 64-byte load or store"},
		{0x0c, "trapped AArch32 MRRC (coproc 14)"},
		{0x0d, "branch target exception"},
		{0x0e, "illegal execution state"},
		{0x11, "AArch32 SVC"},
		{0x15, "SVC"},
		{0x16, "HVC"},
		{0x17, "SMC"},
		{0x18, "trapped MSR, MRS or system instruction"},
		{0x19, "SVE instruction while disabled"},
		{0x1c, "pointer authentication failure"},
		{0x1d, "SME instruction while disabled"},
		{0x20, "instruction abort from user"},
		{0x21, "instruction abort"},
		{0x22, "misaligned pc"},
		{0x24, "data abort from user"},
		{0x25, "data abort"},
		{0x26, "misaligned sp"},
		{0x27, "memory operation exception"},
		{0x28, "AArch32 floating-point exception"},
		{0x2c, "floating-point exception"},
		{0x2f, "SError"},
		{0x30, "breakpoint from user"},
		{0x31, "breakpoint"},
		{0x32, "software step from user"},
		{0x33, "software step"},
		{0x34, "watchpoint from user"},
		{0x35, "watchpoint"},
		{0x38, "AArch32 BKPT"},
		{0x3c, "BRK"},
	};
	uint64_t ec = (esr >> ESR_EC_SHIFT) & ESR_EC_MASK;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].ec == ec) {
			return names[i].name;
		}
	}
	return "reserved exception class";
}

/* "ISS encoding for an exception from MSR, MRS, or System instruction execution in AArch64 state": the register's or
 * instruction's name as S<op0>_<op1>_C<n>_C<m>_<op2>. */
static const char *system_name(uint64_t esr, char *name, size_t size)
{
	unsigned op0 = esr >> 20 & 3, op2 = esr >> 17 & 7, op1 = esr >> 14 & 7, crn = esr >> 10 & 15, crm = esr >> 1 & 15;
	const char *what = op0 < 2 ? "system instruction" : (esr & 1) != 0 ? "read of system register" : "write of system register";
	(void)format(name, size, "trapped %s s%u_%u_c%u_c%u_%u", what, op0, op1, crn, crm, op2);
	return name;
}

/* What an exception that is no abort was, in words. */
static const char *exception_name(uint64_t esr, char *name, size_t size)
{
	uint64_t ec = (esr >> ESR_EC_SHIFT) & ESR_EC_MASK;
	if (ec == EC_SYSTEM) {
		return system_name(esr, name, size);
	}
	if (ec == EC_BRK) {
		(void)format(name, size, "BRK 0x%lx", esr & ISS_IMMEDIATE);
		return name;
	}
	return class_name(esr);
}

/* FAR_EL1 holds an address for aborts, unless their FnV says otherwise, and few others. */
static bool has_address(uint64_t esr)
{
	switch ((esr >> ESR_EC_SHIFT) & ESR_EC_MASK) {
	case EC_INSTRUCTION_ABORT_USER:
	case EC_INSTRUCTION_ABORT:
	case EC_DATA_ABORT_USER:
	case EC_DATA_ABORT:
		return (esr & ISS_STATUS) != 0x10 || (esr & ISS_FNV) == 0;
	case EC_PC_ALIGNMENT:
	case EC_WATCHPOINT_USER:
	case EC_WATCHPOINT:
		return true;
	default:
		return false;
	}
}

/* "Data Fault Status Code" and "Instruction Fault Status Code": the low six bits of the ISS. */
static const char *fault_name(uint64_t esr)
{
	uint64_t status = esr & ISS_STATUS;
	static const char *const by_level[][4] = {
		{"address size fault, level 0", "address size fault, level 1", "address size fault, level 2",
		 "address size fault, level 3"},
		{"translation fault, level 0", "translation fault, level 1", "translation fault, level 2",
		 "translation fault, level 3"},
		{"access flag fault, level 0", "access flag fault, level 1", "access flag fault, level 2",
		 "access flag fault, level 3"},
		{"permission fault, level 0", "permission fault, level 1", "permission fault, level 2",
		 "permission fault, level 3"},
	};
	if (status < 16) {
		return by_level[status >> 2][status & 3];
	}
	switch (status) {
	case 0x10:
		return "external abort";
	case 0x11:
		return "tag check fault";
	case 0x13:
	case 0x14:
	case 0x15:
	case 0x16:
	case 0x17:
		return "external abort on a table walk";
	case 0x18:
		return "parity or ECC error";
	case 0x1b:
	case 0x1c:
	case 0x1d:
	case 0x1e:
	case 0x1f:
		return "parity or ECC error on a table walk";
	case 0x21:
		return "alignment fault";
	case 0x30:
		return "TLB conflict";
	case 0x31:
		return "unsupported atomic update";
	case 0x34:
		return "lockdown fault";
	case 0x35:
		return "unsupported exclusive or atomic access";
	default:
		return "reserved fault status";
	}
}

/* Faults that another mapping can resolve: translation, access flag, permission. */
static bool is_mapping_fault(uint64_t esr)
{
	uint64_t status = esr & ISS_STATUS;
	return status >= 4 && status < 16;
}

static enum fault_access access_of(uint64_t ec, uint64_t esr)
{
	if (ec == EC_INSTRUCTION_ABORT_USER) {
		return FAULT_EXECUTE;
	}
	/* Cache maintenance reports itself as a write (WnR = 1), but needs only read permission. */
	return (esr & ISS_WNR) != 0 && (esr & ISS_CM) == 0 ? FAULT_WRITE : FAULT_READ;
}

_Noreturn void trap_user_sync(struct arch_frame *frame);
_Noreturn void trap_user_irq(struct arch_frame *frame);
_Noreturn void trap_user_fiq(struct arch_frame *frame);
_Noreturn void trap_user_serror(struct arch_frame *frame);
_Noreturn void trap_kernel(struct arch_frame *frame, uint64_t vector);

_Noreturn void trap_user_sync(struct arch_frame *frame)
{
	uint64_t esr = READ_SYSREG(esr_el1);
	uint64_t ec = (esr >> ESR_EC_SHIFT) & ESR_EC_MASK;
	uint64_t address = has_address(esr) ? READ_SYSREG(far_el1) : FAULT_NO_ADDRESS;
	char name[EXCEPTION_NAME_MAX];
	switch (ec) {
	case EC_SVC64:
		kernel_syscall(frame, (uint32_t)(esr & ISS_IMMEDIATE));
	case EC_INSTRUCTION_ABORT_USER:
	case EC_DATA_ABORT_USER:
		if (is_mapping_fault(esr)) {
			kernel_fault(frame, address, access_of(ec, esr), fault_name(esr));
		}
		kernel_exception(frame, esr, address, fault_name(esr));
	default:
		kernel_exception(frame, esr, address, exception_name(esr, name, sizeof(name)));
	}
}

_Noreturn void trap_user_irq(struct arch_frame *frame)
{
	kernel_irq(frame);
}

/* We own no FIQ: group 0 of the GIC belongs to firmware. */
_Noreturn void trap_user_fiq(struct arch_frame *frame)
{
	panic_with(frame, "user", "unexpected FIQ");
}

/* ISS of an SError: IDS, and with FEAT_RAS the asynchronous error type. */
static const char *serror_name(uint64_t esr)
{
	static const char *const types[] = {"uncontainable", "unrecoverable", "restartable", "recoverable",
					    "of reserved type", "of reserved type", "corrected",
					    "of reserved type"};
	bool implementation_defined = ((esr >> 24) & 1) != 0, categorized = (esr & ISS_STATUS) == 0x11;
	if (implementation_defined || !categorized) {
		return "uncategorized";
	}
	return types[(esr >> 10) & 7];
}

_Noreturn void trap_user_serror(struct arch_frame *frame)
{
	uint64_t esr = READ_SYSREG(esr_el1);
	panic_with(frame, "user", "SError, %s, taken from user code (ESR 0x%lx)", serror_name(esr), esr);
}

/* Nothing here comes back: the kernel runs with interrupts masked and touches only what it has mapped. */
_Noreturn void trap_kernel(struct arch_frame *frame, uint64_t vector)
{
	static const char *const by_vector[4] = {"synchronous", "IRQ", "FIQ", "SError"};
	uint64_t esr = READ_SYSREG(esr_el1), far = READ_SYSREG(far_el1);
	if (vector == 16) {
		panic_with(frame, NULL, "kernel stack overflow, near 0x%lx (ESR 0x%lx)", far, esr);
	}
	if (vector == 7) {
		panic_with(frame, NULL, "SError, %s, in the kernel (ESR 0x%lx)", serror_name(esr), esr);
	}
	if (vector != 4) {
		panic_with(frame, NULL, "unexpected %s exception, vector %lu (ESR 0x%lx)", by_vector[vector & 3],
			   vector, esr);
	}
	uint64_t ec = (esr >> ESR_EC_SHIFT) & ESR_EC_MASK;
	if (ec == EC_BRK) {
		panic_with(frame, NULL, "BRK 0x%lx in the kernel (a failed check, or undefined behaviour)",
			   esr & ISS_IMMEDIATE);
	}
	char name[EXCEPTION_NAME_MAX];
	if (!has_address(esr)) {
		panic_with(frame, NULL, "%s in the kernel (ESR 0x%lx)", exception_name(esr, name, sizeof(name)), esr);
	}
	bool abort = ec == EC_INSTRUCTION_ABORT || ec == EC_DATA_ABORT;
	panic_with(frame, NULL, "%s in the kernel%s%s, address 0x%lx (ESR 0x%lx)", class_name(esr),
		   abort ? ": " : "", abort ? fault_name(esr) : "", far, esr);
}
