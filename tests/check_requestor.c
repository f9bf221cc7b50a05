/* SPDX-License-Identifier: MIT */
/*
 * Requests to other services, from a call that is made here and against a server that notes what
 * it was asked. The HTTP client is the loadable object, where the build leaves it, BUILD_DIR/.libs.
 */
#include "app/answer.h"
#include "app/requestor.h"
#include "auth/session.h"
#include "base/limits.h"
#include "support/certs.h"
#include "support/check_run.h"
#include "support/folder.h"
#include "support/web.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define HANDLE "Vy3Zn4MVLLfifneYUA7Tm7"
#define OPAQUE "Authorization: Bearer " HANDLE ".dXNlcl8wOTk\r\n"
#define JWT    "aaaa.bbbb.cccc"
#define ALWAYS "refresh: false\r\nX-Request-ID: req-1\r\n"

static char handle[] = HANDLE;
static const struct token token = { .user_id = { "user_099", 8 } };
static struct access proof;
static struct http_site site;
static struct http_req req;
static struct http_call http;
static struct app_answer answer;
static struct tpauth_call call;
static struct tpauth_fetch *f;

static void setup(void)
{
	static const struct auth_edge edge = { 0 };
	static char dir[256];
	const char *build = getenv("BUILD_DIR");

	signal(SIGPIPE, SIG_IGN);
	snprintf(dir, sizeof(dir), "%s/.libs", build != NULL ? build : ".");
	site = (struct http_site){ .module_dir = dir };
	req = (struct http_req){ .site = &site, .request_id = "req-1" };
	proof = (struct access){ .by = ACCESS_COOKIE,
				 .handle = { handle, sizeof(handle) - 1 },
				 .token = &token };
	http = (struct http_call){ .site = &site, .req = &req, .access = &proof };
	answer = (struct app_answer){ .http = &http };
	ck_assert_int_eq(call_open(&call, &edge, NULL, NULL, NULL), TP_OK);
	call.answer = &answer;
}

static void teardown(void)
{
	requestor_release(answer.requestor);
	call_release(&call);
	web_stop();
}

static void web(const char *says)
{
	web_start(&(struct web_spec){ .answer = says });
}

/* What was asked, without the line of the host, whose port is the kernel's choice. */
static const char *asked(void)
{
	static char text[WEB_NOTE];
	const char *host = strstr(web_note(), "Host: "), *rest = strchr(host, '\n') + 1;

	snprintf(text, sizeof(text), "%.*s%s", (int)(host - web_note()), web_note(), rest);
	return text;
}

static void is_good(void)
{
	ck_assert_msg(tpauth_fetch_rc(f) == TPAUTH_OK, "%s", tpauth_fetch_error(f));
	ck_assert_str_eq(tpauth_fetch_error(f), "");
}

static void is_bad(enum tpauth_rc rc, const char *why)
{
	size_t len = 1;

	ck_assert_int_eq(tpauth_fetch_rc(f), rc);
	ck_assert_str_eq(tpauth_fetch_error(f), why);
	ck_assert_int_eq(tpauth_fetch_status(f), 0);
	ck_assert_str_eq(tpauth_fetch_get_body(f, &len), "");
	ck_assert_uint_eq(len, 0);
	ck_assert_ptr_null(tpauth_fetch_get_header(f, "Content-Length"));
	ck_assert_int_eq(tpauth_fetch_wait(f, -1), 1);
}

/* ---- as whom ---- */

