/* SPDX-License-Identifier: MIT */
/*
 * AUTH_URL: which scopes a request needs, and which request it is that is asked about.
 */
#include "support/auth_rig.h"
#include "support/check_run.h"
#include "support/folder.h"

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

/* ---- scopes ---- */

START_TEST(all_three_sources_of_scopes_add_up)
{
	static const char *const scopes[] = { "user:read", "a b", NULL };

	h.spec.required_scopes = scopes;
	auth_set_rules(&h, "/app POST user:read d\n");
	ck_assert_str_eq(auth_ask(&h, cookies, "/app", "POST", "TPAUTH_REQUIRE_SCOPES=c b"),
			 auth_forbidden("user:read a b c d"));
	ck_assert_str_eq(auth_ask(&h, cookies, "/app", "GET", NULL),
			 auth_forbidden("user:read a b"));
}
END_TEST

START_TEST(a_session_with_the_scopes_passes)
{
	static const char *const scopes[] = { "user:read", NULL };

	h.spec.required_scopes = scopes;
	auth_set_rules(&h, "/app GET user:read\n/app POST user:write\n");
	ck_assert_str_eq(auth_ask(&h, cookies, "/app", "GET", "TPAUTH_REQUIRE_SCOPES=user:read"),
			 auth_permitted(AUTH_IDENTITY));
	ck_assert_str_eq(auth_ask(&h, cookies, "/app", "POST", NULL),
			 auth_forbidden("user:read user:write"));
	ck_assert_str_eq(auth_ask(&h, cookies, "/app/%2e//x", "POST", NULL),
			 auth_forbidden("user:read user:write"));
	ck_assert_str_eq(auth_ask(&h, cookies, "/app", "", NULL),
			 auth_forbidden("user:read user:write"));
}
END_TEST

START_TEST(a_client_sets_no_parameter)
{
	ck_assert_str_eq(auth_ask(&h, cookies, "/app", "GET", "HTTP_TPAUTH_REQUIRE_SCOPES=admin"),
			 auth_permitted(AUTH_IDENTITY));
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV("TPAUTH_REQUIRE_SCOPES=admin",
				      "HTTP_TPAUTH_REQUIRE_SCOPES=user:read", cookies)),
			 auth_forbidden("admin"));
}
END_TEST

START_TEST(of_a_parameter_given_twice_the_last_counts)
{
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV("TPAUTH_REQUIRE_SCOPES=user:read",
				      "TPAUTH_REQUIRE_SCOPES=admin", cookies)),
			 auth_forbidden("admin"));
}
END_TEST

START_TEST(scopes_that_cannot_be_read_are_503)
{
	ck_assert_str_eq(auth_ask(&h, cookies, "/app", "GET", "TPAUTH_REQUIRE_SCOPES=a\"b"),
			 auth_unavailable());
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

	ck_assert_str_eq(http_ask(&h, "GET", "", NULL, env), auth_permitted(AUTH_IDENTITY));
	auth_set_rules(&h, "/free * -\n");
	ck_assert_str_eq(http_ask(&h, "GET", "", NULL, env), auth_forbidden(NULL));
	ck_assert(http_logged(&h, HIDDEN_PATH));
}
END_TEST

START_TEST(below_a_root_path_auth_url_is_itself_too)
{
	h.spec.root_path = "/sso";
	auth_set_rules(&h, "/free * -\n");
	ck_assert_str_eq(http_ask(&h, "GET", "/sso/auth", NULL, ENV(cookies)),
			 auth_forbidden(NULL));
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV("REQUEST_URI=/sso/auth", cookies)),
			 auth_forbidden(NULL));
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV("REQUEST_URI=/free", cookies)),
			 auth_permitted(AUTH_IDENTITY));
}
END_TEST

#define FORWARDED                                                                             \
	"REQUEST_URI=/auth", "HTTP_X_FORWARDED_URI=/app/x?y", "HTTP_X_FORWARDED_METHOD=POST", \
		"HTTP_X_FORWARDED_HOST=app.example.net"

