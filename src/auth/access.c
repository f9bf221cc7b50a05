/* SPDX-License-Identifier: MIT */
/*
 * From what a request shows to the session behind it. Which of its parts counts is decided here;
 * whether the session holds is auth/session's answer.
 */
#include "auth/access.h"

#include "auth/reserved.h"
#include "auth/session.h"
#include "base/codec.h"

#include "base/banned.h"

void access_release(struct access *x)
{
	secret_release(&x->handle);
	jval_release(x->extra);
	*x = (struct access){ 0 };
}

static size_t count_dots(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.p[i] == '.';
	return n;
}

static enum tp_rc by_handle(const struct auth_ctx *a, struct span user, struct span handle,
			    struct access *x, struct tp_err *err)
{
	enum tp_rc rc = session_find(a, user, handle, &x->token, err);

	return rc == TP_OK ? secret_set(&x->handle, handle, err) : rc;
}

/* handle "." base64url(user_id); one spelling only. */
static enum tp_rc by_opaque(const struct auth_ctx *a, struct span bearer, struct access *x,
			    struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf user = BUF_INIT(LIMIT_USER_ID);
	struct span handle = span_cut(&bearer, '.');
	enum tp_rc rc = codec_b64url_get(bearer, &user, err);

	if (rc == TP_NOMEM)
		return rc;
	if (rc != TP_OK)
		return tp_fail(err, TP_DENIED, "the bearer token is malformed");
	x->by = ACCESS_OPAQUE;
	return by_handle(a, buf_view(&user), handle, x, err);
}

/* The JWT shows who it was made for; the session that its sid names shows who that is now. */
static enum tp_rc by_jwt(const struct auth_ctx *a, struct span bearer, struct access *x,
			 struct tp_err *err)
{
	char user[LIMIT_USER_ID],
		sid[SESSION_SID_LEN]; /* the shown token is gone after the next one */
	const struct token *t;
	size_t user_len;
	enum tp_rc rc;

	rc = token_verify(a->verifier, bearer, TOKEN_PRESENTED, clock_now(&a->clock), &t, err);
	if (rc != TP_OK)
		return rc;
	if (t->sid.len != sizeof(sid) || t->user_id.len > sizeof(user))
		return tp_fail(err, TP_DENIED, "the bearer JWT names no session");
	user_len = t->user_id.len;
	memcpy(user, t->user_id.p, user_len);
	memcpy(sid, t->sid.p, sizeof(sid));
	x->by = ACCESS_JWT;
	return session_find_sid(a, (struct span){ user, user_len },
				(struct span){ sid, sizeof(sid) }, &x->handle, &x->token, err);
}

static enum tp_rc by_bearer(const struct auth_ctx *a, struct span bearer, struct access *x,
			    struct tp_err *err)
{
	switch (count_dots(bearer)) {
	case 1:
		return by_opaque(a, bearer, x, err);
	case 2:
		return by_jwt(a, bearer, x, err);
	default:
		return tp_fail(err, TP_DENIED, "the bearer token is malformed");
	}
}

enum tp_rc access_check(const struct auth_ctx *a, const struct credential *c, struct access *ret,
			struct tp_err *err)
{
	TP_CLEANUP(access_release) struct access x = { 0 };
	enum tp_rc rc;

	if (c->bearer.p != NULL)
		rc = by_bearer(a, c->bearer, &x, err);
	else if (c->user_id.len > 0 && c->access_token.len > 0)
		rc = by_handle(a, c->user_id, c->access_token, &x, err);
	else
		rc = tp_fail(err, TP_NO_CREDENTIAL, "the request shows no session");
	if (rc != TP_OK)
		return rc;
	*ret = x;
	x = (struct access){ 0 };
	return TP_OK;
}

/* What is added to a session --------------------------------------------------------------------
 */

static enum tp_rc unusable(const char *claim, const char *why, struct tp_err *err)
{
	return tp_fail(err, TP_UNAVAILABLE, "the authenticate hook adds the claim %.40s, %s", claim,
		       why);
}

/* As jval_each() wants it; arg is the session's claims. */
static enum tp_rc check_extra(void *arg, const char *key, const struct jval *v, struct tp_err *err)
{
	bool is_text = strcmp(key, "username") == 0 || strcmp(key, "email") == 0;

	if (reserved_is(key) || strcmp(key, "user_id") == 0 || strcmp(key, "scopes") == 0)
		return unusable(key, "which is not for a hook to add", err);
	if (jval_has(arg, key))
		return unusable(key, "which is there already", err);
	if (is_text && jval_type(v) != JVAL_STR)
		return unusable(key, "which has to be a string", err);
	return TP_OK;
}

static enum tp_rc judge_extra(const struct jval *claims, const struct jval *extra,
			      struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(LIMIT_JWT);
	union {
		const struct jval *v;
		void *arg; /* which check_extra() only reads */
	} u = { .v = claims };
	enum tp_rc rc = jval_each(extra, check_extra, u.arg, err);

	if (rc != TP_OK)
		return rc;
	jval_write(extra, &text);
	if (text.rc == TP_TOO_LARGE)
		return tp_fail(err, TP_UNAVAILABLE,
			       "the authenticate hook adds claims of more than %d bytes",
			       LIMIT_JWT);
	return buf_rc(&text, "the claims", err);
}

/* It may refuse, or be in trouble; a code that says more than that is trouble. */
static enum tp_rc ask_hook(const struct auth_hooks *hooks, const struct auth_edge *edge,
			   const struct jval *claims, struct jval **ret_extra, struct tp_err *err)
{
	struct tp_err why = { 0 };
	enum tp_rc rc = hooks->authenticate(hooks->arg, edge, claims, ret_extra, &why);

	if (rc == TP_OK)
		return TP_OK;
	if (rc != TP_DENIED && rc != TP_FORBIDDEN && rc != TP_NOMEM && rc != TP_INTERNAL)
		rc = TP_UNAVAILABLE;
	return tp_fail(err, rc, "%s", why.msg);
}

enum tp_rc access_consult(const struct auth_ctx *a, const struct auth_edge *edge, struct access *x,
			  struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *extra = NULL;
	enum tp_rc rc;

	if (a->hooks == NULL || a->hooks->authenticate == NULL)
		return TP_OK;
	rc = ask_hook(a->hooks, edge, x->token->claims, &extra, err);
	if (rc == TP_OK)
		rc = judge_extra(x->token->claims, extra, err);
	if (rc != TP_OK)
		return rc;
	jval_release(x->extra);
	x->extra = extra;
	extra = NULL;
	return TP_OK;
}

struct span access_text(const struct access *x, struct span own, const char *claim)
{
	struct span text = own;

	if (own.p == NULL)
		(void)jval_str(jval_get(x->extra, claim), &text);
	return text;
}

enum tp_rc access_require(const struct access *x, const struct scope_set *needed,
			  struct tp_err *err)
{
	struct scope_set have;
	enum tp_rc rc;

	if (needed->n == 0)
		return TP_OK;
	rc = scope_from_claim(x->token->scopes, &have, err);
	if (rc != TP_OK || !scope_covers(&have, needed))
		return tp_fail(err, TP_FORBIDDEN, "the session lacks a scope that is needed here");
	return TP_OK;
}
