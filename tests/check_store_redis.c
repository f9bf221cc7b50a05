/* SPDX-License-Identifier: MIT */
/*
 * The Redis backend against a real server: the store's contract, how it gets in, and the server's
 * troubles (a standstill, a restart). The layout is in check_redis_verbs.c, what a peer can do
 * wrong on the wire in check_redis_wire.c.
 */
#include "base/limits.h"
#include "support/check_run.h"
#include "support/open_fds.h"
#include "support/redis_group.h"
#include "support/redis_rig.h"
#include "support/redis_server.h"
#include "support/store_contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

#define USER   "user_099"
#define HANDLE "Vy3Zn4MVLLfifneYUA7Tm7"
#define VALUE  "{\"token\": \"a.b.c\", \"expire\": 1440}"

static struct redis_server *server, *nodes[GROUP_NODES];
static bool has_hexpire;

static void start_server(void)
{
	server = redis_server_start(NULL);
	has_hexpire = redis_server_ask(server, 0, "COMMAND INFO HEXPIRE")[0] != '(';
}

static void stop_server(void)
{
	redis_server_stop(server);
}

static void open_unix(struct redis_rig *r)
{
	redis_rig_open(r, "unix://%s", redis_server_path(server));
}

static void clear(void *arg)
{
	(void)arg;
	redis_server_ask(server, 0, "FLUSHALL");
}

/* ---- the contract ---- */

static enum tp_rc rig_open(void *arg, struct store **ret, struct tp_err *err)
{
	char url[200];
	struct store_spec spec = { .url = url,
				   .login_db = RIG_LOGIN_DB,
				   .restrict_db = RIG_RESTRICT_DB,
				   .timeout_ms = RIG_BUDGET_MS,
				   .clock = clock_system() };

	if (*(const bool *)arg)
		snprintf(url, sizeof(url), "valkey://127.0.0.1:%d", redis_server_port(server));
	else
		snprintf(url, sizeof(url), "unix://%s", redis_server_path(server));
	return store_open_with(&store_redis_ops, &spec, ret, err);
}

static void rig_pass(void *arg, int64_t s)
{
	(void)arg;
	clock_pause_us(s * 1000000 + 50000);
}

static void cluster_clear(void *arg)
{
	(void)arg;
	for (int i = 0; i < GROUP_NODES; i++)
		redis_server_ask(nodes[i], 0, "FLUSHALL");
}

/* By two nodes of it, or by the socket of one. */
static enum tp_rc cluster_open(void *arg, struct store **ret, struct tp_err *err)
{
	char url[200];
	struct store_spec spec = { .url = url,
				   .login_db = RIG_LOGIN_DB,
				   .restrict_db = RIG_RESTRICT_DB,
				   .timeout_ms = RIG_BUDGET_MS,
				   .clock = clock_system() };

	if (*(const bool *)arg)
		snprintf(url, sizeof(url), "redis://127.0.0.1:%d,127.0.0.1:%d",
			 redis_server_port(nodes[0]), redis_server_port(nodes[2]));
	else
		snprintf(url, sizeof(url), "unix://%s", redis_server_path(nodes[1]));
	return store_open_with(&store_redis_ops, &spec, ret, err);
}

static bool by_unix = false, by_tcp = true;
static struct store_rig rigs[] = {
	{ "unix socket", &by_unix, clear, rig_open, rig_pass, true, false, true, 1000, false },
	{ "TCP", &by_tcp, clear, rig_open, rig_pass, true, false, true, 100, false },
	{ "cluster", &by_tcp, cluster_clear, cluster_open, rig_pass, true, false, true, 50, false },
	{ "cluster by a socket", &by_unix, cluster_clear, cluster_open, rig_pass, true, false, true,
	  20, false },
};

static void stop_contract(void)
{
	for (int i = 0; i < GROUP_NODES; i++)
		redis_server_stop(nodes[i]);
	stop_server();
}

