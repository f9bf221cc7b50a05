/* SPDX-License-Identifier: MIT */
/*
 * A request, from the variables of CGI (RFC 3875) and a body reader. The variables are looked up by
 * rules of our own, since servers send names twice: HTTP_AUTHORIZATION, HTTP_COOKIE, HTTP_ORIGIN,
 * HTTP_HOST and HTTP_X_FORWARDED_* given twice refuse the request, of other HTTP_* names the first
 * counts, of all the rest the last. An empty value is an absent one (RFC 3875 4.1).
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "auth/access.h"
#include "base/buf.h"
#include "base/limits.h"
#include "http/form.h"

struct http_site;

/* Bits, so that a route can name several. */
enum http_method {
	HTTP_GET = 1,
	HTTP_HEAD = 2,
	HTTP_POST = 4,
	HTTP_PUT = 8,
	HTTP_PATCH = 16,
	HTTP_DELETE = 32,
	HTTP_OPTIONS = 64,
	HTTP_OTHER = 128,
	HTTP_ANY = 255
};

/*
 * Gives the next bytes of the body: their number, 0 at its end, -1 when it broke off. It knows the
 * end by itself; under plain CGI that is after CONTENT_LENGTH bytes, since standard input may go on
 * (RFC 3875 4.2).
 */
struct http_body {
	ptrdiff_t (*read)(void *arg, char *p, size_t n);
	void *arg;
};

struct http_req {
	const struct http_site *site;
	char *const *envp; /* borrowed */
	enum http_method method;
	struct span method_name;
	struct span path;      /* SCRIPT_NAME and PATH_INFO joined: what the client asked for */
	struct span path_info; /* alone: what stands below a mount point */
	struct span query, content_type, origin, host, sec_fetch_site, user_agent;
	struct span accept, sec_fetch_mode, sec_fetch_dest, if_none_match;
	struct span cors_method, cors_headers;			   /* Access-Control-Request-* */
	struct span authorization, redirect_authorization, cookie; /* see request_credential() */
	struct span remote_addr;				   /* past TRUSTED_PROXIES */
	bool from_proxy; /* the peer itself is one of TRUSTED_PROXIES */

	/* About the request that a web server asks us about: see http/guard.h. */
	struct span uri;	   /* REQUEST_URI: raw */
	struct span tpauth_method; /* TPAUTH_*: parameters that the web server's settings give */
	struct span tpauth_scopes; /* TPAUTH_REQUIRE_SCOPES */
	struct span tpauth_subrequest;
	struct span forwarded_uri, forwarded_method, forwarded_host; /* X-Forwarded-*; anybody's */
	struct span apache_role;   /* FCGI_APACHE_ROLE: which of its steps Apache is at */
	struct span remote_passwd; /* Apache asks whether it is right; may be empty */
	int64_t content_length;	   /* -1: not said, the body ends where its source does */
	char request_id[LIMIT_REQUEST_ID + 1];
	struct http_body source;
	struct buf body; /* filled by request_body() */
	bool body_read;
	enum tp_rc body_rc; /* what came of it */
	bool keeps_still;   /* "refresh: false": its session does not slide with this use */
	struct buf joined, decoded[2]; /* behind path and the two cookies, where a copy is needed */
};

/*
 * Fills *ret from envp ("NAME=value", NULL-terminated); spans are borrowed from envp. Always sets
 * method, path and request_id as far as they can be made out, so that even a refusal can be
 * answered, and request_release() is due after a failure too. TP_INVALID: a duplicate that matters,
 * too many variables, a broken CONTENT_LENGTH. TP_TOO_LARGE: variables over their cap. TP_NO_ROUTE:
 * a path longer than any endpoint's.
 */
enum tp_rc request_init(struct http_req *ret, const struct http_site *site, char *const *envp,
			struct http_body source, struct tp_err *err) TP_MUSTUSE;

/*
 * The credential that the request carries; all absent where there is none. A bearer alone decides:
 * cookies are then not even read. TP_INVALID: two values of Authorization, or the cookies' failure.
 * TP_DENIED: a Bearer that cannot be one (RFC 6750 2.1). Endpoints for anyone never ask, so that no
 * credential, however broken, keeps one from them.
 */
enum tp_rc request_credential(struct http_req *r, struct credential *ret,
			      struct tp_err *err) TP_MUSTUSE;

/* The two cookies alone, whatever Authorization says. TP_INVALID: one of them with two different
 * values, or broken. */
enum tp_rc request_cookies(struct http_req *r, struct credential *ret,
			   struct tp_err *err) TP_MUSTUSE;

/*
 * Any header, by its name (RFC 9110 5.1) in any case: borrowed from the variables. Absent: not
 * there, empty, given more than once, or no name of one. A server may have joined or dropped some.
 */
struct span request_header(const struct http_req *r, struct span name);

/* Reads the whole body, at most site->max_body bytes. TP_TOO_LARGE; TP_INVALID when it breaks off
 * or differs from CONTENT_LENGTH. A second call reads nothing, and answers with the same code. */
enum tp_rc request_body(struct http_req *r, struct tp_err *err) TP_MUSTUSE;

/* The body as a form, by its content type (form_parse()). No body is an empty form. */
enum tp_rc request_form(struct http_req *r, struct form *ret, struct tp_err *err) TP_MUSTUSE;

/* HTTP_OTHER where it is none of those that have a name here. */
enum http_method request_method(struct span name);

void request_release(struct http_req *r);

#endif
