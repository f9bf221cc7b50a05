/* SPDX-License-Identifier: MIT */
/*
 * Owns the settings of the HTTP side in the form in which requests ask for them: checked once, at
 * start, so that no request meets a setting that cannot work. Where they come from is for run/boot
 * to know.
 */
#include "http/site.h"

#include "http/scope_rules.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/banned.h"

enum { IPV4_OFFSET = 96 };

static const char *const path_settings[HTTP_PATHS] = {
	[HTTP_PATH_TOKEN] = "TOKEN_URL",	   [HTTP_PATH_REFRESH] = "REFRESH_URL",
	[HTTP_PATH_USERINFO] = "USERINFO_URL",	   [HTTP_PATH_LOGOUT] = "LOGOUT_URL",
	[HTTP_PATH_HEALTH] = "HEALTH_URL",	   [HTTP_PATH_AUTH] = "AUTH_URL",
	[HTTP_PATH_LOGIN_PAGE] = "LOGIN_PAGE_URL", [HTTP_PATH_SESSIONS] = "SESSIONS_URL",
	[HTTP_PATH_OPENAPI] = "OPENAPI_URL",	   [HTTP_PATH_DOCS] = "DOCS_URL",
	[HTTP_PATH_REDOC] = "REDOC_URL",
};

const char *site_path_setting(enum http_path path)
{
	return path_settings[path];
}

static struct span text_of(const char *s)
{
	return span_of(s != NULL ? s : "");
}

/* Bytes that a path of a URL has after decoding, and a cookie's Path may have. */
static bool is_path(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] <= 0x20 || s.p[i] > 0x7e || strchr("?#;,\"\\%", s.p[i]) != NULL)
			return false;
	}
	return s.len <= LIMIT_PATH && span_starts(s, "/");
}

static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] <= 0x20 || s.p[i] > 0x7e ||
		    strchr("()<>@,;:\\\"/[]?={}", s.p[i]) != NULL)
			return false;
	}
	return s.len > 0;
}

static enum tp_rc set_paths(const struct site_spec *spec, struct http_site *s, struct tp_err *err)
{
	for (size_t i = 0; i < HTTP_PATHS; i++) {
		struct span path = text_of(spec->path[i]);

		if (path.len > 0 && (!is_path(path) || path.p[path.len - 1] == '/'))
			return tp_fail(err, TP_INVALID,
				       "%s must start with / and have no / at its end",
				       path_settings[i]);
		for (size_t k = 0; k < i && path.len > 0; k++) {
			if (span_eq(path, s->path[k]))
				return tp_fail(err, TP_INVALID, "%s and %s are the same path",
					       path_settings[k], path_settings[i]);
		}
		s->path[i] = path;
	}
	s->root_path = text_of(spec->root_path);
	if (s->root_path.len > 0 && !is_path(s->root_path))
		return tp_fail(err, TP_INVALID, "ROOT_PATH: takes a path that starts with /");
	while (s->root_path.len > 0 && s->root_path.p[s->root_path.len - 1] == '/')
		s->root_path.len--;
	return TP_OK;
}

/* Its path, if it has one, is not part of the origin. */
static bool url_origin(struct span url, struct origin *ret)
{
	size_t n = span_starts(url, "https://") ? 8 : 7;

	if (url.len <= n)
		return false;
	while (n < url.len && url.p[n] != '/')
		n++;
	return origin_parse((struct span){ url.p, n }, ret);
}

static enum tp_rc set_public_url(struct span url, struct http_site *s, struct tp_err *err)
{
	if (url.len == 0)
		return TP_OK;
	s->has_public_origin = url_origin(url, &s->public_origin);
	if (!s->has_public_origin)
		return tp_fail(err, TP_INVALID, "PUBLIC_URL: takes http(s)://host[:port][/path]");
	return TP_OK;
}

/* A path, but not "//host" or what browsers take for it. */
static bool is_login_url(struct span url)
{
	struct origin o;

	for (size_t i = 0; i < url.len; i++) {
		if (url.p[i] <= 0x20 || url.p[i] > 0x7e || strchr("#\"<>\\", url.p[i]) != NULL)
			return false;
	}
	if (span_starts(url, "/"))
		return !span_starts(url, "//") && url.len <= LIMIT_PATH;
	return url_origin(url, &o) && url.len <= LIMIT_PATH;
}

static enum tp_rc set_login_url(struct span url, struct http_site *s, struct tp_err *err)
{
	if (url.len > 0 && !is_login_url(url))
		return tp_fail(err, TP_INVALID,
			       "LOGIN_URL: takes a path that starts with /, or "
			       "http(s)://host[:port]/path, without #");
	s->login_url = url;
	return TP_OK;
}

/* Part of a policy (CSP) and of an address, so that what ends either is not in it. */
static enum tp_rc set_docs_cdn(struct span url, struct http_site *s, struct tp_err *err)
{
	struct origin o;
	bool good = url.len <= LIMIT_PATH && span_starts(url, "https://") && url_origin(url, &o);