START_TEST(asks_as_the_user_of_the_call)
{
	size_t len;

	web("HTTP/1.1 418 Teapot\r\nX-A: b\r\nTwice: 1\r\nTwice: 2\r\nContent-Length: "
	    "5\r\n\r\nhello");
	f = tpauth_get(&call, web_url("/tea?a=b"));
	is_good();
	ck_assert_str_eq(asked(), "GET /tea?a=b HTTP/1.1\r\nAccept: */*\r\n" OPAQUE ALWAYS "\r\n");
	ck_assert_int_eq(tpauth_fetch_status(f), 418);
	ck_assert_str_eq(tpauth_fetch_get_body(f, &len), "hello");
	ck_assert_uint_eq(len, 5);
	ck_assert_str_eq(tpauth_fetch_get_header(f, "x-a"), "b");
	ck_assert_ptr_null(tpauth_fetch_get_header(f, "Twice"));
	ck_assert_ptr_null(tpauth_fetch_get_header(f, "None"));
	ck_assert_ptr_null(tpauth_fetch_get_header(f, NULL));
}
END_TEST

START_TEST(a_jwt_goes_on_as_the_client_showed_it)
{
	proof.by = ACCESS_JWT;
	req.authorization = SPAN_LIT("bearer  " JWT " ");
	web(WEB_OK);
	f = tpauth_get(&call, web_url("/"));
	is_good();
	ck_assert_ptr_nonnull(strstr(web_note(), "\r\nAuthorization: Bearer " JWT "\r\n"));
	ck_assert_ptr_null(strstr(web_note(), HANDLE));
}
END_TEST

START_TEST(shows_nobody_in_a_public_route)
{
	http.access = NULL;
	req.authorization = SPAN_LIT("Bearer " HANDLE ".dXNlcl8wOTk");
	web(WEB_OK);
	f = tpauth_get(&call, web_url("/"));
	is_good();
	ck_assert_str_eq(asked(), "GET / HTTP/1.1\r\nAccept: */*\r\n" ALWAYS "\r\n");
}
END_TEST

