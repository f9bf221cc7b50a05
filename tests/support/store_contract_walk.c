/* SPDX-License-Identifier: MIT */
/*
 * The part of the contract about a walk over all owners' sessions: all that live are seen with
 * their bytes, nothing else is, and it ends when the caller says so.
 */
#include "support/store_contract_parts.h"

#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { OWNERS = 300, ITEMS = 3, MANY = 700 };

struct tally {
	unsigned char seen[OWNERS][ITEMS];
	int many, calls, strange, stop_at;
};

static struct span item_value(int owner, int item, char room[64])
{
	int n = snprintf(room, 64, "value \xff %d of %d", item, owner);

	return (struct span){ room, (size_t)n + 1 }; /* a NUL, too */
}

static enum tp_rc count(void *arg, const struct store_key *key, struct span value)
{
	struct tally *t = arg;
	char owner[LIMIT_USER_ID + 1] = "", item[LIMIT_HANDLE + 1] = "", room[64];
	int o = -1, i = -1, used = 0;

	t->calls++;
	memcpy(owner, key->owner.p, key->owner.len);
	memcpy(item, key->item.p, key->item.len);
	if (strcmp(owner, "many") == 0)
		t->many++;
	/* NOLINTNEXTLINE(cert-err34-c): what is no number is not counted */
	else if (sscanf(owner, "owner %d%n", &o, &used) == 1 && owner[used] == '\0' && o >= 0 &&
		 /* NOLINTNEXTLINE(cert-err34-c) */
		 o < OWNERS && sscanf(item, "item-%d", &i) == 1 && i >= 0 && i < ITEMS &&
		 span_eq(value, item_value(o, i, room)))
		t->seen[o][i]++;
	else
		t->strange++;
	return t->calls == t->stop_at ? TP_FORBIDDEN : TP_OK;
}

static void put(struct store *s, const char *owner, const char *item, struct span value)
{
	struct store_op op = { .verb = STORE_PUT,
			       .key = contract_key(STORE_LOGIN, owner, item),
			       .value = value,
			       .ttl_s = HOUR };

	store_begin(s);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
}

static void put_owners(struct store *s)
{
	char owner[32], item[32], room[64];

	for (int o = 0; o < OWNERS; o++)
		for (int i = 0; i < ITEMS; i++) {
			snprintf(owner, sizeof(owner), "owner %d", o);
			snprintf(item, sizeof(item), "item-%d", i);
			put(s, owner, item, item_value(o, i, room));
		}
}

static enum tp_rc walk(struct store *s, struct tally *t)
{
	struct tp_err err = { 0 };
	int64_t skipped = 0;
	enum tp_rc rc = store_walk(s, count, t, &skipped, &err);

	ck_assert_msg(rc == TP_OK || rc == TP_FORBIDDEN, "%s", err.msg);
	ck_assert_int_eq(skipped, 0);
	return rc;
}

START_TEST(walks_over_the_sessions_of_all_owners)
{
	struct store *s = contract_begin(&contract_rigs[_i]);
	static struct tally t;

	put_owners(s);
	ck_assert_int_eq(contract_put(s, contract_key(STORE_RESTRICT, "owner 1", "item-1"),
				      "restricted", HOUR, STORE_ANY),
			 TP_OK);
	t = (struct tally){ .stop_at = 0 };
	ck_assert_int_eq(walk(s, &t), TP_OK);
	for (int o = 0; o < OWNERS; o++)
		for (int i = 0; i < ITEMS; i++)
			ck_assert_int_ge(t.seen[o][i], 1);
	ck_assert_int_eq(t.strange, 0);
	store_close(s);
}
END_TEST

/* Names that look like a part of some store's keys. */
static const char *const odd_owners[] = { "tpauth-admin", "tpauth:", "9:{u:user}", "{",	  "}",
					  "u}__handle",	  "{}",	     "user__",	   "*",	  "?[a]\\",
					  "a b\r\nc",	  "l",	     "x",	   "\xff" };

static enum tp_rc see_odd(void *arg, const struct store_key *key, struct span value)
{
	int *seen = arg;

	ck_assert(span_is(key->item, HANDLE));
	for (size_t i = 0; i < TP_COUNT(odd_owners); i++)
		if (span_is(key->owner, odd_owners[i]) && span_is(value, odd_owners[i]))
			seen[i]++;
	return TP_OK;
}

