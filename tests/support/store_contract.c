/* SPDX-License-Identifier: MIT */
/*
 * The cases of store_contract.h about items: values, keys, modes, order, and an owner's list. Each
 * runs with every rig, by libcheck's loop; what a rig cannot do (move its clock by hours, be opened
 * by several processes) makes the cases that need it end at once.
 */
#include "support/store_contract_parts.h"

#include "base/limits.h"

#include <stdio.h>

#include "base/banned.h"

const struct store_rig *contract_rigs;

struct store *contract_open(const struct store_rig *rig)
{
	struct store *s = NULL;
	struct tp_err err = { 0 };

	if (rig->open(rig->arg, &s, &err) == TP_OK)
		return s;
	fprintf(stderr, "%s: %s\n", rig->name, err.msg);
	return NULL;
}

struct store *contract_begin(const struct store_rig *rig)
{
	struct store *s;

	if (rig->clear != NULL)
		rig->clear(rig->arg);
	s = contract_open(rig);
	ck_assert_msg(s != NULL, "%s does not open", rig->name);
	return s;
}

struct store_key contract_key(enum store_space space, const char *owner, const char *item)
{
	return (struct store_key){ space, span_of(owner), span_of(item) };
}

struct store_key contract_login(const char *item)
{
	return contract_key(STORE_LOGIN, USER, item);
}

enum tp_rc contract_put(struct store *s, struct store_key k, const char *value, int64_t ttl_s,
			enum store_mode mode)
{
	struct store_op op = { .verb = STORE_PUT, .key = k, .value = span_of(value) };

	op.ttl_s = ttl_s;
	op.mode = mode;
	return store_do(s, &op, NULL);
}

enum tp_rc contract_ask(struct store *s, enum store_verb verb, struct store_key k)
{
	struct store_op op = { .verb = verb, .key = k };

	return store_do(s, &op, NULL);
}

enum tp_rc contract_hit(struct store *s, const struct store_hit *hits, size_t n,
			int64_t *ret_wait_s)
{
	struct store_op op = { .verb = STORE_HIT, .hits = hits, .n_hits = n };
	enum tp_rc rc = store_do(s, &op, NULL);

	*ret_wait_s = op.ret_n;
	return rc;
}

void contract_expect(struct store *s, struct store_key k, struct span value)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(LIMIT_STORE_VALUE);
	struct store_op op = { .verb = STORE_GET, .key = k, .ret = &b };

	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	ck_assert_msg(span_eq(buf_view(&b), value), "got %zu bytes, not these %zu", b.len,
		      value.len);
}

enum tp_rc contract_see(void *arg, struct span item, struct span value)
{
	struct contract_seen *seen = arg;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "%.*s=%.*s ", (int)item.len, item.p,
		 (int)value.len, value.p);
	return ++seen->calls == seen->stop_at ? TP_FORBIDDEN : TP_OK;
}

/* ---- values and keys ---- */

START_TEST(gives_back_the_bytes_that_were_put)
{
	static char large[LIMIT_STORE_VALUE];
	const struct span values[] = {
		SPAN_LIT("{\"token\": \"a.b.c\", \"expire\": 1440}"),
		SPAN_LIT(""),
		SPAN_LIT("a\0b\r\n\xff$5\r\n"),
		{ large, sizeof(large) },
	};
	struct store *s = contract_begin(&contract_rigs[_i]);

	memset(large, 'v', sizeof(large));
	for (size_t i = 0; i < TP_COUNT(values); i++)
		for (int space = STORE_LOGIN; space <= STORE_RESTRICT; space++) {
			struct store_op op = { .verb = STORE_PUT,
					       .key = contract_key((enum store_space)space, USER,
								   HANDLE),
					       .value = values[i],
					       .ttl_s = HOUR };

			ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
			contract_expect(s, op.key, values[i]);
		}
	store_close(s);
}
END_TEST

