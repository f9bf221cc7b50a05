/* SPDX-License-Identifier: MIT */
/*
 * What passes of the claims that a handler returns, by a handler that returns what it is told; and
 * which handlers there are.
 */
#include "auth/authn.h"

#include "base/limits.h"
#include "support/check_run.h"

#include <stdlib.h>

#include "base/banned.h"

/* A handler that answers with this. */
struct fake {
	enum tp_rc rc;
	const char *json; /* NULL: nothing at all */
	int retry_s;
	int closed;
};

static enum tp_rc fake_ask(void *self, const struct authn_request *r, struct jval **ret_claims,
			   struct tp_err *err)
{
	struct fake *f = self;

	(void)r;
	if (f->rc != TP_OK)
		return tp_fail_retry(err, f->rc, f->retry_s, "what the handler says");
	return f->json == NULL ? TP_OK : jval_parse(span_of(f->json), ret_claims, err);
}

static void fake_close(void *self)
{
	((struct fake *)self)->closed++;
}

static const struct authn_ops fake_ops = { .scheme = "fake", .ask = fake_ask, .close = fake_close };

static enum tp_rc ask(struct fake *f, const struct authn_request *r, struct buf *ret_json,
		      struct tp_err *err)
{
	struct jval *claims = NULL;
	struct authn *n = NULL;
	enum tp_rc rc;

	ck_assert_int_eq(authn_open_with(&fake_ops, f, &n, err), TP_OK);
	rc = authn_ask(n, r, &claims, err);
	ck_assert_int_eq(rc == TP_OK, claims != NULL);
	if (claims != NULL)
		jval_write(claims, ret_json);
	jval_release(claims);
	authn_close(n);
	ck_assert_int_eq(f->closed, 1);
	return rc;
}

/* clang-format off */
#define S16 "0123456789abcdef"
#define S128 S16 S16 S16 S16 S16 S16 S16 S16

static const struct {
	const char *json, *passes;
} good[] = {
	{ "{\"user_id\":\"joe\"}", "{\"user_id\":\"joe\"}" },
	{ "{\"user_id\":\"joe\",\"username\":\"Joe\",\"email\":\"joe@example.org\",\"scopes\":[\"a\",\"b\"]}",
	  "{\"user_id\":\"joe\",\"username\":\"Joe\",\"email\":\"joe@example.org\",\"scopes\":[\"a\",\"b\"]}" },
	{ "{\"user_id\":\"joe\",\"username\":null,\"email\":null,\"scopes\":null}",
	  "{\"user_id\":\"joe\",\"username\":null,\"email\":null,\"scopes\":null}" },
	{ "{\"user_id\":\"joe\",\"scopes\":[]}", "{\"user_id\":\"joe\",\"scopes\":[]}" },
	{ "{\"user_id\":\"joe\",\"jti\":\"x\",\"roles\":{\"a\":[1,true]}}",
	  "{\"user_id\":\"joe\",\"jti\":\"x\",\"roles\":{\"a\":[1,true]}}" },
	{ "{\"user_id\":\"J\\u00f6rg\"}", "{\"user_id\":\"J\xc3\xb6rg\"}" },
	{ "{\"user_id\":\"" S128 S16 S16 S16 S16 S16 S16 S16 "0123456789abcde\"}",
	  "{\"user_id\":\"" S128 S16 S16 S16 S16 S16 S16 S16 "0123456789abcde\"}" },
	/* what is set at the minting goes, wherever it stands and whatever it is */
	{ "{\"iss\":\"x\",\"user_id\":\"joe\",\"iat\":1,\"nbf\":99999999999,\"exp\":\"never\",\"token_type\":\"refresh\","
	  "\"sid\":[],\"auth_time\":0,\"ip\":\"::1\",\"agent\":null,\"kept\":1}",
	  "{\"user_id\":\"joe\",\"kept\":1}" },
};

