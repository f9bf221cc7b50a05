/* SPDX-License-Identifier: MIT */
/*
 * store.c over a store that fails: what is told of it, the budget that the calls of a request
 * share, and the breaker. The memory store fails as it is told.
 */
#include "support/check_run.h"
#include "support/store_memory.h"

#include <signal.h>
#include <stdio.h>

#include "base/banned.h"

static int64_t fixed_now(void *arg)
{
	(void)arg;
	return 1800000000;
}

static const struct clock fake_clock = { fixed_now, NULL };

static struct store_op get(const char *owner, const char *item)
{
	return (struct store_op){ .verb = STORE_GET,
				  .key = { STORE_LOGIN, span_of(owner), span_of(item) } };
}

/* ---- failures ---- */

START_TEST(tells_a_failure_of_the_call_from_an_answer)
{
	static const struct {
		enum store_memory_fault fault;
		enum tp_rc rc;
	} rows[] = {
		{ STORE_MEMORY_UNAVAILABLE, TP_UNAVAILABLE },
		{ STORE_MEMORY_NOMEM, TP_NOMEM },
		{ STORE_MEMORY_LOST, TP_UNAVAILABLE },
		{ STORE_MEMORY_SILENT, TP_UNAVAILABLE },
	};
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(100);
	struct store *s = NULL;
	struct store_memory *m = store_memory_open(fake_clock, 1000, &s);
	struct store_op put = get("u", "i");

	ck_assert_ptr_nonnull(m);
	put.verb = STORE_PUT;
	put.value = SPAN_LIT("value");
	put.ttl_s = 100;
	ck_assert_int_eq(store_do(s, &put, NULL), TP_OK);
	buf_str(&b, "kept");
	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct store_op ops[] = { get("u", "i"), get("u", "none") };
		struct tp_err err = { 0 };

		ops[0].ret = &b;
		m->next = rows[i].fault;
		ck_assert_int_eq(store_run(s, ops, 2, &err), rows[i].rc);
		ck_assert_int_eq(err.rc, rows[i].rc);
		ck_assert_int_eq(ops[0].rc, rows[i].rc);
		ck_assert_int_eq(ops[1].rc, rows[i].rc);
		ck_assert_str_eq(buf_cstr(&b), "kept");
		ck_assert_int_eq(store_run(s, ops, 2, &err), TP_OK);
		buf_cut(&b, strlen("kept"));
	}
	store_close(s);
}
END_TEST

START_TEST(fills_the_error_for_an_answer_that_is_no)
{
	static const struct store_limit limit = {
		.free = 1, .first_s = 7, .most_s = 7, .memory_s = 9
	};
	struct store_hit h = { SPAN_LIT("a"), &limit };
	struct store_op op = get("u", "i"), hit = { .verb = STORE_HIT, .hits = &h, .n_hits = 1 };
	struct tp_err err = { 0 };
	struct store *s = NULL;

	ck_assert_ptr_nonnull(store_memory_open(fake_clock, 1000, &s));
	ck_assert_int_eq(store_do(s, &op, &err), TP_NOT_FOUND);
	ck_assert_int_eq(err.rc, TP_NOT_FOUND);
	op.verb = STORE_PUT;
	op.ttl_s = 100;
	op.mode = STORE_IF_ABSENT;
	ck_assert_int_eq(store_do(s, &op, &err), TP_OK);
	ck_assert_int_eq(store_do(s, &op, &err), TP_EXISTS);
	ck_assert_int_eq(err.rc, TP_EXISTS);
	ck_assert_int_eq(store_do(s, &hit, &err), TP_OK);
	ck_assert_int_eq(store_do(s, &hit, &err), TP_THROTTLED);
	ck_assert_int_eq(err.rc, TP_THROTTLED);
	ck_assert_int_eq(err.retry_s, 7);
	store_close(s);
}
END_TEST

static enum tp_rc come_in_again(void *arg, struct span item, struct span value)
{
	struct store_op op = { .verb = STORE_PING };

	(void)item;
	(void)value;
	return store_do(arg, &op, NULL);
}

START_TEST(does_not_let_a_callback_use_the_store)
{
	struct store *s = NULL;
	struct store_op put = get("u", "i"), list = get("u", "");

	ck_assert_ptr_nonnull(store_memory_open(fake_clock, 1000, &s));
	put.verb = STORE_PUT;
	put.ttl_s = 100;
	ck_assert_int_eq(store_do(s, &put, NULL), TP_OK);
	list.verb = STORE_LIST;
	list.each = come_in_again;
	list.arg = s;
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr)); /* the assertion's words */
	ck_assert_int_eq(store_do(s, &list, NULL), TP_OK);
}
END_TEST

/* ---- budget and breaker ---- */

START_TEST(shares_one_budget_among_the_calls_of_a_request)
{
	struct store *s = NULL;
	struct store_memory *m = store_memory_open(fake_clock, 100, &s);
	struct store_op op = { .verb = STORE_PING };
	int64_t start_ms = clock_mono_ms();

	ck_assert_ptr_nonnull(m);
	m->takes_ms = 40;
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_UNAVAILABLE);
	ck_assert_int_lt(clock_mono_ms() - start_ms, 120);
	/* Nothing is left, and nothing is asked any more. */
	m->takes_ms = 0;
	ck_assert_int_eq(store_do(s, &op, NULL), TP_UNAVAILABLE);
	ck_assert_uint_eq(m->pings, 3);
	store_begin(s);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	store_close(s);
}
END_TEST

