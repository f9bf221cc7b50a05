/* SPDX-License-Identifier: MIT */
/*
 * The store backend over Redis, Valkey or Dragonfly: reads DB_URL, keeps one connection, and makes
 * a new one when it is lost. What a connection is is in redis_link.c, what the commands are in
 * redis_verbs.c, how bytes travel in redis_wire.c and dial.c.
 *
 * Before each batch the idle connection is looked at, for a microsecond: a restarted server is
 * noticed while nothing was sent yet, and a reply that nobody waits for is never read as the next
 * one's. After a failure nothing is reused.
 */
#include "store/backend.h"

#include "base/limits.h"
#include "store/redis_cluster.h"
#include "store/redis_link.h"
#include "store/redis_sentinel.h"
#include "store/redis_walk.h"
#include "store/store_url.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include "base/banned.h"

enum { PORT = 6379, NAME_BYTES = 300, PATH_BYTES = sizeof(((struct sockaddr_un *)0)->sun_path) };

struct redis_store {
	struct store_url url;
	char name[NAME_BYTES];
	char *master, *sentinel_user;
	struct secret sentinel_password;
	struct tls_ctx *tls; /* NULL: plain */
	int db[3];
	struct redis_node node;		   /* with sentinels, without its address */
	struct redis_sentinels *sentinels; /* NULL: DB_URL names the server */
	struct redis_link link;
	struct redis_cluster *cluster; /* NULL: it is none, as far as is known */
};

/* ---- DB_URL ---- */

static bool is_unix(const struct store_url *u)
{
	return span_is(span_of(u->scheme), "unix");
}

