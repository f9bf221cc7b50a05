/* SPDX-License-Identifier: MIT */
/*
 * Claims of auth/session.h about how many sessions a user may have: which one goes for a new one,
 * and what is tidied up on the way.
 */
#include "auth/session.h"

#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/rig.h"

#include "base/banned.h"

static struct rig rig;
static struct jval *claims;
static struct scope_set granted;
static struct session_login login;

static void claims_are(const char *json)
{
	jval_release(claims);
	claims = NULL;
	ck_assert_int_eq(jval_parse(span_of(json), &claims, NULL), TP_OK);
	login.claims = claims;
}

static void set_up(void)
{
	rig_open(&rig);
	ck_assert_int_eq(scope_parse(SPAN_LIT("user:read"), &granted, NULL), TP_OK);
	login = (struct session_login){ .granted = &granted };
	claims_are("{\"user_id\":\"user_099\",\"scopes\":[\"user:read\",\"user:write\"],"
		   "\"username\":\"Admin\"}");
}

static void tear_down(void)
{
	jval_release(claims);
	claims = NULL;
	rig_release(&rig);
}

/* Opens one and returns its handle in out. */
static void open_one(struct buf *out)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };
	struct tp_err err = { 0 };

	ck_assert_msg(session_open(&rig.a, &login, &m, &err) == TP_OK, "%s", err.msg);
	buf_reset(out);
	buf_span(out, secret_view(&m.handle));
}

static bool is_there(const char *user, struct span handle)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);

	return rig_get(&rig, user, handle, &value);
}

START_TEST(ends_the_oldest_session_beyond_the_limit)
{
	struct buf handle[5];

	rig.rules.sessions_per_user = 3;
	for (size_t i = 0; i < TP_COUNT(handle); i++) {
		handle[i] = (struct buf)BUF_INIT(LIMIT_HANDLE);
		open_one(&handle[i]);
		rig.now++;
		for (size_t j = 0; j <= i; j++)
			ck_assert_int_eq(is_there("user_099", buf_view(&handle[j])), j + 3 > i);
	}
	for (size_t i = 0; i < TP_COUNT(handle); i++)
		buf_release(&handle[i]);
	ck_assert_int_eq(rig.round_trips, 3 + 2 * 3);
}
END_TEST

START_TEST(ends_what_cannot_be_a_session_before_any_session)
{
	TP_CLEANUP(session_minted_release) struct session_minted old = { 0 };
	TP_CLEANUP(buf_release) struct buf handle = BUF_INIT(LIMIT_HANDLE);

	rig_login(&rig, "user_099", "", &old);
	rig_put(&rig, "user_099", "garbled", "garbled", 86400);
	rig_put(&rig, "user_099", "unsigned", "{\"token\":\"a.b.c\",\"expire\":1440}", 86400);
	rig_put_signed(&rig, "user_099", "expired",
		       "{\"user_id\":\"user_099\",\"iss\":\"prismaticain\",\"iat\":1799999000,"
		       "\"exp\":1799999999,\"token_type\":\"access\"}",
		       86400);
	rig.rules.sessions_per_user = 2;
	open_one(&handle);
	ck_assert(is_there("user_099", secret_view(&old.handle)));
	ck_assert(is_there("user_099", buf_view(&handle)));
	ck_assert_uint_eq(store_memory_count(rig.memory, STORE_LOGIN), 2);
}
END_TEST

START_TEST(takes_the_age_of_an_original_session_from_its_iat)
{
	TP_CLEANUP(session_minted_release) struct session_minted old = { 0 };
	TP_CLEANUP(buf_release) struct buf handle = BUF_INIT(LIMIT_HANDLE);

	rig.now = RIG_NOW - 6; /* the original's is of RIG_NOW - 5 */
	rig_login(&rig, "user_099", "", &old);
	rig.now = RIG_NOW;
	rig_put(&rig, "user_099", RIG_SEED_HANDLE, RIG_SEED_VALUE, 86400);
	rig.rules.sessions_per_user = 2;
	open_one(&handle);
	ck_assert(!is_there("user_099", secret_view(&old.handle)));
	ck_assert(is_there("user_099", SPAN_LIT(RIG_SEED_HANDLE)));
	rig.rules.sessions_per_user = 1;
	open_one(&handle);
	ck_assert(!is_there("user_099", SPAN_LIT(RIG_SEED_HANDLE)));
	ck_assert(is_there("user_099", buf_view(&handle)));
}
END_TEST

