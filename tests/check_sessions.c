/* SPDX-License-Identifier: MIT */
/*
 * Claims of auth/sessions.h: what is listed of a user's sessions and in which order, what a session
 * keeps over its refreshes, and that nothing but what was asked for ends.
 */
#include "auth/sessions.h"

#include "auth/refresh.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

#define USER   SPAN_LIT("user_099")
#define NOBODY ((struct span){ NULL, 0 })

static struct rig rig;
static struct sessions list;

static void set_up(void)
{
	rig_open(&rig);
}

static void tear_down(void)
{
	sessions_release(&list);
	rig_release(&rig);
}

/* A login from here, by this program; its handle is appended to out. */
static void login(const char *ip, const char *agent, struct buf *out)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };
	TP_CLEANUP(jval_cleanup) struct jval *claims = NULL;
	struct scope_set scopes = { 0 };
	struct session_login l = { .granted = &scopes, .ip = span_of(ip), .agent = span_of(agent) };

	ck_assert_int_eq(jval_parse(SPAN_LIT("{\"user_id\":\"user_099\"}"), &claims, NULL), TP_OK);
	l.claims = claims;
	store_begin(rig.a.store);
	ck_assert_int_eq(session_open(&rig.a, &l, &m, NULL), TP_OK);
	buf_span(out, secret_view(&m.handle));
}

static void refresh(struct span handle)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };

	store_begin(rig.a.store);
	ck_assert_int_eq(
		refresh_session(&rig.a, USER, handle, &(struct refresh_info){ 0 }, &r, NULL),
		TP_OK);
}

static const char *id_of(const char *handle)
{
	static char text[SESSION_SID_LEN + 1];
	TP_CLEANUP(buf_release) struct buf id = BUF_INIT(SESSION_SID_LEN);

	session_sid(span_of(handle), &id);
	memcpy(text, buf_cstr(&id), sizeof(text));
	return text;
}

static void look(struct span current, bool unproved)
{
	struct tp_err err = { 0 };

	sessions_release(&list);
	store_begin(rig.a.store);
	ck_assert_msg(sessions_list(&rig.a, USER, current, unproved, &list, &err) == TP_OK, "%s",
		      err.msg);
}

static bool is_there(const char *user, const char *handle)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);

	return rig_get(&rig, user, span_of(handle), &value);
}

/* A session of user_099, signed now. */
static void put_until(const char *handle, const char *more, int64_t iat, int64_t exp)
{
	char claims[1024];

	snprintf(claims, sizeof(claims),
		 "{\"user_id\":\"user_099\",\"iss\":\"prismaticain\",\"token_type\":\"access\","
		 "\"iat\":%lld,\"exp\":%lld%s}",
		 (long long)iat, (long long)exp, more);
	rig_put_signed(&rig, "user_099", handle, claims, 86400);
}

static void put(const char *handle, const char *more, int64_t iat)
{
	put_until(handle, more, iat, 1800086400);
}

START_TEST(what_a_login_knew_is_kept_over_refreshes)
{
	TP_CLEANUP(buf_release) struct buf handle = BUF_INIT(LIMIT_HANDLE);

	login("192.0.2.7", "Mozilla/5.0 (\"X\")", &handle);
	for (int i = 0; i < 3; i++) {
		rig.now += 1000;
		refresh(buf_view(&handle));
	}
	look(buf_view(&handle), false);
	ck_assert_uint_eq(list.n, 1);
	ck_assert_uint_eq(list.total, 1);
	ck_assert_str_eq(list.v[0].id, id_of(buf_cstr(&handle)));
	ck_assert_int_eq(list.v[0].rc, TP_OK);
	ck_assert(list.v[0].current);
	ck_assert_int_eq(list.v[0].started, RIG_NOW);
	ck_assert_int_eq(list.v[0].refreshed, RIG_NOW + 3000);
	ck_assert_int_eq(list.v[0].expires, RIG_NOW + 3000 + 86400);
	ck_assert(span_is(list.v[0].ip, "192.0.2.7"));
	ck_assert(span_is(list.v[0].agent, "Mozilla/5.0 (\"X\")"));
}
END_TEST

START_TEST(the_original_s_sessions_are_listed_with_what_is_known)
{
	rig_put(&rig, RIG_SEED_USER, RIG_SEED_HANDLE, RIG_SEED_VALUE, 86400);
	look(NOBODY, false);
	ck_assert_uint_eq(list.n, 1);
	ck_assert_str_eq(list.v[0].id, RIG_SEED_SID);
	ck_assert(!list.v[0].current);
	ck_assert_int_eq(list.v[0].started, 0);
	ck_assert_int_eq(list.v[0].refreshed, RIG_NOW - 5);
	ck_assert_int_eq(list.v[0].expires, RIG_NOW - 5 + 86400);
	ck_assert_ptr_null(list.v[0].ip.p);
	ck_assert_ptr_null(list.v[0].agent.p);
}
END_TEST

