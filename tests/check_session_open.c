/* SPDX-License-Identifier: MIT */
/*
 * Claims of auth/session.h about sessions that are made: what goes into the JWT and into the store,
 * what a handler cannot set, and that half a login is none.
 */
#include "auth/session.h"

#include "auth/throttle.h"
#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/rig.h"

#include "base/banned.h"

#define USER SPAN_LIT("user_099")

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

static int64_t ttl_of(enum store_space space, struct span handle)
{
	struct store_op ttl = { .verb = STORE_TTL, .key = { space, USER, handle } };

	return store_do(rig.other.store, &ttl, NULL) == TP_OK ? ttl.ret_n : 0;
}

/* ---- what is made ---- */

START_TEST(adds_its_own_claims_after_the_handlers)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };
	TP_CLEANUP(buf_release) struct buf sid = BUF_INIT(SESSION_SID_LEN);
	TP_CLEANUP(buf_release) struct buf want = BUF_INIT(1024);
	TP_CLEANUP(buf_release) struct buf got = BUF_INIT(1024);

	claims_are("{\"iss\":\"evil\",\"iat\":1,\"exp\":9999999999,\"user_id\":\"user_099\","
		   "\"scopes\":[\"all\"],\"nbf\":9999999999,\"token_type\":\"refresh\","
		   "\"sid\":\"evil\",\"auth_time\":1,\"ip\":\"evil\",\"agent\":\"evil\","
		   "\"email\":null,\"dept\":{\"no\":[7,true]}}");
	login.ip = SPAN_LIT("192.0.2.1");
	login.agent = SPAN_LIT("curl/7.88.1");
	ck_assert_int_eq(session_open(&rig.a, &login, &m, NULL), TP_OK);
	session_sid(secret_view(&m.handle), &sid);
	buf_printf(&want,
		   "{\"user_id\":\"user_099\",\"scopes\":[\"user:read\"],\"email\":null,"
		   "\"dept\":{\"no\":[7,true]},\"iss\":\"prismaticain\",\"iat\":1800000000,"
		   "\"exp\":1800086400,\"token_type\":\"access\",\"sid\":\"%s\","
		   "\"auth_time\":1800000000,\"ip\":\"192.0.2.1\",\"agent\":\"curl/7.88.1\"}",
		   buf_cstr(&sid));
	jval_write(m.claims, &got);
	ck_assert_str_eq(buf_cstr(&got), buf_cstr(&want));
	ck_assert_int_eq(m.expires_in_s, 86400);
	ck_assert_ptr_ne(m.claims, claims);
}
END_TEST

START_TEST(leaves_out_what_the_client_did_not_say)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };

	login.ip = SPAN_LIT("");
	ck_assert_int_eq(session_open(&rig.a, &login, &m, NULL), TP_OK);
	ck_assert(!jval_has(m.claims, "ip"));
	ck_assert(!jval_has(m.claims, "agent"));
}
END_TEST

START_TEST(grants_no_scope_as_an_empty_list)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };

	granted.n = 0;
	claims_are("{\"user_id\":\"user_099\"}");
	ck_assert_int_eq(session_open(&rig.a, &login, &m, NULL), TP_OK);
	ck_assert_int_eq(jval_type(jval_get(m.claims, "scopes")), JVAL_ARRAY);
	ck_assert_uint_eq(jval_count(jval_get(m.claims, "scopes")), 0);
}
END_TEST

#define A10  "aaaaaaaaaa"
#define A120 A10 A10 A10 A10 A10 A10 A10 A10 A10 A10 A10 A10

static const struct {
	const char *agent, *claim;
} agents[] = {
	{ "Mozilla/5.0 (X11)", "Mozilla/5.0 (X11)" },
	{ "Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "Gr\xc3\xbc\xc3\x9f \xe2\x82\xac "
							      "\xf0\x9f\x98\x80" },
	{ "a\tb\r\nc\x7f", "a?b??c?" },
	{ "a\xff\xc3(b\xe2\x82", "a?\?(b?\?" },
	{ "\xed\xa0\x80", "???" },
	{ A120 "12345678", A120 "12345678" },
	{ A120 "123456789", A120 "12345678" },
	{ A120 "1234567\xc3\xbc", A120 "1234567" },
	{ A120 "123456\xc3\xbc", A120 "123456\xc3\xbc" },
	{ A120 "12345\xf0\x9f\x98\x80", A120 "12345" },
	{ A120 "1234567\xff\xff", A120 "1234567?" },
};

