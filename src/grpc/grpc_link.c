/* SPDX-License-Identifier: MIT */
/*
 * Owns addresses and sockets of the client's side. TLS is base/tls's; what the bytes mean is for
 * those above. A name is looked up only when a peer is made, never when a connection is.
 */
#include "grpc/grpc_link.h"

#include "base/clock.h"
#include "base/lookup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/banned.h"

enum { LOOK_UP_MS = 5000 };

struct grpc_link {
	int fd;
	struct tls *tls; /* NULL: plain */
	int want;	 /* TLS_WANT_*: what the last TLS call that moved nothing waits for */
};

/* Addresses -------------------------------------------------------------------------------------*/

static enum tp_rc local_peer(struct grpc_peer *p, struct span path, struct tp_err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	if (path.len == 0 || path.len >= sizeof(sun.sun_path))
		return tp_fail(err, TP_INVALID, "the path of a socket has 1 to %zu bytes",
			       sizeof(sun.sun_path) - 1);
	memcpy(sun.sun_path, path.p, path.len);
	memcpy(&p->addr[0], &sun, sizeof(sun));
	p->len[0] = sizeof(sun);
	p->n = 1;
	snprintf(p->host, sizeof(p->host), "localhost");
	snprintf(p->authority, sizeof(p->authority), "localhost");
	return TP_OK;
}

static void add_address(struct grpc_peer *p, const void *addr, socklen_t len)
{
	if (p->n == GRPC_PEER_ADDRESSES || len > sizeof(p->addr[0]))
		return;
	memcpy(&p->addr[p->n], addr, len);
	p->len[p->n++] = len;
}

/* False: the host is no numeric address. */
static bool add_numeric(struct grpc_peer *p, const char *host, int64_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };

	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		add_address(p, &v4, sizeof(v4));
	else if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
		add_address(p, &v6, sizeof(v6));
	return p->n > 0;
}

static enum tp_rc look_up_name(struct grpc_peer *p, int64_t port, struct tp_err *err)
{
	struct tp_err why = { 0 };
	struct lookup found;
	enum tp_rc rc = lookup_host(p->host, (int)port, clock_mono_ms() + LOOK_UP_MS, &found, &why);

	if (rc != TP_OK)
		return tp_fail(err, rc, "%.80s: %s", p->host, why.msg);
	for (size_t i = 0; i < found.n; i++)
		add_address(p, &found.v[i].to, found.v[i].len);
	return TP_OK;
}

/* Cuts the port off; brackets as well. False: not of this form. */
static bool cut_port(struct span target, struct span *ret_host, int64_t *ret_port)
{
	struct span host = target;

	while (host.len > 0 && host.p[host.len - 1] != ':')
		host.len--;
	if (host.len < 2 || !span_int((struct span){ target.p + host.len, target.len - host.len },
				      1, 65535, ret_port))
		return false;
	host.len--;
	if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']')
		host = (struct span){ host.p + 1, host.len - 2 };
	*ret_host = host;
	return host.len < GRPC_PEER_HOST && !span_has_control(host);
}

enum tp_rc grpc_peer_init(struct grpc_peer *ret, const char *target, bool look_up,
			  struct tp_err *err)
{
	struct span t = span_of(target), host;
	int64_t port;

	*ret = (struct grpc_peer){ .n = 0 };
	if (span_starts(t, "unix:"))
		return local_peer(ret, (struct span){ t.p + 5, t.len - 5 }, err);
	if (!cut_port(t, &host, &port))
		return tp_fail(err, TP_INVALID, "the address of a service is HOST:PORT");
	memcpy(ret->host, host.p, host.len);
	snprintf(ret->authority, sizeof(ret->authority), "%s", target);
	if (span_is_nocase(host, "localhost")) {
		add_numeric(ret, "127.0.0.1", port);
		add_numeric(ret, "::1", port);
		return TP_OK;
	}
	if (add_numeric(ret, ret->host, port))
		return TP_OK;
	if (!look_up)
		return tp_fail(err, TP_UNAVAILABLE, "%.80s: names are not looked up here",
			       ret->host);
	return look_up_name(ret, port, err);
}

/* Connecting ------------------------------------------------------------------------------------*/

