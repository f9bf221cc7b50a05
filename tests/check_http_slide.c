/* SPDX-License-Identifier: MIT */
/*
 * Claims of http/router.h about sliding: which requests make a session slide, that it happens after
 * the answer and changes nothing of it, and what the log says.
 */
#include "support/check_run.h"
#include "support/http_rig.h"

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

#define CLAIMS                                                                         \
	"{\"user_id\":\"user_099\",\"username\":\"Admin\",\"scopes\":[\"user:read\"]," \
	"\"iss\":\"prismaticain\",\"iat\":1800000000,\"exp\":1800086400,"              \
	"\"token_type\":\"access\"}"

static struct http_rig h;
static struct session_minted m; /* a session of user_099; its window is open again */

static void open_rig(void)
{
	http_rig_open(&h);
	rig_login(&h.rig, "user_099", "user:read", &m);
	h.rig.now += 120;
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

/* iat of what is stored; -1: nothing is. */
static int64_t stored_iat(void)
{
	const struct token *t;
	enum tp_rc rc;

	store_begin(h.rig.other.store);
	rc = session_find(&h.rig.other, SPAN_LIT("user_099"), secret_view(&m.handle), &t, NULL);
	return rc == TP_OK ? t->iat : -1;
}

/* A request, what is done after it, and whether that made the session slide. */
static bool slides(const char *method, const char *target, const char *const *env)
{
	http_ask(&h, method, target, NULL, env);
	ck_assert_int_eq(stored_iat(), RIG_NOW); /* the answer is out first */
	http_after(&h.rig.a, &h.resp);
	return stored_iat() != RIG_NOW;
}

static void ck_claims(const char *const *env)
{
	ck_assert_str_eq(http_ask(&h, "GET", "/userinfo", NULL, env),
			 http_want("200 OK", "", CLAIMS));
}

/* ---- which requests ---- */

START_TEST(slides_with_userinfo_after_the_answer)
{
	ck_claims(ENV(cookies()));
	ck_assert_int_eq(stored_iat(), RIG_NOW);
	http_after(&h.rig.a, &h.resp);
	ck_assert_int_eq(stored_iat(), RIG_NOW + 120);
	ck_assert_int_eq(h.rig.asked, 1);
	ck_assert_str_eq(h.rig.remote_addr, "192.0.2.1");
	ck_assert_str_eq(h.rig.request_id, "req-1");
	ck_assert(http_logged(&h, "level=info event=slide.ok request_id=req-1 user=user_099 "
				  "session="));
}
END_TEST

START_TEST(slides_by_a_bearer_too)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(1000);

	session_bearer(SPAN_LIT("user_099"), secret_view(&m.handle), &b);
	ck_assert(slides("GET", "/userinfo", ENV(http_bearer(buf_view(&b)))));
}
END_TEST

START_TEST(slides_by_a_jwt_too)
{
	ck_assert(slides("GET", "/userinfo", ENV(http_bearer(secret_view(&m.jwt)))));
}
END_TEST

static const struct {
	const char *header;
	bool slides;
} headers[] = {
	{ "HTTP_REFRESH=false", false },    { "HTTP_REFRESH=False", false },
	{ "HTTP_REFRESH=FALSE", false },    { "HTTP_REFRESH= false ", false },
	{ "HTTP_REFRESH=true", true },	    { "HTTP_REFRESH=", true },
	{ "HTTP_REFRESH=falsehood", true }, { "HTTP_X_REFRESH=false", true },
};

START_TEST(honours_the_header_refresh)
{
	ck_assert(slides("GET", "/userinfo", ENV(cookies(), headers[_i].header)) ==
		  headers[_i].slides);
}
END_TEST

START_TEST(honours_the_header_of_a_service_call_without_cookies)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(1000);

	session_bearer(SPAN_LIT("user_099"), secret_view(&m.handle), &b);
	ck_claims(ENV(http_bearer(buf_view(&b)), "HTTP_REFRESH=false"));
	h.rig.round_trips = 0;
	http_after(&h.rig.a, &h.resp);
	ck_assert_int_eq(h.rig.round_trips, 0);
	ck_assert_int_eq(stored_iat(), RIG_NOW);
}
END_TEST

