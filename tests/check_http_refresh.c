/* SPDX-License-Identifier: MIT */
/*
 * The refresh endpoint: what slides, what is answered inside the window, and what a client that
 * came with cookies does not get.
 */
#include "support/check_run.h"
#include "support/http_rig.h"

#include <stdio.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

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

/* The JWT that stands in the store now. */
static struct span stored_jwt(void)
{
	static char text[LIMIT_JWT];
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(LIMIT_JWT);
	struct span jwt;

	ck_assert(rig_get(&h.rig, "user_099", handle(), &value));
	ck_assert_int_eq(session_value_get(buf_view(&value), &jwt, &hold, NULL), TP_OK);
	snprintf(text, sizeof(text), "%.*s", (int)jwt.len, jwt.p);
	return span_of(text);
}

static const char *want_full(const char *headers, struct span bearer, const char *rest)
{
	char body[LIMIT_JWT + 512];

	snprintf(body, sizeof(body),
		 "{\"user_id\":\"user_099\",\"token\":\"%.*s\",\"access_token\":\"%.*s\","
		 "\"token_type\":\"bearer\",%s",
		 (int)handle().len, handle().p, (int)bearer.len, bearer.p, rest);
	return http_want("200 OK", headers, body);
}

static const char *want_bare(const char *headers, const char *rest)
{
	char body[512];

	snprintf(body, sizeof(body), "{\"user_id\":\"user_099\",\"token_type\":\"bearer\",%s",
		 rest);
	return http_want("200 OK", headers, body);
}

#define MINTED	 "\"expires_in\":86400,\"scope\":\"user:read\",\"refreshed\":true}"
#define STANDING "\"expires_in\":86390,\"scope\":\"user:read\",\"refreshed\":false}"

START_TEST(cookies_slide_the_session_and_get_no_token)
{
	char before[LIMIT_JWT];

	snprintf(before, sizeof(before), "%s", stored_jwt().p);
	h.rig.now += 121;
	ck_assert_str_eq(
		http_ask(&h, "POST", "/refresh", "", ENV(http_cookies("user_099", handle()))),
		want_bare("", MINTED));
	ck_assert_str_ne(stored_jwt().p, before);
	ck_assert_int_eq(h.rig.event, AUTHN_REFRESH);
	ck_assert_str_eq(h.rig.request_id, "req-1");
	ck_assert_str_eq(h.rig.remote_addr, "192.0.2.1");
}
END_TEST

START_TEST(a_bearer_gets_the_whole_token_response)
{
	h.rig.now += 121;
	ck_assert_str_eq(http_ask(&h, "POST", "/refresh", "", ENV(http_bearer(opaque_bearer()))),
			 want_full("", opaque_bearer(), MINTED));
}
END_TEST

START_TEST(under_token_format_jwt_the_new_jwt_is_the_bearer)
{
	const char *got;

	h.rig.rules.bearer_is_jwt = true;
	h.rig.now += 121;
	got = http_ask(&h, "POST", "/refresh", "", ENV(http_bearer(secret_view(&m.jwt))));
	ck_assert(!span_eq(stored_jwt(), secret_view(&m.jwt)));
	ck_assert_str_eq(got, want_full("", stored_jwt(), MINTED));
}
END_TEST

START_TEST(inside_the_window_nothing_is_made_and_it_says_when)
{
	static const char wait[] = "Retry-After: 110\r\n";

	h.rig.now += 10;
	ck_assert_str_eq(
		http_ask(&h, "POST", "/refresh", "", ENV(http_cookies("user_099", handle()))),
		want_bare(wait, STANDING));
	ck_assert_str_eq(http_ask(&h, "POST", "/refresh", "", ENV(http_bearer(opaque_bearer()))),
			 want_full(wait, opaque_bearer(), STANDING));
	ck_assert(span_eq(stored_jwt(), secret_view(&m.jwt)));
	ck_assert_int_eq(h.rig.asked, 0);
}
END_TEST

START_TEST(inside_the_window_the_bearer_is_the_jwt_that_stands)
{
	h.rig.rules.bearer_is_jwt = true;
	h.rig.now += 10;
	ck_assert_str_eq(
		http_ask(&h, "POST", "/refresh", "", ENV(http_bearer(secret_view(&m.jwt)))),
		want_full("Retry-After: 110\r\n", secret_view(&m.jwt), STANDING));
}
END_TEST

START_TEST(of_two_refreshes_the_second_is_restricted)
{
	const char *cookies = http_cookies("user_099", handle());

	h.rig.now += 121;
	http_ask(&h, "POST", "/refresh", "", ENV(cookies));
	ck_assert_str_eq(http_ask(&h, "POST", "/refresh", "", ENV(cookies)),
			 want_bare("Retry-After: 120\r\n", "\"expires_in\":86400,\"scope\":\"user:"
							   "read\",\"refreshed\":false}"));
}
END_TEST

