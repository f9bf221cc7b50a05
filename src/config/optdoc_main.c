/* SPDX-License-Identifier: MIT */
/*
 * Used by the build: `optdoc man` and its like print a piece of the documentation from the option
 * table. What is printed is optdoc.c's.
 */
#include "config/optdoc.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

static void help(struct buf *out)
{
	optdoc_help(out, "tpauth.fcgi", 0);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(struct buf *out);
	} pieces[] = {
		{ "help", help },
		{ "man", optdoc_man },
		{ "man-flags", optdoc_man_flags },
		{ "readme", optdoc_readme },
		{ "sample", optdoc_sample },
	};
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(OPTDOC_MOST);
	struct tp_err err;

	for (size_t i = 0; argc == 2 && i < TP_COUNT(pieces); i++) {
		if (strcmp(argv[1], pieces[i].name) == 0)
			pieces[i].print(&out);
	}
	if (out.len == 0 && out.rc == TP_OK) {
		fputs("usage: optdoc help | man | man-flags | readme | sample\n", stderr);
		return EXIT_FAILURE;
	}
	if (buf_rc(&out, "the text", &err) != TP_OK) {
		fprintf(stderr, "optdoc: %s\n", err.msg);
		return EXIT_FAILURE;
	}
	fwrite(out.p, 1, out.len, stdout);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
