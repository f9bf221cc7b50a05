/* SPDX-License-Identifier: MIT */
/*
 * The token endpoint: what a login answers, and every way in which it fails.
 */
#include "auth/access.h"
#include "support/check_run.h"
#include "support/http_rig.h"

#include <stdio.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define LOGIN	 "username=ann&password=pass-marker"

static struct http_rig h;

static void open_rig(void)
{
	http_rig_open(&h);
}

static void release_rig(void)
{
	http_rig_release(&h);
}

/* The whole answer to a login of user_099 with these scopes. */
static const char *want_login(struct span token, struct span bearer, const char *scope)
{
	char headers[1024], body[16384];

	snprintf(headers, sizeof(headers),
		 "Set-Cookie: user_id=user_099; HttpOnly; Path=/; SameSite=strict; Secure\r\n"
		 "Set-Cookie: access_token=%.*s; HttpOnly; Path=/; SameSite=strict; Secure\r\n"
		 "Pragma: no-cache\r\n",
		 (int)token.len, token.p);
	snprintf(body, sizeof(body),
		 "{\"user_id\":\"user_099\",\"token\":\"%.*s\",\"access_token\":\"%.*s\","
		 "\"token_type\":\"bearer\",\"expires_in\":86400,\"scope\":\"%s\"}",
		 (int)token.len, token.p, (int)bearer.len, bearer.p, scope);
	return http_want("200 OK", headers, body);
}

static const char *bearer_of(const char *user, struct span handle)
{
	static char text[1024];
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(1000);

	session_bearer(span_of(user), handle, &b);
	snprintf(text, sizeof(text), "%s", buf_cstr(&b));
	return text;
}

static void ck_login(const char *answer, const char *scope)
{
	struct span token = http_member(&h, "token");

	ck_assert_uint_eq(token.len, 43);
	ck_assert_str_eq(answer, want_login(token, span_of(bearer_of("user_099", token)), scope));
}

static void ck_session_lives(struct span handle, bool lives)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);

	ck_assert(rig_get(&h.rig, "user_099", handle, &value) == lives);
}

/* ---- what works ---- */

static const struct {
	const char *body, *scope, *client_id;
} logins[] = {
	{ LOGIN, "user:read user:write", "" },
	{ LOGIN "&grant_type=password", "user:read user:write", "" },
	{ LOGIN "&grant_type=&scope=&client_id=&client_secret=", "user:read user:write", "" },
	{ LOGIN "&client_id=c&client_secret=s&unknown=x", "user:read user:write", "c" },
	{ LOGIN "&scope=user:read", "user:read", "" },
	{ LOGIN "&scope=user:write+user:read", "user:read user:write", "" },
	{ LOGIN "&scope=user:read+admin", "user:read", "" },
	{ LOGIN "&scope=+", "user:read user:write", "" },
};

START_TEST(a_login_gives_the_token_and_the_cookies)
{
	const char *got = http_ask(&h, "POST", "/token", logins[_i].body, NULL);

	ck_login(got, logins[_i].scope);
	ck_session_lives(http_member(&h, "token"), true);
	ck_assert_str_eq(h.rig.username, "ann");
	ck_assert_str_eq(h.rig.password, "pass-marker");
	ck_assert_str_eq(h.rig.client_id, logins[_i].client_id);
	ck_assert_str_eq(h.rig.remote_addr, "192.0.2.1");
	ck_assert_str_eq(h.rig.request_id, "req-1");
}
END_TEST

START_TEST(a_multipart_login_is_one_as_well)
{
	const char *got = http_ask(
		&h, "POST", "/token",
		"--b\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nann\r\n"
		"--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\np&+%\r\n--b--\r\n",
		ENV("CONTENT_TYPE=multipart/form-data; boundary=b"));

	ck_login(got, "user:read user:write");
	ck_assert_str_eq(h.rig.password, "p&+%");
}
END_TEST

