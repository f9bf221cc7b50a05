/* SPDX-License-Identifier: MIT */
/* The daemon beside a pool: which flags it gets, and that it must be there. */
#include "run/companion.h"

#include "support/check_run.h"

#include "base/banned.h"

enum { MOST = 12 };

static const struct {
	const char *given[MOST], *passed[MOST];
} calls[] = {
	{ { "tpauth.fcgi", "--grpc" }, { "grpcd" } },
	{ { "x", "--listen", "/run/s", "--workers", "4", "--grpc", "--config", "/f" },
	  { "grpcd", "--config", "/f" } },
	{ { "x", "--listen=/run/s", "--workers=4", "--grpc=true", "--config=/f" },
	  { "grpcd", "--config=/f" } },
	{ { "x", "--grpc", "true", "--issuer", "grpc" }, { "grpcd", "--issuer", "grpc" } },
	{ { "x", "--grpc", "--listen-mode", "0600", "--workers", "1" },
	  { "grpcd", "--listen-mode", "0600" } },
	{ { "x", "--grpc", "--grpc-listen", "[::1]:9", "--grpc-secret-file=/s", "--workers=1" },
	  { "grpcd", "--grpc-listen", "[::1]:9", "--grpc-secret-file=/s" } },
	{ { "x", "--issuer", "-listen", "--workers", "2", "--grpc" },
	  { "grpcd", "--issuer", "-listen" } },
};

START_TEST(hands_on_the_flags_that_are_not_its_own)
{
	char program[] = "grpcd";
	char words[MOST][32], *given[MOST], *got[MOST + 1];
	int n = 0, i = 0;

	for (; calls[_i].given[n] != NULL; n++) {
		memcpy(words[n], calls[_i].given[n], strlen(calls[_i].given[n]) + 1);
		given[n] = words[n];
	}
	companion_flags(program, n, given, got);
	for (; calls[_i].passed[i] != NULL; i++)
		ck_assert_str_eq(got[i], calls[_i].passed[i]);
	ck_assert_ptr_null(got[i]);
}
END_TEST

START_TEST(must_be_there)
{
	TP_CLEANUP(config_release) struct config c = { .module_dir = NULL };
	struct tp_err err = { 0 };

	c.module_dir = span_dup(SPAN_LIT("/nonexistent"));
	/* Unless there is one where this tree would install it. */
	if (companion_check(&c, &err) == TP_OK)
		return;
	ck_assert_int_eq(err.rc, TP_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "tpauth-grpcd"));
}
END_TEST

static Suite *companion_suite(void)
{
	Suite *s = suite_create("companion");
	TCase *t = tcase_create("all");

	tcase_add_loop_test(t, hands_on_the_flags_that_are_not_its_own, 0, (int)TP_COUNT(calls));
	tcase_add_test(t, must_be_there);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(companion_suite());
}
