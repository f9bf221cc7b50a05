/* SPDX-License-Identifier: MIT */
/* The authorizer role: permission is Status: 200 and variables and nothing else; every doubt is a
 * refusal; what a client makes up is nobody's identity. */
#include "http/authorizer.h"

#include "support/alloc_fail.h"
#include "support/auth_rig.h"
#include "support/check_run.h"
#include "support/folder.h"
#include "support/http_rig.h"

#include <stdio.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct http_rig h;
static struct session_minted m; /* of user_099 with user:read */
static char cookies[256];

static void open_rig(void)
{
	http_rig_open(&h);
	rig_login(&h.rig, "user_099", "user:read", &m);
	snprintf(cookies, sizeof(cookies), "%s", http_cookies("user_099", secret_view(&m.handle)));
}

static void release_rig(void)
{
	session_minted_release(&m);
	http_rig_release(&h);
}

/* What a web server sends in this role: no SCRIPT_NAME, the raw target. */
static const char *ask(const char *method, const char *target, const char *const *extra)
{
	char uri[512];
	const char *all[32] = { "SCRIPT_NAME=", uri };
	size_t n = 2;

	snprintf(uri, sizeof(uri), "REQUEST_URI=%s", target);
	for (; extra != NULL && *extra != NULL && n < TP_COUNT(all) - 1; extra++)
		all[n++] = *extra;
	http_rig_request(&h, method, "", NULL, all);
	http_rig_authorize(&h);
	return http_rig_answer(&h);
}

#define PERMITTED                               \
	"Status: 200 OK\r\n"                    \
	"Variable-REMOTE_USER: user_099\r\n"    \
	"Variable-TPAUTH_USER_ID: user_099\r\n" \
	"Variable-TPAUTH_USERNAME: Admin\r\n"   \
	"Variable-TPAUTH_SCOPES: user:read\r\n\r\n"

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

START_TEST(a_session_passes_with_its_identity_and_nothing_else)
{
	ck_assert_str_eq(ask("GET", "/app/x?y", ENV(cookies)), PERMITTED);
	ck_assert_str_eq(ask("POST", "/app/x?y", ENV(cookies, "CONTENT_LENGTH=1000")), PERMITTED);
	ck_assert_str_eq(ask("HEAD", "/", ENV(http_bearer(secret_view(&m.jwt)))), PERMITTED);
	ck_assert_str_eq(ask("BREW", "/token", ENV(cookies)), PERMITTED);
	/* whatever origin may read it: that is for the protected answer to say */
	ck_assert_str_eq(ask("GET", "/", ENV(cookies, "HTTP_ORIGIN=https://app.example.org")),
			 PERMITTED);
}
END_TEST

START_TEST(mod_authnz_fcgi_and_mod_fcgid_ask_alike)
{
	static const char *const roles[] = { "AUTHENTICATOR", "AUTHORIZER", "ACCESS_CHECKER" };

	for (size_t i = 0; i < TP_COUNT(roles); i++) {
		char role[64];

		snprintf(role, sizeof(role), "FCGI_APACHE_ROLE=%s", roles[i]);
		ck_assert_str_eq(ask("GET", "/app", ENV(role, "FCGI_ROLE=AUTHORIZER", cookies)),
				 PERMITTED);
		ck_assert_str_eq(ask("GET", "/app", ENV(role, "REMOTE_USER=user_099")),
				 not_authenticated());
	}
}
END_TEST

/* A 200 would prove the name that came with the password, whoever's session it is. */
START_TEST(a_basic_password_is_not_checked_and_no_session_stands_in_for_it)
{
	const char *const *env =
		ENV("FCGI_APACHE_ROLE=AUTHENTICATOR", "REMOTE_USER=root", "REMOTE_PASSWD=secret",
		    "AUTH_TYPE=Basic", "HTTP_AUTHORIZATION=Basic cm9vdDpzZWNyZXQ=", cookies);

	ck_assert_str_eq(ask("GET", "/app", env), not_authenticated());
	ck_assert_str_eq(ask("GET", "/app", ENV("REMOTE_PASSWD=x", cookies)), not_authenticated());
	/* "Basic cm9vdDo=": a password of no characters is one that is asked about, too. */
	ck_assert_str_eq(ask("GET", "/app", ENV("REMOTE_USER=root", "REMOTE_PASSWD=", cookies)),
			 not_authenticated());
	ck_assert_str_eq(ask("OPTIONS", "/app",
			     ENV("REMOTE_PASSWD=x", "HTTP_ORIGIN=https://a.example",
				 "HTTP_ACCESS_CONTROL_REQUEST_METHOD=GET")),
			 not_authenticated());
	ck_assert(http_logged(&h, "asks for a Basic password"));
	ck_assert(!http_logged(&h, "secret") && !http_logged(&h, "cm9vd"));
}
END_TEST

