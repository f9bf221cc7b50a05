/* SPDX-License-Identifier: MIT */
/*
 * Sliding, step by step: load, claim the window, ask, sign, replace. Each step stands on the
 * store's atomic operations, so it needs no lock, and no order of two requests breaks it.
 */
#include "auth/refresh.h"

#include "auth/authn.h"
#include "base/limits.h"

#include "base/banned.h"

void refreshed_release(struct refreshed *r)
{
	session_minted_release(&r->minted);
	*r = (struct refreshed){ 0 };
}

static struct span claim_str(const struct jval *claims, const char *name)
{
	struct span s = { NULL, 0 };

	(void)jval_str(jval_get(claims, name), &s);
	return s;
}

/* The session as it stands, in copies, since the token is gone with the next verification. A token
 * of the Python original does not say when the login was; its own age then has to do. */
static enum tp_rc load(const struct auth_ctx *a, struct span user, struct span handle,
		       struct session_minted *ret, int64_t *ret_auth_time, struct tp_err *err)
{
	int64_t now = clock_now(&a->clock);
	const struct token *t;
	enum tp_rc rc;

	rc = session_find_jwt(a, user, handle, &ret->jwt, &t, err);
	if (rc != TP_OK)
		return rc;
	ret->expires_in_s = t->exp - now;
	*ret_auth_time = t->auth_time > 0 ? t->auth_time : t->iat > 0 ? t->iat : now;
	rc = secret_set(&ret->handle, handle, err);
	return rc == TP_OK ? jval_copy(t->claims, &ret->claims, err) : rc;
}

/* TP_EXISTS, and when it opens: somebody else has it. */
static enum tp_rc claim_window(const struct auth_ctx *a, struct span user, struct span handle,
			       struct refreshed *r, struct tp_err *err)
{
	const struct store_key key = { STORE_RESTRICT, user, handle };
	struct store_op ops[] = {
		{ .verb = STORE_PUT,
		  .key = key,
		  .value = SPAN_LIT("restricted"),
		  .ttl_s = a->rules->restrict_s,
		  .mode = STORE_IF_ABSENT },
		{ .verb = STORE_TTL, .key = key },
	};
	enum tp_rc rc;

	if (a->rules->restrict_s == 0)
		return TP_OK;
	rc = store_run(a->store, ops, TP_COUNT(ops), err);
	if (rc != TP_OK || ops[0].rc == TP_OK)
		return rc;
	/* It may have opened between the two operations. */
	r->opens_in_s = ops[1].rc == TP_OK ? ops[1].ret_n : 1;
	return tp_fail(err, TP_EXISTS, "the session was refreshed a moment ago");
}

/* What the handler denies is over. A session that cannot be ended now is not reported as ended. */
static enum tp_rc end_denied(const struct auth_ctx *a, struct span user, struct span handle,
			     struct tp_err *err)
{
	enum tp_rc rc = session_close(a, user, handle, err);

	if (rc != TP_OK && rc != TP_NOT_FOUND)
		return rc;
	return tp_fail(err, TP_DENIED, "the token handler denies the user");
}

/* *ret stays NULL where nobody is to be asked. */
static enum tp_rc ask_handler(const struct auth_ctx *a, const struct jval *claims,
			      const struct refresh_info *info, struct jval **ret,
			      struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *fresh = NULL;
	const struct authn_request question = { .event = AUTHN_REFRESH,
						.claims = claims,
						.remote_addr = info->remote_addr,
						.request_id = info->request_id };
	enum tp_rc rc;

	if (!a->rules->recheck || a->authn == NULL)
		return TP_OK;
	rc = authn_ask(a->authn, &question, &fresh, err);
	if (rc != TP_OK)
		return rc;
	if (!span_eq(claim_str(fresh, "user_id"), claim_str(claims, "user_id")))
		return tp_fail(err, TP_UNAVAILABLE, "the token handler answers for another user");
	*ret = fresh;
	fresh = NULL;
	return TP_OK;
}