START_TEST(counts_the_first_of_two_headers)
{
	ck_assert(!slides("GET", "/userinfo",
			  ENV(cookies(), "HTTP_REFRESH=false", "HTTP_REFRESH=true")));
}
END_TEST

static const struct {
	const char *method, *target;
} others[] = {
	{ "GET", "/api/healthcheck" },
	{ "GET", "/nowhere" },
	{ "PUT", "/userinfo" },
	{ "OPTIONS", "/userinfo" },
};

START_TEST(does_not_slide_with_another_request)
{
	ck_assert(!slides(others[_i].method, others[_i].target, ENV(cookies())));
}
END_TEST

START_TEST(does_not_slide_with_a_logout)
{
	http_ask(&h, "POST", "/logout", NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 200);
	h.rig.round_trips = 0;
	http_after(&h.rig.a, &h.resp);
	ck_assert_int_eq(h.rig.round_trips, 0);
	ck_assert_int_eq(stored_iat(), -1);
}
END_TEST

START_TEST(does_not_slide_a_second_time_with_a_refresh)
{
	http_ask(&h, "POST", "/refresh", NULL, ENV(cookies()));
	ck_assert_int_eq(h.rig.asked, 1);
	h.rig.round_trips = 0;
	http_after(&h.rig.a, &h.resp);
	ck_assert_int_eq(h.rig.round_trips, 0);
	ck_assert_int_eq(h.rig.asked, 1);
}
END_TEST

START_TEST(does_not_slide_with_a_credential_that_does_not_hold)
{
	ck_assert(!slides("GET", "/userinfo", ENV(http_cookies("user_099", SPAN_LIT("no")))));
	ck_assert(!slides("POST", "/userinfo", ENV(cookies(), "HTTP_ORIGIN=https://evil.example")));
}
END_TEST

START_TEST(asks_nobody_while_the_window_is_closed)
{
	h.rig.now = RIG_NOW + 119;
	ck_claims(ENV(cookies()));
	h.rig.round_trips = 0;
	http_after(&h.rig.a, &h.resp);
	ck_assert_int_eq(h.rig.round_trips, 0);
	ck_assert(!http_logged(&h, "slide."));
}
END_TEST

/* ---- requests to other applications ---- */

