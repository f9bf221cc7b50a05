/* SPDX-License-Identifier: MIT */
/*
 * The store backend over memcached: reads DB_URL and runs operations one after another, each in one
 * to three round trips. What they are is in mc_verbs.c, where things are in mc_pool.c, how bytes
 * travel in mc_wire.c.
 */
#include "store/backend.h"

#include "base/limits.h"
#include "store/mc_verbs.h"
#include "store/store_url.h"

#include <stdlib.h>

#include "base/banned.h"

enum { PORT = 11211 };

static enum tp_rc check_parts(const struct store_url *u, struct tp_err *err)
{
	if (u->user != NULL || u->password.p != NULL)
		return tp_fail(err, TP_INVALID,
			       "DB_URL has a user or a password, but memcached:// supports neither "
			       "(no SASL)");
	if (u->host == NULL)
		return tp_fail(err, TP_INVALID, "DB_URL names no host");
	if (u->path != NULL && !span_is(span_of(u->path), "/"))
		return tp_fail(err, TP_INVALID, "DB_URL has a path, but memcached:// takes none");
	return TP_OK;
}

/* store_url.h keeps several hosts as they came, and takes one apart. */
static enum tp_rc make_pool(const struct store_url *u, struct mc_pool *ret, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf host = BUF_INIT(LIMIT_STORE_URL + 2);
	enum tp_rc rc;

	if (span_has_byte(span_of(u->host), ','))
		return mc_pool_init(ret, span_of(u->host), PORT, err);
	buf_printf(&host, span_has_byte(span_of(u->host), ':') ? "[%s]" : "%s", u->host);
	rc = buf_rc(&host, "the server's name", err);
	return rc == TP_OK ? mc_pool_init(ret, buf_view(&host), u->port > 0 ? u->port : PORT, err)
			   : rc;
}

static enum tp_rc parse(const struct store_spec *spec, struct mc_pool *ret, struct tp_err *err)
{
	TP_CLEANUP(store_url_release) struct store_url u = { .port = -1 };
	enum tp_rc rc = store_url_parse(span_of(spec->url), &u, err);

	if (rc == TP_OK)
		rc = check_parts(&u, err);
	return rc == TP_OK ? make_pool(&u, ret, err) : rc;
}

static enum tp_rc memcached_check(const struct store_spec *spec, struct tp_err *err)
{
	TP_CLEANUP(mc_pool_release) struct mc_pool pool = { .v = NULL };

	return parse(spec, &pool, err);
}

static enum tp_rc memcached_open(const struct store_spec *spec, void **ret, struct tp_err *err)
{
	struct mc_talk *t = calloc(1, sizeof(*t));
	enum tp_rc rc;

	if (t == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	t->clock = spec->clock;
	rc = parse(spec, &t->pool, err);
	if (rc != TP_OK) {
		free(t);
		return rc;
	}
	*ret = t;
	return TP_OK;
}

static enum tp_rc memcached_run(void *self, struct store_op *ops, size_t n, int64_t deadline_ms,
				struct tp_err *err)
{
	struct mc_talk *t = self;
	enum tp_rc rc = TP_OK;

	t->now_s = clock_now(&t->clock);
	mc_pool_begin(&t->pool, deadline_ms);
	for (size_t i = 0; rc == TP_OK && i < n; i++)
		rc = mc_verbs_run(t, &ops[i], err);
	mc_pool_end(&t->pool);
	return rc;
}

static void memcached_close(void *self)
{
	struct mc_talk *t = self;

	if (t == NULL)
		return;
	mc_pool_release(&t->pool);
	free(t);
}

/* mc_pool.c has a breaker for each server: the one for all would keep the others' users out. */
static bool memcached_connected(const void *self)
{
	(void)self;
	return true;
}

static const char *const schemes[] = { "memcached", NULL };

const struct store_ops store_memcached_ops = {
	.name = "memcached",
	.schemes = schemes,
	.check = memcached_check,
	.open = memcached_open,
	.run = memcached_run,
	.close = memcached_close,
	.connected = memcached_connected,
};
