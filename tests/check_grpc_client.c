/* SPDX-License-Identifier: MIT */
/*
 * Claims of grpc/grpc_client.h, against a service that keeps to the protocol and against one that
 * does not: what is sent, what of the answer counts, that a connection is kept, that no call takes
 * longer than it may, and that a service which failed is left alone.
 */
#include "grpc/grpc_client.h"

#include "base/clock.h"
#include "base/limits.h"
#include "support/check_run.h"
#include "support/folder.h"
#include "support/grpc_stub.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

enum { TIMEOUT_MS = 300, SLACK_MS = 700, PAUSE_MS = 1000 };

static struct grpc_stub *stub;
static struct grpc_client *client;
static char target[64];
static struct tp_err err;

static void set_up(void)
{
	stub = NULL;
	client = NULL;
	err = (struct tp_err){ .msg = "" };
	folder_make();
}

static void tear_down(void)
{
	grpc_client_close(client);
	grpc_stub_stop(stub);
	folder_remove();
}

static void open_client(const char *to, const char *secret)
{
	const struct grpc_client_spec spec = { .target = to,
					       .secret = span_of(secret),
					       .timeout_ms = TIMEOUT_MS };

	snprintf(target, sizeof(target), "%s", to);
	ck_assert_msg(grpc_client_open(&spec, &client, &err) == TP_OK, "%s", err.msg);
}

static void open_with(const struct grpc_step *steps, size_t n)
{
	char to[64];

	stub = grpc_stub_start(steps, n, NULL);
	snprintf(to, sizeof(to), "127.0.0.1:%d", grpc_stub_port(stub));
	open_client(to, NULL);
}

static enum tp_rc refresh(void)
{
	return grpc_client_refresh(client, SPAN_LIT("user_099"), SPAN_LIT("handle"), &err);
}

/* A call that takes no longer than it may. */
static enum tp_rc refresh_in_time(void)
{
	int64_t begun_ms = clock_mono_ms();
	enum tp_rc rc = refresh();

	ck_assert_int_le(clock_mono_ms() - begun_ms, TIMEOUT_MS + SLACK_MS);
	return rc;
}

static bool asked(const char *line)
{
	return strstr(grpc_stub_headers(stub), line) != NULL;
}

/* ---- what is sent ---- */

START_TEST(sends_a_call_as_grpc_has_it)
{
	static const char body[] = "\0\0\0\0\x12\x0a\x08user_099\x12\x06handle";
	const char *got;
	size_t len;
	char authority[96];

	open_with(NULL, 0);
	ck_assert_msg(refresh() == TP_OK, "%s", err.msg);
	snprintf(authority, sizeof(authority), ":authority: %s\n", target);
	ck_assert(asked(authority));
	ck_assert(asked(":method: POST\n"));
	ck_assert(asked(":scheme: http\n"));
	ck_assert(asked(":path: /refresh.RefreshService/RefreshToken\n"));
	ck_assert(asked("te: trailers\n"));
	ck_assert(asked("content-type: application/grpc\n"));
	ck_assert(asked("grpc-timeout: "));
	ck_assert(!asked("x-tpauth-secret"));
	got = grpc_stub_body(stub, &len);
	ck_assert_uint_eq(len, sizeof(body) - 1);
	ck_assert_mem_eq(got, body, len);
}
END_TEST

START_TEST(sends_long_names_with_a_long_length)
{
	char user[LIMIT_USER_ID], handle[LIMIT_HANDLE];
	const unsigned char *got;
	size_t len;

	memset(user, 'u', sizeof(user));
	memset(handle, 'h', sizeof(handle));
	open_with(NULL, 0);
	ck_assert_int_eq(grpc_client_refresh(client, (struct span){ user, sizeof(user) },
					     (struct span){ handle, sizeof(handle) }, &err),
			 TP_OK);
	got = (const unsigned char *)grpc_stub_body(stub, &len);
	ck_assert_uint_eq(len, 5 + 3 + sizeof(user) + 3 + sizeof(handle));
	ck_assert_mem_eq(got + 5, "\x0a\xff\x01u", 4);
	ck_assert_mem_eq(got + 5 + 3 + sizeof(user), "\x12\x80\x01h", 4);
}
END_TEST

START_TEST(shows_the_secret_as_metadata)
{
	char to[64];

	stub = grpc_stub_start(NULL, 0, NULL);
	snprintf(to, sizeof(to), "localhost:%d", grpc_stub_port(stub));
	open_client(to, "a secret");
	ck_assert_int_eq(refresh(), TP_OK);
	ck_assert(asked("x-tpauth-secret: a secret\n"));
}
END_TEST

