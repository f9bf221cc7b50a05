/* SPDX-License-Identifier: MIT */
/*
 * Claims of token/jwk_verify.h. tests/data/jws holds the examples of RFC 7515 appendix A and RFC
 * 8037 appendix A.4, and for each algorithm one JWS that another implementation signed.
 */
#include "token/jwk_verify.h"

#include "base/codec.h"
#include "base/limits.h"
#include "support/check_run.h"
#include "support/test_keys.h"

#include <stdio.h>

#include "base/banned.h"

static struct tp_err err;

static const char *const algs[] = {
	"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256",
	"PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"
};
static const char *const examples[] = { "rfc7515-a1", "rfc7515-a2", "rfc7515-a3", "rfc7515-a4",
					"rfc8037-a4" };

static struct span data(const char *name, const char *suffix)
{
	char path[64];

	snprintf(path, sizeof(path), "../jws/%s%s", name, suffix);
	return test_key(path);
}

static void open_keys(struct span json, struct jwk_set *ret)
{
	ck_assert_msg(jwk_set_open(json, ret, &err) == TP_OK, "%s", err.msg);
}

static enum tp_rc verify(const struct jwk_set *keys, struct span jws)
{
	err = (struct tp_err){ 0 };
	return jwk_verify(keys, jws, NULL, &err);
}

START_TEST(accepts_the_examples_of_the_standards)
{
	for (size_t i = 0; i < TP_COUNT(examples); i++) {
		TP_CLEANUP(jwk_set_release) struct jwk_set keys = { .n = 0 };

		open_keys(data(examples[i], ".jwk"), &keys);
		ck_assert_msg(verify(&keys, data(examples[i], ".jws")) == TP_OK, "%s: %s",
			      examples[i], err.msg);
	}
}
END_TEST

START_TEST(accepts_each_algorithm_and_gives_what_was_signed)
{
	TP_CLEANUP(jwk_set_release) struct jwk_set keys = { .n = 0 };

	open_keys(data("keys", ".jwks"), &keys);
	for (size_t i = 0; i < TP_COUNT(algs); i++) {
		TP_CLEANUP(jwk_verified_release) struct jwk_verified j = { .payload = BUF_INIT(0) };
		static const char start[] = "any bytes: \x00\xff ";

		ck_assert_msg(jwk_verify(&keys, data(algs[i], ".jws"), &j, &err) == TP_OK, "%s: %s",
			      algs[i], err.msg);
		ck_assert(span_is(j.alg, algs[i]));
		ck_assert_ptr_nonnull(j.kid.p);
		ck_assert_uint_eq(j.payload.len, sizeof(start) - 1 + strlen(algs[i]));
		ck_assert_mem_eq(j.payload.p, start, sizeof(start) - 1);
	}
}
END_TEST

/* Each byte in turn is made another one, of the alphabet and not of it. */
START_TEST(refuses_each_example_with_any_byte_changed)
{
	for (size_t i = 0; i < TP_COUNT(examples); i++) {
		TP_CLEANUP(jwk_set_release) struct jwk_set keys = { .n = 0 };
		TP_CLEANUP(buf_release) struct buf jws = BUF_INIT(LIMIT_JWT);

		open_keys(data(examples[i], ".jwk"), &keys);
		buf_span(&jws, data(examples[i], ".jws"));
		for (size_t at = 0; at < jws.len; at++) {
			const char was = jws.p[at];
			const char others[] = {
				(char)(was ^ 1), (char)(was ^ 0x20), 'A', '.', '=', 0
			};

			for (size_t k = 0; k < sizeof(others); k++) {
				jws.p[at] = others[k];
				ck_assert_msg(others[k] == was ||
						      verify(&keys, buf_view(&jws)) == TP_DENIED,
					      "%s, byte %zu", examples[i], at);
			}
			jws.p[at] = was;
		}
		ck_assert_int_eq(verify(&keys, buf_view(&jws)), TP_OK);
	}
}
END_TEST

START_TEST(refuses_each_example_cut_or_prolonged)
{
	for (size_t i = 0; i < TP_COUNT(examples); i++) {
		TP_CLEANUP(jwk_set_release) struct jwk_set keys = { .n = 0 };
		TP_CLEANUP(buf_release) struct buf jws = BUF_INIT(LIMIT_JWT);
		struct span whole = data(examples[i], ".jws");

		open_keys(data(examples[i], ".jwk"), &keys);
		for (size_t n = 0; n < whole.len; n++)
			ck_assert_int_eq(verify(&keys, (struct span){ whole.p, n }), TP_DENIED);
		buf_span(&jws, whole);
		buf_str(&jws, "AAAA");
		ck_assert_int_eq(verify(&keys, buf_view(&jws)), TP_DENIED);
	}
}
END_TEST

