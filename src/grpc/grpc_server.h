/* SPDX-License-Identifier: MIT */
/*
 * The gRPC server: one process, one poll loop, up to LIMIT_GRPC_CONNECTIONS connections on one
 * listening socket, with or without TLS. A handler that waits (for the store) keeps everybody
 * waiting; what bounds its wait bounds theirs. Calls that came in meanwhile share the next wait:
 * LIMIT_GRPC_BATCH of them, of all connections in turn, are handed over at once.
 */
#ifndef GRPC_GRPC_SERVER_H
#define GRPC_GRPC_SERVER_H

#include <signal.h>

#include "grpc/grpc_conn.h"

struct tls_ctx;
struct grpc_server;

enum grpc_order { GRPC_GO_ON, GRPC_DRAIN };

struct grpc_spec {
	int listen_fd;		   /* non-blocking; stays the caller's */
	struct grpc_rules rules;   /* what they point to is borrowed */
	const struct tls_ctx *tls; /* borrowed; NULL: none */
	const sigset_t *wait_mask; /* of the one wait, ppoll(2) */
	/* Asked after each wait. GRPC_DRAIN: accept nothing more, finish what has started (for at
	 * most GRPC_DRAIN_MS), and return. It may call grpc_server_change(). */
	enum grpc_order (*order)(void *arg, struct grpc_server *s);
	void *arg;
};

enum {
	GRPC_DRAIN_MS = 25000, /* calls that have started may take so long */
	GRPC_NOTICE_MS = 250,  /* between the two steps of leaving */
	GRPC_STUCK_MS = 20000  /* a peer that takes no byte for so long is gone */
};

/* Serves until told to drain. TP_NOMEM; TP_UNAVAILABLE: the listening socket is of no use. */
enum tp_rc grpc_server_run(const struct grpc_spec *spec, struct tp_err *err) TP_MUSTUSE;

/* After a reload: what new calls and new connections get. */
void grpc_server_change(struct grpc_server *s, const struct grpc_rules *rules,
			const struct tls_ctx *tls);

#endif
