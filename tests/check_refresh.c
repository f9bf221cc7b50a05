/* SPDX-License-Identifier: MIT */
/*
 * Claims of auth/refresh.h about what a refresh does: one in a window, what is carried over, what
 * is made new, and whom it is not for.
 */
#include "auth/refresh.h"

#include "base/limits.h"
#include "support/check_run.h"
#include "support/rig.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

#define USER SPAN_LIT("user_099")

static struct rig rig;
static struct session_minted session; /* opened at RIG_NOW; its window is open again */
static struct refresh_info info;
static struct tp_err err;

static void set_up(void)
{
	rig_open(&rig);
	info = (struct refresh_info){ SPAN_LIT("192.0.2.1"), SPAN_LIT("request-1"), NULL };
	rig_login(&rig, "user_099", "user:read user:write", &session);
	rig.now += 120;
}

static void tear_down(void)
{
	session_minted_release(&session);
	rig_release(&rig);
}

static struct span handle(void)
{
	return secret_view(&session.handle);
}

static enum tp_rc refresh(struct refreshed *ret)
{
	return refresh_session(&rig.a, USER, handle(), &info, ret, &err);
}

/* For a refresh whose result is only its code. */
static enum tp_rc try_refresh(void)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };
	enum tp_rc rc = refresh(&r);

	ck_assert_int_eq(r.minted.claims != NULL, rc == TP_OK || rc == TP_EXISTS);
	return rc;
}

static void stored_value(struct span of, struct buf *out)
{
	buf_reset(out);
	(void)rig_get(&rig, "user_099", of, out);
}

static void assert_claims(const struct jval *claims, const char *want)
{
	TP_CLEANUP(buf_release) struct buf got = BUF_INIT(LIMIT_JWT);

	jval_write(claims, &got);
	ck_assert_str_eq(buf_cstr(&got), want);
}

static bool window_is_closed(void)
{
	return store_memory_count(rig.memory, STORE_RESTRICT) > 0;
}

/* ---- what a refresh does ---- */

START_TEST(makes_the_token_anew_and_stores_it)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };
	TP_CLEANUP(buf_release) struct buf want = BUF_INIT(LIMIT_STORE_VALUE);
	TP_CLEANUP(buf_release) struct buf got = BUF_INIT(LIMIT_STORE_VALUE);
	struct store_op ttl = { .verb = STORE_TTL, .key = { STORE_LOGIN, USER, handle() } };

	ck_assert_int_eq(refresh(&r), TP_OK);
	ck_assert_int_eq(r.minted.expires_in_s, 86400);
	ck_assert_int_eq(r.opens_in_s, 0);
	ck_assert(secret_eq(secret_view(&r.minted.handle), handle()));
	ck_assert(!secret_eq(secret_view(&r.minted.jwt), secret_view(&session.jwt)));
	session_value_put(secret_view(&r.minted.jwt), 86400, &want);
	stored_value(handle(), &got);
	ck_assert_str_eq(buf_cstr(&got), buf_cstr(&want));
	ck_assert_int_eq(store_do(rig.other.store, &ttl, NULL), TP_OK);
	ck_assert_int_eq(ttl.ret_n, 86400);
	ttl.key.space = STORE_RESTRICT;
	ck_assert_int_eq(store_do(rig.other.store, &ttl, NULL), TP_OK);
	ck_assert_int_eq(ttl.ret_n, 120);
}
END_TEST

