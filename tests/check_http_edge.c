/* SPDX-License-Identifier: MIT */
/*
 * What a program sees of a request over HTTP, and which headers it may add to the answer. A route
 * of the test shows what it was told to ask for.
 */
#include "http/edge.h"

#include "support/check_run.h"
#include "support/http_rig.h"

#include <stdio.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct http_rig h;
static enum edge_kind kind;
static const char *ask_header, *ask_query, *ask_form, *add_name, *add_value;

static void setup(void)
{
	http_rig_open(&h);
	kind = EDGE_HOOK;
	ask_header = ask_query = ask_form = add_name = add_value = NULL;
}

static void teardown(void)
{
	http_rig_release(&h);
}

static void show(struct buf *out, const char *name, struct span s)
{
	buf_str(out, name);
	if (s.p == NULL)
		buf_str(out, "-");
	else
		buf_printf(out, "<%.*s>", (int)s.len, s.p);
	buf_char(out, '\n');
}

/* Twice each, since what was read once must read the same again. */
static enum tp_rc show_edge(struct http_call *c, struct tp_err *err)
{
	TP_CLEANUP(edge_release) struct edge e;
	struct buf *out = &c->resp->body;
	enum tp_rc rc = TP_OK;

	edge_init(&e, c, kind, NULL);
	c->resp->status = 200;
	show(out, "method=", e.base.method);
	show(out, "path=", e.base.path);
	show(out, "remote=", e.base.remote_addr);
	show(out, "id=", e.base.request_id);
	for (int i = 0; i < 2; i++) {
		if (ask_header != NULL)
			show(out, "header=", e.base.header(e.base.arg, span_of(ask_header)));
		if (ask_query != NULL)
			show(out, "query=", e.base.query(e.base.arg, ask_query));
		if (ask_form != NULL)
			show(out, "form=", e.base.form(e.base.arg, ask_form));
		if (ask_form != NULL)
			show(out, "body=", e.base.body(e.base.arg));
	}
	if (add_name != NULL)
		rc = e.base.add_header(e.base.arg, add_name, span_of(add_value), err);
	return rc;
}

static const struct route route = { .path = HTTP_PATH_TOKEN,
				    .methods = HTTP_ANY,
				    .handler = show_edge };

static const char *shown(const char *target, const char *body, const char *const *extra)
{
	h.routes = &route;
	h.n_routes = 1;
	http_ask(&h, "POST", target, body, extra);
	return buf_cstr(&h.resp.body);
}

#define HEAD	 "method=<POST>\npath=</token>\nremote=<192.0.2.1>\nid=<req-1>\n"
#define TWICE(s) s s

static const struct {
	const char *name, *value; /* NULL: absent */
	const char *env[4];
} headers[] = {
	{ "X-Color", "red", { "HTTP_X_COLOR=red" } },
	{ "x-color", "red", { "HTTP_X_COLOR=red" } },
	{ "X-COLOR", "red", { "HTTP_X_COLOR=red" } },
	{ "X-Color", NULL, { "HTTP_X_COLORS=red", "X_COLOR=red", "HTTP_COLOR=x" } },
	{ "X-Color", NULL, { "HTTP_X_COLOR=red", "HTTP_X_COLOR=blue" } },
	{ "X-Color", NULL, { "HTTP_X_COLOR=red", "HTTP_X_COLOR=red" } },
	{ "X-Color", NULL, { "HTTP_X_COLOR=" } },
	{ "Content-Type", "text/plain", { "CONTENT_TYPE=text/plain", "HTTP_CONTENT_TYPE=x/y" } },
	{ "content-length", "2", { "CONTENT_LENGTH=2" } },
	{ "Authorization", "Basic eA==", { "HTTP_AUTHORIZATION=Basic eA==" } },
	{ "authorization", "Basic eA==", { "REDIRECT_HTTP_AUTHORIZATION=Basic eA==" } },
	{ "Cookie", "a=b", { "HTTP_COOKIE=a=b" } },
	{ "", NULL, { "HTTP_=x" } },
	{ "A=", NULL, { "HTTP_A==x" } },
	{ "A\r", NULL, { "HTTP_A\r=x" } },
	{ "Remote-Addr", NULL, { NULL } },
	{ "Tpauth-Method", NULL, { "TPAUTH_METHOD=GET" } },
};

START_TEST(sees_a_header_that_came_once)
{
	char want[512];

	ask_header = headers[_i].name;
	if (headers[_i].value != NULL)
		snprintf(want, sizeof(want), HEAD "header=<%s>\nheader=<%s>\n", headers[_i].value,
			 headers[_i].value);
	else
		snprintf(want, sizeof(want), HEAD TWICE("header=-\n"));
	ck_assert_str_eq(shown("/token", "{}", headers[_i].env), want);
}
END_TEST

START_TEST(a_name_longer_than_any_is_none)
{
	char name[300];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ask_header = name;
	ck_assert_str_eq(shown("/token", NULL, NULL), HEAD TWICE("header=-\n"));
}
END_TEST

