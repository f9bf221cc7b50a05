/* SPDX-License-Identifier: MIT */
/*
 * An application's routes and what its handlers answer, without a server: whole answers compared,
 * by the public functions alone but for what serves them.
 */
#include "app/app.h"
#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/http_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct http_rig h;
static struct tpauth_app *app;
static struct session_minted m;

static void open_rig(void)
{
	http_rig_open(&h);
	rig_login(&h.rig, "user_099", "user:read", &m);
	app = tpauth_app_new(NULL);
	ck_assert_ptr_nonnull(app);
}

static void release_rig(void)
{
	tpauth_app_free(app);
	session_minted_release(&m);
	http_rig_release(&h);
}

static void serve_app(void)
{
	ck_assert_msg(app->flaw.rc == TP_OK, "%s", app->flaw.msg);
	h.routes = app->routes;
	h.n_routes = app->n_routes;
}

static const char *cookies(void)
{
	return http_cookies("user_099", secret_view(&m.handle));
}

static const char *want(const char *status, const char *type, const char *more, const char *body)
{
	static char text[4096];

	snprintf(text, sizeof(text),
		 "Status: %s\r\n%s%sCache-Control: no-store\r\nVary: Origin\r\n"
		 "X-Request-ID: req-1\r\nContent-Length: %zu\r\n\r\n%s",
		 status, more, type, strlen(body), body);
	return text;
}

#define TEXT "Content-Type: text/plain; charset=utf-8\r\n"
#define JSON "Content-Type: application/json\r\n"

/* ---- a handler and its call ---- */

static enum tpauth_rc hello(struct tpauth_call *call, void *arg)
{
	return tpauth_respond_text(call, 200, "%s %s %s", (const char *)arg, tpauth_method(call),
				   tpauth_user_get(call, "user_id"));
}

static char hi[] = "hi";

START_TEST(a_handler_gets_its_arg_the_call_and_the_user)
{
	tpauth_route(app, "GET", "/user", "", hello, hi);
	serve_app();
	ck_assert_str_eq(http_ask(&h, "GET", "/user", NULL, ENV(cookies())),
			 want("200 OK", TEXT, "", "hi GET user_099"));
}
END_TEST