static bool wait_for(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left_ms = deadline_ms - clock_mono_ms();
		int n;

		if (left_ms <= 0)
			return false;
		n = poll(&p, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

static enum tp_rc failed(struct tp_err *err, int number)
{
	return tp_fail(err, TP_UNAVAILABLE, "the refresh service takes no connection: %s",
		       strerrordesc_np(number));
}

static enum tp_rc too_late(struct tp_err *err)
{
	return tp_fail(err, TP_UNAVAILABLE, "the refresh service does not answer in time");
}

/* The result of a connect() that goes on by itself. */
static int connected(int fd)
{
	int number = 0;
	socklen_t len = sizeof(number);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &len) == 0 ? number : errno;
}

static enum tp_rc connect_to(int fd, const struct grpc_peer *p, size_t i, int64_t deadline_ms,
			     struct tp_err *err)
{
	int on = 1, number;

	/* A unix socket has no such option. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)&p->addr[i], p->len[i]) == 0)
		return TP_OK;
	if (errno != EINPROGRESS)
		return failed(err, errno);
	if (!wait_for(fd, POLLOUT, deadline_ms))
		return too_late(err);
	number = connected(fd);
	return number == 0 ? TP_OK : failed(err, number);
}

static enum tp_rc start_tls(struct grpc_link *l, const struct tls_ctx *tls, const char *host,
			    int64_t deadline_ms, struct tp_err *err)
{
	enum tp_rc rc = tls_connect(tls, l->fd, host, &l->tls, err);
	int got;

	if (rc != TP_OK)
		return rc;
	while ((got = tls_handshake(l->tls)) != 1) {
		if (got == TLS_BROKEN)
			return tp_fail(err, TP_UNAVAILABLE, "the refresh service, by TLS: %s",
				       tls_reason(l->tls));
		if (!wait_for(l->fd, got == TLS_WANT_WRITE ? POLLOUT : POLLIN, deadline_ms))
			return too_late(err);
	}
	return TP_OK;
}

static enum tp_rc open_at(struct grpc_link *l, const struct grpc_peer *p, size_t i,
			  const struct tls_ctx *tls, int64_t deadline_ms, struct tp_err *err)
{
	enum tp_rc rc;

	l->fd = socket(p->addr[i].ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return failed(err, errno);
	rc = connect_to(l->fd, p, i, deadline_ms, err);
	if (rc == TP_OK && tls != NULL)
		rc = start_tls(l, tls, p->host, deadline_ms, err);
	if (rc == TP_OK)
		return TP_OK;
	tls_close(l->tls);
	close(l->fd);
	l->tls = NULL;
	l->fd = -1;
	return rc;
}

enum tp_rc grpc_link_open(const struct grpc_peer *peer, const struct tls_ctx *tls,
			  int64_t deadline_ms, struct grpc_link **ret, struct tp_err *err)
{
	struct grpc_link *l = calloc(1, sizeof(*l));
	enum tp_rc rc = TP_UNAVAILABLE;

	if (l == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	l->fd = -1;
	for (size_t i = 0; i < peer->n && rc != TP_OK; i++)
		rc = open_at(l, peer, i, tls, deadline_ms, err);
	if (rc != TP_OK) {
		free(l);
		return rc;
	}
	*ret = l;
	return TP_OK;
}

void grpc_link_close(struct grpc_link *l)
{
	if (l == NULL)
		return;
	tls_close(l->tls);
	close(l->fd);
	free(l);
}

/* Bytes -----------------------------------------------------------------------------------------*/

static ptrdiff_t by_tls(struct grpc_link *l, ptrdiff_t got)
{
	if (got > 0)
		return got;
	l->want = (int)got;
	return got == TLS_WANT_READ || got == TLS_WANT_WRITE ? 0 : -1;
}

static ptrdiff_t by_socket(ptrdiff_t got)
{
	if (got > 0)
		return got;
	return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

ptrdiff_t grpc_link_read(struct grpc_link *l, void *p, size_t n)
{
	if (l->tls != NULL)
		return by_tls(l, tls_read(l->tls, p, n));
	return by_socket(recv(l->fd, p, n, 0));
}

ptrdiff_t grpc_link_write(struct grpc_link *l, const void *p, size_t n)
{
	if (l->tls != NULL)
		return by_tls(l, tls_write(l->tls, p, n));
	return by_socket(send(l->fd, p, n, MSG_NOSIGNAL));
}

bool grpc_link_wait(struct grpc_link *l, bool writing, int64_t deadline_ms)
{
	if (l->tls != NULL)
		writing = l->want == TLS_WANT_WRITE;
	return wait_for(l->fd, writing ? POLLOUT : POLLIN, deadline_ms);
}
