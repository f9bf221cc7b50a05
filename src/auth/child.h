/* SPDX-License-Identifier: MIT */
/*
 * A child process that answers one question, bounded in time and output. The end of the process is
 * what counts and not the end of its output, since a process that it leaves behind may hold the
 * pipe open for ever. It leads a process group, which is killed with it. SIGCHLD must not be
 * ignored in the process that uses this: the kernel would throw the exit status away.
 */
#ifndef AUTH_CHILD_H
#define AUTH_CHILD_H

#include "base/buf.h"

#include <sys/types.h>

struct child {
	pid_t pid; /* 0: there is none */
	int out;   /* the end of its output that we read; -1 once it has ended */
};

#define CHILD_INIT    \
	{             \
		0, -1 \
	}

/* Makes the pipe; *ret_out is the end for the child, the caller's to close. TP_UNAVAILABLE. */
enum tp_rc child_pipe(struct child *c, int *ret_out, struct tp_err *err) TP_MUSTUSE;

/* Makes a copy of this process that calls fn, which writes its answer to out, and ends with what it
 * returns, running nothing else of ours. There stdin is empty, stdout is our stderr, no other
 * descriptor is open, no signal is blocked, handled or ignored, the folder is "/", and the
 * environment has no HTTP_*. It dies with us. For processes without threads. TP_UNAVAILABLE. */
enum tp_rc child_fork(struct child *c, int (*fn)(void *arg, int out), void *arg,
		      struct tp_err *err) TP_MUSTUSE;

/* Until the child has ended, and all that it wrote is in *out. TP_UNAVAILABLE: it took longer;
 * TP_TOO_LARGE: it wrote more than the buffer takes; TP_NOMEM. */
enum tp_rc child_await(struct child *c, int64_t limit_ms, struct buf *out,
		       struct tp_err *err) TP_MUSTUSE;

/* The exit status of a child that has ended, reaped. TP_UNAVAILABLE: a signal killed it, or it was
 * lost. */
enum tp_rc child_status(struct child *c, int *ret_status, struct tp_err *err) TP_MUSTUSE;

/* Kills what still runs of the group, and reaps the child. */
void child_release(struct child *c);

void child_close_fd(int *fd); /* for TP_CLEANUP; -1 is none */

/* TP_UNAVAILABLE: "the token handler: <what>: <errno>". */
enum tp_rc child_trouble(struct tp_err *err, const char *what);

#endif
