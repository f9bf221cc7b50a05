/* SPDX-License-Identifier: MIT */
/*
 * Owns the sockets and the loop: who is waited for, how long, and who has to go when there are too
 * many. What the bytes mean is grpc_conn.c's matter.
 */
#include "grpc/grpc_server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "grpc/grpc_source.h"
#include "grpc/wire.h"

#include "base/banned.h"

enum {
	READ_MOST = 32768, /* of one connection, before the next one has its turn */
	CALLS_MOST = 32,   /* the same for calls that are run */
	ACCEPT_MOST = 16,
	ACCEPT_PAUSE_MS = 100, /* when there are no descriptors left */
	NEWCOMER_MS = 1000,    /* so long one may take to begin a call */
	TICK_MS = 1000,
	PEER_MOST = 64
};

struct peer {
	struct wire wire;
	struct grpc_conn *h2;
	struct buf out;
	size_t out_sent;
	int64_t moved_ms; /* when the peer last took a byte */
	bool busy;	  /* something came in this turn, or waits since the last */
	bool more;	  /* has calls that wait for their turn */
	bool ending;	  /* closes once out is sent */
	char name[PEER_MOST];
	struct grpc_source source;
	struct grpc_rules rules; /* as they were when it came */
};

struct grpc_server {
	const struct grpc_spec *spec;
	struct grpc_rules rules;
	const struct tls_ctx *tls;
	struct peer *peers[LIMIT_GRPC_CONNECTIONS];
	struct pollfd polls[LIMIT_GRPC_CONNECTIONS + 1];
	size_t n;
	size_t turn;			      /* who is asked first for calls to run */
	int64_t now_ms, ticked_ms, accept_ms; /* accept_ms: not before */
	int64_t drain_ms;		      /* when it began; 0: not */
	bool left;			      /* the second step is done */
	bool told_share;		      /* in this tick: once is enough for the log */
	char bytes[READ_MOST];		      /* just read, of whoever has the turn */
};

/* Peers -----------------------------------------------------------------------------------------*/