START_TEST(the_current_one_is_first_and_then_the_latest)
{
	static const char *const order[] = { "c", "d", "a", "b" };

	put("a", "", RIG_NOW - 20);
	put("b", "", RIG_NOW - 30);
	put("c", "", RIG_NOW - 40);
	put("d", "", RIG_NOW - 10);
	look(SPAN_LIT("c"), false);
	ck_assert_uint_eq(list.n, TP_COUNT(order));
	for (size_t i = 0; i < TP_COUNT(order); i++) {
		ck_assert_str_eq(list.v[i].id, id_of(order[i]));
		ck_assert(list.v[i].current == (i == 0));
	}
}
END_TEST

START_TEST(the_end_is_no_later_than_a_session_may_last)
{
	rig.rules.session_max_s = 3600;
	put("a", ",\"auth_time\":1799999000", RIG_NOW);
	look(NOBODY, false);
	ck_assert_int_eq(list.v[0].expires, 1799999000 + 3600);
}
END_TEST

START_TEST(texts_of_the_client_are_made_fit_for_showing)
{
	put("a", ",\"ip\":\"x\\ny\",\"agent\":\"\"", RIG_NOW);
	look(NOBODY, false);
	ck_assert(span_is(list.v[0].ip, "x?y"));
	ck_assert_ptr_null(list.v[0].agent.p);
}
END_TEST

/* What proves nothing, at the name of user_099. */
static void put_unproved(void)
{
	rig_put(&rig, "user_099", "garbage", "no JSON", 86400);
	rig_put_signed(&rig, "user_099", "other",
		       "{\"user_id\":\"user_1\",\"iss\":\"prismaticain\",\"exp\":1800086400,"
		       "\"token_type\":\"access\"}",
		       86400);
	rig_put_signed(&rig, "user_099", "over",
		       "{\"user_id\":\"user_099\",\"iss\":\"prismaticain\",\"exp\":1800000000,"
		       "\"token_type\":\"access\"}",
		       86400);
	put("moved", ",\"sid\":\"" RIG_SEED_SID "\"", RIG_NOW);
}

START_TEST(what_does_not_hold_is_no_session)
{
	put_unproved();
	put("a", "", RIG_NOW);
	look(SPAN_LIT("garbage"), false);
	ck_assert_uint_eq(list.n, 1);
	ck_assert_uint_eq(list.total, 1);
	ck_assert_uint_eq(list.unproved, 4);
	ck_assert_str_eq(list.v[0].id, id_of("a"));
}
END_TEST

START_TEST(what_does_not_hold_is_named_where_it_is_asked_for)
{
	size_t expired = 0;

	put_unproved();
	put("a", "", RIG_NOW);
	look(NOBODY, true);
	ck_assert_uint_eq(list.n, 5);
	ck_assert_uint_eq(list.total, 1);
	ck_assert_str_eq(list.v[0].id, id_of("a"));
	for (size_t i = 1; i < list.n; i++) {
		ck_assert(list.v[i].rc == TP_DENIED || list.v[i].rc == TP_EXPIRED);
		ck_assert_int_eq(list.v[i].expires, 0);
		ck_assert_ptr_null(list.v[i].ip.p);
		if (list.v[i].rc == TP_EXPIRED) {
			expired++;
			ck_assert_str_eq(list.v[i].id, id_of("over"));
		}
	}
	ck_assert_uint_eq(expired, 1);
}
END_TEST

START_TEST(a_long_list_has_the_latest)
{
	enum { MANY = 2 * SESSIONS_LISTED + 50 };
	char handle[24];

	for (int i = 0; i < MANY; i++) {
		int64_t iat = RIG_NOW - (i * 7919) % MANY;

		snprintf(handle, sizeof(handle), "h%d", i);
		put_until(handle, ",\"ip\":\"192.0.2.1\"", iat, iat + 86400);
	}
	look(SPAN_LIT("h1"), false);
	ck_assert_uint_eq(list.total, MANY);
	ck_assert_uint_eq(list.n, SESSIONS_LISTED);
	ck_assert(list.v[0].current);
	for (size_t i = 1; i < list.n; i++) {
		ck_assert_int_le(list.v[i].refreshed, RIG_NOW - (int64_t)i + 1);
		ck_assert_int_ge(list.v[i].refreshed, RIG_NOW - (int64_t)i);
		ck_assert(span_is(list.v[i].ip, "192.0.2.1"));
		ck_assert_ptr_eq(list.v[i].ip.p, list.v[i].text[0]);
	}
}
END_TEST

