/* SPDX-License-Identifier: MIT */
/*
 * The store backend over Redis, Valkey or Dragonfly: reads DB_URL, keeps one connection, and makes
 * a new one when it is lost. What the commands are is in redis_verbs.c, how bytes travel in
 * redis_wire.c.
 *
 * Before each batch the idle connection is looked at, for a microsecond: a restarted server is
 * noticed while nothing was sent yet, and a reply that nobody waits for is never read as the next
 * one's. After a failure nothing is reused.
 */
#include "store/backend.h"

#include "base/limits.h"
#include "store/redis_verbs.h"
#include "store/redis_walk.h"
#include "store/store_url.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/un.h>

#include "base/banned.h"

enum { PORT = 6379, NAME_BYTES = 300, PATH_BYTES = sizeof(((struct sockaddr_un *)0)->sun_path) };

struct redis_store {
	struct store_url url;
	struct buf name;
	struct redis_peer peer;
	int db[3];
	struct redis_talk talk; /* talk.wire NULL: not connected */
};

/* ---- DB_URL ---- */

static bool is_unix(const struct store_url *u)
{
	return span_is(span_of(u->scheme), "unix");
}

static enum tp_rc check_unix(const struct store_url *u, struct tp_err *err)
{
	if (u->host != NULL || u->path == NULL)
		return tp_fail(err, TP_INVALID,
			       "DB_URL names no socket: it takes unix:///path, with three slashes");
	if (strlen(u->path) >= PATH_BYTES)
		return tp_fail(err, TP_INVALID, "the path in DB_URL is longer than %d bytes",
			       (int)PATH_BYTES - 1);
	return TP_OK;
}

static enum tp_rc check_tcp(const struct store_url *u, struct tp_err *err)
{
	int64_t unused = 0;

	if (u->host == NULL)
		return tp_fail(err, TP_INVALID, "DB_URL names no host");
	if (span_has_byte(span_of(u->host), ','))
		return tp_fail(err, TP_INVALID, "DB_URL names more than one host");
	/* The number itself does not count: LOGIN_REDIS_DB and REFRESH_RESTRICT_DB do. */
	if (u->path != NULL && !span_is(span_of(u->path), "/") &&
	    !span_int(span_of(u->path + 1), 0, INT_MAX, &unused))
		return tp_fail(err, TP_INVALID, "the path in DB_URL is not a database number");
	return TP_OK;
}

static enum tp_rc parse(const struct store_spec *spec, struct store_url *ret, struct tp_err *err)
{
	struct store_url u = { .port = -1 };
	enum tp_rc rc = store_url_parse(span_of(spec->url), &u, err);

	if (rc != TP_OK)
		return rc;
	rc = is_unix(&u) ? check_unix(&u, err) : check_tcp(&u, err);
	if (rc == TP_OK && (spec->login_db < 0 || spec->restrict_db < 0))
		rc = tp_fail(err, TP_INVALID, "a database number is negative");
	if (rc != TP_OK) {
		store_url_release(&u);
		return rc;
	}
	*ret = u;
	return TP_OK;
}

static enum tp_rc redis_check(const struct store_spec *spec, struct tp_err *err)
{
	TP_CLEANUP(store_url_release) struct store_url u = { .port = -1 };

	return parse(spec, &u, err);
}

/* ---- the connection ---- */

static void hang_up(struct redis_store *r)
{
	redis_wire_close(r->talk.wire);
	r->talk.wire = NULL;
}

enum hello {
	HELLO_AUTH,
	HELLO_RESTRICT,
	HELLO_LOGIN,
	HELLO_HEXPIRE,
	HELLO_HRANDFIELD,
	HELLO_CLUSTER
};

static void ask(struct redis_store *r, const char *name, size_t n_args, const char *first,
		const char *second)
{
	redis_wire_command(r->talk.wire, name, n_args);
	if (n_args > 0)
		redis_wire_arg(r->talk.wire, span_of(first));
	if (n_args > 1)
		redis_wire_arg(r->talk.wire, span_of(second));
}

static void ask_select(struct redis_store *r, int db)
{
	redis_wire_command(r->talk.wire, "SELECT", 1);
	redis_wire_int(r->talk.wire, db);
}

/* In the order of enum hello; PING stands in for AUTH. Both databases are selected: later a SELECT
 * goes out together with the writes that rely on it. */
