/* SPDX-License-Identifier: MIT */
/*
 * The rig's store is a thin one that counts, calls the hook, fails when told so, and hands the rest
 * to the memory store; `other` uses that one directly. So two processes over one server are two
 * contexts here, and what happens between two steps of one is a hook's work in the other.
 */
#include "support/rig.h"

#include <assert.h>
#include <stdio.h>

#include "base/banned.h"

enum { TIMEOUT_MS = 30000 };

static int64_t now_s(void *arg)
{
	const struct rig *r = arg;

	return r->now;
}

/* ---- the store ---- */

static enum tp_rc check_spec(const struct store_spec *spec, struct tp_err *err)
{
	(void)spec;
	(void)err;
	return TP_OK;
}

static enum tp_rc open_store(const struct store_spec *spec, void **ret, struct tp_err *err)
{
	(void)err;
	*ret = spec->clock.arg;
	return TP_OK;
}

/* Counts a round trip; true when it is to fail. */
static bool trip(struct rig *r)
{
	bool fails = r->failure != RIG_WORKS && (r->failing_trip == 0 || r->failing_trip == 1);

	r->round_trips++;
	if (r->failing_trip > 0 && --r->failing_trip == 0)
		r->failing_trip = -1; /* that was the one */
	return fails;
}

static enum tp_rc run(void *self, struct store_op *ops, size_t n, int64_t deadline_ms,
		      struct tp_err *err)
{
	struct rig *r = self;
	bool fails = trip(r);
	enum tp_rc rc = TP_OK;

	(void)deadline_ms;
	if (r->before_store != NULL)
		r->before_store(r, ops, n);
	store_begin(r->other.store);
	if (!fails || r->failure == RIG_MUTE)
		rc = store_run(r->other.store, ops, n, err);
	if (r->store_says != NULL && err != NULL)
		snprintf(err->msg, sizeof(err->msg), "%s", r->store_says);
	if (!fails)
		return rc;
	return tp_fail_retry(err, TP_UNAVAILABLE, r->store_retry_s, "the store was told to fail");
}

/* One round trip; dead or mute, it fails without a call of `each`. */
static enum tp_rc walk(void *self, struct store_walk *w, int64_t step_ms, struct tp_err *err)
{
	struct rig *r = self;

	(void)step_ms;
	if (trip(r))
		return tp_fail(err, TP_UNAVAILABLE, "the store was told to fail");
	w->rc = store_walk(r->other.store, w->each, w->arg, &w->skipped, err);
	return TP_OK;
}

static void close_store(void *self)
{
	(void)self;
}

void rig_store_fail(struct rig *r, enum rig_failure how, int nth)
{
	r->failure = how;
	r->failing_trip = nth;
}

/* ---- the token handler ---- */

static void keep(char *to, size_t room, struct span s)
{
	size_t len = s.len < room ? s.len : room - 1;

	if (len > 0)
		memcpy(to, s.p, len);
	to[len] = '\0';
}

static enum tp_rc ask(void *self, const struct authn_request *q, struct jval **ret_claims,
		      struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf claims = BUF_INIT(LIMIT_JWT - 1);
	struct rig *r = self;

	r->asked++;
	r->event = q->event;
	keep(r->username, sizeof(r->username), q->username);
	keep(r->password, sizeof(r->password), q->password);
	keep(r->scope, sizeof(r->scope), q->scope);
	keep(r->client_id, sizeof(r->client_id), q->client_id);
	keep(r->remote_addr, sizeof(r->remote_addr), q->remote_addr);
	keep(r->request_id, sizeof(r->request_id), q->request_id);
	if (q->claims != NULL)
		jval_write(q->claims, &claims);
	if (claims.rc != TP_OK)
		return buf_rc(&claims, "the claims", err);
	keep(r->claims, sizeof(r->claims), buf_view(&claims));
	if (r->during_handler != NULL)
		r->during_handler(r);
	if (r->handler_rc != TP_OK)
		return tp_fail(err, r->handler_rc, "the token handler was told to say so");
	return jval_parse(span_of(r->handler_claims), ret_claims, err);
}

static bool cheap(const void *self)
{
	const struct rig *r = self;

	return r->handler_is_cheap;
}

static bool folds(const void *self)
{
	const struct rig *r = self;

	return r->handler_folds;
}

static const struct authn_ops handler = {
	.scheme = "rig", .ask = ask, .cheap = cheap, .folds = folds
};

void rig_handler_says(struct rig *r, enum tp_rc rc, const char *claims)
{
	assert(rc != TP_OK || claims != NULL);
	r->handler_rc = rc;
	if (rc == TP_OK) {
		assert(strlen(claims) < sizeof(r->handler_claims));
		snprintf(r->handler_claims, sizeof(r->handler_claims), "%s", claims);
	}
}

/* ---- all of it ---- */

