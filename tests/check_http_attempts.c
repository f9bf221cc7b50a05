/* SPDX-License-Identifier: MIT */
/*
 * How many logins there may be: the attempts that are counted, and the places for those at once.
 */
#include "support/check_run.h"
#include "support/http_rig.h"

#include <stdio.h>

#include "base/banned.h"

#define LOGIN "username=ann&password=pass-marker"

static struct http_rig h;

static void open_rig(void)
{
	http_rig_open(&h);
}

static void release_rig(void)
{
	http_rig_release(&h);
}

/* ---- attempts ---- */

START_TEST(too_many_failures_are_429_and_the_handler_is_left_alone)
{
	rig_handler_says(&h.rig, TP_DENIED, NULL);
	for (int i = 0; i < 6; i++)
		http_ask(&h, "POST", "/token", LOGIN, NULL);
	ck_assert_str_eq(http_rig_answer(&h),
			 http_want_error("429 Too Many Requests", "Retry-After: 1\r\n", "slow_down",
					 "Too many attempts; try again later"));
	ck_assert_int_eq(h.rig.asked, 5);
	ck_assert(http_logged(&h, "event=login.refused request_id=req-1 method=POST path=/token "
				  "status=429 user=ann "));

	rig_handler_says(&h.rig, TP_OK, "{\"user_id\":\"user_099\"}");
	http_ask(&h, "POST", "/token", LOGIN, NULL);
	ck_assert_int_eq(h.resp.status, 429);
	h.rig.now++;
	http_ask(&h, "POST", "/token", LOGIN, NULL);
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

/* A spelling for each attempt. */
static int asked_for_spellings(void)
{
	static const char *const names[] = { "ann", "ANN", "Ann", "ann+", "+aNn", "a+n+n", "aNN" };
	char body[64];

	h.rig.asked = 0;
	rig_handler_says(&h.rig, TP_DENIED, NULL);
	for (size_t i = 0; i < TP_COUNT(names); i++) {
		snprintf(body, sizeof(body), "username=%s&password=x", names[i]);
		http_ask(&h, "POST", "/token", body, NULL);
	}
	return h.rig.asked;
}

START_TEST(spellings_that_the_handler_takes_for_one_name_are_counted_as_one)
{
	ck_assert_int_eq(asked_for_spellings(), 7);
	h.rig.now += 3600;
	h.rig.handler_folds = true;
	ck_assert_int_eq(asked_for_spellings(), 5);
	ck_assert_str_eq(h.rig.username, " aNn"); /* who is asked as it was typed */
}
END_TEST

START_TEST(a_refusal_for_its_scopes_stays_counted)
{
	for (int i = 0; i < 5; i++)
		http_ask(&h, "POST", "/token", LOGIN "&scope=admin", NULL);
	ck_assert_int_eq(h.resp.status, 400);
	http_ask(&h, "POST", "/token", LOGIN "&scope=admin", NULL);
	ck_assert_int_eq(h.resp.status, 429);
}
END_TEST

/* ---- at once ---- */

/* A gate with so many places. */
static int places, inside;

static bool enter(void *arg)
{
	(void)arg;
	if (inside == places)
		return false;
	inside++;
	return true;
}

static void leave(void *arg)
{
	(void)arg;
	inside--;
}

START_TEST(a_full_gate_is_503_for_a_second)
{
	h.rig.a.gate = (struct auth_gate){ enter, leave, NULL };
	places = inside = 0;
	ck_assert_str_eq(http_ask(&h, "POST", "/token", LOGIN, NULL),
			 http_want_error("503 Service Unavailable", "Retry-After: 1\r\n",
					 "temporarily_unavailable",
					 "The service is temporarily unavailable"));
	ck_assert_int_eq(h.rig.asked, 0);
	/* And it was no attempt: however many there were, one that finds a place is let through. */
	for (int i = 0; i < 20; i++)
		http_ask(&h, "POST", "/token", LOGIN, NULL);
	places = 1;
	http_ask(&h, "POST", "/token", LOGIN, NULL);
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

START_TEST(a_cheap_answer_needs_no_place)
{
	h.rig.a.gate = (struct auth_gate){ enter, leave, NULL };
	h.rig.handler_is_cheap = true;
	places = inside = 0;
	http_ask(&h, "POST", "/token", LOGIN, NULL);
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert_int_eq(inside, 0);
}
END_TEST

START_TEST(the_place_is_given_back_however_the_handler_answers)
{
	static const enum tp_rc answers[] = { TP_DENIED, TP_UNAVAILABLE, TP_NOMEM };

	h.rig.a.gate = (struct auth_gate){ enter, leave, NULL };
	places = 1;
	inside = 0;
	http_ask(&h, "POST", "/token", LOGIN, NULL);
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert_int_eq(inside, 0);
	for (size_t i = 0; i < TP_COUNT(answers); i++) {
		rig_handler_says(&h.rig, answers[i], NULL);
		http_ask(&h, "POST", "/token", LOGIN, NULL);
		ck_assert_int_eq(inside, 0);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_attempts");
	TCase *t = tcase_create("attempts");

	tcase_add_checked_fixture(t, open_rig, release_rig);
	tcase_add_test(t, too_many_failures_are_429_and_the_handler_is_left_alone);
	tcase_add_test(t, spellings_that_the_handler_takes_for_one_name_are_counted_as_one);
	tcase_add_test(t, a_refusal_for_its_scopes_stays_counted);
	tcase_add_test(t, a_full_gate_is_503_for_a_second);
	tcase_add_test(t, a_cheap_answer_needs_no_place);
	tcase_add_test(t, the_place_is_given_back_however_the_handler_answers);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
