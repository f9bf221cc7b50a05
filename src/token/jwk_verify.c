/* SPDX-License-Identifier: MIT */
/*
 * Verifies by the table of algorithms below. A header chooses a row of it, and a row fits one kind
 * of key only: so no public key is ever taken for a secret.
 */
#include "token/jwk_verify.h"

#include "base/codec.h"
#include "base/limits.h"
#include "token/jws.h"

#include <assert.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "base/banned.h"

struct alg {
	const char *name, *kind; /* of key */
	const EVP_MD *(*md)(void);
	size_t hash; /* bytes: the least of a secret */
	size_t half; /* of an ECDSA signature, bytes */
	/* 1 it is the signature; everything else is "no". */
	int (*check)(const struct alg *a, const struct jwk *k, struct span msg, struct span sig);
};

/* ---- what the families do ---- */

static int check_hmac(const struct alg *a, const struct jwk *k, struct span msg, struct span sig)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	bool equal;

	if (HMAC(a->md(), k->secret.p, (int)k->secret.len, (const unsigned char *)msg.p, msg.len,
		 mac, &len) == NULL)
		return -1;
	equal = secret_eq(sig, (struct span){ (const char *)mac, len });
	explicit_bzero(mac, sizeof(mac));
	return equal;
}

/* padding 0: the key type has none. */
static int check_digest(const EVP_MD *md, const struct jwk *k, int padding, struct span msg,
			struct span sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	int answer = -1;

	if (ctx == NULL)
		return -1;
	if (EVP_DigestVerifyInit(ctx, &pctx, md, NULL, k->pkey) == 1 &&
	    (padding == 0 || EVP_PKEY_CTX_set_rsa_padding(pctx, padding) == 1) &&
	    (padding != RSA_PKCS1_PSS_PADDING ||
	     (EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1 &&
	      EVP_PKEY_CTX_set_rsa_mgf1_md(pctx, md) == 1)))
		answer = EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.len,
					  (const unsigned char *)msg.p, msg.len);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return answer;
}

static int check_rs(const struct alg *a, const struct jwk *k, struct span msg, struct span sig)
{
	return check_digest(a->md(), k, RSA_PKCS1_PADDING, msg, sig);
}

static int check_ps(const struct alg *a, const struct jwk *k, struct span msg, struct span sig)
{
	return check_digest(a->md(), k, RSA_PKCS1_PSS_PADDING, msg, sig);
}

static int check_ed(const struct alg *a, const struct jwk *k, struct span msg, struct span sig)
{
	(void)a;
	return check_digest(NULL, k, 0, msg, sig);
}

