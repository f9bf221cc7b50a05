/* SPDX-License-Identifier: MIT */
/*
 * Claims of auth/access.h: which credential counts, which spellings of it there are, and that
 * nothing but a live session lets anybody in.
 */
#include "auth/access.h"

#include "auth/session.h"
#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/rig.h"

#include "base/banned.h"

#define USER   SPAN_LIT("user_099")
#define ABSENT ((struct span){ NULL, 0 })

static struct rig rig;
static struct session_minted session;
static struct tp_err err;

static void set_up(void)
{
	rig_open(&rig);
	rig_login(&rig, "user_099", "user:read user:write", &session);
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

static struct span jwt(void)
{
	return secret_view(&session.jwt);
}

/* The code of a check; what it gives is looked at here. */
static enum tp_rc check(struct span bearer, struct span user, struct span token)
{
	const struct credential c = { bearer, user, token };
	TP_CLEANUP(access_release) struct access x = { 0 };
	enum tp_rc rc = access_check(&rig.a, &c, &x, &err);

	ck_assert_int_eq(x.token != NULL, rc == TP_OK);
	ck_assert_int_eq(x.handle.p != NULL, rc == TP_OK);
	ck_assert(rc == TP_OK || err.rc == rc);
	return rc;
}

static enum tp_rc check_bearer(struct span bearer)
{
	return check(bearer, ABSENT, ABSENT);
}

static enum tp_rc check_cookies(struct span user, struct span token)
{
	return check(ABSENT, user, token);
}

/* ---- what counts ---- */

START_TEST(takes_the_two_cookies_of_a_session)
{
	const struct credential c = { .user_id = USER, .access_token = handle() };
	TP_CLEANUP(access_release) struct access x = { 0 };

	ck_assert_int_eq(access_check(&rig.a, &c, &x, NULL), TP_OK);
	ck_assert_int_eq(x.by, ACCESS_COOKIE);
	ck_assert(secret_eq(secret_view(&x.handle), handle()));
	ck_assert_ptr_ne(x.handle.p, session.handle.p);
	ck_assert(span_is(x.token->user_id, "user_099"));
	ck_assert_int_eq(rig.round_trips, 1);
}
END_TEST

START_TEST(takes_a_handle_and_user_as_bearer)
{
	TP_CLEANUP(buf_release) struct buf bearer = BUF_INIT(1024);
	TP_CLEANUP(access_release) struct access x = { 0 };
	struct credential c = { 0 };

	session_bearer(USER, handle(), &bearer);
	c.bearer = buf_view(&bearer);
	ck_assert_int_eq(access_check(&rig.a, &c, &x, NULL), TP_OK);
	ck_assert_int_eq(x.by, ACCESS_OPAQUE);
	ck_assert(secret_eq(secret_view(&x.handle), handle()));
	ck_assert(span_is(x.token->user_id, "user_099"));
	ck_assert_int_eq(rig.round_trips, 1);
}
END_TEST

START_TEST(takes_a_jwt_as_bearer)
{
	const struct credential c = { .bearer = jwt() };
	TP_CLEANUP(access_release) struct access x = { 0 };

	ck_assert_int_eq(access_check(&rig.a, &c, &x, NULL), TP_OK);
	ck_assert_int_eq(x.by, ACCESS_JWT);
	ck_assert(secret_eq(secret_view(&x.handle), handle()));
	ck_assert(span_is(x.token->user_id, "user_099"));
	ck_assert_int_eq(rig.round_trips, 1);
}
END_TEST

START_TEST(takes_the_original_session_by_cookies_and_by_bearer)
{
	rig_put(&rig, RIG_SEED_USER, RIG_SEED_HANDLE, RIG_SEED_VALUE, 86400);
	ck_assert_int_eq(check_cookies(USER, SPAN_LIT(RIG_SEED_HANDLE)), TP_OK);
	ck_assert_int_eq(check_bearer(SPAN_LIT(RIG_SEED_HANDLE ".dXNlcl8wOTk")), TP_OK);
}
END_TEST

START_TEST(lets_a_bearer_decide_alone)
{
	TP_CLEANUP(buf_release) struct buf bearer = BUF_INIT(1024);

	session_bearer(USER, handle(), &bearer);
	ck_assert_int_eq(check(buf_view(&bearer), SPAN_LIT("user_098"), SPAN_LIT("x")), TP_OK);
	ck_assert_int_eq(check(SPAN_LIT("x.dXNlcl8wOTk"), USER, handle()), TP_NOT_FOUND);
	ck_assert_int_eq(check(SPAN_LIT(""), USER, handle()), TP_DENIED);
}
END_TEST

static const struct {
	struct span user, token;
} halves[] = {
	{ { NULL, 0 }, { NULL, 0 } },  { { "user_099", 8 }, { NULL, 0 } },
	{ { NULL, 0 }, { "abc", 3 } }, { { "user_099", 8 }, { "", 0 } },
	{ { "", 0 }, { "abc", 3 } },   { { "", 0 }, { "", 0 } },
};

START_TEST(needs_both_cookies)
{
	ck_assert_int_eq(check_cookies(halves[_i].user, halves[_i].token), TP_NO_CREDENTIAL);
	ck_assert_int_eq(rig.round_trips, 0);
}
END_TEST

/* ---- what does not hold ---- */

static const struct {
	const char *bearer;
	enum tp_rc rc;
} bearers[] = {
	{ "", TP_DENIED },
	{ ".", TP_NOT_FOUND },
	{ "handle", TP_DENIED },
	{ "handle.", TP_NOT_FOUND },
	{ ".dXNlcl8wOTk", TP_NOT_FOUND },
	{ "handle.dXNlcl8wOTk", TP_NOT_FOUND },
	{ "handle.dXNlcl8wOTk=", TP_DENIED },
	{ "handle.dXNlcl8wOTl", TP_DENIED }, /* unused bits that are not zero */
	{ "handle.dXNlcl8w", TP_NOT_FOUND },
	{ "handle.dXNl cl8wOTk", TP_DENIED },
	{ "handle.user_099*", TP_DENIED },
	{ "handle.dHBhdXRoLXg", TP_NOT_FOUND }, /* tpauth-x */
	{ "a.b.c.d", TP_DENIED },
	{ "..", TP_DENIED },
	{ "...", TP_DENIED },
	{ "a.b.c", TP_DENIED },
	{ "eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoidXNlcl8wOTkifQ.", TP_DENIED },
};

START_TEST(refuses_other_spellings_of_a_bearer)
{
	ck_assert_int_eq(check_bearer(span_of(bearers[_i].bearer)), bearers[_i].rc);
}
END_TEST

START_TEST(refuses_a_bearer_of_any_length)
{
	TP_CLEANUP(buf_release) struct buf bearer = BUF_INIT(70000);

	for (int i = 0; i < 300; i++)
		buf_str(&bearer, "dXNlcl8wOTk");
	ck_assert_int_eq(check_bearer(buf_view(&bearer)), TP_DENIED);
	buf_str(&bearer, ".dXNlcl8wOTk");
	ck_assert_int_eq(check_bearer(buf_view(&bearer)), TP_NOT_FOUND);
	for (int i = 0; i < 300; i++)
		buf_str(&bearer, "dXNlcl8wOTk");
	ck_assert_int_eq(check_bearer(buf_view(&bearer)), TP_DENIED);
	buf_str(&bearer, ".");
	while (bearer.len < 66000)
		buf_char(&bearer, 'a');
	ck_assert_int_eq(check_bearer(buf_view(&bearer)), TP_DENIED);
	ck_assert_int_eq(rig.round_trips, 0);
}
END_TEST

START_TEST(refuses_every_other_byte_of_a_bearer)
{
	TP_CLEANUP(buf_release) struct buf bearer = BUF_INIT(LIMIT_JWT);

	for (int form = 0; form < 2; form++) {
		buf_reset(&bearer);
		if (form == 0)
			session_bearer(USER, handle(), &bearer);
		else
			buf_span(&bearer, jwt());
		ck_assert_int_eq(check_bearer(buf_view(&bearer)), TP_OK);
		for (size_t i = 0; i < bearer.len; i++) {
			bearer.p[i] ^= 1;
			ck_assert_int_ne(check_bearer(buf_view(&bearer)), TP_OK);
			bearer.p[i] ^= 1;
		}
	}
}
END_TEST

START_TEST(refuses_cookies_of_another_session)
{
	TP_CLEANUP(session_minted_release) struct session_minted other = { 0 };

	rig_login(&rig, "user_098", "", &other);
	ck_assert_int_eq(check_cookies(SPAN_LIT("user_098"), handle()), TP_NOT_FOUND);
	ck_assert_int_eq(check_cookies(USER, secret_view(&other.handle)), TP_NOT_FOUND);
	ck_assert_int_eq(check_cookies(SPAN_LIT("tpauth-x"), handle()), TP_NOT_FOUND);
	ck_assert_int_eq(check_cookies(USER, SPAN_LIT("a\0b")), TP_NOT_FOUND);
}
END_TEST

/* A logout ends a session in each of its spellings, the JWT among them. */
START_TEST(refuses_a_session_that_was_logged_out)
{
	TP_CLEANUP(buf_release) struct buf bearer = BUF_INIT(1024);

	session_bearer(USER, handle(), &bearer);
	ck_assert_int_eq(check_bearer(jwt()), TP_OK);
	ck_assert_int_eq(session_close(&rig.other, USER, handle(), NULL), TP_OK);
	ck_assert_int_eq(check_cookies(USER, handle()), TP_NOT_FOUND);
	ck_assert_int_eq(check_bearer(buf_view(&bearer)), TP_NOT_FOUND);
	ck_assert_int_eq(check_bearer(jwt()), TP_NOT_FOUND);
}
END_TEST

START_TEST(refuses_a_session_that_has_ended_leeway_or_not)
{
	rig.now = RIG_NOW + 86399;
	ck_assert_int_eq(check_bearer(jwt()), TP_OK);
	rig.now = RIG_NOW + 86400; /* the JWT still passes for 600 s, and finds nothing */
	ck_assert_int_eq(check_cookies(USER, handle()), TP_NOT_FOUND);
	ck_assert_int_eq(check_bearer(jwt()), TP_NOT_FOUND);
	rig.now = RIG_NOW + 87000;
	ck_assert_int_eq(check_bearer(jwt()), TP_EXPIRED);
}
END_TEST

/* A store that keeps a session beyond its end does not prolong it. */
START_TEST(refuses_a_stored_token_at_its_exp_where_a_presented_one_has_leeway)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);
	struct store_op put = { .verb = STORE_PUT,
				.key = { STORE_LOGIN, USER, handle() },
				.ttl_s = 100000 };

	session_value_put(jwt(), 86400, &value);
	put.value = buf_view(&value);
	ck_assert_int_eq(store_do(rig.other.store, &put, NULL), TP_OK);
	rig.now = RIG_NOW + 86400;
	ck_assert_int_eq(check_cookies(USER, handle()), TP_EXPIRED);
	ck_assert_int_eq(check_bearer(jwt()), TP_EXPIRED);
}
END_TEST