static const struct {
	const char *target, *name, *value;
} queries[] = {
	{ "/token?a=b%20c&d=e", "a", "query=<b c>\n" },
	{ "/token?a=b%20c&d=e", "d", "query=<e>\n" },
	{ "/token?a=", "a", "query=<>\n" },
	{ "/token?a=b", "c", "query=-\n" },
	{ "/token", "a", "query=-\n" },
	{ "/token?a=b&a=c", "a", "query=-\n" },
	{ "/token?a=%zz&b=c", "b", "query=-\n" },
};

START_TEST(sees_a_field_of_the_query)
{
	char want[512];

	ask_query = queries[_i].name;
	snprintf(want, sizeof(want), HEAD "%s%s", queries[_i].value, queries[_i].value);
	ck_assert_str_eq(shown(queries[_i].target, NULL, NULL), want);
}
END_TEST

static const struct {
	const char *body, *type, *name, *value;
} forms[] = {
	{ "a=b+c", "CONTENT_TYPE=application/x-www-form-urlencoded", "a",
	  "form=<b c>\nbody=<a=b+c>\n" },
	{ "a=b&a=c", "CONTENT_TYPE=application/x-www-form-urlencoded", "a",
	  "form=-\nbody=<a=b&a=c>\n" },
	{ "{\"a\":1}", "CONTENT_TYPE=application/json", "a", "form=-\nbody=<{\"a\":1}>\n" },
	{ "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--\r\n",
	  "CONTENT_TYPE=multipart/form-data; boundary=x", "a",
	  "form=<b>\nbody=<--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n"
	  "--x--\r\n>\n" },
	{ "", "CONTENT_TYPE=application/x-www-form-urlencoded", "a", "form=-\nbody=-\n" },
	{ NULL, NULL, "a", "form=-\nbody=-\n" },
};

START_TEST(sees_the_form_and_the_body)
{
	const char *const extra[] = { forms[_i].type, NULL };
	char want[1024];

	ask_form = forms[_i].name;
	snprintf(want, sizeof(want), HEAD "%s%s", forms[_i].value, forms[_i].value);
	ck_assert_str_eq(shown("/token", forms[_i].body, extra), want);
}
END_TEST

START_TEST(a_body_that_is_too_long_is_none)
{
	h.spec.max_body = 3;
	http_rig_site(&h);
	ask_form = "a";
	ck_assert_str_eq(shown("/token", "a=bc", NULL), HEAD TWICE("form=-\nbody=-\n"));
}
END_TEST

/* Then the bytes end, and the second reading must not take what came for the whole. */
START_TEST(a_body_that_broke_off_stays_broken)
{
	static const char *const extra[] = { "CONTENT_LENGTH=9", NULL };

	ask_form = "a";
	ck_assert_str_eq(shown("/token", "a=bc", extra), HEAD TWICE("form=-\nbody=-\n"));
}
END_TEST

static const struct {
	const char *name, *value;
	bool hook, handler; /* whether each may */
} added[] = {
	{ "X-Color", "red", true, true },
	{ "Link", "</a>; rel=\"b\"", true, true },
	{ "Retry-After", "5", true, true },
	{ "WWW-Authenticate", "Basic", true, true },
	{ "X-Word", "\xc3\xa9", true, true },
	{ "Variable-COLOR", "red", true, true },
	{ "Set-Cookie", "color=red; Path=/", true, true },
	{ "Set-Cookie", "color=access_token", true, true },
	{ "Location", "/", false, true },
	{ "Cache-Control", "max-age=60", false, true },
	{ "cache-control", "max-age=60", false, true },
	{ "Set-Cookie", "access_token=x", false, false },
	{ "set-cookie", " user_id =x; Path=/", false, false },
	{ "Set-Cookie", "Access_Token=x", false, false },
	{ "Set-Cookie", "=access_token=x", false, false },
	{ "Set-Cookie", "access_token", false, false },
	{ "Set-Cookie", "", false, false },
	{ "Status", "200", false, false },
	{ "sTATUS", "200", false, false },
	{ "Content-Length", "1", false, false },
	{ "Content-Type", "text/html", false, false },
	{ "Transfer-Encoding", "chunked", false, false },
	{ "Connection", "close", false, false },
	{ "Keep-Alive", "x", false, false },
	{ "Proxy-Connection", "x", false, false },
	{ "TE", "x", false, false },
	{ "Trailer", "x", false, false },
	{ "Upgrade", "x", false, false },
	{ "HTTP/1.1", "200", false, false },
	{ "X-Request-ID", "x", false, false },
	{ "Access-Control-Allow-Origin", "*", false, false },
	{ "X-Auth-User", "root", false, false },
	{ "X_Auth_User", "root", false, false },
	{ "Variable-REMOTE-USER", "root", false, false },
	{ "x-auth-scopes", "root", false, false },
	{ "Variable-REMOTE_USER", "root", false, false },
	{ "variable-tpauth_user_id", "root", false, false },
	{ "Variable-HTTP_HOST", "x", false, false },
	{ "", "x", false, false },
	{ "X Color", "red", false, false },
	{ "X-Color:", "red", false, false },
	{ "X\r\nY", "red", false, false },
	{ "X-Color", "red\r\nSet-Cookie: a=b", false, false },
	{ "X-Color", "red\n", false, false },
	{ "X-Color", "a\tb", false, false },
	{ "X-Color", "\x7f", false, false },
};

