/* SPDX-License-Identifier: MIT */
/*
 * Tokens: proof and time. No bytes but those that a key of the ring signed are accepted, in no
 * other spelling, at no other time, and a kept token is no easier to forge than a new one.
 */
#include "token/token.h"

#include "base/codec.h"
#include "base/limits.h"
#include "support/check_run.h"
#include "support/token_rig.h"

#include <malloc.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <unistd.h>

#include "base/banned.h"

enum { NOW = RIG_TOKEN_NOW, LEEWAY = RIG_TOKEN_LEEWAY };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static const char *const heads[] = { HEAD, "{\"alg\":\"RS256\",\"typ\":\"JWT\"}" };

/* ---- bytes ---- */

START_TEST(refuses_a_token_with_any_character_changed)
{
	struct token_rig r;

	token_rig_open(&r, (enum keyring_alg)_i);
	token_rig_make(&r, heads[_i], GOOD);
	for (size_t i = 0; i < r.jwt.len; i++) {
		char right = r.jwt.p[i];
		/* All of them at the end, where two may stand for the same bytes. RSA is slower. */
		int step = i + 1 == r.jwt.len ? 1 : _i == KEYRING_HS256 ? 7 : 21;

		for (int j = 0; j < 64; j += step) {
			if (digits[j] == right)
				continue;
			r.jwt.p[i] = digits[j];
			ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
		}
		for (const char *c = ".=+/ \n%\xff"; *c != '\0'; c++) {
			if (*c == right)
				continue;
			r.jwt.p[i] = *c;
			ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
		}
		r.jwt.p[i] = '\0';
		ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
		r.jwt.p[i] = right;
	}
	ck_assert_int_eq(token_rig_verify(&r), TP_OK);
	token_rig_release(&r);
}
END_TEST

START_TEST(refuses_a_token_that_is_cut_or_lengthened)
{
	struct token_rig r;
	size_t len;

	token_rig_open(&r, (enum keyring_alg)_i);
	token_rig_make(&r, heads[_i], GOOD);
	len = r.jwt.len;
	for (size_t i = 0; i < len; i++) {
		ck_assert_int_eq(token_rig_verify_text(&r, (struct span){ r.jwt.p, i }), TP_DENIED);
		ck_assert_int_eq(token_rig_verify_text(&r, (struct span){ r.jwt.p + len - i, i }),
				 TP_DENIED);
	}
	for (const char *c = ".=A-+ \n"; *c != '\0'; c++) {
		buf_char(&r.jwt, *c);
		ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
		buf_cut(&r.jwt, len);
	}
	ck_assert_int_eq(token_rig_verify_text(&r, (struct span){ r.jwt.p, len + 1 }), TP_DENIED);
	ck_assert_int_eq(token_rig_verify(&r), TP_OK);
	token_rig_release(&r);
}
END_TEST

/* H, P and S stand for the parts of a good token. */
static const char *const shapes[] = {
	"",
	".",
	"..",
	"...",
	"H",
	"P",
	"S",
	"H.",
	".H",
	"H.P",
	"H.P.",
	"H..S",
	".P.S",
	"..S",
	"H..",
	"H.P.S.",
	".H.P.S",
	"H.P.S.S",
	"H.P..S",
	"H..P.S",
	"H.P.S.H.P.S",
	"HPS",
	"H.PS",
	"HP.S",
	"P.H.S",
	"H.S.P",
	"S.P.H",
	"H.P.H",
	"H.H.S",
	"P.P.S",
	"H P S",
	" H.P.S",
	"H.P.S ",
	"H .P.S",
	"H.P.S\n",
	"H\n.P.S",
	"H.P. S",
	"H,P,S",
	"H.P.S=",
	"H=.P.S",
	"H.P=.S",
	"H.P.SS",
	"H.PP.S",
	"HH.P.S",
	"Bearer H.P.S",
	"\"H.P.S\"",
	"{\"protected\":\"H\",\"payload\":\"P\",\"signature\":\"S\"}",
};