START_TEST(takes_a_jwt_within_leeway_while_its_session_slides_on)
{
	const struct credential c = { .bearer = jwt() };
	TP_CLEANUP(access_release) struct access x = { 0 };
	struct session_draft draft = { .claims = session.claims,
				       .handle = handle(),
				       .auth_time = RIG_NOW };
	TP_CLEANUP(session_minted_release) struct session_minted next = { 0 };
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);
	struct store_op put = { .verb = STORE_PUT,
				.key = { STORE_LOGIN, USER, handle() },
				.ttl_s = 86400 };
	struct scope_set scopes;

	rig.now = RIG_NOW + 80000;
	ck_assert_int_eq(scope_parse(SPAN_LIT("user:write"), &scopes, NULL), TP_OK);
	draft.scopes = &scopes;
	ck_assert_int_eq(session_mint(&rig.other, &draft, &next, NULL), TP_OK);
	session_value_put(secret_view(&next.jwt), 86400, &value);
	put.value = buf_view(&value);
	ck_assert_int_eq(store_do(rig.other.store, &put, NULL), TP_OK);
	rig.now = RIG_NOW + 86400 + 599;
	/* Who that is now, and what is allowed, is the stored token's word. */
	ck_assert_int_eq(access_check(&rig.a, &c, &x, NULL), TP_OK);
	ck_assert_int_eq(x.token->iat, RIG_NOW + 80000);
	ck_assert_uint_eq(jval_count(x.token->scopes), 1);
	rig.now++;
	ck_assert_int_eq(check_bearer(jwt()), TP_EXPIRED);
}
END_TEST

