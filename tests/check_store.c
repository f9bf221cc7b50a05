/* SPDX-License-Identifier: MIT */
/*
 * store.c: the choice of a backend, limits and the counting rule, with the memory store behind it;
 * and the contract suite run against that store, plain and without expiry.
 */
#include "base/limits.h"
#include "store/backend.h"
#include "support/check_run.h"
#include "support/store_contract.h"
#include "support/store_memory.h"

#include <stdio.h>

#include "base/banned.h"

enum { NOW = 1800000000 };

static int64_t now_s = NOW;

static int64_t fake_now(void *arg)
{
	return *(int64_t *)arg;
}

static const struct clock fake_clock = { fake_now, &now_s };

/* ---- the contract, with the memory store ---- */

static enum tp_rc open_memory(void *arg, struct store **ret, struct tp_err *err)
{
	struct store_memory *m = store_memory_open(fake_clock, 5000, ret);
	const bool *keeps_ended = arg;

	if (m == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	m->keeps_ended = *keeps_ended;
	return TP_OK;
}

static void pass(void *arg, int64_t s)
{
	(void)arg;
	now_s += s;
}

static bool yes = true, no = false;

static const struct store_rig rigs[] = {
	{ .name = "memory", .arg = &no, .open = open_memory, .pass = pass, .expires = true },
	{ .name = "memory that keeps what has ended",
	  .arg = &yes,
	  .open = open_memory,
	  .pass = pass },
};

/* ---- the choice of a backend ---- */

static enum tp_rc check_url(const char *url, const char *type, const char *state_dir,
			    struct tp_err *err)
{
	struct store_spec spec = { .url = url, .type = type, .state_dir = state_dir };

	spec.timeout_ms = 1000;
	spec.clock = fake_clock;
	return store_check_url(&spec, err);
}

START_TEST(refuses_an_unknown_scheme_and_names_the_known_ones)
{
	struct store *s = NULL;
	struct store_spec spec = { .url = "couch://localhost", .timeout_ms = 1000 };
	struct tp_err err;

	ck_assert_int_eq(store_open(&spec, &s, &err), TP_INVALID);
	ck_assert_ptr_null(s);
	ck_assert_int_eq(check_url("couch://localhost", NULL, "/x", &err), TP_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "DB_URL"));
	ck_assert_ptr_nonnull(strstr(err.msg, "couch"));
	for (size_t i = 0; store_backends[i] != NULL; i++)
		ck_assert_ptr_nonnull(strstr(err.msg, store_backends[i]->schemes[0]));
}
END_TEST

START_TEST(refuses_a_type_that_is_not_the_schemes)
{
	struct tp_err err;
	char url[64];

	ck_assert_ptr_nonnull(store_backends[0]);
	for (size_t i = 0; store_backends[i] != NULL; i++)
		for (size_t j = 0; store_backends[j] != NULL; j++) {
			if (i == j)
				continue;
			snprintf(url, sizeof(url), "%s://", store_backends[i]->schemes[0]);
			ck_assert_int_eq(check_url(url, store_backends[j]->schemes[0], "/x", &err),
					 TP_INVALID);
			ck_assert_ptr_nonnull(strstr(err.msg, "DB_TYPE is"));
		}
	snprintf(url, sizeof(url), "%s://", store_backends[0]->schemes[0]);
	ck_assert_int_eq(check_url(url, "couch", "/x", &err), TP_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "DB_TYPE"));
}
END_TEST

