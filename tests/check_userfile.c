/* SPDX-License-Identifier: MIT */
/*
 * Password and group files as text: what is found, in which order, and what is refused by which
 * line.
 */
#include "auth/userfile.h"

#include "base/limits.h"
#include "support/check_run.h"

#include <stdlib.h>

#include "base/banned.h"

#define SHA	"{SHA}L55TUjtiq8FBorTWAZ0jy6g129A="
#define APR1	"$apr1$8Ti/muGk$lMIBN0iEpP98oOAVAN7HT0"
#define BCRYPT4 "$2y$04$VZIt6A6PUn4ryk5g2HmMcO2r3f2Hg6m4XBL/GP9oLBQk3jxyx1G0a"
#define BCRYPT5 "$2y$05$VZIt6A6PUn4ryk5g2HmMcO2r3f2Hg6m4XBL/GP9oLBQk3jxyx1G0a"

static enum tp_rc try_open(enum userfile_format format, const char *p, size_t len,
			   struct userfile **ret, struct tp_err *err)
{
	struct buf text = BUF_INIT((size_t)2 * LIMIT_AUTHN_FILE);
	enum tp_rc rc;

	buf_put(&text, p, len);
	rc = userfile_open(format, &text, ret, err);
	ck_assert_ptr_null(text.p); /* taken over */
	return rc;
}

static struct userfile *open_text(enum userfile_format format, const char *text)
{
	struct userfile *f = NULL;
	struct tp_err err = { 0 };

	ck_assert_msg(try_open(format, text, strlen(text), &f, &err) == TP_OK, "%s", err.msg);
	return f;
}

/* clang-format off */
static const struct {
	const char *text, *user;
	const char *hash; /* NULL: no such user */
} lookups[] = {
	{ "joe:" SHA "\n", "joe", SHA },
	{ "joe:" SHA, "joe", SHA },
	{ "joe:" SHA "\n", "jo", NULL },
	{ "joe:" SHA "\n", "joes", NULL },
	{ "joe:" SHA "\n", "Joe", NULL },
	{ "joe:" SHA "\n", "", NULL },
	{ "", "joe", NULL },
	{ "\n\n", "joe", NULL },
	{ "# joe:" SHA "\n", "joe", NULL },
	{ "# joe:" SHA "\n", "# joe", NULL },
	{ "  # note without a colon\njoe:" SHA "\n", "joe", SHA },
	/* a third field, as with htdigest-like tools */
	{ "joe:" SHA ":Joe Doe:joe@example.org\n", "joe", SHA },
	/* CRLF and blanks */
	{ "joe:" SHA "\r\nann:" APR1 "\r\n", "joe", SHA },
	{ "joe:" SHA "\r\nann:" APR1 "\r\n", "ann", APR1 },
	{ "\r\njoe:" SHA "\r\n", "joe", SHA },
	{ " \tjoe:" SHA " \t\n", "joe", SHA },
	/* the first line of a name counts */
	{ "joe:" SHA "\njoe:" APR1 "\n", "joe", SHA },
	{ "joe:!\njoe:" SHA "\n", "joe", "!" },
	/* lines of no use hurt nobody else */
	{ "joe:secret\nann:" SHA "\n", "ann", SHA },
	{ "joe:secret\nann:" SHA "\n", "joe", "secret" },
	{ "joe:\nann:" SHA "\n", "ann", SHA },
	{ "joe:\nann:" SHA "\n", "joe", "" },
	{ ":" SHA "\nann:" SHA "\n", "ann", SHA },
	{ ":" SHA "\nann:" SHA "\n", "", NULL },
	/* names are bytes */
	{ "J\xc3\xb6rg:" SHA "\n", "J\xc3\xb6rg", SHA },
	{ "joe doe:" SHA "\n", "joe doe", SHA },
	{ "joe@example.org:" SHA "\n", "joe@example.org", SHA },
};

