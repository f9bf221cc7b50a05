/* SPDX-License-Identifier: MIT */
/*
 * Signals as flags. SIGTERM, SIGINT, SIGUSR1 (mod_fcgid's and lighttpd's "stop") SIGHUP and
 * SIGUSR2 stay blocked but for the one place where a program waits, so none is lost and none cuts a
 * request short.
 */
#ifndef RUN_SIGNALS_H
#define RUN_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

void signals_ignore_pipe(void); /* alone, for a program that serves one request */

/* Blocks the signals above and installs flag handlers; SIGPIPE is ignored. */
void signals_init(void);

/* Lets in what has arrived. Needed beside the mask: a wait that finds its descriptor ready at once
 * delivers nothing. */
void signals_let_in(void);

/* The mask to wait with: the one at program start, with the signals above let in. */
const sigset_t *signals_wait_mask(void);

bool signals_stop(void);   /* asked to end */
bool signals_reload(void); /* asked to read the configuration again; answered once */
bool signals_reopen(void); /* asked to open the log file anew; answered once */
bool signals_child(void);  /* a child ended (after signals_watch_children()); answered once */
void signals_watch_children(void);

/*
 * A timer that breaks a read stuck on a peer: SIGALRM without SA_RESTART, first after `seconds`,
 * then each second until disarmed. seconds 0 disarms.
 */
void signals_alarm(int seconds);

/* In a child after fork: as if nothing had arrived. */
void signals_forget(void);

#endif
