/* SPDX-License-Identifier: MIT */
/* The HTTP client against a server that says what the case wrote down, and notes what it was
 * asked. */
#include "base/fetch.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check_run.h"

#include "base/banned.h"

enum { NOTE = 4096, BODY_MOST = 64 };

static char *note; /* what was asked last; shared with the server */
static pid_t server;
static char url[64];
static struct fetch *f;
static struct fetch_reply reply = FETCH_REPLY_INIT(BODY_MOST);

static bool whole(const char *asked)
{
	const char *end = strstr(asked, "\r\n\r\n");

	if (end == NULL)
		return false;
	if (strstr(asked, "chunked") != NULL)
		return strstr(end, "0\r\n\r\n") != NULL;
	return strstr(asked, "Content-Length: 5") == NULL || strlen(end + 4) >= 5;
}

static void serve_one(int listener, const char *answer)
{
	int fd = accept(listener, NULL, NULL);
	size_t len = 0;
	ssize_t n;

	note[0] = '\0';
	while (!whole(note) && (n = read(fd, note + len, NOTE - 1 - len)) > 0) {
		len += (size_t)n;
		note[len] = '\0';
	}
	if (answer == NULL)
		pause();
	if (write(fd, answer, strlen(answer)) < 0)
		_exit(EXIT_FAILURE);
	close(fd);
}

/* answer NULL: takes the request and is silent. */
static void answers(const char *answer)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, len), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/a/../b?c=%%41", ntohs(sin.sin_port));
	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			serve_one(fd, answer);
	}
	close(fd);
}

static enum tp_rc asks(const char *method, const char *const *headers, const char *body,
		       bool chunked, struct tp_err *err)
{
	struct fetch_request ask = { method, url, headers, span_of(body), chunked, NULL };

	return fetch_ask(f, &ask, &reply, err);
}

static void setup(void)
{
	struct fetch_spec spec = { .timeout_ms = 3000 };

	note = mmap(NULL, NOTE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(note, MAP_FAILED);
	ck_assert_int_eq(fetch_open(&spec, &f, NULL), TP_OK);
}

static void teardown(void)
{
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
		server = 0;
	}
	fetch_close(f);
	fetch_reply_release(&reply);
	munmap(note, NOTE);
}

static void note_is(const char *want)
{
	char *host = strstr(note, "Host: 127.0.0.1:"), *end = strchr(host, '\r');

	/* The port is the kernel's choice. */
	memmove(strchr(host, '1') + strlen("127.0.0.1"), end, strlen(end) + 1);
	ck_assert_str_eq(note, want);
}

START_TEST(asks_as_it_is_told_and_no_more)
{
	static const char *const headers[] = { "X-A: 1", "X_A: 2", "X-A: 3", NULL };

	answers("HTTP/1.1 204 No Content\r\nX: y\r\n\r\n");
	ck_assert_int_eq(asks("GET", headers, NULL, false, NULL), TP_OK);
	note_is("GET /a/../b?c=%41 HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nX-A: 1\r\n"
		"X_A: 2\r\nX-A: 3\r\n\r\n");
}
END_TEST

START_TEST(sends_a_body_with_its_length)
{
	answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	ck_assert_int_eq(asks("POST", NULL, "a=b&c", false, NULL), TP_OK);
	note_is("POST /a/../b?c=%41 HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n"
		"Content-Length: 5\r\n\r\na=b&c");
}
END_TEST

START_TEST(sends_a_body_in_chunks)
{
	answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	ck_assert_int_eq(asks("POST", NULL, "a=b&c", true, NULL), TP_OK);
	note_is("POST /a/../b?c=%41 HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n"
		"Transfer-Encoding: chunked\r\n"
		"\r\n5\r\na=b&c\r\n0\r\n\r\n");
}
END_TEST

START_TEST(sends_methods_without_a_body)
{
	static const char *const methods[] = { "HEAD", "OPTIONS", "DELETE", "FOO" };

	answers("HTTP/1.1 401 No\r\nContent-Length: 7\r\nConnection: close\r\n\r\nIgnored");
	for (size_t i = 0; i < TP_COUNT(methods); i++) {
		ck_assert_int_eq(asks(methods[i], NULL, NULL, false, NULL), TP_OK);
		ck_assert_int_eq(reply.status, 401);
		ck_assert(span_starts(span_of(note), methods[i]));
		ck_assert_str_eq(buf_cstr(&reply.body), i == 0 ? "" : "Ignored");
	}
}
END_TEST

