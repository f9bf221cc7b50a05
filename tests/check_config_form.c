/* SPDX-License-Identifier: MIT */
/* config_form: addresses, paths and origins by their form. */
#include "config/config_form.h"

#include "support/check_run.h"

#include "base/banned.h"

START_TEST(tells_addresses_and_origins)
{
	static const struct {
		const char *text;
		bool address, origin;
	} rows[] = {
		{ "127.0.0.1:50051", true, false },
		{ "auth.example.org:1", true, false },
		{ "[::1]:65535", true, false },
		{ "unix:/run/x", true, false },
		{ "unix:run/x", false, false },
		{ "unix:", false, false },
		{ "", false, false },
		{ "host", false, false },
		{ "host:", false, false },
		{ ":50051", false, false },
		{ "host:0", false, false },
		{ "host:65536", false, false },
		{ "host:050", false, false },
		{ "::1:50051", false, false },
		{ "[::1]", false, false },
		{ "[]:1", false, false },
		{ "ho st:1", false, false },
		{ "/refresh", false, false },
		{ "user@host:1", false, false },
		{ "https://a.example", false, true },
		{ "http://a.example:8080", false, true },
		{ "https://[::1]:8443", false, true },
		{ "https://a.example/", false, false },
		{ "https://a.example/x", false, false },
		{ "https://", false, false },
		{ "https://:80", false, false },
		{ "https:a", false, false },
		{ "ftp://a.example", false, false },
		{ "https://u@a.example", false, false },
		{ "HTTPS://a.example", false, false },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct span s = span_of(rows[i].text);

		ck_assert_msg(config_form_is_address(s) == rows[i].address, "%s", rows[i].text);
		ck_assert_msg(config_form_is_origin(s) == rows[i].origin, "%s", rows[i].text);
	}
}
END_TEST

START_TEST(tells_addresses_of_this_machine)
{
	static const struct {
		const char *text;
		bool local;
	} rows[] = {
		{ "unix:/run/x", true },
		{ "127.0.0.1:1", true },
		{ "127.255.0.9:50051", true },
		{ "[::1]:1", true },
		{ "localhost:1", true },
		{ "LocalHost:1", true },
		{ "126.0.0.1:1", false },
		{ "0.0.0.0:1", false },
		{ "[::]:1", false },
		{ "[::ffff:127.0.0.1]:1", false },
		{ "127.example.org:1", false },
		{ "127.0.0.1.example.org:1", false },
		{ "localhost.example.org:1", false },
		{ "host:1", false },
		{ "localhost", false },
		{ "", false },
		{ "a.host.whose.name.is.longer.than.any.that.is.an.address.of.this.machine:1",
		  false },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++)
		ck_assert_msg(config_form_is_local(span_of(rows[i].text)) == rows[i].local, "%s",
			      rows[i].text);
}
END_TEST

START_TEST(tells_paths)
{
	static const struct {
		const char *text;
		bool route, path;
	} rows[] = {
		{ "/", true, true },
		{ "/a/b.c-d_e~f", true, true },
		{ "/a!$&'()*+,=:@b", true, true },
		{ "", false, false },
		{ "a", false, false },
		{ "./a", false, false },
		{ "/a b", false, true },
		{ "/a?b", false, true },
		{ "/a#b", false, true },
		{ "/a;b", false, true },
		{ "/a%20b", false, true },
		{ "/a\\b", false, true },
		{ "/a\"b", false, true },
		{ "/\xc3\xa4", false, true },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct span s = span_of(rows[i].text);

		ck_assert_msg(config_form_is_route(s) == rows[i].route, "%s", rows[i].text);
		ck_assert_msg(config_form_is_path(s) == rows[i].path, "%s", rows[i].text);
	}
	ck_assert(!config_form_is_route(SPAN_LIT("/a\0b")));
}
END_TEST

static Suite *config_form_suite(void)
{
	Suite *s = suite_create("config_form");
	TCase *t = tcase_create("forms");

	tcase_add_test(t, tells_addresses_and_origins);
	tcase_add_test(t, tells_addresses_of_this_machine);
	tcase_add_test(t, tells_paths);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(config_form_suite());
}
