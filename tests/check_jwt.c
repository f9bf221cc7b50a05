/* SPDX-License-Identifier: MIT */
/*
 * JWTs by keys of the caller's own, through the public functions: the examples of RFC 7515, tokens
 * of libjwt, and what must be refused. Real time: tokens live for long, or are over for long.
 */
#include "base/codec.h"
#include "base/limits.h"
#include "hook/claims.h"
#include "support/check_run.h"
#include "support/test_keys.h"
#include "support/token_rig.h"
#include "token/opinion.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/banned.h"

enum { LONG_AGO_S = 2000000000 }; /* a leeway that the examples' exp of 2011 is within */

static struct tpauth_jwt *jwt;
static char error[160];

static void teardown(void)
{
	tpauth_jwt_close(jwt);
	jwt = NULL;
}

static const char *key(const char *file)
{
	return file != NULL ? test_key(file).p : NULL;
}

static void opens(const char *algorithm, const char *secret, const char *public_key)
{
	ck_assert_msg(tpauth_jwt_open(algorithm, secret, public_key, &jwt, error, sizeof(error)) ==
			      TPAUTH_OK,
		      "%s", error);
	ck_assert_str_eq(error, "");
}

static struct tpauth_claims *claims_of(const char *json)
{
	struct tpauth_claims *c = NULL;

	ck_assert_int_eq(tpauth_claims_parse(json, strlen(json), &c), TPAUTH_OK);
	return c;
}

static char *encodes(const char *json, int64_t lifetime_s)
{
	struct tpauth_claims *c = claims_of(json);
	char *token = NULL;

	ck_assert_int_eq(tpauth_jwt_encode(jwt, c, lifetime_s, &token), TPAUTH_OK);
	tpauth_claims_free(c);
	return token;
}

/* header and payload as they are, with a good signature of TEST_SECRET. */
static const char *by_hand(const char *header, const char *payload)
{
	static struct token_rig r;
	static char text[4 * LIMIT_JWT];

	token_rig_open(&r, KEYRING_HS256);
	token_rig_make(&r, header, payload);
	snprintf(text, sizeof(text), "%s", buf_cstr(&r.jwt));
	token_rig_release(&r);
	return text;
}

/* ---- the examples of RFC 7515 ---- */

#define JOE                                                                                        \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
	"cnVlfQ"
#define A1_KEY \
	"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
#define A1 "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." JOE
#define A2 "eyJhbGciOiJSUzI1NiJ9." JOE

static const char a1[] = A1 ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
static const char a2[] = A2
	".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
	"O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNP"
	"vkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1p"
	"hCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

static void reads_joe(const char *token)
{
	struct tpauth_claims *c = NULL;

	ck_assert_int_eq(tpauth_jwt_decode(jwt, token, "joe", LONG_AGO_S, &c), TPAUTH_OK);
	ck_assert_str_eq(
		tpauth_claims_get_json(c, NULL),
		"{\"iss\":\"joe\",\"exp\":1300819380,\"http://example.com/is_root\":true}");
	tpauth_claims_free(c);
	ck_assert_int_eq(tpauth_jwt_verify(jwt, token, NULL, LONG_AGO_S), TPAUTH_OK);
	ck_assert_int_eq(tpauth_jwt_verify(jwt, token, "joe", 600), TPAUTH_EXPIRED);
	ck_assert_int_eq(tpauth_jwt_verify(jwt, token, "jo", LONG_AGO_S), TPAUTH_DENIED);
}

START_TEST(reads_the_example_a1_of_rfc_7515)
{
	struct buf secret = BUF_INIT(64);

	ck_assert_int_eq(codec_b64url_get(SPAN_LIT(A1_KEY), &secret, NULL), TP_OK);
	opens("HS256", buf_cstr(&secret), NULL);
	reads_joe(a1);
	ck_assert_int_eq(tpauth_jwt_verify(jwt, a2, NULL, LONG_AGO_S), TPAUTH_DENIED);
	buf_release(&secret);
}
END_TEST

