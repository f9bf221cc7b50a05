/* SPDX-License-Identifier: MIT */
/* A connection against a client in memory: calls, time, and abuse of the protocol. */
#include "grpc/grpc_conn.h"

#include <stdio.h>

#include "support/check_run.h"
#include "support/h2_client.h"

#include "base/banned.h"

enum { NOW = 100000, WINDOW = 65535 };
enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE };
enum { NO_ERROR = 0, PROTOCOL_ERROR = 1, CANCEL = 8, CALM = 11 };

static int handled;

static void echo(void *arg, struct grpc_call *c, struct span message)
{
	(void)arg;
	handled++;
	if (span_is(message, "no"))
		grpc_fail(&c->status, GRPC_NOT_FOUND, "n\xc3\xb6");
	else
		buf_span(&c->out, message);
}

/* Replies the count of its calls, but only to every second one. */
static void watch(void *arg, struct grpc_call *c, struct span message)
{
	(void)arg;
	(void)message;
	if (c->state++ % 2 == 0)
		buf_int(&c->out, c->state);
}

static int turns; /* of the one below */

static void echo_many(void *arg, struct grpc_call *const *calls, size_t n)
{
	turns++;
	for (size_t i = 0; i < n; i++)
		echo(arg, calls[i], buf_view(&calls[i]->frame.message));
}

static const struct grpc_method methods[] = { { "/u", GRPC_UNARY, false, echo, NULL },
					      { "/c", GRPC_CHAT, false, echo, NULL },
					      { "/w", GRPC_WATCH, false, watch, NULL },
					      { "/m", GRPC_UNARY, false, NULL, echo_many } };
static const struct grpc_rules rules = { methods, TP_COUNT(methods), NULL, { NULL, 0 } };

static struct h2_client client;

static void setup(void)
{
	handled = turns = 0;
	h2_open(&client, &rules, NOW, WINDOW);
}

static void teardown(void)
{
	h2_close(&client);
}

#define HI SPAN_LIT("\0\0\0\0\2hi")
#define START            \
	":status: 200\n" \
	"content-type: application/grpc\n"

static struct h2_call *unary(void)
{
	return h2_call(&client, "/u", "", HI, false);
}

static void ck_got(const struct h2_call *call, const char *want)
{
	ck_assert_str_eq(buf_cstr(&call->got), want);
}

START_TEST(answers_a_call)
{
	static const size_t pieces[] = { 0, 1, 2, 7, 64 };

	for (size_t i = 0; i < TP_COUNT(pieces); i++) {
		struct h2_call *call = unary();

		client.piece = pieces[i];
		h2_pump(&client, NOW);
		ck_got(call, START "[00000000026869]\ngrpc-status: 0\nend\n");
		ck_assert(call->closed && call->reset == NO_ERROR);
		ck_assert(grpc_conn_is_idle(client.conn));
	}
	ck_assert(!grpc_conn_is_over(client.conn));
}
END_TEST

START_TEST(tells_who_compresses_what_is_taken)
{
	struct h2_call *call = h2_call(&client, "/u", "grpc-encoding: gzip\n", HI, false);

	h2_pump(&client, NOW);
	ck_got(call, START "grpc-accept-encoding: identity\n"
			   "[00000000026869]\ngrpc-status: 0\nend\n");
}
END_TEST

static const struct {
	const char *path, *headers;
	struct span body;
	const char *want;
} refusals[] = {
	{ "/u", "", { "\0\0\0\0\2no", 7 }, START "grpc-status: 5\ngrpc-message: n%C3%B6\nend\n" },
	{ "/x",
	  "",
	  { "", 0 },
	  START "grpc-status: 12\ngrpc-message: there is no such method\nend\n" },
	{ "/u",
	  ":method: GET\ncontent-type: application/grpc\n",
	  { "", 0 },
	  ":status: 405\ncontent-length: 0\nallow: POST\nend\n" },
	{ "/u",
	  ":method: POST\ncontent-type: text/html\n",
	  { "", 0 },
	  ":status: 415\ncontent-length: 0\nend\n" },
	{ "/u",
	  "grpc-timeout: 1n\n",
	  { "\0\0\0\0\0", 5 },
	  START "grpc-status: 4\ngrpc-message: the deadline has passed\nend\n" },
	{ "/u",
	  "grpc-encoding: gzip\n",
	  { "\1\0\0\0\2hi", 7 },
	  START "grpc-accept-encoding: identity\n"
		"grpc-status: 12\ngrpc-message: this compression is not supported\nend\n" },
	{ "/c",
	  "",
	  { "\0\0\0\0\1a\0\0\0\0\2no", 13 },
	  START "[000000000161]\ngrpc-status: 5\ngrpc-message: n%C3%B6\nend\n" },
};