START_TEST(a_route_is_for_sessions_with_its_scopes)
{
	tpauth_route(app, "GET", "/any", NULL, hello, hi);
	tpauth_route(app, "GET", "/read", "user:read", hello, hi);
	tpauth_route(app, "GET", "/write", " user:read  user:write ", hello, hi);
	serve_app();
	http_ask(&h, "GET", "/any", NULL, NULL);
	ck_assert_int_eq(h.resp.status, 401);
	http_ask(&h, "GET", "/any", NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 200);
	http_ask(&h, "GET", "/read", NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert_str_eq(http_ask(&h, "GET", "/write", NULL, ENV(cookies())),
			 http_want_error("403 Forbidden",
					 "WWW-Authenticate: Bearer error=\"insufficient_scope\", "
					 "scope=\"user:read user:write\"\r\n",
					 "insufficient_scope", "Not enough permissions"));
}
END_TEST

static enum tpauth_rc who(struct tpauth_call *call, void *arg)
{
	(void)arg;
	return tpauth_respond_text(call, 200, "%s",
				   tpauth_user(call) == NULL ? "nobody" : "somebody");
}

START_TEST(a_public_route_looks_at_no_credential)
{
	tpauth_route_public(app, "GET", "/open", who, NULL);
	serve_app();
	http_ask(&h, "GET", "/open", NULL, ENV(cookies()));
	ck_assert_str_eq(buf_cstr(&h.resp.body), "nobody");
	http_ask(&h, "GET", "/open", NULL, ENV("HTTP_AUTHORIZATION=Bearer broken"));
	ck_assert_str_eq(buf_cstr(&h.resp.body), "nobody");
}
END_TEST

START_TEST(a_foreign_page_cannot_write_with_the_user_s_cookies)
{
	tpauth_route(app, "POST", "/user", "", hello, hi);
	serve_app();
	http_ask(&h, "POST", "/user", "a=b",
		 ENV(cookies(), "HTTP_ORIGIN=https://evil.example.com",
		     "HTTP_SEC_FETCH_SITE=cross-site"));
	ck_assert_int_eq(h.resp.status, 403);
	http_ask(&h, "POST", "/user", "a=b", ENV(cookies(), "HTTP_SEC_FETCH_SITE=same-origin"));
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

START_TEST(a_session_slides_with_a_route)
{
	tpauth_route(app, "GET", "/user", "", hello, hi);
	serve_app();
	h.rig.now += 120;
	http_ask(&h, "GET", "/user", NULL, ENV(cookies()));
	ck_assert(slide_is_due(&h.resp.slide));
	http_ask(&h, "GET", "/user", NULL, ENV(cookies(), "HTTP_REFRESH=false"));
	ck_assert(!slide_is_due(&h.resp.slide));
}
END_TEST

START_TEST(head_is_get_without_the_body)
{
	tpauth_route(app, "GET", "/user", "", hello, hi);
	serve_app();
	http_ask(&h, "HEAD", "/user", NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert(h.resp.no_body);
	ck_assert_str_eq(buf_cstr(&h.resp.body), "hi HEAD user_099");
}
END_TEST

static enum tpauth_rc params(struct tpauth_call *call, void *arg)
{
	(void)arg;
	ck_assert_ptr_null(tpauth_param(call, "other"));
	ck_assert_ptr_null(tpauth_param(call, NULL));
	return tpauth_respond_text(call, 201, "%s/%s", tpauth_param(call, "a"),
				   tpauth_param(call, "b"));
}

START_TEST(a_handler_gets_what_stands_in_the_path)
{
	tpauth_route_public(app, "DELETE", "/x/{a}/y/{b}", params, NULL);
	serve_app();
	ck_assert_str_eq(http_ask(&h, "DELETE", "/x/1 2/y/\xc3\xa9", NULL, NULL),
			 want("201 Created", TEXT, "", "1 2/\xc3\xa9"));
}
END_TEST

/* ---- answers ---- */

static tpauth_handler *now;

static enum tpauth_rc by_now(struct tpauth_call *call, void *arg)
{
	return now(call, arg);
}

static const char *answer_of(tpauth_handler *handler)
{
	if (app->n_routes == 0) {
		tpauth_route_public(app, "GET", "/x", by_now, NULL);
		tpauth_route(app, "GET", "/session", "", by_now, NULL);
	}
	now = handler;
	serve_app();
	return http_ask(&h, "GET", "/x", NULL, NULL);
}

static enum tpauth_rc says_nothing(struct tpauth_call *call, void *arg)
{
	(void)call;
	(void)arg;
	return TPAUTH_OK;
}

START_TEST(no_answer_is_204)
{
	ck_assert_str_eq(answer_of(says_nothing),
			 "Status: 204 No Content\r\nCache-Control: no-store\r\nVary: Origin\r\n"
			 "X-Request-ID: req-1\r\n\r\n");
}
END_TEST

static enum tpauth_rc says_twice(struct tpauth_call *call, void *arg)
{
	(void)arg;
	ck_assert_int_eq(tpauth_respond(call, 99, "a/b", "x", 1), TPAUTH_INTERNAL);
	tpauth_respond_text(call, 404, "first");
	return tpauth_respond(call, 202, "a/b", "x\0y", 3);
}

START_TEST(the_last_answer_counts)
{
	const char *got = answer_of(says_twice);

	ck_assert_ptr_nonnull(strstr(got, "Content-Type: a/b\r\n"));
	ck_assert_ptr_null(strstr(got, "text/plain"));
	ck_assert_int_eq(h.resp.status, 202);
	ck_assert(span_eq(buf_view(&h.resp.body), SPAN_LIT("x\0y")));
}
END_TEST

static enum tpauth_rc says_bytes(struct tpauth_call *call, void *arg)
{
	(void)arg;
	return tpauth_respond(call, 200, NULL, "x", 1);
}

static enum tpauth_rc says_json(struct tpauth_call *call, void *arg)
{
	(void)arg;
	return tpauth_respond_json(call, 200, "{\"pi\": 3.14}");
}

/* Two types of one length, in the same memory. */
static enum tpauth_rc says_otherwise(struct tpauth_call *call, void *arg)
{
	char type[] = "text/html";

	(void)arg;
	(void)tpauth_respond(call, 200, type, "x", 1);
	memcpy(type, "image/png", sizeof(type));
	return tpauth_respond(call, 200, type, "y", 1);
}

static enum tpauth_rc goes_elsewhere(struct tpauth_call *call, void *arg)
{
	(void)arg;
	tpauth_add_header(call, "Location", "/there");
	return tpauth_respond(call, 303, NULL, NULL, 0);
}

START_TEST(an_answer_has_the_type_it_was_given)
{
	ck_assert_str_eq(answer_of(says_bytes),
			 want("200 OK", "Content-Type: application/octet-stream\r\n", "", "x"));
	ck_assert_str_eq(answer_of(says_json), want("200 OK", JSON, "", "{\"pi\": 3.14}"));
	ck_assert_str_eq(answer_of(says_otherwise),
			 want("200 OK", "Content-Type: image/png\r\n", "", "y"));
	ck_assert_str_eq(answer_of(goes_elsewhere),
			 want("303 See Other", "", "Location: /there\r\n", ""));
}
END_TEST

static enum tpauth_rc kept(struct tpauth_call *call, void *arg)
{
	(void)arg;
	tpauth_add_header(call, "cache-control", "max-age=60");
	return tpauth_respond_text(call, 200, "x");
}

START_TEST(a_public_answer_may_be_kept_and_another_never)
{
	ck_assert_ptr_nonnull(strstr(answer_of(kept), "cache-control: max-age=60\r\n"));
	ck_assert_ptr_null(strstr(http_rig_answer(&h), "no-store"));
	http_ask(&h, "GET", "/session", NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 500);
	ck_assert(http_logged(&h, "Cache-Control was added"));
}
END_TEST

static char large[LIMIT_RESP_BODY + 1];

static enum tpauth_rc bad_status(struct tpauth_call *call, void *arg)
{
	(void)arg;
	return tpauth_respond(call, 101, NULL, NULL, 0);
}

static enum tpauth_rc high_status(struct tpauth_call *call, void *arg)
{
	(void)arg;
	(void)tpauth_respond(call, 600, NULL, NULL, 0);
	return TPAUTH_OK;
}

static enum tpauth_rc split_type(struct tpauth_call *call, void *arg)
{
	(void)arg;
	return tpauth_respond(call, 200, "text/html\r\nX: y", "x", 1);
}

static enum tpauth_rc no_type(struct tpauth_call *call, void *arg)
{
	(void)arg;
	return tpauth_respond(call, 200, "html", "x", 1);
}

static enum tpauth_rc no_body(struct tpauth_call *call, void *arg)
{
	(void)arg;
	return tpauth_respond(call, 200, "a/b", NULL, 1);
}

static enum tpauth_rc too_large(struct tpauth_call *call, void *arg)
{
	(void)arg;
	return tpauth_respond(call, 200, "a/b", large, sizeof(large));
}

static enum tpauth_rc no_json(struct tpauth_call *call, void *arg)
{
	(void)arg;
	return tpauth_respond_json(call, 200, "{\"a\":}");
}

static enum tpauth_rc null_json(struct tpauth_call *call, void *arg)
{
	(void)arg;
	return tpauth_respond_json(call, 200, NULL);
}

static enum tpauth_rc null_text(struct tpauth_call *call, void *arg)
{
	/* without the attribute by which the compiler would refuse it */
	enum tpauth_rc (*say)(struct tpauth_call *, int, const char *, ...) = tpauth_respond_text;

	(void)arg;
	return say(call, 200, NULL);
}

static enum tpauth_rc split_header(struct tpauth_call *call, void *arg)
{
	(void)arg;
	tpauth_add_header(call, "X-A", "b\r\nX-C: d");
	return tpauth_respond_text(call, 200, "x");
}

static enum tpauth_rc our_header(struct tpauth_call *call, void *arg)
{
	(void)arg;
	tpauth_add_header(call, "Content-Length", "0");
	return tpauth_respond_text(call, 200, "x");
}

static enum tpauth_rc no_code(struct tpauth_call *call, void *arg)
{
	(void)arg;
	tpauth_respond_text(call, 200, "x");
	return (enum tpauth_rc)77;
}

static tpauth_handler *const broken[] = { bad_status, high_status,  split_type, no_type,
					  no_body,    too_large,    no_json,	null_json,
					  null_text,  split_header, our_header, no_code };

START_TEST(an_answer_that_cannot_be_is_500)
{
	ck_assert_str_eq(answer_of(broken[_i]),
			 http_want_error("500 Internal Server Error", "", "server_error",
					 "Internal Server Error"));
	ck_assert(http_logged(&h, "level=error"));
	ck_assert_msg(!http_logged(&h, "internal error"), "the log does not say why");
}
END_TEST

/* ---- codes ---- */

static const struct {
	enum tpauth_rc rc;
	const char *status, *headers, *error, *detail;
} codes[] = {
	{ TPAUTH_DENIED, "401 Unauthorized", "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n",
	  "invalid_token", "Could not validate credentials" },
	{ TPAUTH_EXPIRED, "401 Unauthorized",
	  "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n", "invalid_token",
	  "Could not validate credentials" },
	{ TPAUTH_FORBIDDEN, "403 Forbidden",
	  "WWW-Authenticate: Bearer error=\"insufficient_scope\"\r\n", "insufficient_scope",
	  "Not enough permissions" },
	{ TPAUTH_INVALID, "400 Bad Request", "", "invalid_request", "Bad Request" },
	{ TPAUTH_NOT_FOUND, "404 Not Found", "", "not_found", "Not Found" },
	{ TPAUTH_TOO_LARGE, "413 Content Too Large", "", "invalid_request", "Content Too Large" },
	{ TPAUTH_UNAVAILABLE, "503 Service Unavailable", "Retry-After: 5\r\n",
	  "temporarily_unavailable", "The service is temporarily unavailable" },
	{ TPAUTH_NOMEM, "503 Service Unavailable", "Retry-After: 5\r\n", "temporarily_unavailable",
	  "The service is temporarily unavailable" },
	{ TPAUTH_INTERNAL, "500 Internal Server Error", "", "server_error",
	  "Internal Server Error" },
};

static enum tpauth_rc refuses(struct tpauth_call *call, void *arg)
{
	const enum tpauth_rc *rc = arg;

	tpauth_add_header(call, "X-Left", "over");
	tpauth_respond_text(call, 200, "left over");
	tpauth_reason(call, "because of %d", 42);
	return *rc;
}

START_TEST(a_code_is_its_answer_and_the_reason_is_for_the_log)
{
	enum tpauth_rc rc = codes[_i].rc;

	tpauth_route_public(app, "GET", "/x", refuses, &rc);
	serve_app();
	ck_assert_str_eq(http_ask(&h, "GET", "/x", NULL, NULL),
			 http_want_error(codes[_i].status, codes[_i].headers, codes[_i].error,
					 codes[_i].detail));
	ck_assert(http_logged(&h, "reason=\"because of 42\""));
}
END_TEST

START_TEST(no_credential_is_401_without_an_error)
{
	static enum tpauth_rc rc = TPAUTH_NO_CREDENTIAL;

	tpauth_route_public(app, "GET", "/x", refuses, &rc);
	serve_app();
	ck_assert_str_eq(http_ask(&h, "GET", "/x", NULL, NULL),
			 "Status: 401 Unauthorized\r\n" JSON "WWW-Authenticate: Bearer\r\n"
			 "Cache-Control: no-store\r\nVary: Origin\r\nX-Request-ID: req-1\r\n"
			 "Content-Length: 30\r\n\r\n{\"detail\":\"Not authenticated\"}");
}
END_TEST

/* ---- memory ---- */

static enum tpauth_rc busy(struct tpauth_call *call, void *arg)
{
	(void)arg;
	tpauth_add_header(call, "X-A", tpauth_user_get(call, "user_id"));
	return tpauth_respond_text(call, 200, "%s",
				   tpauth_param(call, "id") != NULL ? "whole" : "");
}

START_TEST(without_memory_an_answer_is_whole_or_503)
{
	bool failed = true;

	tpauth_route(app, "GET", "/x/{id}", "", busy, NULL);
	serve_app();
	for (long n = 1; failed; n++) {
		ck_assert_int_lt(n, 1000);
		response_release(&h.resp);
		response_init(&h.resp);
		http_rig_request(&h, "GET", "/x/1", NULL, ENV(cookies()));
		alloc_fail_at(n);
		http_rig_serve(&h);
		failed = alloc_fail_off();
		if (h.resp.status == 200)
			ck_assert_str_eq(buf_cstr(&h.resp.body), "whole");
		else
			ck_assert_int_eq(h.resp.status, 503);
	}
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("serve");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, open_rig, release_rig);
	tcase_add_test(t, a_handler_gets_its_arg_the_call_and_the_user);
	tcase_add_test(t, a_route_is_for_sessions_with_its_scopes);
	tcase_add_test(t, a_public_route_looks_at_no_credential);
	tcase_add_test(t, a_foreign_page_cannot_write_with_the_user_s_cookies);
	tcase_add_test(t, a_session_slides_with_a_route);
	tcase_add_test(t, head_is_get_without_the_body);
	tcase_add_test(t, a_handler_gets_what_stands_in_the_path);
	tcase_add_test(t, no_answer_is_204);
	tcase_add_test(t, the_last_answer_counts);
	tcase_add_test(t, an_answer_has_the_type_it_was_given);
	tcase_add_test(t, a_public_answer_may_be_kept_and_another_never);
	tcase_add_loop_test(t, an_answer_that_cannot_be_is_500, 0, TP_COUNT(broken));
	tcase_add_loop_test(t, a_code_is_its_answer_and_the_reason_is_for_the_log, 0,
			    TP_COUNT(codes));
	tcase_add_test(t, no_credential_is_401_without_an_error);
	tcase_add_test(t, without_memory_an_answer_is_whole_or_503);
	suite_add_tcase(s, t);
	return check_run(s);
}
