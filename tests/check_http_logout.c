/* SPDX-License-Identifier: MIT */
/*
 * The logout endpoint: one session or all of them, and cookies that go only when the session did.
 */
#include "support/check_run.h"
#include "support/http_rig.h"

#include <stdio.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct http_rig h;
static struct session_minted m, second, stranger; /* two of user_099, one of user_1 */

static void open_rig(void)
{
	http_rig_open(&h);
	rig_login(&h.rig, "user_099", "user:read", &m);
	rig_login(&h.rig, "user_099", "user:read", &second);
	rig_login(&h.rig, "user_1", "user:read", &stranger);
}

static void release_rig(void)
{
	session_minted_release(&m);
	session_minted_release(&second);
	session_minted_release(&stranger);
	http_rig_release(&h);
}

static const char *cookies(void)
{
	return http_cookies("user_099", secret_view(&m.handle));
}

static bool lives(const char *user, const struct session_minted *s)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);

	return rig_get(&h.rig, user, secret_view(&s->handle), &value);
}

static void ck_lives(bool first_one, bool second_one)
{
	ck_assert(lives("user_099", &m) == first_one);
	ck_assert(lives("user_099", &second) == second_one);
	ck_assert(lives("user_1", &stranger));
}

static const char *logged_out(void)
{
	return http_want("200 OK", HTTP_COOKIES_GONE, "{\"status\":200}");
}

START_TEST(ends_the_session_and_deletes_the_cookies)
{
	ck_assert_str_eq(http_ask(&h, "POST", "/logout", NULL, ENV(cookies())), logged_out());
	ck_lives(false, true);
	ck_assert_str_eq(http_ask(&h, "POST", "/logout", NULL, ENV(cookies())),
			 http_want_error("401 Unauthorized",
					 "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n",
					 "invalid_token", "Could not validate credentials"));
}
END_TEST

START_TEST(a_jwt_bearer_ends_its_session_too)
{
	ck_assert_str_eq(
		http_ask(&h, "POST", "/logout", NULL, ENV(http_bearer(secret_view(&m.jwt)))),
		logged_out());
	ck_lives(false, true);
	http_ask(&h, "GET", "/userinfo", NULL, ENV(http_bearer(secret_view(&m.jwt))));
	ck_assert_int_eq(h.resp.status, 401);
}
END_TEST

static const struct {
	const char *target, *body;
	bool all;
} ends[] = {
	{ "/logout", "", false },
	{ "/logout?all=true", NULL, true },
	{ "/logout?all=1", "", true },
	{ "/logout", "all=true", true },
	{ "/logout?all=false", "all=true", true },
	{ "/logout?all=true", "all=false", true },
	{ "/logout?all=false", NULL, false },
	{ "/logout?all=", "all=0", false },
	{ "/logout?ALL=true", "xall=true", false },
};

START_TEST(all_of_them_when_asked_in_query_or_form)
{
	ck_assert_str_eq(http_ask(&h, "POST", ends[_i].target, ends[_i].body, ENV(cookies())),
			 logged_out());
	ck_lives(false, !ends[_i].all);
}
END_TEST

static const struct {
	const char *target, *body, *env;
	const char *status, *error, *detail;
} refused[] = {
	{ "/logout?all=yes", NULL, "X=", "400 Bad Request", "invalid_request",
	  "the field all is true or false" },
	{ "/logout", "all=TRUE", "X=", "400 Bad Request", "invalid_request",
	  "the field all is true or false" },
	{ "/logout?all=true&all=true", NULL, "X=", "400 Bad Request", "invalid_request",
	  "the field all is given twice" },
	{ "/logout", "all=%", "X=", "400 Bad Request", "invalid_request",
	  "a broken %-sequence in the form" },
	{ "/logout", NULL, "HTTP_ORIGIN=https://evil.example", "403 Forbidden", "access_denied",
	  "Requests from this origin are not accepted" },
	{ "/logout", NULL, "HTTP_SEC_FETCH_SITE=cross-site", "403 Forbidden", "access_denied",
	  "Requests from this origin are not accepted" },
};

START_TEST(a_refused_logout_ends_nothing_and_keeps_the_cookies)
{
	ck_assert_str_eq(
		http_ask(&h, "POST", refused[_i].target, refused[_i].body,
			 ENV(cookies(), refused[_i].env)),
		http_want_error(refused[_i].status, "", refused[_i].error, refused[_i].detail));
	ck_lives(true, true);
}
END_TEST

/* "*" in CORS_URLS lets every page read, and change nothing by cookies. */
START_TEST(a_star_in_cors_urls_lets_no_page_end_a_session)
{
	const char *from = "HTTP_ORIGIN=https://evil.example";

	h.site.cors_any = true;
	http_ask(&h, "POST", "/logout", NULL, ENV(cookies(), from));
	ck_assert_int_eq(h.resp.status, 403);
	ck_lives(true, true);
	http_ask(&h, "POST", "/logout", NULL, ENV(http_bearer(secret_view(&m.jwt)), from));
	ck_assert_int_eq(h.resp.status, 200);
	ck_lives(false, true);
}
END_TEST

START_TEST(a_body_of_another_type_is_no_reason_to_stay)
{
	ck_assert_str_eq(http_ask(&h, "POST", "/logout", "{}",
				  ENV(cookies(), "CONTENT_TYPE=application/json")),
			 logged_out());
}
END_TEST

START_TEST(an_empty_body_of_another_type_is_no_reason_to_stay)
{
	ck_assert_str_eq(http_ask(&h, "POST", "/logout", "",
				  ENV(cookies(), "CONTENT_TYPE=application/json")),
			 logged_out());
}
END_TEST

