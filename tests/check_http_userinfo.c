/* SPDX-License-Identifier: MIT */
/*
 * What a session gets to see of itself, by every way to show one; that nothing else gets to see
 * anything; and the health of the service.
 */
#include "support/check_run.h"
#include "support/http_rig.h"

#include <stdio.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

#define CLAIMS                                                                         \
	"{\"user_id\":\"user_099\",\"username\":\"Admin\",\"scopes\":[\"user:read\"]," \
	"\"iss\":\"prismaticain\",\"iat\":1800000000,\"exp\":1800086400,"              \
	"\"token_type\":\"access\"}"

static struct http_rig h;
static struct session_minted m; /* a session of user_099 with user:read */

static void open_rig(void)
{
	http_rig_open(&h);
	rig_login(&h.rig, "user_099", "user:read", &m);
}

static void release_rig(void)
{
	session_minted_release(&m);
	http_rig_release(&h);
}

static struct span handle(void)
{
	return secret_view(&m.handle);
}

static struct span opaque_bearer(void)
{
	static char text[1024];
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(1000);

	session_bearer(SPAN_LIT("user_099"), handle(), &b);
	snprintf(text, sizeof(text), "%s", buf_cstr(&b));
	return span_of(text);
}

static void ck_claims(const char *const *env)
{
	ck_assert_str_eq(http_ask(&h, "GET", "/userinfo", NULL, env),
			 http_want("200 OK", "", CLAIMS));
}

static const char *not_authenticated(void)
{
	return http_want("401 Unauthorized", "WWW-Authenticate: Bearer\r\n",
			 "{\"detail\":\"Not authenticated\"}");
}

static const char *invalid_token(void)
{
	return http_want_error("401 Unauthorized",
			       "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n",
			       "invalid_token", "Could not validate credentials");
}

START_TEST(cookies_show_the_claims)
{
	char quoted[256];

	ck_claims(ENV(http_cookies("user_099", handle())));
	snprintf(quoted, sizeof(quoted), "HTTP_COOKIE=user_id=\"user_099\"; access_token=\"%.*s\"",
		 (int)handle().len, handle().p);
	ck_claims(ENV(quoted));
}
END_TEST

START_TEST(either_bearer_shows_the_claims_whatever_the_format)
{
	for (int jwt = 0; jwt < 2; jwt++) {
		h.rig.rules.bearer_is_jwt = jwt != 0;
		ck_claims(ENV(http_bearer(opaque_bearer())));
		ck_claims(ENV(http_bearer(secret_view(&m.jwt))));
	}
}
END_TEST

START_TEST(apaches_rewritten_header_is_one_as_well)
{
	char pair[1024];

	snprintf(pair, sizeof(pair), "REDIRECT_HTTP_AUTHORIZATION=Bearer %s", opaque_bearer().p);
	ck_claims(ENV(pair));
	ck_claims(ENV(pair, "HTTP_AUTHORIZATION="));
	ck_claims(ENV(http_bearer(opaque_bearer()), "REDIRECT_HTTP_AUTHORIZATION="));
}
END_TEST

START_TEST(head_tells_the_length_of_the_claims)
{
	char want[512];

	snprintf(want, sizeof(want),
		 "Status: 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
		 "Vary: Origin\r\nX-Request-ID: req-1\r\nContent-Length: %zu\r\n\r\n",
		 strlen(CLAIMS));
	ck_assert_str_eq(
		http_ask(&h, "HEAD", "/userinfo", NULL, ENV(http_cookies("user_099", handle()))),
		want);
}
END_TEST

START_TEST(post_is_answered_too_but_not_for_a_foreign_page_with_cookies)
{
	const char *cookies = http_cookies("user_099", handle());
	const char *bearer = http_bearer(opaque_bearer());

	ck_assert_str_eq(http_ask(&h, "POST", "/userinfo", "", ENV(cookies)),
			 http_want("200 OK", "", CLAIMS));
	ck_assert_str_eq(http_ask(&h, "POST", "/userinfo", "",
				  ENV(cookies, "HTTP_ORIGIN=https://evil.example")),
			 http_want_error("403 Forbidden", "", "access_denied",
					 "Requests from this origin are not accepted"));
	ck_assert(http_logged(&h, "event=access.refused request_id=req-1 method=POST "
				  "path=/userinfo status=403 user=user_099 session="));
	ck_assert_str_eq(http_ask(&h, "POST", "/userinfo", "",
				  ENV(bearer, "HTTP_ORIGIN=https://evil.example")),
			 http_want("200 OK", "", CLAIMS));
	ck_claims(ENV(cookies, "HTTP_ORIGIN=https://evil.example"));
}
END_TEST

static const char *const nothing[] = {
	"X=",
	"HTTP_COOKIE=user_id=user_099",
	"HTTP_COOKIE=access_token=abc",
	"HTTP_COOKIE=user_id=\"\"; access_token=\"\"",
	"HTTP_COOKIE=other=1",
	"HTTP_AUTHORIZATION=Basic YTpi",
	"HTTP_AUTHORIZATION=",
};

