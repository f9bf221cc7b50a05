/* SPDX-License-Identifier: MIT */
/*
 * The byte stream to one server, plain or TLS: looking the address up, connecting, the handshake,
 * bytes out and bytes in, each of them over by a deadline on clock_mono_ms()'s scale, whatever the
 * peer does. Knows nothing of what the bytes mean.
 */
#ifndef STORE_DIAL_H
#define STORE_DIAL_H

#include "base/str.h"
#include "base/tls.h"

struct dial_peer {
	const char *kind; /* "redis", for messages */
	const char *path; /* of a unix socket; NULL: TCP */
	const char *host; /* an address, or a name, which is looked up with each connection */
	int port;
	const char *name;	   /* for messages */
	const struct tls_ctx *tls; /* NULL: plain. Else the certificate must be for host */
};

struct dial {
	const struct dial_peer *peer;
	int fd;
	struct tls *tls;
	bool hung_up; /* a failure was that the peer had closed the connection, or cut it off */
};

#define DIAL_INIT        \
	{                \
		.fd = -1 \
	}

/* Connects, and with TLS proves who the peer is; a plain server may not have accepted yet. peer is
 * borrowed until the release. All failures but TP_NOMEM are TP_UNAVAILABLE. */
enum tp_rc dial_connect(struct dial *d, const struct dial_peer *peer, int64_t deadline_ms,
			struct tp_err *err) TP_MUSTUSE;
void dial_release(struct dial *d);

/* Sends from s what comes after *sent and moves that on, also when it fails: while it is 0, the
 * peer has got nothing that it could act on. */
enum tp_rc dial_send(struct dial *d, struct span s, size_t *sent, int64_t deadline_ms,
		     struct tp_err *err) TP_MUSTUSE;

/* Waits for bytes: at least one, at most size. */
enum tp_rc dial_receive(struct dial *d, char *p, size_t size, int64_t deadline_ms, size_t *ret_n,
			struct tp_err *err) TP_MUSTUSE;

/* The peer has neither hung up nor said anything that was not received yet. Does not wait. */
bool dial_quiet(const struct dial *d);

/* "host:port", with brackets around an IPv6 address; cut off at size. */
void dial_peer_name(const char *host, int port, char *ret, size_t size);

/* TP_UNAVAILABLE: "redis at NAME <what>". */
enum tp_rc dial_fail(const struct dial_peer *peer, const char *what, struct tp_err *err);

#endif
