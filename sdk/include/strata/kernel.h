/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations of kernel objects as functions: one for each line of abi/operations.def, which says what they do and
 * with which statuses they refuse. All may also end with NO_CAPABILITY (the index names nothing), NO_RIGHT (the
 * capability lacks the right that the operation needs), WRONG_OBJECT is only said of arguments: a capability of another kind of
 * object is called with a label that means something else there, so who may hold the wrong one asks strata_cap_info() first.
 *
 * Addresses and sizes are in bytes, times in ticks of CNTVCT_EL0 unless a name says otherwise. An object is named by a
 * capability of the caller; a bare `index` is one in the table of the task that the call is about.
 * Out-parameters are written if the call succeeds, unless it is said otherwise, and may be NULL.
 *
 * They use the UTCB's words beyond the eighth, and change nothing else of it.
 */
#pragma once

#include <strata/syscall.h>

#include <stddef.h>

/* What the kernel tells everyone: ABI version, cores, the timer's frequency. */
static inline const struct kernel_info *strata_kernel_info(void)
{
	return (const struct kernel_info *)KERNEL_INFO_ADDRESS;
}

/* ---- Task ---- */

/*
 * Maps [from, from + size) of the caller's memory to `to` in `task`, with at most the rights that the caller has. `rights`:
 * PAGE_ rights, and MAP_GRANT, MAP_TRACK. Addresses and size are multiples of 4096. *mapped is how many bytes
 * were mapped, also after a failure: those stay.
 */
enum status strata_task_map(cap_t task, uint64_t from, uint64_t to, uint64_t size, unsigned rights,
			    uint64_t *mapped);

/* What an unmap found: pages of 4096 bytes and the range that the task itself lost, and UNMAPPED_ flags. */
struct strata_unmapped {
	uint64_t pages;
	uint64_t begin, end;
	uint64_t flags;
};

/*
 * Leaves of what `task` mapped to others from [address, address + size) only the rights in `keep` (PAGE_ rights; 0 takes it away);
 * with UNMAP_SELF in `keep` of what the task has there itself too.
 */
enum status strata_task_unmap(cap_t task, uint64_t address, uint64_t size, unsigned keep,
			      struct strata_unmapped *unmapped);

/* How strictly strata_task_age() counts: AGE_EXACT also sees uses through translations that a TLB remembers, and costs more. */
enum strata_age { AGE_ROUGH, AGE_EXACT };

/* Bit i of *referenced and *dirty: page i of 2^order bytes from `address` on was used, or written, since the last time.
 * At most 64 pages. */
enum status strata_task_age(cap_t task, uint64_t address, unsigned order, unsigned count,
			    enum strata_age how, uint64_t *referenced, uint64_t *dirty);

/* `type`: enum memory_type of abi. */
enum status strata_task_set_type(cap_t task, uint64_t address, unsigned order, unsigned type);

enum status strata_task_split(cap_t task, uint64_t address);
enum status strata_task_join(cap_t task, uint64_t address, unsigned order);

/* Of the factory that pays for the task. In bytes. */
enum status strata_task_account(cap_t task, uint64_t *limit, uint64_t *used);

/* Derives from the caller's `from` a capability at `to` in `task`. `rights`: RIGHT_ bits. A badge of 0 inherits the parent's. */
enum status strata_cap_derive(cap_t task, cap_t from, uint64_t to, unsigned rights, uint64_t badge);

/* Moves the caller's capability `from` to index `to` of `task`. */
enum status strata_cap_move(cap_t task, cap_t from, uint64_t to);

enum status strata_cap_delete(cap_t task, uint64_t index);
enum status strata_cap_revoke(cap_t task, uint64_t index);

enum status strata_cap_info(cap_t task, uint64_t index, enum object_kind *kind, unsigned *rights,
			    uint64_t *badge);

/* ---- Thread ---- */

enum status strata_thread_start(cap_t thread, uint64_t pc, uint64_t sp, uint64_t x0, uint64_t tls);
enum status strata_thread_resume(cap_t thread);
enum status strata_thread_suspend(cap_t thread);
enum status strata_thread_cancel(cap_t thread);

/* By enum register_word. */
enum status strata_thread_read_registers(cap_t thread, uint64_t registers[REGISTER_WORDS]);
enum status strata_thread_write_registers(cap_t thread, const uint64_t registers[REGISTER_WORDS]);

/* CAP(0): none. */
enum status strata_thread_set_pager(cap_t thread, cap_t gate);
enum status strata_thread_set_exception_gate(cap_t thread, cap_t gate);

enum status strata_thread_bind(cap_t thread, cap_t gate);

struct strata_thread_info {
	uint64_t state; /* enum thread_state_code */
	uint64_t priority;
	uint64_t core;
	uint64_t time; /* of processor, in ticks */
	uint64_t fault_address;
};

enum status strata_thread_info(cap_t thread, struct strata_thread_info *info);

/* ---- Irq ---- */

enum status strata_irq_trigger(cap_t irq);
enum status strata_irq_bind(cap_t irq, cap_t thread, unsigned bit);
enum status strata_irq_unbind(cap_t irq);
enum status strata_irq_mask(cap_t irq);
enum status strata_irq_unmask(cap_t irq);

/* ---- Factory: the new object's original capability is put at index `to` of the caller's table ---- */

enum strata_gate { GATE_ANY_CORE, GATE_STRICT };

enum status strata_create_task(cap_t factory, uint64_t to);
enum status strata_create_thread(cap_t factory, uint64_t to, cap_t task, uint64_t utcb);
enum status strata_create_gate(cap_t factory, uint64_t to, enum strata_gate kind);
enum status strata_create_irq(cap_t factory, uint64_t to);
enum status strata_create_factory(cap_t factory, uint64_t to, uint64_t limit);

/* In bytes. */
enum status strata_factory_account(cap_t factory, uint64_t *limit, uint64_t *used);
enum status strata_factory_set_limit(cap_t factory, cap_t child, uint64_t limit);

/* 2 MiB of the caller's memory, for ever. */
enum status strata_factory_feed(cap_t factory, uint64_t address);

/* ---- Scheduler ---- */

enum status strata_scheduler_set(cap_t scheduler, cap_t thread, unsigned core, unsigned priority,
				 uint64_t slice_us);

/* How many cores there are, and for how many ticks `core` was idle. */
enum status strata_scheduler_info(cap_t scheduler, unsigned core, uint64_t *cores, uint64_t *idle);

/* ---- Icu ---- */

enum strata_trigger { TRIGGER_LEVEL, TRIGGER_EDGE };

enum status strata_icu_attach(cap_t icu, cap_t irq, uint32_t interrupt,
			      enum strata_trigger trigger);

/* The numbers that can be attached: [*first, *end). */
enum status strata_icu_info(cap_t icu, uint32_t *first, uint32_t *end);

/* ---- Platform; Log is in log.h, POWER_OFF in platform.h ---- */

/* Restarts the machine; returns only if that is refused. */
enum status strata_platform_reset(cap_t platform);

enum status strata_platform_counters(cap_t platform, unsigned core,
				     uint64_t counters[COUNTER_COUNT]);

/* The kernel's memory, and what is free of it, in bytes. */
enum status strata_platform_pool(cap_t platform, uint64_t *size, uint64_t *free);
