/* SPDX-License-Identifier: MIT */
/* What the HTTP side is configured with: paths, cookies, origins, limits. Read-only after
 * site_open(). */
#ifndef HTTP_SITE_H
#define HTTP_SITE_H

#include "auth/scope.h"
#include "http/cookie.h"
#include "http/origin.h"

/* The paths that can be set. */
enum http_path {
	HTTP_PATH_TOKEN,
	HTTP_PATH_REFRESH,
	HTTP_PATH_USERINFO,
	HTTP_PATH_LOGOUT,
	HTTP_PATH_HEALTH,
	HTTP_PATH_AUTH,
	HTTP_PATH_LOGIN_PAGE,
	HTTP_PATH_SESSIONS,
	HTTP_PATH_OPENAPI,
	HTTP_PATH_DOCS,
	HTTP_PATH_REDOC,
	HTTP_PATHS
};

struct scope_rules;

/* As strings; everything is borrowed and must outlive the site. NULL-terminated lists; a NULL list
 * is an empty one, a NULL string an empty one. */
struct site_spec {
	const char *path[HTTP_PATHS]; /* empty: that endpoint is off */
	const char *root_path, *public_url;
	const char *title; /* of the pages, and of the OpenAPI document; those are its, too: */
	const char *version, *description;
	const struct jval *scopes; /* the catalogue: names and descriptions; NULL: none */
	const char *docs_dir;	   /* where the files of Swagger UI and ReDoc are */
	const char *docs_cdn;	   /* where else; empty: nowhere */
	const char *login_url;	   /* where the authorizer sends a browser; empty: nowhere */
	const char *cookie_prefix, *cookie_domain, *cookie_path;
	bool cookie_secure;
	enum cookie_samesite cookie_samesite;
	bool cors, cors_credentials;
	bool cors_urls_set; /* the default of CORS_URLS does not count for the rule against CSRF */
	const char *const *cors_urls, *const *cors_methods, *const *cors_headers;
	const char *const *trusted_proxies; /* addresses or networks (10.0.0.0/8, ::1) */
	int64_t max_body;
	bool issues; /* AUTHORIZATION_SERVER: else nobody can log in or refresh here */

	/* About requests to protected applications. */
	const char *const *required_scopes;
	const char *scope_rules; /* a file, read by site_open(); empty: none */
	bool preflight_checked;	 /* AUTHORIZER_PREFLIGHT: a preflight needs a session, too */
	bool pass_jwt;

	const char *module_dir; /* where the loadable objects are; NULL: nowhere */
};

struct site_net {
	unsigned char addr[16]; /* IPv4 as ::ffff:a.b.c.d */
	int bits;
};

struct http_site {
	struct span path[HTTP_PATHS]; /* len 0: off */
	struct span root_path;	      /* without a last "/" */
	struct span title, version, description;
	const struct jval *scopes;
	const char *docs_dir;
	struct span docs_cdn;  /* https://host[:port][/path], without a last "/"; len 0: none */
	struct span login_url; /* len 0: none; a path, or an http(s) URL, without a fragment */
	bool has_public_origin;
	struct origin public_origin;
	struct cookie_rules cookies;
	bool cors, cors_credentials, cors_any, cors_urls_set;
	struct origin *cors_patterns; /* without "*", which is cors_any */
	size_t n_cors_patterns;
	struct span *cors_headers; /* one that is "*" means all */
	size_t n_cors_headers;
	struct span *cors_methods;
	size_t n_cors_methods;
	struct site_net *proxies;
	size_t n_proxies;
	int64_t max_body;
	bool issues;
	struct scope_set required_scopes;
	struct scope_rules *scope_rules; /* NULL: none */
	bool preflight_checked, pass_jwt;
	const char *module_dir;
};

/* TP_INVALID names the setting. */
enum tp_rc site_open(const struct site_spec *spec, struct http_site *ret,
		     struct tp_err *err) TP_MUSTUSE;
void site_close(struct http_site *s);

/* The setting that has the path: "TOKEN_URL". */
const char *site_path_setting(enum http_path path);

/* The address is one of TRUSTED_PROXIES. */
bool site_trusts(const struct http_site *s, struct span address);

/* An IPv4 or IPv6 address as text, alone. */
bool site_is_address(struct span text);

#endif
