/* SPDX-License-Identifier: MIT */
/* Spans: each row is one call, with what comes out. */
#include "base/str.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"

#include <stdlib.h>

#include "base/banned.h"

static const struct span absent = { NULL, 0 };

static void same_span(struct span got, const char *want)
{
	ck_assert_ptr_nonnull(got.p);
	ck_assert_uint_eq(got.len, strlen(want));
	ck_assert_mem_eq(got.p, want, got.len);
}

/* Comparing ------------------------------------------------------------------------------------ */

START_TEST(absent_is_not_empty)
{
	ck_assert_ptr_null(span_of(NULL).p);
	ck_assert_uint_eq(span_of(NULL).len, 0);
	ck_assert_ptr_nonnull(span_of("").p);
	ck_assert(span_is(span_of(""), ""));
	ck_assert(!span_is(absent, ""));
	ck_assert(!span_is_nocase(absent, ""));
	ck_assert(!span_starts(absent, ""));
	ck_assert(!span_has_byte(absent, '\0'));
	ck_assert(!span_has_control(absent));
	ck_assert(span_is_utf8(absent));
	ck_assert_ptr_null(span_trim(absent).p);
}
END_TEST

START_TEST(compares_all_bytes_and_the_length)
{
	ck_assert(span_eq(SPAN_LIT("a\0b"), SPAN_LIT("a\0b")));
	ck_assert(!span_eq(SPAN_LIT("a\0b"), SPAN_LIT("a\0c")));
	ck_assert(!span_eq(SPAN_LIT("a"), SPAN_LIT("ab")));
	ck_assert(span_is(span_of("abc"), "abc"));
	ck_assert(!span_is(span_of("abc"), "ab"));
	ck_assert(!span_is(span_of("abc"), "abC"));
	ck_assert(!span_is(SPAN_LIT("abc\0"), "abc"));
}
END_TEST

START_TEST(orders_by_bytes_and_then_by_length)
{
	const struct span sorted[] = { SPAN_LIT(""),	    SPAN_LIT("A"),  SPAN_LIT("a"),
				       SPAN_LIT("a\0"),	    SPAN_LIT("aa"), SPAN_LIT("b"),
				       SPAN_LIT("\xc3\xa9") };

	for (size_t i = 0; i < TP_COUNT(sorted); i++) {
		for (size_t k = 0; k < TP_COUNT(sorted); k++) {
			int order = span_order(sorted[i], sorted[k]);

			ck_assert_int_eq((order > 0) - (order < 0), (i > k) - (i < k));
		}
	}
	ck_assert_int_eq(span_order((struct span){ NULL, 0 }, SPAN_LIT("")), 0);
}
END_TEST

START_TEST(ignores_the_case_of_ascii_only)
{
	ck_assert(span_is_nocase(span_of("Bearer"), "bEARER"));
	ck_assert(!span_is_nocase(span_of("Bearer"), "Beare"));
	ck_assert(!span_is_nocase(span_of("Bearer"), "Bearer "));
	ck_assert(!span_is_nocase(span_of("@[`{"), "`{@["));
	ck_assert(!span_is_nocase(span_of("\xc4"), "\xe4"));
	ck_assert(span_is_nocase(span_of("AZaz09"), "azAZ09"));
}
END_TEST

START_TEST(knows_how_a_span_starts)
{
	ck_assert(span_starts(span_of("file:/x"), "file:"));
	ck_assert(span_starts(span_of("file:"), "file:"));
	ck_assert(span_starts(span_of("x"), ""));
	ck_assert(!span_starts(span_of("file"), "file:"));
	ck_assert(!span_starts(span_of("File:"), "file:"));
}
END_TEST

START_TEST(finds_bytes)
{
	ck_assert(span_has_byte(SPAN_LIT("a\0b"), '\0'));
	ck_assert(span_has_byte(SPAN_LIT("ab"), 'b'));
	ck_assert(!span_has_byte((struct span){ "ab", 1 }, 'b'));
	ck_assert(!span_has_byte(span_of("ab"), '\0'));
}
END_TEST

START_TEST(finds_control_bytes)
{
	for (int c = 0; c < 256; c++) {
		char text[3] = { 'a', (char)c, 'z' };

		ck_assert_int_eq(span_has_control((struct span){ text, 3 }), c < 0x20 || c == 0x7f);
	}
}
END_TEST