#define PRESENTED                                                                \
	"{\"user_id\":\"user_099\",\"iss\":\"prismaticain\",\"exp\":1800086400," \
	"\"token_type\":\"access\""

static const struct {
	const char *claims;
	enum tp_rc rc;
} presented[] = {
	{ PRESENTED "}", TP_DENIED },
	{ PRESENTED ",\"sid\":null}", TP_DENIED },
	{ PRESENTED ",\"sid\":\"\"}", TP_DENIED },
	{ PRESENTED ",\"sid\":\"short\"}", TP_DENIED },
	{ PRESENTED ",\"sid\":\"ml7fytHjDfPIcsEba7xwAN1a0m5SrVKBzch963pZ7Qo4\"}", TP_DENIED },
	{ PRESENTED ",\"sid\":\"" RIG_SEED_SID "\"}", TP_NOT_FOUND },
	{ "{\"user_id\":\"user_099\",\"iss\":\"other\",\"exp\":1800086400,"
	  "\"token_type\":\"access\",\"sid\":\"" RIG_SEED_SID "\"}",
	  TP_DENIED },
};

START_TEST(refuses_a_signed_jwt_that_names_no_live_session)
{
	TP_CLEANUP(buf_release) struct buf bearer = BUF_INIT(LIMIT_JWT);

	rig_sign(&rig, presented[_i].claims, &bearer);
	ck_assert_int_eq(check_bearer(buf_view(&bearer)), presented[_i].rc);
}
END_TEST

