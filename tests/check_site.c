/* SPDX-License-Identifier: MIT */
/*
 * The settings of the HTTP side: what opens, what is refused and by which name, and whom a site
 * trusts.
 */
#include "http/site.h"

#include "support/check_run.h"

#include "base/banned.h"

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct site_spec good_spec(void)
{
	return (struct site_spec){
		.path = { "/token", "/refresh", "/userinfo", "/logout", "/api/healthcheck" },
		.cookie_path = "/",
		.cookie_secure = true,
		.cors = true,
		.max_body = 65536,
		.issues = true,
	};
}

START_TEST(opens_with_what_it_is_given)
{
	struct site_spec spec = good_spec();
	struct http_site s;
	struct tp_err err;

	spec.root_path = "/auth/";
	spec.public_url = "https://login.example.org:8443/auth";
	spec.path[HTTP_PATH_LOGIN_PAGE] = "/login";
	spec.login_url = "/auth/login?x=y";
	spec.title = "Tea & Co";
	spec.cookie_prefix = "__Host-";
	spec.cookie_samesite = COOKIE_LAX;
	spec.cors_credentials = true;
	spec.cors_urls_set = true;
	spec.cors_urls = LIST("https://a.example", "*", "*.b.example");
	spec.cors_methods = LIST("GET", "POST");
	spec.cors_headers = LIST("X-One", "*");
	spec.required_scopes = LIST("user:read", "a b", "a");
	spec.preflight_checked = true;
	spec.pass_jwt = true;
	ck_assert_int_eq(site_open(&spec, &s, &err), TP_OK);

	ck_assert(span_is(s.path[HTTP_PATH_TOKEN], "/token"));
	ck_assert(span_is(s.path[HTTP_PATH_HEALTH], "/api/healthcheck"));
	ck_assert(span_is(s.path[HTTP_PATH_LOGIN_PAGE], "/login"));
	ck_assert(span_is(s.login_url, "/auth/login?x=y") && span_is(s.title, "Tea & Co"));
	ck_assert(span_is(s.root_path, "/auth"));
	ck_assert(s.has_public_origin && s.public_origin.https && s.public_origin.port == 8443);
	ck_assert(span_is(s.public_origin.host, "login.example.org"));
	ck_assert(span_is(s.cookies.prefix, "__Host-") && span_is(s.cookies.path, "/"));
	ck_assert_uint_eq(s.cookies.domain.len, 0);
	ck_assert(s.cookies.secure && s.cookies.samesite == COOKIE_LAX);
	ck_assert(s.cors && s.cors_credentials && s.cors_any && s.cors_urls_set && s.issues);
	ck_assert_uint_eq(s.n_cors_patterns, 2);
	ck_assert(span_is(s.cors_patterns[1].host, "b.example") && s.cors_patterns[1].wildcard);
	ck_assert_uint_eq(s.n_cors_methods, 2);
	ck_assert(span_is(s.cors_methods[1], "POST"));
	ck_assert_uint_eq(s.n_cors_headers, 2);
	ck_assert(span_is(s.cors_headers[0], "X-One"));
	ck_assert_int_eq(s.max_body, 65536);
	ck_assert_uint_eq(s.required_scopes.n, 3);
	ck_assert(span_is(s.required_scopes.v[2], "b"));
	ck_assert(s.scope_rules == NULL && s.preflight_checked && s.pass_jwt);
	site_close(&s);
}
END_TEST

START_TEST(what_is_not_given_is_off_or_empty)
{
	struct site_spec spec = { .max_body = 1 };
	struct http_site s;
	struct tp_err err;

	spec.path[HTTP_PATH_LOGOUT] = "";
	ck_assert_int_eq(site_open(&spec, &s, &err), TP_OK);
	for (size_t i = 0; i < HTTP_PATHS; i++)
		ck_assert_uint_eq(s.path[i].len, 0);
	ck_assert_uint_eq(s.root_path.len, 0);
	ck_assert(!s.has_public_origin && !s.cors && !s.cors_any && !s.issues);
	ck_assert(s.required_scopes.n == 0 && s.scope_rules == NULL);
	ck_assert(!s.preflight_checked && !s.pass_jwt);
	ck_assert_uint_eq(s.n_cors_patterns + s.n_cors_methods + s.n_cors_headers + s.n_proxies, 0);
	site_close(&s);
	site_close(&s);
	site_close(NULL);
}
END_TEST