static enum tp_rc check_unix(const struct store_spec *spec, const struct store_url *u,
			     struct tp_err *err)
{
	if (spec->sentinel)
		return tp_fail(err, TP_INVALID,
			       "REDIS_CONNECTION_TYPE is sentinel, and DB_URL names a socket");
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
	rc = is_unix(&u) ? check_unix(spec, &u, err) : check_tcp(&u, err);
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

static enum tp_rc dial(struct redis_store *r, int64_t deadline_ms, struct tp_err *err)
{
	if (r->sentinels != NULL)
		return redis_sentinels_connect(r->sentinels, &r->link, deadline_ms, err);
	return redis_link_connect(&r->link, &r->node, deadline_ms, err);
}

/* After a failure: was it that the server is part of a cluster? Then nothing was asked of it. */
static bool found_cluster(const struct redis_store *r)
{
	return !redis_link_up(&r->link) && r->link.is_cluster && r->sentinels == NULL;
}

static enum tp_rc attempt(struct redis_store *r, struct store_op *ops, size_t n,
			  int64_t deadline_ms, enum redis_wire_loss *ret_loss, struct tp_err *err)
{
	*ret_loss = WIRE_NOT_LOST;
	if (!redis_link_up(&r->link)) {
		enum tp_rc rc = dial(r, deadline_ms, err);

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
	if (rc == TP_UNAVAILABLE && found_cluster(r)) {
		rc = open_cluster(r, err);
		if (rc == TP_OK)
			rc = redis_cluster_run(r->cluster, ops, n, deadline_ms, err);
	}
	return rc;
}

static enum tp_rc walk(void *self, struct store_walk *w, int64_t step_ms, struct tp_err *err)
{
	struct redis_store *r = self;
	enum tp_rc rc = TP_OK;

	if (r->cluster != NULL)
		return redis_cluster_walk(r->cluster, w, step_ms, err);
	if (redis_link_up(&r->link) && !redis_link_quiet(&r->link))
		redis_link_release(&r->link);
	if (!redis_link_up(&r->link))
		rc = dial(r, clock_mono_ms() + step_ms, err);
	if (rc == TP_UNAVAILABLE && found_cluster(r)) {
		rc = open_cluster(r, err);
		return rc == TP_OK ? redis_cluster_walk(r->cluster, w, step_ms, err) : rc;
	}
	if (rc != TP_OK)
		return rc;
	rc = redis_walk(&r->link.talk, w, step_ms, err);
	if (r->link.talk.spoilt)
		redis_link_release(&r->link);
	return rc;
}

static bool redis_connected(const void *self)
{
	const struct redis_store *r = self;

	if (r->cluster != NULL)
		return redis_cluster_connected(r->cluster);
	return redis_link_up(&r->link);
}

static const char *redis_kind(const void *self)
{
	const struct redis_store *r = self;

	return r->cluster != NULL ? "redis cluster" : "redis";
}

/* ---- open and close ---- */

static void redis_close(void *self)
{
	struct redis_store *r = self;

	if (r == NULL)
		return;
	redis_link_release(&r->link);
	redis_cluster_close(r->cluster);
	redis_sentinels_close(r->sentinels);
	tls_ctx_close(r->tls);
	store_url_release(&r->url);
	free(r->master);
	free(r->sentinel_user);
	secret_release(&r->sentinel_password);
	free(r);
}

static void set_peer(struct redis_store *r)
{
	struct dial_peer *peer = &r->node.peer;

	peer->kind = "redis";
	peer->name = r->name;
	peer->tls = r->tls;
	if (is_unix(&r->url)) {
		peer->path = r->url.path;
		snprintf(r->name, sizeof(r->name), "%s", r->url.path);
	} else {
		peer->host = r->url.host;
		peer->port = r->url.port > 0 ? r->url.port : PORT;
		dial_peer_name(peer->host, peer->port, r->name, sizeof(r->name));
	}
}

static enum tp_rc open_sentinels(struct redis_store *r, const struct store_spec *spec,
				 struct tp_err *err)
{
	struct redis_sentinels_spec s = { .hosts = span_of(r->url.host),
					  .port = r->url.port,
					  .node = &r->node };

	r->master = span_dup(span_of(spec->master));
	if (spec->sentinel_user != NULL)
		r->sentinel_user = span_dup(span_of(spec->sentinel_user));
	if (r->master == NULL || (spec->sentinel_user != NULL && r->sentinel_user == NULL))
		return tp_fail(err, TP_NOMEM, "out of memory");
	if (spec->sentinel_password.p != NULL) {
		enum tp_rc rc = secret_set(&r->sentinel_password, spec->sentinel_password, err);

		if (rc != TP_OK)
			return rc;
	}
	s.service = r->master;
	s.user = r->sentinel_user;
	s.password = secret_view(&r->sentinel_password);
	return redis_sentinels_open(&s, &r->sentinels, err);
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
	r->node.wait_replicas = spec->wait_replicas;
}

static enum tp_rc redis_open(const struct store_spec *spec, void **ret, struct tp_err *err)
{
	struct redis_store *r = calloc(1, sizeof(*r));
	enum tp_rc rc;

	if (r == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	r->url.port = -1;
	rc = parse(spec, &r->url, err);
	if (rc == TP_OK && has_tls(&r->url))
		rc = open_tls(spec, &r->tls, err);
	if (rc == TP_OK) {
		set_peer(r);
		set_node(r, spec);
	}
	if (rc == TP_OK && spec->sentinel)
		rc = open_sentinels(r, spec, err);
	/* Several hosts can only be a cluster; of one alone it is seen when it is asked. */
	else if (rc == TP_OK && r->url.host != NULL && span_has_byte(span_of(r->url.host), ','))
		rc = open_cluster(r, err);
	if (rc != TP_OK) {
		redis_close(r);
		return rc;
	}
	*ret = r;
	return TP_OK;
}

/* Opening asks nobody, and reads the files: better told now than by a worker. */
static enum tp_rc redis_check(const struct store_spec *spec, struct tp_err *err)
{
	void *self = NULL;
	enum tp_rc rc = redis_open(spec, &self, err);

	redis_close(self);
	return rc;
}

static const char *const schemes[] = { "redis",	    "rediss", "valkey", "valkeys",
				       "dragonfly", "unix",   NULL };

const struct store_ops store_redis_ops = {
	.name = "redis",
	.schemes = schemes,
	.tls_schemes = tls_schemes,
	.replicated = true,
	.check = redis_check,
	.open = redis_open,
	.run = redis_run,
	.close = redis_close,
	.connected = redis_connected,
	.kind = redis_kind,
	.walk = walk,
};