START_TEST(a_chunked_body_without_a_length_is_read_to_its_end)
{
	ck_login(http_ask(&h, "POST", "/token", LOGIN,
			  ENV("CONTENT_LENGTH=", "HTTP_TRANSFER_ENCODING=chunked")),
		 "user:read user:write");
}
END_TEST

START_TEST(an_empty_password_is_for_the_handler_to_judge)
{
	ck_login(http_ask(&h, "POST", "/token", "username=ann&password=", NULL),
		 "user:read user:write");
	ck_assert_str_eq(h.rig.password, "");
}
END_TEST

START_TEST(a_user_without_scopes_logs_in_with_none)
{
	rig_handler_says(&h.rig, TP_OK, "{\"user_id\":\"user_099\"}");
	ck_login(http_ask(&h, "POST", "/token", LOGIN, NULL), "");
}
END_TEST

START_TEST(under_token_format_jwt_the_bearer_is_the_jwt)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(LIMIT_JWT);
	struct span token, jwt;
	struct tp_err err;
	const char *got;

	h.rig.rules.bearer_is_jwt = true;
	got = http_ask(&h, "POST", "/token", LOGIN, NULL);
	token = http_member(&h, "token");
	ck_assert(rig_get(&h.rig, "user_099", token, &value));
	ck_assert_int_eq(session_value_get(buf_view(&value), &jwt, &hold, &err), TP_OK);
	ck_assert_str_eq(got, want_login(token, jwt, "user:read user:write"));
}
END_TEST

START_TEST(an_odd_user_id_is_quoted_in_json_and_cookie)
{
	TP_CLEANUP(buf_release) struct buf want = BUF_INIT(4096);
	struct span token;

	rig_handler_says(&h.rig, TP_OK, "{\"user_id\":\"a\\\"b@c;\"}");
	http_ask(&h, "POST", "/token", LOGIN, NULL);
	token = http_member(&h, "token");
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert(span_starts(buf_view(&h.resp.body), "{\"user_id\":\"a\\\"b@c;\",\"token\":\""));
	buf_str(&want, "Content-Type: application/json\r\nSet-Cookie: "
		       "user_id=\"a\\\"b@c\\073\"; HttpOnly; Path=/; SameSite=strict; Secure\r\n"
		       "Set-Cookie: access_token=");
	buf_span(&want, token);
	ck_assert(span_starts(buf_view(&h.resp.headers), buf_cstr(&want)));
}
END_TEST

START_TEST(cookies_follow_the_settings)
{
	TP_CLEANUP(buf_release) struct buf want = BUF_INIT(4096);

	h.spec.cookie_prefix = "tp-";
	h.spec.cookie_domain = "example.org";
	h.spec.cookie_path = "/app";
	h.spec.cookie_samesite = COOKIE_LAX;
	h.spec.cookie_secure = false;
	http_rig_site(&h);
	http_ask(&h, "POST", "/token", LOGIN, NULL);
	buf_str(&want, "Content-Type: application/json\r\n"
		       "Set-Cookie: tp-user_id=user_099; Domain=example.org; HttpOnly; Path=/app; "
		       "SameSite=lax\r\nSet-Cookie: tp-access_token=");
	buf_span(&want, http_member(&h, "token"));
	buf_str(&want, "; Domain=example.org; HttpOnly; Path=/app; SameSite=lax\r\n");
	ck_assert(span_starts(buf_view(&h.resp.headers), buf_cstr(&want)));
}
END_TEST

START_TEST(a_login_ends_the_session_of_the_cookies_that_came_along)
{
	struct session_minted other, old;

	rig_login(&h.rig, "user_099", "", &other);
	rig_login(&h.rig, "user_099", "", &old);
	ck_login(http_ask(&h, "POST", "/token", LOGIN,
			  ENV(http_cookies("user_099", secret_view(&old.handle)))),
		 "user:read user:write");
	ck_session_lives(secret_view(&old.handle), false);
	ck_session_lives(secret_view(&other.handle), true);
	ck_session_lives(http_member(&h, "token"), true);
	session_minted_release(&old);
	session_minted_release(&other);
}
END_TEST