START_TEST(refuses_every_other_arrangement_of_the_parts)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(4 * LIMIT_JWT);
	struct span rest, parts[3];
	struct token_rig r;

	token_rig_open(&r, KEYRING_HS256);
	token_rig_make(&r, HEAD, GOOD);
	rest = buf_view(&r.jwt);
	for (size_t i = 0; i < 3; i++)
		parts[i] = span_cut(&rest, '.');
	for (const char *c = shapes[_i]; *c != '\0'; c++) {
		if (*c == 'H' || *c == 'P' || *c == 'S')
			buf_span(&text, parts[*c == 'H' ? 0 : *c == 'P' ? 1 : 2]);
		else
			buf_char(&text, *c);
	}
	ck_assert_int_eq(token_rig_verify_text(&r, buf_view(&text)), TP_DENIED);
	token_rig_release(&r);
}
END_TEST

#define H "eyJhbGciOiJIUzI1NiIsIngiOiLDv8O" /* and "_In0": alg and a member x */
#define P                                                                   \
	"eyJ1c2VyX2lkIjoidXNlcl8wOTkiLCJpc3MiOiJwcmlzbWF0aWNhaW4iLCJ0b2tlb" \
	"l90eXBlIjoiYWNjZXNzIiwiZXhwIjoxODAwMDAwMDYwf" /* and "Q": GOOD */

static const struct {
	const char *header, *payload;
	enum tp_rc rc;
} spellings[] = {
	{ H "_In0", P "Q", TP_OK },	    { H "_In0=", P "Q", TP_DENIED },
	{ H "_In1", P "Q", TP_DENIED },					    /* unused bits */
	{ H "_In2", P "Q", TP_DENIED },	    { H "/In0", P "Q", TP_DENIED }, /* the other alphabet */
	{ H "_\nIn0", P "Q", TP_DENIED },   { " " H "_In0", P "Q", TP_DENIED },
	{ H "_In0A", P "Q", TP_DENIED },    { HEAD, P "Q", TP_DENIED },
	{ H "_In0", P "Q==", TP_DENIED },   { H "_In0", P "R", TP_DENIED },
	{ H "_In0", P "f", TP_DENIED },	    { H "_In0", P "Q\n", TP_DENIED },
	{ H "_In0", " " P "Q", TP_DENIED }, { H "_In0", P, TP_DENIED },
	{ H "_In0", GOOD, TP_DENIED },
};

/* The signature is good for the text as it stands. */
START_TEST(refuses_a_second_spelling_that_is_well_signed)
{
	struct token_rig r;

	token_rig_open(&r, KEYRING_HS256);
	token_rig_make_segments(&r, spellings[_i].header, spellings[_i].payload);
	ck_assert_int_eq(token_rig_verify(&r), spellings[_i].rc);
	token_rig_release(&r);
}
END_TEST

/* ---- algorithms ---- */

START_TEST(refuses_a_token_without_a_signature)
{
	static const char *const algs[] = { "none", "None",  "NONE",  "nOnE", "nonE",
					    "",	    "HS256", "RS256", "hs256" };
	struct token_rig r;
	char header[64];

	token_rig_open(&r, (enum keyring_alg)_i);
	for (size_t i = 0; i < TP_COUNT(algs); i++) {
		snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"typ\":\"JWT\"}", algs[i]);
		token_rig_make_unsigned(&r, header, GOOD);
		ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
		buf_cut(&r.jwt, r.jwt.len - 1);
		ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
		buf_str(&r.jwt, ".AA");
		ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
	}
	token_rig_make_unsigned(&r, "{}", GOOD);
	ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
	token_rig_release(&r);
}
END_TEST

static void hmac_with(struct token_rig *r, const char *header, struct span key)
{
	unsigned char sig[EVP_MAX_MD_SIZE];
	unsigned int len;

	token_rig_make_unsigned(r, header, GOOD);
	ck_assert_ptr_nonnull(HMAC(EVP_sha256(), key.p, (int)key.len,
				   (const unsigned char *)r->jwt.p, r->jwt.len - 1, sig, &len));
	token_rig_finish(r, sig, len);
}

