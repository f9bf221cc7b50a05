/* SPDX-License-Identifier: MIT */
/*
 * Reads JWKs. Owns which members a key type has and in which form; what may be verified with a key
 * is decided by jwk_verify.c.
 */
#include "token/jwk.h"

#include "base/codec.h"
#include "base/limits.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>

#include "base/banned.h"

enum { RSA_LEAST = 2048, RSA_MOST = 8192, NUMBER_MOST = RSA_MOST / 8, POINT_MOST = 133 };

static void pkey_ctx_cleanup(EVP_PKEY_CTX **c)
{
	EVP_PKEY_CTX_free(*c);
}

static void bld_cleanup(OSSL_PARAM_BLD **b)
{
	OSSL_PARAM_BLD_free(*b);
}

static void params_cleanup(OSSL_PARAM **p)
{
	OSSL_PARAM_free(*p);
}

static void bn_cleanup(BIGNUM **n)
{
	BN_free(*n);
}

static enum tp_rc unfit(struct jwk *k, const char *why)
{
	k->kind = NULL;
	k->unfit = why;
	return TP_OK;
}

/* The bytes of a member in base64url. */
static enum tp_rc get_bytes(const struct jval *v, const char *name, struct buf *out,
			    struct tp_err *err)
{
	struct span text;

	if (!jval_str(jval_get(v, name), &text) || text.len == 0)
		return tp_fail(err, TP_INVALID, "\"%s\" is missing, or no text", name);
	if (codec_b64url_get(text, out, NULL) != TP_OK)
		return out->rc == TP_NOMEM ? tp_fail(err, TP_NOMEM, "out of memory")
					   : tp_fail(err, TP_INVALID,
						     "\"%s\" is no base64url of at most %zu bytes",
						     name, out->cap);
	return TP_OK;
}

/* ---- kty: oct, RSA, EC, OKP ---- */

static enum tp_rc read_oct(const struct jval *v, struct jwk *k, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf bytes = BUF_INIT(LIMIT_SECRET);
	enum tp_rc rc = get_bytes(v, "k", &bytes, err);

	if (rc == TP_OK)
		rc = secret_set(&k->secret, buf_view(&bytes), err);
	k->kind = "oct";
	return rc;
}

/* Of type "RSA", "EC" or "ED25519", from what is in *params. */
static enum tp_rc make_pkey(const char *type, OSSL_PARAM *params, struct jwk *k, struct tp_err *err)
{
	TP_CLEANUP(pkey_ctx_cleanup)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	bool made = params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
		    EVP_PKEY_fromdata(ctx, &k->pkey, EVP_PKEY_PUBLIC_KEY, params) == 1;

	ERR_clear_error();
	return made ? TP_OK
		    : tp_fail(err, TP_INVALID, "its numbers are no public key of kty \"%s\"", type);
}

/* RFC 7518 section 2: as few bytes as the number needs. */
static enum tp_rc get_number(const struct jval *v, const char *name, BIGNUM **ret,
			     struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf bytes = BUF_INIT(NUMBER_MOST);
	enum tp_rc rc = get_bytes(v, name, &bytes, err);

	if (rc != TP_OK)
		return rc;
	if (bytes.p[0] == '\0')
		return tp_fail(err, TP_INVALID, "\"%s\" begins with a byte of zero", name);
	*ret = BN_bin2bn((const unsigned char *)bytes.p, (int)bytes.len, NULL);
	return *ret != NULL ? TP_OK : tp_fail(err, TP_NOMEM, "out of memory");
}

static enum tp_rc read_rsa(const struct jval *v, struct jwk *k, struct tp_err *err)
{
	TP_CLEANUP(bld_cleanup) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	TP_CLEANUP(params_cleanup) OSSL_PARAM *params = NULL;
	TP_CLEANUP(bn_cleanup) BIGNUM *n = NULL;
	TP_CLEANUP(bn_cleanup) BIGNUM *e = NULL;
	enum tp_rc rc = get_number(v, "n", &n, err);
	int bits;

