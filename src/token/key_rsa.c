/* SPDX-License-Identifier: MIT */
/*
 * RS256: RSASSA-PKCS1-v1_5 with SHA-256, RFC 7518 section 3.3. Owns reading a PEM from a setting or
 * a file, and the rules for an RSA key. What is prepared here is used without a copy: signing and
 * verifying of a ready digest leave an EVP_PKEY_CTX as it was.
 */
#include "token/key.h"

#include "base/codec.h"
#include "base/limits.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/banned.h"

enum { BITS_LEAST = 2048, BITS_MOST = KEYRING_SIG_MOST * 8, JWK_MOST = 4 * KEYRING_SIG_MOST };

static void pkey_cleanup(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}

static void bio_cleanup(BIO **b)
{
	BIO_free_all(*b);
}

static void bn_cleanup(BIGNUM **n)
{
	BN_free(*n);
}

/* OpenSSL's queue of errors is the thread's, and TLS code reads it: nothing may stay there. */
static enum tp_rc fail_clean(struct tp_err *err, const char *name, const char *what)
{
	ERR_clear_error();
	return tp_fail(err, TP_INVALID, "%s %s", name, what);
}

/* Puts s with the two characters \n made a line feed, as a PEM in one line of a .env file has it.
 */
static void put_unescaped(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (c == '\\' && i + 1 < s.len && s.p[i + 1] == 'n') {
			c = '\n';
			i++;
		}
		buf_char(out, c);
	}
}

/* What stands after the first "-----BEGIN ", or an absent span. */
static struct span pem_block(struct span s)
{
	static const char mark[] = "-----BEGIN ";
	const char *at = s.len > 0 ? memmem(s.p, s.len, mark, sizeof(mark) - 1) : NULL;

	if (at == NULL)
		return (struct span){ NULL, 0 };
	at += sizeof(mark) - 1;
	return (struct span){ at, s.len - (size_t)(at - s.p) };
}

/* One block, of one of two kinds: what is in the wrong place must not be read as something else. */
static enum tp_rc pem_check(struct span block, const char *name, bool is_private,
			    struct tp_err *err)
{
	if (memmem(block.p, block.len, "ENCRYPTED", 9) != NULL)
		return tp_fail(err, TP_INVALID, "%s is encrypted: a key without password is needed",
			       name);
	if (pem_block(block).p != NULL)
		return tp_fail(err, TP_INVALID, "%s holds more than one PEM block", name);
	if (span_starts(block, is_private ? "PRIVATE KEY-----" : "PUBLIC KEY-----") ||
	    span_starts(block, is_private ? "RSA PRIVATE KEY-----" : "RSA PUBLIC KEY-----"))
		return TP_OK;
	return tp_fail(err, TP_INVALID, "%s is a PEM, but not of an RSA %s key", name,
		       is_private ? "private" : "public");
}

/* The PEM of a setting that holds it as it is, with \n escapes, or as base64. */
static enum tp_rc pem_get(struct span setting, const char *name, bool is_private,
			  struct secret *ret, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf pem = BUF_INIT(LIMIT_PEM);
	struct span block = { NULL, 0 };
	enum tp_rc rc;

	if (setting.len > LIMIT_PEM)
		return tp_fail(err, TP_INVALID, "%s is longer than %d bytes", name, LIMIT_PEM);
	if (pem_block(setting).p != NULL) {
		put_unescaped(setting, &pem);
		rc = buf_rc(&pem, name, err);
	} else {
		rc = codec_b64_get(setting, &pem, err);
	}
	if (rc == TP_OK)
		block = pem_block(buf_view(&pem));
	if (rc == TP_INVALID || (rc == TP_OK && block.p == NULL))
		return tp_fail(err, TP_INVALID, "%s is neither a PEM nor the base64 of one", name);
	if (rc == TP_OK)
		rc = pem_check(block, name, is_private, err);
	if (rc == TP_OK)
		secret_take(ret, &pem);
	return rc;
}