/* Never more than the session has: RFC 6749 section 6. */
static enum tp_rc narrow(const struct jval *old, const struct jval *fresh, struct scope_set *ret,
			 struct tp_err *err)
{
	struct scope_set have, may;

	if (scope_from_claim(jval_get(old, "scopes"), &have, err) != TP_OK ||
	    scope_from_claim(jval_get(fresh, "scopes"), &may, err) != TP_OK)
		return tp_fail(err, TP_UNAVAILABLE, "the claim \"scopes\" is no list of scopes");
	scope_intersect(&have, &may, ret);
	return TP_OK;
}

/* If it is still there: a logout in the meantime stands. */
static enum tp_rc replace(const struct auth_ctx *a, struct span user,
			  const struct session_minted *m, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);
	struct store_op put = { .verb = STORE_PUT,
				.key = { STORE_LOGIN, user, secret_view(&m->handle) },
				.ttl_s = m->expires_in_s,
				.mode = STORE_IF_PRESENT };
	enum tp_rc rc;

	session_value_put(secret_view(&m->jwt), m->expires_in_s, &value);
	rc = buf_rc(&value, "the session", err);
	if (rc != TP_OK)
		return rc;
	put.value = buf_view(&value);
	rc = store_do(a->store, &put, err);
	if (rc == TP_NOT_FOUND)
		return tp_fail(err, rc, "the session ended while it was refreshed");
	return rc;
}

/* *m: the session as it stands; then as it was made anew. */
static enum tp_rc renew(const struct auth_ctx *a, struct span user, const struct jval *fresh,
			int64_t auth_time, struct session_minted *m, struct tp_err *err)
{
	TP_CLEANUP(session_minted_release) struct session_minted next = { 0 };
	struct scope_set scopes;
	struct session_draft draft = { .claims = fresh != NULL ? fresh : m->claims,
				       .scopes = &scopes,
				       .handle = secret_view(&m->handle),
				       .ip = claim_str(m->claims, "ip"),
				       .agent = claim_str(m->claims, "agent"),
				       .auth_time = auth_time };
	enum tp_rc rc;

	rc = narrow(m->claims, draft.claims, &scopes, err);
	if (rc == TP_OK)
		rc = session_mint(a, &draft, &next, err);
	if (rc == TP_OK)
		rc = replace(a, user, &next, err);
	if (rc != TP_OK)
		return rc;
	session_minted_release(m);
	*m = next;
	next = (struct session_minted){ 0 };
	return TP_OK;
}

enum tp_rc refresh_session(const struct auth_ctx *a, struct span user, struct span handle,
			   const struct refresh_info *info, struct refreshed *ret,
			   struct tp_err *err)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };
	TP_CLEANUP(jval_cleanup) struct jval *fresh = NULL;
	char name[LIMIT_USER_ID]; /* user may be gone after the first verification */
	int64_t auth_time = 0;
	enum tp_rc rc;

	if (!a->rules->issues)
		return tp_fail(err, TP_INTERNAL, "a resource server does not refresh");
	if (user.len > sizeof(name) || user.len == 0)
		return tp_fail(err, TP_NOT_FOUND, "no session can have this name");
	memcpy(name, user.p, user.len);
	user.p = name;
	rc = load(a, user, handle, &r.minted, &auth_time, err);
	/* Claim before signing: of two refreshes at once, one must lose. Then a failure below costs
	 * one window, never a session. */
	if (rc == TP_OK)
		rc = claim_window(a, user, handle, &r, err);
	if (rc == TP_OK) {
		rc = ask_handler(a, r.minted.claims, info, &fresh, err);
		if (rc == TP_DENIED)
			return end_denied(a, user, handle, err);
	}
	if (rc == TP_OK)
		rc = renew(a, user, fresh, auth_time, &r.minted, err);
	if (rc != TP_OK && rc != TP_EXISTS)
		return rc;
	*ret = r;
	r = (struct refreshed){ 0 };
	return rc;
}
