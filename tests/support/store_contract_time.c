/* SPDX-License-Identifier: MIT */
/*
 * The cases of store_contract.h about time: lifetimes, and attempts that are counted. A rig that
 * really waits takes part where nothing longer than two seconds has to pass.
 */
#include "support/store_contract_parts.h"

#include "base/banned.h"

static int64_t ttl(struct store *s, struct store_key k)
{
	struct store_op op = { .verb = STORE_TTL, .key = k };

	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	return op.ret_n;
}

START_TEST(tells_how_long_an_item_lives)
{
	const struct store_rig *rig = &contract_rigs[_i];
	struct store_key k = contract_key(STORE_RESTRICT, USER, HANDLE);
	struct store *s = contract_begin(rig);

	ck_assert_int_eq(contract_put(s, k, "v", 2 * HOUR, STORE_ANY), TP_OK);
	ck_assert_int_ge(ttl(s, k), 2 * HOUR - (rig->waits ? 5 : 0));
	ck_assert_int_le(ttl(s, k), 2 * HOUR);
	ck_assert_int_eq(contract_put(s, k, "v", HOUR, STORE_ANY), TP_OK);
	ck_assert_int_ge(ttl(s, k), HOUR - (rig->waits ? 5 : 0));
	ck_assert_int_le(ttl(s, k), HOUR);
	ck_assert_int_eq(contract_put(s, k, "v", 1, STORE_ANY), TP_OK);
	ck_assert_int_eq(ttl(s, k), 1);
	store_close(s);
}
END_TEST

START_TEST(takes_the_longest_lifetime)
{
	struct store_key k = contract_key(STORE_RESTRICT, USER, HANDLE);
	struct store *s = contract_begin(&contract_rigs[_i]);

	ck_assert_int_eq(contract_put(s, k, "v", STORE_TTL_MAX, STORE_ANY), TP_OK);
	ck_assert_int_ge(ttl(s, k), STORE_TTL_MAX - 5);
	ck_assert_int_eq(contract_put(s, contract_login(HANDLE), "v", STORE_TTL_MAX, STORE_ANY),
			 TP_OK);
	ck_assert_int_eq(contract_ask(s, STORE_GET, contract_login(HANDLE)), TP_OK);
	store_close(s);
}
END_TEST

START_TEST(ends_an_item_at_its_second)
{
	const struct store_rig *rig = &contract_rigs[_i];
	static const char *const items[] = { "a", "b", "c", "d", "e" };
	struct contract_seen seen = { .stop_at = -1 };
	struct store_op list = { .verb = STORE_LIST,
				 .key = contract_key(STORE_LOGIN, USER, NULL),
				 .each = contract_see,
				 .arg = &seen };
	struct store *s = contract_begin(rig);

	for (int space = STORE_LOGIN; !rig->waits && space <= STORE_RESTRICT; space++) {
		struct store_key k[TP_COUNT(items)];

		for (size_t i = 0; i < TP_COUNT(items); i++) {
			k[i] = contract_key((enum store_space)space, USER, items[i]);
			ck_assert_int_eq(contract_put(s, k[i], "v", HOUR, STORE_ANY), TP_OK);
		}
		rig->pass(rig->arg, HOUR - 1);
		ck_assert_int_eq(ttl(s, k[0]), 1);
		contract_expect(s, k[0], SPAN_LIT("v"));
		rig->pass(rig->arg, 1);
		ck_assert_int_eq(contract_ask(s, STORE_GET, k[0]), TP_NOT_FOUND);
		ck_assert_int_eq(contract_ask(s, STORE_TTL, k[0]), TP_NOT_FOUND);
		ck_assert_int_eq(store_do(s, &list, NULL), TP_OK);
		ck_assert_str_eq(seen.text, "");
		ck_assert_int_eq(contract_ask(s, STORE_DEL, k[1]), TP_NOT_FOUND);
		ck_assert_int_eq(contract_put(s, k[2], "v", HOUR, STORE_IF_PRESENT), TP_NOT_FOUND);
		ck_assert_int_eq(contract_put(s, k[3], "w", HOUR, STORE_IF_ABSENT), TP_OK);
		contract_expect(s, k[3], SPAN_LIT("w"));
		ck_assert_int_eq(contract_ask(s, STORE_DEL, k[3]), TP_OK);
	}
	store_close(s);
}
END_TEST

