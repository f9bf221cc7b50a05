/* SPDX-License-Identifier: MIT */
/*
 * The list of sentinels and the walk over it. A sentinel may be out of date, or cut off with the
 * old master: what it says is only believed when the node agrees, and else the next one is asked.
 */
#include "store/redis_sentinel.h"

#include "store/store_url.h"

#include <stdlib.h>

#include "base/banned.h"

enum {
	PORT = 26379,
	PORT_MOST = 65535,
	HOST_MOST = 253,
	NAME_MOST = HOST_MOST + 8, /* brackets, a colon, five digits */
	ASK_MOST_MS = 1000	   /* for one sentinel, which answers out of its memory */
};

struct address {
	char host[HOST_MOST + 1];
	char name[NAME_MOST + 1];
	int port;
};

struct sentinel {
	struct address at;
	struct dial_peer peer;
};

struct redis_sentinels {
	struct redis_sentinels_spec spec;
	struct sentinel v[LIMIT_SENTINELS];
	size_t n, first;   /* asked first: the one that was right the last time */
	struct address at; /* of the node that was dialled last */
	struct redis_node node;
};

/* ---- addresses ---- */

/* False: no host of a server can be called so. */
static bool set_address(struct address *a, struct span host, int64_t port)
{
	struct span text, unused;
	int none;

	if (host.len == 0 || host.len > HOST_MOST || span_has_byte(host, '\0'))
		return false;
	memcpy(a->host, host.p, host.len);
	a->host[host.len] = '\0';
	a->port = (int)port;
	dial_peer_name(a->host, a->port, a->name, sizeof(a->name));
	text = span_of(a->name);
	return store_url_host(&text, &unused, &none) && text.p == NULL;
}

static enum tp_rc add(struct redis_sentinels *s, struct span host, int port, struct tp_err *err)
{
	struct sentinel *one = &s->v[s->n];

	if (s->n == LIMIT_SENTINELS)
		return tp_fail(err, TP_INVALID, "DB_URL names more than %d sentinels",
			       LIMIT_SENTINELS);
	if (!set_address(&one->at, host, port > 0 ? port : PORT))
		return tp_fail(err, TP_INVALID, "DB_URL names a host that cannot be");
	one->peer = (struct dial_peer){ .kind = "sentinel",
					.host = one->at.host,
					.port = one->at.port,
					.name = one->at.name,
					.tls = s->spec.node->peer.tls };
	s->n++;
	return TP_OK;
}

enum tp_rc redis_sentinels_open(const struct redis_sentinels_spec *spec,
				struct redis_sentinels **ret, struct tp_err *err)
{
	struct redis_sentinels *s = calloc(1, sizeof(*s));
	struct span rest = spec->hosts, host;
	enum tp_rc rc = TP_OK;
	int port;

	if (s == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	s->spec = *spec;
	s->spec.hosts = (struct span){ NULL, 0 };
	if (!span_has_byte(rest, ',')) {
		rc = add(s, rest, spec->port, err);
		rest.p = NULL;
	}
	while (rc == TP_OK && store_url_host(&rest, &host, &port))
		rc = add(s, host, port, err);
	if (rc != TP_OK) {
		redis_sentinels_close(s);
		return rc;
	}
	*ret = s;
	return TP_OK;
}

void redis_sentinels_close(struct redis_sentinels *s)
{
	free(s);
}

/* ---- one sentinel ---- */

static enum tp_rc refused(const struct sentinel *one, struct redis_reply reply, struct tp_err *err)
{
	const char *what = "answered with what makes no sense";