START_TEST(reads_the_example_a2_of_rfc_7515)
{
	opens("RS256", NULL, key("rfc7515-a2.pub.pem"));
	reads_joe(a2);
	ck_assert_int_eq(tpauth_jwt_verify(jwt, a1, NULL, LONG_AGO_S), TPAUTH_DENIED);
}
END_TEST

/* ---- both ways ---- */

static void open_either(int rs256)
{
	if (rs256)
		opens("RS256", key("rsa2048.pem"), NULL);
	else
		opens("HS256", TEST_SECRET, NULL);
}

START_TEST(reads_what_it_signs)
{
	struct tpauth_claims *c = NULL;
	int64_t iat, exp;
	char *token;

	open_either(_i);
	token = encodes("{\"iss\":\"me\",\"a\":{\"b\":[1,\"\\u00e9\"]},\"exp\":1,\"iat\":2}", 3600);
	ck_assert_int_eq(tpauth_jwt_decode(jwt, token, "me", 0, &c), TPAUTH_OK);
	ck_assert_int_eq(tpauth_claims_get_int(c, "iat", &iat), TPAUTH_OK);
	ck_assert_int_eq(tpauth_claims_get_int(c, "exp", &exp), TPAUTH_OK);
	ck_assert_int_eq(exp - iat, 3600);
	ck_assert_int_le(iat, time(NULL));
	ck_assert_int_gt(exp, time(NULL));
	ck_assert_str_eq(tpauth_claims_get_json(c, "a"), "{\"b\":[1,\"\xc3\xa9\"]}");
	tpauth_claims_free(c);
	free(token);
}
END_TEST

START_TEST(signs_claims_as_they_are)
{
	struct tpauth_claims *c = NULL;
	char *token;

	open_either(_i);
	token = encodes("{\"exp\":4102444800}", 0);
	ck_assert_int_eq(tpauth_jwt_decode(jwt, token, NULL, 0, &c), TPAUTH_OK);
	ck_assert_str_eq(tpauth_claims_get_json(c, NULL), "{\"exp\":4102444800}");
	tpauth_claims_free(c);
	free(token);
	token = encodes("{\"no\":\"end\"}", -5);
	ck_assert_int_eq(tpauth_jwt_verify(jwt, token, NULL, 0), TPAUTH_DENIED);
	free(token);
}
END_TEST

START_TEST(leaves_the_claims_alone)
{
	struct tpauth_claims *c = claims_of("{\"a\":1}");
	char *token = NULL;

	open_either(0);
	ck_assert_int_eq(tpauth_jwt_encode(jwt, c, 60, &token), TPAUTH_OK);
	ck_assert_str_eq(tpauth_claims_get_json(c, NULL), "{\"a\":1}");
	tpauth_claims_free(c);
	free(token);
}
END_TEST

START_TEST(signs_nothing_without_the_private_key)
{
	struct tpauth_claims *c = claims_of("{}");
	char *token = NULL;

	opens("RS256", NULL, key("rsa2048.pub.pem"));
	ck_assert_int_eq(tpauth_jwt_encode(jwt, c, 60, &token), TPAUTH_INTERNAL);
	ck_assert_ptr_null(token);
	tpauth_claims_free(c);
}
END_TEST

START_TEST(takes_a_key_as_base64)
{
	struct buf pem = BUF_INIT(LIMIT_PEM);
	char *token;

	test_key_form(&pem, test_key("rsa2048.pem"), TEST_BASE64);
	opens("RS256", buf_cstr(&pem), key("rsa2048.pub.pem"));
	token = encodes("{}", 60);
	ck_assert_int_eq(tpauth_jwt_verify(jwt, token, NULL, 0), TPAUTH_OK);
	free(token);
	buf_release(&pem);
}
END_TEST

