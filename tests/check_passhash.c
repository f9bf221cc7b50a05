/* SPDX-License-Identifier: MIT */
/*
 * Hashes made by htpasswd(1), openssl-passwd(1) and crypt(3), against passwords right and wrong.
 */
#include "auth/passhash.h"
#include "base/limits.h"
#include "support/check_run.h"

#include <stdlib.h>

#include "base/banned.h"

#define HORSE  "correct horse"
#define DIGITS "01234567890123456789012345678901234567890123456789012345678901234567890123456789"

/* clang-format off */
static const struct {
	const char *hash, *password;
} right[] = {
	/* htpasswd -m -s -d -B -2 -5 */
	{ "$apr1$8Ti/muGk$lMIBN0iEpP98oOAVAN7HT0", HORSE },
	{ "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=", HORSE },
	{ "UjLB9hLnxCEPc", HORSE },
	{ "$2y$04$VZIt6A6PUn4ryk5g2HmMcO2r3f2Hg6m4XBL/GP9oLBQk3jxyx1G0a", HORSE },
	{ "$5$ophysLHmZ3LF65rn$ha97PwLAN.f945apouJV1qE/X7rhFQPQr5ftoYLEhLA", HORSE },
	{ "$6$0iCYYZqTxNygMblz$oJTE1afjRlNEudcs.JQhmOtpxYDUFBKhVcoVgLHzltbR5rQdILLRDLpCZEQ70Auw"
	  "iMe1ZN8clEuylvRTYrK1H/", HORSE },
	{ "$5$rounds=1000$GeLlTG9D1s8pikWZ$w.CuNHJfekqqOF3z4D76KrpYoQSe92V27g2ab4htry8", HORSE },
	{ "$6$rounds=1000$EbnJtk5zgAazmu7q$E0Vv1LFxJe0M.Q53pKrYYo80SWZ7TrGlUJr1KKVFhKQEdHwVkZJs"
	  "6vTVV1JL.Wx44cXF6uMUgLl32ZbAsKZ0X.", HORSE },
	/* the same for an empty password */
	{ "$apr1$DTe9TjUb$L7aez3NjrXlEPYgM0Hr1G1", "" },
	{ "{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "" },
	{ "ReFvQlyBAM06.", "" },
	{ "$2y$04$UzxdRJ5hxyK8QAJFzbCM.ePFuvIxr0I392B768.NTVs/TZVTjPlFy", "" },
	/* UTF-8 */
	{ "$apr1$8pXavr9h$JcGI3wgPSciRnYKieUNH9.", "p\xc3\xa4ssw\xc3\xb6rd" },
	{ "{SHA}9Rfd8dMqES/xrVXGbRsSyzjn6Pc=", "p\xc3\xa4ssw\xc3\xb6rd" },
	{ "$2y$04$6asuCTUKbCR.dXWcAOpvIO6haqlJv5P6ND0US2afVokaEiLGU8IkS", "p\xc3\xa4ssw\xc3\xb6rd" },
	/* 80 bytes */
	{ "$apr1$fRDE.6Qk$unecWf9BOTubBCsbLZMwa0", DIGITS },
	{ "{SHA}250QAHODbJZRaQr1p0GS/mrxorY=", DIGITS },
	{ "$2y$04$eJvUodaQ7x6Aqic2vHTFPu3CYqy/Ok.s.WAoLnvRlzWYEDUvRRP3W", DIGITS },
	/* openssl passwd: apr1 around its block of 16, then -1 -5 -6 */
	{ "$apr1$s$8G6wem9Lx9IX6iLu1N2Bg.", "xxxxxxxxxxxxxxx" },
	{ "$apr1$s$tGyojr2hKrz9wPUD.f7930", "xxxxxxxxxxxxxxxx" },
	{ "$apr1$s$QL63IGI2mZ73ci/PC/E.M.", "xxxxxxxxxxxxxxxxx" },
	{ "$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80", HORSE },
	{ "$5$saltsaltsaltsalt$vzxOvVGSAthqKsVBFh1uWPorUBPL5g6mz42rSF1xpk5", HORSE },
	{ "$6$s$ZdW4dNq9J8y3eJh70DyCvbc44bMlGpRZwoGUtVjumJmyWWGlGklvBv9nhS49TphOWurkUTpFq/7F4iQm"
	  "Ij6v10", HORSE },
	/* crypt(3) */
	{ "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", HORSE },
	{ "$2a$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", HORSE },
	{ "$y$j75$LdJMENpBABJJ3hIHjB1Bi.$rfA07bT0O97FNWV5Cb8oFDnoGBJLXwSI4w/PIpLfyy2", HORSE },
	{ "$y$j75$$6BUZ57Ppq1XCOI8LGmraG8XOzb1ERDdNMwVQ/ANg0pD", HORSE },
	{ "$gy$j75$abcdefgh$E.8/7w02Y2Ed.Uc2CpVIdgpGTbWIWVYm/SoufLuoKA2", HORSE },
	{ "$7$6./..../....abcdefgh$CTjcG8y5bwx8cbSjATbtSaWbxv67UKQAYTYF50ndui8", HORSE },
	{ "abhfCpXqd4GrI", HORSE },
};

static const char *const unknown[] = {
	"", "!", "*", "*0", "x", "secret", "!$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80",
	"$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm8",       /* one character short */
	"$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm800",
	"$1$abcdefghi$y6iHhJNbuC0xpbk0w9pm80",     /* salt too long */
	"$1$abcd:fgh$y6iHhJNbuC0xpbk0w9pm80",      /* not a character for crypt(3) */
	"$1$abcdefgh!y6iHhJNbuC0xpbk0w9pm80",
	"$1$", "$1", "$", "$5$", "$6$", "$y$", "$7$", "$2y$", "$apr1$", "{SHA}",
	"$apr1$8Ti/muGk$lMIBN0iEpP98oOAVAN7HT",
	"$apr1$8Ti/muGkk$lMIBN0iEpP98oOAVAN7HT0",
	"$apr1$8Ti$muGk$lMIBN0iEpP98oOAVAN7HT0",
	"{SHA}L55TUjtiq8FBorTWAZ0jy6g129A",        /* no padding */
	"{SHA}L55TUjtiq8FBorTWAZ0jy6g12.A=",       /* not base64 */
	"{SHA}L55TUjtiq8FBorTWAZ0jy6g129AAA==",
	"{sha}L55TUjtiq8FBorTWAZ0jy6g129A=",
	"{SSHA}L55TUjtiq8FBorTWAZ0jy6g129A=",
	"$2y$4$VZIt6A6PUn4ryk5g2HmMcO2r3f2Hg6m4XBL/GP9oLBQk3jxyx1G0a",
	"$2y$03$VZIt6A6PUn4ryk5g2HmMcO2r3f2Hg6m4XBL/GP9oLBQk3jxyx1G0a",
	"$2y$32$VZIt6A6PUn4ryk5g2HmMcO2r3f2Hg6m4XBL/GP9oLBQk3jxyx1G0a",
	"$2y$00$VZIt6A6PUn4ryk5g2HmMcO2r3f2Hg6m4XBL/GP9oLBQk3jxyx1G0a",
	"$2y$04$VZIt6A6PUn4ryk5g2HmMcO2r3f2Hg6m4XBL/GP9oLBQk3jxyx1G0",
	"$2y$04$VZIt6A6PUn4ryk5g2HmMcO2r3f2Hg6m4XBL/GP9oLBQk3jxyx1G0$",
	"$2z$04$VZIt6A6PUn4ryk5g2HmMcO2r3f2Hg6m4XBL/GP9oLBQk3jxyx1G0a",
	"$5$rounds=999$GeLlTG9D1s8pikWZ$w.CuNHJfekqqOF3z4D76KrpYoQSe92V27g2ab4htry8",
	"$5$rounds=01000$GeLlTG9D1s8pikWZ$w.CuNHJfekqqOF3z4D76KrpYoQSe92V27g2ab4htry8",
	"$5$rounds=$GeLlTG9D1s8pikWZ$w.CuNHJfekqqOF3z4D76KrpYoQSe92V27g2ab4htry8",
	"$5$rounds=1000",
	"$5$rounds=1000$w.CuNHJfekqqOF3z4D76KrpYoQSe92V27g2ab4htry8", /* no salt, no '$' for it */
	"$5$GeLlTG9D1s8pikWZZ$w.CuNHJfekqqOF3z4D76KrpYoQSe92V27g2ab4htry8",
	"$y$j7$LdJMENpBABJJ3hIHjB1Bi.$rfA07bT0O97FNWV5Cb8oFDnoGBJLXwSI4w/PIpLfyy2",
	"$y$jz5$LdJMENpBABJJ3hIHjB1Bi.$rfA07bT0O97FNWV5Cb8oFDnoGBJLXwSI4w/PIpLfyy2",
	"$y$j75$rfA07bT0O97FNWV5Cb8oFDnoGBJLXwSI4w/PIpLfyy2",
	"$7$6./..../..$CTjcG8y5bwx8cbSjATbtSaWbxv67UKQAYTYF50ndui8",
	"abhfCpXqd4Gr", "abhfCpXqd4GrII", "ab:fCpXqd4GrI", "abhfCpXqd4Gr$",
};

/* From cheap to dear. */
static const char *const by_cost[] = {
	"",
	"{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=",
	"abhfCpXqd4GrI",
	"$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80",
	"$apr1$8Ti/muGk$lMIBN0iEpP98oOAVAN7HT0",
	"$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	("$6$0iCYYZqTxNygMblz$oJTE1afjRlNEudcs.JQhmOtpxYDUFBKhVcoVgLHzltbR5rQdILLRDLpCZEQ70Auwi"
	 "Me1ZN8clEuylvRTYrK1H/"),
	"$5$rounds=5001$saltsaltsaltsalt$vzxOvVGSAthqKsVBFh1uWPorUBPL5g6mz42rSF1xpk5",
	"$2a$05$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	"$y$j75$LdJMENpBABJJ3hIHjB1Bi.$rfA07bT0O97FNWV5Cb8oFDnoGBJLXwSI4w/PIpLfyy2",
	"$2y$10$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	"$y$j9T$LdJMENpBABJJ3hIHjB1Bi.$rfA07bT0O97FNWV5Cb8oFDnoGBJLXwSI4w/PIpLfyy2",
	"$7$CU..../....abcdefgh$CTjcG8y5bwx8cbSjATbtSaWbxv67UKQAYTYF50ndui8",
	"$2y$14$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	("$6$rounds=10000000$s$ZdW4dNq9J8y3eJh70DyCvbc44bMlGpRZwoGUtVjumJmyWWGlGklvBv9nhS49Tph"
	 "OWurkUTpFq/7F4iQmIj6v10"),
	"$2y$31$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
};
/* clang-format on */

