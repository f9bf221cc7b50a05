/* SPDX-License-Identifier: MIT */
/*
 * What all endpoints share, whole answers compared: paths and methods, every row of the error
 * table, request ids, CORS, and what is logged.
 */
#include "support/check_run.h"
#include "support/http_rig.h"

#include <stdio.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define HEALTHY	 "{\"status\":200}"

static struct http_rig h;

static void open_rig(void)
{
	http_rig_open(&h);
}

static void release_rig(void)
{
	http_rig_release(&h);
}

/* ---- paths ---- */

static const struct {
	const char *root_path, *script_name, *path_info;
	bool found;
} paths[] = {
	{ NULL, "SCRIPT_NAME=/api/healthcheck", "X=", true },
	{ NULL, "SCRIPT_NAME=/api", "PATH_INFO=/healthcheck", true },
	{ NULL, "SCRIPT_NAME=", "PATH_INFO=/api/healthcheck", true },
	{ NULL, "X=", "PATH_INFO=/api/healthcheck", true },
	{ NULL, "SCRIPT_NAME=/auth", "PATH_INFO=/api/healthcheck", true },
	{ NULL, "SCRIPT_NAME=/cgi-bin/tpauth.cgi", "PATH_INFO=/api/healthcheck", true },
	{ NULL, "SCRIPT_NAME=/auth/api/healthcheck", "X=", false },
	{ NULL, "SCRIPT_NAME=/api/healthcheck/", "X=", false },
	{ NULL, "SCRIPT_NAME=/api/healthcheck", "PATH_INFO=/", false },
	{ NULL, "SCRIPT_NAME=/api/healthcheckx", "X=", false },
	{ NULL, "SCRIPT_NAME=/API/healthcheck", "X=", false },
	{ NULL, "SCRIPT_NAME=/api%2fhealthcheck", "X=", false },
	{ NULL, "SCRIPT_NAME=/x", "PATH_INFO=/y/api/healthcheck", false },
	{ NULL, "X=", "X=", false },
	{ NULL, "SCRIPT_NAME=", "PATH_INFO=", false },
	{ NULL, "SCRIPT_NAME=/", "X=", false },
	{ "/auth", "SCRIPT_NAME=/api/healthcheck", "X=", true },
	{ "/auth", "SCRIPT_NAME=/auth/api/healthcheck", "X=", true },
	{ "/auth", "SCRIPT_NAME=/auth", "PATH_INFO=/api/healthcheck", true },
	{ "/auth", "SCRIPT_NAME=/other", "PATH_INFO=/api/healthcheck", false },
	{ "/auth", "SCRIPT_NAME=/else/api/healthcheck", "X=", false },
	{ "/auth", "SCRIPT_NAME=/auth/auth/api/healthcheck", "X=", false },
	{ "/auth", "SCRIPT_NAME=/authapi/healthcheck", "X=", false },
	{ "/auth", "SCRIPT_NAME=/auth/login", "X=", false },
	{ "/auth", "SCRIPT_NAME=/auth/", "X=", false },
};

START_TEST(an_endpoint_is_found_at_its_path_and_nowhere_else)
{
	const char *got;

	h.spec.root_path = paths[_i].root_path;
	http_rig_site(&h);
	got = http_ask(&h, "GET", "", NULL, ENV(paths[_i].script_name, paths[_i].path_info));
	ck_assert_str_eq(got, paths[_i].found ? http_want("200 OK", "", HEALTHY)
					      : http_want_error("404 Not Found", "", "not_found",
								"Not Found"));
}
END_TEST

START_TEST(a_path_of_no_endpoint_is_404)
{
	static const char *const later[] = { "/",      "/docs",	      "/redoc", "/openapi.json",
					     "/login", "/favicon.ico" };

	for (size_t i = 0; i < TP_COUNT(later); i++)
		ck_assert_str_eq(http_ask(&h, "GET", later[i], NULL, NULL),
				 http_want_error("404 Not Found", "", "not_found", "Not Found"));
}
END_TEST

START_TEST(an_endpoint_without_a_path_is_off)
{
	h.spec.path[HTTP_PATH_USERINFO] = "";
	http_rig_site(&h);
	ck_assert_str_eq(http_ask(&h, "GET", "/userinfo", NULL, NULL),
			 http_want_error("404 Not Found", "", "not_found", "Not Found"));
	ck_assert_str_eq(http_ask(&h, "GET", "", NULL, NULL),
			 http_want_error("404 Not Found", "", "not_found", "Not Found"));
}
END_TEST

