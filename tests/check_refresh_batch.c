/* SPDX-License-Identifier: MIT */
/*
 * Claims of auth/refresh.h about refresh_sessions(): as if each came from a process of its own, at
 * the price of one round trip a step.
 */
#include "auth/refresh.h"

#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/rig.h"

#include "base/banned.h"

#define USER SPAN_LIT("user_099")

enum { SESSIONS = 5 };

static struct rig rig;
static struct session_minted sessions[SESSIONS]; /* of one user; their windows are open again */
static struct refresh_job jobs[REFRESH_AT_ONCE];

static void set_up(void)
{
	rig_open(&rig);
	for (size_t i = 0; i < SESSIONS; i++)
		rig_login(&rig, "user_099", "user:read", &sessions[i]);
	rig.now += 120;
	rig.round_trips = 0;
}

static void tear_down(void)
{
	for (size_t i = 0; i < SESSIONS; i++)
		session_minted_release(&sessions[i]);
	rig_release(&rig);
}

static struct refresh_job job_of(struct span user, struct span handle)
{
	return (struct refresh_job){ .user = user, .handle = handle };
}

static struct refresh_job session_job(size_t i)
{
	return job_of(USER, secret_view(&sessions[i].handle));
}

static void release_jobs(size_t n)
{
	for (size_t i = 0; i < n; i++)
		refreshed_release(&jobs[i].ret);
}

/* One job for each session. */
static void run_sessions(void)
{
	for (size_t i = 0; i < SESSIONS; i++)
		jobs[i] = session_job(i);
	refresh_sessions(&rig.a, jobs, SESSIONS);
}

static int64_t signed_at(size_t i)
{
	const struct token *t;

	ck_assert_int_eq(session_find(&rig.a, USER, secret_view(&sessions[i].handle), &t, NULL),
			 TP_OK);
	return t->iat;
}

START_TEST(takes_one_round_trip_a_step)
{
	run_sessions();
	ck_assert_int_eq(rig.round_trips, 3);
	ck_assert_int_eq(rig.asked, SESSIONS);
	for (size_t i = 0; i < SESSIONS; i++) {
		ck_assert_int_eq(jobs[i].rc, TP_OK);
		ck_assert_int_eq(signed_at(i), rig.now);
		ck_assert(secret_eq(secret_view(&jobs[i].ret.minted.handle), jobs[i].handle));
	}
	release_jobs(SESSIONS);
	rig.round_trips = 0;
	run_sessions();
	ck_assert_int_eq(rig.round_trips, 1);
	for (size_t i = 0; i < SESSIONS; i++) {
		ck_assert_int_eq(jobs[i].rc, TP_EXISTS);
		ck_assert_int_eq(jobs[i].ret.opens_in_s, 120);
		ck_assert_ptr_nonnull(jobs[i].ret.minted.claims);
	}
	release_jobs(SESSIONS);
}
END_TEST

START_TEST(takes_as_many_as_may_be)
{
	for (size_t i = 0; i < REFRESH_AT_ONCE; i++)
		jobs[i] = session_job(i % SESSIONS);
	refresh_sessions(&rig.a, jobs, REFRESH_AT_ONCE);
	for (size_t i = 0; i < REFRESH_AT_ONCE; i++)
		ck_assert_int_eq(jobs[i].rc, i < SESSIONS ? TP_OK : TP_EXISTS);
	release_jobs(REFRESH_AT_ONCE);
	refresh_sessions(&rig.a, jobs, 0);
}
END_TEST

START_TEST(refreshes_a_session_that_is_named_twice_once)
{
	for (size_t i = 0; i < 3; i++)
		jobs[i] = session_job(1);
	refresh_sessions(&rig.a, jobs, 3);
	ck_assert_int_eq(jobs[0].rc, TP_OK);
	for (size_t i = 1; i < 3; i++) {
		ck_assert_int_eq(jobs[i].rc, TP_EXISTS);
		ck_assert_int_eq(jobs[i].ret.opens_in_s, 120);
	}
	ck_assert_int_eq(rig.asked, 1);
	release_jobs(3);
}
END_TEST