/* ---- what a client makes up ---- */

static const char *const made_up[][3] = {
	{ "X=y" },
	{ "HTTP_REMOTE_USER=user_099" },
	{ "REMOTE_USER=user_099", "AUTH_TYPE=Bearer" },
	{ "REDIRECT_REMOTE_USER=user_099" },
	{ "HTTP_X_AUTH_USER=user_099", "HTTP_X_AUTH_USERNAME=Admin" },
	{ "HTTP_VARIABLE_REMOTE_USER=user_099", "HTTP_VARIABLE_TPAUTH_USER_ID=user_099" },
	{ "TPAUTH_USER_ID=user_099", "HTTP_TPAUTH_USER_ID=user_099" },
	{ "HTTP_X_FORWARDED_USER=user_099" },
	{ "HTTP_AUTHORIZATION=Basic dXNlcl8wOTk6eA==" },
	{ "HTTP_AUTHORIZATION=Digest username=\"user_099\"" },
	{ "HTTP_COOKIE=user_id=user_099" },
	{ "HTTP_COOKIE=" },
};

START_TEST(nothing_a_client_makes_up_is_an_identity)
{
	ck_assert_str_eq(ask("GET", "/app", made_up[_i]), not_authenticated());
}
END_TEST

START_TEST(nor_is_it_in_the_way_of_one)
{
	const char *env[5] = { cookies };

	if (strncmp(made_up[_i][0], "HTTP_COOKIE", 11) == 0)
		return;
	for (size_t i = 0; i < 3; i++)
		env[i + 1] = made_up[_i][i];
	ck_assert_str_eq(ask("GET", "/app", env), PERMITTED);
}
END_TEST

static const char *const worthless[][3] = {
	{ "HTTP_COOKIE=user_id=user_099; access_token=x" },
	{ "HTTP_AUTHORIZATION=Bearer x" },
	{ "HTTP_AUTHORIZATION=Bearer x.dXNlcl8wOTk" },
	{ "HTTP_AUTHORIZATION=Bearer a", "HTTP_AUTHORIZATION=Bearer a" },
	{ "HTTP_AUTHORIZATION=Bearer a, Bearer b" },
	{ "HTTP_COOKIE=user_id=user_099; user_id=root; access_token=x" },
	{ "HTTP_COOKIE=user_id=user_099; access_token=x", "HTTP_COOKIE=a=b" },
	{ "HTTP_X_FORWARDED_HOST=a", "HTTP_X_FORWARDED_HOST=a" },
	{ "HTTP_HOST=a", "HTTP_HOST=a" },
	{ "CONTENT_LENGTH=-1" },
};

START_TEST(a_credential_that_does_not_hold_or_is_doubled_is_401)
{
	ck_assert_str_eq(ask("GET", "/app", worthless[_i]), invalid_token());
}
END_TEST

START_TEST(a_request_of_too_many_headers_is_401)
{
	TP_CLEANUP(buf_release) struct buf large = BUF_INIT(LIMIT_ENV_BYTES + 100);

	buf_str(&large, "HTTP_X=");
	while (large.len < LIMIT_ENV_BYTES)
		buf_char(&large, 'x');
	ck_assert_str_eq(ask("GET", "/app", ENV(cookies, buf_cstr(&large))), invalid_token());
}
END_TEST

START_TEST(an_ended_session_passes_no_more)
{
	struct tp_err err;

	ck_assert_str_eq(ask("GET", "/app", ENV(cookies)), PERMITTED);
	ck_assert_int_eq(
		session_close(&h.rig.other, SPAN_LIT("user_099"), secret_view(&m.handle), &err),
		TP_OK);
	ck_assert_str_eq(ask("GET", "/app", ENV(cookies)), invalid_token());
}
END_TEST

