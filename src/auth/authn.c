/* SPDX-License-Identifier: MIT */
/*
 * The table of token handlers, and the judgement of what they return: only claims that can become
 * a token pass, and none that would pretend to be ours. How a handler comes to its claims is its
 * own affair.
 */
#include "auth/authn.h"

#include "auth/reserved.h"
#include "base/limits.h"
#include "token/token.h"

#include <stdlib.h>

#include "base/banned.h"

/* The base64url of a larger payload alone is over LIMIT_JWT. */
enum { CLAIMS_LIMIT = LIMIT_JWT / 4 * 3 };

struct authn {
	const struct authn_ops *ops;
	void *self;
};

static const struct authn_ops *const handlers[] = { &authn_htpasswd_ops, &authn_exec_ops,
						    &authn_https_ops,	 &authn_http_ops,
						    &authn_ldap_ops,	 &authn_pam_ops };

enum tp_rc authn_open_with(const struct authn_ops *ops, void *self, struct authn **ret,
			   struct tp_err *err)
{
	struct authn *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	n->ops = ops;
	n->self = self;
	*ret = n;
	return TP_OK;
}

static enum tp_rc no_such_handler(struct span scheme, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf known = BUF_INIT(sizeof(err->msg));

	for (size_t i = 0; i < TP_COUNT(handlers); i++)
		buf_printf(&known, "%s%s:...", i == 0 ? "" : ", ", handlers[i]->scheme);
	return tp_fail(err, TP_INVALID, "TOKEN_HANDLER: takes %s or module:..., not \"%.*s\"",
		       buf_cstr(&known), scheme.len < 40 ? (int)scheme.len : 40,
		       scheme.len > 0 ? scheme.p : "");
}

/* NULL: there is none of that name. */
static const struct authn_ops *find(struct span scheme)
{
	for (size_t i = 0; i < TP_COUNT(handlers); i++) {
		if (span_is(scheme, handlers[i]->scheme))
			return handlers[i];
	}
	return NULL;
}

enum tp_rc authn_open(const struct authn_spec *spec, struct authn **ret, struct tp_err *err)
{
	struct span arg = spec->handler, scheme = { NULL, 0 };
	struct authn_spec whole = *spec;
	const struct authn_ops *ops;
	void *self = NULL;
	enum tp_rc rc;

	if (arg.p != NULL)
		scheme = span_cut(&arg, ':');
	ops = find(scheme);
	if (ops == NULL || arg.p == NULL)
		return no_such_handler(scheme, err);
	if (whole.limit_ms == 0)
		whole.limit_ms = (int64_t)LIMIT_AUTHN_S * 1000;
	rc = ops->open(&whole, arg, &self, err);
	if (rc != TP_OK)
		return rc;
	rc = authn_open_with(ops, self, ret, err);
	if (rc != TP_OK)
		ops->close(self);
	return rc;
}

void authn_close(struct authn *n)
{
	if (n == NULL)
		return;
	if (n->ops->close != NULL)
		n->ops->close(n->self);
	free(n);
}

bool authn_is_cheap(const struct authn *n)
{
	return n->ops->cheap != NULL && n->ops->cheap(n->self);
}

bool authn_folds_names(const struct authn *n)
{
	return n->ops->folds != NULL && n->ops->folds(n->self);
}

enum tp_rc authn_probe(struct authn *n, struct tp_err *err)
{
	return n->ops->probe != NULL ? n->ops->probe(n->self, err) : TP_OK;
}

static enum tp_rc unusable(struct tp_err *err, const char *what)
{
	return tp_fail(err, TP_UNAVAILABLE, "the token handler returned %s", what);
}

static bool is_text_or_null(const struct jval *v)
{
	return v == NULL || jval_type(v) == JVAL_STR;
}

static enum tp_rc check_user_id(const struct jval *claims, const struct authn_request *r,
				struct tp_err *err)
{
	struct span user, session_user;

	if (!jval_has(claims, "user_id"))
		return unusable(err, "no user_id");
	if (!jval_str(jval_get(claims, "user_id"), &user))
		return unusable(err, "a user_id that is no string");
	if (!token_user_id_ok(user))
		return unusable(err, "a user_id that is not allowed");
	if (r->event == AUTHN_REFRESH &&
	    (!jval_str(jval_get(r->claims, "user_id"), &session_user) ||
	     !span_eq(user, session_user)))
		return unusable(err, "another user_id than the session's");
	return TP_OK;
}

static enum tp_rc check_size(const struct jval *claims, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(CLAIMS_LIMIT);

	jval_write(claims, &text);
	if (text.rc == TP_TOO_LARGE)
		return unusable(err, "claims too large for a token");
	return buf_rc(&text, "claims", err);
}

static enum tp_rc check_claims(const struct jval *claims, const struct authn_request *r,
			       struct tp_err *err)
{
	const struct jval *scopes;
	enum tp_rc rc;

	if (jval_type(claims) != JVAL_OBJECT)
		return unusable(err, "what is no JSON object");
	rc = check_user_id(claims, r, err);
	if (rc != TP_OK)
		return rc;
	scopes = jval_get(claims, "scopes");
	if (scopes != NULL && !token_scopes_ok(scopes))
		return unusable(err, "scopes that are no array of distinct scopes");
	if (!is_text_or_null(jval_get(claims, "username")))
		return unusable(err, "a username that is no string");
	if (!is_text_or_null(jval_get(claims, "email")))
		return unusable(err, "an email that is no string");
	/* Nobody here issues one, so nobody here would accept the token again. */
	if (jval_has(claims, "aud"))
		return unusable(err, "an aud, which tokens here do not have");
	return check_size(claims, err);
}

/* What a handler may answer is a yes, a no, or trouble; TP_INTERNAL is a program's that broke the
 * answer to the request. */
static enum tp_rc ask(const struct authn *n, const struct authn_request *r,
		      struct jval **ret_claims, struct tp_err *err)
{
	struct tp_err inner = { 0 };
	enum tp_rc rc = n->ops->ask(n->self, r, ret_claims, &inner);

	if (rc == TP_OK)
		return TP_OK;
	if (rc != TP_DENIED && rc != TP_NOMEM && rc != TP_INTERNAL)
		rc = TP_UNAVAILABLE;
	return tp_fail_retry(err, rc, inner.retry_s, "%s", inner.msg);
}

enum tp_rc authn_ask(struct authn *n, const struct authn_request *r, struct jval **ret_claims,
		     struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *claims = NULL;
	enum tp_rc rc;

	rc = ask(n, r, &claims, err);
	if (rc != TP_OK)
		return rc;
	reserved_strip(claims);
	rc = check_claims(claims, r, err);
	if (rc != TP_OK)
		return rc;
	*ret_claims = claims;
	claims = NULL;
	return TP_OK;
}
