/* SPDX-License-Identifier: MIT */
/*
 * The store backend over Redis, Valkey or Dragonfly: reads DB_URL, keeps one connection, and makes
 * a new one when it is lost. What a connection is is in redis_link.c, what the commands are in
 * redis_verbs.c, how bytes travel in redis_wire.c and redis_dial.c.
 *
 * Before each batch the idle connection is looked at, for a microsecond: a restarted server is
 * noticed while nothing was sent yet, and a reply that nobody waits for is never read as the next
 * one's. After a failure nothing is reused.
 */
#include "store/backend.h"

#include "base/limits.h"
#include "store/redis_cluster.h"
#include "store/redis_link.h"
#include "store/store_url.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/un.h>

#include "base/banned.h"

enum { PORT = 6379, NAME_BYTES = 300, PATH_BYTES = sizeof(((struct sockaddr_un *)0)->sun_path) };

struct redis_store {
	struct store_url url;
	struct buf name;
	struct tls_ctx *tls; /* NULL: plain */
	int db[3];
	struct redis_node node;
	struct redis_link link;
	struct redis_cluster *cluster; /* NULL: it is none, as far as is known */
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

static const char *const tls_schemes[] = { "rediss", "valkeys", NULL };

static bool has_tls(const struct store_url *u)
{
	for (const char *const *s = tls_schemes; *s != NULL; s++)
		if (span_is(span_of(u->scheme), *s))
			return true;
	return false;
}

static enum tp_rc open_tls(const struct store_spec *spec, struct tls_ctx **ret, struct tp_err *err)
{
	struct tls_client_spec tls = { .ca_file = spec->tls_ca,
				       .cert_file = spec->tls_cert,
				       .key_file = spec->tls_key };

	return tls_client_open(&tls, ret, err);
}

/* The files are read as well: better told now than by a worker. */
static enum tp_rc redis_check(const struct store_spec *spec, struct tp_err *err)
{
	TP_CLEANUP(store_url_release) struct store_url u = { .port = -1 };
	struct tls_ctx *tls = NULL;
	enum tp_rc rc = parse(spec, &u, err);

	if (rc == TP_OK && has_tls(&u))
		rc = open_tls(spec, &tls, err);
	tls_ctx_close(tls);
	return rc;
}

/* ---- a cluster ---- */

static enum tp_rc open_cluster(struct redis_store *r, struct tp_err *err)
{
	struct redis_cluster_spec spec = { .node = &r->node,
					   .hosts = span_of(r->url.host),
					   .port = r->url.port,
					   .numbers = r->db };

	return redis_cluster_open(&spec, &r->cluster, err);
}

/* ---- a batch ---- */

static enum tp_rc attempt(struct redis_store *r, struct store_op *ops, size_t n,
			  int64_t deadline_ms, enum redis_wire_loss *ret_loss, struct tp_err *err)
{
	*ret_loss = WIRE_NOT_LOST;
	if (!redis_link_up(&r->link)) {
		enum tp_rc rc = redis_link_connect(&r->link, &r->node, deadline_ms, err);

		if (rc != TP_OK)
			return rc;
	}
	return redis_link_run(&r->link, ops, n, deadline_ms, ret_loss, err);
}

static enum tp_rc redis_run(void *self, struct store_op *ops, size_t n, int64_t deadline_ms,
			    struct tp_err *err)
{
	struct redis_store *r = self;
	enum redis_wire_loss loss = WIRE_NOT_LOST;
	enum tp_rc rc;
	bool old;

	if (r->cluster != NULL)
		return redis_cluster_run(r->cluster, ops, n, deadline_ms, err);
	if (redis_link_up(&r->link) && !redis_link_quiet(&r->link))
		redis_link_release(&r->link);
	old = redis_link_up(&r->link);
	rc = attempt(r, ops, n, deadline_ms, &loss, err);
	/* The server went away between the look and the answer. */
	if (rc != TP_OK && old && redis_link_repeatable(loss, ops, n))
		rc = attempt(r, ops, n, deadline_ms, &loss, err);
	/* It failed while connecting: nothing was asked. */
	if (rc == TP_UNAVAILABLE && !redis_link_up(&r->link) && r->link.is_cluster) {
		rc = open_cluster(r, err);
		if (rc == TP_OK)
			rc = redis_cluster_run(r->cluster, ops, n, deadline_ms, err);
	}
	return rc;
}

static bool redis_connected(const void *self)
{
	const struct redis_store *r = self;

	if (r->cluster != NULL)
		return redis_cluster_connected(r->cluster);
	return redis_link_up(&r->link);
}

/* ---- open and close ---- */

static void redis_close(void *self)
{
	struct redis_store *r = self;

	if (r == NULL)
		return;
	redis_link_release(&r->link);
	redis_cluster_close(r->cluster);
	tls_ctx_close(r->tls);
	store_url_release(&r->url);
	buf_release(&r->name);
	free(r);
}

static void set_peer(struct redis_store *r)
{
	struct redis_peer *peer = &r->node.peer;
	bool ip6;

	peer->kind = "redis";
	if (is_unix(&r->url)) {
		peer->path = r->url.path;
		buf_str(&r->name, r->url.path);
	} else {
		peer->host = r->url.host;
		peer->port = r->url.port > 0 ? r->url.port : PORT;
		ip6 = span_has_byte(span_of(r->url.host), ':');
		buf_printf(&r->name, ip6 ? "[%s]:%d" : "%s:%d", peer->host, peer->port);
	}
	peer->name = buf_cstr(&r->name);
	peer->tls = r->tls;
}

static void set_node(struct redis_store *r, const struct store_spec *spec)
{
	r->db[STORE_LOGIN] = spec->login_db;
	r->db[STORE_RESTRICT] = r->db[STORE_THROTTLE] = spec->restrict_db;
	r->node.user = r->url.user;
	r->node.password = secret_view(&r->url.password);
	/* A user without a password logs in with the empty one. */
	if (r->node.user != NULL && r->node.password.p == NULL)
		r->node.password = SPAN_LIT("");
	r->node.db = r->db;
	r->node.clock = spec->clock;
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
	if (rc == TP_OK && has_tls(&r->url))
		rc = open_tls(spec, &r->tls, err);
	if (rc == TP_OK) {
		set_peer(r);
		set_node(r, spec);
		rc = buf_rc(&r->name, "the server's name", err);
	}
	/* Several hosts can only be a cluster; of one alone it is seen when it is asked. */
	if (rc == TP_OK && r->url.host != NULL && span_has_byte(span_of(r->url.host), ','))
		rc = open_cluster(r, err);
	if (rc != TP_OK) {
		redis_close(r);
		return rc;
	}
	*ret = r;
	return TP_OK;
}

static const char *const schemes[] = { "redis",	    "rediss", "valkey", "valkeys",
				       "dragonfly", "unix",   NULL };

const struct store_ops store_redis_ops = {
	.name = "redis",
	.schemes = schemes,
	.tls_schemes = tls_schemes,
	.check = redis_check,
	.open = redis_open,
	.run = redis_run,
	.close = redis_close,
	.connected = redis_connected,
};