START_TEST(refuses_a_token_signed_with_the_public_key)
{
	struct span pem = test_key("rsa2048.pub.pem"), keys[5];
	TP_CLEANUP(buf_release) struct buf base64 = BUF_INIT(LIMIT_PEM);
	struct token_rig r;
	char header[160];

	token_rig_open(&r, KEYRING_RS256);
	codec_b64_put(&base64, pem);
	keys[0] = pem;
	keys[1] = span_trim(pem);
	keys[2] = (struct span){ pem.p, pem.len - 1 };
	keys[3] = test_key("rsa2048-pkcs1.pub.pem");
	keys[4] = buf_view(&base64);
	for (size_t i = 0; i < TP_COUNT(keys); i++) {
		hmac_with(&r, HEAD, keys[i]);
		ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
		ck_assert_str_eq(r.err.msg, "token: alg is not the configured one");
		hmac_with(&r, heads[KEYRING_RS256], keys[i]);
		ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
		snprintf(header, sizeof(header), "{\"alg\":\"HS256\",\"kid\":\"%s\"}",
			 keyring_kid(r.k));
		hmac_with(&r, header, keys[i]);
		ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
	}
	token_rig_release(&r);
}
END_TEST

START_TEST(refuses_the_other_algorithm)
{
	struct token_rig hs, rs;

	token_rig_open(&hs, KEYRING_HS256);
	token_rig_open(&rs, KEYRING_RS256);
	for (size_t i = 0; i < TP_COUNT(heads); i++) {
		token_rig_make(&hs, heads[i], GOOD);
		ck_assert_int_eq(token_rig_verify_text(&rs, buf_view(&hs.jwt)), TP_DENIED);
		token_rig_make(&rs, heads[i], GOOD);
		ck_assert_int_eq(token_rig_verify_text(&hs, buf_view(&rs.jwt)), TP_DENIED);
	}
	token_rig_release(&hs);
	token_rig_release(&rs);
}
END_TEST

/* ---- keys ---- */

static void open_spec(struct token_rig *r, const struct keyring_spec *spec)
{
	static const struct token_rules rules = { RIG_TOKEN_ISSUER, LEEWAY };

	token_rig_open(r, spec->alg);
	token_verifier_close(r->v);
	keyring_close(r->k);
	ck_assert_int_eq(keyring_open(spec, &r->k, NULL), TP_OK);
	ck_assert_int_eq(token_verifier_open(r->k, &rules, &r->v, NULL), TP_OK);
}

static const char *head_with_kid(enum keyring_alg alg, const char *kid)
{
	static char header[160];

	snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
		 alg == KEYRING_HS256 ? "HS256" : "RS256", kid);
	return header;
}

START_TEST(refuses_a_foreign_key_under_our_key_id)
{
	const struct keyring_spec foreign = { .alg = (enum keyring_alg)_i,
					      .secret =
						      SPAN_LIT("another secret, of 33 bytes long."),
					      .private_key = test_key("rsa2048-other.pem") };
	struct token_rig ours, theirs;

	token_rig_open(&ours, foreign.alg);
	open_spec(&theirs, &foreign);
	for (size_t i = 0; i < 3; i++) {
		token_rig_make(&theirs,
			       i == 0	? heads[_i]
			       : i == 1 ? head_with_kid(foreign.alg, keyring_kid(ours.k))
					: head_with_kid(foreign.alg, keyring_kid(theirs.k)),
			       GOOD);
		ck_assert_int_eq(token_rig_verify_text(&ours, buf_view(&theirs.jwt)), TP_DENIED);
	}
	token_rig_release(&ours);
	token_rig_release(&theirs);
}
END_TEST