START_TEST(carries_over_what_belongs_to_the_login)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };

	rig_put_signed(&rig, "user_099", "h",
		       "{\"user_id\":\"user_099\",\"username\":\"Old\",\"gone\":1,"
		       "\"scopes\":[\"user:read\"],\"iss\":\"prismaticain\",\"iat\":1800000000,"
		       "\"exp\":1800086400,\"nbf\":1800000000,\"token_type\":\"access\","
		       "\"sid\":\"qqlAJmTxpB9A67xSyZk-tmrrNmYClY_fqig7ceZNsSM\","
		       "\"auth_time\":1799990000,\"ip\":\"192.0.2.7\",\"agent\":\"curl\"}",
		       86400);
	rig_handler_says(&rig, TP_OK,
			 "{\"user_id\":\"user_099\",\"username\":\"New\",\"fresh\":[2],"
			 "\"scopes\":[\"user:read\"],\"auth_time\":5,\"ip\":\"evil\"}");
	ck_assert_msg(refresh_session(&rig.a, USER, SPAN_LIT("h"), &info, &r, &err) == TP_OK, "%s",
		      err.msg);
	assert_claims(r.minted.claims,
		      "{\"user_id\":\"user_099\",\"username\":\"New\",\"fresh\":[2],"
		      "\"scopes\":[\"user:read\"],\"iss\":\"prismaticain\",\"iat\":1800000120,"
		      "\"exp\":1800086520,\"token_type\":\"access\","
		      "\"sid\":\"qqlAJmTxpB9A67xSyZk-tmrrNmYClY_fqig7ceZNsSM\","
		      "\"auth_time\":1799990000,\"ip\":\"192.0.2.7\",\"agent\":\"curl\"}");
}
END_TEST

START_TEST(keeps_the_claims_when_nobody_is_to_be_asked)
{
	TP_CLEANUP(buf_release) struct buf want = BUF_INIT(LIMIT_JWT);

	for (int i = 0; i < 2; i++) {
		TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };
		struct authn *authn = rig.a.authn;

		if (i == 0)
			rig.rules.recheck = false;
		else
			rig.a.authn = NULL;
		ck_assert_int_eq(refresh(&r), TP_OK);
		ck_assert_int_eq(jval_set_int(session.claims, "iat", rig.now, NULL), TP_OK);
		ck_assert_int_eq(jval_set_int(session.claims, "exp", rig.now + 86400, NULL), TP_OK);
		buf_reset(&want);
		jval_write(session.claims, &want);
		assert_claims(r.minted.claims, buf_cstr(&want));
		ck_assert_int_eq(rig.asked, 0);
		rig.rules.recheck = true;
		rig.a.authn = authn;
		rig.now += 120;
	}
}
END_TEST

START_TEST(gives_an_original_session_what_it_lacks)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };

	rig_put(&rig, RIG_SEED_USER, RIG_SEED_HANDLE, RIG_SEED_VALUE, 86400);
	rig.rules.recheck = false;
	ck_assert_int_eq(refresh_session(&rig.a, USER, SPAN_LIT(RIG_SEED_HANDLE), &info, &r, &err),
			 TP_OK);
	assert_claims(r.minted.claims,
		      "{\"username\":\"Admin\",\"email\":null,\"user_id\":\"user_099\","
		      "\"scopes\":[\"user:read\",\"user:write\"],\"issued_to\":\"127.0.0.1\","
		      "\"iss\":\"prismaticain\",\"iat\":1800000120,\"exp\":1800086520,"
		      "\"token_type\":\"access\","
		      "\"sid\":\"" RIG_SEED_SID "\","
		      "\"auth_time\":1799999995}");
}
END_TEST

START_TEST(starts_the_age_of_a_session_without_any_time_now)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };
	int64_t auth_time;

	rig_put_signed(&rig, "user_099", "h",
		       "{\"user_id\":\"user_099\",\"iss\":\"prismaticain\",\"exp\":1800086400,"
		       "\"token_type\":\"access\"}",
		       86400);
	ck_assert_int_eq(refresh_session(&rig.a, USER, SPAN_LIT("h"), &info, &r, &err), TP_OK);
	ck_assert(jval_int(jval_get(r.minted.claims, "auth_time"), &auth_time));
	ck_assert_int_eq(auth_time, rig.now);
}
END_TEST

