/* SPDX-License-Identifier: MIT */
/* AUTH_URL: what it says about a request, which request that is, and that nothing but 200, 401, 403
 * and 503 comes out of it. */
#include "support/alloc_fail.h"
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

/* A permission, with these header lines. */
static const char *permitted(const char *headers)
{
	static char text[8192];

	snprintf(text, sizeof(text),
		 "Status: 200 OK\r\n%sCache-Control: no-store\r\nVary: Origin\r\n"
		 "X-Request-ID: req-1\r\nContent-Length: 0\r\n\r\n",
		 headers);
	return text;
}

#define IDENTITY                     \
	"X-Auth-User: user_099\r\n"  \
	"X-Auth-Username: Admin\r\n" \
	"X-Auth-Scopes: user:read\r\n"

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

static const char *forbidden(const char *scopes)
{
	char challenge[256];

	snprintf(challenge, sizeof(challenge),
		 "WWW-Authenticate: Bearer error=\"insufficient_scope\"%s%s%s\r\n",
		 scopes != NULL ? ", scope=\"" : "", scopes != NULL ? scopes : "",
		 scopes != NULL ? "\"" : "");
	return http_want_error("403 Forbidden", challenge, "insufficient_scope",
			       "Not enough permissions");
}

static const char *foreign(void)
{
	return http_want_error("403 Forbidden", "", "access_denied",
			       "Requests from this origin are not accepted");
}

static const char *unavailable(void)
{
	return http_want_error("503 Service Unavailable", "Retry-After: 5\r\n",
			       "temporarily_unavailable", "The service is temporarily unavailable");
}

/* What nginx asks: AUTH_URL as the path, the request's own target and method as parameters. */
static const char *ask(const char *target, const char *method, const char *more)
{
	char uri[512], how[64];

	snprintf(uri, sizeof(uri), "REQUEST_URI=%s", target);
	snprintf(how, sizeof(how), "TPAUTH_METHOD=%s", method);
	return http_ask(&h, "GET", "/auth", NULL,
			ENV(uri, how, cookies, more != NULL ? more : "X=y"));
}

/* ---- the identity ---- */

START_TEST(a_session_passes_with_its_identity)
{
	ck_assert_str_eq(ask("/app/x?y", "GET", NULL), permitted(IDENTITY));
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV(cookies)), permitted(IDENTITY));
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV(http_bearer(secret_view(&m.jwt)))),
			 permitted(IDENTITY));
}
END_TEST

START_TEST(every_method_of_asking_is_answered)
{
	static const char *const methods[] = { "GET",	 "HEAD",    "POST",  "PUT",
					       "DELETE", "OPTIONS", "TRACE", "BREW" };

	for (size_t i = 0; i < TP_COUNT(methods); i++) {
		ck_assert_str_eq(http_ask(&h, methods[i], "/auth", NULL,
					  ENV("REQUEST_URI=/app", "TPAUTH_METHOD=GET", cookies)),
				 permitted(IDENTITY));
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
			 identities[_i].headers != NULL ? permitted(identities[_i].headers)
							: unavailable());
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
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV(cookie)), unavailable());
}
END_TEST

/* ---- the JWT ---- */

START_TEST(the_jwt_goes_to_a_server_that_asks_for_it_and_only_where_it_is_set)
{
	char with_jwt[4096];

	snprintf(with_jwt, sizeof(with_jwt), "%sX-Auth-JWT: %.*s\r\n", IDENTITY, (int)m.jwt.len,
		 m.jwt.p);
	ck_assert_str_eq(ask("/app", "GET", "TPAUTH_SUBREQUEST=1"), permitted(IDENTITY));
	h.spec.pass_jwt = true;
	http_rig_site(&h);
	ck_assert_str_eq(ask("/app", "GET", "TPAUTH_SUBREQUEST=1"), permitted(with_jwt));
	ck_assert_str_eq(ask("/app", "GET", NULL), permitted(IDENTITY));
	ck_assert_str_eq(ask("/app", "GET", "TPAUTH_SUBREQUEST=0"), permitted(IDENTITY));
	ck_assert_str_eq(ask("/app", "GET", "HTTP_TPAUTH_SUBREQUEST=1"), permitted(IDENTITY));
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
			 permitted("X-Auth-User: ann\r\n"));
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV(cookie, "TPAUTH_SUBREQUEST=1")),
			 unavailable());
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
	ck_assert_str_eq(ask("/app", "GET", "TPAUTH_SUBREQUEST=1"), forbidden("user:read"));
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
		ck_assert_str_eq(ask("/app", "GET", NULL), unavailable());
	}
}
END_TEST

