/* SPDX-License-Identifier: MIT */
/*
 * The memcached backend against real servers: the store's contract, what forgetting does to
 * sessions, races, and the servers' troubles. What a peer can do wrong on the wire is in
 * check_mc_wire.c, what records look like in check_mc_item.c.
 *
 * The contract holds as it is in store.h; how memcached differs from the other stores all the same
 * is in the table of tpauth.conf(5), and only seen here: the count of a user's sessions at a login
 * stays too high where one was forgotten, until it would have ended.
 */
#include "base/limits.h"
#include "store/backend.h"
#include "store/mc_item.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/memcached_server.h"
#include "support/open_fds.h"
#include "support/store_contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

enum { NOW = 1800000000, BUDGET_MS = 20000 };

static struct memcached_server *servers[2];
static int64_t now_s = NOW;

static int64_t fake_now(void *arg)
{
	return *(int64_t *)arg;
}

static void start_servers(void)
{
	for (size_t i = 0; i < TP_COUNT(servers); i++)
		servers[i] = memcached_server_start(NULL);
}

static void stop_servers(void)
{
	for (size_t i = 0; i < TP_COUNT(servers); i++)
		memcached_server_stop(servers[i]);
}

static void clear(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < TP_COUNT(servers); i++)
		memcached_server_ask(servers[i], "flush_all");
}

/* ---- the contract ---- */

struct set_up {
	size_t n;
	bool fake_clock;
};

static enum tp_rc open_store(const struct set_up *how, struct store **ret, struct tp_err *err)
{
	char url[200];
	struct store_spec spec = { .url = url, .timeout_ms = BUDGET_MS, .clock = clock_system() };
	int len = snprintf(url, sizeof(url), "memcached://127.0.0.1:%d",
			   memcached_server_port(servers[0]));

	if (how->n > 1)
		snprintf(url + len, sizeof(url) - (size_t)len, ",127.0.0.1:%d",
			 memcached_server_port(servers[1]));
	if (how->fake_clock)
		spec.clock = (struct clock){ fake_now, &now_s };
	return store_open_with(&store_memcached_ops, &spec, ret, err);
}

static enum tp_rc rig_open(void *arg, struct store **ret, struct tp_err *err)
{
	return open_store(arg, ret, err);
}

static void rig_wait(void *arg, int64_t s)
{
	(void)arg;
	clock_pause_us(s * 1000000 + 50000);
}

static void rig_pass(void *arg, int64_t s)
{
	(void)arg;
	now_s += s;
}

static struct set_up one_real = { 1, false }, two_fake = { 2, true };
static const struct store_rig rigs[] = {
	{ "one server, in real time", &one_real, clear, rig_open, rig_wait, true, true, true, 200,
	  true },
	{ "two servers", &two_fake, clear, rig_open, rig_pass, false, true, true, 50, true },
};

/* ---- what only memcached does ---- */

#define USER   "user_099"
#define HANDLE "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE"

static struct store *open_one(const char *url)
{
	struct store_spec spec = { .url = url, .timeout_ms = BUDGET_MS, .clock = clock_system() };
	struct store *s = NULL;

	ck_assert_int_eq(store_open_with(&store_memcached_ops, &spec, &s, NULL), TP_OK);
	return s;
}

static struct store *open_first(void)
{
	struct store *s = NULL;

	clear(NULL);
	ck_assert_int_eq(open_store(&one_real, &s, NULL), TP_OK);
	return s;
}

static enum tp_rc put(struct store *s, enum store_space space, const char *owner, const char *item,
		      enum store_mode mode)
{
	struct store_op op = { .verb = STORE_PUT,
			       .key = { space, span_of(owner), span_of(item) },
			       .value = SPAN_LIT("value"),
			       .ttl_s = 3600,
			       .mode = mode };

	store_begin(s);
	return store_do(s, &op, NULL);
}

static enum tp_rc ask(struct store *s, enum store_verb verb, const char *owner, const char *item)
{
	struct store_op op = { .verb = verb,
			       .key = { STORE_LOGIN, span_of(owner), span_of(item) } };

	store_begin(s);
	return store_do(s, &op, NULL);
}

