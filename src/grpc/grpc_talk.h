/* SPDX-License-Identifier: MIT */
/*
 * A client's HTTP/2 session (RFC 9113) on one connection, and one gRPC call at a time on it. It
 * says how a call ended; what to do about it is for grpc_client.h.
 */
#ifndef GRPC_GRPC_TALK_H
#define GRPC_GRPC_TALK_H

#include "grpc/grpc_link.h"

struct grpc_talk;

/* Connects, and sends nothing yet. As grpc_link_open(). */
enum tp_rc grpc_talk_open(const struct grpc_peer *peer, const struct tls_ctx *tls,
			  int64_t deadline_ms, struct grpc_talk **ret,
			  struct tp_err *err) TP_MUSTUSE;
void grpc_talk_close(struct grpc_talk *t);

/* Looks at what came while nobody called, without waiting. False: it takes no further call. */
bool grpc_talk_is_usable(struct grpc_talk *t);

struct grpc_question {
	const char *path;
	struct span message;
	struct span secret; /* metadata x-tpauth-secret; absent: none */
};

enum grpc_talk_end {
	GRPC_TALK_STATUS,   /* *ret_status is what grpc-status said */
	GRPC_TALK_LOST,	    /* the connection ended, or the call was not taken up */
	GRPC_TALK_LATE,	    /* the deadline is over */
	GRPC_TALK_NONSENSE, /* what came is no answer */
	GRPC_TALK_NOMEM
};

/* After any other end than GRPC_TALK_STATUS the session is to be closed. */
enum grpc_talk_end grpc_talk_call(struct grpc_talk *t, const struct grpc_question *q,
				  int64_t deadline_ms, int *ret_status) TP_MUSTUSE;

#endif
