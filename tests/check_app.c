/* SPDX-License-Identifier: MIT */
/* An application as it is set up, before it serves: what it keeps, and what it cannot be. */
#include "app/app.h"
#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/test_keys.h"

#include <stdio.h>

#include "base/banned.h"

static struct tpauth_app *app;
static char hi[] = "hi";

static void setup(void)
{
	app = tpauth_app_new(NULL);
	ck_assert_ptr_nonnull(app);
}

static void teardown(void)
{
	tpauth_app_free(app);
}

static enum tpauth_rc hello(struct tpauth_call *call, void *arg)
{
	(void)call;
	(void)arg;
	return TPAUTH_OK;
}

static const struct {
	const char *method, *path, *scopes;
	tpauth_handler *handler;
	const char *why;
} flawed[] = {
	{ "HEAD", "/x", "", hello, "route HEAD /x: its method" },
	{ "OPTIONS", "/x", "", hello, "route OPTIONS /x: its method" },
	{ "get", "/x", "", hello, "route get /x: its method" },
	{ "", "/x", "", hello, "route  /x: its method" },
	{ NULL, "/x", "", hello, "route (none) /x: its method" },
	{ "GET", "/x", "", NULL, "route GET /x: it has no handler" },
	{ "GET", NULL, "", hello, "route GET (none): it has no path" },
	{ "GET", "x", "", hello, "route GET x: its path does not begin" },
	{ "GET", "/x/", "", hello, "route GET /x/: a segment" },
	{ "GET", "/{x", "", hello, "route GET /{x: a segment" },
	{ "GET", "/x", "a\"b", hello, "route GET /x: its scopes" },
	{ "GET", "/there", "", hello, "route GET /there: there is one" },
	{ "GET", "/there/{id}", "", hello, "route GET /there/{id}: there is one" },
	{ "PUT", "/there/{id}", "", hello, "route PUT /there/{id}: its parameters" },
};

START_TEST(what_cannot_be_served_is_a_flaw_that_names_the_route)
{
	tpauth_route(app, "GET", "/there", "", hello, hi);
	tpauth_route(app, "GET", "/there/{name}", "", hello, hi);
	ck_assert_int_eq(app->flaw.rc, TP_OK);
	tpauth_route(app, flawed[_i].method, flawed[_i].path, flawed[_i].scopes, flawed[_i].handler,
		     hi);
	ck_assert_int_eq(app->flaw.rc, TP_INVALID);
	ck_assert_msg(strncmp(app->flaw.msg, flawed[_i].why, strlen(flawed[_i].why)) == 0, "%s",
		      app->flaw.msg);
	tpauth_route_public(app, "FETCH", "/later", hello, hi);
	ck_assert_msg(strstr(app->flaw.msg, "/later") == NULL, "the first flaw stays");
	ck_assert_uint_eq(app->n_routes, 2);
}
END_TEST

START_TEST(methods_of_one_path_may_be_told_one_by_one)
{
	tpauth_route(app, "GET", "/x/{id}", "", hello, hi);
	tpauth_route(app, "PUT", "/x/{id}", "", hello, hi);
	tpauth_route_public(app, "POST", "/x/{id}", hello, hi);
	tpauth_route(app, "GET", "/x/y", "", hello, hi);
	ck_assert_int_eq(app->flaw.rc, TP_OK);
	ck_assert_uint_eq(app->n_routes, 4);
}
END_TEST

START_TEST(routes_have_a_limit)
{
	char path[32];

	for (int i = 0; i <= LIMIT_ROUTES; i++) {
		ck_assert_int_eq(app->flaw.rc, TP_OK);
		snprintf(path, sizeof(path), "/x/%d", i);
		tpauth_route(app, "GET", path, "", hello, hi);
	}
	ck_assert_int_eq(app->flaw.rc, TP_INVALID);
}
END_TEST

START_TEST(a_summary_is_the_last_route_s)
{
	tpauth_route(app, "GET", "/a", "", hello, hi);
	tpauth_route(app, "GET", "/b", "", hello, hi);
	tpauth_route_summary(app, "first");
	tpauth_route_summary(app, "Says b");
	ck_assert_ptr_null(app->routes[0].summary);
	ck_assert_str_eq(app->routes[1].summary, "Says b");
}
END_TEST

START_TEST(a_summary_needs_a_route_and_utf8)
{
	tpauth_route_summary(app, "of nothing");
	ck_assert_int_eq(app->flaw.rc, TP_INVALID);
	app->flaw = (struct tp_err){ 0 };
	tpauth_route(app, "GET", "/a", "", hello, hi);
	tpauth_route_summary(app, "\xff");
	ck_assert_int_eq(app->flaw.rc, TP_INVALID);
}
END_TEST

static enum tpauth_rc hook(struct tpauth_call *call, const struct tpauth_claims *user,
			   struct tpauth_claims *claims, void *arg)
{
	(void)call;
	(void)user;
	(void)claims;
	(void)arg;
	return TPAUTH_OK;
}

