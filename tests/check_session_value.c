/* SPDX-License-Identifier: MIT */
/*
 * Claims of auth/session.h about its texts: the value in the store, which the Python original
 * writes and reads as well, and the names and bearer of a session.
 */
#include "auth/session.h"

#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/rig.h"

#include "base/banned.h"

static const struct {
	const char *value, *jwt; /* NULL: refused */
} values[] = {
	{ "{\"token\":\"a.b-_9.Z\",\"expire\":1440}", "a.b-_9.Z" },
	{ "{\"token\": \"a.b.c\", \"expire\": 1440}", "a.b.c" },
	{ " {\"token\":\"a.b.c\",\"expire\":1440}\n", "a.b.c" },
	{ "{\"expire\":1440,\"token\":\"a.b.c\"}", "a.b.c" },
	{ "{\"token\":\"a\\u002eb.c\",\"expire\":1440}", "a.b.c" },
	{ "{\"token\":\"a.b.c\"}", "a.b.c" },
	{ "{\"token\":\"a.b.c\",\"expire\":0}", "a.b.c" },
	{ "{\"token\":\"a.b.c\",\"expire\":-1}", "a.b.c" },
	{ "{\"token\":\"a.b.c\",\"expire\":null}", "a.b.c" },
	{ "{\"token\":\"a.b.c\",\"expire\":1440,\"more\":[1]}", "a.b.c" },
	{ "{\"token\":\"\",\"expire\":1440}", "" },
	{ "{\"token\":\"a b\",\"expire\":1440}", "a b" },
	{ "{\"token\":\"a.b.c\",\"expire\":01}", NULL },
	{ "{\"token\":\"a.b.c\",\"expire\":1.5}", NULL },
	{ "{\"token\":\"a.b.c\",\"expire\":}", NULL },
	{ "{\"token\":\"a.b.c\",\"expire\":1440}x", NULL },
	{ "{\"token\":\"a.b.c\",\"expire\":1440}}", NULL },
	{ "{\"token\":\"a.b.c\",\"token\":\"d.e.f\"}", NULL },
	{ "{\"token\":\"a\nb\",\"expire\":1440}", NULL },
	{ "{\"token\":\"a\xff\",\"expire\":1440}", NULL },
	{ "{\"token\":\"\xc3\xa9\",\"expire\":1440}", "\xc3\xa9" },
	{ "{\"token\":null,\"expire\":1440}", NULL },
	{ "{\"token\":5,\"expire\":1440}", NULL },
	{ "{\"token\":[\"a.b.c\"],\"expire\":1440}", NULL },
	{ "{\"Token\":\"a.b.c\",\"expire\":1440}", NULL },
	{ "{}", NULL },
	{ "[\"a.b.c\"]", NULL },
	{ "\"a.b.c\"", NULL },
	{ "null", NULL },
	{ "a.b.c", NULL },
	{ "restricted", NULL },
	{ "", NULL },
};

START_TEST(reads_values_that_are_json_with_a_token)
{
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(LIMIT_JWT);
	struct span jwt = SPAN_LIT("untouched");
	struct tp_err err;
	enum tp_rc rc = session_value_get(span_of(values[_i].value), &jwt, &hold, &err);

	if (values[_i].jwt != NULL) {
		ck_assert_int_eq(rc, TP_OK);
		ck_assert(span_is(jwt, values[_i].jwt));
	} else {
		ck_assert_int_eq(rc, TP_DENIED);
		ck_assert_str_eq(err.msg, "the stored session is not JSON with a token");
		ck_assert(span_is(jwt, "untouched"));
	}
}
END_TEST

START_TEST(refuses_a_value_that_was_cut_off)
{
	static const char whole[] = "{\"token\":\"a.b.c\",\"expire\":1440}";
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(LIMIT_JWT);
	struct span jwt;

	for (size_t n = 0; n < sizeof(whole) - 1; n++)
		ck_assert_int_eq(session_value_get((struct span){ whole, n }, &jwt, &hold, NULL),
				 TP_DENIED);
}
END_TEST

START_TEST(reads_the_usual_form_without_memory)
{
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(LIMIT_JWT);
	struct span jwt;
	enum tp_rc rc;

	alloc_fail_at(1);
	rc = session_value_get(SPAN_LIT(RIG_SEED_VALUE), &jwt, &hold, NULL);
	ck_assert(!alloc_fail_off());
	ck_assert_int_eq(rc, TP_OK);
	ck_assert(span_is(jwt, RIG_SEED_JWT));
}
END_TEST

