/* SPDX-License-Identifier: MIT */
/* Claims of base/file.h: what is read whole, what is refused, and with which words. */
#include "base/file.h"

#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/folder.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/banned.h"

enum { LARGE = 10000 }; /* more than is read at a time */

static struct tp_err err;

static enum tp_rc read_into(struct buf *out, const char *name)
{
	err = (struct tp_err){ 0 };
	return file_read(folder_path(name), out, &err);
}

static const char *large(size_t n)
{
	static char text[LARGE + 1];

	memset(text, 'x', n);
	text[n] = '\0';
	return text;
}

START_TEST(appends_the_whole_file)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, LARGE };

	for (size_t i = 0; i < TP_COUNT(sizes); i++) {
		TP_CLEANUP(buf_release) struct buf out = BUF_INIT(LARGE + 2);

		folder_write("file", large(sizes[i]));
		buf_str(&out, "> ");
		ck_assert_int_eq(read_into(&out, "file"), TP_OK);
		ck_assert_uint_eq(out.len, 2 + sizes[i]);
		ck_assert(memcmp(out.p + 2, large(sizes[i]), sizes[i]) ==
			  0); /* too long for a message */
	}
}
END_TEST

START_TEST(takes_as_much_as_the_buffer_and_no_byte_more)
{
	static const size_t caps[] = { 1, 4095, 4096, 4097, LARGE - 1 };

	for (size_t i = 0; i < TP_COUNT(caps); i++) {
		TP_CLEANUP(buf_release) struct buf fits = BUF_INIT(caps[i]);
		TP_CLEANUP(buf_release) struct buf tight = BUF_INIT(caps[i]);
		char want[64];

		folder_write("file", large(caps[i]));
		ck_assert_int_eq(read_into(&fits, "file"), TP_OK);
		ck_assert_uint_eq(fits.len, caps[i]);
		folder_write("file", large(caps[i] + 1));
		ck_assert_int_eq(read_into(&tight, "file"), TP_INVALID);
		snprintf(want, sizeof(want), "it is larger than %zu bytes", caps[i]);
		ck_assert_str_eq(err.msg, want);
	}
}
END_TEST

START_TEST(waits_for_nothing_and_names_no_file)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(100);

	ck_assert_int_eq(read_into(&out, "none"), TP_INVALID);
	ck_assert_str_eq(err.msg, "No such file or directory");
	ck_assert_int_eq(mkfifo(folder_path("pipe"), 0600), 0);
	ck_assert_int_eq(read_into(&out, "pipe"), TP_INVALID);
	ck_assert_str_eq(err.msg, "not a regular file");
	ck_assert_int_eq(read_into(&out, "."), TP_INVALID);
	ck_assert_str_eq(err.msg, "not a regular file");
	ck_assert_int_eq(file_read("/dev/zero", &out, &err), TP_INVALID);
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(tells_that_memory_ran_out)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(100);

	folder_write("file", "text");
	alloc_fail_at(1);
	ck_assert_int_eq(read_into(&out, "file"), TP_NOMEM);
	ck_assert(alloc_fail_off());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("file");
	TCase *t = tcase_create("file");

	tcase_add_checked_fixture(t, folder_make, folder_remove);
	tcase_add_test(t, appends_the_whole_file);
	tcase_add_test(t, takes_as_much_as_the_buffer_and_no_byte_more);
	tcase_add_test(t, waits_for_nothing_and_names_no_file);
	tcase_add_test(t, tells_that_memory_ran_out);
	suite_add_tcase(s, t);
	return check_run(s);
}
