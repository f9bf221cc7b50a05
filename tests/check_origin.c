/* SPDX-License-Identifier: MIT */
/*
 * Origins and patterns: what parses, what matches, and above all what does not.
 */
#include "http/origin.h"

#include "support/check_run.h"

#include "base/banned.h"

static const struct {
	const char *text;
	bool https;
	const char *host;
	int port;
	bool has_port;
} origins[] = {
	{ "https://a.example", true, "a.example", 443, false },
	{ "http://a.example", false, "a.example", 80, false },
	{ "https://a.example:8443", true, "a.example", 8443, true },
	{ "http://localhost:1", false, "localhost", 1, true },
	{ "https://A_b-9.Example:65535", true, "A_b-9.Example", 65535, true },
	{ "https://127.0.0.1:3000", true, "127.0.0.1", 3000, true },
	{ "https://[::1]:8443", true, "[::1]", 8443, true },
	{ "https://[2001:db8::ffff:192.0.2.1]", true, "[2001:db8::ffff:192.0.2.1]", 443, false },
};

START_TEST(parses_an_origin)
{
	struct origin o;

	ck_assert(origin_parse(span_of(origins[_i].text), &o));
	ck_assert_int_eq(o.https, origins[_i].https);
	ck_assert(span_is(o.host, origins[_i].host));
	ck_assert_int_eq(o.port, origins[_i].port);
	ck_assert_int_eq(o.has_port, origins[_i].has_port);
	ck_assert(!o.wildcard && !o.any);
}
END_TEST

static const char *const no_origins[] = {
	"",
	"null",
	"*",
	"a.example",
	"//a.example",
	"https:",
	"https:/",
	"https://",
	"https:///",
	"HTTPS://a.example",
	"ftp://a.example",
	"chrome-extension://abcdef",
	"https://a.example/",
	"https://a.example/path",
	"https://a.example?",
	"https://a.example#",
	"https://user@a.example",
	"https://a.example:",
	"https://a.example:0",
	"https://a.example:65536",
	"https://a.example:080",
	"https://a.example:+80",
	"https://a.example:80 ",
	"https://a.example:80:80",
	" https://a.example",
	"https://a.example https://b.example",
	"https://a.example,https://b.example",
	"https://.example",
	"https://a.example.",
	"https://a..example",
	"https://.",
	"https://*.example.org",
	"https://a\\b",
	"https://a%2eexample",
	"https://\xc3\xa9.example",
	"https://[::1",
	"https://[]",
	"https://[::1]x",
	"https://[fe80::1%25eth0]",
	"https://[::g]",
	"https://::1",
};

START_TEST(takes_nothing_else_for_an_origin)
{
	struct origin o;

	ck_assert_msg(!origin_parse(span_of(no_origins[_i]), &o), "%s", no_origins[_i]);
}
END_TEST

START_TEST(an_absent_origin_and_one_with_a_nul_do_not_parse)
{
	struct origin o;

	ck_assert(!origin_parse((struct span){ NULL, 0 }, &o));
	ck_assert(!origin_parse(SPAN_LIT("https://a.example\0.evil"), &o));
	ck_assert(!origin_parse(SPAN_LIT("https://[::1\0]"), &o));
}
END_TEST

static const struct {
	const char *pattern, *origin;
	bool matches;
} matches[] = {
	{ "https://a.example:8443", "https://a.example:8443", true },
	{ "https://a.example:8443", "https://a.example", false },
	{ "https://a.example:8443", "http://a.example:8443", false },
	{ "https://a.example", "https://a.example", true },
	{ "https://a.example", "https://a.example:443", true },
	{ "https://a.example:443", "https://a.example", true },
	{ "https://A.example", "https://a.EXAMPLE", true },
	{ "https://a.example", "http://a.example", false },
	{ "https://a.example", "https://b.a.example", false },
	{ "https://a.example", "https://a.example.evil", false },
	{ "http://localhost:3000", "http://localhost:3000", true },
	{ "https://[::1]:8443", "https://[::1]:8443", true },

	{ "*.prismatica.in", "https://app.prismatica.in", true },
	{ "*.prismatica.in", "https://a.b.prismatica.in", true },
	{ "*.prismatica.in", "https://APP.Prismatica.IN", true },
	{ "*.prismatica.in", "https://app.prismatica.in:443", true },
	{ "*.prismatica.in", "https://prismatica.in", false },
	{ "*.prismatica.in", "https://evilprismatica.in", false },
	{ "*.prismatica.in", "https://prismatica.in.evil.com", false },
	{ "*.prismatica.in", "https://app.prismatica.in.evil.com", false },
	{ "*.prismatica.in", "http://app.prismatica.in", false },
	{ "*.prismatica.in", "https://app.prismatica.in:8443", false },
	{ "*.prismatica.in", "https://app.prismatica.com", false },
	{ "*.prismatica.in:8443", "https://app.prismatica.in:8443", true },
	{ "*.prismatica.in:8443", "https://app.prismatica.in", false },
	{ "http://*.dev.example:3000", "http://a.dev.example:3000", true },
	{ "http://*.dev.example:3000", "https://a.dev.example:3000", false },
	{ "http://*.dev.example:3000", "http://a.dev.example", false },
	{ "http://*.dev.example", "http://a.dev.example", true },
	{ "https://*.dev.example", "https://a.dev.example", true },

	{ "*", "https://anything.example", true },
	{ "*", "http://localhost:1", true },
};

