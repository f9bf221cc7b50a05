/* SPDX-License-Identifier: MIT */
/*
 * The JWT of a session: which claims of the token handler go in, what is added, and how long it
 * holds. Where it is kept is auth/session; its bytes and signature are token/token.
 */
#include "auth/session.h"

#include "auth/reserved.h"
#include "base/limits.h"

#include "base/banned.h"

/* One character's bytes at the start of s; 0 when it is not valid UTF-8. */
static size_t char_len(struct span s)
{
	for (size_t n = 1; n <= 4 && n <= s.len; n++)
		if (span_is_utf8((struct span){ s.p, n }))
			return n;
	return 0;
}

size_t session_clean(struct span text, char ret[LIMIT_AGENT])
{
	size_t len = 0;

	while (text.len > 0) {
		size_t n = char_len(text);
		bool good = n > 0 && !span_has_control((struct span){ text.p, n });

		if (n == 0)
			n = 1;
		if (len + (good ? n : 1) > LIMIT_AGENT)
			break;
		if (good)
			memcpy(ret + len, text.p, n);
		else
			ret[len] = '?';
		len += good ? n : 1;
		text = (struct span){ text.p + n, text.len - n };
	}
	return len;
}

/* Left out when it says nothing. */
static enum tp_rc put_clean(struct jval *claims, const char *name, struct span text,
			    struct tp_err *err)
{
	char clean[LIMIT_AGENT];
	size_t len = session_clean(text, clean);

	return len > 0 ? jval_set_str(claims, name, (struct span){ clean, len }, err) : TP_OK;
}

static enum tp_rc put_scopes(struct jval *claims, const struct scope_set *scopes,
			     struct tp_err *err)
{
	struct jval *list = scope_to_claim(scopes);

	if (list == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	return jval_set(claims, "scopes", list, err);
}

static enum tp_rc put_sid(struct jval *claims, struct span handle, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf sid = BUF_INIT(SESSION_SID_LEN);
	enum tp_rc rc;

	session_sid(handle, &sid);
	rc = buf_rc(&sid, "the sid", err);
	return rc == TP_OK ? jval_set_str(claims, "sid", buf_view(&sid), err) : rc;
}

static enum tp_rc make_claims(const struct auth_ctx *a, const struct session_draft *draft,
			      int64_t now, int64_t exp, struct jval **ret, struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *c = NULL;
	enum tp_rc rc;

	rc = jval_copy(draft->claims, &c, err);
	reserved_strip(c);
	if (rc == TP_OK)
		rc = put_scopes(c, draft->scopes, err);
	if (rc == TP_OK)
		rc = jval_set_str(c, "iss", span_of(a->rules->issuer), err);
	if (rc == TP_OK)
		rc = jval_set_int(c, "iat", now, err);
	if (rc == TP_OK)
		rc = jval_set_int(c, "exp", exp, err);
	if (rc == TP_OK)
		rc = jval_set_str(c, "token_type", SPAN_LIT("access"), err);
	if (rc == TP_OK)
		rc = put_sid(c, draft->handle, err);
	if (rc == TP_OK)
		rc = jval_set_int(c, "auth_time", draft->auth_time, err);
	if (rc == TP_OK)
		rc = put_clean(c, "ip", draft->ip, err);
	if (rc == TP_OK)
		rc = put_clean(c, "agent", draft->agent, err);
	if (rc != TP_OK)
		return rc;
	*ret = c;
	c = NULL;
	return TP_OK;
}

/* Judged as every later request will do it: claims that cannot become a token are found out here,
 * and not by a user whose sessions never hold. */
static enum tp_rc sign(const struct auth_ctx *a, int64_t now, struct session_minted *m,
		       struct tp_err *err)
{
	size_t most = a->rules->bearer_is_jwt ? LIMIT_JWT_BEARER : LIMIT_JWT;
	struct tp_err why = { 0 };
	enum tp_rc rc;

	if (token_judge(a->verifier, m->claims, now, &why) != TP_OK)
		return tp_fail(err, TP_UNAVAILABLE, "the claims do not make a valid %s", why.msg);
	rc = token_sign(a->keys, m->claims, &m->jwt, err);
	if (rc == TP_TOO_LARGE || (rc == TP_OK && m->jwt.len > most))
		return tp_fail(err, TP_UNAVAILABLE,
			       "the claims make a JWT that is larger than %zu bytes", most);
	return rc;
}

enum tp_rc session_mint(const struct auth_ctx *a, const struct session_draft *draft,
			struct session_minted *ret, struct tp_err *err)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };
	int64_t now = clock_now(&a->clock), exp = now + a->rules->expiry_s;
	int64_t most = a->rules->session_max_s;
	enum tp_rc rc;

	if (most > 0 && exp > draft->auth_time + most)
		exp = draft->auth_time + most;
	if (exp <= now)
		return tp_fail(err, TP_EXPIRED, "the session has lasted as long as it may");
	rc = make_claims(a, draft, now, exp, &m.claims, err);
	if (rc == TP_OK)
		rc = sign(a, now, &m, err);
	if (rc == TP_OK)
		rc = secret_set(&m.handle, draft->handle, err);
	if (rc != TP_OK)
		return rc;
	m.expires_in_s = exp - now;
	*ret = m;
	m = (struct session_minted){ 0 };
	return TP_OK;
}
