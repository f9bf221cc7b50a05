/* SPDX-License-Identifier: MIT */
/*
 * A pool of our own: N worker processes on one listening socket, for servers that start none
 * (nginx) and for systemd. Workers that die are replaced at once (a worker that cannot even start
 * is tried again with growing pauses). SIGHUP: the configuration is checked, then workers read it
 * again. SIGUSR2, and a SIGHUP that is refused: all open the log file anew. SIGTERM: workers finish
 * what they have and end. systemd is told of all of that where it asked for it (run/notify.h).
 *
 * One more child may run beside the workers, under the same rules. It is no worker: when the first
 * one finds its settings wrong (exit status of TP_INVALID), the pool ends with that status, too.
 */
#ifndef RUN_PREFORK_H
#define RUN_PREFORK_H

#include "base/rc.h"

struct notify;

struct prefork {
	int workers;
	int (*work)(void *arg); /* a worker's life; its result is the exit status */
	/* Called in the supervisor on SIGHUP; false: the new configuration is wrong (and was
	 * logged), so the workers keep what they have. */
	bool (*check)(void *arg);
	void *arg;
	struct notify *notify;	  /* NULL: nobody is told */
	int (*beside)(void *arg); /* the life of that other child; NULL: there is none */
};

/* Runs until SIGTERM, then waits for its children, at most grace_s seconds. Returns an exit status.
 */
int prefork_run(const struct prefork *how, int grace_s);

#endif
