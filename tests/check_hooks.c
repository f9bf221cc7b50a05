/* SPDX-License-Identifier: MIT */
/*
 * What hooks get to see and what their answers come to: a yes, a no, or trouble, and only claims
 * that can become a token.
 */
#include "hook/hooks.h"

#include "auth/edge.h"
#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/told_hook.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

static struct told told;
static struct hook_set set;

static void setup(void)
{
	told = (struct told){ .rc = TPAUTH_OK };
	set = (struct hook_set){ 0 };
}

static void on(enum tpauth_event event)
{
	set.on[event] = (struct hook){ told_hook, &told };
}

static enum tp_rc ask(struct authn *below, const struct authn_request *r, struct buf *ret_json,
		      struct tp_err *err)
{
	return told_ask(&set, below, r, ret_json, err);
}

/* The login ------------------------------------------------------------------------------------ */

static const struct authn_request login = { .event = AUTHN_LOGIN,
					    .remote_addr = { "192.0.2.1", 9 },
					    .edge = &told_edge };

static void fill_ann(struct tpauth_claims *c)
{
	tpauth_claims_set(c, "user_id", "ann");
	tpauth_claims_add(c, "scopes", "read");
}

/* What is ours is not theirs to set. */
static void fill_reserved(struct tpauth_claims *c)
{
	static const char *const names[] = { "iss", "exp",	  "iat",   "nbf",      "sid",
					     "ip",  "token_type", "agent", "auth_time" };

	fill_ann(c);
	for (size_t i = 0; i < TP_COUNT(names); i++)
		tpauth_claims_set(c, names[i], "mine");
	tpauth_claims_set_int(c, "exp", INT64_C(1) << 52);
}

static void fill_nobody(struct tpauth_claims *c)
{
	tpauth_claims_set(c, "username", "Ann");
}

static void fill_number(struct tpauth_claims *c)
{
	tpauth_claims_set_int(c, "user_id", 7);
}

static void fill_tpauth(struct tpauth_claims *c)
{
	tpauth_claims_set(c, "user_id", "tpauth-ann");
}

static void fill_scope_text(struct tpauth_claims *c)
{
	fill_ann(c);
	tpauth_claims_set(c, "scopes", "read write");
}

static void fill_bad_scope(struct tpauth_claims *c)
{
	fill_ann(c);
	tpauth_claims_add(c, "scopes", "a b");
}

static void fill_email(struct tpauth_claims *c)
{
	fill_ann(c);
	tpauth_claims_set_json(c, "email", "[]");
}

static void fill_aud(struct tpauth_claims *c)
{
	fill_ann(c);
	tpauth_claims_set(c, "aud", "x");
}

static void fill_megabyte(struct tpauth_claims *c)
{
	size_t n = 1 << 20;
	char *text = malloc(n + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', n);
	text[n] = '\0';
	fill_ann(c);
	tpauth_claims_set(c, "big", text);
	free(text);
}

static void fill_spoiled(struct tpauth_claims *c)
{
	fill_ann(c);
	tpauth_claims_set(c, "name", "\xff");
}

static void fill_deep(struct tpauth_claims *c)
{
	char json[2 * LIMIT_JSON_DEPTH + 1];

	memset(json, '[', LIMIT_JSON_DEPTH);
	memset(json + LIMIT_JSON_DEPTH, ']', LIMIT_JSON_DEPTH);
	json[sizeof(json) - 1] = '\0';
	fill_ann(c);
	tpauth_claims_set_json(c, "deep", json);
}

static const struct {
	void (*fill)(struct tpauth_claims *c);
	enum tp_rc rc;
	const char *says; /* the claims as JSON, or the message */
} filled[] = {
	{ fill_ann, TP_OK, "{\"user_id\":\"ann\",\"scopes\":[\"read\"]}" },
	{ fill_reserved, TP_OK, "{\"user_id\":\"ann\",\"scopes\":[\"read\"]}" },
	{ NULL, TP_UNAVAILABLE, "the token handler returned no user_id" },
	{ fill_nobody, TP_UNAVAILABLE, "the token handler returned no user_id" },
	{ fill_number, TP_UNAVAILABLE, "the token handler returned a user_id that is no string" },
	{ fill_tpauth, TP_UNAVAILABLE, "the token handler returned a user_id that is not allowed" },
	{ fill_scope_text, TP_UNAVAILABLE,
	  "the token handler returned scopes that are no array of distinct scopes" },
	{ fill_bad_scope, TP_UNAVAILABLE,
	  "the token handler returned scopes that are no array of distinct scopes" },
	{ fill_email, TP_UNAVAILABLE, "the token handler returned an email that is no string" },
	{ fill_aud, TP_UNAVAILABLE,
	  "the token handler returned an aud, which tokens here do not have" },
	{ fill_megabyte, TP_UNAVAILABLE,
	  "the token handler returned claims too large for a token" },
	{ fill_spoiled, TP_UNAVAILABLE,
	  "the token hook: the claim name was set to what is no UTF-8" },
	{ fill_deep, TP_UNAVAILABLE, "the token hook: the claims are nested too deep" },
};

START_TEST(claims_of_a_login_are_judged)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(4096);
	struct tp_err err = { 0 };

	told.fill = filled[_i].fill;
	on(TPAUTH_ON_TOKEN);
	ck_assert_int_eq(ask(NULL, &login, &json, &err), filled[_i].rc);
	ck_assert_str_eq(filled[_i].rc == TP_OK ? buf_cstr(&json) : err.msg, filled[_i].says);
	ck_assert_str_eq(told.user, "-");
	ck_assert_str_eq(told.before, "{}");
	ck_assert_str_eq(told.method, "POST");
	ck_assert_str_eq(told.remote, "192.0.2.9");
}
END_TEST

