/* SPDX-License-Identifier: MIT */
/* A non-blocking socket with or without TLS, read and written the same way. */
#ifndef GRPC_WIRE_H
#define GRPC_WIRE_H

#include "base/tls.h"

struct wire {
	int fd;
	struct tls *tls; /* owned; NULL: none */
	bool ready;	 /* the handshake is done */
	bool wants_out;	 /* the last call wants to write before anything else */
};

/* The answers of tls.h: bytes, or TLS_END, TLS_WANT_READ, TLS_WANT_WRITE, TLS_BROKEN. */
ptrdiff_t wire_read(struct wire *w, void *p, size_t n);
ptrdiff_t wire_write(struct wire *w, const void *p, size_t n);

void wire_close(struct wire *w); /* and the socket */

#endif
