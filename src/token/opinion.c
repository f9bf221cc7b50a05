/* SPDX-License-Identifier: MIT */
/*
 * Asks the loadable object that stands before libjwt, in both directions. It compares two
 * implementations and is part of neither.
 */
#include "token/opinion.h"

#include "base/limits.h"
#include "base/object.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "base/banned.h"

enum { OPINION_TTL_S = 60 };

static const char opinion_issuer[] = "tpauth-opinion";

static enum tp_rc make_claims(int64_t now_s, struct jval **ret, struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *c = jval_new_object();
	enum tp_rc rc = c != NULL ? TP_OK : tp_fail(err, TP_NOMEM, "out of memory");

	if (rc == TP_OK)
		rc = jval_set_str(c, "iss", span_of(opinion_issuer), err);
	if (rc == TP_OK)
		rc = jval_set_str(c, "user_id", SPAN_LIT("opinion"), err);
	if (rc == TP_OK)
		rc = jval_set_str(c, "token_type", SPAN_LIT("access"), err);
	if (rc == TP_OK)
		rc = jval_set_int(c, "iat", now_s, err);
	if (rc == TP_OK)
		rc = jval_set_int(c, "exp", now_s + OPINION_TTL_S, err);
	if (rc != TP_OK)
		return rc;
	*ret = c;
	c = NULL;
	return TP_OK;
}

static enum tp_rc ask_verify(const struct keyring *k, const struct opinion_module *m,
			     const struct jval *claims, struct tp_err *err)
{
	TP_CLEANUP(secret_release) struct secret jwt = { NULL, 0 };
	struct span key = keyring_material(k, false);
	enum tp_rc rc = token_sign(k, claims, &jwt, err);

	if (rc != TP_OK)
		return rc;
	if (m->verify(keyring_alg_name(k), key.p, key.len, jwt.p) != 0)
		return tp_fail(err, TP_INVALID, "libjwt refuses a token that the %s key signed",
			       keyring_alg_name(k));
	return TP_OK;
}

static enum tp_rc verify_theirs(const struct keyring *k, struct span jwt, int64_t now_s,
				struct tp_err *err)
{
	const struct token_rules rules = { opinion_issuer, 0 };
	struct token_verifier *v = NULL;
	const struct token *t;
	enum tp_rc rc = token_verifier_open(k, &rules, &v, err);

	if (rc != TP_OK)
		return rc;
	rc = token_verify(v, jwt, TOKEN_STORED, now_s, &t, err);
	token_verifier_close(v);
	if (rc == TP_DENIED || rc == TP_EXPIRED)
		return tp_fail(err, TP_INVALID, "a token that libjwt signed with the %s key is bad",
			       keyring_alg_name(k));
	return rc;
}

static enum tp_rc ask_sign(const struct keyring *k, const struct opinion_module *m,
			   const struct jval *claims, int64_t now_s, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf payload = BUF_INIT(LIMIT_JWT);
	struct span key = keyring_material(k, true);
	char *jwt = NULL;
	enum tp_rc rc;

	jval_write(claims, &payload);
	rc = buf_rc(&payload, "the claims", err);
	if (rc != TP_OK)
		return rc;
	if (m->sign(keyring_alg_name(k), key.p, key.len, buf_cstr(&payload), &jwt) != 0)
		return tp_fail(err, TP_INVALID, "libjwt cannot sign with the %s key",
			       keyring_alg_name(k));
	rc = verify_theirs(k, span_of(jwt), now_s, err);
	explicit_bzero(jwt, strlen(jwt));
	free(jwt);
	return rc;
}

enum tp_rc opinion_ask(const struct keyring *k, const char *module_dir, int64_t now_s,
		       struct tp_err *err)
{
	TP_CLEANUP(object_unload) struct object o = { NULL, NULL };
	TP_CLEANUP(jval_cleanup) struct jval *claims = NULL;
	enum tp_rc rc;

	if (!keyring_may_sign(k))
		return TP_OK;
	rc = object_load(&o, module_dir, OPINION_FILE, OPINION_SYMBOL, OPINION_ABI, err);
	if (rc != TP_OK)
		return tp_fail(err, rc, "libjwt: %s", err->msg);
	rc = make_claims(now_s, &claims, err);
	if (rc == TP_OK)
		rc = ask_verify(k, o.table, claims, err);
	if (rc == TP_OK)
		rc = ask_sign(k, o.table, claims, now_s, err);
	ERR_clear_error(); /* libjwt leaves its failures in the thread's queue, where TLS looks */
	return rc;
}