/* header "." "eA" "." 32 bytes. */
static void make(const char *header, struct buf *out)
{
	buf_reset(out);
	codec_b64url_put(out, span_of(header));
	buf_str(out, ".eA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
}

START_TEST(refuses_headers_with_their_reason)
{
	static const struct {
		const char *header, *msg;
	} rows[] = {
		{ "", "the header is no JSON object, or has a member twice" },
		{ "[]", "the header is no JSON object, or has a member twice" },
		{ "{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
		  "the header is no JSON object, or has a member twice" },
		{ "{\"alg\":\"HS256\",\"\\u0061lg\":\"none\"}",
		  "the header is no JSON object, or has a member twice" },
		{ "{}", "the header has no \"alg\"" },
		{ "{\"alg\":[\"HS256\"]}", "the header has no \"alg\"" },
		{ "{\"alg\":\"none\"}", "alg is none: nothing is signed" },
		{ "{\"alg\":\"nOnE\"}", "alg is none: nothing is signed" },
		{ "{\"alg\":\"hs256\"}", "alg is none that is known here" },
		{ "{\"alg\":\"HS256\\u0020\"}", "alg is none that is known here" },
		{ "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", "the header has \"crit\" or \"b64\"" },
		{ "{\"alg\":\"HS256\",\"b64\":false}", "the header has \"crit\" or \"b64\"" },
		{ "{\"alg\":\"HS256\",\"kid\":7}", "kid is no text" },
		{ "{\"alg\":\"HS256\",\"kid\":\"rsa\"}",
		  "none of 8 keys fits; of the first: its kid is not the header's" },
		{ "{\"alg\":\"HS256\",\"kid\":\"secret\"}", "the key did not make this signature" },
		{ "{\"alg\":\"ES256\",\"kid\":\"P-256\"}", "the key did not make this signature" },
		{ "{\"alg\":\"RS256\"}", "the key did not make this signature" },
	};
	TP_CLEANUP(jwk_set_release) struct jwk_set keys = { .n = 0 };
	TP_CLEANUP(buf_release) struct buf jws = BUF_INIT(LIMIT_JWT);

	open_keys(data("keys", ".jwks"), &keys);
	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		make(rows[i].header, &jws);
		ck_assert_int_eq(verify(&keys, buf_view(&jws)), TP_DENIED);
		ck_assert_str_eq(err.msg, rows[i].msg);
	}
	ck_assert_int_eq(verify(&keys, data("rfc7515-a5", ".jws")), TP_DENIED);
	ck_assert_int_eq(verify(&keys, data("PS256-salt20", ".jws")), TP_DENIED);
}
END_TEST

/* The oldest trick: a public key's text as the secret of an HMAC, and any other pairing. */
START_TEST(takes_no_key_of_another_kind)
{
	TP_CLEANUP(jwk_set_release) struct jwk_set all = { .n = 0 };

	open_keys(data("keys", ".jwks"), &all);
	for (size_t i = 0; i < TP_COUNT(algs); i++) {
		size_t accepted = 0;

		for (size_t k = 0; k < all.n; k++) {
			const struct jwk_set one = { all.tree, &all.v[k], 1 };

			if (verify(&one, data(algs[i], ".jws")) == TP_OK)
				accepted++;
		}
		ck_assert_uint_eq(accepted, 1);
	}
}
END_TEST

static enum tp_rc verify_a1_with(const char *members)
{
	TP_CLEANUP(jwk_set_release) struct jwk_set keys = { .n = 0 };
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(LIMIT_JWT);

	buf_printf(&json,
		   "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"
		   "1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"%s}",
		   members);
	open_keys(buf_view(&json), &keys);
	return verify(&keys, data("rfc7515-a1", ".jws"));
}

START_TEST(obeys_what_a_key_says_it_is_for)
{
	ck_assert_int_eq(verify_a1_with(",\"alg\":\"HS256\",\"kid\":\"any\""), TP_OK);
	ck_assert_int_eq(verify_a1_with(",\"use\":\"sig\",\"key_ops\":[\"verify\"]"), TP_OK);
	ck_assert_int_eq(verify_a1_with(",\"alg\":\"HS512\""), TP_DENIED);
	ck_assert_str_eq(err.msg, "the key does not fit: its \"alg\" is another one");
	ck_assert_int_eq(verify_a1_with(",\"use\":\"enc\""), TP_DENIED);
	ck_assert_int_eq(verify_a1_with(",\"key_ops\":[\"sign\"]"), TP_DENIED);
}
END_TEST

