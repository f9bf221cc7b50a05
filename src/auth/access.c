/* SPDX-License-Identifier: MIT */
/*
 * From what a request shows to the session behind it. Which of its parts counts is decided here;
 * whether the session holds is auth/session's answer.
 */
#include "auth/access.h"

#include "auth/session.h"
#include "base/codec.h"

#include "base/banned.h"

void access_release(struct access *x)
{
	secret_release(&x->handle);
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
