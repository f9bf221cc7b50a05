/* SPDX-License-Identifier: MIT */
/*
 * Where a login may send a browser: paths of this host, and none of the ways to name another one.
 */
#include "http/return_to.h"

#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"

#include "base/banned.h"

static const char *const good[] = {
	"/",
	"/app",
	"/app/",
	"/app/page.html",
	"/app//page",
	"/a/https://b.example/",
	"/app?x=1&y=2",
	"/?next=//evil.example",
	"/?next=https://evil.example/%2f%5c%0a",
	"/search?q=50%&r=%zz",
	"/app#part",
	"/a%20b/%C3%A9",
	"/a/%2f/b",
	"/%252f%252fevil.example",
	"/a.b/..c/d..",
	"/.well-known/x",
	"/a;b=c/d,e/(f)/'g'/~h!$*+:@",
	"/user@evil.example",
	"/:80",
	"/javascript:alert(1)",
};

START_TEST(takes_a_path_of_this_host)
{
	ck_assert_msg(return_to_ok(span_of(good[_i])), "%s", good[_i]);
}
END_TEST

static const char *const bad[] = {
	"",
	"app",
	"?x",
	"#x",
	".",
	"./app",
	"../app",
	"\\app",
	" /app",
	"\t/app",
	"https://evil.example/",
	"HTTPS://evil.example/",
	"https:/evil.example",
	"https:evil.example",
	"javascript:alert(1)",
	"data:text/html,x",
	"//evil.example",
	"///evil.example",
	"////evil.example",
	"//",
	"/\\evil.example",
	"/\\/evil.example",
	"\\\\evil.example",
	"\\/evil.example",
	"/\t/evil.example",
	"/\n/evil.example",
	"/\r\n/evil.example",
	"/\r\nSet-Cookie: a=b",
	"/app\\x",
	"/app\x7f",
	"/app x",
	"/app\xc3\xa9",
	"/\x01",
	"/app?x=\\y",
	"/app?x=\ty",
	"/%2f",
	"/%2F/evil.example",
	"/%2fevil.example",
	"%2f%2fevil.example",
	"%2f",
	"/%5c",
	"/%5Cevil.example",
	"/app/%5c..",
	"/%09/",
	"/%09/evil.example",
	"/%0a/evil.example",
	"/%0d%0aSet-Cookie:%20a=b",
	"/app%00",
	"/app%7f",
	"/%",
	"/%2",
	"/%zz",
	"/.",
	"/..",
	"/./app",
	"/.//evil.example",
	"/..//evil.example",
	"/app/..//evil.example",
	"/app/../..//evil.example",
	"/%2e//evil.example",
	"/%2E%2e//evil.example",
	"/app/.",
	"/app/%2e%2e",
	"/app/..?x",
	"/app/..#x",
};

START_TEST(refuses_what_could_lead_elsewhere)
{
	ck_assert_msg(!return_to_ok(span_of(bad[_i])), "%s", bad[_i]);
}
END_TEST

START_TEST(an_absent_path_and_one_with_a_nul_are_none)
{
	ck_assert(!return_to_ok((struct span){ NULL, 0 }));
	ck_assert(!return_to_ok(SPAN_LIT("/app\0")));
	ck_assert(!return_to_ok(SPAN_LIT("/app\0/b")));
}
END_TEST

START_TEST(has_a_longest_one)
{
	char path[LIMIT_RETURN_TO + 1];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	ck_assert(return_to_ok((struct span){ path, LIMIT_RETURN_TO }));
	ck_assert(!return_to_ok((struct span){ path, LIMIT_RETURN_TO + 1 }));
}
END_TEST

START_TEST(without_memory_it_is_refused)
{
	bool ok;

	alloc_fail_at(1);
	ok = return_to_ok(SPAN_LIT("/app"));
	ck_assert(alloc_fail_off());
	ck_assert(!ok);
}
END_TEST

static const struct {
	const char *login_url, *uri, *want;
} urls[] = {
	{ "/login", "/app", "/login?return_to=/app" },
	{ "/login", "/", "/login?return_to=/" },
	{ "/login?theme=dark", "/app", "/login?theme=dark&return_to=/app" },
	{ "/login?", "/app", "/login?&return_to=/app" },
	{ "https://id.example/login", "/app?a=1&b=c d", "https://id.example/login" },
	{ "https://id.example/login", "/app?a=1&b=c+d#e",
	  "https://id.example/login?return_to=/app%3Fa%3D1%26b%3Dc%2Bd%23e" },
	{ "/login", "/a%20b/~c-d_e.f", "/login?return_to=/a%2520b/~c-d_e.f" },
	{ "/login", "/a\"<>'`{|}^[]!$()*,;:@",
	  "/login?return_to=/a%22%3C%3E%27%60%7B%7C%7D%5E%5B%5D%21%24%28%29%2A%2C%3B%3A%40" },
	{ "/login", "//evil.example", "/login" },
	{ "/login", "http://evil.example/", "/login" },
	{ "/login", "/%5cevil.example", "/login" },
	{ "/login?x=y", "", "/login?x=y" },
};

START_TEST(puts_the_way_back_into_the_query)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(1000);

	return_to_put(span_of(urls[_i].login_url), span_of(urls[_i].uri), &out);
	ck_assert_str_eq(buf_cstr(&out), urls[_i].want);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("return_to");
	TCase *t = tcase_create("return_to");

	tcase_add_loop_test(t, takes_a_path_of_this_host, 0, (int)TP_COUNT(good));
	tcase_add_loop_test(t, refuses_what_could_lead_elsewhere, 0, (int)TP_COUNT(bad));
	tcase_add_test(t, an_absent_path_and_one_with_a_nul_are_none);
	tcase_add_test(t, has_a_longest_one);
	tcase_add_test(t, without_memory_it_is_refused);
	tcase_add_loop_test(t, puts_the_way_back_into_the_query, 0, (int)TP_COUNT(urls));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