/* R and S of fixed width (RFC 7518 section 3.4) in the DER that OpenSSL reads; false: no memory. */
static bool to_der(struct span sig, size_t half, unsigned char **ret, int *ret_len)
{
	const unsigned char *p = (const unsigned char *)sig.p;
	BIGNUM *r = BN_bin2bn(p, (int)half, NULL), *s = BN_bin2bn(p + half, (int)half, NULL);
	ECDSA_SIG *both = ECDSA_SIG_new();

	if (r == NULL || s == NULL || both == NULL || ECDSA_SIG_set0(both, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		ECDSA_SIG_free(both);
		return false;
	}
	*ret_len = i2d_ECDSA_SIG(both, ret);
	ECDSA_SIG_free(both);
	return *ret_len > 0;
}

static int check_es(const struct alg *a, const struct jwk *k, struct span msg, struct span sig)
{
	unsigned char *der = NULL;
	int len = 0, answer;

	if (sig.len != 2 * a->half)
		return 0;
	if (!to_der(sig, a->half, &der, &len))
		return -1;
	answer = check_digest(a->md(), k, 0, msg, (struct span){ (const char *)der, (size_t)len });
	OPENSSL_free(der);
	return answer;
}

/* clang-format off */
static const struct alg algs[] = {
	{ "HS256",   "oct",     EVP_sha256, 32,  0, check_hmac },
	{ "HS384",   "oct",     EVP_sha384, 48,  0, check_hmac },
	{ "HS512",   "oct",     EVP_sha512, 64,  0, check_hmac },
	{ "RS256",   "RSA",     EVP_sha256,  0,  0, check_rs },
	{ "RS384",   "RSA",     EVP_sha384,  0,  0, check_rs },
	{ "RS512",   "RSA",     EVP_sha512,  0,  0, check_rs },
	{ "PS256",   "RSA",     EVP_sha256,  0,  0, check_ps },
	{ "PS384",   "RSA",     EVP_sha384,  0,  0, check_ps },
	{ "PS512",   "RSA",     EVP_sha512,  0,  0, check_ps },
	{ "ES256",   "P-256",   EVP_sha256,  0, 32, check_es },
	{ "ES384",   "P-384",   EVP_sha384,  0, 48, check_es },
	{ "ES512",   "P-521",   EVP_sha512,  0, 66, check_es },
	{ "EdDSA",   "Ed25519", NULL,        0,  0, check_ed },
	{ "Ed25519", "Ed25519", NULL,        0,  0, check_ed },
};
/* clang-format on */

static const struct alg *find_alg(struct span name)
{
	for (size_t i = 0; i < TP_COUNT(algs); i++) {
		if (span_is(name, algs[i].name))
			return &algs[i];
	}
	return NULL;
}

/* ---- which key ---- */

/* Why this key is not to be asked; NULL: it is. */
static const char *why_not(const struct jwk *k, const struct alg *a, struct span kid)
{
	if (kid.p != NULL && k->kid.p != NULL && !span_eq(kid, k->kid))
		return "its kid is not the header's";
	if (k->kind == NULL)
		return k->unfit;
	if (strcmp(k->kind, a->kind) != 0)
		return "the algorithm takes another type of key";
	if (k->alg.p != NULL && !span_is(k->alg, a->name))
		return "its \"alg\" is another one";
	return NULL;
}

/* What is signed, and by what. */
struct claim {
	const struct alg *alg;
	struct span kid, msg, sig;
	bool short_secret_ok;
};

static enum tp_rc ask_keys(const struct jwk_set *keys, const struct claim *c,
			   const struct jwk **ret, struct tp_err *err)
{
	const char *first = NULL;
	bool asked = false;

	for (size_t i = 0; i < keys->n; i++) {
		const struct jwk *k = &keys->v[i];
		const char *why = why_not(k, c->alg, c->kid);

		if (why == NULL && k->secret.len < c->alg->hash && !c->short_secret_ok)
			why = "the secret is shorter than the hash (RFC 7518 section 3.2)";
		if (first == NULL)
			first = why;
		if (why != NULL)
			continue;
		asked = true;
		if (c->alg->check(c->alg, k, c->msg, c->sig) == 1) {
			*ret = k;
			return TP_OK;
		}
	}
	if (!asked && keys->n == 1)
		return tp_fail(err, TP_DENIED, "the key does not fit: %s", first);
	if (!asked)
		return tp_fail(err, TP_DENIED, "none of %zu keys fits; of the first: %s", keys->n,
			       first);
	return tp_fail(err, TP_DENIED, "the key did not make this signature");
}

/* ---- compact serialization ---- */

/* A stranger's bytes are refused, and not invalid; only trouble of our own stays what it is. */
static enum tp_rc refuse(enum tp_rc rc, struct tp_err *err, const char *what)
{
	return rc == TP_NOMEM ? tp_fail(err, TP_NOMEM, "out of memory")
			      : tp_fail(err, TP_DENIED, "%s", what);
}

static enum tp_rc read_header(struct span text, struct claim *c, struct jval **ret,
			      struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(LIMIT_JWS);
	enum tp_rc rc = codec_b64url_get(text, &json, NULL);
	struct span alg;

	if (rc != TP_OK)
		return refuse(rc, err, "the header is not base64url");
	rc = jval_parse(buf_view(&json), ret, NULL);
	if (rc != TP_OK || jval_type(*ret) != JVAL_OBJECT)
		return refuse(rc, err, "the header is no JSON object, or has a member twice");
	if (!jval_str(jval_get(*ret, "alg"), &alg))
		return refuse(TP_DENIED, err, "the header has no \"alg\"");
	c->alg = find_alg(alg);
	if (c->alg == NULL)
		return refuse(TP_DENIED, err,
			      span_is_nocase(alg, "none") ? "alg is none: nothing is signed"
							  : "alg is none that is known here");
	/* RFC 7515 4.1.11: what must be understood and is not. RFC 7797: another signing input. */
	if (jval_has(*ret, "crit") || jval_has(*ret, "b64"))
		return refuse(TP_DENIED, err, "the header has \"crit\" or \"b64\"");
	if (jval_has(*ret, "kid") && !jval_str(jval_get(*ret, "kid"), &c->kid))
		return refuse(TP_DENIED, err, "kid is no text");
	return TP_OK;
}

void jwk_verified_release(struct jwk_verified *j)
{
	buf_release(&j->payload);
	*j = (struct jwk_verified){ .alg = { NULL, 0 } };
}

enum tp_rc jwk_verify(const struct jwk_set *keys, struct span compact, struct jwk_verified *ret,
		      struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf sig = BUF_INIT(LIMIT_JWS);
	TP_CLEANUP(buf_release) struct buf payload = BUF_INIT(LIMIT_JWS);
	TP_CLEANUP(jval_cleanup) struct jval *header = NULL;
	const struct jwk *k = NULL;
	struct claim c = { .alg = NULL };
	struct jws parts;
	enum tp_rc rc;

	if (compact.len > LIMIT_JWS)
		return tp_fail(err, TP_TOO_LARGE, "the JWS is larger than %d bytes", LIMIT_JWS);
	if (!jws_cut(compact, &parts))
		return refuse(TP_DENIED, err, "it has not three parts");
	rc = read_header(parts.header, &c, &header, err);
	if (rc != TP_OK)
		return rc;
	assert(c.alg != NULL);
	rc = codec_b64url_get(parts.payload, &payload, NULL);
	if (rc == TP_OK)
		rc = codec_b64url_get(parts.sig, &sig, NULL);
	if (rc != TP_OK)
		return refuse(rc, err, "the payload or the signature is not base64url");
	c.msg = parts.input;
	c.sig = buf_view(&sig);
	rc = ask_keys(keys, &c, &k, err);
	if (rc != TP_OK || ret == NULL)
		return rc;
	assert(k != NULL);
	*ret = (struct jwk_verified){ span_of(c.alg->name), k->kid, payload };
	payload = (struct buf)BUF_INIT(0);
	return TP_OK;
}

enum tp_rc jwk_verify_raw(const struct jwk_set *keys, struct span alg, struct span msg,
			  struct span sig, struct tp_err *err)
{
	struct claim c = { find_alg(alg), { NULL, 0 }, msg, sig, true };
	const struct jwk *k = NULL;

	if (c.alg == NULL)
		return tp_fail(err, TP_NO_ROUTE, "no such algorithm here: %.20s",
			       span_has_control(alg) ? "?" : alg.p);
	return ask_keys(keys, &c, &k, err);
}
