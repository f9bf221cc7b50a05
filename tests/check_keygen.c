/* SPDX-License-Identifier: MIT */
/* Claims of token/keygen.h: what is made opens a ring that signs, and no two are the same. */
#include "token/keygen.h"

#include "support/check_run.h"
#include "token/jwk_verify.h"
#include "token/token.h"

#include "base/banned.h"

static struct tp_err err;

static void sign_with(const struct keyring_spec *spec, struct secret *ret, char ret_kid[64])
{
	TP_CLEANUP(jval_cleanup) struct jval *claims = jval_new_object();
	struct keyring *ring = NULL;

	ck_assert_msg(keyring_open(spec, &ring, &err) == TP_OK, "%s", err.msg);
	ck_assert_ptr_null(keyring_warning(ring));
	ck_assert_int_eq(token_sign(ring, claims, ret, &err), TP_OK);
	memcpy(ret_kid, keyring_kid(ring), KEYRING_KID_LEN + 1);
	keyring_close(ring);
}

START_TEST(makes_secrets_that_sign_and_differ)
{
	TP_CLEANUP(secret_release) struct secret a = { NULL, 0 };
	TP_CLEANUP(secret_release) struct secret b = { NULL, 0 };
	TP_CLEANUP(secret_release) struct secret jwt = { NULL, 0 };
	struct keyring_spec spec = { .alg = KEYRING_HS256, .must_sign = true };
	char kid[64];

	ck_assert_int_eq(keygen_secret(&a, &err), TP_OK);
	ck_assert_int_eq(keygen_secret(&b, &err), TP_OK);
	ck_assert_uint_eq(a.len, 43);
	ck_assert(!secret_eq(secret_view(&a), secret_view(&b)));
	spec.secret = secret_view(&a);
	sign_with(&spec, &jwt, kid);
}
END_TEST

START_TEST(makes_pairs_whose_jwk_verifies)
{
	TP_CLEANUP(keygen_pair_release) struct keygen_pair p = { .jwk = BUF_INIT(0) };
	TP_CLEANUP(secret_release) struct secret jwt = { NULL, 0 };
	TP_CLEANUP(jwk_set_release) struct jwk_set keys = { .n = 0 };
	struct keyring_spec spec = { .alg = KEYRING_RS256, .must_sign = true };
	char kid[64];

	ck_assert_int_eq(keygen_rsa(KEYGEN_BITS_LEAST, &p, &err), TP_OK);
	spec.private_key = secret_view(&p.private_key);
	spec.public_key = secret_view(&p.public_key);
	sign_with(&spec, &jwt, kid);
	ck_assert_msg(jwk_set_open(buf_view(&p.jwk), &keys, &err) == TP_OK, "%s", err.msg);
	ck_assert(span_is(keys.v[0].kid, kid));
	ck_assert(span_is(keys.v[0].alg, "RS256"));
	ck_assert_int_eq(jwk_verify(&keys, secret_view(&jwt), NULL, &err), TP_OK);
}
END_TEST

START_TEST(makes_a_long_pair_from_which_the_private_half_is_enough)
{
	TP_CLEANUP(keygen_pair_release) struct keygen_pair p = { .jwk = BUF_INIT(0) };
	TP_CLEANUP(secret_release) struct secret jwt = { NULL, 0 };
	struct keyring_spec spec = { .alg = KEYRING_RS256, .must_sign = true };
	char kid[64];

	ck_assert_int_eq(keygen_rsa(4096, &p, &err), TP_OK);
	spec.private_key = secret_view(&p.private_key);
	sign_with(&spec, &jwt, kid);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("keygen");
	TCase *t = tcase_create("keygen");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, makes_secrets_that_sign_and_differ);
	tcase_add_test(t, makes_pairs_whose_jwk_verifies);
	tcase_add_test(t, makes_a_long_pair_from_which_the_private_half_is_enough);
	suite_add_tcase(s, t);
	return check_run(s);
}