/* OpenSSL would else ask the terminal. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is OpenSSL's */
static int no_password(char *p, int size, int writing, void *arg)
{
	(void)p;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static enum tp_rc pkey_read(struct span pem, const char *name, bool is_private, EVP_PKEY **ret,
			    struct tp_err *err)
{
	TP_CLEANUP(pkey_cleanup) EVP_PKEY *p = NULL;
	TP_CLEANUP(bio_cleanup) BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);
	int bits;

	if (bio == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	p = is_private ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL)
		       : PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
	if (p == NULL)
		return fail_clean(err, name, "is a PEM that OpenSSL cannot read");
	ERR_clear_error(); /* the decoders leave notes of what they tried */
	if (!EVP_PKEY_is_a(p, "RSA"))
		return tp_fail(err, TP_INVALID, "%s is not an RSA key", name);
	bits = EVP_PKEY_get_bits(p);
	if (bits < BITS_LEAST || bits > BITS_MOST)
		return tp_fail(err, TP_INVALID, "%s has %d bits: RS256 takes %d to %d", name, bits,
			       BITS_LEAST, BITS_MOST);
	*ret = p;
	p = NULL;
	return TP_OK;
}

static EVP_PKEY_CTX *prepare(EVP_PKEY *p, int (*init)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, p, NULL);

	if (ctx != NULL &&
	    (init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
	     EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1)) {
		EVP_PKEY_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

/* Base64url of the big-endian bytes, without leading zeros (RFC 7518 section 2). */
static bool put_number(const EVP_PKEY *p, const char *param, struct buf *out)
{
	TP_CLEANUP(bn_cleanup) BIGNUM *n = NULL;
	unsigned char bytes[KEYRING_SIG_MOST];
	int len;

	if (EVP_PKEY_get_bn_param(p, param, &n) != 1 || BN_num_bytes(n) > (int)sizeof(bytes))
		return false;
	len = BN_bn2bin(n, bytes);
	codec_b64url_put(out, (struct span){ (const char *)bytes, (size_t)len });
	return len > 0;
}

bool key_rsa_jwk(const struct evp_pkey_st *p, struct buf *out)
{
	bool whole;

	buf_str(out, "{\"e\":\"");
	whole = put_number(p, OSSL_PKEY_PARAM_RSA_E, out);
	buf_str(out, "\",\"kty\":\"RSA\",\"n\":\"");
	whole = put_number(p, OSSL_PKEY_PARAM_RSA_N, out) && whole;
	buf_str(out, "\"}");
	return whole;
}

static enum tp_rc set_kid(struct key *k, const EVP_PKEY *p, const char *name, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(JWK_MOST);

	if (!key_rsa_jwk(p, &json))
		return fail_clean(err, name, "has no usable modulus and exponent");
	return key_set_kid(k, &json, err);
}

/* Half of a key: what verifies, and its name. */
static enum tp_rc rsa_open_public(EVP_PKEY *p, const char *name, struct key *ret,
				  struct tp_err *err)
{
	ret->verifier = prepare(p, EVP_PKEY_verify_init);
	if (ret->verifier == NULL)
		return fail_clean(err, name, "cannot be used by OpenSSL to verify");
	return set_kid(ret, p, name, err);
}

/* For libjwt, which wants text where there is only a private key. */
static enum tp_rc public_pem(EVP_PKEY *p, const char *name, struct secret *ret, struct tp_err *err)
{
	TP_CLEANUP(bio_cleanup) BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len;

	if (bio == NULL || PEM_write_bio_PUBKEY(bio, p) != 1)
		return fail_clean(err, name, "has no public half");
	len = BIO_get_mem_data(bio, &text);
	return secret_set(ret, (struct span){ text, (size_t)len }, err);
}

static enum tp_rc rsa_open_pair(const struct keyring_spec *spec, EVP_PKEY *public_key,
				struct key *ret, struct tp_err *err)
{
	TP_CLEANUP(pkey_cleanup) EVP_PKEY *p = NULL;
	const char *name = spec->private_name;
	enum tp_rc rc = pem_get(spec->private_key, name, true, &ret->sign_with, err);

	if (rc == TP_OK)
		rc = pkey_read(secret_view(&ret->sign_with), name, true, &p, err);
	if (rc != TP_OK)
		return rc;
	if (public_key != NULL && EVP_PKEY_eq(public_key, p) != 1) {
		ERR_clear_error();
		return tp_fail(err, TP_INVALID, "%s and %s are not one pair", name,
			       spec->public_name);
	}
	ret->signer = prepare(p, EVP_PKEY_sign_init);
	if (ret->signer == NULL)
		return fail_clean(err, name, "cannot be used by OpenSSL to sign");
	if (public_key != NULL)
		return TP_OK;
	rc = public_pem(p, name, &ret->verify_with, err);
	return rc != TP_OK ? rc : rsa_open_public(p, name, ret, err);
}

static enum tp_rc rsa_open_main(const struct keyring_spec *spec, struct key *ret,
				struct tp_err *err)
{
	TP_CLEANUP(pkey_cleanup) EVP_PKEY *p = NULL;
	const char *name = spec->public_name;
	enum tp_rc rc;

	if (spec->public_key.len == 0 && spec->private_key.len == 0)
		return tp_fail(err, TP_INVALID, "%s is missing: RS256 needs it", name);
	if (spec->private_key.len == 0 && spec->must_sign)
		return tp_fail(err, TP_INVALID, "%s is missing: RS256 signs with it",
			       spec->private_name);
	if (spec->public_key.len > 0) {
		rc = pem_get(spec->public_key, name, false, &ret->verify_with, err);
		if (rc == TP_OK)
			rc = pkey_read(secret_view(&ret->verify_with), name, false, &p, err);
		if (rc == TP_OK)
			rc = rsa_open_public(p, name, ret, err);
		if (rc != TP_OK)
			return rc;
	}
	return spec->private_key.len > 0 ? rsa_open_pair(spec, p, ret, err) : TP_OK;
}

static enum tp_rc rsa_open_more(struct span content, const char *name, struct key *ret,
				struct tp_err *err)
{
	TP_CLEANUP(secret_release) struct secret pem = { NULL, 0 };
	TP_CLEANUP(pkey_cleanup) EVP_PKEY *p = NULL;
	enum tp_rc rc = pem_get(content, name, false, &pem, err);

	if (rc == TP_OK)
		rc = pkey_read(secret_view(&pem), name, false, &p, err);
	return rc == TP_OK ? rsa_open_public(p, name, ret, err) : rc;
}

static bool make_digest(struct span input, unsigned char ret[DIGEST_SHA256])
{
	return EVP_Digest(input.p, input.len, ret, NULL, EVP_sha256(), NULL) == 1;
}

static enum tp_rc rsa_sign(const struct key *k, struct span input,
			   unsigned char ret_sig[KEYRING_SIG_MOST], size_t *ret_len,
			   struct tp_err *err)
{
	unsigned char digest[DIGEST_SHA256];
	size_t len = KEYRING_SIG_MOST;

	if (!make_digest(input, digest) ||
	    EVP_PKEY_sign(k->signer, ret_sig, &len, digest, sizeof(digest)) != 1) {
		ERR_clear_error();
		return tp_fail(err, TP_INTERNAL, "RS256: OpenSSL made no signature");
	}
	*ret_len = len;
	return TP_OK;
}

static enum tp_rc rsa_verify(const struct key *k, struct span input, struct span sig,
			     struct tp_err *err)
{
	unsigned char digest[DIGEST_SHA256];
	int answer = -1;

	if (make_digest(input, digest))
		answer = EVP_PKEY_verify(k->verifier, (const unsigned char *)sig.p, sig.len, digest,
					 sizeof(digest));
	if (answer == 1)
		return TP_OK;
	ERR_clear_error();
	if (answer < 0)
		return tp_fail(err, TP_INTERNAL, "RS256: OpenSSL cannot tell");
	return tp_fail(err, TP_DENIED, "no key of ours made this signature");
}

const struct key_ops key_rsa_ops = { "RS256", rsa_open_main, rsa_open_more, rsa_sign, rsa_verify };