/* Else one request could hold a worker for as long as there are sessions. */
START_TEST(no_more_are_verified_than_can_be_listed)
{
	enum { GOOD = SESSIONS_LISTED - 20, BAD = 40 };
	static char large[LIMIT_STORE_VALUE];
	char handle[24];

	for (int i = 0; i < GOOD; i++) {
		snprintf(handle, sizeof(handle), "h%d", i);
		put(handle, "", RIG_NOW);
	}
	memset(large, 'x', sizeof(large) - 1);
	for (int i = 0; i < BAD; i++) {
		snprintf(handle, sizeof(handle), "bad%d", i);
		rig_put(&rig, "user_099", handle, i % 2 == 0 ? "{}" : large, 86400);
	}
	look(SPAN_LIT("h1"), true);
	ck_assert_uint_eq(list.n, SESSIONS_LISTED);
	ck_assert(list.v[0].current);
	ck_assert_uint_eq(list.unproved, SESSIONS_LISTED - GOOD);
	ck_assert_uint_eq(list.total, GOOD + BAD - list.unproved);
	for (size_t i = 0; i < list.n; i++)
		ck_assert_int_eq(list.v[i].rc, i < (size_t)GOOD ? TP_OK : TP_DENIED);
}
END_TEST

START_TEST(one_ends_by_its_id_and_no_other)
{
	TP_CLEANUP(secret_release) struct secret handle = { 0 };

	put("a", "", RIG_NOW);
	put("b", "", RIG_NOW);
	rig_put(&rig, "user_1", "a", "the same handle of another user", 86400);
	ck_assert_int_eq(sessions_end(&rig.a, USER, span_of(id_of("a")), &handle, NULL), TP_OK);
	ck_assert(span_is(secret_view(&handle), "a"));
	ck_assert(!is_there("user_099", "a"));
	ck_assert(is_there("user_099", "b"));
	ck_assert(is_there("user_1", "a"));
	ck_assert_int_eq(sessions_end(&rig.a, USER, span_of(id_of("a")), &handle, NULL),
			 TP_NOT_FOUND);
}
END_TEST

START_TEST(what_does_not_hold_can_be_ended)
{
	TP_CLEANUP(secret_release) struct secret handle = { 0 };

	put_unproved();
	ck_assert_int_eq(sessions_end(&rig.a, USER, span_of(id_of("garbage")), &handle, NULL),
			 TP_OK);
	ck_assert(!is_there("user_099", "garbage"));
	ck_assert(is_there("user_099", "other"));
}
END_TEST

static const char *const no_ids[] = {
	"",
	"a",
	"ml7fytHjDfPIcsEba7xwAN1a0m5SrVKBzch963pZ7Q",
	RIG_SEED_SID "A",
	"Ml7fytHjDfPIcsEba7xwAN1a0m5SrVKBzch963pZ7Qo",
	RIG_SEED_HANDLE,
};

START_TEST(nothing_else_is_an_id)
{
	TP_CLEANUP(secret_release) struct secret handle = { 0 };

	rig_put(&rig, RIG_SEED_USER, RIG_SEED_HANDLE, RIG_SEED_VALUE, 86400);
	ck_assert_int_eq(sessions_end(&rig.a, USER, span_of(no_ids[_i]), &handle, NULL),
			 TP_NOT_FOUND);
	ck_assert(is_there(RIG_SEED_USER, RIG_SEED_HANDLE));
	ck_assert_ptr_null(handle.p);
}
END_TEST

START_TEST(all_but_one_end)
{
	int64_t n = 0;
	char handle[24];

	for (int i = 0; i < 100; i++) {
		snprintf(handle, sizeof(handle), "h%d", i);
		put(handle, "", RIG_NOW);
	}
	put_unproved();
	rig_put(&rig, "user_1", "h0", "of another user", 86400);
	ck_assert_int_eq(sessions_end_others(&rig.a, USER, SPAN_LIT("h42"), &n, NULL), TP_OK);
	ck_assert_int_eq(n, 99 + 4);
	ck_assert(is_there("user_099", "h42"));
	ck_assert(is_there("user_1", "h0"));
	ck_assert_uint_eq(store_memory_count(rig.memory, STORE_LOGIN), 2);
	ck_assert_int_eq(sessions_end_others(&rig.a, USER, SPAN_LIT("h42"), &n, NULL), TP_OK);
	ck_assert_int_eq(n, 0);
}
END_TEST

START_TEST(all_end_where_none_is_kept)
{
	int64_t n = 0;

	put("a", "", RIG_NOW);
	put("b", "", RIG_NOW);
	ck_assert_int_eq(sessions_end_others(&rig.a, USER, NOBODY, &n, NULL), TP_OK);
	ck_assert_int_eq(n, 2);
	ck_assert_uint_eq(store_memory_count(rig.memory, STORE_LOGIN), 0);
}
END_TEST