START_TEST(calls_over_a_unix_socket)
{
	char to[256];

	stub = grpc_stub_start(NULL, 0, folder_path("s"));
	snprintf(to, sizeof(to), "unix:%s", folder_path("s"));
	open_client(to, NULL);
	ck_assert_int_eq(refresh(), TP_OK);
	ck_assert(asked(":authority: localhost\n"));
}
END_TEST

/* ---- the connection ---- */

START_TEST(connects_to_nothing_before_the_first_call)
{
	open_with(NULL, 0);
	ck_assert_int_eq(grpc_stub_connections(stub), 0);
}
END_TEST

START_TEST(keeps_one_connection_for_many_calls)
{
	open_with(NULL, 0);
	for (int i = 0; i < 100; i++)
		ck_assert_msg(refresh() == TP_OK, "call %d: %s", i, err.msg);
	ck_assert_int_eq(grpc_stub_calls(stub), 100);
	ck_assert_int_eq(grpc_stub_connections(stub), 1);
}
END_TEST

/* After the first call the connection goes, in one way or another; the second call works. */
static const struct grpc_step partings[] = {
	{ .act = STUB_OK, .hang_up = true },
	{ .act = STUB_OK, .go_away = true },
	{ .act = STUB_OK, .go_away = true, .hang_up = true },
};

START_TEST(makes_a_new_connection_when_the_old_one_has_gone)
{
	open_with(&partings[_i], 1);
	ck_assert_msg(refresh() == TP_OK, "%s", err.msg);
	clock_pause_us(20000); /* so that it has gone, and does not go only now */
	ck_assert_msg(refresh() == TP_OK, "%s", err.msg);
	ck_assert_int_eq(grpc_stub_connections(stub), 2);
}
END_TEST

/* What befalls the second call on a connection that stood until then. */
static const struct grpc_step losses[] = {
	{ .act = STUB_SAY, .hang_up = true },
	{ .act = STUB_GOAWAY },
	{ .act = STUB_RESET, .n = 7 /* REFUSED_STREAM */ },
};

START_TEST(calls_once_more_when_a_kept_connection_is_lost)
{
	const struct grpc_step steps[] = { { .act = STUB_OK }, losses[_i] };

	open_with(steps, TP_COUNT(steps));
	ck_assert_int_eq(refresh(), TP_OK);
	ck_assert_msg(refresh_in_time() == TP_OK, "%s", err.msg);
	ck_assert_int_eq(grpc_stub_connections(stub), 2);
	ck_assert_int_eq(grpc_stub_calls(stub), 3);
}
END_TEST