/* The JWT's own round trip as well. */
START_TEST(a_store_that_fails_in_between_is_503)
{
	h.spec.pass_jwt = true;
	http_rig_site(&h);
	rig_store_fail(&h.rig, RIG_DEAD, 2);
	ck_assert_str_eq(ask("/app", "GET", "TPAUTH_SUBREQUEST=1"), unavailable());
}
END_TEST

START_TEST(a_path_that_can_be_read_in_two_ways_is_403_with_and_without_rules)
{
	static const char *const targets[] = { "/app/../x", "/%2e%2e/x", "/app%00",
					       "/a%5cb",    "/%252e",	 "*" };

	for (size_t i = 0; i < TP_COUNT(targets); i++)
		ck_assert_str_eq(ask(targets[i], "GET", NULL), forbidden(NULL));
	ck_assert_str_eq(
		http_ask(&h, "GET", "/auth", NULL, ENV("REQUEST_URI=/app/../x?secret", "X=y")),
		forbidden(NULL));
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
	ck_assert_str_eq(ask("/app", origins[_i].method, origins[_i].header),
			 origins[_i].passes ? permitted(IDENTITY) : foreign());
}
END_TEST

START_TEST(a_page_of_cors_urls_is_not_foreign)
{
	ask("/app", "POST", "HTTP_ORIGIN=https://app.example.org");
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

START_TEST(a_bearer_is_no_cookie)
{
	ck_assert_str_eq(
		http_ask(&h, "GET", "/auth", NULL,
			 ENV("REQUEST_URI=/app", "TPAUTH_METHOD=POST",
			     "HTTP_ORIGIN=https://evil.example", http_bearer(secret_view(&m.jwt)))),
		permitted(IDENTITY));
}
END_TEST

/* ---- preflights ---- */

#define PREFLIGHT "HTTP_ORIGIN=https://evil.example", "HTTP_ACCESS_CONTROL_REQUEST_METHOD=PUT"

START_TEST(a_preflight_passes_as_nobody_or_is_checked)
{
	const char *const *env = ENV("REQUEST_URI=/app", "TPAUTH_METHOD=OPTIONS", PREFLIGHT);

	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, env), permitted(""));
	ck_assert_str_eq(http_ask(&h, "OPTIONS", "/auth", NULL, env), permitted(""));
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

/* ---- scopes ---- */

static void set_rules(const char *text)
{
	static char path[256];

	folder_write("rules", text);
	snprintf(path, sizeof(path), "%s", folder_path("rules"));
	h.spec.scope_rules = path;
	http_rig_site(&h);
}

START_TEST(all_three_sources_of_scopes_add_up)
{
	static const char *const scopes[] = { "user:read", "a b", NULL };

	h.spec.required_scopes = scopes;
	set_rules("/app POST user:read d\n");
	ck_assert_str_eq(ask("/app", "POST", "TPAUTH_REQUIRE_SCOPES=c b"),
			 forbidden("user:read a b c d"));
	ck_assert_str_eq(ask("/app", "GET", NULL), forbidden("user:read a b"));
}
END_TEST

START_TEST(a_session_with_the_scopes_passes)
{
	static const char *const scopes[] = { "user:read", NULL };

	h.spec.required_scopes = scopes;
	set_rules("/app GET user:read\n/app POST user:write\n");
	ck_assert_str_eq(ask("/app", "GET", "TPAUTH_REQUIRE_SCOPES=user:read"),
			 permitted(IDENTITY));
	ck_assert_str_eq(ask("/app", "POST", NULL), forbidden("user:read user:write"));
	ck_assert_str_eq(ask("/app/%2e//x", "POST", NULL), forbidden("user:read user:write"));
	ck_assert_str_eq(ask("/app", "", NULL), forbidden("user:read user:write"));
}
END_TEST

