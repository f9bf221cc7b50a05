/* SPDX-License-Identifier: MIT */
/*
 * libjwt as the second opinion and as the oracle: what we sign it accepts, what it signs we accept,
 * and of the same mutations of a token we never accept one that it refuses.
 * The loadable object is where the build leaves it, BUILD_DIR/.libs.
 */
#include "token/opinion.h"

#include "base/limits.h"
#include "support/check_run.h"
#include "support/token_rig.h"

#include <dlfcn.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

enum { NOW = RIG_TOKEN_NOW };

static const char *const heads[] = { HEAD, "{\"alg\":\"RS256\",\"typ\":\"JWT\"}" };

static const char *module_dir(void)
{
	static char path[256];
	const char *build = getenv("BUILD_DIR");

	snprintf(path, sizeof(path), "%s/.libs", build ? build : ".");
	return path;
}

static const struct opinion_module *libjwt(void)
{
	const struct opinion_module *m;
	char path[300];
	void *handle;

	snprintf(path, sizeof(path), "%s/tpauth_libjwt.so", module_dir());
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	ck_assert_msg(handle != NULL, "%s", dlerror());
	m = dlsym(handle, OPINION_SYMBOL);
	ck_assert_ptr_nonnull(m);
	ck_assert_int_eq(m->abi, OPINION_ABI);
	return m; /* stays loaded until the program ends */
}

/* ---- the start-up check ---- */

START_TEST(agrees_with_libjwt_on_good_keys)
{
	struct keyring *k = test_ring((enum keyring_alg)_i);
	struct tp_err err = { 0 };

	ck_assert_msg(opinion_ask(k, module_dir(), NOW, &err) == TP_OK, "%s", err.msg);
	keyring_close(k);
}
END_TEST

START_TEST(agrees_on_every_way_to_write_a_key)
{
	static const char *const files[][2] = {
		{ "rsa2048.pub.pem", "rsa2048.pem" },
		{ "rsa2048-pkcs1.pub.pem", "rsa2048-pkcs1.pem" },
	};
	struct buf pub = BUF_INIT(LIMIT_PEM), priv = BUF_INIT(LIMIT_PEM);

	for (int form = 0; form < TEST_FORMS; form++) {
		struct keyring_spec spec = { .alg = KEYRING_RS256, .must_sign = true };
		struct keyring *k = NULL;
		struct tp_err err = { 0 };

		test_key_form(&pub, test_key(files[_i][0]), (enum test_form)form);
		test_key_form(&priv, test_key(files[_i][1]), (enum test_form)form);
		spec.public_key = buf_view(&pub);
		spec.private_key = buf_view(&priv);
		ck_assert_int_eq(keyring_open(&spec, &k, NULL), TP_OK);
		ck_assert_msg(opinion_ask(k, module_dir(), NOW, &err) == TP_OK, "form %d: %s", form,
			      err.msg);
		keyring_close(k);
	}
	buf_release(&pub);
	buf_release(&priv);
}
END_TEST

/* Its modulus and exponent are those of rsa2048.pem, so nothing but a signature shows it. */
START_TEST(finds_a_damaged_private_key)
{
	const struct keyring_spec spec = { .alg = KEYRING_RS256,
					   .public_key = test_key("rsa2048.pub.pem"),
					   .private_key = test_key("rsa2048-damaged.pem"),
					   .must_sign = true };
	struct keyring *k = NULL;
	struct tp_err err;

	ck_assert_int_eq(keyring_open(&spec, &k, NULL), TP_OK);
	ck_assert_int_eq(opinion_ask(k, module_dir(), NOW, &err), TP_INVALID);
	ck_assert_str_eq(err.msg, "libjwt refuses a token that the RS256 key signed");
	ck_assert_uint_eq(ERR_peek_error(), 0);
	keyring_close(k);
}
END_TEST

START_TEST(asks_nothing_of_a_ring_that_cannot_sign)
{
	const struct keyring_spec spec = { .alg = KEYRING_RS256,
					   .public_key = test_key("rsa2048.pub.pem") };
	struct keyring *k = NULL;

	ck_assert_int_eq(keyring_open(&spec, &k, NULL), TP_OK);
	ck_assert_int_eq(opinion_ask(k, "/nonexistent", NOW, NULL), TP_OK);
	keyring_close(k);
}
END_TEST

START_TEST(a_missing_object_is_no_answer)
{
	static char long_dir[5000];
	struct keyring *k = test_ring(KEYRING_HS256);
	struct tp_err err;

	ck_assert_int_eq(opinion_ask(k, "/nonexistent", NOW, &err), TP_UNAVAILABLE);
	ck_assert_int_eq(err.rc, TP_UNAVAILABLE);
	memset(long_dir, 'x', sizeof(long_dir) - 1);
	ck_assert_int_eq(opinion_ask(k, long_dir, NOW, &err), TP_UNAVAILABLE);
	keyring_close(k);
}
END_TEST