START_TEST(an_answer_to_head_tells_the_length_of_its_refusal)
{
	ck_assert_str_eq(ask("HEAD", "/app", NULL),
			 "Status: 401 Unauthorized\r\nContent-Type: application/json\r\n"
			 "WWW-Authenticate: Bearer\r\nCache-Control: no-store\r\nVary: Origin\r\n"
			 "X-Request-ID: req-1\r\nContent-Length: 30\r\n\r\n");
}
END_TEST

START_TEST(a_foreign_page_may_read_a_refusal_where_cors_lets_it)
{
	static const char cors[] =
		"Access-Control-Allow-Origin: https://app.example.org\r\n"
		"Access-Control-Allow-Credentials: true\r\n"
		"Access-Control-Expose-Headers: X-Request-ID, Retry-After, WWW-Authenticate\r\n";

	ck_assert_ptr_nonnull(
		strstr(ask("GET", "/app", ENV("HTTP_ORIGIN=https://app.example.org")), cors));
	ck_assert_int_eq(h.resp.status, 401);
}
END_TEST

/* ---- paths ---- */

static const char *const doubtful[] = {
	"/app/../admin",
	"/%2e%2e/admin",
	"/app/%2E%2e/admin",
	"/app/..%2fadmin",
	"/app%5c..%5cadmin",
	"/app%00",
	"/app%252fx",
	"/app#x",
	"/app/;x/admin",
	"*",
	"app",
	"/%",
};

START_TEST(a_path_that_can_be_read_in_two_ways_is_403)
{
	ck_assert_str_eq(ask("GET", doubtful[_i], ENV(cookies)), auth_forbidden(NULL));
	ck_assert_str_eq(ask("GET", doubtful[_i], NULL), auth_forbidden(NULL));
	ck_assert_str_eq(
		ask("OPTIONS", doubtful[_i],
		    ENV("HTTP_ORIGIN=https://a.example", "HTTP_ACCESS_CONTROL_REQUEST_METHOD=GET")),
		auth_forbidden(NULL));
}
END_TEST

static void set_rules(const char *text)
{
	static char path[256];

	folder_write("rules", text);
	snprintf(path, sizeof(path), "%s", folder_path("rules"));
	h.spec.scope_rules = path;
	http_rig_site(&h);
}

static const struct {
	const char *method, *target, *scopes; /* NULL: passes */
} requests[] = {
	{ "GET", "/free", NULL },
	{ "GET", "/admin", "admin" },
	{ "GET", "//admin", "admin" },
	{ "GET", "/./admin/", "admin" },
	{ "GET", "/%61dmin", "admin" },
	{ "GET", "/%2fadmin", "admin" },
	{ "GET", "/admin%2fx", "admin" },
	{ "GET", "/admin;x=1/y", "admin" },
	{ "GET", "/admin?a=/free", "admin" },
	{ "GET", "http://auth.example.org/admin", "admin" },
	{ "HEAD", "/app", NULL },
	{ "POST", "/app", "app:write" },
	{ "post", "/app", "app:write" },
	{ "DELETE", "/app", NULL },
	/* other paths, where names of one case are not those of the other */
	{ "GET", "/ADMIN", NULL },
	{ "GET", "/administrator", NULL },
};

START_TEST(rules_hold_for_every_spelling_of_a_path)
{
	set_rules("/admin * admin\n/app GET user:read\n/app POST app:write\n");
	ck_assert_str_eq(ask(requests[_i].method, requests[_i].target, ENV(cookies)),
			 requests[_i].scopes == NULL ? PERMITTED
						     : auth_forbidden(requests[_i].scopes));
}
END_TEST

START_TEST(with_rules_a_target_is_needed)
{
	ck_assert_str_eq(ask("GET", "", ENV(cookies)), PERMITTED);
	set_rules("/free * -\n");
	ck_assert_str_eq(ask("GET", "", ENV(cookies, "HTTP_X_FORWARDED_URI=/free")),
			 auth_forbidden(NULL));
}
END_TEST

/* The parameters of AUTH_URL are not for this role: a method is what the server says it is. */
START_TEST(the_request_itself_is_the_protected_one)
{
	static const char *const proxies[] = { "192.0.2.1", NULL };

	h.spec.trusted_proxies = proxies;
	set_rules("/auth POST a\n/auth GET -\n/free * -\n");
	ck_assert_str_eq(ask("POST", "/auth",
			     ENV(cookies, "TPAUTH_METHOD=GET", "HTTP_X_FORWARDED_URI=/free",
				 "HTTP_X_FORWARDED_METHOD=GET")),
			 auth_forbidden("a"));
}
END_TEST

