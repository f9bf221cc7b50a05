/* SPDX-License-Identifier: MIT */
/*
 * Claims of auth/session.h about sessions that are there: what makes one hold, how it is found by
 * its handle and by its sid, and how it ends.
 */
#include "auth/session.h"

#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/rig.h"

#include "base/banned.h"

#define USER   SPAN_LIT(RIG_SEED_USER)
#define HANDLE SPAN_LIT(RIG_SEED_HANDLE)
#define SID    RIG_SEED_SID

/* Claims of a session of user_099, less the end of the object. */
#define CLAIMS                                                                   \
	"{\"user_id\":\"user_099\",\"iss\":\"prismaticain\",\"iat\":1800000000," \
	"\"exp\":1800086400,\"token_type\":\"access\""

static struct rig rig;

static void set_up(void)
{
	rig_open(&rig);
}

static void tear_down(void)
{
	rig_release(&rig);
}

static enum tp_rc find(const struct token **ret)
{
	return session_find(&rig.a, USER, HANDLE, ret, NULL);
}

/* ---- finding ---- */

START_TEST(finds_a_session_in_one_round_trip)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };
	const struct token *t;

	rig_login(&rig, "user_099", "user:read", &m);
	ck_assert_int_eq(session_find(&rig.a, USER, secret_view(&m.handle), &t, NULL), TP_OK);
	ck_assert(span_is(t->user_id, "user_099"));
	ck_assert(span_is(t->username, "Admin"));
	ck_assert_int_eq(t->exp, RIG_NOW + 86400);
	ck_assert_int_eq(rig.round_trips, 1);
}
END_TEST

START_TEST(finds_a_session_that_the_original_wrote)
{
	const struct token *t;

	rig_put(&rig, RIG_SEED_USER, RIG_SEED_HANDLE, RIG_SEED_VALUE, 86400);
	ck_assert_int_eq(find(&t), TP_OK);
	ck_assert(span_is(t->username, "Admin"));
	ck_assert_ptr_null(t->email.p);
	ck_assert_ptr_null(t->sid.p);
	ck_assert_int_eq(t->auth_time, 0);
}
END_TEST

START_TEST(finds_a_session_that_pythons_json_wrote)
{
	const struct token *t;

	rig_put(&rig, RIG_SEED_USER, RIG_SEED_HANDLE,
		"{\"token\": \"" RIG_SEED_JWT "\", \"expire\": 1440}", 86400);
	ck_assert_int_eq(find(&t), TP_OK);
}
END_TEST

START_TEST(gives_the_stored_jwt_when_asked)
{
	TP_CLEANUP(secret_release) struct secret jwt = { 0 };
	const struct token *t;

	rig_put(&rig, RIG_SEED_USER, RIG_SEED_HANDLE, RIG_SEED_VALUE, 86400);
	ck_assert_int_eq(session_find_jwt(&rig.a, USER, HANDLE, &jwt, &t, NULL), TP_OK);
	ck_assert(span_is(secret_view(&jwt), RIG_SEED_JWT));
}
END_TEST

START_TEST(does_not_find_what_is_not_there)
{
	const struct token *t;
	struct tp_err err;

	rig_put(&rig, RIG_SEED_USER, RIG_SEED_HANDLE, RIG_SEED_VALUE, 86400);
	ck_assert_int_eq(session_find(&rig.a, USER, SPAN_LIT("other"), &t, &err), TP_NOT_FOUND);
	ck_assert_str_eq(err.msg, "there is no such session");
	ck_assert_int_eq(session_find(&rig.a, SPAN_LIT("other"), HANDLE, &t, &err), TP_NOT_FOUND);
}
END_TEST

