/* SPDX-License-Identifier: MIT */
/*
 * Finding the master through sentinels, against peers that follow a script: who is asked, who is
 * believed, how long it takes; and waiting for replicas, against a real server that has none and
 * against scripts.
 */
#include "store/backend.h"
#include "support/check_run.h"
#include "support/redis_play.h"
#include "support/redis_server.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

#define MASTER "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
#define SLAVE  "*5\r\n$5\r\nslave\r\n$1\r\nh\r\n:1\r\n$9\r\nconnected\r\n:0\r\n"
#define HELLO_MASTER          \
	PLAY_HELLO,           \
	{                     \
		.say = MASTER \
	}
#define HELLO_SLAVE          \
	PLAY_HELLO,          \
	{                    \
		.say = SLAVE \
	}
#define WHOLE(text) (text), sizeof(text) - 1

enum { PEERS = 4 };

static struct fake_peer *peers[PEERS];
static struct redis_rig rig;

static void clean(void)
{
	for (int i = 0; i < PEERS; i++) {
		fake_peer_stop(peers[i]);
		peers[i] = NULL;
	}
}

static struct fake_peer *peer(int i, const struct fake_step *steps, size_t n)
{
	peers[i] = fake_peer_start(steps, n, NULL);
	return peers[i];
}

/* A sentinel that names this node, as often as it is asked. */
static struct fake_peer *sentinel_of(int i, int port)
{
	static char says[PEERS][64];
	struct fake_step steps[8];
	char digits[8];

	snprintf(digits, sizeof(digits), "%d", port);
	snprintf(says[i], sizeof(says[i]), "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n",
		 strlen(digits), digits);
	for (size_t k = 0; k < TP_COUNT(steps); k++)
		steps[k] = (struct fake_step){ .say = says[i] };
	return peer(i, steps, TP_COUNT(steps));
}

static struct store_spec by_name(void)
{
	return (struct store_spec){ .sentinel = true, .master = "mymaster" };
}

static void open_one(const struct fake_peer *sentinel)
{
	struct store_spec spec = by_name();

	redis_rig_open_as(&rig, &spec, "redis://u:pw@127.0.0.1:%d", fake_peer_port(sentinel));
}

static enum tp_rc get(int64_t budget_ms)
{
	rig.budget_ms = budget_ms;
	return redis_rig_get(&rig, PLAY_USER, PLAY_HANDLE);
}

static void failed(enum tp_rc rc, const char *who, const struct fake_peer *p, const char *says)
{
	char want[200];

	ck_assert_int_eq(rc, TP_UNAVAILABLE);
	ck_assert_int_le(rig.spent_ms, rig.budget_ms + PLAY_SLACK_MS);
	snprintf(want, sizeof(want), "%s at 127.0.0.1:%d %s", who, fake_peer_port(p), says);
	ck_assert_str_eq(rig.err.msg, want);
}

/* ---- asking ---- */

START_TEST(asks_once_and_goes_to_the_master)
{
	static const struct fake_step node[] = { HELLO_MASTER,
						 { .say = PLAY_RIGHT },
						 { .say = PLAY_RIGHT } };
	struct fake_peer *n = peer(0, node, TP_COUNT(node));
	struct fake_peer *s = sentinel_of(1, fake_peer_port(n));

	open_one(s);
	ck_assert_msg(get(RIG_BUDGET_MS) == TP_OK, "%s", rig.err.msg);
	ck_assert_int_eq(get(RIG_BUDGET_MS), TP_OK);
	ck_assert_str_eq(buf_cstr(&rig.value), "right");
	ck_assert_uint_eq(fake_peer_commands(s), 1);
	ck_assert_str_eq(fake_peer_command(s, 0), "SENTINEL get-master-addr-by-name mymaster");
	ck_assert_str_eq(fake_peer_command(n, 0), "AUTH u pw");
	ck_assert_str_eq(fake_peer_command(n, PLAY_HELLO_STEPS), "ROLE");
	redis_rig_close(&rig);
}
END_TEST

static enum tp_rc nobody(void *arg, const struct store_key *key, struct span value)
{
	(void)arg;
	(void)key;
	(void)value;
	return TP_INTERNAL;
}

