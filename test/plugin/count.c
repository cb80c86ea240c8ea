/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin for QEMU that counts executed instructions, exactly, per vCPU.
 *
 *     -plugin count.so,from=0xA,to=0xB,range=0xA-0xB,out=FILE -d plugin
 *
 * from, to   counts from the first execution of the instruction at `from` (included) to the next one of
 *            that at `to` (not included), each time: `to` is remembered until `from` comes again
 * range      counts instructions at addresses in [A, B); may be given several times
 * mark       writes what every vCPU has counted so far, when the instruction at this address is executed; may be
 *            given several times: the first is mark 0, and so on
 * stretch    A-B, addresses: also counts how many instructions are executed in a row in this range, and keeps the most
 * restart    an address where such a row is over, and the next one begins (it counts as left, and entered again)
 * reset      a mark's number: when it is executed, the longest row is forgotten; written at the others, and at the end
 * profile    how often each instruction was executed between marks A and B: profile=A-B. Written at the next mark
 *            that is neither
 * out        the file to write the figures to; without it they go to QEMU's log
 *
 * Addresses are those that the CPU sees: physical while the MMU is off. At the end one line for each
 * vCPU and figure:
 *
 *     cpu 0 all 1234
 *     cpu 0 span times 1 last 123 total 123
 *     cpu 0 range 0x1000-0x2000 456
 *
 * and, as it happens,
 *
 *     mark 0 by 0 cpu 0 all 12 barriers 1 tlbis 2 msrs 3 ranges 4 5
 *     stretch cpu 0 most 77 from 0xA to 0xB rows 9
 *     profile 0xA 1000
 *
 * `barriers` are DSB, DMB and ISB, `tlbis` invalidations of TLB entries, `msrs` writes of system registers, by the
 * encodings of the Arm ARM (DDI 0487, C4.1, "Barriers", "System instructions", "System register move").
 * A stretch is from the first instruction of a block of code to somewhere in another, as QEMU translated them: the addresses
 * are those of the blocks. With several cores, QEMU must run each in a thread of its own (thread=multi): else it takes the
 * core that translated a piece of code for the one that executes it.
 *
 * An instruction is counted before it executes: one that faults and is executed again counts twice.
 *
 * Debian ships no qemu-plugin.h, so what is used of it is declared here (QEMU's documentation, "QEMU TCG
 * Plugins", API version 4).
 */
#define _POSIX_C_SOURCE 200809L /* strdup */

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_scoreboard;
typedef struct {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
} qemu_plugin_u64;

enum { INLINE_ADD_U64 = 0 };
enum { CALLBACK_NO_REGISTERS = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*callback)(qemu_plugin_id_t,
							    struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t size);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *insn,
							 int operation, qemu_plugin_u64 entry,
							 uint64_t value);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*callback)(unsigned int, void *), int flags,
					    void *data);
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element_size);
void *qemu_plugin_scoreboard_find(struct qemu_plugin_scoreboard *score, unsigned int vcpu);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*callback)(qemu_plugin_id_t, void *),
				    void *data);
void qemu_plugin_outs(const char *string);
int qemu_plugin_num_vcpus(void);

__attribute__((visibility("default"))) extern int qemu_plugin_version;
__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv);

int qemu_plugin_version = 4;

#define RANGES_MAX   8
#define MARKS_MAX    8
#define RESTARTS_MAX 8

/* What one vCPU has counted. */
struct counts {
	uint64_t all;
	uint64_t barriers, tlbis, msrs;
	uint64_t ranges[RANGES_MAX];
	uint64_t span_begin; /* value of `all` when `from` was executed */
	uint64_t span_open;  /* `from` was executed, and `to` not yet after it */
	uint64_t span_times, span_last, span_total;
	uint64_t row, row_begin,
		row_last; /* instructions in a row; the blocks where it began and is */
	uint64_t most, most_begin, most_last, rows;
};

struct range {
	uint64_t begin, end;
};

/* An instruction, and how often it was executed. */
struct place {
	struct place *next;
	uint64_t address;
	uint64_t times;     /* since mark A */
	uint64_t committed; /* up to the last mark B */
};

