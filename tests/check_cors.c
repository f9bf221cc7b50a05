/* SPDX-License-Identifier: MIT */
/*
 * Who may read, and who may change: the lines that answers get, preflights, and the rule against
 * forged requests.
 */
#include "http/cors.h"

#include "support/check_run.h"

#include <stdio.h>

#include "base/banned.h"

/* A site with these settings of CORS, and a request from this origin. */
struct bench {
	struct http_site site;
	struct http_req req;
	struct http_resp resp;
};

static const char *const urls[] = { "https://app.example.org", "*.apps.example.org", NULL };
static const char *const any_url[] = { "*", NULL };
static const char *const get_post[] = { "GET", "POST", NULL };
static const char *const all[] = { "*", NULL };

static struct site_spec spec_with(const char *const *cors_urls, bool credentials,
				  const char *const *headers)
{
	return (struct site_spec){ .max_body = 1,
				   .cors = true,
				   .cors_urls_set = true,
				   .cors_credentials = credentials,
				   .cors_urls = cors_urls,
				   .cors_methods = get_post,
				   .cors_headers = headers };
}

static void bench_open(struct bench *b, const struct site_spec *spec)
{
	struct tp_err err;

	*b = (struct bench){ .req = { .method = HTTP_GET } };
	ck_assert_int_eq(site_open(spec, &b->site, &err), TP_OK);
	b->req.host = SPAN_LIT("auth.example.org");
	response_init(&b->resp);
}

static void bench_release(struct bench *b)
{
	site_close(&b->site);
	response_release(&b->resp);
}

#define EXPOSE "Access-Control-Expose-Headers: X-Request-ID, Retry-After, WWW-Authenticate\r\n"

static const struct {
	bool cors, any, credentials;
	const char *origin, *headers;
} lines[] = {
	{ true, false, true, "https://app.example.org",
	  "Vary: Origin\r\nAccess-Control-Allow-Origin: https://app.example.org\r\n"
	  "Access-Control-Allow-Credentials: true\r\n" EXPOSE },
	{ true, false, false, "https://app.example.org",
	  "Vary: Origin\r\nAccess-Control-Allow-Origin: https://app.example.org\r\n" EXPOSE },
	{ true, false, true, "https://A.apps.example.org",
	  "Vary: Origin\r\nAccess-Control-Allow-Origin: https://A.apps.example.org\r\n"
	  "Access-Control-Allow-Credentials: true\r\n" EXPOSE },
	{ true, true, true, "https://anything.example",
	  "Vary: Origin\r\nAccess-Control-Allow-Origin: *\r\n" EXPOSE },
	{ true, true, false, "null", "Vary: Origin\r\nAccess-Control-Allow-Origin: *\r\n" EXPOSE },
	{ true, false, true, NULL, "Vary: Origin\r\n" },
	{ true, false, true, "null", "Vary: Origin\r\n" },
	{ true, false, true, "https://evil.example", "Vary: Origin\r\n" },
	{ true, false, true, "http://app.example.org", "Vary: Origin\r\n" },
	{ true, false, true, "https://apps.example.org", "Vary: Origin\r\n" },
	{ true, false, true, "https://evilapps.example.org", "Vary: Origin\r\n" },
	{ false, false, true, "https://app.example.org", "Vary: Origin\r\n" },
};

START_TEST(says_who_may_read)
{
	struct site_spec spec =
		spec_with(lines[_i].any ? any_url : urls, lines[_i].credentials, all);
	struct bench b;

	spec.cors = lines[_i].cors;
	bench_open(&b, &spec);
	b.req.origin = span_of(lines[_i].origin);
	cors_headers(&b.site, &b.req, &b.resp);
	ck_assert_str_eq(buf_cstr(&b.resp.headers), lines[_i].headers);
	bench_release(&b);
}
END_TEST