/* Without memory only what stands for itself is read: all else is the parser's to judge, which
 * needs some or refuses at once. */
START_TEST(leaves_every_odd_octet_to_the_parser)
{
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(LIMIT_JWT);
	char value[] = "{\"token\":\"0123456789abcdefghi\",\"expire\":1440}";
	const size_t at = strlen("{\"token\":\"") + (size_t)_i;

	for (int c = 0; c <= 0xff; c++) {
		bool plain = c >= 0x20 && c <= 0x7e && c != '\\' && c != '"';
		struct span jwt;
		enum tp_rc rc;

		value[at] = (char)c;
		alloc_fail_at(1);
		rc = session_value_get((struct span){ value, sizeof(value) - 1 }, &jwt, &hold,
				       NULL);
		ck_assert(!(alloc_fail_off() && plain));
		ck_assert_msg((rc == TP_OK) == plain, "octet %d: %d", c, rc);
	}
}
END_TEST

START_TEST(refuses_a_stored_token_that_is_too_large)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(LIMIT_JWT);
	struct span jwt;
	struct tp_err err;

	buf_str(&value, "{\"expire\": 1440, \"token\": \"");
	for (int i = 0; i < LIMIT_JWT + 1; i++)
		buf_char(&value, 'a');
	buf_str(&value, "\"}");
	ck_assert_int_eq(session_value_get(buf_view(&value), &jwt, &hold, &err), TP_DENIED);
	ck_assert_str_eq(err.msg, "the stored token is too large");
}
END_TEST

START_TEST(says_so_when_there_is_no_memory_to_read_a_value)
{
	struct span value = SPAN_LIT("{\"token\": \"a.b.c\", \"expire\": 1440}"), jwt;

	for (long n = 1;; n++) {
		TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(LIMIT_JWT);
		enum tp_rc rc;

		alloc_fail_at(n);
		rc = session_value_get(value, &jwt, &hold, NULL);
		if (!alloc_fail_off()) {
			ck_assert_int_eq(rc, TP_OK);
			break;
		}
		ck_assert_int_eq(rc, TP_NOMEM);
	}
}
END_TEST

static const struct {
	int64_t expire_s;
	const char *value;
} made[] = {
	{ 86400, "{\"token\":\"a.b.c\",\"expire\":1440}" },
	{ 60, "{\"token\":\"a.b.c\",\"expire\":1}" },
	{ 61, "{\"token\":\"a.b.c\",\"expire\":2}" },
	{ 1, "{\"token\":\"a.b.c\",\"expire\":1}" },
};

START_TEST(writes_values_as_the_original_does)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(LIMIT_STORE_VALUE);

	session_value_put(SPAN_LIT("a.b.c"), made[_i].expire_s, &out);
	ck_assert_str_eq(buf_cstr(&out), made[_i].value);
}
END_TEST

START_TEST(names_a_session_by_the_hash_of_its_handle)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(SESSION_SID_LEN);

	session_sid(SPAN_LIT(RIG_SEED_HANDLE), &out);
	ck_assert_str_eq(buf_cstr(&out), RIG_SEED_SID);
}
END_TEST

START_TEST(makes_a_bearer_of_handle_and_user)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(1024);

	session_bearer(SPAN_LIT(RIG_SEED_USER), SPAN_LIT(RIG_SEED_HANDLE), &out);
	ck_assert_str_eq(buf_cstr(&out), RIG_SEED_HANDLE ".dXNlcl8wOTk");
}
END_TEST

static Suite *session_value_suite(void)
{
	Suite *s = suite_create("session_value");
	TCase *tc = tcase_create("value");

	tcase_add_loop_test(tc, reads_values_that_are_json_with_a_token, 0, TP_COUNT(values));
	tcase_add_test(tc, refuses_a_value_that_was_cut_off);
	tcase_add_test(tc, reads_the_usual_form_without_memory);
	tcase_add_loop_test(tc, leaves_every_odd_octet_to_the_parser, 0, 19);
	tcase_add_test(tc, refuses_a_stored_token_that_is_too_large);
	tcase_add_test(tc, says_so_when_there_is_no_memory_to_read_a_value);
	tcase_add_loop_test(tc, writes_values_as_the_original_does, 0, TP_COUNT(made));
	tcase_add_test(tc, names_a_session_by_the_hash_of_its_handle);
	tcase_add_test(tc, makes_a_bearer_of_handle_and_user);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(session_value_suite());
}