START_TEST(fills_nothing_for_one_who_only_wants_to_know)
{
	run_sessions();
	release_jobs(SESSIONS);
	jobs[0] = jobs[1] = session_job(0);
	jobs[0].brief = true;
	refresh_sessions(&rig.a, jobs, 2);
	ck_assert_int_eq(jobs[0].rc, TP_EXISTS);
	ck_assert_ptr_null(jobs[0].ret.minted.claims);
	ck_assert_ptr_null(jobs[0].ret.minted.jwt.p);
	ck_assert_ptr_nonnull(jobs[1].ret.minted.claims);
	release_jobs(2);
}
END_TEST

/* What is wrong with the first job, and what it is answered. */
static void a_stranger(void)
{
	jobs[0] = job_of(USER, SPAN_LIT("nosuch"));
}

static void a_name_that_none_has(void)
{
	jobs[0] = job_of(SPAN_LIT("tpauth-x"), SPAN_LIT("h"));
}

static void no_handle(void)
{
	jobs[0] = job_of(USER, SPAN_LIT(""));
}

static void garbage(void)
{
	rig_put(&rig, "user_099", "h", "garbage", 86400);
	jobs[0] = job_of(USER, SPAN_LIT("h"));
}

static void another_users(void)
{
	rig_put(&rig, "user_098", "h", RIG_SEED_VALUE, 86400);
	jobs[0] = job_of(SPAN_LIT("user_098"), SPAN_LIT("h"));
}

static void an_old_one(void)
{
	rig_put_signed(&rig, "user_099", "h",
		       "{\"user_id\":\"user_099\",\"iss\":\"prismaticain\",\"exp\":1800000120,"
		       "\"token_type\":\"access\"}",
		       86400);
	jobs[0] = job_of(USER, SPAN_LIT("h"));
}

static void one_whom_the_handler_mistakes(void)
{
	rig_put_signed(&rig, "user_097", "h",
		       "{\"user_id\":\"user_097\",\"iss\":\"prismaticain\",\"exp\":1800086400,"
		       "\"token_type\":\"access\"}",
		       86400);
	jobs[0] = job_of(SPAN_LIT("user_097"), SPAN_LIT("h")); /* the handler speaks of 099 */
}

static const struct {
	void (*set)(void);
	enum tp_rc rc;
} wrongs[] = { { a_stranger, TP_NOT_FOUND },
	       { a_name_that_none_has, TP_NOT_FOUND },
	       { no_handle, TP_NOT_FOUND },
	       { garbage, TP_DENIED },
	       { another_users, TP_DENIED },
	       { an_old_one, TP_EXPIRED },
	       { one_whom_the_handler_mistakes, TP_UNAVAILABLE } };

START_TEST(what_is_wrong_with_one_is_no_others_matter)
{
	wrongs[_i].set();
	for (size_t i = 1; i <= SESSIONS; i++)
		jobs[i] = session_job(i - 1);
	refresh_sessions(&rig.a, jobs, SESSIONS + 1);
	ck_assert_int_eq(jobs[0].rc, wrongs[_i].rc);
	ck_assert_str_ne(jobs[0].err.msg, "");
	ck_assert_ptr_null(jobs[0].ret.minted.claims);
	for (size_t i = 1; i <= SESSIONS; i++)
		ck_assert_int_eq(jobs[i].rc, TP_OK);
	ck_assert_int_eq(rig.round_trips, 3);
	release_jobs(SESSIONS + 1);
}
END_TEST

/* A call that brings a value larger than any session fails as a whole. */
static void fail_where_one_is_too_large(struct rig *r, const struct store_op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ops[i].verb == STORE_GET && span_is(ops[i].key.item, "large"))
			r->memory->next = STORE_MEMORY_UNAVAILABLE;
}

