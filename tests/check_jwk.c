/* SPDX-License-Identifier: MIT */
/* Claims of token/jwk.h: which keys are taken, which are unfit, and which are none. */
#include "token/jwk.h"

#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/test_keys.h"

#include "base/banned.h"

#define X256  "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\""
#define Y256  "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define EC256 "\"kty\":\"EC\",\"crv\":\"P-256\"," X256 "," Y256

static struct tp_err err;

static enum tp_rc open_text(struct span json, struct jwk_set *ret)
{
	err = (struct tp_err){ 0 };
	*ret = (struct jwk_set){ .n = 0 };
	return jwk_set_open(json, ret, &err);
}

START_TEST(takes_each_type_of_key)
{
	static const struct {
		const char *json, *kind;
	} rows[] = {
		{ "{\"kty\":\"oct\",\"k\":\"AA\"}", "oct" },
		{ "{" EC256 "}", "P-256" },
		{ "{" EC256 ",\"d\":\"private, and not looked at\",\"x5c\":[]}", "P-256" },
		{ "{" EC256 ",\"use\":\"sig\",\"key_ops\":[\"sign\",\"verify\"]}", "P-256" },
		{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
		  "7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
		  "Ed25519" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		TP_CLEANUP(jwk_set_release) struct jwk_set s;

		ck_assert_msg(open_text(span_of(rows[i].json), &s) == TP_OK, "%s: %s", rows[i].json,
			      err.msg);
		ck_assert_uint_eq(s.n, 1);
		ck_assert_str_eq(s.v[0].kind, rows[i].kind);
		ck_assert_ptr_null(s.v[0].kid.p);
	}
}
END_TEST

START_TEST(takes_a_set_and_keeps_what_it_cannot_use_apart)
{
	static const char *const kinds[] = { "oct",   "RSA",	 "P-256", "P-384",
					     "P-521", "Ed25519", NULL,	  NULL };
	TP_CLEANUP(jwk_set_release) struct jwk_set s;

	ck_assert_int_eq(open_text(test_key("../jws/keys.jwks"), &s), TP_OK);
	ck_assert_uint_eq(s.n, TP_COUNT(kinds));
	for (size_t i = 0; i < TP_COUNT(kinds); i++)
		ck_assert_pstr_eq(s.v[i].kind, kinds[i]);
	ck_assert(span_is(s.v[1].kid, "rsa"));
	ck_assert_str_eq(s.v[6].unfit, "its \"kty\" is none of EC, OKP, RSA and oct");
	ck_assert_str_eq(s.v[7].unfit, "it is no whole JWK");
	ck_assert_ptr_null(s.v[7].pkey);
}
END_TEST

START_TEST(says_why_a_key_is_unfit)
{
	static const struct {
		const char *json, *unfit;
	} rows[] = {
		{ "{\"kty\":\"tomorrow\"}", "its \"kty\" is none of EC, OKP, RSA and oct" },
		{ "{\"kty\":\"EC\",\"crv\":\"secp256k1\"}",
		  "its \"crv\" is none of P-256, P-384 and P-521" },
		{ "{\"kty\":\"OKP\",\"crv\":\"X25519\"}", "its \"crv\" is not Ed25519" },
		{ "{" EC256 ",\"use\":\"enc\"}", "its \"use\" is not \"sig\"" },
		{ "{" EC256 ",\"key_ops\":[\"sign\"]}", "its \"key_ops\" has no \"verify\"" },
		{ "{" EC256 ",\"key_ops\":[]}", "its \"key_ops\" has no \"verify\"" },
		{ "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
		  "RSA keys have 2048 to 8192 bits here" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		TP_CLEANUP(jwk_set_release) struct jwk_set s;

		ck_assert_msg(open_text(span_of(rows[i].json), &s) == TP_OK, "%s: %s", rows[i].json,
			      err.msg);
		ck_assert_ptr_null(s.v[0].kind);
		ck_assert_str_eq(s.v[0].unfit, rows[i].unfit);
	}
}
END_TEST

START_TEST(refuses_what_is_no_key)
{
	static const struct {
		const char *json, *msg;
	} rows[] = {
		{ "[]", "no JWK: not a JSON object" },
		{ "\"text\"", "no JWK: not a JSON object" },
		{ "{}", "no JWK: \"kty\" is missing, or no text" },
		{ "{\"kty\":1}", "no JWK: \"kty\" is missing, or no text" },
		{ "{\"keys\":{}}", "no JWK set: \"keys\" is no list of keys" },
		{ "{\"keys\":null}", "no JWK set: \"keys\" is no list of keys" },
		{ "{\"keys\":[]}", "no JWK set: \"keys\" is no list of keys" },
		{ "{\"kty\":\"oct\"}", "\"k\" is missing, or no text" },
		{ "{\"kty\":\"oct\",\"k\":\"\"}", "\"k\" is missing, or no text" },
		{ "{\"kty\":\"oct\",\"k\":\"AB\"}", "\"k\" is no base64url of at most 4096 bytes" },
		{ "{\"kty\":\"oct\",\"k\":\"AA==\"}",
		  "\"k\" is no base64url of at most 4096 bytes" },
		{ "{\"kty\":\"RSA\",\"n\":\"AQAB\"}", "\"e\" is missing, or no text" },
		{ "{\"kty\":\"RSA\",\"n\":\"AAEAAQ\",\"e\":\"AQAB\"}",
		  "\"n\" begins with a byte of zero" },
		{ "{\"kty\":\"EC\"}", "\"crv\" is missing, or no text" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\"," X256 "}", "\"y\" is missing, or no text" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-384\"," X256 "," Y256 "}",
		  "\"x\" has not the curve's 48 bytes" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\"," X256
		  ",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1\"}",
		  "\"y\" is no base64url of at most 32 bytes" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\"," X256
		  ",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5aw\"}",
		  "its numbers are no public key of kty \"EC\"" },
		{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}", "\"x\" has not 32 bytes" },
		{ "{" EC256 ",\"use\":1}", "\"use\", \"alg\" or \"kid\" is no text" },
		{ "{" EC256 ",\"kid\":null}", "\"use\", \"alg\" or \"kid\" is no text" },
		{ "{" EC256 ",\"key_ops\":\"verify\"}",
		  "\"key_ops\" is no list of distinct texts" },
		{ "{" EC256 ",\"key_ops\":[\"verify\",\"verify\"]}",
		  "\"key_ops\" is no list of distinct texts" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct jwk_set s;

		ck_assert_msg(open_text(span_of(rows[i].json), &s) == TP_INVALID, "%s",
			      rows[i].json);
		ck_assert_str_eq(err.msg, rows[i].msg);
		ck_assert_ptr_null(s.v);
	}
}
END_TEST

START_TEST(refuses_a_member_that_is_there_twice)
{
	struct jwk_set s;

	ck_assert_int_eq(open_text(SPAN_LIT("{\"kty\":\"oct\",\"k\":\"AA\",\"k\":\"AQ\"}"), &s),
			 TP_INVALID);
	ck_assert_int_eq(open_text(SPAN_LIT("{" EC256 ",\"\\u006bty\":\"oct\"}"), &s), TP_INVALID);
}
END_TEST

START_TEST(survives_each_lack_of_memory)
{
	long n;

	for (n = 1; n < 10000; n++) {
		TP_CLEANUP(jwk_set_release) struct jwk_set s;
		enum tp_rc rc;

		alloc_fail_at(n);
		rc = open_text(SPAN_LIT("{\"kty\":\"oct\",\"k\":\"AQAB\",\"kid\":\"k\"}"), &s);
		if (!alloc_fail_off())
			break;
		ck_assert_int_eq(rc, TP_NOMEM);
	}
	ck_assert_int_gt(n, 5);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("jwk");
	TCase *t = tcase_create("jwk");

	tcase_add_test(t, takes_each_type_of_key);
	tcase_add_test(t, takes_a_set_and_keeps_what_it_cannot_use_apart);
	tcase_add_test(t, says_why_a_key_is_unfit);
	tcase_add_test(t, refuses_what_is_no_key);
	tcase_add_test(t, refuses_a_member_that_is_there_twice);
	tcase_add_test(t, survives_each_lack_of_memory);
	suite_add_tcase(s, t);
	return check_run(s);
}