START_TEST(accepts_an_older_key_under_its_own_name_or_none)
{
	const char *secret_path = test_file(SPAN_LIT(TEST_SECRET "\n"));
	const char *const files[2][2] = { { secret_path, NULL },
					  { test_key_path("rsa2048.pub.pem"), NULL } };
	const struct keyring_spec spec = { .alg = (enum keyring_alg)_i,
					   .secret = SPAN_LIT("the secret of today, of 33 bytes."),
					   .private_key = test_key("rsa2048-other.pem"),
					   .verify_files = files[_i] };
	struct token_rig old, now;

	token_rig_open(&old, spec.alg);
	open_spec(&now, &spec);
	unlink(secret_path);
	token_rig_sign(&old, GOOD);
	ck_assert_int_eq(token_rig_verify_text(&now, buf_view(&old.jwt)), TP_OK);
	token_rig_make(&old, heads[_i], GOOD);
	ck_assert_int_eq(token_rig_verify_text(&now, buf_view(&old.jwt)), TP_OK);
	token_rig_make(&old, head_with_kid(spec.alg, keyring_kid(now.k)), GOOD);
	ck_assert_int_eq(token_rig_verify_text(&now, buf_view(&old.jwt)), TP_DENIED);
	token_rig_sign(&now, GOOD);
	ck_assert_int_eq(token_rig_verify(&now), TP_OK);
	ck_assert_int_eq(token_rig_verify_text(&old, buf_view(&now.jwt)), TP_DENIED);
	token_rig_release(&old);
	token_rig_release(&now);
}
END_TEST

START_TEST(a_ring_that_cannot_sign_signs_nothing)
{
	const struct keyring_spec spec = { .alg = KEYRING_RS256,
					   .public_key = test_key("rsa2048.pub.pem") };
	struct secret jwt = { NULL, 0 };
	struct jval *claims = token_rig_parse(GOOD);
	struct token_rig r;

	open_spec(&r, &spec);
	ck_assert_int_eq(token_sign(r.k, claims, &jwt, NULL), TP_INTERNAL);
	ck_assert_ptr_null(jwt.p);
	jval_release(claims);
	token_verifier_close(NULL);
	token_rig_release(&r);
}
END_TEST

/* ---- times ---- */

static const struct {
	enum token_from from;
	int64_t exp, iat, nbf; /* from NOW */
	enum tp_rc rc;
} times[] = {
	{ TOKEN_STORED, 1, 0, 0, TP_OK },
	{ TOKEN_STORED, 0, 0, 0, TP_EXPIRED },
	{ TOKEN_STORED, -1, 0, 0, TP_EXPIRED },
	{ TOKEN_STORED, -NOW, 0, 0, TP_EXPIRED },
	{ TOKEN_STORED, 1, LEEWAY, 0, TP_OK },
	{ TOKEN_STORED, 1, LEEWAY + 1, 0, TP_DENIED },
	{ TOKEN_STORED, 1, 0, LEEWAY, TP_OK },
	{ TOKEN_STORED, 1, 0, LEEWAY + 1, TP_DENIED },
	{ TOKEN_STORED, (INT64_C(1) << 53) - NOW, 0, 0, TP_OK },
	{ TOKEN_STORED, 1, (INT64_C(1) << 53) - NOW, 0, TP_DENIED },
	{ TOKEN_PRESENTED, 1 - LEEWAY, 0, 0, TP_OK },
	{ TOKEN_PRESENTED, -LEEWAY, 0, 0, TP_EXPIRED },
	{ TOKEN_PRESENTED, -1 - LEEWAY, 0, 0, TP_EXPIRED },
	{ TOKEN_PRESENTED, 1, LEEWAY, LEEWAY, TP_OK },
	{ TOKEN_PRESENTED, 1, LEEWAY + 1, 0, TP_DENIED },
	{ TOKEN_PRESENTED, 1, 0, LEEWAY + 1, TP_DENIED },
};

static const char *timed(int64_t exp, int64_t iat, int64_t nbf)
{
	static char claims[300];

	snprintf(claims, sizeof(claims),
		 "{" WHO "," ISS "," TYPE ",\"exp\":%lld,\"iat\":%lld,\"nbf\":%lld}",
		 (long long)exp, (long long)iat, (long long)nbf);
	return claims;
}