START_TEST(walks_over_the_sessions_of_the_master)
{
	static const struct fake_step node[] = { HELLO_MASTER,
						 { .say = "*2\r\n$1\r\n0\r\n*0\r\n" } };
	struct fake_peer *n = peer(0, node, TP_COUNT(node));
	struct fake_peer *s = sentinel_of(1, fake_peer_port(n));
	struct tp_err err = { 0 };
	struct store_walk w = { .each = nobody };
	enum tp_rc rc;

	open_one(s);
	rc = store_redis_ops.walk(rig.self, &w, RIG_BUDGET_MS, &err);
	ck_assert_msg(rc == TP_OK, "%s", err.msg);
	ck_assert_str_eq(fake_peer_command(s, 0), "SENTINEL get-master-addr-by-name mymaster");
	ck_assert_str_eq(fake_peer_command(n, PLAY_HELLO_STEPS), "ROLE");
	redis_rig_close(&rig);
}
END_TEST

static const struct {
	const char *reply;
	size_t len; /* of reply, which may have a NUL */
	const char *says;
} refusals[] = {
	{ WHOLE("*-1\r\n"), "knows no master \"mymaster\"" },
	{ WHOLE("$-1\r\n"), "knows no master \"mymaster\"" },
	{ WHOLE("HTTP/1.1 400 Bad Request\r\n\r\n"), "sent what is no reply" },
	{ WHOLE("+OK\r\n"), "answered with what makes no sense" },
	{ WHOLE("*1\r\n$1\r\nh\r\n"), "answered with what makes no sense" },
	{ WHOLE("*3\r\n$1\r\nh\r\n$1\r\n1\r\n$1\r\n1\r\n"), "answered with what makes no sense" },
	{ WHOLE("*2\r\n$1\r\nh\r\n:1\r\n"), "answered with what makes no sense" },
	{ WHOLE("*2\r\n$1\r\nh\r\n$1\r\n0\r\n"), "answered with what makes no sense" },
	{ WHOLE("*2\r\n$1\r\nh\r\n$5\r\n65536\r\n"), "answered with what makes no sense" },
	{ WHOLE("*2\r\n$1\r\nh\r\n$2\r\n1 \r\n"), "answered with what makes no sense" },
	{ WHOLE("*2\r\n$0\r\n\r\n$1\r\n1\r\n"), "answered with what makes no sense" },
	{ WHOLE("*2\r\n$3\r\na,b\r\n$1\r\n1\r\n"), "answered with what makes no sense" },
	{ WHOLE("*2\r\n$3\r\na/b\r\n$1\r\n1\r\n"), "answered with what makes no sense" },
	{ WHOLE("*2\r\n$3\r\na\0b\r\n$1\r\n1\r\n"), "answered with what makes no sense" },
	{ WHOLE("-NOAUTH Authentication required.\r\n"),
	  "wants a password (DB_SENTINEL_PASSWORD)" },
	{ WHOLE("-NOPERM no\r\n"), "does not permit the command SENTINEL (ACL)" },
	{ WHOLE("-ERR secret\r\n"), "answered with an error" },
	{ WHOLE("$5\r\nwro"), "did not answer in time" },
};

START_TEST(believes_no_sentinel_that_talks_nonsense)
{
	struct fake_step step = { .say = refusals[_i].reply, .len = refusals[_i].len };
	struct fake_peer *s = peer(0, &step, 1);

	open_one(s);
	failed(get(strstr(refusals[_i].says, "time") != NULL ? 400 : RIG_BUDGET_MS), "sentinel", s,
	       refusals[_i].says);
	redis_rig_close(&rig);
}
END_TEST

START_TEST(shows_the_sentinels_a_password_of_their_own)
{
	static const struct fake_step node[] = { HELLO_MASTER, { .say = PLAY_RIGHT } };
	struct fake_step steps[] = { { .say = "-WRONGPASS no\r\n" },
				     { .say = "-NOAUTH no\r\n" },
				     { .say = "+OK\r\n" },
				     { .say = NULL } };
	struct store_spec spec = by_name();
	struct fake_peer *n = peer(0, node, TP_COUNT(node)), *s;
	char says[64];

	snprintf(says, sizeof(says), "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n%05d\r\n", fake_peer_port(n));
	steps[3].say = says;
	s = peer(1, steps, TP_COUNT(steps));
	spec.sentinel_user = "watch";
	spec.sentinel_password = SPAN_LIT("man");
	redis_rig_open_as(&rig, &spec, "redis://127.0.0.1:%d", fake_peer_port(s));
	failed(get(RIG_BUDGET_MS), "sentinel", s,
	       "does not accept DB_SENTINEL_USER or DB_SENTINEL_PASSWORD");
	ck_assert_msg(get(RIG_BUDGET_MS) == TP_OK, "%s", rig.err.msg);
	ck_assert_str_eq(fake_peer_command(s, 2), "AUTH watch man");
	ck_assert_str_eq(fake_peer_command(n, 0), "PING");
	redis_rig_close(&rig);
}
END_TEST

