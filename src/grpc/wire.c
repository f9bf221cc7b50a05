/* SPDX-License-Identifier: MIT */
/* Owns the difference between a plain socket and one with TLS, the handshake included. */
#include "grpc/wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

static ptrdiff_t plain(ptrdiff_t n, int wants)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? wants : TLS_BROKEN;
}

/* 1: there is a way through. */
static ptrdiff_t shake_hands(struct wire *w)
{
	ptrdiff_t n = 1;

	if (!w->ready && w->tls != NULL)
		n = tls_handshake(w->tls);
	w->ready = w->ready || n == 1;
	return n;
}

ptrdiff_t wire_read(struct wire *w, void *p, size_t n)
{
	ptrdiff_t got = shake_hands(w);

	if (got == 1)
		got = w->tls != NULL ? tls_read(w->tls, p, n)
				     : plain(recv(w->fd, p, n, 0), TLS_WANT_READ);
	w->wants_out = got == TLS_WANT_WRITE;
	return got;
}

ptrdiff_t wire_write(struct wire *w, const void *p, size_t n)
{
	ptrdiff_t put = shake_hands(w);

	if (put == 1)
		put = w->tls != NULL ? tls_write(w->tls, p, n)
				     : plain(send(w->fd, p, n, MSG_NOSIGNAL), TLS_WANT_WRITE);
	w->wants_out = put == TLS_WANT_WRITE;
	return put;
}

void wire_close(struct wire *w)
{
	tls_close(w->tls);
	if (w->fd >= 0)
		close(w->fd);
	*w = (struct wire){ .fd = -1 };
}