static void start_contract(void)
{
	start_server();
	redis_group_cluster(nodes, NULL);
	for (size_t i = 0; i < TP_COUNT(rigs); i++)
		rigs[i].expires = has_hexpire;
}

/* ---- the server's doors ---- */

START_TEST(logs_in_with_the_user_and_password_of_the_url)
{
	static const struct {
		const char *userinfo;
		enum tp_rc rc;
		const char *says;
	} rows[] = {
		{ "app:s%40c/r%25t@", TP_INVALID, NULL },
		{ "app:s%40c%2Fr%25t@", TP_OK, NULL },
		{ "app:wrong@", TP_UNAVAILABLE, "does not accept the user or the password" },
		{ "nobody:s%40c%2Fr%25t@", TP_UNAVAILABLE,
		  "does not accept the user or the password" },
		{ ":default-pw@", TP_OK, NULL },
		{ "default:default-pw@", TP_OK, NULL },
		{ ":wrong@", TP_UNAVAILABLE, "does not accept the user or the password" },
		{ "free@", TP_OK, NULL },
		{ "", TP_UNAVAILABLE, "wants a user and a password" },
		{ "reader:pw@", TP_UNAVAILABLE,
		  "does not permit this user a command or a key (ACL)" },
	};
	struct redis_server *own = redis_server_start(NULL);
	char want[200];

	redis_server_ask(own, 0, "ACL SETUSER app on >s@c/r%%t ~* +@all");
	redis_server_ask(own, 0, "ACL SETUSER free on nopass ~* +@all");
	redis_server_ask(own, 0, "ACL SETUSER reader on >pw ~other* +@all");
	redis_server_ask(own, 0, "ACL SETUSER default resetpass >default-pw");
	for (size_t i = 1; i < TP_COUNT(rows); i++) {
		struct redis_rig r;

		redis_rig_open(&r, "redis://%s127.0.0.1:%d", rows[i].userinfo,
			       redis_server_port(own));
		ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE),
				 rows[i].rc == TP_OK ? TP_NOT_FOUND : rows[i].rc);
		snprintf(want, sizeof(want), "redis at 127.0.0.1:%d %s", redis_server_port(own),
			 rows[i].says);
		ck_assert_str_eq(r.err.msg, rows[i].says != NULL ? want : "");
		redis_rig_close(&r);
	}
	redis_server_stop(own);
}
END_TEST

START_TEST(refuses_a_server_without_the_databases)
{
	static const char *const few[] = { "--databases", "9", NULL };
	struct redis_server *own = redis_server_start(few);
	char want[200];
	struct redis_rig r;

	redis_rig_open(&r, "unix://%s", redis_server_path(own));
	ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_UNAVAILABLE);
	snprintf(want, sizeof(want), "redis at %s has no database 9", redis_server_path(own));
	ck_assert_str_eq(r.err.msg, want);
	redis_rig_close(&r);
	redis_server_stop(own);
}
END_TEST

/* A node by itself: its cluster is not complete, then has all slots; and a server that is no node.
 */