START_TEST(judges_times_to_the_second)
{
	const struct token *t;
	struct token_rig r;

	token_rig_open(&r, KEYRING_HS256);
	token_rig_make(&r, HEAD,
		       timed(NOW + times[_i].exp, NOW + times[_i].iat, NOW + times[_i].nbf));
	for (int again = 0; again < 2; again++) /* the second time from the cache */
		ck_assert_int_eq(token_verify(r.v, buf_view(&r.jwt), times[_i].from, NOW, &t, NULL),
				 times[_i].rc);
	token_rig_release(&r);
}
END_TEST

START_TEST(judges_a_kept_token_anew_each_time)
{
	static const struct {
		int64_t now;
		enum token_from from;
		enum tp_rc rc;
	} rows[] = {
		{ NOW, TOKEN_STORED, TP_OK },
		{ NOW + 99, TOKEN_STORED, TP_OK },
		{ NOW + 100, TOKEN_STORED, TP_EXPIRED },
		{ NOW + 100, TOKEN_PRESENTED, TP_OK },
		{ NOW + 99 + LEEWAY, TOKEN_PRESENTED, TP_OK },
		{ NOW + 100 + LEEWAY, TOKEN_PRESENTED, TP_EXPIRED },
		{ NOW - LEEWAY, TOKEN_STORED, TP_OK },
		{ NOW - LEEWAY - 1, TOKEN_STORED, TP_DENIED },
		{ INT64_MAX, TOKEN_PRESENTED, TP_EXPIRED },
		{ INT64_MIN, TOKEN_PRESENTED, TP_DENIED },
		{ NOW, TOKEN_PRESENTED, TP_OK },
	};
	const struct token *t;
	struct token_rig r;

	token_rig_open(&r, KEYRING_HS256);
	token_rig_make(&r, HEAD, timed(NOW + 100, NOW, NOW));
	for (size_t i = 0; i < TP_COUNT(rows); i++)
		ck_assert_int_eq(
			token_verify(r.v, buf_view(&r.jwt), rows[i].from, rows[i].now, &t, NULL),
			rows[i].rc);
	token_rig_release(&r);
}
END_TEST

START_TEST(takes_the_largest_leeway_without_overflow)
{
	const struct token_rules patient = { RIG_TOKEN_ISSUER, INT64_MAX };
	struct token_verifier *v = NULL;
	const struct token *t;
	struct token_rig r;

	token_rig_open(&r, KEYRING_HS256);
	ck_assert_int_eq(token_verifier_open(r.k, &patient, &v, NULL), TP_OK);
	token_rig_make(&r, HEAD, timed(1, INT64_C(1) << 53, INT64_C(1) << 53));
	ck_assert_int_eq(token_verify(v, buf_view(&r.jwt), TOKEN_PRESENTED, NOW, &t, NULL), TP_OK);
	ck_assert_int_eq(token_verify(v, buf_view(&r.jwt), TOKEN_STORED, NOW, &t, NULL),
			 TP_EXPIRED);
	token_verifier_close(v);
	token_rig_release(&r);
}
END_TEST

/* ---- the cache ---- */

static void make_numbered(struct token_rig *r, size_t n)
{
	char claims[300];

	snprintf(claims, sizeof(claims), "{" ISS "," TYPE "," EXP ",\"user_id\":\"user %zu\"}", n);
	token_rig_make(r, HEAD, claims);
}

START_TEST(keeps_the_last_tokens_and_tells_them_apart)
{
	const struct jval *kept[LIMIT_TOKEN_CACHE];
	char expected[64];
	struct token_rig r;

	token_rig_open(&r, KEYRING_HS256);
	for (size_t round = 0; round < 4; round++) {
		for (size_t i = 0; i < LIMIT_TOKEN_CACHE; i++) {
			make_numbered(&r, i);
			ck_assert_int_eq(token_rig_verify(&r), TP_OK);
			snprintf(expected, sizeof(expected), "user %zu", i);
			ck_assert(span_is(r.t->user_id, expected));
			if (round == 0)
				kept[i] = r.t->claims;
			ck_assert_ptr_eq(r.t->claims, kept[i]);
		}
	}
	token_rig_release(&r);
}
END_TEST