START_TEST(a_client_sets_no_parameter)
{
	ck_assert_str_eq(ask("/app", "GET", "HTTP_TPAUTH_REQUIRE_SCOPES=admin"),
			 permitted(IDENTITY));
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV("TPAUTH_REQUIRE_SCOPES=admin",
				      "HTTP_TPAUTH_REQUIRE_SCOPES=user:read", cookies)),
			 forbidden("admin"));
}
END_TEST

START_TEST(of_a_parameter_given_twice_the_last_counts)
{
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV("TPAUTH_REQUIRE_SCOPES=user:read",
				      "TPAUTH_REQUIRE_SCOPES=admin", cookies)),
			 forbidden("admin"));
}
END_TEST

START_TEST(scopes_that_cannot_be_read_are_503)
{
	ck_assert_str_eq(ask("/app", "GET", "TPAUTH_REQUIRE_SCOPES=a\"b"), unavailable());
	ck_assert(http_logged(&h, "reason=\"TPAUTH_REQUIRE_SCOPES cannot be read\""));
}
END_TEST

/* ---- which request ---- */

#define HIDDEN_PATH                                                                      \
	"reason=\"SCOPE_RULES is set, and the web server does not tell the path of the " \
	"protected request\""

static const char *const no_paths[][2] = {
	{ "SCRIPT_NAME=/auth", "X=y" },
	{ "SCRIPT_NAME=/auth", "REQUEST_URI=" },
	{ "SCRIPT_NAME=/auth", "REQUEST_URI=/auth?x" },
	{ "SCRIPT_NAME=/auth", "REQUEST_URI=//%61uth" },
	{ "SCRIPT_NAME=/cgi/tpauth", "REQUEST_URI=/auth" },
	{ "SCRIPT_NAME=/cgi/tpauth", "REQUEST_URI=/cgi/tpauth/auth" },
};

START_TEST(with_rules_the_path_must_be_known)
{
	const char *info = strstr(no_paths[_i][0], "cgi") != NULL ? "PATH_INFO=/auth" : "X=y";
	const char *const *env =
		ENV(no_paths[_i][0], no_paths[_i][1], info, "TPAUTH_METHOD=GET", cookies,
		    "HTTP_X_FORWARDED_URI=/free", "HTTP_X_FORWARDED_METHOD=GET");

	ck_assert_str_eq(http_ask(&h, "GET", "", NULL, env), permitted(IDENTITY));
	set_rules("/free * -\n");
	ck_assert_str_eq(http_ask(&h, "GET", "", NULL, env), forbidden(NULL));
	ck_assert(http_logged(&h, HIDDEN_PATH));
}
END_TEST

START_TEST(below_a_root_path_auth_url_is_itself_too)
{
	h.spec.root_path = "/sso";
	set_rules("/free * -\n");
	ck_assert_str_eq(http_ask(&h, "GET", "/sso/auth", NULL, ENV(cookies)), forbidden(NULL));
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV("REQUEST_URI=/sso/auth", cookies)),
			 forbidden(NULL));
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV("REQUEST_URI=/free", cookies)),
			 permitted(IDENTITY));
}
END_TEST

#define FORWARDED                                                                             \
	"REQUEST_URI=/auth", "HTTP_X_FORWARDED_URI=/app/x?y", "HTTP_X_FORWARDED_METHOD=POST", \
		"HTTP_X_FORWARDED_HOST=app.example.net"

