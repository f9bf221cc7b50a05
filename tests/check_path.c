/* SPDX-License-Identifier: MIT */
/* path: the one reading of a request target, and what has more than one is refused. */
#include "http/path.h"

#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"

#include <stdlib.h>

#include "base/banned.h"

static const struct {
	const char *target, *path;
	bool ambiguous;
} readable[] = {
	{ "/", "/", false },
	{ "/app", "/app", false },
	{ "/app/", "/app/", false },
	{ "/app/x.php?a=../b%&c#d", "/app/x.php", false },
	{ "/?", "/", false },
	/* one spelling */
	{ "//", "/", false },
	{ "//app///x", "/app/x", false },
	{ "/./app/././x/.", "/app/x/", false },
	{ "/.", "/", false },
	{ "/app/x//", "/app/x/", false },
	{ "/%61pp/%78", "/app/x", false },
	{ "/%2e/app/%2E/x", "/app/x", false },
	{ "/app/.htaccess", "/app/.htaccess", false },
	{ "/app/a.b", "/app/a.b", false },
	/* letters of one case are not those of the other */
	{ "/APP/x", "/APP/x", false },
	/* what a file may be called */
	{ "/a%20b+c", "/a b+c", false },
	{ "/%c3%a9/\xc3\xa9", "/\xc3\xa9/\xc3\xa9", false },
	/* RFC 9112 3.2.2 */
	{ "http://auth.example.org/app", "/app", false },
	{ "HTTPS://user@[::1]:8443//app", "/app", false },
	{ "http://auth.example.org", "/", false },
	{ "http://auth.example.org?x=/y", "/", false },
	{ "svn+ssh-1.0://h/app", "/app", false },
	{ "http:///app", "/app", false },
	/* two readings even so */
	{ "/app%2fx", "/app/x", true },
	{ "/app%2F%2fx", "/app/x", true },
	{ "/app;v=1/x", "/app;v=1/x", true },
	{ "/app%3bv=1", "/app;v=1", true },
	{ "/what%3fx", "/what?x", true },
	{ "/what%23x", "/what#x", true },
	{ "/app?a;b", "/app", false },
};

START_TEST(a_target_is_read_as_one_path)
{
	TP_CLEANUP(buf_release) struct buf path = BUF_INIT(LIMIT_URI_PATH);
	bool ambiguous;
	struct tp_err err;

	ck_assert_int_eq(path_read(span_of(readable[_i].target), &path, &ambiguous, &err), TP_OK);
	ck_assert_str_eq(buf_cstr(&path), readable[_i].path);
	ck_assert_uint_eq(path.len, strlen(readable[_i].path));
	ck_assert_int_eq(ambiguous, readable[_i].ambiguous);
}
END_TEST

static const char *const doubtful[] = {
	"",
	"?",
	"*",
	"app",
	"./app",
	"?/app",
	"://host/app",
	"http:/app",
	"mailto:a@b",
	"auth.example.org:443", /* CONNECT */
	"1 http://host/app",
	/* up, in every spelling */
	"/..",
	"/app/../admin",
	"/app/..",
	"/%2e%2e/admin",
	"/app/%2e./admin",
	"/app/.%2E/admin",
	"/app%2f..%2fadmin",
	"/app/..;/admin",
	"/app/...",
	"/app/a..b",
	/* encoded twice, or not at all */
	"/%2561pp",
	"/app/%252e%252e/admin",
	"/100%25",
	"/%",
	"/app/%2",
	"/app/%zz",
	"/app/%u0041",
	/* what cuts or turns */
	"/app%00.php",
	"/app%0d%0aX: y",
	"/app%09",
	"/app%7f",
	"/app\x01",
	"/app\\x",
	"/app%5c..",
	"/app%5cx",
	"/app#/x",
	"/app#",
	/* segments of parameters alone */
	"/app/;x/admin",
	"/;/admin",
	"/app/.;x/admin",
	"/app/%2e%3bx/admin",
};

START_TEST(what_can_be_read_in_two_ways_is_refused)
{
	TP_CLEANUP(buf_release) struct buf path = BUF_INIT(LIMIT_URI_PATH);
	bool ambiguous;
	struct tp_err err = { .msg = "" };

	ck_assert_int_eq(path_read(span_of(doubtful[_i]), &path, &ambiguous, &err), TP_FORBIDDEN);
	ck_assert_int_eq(err.rc, TP_FORBIDDEN);
	ck_assert_str_ne(err.msg, "");
}
END_TEST

START_TEST(a_raw_nul_is_refused)
{
	TP_CLEANUP(buf_release) struct buf path = BUF_INIT(LIMIT_URI_PATH);
	bool ambiguous;
	struct tp_err err;

	ck_assert_int_eq(path_read((struct span){ "/app\0x", 6 }, &path, &ambiguous, &err),
			 TP_FORBIDDEN);
	ck_assert_int_eq(path_read((struct span){ NULL, 0 }, &path, &ambiguous, &err),
			 TP_FORBIDDEN);
}
END_TEST

START_TEST(a_path_has_a_limit)
{
	static char target[LIMIT_URI_PATH + 2];
	bool ambiguous;
	struct tp_err err;

	memset(target, 'a', sizeof(target));
	target[0] = '/';
	for (size_t n = LIMIT_URI_PATH; n <= LIMIT_URI_PATH + 1; n++) {
		TP_CLEANUP(buf_release) struct buf path = BUF_INIT(LIMIT_URI_PATH);

		ck_assert_int_eq(path_read((struct span){ target, n }, &path, &ambiguous, &err),
				 n <= LIMIT_URI_PATH ? TP_OK : TP_FORBIDDEN);
	}
}
END_TEST

START_TEST(without_memory_nothing_is_said_of_a_path)
{
	TP_CLEANUP(buf_release) struct buf path = BUF_INIT(LIMIT_URI_PATH);
	bool ambiguous;
	struct tp_err err;
	enum tp_rc rc;

	alloc_fail_at(1);
	rc = path_read(SPAN_LIT("/app"), &path, &ambiguous, &err);
	ck_assert(alloc_fail_off());
	ck_assert_int_eq(rc, TP_NOMEM);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("path");
	TCase *t = tcase_create("path");

	tcase_add_loop_test(t, a_target_is_read_as_one_path, 0, (int)TP_COUNT(readable));
	tcase_add_loop_test(t, what_can_be_read_in_two_ways_is_refused, 0, (int)TP_COUNT(doubtful));
	tcase_add_test(t, a_raw_nul_is_refused);
	tcase_add_test(t, a_path_has_a_limit);
	tcase_add_test(t, without_memory_nothing_is_said_of_a_path);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
