/* SPDX-License-Identifier: MIT */
/*
 * Keys and tokens when memory runs out: at whichever allocation, the answer is TP_NOMEM or the
 * right one, never a token that was let in or a leak, and afterwards everything works.
 */
#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/token_rig.h"

#include <stdio.h>
#include <unistd.h>

#include "base/banned.h"

enum { NOW = RIG_TOKEN_NOW };

static struct keyring_spec spec_of(int alg, const char *const *files)
{
	struct keyring_spec spec = { .alg = (enum keyring_alg)alg,
				     .verify_files = files,
				     .must_sign = true };

	if (alg == KEYRING_HS256)
		spec.secret = SPAN_LIT("the secret of today, of 33 bytes.");
	else
		spec.private_key = test_key("rsa2048-other.pem");
	return spec;
}

START_TEST(opening_a_ring)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(LIMIT_PEM);
	const char *path;
	long n;

	/* The second key as base64, which takes a buffer more. */
	test_key_form(&text, test_key("rsa2048.pub.pem"), TEST_BASE64);
	path = test_file(_i == KEYRING_HS256 ? SPAN_LIT(TEST_SECRET) : buf_view(&text));
	for (n = 1;; n++) {
		const char *const files[] = { path, NULL };
		const struct keyring_spec spec = spec_of(_i, files);
		struct keyring *k = NULL;
		enum tp_rc rc;
		bool failed;

		alloc_fail_at(n);
		rc = keyring_open(&spec, &k, NULL);
		failed = alloc_fail_off();
		ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
		ck_assert((k != NULL) == !failed);
		keyring_close(k);
		if (!failed)
			break;
	}
	ck_assert_int_gt(n, 5);
	unlink(path);
}
END_TEST

START_TEST(signing)
{
	struct jval *claims = token_rig_parse(GOOD);
	struct token_rig r;
	long n;

	token_rig_open(&r, (enum keyring_alg)_i);
	for (n = 1;; n++) {
		struct secret jwt = { NULL, 0 };
		enum tp_rc rc;
		bool failed;

		alloc_fail_at(n);
		rc = token_sign(r.k, claims, &jwt, NULL);
		failed = alloc_fail_off();
		ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
		ck_assert((jwt.p != NULL) == !failed);
		secret_release(&jwt);
		if (!failed)
			break;
	}
	ck_assert_int_gt(n, 3);
	jval_release(claims);
	token_rig_release(&r);
}
END_TEST

static const struct {
	const char *header, *payload;
	enum tp_rc rc;
} tokens[] = {
	{ HEAD, "{" BASE ",\"sid\":\"S\",\"scopes\":[\"a\"]}", TP_OK },
	{ HEAD, "{" BASE ",\"user_id\":\"root\"}", TP_DENIED },
	{ "{\"alg\":\"none\"}", GOOD, TP_DENIED },
};

START_TEST(verifying)
{
	struct token_rig r;
	long n;

	token_rig_open(&r, KEYRING_HS256);
	token_rig_make(&r, tokens[_i].header, tokens[_i].payload);
	for (n = 1;; n++) {
		const struct token *t = NULL;
		enum tp_rc rc;
		bool failed;

		alloc_fail_at(n);
		rc = token_verify(r.v, buf_view(&r.jwt), TOKEN_STORED, NOW, &t, NULL);
		failed = alloc_fail_off();
		ck_assert_int_eq(rc, failed ? TP_NOMEM : tokens[_i].rc);
		ck_assert((t != NULL) == (rc == TP_OK));
		if (!failed)
			break;
	}
	ck_assert_int_gt(n, 1);
	ck_assert_int_eq(token_rig_verify(&r), tokens[_i].rc);
	token_rig_release(&r);
}
END_TEST

static void make_numbered(struct token_rig *r, size_t n)
{
	char claims[300];

	snprintf(claims, sizeof(claims), "{" ISS "," TYPE "," EXP ",\"user_id\":\"user %zu\"}", n);
	token_rig_make(r, HEAD, claims);
}

/* Without memory, only a kept token verifies. */
static bool is_kept(struct token_rig *r, size_t n)
{
	const struct token *t;
	enum tp_rc rc;
	bool asked;

	make_numbered(r, n);
	alloc_fail_at(1);
	rc = token_verify(r->v, buf_view(&r->jwt), TOKEN_STORED, NOW, &t, NULL);
	asked = alloc_fail_off();
	ck_assert(asked == (rc == TP_NOMEM));
	return rc == TP_OK;
}

START_TEST(a_new_token_drops_the_one_not_asked_for_longest)
{
	struct token_rig r;

	token_rig_open(&r, KEYRING_HS256);
	for (size_t i = 0; i < LIMIT_TOKEN_CACHE; i++) {
		ck_assert(!is_kept(&r, i));
		ck_assert_int_eq(token_rig_verify(&r), TP_OK);
	}
	ck_assert(is_kept(&r, 0));
	make_numbered(&r, LIMIT_TOKEN_CACHE);
	ck_assert_int_eq(token_rig_verify(&r), TP_OK);
	for (size_t i = 0; i <= LIMIT_TOKEN_CACHE; i++)
		ck_assert(is_kept(&r, i) == (i != 1));
	token_rig_release(&r);
}
END_TEST

START_TEST(opening_a_verifier)
{
	const struct token_rules rules = { RIG_TOKEN_ISSUER, 0 };
	struct keyring *k = test_ring(KEYRING_HS256);

	for (long n = 1;; n++) {
		struct token_verifier *v = NULL;
		enum tp_rc rc;
		bool failed;

		alloc_fail_at(n);
		rc = token_verifier_open(k, &rules, &v, NULL);
		failed = alloc_fail_off();
		ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
		ck_assert((v != NULL) == !failed);
		token_verifier_close(v);
		if (!failed)
			break;
	}
	keyring_close(k);
}
END_TEST

START_TEST(peeking)
{
	struct token_rig r;
	int64_t exp;

	token_rig_open(&r, KEYRING_HS256);
	token_rig_make(&r, HEAD, GOOD);
	for (long n = 1;; n++) {
		bool has, failed;

		alloc_fail_at(n);
		has = token_peek_exp(buf_view(&r.jwt), &exp);
		failed = alloc_fail_off();
		ck_assert(has == !failed);
		if (!failed)
			break;
	}
	token_rig_release(&r);
}
END_TEST

static Suite *token_memory_suite(void)
{
	Suite *s = suite_create("token memory");
	TCase *c = tcase_create("each allocation fails once");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, opening_a_ring, 0, 2);
	tcase_add_loop_test(c, signing, 0, 2);
	tcase_add_loop_test(c, verifying, 0, TP_COUNT(tokens));
	tcase_add_test(c, a_new_token_drops_the_one_not_asked_for_longest);
	tcase_add_test(c, opening_a_verifier);
	tcase_add_test(c, peeking);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return check_run(token_memory_suite());
}
