/* SPDX-License-Identifier: MIT */
/*
 * Lays a request out as a web server would, serves it, and puts the pieces of its answer together.
 * What the answer has to be is the cases' to say.
 */
#include "support/http_rig.h"

#include "http/authorizer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

static const char *const methods[] = { "GET", "POST", "DELETE", "PUT", "OPTIONS", "PATCH", NULL };
static const char *const all[] = { "*", NULL };
static const char *const origins[] = { "https://app.example.org", "*.apps.example.org", NULL };

static void keep_line(void *arg, const char *line, size_t n)
{
	struct http_rig *h = arg;

	assert(h->log_len + n < sizeof(h->log));
	memcpy(h->log + h->log_len, line, n);
	h->log_len += n;
	h->log[h->log_len] = '\0';
}

static void must(enum tp_rc rc, const struct tp_err *err)
{
	if (rc != TP_OK)
		fprintf(stderr, "http_rig: %s\n", err->msg);
	assert(rc == TP_OK);
}

void http_rig_site(struct http_rig *h)
{
	struct tp_err err;

	site_close(&h->site);
	must(site_open(&h->spec, &h->site, &err), &err);
}

void http_rig_open(struct http_rig *h)
{
	struct tp_err err;

	*h = (struct http_rig){
		.spec = { .path = { "/token", "/refresh", "/userinfo", "/logout",
				    "/api/healthcheck",
				    "/auth", [HTTP_PATH_SESSIONS] = "/sessions" },
			  .cookie_path = "/",
			  .cookie_secure = true,
			  .cors = true,
			  .cors_credentials = true,
			  .cors_urls_set = true,
			  .cors_urls = origins,
			  .cors_methods = methods,
			  .cors_headers = all,
			  .max_body = 65536,
			  .issues = true },
		.routes = http_routes,
		.n_routes = http_n_routes,
		.answer = BUF_INIT(LIMIT_RESP_HEADERS + LIMIT_RESP_BODY),
	};
	rig_open(&h->rig);
	http_rig_site(h);
	response_init(&h->resp);
	must(log_open("stderr", LOG_LOGFMT, LOG_LEVEL_DEBUG, "check", &err), &err);
	log_divert(keep_line, h);
	log_clock(h->rig.a.clock);
}

static void clear_request(struct http_rig *h)
{
	for (size_t i = 0; i < h->n_env; i++)
		free(h->env[i]);
	h->n_env = 0;
	h->env[0] = NULL;
}

void http_rig_release(struct http_rig *h)
{
	clear_request(h);
	log_divert(NULL, NULL);
	log_close();
	log_clock(clock_system());
	response_release(&h->resp);
	buf_release(&h->answer);
	site_close(&h->site);
	rig_release(&h->rig);
}

static bool has_name(const char *const *extra, const char *pair)
{
	size_t n = strcspn(pair, "=") + 1;

	for (; extra != NULL && *extra != NULL; extra++) {
		if (strncmp(*extra, pair, n) == 0)
			return true;
	}
	return false;
}

static void add(struct http_rig *h, const char *pair)
{
	assert(h->n_env + 1 < HTTP_RIG_ENV);
	h->env[h->n_env] = strdup(pair);
	assert(h->env[h->n_env] != NULL);
	h->env[++h->n_env] = NULL;
}

static void add_default(struct http_rig *h, const char *const *extra, const char *name,
			struct span value)
{
	char pair[4096];
	int n = snprintf(pair, sizeof(pair), "%s=%.*s", name, (int)value.len,
			 value.len > 0 ? value.p : "");

	assert(n > 0 && (size_t)n < sizeof(pair));
	if (!has_name(extra, pair))
		add(h, pair);
}