START_TEST(a_resource_server_neither_issues_nor_refreshes)
{
	h.spec.issues = false;
	http_rig_site(&h);
	ck_assert_str_eq(http_ask(&h, "POST", "/token", "username=a&password=b", NULL),
			 http_want_error("404 Not Found", "", "not_found", "Not Found"));
	ck_assert_str_eq(http_ask(&h, "POST", "/refresh", "", NULL),
			 http_want_error("404 Not Found", "", "not_found", "Not Found"));
	ck_assert_str_eq(http_ask(&h, "GET", "/api/healthcheck", NULL, NULL),
			 http_want("200 OK", "", HEALTHY));
	ck_assert_int_eq(h.rig.asked, 0);
}
END_TEST

/* ---- methods ---- */

static const struct {
	const char *path, *allow, *allowed; /* as in Allow; allowed: the same between blanks */
} endpoints[] = {
	{ "/token", "POST", " POST " },
	{ "/refresh", "POST", " POST " },
	{ "/userinfo", "GET, HEAD, POST", " GET HEAD POST " },
	{ "/logout", "POST", " POST " },
	{ "/api/healthcheck", "GET, HEAD", " GET HEAD " },
};

START_TEST(a_wrong_method_is_told_the_right_ones)
{
	static const char *const methods[] = { "GET",	 "HEAD",    "POST",  "PUT", "PATCH",
					       "DELETE", "OPTIONS", "TRACE", "get", "FOO" };
	char headers[64], word[16];

	snprintf(headers, sizeof(headers), "Allow: %s\r\n", endpoints[_i].allow);
	for (size_t i = 0; i < TP_COUNT(methods); i++) {
		const char *got;

		snprintf(word, sizeof(word), " %s ", methods[i]);
		if (strstr(endpoints[_i].allowed, word) != NULL)
			continue;
		got = http_ask(&h, methods[i], endpoints[_i].path, NULL, NULL);
		if (strcmp(methods[i], "HEAD") == 0)
			continue; /* has no body to compare: see below */
		ck_assert_str_eq(got, http_want_error("405 Method Not Allowed", headers,
						      "method_not_allowed", "Method Not Allowed"));
	}
}
END_TEST

START_TEST(head_is_get_without_the_body)
{
	ck_assert_str_eq(http_ask(&h, "HEAD", "/api/healthcheck", NULL, NULL),
			 "Status: 200 OK\r\nContent-Type: application/json\r\n"
			 "Cache-Control: no-store\r\nVary: Origin\r\nX-Request-ID: req-1\r\n"
			 "Content-Length: 14\r\n\r\n");
	ck_assert_str_eq(http_ask(&h, "HEAD", "/token", NULL, NULL),
			 "Status: 405 Method Not Allowed\r\nContent-Type: application/json\r\n"
			 "Allow: POST\r\n"
			 "Cache-Control: no-store\r\nVary: Origin\r\nX-Request-ID: req-1\r\n"
			 "Content-Length: 101\r\n\r\n");
}
END_TEST

/* ---- errors ---- */

static struct {
	enum tp_rc rc;
	int retry_s;
	const char *msg;
} fails;

static enum tp_rc fail_handler(struct http_call *c, struct tp_err *err)
{
	response_json(c->resp, 200);
	response_header(c->resp, "Set-Cookie", SPAN_LIT("access_token=left"));
	buf_str(&c->resp->body, "{\"left\":true}");
	return tp_fail_retry(err, fails.rc, fails.retry_s, "%s", fails.msg);
}

static const struct route failing[] = {
	{ .path = HTTP_PATH_HEALTH,
	  .methods = HTTP_GET,
	  .handler = fail_handler,
	  .summary = "fails" },
	{ .path = HTTP_PATH_USERINFO,
	  .methods = HTTP_GET,
	  .flags = ROUTE_SESSION,
	  .scopes = "admin:read user:read",
	  .handler = fail_handler,
	  .summary = "needs scopes" },
};

#define INVALID_TOKEN "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"