START_TEST(appends_a_value_to_what_the_buffer_holds)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(100);
	struct store_op op = { .verb = STORE_GET, .key = contract_login(HANDLE), .ret = &b };
	struct store *s = contract_begin(&contract_rigs[_i]);

	buf_str(&b, "before ");
	ck_assert_int_eq(contract_put(s, contract_login(HANDLE), "value", HOUR, STORE_ANY), TP_OK);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	ck_assert_str_eq(buf_cstr(&b), "before value");
	store_close(s);
}
END_TEST

START_TEST(says_not_found_for_what_was_never_put)
{
	struct store *s = contract_begin(&contract_rigs[_i]);

	for (int space = STORE_LOGIN; space <= STORE_RESTRICT; space++) {
		struct store_key k = contract_key((enum store_space)space, USER, HANDLE);

		ck_assert_int_eq(contract_ask(s, STORE_GET, k), TP_NOT_FOUND);
		ck_assert_int_eq(contract_ask(s, STORE_TTL, k), TP_NOT_FOUND);
		ck_assert_int_eq(contract_ask(s, STORE_DEL, k), TP_NOT_FOUND);
		ck_assert_int_eq(contract_put(s, k, "v", HOUR, STORE_IF_PRESENT), TP_NOT_FOUND);
		ck_assert_int_eq(contract_ask(s, STORE_GET, k), TP_NOT_FOUND);
	}
	store_close(s);
}
END_TEST

START_TEST(keeps_spaces_owners_and_items_apart)
{
	static const struct {
		enum store_space space;
		const char *owner, *item;
	} keys[] = { { STORE_LOGIN, "user", "item" },	  { STORE_RESTRICT, "user", "item" },
		     { STORE_LOGIN, "user1", "item" },	  { STORE_LOGIN, "use", "item" },
		     { STORE_LOGIN, "user", "item1" },	  { STORE_LOGIN, "user", "ite" },
		     { STORE_LOGIN, "USER", "item" },	  { STORE_RESTRICT, "USER", "item" },
		     { STORE_LOGIN, "*", "item" },	  { STORE_LOGIN, "\xc3\xbc", "item" },
		     { STORE_LOGIN, "a b\tc'\"", "item" } };
	struct store *s = contract_begin(&contract_rigs[_i]);
	char value[16];

	for (size_t i = 0; i < TP_COUNT(keys); i++) {
		snprintf(value, sizeof(value), "value %zu", i);
		ck_assert_int_eq(
			contract_put(s, contract_key(keys[i].space, keys[i].owner, keys[i].item),
				     value, HOUR, STORE_IF_ABSENT),
			TP_OK);
	}
	for (size_t i = 0; i < TP_COUNT(keys); i++) {
		snprintf(value, sizeof(value), "value %zu", i);
		contract_expect(s, contract_key(keys[i].space, keys[i].owner, keys[i].item),
				span_of(value));
		ck_assert_int_eq(
			contract_ask(s, STORE_DEL,
				     contract_key(keys[i].space, keys[i].owner, keys[i].item)),
			TP_OK);
	}
	store_close(s);
}
END_TEST

START_TEST(takes_keys_of_the_greatest_length)
{
	char owner[LIMIT_USER_ID + 1] = "", item[LIMIT_HANDLE + 1] = "";
	struct store *s = contract_begin(&contract_rigs[_i]);

	memset(owner, 'o', LIMIT_USER_ID);
	memset(item, 'i', LIMIT_HANDLE);
	for (int space = STORE_LOGIN; space <= STORE_RESTRICT; space++) {
		struct store_key k = contract_key((enum store_space)space, owner, item);

		ck_assert_int_eq(contract_put(s, k, "v", HOUR, STORE_ANY), TP_OK);
		contract_expect(s, k, SPAN_LIT("v"));
		ck_assert_int_eq(contract_ask(s, STORE_DEL, k), TP_OK);
	}
	store_close(s);
}
END_TEST

