/* SPDX-License-Identifier: MIT */
/* The settings of an ldap: handler, and names that would like to be more than a name. */
#include "auth/ldap_setting.h"

#include "support/alloc_fail.h"
#include "support/check_run.h"

#include <stdlib.h>

#include "base/banned.h"

static struct ldap_setting s;
static struct tp_err err;

static void end(void)
{
	ldap_setting_release(&s);
}

static enum tp_rc try_open(const char *url, const char *groups)
{
	return ldap_setting_open(span_of(url), span_of(groups), &s, &err);
}

/* clang-format off */
#define ANY "(objectClass=*)"

static const struct {
	const char *url, *server;
	bool starttls, direct;
	const char *base, *attr;
	enum ldap_scope scope;
	const char *filter;
} good[] = {
	{ "ldaps://ldap.example.org/dc=example", "ldaps://ldap.example.org", false, false,
	  "dc=example", "uid", LDAP_WITHIN, ANY },
	{ "ldaps://ldap.example.org:6360/", "ldaps://ldap.example.org:6360", false, false, "", "uid", LDAP_WITHIN, ANY },
	{ "ldap://ldap.example.org/o=x?mail?one?(a=b)", "ldap://ldap.example.org", true, false,
	  "o=x", "mail", LDAP_BELOW, "(a=b)" },
	{ "ldap://10.0.0.1/o=x", "ldap://10.0.0.1", true, false, "o=x", "uid", LDAP_WITHIN, ANY },
	{ "ldap://localhost/o=x???", "ldap://localhost", false, false, "o=x", "uid", LDAP_WITHIN, ANY },
	{ "ldap://[::1]:389/o=x?cn?base", "ldap://[::1]:389", false, false, "o=x", "cn", LDAP_AT_BASE, ANY },
	{ "ldapi:///o=x??sub", "ldapi://", false, false, "o=x", "uid", LDAP_WITHIN, ANY },
	{ "ldapi://%2Fvar%2Frun%2Fldapi/o=x", "ldapi://%2Fvar%2Frun%2Fldapi", false, false,
	  "o=x", "uid", LDAP_WITHIN, ANY },
	{ "ldaps://h/ou=a%20b%2Co=x?1.2.840.113556.1.4.221?" "?(%26(a=1)(b=%3f))", "ldaps://h", false, false,
	  "ou=a b,o=x", "1.2.840.113556.1.4.221", LDAP_WITHIN, "(&(a=1)(b=?))" },
	{ "ldaps://h/uid=%u,ou=people%2Co=x", "ldaps://h", false, true, "uid=%u,ou=people,o=x", "uid", LDAP_WITHIN, ANY },
	{ "ldaps://h/%u?mail", "ldaps://h", false, true, "%u", "mail", LDAP_WITHIN, ANY },
};

#define TAKES "TOKEN_HANDLER: takes ldap:ldaps://HOST[:PORT]/BASE?ATTR?SCOPE?FILTER: "
#define GROUPS "LDAP_GROUPS: takes BASE?ATTR?SCOPE?FILTER: "
#define URL "ldaps://h/o=x"

