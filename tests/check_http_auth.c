/* SPDX-License-Identifier: MIT */
/* AUTH_URL: what it says about a request, which request that is, and that nothing but 200, 401, 403
 * and 503 comes out of it. */
#include "support/alloc_fail.h"
#include "support/auth_rig.h"
#include "support/check_run.h"
#include "support/folder.h"

#include <stdio.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct http_rig h;
static struct session_minted m; /* of user_099 with user:read */
static char cookies[AUTH_COOKIES];

static void open_rig(void)
{
	auth_rig_open(&h, &m, cookies);
}

static void release_rig(void)
{
	session_minted_release(&m);
	http_rig_release(&h);
}

static const char *not_authenticated(void)
{
	return http_want("401 Unauthorized", "WWW-Authenticate: Bearer\r\n",
			 "{\"detail\":\"Not authenticated\"}");
}

static const char *invalid_token(void)
{
	return http_want_error("401 Unauthorized",
			       "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n",
			       "invalid_token", "Could not validate credentials");
}

/* ---- the identity ---- */

START_TEST(a_session_passes_with_its_identity)
{
	ck_assert_str_eq(auth_ask(&h, cookies, "/app/x?y", "GET", NULL),
			 auth_permitted(AUTH_IDENTITY));
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV(cookies)),
			 auth_permitted(AUTH_IDENTITY));
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV(http_bearer(secret_view(&m.jwt)))),
			 auth_permitted(AUTH_IDENTITY));
}
END_TEST

START_TEST(every_method_of_asking_is_answered)
{
	static const char *const methods[] = { "GET",	 "HEAD",    "POST",  "PUT",
					       "DELETE", "OPTIONS", "TRACE", "BREW" };

	for (size_t i = 0; i < TP_COUNT(methods); i++) {
		ck_assert_str_eq(http_ask(&h, methods[i], "/auth", NULL,
					  ENV("REQUEST_URI=/app", "TPAUTH_METHOD=GET", cookies)),
				 auth_permitted(AUTH_IDENTITY));
		http_ask(&h, methods[i], "/auth", NULL,
			 ENV("REQUEST_URI=/app", "TPAUTH_METHOD=GET"));
		ck_assert_int_eq(h.resp.status, 401);
	}
}
END_TEST

static const struct {
	const char *claims, *headers; /* NULL: cannot be handed on */
} identities[] = {
	{ "\"username\":\"Ann B\",\"email\":\"ann@example.org\",\"scopes\":[\"a\",\"b:c\"]",
	  "X-Auth-User: ann\r\nX-Auth-Username: Ann B\r\nX-Auth-Email: ann@example.org\r\n"
	  "X-Auth-Scopes: a b:c\r\n" },
	{ "\"username\":null,\"email\":null,\"scopes\":null", "X-Auth-User: ann\r\n" },
	{ "\"username\":\"\",\"email\":\"\",\"scopes\":[]", "X-Auth-User: ann\r\n" },
	{ "\"username\":\"\xc3\xa4nn\"", "X-Auth-User: ann\r\nX-Auth-Username: \xc3\xa4nn\r\n" },
	{ "\"username\":\"a\\r\\nX-Auth-User: root\"", NULL },
	{ "\"username\":\"a\\nb\"", NULL },
	{ "\"username\":\"\\u007f\"", NULL },
	{ "\"email\":\"a\\tb\"", NULL },
	{ "\"username\":\" root\"", NULL },
	{ "\"username\":\"root \"", NULL },
	{ "\"email\":\" \"", NULL },
};

