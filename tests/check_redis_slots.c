/* SPDX-License-Identifier: MIT */
/* Slots, hash tags, redirections and the map of a Redis Cluster; no server is needed. */
#include "store/redis_slots.h"

#include "store/redis_keys.h"
#include "support/check_run.h"
#include "support/fake_peer.h"

#include <check.h>
#include <stdio.h>

#include "base/banned.h"

enum { SLOT_OF_FOO = 12182, BUDGET_MS = 5000 };

START_TEST(knows_the_slots_of_the_specification)
{
	static const struct {
		const char *key;
		int slot;
	} rows[] = {
		{ "123456789", 0x31c3 },
		{ "foo", SLOT_OF_FOO },
		{ "bar", 5061 },
		{ "", 0 },
		{ "{foo}", SLOT_OF_FOO },
		{ "a{foo}b", SLOT_OF_FOO },
		{ "a{foo}{bar}", SLOT_OF_FOO },
		{ "a}{foo}", SLOT_OF_FOO },
	};

	ck_assert_int_eq(redis_slots_crc(SPAN_LIT("123456789")), 0x31c3);
	for (size_t i = 0; i < TP_COUNT(rows); i++)
		ck_assert_int_eq(redis_slots_of(span_of(rows[i].key)), rows[i].slot);
	/* No tag: an empty one, or one that is not closed. */
	ck_assert_int_eq(redis_slots_of(SPAN_LIT("foo{}{bar}")),
			 redis_slots_crc(SPAN_LIT("foo{}{bar}")) % REDIS_SLOTS);
	ck_assert_int_eq(redis_slots_of(SPAN_LIT("foo{bar")),
			 redis_slots_crc(SPAN_LIT("foo{bar")) % REDIS_SLOTS);
	/* The tag begins at the first brace and ends at the next one that closes. */
	ck_assert_int_eq(redis_slots_of(SPAN_LIT("foo{{bar}}zap")),
			 redis_slots_of(SPAN_LIT("{bar")));
}
END_TEST

static int slot_of(int number, enum store_space space, const char *owner, const char *more)
{
	char room[REDIS_KEYS_ROOM], key[600];
	struct span head = redis_keys_head(number, space, span_of(owner), room);

	snprintf(key, sizeof(key), "%.*s%s", (int)head.len, head.p, more);
	return redis_slots_of(span_of(key));
}

START_TEST(keeps_all_keys_of_a_user_in_one_slot)
{
	static const char *const users[] = { "alice", "}",    "}x",  "{",    "{}",  "{}x",
					     "a}b",   "a{b}", "}{a", "u:{a", "a__b" };
	char room[REDIS_KEYS_ROOM];
	struct span head = redis_keys_head(9, STORE_LOGIN, SPAN_LIT("alice"), room);

	ck_assert(span_is(head, "9:{u:alice}"));
	for (size_t i = 0; i < TP_COUNT(users); i++) {
		int session = slot_of(9, STORE_LOGIN, users[i], "");

		ck_assert_int_eq(slot_of(8, STORE_RESTRICT, users[i], "__handle"), session);
		ck_assert_int_eq(slot_of(65535, STORE_RESTRICT, users[i], "__}{"), session);
	}
	head = redis_keys_head(8, STORE_THROTTLE, SPAN_LIT(""), room);
	ck_assert(span_is(head, "8:{tpauth-fail}/"));
	ck_assert_int_eq(slot_of(8, STORE_THROTTLE, "", "aa"),
			 slot_of(8, STORE_THROTTLE, "", "bb"));
}
END_TEST