static void must(enum tp_rc rc, const struct tp_err *err)
{
	if (rc != TP_OK)
		fprintf(stderr, "rig: %s\n", err->msg);
	assert(rc == TP_OK);
}

static void open_stores(struct rig *r)
{
	static const char *const schemes[] = { "rig", NULL };
	static const struct store_ops ops = { .name = "rig",
					      .schemes = schemes,
					      .local = true,
					      .check = check_spec,
					      .open = open_store,
					      .run = run,
					      .close = close_store,
					      .walk = walk };
	const struct store_spec spec = { .timeout_ms = TIMEOUT_MS, .clock = r->a.clock };
	struct tp_err err;

	r->memory = store_memory_open(r->a.clock, TIMEOUT_MS, &r->other.store);
	assert(r->memory != NULL);
	must(store_open_with(&ops, &spec, &r->a.store, &err), &err);
}

void rig_open(struct rig *r)
{
	const struct keyring_spec keys = { .alg = KEYRING_HS256,
					   .secret = SPAN_LIT(RIG_SECRET),
					   .must_sign = true };
	struct tp_err err;

	*r = (struct rig){ .now = RIG_NOW };
	r->rules = (struct auth_rules){ .issuer = RIG_ISSUER,
					.expiry_s = 86400,
					.restrict_s = 120,
					.sessions_per_user = 100,
					.issues = true,
					.recheck = true };
	r->token_rules = (struct token_rules){ .issuer = RIG_ISSUER, .leeway_s = 600 };
	must(keyring_open(&keys, &r->keys, &err), &err);
	r->a = (struct auth_ctx){ .keys = r->keys, .rules = &r->rules, .clock = { now_s, r } };
	must(token_verifier_open(r->keys, &r->token_rules, &r->a.verifier, &err), &err);
	must(authn_open_with(&handler, r, &r->a.authn, &err), &err);
	r->other = r->a;
	must(token_verifier_open(r->keys, &r->token_rules, &r->other.verifier, &err), &err);
	open_stores(r);
	rig_handler_says(r, TP_OK,
			 "{\"user_id\":\"user_099\",\"username\":\"Admin\","
			 "\"scopes\":[\"user:read\",\"user:write\"]}");
}

void rig_release(struct rig *r)
{
	store_close(r->a.store);
	store_close(r->other.store);
	authn_close(r->a.authn);
	token_verifier_close(r->a.verifier);
	token_verifier_close(r->other.verifier);
	keyring_close(r->keys);
	*r = (struct rig){ 0 };
}

void rig_login(struct rig *r, const char *user, const char *scopes, struct session_minted *ret)
{
	TP_CLEANUP(jval_cleanup) struct jval *claims = jval_new_object();
	struct scope_set granted;
	struct tp_err err;

	must(scope_parse(span_of(scopes), &granted, &err), &err);
	must(jval_set_str(claims, "user_id", span_of(user), &err), &err);
	must(jval_set_str(claims, "username", SPAN_LIT("Admin"), &err), &err);
	must(session_open(&r->other,
			  &(struct session_login){ .claims = claims, .granted = &granted }, ret,
			  &err),
	     &err);
}

void rig_put(struct rig *r, const char *user, const char *handle, const char *value, int64_t ttl_s)
{
	struct store_op put = { .verb = STORE_PUT,
				.key = { STORE_LOGIN, span_of(user), span_of(handle) },
				.value = span_of(value),
				.ttl_s = ttl_s };
	struct tp_err err;

	must(store_do(r->other.store, &put, &err), &err);
}

bool rig_get(struct rig *r, const char *user, struct span handle, struct buf *out)
{
	struct store_op get = { .verb = STORE_GET,
				.key = { STORE_LOGIN, span_of(user), handle },
				.ret = out };
	struct tp_err err;
	enum tp_rc rc = store_do(r->other.store, &get, &err);

	if (rc != TP_NOT_FOUND)
		must(rc, &err);
	return rc == TP_OK;
}

void rig_sign(struct rig *r, const char *claims, struct buf *out)
{
	TP_CLEANUP(jval_cleanup) struct jval *v = NULL;
	TP_CLEANUP(secret_release) struct secret jwt = { 0 };
	struct tp_err err;

	must(jval_parse(span_of(claims), &v, &err), &err);
	must(token_sign(r->keys, v, &jwt, &err), &err);
	buf_span(out, secret_view(&jwt));
}

void rig_put_signed(struct rig *r, const char *user, const char *handle, const char *claims,
		    int64_t ttl_s)
{
	TP_CLEANUP(buf_release) struct buf jwt = BUF_INIT(LIMIT_JWT);
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);

	rig_sign(r, claims, &jwt);
	session_value_put(buf_view(&jwt), ttl_s, &value);
	rig_put(r, user, handle, buf_cstr(&value), ttl_s);
}
