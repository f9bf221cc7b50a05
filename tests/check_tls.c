/* SPDX-License-Identifier: MIT */
/* Both sides of the TLS transport over a socket pair: who is let in, and what goes through. */
#include "base/tls.h"

#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/certs.h"
#include "support/check_run.h"
#include "support/folder.h"

#include "base/banned.h"

static struct tls *server, *client;
static struct tls_ctx *server_ctx, *client_ctx;
static int fds[2] = { -1, -1 };

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	folder_make();
	certs_authority("ca");
	certs_authority("other");
	certs_issue("server", "ca", "DNS:good.example,IP:127.0.0.1", 2);
	certs_issue("client", "ca", "DNS:client", 2);
	certs_issue("stranger", "other", "DNS:client", 2);
}

static void open_pair(const struct tls_server_spec *s, const struct tls_client_spec *c,
		      const char *host)
{
	struct tp_err err = { 0 };

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	ck_assert_msg(tls_server_open(s, &server_ctx, &err) == TP_OK, "%s", err.msg);
	ck_assert_msg(tls_client_open(c, &client_ctx, &err) == TP_OK, "%s", err.msg);
	ck_assert_int_eq(tls_accept(server_ctx, fds[0], &server, &err), TP_OK);
	ck_assert_int_eq(tls_connect(client_ctx, fds[1], host, &client, &err), TP_OK);
}

static void close_pair(void)
{
	tls_close(server);
	tls_close(client);
	tls_ctx_close(server_ctx);
	tls_ctx_close(client_ctx);
	close(fds[0]);
	close(fds[1]);
}

/* True when both sides agree, and a byte goes each way. */
static bool agree(void)
{
	int a = TLS_WANT_READ, b = TLS_WANT_READ;
	char byte = 'x';

	for (int i = 0; i < 20; i++) {
		a = tls_handshake(server);
		b = tls_handshake(client);
		if (a == TLS_BROKEN || b == TLS_BROKEN)
			return false;
	}
	if (a != 1 || b != 1)
		return false;
	/* With TLS 1.3 a client learns by reading that its certificate was not wanted. */
	return tls_write(client, &byte, 1) == 1 && tls_read(server, &byte, 1) == 1 &&
	       tls_write(server, &byte, 1) == 1 && tls_read(client, &byte, 1) == 1;
}

static const struct {
	const char *name, *host, *ca, *client, *client_ca, *offer, *want;
	bool good;
} rows[] = {
	{ "by name", "good.example", "ca.pem", NULL, NULL, "h2", "h2", true },
	{ "by address", "127.0.0.1", "ca.pem", NULL, NULL, "h2", "h2", true },
	{ "no protocol", "good.example", "ca.pem", NULL, NULL, NULL, NULL, true },
	{ "a server without it", "good.example", "ca.pem", NULL, NULL, "h2", NULL, false },
	{ "another name", "bad.example", "ca.pem", NULL, NULL, "h2", "h2", false },
	{ "a name below it", "a.good.example", "ca.pem", NULL, NULL, "h2", "h2", false },
	{ "another address", "127.0.0.2", "ca.pem", NULL, NULL, "h2", "h2", false },
	{ "another authority", "good.example", "other.pem", NULL, NULL, "h2", "h2", false },
	{ "the system's authorities", "good.example", NULL, NULL, NULL, "h2", "h2", false },
	{ "another protocol", "good.example", "ca.pem", NULL, NULL, "http/1.1", "h2", false },
	{ "no protocol offered", "good.example", "ca.pem", NULL, NULL, NULL, "h2", false },
	{ "a client certificate", "good.example", "ca.pem", "client", "ca.pem", "h2", "h2", true },
	{ "one that nobody asked for", "good.example", "ca.pem", "client", NULL, "h2", "h2", true },
	{ "none", "good.example", "ca.pem", NULL, "ca.pem", "h2", "h2", false },
	{ "a stranger's", "good.example", "ca.pem", "stranger", "ca.pem", "h2", "h2", false },
};

START_TEST(lets_in_who_can_prove_it)
{
	char cert[64] = "", key[64] = "";
	struct tls_server_spec s = { certs_file("server.pem"), certs_file("server.key"), NULL,
				     NULL };
	struct tls_client_spec c = { .alpn = rows[_i].offer };

	s.alpn = rows[_i].want;
	if (rows[_i].client_ca != NULL)
		s.client_ca_file = certs_file(rows[_i].client_ca);
	if (rows[_i].ca != NULL)
		c.ca_file = certs_file(rows[_i].ca);
	if (rows[_i].client != NULL) {
		snprintf(cert, sizeof(cert), "%s.pem", rows[_i].client);
		snprintf(key, sizeof(key), "%s.key", rows[_i].client);
		c.cert_file = certs_file(cert);
		c.key_file = certs_file(key);
	}
	open_pair(&s, &c, rows[_i].host);
	ck_assert_msg(agree() == rows[_i].good, "%s: %s, %s", rows[_i].name, tls_reason(server),
		      tls_reason(client));
	close_pair();
}
END_TEST

