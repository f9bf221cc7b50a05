/* SPDX-License-Identifier: MIT */
/*
 * A real server for a test: Debian's redis-server (or what TPAUTH_TEST_REDIS names) on a unix
 * socket in a temporary folder and on a loopback port, with nothing saved. It dies with the process
 * that started it, however that ends.
 */
#ifndef SUPPORT_REDIS_SERVER_H
#define SUPPORT_REDIS_SERVER_H

#include <stdbool.h>

struct redis_server;

/* more: further words of the command line, NULL-terminated; NULL: none. Ends the program with a
 * message when the server does not come up. */
struct redis_server *redis_server_start(const char *const *more);
/* The same, but what comes by its port must be TLS; the certificates are among the words. */
struct redis_server *redis_server_start_tls(const char *const *more);
/* A sentinel, which watches over nobody yet. */
struct redis_server *redis_server_start_sentinel(void);
void redis_server_stop(struct redis_server *s); /* also takes the folder away */

void redis_server_freeze(const struct redis_server *s); /* SIGSTOP */
void redis_server_thaw(const struct redis_server *s);	/* SIGCONT */
void redis_server_kill(struct redis_server *s);		/* SIGKILL; returns when it is gone */
void redis_server_again(struct redis_server *s);	/* after a kill: same socket, same port */

const char *redis_server_path(const struct redis_server *s);
int redis_server_port(const struct redis_server *s);

/*
 * Asks on a connection of its own, as the default user, in database db; fmt is redisCommand()'s.
 * The reply as text: elements joined by blanks, "(nil)" for none, "" for an empty array.
 * Good until the next call.
 */
const char *redis_server_ask(const struct redis_server *s, int db, const char *fmt, ...);

/* Follows what the server is told, from now on. */
struct redis_watch;
struct redis_watch *redis_watch_open(const struct redis_server *s);
/* All commands so far, one a line: `9 "HGET" "user" "handle"`; scripts' own ones as `9 lua ...`. */
const char *redis_watch_close(struct redis_watch *w);

#endif
