/* SPDX-License-Identifier: MIT */
/* Owns the servers and their connections. What is asked of them is mc_verbs.c's. */
#include "store/mc_pool.h"

#include "base/clock.h"
#include "base/limits.h"
#include "store/store_url.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

enum { PROBE_EVERY_MS = 1000, PROBE_MOST_MS = 250 };

/* ---- who they are ---- */

static enum tp_rc add(struct mc_pool *p, struct span host, int port, struct tp_err *err)
{
	struct mc_server *s = &p->v[p->n];
	bool ip6 = span_has_byte(host, ':');

	*s = (struct mc_server){ .name = BUF_INIT(LIMIT_STORE_URL) };
	p->n++;
	s->host = span_dup(host);
	if (s->host == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	buf_printf(&s->name, ip6 ? "[%s]:%d" : "%s:%d", s->host, port);
	if (s->name.rc != TP_OK)
		return buf_rc(&s->name, "the server's name", err);
	s->peer = (struct dial_peer){
		.kind = "memcached", .host = s->host, .port = port, .name = buf_cstr(&s->name)
	};
	for (size_t i = 0; i + 1 < p->n; i++)
		if (span_is_nocase(buf_view(&p->v[i].name), s->peer.name))
			return tp_fail(err, TP_INVALID, "DB_URL names a server twice");
	return TP_OK;
}

enum tp_rc mc_pool_init(struct mc_pool *p, struct span hosts, int default_port, struct tp_err *err)
{
	struct span host;
	enum tp_rc rc = TP_OK;
	int port;

	*p = (struct mc_pool){ .v = calloc(LIMIT_MEMCACHED, sizeof(*p->v)) };
	if (p->v == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	while (rc == TP_OK && hosts.p != NULL) {
		if (p->n == LIMIT_MEMCACHED)
			rc = tp_fail(err, TP_INVALID, "DB_URL names more than %d servers",
				     LIMIT_MEMCACHED);
		else if (!store_url_host(&hosts, &host, &port))
			rc = tp_fail(err, TP_INVALID, "a host in DB_URL is malformed");
		else
			rc = add(p, host, port > 0 ? port : default_port, err);
	}
	if (rc != TP_OK)
		mc_pool_release(p);
	return rc;
}

static void hang_up(struct mc_server *s)
{
	mc_wire_close(s->wire);
	s->wire = NULL;
}

void mc_pool_release(struct mc_pool *p)
{
	for (size_t i = 0; i < p->n; i++) {
		hang_up(&p->v[i]);
		free(p->v[i].host);
		buf_release(&p->v[i].name);
	}
	free(p->v);
	*p = (struct mc_pool){ .v = NULL };
}

/* ---- who has what ---- */

static uint64_t score(const struct mc_server *s, struct span by)
{
	const struct span parts[] = { buf_view(&s->name), SPAN_LIT("\0"), by };
	unsigned char digest[DIGEST_SHA256];
	uint64_t n;

	codec_sha256_parts(parts, TP_COUNT(parts), digest);
	n = 0;
	for (size_t i = 0; i < sizeof(n); i++)
		n = n << 8 | digest[i];
	return n;
}

size_t mc_pool_place(const struct mc_pool *p, struct span by)
{
	uint64_t highest = 0;
	size_t best = 0;

	for (size_t i = 0; p->n > 1 && i < p->n; i++) {
		uint64_t n = score(&p->v[i], by);

		if (n >= highest) {
			highest = n;
			best = i;
		}
	}
	return best;
}

/* ---- connections ---- */

/* Want of memory is ours: it spoils the connection, and says nothing about the server. */
static void lost(struct mc_server *s, enum tp_rc why)
{
	hang_up(s);
	if (why == TP_NOMEM)
		return;
	s->down = true;
	s->probe_ms = clock_mono_ms() + PROBE_EVERY_MS;
}

/* A NOOP: a server that stands still takes connections all the same. */
static enum tp_rc greet(struct mc_server *s, int64_t deadline_ms, struct tp_err *err)
{
	bool refused;
	enum tp_rc rc;

