/* SPDX-License-Identifier: MIT */
/*
 * Cookies both ways. The expected texts of the quoting are those of Python's http.cookies.
 */
#include "http/cookie.h"

#include "support/check_run.h"

#include <stdio.h>

#include "base/banned.h"

static const struct cookie_rules seed = {
	.prefix = { "", 0 }, .path = { "/", 1 }, .secure = true, .samesite = COOKIE_STRICT
};

/* What http.cookies writes for a value, and reads back to it. */
static const struct {
	const char *value, *written;
} both_ways[] = {
	{ "user_099", "user_099" },
	{ "Vy3Zn4MVLLfifneYUA7Tm7", "Vy3Zn4MVLLfifneYUA7Tm7" },
	{ "!#$%&'*+-.^_`|~:", "!#$%&'*+-.^_`|~:" },
	{ "ann@example.org", "\"ann@example.org\"" },
	{ "Ann Miller", "\"Ann Miller\"" },
	{ "()/<=>?@[]{}", "\"()/<=>?@[]{}\"" },
	{ "a\"b", "\"a\\\"b\"" },
	{ "a\\b", "\"a\\\\b\"" },
	{ "a,b;c", "\"a\\054b\\073c\"" },
	{ "\\101", "\"\\\\101\"" },
	{ "jos\xc3\xa9", "\"jos\\351\"" },		    /* U+00E9: one byte of Latin-1 */
	{ "\xc3\x83\xc2\xa9", "\"\\303\\203\\302\\251\"" }, /* Latin-1 would read as U+00E9 */
	{ "\xe2\x82\xac", "\"\\342\\202\\254\"" },	    /* U+20AC: Python has no way */
	{ "\xc3\xa9\xe2\x82\xac", "\"\\303\\251\\342\\202\\254\"" },
};

START_TEST(writes_and_reads_as_python_does)
{
	TP_CLEANUP(buf_release) struct buf set = BUF_INIT(4096);
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(COOKIE_HOLD);
	char want[512];
	struct span got;
	struct tp_err err;

	cookie_set(&seed, "user_id", span_of(both_ways[_i].value), &set);
	snprintf(want, sizeof(want), "user_id=%s; HttpOnly; Path=/; SameSite=strict; Secure",
		 both_ways[_i].written);
	ck_assert_str_eq(buf_cstr(&set), want);

	snprintf(want, sizeof(want), "other=1; user_id=%s; last=2", both_ways[_i].written);
	ck_assert_int_eq(cookie_get(span_of(want), span_of(""), "user_id", &hold, &got, &err),
			 TP_OK);
	ck_assert(span_is(got, both_ways[_i].value));
}
END_TEST

