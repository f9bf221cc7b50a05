/* SPDX-License-Identifier: MIT */
/* The envelope of a call: what each breach of gRPC's rules is answered. */
#include "grpc/grpc_call.h"

#include <stdio.h>

#include "support/alloc_fail.h"
#include "support/check_run.h"

#include "base/banned.h"

enum { NOW_MS = 1000 };

static int handled; /* calls of the handlers below */

/* Replies "<" message ">", fails for "fail", and has too much to say for "flood". */
static void echo(void *arg, struct grpc_call *c, struct span message)
{
	++*(int *)arg;
	if (span_is(message, "fail")) {
		buf_str(&c->out, "half a reply");
		grpc_fail(&c->status, GRPC_NOT_FOUND, "told to fail");
		return;
	}
	for (int i = 0; span_is(message, "flood") && i <= LIMIT_GRPC_REPLIES; i++)
		buf_char(&c->out, 'x');
	buf_char(&c->out, '<');
	buf_span(&c->out, message);
	buf_char(&c->out, '>');
}

/* Says what c->state is, when that is not what it said last. */
static void watch(void *arg, struct grpc_call *c, struct span message)
{
	(void)arg;
	(void)message;
	handled++;
	if (c->state >= 0)
		buf_int(&c->out, c->state);
	c->state = -1;
}

static const struct grpc_method methods[] = {
	{ "/a.B/Unary", GRPC_UNARY, false, echo, NULL },
	{ "/a.B/Chat", GRPC_CHAT, false, echo, NULL },
	{ "/a.B/Watch", GRPC_WATCH, false, watch, NULL },
	{ "/a.B/Open", GRPC_UNARY, true, echo, NULL },
};

static const struct grpc_rules rules = { methods, TP_COUNT(methods), &handled, { NULL, 0 } };
static const struct grpc_rules guarded = { methods, TP_COUNT(methods), &handled, { "secret", 6 } };

static const char good[] =
	":method:POST|:path:/a.B/Unary|content-type:application/grpc|te:trailers";

/* "name:value|name:value"; a name may begin with a colon. */
static void give_headers(struct grpc_call *c, const char *text)
{
	struct span all = span_of(text);

	while (all.p != NULL) {
		struct span value = span_cut(&all, '|'), name = value;

		value.p++;
		value.len--;
		(void)span_cut(&value, ':');
		name.len = (size_t)(value.p - name.p) - 1;
		ck_assert(grpc_call_header(c, name, value));
	}
	grpc_call_headers_end(c);
}

static void begin(struct grpc_call *c, const struct grpc_rules *r, const char *headers)
{
	handled = 0;
	grpc_call_init(c, r, SPAN_LIT("peer"), NOW_MS);
	give_headers(c, headers);
}

static void give(struct grpc_call *c, const char *bytes, size_t n)
{
	grpc_call_data(c, (struct span){ bytes, n });
}

#define GIVE(c, s) give((c), (s), sizeof(s) - 1)

static void ck_status(const struct grpc_call *c, int code, const char *text)
{
	ck_assert(c->ended);
	ck_assert_int_eq(c->status.code, code);
	ck_assert_str_eq(c->status.text, text);
}

static void ck_out(const struct grpc_call *c, struct span want)
{
	ck_assert_msg(span_eq(buf_view(&c->out), want), "%zu bytes", c->out.len);
}

#define HEAD	":method:POST|:path:/a.B/Unary|"
#define REFUSED "x-tpauth-secret is missing or wrong"