static enum tp_rc get(struct store *s, const char *owner, const char *item)
{
	return ask(s, STORE_GET, owner, item);
}

/* In the text protocol, which is what others who share the server would use. */
static void others_do(const char *command, enum mc_kind kind, const char *owner, const char *item,
		      struct span value, const char *answer)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(4096);
	struct mc_key k;

	mc_key_make(&k, kind, span_of(owner), span_of(item));
	buf_printf(&text, "%s %.*s", command, MC_KEY, k.text);
	if (value.p != NULL)
		buf_printf(&text, " 0 0 %zu\r\n%.*s", value.len, (int)value.len, value.p);
	ck_assert_str_eq(memcached_server_ask(servers[0], buf_cstr(&text)), answer);
}

START_TEST(forgetting_the_list_ends_all_sessions_of_the_user_for_good)
{
	struct store *s = open_first();

	ck_assert_int_eq(put(s, STORE_LOGIN, USER, "a", STORE_ANY), TP_OK);
	ck_assert_int_eq(put(s, STORE_LOGIN, USER, "b", STORE_ANY), TP_OK);
	ck_assert_int_eq(put(s, STORE_LOGIN, "other", "a", STORE_ANY), TP_OK);
	others_do("delete", MC_LIST, USER, "", (struct span){ NULL, 0 }, "DELETED");
	ck_assert_int_eq(get(s, USER, "a"), TP_NOT_FOUND);
	ck_assert_int_eq(put(s, STORE_LOGIN, USER, "a", STORE_IF_PRESENT), TP_NOT_FOUND);
	/* A login makes a new list, which brings none of them back. */
	ck_assert_int_eq(put(s, STORE_LOGIN, USER, "c", STORE_ANY), TP_OK);
	ck_assert_int_eq(get(s, USER, "a"), TP_NOT_FOUND);
	ck_assert_int_eq(get(s, USER, "b"), TP_NOT_FOUND);
	ck_assert_int_eq(get(s, USER, "c"), TP_OK);
	ck_assert_int_eq(get(s, "other", "a"), TP_OK);
	/* Nor does the next one under the same handle: it is another session. */
	ck_assert_int_eq(put(s, STORE_LOGIN, USER, "a", STORE_IF_ABSENT), TP_OK);
	ck_assert_int_eq(get(s, USER, "a"), TP_OK);
	ck_assert_int_eq(get(s, USER, "b"), TP_NOT_FOUND);
	store_close(s);
}
END_TEST

START_TEST(forgetting_a_session_ends_it_alone)
{
	struct store *s = open_first();

	ck_assert_int_eq(put(s, STORE_LOGIN, USER, "a", STORE_ANY), TP_OK);
	ck_assert_int_eq(put(s, STORE_LOGIN, USER, "b", STORE_ANY), TP_OK);
	others_do("delete", MC_LOGIN, USER, "a", (struct span){ NULL, 0 }, "DELETED");
	ck_assert_int_eq(get(s, USER, "a"), TP_NOT_FOUND);
	ck_assert_int_eq(put(s, STORE_LOGIN, USER, "a", STORE_IF_PRESENT), TP_NOT_FOUND);
	ck_assert_int_eq(get(s, USER, "b"), TP_OK);
	store_close(s);
}
END_TEST

START_TEST(a_session_that_the_list_does_not_name_is_none)
{
	struct store *s = open_first();

	/* Logged in, and again after the list went: the first item is still in memcached. */
	ck_assert_int_eq(put(s, STORE_LOGIN, USER, "a", STORE_ANY), TP_OK);
	ck_assert_int_eq(ask(s, STORE_DEL_OWNER, USER, ""), TP_OK);
	ck_assert_int_eq(put(s, STORE_LOGIN, USER, "b", STORE_ANY), TP_OK);
	ck_assert_int_eq(memcached_server_stat(servers[0], "curr_items"), 3);
	ck_assert_int_eq(get(s, USER, "a"), TP_NOT_FOUND);
	ck_assert_int_eq(ask(s, STORE_TTL, USER, "a"), TP_NOT_FOUND);
	ck_assert_int_eq(ask(s, STORE_DEL, USER, "a"), TP_NOT_FOUND);
	store_close(s);
}
END_TEST