START_TEST(calls_no_third_time)
{
	const struct grpc_step steps[] = { { .act = STUB_OK },
					   { .act = STUB_GOAWAY },
					   { .act = STUB_GOAWAY } };

	open_with(steps, TP_COUNT(steps));
	ck_assert_int_eq(refresh(), TP_OK);
	ck_assert_int_eq(refresh_in_time(), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the refresh service ended the connection");
	ck_assert_int_eq(grpc_stub_calls(stub), 3);
}
END_TEST

START_TEST(does_not_call_again_over_a_new_connection)
{
	open_with(&losses[_i], 1);
	ck_assert_int_eq(refresh_in_time(), TP_UNAVAILABLE);
	ck_assert_int_eq(grpc_stub_calls(stub), 1);
}
END_TEST

/* ---- answers ---- */

static const struct {
	struct grpc_step step;
	enum tp_rc rc;
	const char *message;
} answers[] = {
	/* clang-format off */
	{ { .act = STUB_STATUS, .n = 3 }, TP_INVALID, "the refresh service answers with status 3" },
	{ { .act = STUB_STATUS, .n = 14 }, TP_UNAVAILABLE, "the refresh service answers with status 14" },
	{ { .act = STUB_STATUS, .n = 16 }, TP_UNAVAILABLE, "the refresh service answers with status 16" },
	{ { .act = STUB_TRAILERS, .n = 0, .say = "\0\0\0\0\2\x18\1", .len = 7 }, TP_OK, "" },
	/* no message, two, half of one, one that is compressed, one that is too long */
	{ { .act = STUB_STATUS, .n = 0 }, TP_UNAVAILABLE, NULL },
	{ { .act = STUB_TRAILERS, .n = 0, .say = "\0\0\0\0\0\0\0\0\0\0", .len = 10 }, TP_UNAVAILABLE, NULL },
	{ { .act = STUB_TRAILERS, .n = 0, .say = "\0\0\0\0\3a", .len = 6 }, TP_UNAVAILABLE, NULL },
	{ { .act = STUB_TRAILERS, .n = 0, .say = "\1\0\0\0\0", .len = 5 }, TP_UNAVAILABLE, NULL },
	{ { .act = STUB_TRAILERS, .n = 0, .say = "\0\1\0\0\0", .len = 5 }, TP_UNAVAILABLE, NULL },
	/* an end without a status */
	{ { .act = STUB_TRAILERS, .n = -1, .say = "\0\0\0\0", .len = 5 }, TP_UNAVAILABLE, NULL },
	{ { .act = STUB_HTTP, .n = 502 }, TP_UNAVAILABLE, NULL },
	{ { .act = STUB_HTTP, .n = 204 }, TP_UNAVAILABLE, NULL },
	{ { .act = STUB_RESET, .n = 2 /* INTERNAL_ERROR */ }, TP_UNAVAILABLE, NULL },
	{ { .act = STUB_SAY, .say = "HTTP/1.1 400 Bad Request\r\n\r\n", .len = 28 }, TP_UNAVAILABLE, NULL },
	/* a DATA frame on a stream that nobody opened */
	{ { .act = STUB_SAY, .say = "\0\0\1\0\0\0\0\0\7x", .len = 10 }, TP_UNAVAILABLE, NULL },
	/* clang-format on */
};

START_TEST(judges_answers)
{
	const char *want = answers[_i].message != NULL
				   ? answers[_i].message
				   : "what the refresh service answers is no answer";

	open_with(&answers[_i].step, 1);
	ck_assert_int_eq(refresh_in_time(), answers[_i].rc);
	ck_assert_str_eq(err.msg, want);
}
END_TEST

/* ---- time ---- */

static const struct grpc_step slow[] = {
	{ .act = STUB_SILENCE },
	{ .act = STUB_HALF },
	{ .act = STUB_CHATTER },
	{ .act = STUB_OK, .wait_ms = TIMEOUT_MS + 100 },
	{ .act = STUB_SAY, .say = "\0\x40", .len = 2 },
};

START_TEST(takes_no_longer_than_it_may)
{
	open_with(&slow[_i], 1);
	ck_assert_int_eq(refresh_in_time(), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the refresh service does not answer in time");
}
END_TEST

START_TEST(takes_no_longer_with_a_service_that_is_stopped)
{
	open_with(NULL, 0);
	ck_assert_int_eq(refresh(), TP_OK);
	grpc_stub_pause(stub, true);
	ck_assert_int_eq(refresh_in_time(), TP_UNAVAILABLE);
	grpc_stub_pause(stub, false);
}
END_TEST

START_TEST(takes_no_longer_when_nobody_accepts)
{
	open_with(NULL, 0);
	grpc_stub_pause(stub, true); /* the kernel takes the connection */
	ck_assert_int_eq(refresh_in_time(), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the refresh service does not answer in time");
	grpc_stub_pause(stub, false);
}
END_TEST

/* A port that nobody listens on. */
static void closed_port(char *to, size_t room)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert(fd >= 0 && bind(fd, (struct sockaddr *)&in, len) == 0);
	ck_assert(getsockname(fd, (struct sockaddr *)&in, &len) == 0);
	close(fd);
	snprintf(to, room, "127.0.0.1:%d", ntohs(in.sin_port));
}

START_TEST(fails_at_once_when_nobody_listens)
{
	char to[64];

	closed_port(to, sizeof(to));
	open_client(to, NULL);
	ck_assert_int_eq(refresh(), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the refresh service takes no connection: Connection refused");
}
END_TEST

START_TEST(fails_at_once_without_a_socket_s_file)
{
	char to[256];

	snprintf(to, sizeof(to), "unix:%s", folder_path("none"));
	open_client(to, NULL);
	ck_assert_int_eq(refresh(), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg,
			 "the refresh service takes no connection: No such file or directory");
}
END_TEST

/* ---- leaving it alone ---- */

START_TEST(leaves_a_service_that_failed_alone_for_a_second)
{
	const struct grpc_step steps[] = { { .act = STUB_STATUS, .n = 14 } };

	open_with(steps, TP_COUNT(steps));
	ck_assert_int_eq(refresh(), TP_UNAVAILABLE);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(refresh(), TP_THROTTLED);
	ck_assert_int_eq(grpc_stub_calls(stub), 1);
	clock_pause_us((PAUSE_MS + 20) * 1000);
	ck_assert_int_eq(refresh(), TP_OK);
	ck_assert_int_eq(refresh(), TP_OK);
	ck_assert_int_eq(grpc_stub_connections(stub), 1); /* a status is no reason to leave */
}
END_TEST

START_TEST(takes_a_refusal_of_one_session_for_no_failure)
{
	const struct grpc_step steps[] = { { .act = STUB_STATUS, .n = 3 } };

	open_with(steps, TP_COUNT(steps));
	ck_assert_int_eq(refresh(), TP_INVALID);
	ck_assert_int_eq(refresh(), TP_OK);
}
END_TEST

/* ---- settings ---- */

static const struct {
	struct grpc_client_spec spec;
	enum tp_rc rc;
	const char *message;
} specs[] = {
	/* clang-format off */
	{ { .target = "host" }, TP_INVALID, "the address of a service is HOST:PORT" },
	{ { .target = ":1" }, TP_INVALID, "the address of a service is HOST:PORT" },
	{ { .target = "host:0" }, TP_INVALID, "the address of a service is HOST:PORT" },
	{ { .target = "host:1" }, TP_UNAVAILABLE, "host: names are not looked up here" },
	{ { .target = "unix:" }, TP_INVALID, "the path of a socket has 1 to 107 bytes" },
	{ { .target = "[::1]:1" }, TP_OK, "" },
	{ { .target = "localhost:65535" }, TP_OK, "" },
	{ { .target = "127.0.0.1:1", .secret = { "a\nb", 3 } }, TP_INVALID,
	  "GRPC_SECRET: takes printable ASCII characters" },
	{ { .target = "127.0.0.1:1", .ca_file = "/nonexistent/ca" }, TP_INVALID, NULL },
	/* clang-format on */
};

START_TEST(judges_settings)
{
	ck_assert_int_eq(grpc_client_open(&specs[_i].spec, &client, &err), specs[_i].rc);
	if (specs[_i].message != NULL)
		ck_assert_str_eq(err.msg, specs[_i].message);
	else
		ck_assert(strstr(err.msg, specs[_i].spec.ca_file) != NULL);
}
END_TEST

static TCase *sent_case(void)
{
	TCase *tc = tcase_create("sent");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, sends_a_call_as_grpc_has_it);
	tcase_add_test(tc, sends_long_names_with_a_long_length);
	tcase_add_test(tc, shows_the_secret_as_metadata);
	tcase_add_test(tc, calls_over_a_unix_socket);
	return tc;
}

static TCase *connection_case(void)
{
	TCase *tc = tcase_create("connection");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, connects_to_nothing_before_the_first_call);
	tcase_add_test(tc, keeps_one_connection_for_many_calls);
	tcase_add_loop_test(tc, makes_a_new_connection_when_the_old_one_has_gone, 0,
			    TP_COUNT(partings));
	tcase_add_loop_test(tc, calls_once_more_when_a_kept_connection_is_lost, 0,
			    TP_COUNT(losses));
	tcase_add_test(tc, calls_no_third_time);
	tcase_add_loop_test(tc, does_not_call_again_over_a_new_connection, 0, TP_COUNT(losses));
	return tc;
}

static TCase *answers_case(void)
{
	TCase *tc = tcase_create("answers");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, judges_answers, 0, TP_COUNT(answers));
	tcase_add_loop_test(tc, judges_settings, 0, TP_COUNT(specs));
	return tc;
}

static TCase *time_case(void)
{
	TCase *tc = tcase_create("time");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, takes_no_longer_than_it_may, 0, TP_COUNT(slow));
	tcase_add_test(tc, takes_no_longer_with_a_service_that_is_stopped);
	tcase_add_test(tc, takes_no_longer_when_nobody_accepts);
	tcase_add_test(tc, fails_at_once_when_nobody_listens);
	tcase_add_test(tc, fails_at_once_without_a_socket_s_file);
	tcase_add_test(tc, leaves_a_service_that_failed_alone_for_a_second);
	tcase_add_test(tc, takes_a_refusal_of_one_session_for_no_failure);
	return tc;
}

static Suite *grpc_client_suite(void)
{
	Suite *s = suite_create("grpc_client");

	suite_add_tcase(s, sent_case());
	suite_add_tcase(s, connection_case());
	suite_add_tcase(s, answers_case());
	suite_add_tcase(s, time_case());
	return s;
}

int main(void)
{
	return check_run(grpc_client_suite());
}
