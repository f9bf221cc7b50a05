/* SPDX-License-Identifier: MIT */
/* Claims of auth/userfile_edit.h: text in, text out, byte for byte. */
#include "auth/userfile_edit.h"

#include "support/check_run.h"

#include "base/banned.h"

static struct tp_err err;
static struct buf out = BUF_INIT(LIMIT_AUTHN_FILE);
static bool was;

static void begin(void)
{
	buf_reset(&out);
	err = (struct tp_err){ 0 };
	was = false;
}

START_TEST(puts_a_hash_and_leaves_all_else)
{
	static const struct {
		const char *text, *user, *want;
	} rows[] = {
		{ "", "bob", "bob:NEW\n" },
		{ "al:x\n", "bob", "al:x\nbob:NEW\n" },
		{ "al:x", "bob", "al:x\nbob:NEW\n" },
		{ "bob:old\n", "bob", "bob:NEW\n" },
		{ "bob:old", "bob", "bob:NEW\n" },
		{ "# bob:x\n\n  bob:old:Bob's mail \r\nbob:dead\nal:y\n", "bob",
		  "# bob:x\n\n  bob:NEW:Bob's mail \r\nbob:dead\nal:y\n" },
		{ "bobby:x\nbo:y\nBOB:z\n", "bob", "bobby:x\nbo:y\nBOB:z\nbob:NEW\n" },
		{ "\tbob: old\n", "bob", "\tbob:NEW\n" },
		{ "b ob:x\n", "b ob", "b ob:NEW\n" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		begin();
		ck_assert_msg(userfile_put_user(span_of(rows[i].text), span_of(rows[i].user),
						SPAN_LIT("NEW"), &out, &err) == TP_OK,
			      "%s: %s", rows[i].text, err.msg);
		ck_assert_str_eq(buf_cstr(&out), rows[i].want);
	}
}
END_TEST

START_TEST(drops_every_line_of_a_user)
{
	static const struct {
		const char *text, *want;
		bool was;
	} rows[] = {
		{ "", "", false },
		{ "al:x\n", "al:x\n", false },
		{ "al:x\nbob:y\n# c\nbob:z\ncy:1", "al:x\n# c\ncy:1", true },
		{ "  bob:y\r\nal:x\r\n", "al:x\r\n", true },
		{ "bob:y", "", true },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		begin();
		ck_assert_int_eq(userfile_drop_user(span_of(rows[i].text), SPAN_LIT("bob"), &out,
						    &was, &err),
				 TP_OK);
		ck_assert_str_eq(buf_cstr(&out), rows[i].want);
		ck_assert_int_eq(was, rows[i].was);
	}
}
END_TEST

START_TEST(puts_a_user_into_groups)
{
	static const struct {
		const char *text, *user, *want;
	} rows[] = {
		{ "", "bob", "read: bob\nwrite: bob\n" },
		{ "read:\n", "bob", "read: bob\nwrite: bob\n" },
		{ "read: al \r\n# c\n", "bob", "read: al bob \r\n# c\nwrite: bob\n" },
		{ "write: bob\nread: bobby", "bob", "write: bob\nread: bobby bob\n" },
		{ "read: al\nread: cy\n write : \"bob\"\n", "bob",
		  "read: al bob\nread: cy\n write : \"bob\"\n" },
		{ "other: bob\n", "b ob", "other: bob\nread: \"b ob\"\nwrite: \"b ob\"\n" },
		{ "", "\"b\" ob", "read: '\"b\" ob'\nwrite: '\"b\" ob'\n" },
		{ "", "o'b", "read: o'b\nwrite: o'b\n" },
		{ "", "'b", "read: \"'b\"\nwrite: \"'b\"\n" },
	};
	struct scope_set groups;

	ck_assert_int_eq(scope_parse(SPAN_LIT("read write"), &groups, &err), TP_OK);
	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		begin();
		ck_assert_msg(userfile_put_groups(span_of(rows[i].text), span_of(rows[i].user),
						  &groups, &out, &err) == TP_OK,
			      "%s: %s", rows[i].text, err.msg);
		ck_assert_str_eq(buf_cstr(&out), rows[i].want);
	}
}
END_TEST