START_TEST(what_cannot_be_handed_on_is_503)
{
	char claims[512];

	snprintf(claims, sizeof(claims),
		 "{\"user_id\":\"ann\",%s,\"iss\":\"" RIG_ISSUER "\",\"iat\":1800000000,"
		 "\"exp\":1800086400,\"token_type\":\"access\"}",
		 identities[_i].claims);
	rig_put_signed(&h.rig, "ann", "handle-of-ann", claims, 100);
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV("HTTP_COOKIE=user_id=ann; access_token=handle-of-ann")),
			 identities[_i].headers != NULL ? auth_permitted(identities[_i].headers)
							: auth_unavailable());
	if (identities[_i].headers == NULL)
		ck_assert(http_logged(&h, " event=request.failed ") &&
			  http_logged(&h, "cannot be handed on"));
}
END_TEST

static const char *const outer_blanks[] = { " root", "root ", " " };

START_TEST(a_user_with_outer_blanks_is_nobody_else)
{
	char claims[512], cookie[128];

	snprintf(claims, sizeof(claims),
		 "{\"user_id\":\"%s\",\"iss\":\"" RIG_ISSUER "\",\"iat\":1800000000,"
		 "\"exp\":1800086400,\"token_type\":\"access\"}",
		 outer_blanks[_i]);
	snprintf(cookie, sizeof(cookie), "HTTP_COOKIE=user_id=\"%s\"; access_token=handle",
		 outer_blanks[_i]);
	rig_put_signed(&h.rig, outer_blanks[_i], "handle", claims, 100);
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV(cookie)), auth_unavailable());
}
END_TEST

/* ---- the JWT ---- */

START_TEST(the_jwt_goes_to_a_server_that_asks_for_it_and_only_where_it_is_set)
{
	char with_jwt[4096];

	snprintf(with_jwt, sizeof(with_jwt), "%sX-Auth-JWT: %.*s\r\n", AUTH_IDENTITY,
		 (int)m.jwt.len, m.jwt.p);
	ck_assert_str_eq(auth_ask(&h, cookies, "/app", "GET", "TPAUTH_SUBREQUEST=1"),
			 auth_permitted(AUTH_IDENTITY));
	h.spec.pass_jwt = true;
	http_rig_site(&h);
	ck_assert_str_eq(auth_ask(&h, cookies, "/app", "GET", "TPAUTH_SUBREQUEST=1"),
			 auth_permitted(with_jwt));
	ck_assert_str_eq(auth_ask(&h, cookies, "/app", "GET", NULL), auth_permitted(AUTH_IDENTITY));
	ck_assert_str_eq(auth_ask(&h, cookies, "/app", "GET", "TPAUTH_SUBREQUEST=0"),
			 auth_permitted(AUTH_IDENTITY));
	ck_assert_str_eq(auth_ask(&h, cookies, "/app", "GET", "HTTP_TPAUTH_SUBREQUEST=1"),
			 auth_permitted(AUTH_IDENTITY));
	ck_assert(!http_logged(&h, secret_view(&m.jwt).p));
}
END_TEST

START_TEST(a_jwt_that_no_header_holds_is_503)
{
	char claims[4096], cookie[] = "HTTP_COOKIE=user_id=ann; access_token=handle";

	snprintf(claims, sizeof(claims),
		 "{\"user_id\":\"ann\",\"more\":\"%02300d\",\"iss\":\"" RIG_ISSUER
		 "\",\"iat\":1800000000,\"exp\":1800086400,\"token_type\":\"access\"}",
		 0);
	rig_put_signed(&h.rig, "ann", "handle", claims, 100);
	h.spec.pass_jwt = true;
	http_rig_site(&h);
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV(cookie)),
			 auth_permitted("X-Auth-User: ann\r\n"));
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV(cookie, "TPAUTH_SUBREQUEST=1")),
			 auth_unavailable());
	ck_assert(http_logged(&h, "AUTHORIZER_PASS_JWT: the JWT has more than 3072 bytes"));
}
END_TEST

