/* SPDX-License-Identifier: MIT */
/* store_url.c: what a DB_URL is taken apart into, and what is no DB_URL. */
#include "store/store_url.h"

#include "base/limits.h"
#include "support/check_run.h"

#include <stdlib.h>

#include "base/banned.h"

static bool same(const char *got, const char *want)
{
	return want == NULL ? got == NULL : got != NULL && strcmp(got, want) == 0;
}

START_TEST(takes_a_url_apart)
{
	static const struct {
		const char *url, *scheme, *user, *password, *host;
		int port;
		const char *path;
	} rows[] = {
		{ "redis://h", "redis", NULL, NULL, "h", -1, NULL },
		{ "redis://h/", "redis", NULL, NULL, "h", -1, "/" },
		{ "REDIS://Host.Example:1/9", "redis", NULL, NULL, "Host.Example", 1, "/9" },
		{ "rediss://h_1-a.b:65535", "rediss", NULL, NULL, "h_1-a.b", 65535, NULL },
		{ "redis://u:p@h:6379/0", "redis", "u", "p", "h", 6379, "/0" },
		{ "redis://:p@h", "redis", NULL, "p", "h", -1, NULL },
		{ "redis://u@h", "redis", "u", NULL, "h", -1, NULL },
		{ "redis://u:@h", "redis", "u", NULL, "h", -1, NULL },
		{ "redis://@h", "redis", NULL, NULL, "h", -1, NULL },
		{ "redis://u%3a:p%40%2F%25@h", "redis", "u:", "p@/%", "h", -1, NULL },
		{ "redis://u:p@:#?@h", "redis", "u", "p@:#?", "h", -1, NULL },
		{ "redis://u+v:p+q@h", "redis", "u+v", "p+q", "h", -1, NULL },
		{ "redis://127.0.0.1:6379", "redis", NULL, NULL, "127.0.0.1", 6379, NULL },
		{ "redis://[::1]", "redis", NULL, NULL, "::1", -1, NULL },
		{ "redis://:p@[2001:db8::1]:6380/1", "redis", NULL, "p", "2001:db8::1", 6380,
		  "/1" },
		{ "redis://a,b:1,[::1]:2", "redis", NULL, NULL, "a,b:1,[::1]:2", -1, NULL },
		{ "redis://u:p@a:1,b:2/3", "redis", "u", "p", "a:1,b:2", -1, "/3" },
		{ "unix:///run/redis.sock", "unix", NULL, NULL, NULL, -1, "/run/redis.sock" },
		{ "unix://u:p@/run/a@b.sock", "unix", "u", "p", NULL, -1, "/run/a@b.sock" },
		{ "lmdb://", "lmdb", NULL, NULL, NULL, -1, NULL },
		{ "lmdb:///var/lib/my folder/%C3%BC%3f", "lmdb", NULL, NULL, NULL, -1,
		  "/var/lib/my folder/\xc3\xbc?" },
		{ "a.b+c-9://h", "a.b+c-9", NULL, NULL, "h", -1, NULL },
		{ "fifteen-letters://h", "fifteen-letters", NULL, NULL, "h", -1, NULL },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct store_url u = { .port = 7 };
		struct tp_err err = { 0 };

		ck_assert_msg(store_url_parse(span_of(rows[i].url), &u, &err) == TP_OK, "%s: %s",
			      rows[i].url, err.msg);
		ck_assert_str_eq(u.scheme, rows[i].scheme);
		ck_assert_msg(same(u.user, rows[i].user), "%s: user", rows[i].url);
		ck_assert_msg(same(u.password.p, rows[i].password), "%s: password", rows[i].url);
		ck_assert_msg(same(u.host, rows[i].host), "%s: host %s", rows[i].url, u.host);
		ck_assert_msg(u.port == rows[i].port, "%s: port %d", rows[i].url, u.port);
		ck_assert_msg(same(u.path, rows[i].path), "%s: path %s", rows[i].url, u.path);
		store_url_release(&u);
		ck_assert_ptr_null(u.user);
		ck_assert_ptr_null(u.password.p);
		ck_assert_ptr_null(u.host);
		ck_assert_ptr_null(u.path);
	}
}
END_TEST

