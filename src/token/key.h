/* SPDX-License-Identifier: MIT */
/*
 * One key of a ring and the table of what its algorithm does with it. For the files of this folder;
 * everybody else sees keyring.h.
 */
#ifndef TOKEN_KEY_H
#define TOKEN_KEY_H

#include "token/keyring.h"

/* OpenSSL as of 1.1: its SHA-256 needs no provider, which costs a CGI process more than the rest of
 * a request, and cannot fail. */
#define OPENSSL_API_COMPAT 10100

#include <openssl/evp.h>
#include <openssl/sha.h>

struct key {
	char kid[KEYRING_KID_LEN + 1];
	const char *warning; /* or NULL */

	/* Filled by open_main() only: a key that is in the ring to verify needs none of it. The
	 * HMAC secret or the PEM; sign_with is empty where the key cannot sign. */
	struct secret verify_with, sign_with;

	/* Prepared once, never changed: HS256 goes on from copies, RS256 uses its own as they are.
	 */
	SHA256_CTX inner, outer;
	EVP_PKEY_CTX *signer, *verifier;
};

struct key_ops {
	const char *alg; /* RFC 7518 section 3.1 */

	/* The ring's own key, which spec has names for. On failure *ret is as far as it came, and
	 * key_release() takes it. */
	enum tp_rc (*open_main)(const struct keyring_spec *spec, struct key *ret,
				struct tp_err *err);
	/* One more key that verifies; name: what it is called in messages. */
	enum tp_rc (*open_more)(struct span content, const char *name, struct key *ret,
				struct tp_err *err);

	enum tp_rc (*sign)(const struct key *k, struct span input,
			   unsigned char ret_sig[KEYRING_SIG_MOST], size_t *ret_len,
			   struct tp_err *err);
	/* TP_DENIED: another key made it. */
	enum tp_rc (*verify)(const struct key *k, struct span input, struct span sig,
			     struct tp_err *err);
};

extern const struct key_ops key_hmac_ops, key_rsa_ops;

/* RFC 7638: the base64url of SHA-256 over the key's JSON form. */
enum tp_rc key_set_kid(struct key *k, const struct buf *json, struct tp_err *err) TP_MUSTUSE;

/* The members of an RSA public key's thumbprint, as a JSON object; false: it has no numbers. */
bool key_rsa_jwk(const struct evp_pkey_st *p, struct buf *out);

void key_release(struct key *k);

#endif