/* On a store that others use as well: a field that is no session of ours is not ours to delete. */
START_TEST(a_login_deletes_nothing_that_is_no_session)
{
	struct store_op put = {
		.verb = STORE_PUT,
		.key = { STORE_LOGIN, SPAN_LIT("settings"), SPAN_LIT("colour") },
		.value = SPAN_LIT("blue"),
		.ttl_s = 1000,
	};
	struct store_op get = { .verb = STORE_GET, .key = put.key };

	ck_assert_int_eq(store_do(h.rig.other.store, &put, NULL), TP_OK);
	http_ask(&h, "POST", "/token", LOGIN,
		 ENV("HTTP_COOKIE=user_id=settings; access_token=colour"));
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert_int_eq(store_do(h.rig.other.store, &get, NULL), TP_OK);
}
END_TEST

START_TEST(cookies_that_name_nothing_do_not_keep_one_from_a_login)
{
	static const char *const cookies[] = {
		"HTTP_COOKIE=user_id=user_099; access_token=gone",
		"HTTP_COOKIE=user_id=user_099",
		"HTTP_COOKIE=access_token=gone",
		"HTTP_COOKIE=user_id=a; user_id=b; access_token=x",
		"HTTP_COOKIE=user_id=\"; access_token=x",
		"HTTP_AUTHORIZATION=Basic YTpi",
		"HTTP_AUTHORIZATION=Bearer nonsense",
	};

	for (size_t i = 0; i < TP_COUNT(cookies); i++)
		ck_login(http_ask(&h, "POST", "/token", LOGIN, ENV(cookies[i])),
			 "user:read user:write");
}
END_TEST

START_TEST(a_session_remembers_address_and_agent)
{
	TP_CLEANUP(access_release) struct access x = { 0 };
	struct credential c;
	struct tp_err err;
	char bearer[1024];

	http_ask(&h, "POST", "/token", LOGIN, ENV("HTTP_USER_AGENT=curl/8"));
	snprintf(bearer, sizeof(bearer), "%s", bearer_of("user_099", http_member(&h, "token")));
	c = (struct credential){ .bearer = span_of(bearer) };
	ck_assert_int_eq(access_check(&h.rig.a, &c, &x, &err), TP_OK);
	ck_assert(span_is(x.token->ip, "192.0.2.1"));
	ck_assert(span_is(x.token->agent, "curl/8"));
}
END_TEST

/* ---- what does not ---- */

