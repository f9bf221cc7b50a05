/* SPDX-License-Identifier: MIT */
/*
 * The handler exec:COMMAND, started once for each question. The command is split at blanks, with
 * 'quotes' and "quotes" as in a shell, but no shell sees it; its first word is an absolute path.
 *
 * The program gets the question of authn_question.h on stdin, writes the claims as one JSON object
 * of at most LIMIT_AUTHN_OUTPUT bytes to stdout, and exits with 0 for yes, 1 for no; all else is
 * trouble. Its environment is PATH
 * and LANG=C.UTF-8, its stderr is ours, no other descriptor is open, no signal blocked or ignored.
 * It leads a process group, which is killed when it takes too long or writes too much.
 */
#ifndef AUTH_AUTHN_EXEC_H
#define AUTH_AUTHN_EXEC_H

#include "auth/authn.h"

/* What authn_exec_ops.open does; limit_ms: what one question may take. */
enum tp_rc authn_exec_open(struct span command, int64_t limit_ms, void **ret,
			   struct tp_err *err) TP_MUSTUSE;

#endif