static void set_auth(struct site_spec *s, const char *t)
{
	s->path[HTTP_PATH_AUTH] = t;
}

static void set_required(struct site_spec *s, const char *t)
{
	static const char *list[] = { "a", NULL, NULL };

	list[1] = t;
	s->required_scopes = list;
}

static void set_rules(struct site_spec *s, const char *t)
{
	s->scope_rules = t;
}

static void set_token(struct site_spec *s, const char *t)
{
	s->path[HTTP_PATH_TOKEN] = t;
}

static void set_refresh(struct site_spec *s, const char *t)
{
	s->path[HTTP_PATH_REFRESH] = t;
}

static void set_userinfo(struct site_spec *s, const char *t)
{
	s->path[HTTP_PATH_USERINFO] = t;
}

static void set_logout(struct site_spec *s, const char *t)
{
	s->path[HTTP_PATH_LOGOUT] = t;
}

static void set_health(struct site_spec *s, const char *t)
{
	s->path[HTTP_PATH_HEALTH] = t;
}

static void set_root(struct site_spec *s, const char *t)
{
	s->root_path = t;
}

static void set_public(struct site_spec *s, const char *t)
{
	s->public_url = t;
}

static void set_page(struct site_spec *s, const char *t)
{
	s->path[HTTP_PATH_LOGIN_PAGE] = t;
}

static void set_login_url(struct site_spec *s, const char *t)
{
	s->login_url = t;
}

static void set_docs_cdn(struct site_spec *spec, const char *value)
{
	spec->docs_cdn = value;
}

static void set_prefix(struct site_spec *s, const char *t)
{
	s->cookie_prefix = t;
}

static void set_prefix_insecure(struct site_spec *s, const char *t)
{
	s->cookie_prefix = t;
	s->cookie_secure = false;
}

static void set_prefix_with_path(struct site_spec *s, const char *t)
{
	s->cookie_prefix = t;
	s->cookie_path = "/auth";
}

static void set_prefix_with_domain(struct site_spec *s, const char *t)
{
	s->cookie_prefix = t;
	s->cookie_domain = "example.org";
}

static void set_domain(struct site_spec *s, const char *t)
{
	s->cookie_domain = t;
}

static void set_cookie_path(struct site_spec *s, const char *t)
{
	s->cookie_path = t;
}

static void set_samesite_none_insecure(struct site_spec *s, const char *t)
{
	(void)t;
	s->cookie_samesite = COOKIE_NONE;
	s->cookie_secure = false;
}

static const char *one[] = { NULL, NULL };

static void set_origin(struct site_spec *s, const char *t)
{
	one[0] = t;
	s->cors_urls = one;
}

static void set_method(struct site_spec *s, const char *t)
{
	one[0] = t;
	s->cors_methods = one;
}

static void set_header(struct site_spec *s, const char *t)
{
	one[0] = t;
	s->cors_headers = one;
}

static void set_proxy(struct site_spec *s, const char *t)
{
	one[0] = t;
	s->trusted_proxies = one;
}

static void set_max_body(struct site_spec *s, const char *t)
{
	s->max_body = t[0] == '0'   ? 0
		      : t[0] == '-' ? -1
		      : t[0] == '1' ? LIMIT_BODY
				    : LIMIT_BODY + 1;
}

#define LOGIN_URL_RULE                                                                \
	"LOGIN_URL: takes a path that starts with /, or http(s)://host[:port]/path, " \
	"without #"
#define CDN_RULE  "DOCS_CDN: takes https://host[:port][/path] without / at its end"
#define PATH_RULE " must start with / and have no / at its end"

