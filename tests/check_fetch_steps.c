/* SPDX-License-Identifier: MIT */
/*
 * The HTTP client in steps, as the loadable object gives it: several exchanges at once, whom it
 * trusts, and what it makes of headers. The object is where the build leaves it, BUILD_DIR/.libs.
 */
#include "base/fetch_module.h"
#include "base/object.h"

#include "support/certs.h"
#include "support/check_run.h"
#include "support/folder.h"
#include "support/web.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

enum { BODY_MOST = 4096, LONG_MS = 20000 };

static struct object object;
static const struct fetch_module *m;
static struct fetch *f;
static struct fetch_reply replies[2] = { FETCH_REPLY_INIT(BODY_MOST), FETCH_REPLY_INIT(BODY_MOST) };

static const char *module_dir(void)
{
	static char path[256];
	const char *build = getenv("BUILD_DIR");

	snprintf(path, sizeof(path), "%s/.libs", build ? build : ".");
	return path;
}

static void setup(void)
{
	struct fetch_spec spec = { .timeout_ms = LONG_MS };
	struct tp_err err = { 0 };

	signal(SIGPIPE, SIG_IGN);
	ck_assert_msg(object_load(&object, module_dir(), FETCH_MODULE_FILE, FETCH_MODULE_SYMBOL,
				  FETCH_MODULE_ABI, &err) == TP_OK,
		      "%s", err.msg);
	m = object.table;
	ck_assert_int_eq(m->open(&spec, &f, &err), TP_OK);
}

static void teardown(void)
{
	web_stop();
	m->close(f);
	fetch_reply_release(&replies[0]);
	fetch_reply_release(&replies[1]);
	object_unload(&object);
}

static struct fetch_task *start(int i, const char *path)
{
	struct fetch_request ask = { .method = "GET", .url = web_url(path) };
	struct fetch_task *t = NULL;

	ck_assert_int_eq(m->start(f, &ask, &replies[i], &t, NULL), TP_OK);
	return t;
}

/* ---- several at once ---- */

/* The server answers nobody before both have asked: one after the other would never end. */
START_TEST(two_are_under_way_at_once)
{
	struct fetch_task *t[2];

	web_start(&(struct web_spec){ .answer = WEB_OK, .together = 2 });
	t[0] = start(0, "/a");
	t[1] = start(1, "/b");
	ck_assert(m->wait(f, t[0], -1));
	ck_assert(m->wait(f, t[1], -1));
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(m->end(f, t[i], NULL), TP_OK);
		ck_assert_int_eq(replies[i].status, 200);
		ck_assert_str_eq(buf_cstr(&replies[i].body), "ok");
	}
}
END_TEST

START_TEST(waits_no_longer_than_it_is_told)
{
	struct fetch_task *t;
	struct tp_err err = { 0 };

	web_start(&(struct web_spec){ .answer = NULL });
	t = start(0, "/");
	ck_assert(!m->wait(f, t, 0));
	ck_assert(!m->wait(f, t, 20));
	ck_assert_int_eq(m->end(f, t, &err), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "it was given up before its end");
	ck_assert_int_eq(replies[0].status, 0);
}
END_TEST

/* The sockets that a program started now would have; those that are connected only. */
static int inherited_connections(void)
{
	int n = 0;

	for (int fd = STDERR_FILENO + 1; fd < 256; fd++) {
		struct sockaddr_storage peer;
		socklen_t len = sizeof(peer);
		int flags = fcntl(fd, F_GETFD);

		if (flags >= 0 && (flags & FD_CLOEXEC) == 0 &&
		    getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
		    peer.ss_family == AF_INET)
			n++;
	}
	return n;
}

START_TEST(no_program_inherits_a_connection)
{
	struct fetch_task *t;
	int before;

	web_start(&(struct web_spec){ .answer = WEB_OK, .together = 2 });
	before = inherited_connections();
	t = start(0, "/");
	ck_assert(!m->wait(f, t, 50));
	ck_assert_int_eq(inherited_connections(), before);
	ck_assert_int_eq(m->end(f, t, NULL), TP_UNAVAILABLE);
}
END_TEST

/* Its own time goes on from the start, and is over for all steps together. */
START_TEST(an_exchange_ends_in_its_own_time)
{
	const struct fetch_spec spec = { .timeout_ms = 100 };
	struct fetch_request ask = { .method = "GET", .spec = &spec };
	struct fetch_task *t = NULL;
	struct tp_err err = { 0 };

	web_start(&(struct web_spec){ .answer = NULL });
	ask.url = web_url("/");
	ck_assert_int_eq(m->start(f, &ask, &replies[0], &t, NULL), TP_OK);
	ck_assert(m->wait(f, t, -1));
	ck_assert_int_eq(m->end(f, t, &err), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "Timeout was reached");
}
END_TEST