START_TEST(refuses_with_a_status)
{
	struct h2_call *call =
		h2_call(&client, refusals[_i].path, refusals[_i].headers, refusals[_i].body, false);

	h2_pump(&client, NOW);
	ck_got(call, refusals[_i].want);
	ck_assert(call->closed && call->reset == NO_ERROR);
}
END_TEST

START_TEST(needs_no_more_of_a_request_that_it_refused)
{
	struct h2_call *call = h2_call(&client, "/x", "", SPAN_LIT("\0"), true);

	h2_pump(&client, NOW);
	ck_got(call, START "grpc-status: 12\ngrpc-message: there is no such method\nend\n");
	ck_assert(call->closed && call->reset == NO_ERROR);
	ck_assert(grpc_conn_is_idle(client.conn));
}
END_TEST

START_TEST(runs_no_call_that_was_cancelled_before_its_turn)
{
	struct h2_call *first = unary(), *second = unary(), *third = unary();

	h2_say(&client, NOW);
	h2_cancel(&client, second);
	h2_say(&client, NOW);
	h2_pump(&client, NOW);
	ck_assert_int_eq(handled, 2);
	ck_assert(first->reset == NO_ERROR && third->reset == NO_ERROR && second->closed);
	ck_got(second, "");
}
END_TEST

START_TEST(answers_hundreds_of_calls_on_one_connection)
{
	for (int i = 0; i < 300; i++)
		unary();
	h2_pump(&client, NOW);
	for (size_t i = 0; i < 300; i++)
		ck_got(&client.calls[i], START "[00000000026869]\ngrpc-status: 0\nend\n");
}
END_TEST

START_TEST(ends_a_connection_with_more_calls_than_agreed)
{
	for (int i = 0; i < LIMIT_GRPC_STREAMS; i++)
		h2_call(&client, "/u", "", SPAN_LIT("\0"), true);
	h2_pump(&client, NOW);
	/* The client's library would keep its word, so this one is raw. */
	h2_raw(&client, HEADERS, 4 | 1, 2 * LIMIT_GRPC_STREAMS + 1,
	       SPAN_LIT("\x83\x86\x84\x41\x01x"), NOW);
	h2_pump(&client, NOW);
	ck_assert_int_eq(handled, 0);
	ck_assert_uint_eq(client.goaway, PROTOCOL_ERROR);
	ck_assert(grpc_conn_is_over(client.conn));
}
END_TEST

START_TEST(chats_and_watches)
{
	struct h2_call *chat = h2_call(&client, "/c", "", HI, true);
	struct h2_call *watcher = h2_call(&client, "/w", "", HI, false);

	h2_pump(&client, NOW);
	ck_got(chat, START "[00000000026869]\n");
	ck_got(watcher, START "[000000000131]\n");
	for (int i = 1; i <= 4; i++) {
		grpc_conn_tick(client.conn, NOW + i * GRPC_LOOK_MS);
		h2_pump(&client, NOW + i * GRPC_LOOK_MS);
	}
	ck_got(watcher, START "[000000000131]\n[000000000133]\n[000000000135]\n");
}
END_TEST

/* Time ------------------------------------------------------------------------------------------*/

START_TEST(gives_a_request_ten_seconds)
{
	struct h2_call *call = h2_call(&client, "/u", "", SPAN_LIT("\0\0\0"), true);

	h2_pump(&client, NOW);
	grpc_conn_tick(client.conn, NOW + GRPC_REQUEST_MS - 1);
	h2_pump(&client, NOW);
	ck_got(call, "");
	grpc_conn_tick(client.conn, NOW + GRPC_REQUEST_MS);
	h2_pump(&client, NOW);
	ck_got(call, START "grpc-status: 4\ngrpc-message: the request took too long\nend\n");
	ck_assert(call->closed);
}
END_TEST

START_TEST(sends_away_who_does_not_finish_its_headers)
{
	h2_pump(&client, NOW);
	h2_raw(&client, HEADERS, 0, 1, SPAN_LIT("\x83"), NOW);
	grpc_conn_tick(client.conn, NOW + GRPC_REQUEST_MS);
	h2_pump(&client, NOW);
	ck_assert_uint_eq(client.goaway, CALM);
	ck_assert(grpc_conn_is_over(client.conn));
}
END_TEST

