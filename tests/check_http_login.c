/* SPDX-License-Identifier: MIT */
/*
 * The login page: the form, what it answers, where it leads, and the way out.
 */
#include "base/codec.h"
#include "http/page.h"
#include "support/check_run.h"
#include "support/http_rig.h"

#include <stdio.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define LOGIN	 "username=ann&password=pass-marker"

#define COOKIES_GONE                                                                       \
	"Set-Cookie: user_id=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; "      \
	"Max-Age=0; Path=/; SameSite=strict; Secure\r\n"                                   \
	"Set-Cookie: access_token=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; " \
	"Max-Age=0; Path=/; SameSite=strict; Secure\r\n"

static struct http_rig h;
static struct session_minted m; /* a session of user_099 */

static void open_rig(void)
{
	http_rig_open(&h);
	h.spec.path[HTTP_PATH_LOGIN_PAGE] = "/login";
	h.spec.title = "Tea & Co";
	http_rig_site(&h);
	rig_login(&h.rig, "user_099", "user:read", &m);
}

static void release_rig(void)
{
	session_minted_release(&m);
	http_rig_release(&h);
}

static const char *cookies(void)
{
	return http_cookies("user_099", secret_view(&m.handle));
}

static bool lives(struct span handle)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);

	return rig_get(&h.rig, "user_099", handle, &value);
}

/* ck_assert_str_eq() has no room for two pages. */
static void ck_same(const char *got, const char *want)
{
	size_t n = 0;

	while (got[n] != '\0' && got[n] == want[n])
		n++;
	ck_assert_msg(got[n] == want[n], "from byte %zu on: %.200s\n--- instead of ---\n%.200s", n,
		      got + n, want + n);
}

/* What the page is filled with, but for title and action. */
struct shown {
	const char *user, *username, *scope, *return_to, *message;
};

static void put_style_hash(struct buf *out)
{
	const char *style = strstr(page_login, "<style>") + 7;
	unsigned char digest[DIGEST_SHA256];

	codec_sha256((struct span){ style, (size_t)(strstr(style, "</style>") - style) }, digest);
	codec_b64_put(out, (struct span){ (const char *)digest, sizeof(digest) });
}

/* The whole answer with this page; headers: the lines behind those that each page has. */
static const char *want_page(const char *status, const char *headers, struct shown s)
{
	static char text[16384];
	TP_CLEANUP(buf_release) struct buf body = BUF_INIT(16000);
	TP_CLEANUP(buf_release) struct buf hash = BUF_INIT(100);
	const struct page_value values[] = {
		{ "title", SPAN_LIT("Tea & Co") }, { "action", SPAN_LIT("./login") },
		{ "user", span_of(s.user) },	   { "username", span_of(s.username) },
		{ "scope", span_of(s.scope) },	   { "return_to", span_of(s.return_to) },
		{ "message", span_of(s.message) },
	};
	int n;

	page_render(span_of(page_login), values, TP_COUNT(values), &body);
	put_style_hash(&hash);
	n = snprintf(text, sizeof(text),
		     "Status: %s\r\n"
		     "Content-Type: text/html; charset=utf-8\r\n"
		     "Content-Security-Policy: default-src 'none'; style-src 'sha256-%s'; "
		     "form-action 'self'; frame-ancestors 'none'; base-uri 'none'\r\n"
		     "X-Content-Type-Options: nosniff\r\n"
		     "Referrer-Policy: same-origin\r\n"
		     "%s"
		     "Cache-Control: no-store\r\n"
		     "Vary: Origin\r\n"
		     "X-Request-ID: req-1\r\n"
		     "Content-Length: %zu\r\n"
		     "\r\n"
		     "%s",
		     status, buf_cstr(&hash), headers, body.len, buf_cstr(&body));
	ck_assert(n > 0 && (size_t)n < sizeof(text));
	return text;
}

static const char *want_redirect(const char *location, const char *cookie_lines)
{
	static char text[2048];
	int n = snprintf(text, sizeof(text),
			 "Status: 303 See Other\r\n"
			 "%s"
			 "Location: %s\r\n"
			 "Cache-Control: no-store\r\n"
			 "Vary: Origin\r\n"
			 "X-Request-ID: req-1\r\n"
			 "Content-Length: 0\r\n"
			 "\r\n",
			 cookie_lines, location);

	ck_assert(n > 0 && (size_t)n < sizeof(text));
	return text;
}