START_TEST(refuses_the_jwt_of_an_original_session_which_names_none)
{
	rig_put(&rig, RIG_SEED_USER, RIG_SEED_HANDLE, RIG_SEED_VALUE, 86400);
	ck_assert_int_eq(check_bearer(SPAN_LIT(RIG_SEED_JWT)), TP_DENIED);
}
END_TEST

START_TEST(a_jwt_of_one_user_does_not_open_anothers_session)
{
	TP_CLEANUP(buf_release) struct buf sid = BUF_INIT(SESSION_SID_LEN);
	TP_CLEANUP(buf_release) struct buf bearer = BUF_INIT(LIMIT_JWT);
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(1024);

	session_sid(handle(), &sid);
	buf_printf(&json,
		   "{\"user_id\":\"user_098\",\"iss\":\"prismaticain\",\"exp\":1800086400,"
		   "\"token_type\":\"access\",\"sid\":\"%s\"}",
		   buf_cstr(&sid));
	rig_sign(&rig, buf_cstr(&json), &bearer);
	ck_assert_int_eq(check_bearer(buf_view(&bearer)), TP_NOT_FOUND);
}
END_TEST

/* ---- trouble ---- */

START_TEST(an_outage_is_no_refusal)
{
	enum rig_failure how = _i == 0 ? RIG_DEAD : RIG_MUTE;
	TP_CLEANUP(buf_release) struct buf bearer = BUF_INIT(1024);

	session_bearer(USER, handle(), &bearer);
	rig_store_fail(&rig, how, 0);
	ck_assert_int_eq(check_cookies(USER, handle()), TP_UNAVAILABLE);
	ck_assert_int_eq(check_bearer(buf_view(&bearer)), TP_UNAVAILABLE);
	ck_assert_int_eq(check_bearer(jwt()), TP_UNAVAILABLE);
}
END_TEST

START_TEST(lets_nobody_in_without_memory)
{
	TP_CLEANUP(buf_release) struct buf bearer = BUF_INIT(1024);
	struct credential forms[3] = { { .user_id = USER, .access_token = handle() } };

	session_bearer(USER, handle(), &bearer);
	forms[1].bearer = buf_view(&bearer);
	forms[2].bearer = jwt();
	for (size_t form = 0; form < TP_COUNT(forms); form++) {
		for (long n = 1;; n++) {
			TP_CLEANUP(access_release) struct access x = { 0 };
			struct token_verifier *warm = rig.a.verifier;
			enum tp_rc rc;
			bool failed;

			ck_assert_int_eq(token_verifier_open(rig.a.keys, &rig.token_rules,
							     &rig.a.verifier, NULL),
					 TP_OK);
			alloc_fail_at(n);
			rc = access_check(&rig.a, &forms[form], &x, &err);
			failed = alloc_fail_off();
			ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
			ck_assert_int_eq(x.handle.p != NULL, rc == TP_OK);
			token_verifier_close(rig.a.verifier);
			rig.a.verifier = warm;
			if (!failed)
				break;
		}
	}
}
END_TEST

