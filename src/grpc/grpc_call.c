/* SPDX-License-Identifier: MIT */
/*
 * Owns the rules of gRPC over HTTP/2 for one call: what the headers must be, how many messages may
 * come, and which status each breach has (as gRPC's document on status codes lists them).
 */
#include "grpc/grpc_call.h"

#include "base/secret.h"

#include "base/banned.h"

enum {
	SEEN_POST = 1,
	SEEN_PATH = 2,
	SEEN_TYPE = 4,	    /* application/grpc, in whatever encoding */
	SEEN_PROTO = 8,	    /* and that is protobuf */
	SEEN_TRAILERS = 16, /* te: trailers */
	SEEN_TIMEOUT = 32,
	SEEN_BAD_TIMEOUT = 64,
	SEEN_SECRET = 128,
	SEEN_GOOD_SECRET = 256
};

/* What RFC 9113 6.5.2 adds for each field. */
enum { FIELD_OVERHEAD = 32, FLOOD_FACTOR = 8 };

void grpc_call_init(struct grpc_call *c, const struct grpc_rules *rules, struct span peer,
		    int64_t now_ms)
{
	*c = (struct grpc_call){ .rules = rules,
				 .peer = peer,
				 .begun_ms = now_ms,
				 .out = BUF_INIT(LIMIT_GRPC_REPLIES) };
	grpc_frame_init(&c->frame, LIMIT_GRPC_MESSAGE);
}

void grpc_call_release(struct grpc_call *c)
{
	grpc_frame_release(&c->frame);
	buf_release(&c->out);
}

void grpc_call_refuse(struct grpc_call *c, enum grpc_code code, const char *why)
{
	if (c->ended)
		return;
	grpc_fail(&c->status, code, "%s", why);
	c->ended = true;
	c->ready = false;
}

/* Headers ---------------------------------------------------------------------------------------*/

bool grpc_timeout_parse(struct span text, int64_t *ret_ms)
{
	static const struct {
		char unit;
		int64_t ms, per; /* ms for `per` of the unit */
	} units[] = { { 'H', 3600000, 1 }, { 'M', 60000, 1 }, { 'S', 1000, 1 },
		      { 'm', 1, 1 },	   { 'u', 1, 1000 },  { 'n', 1, 1000000 } };
	int64_t n = 0;

	if (text.len < 2 || text.len > 9)
		return false;
	for (size_t i = 0; i + 1 < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		n = n * 10 + (text.p[i] - '0');
	}
	for (size_t i = 0; i < TP_COUNT(units); i++) {
		if (units[i].unit != text.p[text.len - 1])
			continue;
		*ret_ms = (n * units[i].ms + units[i].per - 1) / units[i].per;
		return true;
	}
	return false;
}

static void see_method(struct grpc_call *c, struct span value)
{
	if (span_is(value, "POST"))
		c->seen |= SEEN_POST;
}

static void see_path(struct grpc_call *c, struct span value)
{
	for (size_t i = 0; i < c->rules->n; i++) {
		if (span_is(value, c->rules->methods[i].path)) {
			c->method = &c->rules->methods[i];
			break;
		}
	}
}

/* "application/grpc", "application/grpc+proto", either with parameters. */
static void see_type(struct grpc_call *c, struct span value)
{
	static const char grpc[] = "application/grpc";
	struct span kind = span_trim(span_cut(&value, ';'));

	if (!span_starts(kind, grpc))
		return;
	kind.p += sizeof(grpc) - 1;
	kind.len -= sizeof(grpc) - 1;
	if (kind.len > 0 && kind.p[0] != '+')
		return;
	c->seen |= SEEN_TYPE;
	if (kind.len == 0 || span_is(kind, "+proto"))
		c->seen |= SEEN_PROTO;
}

static void see_te(struct grpc_call *c, struct span value)
{
	if (span_is(value, "trailers"))
		c->seen |= SEEN_TRAILERS;
}

static void see_timeout(struct grpc_call *c, struct span value)
{
	int64_t ms;

	if ((c->seen & SEEN_TIMEOUT) != 0 || !grpc_timeout_parse(value, &ms)) {
		c->seen |= SEEN_BAD_TIMEOUT;
		return;
	}
	c->seen |= SEEN_TIMEOUT;
	c->deadline_ms = c->begun_ms + ms;
}

static void see_encoding(struct grpc_call *c, struct span value)
{
	if (!span_is(value, "identity"))
		c->compresses = true;
}