START_TEST(gives_back_the_whole_answer)
{
	struct span name = { NULL, 0 }, value = { NULL, 0 }, rest;

	answers("HTTP/1.1 100 Continue\r\nX-A: interim\r\n\r\nHTTP/1.1 418 Teapot\r\nX-A:  1 \r\n"
		"x-a: 2\r\nEmpty:\r\nContent-Length: 5\r\n\r\nhello");
	ck_assert_int_eq(asks("GET", NULL, NULL, false, NULL), TP_OK);
	ck_assert_int_eq(reply.status, 418);
	ck_assert_str_eq(buf_cstr(&reply.body), "hello");
	ck_assert(span_is(fetch_header(&reply, "X-A", 0), "1"));
	ck_assert(span_is(fetch_header(&reply, "X-A", 1), "2"));
	ck_assert_ptr_null(fetch_header(&reply, "X-A", 2).p);
	ck_assert(span_is(fetch_header(&reply, "empty", 0), ""));
	ck_assert_ptr_null(fetch_header(&reply, "no header", 0).p);
	rest = buf_view(&reply.head);
	ck_assert(fetch_next_header(&rest, &name, &value));
	ck_assert(span_is(name, "X-A") && span_is(value, "1"));
}
END_TEST

START_TEST(does_not_follow_a_redirect)
{
	answers("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
	ck_assert_int_eq(asks("GET", NULL, NULL, false, NULL), TP_OK);
	ck_assert_int_eq(reply.status, 302);
}
END_TEST

START_TEST(stops_at_the_cap_and_keeps_what_came)
{
	struct tp_err err = { 0 };

	answers("HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 70\r\n\r\n"
		"0123456789012345678901234567890123456789012345678901234567890123456789");
	ck_assert_int_eq(asks("GET", NULL, NULL, false, &err), TP_TOO_LARGE);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_uint_eq(reply.body.len, BODY_MOST);
	ck_assert(span_is(fetch_header(&reply, "x", 0), "y"));
}
END_TEST

START_TEST(gives_up_in_time)
{
	struct fetch_spec spec = { .timeout_ms = 200 };
	struct tp_err err = { 0 };

	fetch_close(f);
	ck_assert_int_eq(fetch_open(&spec, &f, NULL), TP_OK);
	answers(NULL);
	ck_assert_int_eq(asks("GET", NULL, NULL, false, &err), TP_UNAVAILABLE);
	ck_assert_int_eq(reply.status, 0);
	ck_assert_str_eq(err.msg, "Timeout was reached");
}
END_TEST

START_TEST(knows_half_an_answer)
{
	answers("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
	ck_assert_int_eq(asks("GET", NULL, NULL, false, NULL), TP_UNAVAILABLE);
}
END_TEST

/* clang-format off */
static const struct {
	const char *url;
	enum tp_rc rc;
} urls[] = {
	{ "", TP_INVALID }, { "file:///etc/passwd", TP_INVALID }, { "ftp://127.0.0.1/", TP_INVALID },
	{ "http://127.0.0.1:1/", TP_UNAVAILABLE }, { "http://tpauth.invalid/", TP_UNAVAILABLE },
};
/* clang-format on */

START_TEST(says_why_there_is_no_answer)
{
	struct tp_err err = { 0 };

	snprintf(url, sizeof(url), "%s", urls[_i].url);
	ck_assert_int_eq(asks("GET", NULL, NULL, false, &err), urls[_i].rc);
	ck_assert_int_ne(err.msg[0], '\0');
}
END_TEST

START_TEST(speaks_no_tls_to_a_plain_server)
{
	answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	memmove(url + 5, url + 4, strlen(url + 4) + 1);
	url[4] = 's';
	ck_assert_int_eq(asks("GET", NULL, NULL, false, NULL), TP_UNAVAILABLE);
}
END_TEST

START_TEST(takes_no_proxy_from_the_environment)
{
	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
	answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	ck_assert_int_eq(asks("GET", NULL, NULL, false, NULL), TP_OK);
}
END_TEST

static Suite *fetch_suite(void)
{
	Suite *s = suite_create("fetch");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, asks_as_it_is_told_and_no_more);
	tcase_add_test(t, sends_a_body_with_its_length);
	tcase_add_test(t, sends_a_body_in_chunks);
	tcase_add_test(t, sends_methods_without_a_body);
	tcase_add_test(t, gives_back_the_whole_answer);
	tcase_add_test(t, does_not_follow_a_redirect);
	tcase_add_test(t, stops_at_the_cap_and_keeps_what_came);
	tcase_add_test(t, gives_up_in_time);
	tcase_add_test(t, knows_half_an_answer);
	tcase_add_loop_test(t, says_why_there_is_no_answer, 0, (int)TP_COUNT(urls));
	tcase_add_test(t, speaks_no_tls_to_a_plain_server);
	tcase_add_test(t, takes_no_proxy_from_the_environment);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(fetch_suite());
}