static struct qemu_plugin_scoreboard *scoreboard;
static struct range ranges[RANGES_MAX];
static size_t range_count;
static bool has_span;
static uint64_t span_from, span_to;
static uint64_t marks[MARKS_MAX];
static size_t mark_count;
static struct range stretch;
static uint64_t restarts[RESTARTS_MAX];
static size_t restart_count;
static uint64_t reset_mark = UINT64_MAX;
static bool has_profile;
static struct range profile; /* marks */
static struct place *places;
static const char *out_path;
static FILE *out;

static void put(const char *line)
{
	if (out != NULL) {
		fputs(line, out);
	} else {
		qemu_plugin_outs(line);
	}
}

static qemu_plugin_u64 counter(size_t offset)
{
	return (qemu_plugin_u64){.score = scoreboard, .offset = offset};
}

static struct counts *counts_of(unsigned int vcpu)
{
	return qemu_plugin_scoreboard_find(scoreboard, vcpu);
}

static void at_from(unsigned int vcpu, void *data)
{
	(void)data;
	struct counts *counts = counts_of(vcpu);
	if (!counts->span_open) {
		counts->span_open = 1;
		counts->span_begin = counts->all;
	}
}

static void at_to(unsigned int vcpu, void *data)
{
	(void)data;
	struct counts *counts = counts_of(vcpu);
	if (counts->span_open) {
		counts->span_open = 0;
		counts->span_times++;
		counts->span_last = counts->all - counts->span_begin;
		counts->span_total += counts->span_last;
	}
}

/* ---- the longest row of instructions ---- */

static void end_row(unsigned int vcpu)
{
	struct counts *counts = counts_of(vcpu);
	if (counts->row == 0) {
		return;
	}
	counts->rows++;
	if (counts->row > counts->most) {
		counts->most = counts->row;
		counts->most_begin = counts->row_begin;
		counts->most_last = counts->row_last;
	}
	counts->row = 0;
}

/* A block outside of the range, or one that begins a new row. */
static void at_row_end(unsigned int vcpu, void *data)
{
	(void)data;
	end_row(vcpu);
}

/* A block of the range. */
static void in_row(unsigned int vcpu, void *data)
{
	struct counts *counts = counts_of(vcpu);
	counts->row_last = (uint64_t)(uintptr_t)data;
	if (counts->row == 0) {
		counts->row_begin = counts->row_last;
	}
}

static void put_stretch(void)
{
	for (int i = 0; i < qemu_plugin_num_vcpus(); i++) {
		const struct counts *counts = counts_of((unsigned int)i);
		char line[160];
		snprintf(line, sizeof(line),
			 "stretch cpu %d most %" PRIu64 " from 0x%" PRIx64 " to 0x%" PRIx64
			 " rows %" PRIu64 "\n",
			 i, counts->most, counts->most_begin, counts->most_last, counts->rows);
		put(line);
	}
}

static void forget_rows(void)
{
	for (int i = 0; i < qemu_plugin_num_vcpus(); i++) {
		struct counts *counts = counts_of((unsigned int)i);
		counts->most = 0;
		counts->rows = 0;
	}
}

/* ---- how often each instruction was executed ---- */

static void at_place(unsigned int vcpu, void *data)
{
	(void)vcpu;
	struct place *place = data;
	place->times++;
}

/* One place for each address, however often it is translated. */
static struct place *place_of(uint64_t address)
{
	for (struct place *place = places; place != NULL; place = place->next) {
		if (place->address == address) {
			return place;
		}
	}
	struct place *place = calloc(1, sizeof(*place));
	if (place == NULL) {
		abort();
	}
	place->address = address;
	place->next = places;
	places = place;
	return place;
}

static void profile_mark(uint64_t mark)
{
	bool begins = mark == profile.begin, ends = mark == profile.end;
	for (struct place *place = places; place != NULL; place = place->next) {
		if (ends) {
			place->committed += place->times;
		} else if (!begins && place->committed != 0) {
			char line[80];
			snprintf(line, sizeof(line), "profile 0x%" PRIx64 " %" PRIu64 "\n",
				 place->address, place->committed);
			put(line);
			place->committed = 0;
		}
		place->times = 0;
	}
}

/* ---- marks ---- */