START_TEST(all_three_sources_of_scopes_add_up)
{
	static const char *const scopes[] = { "a", NULL };

	h.spec.required_scopes = scopes;
	set_rules("/ * c\n");
	ck_assert_str_eq(ask("GET", "/app", ENV(cookies, "TPAUTH_REQUIRE_SCOPES=b")),
			 auth_forbidden("a b c"));
	ck_assert_str_eq(ask("GET", "/app", ENV("TPAUTH_REQUIRE_SCOPES=b")), not_authenticated());
	ck_assert_str_eq(ask("GET", "/app", ENV(cookies, "TPAUTH_REQUIRE_SCOPES=\\")),
			 auth_unavailable());
}
END_TEST

/* ---- origins and preflights ---- */

START_TEST(a_foreign_page_changes_nothing_by_cookies)
{
	const char *refused = http_want_error("403 Forbidden", "", "access_denied",
					      "Requests from this origin are not accepted");

	ck_assert_str_eq(ask("POST", "/app", ENV(cookies, "HTTP_ORIGIN=https://evil.example")),
			 refused);
	ck_assert_str_eq(ask("PUT", "/app", ENV(cookies, "HTTP_SEC_FETCH_SITE=cross-site")),
			 refused);
	ck_assert_str_eq(ask("get", "/app", ENV(cookies, "HTTP_ORIGIN=null")), refused);
	ck_assert_str_eq(ask("POST", "/app", ENV(cookies, "HTTP_ORIGIN=https://auth.example.org")),
			 PERMITTED);
	ck_assert_str_eq(
		ask("POST", "/app",
		    ENV(http_bearer(secret_view(&m.jwt)), "HTTP_ORIGIN=https://evil.example")),
		PERMITTED);
}
END_TEST

#define PREFLIGHT "HTTP_ORIGIN=https://evil.example", "HTTP_ACCESS_CONTROL_REQUEST_METHOD=PUT"

START_TEST(a_preflight_passes_as_nobody_or_is_checked)
{
	ck_assert_str_eq(ask("OPTIONS", "/app", ENV(PREFLIGHT)), "Status: 200 OK\r\n\r\n");
	ck_assert_str_eq(ask("OPTIONS", "/app", ENV(PREFLIGHT, cookies)), "Status: 200 OK\r\n\r\n");
	ck_assert_str_eq(ask("options", "/app", ENV(PREFLIGHT)), not_authenticated());
	ck_assert_str_eq(ask("GET", "/app", ENV(PREFLIGHT)), not_authenticated());
	ck_assert_str_eq(ask("OPTIONS", "/app", ENV("HTTP_ORIGIN=https://evil.example")),
			 not_authenticated());
	h.spec.cors = false; /* ours, not the application's */
	http_rig_site(&h);
	ck_assert_str_eq(ask("OPTIONS", "/app", ENV(PREFLIGHT)), "Status: 200 OK\r\n\r\n");
	h.spec.preflight_checked = true;
	http_rig_site(&h);
	ck_assert_str_eq(ask("OPTIONS", "/app", ENV(PREFLIGHT)), not_authenticated());
	ck_assert_str_eq(ask("OPTIONS", "/app", ENV(PREFLIGHT, cookies)), PERMITTED);
}
END_TEST

/* ---- the identity ---- */

START_TEST(the_jwt_is_handed_on_where_it_is_set)
{
	char want[4096];

	h.spec.pass_jwt = true;
	http_rig_site(&h);
	snprintf(want, sizeof(want), "%.*sVariable-TPAUTH_JWT: %.*s\r\n\r\n",
		 (int)strlen(PERMITTED) - 2, PERMITTED, (int)m.jwt.len, m.jwt.p);
	ck_assert_str_eq(ask("GET", "/app", ENV(cookies)), want);
}
END_TEST

START_TEST(a_value_that_cannot_be_handed_on_is_503)
{
	rig_put_signed(&h.rig, "ann", "handle",
		       "{\"user_id\":\"ann\",\"username\":\"x\\nVariable-REMOTE_USER: root\","
		       "\"iss\":\"" RIG_ISSUER "\",\"iat\":1800000000,\"exp\":1800086400,"
		       "\"token_type\":\"access\"}",
		       100);
	ck_assert_str_eq(ask("GET", "/", ENV("HTTP_COOKIE=user_id=ann; access_token=handle")),
			 auth_unavailable());
	ck_assert(http_logged(&h, "the value for Variable-TPAUTH_USERNAME cannot be handed on"));
}
END_TEST

