/* SPDX-License-Identifier: MIT */
/*
 * Claims of auth/throttle.h: who counts as the same user and address, the three counts as they grow
 * and are forgotten, and that an outage is no refusal and no permission.
 */
#include "auth/throttle.h"

#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/rig.h"

#include "base/banned.h"

static struct rig rig;

static void set_up(void)
{
	rig_open(&rig);
}

static void tear_down(void)
{
	rig_release(&rig);
}

/* One attempt: 0 when it is let through, else the seconds to wait. */
static int attempt(const char *user, const char *address)
{
	struct throttle t;
	struct tp_err err = { 0 };
	enum tp_rc rc;

	throttle_init(&t, span_of(user), span_of(address));
	rc = throttle_enter(&rig.a, &t, &err);
	if (rc == TP_OK)
		return 0;
	ck_assert_int_eq(rc, TP_THROTTLED);
	ck_assert_int_eq(err.rc, TP_THROTTLED);
	ck_assert_int_gt(err.retry_s, 0);
	return err.retry_s;
}

static void succeed(const char *user, const char *address)
{
	struct throttle t;
	struct store_op op;

	throttle_init(&t, span_of(user), span_of(address));
	op = throttle_success(&t);
	ck_assert_int_eq(store_do(rig.a.store, &op, NULL), TP_OK);
}

START_TEST(lets_five_attempts_of_a_pair_through_then_doubles_up_to_15_minutes)
{
	static const int pauses[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900 };

	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(attempt("ann", "192.0.2.1"), 0);
	for (size_t i = 0; i < TP_COUNT(pauses); i++) {
		ck_assert_int_eq(attempt("ann", "192.0.2.1"), pauses[i]);
		rig.now += pauses[i] - 1;
		ck_assert_int_eq(attempt("ann", "192.0.2.1"), 1);
		rig.now += 1;
		ck_assert_int_eq(attempt("ann", "192.0.2.1"), 0);
	}
}
END_TEST

START_TEST(forgets_a_pair_half_an_hour_after_its_last_attempt)
{
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(attempt("ann", "192.0.2.1"), 0);
	rig.now += 1799;
	ck_assert_int_eq(attempt("ann", "192.0.2.1"), 0);
	ck_assert_int_eq(attempt("ann", "192.0.2.1"), 2);
	rig.now += 1800;
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(attempt("ann", "192.0.2.1"), 0);
	ck_assert_int_eq(attempt("ann", "192.0.2.1"), 1);
}
END_TEST

START_TEST(lets_fifty_attempts_of_an_address_through_in_15_minutes)
{
	char user[] = "user_000";

	for (int i = 0; i < 50; i++) {
		user[6] = (char)('0' + i / 10);
		user[7] = (char)('0' + i % 10);
		ck_assert_int_eq(attempt(user, "192.0.2.1"), 0);
		rig.now += 10;
	}
	ck_assert_int_eq(attempt("somebody", "192.0.2.1"), 400);
	ck_assert_int_eq(attempt("somebody", "192.0.2.2"), 0);
	rig.now += 400;
	ck_assert_int_eq(attempt("somebody", "192.0.2.1"), 0);
}
END_TEST

START_TEST(slows_a_user_down_over_all_addresses_and_never_locks)
{
	char address[] = "192.0.2.00";

	for (int i = 0; i < 10; i++) {
		address[9] = (char)('0' + i);
		ck_assert_int_eq(attempt("ann", address), 0);
	}
	address[8] = '1';
	for (int i = 0; i < 10; i++) {
		int wait = i == 0 ? 1 : 2;

		address[9] = (char)('0' + i);
		ck_assert_int_eq(attempt("ann", address), wait);
		rig.now += wait;
		ck_assert_int_eq(attempt("ann", address), 0);
	}
	ck_assert_int_eq(attempt("bob", "192.0.2.1"), 0);
}
END_TEST

START_TEST(forgets_a_user_15_minutes_after_the_last_attempt)
{
	char address[] = "192.0.2.0";

	for (int i = 0; i < 10; i++) {
		address[8] = (char)('0' + i);
		ck_assert_int_eq(attempt("ann", address), 0);
	}
	rig.now += 900;
	ck_assert_int_eq(attempt("ann", "192.0.3.1"), 0);
	ck_assert_int_eq(attempt("ann", "192.0.3.2"), 0);
}
END_TEST

START_TEST(a_success_forgets_the_pair_and_takes_one_attempt_back_elsewhere)
{
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(attempt("ann", "192.0.2.1"), 0);
	succeed("ann", "192.0.2.1");
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(attempt("ann", "192.0.2.1"), 0);
	ck_assert_int_eq(attempt("ann", "192.0.2.1"), 1);
	/* nine by the user so far: 5 - 1 + 5 */
	ck_assert_int_eq(attempt("ann", "192.0.2.2"), 0);
	ck_assert_int_eq(attempt("ann", "192.0.2.3"), 1);
}
END_TEST

START_TEST(a_refused_attempt_counts_nowhere)
{
	char user[] = "user_00";

	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(attempt("ann", "192.0.2.1"), 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(attempt("ann", "192.0.2.1"), 1);
	for (int i = 0; i < 45; i++) {
		user[5] = (char)('0' + i / 10);
		user[6] = (char)('0' + i % 10);
		ck_assert_int_eq(attempt(user, "192.0.2.1"), 0);
	}
	ck_assert_int_gt(attempt("somebody", "192.0.2.1"), 1);
}
END_TEST

static const struct {
	const char *a, *b;
	bool same;
} addresses[] = {
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "192.0.2.1", "::ffff:192.0.2.1", true },
	{ "192.0.2.1", "::ffff:c000:201", true },
	{ "192.0.2.1", "::192.0.2.1", false },
	{ "2001:db8::1", "2001:db8::2", true },
	{ "2001:db8::1", "2001:0DB8:0:0:ffff:ffff:ffff:ffff", true },
	{ "2001:db8:0:1::1", "2001:db8:0:2::1", false },
	{ "2001:db8::", "2001:db8::/64", false },
	{ "::1", "127.0.0.1", false },
	{ "unix:", "unix:", true },
	{ "unix:", "", false },
	{ "", "", true },
	{ "192.0.2.01", "192.0.2.1", false },
	{ "fe80::1%eth0", "fe80::2%eth0", false },
	{ "0123456789012345678901234567890123456789012345678901234567890123456789",
	  "0123456789012345678901234567890123456789012345678901234567890123456780", false },
};

