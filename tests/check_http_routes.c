/* SPDX-License-Identifier: MIT */
/* router: which of an application's routes a request is for, beside the built-in ones. */
#include "http/route_path.h"
#include "support/check_run.h"
#include "support/http_rig.h"

#include <stdlib.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct http_rig h;

static void open_rig(void)
{
	http_rig_open(&h);
}

static void release_rig(void)
{
	http_rig_release(&h);
}

/* Says which route it is and what {x} and {y} were. */
static enum tp_rc echo(struct http_call *c, struct tp_err *err)
{
	static const char *const names[] = { "x", "y" };
	struct span value;

	(void)err;
	response_json(c->resp, 200);
	buf_str(&c->resp->body, c->route->arg);
	for (size_t i = 0; i < TP_COUNT(names); i++) {
		if (!route_path_param(c->route->path_template, c->at, names[i], &value))
			continue;
		buf_char(&c->resp->body, ' ');
		buf_span(&c->resp->body, value);
	}
	return TP_OK;
}

static enum tp_rc built_in(struct http_call *c, struct tp_err *err)
{
	(void)err;
	response_json(c->resp, 200);
	buf_str(&c->resp->body, c->below.len > 0 ? "below" : "built in");
	return TP_OK;
}

#define OWN(method, path, name)                                                              \
	{                                                                                    \
		.methods = (method), .handler = echo, .path_template = (path), .arg = (name) \
	}

static char params[] = "params", late[] = "late", fixed[] = "fixed", root[] = "root",
	    writes[] = "writes", any[] = "any", shadow[] = "shadow";

static const struct route routes[] = {
	{ .path = HTTP_PATH_HEALTH, .methods = HTTP_GET, .handler = built_in },
	{ .path = HTTP_PATH_SESSIONS, .methods = HTTP_GET, .handler = built_in },
	{ .path = HTTP_PATH_SESSIONS,
	  .methods = HTTP_DELETE,
	  .flags = ROUTE_BELOW,
	  .handler = built_in },
	OWN(HTTP_GET | HTTP_HEAD, "/users/{x}", params),
	OWN(HTTP_PUT, "/users/{x}", writes),
	OWN(HTTP_GET, "/users/{y}", late),
	OWN(HTTP_GET, "/users/me", fixed),
	OWN(HTTP_GET, "/", root),
	OWN(HTTP_GET, "/api/healthcheck", shadow),
	OWN(HTTP_GET, "/sessions/{x}", shadow),
	OWN(HTTP_GET, "/{x}/b/{y}", any),
};

static void serve_own(void)
{
	h.routes = routes;
	h.n_routes = TP_COUNT(routes);
}

static const char *body(void)
{
	return buf_cstr(&h.resp.body);
}

static const struct {
	const char *target, *want; /* NULL: 404 */
} found[] = {
	{ "/users/7", "params 7" },
	{ "/users/me", "fixed" },
	{ "/users/you", "params you" },
	{ "/", "root" },
	{ "/api/healthcheck", "built in" },
	{ "/sessions", "built in" },
	{ "/a/b/c", "any a c" },
	{ "/users/", NULL },
	{ "/users", NULL },
	{ "/users/7/", NULL },
	{ "/users/7/8", NULL },
	{ "/a/b", NULL },
	{ "//b/c", NULL },
	{ "/users/..", NULL },
};

START_TEST(a_path_belongs_to_the_first_route_that_fits)
{
	serve_own();
	http_ask(&h, "GET", found[_i].target, NULL, NULL);
	ck_assert_int_eq(h.resp.status, found[_i].want != NULL ? 200 : 404);
	if (found[_i].want != NULL)
		ck_assert_str_eq(body(), found[_i].want);
}
END_TEST

START_TEST(routes_of_one_path_differ_in_their_methods)
{
	serve_own();
	http_ask(&h, "PUT", "/users/7", NULL, NULL);
	ck_assert_str_eq(body(), "writes 7");
	http_ask(&h, "HEAD", "/users/7", NULL, NULL);
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert_str_eq(http_ask(&h, "DELETE", "/users/7", NULL, NULL),
			 http_want_error("405 Method Not Allowed", "Allow: GET, HEAD, PUT\r\n",
					 "method_not_allowed", "Method Not Allowed"));
	/* the path is this route's, though another's would take the method */
	ck_assert_str_eq(http_ask(&h, "PUT", "/users/me", NULL, NULL),
			 http_want_error("405 Method Not Allowed", "Allow: GET\r\n",
					 "method_not_allowed", "Method Not Allowed"));
}
END_TEST

START_TEST(a_path_below_a_built_in_one_stays_its_own)
{
	serve_own();
	http_ask(&h, "DELETE", "/sessions/abc", NULL, NULL);
	ck_assert_str_eq(body(), "below");
	http_ask(&h, "GET", "/sessions/abc", NULL, NULL);
	ck_assert_int_eq(h.resp.status, 405);
}
END_TEST

START_TEST(routes_are_found_below_a_mount_point)
{
	serve_own();
	http_ask(&h, "GET", "/", NULL, ENV("SCRIPT_NAME=/cgi-bin/a.cgi", "PATH_INFO=/users/7"));
	ck_assert_str_eq(body(), "params 7");
	http_ask(&h, "GET", "/", NULL, ENV("SCRIPT_NAME=/cgi-bin/a.cgi", "PATH_INFO=/users/me"));
	ck_assert_str_eq(body(), "fixed");
	http_ask(&h, "GET", "/", NULL, ENV("SCRIPT_NAME=/x", "PATH_INFO=/users/7/8"));
	ck_assert_int_eq(h.resp.status, 404);
}
END_TEST

START_TEST(what_is_behind_the_root_path_is_compared_first)
{
	serve_own();
	h.spec.root_path = "/b";
	http_rig_site(&h);
	http_ask(&h, "GET", "/b/users/7", NULL, NULL);
	ck_assert_str_eq(body(), "params 7");
	h.spec.root_path = "/a";
	http_rig_site(&h);
	http_ask(&h, "GET", "/a/b/b/c", NULL, NULL);
	ck_assert_str_eq(body(), "any b c");
	http_ask(&h, "GET", "/a/b/c", NULL, NULL);
	ck_assert_str_eq(body(), "any a c");
	http_ask(&h, "GET", "/ab/users/7", NULL, NULL);
	ck_assert_int_eq(h.resp.status, 404);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("http_routes");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, open_rig, release_rig);
	tcase_add_loop_test(t, a_path_belongs_to_the_first_route_that_fits, 0, TP_COUNT(found));
	tcase_add_test(t, routes_of_one_path_differ_in_their_methods);
	tcase_add_test(t, a_path_below_a_built_in_one_stays_its_own);
	tcase_add_test(t, routes_are_found_below_a_mount_point);
	tcase_add_test(t, what_is_behind_the_root_path_is_compared_first);
	suite_add_tcase(s, t);
	return check_run(s);
}