START_TEST(makes_the_user_agent_fit_for_a_claim)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };
	struct span s;

	login.agent = login.ip = span_of(agents[_i].agent);
	ck_assert_int_eq(session_open(&rig.a, &login, &m, NULL), TP_OK);
	ck_assert(jval_str(jval_get(m.claims, "agent"), &s));
	ck_assert(span_is(s, agents[_i].claim));
	ck_assert(jval_str(jval_get(m.claims, "ip"), &s));
	ck_assert(span_is(s, agents[_i].claim));
}
END_TEST

START_TEST(makes_handles_of_43_characters_that_do_not_repeat)
{
	TP_CLEANUP(buf_release) struct buf a = BUF_INIT(LIMIT_HANDLE);
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(LIMIT_HANDLE);

	open_one(&a);
	open_one(&b);
	ck_assert_uint_eq(a.len, 43);
	ck_assert_uint_eq(strspn(a.p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-_"),
			  43);
	ck_assert_str_ne(a.p, b.p);
}
END_TEST

START_TEST(writes_the_session_and_its_window_in_one_round_trip)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };
	TP_CLEANUP(buf_release) struct buf want = BUF_INIT(LIMIT_STORE_VALUE);
	TP_CLEANUP(buf_release) struct buf got = BUF_INIT(LIMIT_STORE_VALUE);
	struct store_op window = { .verb = STORE_GET, .ret = &got };

	ck_assert_int_eq(session_open(&rig.a, &login, &m, NULL), TP_OK);
	ck_assert_int_eq(rig.round_trips, 1);
	session_value_put(secret_view(&m.jwt), 86400, &want);
	ck_assert(rig_get(&rig, "user_099", secret_view(&m.handle), &got));
	ck_assert_str_eq(buf_cstr(&got), buf_cstr(&want));
	ck_assert_int_eq(ttl_of(STORE_LOGIN, secret_view(&m.handle)), 86400);
	window.key = (struct store_key){ STORE_RESTRICT, USER, secret_view(&m.handle) };
	buf_reset(&got);
	ck_assert_int_eq(store_do(rig.other.store, &window, NULL), TP_OK);
	ck_assert_str_eq(buf_cstr(&got), "restricted");
	ck_assert_int_eq(ttl_of(STORE_RESTRICT, secret_view(&m.handle)), 120);
}
END_TEST

START_TEST(opens_no_window_where_there_is_none)
{
	TP_CLEANUP(buf_release) struct buf handle = BUF_INIT(LIMIT_HANDLE);

	rig.rules.restrict_s = 0;
	open_one(&handle);
	ck_assert_uint_eq(store_memory_count(rig.memory, STORE_RESTRICT), 0);
}
END_TEST

START_TEST(ends_at_session_max_when_that_comes_first)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };
	const struct token *t;

	rig.rules.session_max_s = 3600;
	ck_assert_int_eq(session_open(&rig.a, &login, &m, NULL), TP_OK);
	ck_assert_int_eq(m.expires_in_s, 3600);
	ck_assert_int_eq(ttl_of(STORE_LOGIN, secret_view(&m.handle)), 3600);
	ck_assert_int_eq(session_find(&rig.a, USER, secret_view(&m.handle), &t, NULL), TP_OK);
	ck_assert_int_eq(t->exp, RIG_NOW + 3600);
}
END_TEST

START_TEST(takes_the_attempt_back_in_the_same_round_trip)
{
	TP_CLEANUP(buf_release) struct buf handle = BUF_INIT(LIMIT_HANDLE);
	struct throttle t;

	throttle_init(&t, USER, SPAN_LIT("192.0.2.1"));
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(throttle_enter(&rig.a, &t, NULL), TP_OK);
	ck_assert_int_eq(throttle_enter(&rig.a, &t, NULL), TP_THROTTLED);
	rig.round_trips = 0;
	login.throttle = &t;
	open_one(&handle);
	ck_assert_int_eq(rig.round_trips, 1);
	ck_assert_int_eq(throttle_enter(&rig.a, &t, NULL), TP_OK);
}
END_TEST

START_TEST(ends_the_session_that_the_login_replaces)
{
	TP_CLEANUP(session_minted_release) struct session_minted old = { 0 };
	TP_CLEANUP(buf_release) struct buf handle = BUF_INIT(LIMIT_HANDLE);

	rig_login(&rig, "user_098", "", &old);
	login.replaced_user = SPAN_LIT("user_098");
	login.replaced_handle = secret_view(&old.handle);
	open_one(&handle);
	ck_assert(!is_there("user_098", secret_view(&old.handle)));
	ck_assert(is_there("user_099", buf_view(&handle)));
	ck_assert_int_eq(rig.round_trips, 1);
	open_one(&handle); /* gone already */
	ck_assert(is_there("user_099", buf_view(&handle)));
}
END_TEST

