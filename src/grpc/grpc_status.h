/* SPDX-License-Identifier: MIT */
/* The outcome of a call: one of gRPC's status codes and a sentence for the client's developer. */
#ifndef GRPC_GRPC_STATUS_H
#define GRPC_GRPC_STATUS_H

#include "base/buf.h"

enum grpc_code {
	GRPC_OK = 0,
	GRPC_INVALID_ARGUMENT = 3,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_NOT_FOUND = 5,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13,
	GRPC_UNAVAILABLE = 14,
	GRPC_UNAUTHENTICATED = 16
};

struct grpc_status {
	int code;
	char text[160]; /* shown to the client */
};

/* The first failure stays. */
void grpc_fail(struct grpc_status *s, enum grpc_code code, const char *fmt, ...) TP_PRINTF(3, 4);

/* A result of the floors below, by the table of base/rc.h: code, and what a client may be told. */
void grpc_fail_rc(struct grpc_status *s, enum tp_rc rc, const struct tp_err *err);

/* The value of grpc-message: text with everything but printable ASCII, and '%' itself, as %XX. */
void grpc_message_put(struct span text, struct buf *out);

#endif
