/* SPDX-License-Identifier: MIT */
/*
 * Asks the loadable object that stands before libjwt, in both directions. It compares two
 * implementations and is part of neither.
 */
#include "token/opinion.h"

#include "base/limits.h"

#include <dlfcn.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

enum { OPINION_TTL_S = 60 };

static const char opinion_issuer[] = "tpauth-opinion";

static void object_cleanup(void **handle)
{
	if (*handle != NULL)
		dlclose(*handle);
}

static const char *why(void)
{
	return dlerror(); /* NOLINT(concurrency-mt-unsafe): there are no threads */
}

/* NULL: TP_UNAVAILABLE. */
static const struct opinion_module *load(const char *module_dir, void **ret_handle,
					 struct tp_err *err)
{
	char path[PATH_MAX];
	const struct opinion_module *m;
	int n = snprintf(path, sizeof(path), "%s/tpauth_libjwt.so", module_dir);

	if (n < 0 || (size_t)n >= sizeof(path)) {
		tp_fail(err, TP_UNAVAILABLE, "the module folder's name is too long");
		return NULL;
	}
	*ret_handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (*ret_handle == NULL) {
		tp_fail(err, TP_UNAVAILABLE, "libjwt: %s", why());
		return NULL;
	}
	m = dlsym(*ret_handle, OPINION_SYMBOL);
	if (m == NULL || m->abi != OPINION_ABI) {
		tp_fail(err, TP_UNAVAILABLE, "libjwt: %s is of another version", path);
		return NULL;
	}
	return m;
}

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
	TP_CLEANUP(object_cleanup) void *handle = NULL;
	TP_CLEANUP(jval_cleanup) struct jval *claims = NULL;
	const struct opinion_module *m;
	enum tp_rc rc;

	if (!keyring_may_sign(k))
		return TP_OK;
	m = load(module_dir, &handle, err);
	if (m == NULL)
		return TP_UNAVAILABLE;
	rc = make_claims(now_s, &claims, err);
	if (rc == TP_OK)
		rc = ask_verify(k, m, claims, err);
	if (rc == TP_OK)
		rc = ask_sign(k, m, claims, now_s, err);
	ERR_clear_error(); /* libjwt leaves its failures in the thread's queue, where TLS looks */
	return rc;
}
