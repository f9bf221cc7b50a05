/* SPDX-License-Identifier: MIT */
/*
 * The public claims object: what a program puts in is there as JSON, what it may not put in spoils
 * the object for good, and what it reads stays readable.
 */
#include "hook/claims.h"

#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"

#include <stdlib.h>

#include "base/banned.h"

static struct tpauth_claims *claims_of(const char *json)
{
	struct tpauth_claims *c = NULL;

	ck_assert_int_eq(tpauth_claims_parse(json, strlen(json), &c), TPAUTH_OK);
	return c;
}

#define ck_claims(c, want) ck_assert_str_eq(tpauth_claims_get_json((c), NULL), (want))

START_TEST(setters_build_an_object)
{
	TP_CLEANUP(claims_cleanup) struct tpauth_claims *c = tpauth_claims_new();

	ck_claims(c, "{}");
	tpauth_claims_set(c, "user_id", "joe");
	tpauth_claims_set_int(c, "level", -7);
	tpauth_claims_set_json(c, "roles", "{\"a\": [1, true, null]}");
	tpauth_claims_set(c, "email", NULL);
	tpauth_claims_add(c, "scopes", "read");
	tpauth_claims_add(c, "scopes", "write");
	ck_claims(c, "{\"user_id\":\"joe\",\"level\":-7,\"roles\":{\"a\":[1,true,null]},"
		     "\"email\":null,\"scopes\":[\"read\",\"write\"]}");
	ck_assert_int_eq(claims_rc(c, NULL), TP_OK);
}
END_TEST

START_TEST(a_setter_replaces_what_was_there)
{
	TP_CLEANUP(claims_cleanup) struct tpauth_claims *c = claims_of("{\"a\":\"x\",\"b\":[1]}");

	tpauth_claims_set_int(c, "a", 1);
	tpauth_claims_set(c, "b", "y");
	ck_claims(c, "{\"a\":1,\"b\":\"y\"}");
	tpauth_claims_set_json(c, "a", "\"z\"");
	ck_claims(c, "{\"a\":\"z\",\"b\":\"y\"}");
}
END_TEST

START_TEST(adds_a_string_once_and_in_place_of_null)
{
	TP_CLEANUP(claims_cleanup)
	struct tpauth_claims *c = claims_of("{\"s\":[\"a\",1],\"n\":null}");

	tpauth_claims_add(c, "s", "b");
	tpauth_claims_add(c, "s", "a");
	tpauth_claims_add(c, "s", "b");
	tpauth_claims_add(c, "n", "a");
	ck_claims(c, "{\"s\":[\"a\",1,\"b\"],\"n\":[\"a\"]}");
}
END_TEST

START_TEST(what_was_read_may_be_set)
{
	TP_CLEANUP(claims_cleanup) struct tpauth_claims *c = claims_of("{\"a\":\"x\"}");

	tpauth_claims_set(c, "b", tpauth_claims_get(c, "a"));
	tpauth_claims_set(c, "a", tpauth_claims_get(c, "a"));
	tpauth_claims_set_json(c, "all", tpauth_claims_get_json(c, NULL));
	ck_claims(c, "{\"a\":\"x\",\"b\":\"x\",\"all\":{\"a\":\"x\",\"b\":\"x\"}}");
}
END_TEST

/* What spoils an object, and what it then says. */
static void set_bad_text(struct tpauth_claims *c)
{
	tpauth_claims_set(c, "a", "\xff");
}

static void set_bad_name(struct tpauth_claims *c)
{
	tpauth_claims_set(c, "\xff", "a");
}

static void set_no_name(struct tpauth_claims *c)
{
	tpauth_claims_set_int(c, NULL, 1);
}

static void set_large_int(struct tpauth_claims *c)
{
	tpauth_claims_set_int(c, "a", (INT64_C(1) << 53) + 1);
}

static void set_small_int(struct tpauth_claims *c)
{
	tpauth_claims_set_int(c, "a", INT64_MIN);
}

static void set_bad_json(struct tpauth_claims *c)
{
	tpauth_claims_set_json(c, "a", "{\"x\":1,\"x\":2}");
}

static void set_no_json(struct tpauth_claims *c)
{
	tpauth_claims_set_json(c, "a", NULL);
}

static void add_nothing(struct tpauth_claims *c)
{
	tpauth_claims_add(c, "a", NULL);
}

static void add_bad_text(struct tpauth_claims *c)
{
	tpauth_claims_add(c, "a", "\xc3");
}

static void add_to_string(struct tpauth_claims *c)
{
	tpauth_claims_add(c, "user_id", "a");
}