START_TEST(takes_the_age_of_a_session_from_its_login_however_it_slid)
{
	TP_CLEANUP(session_minted_release) struct session_minted later = { 0 };
	TP_CLEANUP(buf_release) struct buf handle = BUF_INIT(LIMIT_HANDLE);

	rig_put_signed(&rig, "user_099", "old",
		       "{\"user_id\":\"user_099\",\"iss\":\"prismaticain\",\"iat\":1800000000,"
		       "\"auth_time\":1799990000,\"exp\":1800086400,\"token_type\":\"access\"}",
		       86400);
	rig.now = RIG_NOW - 10;
	rig_login(&rig, "user_099", "", &later);
	rig.now = RIG_NOW;
	rig.rules.sessions_per_user = 2;
	open_one(&handle);
	ck_assert(!is_there("user_099", SPAN_LIT("old")));
	ck_assert(is_there("user_099", secret_view(&later.handle)));
}
END_TEST

/* A logout elsewhere, before the sessions are listed. */
static void log_out_before_the_list(struct rig *r, const struct store_op *ops, size_t n)
{
	if (n == 1 && ops[0].verb == STORE_LIST)
		ck_assert_int_eq(
			session_close(&r->other, SPAN_LIT("user_099"), SPAN_LIT("gone"), NULL),
			TP_OK);
}

START_TEST(ends_no_session_when_one_has_just_gone)
{
	TP_CLEANUP(session_minted_release) struct session_minted old = { 0 };
	TP_CLEANUP(buf_release) struct buf handle = BUF_INIT(LIMIT_HANDLE);

	rig_login(&rig, "user_099", "", &old);
	rig_put(&rig, "user_099", "gone", RIG_SEED_VALUE, 86400);
	rig.rules.sessions_per_user = 2;
	rig.before_store = log_out_before_the_list;
	open_one(&handle);
	ck_assert(is_there("user_099", secret_view(&old.handle)));
	ck_assert(is_there("user_099", buf_view(&handle)));
}
END_TEST

START_TEST(ends_no_session_whose_age_it_has_no_memory_to_tell)
{
	bool failed = true;

	for (long n = 1; failed; n++) {
		TP_CLEANUP(session_minted_release) struct session_minted old = { 0 };
		TP_CLEANUP(session_minted_release) struct session_minted later = { 0 };
		TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };
		enum tp_rc rc;

		tear_down();
		set_up();
		rig.rules.sessions_per_user = 2;
		rig_login(&rig, "user_099", "", &old);
		rig.now++;
		rig_login(&rig, "user_099", "", &later);
		rig.now++;
		alloc_fail_at(n);
		rc = session_open(&rig.a, &login, &m, NULL);
		failed = alloc_fail_off();
		ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
		ck_assert(is_there("user_099", secret_view(&later.handle)));
	}
}
END_TEST

START_TEST(never_ends_the_new_session_for_its_age)
{
	TP_CLEANUP(session_minted_release) struct session_minted old = { 0 };
	TP_CLEANUP(buf_release) struct buf handle = BUF_INIT(LIMIT_HANDLE);

	rig.now = RIG_NOW + 500; /* of a server whose clock is ahead */
	rig_login(&rig, "user_099", "", &old);
	rig.now = RIG_NOW;
	rig.rules.sessions_per_user = 1;
	open_one(&handle);
	ck_assert(is_there("user_099", buf_view(&handle)));
	ck_assert(!is_there("user_099", secret_view(&old.handle)));
}
END_TEST

