/* SPDX-License-Identifier: MIT */
/*
 * Claims of auth/scope.h: what one scope may be made of, in lists and in claims, and the algebra of
 * sets.
 */
#include "auth/scope.h"

#include "support/alloc_fail.h"
#include "support/check_run.h"

#include <stdio.h>

#include "base/banned.h"

static struct scope_set set_of(const char *text)
{
	struct scope_set set;

	ck_assert_int_eq(scope_parse(span_of(text), &set, NULL), TP_OK);
	return set;
}

static void assert_joined(const struct scope_set *set, const char *want)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(65536);

	scope_join(set, &out);
	ck_assert_str_eq(buf_cstr(&out), want);
}

/* Every byte that is allowed, and a scope of the greatest length. */
static const char all_chars[] = "!#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"[]^_`abcdefghijklmnopqrstuvwxyz{|}~";
static char longest[LIMIT_SCOPE + 1], too_long[LIMIT_SCOPE + 2];

static const struct {
	const char *text, *joined; /* NULL: refused */
	const char *msg;
} lists[] = {
	{ "", "", NULL },
	{ " ", "", NULL },
	{ "read", "read", NULL },
	{ "user:read user:write", "user:read user:write", NULL },
	{ "  a   b ", "a b", NULL },
	{ "b a b a", "b a", NULL },
	{ "a A", "a A", NULL },
	{ all_chars, all_chars, NULL },
	{ longest, longest, NULL },
	{ too_long, NULL, "a scope is longer than 128 bytes" },
	{ "a\tb", NULL, "a scope has a character that is not allowed there" },
	{ "a\nb", NULL, "a scope has a character that is not allowed there" },
	{ "a\"b", NULL, "a scope has a character that is not allowed there" },
	{ "a b\\c", NULL, "a scope has a character that is not allowed there" },
	{ "a\x7f", NULL, "a scope has a character that is not allowed there" },
	{ "\xc3\xa9", NULL, "a scope has a character that is not allowed there" },
};

START_TEST(takes_lists_of_scopes_and_nothing_else)
{
	struct scope_set set = { .n = 77 };
	struct tp_err err = { 0 };
	enum tp_rc rc;

	memset(longest, 'l', LIMIT_SCOPE);
	memset(too_long, 'l', LIMIT_SCOPE + 1);
	rc = scope_parse(span_of(lists[_i].text), &set, &err);
	if (lists[_i].joined != NULL) {
		ck_assert_int_eq(rc, TP_OK);
		assert_joined(&set, lists[_i].joined);
	} else {
		ck_assert_int_eq(rc, TP_BAD_SCOPE);
		ck_assert_str_eq(err.msg, lists[_i].msg);
		ck_assert_uint_eq(set.n, 77);
	}
}
END_TEST

START_TEST(refuses_a_nul_in_a_scope)
{
	struct scope_set set;

	ck_assert_int_eq(scope_parse(SPAN_LIT("a\0b"), &set, NULL), TP_BAD_SCOPE);
}
END_TEST

START_TEST(takes_an_absent_text_as_an_empty_set)
{
	struct scope_set set = { .n = 77 };

	ck_assert_int_eq(scope_parse((struct span){ NULL, 0 }, &set, NULL), TP_OK);
	ck_assert_uint_eq(set.n, 0);
}
END_TEST

START_TEST(takes_as_many_scopes_as_the_limit_and_no_more)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(4096);
	struct scope_set set;
	struct tp_err err;

	for (int i = 0; i < LIMIT_SCOPES; i++)
		buf_printf(&text, "s%d ", i);
	buf_str(&text, "s0 s1");
	ck_assert_int_eq(scope_parse(buf_view(&text), &set, &err), TP_OK);
	ck_assert_uint_eq(set.n, LIMIT_SCOPES);
	buf_str(&text, " more");
	ck_assert_int_eq(scope_parse(buf_view(&text), &set, &err), TP_BAD_SCOPE);
	ck_assert_str_eq(err.msg, "there are more than 128 scopes");
}
END_TEST

static const struct {
	const char *json, *joined;
} claims[] = {
	{ "null", "" },
	{ "[]", "" },
	{ "[\"a\",\"b\"]", "a b" },
	{ "[\"a\",\"a\"]", "a" },
	{ "\"a b\"", NULL },
	{ "{\"a\":1}", NULL },
	{ "1", NULL },
	{ "[1]", NULL },
	{ "[\"a\",null]", NULL },
	{ "[\"\"]", NULL },
	{ "[\"a b\"]", NULL },
	{ "[[\"a\"]]", NULL },
};

START_TEST(takes_a_claim_that_is_an_array_of_scopes)
{
	TP_CLEANUP(jval_cleanup) struct jval *v = NULL;
	struct scope_set set = { .n = 77 };
	enum tp_rc rc;

	ck_assert_int_eq(jval_parse(span_of(claims[_i].json), &v, NULL), TP_OK);
	rc = scope_from_claim(v, &set, NULL);
	if (claims[_i].joined != NULL) {
		ck_assert_int_eq(rc, TP_OK);
		assert_joined(&set, claims[_i].joined);
	} else {
		ck_assert_int_eq(rc, TP_BAD_SCOPE);
		ck_assert_uint_eq(set.n, 77);
	}
}
END_TEST

START_TEST(takes_a_missing_claim_as_an_empty_set)
{
	struct scope_set set = { .n = 77 };

	ck_assert_int_eq(scope_from_claim(NULL, &set, NULL), TP_OK);
	ck_assert_uint_eq(set.n, 0);
}
END_TEST

static const struct {
	const char *a, *b;
	bool covers; /* a has all of b */
	const char *both;
} pairs[] = {
	{ "", "", true, "" },
	{ "a", "", true, "" },
	{ "", "a", false, "" },
	{ "a b c", "c a", true, "a c" },
	{ "a b", "b c", false, "b" },
	{ "user:read", "user", false, "" },
	{ "user", "user:read", false, "" },
	{ "a", "A", false, "" },
};

START_TEST(compares_sets_scope_by_scope)
{
	struct scope_set a = set_of(pairs[_i].a), b = set_of(pairs[_i].b);
	struct scope_set both = { .n = 77 };

	ck_assert_int_eq(scope_covers(&a, &b), pairs[_i].covers);
	scope_intersect(&a, &b, &both);
	assert_joined(&both, pairs[_i].both);
}
END_TEST

START_TEST(intersects_into_one_of_its_arguments)
{
	struct scope_set a = set_of("x a b"), b = set_of("b a y");

	scope_intersect(&a, &b, &b);
	assert_joined(&b, "a b");
}
END_TEST

START_TEST(subtracts_from_one_of_its_arguments)
{
	struct scope_set a = set_of("x a b"), b = set_of("b y"), none = set_of("");

	scope_subtract(&none, &a, &none);
	assert_joined(&none, "");
	scope_subtract(&a, &none, &a);
	assert_joined(&a, "x a b");
	scope_subtract(&a, &b, &a);
	assert_joined(&a, "x a");
}
END_TEST

START_TEST(unites_without_repeating)
{
	struct scope_set into = set_of("x a"), more = set_of("b a y");
	struct scope_set many = { 0 };
	struct tp_err err;
	char names[LIMIT_SCOPES][8];

	ck_assert_int_eq(scope_unite(&into, &more, &err), TP_OK);
	assert_joined(&into, "x a b y");
	for (many.n = 0; many.n < LIMIT_SCOPES; many.n++) {
		snprintf(names[many.n], sizeof(names[0]), "s%zu", many.n);
		many.v[many.n] = span_of(names[many.n]);
	}
	ck_assert_int_eq(scope_unite(&many, &many, &err), TP_OK);
	ck_assert_int_eq(scope_unite(&many, &more, &err), TP_BAD_SCOPE);
}
END_TEST

START_TEST(finds_a_scope_by_its_whole_name)
{
	struct scope_set set = set_of("user:read admin");

	ck_assert(scope_has(&set, SPAN_LIT("admin")));
	ck_assert(scope_has(&set, SPAN_LIT("user:read")));
	ck_assert(!scope_has(&set, SPAN_LIT("user:rea")));
	ck_assert(!scope_has(&set, SPAN_LIT("user:reads")));
	ck_assert(!scope_has(&set, SPAN_LIT("")));
}
END_TEST

START_TEST(makes_a_claim_that_reads_back_the_same)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(1024);
	struct scope_set set = set_of("b a user:read"), back;
	struct jval *v = scope_to_claim(&set);

	ck_assert_ptr_nonnull(v);
	jval_write(v, &json);
	ck_assert_str_eq(buf_cstr(&json), "[\"b\",\"a\",\"user:read\"]");
	ck_assert_int_eq(scope_from_claim(v, &back, NULL), TP_OK);
	assert_joined(&back, "b a user:read");
	jval_release(v);
}
END_TEST

START_TEST(makes_no_claim_without_memory)
{
	struct scope_set set = set_of("b a user:read");

	for (long n = 1;; n++) {
		struct jval *v;

		alloc_fail_at(n);
		v = scope_to_claim(&set);
		if (!alloc_fail_off()) {
			ck_assert_ptr_nonnull(v);
			jval_release(v);
			break;
		}
		ck_assert_ptr_null(v);
	}
}
END_TEST

static Suite *scope_suite(void)
{
	Suite *s = suite_create("scope");
	TCase *tc = tcase_create("scope");

	tcase_add_loop_test(tc, takes_lists_of_scopes_and_nothing_else, 0, TP_COUNT(lists));
	tcase_add_test(tc, refuses_a_nul_in_a_scope);
	tcase_add_test(tc, takes_an_absent_text_as_an_empty_set);
	tcase_add_test(tc, takes_as_many_scopes_as_the_limit_and_no_more);
	tcase_add_loop_test(tc, takes_a_claim_that_is_an_array_of_scopes, 0, TP_COUNT(claims));
	tcase_add_test(tc, takes_a_missing_claim_as_an_empty_set);
	tcase_add_loop_test(tc, compares_sets_scope_by_scope, 0, TP_COUNT(pairs));
	tcase_add_test(tc, intersects_into_one_of_its_arguments);
	tcase_add_test(tc, subtracts_from_one_of_its_arguments);
	tcase_add_test(tc, unites_without_repeating);
	tcase_add_test(tc, finds_a_scope_by_its_whole_name);
	tcase_add_test(tc, makes_a_claim_that_reads_back_the_same);
	tcase_add_test(tc, makes_no_claim_without_memory);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(scope_suite());
}
