/* SPDX-License-Identifier: MIT */
/*
 * HS256: HMAC with SHA-256, RFC 7518 section 3.2. Owns the rules for a secret and the two hashes
 * that have taken the key in already; a signature goes on from copies of them. Files and lists of
 * keys are the ring's.
 */
#include "token/key.h"

#include "base/codec.h"
#include "base/limits.h"

#include "base/banned.h"

enum { SECRET_GOOD = 32, JWK_MOST = 2 * LIMIT_SECRET };

/* A public key in the place of the secret would be a secret that everybody has. The second is how
 * the base64 of a PEM begins, the form that PUBLIC_KEY takes. */
static bool looks_like_pem(struct span s)
{
	struct span t = span_trim(s);

	return memmem(s.p, s.len, "-----BEGIN ", 11) != NULL || span_starts(t, "LS0tLS1CRUdJTi");
}

/* RFC 2104: both hashes begin with a block of the key, under two masks. */
static void prepare(struct key *k, struct span secret)
{
	unsigned char block[SHA256_CBLOCK] = { 0 };

	if (secret.len > sizeof(block))
		codec_sha256(secret, block);
	else
		memcpy(block, secret.p, secret.len);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36;
	SHA256_Init(&k->inner);
	SHA256_Update(&k->inner, block, sizeof(block));
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(&k->outer);
	SHA256_Update(&k->outer, block, sizeof(block));
	explicit_bzero(block, sizeof(block));
}

static void make_mac(const struct key *k, struct span input, unsigned char ret[DIGEST_SHA256])
{
	SHA256_CTX ctx = k->inner;

	SHA256_Update(&ctx, input.p, input.len);
	SHA256_Final(ret, &ctx);
	ctx = k->outer;
	SHA256_Update(&ctx, ret, DIGEST_SHA256);
	SHA256_Final(ret, &ctx);
}

static enum tp_rc set_kid(struct key *k, struct span secret, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(JWK_MOST);

	buf_str(&json, "{\"k\":\"");
	codec_b64url_put(&json, secret);
	buf_str(&json, "\",\"kty\":\"oct\"}");
	return key_set_kid(k, &json, err);
}

static enum tp_rc hmac_open(struct span secret, const char *name, struct key *ret,
			    struct tp_err *err)
{
	if (secret.len == 0)
		return tp_fail(err, TP_INVALID, "%s is empty: HS256 needs a secret", name);
	if (secret.len > LIMIT_SECRET)
		return tp_fail(err, TP_INVALID, "%s is longer than %d bytes", name, LIMIT_SECRET);
	if (looks_like_pem(secret))
		return tp_fail(err, TP_INVALID, "%s is a PEM: HS256 takes a random secret", name);
	if (secret.len < SECRET_GOOD)
		ret->warning = "the HS256 secret is shorter than 32 bytes (RFC 7518 section 3.2)";
	prepare(ret, secret);
	return set_kid(ret, secret, err);
}

static enum tp_rc hmac_open_main(const struct keyring_spec *spec, struct key *ret,
				 struct tp_err *err)
{
	enum tp_rc rc = hmac_open(spec->secret, spec->secret_name, ret, err);

	if (rc == TP_OK)
		rc = secret_set(&ret->verify_with, spec->secret, err);
	if (rc == TP_OK)
		rc = secret_set(&ret->sign_with, spec->secret, err);
	return rc;
}

static enum tp_rc hmac_open_more(struct span content, const char *name, struct key *ret,
				 struct tp_err *err)
{
	if (content.len > 0 && content.p[content.len - 1] == '\n')
		content.len--;
	return hmac_open(content, name, ret, err);
}

static enum tp_rc hmac_sign(const struct key *k, struct span input,
			    unsigned char ret_sig[KEYRING_SIG_MOST], size_t *ret_len,
			    struct tp_err *err)
{
	(void)err;
	make_mac(k, input, ret_sig);
	*ret_len = DIGEST_SHA256;
	return TP_OK;
}

static enum tp_rc hmac_verify(const struct key *k, struct span input, struct span sig,
			      struct tp_err *err)
{
	unsigned char ours[DIGEST_SHA256];
	bool equal;

	make_mac(k, input, ours);
	equal = secret_eq(sig, (struct span){ (const char *)ours, sizeof(ours) });
	explicit_bzero(ours, sizeof(ours)); /* it would make the forged token a good one */
	return equal ? TP_OK : tp_fail(err, TP_DENIED, "no key of ours made this signature");
}

const struct key_ops key_hmac_ops = { "HS256", hmac_open_main, hmac_open_more, hmac_sign,
				      hmac_verify };