START_TEST(slides_with_what_auth_url_permits)
{
	ck_assert(slides("GET", "/auth", ENV(cookies(), "REQUEST_URI=/app/")));
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

static const struct {
	const char *header;
	int status;
} guarded[] = {
	{ "HTTP_REFRESH=false", 200 },
	{ "TPAUTH_REQUIRE_SCOPES=user:write", 403 },
	{ "HTTP_AUTHORIZATION=Bearer no", 401 },
};

START_TEST(does_not_slide_with_what_auth_url_refuses)
{
	ck_assert(!slides("GET", "/auth", ENV(cookies(), "REQUEST_URI=/app/", guarded[_i].header)));
	ck_assert_int_eq(h.resp.status, guarded[_i].status);
}
END_TEST

static bool slides_as_authorizer(const char *method, const char *header)
{
	http_rig_request(&h, method, "", NULL, ENV(cookies(), "REQUEST_URI=/app/", header));
	http_rig_authorize(&h);
	ck_assert_int_eq(stored_iat(), RIG_NOW);
	http_after(&h.rig.a, &h.resp);
	return stored_iat() != RIG_NOW;
}

START_TEST(does_not_slide_with_what_the_authorizer_refuses)
{
	ck_assert(slides_as_authorizer("GET", guarded[_i].header) == false);
	ck_assert_int_eq(h.resp.status, guarded[_i].status);
}
END_TEST

START_TEST(does_not_slide_with_a_preflight_that_passes)
{
	http_rig_request(&h, "OPTIONS", "", NULL,
			 ENV("REQUEST_URI=/app/", "HTTP_ORIGIN=https://app.example.org",
			     "HTTP_ACCESS_CONTROL_REQUEST_METHOD=GET"));
	http_rig_authorize(&h);
	ck_assert_int_eq(h.resp.status, 200);
	h.rig.round_trips = 0;
	http_after(&h.rig.a, &h.resp);
	ck_assert_int_eq(h.rig.round_trips, 0);
}
END_TEST

START_TEST(slides_with_what_the_authorizer_permits)
{
	ck_assert(slides_as_authorizer("POST", "HTTP_REFRESH=true"));
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

/* ---- an application's routes ---- */

static enum tp_rc handler_rc;

/* A handler that verifies another token: that of the request is gone then. */
static enum tp_rc h_own(struct http_call *c, struct tp_err *err)
{
	const struct token *t;

	ck_assert_int_eq(session_find(c->auth, SPAN_LIT("user_099"), SPAN_LIT("h"), &t, NULL),
			 TP_OK);
	if (handler_rc != TP_OK)
		return tp_fail(err, handler_rc, "the handler says so");
	response_json(c->resp, 200);
	buf_str(&c->resp->body, "{}");
	return TP_OK;
}

static const struct route own[] = {
	{ .path = HTTP_PATH_USERINFO,
	  .methods = HTTP_GET,
	  .flags = ROUTE_SESSION | ROUTE_SLIDES,
	  .scopes = "user:read",
	  .handler = h_own,
	  .summary = "" },
	{ .path = HTTP_PATH_LOGOUT,
	  .methods = HTTP_GET,
	  .flags = ROUTE_SESSION | ROUTE_SLIDES,
	  .scopes = "user:write",
	  .handler = h_own,
	  .summary = "" },
};

static void serve_own(enum tp_rc rc)
{
	rig_put_signed(&h.rig, "user_099", "h",
		       "{\"user_id\":\"user_099\",\"scopes\":[],\"iss\":\"prismaticain\","
		       "\"exp\":1800086400,\"token_type\":\"access\"}",
		       86400);
	handler_rc = rc;
	h.routes = own;
	h.n_routes = TP_COUNT(own);
}

START_TEST(slides_with_an_application_s_own_route)
{
	serve_own(TP_OK);
	ck_assert(slides("GET", "/userinfo", ENV(cookies())));
}
END_TEST

START_TEST(does_not_slide_with_a_request_that_its_handler_fails)
{
	serve_own(TP_UNAVAILABLE);
	ck_assert(!slides("GET", "/userinfo", ENV(cookies())));
}
END_TEST

START_TEST(does_not_slide_without_the_scopes_of_the_route)
{
	serve_own(TP_OK);
	ck_assert(!slides("GET", "/logout", ENV(cookies())));
}
END_TEST

/* ---- never changes the answer ---- */

START_TEST(answers_the_same_when_the_store_fails_afterwards)
{
	ck_claims(ENV(cookies()));
	rig_store_fail(&h.rig, RIG_DEAD, 1);
	http_after(&h.rig.a, &h.resp);
	ck_assert_str_eq(http_rig_answer(&h), http_want("200 OK", "", CLAIMS));
	ck_assert(http_logged(&h, "level=notice event=slide.failed request_id=req-1 "));
	ck_claims(ENV(cookies()));
}
END_TEST

START_TEST(answers_once_more_when_the_handler_denies_and_then_no_more)
{
	rig_handler_says(&h.rig, TP_DENIED, NULL);
	ck_claims(ENV(cookies()));
	http_after(&h.rig.a, &h.resp);
	ck_assert(http_logged(&h, "level=notice event=slide.denied request_id=req-1 "));
	http_ask(&h, "GET", "/userinfo", NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 401);
}
END_TEST

static enum tp_rc refuse(void *arg, struct span user, struct span handle, struct tp_err *err)
{
	int *asked = arg;

	(void)user;
	(void)handle;
	++*asked;
	return tp_fail(err, TP_UNAVAILABLE, "the refresh service does not answer");
}

START_TEST(answers_the_same_when_the_service_of_a_resource_server_fails)
{
	int asked = 0;

	h.rig.rules.issues = h.spec.issues = false;
	http_rig_site(&h);
	h.rig.a.trigger = (struct auth_trigger){ refuse, &asked };
	ck_claims(ENV(cookies()));
	ck_assert_int_eq(asked, 0);
	http_after(&h.rig.a, &h.resp);
	ck_assert_int_eq(asked, 1);
	ck_assert_str_eq(http_rig_answer(&h), http_want("200 OK", "", CLAIMS));
	ck_assert(http_logged(&h, "reason=\"the refresh service does not answer\""));
}
END_TEST

START_TEST(does_it_once_for_a_request)
{
	ck_claims(ENV(cookies()));
	http_after(&h.rig.a, &h.resp);
	h.rig.round_trips = 0;
	http_after(&h.rig.a, &h.resp);
	ck_assert_int_eq(h.rig.round_trips, 0);
}
END_TEST

START_TEST(forgets_it_with_the_next_request)
{
	ck_claims(ENV(cookies()));
	http_ask(&h, "GET", "/api/healthcheck", NULL, NULL);
	http_after(&h.rig.a, &h.resp);
	ck_assert_int_eq(stored_iat(), RIG_NOW);
}
END_TEST

static TCase *which_case(void)
{
	TCase *tc = tcase_create("which");

	tcase_add_checked_fixture(tc, open_rig, release_rig);
	tcase_add_test(tc, slides_with_userinfo_after_the_answer);
	tcase_add_test(tc, slides_by_a_bearer_too);
	tcase_add_test(tc, slides_by_a_jwt_too);
	tcase_add_loop_test(tc, honours_the_header_refresh, 0, TP_COUNT(headers));
	tcase_add_test(tc, honours_the_header_of_a_service_call_without_cookies);
	tcase_add_test(tc, counts_the_first_of_two_headers);
	tcase_add_loop_test(tc, does_not_slide_with_another_request, 0, TP_COUNT(others));
	tcase_add_test(tc, does_not_slide_with_a_logout);
	tcase_add_test(tc, does_not_slide_a_second_time_with_a_refresh);
	tcase_add_test(tc, does_not_slide_with_a_credential_that_does_not_hold);
	tcase_add_test(tc, asks_nobody_while_the_window_is_closed);
	tcase_add_test(tc, slides_with_what_auth_url_permits);
	tcase_add_loop_test(tc, does_not_slide_with_what_auth_url_refuses, 0, TP_COUNT(guarded));
	tcase_add_test(tc, slides_with_what_the_authorizer_permits);
	tcase_add_loop_test(tc, does_not_slide_with_what_the_authorizer_refuses, 0,
			    TP_COUNT(guarded));
	tcase_add_test(tc, does_not_slide_with_a_preflight_that_passes);
	tcase_add_test(tc, slides_with_an_application_s_own_route);
	tcase_add_test(tc, does_not_slide_with_a_request_that_its_handler_fails);
	tcase_add_test(tc, does_not_slide_without_the_scopes_of_the_route);
	return tc;
}

static TCase *answer_case(void)
{
	TCase *tc = tcase_create("answer");

	tcase_add_checked_fixture(tc, open_rig, release_rig);
	tcase_add_test(tc, answers_the_same_when_the_store_fails_afterwards);
	tcase_add_test(tc, answers_once_more_when_the_handler_denies_and_then_no_more);
	tcase_add_test(tc, answers_the_same_when_the_service_of_a_resource_server_fails);
	tcase_add_test(tc, does_it_once_for_a_request);
	tcase_add_test(tc, forgets_it_with_the_next_request);
	return tc;
}

static Suite *http_slide_suite(void)
{
	Suite *s = suite_create("http_slide");

	suite_add_tcase(s, which_case());
	suite_add_tcase(s, answer_case());
	return s;
}

int main(void)
{
	return check_run(http_slide_suite());
}