/* One that is given twice proves nothing. */
static void see_secret(struct grpc_call *c, struct span value)
{
	bool first = (c->seen & SEEN_SECRET) == 0;

	c->seen |= SEEN_SECRET;
	c->seen &= ~(unsigned)SEEN_GOOD_SECRET;
	if (first && secret_eq(value, c->rules->secret))
		c->seen |= SEEN_GOOD_SECRET;
}

bool grpc_call_header(struct grpc_call *c, struct span name, struct span value)
{
	static const struct {
		struct span name;
		void (*see)(struct grpc_call *c, struct span value);
	} headers[] = {
		{ SPAN_INIT(":method"), see_method },
		{ SPAN_INIT(":path"), see_path },
		{ SPAN_INIT("content-type"), see_type },
		{ SPAN_INIT("te"), see_te },
		{ SPAN_INIT("grpc-timeout"), see_timeout },
		{ SPAN_INIT("grpc-encoding"), see_encoding },
		{ SPAN_INIT("x-tpauth-secret"), see_secret },
	};

	c->header_bytes += name.len + value.len + FIELD_OVERHEAD;
	if (c->header_bytes > LIMIT_GRPC_METADATA)
		return c->header_bytes <= (size_t)FLOOD_FACTOR * LIMIT_GRPC_METADATA;
	for (size_t i = 0; i < TP_COUNT(headers); i++) {
		if (span_eq(name, headers[i].name)) {
			headers[i].see(c, value);
			break;
		}
	}
	return true;
}

static bool is_admitted(const struct grpc_call *c)
{
	return c->rules->secret.p == NULL || c->method->open || (c->seen & SEEN_GOOD_SECRET) != 0;
}

static void refuse_http(struct grpc_call *c, int status)
{
	c->http = status;
	grpc_call_refuse(c, GRPC_INTERNAL, "not a gRPC request");
}

void grpc_call_headers_end(struct grpc_call *c)
{
	if (c->header_bytes > LIMIT_GRPC_METADATA)
		grpc_call_refuse(c, GRPC_RESOURCE_EXHAUSTED, "the metadata is too large");
	else if ((c->seen & SEEN_POST) == 0)
		refuse_http(c, 405);
	else if ((c->seen & SEEN_TYPE) == 0)
		refuse_http(c, 415);
	else if ((c->seen & SEEN_PROTO) == 0)
		grpc_call_refuse(c, GRPC_UNIMPLEMENTED, "messages are protobuf here");
	else if ((c->seen & SEEN_TRAILERS) == 0)
		grpc_call_refuse(c, GRPC_INTERNAL, "te: trailers is missing");
	else if (c->method == NULL)
		grpc_call_refuse(c, GRPC_UNIMPLEMENTED, "there is no such method");
	else if (!is_admitted(c))
		grpc_call_refuse(c, GRPC_UNAUTHENTICATED, "x-tpauth-secret is missing or wrong");
	else if ((c->seen & SEEN_BAD_TIMEOUT) != 0)
		grpc_call_refuse(c, GRPC_INVALID_ARGUMENT, "grpc-timeout cannot be read");
}

/* Messages --------------------------------------------------------------------------------------*/

/* Room for the head before what the handler appends, and the head itself afterwards. */
static const unsigned char no_head[GRPC_FRAME_HEAD];

static void end_reply(struct grpc_call *c, size_t start)
{
	unsigned char head[GRPC_FRAME_HEAD];

	if (c->out.rc != TP_OK) {
		/* What stands there already is whole and can be sent; nothing more can. */
		grpc_fail(&c->status,
			  c->out.rc == TP_NOMEM ? GRPC_UNAVAILABLE : GRPC_RESOURCE_EXHAUSTED,
			  "no room for the reply");
		c->out.rc = TP_OK;
	}
	if (c->status.code != GRPC_OK ||
	    (c->method->kind == GRPC_WATCH && c->out.len == start + sizeof(head))) {
		if (c->out.len > start)
			buf_cut(&c->out, start);
	} else {
		grpc_frame_head(head, c->out.len - start - sizeof(head));
		memcpy(c->out.p + start, head, sizeof(head));
	}
	c->ended = c->ended || c->status.code != GRPC_OK;
}

static void call_handler(struct grpc_call *c)
{
	size_t start = c->out.len;

	buf_put(&c->out, no_head, sizeof(no_head));
	c->method->handle(c->rules->arg, c, buf_view(&c->frame.message));
	end_reply(c, start);
}

