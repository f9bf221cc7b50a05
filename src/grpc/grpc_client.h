/* SPDX-License-Identifier: MIT */
/*
 * Calls refresh.RefreshService/RefreshToken (gRPC over HTTP/2, RFC 9113) of another process, over
 * one connection that is made at the first call and kept open between calls. A call never takes
 * longer than it may, whatever the service does; a service that failed is left alone for a while
 * (grpc_backoff.h). Between calls nobody listens to the connection: what became of it shows at the
 * next one, which then makes a new connection, once, within the same time.
 */
#ifndef GRPC_GRPC_CLIENT_H
#define GRPC_GRPC_CLIENT_H

#include "base/str.h"

/* Borrowed until grpc_client_close(). */
struct grpc_client_spec {
	const char *target;		  /* see grpc_peer_init() */
	bool look_up;			  /* names may be looked up, in grpc_client_open() only */
	const char *ca_file;		  /* PEM; NULL: without TLS */
	const char *cert_file, *key_file; /* our own certificate for it, or NULL */
	struct span secret;		  /* sent as metadata x-tpauth-secret; absent: none */
	int64_t timeout_ms;		  /* of a call, connecting included */
};

struct grpc_client;

/* Connects to nothing yet. TP_INVALID: an address, a file or a secret that cannot be used (named).
 * TP_UNAVAILABLE: a name that is not found. */
enum tp_rc grpc_client_open(const struct grpc_client_spec *spec, struct grpc_client **ret,
			    struct tp_err *err) TP_MUSTUSE;
void grpc_client_close(struct grpc_client *c);

/*
 * TP_OK: the service said so; it does not tell whether the session slid, was restricted, or is
 * unknown. TP_THROTTLED: not called, it failed a moment ago. TP_INVALID: it does not take what it
 * got. TP_UNAVAILABLE: no answer in time, an answer that is none, or another status.
 */
enum tp_rc grpc_client_refresh(struct grpc_client *c, struct span user, struct span handle,
			       struct tp_err *err) TP_MUSTUSE;

/* The same behind a loadable object (base/object.h), so that a program that never calls does not
 * load nghttp2. */
struct grpc_client_module {
	int abi; /* GRPC_CLIENT_ABI */
	enum tp_rc (*open)(const struct grpc_client_spec *spec, struct grpc_client **ret,
			   struct tp_err *err);
	enum tp_rc (*refresh)(struct grpc_client *c, struct span user, struct span handle,
			      struct tp_err *err);
	void (*close)(struct grpc_client *c);
};

#define GRPC_CLIENT_FILE   "tpauth_grpc.so"
#define GRPC_CLIENT_SYMBOL "tpauth_grpc_client"

enum { GRPC_CLIENT_ABI = 1 };

#endif
