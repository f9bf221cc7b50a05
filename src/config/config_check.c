/* SPDX-License-Identifier: MIT */
/*
 * Owns what must hold between settings, and what follows from them. One function for each rule; the
 * table at the end runs them in order. Rules about the meaning of one value alone are
 * config_value.c's; those that need a module's knowledge are that module's.
 */
#include "config/config.h"
#include "config/config_form.h"
#include "config/config_value.h"

#include <strings.h>

#include "base/banned.h"

#define REFRESH_PATH "/refresh"
#define GRPC_ADDRESS "127.0.0.1:50051"

/* What REFRESH_URL means ------------------------------------------------------------------------*/

const char *config_refresh_path(const struct config *c)
{
	return c->refresh_url[0] == '/' ? c->refresh_url : REFRESH_PATH;
}

static const char *grpc_address(const struct config *c, const char *own)
{
	if (own != NULL)
		return own;
	return c->refresh_url[0] == '/' ? GRPC_ADDRESS : c->refresh_url;
}

const char *config_grpc_listen(const struct config *c)
{
	return grpc_address(c, c->grpc_listen);
}

const char *config_grpc_target(const struct config *c)
{
	return grpc_address(c, c->grpc_target);
}

/* Rules -----------------------------------------------------------------------------------------*/

/* In the words of config_value.c: what came, and what would have done. */
static enum tp_rc refuse(const char *name, const char *value, const char *takes, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf got = BUF_INIT(sizeof(err->msg));

	config_value_show(span_of(value), &got);
	return tp_fail(err, TP_INVALID, "%s: got \"%s\", takes %s", name, buf_cstr(&got), takes);
}

static enum tp_rc check_keys(const struct config *c, struct tp_err *err)
{
	if (c->algorithm == CONFIG_ALG_HS256) {
		if (c->secret_key.len == 0)
			return tp_fail(err, TP_INVALID,
				       "SECRET_KEY: not set, and ALGORITHM HS256 needs it");
		return TP_OK;
	}
	if (c->authorization_server && c->private_key.len == 0)
		return tp_fail(
			err, TP_INVALID,
			"PRIVATE_KEY: not set, and an AUTHORIZATION_SERVER with ALGORITHM RS256 "
			"signs with it");
	if (c->private_key.len == 0 && c->public_key.len == 0)
		return tp_fail(
			err, TP_INVALID,
			"PUBLIC_KEY: not set, and ALGORITHM RS256 needs it (or PRIVATE_KEY)");
	return TP_OK;
}

static enum tp_rc check_verify_keys(const struct config *c, struct tp_err *err)
{
	for (size_t i = 0; i < c->verify_keys.n; i++) {
		if (c->verify_keys.v[i][0] != '/')
			return refuse("VERIFY_KEYS", c->verify_keys.v[i], "absolute paths", err);
	}
	return TP_OK;
}

struct endpoint {
	const char *name, *path;
};

/* "" is a page that is turned off. */
static enum tp_rc check_distinct(const struct endpoint *e, size_t n, struct tp_err *err)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++) {
			if (e[i].path[0] != '\0' && strcmp(e[i].path, e[k].path) == 0)
				return tp_fail(err, TP_INVALID, "%s: the same path as %s",
					       e[i].name, e[k].name);
		}
	}
	return TP_OK;
}

#define NO_SLASH "a path without a / at its end"

static bool ends_in_slash(const char *path)
{
	size_t n = strlen(path);

	return n > 0 && path[n - 1] == '/';
}

static enum tp_rc check_paths(const struct config *c, struct tp_err *err)
{
	const struct endpoint e[] = {
		{ "TOKEN_URL", c->token_url },	     { "REFRESH_URL", config_refresh_path(c) },
		{ "USERINFO_URL", c->userinfo_url }, { "LOGOUT_URL", c->logout_url },
		{ "SESSIONS_URL", c->sessions_url }, { "AUTH_URL", c->auth_url },
		{ "HEALTH_URL", c->health_url },     { "LOGIN_PAGE_URL", c->login_page_url },
		{ "DOCS_URL", c->docs_url },	     { "REDOC_URL", c->redoc_url },
		{ "OPENAPI_URL", c->openapi_url },
	};
	struct span refresh = span_of(c->refresh_url);

	if (!config_form_is_route(refresh) && !config_form_is_address(refresh))
		return refuse("REFRESH_URL", c->refresh_url,
			      "a path that begins with /, or HOST:PORT", err);
	if (ends_in_slash(c->root_path))
		return refuse("ROOT_PATH", c->root_path, NO_SLASH, err);
	for (size_t i = 0; i < TP_COUNT(e); i++) {
		if (ends_in_slash(e[i].path))
			return refuse(e[i].name, e[i].path, NO_SLASH, err);
	}
	return check_distinct(e, TP_COUNT(e), err);
}