static const struct {
	enum tp_rc rc;
	int retry_s;
	const char *status, *headers, *error, *detail; /* error NULL: none in the body */
} rows[] = {
	{ TP_NOT_FOUND, 0, "401 Unauthorized", INVALID_TOKEN, "invalid_token",
	  "Could not validate credentials" },
	{ TP_EXISTS, 0, "500 Internal Server Error", "", "server_error", "Internal Server Error" },
	{ TP_EXPIRED, 0, "401 Unauthorized", INVALID_TOKEN, "invalid_token",
	  "Could not validate credentials" },
	{ TP_DENIED, 0, "401 Unauthorized", INVALID_TOKEN, "invalid_token",
	  "Could not validate credentials" },
	{ TP_NO_CREDENTIAL, 0, "401 Unauthorized", "WWW-Authenticate: Bearer\r\n", NULL,
	  "Not authenticated" },
	{ TP_FORBIDDEN, 0, "403 Forbidden",
	  "WWW-Authenticate: Bearer error=\"insufficient_scope\"\r\n", "insufficient_scope",
	  "Not enough permissions" },
	{ TP_ORIGIN, 0, "403 Forbidden", "", "access_denied",
	  "Requests from this origin are not accepted" },
	{ TP_INVALID, 0, "400 Bad Request", "", "invalid_request", "the reason" },
	{ TP_BAD_GRANT, 0, "400 Bad Request", "", "invalid_grant", "Wrong user name or password" },
	{ TP_BAD_TYPE, 0, "400 Bad Request", "", "unsupported_grant_type", "the reason" },
	{ TP_BAD_SCOPE, 0, "400 Bad Request", "", "invalid_scope", "the reason" },
	{ TP_NO_ROUTE, 0, "404 Not Found", "", "not_found", "Not Found" },
	{ TP_BAD_METHOD, 0, "405 Method Not Allowed", "Allow: GET\r\n", "method_not_allowed",
	  "Method Not Allowed" },
	{ TP_BAD_MEDIA, 0, "415 Unsupported Media Type", "", "invalid_request", "the reason" },
	{ TP_TOO_LARGE, 0, "413 Content Too Large", "", "invalid_request", "the reason" },
	{ TP_THROTTLED, 0, "429 Too Many Requests", "Retry-After: 1\r\n", "slow_down",
	  "Too many attempts; try again later" },
	{ TP_THROTTLED, 900, "429 Too Many Requests", "Retry-After: 900\r\n", "slow_down",
	  "Too many attempts; try again later" },
	{ TP_UNAVAILABLE, 0, "503 Service Unavailable", "Retry-After: 5\r\n",
	  "temporarily_unavailable", "The service is temporarily unavailable" },
	{ TP_UNAVAILABLE, 1, "503 Service Unavailable", "Retry-After: 1\r\n",
	  "temporarily_unavailable", "The service is temporarily unavailable" },
	{ TP_NOMEM, 0, "503 Service Unavailable", "Retry-After: 5\r\n", "temporarily_unavailable",
	  "The service is temporarily unavailable" },
	{ TP_INTERNAL, 0, "500 Internal Server Error", "", "server_error",
	  "Internal Server Error" },
};

START_TEST(every_failure_has_its_answer_and_leaves_nothing_of_another)
{
	const char *want;

	h.routes = failing;
	h.n_routes = TP_COUNT(failing);
	fails.rc = rows[_i].rc;
	fails.retry_s = rows[_i].retry_s;
	fails.msg = "the reason";
	http_ask(&h, "GET", "/api/healthcheck", NULL, NULL);
	want = rows[_i].error != NULL ? http_want_error(rows[_i].status, rows[_i].headers,
							rows[_i].error, rows[_i].detail)
				      : http_want(rows[_i].status, rows[_i].headers,
						  "{\"detail\":\"Not authenticated\"}");
	ck_assert_str_eq(http_rig_answer(&h), want);
	ck_assert(http_logged(&h, " reason=\"the reason\"\n"));
	ck_assert(http_logged(&h, h.resp.status >= 500 ? "level=error event=request.failed"
						       : "level=info event="));
}
END_TEST

START_TEST(every_code_of_the_table_is_covered_above)
{
	for (int rc = TP_OK + 1; rc <= TP_INTERNAL; rc++) {
		size_t i = 0;

		while (i < TP_COUNT(rows) && rows[i].rc != (enum tp_rc)rc)
			i++;
		ck_assert_msg(i < TP_COUNT(rows), "%s", rc_info((enum tp_rc)rc)->name);
	}
}
END_TEST