START_TEST(sends_away_who_never_greets)
{
	grpc_conn_tick(client.conn, NOW + GRPC_REQUEST_MS);
	client.deaf = true;
	h2_pump(&client, NOW);
	ck_assert(grpc_conn_is_over(client.conn));
}
END_TEST

START_TEST(resets_an_answer_that_is_not_taken)
{
	struct h2_call *call;

	teardown();
	h2_open(&client, &rules, NOW, 0);
	call = unary();
	h2_pump(&client, NOW);
	ck_got(call, START);
	grpc_conn_tick(client.conn, NOW + GRPC_ANSWER_MS - 1);
	h2_pump(&client, NOW);
	ck_assert(!call->closed);
	grpc_conn_tick(client.conn, NOW + GRPC_ANSWER_MS);
	h2_pump(&client, NOW);
	ck_assert(call->closed && call->reset == CANCEL);
}
END_TEST

START_TEST(lets_an_idle_connection_go)
{
	unary();
	h2_pump(&client, NOW);
	grpc_conn_tick(client.conn, NOW + GRPC_IDLE_MS - 1);
	h2_pump(&client, NOW);
	ck_assert_int_eq(client.goaways, 0);
	grpc_conn_tick(client.conn, NOW + GRPC_IDLE_MS);
	h2_pump(&client, NOW + GRPC_IDLE_MS);
	ck_assert_int_eq(client.goaways, 1);
	ck_assert_uint_eq(client.goaway, NO_ERROR);
	ck_assert(grpc_conn_is_over(client.conn));
}
END_TEST

START_TEST(asks_a_silent_client_whether_it_is_there)
{
	int64_t now = NOW + GRPC_SILENT_MS;

	h2_call(&client, "/w", "", HI, false);
	h2_pump(&client, NOW);
	grpc_conn_tick(client.conn, now);
	h2_pump(&client, now);
	ck_assert_int_eq(client.pings, 1);
	grpc_conn_tick(client.conn, now + GRPC_PONG_MS);
	h2_pump(&client, now + GRPC_PONG_MS);
	ck_assert_int_eq(client.goaways, 0);
	client.deaf = true;
	grpc_conn_tick(client.conn, now + 2 * GRPC_SILENT_MS);
	h2_pump(&client, now);
	grpc_conn_tick(client.conn, now + 2 * GRPC_SILENT_MS + GRPC_PONG_MS);
	h2_pump(&client, now);
	ck_assert(grpc_conn_is_over(client.conn));
}
END_TEST

START_TEST(leaves_in_two_steps_and_finishes_what_has_started)
{
	struct h2_call *watcher = h2_call(&client, "/w", "", HI, false);
	struct h2_call *started = h2_call(&client, "/u", "", SPAN_LIT("\0\0\0\0\2h"), true);

	h2_pump(&client, NOW);
	grpc_conn_notice(client.conn);
	h2_pump(&client, NOW);
	ck_assert_int_eq(client.goaways, 1);
	ck_assert_int_eq(client.last_id, INT32_MAX);
	grpc_conn_leave(client.conn);
	h2_pump(&client, NOW);
	ck_assert_int_eq(client.goaways, 2);
	ck_assert_int_eq(client.last_id, started->id);
	ck_got(watcher, START "[000000000131]\ngrpc-status: 14\ngrpc-message: the service is "
			      "stopping\nend\n");
	ck_assert(!grpc_conn_is_over(client.conn));
	h2_raw(&client, DATA, 1, started->id, SPAN_LIT("i"), NOW);
	h2_pump(&client, NOW);
	ck_got(started, START "[00000000026869]\ngrpc-status: 0\nend\n");
	ck_assert(grpc_conn_is_over(client.conn));
}
END_TEST

/* Abuse -----------------------------------------------------------------------------------------*/

static const struct {
	const char *name;
	int type, flags;
	struct span payload;
	int free; /* that many are let through */
} floods[] = {
	{ "pings", PING, 0, { "12345678", 8 }, 1900 },
	{ "answers to pings", PING, 1, { "12345678", 8 }, 1900 },
	{ "settings", SETTINGS, 0, { "", 0 }, 150 },
	{ "priorities", PRIORITY, 0, { "\0\0\0\0\0", 5 }, 1900 },
	{ "windows", WINDOW_UPDATE, 0, { "\0\0\0\1", 4 }, 1900 },
};