START_TEST(refuses_claims_that_cannot_be_signed)
{
	struct tpauth_claims *c = claims_of("{}");
	static char big[LIMIT_JWT];
	char *token = NULL;

	open_either(0);
	ck_assert_int_eq(tpauth_jwt_encode(jwt, c, INT64_MAX, &token), TPAUTH_INVALID);
	ck_assert_int_eq(tpauth_jwt_encode(jwt, c, INT64_C(1) << 53, &token), TPAUTH_INVALID);
	memset(big, 'x', sizeof(big) - 1);
	tpauth_claims_set(c, "big", big);
	ck_assert_int_eq(tpauth_jwt_encode(jwt, c, 60, &token), TPAUTH_TOO_LARGE);
	tpauth_claims_set(c, "bad", "\xff");
	ck_assert_int_eq(tpauth_jwt_encode(jwt, c, 60, &token), TPAUTH_INVALID);
	ck_assert_ptr_null(token);
	tpauth_claims_free(c);
}
END_TEST

/* ---- libjwt ---- */

static const struct opinion_module *libjwt(void)
{
	const char *build = getenv("BUILD_DIR");
	const struct opinion_module *m;
	char path[300];
	void *handle;

	snprintf(path, sizeof(path), "%s/.libs/tpauth_libjwt.so", build ? build : ".");
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL)
		return NULL; /* not in this build */
	m = dlsym(handle, OPINION_SYMBOL);
	ck_assert_ptr_nonnull(m);
	return m;
}

START_TEST(agrees_with_libjwt)
{
	const struct opinion_module *m = libjwt();
	const char *alg = _i ? "RS256" : "HS256";
	struct span sign = _i ? test_key("rsa2048.pem") : SPAN_LIT(TEST_SECRET);
	struct span verify = _i ? test_key("rsa2048.pub.pem") : sign;
	char *token;

	if (m == NULL)
		return;
	open_either(_i);
	token = encodes("{\"a\":[1,{\"b\":null}]}", 3600);
	ck_assert_int_eq(m->verify(alg, verify.p, verify.len, token), 0);
	free(token);
	ck_assert_int_eq(m->sign(alg, sign.p, sign.len, "{\"exp\":4102444800}", &token), 0);
	ck_assert_int_eq(tpauth_jwt_verify(jwt, token, NULL, 0), TPAUTH_OK);
	free(token);
}
END_TEST

/* ---- what is refused ---- */

#define FAR "\"exp\":4102444800"
#define HS  "\"alg\":\"HS256\""

static const struct {
	const char *header, *payload;
	enum tpauth_rc rc;
} tokens[] = {
	{ "{" HS "}", "{" FAR "}", TPAUTH_OK },
	{ "{" HS ",\"typ\":\"JWT\"}", "{" FAR "}", TPAUTH_OK },
	{ "{" HS ",\"kid\":\"theirs\"}", "{" FAR "}", TPAUTH_OK },
	{ "{" HS "}", "{" FAR ",\"iss\":7,\"aud\":\"x\",\"auth_time\":\"x\",\"scopes\":1}",
	  TPAUTH_OK },
	{ "{" HS "}", "{" FAR ",\"nbf\":1,\"iat\":1}", TPAUTH_OK },
	{ "{\"alg\":\"none\"}", "{" FAR "}", TPAUTH_DENIED },
	{ "{\"alg\":\"RS256\"}", "{" FAR "}", TPAUTH_DENIED },
	{ "{" HS ",\"crit\":[\"exp\"]}", "{" FAR "}", TPAUTH_DENIED },
	{ "{" HS ",\"jwk\":{}}", "{" FAR "}", TPAUTH_DENIED },
	{ "{" HS "," HS "}", "{" FAR "}", TPAUTH_DENIED },
	{ "{" HS ",\"kid\":1}", "{" FAR "}", TPAUTH_DENIED },
	{ "{" HS "}", "{}", TPAUTH_DENIED },
	{ "{" HS "}", "{\"exp\":\"4102444800\"}", TPAUTH_DENIED },
	{ "{" HS "}", "{\"exp\":4102444800.5}", TPAUTH_DENIED },
	{ "{" HS "}", "{\"exp\":null}", TPAUTH_DENIED },
	{ "{" HS "}", "{" FAR "," FAR "}", TPAUTH_DENIED },
	{ "{" HS "}", "{" FAR ",\"nbf\":4102444799}", TPAUTH_DENIED },
	{ "{" HS "}", "{" FAR ",\"iat\":4102444799}", TPAUTH_DENIED },
	{ "{" HS "}", "{" FAR ",\"nbf\":\"1\"}", TPAUTH_DENIED },
	{ "{" HS "}", "{" FAR ",\"iat\":null}", TPAUTH_DENIED },
	{ "{" HS "}", "[{" FAR "}]", TPAUTH_DENIED },
	{ "{" HS "}", "{" FAR ",\"a\":\"\\u0000\"}", TPAUTH_DENIED },
	{ "{" HS "}", "{\"exp\":1}", TPAUTH_EXPIRED },
};