static const struct {
	const char *headers;
	int http, code;
	const char *text;
	bool guarded;
} envelopes[] = {
	{ good, 0, 0, "", false },
	{ HEAD "content-type:application/grpc+proto|te:trailers", 0, 0, "", false },
	{ HEAD "content-type:application/grpc; a=b|te:trailers|x:y", 0, 0, "", false },
	{ HEAD "te:trailers|grpc-timeout:5S|content-type:application/grpc", 0, 0, "", false },
	{ HEAD "te:trailers|grpc-encoding:identity|content-type:application/grpc", 0, 0, "",
	  false },
	{ HEAD "te:trailers|grpc-encoding:gzip|content-type:application/grpc", 0, 0, "", false },
	{ ":method:GET|:path:/a.B/Unary|content-type:application/grpc|te:trailers", 405,
	  GRPC_INTERNAL, "not a gRPC request", false },
	{ HEAD "te:trailers", 415, GRPC_INTERNAL, "not a gRPC request", false },
	{ HEAD "content-type:application/json|te:trailers", 415, GRPC_INTERNAL,
	  "not a gRPC request", false },
	{ HEAD "content-type:application/grpc-web|te:trailers", 415, GRPC_INTERNAL,
	  "not a gRPC request", false },
	{ HEAD "content-type:application/grpc+json|te:trailers", 0, GRPC_UNIMPLEMENTED,
	  "messages are protobuf here", false },
	{ HEAD "content-type:application/grpc", 0, GRPC_INTERNAL, "te: trailers is missing",
	  false },
	{ ":method:POST|:path:/a.B/unary|content-type:application/grpc|te:trailers", 0,
	  GRPC_UNIMPLEMENTED, "there is no such method", false },
	{ ":method:POST|:path:/a.B/Unary/|content-type:application/grpc|te:trailers", 0,
	  GRPC_UNIMPLEMENTED, "there is no such method", false },
	{ HEAD "content-type:application/grpc|te:trailers|grpc-timeout:5", 0, GRPC_INVALID_ARGUMENT,
	  "grpc-timeout cannot be read", false },
	{ HEAD "content-type:application/grpc|te:trailers|grpc-timeout:5S|grpc-timeout:5S", 0,
	  GRPC_INVALID_ARGUMENT, "grpc-timeout cannot be read", false },
	{ good, 0, GRPC_UNAUTHENTICATED, REFUSED, true },
	{ HEAD "content-type:application/grpc|te:trailers|x-tpauth-secret:", 0,
	  GRPC_UNAUTHENTICATED, REFUSED, true },
	{ HEAD "content-type:application/grpc|te:trailers|x-tpauth-secret:secre", 0,
	  GRPC_UNAUTHENTICATED, REFUSED, true },
	{ HEAD "content-type:application/grpc|te:trailers|x-tpauth-secret:secret|x-tpauth-secret:"
	       "secret",
	  0, GRPC_UNAUTHENTICATED, REFUSED, true },
	{ HEAD "content-type:application/grpc|te:trailers|x-tpauth-secret:x|x-tpauth-secret:"
	       "secret",
	  0, GRPC_UNAUTHENTICATED, REFUSED, true },
	{ HEAD "content-type:application/grpc|te:trailers|x-tpauth-secret:secret", 0, 0, "", true },
	{ ":method:POST|:path:/a.B/Open|content-type:application/grpc|te:trailers", 0, 0, "",
	  true },
};

START_TEST(judges_the_headers)
{
	struct grpc_call c;

	begin(&c, envelopes[_i].guarded ? &guarded : &rules, envelopes[_i].headers);
	ck_assert_int_eq(c.http, envelopes[_i].http);
	if (envelopes[_i].code == 0)
		ck_assert(!c.ended);
	else
		ck_status(&c, envelopes[_i].code, envelopes[_i].text);
	grpc_call_release(&c);
}
END_TEST

START_TEST(refuses_too_much_metadata_and_gives_up_on_a_flood)
{
	static const char value[1000];
	const struct span name = SPAN_LIT("x"), large = { value, sizeof(value) };
	struct grpc_call c;
	int n = 0;

	grpc_call_init(&c, &rules, SPAN_LIT("peer"), NOW_MS);
	while (n < 16 && grpc_call_header(&c, name, large))
		n++;
	grpc_call_headers_end(&c);
	ck_status(&c, GRPC_RESOURCE_EXHAUSTED, "the metadata is too large");
	while (grpc_call_header(&c, name, large))
		n++;
	ck_assert_int_eq(n, 8 * LIMIT_GRPC_METADATA / 1033);
	grpc_call_release(&c);
}
END_TEST