static void put_counts(uint64_t mark, unsigned int by, int vcpu)
{
	const struct counts *counts = counts_of((unsigned int)vcpu);
	char line[512];
	int length = snprintf(line, sizeof(line),
			      "mark %" PRIu64 " by %u cpu %d all %" PRIu64 " barriers %" PRIu64
			      " tlbis %" PRIu64 " msrs %" PRIu64 " ranges",
			      mark, by, vcpu, counts->all, counts->barriers, counts->tlbis,
			      counts->msrs);
	for (size_t r = 0; r < range_count; r++) {
		length += snprintf(line + length, sizeof(line) - (size_t)length, " %" PRIu64,
				   counts->ranges[r]);
	}
	put(line);
	put("\n");
}

static void at_mark(unsigned int vcpu, void *data)
{
	uint64_t mark = (uint64_t)(uintptr_t)data;
	for (int i = 0; i < qemu_plugin_num_vcpus(); i++) {
		put_counts(mark, vcpu, i);
	}
	if (has_profile) {
		profile_mark(mark);
	}
	if (stretch.end != 0 && mark == reset_mark) {
		forget_rows();
	} else if (stretch.end != 0 && reset_mark != UINT64_MAX) {
		put_stretch();
	}
}

/* ---- translation ---- */

static bool is_in(const struct range *range, uint64_t address)
{
	return address >= range->begin && address < range->end;
}

static void add(struct qemu_plugin_insn *insn, size_t offset)
{
	qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, INLINE_ADD_U64, counter(offset),
							    1);
}

static void call(struct qemu_plugin_insn *insn, void (*callback)(unsigned int, void *),
		 uint64_t data)
{
	qemu_plugin_register_vcpu_insn_exec_cb(insn, callback, CALLBACK_NO_REGISTERS,
					       (void *)(uintptr_t)data);
}

static void count_kind(struct qemu_plugin_insn *insn)
{
	uint32_t code = 0;
	(void)qemu_plugin_insn_data(insn, &code, sizeof(code));
	uint32_t op2 = code >> 5 & 7;
	if ((code & 0xfffff01f) == 0xd503301f && op2 >= 4 && op2 <= 6) {
		add(insn, offsetof(struct counts, barriers)); /* op2: DSB, DMB, ISB */
	} else if ((code & 0xfff8f000) == 0xd5088000) {
		add(insn, offsetof(struct counts, tlbis)); /* SYS with CRn = 8 */
	} else if ((code & 0xfff00000) == 0xd5100000 || (code & 0xfff8f01f) == 0xd500401f) {
		add(insn, offsetof(struct counts, msrs)); /* register; immediate, to PSTATE */
	}
}

static void add_callbacks(struct qemu_plugin_insn *insn, uint64_t address)
{
	if (has_span && address == span_to) {
		call(insn, at_to, 0);
	}
	if (has_span && address == span_from) {
		call(insn, at_from, 0);
	}
	for (size_t m = 0; m < mark_count; m++) {
		if (address == marks[m]) {
			call(insn, at_mark, m);
		}
	}
}

/* `enters`: it is the first of its block, or the one before it is on the other side of the range's border. */
static void add_rows(struct qemu_plugin_insn *insn, uint64_t address, bool enters)
{
	bool restart = false;
	for (size_t r = 0; r < restart_count; r++) {
		restart = restart || address == restarts[r];
	}
	if (restart || (enters && !is_in(&stretch, address))) {
		call(insn, at_row_end, 0);
	}
	if (is_in(&stretch, address)) {
		if (enters || restart) {
			call(insn, in_row, address);
		}
		add(insn, offsetof(struct counts, row));
	}
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	size_t count = qemu_plugin_tb_n_insns(tb);
	bool was_in = false;
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t address = qemu_plugin_insn_vaddr(insn);

		/* The callbacks come first: they see the count without this instruction. */
		if (stretch.end != 0) {
			bool in = is_in(&stretch, address);
			add_rows(insn, address, i == 0 || in != was_in);
			was_in = in;
		}
		add_callbacks(insn, address);
		if (has_profile) {
			qemu_plugin_register_vcpu_insn_exec_cb(
				insn, at_place, CALLBACK_NO_REGISTERS, place_of(address));
		}
		add(insn, offsetof(struct counts, all));
		if (mark_count != 0) {
			count_kind(insn);
		}
		for (size_t r = 0; r < range_count; r++) {
			if (is_in(&ranges[r], address)) {
				add(insn, offsetof(struct counts, ranges) + r * sizeof(uint64_t));
			}
		}
	}
}