/* The handle in the answer's cookies. */
static struct span new_handle(void)
{
	const char *at = strstr(buf_cstr(&h.resp.headers), "Set-Cookie: access_token=");

	ck_assert_ptr_nonnull(at);
	at += strlen("Set-Cookie: access_token=");
	return (struct span){ at, strcspn(at, ";") };
}

static void ck_logged_in(const char *answer, const char *location)
{
	struct span handle = new_handle();
	char lines[512];

	ck_assert_uint_eq(handle.len, 43);
	ck_assert(lives(handle));
	snprintf(lines, sizeof(lines),
		 "Set-Cookie: user_id=user_099; HttpOnly; Path=/; SameSite=strict; Secure\r\n"
		 "Set-Cookie: access_token=%.*s; HttpOnly; Path=/; SameSite=strict; Secure\r\n",
		 (int)handle.len, handle.p);
	ck_same(answer, want_redirect(location, lines));
}

/* ---- a visit ---- */

START_TEST(a_visitor_gets_the_form)
{
	ck_same(http_ask(&h, "GET", "/login", NULL, NULL),
		want_page("200 OK", "", (struct shown){ 0 }));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&h.resp.body), "<title>Log in &ndash; Tea &amp; Co"));
	ck_assert_ptr_nonnull(
		strstr(buf_cstr(&h.resp.body), "<form method=\"post\" action=\"./login\">"));
	ck_assert_str_eq(h.log, "");
}
END_TEST

static const struct {
	const char *target, *return_to; /* NULL: none is taken */
} visits[] = {
	{ "/login?return_to=/app", "/app" },
	{ "/login?return_to=%2Fapp%3Fx%3D1%26y%3D2", "/app?x=1&y=2" },
	{ "/login?x=y&return_to=/%22%3E%3Cscript%3E", "/\"><script>" },
	{ "/login?return_to=", NULL },
	{ "/login?return_to=app", NULL },
	{ "/login?return_to=//evil.example", NULL },
	{ "/login?return_to=/%5Cevil.example", NULL },
	{ "/login?return_to=/%09/evil.example", NULL },
	{ "/login?return_to=/%252fevil.example", NULL },
	{ "/login?return_to=https://evil.example/", NULL },
	{ "/login?return_to=javascript:alert(1)", NULL },
	{ "/login?return_to=/app&return_to=/app", NULL },
	{ "/login?return_to=%", NULL },
	{ "/login?username=ann&scope=x", NULL },
};

START_TEST(a_visitor_brings_a_place_to_return_to)
{
	ck_same(http_ask(&h, "GET", visits[_i].target, NULL, NULL),
		want_page("200 OK", "", (struct shown){ .return_to = visits[_i].return_to }));
}
END_TEST

START_TEST(a_visitor_with_a_session_is_told_so)
{
	ck_same(http_ask(&h, "GET", "/login?return_to=/app", NULL, ENV(cookies())),
		want_page("200 OK", "", (struct shown){ .user = "Admin", .return_to = "/app" }));
	ck_assert_ptr_null(strstr(buf_cstr(&h.resp.body), "password"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&h.resp.body), "name=\"logout\""));
}
END_TEST

START_TEST(a_session_shows_its_user_name_escaped)
{

	rig_put_signed(&h.rig, "user_1", "handle-1",
		       "{\"user_id\":\"user_1\",\"username\":\"<b>Ann</b>\",\"iss\":\"" RIG_ISSUER
		       "\",\"iat\":1800000000,\"exp\":1800086400,\"token_type\":\"access\"}",
		       1000);
	ck_same(http_ask(&h, "GET", "/login", NULL,
			 ENV(http_cookies("user_1", SPAN_LIT("handle-1")))),
		want_page("200 OK", "", (struct shown){ .user = "<b>Ann</b>" }));
	ck_assert_ptr_nonnull(
		strstr(buf_cstr(&h.resp.body), "<strong>&lt;b&gt;Ann&lt;/b&gt;</strong>"));
}
END_TEST