START_TEST(flushing_ends_all_and_nothing_comes_back)
{
	struct store *s = open_first();
	char user[16];

	for (int i = 0; i < 20; i++) {
		snprintf(user, sizeof(user), "user%d", i);
		ck_assert_int_eq(put(s, STORE_LOGIN, user, HANDLE, STORE_ANY), TP_OK);
	}
	clear(NULL);
	for (int i = 0; i < 20; i++) {
		snprintf(user, sizeof(user), "user%d", i);
		ck_assert_int_eq(put(s, STORE_LOGIN, user, HANDLE, STORE_IF_PRESENT), TP_NOT_FOUND);
		ck_assert_int_eq(put(s, STORE_LOGIN, user, "new", STORE_ANY), TP_OK);
		ck_assert_int_eq(get(s, user, HANDLE), TP_NOT_FOUND);
	}
	store_close(s);
}
END_TEST

START_TEST(takes_foreign_data_at_its_keys_for_nothing)
{
	TP_CLEANUP(buf_release) struct buf record = BUF_INIT(1000);
	struct mc_record r = { .kind = MC_RESTRICT, .expiry_s = INT32_MAX };
	const struct span junk = SPAN_LIT("{\"what\": \"ever\"}");
	struct store_key k = { STORE_RESTRICT, SPAN_LIT(USER), SPAN_LIT("a") };
	struct store_op window = { .verb = STORE_GET, .key = k };
	struct store *s = open_first();

	others_do("set", MC_LOGIN, USER, "a", junk, "STORED");
	others_do("set", MC_LIST, USER, "", junk, "STORED");
	ck_assert_int_eq(get(s, USER, "a"), TP_NOT_FOUND);
	ck_assert_int_eq(put(s, STORE_LOGIN, USER, "a", STORE_IF_ABSENT), TP_OK);
	ck_assert_int_eq(get(s, USER, "a"), TP_OK);
	/* The record of another, as if its key had the same hash. */
	r.owner = SPAN_LIT("somebody");
	r.item = SPAN_LIT("a");
	r.body = SPAN_LIT("restricted");
	mc_record_put(&record, &r);
	for (size_t i = 0; i < record.len; i++) /* it goes through "%.*s" */
		if (record.p[i] == '\0')
			record.p[i] = 1;
	others_do("set", MC_RESTRICT, USER, "a", buf_view(&record), "STORED");
	ck_assert_int_eq(store_do(s, &window, NULL), TP_NOT_FOUND);
	ck_assert_int_eq(put(s, STORE_RESTRICT, USER, "a", STORE_IF_ABSENT), TP_OK);
	ck_assert_int_eq(put(s, STORE_RESTRICT, USER, "a", STORE_IF_ABSENT), TP_EXISTS);
	store_close(s);
}
END_TEST

static enum tp_rc nothing(void *arg, struct span item, struct span value)
{
	(void)arg;
	(void)item;
	(void)value;
	return TP_OK;
}