START_TEST(a_session_that_does_not_hold_is_not_refreshed)
{
	ck_assert_str_eq(http_ask(&h, "POST", "/refresh", "",
				  ENV("HTTP_COOKIE=user_id=user_099; access_token=unknown")),
			 http_want_error("401 Unauthorized",
					 "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n",
					 "invalid_token", "Could not validate credentials"));
	ck_assert_str_eq(http_ask(&h, "POST", "/refresh", "", NULL),
			 http_want("401 Unauthorized", "WWW-Authenticate: Bearer\r\n",
				   "{\"detail\":\"Not authenticated\"}"));
}
END_TEST

START_TEST(a_foreign_page_cannot_refresh_with_cookies)
{
	h.rig.now += 121;
	ck_assert_str_eq(http_ask(&h, "POST", "/refresh", "",
				  ENV(http_cookies("user_099", handle()),
				      "HTTP_ORIGIN=https://evil.example")),
			 http_want_error("403 Forbidden", "", "access_denied",
					 "Requests from this origin are not accepted"));
	ck_assert(span_eq(stored_jwt(), secret_view(&m.jwt)));
}
END_TEST

START_TEST(a_handler_that_denies_ends_the_session)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);

	h.rig.now += 121;
	rig_handler_says(&h.rig, TP_DENIED, NULL);
	http_ask(&h, "POST", "/refresh", "", ENV(http_cookies("user_099", handle())));
	ck_assert_int_eq(h.resp.status, 401);
	ck_assert(!rig_get(&h.rig, "user_099", handle(), &value));
	ck_assert(http_logged(&h, "level=info event=refresh.refused request_id=req-1 method=POST "
				  "path=/refresh status=401 user=user_099 session="));
}
END_TEST

START_TEST(trouble_is_503_at_every_step_and_the_session_stands)
{
	static const char want_detail[] = "The service is temporarily unavailable";
	char cookies[256];

	snprintf(cookies, sizeof(cookies), "%s", http_cookies("user_099", handle()));
	for (int trip = 1; trip <= 4; trip++) {
		h.rig.now += 121;
		rig_store_fail(&h.rig, RIG_DEAD, trip);
		ck_assert_str_eq(http_ask(&h, "POST", "/refresh", "", ENV(cookies)),
				 http_want_error("503 Service Unavailable", "Retry-After: 5\r\n",
						 "temporarily_unavailable", want_detail));
	}
	h.rig.now += 121;
	rig_store_fail(&h.rig, RIG_WORKS, 0);
	rig_handler_says(&h.rig, TP_UNAVAILABLE, NULL);
	http_ask(&h, "POST", "/refresh", "", ENV(cookies));
	ck_assert_int_eq(h.resp.status, 503);
	ck_assert(span_eq(stored_jwt(), secret_view(&m.jwt)));
}
END_TEST

START_TEST(refreshes_are_logged_without_a_secret)
{
	char fp[SECRET_FP_LEN + 1], want[256];

	secret_fingerprint(handle(), fp);
	http_ask(&h, "POST", "/refresh", "", ENV(http_bearer(opaque_bearer())));
	h.rig.now += 121;
	http_ask(&h, "POST", "/refresh", "", ENV(http_bearer(opaque_bearer())));
	snprintf(want, sizeof(want),
		 "level=info event=refresh.restricted request_id=req-1 method=POST path=/refresh "
		 "status=200 user=user_099 session=%s remote=192.0.2.1\n",
		 fp);
	ck_assert(http_logged(&h, want));
	snprintf(want, sizeof(want),
		 "level=info event=refresh.ok request_id=req-1 method=POST path=/refresh "
		 "status=200 user=user_099 session=%s remote=192.0.2.1\n",
		 fp);
	ck_assert(http_logged(&h, want));
	ck_assert(!http_logged(&h, opaque_bearer().p) && !http_logged(&h, stored_jwt().p));
	ck_assert(!http_logged(&h, m.handle.p));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_refresh");
	TCase *t = tcase_create("refresh");

	tcase_add_checked_fixture(t, open_rig, release_rig);
	tcase_add_test(t, cookies_slide_the_session_and_get_no_token);
	tcase_add_test(t, a_bearer_gets_the_whole_token_response);
	tcase_add_test(t, under_token_format_jwt_the_new_jwt_is_the_bearer);
	tcase_add_test(t, inside_the_window_nothing_is_made_and_it_says_when);
	tcase_add_test(t, inside_the_window_the_bearer_is_the_jwt_that_stands);
	tcase_add_test(t, of_two_refreshes_the_second_is_restricted);
	tcase_add_test(t, a_session_that_does_not_hold_is_not_refreshed);
	tcase_add_test(t, a_foreign_page_cannot_refresh_with_cookies);
	tcase_add_test(t, a_handler_that_denies_ends_the_session);
	tcase_add_test(t, trouble_is_503_at_every_step_and_the_session_stands);
	tcase_add_test(t, refreshes_are_logged_without_a_secret);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