START_TEST(refuses_what_is_no_url)
{
	static const char *const rows[] = {
		"",
		"redis",
		"redis:",
		"redis:/",
		"redis:h",
		"redis:/h",
		"://h",
		"9redis://h",
		"-redis://h",
		"red is://h",
		"sixteen-letters-://h",
		" redis://h",
		"redis://h\n",
		"redis://h\t",
		"redis://h\x7f",
		/* hosts and ports */
		"redis://h:",
		"redis://h:0",
		"redis://h:65536",
		"redis://h:-1",
		"redis://h:+1",
		"redis://h:01",
		"redis://h:1x",
		"redis://h:1:2",
		"redis://h:99999999999999999999",
		"redis://:6379",
		"redis://::1",
		"redis://[::1",
		"redis://[::1]6379",
		"redis://[::1]:",
		"redis://[]",
		"redis://[h]",
		"redis://[127.0.0.1]",
		"redis://[::1%25lo]",
		"redis://h%41",
		"redis://h i",
		"redis://h?x=1",
		"redis://h#x",
		"redis://a,",
		"redis://,a",
		"redis://a,,b",
		"redis://a,b:x",
		/* users and passwords */
		"redis://u:p%@h",
		"redis://u:p%4@h",
		"redis://u:p%4g@h",
		"redis://u%00:p@h",
		"redis://u:p%00@h",
		"redis://u:p/q@h",
		"redis://:6/q@h",
		/* paths */
		"redis://h/9?x=1",
		"redis://h/9#x",
		"redis://h/a@b",
		"unix:///a%00b",
		"unix:///a%",
		"lmdb:///a?b",
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct store_url u = { .port = 7 };
		struct tp_err err = { 0 };

		ck_assert_msg(store_url_parse(span_of(rows[i]), &u, &err) == TP_INVALID, "%s",
			      rows[i]);
		ck_assert_int_eq(err.rc, TP_INVALID);
		ck_assert_ptr_nonnull(strstr(err.msg, "DB_URL"));
		/* untouched */
		ck_assert_int_eq(u.port, 7);
		ck_assert_ptr_null(u.host);
	}
}
END_TEST

START_TEST(refuses_an_absent_and_a_nul_inside)
{
	struct store_url u = { .port = 7 };

	ck_assert_int_eq(store_url_parse((struct span){ NULL, 0 }, &u, NULL), TP_INVALID);
	ck_assert_int_eq(store_url_parse(SPAN_LIT("redis://h\0"), &u, NULL), TP_INVALID);
	ck_assert_int_eq(store_url_parse(SPAN_LIT("redis\0://h"), &u, NULL), TP_INVALID);
	ck_assert_int_eq(u.port, 7);
}
END_TEST

START_TEST(takes_a_url_of_the_greatest_length)
{
	static char text[LIMIT_STORE_URL + 2] = "unix:///";
	struct store_url u = { .port = 7 };

	memset(text + strlen(text), 'a', LIMIT_STORE_URL + 1 - strlen(text));
	ck_assert_int_eq(store_url_parse(span_of(text), &u, NULL), TP_INVALID);
	text[LIMIT_STORE_URL] = '\0';
	ck_assert_int_eq(store_url_parse(span_of(text), &u, NULL), TP_OK);
	ck_assert_uint_eq(strlen(u.path), LIMIT_STORE_URL - strlen("unix://"));
	store_url_release(&u);
}
END_TEST

START_TEST(never_shows_a_part_in_a_message)
{
	static const char *const urls[] = {
		"redis://s1:s2@s3:s4/s5",   "redis://s1:s2/s3@s4", "redis://s1:s2%s3@s4",
		"redis://s1:s2@s3/s4?s5",   "redis://s1:s2@[s3]",  "s1:s2@s3",
		"redis://s1:s2%00s3@s4/s5", "s1 s2://s3",	   "redis://s1:s2@s3/s4%",
	};

	for (size_t i = 0; i < TP_COUNT(urls); i++) {
		struct store_url u;
		struct tp_err err = { 0 };

		ck_assert_int_eq(store_url_parse(span_of(urls[i]), &u, &err), TP_INVALID);
		for (char part[] = "s1"; part[1] <= '5'; part[1]++)
			ck_assert_msg(strstr(err.msg, part) == NULL, "%s", err.msg);
	}
}
END_TEST

START_TEST(cuts_several_hosts_one_by_one)
{
	struct span hosts = SPAN_LIT("a,b.c:1,[::1]:2,[::2]"), host = { NULL, 0 };
	static const struct {
		const char *host;
		int port;
	} want[] = { { "a", -1 }, { "b.c", 1 }, { "::1", 2 }, { "::2", -1 } };
	int port = 0;

	for (size_t i = 0; i < TP_COUNT(want); i++) {
		ck_assert(store_url_host(&hosts, &host, &port));
		ck_assert(span_is(host, want[i].host));
		ck_assert_int_eq(port, want[i].port);
	}
	ck_assert_ptr_null(hosts.p);
	ck_assert(!store_url_host(&hosts, &host, &port));
	hosts = SPAN_LIT("a:,b");
	ck_assert(!store_url_host(&hosts, &host, &port));
	ck_assert(span_is(hosts, "a:,b"));
}
END_TEST

static Suite *store_url_suite(void)
{
	Suite *suite = suite_create("store_url");
	TCase *tc = tcase_create("store_url");

	tcase_add_test(tc, takes_a_url_apart);
	tcase_add_test(tc, refuses_what_is_no_url);
	tcase_add_test(tc, refuses_an_absent_and_a_nul_inside);
	tcase_add_test(tc, takes_a_url_of_the_greatest_length);
	tcase_add_test(tc, never_shows_a_part_in_a_message);
	tcase_add_test(tc, cuts_several_hosts_one_by_one);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return check_run(store_url_suite());
}