START_TEST(a_trusted_proxy_names_the_request_in_headers)
{
	static const char *const proxies[] = { "192.0.2.0/24", NULL };

	auth_set_rules(&h, "/app POST user:write\n/free * -\n");
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV(FORWARDED, cookies)),
			 auth_forbidden(NULL)); /* anybody's */
	h.spec.trusted_proxies = proxies;
	http_rig_site(&h);
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL, ENV(FORWARDED, cookies)),
			 auth_forbidden("user:write"));
	ck_assert(http_logged(&h, " method=POST path=/app/x status=403 "));
	/* It is the proxy who asks, whosever request it is. */
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV(FORWARDED, "HTTP_X_FORWARDED_FOR=198.51.100.7", cookies)),
			 auth_forbidden("user:write"));
	ck_assert_str_eq(
		http_ask(&h, "GET", "/auth", NULL,
			 ENV("REQUEST_URI=/auth", "HTTP_X_FORWARDED_URI=/free/x",
			     "HTTP_X_FORWARDED_METHOD=POST", "HTTP_ORIGIN=https://app.example.net",
			     "HTTP_X_FORWARDED_HOST=app.example.net", cookies)),
		auth_permitted(AUTH_IDENTITY));
	ck_assert_str_eq(
		http_ask(&h, "GET", "/auth", NULL,
			 ENV("REQUEST_URI=/auth", "HTTP_X_FORWARDED_URI=/free/x",
			     "HTTP_X_FORWARDED_METHOD=POST", "HTTP_ORIGIN=https://auth.example.org",
			     "HTTP_X_FORWARDED_HOST=app.example.net", cookies)),
		auth_foreign());
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV("REQUEST_URI=/auth", "HTTP_X_FORWARDED_URI=/free/../app",
				      "HTTP_X_FORWARDED_METHOD=GET", cookies)),
			 auth_forbidden(NULL));
	/* the path alone: every method's scopes */
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV("REQUEST_URI=/auth", "HTTP_X_FORWARDED_URI=/app", cookies)),
			 auth_forbidden("user:write"));
}
END_TEST

/* A proxy in front of nginx hands a client's header on; nginx's own parameters are the truth. */
START_TEST(parameters_of_the_server_are_stronger_than_any_header)
{
	static const char *const proxies[] = { "192.0.2.1", NULL };

	h.spec.trusted_proxies = proxies;
	auth_set_rules(&h, "/app * admin\n/free * -\n");
	ck_assert_str_eq(auth_ask(&h, cookies, "/app", "GET", "HTTP_X_FORWARDED_URI=/free"),
			 auth_forbidden("admin"));
	ck_assert_str_eq(auth_ask(&h, cookies, "/auth", "GET", "HTTP_X_FORWARDED_URI=/free"),
			 auth_forbidden(NULL));
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV("REQUEST_URI=/app", "HTTP_X_FORWARDED_URI=/free",
				      "HTTP_X_FORWARDED_METHOD=GET", cookies)),
			 auth_forbidden("admin"));
}
END_TEST

/* The proxy itself must be trusted, not the address that it vouches for. */
START_TEST(an_address_that_a_header_names_is_no_proxy)
{
	static const char *const proxies[] = { "198.51.100.1", NULL };

	h.spec.trusted_proxies = proxies;
	auth_set_rules(&h, "/free * -\n");
	ck_assert_str_eq(http_ask(&h, "GET", "/auth", NULL,
				  ENV("REQUEST_URI=/auth", "HTTP_X_FORWARDED_URI=/free",
				      "HTTP_X_FORWARDED_FOR=198.51.100.1", cookies)),
			 auth_forbidden(NULL));
}
END_TEST

START_TEST(a_check_costs_one_round_trip_and_one_line_at_debug)
{
	h.rig.round_trips = 0;
	auth_ask(&h, cookies, "/app/x?secret", "GET", NULL);
	ck_assert_int_eq(h.rig.round_trips, 1);
	ck_assert(http_logged(&h, "level=debug event=access.ok request_id=req-1 method=GET "
				  "path=/app/x status=200 user=user_099 session="));
	ck_assert(!http_logged(&h, "secret"));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_auth_rules");
	TCase *t = tcase_create("rules");

	tcase_add_checked_fixture(t, folder_make, folder_remove);
	tcase_add_checked_fixture(t, open_rig, release_rig);
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
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