START_TEST(judges_a_token)
{
	const char *token = by_hand(tokens[_i].header, tokens[_i].payload);
	struct tpauth_claims *c = NULL;

	opens("HS256", TEST_SECRET, NULL);
	ck_assert_msg(tpauth_jwt_verify(jwt, token, NULL, 600) == tokens[_i].rc, "%s %s",
		      tokens[_i].header, tokens[_i].payload);
	ck_assert_int_eq(tpauth_jwt_decode(jwt, token, NULL, 600, &c), tokens[_i].rc);
	ck_assert((c != NULL) == (tokens[_i].rc == TPAUTH_OK));
	tpauth_claims_free(c);
}
END_TEST

START_TEST(asks_for_the_issuer_that_is_named)
{
	static const struct {
		const char *payload;
		enum tpauth_rc rc;
	} rows[] = {
		{ "{" FAR ",\"iss\":\"me\"}", TPAUTH_OK },
		{ "{" FAR "}", TPAUTH_DENIED },
		{ "{" FAR ",\"iss\":\"me \"}", TPAUTH_DENIED },
		{ "{" FAR ",\"iss\":[\"me\"]}", TPAUTH_DENIED },
		{ "{" FAR ",\"iss\":null}", TPAUTH_DENIED },
	};

	opens("HS256", TEST_SECRET, NULL);
	for (size_t i = 0; i < TP_COUNT(rows); i++)
		ck_assert_int_eq(
			tpauth_jwt_verify(jwt, by_hand("{" HS "}", rows[i].payload), "me", 0),
			rows[i].rc);
}
END_TEST

START_TEST(the_leeway_goes_for_each_time)
{
	char payload[200];
	long long now = time(NULL);

	opens("HS256", TEST_SECRET, NULL);
	snprintf(payload, sizeof(payload), "{\"exp\":%lld,\"nbf\":%lld,\"iat\":%lld}", now - 500,
		 now + 500, now + 500);
	ck_assert_int_eq(tpauth_jwt_verify(jwt, by_hand("{" HS "}", payload), NULL, 600),
			 TPAUTH_OK);
	ck_assert_int_eq(tpauth_jwt_verify(jwt, by_hand("{" HS "}", payload), NULL, 400),
			 TPAUTH_DENIED);
	snprintf(payload, sizeof(payload), "{\"exp\":%lld}", now - 500);
	ck_assert_int_eq(tpauth_jwt_verify(jwt, by_hand("{" HS "}", payload), NULL, 400),
			 TPAUTH_EXPIRED);
	ck_assert_int_eq(tpauth_jwt_verify(jwt, by_hand("{" HS "}", payload), NULL, INT64_MAX),
			 TPAUTH_OK);
}
END_TEST