START_TEST(trims_a_user_with_far_too_many_sessions)
{
	TP_CLEANUP(buf_release) struct buf handle = BUF_INIT(LIMIT_HANDLE);
	TP_CLEANUP(buf_release) struct buf name = BUF_INIT(LIMIT_HANDLE);
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(1024);

	for (int i = 0; i < 200; i++) {
		buf_reset(&name);
		buf_printf(&name, "h%d", i);
		buf_reset(&json);
		buf_printf(&json,
			   "{\"user_id\":\"user_099\",\"iss\":\"prismaticain\",\"iat\":%d,"
			   "\"exp\":1800086400,\"token_type\":\"access\"}",
			   RIG_NOW - 200 + i * 77 % 200);
		rig_put_signed(&rig, "user_099", name.p, json.p, 86400);
	}
	rig.rules.sessions_per_user = 11;
	open_one(&handle);
	ck_assert_uint_eq(store_memory_count(rig.memory, STORE_LOGIN), 11);
	ck_assert(is_there("user_099", buf_view(&handle)));
	for (int i = 0; i < 200; i++) {
		buf_reset(&name);
		buf_printf(&name, "h%d", i);
		ck_assert_int_eq(is_there("user_099", buf_view(&name)), i * 77 % 200 >= 190);
	}
}
END_TEST

START_TEST(opens_nothing_when_it_cannot_trim)
{
	TP_CLEANUP(buf_release) struct buf handle = BUF_INIT(LIMIT_HANDLE);

	open_one(&handle);
	rig.rules.sessions_per_user = 1;
	for (int trip = 2; trip <= 3; trip++) {
		TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };

		rig_store_fail(&rig, RIG_DEAD, trip);
		ck_assert_int_eq(session_open(&rig.a, &login, &m, NULL), TP_UNAVAILABLE);
		ck_assert_ptr_null(m.claims);
	}
	open_one(&handle);
	ck_assert_uint_eq(store_memory_count(rig.memory, STORE_LOGIN), 1);
}
END_TEST

static const char expired[] = "{\"user_id\":\"user_099\",\"iss\":\"prismaticain\","
			      "\"exp\":1800000000,\"token_type\":\"access\"}";

START_TEST(sweeps_what_the_store_cannot_expire)
{
	TP_CLEANUP(session_minted_release) struct session_minted live = { 0 };
	TP_CLEANUP(buf_release) struct buf handle = BUF_INIT(LIMIT_HANDLE);

	rig.memory->keeps_ended = true;
	rig_login(&rig, "user_099", "", &live);
	rig_put_signed(&rig, "user_099", "over", expired, 86400);
	rig_put(&rig, "user_099", "garbled", "garbled", 86400);
	open_one(&handle);
	ck_assert_int_eq(rig.round_trips, 2);
	ck_assert(!is_there("user_099", SPAN_LIT("over")));
	ck_assert(is_there("user_099", SPAN_LIT("garbled")));
	ck_assert(is_there("user_099", secret_view(&live.handle)));
	ck_assert(is_there("user_099", buf_view(&handle)));
}
END_TEST

START_TEST(a_login_does_not_fail_for_the_sweeping)
{
	TP_CLEANUP(buf_release) struct buf handle = BUF_INIT(LIMIT_HANDLE);

	rig.memory->keeps_ended = true;
	rig_put_signed(&rig, "user_099", "over", expired, 86400);
	rig_store_fail(&rig, RIG_DEAD, 2);
	open_one(&handle);
	ck_assert(is_there("user_099", SPAN_LIT("over")));
}
END_TEST

static Suite *session_limit_suite(void)
{
	Suite *s = suite_create("session_limit");
	TCase *tc = tcase_create("limit");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, ends_the_oldest_session_beyond_the_limit);
	tcase_add_test(tc, ends_what_cannot_be_a_session_before_any_session);
	tcase_add_test(tc, takes_the_age_of_an_original_session_from_its_iat);
	tcase_add_test(tc, takes_the_age_of_a_session_from_its_login_however_it_slid);
	tcase_add_test(tc, ends_no_session_when_one_has_just_gone);
	tcase_add_test(tc, ends_no_session_whose_age_it_has_no_memory_to_tell);
	tcase_add_test(tc, never_ends_the_new_session_for_its_age);
	tcase_add_test(tc, trims_a_user_with_far_too_many_sessions);
	tcase_add_test(tc, opens_nothing_when_it_cannot_trim);
	tcase_add_test(tc, sweeps_what_the_store_cannot_expire);
	tcase_add_test(tc, a_login_does_not_fail_for_the_sweeping);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(session_limit_suite());
}