START_TEST(a_missing_scope_is_named)
{
	struct session_minted m;

	h.routes = failing;
	h.n_routes = TP_COUNT(failing);
	rig_login(&h.rig, "user_099", "user:read user:write", &m);
	ck_assert_str_eq(http_ask(&h, "GET", "/userinfo", NULL,
				  ENV(http_cookies("user_099", secret_view(&m.handle)))),
			 http_want_error("403 Forbidden",
					 "WWW-Authenticate: Bearer error=\"insufficient_scope\", "
					 "scope=\"admin:read user:read\"\r\n",
					 "insufficient_scope", "Not enough permissions"));
	ck_assert(http_logged(&h, " event=access.refused "));
	ck_assert(http_logged(&h, " user=user_099 session="));
	session_minted_release(&m);
}
END_TEST

START_TEST(a_session_with_the_scopes_reaches_the_handler)
{
	struct session_minted m;

	h.routes = failing;
	h.n_routes = TP_COUNT(failing);
	fails.rc = TP_INVALID;
	fails.msg = "the handler was here";
	rig_login(&h.rig, "user_099", "user:read admin:read", &m);
	ck_assert_str_eq(
		http_ask(&h, "GET", "/userinfo", NULL,
			 ENV(http_cookies("user_099", secret_view(&m.handle)))),
		http_want_error("400 Bad Request", "", "invalid_request", "the handler was here"));
	session_minted_release(&m);
}
END_TEST

/* ---- answers that cannot be built ---- */

static enum tp_rc split_handler(struct http_call *c, struct tp_err *err)
{
	(void)err;
	response_json(c->resp, 200);
	response_header(c->resp, "Set-Cookie", SPAN_LIT("access_token=left"));
	response_header(c->resp, "X-Name", SPAN_LIT("a\r\nSet-Cookie: b=c"));
	return TP_OK;
}

static enum tp_rc large_handler(struct http_call *c, struct tp_err *err)
{
	(void)err;
	response_json(c->resp, 200);
	response_header(c->resp, "Set-Cookie", SPAN_LIT("access_token=left"));
	for (int i = 0; i <= LIMIT_RESP_BODY / 16; i++)
		buf_str(&c->resp->body, "0123456789abcdef");
	return TP_OK;
}

static const struct route broken[] = {
	{ .path = HTTP_PATH_HEALTH,
	  .methods = HTTP_GET,
	  .handler = split_handler,
	  .summary = "splits" },
	{ .path = HTTP_PATH_TOKEN,
	  .methods = HTTP_GET,
	  .handler = large_handler,
	  .summary = "too large" },
};

START_TEST(an_answer_that_cannot_be_built_is_a_500_of_its_own)
{
	static const char want[] =
		"Status: 500 Internal Server Error\r\nContent-Type: application/json\r\n"
		"Cache-Control: no-store\r\nVary: Origin\r\nX-Request-ID: req-1\r\n"
		"Content-Length: 101\r\n\r\n"
		"{\"error\":\"server_error\",\"error_description\":\"Internal Server Error\","
		"\"detail\":\"Internal Server Error\"}";

	h.routes = broken;
	h.n_routes = TP_COUNT(broken);
	ck_assert_str_eq(http_ask(&h, "GET", "/api/healthcheck", NULL, NULL), want);
	ck_assert_str_eq(http_ask(&h, "GET", "/token", NULL, NULL), want);
	ck_assert(http_logged(&h, "level=error event=request.failed request_id=req-1 method=GET "
				  "path=/token status=500 remote=192.0.2.1 "
				  "reason=\"an answer larger than its limit\"\n"));
}
END_TEST

/* ---- the request itself ---- */

static const struct {
	const char *a, *b;
} refused[] = {
	{ "HTTP_AUTHORIZATION=Bearer a", "HTTP_AUTHORIZATION=Bearer b" },
	{ "HTTP_COOKIE=a=1", "HTTP_COOKIE=a=1" },
	{ "HTTP_ORIGIN=https://a.example", "HTTP_ORIGIN=https://b.example" },
	{ "HTTP_X_FORWARDED_FOR=1.1.1.1", "HTTP_X_FORWARDED_FOR=1.1.1.1" },
	{ "CONTENT_LENGTH=x", "X=" },
};

START_TEST(what_is_given_twice_is_refused_even_where_anyone_may_come)
{
	http_ask(&h, "GET", "/api/healthcheck", NULL, ENV(refused[_i].a, refused[_i].b));
	ck_assert_int_eq(h.resp.status, 400);
	ck_assert(span_is(http_member(&h, "error"), "invalid_request"));
	ck_assert_str_eq(h.resp.request_id, "req-1");
}
END_TEST

