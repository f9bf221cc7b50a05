/* SPDX-License-Identifier: MIT */
/*
 * Claims of auth/refresh.h about what may come in between or go wrong: a logout stands whenever it
 * comes, and trouble costs a window and no session.
 */
#include "auth/refresh.h"

#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/rig.h"

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

static void log_out(struct rig *r)
{
	ck_assert_int_eq(session_close(&r->other, USER, handle(), NULL), TP_OK);
}

static void log_out_everywhere(struct rig *r)
{
	int64_t n;

	ck_assert_int_eq(session_close_all(&r->other, USER, &n, NULL), TP_OK);
}

START_TEST(a_logout_in_between_stands)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);

	rig.during_handler = _i == 0 ? log_out : log_out_everywhere;
	ck_assert_int_eq(try_refresh(), TP_NOT_FOUND);
	ck_assert_str_eq(err.msg, "the session ended while it was refreshed");
	ck_assert(!rig_get(&rig, "user_099", handle(), &value));
	rig.during_handler = NULL;
	ck_assert_int_eq(try_refresh(), TP_NOT_FOUND);
}
END_TEST

/* The logout comes before the nth round trip. */
static void log_out_before(struct rig *r, const struct store_op *ops, size_t n)
{
	int *left = r->arg;

	(void)ops;
	(void)n;
	if (--*left == 0)
		log_out(r);
}

START_TEST(a_logout_before_any_round_trip_stands)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);
	int left = _i;

	rig.arg = &left;
	rig.before_store = log_out_before;
	ck_assert_int_eq(try_refresh(), TP_NOT_FOUND);
	ck_assert_int_le(left, 0);
	ck_assert(!rig_get(&rig, "user_099", handle(), &value));
}
END_TEST

/* While the handler of one refresh is asked, another process refreshes the same session. */
static void refresh_elsewhere(struct rig *r)
{
	TP_CLEANUP(refreshed_release) struct refreshed also = { 0 };

	r->during_handler = NULL;
	ck_assert_int_eq(refresh_session(&r->other, USER, handle(), &info, &also, NULL), TP_EXISTS);
}

START_TEST(a_refresh_elsewhere_in_between_is_inside_the_window)
{
	rig.during_handler = refresh_elsewhere;
	ck_assert_int_eq(try_refresh(), TP_OK);
	ck_assert_int_eq(rig.asked, 1);
}
END_TEST

START_TEST(a_user_borrowed_from_a_token_outlives_the_refresh)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };
	const struct token *t;

	ck_assert_int_eq(session_find(&rig.a, USER, handle(), &t, NULL), TP_OK);
	ck_assert_int_eq(refresh_session(&rig.a, t->user_id, handle(), &info, &r, &err), TP_OK);
}
END_TEST

/* ---- trouble ---- */

START_TEST(what_the_handler_denies_is_over)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);

	rig_handler_says(&rig, TP_DENIED, NULL);
	ck_assert_int_eq(try_refresh(), TP_DENIED);
	ck_assert_str_eq(err.msg,
			 "the token handler denies the user: the token handler was told to say so");
	ck_assert(!rig_get(&rig, "user_099", handle(), &value));
}
END_TEST

START_TEST(what_the_handler_denies_may_be_gone_already)
{
	rig_handler_says(&rig, TP_DENIED, NULL);
	rig.during_handler = log_out;
	ck_assert_int_eq(try_refresh(), TP_DENIED);
}
END_TEST

START_TEST(does_not_say_denied_of_a_session_that_could_not_be_ended)
{
	rig_handler_says(&rig, TP_DENIED, NULL);
	rig_store_fail(&rig, RIG_DEAD, 3);
	ck_assert_int_eq(try_refresh(), TP_UNAVAILABLE);
	rig.now += 120;
	ck_assert_int_eq(try_refresh(), TP_DENIED);
}
END_TEST

static const struct {
	enum tp_rc rc;
	const char *claims;
} troubles[] = {
	{ TP_UNAVAILABLE, NULL }, { TP_OK, "{\"user_id\":\"user_098\"}" },
	{ TP_OK, "{}" },	  { TP_OK, "{\"user_id\":\"user_099\",\"scopes\":\"all\"}" },
	{ TP_OK, "[]" },
};