	if (rc == TP_OK)
		rc = get_number(v, "e", &e, err);
	if (rc != TP_OK)
		return rc;
	bits = BN_num_bits(n);
	if (bits < RSA_LEAST || bits > RSA_MOST)
		return unfit(k, "RSA keys have 2048 to 8192 bits here");
	if (!BN_is_odd(n) || !BN_is_odd(e) || BN_is_one(e))
		return tp_fail(err, TP_INVALID, "\"n\" and \"e\" are no RSA key");
	if (bld != NULL && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(bld);
	k->kind = "RSA";
	return make_pkey("RSA", params, k, err);
}

static const struct curve {
	const char *name;
	size_t size; /* of a coordinate, bytes */
} curves[] = {
	{ "P-256", 32 },
	{ "P-384", 48 },
	{ "P-521", 66 },
};

static enum tp_rc put_coordinate(const struct jval *v, const char *name, size_t size,
				 struct buf *point, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf bytes = BUF_INIT(size);
	enum tp_rc rc = get_bytes(v, name, &bytes, err);

	if (rc == TP_OK && bytes.len != size)
		rc = tp_fail(err, TP_INVALID, "\"%s\" has not the curve's %zu bytes", name, size);
	if (rc == TP_OK)
		buf_span(point, buf_view(&bytes));
	return rc;
}

static enum tp_rc read_point(const struct jval *v, const struct curve *c, struct jwk *k,
			     struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf point = BUF_INIT(POINT_MOST);
	TP_CLEANUP(bld_cleanup) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	TP_CLEANUP(params_cleanup) OSSL_PARAM *params = NULL;
	enum tp_rc rc;

	buf_char(&point, '\x04'); /* uncompressed, SEC 1 section 2.3.3 */
	rc = put_coordinate(v, "x", c->size, &point, err);
	if (rc == TP_OK)
		rc = put_coordinate(v, "y", c->size, &point, err);
	if (rc == TP_OK)
		rc = buf_rc(&point, "a point", err);
	if (rc != TP_OK)
		return rc;
	if (bld != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, c->name, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.len) == 1)
		params = OSSL_PARAM_BLD_to_param(bld);
	k->kind = c->name;
	return make_pkey("EC", params, k, err);
}

static enum tp_rc read_ec(const struct jval *v, struct jwk *k, struct tp_err *err)
{
	struct span crv;

	if (!jval_str(jval_get(v, "crv"), &crv))
		return tp_fail(err, TP_INVALID, "\"crv\" is missing, or no text");
	for (size_t i = 0; i < TP_COUNT(curves); i++) {
		if (span_is(crv, curves[i].name))
			return read_point(v, &curves[i], k, err);
	}
	return unfit(k, "its \"crv\" is none of P-256, P-384 and P-521");
}

enum { ED25519_SIZE = 32 };

static enum tp_rc read_okp(const struct jval *v, struct jwk *k, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf x = BUF_INIT(ED25519_SIZE);
	struct span crv;
	enum tp_rc rc;

	if (!jval_str(jval_get(v, "crv"), &crv))
		return tp_fail(err, TP_INVALID, "\"crv\" is missing, or no text");
	if (!span_is(crv, "Ed25519"))
		return unfit(k, "its \"crv\" is not Ed25519");
	rc = get_bytes(v, "x", &x, err);
	if (rc == TP_OK && x.len != ED25519_SIZE)
		rc = tp_fail(err, TP_INVALID, "\"x\" has not %d bytes", ED25519_SIZE);
	if (rc != TP_OK)
		return rc;
	k->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x.p,
					      x.len);
	ERR_clear_error();
	k->kind = "Ed25519";
	return k->pkey != NULL ? TP_OK : tp_fail(err, TP_INVALID, "\"x\" is no public key");
}

/* ---- one key ---- */

static const struct {
	const char *kty;
	enum tp_rc (*read)(const struct jval *v, struct jwk *k, struct tp_err *err);
} types[] = {
	{ "EC", read_ec },
	{ "OKP", read_okp },
	{ "RSA", read_rsa },
	{ "oct", read_oct },
};

static bool text_or_none(const struct jval *v, const char *name, struct span *ret)
{
	return !jval_has(v, name) || jval_str(jval_get(v, name), ret);
}

/* False: "key_ops" is not what RFC 7517 section 4.3 has: an array of distinct texts. */
static bool get_ops(const struct jval *ops, bool *ret_verifies)
{
	struct span a, b;

	if (jval_type(ops) != JVAL_ARRAY || jval_count(ops) > LIMIT_JWKS)
		return false;
	for (size_t i = 0; i < jval_count(ops); i++) {
		if (!jval_str(jval_at(ops, i), &a))
			return false;
		for (size_t j = 0; j < i; j++) {
			if (jval_str(jval_at(ops, j), &b) && span_eq(a, b))
				return false;
		}
		if (span_is(a, "verify"))
			*ret_verifies = true;
	}
	return true;
}