static enum tp_rc check_urls(const struct config *c, struct tp_err *err)
{
	struct span login = span_of(c->login_url);
	struct span log = span_of(c->log_target);

	if (c->public_url != NULL && !config_form_is_origin(span_of(c->public_url)))
		return refuse("PUBLIC_URL", c->public_url,
			      "http:// or https://, a host, perhaps a port, and no path", err);
	/* "//host" would be another host, not a path. */
	if (login.p != NULL && !(span_starts(login, "/") && !span_starts(login, "//")) &&
	    !span_starts(login, "https://") && !span_starts(login, "http://"))
		return refuse("LOGIN_URL", c->login_url,
			      "a path that begins with /, or an http(s) URL", err);
	if (!span_is(log, "stderr") && !span_is(log, "syslog") && !span_starts(log, "file:/"))
		return refuse("LOG_TARGET", c->log_target, "stderr, syslog or file:/PATH", err);
	return TP_OK;
}

static enum tp_rc check_handler(const struct config *c, bool has_handler, struct tp_err *err)
{
	if (c->authorization_server && c->token_handler == NULL && !has_handler)
		return tp_fail(err, TP_INVALID,
			       "TOKEN_HANDLER: not set, and an AUTHORIZATION_SERVER needs it");
	return TP_OK;
}

static enum tp_rc check_store(const struct config *c, struct tp_err *err)
{
	if (c->redis_connection_type == CONFIG_REDIS_SENTINEL && c->redis_master_service == NULL)
		return tp_fail(err, TP_INVALID,
			       "REDIS_MASTER_SERVICE: not set, and REDIS_CONNECTION_TYPE sentinel "
			       "needs it");
	if (c->db_sentinel_user != NULL && c->db_sentinel_password.p == NULL)
		return tp_fail(err, TP_INVALID, "DB_SENTINEL_USER: needs DB_SENTINEL_PASSWORD");
	if ((c->db_tls_cert == NULL) != (c->db_tls_key == NULL))
		return tp_fail(err, TP_INVALID,
			       "DB_TLS_CERT, DB_TLS_KEY: one is set, and each needs the other");
	return TP_OK;
}

/* The characters of RFC 9110 tokens; a name with another one, browsers drop. */
static bool is_token(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s <= ' ' || *s > '~' || strchr("()<>@,;:\\\"/[]?={}", *s) != NULL)
			return false;
	}
	return true;
}

/* What browsers demand of a cookie with such a name (RFC 6265bis, 4.1.3), in any case. */
static enum tp_rc check_cookie_prefix(const struct config *c, struct tp_err *err)
{
	bool host = strncasecmp(c->cookie_prefix, "__Host-", 7) == 0;
	bool secure = strncasecmp(c->cookie_prefix, "__Secure-", 9) == 0;

	if (!is_token(c->cookie_prefix))
		return refuse("COOKIE_PREFIX", c->cookie_prefix,
			      "letters, digits and !#$%&'*+-.^_`|~ only", err);
	if ((host || secure) && !c->cookie_secure)
		return tp_fail(err, TP_INVALID, "COOKIE_PREFIX: %s needs COOKIE_SECURE",
			       host ? "__Host-" : "__Secure-");
	if (host && strcmp(c->cookie_path, "/") != 0)
		return tp_fail(err, TP_INVALID, "COOKIE_PREFIX: __Host- needs COOKIE_PATH /");
	if (host && c->cookie_domain != NULL)
		return tp_fail(err, TP_INVALID, "COOKIE_PREFIX: __Host- excludes COOKIE_DOMAIN");
	return TP_OK;
}

static enum tp_rc check_cookies(const struct config *c, struct tp_err *err)
{
	if (c->cookie_samesite == CONFIG_SAMESITE_NONE && !c->cookie_secure)
		return tp_fail(err, TP_INVALID, "COOKIE_SAMESITE: none needs COOKIE_SECURE");
	if (c->cookie_domain != NULL &&
	    (!is_token(c->cookie_domain) || strpbrk(c->cookie_domain, "!#$%&'*+^_`|~") != NULL))
		return refuse("COOKIE_DOMAIN", c->cookie_domain, "a domain name", err);
	return check_cookie_prefix(c, err);
}

