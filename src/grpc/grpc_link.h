/* SPDX-License-Identifier: MIT */
/*
 * A client's connection, plain or TLS, that never waits longer than it is told: sockets do not
 * block, and every wait has a deadline in the milliseconds of clock_mono_ms().
 */
#ifndef GRPC_GRPC_LINK_H
#define GRPC_GRPC_LINK_H

#include "base/str.h"
#include "base/tls.h"

#include <sys/socket.h>

enum { GRPC_PEER_ADDRESSES = 4, GRPC_PEER_HOST = 256 };

/* Where a service is. A name may have several addresses; they are tried in turn. */
struct grpc_peer {
	struct sockaddr_storage addr[GRPC_PEER_ADDRESSES];
	socklen_t len[GRPC_PEER_ADDRESSES];
	size_t n;
	char host[GRPC_PEER_HOST]; /* what its certificate must be for; a socket's is localhost */
	char authority[GRPC_PEER_HOST + 8]; /* RFC 9113 8.3.1 */
};

/*
 * From HOST:PORT, [V6]:PORT or unix:PATH. Numeric addresses and localhost ask nobody; other names
 * ask the resolver, for five seconds at most, and only where look_up says so. TP_INVALID: no
 * address. TP_UNAVAILABLE: no such name, or not looked up; TP_NOMEM.
 */
enum tp_rc grpc_peer_init(struct grpc_peer *ret, const char *target, bool look_up,
			  struct tp_err *err) TP_MUSTUSE;

struct grpc_link;

/* Connects to the first address that takes the connection; tls NULL: plain. TP_UNAVAILABLE: none
 * does, the deadline is over, or the peer does not prove to be the host; TP_NOMEM. */
enum tp_rc grpc_link_open(const struct grpc_peer *peer, const struct tls_ctx *tls,
			  int64_t deadline_ms, struct grpc_link **ret,
			  struct tp_err *err) TP_MUSTUSE;
void grpc_link_close(struct grpc_link *l);

/* Bytes moved, 0 when grpc_link_wait() is due first, -1 when the connection is gone. n at least 1.
 */
ptrdiff_t grpc_link_read(struct grpc_link *l, void *p, size_t n);
ptrdiff_t grpc_link_write(struct grpc_link *l, const void *p, size_t n);

/* Until a read that moved nothing may move something, or with `writing` the write that did. False:
 * the deadline is over. */
bool grpc_link_wait(struct grpc_link *l, bool writing, int64_t deadline_ms);

#endif