START_TEST(a_trusted_proxy_names_the_request_in_headers)
{
	static const char *const proxies[] = { "192.0.2.0/24", NULL };

	set_rules("/app POST user:write\n/free * -\n");
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV(FORWARDED, cookies)),
			 forbidden(NULL)); /* anybody's */
	h.spec.trusted_proxies = proxies;
	http_rig_site(&h);
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV(FORWARDED, cookies)),
			 forbidden("user:write"));
	ck_assert(http_logged(&h, " method=POST path=/app/x status=403 "));
	/* It is the proxy who asks, whosever request it is. */
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV(FORWARDED, "HTTP_X_FORWARDED_FOR=198.51.100.7", cookies)),
			 forbidden("user:write"));
	ck_assert_str_eq(
		http_ask(&h, "GET", "/auth", NULL,
			 ENV("REQUEST_URI=/auth", "HTTP_X_FORWARDED_URI=/free/x",
			     "HTTP_X_FORWARDED_METHOD=POST", "HTTP_ORIGIN=https://app.example.net",
			     "HTTP_X_FORWARDED_HOST=app.example.net", cookies)),
		permitted(IDENTITY));
	ck_assert_str_eq(
		http_ask(&h, "GET", "/auth", NULL,
			 ENV("REQUEST_URI=/auth", "HTTP_X_FORWARDED_URI=/free/x",
			     "HTTP_X_FORWARDED_METHOD=POST", "HTTP_ORIGIN=https://auth.example.org",
			     "HTTP_X_FORWARDED_HOST=app.example.net", cookies)),
		foreign());
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV("REQUEST_URI=/auth", "HTTP_X_FORWARDED_URI=/free/../app",
				      "HTTP_X_FORWARDED_METHOD=GET", cookies)),
			 forbidden(NULL));
	/* the path alone: every method's scopes */
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV("REQUEST_URI=/auth", "HTTP_X_FORWARDED_URI=/app", cookies)),
			 forbidden("user:write"));
}
END_TEST

/* A proxy in front of nginx hands a client's header on; nginx's own parameters are the truth. */
START_TEST(parameters_of_the_server_are_stronger_than_any_header)
{
	static const char *const proxies[] = { "192.0.2.1", NULL };

	h.spec.trusted_proxies = proxies;
	set_rules("/app * admin\n/free * -\n");
	ck_assert_str_eq(ask("/app", "GET", "HTTP_X_FORWARDED_URI=/free"), forbidden("admin"));
	ck_assert_str_eq(ask("/auth", "GET", "HTTP_X_FORWARDED_URI=/free"), forbidden(NULL));
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV("REQUEST_URI=/app", "HTTP_X_FORWARDED_URI=/free",
				      "HTTP_X_FORWARDED_METHOD=GET", cookies)),
			 forbidden("admin"));
}
END_TEST

/* The proxy itself must be trusted, not the address that it vouches for. */
START_TEST(an_address_that_a_header_names_is_no_proxy)
{
	static const char *const proxies[] = { "198.51.100.1", NULL };

	h.spec.trusted_proxies = proxies;
	set_rules("/free * -\n");
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV("REQUEST_URI=/auth", "HTTP_X_FORWARDED_URI=/free",
				      "HTTP_X_FORWARDED_FOR=198.51.100.1", cookies)),
			 forbidden(NULL));
}
END_TEST

START_TEST(a_check_costs_one_round_trip_and_one_line_at_debug)
{
	h.rig.round_trips = 0;
	ask("/app/x?secret", "GET", NULL);
	ck_assert_int_eq(h.rig.round_trips, 1);
	ck_assert(http_logged(&h, "level=debug event=access.ok request_id=req-1 method=GET "
				  "path=/app/x status=200 user=user_099 session="));
	ck_assert(!http_logged(&h, "secret"));
}
END_TEST

/* ---- memory ---- */

START_TEST(without_memory_nobody_passes_in_part)
{
	bool failed = true;

	h.spec.pass_jwt = true;
	set_rules("/app * user:read\n");
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
				       strstr(http_rig_answer(&h), IDENTITY) != NULL),
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
	tcase_add_test(t, all_three_sources_of_scopes_add_up);
	tcase_add_test(t, a_session_with_the_scopes_passes);
	tcase_add_test(t, a_client_sets_no_parameter);
	tcase_add_test(t, of_a_parameter_given_twice_the_last_counts);
	tcase_add_test(t, scopes_that_cannot_be_read_are_503);
	tcase_add_loop_test(t, with_rules_the_path_must_be_known, 0, (int)TP_COUNT(no_paths));
	tcase_add_test(t, below_a_root_path_auth_url_is_itself_too);
	tcase_add_test(t, a_trusted_proxy_names_the_request_in_headers);
	tcase_add_test(t, parameters_of_the_server_are_stronger_than_any_header);
	tcase_add_test(t, an_address_that_a_header_names_is_no_proxy);
	tcase_add_test(t, a_check_costs_one_round_trip_and_one_line_at_debug);
	tcase_add_test(t, without_memory_nobody_passes_in_part);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