/* The first hangs, the second knows nothing, the third is right; and then it is asked first. */
START_TEST(asks_them_in_turn_and_remembers_who_knew)
{
	static const struct fake_step mute = { .say = NULL }, none = { .say = "*-1\r\n" };
	static const struct fake_step node[] = { HELLO_MASTER,
						 { .say = PLAY_RIGHT },
						 { .hang_up = true },
						 HELLO_MASTER,
						 { .say = PLAY_RIGHT } };
	struct fake_peer *n = peer(0, node, TP_COUNT(node));
	struct fake_peer *a = peer(1, &mute, 1), *b = peer(2, &none, 1);
	struct fake_peer *c = sentinel_of(3, fake_peer_port(n));
	struct store_spec spec = by_name();

	redis_rig_open_as(&rig, &spec, "redis://127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d",
			  fake_peer_port(a), fake_peer_port(b), fake_peer_port(c));
	ck_assert_msg(get(1000) == TP_OK, "%s", rig.err.msg);
	ck_assert_int_ge(rig.spent_ms, 450);
	/* Here the master hangs up on an old connection. */
	ck_assert_msg(get(RIG_BUDGET_MS) == TP_OK, "%s", rig.err.msg);
	ck_assert_uint_eq(fake_peer_commands(a), 1);
	ck_assert_uint_eq(fake_peer_commands(b), 1);
	ck_assert_uint_eq(fake_peer_commands(c), 2);
	redis_rig_close(&rig);
}
END_TEST

/* ---- who is the master ---- */

START_TEST(takes_no_replica_for_the_master)
{
	static const struct fake_step node[] = { HELLO_SLAVE };
	struct fake_peer *n = peer(0, node, TP_COUNT(node));
	struct fake_peer *s = sentinel_of(1, fake_peer_port(n));

	open_one(s);
	failed(get(RIG_BUDGET_MS), "redis", n, "is not the master");
	redis_rig_close(&rig);
}
END_TEST

START_TEST(asks_the_next_sentinel_when_one_is_out_of_date)
{
	static const struct fake_step old[] = { HELLO_SLAVE };
	static const struct fake_step node[] = { HELLO_MASTER, { .say = PLAY_RIGHT } };
	struct fake_peer *o = peer(0, old, TP_COUNT(old)), *n = peer(1, node, TP_COUNT(node));
	struct fake_peer *a = sentinel_of(2, fake_peer_port(o));
	struct fake_peer *b = sentinel_of(3, fake_peer_port(n));
	struct store_spec spec = by_name();

	redis_rig_open_as(&rig, &spec, "redis://127.0.0.1:%d,127.0.0.1:%d", fake_peer_port(a),
			  fake_peer_port(b));
	ck_assert_msg(get(RIG_BUDGET_MS) == TP_OK, "%s", rig.err.msg);
	ck_assert_str_eq(buf_cstr(&rig.value), "right");
	redis_rig_close(&rig);
}
END_TEST

START_TEST(does_not_dial_twice_whom_both_name)
{
	static const struct fake_step node[] = { HELLO_SLAVE };
	struct fake_peer *n = peer(0, node, TP_COUNT(node));
	struct fake_peer *a = sentinel_of(1, fake_peer_port(n));
	struct fake_peer *b = sentinel_of(2, fake_peer_port(n));
	struct store_spec spec = by_name();

	redis_rig_open_as(&rig, &spec, "redis://127.0.0.1:%d,127.0.0.1:%d", fake_peer_port(a),
			  fake_peer_port(b));
	failed(get(RIG_BUDGET_MS), "redis", n, "is not the master");
	ck_assert_uint_eq(fake_peer_connections(n), 1);
	redis_rig_close(&rig);
}
END_TEST

START_TEST(asks_the_role_again_after_a_second_of_use_in_the_same_batch)
{
	static const struct fake_step node[] = { HELLO_MASTER,
						 { .say = PLAY_RIGHT },
						 { .say = MASTER },
						 { .say = PLAY_RIGHT },
						 { .say = PLAY_RIGHT },
						 { .say = SLAVE },
						 { .say = "$5\r\nwrong\r\n" } };
	struct fake_peer *n = peer(0, node, TP_COUNT(node));
	struct fake_peer *s = sentinel_of(1, fake_peer_port(n));

	open_one(s);
	ck_assert_int_eq(get(RIG_BUDGET_MS), TP_OK);
	clock_pause_us(1050000);
	ck_assert_int_eq(get(RIG_BUDGET_MS), TP_OK);
	ck_assert_str_eq(buf_cstr(&rig.value), "right");
	ck_assert_str_eq(fake_peer_command(n, PLAY_HELLO_STEPS + 2), "ROLE");
	ck_assert_int_eq(get(RIG_BUDGET_MS), TP_OK);
	clock_pause_us(1050000);
	failed(get(RIG_BUDGET_MS), "redis", n, "is not the master");
	ck_assert(!store_redis_ops.connected(rig.self));
	redis_rig_close(&rig);
}
END_TEST