START_TEST(cookies_without_a_session_get_the_form)
{
	static const char *const nobody[] = {
		"HTTP_COOKIE=user_id=user_099; access_token=gone",
		"HTTP_COOKIE=user_id=user_099",
		"HTTP_COOKIE=user_id=a; user_id=b; access_token=x",
		"HTTP_AUTHORIZATION=Bearer nonsense",
	};

	for (size_t i = 0; i < TP_COUNT(nobody); i++)
		ck_same(http_ask(&h, "GET", "/login", NULL, ENV(nobody[i])),
			want_page("200 OK", "", (struct shown){ 0 }));
}
END_TEST

/* Links from other pages and the authorizer's redirect are visits like any other. */
START_TEST(a_visitor_may_come_from_anywhere)
{
	static const char *const from[] = {
		"HTTP_SEC_FETCH_SITE=cross-site",
		"HTTP_SEC_FETCH_SITE=same-site",
		"HTTP_ORIGIN=null",
		"HTTP_ORIGIN=https://evil.example",
	};

	for (size_t i = 0; i < TP_COUNT(from); i++)
		ck_same(http_ask(&h, "GET", "/login", NULL, ENV(from[i])),
			want_page("200 OK", "", (struct shown){ 0 }));
}
END_TEST

START_TEST(head_is_get_without_the_page)
{
	char want[16384];
	char *end;

	snprintf(want, sizeof(want), "%s", want_page("200 OK", "", (struct shown){ 0 }));
	end = strstr(want, "\r\n\r\n");
	end[4] = '\0';
	ck_same(http_ask(&h, "HEAD", "/login", NULL, NULL), want);
}
END_TEST

START_TEST(without_its_store_nobody_is_taken_for_logged_out)
{
	rig_store_fail(&h.rig, RIG_DEAD, 0);
	ck_same(http_ask(&h, "GET", "/login", NULL, ENV(cookies())),
		want_page("503 Service Unavailable", "Retry-After: 5\r\n",
			  (struct shown){ .message = "The service is not available right now. "
						     "Try again shortly." }));
	ck_assert(http_logged(&h, "event=request.failed"));
	ck_same(http_ask(&h, "GET", "/login", NULL, NULL),
		want_page("200 OK", "", (struct shown){ 0 }));
}
END_TEST

START_TEST(there_is_no_page_unless_one_was_asked_for)
{
	const char *not_found = http_want_error("404 Not Found", "", "not_found", "Not Found");

	h.spec.path[HTTP_PATH_LOGIN_PAGE] = NULL;
	http_rig_site(&h);
	ck_same(http_ask(&h, "GET", "/login", NULL, NULL), not_found);
	h.spec.path[HTTP_PATH_LOGIN_PAGE] = "/login";
	h.spec.issues = false;
	http_rig_site(&h);
	ck_same(http_ask(&h, "GET", "/login", NULL, NULL), not_found);
	ck_same(http_ask(&h, "POST", "/login", LOGIN, NULL), not_found);
}
END_TEST

START_TEST(the_form_leads_to_itself_below_every_mount)
{
	h.spec.path[HTTP_PATH_LOGIN_PAGE] = "/my/log:in";
	http_rig_site(&h);
	http_ask(&h, "GET", "", NULL,
		 ENV("SCRIPT_NAME=/cgi-bin/tpauth.cgi", "PATH_INFO=/my/log:in"));
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&h.resp.body), " action=\"./log:in\">"));
}
END_TEST

/* ---- a login ---- */

static const struct {
	const char *body, *location;
} logins[] = {
	{ LOGIN, "./login" },
	{ LOGIN "&return_to=/app", "/app" },
	{ LOGIN "&return_to=/app?x%3D1%26y%3D%2522%23z", "/app?x=1&y=%22#z" },
	{ LOGIN "&return_to=", "./login" },
	{ LOGIN "&return_to=//evil.example", "./login" },
	{ LOGIN "&return_to=/%5cevil.example", "./login" },
	{ LOGIN "&return_to=https://evil.example", "./login" },
	{ LOGIN "&return_to=/a%0d%0aSet-Cookie:%20x", "./login" },
	{ LOGIN "&scope=user:read", "./login" },
};

