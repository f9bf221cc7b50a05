/* SPDX-License-Identifier: MIT */
/*
 * libjwt's second opinion at the start of a long-running program: a token that we sign must verify
 * under libjwt with the configured public key, and the reverse. So a wrong key pair or a broken
 * crypto set-up is an error at start, not at night.
 *
 * libjwt stands behind a loadable object of its own (base/object.h), tpauth_libjwt.so in the
 * module folder, since a CGI process should not pay for loading it.
 */
#ifndef TOKEN_OPINION_H
#define TOKEN_OPINION_H

#include "token/token.h"

/*
 * TP_INVALID: the two disagree. TP_UNAVAILABLE: the object or libjwt cannot be loaded.
 * module_dir: where tpauth_libjwt.so is.
 */
enum tp_rc opinion_ask(const struct keyring *k, const char *module_dir, int64_t now_s,
		       struct tp_err *err) TP_MUSTUSE;

/* The loadable object's entry: 0 the token verifies (verify), or *ret_token holds one, made with
 * malloc (sign). alg is "HS256" or "RS256", key the secret or the PEM. */
struct opinion_module {
	int abi; /* OPINION_ABI */
	int (*verify)(const char *alg, const char *key, size_t key_len, const char *token);
	int (*sign)(const char *alg, const char *key, size_t key_len, const char *payload,
		    char **ret_token);
};

#define OPINION_FILE   "tpauth_libjwt.so"
#define OPINION_SYMBOL "tpauth_opinion"

enum { OPINION_ABI = 1 };

#endif
