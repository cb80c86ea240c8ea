/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot stage with MMU and caches on: reads the tree, decides where everything goes, loads the kernel and
 * the root task, starts the other cores, and enters the kernel.
 */
#include "boot.h"

#include "../insn.h"

#include <common/cpio.h>
#include <string.h>

#define ROOT_PROGRAM "roottask"

extern const char image_header[], _image_end[];

struct machine boot_machine;
struct boot_secondary boot_secondary;

static struct elf_file root_elf, kernel_elf;
static struct boot_plan plan;

static struct uart tree_uart(const struct machine_console *tree)
{
	struct uart uart = {UART_NONE, tree->registers.base, false};
	switch (tree->kind) {
	case MACHINE_CONSOLE_PL011:
		uart.kind = UART_PL011;
		break;
	case MACHINE_CONSOLE_BCM_MINI_UART:
		uart.kind = UART_BCM_MINI;
		break;
	case MACHINE_CONSOLE_NONE:
		break;
	}
	return uart;
}

static void open_console(const struct machine *machine)
{
	const struct machine_console *tree = &machine->console;
	struct uart uart = tree_uart(tree);
	if (uart.kind == UART_NONE) {
		return;
	}
	if (tree->registers.size < UART_REGISTERS_SIZE) {
		boot_failed("the console at 0x%lx has only 0x%lx bytes of registers", uart.registers,
			    tree->registers.size);
	}
	if (memory_map_at(&machine->memory, uart.registers) != NULL) {
		boot_failed("the console at 0x%lx is inside of memory", uart.registers);
	}
	uint64_t physical = uart.registers;
	uint32_t value;
	/* The mini-UART's enable register is at the start of its page. */
	uart.registers = boot_map_registers(physical, UART_REGISTERS_SIZE);
	if (uart.registers == 0 || (physical & 3) != 0 || !boot_probe_read32(uart.registers, &value)) {
		boot_failed("the console at 0x%lx does not answer", physical);
	}
	uart_init(&uart, tree->clock_hz, tree->baud);
	boot_console_set(uart);
}

static bool exit_by_semihosting(const struct machine *machine)
{
	char value[16];
	return machine->bootargs != NULL && boot_option(machine->bootargs, "exit", value, sizeof(value)) &&
	       strcmp(value, "semihosting") == 0;
}

static void read_tree(uint64_t tree)
{
	if (boot_tree_problem != NULL) {
		boot_failed("x0 = 0x%lx %s", tree, boot_tree_problem);
	}
	static char error[MACHINE_ERROR_MAX];
	bool good = machine_read((const void *)tree, boot_tree_size, tree, &boot_machine, error);
	boot_exit_by_semihosting(exit_by_semihosting(&boot_machine));
	open_console(&boot_machine);
	if (!good) {
		/* The line begins with a path in the tree, or speaks of the tree as a whole. */
		boot_failed("%s%s", error[0] == '/' ? "device tree: " : "", error);
	}
}

/* The core that runs this becomes core 0. */
static void put_boot_core_first(struct machine *machine)
{
	uint64_t self = READ_SYSREG(mpidr_el1) & 0xff00fffffful;
	for (size_t i = 0; i < machine->core_count; i++) {
		if (machine->cores[i].affinity == self) {
			struct machine_core boot = machine->cores[i];
			memmove(&machine->cores[1], &machine->cores[0], i * sizeof(boot));
			machine->cores[0] = boot;
			return;
		}
	}
	boot_failed("/cpus: no node for the core that boots, whose affinity is 0x%lx", self);
}

static void find_root_task(const struct machine_region *initrd)
{
	boot_map_identity(initrd->base, initrd->size, PTE_KERNEL_RO);
	struct cpio_file file;
	struct parse_error error;
	switch (cpio_find((const void *)initrd->base, initrd->size, ROOT_PROGRAM, &file, &error)) {
	case CPIO_FILE:
		break;
	case CPIO_END:
		boot_failed("boot modules: no file \"" ROOT_PROGRAM "\"");
	case CPIO_BROKEN:
		boot_failed("boot modules: cpio: %s (at 0x%lx)", error.what, error.where);
	}
	if (!elf_open(file.data, file.size, PAGE_SIZE, HANDOVER_ROOT_PROGRAM_END, &root_elf, &error)) {
		boot_failed("boot modules: " ROOT_PROGRAM ": %s (0x%lx)", error.what, error.where);
	}
	if (root_elf.position_independent) {
		boot_failed("boot modules: " ROOT_PROGRAM ": must be linked to a fixed address");
	}
	if (root_elf.begin == 0) {
		boot_failed("boot modules: " ROOT_PROGRAM ": a segment is at address 0, which is never mapped");
	}
}

static void open_kernel(void)
{
	struct parse_error error;
	if (!elf_open(boot_kernel_elf, (size_t)(boot_kernel_elf_end - boot_kernel_elf), PAGE_SIZE,
		      PHYSICAL_LIMIT, &kernel_elf, &error)) {
		boot_failed("kernel: %s (0x%lx)", error.what, error.where);
	}
}