START_TEST(does_not_count_the_time_between_calls)
{
	struct store *s = NULL;
	struct store_op op = { .verb = STORE_PING };

	ck_assert_ptr_nonnull(store_memory_open(fake_clock, 60, &s));
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	for (int64_t end_ms = clock_mono_ms() + 100; clock_mono_ms() < end_ms;)
		clock_pause_us(10000);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	store_close(s);
}
END_TEST

START_TEST(goes_on_asking_a_store_that_is_not_over_a_wire)
{
	struct store *s = NULL;
	struct store_memory *m = store_memory_open(fake_clock, 1000, &s);
	struct store_op op = get("u", "i");

	ck_assert_ptr_nonnull(m);
	m->next = STORE_MEMORY_UNAVAILABLE;
	ck_assert_int_eq(store_do(s, &op, NULL), TP_UNAVAILABLE);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_NOT_FOUND);
	store_close(s);
}
END_TEST

static void wait_ms(int64_t ms)
{
	for (int64_t end_ms = clock_mono_ms() + ms; clock_mono_ms() < end_ms;)
		clock_pause_us(5000);
}

START_TEST(asks_a_dead_store_once_a_second_only)
{
	struct store *s = NULL;
	struct store_memory *m = store_memory_open_remote(fake_clock, 2000, &s);
	struct store_op op = get("u", "i");
	struct tp_err err = { 0 };
	int64_t start_ms;

	ck_assert_ptr_nonnull(m);
	m->all = STORE_MEMORY_UNAVAILABLE;
	ck_assert_int_eq(store_do(s, &op, NULL), TP_UNAVAILABLE);
	ck_assert_uint_eq(m->calls, 1);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(store_do(s, &op, &err), TP_UNAVAILABLE);
	ck_assert_int_eq(err.retry_s, 1);
	ck_assert_uint_eq(m->calls, 1);
	ck_assert_uint_eq(m->pings, 0);

	/* The second is over: one probe, short although the request has two seconds. */
	wait_ms(1000);
	m->all = STORE_MEMORY_WORKS;
	m->takes_ms = 1500;
	start_ms = clock_mono_ms();
	ck_assert_int_eq(store_do(s, &op, NULL), TP_UNAVAILABLE);
	ck_assert_int_ge(clock_mono_ms() - start_ms, 249);
	ck_assert_int_lt(clock_mono_ms() - start_ms, 400);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_UNAVAILABLE);
	ck_assert_uint_eq(m->calls, 1);
	ck_assert_uint_eq(m->pings, 1);

	/* It is back: the probe succeeds and the request goes on. */
	wait_ms(1000);
	m->takes_ms = 0;
	ck_assert_int_eq(store_do(s, &op, NULL), TP_NOT_FOUND);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_NOT_FOUND);
	ck_assert_uint_eq(m->calls, 3);
	ck_assert_uint_eq(m->pings, 2);
	store_close(s);
}
END_TEST

START_TEST(goes_on_asking_a_server_that_answered_and_refused)
{
	struct store *s = NULL;
	struct store_memory *m = store_memory_open_remote(fake_clock, 1000, &s);
	struct store_op op = get("u", "i");

	ck_assert_ptr_nonnull(m);
	m->answers = true;
	m->next = STORE_MEMORY_UNAVAILABLE;
	ck_assert_int_eq(store_do(s, &op, NULL), TP_UNAVAILABLE);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_NOT_FOUND);
	store_close(s);
}
END_TEST

START_TEST(does_not_take_want_of_memory_for_a_dead_store)
{
	struct store *s = NULL;
	struct store_memory *m = store_memory_open_remote(fake_clock, 1000, &s);
	struct store_op op = get("u", "i");

	ck_assert_ptr_nonnull(m);
	m->next = STORE_MEMORY_NOMEM;
	ck_assert_int_eq(store_do(s, &op, NULL), TP_NOMEM);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_NOT_FOUND);
	store_close(s);
}
END_TEST

static Suite *store_failures_suite(void)
{
	Suite *suite = suite_create("store_failures");
	TCase *tc = tcase_create("store");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, tells_a_failure_of_the_call_from_an_answer);
	tcase_add_test(tc, fills_the_error_for_an_answer_that_is_no);
	tcase_add_test_raise_signal(tc, does_not_let_a_callback_use_the_store, SIGABRT);
	tcase_add_test(tc, shares_one_budget_among_the_calls_of_a_request);
	tcase_add_test(tc, does_not_count_the_time_between_calls);
	tcase_add_test(tc, goes_on_asking_a_store_that_is_not_over_a_wire);
	tcase_add_test(tc, asks_a_dead_store_once_a_second_only);
	tcase_add_test(tc, goes_on_asking_a_server_that_answered_and_refused);
	tcase_add_test(tc, does_not_take_want_of_memory_for_a_dead_store);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return check_run(store_failures_suite());
}
