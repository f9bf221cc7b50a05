/* SPDX-License-Identifier: MIT */
/* Claims of ctl/text.h: what reaches a terminal. */
#include "ctl/text.h"

#include "support/check_run.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

START_TEST(shows_times_in_utc_and_none_as_a_dash)
{
	char room[TEXT_TIME];

	ck_assert_str_eq(text_time(1300819380, room), "2011-03-22 18:43:00Z");
	ck_assert_str_eq(text_time(0, room), "-");
	ck_assert_str_eq(text_time(-1, room), "-");
	ck_assert_str_eq(text_time(INT64_MAX, room), "-");
}
END_TEST

START_TEST(lets_no_control_character_through)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ "plain \xc3\xbc", "plain \xc3\xbc" },
		{ "\033[31m\n\t\x7f", "?[31m???" },
		{ "\xc2\x9b"
		  "31m",
		  "?31m" },
		{ "\xc2\xa0", "\xc2\xa0" },
		{ "\xc2", "\xc2" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		TP_CLEANUP(buf_release) struct buf out = BUF_INIT(100);

		text_put(span_of(rows[i].text), &out);
		ck_assert_str_eq(buf_cstr(&out), rows[i].want);
	}
}
END_TEST

START_TEST(marks_words_where_there_are_colours)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(100);

	text_mark(TEXT_GOOD, true, "yes", &out);
	text_mark(TEXT_BAD, false, "no", &out);
	ck_assert_str_eq(buf_cstr(&out), "\033[32myes\033[0mno");
}
END_TEST

START_TEST(has_no_colours_in_a_pipe)
{
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	ck_assert(!text_colours(fd[1]));
	close(fd[0]);
	close(fd[1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("text");
	TCase *t = tcase_create("text");

	tcase_add_test(t, shows_times_in_utc_and_none_as_a_dash);
	tcase_add_test(t, lets_no_control_character_through);
	tcase_add_test(t, marks_words_where_there_are_colours);
	tcase_add_test(t, has_no_colours_in_a_pipe);
	suite_add_tcase(s, t);
	return check_run(s);
}