static const struct {
	enum tpauth_event event;
	int said;
	enum tp_rc rc;
	const char *msg;
} codes[] = {
	{ TPAUTH_ON_TOKEN, TPAUTH_DENIED, TP_DENIED, "the token hook: denied" },
	{ TPAUTH_ON_TOKEN, TPAUTH_NO_CREDENTIAL, TP_UNAVAILABLE, "the token hook: no credential" },
	{ TPAUTH_ON_TOKEN, TPAUTH_EXPIRED, TP_UNAVAILABLE, "the token hook: expired" },
	{ TPAUTH_ON_TOKEN, TPAUTH_FORBIDDEN, TP_UNAVAILABLE, "the token hook: forbidden" },
	{ TPAUTH_ON_TOKEN, TPAUTH_INVALID, TP_UNAVAILABLE, "the token hook: invalid" },
	{ TPAUTH_ON_TOKEN, TPAUTH_NOT_FOUND, TP_UNAVAILABLE, "the token hook: not found" },
	{ TPAUTH_ON_TOKEN, TPAUTH_TOO_LARGE, TP_UNAVAILABLE, "the token hook: too large" },
	{ TPAUTH_ON_TOKEN, TPAUTH_UNAVAILABLE, TP_UNAVAILABLE, "the token hook: unavailable" },
	{ TPAUTH_ON_TOKEN, TPAUTH_NOMEM, TP_NOMEM, "the token hook: out of memory" },
	{ TPAUTH_ON_TOKEN, TPAUTH_INTERNAL, TP_UNAVAILABLE, "the token hook: internal error" },
	{ TPAUTH_ON_TOKEN, 99, TP_UNAVAILABLE, "the token hook: no code" },
	{ TPAUTH_ON_TOKEN, -1, TP_UNAVAILABLE, "the token hook: no code" },
	{ TPAUTH_ON_AUTHENTICATE, TPAUTH_DENIED, TP_DENIED, "the authenticate hook: denied" },
	{ TPAUTH_ON_AUTHENTICATE, TPAUTH_FORBIDDEN, TP_FORBIDDEN,
	  "the authenticate hook: forbidden" },
	{ TPAUTH_ON_AUTHENTICATE, TPAUTH_NOT_FOUND, TP_UNAVAILABLE,
	  "the authenticate hook: not found" },
	{ TPAUTH_ON_AUTHENTICATE, TPAUTH_UNAVAILABLE, TP_UNAVAILABLE,
	  "the authenticate hook: unavailable" },
	{ TPAUTH_ON_AUTHENTICATE, 99, TP_UNAVAILABLE, "the authenticate hook: no code" },
	{ TPAUTH_ON_LOGOUT, TPAUTH_DENIED, TP_UNAVAILABLE, "the logout hook: denied" },
	{ TPAUTH_ON_HEALTH, TPAUTH_DENIED, TP_UNAVAILABLE, "the health hook: denied" },
	{ TPAUTH_ON_HEALTH, TPAUTH_FORBIDDEN, TP_UNAVAILABLE, "the health hook: forbidden" },
};

static struct jval *session(void)
{
	struct jval *v = NULL;

	ck_assert_int_eq(jval_parse(SPAN_LIT("{\"user_id\":\"ann\",\"scopes\":[\"read\"],"
					     "\"iss\":\"us\",\"exp\":9,\"sid\":\"s\","
					     "\"team\":\"red\"}"),
				    &v, NULL),
			 TP_OK);
	return v;
}