START_TEST(fails_the_call_for_a_value_that_does_not_fit)
{
	TP_CLEANUP(buf_release) struct buf small = BUF_INIT(8);
	TP_CLEANUP(buf_release) struct buf large = BUF_INIT(100);
	struct store_op ops[] = {
		{ .verb = STORE_GET, .key = contract_login("a"), .ret = &large },
		{ .verb = STORE_GET, .key = contract_login("b"), .ret = &small },
	};
	struct store *s = contract_begin(&contract_rigs[_i]);
	struct tp_err err;

	ck_assert_int_eq(contract_put(s, contract_login("a"), "value", HOUR, STORE_ANY), TP_OK);
	ck_assert_int_eq(contract_put(s, contract_login("b"), "123456789", HOUR, STORE_ANY), TP_OK);
	ck_assert_int_eq(store_run(s, ops, 2, &err), TP_UNAVAILABLE);
	ck_assert_int_eq(ops[0].rc, TP_UNAVAILABLE);
	ck_assert_int_eq(ops[1].rc, TP_UNAVAILABLE);
	ck_assert_uint_eq(large.len, 0);
	ck_assert_uint_eq(small.len, 0);
	store_close(s);
}
END_TEST

/* ---- writing ---- */

START_TEST(puts_by_the_mode_that_is_asked_for)
{
	struct store *s = contract_begin(&contract_rigs[_i]);

	for (int space = STORE_LOGIN; space <= STORE_RESTRICT; space++) {
		struct store_key k = contract_key((enum store_space)space, USER, HANDLE);

		ck_assert_int_eq(contract_put(s, k, "1", HOUR, STORE_IF_ABSENT), TP_OK);
		ck_assert_int_eq(contract_put(s, k, "2", HOUR, STORE_IF_ABSENT), TP_EXISTS);
		contract_expect(s, k, SPAN_LIT("1"));
		ck_assert_int_eq(contract_put(s, k, "3", HOUR, STORE_IF_PRESENT), TP_OK);
		contract_expect(s, k, SPAN_LIT("3"));
		ck_assert_int_eq(contract_put(s, k, "4", HOUR, STORE_ANY), TP_OK);
		contract_expect(s, k, SPAN_LIT("4"));
		ck_assert_int_eq(contract_ask(s, STORE_DEL, k), TP_OK);
		ck_assert_int_eq(contract_put(s, k, "5", HOUR, STORE_IF_PRESENT), TP_NOT_FOUND);
		ck_assert_int_eq(contract_ask(s, STORE_GET, k), TP_NOT_FOUND);
		ck_assert_int_eq(contract_put(s, k, "6", HOUR, STORE_ANY), TP_OK);
		contract_expect(s, k, SPAN_LIT("6"));
	}
	store_close(s);
}
END_TEST

START_TEST(tells_at_a_login_how_many_the_owner_has)
{
	struct store_op op = { .verb = STORE_PUT, .value = SPAN_LIT("v"), .ttl_s = HOUR };
	static const char *const items[] = { "a", "b", "c", "b" };
	static const int64_t count[] = { 1, 2, 3, 3 };
	struct store *s = contract_begin(&contract_rigs[_i]);

	ck_assert_int_eq(
		contract_put(s, contract_key(STORE_LOGIN, USER "9", "a"), "v", HOUR, STORE_ANY),
		TP_OK);
	ck_assert_int_eq(
		contract_put(s, contract_key(STORE_RESTRICT, USER, "a"), "v", HOUR, STORE_ANY),
		TP_OK);
	for (size_t i = 0; i < TP_COUNT(items); i++) {
		op.key = contract_login(items[i]);
		ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
		ck_assert_int_eq(op.ret_n, count[i]);
	}
	store_close(s);
}
END_TEST

