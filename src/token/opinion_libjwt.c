/* SPDX-License-Identifier: MIT */
/*
 * The loadable object tpauth_libjwt.so: libjwt 1.x behind opinion.h's table. The only file that
 * knows jwt.h. Its tokens come from opinion.c and are short; libjwt is not fit for a stranger's
 * (it takes the algorithm from the token, and a key of no bytes for "do not verify").
 */
#include "token/opinion.h"

#include <jwt.h>
#include <limits.h>

#include "base/banned.h"

static void jwt_cleanup(jwt_t **j)
{
	jwt_free(*j);
}

static bool usable(const char *alg, size_t key_len, jwt_alg_t *ret)
{
	*ret = jwt_str_alg(alg);
	return (*ret == JWT_ALG_HS256 || *ret == JWT_ALG_RS256) && key_len > 0 &&
	       key_len <= INT_MAX;
}

static int verify(const char *alg, const char *key, size_t key_len, const char *token)
{
	TP_CLEANUP(jwt_cleanup) jwt_t *j = NULL;
	jwt_alg_t wanted;

	if (!usable(alg, key_len, &wanted) ||
	    jwt_decode(&j, token, (const unsigned char *)key, (int)key_len) != 0)
		return -1;
	return jwt_get_alg(j) == wanted ? 0 : -1;
}

static int sign(const char *alg, const char *key, size_t key_len, const char *payload,
		char **ret_token)
{
	TP_CLEANUP(jwt_cleanup) jwt_t *j = NULL;
	jwt_alg_t wanted;
	char *token;

	if (!usable(alg, key_len, &wanted) || jwt_new(&j) != 0 ||
	    jwt_add_grants_json(j, payload) != 0 ||
	    jwt_set_alg(j, wanted, (const unsigned char *)key, (int)key_len) != 0)
		return -1;
	token = jwt_encode_str(j);
	if (token == NULL)
		return -1;
	*ret_token = token;
	return 0;
}

/* The rest of the object is hidden; this is found by name. */
extern const struct opinion_module tpauth_opinion __attribute__((visibility("default")));
const struct opinion_module tpauth_opinion = { OPINION_ABI, verify, sign };
