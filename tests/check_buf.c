/* SPDX-License-Identifier: MIT */
/* The growing buffer: what is in it, when it fails, and that nothing stays behind. */
#include "base/buf.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"

#include <stdlib.h>

#include "base/banned.h"

static void holds(const struct buf *b, const char *want)
{
	struct span v = buf_view(b);

	ck_assert_ptr_nonnull(v.p);
	ck_assert_uint_eq(v.len, strlen(want));
	ck_assert_str_eq(buf_cstr(b), want);
	ck_assert_int_eq(buf_rc(b, "it", NULL), TP_OK);
}

static bool all_zero(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\0')
			return false;
	}
	return true;
}

START_TEST(room_that_is_not_used_leaves_the_text_as_it_was)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(1000);

	buf_str(&b, "text");
	ck_assert_ptr_nonnull(buf_room(&b, 500));
	ck_assert_str_eq(buf_cstr(&b), "text");
}
END_TEST

START_TEST(is_an_empty_text_before_anything_was_put)
{
	struct buf b = BUF_INIT(10);

	holds(&b, "");
	buf_cut(&b, 0);
	buf_reset(&b);
	holds(&b, "");
	buf_release(&b);
	buf_release(&b);
	holds(&b, "");
}
END_TEST

START_TEST(puts_one_thing_after_another)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(100);

	buf_put(&b, "abc", 2);
	buf_span(&b, SPAN_LIT("-"));
	buf_span(&b, (struct span){ NULL, 0 });
	buf_str(&b, "cd");
	buf_char(&b, ',');
	buf_int(&b, 42);
	buf_printf(&b, ";%s=%04d", "n", 7);
	buf_printf(&b, "%s", "");
	holds(&b, "ab-cd,42;n=0007");
}
END_TEST

START_TEST(keeps_nul_bytes)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(100);

	buf_span(&b, SPAN_LIT("a\0b"));
	ck_assert(span_eq(buf_view(&b), SPAN_LIT("a\0b")));
}
END_TEST

START_TEST(writes_integers)
{
	static const struct {
		int64_t n;
		const char *want;
	} ints[] = { { 0, "0" },
		     { 9, "9" },
		     { -1, "-1" },
		     { 1800000000, "1800000000" },
		     { INT64_MAX, "9223372036854775807" },
		     { INT64_MIN, "-9223372036854775808" } };
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(100);

	for (size_t i = 0; i < TP_COUNT(ints); i++) {
		buf_reset(&b);
		buf_int(&b, ints[i].n);
		holds(&b, ints[i].want);
	}
}
END_TEST

START_TEST(grows_and_keeps_what_it_holds)
{
	enum { ROUNDS = 10000 };
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(10 * ROUNDS);

	for (int i = 0; i < ROUNDS; i++)
		buf_str(&b, "0123456789");
	ck_assert_uint_eq(b.len, 10 * ROUNDS);
	ck_assert_int_eq(buf_rc(&b, "it", NULL), TP_OK);
	for (size_t i = 0; i < b.len; i++)
		ck_assert_int_eq(b.p[i], (int)('0' + i % 10));
}
END_TEST

START_TEST(takes_up_to_its_cap_and_not_a_byte_more)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(5);
	struct tp_err err;

	buf_str(&b, "12345");
	holds(&b, "12345");
	buf_put(&b, "", 0);
	holds(&b, "12345");
	buf_char(&b, '6');
	ck_assert_int_eq(buf_rc(&b, "a thing", &err), TP_TOO_LARGE);
	ck_assert_int_eq(err.rc, TP_TOO_LARGE);
	ck_assert_str_eq(err.msg, "a thing is larger than 5 bytes");
	ck_assert_str_eq(buf_cstr(&b), "12345");
}
END_TEST

START_TEST(stays_failed_until_reset)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(5);

	buf_str(&b, "123");
	buf_str(&b, "456"); /* nothing of it */
	buf_str(&b, "4");   /* would fit */
	buf_printf(&b, "%d", 4);
	ck_assert_ptr_null(buf_room(&b, 1));
	ck_assert_str_eq(buf_cstr(&b), "123");
	ck_assert_int_eq(buf_rc(&b, "it", NULL), TP_TOO_LARGE);
	buf_reset(&b);
	holds(&b, "");
	buf_str(&b, "45678");
	holds(&b, "45678");
}
END_TEST

START_TEST(printf_that_does_not_fit_puts_nothing)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(5);

	buf_printf(&b, "%d", 123456);
	ck_assert_int_eq(buf_rc(&b, "it", NULL), TP_TOO_LARGE);
	ck_assert_str_eq(buf_cstr(&b), "");
}
END_TEST