static void hello_ask(struct redis_store *r)
{
	const char *password = r->url.password.p != NULL ? r->url.password.p : "";

	if (r->url.user != NULL)
		ask(r, "AUTH", 2, r->url.user, password);
	else if (r->url.password.p != NULL)
		ask(r, "AUTH", 1, password, NULL);
	else
		ask(r, "PING", 0, NULL, NULL);
	ask_select(r, r->db[STORE_RESTRICT]);
	ask_select(r, r->db[STORE_LOGIN]);
	ask(r, "COMMAND", 2, "INFO", "HEXPIRE");
	ask(r, "COMMAND", 2, "INFO", "HRANDFIELD");
	ask(r, "INFO", 1, "cluster", NULL);
}

static enum tp_rc hello_auth(struct redis_store *r, struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(r->talk.wire, HELLO_AUTH);

	if (reply.kind == WIRE_STATUS)
		return TP_OK;
	/* "ERR invalid password", "ERR AUTH called without any password configured": older words */
	if (reply.kind == WIRE_ERROR && span_starts(reply.s, "ERR "))
		reply.s = SPAN_LIT("WRONGPASS ");
	return redis_verbs_refused(&r->talk, reply, err);
}

static enum tp_rc hello_databases(struct redis_store *r, struct tp_err *err)
{
	struct redis_reply cluster = redis_wire_reply(r->talk.wire, HELLO_CLUSTER);

	if (cluster.kind != WIRE_STRING && cluster.kind != WIRE_ERROR)
		return redis_verbs_refused(&r->talk, cluster, err);
	if (cluster.kind == WIRE_STRING &&
	    memmem(cluster.s.p, cluster.s.len, "cluster_enabled:1", 17) != NULL) {
		cluster = (struct redis_reply){ .kind = WIRE_ERROR, .s = SPAN_LIT("CLUSTERDOWN ") };
		return redis_verbs_refused(&r->talk, cluster, err);
	}
	for (size_t i = HELLO_RESTRICT; i <= HELLO_LOGIN; i++) {
		struct redis_reply reply = redis_wire_reply(r->talk.wire, i);
		int db = r->db[i == HELLO_LOGIN ? STORE_LOGIN : STORE_RESTRICT];

		if (reply.kind == WIRE_ERROR && span_starts(reply.s, "ERR "))
			return tp_fail(err, TP_UNAVAILABLE, "redis at %.100s has no database %d",
				       r->peer.name, db);
		if (reply.kind != WIRE_STATUS || !span_is(reply.s, "OK"))
			return redis_verbs_refused(&r->talk, reply, err);
	}
	return TP_OK;
}

/* COMMAND INFO: an array with one element, nil where the server has no such command. A server that
 * does not know the question does not have it either; one that forbids it is not guessed at. */
static enum tp_rc hello_has(struct redis_store *r, enum hello which, bool *ret, struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(r->talk.wire, which);
	bool unknown = reply.kind == WIRE_ERROR && span_starts(reply.s, "ERR ");

	if (reply.kind != WIRE_ARRAY && reply.kind != WIRE_NIL && !unknown)
		return redis_verbs_refused(&r->talk, reply, err);
	*ret = redis_wire_element(r->talk.wire, reply, 0).kind == WIRE_ARRAY;
	return TP_OK;
}

static enum tp_rc hello(struct redis_store *r, int64_t deadline_ms, struct tp_err *err)
{
	enum tp_rc rc;

	hello_ask(r);
	rc = redis_wire_run(r->talk.wire, deadline_ms, err);
	if (rc == TP_OK)
		rc = hello_auth(r, err);
	if (rc == TP_OK)
		rc = hello_databases(r, err);
	if (rc == TP_OK)
		rc = hello_has(r, HELLO_HEXPIRE, &r->talk.has_hexpire, err);
	if (rc == TP_OK)
		rc = hello_has(r, HELLO_HRANDFIELD, &r->talk.has_hrandfield, err);
	redis_wire_clear(r->talk.wire);
	return rc;
}

static enum tp_rc dial(struct redis_store *r, int64_t deadline_ms, struct tp_err *err)
{
	enum tp_rc rc = redis_wire_open(&r->peer, deadline_ms, &r->talk.wire, err);

	if (rc != TP_OK)
		return rc;
	rc = hello(r, deadline_ms, err);
	if (rc != TP_OK) {
		hang_up(r);
		return rc;
	}
	r->talk.current_db = r->db[STORE_LOGIN];
	r->talk.spoilt = false;
	return TP_OK;
}

/* ---- a batch ---- */

static enum tp_rc take_answers(struct redis_store *r, struct store_op *ops, size_t n,
			       const size_t *at, struct tp_err *err)
{
	enum tp_rc rc = redis_verbs_selected(&r->talk, err);

	for (size_t i = 0; rc == TP_OK && i < n; i++)
		rc = redis_verbs_answer(&r->talk, &ops[i], at[i], err);
	return rc;
}