static enum tp_rc check(const char *hash, const char *password, size_t len)
{
	struct tp_err err = { 0 };

	return passhash_check(span_of(hash), (struct span){ password, len }, &err);
}

START_TEST(accepts_the_password)
{
	const char *hash = right[_i].hash, *password = right[_i].password;

	ck_assert_msg(passhash_known(span_of(hash)), "%s", hash);
	ck_assert_msg(check(hash, password, strlen(password)) == TP_OK, "%s", hash);
}
END_TEST

START_TEST(denies_another_password)
{
	static const char *const others[] = { "wrong", "Correct horse", "correct hors" };

	for (size_t i = 0; i < TP_COUNT(others); i++) {
		/* DES sees 8 bytes: "correct " */
		if (strlen(right[_i].hash) == 13 && i == 2)
			continue;
		ck_assert_int_eq(check(right[_i].hash, others[i], strlen(others[i])), TP_DENIED);
	}
}
END_TEST

START_TEST(tells_unknown_from_wrong)
{
	struct tp_err err = { 0 };

	ck_assert_msg(!passhash_known(span_of(unknown[_i])), "%s", unknown[_i]);
	ck_assert_int_eq(passhash_check(span_of(unknown[_i]), span_of(unknown[_i]), &err),
			 TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "a password hash of no known format");
}
END_TEST