static const char *const lost[] = { "-READONLY no\r\n", "-LOADING no\r\n", "-MASTERDOWN no\r\n",
				    "-MOVED 1 h:1\r\n" };

START_TEST(finds_the_master_anew_after_a_word_that_means_it_is_lost)
{
	struct fake_step old[] = { HELLO_MASTER, { .say = lost[_i] } };
	static const struct fake_step node[] = { HELLO_MASTER, { .say = PLAY_RIGHT } };
	struct fake_peer *o = peer(0, old, TP_COUNT(old)), *n = peer(1, node, TP_COUNT(node));
	struct fake_step steps[2];
	char says[2][64];

	for (int i = 0; i < 2; i++) {
		snprintf(says[i], sizeof(says[i]), "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n%05d\r\n",
			 fake_peer_port(i == 0 ? o : n));
		steps[i] = (struct fake_step){ .say = says[i] };
	}
	open_one(peer(2, steps, 2));
	ck_assert_int_eq(get(RIG_BUDGET_MS), TP_UNAVAILABLE);
	ck_assert(!store_redis_ops.connected(rig.self));
	ck_assert_msg(get(RIG_BUDGET_MS) == TP_OK, "%s", rig.err.msg);
	ck_assert_str_eq(buf_cstr(&rig.value), "right");
	redis_rig_close(&rig);
}
END_TEST

/* ---- waiting for replicas ---- */

static const struct {
	enum store_verb verb;
	enum store_space space;
	bool no_wait, waits;
} changes[] = {
	{ STORE_PUT, STORE_LOGIN, false, true },       { STORE_DEL, STORE_LOGIN, false, true },
	{ STORE_DEL_OWNER, STORE_LOGIN, false, true }, { STORE_DEL, STORE_LOGIN, true, false },
	{ STORE_PUT, STORE_RESTRICT, false, false },   { STORE_GET, STORE_LOGIN, false, false },
};

static enum tp_rc change(size_t i)
{
	struct store_op op = { .verb = changes[i].verb,
			       .key = redis_rig_key(changes[i].space, PLAY_USER, PLAY_HANDLE),
			       .value = SPAN_LIT("{}"),
			       .ttl_s = 100,
			       .no_wait = changes[i].no_wait };

	return redis_rig_do(&rig, &op);
}

START_TEST(waits_within_the_time_for_what_somebody_is_told_of)
{
	struct redis_server *own = redis_server_start(NULL);
	struct store_spec spec = { .wait_replicas = 1 };
	struct redis_watch *w;
	const char *seen;
	char want[200];

	redis_rig_open_as(&rig, &spec, "redis://127.0.0.1:%d", redis_server_port(own));
	ck_assert_int_eq(get(RIG_BUDGET_MS), TP_NOT_FOUND);
	w = redis_watch_open(own);
	rig.budget_ms = 400;
	if (changes[_i].waits) {
		ck_assert_int_eq(change((size_t)_i), TP_UNAVAILABLE);
		snprintf(want, sizeof(want),
			 "redis at 127.0.0.1:%d: 0 replicas have the change, not 1 "
			 "(DB_WAIT_REPLICAS)",
			 redis_server_port(own));
		ck_assert_str_eq(rig.err.msg, want);
		ck_assert_int_ge(rig.spent_ms, 240);
		ck_assert_int_le(rig.spent_ms, 400 + PLAY_SLACK_MS);
	} else {
		ck_assert_int_ne(change((size_t)_i), TP_UNAVAILABLE);
	}
	/* The server answered: it is not taken for dead. */
	ck_assert(store_redis_ops.connected(rig.self));
	seen = redis_watch_close(w);
	ck_assert((strstr(seen, "\"WAIT\" \"1\"") != NULL) == changes[_i].waits);
	/* Two of the changes found nothing to delete. */
	ck_assert((strstr(seen, "\"SET\" \"" PLAY_USER "__\" \"written\" \"EX\" \"60\"") != NULL) ==
		  changes[_i].waits);
	redis_rig_close(&rig);
	redis_server_stop(own);
}
END_TEST