START_TEST(an_item_too_large_fails_its_own_job_only)
{
	rig.before_store = fail_where_one_is_too_large;
	jobs[0] = session_job(0);
	jobs[1] = job_of(USER, SPAN_LIT("large"));
	jobs[2] = session_job(1);
	refresh_sessions(&rig.a, jobs, 3);
	ck_assert_int_eq(jobs[0].rc, TP_OK);
	ck_assert_int_eq(jobs[1].rc, TP_UNAVAILABLE);
	ck_assert_int_eq(jobs[2].rc, TP_OK);
	ck_assert_int_eq(rig.asked, 2);
	release_jobs(3);
}
END_TEST

START_TEST(what_the_store_says_of_one_is_said_of_that_one)
{
	jobs[0] = job_of(USER, SPAN_LIT("nosuch"));
	jobs[1] = session_job(0);
	rig.store_says = "has a key of another type";
	refresh_sessions(&rig.a, jobs, 2);
	ck_assert_int_eq(jobs[0].rc, TP_NOT_FOUND);
	ck_assert_str_eq(jobs[0].err.msg, "has a key of another type");
	ck_assert_int_eq(jobs[1].rc, TP_OK);
	ck_assert_str_eq(jobs[1].err.msg, "");
	release_jobs(2);
}
END_TEST

START_TEST(ends_only_the_session_that_the_handler_denies)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);

	rig_put_signed(&rig, "user_098", "h",
		       "{\"user_id\":\"user_098\",\"iss\":\"prismaticain\",\"exp\":1800086400,"
		       "\"token_type\":\"access\"}",
		       86400);
	run_sessions();
	release_jobs(SESSIONS);
	rig_handler_says(&rig, TP_DENIED, NULL);
	jobs[0] = session_job(0); /* inside its window: not asked for */
	jobs[1] = job_of(SPAN_LIT("user_098"), SPAN_LIT("h"));
	refresh_sessions(&rig.a, jobs, 2);
	ck_assert_int_eq(jobs[0].rc, TP_EXISTS);
	ck_assert_int_eq(jobs[1].rc, TP_DENIED);
	ck_assert(!rig_get(&rig, "user_098", SPAN_LIT("h"), &value));
	ck_assert_int_eq(signed_at(0), rig.now);
	release_jobs(2);
}
END_TEST

START_TEST(asks_no_handler_for_one_who_has_gone)
{
	jobs[0] = session_job(0);
	jobs[0].late_ms = 1;
	jobs[1] = session_job(1);
	jobs[1].late_ms = clock_mono_ms() + 3600000;
	refresh_sessions(&rig.a, jobs, 2);
	ck_assert_int_eq(jobs[0].rc, TP_UNAVAILABLE);
	ck_assert_int_eq(jobs[1].rc, TP_OK);
	ck_assert_int_eq(rig.asked, 1);
	ck_assert_int_eq(signed_at(0), RIG_NOW);
	release_jobs(2);
}
END_TEST

/* ---- trouble ---- */

START_TEST(an_outage_is_one_for_all)
{
	rig_store_fail(&rig, _i == 0 ? RIG_DEAD : RIG_MUTE, 0);
	run_sessions();
	for (size_t i = 0; i < SESSIONS; i++)
		ck_assert_int_eq(jobs[i].rc, TP_UNAVAILABLE);
	ck_assert_int_eq(rig.asked, 0);
}
END_TEST

/* The first step only reads, and is taken again for each. */
START_TEST(an_outage_at_a_write_costs_each_a_window_and_no_session)
{
	rig_store_fail(&rig, _i % 2 == 0 ? RIG_DEAD : RIG_MUTE, 2 + _i / 2);
	run_sessions();
	ck_assert_int_eq(rig.round_trips, 2 + _i / 2);
	for (size_t i = 0; i < SESSIONS; i++) {
		ck_assert_int_eq(jobs[i].rc, TP_UNAVAILABLE);
		ck_assert_str_eq(jobs[i].err.msg, "the store was told to fail");
		ck_assert_ptr_null(jobs[i].ret.minted.claims);
		(void)signed_at(i);
	}
	rig.now += 120;
	run_sessions();
	for (size_t i = 0; i < SESSIONS; i++)
		ck_assert_int_eq(jobs[i].rc, TP_OK);
	release_jobs(SESSIONS);
}
END_TEST

