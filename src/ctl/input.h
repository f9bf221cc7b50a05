/* SPDX-License-Identifier: MIT */
/* What a command reads: a file, an argument, or standard input, where others cannot see it. */
#ifndef CTL_INPUT_H
#define CTL_INPUT_H

#include "base/buf.h"

/* The file's bytes, up to the cap of out. TP_INVALID: the message names file and reason. TP_NOMEM.
 */
enum tp_rc input_file(const char *path, struct buf *out, struct tp_err *err) TP_MUSTUSE;

/* The argument itself, or, when it is NULL or "-", standard input up to its end. TP_NO_ROUTE: a
 * terminal is there, and nobody to type; what: "a token". TP_INVALID: not readable, or longer than
 * the cap. */
enum tp_rc input_text(const char *arg, const char *what, struct buf *out,
		      struct tp_err *err) TP_MUSTUSE;

/* Without the end of a last line. */
struct span input_line(const struct buf *text);

#endif