static const struct {
	const char *target, *body, *env; /* env: one variable more, or NULL */
	const char *status, *error, *detail;
} failures[] = {
	{ "/token", "", NULL, "400 Bad Request", "invalid_request",
	  "the field username is missing" },
	{ "/token", NULL, NULL, "400 Bad Request", "invalid_request",
	  "the field username is missing" },
	{ "/token", "username=ann", NULL, "400 Bad Request", "invalid_request",
	  "the field password is missing" },
	{ "/token", "password=b", NULL, "400 Bad Request", "invalid_request",
	  "the field username is missing" },
	{ "/token", "username=&password=b", NULL, "400 Bad Request", "invalid_request",
	  "the field username is empty" },
	{ "/token", "username=a&username=a&password=b", NULL, "400 Bad Request", "invalid_request",
	  "the field username is given twice" },
	{ "/token", "username=a&password=b%00c", NULL, "400 Bad Request", "invalid_request",
	  "a NUL in the field password" },
	{ "/token", "username=a&password=%ff", NULL, "400 Bad Request", "invalid_request",
	  "the field password is not UTF-8" },
	{ "/token", "username=a&password=%f", NULL, "400 Bad Request", "invalid_request",
	  "a broken %-sequence in the form" },
	{ "/token?username=a", LOGIN, NULL, "400 Bad Request", "invalid_request",
	  "username may not be in the query" },
	{ "/token?x=1&password=", LOGIN, NULL, "400 Bad Request", "invalid_request",
	  "password may not be in the query" },
	{ "/token?%70assword=x", LOGIN, NULL, "400 Bad Request", "invalid_request",
	  "password may not be in the query" },
	{ "/token?client_secret=x", LOGIN, NULL, "400 Bad Request", "invalid_request",
	  "client_secret may not be in the query" },
	{ "/token?x=%", LOGIN, NULL, "400 Bad Request", "invalid_request",
	  "a broken %-sequence in the form" },
	{ "/token", LOGIN "&grant_type=client_credentials", NULL, "400 Bad Request",
	  "unsupported_grant_type", "grant_type must be password" },
	{ "/token", LOGIN "&grant_type=Password", NULL, "400 Bad Request", "unsupported_grant_type",
	  "grant_type must be password" },
	{ "/token", LOGIN "&scope=a%22b", NULL, "400 Bad Request", "invalid_scope",
	  "a scope has a character that is not allowed there" },
	{ "/token", LOGIN "&scope=admin", NULL, "400 Bad Request", "invalid_scope",
	  "none of the scopes may be granted" },
	{ "/token", LOGIN, "CONTENT_TYPE=application/json", "415 Unsupported Media Type",
	  "invalid_request", "a form is application/x-www-form-urlencoded or multipart/form-data" },
	{ "/token", LOGIN, "CONTENT_TYPE=", "415 Unsupported Media Type", "invalid_request",
	  "a form is application/x-www-form-urlencoded or multipart/form-data" },
	{ "/token", LOGIN, "CONTENT_LENGTH=5", "400 Bad Request", "invalid_request",
	  "the body is longer than Content-Length" },
	{ "/token", LOGIN, "CONTENT_LENGTH=500", "400 Bad Request", "invalid_request",
	  "the body is shorter than Content-Length" },
	{ "/token", LOGIN, "CONTENT_LENGTH=65537", "413 Content Too Large", "invalid_request",
	  "a body of more than 65536 bytes" },
	{ "/token", LOGIN, "HTTP_ORIGIN=https://evil.example", "403 Forbidden", "access_denied",
	  "Requests from this origin are not accepted" },
	{ "/token", LOGIN, "HTTP_ORIGIN=null", "403 Forbidden", "access_denied",
	  "Requests from this origin are not accepted" },
	{ "/token", LOGIN, "HTTP_SEC_FETCH_SITE=cross-site", "403 Forbidden", "access_denied",
	  "Requests from this origin are not accepted" },
	{ "/token", LOGIN, "HTTP_SEC_FETCH_SITE=same-site", "403 Forbidden", "access_denied",
	  "Requests from this origin are not accepted" },
};

START_TEST(a_login_fails_for_a_reason_that_is_told)
{
	const char *got = http_ask(&h, "POST", failures[_i].target, failures[_i].body,
				   failures[_i].env != NULL ? ENV(failures[_i].env) : NULL);

	ck_assert_str_eq(got, http_want_error(failures[_i].status, "", failures[_i].error,
					      failures[_i].detail));
	ck_assert_ptr_null(strstr(buf_cstr(&h.resp.headers), "Set-Cookie"));
}
END_TEST

START_TEST(what_is_wrong_with_the_form_is_told_before_anyone_is_asked)
{
	http_ask(&h, "POST", "/token", "username=a&password=b&scope=%22", NULL);
	http_ask(&h, "POST", "/token", "username=a", NULL);
	http_ask(&h, "POST", "/token?password=x", LOGIN, NULL);
	http_ask(&h, "POST", "/token", LOGIN, ENV("HTTP_ORIGIN=https://evil.example"));
	ck_assert_int_eq(h.rig.asked, 0);
	ck_assert_int_eq(h.rig.round_trips, 0);
}
END_TEST

