/* SPDX-License-Identifier: MIT */
/*
 * Trees of JSON: what is built, changed and copied, and what could not be read again.
 */
#include "base/jval.h"
#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/json_pointer.h"

#include "base/banned.h"

static void writes(const struct jval *v, const char *want)
{
	ck_assert_str_eq(json_text(v), want);
}

START_TEST(builds_a_tree)
{
	TP_CLEANUP(jval_cleanup) struct jval *o = jval_new_object();
	struct jval *list_of_two = jval_new_array();
	char text[] = "borrowed";

	ck_assert_int_eq(jval_set_str(o, "s", (struct span){ text, 6 }, NULL), TP_OK);
	memset(text, 'x', sizeof(text));
	ck_assert_int_eq(jval_set_int(o, "low", INT64_MIN, NULL), TP_OK);
	ck_assert_int_eq(jval_set_int(o, "high", INT64_MAX, NULL), TP_OK);
	ck_assert_int_eq(jval_set_null(o, "nil", NULL), TP_OK);
	ck_assert_int_eq(jval_add_str(list_of_two, span_of("one"), NULL), TP_OK);
	ck_assert_int_eq(jval_add_str(list_of_two, (struct span){ NULL, 0 }, NULL), TP_OK);
	ck_assert_int_eq(jval_set(o, "list", list_of_two, NULL), TP_OK);
	ck_assert_int_eq(jval_set_str(o, "none", (struct span){ NULL, 0 }, NULL), TP_OK);
	writes(o, "{\"s\":\"borrow\",\"low\":-9223372036854775808,\"high\":9223372036854775807,"
		  "\"nil\":null,\"list\":[\"one\",\"\"],\"none\":\"\"}");
}
END_TEST

START_TEST(builds_values_by_themselves)
{
	TP_CLEANUP(jval_cleanup) struct jval *a = jval_new_array();

	ck_assert_int_eq(jval_add(a, jval_new_str(span_of("x")), NULL), TP_OK);
	ck_assert_int_eq(jval_add(a, jval_new_str((struct span){ NULL, 0 }), NULL), TP_OK);
	ck_assert_int_eq(jval_add(a, jval_new_int(-1), NULL), TP_OK);
	ck_assert_int_eq(jval_add(a, jval_new_bool(true), NULL), TP_OK);
	ck_assert_int_eq(jval_add(a, jval_new_bool(false), NULL), TP_OK);
	ck_assert_int_eq(jval_add(a, NULL, NULL), TP_OK);
	ck_assert_int_eq(jval_add(a, jval_new_object(), NULL), TP_OK);
	writes(a, "[\"x\",\"\",-1,true,false,null,{}]");
}
END_TEST

/* Each of these trees can be built, and would not be read again. */
START_TEST(knows_a_tree_that_could_not_be_read_again)
{
	const struct span texts[] = { SPAN_LIT("\xff"), SPAN_LIT("a\0b"),
				      SPAN_LIT("\xed\xa0\x80") };
	static const int64_t beyond[] = { (INT64_C(1) << 53) + 1, -(INT64_C(1) << 53) - 1,
					  INT64_MIN };
	TP_CLEANUP(jval_cleanup)
	struct jval *o = json_of("{\"a\":[{\"b\":1}],\"c\":null,\"d\":true}");

	ck_assert(jval_is_strict(o));
	ck_assert(jval_is_strict(NULL));
	for (size_t i = 0; i < TP_COUNT(texts); i++) {
		ck_assert_int_eq(jval_set_str(o, "text", texts[i], NULL), TP_OK);
		ck_assert(!jval_is_strict(o));
	}
	ck_assert_int_eq(jval_set_int(o, "text", INT64_C(1) << 53, NULL), TP_OK);
	ck_assert(jval_is_strict(o));
	for (size_t i = 0; i < TP_COUNT(beyond); i++) {
		TP_CLEANUP(jval_cleanup) struct jval *list = jval_new_array();

		ck_assert_int_eq(jval_add(list, jval_new_int(beyond[i]), NULL), TP_OK);
		ck_assert(!jval_is_strict(list));
	}
	jval_remove(o, "text");
	ck_assert_int_eq(jval_set_int(o, "\xc3(", 1, NULL), TP_OK);
	ck_assert(!jval_is_strict(o));
}
END_TEST

START_TEST(knows_a_tree_that_is_too_deep_to_be_read_again)
{
	TP_CLEANUP(jval_cleanup) struct jval *v = jval_new_object();

	for (int depth = 2; depth <= LIMIT_JSON_DEPTH; depth++) {
		struct jval *outer = depth % 2 == 0 ? jval_new_array() : jval_new_object();

		ck_assert_int_eq(depth % 2 == 0 ? jval_add(outer, v, NULL)
						: jval_set(outer, "x", v, NULL),
				 TP_OK);
		v = outer;
		ck_assert(jval_is_strict(v));
	}
	for (int i = 0; i < 2; i++) {
		struct jval *outer = jval_new_array();

		ck_assert_int_eq(jval_add(outer, v, NULL), TP_OK);
		v = outer;
		ck_assert(!jval_is_strict(v));
	}
}
END_TEST