static enum tp_rc check_grpc(const struct config *c, struct tp_err *err)
{
	if ((c->grpc_tls_cert == NULL) != (c->grpc_tls_key == NULL))
		return tp_fail(err, TP_INVALID,
			       "GRPC_TLS_CERT, GRPC_TLS_KEY: one is set, and each needs the other");
	if (c->grpc_tls_client_ca != NULL && c->grpc_tls_cert == NULL)
		return tp_fail(err, TP_INVALID, "GRPC_TLS_CLIENT_CA: needs GRPC_TLS_CERT");
	/* A call shows user and handle: whoever reads it has the session. */
	if (!c->authorization_server && c->grpc_tls_ca == NULL &&
	    !config_form_is_local(span_of(config_grpc_target(c))))
		return tp_fail(err, TP_INVALID,
			       "GRPC_TARGET: an address of another machine needs GRPC_TLS_CA");
	return TP_OK;
}

static enum tp_rc check_flags(const struct config *c, struct tp_err *err)
{
	if (c->grpc && c->workers == 0)
		return tp_fail(err, TP_INVALID,
			       "--grpc: needs a supervisor, so --workers of 1 at least");
	if (c->grpc && !c->authorization_server)
		return tp_fail(err, TP_INVALID,
			       "--grpc: the refresh daemon needs AUTHORIZATION_SERVER");
	return TP_OK;
}

enum tp_rc config_check(const struct config *c, bool has_handler, struct tp_err *err)
{
	static enum tp_rc (*const rules[])(const struct config *c, struct tp_err *err) = {
		check_keys,  check_verify_keys, check_paths, check_urls,
		check_store, check_cookies,	check_grpc,  check_flags,
	};

	for (size_t i = 0; i < TP_COUNT(rules); i++) {
		enum tp_rc rc = rules[i](c, err);

		if (rc != TP_OK)
			return rc;
	}
	return check_handler(c, has_handler, err);
}

/* Warnings --------------------------------------------------------------------------------------*/

static bool cors_any_with_credentials(const struct config *c)
{
	bool any = false;

	for (size_t i = 0; i < c->cors_urls.n; i++)
		any = any || strcmp(c->cors_urls.v[i], "*") == 0;
	return c->enable_cors && any && c->cors_allow_credentials;
}

static bool cors_default(const struct config *c)
{
	return c->enable_cors && !config_is_set(c, OPTION_CORS_URLS);
}

static bool cookies_in_clear(const struct config *c)
{
	return !c->cookie_secure;
}

static bool never_slides(const struct config *c)
{
	return c->refresh_restrict_s >= c->expiry_s;
}

static bool max_below_expiry(const struct config *c)
{
	return c->session_max_s != 0 && c->session_max_s < c->expiry_s;
}

static bool leeway_above_expiry(const struct config *c)
{
	return c->leeway_s > c->expiry_s;
}

static bool handler_unused(const struct config *c)
{
	return c->token_handler != NULL && !c->authorization_server;
}

static bool page_unused(const struct config *c)
{
	return c->login_page_url[0] != '\0' && !c->authorization_server;
}

static bool docs_without_openapi(const struct config *c)
{
	return c->openapi_url[0] == '\0' &&
	       ((config_is_set(c, OPTION_DOCS_URL) && c->docs_url[0] != '\0') ||
		(config_is_set(c, OPTION_REDOC_URL) && c->redoc_url[0] != '\0'));
}

void config_warnings(const struct config *c, void (*fn)(void *arg, const char *sentence), void *arg)
{
	static const struct {
		bool (*holds)(const struct config *c);
		const char *sentence;
	} warnings[] = {
		{ cors_default,
		  "CORS_URLS is not set: the default *.prismatica.in may read answers" },
		{ cors_any_with_credentials,
		  "CORS_URLS has *: CORS_ALLOW_CREDENTIALS does not apply to it" },
		{ cookies_in_clear,
		  "COOKIE_SECURE is false: sessions can be stolen from plain connections" },
		{ never_slides,
		  "REFRESH_RESTRICT_MINUTES is not below EXPIRY: no session can be refreshed" },
		{ max_below_expiry,
		  "SESSION_MAX is below EXPIRY: no session lives as long as EXPIRY" },
		{ leeway_above_expiry, "LEEWAY is above EXPIRY" },
		{ handler_unused, "TOKEN_HANDLER is set and AUTHORIZATION_SERVER is false: nobody "
				  "can log in here" },
		{ page_unused, "LOGIN_PAGE_URL is set and AUTHORIZATION_SERVER is false: there is "
			       "no login page here" },
		{ docs_without_openapi,
		  "DOCS_URL and REDOC_URL show nothing while OPENAPI_URL is empty" },
	};

	for (size_t i = 0; i < TP_COUNT(warnings); i++) {
		if (warnings[i].holds(c))
			fn(arg, warnings[i].sentence);
	}
}
