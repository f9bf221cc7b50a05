/* SPDX-License-Identifier: MIT */
/*
 * The syntax of the settings file, which is that of .env files as python-dotenv reads them:
 *   # a comment; empty lines are skipped
 *   NAME = value        # a comment behind a blank
 *   NAME = "double"     with the escapes \n \r \t \" \' \\; another backslash stands for itself
 *   NAME = 'single'     with the escapes \' \\
 *   export NAME=value
 * Lines end with LF or CR LF. A '$' is a '$'. What dotenv would guess at is refused: a line without
 * '=', a quote that is not closed on its line, text behind a closing quote, an unquoted value that
 * begins with '#', control characters.
 */
#ifndef CONFIG_ENVFILE_H
#define CONFIG_ENVFILE_H

#include "base/buf.h"

struct envfile {
	struct span rest; /* borrowed */
	int line;	  /* number of the line read last */
	struct buf value;
};

/* One line. name: [A-Za-z_][A-Za-z0-9_]*; both are borrowed until the next call. */
struct envfile_entry {
	struct span name, value;
};

void envfile_init(struct envfile *f, struct span text);

/* TP_NOT_FOUND: the end. TP_INVALID: a line that is none of the above; the message says what is
 * wrong and never shows the text, which may be part of a key. TP_NOMEM. */
enum tp_rc envfile_next(struct envfile *f, struct envfile_entry *ret,
			struct tp_err *err) TP_MUSTUSE;
void envfile_release(struct envfile *f);

#endif