START_TEST(sends_away_who_floods)
{
	int32_t id = floods[_i].type == PRIORITY ? 3 : 0;

	h2_pump(&client, NOW);
	client.deaf =
		true; /* for it would end the connection itself, over answers it never asked for */
	for (int i = 0; i < 5000; i++) {
		h2_raw(&client, floods[_i].type, floods[_i].flags, id, floods[_i].payload, NOW);
		if (i == floods[_i].free)
			ck_assert(!grpc_conn_is_over(client.conn));
		if (i % 100 == 0)
			h2_pump(&client, NOW);
	}
	h2_pump(&client, NOW);
	ck_assert_msg(grpc_conn_is_over(client.conn), "%s", floods[_i].name);
}
END_TEST

START_TEST(bears_with_pings_that_come_slowly)
{
	h2_pump(&client, NOW);
	for (int i = 0; i < 10000; i++) {
		h2_raw(&client, PING, 0, 0, SPAN_LIT("12345678"), NOW + i * 25);
		h2_pump(&client, NOW + i * 25);
	}
	ck_assert_int_eq(client.goaways, 0);
}
END_TEST

/* HEADERS and RST_STREAM, again and again (CVE-2023-44487). */
START_TEST(sends_away_who_resets_rapidly)
{
	static const char headers[] = "\x83\x86\x44\x02/u\x41\x01x"
				      "\x5f\x10"
				      "application/grpc"
				      "\x40\x02te\x08trailers";
	int i = 0;

	h2_pump(&client, NOW);
	for (; i < 5000 && !grpc_conn_is_over(client.conn); i++) {
		h2_raw(&client, HEADERS, 4 | 1, 2 * i + 1,
		       (struct span){ headers, sizeof(headers) - 1 }, NOW);
		h2_raw(&client, RST_STREAM, 0, 2 * i + 1, SPAN_LIT("\0\0\0\10"), NOW);
		if (i % 50 == 0)
			h2_pump(&client, NOW);
	}
	h2_pump(&client, NOW);
	ck_assert_int_lt(i, 3000);
	ck_assert_int_eq(handled, 0);
	ck_assert(grpc_conn_is_over(client.conn));
}
END_TEST

START_TEST(ends_a_connection_of_no_http2)
{
	const struct span http1 = SPAN_LIT("GET / HTTP/1.1\r\nHost: x\r\n\r\n");

	ck_assert(!grpc_conn_in(client.conn, http1, NOW));
}
END_TEST

START_TEST(keeps_no_more_than_a_window_of_unfinished_messages)
{
	static char body[5 + 16000];

	body[3] = (char)(16384 >> 8);
	for (int i = 0; i < 10; i++)
		h2_call(&client, "/u", "", (struct span){ body, sizeof(body) }, true);
	h2_pump(&client, NOW);
	/* 65535 bytes are four of them; the rest waits at the client. */
	for (size_t sent = 0, i = 0; i < 10; i++) {
		sent += client.calls[i].sent;
		ck_assert_uint_le(sent, 65535);
	}
	grpc_conn_tick(client.conn, NOW + GRPC_REQUEST_MS);
	h2_pump(&client, NOW + GRPC_REQUEST_MS);
	for (size_t i = 0; i < 10; i++)
		ck_assert(client.calls[i].closed);
	/* And the window is open again. */
	unary();
	h2_pump(&client, NOW + GRPC_REQUEST_MS);
	ck_got(&client.calls[10], START "[00000000026869]\ngrpc-status: 0\nend\n");
}
END_TEST

/* Calls of several connections at once ----------------------------------------------------------*/

static struct h2_client second;

static struct h2_call *many(struct h2_client *c, const char *headers, struct span body)
{
	return h2_call(c, "/m", headers, body, false);
}

START_TEST(runs_the_calls_of_two_connections_together)
{
	struct h2_call *good, *late, *gone, *refused, *other;
	struct grpc_batch batch = { .n = 0 };

	h2_open(&second, &rules, NOW, WINDOW);
	good = many(&client, "", HI);
	late = many(&client, "grpc-timeout: 1n\n", HI);
	gone = many(&client, "", HI);
	refused = many(&client, "", SPAN_LIT("\0\0\0\0\2no"));
	other = many(&second, "", HI);
	h2_say(&client, NOW);
	h2_say(&second, NOW);
	h2_cancel(&client, gone);
	h2_say(&client, NOW);
	ck_assert(!grpc_conn_take(client.conn, 32, NOW, &batch));
	ck_assert(!grpc_conn_take(second.conn, 32, NOW, &batch));
	ck_assert_uint_eq(batch.n, 4);
	ck_assert_int_eq(handled, 0);
	grpc_batch_run(&batch, NOW + 1);
	ck_assert_uint_eq(batch.n, 0);
	ck_assert_int_eq(turns, 1);
	ck_assert_int_eq(handled, 3);
	grpc_conn_answer(client.conn);
	grpc_conn_answer(second.conn);
	h2_pump(&client, NOW + 1);
	h2_pump(&second, NOW + 1);
	ck_got(good, START "[00000000026869]\ngrpc-status: 0\nend\n");
	ck_got(late, START "grpc-status: 4\ngrpc-message: the deadline has passed\nend\n");
	ck_got(gone, "");
	ck_got(refused, START "grpc-status: 5\ngrpc-message: n%C3%B6\nend\n");
	ck_got(other, START "[00000000026869]\ngrpc-status: 0\nend\n");
	ck_assert(grpc_conn_is_idle(client.conn) && grpc_conn_is_idle(second.conn));
	ck_assert_int_eq(turns, 1);
	h2_close(&second);
}
END_TEST

