/* SPDX-License-Identifier: MIT */
/*
 * The ring: which key is meant. Its first key is the settings' own and may sign; the rest come from
 * VERIFY_KEYS. What a key does with bytes is its algorithm's file (key_hmac.c, key_rsa.c), chosen
 * once when the ring opens.
 */
#include "token/keyring.h"

#include "base/codec.h"
#include "base/file.h"
#include "base/limits.h"
#include "token/key.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

struct keyring {
	enum keyring_alg alg;
	const struct key_ops *ops;
	size_t n;
	struct key keys[LIMIT_KEYS];
};

static const struct key_ops *const algorithms[] = {
	[KEYRING_HS256] = &key_hmac_ops,
	[KEYRING_RS256] = &key_rsa_ops,
};

enum tp_rc key_set_kid(struct key *k, const struct buf *json, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(KEYRING_KID_LEN);
	unsigned char digest[DIGEST_SHA256];
	enum tp_rc rc = buf_rc(json, "a key's thumbprint", err);

	if (rc != TP_OK)
		return rc;
	codec_sha256(buf_view(json), digest);
	codec_b64url_put(&text, (struct span){ (const char *)digest, sizeof(digest) });
	rc = buf_rc(&text, "a key id", err);
	if (rc == TP_OK)
		memcpy(k->kid, buf_cstr(&text), KEYRING_KID_LEN + 1);
	return rc;
}

void key_release(struct key *k)
{
	EVP_PKEY_CTX_free(k->signer);
	EVP_PKEY_CTX_free(k->verifier);
	secret_release(&k->verify_with);
	secret_release(&k->sign_with);
	explicit_bzero(k, sizeof(*k));
}

static const struct key *find(const struct keyring *k, struct span kid)
{
	for (size_t i = 0; i < k->n; i++) {
		if (span_is(kid, k->keys[i].kid))
			return &k->keys[i];
	}
	return NULL;
}

static enum tp_rc add_file(struct keyring *k, const char *path, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf content = BUF_INIT(LIMIT_PEM);
	TP_CLEANUP(key_release) struct key fresh = { 0 };
	struct tp_err why = { 0 };
	char name[100];
	enum tp_rc rc;

	snprintf(name, sizeof(name), "VERIFY_KEYS: %s", path);
	rc = file_read(path, &content, &why);
	if (rc != TP_OK)
		return tp_fail(err, rc, "%s: %s", name, why.msg);
	rc = k->ops->open_more(buf_view(&content), name, &fresh, err);
	if (rc != TP_OK)
		return rc;
	if (find(k, span_of(fresh.kid)) != NULL)
		return TP_OK; /* the same key twice is one key */
	if (k->n == LIMIT_KEYS)
		return tp_fail(err, TP_INVALID, "VERIFY_KEYS: more than %d keys", LIMIT_KEYS);
	k->keys[k->n++] = fresh;
	fresh = (struct key){ 0 };
	return TP_OK;
}

static const char *or_name(const char *name, const char *setting)
{
	return name != NULL ? name : setting;
}

static enum tp_rc fill(struct keyring *k, const struct keyring_spec *spec, struct tp_err *err)
{
	struct keyring_spec named = *spec;
	enum tp_rc rc;

	named.secret_name = or_name(spec->secret_name, "SECRET_KEY");
	named.public_name = or_name(spec->public_name, "PUBLIC_KEY");
	named.private_name = or_name(spec->private_name, "PRIVATE_KEY");
	k->alg = spec->alg;
	k->ops = algorithms[spec->alg];
	k->n = 1;
	rc = k->ops->open_main(&named, &k->keys[0], err);
	for (const char *const *f = spec->verify_files; rc == TP_OK && f && *f != NULL; f++)
		rc = add_file(k, *f, err);
	return rc;
}

enum tp_rc keyring_open(const struct keyring_spec *spec, struct keyring **ret, struct tp_err *err)
{
	struct keyring *k = calloc(1, sizeof(*k));
	enum tp_rc rc;

	if (k == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	/* RS256 has OpenSSL set itself up, and a CGI process pays for that at every request:
	 * openssl.cnf is nobody's concern here, and at exit the kernel frees faster. Only the first
	 * call in a process counts. */
	if (!spec->is_guest)
		OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL);
	rc = fill(k, spec, err);
	if (rc != TP_OK) {
		keyring_close(k);
		return rc;
	}
	*ret = k;
	return TP_OK;
}

void keyring_close(struct keyring *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->n; i++)
		key_release(&k->keys[i]);
	free(k);
}

const char *keyring_warning(const struct keyring *k)
{
	for (size_t i = 0; i < k->n; i++) {
		if (k->keys[i].warning != NULL)
			return k->keys[i].warning;
	}
	return NULL;
}

bool keyring_may_sign(const struct keyring *k)
{
	return k->keys[0].sign_with.len > 0;
}

const char *keyring_alg_name(const struct keyring *k)
{
	return k->ops->alg;
}

const char *keyring_kid(const struct keyring *k)
{
	return k->keys[0].kid;
}

enum tp_rc keyring_sign(const struct keyring *k, struct span input,
			unsigned char ret_sig[KEYRING_SIG_MOST], size_t *ret_len,
			struct tp_err *err)
{
	if (!keyring_may_sign(k))
		return tp_fail(err, TP_INTERNAL, "%s: there is no key that signs", k->ops->alg);
	return k->ops->sign(&k->keys[0], input, ret_sig, ret_len, err);
}

enum tp_rc keyring_verify(const struct keyring *k, struct span kid, struct span input,
			  struct span sig, struct tp_err *err)
{
	enum tp_rc rc = TP_DENIED;
	struct tp_err last;

	if (kid.p != NULL) {
		const struct key *one = find(k, kid);

		if (one == NULL)
			return tp_fail(err, TP_DENIED, "the key id is none of ours");
		return k->ops->verify(one, input, sig, err);
	}
	/* A trouble (not a "no") of one key ends the search: "no key" could not be said then. */
	for (size_t i = 0; i < k->n && rc == TP_DENIED; i++)
		rc = k->ops->verify(&k->keys[i], input, sig, &last);
	return rc == TP_OK ? TP_OK : tp_fail(err, rc, "%s", last.msg);
}

struct span keyring_material(const struct keyring *k, bool for_signing)
{
	return secret_view(for_signing ? &k->keys[0].sign_with : &k->keys[0].verify_with);
}