/* Any of the five, with the session where there is one. */
static enum tp_rc ask_any(enum tpauth_event event, struct jval **ret_extra, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(4096);
	TP_CLEANUP(jval_cleanup) struct jval *user = session();
	struct authn_request refresh = { .event = AUTHN_REFRESH,
					 .claims = user,
					 .edge = &told_edge };
	struct auth_hooks hooks = hooks_of(&set);

	switch (event) {
	case TPAUTH_ON_TOKEN:
		return ask(NULL, &login, &json, err);
	case TPAUTH_ON_REFRESH:
		return ask(NULL, &refresh, &json, err);
	case TPAUTH_ON_LOGOUT:
		return hooks.logout(hooks.arg, &told_edge, user, err);
	case TPAUTH_ON_HEALTH:
		return hooks.health(hooks.arg, &told_edge, err);
	case TPAUTH_ON_AUTHENTICATE:
		return hooks.authenticate(hooks.arg, &told_edge, user, ret_extra, err);
	}
	return TP_INTERNAL;
}

START_TEST(a_code_is_a_yes_a_no_or_trouble)
{
	struct jval *extra = NULL;
	struct tp_err err = { 0 };

	told.rc = (enum tpauth_rc)codes[_i].said;
	told.fill = fill_ann;
	on(codes[_i].event);
	ck_assert_int_eq(ask_any(codes[_i].event, &extra, &err), codes[_i].rc);
	ck_assert_str_eq(err.msg, codes[_i].msg);
	ck_assert_ptr_null(extra);
}
END_TEST

START_TEST(a_reason_goes_to_the_log)
{
	struct jval *extra = NULL;
	struct tp_err err = { 0 };

	told.rc = TPAUTH_DENIED;
	told.reason = "no more of ann";
	on((enum tpauth_event)_i);
	ck_assert_int_ne(ask_any((enum tpauth_event)_i, &extra, &err), TP_OK);
	ck_assert_ptr_nonnull(strstr(err.msg, " hook: no more of ann"));
}
END_TEST

/* Whatever the hook says besides. */
START_TEST(a_broken_answer_is_a_mistake)
{
	struct jval *extra = NULL;
	struct tp_err err = { 0 };

	told.breaks = true;
	told.fill = fill_ann;
	on((enum tpauth_event)(_i / 2));
	told.rc = _i % 2 == 0 ? TPAUTH_OK : TPAUTH_DENIED;
	ck_assert_int_eq(ask_any((enum tpauth_event)(_i / 2), &extra, &err), TP_INTERNAL);
	ck_assert_ptr_nonnull(strstr(err.msg, " hook: the header Status is not to be added"));
	ck_assert_ptr_null(extra);
}
END_TEST

START_TEST(without_a_hook_nobody_logs_in)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(4096);
	struct tp_err err = { 0 };

	on(TPAUTH_ON_REFRESH);
	ck_assert_int_eq(ask(NULL, &login, &json, &err), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "there is no hook for the login");
	ck_assert_int_eq(told.asked, 0);
}
END_TEST

/* The refresh ---------------------------------------------------------------------------------- */

static void fill_more(struct tpauth_claims *c)
{
	tpauth_claims_add(c, "scopes", "write");
	tpauth_claims_set(c, "team", "blue");
	tpauth_claims_set(c, "iss", "me");
}

static void fill_other(struct tpauth_claims *c)
{
	tpauth_claims_set(c, "user_id", "bob");
}

static enum tp_rc ask_refresh(struct authn *below, struct buf *json, struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *user = session();
	struct authn_request r = { .event = AUTHN_REFRESH,
				   .claims = user,
				   .remote_addr = SPAN_LIT("192.0.2.1") };

	return ask(below, &r, json, err);
}

START_TEST(a_refresh_begins_with_the_present_claims)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(4096);

	told.fill = fill_more;
	on(TPAUTH_ON_REFRESH);
	ck_assert_int_eq(ask_refresh(NULL, &json, NULL), TP_OK);
	ck_assert_str_eq(told.before,
			 "{\"user_id\":\"ann\",\"scopes\":[\"read\"],\"team\":\"red\"}");
	ck_assert_str_eq(told.user, "{\"user_id\":\"ann\",\"scopes\":[\"read\"],\"iss\":\"us\","
				    "\"exp\":9,\"sid\":\"s\",\"team\":\"red\"}");
	ck_assert_str_eq(told.method, "-"); /* without a request */
	ck_assert_str_eq(told.remote, "192.0.2.1");
	ck_assert_str_eq(buf_cstr(&json), "{\"user_id\":\"ann\",\"scopes\":[\"read\",\"write\"],"
					  "\"team\":\"blue\"}");
}
END_TEST