START_TEST(an_unknown_event_is_a_flaw)
{
	tpauth_on(app, TPAUTH_ON_HEALTH, hook, hi);
	ck_assert_int_eq(app->flaw.rc, TP_OK);
	ck_assert(app->hooks.on[TPAUTH_ON_HEALTH].fn == hook &&
		  app->hooks.on[TPAUTH_ON_HEALTH].arg == hi);
	tpauth_on(app, TPAUTH_ON_HEALTH, NULL, NULL);
	ck_assert(app->hooks.on[TPAUTH_ON_HEALTH].fn == NULL);
	tpauth_on(app, (enum tpauth_event)5, hook, NULL);
	ck_assert_int_eq(app->flaw.rc, TP_INVALID);
}
END_TEST

/* What its settings come to with --grpc. */
static enum tp_rc configure(bool is_asked, struct tp_err *err)
{
	char name[] = "app", workers[] = "--workers=1", grpc[] = "--grpc";
	char listen[] = "--listen=/nonexistent/socket";
	char server[] = "AUTHORIZATION_SERVER=true", handler[] = "TOKEN_HANDLER=exec:/bin/true";
	char *argv[] = { name, workers, grpc, listen, NULL };
	char secret[] = "SECRET_KEY=" TEST_SECRET, *envp[] = { server, handler, secret, NULL };
	struct boot_args args = { .argc = (int)TP_COUNT(argv) - 1,
				  .argv = argv,
				  .envp = envp,
				  .edge = &boot_http,
				  .hooks = &app->hooks };
	struct app made;
	enum tp_rc rc;

	tpauth_on(app, TPAUTH_ON_REFRESH, is_asked ? hook : NULL, NULL);
	rc = boot_config(&args, &made, err);
	boot_close(&made);
	return rc;
}

START_TEST(a_hook_for_refreshes_and_the_daemon_that_would_not_ask_it_exclude_each_other)
{
	struct tp_err err = { 0 };

	tpauth_on(app, TPAUTH_ON_AUTHENTICATE, hook, NULL);
	ck_assert_msg(configure(false, &err) == TP_OK, "%s", err.msg);
	ck_assert_int_eq(configure(true, &err), TP_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "--grpc"));
}
END_TEST

START_TEST(what_an_application_says_of_itself_is_copied)
{
	char title[] = "Title";
	struct tpauth_about about = { title, NULL, "What it is", "/auth" };
	struct tpauth_app *own = tpauth_app_new(&about);

	title[0] = 'x';
	ck_assert_uint_eq(own->n_defaults, 3);
	ck_assert_int_eq(own->defaults[0].id, OPTION_APP_TITLE);
	ck_assert_str_eq(own->defaults[0].value, "Title");
	ck_assert_str_eq(own->defaults[2].value, "/auth");
	tpauth_app_free(own);
}
END_TEST

START_TEST(null_is_taken_everywhere)
{
	tpauth_app_free(NULL);
	tpauth_on(NULL, TPAUTH_ON_TOKEN, hook, NULL);
	tpauth_route(NULL, "GET", "/", "", hello, NULL);
	tpauth_route_public(NULL, "GET", "/", hello, NULL);
	tpauth_route_summary(NULL, "x");
	ck_assert_ptr_null(tpauth_param(NULL, "x"));
	ck_assert_int_eq(tpauth_respond(NULL, 200, NULL, NULL, 0), TPAUTH_INTERNAL);
	ck_assert_int_eq(tpauth_respond_text(NULL, 200, "x"), TPAUTH_INTERNAL);
	ck_assert_int_eq(tpauth_respond_json(NULL, 200, "{}"), TPAUTH_INTERNAL);
}
END_TEST

START_TEST(without_memory_a_setter_marks_the_application)
{
	bool failed = true;

	for (long n = 1; failed; n++) {
		struct tpauth_about about = { "a", "b", "c", "/d" };
		struct tpauth_app *own;

		alloc_fail_at(n);
		own = tpauth_app_new(&about);
		tpauth_route(own, "GET", "/x/{id}", "a b", hello, NULL);
		tpauth_route_summary(own, "x");
		failed = alloc_fail_off();
		ck_assert(own == NULL || failed == (own->flaw.rc == TP_NOMEM));
		tpauth_app_free(own);
	}
}
END_TEST

static Suite *app_suite(void)
{
	Suite *s = suite_create("app");
	TCase *t = tcase_create("app");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, what_cannot_be_served_is_a_flaw_that_names_the_route, 0,
			    TP_COUNT(flawed));
	tcase_add_test(t, methods_of_one_path_may_be_told_one_by_one);
	tcase_add_test(t, routes_have_a_limit);
	tcase_add_test(t, a_summary_is_the_last_route_s);
	tcase_add_test(t, a_summary_needs_a_route_and_utf8);
	tcase_add_test(t, an_unknown_event_is_a_flaw);
	tcase_add_test(
		t, a_hook_for_refreshes_and_the_daemon_that_would_not_ask_it_exclude_each_other);
	tcase_add_test(t, what_an_application_says_of_itself_is_copied);
	tcase_add_test(t, null_is_taken_everywhere);
	tcase_add_test(t, without_memory_a_setter_marks_the_application);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(app_suite());
}