START_TEST(a_preflight_is_options_with_both_headers)
{
	static const struct {
		bool cors;
		enum http_method method;
		const char *origin, *asked;
		bool is;
	} rows[] = {
		{ true, HTTP_OPTIONS, "https://app.example.org", "POST", true },
		{ true, HTTP_OPTIONS, "https://evil.example", "POST", true },
		{ true, HTTP_OPTIONS, NULL, "POST", false },
		{ true, HTTP_OPTIONS, "https://app.example.org", NULL, false },
		{ true, HTTP_POST, "https://app.example.org", "POST", false },
		{ false, HTTP_OPTIONS, "https://app.example.org", "POST", false },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct site_spec spec = spec_with(urls, true, all);
		struct bench b;

		spec.cors = rows[i].cors;
		bench_open(&b, &spec);
		b.req.method = rows[i].method;
		b.req.origin = span_of(rows[i].origin);
		b.req.cors_method = span_of(rows[i].asked);
		ck_assert(cors_is_preflight(&b.site, &b.req) == rows[i].is);
		bench_release(&b);
	}
}
END_TEST

#define APP "https://app.example.org"
#define GRANTED                                                    \
	"Vary: Origin\r\nAccess-Control-Allow-Origin: " APP "\r\n" \
	"Access-Control-Allow-Credentials: true\r\nAccess-Control-Allow-Methods: GET, POST\r\n"
#define SAFE	"Accept, Accept-Language, Content-Language, Content-Type"
#define MAX_AGE "Access-Control-Max-Age: 600\r\n"

static const char *const x_one[] = { "X-One", NULL };

static const struct {
	const char *const *headers;
	const char *origin, *method, *asked;
	const char *answer; /* its headers; a message when it is refused */
	int status;
} preflights[] = {
	{ all, APP, "POST", NULL, GRANTED MAX_AGE, 204 },
	{ all, APP, "POST", "authorization, x-two",
	  GRANTED "Access-Control-Allow-Headers: authorization, x-two\r\n" MAX_AGE, 204 },
	{ x_one, APP, "GET", NULL,
	  GRANTED "Access-Control-Allow-Headers: " SAFE ", X-One\r\n" MAX_AGE, 204 },
	{ x_one, APP, "GET", "x-one,content-type",
	  GRANTED "Access-Control-Allow-Headers: " SAFE ", X-One\r\n" MAX_AGE, 204 },
	{ NULL, APP, "GET", "Accept", GRANTED "Access-Control-Allow-Headers: " SAFE "\r\n" MAX_AGE,
	  204 },
	{ all, "https://evil.example", "POST", NULL, "Disallowed CORS origin", 400 },
	{ all, "null", "POST", NULL, "Disallowed CORS origin", 400 },
	{ all, APP, "DELETE", NULL, "Disallowed CORS method", 400 },
	{ all, APP, "post", NULL, "Disallowed CORS method", 400 },
	{ all, APP, "GET, POST", NULL, "Disallowed CORS method", 400 },
	{ x_one, APP, "GET", "x-two", "Disallowed CORS headers", 400 },
	{ x_one, APP, "GET", "x-one, x-two", "Disallowed CORS headers", 400 },
	{ all, APP, "GET", "x\r\nset-cookie: a=b", "Disallowed CORS headers", 400 },
	{ all, APP, "GET", "x: y", "Disallowed CORS headers", 400 },
	{ all, APP, "GET", "x\xc3\xa9", "Disallowed CORS headers", 400 },
};

