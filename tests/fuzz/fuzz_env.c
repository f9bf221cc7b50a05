/* SPDX-License-Identifier: MIT */
/*
 * Requests: the lines of the input up to an empty one are the variables, the rest is the body.
 * Whatever comes, the request can be answered, and what was accepted keeps the promises of the
 * header: one value of what decides, a credential that is one, a body as long as it says.
 */
#include "http/request.h"

#include "http/site.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

enum { MOST_VARS = 2 * LIMIT_ENV_VARS };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct http_site *the_site(void)
{
	static const char *const proxies[] = { "192.0.2.0/24", "::1", NULL };
	static struct http_site site;
	const struct site_spec spec = { .max_body = 4096, .trusted_proxies = proxies };
	struct tp_err err;

	if (site.max_body == 0 && site_open(&spec, &site, &err) != TP_OK)
		abort();
	return &site;
}

static ptrdiff_t read_body(void *arg, char *p, size_t n)
{
	struct span *left = arg;

	if (n > left->len)
		n = left->len;
	if (n > 0)
		memcpy(p, left->p, n);
	left->p += n;
	left->len -= n;
	return (ptrdiff_t)n;
}

/* How many variables have this name. */
static size_t count(char *const *env, const char *name)
{
	size_t found = 0, len = strlen(name);

	for (; *env != NULL; env++)
		found += strncmp(*env, name, len) == 0 && (*env)[len] == '=';
	return found;
}

static void check_always(const struct http_req *r)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	size_t len = strlen(r->request_id);

	assert(len >= 1 && len <= LIMIT_REQUEST_ID && strspn(r->request_id, allowed) == len);
	assert(r->path.len <= LIMIT_PATH);
	assert(r->method >= HTTP_GET && r->method <= HTTP_OTHER &&
	       (r->method & (r->method - 1)) == 0);
}

static void check_once(char *const *env)
{
	static const char *const once[] = { "HTTP_AUTHORIZATION",   "HTTP_COOKIE",
					    "HTTP_ORIGIN",	    "HTTP_HOST",
					    "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO" };

	for (size_t i = 0; i < TP_COUNT(once); i++)
		assert(count(env, once[i]) <= 1);
}

static void check_credential(struct http_req *r)
{
	struct credential c = { .bearer = { NULL, 0 } };
	struct tp_err err = { .rc = TP_OK };
	enum tp_rc rc = request_credential(r, &c, &err);

	assert(rc == TP_OK || ((rc == TP_INVALID || rc == TP_DENIED) && err.rc == rc));
	if (c.bearer.p != NULL) {
		assert(c.user_id.p == NULL && c.access_token.p == NULL && c.bearer.len > 0);
		for (size_t i = 0; i < c.bearer.len; i++)
			assert(c.bearer.p[i] > ' ' && c.bearer.p[i] < 0x7f && c.bearer.p[i] != ',');
	}
	assert(!span_has_control(c.user_id) && !span_has_control(c.access_token));
}

/* By the name of each variable that looks like a header's. */
static void check_headers(const struct http_req *r, char *const *env)
{
	for (size_t i = 0; env[i] != NULL; i++) {
		struct span name = { env[i], strcspn(env[i], "=") }, value;

		if (name.len < 5 || memcmp(name.p, "HTTP_", 5) != 0)
			continue;
		name = (struct span){ name.p + 5, name.len - 5 };
		value = request_header(r, name);
		assert(value.p == NULL || value.len > 0);
	}
}

static void check_body(struct http_req *r)
{
	struct tp_err err = { .rc = TP_OK };
	enum tp_rc rc = request_body(r, &err);

	assert(rc == TP_OK || ((rc == TP_INVALID || rc == TP_TOO_LARGE) && err.rc == rc));
	if (rc == TP_OK) {
		assert((int64_t)r->body.len <= r->site->max_body);
		assert(r->content_length < 0 || (int64_t)r->body.len == r->content_length);
	}
}

/* Cuts text into C strings in place; returns where the body begins. */
static char *split(char *text, char **env)
{
	size_t n = 0;

	while (*text != '\0' && *text != '\n' && n < MOST_VARS) {
		char *end = strchrnul(text, '\n');

		env[n++] = text;
		text = *end == '\n' ? end + 1 : end;
		*end = '\0';
	}
	env[n] = NULL;
	return *text == '\n' ? text + 1 : text;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *text = malloc(n + 1);
	char *env[MOST_VARS + 1];
	struct tp_err err = { .rc = TP_OK };
	struct http_req r;
	struct span body;
	enum tp_rc rc;

	if (text == NULL)
		return 0;
	memcpy(text, p, n);
	text[n] = '\0';
	body.p = split(text, env);
	body.len = (size_t)(text + n - body.p);
	rc = request_init(&r, the_site(), env, (struct http_body){ read_body, &body }, &err);
	check_always(&r);
	if (rc == TP_OK) {
		check_once(env);
		check_credential(&r);
		check_headers(&r, env);
		check_body(&r);
		assert(r.remote_addr.p == NULL || count(env, "REMOTE_ADDR") > 0);
	} else {
		assert(rc == TP_INVALID || rc == TP_TOO_LARGE || rc == TP_NO_ROUTE);
		assert(err.rc == rc && err.msg[0] != '\0');
	}
	request_release(&r);
	free(text);
	return 0;
}