/* A folder with another file under the object's name. */
static void ask_with_object(const char *target, struct tp_err *err)
{
	struct keyring *k = test_ring(KEYRING_HS256);
	char dir[] = "/tmp/check_opinion.XXXXXX", path[64];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/tpauth_libjwt.so", dir);
	ck_assert_int_eq(symlink(target, path), 0);
	ck_assert_int_eq(opinion_ask(k, dir, NOW, err), TP_UNAVAILABLE);
	unlink(path);
	rmdir(dir);
	keyring_close(k);
}

START_TEST(a_foreign_object_is_no_answer)
{
	struct tp_err err;
	Dl_info libc;

	ask_with_object("/dev/null", &err);
	ck_assert_int_ne(dladdr(dlsym(RTLD_DEFAULT, "getenv"), &libc), 0);
	ask_with_object(libc.dli_fname, &err);
	ck_assert_ptr_nonnull(strstr(err.msg, "is of another version"));
}
END_TEST

/* ---- the object ---- */

START_TEST(the_object_takes_the_algorithm_it_is_told)
{
	const struct opinion_module *m = libjwt();
	struct span pem = test_key("rsa2048.pub.pem"), priv = test_key("rsa2048.pem");
	char *jwt = NULL, *other = NULL;

	/* A token signed with the public key: libjwt itself is content with it. */
	ck_assert_int_eq(m->sign("HS256", pem.p, pem.len, GOOD, &jwt), 0);
	ck_assert_int_eq(m->verify("HS256", pem.p, pem.len, jwt), 0);
	ck_assert_int_ne(m->verify("RS256", pem.p, pem.len, jwt), 0);
	ck_assert_int_eq(m->sign("RS256", priv.p, priv.len, GOOD, &other), 0);
	ck_assert_int_eq(m->verify("RS256", pem.p, pem.len, other), 0);
	ck_assert_int_ne(m->verify("HS256", pem.p, pem.len, other), 0);
	/* No key is no check in libjwt. */
	ck_assert_int_ne(m->verify("HS256", pem.p, 0, jwt), 0);
	ck_assert_int_ne(m->verify("HS256", NULL, 0, jwt), 0);
	free(jwt);
	free(other);
}
END_TEST

START_TEST(the_object_refuses_what_it_cannot_do)
{
	static const char *const algs[] = { "none", "HS384", "ES256", "", "hs512" };
	const struct opinion_module *m = libjwt();
	char *jwt = NULL;

	for (size_t i = 0; i < TP_COUNT(algs); i++) {
		ck_assert_int_ne(m->sign(algs[i], "key", 3, GOOD, &jwt), 0);
		ck_assert_int_ne(m->verify(algs[i], "key", 3, "eyJhbGciOiJub25lIn0.e30."), 0);
	}
	ck_assert_int_ne(m->verify("HS256", "key", 3, "eyJhbGciOiJub25lIn0.e30."), 0);
	ck_assert_int_ne(m->sign("HS256", "", 0, GOOD, &jwt), 0);
	ck_assert_int_ne(m->sign("HS256", "key", 3, "no JSON", &jwt), 0);
	ck_assert_int_ne(m->sign("RS256", "key", 3, GOOD, &jwt), 0);
	ck_assert_ptr_null(jwt);
}
END_TEST

/* ---- the oracle ---- */

static bool libjwt_accepts(const struct token_rig *r, const char *jwt)
{
	struct span key = keyring_material(r->k, false);

	return libjwt()->verify(keyring_alg_name(r->k), key.p, key.len, jwt) == 0;
}

START_TEST(libjwt_accepts_what_we_sign)
{
	static const char *const claims[] = {
		"{}",
		GOOD,
		"{\"a\":{\"b\":[1,-2,{\"c\":null}],\"d\":true},\"e\":9007199254740992}",
		"{\"t\":\"\\u0001\\\"\\\\/\\u00e9\\ud83d\\ude00\"}",
	};
	struct token_rig r;

	token_rig_open(&r, (enum keyring_alg)_i);
	for (size_t i = 0; i < TP_COUNT(claims); i++) {
		token_rig_sign(&r, claims[i]);
		ck_assert_msg(libjwt_accepts(&r, buf_cstr(&r.jwt)), "%s", claims[i]);
	}
	token_rig_release(&r);
}
END_TEST

START_TEST(we_accept_what_libjwt_signs)
{
	struct token_rig r;
	struct span key;
	char *jwt = NULL;

	token_rig_open(&r, (enum keyring_alg)_i);
	key = keyring_material(r.k, true);
	ck_assert_int_eq(libjwt()->sign(keyring_alg_name(r.k), key.p, key.len, GOOD, &jwt), 0);
	ck_assert_int_eq(token_rig_verify_text(&r, span_of(jwt)), TP_OK);
	free(jwt);
	token_rig_release(&r);
}
END_TEST

static bool has_empty_part(const char *jwt)
{
	size_t len = strlen(jwt);

	return len == 0 || jwt[0] == '.' || jwt[len - 1] == '.' || strstr(jwt, "..") != NULL;
}