START_TEST(without_a_credential_nobody_is_authenticated)
{
	ck_assert_str_eq(http_ask(&h, "GET", "/userinfo", NULL, ENV(nothing[_i])),
			 not_authenticated());
	ck_assert_int_eq(h.rig.round_trips, 0);
}
END_TEST

static const char *const worthless[] = {
	"HTTP_COOKIE=user_id=user_099; access_token=unknown",
	"HTTP_COOKIE=user_id=nobody; access_token=unknown",
	"HTTP_AUTHORIZATION=Bearer unknown",
	"HTTP_AUTHORIZATION=Bearer a.b",
	"HTTP_AUTHORIZATION=Bearer a.b.c",
	"HTTP_AUTHORIZATION=Bearer a.b.c.d",
	"HTTP_AUTHORIZATION=Bearer a b",
	"HTTP_AUTHORIZATION=Bearer",
};

START_TEST(a_credential_that_does_not_hold_is_invalid)
{
	ck_assert_str_eq(http_ask(&h, "GET", "/userinfo", NULL, ENV(worthless[_i])),
			 invalid_token());
}
END_TEST

START_TEST(another_users_cookie_does_not_hold)
{
	ck_assert_str_eq(
		http_ask(&h, "GET", "/userinfo", NULL, ENV(http_cookies("user_1", handle()))),
		invalid_token());
}
END_TEST

START_TEST(a_bearer_alone_decides)
{
	const char *cookies = http_cookies("user_099", handle());

	ck_assert_str_eq(http_ask(&h, "GET", "/userinfo", NULL,
				  ENV("HTTP_AUTHORIZATION=Bearer unknown", cookies)),
			 invalid_token());
	ck_claims(ENV("HTTP_AUTHORIZATION=Basic YTpi", cookies));
	ck_claims(ENV(http_bearer(opaque_bearer()),
		      "HTTP_COOKIE=user_id=a; user_id=b; access_token=c"));
}
END_TEST

START_TEST(a_session_ends_by_the_second)
{
	const char *cookies = http_cookies("user_099", handle());

	h.rig.now += 86399;
	ck_claims(ENV(cookies));
	h.rig.now++;
	ck_assert_str_eq(http_ask(&h, "GET", "/userinfo", NULL, ENV(cookies)), invalid_token());
	ck_assert_str_eq(
		http_ask(&h, "GET", "/userinfo", NULL, ENV(http_bearer(secret_view(&m.jwt)))),
		invalid_token());
}
END_TEST

START_TEST(a_session_that_was_ended_does_not_hold)
{
	struct tp_err err;

	ck_claims(ENV(http_cookies("user_099", handle())));
	ck_assert_int_eq(session_close(&h.rig.other, SPAN_LIT("user_099"), handle(), &err), TP_OK);
	ck_assert_str_eq(
		http_ask(&h, "GET", "/userinfo", NULL, ENV(http_cookies("user_099", handle()))),
		invalid_token());
	ck_assert_str_eq(http_ask(&h, "GET", "/userinfo", NULL, ENV(http_bearer(opaque_bearer()))),
			 invalid_token());
	ck_assert_str_eq(
		http_ask(&h, "GET", "/userinfo", NULL, ENV(http_bearer(secret_view(&m.jwt)))),
		invalid_token());
}
END_TEST

START_TEST(a_store_that_does_not_answer_is_never_a_401_or_a_200)
{
	static const enum rig_failure failures[] = { RIG_DEAD, RIG_MUTE };
	char credentials[3][LIMIT_JWT];

	snprintf(credentials[0], LIMIT_JWT, "%s", http_cookies("user_099", handle()));
	snprintf(credentials[1], LIMIT_JWT, "%s", http_bearer(opaque_bearer()));
	snprintf(credentials[2], LIMIT_JWT, "%s", http_bearer(secret_view(&m.jwt)));
	for (size_t i = 0; i < TP_COUNT(failures); i++) {
		rig_store_fail(&h.rig, failures[i], 0);
		for (size_t k = 0; k < TP_COUNT(credentials); k++)
			ck_assert_str_eq(
				http_ask(&h, "GET", "/userinfo", NULL, ENV(credentials[k])),
				http_want_error("503 Service Unavailable", "Retry-After: 5\r\n",
						"temporarily_unavailable",
						"The service is temporarily unavailable"));
	}
	ck_assert(http_logged(&h, "level=error event=request.failed request_id=req-1 method=GET "
				  "path=/userinfo status=503 remote=192.0.2.1 reason=\"the store "
				  "was told to fail\"\n"));
}
END_TEST

START_TEST(nonsense_in_the_store_is_no_session)
{
	rig_put(&h.rig, "user_099", "nonsense", "{\"token\":\"x.y.z\",\"expire\":1440}", 100);
	ck_assert_str_eq(http_ask(&h, "GET", "/userinfo", NULL,
				  ENV("HTTP_COOKIE=user_id=user_099; access_token=nonsense")),
			 invalid_token());
}
END_TEST