START_TEST(ends_each_login_by_itself_where_the_store_can)
{
	const struct store_rig *rig = &contract_rigs[_i];
	struct store *s = contract_begin(rig);

	if (!rig->waits) {
		ck_assert_int_eq(contract_put(s, contract_login("long"), "v", 2 * HOUR, STORE_ANY),
				 TP_OK);
		ck_assert_int_eq(contract_put(s, contract_login("short"), "v", HOUR, STORE_ANY),
				 TP_OK);
		rig->pass(rig->arg, HOUR);
		ck_assert_int_eq(contract_ask(s, STORE_GET, contract_login("long")), TP_OK);
		ck_assert_int_eq(contract_ask(s, STORE_GET, contract_login("short")),
				 rig->expires ? TP_NOT_FOUND : TP_OK);
		rig->pass(rig->arg, HOUR);
		ck_assert_int_eq(contract_ask(s, STORE_GET, contract_login("long")), TP_NOT_FOUND);
		ck_assert_int_eq(contract_ask(s, STORE_GET, contract_login("short")), TP_NOT_FOUND);
	}
	store_close(s);
}
END_TEST

START_TEST(gives_a_replaced_item_its_new_lifetime)
{
	const struct store_rig *rig = &contract_rigs[_i];
	struct store *s = contract_begin(rig);

	for (int mode = STORE_ANY; !rig->waits && mode <= STORE_IF_PRESENT; mode += 2) {
		ck_assert_int_eq(contract_put(s, contract_login(HANDLE), "1", HOUR, STORE_ANY),
				 TP_OK);
		rig->pass(rig->arg, HOUR - 1);
		ck_assert_int_eq(
			contract_put(s, contract_login(HANDLE), "2", HOUR, (enum store_mode)mode),
			TP_OK);
		rig->pass(rig->arg, HOUR - 1);
		contract_expect(s, contract_login(HANDLE), SPAN_LIT("2"));
		rig->pass(rig->arg, 1);
		ck_assert_int_eq(contract_ask(s, STORE_GET, contract_login(HANDLE)), TP_NOT_FOUND);
	}
	store_close(s);
}
END_TEST

/* All that really waits, in one wait. */
START_TEST(ends_short_items_in_real_time)
{
	const struct store_rig *rig = &contract_rigs[_i];
	struct store_key shut = contract_key(STORE_RESTRICT, USER, "a"),
			 open = contract_key(STORE_RESTRICT, USER, "b");
	struct store *s = contract_begin(rig);

	ck_assert_int_eq(contract_put(s, shut, "v", 1, STORE_IF_ABSENT), TP_OK);
	ck_assert_int_eq(contract_put(s, open, "v", HOUR, STORE_ANY), TP_OK);
	ck_assert_int_eq(contract_put(s, contract_login("a"), "v", 1, STORE_ANY), TP_OK);
	ck_assert_int_eq(
		contract_put(s, contract_key(STORE_LOGIN, "other", "a"), "1", 1, STORE_ANY), TP_OK);
	ck_assert_int_eq(contract_put(s, contract_key(STORE_LOGIN, "other", "a"), "2", HOUR,
				      STORE_IF_PRESENT),
			 TP_OK);
	ck_assert_int_eq(
		contract_put(s, contract_key(STORE_LOGIN, "mixed", "a"), "v", 1, STORE_ANY), TP_OK);
	ck_assert_int_eq(
		contract_put(s, contract_key(STORE_LOGIN, "mixed", "b"), "v", HOUR, STORE_ANY),
		TP_OK);
	rig->pass(rig->arg, 2);
	ck_assert_int_eq(contract_ask(s, STORE_GET, open), TP_OK);
	ck_assert_int_eq(contract_ask(s, STORE_GET, shut), TP_NOT_FOUND);
	ck_assert_int_eq(contract_put(s, shut, "v", HOUR, STORE_IF_ABSENT), TP_OK);
	ck_assert_int_eq(contract_ask(s, STORE_GET, contract_login("a")), TP_NOT_FOUND);
	ck_assert_int_eq(contract_put(s, contract_login("a"), "v", HOUR, STORE_IF_PRESENT),
			 TP_NOT_FOUND);
	contract_expect(s, contract_key(STORE_LOGIN, "other", "a"), SPAN_LIT("2"));
	ck_assert_int_eq(contract_ask(s, STORE_GET, contract_key(STORE_LOGIN, "mixed", "a")),
			 rig->expires ? TP_NOT_FOUND : TP_OK);
	ck_assert_int_eq(contract_ask(s, STORE_GET, contract_key(STORE_LOGIN, "mixed", "b")),
			 TP_OK);
	store_close(s);
}
END_TEST