START_TEST(refuses_files_for_tls_where_there_is_none)
{
	static const struct {
		const char *url, *ca, *cert, *says;
	} rows[] = {
		{ "lmdb://", "/ca", NULL, "DB_TLS_CA is set, but DB_URL is lmdb://" },
		{ NULL, "/ca", NULL, "DB_TLS_CA is set, but DB_URL is lmdb://" },
		{ "redis://h", NULL, "/c", "DB_TLS_CERT is set, but DB_URL is redis://" },
		{ "unix:///s", "/ca", "/c", "DB_TLS_CA is set, but DB_URL is unix://" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct store_spec spec = { .url = rows[i].url,
					   .state_dir = "/",
					   .tls_ca = rows[i].ca,
					   .tls_cert = rows[i].cert,
					   .timeout_ms = 1000,
					   .clock = fake_clock };
		struct store *s = NULL;
		struct tp_err err;
		char want[100];

		snprintf(want, sizeof(want), "%s, which has no TLS", rows[i].says);
		ck_assert_int_eq(store_check_url(&spec, &err), TP_INVALID);
		ck_assert_str_eq(err.msg, want);
		ck_assert_int_eq(store_open(&spec, &s, &err), TP_INVALID);
		ck_assert_str_eq(err.msg, want);
	}
}
END_TEST

START_TEST(refuses_replicas_where_there_are_none)
{
	static const struct store_spec rows[] = {
		{ .sentinel = true, .master = "m", .state_dir = "/", .timeout_ms = 1000 },
		{ .wait_replicas = 1, .state_dir = "/", .timeout_ms = 1000 },
	};
	static const char *const says[] = {
		"REDIS_CONNECTION_TYPE is sentinel, but DB_URL is lmdb://, which has no replicas",
		"DB_WAIT_REPLICAS is set, but DB_URL is lmdb://, which has no replicas",
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct tp_err err;

		ck_assert_int_eq(store_check_url(&rows[i], &err), TP_INVALID);
		ck_assert_str_eq(err.msg, says[i]);
	}
}
END_TEST

START_TEST(never_shows_the_url_in_a_message)
{
	static const char *const urls[] = {
		"couch://us3r:s3cret@h0st/p4th",       "redis://us3r:s3/cret@h0st",
		"redis://us3r:s3cret%zz@h0st",	       "us3r:s3cret@h0st",
		"redis://us3r:s3cret@h0st:port/p4th",  "lmdb://us3r:s3cret@h0st/p4th",
		"redis://us3r:s3cret@[h0st]:1/p4th%0", "us3r:s3cret://h0st",
	};
	static const char *const secrets[] = { "us3r", "s3", "cret", "h0st", "p4th" };
	struct tp_err err;

	for (size_t i = 0; i < TP_COUNT(urls); i++) {
		ck_assert_int_eq(check_url(urls[i], NULL, "/x", &err), TP_INVALID);
		for (size_t j = 0; j < TP_COUNT(secrets); j++)
			ck_assert_msg(strstr(err.msg, secrets[j]) == NULL, "%s", err.msg);
	}
}
END_TEST

/* ---- limits ---- */

static struct store_op get(const char *owner, const char *item)
{
	return (struct store_op){ .verb = STORE_GET,
				  .key = { STORE_LOGIN, span_of(owner), span_of(item) } };
}

static enum tp_rc stop(void *arg, struct span item, struct span value)
{
	(void)arg;
	(void)item;
	(void)value;
	return TP_FORBIDDEN;
}

START_TEST(knows_without_asking_that_an_impossible_key_is_not_there)
{
	char owner[LIMIT_USER_ID + 2] = "", item[LIMIT_HANDLE + 2] = "";
	struct store *s = NULL;
	struct store_memory *m = store_memory_open(fake_clock, 1000, &s);
	struct store_op ops[] = { get(owner, "item"), get("owner", item), get("", "item"),
				  get("owner", ""),   get(NULL, "item"),  get("owner", NULL),
				  get("a", "item") };

	ck_assert_ptr_nonnull(m);
	memset(owner, 'o', sizeof(owner) - 1);
	memset(item, 'i', sizeof(item) - 1);
	ops[0].key.owner = span_of(owner);
	ops[1].key.item = span_of(item);
	ops[6].key.owner = SPAN_LIT("a\0b");
	for (int verb = STORE_GET; verb <= STORE_TTL; verb++) {
		if (verb == STORE_PUT || verb == STORE_DEL_OWNER || verb == STORE_LIST ||
		    verb == STORE_SAMPLE)
			continue;
		for (size_t i = 0; i < TP_COUNT(ops); i++)
			ops[i].verb = (enum store_verb)verb;
		ck_assert_int_eq(store_run(s, ops, TP_COUNT(ops), NULL), TP_OK);
		for (size_t i = 0; i < TP_COUNT(ops); i++)
			ck_assert_int_eq(ops[i].rc, TP_NOT_FOUND);
	}
	for (int verb = STORE_DEL_OWNER; verb <= STORE_SAMPLE; verb++) {
		struct store_op op = { .verb = (enum store_verb)verb, .each = stop };

		op.key.owner = span_of(owner);
		ck_assert_int_eq(store_do(s, &op, NULL), TP_NOT_FOUND);
	}
	ops[6].key = (struct store_key){ STORE_THROTTLE, SPAN_LIT("u"), SPAN_LIT("i") };
	ck_assert_int_eq(store_do(s, &ops[6], NULL), TP_NOT_FOUND);
	ck_assert_uint_eq(m->ops, 0);
	store_close(s);
}
END_TEST

START_TEST(asks_the_store_for_the_rest_of_the_operations)
{
	struct store *s = NULL;
	struct store_memory *m = store_memory_open(fake_clock, 1000, &s);
	struct store_op list = { .verb = STORE_LIST,
				 .key = { STORE_LOGIN, SPAN_LIT("u"), { 0 } },
				 .each = stop };
	struct store_op ops[] = { get("u", "a"), get("u", ""), get("u", "b"), list, get("u", "a") };
	struct store_op put = get("u", "a");

	put.verb = STORE_PUT;
	put.ttl_s = 1;
	ck_assert_ptr_nonnull(m);
	ck_assert_int_eq(store_do(s, &put, NULL), TP_OK);
	ck_assert_int_eq(store_run(s, ops, TP_COUNT(ops), NULL), TP_OK);
	ck_assert_int_eq(ops[0].rc, TP_OK);
	ck_assert_int_eq(ops[1].rc, TP_NOT_FOUND);
	ck_assert_int_eq(ops[2].rc, TP_NOT_FOUND);
	ck_assert_int_eq(ops[3].rc, TP_FORBIDDEN);
	ck_assert_int_eq(ops[4].rc, TP_OK);
	ck_assert_uint_eq(m->calls, 3);
	store_close(s);
}
END_TEST

START_TEST(refuses_to_put_what_is_out_of_range)
{
	static char large[LIMIT_STORE_VALUE + 1];
	static char owner[LIMIT_USER_ID + 1], item[LIMIT_HANDLE + 1];
	const struct span u = SPAN_LIT("u"), i = SPAN_LIT("i"), v = SPAN_LIT("v");
	const struct {
		struct span owner, item, value;
		int64_t ttl_s;
	} rows[] = {
		{ { owner, sizeof(owner) }, i, v, 1 },
		{ u, { item, sizeof(item) }, v, 1 },
		{ SPAN_LIT(""), i, v, 1 },
		{ u, SPAN_LIT(""), v, 1 },
		{ { NULL, 0 }, i, v, 1 },
		{ SPAN_LIT("a\0b"), i, v, 1 },
		{ u, i, { large, sizeof(large) }, 1 },
		{ u, i, v, 0 },
		{ u, i, v, -1 },
		{ u, i, v, (int64_t)STORE_TTL_MAX + 1 },
	};
	struct store *s = NULL;
	struct store_memory *m = store_memory_open(fake_clock, 1000, &s);
	struct tp_err err;

	ck_assert_ptr_nonnull(m);
	memset(owner, 'o', sizeof(owner));
	memset(item, 'i', sizeof(item));
	for (size_t n = 0; n < TP_COUNT(rows); n++) {
		struct store_op ops[] = { get("u", "i"), { .verb = STORE_PUT } };

		ops[1].key = (struct store_key){ STORE_LOGIN, rows[n].owner, rows[n].item };
		ops[1].value = rows[n].value;
		ops[1].ttl_s = rows[n].ttl_s;
		ck_assert_msg(store_run(s, ops, 2, &err) == TP_INVALID, "row %zu", n);
		ck_assert_int_eq(ops[0].rc, TP_INVALID);
		ck_assert_int_eq(err.rc, TP_INVALID);
	}
	ck_assert_uint_eq(m->calls, 0);
	store_close(s);
}
END_TEST

START_TEST(refuses_a_counter_with_an_impossible_name)
{
	static char item[LIMIT_HANDLE + 1];
	static const struct store_limit limit = { .free = 1, .memory_s = 1 };
	struct store_hit hits[] = { { SPAN_LIT("a"), &limit }, { SPAN_LIT(""), &limit } };
	struct store_op op = { .verb = STORE_HIT, .hits = hits, .n_hits = 2 };
	struct store *s = NULL;

	memset(item, 'i', sizeof(item));
	ck_assert_ptr_nonnull(store_memory_open(fake_clock, 1000, &s));
	ck_assert_int_eq(store_do(s, &op, NULL), TP_INVALID);
	hits[1].item = (struct span){ item, sizeof(item) };
	ck_assert_int_eq(store_do(s, &op, NULL), TP_INVALID);
	op.verb = STORE_UNHIT;
	ck_assert_int_eq(store_do(s, &op, NULL), TP_INVALID);
	store_close(s);
}
END_TEST

/* ---- the counting rule ---- */

START_TEST(counts_a_hit_by_the_rule)
{
	static const struct store_limit pair = {
		.free = 2, .first_s = 10, .most_s = 30, .memory_s = 100
	};
	static const struct store_limit name = {
		.free = 0, .first_s = 1, .most_s = 2, .memory_s = 100
	};
	static const struct store_limit window = { .free = 2, .memory_s = 100, .window = true };
	static const struct store_limit none = { .free = 1, .memory_s = 100 };
	static const struct {
		const struct store_limit *limit;
		struct store_count before;
		int64_t now_s, wait_s, ttl_s;
		struct store_count after;
	} rows[] = {
		/* free ones, whenever they come */
		{ &pair, { 0, 0 }, 1000, 0, 100, { 1, 1000 } },
		{ &pair, { 1, 1000 }, 1000, 0, 100, { 2, 1000 } },
		/* then a pause that doubles up to the most */
		{ &pair, { 2, 1000 }, 1000, 10, 0, { 2, 1000 } },
		{ &pair, { 2, 1000 }, 1009, 1, 0, { 2, 1000 } },
		{ &pair, { 2, 1000 }, 1010, 0, 100, { 3, 1010 } },
		{ &pair, { 3, 1010 }, 1029, 1, 0, { 3, 1010 } },
		{ &pair, { 3, 1010 }, 1030, 0, 100, { 4, 1030 } },
		{ &pair, { 4, 1030 }, 1059, 1, 0, { 4, 1030 } },
		{ &pair, { 4, 1030 }, 1060, 0, 100, { 5, 1060 } },
		{ &pair, { (int64_t)1 << 40, 1060 }, 1060, 30, 0, { (int64_t)1 << 40, 1060 } },
		/* forgotten after the last that was let through */
		{ &pair, { 9, 1000 }, 1099, 0, 100, { 10, 1099 } },
		{ &pair, { 9, 1000 }, 1100, 0, 100, { 1, 1100 } },
		/* no free ones: the first comes after none */
		{ &name, { 0, 0 }, 1000, 0, 100, { 1, 1000 } },
		{ &name, { 1, 1000 }, 1000, 2, 0, { 1, 1000 } },
		{ &name, { 50, 1000 }, 1001, 1, 0, { 50, 1000 } },
		{ &name, { 50, 1000 }, 1002, 0, 100, { 51, 1002 } },
		/* a window counts from the first */
		{ &window, { 0, 0 }, 1000, 0, 100, { 1, 1000 } },
		{ &window, { 1, 1000 }, 1060, 0, 40, { 2, 1000 } },
		{ &window, { 2, 1000 }, 1060, 40, 0, { 2, 1000 } },
		{ &window, { 2, 1000 }, 1099, 1, 0, { 2, 1000 } },
		{ &window, { 2, 1000 }, 1100, 0, 100, { 1, 1100 } },
		/* no pause: only counted */
		{ &none, { 5, 1000 }, 1000, 0, 100, { 6, 1000 } },
		/* the machine that counted before has a clock that is ahead */
		{ &pair, { 1, 1050 }, 1000, 0, 100, { 2, 1000 } },
		{ &pair, { 4, 1050 }, 1000, 80, 0, { 4, 1050 } },
		{ &pair, { 4, 1100 }, 1000, 130, 0, { 4, 1100 } },
		{ &window, { 1, 1050 }, 1000, 0, 150, { 2, 1050 } },
		{ &window, { 2, 1050 }, 1000, 150, 0, { 2, 1050 } },
		{ &none, { 5, 1050 }, 1000, 0, 100, { 6, 1000 } },
		/* the clock was set back */
		{ &pair, { 4, 1101 }, 1000, 0, 100, { 5, 1000 } },
		{ &pair, { 4, 9000 }, 1000, 0, 100, { 5, 1000 } },
		{ &pair, { 5, 1000 }, 1000, 30, 0, { 5, 1000 } },
		{ &window, { 2, 9000 }, 1000, 0, 100, { 3, 1000 } },
		{ &window, { 3, 1000 }, 1000, 100, 0, { 3, 1000 } },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct store_count n = rows[i].before;
		int64_t ttl_s = 0;
		int64_t wait_s = store_count_hit(&n, rows[i].limit, rows[i].now_s, &ttl_s);

		ck_assert_msg(wait_s == rows[i].wait_s, "row %zu: wait %lld", i, (long long)wait_s);
		ck_assert_msg(ttl_s == rows[i].ttl_s, "row %zu: ttl %lld", i, (long long)ttl_s);
		ck_assert_msg(n.n == rows[i].after.n && n.last_s == rows[i].after.last_s,
			      "row %zu: %lld at %lld", i, (long long)n.n, (long long)n.last_s);
	}
}
END_TEST

/* ---- the memory store's switches ---- */

START_TEST(the_memory_store_answers_nonsense_on_demand)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(100);
	struct store *s = NULL;
	struct store_memory *m = store_memory_open(fake_clock, 1000, &s);
	struct store_op op = get("u", "i");

	ck_assert_ptr_nonnull(m);
	op.verb = STORE_PUT;
	op.value = SPAN_LIT("value");
	op.ttl_s = 100;
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	ck_assert_uint_eq(store_memory_count(m, STORE_LOGIN), 1);
	ck_assert_uint_eq(store_memory_count(m, STORE_RESTRICT), 0);
	op.verb = STORE_GET;
	op.ret = &b;
	m->next = STORE_MEMORY_NONSENSE;
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	ck_assert(!span_is(buf_view(&b), "value"));
	store_close(s);
}
END_TEST