START_TEST(a_login_sets_the_cookies_and_goes_back)
{
	ck_logged_in(http_ask(&h, "POST", "/login", logins[_i].body, NULL), logins[_i].location);
	ck_same(h.rig.username, "ann");
	ck_same(h.rig.password, "pass-marker");
	ck_assert(http_logged(&h, "event=login.ok"));
	ck_assert(!http_logged(&h, "pass-marker"));
}
END_TEST

START_TEST(a_return_to_in_the_query_of_a_login_is_not_looked_at)
{
	ck_logged_in(http_ask(&h, "POST", "/login?return_to=/app", LOGIN, NULL), "./login");
}
END_TEST

START_TEST(a_login_from_our_own_page_or_a_listed_one_is_taken)
{
	static const char *const from[] = {
		"HTTP_ORIGIN=https://auth.example.org",
		"HTTP_ORIGIN=https://app.example.org",
		"HTTP_SEC_FETCH_SITE=same-origin",
		"HTTP_SEC_FETCH_SITE=none",
	};

	for (size_t i = 0; i < TP_COUNT(from); i++) {
		http_ask(&h, "POST", "/login", LOGIN, ENV(from[i]));
		ck_assert_int_eq(h.resp.status, 303);
	}
}
END_TEST

START_TEST(a_login_from_a_foreign_page_is_refused)
{
	static const char *const from[] = {
		"HTTP_ORIGIN=https://evil.example",
		"HTTP_ORIGIN=null",
		"HTTP_SEC_FETCH_SITE=cross-site",
		"HTTP_SEC_FETCH_SITE=same-site",
	};
	const char *want = http_want_error("403 Forbidden", "", "access_denied",
					   "Requests from this origin are not accepted");

	for (size_t i = 0; i < TP_COUNT(from); i++) {
		ck_same(http_ask(&h, "POST", "/login", LOGIN, ENV(from[i])), want);
		ck_same(http_ask(&h, "POST", "/login", "logout=yes", ENV(from[i], cookies())),
			want);
	}
	ck_assert_int_eq(h.rig.asked, 0);
	ck_assert(lives(secret_view(&m.handle)));
}
END_TEST

/* "*" in CORS_URLS never goes with cookies, and they are what a logout is about. */
START_TEST(a_logout_from_any_page_is_refused_even_where_any_may_log_in)
{
	const char *from = "HTTP_ORIGIN=https://evil.example";

	h.site.cors_any = true;
	http_ask(&h, "POST", "/login", "logout=yes", ENV(from, cookies()));
	ck_assert_int_eq(h.resp.status, 403);
	ck_assert_ptr_null(strstr(buf_cstr(&h.resp.headers), "Set-Cookie"));
	ck_assert(lives(secret_view(&m.handle)));
}
END_TEST

START_TEST(a_login_ends_the_session_that_it_replaces)
{
	ck_logged_in(http_ask(&h, "POST", "/login", LOGIN, ENV(cookies())), "./login");
	ck_assert(!lives(secret_view(&m.handle)));
}
END_TEST

#define INCOMPLETE "The form is not complete. Enter your user name and password."
#define UNREADABLE "The form could not be read."

static const struct {
	const char *body, *env, *status;
	struct shown shown;
} failures[] = {
	{ "", NULL, "400 Bad Request", { .message = INCOMPLETE } },
	{ "username=ann&return_to=/app",
	  NULL,
	  "400 Bad Request",
	  { .username = "ann", .return_to = "/app", .message = INCOMPLETE } },
	{ "username=&password=x", NULL, "400 Bad Request", { .message = INCOMPLETE } },
	{ "username=a&username=b&password=x", NULL, "400 Bad Request", { .message = INCOMPLETE } },
	{ "username=%", NULL, "400 Bad Request", { .message = INCOMPLETE } },
	{ LOGIN "&grant_type=code",
	  NULL,
	  "400 Bad Request",
	  { .username = "ann", .message = UNREADABLE } },
	{ LOGIN "&scope=admin+%3C",
	  NULL,
	  "400 Bad Request",
	  { .username = "ann",
	    .scope = "admin <",
	    .message = "None of the permissions that were asked for can be given." } },
	{ LOGIN,
	  "CONTENT_TYPE=text/plain",
	  "415 Unsupported Media Type",
	  { .message = UNREADABLE } },
	{ LOGIN,
	  "CONTENT_LENGTH=65537",
	  "413 Content Too Large",
	  { .message = "What was sent is too long." } },
	{ LOGIN, "CONTENT_LENGTH=500", "400 Bad Request", { .message = INCOMPLETE } },
};

