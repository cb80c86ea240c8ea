/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes the fuzzers' first inputs that no tool makes: a program, and the same with fixed
 * addresses.
 *
 *   make_seeds FOLDER
 */
#include "../host/elf_sample.h"

#include <stdio.h>
#include <stdlib.h>

static void write_seed(const char *folder, const char *name, const struct sample *sample)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *stream = fopen(path, "wb");
	if (stream == NULL || fwrite(sample, sizeof(*sample), 1, stream) != 1 ||
	    fclose(stream) != 0) {
		perror(path);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct sample sample;
	if (argc != 2) {
		fprintf(stderr, "usage: make_seeds FOLDER\n");
		return 2;
	}
	sample_make(&sample);
	write_seed(argv[1], "static-pie", &sample);
	sample.header.e_type = ET_EXEC;
	sample.header.e_phnum = 2;
	write_seed(argv[1], "static", &sample);
	return 0;
}