START_TEST(a_name_that_no_user_has_is_not_asked_for)
{
	TP_CLEANUP(secret_release) struct secret handle = { 0 };
	struct sessions s = { 0 };
	int64_t n = 0;

	rig.round_trips = 0;
	ck_assert_int_eq(sessions_list(&rig.a, SPAN_LIT(""), NOBODY, true, &s, NULL), TP_NOT_FOUND);
	ck_assert_int_eq(
		sessions_end(&rig.a, SPAN_LIT("a\nb"), SPAN_LIT(RIG_SEED_SID), &handle, NULL),
		TP_NOT_FOUND);
	ck_assert_int_eq(sessions_end_others(&rig.a, SPAN_LIT("tpauth-x"), NOBODY, &n, NULL),
			 TP_NOT_FOUND);
	ck_assert_int_eq(rig.round_trips, 0);
}
END_TEST

START_TEST(a_store_that_cannot_tell_is_not_a_no)
{
	static const enum rig_failure failures[] = { RIG_DEAD, RIG_MUTE };
	TP_CLEANUP(secret_release) struct secret handle = { 0 };
	struct sessions s = { 0 };
	int64_t n = -1;

	for (size_t i = 0; i < TP_COUNT(failures); i++) {
		for (int trip = 1; trip <= 2; trip++) {
			put("a", "", RIG_NOW);
			put("b", "", RIG_NOW);
			rig_store_fail(&rig, failures[i], trip);
			ck_assert_int_eq(
				sessions_end(&rig.a, USER, span_of(id_of("a")), &handle, NULL),
				TP_UNAVAILABLE);
			ck_assert_ptr_null(handle.p);
			put("a", "", RIG_NOW);
			rig_store_fail(&rig, failures[i], trip);
			ck_assert_int_eq(sessions_end_others(&rig.a, USER, SPAN_LIT("b"), &n, NULL),
					 TP_UNAVAILABLE);
			ck_assert(is_there("user_099", "b"));
		}
		rig_store_fail(&rig, failures[i], 1);
		ck_assert_int_eq(sessions_list(&rig.a, USER, NOBODY, false, &s, NULL),
				 TP_UNAVAILABLE);
	}
	ck_assert_int_eq(n, -1);
	ck_assert_ptr_null(s.v);
}
END_TEST

START_TEST(without_memory_it_fails_and_leaks_nothing)
{
	int64_t ended = 0;
	bool failed = true;
	enum tp_rc rc;

	for (int i = 0; i < 40; i++) {
		char handle[24];

		snprintf(handle, sizeof(handle), "h%d", i);
		put(handle, ",\"ip\":\"192.0.2.1\",\"agent\":\"x\"", RIG_NOW);
	}
	for (long n = 1; failed; n++) {
		struct sessions s = { 0 };

		store_begin(rig.a.store);
		alloc_fail_at(n);
		rc = sessions_list(&rig.a, USER, SPAN_LIT("h1"), true, &s, NULL);
		failed = alloc_fail_off();
		ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
		ck_assert_uint_eq(s.total, failed ? 0 : 40);
		sessions_release(&s);
	}
	failed = true;
	for (long n = 1; failed; n++) {
		store_begin(rig.a.store);
		alloc_fail_at(n);
		rc = sessions_end_others(&rig.a, USER, SPAN_LIT("h1"), &ended, NULL);
		failed = alloc_fail_off();
		ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
		ck_assert(is_there("user_099", "h1"));
	}
	ck_assert_uint_eq(store_memory_count(rig.memory, STORE_LOGIN), 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sessions");
	TCase *t = tcase_create("sessions");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, what_a_login_knew_is_kept_over_refreshes);
	tcase_add_test(t, the_original_s_sessions_are_listed_with_what_is_known);
	tcase_add_test(t, the_current_one_is_first_and_then_the_latest);
	tcase_add_test(t, the_end_is_no_later_than_a_session_may_last);
	tcase_add_test(t, texts_of_the_client_are_made_fit_for_showing);
	tcase_add_test(t, what_does_not_hold_is_no_session);
	tcase_add_test(t, what_does_not_hold_is_named_where_it_is_asked_for);
	tcase_add_test(t, a_long_list_has_the_latest);
	tcase_add_test(t, no_more_are_verified_than_can_be_listed);
	tcase_add_test(t, one_ends_by_its_id_and_no_other);
	tcase_add_test(t, what_does_not_hold_can_be_ended);
	tcase_add_loop_test(t, nothing_else_is_an_id, 0, (int)TP_COUNT(no_ids));
	tcase_add_test(t, all_but_one_end);
	tcase_add_test(t, all_end_where_none_is_kept);
	tcase_add_test(t, a_name_that_no_user_has_is_not_asked_for);
	tcase_add_test(t, a_store_that_cannot_tell_is_not_a_no);
	tcase_add_test(t, without_memory_it_fails_and_leaks_nothing);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
