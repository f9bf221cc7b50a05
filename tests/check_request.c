/* SPDX-License-Identifier: MIT */
/*
 * From variables to a request: which of several counts, what refuses, where the client is, what it
 * shows, and its body.
 */
#include "http/request.h"

#include "http/site.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

static const char *const proxies[] = { "192.0.2.0/24", "2001:db8::/32", NULL };

static struct http_site site;

static void open_site(void)
{
	const struct site_spec spec = { .max_body = 100, .trusted_proxies = proxies };
	struct tp_err err;

	ck_assert_int_eq(site_open(&spec, &site, &err), TP_OK);
}

static void close_site(void)
{
	site_close(&site);
}

static ptrdiff_t no_body(void *arg, char *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
	return 0;
}

/* The strings may be literals: nothing writes to an environment. */
static enum tp_rc init(struct http_req *r, const char *const *env, struct tp_err *err)
{
	union {
		const char *const *in;
		char *const *out;
	} envp = { env };

	return request_init(r, &site, envp.out, (struct http_body){ no_body, NULL }, err);
}

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

START_TEST(takes_every_part_from_its_variable)
{
	TP_CLEANUP(request_release) struct http_req r;
	struct tp_err err;

	ck_assert_int_eq(
		init(&r,
		     ENV("REQUEST_METHOD=POST", "SCRIPT_NAME=/token", "QUERY_STRING=a=b&c",
			 "CONTENT_TYPE=text/x", "CONTENT_LENGTH=12", "REMOTE_ADDR=203.0.113.5",
			 "HTTP_ORIGIN=https://a.example", "HTTP_HOST=auth.example.org:8443",
			 "HTTP_SEC_FETCH_SITE=same-origin", "HTTP_USER_AGENT=curl/8",
			 "HTTP_ACCESS_CONTROL_REQUEST_METHOD=PUT",
			 "HTTP_ACCESS_CONTROL_REQUEST_HEADERS=x-a", "HTTP_X_REQUEST_ID=id_1.2-3",
			 "PATH=/usr/bin", "HTTP_COOKIE=a=1", "GATEWAY_INTERFACE=CGI/1.1"),
		     &err),
		TP_OK);
	ck_assert_int_eq(r.method, HTTP_POST);
	ck_assert(span_is(r.method_name, "POST"));
	ck_assert(span_is(r.path, "/token"));
	ck_assert(span_is(r.query, "a=b&c"));
	ck_assert(span_is(r.content_type, "text/x"));
	ck_assert_int_eq(r.content_length, 12);
	ck_assert(span_is(r.remote_addr, "203.0.113.5"));
	ck_assert(span_is(r.origin, "https://a.example"));
	ck_assert(span_is(r.host, "auth.example.org:8443"));
	ck_assert(span_is(r.sec_fetch_site, "same-origin"));
	ck_assert(span_is(r.user_agent, "curl/8"));
	ck_assert(span_is(r.cors_method, "PUT"));
	ck_assert(span_is(r.cors_headers, "x-a"));
	ck_assert(span_is(r.cookie, "a=1"));
	ck_assert_str_eq(r.request_id, "id_1.2-3");
}
END_TEST

START_TEST(an_empty_environment_is_a_request_without_anything)
{
	TP_CLEANUP(request_release) struct http_req r;
	struct tp_err err;

	ck_assert_int_eq(init(&r, (const char *const[]){ NULL }, &err), TP_OK);
	ck_assert_int_eq(r.method, HTTP_OTHER);
	ck_assert_ptr_null(r.path.p);
	ck_assert_ptr_null(r.remote_addr.p);
	ck_assert_int_eq(r.content_length, 0);
	ck_assert_uint_eq(strlen(r.request_id), 32);
}
END_TEST

