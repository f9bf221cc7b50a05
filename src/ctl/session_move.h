/* SPDX-License-Identifier: MIT */
/*
 * All sessions of a store to a descriptor, and back from one. Both go by what the keys prove: what
 * does not verify is not written, and cannot be read in, so a file makes no session that was none.
 * It can bring one back that ended meanwhile.
 */
#ifndef CTL_SESSION_MOVE_H
#define CTL_SESSION_MOVE_H

#include "auth/auth.h"

struct session_moved {
	int64_t done;	 /* written, or put into the store */
	int64_t kept;	 /* of an import: the store has it, and keeps its own */
	int64_t expired; /* that had ended, or did on the way */
	int64_t skipped; /* of an export: what does not verify or is no session at all */
};

/* TP_INVALID: the store cannot be walked. TP_UNAVAILABLE: the store, or the descriptor. */
enum tp_rc session_export(const struct auth_ctx *a, int fd, struct session_moved *ret,
			  struct tp_err *err) TP_MUSTUSE;

/*
 * *ret tells how far it came after a failure, too: what is in the store stays, and a second run
 * finds it there. *ret_line: the number of a line that is not what it has to be (TP_DENIED), 0 for
 * another failure.
 */
enum tp_rc session_import(const struct auth_ctx *a, int fd, struct session_moved *ret,
			  int64_t *ret_line, struct tp_err *err) TP_MUSTUSE;

#endif