START_TEST(a_failed_login_shows_the_form_and_why)
{
	const char *got = http_ask(&h, "POST", "/login", failures[_i].body,
				   failures[_i].env != NULL ? ENV(failures[_i].env) : NULL);

	ck_same(got, want_page(failures[_i].status, "", failures[_i].shown));
}
END_TEST

START_TEST(credentials_in_the_query_are_refused)
{
	ck_same(http_ask(&h, "POST", "/login?password=x", LOGIN, NULL),
		want_page("400 Bad Request", "",
			  (struct shown){ .username = "ann", .message = INCOMPLETE }));
}
END_TEST

START_TEST(a_wrong_password_shows_the_name_and_never_the_password)
{
	rig_handler_says(&h.rig, TP_DENIED, NULL);
	ck_same(http_ask(&h, "POST", "/login",
			 "username=%22%3E%3Cscript%3E&password=pass-marker&return_to=/app", NULL),
		want_page("400 Bad Request", "",
			  (struct shown){ .username = "\"><script>",
					  .return_to = "/app",
					  .message = "The user name or the password is wrong." }));
	ck_assert_ptr_nonnull(
		strstr(buf_cstr(&h.resp.body), " value=\"&quot;&gt;&lt;script&gt;\""));
	ck_assert_ptr_null(strstr(http_rig_answer(&h), "pass-marker"));
	ck_assert_ptr_null(strstr(http_rig_answer(&h), "<script"));
	ck_assert_ptr_null(strstr(http_rig_answer(&h), "Set-Cookie"));
	ck_assert(http_logged(&h, "event=login.refused"));
	ck_assert(http_logged(&h, "reason=\"the token handler was told to say so\""));
	ck_assert(!http_logged(&h, "pass-marker"));
}
END_TEST

START_TEST(who_guesses_has_to_wait_and_is_told_how_long)
{
	rig_handler_says(&h.rig, TP_DENIED, NULL);
	for (int i = 0; i < 6; i++)
		http_ask(&h, "POST", "/login", LOGIN, NULL);
	ck_same(http_ask(&h, "POST", "/login", LOGIN, NULL),
		want_page("429 Too Many Requests", "Retry-After: 1\r\n",
			  (struct shown){ .username = "ann",
					  .message = "Too many attempts. Try again in "
						     "1 second." }));
	for (int i = 0; i < 20; i++) {
		h.rig.now += 900;
		http_ask(&h, "POST", "/login", LOGIN, NULL);
	}
	ck_same(http_ask(&h, "POST", "/login", LOGIN, NULL),
		want_page("429 Too Many Requests", "Retry-After: 900\r\n",
			  (struct shown){ .username = "ann",
					  .message = "Too many attempts. Try again in "
						     "15 minutes." }));
}
END_TEST

START_TEST(trouble_of_the_store_or_the_handler_is_503)
{
	const struct shown shown = {
		.username = "ann",
		.message = "The service is not available right now. Try again shortly.",
	};

	rig_handler_says(&h.rig, TP_UNAVAILABLE, NULL);
	ck_same(http_ask(&h, "POST", "/login", LOGIN, NULL),
		want_page("503 Service Unavailable", "Retry-After: 5\r\n", shown));
	rig_store_fail(&h.rig, RIG_DEAD, 0);
	ck_same(http_ask(&h, "POST", "/login", LOGIN, NULL),
		want_page("503 Service Unavailable", "Retry-After: 5\r\n", shown));
}
END_TEST

/* ---- the way out ---- */