START_TEST(plain_text_is_no_hash)
{
	struct span nothing = { NULL, 0 };

	ck_assert_int_eq(check("secret", "secret", 6), TP_UNAVAILABLE);
	ck_assert(!passhash_known(nothing));
	ck_assert_int_eq(passhash_cost(nothing), 0);
}
END_TEST

START_TEST(costs_are_ordered)
{
	for (size_t i = 1; i < TP_COUNT(by_cost); i++)
		ck_assert_msg(passhash_cost(span_of(by_cost[i])) >
				      passhash_cost(span_of(by_cost[i - 1])),
			      "%s", by_cost[i]);
}
END_TEST

START_TEST(a_cut_hash_is_never_taken)
{
	const char *hash = right[_i].hash;

	for (size_t len = 0; len < strlen(hash); len++) {
		struct tp_err err = { 0 };

		ck_assert_int_eq(passhash_check((struct span){ hash, len },
						span_of(right[_i].password), &err),
				 TP_UNAVAILABLE);
	}
}
END_TEST

START_TEST(a_nul_in_the_password_does_not_end_it)
{
	static const char nul[] = HORSE "\0more";

	ck_assert_int_eq(check(right[_i].hash, nul, sizeof(nul) - 1), TP_DENIED);
	ck_assert_int_eq(check(right[_i].hash, "\0", 1), TP_DENIED);
}
END_TEST

