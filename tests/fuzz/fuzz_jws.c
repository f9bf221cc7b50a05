/* SPDX-License-Identifier: MIT */
/* Keys and a JWS of strangers: the JWK or JWK set, a NUL, and the JWS. What is accepted names its
 * algorithm, is accepted again, and not with its signature changed. */
#include "token/jwk_verify.h"

#include <assert.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ck_accepted(const struct jwk_set *keys, struct span compact,
			const struct jwk_verified *j)
{
	TP_CLEANUP(buf_release) struct buf other = BUF_INIT(compact.len + 1);
	char *first;

	assert(j->alg.len >= 5 && !span_is_nocase(j->alg, "none"));
	assert(jwk_verify(keys, compact, NULL, NULL) == TP_OK);
	buf_span(&other, compact);
	first = (char *)memrchr(other.p, '.', other.len) + 1;
	assert(first < other.p + other.len);
	*first = *first == 'A' ? 'B' : 'A';
	assert(jwk_verify(keys, buf_view(&other), NULL, NULL) == TP_DENIED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TP_CLEANUP(jwk_set_release) struct jwk_set keys = { .n = 0 };
	TP_CLEANUP(jwk_verified_release) struct jwk_verified j = { .payload = BUF_INIT(0) };
	struct span rest = { (const char *)data, size }, json = span_cut(&rest, '\0');

	if (jwk_set_open(json, &keys, NULL) != TP_OK)
		return 0;
	assert(keys.n > 0);
	if (rest.p != NULL && jwk_verify(&keys, rest, &j, NULL) == TP_OK)
		ck_accepted(&keys, rest, &j);
	return 0;
}