START_TEST(acknowledges_what_enough_replicas_have)
{
	static const struct {
		const char *mark, *reply;
		enum tp_rc rc;
	} rows[] = {
		{ "+OK\r\n", ":2\r\n", TP_OK },
		{ "+OK\r\n", ":3\r\n", TP_OK },
		{ "+OK\r\n", ":1\r\n", TP_UNAVAILABLE },
		{ "+OK\r\n", "+OK\r\n", TP_UNAVAILABLE },
		{ "+OK\r\n", "-ERR no\r\n", TP_UNAVAILABLE },
		{ "+OK\r\n", NULL, TP_UNAVAILABLE },
		{ "-OOM no\r\n", ":2\r\n", TP_UNAVAILABLE },
		{ "-NOPERM no\r\n", ":2\r\n", TP_UNAVAILABLE },
		{ "$-1\r\n", ":2\r\n", TP_UNAVAILABLE },
		/* Only a cluster's node may say this, and only of its own keys. */
		{ "-MOVED 1 h:1\r\n", ":2\r\n", TP_UNAVAILABLE },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		const struct fake_step node[] = { PLAY_HELLO,
						  { .say = ":1\r\n" },
						  { .say = "+OK\r\n" }, /* SELECT */
						  { .say = rows[i].mark },
						  { .say = rows[i].reply } };
		struct fake_peer *n = peer(0, node, TP_COUNT(node));
		struct store_spec spec = { .wait_replicas = 2 };

		redis_rig_open_as(&rig, &spec, "redis://127.0.0.1:%d", fake_peer_port(n));
		rig.budget_ms = rows[i].reply == NULL ? 300 : RIG_BUDGET_MS;
		ck_assert_int_eq(change(0), rows[i].rc);
		ck_assert_int_le(rig.spent_ms, rig.budget_ms + PLAY_SLACK_MS);
		ck_assert_str_eq(fake_peer_command(n, PLAY_HELLO_STEPS + 2),
				 "SET " PLAY_USER "__ written EX 60");
		ck_assert_str_eq(fake_peer_word(n, PLAY_HELLO_STEPS + 3, 0), "WAIT");
		ck_assert_str_eq(fake_peer_word(n, PLAY_HELLO_STEPS + 3, 1), "2");
		redis_rig_close(&rig);
		clean();
	}
}
END_TEST

/* ---- settings ---- */

START_TEST(tells_settings_that_cannot_be)
{
	static const struct {
		const char *url, *says;
	} rows[] = {
		{ "redis://a,b:26380,[::1]:3", NULL },
		{ "redis://a", NULL },
		{ "unix:///s", "REDIS_CONNECTION_TYPE is sentinel, and DB_URL names a socket" },
		{ "redis://a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q",
		  "DB_URL names more than 16 sentinels" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct store_spec spec = by_name();
		struct tp_err err = { 0 };
		void *self = NULL;

		spec.url = rows[i].url;
		spec.timeout_ms = 1000;
		ck_assert_int_eq(store_redis_ops.open(&spec, &self, &err),
				 rows[i].says != NULL ? TP_INVALID : TP_OK);
		ck_assert_str_eq(err.msg, rows[i].says != NULL ? rows[i].says : "");
		store_redis_ops.close(self);
	}
}
END_TEST

static Suite *redis_sentinel_suite(void)
{
	Suite *s = suite_create("redis_sentinel");
	TCase *tc = tcase_create("sentinels");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, NULL, clean);
	tcase_add_test(tc, asks_once_and_goes_to_the_master);
	tcase_add_test(tc, walks_over_the_sessions_of_the_master);
	tcase_add_loop_test(tc, believes_no_sentinel_that_talks_nonsense, 0, TP_COUNT(refusals));
	tcase_add_test(tc, shows_the_sentinels_a_password_of_their_own);
	tcase_add_test(tc, asks_them_in_turn_and_remembers_who_knew);
	tcase_add_test(tc, takes_no_replica_for_the_master);
	tcase_add_test(tc, asks_the_next_sentinel_when_one_is_out_of_date);
	tcase_add_test(tc, does_not_dial_twice_whom_both_name);
	tcase_add_test(tc, asks_the_role_again_after_a_second_of_use_in_the_same_batch);
	tcase_add_loop_test(tc, finds_the_master_anew_after_a_word_that_means_it_is_lost, 0,
			    TP_COUNT(lost));
	tcase_add_loop_test(tc, waits_within_the_time_for_what_somebody_is_told_of, 0,
			    TP_COUNT(changes));
	tcase_add_test(tc, acknowledges_what_enough_replicas_have);
	tcase_add_test(tc, tells_settings_that_cannot_be);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(redis_sentinel_suite());
}