static const struct {
	const char *text;
	int64_t ms; /* -1: refused */
} timeouts[] = {
	{ "1H", 3600000 },
	{ "2M", 120000 },
	{ "3S", 3000 },
	{ "4m", 4 },
	{ "1u", 1 },
	{ "1000u", 1 },
	{ "1001u", 2 },
	{ "1n", 1 },
	{ "0n", 0 },
	{ "0S", 0 },
	{ "99999999H", 359999996400000 },
	{ "99999999n", 100 },
	{ "", -1 },
	{ "S", -1 },
	{ "5", -1 },
	{ "5s", -1 },
	{ "-5S", -1 },
	{ "+5S", -1 },
	{ "5 S", -1 },
	{ " 5S", -1 },
	{ "5S ", -1 },
	{ "100000000S", -1 },
	{ "5.5S", -1 },
	{ "0x5S", -1 },
};

START_TEST(reads_grpc_timeout)
{
	int64_t ms = -1;

	ck_assert(grpc_timeout_parse(span_of(timeouts[_i].text), &ms) == (timeouts[_i].ms >= 0));
	ck_assert_int_eq(ms, timeouts[_i].ms);
}
END_TEST

#define BYTES(s)                   \
	{                          \
		(s), sizeof(s) - 1 \
	}

static const struct {
	const char *encoding;
	struct span body;
	int code;
	const char *text;
	struct span out;
} bodies[] = {
	{ "identity", BYTES("\0\0\0\0\2hi"), 0, "", BYTES("\0\0\0\0\4<hi>") },
	{ "identity", BYTES("\0\0\0\0\0"), 0, "", BYTES("\0\0\0\0\2<>") },
	{ "identity", BYTES("\0\0\0\0\4fail"), GRPC_NOT_FOUND, "told to fail", BYTES("") },
	{ "identity", BYTES("\0\0\0\0\5flood"), GRPC_RESOURCE_EXHAUSTED, "no room for the reply",
	  BYTES("") },
	{ "identity", BYTES(""), GRPC_UNIMPLEMENTED, "there is no message", BYTES("") },
	{ "identity", BYTES("\0\0\0"), GRPC_INTERNAL, "the message breaks off", BYTES("") },
	{ "identity", BYTES("\0\0\0\0\2h"), GRPC_INTERNAL, "the message breaks off", BYTES("") },
	{ "identity", BYTES("\0\0\0\0\1a\0\0\0\0\1b"), GRPC_UNIMPLEMENTED,
	  "there is more than one message", BYTES("") },
	{ "identity", BYTES("\0\0\0\0\1ab"), GRPC_UNIMPLEMENTED, "there is more than one message",
	  BYTES("") },
	{ "identity", BYTES("\0\0\0\100\1"), GRPC_RESOURCE_EXHAUSTED, "the message is too large",
	  BYTES("") },
	{ "identity", BYTES("\1\0\0\0\1a"), GRPC_INTERNAL, "compressed, and grpc-encoding is none",
	  BYTES("") },
	{ "gzip", BYTES("\1\0\0\0\1a"), GRPC_UNIMPLEMENTED, "this compression is not supported",
	  BYTES("") },
	{ "gzip", BYTES("\0\0\0\0\1a"), 0, "", BYTES("\0\0\0\0\3<a>") },
	{ "identity", BYTES("\2\0\0\0\1a"), GRPC_INTERNAL,
	  "the message's first byte is none of gRPC's", BYTES("") },
};

