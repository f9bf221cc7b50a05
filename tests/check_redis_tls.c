/* SPDX-License-Identifier: MIT */
/*
 * The Redis backend over TLS: the store's contract against a real server that wants a client
 * certificate, who is refused on either side and in which words, and the same troubles as without.
 */
#include "base/limits.h"
#include "support/certs.h"
#include "support/check_run.h"
#include "support/fake_peer.h"
#include "support/folder.h"
#include "support/redis_rig.h"
#include "support/redis_server.h"
#include "support/store_contract.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

#define USER   "user_099"
#define HANDLE "Vy3Zn4MVLLfifneYUA7Tm7"
#define VALUE  "{\"token\": \"a.b.c\", \"expire\": 1440}"

static struct redis_server *server;

/* The server keeps the words: they live as long as the program. */
static struct redis_server *start_with(const char *name)
{
	static char paths[8][3][128];
	static int next;
	char(*at)[128] = paths[next++ % 8];
	const char *words[] = { "--tls-cert-file",
				at[0],
				"--tls-key-file",
				at[1],
				"--tls-ca-cert-file",
				at[2],
				"--tls-auth-clients",
				"yes",
				NULL };
	char pem[32], key[32];

	snprintf(pem, sizeof(pem), "%s.pem", name);
	snprintf(key, sizeof(key), "%s.key", name);
	snprintf(at[0], sizeof(at[0]), "%s", certs_file(pem));
	snprintf(at[1], sizeof(at[1]), "%s", certs_file(key));
	snprintf(at[2], sizeof(at[2]), "%s", certs_file("ca.pem"));
	return redis_server_start_tls(words);
}

static void start(void)
{
	signal(SIGPIPE, SIG_IGN);
	folder_make();
	certs_authority("ca");
	certs_authority("other");
	certs_issue("server", "ca", "DNS:localhost,IP:127.0.0.1", 2);
	certs_issue("elsewhere", "ca", "DNS:redis.example", 2);
	certs_issue("old", "ca", "DNS:localhost", -1);
	certs_issue("client", "ca", "DNS:client", 2);
	certs_issue("stranger", "other", "DNS:client", 2);
	server = start_with("server");
}

static void stop(void)
{
	redis_server_stop(server);
	folder_remove();
}

static void fresh(void)
{
	redis_server_thaw(server);
	redis_server_ask(server, 0, "FLUSHALL");
}

static struct store_spec files(const char *ca, const char *client)
{
	struct store_spec spec = { 0 };
	char name[32];

	if (ca != NULL)
		spec.tls_ca = certs_file(ca);
	if (client != NULL) {
		snprintf(name, sizeof(name), "%s.pem", client);
		spec.tls_cert = certs_file(name);
		snprintf(name, sizeof(name), "%s.key", client);
		spec.tls_key = certs_file(name);
	}
	return spec;
}

static void open_good(struct redis_rig *r, const struct redis_server *s)
{
	struct store_spec spec = files("ca.pem", "client");

	redis_rig_open_as(r, &spec, "rediss://localhost:%d", redis_server_port(s));
}

/* ---- the contract ---- */

static enum tp_rc rig_open(void *arg, struct store **ret, struct tp_err *err)
{
	struct store_spec spec = files("ca.pem", "client");
	char url[64];

	(void)arg;
	snprintf(url, sizeof(url), "valkeys://127.0.0.1:%d", redis_server_port(server));
	spec.url = url;
	spec.login_db = RIG_LOGIN_DB;
	spec.restrict_db = RIG_RESTRICT_DB;
	spec.timeout_ms = RIG_BUDGET_MS;
	spec.clock = clock_system();
	return store_open_with(&store_redis_ops, &spec, ret, err);
}

static void rig_clear(void *arg)
{
	(void)arg;
	redis_server_ask(server, 0, "FLUSHALL");
}

static void rig_pass(void *arg, int64_t s)
{
	(void)arg;
	clock_pause_us(s * 1000000 + 50000);
}

static struct store_rig rigs[] = {
	{ "TLS", NULL, rig_clear, rig_open, rig_pass, true, false, true, 100, false },
};

static void start_contract(void)
{
	start();
	rigs[0].expires = redis_server_ask(server, 0, "COMMAND INFO HEXPIRE")[0] != '(';
}

/* ---- who is refused ---- */