static const struct {
	const char *text, *user, *groups; /* separated by commas */
} memberships[] = {
	{ "admin: joe ann\n", "joe", "admin" },
	{ "admin: joe ann\n", "ann", "admin" },
	{ "admin: joe ann\n", "jo", "" },
	{ "admin: joe ann\n", "admin", "" },
	{ "admin: joe ann\nuser:read: ann joe\n", "joe", "admin,user:read" },
	{ "user:read: ann joe\nuser:: joe\n", "joe", "user:read,user:" },
	{ "user.read: joe\nadmin: ann\nuser.write: joe\n", "joe", "user.read,user.write" },
	{ "b: joe\na: joe\n", "joe", "b,a" },
	{ "a: joe joe\na: joe\nb: joe\na: joe\n", "joe", "a,b" },
	{ "a:joe\tann\n", "ann", "a" },
	{ "a:joe", "joe", "a" },
	{ " a : joe \r\n", "joe", "a" },
	{ "a:\n", "joe", "" },
	{ "", "joe", "" },
	{ "# a: joe\n", "joe", "" },
	{ "a: \"joe doe\" 'ann doe' kim\n", "joe doe", "a" },
	{ "a: \"joe doe\" 'ann doe' kim\n", "ann doe", "a" },
	{ "a: \"joe doe\" 'ann doe' kim\n", "kim", "a" },
	{ "a: \"joe doe\" 'ann doe' kim\n", "joe", "" },
	{ "a: o'brien\n", "o'brien", "a" },
	{ "a: \"\" joe\n", "joe", "a" },
	{ "a: \"\" joe\n", "", "" },
};

#define LINE(text) text, sizeof(text) - 1

static const struct {
	enum userfile_format format;
	const char *text;
	size_t len;
	const char *msg;
} refusals[] = {
	{ USERFILE_PASSWORDS, LINE("joe"), "line 1: no ':'" },
	{ USERFILE_PASSWORDS, LINE("joe:" SHA "\n\n# x\nann\n"), "line 4: no ':'" },
	{ USERFILE_PASSWORDS, LINE("<html>\n"), "line 1: no ':'" },
	{ USERFILE_PASSWORDS, LINE("joe:" SHA "\nan\0n:" SHA "\n"), "line 2: a NUL" },
	{ USERFILE_PASSWORDS, LINE("joe:" SHA "\n\0\0\0\0"), "line 2: a NUL" },
	{ USERFILE_GROUPS, LINE("admin joe\n"), "line 1: no ':'" },
	{ USERFILE_GROUPS, LINE("admin: joe\n\0"), "line 2: a NUL" },
	{ USERFILE_GROUPS, LINE("a: joe\nthe admins: joe\n"),
	  "line 2: the group name \"the admins\" cannot be a scope" },
	{ USERFILE_GROUPS, LINE(": joe\n"), "line 1: the group name \"\" cannot be a scope" },
	{ USERFILE_GROUPS, LINE("a\\b: joe\n"),
	  "line 1: the group name \"a\\b\" cannot be a scope" },
	{ USERFILE_GROUPS, LINE("\xc3\xa4: joe\n"),
	  "line 1: the group name \"\xc3\xa4\" cannot be a scope" },
	{ USERFILE_GROUPS,
	  LINE("12345678901234567890123456789012345678901234567890123456789012345678901234567890"
	       "1234567890123456789012345678901234567890123456789: joe\n"),
	  "line 1: the group name \"1234567890123456789012345678901234567890\" cannot be a scope" },
	{ USERFILE_GROUPS, LINE("a: \"joe ann\n"), "line 1: a quote is not closed" },
	{ USERFILE_GROUPS, LINE("a: joe '"), "line 1: a quote is not closed" },
};

static const struct {
	const char *text;
	bool whole;
} endings[] = {
	{ "", false }, { "joe:" SHA, false }, { "joe:" SHA "\n", true },
	{ "joe:" SHA "\nann:$ap", false }, { "joe:" SHA "\r\n", true }, { "# empty\n", true },
};

static const struct {
	const char *text, *dearest, *useless;
} costs[] = {
	{ "", NULL, NULL },
	{ "joe:" SHA "\n", SHA, NULL },
	{ "a:" SHA "\nb:" BCRYPT5 "\nc:" APR1 "\n", BCRYPT5, NULL },
	{ "a:" SHA "\nb:" BCRYPT4 "\nc:" BCRYPT5 "\n", BCRYPT5, NULL },
	{ "a:!\nb:*\n", NULL, "!" },
	{ "a:secret\nb:" SHA "\nc:\n", SHA, NULL },
	{ "a:\nb:secret\n", NULL, "" },
	/* a name that cannot log in still has a hash */
	{ ":" SHA "\n", SHA, NULL },
};
/* clang-format on */

START_TEST(finds_the_hash_of_a_user)
{
	struct userfile *f = open_text(USERFILE_PASSWORDS, lookups[_i].text);
	struct span hash = { NULL, 0 };
	bool found = userfile_hash(f, span_of(lookups[_i].user), &hash);

	ck_assert_msg(found == (lookups[_i].hash != NULL), "%s", lookups[_i].text);
	if (found)
		ck_assert_msg(span_is(hash, lookups[_i].hash), "%s", lookups[_i].text);
	else
		ck_assert_ptr_null(hash.p);
	userfile_close(f);
}
END_TEST