START_TEST(runs_operations_in_order_and_goes_on_after_a_no)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(100);
	struct store_op ops[] = {
		{ .verb = STORE_DEL, .key = contract_login("none") },
		{ .verb = STORE_PUT,
		  .key = contract_login("a"),
		  .value = SPAN_LIT("1"),
		  .ttl_s = HOUR },
		{ .verb = STORE_GET, .key = contract_login("a"), .ret = &b },
		{ .verb = STORE_PUT,
		  .key = contract_login("a"),
		  .value = SPAN_LIT("2"),
		  .ttl_s = HOUR,
		  .mode = STORE_IF_ABSENT },
		{ .verb = STORE_GET, .key = contract_key(STORE_RESTRICT, USER, "a") },
		{ .verb = STORE_DEL, .key = contract_login("a") },
		{ .verb = STORE_TTL, .key = contract_login("a") },
		{ .verb = STORE_PING },
	};
	static const enum tp_rc want[] = { TP_NOT_FOUND, TP_OK, TP_OK,	      TP_EXISTS,
					   TP_NOT_FOUND, TP_OK, TP_NOT_FOUND, TP_OK };
	struct store *s = contract_begin(&contract_rigs[_i]);
	struct tp_err err;

	ck_assert_int_eq(store_run(s, ops, TP_COUNT(ops), &err), TP_OK);
	for (size_t i = 0; i < TP_COUNT(ops); i++)
		ck_assert_msg(ops[i].rc == want[i], "operation %zu answered %s", i,
			      rc_info(ops[i].rc)->name);
	ck_assert_str_eq(buf_cstr(&b), "1");
	store_close(s);
}
END_TEST

START_TEST(runs_as_many_operations_as_may_be_in_one_call)
{
	enum { HALF = LIMIT_STORE_OPS / 2 };
	static char items[HALF][8], values[HALF][LIMIT_STORE_VALUE];
	struct store_op ops[LIMIT_STORE_OPS];
	struct buf got[HALF];
	struct store *s = contract_begin(&contract_rigs[_i]);

	for (size_t i = 0; i < HALF; i++) {
		snprintf(items[i], sizeof(items[i]), "i%zu", i);
		memset(values[i], 'a' + (int)(i % 26), sizeof(values[i]));
		/* Each in another database than the one before. */
		ops[2 * i] = (struct store_op){ .verb = STORE_PUT,
						.key = contract_login(items[i]),
						.value = { values[i], sizeof(values[i]) },
						.ttl_s = HOUR };
		ops[2 * i + 1] =
			(struct store_op){ .verb = STORE_PUT,
					   .key = contract_key(STORE_RESTRICT, USER, items[i]),
					   .value = SPAN_LIT("restricted"),
					   .ttl_s = HOUR,
					   .mode = STORE_IF_ABSENT };
	}
	ck_assert_int_eq(store_run(s, ops, LIMIT_STORE_OPS, NULL), TP_OK);
	for (size_t i = 0; i < LIMIT_STORE_OPS; i++)
		ck_assert_int_eq(ops[i].rc, TP_OK);
	for (size_t i = 0; i < HALF; i++) {
		got[i] = (struct buf)BUF_INIT(LIMIT_STORE_VALUE);
		ops[2 * i] =
			(struct store_op){ .verb = STORE_TTL,
					   .key = contract_key(STORE_RESTRICT, USER, items[i]) };
		ops[2 * i + 1] = (struct store_op){ .verb = STORE_GET,
						    .key = contract_login(items[i]),
						    .ret = &got[i] };
	}
	ck_assert_int_eq(store_run(s, ops, LIMIT_STORE_OPS, NULL), TP_OK);
	for (size_t i = 0; i < HALF; i++) {
		ck_assert_int_eq(ops[2 * i].rc, TP_OK);
		ck_assert_int_ge(ops[2 * i].ret_n, 1);
		ck_assert(
			span_eq(buf_view(&got[i]), (struct span){ values[i], sizeof(values[i]) }));
		buf_release(&got[i]);
	}
	store_close(s);
}
END_TEST