static void refresh_meanwhile(struct rig *r, const struct store_op *ops, size_t n)
{
	(void)ops;
	(void)n;
	if (r->round_trips == 2)
		rig_put_signed(r, "user_099", m.handle.p,
			       "{\"user_id\":\"user_099\",\"iss\":\"" RIG_ISSUER
			       "\",\"iat\":1800000000,\"exp\":1800086400,"
			       "\"token_type\":\"access\"}",
			       100);
}

START_TEST(a_session_that_lost_its_scopes_meanwhile_passes_no_more)
{
	static const char *const scopes[] = { "user:read", NULL };

	h.spec.pass_jwt = true;
	h.spec.required_scopes = scopes;
	http_rig_site(&h);
	h.rig.before_store = refresh_meanwhile;
	h.rig.round_trips = 0;
	ck_assert_str_eq(auth_ask(&h, cookies, "/app", "GET", "TPAUTH_SUBREQUEST=1"),
			 auth_forbidden("user:read"));
}
END_TEST

/* ---- refusals ---- */

START_TEST(without_a_session_nobody_passes)
{
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, NULL), not_authenticated());
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV("REMOTE_USER=user_099", "HTTP_X_AUTH_USER=user_099",
				      "HTTP_REMOTE_USER=user_099", "AUTH_TYPE=Basic",
				      "HTTP_VARIABLE_REMOTE_USER=user_099", "TPAUTH_USER_ID=a",
				      "HTTP_AUTHORIZATION=Basic dXNlcl8wOTk6eA==")),
			 not_authenticated());
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV("HTTP_COOKIE=user_id=user_099; access_token=x")),
			 invalid_token());
}
END_TEST

static const char *const unreadable[][2] = {
	{ "HTTP_AUTHORIZATION=Bearer a", "HTTP_AUTHORIZATION=Bearer a" },
	{ "HTTP_AUTHORIZATION=Bearer a, Bearer b", "X=y" },
	{ "HTTP_AUTHORIZATION=Bearer a", "REDIRECT_HTTP_AUTHORIZATION=Bearer b" },
	{ "HTTP_COOKIE=a=b", "X=y" }, /* a second one beside the session's */
	{ "HTTP_ORIGIN=https://a.example", "HTTP_ORIGIN=https://a.example" },
	{ "HTTP_HOST=a", "HTTP_HOST=b" },
	{ "HTTP_X_FORWARDED_URI=/a", "HTTP_X_FORWARDED_URI=/a" },
	{ "HTTP_X_FORWARDED_METHOD=GET", "HTTP_X_FORWARDED_METHOD=GET" },
	{ "CONTENT_LENGTH=x", "X=y" },
};

START_TEST(what_is_400_elsewhere_is_401)
{
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV("REQUEST_URI=/app", "TPAUTH_METHOD=GET", cookies,
				      unreadable[_i][0], unreadable[_i][1])),
			 invalid_token());
}
END_TEST

START_TEST(so_is_413)
{
	TP_CLEANUP(buf_release) struct buf large = BUF_INIT(LIMIT_ENV_BYTES + 100);

	buf_str(&large, "HTTP_X=");
	while (large.len < LIMIT_ENV_BYTES)
		buf_char(&large, 'x');
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV(cookies, buf_cstr(&large))),
			 invalid_token());
}
END_TEST

START_TEST(a_store_that_does_not_answer_is_503)
{
	static const enum rig_failure failures[] = { RIG_DEAD, RIG_MUTE };

	for (size_t i = 0; i < TP_COUNT(failures); i++) {
		rig_store_fail(&h.rig, failures[i], 0);
		ck_assert_str_eq(auth_ask(&h, cookies, "/app", "GET", NULL), auth_unavailable());
	}
}
END_TEST

/* The JWT's own round trip as well. */
START_TEST(a_store_that_fails_in_between_is_503)
{
	h.spec.pass_jwt = true;
	http_rig_site(&h);
	rig_store_fail(&h.rig, RIG_DEAD, 2);
	ck_assert_str_eq(auth_ask(&h, cookies, "/app", "GET", "TPAUTH_SUBREQUEST=1"),
			 auth_unavailable());
}
END_TEST