START_TEST(the_memory_store_loses_the_answer_of_what_it_did)
{
	struct store *s = NULL;
	struct store_memory *m = store_memory_open(fake_clock, 1000, &s);
	struct store_op op = get("u", "i");

	ck_assert_ptr_nonnull(m);
	op.verb = STORE_PUT;
	op.ttl_s = 100;
	m->all = STORE_MEMORY_LOST;
	ck_assert_int_eq(store_do(s, &op, NULL), TP_UNAVAILABLE);
	ck_assert_uint_eq(store_memory_count(m, STORE_LOGIN), 1);
	m->all = STORE_MEMORY_UNAVAILABLE;
	op.verb = STORE_DEL;
	ck_assert_int_eq(store_do(s, &op, NULL), TP_UNAVAILABLE);
	ck_assert_uint_eq(store_memory_count(m, STORE_LOGIN), 1);
	store_close(s);
}
END_TEST

static Suite *store_suite(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("store");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, refuses_an_unknown_scheme_and_names_the_known_ones);
	tcase_add_test(tc, refuses_a_type_that_is_not_the_schemes);
	tcase_add_test(tc, refuses_files_for_tls_where_there_is_none);
	tcase_add_test(tc, refuses_replicas_where_there_are_none);
	tcase_add_test(tc, never_shows_the_url_in_a_message);
	tcase_add_test(tc, knows_without_asking_that_an_impossible_key_is_not_there);
	tcase_add_test(tc, asks_the_store_for_the_rest_of_the_operations);
	tcase_add_test(tc, refuses_to_put_what_is_out_of_range);
	tcase_add_test(tc, refuses_a_counter_with_an_impossible_name);
	tcase_add_test(tc, counts_a_hit_by_the_rule);
	tcase_add_test(tc, the_memory_store_answers_nonsense_on_demand);
	tcase_add_test(tc, the_memory_store_loses_the_answer_of_what_it_did);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, store_contract_case(rigs, TP_COUNT(rigs)));
	return suite;
}

int main(void)
{
	return check_run(store_suite());
}