START_TEST(does_not_follow_a_redirect)
{
	web("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
	f = tpauth_get(&call, web_url("/"));
	is_good();
	ck_assert_int_eq(tpauth_fetch_status(f), 302);
	ck_assert_str_eq(tpauth_fetch_get_header(f, "location"), "http://127.0.0.1:1/");
}
END_TEST

/* A client's header "Proxy" is the variable HTTP_PROXY of a CGI program. */
START_TEST(takes_no_proxy_from_the_environment)
{
	setenv("HTTP_PROXY", "http://127.0.0.1:1/", 1);
	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
	web(WEB_OK);
	f = tpauth_get(&call, web_url("/"));
	is_good();
}
END_TEST

/* ---- what is said ---- */

static const struct {
	const char *method;
	struct tpauth_fetch *(*fn)(struct tpauth_call *call, const char *url,
				   const char *content_type, const void *body, size_t len);
} bodies[] = { { "POST", tpauth_post }, { "PUT", tpauth_put }, { "PATCH", tpauth_patch } };

START_TEST(sends_a_body)
{
	char want[600];

	web(WEB_OK);
	f = bodies[_i].fn(&call, web_url("/"), "text/x", "a,b!", 3);
	is_good();
	snprintf(want, sizeof(want),
		 "%s / HTTP/1.1\r\nAccept: */*\r\n" OPAQUE ALWAYS
		 "Content-Type: text/x\r\nContent-Length: 3\r\n\r\na,b",
		 bodies[_i].method);
	ck_assert_str_eq(asked(), want);
}
END_TEST

START_TEST(sends_an_empty_body_with_its_length)
{
	web(WEB_OK);
	f = bodies[_i].fn(&call, web_url("/"), NULL, NULL, 0);
	is_good();
	ck_assert_ptr_nonnull(strstr(web_note(), "\r\nContent-Length: 0\r\n"));
	ck_assert_ptr_null(strstr(web_note(), "Content-Type"));
}
END_TEST

START_TEST(sends_what_has_no_function_of_its_own)
{
	web(WEB_OK);
	f = tpauth_fetch_new(&call, "PROPFIND", web_url("/"));
	tpauth_fetch_header(f, "Depth", "1");
	tpauth_fetch_header(f, "Accept", "text/xml");
	tpauth_fetch_header(f, "X-Empty", "");
	tpauth_fetch_header(f, "X-Utf8", "\xc3\xa9\t");
	is_good();
	ck_assert_str_eq(asked(), "PROPFIND / HTTP/1.1\r\n" OPAQUE ALWAYS
				  "Depth: 1\r\nAccept: text/xml\r\nX-Empty:\r\n"
				  "X-Utf8: \xc3\xa9\t\r\n\r\n");
	f = tpauth_delete(&call, web_url("/gone"));
	is_good();
	ck_assert_ptr_nonnull(strstr(web_note(), "DELETE /gone HTTP/1.1\r\n"));
}
END_TEST

#define NOT_OURS(name) "the header " name " is not the program's to set"
#define CONTROL	       "the value of a header holds a control character"
#define NO_NAME	       "the name of a header is none"

static const struct {
	const char *name, *value, *error;
} headers[] = {
	{ "Authorization", "Basic x", NOT_OURS("Authorization") },
	{ "authorization", "", NOT_OURS("Authorization") },
	{ "Refresh", "true", NOT_OURS("refresh") },
	{ "X-Request-Id", "x", NOT_OURS("X-Request-ID") },
	{ "X_Request_ID", "x", NOT_OURS("X-Request-ID") },
	{ "Host", "evil.example", NOT_OURS("Host") },
	{ "Content-Length", "5", NOT_OURS("Content-Length") },
	{ "content_length", "5", NOT_OURS("Content-Length") },
	{ "Transfer-Encoding", "chunked", NOT_OURS("Transfer-Encoding") },
	{ "Connection", "close", NOT_OURS("Connection") },
	{ "X", "a\r\nAuthorization: b", CONTROL },
	{ "X", "a\nb", CONTROL },
	{ "X", "\x7f", CONTROL },
	{ "X", NULL, "the value of a header is NULL" },
	{ "X: a\r\nY", "b", NO_NAME },
	{ "X:", "b", NO_NAME },
	{ "X ", "b", NO_NAME },
	{ "X;", "b", NO_NAME },
	{ "", "b", NO_NAME },
	{ NULL, "b", NO_NAME },
	{ "\xc3\xa9", "b", NO_NAME },
};

START_TEST(refuses_a_header_and_sends_nothing)
{
	web(WEB_OK);
	f = tpauth_fetch_new(&call, "GET", web_url("/"));
	tpauth_fetch_header(f, headers[_i].name, headers[_i].value);
	tpauth_fetch_header(f, "X", "good"); /* does not mend it */
	is_bad(TPAUTH_INTERNAL, headers[_i].error);
	ck_assert_str_eq(web_note(), "");
}
END_TEST

#define SCHEME "its URL begins with neither http:// nor https://"
#define CODED  "its URL holds a character that has to be percent-encoded"
#define WHO    "its URL holds a user or a password"
#define NOHOST "its URL names no host"

static const struct {
	const char *url, *error;
} urls[] = {
	{ NULL, SCHEME },
	{ "", SCHEME },
	{ "/path", SCHEME },
	{ "file:///etc/passwd", SCHEME },
	{ "ftp://a.example/", SCHEME },
	{ " http://a.example/", SCHEME },
	{ "http:/a.example/", SCHEME },
	{ "http://", NOHOST },
	{ "https:///x", NOHOST },
	{ "http://:80/", NOHOST },
	{ "http://?x", NOHOST },
	{ "http://user@a.example/", WHO },
	{ "http://user:password@a.example/", WHO },
	{ "http://a.example:80@evil.example/", WHO },
	{ "http://a.example\\@evil.example/", CODED },
	{ "http://a.example/a b", CODED },
	{ "http://a.example/a\r\nX: y", CODED },
	{ "http://a.example/\xc3\xa9", CODED },
	{ "http://a.example/\"", CODED },
};

START_TEST(refuses_a_url)
{
	f = tpauth_get(&call, urls[_i].url);
	is_bad(TPAUTH_INTERNAL, urls[_i].error);
}
END_TEST

START_TEST(an_at_sign_behind_the_host_is_none_of_a_user)
{
	web(WEB_OK);
	f = tpauth_get(&call, web_url("/a@b?c=d@e"));
	is_good();
	ck_assert_ptr_nonnull(strstr(web_note(), "GET /a@b?c=d@e HTTP/1.1\r\n"));
}
END_TEST

static const char *const methods[] = { NULL, "", "GE T", "GET\r\n", "GET /x HTTP/1.1\r\nX:" };

START_TEST(refuses_a_method)
{
	web(WEB_OK);
	f = tpauth_fetch_new(&call, methods[_i], web_url("/"));
	is_bad(TPAUTH_INTERNAL, "its method is none");
	f = tpauth_fetch_new(&call, _i % 2 ? "CONNECT" : "trace", web_url("/"));
	is_bad(TPAUTH_INTERNAL, "its method is CONNECT or TRACE");
	ck_assert_str_eq(web_note(), "");
}
END_TEST

START_TEST(refuses_what_goes_beyond_its_limits)
{
	static char long_text[LIMIT_FETCH_HEADER + 2] = "http://a/";

	memset(long_text + 9, 'x', sizeof(long_text) - 10);
	f = tpauth_get(&call, long_text);
	is_bad(TPAUTH_INTERNAL, "its URL is longer than 8192 bytes");
	f = tpauth_fetch_new(&call, "GET", "http://a/");
	tpauth_fetch_header(f, "X", long_text);
	is_bad(TPAUTH_INTERNAL, "the value of a header is longer than 8192 bytes");
	f = tpauth_fetch_new(&call, "GET", "http://a/");
	for (int i = 0; i < LIMIT_FETCH_HEADERS; i++)
		tpauth_fetch_header(f, "X", "y");
	is_bad(TPAUTH_INTERNAL, "more than 64 headers");
	f = tpauth_fetch_new(&call, "GET", "http://a/");
	tpauth_fetch_timeout(f, 0);
	is_bad(TPAUTH_INTERNAL, "a time-out of 0 ms: it takes 1 to 600000");
	f = tpauth_fetch_new(&call, "GET", "http://a/");
	tpauth_fetch_ca(f, NULL);
	is_bad(TPAUTH_INTERNAL, "its file of authorities has no name");
	f = tpauth_post(&call, "http://a/", NULL, NULL, 1);
	is_bad(TPAUTH_INTERNAL, "its body is NULL");
	f = tpauth_post(&call, "http://a/", "a\r\nb", "x", 1);
	is_bad(TPAUTH_INTERNAL, CONTROL);
	for (int i = 0; i < LIMIT_FETCHES - 7; i++)
		ck_assert_ptr_nonnull(tpauth_fetch_new(&call, "GET", "http://a/"));
	ck_assert_ptr_null(tpauth_fetch_new(&call, "GET", "http://a/"));
}
END_TEST

START_TEST(nothing_changes_after_the_start)
{
	web(WEB_OK);
	f = tpauth_fetch_new(&call, "GET", web_url("/"));
	tpauth_fetch_start(f);
	tpauth_fetch_start(f); /* once is enough */
	tpauth_fetch_header(f, "X", "late");
	is_bad(TPAUTH_INTERNAL, "it was changed after its start");
}
END_TEST

/* ---- how it ends ---- */

/* The server answers nobody before both have asked. */
START_TEST(several_are_under_way_at_once)
{
	struct tpauth_fetch *both[2];

	web_start(&(struct web_spec){ .answer = WEB_OK, .together = 2 });
	for (int i = 0; i < 2; i++) {
		both[i] = tpauth_fetch_new(&call, "GET", web_url(i ? "/b" : "/a"));
		tpauth_fetch_start(both[i]);
	}
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(tpauth_fetch_wait(both[i], -1), 1);
		ck_assert_int_eq(tpauth_fetch_status(both[i]), 200);
		ck_assert_str_eq(tpauth_fetch_get_body(both[i], NULL), "ok");
	}
	ck_assert_ptr_nonnull(strstr(web_note(), "GET /a "));
	ck_assert_ptr_nonnull(strstr(web_note(), "GET /b "));
}
END_TEST