static const struct {
	const char *json, *msg;
} bad[] = {
	{ NULL, "what is no JSON object" },
	{ "null", "what is no JSON object" },
	{ "[]", "what is no JSON object" },
	{ "\"joe\"", "what is no JSON object" },
	{ "1", "what is no JSON object" },
	{ "{}", "no user_id" },
	{ "{\"User_id\":\"joe\"}", "no user_id" },
	{ "{\"user_id\":null}", "a user_id that is no string" },
	{ "{\"user_id\":1}", "a user_id that is no string" },
	{ "{\"user_id\":[\"joe\"]}", "a user_id that is no string" },
	{ "{\"user_id\":\"\"}", "a user_id that is not allowed" },
	{ "{\"user_id\":\"tpauth-fail\"}", "a user_id that is not allowed" },
	{ "{\"user_id\":\"a\\nb\"}", "a user_id that is not allowed" },
	{ "{\"user_id\":\"" S128 S128 "\"}", "a user_id that is not allowed" },
	{ "{\"user_id\":\"joe\",\"scopes\":\"a b\"}", "scopes that are no array of distinct scopes" },
	{ "{\"user_id\":\"joe\",\"scopes\":{}}", "scopes that are no array of distinct scopes" },
	{ "{\"user_id\":\"joe\",\"scopes\":[1]}", "scopes that are no array of distinct scopes" },
	{ "{\"user_id\":\"joe\",\"scopes\":[\"a b\"]}", "scopes that are no array of distinct scopes" },
	{ "{\"user_id\":\"joe\",\"scopes\":[\"a\",\"a\"]}", "scopes that are no array of distinct scopes" },
	{ "{\"user_id\":\"joe\",\"scopes\":[\"\"]}", "scopes that are no array of distinct scopes" },
	{ "{\"user_id\":\"joe\",\"scopes\":[null]}", "scopes that are no array of distinct scopes" },
	{ "{\"user_id\":\"joe\",\"username\":1}", "a username that is no string" },
	{ "{\"user_id\":\"joe\",\"username\":[]}", "a username that is no string" },
	{ "{\"user_id\":\"joe\",\"email\":false}", "an email that is no string" },
	{ "{\"user_id\":\"joe\",\"aud\":\"x\"}", "an aud, which tokens here do not have" },
	{ "{\"user_id\":\"joe\",\"aud\":null}", "an aud, which tokens here do not have" },
};

#define SCHEMES "htpasswd:..., exec:..., https:..., http:..., ldap:..., pam:... or module:..."

static const struct {
	const char *handler, *msg;
} unknown[] = {
	{ "ldp:x", "TOKEN_HANDLER: takes " SCHEMES ", not \"ldp\"" },
	{ "", "TOKEN_HANDLER: takes " SCHEMES ", not \"\"" },
	{ "htpasswd", "TOKEN_HANDLER: takes " SCHEMES ", not \"htpasswd\"" },
	{ "exec", "TOKEN_HANDLER: takes " SCHEMES ", not \"exec\"" },
	{ "Exec:/bin/true", "TOKEN_HANDLER: takes " SCHEMES ", not \"Exec\"" },
	{ " exec:/bin/true", "TOKEN_HANDLER: takes " SCHEMES ", not \" exec\"" },
	{ ":", "TOKEN_HANDLER: takes " SCHEMES ", not \"\"" },
	{ "0123456789012345678901234567890123456789x:",
	  "TOKEN_HANDLER: takes " SCHEMES ", not \"0123456789012345678901234567890123456789\"" },
	/* a scheme that is known reports on its own */
	{ "htpasswd:", "TOKEN_HANDLER: takes htpasswd:FILE[,groups=FILE]; a FILE is empty" },
	{ "exec:", "TOKEN_HANDLER: takes exec:COMMAND with the absolute path of a program" },
};
/* clang-format on */

static const struct authn_request login = { .event = AUTHN_LOGIN };

START_TEST(passes_claims_without_what_is_ours)
{
	struct fake f = { .json = good[_i].json };
	struct buf got = BUF_INIT(10000);
	struct tp_err err = { 0 };

	ck_assert_msg(ask(&f, &login, &got, &err) == TP_OK, "%s", err.msg);
	ck_assert_str_eq(buf_cstr(&got), good[_i].passes);
	buf_release(&got);
}
END_TEST

START_TEST(refuses_claims_that_cannot_become_a_token)
{
	struct fake f = { .json = bad[_i].json };
	struct buf expected = BUF_INIT(1000);
	struct tp_err err = { 0 };

	ck_assert_int_eq(ask(&f, &login, NULL, &err), TP_UNAVAILABLE);
	buf_printf(&expected, "the token handler returned %s", bad[_i].msg);
	ck_assert_str_eq(err.msg, buf_cstr(&expected));
	buf_release(&expected);
}
END_TEST

/* Claims as text, with a filler of n bytes. */
static void put_filled(struct buf *out, size_t n)
{
	buf_str(out, "{\"user_id\":\"joe\",\"x\":\"");
	while (n-- > 0)
		buf_char(out, 'x');
	buf_str(out, "\"}");
}

START_TEST(refuses_claims_larger_than_a_token)
{
	const size_t most = (size_t)LIMIT_JWT / 4 * 3,
		     around = strlen("{\"user_id\":\"joe\",\"x\":\"\"}");

	for (size_t over = 0; over < 2; over++) {
		struct buf json = BUF_INIT(10000), got = BUF_INIT(10000);
		struct fake f = { .rc = TP_OK };
		struct tp_err err = { 0 };

		put_filled(&json, most - around + over);
		f.json = buf_cstr(&json);
		ck_assert_int_eq(ask(&f, &login, &got, &err), over ? TP_UNAVAILABLE : TP_OK);
		ck_assert_str_eq(err.msg,
				 over ? "the token handler returned claims too large for a token"
				      : "");
		buf_release(&json);
		buf_release(&got);
	}
}
END_TEST