START_TEST(finds_the_groups_of_a_user_in_order)
{
	struct userfile *f = open_text(USERFILE_GROUPS, memberships[_i].text);
	struct buf got = BUF_INIT(1000);
	struct span groups[8];
	size_t n = userfile_groups(f, span_of(memberships[_i].user), groups, TP_COUNT(groups));

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_char(&got, ',');
		buf_span(&got, groups[i]);
	}
	ck_assert_str_eq(buf_cstr(&got), memberships[_i].groups);
	buf_release(&got);
	userfile_close(f);
}
END_TEST

START_TEST(gives_no_more_groups_than_asked_for)
{
	struct userfile *f = open_text(USERFILE_GROUPS, "a: joe\nb: joe\na: joe\nc: joe\n");
	struct span groups[3] = { { NULL, 0 } };

	ck_assert_uint_eq(userfile_groups(f, SPAN_LIT("joe"), groups, 0), 0);
	ck_assert_uint_eq(userfile_groups(f, SPAN_LIT("joe"), groups, 2), 2);
	ck_assert(span_is(groups[1], "b"));
	ck_assert_ptr_null(groups[2].p);
	ck_assert_uint_eq(userfile_groups(f, SPAN_LIT("joe"), groups, 3), 3);
	ck_assert(span_is(groups[2], "c"));
	userfile_close(f);
}
END_TEST

START_TEST(refuses_what_is_surely_wrong_by_its_line)
{
	struct userfile *f = NULL;
	struct tp_err err = { 0 };

	ck_assert_int_eq(
		try_open(refusals[_i].format, refusals[_i].text, refusals[_i].len, &f, &err),
		TP_INVALID);
	ck_assert_str_eq(err.msg, refusals[_i].msg);
	ck_assert_ptr_null(f);
}
END_TEST

START_TEST(sees_that_the_last_line_has_no_end)
{
	struct userfile *f = open_text(USERFILE_PASSWORDS, endings[_i].text);

	ck_assert_int_eq(userfile_is_whole(f), endings[_i].whole);
	userfile_close(f);
}
END_TEST

static void is_span_or_absent(struct span s, const char *expected)
{
	if (expected == NULL)
		ck_assert_ptr_null(s.p);
	else
		ck_assert(span_is(s, expected));
}

START_TEST(knows_the_dearest_hash_and_a_file_of_no_use)
{
	struct userfile *f = open_text(USERFILE_PASSWORDS, costs[_i].text);

	is_span_or_absent(userfile_dearest(f), costs[_i].dearest);
	is_span_or_absent(userfile_useless(f), costs[_i].useless);
	userfile_close(f);
}
END_TEST

START_TEST(gives_an_unknown_name_some_users_hash)
{
	static const char *const names[] = { "x", "y", "nobody", "root", "a1", "a2", "a3", "a4" };
	struct userfile *f = open_text(USERFILE_PASSWORDS, "a:$apr1$one\nb:$apr1$two\n");
	struct userfile *none = open_text(USERFILE_PASSWORDS, "# nobody\n");
	bool seen[2] = { false, false };

	for (size_t i = 0; i < TP_COUNT(names); i++) {
		struct span hash = userfile_stand_in(f, span_of(names[i]));

		ck_assert(span_is(hash, "$apr1$one") || span_is(hash, "$apr1$two"));
		ck_assert(span_eq(hash, userfile_stand_in(f, span_of(names[i]))));
		seen[span_is(hash, "$apr1$two")] = true;
	}
	ck_assert(seen[0] && seen[1]);
	ck_assert_ptr_null(userfile_stand_in(none, SPAN_LIT("x")).p);
	userfile_close(none);
	userfile_close(f);
}
END_TEST

START_TEST(tells_the_line_of_a_hash)
{
	struct userfile *f =
		open_text(USERFILE_PASSWORDS, "a:" SHA "\n\n# c\nb:" APR1 "\n c:!\nd:" SHA "\n");
	struct span hash;

	ck_assert(userfile_hash(f, SPAN_LIT("a"), &hash));
	ck_assert_uint_eq(userfile_line(f, hash), 1);
	ck_assert(userfile_hash(f, SPAN_LIT("b"), &hash));
	ck_assert_uint_eq(userfile_line(f, hash), 4);
	ck_assert(userfile_hash(f, SPAN_LIT("c"), &hash));
	ck_assert_uint_eq(userfile_line(f, hash), 5);
	ck_assert(userfile_hash(f, SPAN_LIT("d"), &hash));
	ck_assert_uint_eq(userfile_line(f, hash), 6);
	userfile_close(f);
}
END_TEST

