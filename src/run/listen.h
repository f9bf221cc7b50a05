/* SPDX-License-Identifier: MIT */
/*
 * The listening socket: one that was inherited (web server, spawn-fcgi, systemd), or one of our
 * own. libfcgi's own is not used: it removes whatever lies at the path, binds every address and
 * ends the program on an error.
 */
#ifndef RUN_LISTEN_H
#define RUN_LISTEN_H

#include "base/str.h"

/*
 * The FastCGI socket that a web server passed as descriptor 0, or the one that systemd passed as
 * descriptor 3 (sd_listen_fds(3)), which is close-on-exec afterwards. LISTEN_PID and its like are
 * taken out of the environment then, so that no child takes them for its own. -1: neither, or what
 * cannot be served, which is logged: more sockets than one, or one that does not listen.
 */
int listen_inherited(void);

/*
 * address: a path ("/run/tpauth/tp.sock", "unix:PATH") or host:port ("127.0.0.1:9000",
 * "[::1]:9000"; a port alone is refused, since it would mean every address). mode: of a unix
 * socket. A socket file that nobody listens on is replaced; one that somebody does, or a file of
 * another kind, is TP_INVALID; err does not say which setting the address is from. The descriptor
 * is close-on-exec and non-blocking.
 */
enum tp_rc listen_open(const char *address, unsigned mode, int *ret_fd,
		       struct tp_err *err) TP_MUSTUSE;

/* Nobody but this machine can reach it: a unix socket, or a loopback address. Of a name, all that
 * it stands for; one that cannot be resolved is not local. */
bool listen_is_local(const char *address);
bool listen_fd_is_local(int fd);

/* Removes the socket file of an address that listen_open() made. */
void listen_remove(const char *address);

#endif