START_TEST(a_refresh_cannot_change_the_user)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(4096);
	struct tp_err err = { 0 };

	told.fill = fill_other;
	on(TPAUTH_ON_REFRESH);
	ck_assert_int_eq(ask_refresh(NULL, &json, &err), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the token handler returned another user_id than the session's");
}
END_TEST

START_TEST(without_a_refresh_hook_the_claims_stand)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(4096);

	on(TPAUTH_ON_TOKEN);
	ck_assert_int_eq(ask_refresh(NULL, &json, NULL), TP_OK);
	ck_assert_str_eq(buf_cstr(&json),
			 "{\"user_id\":\"ann\",\"scopes\":[\"read\"],\"team\":\"red\"}");
	ck_assert_int_eq(told.asked, 0);
}
END_TEST

/* With the handler of TOKEN_HANDLER ------------------------------------------------------------ */

struct below {
	enum tp_rc rc;
	int asked, closed;
};

static enum tp_rc below_ask(void *self, const struct authn_request *r, struct jval **ret_claims,
			    struct tp_err *err)
{
	struct below *b = self;

	(void)r;
	b->asked++;
	if (b->rc != TP_OK)
		return tp_fail(err, b->rc, "the handler below");
	return jval_parse(SPAN_LIT("{\"user_id\":\"ann\",\"scopes\":[\"now\"]}"), ret_claims, err);
}

static void below_close(void *self)
{
	((struct below *)self)->closed++;
}

static bool below_is_cheap(const void *self)
{
	(void)self;
	return true;
}

static const struct authn_ops below_ops = { .scheme = "below",
					    .ask = below_ask,
					    .close = below_close,
					    .cheap = below_is_cheap,
					    .folds = below_is_cheap };

static struct authn *open_below(struct below *b)
{
	struct authn *n = NULL;

	ck_assert_int_eq(authn_open_with(&below_ops, b, &n, NULL), TP_OK);
	return n;
}

START_TEST(a_handler_below_is_asked_where_no_hook_stands_in)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(4096);
	struct below b = { .rc = TP_OK };

	on(TPAUTH_ON_REFRESH);
	ck_assert_int_eq(ask(open_below(&b), &login, &json, NULL), TP_OK);
	ck_assert_str_eq(buf_cstr(&json), "{\"user_id\":\"ann\",\"scopes\":[\"now\"]}");
	ck_assert_int_eq(b.asked, 1);
	ck_assert_int_eq(b.closed, 1);
	ck_assert_int_eq(told.asked, 0);
}
END_TEST

START_TEST(a_refresh_hook_comes_after_the_handler_below)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(4096);
	struct below b = { .rc = TP_OK };

	told.fill = fill_more;
	on(TPAUTH_ON_REFRESH);
	ck_assert_int_eq(ask_refresh(open_below(&b), &json, NULL), TP_OK);
	ck_assert_str_eq(told.before, "{\"user_id\":\"ann\",\"scopes\":[\"now\"]}");
	ck_assert_str_eq(buf_cstr(&json), "{\"user_id\":\"ann\",\"scopes\":[\"now\",\"write\"],"
					  "\"team\":\"blue\"}");
}
END_TEST

START_TEST(what_the_handler_below_refuses_no_hook_admits)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(4096);
	struct below b = { .rc = _i == 0 ? TP_DENIED : TP_UNAVAILABLE };
	struct tp_err err = { 0 };

	on(TPAUTH_ON_REFRESH);
	ck_assert_int_eq(ask_refresh(open_below(&b), &json, &err), b.rc);
	ck_assert_str_eq(err.msg, "the handler below");
	ck_assert_int_eq(told.asked, 0);
}
END_TEST

START_TEST(a_hook_stands_in_for_the_handler_below)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(4096);
	struct below b = { .rc = TP_OK };

	told.fill = fill_ann;
	on(TPAUTH_ON_TOKEN);
	ck_assert_int_eq(ask(open_below(&b), &login, &json, NULL), TP_OK);
	ck_assert_int_eq(ask_refresh(open_below(&b), &json, NULL), TP_OK);
	ck_assert_int_eq(b.asked, 0);
	ck_assert_int_eq(b.closed, 2);
}
END_TEST

/* A hook may take its time over a password, and any two names for two; only the handler below may
 * say that it does not. */
START_TEST(a_hook_for_the_login_is_never_cheap)
{
	struct below b = { .rc = TP_OK };
	struct authn *n = NULL;

	ck_assert_int_eq(hooks_authn(&set, open_below(&b), &n, NULL), TP_OK);
	ck_assert(authn_is_cheap(n) && authn_folds_names(n));
	on(TPAUTH_ON_TOKEN);
	ck_assert(!authn_is_cheap(n) && !authn_folds_names(n));
	authn_close(n);
}
END_TEST

