/* SPDX-License-Identifier: MIT */
/*
 * Messages on a gRPC stream, for both sides: each stands behind one byte (1: compressed) and four
 * with its length, most significant first (Length-Prefixed-Message of gRPC over HTTP/2). Bytes may
 * arrive in pieces of any size; no more than the limit is ever kept.
 */
#ifndef GRPC_GRPC_FRAME_H
#define GRPC_GRPC_FRAME_H

#include "base/buf.h"

enum { GRPC_FRAME_HEAD = 5 };

struct grpc_frame {
	unsigned char head[GRPC_FRAME_HEAD];
	size_t have; /* bytes of the head */
	size_t need; /* length of the message, once the head is whole */
	struct buf message;
};

enum grpc_frame_got {
	GRPC_FRAME_MORE,       /* everything was taken; the next bytes continue */
	GRPC_FRAME_MESSAGE,    /* one is whole, in ->message; what follows it is left in *rest */
	GRPC_FRAME_COMPRESSED, /* this and what follows: the stream is of no more use */
	GRPC_FRAME_BAD_FLAG,
	GRPC_FRAME_TOO_LARGE,
	GRPC_FRAME_NOMEM
};

void grpc_frame_init(struct grpc_frame *f, size_t limit);

/* Takes bytes off the front of *rest, up to the end of one message. */
enum grpc_frame_got grpc_frame_take(struct grpc_frame *f, struct span *rest) TP_MUSTUSE;

/* Ready for the next message; the one before is wiped. */
void grpc_frame_next(struct grpc_frame *f);

/* No message has begun: a stream may end here. */
bool grpc_frame_is_between(const struct grpc_frame *f);

void grpc_frame_release(struct grpc_frame *f);

/* The head of an uncompressed message of n bytes, which fits in 32 bits. */
void grpc_frame_head(unsigned char ret[GRPC_FRAME_HEAD], size_t n);

#endif