START_TEST(says_that_memory_is_short_and_draws_no_conclusion)
{
	static const struct store_limit plenty = { .free = 100000,
						   .memory_s = 900,
						   .window = true };
	const struct store_hit hits[] = { { SPAN_LIT("aa"), &plenty },
					  { SPAN_LIT("bb"), &plenty } };
	const struct store_key k = { STORE_LOGIN, SPAN_LIT(USER), SPAN_LIT("a") };
	const struct store_key window = { STORE_RESTRICT, SPAN_LIT(USER), SPAN_LIT("a") };
	const struct store_op ops[] = {
		{ .verb = STORE_PUT, .key = k, .value = SPAN_LIT("v"), .ttl_s = 100 },
		{ .verb = STORE_GET, .key = k },
		{ .verb = STORE_PUT, .key = k, .ttl_s = 9, .mode = STORE_IF_PRESENT },
		{ .verb = STORE_LIST, .key = k, .each = nothing },
		{ .verb = STORE_HIT, .hits = hits, .n_hits = 2 },
		{ .verb = STORE_UNHIT, .hits = hits, .n_hits = 2 },
		{ .verb = STORE_PUT, .key = window, .ttl_s = 9 },
		{ .verb = STORE_DEL_OWNER, .key = k },
		{ .verb = STORE_PING },
	};

	clear(NULL);
	for (size_t i = 0; i < TP_COUNT(ops); i++)
		for (long n = 1;; n++) {
			struct store_op op = ops[i];
			struct store *s = NULL;
			enum tp_rc rc;

			/* Connecting is part of it: with memory short, the next call does that. */
			ck_assert_int_eq(open_store(&one_real, &s, NULL), TP_OK);
			alloc_fail_at(n);
			rc = store_do(s, &op, NULL);
			if (!alloc_fail_off()) {
				ck_assert_msg(rc == TP_OK, "operation %zu", i);
				store_close(s);
				break;
			}
			ck_assert_msg(rc == TP_NOMEM, "operation %zu, allocation %ld: %s", i, n,
				      rc_info(rc)->name);
			/* The server is not taken for a dead one. */
			ck_assert_int_eq(ask(s, STORE_PING, NULL, NULL), TP_OK);
			store_close(s);
		}
}
END_TEST

/* ---- the servers' troubles ---- */

START_TEST(finds_a_restarted_server_by_itself_and_empty)
{
	struct store *s = open_first();

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(put(s, STORE_LOGIN, USER, HANDLE, STORE_ANY), TP_OK);
		memcached_server_kill(servers[0]);
		memcached_server_again(servers[0]);
		/* The first question after it must not fail. */
		ck_assert_int_eq(get(s, USER, HANDLE), TP_NOT_FOUND);
	}
	store_close(s);
}
END_TEST

START_TEST(gives_up_in_time_on_a_server_that_stands_still)
{
	struct store_spec spec = { .timeout_ms = 300, .clock = clock_system() };
	struct store *s = NULL;
	int64_t start_ms;
	char url[64];

	clear(NULL);
	snprintf(url, sizeof(url), "memcached://127.0.0.1:%d", memcached_server_port(servers[0]));
	spec.url = url;
	ck_assert_int_eq(store_open_with(&store_memcached_ops, &spec, &s, NULL), TP_OK);
	ck_assert_int_eq(put(s, STORE_LOGIN, USER, HANDLE, STORE_ANY), TP_OK);
	memcached_server_freeze(servers[0]);
	start_ms = clock_mono_ms();
	ck_assert_int_eq(get(s, USER, HANDLE), TP_UNAVAILABLE);
	ck_assert_int_ge(clock_mono_ms() - start_ms, 290);
	ck_assert_int_le(clock_mono_ms() - start_ms, 3000);
	/* From then on at once, and no login either. */
	ck_assert_int_eq(put(s, STORE_LOGIN, USER, "b", STORE_ANY), TP_UNAVAILABLE);
	memcached_server_thaw(servers[0]);
	for (int i = 0; i < 100 && get(s, USER, HANDLE) != TP_OK; i++)
		clock_pause_us(100000);
	ck_assert_int_eq(get(s, USER, HANDLE), TP_OK);
	store_close(s);
}
END_TEST