START_TEST(no_size_overflows)
{
	struct buf b = BUF_INIT(SIZE_MAX);

	buf_str(&b, "x");
	ck_assert_ptr_null(buf_room(&b, SIZE_MAX));
	ck_assert_int_eq(b.rc, TP_TOO_LARGE);
	buf_reset(&b);
	ck_assert_ptr_null(buf_room(&b, SIZE_MAX - 1));
	ck_assert_int_eq(b.rc, TP_TOO_LARGE);
	buf_release(&b);
}
END_TEST

START_TEST(a_cap_of_nothing_takes_nothing)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(0);

	buf_str(&b, "");
	holds(&b, "");
	buf_char(&b, 'x');
	ck_assert_int_eq(buf_rc(&b, "it", NULL), TP_TOO_LARGE);
}
END_TEST

START_TEST(room_is_filled_by_the_caller)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(8);
	char *room;

	buf_str(&b, "ab");
	room = buf_room(&b, 6);
	ck_assert_ptr_nonnull(room);
	memcpy(room, "cdefgh", 6);
	buf_added(&b, 3);
	holds(&b, "abcde");
	ck_assert_ptr_nonnull(buf_room(&b, 3));
	holds(&b, "abcde");
	ck_assert_ptr_null(buf_room(&b, 4));
	ck_assert_int_eq(buf_rc(&b, "it", NULL), TP_TOO_LARGE);
}
END_TEST

START_TEST(tells_that_memory_ran_out)
{
	struct buf b = BUF_INIT(1000);
	struct tp_err err;
	char many[200] = { 0 };

	alloc_fail_at(1);
	buf_str(&b, "x");
	ck_assert(alloc_fail_off());
	ck_assert_int_eq(buf_rc(&b, "it", &err), TP_NOMEM);
	ck_assert_str_eq(err.msg, "out of memory");

	buf_reset(&b);
	buf_str(&b, "kept");
	alloc_fail_at(1);
	buf_put(&b, many, sizeof(many));
	ck_assert(alloc_fail_off());
	ck_assert_int_eq(buf_rc(&b, "it", NULL), TP_NOMEM);
	ck_assert_str_eq(buf_cstr(&b), "kept");
	buf_release(&b);
}
END_TEST

START_TEST(cutting_wipes_what_goes)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(40);

	buf_str(&b, "user=a&password=b");
	buf_cut(&b, 6);
	holds(&b, "user=a");
	ck_assert(all_zero(b.p + 6, strlen("&password=b")));
	buf_cut(&b, 7); /* not longer */
	holds(&b, "user=a");
	buf_cut(&b, 6);
	holds(&b, "user=a");
}
END_TEST

START_TEST(reset_wipes_and_keeps_the_storage)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(40);
	const char *storage;

	buf_str(&b, "user=a&password=b");
	storage = b.p;
	buf_reset(&b);
	holds(&b, "");
	ck_assert(all_zero(b.p, strlen("user=a&password=b") + 1));
	buf_str(&b, "x");
	ck_assert_ptr_eq(b.p, storage);
}
END_TEST

START_TEST(release_leaves_an_empty_buffer_of_the_same_cap)
{
	struct buf b = BUF_INIT(3);

	buf_str(&b, "abcd");
	buf_release(&b);
	ck_assert_ptr_null(b.p);
	holds(&b, "");
	buf_str(&b, "abc");
	holds(&b, "abc");
	buf_release(&b);
}
END_TEST

static Suite *buf_suite(void)
{
	Suite *s = suite_create("buf");
	TCase *tc = tcase_create("buf");

	tcase_add_test(tc, room_that_is_not_used_leaves_the_text_as_it_was);
	tcase_add_test(tc, is_an_empty_text_before_anything_was_put);
	tcase_add_test(tc, puts_one_thing_after_another);
	tcase_add_test(tc, keeps_nul_bytes);
	tcase_add_test(tc, writes_integers);
	tcase_add_test(tc, grows_and_keeps_what_it_holds);
	tcase_add_test(tc, takes_up_to_its_cap_and_not_a_byte_more);
	tcase_add_test(tc, stays_failed_until_reset);
	tcase_add_test(tc, printf_that_does_not_fit_puts_nothing);
	tcase_add_test(tc, no_size_overflows);
	tcase_add_test(tc, a_cap_of_nothing_takes_nothing);
	tcase_add_test(tc, room_is_filled_by_the_caller);
	tcase_add_test(tc, tells_that_memory_ran_out);
	tcase_add_test(tc, cutting_wipes_what_goes);
	tcase_add_test(tc, reset_wipes_and_keeps_the_storage);
	tcase_add_test(tc, release_leaves_an_empty_buffer_of_the_same_cap);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(buf_suite());
}
