/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts the other cores, each as its node in the tree says (Devicetree Specification, "/cpus/cpu* Node
 * Properties"; Arm DEN 0022 for PSCI). They enter at boot_secondary_entry and find their way from there.
 */
#include "boot.h"

#include "../firmware.h"

static enum arch_firmware conduit(const struct machine *machine)
{
	return machine->psci == MACHINE_PSCI_SMC ? ARCH_FIRMWARE_SMC : ARCH_FIRMWARE_HVC;
}

/* A conduit with nobody behind it is UNDEFINED, or refuses all calls; or (SMC into an EL3 without handlers) it never
 * returns, which nobody can find out. */
void boot_check_psci(const struct machine *machine)
{
	if (machine->psci == MACHINE_PSCI_NONE) {
		return;
	}
	if (machine->psci == MACHINE_PSCI_HVC && boot_entry_level == 2) {
		/* What HVC calls is at EL2: that was us. */
		boot_failed("psci: method is \"hvc\", but the machine was entered at EL2, where only \"smc\" can work");
	}
	boot_probing = 1;
	int64_t version = psci_call(conduit(machine), PSCI_VERSION, 0, 0, 0);
	bool answered = boot_probing == 1 && version >= 0;
	boot_probing = 0;
	if (!answered) {
		boot_failed("psci: nobody answers by the method \"%s\"",
			    machine->psci == MACHINE_PSCI_SMC ? "smc" : "hvc");
	}
}

static void start_by_psci(const struct machine *machine, uint64_t affinity)
{
	if (machine->psci == MACHINE_PSCI_NONE) {
		boot_failed("/cpus: enable-method is \"psci\", but the device tree has no psci node");
	}
	/* A core that does not start shows as missing in the kernel; nothing can be done about it here. */
	(void)psci_call(conduit(machine), PSCI_CPU_ON, affinity, (uint64_t)boot_secondary_entry, 0);
}

/* The loops on the release address run with their caches off: the write must reach memory. The mapping
 * is cacheable as all memory, so that its attributes match those that others use. */
static void start_by_spin_table(uint64_t release_address)
{
	uint32_t value;
	boot_map_identity(release_address, sizeof(uint64_t), PTE_KERNEL_RW);
	if (!boot_probe_read32(release_address, &value)) {
		boot_failed("/cpus: cpu-release-addr 0x%lx does not answer", release_address);
	}
	write64(release_address, (uint64_t)boot_secondary_entry);
	boot_clean_to_memory((const void *)release_address, sizeof(uint64_t));
	sev();
}

void boot_start_cores(const struct machine *machine)
{
	for (size_t i = 1; i < machine->core_count; i++) {
		const struct machine_core *core = &machine->cores[i];
		switch (core->start) {
		case MACHINE_START_PSCI:
			start_by_psci(machine, core->affinity);
			break;
		case MACHINE_START_SPIN_TABLE:
			start_by_spin_table(core->release_address);
			break;
		case MACHINE_START_NONE:
			boot_failed("/cpus: core %zu has no enable-method", i);
		}
	}
}
