/* SPDX-License-Identifier: MIT */
/*
 * In the place of a 401 of the authorizer: who is sent to the login page, where exactly, and who is
 * refused as before.
 */
#include "http/login_redirect.h"

#include "http/authorizer.h"
#include "support/check_run.h"
#include "support/http_rig.h"

#include <stdio.h>

#include "base/banned.h"

#define HTML "HTTP_ACCEPT=text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

static struct http_rig h;

static void open_rig(void)
{
	http_rig_open(&h);
	h.spec.login_url = "/login";
	http_rig_site(&h);
}

static void release_rig(void)
{
	http_rig_release(&h);
}

/* The answer of the authorizer to a method and two variables, which may be NULL. */
static const char *ask(const char *method, const char *uri, const char *one, const char *two)
{
	char pair[4096];
	const char *extra[6] = { "SCRIPT_NAME=", "QUERY_STRING=", pair, NULL, NULL, NULL };

	snprintf(pair, sizeof(pair), "REQUEST_URI=%s", uri);
	extra[3] = one != NULL ? one : two;
	extra[4] = one != NULL ? two : NULL;
	http_rig_request(&h, method, "/", NULL, extra);
	authorizer_serve(&h.site, &h.rig.a, h.env, &h.resp);
	return http_rig_answer(&h);
}

static const char *redirect(const char *location)
{
	static char text[1024];
	int n = snprintf(text, sizeof(text),
			 "Status: 303 See Other\r\n"
			 "Location: %s\r\n"
			 "Cache-Control: no-store\r\n"
			 "Vary: Origin\r\n"
			 "X-Request-ID: req-1\r\n"
			 "Content-Length: 0\r\n"
			 "\r\n",
			 location);

	ck_assert(n > 0 && (size_t)n < sizeof(text));
	return text;
}

static const char *refusal(void)
{
	return http_want("401 Unauthorized", "WWW-Authenticate: Bearer\r\n",
			 "{\"detail\":\"Not authenticated\"}");
}

static const struct {
	const char *login_url, *uri, *location;
} ways[] = {
	{ "/login", "/app/", "/login?return_to=/app/" },
	{ "/login", "/app/x?a=b&c=%20", "/login?return_to=/app/x%3Fa%3Db%26c%3D%2520" },
	{ "/login?theme=dark", "/app", "/login?theme=dark&return_to=/app" },
	{ "https://id.example.org/login", "/app", "https://id.example.org/login?return_to=/app" },
	{ "/login", "/login/x", "/login?return_to=/login/x" },
	{ "/login", "/Login", "/login?return_to=/Login" },
};

START_TEST(a_browser_is_sent_to_the_login_page)
{
	h.spec.login_url = ways[_i].login_url;
	http_rig_site(&h);
	ck_assert_str_eq(ask("GET", ways[_i].uri, HTML, NULL), redirect(ways[_i].location));
	ck_assert(http_logged(&h, "event=access.redirected"));
}
END_TEST

/* What cannot be returned to is left out, and what cannot be judged is 403, and stays it. */
START_TEST(a_path_that_leads_elsewhere_is_not_carried_along)
{
	ck_assert_str_eq(ask("GET", "//evil.example/", HTML, NULL), redirect("/login"));
	ask("GET", "/a/%2e%2e/b", HTML, NULL);
	ck_assert_int_eq(h.resp.status, 403);
}
END_TEST

static const struct {
	const char *one, *two;
	bool navigates;
} visitors[] = {
	{ HTML, NULL, true },
	{ "HTTP_ACCEPT=text/html", NULL, true },
	{ "HTTP_ACCEPT=TEXT/HTML", NULL, true },
	{ "HTTP_ACCEPT= application/json , text/html ; q=0.1", NULL, true },
	{ "HTTP_ACCEPT=text/html;level=1;q=1", NULL, true },
	{ "HTTP_ACCEPT=text/html;q=0.001", NULL, true },
	{ "HTTP_ACCEPT=text/html;q=0", NULL, false },
	{ "HTTP_ACCEPT=text/html; Q=0.000", NULL, false },
	{ "HTTP_ACCEPT=*/*", NULL, false },
	{ "HTTP_ACCEPT=text/*", NULL, false },
	{ "HTTP_ACCEPT=application/json", NULL, false },
	{ "HTTP_ACCEPT=text/htmlx", NULL, false },
	{ "HTTP_ACCEPT=xtext/html", NULL, false },
	{ "HTTP_ACCEPT=application/json;x=text/html", NULL, false },
	{ "HTTP_ACCEPT=", NULL, false },
	{ NULL, NULL, false },
	{ "HTTP_SEC_FETCH_MODE=navigate", NULL, true },
	{ "HTTP_SEC_FETCH_MODE=navigate", "HTTP_SEC_FETCH_DEST=document", true },
	{ "HTTP_SEC_FETCH_MODE=navigate", "HTTP_ACCEPT=application/json", true },
	{ "HTTP_SEC_FETCH_MODE=navigate", "HTTP_SEC_FETCH_DEST=iframe", false },
	{ "HTTP_SEC_FETCH_MODE=cors", HTML, false },
	{ "HTTP_SEC_FETCH_MODE=no-cors", "HTTP_SEC_FETCH_DEST=image", false },
	{ "HTTP_SEC_FETCH_DEST=empty", HTML, false },
	{ "HTTP_SEC_FETCH_DEST=document", HTML, true },
	{ "HTTP_SEC_FETCH_DEST=document", NULL, false },
};