START_TEST(a_logout_ends_the_session_and_shows_the_form)
{
	ck_same(http_ask(&h, "POST", "/login", "logout=yes", ENV(cookies())),
		want_redirect("./login", COOKIES_GONE));
	ck_assert(!lives(secret_view(&m.handle)));
	ck_assert(http_logged(&h, "event=logout.ok"));
	ck_assert(http_logged(&h, "user=user_099"));
}
END_TEST

START_TEST(a_logout_without_a_session_takes_the_cookies_all_the_same)
{
	static const char *const nobody[] = {
		"HTTP_COOKIE=user_id=user_099; access_token=gone",
		"HTTP_COOKIE=user_id=a; user_id=b; access_token=x",
		"HTTP_COOKIE=x=y",
	};

	for (size_t i = 0; i < TP_COUNT(nobody); i++)
		ck_same(http_ask(&h, "POST", "/login", "logout=", ENV(nobody[i])),
			want_redirect("./login", COOKIES_GONE));
	ck_assert(lives(secret_view(&m.handle)));
}
END_TEST

START_TEST(a_logout_that_the_store_did_not_take_keeps_the_cookies)
{
	for (int trip = 1; trip <= 2; trip++) {
		rig_store_fail(&h.rig, RIG_DEAD, trip);
		ck_same(http_ask(&h, "POST", "/login", "logout=yes", ENV(cookies())),
			want_page("503 Service Unavailable", "Retry-After: 5\r\n",
				  (struct shown){ .user = "user_099",
						  .message = "You could not be logged out. "
							     "Try again shortly." }));
		ck_assert(lives(secret_view(&m.handle)));
	}
}
END_TEST

START_TEST(another_method_is_refused)
{
	ck_same(http_ask(&h, "DELETE", "/login", NULL, NULL),
		http_want_error("405 Method Not Allowed", "Allow: GET, HEAD, POST\r\n",
				"method_not_allowed", "Method Not Allowed"));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_login");
	TCase *t = tcase_create("http_login");

	tcase_add_checked_fixture(t, open_rig, release_rig);
	tcase_add_test(t, a_visitor_gets_the_form);
	tcase_add_loop_test(t, a_visitor_brings_a_place_to_return_to, 0, (int)TP_COUNT(visits));
	tcase_add_test(t, a_visitor_with_a_session_is_told_so);
	tcase_add_test(t, a_session_shows_its_user_name_escaped);
	tcase_add_test(t, cookies_without_a_session_get_the_form);
	tcase_add_test(t, a_visitor_may_come_from_anywhere);
	tcase_add_test(t, head_is_get_without_the_page);
	tcase_add_test(t, without_its_store_nobody_is_taken_for_logged_out);
	tcase_add_test(t, there_is_no_page_unless_one_was_asked_for);
	tcase_add_test(t, the_form_leads_to_itself_below_every_mount);
	tcase_add_loop_test(t, a_login_sets_the_cookies_and_goes_back, 0, (int)TP_COUNT(logins));
	tcase_add_test(t, a_return_to_in_the_query_of_a_login_is_not_looked_at);
	tcase_add_test(t, a_login_from_our_own_page_or_a_listed_one_is_taken);
	tcase_add_test(t, a_login_from_a_foreign_page_is_refused);
	tcase_add_test(t, a_logout_from_any_page_is_refused_even_where_any_may_log_in);
	tcase_add_test(t, a_login_ends_the_session_that_it_replaces);
	tcase_add_loop_test(t, a_failed_login_shows_the_form_and_why, 0, (int)TP_COUNT(failures));
	tcase_add_test(t, credentials_in_the_query_are_refused);
	tcase_add_test(t, a_wrong_password_shows_the_name_and_never_the_password);
	tcase_add_test(t, who_guesses_has_to_wait_and_is_told_how_long);
	tcase_add_test(t, trouble_of_the_store_or_the_handler_is_503);
	tcase_add_test(t, a_logout_ends_the_session_and_shows_the_form);
	tcase_add_test(t, a_logout_without_a_session_takes_the_cookies_all_the_same);
	tcase_add_test(t, a_logout_that_the_store_did_not_take_keeps_the_cookies);
	tcase_add_test(t, another_method_is_refused);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