START_TEST(reads_redirections_strictly)
{
	static const struct {
		const char *text;
		enum redis_turn_kind kind;
		const char *host;
		int slot, port;
	} rows[] = {
		{ "MOVED 3999 127.0.0.1:6381", REDIS_TURN_MOVED, "127.0.0.1", 3999, 6381 },
		{ "MOVED 0 ::1:6381", REDIS_TURN_MOVED, "::1", 0, 6381 },
		{ "MOVED 16383 :65535", REDIS_TURN_MOVED, "", 16383, 65535 },
		{ "ASK 1 node-2.example.org:1", REDIS_TURN_ASK, "node-2.example.org", 1, 1 },
		{ "TRYAGAIN Multiple keys request", REDIS_TURN_LATER, "", 0, 0 },
		{ "CLUSTERDOWN Hash slot not served", REDIS_TURN_DOWN, "", 0, 0 },
		{ "CLUSTERDOWN", REDIS_TURN_DOWN, "", 0, 0 },
		{ "", REDIS_TURN_NONE, "", 0, 0 },
		{ "ERR MOVED 1 a:1", REDIS_TURN_NONE, "", 0, 0 },
		{ "MOVEDX 1 a:1", REDIS_TURN_NONE, "", 0, 0 },
		{ "MOVED", REDIS_TURN_NONE, "", 0, 0 },
		{ "MOVED 1", REDIS_TURN_NONE, "", 0, 0 },
		{ "MOVED 16384 a:1", REDIS_TURN_NONE, "", 0, 0 },
		{ "MOVED -1 a:1", REDIS_TURN_NONE, "", 0, 0 },
		{ "MOVED x a:1", REDIS_TURN_NONE, "", 0, 0 },
		{ "MOVED 1 a", REDIS_TURN_NONE, "", 0, 0 },
		{ "MOVED 1 a:", REDIS_TURN_NONE, "", 0, 0 },
		{ "MOVED 1 a:0", REDIS_TURN_NONE, "", 0, 0 },
		{ "MOVED 1 a:65536", REDIS_TURN_NONE, "", 0, 0 },
		{ "MOVED 1 ?:6379", REDIS_TURN_NONE, "", 0, 0 },
		{ "MOVED 1  a:6379", REDIS_TURN_NONE, "", 0, 0 },
		{ "MOVED 1 a:6379 b", REDIS_TURN_NONE, "", 0, 0 },
		{ "ASK 1 a/b:6379", REDIS_TURN_NONE, "", 0, 0 },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct redis_turn turn = redis_slots_turn(span_of(rows[i].text));

		ck_assert_msg(turn.kind == rows[i].kind, "%s", rows[i].text);
		ck_assert_str_eq(turn.at.host, rows[i].host);
		ck_assert_int_eq(turn.at.port, rows[i].port);
		ck_assert_int_eq(turn.slot, rows[i].slot);
	}
}
END_TEST

/* ---- CLUSTER SLOTS ---- */

static bool read_map(const char *reply, struct redis_slots *ret)
{
	const struct fake_step step = { .say = reply };
	struct fake_peer *fake = fake_peer_start(&step, 1, NULL);
	struct dial_peer peer = {
		.kind = "redis", .host = "127.0.0.1", .name = "it", .port = fake_peer_port(fake)
	};
	struct redis_wire *w = NULL;
	int64_t deadline_ms = clock_mono_ms() + BUDGET_MS;
	struct tp_err err = { 0 };
	bool ok;

	ck_assert_int_eq(redis_wire_open(&peer, deadline_ms, &w, &err), TP_OK);
	redis_wire_command(w, "CLUSTER", 1);
	redis_wire_arg(w, SPAN_LIT("SLOTS"));
	ck_assert_msg(redis_wire_run(w, deadline_ms, &err) == TP_OK, "%s", err.msg);
	ok = redis_slots_read(w, redis_wire_reply(w, 0), ret);
	redis_wire_close(w);
	fake_peer_stop(fake);
	return ok;
}

#define NODE(host, port) "*3\r\n" host ":" port "\r\n$2\r\nid\r\n"
#define A		 NODE("$1\r\na\r\n", "7001")
#define B		 NODE("$1\r\nb\r\n", "7002")

static struct redis_slots map;