/* What the key says it is for: RFC 7517 sections 4.2 and 4.3. */
static enum tp_rc read_purpose(const struct jval *v, struct jwk *k, struct tp_err *err)
{
	struct span use = { NULL, 0 };
	bool verifies = !jval_has(v, "key_ops");

	if (!text_or_none(v, "use", &use) || !text_or_none(v, "alg", &k->alg) ||
	    !text_or_none(v, "kid", &k->kid))
		return tp_fail(err, TP_INVALID, "\"use\", \"alg\" or \"kid\" is no text");
	if (!verifies && !get_ops(jval_get(v, "key_ops"), &verifies))
		return tp_fail(err, TP_INVALID, "\"key_ops\" is no list of distinct texts");
	if (use.p != NULL && !span_is(use, "sig"))
		return unfit(k, "its \"use\" is not \"sig\"");
	return verifies ? TP_OK : unfit(k, "its \"key_ops\" has no \"verify\"");
}

static enum tp_rc read_key(const struct jval *v, struct jwk *k, struct tp_err *err)
{
	struct span kty;
	enum tp_rc rc;

	if (!jval_str(jval_get(v, "kty"), &kty))
		return tp_fail(err, TP_INVALID, "no JWK: \"kty\" is missing, or no text");
	for (size_t i = 0; i < TP_COUNT(types); i++) {
		if (!span_is(kty, types[i].kty))
			continue;
		rc = types[i].read(v, k, err);
		return rc == TP_OK && k->kind != NULL ? read_purpose(v, k, err) : rc;
	}
	return unfit(k, "its \"kty\" is none of EC, OKP, RSA and oct");
}

/* ---- a set ---- */

static void key_release(struct jwk *k)
{
	secret_release(&k->secret);
	EVP_PKEY_free(k->pkey);
	*k = (struct jwk){ .kind = NULL };
}

void jwk_set_release(struct jwk_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		key_release(&s->v[i]);
	free(s->v);
	jval_release(s->tree);
	*s = (struct jwk_set){ .n = 0 };
}

static enum tp_rc read_keys(const struct jval *keys, struct jwk_set *s, struct tp_err *err)
{
	enum tp_rc rc = TP_OK;

	for (; rc == TP_OK && s->n < jval_count(keys); s->n++) {
		struct jwk *k = &s->v[s->n];

		rc = read_key(jval_at(keys, s->n), k, err);
		if (rc == TP_INVALID) {
			key_release(k);
			rc = unfit(k, "it is no whole JWK");
		}
	}
	return rc;
}

/* The keys of a set, or NULL for what is one key itself. */
static enum tp_rc open_tree(struct jwk_set *s, struct tp_err *err)
{
	const struct jval *keys = jval_get(s->tree, "keys");
	size_t n = jval_has(s->tree, "keys") ? jval_count(keys) : 1;
	enum tp_rc rc;

	if (jval_type(s->tree) != JVAL_OBJECT)
		return tp_fail(err, TP_INVALID, "no JWK: not a JSON object");
	if (jval_has(s->tree, "keys") && (jval_type(keys) != JVAL_ARRAY || n == 0))
		return tp_fail(err, TP_INVALID, "no JWK set: \"keys\" is no list of keys");
	if (n > LIMIT_JWKS)
		return tp_fail(err, TP_INVALID, "more than %d keys", LIMIT_JWKS);
	s->v = calloc(n, sizeof(*s->v));
	if (s->v == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	if (keys != NULL)
		return read_keys(keys, s, err);
	s->n = 1;
	rc = read_key(s->tree, &s->v[0], err);
	return rc;
}

enum tp_rc jwk_set_open(struct span json, struct jwk_set *ret, struct tp_err *err)
{
	TP_CLEANUP(jwk_set_release) struct jwk_set s = { .n = 0 };
	enum tp_rc rc = jval_parse(json, &s.tree, err);

	if (rc == TP_OK)
		rc = open_tree(&s, err);
	if (rc != TP_OK)
		return rc;
	*ret = s;
	s = (struct jwk_set){ .n = 0 };
	return TP_OK;
}