static const char *const broken[] = {
	"", ".", "..", "...", "a.b.c", "no token", A1, A1 ".", A1 ".dBjft", A1 "..",
};

START_TEST(refuses_what_is_no_token)
{
	opens("HS256", TEST_SECRET, NULL);
	ck_assert_int_eq(tpauth_jwt_verify(jwt, broken[_i], NULL, LONG_AGO_S), TPAUTH_DENIED);
}
END_TEST

START_TEST(refuses_each_change_of_a_good_token)
{
	char *token;

	open_either(_i);
	token = encodes("{\"a\":1}", 3600);
	for (char *at = token; *at != '\0'; at++) {
		char was = *at;

		*at = was == 'A' ? 'B' : 'A';
		ck_assert_int_eq(tpauth_jwt_verify(jwt, token, NULL, 0), TPAUTH_DENIED);
		*at = was;
	}
	ck_assert_int_eq(tpauth_jwt_verify(jwt, token, NULL, 0), TPAUTH_OK);
	free(token);
}
END_TEST

START_TEST(refuses_a_token_signed_with_the_public_key)
{
	const struct opinion_module *m = libjwt();
	struct span pem = test_key("rsa2048.pub.pem");
	char *token = NULL;

	if (m == NULL)
		return;
	ck_assert_int_eq(m->sign("HS256", pem.p, pem.len, "{" FAR "}", &token), 0);
	opens("RS256", NULL, pem.p);
	ck_assert_int_eq(tpauth_jwt_verify(jwt, token, NULL, 0), TPAUTH_DENIED);
	free(token);
}
END_TEST

/* ---- keys ---- */

static const struct {
	const char *algorithm, *key, *key_file, *public_file, *error;
} keys[] = {
	{ "HS256", NULL, NULL, NULL, "the key is empty: HS256 needs a secret" },
	{ "HS256", "", NULL, NULL, "the key is empty: HS256 needs a secret" },
	{ "HS256", NULL, "rsa2048.pub.pem", NULL, "the key is a PEM: HS256 takes a random secret" },
	{ "HS256", TEST_SECRET, NULL, "rsa2048.pub.pem", "HS256 has no public key" },
	{ "RS256", NULL, NULL, NULL, "the public key is missing: RS256 needs it" },
	{ "RS256", "", NULL, "rsa2048.pub.pem", "the private key is missing: RS256 signs with it" },
	{ "RS256", "x", NULL, NULL, "the private key is neither a PEM nor the base64 of one" },
	{ "RS256", NULL, NULL, "rsa1024.pub.pem",
	  "the public key has 1024 bits: RS256 takes 2048 to 8192" },
	{ "RS256", NULL, "rsa1024.pem", NULL,
	  "the private key has 1024 bits: RS256 takes 2048 to 8192" },
	{ "RS256", NULL, "rsa2048.pem", "rsa2048-other.pub.pem",
	  "the private key and the public key are not one pair" },
	{ "RS256", NULL, "rsa2048.pub.pem", NULL,
	  "the private key is a PEM, but not of an RSA private key" },
	{ "RS256", NULL, NULL, "ec.pub.pem", "the public key is not an RSA key" },
	{ "none", NULL, NULL, NULL, "the algorithm is neither HS256 nor RS256" },
	{ "hs256", TEST_SECRET, NULL, NULL, "the algorithm is neither HS256 nor RS256" },
	{ "", TEST_SECRET, NULL, NULL, "the algorithm is neither HS256 nor RS256" },
	{ NULL, TEST_SECRET, NULL, NULL, "the algorithm is neither HS256 nor RS256" },
};