static void on_exit(qemu_plugin_id_t id, void *data)
{
	(void)id;
	(void)data;
	int vcpus = qemu_plugin_num_vcpus();
	for (int i = 0; i < vcpus; i++) {
		unsigned int vcpu = (unsigned int)i;
		const struct counts *counts = counts_of(vcpu);
		char line[160];
		snprintf(line, sizeof(line), "cpu %u all %" PRIu64 "\n", vcpu, counts->all);
		put(line);
		if (has_span) {
			snprintf(line, sizeof(line),
				 "cpu %u span times %" PRIu64 " last %" PRIu64 " total %" PRIu64
				 "\n",
				 vcpu, counts->span_times, counts->span_last, counts->span_total);
			put(line);
		}
		for (size_t r = 0; r < range_count; r++) {
			snprintf(line, sizeof(line),
				 "cpu %u range 0x%" PRIx64 "-0x%" PRIx64 " %" PRIu64 "\n", vcpu,
				 ranges[r].begin, ranges[r].end, counts->ranges[r]);
			put(line);
		}
	}
	if (stretch.end != 0) {
		put_stretch();
	}
	if (out != NULL) {
		fclose(out);
	}
}

/* Reads a number, and moves *text behind it. */
static bool parse_number(const char **text, uint64_t *value)
{
	char *end;
	*value = strtoull(*text, &end, 0);
	bool found = end != *text;
	*text = end;
	return found;
}

static bool parse_last(const char *text, uint64_t *value)
{
	return parse_number(&text, value) && *text == '\0';
}

static bool parse_range(const char *text, struct range *range)
{
	return parse_number(&text, &range->begin) && *text == '-' &&
	       parse_last(text + 1, &range->end);
}

/* The text behind `name`; NULL if the argument is another one. */
static const char *value_of(const char *argument, const char *name)
{
	size_t length = strlen(name);
	return strncmp(argument, name, length) == 0 ? argument + length : NULL;
}

static bool parse_argument(const char *argument, bool *has_from, bool *has_to)
{
	const char *text;
	if ((text = value_of(argument, "from=")) != NULL) {
		*has_from = true;
		return parse_last(text, &span_from);
	}
	if ((text = value_of(argument, "to=")) != NULL) {
		*has_to = true;
		return parse_last(text, &span_to);
	}
	if ((text = value_of(argument, "range=")) != NULL && range_count < RANGES_MAX) {
		return parse_range(text, &ranges[range_count++]);
	}
	if ((text = value_of(argument, "mark=")) != NULL && mark_count < MARKS_MAX) {
		return parse_last(text, &marks[mark_count++]);
	}
	if ((text = value_of(argument, "stretch=")) != NULL) {
		return parse_range(text, &stretch);
	}
	if ((text = value_of(argument, "restart=")) != NULL && restart_count < RESTARTS_MAX) {
		return parse_last(text, &restarts[restart_count++]);
	}
	if ((text = value_of(argument, "reset=")) != NULL) {
		return parse_last(text, &reset_mark);
	}
	if ((text = value_of(argument, "profile=")) != NULL) {
		has_profile = true;
		return parse_range(text, &profile);
	}
	if ((text = value_of(argument, "out=")) != NULL) {
		out_path = strdup(text);
		return out_path != NULL;
	}
	return false;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	bool has_from = false;
	bool has_to = false;
	for (int i = 0; i < argc; i++) {
		if (!parse_argument(argv[i], &has_from, &has_to)) {
			fprintf(stderr, "count.so: cannot read the argument %s\n", argv[i]);
			return -1;
		}
	}
	if (has_from != has_to) {
		fprintf(stderr, "count.so: from= and to= go together\n");
		return -1;
	}
	out = out_path != NULL ? fopen(out_path, "w") : NULL;
	if (out_path != NULL && out == NULL) {
		fprintf(stderr, "count.so: cannot write %s\n", out_path);
		return -1;
	}
	has_span = has_from;
	scoreboard = qemu_plugin_scoreboard_new(sizeof(struct counts));
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	qemu_plugin_register_atexit_cb(id, on_exit, NULL);
	return 0;
}