START_TEST(waits_as_long_as_it_is_told)
{
	web(NULL);
	f = tpauth_fetch_new(&call, "GET", web_url("/"));
	tpauth_fetch_timeout(f, 600);
	ck_assert_int_eq(tpauth_fetch_wait(f, 0), 0);
	ck_assert_int_eq(tpauth_fetch_wait(f, 10), 0);
	is_bad(TPAUTH_UNAVAILABLE, "Timeout was reached");
}
END_TEST

START_TEST(what_is_under_way_ends_with_the_call)
{
	web(NULL);
	for (int i = 0; i < 3; i++)
		tpauth_fetch_start(tpauth_fetch_new(&call, "GET", web_url("/")));
}
END_TEST

START_TEST(says_that_nobody_is_there)
{
	f = tpauth_get(&call, "http://127.0.0.1:1/");
	is_bad(TPAUTH_UNAVAILABLE, "Couldn't connect to server");
}
END_TEST

START_TEST(half_an_answer_is_none)
{
	web("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
	f = tpauth_get(&call, web_url("/"));
	is_bad(TPAUTH_UNAVAILABLE, "Transferred a partial file");
}
END_TEST

#define KIB_16(x) x x x x x x x x x x x x x x x x
#define KIB	  KIB_16(KIB_16("0123"))

START_TEST(takes_16_mib_and_no_byte_more)
{
	static const char kib[] = KIB;
	size_t len;

	ck_assert_uint_eq(sizeof(kib) - 1, 1024);
	web_start(&(struct web_spec){ .answer = _i ? "HTTP/1.1 200 OK\r\n\r\nx"
						   : "HTTP/1.1 200 OK\r\n\r\n",
				      .trailer = kib,
				      .times = LIMIT_FETCH_BODY / 1024 });
	f = tpauth_get(&call, web_url("/"));
	if (_i) {
		is_bad(TPAUTH_TOO_LARGE, "the answer is too large");
		return;
	}
	is_good();
	ck_assert_ptr_nonnull(tpauth_fetch_get_body(f, &len));
	ck_assert_uint_eq(len, LIMIT_FETCH_BODY);
}
END_TEST

START_TEST(the_client_may_be_missing)
{
	site.module_dir = "/nonexistent";
	f = tpauth_get(&call, "http://127.0.0.1:1/");
	ck_assert_int_eq(tpauth_fetch_rc(f), TPAUTH_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(tpauth_fetch_error(f), "the HTTP client: "));
}
END_TEST

/* A hook has no answer, and makes no requests. */
START_TEST(takes_nothing_for_an_object)
{
	size_t len = 1;

	ck_assert_ptr_null(tpauth_fetch_new(NULL, "GET", "http://a/"));
	call.answer = NULL;
	ck_assert_ptr_null(tpauth_get(&call, "http://a/"));
	ck_assert_ptr_null(tpauth_post(&call, "http://a/", NULL, "x", 1));
	call.answer = &answer;
	tpauth_fetch_header(NULL, "X", "y");
	tpauth_fetch_body(NULL, NULL, "x", 1);
	tpauth_fetch_timeout(NULL, 1);
	tpauth_fetch_ca(NULL, "x");
	tpauth_fetch_insecure(NULL);
	tpauth_fetch_start(NULL);
	ck_assert_int_eq(tpauth_fetch_wait(NULL, 0), 1); /* a loop that waits has to end */
	ck_assert_int_eq(tpauth_fetch_rc(NULL), TPAUTH_INTERNAL);
	ck_assert_str_eq(tpauth_fetch_error(NULL), "there is no request");
	ck_assert_int_eq(tpauth_fetch_status(NULL), 0);
	ck_assert_ptr_null(tpauth_fetch_get_header(NULL, "X"));
	ck_assert_str_eq(tpauth_fetch_get_body(NULL, &len), "");
	ck_assert_uint_eq(len, 0);
}
END_TEST

/* ---- https ---- */

static void make_certs(void)
{
	folder_make();
	certs_authority("ca");
	certs_authority("other");
	certs_issue("good", "ca", "IP:127.0.0.1", 2);
}

static const struct {
	const char *ca;
	bool insecure;
	enum tpauth_rc rc;
} trust[] = {
	{ "ca.pem", false, TPAUTH_OK },
	{ NULL, false, TPAUTH_UNAVAILABLE },
	{ "other.pem", false, TPAUTH_UNAVAILABLE },
	{ "none.pem", false, TPAUTH_UNAVAILABLE },
	{ NULL, true, TPAUTH_OK },
};

START_TEST(shows_the_session_to_whom_it_trusts)
{
	web_start(&(struct web_spec){ .answer = WEB_OK, .cert = "good" });
	f = tpauth_fetch_new(&call, "GET", web_url("/"));
	if (trust[_i].ca != NULL)
		tpauth_fetch_ca(f, certs_file(trust[_i].ca));
	if (trust[_i].insecure)
		tpauth_fetch_insecure(f);
	ck_assert_msg(tpauth_fetch_rc(f) == trust[_i].rc, "%s", tpauth_fetch_error(f));
	ck_assert((strstr(web_note(), HANDLE) != NULL) == (trust[_i].rc == TPAUTH_OK));
}
END_TEST

static void add_ends(TCase *t)
{
	tcase_add_test(t, nothing_changes_after_the_start);
	tcase_add_test(t, several_are_under_way_at_once);
	tcase_add_test(t, waits_as_long_as_it_is_told);
	tcase_add_test(t, what_is_under_way_ends_with_the_call);
	tcase_add_test(t, says_that_nobody_is_there);
	tcase_add_test(t, half_an_answer_is_none);
	tcase_add_loop_test(t, takes_16_mib_and_no_byte_more, 0, 2);
	tcase_add_test(t, the_client_may_be_missing);
	tcase_add_test(t, takes_nothing_for_an_object);
}

static Suite *requestor_suite(void)
{
	Suite *s = suite_create("requestor");
	TCase *t = tcase_create("all"), *tls = tcase_create("https");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, asks_as_the_user_of_the_call);
	tcase_add_test(t, a_jwt_goes_on_as_the_client_showed_it);
	tcase_add_test(t, shows_nobody_in_a_public_route);
	tcase_add_test(t, does_not_follow_a_redirect);
	tcase_add_test(t, takes_no_proxy_from_the_environment);
	tcase_add_loop_test(t, sends_a_body, 0, (int)TP_COUNT(bodies));
	tcase_add_loop_test(t, sends_an_empty_body_with_its_length, 0, (int)TP_COUNT(bodies));
	tcase_add_test(t, sends_what_has_no_function_of_its_own);
	tcase_add_loop_test(t, refuses_a_header_and_sends_nothing, 0, (int)TP_COUNT(headers));
	tcase_add_loop_test(t, refuses_a_url, 0, (int)TP_COUNT(urls));
	tcase_add_test(t, an_at_sign_behind_the_host_is_none_of_a_user);
	tcase_add_loop_test(t, refuses_a_method, 0, (int)TP_COUNT(methods));
	tcase_add_test(t, refuses_what_goes_beyond_its_limits);
	add_ends(t);
	suite_add_tcase(s, t);
	tcase_set_timeout(tls, 60);
	tcase_add_unchecked_fixture(tls, make_certs, folder_remove);
	tcase_add_checked_fixture(tls, setup, teardown);
	tcase_add_loop_test(tls, shows_the_session_to_whom_it_trusts, 0, (int)TP_COUNT(trust));
	suite_add_tcase(s, tls);
	return s;
}

int main(void)
{
	return check_run(requestor_suite());
}
