/* SPDX-License-Identifier: MIT */
/*
 * The keys: one that signs (or none, on a resource server), and those that verify. Parsed once; a
 * signature then goes on from a prepared OpenSSL context. RFC 7518 (HS256, RS256), RFC 7638
 * (thumbprints as key ids).
 *
 * All keys of a ring belong to the one configured algorithm, so a token can choose a key by its
 * "kid", never an algorithm.
 */
#ifndef TOKEN_KEYRING_H
#define TOKEN_KEYRING_H

#include "base/secret.h"

enum keyring_alg { KEYRING_HS256, KEYRING_RS256 };

struct keyring_spec {
	enum keyring_alg alg;
	struct span secret;	/* HS256 */
	struct span public_key; /* RS256: PEM, or base64 of PEM; may be absent with a private key */
	struct span private_key;	 /* RS256: needed when must_sign */
	const char *const *verify_files; /* older keys, NULL-terminated list of paths, or NULL */
	bool must_sign;
	bool is_guest; /* in a program of others: OpenSSL stays as that sets it up */

	/* What messages call them; NULL: as the settings do. */
	const char *secret_name, *public_name, *private_name;
};

struct keyring;

enum { KEYRING_KID_LEN = 43, KEYRING_SIG_MOST = 1024 /* RSA-8192 */ };

/*
 * TP_INVALID, with the key named in err->msg: no key, an empty secret, an HMAC secret that is a
 * PEM, RSA below 2048 bits, a private key that is not the public key's, unreadable files, a key of
 * another type. A file of verify_files holds one secret (HS256, a last newline is not part of it)
 * or one PEM public key (RS256).
 */
enum tp_rc keyring_open(const struct keyring_spec *spec, struct keyring **ret,
			struct tp_err *err) TP_MUSTUSE;
void keyring_close(struct keyring *k);

/* A sentence for the log about a key that works but should be better (RFC 7518 3.2: an HS256 secret
 * below 32 bytes), or NULL. */
const char *keyring_warning(const struct keyring *k);

bool keyring_may_sign(const struct keyring *k);	       /* HS256: always; RS256: has a private key */
const char *keyring_alg_name(const struct keyring *k); /* "HS256", "RS256" */

/* The id of the key that signs (of the first that verifies when none signs). */
const char *keyring_kid(const struct keyring *k);

/* Signs with the signing key; TP_INTERNAL when there is none or OpenSSL fails. */
enum tp_rc keyring_sign(const struct keyring *k, struct span input,
			unsigned char ret_sig[KEYRING_SIG_MOST], size_t *ret_len,
			struct tp_err *err) TP_MUSTUSE;

/* kid absent: every key is tried (a token of the Python original has none). kid given: that key
 * only, and TP_DENIED when the ring does not have it. TP_DENIED: no key made this signature. */
enum tp_rc keyring_verify(const struct keyring *k, struct span kid, struct span input,
			  struct span sig, struct tp_err *err) TP_MUSTUSE;

/* What libjwt needs for a second opinion: the HMAC secret or the PEM of the public key (verify) or
 * the private key (sign). Borrowed; absent when the ring has none. */
struct span keyring_material(const struct keyring *k, bool for_signing);

#endif