START_TEST(shows_the_handler_who_asks)
{
	TP_CLEANUP(buf_release) struct buf claims = BUF_INIT(LIMIT_JWT);

	ck_assert_int_eq(try_refresh(), TP_OK);
	ck_assert_int_eq(rig.asked, 1);
	ck_assert_int_eq(rig.event, AUTHN_REFRESH);
	ck_assert_str_eq(rig.remote_addr, "192.0.2.1");
	ck_assert_str_eq(rig.request_id, "request-1");
	jval_write(session.claims, &claims);
	ck_assert_str_eq(rig.claims, buf_cstr(&claims));
}
END_TEST

static const struct {
	const char *claims; /* what the handler says; the session has user:read and user:write */
	const char *scopes;
} scopes[] = {
	{ "{\"user_id\":\"user_099\",\"scopes\":[\"user:write\",\"user:read\"]}",
	  "[\"user:read\",\"user:write\"]" },
	{ "{\"user_id\":\"user_099\",\"scopes\":[\"user:write\"]}", "[\"user:write\"]" },
	{ "{\"user_id\":\"user_099\",\"scopes\":[\"admin\",\"user:read\"]}", "[\"user:read\"]" },
	{ "{\"user_id\":\"user_099\",\"scopes\":[\"admin\"]}", "[]" },
	{ "{\"user_id\":\"user_099\",\"scopes\":[]}", "[]" },
	{ "{\"user_id\":\"user_099\"}", "[]" },
};

START_TEST(never_widens_the_scopes)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };

	rig_handler_says(&rig, TP_OK, scopes[_i].claims);
	ck_assert_int_eq(refresh(&r), TP_OK);
	assert_claims(jval_get(r.minted.claims, "scopes"), scopes[_i].scopes);
}
END_TEST

START_TEST(never_gives_back_a_scope_that_was_lost)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };

	rig_handler_says(&rig, TP_OK, scopes[1].claims);
	ck_assert_int_eq(try_refresh(), TP_OK);
	rig_handler_says(&rig, TP_OK, scopes[0].claims);
	rig.now += 120;
	ck_assert_int_eq(refresh(&r), TP_OK);
	assert_claims(jval_get(r.minted.claims, "scopes"), "[\"user:write\"]");
}
END_TEST

START_TEST(signs_with_the_key_of_today)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };
	char path[] = "/tmp/check_refresh.XXXXXX";
	const char *const old[] = { path, NULL };
	const struct keyring_spec spec = { .alg = KEYRING_HS256,
					   .secret = SPAN_LIT(
						   "the key of today, of 39 bytes in length"),
					   .verify_files = old,
					   .must_sign = true };
	struct token_verifier *verifier, *of_rig = rig.a.verifier;
	struct keyring *keys;
	const struct token *t;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, RIG_SECRET, sizeof(RIG_SECRET) - 1), sizeof(RIG_SECRET) - 1);
	close(fd);
	ck_assert_int_eq(keyring_open(&spec, &keys, NULL), TP_OK);
	unlink(path);
	ck_assert_int_eq(token_verifier_open(keys, &rig.token_rules, &verifier, NULL), TP_OK);
	rig.a.keys = keys;
	rig.a.verifier = verifier;
	ck_assert_int_eq(refresh(&r), TP_OK);
	rig.a.verifier = of_rig;

	/* Only the new key has made this signature. */
	ck_assert_int_eq(
		token_verify(of_rig, secret_view(&r.minted.jwt), TOKEN_STORED, rig.now, &t, NULL),
		TP_DENIED);
	ck_assert_int_eq(
		token_verify(verifier, secret_view(&r.minted.jwt), TOKEN_STORED, rig.now, &t, NULL),
		TP_OK);
	token_verifier_close(verifier);
	keyring_close(keys);
}
END_TEST

/* ---- the window ---- */

START_TEST(lets_one_of_200_refreshes_in_a_window_through)
{
	int passed = 0;

	for (int i = 0; i < 200; i++) {
		enum tp_rc rc = try_refresh();

		passed += rc == TP_OK;
		ck_assert(rc == TP_OK || rc == TP_EXISTS);
	}
	ck_assert_int_eq(passed, 1);
	ck_assert_int_eq(rig.asked, 1);
}
END_TEST