START_TEST(what_is_under_way_may_be_given_up)
{
	struct fetch_task *t[2];

	web_start(&(struct web_spec){ .answer = WEB_OK, .together = 2 });
	t[0] = start(0, "/a");
	ck_assert(!m->wait(f, t[0], 20));
	ck_assert_int_eq(m->end(f, t[0], NULL), TP_UNAVAILABLE);
	t[1] = start(1, "/b");
	ck_assert(m->wait(f, t[1], -1));
	ck_assert_int_eq(m->end(f, t[1], NULL), TP_OK);
}
END_TEST

/* ---- headers ---- */

START_TEST(sends_headers_as_they_are_said)
{
	static const char *const headers[] = { "Accept: text/plain",
					       "X-Empty:", "X-Blank: ", NULL };
	struct fetch_request ask = { .method = "PATCH", .headers = headers };

	web_start(&(struct web_spec){ .answer = WEB_OK });
	ask.url = web_url("/");
	ask.body = SPAN_LIT("");
	ck_assert_int_eq(m->ask(f, &ask, &replies[0], NULL), TP_OK);
	ck_assert_ptr_nonnull(
		strstr(web_note(), "\r\nAccept: text/plain\r\nX-Empty:\r\nX-Blank:\r\n"));
	ck_assert_ptr_null(strstr(web_note(), "*/*"));
	ck_assert_ptr_nonnull(strstr(web_note(), "\r\nContent-Length: 0\r\n"));
}
END_TEST

START_TEST(a_trailer_is_no_header)
{
	struct fetch_task *t;

	web_start(&(struct web_spec){ .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
						"X-A: head\r\n\r\n0\r\nX-A: trailer\r\n"
						"X-B: trailer\r\n\r\n" });
	t = start(0, "/");
	ck_assert(m->wait(f, t, -1));
	ck_assert_int_eq(m->end(f, t, NULL), TP_OK);
	ck_assert_str_eq(buf_cstr(&replies[0].head), "Transfer-Encoding: chunked\nX-A: head\n");
}
END_TEST

/* ---- whom it trusts ---- */

static const struct {
	const char *cert, *ca; /* ca NULL: the system's */
	bool insecure;
	enum tp_rc rc;
} trust[] = {
	{ "good", "ca.pem", false, TP_OK },
	{ "good", NULL, false, TP_DENIED },
	{ "good", "other.pem", false, TP_DENIED },
	{ "good", "none.pem", false, TP_DENIED },
	{ "elsewhere", "ca.pem", false, TP_DENIED },
	{ "over", "ca.pem", false, TP_DENIED },
	{ "good", NULL, true, TP_OK },
	{ "elsewhere", NULL, true, TP_OK },
	{ "over", "other.pem", true, TP_OK },
};

START_TEST(trusts_whom_it_is_told_to)
{
	struct fetch_spec spec = { .timeout_ms = LONG_MS, .insecure = trust[_i].insecure };
	struct fetch_request ask = { .method = "GET", .spec = &spec };
	struct tp_err err = { 0 };

	if (trust[_i].ca != NULL)
		spec.ca_file = certs_file(trust[_i].ca);
	web_start(&(struct web_spec){ .answer = WEB_OK, .cert = trust[_i].cert });
	ask.url = web_url("/");
	ck_assert_msg(m->ask(f, &ask, &replies[0], &err) == trust[_i].rc, "%s %s: %s",
		      trust[_i].cert, trust[_i].ca, err.msg);
	/* Nothing was asked of whom it does not trust. */
	ck_assert((web_note()[0] != '\0') == (trust[_i].rc == TP_OK));
}
END_TEST

static void make_certs(void)
{
	folder_make();
	certs_authority("ca");
	certs_authority("other");
	certs_issue("good", "ca", "IP:127.0.0.1", 2);
	certs_issue("elsewhere", "ca", "DNS:elsewhere.example", 2);
	certs_issue("over", "ca", "IP:127.0.0.1", -1);
}

static Suite *fetch_steps_suite(void)
{
	Suite *s = suite_create("fetch steps");
	TCase *t = tcase_create("steps"), *tls = tcase_create("trust");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, two_are_under_way_at_once);
	tcase_add_test(t, waits_no_longer_than_it_is_told);
	tcase_add_test(t, no_program_inherits_a_connection);
	tcase_add_test(t, an_exchange_ends_in_its_own_time);
	tcase_add_test(t, what_is_under_way_may_be_given_up);
	tcase_add_test(t, sends_headers_as_they_are_said);
	tcase_add_test(t, a_trailer_is_no_header);
	suite_add_tcase(s, t);
	tcase_set_timeout(tls, 60);
	tcase_add_unchecked_fixture(tls, make_certs, folder_remove);
	tcase_add_checked_fixture(tls, setup, teardown);
	tcase_add_loop_test(tls, trusts_whom_it_is_told_to, 0, (int)TP_COUNT(trust));
	suite_add_tcase(s, tls);
	return s;
}

int main(void)
{
	return check_run(fetch_steps_suite());
}