START_TEST(an_empty_value_is_an_absent_one)
{
	TP_CLEANUP(request_release) struct http_req r;
	struct tp_err err;

	ck_assert_int_eq(
		init(&r,
		     ENV("REQUEST_METHOD=", "PATH_INFO=", "CONTENT_LENGTH=", "HTTP_ORIGIN=",
			 "HTTP_AUTHORIZATION=", "REDIRECT_HTTP_AUTHORIZATION=",
			 "HTTP_X_REQUEST_ID=", "HTTP_COOKIE=", "no equals sign", "=x", ""),
		     &err),
		TP_OK);
	ck_assert_ptr_null(r.method_name.p);
	ck_assert_ptr_null(r.path_info.p);
	ck_assert_ptr_null(r.origin.p);
	ck_assert_ptr_null(r.authorization.p);
	ck_assert_ptr_null(r.redirect_authorization.p);
	ck_assert_ptr_null(r.cookie.p);
	ck_assert_int_eq(r.content_length, 0);
	ck_assert_uint_eq(strlen(r.request_id), 32);
}
END_TEST

static const struct {
	const char *name;
	enum http_method method;
} methods[] = {
	{ "GET", HTTP_GET },	     { "HEAD", HTTP_HEAD },   { "POST", HTTP_POST },
	{ "PUT", HTTP_PUT },	     { "PATCH", HTTP_PATCH }, { "DELETE", HTTP_DELETE },
	{ "OPTIONS", HTTP_OPTIONS }, { "TRACE", HTTP_OTHER }, { "get", HTTP_OTHER },
	{ "GET ", HTTP_OTHER },	     { "GETX", HTTP_OTHER },
};

START_TEST(knows_methods_by_their_exact_name)
{
	TP_CLEANUP(request_release) struct http_req r;
	struct tp_err err;
	char pair[64];

	snprintf(pair, sizeof(pair), "REQUEST_METHOD=%s", methods[_i].name);
	ck_assert_int_eq(init(&r, ENV(pair), &err), TP_OK);
	ck_assert_int_eq(r.method, methods[_i].method);
	ck_assert(span_is(r.method_name, methods[_i].name));
}
END_TEST