START_TEST(treats_a_node_of_a_cluster_as_one)
{
	static const char *const cluster[] = { "--cluster-enabled", "yes", NULL };
	struct redis_server *own = redis_server_start(cluster);
	struct store_op ping = { .verb = STORE_PING };
	struct redis_rig r;

	redis_rig_open(&r, "unix://%s", redis_server_path(own));
	ck_assert_str_eq(store_redis_ops.kind(r.self), "redis");
	r.budget_ms = 500;
	ck_assert_int_eq(redis_rig_put(&r, USER, HANDLE, VALUE, 100, STORE_ANY), TP_UNAVAILABLE);
	ck_assert_int_eq(redis_rig_do(&r, &ping), TP_UNAVAILABLE);
	ck_assert_str_eq(r.err.msg, "the Redis Cluster has no master for 16384 of its 16384 slots");
	redis_server_ask(own, 0, "CLUSTER ADDSLOTSRANGE 0 16383");
	r.budget_ms = RIG_BUDGET_MS;
	ck_assert_int_eq(redis_rig_put(&r, USER, HANDLE, VALUE, 100, STORE_ANY), TP_OK);
	ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_OK);
	ck_assert_str_eq(buf_cstr(&r.value), VALUE);
	ck_assert_str_eq(store_redis_ops.kind(r.self), "redis cluster");
	ck_assert_str_eq(redis_server_ask(own, 0, "KEYS *"), "9:{u:" USER "}");
	redis_rig_close(&r);
	redis_server_stop(own);

	redis_rig_open(&r, "redis://127.0.0.1:%d,127.0.0.1:%d", redis_server_port(server),
		       redis_server_port(server));
	ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_UNAVAILABLE);
	ck_assert_msg(strstr(r.err.msg, "is not part of a Redis Cluster") != NULL, "%s", r.err.msg);
	redis_rig_close(&r);
}
END_TEST

START_TEST(says_why_it_cannot_connect)
{
	char want[200];
	struct redis_rig r;

	redis_rig_open(&r, "unix://%s/none", redis_server_path(server));
	ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_UNAVAILABLE);
	snprintf(want, sizeof(want), "redis at %s/none: cannot connect: Not a directory",
		 redis_server_path(server));
	ck_assert_str_eq(r.err.msg, want);
	redis_rig_close(&r);
	redis_rig_open(&r, "redis://[::1]:1");
	ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_UNAVAILABLE);
	ck_assert_msg(span_starts(span_of(r.err.msg), "redis at [::1]:1: cannot connect: "), "%s",
		      r.err.msg);
	redis_rig_close(&r);
}
END_TEST

/* ---- the server's troubles ---- */

START_TEST(gives_up_in_time_on_a_server_that_stands_still)
{
	struct redis_rig r;

	open_unix(&r);
	ck_assert_int_eq(redis_rig_put(&r, USER, HANDLE, VALUE, 100, STORE_ANY), TP_OK);
	r.budget_ms = 300;
	redis_server_freeze(server);
	for (int i = 0; i < 2; i++) { /* on an old connection, and on a new one */
		ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_UNAVAILABLE);
		ck_assert_int_ge(r.spent_ms, 290);
		ck_assert_int_le(r.spent_ms, 550);
	}
	redis_server_thaw(server);
	r.budget_ms = RIG_BUDGET_MS;
	ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_OK);
	ck_assert_str_eq(buf_cstr(&r.value), VALUE);
	redis_rig_close(&r);
}
END_TEST

START_TEST(finds_a_restarted_server_by_itself)
{
	struct redis_server *own = redis_server_start(NULL);
	struct redis_rig by[2];

	redis_rig_open(&by[0], "unix://%s", redis_server_path(own));
	redis_rig_open(&by[1], "dragonfly://127.0.0.1:%d", redis_server_port(own));
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(redis_rig_put(&by[i], USER, HANDLE, VALUE, 100, STORE_ANY), TP_OK);
	redis_server_kill(own);
	redis_server_again(own);
	/* The first write after it must not fail. */
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(redis_rig_put(&by[i], USER, HANDLE, VALUE, 100, STORE_ANY), TP_OK);
	redis_server_kill(own);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(redis_rig_get(&by[i], USER, HANDLE), TP_UNAVAILABLE);
	redis_server_again(own);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(redis_rig_get(&by[i], USER, HANDLE), TP_NOT_FOUND);
		redis_rig_close(&by[i]);
	}
	redis_server_stop(own);
}
END_TEST

START_TEST(survives_a_client_that_the_server_throws_out)
{
	struct redis_rig r;

	open_unix(&r);
	for (int i = 0; i < 50; i++) {
		ck_assert_int_eq(redis_rig_put(&r, USER, HANDLE, VALUE, 100, STORE_ANY), TP_OK);
		redis_server_ask(server, 0, "CLIENT KILL TYPE normal");
	}
	redis_rig_close(&r);
}
END_TEST