/* Of what libjwt accepts we may refuse a lot; of what it refuses we accept nothing. It writes past
 * the end of an empty part, so such tokens do not come before it. */
static void compare(struct token_rig *r, const char *jwt, int *refused)
{
	bool ours = token_rig_verify_text(r, span_of(jwt)) == TP_OK;
	bool theirs = !has_empty_part(jwt) && libjwt_accepts(r, jwt);

	ck_assert_msg(!ours || theirs, "%s", jwt);
	*refused += !ours && !theirs;
}

START_TEST(we_accept_no_mutation_that_libjwt_refuses)
{
	static const char inserts[] = "A.=-_+/ \n{";
	struct token_rig r;
	char jwt[1024];
	int refused = 0;
	size_t len;

	token_rig_open(&r, (enum keyring_alg)_i);
	token_rig_make(&r, heads[_i], GOOD);
	len = r.jwt.len;
	for (size_t at = 0; at < len; at += _i == KEYRING_HS256 ? 1 : 3) {
		memcpy(jwt, r.jwt.p, len + 1);
		jwt[at] = inserts[at % (sizeof(inserts) - 1)]; /* changed */
		compare(&r, jwt, &refused);
		memcpy(jwt, r.jwt.p, len + 1);
		jwt[at] = '\0'; /* cut */
		compare(&r, jwt, &refused);
		memcpy(jwt + at, r.jwt.p + at + 1, len - at); /* one left out */
		compare(&r, jwt, &refused);
		memcpy(jwt + at + 1, r.jwt.p + at, len - at + 1); /* one more */
		jwt[at] = inserts[at % (sizeof(inserts) - 1)];
		compare(&r, jwt, &refused);
	}
	ck_assert_int_gt(refused, 100); /* the mutations are ones that matter */
	token_rig_release(&r);
}
END_TEST

static const char *const odd_headers[] = {
	"{\"alg\":\"none\"}",
	"{\"alg\":\"None\"}",
	"{\"alg\":\"HS384\",\"typ\":\"JWT\"}",
	"{\"alg\":\"RS384\",\"typ\":\"JWT\"}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}",
	"{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}",
	"{\"alg\":\"HS256\"",
	"{\"alg\":1}",
	"{\"typ\":\"JWT\"}",
	"[]",
	"{}",
	"",
	"{\"alg\":\"HS256\",\"x\":\"\\u0000\"}",
};

static const char *const odd_payloads[] = {
	"",
	"{",
	"{}}",
	"1",
	"\"\"",
	"{\"exp\":}",
	"{" BASE ",\"x\":\"\xff\"}",
	"{" BASE ",\"x\":\"\\u0000\"}",
	"{" BASE ",\"x\":1e999}",
	"{" BASE ",\"x\":NaN}",
};

START_TEST(we_accept_no_form_that_libjwt_refuses)
{
	struct token_rig r;
	int refused = 0;

	token_rig_open(&r, (enum keyring_alg)_i);
	for (size_t i = 0; i < TP_COUNT(odd_headers); i++) {
		token_rig_make(&r, odd_headers[i], GOOD);
		compare(&r, buf_cstr(&r.jwt), &refused);
		token_rig_make_unsigned(&r, odd_headers[i], GOOD);
		compare(&r, buf_cstr(&r.jwt), &refused);
	}
	for (size_t i = 0; i < TP_COUNT(odd_payloads); i++) {
		token_rig_make(&r, heads[_i], odd_payloads[i]);
		compare(&r, buf_cstr(&r.jwt), &refused);
	}
	ck_assert_int_gt(refused, 20);
	token_rig_release(&r);
}
END_TEST

static Suite *opinion_suite(void)
{
	Suite *s = suite_create("opinion");
	TCase *c = tcase_create("start");

	tcase_add_loop_test(c, agrees_with_libjwt_on_good_keys, 0, 2);
	tcase_add_loop_test(c, agrees_on_every_way_to_write_a_key, 0, 2);
	tcase_add_test(c, finds_a_damaged_private_key);
	tcase_add_test(c, asks_nothing_of_a_ring_that_cannot_sign);
	tcase_add_test(c, a_missing_object_is_no_answer);
	tcase_add_test(c, a_foreign_object_is_no_answer);
	tcase_add_test(c, the_object_takes_the_algorithm_it_is_told);
	tcase_add_test(c, the_object_refuses_what_it_cannot_do);
	suite_add_tcase(s, c);

	c = tcase_create("oracle");
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, libjwt_accepts_what_we_sign, 0, 2);
	tcase_add_loop_test(c, we_accept_what_libjwt_signs, 0, 2);
	tcase_add_loop_test(c, we_accept_no_mutation_that_libjwt_refuses, 0, 2);
	tcase_add_loop_test(c, we_accept_no_form_that_libjwt_refuses, 0, 2);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return check_run(opinion_suite());
}
