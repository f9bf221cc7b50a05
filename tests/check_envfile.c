/* SPDX-License-Identifier: MIT */
/* envfile: the syntax of the settings file. */
#include "config/envfile.h"

#include "base/limits.h"
#include "support/check_run.h"

#include <stdlib.h>

#include "base/banned.h"

/* One line of a file and the value it gives to A. */
static const struct {
	const char *line, *value;
} good[] = {
	{ "A=b", "b" },
	{ "A = b", "b" },
	{ "\tA\t=\tb\t", "b" },
	{ "A=", "" },
	{ "A =  ", "" },
	{ "A = b\r", "b" },
	{ "A = b c  d", "b c  d" },
	{ "A = b=c=", "b=c=" },
	{ "export A=b", "b" },
	{ "export \t A = b", "b" },
	{ "A=exportB", "exportB" },
	{ "A = b # c", "b" },
	{ "A = b\t#c", "b" },
	{ "A = b#c", "b#c" },
	{ "A = b # c # d", "b" },
	{ "A = $HOME ${B}", "$HOME ${B}" },
	{ "A = b\"c\"", "b\"c\"" },
	{ "A = [\"*.x\"]", "[\"*.x\"]" },
	{ "A = b\\n", "b\\n" },
	{ "A = \"\"", "" },
	{ "A = ''", "" },
	{ "A = \" b \"", " b " },
	{ "A = ' b '", " b " },
	{ "A = \"b # c\"", "b # c" },
	{ "A = \"#b\"", "#b" },
	{ "A = \"b\" # c", "b" },
	{ "A = \"b\"#c", "b" },
	{ "A = \"b'c\"", "b'c" },
	{ "A = 'b\"c'", "b\"c" },
	{ "A = \"b\\nc\\td\\re\"", "b\nc\td\re" },
	{ "A = \"\\\"\\\\\\'\"", "\"\\'" },
	{ "A = \"\\d\\$\"", "\\d\\$" },
	{ "A = '\\n\\'\\\\'", "\\n'\\" },
	{ "A = \"b\\\\\"", "b\\" },
	{ "A = \xc3\xa4", "\xc3\xa4" },
};

START_TEST(reads_a_value)
{
	struct envfile f;
	struct envfile_entry e;
	struct tp_err err;

	envfile_init(&f, span_of(good[_i].line));
	ck_assert_int_eq(envfile_next(&f, &e, &err), TP_OK);
	ck_assert(span_is(e.name, "A"));
	ck_assert_msg(span_is(e.value, good[_i].value), "%s", good[_i].line);
	ck_assert_int_eq(envfile_next(&f, &e, &err), TP_NOT_FOUND);
	ck_assert_int_eq(f.line, 1);
	envfile_release(&f);
}
END_TEST

#define FORM "a line is not of the form NAME = value"

static const struct {
	const char *line, *message;
} bad[] = {
	{ "b", FORM },
	{ "= b", FORM },
	{ "A b = c", FORM },
	{ "1A = b", FORM },
	{ "A-B = c", FORM },
	{ "'A' = b", FORM },
	{ "export", FORM },
	{ "export = b", FORM },
	{ "export A", FORM },
	{ "\xef\xbb\xbf"
	  "A = b",
	  FORM },
	{ "A = #b", "a value that begins with # needs quotes" },
	{ "A = \"b", "a quote is not closed on its line" },
	{ "A = 'b", "a quote is not closed on its line" },
	{ "A = \"b\\\"", "a quote is not closed on its line" },
	{ "A = \"", "a quote is not closed on its line" },
	{ "A = \"b\" c", "there is text behind a closing quote" },
	{ "A = 'b'c", "there is text behind a closing quote" },
	{ "A = b\rc", "a line has a control character" },
	{ "A = b\x1b", "a line has a control character" },
	{ "# \x01", "a line has a control character" },
	{ "A = b\x7f", "a line has a control character" },
};

START_TEST(refuses_what_it_would_have_to_guess_at)
{
	struct envfile f;
	struct envfile_entry e;
	struct tp_err err;

	envfile_init(&f, span_of(bad[_i].line));
	ck_assert_int_eq(envfile_next(&f, &e, &err), TP_INVALID);
	ck_assert_str_eq(err.msg, bad[_i].message);
	envfile_release(&f);
}
END_TEST

START_TEST(counts_lines)
{
	static const char text[] = "\n# one\r\n\r\n  A=1\n\t\nB=2\n";
	struct envfile f;
	struct envfile_entry e;
	struct tp_err err;

	envfile_init(&f, SPAN_LIT(text));
	ck_assert_int_eq(envfile_next(&f, &e, &err), TP_OK);
	ck_assert_int_eq(f.line, 4);
	ck_assert(span_is(e.name, "A") && span_is(e.value, "1"));
	ck_assert_int_eq(envfile_next(&f, &e, &err), TP_OK);
	ck_assert_int_eq(f.line, 6);
	ck_assert(span_is(e.name, "B") && span_is(e.value, "2"));
	ck_assert_int_eq(envfile_next(&f, &e, &err), TP_NOT_FOUND);
	ck_assert_int_eq(envfile_next(&f, &e, &err), TP_NOT_FOUND);
	envfile_release(&f);
	envfile_release(&f);
}
END_TEST

START_TEST(refuses_a_nul)
{
	struct envfile f;
	struct envfile_entry e;
	struct tp_err err;

	envfile_init(&f, SPAN_LIT("A = b\0c\n"));
	ck_assert_int_eq(envfile_next(&f, &e, &err), TP_INVALID);
	ck_assert_str_eq(err.msg, "a line has a control character");
	envfile_release(&f);
}
END_TEST

START_TEST(refuses_a_line_that_is_too_long)
{
	char *text = malloc(LIMIT_CONFIG_LINE + 1);
	struct envfile f;
	struct envfile_entry e;
	struct tp_err err;

	ck_assert_ptr_nonnull(text);
	memset(text, 'A', LIMIT_CONFIG_LINE + 1);
	text[1] = '=';
	envfile_init(&f, (struct span){ text, LIMIT_CONFIG_LINE });
	ck_assert_int_eq(envfile_next(&f, &e, &err), TP_OK);
	ck_assert_uint_eq(e.value.len, LIMIT_CONFIG_LINE - 2);
	envfile_release(&f);
	envfile_init(&f, (struct span){ text, LIMIT_CONFIG_LINE + 1 });
	ck_assert_int_eq(envfile_next(&f, &e, &err), TP_INVALID);
	ck_assert_str_eq(err.msg, "a line has more than 65536 bytes");
	envfile_release(&f);
	free(text);
}
END_TEST

START_TEST(is_at_its_end_at_once_when_empty)
{
	struct envfile f;
	struct envfile_entry e;
	struct tp_err err;

	envfile_init(&f, SPAN_LIT(""));
	ck_assert_int_eq(envfile_next(&f, &e, &err), TP_NOT_FOUND);
	envfile_release(&f);
}
END_TEST

static Suite *envfile_suite(void)
{
	Suite *s = suite_create("envfile");
	TCase *t = tcase_create("lines");

	tcase_add_loop_test(t, reads_a_value, 0, (int)TP_COUNT(good));
	tcase_add_loop_test(t, refuses_what_it_would_have_to_guess_at, 0, (int)TP_COUNT(bad));
	tcase_add_test(t, counts_lines);
	tcase_add_test(t, refuses_a_nul);
	tcase_add_test(t, refuses_a_line_that_is_too_long);
	tcase_add_test(t, is_at_its_end_at_once_when_empty);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(envfile_suite());
}
