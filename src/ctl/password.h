/* SPDX-License-Identifier: MIT */
/* A password from a file or a terminal; never from a command line, which others can read. */
#ifndef CTL_PASSWORD_H
#define CTL_PASSWORD_H

#include "base/secret.h"

/* The first line of the file, "-": of descriptor 0. TP_INVALID: it cannot be read, or the line is
 * empty, too long or broken off by an error. */
enum tp_rc password_from_file(const char *path, struct secret *ret, struct tp_err *err) TP_MUSTUSE;

/* Asks on the terminal, without an echo, which comes back whatever happens. TP_INVALID: there is no
 * terminal, or it was interrupted. */
enum tp_rc password_from_terminal(const char *prompt, struct secret *ret,
				  struct tp_err *err) TP_MUSTUSE;

#endif