START_TEST(replaces_a_member_in_its_place)
{
	TP_CLEANUP(jval_cleanup) struct jval *o = json_of("{\"a\":1,\"b\":[2],\"c\":3}");

	ck_assert_int_eq(jval_set_str(o, "b", span_of("x"), NULL), TP_OK);
	ck_assert_int_eq(jval_set_null(o, "a", NULL), TP_OK);
	writes(o, "{\"a\":null,\"b\":\"x\",\"c\":3}");
	ck_assert_int_eq(jval_set_int(o, "d", 4, NULL), TP_OK);
	writes(o, "{\"a\":null,\"b\":\"x\",\"c\":3,\"d\":4}");
}
END_TEST

START_TEST(removes_a_member)
{
	TP_CLEANUP(jval_cleanup) struct jval *o = json_of("{\"a\":1,\"b\":[2],\"c\":3}");

	jval_remove(o, "b");
	jval_remove(o, "b");
	jval_remove(o, "x");
	writes(o, "{\"a\":1,\"c\":3}");
}
END_TEST

START_TEST(building_upon_nothing_is_out_of_memory)
{
	struct tp_err err;

	ck_assert_int_eq(jval_set_str(NULL, "a", span_of("x"), &err), TP_NOMEM);
	ck_assert_str_eq(err.msg, "out of memory");
	ck_assert_int_eq(jval_set_int(NULL, "a", 1, NULL), TP_NOMEM);
	ck_assert_int_eq(jval_set_null(NULL, "a", NULL), TP_NOMEM);
	ck_assert_int_eq(jval_set(NULL, "a", jval_new_array(), NULL), TP_NOMEM); /* and frees it */
	ck_assert_int_eq(jval_add(NULL, jval_new_int(1), NULL), TP_NOMEM);
	ck_assert_int_eq(jval_add_str(NULL, span_of("x"), NULL), TP_NOMEM);
}
END_TEST

/* Reaches the names and the strings with escapes: the rest is json-c's memory. */
START_TEST(tells_that_memory_ran_out)
{
	static const char text[] = "{\"a\":\"\\n\",\"b\":[{\"c\":1}]}";

	for (long n = 1;; n++) {
		struct jval *v = NULL, *copy = NULL;
		struct tp_err err = { .msg = "" };
		enum tp_rc rc;

		alloc_fail_at(n);
		rc = jval_parse(span_of(text), &v, &err);
		if (rc == TP_OK)
			rc = jval_copy(v, &copy, &err);
		if (!alloc_fail_off()) {
			ck_assert_int_eq(rc, TP_OK);
			ck_assert_int_gt(n, 9); /* three names three times, and one string */
			writes(copy, text);
			jval_release(v);
			jval_release(copy);
			break;
		}
		ck_assert_int_eq(rc, TP_NOMEM);
		ck_assert_str_eq(err.msg, "out of memory");
		ck_assert_ptr_null(copy);
		jval_release(v);
	}
}
END_TEST

START_TEST(a_copy_is_a_tree_of_its_own)
{
	static const char text[] = "{\"a\":{\"b\":[1,\"x\\n\",null,true]},\"c\":null}";
	struct jval *v = json_of(text), *copy = NULL;

	ck_assert_int_eq(jval_copy(v, &copy, NULL), TP_OK);
	ck_assert_int_eq(jval_set_int(v, "c", 7, NULL), TP_OK);
	jval_remove(v, "a");
	writes(copy, text);
	jval_release(v);
	writes(copy, text);
	jval_cleanup(&copy);
	ck_assert_ptr_null(copy);
}
END_TEST

START_TEST(copies_a_part_and_a_null)
{
	TP_CLEANUP(jval_cleanup) struct jval *v = json_of("{\"a\":{\"b\":1},\"c\":null}");
	TP_CLEANUP(jval_cleanup) struct jval *a = NULL;
	struct jval *c = v;

	ck_assert_int_eq(jval_copy(jval_get(v, "a"), &a, NULL), TP_OK);
	writes(a, "{\"b\":1}");
	ck_assert_int_eq(jval_copy(jval_get(v, "c"), &c, NULL), TP_OK);
	ck_assert_ptr_null(c);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("jval_tree");
	TCase *t = tcase_create("trees");

	tcase_add_test(t, builds_a_tree);
	tcase_add_test(t, builds_values_by_themselves);
	tcase_add_test(t, knows_a_tree_that_could_not_be_read_again);
	tcase_add_test(t, knows_a_tree_that_is_too_deep_to_be_read_again);
	tcase_add_test(t, replaces_a_member_in_its_place);
	tcase_add_test(t, removes_a_member);
	tcase_add_test(t, building_upon_nothing_is_out_of_memory);
	tcase_add_test(t, tells_that_memory_ran_out);
	tcase_add_test(t, a_copy_is_a_tree_of_its_own);
	tcase_add_test(t, copies_a_part_and_a_null);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