START_TEST(tells_in_the_window_how_the_session_stands)
{
	TP_CLEANUP(refreshed_release) struct refreshed first = { 0 };
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };
	TP_CLEANUP(buf_release) struct buf want = BUF_INIT(LIMIT_JWT);

	ck_assert_int_eq(refresh(&first), TP_OK);
	rig.now += 50;
	rig.round_trips = 0;
	ck_assert_int_eq(refresh(&r), TP_EXISTS);
	ck_assert_int_eq(err.rc, TP_EXISTS);
	ck_assert_int_eq(rig.round_trips, 1);
	ck_assert_int_eq(r.opens_in_s, 70);
	ck_assert_int_eq(r.minted.expires_in_s, 86350);
	ck_assert(secret_eq(secret_view(&r.minted.handle), handle()));
	ck_assert(secret_eq(secret_view(&r.minted.jwt), secret_view(&first.minted.jwt)));
	jval_write(first.minted.claims, &want);
	assert_claims(r.minted.claims, buf_cstr(&want));
}
END_TEST

START_TEST(opens_the_window_by_the_second)
{
	ck_assert_int_eq(try_refresh(), TP_OK);
	rig.now += 119;
	ck_assert_int_eq(try_refresh(), TP_EXISTS);
	rig.now += 1;
	ck_assert_int_eq(try_refresh(), TP_OK);
}
END_TEST

START_TEST(a_login_closes_the_window_too)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };

	rig_login(&rig, "user_099", "", &m);
	ck_assert_int_eq(refresh_session(&rig.a, USER, secret_view(&m.handle), &info, &r, &err),
			 TP_EXISTS);
	ck_assert_int_eq(r.opens_in_s, 120);
}
END_TEST

START_TEST(has_no_window_when_it_is_set_to_none)
{
	rig.rules.restrict_s = 0;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(try_refresh(), TP_OK);
	ck_assert(!window_is_closed());
}
END_TEST

static void lose_the_answer(struct rig *r, const struct store_op *ops, size_t n)
{
	if (n == 2 && ops[1].verb == STORE_TTL)
		r->memory->next = STORE_MEMORY_SILENT;
}

START_TEST(takes_no_answer_for_a_window_as_trouble)
{
	rig.before_store = lose_the_answer;
	ck_assert_int_eq(try_refresh(), TP_UNAVAILABLE);
}
END_TEST

/* ---- sessions that are not there ---- */

START_TEST(claims_no_window_for_strangers)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };
	static const char *const handles[] = { "nosuch", "", "a\nb" };

	for (size_t i = 0; i < TP_COUNT(handles); i++)
		ck_assert_int_eq(
			refresh_session(&rig.a, USER, span_of(handles[i]), &info, &r, &err),
			TP_NOT_FOUND);
	ck_assert_int_eq(refresh_session(&rig.a, SPAN_LIT("user_098"), handle(), &info, &r, &err),
			 TP_NOT_FOUND);
	ck_assert_int_eq(
		refresh_session(&rig.a, (struct span){ NULL, 0 }, handle(), &info, &r, &err),
		TP_NOT_FOUND);
	rig_put(&rig, "user_099", "garbled", "garbled", 86400);
	ck_assert_int_eq(refresh_session(&rig.a, USER, SPAN_LIT("garbled"), &info, &r, &err),
			 TP_DENIED);
	ck_assert(!window_is_closed());
	ck_assert_int_eq(rig.asked, 0);
	ck_assert_ptr_null(r.minted.claims);
}
END_TEST

START_TEST(does_not_refresh_a_user_with_a_name_too_long)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };
	char user[LIMIT_USER_ID + 1];

	memset(user, 'u', sizeof(user));
	ck_assert_int_eq(refresh_session(&rig.a, (struct span){ user, sizeof(user) }, handle(),
					 &info, &r, &err),
			 TP_NOT_FOUND);
}
END_TEST