static const struct {
	const char *cert, *host, *ca, *client, *says; /* says NULL: is let in */
} doors[] = {
	{ "server", "localhost", "ca.pem", "client", NULL },
	{ "server", "127.0.0.1", "ca.pem", "client", NULL },
	{ "server", "localhost", "other.pem", "client",
	  "the certificate: self-signed certificate in certificate chain" },
	{ "server", "localhost", NULL, "client",
	  "the certificate: self-signed certificate in certificate chain" },
	{ "elsewhere", "localhost", "ca.pem", "client", "the certificate: hostname mismatch" },
	{ "elsewhere", "127.0.0.1", "ca.pem", "client", "the certificate: IP address mismatch" },
	{ "old", "localhost", "ca.pem", "client", "the certificate: certificate has expired" },
	{ "server", "localhost", "ca.pem", NULL, "tlsv13 alert certificate required" },
	{ "server", "localhost", "ca.pem", "stranger", "tlsv1 alert unknown ca" },
};

/* With TLS 1.3 a server judges the client's certificate when the client is already sending; its
 * reset may overtake the alert that says why. */
static bool was_cut_off(const char *client, const char *msg)
{
	bool judged_late = client == NULL || strcmp(client, "client") != 0;

	return judged_late && (strstr(msg, "TLS: Connection reset by peer") != NULL ||
			       strstr(msg, "TLS: Broken pipe") != NULL);
}

START_TEST(lets_in_who_can_prove_it_and_says_who_cannot)
{
	bool good = doors[_i].says == NULL;
	struct redis_server *own = start_with(doors[_i].cert);
	struct store_spec spec = files(doors[_i].ca, doors[_i].client);
	struct redis_rig r;
	char want[200];

	redis_rig_open_as(&r, &spec, "rediss://%s:%d", doors[_i].host, redis_server_port(own));
	/* Twice: a refusal is none of a moment. */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(redis_rig_put(&r, USER, HANDLE, VALUE, 100, STORE_ANY),
				 good ? TP_OK : TP_UNAVAILABLE);
		snprintf(want, sizeof(want), "redis at %s:%d: TLS: %s", doors[_i].host,
			 redis_server_port(own), good ? "" : doors[_i].says);
		if (!was_cut_off(doors[_i].client, r.err.msg))
			ck_assert_str_eq(r.err.msg, good ? "" : want);
	}
	ck_assert_str_eq(redis_server_ask(own, RIG_LOGIN_DB, "DBSIZE"), good ? "1" : "0");
	redis_rig_close(&r);
	redis_server_stop(own);
}
END_TEST

START_TEST(does_not_mix_up_a_plain_server_and_one_with_tls)
{
	struct redis_server *plain = redis_server_start(NULL);
	struct store_spec spec = files("ca.pem", NULL);
	struct redis_rig r;

	redis_rig_open_as(&r, &spec, "rediss://localhost:%d", redis_server_port(plain));
	r.budget_ms = 300;
	ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_UNAVAILABLE);
	ck_assert_int_le(r.spent_ms, 550);
	redis_rig_close(&r);
	redis_rig_open(&r, "redis://localhost:%d", redis_server_port(server));
	ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_UNAVAILABLE);
	redis_rig_close(&r);
	redis_server_stop(plain);
}
END_TEST

START_TEST(names_a_file_that_it_cannot_use)
{
	const struct {
		struct store_spec spec;
		const char *says;
	} bad[] = {
		{ { .tls_ca = "/nonexistent" }, "/nonexistent: " },
		{ { .tls_cert = "/nonexistent", .tls_key = "/nonexistent" }, "/nonexistent: " },
		{ { .tls_cert = certs_file("client.pem"), .tls_key = certs_file("server.key") },
		  "server.key: " },
	};

	for (size_t i = 0; i < TP_COUNT(bad); i++) {
		struct store_spec spec = bad[i].spec;
		struct tp_err err = { 0 };
		void *self = NULL;

		spec.url = "rediss://localhost";
		spec.timeout_ms = 1000;
		ck_assert_int_eq(store_redis_ops.check(&spec, &err), TP_INVALID);
		ck_assert_msg(strstr(err.msg, bad[i].says) != NULL, "%s", err.msg);
		ck_assert_int_eq(store_redis_ops.open(&spec, &self, &err), TP_INVALID);
		ck_assert_ptr_null(self);
	}
}
END_TEST

/* ---- troubles ---- */

