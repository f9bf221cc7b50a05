/* SPDX-License-Identifier: MIT */
/*
 * The body of a request: as long as it says, within its limit, or refused.
 */
#include "http/request.h"

#include "http/site.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

static struct http_site site;

static void open_site(void)
{
	const struct site_spec spec = { .max_body = 100 };
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

/* A body that comes in pieces of `piece` bytes and breaks off after `breaks` of them. */
struct pieces {
	const char *p;
	size_t len, piece;
	int breaks, reads;
};

static ptrdiff_t read_piece(void *arg, char *p, size_t n)
{
	struct pieces *b = arg;

	b->reads++;
	if (b->breaks > 0 && b->reads > b->breaks)
		return -1;
	if (n > b->piece)
		n = b->piece;
	if (n > b->len)
		n = b->len;
	memcpy(p, b->p, n);
	b->p += n;
	b->len -= n;
	return (ptrdiff_t)n;
}

#define TEN	"0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
	const char *length;
	struct pieces body;
	enum tp_rc rc;
	const char *msg;
} bodies[] = {
	{ "CONTENT_LENGTH=0", { "", 0, 9, 0, 0 }, TP_OK, NULL },
	{ "X=", { "", 0, 9, 0, 0 }, TP_OK, NULL },
	{ "CONTENT_LENGTH=10", { TEN, 10, 1000, 0, 0 }, TP_OK, NULL },
	{ "CONTENT_LENGTH=10", { TEN, 10, 3, 0, 0 }, TP_OK, NULL },
	{ "CONTENT_LENGTH=100", { HUNDRED, 100, 7, 0, 0 }, TP_OK, NULL },
	{ "HTTP_TRANSFER_ENCODING=chunked", { HUNDRED, 100, 7, 0, 0 }, TP_OK, NULL },
	{ "HTTP_TRANSFER_ENCODING=chunked", { "", 0, 7, 0, 0 }, TP_OK, NULL },
	{ "CONTENT_LENGTH=101",
	  { HUNDRED "x", 101, 7, 0, 0 },
	  TP_TOO_LARGE,
	  "a body of more than 100 bytes" },
	{ "CONTENT_LENGTH=9223372036854775807",
	  { TEN, 10, 7, 0, 0 },
	  TP_TOO_LARGE,
	  "a body of more than 100 bytes" },
	{ "HTTP_TRANSFER_ENCODING=chunked",
	  { HUNDRED "x", 101, 7, 0, 0 },
	  TP_TOO_LARGE,
	  "a body of more than 100 bytes" },
	{ "CONTENT_LENGTH=11",
	  { TEN, 10, 7, 0, 0 },
	  TP_INVALID,
	  "the body is shorter than Content-Length" },
	{ "CONTENT_LENGTH=9",
	  { TEN, 10, 7, 0, 0 },
	  TP_INVALID,
	  "the body is longer than Content-Length" },
	{ "X=", { TEN, 10, 7, 0, 0 }, TP_INVALID, "the body is longer than Content-Length" },
	{ "CONTENT_LENGTH=10", { TEN, 10, 5, 1, 0 }, TP_INVALID, "the body broke off" },
	{ "CONTENT_LENGTH=10", { TEN, 10, 5, 2, 0 }, TP_INVALID, "the body broke off" },
};

START_TEST(reads_the_whole_body_or_refuses_it)
{
	TP_CLEANUP(request_release) struct http_req r;
	struct pieces body = bodies[_i].body;
	struct tp_err err;
	enum tp_rc rc;

	ck_assert_int_eq(init(&r, ENV(bodies[_i].length), &err), TP_OK);
	r.source = (struct http_body){ read_piece, &body };
	rc = request_body(&r, &err);
	ck_assert_int_eq(rc, bodies[_i].rc);
	if (rc != TP_OK) {
		ck_assert_str_eq(err.msg, bodies[_i].msg);
		return;
	}
	ck_assert(span_eq(buf_view(&r.body),
			  (struct span){ bodies[_i].body.p, bodies[_i].body.len }));
	body.reads = 0;
	ck_assert_int_eq(request_body(&r, &err), TP_OK);
	ck_assert_int_eq(body.reads, 0);
}
END_TEST

START_TEST(a_body_without_memory_is_no_body)
{
	TP_CLEANUP(request_release) struct http_req r;
	struct pieces body = { TEN, 10, 5, 0, 0 };
	struct tp_err err;

	ck_assert_int_eq(init(&r, ENV("CONTENT_LENGTH=10"), &err), TP_OK);
	r.source = (struct http_body){ read_piece, &body };
	alloc_fail_at(1);
	ck_assert_int_eq(request_body(&r, &err), TP_NOMEM);
	ck_assert(alloc_fail_off());
}
END_TEST

START_TEST(reads_a_form_and_takes_no_body_for_an_empty_one)
{
	TP_CLEANUP(request_release) struct http_req r;
	TP_CLEANUP(form_release) struct form f = { 0 };
	struct pieces body = { "all=true", 8, 5, 0, 0 };
	struct tp_err err;

	ck_assert_int_eq(init(&r, ENV("CONTENT_TYPE=application/json"), &err), TP_OK);
	ck_assert_int_eq(request_form(&r, &f, &err), TP_OK);
	ck_assert_uint_eq(f.n, 0);
	request_release(&r);

	ck_assert_int_eq(init(&r, ENV("CONTENT_TYPE=application/json", "CONTENT_LENGTH=8"), &err),
			 TP_OK);
	r.source = (struct http_body){ read_piece, &body };
	ck_assert_int_eq(request_form(&r, &f, &err), TP_BAD_MEDIA);
	r.content_type = SPAN_LIT("application/x-www-form-urlencoded");
	ck_assert_int_eq(request_form(&r, &f, &err), TP_OK);
	ck_assert(span_is(form_get(&f, "all"), "true"));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("request_body");
	TCase *t = tcase_create("body");

	tcase_add_checked_fixture(t, open_site, close_site);
	tcase_add_loop_test(t, reads_the_whole_body_or_refuses_it, 0, (int)TP_COUNT(bodies));
	tcase_add_test(t, a_body_without_memory_is_no_body);
	tcase_add_test(t, reads_a_form_and_takes_no_body_for_an_empty_one);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