START_TEST(serves_the_users_of_the_other_server_while_one_is_down)
{
	enum { USERS = 40 };
	bool on_first[USERS] = { false };
	struct store *s = NULL;
	int n = 0;
	char user[16];

	clear(NULL);
	ck_assert_int_eq(open_store(&(struct set_up){ 2, false }, &s, NULL), TP_OK);
	for (int i = 0; i < USERS; i++) {
		snprintf(user, sizeof(user), "user%d", i);
		ck_assert_int_eq(put(s, STORE_LOGIN, user, HANDLE, STORE_ANY), TP_OK);
	}
	memcached_server_kill(servers[0]);
	for (int i = 0; i < USERS; i++) {
		enum tp_rc rc;

		snprintf(user, sizeof(user), "user%d", i);
		rc = get(s, user, HANDLE);
		ck_assert(rc == TP_OK || rc == TP_UNAVAILABLE);
		on_first[i] = rc == TP_UNAVAILABLE;
		n += on_first[i];
		/* No other server takes its place. */
		ck_assert_int_eq(put(s, STORE_LOGIN, user, "new", STORE_ANY), rc);
		ck_assert_int_eq(ask(s, STORE_PING, NULL, NULL), TP_OK);
	}
	ck_assert_int_gt(n, 0);
	ck_assert_int_lt(n, USERS);
	memcached_server_again(servers[0]);
	for (int i = 0; i < USERS; i++) {
		enum tp_rc rc = TP_UNAVAILABLE;

		snprintf(user, sizeof(user), "user%d", i);
		for (int k = 0; k < 100 && rc == TP_UNAVAILABLE; k++) {
			rc = get(s, user, HANDLE);
			if (rc == TP_UNAVAILABLE)
				clock_pause_us(100000);
		}
		ck_assert_int_eq(rc, on_first[i] ? TP_NOT_FOUND : TP_OK);
	}
	memcached_server_kill(servers[0]);
	memcached_server_kill(servers[1]);
	ck_assert_int_eq(ask(s, STORE_PING, NULL, NULL), TP_UNAVAILABLE);
	for (size_t i = 0; i < TP_COUNT(servers); i++)
		memcached_server_again(servers[i]);
	store_close(s);
}
END_TEST

START_TEST(finds_what_is_stored_whatever_the_order_of_the_servers)
{
	char url[2][100], user[16];
	struct store *s[2];

	clear(NULL);
	for (int i = 0; i < 2; i++) {
		snprintf(url[i], sizeof(url[i]), "memcached://127.0.0.1:%d,127.0.0.1:%d",
			 memcached_server_port(servers[i]), memcached_server_port(servers[1 - i]));
		s[i] = open_one(url[i]);
	}
	for (int i = 0; i < 20; i++) {
		snprintf(user, sizeof(user), "user%d", i);
		ck_assert_int_eq(put(s[0], STORE_LOGIN, user, HANDLE, STORE_ANY), TP_OK);
		ck_assert_int_eq(get(s[1], user, HANDLE), TP_OK);
	}
	for (size_t i = 0; i < TP_COUNT(servers); i++) {
		ck_assert_int_gt(memcached_server_stat(servers[i], "curr_items"), 0);
		store_close(s[i]);
	}
}
END_TEST

/* Each process opens its own connection, and waits at the gate until all have. */
START_TEST(of_200_refreshes_at_once_exactly_one_wins)
{
	enum { RACERS = 200 };
	pid_t pid[RACERS];
	int ready[2], gate[2], wins = 0;
	char c;

	store_close(open_first());
	ck_assert_int_eq(pipe(ready) | pipe(gate), 0);
	fflush(NULL);
	for (int i = 0; i < RACERS; i++) {
		pid[i] = fork();
		ck_assert_int_ge(pid[i], 0);
		if (pid[i] == 0) {
			struct store *s = NULL;
			enum tp_rc rc = open_store(&one_real, &s, NULL);
			struct store_op ping = { .verb = STORE_PING };

			close(gate[1]);
			if (rc != TP_OK || store_do(s, &ping, NULL) != TP_OK ||
			    write(ready[1], "r", 1) != 1 || read(gate[0], &c, 1) != 0)
				_exit(9);
			rc = put(s, STORE_RESTRICT, USER, HANDLE, STORE_IF_ABSENT);
			_exit(rc == TP_OK ? 1 : rc == TP_EXISTS ? 0 : 2);
		}
	}
	for (int i = 0; i < RACERS; i++)
		ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(gate[1]);
	for (int i = 0; i < RACERS; i++) {
		int status = -1;

		ck_assert_int_eq(waitpid(pid[i], &status, 0), pid[i]);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) <= 1, "status %x", status);
		wins += WEXITSTATUS(status);
	}
	ck_assert_int_eq(wins, 1);
}
END_TEST

/* ---- DB_URL, descriptors ---- */