START_TEST(joins_script_name_and_path_info)
{
	static const struct {
		const char *script_name, *path_info, *path;
	} rows[] = {
		{ "SCRIPT_NAME=/token", "X=", "/token" },
		{ "SCRIPT_NAME=/api", "PATH_INFO=/healthcheck", "/api/healthcheck" },
		{ "SCRIPT_NAME=", "PATH_INFO=/api/healthcheck", "/api/healthcheck" },
		{ "X=", "PATH_INFO=/token", "/token" },
		{ "SCRIPT_NAME=/token", "PATH_INFO=/", "/token/" },
		{ "SCRIPT_NAME=/cgi-bin/tpauth.cgi", "PATH_INFO=/token",
		  "/cgi-bin/tpauth.cgi/token" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		TP_CLEANUP(request_release) struct http_req r;
		struct tp_err err;

		ck_assert_int_eq(init(&r, ENV(rows[i].script_name, rows[i].path_info), &err),
				 TP_OK);
		ck_assert(span_is(r.path, rows[i].path));
	}
}
END_TEST

START_TEST(a_path_too_long_for_any_endpoint_is_no_route)
{
	TP_CLEANUP(request_release) struct http_req r;
	char pair[LIMIT_PATH + 32] = "SCRIPT_NAME=/";
	struct tp_err err;

	memset(pair + 13, 'a', LIMIT_PATH);
	ck_assert_int_eq(init(&r, ENV(pair), &err), TP_NO_ROUTE);
	ck_assert_ptr_null(r.path.p);
	request_release(&r);
	ck_assert_int_eq(init(&r, ENV(pair, "PATH_INFO=/token"), &err), TP_NO_ROUTE);
	request_release(&r);
	pair[12 + LIMIT_PATH] = '\0';
	ck_assert_int_eq(init(&r, ENV(pair), &err), TP_OK);
	ck_assert_uint_eq(r.path.len, LIMIT_PATH);
	request_release(&r);
	ck_assert_int_eq(init(&r, ENV(pair, "PATH_INFO=/"), &err), TP_NO_ROUTE);
	ck_assert_ptr_null(r.path.p);
}
END_TEST

START_TEST(of_the_servers_own_variables_the_last_counts)
{
	TP_CLEANUP(request_release) struct http_req r;
	struct tp_err err;

	ck_assert_int_eq(
		init(&r,
		     ENV("SCRIPT_NAME=/auth", "SCRIPT_NAME=/token", "REQUEST_METHOD=GET",
			 "REQUEST_METHOD=POST", "QUERY_STRING=a", "QUERY_STRING=", "PATH_INFO=/x",
			 "PATH_INFO=", "CONTENT_LENGTH=x", "CONTENT_LENGTH=3",
			 "REMOTE_ADDR=1.1.1.1", "REMOTE_ADDR=2.2.2.2", "CONTENT_TYPE=a",
			 "CONTENT_TYPE=b", "REDIRECT_HTTP_AUTHORIZATION=Bearer a",
			 "REDIRECT_HTTP_AUTHORIZATION=Bearer b", "REQUEST_URI=/a", "REQUEST_URI=/b",
			 "TPAUTH_SUBREQUEST=1", "TPAUTH_SUBREQUEST=0"),
		     &err),
		TP_OK);
	ck_assert(span_is(r.path, "/token"));
	ck_assert_int_eq(r.method, HTTP_POST);
	ck_assert_ptr_null(r.query.p);
	ck_assert_ptr_null(r.path_info.p);
	ck_assert_int_eq(r.content_length, 3);
	ck_assert(span_is(r.remote_addr, "2.2.2.2"));
	ck_assert(span_is(r.content_type, "b"));
	ck_assert(span_is(r.redirect_authorization, "Bearer b"));
	ck_assert(span_is(r.uri, "/b"));
	ck_assert(span_is(r.tpauth_subrequest, "0"));
}
END_TEST

START_TEST(of_a_header_given_twice_the_first_counts)
{
	TP_CLEANUP(request_release) struct http_req r;
	struct tp_err err;

	ck_assert_int_eq(
		init(&r,
		     ENV("HTTP_USER_AGENT=a", "HTTP_USER_AGENT=b", "HTTP_SEC_FETCH_SITE=cross-site",
			 "HTTP_SEC_FETCH_SITE=none", "HTTP_X_REQUEST_ID=one",
			 "HTTP_X_REQUEST_ID=two", "HTTP_ACCESS_CONTROL_REQUEST_METHOD=",
			 "HTTP_ACCESS_CONTROL_REQUEST_METHOD=x", "HTTP_X_OTHER=a",
			 "HTTP_X_OTHER=b"),
		     &err),
		TP_OK);
	ck_assert(span_is(r.user_agent, "a"));
	ck_assert(span_is(r.sec_fetch_site, "cross-site"));
	ck_assert_str_eq(r.request_id, "one");
	ck_assert_ptr_null(r.cors_method.p);
}
END_TEST

static const char *const once[] = {
	"HTTP_AUTHORIZATION",	 "HTTP_COOKIE",
	"HTTP_ORIGIN",		 "HTTP_HOST",
	"HTTP_X_FORWARDED_FOR",	 "HTTP_X_FORWARDED_PROTO",
	"HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_",
	"HTTP_X_FORWARDED_URI",	 "HTTP_X_FORWARDED_METHOD",
};

START_TEST(a_header_that_decides_refuses_when_given_twice)
{
	static const struct {
		const char *first, *second;
	} values[] = { { "a", "b" }, { "a", "a" }, { "a", "" }, { "", "a" } };
	char first[64], second[64];

	for (size_t i = 0; i < TP_COUNT(values); i++) {
		TP_CLEANUP(request_release) struct http_req r;
		struct tp_err err;

		snprintf(first, sizeof(first), "%s=%s", once[_i], values[i].first);
		snprintf(second, sizeof(second), "%s=%s", once[_i], values[i].second);
		ck_assert_int_eq(init(&r,
				      ENV(first, "REQUEST_METHOD=POST", second,
					  "SCRIPT_NAME=/token", "HTTP_X_REQUEST_ID=req-1"),
				      &err),
				 TP_INVALID);
		/* and yet it can be answered */
		ck_assert_int_eq(r.method, HTTP_POST);
		ck_assert(span_is(r.path, "/token"));
		ck_assert_str_eq(r.request_id, "req-1");
		request_release(&r);
		ck_assert_int_eq(init(&r, ENV(first), &err), TP_OK);
	}
}
END_TEST

START_TEST(different_forwarding_headers_are_no_duplicates)
{
	TP_CLEANUP(request_release) struct http_req r;
	struct tp_err err;

	ck_assert_int_eq(init(&r,
			      ENV("HTTP_X_FORWARDED_PROTOX=a", "HTTP_X_FORWARDED_PROTO=a",
				  "HTTP_X_FORWARDED_PROTOXY=a", "HTTP_X_FORWARDED_PORT=a",
				  "HTTP_X_FORWARDED_FOR=a"),
			      &err),
			 TP_OK);
}
END_TEST

static const struct {
	const char *length, *encoding;
	enum tp_rc rc;
	int64_t content_length;
} lengths[] = {
	{ "CONTENT_LENGTH=0", "X=", TP_OK, 0 },
	{ "CONTENT_LENGTH=9223372036854775807", "X=", TP_OK, INT64_MAX },
	{ "X=", "X=", TP_OK, 0 },
	{ "CONTENT_LENGTH=", "HTTP_TRANSFER_ENCODING=chunked", TP_OK, -1 },
	{ "X=", "HTTP_TRANSFER_ENCODING=chunked", TP_OK, -1 },
	{ "CONTENT_LENGTH=5", "HTTP_TRANSFER_ENCODING=chunked", TP_OK, 5 },
	{ "CONTENT_LENGTH=-1", "X=", TP_INVALID, 0 },
	{ "CONTENT_LENGTH=+5", "X=", TP_INVALID, 0 },
	{ "CONTENT_LENGTH= 5", "X=", TP_INVALID, 0 },
	{ "CONTENT_LENGTH=5,5", "X=", TP_INVALID, 0 },
	{ "CONTENT_LENGTH=0x5", "X=", TP_INVALID, 0 },
	{ "CONTENT_LENGTH=9223372036854775808", "X=", TP_INVALID, 0 },
};

START_TEST(reads_the_length_of_the_body)
{
	TP_CLEANUP(request_release) struct http_req r;
	struct tp_err err;
	enum tp_rc rc = init(&r, ENV(lengths[_i].length, lengths[_i].encoding), &err);

	ck_assert_int_eq(rc, lengths[_i].rc);
	if (rc == TP_OK)
		ck_assert_int_eq(r.content_length, lengths[_i].content_length);
}
END_TEST

#define ID_128                                                             \
	"1234567890123456789012345678901234567890123456789012345678901234" \
	"1234567890123456789012345678901234567890123456789012345678901234"

START_TEST(keeps_a_request_id_only_when_it_is_harmless)
{
	static const char *const good[] = { "a", "AZaz09._-", ID_128 };
	static const char *const bad[] = {
		" ", "a b", "a\n", "a/b", "a=b", "\xc3\xa9", ID_128 "1"
	};
	char pair[256];

	for (size_t i = 0; i < TP_COUNT(good); i++) {
		TP_CLEANUP(request_release) struct http_req r;
		struct tp_err err;

		snprintf(pair, sizeof(pair), "HTTP_X_REQUEST_ID=%s", good[i]);
		ck_assert_int_eq(init(&r, ENV(pair), &err), TP_OK);
		ck_assert_str_eq(r.request_id, good[i]);
	}
	for (size_t i = 0; i < TP_COUNT(bad); i++) {
		TP_CLEANUP(request_release) struct http_req r;
		struct tp_err err;

		snprintf(pair, sizeof(pair), "HTTP_X_REQUEST_ID=%s", bad[i]);
		ck_assert_int_eq(init(&r, ENV(pair), &err), TP_OK);
		ck_assert_uint_eq(strlen(r.request_id), 32);
		ck_assert_uint_eq(strspn(r.request_id, "0123456789abcdef"), 32);
	}
}
END_TEST

START_TEST(a_new_request_id_is_another_one_each_time)
{
	struct http_req a, b;
	struct tp_err err;

	ck_assert_int_eq(init(&a, ENV("X="), &err), TP_OK);
	ck_assert_int_eq(init(&b, ENV("X="), &err), TP_OK);
	ck_assert_str_ne(a.request_id, b.request_id);
	request_release(&a);
	request_release(&b);
}
END_TEST

static const struct {
	const char *peer, *forwarded, *address;
} addresses[] = {
	{ "REMOTE_ADDR=203.0.113.5", "X=", "203.0.113.5" },
	{ "REMOTE_ADDR=203.0.113.5", "HTTP_X_FORWARDED_FOR=198.51.100.1", "203.0.113.5" },
	{ "REMOTE_ADDR=192.0.2.1", "X=", "192.0.2.1" },
	{ "REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=198.51.100.1", "198.51.100.1" },
	{ "REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=9.9.9.9, 198.51.100.1", "198.51.100.1" },
	{ "REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=198.51.100.1,192.0.2.2", "198.51.100.1" },
	{ "REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=9.9.9.9 , 198.51.100.1 ,\t192.0.2.2",
	  "198.51.100.1" },
	{ "REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=192.0.2.3,192.0.2.2", "192.0.2.3" },
	{ "REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=unknown", "192.0.2.1" },
	{ "REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=198.51.100.1,", "192.0.2.1" },
	{ "REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=9.9.9.9,unknown,192.0.2.2", "192.0.2.2" },
	{ "REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=198.51.100.1:1234", "198.51.100.1" },
	{ "REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=[2001:db9::1]:1234", "2001:db9::1" },
	{ "REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=[]:1", "192.0.2.1" },
	{ "REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=:1", "192.0.2.1" },
	{ "REMOTE_ADDR=2001:db8::1", "HTTP_X_FORWARDED_FOR=2001:db9::1", "2001:db9::1" },
	{ "X=", "HTTP_X_FORWARDED_FOR=198.51.100.1", NULL },
};

START_TEST(finds_the_client_past_the_trusted_proxies)
{
	TP_CLEANUP(request_release) struct http_req r;
	struct tp_err err;

	ck_assert_int_eq(init(&r, ENV(addresses[_i].peer, addresses[_i].forwarded), &err), TP_OK);
	if (addresses[_i].address == NULL)
		ck_assert_ptr_null(r.remote_addr.p);
	else
		ck_assert(span_is(r.remote_addr, addresses[_i].address));
}
END_TEST

START_TEST(refuses_more_variables_than_its_limits)
{
	static char names[LIMIT_ENV_VARS + 1][32];
	static const char *env[LIMIT_ENV_VARS + 2];
	static char big[LIMIT_ENV_BYTES + 2] = "HTTP_X=";
	TP_CLEANUP(request_release) struct http_req r;
	struct tp_err err;

	for (int i = 0; i <= LIMIT_ENV_VARS; i++) {
		snprintf(names[i], sizeof(names[i]), "X_%d=%d", i, i);
		env[i] = names[i];
	}
	ck_assert_int_eq(init(&r, env, &err), TP_INVALID);
	request_release(&r);
	env[LIMIT_ENV_VARS] = NULL;
	ck_assert_int_eq(init(&r, env, &err), TP_OK);
	request_release(&r);

	memset(big + 7, 'x', LIMIT_ENV_BYTES - 7);
	ck_assert_int_eq(init(&r, ENV(big), &err), TP_OK);
	request_release(&r);
	big[LIMIT_ENV_BYTES] = 'x';
	ck_assert_int_eq(init(&r, ENV(big), &err), TP_TOO_LARGE);
}
END_TEST

/* a, b: variables; bearer NULL: none. How a bearer is spelt is for check_bearer. */
static const struct {
	const char *a, *b;
	enum tp_rc rc;
	const char *bearer, *user_id, *access_token;
} credentials[] = {
	{ "X=", "X=", TP_OK, NULL, NULL, NULL },
	{ "HTTP_AUTHORIZATION=Bearer abc", "X=", TP_OK, "abc", NULL, NULL },
	{ "REDIRECT_HTTP_AUTHORIZATION=Bearer abc", "X=", TP_OK, "abc", NULL, NULL },
	{ "REDIRECT_HTTP_AUTHORIZATION=Bearer abc", "HTTP_AUTHORIZATION=", TP_OK, "abc", NULL,
	  NULL },
	{ "REDIRECT_HTTP_AUTHORIZATION=Bearer abc", "HTTP_AUTHORIZATION=Bearer abc", TP_OK, "abc",
	  NULL, NULL },
	{ "HTTP_AUTHORIZATION=Bearer abc", "HTTP_COOKIE=user_id=u; access_token=t", TP_OK, "abc",
	  NULL, NULL },
	{ "HTTP_AUTHORIZATION=Bearer abc", "HTTP_COOKIE=user_id=u; user_id=v", TP_OK, "abc", NULL,
	  NULL },
	{ "X=", "HTTP_COOKIE=user_id=u; access_token=t", TP_OK, NULL, "u", "t" },
	{ "X=", "HTTP_COOKIE=user_id=\"a@b.c\"; access_token=\"\\164\"", TP_OK, NULL, "a@b.c",
	  "t" },
	{ "X=", "HTTP_COOKIE=user_id=u; user_id=u", TP_OK, NULL, "u", NULL },
	{ "X=", "HTTP_COOKIE=access_token=t", TP_OK, NULL, NULL, "t" },
	{ "HTTP_AUTHORIZATION=Basic YTpi", "HTTP_COOKIE=user_id=u; access_token=t", TP_OK, NULL,
	  "u", "t" },
	/* cannot be a token, and nothing else decides in its place */
	{ "HTTP_AUTHORIZATION=Bearer", "HTTP_COOKIE=user_id=u; access_token=t", TP_DENIED, NULL,
	  NULL, NULL },
	/* more than one */
	{ "HTTP_AUTHORIZATION=Bearer good, Bearer evil", "X=", TP_INVALID, NULL, NULL, NULL },
	{ "HTTP_AUTHORIZATION=Bearer a", "REDIRECT_HTTP_AUTHORIZATION=Bearer b", TP_INVALID, NULL,
	  NULL, NULL },
	{ "HTTP_AUTHORIZATION=Basic a", "REDIRECT_HTTP_AUTHORIZATION=Bearer b", TP_INVALID, NULL,
	  NULL, NULL },
	{ "X=", "HTTP_COOKIE=user_id=u; user_id=v", TP_INVALID, NULL, NULL, NULL },
	{ "X=", "HTTP_COOKIE=access_token=u; user_id=x; access_token=v", TP_INVALID, NULL, NULL,
	  NULL },
	{ "X=", "HTTP_COOKIE=access_token=\"u; user_id=x", TP_INVALID, NULL, NULL, NULL },
};

static void ck_span(struct span got, const char *want)
{
	if (want == NULL)
		ck_assert_ptr_null(got.p);
	else
		ck_assert(span_is(got, want));
}

START_TEST(takes_the_credential_from_where_servers_put_it)
{
	TP_CLEANUP(request_release) struct http_req r;
	struct credential c = { .bearer = SPAN_LIT("untouched") };
	struct tp_err err;
	enum tp_rc rc;

	ck_assert_int_eq(init(&r, ENV(credentials[_i].a, credentials[_i].b), &err), TP_OK);
	rc = request_credential(&r, &c, &err);
	ck_assert_int_eq(rc, credentials[_i].rc);
	if (rc != TP_OK) {
		ck_assert(span_is(c.bearer, "untouched"));
		return;
	}
	ck_span(c.bearer, credentials[_i].bearer);
	ck_span(c.user_id, credentials[_i].user_id);
	ck_span(c.access_token, credentials[_i].access_token);
}
END_TEST

START_TEST(reads_the_cookies_whatever_authorization_says)
{
	TP_CLEANUP(request_release) struct http_req r;
	struct credential c;
	struct tp_err err;

	ck_assert_int_eq(init(&r,
			      ENV("HTTP_AUTHORIZATION=Bearer a, Bearer b",
				  "HTTP_COOKIE=user_id=u; access_token=t"),
			      &err),
			 TP_OK);
	ck_assert_int_eq(request_cookies(&r, &c, &err), TP_OK);
	ck_span(c.bearer, NULL);
	ck_span(c.user_id, "u");
	ck_span(c.access_token, "t");
}
END_TEST

START_TEST(knows_its_cookies_by_their_prefix)
{
	TP_CLEANUP(request_release) struct http_req r;
	struct credential c;
	struct tp_err err;

	site.cookies.prefix = SPAN_LIT("__Host-");
	ck_assert_int_eq(init(&r,
			      ENV("HTTP_COOKIE=user_id=u; __Host-user_id=v; access_token=t; "
				  "__Host-access_token=w"),
			      &err),
			 TP_OK);
	ck_assert_int_eq(request_credential(&r, &c, &err), TP_OK);
	ck_span(c.user_id, "v");
	ck_span(c.access_token, "w");
}
END_TEST

START_TEST(needs_no_memory_but_for_joined_and_decoded_text)
{
	static const char *const plain[] = { "SCRIPT_NAME=/userinfo", "REQUEST_METHOD=GET",
					     "HTTP_COOKIE=user_id=u; access_token=t",
					     "HTTP_X_REQUEST_ID=a", NULL };
	TP_CLEANUP(request_release) struct http_req r;
	struct credential c;
	struct tp_err err;
	enum tp_rc rc;

	alloc_fail_at(1);
	rc = init(&r, plain, &err);
	if (rc == TP_OK)
		rc = request_credential(&r, &c, &err);
	ck_assert(!alloc_fail_off());
	ck_assert_int_eq(rc, TP_OK);
	request_release(&r);

	alloc_fail_at(1);
	ck_assert_int_eq(init(&r, ENV("SCRIPT_NAME=/api", "PATH_INFO=/x"), &err), TP_NOMEM);
	ck_assert(alloc_fail_off());
	request_release(&r);

	ck_assert_int_eq(init(&r, ENV("HTTP_COOKIE=user_id=\"a@b\""), &err), TP_OK);
	alloc_fail_at(1);
	ck_assert_int_eq(request_credential(&r, &c, &err), TP_NOMEM);
	ck_assert(alloc_fail_off());
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("request");
	TCase *t = tcase_create("request");

	tcase_add_checked_fixture(t, open_site, close_site);
	tcase_add_test(t, takes_every_part_from_its_variable);
	tcase_add_test(t, an_empty_environment_is_a_request_without_anything);
	tcase_add_test(t, an_empty_value_is_an_absent_one);
	tcase_add_loop_test(t, knows_methods_by_their_exact_name, 0, (int)TP_COUNT(methods));
	tcase_add_test(t, joins_script_name_and_path_info);
	tcase_add_test(t, a_path_too_long_for_any_endpoint_is_no_route);
	tcase_add_test(t, of_the_servers_own_variables_the_last_counts);
	tcase_add_test(t, of_a_header_given_twice_the_first_counts);
	tcase_add_loop_test(t, a_header_that_decides_refuses_when_given_twice, 0,
			    (int)TP_COUNT(once));
	tcase_add_test(t, different_forwarding_headers_are_no_duplicates);
	tcase_add_loop_test(t, reads_the_length_of_the_body, 0, (int)TP_COUNT(lengths));
	tcase_add_test(t, keeps_a_request_id_only_when_it_is_harmless);
	tcase_add_test(t, a_new_request_id_is_another_one_each_time);
	tcase_add_loop_test(t, finds_the_client_past_the_trusted_proxies, 0,
			    (int)TP_COUNT(addresses));
	tcase_add_test(t, refuses_more_variables_than_its_limits);
	tcase_add_loop_test(t, takes_the_credential_from_where_servers_put_it, 0,
			    (int)TP_COUNT(credentials));
	tcase_add_test(t, reads_the_cookies_whatever_authorization_says);
	tcase_add_test(t, knows_its_cookies_by_their_prefix);
	tcase_add_test(t, needs_no_memory_but_for_joined_and_decoded_text);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