START_TEST(adds_a_header_that_breaks_nothing)
{
	bool may;
	char line[256];

	kind = _i % 2 == 0 ? EDGE_HOOK : EDGE_HANDLER;
	add_name = added[_i / 2].name;
	add_value = added[_i / 2].value;
	may = kind == EDGE_HOOK ? added[_i / 2].hook : added[_i / 2].handler;
	shown("/token", NULL, NULL);
	ck_assert_int_eq(h.resp.status, may ? 200 : 500);
	snprintf(line, sizeof(line), "%s: %s\r\n", add_name, add_value);
	if (may)
		ck_assert_ptr_nonnull(strstr(http_rig_answer(&h), line));
	else
		ck_assert_str_eq(http_rig_answer(&h),
				 http_want_error("500 Internal Server Error", "", "server_error",
						 "Internal Server Error"));
}
END_TEST

/* The prefix is part of the name that is ours, and without it the name is anybody's. */
START_TEST(knows_the_session_cookies_by_their_prefix)
{
	h.spec.cookie_prefix = "__Host-";
	http_rig_site(&h);
	add_name = "Set-Cookie";
	add_value = "access_token=x";
	shown("/token", NULL, NULL);
	ck_assert_int_eq(h.resp.status, 200);
	add_value = "__Host-access_token=x";
	shown("/token", NULL, NULL);
	ck_assert_int_eq(h.resp.status, 500);
	ck_assert(http_logged(&h, "a cookie was added with the name of the session's"));
}
END_TEST

/* A hook that decides by the path finds the endpoint's, wherever the service is mounted. */
START_TEST(the_path_is_told_without_the_mount)
{
	ck_assert_str_eq(shown("", NULL, ENV("SCRIPT_NAME=/cgi-bin/tp.cgi", "PATH_INFO=/token")),
			 HEAD);
	h.spec.root_path = "/sso";
	http_rig_site(&h);
	ck_assert_str_eq(shown("/sso/token", NULL, NULL), HEAD);
}
END_TEST

static enum tp_rc show_guarded(struct http_call *c, struct tp_err *err)
{
	TP_CLEANUP(edge_release) struct edge e;
	struct buf *out = &c->resp->body;

	(void)err;
	edge_init(&e, c, EDGE_HOOK, NULL);
	c->resp->status = 200;
	show(out, "method=", e.base.method);
	show(out, "path=", e.base.path);
	show(out, "query=", e.base.query(e.base.arg, "q"));
	ck_assert(e.base.form == NULL && e.base.body == NULL);
	return TP_OK;
}

static const struct {
	const char *target;
	const char *env[4];
	const char *want;
} guarded[] = {
	{ "/auth?q=own",
	  { "REQUEST_URI=/app//%61?q=theirs", "TPAUTH_METHOD=DELETE" },
	  "method=<DELETE>\npath=</app/a>\nquery=<theirs>\n" },
	{ "/auth?q=own", { "REQUEST_URI=/app" }, "method=-\npath=</app>\nquery=-\n" },
	{ "/auth", { NULL }, "method=-\npath=-\nquery=-\n" },
};

START_TEST(at_a_guard_it_is_the_protected_request)
{
	static const struct route guard = { .path = HTTP_PATH_AUTH,
					    .methods = HTTP_ANY,
					    .flags = ROUTE_GUARD,
					    .handler = show_guarded };

	h.routes = &guard;
	h.n_routes = 1;
	http_ask(&h, "GET", guarded[_i].target, NULL, guarded[_i].env);
	ck_assert_str_eq(buf_cstr(&h.resp.body), guarded[_i].want);
}
END_TEST

static Suite *edge_suite(void)
{
	Suite *s = suite_create("http edge");
	TCase *t = tcase_create("sees");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, sees_a_header_that_came_once, 0, TP_COUNT(headers));
	tcase_add_test(t, a_name_longer_than_any_is_none);
	tcase_add_loop_test(t, sees_a_field_of_the_query, 0, TP_COUNT(queries));
	tcase_add_loop_test(t, sees_the_form_and_the_body, 0, TP_COUNT(forms));
	tcase_add_test(t, a_body_that_is_too_long_is_none);
	tcase_add_test(t, a_body_that_broke_off_stays_broken);
	tcase_add_test(t, the_path_is_told_without_the_mount);
	tcase_add_loop_test(t, at_a_guard_it_is_the_protected_request, 0, TP_COUNT(guarded));
	suite_add_tcase(s, t);

	t = tcase_create("adds");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, adds_a_header_that_breaks_nothing, 0, 2 * TP_COUNT(added));
	tcase_add_test(t, knows_the_session_cookies_by_their_prefix);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(edge_suite());
}