START_TEST(reads_the_map)
{
	/* Nodes with what newer servers add, replicas, and one that does not know its own host. */
	static const char reply[] =
		"*4\r\n"
		"*4\r\n:0\r\n:99\r\n"
		"*4\r\n$1\r\na\r\n:7001\r\n$2\r\nid\r\n*2\r\n$8\r\nhostname\r\n$1\r\nx\r\n" B
		"*3\r\n:100\r\n:100\r\n" B
		"*3\r\n:102\r\n:16382\r\n" NODE("$-1\r\n", "7003") "*3\r\n:16383\r\n:16383\r\n" A;

	ck_assert(read_map(reply, &map));
	ck_assert_uint_eq(map.n_nodes, 3);
	ck_assert_str_eq(map.nodes[map.of[0]].host, "a");
	ck_assert_int_eq(map.nodes[map.of[99]].port, 7001);
	ck_assert_str_eq(map.nodes[map.of[100]].host, "b");
	ck_assert_int_eq(map.of[101], REDIS_NO_NODE);
	ck_assert_str_eq(map.nodes[map.of[102]].host, "");
	ck_assert_int_eq(map.nodes[map.of[16382]].port, 7003);
	ck_assert_int_eq(map.of[16383], map.of[0]);
	ck_assert(read_map("*0\r\n", &map));
	ck_assert_uint_eq(map.n_nodes, 0);
	ck_assert_int_eq(map.of[0], REDIS_NO_NODE);
	ck_assert(read_map("*1\r\n*3\r\n:0\r\n:9\r\n" NODE("$1\r\n?\r\n", "7001"), &map));
	ck_assert_int_eq(map.of[0], REDIS_NO_NODE);
}
END_TEST

static const char *const garbage[] = {
	"+OK\r\n",
	"-ERR This instance has cluster support disabled\r\n",
	"*-1\r\n",
	"*1\r\n:0\r\n",
	"*1\r\n*2\r\n:0\r\n:9\r\n",
	"*1\r\n*3\r\n:0\r\n:9\r\n$1\r\na\r\n",
	"*1\r\n*3\r\n:-1\r\n:9\r\n" A,
	"*1\r\n*3\r\n:0\r\n:16384\r\n" A,
	"*1\r\n*3\r\n:9\r\n:8\r\n" A,
	"*1\r\n*3\r\n$1\r\n0\r\n:8\r\n" A,
	"*1\r\n*3\r\n:0\r\n:9\r\n" NODE("$1\r\na\r\n", "0"),
	"*1\r\n*3\r\n:0\r\n:9\r\n" NODE("$1\r\na\r\n", "65536"),
	"*1\r\n*3\r\n:0\r\n:9\r\n" NODE("$3\r\na b\r\n", "1"),
	"*1\r\n*3\r\n:0\r\n:9\r\n" NODE(":5\r\n", "1"),
	"*1\r\n*3\r\n:0\r\n:9\r\n*1\r\n$1\r\na\r\n",
	"*2\r\n*3\r\n:0\r\n:9\r\n" A "*3\r\n:9\r\n:10\r\n" B, /* a slot twice */
	"*2\r\n*3\r\n:0\r\n:9\r\n" A ":5\r\n",
};

START_TEST(takes_no_map_that_is_none)
{
	ck_assert(!read_map(garbage[_i], &map));
}
END_TEST

static Suite *redis_slots_suite(void)
{
	Suite *s = suite_create("redis_slots");
	TCase *tc = tcase_create("slots");

	tcase_add_test(tc, knows_the_slots_of_the_specification);
	tcase_add_test(tc, keeps_all_keys_of_a_user_in_one_slot);
	tcase_add_test(tc, reads_redirections_strictly);
	tcase_add_test(tc, reads_the_map);
	tcase_add_loop_test(tc, takes_no_map_that_is_none, 0, (int)TP_COUNT(garbage));
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(redis_slots_suite());
}