START_TEST(keeps_what_the_store_says_along_with_a_no)
{
	TP_CLEANUP(secret_release) struct secret handle = { 0 };
	const struct token *t;
	struct tp_err err;

	rig.store_says = "a key of another type";
	ck_assert_int_eq(find(&t), TP_NOT_FOUND);
	ck_assert_int_eq(session_find(&rig.a, USER, HANDLE, &t, &err), TP_NOT_FOUND);
	ck_assert_str_eq(err.msg, "a key of another type");
	ck_assert_int_eq(err.rc, TP_NOT_FOUND);
	err.msg[0] = '\0';
	ck_assert_int_eq(session_find_sid(&rig.a, USER, SPAN_LIT(SID), &handle, &t, &err),
			 TP_NOT_FOUND);
	ck_assert_str_eq(err.msg, "a key of another type");
	err.msg[0] = '\0';
	ck_assert_int_eq(session_close(&rig.a, USER, HANDLE, &err), TP_NOT_FOUND);
	ck_assert_str_eq(err.msg, "a key of another type");
}
END_TEST

static char long_handle[LIMIT_HANDLE + 1], long_user[LIMIT_USER_ID + 1];

static const struct {
	struct span user, handle;
} bad_keys[] = {
	{ { "user_099", 8 }, { NULL, 0 } },
	{ { "user_099", 8 }, { "", 0 } },
	{ { "user_099", 8 }, { "a\0b", 3 } },
	{ { "user_099", 8 }, { "a\r\nb", 4 } },
	{ { "user_099", 8 }, { "a\x7f", 2 } },
	{ { "user_099", 8 }, { long_handle, sizeof(long_handle) } },
	{ { NULL, 0 }, { "a", 1 } },
	{ { "", 0 }, { "a", 1 } },
	{ { "a\0b", 3 }, { "a", 1 } },
	{ { "a\nb", 3 }, { "a", 1 } },
	{ { "\xff", 1 }, { "a", 1 } },
	{ { "tpauth-fail", 11 }, { "a", 1 } },
	{ { long_user, sizeof(long_user) }, { "a", 1 } },
};

START_TEST(does_not_ask_the_store_for_names_that_no_session_has)
{
	TP_CLEANUP(secret_release) struct secret handle = { 0 };
	struct span user = bad_keys[_i].user;
	const struct token *t;
	int64_t n;

	memset(long_handle, 'h', sizeof(long_handle));
	memset(long_user, 'u', sizeof(long_user));
	rig_store_fail(&rig, RIG_DEAD, 0);
	ck_assert_int_eq(session_find(&rig.a, user, bad_keys[_i].handle, &t, NULL), TP_NOT_FOUND);
	ck_assert_int_eq(session_close(&rig.a, user, bad_keys[_i].handle, NULL), TP_NOT_FOUND);
	if (!token_user_id_ok(user)) {
		ck_assert_int_eq(session_close_all(&rig.a, user, &n, NULL), TP_NOT_FOUND);
		ck_assert_int_eq(session_find_sid(&rig.a, user, SPAN_LIT(SID), &handle, &t, NULL),
				 TP_NOT_FOUND);
	}
	ck_assert_int_eq(rig.round_trips, 0);
}
END_TEST

START_TEST(ends_a_session_at_its_exp_by_the_second)
{
	const struct token *t;

	rig_put_signed(&rig, RIG_SEED_USER, RIG_SEED_HANDLE, CLAIMS "}", 100000);
	rig.now = RIG_NOW + 86399;
	ck_assert_int_eq(find(&t), TP_OK);
	rig.now++;
	ck_assert_int_eq(find(&t), TP_EXPIRED);
}
END_TEST

START_TEST(ends_a_session_at_a_session_max_that_was_lowered)
{
	const struct token *t;

	rig_put_signed(&rig, RIG_SEED_USER, RIG_SEED_HANDLE, CLAIMS ",\"auth_time\":1799999000}",
		       100000);
	rig.rules.session_max_s = 1001;
	ck_assert_int_eq(find(&t), TP_OK);
	rig.now++;
	ck_assert_int_eq(find(&t), TP_EXPIRED);
	rig.rules.session_max_s = 0;
	ck_assert_int_eq(find(&t), TP_OK);
}
END_TEST