START_TEST(a_path_that_can_be_read_in_two_ways_is_403_with_and_without_rules)
{
	static const char *const targets[] = { "/app/../x", "/%2e%2e/x", "/app%00",
					       "/a%5cb",    "/%252e",	 "*" };

	for (size_t i = 0; i < TP_COUNT(targets); i++)
		ck_assert_str_eq(auth_ask(&h, cookies, targets[i], "GET", NULL),
				 auth_forbidden(NULL));
	ck_assert_str_eq(
		http_ask(&h, "GET", "/auth", NULL, ENV("REQUEST_URI=/app/../x?secret", "X=y")),
		auth_forbidden(NULL));
	ck_assert(http_logged(&h, " method=GET path=/app/../x status=403 "));
	ck_assert(!http_logged(&h, "secret"));
}
END_TEST

/* ---- origins ---- */

static const struct {
	const char *method, *header;
	bool passes;
} origins[] = {
	{ "GET", "HTTP_ORIGIN=https://evil.example", true },
	{ "HEAD", "HTTP_ORIGIN=null", true },
	{ "POST", "HTTP_ORIGIN=https://auth.example.org", true },
	{ "POST", "HTTP_SEC_FETCH_SITE=same-origin", true },
	{ "POST", "X=y", true },
	{ "POST", "HTTP_ORIGIN=https://evil.example", false },
	{ "DELETE", "HTTP_ORIGIN=null", false },
	{ "BREW", "HTTP_ORIGIN=null", false },
	{ "get", "HTTP_ORIGIN=null", false },
	{ "POST", "HTTP_SEC_FETCH_SITE=cross-site", false },
	{ "POST", "HTTP_SEC_FETCH_SITE=same-site", false },
	/* not known */
	{ "", "HTTP_ORIGIN=null", false },
	{ "", "X=y", true },
};

START_TEST(the_origin_is_judged_by_the_method_of_the_protected_request)
{
	ck_assert_str_eq(auth_ask(&h, cookies, "/app", origins[_i].method, origins[_i].header),
			 origins[_i].passes ? auth_permitted(AUTH_IDENTITY) : auth_foreign());
}
END_TEST

START_TEST(a_page_of_cors_urls_is_not_foreign)
{
	auth_ask(&h, cookies, "/app", "POST", "HTTP_ORIGIN=https://app.example.org");
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

START_TEST(a_bearer_is_no_cookie)
{
	ck_assert_str_eq(
		http_ask(&h, "GET", "/auth", NULL,
			 ENV("REQUEST_URI=/app", "TPAUTH_METHOD=POST",
			     "HTTP_ORIGIN=https://evil.example", http_bearer(secret_view(&m.jwt)))),
		auth_permitted(AUTH_IDENTITY));
}
END_TEST

/* ---- preflights ---- */

#define PREFLIGHT "HTTP_ORIGIN=https://evil.example", "HTTP_ACCESS_CONTROL_REQUEST_METHOD=PUT"

START_TEST(a_preflight_passes_as_nobody_or_is_checked)
{
	const char *const *env = ENV("REQUEST_URI=/app", "TPAUTH_METHOD=OPTIONS", PREFLIGHT);

	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, env), auth_permitted(""));
	ck_assert_str_eq(http_ask(&h, "OPTIONS", "/auth", NULL, env), auth_permitted(""));
	h.spec.preflight_checked = true;
	http_rig_site(&h);
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, env), not_authenticated());
	ck_assert_str_eq(http_ask(&h, "OPTIONS", "/auth", NULL, env), not_authenticated());
}
END_TEST