START_TEST(a_name_may_have_255_bytes)
{
	struct buf text = BUF_INIT(10000);
	struct userfile *f = NULL;
	char name[LIMIT_USER_ID + 1];
	struct span hash;
	struct tp_err err;

	memset(name, 'n', sizeof(name));
	buf_put(&text, name, LIMIT_USER_ID);
	buf_str(&text, ":" SHA "\n");
	buf_put(&text, name, LIMIT_USER_ID + 1);
	buf_str(&text, ":" SHA "\n");
	ck_assert_int_eq(userfile_open(USERFILE_PASSWORDS, &text, &f, &err), TP_OK);
	ck_assert(userfile_hash(f, (struct span){ name, LIMIT_USER_ID }, &hash));
	ck_assert(!userfile_hash(f, (struct span){ name, LIMIT_USER_ID + 1 }, &hash));
	userfile_close(f);
}
END_TEST

START_TEST(finds_each_of_many_users)
{
	enum { MANY = 20000 };
	struct buf users = BUF_INIT(1 << 24), groups = BUF_INIT(1 << 24);
	struct userfile *u = NULL, *g = NULL;
	struct tp_err err;

	for (int i = 0; i < MANY; i++) {
		buf_printf(&users, "user%d:{SHA}%06d5TUjtiq8FBorTWAZ0jy6g129A=\n", i, i);
		buf_printf(&groups, "g%d: user%d user%d\n", i % 7, i, MANY - 1 - i);
	}
	ck_assert_int_eq(userfile_open(USERFILE_PASSWORDS, &users, &u, &err), TP_OK);
	ck_assert_int_eq(userfile_open(USERFILE_GROUPS, &groups, &g, &err), TP_OK);
	for (int i = 0; i < MANY; i++) {
		struct buf name = BUF_INIT(100), expected = BUF_INIT(100);
		struct span hash, found[3];
		int other = MANY - 1 - i;

		buf_printf(&name, "user%d", i);
		buf_printf(&expected, "{SHA}%06d5TUjtiq8FBorTWAZ0jy6g129A=", i);
		ck_assert(userfile_hash(u, buf_view(&name), &hash));
		ck_assert(span_eq(hash, buf_view(&expected)));
		ck_assert_uint_eq(userfile_groups(g, buf_view(&name), found, 3),
				  i % 7 == other % 7 ? 1 : 2);
		ck_assert_int_eq(found[0].p[1], '0' + (i < other ? i : other) % 7);
		buf_release(&name);
		buf_release(&expected);
	}
	userfile_close(u);
	userfile_close(g);
}
END_TEST

START_TEST(refuses_a_text_over_the_limit)
{
	struct buf text = BUF_INIT((size_t)2 * LIMIT_AUTHN_FILE);
	struct userfile *f = NULL;
	struct tp_err err = { 0 };
	char *room = buf_room(&text, LIMIT_AUTHN_FILE + 1);

	ck_assert_ptr_nonnull(room);
	memset(room, '\n', LIMIT_AUTHN_FILE + 1);
	buf_added(&text, LIMIT_AUTHN_FILE + 1);
	ck_assert_int_eq(userfile_open(USERFILE_PASSWORDS, &text, &f, &err), TP_INVALID);
	ck_assert_str_eq(err.msg, "larger than 67108864 bytes");
	ck_assert_ptr_null(text.p);
}
END_TEST

START_TEST(closes_nothing)
{
	userfile_close(NULL);
}
END_TEST

static Suite *userfile_suite(void)
{
	Suite *s = suite_create("userfile");
	TCase *t = tcase_create("userfile");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, finds_the_hash_of_a_user, 0, TP_COUNT(lookups));
	tcase_add_loop_test(t, finds_the_groups_of_a_user_in_order, 0, TP_COUNT(memberships));
	tcase_add_test(t, gives_no_more_groups_than_asked_for);
	tcase_add_loop_test(t, refuses_what_is_surely_wrong_by_its_line, 0, TP_COUNT(refusals));
	tcase_add_loop_test(t, sees_that_the_last_line_has_no_end, 0, TP_COUNT(endings));
	tcase_add_loop_test(t, knows_the_dearest_hash_and_a_file_of_no_use, 0, TP_COUNT(costs));
	tcase_add_test(t, gives_an_unknown_name_some_users_hash);
	tcase_add_test(t, tells_the_line_of_a_hash);
	tcase_add_test(t, a_name_may_have_255_bytes);
	tcase_add_test(t, finds_each_of_many_users);
	tcase_add_test(t, refuses_a_text_over_the_limit);
	tcase_add_test(t, closes_nothing);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(userfile_suite());
}
