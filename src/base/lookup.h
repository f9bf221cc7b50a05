/* SPDX-License-Identifier: MIT */
/*
 * The addresses of a host, in time. getaddrinfo() takes as long as the system's resolver likes
 * (with one silent name server, ten seconds), and cannot be told when to stop: so a name is looked
 * up by a child, which is killed when the time is over. An address is no name, and needs no child.
 * For processes without threads, which do not ignore SIGCHLD.
 */
#ifndef BASE_LOOKUP_H
#define BASE_LOOKUP_H

#include "base/limits.h"
#include "base/rc.h"

#include <sys/socket.h>

struct lookup_address {
	struct sockaddr_storage to;
	socklen_t len;
};

struct lookup {
	size_t n; /* at least one after TP_OK; what is beyond LIMIT_ADDRESSES is left out */
	struct lookup_address v[LIMIT_ADDRESSES];
};

/* deadline_ms is on clock_mono_ms()'s scale. TP_UNAVAILABLE: there is none, or not in time; the
 * message is the reason alone ("Name or service not known"). */
enum tp_rc lookup_host(const char *host, int port, int64_t deadline_ms, struct lookup *ret,
		       struct tp_err *err) TP_MUSTUSE;

#endif