/* ---- scopes ---- */

static const struct {
	const char *needed;
	enum tp_rc rc;
} needs[] = {
	{ "", TP_OK },
	{ "user:read", TP_OK },
	{ "user:write user:read", TP_OK },
	{ "admin", TP_FORBIDDEN },
	{ "user:read admin", TP_FORBIDDEN },
	{ "user", TP_FORBIDDEN },
};

START_TEST(requires_all_of_the_scopes)
{
	const struct credential c = { .user_id = USER, .access_token = handle() };
	TP_CLEANUP(access_release) struct access x = { 0 };
	struct scope_set needed;

	ck_assert_int_eq(scope_parse(span_of(needs[_i].needed), &needed, NULL), TP_OK);
	ck_assert_int_eq(access_check(&rig.a, &c, &x, NULL), TP_OK);
	ck_assert_int_eq(access_require(&x, &needed, &err), needs[_i].rc);
	if (needs[_i].rc != TP_OK)
		ck_assert_str_eq(err.msg, "the session lacks a scope that is needed here");
}
END_TEST

START_TEST(a_session_without_scopes_has_none)
{
	const struct credential c = { .user_id = USER, .access_token = SPAN_LIT("h") };
	TP_CLEANUP(access_release) struct access x = { 0 };
	struct scope_set needed;

	rig_put_signed(&rig, "user_099", "h", PRESENTED "}", 86400);
	ck_assert_int_eq(access_check(&rig.a, &c, &x, NULL), TP_OK);
	ck_assert_int_eq(scope_parse(SPAN_LIT("user:read"), &needed, NULL), TP_OK);
	ck_assert_int_eq(access_require(&x, &needed, NULL), TP_FORBIDDEN);
	needed.n = 0;
	ck_assert_int_eq(access_require(&x, &needed, NULL), TP_OK);
}
END_TEST

static TCase *credential_case(void)
{
	TCase *tc = tcase_create("credential");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, takes_the_two_cookies_of_a_session);
	tcase_add_test(tc, takes_a_handle_and_user_as_bearer);
	tcase_add_test(tc, takes_a_jwt_as_bearer);
	tcase_add_test(tc, takes_the_original_session_by_cookies_and_by_bearer);
	tcase_add_test(tc, lets_a_bearer_decide_alone);
	tcase_add_loop_test(tc, needs_both_cookies, 0, TP_COUNT(halves));
	tcase_add_loop_test(tc, refuses_other_spellings_of_a_bearer, 0, TP_COUNT(bearers));
	tcase_add_test(tc, refuses_a_bearer_of_any_length);
	tcase_add_test(tc, refuses_every_other_byte_of_a_bearer);
	tcase_add_test(tc, refuses_cookies_of_another_session);
	return tc;
}

static TCase *session_case(void)
{
	TCase *tc = tcase_create("session");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, refuses_a_session_that_was_logged_out);
	tcase_add_test(tc, refuses_a_session_that_has_ended_leeway_or_not);
	tcase_add_test(tc, refuses_a_stored_token_at_its_exp_where_a_presented_one_has_leeway);
	tcase_add_test(tc, takes_a_jwt_within_leeway_while_its_session_slides_on);
	tcase_add_loop_test(tc, refuses_a_signed_jwt_that_names_no_live_session, 0,
			    TP_COUNT(presented));
	tcase_add_test(tc, refuses_the_jwt_of_an_original_session_which_names_none);
	tcase_add_test(tc, a_jwt_of_one_user_does_not_open_anothers_session);
	tcase_add_loop_test(tc, an_outage_is_no_refusal, 0, 2);
	tcase_add_test(tc, lets_nobody_in_without_memory);
	return tc;
}

static TCase *scope_case(void)
{
	TCase *tc = tcase_create("scopes");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, requires_all_of_the_scopes, 0, TP_COUNT(needs));
	tcase_add_test(tc, a_session_without_scopes_has_none);
	return tc;
}

static Suite *access_suite(void)
{
	Suite *s = suite_create("access");

	suite_add_tcase(s, credential_case());
	suite_add_tcase(s, session_case());
	suite_add_tcase(s, scope_case());
	return s;
}

int main(void)
{
	return check_run(access_suite());
}