static const struct {
	const char *claims;
	enum tp_rc rc;
} stored[] = {
	{ CLAIMS "}", TP_OK },
	{ CLAIMS ",\"sid\":null}", TP_OK },
	{ CLAIMS ",\"sid\":\"" SID "\"}", TP_OK },
	{ CLAIMS ",\"sid\":\"ml7fytHjDfPIcsEba7xwAN1a0m5SrVKBzch963pZ7Qp\"}", TP_DENIED },
	{ CLAIMS ",\"sid\":\"ml7fytHjDfPIcsEba7xwAN1a0m5SrVKBzch963pZ7Q\"}", TP_DENIED },
	{ CLAIMS ",\"sid\":\"\"}", TP_DENIED },
	{ CLAIMS ",\"aud\":\"x\"}", TP_DENIED },
	{ CLAIMS ",\"scopes\":\"user:read\"}", TP_DENIED },
	{ "{\"user_id\":\"user_098\",\"iss\":\"prismaticain\",\"exp\":1800086400,"
	  "\"token_type\":\"access\"}",
	  TP_DENIED },
	{ "{\"user_id\":\"user_099\",\"iss\":\"other\",\"exp\":1800086400,"
	  "\"token_type\":\"access\"}",
	  TP_DENIED },
	{ "{\"user_id\":\"user_099\",\"iss\":\"prismaticain\",\"exp\":1800086400,"
	  "\"token_type\":\"refresh\"}",
	  TP_DENIED },
	{ "{\"user_id\":\"user_099\",\"iss\":\"prismaticain\",\"token_type\":\"access\"}",
	  TP_DENIED },
	{ "{\"user_id\":\"user_099\",\"iss\":\"prismaticain\",\"exp\":1799999999,"
	  "\"token_type\":\"access\"}",
	  TP_EXPIRED },
};

START_TEST(serves_a_session_only_with_a_token_of_its_own)
{
	TP_CLEANUP(secret_release) struct secret handle = { 0 };
	const struct token *t = NULL;

	rig_put_signed(&rig, RIG_SEED_USER, RIG_SEED_HANDLE, stored[_i].claims, 100000);
	ck_assert_int_eq(find(&t), stored[_i].rc);
	ck_assert_int_eq(t != NULL, stored[_i].rc == TP_OK);
	t = NULL;
	ck_assert_int_eq(session_find_sid(&rig.a, USER, SPAN_LIT(SID), &handle, &t, NULL),
			 stored[_i].rc);
	ck_assert_int_eq(t != NULL, stored[_i].rc == TP_OK);
	ck_assert_int_eq(handle.p != NULL, stored[_i].rc == TP_OK);
}
END_TEST

START_TEST(never_serves_a_garbled_value)
{
	static const char *const garbled[] = { "", "null", "x",
					       "{\"token\":\"a.b.c\",\"expire\":1}",
					       "{\"token\":\"\",\"expire\":1440}" };
	char value[sizeof(RIG_SEED_VALUE)] = RIG_SEED_VALUE;
	const struct token *t;

	for (size_t i = 0; i < TP_COUNT(garbled); i++) {
		rig_put(&rig, RIG_SEED_USER, RIG_SEED_HANDLE, garbled[i], 86400);
		ck_assert_int_eq(find(&t), TP_DENIED);
	}
	/* A good one, changed in one place up to the token's closing quote. */
	for (size_t i = 0; i <= sizeof("{\"token\":\"" RIG_SEED_JWT) - 1; i++) {
		value[i] ^= 1;
		rig_put(&rig, RIG_SEED_USER, RIG_SEED_HANDLE, value, 86400);
		ck_assert_int_eq(find(&t), TP_DENIED);
		value[i] ^= 1;
	}
	rig.memory->next = STORE_MEMORY_NONSENSE;
	ck_assert_int_eq(find(&t), TP_DENIED);
}
END_TEST

