/* SPDX-License-Identifier: MIT */
/* Secrets: whose copy it is, what equals what, and the fingerprint. */
#include "base/secret.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"

#include <stdlib.h>

#include "base/banned.h"

static void holds(const struct secret *s, const char *want)
{
	ck_assert(span_is(secret_view(s), want));
	ck_assert_str_eq(s->p, want); /* has its NUL */
}

static void holds_nothing(const struct secret *s)
{
	ck_assert_ptr_null(secret_view(s).p);
	ck_assert_uint_eq(secret_view(s).len, 0);
}

START_TEST(takes_a_copy_of_its_own)
{
	TP_CLEANUP(secret_release) struct secret s = { 0 };
	char text[] = "hunter2";

	ck_assert_int_eq(secret_set(&s, (struct span){ text, 7 }, NULL), TP_OK);
	memset(text, 'x', sizeof(text));
	holds(&s, "hunter2");
	ck_assert_int_eq(secret_set(&s, span_of("other"), NULL), TP_OK);
	holds(&s, "other");
}
END_TEST

START_TEST(may_be_set_from_a_part_of_itself)
{
	TP_CLEANUP(secret_release) struct secret s = { 0 };

	ck_assert_int_eq(secret_set(&s, span_of("Bearer abc"), NULL), TP_OK);
	ck_assert_int_eq(secret_set(&s, (struct span){ s.p + 7, 3 }, NULL), TP_OK);
	holds(&s, "abc");
}
END_TEST

START_TEST(empty_is_not_absent)
{
	TP_CLEANUP(secret_release) struct secret s = { 0 };

	holds_nothing(&s);
	ck_assert_int_eq(secret_set(&s, span_of(""), NULL), TP_OK);
	holds(&s, "");
	ck_assert_int_eq(secret_set(&s, (struct span){ NULL, 0 }, NULL), TP_OK);
	holds_nothing(&s);
}
END_TEST

START_TEST(is_empty_after_release)
{
	struct secret s = { 0 };

	ck_assert_int_eq(secret_set(&s, span_of("hunter2"), NULL), TP_OK);
	secret_release(&s);
	holds_nothing(&s);
	secret_release(&s);
	holds_nothing(&s);
}
END_TEST

START_TEST(is_empty_when_memory_ran_out)
{
	struct secret s = { 0 };
	struct tp_err err;
	enum tp_rc rc;

	ck_assert_int_eq(secret_set(&s, span_of("hunter2"), NULL), TP_OK);
	alloc_fail_at(1);
	rc = secret_set(&s, span_of("other"), &err);
	ck_assert(alloc_fail_off());
	ck_assert_int_eq(rc, TP_NOMEM);
	ck_assert_str_eq(err.msg, "out of memory");
	holds_nothing(&s);
}
END_TEST

START_TEST(takes_a_buffer_over)
{
	TP_CLEANUP(secret_release) struct secret s = { 0 };
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(20);
	const char *storage;

	ck_assert_int_eq(secret_set(&s, span_of("before"), NULL), TP_OK);
	buf_str(&b, "hunter2");
	storage = b.p;
	secret_take(&s, &b);
	holds(&s, "hunter2");
	ck_assert_ptr_eq(s.p, storage); /* no copy was made */
	ck_assert_ptr_null(b.p);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_uint_eq(b.cap, 20);
	buf_str(&b, "next");
	ck_assert_str_eq(buf_cstr(&b), "next");
	holds(&s, "hunter2");
}
END_TEST

START_TEST(takes_an_empty_buffer_over)
{
	TP_CLEANUP(secret_release) struct secret s = { 0 };
	struct buf b = BUF_INIT(20);

	ck_assert_int_eq(secret_set(&s, span_of("before"), NULL), TP_OK);
	secret_take(&s, &b);
	holds_nothing(&s);
}
END_TEST

START_TEST(equal_means_every_byte)
{
	char a[43], b[43];

	memset(a, 'a', sizeof(a));
	memset(b, 'a', sizeof(b));
	ck_assert(secret_eq((struct span){ a, 43 }, (struct span){ b, 43 }));
	ck_assert(!secret_eq((struct span){ a, 43 }, (struct span){ b, 42 }));
	ck_assert(!secret_eq((struct span){ a, 42 }, (struct span){ b, 43 }));
	for (size_t i = 0; i < sizeof(b); i++) {
		for (int bit = 0; bit < 8; bit++) {
			b[i] = (char)('a' ^ 1 << bit);
			ck_assert(!secret_eq((struct span){ a, 43 }, (struct span){ b, 43 }));
		}
		b[i] = 'a';
	}
	ck_assert(secret_eq(SPAN_LIT("a\0b"), SPAN_LIT("a\0b")));
	ck_assert(!secret_eq(SPAN_LIT("a\0b"), SPAN_LIT("a\0c")));
	ck_assert(secret_eq(span_of(""), span_of("")));
}
END_TEST

START_TEST(absent_equals_nothing)
{
	const struct span absent = { NULL, 0 };

	ck_assert(!secret_eq(absent, absent));
	ck_assert(!secret_eq(absent, span_of("")));
	ck_assert(!secret_eq(span_of(""), absent));
}
END_TEST

START_TEST(fingerprint_is_the_start_of_sha256)
{
	char hex[SECRET_FP_LEN + 1];

	secret_fingerprint(span_of("abc"), hex);
	ck_assert_str_eq(hex, "ba7816bf");
	secret_fingerprint(span_of(""), hex);
	ck_assert_str_eq(hex, "e3b0c442");
	secret_fingerprint((struct span){ NULL, 0 }, hex);
	ck_assert_str_eq(hex, "e3b0c442");
}
END_TEST

static Suite *secret_suite(void)
{
	Suite *s = suite_create("secret");
	TCase *tc = tcase_create("secret");

	tcase_add_test(tc, takes_a_copy_of_its_own);
	tcase_add_test(tc, may_be_set_from_a_part_of_itself);
	tcase_add_test(tc, empty_is_not_absent);
	tcase_add_test(tc, is_empty_after_release);
	tcase_add_test(tc, is_empty_when_memory_ran_out);
	tcase_add_test(tc, takes_a_buffer_over);
	tcase_add_test(tc, takes_an_empty_buffer_over);
	tcase_add_test(tc, equal_means_every_byte);
	tcase_add_test(tc, absent_equals_nothing);
	tcase_add_test(tc, fingerprint_is_the_start_of_sha256);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(secret_suite());
}