/* The hashes are those of the long passwords; computed by an implementation of its own. */
START_TEST(long_passwords_count_in_full)
{
	static const char apr1[] = "$apr1$longlong$jACp7ytJGtaGjugCn405C0";
	static const char sha1[] = "{SHA}xzY8BjPxMSCKMQb7rHZOGoim/z4=";
	char y[LIMIT_PASSWORD + 1];

	memset(y, 'y', sizeof(y));
	ck_assert_int_eq(check(apr1, y, LIMIT_PASSWORD), TP_OK);
	ck_assert_int_eq(check(apr1, y, LIMIT_PASSWORD - 1), TP_DENIED);
	ck_assert_int_eq(check(sha1, y, LIMIT_PASSWORD), TP_OK);
	ck_assert_int_eq(check(sha1, y, LIMIT_PASSWORD - 1), TP_DENIED);
}
END_TEST

START_TEST(a_password_over_the_limit_is_denied)
{
	static const char apr1[] = "$apr1$s$Gh6/D4MOE7cDr03h2lLwq."; /* of 1025 bytes */
	char y[LIMIT_PASSWORD + 1];

	memset(y, 'y', sizeof(y));
	ck_assert(passhash_known(span_of(apr1)));
	ck_assert_int_eq(check(apr1, y, sizeof(y)), TP_DENIED);
}
END_TEST

START_TEST(crypt_takes_511_bytes_and_not_more)
{
	static const char hash[] = "$5$rounds=1000$s$3mnM5gxGQH.N9faCWfDWoyGkJJZ1QIkm9zXcl9nI5Z6";
	char x[LIMIT_PASSWORD];

	memset(x, 'x', sizeof(x));
	ck_assert_int_eq(check(hash, x, 510), TP_DENIED);
	ck_assert_int_eq(check(hash, x, 511), TP_OK);
	ck_assert_int_eq(check(hash, x, 512), TP_DENIED);
	ck_assert_int_eq(check(hash, x, LIMIT_PASSWORD), TP_DENIED);
}
END_TEST