/* One change to the good settings, and what site_open() says to it (NULL: it opens). */
static const struct {
	void (*change)(struct site_spec *spec, const char *text);
	const char *text, *msg;
} changes[] = {
	{ set_token, "token", "TOKEN_URL" PATH_RULE },
	{ set_refresh, "/refresh/", "REFRESH_URL" PATH_RULE },
	{ set_userinfo, "/", "USERINFO_URL" PATH_RULE },
	{ set_logout, "/log out", "LOGOUT_URL" PATH_RULE },
	{ set_health, "/health?x", "HEALTH_URL" PATH_RULE },
	{ set_health, "/health#x", "HEALTH_URL" PATH_RULE },
	{ set_health, "/h%65alth", "HEALTH_URL" PATH_RULE },
	{ set_health, "/h\xc3\xa9", "HEALTH_URL" PATH_RULE },
	{ set_health, "/h\n", "HEALTH_URL" PATH_RULE },
	{ set_health, "/token", "TOKEN_URL and HEALTH_URL are the same path" },
	{ set_health, "/v1/health_check-2.json", NULL },
	{ set_auth, "auth", "AUTH_URL" PATH_RULE },
	{ set_auth, "/userinfo", "USERINFO_URL and AUTH_URL are the same path" },
	{ set_auth, "", NULL },
	{ set_required, "user:read", NULL },
	{ set_required, "b  c", NULL },
	{ set_required, "b\"", "REQUIRED_SCOPES: \"b\"\" is no scope" },
	{ set_required, "a\tb", "REQUIRED_SCOPES: \"a\tb\" is no scope" },
	{ set_rules, "", NULL },
	{ set_rules, "/nonexistent/rules",
	  "SCOPE_RULES /nonexistent/rules: No such file or directory" },
	{ set_root, "auth", "ROOT_PATH: takes a path that starts with /" },
	{ set_root, "/", NULL },
	{ set_public, "login.example.org", "PUBLIC_URL: takes http(s)://host[:port][/path]" },
	{ set_public, "https://", "PUBLIC_URL: takes http(s)://host[:port][/path]" },
	{ set_public, "x", "PUBLIC_URL: takes http(s)://host[:port][/path]" },
	{ set_public, "ftp://a.example", "PUBLIC_URL: takes http(s)://host[:port][/path]" },
	{ set_public, "https://a..example/", "PUBLIC_URL: takes http(s)://host[:port][/path]" },
	{ set_public, "http://localhost:8080/", NULL },
	{ set_page, "login", "LOGIN_PAGE_URL" PATH_RULE },
	{ set_page, "/token", "TOKEN_URL and LOGIN_PAGE_URL are the same path" },
	{ set_page, "/login", NULL },
	{ set_page, "", NULL },
	{ set_login_url, "", NULL },
	{ set_login_url, "/login", NULL },
	{ set_login_url, "/login?theme=dark&x=/", NULL },
	{ set_login_url, "https://id.example.org:8443/login?x=y", NULL },
	{ set_login_url, "http://localhost", NULL },
	{ set_login_url, "login", LOGIN_URL_RULE },
	{ set_login_url, "//evil.example/", LOGIN_URL_RULE },
	{ set_login_url, "/\\evil.example/", LOGIN_URL_RULE },
	{ set_login_url, "/log in", LOGIN_URL_RULE },
	{ set_login_url, "/login\n", LOGIN_URL_RULE },
	{ set_login_url, "/login#form", LOGIN_URL_RULE },
	{ set_login_url, "/l\xc3\xb6gin", LOGIN_URL_RULE },
	{ set_login_url, "https://", LOGIN_URL_RULE },
	{ set_login_url, "https://user@evil.example/", LOGIN_URL_RULE },
	{ set_login_url, "https:/login", LOGIN_URL_RULE },
	{ set_login_url, "javascript:alert(1)", LOGIN_URL_RULE },
	{ set_docs_cdn, "", NULL },
	{ set_docs_cdn, "https://cdn.example.org", NULL },
	{ set_docs_cdn, "https://cdn.example.org:8443/npm", NULL },
	{ set_docs_cdn, "https://cdn.example.org/npm/", CDN_RULE },
	{ set_docs_cdn, "http://cdn.example.org/npm", CDN_RULE },
	{ set_docs_cdn, "//cdn.example.org/npm", CDN_RULE },
	{ set_docs_cdn, "https://", CDN_RULE },
	{ set_docs_cdn, "https://user@cdn.example.org", CDN_RULE },
	{ set_docs_cdn, "https://cdn.example.org/npm; script-src *", CDN_RULE },
	{ set_docs_cdn, "https://cdn.example.org/npm;script-src", CDN_RULE },
	{ set_docs_cdn, "https://cdn.example.org/a,b", CDN_RULE },
	{ set_docs_cdn, "https://cdn.example.org/npm'", CDN_RULE },
	{ set_docs_cdn, "https://cdn.example.org/npm\"", CDN_RULE },
	{ set_docs_cdn, "https://cdn.example.org/npm?x", CDN_RULE },
	{ set_prefix, "a b", "COOKIE_PREFIX has a character that no cookie name may have" },
	{ set_prefix, "a=", "COOKIE_PREFIX has a character that no cookie name may have" },
	{ set_prefix, "__Host-", NULL },
	{ set_prefix_insecure, "__Host-", "COOKIE_PREFIX: __Host- needs COOKIE_SECURE" },
	{ set_prefix_insecure, "__Secure-", "COOKIE_PREFIX: __Secure- needs COOKIE_SECURE" },
	{ set_prefix_insecure, "tp-", NULL },
	{ set_prefix_with_path, "__Host-",
	  "COOKIE_PREFIX: __Host- needs COOKIE_PATH / and no COOKIE_DOMAIN" },
	{ set_prefix_with_domain, "__Host-",
	  "COOKIE_PREFIX: __Host- needs COOKIE_PATH / and no COOKIE_DOMAIN" },
	{ set_prefix_with_domain, "__Secure-", NULL },
	{ set_domain, "a;b", "COOKIE_DOMAIN: takes a host name" },
	{ set_cookie_path, "auth", "COOKIE_PATH: takes a path that starts with /" },
	{ set_cookie_path, "/;x", "COOKIE_PATH: takes a path that starts with /" },
	{ set_samesite_none_insecure, "", "COOKIE_SAMESITE: none needs COOKIE_SECURE" },
	{ set_origin, "*.in", "CORS_URLS \"*.in\": \"*.\" before a single label is too wide" },
	{ set_origin, "null",
	  "CORS_URLS \"null\": neither an origin (https://host[:port]) nor a pattern (*.host)" },
	{ set_method, "GET POST", "CORS_ALLOW_METHODS: \"GET POST\" cannot be one" },
	{ set_header, "", "CORS_ALLOW_HEADERS: \"\" cannot be one" },
	{ set_header, "X:", "CORS_ALLOW_HEADERS: \"X:\" cannot be one" },
	{ set_proxy, "proxy.example",
	  "TRUSTED_PROXIES: \"proxy.example\" is no address and no network" },
	{ set_proxy, "10.0.0.0/33",
	  "TRUSTED_PROXIES: \"10.0.0.0/33\" is no address and no network" },
	{ set_proxy, "::/129", "TRUSTED_PROXIES: \"::/129\" is no address and no network" },
	{ set_proxy, "10.0.0.1/", "TRUSTED_PROXIES: \"10.0.0.1/\" is no address and no network" },
	{ set_proxy, "10.0.0.1/-1",
	  "TRUSTED_PROXIES: \"10.0.0.1/-1\" is no address and no network" },
	{ set_proxy, "10.1", "TRUSTED_PROXIES: \"10.1\" is no address and no network" },
	{ set_proxy, "", "TRUSTED_PROXIES: \"\" is no address and no network" },
	{ set_max_body, "0", "MAX_BODY_BYTES: takes 1 to 1048576" },
	{ set_max_body, "-", "MAX_BODY_BYTES: takes 1 to 1048576" },
	{ set_max_body, "2", "MAX_BODY_BYTES: takes 1 to 1048576" },
	{ set_max_body, "1", NULL },
};

