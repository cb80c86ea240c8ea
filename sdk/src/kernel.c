/* SPDX-License-Identifier: BSD-2-Clause */
#include <strata/kernel.h>

#define REQUEST(operation, count, ...) \
	((struct message){.words = {__VA_ARGS__}, .tag = TAG_MAKE(operation, count, 0)})

static enum status invoke(cap_t capability, struct message *message)
{
	(void)strata_call(capability, message);
	return message_status(message);
}

/* The same for those that answer with nothing. */
static enum status invoke_plain(cap_t capability, struct message message)
{
	return invoke(capability, &message);
}

static void give(uint64_t *out, enum status status, uint64_t value)
{
	if (out != NULL && status == STATUS_OK) {
		*out = value;
	}
}

/* ---- Task ---- */

enum status strata_task_map(cap_t task, uint64_t from, uint64_t to, uint64_t size, unsigned rights,
			    uint64_t *mapped)
{
	struct message message = REQUEST(TASK_MAP, 5, from, to, size, rights, 0);
	enum status status = invoke(task, &message);
	if (mapped != NULL) {
		*mapped = TAG_WORDS(message.tag) != 0 ? message.words[0] : 0;
	}
	return status;
}

enum status strata_task_unmap(cap_t task, uint64_t address, uint64_t size, unsigned keep,
			      struct strata_unmapped *unmapped)
{
	struct message message = REQUEST(TASK_UNMAP, 3, address, size, keep);
	enum status status = invoke(task, &message);
	if (unmapped != NULL && status == STATUS_OK) {
		*unmapped = (struct strata_unmapped){
			.pages = message.words[0],
			.begin = message.words[1],
			.end = message.words[2],
			.flags = message.words[3],
		};
	}
	return status;
}

enum status strata_task_age(cap_t task, uint64_t address, unsigned order, unsigned count,
			    enum strata_age how, uint64_t *referenced, uint64_t *dirty)
{
	struct message message = REQUEST(TASK_AGE, 4, address, order, count, how == AGE_EXACT);
	enum status status = invoke(task, &message);
	give(referenced, status, message.words[0]);
	give(dirty, status, message.words[1]);
	return status;
}

enum status strata_task_set_type(cap_t task, uint64_t address, unsigned order, unsigned type)
{
	return invoke_plain(task, REQUEST(TASK_SET_TYPE, 3, address, order, type));
}

enum status strata_task_split(cap_t task, uint64_t address)
{
	return invoke_plain(task, REQUEST(TASK_SPLIT, 1, address));
}

enum status strata_task_join(cap_t task, uint64_t address, unsigned order)
{
	return invoke_plain(task, REQUEST(TASK_JOIN, 2, address, order));
}

enum status strata_task_account(cap_t task, uint64_t *limit, uint64_t *used)
{
	struct message message = REQUEST(TASK_ACCOUNT, 0, 0);
	enum status status = invoke(task, &message);
	give(limit, status, message.words[0]);
	give(used, status, message.words[1]);
	return status;
}

enum status strata_cap_derive(cap_t task, cap_t from, uint64_t to, unsigned rights, uint64_t badge)
{
	uint64_t flags = badge != 0 ? CAP_SET_BADGE : 0;
	return invoke_plain(task,
			    REQUEST(TASK_CAP_DERIVE, 5, from.index, to, rights, badge, flags));
}

enum status strata_cap_move(cap_t task, cap_t from, uint64_t to)
{
	return invoke_plain(task, REQUEST(TASK_CAP_MOVE, 2, from.index, to));
}

enum status strata_cap_delete(cap_t task, uint64_t index)
{
	return invoke_plain(task, REQUEST(TASK_CAP_DELETE, 1, index));
}

enum status strata_cap_revoke(cap_t task, uint64_t index)
{
	return invoke_plain(task, REQUEST(TASK_CAP_REVOKE, 1, index));
}