START_TEST(trouble_of_the_handler_leaves_the_session_as_it_was)
{
	TP_CLEANUP(buf_release) struct buf before = BUF_INIT(LIMIT_STORE_VALUE);
	TP_CLEANUP(buf_release) struct buf after = BUF_INIT(LIMIT_STORE_VALUE);

	stored_value(handle(), &before);
	rig_handler_says(&rig, troubles[_i].rc, troubles[_i].claims);
	ck_assert_int_eq(try_refresh(), TP_UNAVAILABLE);
	stored_value(handle(), &after);
	ck_assert_str_eq(buf_cstr(&after), buf_cstr(&before));
	ck_assert_int_eq(try_refresh(), TP_EXISTS);
}
END_TEST

START_TEST(claims_that_have_grown_too_large_leave_the_session_as_it_was)
{
	TP_CLEANUP(buf_release) struct buf claims = BUF_INIT(LIMIT_JWT);
	const struct token *t;

	rig.rules.bearer_is_jwt = true;
	buf_str(&claims, "{\"user_id\":\"user_099\",\"x\":\"");
	while (claims.len < 4600)
		buf_char(&claims, 'x');
	buf_str(&claims, "\"}");
	rig_handler_says(&rig, TP_OK, buf_cstr(&claims));
	ck_assert_int_eq(try_refresh(), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the claims make a JWT that is larger than 6144 bytes");
	ck_assert_int_eq(session_find(&rig.a, USER, handle(), &t, NULL), TP_OK);
	ck_assert_int_eq(t->iat, RIG_NOW);
}
END_TEST

START_TEST(an_outage_at_any_step_is_told_as_one)
{
	enum rig_failure how = _i % 2 == 0 ? RIG_DEAD : RIG_MUTE;
	int trip = 1 + _i / 2;
	const struct token *t;

	rig_store_fail(&rig, how, trip);
	ck_assert_int_eq(try_refresh(), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the store was told to fail");
	ck_assert_int_eq(rig.round_trips, trip);
	/* It costs a window at most. */
	ck_assert_int_eq(session_find(&rig.a, USER, handle(), &t, NULL), TP_OK);
	rig.now += 120;
	ck_assert_int_eq(try_refresh(), TP_OK);
}
END_TEST

START_TEST(running_out_of_memory_costs_a_window_at_most)
{
	const struct token *t;

	for (long n = 1;; n++) {
		TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };
		bool failed;
		enum tp_rc rc;

		alloc_fail_at(n);
		rc = refresh(&r);
		failed = alloc_fail_off();
		ck_assert_int_eq(r.minted.claims != NULL, rc == TP_OK);
		if (!failed) {
			ck_assert_int_eq(rc, TP_OK);
			break;
		}
		ck_assert(rc == TP_NOMEM || rc == TP_UNAVAILABLE);
		ck_assert_int_eq(session_find(&rig.a, USER, handle(), &t, NULL), TP_OK);
		rig.now += 120;
	}
}
END_TEST

static TCase *race_case(void)
{
	TCase *tc = tcase_create("race");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, a_logout_in_between_stands, 0, 2);
	tcase_add_loop_test(tc, a_logout_before_any_round_trip_stands, 1, 4);
	tcase_add_test(tc, a_refresh_elsewhere_in_between_is_inside_the_window);
	tcase_add_test(tc, a_user_borrowed_from_a_token_outlives_the_refresh);
	return tc;
}

static TCase *trouble_case(void)
{
	TCase *tc = tcase_create("trouble");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, what_the_handler_denies_is_over);
	tcase_add_test(tc, what_the_handler_denies_may_be_gone_already);
	tcase_add_test(tc, does_not_say_denied_of_a_session_that_could_not_be_ended);
	tcase_add_loop_test(tc, trouble_of_the_handler_leaves_the_session_as_it_was, 0,
			    TP_COUNT(troubles));
	tcase_add_test(tc, claims_that_have_grown_too_large_leave_the_session_as_it_was);
	tcase_add_loop_test(tc, an_outage_at_any_step_is_told_as_one, 0, 6);
	tcase_add_test(tc, running_out_of_memory_costs_a_window_at_most);
	return tc;
}

static Suite *refresh_trouble_suite(void)
{
	Suite *s = suite_create("refresh_trouble");

	suite_add_tcase(s, race_case());
	suite_add_tcase(s, trouble_case());
	return s;
}

int main(void)
{
	return check_run(refresh_trouble_suite());
}
