/* SPDX-License-Identifier: MIT */
/*
 * Where hooks come into requests: a proved session that a hook denies is refused everywhere but at
 * its end, what it adds is shown and never believed, and nothing that a hook says keeps a session
 * alive that was to end.
 */
#include "hook/hooks.h"

#include "auth/edge.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/http_rig.h"

#include <stdio.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

#define CLAIMS                                                                         \
	"{\"user_id\":\"user_099\",\"username\":\"Admin\",\"scopes\":[\"user:read\"]," \
	"\"iss\":\"prismaticain\",\"iat\":1800000000,\"exp\":1800086400,\"token_type\":\"access\""

static struct http_rig h;
static struct session_minted m; /* of user_099 with user:read */
static struct auth_hooks hooks;

/* What the hooks are told to say, and what they saw. */
static enum tp_rc says;
static const char *adds; /* JSON; NULL: nothing */
static int asked, ended;
static char seen_user[64], seen_path[64], seen_method[16];
static bool was_gone; /* the session, when the hook for its end was asked */
static bool adds_header;

static bool session_is_gone(void)
{
	const struct token *t;

	store_begin(h.rig.other.store);
	return session_find(&h.rig.other, SPAN_LIT("user_099"), secret_view(&m.handle), &t, NULL) ==
	       TP_NOT_FOUND;
}

static void look(const struct auth_edge *edge, const struct jval *claims)
{
	struct span user = { NULL, 0 };

	asked++;
	(void)jval_str(jval_get(claims, "user_id"), &user);
	snprintf(seen_user, sizeof(seen_user), "%.*s", (int)user.len, user.len > 0 ? user.p : "");
	snprintf(seen_path, sizeof(seen_path), "%.*s", (int)edge->path.len,
		 edge->path.len > 0 ? edge->path.p : "");
	snprintf(seen_method, sizeof(seen_method), "%.*s", (int)edge->method.len,
		 edge->method.len > 0 ? edge->method.p : "");
}

static enum tp_rc authenticate(const void *arg, const struct auth_edge *edge,
			       const struct jval *claims, struct jval **ret_extra,
			       struct tp_err *err)
{
	(void)arg;
	look(edge, claims);
	if (adds_header)
		ck_assert_int_eq(edge->add_header(edge->arg, "X-Color", SPAN_LIT("red"), err),
				 TP_OK);
	if (says != TP_OK)
		return tp_fail(err, says, "the hook was told to say so");
	return adds == NULL ? TP_OK : jval_parse(span_of(adds), ret_extra, err);
}

static enum tp_rc logout(const void *arg, const struct auth_edge *edge, const struct jval *claims,
			 struct tp_err *err)
{
	(void)arg;
	look(edge, claims);
	ended++;
	was_gone = session_is_gone();
	return says == TP_OK ? TP_OK : tp_fail(err, says, "the hook was told to say so");
}

static enum tp_rc health(const void *arg, const struct auth_edge *edge, struct tp_err *err)
{
	(void)arg;
	look(edge, NULL);
	return says == TP_OK ? TP_OK : tp_fail(err, says, "the hook was told to say so");
}

static void setup(void)
{
	says = TP_OK;
	adds = NULL;
	asked = ended = 0;
	was_gone = adds_header = false;
	seen_user[0] = seen_path[0] = seen_method[0] = '\0';
	http_rig_open(&h);
	h.spec.path[HTTP_PATH_LOGIN_PAGE] = "/login";
	http_rig_site(&h);
	rig_login(&h.rig, "user_099", "user:read", &m);
	hooks = (struct auth_hooks){ 0 };
	h.rig.a.hooks = &hooks;
}

static void teardown(void)
{
	session_minted_release(&m);
	http_rig_release(&h);
}

static const char *cookies(void)
{
	return http_cookies("user_099", secret_view(&m.handle));
}

