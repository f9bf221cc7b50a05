/* SPDX-License-Identifier: MIT */
/* URLs of settings, cut into parts; those that two readers could take differently are refused. */
#include "base/url.h"

#include "support/check_run.h"

#include <stdlib.h>

#include "base/banned.h"

/* clang-format off */
static const struct {
	const char *text, *scheme, *host;
	int port;
	const char *rest;
	bool loopback;
} good[] = {
	{ "https://example.org", "https", "example.org", 0, "", false },
	{ "https://example.org/", "https", "example.org", 0, "/", false },
	{ "https://example.org:8443/a?b=c", "https", "example.org", 8443, "/a?b=c", false },
	{ "https://example.org?b=c:d@e", "https", "example.org", 0, "?b=c:d@e", false },
	{ "HTTP://127.0.0.1:1/", "HTTP", "127.0.0.1", 1, "/", true },
	{ "http://127.255.255.254", "http", "127.255.255.254", 0, "", true },
	{ "http://128.0.0.1", "http", "128.0.0.1", 0, "", false },
	{ "http://127.0.0.1.example.org/", "http", "127.0.0.1.example.org", 0, "/", false },
	{ "http://127.1/", "http", "127.1", 0, "/", false },
	{ "http://2130706433/", "http", "2130706433", 0, "/", false },
	{ "http://localhost:65535", "http", "localhost", 65535, "", true },
	{ "http://LocalHost/", "http", "LocalHost", 0, "/", true },
	{ "http://localhost.example.org/", "http", "localhost.example.org", 0, "/", false },
	{ "http://[::1]/x", "http", "::1", 0, "/x", true },
	{ "http://[::1]:80", "http", "::1", 80, "", true },
	{ "http://[0:0::1]", "http", "0:0::1", 0, "", true },
	{ "http://[::ffff:127.0.0.1]", "http", "::ffff:127.0.0.1", 0, "", false },
	{ "http://[2001:db8::1]/", "http", "2001:db8::1", 0, "/", false },
	{ "ldapi:///", "ldapi", "", 0, "/", false },
};

static const char *const bad[] = {
	"", "example.org", "https:", "https:/", "https:example.org", "//example.org", "://x", "1s://x",
	"https://user@example.org/", "http://127.0.0.1@example.org/", "http://127.0.0.1:80@example.org/",
	"http://127.0.0.1\\@example.org/", "http://example.org\\x", "http://exam ple.org/", " http://a/",
	"http://a/b c", "http://a/\n", "http://a/\xc3\xa9", "http://\xc3\xa9/", "http://a#b", "http://a/#",
	"http://a:", "http://a:0/", "http://a:65536/", "http://a:08/", "http://a:8x/", "http://a:-1",
	"http://a:80:80/", "http://:80/", "http://[::1", "http://[::1]x/", "http://[127.0.0.1]/", "http://[]/",
	"http://[fe80::1%25eth0]/", "http://::1/", "http://a%2eb/", "http://a,b/",
};
/* clang-format on */

START_TEST(a_url_has_its_parts)
{
	struct url u;

	ck_assert(url_split(span_of(good[_i].text), &u));
	ck_assert(span_is(u.scheme, good[_i].scheme));
	ck_assert(span_is(u.host, good[_i].host));
	ck_assert_int_eq(u.port, good[_i].port);
	ck_assert(span_is(u.rest, good[_i].rest));
	ck_assert_int_eq(url_is_loopback(&u), good[_i].loopback);
}
END_TEST

START_TEST(what_could_be_read_in_two_ways_is_none)
{
	struct url u;

	ck_assert_msg(!url_split(span_of(bad[_i]), &u), "%s", bad[_i]);
}
END_TEST

static Suite *url_suite(void)
{
	Suite *s = suite_create("url");
	TCase *t = tcase_create("url");

	tcase_add_loop_test(t, a_url_has_its_parts, 0, TP_COUNT(good));
	tcase_add_loop_test(t, what_could_be_read_in_two_ways_is_none, 0, TP_COUNT(bad));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(url_suite());
}
