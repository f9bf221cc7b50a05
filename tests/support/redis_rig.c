/* SPDX-License-Identifier: MIT */
/* Calls the backend as store.c does, with a deadline for each call. */
#include "support/redis_rig.h"

#include "base/limits.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/banned.h"

static int64_t rig_now(void *arg)
{
	const struct redis_rig *r = arg;

	struct clock real = clock_system();

	return r->now_s > 0 ? r->now_s : clock_now(&real);
}

static TP_PRINTF(3, 0) void open_url(struct redis_rig *r, struct store_spec *spec,
				     const char *url_fmt, va_list ap)
{
	char url[LIMIT_STORE_URL];

	vsnprintf(url, sizeof(url), url_fmt, ap);
	spec->url = url;
	spec->login_db = RIG_LOGIN_DB;
	spec->restrict_db = RIG_RESTRICT_DB;
	spec->timeout_ms = RIG_BUDGET_MS;
	spec->clock = (struct clock){ rig_now, r };
	*r = (struct redis_rig){ .budget_ms = RIG_BUDGET_MS, .value = BUF_INIT(LIMIT_STORE_VALUE) };
	ck_assert_msg(store_redis_ops.open(spec, &r->self, &r->err) == TP_OK, "%s", r->err.msg);
}

void redis_rig_open(struct redis_rig *r, const char *url_fmt, ...)
{
	struct store_spec spec = { 0 };
	va_list ap;

	va_start(ap, url_fmt);
	open_url(r, &spec, url_fmt, ap);
	va_end(ap);
}

void redis_rig_open_as(struct redis_rig *r, const struct store_spec *more, const char *url_fmt, ...)
{
	struct store_spec spec = *more;
	va_list ap;

	va_start(ap, url_fmt);
	open_url(r, &spec, url_fmt, ap);
	va_end(ap);
}

void redis_rig_close(struct redis_rig *r)
{
	store_redis_ops.close(r->self);
	buf_release(&r->value);
	r->self = NULL;
}

enum tp_rc redis_rig_run(struct redis_rig *r, struct store_op *ops, size_t n)
{
	int64_t start_ms = clock_mono_ms();
	enum tp_rc rc;

	r->err = (struct tp_err){ 0 };
	for (size_t i = 0; i < n; i++)
		ops[i].rc = TP_UNAVAILABLE;
	rc = store_redis_ops.run(r->self, ops, n, start_ms + r->budget_ms, &r->err);
	r->spent_ms = clock_mono_ms() - start_ms;
	return rc;
}

enum tp_rc redis_rig_do(struct redis_rig *r, struct store_op *op)
{
	enum tp_rc rc = redis_rig_run(r, op, 1);

	return rc == TP_OK ? op->rc : rc;
}

struct store_key redis_rig_key(enum store_space space, const char *owner, const char *item)
{
	return (struct store_key){ space, span_of(owner), span_of(item) };
}

enum tp_rc redis_rig_get(struct redis_rig *r, const char *user, const char *handle)
{
	struct store_op op = { .verb = STORE_GET,
			       .key = redis_rig_key(STORE_LOGIN, user, handle),
			       .ret = &r->value };

	buf_reset(&r->value);
	return redis_rig_do(r, &op);
}

enum tp_rc redis_rig_put(struct redis_rig *r, const char *user, const char *handle,
			 const char *value, int64_t ttl_s, enum store_mode mode)
{
	struct store_op op = { .verb = STORE_PUT,
			       .key = redis_rig_key(STORE_LOGIN, user, handle),
			       .value = span_of(value),
			       .ttl_s = ttl_s,
			       .mode = mode };

	return redis_rig_do(r, &op);
}