	for (size_t i = 0; i < url.len && good; i++)
		good = url.p[i] > 0x20 && url.p[i] <= 0x7e &&
		       strchr("?#;,\"'<>\\{}", url.p[i]) == NULL;
	if (url.len > 0 && (!good || url.p[url.len - 1] == '/'))
		return tp_fail(err, TP_INVALID,
			       "DOCS_CDN: takes https://host[:port][/path] without / at its end");
	s->docs_cdn = url;
	return TP_OK;
}

/* What browsers ask of a prefix (RFC 6265bis 4.1.3); a cookie that breaks it is dropped silently.
 */
static enum tp_rc check_prefix(const struct cookie_rules *c, struct tp_err *err)
{
	bool host = span_is_nocase(c->prefix, "__Host-");

	if ((host || span_is_nocase(c->prefix, "__Secure-")) && !c->secure)
		return tp_fail(err, TP_INVALID, "COOKIE_PREFIX: %.*s needs COOKIE_SECURE",
			       (int)c->prefix.len, c->prefix.p);
	if (host && (c->domain.len > 0 || !span_is(c->path, "/")))
		return tp_fail(err, TP_INVALID,
			       "COOKIE_PREFIX: __Host- needs COOKIE_PATH / and no COOKIE_DOMAIN");
	return TP_OK;
}

static enum tp_rc set_cookies(const struct site_spec *spec, struct http_site *s, struct tp_err *err)
{
	struct cookie_rules c = {
		.prefix = text_of(spec->cookie_prefix),
		.domain = text_of(spec->cookie_domain),
		.path = text_of(spec->cookie_path),
		.secure = spec->cookie_secure,
		.samesite = spec->cookie_samesite,
	};

	if (c.prefix.len > 0 && !is_token(c.prefix))
		return tp_fail(err, TP_INVALID,
			       "COOKIE_PREFIX has a character that no cookie name "
			       "may have");
	if (c.domain.len > 0 && !is_token(c.domain))
		return tp_fail(err, TP_INVALID, "COOKIE_DOMAIN: takes a host name");
	if (c.path.len > 0 && !is_path(c.path))
		return tp_fail(err, TP_INVALID, "COOKIE_PATH: takes a path that starts with /");
	if (c.samesite == COOKIE_NONE && !c.secure)
		return tp_fail(err, TP_INVALID, "COOKIE_SAMESITE: none needs COOKIE_SECURE");
	s->cookies = c;
	return check_prefix(&c, err);
}

static size_t count(const char *const *list)
{
	size_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

static enum tp_rc set_cors_urls(const char *const *list, struct http_site *s, struct tp_err *err)
{
	size_t n = count(list);

	s->cors_patterns = calloc(n + 1, sizeof(*s->cors_patterns));
	if (s->cors_patterns == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		struct origin *o = &s->cors_patterns[s->n_cors_patterns];
		struct tp_err why = { 0 };
		enum tp_rc rc = origin_pattern(span_of(list[i]), o, &why);

		if (rc != TP_OK)
			return tp_fail(err, rc, "CORS_URLS \"%.60s\": %s", list[i], why.msg);
		if (o->any)
			s->cors_any = true;
		else
			s->n_cors_patterns++;
	}
	return TP_OK;
}

/* "*" is a token as well: for headers it means all of them. */
static enum tp_rc set_tokens(const char *const *list, const char *setting, struct span **ret,
			     size_t *ret_n, struct tp_err *err)
{
	size_t n = count(list);

	*ret = calloc(n + 1, sizeof(**ret));
	if (*ret == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		(*ret)[i] = span_of(list[i]);
		if (!is_token((*ret)[i]))
			return tp_fail(err, TP_INVALID, "%s: \"%.60s\" cannot be one", setting,
				       list[i]);
	}
	*ret_n = n;
	return TP_OK;
}

/* IPv4 is kept as IPv6 has it (::ffff:a.b.c.d), so that both spellings are one address. */
static bool read_address(struct span text, unsigned char ret[16], bool *ret_v4)
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	char s[INET6_ADDRSTRLEN];

	if (text.len == 0 || text.len >= sizeof(s) || span_has_byte(text, '\0'))
		return false;
	memcpy(s, text.p, text.len);
	s[text.len] = '\0';
	*ret_v4 = inet_pton(AF_INET, s, ret + 12) == 1;
	if (!*ret_v4)
		return inet_pton(AF_INET6, s, ret) == 1;
	memcpy(ret, mapped, sizeof(mapped));
	return true;
}

static bool read_net(struct span text, struct site_net *ret)
{
	struct span address = span_cut(&text, '/');
	int64_t bits = 128;
	bool v4;

	if (!read_address(address, ret->addr, &v4))
		return false;
	if (text.p != NULL) {
		if (!span_int(text, 0, v4 ? 32 : 128, &bits))
			return false;
		bits += v4 ? IPV4_OFFSET : 0;
	}
	ret->bits = (int)bits;
	return true;
}