START_TEST(refuses_a_key_and_says_why)
{
	const char *secret = keys[_i].key != NULL ? keys[_i].key : key(keys[_i].key_file);

	ck_assert_int_eq(tpauth_jwt_open(keys[_i].algorithm, secret, key(keys[_i].public_file),
					 &jwt, error, sizeof(error)),
			 TPAUTH_INVALID);
	ck_assert_str_eq(error, keys[_i].error);
	ck_assert_ptr_null(jwt);
}
END_TEST

START_TEST(an_error_may_go_nowhere)
{
	char small[8] = "xxxxxxx";

	ck_assert_int_eq(tpauth_jwt_open("HS256", "", NULL, &jwt, NULL, 0), TPAUTH_INVALID);
	ck_assert_int_eq(tpauth_jwt_open("HS256", "", NULL, &jwt, small, 4), TPAUTH_INVALID);
	ck_assert_str_eq(small, "the");
	ck_assert_str_eq(small + 4, "xxx");
}
END_TEST

START_TEST(takes_nothing_for_an_object)
{
	struct tpauth_claims *c = claims_of("{}");
	char *token = NULL;

	tpauth_jwt_close(NULL);
	ck_assert_int_eq(tpauth_jwt_open("HS256", TEST_SECRET, NULL, NULL, error, sizeof(error)),
			 TPAUTH_INTERNAL);
	ck_assert_int_eq(tpauth_jwt_encode(NULL, c, 60, &token), TPAUTH_INTERNAL);
	ck_assert_int_eq(tpauth_jwt_decode(NULL, a1, NULL, 0, &c), TPAUTH_INTERNAL);
	ck_assert_int_eq(tpauth_jwt_verify(NULL, a1, NULL, 0), TPAUTH_INTERNAL);
	opens("HS256", TEST_SECRET, NULL);
	ck_assert_int_eq(tpauth_jwt_encode(jwt, NULL, 60, &token), TPAUTH_INTERNAL);
	ck_assert_int_eq(tpauth_jwt_encode(jwt, c, 60, NULL), TPAUTH_INTERNAL);
	ck_assert_int_eq(tpauth_jwt_decode(jwt, a1, NULL, 0, NULL), TPAUTH_INTERNAL);
	ck_assert_int_eq(tpauth_jwt_verify(jwt, a1, NULL, -1), TPAUTH_INTERNAL);
	ck_assert_int_eq(tpauth_jwt_verify(jwt, NULL, NULL, 0), TPAUTH_NO_CREDENTIAL);
	tpauth_claims_free(c);
}
END_TEST

static Suite *jwt_suite(void)
{
	Suite *s = suite_create("jwt");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, reads_the_example_a1_of_rfc_7515);
	tcase_add_test(t, reads_the_example_a2_of_rfc_7515);
	tcase_add_loop_test(t, reads_what_it_signs, 0, 2);
	tcase_add_loop_test(t, signs_claims_as_they_are, 0, 2);
	tcase_add_test(t, leaves_the_claims_alone);
	tcase_add_test(t, signs_nothing_without_the_private_key);
	tcase_add_test(t, takes_a_key_as_base64);
	tcase_add_test(t, refuses_claims_that_cannot_be_signed);
	tcase_add_loop_test(t, agrees_with_libjwt, 0, 2);
	tcase_add_loop_test(t, judges_a_token, 0, (int)TP_COUNT(tokens));
	tcase_add_test(t, asks_for_the_issuer_that_is_named);
	tcase_add_test(t, the_leeway_goes_for_each_time);
	tcase_add_loop_test(t, refuses_what_is_no_token, 0, (int)TP_COUNT(broken));
	tcase_add_loop_test(t, refuses_each_change_of_a_good_token, 0, 2);
	tcase_add_test(t, refuses_a_token_signed_with_the_public_key);
	tcase_add_loop_test(t, refuses_a_key_and_says_why, 0, (int)TP_COUNT(keys));
	tcase_add_test(t, an_error_may_go_nowhere);
	tcase_add_test(t, takes_nothing_for_an_object);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(jwt_suite());
}
