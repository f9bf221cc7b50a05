/* SPDX-License-Identifier: MIT */
/*
 * The option table as documentation. Each appends to *out, whose failure is tested by the caller
 * once; OPTDOC_MOST bytes are enough.
 */
#ifndef CONFIG_OPTDOC_H
#define CONFIG_OPTDOC_H

#include "base/buf.h"

enum { OPTDOC_MOST = 65536 };

/* --help: usage, and every flag with its line, but for options that have one of the flags `without`
 * (enum option_flags); no line is over 100 columns. */
void optdoc_help(struct buf *out, const char *program, unsigned without);

/* mdoc(7): sections with the settings, for tpauth.conf(5), and the items of the program's own
 * flags, for the pages of the programs. */
void optdoc_man(struct buf *out);
void optdoc_man_flags(struct buf *out);

/* A Markdown table for each group of settings. The same for every build: it is committed. */
void optdoc_readme(struct buf *out);

/* A settings file in which every setting stands, commented out, with its default. */
void optdoc_sample(struct buf *out);

#endif