/* ---- counting ---- */

static const struct store_limit by_pair = {
	.free = 5, .first_s = 1, .most_s = 900, .memory_s = 900
};
static const struct store_limit by_address = { .free = 50, .memory_s = 900, .window = true };
static const struct store_limit few = { .free = 2, .first_s = 100, .most_s = 150, .memory_s = 900 };

static void unhit(struct store *s, const struct store_hit *hits, size_t n)
{
	struct store_op op = { .verb = STORE_UNHIT, .hits = hits, .n_hits = n };

	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
}

START_TEST(lets_the_free_attempts_through_and_then_none_at_once)
{
	struct store_hit a = { SPAN_LIT("aaaa"), &by_pair }, b = { SPAN_LIT("bbbb"), &by_pair };
	struct store *s = contract_begin(&contract_rigs[_i]);
	int64_t wait_s = 0;

	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(contract_hit(s, &a, 1, &wait_s), TP_OK);
	ck_assert_int_eq(contract_hit(s, &a, 1, &wait_s), TP_THROTTLED);
	ck_assert_int_eq(wait_s, 1);
	ck_assert_int_eq(contract_hit(s, &b, 1, &wait_s), TP_OK);
	/* Real time may be cut at a second's edge, so this waits for one more. */
	contract_rigs[_i].pass(contract_rigs[_i].arg, contract_rigs[_i].waits ? 2 : 1);
	ck_assert_int_eq(contract_hit(s, &a, 1, &wait_s), TP_OK);
	ck_assert_int_eq(contract_hit(s, &a, 1, &wait_s), TP_THROTTLED);
	ck_assert_int_ge(wait_s, 1);
	ck_assert_int_le(wait_s, 2);
	store_close(s);
}
END_TEST

START_TEST(counts_by_the_clock)
{
	static const struct {
		const struct store_limit *limit;
		int times;	/* so many attempts that go through at once; then */
		int64_t wait_s; /* what the next one is told, */
		int64_t pass_s; /* and how much time passes before the following row */
	} rows[] = {
		{ &few, 2, 100, 99 },	     { &few, 0, 1, 1 },
		{ &few, 1, 150, 150 },	     { &few, 1, 150, 899 },
		{ &few, 1, 150, 900 },	     { &few, 2, 100, 900 },
		{ &by_address, 49, 0, 600 }, { &by_address, 0, 300, 299 },
		{ &by_address, 0, 1, 1 },    { &by_address, 50, 900, 900 },
		{ &by_address, 1, 0, 0 },
	};
	const struct store_rig *rig = &contract_rigs[_i];
	struct store *s = contract_begin(rig);
	int64_t wait_s = 0;

	for (size_t i = 0; !rig->waits && i < TP_COUNT(rows); i++) {
		struct store_hit h = { span_of(rows[i].limit == &few ? "few" : "address"),
				       rows[i].limit };

		for (int n = 0; n < rows[i].times; n++)
			ck_assert_msg(contract_hit(s, &h, 1, &wait_s) == TP_OK,
				      "row %zu, attempt %d", i, n);
		ck_assert_msg(contract_hit(s, &h, 1, &wait_s) ==
				      (rows[i].wait_s > 0 ? TP_THROTTLED : TP_OK),
			      "row %zu", i);
		ck_assert_msg(wait_s == rows[i].wait_s, "row %zu: wait %lld", i, (long long)wait_s);
		rig->pass(rig->arg, rows[i].pass_s);
	}
	store_close(s);
}
END_TEST