/* ---- an owner's items ---- */

START_TEST(lists_the_items_of_one_owner)
{
	struct contract_seen seen = { .stop_at = -1 };
	struct store_op op = { .verb = STORE_LIST,
			       .key = contract_key(STORE_LOGIN, USER, NULL),
			       .each = contract_see,
			       .arg = &seen };
	struct store *s = contract_begin(&contract_rigs[_i]);

	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	ck_assert_int_eq(seen.calls, 0);
	ck_assert_int_eq(contract_put(s, contract_login("one"), "1", HOUR, STORE_ANY), TP_OK);
	ck_assert_int_eq(contract_put(s, contract_login("two"), "", HOUR, STORE_ANY), TP_OK);
	ck_assert_int_eq(
		contract_put(s, contract_key(STORE_LOGIN, USER "9", "no"), "v", HOUR, STORE_ANY),
		TP_OK);
	ck_assert_int_eq(
		contract_put(s, contract_key(STORE_RESTRICT, USER, "no"), "v", HOUR, STORE_ANY),
		TP_OK);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	ck_assert_msg(strcmp(seen.text, "one=1 two= ") == 0 ||
			      strcmp(seen.text, "two= one=1 ") == 0,
		      "saw %s", seen.text);
	store_close(s);
}
END_TEST

START_TEST(ends_the_list_when_the_caller_has_enough)
{
	struct contract_seen seen = { .stop_at = 2 };
	struct store_op ops[] = { { .verb = STORE_LIST,
				    .key = contract_key(STORE_LOGIN, USER, NULL),
				    .each = contract_see,
				    .arg = &seen },
				  { .verb = STORE_GET, .key = contract_login("a") } };
	struct store *s = contract_begin(&contract_rigs[_i]);

	for (const char *item = "a\0b\0c\0d\0"; *item != '\0'; item += 2)
		ck_assert_int_eq(contract_put(s, contract_login(item), "v", HOUR, STORE_ANY),
				 TP_OK);
	ck_assert_int_eq(store_run(s, ops, 2, NULL), TP_OK);
	ck_assert_int_eq(ops[0].rc, TP_FORBIDDEN);
	ck_assert_int_eq(ops[1].rc, TP_OK);
	ck_assert_int_eq(seen.calls, 2);
	store_close(s);
}
END_TEST

START_TEST(lists_what_stands_before_it_and_not_what_comes_after)
{
	struct contract_seen seen = { .stop_at = -1 };
	struct store_op ops[] = {
		{ .verb = STORE_PUT,
		  .key = contract_login("a"),
		  .value = SPAN_LIT("1"),
		  .ttl_s = HOUR },
		{ .verb = STORE_LIST,
		  .key = contract_key(STORE_LOGIN, USER, NULL),
		  .each = contract_see,
		  .arg = &seen },
		{ .verb = STORE_DEL_OWNER, .key = contract_key(STORE_LOGIN, USER, NULL) },
	};
	struct store *s = contract_begin(&contract_rigs[_i]);

	ck_assert_int_eq(store_run(s, ops, 3, NULL), TP_OK);
	ck_assert_str_eq(seen.text, "a=1 ");
	ck_assert_int_eq(ops[0].rc, TP_OK);
	ck_assert_int_eq(ops[2].rc, TP_OK);
	ck_assert_int_eq(ops[2].ret_n, 1);
	store_close(s);
}
END_TEST