static void set_deep(struct tpauth_claims *c)
{
	char json[2 * LIMIT_JSON_DEPTH + 1];

	memset(json, '[', LIMIT_JSON_DEPTH);
	memset(json + LIMIT_JSON_DEPTH, ']', LIMIT_JSON_DEPTH);
	json[sizeof(json) - 1] = '\0';
	tpauth_claims_set_json(c, "a", json);
}

static const struct {
	void (*spoil)(struct tpauth_claims *c);
	const char *msg;
} bad[] = {
	{ set_bad_text, "the claim a was set to what is no UTF-8" },
	{ set_bad_name, "a claim was set whose name is no UTF-8" },
	{ set_no_name, "a claim was set whose name is no UTF-8" },
	{ set_large_int, "the claim a was set to more than 2^53" },
	{ set_small_int, "the claim a was set to more than 2^53" },
	{ set_bad_json, "the claim a: JSON: a member twice at byte 10" },
	{ set_no_json, "the claim a: no JSON" },
	{ add_nothing, "nothing was added to the claim a" },
	{ add_bad_text, "the claim a was set to what is no UTF-8" },
	{ add_to_string, "the claim user_id is no array to add to" },
	{ set_deep, "the claims are nested too deep" },
};

START_TEST(what_cannot_be_set_spoils_the_object)
{
	TP_CLEANUP(claims_cleanup) struct tpauth_claims *c = claims_of("{\"user_id\":\"joe\"}");
	struct jval *tree = NULL;
	struct tp_err err;

	bad[_i].spoil(c);
	ck_assert_int_eq(claims_rc(c, &err), TP_INVALID);
	ck_assert_str_eq(err.msg, bad[_i].msg);
	tpauth_claims_set(c, "later", "x"); /* and nothing mends it */
	ck_assert_int_eq(claims_give(c, &tree, &err), TP_INVALID);
	ck_assert_str_eq(err.msg, bad[_i].msg);
	ck_assert_ptr_null(tree);
}
END_TEST

START_TEST(the_largest_numbers_are_taken)
{
	TP_CLEANUP(claims_cleanup) struct tpauth_claims *c = tpauth_claims_new();

	tpauth_claims_set_int(c, "a", INT64_C(1) << 53);
	tpauth_claims_set_int(c, "b", -(INT64_C(1) << 53));
	ck_claims(c, "{\"a\":9007199254740992,\"b\":-9007199254740992}");
	ck_assert_int_eq(claims_rc(c, NULL), TP_OK);
}
END_TEST

START_TEST(reads_each_type_as_what_it_is)
{
	TP_CLEANUP(claims_cleanup)
	struct tpauth_claims *c = claims_of("{\"s\":\"t\\u00e9xt\",\"n\":7,\"b\":true,\"z\":null,"
					    "\"a\":[\"x\",\"y\",7]}");
	int64_t n = 99;

	ck_assert_str_eq(tpauth_claims_get(c, "s"), "t\xc3\xa9xt");
	ck_assert_ptr_null(tpauth_claims_get(c, "n"));
	ck_assert_ptr_null(tpauth_claims_get(c, "z"));
	ck_assert_ptr_null(tpauth_claims_get(c, "none"));
	ck_assert_ptr_null(tpauth_claims_get(c, NULL));

	ck_assert_int_eq(tpauth_claims_get_int(c, "s", &n), TPAUTH_NOT_FOUND);
	ck_assert_int_eq(tpauth_claims_get_int(c, "none", &n), TPAUTH_NOT_FOUND);
	ck_assert_int_eq(n, 99);
	ck_assert_int_eq(tpauth_claims_get_int(c, "n", &n), TPAUTH_OK);
	ck_assert_int_eq(n, 7);
	ck_assert_int_eq(tpauth_claims_get_int(c, "n", NULL), TPAUTH_INTERNAL);

	ck_assert_str_eq(tpauth_claims_get_json(c, "s"), "\"t\xc3\xa9xt\"");
	ck_assert_str_eq(tpauth_claims_get_json(c, "z"), "null");
	ck_assert_str_eq(tpauth_claims_get_json(c, "a"), "[\"x\",\"y\",7]");
	ck_assert_ptr_null(tpauth_claims_get_json(c, "none"));

	ck_assert_int_eq(tpauth_claims_has(c, "a", "y"), 1);
	ck_assert_int_eq(tpauth_claims_has(c, "a", "7"), 0);
	ck_assert_int_eq(tpauth_claims_has(c, "a", "xy"), 0);
	ck_assert_int_eq(tpauth_claims_has(c, "a", NULL), 0);
	ck_assert_int_eq(tpauth_claims_has(c, "s", "t\xc3\xa9xt"), 1);
	ck_assert_int_eq(tpauth_claims_has(c, "s", "t"), 0);
	ck_assert_int_eq(tpauth_claims_has(c, "none", "x"), 0);
}
END_TEST

