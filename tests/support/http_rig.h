/* SPDX-License-Identifier: MIT */
/*
 * Requests without a server: a site over the rig of auth, an environment as a web server makes it,
 * and the answer as one text.
 *
 *	struct http_rig h;
 *
 *	http_rig_open(&h);
 *	text = http_ask(&h, "POST", "/token?a=b", "username=a&password=b", NULL);
 *	text = http_ask(&h, "GET", "/userinfo", NULL, (const char *const[]){ "HTTP_COOKIE=..", NULL
 *}); http_rig_release(&h);
 *
 * The log goes to h.log, from debug up, and not to the terminal.
 */
#ifndef SUPPORT_HTTP_RIG_H
#define SUPPORT_HTTP_RIG_H

#include "http/router.h"
#include "support/rig.h"

enum { HTTP_RIG_ENV = 64, HTTP_RIG_LOG = 65536 };

struct http_rig {
	struct rig rig;
	struct site_spec spec; /* changed by a case, which then calls http_rig_site() */
	struct http_site site;
	const struct route *routes; /* served by http_ask(); at first the built-in ones */
	size_t n_routes;
	struct http_resp resp; /* of the last request */

	char log[HTTP_RIG_LOG]; /* everything so far */
	size_t log_len;

	/* private */
	char *env[HTTP_RIG_ENV];
	size_t n_env;
	struct span body;
	struct buf answer;
};

void http_rig_open(struct http_rig *h);
void http_rig_release(struct http_rig *h);

/* Opens the site anew, from what is in h->spec now. */
void http_rig_site(struct http_rig *h);

/*
 * Lays out a request: SCRIPT_NAME and QUERY_STRING from the target, REMOTE_ADDR 192.0.2.1,
 * HTTP_HOST auth.example.org, HTTP_X_REQUEST_ID req-1, for a body its CONTENT_LENGTH and the type
 * of a form; each only where `extra` (NULL-terminated "NAME=value", or NULL) has none of that name.
 */
void http_rig_request(struct http_rig *h, const char *method, const char *target, const char *body,
		      const char *const *extra);

/* Serves what was laid out; allocates nothing by itself. */
void http_rig_serve(struct http_rig *h);
void http_rig_authorize(struct http_rig *h); /* in the role of FastCGI's authorizer */

/* The answer as one text, good until the next one. */
const char *http_rig_answer(struct http_rig *h);

/* All three in one. */
const char *http_ask(struct http_rig *h, const char *method, const char *target, const char *body,
		     const char *const *extra);

/* The header lines that delete the session's cookies, as the rig's site sets them. */
#define HTTP_COOKIES_GONE                                                                  \
	"Set-Cookie: user_id=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; "      \
	"Max-Age=0; Path=/; SameSite=strict; Secure\r\n"                                   \
	"Set-Cookie: access_token=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; " \
	"Max-Age=0; Path=/; SameSite=strict; Secure\r\n"

/*
 * What the answer must be: a status line's text, the lines between Content-Type and Cache-Control
 * (each with its "\r\n"), and a body. Content-Length is its length. Good until the next call.
 */
const char *http_want(const char *status, const char *headers, const char *body);

/* The same for an error's body: {"error":..,"error_description":..,"detail":..}. */
const char *http_want_error(const char *status, const char *headers, const char *error,
			    const char *detail);

/* Variables that carry a session. Good until the next call of the same. */
const char *http_cookies(const char *user, struct span handle); /* HTTP_COOKIE=.. */
const char *http_bearer(struct span bearer);			/* HTTP_AUTHORIZATION=Bearer .. */

/* The value of a string member of the answer's JSON, written without escapes; p NULL: none. */
struct span http_member(const struct http_rig *h, const char *name);

/* The log so far holds this text. */
bool http_logged(const struct http_rig *h, const char *text);

/* A reader over bytes. */
struct http_body http_rig_body(struct span *bytes);

#endif