START_TEST(leaves_what_finds_no_room_for_the_next_turn)
{
	struct grpc_batch batch = { .n = 0 };
	struct h2_call *last = NULL, *alone;

	for (int i = 0; i < LIMIT_GRPC_BATCH + 3; i++)
		last = many(&client, "", HI);
	alone = unary();
	h2_say(&client, NOW);
	ck_assert(grpc_conn_take(client.conn, 2 * LIMIT_GRPC_BATCH, NOW, &batch));
	ck_assert_uint_eq(batch.n, LIMIT_GRPC_BATCH);
	grpc_batch_run(&batch, NOW);
	grpc_conn_answer(client.conn);
	ck_assert_int_eq(handled, LIMIT_GRPC_BATCH);
	/* One that needs no batch is run at once, in its turn. */
	ck_assert(!grpc_conn_take(client.conn, 2 * LIMIT_GRPC_BATCH, NOW, &batch));
	ck_assert_uint_eq(batch.n, 3);
	ck_assert_int_eq(handled, LIMIT_GRPC_BATCH + 1);
	grpc_batch_run(&batch, NOW);
	grpc_conn_answer(client.conn);
	ck_assert_int_eq(turns, 2);
	h2_pump(&client, NOW);
	ck_got(last, START "[00000000026869]\ngrpc-status: 0\nend\n");
	ck_got(alone, START "[00000000026869]\ngrpc-status: 0\nend\n");
	ck_assert_int_eq(turns, 2);
}
END_TEST

/* The server takes the connection away as it stands. */
START_TEST(can_be_closed_with_calls_that_wait)
{
	for (int i = 0; i < LIMIT_GRPC_BATCH + 3; i++)
		(void)many(&client, "", HI);
	h2_say(&client, NOW);
	ck_assert_int_eq(turns, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("grpc_conn");
	TCase *t = tcase_create("conn");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, answers_a_call);
	tcase_add_test(t, tells_who_compresses_what_is_taken);
	tcase_add_loop_test(t, refuses_with_a_status, 0, (int)TP_COUNT(refusals));
	tcase_add_test(t, needs_no_more_of_a_request_that_it_refused);
	tcase_add_test(t, runs_no_call_that_was_cancelled_before_its_turn);
	tcase_add_test(t, runs_the_calls_of_two_connections_together);
	tcase_add_test(t, leaves_what_finds_no_room_for_the_next_turn);
	tcase_add_test(t, can_be_closed_with_calls_that_wait);
	tcase_add_test(t, answers_hundreds_of_calls_on_one_connection);
	tcase_add_test(t, ends_a_connection_with_more_calls_than_agreed);
	tcase_add_test(t, chats_and_watches);
	tcase_add_test(t, gives_a_request_ten_seconds);
	tcase_add_test(t, sends_away_who_does_not_finish_its_headers);
	tcase_add_test(t, sends_away_who_never_greets);
	tcase_add_test(t, resets_an_answer_that_is_not_taken);
	tcase_add_test(t, lets_an_idle_connection_go);
	tcase_add_test(t, asks_a_silent_client_whether_it_is_there);
	tcase_add_test(t, leaves_in_two_steps_and_finishes_what_has_started);
	tcase_add_loop_test(t, sends_away_who_floods, 0, (int)TP_COUNT(floods));
	tcase_add_test(t, bears_with_pings_that_come_slowly);
	tcase_add_test(t, sends_away_who_resets_rapidly);
	tcase_add_test(t, ends_a_connection_of_no_http2);
	tcase_add_test(t, keeps_no_more_than_a_window_of_unfinished_messages);
	suite_add_tcase(s, t);
	return check_run(s);
}