START_TEST(an_outage_is_not_a_missing_session)
{
	static const enum rig_failure how[] = { RIG_DEAD, RIG_MUTE };
	TP_CLEANUP(secret_release) struct secret handle = { 0 };
	const struct token *t;
	struct tp_err err;
	int64_t n = 77;

	rig.store_retry_s = 3;
	for (size_t i = 0; i < TP_COUNT(how); i++) {
		rig_store_fail(&rig, how[i], 0);
		ck_assert_int_eq(session_find(&rig.a, USER, HANDLE, &t, &err), TP_UNAVAILABLE);
		ck_assert_str_eq(err.msg, "the store was told to fail");
		ck_assert_int_eq(err.retry_s, 3);
		err.retry_s = 0;
		ck_assert_int_eq(session_find_sid(&rig.a, USER, SPAN_LIT(SID), &handle, &t, &err),
				 TP_UNAVAILABLE);
		ck_assert_int_eq(err.retry_s, 3);
		ck_assert_int_eq(session_close(&rig.a, USER, HANDLE, &err), TP_UNAVAILABLE);
		ck_assert_int_eq(session_close_all(&rig.a, USER, &n, &err), TP_UNAVAILABLE);
		ck_assert_int_eq(n, 77);
	}
}
END_TEST

START_TEST(finds_a_session_by_its_sid_in_one_round_trip)
{
	struct session_minted m[3] = { 0 };
	TP_CLEANUP(buf_release) struct buf sid = BUF_INIT(SESSION_SID_LEN);
	TP_CLEANUP(secret_release) struct secret handle = { 0 };
	const struct token *t;

	for (size_t i = 0; i < TP_COUNT(m); i++)
		rig_login(&rig, "user_099", "user:read", &m[i]);
	session_sid(secret_view(&m[1].handle), &sid);
	ck_assert_int_eq(session_find_sid(&rig.a, USER, buf_view(&sid), &handle, &t, NULL), TP_OK);
	ck_assert(secret_eq(secret_view(&handle), secret_view(&m[1].handle)));
	ck_assert(span_eq(t->sid, buf_view(&sid)));
	ck_assert_int_eq(rig.round_trips, 1);
	for (size_t i = 0; i < TP_COUNT(m); i++)
		session_minted_release(&m[i]);
}
END_TEST

START_TEST(finds_no_session_by_a_sid_of_none)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };
	TP_CLEANUP(buf_release) struct buf sid = BUF_INIT(SESSION_SID_LEN);
	TP_CLEANUP(secret_release) struct secret handle = { 0 };
	const struct token *t;
	struct tp_err err;

	rig_login(&rig, "user_099", "user:read", &m);
	session_sid(secret_view(&m.handle), &sid);
	ck_assert_int_eq(session_find_sid(&rig.a, USER, SPAN_LIT(SID), &handle, &t, &err),
			 TP_NOT_FOUND);
	ck_assert_str_eq(err.msg, "there is no session with this sid");
	ck_assert_int_eq(session_find_sid(&rig.a, USER, SPAN_LIT(""), &handle, &t, &err),
			 TP_NOT_FOUND);
	ck_assert_int_eq(
		session_find_sid(&rig.a, SPAN_LIT("user_098"), buf_view(&sid), &handle, &t, &err),
		TP_NOT_FOUND);
	ck_assert_ptr_null(handle.p);
}
END_TEST

START_TEST(finds_nothing_and_says_so_without_memory)
{
	for (long n = 1;; n++) {
		TP_CLEANUP(secret_release) struct secret handle = { 0 };
		struct token_verifier *cold = rig.a.verifier;
		const struct token *t = NULL;
		enum tp_rc by_handle, by_sid;
		bool failed;

		/* A verifier that has not seen the token yet has the most to allocate. */
		ck_assert_int_eq(
			token_verifier_open(rig.a.keys, &rig.token_rules, &rig.a.verifier, NULL),
			TP_OK);
		rig_put(&rig, RIG_SEED_USER, RIG_SEED_HANDLE, "{\"token\": \"" RIG_SEED_JWT "\"}",
			86400);
		alloc_fail_at(n);
		by_handle = find(&t);
		failed = alloc_fail_off();
		ck_assert_int_eq(by_handle, failed ? TP_NOMEM : TP_OK);
		ck_assert_int_eq(t != NULL, by_handle == TP_OK);
		t = NULL;
		alloc_fail_at(n);
		by_sid = session_find_sid(&rig.a, USER, SPAN_LIT(SID), &handle, &t, NULL);
		failed |= alloc_fail_off();
		ck_assert(by_sid == TP_OK || by_sid == TP_NOMEM);
		ck_assert_int_eq(t != NULL, by_sid == TP_OK);
		ck_assert_int_eq(handle.p != NULL, by_sid == TP_OK);
		token_verifier_close(rig.a.verifier);
		rig.a.verifier = cold;
		if (!failed)
			break;
	}
}
END_TEST