START_TEST(says_what_is_wrong_with_a_certificate)
{
	static const struct {
		const char *cert, *host, *ca, *says;
	} bad[] = {
		{ "server", "bad.example", "ca.pem", "the certificate: hostname mismatch" },
		{ "server", "127.0.0.2", "ca.pem", "the certificate: IP address mismatch" },
		{ "server", "good.example", "other.pem",
		  "the certificate: unable to get local issuer certificate" },
		{ "old", "good.example", "ca.pem", "the certificate: certificate has expired" },
	};

	certs_issue("old", "ca", "DNS:good.example", -1);
	for (size_t i = 0; i < TP_COUNT(bad); i++) {
		char pem[16], key[16];
		struct tls_client_spec c = { .ca_file = certs_file(bad[i].ca) };

		snprintf(pem, sizeof(pem), "%s.pem", bad[i].cert);
		snprintf(key, sizeof(key), "%s.key", bad[i].cert);
		open_pair(&(struct tls_server_spec){ .cert_file = certs_file(pem),
						     .key_file = certs_file(key) },
			  &c, bad[i].host);
		ck_assert(!agree());
		ck_assert_str_eq(tls_reason(client), bad[i].says);
		close_pair();
	}
}
END_TEST

static void good_pair(void)
{
	struct tls_server_spec s = { certs_file("server.pem"), certs_file("server.key"), NULL,
				     "h2" };
	struct tls_client_spec c = { .ca_file = certs_file("ca.pem"), .alpn = "h2" };

	open_pair(&s, &c, "good.example");
	ck_assert(agree());
}

START_TEST(tells_a_goodbye_from_a_stream_that_is_cut_off)
{
	char byte;

	good_pair();
	tls_close(client);
	client = NULL;
	ck_assert_int_eq((int)tls_read(server, &byte, 1), TLS_END);
	close_pair();
	good_pair();
	close(fds[1]);
	fds[1] = -1;
	ck_assert_int_eq((int)tls_read(server, &byte, 1), TLS_BROKEN);
	ck_assert_str_ne(tls_reason(server), "none");
	ck_assert_int_eq((int)tls_read(server, &byte, 1), TLS_BROKEN);
	close_pair();
}
END_TEST

START_TEST(waits_for_neither_side)
{
	static char much[1 << 16];
	size_t put = 0, got = 0;
	ptrdiff_t n;

	good_pair();
	ck_assert_int_eq((int)tls_read(server, much, 1), TLS_WANT_READ);
	while ((n = tls_write(server, much, sizeof(much))) > 0)
		put += (size_t)n;
	ck_assert_int_eq((int)n, TLS_WANT_WRITE);
	while ((n = tls_read(client, much, sizeof(much))) > 0)
		got += (size_t)n;
	ck_assert_int_eq((int)n, TLS_WANT_READ);
	ck_assert_uint_le(put - got, 1 << 14); /* one record that was begun */
	close_pair();
}
END_TEST

START_TEST(names_the_file_that_is_wrong)
{
	const struct {
		struct tls_server_spec spec;
		const char *why;
	} bad[] = {
		{ { "/nonexistent", certs_file("server.key"), NULL, NULL }, "/nonexistent: " },
		{ { certs_file("server.pem"), "/nonexistent", NULL, NULL }, "/nonexistent: " },
		{ { certs_file("server.pem"), certs_file("client.key"), NULL, NULL },
		  "client.key: " },
		{ { certs_file("server.key"), certs_file("server.key"), NULL, NULL },
		  "server.key: " },
		{ { certs_file("server.pem"), certs_file("server.key"), "/nonexistent", NULL },
		  "/nonexistent: " },
	};

	for (size_t i = 0; i < TP_COUNT(bad); i++) {
		struct tls_ctx *c = NULL;
		struct tp_err err;

		ck_assert_int_eq(tls_server_open(&bad[i].spec, &c, &err), TP_INVALID);
		ck_assert_msg(strstr(err.msg, bad[i].why) != NULL, "%s", err.msg);
		ck_assert_ptr_null(c);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tls");
	TCase *t = tcase_create("tls");

	tcase_set_timeout(t, 30); /* a leak check after a handshake is slow on a busy machine */
	tcase_add_unchecked_fixture(t, setup, folder_remove);
	tcase_add_loop_test(t, lets_in_who_can_prove_it, 0, (int)TP_COUNT(rows));
	tcase_add_test(t, says_what_is_wrong_with_a_certificate);
	tcase_add_test(t, tells_a_goodbye_from_a_stream_that_is_cut_off);
	tcase_add_test(t, waits_for_neither_side);
	tcase_add_test(t, names_the_file_that_is_wrong);
	suite_add_tcase(s, t);
	return check_run(s);
}