static const char *ask_role(const char *target)
{
	char uri[256];

	snprintf(uri, sizeof(uri), "REQUEST_URI=%s", target);
	http_rig_request(&h, "GET", "", NULL, ENV("SCRIPT_NAME=", uri, cookies()));
	http_rig_authorize(&h);
	return http_rig_answer(&h);
}

/* A proved session ----------------------------------------------------------------------------- */

START_TEST(without_hooks_nothing_is_asked)
{
	h.rig.a.hooks = _i == 0 ? NULL : &hooks;
	ck_assert_str_eq(http_ask(&h, "GET", "/userinfo", NULL, ENV(cookies())),
			 http_want("200 OK", "", CLAIMS "}"));
	http_ask(&h, "POST", "/logout", NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 200);
	http_ask(&h, "GET", "/api/healthcheck", NULL, NULL);
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert_int_eq(asked, 0);
}
END_TEST

START_TEST(a_hook_without_a_word_changes_nothing)
{
	hooks.authenticate = authenticate;
	adds = _i == 0 ? NULL : "{}";
	ck_assert_str_eq(http_ask(&h, "GET", "/userinfo", NULL, ENV(cookies())),
			 http_want("200 OK", "", CLAIMS "}"));
	ck_assert_int_eq(asked, 1);
	ck_assert_str_eq(seen_user, "user_099");
	ck_assert_str_eq(seen_path, "/userinfo");
	ck_assert_str_eq(seen_method, "GET");
}
END_TEST

START_TEST(userinfo_shows_what_is_added)
{
	hooks.authenticate = authenticate;
	adds = "{\"team\":[\"red\",{\"a\":null}],\"email\":\"a@example.org\"}";
	ck_assert_str_eq(http_ask(&h, "GET", "/userinfo", NULL, ENV(cookies())),
			 http_want("200 OK", "",
				   CLAIMS ",\"team\":[\"red\",{\"a\":null}],"
					  "\"email\":\"a@example.org\"}"));
	adds = NULL; /* and it is gone with the request */
	ck_assert_str_eq(http_ask(&h, "GET", "/userinfo", NULL, ENV(cookies())),
			 http_want("200 OK", "", CLAIMS "}"));
}
END_TEST

START_TEST(a_guard_hands_on_what_is_added)
{
	hooks.authenticate = authenticate;
	adds = "{\"email\":\"a@example.org\",\"team\":\"red\"}";
	ck_assert_str_eq(ask_role("/app?x"), "Status: 200 OK\r\n"
					     "Variable-REMOTE_USER: user_099\r\n"
					     "Variable-TPAUTH_USER_ID: user_099\r\n"
					     "Variable-TPAUTH_USERNAME: Admin\r\n"
					     "Variable-TPAUTH_EMAIL: a@example.org\r\n"
					     "Variable-TPAUTH_SCOPES: user:read\r\n\r\n");
	ck_assert_str_eq(seen_path, "/app");
	http_ask(&h, "GET", "/auth", NULL,
		 ENV(cookies(), "REQUEST_URI=/app/x", "TPAUTH_METHOD=GET"));
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert_ptr_nonnull(strstr(http_rig_answer(&h), "\r\nX-Auth-Email: a@example.org\r\n"));
	ck_assert_str_eq(seen_path, "/app/x");

	h.spec.pass_jwt = true; /* also where the claims are read a second time */
	http_rig_site(&h);
	ck_assert_ptr_nonnull(strstr(ask_role("/app"), "\r\nVariable-TPAUTH_EMAIL: a@example.org"));
}
END_TEST

/* Added claims go on in a header, too. */
START_TEST(a_guard_refuses_an_added_claim_that_cannot_go_on)
{
	hooks.authenticate = authenticate;
	adds = "{\"email\":\"a@example.org\\r\\nVariable-TPAUTH_SCOPES: admin\"}";
	ask_role("/app");
	ck_assert_int_eq(h.resp.status, 503);
}
END_TEST

