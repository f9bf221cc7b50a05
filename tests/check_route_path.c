/* SPDX-License-Identifier: MIT */
/* route_path: what an application may name as a path, and which requests it stands for. */
#include "http/route_path.h"

#include "base/limits.h"
#include "support/check_run.h"

#include <stdlib.h>

#include "base/banned.h"

static const char *const good[] = {
	"/", "/user", "/user/{id}", "/{a}", "/{a}/{b2}/_x/{_c}", "/a.b-c~d/..e/$&'()*+:=@!",
};

static const struct {
	const char *path, *why;
} bad[] = {
	{ "", "begin" },	 { "user", "begin" },	     { "/user/", "segment" },
	{ "//", "segment" },	 { "/a//b", "segment" },     { "/a b", "segment" },
	{ "/a\x7f", "segment" }, { "/\xc3\xa9", "segment" }, { "/a?b", "segment" },
	{ "/a#b", "segment" },	 { "/a%62", "segment" },     { "/a;b", "segment" },
	{ "/.", "segment" },	 { "/a/../b", "segment" },   { "/x{id}", "segment" },
	{ "/id}", "segment" },	 { "/{}", "{name}" },	     { "/{", "{name}" },
	{ "/{id", "{name}" },	 { "/{1d}", "{name}" },	     { "/{i-d}", "{name}" },
	{ "/{id}x", "{name}" },	 { "/{a}{b}", "{name}" },    { "/{id}/x/{id}", "twice" },
};

START_TEST(takes_a_good_path)
{
	ck_assert_int_eq(route_path_check(good[_i], NULL), TP_OK);
}
END_TEST

START_TEST(refuses_a_bad_path_and_says_why)
{
	struct tp_err err = { 0 };

	ck_assert_int_eq(route_path_check(bad[_i].path, &err), TP_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, bad[_i].why));
}
END_TEST

START_TEST(refuses_a_path_longer_than_any_request_s)
{
	char path[LIMIT_PATH + 2] = "/";

	memset(path + 1, 'a', LIMIT_PATH - 1);
	ck_assert_int_eq(route_path_check(path, NULL), TP_OK);
	path[LIMIT_PATH] = 'a';
	ck_assert_int_eq(route_path_check(path, NULL), TP_INVALID);
}
END_TEST

static const struct {
	const char *path, *asked;
	bool fits;
} requests[] = {
	{ "/", "/", true },
	{ "/", "", false },
	{ "/", "//", false },
	{ "/", "/a", false },
	{ "/user", "/user", true },
	{ "/user", "/user/", false },
	{ "/user", "/USER", false },
	{ "/user", "user", false },
	{ "/user", "/users", false },
	{ "/user/{id}", "/user/7", true },
	{ "/user/{id}", "/user/{id}", true },
	{ "/user/{id}", "/user/a b+c%41\xc3\xa9", true },
	{ "/user/{id}", "/user", false },
	{ "/user/{id}", "/user/", false },
	{ "/user/{id}", "/user/7/", false },
	{ "/user/{id}", "/user/7/x", false },
	{ "/user/{id}", "/other/7", false },
	{ "/user/{id}", "/user/.", false },
	{ "/user/{id}", "/user/..", false },
	{ "/user/{id}", "/user/...", true },
	{ "/user/{id}", "/user/a\nb", false },
	{ "/user/{id}", "/user/\x7f", false },
	{ "/user/{id}", "/user/\xff", false },
	{ "/{a}/x/{b}", "/1/x/2", true },
	{ "/{a}/x/{b}", "/1/y/2", false },
	{ "/{a}/x/{b}", "//x/2", false },
};

START_TEST(stands_for_just_these_paths)
{
	ck_assert(route_path_fits(requests[_i].path, span_of(requests[_i].asked)) ==
		  requests[_i].fits);
}
END_TEST

START_TEST(never_fits_a_path_with_a_nul)
{
	ck_assert(!route_path_fits("/user/{id}", SPAN_LIT("/user/a\0b")));
	ck_assert(!route_path_fits("/user", SPAN_LIT("/user\0")));
}
END_TEST

START_TEST(has_what_stands_at_a_name)
{
	struct span v = SPAN_LIT("untouched");

	ck_assert(!route_path_param("/a/{x}/{y}", SPAN_LIT("/a/1/2"), "z", &v));
	ck_assert(!route_path_param("/a/{x}/{y}", SPAN_LIT("/a/1/2"), "a", &v));
	ck_assert(!route_path_param("/a/{x}/{y}", SPAN_LIT("/a/1/2"), "", &v));
	ck_assert(span_is(v, "untouched"));
	ck_assert(route_path_param("/a/{x}/{y}", SPAN_LIT("/a/1/2"), "x", &v));
	ck_assert(span_is(v, "1"));
	ck_assert(route_path_param("/a/{x}/{y}", SPAN_LIT("/a/1/2"), "y", &v));
	ck_assert(span_is(v, "2"));
}
END_TEST

START_TEST(knows_two_spellings_of_one_path)
{
	ck_assert(route_path_same("/", "/"));
	ck_assert(route_path_same("/user/{id}", "/user/{name}"));
	ck_assert(!route_path_same("/user/{id}", "/user/id"));
	ck_assert(!route_path_same("/user/id", "/user/{id}"));
	ck_assert(!route_path_same("/user/{id}", "/user/{id}/x"));
	ck_assert(!route_path_same("/user/{id}/x", "/user/{id}"));
	ck_assert(!route_path_same("/a/x", "/a/y"));
	ck_assert(route_path_has_params("/a/{x}"));
	ck_assert(!route_path_has_params("/a/x"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("route_path");
	TCase *t = tcase_create("all");

	tcase_add_loop_test(t, takes_a_good_path, 0, TP_COUNT(good));
	tcase_add_loop_test(t, refuses_a_bad_path_and_says_why, 0, TP_COUNT(bad));
	tcase_add_test(t, refuses_a_path_longer_than_any_request_s);
	tcase_add_loop_test(t, stands_for_just_these_paths, 0, TP_COUNT(requests));
	tcase_add_test(t, never_fits_a_path_with_a_nul);
	tcase_add_test(t, has_what_stands_at_a_name);
	tcase_add_test(t, knows_two_spellings_of_one_path);
	suite_add_tcase(s, t);
	return check_run(s);
}