START_TEST(matches_whole_labels_scheme_and_port)
{
	struct origin pattern, o;
	struct tp_err err;

	ck_assert_int_eq(origin_pattern(span_of(matches[_i].pattern), &pattern, &err), TP_OK);
	ck_assert(origin_parse(span_of(matches[_i].origin), &o));
	ck_assert_msg(origin_matches(&pattern, &o) == matches[_i].matches, "%s %s",
		      matches[_i].pattern, matches[_i].origin);
}
END_TEST

static const struct {
	const char *pattern, *msg;
} no_patterns[] = {
	{ "", "neither an origin (https://host[:port]) nor a pattern (*.host)" },
	{ "null", "neither an origin (https://host[:port]) nor a pattern (*.host)" },
	{ "a.example", "neither an origin (https://host[:port]) nor a pattern (*.host)" },
	{ "ftp://a.example", "neither an origin (https://host[:port]) nor a pattern (*.host)" },
	{ "*.in", "\"*.\" before a single label is too wide" },
	{ "https://*.in", "\"*.\" before a single label is too wide" },
	{ "*.in:8443", "\"*.\" before a single label is too wide" },
	{ "*.[::1]", "\"*.\" must stand before a host name" },
	{ "*.", "not a host name with an optional port" },
	{ "*.*.example", "not a host name with an optional port" },
	{ "*example.org", "neither an origin (https://host[:port]) nor a pattern (*.host)" },
	{ "**", "neither an origin (https://host[:port]) nor a pattern (*.host)" },
	{ "https://*", "not a host name with an optional port" },
	{ "https://a.*.example", "not a host name with an optional port" },
	{ "https://a.example/", "not a host name with an optional port" },
	{ "https://a.example:*", "not a host name with an optional port" },
};

START_TEST(refuses_a_pattern_that_is_none_or_too_wide)
{
	struct origin o = { .port = 7 };
	struct tp_err err;

	ck_assert_int_eq(origin_pattern(span_of(no_patterns[_i].pattern), &o, &err), TP_INVALID);
	ck_assert_str_eq(err.msg, no_patterns[_i].msg);
	ck_assert_int_eq(o.port, 7);
}
END_TEST

static const struct {
	const char *origin, *host;
	bool is;
} hosts[] = {
	{ "https://a.example", "a.example", true },
	{ "https://a.example", "A.Example", true },
	{ "http://a.example", "a.example", true },
	{ "https://a.example:8443", "a.example", true },
	{ "https://a.example:8443", "a.example:8443", true },
	{ "https://a.example", "a.example:443", true },
	{ "http://a.example", "a.example:80", true },
	{ "https://[::1]:8443", "[::1]:8443", true },
	{ "https://a.example:8443", "a.example:8444", false },
	{ "https://a.example", "a.example:8443", false },
	{ "http://a.example", "a.example:443", false },
	{ "https://a.example", "b.example", false },
	{ "https://a.example", "a.example.evil", false },
	{ "https://a.example", "", false },
	{ "https://a.example", "a.example:", false },
	{ "https://a.example", "a.example, a.example", false },
};

START_TEST(compares_the_port_only_when_the_host_has_one)
{
	struct origin o;

	ck_assert(origin_parse(span_of(hosts[_i].origin), &o));
	ck_assert_msg(origin_is_host(&o, span_of(hosts[_i].host)) == hosts[_i].is, "%s %s",
		      hosts[_i].origin, hosts[_i].host);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("origin");
	TCase *t = tcase_create("origin");

	tcase_add_loop_test(t, parses_an_origin, 0, (int)TP_COUNT(origins));
	tcase_add_loop_test(t, takes_nothing_else_for_an_origin, 0, (int)TP_COUNT(no_origins));
	tcase_add_test(t, an_absent_origin_and_one_with_a_nul_do_not_parse);
	tcase_add_loop_test(t, matches_whole_labels_scheme_and_port, 0, (int)TP_COUNT(matches));
	tcase_add_loop_test(t, refuses_a_pattern_that_is_none_or_too_wide, 0,
			    (int)TP_COUNT(no_patterns));
	tcase_add_loop_test(t, compares_the_port_only_when_the_host_has_one, 0,
			    (int)TP_COUNT(hosts));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