START_TEST(drops_a_user_from_all_groups)
{
	static const struct {
		const char *text, *user, *want;
		bool was;
	} rows[] = {
		{ "", "bob", "", false },
		{ "read: al bob cy\n", "bob", "read: al cy\n", true },
		{ "read: bob\nwrite:\tbob 'bob'  \"bob\" \n", "bob", "read:\nwrite: \n", true },
		{ "# bob\nread: bobby\n", "bob", "# bob\nread: bobby\n", false },
		{ "read: al \"b ob\" cy", "b ob", "read: al cy", true },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		begin();
		ck_assert_msg(userfile_drop_groups(span_of(rows[i].text), span_of(rows[i].user),
						   &out, &was, &err) == TP_OK,
			      "%s: %s", rows[i].text, err.msg);
		ck_assert_str_eq(buf_cstr(&out), rows[i].want);
		ck_assert_int_eq(was, rows[i].was);
	}
}
END_TEST

START_TEST(refuses_names_that_a_file_cannot_hold)
{
	static const char *const bad[] = { "",	     "a:b",	 "#a",	  " a",	 "a ",
					   "a\nb:x", "tpauth-x", "a\x7f", "\"'", "\xff" };
	static const char *const good[] = { "a", "a b", "a#", "ü@example.org", "o'b", "\"x\"" };

	for (size_t i = 0; i < TP_COUNT(bad); i++) {
		begin();
		ck_assert(!userfile_name_ok(span_of(bad[i])));
		ck_assert_int_eq(
			userfile_put_user(SPAN_LIT(""), span_of(bad[i]), SPAN_LIT("h"), &out, &err),
			TP_INVALID);
	}
	for (size_t i = 0; i < TP_COUNT(good); i++)
		ck_assert(userfile_name_ok(span_of(good[i])));
}
END_TEST

START_TEST(touches_no_file_that_the_service_would_not_read)
{
	struct scope_set groups;

	ck_assert_int_eq(scope_parse(SPAN_LIT("read"), &groups, &err), TP_OK);
	begin();
	ck_assert_int_eq(userfile_put_user(SPAN_LIT("no colon\n"), SPAN_LIT("bob"), SPAN_LIT("h"),
					   &out, &err),
			 TP_INVALID);
	ck_assert_str_eq(err.msg, "line 1: no ':'");
	begin();
	ck_assert_int_eq(
		userfile_put_groups(SPAN_LIT("read: \"al\n"), SPAN_LIT("bob"), &groups, &out, &err),
		TP_INVALID);
	ck_assert_str_eq(err.msg, "line 1: a quote is not closed");
}
END_TEST

/* A group's name ends at the first ':', so this one cannot be written. */
START_TEST(notices_when_the_file_would_say_something_else)
{
	struct scope_set groups;

	ck_assert_int_eq(scope_parse(SPAN_LIT("user:read"), &groups, &err), TP_OK);
	begin();
	ck_assert_int_eq(userfile_put_groups(SPAN_LIT(""), SPAN_LIT("bob"), &groups, &out, &err),
			 TP_INVALID);
	ck_assert_str_eq(err.msg, "the file cannot be edited so that it says this");
}
END_TEST

static enum tp_rc note(void *arg, struct span user, struct tp_err *e)
{
	(void)arg;
	(void)e;
	buf_span(&out, user);
	buf_char(&out, '|');
	return TP_OK;
}

START_TEST(names_each_user_once)
{
	begin();
	ck_assert_int_eq(userfile_each_user(SPAN_LIT("# x:1\nbob:1\n al:2\r\nbob:3\n\ncy:!\n:4\n"),
					    note, NULL, &err),
			 TP_OK);
	ck_assert_str_eq(buf_cstr(&out), "bob|al|cy|");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("userfile_edit");
	TCase *t = tcase_create("userfile_edit");

	tcase_add_test(t, puts_a_hash_and_leaves_all_else);
	tcase_add_test(t, drops_every_line_of_a_user);
	tcase_add_test(t, puts_a_user_into_groups);
	tcase_add_test(t, drops_a_user_from_all_groups);
	tcase_add_test(t, refuses_names_that_a_file_cannot_hold);
	tcase_add_test(t, touches_no_file_that_the_service_would_not_read);
	tcase_add_test(t, notices_when_the_file_would_say_something_else);
	tcase_add_test(t, names_each_user_once);
	suite_add_tcase(s, t);
	return check_run(s);
}