START_TEST(walks_over_owners_of_any_name)
{
	struct store *s = contract_begin(&contract_rigs[_i]);
	int seen[TP_COUNT(odd_owners)] = { 0 };
	int64_t skipped = 0;

	for (size_t i = 0; i < TP_COUNT(odd_owners); i++)
		put(s, odd_owners[i], HANDLE, span_of(odd_owners[i]));
	ck_assert_int_eq(store_walk(s, see_odd, seen, &skipped, NULL), TP_OK);
	ck_assert_int_eq(skipped, 0);
	for (size_t i = 0; i < TP_COUNT(odd_owners); i++) {
		struct store_op end = { .verb = STORE_DEL_OWNER };

		end.key = contract_key(STORE_LOGIN, odd_owners[i], NULL);
		ck_assert_msg(seen[i] >= 1, "%s", odd_owners[i]);
		store_begin(s);
		contract_expect(s, contract_key(STORE_LOGIN, odd_owners[i], HANDLE),
				span_of(odd_owners[i]));
		ck_assert_int_eq(store_do(s, &end, NULL), TP_OK);
		ck_assert_int_eq(end.ret_n, 1);
	}
	store_close(s);
}
END_TEST

START_TEST(walks_over_many_and_large_sessions_of_one_owner)
{
	struct store *s = contract_begin(&contract_rigs[_i]);
	static char large[LIMIT_STORE_VALUE];
	static struct tally t;
	char item[32];

	memset(large, 'x', sizeof(large));
	for (int i = 0; i < MANY; i++) {
		snprintf(item, sizeof(item), "item-%d", i);
		put(s, "many", item, (struct span){ large, i % 10 == 0 ? sizeof(large) : 300 });
	}
	t = (struct tally){ .stop_at = 0 };
	ck_assert_int_eq(walk(s, &t), TP_OK);
	ck_assert_int_ge(t.many, MANY);
	store_close(s);
}
END_TEST

START_TEST(walks_over_nothing_where_nothing_is)
{
	struct store *s = contract_begin(&contract_rigs[_i]);
	struct tally t = { .stop_at = 0 };

	ck_assert_int_eq(walk(s, &t), TP_OK);
	ck_assert_int_eq(t.calls, 0);
	store_close(s);
}
END_TEST

START_TEST(passes_by_what_has_ended)
{
	const struct store_rig *rig = &contract_rigs[_i];
	struct store *s = contract_begin(rig);
	struct tally t = { .stop_at = 0 };

	ck_assert_int_eq(contract_put(s, contract_key(STORE_LOGIN, "owner 1", "item-1"), "short", 1,
				      STORE_ANY),
			 TP_OK);
	rig->pass(rig->arg, rig->waits ? 2 : 1); /* real time may be cut at a second's edge */
	ck_assert_int_eq(walk(s, &t), TP_OK);
	ck_assert_int_eq(t.calls, 0);
	store_close(s);
}
END_TEST

START_TEST(ends_the_walk_when_the_caller_has_enough)
{
	struct store *s = contract_begin(&contract_rigs[_i]);
	static struct tally t;

	put_owners(s);
	t = (struct tally){ .stop_at = 5 };
	ck_assert_int_eq(walk(s, &t), TP_FORBIDDEN);
	ck_assert_int_eq(t.calls, 5);
	contract_expect(s, contract_key(STORE_LOGIN, "owner 7", "item-1"),
			item_value(7, 1, (char[64]){ 0 }));
	store_close(s);
}
END_TEST

START_TEST(says_that_it_cannot_walk)
{
	struct store *s = contract_begin(&contract_rigs[_i]);
	struct tally t = { .stop_at = 0 };
	int64_t skipped = 0;

	ck_assert_int_eq(store_walk(s, count, &t, &skipped, NULL), TP_INVALID);
	ck_assert_int_eq(t.calls, 0);
	store_close(s);
}
END_TEST

void contract_add_walk(TCase *tc, int end)
{
	for (int i = 0; i < end; i++) {
		if (contract_rigs[i].no_walk) {
			tcase_add_loop_test(tc, says_that_it_cannot_walk, i, i + 1);
			continue;
		}
		tcase_add_loop_test(tc, walks_over_the_sessions_of_all_owners, i, i + 1);
		tcase_add_loop_test(tc, walks_over_owners_of_any_name, i, i + 1);
		tcase_add_loop_test(tc, walks_over_many_and_large_sessions_of_one_owner, i, i + 1);
		tcase_add_loop_test(tc, walks_over_nothing_where_nothing_is, i, i + 1);
		tcase_add_loop_test(tc, passes_by_what_has_ended, i, i + 1);
		tcase_add_loop_test(tc, ends_the_walk_when_the_caller_has_enough, i, i + 1);
	}
}