START_TEST(answers_a_preflight_by_the_rules)
{
	struct site_spec spec = spec_with(urls, true, preflights[_i].headers);
	struct bench b;
	char body[256];

	bench_open(&b, &spec);
	b.req.origin = span_of(preflights[_i].origin);
	b.req.cors_method = span_of(preflights[_i].method);
	b.req.cors_headers = span_of(preflights[_i].asked);
	cors_preflight(&b.site, &b.req, &b.resp);
	ck_assert_int_eq(b.resp.status, preflights[_i].status);
	if (b.resp.status == 204) {
		ck_assert_str_eq(buf_cstr(&b.resp.headers), preflights[_i].answer);
		ck_assert_uint_eq(b.resp.body.len, 0);
	} else {
		snprintf(body, sizeof(body),
			 "{\"error\":\"invalid_request\",\"error_description\":\"%s\","
			 "\"detail\":\"%s\"}",
			 preflights[_i].answer, preflights[_i].answer);
		ck_assert_str_eq(buf_cstr(&b.resp.headers), "Content-Type: application/json\r\n"
							    "Cache-Control: no-store\r\n"
							    "Vary: Origin\r\n");
		ck_assert_str_eq(buf_cstr(&b.resp.body), body);
	}
	bench_release(&b);
}
END_TEST

START_TEST(a_star_for_methods_echoes_the_one_asked_for)
{
	struct site_spec spec = spec_with(any_url, true, all);
	struct bench b;

	spec.cors_methods = all;
	bench_open(&b, &spec);
	b.req.origin = SPAN_LIT("https://anything.example");
	b.req.cors_method = SPAN_LIT("PURGE");
	cors_preflight(&b.site, &b.req, &b.resp);
	ck_assert_str_eq(buf_cstr(&b.resp.headers),
			 "Vary: Origin\r\n"
			 "Access-Control-Allow-Origin: *\r\n"
			 "Access-Control-Allow-Methods: PURGE\r\n" MAX_AGE);
	response_reset(&b.resp);
	b.req.cors_method = SPAN_LIT("A\r\nB: c");
	cors_preflight(&b.site, &b.req, &b.resp);
	ck_assert_int_eq(b.resp.status, 400);
	bench_release(&b);
}
END_TEST

START_TEST(a_list_of_headers_too_long_to_echo_is_refused)
{
	struct site_spec spec = spec_with(urls, true, all);
	char list[2049];
	struct bench b;

	memset(list, 'x', sizeof(list));
	bench_open(&b, &spec);
	b.req.origin = SPAN_LIT(APP);
	b.req.cors_method = SPAN_LIT("GET");
	b.req.cors_headers = (struct span){ list, sizeof(list) - 1 };
	cors_preflight(&b.site, &b.req, &b.resp);
	ck_assert_int_eq(b.resp.status, 204);
	response_reset(&b.resp);
	b.req.cors_headers.len++;
	cors_preflight(&b.site, &b.req, &b.resp);
	ck_assert_int_eq(b.resp.status, 400);
	bench_release(&b);
}
END_TEST

enum urls { UNSET, LISTED, ANY };