/* ---- closing ---- */

START_TEST(closes_a_session_once)
{
	const struct token *t;

	rig_put(&rig, RIG_SEED_USER, RIG_SEED_HANDLE, RIG_SEED_VALUE, 86400);
	rig_put(&rig, RIG_SEED_USER, "another", RIG_SEED_VALUE, 86400);
	ck_assert_int_eq(session_close(&rig.a, USER, HANDLE, NULL), TP_OK);
	ck_assert_int_eq(find(&t), TP_NOT_FOUND);
	ck_assert_int_eq(session_close(&rig.a, USER, HANDLE, NULL), TP_NOT_FOUND);
	ck_assert_int_eq(session_find(&rig.a, USER, SPAN_LIT("another"), &t, NULL), TP_OK);
}
END_TEST

START_TEST(closes_all_sessions_of_one_user)
{
	TP_CLEANUP(session_minted_release) struct session_minted other = { 0 };
	const struct token *t;
	int64_t n = 77;

	rig_login(&rig, "user_098", "", &other);
	rig_put(&rig, RIG_SEED_USER, RIG_SEED_HANDLE, RIG_SEED_VALUE, 86400);
	rig_put(&rig, RIG_SEED_USER, "another", "garbled", 86400);
	ck_assert_int_eq(session_close_all(&rig.a, USER, &n, NULL), TP_OK);
	ck_assert_int_eq(n, 2);
	ck_assert_int_eq(find(&t), TP_NOT_FOUND);
	ck_assert_int_eq(session_close_all(&rig.a, USER, &n, NULL), TP_OK);
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(
		session_find(&rig.a, SPAN_LIT("user_098"), secret_view(&other.handle), &t, NULL),
		TP_OK);
}
END_TEST

static TCase *find_case(void)
{
	TCase *tc = tcase_create("find");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, finds_a_session_in_one_round_trip);
	tcase_add_test(tc, finds_a_session_that_the_original_wrote);
	tcase_add_test(tc, finds_a_session_that_pythons_json_wrote);
	tcase_add_test(tc, gives_the_stored_jwt_when_asked);
	tcase_add_test(tc, does_not_find_what_is_not_there);
	tcase_add_test(tc, keeps_what_the_store_says_along_with_a_no);
	tcase_add_loop_test(tc, does_not_ask_the_store_for_names_that_no_session_has, 0,
			    TP_COUNT(bad_keys));
	tcase_add_test(tc, ends_a_session_at_its_exp_by_the_second);
	tcase_add_test(tc, ends_a_session_at_a_session_max_that_was_lowered);
	tcase_add_loop_test(tc, serves_a_session_only_with_a_token_of_its_own, 0, TP_COUNT(stored));
	tcase_add_test(tc, never_serves_a_garbled_value);
	tcase_add_test(tc, an_outage_is_not_a_missing_session);
	tcase_add_test(tc, finds_a_session_by_its_sid_in_one_round_trip);
	tcase_add_test(tc, finds_no_session_by_a_sid_of_none);
	tcase_add_test(tc, finds_nothing_and_says_so_without_memory);
	return tc;
}

static TCase *close_case(void)
{
	TCase *tc = tcase_create("close");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, closes_a_session_once);
	tcase_add_test(tc, closes_all_sessions_of_one_user);
	return tc;
}

static Suite *session_suite(void)
{
	Suite *s = suite_create("session");

	suite_add_tcase(s, find_case());
	suite_add_tcase(s, close_case());
	return s;
}

int main(void)
{
	return check_run(session_suite());
}