START_TEST(without_a_session_there_is_nothing_to_end)
{
	ck_assert_str_eq(http_ask(&h, "POST", "/logout", NULL, NULL),
			 http_want("401 Unauthorized", "WWW-Authenticate: Bearer\r\n",
				   "{\"detail\":\"Not authenticated\"}"));
	http_ask(&h, "POST", "/logout?all=true", NULL, NULL);
	ck_assert_int_eq(h.resp.status, 401);
	ck_lives(true, true);
}
END_TEST

START_TEST(what_the_store_did_not_take_is_503_and_keeps_the_cookies)
{
	static const enum rig_failure failures[] = { RIG_DEAD, RIG_MUTE };
	static const char *const targets[] = { "/logout", "/logout?all=true" };

	for (size_t i = 0; i < TP_COUNT(failures); i++) {
		for (size_t k = 0; k < TP_COUNT(targets); k++) {
			release_rig();
			open_rig();
			rig_store_fail(&h.rig, failures[i], 2);
			ck_assert_str_eq(http_ask(&h, "POST", targets[k], NULL, ENV(cookies())),
					 http_want_error("503 Service Unavailable",
							 "Retry-After: 5\r\n",
							 "temporarily_unavailable",
							 "The service is temporarily unavailable"));
		}
	}
}
END_TEST

static void end_it_first(struct rig *r, const struct store_op *ops, size_t n)
{
	(void)n;
	if (ops[0].verb == STORE_DEL || ops[0].verb == STORE_DEL_OWNER)
		ck_assert_int_eq(session_close(&r->other, SPAN_LIT("user_099"),
					       secret_view(&m.handle), NULL),
				 TP_OK);
}

START_TEST(a_session_that_ended_in_between_is_ended)
{
	h.rig.before_store = end_it_first;
	ck_assert_str_eq(http_ask(&h, "POST", "/logout", NULL, ENV(cookies())), logged_out());
	ck_lives(false, true);
}
END_TEST

START_TEST(cookies_go_with_the_attributes_they_came_with)
{
	h.spec.cookie_prefix = "__Secure-";
	h.spec.cookie_domain = "example.org";
	h.spec.cookie_path = "/app";
	h.spec.cookie_samesite = COOKIE_NONE;
	http_rig_site(&h);
	ck_assert_str_eq(
		http_ask(&h, "POST", "/logout", NULL, ENV(http_bearer(secret_view(&m.jwt)))),
		http_want(
			"200 OK",
			"Set-Cookie: __Secure-user_id=\"\"; Domain=example.org; expires=Thu, 01 "
			"Jan 1970 00:00:00 GMT; HttpOnly; Max-Age=0; Path=/app; SameSite=none; "
			"Secure\r\n"
			"Set-Cookie: __Secure-access_token=\"\"; Domain=example.org; expires=Thu, "
			"01 Jan 1970 00:00:00 GMT; HttpOnly; Max-Age=0; Path=/app; "
			"SameSite=none; Secure\r\n",
			"{\"status\":200}"));
}
END_TEST

START_TEST(logouts_are_logged_without_a_secret)
{
	char fp[SECRET_FP_LEN + 1], want[256];

	secret_fingerprint(secret_view(&m.handle), fp);
	http_ask(&h, "POST", "/logout?all=maybe", NULL, ENV(cookies()));
	http_ask(&h, "POST", "/logout", NULL, ENV(cookies()));
	http_ask(&h, "POST", "/logout?all=true", NULL, ENV(http_bearer(secret_view(&second.jwt))));
	snprintf(want, sizeof(want),
		 "level=info event=logout.refused request_id=req-1 method=POST path=/logout "
		 "status=400 user=user_099 session=%s remote=192.0.2.1 reason=\"the field all is "
		 "true or false\"\n",
		 fp);
	ck_assert(http_logged(&h, want));
	snprintf(want, sizeof(want),
		 "level=info event=logout.ok request_id=req-1 method=POST path=/logout status=200 "
		 "user=user_099 session=%s remote=192.0.2.1\n",
		 fp);
	ck_assert(http_logged(&h, want));
	ck_assert(http_logged(&h, "level=info event=logout.all request_id=req-1 method=POST "
				  "path=/logout status=200 user=user_099 session="));
	ck_assert(!http_logged(&h, m.handle.p) && !http_logged(&h, second.jwt.p));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_logout");
	TCase *t = tcase_create("logout");

	tcase_add_checked_fixture(t, open_rig, release_rig);
	tcase_add_test(t, ends_the_session_and_deletes_the_cookies);
	tcase_add_test(t, a_jwt_bearer_ends_its_session_too);
	tcase_add_loop_test(t, all_of_them_when_asked_in_query_or_form, 0, (int)TP_COUNT(ends));
	tcase_add_loop_test(t, a_refused_logout_ends_nothing_and_keeps_the_cookies, 0,
			    (int)TP_COUNT(refused));
	tcase_add_test(t, a_star_in_cors_urls_lets_no_page_end_a_session);
	tcase_add_test(t, a_body_of_another_type_is_no_reason_to_stay);
	tcase_add_test(t, an_empty_body_of_another_type_is_no_reason_to_stay);
	tcase_add_test(t, without_a_session_there_is_nothing_to_end);
	tcase_add_test(t, what_the_store_did_not_take_is_503_and_keeps_the_cookies);
	tcase_add_test(t, a_session_that_ended_in_between_is_ended);
	tcase_add_test(t, cookies_go_with_the_attributes_they_came_with);
	tcase_add_test(t, logouts_are_logged_without_a_secret);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