static void one_call(size_t row, size_t piece)
{
	struct span rest = bodies[row].body;
	char headers[256];
	struct grpc_call c;

	snprintf(headers, sizeof(headers), "%s|grpc-encoding:%s", good, bodies[row].encoding);
	begin(&c, &rules, headers);
	while (rest.len > 0) {
		size_t n = rest.len < piece ? rest.len : piece;

		give(&c, rest.p, n);
		rest.p += n;
		rest.len -= n;
	}
	grpc_call_end(&c);
	if (c.ready)
		grpc_call_run(&c, NOW_MS);
	ck_status(&c, bodies[row].code, bodies[row].text);
	ck_out(&c, bodies[row].out);
	grpc_call_release(&c);
}

START_TEST(answers_a_unary_call)
{
	one_call((size_t)_i, 1000);
	one_call((size_t)_i, 1);
	one_call((size_t)_i, 3);
}
END_TEST

START_TEST(works_for_nobody_whose_deadline_has_passed)
{
	static const struct {
		int64_t now_ms;
		int handled, code;
	} rows[] = { { NOW_MS, 1, 0 },
		     { NOW_MS + 49, 1, 0 },
		     { NOW_MS + 50, 0, GRPC_DEADLINE_EXCEEDED },
		     { NOW_MS + 5000, 0, GRPC_DEADLINE_EXCEEDED } };

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		char headers[256];
		struct grpc_call c;

		snprintf(headers, sizeof(headers), "%s|grpc-timeout:50m", good);
		begin(&c, &rules, headers);
		GIVE(&c, "\0\0\0\0\0");
		grpc_call_end(&c);
		grpc_call_run(&c, rows[i].now_ms);
		ck_assert_int_eq(c.status.code, rows[i].code);
		ck_assert_int_eq(handled, rows[i].handled);
		grpc_call_release(&c);
	}
}
END_TEST

START_TEST(answers_each_message_of_a_chat)
{
	struct grpc_call c;

	begin(&c, &rules, ":method:POST|:path:/a.B/Chat|content-type:application/grpc|te:trailers");
	GIVE(&c, "\0\0\0\0\1a\0\0\0");
	ck_out(&c, SPAN_LIT("\0\0\0\0\3<a>"));
	GIVE(&c, "\0\1b\0\0\0\0\0");
	ck_out(&c, SPAN_LIT("\0\0\0\0\3<a>\0\0\0\0\3<b>\0\0\0\0\2<>"));
	ck_assert(!c.ended && !c.ready);
	grpc_call_end(&c);
	ck_status(&c, GRPC_OK, "");
	grpc_call_release(&c);
}
END_TEST

START_TEST(ends_a_chat_at_the_message_that_fails)
{
	struct grpc_call c;

	begin(&c, &rules, ":method:POST|:path:/a.B/Chat|content-type:application/grpc|te:trailers");
	GIVE(&c, "\0\0\0\0\1a\0\0\0\0\4fail\0\0\0\0\1b");
	ck_status(&c, GRPC_NOT_FOUND, "told to fail");
	ck_out(&c, SPAN_LIT("\0\0\0\0\3<a>"));
	ck_assert_int_eq(handled, 2);
	grpc_call_end(&c);
	ck_status(&c, GRPC_NOT_FOUND, "told to fail");
	grpc_call_release(&c);
}
END_TEST

START_TEST(keeps_no_more_replies_than_it_may)
{
	struct grpc_call c;

	begin(&c, &rules, ":method:POST|:path:/a.B/Chat|content-type:application/grpc|te:trailers");
	for (int i = 0; i < LIMIT_GRPC_REPLIES && !c.ended; i++)
		GIVE(&c, "\0\0\0\0\3abc");
	ck_status(&c, GRPC_RESOURCE_EXHAUSTED, "no room for the reply");
	ck_assert_uint_le(c.out.len, LIMIT_GRPC_REPLIES);
	ck_assert_uint_eq(c.out.len % 10, 0);
	grpc_call_release(&c);
}
END_TEST