START_TEST(bcrypt_sees_72_bytes_as_under_apache)
{
	static const char hash[] = "$2y$04$eJvUodaQ7x6Aqic2vHTFPu3CYqy/Ok.s.WAoLnvRlzWYEDUvRRP3W";

	ck_assert_int_eq(check(hash, DIGITS, 80), TP_OK);
	ck_assert_int_eq(check(hash, DIGITS, 72), TP_OK);
	ck_assert_int_eq(check(hash, DIGITS, 71), TP_DENIED);
}
END_TEST

START_TEST(a_password_need_not_end_in_a_nul)
{
	/* An exact copy, so that a sanitizer sees a read past the end. */
	size_t len = strlen(right[_i].password);
	char *exact = malloc(len + 1);

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, right[_i].password, len);
	exact[len] = 'x';
	ck_assert_int_eq(check(right[_i].hash, exact, len), TP_OK);
	free(exact);
}
END_TEST

START_TEST(makes_hashes_that_it_accepts)
{
	TP_CLEANUP(secret_release) struct secret a = { NULL, 0 };
	TP_CLEANUP(secret_release) struct secret b = { NULL, 0 };
	const struct span password = { DIGITS, 72 };

	ck_assert_int_eq(passhash_make(password, 4, &a, NULL), TP_OK);
	ck_assert_int_eq(passhash_make(password, 5, &b, NULL), TP_OK);
	ck_assert_uint_eq(a.len, 60);
	ck_assert(span_starts(secret_view(&a), "$2y$04$"));
	ck_assert(span_starts(secret_view(&b), "$2y$05$"));
	ck_assert(strcmp(a.p + 7, b.p + 7) != 0);
	ck_assert(passhash_known(secret_view(&a)));
	ck_assert_int_eq(check(a.p, DIGITS, 72), TP_OK);
	ck_assert_int_eq(check(a.p, DIGITS, 71), TP_DENIED);
}
END_TEST

START_TEST(makes_no_hash_that_would_fit_other_passwords)
{
	TP_CLEANUP(secret_release) struct secret hash = { NULL, 0 };

	ck_assert_int_eq(passhash_make(SPAN_LIT(""), 4, &hash, NULL), TP_INVALID);
	ck_assert_int_eq(passhash_make(SPAN_LIT("a\0b"), 4, &hash, NULL), TP_INVALID);
	ck_assert_int_eq(passhash_make((struct span){ DIGITS, 73 }, 4, &hash, NULL), TP_INVALID);
	ck_assert_ptr_null(hash.p);
}
END_TEST

static Suite *passhash_suite(void)
{
	Suite *s = suite_create("passhash");
	TCase *t = tcase_create("passhash");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, accepts_the_password, 0, TP_COUNT(right));
	tcase_add_loop_test(t, denies_another_password, 0, TP_COUNT(right));
	tcase_add_loop_test(t, tells_unknown_from_wrong, 0, TP_COUNT(unknown));
	tcase_add_test(t, plain_text_is_no_hash);
	tcase_add_test(t, costs_are_ordered);
	tcase_add_test(t, makes_hashes_that_it_accepts);
	tcase_add_test(t, makes_no_hash_that_would_fit_other_passwords);
	tcase_add_loop_test(t, a_cut_hash_is_never_taken, 0, TP_COUNT(right));
	tcase_add_loop_test(t, a_nul_in_the_password_does_not_end_it, 0, TP_COUNT(right));
	tcase_add_test(t, long_passwords_count_in_full);
	tcase_add_test(t, a_password_over_the_limit_is_denied);
	tcase_add_test(t, crypt_takes_511_bytes_and_not_more);
	tcase_add_test(t, bcrypt_sees_72_bytes_as_under_apache);
	tcase_add_loop_test(t, a_password_need_not_end_in_a_nul, 0, TP_COUNT(right));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(passhash_suite());
}