START_TEST(knows_addresses_by_their_network)
{
	struct throttle a, b;

	throttle_init(&a, SPAN_LIT("ann"), span_of(addresses[_i].a));
	throttle_init(&b, SPAN_LIT("ann"), span_of(addresses[_i].b));
	ck_assert_int_eq(strcmp(a.item[THROTTLE_ADDRESS], b.item[THROTTLE_ADDRESS]) == 0,
			 addresses[_i].same);
	ck_assert_int_eq(strcmp(a.item[THROTTLE_PAIR], b.item[THROTTLE_PAIR]) == 0,
			 addresses[_i].same);
	ck_assert_str_eq(a.item[THROTTLE_USER], b.item[THROTTLE_USER]);
}
END_TEST

START_TEST(takes_no_name_for_another_name_with_an_address)
{
	struct throttle a, b;

	throttle_init(&a, SPAN_LIT("ann"), SPAN_LIT("x"));
	throttle_init(&b, SPAN_LIT("ann\0x"), SPAN_LIT(""));
	ck_assert_str_ne(a.item[THROTTLE_PAIR], b.item[THROTTLE_PAIR]);
	throttle_init(&b, SPAN_LIT("annx"), SPAN_LIT(""));
	ck_assert_str_ne(a.item[THROTTLE_PAIR], b.item[THROTTLE_PAIR]);
	throttle_init(&b, SPAN_LIT("Ann"), SPAN_LIT("x"));
	ck_assert_str_ne(a.item[THROTTLE_PAIR], b.item[THROTTLE_PAIR]);
}
END_TEST

START_TEST(stores_digests_only)
{
	struct throttle t;

	throttle_init(&t, SPAN_LIT("ann"), SPAN_LIT("192.0.2.1"));
	for (size_t i = 0; i < THROTTLE_KINDS; i++) {
		ck_assert_uint_eq(strlen(t.item[i]), 64);
		ck_assert_uint_eq(strspn(t.item[i], "0123456789abcdef"), 64);
		ck_assert(span_is(t.hits[i].item, t.item[i]));
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(t.item[i], t.item[j]);
	}
}
END_TEST

START_TEST(takes_absent_names_as_empty_ones)
{
	const struct span absent = { NULL, 0 };
	struct throttle a, b;

	throttle_init(&a, absent, absent);
	throttle_init(&b, SPAN_LIT(""), SPAN_LIT(""));
	ck_assert_mem_eq(a.item, b.item, sizeof(a.item));
}
END_TEST

START_TEST(an_outage_is_neither_yes_nor_no)
{
	struct throttle t;
	struct tp_err err;

	throttle_init(&t, SPAN_LIT("ann"), SPAN_LIT("192.0.2.1"));
	rig_store_fail(&rig, RIG_DEAD, 1);
	ck_assert_int_eq(throttle_enter(&rig.a, &t, &err), TP_UNAVAILABLE);
	rig_store_fail(&rig, RIG_MUTE, 1);
	ck_assert_int_eq(throttle_enter(&rig.a, &t, &err), TP_UNAVAILABLE);
	ck_assert_int_eq(throttle_enter(&rig.a, &t, &err), TP_OK);
}
END_TEST

START_TEST(asks_the_store_once)
{
	ck_assert_int_eq(attempt("ann", "192.0.2.1"), 0);
	ck_assert_int_eq(rig.round_trips, 1);
}
END_TEST

START_TEST(names_whom_it_counts_without_memory)
{
	struct throttle t;

	alloc_fail_at(1);
	throttle_init(&t, SPAN_LIT("ann"), SPAN_LIT("2001:db8::1"));
	ck_assert(!alloc_fail_off());
}
END_TEST

static Suite *throttle_suite(void)
{
	Suite *s = suite_create("throttle");
	TCase *tc = tcase_create("throttle");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, lets_five_attempts_of_a_pair_through_then_doubles_up_to_15_minutes);
	tcase_add_test(tc, forgets_a_pair_half_an_hour_after_its_last_attempt);
	tcase_add_test(tc, lets_fifty_attempts_of_an_address_through_in_15_minutes);
	tcase_add_test(tc, slows_a_user_down_over_all_addresses_and_never_locks);
	tcase_add_test(tc, forgets_a_user_15_minutes_after_the_last_attempt);
	tcase_add_test(tc, a_success_forgets_the_pair_and_takes_one_attempt_back_elsewhere);
	tcase_add_test(tc, a_refused_attempt_counts_nowhere);
	tcase_add_loop_test(tc, knows_addresses_by_their_network, 0, TP_COUNT(addresses));
	tcase_add_test(tc, takes_no_name_for_another_name_with_an_address);
	tcase_add_test(tc, stores_digests_only);
	tcase_add_test(tc, takes_absent_names_as_empty_ones);
	tcase_add_test(tc, an_outage_is_neither_yes_nor_no);
	tcase_add_test(tc, asks_the_store_once);
	tcase_add_test(tc, names_whom_it_counts_without_memory);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(throttle_suite());
}