static const struct {
	enum urls urls;
	const char *public_url, *origin, *fetch_site;
	bool by_cookies;
	enum tp_rc rc;
} changes[] = {
	/* own */
	{ UNSET, NULL, "https://auth.example.org", NULL, true, TP_OK },
	{ UNSET, NULL, "http://auth.example.org", NULL, true, TP_OK },
	{ UNSET, NULL, "https://auth.example.org:8443", "cross-site", true, TP_OK },
	{ UNSET, "https://login.example.org/x", "https://login.example.org", NULL, true, TP_OK },
	{ UNSET, "https://login.example.org", "https://auth.example.org", NULL, true, TP_ORIGIN },
	{ UNSET, "https://login.example.org", "http://login.example.org", NULL, true, TP_ORIGIN },
	{ UNSET, "https://login.example.org:1", "https://login.example.org", NULL, true,
	  TP_ORIGIN },
	/* listed */
	{ LISTED, NULL, "https://app.example.org", NULL, true, TP_OK },
	{ LISTED, NULL, "https://x.apps.example.org", NULL, true, TP_OK },
	{ UNSET, NULL, "https://app.example.org", NULL, true, TP_ORIGIN },
	{ ANY, NULL, "https://evil.example", NULL, false, TP_OK },
	{ ANY, NULL, "https://evil.example", NULL, true, TP_ORIGIN },
	{ ANY, NULL, "null", NULL, true, TP_ORIGIN },
	{ ANY, NULL, "null", NULL, false, TP_ORIGIN },
	/* foreign */
	{ LISTED, NULL, "https://evil.example", NULL, true, TP_ORIGIN },
	{ LISTED, NULL, "https://evil.example", "same-origin", false, TP_ORIGIN },
	{ LISTED, NULL, "null", NULL, true, TP_ORIGIN },
	{ LISTED, NULL, "garbage", NULL, true, TP_ORIGIN },
	{ LISTED, NULL, "https://sub.auth.example.org", NULL, true, TP_ORIGIN },
	{ LISTED, NULL, "https://auth.example.org.evil.example", NULL, true, TP_ORIGIN },
	/* without Origin */
	{ LISTED, NULL, NULL, NULL, true, TP_OK },
	{ LISTED, NULL, NULL, "same-origin", true, TP_OK },
	{ LISTED, NULL, NULL, "none", true, TP_OK },
	{ LISTED, NULL, NULL, "cross-site", true, TP_ORIGIN },
	{ LISTED, NULL, NULL, "same-site", true, TP_ORIGIN },
	{ ANY, NULL, NULL, "cross-site", false, TP_ORIGIN },
};

START_TEST(says_who_may_change)
{
	struct site_spec spec = spec_with(changes[_i].urls == ANY ? any_url : urls, true, all);
	struct tp_err err = { 0 };
	struct bench b;

	spec.cors_urls_set = changes[_i].urls != UNSET;
	spec.public_url = changes[_i].public_url;
	bench_open(&b, &spec);
	b.req.origin = span_of(changes[_i].origin);
	b.req.sec_fetch_site = span_of(changes[_i].fetch_site);
	ck_assert_int_eq(cors_same_origin(&b.site, &b.req, changes[_i].by_cookies, &err),
			 changes[_i].rc);
	bench_release(&b);
}
END_TEST

START_TEST(the_rule_does_not_need_cors_to_be_on)
{
	struct site_spec spec = spec_with(urls, true, all);
	struct tp_err err;
	struct bench b;

	spec.cors = false;
	bench_open(&b, &spec);
	b.req.origin = SPAN_LIT("https://evil.example");
	ck_assert_int_eq(cors_same_origin(&b.site, &b.req, true, &err), TP_ORIGIN);
	b.req.origin = SPAN_LIT(APP);
	ck_assert_int_eq(cors_same_origin(&b.site, &b.req, true, &err), TP_OK);
	bench_release(&b);
}
END_TEST

START_TEST(without_a_host_nothing_is_own)
{
	struct site_spec spec = spec_with(urls, true, all);
	struct tp_err err;
	struct bench b;

	bench_open(&b, &spec);
	b.req.host = (struct span){ NULL, 0 };
	b.req.origin = SPAN_LIT("https://auth.example.org");
	ck_assert_int_eq(cors_same_origin(&b.site, &b.req, true, &err), TP_ORIGIN);
	bench_release(&b);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cors");
	TCase *t = tcase_create("cors");

	tcase_add_loop_test(t, says_who_may_read, 0, (int)TP_COUNT(lines));
	tcase_add_test(t, a_preflight_is_options_with_both_headers);
	tcase_add_loop_test(t, answers_a_preflight_by_the_rules, 0, (int)TP_COUNT(preflights));
	tcase_add_test(t, a_star_for_methods_echoes_the_one_asked_for);
	tcase_add_test(t, a_list_of_headers_too_long_to_echo_is_refused);
	tcase_add_loop_test(t, says_who_may_change, 0, (int)TP_COUNT(changes));
	tcase_add_test(t, the_rule_does_not_need_cors_to_be_on);
	tcase_add_test(t, without_a_host_nothing_is_own);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
