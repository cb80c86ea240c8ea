/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin for QEMU that counts executed instructions, exactly, per vCPU.
 *
 *     -plugin count.so,from=0xA,to=0xB,range=0xA-0xB,out=FILE -d plugin
 *
 * from, to   counts from the first execution of the instruction at `from` (included) to the next one of
 *            that at `to` (not included), each time: `to` is remembered until `from` comes again
 * range      counts instructions at addresses in [A, B); may be given several times
 * out        the file to write the figures to; without it they go to QEMU's log
 *
 * Addresses are those that the CPU sees: physical while the MMU is off. At the end one line for each
 * vCPU and figure:
 *
 *     cpu 0 all 1234
 *     cpu 0 span times 1 last 123 total 123
 *     cpu 0 range 0x1000-0x2000 456
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

#define RANGES_MAX 8

/* What one vCPU has counted. */
struct counts {
	uint64_t all;
	uint64_t ranges[RANGES_MAX];
	uint64_t span_begin; /* value of `all` when `from` was executed */
	uint64_t span_open;  /* `from` was executed, and `to` not yet after it */
	uint64_t span_times, span_last, span_total;
};

struct range {
	uint64_t begin, end;
};

static struct qemu_plugin_scoreboard *scoreboard;
static struct range ranges[RANGES_MAX];
static size_t range_count;
static bool has_span;
static uint64_t span_from, span_to;
static const char *out_path;

static qemu_plugin_u64 counter(size_t offset)
{
	return (qemu_plugin_u64){.score = scoreboard, .offset = offset};
}

static void at_from(unsigned int vcpu, void *data)
{
	(void)data;
	struct counts *counts = qemu_plugin_scoreboard_find(scoreboard, vcpu);
	if (!counts->span_open) {
		counts->span_open = 1;
		counts->span_begin = counts->all;
	}
}

static void at_to(unsigned int vcpu, void *data)
{
	(void)data;
	struct counts *counts = qemu_plugin_scoreboard_find(scoreboard, vcpu);
	if (counts->span_open) {
		counts->span_open = 0;
		counts->span_times++;
		counts->span_last = counts->all - counts->span_begin;
		counts->span_total += counts->span_last;
	}
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	size_t count = qemu_plugin_tb_n_insns(tb);
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t address = qemu_plugin_insn_vaddr(insn);

		/* The callbacks come first: they see the count without this instruction. */
		if (has_span && address == span_to) {
			qemu_plugin_register_vcpu_insn_exec_cb(insn, at_to, CALLBACK_NO_REGISTERS,
							       NULL);
		}
		if (has_span && address == span_from) {
			qemu_plugin_register_vcpu_insn_exec_cb(insn, at_from, CALLBACK_NO_REGISTERS,
							       NULL);
		}
		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
			insn, INLINE_ADD_U64, counter(offsetof(struct counts, all)), 1);
		for (size_t r = 0; r < range_count; r++) {
			if (address >= ranges[r].begin && address < ranges[r].end) {
				size_t offset =
					offsetof(struct counts, ranges) + r * sizeof(uint64_t);
				qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
					insn, INLINE_ADD_U64, counter(offset), 1);
			}
		}
	}
}

static void put(FILE *out, const char *line)
{
	if (out != NULL) {
		fputs(line, out);
	} else {
		qemu_plugin_outs(line);
	}
}

static void on_exit(qemu_plugin_id_t id, void *data)
{
	(void)id;
	(void)data;
	FILE *out = out_path != NULL ? fopen(out_path, "w") : NULL;
	int vcpus = qemu_plugin_num_vcpus();
	for (int i = 0; i < vcpus; i++) {
		unsigned int vcpu = (unsigned int)i;
		const struct counts *counts = qemu_plugin_scoreboard_find(scoreboard, vcpu);
		char line[160];
		snprintf(line, sizeof(line), "cpu %u all %" PRIu64 "\n", vcpu, counts->all);
		put(out, line);
		if (has_span) {
			snprintf(line, sizeof(line),
				 "cpu %u span times %" PRIu64 " last %" PRIu64 " total %" PRIu64
				 "\n",
				 vcpu, counts->span_times, counts->span_last, counts->span_total);
			put(out, line);
		}
		for (size_t r = 0; r < range_count; r++) {
			snprintf(line, sizeof(line),
				 "cpu %u range 0x%" PRIx64 "-0x%" PRIx64 " %" PRIu64 "\n", vcpu,
				 ranges[r].begin, ranges[r].end, counts->ranges[r]);
			put(out, line);
		}
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

static bool parse_argument(const char *argument, bool *has_from, bool *has_to)
{
	if (strncmp(argument, "from=", 5) == 0) {
		const char *text = argument + 5;
		*has_from = true;
		return parse_number(&text, &span_from) && *text == '\0';
	}
	if (strncmp(argument, "to=", 3) == 0) {
		const char *text = argument + 3;
		*has_to = true;
		return parse_number(&text, &span_to) && *text == '\0';
	}
	if (strncmp(argument, "range=", 6) == 0 && range_count < RANGES_MAX) {
		const char *text = argument + 6;
		struct range *range = &ranges[range_count++];
		return parse_number(&text, &range->begin) && *text++ == '-' &&
		       parse_number(&text, &range->end) && *text == '\0';
	}
	if (strncmp(argument, "out=", 4) == 0) {
		out_path = strdup(argument + 4);
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
	has_span = has_from;
	scoreboard = qemu_plugin_scoreboard_new(sizeof(struct counts));
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	qemu_plugin_register_atexit_cb(id, on_exit, NULL);
	return 0;
}