static const struct {
	const char *url, *groups, *msg;
} bad[] = {
	{ "", NULL, TAKES "also ldap:// and ldapi://, of ASCII" },
	{ "ldap.example.org", NULL, TAKES "also ldap:// and ldapi://, of ASCII" },
	{ "ldaps://h", NULL, TAKES "also ldap:// and ldapi://, of ASCII" },
	{ "ldaps://h?uid", NULL, TAKES "also ldap:// and ldapi://, of ASCII" },
	{ "ldaps:///o=x", NULL, TAKES "also ldap:// and ldapi://, of ASCII" },
	{ "https://h/o=x", NULL, TAKES "also ldap:// and ldapi://, of ASCII" },
	{ "LDAPS://h/o=x", NULL, TAKES "also ldap:// and ldapi://, of ASCII" },
	{ "ldaps://u@h/o=x", NULL, TAKES "also ldap:// and ldapi://, of ASCII" },
	{ "ldap://localhost@h/o=x", NULL, TAKES "also ldap:// and ldapi://, of ASCII" },
	{ "ldaps://a b/o=x", NULL, TAKES "also ldap:// and ldapi://, of ASCII" },
	{ URL "?uid,cn", NULL, TAKES "ATTR is one attribute" },
	{ URL "?u*d", NULL, TAKES "ATTR is one attribute" },
	{ URL "?uid)(a", NULL, TAKES "ATTR is one attribute" },
	{ URL "?uid?all", NULL, TAKES "SCOPE is sub, one or base" },
	{ URL "?uid?sub?a=b", NULL, TAKES "FILTER stands in parentheses" },
	{ URL "?uid?sub?(a=b))", NULL, TAKES "FILTER stands in parentheses" },
	{ URL "?uid?sub?(a=b)(c=d)", NULL, TAKES "FILTER stands in parentheses" },
	{ URL "?uid?sub?)(", NULL, TAKES "FILTER stands in parentheses" },
	{ URL "?uid?sub?()", NULL, TAKES "FILTER stands in parentheses" },
	{ URL "?uid?sub?(a=b)?x", NULL, TAKES "nothing stands behind FILTER" },
	{ "ldaps://h/o=%", NULL, TAKES "a % is followed by two hex digits, of UTF-8" },
	{ "ldaps://h/o=%ff", NULL, TAKES "a % is followed by two hex digits, of UTF-8" },
	{ "ldaps://h/o=%00", NULL, TAKES "a % is followed by two hex digits, of UTF-8" },
	{ "ldaps://h/uid=%u,uid=%u", NULL, TAKES "a % is followed by two hex digits, of UTF-8" },
	{ "ldaps://h/uid=%u,o=%25d", NULL, TAKES "a DN with %u in it has no other %" },
	{ URL "?uid?sub?(a=%u)", NULL, TAKES "a % is followed by two hex digits, of UTF-8" },
	{ URL, "ou=g?cn,ou", GROUPS "ATTR is one attribute" },
	{ URL, "ou=g?cn?any", GROUPS "SCOPE is sub, one or base" },
	{ URL, "ou=g?cn?sub?member=%d", GROUPS "FILTER stands in parentheses" },
	{ URL, "ou=g?cn?sub?(member=%x)", GROUPS "a % in FILTER is %u or %d" },
	{ URL, "ou=g?cn?sub?(member=%", GROUPS "a % in FILTER is %u or %d" },
	{ URL, "ou=g?cn?sub?(a=b)?", GROUPS "nothing stands behind FILTER" },
	{ URL, "ou=\xff", GROUPS "of UTF-8" },
};

/* As filters and DNs are written in the RFCs' own examples, and as an attacker would write names. */
static const struct {
	const char *name, *filter, *dn;
} names[] = {
	{ "joe", "(&" ANY "(uid=joe))", "uid=joe,o=x" },
	{ "joe.b_c-d@example.org", "(&" ANY "(uid=joe.b_c-d@example.org))", "uid=joe.b_c-d@example.org,o=x" },
	{ "*", "(&" ANY "(uid=\\2a))", "uid=\\2a,o=x" },
	{ "a)(uid=*", "(&" ANY "(uid=a\\29\\28uid=\\2a))", "uid=a\\29\\28uid\\3d\\2a,o=x" },
	{ "a\\", "(&" ANY "(uid=a\\5c))", "uid=a\\5c,o=x" },
	{ "a\\2a", "(&" ANY "(uid=a\\5c2a))", "uid=a\\5c2a,o=x" },
	{ "a,o=y", "(&" ANY "(uid=a,o=y))", "uid=a\\2co\\3dy,o=x" },
	{ "a+cn=b", "(&" ANY "(uid=a+cn=b))", "uid=a\\2bcn\\3db,o=x" },
	{ " #a\";<> ", "(&" ANY "(uid= #a\";<> ))", "uid=\\20\\23a\\22\\3b\\3c\\3e\\20,o=x" },
	{ "J\xc3\xb6", "(&" ANY "(uid=J\\c3\\b6))", "uid=J\\c3\\b6,o=x" },
	{ "%u%d", "(&" ANY "(uid=%u%d))", "uid=\\25u\\25d,o=x" },
	{ "a\n\x7f", "(&" ANY "(uid=a\\0a\\7f))", "uid=a\\0a\\7f,o=x" },
};
/* clang-format on */