START_TEST(writes_attributes_in_order_of_their_names)
{
	static const struct {
		struct cookie_rules rules;
		const char *set, *deleted;
	} rows[] = {
		{ { { "", 0 }, { NULL, 0 }, { "/", 1 }, true, COOKIE_STRICT },
		  "user_id=u; HttpOnly; Path=/; SameSite=strict; Secure",
		  "user_id=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Max-Age=0; "
		  "Path=/; SameSite=strict; Secure" },
		{ { { "__Host-", 7 }, { NULL, 0 }, { "/", 1 }, true, COOKIE_LAX },
		  "__Host-user_id=u; HttpOnly; Path=/; SameSite=lax; Secure",
		  "__Host-user_id=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; "
		  "Max-Age=0; Path=/; SameSite=lax; Secure" },
		{ { { NULL, 0 }, { "example.org", 11 }, { "/auth", 5 }, true, COOKIE_NONE },
		  "user_id=u; Domain=example.org; HttpOnly; Path=/auth; SameSite=none; Secure",
		  "user_id=\"\"; Domain=example.org; expires=Thu, 01 Jan 1970 00:00:00 GMT; "
		  "HttpOnly; Max-Age=0; Path=/auth; SameSite=none; Secure" },
		{ { { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, false, COOKIE_STRICT },
		  "user_id=u; HttpOnly; SameSite=strict",
		  "user_id=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Max-Age=0; "
		  "SameSite=strict" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		TP_CLEANUP(buf_release) struct buf set = BUF_INIT(4096);
		TP_CLEANUP(buf_release) struct buf deleted = BUF_INIT(4096);

		cookie_set(&rows[i].rules, "user_id", span_of("u"), &set);
		cookie_delete(&rows[i].rules, "user_id", &deleted);
		ck_assert_str_eq(buf_cstr(&set), rows[i].set);
		ck_assert_str_eq(buf_cstr(&deleted), rows[i].deleted);
	}
}
END_TEST

static const struct {
	const char *header, *prefix, *name;
	enum tp_rc rc;
	const char *value;
} reads[] = {
	{ "a=1", "", "a", TP_OK, "1" },
	{ " a = 1 ;b=2", "", "a", TP_OK, "1" },
	{ "b=2;a=1;", "", "a", TP_OK, "1" },
	{ "a=x=y", "", "a", TP_OK, "x=y" },
	{ "a=\"1\"", "", "a", TP_OK, "1" },
	{ "a=\"\\061\\0612\"", "", "a", TP_OK, "112" },
	{ "a=\"\\9\\x\\400\"", "", "a", TP_OK, "9x400" }, /* no octal: the character itself */
	{ "a=\"\\303\\251\"", "", "a", TP_OK, "\xc3\xa9" },
	{ "a=\"\xe9\"", "", "a", TP_OK, "\xc3\xa9" },
	{ "a=\xc3\xa9", "", "a", TP_OK, "\xc3\xa9" },
	{ "__Host-a=1; a=2", "__Host-", "a", TP_OK, "1" },
	{ "a=1; a=1", "", "a", TP_OK, "1" },
	{ "a=1; b=3; a=\"1\"", "", "a", TP_OK, "1" },
	{ "a=\"1\"; a=\"\\061\"", "", "a", TP_OK, "1" },
	/* not there */
	{ "", "", "a", TP_NOT_FOUND, NULL },
	{ "a", "", "a", TP_NOT_FOUND, NULL },
	{ "a=", "", "a", TP_NOT_FOUND, NULL },
	{ "a=\"\"", "", "a", TP_NOT_FOUND, NULL },
	{ "A=1; ab=2; xa=3", "", "a", TP_NOT_FOUND, NULL },
	{ "a=1", "__Host-", "a", TP_NOT_FOUND, NULL },
	{ "__host-a=1", "__Host-", "a", TP_NOT_FOUND, NULL },
	{ "b=\"x; a=1\"", "", "c", TP_NOT_FOUND, NULL },
	/* not one value */
	{ "a=1; a=2", "", "a", TP_INVALID, NULL },
	{ "a=1; a=\"2\"", "", "a", TP_INVALID, NULL },
	{ "a=; a=1", "", "a", TP_INVALID, NULL },
	{ "a=1; a=", "", "a", TP_INVALID, NULL },
	/* broken */
	{ "a=\"", "", "a", TP_INVALID, NULL },
	{ "a=\"1", "", "a", TP_INVALID, NULL },
	{ "a=\"1\\\"", "", "a", TP_INVALID, NULL },
	{ "a=\"1\"2\"", "", "a", TP_INVALID, NULL },
	{ "a=1; a=\"1", "", "a", TP_INVALID, NULL },
	{ "a=\"x\\012y\"", "", "a", TP_INVALID, NULL },
	{ "a=\"x\\000y\"", "", "a", TP_INVALID, NULL },
	{ "a=x\ty", "", "a", TP_INVALID, NULL },
	{ "a=x\x7fy", "", "a", TP_INVALID, NULL },
};

START_TEST(reads_one_value_or_says_why_not)
{
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(COOKIE_HOLD);
	struct span got = SPAN_LIT("untouched");
	struct tp_err err;
	enum tp_rc rc = cookie_get(span_of(reads[_i].header), span_of(reads[_i].prefix),
				   reads[_i].name, &hold, &got, &err);

	ck_assert_int_eq(rc, reads[_i].rc);
	ck_assert(span_is(got, rc == TP_OK ? reads[_i].value : "untouched"));
}
END_TEST

START_TEST(borrows_a_plain_value_from_the_header)
{
	struct buf hold = BUF_INIT(COOKIE_HOLD);
	const char *header = "a=1; user_id=user_099";
	struct span got;
	struct tp_err err;

	ck_assert_int_eq(cookie_get(span_of(header), span_of(""), "user_id", &hold, &got, &err),
			 TP_OK);
	ck_assert_ptr_eq(got.p, header + 13);
	ck_assert_ptr_null(hold.p);
}
END_TEST

START_TEST(refuses_too_many_cookies_and_too_long_ones)
{
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(COOKIE_HOLD);
	TP_CLEANUP(buf_release) struct buf header = BUF_INIT(65536);
	struct span got;
	struct tp_err err;

	for (int i = 0; i < LIMIT_COOKIES - 1; i++)
		buf_str(&header, "x=y;");
	buf_str(&header, "a=1");
	ck_assert_int_eq(cookie_get(buf_view(&header), span_of(""), "a", &hold, &got, &err), TP_OK);
	buf_str(&header, ";x=y");
	ck_assert_int_eq(cookie_get(buf_view(&header), span_of(""), "a", &hold, &got, &err),
			 TP_INVALID);

	buf_reset(&header);
	buf_str(&header, "a=");
	for (int i = 0; i < LIMIT_COOKIE; i++)
		buf_char(&header, 'v');
	ck_assert_int_eq(cookie_get(buf_view(&header), span_of(""), "a", &hold, &got, &err), TP_OK);
	ck_assert_uint_eq(got.len, LIMIT_COOKIE);
	buf_char(&header, 'v');
	ck_assert_int_eq(cookie_get(buf_view(&header), span_of(""), "a", &hold, &got, &err),
			 TP_INVALID);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cookie");
	TCase *t = tcase_create("cookie");

	tcase_add_loop_test(t, writes_and_reads_as_python_does, 0, (int)TP_COUNT(both_ways));
	tcase_add_test(t, writes_attributes_in_order_of_their_names);
	tcase_add_loop_test(t, reads_one_value_or_says_why_not, 0, (int)TP_COUNT(reads));
	tcase_add_test(t, borrows_a_plain_value_from_the_header);
	tcase_add_test(t, refuses_too_many_cookies_and_too_long_ones);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