static uint64_t program_size(const struct elf_file *elf)
{
	uint64_t size = 0;
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];
		uint64_t end = (segment->va + segment->mem_size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
		size += end - (segment->va & ~(PAGE_SIZE - 1));
	}
	return size;
}

static uint64_t wanted_pool(const char *arguments)
{
	char value[24];
	uint64_t size = 0;
	if (boot_option(arguments, "kernel_pool", value, sizeof(value)) && !boot_parse_size(value, &size)) {
		boot_failed("boot arguments: kernel_pool=%s is no size (64M, 1G)", value);
	}
	return size;
}

/* A tree may claim memory that is not there. */
static void check_memory_answers(uint64_t base, uint64_t size)
{
	uint32_t value;
	if (!boot_probe_read32(base, &value) || !boot_probe_read32(base + size - sizeof(value), &value)) {
		boot_failed("memory at 0x%lx, size 0x%lx, does not answer: the device tree claims too much", base, size);
	}
}

static void make_plan(struct machine *machine)
{
	struct boot_needs needs = {
		.image_base = (uint64_t)image_header,
		.image_size = (uint64_t)(_image_end - image_header),
		.kernel_size = kernel_elf.end - kernel_elf.begin,
		.root_size = program_size(&root_elf),
		.pool_size = wanted_pool(machine->bootargs),
		.core_count = machine->core_count,
	};
	const char *problem = boot_plan_make(&machine->memory, &needs, &plan);
	if (problem != NULL) {
		boot_failed("memory: %s (%lu MiB of RAM, %lu MiB free)", problem,
			    memory_map_total(&machine->memory) >> 20,
			    memory_map_bytes(&machine->memory, MEMORY_FREE) >> 20);
	}
	boot_map_identity(plan.keep, plan.keep_size, PTE_KERNEL_RW);
	boot_map_identity(plan.root, plan.root_size, PTE_KERNEL_RW);
	check_memory_answers(plan.keep, plan.keep_size);
	check_memory_answers(plan.root, plan.root_size);
}

static uint64_t kernel_va(uint64_t seed)
{
	return KV_IMAGE + ((seed % KV_IMAGE_RANDOM_COUNT) << KV_IMAGE_RANDOM_SHIFT);
}