START_TEST(a_token_of_the_python_original_is_shown_as_it_is)
{
	static const char claims[] =
		"{\"username\":\"Admin\",\"email\":null,\"user_id\":\"user_099\","
		"\"scopes\":[\"user:read\"],\"issued_to\":\"127.0.0.1\",\"iss\":\"prismaticain\","
		"\"exp\":1800086400,\"iat\":1800000000,\"token_type\":\"access\"}";

	rig_put_signed(&h.rig, "user_099", "Vy3Zn4MVLLfifneYUA7Tm7", claims, 100);
	ck_assert_str_eq(
		http_ask(&h, "GET", "/userinfo", NULL,
			 ENV("HTTP_COOKIE=user_id=user_099; access_token=Vy3Zn4MVLLfifneYUA7Tm7")),
		http_want("200 OK", "", claims));
}
END_TEST

START_TEST(a_check_costs_one_round_trip)
{
	ck_claims(ENV(http_cookies("user_099", handle())));
	ck_assert_int_eq(h.rig.round_trips, 1);
}
END_TEST

START_TEST(a_check_that_passed_is_logged_at_debug_without_a_secret)
{
	char want[256], fp[SECRET_FP_LEN + 1];

	ck_claims(ENV(http_cookies("user_099", handle())));
	secret_fingerprint(handle(), fp);
	snprintf(want, sizeof(want),
		 "ts=2027-01-15T08:00:00Z level=debug event=access.ok request_id=req-1 method=GET "
		 "path=/userinfo status=200 user=user_099 session=%s remote=192.0.2.1\n",
		 fp);
	ck_assert_str_eq(h.log, want);
}
END_TEST

START_TEST(a_refused_credential_is_not_in_the_log)
{
	http_ask(&h, "GET", "/userinfo", NULL,
		 ENV("HTTP_COOKIE=user_id=user_099; access_token=cookie-marker"));
	http_ask(&h, "GET", "/userinfo?access_token=query-marker", NULL,
		 ENV("HTTP_AUTHORIZATION=Bearer bearer-marker"));
	http_ask(&h, "GET", "/userinfo", NULL, ENV("HTTP_AUTHORIZATION=Bearer x-marker.dXNlcg"));
	http_ask(&h, "GET", "/userinfo", NULL, ENV("HTTP_AUTHORIZATION=Bearer a, Bearer x-marker"));
	ck_assert(http_logged(&h, "event=access.refused") && http_logged(&h, "status=400"));
	ck_assert(!http_logged(&h, "marker"));
}
END_TEST

/* ---- health ---- */

START_TEST(health_is_that_of_the_store)
{
	ck_assert_str_eq(http_ask(&h, "GET", "/api/healthcheck", NULL, NULL),
			 http_want("200 OK", "", "{\"status\":200}"));
	ck_assert_int_eq(h.rig.round_trips, 1);
	rig_store_fail(&h.rig, RIG_DEAD, 0);
	ck_assert_str_eq(
		http_ask(&h, "GET", "/api/healthcheck", NULL, NULL),
		http_want("503 Service Unavailable", "Retry-After: 5\r\n", "{\"status\":503}"));
	ck_assert(http_logged(&h, "level=error event=request.failed request_id=req-1 method=GET "
				  "path=/api/healthcheck status=503 remote=192.0.2.1 reason=\""));
	ck_assert_str_eq(http_ask(&h, "HEAD", "/api/healthcheck", NULL, NULL),
			 "Status: 503 Service Unavailable\r\nContent-Type: application/json\r\n"
			 "Retry-After: 5\r\nCache-Control: no-store\r\nVary: Origin\r\n"
			 "X-Request-ID: req-1\r\nContent-Length: 14\r\n\r\n");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_userinfo");
	TCase *t = tcase_create("userinfo");

	tcase_add_checked_fixture(t, open_rig, release_rig);
	tcase_add_test(t, cookies_show_the_claims);
	tcase_add_test(t, either_bearer_shows_the_claims_whatever_the_format);
	tcase_add_test(t, apaches_rewritten_header_is_one_as_well);
	tcase_add_test(t, head_tells_the_length_of_the_claims);
	tcase_add_test(t, post_is_answered_too_but_not_for_a_foreign_page_with_cookies);
	tcase_add_loop_test(t, without_a_credential_nobody_is_authenticated, 0,
			    (int)TP_COUNT(nothing));
	tcase_add_loop_test(t, a_credential_that_does_not_hold_is_invalid, 0,
			    (int)TP_COUNT(worthless));
	tcase_add_test(t, another_users_cookie_does_not_hold);
	tcase_add_test(t, a_bearer_alone_decides);
	tcase_add_test(t, a_session_ends_by_the_second);
	tcase_add_test(t, a_session_that_was_ended_does_not_hold);
	tcase_add_test(t, a_store_that_does_not_answer_is_never_a_401_or_a_200);
	tcase_add_test(t, nonsense_in_the_store_is_no_session);
	tcase_add_test(t, a_token_of_the_python_original_is_shown_as_it_is);
	tcase_add_test(t, a_check_costs_one_round_trip);
	tcase_add_test(t, a_check_that_passed_is_logged_at_debug_without_a_secret);
	tcase_add_test(t, a_refused_credential_is_not_in_the_log);
	tcase_add_test(t, health_is_that_of_the_store);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