static bool refuse_frame(struct grpc_call *c, enum grpc_frame_got got)
{
	switch (got) {
	case GRPC_FRAME_MORE:
	case GRPC_FRAME_MESSAGE:
		return false;
	case GRPC_FRAME_COMPRESSED:
		if (c->compresses)
			grpc_call_refuse(c, GRPC_UNIMPLEMENTED,
					 "this compression is not supported");
		else
			grpc_call_refuse(c, GRPC_INTERNAL, "compressed, and grpc-encoding is none");
		return true;
	case GRPC_FRAME_TOO_LARGE:
		grpc_call_refuse(c, GRPC_RESOURCE_EXHAUSTED, "the message is too large");
		return true;
	case GRPC_FRAME_NOMEM:
		grpc_call_refuse(c, GRPC_UNAVAILABLE, "out of memory");
		return true;
	case GRPC_FRAME_BAD_FLAG:
	default:
		grpc_call_refuse(c, GRPC_INTERNAL, "the message's first byte is none of gRPC's");
		return true;
	}
}

void grpc_call_data(struct grpc_call *c, struct span bytes)
{
	while (bytes.len > 0 && !c->ended) {
		enum grpc_frame_got got;

		if (c->ready) {
			grpc_call_refuse(c, GRPC_UNIMPLEMENTED, "there is more than one message");
			return;
		}
		got = grpc_frame_take(&c->frame, &bytes);
		if (refuse_frame(c, got) || got == GRPC_FRAME_MORE)
			return;
		if (c->method->kind != GRPC_CHAT) {
			c->ready = true; /* once the client says that this is all */
			continue;
		}
		call_handler(c);
		grpc_frame_next(&c->frame);
	}
}

void grpc_call_end(struct grpc_call *c)
{
	bool whole = c->ready || grpc_frame_is_between(&c->frame);

	c->complete = true;
	if (!whole)
		grpc_call_refuse(c, GRPC_INTERNAL, "the message breaks off");
	else if (!c->ended && c->method->kind == GRPC_CHAT)
		c->ended = true;
	else if (!c->ready)
		grpc_call_refuse(c, GRPC_UNIMPLEMENTED, "there is no message");
}

bool grpc_call_is_late(const struct grpc_call *c, int64_t now_ms)
{
	return c->deadline_ms != 0 && now_ms >= c->deadline_ms;
}

/* False: there is nothing to run. */
static bool begin_run(struct grpc_call *c, int64_t now_ms)
{
	c->ready = false;
	if (!c->ended && grpc_call_is_late(c, now_ms))
		grpc_call_refuse(c, GRPC_DEADLINE_EXCEEDED, "the deadline has passed");
	return !c->ended;
}

static void end_run(struct grpc_call *c)
{
	c->ended = c->ended || c->method->kind == GRPC_UNARY;
	if (c->ended)
		grpc_frame_next(&c->frame);
}

static void run_alone(struct grpc_call *c, int64_t now_ms)
{
	struct grpc_batch alone = { { c }, 1 };

	grpc_batch_run(&alone, now_ms);
}

void grpc_call_run(struct grpc_call *c, int64_t now_ms)
{
	if (c->method != NULL && c->method->many != NULL) {
		run_alone(c, now_ms);
	} else if (begin_run(c, now_ms)) {
		call_handler(c);
		end_run(c);
	}
}

bool grpc_batch_add(struct grpc_batch *b, struct grpc_call *c)
{
	if (b->n == LIMIT_GRPC_BATCH || (b->n > 0 && (b->calls[0]->method != c->method ||
						      b->calls[0]->rules->arg != c->rules->arg)))
		return false;
	b->calls[b->n++] = c;
	return true;
}

void grpc_batch_run(struct grpc_batch *b, int64_t now_ms)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		struct grpc_call *c = b->calls[i];

		if (!begin_run(c, now_ms))
			continue;
		buf_put(&c->out, no_head, sizeof(no_head));
		b->calls[n++] = c;
	}
	if (n > 0)
		b->calls[0]->method->many(b->calls[0]->rules->arg, b->calls, n);
	for (size_t i = 0; i < n; i++) {
		end_reply(b->calls[i], 0);
		end_run(b->calls[i]);
	}
	b->n = 0;
}

void grpc_call_look(struct grpc_call *c)
{
	if (!c->ended)
		call_handler(c);
}