START_TEST(refuses_a_wrong_setting_by_its_name)
{
	struct site_spec spec = good_spec();
	struct http_site s = { .max_body = 7 };
	struct tp_err err = { 0 };
	enum tp_rc rc;

	changes[_i].change(&spec, changes[_i].text);
	rc = site_open(&spec, &s, &err);
	ck_assert_str_eq(rc == TP_OK ? "" : err.msg,
			 changes[_i].msg != NULL ? changes[_i].msg : "");
	ck_assert_int_eq(rc, changes[_i].msg == NULL ? TP_OK : TP_INVALID);
	if (rc == TP_OK)
		site_close(&s);
	else
		ck_assert_int_eq(s.max_body, 7);
}
END_TEST

static const struct {
	const char *net, *address;
	bool trusted;
} nets[] = {
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "192.0.2.1", "::ffff:192.0.2.1", true },
	{ "::ffff:192.0.2.1", "192.0.2.1", true },
	{ "10.0.0.0/8", "10.255.1.2", true },
	{ "10.0.0.0/8", "11.0.0.0", false },
	{ "192.0.2.128/25", "192.0.2.200", true },
	{ "192.0.2.128/25", "192.0.2.127", false },
	{ "192.0.2.4/30", "192.0.2.7", true },
	{ "192.0.2.4/30", "192.0.2.8", false },
	{ "192.0.2.4/32", "192.0.2.4", true },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "203.0.113.9", true },
	{ "::1", "::1", true },
	{ "::1", "0:0:0:0:0:0:0:1", true },
	{ "2001:db8::/33", "2001:db8:7fff::1", true },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	{ "192.0.2.1", "", false },
	{ "192.0.2.1", "192.0.2.1 ", false },
	{ "192.0.2.1", "192.0.2.1:80", false },
	{ "192.0.2.1", "unix:", false },
	{ "192.0.2.1", "0xc0.0.2.1", false },
	{ "::1", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc", false },
};