static enum tp_rc set_proxies(const char *const *list, struct http_site *s, struct tp_err *err)
{
	size_t n = count(list);

	s->proxies = calloc(n + 1, sizeof(*s->proxies));
	if (s->proxies == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		if (!read_net(span_of(list[i]), &s->proxies[i]))
			return tp_fail(err, TP_INVALID,
				       "TRUSTED_PROXIES: \"%.60s\" is no address and no network",
				       list[i]);
	}
	s->n_proxies = n;
	return TP_OK;
}

static enum tp_rc set_required(const char *const *list, struct http_site *s, struct tp_err *err)
{
	for (; list != NULL && *list != NULL; list++) {
		struct scope_set some;

		if (scope_parse(span_of(*list), &some, NULL) != TP_OK ||
		    scope_unite(&s->required_scopes, &some, NULL) != TP_OK)
			return tp_fail(err, TP_INVALID, "REQUIRED_SCOPES: \"%.60s\" is no scope",
				       *list);
	}
	return TP_OK;
}

/* Scopes of protected applications. */
static enum tp_rc set_guard(const struct site_spec *spec, struct http_site *s, struct tp_err *err)
{
	enum tp_rc rc = set_required(spec->required_scopes, s, err);

	s->preflight_checked = spec->preflight_checked;
	s->pass_jwt = spec->pass_jwt;
	s->module_dir = spec->module_dir;
	if (rc != TP_OK || text_of(spec->scope_rules).len == 0)
		return rc;
	return scope_rules_open(spec->scope_rules, &s->scope_rules, err);
}

static enum tp_rc set_all(const struct site_spec *spec, struct http_site *s, struct tp_err *err)
{
	enum tp_rc rc;

	if (spec->max_body < 1 || spec->max_body > LIMIT_BODY)
		return tp_fail(err, TP_INVALID, "MAX_BODY_BYTES: takes 1 to %d", LIMIT_BODY);
	s->max_body = spec->max_body;
	s->issues = spec->issues;
	s->title = text_of(spec->title);
	s->version = text_of(spec->version);
	s->description = text_of(spec->description);
	s->scopes = spec->scopes;
	s->docs_dir = spec->docs_dir != NULL ? spec->docs_dir : "";
	s->cors = spec->cors;
	s->cors_credentials = spec->cors_credentials;
	s->cors_urls_set = spec->cors_urls_set;
	rc = set_paths(spec, s, err);
	if (rc == TP_OK)
		rc = set_public_url(text_of(spec->public_url), s, err);
	if (rc == TP_OK)
		rc = set_login_url(text_of(spec->login_url), s, err);
	if (rc == TP_OK)
		rc = set_docs_cdn(text_of(spec->docs_cdn), s, err);
	if (rc == TP_OK)
		rc = set_cookies(spec, s, err);
	if (rc == TP_OK)
		rc = set_cors_urls(spec->cors_urls, s, err);
	if (rc == TP_OK)
		rc = set_tokens(spec->cors_methods, "CORS_ALLOW_METHODS", &s->cors_methods,
				&s->n_cors_methods, err);
	if (rc == TP_OK)
		rc = set_tokens(spec->cors_headers, "CORS_ALLOW_HEADERS", &s->cors_headers,
				&s->n_cors_headers, err);
	if (rc == TP_OK)
		rc = set_proxies(spec->trusted_proxies, s, err);
	return rc == TP_OK ? set_guard(spec, s, err) : rc;
}

enum tp_rc site_open(const struct site_spec *spec, struct http_site *ret, struct tp_err *err)
{
	struct http_site s = { 0 };
	enum tp_rc rc = set_all(spec, &s, err);

	if (rc == TP_OK)
		*ret = s;
	else
		site_close(&s);
	return rc;
}

void site_close(struct http_site *s)
{
	if (s == NULL)
		return;
	free(s->cors_patterns);
	free(s->cors_headers);
	free(s->cors_methods);
	free(s->proxies);
	scope_rules_close(s->scope_rules);
	*s = (struct http_site){ 0 };
}

static bool in_net(const struct site_net *net, const unsigned char address[16])
{
	size_t whole = (size_t)net->bits / 8;
	unsigned mask = 0xff00U >> (net->bits % 8);

	return memcmp(net->addr, address, whole) == 0 &&
	       (net->bits % 8 == 0 || ((net->addr[whole] ^ address[whole]) & mask & 0xff) == 0);
}

bool site_trusts(const struct http_site *s, struct span address)
{
	unsigned char a[16];
	bool v4;

	if (s->n_proxies == 0 || !read_address(address, a, &v4))
		return false;
	for (size_t i = 0; i < s->n_proxies; i++) {
		if (in_net(&s->proxies[i], a))
			return true;
	}
	return false;
}

bool site_is_address(struct span text)
{
	unsigned char a[16];
	bool v4;

	return read_address(text, a, &v4);
}