START_TEST(its_own_and_listed_origins_may_log_in)
{
	static const char *const origins[] = {
		"HTTP_ORIGIN=https://auth.example.org", "HTTP_ORIGIN=https://auth.example.org:8443",
		"HTTP_ORIGIN=https://app.example.org",	"HTTP_ORIGIN=https://a.b.apps.example.org",
		"HTTP_SEC_FETCH_SITE=same-origin",	"HTTP_SEC_FETCH_SITE=none"
	};

	for (size_t i = 0; i < TP_COUNT(origins); i++) {
		http_ask(&h, "POST", "/token", LOGIN, ENV(origins[i]));
		ck_assert_int_eq(h.resp.status, 200);
	}
	h.site.cors_any = true;
	http_ask(&h, "POST", "/token", LOGIN, ENV("HTTP_ORIGIN=https://any.example"));
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

START_TEST(fields_longer_than_their_limits_are_refused)
{
	char body[LIMIT_PASSWORD + 64], name[LIMIT_USER_ID + 2];

	memset(name, 'u', sizeof(name));
	name[LIMIT_USER_ID + 1] = '\0';
	snprintf(body, sizeof(body), "username=%s&password=b", name);
	ck_assert_str_eq(http_ask(&h, "POST", "/token", body, NULL),
			 http_want_error("400 Bad Request", "", "invalid_request",
					 "the field username is longer than 255 bytes"));
	snprintf(body, sizeof(body), "username=%s&password=b", name + 1);
	http_ask(&h, "POST", "/token", body, NULL);
	ck_assert_int_eq(h.resp.status, 200);

	memset(body, 'p', sizeof(body));
	memcpy(body, "username=a&password=", 20);
	body[20 + LIMIT_PASSWORD + 1] = '\0';
	ck_assert_str_eq(http_ask(&h, "POST", "/token", body, NULL),
			 http_want_error("400 Bad Request", "", "invalid_request",
					 "the field password is longer than 1024 bytes"));
	body[20 + LIMIT_PASSWORD] = '\0';
	http_ask(&h, "POST", "/token", body, NULL);
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

START_TEST(a_wrong_password_is_invalid_grant)
{
	rig_handler_says(&h.rig, TP_DENIED, NULL);
	ck_assert_str_eq(http_ask(&h, "POST", "/token", LOGIN, NULL),
			 http_want_error("400 Bad Request", "", "invalid_grant",
					 "Wrong user name or password"));
	ck_assert_str_eq(h.log,
			 "ts=2027-01-15T08:00:00Z level=info event=login.refused "
			 "request_id=req-1 method=POST path=/token status=400 user=ann "
			 "remote=192.0.2.1 reason=\"the token handler was told to say so\"\n");
}
END_TEST

START_TEST(the_catalogue_limits_what_may_be_asked_for)
{
	struct tp_err err;

	h.rig.rules.has_catalogue = true;
	ck_assert_int_eq(scope_parse(span_of("user:read admin"), &h.rig.rules.catalogue, &err),
			 TP_OK);
	ck_assert_str_eq(http_ask(&h, "POST", "/token", LOGIN "&scope=user:read+user:write", NULL),
			 http_want_error("400 Bad Request", "", "invalid_scope",
					 "an unknown scope was asked for"));
	ck_assert_int_eq(h.rig.asked, 0);
	ck_login(http_ask(&h, "POST", "/token", LOGIN "&scope=user:read+admin", NULL), "user:read");
	/* what the handler returns is granted even if not in it */
	ck_login(http_ask(&h, "POST", "/token", LOGIN, NULL), "user:read user:write");
}
END_TEST

START_TEST(scopes_beyond_the_catalogue_are_a_warning_once)
{
	static const char warning[] =
		"level=warning event=scope.uncatalogued request_id=req-1 "
		"scopes=\"user:write admin\" reason=\"the token handler grants scopes that "
		"AUTH_SCOPES does not name\"\n";

	h.rig.rules.has_catalogue = true;
	ck_assert_int_eq(scope_parse(SPAN_LIT("user:read"), &h.rig.rules.catalogue, NULL), TP_OK);
	rig_handler_says(&h.rig, TP_OK, "{\"user_id\":\"user_099\",\"scopes\":[\"user:read\"]}");
	ck_login(http_ask(&h, "POST", "/token", LOGIN, NULL), "user:read");
	ck_assert(!http_logged(&h, "scope.uncatalogued"));
	rig_handler_says(&h.rig, TP_OK,
			 "{\"user_id\":\"user_099\","
			 "\"scopes\":[\"user:write\",\"user:read\",\"admin\"]}");
	for (int i = 0; i < 3; i++)
		ck_login(http_ask(&h, "POST", "/token", LOGIN, NULL), "user:write user:read admin");
	ck_assert_msg(http_logged(&h, warning), "%s", h.log);
	ck_assert_ptr_null(strstr(strstr(h.log, "scope.uncatalogued") + 1, "scope.uncatalogued"));
}
END_TEST

START_TEST(without_a_catalogue_no_scope_is_beyond_it)
{
	ck_login(http_ask(&h, "POST", "/token", LOGIN, NULL), "user:read user:write");
	ck_assert(!http_logged(&h, "scope.uncatalogued"));
}
END_TEST

static const char unavailable[] = "The service is temporarily unavailable";

START_TEST(a_store_that_does_not_answer_is_503_at_every_step)
{
	for (int trip = 1; trip <= 2; trip++) {
		rig_store_fail(&h.rig, RIG_DEAD, trip);
		ck_assert_str_eq(http_ask(&h, "POST", "/token", LOGIN, NULL),
				 http_want_error("503 Service Unavailable", "Retry-After: 5\r\n",
						 "temporarily_unavailable", unavailable));
	}
	rig_store_fail(&h.rig, RIG_MUTE, 2);
	ck_assert_str_eq(http_ask(&h, "POST", "/token", LOGIN, NULL),
			 http_want_error("503 Service Unavailable", "Retry-After: 5\r\n",
					 "temporarily_unavailable", unavailable));
	ck_assert(http_logged(&h, "level=error event=request.failed request_id=req-1 method=POST "
				  "path=/token status=503 user=ann "));
}
END_TEST

START_TEST(a_handler_in_trouble_is_503)
{
	rig_handler_says(&h.rig, TP_UNAVAILABLE, NULL);
	ck_assert_str_eq(http_ask(&h, "POST", "/token", LOGIN, NULL),
			 http_want_error("503 Service Unavailable", "Retry-After: 5\r\n",
					 "temporarily_unavailable", unavailable));
	rig_handler_says(&h.rig, TP_OK, "{\"user_id\":\"tpauth-x\"}");
	ck_assert_str_eq(http_ask(&h, "POST", "/token", LOGIN, NULL),
			 http_want_error("503 Service Unavailable", "Retry-After: 5\r\n",
					 "temporarily_unavailable", unavailable));
}
END_TEST

/* ---- the log ---- */

START_TEST(a_login_is_logged_with_the_fingerprint_and_without_a_secret)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(LIMIT_JWT);
	char token[64], want[512], fp[SECRET_FP_LEN + 1], text[LIMIT_JWT];
	struct span jwt;

	http_ask(&h, "POST", "/token?hint=query-marker", LOGIN "&client_secret=client-marker",
		 ENV("HTTP_COOKIE=user_id=x; access_token=cookie-marker",
		     "HTTP_AUTHORIZATION=Basic header-marker"));
	snprintf(token, sizeof(token), "%.*s", 43, http_member(&h, "token").p);
	secret_fingerprint(span_of(token), fp);
	snprintf(want, sizeof(want),
		 "ts=2027-01-15T08:00:00Z level=info event=login.ok request_id=req-1 method=POST "
		 "path=/token status=200 user=user_099 session=%s remote=192.0.2.1\n",
		 fp);
	ck_assert_str_eq(h.log, want);

	ck_assert(rig_get(&h.rig, "user_099", span_of(token), &value));
	ck_assert_int_eq(session_value_get(buf_view(&value), &jwt, &hold, NULL), TP_OK);
	snprintf(text, sizeof(text), "%.*s", (int)jwt.len, jwt.p);
	ck_assert(!http_logged(&h, token) && !http_logged(&h, text));
	ck_assert(!http_logged(&h, "marker"));
}
END_TEST

START_TEST(failures_are_logged_without_a_secret)
{
	static const char *const targets[] = { "/token", "/token?password=query-marker",
					       "/token?%zz=query-marker" };

	rig_handler_says(&h.rig, TP_DENIED, NULL);
	for (size_t i = 0; i < TP_COUNT(targets); i++)
		http_ask(&h, "POST", targets[i], LOGIN, NULL);
	http_ask(&h, "POST", "/token", "username=a&password=pass-marker%00", NULL);
	http_ask(&h, "POST", "/token", "password=pass-marker", NULL);
	rig_handler_says(&h.rig, TP_UNAVAILABLE, NULL);
	http_ask(&h, "POST", "/token", LOGIN, NULL);
	ck_assert(http_logged(&h, "event=login.refused") &&
		  http_logged(&h, "event=request.failed"));
	ck_assert(!http_logged(&h, "marker"));
}
END_TEST

START_TEST(a_name_cannot_forge_a_line)
{
	rig_handler_says(&h.rig, TP_DENIED, NULL);
	http_ask(&h, "POST", "/token", "username=a%0Aevent=login.ok%20user=root&password=b", NULL);
	ck_assert(http_logged(&h, " user=\"a\\x0aevent=login.ok user=root\" "));
	ck_assert_ptr_eq(strchr(h.log, '\n'), h.log + h.log_len - 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_token");
	TCase *t = tcase_create("token");

	tcase_add_checked_fixture(t, open_rig, release_rig);
	tcase_add_loop_test(t, a_login_gives_the_token_and_the_cookies, 0, (int)TP_COUNT(logins));
	tcase_add_test(t, a_multipart_login_is_one_as_well);
	tcase_add_test(t, a_chunked_body_without_a_length_is_read_to_its_end);
	tcase_add_test(t, an_empty_password_is_for_the_handler_to_judge);
	tcase_add_test(t, a_user_without_scopes_logs_in_with_none);
	tcase_add_test(t, under_token_format_jwt_the_bearer_is_the_jwt);
	tcase_add_test(t, an_odd_user_id_is_quoted_in_json_and_cookie);
	tcase_add_test(t, cookies_follow_the_settings);
	tcase_add_test(t, a_login_ends_the_session_of_the_cookies_that_came_along);
	tcase_add_test(t, a_login_deletes_nothing_that_is_no_session);
	tcase_add_test(t, cookies_that_name_nothing_do_not_keep_one_from_a_login);
	tcase_add_test(t, a_session_remembers_address_and_agent);
	tcase_add_loop_test(t, a_login_fails_for_a_reason_that_is_told, 0, (int)TP_COUNT(failures));
	tcase_add_test(t, what_is_wrong_with_the_form_is_told_before_anyone_is_asked);
	tcase_add_test(t, its_own_and_listed_origins_may_log_in);
	tcase_add_test(t, fields_longer_than_their_limits_are_refused);
	tcase_add_test(t, a_wrong_password_is_invalid_grant);
	/* Once in a process, which the tests may share: so before those that bring it as well. */
	tcase_add_test(t, scopes_beyond_the_catalogue_are_a_warning_once);
	tcase_add_test(t, the_catalogue_limits_what_may_be_asked_for);
	tcase_add_test(t, without_a_catalogue_no_scope_is_beyond_it);
	tcase_add_test(t, a_store_that_does_not_answer_is_503_at_every_step);
	tcase_add_test(t, a_handler_in_trouble_is_503);
	tcase_add_test(t, a_login_is_logged_with_the_fingerprint_and_without_a_secret);
	tcase_add_test(t, failures_are_logged_without_a_secret);
	tcase_add_test(t, a_name_cannot_forge_a_line);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