START_TEST(takes_no_write_from_a_server_that_is_full_or_a_replica)
{
	static const struct {
		const char *spoil, *mend, *says;
	} rows[] = {
		{ "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0",
		  "is out of memory (maxmemory) and takes no writes" },
		{ "CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0",
		  "has too few replicas and takes no writes" },
		{ "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "is a read-only replica" },
	};
	char want[200];
	struct redis_rig r;

	open_unix(&r);
	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		redis_server_ask(server, 0, rows[i].spoil);
		ck_assert_int_eq(redis_rig_put(&r, USER, HANDLE, VALUE, 100, STORE_ANY),
				 TP_UNAVAILABLE);
		snprintf(want, sizeof(want), "redis at %s %s", redis_server_path(server),
			 rows[i].says);
		ck_assert_str_eq(r.err.msg, want);
		ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_NOT_FOUND);
		redis_server_ask(server, 0, rows[i].mend);
	}
	redis_rig_close(&r);
}
END_TEST

/* ---- DB_URL ---- */

START_TEST(tells_a_url_that_cannot_be)
{
	static const struct {
		const char *url;
		int db;
		const char *says; /* NULL: it can */
	} rows[] = {
		{ "redis://localhost", 9, NULL },
		{ "redis://localhost/", 9, NULL },
		{ "redis://localhost:6380/15", 9, NULL },
		{ "valkey://u:p@[::1]:6380", 9, NULL },
		{ "dragonfly://10.0.0.1", 9, NULL },
		{ "unix:///run/redis/redis.sock", 9, NULL },
		{ "unix://:p@/run/redis/redis.sock", 9, NULL },
		{ "redis://", 9, "DB_URL names no host" },
		{ "redis:///0", 9, "DB_URL names no host" },
		{ "redis://a,b:1,[::1]:2", 9, NULL },
		{ "redis://a/x", 9, "the path in DB_URL is not a database number" },
		{ "redis://a/0/1", 9, "the path in DB_URL is not a database number" },
		{ "unix://run/redis.sock", 9,
		  "DB_URL names no socket: it takes unix:///path, with three slashes" },
		{ "unix://", 9,
		  "DB_URL names no socket: it takes unix:///path, with three slashes" },
		{ "unix:///0123456789012345678901234567890123456789012345678901234567890123456789"
		  "01234567890123456789012345678901234567",
		  9, "the path in DB_URL is longer than 107 bytes" },
		{ "redis://a", -1, "a database number is negative" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct store_spec spec = { .url = rows[i].url,
					   .login_db = rows[i].db,
					   .restrict_db = 8,
					   .timeout_ms = 1000,
					   .clock = clock_system() };
		struct tp_err err = { 0 };
		void *self = NULL;

		ck_assert_int_eq(store_redis_ops.check(&spec, &err),
				 rows[i].says != NULL ? TP_INVALID : TP_OK);
		ck_assert_str_eq(err.msg, rows[i].says != NULL ? rows[i].says : "");
		/* Opening asks nobody. */
		ck_assert_int_eq(store_redis_ops.open(&spec, &self, &err),
				 rows[i].says != NULL ? TP_INVALID : TP_OK);
		store_redis_ops.close(self);
	}
}
END_TEST

START_TEST(keeps_one_descriptor_and_hands_none_to_a_child)
{
	int inherited_before, inherited;
	int before = open_fds(&inherited_before);
	struct redis_rig r;

	open_unix(&r);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_NOT_FOUND);
		ck_assert_int_eq(open_fds(&inherited), before + 1);
		ck_assert_int_eq(inherited, inherited_before);
		redis_server_ask(server, 0, "CLIENT KILL TYPE normal");
	}
	redis_rig_close(&r);
	ck_assert_int_eq(open_fds(&inherited), before);
}
END_TEST

