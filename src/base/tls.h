/* SPDX-License-Identifier: MIT */
/*
 * TLS 1.2 and 1.3 over a connected, non-blocking socket: the one transport for the gRPC daemon, for
 * who calls it, and for stores. Peers are verified always, on the client's side by name; there is
 * no way to ask for less. No compression, no renegotiation, no session tickets (workers share no
 * keys). Writing to a closed socket raises SIGPIPE, as write(2) does: ignore it.
 */
#ifndef BASE_TLS_H
#define BASE_TLS_H

#include "base/str.h"

struct tls_ctx; /* what one side shows and trusts; read-only once made */
struct tls;	/* one connection */

struct tls_server_spec {
	const char *cert_file, *key_file; /* chain and private key, PEM */
	const char *client_ca_file; /* PEM; a client must have a certificate of it. NULL: none is
				       asked for */
	const char *alpn; /* at most 16 bytes; a client that does not offer this protocol is refused
			     (RFC 7301); NULL: any */
};

struct tls_client_spec {
	const char *ca_file;		  /* PEM; NULL: the system's authorities */
	const char *cert_file, *key_file; /* our own certificate, or NULL */
	const char *alpn;		  /* a server must choose it; NULL: none is offered */
};

/* TP_INVALID: a file that cannot be read or used, named, with the reason; TP_NOMEM. */
enum tp_rc tls_server_open(const struct tls_server_spec *spec, struct tls_ctx **ret,
			   struct tp_err *err) TP_MUSTUSE;
enum tp_rc tls_client_open(const struct tls_client_spec *spec, struct tls_ctx **ret,
			   struct tp_err *err) TP_MUSTUSE;
void tls_ctx_close(struct tls_ctx *c); /* connections made with it live on */

/* The socket stays the caller's. Nothing is sent yet. host: the name or the IP address that the
 * server's certificate must be for; a name is sent along (SNI). TP_NOMEM; TP_INVALID: a host that
 * is neither. */
enum tp_rc tls_accept(const struct tls_ctx *c, int fd, struct tls **ret,
		      struct tp_err *err) TP_MUSTUSE;
enum tp_rc tls_connect(const struct tls_ctx *c, int fd, const char *host, struct tls **ret,
		       struct tp_err *err) TP_MUSTUSE;

/* Says goodbye (close_notify) if the handshake was done and the socket takes it at once. */
void tls_close(struct tls *t);

/* What a call answers when it moves no byte. Wait for what it wants, then call again with the same
 * arguments (a write may be repeated from another buffer with the same bytes). */
enum {
	TLS_END = 0, /* the peer said goodbye, in good order */
	TLS_WANT_READ = -1,
	TLS_WANT_WRITE = -2,
	TLS_BROKEN = -3 /* for good; a stream cut off without goodbye, too */
};

/* 1: done, and the peer is verified. Else one of the above, never TLS_END. */
int tls_handshake(struct tls *t);

/* Bytes moved, at least 1, or one of the above; n at least 1. Only after the handshake. */
ptrdiff_t tls_read(struct tls *t, void *p, size_t n);
ptrdiff_t tls_write(struct tls *t, const void *p, size_t n);

/* Bytes that were read from the socket and not handed out yet: poll(2) does not know of them. */
bool tls_pending(const struct tls *t);

/* Why it is TLS_BROKEN, for the log: a sentence that holds nothing of the peer's own words. */
const char *tls_reason(const struct tls *t);

#endif