START_TEST(tells_a_watcher_what_changed)
{
	struct grpc_call c;

	begin(&c, &rules,
	      ":method:POST|:path:/a.B/Watch|content-type:application/grpc|te:trailers");
	GIVE(&c, "\0\0\0\0\0");
	grpc_call_end(&c);
	ck_assert(c.ready);
	grpc_call_run(&c, NOW_MS);
	ck_out(&c, SPAN_LIT("\0\0\0\0\1"
			    "0"));
	grpc_call_look(&c);
	ck_out(&c, SPAN_LIT("\0\0\0\0\1"
			    "0"));
	c.state = 7;
	grpc_call_look(&c);
	ck_out(&c, SPAN_LIT("\0\0\0\0\1"
			    "0"
			    "\0\0\0\0\1"
			    "7"));
	ck_assert(!c.ended);
	grpc_call_refuse(&c, GRPC_UNAVAILABLE, "stopping");
	ck_status(&c, GRPC_UNAVAILABLE, "stopping");
	grpc_call_look(&c);
	ck_assert_int_eq(handled, 3);
	grpc_call_release(&c);
}
END_TEST

START_TEST(survives_any_allocation_that_fails)
{
	for (long n = 1;; n++) {
		struct grpc_call c;
		bool failed;

		begin(&c, &rules, good);
		alloc_fail_at(n);
		GIVE(&c, "\0\0\0\0\2hi");
		if (!c.ended) {
			grpc_call_end(&c);
			grpc_call_run(&c, NOW_MS);
		}
		failed = alloc_fail_off();
		ck_assert_int_eq(c.status.code, failed ? GRPC_UNAVAILABLE : GRPC_OK);
		grpc_call_release(&c);
		if (!failed)
			break;
	}
}
END_TEST

START_TEST(writes_a_message_in_printable_ascii)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(100);

	grpc_message_put(SPAN_LIT("a b~%\n\x7f\xc3\xa4"), &out);
	ck_assert_str_eq(buf_cstr(&out), "a b~%25%0A%7F%C3%A4");
}
END_TEST

START_TEST(tells_clients_what_they_may_know)
{
	struct tp_err err = { .msg = "redis at 10.0.0.1 said no" };
	struct grpc_status s = { 0 };

	grpc_fail_rc(&s, TP_OK, &err);
	ck_assert_int_eq(s.code, GRPC_OK);
	grpc_fail_rc(&s, TP_UNAVAILABLE, &err);
	ck_assert_int_eq(s.code, GRPC_UNAVAILABLE);
	ck_assert_str_eq(s.text, "The service is temporarily unavailable");
	grpc_fail_rc(&s, TP_INTERNAL, &err);
	grpc_fail(&s, GRPC_NOT_FOUND, "later");
	ck_assert_int_eq(s.code, GRPC_UNAVAILABLE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("grpc_call");
	TCase *t = tcase_create("call");

	tcase_add_loop_test(t, judges_the_headers, 0, (int)TP_COUNT(envelopes));
	tcase_add_test(t, refuses_too_much_metadata_and_gives_up_on_a_flood);
	tcase_add_loop_test(t, reads_grpc_timeout, 0, (int)TP_COUNT(timeouts));
	tcase_add_loop_test(t, answers_a_unary_call, 0, (int)TP_COUNT(bodies));
	tcase_add_test(t, works_for_nobody_whose_deadline_has_passed);
	tcase_add_test(t, answers_each_message_of_a_chat);
	tcase_add_test(t, ends_a_chat_at_the_message_that_fails);
	tcase_add_test(t, keeps_no_more_replies_than_it_may);
	tcase_add_test(t, tells_a_watcher_what_changed);
	tcase_add_test(t, survives_any_allocation_that_fails);
	tcase_add_test(t, writes_a_message_in_printable_ascii);
	tcase_add_test(t, tells_clients_what_they_may_know);
	suite_add_tcase(s, t);
	return check_run(s);
}