/* Cutting -------------------------------------------------------------------------------------- */

START_TEST(trims_blanks_and_tabs)
{
	static const char *const trims[][2] = { { "", "" },	     { " ", "" },
						{ "\t \t", "" },     { "a", "a" },
						{ " a b\t", "a b" }, { "\na\r", "\na\r" } };

	for (size_t i = 0; i < TP_COUNT(trims); i++)
		same_span(span_trim(span_of(trims[i][0])), trims[i][1]);
}
END_TEST

START_TEST(cuts_at_each_separator)
{
	static const struct {
		const char *text, *parts[4];
	} cuts[] = {
		{ "", { "" } },	     { "a", { "a" } },	    { "a;b", { "a", "b" } },
		{ ";", { "", "" } }, { "a;", { "a", "" } }, { ";;a", { "", "", "a" } },
	};

	for (size_t i = 0; i < TP_COUNT(cuts); i++) {
		struct span rest = span_of(cuts[i].text);
		size_t n = 0;

		while (rest.p != NULL) {
			ck_assert_ptr_nonnull(cuts[i].parts[n]);
			same_span(span_cut(&rest, ';'), cuts[i].parts[n++]);
		}
		ck_assert_ptr_null(cuts[i].parts[n]);
		ck_assert_uint_eq(rest.len, 0);
	}
}
END_TEST

/* Integers ------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *text;
	int64_t low, high;
	bool good;
	int64_t want;
} ints[] = {
	{ "0", 0, 0, true, 0 },
	{ "7", 0, 10, true, 7 },
	{ "-7", -7, 10, true, -7 },
	{ "1800000000", 0, INT64_MAX, true, 1800000000 },
	{ "9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX },
	{ "-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN },
	{ "9223372036854775808", INT64_MIN, INT64_MAX, false, 0 },
	{ "-9223372036854775809", INT64_MIN, INT64_MAX, false, 0 },
	{ "18446744073709551617", INT64_MIN, INT64_MAX, false, 0 },
	{ "11", 0, 10, false, 0 },
	{ "-1", 0, 10, false, 0 },
	{ "", 0, 10, false, 0 },
	{ "-", -10, 10, false, 0 },
	{ "--1", -10, 10, false, 0 },
	{ "-0", -10, 10, false, 0 },
	{ "00", 0, 10, false, 0 },
	{ "01", 0, 10, false, 0 },
	{ "-01", -10, 10, false, 0 },
	{ "+1", 0, 10, false, 0 },
	{ " 1", 0, 10, false, 0 },
	{ "1 ", 0, 10, false, 0 },
	{ "1.0", 0, 10, false, 0 },
	{ "1e1", 0, 10, false, 0 },
	{ "0x1", 0, 10, false, 0 },
	{ "1:", 0, 100, false, 0 },
	{ "/", 0, 100, false, 0 },
	{ "\xd9\xa1", 0, 100, false, 0 },
};
/* clang-format on */

START_TEST(reads_only_plain_integers)
{
	int64_t n = 42;
	bool good = span_int(span_of(ints[_i].text), ints[_i].low, ints[_i].high, &n);

	ck_assert_int_eq(good, ints[_i].good);
	ck_assert_int_eq(n, good ? ints[_i].want : 42);
}
END_TEST

START_TEST(writes_what_it_reads)
{
	char room[INT_TEXT];

	if (ints[_i].good)
		ck_assert(span_is(span_of_int(ints[_i].want, room), ints[_i].text));
}
END_TEST

START_TEST(an_absent_span_is_no_integer)
{
	int64_t n = 42;

	ck_assert(!span_int(absent, 0, 10, &n));
	ck_assert(!span_int(SPAN_LIT("1\0"), 0, 10, &n));
	ck_assert_int_eq(n, 42);
}
END_TEST

/* Copies --------------------------------------------------------------------------------------- */

START_TEST(copies_into_a_c_string)
{
	char *p = span_dup((struct span){ "user_099;x", 8 });

	ck_assert_pstr_eq(p, "user_099");
	free(p);
	p = span_dup(span_of(""));
	ck_assert_pstr_eq(p, "");
	free(p);
}
END_TEST

START_TEST(makes_no_c_string_of_a_nul_or_of_nothing)
{
	ck_assert_ptr_null(span_dup(SPAN_LIT("a\0b")));
	ck_assert_ptr_null(span_dup(SPAN_LIT("\0")));
	ck_assert_ptr_null(span_dup(absent));
}
END_TEST