static const struct {
	struct span user, handle;
} no_session[] = {
	{ { "user_098", 8 }, { "", 0 } },    { { "user_098", 8 }, { "a\0b", 3 } },
	{ { "", 0 }, { "abc", 3 } },	     { { NULL, 0 }, { "abc", 3 } },
	{ { "tpauth-x", 8 }, { "abc", 3 } },
};

START_TEST(lets_a_login_pass_whose_cookies_are_no_session)
{
	TP_CLEANUP(buf_release) struct buf handle = BUF_INIT(LIMIT_HANDLE);

	login.replaced_user = no_session[_i].user;
	login.replaced_handle = no_session[_i].handle;
	open_one(&handle);
	ck_assert(is_there("user_099", buf_view(&handle)));
	ck_assert_int_eq(rig.round_trips, 1);
}
END_TEST

/* ---- what is refused ---- */

static char big[LIMIT_JWT];

static const struct {
	const char *claims, *msg;
} unfit[] = {
	{ "{}", "the token handler's user_id is missing or not allowed" },
	{ "{\"user_id\":null}", "the token handler's user_id is missing or not allowed" },
	{ "{\"user_id\":99}", "the token handler's user_id is missing or not allowed" },
	{ "{\"user_id\":\"\"}", "the token handler's user_id is missing or not allowed" },
	{ "{\"user_id\":\"tpauth-x\"}", "the token handler's user_id is missing or not allowed" },
	{ "{\"user_id\":\"a\\nb\"}", "the token handler's user_id is missing or not allowed" },
	{ "{\"user_id\":\"u\",\"username\":1}",
	  "the claims do not make a valid token: username, email, sid, ip or agent is no string" },
	{ "{\"user_id\":\"u\",\"email\":[]}",
	  "the claims do not make a valid token: username, email, sid, ip or agent is no string" },
	{ "{\"user_id\":\"u\",\"aud\":\"x\"}",
	  "the claims do not make a valid token: it is for another audience" },
	{ big, "the claims make a JWT that is larger than 8192 bytes" },
};

START_TEST(opens_nothing_with_claims_that_a_token_may_not_hold)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(sizeof(big) - 1);
	struct tp_err err;

	buf_str(&json, "{\"user_id\":\"u\",\"x\":\"");
	while (json.len < 6500)
		buf_char(&json, 'x');
	buf_str(&json, "\"}");
	memcpy(big, json.p, json.len + 1);
	claims_are(unfit[_i].claims);
	ck_assert_int_eq(session_open(&rig.a, &login, &m, &err), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, unfit[_i].msg);
	ck_assert_ptr_null(m.claims);
	ck_assert_int_eq(rig.round_trips, 0);
}
END_TEST

START_TEST(opens_nothing_with_claims_that_are_no_strict_json)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };
	struct tp_err err;

	ck_assert_int_eq(jval_set_str(claims, "x", SPAN_LIT("\xff"), NULL), TP_OK);
	ck_assert_int_eq(session_open(&rig.a, &login, &m, &err), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg,
			 "the claims do not make a valid token: the claims are no object of "
			 "strict JSON");
	ck_assert_int_eq(rig.round_trips, 0);
}
END_TEST

START_TEST(limits_a_jwt_more_where_clients_carry_it)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };
	TP_CLEANUP(session_minted_release) struct session_minted none = { 0 };
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(LIMIT_JWT);
	struct tp_err err;

	buf_str(&json, "{\"user_id\":\"u\",\"x\":\"");
	while (json.len < 4600)
		buf_char(&json, 'x');
	buf_str(&json, "\"}");
	claims_are(buf_cstr(&json));
	ck_assert_int_eq(session_open(&rig.a, &login, &m, NULL), TP_OK);
	rig.rules.bearer_is_jwt = true;
	ck_assert_int_eq(session_open(&rig.a, &login, &none, &err), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the claims make a JWT that is larger than 6144 bytes");
}
END_TEST

