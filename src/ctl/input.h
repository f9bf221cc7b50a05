/* SPDX-License-Identifier: MIT */
/* What a command reads: a file, an argument, or standard input, where others cannot see it. */
#ifndef CTL_INPUT_H
#define CTL_INPUT_H

#include "base/buf.h"

/* What the file holds, which may be a pipe, up to the cap of out. TP_INVALID: the message names the
 * file and the reason. TP_NOMEM. */
enum tp_rc input_file(const char *path, struct buf *out, struct tp_err *err) TP_MUSTUSE;

/* The argument itself, or, when it is "-" or NULL, standard input up to its end. TP_NO_ROUTE: there
 * is no argument, and standard input is a terminal; what: "a token". TP_INVALID: not readable, or
 * longer than the cap. */
enum tp_rc input_text(const char *arg, const char *what, struct buf *out,
		      struct tp_err *err) TP_MUSTUSE;

/* Without the end of a last line. */
struct span input_line(const struct buf *text);

#endif