START_TEST(a_url_says_where_and_how_to_look)
{
	ck_assert_msg(try_open(good[_i].url, NULL) == TP_OK, "%s", err.msg);
	ck_assert_str_eq(s.server, good[_i].server);
	ck_assert_int_eq(s.starttls, good[_i].starttls);
	ck_assert_int_eq(s.direct, good[_i].direct);
	ck_assert_str_eq(s.user.base, good[_i].base);
	ck_assert_str_eq(s.user.attr, good[_i].attr);
	ck_assert_str_eq(s.user.filter, good[_i].filter);
	ck_assert_int_eq(s.user.scope, good[_i].scope);
	ck_assert_ptr_null(s.groups.base);
}
END_TEST

START_TEST(a_wrong_one_is_told_what_is_wrong)
{
	ck_assert_int_eq(try_open(bad[_i].url, bad[_i].groups), TP_INVALID);
	ck_assert_str_eq(err.msg, bad[_i].msg);
	ck_assert_ptr_null(s.server);
}
END_TEST

START_TEST(a_name_stays_a_name)
{
	struct buf got = BUF_INIT(1000);

	ck_assert_int_eq(try_open(URL, NULL), TP_OK);
	ldap_user_filter(&s, span_of(names[_i].name), &got);
	ck_assert_str_eq(buf_cstr(&got), names[_i].filter);
	ldap_setting_release(&s);
	ck_assert_int_eq(try_open("ldaps://h/uid=%u,o=x", NULL), TP_OK);
	buf_reset(&got);
	ldap_user_dn(&s, span_of(names[_i].name), &got);
	ck_assert_str_eq(buf_cstr(&got), names[_i].dn);
	buf_release(&got);
}
END_TEST

START_TEST(a_nul_does_not_end_a_name)
{
	struct buf got = BUF_INIT(1000);

	ldap_quote_filter((struct span){ "a\0b", 3 }, &got);
	ck_assert_str_eq(buf_cstr(&got), "a\\00b");
	buf_reset(&got);
	ldap_quote_dn((struct span){ "a\0b", 3 }, &got);
	ck_assert_str_eq(buf_cstr(&got), "a\\00b");
	buf_release(&got);
}
END_TEST

START_TEST(groups_are_searched_by_dn_and_name)
{
	const struct span dn = SPAN_LIT("uid=a*,o=x (y)");
	struct buf got = BUF_INIT(1000);

	ck_assert_int_eq(try_open(URL, "ou=groups?ou?one?(|(m=%d)(u=%u))"), TP_OK);
	ck_assert_str_eq(s.groups.base, "ou=groups");
	ck_assert_str_eq(s.groups.attr, "ou");
	ck_assert_int_eq(s.groups.scope, LDAP_BELOW);
	ldap_group_filter(&s, SPAN_LIT("a*%d"), dn, &got);
	ck_assert_str_eq(buf_cstr(&got), "(|(m=uid=a\\2a,o=x \\28y\\29)(u=a\\2a%d))");
	ldap_setting_release(&s);
	buf_reset(&got);
	ck_assert_int_eq(try_open(URL, "ou=groups"), TP_OK);
	ck_assert_str_eq(s.groups.attr, "cn");
	ldap_group_filter(&s, SPAN_LIT("a"), SPAN_LIT("b"), &got);
	ck_assert_str_eq(buf_cstr(&got), "(|(member=b)(uniqueMember=b)(memberUid=a))");
	buf_release(&got);
}
END_TEST

START_TEST(a_lack_of_memory_leaves_nothing)
{
	bool failed = true;

	for (long n = 1; failed; n++) {
		enum tp_rc rc;

		alloc_fail_at(n);
		rc = try_open("ldaps://h/uid=%u,o=x?uid?sub?(a=b)", "ou=g");
		failed = alloc_fail_off();
		ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
	}
}
END_TEST

static Suite *ldap_suite(void)
{
	Suite *suite = suite_create("ldap_setting");
	TCase *t = tcase_create("ldap_setting");

	tcase_add_checked_fixture(t, NULL, end);
	tcase_add_loop_test(t, a_url_says_where_and_how_to_look, 0, TP_COUNT(good));
	tcase_add_loop_test(t, a_wrong_one_is_told_what_is_wrong, 0, TP_COUNT(bad));
	tcase_add_loop_test(t, a_name_stays_a_name, 0, TP_COUNT(names));
	tcase_add_test(t, a_nul_does_not_end_a_name);
	tcase_add_test(t, groups_are_searched_by_dn_and_name);
	tcase_add_test(t, a_lack_of_memory_leaves_nothing);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return check_run(ldap_suite());
}
