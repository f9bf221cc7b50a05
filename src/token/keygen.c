/* SPDX-License-Identifier: MIT */
/* Makes keys. What the settings take as a key is key_hmac.c's and key_rsa.c's. */
#include "token/keygen.h"

#include "base/codec.h"
#include "base/limits.h"
#include "base/rnd.h"
#include "token/key.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/banned.h"

enum { SECRET_BYTES = 32, JWK_MOST = 4096 };

static void pkey_cleanup(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}

static void bio_cleanup(BIO **b)
{
	BIO_free_all(*b);
}

enum tp_rc keygen_secret(struct secret *ret, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(LIMIT_SECRET);
	char bytes[SECRET_BYTES];
	enum tp_rc rc = rnd_bytes(bytes, sizeof(bytes), err);

	if (rc == TP_OK) {
		codec_b64url_put(&text, (struct span){ bytes, sizeof(bytes) });
		rc = buf_rc(&text, "the secret", err);
	}
	explicit_bzero(bytes, sizeof(bytes));
	if (rc == TP_OK)
		secret_take(ret, &text);
	return rc;
}

static enum tp_rc openssl_failed(struct tp_err *err)
{
	ERR_clear_error();
	return tp_fail(err, TP_INTERNAL, "OpenSSL made no key");
}

static int write_private(BIO *out, const EVP_PKEY *p)
{
	return PEM_write_bio_PrivateKey(out, p, NULL, NULL, 0, NULL, NULL);
}

static enum tp_rc put_pem(const EVP_PKEY *p, int (*write)(BIO *out, const EVP_PKEY *p),
			  struct secret *ret, struct tp_err *err)
{
	TP_CLEANUP(bio_cleanup) BIO *bio = BIO_new(BIO_s_secmem());
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(LIMIT_PEM);
	char *pem = NULL;
	long len;
	enum tp_rc rc;

	if (bio == NULL || write(bio, p) != 1)
		return openssl_failed(err);
	len = BIO_get_mem_data(bio, &pem);
	codec_b64_put(&text, (struct span){ pem, (size_t)len });
	rc = buf_rc(&text, "the key", err);
	if (rc == TP_OK)
		secret_take(ret, &text);
	return rc;
}

/* The members of the thumbprint, and what says that it is for. */
static enum tp_rc put_jwk(const EVP_PKEY *p, struct buf *out, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf bare = BUF_INIT(JWK_MOST);
	TP_CLEANUP(key_release) struct key k = { .warning = NULL };
	enum tp_rc rc;

	if (!key_rsa_jwk(p, &bare))
		return openssl_failed(err);
	rc = key_set_kid(&k, &bare, err);
	if (rc != TP_OK)
		return rc;
	buf_put(out, bare.p, bare.len - 1);
	buf_printf(out, ",\"alg\":\"RS256\",\"kid\":\"%s\",\"use\":\"sig\"}", k.kid);
	return buf_rc(out, "the JWK", err);
}

enum tp_rc keygen_rsa(int bits, struct keygen_pair *ret, struct tp_err *err)
{
	TP_CLEANUP(keygen_pair_release) struct keygen_pair pair = { .jwk = BUF_INIT(JWK_MOST) };
	TP_CLEANUP(pkey_cleanup) EVP_PKEY *p = NULL;
	enum tp_rc rc;

	assert(bits >= KEYGEN_BITS_LEAST && bits <= KEYGEN_BITS_MOST);
	p = EVP_RSA_gen((unsigned int)bits);
	if (p == NULL)
		return openssl_failed(err);
	rc = put_pem(p, write_private, &pair.private_key, err);
	if (rc == TP_OK)
		rc = put_pem(p, PEM_write_bio_PUBKEY, &pair.public_key, err);
	if (rc == TP_OK)
		rc = put_jwk(p, &pair.jwk, err);
	if (rc != TP_OK)
		return rc;
	*ret = pair;
	pair = (struct keygen_pair){ .jwk = BUF_INIT(0) };
	return TP_OK;
}

void keygen_pair_release(struct keygen_pair *p)
{
	secret_release(&p->private_key);
	secret_release(&p->public_key);
	buf_release(&p->jwk);
}