START_TEST(ends_all_items_of_one_owner)
{
	struct store_op op = { .verb = STORE_DEL_OWNER,
			       .key = contract_key(STORE_LOGIN, USER, NULL) };
	struct store *s = contract_begin(&contract_rigs[_i]);
	char item[8];

	for (int i = 0; i < 20; i++) {
		snprintf(item, sizeof(item), "%d", i);
		ck_assert_int_eq(contract_put(s, contract_login(item), "v", HOUR + i, STORE_ANY),
				 TP_OK);
	}
	ck_assert_int_eq(
		contract_put(s, contract_key(STORE_LOGIN, USER "9", "a"), "v", HOUR, STORE_ANY),
		TP_OK);
	ck_assert_int_eq(
		contract_put(s, contract_key(STORE_RESTRICT, USER, "3"), "v", HOUR, STORE_ANY),
		TP_OK);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	ck_assert_int_eq(op.ret_n, 20);
	for (int i = 0; i < 20; i++) {
		snprintf(item, sizeof(item), "%d", i);
		ck_assert_int_eq(contract_ask(s, STORE_GET, contract_login(item)), TP_NOT_FOUND);
	}
	ck_assert_int_eq(contract_ask(s, STORE_GET, contract_key(STORE_LOGIN, USER "9", "a")),
			 TP_OK);
	ck_assert_int_eq(contract_ask(s, STORE_GET, contract_key(STORE_RESTRICT, USER, "3")),
			 TP_OK);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	ck_assert_int_eq(op.ret_n, 0);
	store_close(s);
}
END_TEST

START_TEST(samples_items_only_where_they_do_not_end_by_themselves)
{
	struct contract_seen seen = { .stop_at = -1 };
	struct store_op op = { .verb = STORE_SAMPLE,
			       .key = contract_key(STORE_LOGIN, USER, NULL),
			       .each = contract_see,
			       .arg = &seen };
	struct store *s = contract_begin(&contract_rigs[_i]);

	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	ck_assert_int_eq(seen.calls, 0);
	ck_assert_int_eq(contract_put(s, contract_login("one"), "1", HOUR, STORE_ANY), TP_OK);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	if (contract_rigs[_i].expires)
		ck_assert_int_eq(seen.calls, 0);
	else
		ck_assert_int_gt(seen.calls, 0);
	/* A sample may show an item twice, but no other than there is. */
	for (const char *p = seen.text; *p != '\0'; p += strlen("one=1 "))
		ck_assert_int_eq(strncmp(p, "one=1 ", strlen("one=1 ")), 0);
	store_close(s);
}
END_TEST

TCase *store_contract_case(const struct store_rig *rigs, size_t n)
{
	TCase *tc = tcase_create("contract");
	int end = (int)n;

	contract_rigs = rigs;
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, gives_back_the_bytes_that_were_put, 0, end);
	tcase_add_loop_test(tc, appends_a_value_to_what_the_buffer_holds, 0, end);
	tcase_add_loop_test(tc, says_not_found_for_what_was_never_put, 0, end);
	tcase_add_loop_test(tc, keeps_spaces_owners_and_items_apart, 0, end);
	tcase_add_loop_test(tc, takes_keys_of_the_greatest_length, 0, end);
	tcase_add_loop_test(tc, fails_the_call_for_a_value_that_does_not_fit, 0, end);
	tcase_add_loop_test(tc, puts_by_the_mode_that_is_asked_for, 0, end);
	tcase_add_loop_test(tc, tells_at_a_login_how_many_the_owner_has, 0, end);
	tcase_add_loop_test(tc, runs_operations_in_order_and_goes_on_after_a_no, 0, end);
	tcase_add_loop_test(tc, runs_as_many_operations_as_may_be_in_one_call, 0, end);
	tcase_add_loop_test(tc, lists_the_items_of_one_owner, 0, end);
	tcase_add_loop_test(tc, ends_the_list_when_the_caller_has_enough, 0, end);
	tcase_add_loop_test(tc, lists_what_stands_before_it_and_not_what_comes_after, 0, end);
	tcase_add_loop_test(tc, ends_all_items_of_one_owner, 0, end);
	tcase_add_loop_test(tc, samples_items_only_where_they_do_not_end_by_themselves, 0, end);
	contract_add_time(tc, end);
	contract_add_races(tc, end);
	contract_add_walk(tc, end);
	return tc;
}