START_TEST(counts_under_all_or_under_none)
{
	struct store_hit both[] = { { SPAN_LIT("pair"), &few }, { SPAN_LIT("name"), &by_pair } };
	struct store *s = contract_begin(&contract_rigs[_i]);
	int64_t wait_s = 0;

	ck_assert_int_eq(contract_hit(s, both, 2, &wait_s), TP_OK);
	ck_assert_int_eq(contract_hit(s, both, 2, &wait_s), TP_OK);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(contract_hit(s, both, 2, &wait_s), TP_THROTTLED);
		ck_assert_int_ge(wait_s, 90);
		ck_assert_int_le(wait_s, 100);
	}
	/* So "name" stands at two, and three of its five are left. */
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(contract_hit(s, &both[1], 1, &wait_s), TP_OK);
	ck_assert_int_eq(contract_hit(s, &both[1], 1, &wait_s), TP_THROTTLED);
	store_close(s);
}
END_TEST

START_TEST(takes_an_attempt_back_and_forgets_the_first)
{
	struct store_hit all[] = { { SPAN_LIT("pair"), &few },
				   { SPAN_LIT("address"), &few },
				   { SPAN_LIT("name"), &by_pair } };
	struct store *s = contract_begin(&contract_rigs[_i]);
	int64_t wait_s = 0;

	unhit(s, all, 3); /* of nothing: nothing */
	ck_assert_int_eq(contract_hit(s, all, 3, &wait_s), TP_OK);
	ck_assert_int_eq(contract_hit(s, all, 3, &wait_s), TP_OK);
	unhit(s, all, 3);
	/* pair: 0, address: 1, name: 1 */
	ck_assert_int_eq(contract_hit(s, &all[0], 1, &wait_s), TP_OK);
	ck_assert_int_eq(contract_hit(s, &all[0], 1, &wait_s), TP_OK);
	ck_assert_int_eq(contract_hit(s, &all[0], 1, &wait_s), TP_THROTTLED);
	ck_assert_int_eq(contract_hit(s, &all[1], 1, &wait_s), TP_OK);
	ck_assert_int_eq(contract_hit(s, &all[1], 1, &wait_s), TP_THROTTLED);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(contract_hit(s, &all[2], 1, &wait_s), TP_OK);
	ck_assert_int_eq(contract_hit(s, &all[2], 1, &wait_s), TP_THROTTLED);
	store_close(s);
}
END_TEST

void contract_add_time(TCase *tc, int end)
{
	tcase_add_loop_test(tc, tells_how_long_an_item_lives, 0, end);
	tcase_add_loop_test(tc, takes_the_longest_lifetime, 0, end);
	tcase_add_loop_test(tc, ends_an_item_at_its_second, 0, end);
	tcase_add_loop_test(tc, ends_each_login_by_itself_where_the_store_can, 0, end);
	tcase_add_loop_test(tc, gives_a_replaced_item_its_new_lifetime, 0, end);
	tcase_add_loop_test(tc, ends_short_items_in_real_time, 0, end);
	tcase_add_loop_test(tc, lets_the_free_attempts_through_and_then_none_at_once, 0, end);
	tcase_add_loop_test(tc, counts_by_the_clock, 0, end);
	tcase_add_loop_test(tc, counts_under_all_or_under_none, 0, end);
	tcase_add_loop_test(tc, takes_an_attempt_back_and_forgets_the_first, 0, end);
}
