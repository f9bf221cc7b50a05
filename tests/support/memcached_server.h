/* SPDX-License-Identifier: MIT */
/*
 * A real memcached for a test, on a loopback port of its own. It dies with the process that started
 * it, however that ends.
 */
#ifndef SUPPORT_MEMCACHED_SERVER_H
#define SUPPORT_MEMCACHED_SERVER_H

#include "store/store.h"

#include <stdbool.h>

struct memcached_server;

/* more: further words of the command line, NULL-terminated; NULL: none. Ends the program with a
 * message when the server does not come up. */
struct memcached_server *memcached_server_start(const char *const *more);
void memcached_server_stop(struct memcached_server *s);

void memcached_server_freeze(const struct memcached_server *s); /* SIGSTOP */
void memcached_server_thaw(const struct memcached_server *s);	/* SIGCONT */
void memcached_server_kill(struct memcached_server *s);		/* returns when it is gone */
void memcached_server_again(struct memcached_server *s);	/* after a kill: same port, empty */

int memcached_server_port(const struct memcached_server *s);

/* A command in the text protocol, without its line end; the first line of the reply. Good until the
 * next call. */
const char *memcached_server_ask(const struct memcached_server *s, const char *command);
/* One number of "stats". */
long memcached_server_stat(const struct memcached_server *s, const char *name);

#endif