void http_rig_request(struct http_rig *h, const char *method, const char *target, const char *body,
		      const char *const *extra)
{
	struct span query = span_of(target);
	struct span path = span_cut(&query, '?');
	char length[24];

	clear_request(h);
	add_default(h, extra, "REQUEST_METHOD", span_of(method));
	add_default(h, extra, "SCRIPT_NAME", path);
	add_default(h, extra, "QUERY_STRING", query);
	add_default(h, extra, "REMOTE_ADDR", SPAN_LIT("192.0.2.1"));
	add_default(h, extra, "HTTP_HOST", SPAN_LIT("auth.example.org"));
	add_default(h, extra, "HTTP_X_REQUEST_ID", SPAN_LIT("req-1"));
	h->body = span_of(body != NULL ? body : "");
	if (body != NULL) {
		snprintf(length, sizeof(length), "%zu", h->body.len);
		add_default(h, extra, "CONTENT_LENGTH", span_of(length));
		add_default(h, extra, "CONTENT_TYPE",
			    SPAN_LIT("application/x-www-form-urlencoded"));
	}
	for (; extra != NULL && *extra != NULL; extra++)
		add(h, *extra);
}

static ptrdiff_t read_bytes(void *arg, char *p, size_t n)
{
	struct span *left = arg;
	size_t got = left->len < n ? left->len : n;

	if (got > 0)
		memcpy(p, left->p, got);
	left->p += got;
	left->len -= got;
	return (ptrdiff_t)got;
}

struct http_body http_rig_body(struct span *bytes)
{
	return (struct http_body){ read_bytes, bytes };
}

void http_rig_serve(struct http_rig *h)
{
	http_serve(&h->site, &h->rig.a, h->routes, h->n_routes, h->env, http_rig_body(&h->body),
		   &h->resp);
}

void http_rig_authorize(struct http_rig *h)
{
	authorizer_serve(&h->site, &h->rig.a, h->env, &h->resp);
}

static void put(void *arg, const char *p, size_t n)
{
	buf_put(arg, p, n);
}

const char *http_rig_answer(struct http_rig *h)
{
	buf_reset(&h->answer);
	response_send(&h->resp, put, &h->answer);
	assert(h->answer.rc == TP_OK);
	return buf_cstr(&h->answer);
}

const char *http_ask(struct http_rig *h, const char *method, const char *target, const char *body,
		     const char *const *extra)
{
	http_rig_request(h, method, target, body, extra);
	http_rig_serve(h);
	return http_rig_answer(h);
}

const char *http_want(const char *status, const char *headers, const char *body)
{
	static char text[16384];
	int n = snprintf(text, sizeof(text),
			 "Status: %s\r\n"
			 "Content-Type: application/json\r\n"
			 "%s"
			 "Cache-Control: no-store\r\n"
			 "Vary: Origin\r\n"
			 "X-Request-ID: req-1\r\n"
			 "Content-Length: %zu\r\n"
			 "\r\n"
			 "%s",
			 status, headers, strlen(body), body);

	assert(n > 0 && (size_t)n < sizeof(text));
	return text;
}

const char *http_want_error(const char *status, const char *headers, const char *error,
			    const char *detail)
{
	char body[1024];

	snprintf(body, sizeof(body),
		 "{\"error\":\"%s\",\"error_description\":\"%s\",\"detail\":\"%s\"}", error, detail,
		 detail);
	return http_want(status, headers, body);
}

const char *http_cookies(const char *user, struct span handle)
{
	static char pair[1024];
	int n = snprintf(pair, sizeof(pair), "HTTP_COOKIE=user_id=%s; access_token=%.*s", user,
			 (int)handle.len, handle.p);

	assert(n > 0 && (size_t)n < sizeof(pair));
	return pair;
}

const char *http_bearer(struct span bearer)
{
	static char pair[LIMIT_JWT + 64];
	int n = snprintf(pair, sizeof(pair), "HTTP_AUTHORIZATION=Bearer %.*s", (int)bearer.len,
			 bearer.p);

	assert(n > 0 && (size_t)n < sizeof(pair));
	return pair;
}

struct span http_member(const struct http_rig *h, const char *name)
{
	char key[64];
	int n = snprintf(key, sizeof(key), "\"%s\":\"", name);
	const char *at = strstr(buf_cstr(&h->resp.body), key);

	if (at == NULL)
		return (struct span){ NULL, 0 };
	at += n;
	return (struct span){ at, strcspn(at, "\"") };
}

bool http_logged(const struct http_rig *h, const char *text)
{
	return strstr(h->log, text) != NULL;
}