static const struct {
	const char *variable;
	int status; /* at /userinfo */
} broken_credentials[] = {
	{ "HTTP_AUTHORIZATION=Bearer good, Bearer evil", 400 },
	{ "HTTP_AUTHORIZATION=Bearer not a token", 401 },
	{ "HTTP_COOKIE=user_id=a; user_id=b; access_token=c", 400 },
	{ "HTTP_COOKIE=user_id=\"a; access_token=c", 400 },
};

START_TEST(a_broken_credential_counts_only_where_one_is_needed)
{
	http_ask(&h, "GET", "/userinfo", NULL, ENV(broken_credentials[_i].variable));
	ck_assert_int_eq(h.resp.status, broken_credentials[_i].status);
	ck_assert_str_eq(
		http_ask(&h, "GET", "/api/healthcheck", NULL, ENV(broken_credentials[_i].variable)),
		http_want("200 OK", "", HEALTHY));
	http_ask(&h, "POST", "/token", "username=a&password=b",
		 ENV(broken_credentials[_i].variable));
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

/* Two requests that each use more than half of the store's time. */
START_TEST(each_request_has_the_whole_time_for_the_store)
{
	struct store *slow, *usual = h.rig.a.store;
	struct store_memory *memory = store_memory_open(h.rig.a.clock, 1000, &slow);

	ck_assert_ptr_nonnull(memory);
	memory->takes_ms = 600;
	h.rig.a.store = slow;
	for (int i = 0; i < 2; i++)
		ck_assert_str_eq(http_ask(&h, "GET", "/api/healthcheck", NULL, NULL),
				 http_want("200 OK", "", HEALTHY));
	h.rig.a.store = usual;
	store_close(slow);
}
END_TEST

START_TEST(a_request_without_an_id_gets_one_in_answer_and_log)
{
	char want[LIMIT_REQUEST_ID + 32];

	http_ask(&h, "GET", "/nope", NULL, ENV("HTTP_X_REQUEST_ID=bad id"));
	ck_assert_uint_eq(strlen(h.resp.request_id), 32);
	snprintf(want, sizeof(want), " request_id=%s ", h.resp.request_id);
	ck_assert(http_logged(&h, want));
	snprintf(want, sizeof(want), "X-Request-ID: %s\r\n", h.resp.request_id);
	ck_assert_ptr_nonnull(strstr(http_rig_answer(&h), want));
}
END_TEST

START_TEST(the_id_is_gone_from_the_log_when_the_request_is)
{
	http_ask(&h, "GET", "/nope", NULL, NULL);
	log_event(LOG_LEVEL_NOTICE, "later", LOG_INT("n", 1));
	ck_assert(http_logged(&h, "level=notice event=later n=1\n"));
}
END_TEST

/* ---- CORS ---- */

START_TEST(an_origin_that_matches_may_read_errors_and_answers)
{
#define MAY_READ                                                                         \
	"Cache-Control: no-store\r\nVary: Origin\r\n"                                    \
	"Access-Control-Allow-Origin: https://app.example.org\r\n"                       \
	"Access-Control-Allow-Credentials: true\r\n"                                     \
	"Access-Control-Expose-Headers: X-Request-ID, Retry-After, WWW-Authenticate\r\n" \
	"X-Request-ID: req-1\r\n"
	const char *const *env = ENV("HTTP_ORIGIN=https://app.example.org");

	ck_assert_str_eq(http_ask(&h, "GET", "/api/healthcheck", NULL, env),
			 "Status: 200 OK\r\nContent-Type: application/json\r\n" MAY_READ
			 "Content-Length: 14\r\n\r\n" HEALTHY);
	ck_assert_str_eq(http_ask(&h, "GET", "/userinfo", NULL, env),
			 "Status: 401 Unauthorized\r\nContent-Type: application/json\r\n"
			 "WWW-Authenticate: Bearer\r\n" MAY_READ "Content-Length: 30\r\n\r\n"
			 "{\"detail\":\"Not authenticated\"}");
#undef MAY_READ
}
END_TEST

START_TEST(a_preflight_is_answered_for_every_path)
{
	static const char *const paths_asked[] = { "/token", "/userinfo", "/nope" };

	for (size_t i = 0; i < TP_COUNT(paths_asked); i++)
		ck_assert_str_eq(
			http_ask(&h, "OPTIONS", paths_asked[i], NULL,
				 ENV("HTTP_ORIGIN=https://app.example.org",
				     "HTTP_ACCESS_CONTROL_REQUEST_METHOD=POST",
				     "HTTP_ACCESS_CONTROL_REQUEST_HEADERS=authorization")),
			"Status: 204 No Content\r\nVary: Origin\r\n"
			"Access-Control-Allow-Origin: https://app.example.org\r\n"
			"Access-Control-Allow-Credentials: true\r\n"
			"Access-Control-Allow-Methods: GET, POST, DELETE, PUT, OPTIONS, PATCH\r\n"
			"Access-Control-Allow-Headers: authorization\r\n"
			"Access-Control-Max-Age: 600\r\n"
			"X-Request-ID: req-1\r\n\r\n");
}
END_TEST

START_TEST(a_refused_preflight_is_400_without_the_lines)
{
	ck_assert_str_eq(http_ask(&h, "OPTIONS", "/token", NULL,
				  ENV("HTTP_ORIGIN=https://evil.example",
				      "HTTP_ACCESS_CONTROL_REQUEST_METHOD=POST")),
			 http_want_error("400 Bad Request", "", "invalid_request",
					 "Disallowed CORS origin"));
}
END_TEST

START_TEST(without_cors_a_preflight_is_a_wrong_method)
{
	h.spec.cors = false;
	http_rig_site(&h);
	ck_assert_str_eq(http_ask(&h, "OPTIONS", "/token", NULL,
				  ENV("HTTP_ORIGIN=https://app.example.org",
				      "HTTP_ACCESS_CONTROL_REQUEST_METHOD=POST")),
			 http_want_error("405 Method Not Allowed", "Allow: POST\r\n",
					 "method_not_allowed", "Method Not Allowed"));
}
END_TEST

/* ---- the log ---- */

START_TEST(a_refusal_is_one_line_with_path_escaped_and_no_query)
{
	http_ask(&h, "GET", "/no pe?secret=1", NULL, NULL);
	ck_assert_str_eq(h.log, "ts=2027-01-15T08:00:00Z level=info event=request.refused "
				"request_id=req-1 method=GET path=\"/no pe\" status=404 "
				"remote=192.0.2.1 reason=\"no such path\"\n");
}
END_TEST

START_TEST(nothing_is_logged_for_a_healthy_answer)
{
	http_ask(&h, "GET", "/api/healthcheck", NULL, NULL);
	ck_assert_str_eq(h.log, "");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http");
	TCase *t = tcase_create("http");

	tcase_add_checked_fixture(t, open_rig, release_rig);
	tcase_add_loop_test(t, an_endpoint_is_found_at_its_path_and_nowhere_else, 0,
			    (int)TP_COUNT(paths));
	tcase_add_test(t, a_path_of_no_endpoint_is_404);
	tcase_add_test(t, an_endpoint_without_a_path_is_off);
	tcase_add_test(t, a_resource_server_neither_issues_nor_refreshes);
	tcase_add_loop_test(t, a_wrong_method_is_told_the_right_ones, 0, (int)TP_COUNT(endpoints));
	tcase_add_test(t, head_is_get_without_the_body);
	tcase_add_loop_test(t, every_failure_has_its_answer_and_leaves_nothing_of_another, 0,
			    (int)TP_COUNT(rows));
	tcase_add_test(t, every_code_of_the_table_is_covered_above);
	tcase_add_test(t, a_missing_scope_is_named);
	tcase_add_test(t, a_session_with_the_scopes_reaches_the_handler);
	tcase_add_test(t, an_answer_that_cannot_be_built_is_a_500_of_its_own);
	tcase_add_loop_test(t, what_is_given_twice_is_refused_even_where_anyone_may_come, 0,
			    (int)TP_COUNT(refused));
	tcase_add_loop_test(t, a_broken_credential_counts_only_where_one_is_needed, 0,
			    (int)TP_COUNT(broken_credentials));
	tcase_add_test(t, each_request_has_the_whole_time_for_the_store);
	tcase_add_test(t, a_request_without_an_id_gets_one_in_answer_and_log);
	tcase_add_test(t, the_id_is_gone_from_the_log_when_the_request_is);
	tcase_add_test(t, an_origin_that_matches_may_read_errors_and_answers);
	tcase_add_test(t, a_preflight_is_answered_for_every_path);
	tcase_add_test(t, a_refused_preflight_is_400_without_the_lines);
	tcase_add_test(t, without_cors_a_preflight_is_a_wrong_method);
	tcase_add_test(t, a_refusal_is_one_line_with_path_escaped_and_no_query);
	tcase_add_test(t, nothing_is_logged_for_a_healthy_answer);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