/* Wants the secret of 4 bytes of RFC 4231, test case 2. */
START_TEST(takes_a_short_secret_for_bare_vectors_only)
{
	static const char mac[] =
		"\x5b\xdc\xc1\x46\xbf\x60\x75\x4e\x6a\x04\x24\x26\x08\x95\x75\xc7"
		"\x5a\x00\x3f\x08\x9d\x27\x39\x83\x9d\xec\x58\xb9\x64\xec\x38\x43";
	const struct span msg = SPAN_LIT("what do ya want for nothing?");
	TP_CLEANUP(jwk_set_release) struct jwk_set keys = { .n = 0 };
	TP_CLEANUP(buf_release) struct buf jws = BUF_INIT(LIMIT_JWT);

	open_keys(SPAN_LIT("{\"kty\":\"oct\",\"k\":\"SmVmZQ\"}"), &keys);
	ck_assert_int_eq(jwk_verify_raw(&keys, SPAN_LIT("HS256"), msg, SPAN_LIT(mac), &err), TP_OK);
	make("{\"alg\":\"HS256\"}", &jws);
	ck_assert_int_eq(verify(&keys, buf_view(&jws)), TP_DENIED);
	ck_assert_str_eq(err.msg, "the key does not fit: the secret is shorter than the hash (RFC "
				  "7518 section 3.2)");
}
END_TEST

START_TEST(verifies_bare_signatures_of_each_algorithm)
{
	TP_CLEANUP(jwk_set_release) struct jwk_set keys = { .n = 0 };

	open_keys(data("keys", ".jwks"), &keys);
	for (size_t i = 0; i < TP_COUNT(algs); i++) {
		TP_CLEANUP(buf_release) struct buf sig = BUF_INIT(LIMIT_JWT);
		struct span jws = data(algs[i], ".jws"), alg = span_of(algs[i]);
		const char *dot = memrchr(jws.p, '.', jws.len);
		struct span msg = { jws.p, (size_t)(dot - jws.p) };
		struct span text = { dot + 1, jws.len - msg.len - 1 };

		ck_assert_int_eq(codec_b64url_get(text, &sig, &err), TP_OK);
		ck_assert_int_eq(jwk_verify_raw(&keys, alg, msg, buf_view(&sig), &err), TP_OK);
		for (size_t at = 0; at < sig.len; at++) {
			sig.p[at] ^= 4;
			ck_assert_int_eq(jwk_verify_raw(&keys, alg, msg, buf_view(&sig), &err),
					 TP_DENIED);
			sig.p[at] ^= 4;
		}
		msg.len--;
		ck_assert_int_eq(jwk_verify_raw(&keys, alg, msg, buf_view(&sig), &err), TP_DENIED);
		ck_assert_int_eq(jwk_verify_raw(&keys, alg, msg, SPAN_LIT(""), &err), TP_DENIED);
	}
	ck_assert_int_eq(jwk_verify_raw(&keys, SPAN_LIT("none"), SPAN_LIT(""), SPAN_LIT(""), &err),
			 TP_NO_ROUTE);
}
END_TEST

START_TEST(refuses_zero_in_a_signature_by_a_curve)
{
	static const char zeros[132];
	TP_CLEANUP(jwk_set_release) struct jwk_set keys = { .n = 0 };

	open_keys(data("keys", ".jwks"), &keys);
	ck_assert_int_eq(jwk_verify_raw(&keys, SPAN_LIT("ES256"), SPAN_LIT("x"),
					(struct span){ zeros, 64 }, &err),
			 TP_DENIED);
	ck_assert_int_eq(jwk_verify_raw(&keys, SPAN_LIT("ES512"), SPAN_LIT("x"),
					(struct span){ zeros, 132 }, &err),
			 TP_DENIED);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("jwk_verify");
	TCase *t = tcase_create("jwk_verify");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, accepts_the_examples_of_the_standards);
	tcase_add_test(t, accepts_each_algorithm_and_gives_what_was_signed);
	tcase_add_test(t, refuses_each_example_with_any_byte_changed);
	tcase_add_test(t, refuses_each_example_cut_or_prolonged);
	tcase_add_test(t, refuses_headers_with_their_reason);
	tcase_add_test(t, takes_no_key_of_another_kind);
	tcase_add_test(t, obeys_what_a_key_says_it_is_for);
	tcase_add_test(t, takes_a_short_secret_for_bare_vectors_only);
	tcase_add_test(t, verifies_bare_signatures_of_each_algorithm);
	tcase_add_test(t, refuses_zero_in_a_signature_by_a_curve);
	suite_add_tcase(s, t);
	return check_run(s);
}