START_TEST(copy_fails_without_memory)
{
	char *p;

	alloc_fail_at(1);
	p = span_dup(span_of("a"));
	ck_assert(alloc_fail_off());
	ck_assert_ptr_null(p);
}
END_TEST

/* UTF-8 ---------------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	bool good;
} texts[] = {
	{ "", true },
	{ "plain", true },
	{ "caf\xc3\xa9", true },
	{ "\x7f", true },
	{ "\xc2\x80", true },	      /* U+0080 */
	{ "\xdf\xbf", true },	      /* U+07FF */
	{ "\xe0\xa0\x80", true },     /* U+0800 */
	{ "\xed\x9f\xbf", true },     /* U+D7FF */
	{ "\xee\x80\x80", true },     /* U+E000 */
	{ "\xef\xbf\xbf", true },     /* U+FFFF */
	{ "\xf0\x90\x80\x80", true }, /* U+10000 */
	{ "\xf4\x8f\xbf\xbf", true }, /* U+10FFFF */
	{ "\x80", false },
	{ "\xbf", false },
	{ "\xc0\x80", false }, /* overlong NUL */
	{ "\xc1\xbf", false },
	{ "\xe0\x9f\xbf", false },
	{ "\xf0\x8f\xbf\xbf", false },
	{ "\xed\xa0\x80", false }, /* surrogates */
	{ "\xed\xbf\xbf", false },
	{ "\xf4\x90\x80\x80", false }, /* above U+10FFFF */
	{ "\xf5\x80\x80\x80", false },
	{ "\xf8\x88\x80\x80\x80", false },
	{ "\xfe", false },
	{ "\xff", false },
	{ "\xc3", false }, /* cut short */
	{ "\xe2\x82", false },
	{ "\xf0\x9f\x92", false },
	{ "\xc3(", false },
	{ "\xe2\x28\xa1", false },
	{ "\xe2\x82\x28", false },
	{ "\xf0\x9f\x92\x28", false },
	{ "\xf0\x28\x8c\xbc", false },
	{ "good, then \xff", false },
};

START_TEST(knows_valid_utf8)
{
	/* At the start, and behind more text. */
	char longer[64] = "0123456789abcdef";

	ck_assert_int_eq(span_is_utf8(span_of(texts[_i].text)), texts[_i].good);
	memcpy(longer + 16, texts[_i].text, strlen(texts[_i].text) + 1);
	ck_assert_int_eq(span_is_utf8(span_of(longer)), texts[_i].good);
}
END_TEST

START_TEST(reads_nothing_beyond_the_span)
{
	/* The rest of the sequence is there, but outside. */
	ck_assert(!span_is_utf8((struct span){ "\xc3\xa9", 1 }));
	ck_assert(span_is_utf8((struct span){ "a\xff", 1 }));
}
END_TEST

static Suite *str_suite(void)
{
	Suite *s = suite_create("str");
	TCase *tc = tcase_create("spans");

	tcase_add_test(tc, absent_is_not_empty);
	tcase_add_test(tc, compares_all_bytes_and_the_length);
	tcase_add_test(tc, orders_by_bytes_and_then_by_length);
	tcase_add_test(tc, ignores_the_case_of_ascii_only);
	tcase_add_test(tc, knows_how_a_span_starts);
	tcase_add_test(tc, finds_bytes);
	tcase_add_test(tc, finds_control_bytes);
	tcase_add_test(tc, trims_blanks_and_tabs);
	tcase_add_test(tc, cuts_at_each_separator);
	tcase_add_loop_test(tc, reads_only_plain_integers, 0, (int)TP_COUNT(ints));
	tcase_add_loop_test(tc, writes_what_it_reads, 0, (int)TP_COUNT(ints));
	tcase_add_test(tc, an_absent_span_is_no_integer);
	tcase_add_test(tc, copies_into_a_c_string);
	tcase_add_test(tc, makes_no_c_string_of_a_nul_or_of_nothing);
	tcase_add_test(tc, copy_fails_without_memory);
	tcase_add_loop_test(tc, knows_valid_utf8, 0, (int)TP_COUNT(texts));
	tcase_add_test(tc, reads_nothing_beyond_the_span);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(str_suite());
}
