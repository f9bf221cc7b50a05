/* SPDX-License-Identifier: MIT */
/*
 * Replays files through a fuzz target without a fuzzer: each argument is a file or a folder of
 * files. Prints the count, and fails when there was nothing to replay.
 */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/banned.h"

enum { MOST_BYTES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p;
	size_t n;

	if (f == NULL) {
		perror(path);
		return -1;
	}
	p = malloc(MOST_BYTES);
	if (p == NULL) {
		fclose(f);
		return -1;
	}
	n = fread(p, 1, MOST_BYTES, f);
	fclose(f);
	/* An exact copy, so that a sanitizer sees a read past the end. */
	uint8_t *exact = malloc(n > 0 ? n : 1);
	if (exact != NULL) {
		for (size_t i = 0; i < n; i++)
			exact[i] = p[i];
		LLVMFuzzerTestOneInput(exact, n);
		free(exact);
	}
	free(p);
	return exact != NULL ? 1 : -1;
}

static int replay(const char *path)
{
	struct stat st;
	struct dirent *e;
	char inner[PATH_MAX];
	int count = 0;
	DIR *d;

	if (stat(path, &st) != 0) {
		perror(path);
		return -1;
	}
	if (!S_ISDIR(st.st_mode))
		return replay_file(path);
	d = opendir(path);
	if (d == NULL) {
		perror(path);
		return -1;
	}
	while ((e = readdir(d)) != NULL) {
		int one;

		if (e->d_name[0] == '.')
			continue;
		snprintf(inner, sizeof(inner), "%s/%s", path, e->d_name);
		one = replay(inner);
		if (one < 0) {
			count = -1;
			break;
		}
		count += one;
	}
	closedir(d);
	return count;
}

int main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++) {
		int one = replay(argv[i]);

		if (one < 0)
			return EXIT_FAILURE;
		count += one;
	}
	if (count == 0) {
		fputs("nothing to replay\n", stderr);
		return EXIT_FAILURE;
	}
	printf("%d inputs replayed\n", count);
	return EXIT_SUCCESS;
}
