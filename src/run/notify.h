/* SPDX-License-Identifier: MIT */
/*
 * What a service tells systemd about itself, by the protocol of sd_notify(3): one datagram a
 * message, to the unix socket that $NOTIFY_SOCKET names (a path, or an abstract name behind '@').
 * Every function takes NULL and one that nobody listens to, and does nothing then. A message that
 * cannot be sent is lost, and nothing else fails for it.
 *
 * Only the process that systemd started speaks. Its workers tell it by a pipe that one of them
 * serves: a socket that is open is not yet an answer.
 */
#ifndef RUN_NOTIFY_H
#define RUN_NOTIFY_H

#include "base/rc.h"

#include <sys/socket.h>
#include <sys/un.h>

struct notify {
	int fd; /* -1: nobody wants to know */
	struct sockaddr_un to;
	socklen_t to_len;
	bool ready;	     /* READY=1 has been sent */
	int serving[2];	     /* the pipe; -1: there is none */
	int64_t watchdog_ms; /* between two signs of life; 0: none are asked for */
	int64_t alive_ms;    /* when the last one was sent */
};

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that no child
 * finds them. An address that is none is logged, and nobody is told. */
void notify_open(struct notify *n);
void notify_close(struct notify *n);

/* In a supervisor, before it starts workers: it will be ready when the first of them serves. */
void notify_await(struct notify *n);
/* What a supervisor waits on beside its signals, -1: nothing; when it is readable, call
 * notify_heard(): READY=1. */
int notify_fd(const struct notify *n);
void notify_heard(struct notify *n);

/* In whoever serves: a worker tells its supervisor, a lone process says READY=1 itself. */
void notify_serving(struct notify *n);

/* Around a reload: RELOADING=1 with the time, and then READY=1, with a STATUS that says when what
 * was there before stays in force. Nothing before the first READY=1. */
void notify_reloading(struct notify *n);
void notify_reloaded(struct notify *n, bool good);

void notify_stopping(struct notify *n);

/* WATCHDOG=1 when it is due. Returns milliseconds until the next one, -1 when none is asked for. */
int64_t notify_alive(struct notify *n);

#endif