/* Also of an object that is const, and asked for over and over. */
START_TEST(texts_stay_until_the_object_changes)
{
	TP_CLEANUP(claims_cleanup) struct tpauth_claims *c = claims_of("{\"a\":[1],\"b\":[2]}");
	const struct tpauth_claims *reader = c;
	const char *a = tpauth_claims_get_json(reader, "a");
	const char *b = tpauth_claims_get_json(reader, "b");
	const char *all = tpauth_claims_get_json(reader, NULL);

	for (int i = 0; i < 100; i++)
		ck_assert_ptr_eq(tpauth_claims_get_json(reader, "a"), a);
	ck_assert_str_eq(a, "[1]");
	ck_assert_str_eq(b, "[2]");
	ck_assert_str_eq(all, "{\"a\":[1],\"b\":[2]}");
	tpauth_claims_add(c, "a", "x");
	ck_assert_str_eq(tpauth_claims_get_json(reader, "a"), "[1,\"x\"]");
}
END_TEST

static const struct {
	const char *json;
	enum tpauth_rc rc;
} parsed[] = {
	{ "{}", TPAUTH_OK },
	{ " {\"a\":1} ", TPAUTH_OK },
	{ "", TPAUTH_INVALID },
	{ "[]", TPAUTH_INVALID },
	{ "\"a\"", TPAUTH_INVALID },
	{ "null", TPAUTH_INVALID },
	{ "{\"a\":1,\"\\u0061\":2}", TPAUTH_INVALID },
	{ "{\"a\":1.5}", TPAUTH_INVALID },
	{ "{\"a\":9007199254740993}", TPAUTH_INVALID },
	{ "{\"a\":\"\\u0000\"}", TPAUTH_INVALID },
	{ "{\"a\":1} x", TPAUTH_INVALID },
	{ "{\"a\":\"\xff\"}", TPAUTH_INVALID },
};

START_TEST(parses_one_strict_object)
{
	TP_CLEANUP(claims_cleanup) struct tpauth_claims *c = NULL;
	const char *json = parsed[_i].json;

	ck_assert_int_eq(tpauth_claims_parse(json, strlen(json), &c), parsed[_i].rc);
	ck_assert((c != NULL) == (parsed[_i].rc == TPAUTH_OK));
}
END_TEST

START_TEST(refuses_a_text_that_is_too_large)
{
	size_t len = LIMIT_CLAIMS_TEXT + 1;
	char *text = malloc(len);
	struct tpauth_claims *c = NULL;

	ck_assert_ptr_nonnull(text);
	memset(text, ' ', len);
	memcpy(text, "{}", 2);
	ck_assert_int_eq(tpauth_claims_parse(text, len, &c), TPAUTH_TOO_LARGE);
	ck_assert_ptr_null(c);
	ck_assert_int_eq(tpauth_claims_parse(text, len - 1, &c), TPAUTH_OK);
	tpauth_claims_free(c);
	free(text);
}
END_TEST

START_TEST(null_is_no_object_and_breaks_nothing)
{
	int64_t n = 0;
	struct tp_err err;

	tpauth_claims_set(NULL, "a", "b");
	tpauth_claims_set_int(NULL, "a", 1);
	tpauth_claims_set_json(NULL, "a", "1");
	tpauth_claims_add(NULL, "a", "b");
	tpauth_claims_free(NULL);
	ck_assert_ptr_null(tpauth_claims_get(NULL, "a"));
	ck_assert_ptr_null(tpauth_claims_get_json(NULL, NULL));
	ck_assert_int_eq(tpauth_claims_get_int(NULL, "a", &n), TPAUTH_NOT_FOUND);
	ck_assert_int_eq(tpauth_claims_has(NULL, "a", "b"), 0);
	ck_assert_int_eq(tpauth_claims_parse(NULL, 0, NULL), TPAUTH_INTERNAL);
	ck_assert_ptr_null(claims_tree(NULL));
	ck_assert_int_eq(claims_rc(NULL, &err), TP_INVALID);
	ck_assert_str_eq(err.msg, "there are no claims");
	ck_assert_ptr_null(claims_view(NULL));
	ck_assert_ptr_null(claims_take(NULL));
}
END_TEST

START_TEST(a_view_is_read_and_not_written)
{
	struct jval *tree = NULL, *copy = NULL;
	struct tpauth_claims *view;
	struct tp_err err;

	ck_assert_int_eq(jval_parse(SPAN_LIT("{\"a\":\"b\"}"), &tree, NULL), TP_OK);
	view = claims_view(tree);
	ck_assert_str_eq(tpauth_claims_get(view, "a"), "b");
	ck_assert_int_eq(claims_give(view, &copy, NULL), TP_OK);
	ck_assert_ptr_ne(copy, tree);
	jval_release(copy);

	tpauth_claims_set(view, "a", "c");
	ck_assert_int_eq(claims_rc(view, &err), TP_INVALID);
	ck_assert_str_eq(err.msg, "claims were set that can only be read");
	ck_assert_str_eq(tpauth_claims_get(view, "a"), "b");
	tpauth_claims_free(view);
	jval_release(tree);
}
END_TEST