enum status strata_cap_info(cap_t task, uint64_t index, enum object_kind *kind, unsigned *rights,
			    uint64_t *badge)
{
	struct message message = REQUEST(TASK_CAP_INFO, 1, index);
	enum status status = invoke(task, &message);
	if (kind != NULL && status == STATUS_OK) {
		*kind = (enum object_kind)message.words[0];
	}
	if (rights != NULL && status == STATUS_OK) {
		*rights = (unsigned)message.words[1];
	}
	give(badge, status, message.words[2]);
	return status;
}

/* ---- Thread ---- */

enum status strata_thread_start(cap_t thread, uint64_t pc, uint64_t sp, uint64_t x0, uint64_t tls)
{
	return invoke_plain(thread, REQUEST(THREAD_START, 4, pc, sp, x0, tls));
}

enum status strata_thread_resume(cap_t thread)
{
	return invoke_plain(thread, REQUEST(THREAD_RESUME, 0, 0));
}

enum status strata_thread_suspend(cap_t thread)
{
	return invoke_plain(thread, REQUEST(THREAD_SUSPEND, 0, 0));
}

enum status strata_thread_cancel(cap_t thread)
{
	return invoke_plain(thread, REQUEST(THREAD_CANCEL, 0, 0));
}

enum status strata_thread_read_registers(cap_t thread, uint64_t registers[REGISTER_WORDS])
{
	struct message message = REQUEST(THREAD_READ_REGISTERS, 0, 0);
	enum status status = invoke(thread, &message);
	if (status == STATUS_OK) {
		for (unsigned i = 0; i < REGISTER_WORDS; i++) {
			registers[i] =
				i < MESSAGE_REGISTERS ? message.words[i] : strata_utcb()->words[i];
		}
	}
	return status;
}

enum status strata_thread_write_registers(cap_t thread, const uint64_t registers[REGISTER_WORDS])
{
	struct message message = {.tag = TAG_MAKE(THREAD_WRITE_REGISTERS, REGISTER_WORDS, 0)};
	for (unsigned i = 0; i < REGISTER_WORDS; i++) {
		*(i < MESSAGE_REGISTERS ? &message.words[i] : &strata_utcb()->words[i]) =
			registers[i];
	}
	return invoke(thread, &message);
}

enum status strata_thread_set_pager(cap_t thread, cap_t gate)
{
	return invoke_plain(thread, REQUEST(THREAD_SET_PAGER, 1, gate.index));
}

enum status strata_thread_set_exception_gate(cap_t thread, cap_t gate)
{
	return invoke_plain(thread, REQUEST(THREAD_SET_EXCEPTION_GATE, 1, gate.index));
}

enum status strata_thread_bind(cap_t thread, cap_t gate)
{
	return invoke_plain(thread, REQUEST(THREAD_BIND, 1, gate.index));
}

enum status strata_thread_info(cap_t thread, struct strata_thread_info *info)
{
	struct message message = REQUEST(THREAD_INFO, 0, 0);
	enum status status = invoke(thread, &message);
	if (info != NULL && status == STATUS_OK) {
		*info = (struct strata_thread_info){
			.state = message.words[0],
			.priority = message.words[1],
			.core = message.words[2],
			.time = message.words[3],
			.fault_address = message.words[4],
		};
	}
	return status;
}

/* ---- Irq ---- */

enum status strata_irq_trigger(cap_t irq)
{
	return invoke_plain(irq, REQUEST(IRQ_TRIGGER, 0, 0));
}

enum status strata_irq_bind(cap_t irq, cap_t thread, unsigned bit)
{
	return invoke_plain(irq, REQUEST(IRQ_BIND, 2, thread.index, bit));
}

enum status strata_irq_unbind(cap_t irq)
{
	return invoke_plain(irq, REQUEST(IRQ_UNBIND, 0, 0));
}

enum status strata_irq_mask(cap_t irq)
{
	return invoke_plain(irq, REQUEST(IRQ_MASK, 0, 0));
}

enum status strata_irq_unmask(cap_t irq)
{
	return invoke_plain(irq, REQUEST(IRQ_UNMASK, 0, 0));
}

/* ---- Factory ---- */