/* ---- trouble ---- */

START_TEST(a_store_that_does_not_answer_is_503)
{
	static const enum rig_failure failures[] = { RIG_DEAD, RIG_MUTE };

	for (size_t i = 0; i < TP_COUNT(failures); i++) {
		rig_store_fail(&h.rig, failures[i], 0);
		ck_assert_str_eq(ask("GET", "/app", ENV(cookies)), auth_unavailable());
	}
}
END_TEST

START_TEST(without_memory_nobody_passes_in_part)
{
	bool failed = true;

	set_rules("/app * user:read\n");
	for (long n = 1; failed; n++) {
		const char *got;

		ck_assert_int_lt(n, 1000);
		http_rig_request(&h, "GET", "", NULL,
				 ENV("SCRIPT_NAME=", "REQUEST_URI=/app/x", cookies));
		response_release(&h.resp);
		response_init(&h.resp);
		alloc_fail_at(n);
		http_rig_authorize(&h);
		failed = alloc_fail_off();
		got = http_rig_answer(&h);
		ck_assert_msg(h.resp.status == 503 || strcmp(got, PERMITTED) == 0,
			      "allocation %ld: %s", n, got);
		ck_assert_ptr_eq(h.resp.status == 503 ? strstr(got, "Variable-") : NULL, NULL);
		h.log_len = 0;
	}
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

START_TEST(the_log_names_the_protected_request_and_no_secret)
{
	ask("GET", "/app/x?query-marker", ENV("HTTP_COOKIE=user_id=u; access_token=cookie-marker"));
	ask("GET", "/app/../x?query-marker", ENV("HTTP_AUTHORIZATION=Bearer bearer-marker"));
	ck_assert(http_logged(&h, "event=access.refused request_id=req-1 method=GET path=/app/x "
				  "status=401 "));
	ck_assert(http_logged(&h, "event=access.refused request_id=req-1 method=GET "
				  "path=/app/../x status=403 "));
	ck_assert(!http_logged(&h, "marker"));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("authorizer");
	TCase *t = tcase_create("authorizer");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, folder_make, folder_remove);
	tcase_add_checked_fixture(t, open_rig, release_rig);
	tcase_add_test(t, a_session_passes_with_its_identity_and_nothing_else);
	tcase_add_test(t, mod_authnz_fcgi_and_mod_fcgid_ask_alike);
	tcase_add_test(t, a_basic_password_is_not_checked_and_no_session_stands_in_for_it);
	tcase_add_loop_test(t, nothing_a_client_makes_up_is_an_identity, 0, (int)TP_COUNT(made_up));
	tcase_add_loop_test(t, nor_is_it_in_the_way_of_one, 0, (int)TP_COUNT(made_up));
	tcase_add_loop_test(t, a_credential_that_does_not_hold_or_is_doubled_is_401, 0,
			    (int)TP_COUNT(worthless));
	tcase_add_test(t, a_request_of_too_many_headers_is_401);
	tcase_add_test(t, an_ended_session_passes_no_more);
	tcase_add_test(t, an_answer_to_head_tells_the_length_of_its_refusal);
	tcase_add_test(t, a_foreign_page_may_read_a_refusal_where_cors_lets_it);
	tcase_add_loop_test(t, a_path_that_can_be_read_in_two_ways_is_403, 0,
			    (int)TP_COUNT(doubtful));
	tcase_add_loop_test(t, rules_hold_for_every_spelling_of_a_path, 0, (int)TP_COUNT(requests));
	tcase_add_test(t, with_rules_a_target_is_needed);
	tcase_add_test(t, the_request_itself_is_the_protected_one);
	tcase_add_test(t, all_three_sources_of_scopes_add_up);
	tcase_add_test(t, a_foreign_page_changes_nothing_by_cookies);
	tcase_add_test(t, a_preflight_passes_as_nobody_or_is_checked);
	tcase_add_test(t, the_jwt_is_handed_on_where_it_is_set);
	tcase_add_test(t, a_value_that_cannot_be_handed_on_is_503);
	tcase_add_test(t, a_store_that_does_not_answer_is_503);
	tcase_add_test(t, without_memory_nobody_passes_in_part);
	tcase_add_test(t, the_log_names_the_protected_request_and_no_secret);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