static const struct {
	const char *adds, *msg;
} bad[] = {
	{ "{\"user_id\":\"root\"}", "adds the claim user_id, which is not for a hook to add" },
	{ "{\"scopes\":[\"admin\"]}", "adds the claim scopes, which is not for a hook to add" },
	{ "{\"exp\":9007199254740992}", "adds the claim exp, which is not for a hook to add" },
	{ "{\"sid\":\"x\"}", "adds the claim sid, which is not for a hook to add" },
	{ "{\"nbf\":1}", "adds the claim nbf, which is not for a hook to add" },
	{ "{\"team\":\"red\",\"auth_time\":1}",
	  "adds the claim auth_time, which is not for a hook to add" },
	{ "{\"username\":\"root\"}", "adds the claim username, which is there already" },
	{ "{\"username\":null}", "adds the claim username, which is there already" },
	{ "{\"email\":[\"a\"]}", "adds the claim email, which has to be a string" },
	{ "{\"email\":null}", "adds the claim email, which has to be a string" },
};

START_TEST(a_hook_changes_no_claim)
{
	hooks.authenticate = authenticate;
	adds = bad[_i].adds;
	ck_assert_str_eq(http_ask(&h, "GET", "/userinfo", NULL, ENV(cookies())),
			 http_want_error("503 Service Unavailable", "Retry-After: 5\r\n",
					 "temporarily_unavailable",
					 "The service is temporarily unavailable"));
	ck_assert_msg(http_logged(&h, bad[_i].msg), "%s", h.log);
	ask_role("/app");
	ck_assert_int_eq(h.resp.status, 503);
}
END_TEST

/* Of a session whose token has no scopes at all, as the Python original writes them. */
START_TEST(a_hook_gives_no_scopes_where_there_are_none)
{
	hooks.authenticate = authenticate;
	adds = "{\"scopes\":[\"admin\"]}";
	rig_put_signed(&h.rig, "user_7", "handle-7",
		       "{\"user_id\":\"user_7\",\"iss\":\"prismaticain\",\"exp\":1800086400,"
		       "\"iat\":1800000000,\"token_type\":\"access\"}",
		       3600);
	http_ask(&h, "GET", "/userinfo", NULL, ENV(http_cookies("user_7", SPAN_LIT("handle-7"))));
	ck_assert_int_eq(h.resp.status, 503);
}
END_TEST

START_TEST(a_hook_adds_no_more_than_fits)
{
	static char text[LIMIT_JWT + 64];
	size_t room = LIMIT_JWT - strlen("{\"team\":\"\"}");

	hooks.authenticate = authenticate;
	adds = text;
	for (size_t more = 0; more < 2; more++) {
		int n = snprintf(text, sizeof(text), "{\"team\":\"");

		memset(text + n, 'x', room + more);
		snprintf(text + (size_t)n + room + more, sizeof(text) - (size_t)n - room - more,
			 "\"}");
		http_ask(&h, "GET", "/userinfo", NULL, ENV(cookies()));
		ck_assert_int_eq(h.resp.status, more == 0 ? 200 : 503);
	}
}
END_TEST

static const struct {
	enum tp_rc says;
	const char *answer;
	int status, at_guard;
} refusals[] = {
	{ TP_DENIED, "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n", 401, 401 },
	{ TP_FORBIDDEN, "WWW-Authenticate: Bearer error=\"insufficient_scope\"\r\n", 403, 403 },
	{ TP_UNAVAILABLE, "Retry-After: 5\r\n", 503, 503 },
	{ TP_NOMEM, "Retry-After: 5\r\n", 503, 503 },
	{ TP_INTERNAL, "", 500, 503 },
	/* what a hook cannot say is trouble */
	{ TP_NOT_FOUND, "Retry-After: 5\r\n", 503, 503 },
	{ TP_INVALID, "Retry-After: 5\r\n", 503, 503 },
	{ TP_EXISTS, "Retry-After: 5\r\n", 503, 503 },
	{ TP_NO_CREDENTIAL, "Retry-After: 5\r\n", 503, 503 },
};

