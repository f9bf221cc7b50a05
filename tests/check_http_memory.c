/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out at each allocation of a request in turn: the answer is whole every time, is
 * never one that needs proof without having had it, and the next request is as good as ever.
 */
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/http_rig.h"

#include <stdio.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

enum { MOST = 2000 };

static struct http_rig h;
static struct session_minted m;

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

static const char *unavailable(void)
{
	return http_want_error("503 Service Unavailable", "Retry-After: 5\r\n",
			       "temporarily_unavailable", "The service is temporarily unavailable");
}

/* The same, in the order of an answer that was put in another one's place. */
static const char *replaced(void)
{
	return "Status: 503 Service Unavailable\r\nContent-Type: application/json\r\n"
	       "Cache-Control: no-store\r\nVary: Origin\r\nRetry-After: 5\r\n"
	       "X-Request-ID: req-1\r\nContent-Length: 146\r\n\r\n"
	       "{\"error\":\"temporarily_unavailable\","
	       "\"error_description\":\"The service is temporarily unavailable\","
	       "\"detail\":\"The service is temporarily unavailable\"}";
}

/* Serves what is laid out, with the nth allocation failing, on storage that is new: else only the
 * first request would have to allocate its buffers. False: there is no nth. */
static bool serve_failing(long n)
{
	response_release(&h.resp);
	response_init(&h.resp);
	alloc_fail_at(n);
	http_rig_serve(&h);
	return alloc_fail_off();
}

static bool is_503(const char *answer)
{
	return strcmp(answer, unavailable()) == 0 || strcmp(answer, replaced()) == 0;
}

/* For a session that holds: 503, or what the log line could not be written for. */
static void ck_all(const char *method, const char *target, const char *body, const char *const *env,
		   void (*before)(void), const char *(*want)(void))
{
	long n = 1;
	bool failed = true;

	for (; failed; n++) {
		const char *got;

		ck_assert_int_lt(n, MOST);
		if (before != NULL)
			before();
		http_rig_request(&h, method, target, body, env);
		failed = serve_failing(n);
		got = http_rig_answer(&h);
		ck_assert_msg(is_503(got) || strcmp(got, want()) == 0, "allocation %ld: %s", n,
			      got);
		h.log_len = 0;
		if (!failed)
			ck_assert_str_eq(got, want());
	}
	ck_assert_int_gt(n, 3);
}

static const char *claims(void)
{
	return http_want("200 OK", "",
			 "{\"user_id\":\"user_099\",\"username\":\"Admin\",\"scopes\":"
			 "[\"user:read\"],\"iss\":\"prismaticain\",\"iat\":1800000000,"
			 "\"exp\":1800086400,\"token_type\":\"access\"}");
}

/* A verifier that has not seen the token yet. */
static void forget(void)
{
	struct token_verifier *fresh;
	struct tp_err err;

	ck_assert_int_eq(token_verifier_open(h.rig.a.keys, &h.rig.token_rules, &fresh, &err),
			 TP_OK);
	token_verifier_close(h.rig.a.verifier);
	h.rig.a.verifier = fresh;
}

START_TEST(userinfo_is_whole_or_503)
{
	char cookies[256];

	snprintf(cookies, sizeof(cookies), "%s", http_cookies("user_099", secret_view(&m.handle)));
	ck_all("GET", "/userinfo", NULL, ENV(cookies), forget, claims);
}
END_TEST

START_TEST(userinfo_by_jwt_is_whole_or_503)
{
	char bearer[LIMIT_JWT];

	snprintf(bearer, sizeof(bearer), "%s", http_bearer(secret_view(&m.jwt)));
	ck_all("GET", "/userinfo", NULL, ENV(bearer), forget, claims);
}
END_TEST

static const char *invalid_token(void)
{
	return http_want_error("401 Unauthorized",
			       "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n",
			       "invalid_token", "Could not validate credentials");
}

START_TEST(a_worthless_credential_never_passes_for_want_of_memory)
{
	ck_all("GET", "/userinfo", NULL, ENV("HTTP_COOKIE=user_id=\"user@099\"; access_token=x"),
	       NULL, invalid_token);
	ck_all("GET", "/userinfo", NULL, ENV("HTTP_AUTHORIZATION=Bearer a.dXNlcl8wOTk"), NULL,
	       invalid_token);
	ck_all("GET", "/userinfo", NULL, ENV("HTTP_AUTHORIZATION=Bearer a.b.c"), NULL,
	       invalid_token);
}
END_TEST

static const char *not_found(void)
{
	return http_want_error("404 Not Found", "", "not_found", "Not Found");
}

START_TEST(an_unknown_path_is_whole_or_503)
{
	ck_all("GET", "/no", NULL, ENV("PATH_INFO=/pe"), NULL, not_found);
}
END_TEST

static void fresh_session(void)
{
	session_minted_release(&m);
	rig_login(&h.rig, "user_099", "user:read", &m);
}

/* Either the session is gone and the cookies with it, or 503 and the cookies stay. */
START_TEST(a_logout_never_claims_what_did_not_happen)
{
	bool failed = true;

	for (long n = 1; failed; n++) {
		TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);
		const char *got;
		bool lives;

		ck_assert_int_lt(n, MOST);
		fresh_session();
		http_rig_request(&h, "POST", "/logout", "all=false",
				 ENV(http_cookies("user_099", secret_view(&m.handle))));
		failed = serve_failing(n);
		got = http_rig_answer(&h);
		lives = rig_get(&h.rig, "user_099", secret_view(&m.handle), &value);
		ck_assert_msg(is_503(got) || (h.resp.status == 200 && !lives), "allocation %ld: %s",
			      n, got);
		h.log_len = 0;
	}
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

