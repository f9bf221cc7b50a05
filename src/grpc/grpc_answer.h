/* SPDX-License-Identifier: MIT */
/*
 * The answer to one call as an HTTP/2 response: what the call has to say goes out message by
 * message, then its status. A call refused before it said anything is answered by its status alone
 * (Trailers-Only), one that is no gRPC at all by a status of HTTP.
 */
#ifndef GRPC_GRPC_ANSWER_H
#define GRPC_GRPC_ANSWER_H

#include "grpc/grpc_call.h"

struct nghttp2_session;

/* Stays where it is, with call and now_ms, as long as its stream is open. */
struct grpc_answer {
	struct grpc_call *call;
	const int64_t *now_ms;
	int64_t moved_ms; /* the last progress of the call: set here when a piece goes out */
	bool begun;	  /* the response's headers are submitted */
	bool waiting;	  /* it waits for more to send */
	size_t sent;	  /* of call->out */
};

/* After anything that may have given the call something to say: begins the response or goes on with
 * it. Not 0: nghttp2 cannot, so the stream is to be reset. */
int grpc_answer_go_on(struct grpc_answer *a, struct nghttp2_session *h2, int32_t id) TP_MUSTUSE;

#endif