START_TEST(only_a_navigation_is_sent)
{
	ck_assert_str_eq(ask("GET", "/app", visitors[_i].one, visitors[_i].two),
			 visitors[_i].navigates ? redirect("/login?return_to=/app") : refusal());
}
END_TEST

START_TEST(head_is_sent_like_get_and_no_other_method_is)
{
	static const char *const methods[] = { "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND" };

	ck_assert_str_eq(ask("HEAD", "/app", HTML, NULL), redirect("/login?return_to=/app"));
	for (size_t i = 0; i < TP_COUNT(methods); i++)
		ck_assert_str_eq(ask(methods[i], "/app", HTML, "HTTP_SEC_FETCH_MODE=navigate"),
				 refusal());
}
END_TEST

START_TEST(a_credential_that_does_not_hold_is_sent_too)
{
	ck_assert_str_eq(
		ask("GET", "/app", HTML, "HTTP_COOKIE=user_id=user_099; access_token=gone"),
		redirect("/login?return_to=/app"));
	ck_assert_str_eq(ask("GET", "/app", HTML, "HTTP_AUTHORIZATION=Bearer nonsense"),
			 redirect("/login?return_to=/app"));
	ck_assert_str_eq(ask("GET", "/app", HTML, "HTTP_COOKIE=user_id=a; user_id=b"),
			 redirect("/login?return_to=/app"));
}
END_TEST

START_TEST(the_login_page_itself_is_not_sent_to_itself)
{
	ck_assert_str_eq(ask("GET", "/login", HTML, NULL), refusal());
	ck_assert_str_eq(ask("GET", "/login?return_to=/app", HTML, NULL), refusal());
	h.spec.login_url = "/login?theme=dark";
	http_rig_site(&h);
	ck_assert_str_eq(ask("GET", "/login?return_to=/app", HTML, NULL), refusal());
}
END_TEST

START_TEST(mod_fcgid_is_told_401_for_it_says_that_anyway)
{
	ck_assert_str_eq(ask("GET", "/app", HTML, "FCGI_APACHE_ROLE=ACCESS_CHECKER"), refusal());
	ck_assert_str_eq(ask("GET", "/app", HTML, "FCGI_APACHE_ROLE=AUTHORIZER"), refusal());
	ck_assert_str_eq(ask("GET", "/app", HTML, "FCGI_APACHE_ROLE=AUTHENTICATOR"),
			 redirect("/login?return_to=/app"));
}
END_TEST

START_TEST(without_a_login_url_everybody_is_refused)
{
	h.spec.login_url = NULL;
	http_rig_site(&h);
	ck_assert_str_eq(ask("GET", "/app", HTML, NULL), refusal());
}
END_TEST

START_TEST(trouble_and_missing_scopes_are_never_a_redirect)
{
	static const char *const scopes[] = { "admin", NULL };
	struct session_minted m;

	h.spec.required_scopes = scopes;
	http_rig_site(&h);
	rig_login(&h.rig, "user_099", "user:read", &m);
	ask("GET", "/app", HTML, http_cookies("user_099", secret_view(&m.handle)));
	ck_assert_int_eq(h.resp.status, 403);
	rig_store_fail(&h.rig, RIG_DEAD, 0);
	ask("GET", "/app", HTML, http_cookies("user_099", secret_view(&m.handle)));
	ck_assert_int_eq(h.resp.status, 503);
	session_minted_release(&m);
}
END_TEST

START_TEST(a_session_passes)
{
	struct session_minted m;

	rig_login(&h.rig, "user_099", "user:read", &m);
	ask("GET", "/app", HTML, http_cookies("user_099", secret_view(&m.handle)));
	ck_assert_int_eq(h.resp.status, 200);
	session_minted_release(&m);
}
END_TEST

/* Endpoints of our own answer as ever: who asks them is a program. */
START_TEST(an_endpoint_redirects_nobody)
{
	ck_assert_str_eq(
		http_ask(&h, "GET", "/userinfo", NULL, (const char *const[]){ HTML, NULL }),
		refusal());
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("login_redirect");
	TCase *t = tcase_create("login_redirect");

	tcase_add_checked_fixture(t, open_rig, release_rig);
	tcase_add_loop_test(t, a_browser_is_sent_to_the_login_page, 0, (int)TP_COUNT(ways));
	tcase_add_test(t, a_path_that_leads_elsewhere_is_not_carried_along);
	tcase_add_loop_test(t, only_a_navigation_is_sent, 0, (int)TP_COUNT(visitors));
	tcase_add_test(t, head_is_sent_like_get_and_no_other_method_is);
	tcase_add_test(t, a_credential_that_does_not_hold_is_sent_too);
	tcase_add_test(t, the_login_page_itself_is_not_sent_to_itself);
	tcase_add_test(t, mod_fcgid_is_told_401_for_it_says_that_anyway);
	tcase_add_test(t, without_a_login_url_everybody_is_refused);
	tcase_add_test(t, trouble_and_missing_scopes_are_never_a_redirect);
	tcase_add_test(t, a_session_passes);
	tcase_add_test(t, an_endpoint_redirects_nobody);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