/* A case that failed may have left it frozen. */
static void fresh(void)
{
	redis_server_thaw(server);
	clear(NULL);
	redis_server_ask(server, 0, "ACL DELUSER app");
}

static enum tp_rc note_walk(void *arg, const struct store_key *key, struct span value)
{
	buf_span(arg, key->owner);
	buf_char(arg, '/');
	buf_span(arg, key->item);
	buf_char(arg, '=');
	buf_span(arg, value);
	return TP_OK;
}

static enum tp_rc walk_rig(struct redis_rig *r, struct store_walk *w)
{
	w->skipped = 0;
	return store_redis_ops.walk(r->self, w, 5000, &r->err);
}

START_TEST(walks_past_what_is_no_session)
{
	TP_CLEANUP(buf_release) struct buf seen = BUF_INIT(1000);
	struct redis_server *own = redis_server_start(NULL);
	struct store_walk w = { .each = note_walk, .arg = &seen };
	struct store_op ttl = { .verb = STORE_TTL };
	struct redis_rig r;

	redis_server_ask(own, 9, "HSET user_1 handle value");
	redis_server_ask(own, 9, "SET user_1__handle restricted EX 120");
	redis_server_ask(own, 9, "SADD user_2 member");
	redis_server_ask(own, 9, "HSET tpauth-fail/00 n 1");
	redis_server_ask(own, 8, "HSET user_3 handle value");
	redis_rig_open(&r, "unix://%s", redis_server_path(own));
	ck_assert_int_eq(walk_rig(&r, &w), TP_OK);
	ck_assert_str_eq(buf_cstr(&seen), "user_1/handle=value");
	ck_assert_int_eq(w.skipped, 3);
	/* On a connection whose database is another, too. */
	ttl.key = redis_rig_key(STORE_RESTRICT, "user_1", "handle");
	ck_assert_int_eq(redis_rig_do(&r, &ttl), TP_NOT_FOUND);
	buf_reset(&seen);
	ck_assert_int_eq(walk_rig(&r, &w), TP_OK);
	ck_assert_str_eq(buf_cstr(&seen), "user_1/handle=value");
	ck_assert_int_eq(redis_rig_get(&r, "user_1", "handle"), TP_OK);
	redis_server_stop(own);
	ck_assert_int_eq(walk_rig(&r, &w), TP_UNAVAILABLE);
	redis_rig_close(&r);
}
END_TEST

static TCase *real_server_case(void)
{
	TCase *tc = tcase_create("real server");

	tcase_set_timeout(tc, 30);
	tcase_add_unchecked_fixture(tc, start_server, stop_server);
	tcase_add_checked_fixture(tc, fresh, NULL);
	tcase_add_test(tc, logs_in_with_the_user_and_password_of_the_url);
	tcase_add_test(tc, refuses_a_server_without_the_databases);
	tcase_add_test(tc, treats_a_node_of_a_cluster_as_one);
	tcase_add_test(tc, says_why_it_cannot_connect);
	tcase_add_test(tc, gives_up_in_time_on_a_server_that_stands_still);
	tcase_add_test(tc, finds_a_restarted_server_by_itself);
	tcase_add_test(tc, survives_a_client_that_the_server_throws_out);
	tcase_add_test(tc, takes_no_write_from_a_server_that_is_full_or_a_replica);
	tcase_add_test(tc, tells_a_url_that_cannot_be);
	tcase_add_test(tc, walks_past_what_is_no_session);
	tcase_add_test(tc, keeps_one_descriptor_and_hands_none_to_a_child);
	return tc;
}

static Suite *store_redis_suite(void)
{
	Suite *s = suite_create("store_redis");
	TCase *tc = store_contract_case(rigs, TP_COUNT(rigs));

	tcase_add_unchecked_fixture(tc, start_contract, stop_contract);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, real_server_case());
	return s;
}

int main(void)
{
	return check_run(store_redis_suite());
}