START_TEST(mints_nothing_beyond_session_max)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };
	struct session_draft draft = { .claims = claims,
				       .scopes = &granted,
				       .handle = SPAN_LIT("h"),
				       .auth_time = RIG_NOW - 3600 };

	rig.rules.session_max_s = 3600;
	ck_assert_int_eq(session_mint(&rig.a, &draft, &m, NULL), TP_EXPIRED);
	ck_assert_ptr_null(m.claims);
	rig.rules.session_max_s = 3601;
	ck_assert_int_eq(session_mint(&rig.a, &draft, &m, NULL), TP_OK);
	ck_assert_int_eq(m.expires_in_s, 1);
	ck_assert(span_is(secret_view(&m.handle), "h"));
}
END_TEST

static const char expired[] = "{\"user_id\":\"user_099\",\"iss\":\"prismaticain\","
			      "\"exp\":1800000000,\"token_type\":\"access\"}";

START_TEST(opens_nothing_when_the_store_does_not_take_it)
{
	static const enum rig_failure how[] = { RIG_DEAD, RIG_MUTE };

	for (size_t i = 0; i < TP_COUNT(how); i++) {
		TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };

		rig_store_fail(&rig, how[i], 1);
		ck_assert_int_eq(session_open(&rig.a, &login, &m, NULL), TP_UNAVAILABLE);
		ck_assert_ptr_null(m.claims);
		ck_assert_ptr_null(m.handle.p);
		ck_assert_ptr_null(m.jwt.p);
	}
}
END_TEST

START_TEST(opens_nothing_without_memory)
{
	struct throttle t;

	throttle_init(&t, USER, SPAN_LIT("192.0.2.1"));
	login.throttle = &t;
	login.ip = login.agent = SPAN_LIT("192.0.2.1");
	rig.rules.sessions_per_user = 1;
	rig.memory->keeps_ended = true;
	for (long n = 1;; n++) {
		TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };
		struct tp_err err;
		int64_t ended;
		enum tp_rc rc;

		ck_assert_int_eq(session_close_all(&rig.a, USER, &ended, NULL), TP_OK);
		rig_put_signed(&rig, "user_099", "over", expired, 86400);
		rig_put(&rig, "user_099", "other", RIG_SEED_VALUE, 86400);
		alloc_fail_at(n);
		rc = session_open(&rig.a, &login, &m, &err);
		if (!alloc_fail_off()) {
			ck_assert_int_eq(rc, TP_OK);
			break;
		}
		/* Sweeping, and keeping a verified token, may do without. */
		ck_assert(rc == TP_NOMEM || rc == TP_UNAVAILABLE || rc == TP_OK);
		ck_assert_int_eq(m.handle.p != NULL, rc == TP_OK);
		if (rc == TP_OK)
			ck_assert(is_there("user_099", secret_view(&m.handle)));
	}
}
END_TEST

static TCase *made_case(void)
{
	TCase *tc = tcase_create("made");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, adds_its_own_claims_after_the_handlers);
	tcase_add_test(tc, leaves_out_what_the_client_did_not_say);
	tcase_add_test(tc, grants_no_scope_as_an_empty_list);
	tcase_add_loop_test(tc, makes_the_user_agent_fit_for_a_claim, 0, TP_COUNT(agents));
	tcase_add_test(tc, makes_handles_of_43_characters_that_do_not_repeat);
	tcase_add_test(tc, writes_the_session_and_its_window_in_one_round_trip);
	tcase_add_test(tc, opens_no_window_where_there_is_none);
	tcase_add_test(tc, ends_at_session_max_when_that_comes_first);
	tcase_add_test(tc, takes_the_attempt_back_in_the_same_round_trip);
	tcase_add_test(tc, ends_the_session_that_the_login_replaces);
	tcase_add_loop_test(tc, lets_a_login_pass_whose_cookies_are_no_session, 0,
			    TP_COUNT(no_session));
	return tc;
}

static TCase *refused_case(void)
{
	TCase *tc = tcase_create("refused");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, opens_nothing_with_claims_that_a_token_may_not_hold, 0,
			    TP_COUNT(unfit));
	tcase_add_test(tc, opens_nothing_with_claims_that_are_no_strict_json);
	tcase_add_test(tc, limits_a_jwt_more_where_clients_carry_it);
	tcase_add_test(tc, mints_nothing_beyond_session_max);
	tcase_add_test(tc, opens_nothing_when_the_store_does_not_take_it);
	tcase_add_test(tc, opens_nothing_without_memory);
	return tc;
}

static Suite *session_open_suite(void)
{
	Suite *s = suite_create("session_open");

	suite_add_tcase(s, made_case());
	suite_add_tcase(s, refused_case());
	return s;
}

int main(void)
{
	return check_run(session_open_suite());
}