static const struct {
	const char *method, *target;
} places[] = {
	{ "GET", "/userinfo" },	   { "POST", "/refresh" },	{ "GET", "/sessions" },
	{ "DELETE", "/sessions" }, { "DELETE", "/sessions/x" },
};

START_TEST(what_a_hook_refuses_is_refused_everywhere)
{
	hooks.authenticate = authenticate;
	says = refusals[_i].says;
	h.rig.now += 121;
	for (size_t i = 0; i < TP_COUNT(places); i++) {
		http_ask(&h, places[i].method, places[i].target, NULL, ENV(cookies()));
		ck_assert_int_eq(h.resp.status, refusals[_i].status);
		ck_assert_ptr_nonnull(strstr(http_rig_answer(&h), refusals[_i].answer));
		ck_assert_ptr_null(strstr(http_rig_answer(&h), "user_099"));
		ck_assert(!slide_is_due(&h.resp.slide));
	}
	http_ask(&h, "GET", "/auth", NULL, ENV(cookies(), "REQUEST_URI=/a", "TPAUTH_METHOD=GET"));
	ck_assert_int_eq(h.resp.status, refusals[_i].at_guard);
	ck_assert(!slide_is_due(&h.resp.slide));
	ask_role("/a");
	ck_assert_int_eq(h.resp.status, refusals[_i].at_guard);
	ck_assert(!slide_is_due(&h.resp.slide));
	ck_assert_ptr_null(strstr(http_rig_answer(&h), "user_099"));
	ck_assert_int_eq(h.rig.asked, 0); /* nothing was refreshed */
	ck_assert_int_eq(asked, (int)TP_COUNT(places) + 2);
	ck_assert(http_logged(&h, "reason=\"the hook was told to say so\""));
	ck_assert(http_logged(&h, "user=user_099"));

	says = TP_OK;
	http_ask(&h, "GET", "/userinfo", NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert(slide_is_due(&h.resp.slide));
}
END_TEST

START_TEST(a_hook_admits_nobody)
{
	static const struct route scoped = { .path = HTTP_PATH_TOKEN,
					     .methods = HTTP_GET,
					     .flags = ROUTE_SESSION,
					     .scopes = "admin",
					     .handler = h_userinfo };

	hooks.authenticate = authenticate;
	http_ask(&h, "GET", "/userinfo", NULL, NULL);
	ck_assert_int_eq(h.resp.status, 401);
	http_ask(&h, "GET", "/userinfo", NULL, ENV(http_cookies("user_099", SPAN_LIT("none"))));
	ck_assert_int_eq(h.resp.status, 401);
	http_ask(&h, "POST", "/userinfo", NULL, ENV(cookies(), "HTTP_ORIGIN=https://evil.example"));
	ck_assert_int_eq(h.resp.status, 403);
	h.routes = &scoped;
	h.n_routes = 1;
	http_ask(&h, "GET", "/token", NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 403);
	ck_assert_int_eq(asked, 0);
}
END_TEST

START_TEST(a_header_of_the_hook_goes_with_the_answer)
{
	hooks.authenticate = authenticate;
	adds_header = true;
	http_ask(&h, "GET", "/userinfo", NULL, ENV(cookies()));
	ck_assert_ptr_nonnull(strstr(http_rig_answer(&h), "\r\nX-Color: red\r\n"));
	says = TP_DENIED; /* a refusal is made anew */
	http_ask(&h, "GET", "/userinfo", NULL, ENV(cookies()));
	ck_assert_ptr_null(strstr(http_rig_answer(&h), "X-Color"));
}
END_TEST

/* Whole or refused; and never without what the hook had to say. */
START_TEST(memory_that_runs_out_admits_nobody)
{
	static const char body[] = CLAIMS ",\"team\":\"red\"}";

	hooks.authenticate = authenticate;
	for (long n = 1;; n++) {
		bool failed;

		says = n % 2 == 0 ? TP_OK : TP_DENIED;
		adds = "{\"team\":\"red\"}";
		http_rig_request(&h, "GET", "/userinfo", NULL, ENV(cookies()));
		alloc_fail_at(n / 2 + 1);
		http_rig_serve(&h);
		failed = alloc_fail_off();
		if (says != TP_OK)
			ck_assert(h.resp.status == 401 || (failed && h.resp.status == 503));
		else if (h.resp.status == 200)
			ck_assert_str_eq(buf_cstr(&h.resp.body), body);
		else
			ck_assert(failed && h.resp.status == 503);
		if (!failed && says == TP_OK)
			break;
	}
}
END_TEST

START_TEST(the_login_page_asks_who_is_there)
{
	hooks.authenticate = authenticate;
	adds_header = true;
	http_ask(&h, "GET", "/login", NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&h.resp.body), "Admin"));
	ck_assert_ptr_nonnull(strstr(http_rig_answer(&h), "\r\nX-Color: red\r\n"));
	says = TP_DENIED; /* the form, for somebody else */
	http_ask(&h, "GET", "/login", NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert_ptr_null(strstr(buf_cstr(&h.resp.body), "Admin"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&h.resp.body), "name=\"password\""));
	says = TP_UNAVAILABLE;
	http_ask(&h, "GET", "/login", NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 503);
	ck_assert_int_eq(asked, 3);
}
END_TEST