START_TEST(takes_as_many_scopes_as_a_session_may_have)
{
	for (int n = LIMIT_SCOPES; n <= LIMIT_SCOPES + 1; n++) {
		struct buf json = BUF_INIT(10000), got = BUF_INIT(10000);
		struct fake f = { .rc = TP_OK };
		struct tp_err err = { 0 };

		buf_str(&json, "{\"user_id\":\"joe\",\"scopes\":[");
		for (int i = 0; i < n; i++)
			buf_printf(&json, "%s\"s%d\"", i > 0 ? "," : "", i);
		buf_str(&json, "]}");
		f.json = buf_cstr(&json);
		ck_assert_int_eq(ask(&f, &login, &got, &err),
				 n > LIMIT_SCOPES ? TP_UNAVAILABLE : TP_OK);
		buf_release(&json);
		buf_release(&got);
	}
}
END_TEST

static enum tp_rc refresh(const char *session, const char *answer, struct tp_err *err)
{
	struct authn_request r = { .event = AUTHN_REFRESH };
	struct fake f = { .json = answer };
	struct buf got = BUF_INIT(10000);
	struct jval *claims = NULL;
	enum tp_rc rc;

	ck_assert_int_eq(jval_parse(span_of(session), &claims, err), TP_OK);
	r.claims = claims;
	rc = ask(&f, &r, &got, err);
	jval_release(claims);
	buf_release(&got);
	return rc;
}

START_TEST(a_refresh_keeps_the_user)
{
	static const char joe[] = "{\"user_id\":\"joe\",\"sid\":\"x\"}";
	struct tp_err err = { 0 };

	ck_assert_int_eq(refresh(joe, "{\"user_id\":\"joe\",\"scopes\":[]}", &err), TP_OK);
	ck_assert_int_eq(refresh(joe, "{\"user_id\":\"joe2\"}", &err), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the token handler returned another user_id than the session's");
	ck_assert_int_eq(refresh(joe, "{\"user_id\":\"Joe\"}", &err), TP_UNAVAILABLE);
	ck_assert_int_eq(refresh("{}", "{\"user_id\":\"joe\"}", &err), TP_UNAVAILABLE);
}
END_TEST

/* clang-format off */
static const struct {
	enum tp_rc says, becomes;
} codes[] = {
	{ TP_DENIED, TP_DENIED }, { TP_UNAVAILABLE, TP_UNAVAILABLE }, { TP_NOMEM, TP_NOMEM },
	{ TP_NOT_FOUND, TP_UNAVAILABLE }, { TP_EXPIRED, TP_UNAVAILABLE },
	{ TP_INVALID, TP_UNAVAILABLE }, { TP_TOO_LARGE, TP_UNAVAILABLE },
	{ TP_EXISTS, TP_UNAVAILABLE }, { TP_INTERNAL, TP_INTERNAL },
};
/* clang-format on */

START_TEST(only_a_clear_no_is_denied)
{
	struct fake f = { .rc = codes[_i].says, .retry_s = 7 };
	struct tp_err err = { 0 };

	ck_assert_int_eq(ask(&f, &login, NULL, &err), codes[_i].becomes);
	ck_assert_int_eq(err.rc, codes[_i].becomes);
	ck_assert_int_eq(err.retry_s, 7);
	ck_assert_str_eq(err.msg, "what the handler says");
}
END_TEST

START_TEST(names_the_handlers_that_there_are)
{
	struct authn *n = NULL;
	struct tp_err err = { 0 };

	ck_assert_int_eq(authn_open(&(struct authn_spec){ .handler = span_of(unknown[_i].handler) },
				    &n, &err),
			 TP_INVALID);
	ck_assert_str_eq(err.msg, unknown[_i].msg);
	ck_assert_ptr_null(n);
}
END_TEST

START_TEST(an_absent_setting_is_no_handler)
{
	struct authn *n = NULL;
	struct tp_err err = { 0 };

	ck_assert_int_eq(
		authn_open(&(struct authn_spec){ .handler = (struct span){ NULL, 0 } }, &n, &err),
		TP_INVALID);
	ck_assert_ptr_null(n);
	authn_close(n);
}
END_TEST

static Suite *authn_suite(void)
{
	Suite *s = suite_create("authn");
	TCase *t = tcase_create("authn");

	tcase_add_loop_test(t, passes_claims_without_what_is_ours, 0, TP_COUNT(good));
	tcase_add_loop_test(t, refuses_claims_that_cannot_become_a_token, 0, TP_COUNT(bad));
	tcase_add_test(t, refuses_claims_larger_than_a_token);
	tcase_add_test(t, takes_as_many_scopes_as_a_session_may_have);
	tcase_add_test(t, a_refresh_keeps_the_user);
	tcase_add_loop_test(t, only_a_clear_no_is_denied, 0, TP_COUNT(codes));
	tcase_add_loop_test(t, names_the_handlers_that_there_are, 0, TP_COUNT(unknown));
	tcase_add_test(t, an_absent_setting_is_no_handler);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(authn_suite());
}