START_TEST(a_kept_token_opens_for_its_exact_bytes_only)
{
	struct token_rig r;

	token_rig_open(&r, KEYRING_HS256);
	token_rig_make(&r, HEAD, GOOD);
	ck_assert_int_eq(token_rig_verify(&r), TP_OK);
	for (size_t i = 0; i < r.jwt.len; i++) {
		char c = r.jwt.p[i];

		r.jwt.p[i] = c == 'A' ? 'B' : 'A';
		ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
		r.jwt.p[i] = c;
	}
	ck_assert_int_eq(token_rig_verify_text(&r, (struct span){ r.jwt.p + 1, r.jwt.len - 1 }),
			 TP_DENIED);
	buf_char(&r.jwt, '.');
	ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
	buf_cut(&r.jwt, r.jwt.len - 1);
	ck_assert_int_eq(token_rig_verify(&r), TP_OK);
	token_rig_release(&r);
}
END_TEST

/* Lists in lists are what takes most memory for its text. */
START_TEST(keeps_no_more_than_its_memory)
{
	static char claims[LIMIT_JWT];
	struct token_rig r;
	size_t before, n;

	token_rig_open(&r, KEYRING_HS256);
	before = mallinfo2().uordblks;
	for (size_t i = 0; i < 60; i++) {
		n = (size_t)snprintf(claims, sizeof(claims), "{" BASE ",\"n\":%zu,\"x\":[{}", i);
		for (size_t j = 0; j < 1500; j++)
			n += (size_t)snprintf(claims + n, sizeof(claims) - n,
					      i % 2 ? ",{}" : ",[]");
		snprintf(claims + n, sizeof(claims) - n, "]}");
		token_rig_make(&r, HEAD, claims);
		ck_assert_int_eq(token_rig_verify(&r), TP_OK);
		ck_assert_uint_eq(jval_count(jval_get(r.t->claims, "x")), 1501);
		ck_assert_uint_le(mallinfo2().uordblks, before + 2 * 1024 * 1024);
	}
	token_rig_release(&r);
}
END_TEST

static Suite *token_proof_suite(void)
{
	Suite *s = suite_create("token proof");
	TCase *c = tcase_create("bytes");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, refuses_a_token_with_any_character_changed, 0, 2);
	tcase_add_loop_test(c, refuses_a_token_that_is_cut_or_lengthened, 0, 2);
	tcase_add_loop_test(c, refuses_every_other_arrangement_of_the_parts, 0, TP_COUNT(shapes));
	tcase_add_loop_test(c, refuses_a_second_spelling_that_is_well_signed, 0,
			    TP_COUNT(spellings));
	suite_add_tcase(s, c);

	c = tcase_create("keys");
	tcase_add_loop_test(c, refuses_a_token_without_a_signature, 0, 2);
	tcase_add_test(c, refuses_a_token_signed_with_the_public_key);
	tcase_add_test(c, refuses_the_other_algorithm);
	tcase_add_loop_test(c, refuses_a_foreign_key_under_our_key_id, 0, 2);
	tcase_add_loop_test(c, accepts_an_older_key_under_its_own_name_or_none, 0, 2);
	tcase_add_test(c, a_ring_that_cannot_sign_signs_nothing);
	suite_add_tcase(s, c);

	c = tcase_create("times and cache");
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, judges_times_to_the_second, 0, TP_COUNT(times));
	tcase_add_test(c, judges_a_kept_token_anew_each_time);
	tcase_add_test(c, takes_the_largest_leeway_without_overflow);
	tcase_add_test(c, keeps_the_last_tokens_and_tells_them_apart);
	tcase_add_test(c, a_kept_token_opens_for_its_exact_bytes_only);
	tcase_add_test(c, keeps_no_more_than_its_memory);
	suite_add_tcase(s, c);

	return s;
}

int main(void)
{
	return check_run(token_proof_suite());
}