static void name_peer(struct peer *p, const struct sockaddr_storage *addr, socklen_t len)
{
	char port[8];

	if (addr->ss_family == AF_UNIX ||
	    getnameinfo((const struct sockaddr *)addr, len, p->name, sizeof(p->name), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		memcpy(p->name, "unix", sizeof("unix"));
}

static void close_peer(struct peer *p)
{
	grpc_conn_close(p->h2);
	wire_close(&p->wire);
	buf_release(&p->out);
	free(p);
}

static void remove_peer(struct grpc_server *s, size_t i)
{
	close_peer(s->peers[i]);
	s->n--;
	s->peers[i] = s->peers[s->n];
	s->polls[i] = s->polls[s->n];
}

/* The descriptor is taken over, also on failure. */
static enum tp_rc add_peer(struct grpc_server *s, int fd, const struct sockaddr_storage *addr,
			   socklen_t len, struct tp_err *err)
{
	struct peer *p = calloc(1, sizeof(*p));
	struct wire alone = { .fd = fd };
	enum tp_rc rc;
	int on = 1;

	if (p == NULL) {
		wire_close(&alone);
		return tp_fail(err, TP_NOMEM, "out of memory");
	}
	*p = (struct peer){ .wire = alone,
			    .out = BUF_INIT((size_t)4 * GRPC_OUT_MOST),
			    .moved_ms = s->now_ms,
			    .rules = s->rules };
	name_peer(p, addr, len);
	p->source = grpc_source_of(addr);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	rc = s->tls != NULL ? tls_accept(s->tls, fd, &p->wire.tls, err) : TP_OK;
	if (rc == TP_OK)
		rc = grpc_conn_open(&p->rules, span_of(p->name), s->now_ms, &p->h2, err);
	if (rc != TP_OK) {
		close_peer(p);
		return rc;
	}
	s->polls[s->n] = (struct pollfd){ .fd = fd, .events = POLLIN };
	s->peers[s->n++] = p;
	return TP_OK;
}

/* The one of a kind who has been silent for longest, and at least so long, among all or those of
 * one source; s->n: there is none. */
static size_t oldest(const struct grpc_server *s, const struct grpc_source *from,
		     bool (*is_of_kind)(const struct grpc_conn *c), int64_t least_ms)
{
	size_t found = s->n;
	int64_t heard_ms = s->now_ms - least_ms + 1; /* of the one that was found */

	for (size_t i = 0; i < s->n; i++) {
		const struct grpc_conn *c = s->peers[i]->h2;

		if (from != NULL && !grpc_source_eq(from, &s->peers[i]->source))
			continue;
		if (grpc_conn_heard_ms(c) < heard_ms && is_of_kind(c)) {
			found = i;
			heard_ms = grpc_conn_heard_ms(c);
		}
	}
	return found;
}

/*
 * Who makes room when all places are taken: one who has no call open, but was not only just
 * accepted; or else one who watches, since that takes no secret and has no end, and must not keep
 * out those who work; or else a newcomer. s->n: all are at work.
 */
static size_t spare(const struct grpc_server *s, const struct grpc_source *from)
{
	size_t i = oldest(s, from, grpc_conn_is_idle, NEWCOMER_MS);

	if (i == s->n)
		i = oldest(s, from, grpc_conn_only_watches, 0);
	return i;
}

static bool make_room(struct grpc_server *s, const struct grpc_source *from)
{
	size_t i = spare(s, from);

	if (i == s->n)
		return false;
	remove_peer(s, i);
	return true;
}

/* No address may take the places of all others: beyond its share it makes room itself. False: all
 * that it has are at work. */
static bool fits_its_share(struct grpc_server *s, const struct grpc_source *from)
{
	size_t n = 0;

	if (!from->counts)
		return true;
	for (size_t i = 0; i < s->n; i++)
		n += grpc_source_eq(from, &s->peers[i]->source);
	return n < LIMIT_GRPC_SOURCE || make_room(s, from);
}

/* Sockets ---------------------------------------------------------------------------------------*/

/* Out of descriptors or memory, or a connection that broke: it passes. */
static void accept_failed(struct grpc_server *s, int number)
{
	if (number == EAGAIN || number == EINTR || number == ECONNABORTED)
		return;
	log_event(LOG_LEVEL_ERR, "grpc.accept", LOG_INT("errno", number));
	if (!make_room(s, NULL))
		s->accept_ms = s->now_ms + ACCEPT_PAUSE_MS;
}

static void seat(struct grpc_server *s, int fd, const struct sockaddr_storage *addr, socklen_t len)
{
	struct grpc_source from = grpc_source_of(addr);
	struct tp_err err = { 0 };

	if (!fits_its_share(s, &from)) {
		close(fd);
		if (!s->told_share)
			log_event(LOG_LEVEL_NOTICE, "grpc.abuse",
				  LOG_STR("reason", "too many connections from one address"));
		s->told_share = true;
		return;
	}
	/* Only for one who is there: else the last one accepted would make it for nobody. */
	if (s->n == LIMIT_GRPC_CONNECTIONS)
		(void)make_room(s, NULL);
	if (add_peer(s, fd, addr, len, &err) != TP_OK)
		log_event(LOG_LEVEL_ERR, "grpc.accept", LOG_STR("reason", err.msg));
}

static void accept_some(struct grpc_server *s)
{
	for (int i = 0; i < ACCEPT_MOST; i++) {
		struct sockaddr_storage addr = { 0 };
		socklen_t len = sizeof(addr);
		int fd;

		if (s->n == LIMIT_GRPC_CONNECTIONS && spare(s, NULL) == s->n) {
			s->accept_ms = s->now_ms + ACCEPT_PAUSE_MS;
			return;
		}
		fd = accept4(s->spec->listen_fd, (struct sockaddr *)&addr, &len,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			accept_failed(s, errno);
			return;
		}
		seat(s, fd, &addr, len);
	}
}

static size_t unsent(const struct peer *p)
{
	return p->out.len - p->out_sent;
}

/* False: the connection is of no more use. */
static bool send_some(struct grpc_server *s, struct peer *p)
{
	while (unsent(p) > 0) {
		ptrdiff_t n = wire_write(&p->wire, p->out.p + p->out_sent, unsent(p));

		if (n == TLS_WANT_READ || n == TLS_WANT_WRITE)
			return true;
		if (n <= 0)
			return false;
		p->out_sent += (size_t)n;
		p->moved_ms = s->now_ms;
	}
	buf_reset(&p->out);
	p->out_sent = 0;
	return true;
}

/* Whatever there is to say, as long as the peer takes it. */
static bool speak(struct grpc_server *s, struct peer *p)
{
	while (p->wire.ready) {
		if (unsent(p) == 0 && !p->ending) {
			p->moved_ms = s->now_ms;
			if (!grpc_conn_out(p->h2, &p->out))
				return false;
		}
		if (unsent(p) == 0)
			return !p->ending && !grpc_conn_is_over(p->h2);
		if (!send_some(s, p))
			return false;
		if (unsent(p) > 0)
			break;
	}
	return true;
}

static bool listen_to(struct grpc_server *s, struct peer *p)
{
	ptrdiff_t n = wire_read(&p->wire, s->bytes, sizeof(s->bytes));

	if (n == TLS_WANT_READ || n == TLS_WANT_WRITE)
		return true;
	if (n <= 0) {
		if (p->wire.tls != NULL && !p->wire.ready)
			log_event(LOG_LEVEL_INFO, "grpc.tls", LOG_STR("peer", p->name),
				  LOG_STR("reason", tls_reason(p->wire.tls)));
		return false;
	}
	if (grpc_conn_in(p->h2, (struct span){ s->bytes, (size_t)n }, s->now_ms))
		return true;
	/* What nghttp2 has to say about it may still go out. */
	p->ending = true;
	return grpc_conn_out(p->h2, &p->out);
}

/* Who does not take what we say is not listened to: so nobody can pile up answers here. */
static short events_of(const struct peer *p)
{
	short events = 0;

	if (unsent(p) < GRPC_OUT_MOST && !p->ending && !p->more)
		events |= POLLIN;
	if ((unsent(p) > 0 && p->wire.ready) || p->wire.wants_out)
		events |= POLLOUT;
	return events;
}

/* The loop --------------------------------------------------------------------------------------*/

static bool hear_peer(struct grpc_server *s, size_t i)
{
	struct peer *p = s->peers[i];
	short got = s->polls[i].revents;

	p->busy = got != 0 || p->more;
	if ((got & (POLLIN | POLLHUP | POLLERR)) != 0 && (s->polls[i].events & POLLIN) != 0 &&
	    !listen_to(s, p))
		return false;
	/* Gone for both directions, and we do not even read. */
	if ((got & (POLLHUP | POLLERR)) != 0 && (s->polls[i].events & POLLIN) == 0)
		return false;
	/* TLS may have to write before it can read. */
	return !p->wire.wants_out || (got & POLLOUT) == 0 || unsent(p) > 0 || listen_to(s, p);
}

/* The calls that have come in are run together, whoever they are from, since a round trip to the
 * store costs the same for one of them and for many. Who finds no room in this turn's batch is the
 * first in the next: so a turn takes no longer than the store may take once. */
static void work(struct grpc_server *s)
{
	struct grpc_batch batch = { .n = 0 };
	size_t first = s->turn;
	bool full = false;

	for (size_t k = 0; k < s->n; k++) {
		size_t i = (first + k) % s->n;
		struct peer *p = s->peers[i];

		if (!p->busy)
			continue;
		p->more = grpc_conn_take(p->h2, CALLS_MOST, s->now_ms, &batch);
		if (p->more && !full)
			s->turn = i;
		full = full || p->more;
	}
	grpc_batch_run(&batch, clock_mono_ms());
}

static void serve_all(struct grpc_server *s)
{
	for (size_t i = 0; i < s->n;) {
		if (!hear_peer(s, i))
			remove_peer(s, i); /* another takes its place */
		else
			i++;
	}
	work(s);
	for (size_t i = 0; i < s->n;) {
		struct peer *p = s->peers[i];

		grpc_conn_answer(p->h2);
		if (p->busy && !speak(s, p))
			remove_peer(s, i);
		else
			i++;
	}
}

static bool tick_peer(struct grpc_server *s, struct peer *p)
{
	if (!p->wire.ready)
		return s->now_ms - p->moved_ms < GRPC_REQUEST_MS;
	if (unsent(p) > 0 && s->now_ms - p->moved_ms >= GRPC_STUCK_MS)
		return false;
	grpc_conn_tick(p->h2, s->now_ms);
	return speak(s, p);
}

static void tick(struct grpc_server *s)
{
	if (s->now_ms - s->ticked_ms < TICK_MS)
		return;
	s->ticked_ms = s->now_ms;
	s->told_share = false;
	for (size_t i = 0; i < s->n;) {
		if (!tick_peer(s, s->peers[i]))
			remove_peer(s, i);
		else
			i++;
	}
}

static void wait_for_events(struct grpc_server *s)
{
	struct timespec limit = { .tv_sec = TICK_MS / 1000 };
	bool accepts = s->drain_ms == 0 && s->now_ms >= s->accept_ms;
	bool waits = s->n > 0 || s->drain_ms != 0 || !accepts;

	if (s->drain_ms != 0 || !accepts)
		limit = (struct timespec){ .tv_nsec = ACCEPT_PAUSE_MS * 1000000L };
	for (size_t i = 0; i < s->n; i++) {
		s->polls[i].events = events_of(s->peers[i]);
		s->polls[i].revents = 0;
		if (s->peers[i]->more)
			limit = (struct timespec){ 0 };
	}
	s->polls[s->n] =
		(struct pollfd){ .fd = accepts ? s->spec->listen_fd : -1, .events = POLLIN };
	if (ppoll(s->polls, s->n + 1, waits ? &limit : NULL, s->spec->wait_mask) < 0) {
		for (size_t i = 0; i <= s->n; i++)
			s->polls[i].revents = 0;
	}
	s->now_ms = clock_mono_ms();
}

static void drain(struct grpc_server *s)
{
	bool second = s->drain_ms != 0 && !s->left && s->now_ms - s->drain_ms >= GRPC_NOTICE_MS;

	if (s->drain_ms != 0 && !second)
		return;
	for (size_t i = 0; i < s->n;) {
		struct peer *p = s->peers[i];

		if (second)
			grpc_conn_leave(p->h2);
		else
			grpc_conn_notice(p->h2);
		if (!p->wire.ready || !speak(s, p))
			remove_peer(s, i);
		else
			i++;
	}
	if (second)
		s->left = true;
	else
		s->drain_ms = s->now_ms;
}

/* True when there is nothing more to do. */
static bool pass(struct grpc_server *s)
{
	bool knock;

	wait_for_events(s);
	knock = (s->polls[s->n].revents & (POLLIN | POLLERR)) != 0;
	if (s->spec->order(s->spec->arg, s) == GRPC_DRAIN)
		drain(s);
	serve_all(s);
	tick(s);
	if (knock && s->drain_ms == 0)
		accept_some(s);
	return s->drain_ms != 0 && (s->n == 0 || s->now_ms - s->drain_ms >= GRPC_DRAIN_MS);
}

void grpc_server_change(struct grpc_server *s, const struct grpc_rules *rules,
			const struct tls_ctx *tls)
{
	s->rules = *rules;
	s->tls = tls;
	for (size_t i = 0; i < s->n; i++)
		s->peers[i]->rules = *rules;
}

enum tp_rc grpc_server_run(const struct grpc_spec *spec, struct tp_err *err)
{
	struct grpc_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	s->spec = spec;
	s->rules = spec->rules;
	s->tls = spec->tls;
	s->now_ms = clock_mono_ms();
	while (!pass(s))
		;
	while (s->n > 0)
		remove_peer(s, s->n - 1);
	free(s);
	return TP_OK;
}