START_TEST(does_not_refresh_what_has_expired)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };

	rig_put_signed(&rig, "user_099", "h",
		       "{\"user_id\":\"user_099\",\"iss\":\"prismaticain\",\"exp\":1800000120,"
		       "\"token_type\":\"access\"}",
		       86400);
	ck_assert_int_eq(refresh_session(&rig.a, USER, SPAN_LIT("h"), &info, &r, &err), TP_EXPIRED);
	ck_assert(!window_is_closed());
}
END_TEST

START_TEST(slides_up_to_session_max_and_not_beyond)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };
	TP_CLEANUP(refreshed_release) struct refreshed last = { 0 };

	rig.rules.session_max_s = 86400;
	ck_assert_int_eq(refresh(&r), TP_OK);
	ck_assert_int_eq(r.minted.expires_in_s, 86400 - 120);
	rig.now = RIG_NOW + 86399;
	ck_assert_int_eq(refresh(&last), TP_OK);
	ck_assert_int_eq(last.minted.expires_in_s, 1);
	rig.now = RIG_NOW + 86400;
	ck_assert_int_eq(try_refresh(), TP_NOT_FOUND); /* the store has let it go */
}
END_TEST

START_TEST(does_not_refresh_past_a_session_max_that_was_lowered)
{
	rig.rules.session_max_s = 120;
	ck_assert_int_eq(try_refresh(), TP_EXPIRED);
	ck_assert(!window_is_closed());
	ck_assert_int_eq(rig.asked, 0);
}
END_TEST

START_TEST(a_resource_server_does_not_refresh)
{
	rig.rules.issues = false;
	ck_assert_int_eq(try_refresh(), TP_INTERNAL);
	ck_assert_int_eq(rig.round_trips, 0);
}
END_TEST

static TCase *renewal_case(void)
{
	TCase *tc = tcase_create("renewal");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, makes_the_token_anew_and_stores_it);
	tcase_add_test(tc, carries_over_what_belongs_to_the_login);
	tcase_add_test(tc, keeps_the_claims_when_nobody_is_to_be_asked);
	tcase_add_test(tc, gives_an_original_session_what_it_lacks);
	tcase_add_test(tc, starts_the_age_of_a_session_without_any_time_now);
	tcase_add_test(tc, shows_the_handler_who_asks);
	tcase_add_loop_test(tc, never_widens_the_scopes, 0, TP_COUNT(scopes));
	tcase_add_test(tc, never_gives_back_a_scope_that_was_lost);
	tcase_add_test(tc, signs_with_the_key_of_today);
	return tc;
}

static TCase *window_case(void)
{
	TCase *tc = tcase_create("window");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, lets_one_of_200_refreshes_in_a_window_through);
	tcase_add_test(tc, tells_in_the_window_how_the_session_stands);
	tcase_add_test(tc, opens_the_window_by_the_second);
	tcase_add_test(tc, a_login_closes_the_window_too);
	tcase_add_test(tc, has_no_window_when_it_is_set_to_none);
	tcase_add_test(tc, takes_no_answer_for_a_window_as_trouble);
	return tc;
}

static TCase *refused_case(void)
{
	TCase *tc = tcase_create("refused");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, claims_no_window_for_strangers);
	tcase_add_test(tc, does_not_refresh_a_user_with_a_name_too_long);
	tcase_add_test(tc, does_not_refresh_what_has_expired);
	tcase_add_test(tc, slides_up_to_session_max_and_not_beyond);
	tcase_add_test(tc, does_not_refresh_past_a_session_max_that_was_lowered);
	tcase_add_test(tc, a_resource_server_does_not_refresh);
	return tc;
}

static Suite *refresh_suite(void)
{
	Suite *s = suite_create("refresh");

	suite_add_tcase(s, renewal_case());
	suite_add_tcase(s, window_case());
	suite_add_tcase(s, refused_case());
	return s;
}

int main(void)
{
	return check_run(refresh_suite());
}