static enum tp_rc attempt(struct redis_store *r, struct store_op *ops, size_t n,
			  int64_t deadline_ms, enum redis_wire_loss *ret_loss, struct tp_err *err)
{
	size_t at[LIMIT_STORE_OPS];
	enum tp_rc rc;

	*ret_loss = WIRE_NOT_LOST;
	if (r->talk.wire == NULL) {
		rc = dial(r, deadline_ms, err);
		if (rc != TP_OK)
			return rc;
	}
	r->talk.selects = 0;
	for (size_t i = 0; i < n; i++)
		at[i] = redis_verbs_ask(&r->talk, &ops[i]);
	rc = redis_wire_run(r->talk.wire, deadline_ms, err);
	if (rc == TP_OK) {
		rc = take_answers(r, ops, n, at, err);
	} else {
		*ret_loss = redis_wire_loss(r->talk.wire);
		r->talk.spoilt = true;
	}
	redis_wire_clear(r->talk.wire);
	if (r->talk.spoilt)
		hang_up(r);
	return rc;
}

static bool all_repeatable(const struct store_op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!redis_verbs_repeatable(&ops[i]))
			return false;
	return true;
}

static enum tp_rc redis_run(void *self, struct store_op *ops, size_t n, int64_t deadline_ms,
			    struct tp_err *err)
{
	struct redis_store *r = self;
	enum redis_wire_loss loss = WIRE_NOT_LOST;
	enum tp_rc rc;
	bool old;

	assert(n <= LIMIT_STORE_OPS);
	if (r->talk.wire != NULL && !redis_wire_quiet(r->talk.wire))
		hang_up(r);
	old = r->talk.wire != NULL;
	rc = attempt(r, ops, n, deadline_ms, &loss, err);
	/* The server went away between the look and the answer. */
	if (old && (loss == WIRE_UNSENT || (loss == WIRE_UNANSWERED && all_repeatable(ops, n))))
		rc = attempt(r, ops, n, deadline_ms, &loss, err);
	return rc;
}

static enum tp_rc walk(void *self, struct store_walk *w, int64_t step_ms, struct tp_err *err)
{
	struct redis_store *r = self;
	enum tp_rc rc = TP_OK;

	if (r->talk.wire != NULL && !redis_wire_quiet(r->talk.wire))
		hang_up(r);
	if (r->talk.wire == NULL)
		rc = dial(r, clock_mono_ms() + step_ms, err);
	if (rc != TP_OK)
		return rc;
	rc = redis_walk(&r->talk, w, step_ms, err);
	if (r->talk.spoilt)
		hang_up(r);
	return rc;
}

static bool redis_connected(const void *self)
{
	const struct redis_store *r = self;

	return r->talk.wire != NULL;
}

/* ---- open and close ---- */

static void redis_close(void *self)
{
	struct redis_store *r = self;

	if (r == NULL)
		return;
	hang_up(r);
	store_url_release(&r->url);
	buf_release(&r->name);
	free(r);
}

static void set_peer(struct redis_store *r)
{
	bool ip6;

	if (is_unix(&r->url)) {
		r->peer.path = r->url.path;
		buf_str(&r->name, r->url.path);
	} else {
		r->peer.host = r->url.host;
		r->peer.port = r->url.port > 0 ? r->url.port : PORT;
		ip6 = span_has_byte(span_of(r->url.host), ':');
		buf_printf(&r->name, ip6 ? "[%s]:%d" : "%s:%d", r->peer.host, r->peer.port);
	}
	r->peer.name = buf_cstr(&r->name);
	r->talk.name = r->peer.name;
}

static enum tp_rc redis_open(const struct store_spec *spec, void **ret, struct tp_err *err)
{
	struct redis_store *r = calloc(1, sizeof(*r));
	enum tp_rc rc;

	if (r == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	r->url.port = -1;
	r->name = (struct buf)BUF_INIT(LIMIT_STORE_URL);
	rc = parse(spec, &r->url, err);
	if (rc == TP_OK) {
		set_peer(r);
		rc = buf_rc(&r->name, "the server's name", err);
	}
	if (rc != TP_OK) {
		redis_close(r);
		return rc;
	}
	r->db[STORE_LOGIN] = spec->login_db;
	r->db[STORE_RESTRICT] = r->db[STORE_THROTTLE] = spec->restrict_db;
	r->talk.db = r->db;
	r->talk.clock = spec->clock;
	*ret = r;
	return TP_OK;
}

static const char *const schemes[] = { "redis", "valkey", "dragonfly", "unix", NULL };

const struct store_ops store_redis_ops = {
	.name = "redis",
	.schemes = schemes,
	.check = redis_check,
	.open = redis_open,
	.run = redis_run,
	.close = redis_close,
	.connected = redis_connected,
	.walk = walk,
};
