/* SPDX-License-Identifier: MIT */
/*
 * What an Authorization header shows: a bearer, another scheme, no token at all, or two of them.
 */
#include "http/bearer.h"

#include "support/check_run.h"

#include "base/banned.h"

static const struct {
	const char *text;
	enum tp_rc rc;
	const char *bearer; /* NULL: none */
} rows[] = {
	{ "Bearer abc", TP_OK, "abc" },
	{ "bEARER  abc ", TP_OK, "abc" },
	{ "\tBearer\tabc", TP_OK, "abc" },
	{ "Bearer aZ09-._~+/==", TP_OK, "aZ09-._~+/==" },
	{ "Bearer Bearer", TP_OK, "Bearer" },
	/* another scheme */
	{ "", TP_OK, NULL },
	{ "Basic YTpi", TP_OK, NULL },
	{ "Bearerabc", TP_OK, NULL },
	{ "Bear er", TP_OK, NULL },
	{ "\"Bearer\" abc", TP_OK, NULL },
	{ ", Bearer", TP_OK, NULL },
	{ "Digest username=\"a, Bearer b\", realm=\"x\", nc=1", TP_OK, NULL },
	{ "Digest a=\"\\\", Bearer b\"", TP_OK, NULL },
	{ "Digest a = \"b\", c = d", TP_OK, NULL },
	{ "Digest a=b,,c=d , ", TP_OK, NULL },
	/* no token */
	{ "Bearer", TP_DENIED, NULL },
	{ "Bearer ", TP_DENIED, NULL },
	{ "Bearer a b", TP_DENIED, NULL },
	{ "Bearer a=b", TP_DENIED, NULL },
	{ "Bearer ==", TP_DENIED, NULL },
	{ "Bearer a,b", TP_DENIED, NULL },
	{ "Bearer:abc", TP_DENIED, NULL },
	{ "Bearer \"abc\"", TP_DENIED, NULL },
	{ "Bearer a\xc3\xa9", TP_DENIED, NULL },
	{ "Bearer Bearer a", TP_DENIED, NULL },
	/* two of them */
	{ "Bearer good, Bearer evil", TP_INVALID, NULL },
	{ "Bearer good,bearer evil", TP_INVALID, NULL },
	{ "Basic YTpi, Bearer evil", TP_INVALID, NULL },
	{ "Bearer good, Basic YTpi", TP_INVALID, NULL },
	{ "Basic YTpi, Basic YTpj", TP_INVALID, NULL },
	{ "Digest a=\"b\", Bearer evil", TP_INVALID, NULL },
	{ ", Bearer evil", TP_INVALID, NULL },
};

START_TEST(finds_a_bearer_or_says_why_not)
{
	struct span got = { NULL, 0 };
	struct tp_err err;

	ck_assert_msg(bearer_get(span_of(rows[_i].text), &got, &err) == rows[_i].rc, "%s",
		      rows[_i].text);
	if (rows[_i].bearer == NULL)
		ck_assert_ptr_null(got.p);
	else
		ck_assert(span_is(got, rows[_i].bearer));
}
END_TEST

START_TEST(a_nul_is_no_character_of_a_token_or_a_scheme)
{
	struct span got = { NULL, 0 };
	struct tp_err err;

	ck_assert_int_eq(bearer_get(SPAN_LIT("Bearer a\0b"), &got, &err), TP_DENIED);
	ck_assert_int_eq(bearer_get(SPAN_LIT("Bearer\0 ab"), &got, &err), TP_DENIED);
	ck_assert_ptr_null(got.p);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("bearer");
	TCase *t = tcase_create("bearer");

	tcase_add_loop_test(t, finds_a_bearer_or_says_why_not, 0, (int)TP_COUNT(rows));
	tcase_add_test(t, a_nul_is_no_character_of_a_token_or_a_scheme);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