enum status strata_create_task(cap_t factory, uint64_t to)
{
	return invoke_plain(factory, REQUEST(FACTORY_CREATE, 2, OBJECT_TASK, to));
}

enum status strata_create_thread(cap_t factory, uint64_t to, cap_t task, uint64_t utcb)
{
	return invoke_plain(factory,
			    REQUEST(FACTORY_CREATE, 4, OBJECT_THREAD, to, task.index, utcb));
}

enum status strata_create_gate(cap_t factory, uint64_t to, enum strata_gate kind)
{
	return invoke_plain(factory,
			    REQUEST(FACTORY_CREATE, 3, OBJECT_GATE, to, kind == GATE_STRICT));
}

enum status strata_create_irq(cap_t factory, uint64_t to)
{
	return invoke_plain(factory, REQUEST(FACTORY_CREATE, 2, OBJECT_IRQ, to));
}

enum status strata_create_factory(cap_t factory, uint64_t to, uint64_t limit)
{
	return invoke_plain(factory, REQUEST(FACTORY_CREATE, 3, OBJECT_FACTORY, to, limit));
}

enum status strata_factory_account(cap_t factory, uint64_t *limit, uint64_t *used)
{
	struct message message = REQUEST(FACTORY_ACCOUNT, 0, 0);
	enum status status = invoke(factory, &message);
	give(limit, status, message.words[0]);
	give(used, status, message.words[1]);
	return status;
}

enum status strata_factory_set_limit(cap_t factory, cap_t child, uint64_t limit)
{
	return invoke_plain(factory, REQUEST(FACTORY_SET_LIMIT, 2, child.index, limit));
}

enum status strata_factory_feed(cap_t factory, uint64_t address)
{
	return invoke_plain(factory, REQUEST(FACTORY_FEED, 1, address));
}

/* ---- Scheduler ---- */

enum status strata_scheduler_set(cap_t scheduler, cap_t thread, unsigned core, unsigned priority,
				 uint64_t slice_us)
{
	return invoke_plain(scheduler,
			    REQUEST(SCHEDULER_SET, 4, thread.index, core, priority, slice_us));
}

enum status strata_scheduler_info(cap_t scheduler, unsigned core, uint64_t *cores, uint64_t *idle)
{
	struct message message = REQUEST(SCHEDULER_INFO, 1, core);
	enum status status = invoke(scheduler, &message);
	give(cores, status, message.words[0]);
	give(idle, status, message.words[1]);
	return status;
}

/* ---- Icu ---- */

enum status strata_icu_attach(cap_t icu, cap_t irq, uint32_t interrupt, enum strata_trigger trigger)
{
	return invoke_plain(icu,
			    REQUEST(ICU_ATTACH, 3, irq.index, interrupt, trigger == TRIGGER_EDGE));
}

enum status strata_icu_info(cap_t icu, uint32_t *first, uint32_t *end)
{
	struct message message = REQUEST(ICU_INFO, 0, 0);
	enum status status = invoke(icu, &message);
	if (status == STATUS_OK) {
		*first = (uint32_t)message.words[0];
		*end = (uint32_t)message.words[1];
	}
	return status;
}

/* ---- Platform ---- */

enum status strata_platform_reset(cap_t platform)
{
	return invoke_plain(platform, REQUEST(PLATFORM_RESET, 0, 0));
}

enum status strata_platform_counters(cap_t platform, unsigned core,
				     uint64_t counters[COUNTER_COUNT])
{
	struct message message = REQUEST(PLATFORM_COUNTERS, 1, core);
	enum status status = invoke(platform, &message);
	for (unsigned i = 0; i < COUNTER_COUNT && status == STATUS_OK; i++) {
		counters[i] = i < MESSAGE_REGISTERS ? message.words[i] : strata_utcb()->words[i];
	}
	return status;
}

enum status strata_platform_pool(cap_t platform, uint64_t *size, uint64_t *free)
{
	struct message message = REQUEST(PLATFORM_POOL, 0, 0);
	enum status status = invoke(platform, &message);
	give(size, status, message.words[0]);
	give(free, status, message.words[1]);
	return status;
}