	if (reply.kind == WIRE_ERROR)
		what = "answered with an error";
	if (reply.kind == WIRE_ERROR && span_starts(reply.s, "NOAUTH "))
		what = "wants a password (DB_SENTINEL_PASSWORD)";
	if (reply.kind == WIRE_ERROR && span_starts(reply.s, "WRONGPASS "))
		what = "does not accept DB_SENTINEL_USER or DB_SENTINEL_PASSWORD";
	if (reply.kind == WIRE_ERROR && span_starts(reply.s, "NOPERM "))
		what = "does not permit the command SENTINEL (ACL)";
	return dial_fail(&one->peer, what, err);
}

static enum tp_rc read_master(const struct redis_sentinels *s, const struct sentinel *one,
			      const struct redis_wire *w, size_t at, struct address *ret,
			      struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(w, at), host, port;
	int64_t number = 0;

	/* Without a password in the settings, the first reply is the only one. */
	if (at > 0 && redis_wire_reply(w, 0).kind != WIRE_STATUS)
		return refused(one, redis_wire_reply(w, 0), err);
	if (reply.kind == WIRE_NIL)
		return tp_fail(err, TP_UNAVAILABLE, "sentinel at %.100s knows no master \"%.60s\"",
			       one->peer.name, s->spec.service);
	host = redis_wire_element(w, reply, 0);
	port = redis_wire_element(w, reply, 1);
	if (reply.kind != WIRE_ARRAY || reply.n != 2 || host.kind != WIRE_STRING ||
	    port.kind != WIRE_STRING || !span_int(port.s, 1, PORT_MOST, &number) ||
	    !set_address(ret, host.s, number))
		return refused(one, reply, err);
	return TP_OK;
}

static enum tp_rc ask(const struct redis_sentinels *s, const struct sentinel *one,
		      int64_t deadline_ms, struct address *ret, struct tp_err *err)
{
	struct redis_wire *w = NULL;
	bool auth = s->spec.password.p != NULL;
	enum tp_rc rc = redis_wire_open(&one->peer, deadline_ms, &w, err);

	if (rc != TP_OK)
		return rc;
	if (auth)
		redis_wire_auth(w, s->spec.user, s->spec.password);
	redis_wire_command(w, "SENTINEL", 2);
	redis_wire_arg(w, SPAN_LIT("get-master-addr-by-name"));
	redis_wire_arg(w, span_of(s->spec.service));
	rc = redis_wire_run(w, deadline_ms, err);
	if (rc == TP_OK)
		rc = read_master(s, one, w, auth, ret, err);
	redis_wire_close(w);
	return rc;
}

/* ---- the walk ---- */

static enum tp_rc connect_named(struct redis_sentinels *s, struct redis_link *l,
				int64_t deadline_ms, struct tp_err *err)
{
	s->node = *s->spec.node;
	s->node.must_be_master = true;
	s->node.peer.host = s->at.host;
	s->node.peer.port = s->at.port;
	s->node.peer.name = s->at.name;
	return redis_link_connect(l, &s->node, deadline_ms, err);
}

/* Half of what is left, where there is somebody else to ask then. */
static int64_t part(int64_t deadline_ms, int64_t most_ms)
{
	int64_t now_ms = clock_mono_ms(), half_ms = (deadline_ms - now_ms) / 2;

	return now_ms + (half_ms < most_ms ? half_ms : most_ms);
}

enum tp_rc redis_sentinels_connect(struct redis_sentinels *s, struct redis_link *l,
				   int64_t deadline_ms, struct tp_err *err)
{
	size_t first = s->first;
	bool dialled = false;
	enum tp_rc rc;

	(void)dial_fail(&s->v[first].peer, "was not asked in time", err);
	for (size_t i = 0; i < s->n && clock_mono_ms() < deadline_ms; i++) {
		size_t which = (first + i) % s->n;
		bool last = i + 1 == s->n;
		struct address at;

		s->first = (which + 1) % s->n;
		rc = ask(s, &s->v[which], part(deadline_ms, ASK_MOST_MS), &at, err);
		if (rc == TP_NOMEM)
			return rc;
		/* Who has just failed is not dialled twice; the reason stays the better one. */
		if (rc != TP_OK || (dialled && strcmp(at.name, s->at.name) == 0))
			continue;
		s->at = at;
		dialled = true;
		rc = connect_named(s, l, last ? deadline_ms : part(deadline_ms, INT64_MAX), err);
		if (rc == TP_OK)
			s->first = which;
		if (rc == TP_OK || rc == TP_NOMEM)
			return rc;
	}
	return TP_UNAVAILABLE;
}