/* Maps registers in KV_DEVICES, congruent modulo BLOCK_SIZE so that blocks fit; returns where they are. */
static uint64_t map_device(struct tables *kernel, uint64_t *next_va, struct machine_region region)
{
	if (region.size == 0) {
		return 0;
	}
	uint64_t begin = region.base & ~(PAGE_SIZE - 1);
	uint64_t end = (region.base + region.size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	uint64_t va = *next_va + (begin & (BLOCK_SIZE - 1));
	if (!tables_map(kernel, va, begin, end - begin, PTE_KERNEL_DEVICE)) {
		boot_failed("registers at 0x%lx cannot be mapped", region.base);
	}
	*next_va = (va + (end - begin) + 2 * BLOCK_SIZE - 1) & ~(BLOCK_SIZE - 1);
	return va + (region.base - begin);
}

static void map_devices(struct tables *kernel, const struct machine *machine, struct arch_handover *arch)
{
	uint64_t next_va = KV_DEVICES;
	const struct machine_gic *gic = &machine->gic;
	arch->uart_kind = tree_uart(&machine->console).kind;
	arch->uart = map_device(kernel, &next_va, machine->console.registers);
	arch->gic_kind = gic->kind == MACHINE_GIC_V3 ? ARCH_GIC_V3 : ARCH_GIC_V2;
	arch->gic_distributor = map_device(kernel, &next_va, gic->distributor);
	arch->gic_cpu_interface = map_device(kernel, &next_va, gic->cpu_interface);
	arch->gic_redistributor_count = (uint32_t)gic->redistributor_count;
	arch->gic_redistributor_stride = gic->redistributor_stride;
	for (size_t i = 0; i < gic->redistributor_count; i++) {
		arch->gic_redistributors[i] = map_device(kernel, &next_va, gic->redistributors[i]);
		arch->gic_redistributor_sizes[i] = gic->redistributors[i].size;
	}
	arch->bcm_watchdog = map_device(kernel, &next_va, machine->bcm_watchdog);
}

static void withhold(struct handover *handover, struct machine_region region)
{
	if (region.size != 0) {
		handover->withheld[handover->withheld_count++] =
			(struct handover_module){region.base, region.size};
	}
}

static void withhold_gic(struct handover *handover, const struct machine_gic *gic)
{
	withhold(handover, gic->distributor);
	withhold(handover, gic->cpu_interface);
	for (size_t i = 0; i < gic->redistributor_count; i++) {
		withhold(handover, gic->redistributors[i]);
	}
}

static void map_stacks(struct tables *kernel, size_t core_count)
{
	for (size_t core = 0; core < core_count; core++) {
		uint64_t top = KV_STACKS + (core << STACK_SLOT_SHIFT) + STACK_TOP_OFFSET;
		if (!tables_map(kernel, top - STACK_SIZE, plan.stacks + core * STACK_SIZE, STACK_SIZE,
				PTE_KERNEL_RW)) {
			boot_failed("the kernel's stacks cannot be mapped");
		}
	}
}

/*
 * What of the kept memory is neither image nor stacks (no second, writable way to the kernel's text), in the direct map and in the
 * pool window, which begins with the first block of the kept memory.
 */
static void map_direct(struct tables *kernel)
{
	uint64_t size = plan.keep + plan.keep_size - plan.handover;
	uint64_t window = KV_POOL + (plan.handover - plan.keep);
	if (!tables_map(kernel, KV_DIRECT + plan.handover, plan.handover, size, PTE_KERNEL_RW) ||
	    !tables_map(kernel, window, plan.handover, size, PTE_KERNEL_RW)) {
		boot_failed("the kernel's memory cannot be mapped");
	}
}

static void fill_handover(struct handover *handover, const struct machine *machine, struct tables *kernel)
{
	memset(handover, 0, sizeof(*handover));
	handover->memory = machine->memory;
	handover->image_physical = plan.image;
	handover->image_va = kernel_va(machine->kaslr_seed);
	handover->tree = (struct handover_module){machine->tree.base, machine->tree.size};
	handover->modules = (struct handover_module){machine->initrd.base, machine->initrd.size};
	handover->core_count = (uint32_t)machine->core_count;
	handover->keep_physical = plan.keep;
	withhold_gic(handover, &machine->gic);
	handover->exit_semihosting = exit_by_semihosting(machine);
	(void)boot_option(machine->bootargs, "selftest", handover->selftest, sizeof(handover->selftest));
	handover->arch.timer_intid = machine->timer_virtual_intid;
	handover->arch.firmware = machine->psci == MACHINE_PSCI_NONE  ? ARCH_FIRMWARE_NONE
				  : machine->psci == MACHINE_PSCI_SMC ? ARCH_FIRMWARE_SMC
								      : ARCH_FIRMWARE_HVC;
	for (size_t i = 0; i < machine->core_count; i++) {
		handover->arch.affinities[i] = machine->cores[i].affinity;
	}
	boot_load_kernel(&kernel_elf, &plan, handover->image_va, kernel);
	map_devices(kernel, machine, &handover->arch);
	map_stacks(kernel, machine->core_count);
	map_direct(kernel);
	boot_load_root(&root_elf, &plan, handover);
	/* What the kernel's tables did not need is the pool. */
	handover->pool_physical = kernel->next;
	handover->pool_size = plan.keep + plan.keep_size - kernel->next;
}

/* From here on TTBR1 translates, on this core; the others take the same values. */
static void switch_to_kernel_map(const struct tables *kernel)
{
	boot_mmu.ttbr1 = (uint64_t)kernel->root;
	boot_mmu.tcr &= ~TCR_EPD1;
	dsb_ish(); /* the tables are complete before a walk can start */
	WRITE_SYSREG(ttbr1_el1, boot_mmu.ttbr1);
	WRITE_SYSREG(tcr_el1, boot_mmu.tcr);
	isb();
	tlbi_vmalle1();
	dsb_nsh();
	isb();
}

static void publish_to_cores(const struct machine *machine, uint64_t handover, uint64_t entry)
{
	boot_secondary.count = machine->core_count;
	boot_secondary.handover = handover;
	boot_secondary.entry = entry;
	for (size_t i = 0; i < machine->core_count; i++) {
		boot_secondary.affinities[i] = machine->cores[i].affinity;
	}
	boot_clean_to_memory(&boot_secondary, sizeof(boot_secondary));
	boot_clean_to_memory(&boot_mmu, sizeof(boot_mmu));
}

_Noreturn void boot_main(uint64_t tree)
{
	struct machine *machine = &boot_machine;
	read_tree(tree);
	put_boot_core_first(machine);
	boot_check_machine(machine);
	boot_check_psci(machine);
	find_root_task(&machine->initrd);
	open_kernel();
	make_plan(machine);

	struct tables kernel = {.next = plan.tables, .end = plan.keep + plan.keep_size};
	kernel.root = (pte_t *)kernel.next;
	memset(kernel.root, 0, PAGE_SIZE);
	kernel.next += PAGE_SIZE;
	struct handover *handover = (struct handover *)plan.handover;
	fill_handover(handover, machine, &kernel);
	switch_to_kernel_map(&kernel);

	uint64_t entry = handover->image_va + kernel_elf.entry - kernel_elf.begin;
	publish_to_cores(machine, KV_DIRECT + plan.handover, entry);
	boot_start_cores(machine);
	boot_enter_kernel(KV_DIRECT + plan.handover, entry);
}