/* Proved sessions ------------------------------------------------------------------------------ */

static void fill_extra(struct tpauth_claims *c)
{
	tpauth_claims_set(c, "team2", "green");
}

START_TEST(an_authenticate_hook_adds_what_it_fills_in)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(4096);
	struct jval *extra = NULL;

	on(TPAUTH_ON_AUTHENTICATE);
	ck_assert_int_eq(ask_any(TPAUTH_ON_AUTHENTICATE, &extra, NULL), TP_OK);
	ck_assert_ptr_null(extra);
	ck_assert_str_eq(told.before, "{}");
	ck_assert_ptr_nonnull(strstr(told.user, "\"user_id\":\"ann\""));

	told.fill = fill_extra;
	ck_assert_int_eq(ask_any(TPAUTH_ON_AUTHENTICATE, &extra, NULL), TP_OK);
	jval_write(extra, &json);
	ck_assert_str_eq(buf_cstr(&json), "{\"team2\":\"green\"}");
	jval_release(extra);
}
END_TEST

START_TEST(hooks_that_are_not_there_are_null)
{
	struct auth_hooks hooks = hooks_of(&set);

	ck_assert(hooks.authenticate == NULL && hooks.logout == NULL && hooks.health == NULL);
	on(TPAUTH_ON_LOGOUT);
	hooks = hooks_of(&set);
	ck_assert(hooks.authenticate == NULL && hooks.logout != NULL && hooks.health == NULL);
}
END_TEST

static enum tpauth_rc look_and_fill(struct tpauth_call *call, const struct tpauth_claims *user,
				    struct tpauth_claims *claims, void *arg)
{
	(void)call;
	(void)arg;
	(void)tpauth_claims_get_json(user, NULL);
	fill_more(claims);
	return TPAUTH_OK;
}

/* Nobody comes in because memory ran out. */
START_TEST(memory_that_runs_out_is_trouble)
{
	TP_CLEANUP(jval_cleanup) struct jval *user = session();
	struct authn_request refresh = { .event = AUTHN_REFRESH, .claims = user };

	set.on[TPAUTH_ON_REFRESH].fn = look_and_fill;
	for (long n = 1;; n++) {
		TP_CLEANUP(jval_cleanup) struct jval *claims = NULL;
		struct authn *h = NULL;
		enum tp_rc rc;
		bool failed;

		alloc_fail_at(n);
		rc = hooks_authn(&set, NULL, &h, NULL);
		if (rc == TP_OK)
			rc = authn_ask(h, &refresh, &claims, NULL);
		failed = alloc_fail_off();
		authn_close(h);
		ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
		ck_assert((claims != NULL) == (rc == TP_OK));
		if (!failed)
			break;
	}
}
END_TEST

static Suite *hooks_suite(void)
{
	Suite *s = suite_create("hooks");
	TCase *t = tcase_create("token");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, claims_of_a_login_are_judged, 0, TP_COUNT(filled));
	tcase_add_loop_test(t, a_code_is_a_yes_a_no_or_trouble, 0, TP_COUNT(codes));
	tcase_add_loop_test(t, a_reason_goes_to_the_log, 0, HOOK_EVENTS);
	tcase_add_loop_test(t, a_broken_answer_is_a_mistake, 0, 2 * HOOK_EVENTS);
	tcase_add_test(t, without_a_hook_nobody_logs_in);
	suite_add_tcase(s, t);

	t = tcase_create("refresh");
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_refresh_begins_with_the_present_claims);
	tcase_add_test(t, a_refresh_cannot_change_the_user);
	tcase_add_test(t, without_a_refresh_hook_the_claims_stand);
	tcase_add_test(t, memory_that_runs_out_is_trouble);
	suite_add_tcase(s, t);

	t = tcase_create("below");
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_handler_below_is_asked_where_no_hook_stands_in);
	tcase_add_test(t, a_refresh_hook_comes_after_the_handler_below);
	tcase_add_loop_test(t, what_the_handler_below_refuses_no_hook_admits, 0, 2);
	tcase_add_test(t, a_hook_stands_in_for_the_handler_below);
	tcase_add_test(t, a_hook_for_the_login_is_never_cheap);
	suite_add_tcase(s, t);

	t = tcase_create("others");
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, an_authenticate_hook_adds_what_it_fills_in);
	tcase_add_test(t, hooks_that_are_not_there_are_null);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(hooks_suite());
}
