/* SPDX-License-Identifier: MIT */
/* Owns the socket, which does not block: each wait is a poll() that knows the deadline. */
#include "store/mc_dial.h"

#include "base/clock.h"
#include "base/lookup.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

enum tp_rc mc_dial_fail(const struct mc_peer *peer, const char *what, struct tp_err *err)
{
	return tp_fail(err, TP_UNAVAILABLE, "memcached at %.100s %s", peer->name, what);
}

static enum tp_rc fail_errno(const struct mc_dial *d, const char *what, int e, struct tp_err *err)
{
	const char *why = strerror(e); /* NOLINT(concurrency-mt-unsafe): there are no threads */

	return tp_fail(err, TP_UNAVAILABLE, "memcached at %.100s: %s: %s", d->peer->name, what,
		       why);
}

static enum tp_rc await(const struct mc_dial *d, short events, int64_t deadline_ms,
			struct tp_err *err)
{
	struct pollfd p = { d->fd, events, 0 };

	for (;;) {
		int64_t left_ms = deadline_ms - clock_mono_ms();
		int n;

		if (left_ms <= 0)
			return mc_dial_fail(d->peer, "did not answer in time", err);
		n = poll(&p, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX);
		if (n > 0)
			return TP_OK;
		if (n < 0 && errno != EINTR)
			return fail_errno(d, "poll", errno, err);
	}
}

static enum tp_rc connect_to(struct mc_dial *d, const struct lookup_address *to,
			     int64_t deadline_ms, struct tp_err *err)
{
	socklen_t len = sizeof(int);
	enum tp_rc rc;
	int e = 0;

	mc_dial_release(d);
	d->fd = socket(to->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->fd < 0)
		return fail_errno(d, "cannot connect", errno, err);
	if (connect(d->fd, (const struct sockaddr *)&to->to, to->len) == 0)
		return TP_OK;
	if (errno != EINPROGRESS && errno != EINTR)
		return fail_errno(d, "cannot connect", errno, err);
	rc = await(d, POLLOUT, deadline_ms, err);
	if (rc != TP_OK)
		return rc;
	if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &e, &len) != 0)
		e = errno;
	return e == 0 ? TP_OK : fail_errno(d, "cannot connect", e, err);
}

/* Each address gets its share of the time, so that a dead one does not use up all of it. */
static enum tp_rc connect_any(struct mc_dial *d, const struct lookup *host, int64_t deadline_ms,
			      struct tp_err *err)
{
	enum tp_rc rc = TP_UNAVAILABLE;

	for (size_t i = 0; i < host->n && rc != TP_OK; i++) {
		int64_t now_ms = clock_mono_ms(), share = (int64_t)(host->n - i);

		rc = connect_to(d, &host->v[i], now_ms + (deadline_ms - now_ms) / share, err);
	}
	return rc;
}

enum tp_rc mc_dial_connect(struct mc_dial *d, const struct mc_peer *peer, int64_t deadline_ms,
			   struct tp_err *err)
{
	struct tp_err why;
	struct lookup host;
	enum tp_rc rc;
	int on = 1;

	*d = (struct mc_dial){ .peer = peer, .fd = -1 };
	rc = lookup_host(peer->host, peer->port, deadline_ms, &host, &why);
	if (rc != TP_OK)
		return tp_fail(err, rc, "memcached at %.100s: %s", peer->name, why.msg);
	rc = connect_any(d, &host, deadline_ms, err);
	if (rc != TP_OK) {
		mc_dial_release(d);
		return rc;
	}
	/* Best effort: without them it is slower, and a silent death is noticed later. */
	(void)setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(d->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	return TP_OK;
}

void mc_dial_release(struct mc_dial *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

enum tp_rc mc_dial_send(struct mc_dial *d, struct span s, int64_t deadline_ms, struct tp_err *err)
{
	size_t sent = 0;

	while (sent < s.len) {
		ssize_t n = send(d->fd, s.p + sent, s.len - sent, MSG_NOSIGNAL);
		enum tp_rc rc = TP_OK;

		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EAGAIN)
			rc = await(d, POLLOUT, deadline_ms, err);
		else if (errno == EPIPE || errno == ECONNRESET)
			rc = mc_dial_fail(d->peer, "closed the connection", err);
		else if (errno != EINTR)
			rc = fail_errno(d, "send", errno, err);
		if (rc != TP_OK)
			return rc;
	}
	return TP_OK;
}

enum tp_rc mc_dial_receive(struct mc_dial *d, char *p, size_t size, int64_t deadline_ms,
			   size_t *ret_n, struct tp_err *err)
{
	ssize_t n;

	do {
		enum tp_rc rc = await(d, POLLIN, deadline_ms, err);

		if (rc != TP_OK)
			return rc;
		n = recv(d->fd, p, size, 0);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return mc_dial_fail(d->peer, "closed the connection", err);
	if (n < 0)
		return fail_errno(d, "recv", errno, err);
	*ret_n = (size_t)n;
	return TP_OK;
}

bool mc_dial_quiet(const struct mc_dial *d)
{
	char c;

	return recv(d->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}