START_TEST(claims_that_are_given_away_are_empty)
{
	TP_CLEANUP(claims_cleanup) struct tpauth_claims *c = claims_of("{\"a\":\"b\"}");
	TP_CLEANUP(jval_cleanup) struct jval *tree = NULL;
	struct span s;

	ck_claims(c, "{\"a\":\"b\"}");
	ck_assert_int_eq(claims_give(c, &tree, NULL), TP_OK);
	ck_assert(jval_str(jval_get(tree, "a"), &s) && span_is(s, "b"));
	ck_claims(c, "{}");
	tpauth_claims_set(c, "c", "d");
	ck_claims(c, "{\"c\":\"d\"}");
}
END_TEST

/* Everything at once, with memory that runs out at each place in turn: whole, or spoiled. */
START_TEST(a_claim_is_not_lost_when_memory_runs_out)
{
	for (long n = 1;; n++) {
		TP_CLEANUP(claims_cleanup) struct tpauth_claims *c = NULL;
		enum tp_rc rc = TP_NOMEM;
		bool failed;

		alloc_fail_at(n);
		c = tpauth_claims_new();
		tpauth_claims_set(c, "user_id", "joe");
		tpauth_claims_add(c, "scopes", "read");
		tpauth_claims_set_int(c, "n", 1);
		tpauth_claims_set_json(c, "j", "{\"k\":[]}");
		if (c != NULL)
			rc = claims_rc(c, NULL);
		failed = alloc_fail_off();
		ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
		if (failed)
			continue;
		ck_claims(c,
			  "{\"user_id\":\"joe\",\"scopes\":[\"read\"],\"n\":1,\"j\":{\"k\":[]}}");
		ck_assert_int_gt(n, 5);
		break;
	}
}
END_TEST

START_TEST(parsing_and_giving_survive_the_end_of_memory)
{
	for (long n = 1;; n++) {
		TP_CLEANUP(claims_cleanup) struct tpauth_claims *c = NULL;
		TP_CLEANUP(jval_cleanup) struct jval *tree = NULL;
		enum tpauth_rc parse_rc;
		enum tp_rc rc = TP_NOMEM;
		const char *json = NULL;
		bool failed;

		alloc_fail_at(n);
		parse_rc = tpauth_claims_parse("{\"a\":[\"b\"]}", 11, &c);
		if (parse_rc == TPAUTH_OK) {
			json = tpauth_claims_get_json(c, "a");
			rc = claims_give(c, &tree, NULL);
		}
		failed = alloc_fail_off();
		if (failed)
			ck_assert(parse_rc == TPAUTH_NOMEM || json == NULL || rc == TP_NOMEM);
		ck_assert((tree != NULL) == (rc == TP_OK));
		if (failed)
			continue;
		ck_assert_int_eq(rc, TP_OK);
		break;
	}
}
END_TEST

static Suite *claims_suite(void)
{
	Suite *s = suite_create("claims");
	TCase *t = tcase_create("setting");

	tcase_add_test(t, setters_build_an_object);
	tcase_add_test(t, a_setter_replaces_what_was_there);
	tcase_add_test(t, adds_a_string_once_and_in_place_of_null);
	tcase_add_test(t, what_was_read_may_be_set);
	tcase_add_loop_test(t, what_cannot_be_set_spoils_the_object, 0, TP_COUNT(bad));
	tcase_add_test(t, the_largest_numbers_are_taken);
	suite_add_tcase(s, t);

	t = tcase_create("reading");
	tcase_add_test(t, reads_each_type_as_what_it_is);
	tcase_add_test(t, texts_stay_until_the_object_changes);
	tcase_add_loop_test(t, parses_one_strict_object, 0, TP_COUNT(parsed));
	tcase_add_test(t, refuses_a_text_that_is_too_large);
	tcase_add_test(t, null_is_no_object_and_breaks_nothing);
	suite_add_tcase(s, t);

	t = tcase_create("inside");
	tcase_add_test(t, a_view_is_read_and_not_written);
	tcase_add_test(t, claims_that_are_given_away_are_empty);
	tcase_add_test(t, a_claim_is_not_lost_when_memory_runs_out);
	tcase_add_test(t, parsing_and_giving_survive_the_end_of_memory);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(claims_suite());
}