/* The end of a session ------------------------------------------------------------------------- */

static const struct {
	const char *method, *target, *body;
	int status;
	bool ends_own; /* the session that asks */
} ends[] = {
	{ "POST", "/logout", NULL, 200, true },
	{ "POST", "/logout?all=true", NULL, 200, true },
	{ "POST", "/login", "logout=1", 303, true },
	{ "DELETE", "/sessions", NULL, 200, false },
};

START_TEST(a_hook_is_told_once_a_session_has_ended)
{
	hooks.logout = logout;
	http_ask(&h, ends[_i].method, ends[_i].target, ends[_i].body, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, ends[_i].status);
	ck_assert_int_eq(ended, 1);
	ck_assert_str_eq(seen_user, "user_099");
	ck_assert_str_eq(seen_method, ends[_i].method);
	ck_assert_int_eq(was_gone, ends[_i].ends_own);
	ck_assert(!http_logged(&h, "logout.hook_failed"));
}
END_TEST

START_TEST(a_hook_is_told_of_one_session_by_its_id)
{
	TP_CLEANUP(buf_release) struct buf path = BUF_INIT(128);

	hooks.logout = logout;
	buf_str(&path, "/sessions/");
	session_sid(secret_view(&m.handle), &path);
	http_ask(&h, "DELETE", buf_cstr(&path), NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert_int_eq(ended, 1);
	ck_assert(was_gone);
	http_ask(&h, "DELETE", "/sessions/none", NULL, ENV(cookies()));
	ck_assert_int_eq(ended, 1);
}
END_TEST

START_TEST(what_the_hook_says_of_an_end_is_logged)
{
	hooks.logout = logout;
	says = _i == 0 ? TP_UNAVAILABLE : TP_DENIED;
	ck_assert_str_eq(http_ask(&h, "POST", "/logout", NULL, ENV(cookies())),
			 http_want("200 OK", HTTP_COOKIES_GONE, "{\"status\":200}"));
	ck_assert(session_is_gone());
	ck_assert(http_logged(&h, "level=warning event=logout.hook_failed request_id=req-1 "
				  "user=user_099 reason=\"the hook was told to say so\"\n"));
	ck_assert(http_logged(&h, "event=logout.ok"));
}
END_TEST

START_TEST(a_session_that_did_not_end_is_no_end)
{
	hooks.logout = logout;
	rig_store_fail(&h.rig, RIG_DEAD, 2); /* the first one proves it */
	http_ask(&h, "POST", "/logout", NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 503);
	http_ask(&h, "POST", "/logout", NULL, NULL);
	ck_assert_int_eq(h.resp.status, 401);
	ck_assert_int_eq(ended, 0);
}
END_TEST

/* Who may do nothing any more may still go. */
START_TEST(no_hook_keeps_a_session_from_its_end)
{
	hooks.authenticate = authenticate;
	says = _i % 2 == 0 ? TP_DENIED : TP_UNAVAILABLE;
	http_ask(&h, "POST", _i / 2 == 0 ? "/logout" : "/login", _i / 2 == 0 ? NULL : "logout=1",
		 ENV(cookies()));
	ck_assert_int_eq(h.resp.status, _i / 2 == 0 ? 200 : 303);
	ck_assert(session_is_gone());
	ck_assert_int_eq(asked, 0);
}
END_TEST

/* Health --------------------------------------------------------------------------------------- */

START_TEST(a_hook_may_say_that_all_is_not_well)
{
	hooks.health = health;
	ck_assert_str_eq(http_ask(&h, "GET", "/api/healthcheck", NULL, NULL),
			 http_want("200 OK", "", "{\"status\":200}"));
	ck_assert_int_eq(asked, 1);
	says = _i == 0 ? TP_UNAVAILABLE : TP_INTERNAL;
	ck_assert_str_eq(
		http_ask(&h, "GET", "/api/healthcheck", NULL, NULL),
		http_want("503 Service Unavailable", "Retry-After: 5\r\n", "{\"status\":503}"));
	ck_assert(http_logged(&h, "status=503 remote=192.0.2.1 reason=\"the hook was told to say "
				  "so\""));
}
END_TEST

START_TEST(a_hook_is_asked_once_the_store_has_answered)
{
	hooks.health = health;
	rig_store_fail(&h.rig, RIG_DEAD, 0);
	http_ask(&h, "GET", "/api/healthcheck", NULL, NULL);
	ck_assert_int_eq(h.resp.status, 503);
	ck_assert_int_eq(asked, 0);
}
END_TEST

static Suite *hooks_suite(void)
{
	Suite *s = suite_create("http hooks");
	TCase *t = tcase_create("authenticate");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, without_hooks_nothing_is_asked, 0, 2);
	tcase_add_loop_test(t, a_hook_without_a_word_changes_nothing, 0, 2);
	tcase_add_test(t, userinfo_shows_what_is_added);
	tcase_add_test(t, a_guard_hands_on_what_is_added);
	tcase_add_test(t, a_guard_refuses_an_added_claim_that_cannot_go_on);
	tcase_add_loop_test(t, a_hook_changes_no_claim, 0, TP_COUNT(bad));
	tcase_add_test(t, a_hook_gives_no_scopes_where_there_are_none);
	tcase_add_test(t, a_hook_adds_no_more_than_fits);
	tcase_add_loop_test(t, what_a_hook_refuses_is_refused_everywhere, 0, TP_COUNT(refusals));
	tcase_add_test(t, a_hook_admits_nobody);
	tcase_add_test(t, a_header_of_the_hook_goes_with_the_answer);
	tcase_add_test(t, memory_that_runs_out_admits_nobody);
	tcase_add_test(t, the_login_page_asks_who_is_there);
	suite_add_tcase(s, t);

	t = tcase_create("logout");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_hook_is_told_once_a_session_has_ended, 0, TP_COUNT(ends));
	tcase_add_test(t, a_hook_is_told_of_one_session_by_its_id);
	tcase_add_loop_test(t, what_the_hook_says_of_an_end_is_logged, 0, 2);
	tcase_add_test(t, a_session_that_did_not_end_is_no_end);
	tcase_add_loop_test(t, no_hook_keeps_a_session_from_its_end, 0, 4);
	suite_add_tcase(s, t);

	t = tcase_create("health");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_hook_may_say_that_all_is_not_well, 0, 2);
	tcase_add_test(t, a_hook_is_asked_once_the_store_has_answered);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(hooks_suite());
}