START_TEST(tells_a_url_that_cannot_be)
{
	static const struct {
		const char *url, *says; /* NULL: it can be */
	} rows[] = {
		{ "memcached://localhost", NULL },
		{ "memcached://localhost/", NULL },
		{ "memcached://10.0.0.1:11212,10.0.0.2,[::1]:11213", NULL },
		{ "memcached://[::1]", NULL },
		{ "memcached://", "DB_URL names no host" },
		{ "memcached:///run/memcached.sock", "DB_URL names no host" },
		{ "memcached://h/0", "DB_URL has a path, but memcached:// takes none" },
		{ "memcached://u@h", "DB_URL has a user or a password, but memcached:// supports "
				     "neither (no SASL)" },
		{ "memcached://:s3cret@h", "DB_URL has a user or a password, but memcached:// "
					   "supports neither (no SASL)" },
		{ "memcached://a,b,a:11211", "DB_URL names a server twice" },
		{ "memcached://1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,"
		  "26,27,28,29,30,31,32,33",
		  "DB_URL names more than 32 servers" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct store_spec spec = { .url = rows[i].url, .timeout_ms = 1000 };
		struct tp_err err = { 0 };
		void *self = NULL;
		enum tp_rc want = rows[i].says != NULL ? TP_INVALID : TP_OK;

		spec.clock = clock_system();
		ck_assert_int_eq(store_check_url(&spec, &err), want);
		ck_assert_str_eq(err.msg, rows[i].says != NULL ? rows[i].says : "");
		/* Opening asks nobody. */
		ck_assert_int_eq(store_memcached_ops.open(&spec, &self, &err), want);
		store_memcached_ops.close(self);
	}
}
END_TEST

START_TEST(keeps_one_descriptor_and_hands_none_to_a_child)
{
	int inherited_before, inherited, before = open_fds(&inherited_before);
	struct store *s = open_first();

	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(get(s, USER, HANDLE), TP_NOT_FOUND);
		ck_assert_int_eq(open_fds(&inherited), before + 1);
		ck_assert_int_eq(inherited, inherited_before);
		memcached_server_kill(servers[0]);
		memcached_server_again(servers[0]);
	}
	store_close(s);
	ck_assert_int_eq(open_fds(&inherited), before);
}
END_TEST

static void thaw(void)
{
	memcached_server_thaw(servers[0]); /* a case that failed may have left it frozen */
}

static TCase *real_server_case(void)
{
	TCase *tc = tcase_create("real server");

	tcase_set_timeout(tc, 120);
	tcase_add_unchecked_fixture(tc, start_servers, stop_servers);
	tcase_add_checked_fixture(tc, thaw, NULL);
	tcase_add_test(tc, forgetting_the_list_ends_all_sessions_of_the_user_for_good);
	tcase_add_test(tc, forgetting_a_session_ends_it_alone);
	tcase_add_test(tc, a_session_that_the_list_does_not_name_is_none);
	tcase_add_test(tc, flushing_ends_all_and_nothing_comes_back);
	tcase_add_test(tc, takes_foreign_data_at_its_keys_for_nothing);
	tcase_add_test(tc, says_that_memory_is_short_and_draws_no_conclusion);
	tcase_add_test(tc, gives_up_in_time_on_a_server_that_stands_still);
	tcase_add_test(tc, finds_what_is_stored_whatever_the_order_of_the_servers);
	tcase_add_test(tc, of_200_refreshes_at_once_exactly_one_wins);
	tcase_add_test(tc, tells_a_url_that_cannot_be);
	return tc;
}

/* Each with servers of its own, since they are killed. */
static TCase *killed_server_case(void)
{
	TCase *tc = tcase_create("killed server");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, start_servers, stop_servers);
	tcase_add_test(tc, finds_a_restarted_server_by_itself_and_empty);
	tcase_add_test(tc, serves_the_users_of_the_other_server_while_one_is_down);
	tcase_add_test(tc, keeps_one_descriptor_and_hands_none_to_a_child);
	return tc;
}

static Suite *store_memcached_suite(void)
{
	Suite *s = suite_create("store_memcached");
	TCase *tc = store_contract_case(rigs, TP_COUNT(rigs));

	tcase_add_unchecked_fixture(tc, start_servers, stop_servers);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, real_server_case());
	suite_add_tcase(s, killed_server_case());
	return s;
}

int main(void)
{
	return check_run(store_memcached_suite());
}