static const char *const no_preflights[][4] = {
	{ "TPAUTH_METHOD=GET", PREFLIGHT, "REQUEST_URI=/app" },
	{ "TPAUTH_METHOD=", PREFLIGHT, "REQUEST_URI=/app" },
	{ "TPAUTH_METHOD=options", PREFLIGHT, "REQUEST_URI=/app" },
	{ "TPAUTH_METHOD=OPTIONS", "HTTP_ORIGIN=https://evil.example", "X=y", "REQUEST_URI=/app" },
	{ "TPAUTH_METHOD=OPTIONS", "HTTP_ACCESS_CONTROL_REQUEST_METHOD=PUT", "X=y",
	  "REQUEST_URI=/app" },
};

START_TEST(what_is_no_preflight_is_checked)
{
	ck_assert_str_eq(http_ask(&h, "OPTIONS", "/auth", NULL,
				  ENV(no_preflights[_i][0], no_preflights[_i][1],
				      no_preflights[_i][2], no_preflights[_i][3])),
			 not_authenticated());
}
END_TEST

/* ---- memory ---- */

START_TEST(without_memory_nobody_passes_in_part)
{
	bool failed = true;

	h.spec.pass_jwt = true;
	auth_set_rules(&h, "/app * user:read\n");
	for (long n = 1; failed; n++) {
		http_rig_request(&h, "GET", "/auth", NULL,
				 ENV("REQUEST_URI=/app/x", "TPAUTH_METHOD=GET",
				     "TPAUTH_SUBREQUEST=1", cookies));
		response_release(&h.resp);
		response_init(&h.resp);
		alloc_fail_at(n);
		http_rig_serve(&h);
		failed = alloc_fail_off();
		ck_assert_int_lt(n, 1000);
		ck_assert_msg(h.resp.status == 503 ||
				      (h.resp.status == 200 &&
				       strstr(http_rig_answer(&h), "X-Auth-JWT: e") != NULL &&
				       strstr(http_rig_answer(&h), AUTH_IDENTITY) != NULL),
			      "allocation %ld: %s", n, http_rig_answer(&h));
		h.log_len = 0;
	}
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_auth");
	TCase *t = tcase_create("auth");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, folder_make, folder_remove);
	tcase_add_checked_fixture(t, open_rig, release_rig);
	tcase_add_test(t, a_session_passes_with_its_identity);
	tcase_add_test(t, every_method_of_asking_is_answered);
	tcase_add_loop_test(t, what_cannot_be_handed_on_is_503, 0, (int)TP_COUNT(identities));
	tcase_add_loop_test(t, a_user_with_outer_blanks_is_nobody_else, 0,
			    (int)TP_COUNT(outer_blanks));
	tcase_add_test(t, the_jwt_goes_to_a_server_that_asks_for_it_and_only_where_it_is_set);
	tcase_add_test(t, a_jwt_that_no_header_holds_is_503);
	tcase_add_test(t, a_session_that_lost_its_scopes_meanwhile_passes_no_more);
	tcase_add_test(t, without_a_session_nobody_passes);
	tcase_add_loop_test(t, what_is_400_elsewhere_is_401, 0, (int)TP_COUNT(unreadable));
	tcase_add_test(t, so_is_413);
	tcase_add_test(t, a_store_that_does_not_answer_is_503);
	tcase_add_test(t, a_store_that_fails_in_between_is_503);
	tcase_add_test(t, a_path_that_can_be_read_in_two_ways_is_403_with_and_without_rules);
	tcase_add_loop_test(t, the_origin_is_judged_by_the_method_of_the_protected_request, 0,
			    (int)TP_COUNT(origins));
	tcase_add_test(t, a_page_of_cors_urls_is_not_foreign);
	tcase_add_test(t, a_bearer_is_no_cookie);
	tcase_add_test(t, a_preflight_passes_as_nobody_or_is_checked);
	tcase_add_loop_test(t, what_is_no_preflight_is_checked, 0, (int)TP_COUNT(no_preflights));
	tcase_add_test(t, without_memory_nobody_passes_in_part);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