	(void)mc_wire_ask(s->wire, &(struct mc_request){ .code = MC_NOOP });
	rc = mc_wire_run(s->wire, deadline_ms, &refused, err);
	mc_wire_clear(s->wire);
	return rc;
}

static enum tp_rc dial(struct mc_server *s, int64_t deadline_ms, struct tp_err *err)
{
	int64_t now_ms = clock_mono_ms();
	bool probes = s->down;
	enum tp_rc rc;

	if (probes && now_ms < s->probe_ms)
		return tp_fail_retry(err, TP_UNAVAILABLE, 1,
				     "memcached at %.100s failed less than a second ago and was "
				     "not asked again",
				     s->peer.name);
	if (probes && deadline_ms > now_ms + PROBE_MOST_MS)
		deadline_ms = now_ms + PROBE_MOST_MS;
	rc = mc_wire_open(&s->peer, deadline_ms, &s->wire, err);
	if (rc == TP_OK && probes)
		rc = greet(s, deadline_ms, err);
	if (rc == TP_OK)
		s->down = false;
	else
		lost(s, rc);
	return rc;
}

/* The idle connection is looked at: a restarted server is noticed while nothing was sent yet. */
static enum tp_rc reach(struct mc_server *s, int64_t deadline_ms, struct tp_err *err)
{
	enum tp_rc rc = TP_OK;

	if (s->looked && s->wire == NULL)
		return dial_fail(&s->peer, "was lost in the middle of an operation", err);
	if (!s->looked && s->wire != NULL && !mc_wire_quiet(s->wire))
		hang_up(s);
	s->looked = true;
	if (s->wire == NULL)
		rc = dial(s, deadline_ms, err);
	return rc;
}

static enum tp_rc run_one(struct mc_server *s, int64_t deadline_ms, struct tp_err *err)
{
	bool refused = false;
	enum tp_rc rc = mc_wire_run(s->wire, deadline_ms, &refused, err);

	if (rc == TP_OK || refused)
		return rc;
	lost(s, rc);
	return rc;
}

/* ---- calls ---- */

void mc_pool_begin(struct mc_pool *p, int64_t deadline_ms)
{
	p->deadline_ms = deadline_ms;
	for (size_t i = 0; i < p->n; i++)
		p->v[i].looked = false;
}

void mc_pool_end(struct mc_pool *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].wire != NULL)
			mc_wire_clear(p->v[i].wire);
}

enum tp_rc mc_pool_run(struct mc_pool *p, const struct mc_ask *asks, size_t n,
		       struct mc_reply *replies, struct tp_err *err)
{
	size_t at[MC_REQUESTS];
	enum tp_rc rc = TP_OK;

	assert(n <= MC_REQUESTS);
	mc_pool_end(p);
	for (size_t i = 0; rc == TP_OK && i < n; i++) {
		struct mc_server *s = &p->v[asks[i].server];

		rc = reach(s, p->deadline_ms, err);
		if (rc == TP_OK)
			at[i] = mc_wire_ask(s->wire, &asks[i].request);
	}
	for (size_t i = 0; rc == TP_OK && i < p->n; i++)
		if (p->v[i].wire != NULL)
			rc = run_one(&p->v[i], p->deadline_ms, err);
	for (size_t i = 0; rc == TP_OK && i < n; i++)
		replies[i] = mc_wire_reply(p->v[asks[i].server].wire, at[i]);
	return rc;
}

enum tp_rc mc_pool_ping(struct mc_pool *p, struct tp_err *err)
{
	enum tp_rc rc = TP_UNAVAILABLE;

	mc_pool_end(p);
	for (size_t i = 0; i < p->n && rc != TP_OK; i++) {
		int64_t now_ms = clock_mono_ms(), share_ms;

		share_ms = (p->deadline_ms - now_ms) / (int64_t)(p->n - i);
		rc = reach(&p->v[i], now_ms + share_ms, err);
		if (rc != TP_OK)
			continue;
		rc = greet(&p->v[i], now_ms + share_ms, err);
		if (rc != TP_OK)
			lost(&p->v[i], rc);
	}
	return rc;
}