/* Before the nth round trip one session's user logs out. */
static void log_out_before(struct rig *r, const struct store_op *ops, size_t n)
{
	int *left = r->arg;

	(void)ops;
	(void)n;
	if (--*left == 0)
		ck_assert_int_eq(
			session_close(&r->other, USER, secret_view(&sessions[2].handle), NULL),
			TP_OK);
}

START_TEST(a_logout_before_any_step_stands)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);
	int left = _i;

	rig.arg = &left;
	rig.before_store = log_out_before;
	run_sessions();
	rig.before_store = NULL;
	for (size_t i = 0; i < SESSIONS; i++)
		ck_assert_int_eq(jobs[i].rc, i == 2 ? TP_NOT_FOUND : TP_OK);
	ck_assert(!rig_get(&rig, "user_099", secret_view(&sessions[2].handle), &value));
	release_jobs(SESSIONS);
}
END_TEST

START_TEST(running_out_of_memory_costs_windows_at_most)
{
	for (long n = 1;; n++) {
		bool failed;

		for (size_t i = 0; i < 3; i++)
			jobs[i] = session_job(i);
		alloc_fail_at(n);
		refresh_sessions(&rig.a, jobs, 3);
		failed = alloc_fail_off();
		for (size_t i = 0; i < 3; i++) {
			ck_assert_int_eq(jobs[i].ret.minted.claims != NULL, jobs[i].rc == TP_OK);
			ck_assert(jobs[i].rc == TP_OK ||
				  (failed &&
				   (jobs[i].rc == TP_NOMEM || jobs[i].rc == TP_UNAVAILABLE)));
			(void)signed_at(i);
		}
		release_jobs(3);
		if (!failed)
			break;
		rig.now += 120;
	}
}
END_TEST

static TCase *steps_case(void)
{
	TCase *tc = tcase_create("steps");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, takes_one_round_trip_a_step);
	tcase_add_test(tc, takes_as_many_as_may_be);
	tcase_add_test(tc, refreshes_a_session_that_is_named_twice_once);
	tcase_add_test(tc, fills_nothing_for_one_who_only_wants_to_know);
	return tc;
}

static TCase *apart_case(void)
{
	TCase *tc = tcase_create("apart");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, what_is_wrong_with_one_is_no_others_matter, 0, TP_COUNT(wrongs));
	tcase_add_test(tc, an_item_too_large_fails_its_own_job_only);
	tcase_add_test(tc, what_the_store_says_of_one_is_said_of_that_one);
	tcase_add_test(tc, ends_only_the_session_that_the_handler_denies);
	tcase_add_test(tc, asks_no_handler_for_one_who_has_gone);
	return tc;
}

static TCase *trouble_case(void)
{
	TCase *tc = tcase_create("trouble");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, an_outage_is_one_for_all, 0, 2);
	tcase_add_loop_test(tc, an_outage_at_a_write_costs_each_a_window_and_no_session, 0, 4);
	tcase_add_loop_test(tc, a_logout_before_any_step_stands, 1, 4);
	tcase_add_test(tc, running_out_of_memory_costs_windows_at_most);
	return tc;
}

static Suite *refresh_batch_suite(void)
{
	Suite *s = suite_create("refresh_batch");

	suite_add_tcase(s, steps_case());
	suite_add_tcase(s, apart_case());
	suite_add_tcase(s, trouble_case());
	return s;
}

int main(void)
{
	return check_run(refresh_batch_suite());
}