START_TEST(gives_up_in_time_on_a_handshake_that_does_not_end)
{
	static const struct fake_step slow[] = {
		{ .say = NULL, .unasked = true },
		{ .say = "\x16\x03\x03\x00\x40", .len = 5, .unasked = true },
		{ .say = "\x16\x03\x03\x00\x40\x02\x00\x00\x3c",
		  .len = 9,
		  .drip_ms = 60,
		  .unasked = true },
	};

	for (size_t i = 0; i < TP_COUNT(slow); i++) {
		struct fake_step steps[] = { slow[i], { .wait_ms = 10000, .unasked = true } };
		struct fake_peer *peer = fake_peer_start(steps, 2, NULL);
		struct store_spec spec = files("ca.pem", "client");
		struct redis_rig r;
		char want[100];

		redis_rig_open_as(&r, &spec, "rediss://127.0.0.1:%d", fake_peer_port(peer));
		r.budget_ms = 300;
		ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_UNAVAILABLE);
		snprintf(want, sizeof(want), "redis at 127.0.0.1:%d did not answer in time",
			 fake_peer_port(peer));
		ck_assert_str_eq(r.err.msg, want);
		ck_assert_int_ge(r.spent_ms, 290);
		ck_assert_int_le(r.spent_ms, 800);
		redis_rig_close(&r);
		fake_peer_stop(peer);
	}
}
END_TEST

START_TEST(gives_up_in_time_on_a_server_that_stands_still)
{
	struct redis_rig r;

	open_good(&r, server);
	ck_assert_int_eq(redis_rig_put(&r, USER, HANDLE, VALUE, 100, STORE_ANY), TP_OK);
	r.budget_ms = 300;
	redis_server_freeze(server);
	for (int i = 0; i < 2; i++) { /* on an old connection, and on a new one */
		ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_UNAVAILABLE);
		ck_assert_int_ge(r.spent_ms, 290);
		ck_assert_int_le(r.spent_ms, 800);
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
	struct redis_server *own = start_with("server");
	struct redis_rig r;

	open_good(&r, own);
	for (int i = 0; i < 3; i++) {
		/* The first write after it must not fail. */
		ck_assert_msg(redis_rig_put(&r, USER, HANDLE, VALUE, 100, STORE_ANY) == TP_OK, "%s",
			      r.err.msg);
		redis_server_kill(own);
		if (i == 1)
			ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_UNAVAILABLE);
		redis_server_again(own);
	}
	redis_rig_close(&r);
	redis_server_stop(own);
}
END_TEST

START_TEST(survives_a_client_that_the_server_throws_out)
{
	struct redis_rig r;

	open_good(&r, server);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(redis_rig_put(&r, USER, HANDLE, VALUE, 100, STORE_ANY), TP_OK);
		redis_server_ask(server, 0, "CLIENT KILL TYPE normal");
	}
	redis_rig_close(&r);
}
END_TEST

static enum tp_rc add_length(void *arg, struct span item, struct span value)
{
	*(size_t *)arg += item.len + value.len;
	return TP_OK;
}

/* More than OpenSSL takes or gives in one record, in both directions. */
START_TEST(carries_what_fills_many_records)
{
	enum { MANY = 60 };
	static char value[LIMIT_STORE_VALUE];
	size_t sum = 0;
	struct store_op list = { .verb = STORE_LIST,
				 .key = redis_rig_key(STORE_LOGIN, USER, ""),
				 .each = add_length,
				 .arg = &sum };
	struct redis_rig r;
	char handle[16];

	memset(value, 'v', sizeof(value) - 1);
	open_good(&r, server);
	for (int i = 0; i < MANY; i++) {
		snprintf(handle, sizeof(handle), "handle-%05d", i);
		ck_assert_int_eq(redis_rig_put(&r, USER, handle, value, 100, STORE_ANY), TP_OK);
	}
	ck_assert_int_eq(redis_rig_do(&r, &list), TP_OK);
	ck_assert_uint_eq(sum, MANY * (12 + sizeof(value) - 1));
	redis_rig_close(&r);
}
END_TEST

static TCase *tls_case(void)
{
	TCase *tc = tcase_create("TLS");

	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, start, stop);
	tcase_add_checked_fixture(tc, fresh, NULL);
	tcase_add_loop_test(tc, lets_in_who_can_prove_it_and_says_who_cannot, 0, TP_COUNT(doors));
	tcase_add_test(tc, does_not_mix_up_a_plain_server_and_one_with_tls);
	tcase_add_test(tc, names_a_file_that_it_cannot_use);
	tcase_add_test(tc, gives_up_in_time_on_a_handshake_that_does_not_end);
	tcase_add_test(tc, gives_up_in_time_on_a_server_that_stands_still);
	tcase_add_test(tc, finds_a_restarted_server_by_itself);
	tcase_add_test(tc, survives_a_client_that_the_server_throws_out);
	tcase_add_test(tc, carries_what_fills_many_records);
	return tc;
}

static Suite *redis_tls_suite(void)
{
	Suite *s = suite_create("redis_tls");
	TCase *tc = store_contract_case(rigs, TP_COUNT(rigs));

	tcase_add_unchecked_fixture(tc, start_contract, stop);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, tls_case());
	return s;
}

int main(void)
{
	return check_run(redis_tls_suite());
}