START_TEST(trusts_addresses_within_its_networks)
{
	struct site_spec spec = good_spec();
	struct http_site s;
	struct tp_err err;

	set_proxy(&spec, nets[_i].net);
	ck_assert_int_eq(site_open(&spec, &s, &err), TP_OK);
	ck_assert_msg(site_trusts(&s, span_of(nets[_i].address)) == nets[_i].trusted, "%s %s",
		      nets[_i].net, nets[_i].address);
	site_close(&s);
}
END_TEST

START_TEST(trusts_nobody_without_a_list)
{
	struct site_spec spec = good_spec();
	struct http_site s;
	struct tp_err err;

	ck_assert_int_eq(site_open(&spec, &s, &err), TP_OK);
	ck_assert(!site_trusts(&s, span_of("127.0.0.1")));
	ck_assert(!site_trusts(&s, (struct span){ NULL, 0 }));
	site_close(&s);
}
END_TEST

START_TEST(knows_an_address_from_anything_else)
{
	ck_assert(site_is_address(span_of("192.0.2.1")));
	ck_assert(site_is_address(span_of("2001:db8::1")));
	ck_assert(!site_is_address(span_of("unknown")));
	ck_assert(!site_is_address(span_of("[::1]")));
	ck_assert(!site_is_address(SPAN_LIT("192.0.2.1\0")));
	ck_assert(!site_is_address((struct span){ NULL, 0 }));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("site");
	TCase *t = tcase_create("site");

	tcase_add_test(t, opens_with_what_it_is_given);
	tcase_add_test(t, what_is_not_given_is_off_or_empty);
	tcase_add_loop_test(t, refuses_a_wrong_setting_by_its_name, 0, (int)TP_COUNT(changes));
	tcase_add_loop_test(t, trusts_addresses_within_its_networks, 0, (int)TP_COUNT(nets));
	tcase_add_test(t, trusts_nobody_without_a_list);
	tcase_add_test(t, knows_an_address_from_anything_else);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