START_TEST(a_login_is_whole_with_a_session_behind_it_or_503)
{
	bool failed = true;

	for (long n = 1; failed; n++) {
		TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);
		const char *got;

		ck_assert_int_lt(n, MOST);
		h.rig.now += 4000; /* the count of attempts that failed is forgotten */
		http_rig_request(&h, "POST", "/token", "username=ann&password=b%2b",
				 ENV("HTTP_COOKIE=user_id=\"a@b\"; access_token=x"));
		failed = serve_failing(n);
		got = http_rig_answer(&h);
		h.log_len = 0;
		if (is_503(got))
			continue;
		ck_assert_msg(h.resp.status == 200, "allocation %ld: %s", n, got);
		ck_assert(rig_get(&h.rig, "user_099", http_member(&h, "token"), &value));
		ck_assert_ptr_nonnull(strstr(got, "Set-Cookie: user_id=user_099; "));
		ck_assert_ptr_nonnull(strstr(got, "Set-Cookie: access_token="));
	}
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

START_TEST(a_wrong_password_never_passes_for_want_of_memory)
{
	bool failed = true;

	rig_handler_says(&h.rig, TP_DENIED, NULL);
	for (long n = 1; failed; n++) {
		ck_assert_int_lt(n, MOST);
		h.rig.now += 4000;
		http_rig_request(&h, "POST", "/token", "username=ann&password=b", NULL);
		failed = serve_failing(n);
		ck_assert(is_503(http_rig_answer(&h)) || h.resp.status == 400);
		ck_assert_ptr_null(strstr(http_rig_answer(&h), "Set-Cookie"));
		h.log_len = 0;
	}
	ck_assert_int_eq(h.resp.status, 400);
}
END_TEST

START_TEST(a_refresh_is_whole_or_503_and_the_session_stands)
{
	bool failed = true;

	for (long n = 1; failed; n++) {
		TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);
		const char *got;

		ck_assert_int_lt(n, MOST);
		fresh_session();
		h.rig.now += 121;
		http_rig_request(&h, "POST", "/refresh", "",
				 ENV(http_cookies("user_099", secret_view(&m.handle))));
		failed = serve_failing(n);
		got = http_rig_answer(&h);
		ck_assert_msg(is_503(got) || h.resp.status == 200, "allocation %ld: %s", n, got);
		ck_assert(rig_get(&h.rig, "user_099", secret_view(&m.handle), &value));
		h.log_len = 0;
	}
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

static const struct {
	const char *method, *body;
	int status; /* with memory enough */
	bool ends;  /* the session is over then */
} page[] = {
	{ "GET", NULL, 200, false },
	{ "POST", "username=ann&password=b&return_to=/app", 303, false },
	{ "POST", "logout=yes", 303, true },
};

/* The place to return to may be lost, and nothing else. */
START_TEST(the_login_page_never_claims_what_is_not_so)
{
	bool failed = true;

	h.spec.path[HTTP_PATH_LOGIN_PAGE] = "/login";
	http_rig_site(&h);
	for (long n = 1; failed; n++) {
		TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);
		const char *got;
		bool served;

		ck_assert_int_lt(n, MOST);
		h.rig.now += 4000;
		fresh_session();
		http_rig_request(&h, page[_i].method, "/login?return_to=/app", page[_i].body,
				 ENV(http_cookies("user_099", secret_view(&m.handle))));
		failed = serve_failing(n);
		got = http_rig_answer(&h);
		served = h.resp.status == page[_i].status;
		ck_assert_msg(served || h.resp.status == 503, "allocation %ld: %s", n, got);
		ck_assert_msg((strstr(got, "Set-Cookie") != NULL) == (h.resp.status == 303),
			      "allocation %ld: %s", n, got);
		if (served && page[_i].ends)
			ck_assert(!rig_get(&h.rig, "user_099", secret_view(&m.handle), &value));
		if (h.resp.status == 200)
			ck_assert_ptr_nonnull(strstr(got, "logged in as"));
		h.log_len = 0;
	}
	ck_assert_int_eq(h.resp.status, page[_i].status);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_memory");
	TCase *t = tcase_create("memory");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, open_rig, release_rig);
	tcase_add_test(t, userinfo_is_whole_or_503);
	tcase_add_test(t, userinfo_by_jwt_is_whole_or_503);
	tcase_add_test(t, a_worthless_credential_never_passes_for_want_of_memory);
	tcase_add_test(t, an_unknown_path_is_whole_or_503);
	tcase_add_test(t, a_logout_never_claims_what_did_not_happen);
	tcase_add_test(t, a_login_is_whole_with_a_session_behind_it_or_503);
	tcase_add_test(t, a_wrong_password_never_passes_for_want_of_memory);
	tcase_add_test(t, a_refresh_is_whole_or_503_and_the_session_stands);
	tcase_add_loop_test(t, the_login_page_never_claims_what_is_not_so, 0, (int)TP_COUNT(page));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
