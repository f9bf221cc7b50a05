/* SPDX-License-Identifier: MIT */
/*
 * Batches out, replies in. hiredis takes replies apart; the connection is ours (dial.c),
 * since hiredis's time-out is for each read, and a peer that sends a byte a second would hold a
 * request for ever. What hiredis finds is kept in two buffers of ours, which are capped and wiped:
 * a list of nodes in the order of the text, and the text of the strings among them.
 */
#include "store/redis_wire.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "base/banned.h"

enum {
	READ_BYTES = 65536, /* hiredis looks at an unfinished line from its start with each read */
	KEEP_BYTES = 65536, /* of a buffer's storage, from batch to batch */
	OUT_BYTES = 2 * LIMIT_STORE_OPS * LIMIT_STORE_VALUE
};

/* hiredis changed its mind about the type of an array's length. */
#if HIREDIS_MAJOR >= 1
typedef size_t redis_length;
#else
typedef int redis_length;
#endif

struct node {
	enum redis_wire_kind kind;
	int64_t n; /* the integer; elements; bytes of text */
	size_t at; /* where its text begins */
};

struct redis_wire {
	struct dial dial;
	redisReader *reader;
	redisReplyObjectFunctions makers; /* of the reader, which only borrows them */
	struct buf out, text;
	struct buf nodes; /* struct node after struct node */
	size_t n_commands, n_replies;
	size_t first[WIRE_COMMANDS]; /* the node that a reply begins with */
	size_t sent, received;
	char chunk[READ_BYTES];
};

static enum tp_rc fail(const struct redis_wire *w, const char *what, struct tp_err *err)
{
	return dial_fail(w->dial.peer, what, err);
}

/* ---- what hiredis finds ---- */

static struct node node_at(const struct redis_wire *w, size_t i)
{
	struct node node = { WIRE_NIL, 0, 0 };

	if (i < w->nodes.len / sizeof(node))
		memcpy(&node, w->nodes.p + i * sizeof(node), sizeof(node));
	return node;
}

/* Returns NULL for "no memory", which ends the parsing; else any pointer, which stands for the
 * object inside hiredis. */
static void *add_node(const redisReadTask *task, enum redis_wire_kind kind, int64_t n,
		      struct span text)
{
	struct redis_wire *w = task->privdata;
	struct node node = { kind, n, w->text.len };

	buf_span(&w->text, text);
	buf_put(&w->nodes, &node, sizeof(node));
	return w->text.rc == TP_OK && w->nodes.rc == TP_OK ? w : NULL;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is hiredis's */
static void *add_string(const redisReadTask *task, char *p, size_t n)
{
	enum redis_wire_kind kind = WIRE_STRING;

	if (task->type == REDIS_REPLY_ERROR)
		kind = WIRE_ERROR;
	else if (task->type == REDIS_REPLY_STATUS)
		kind = WIRE_STATUS;
	return add_node(task, kind, (int64_t)n, (struct span){ p, n });
}

static void *add_array(const redisReadTask *task, redis_length n)
{
	return add_node(task, WIRE_ARRAY, (int64_t)n, SPAN_LIT(""));
}

static void *add_integer(const redisReadTask *task, long long n)
{
	return add_node(task, WIRE_INT, n, SPAN_LIT(""));
}

static void *add_nil(const redisReadTask *task)
{
	return add_node(task, WIRE_NIL, 0, SPAN_LIT(""));
}

/* Do the nodes from `first` on make one tree? Types that RESP2 does not have would leave holes. */
static bool is_whole(const struct redis_wire *w, size_t first)
{
	size_t end = w->nodes.len / sizeof(struct node);
	int64_t wanted = 1;

	for (size_t i = first; i < end; i++) {
		struct node node = node_at(w, i);

		if (wanted == 0)
			return false;
		wanted += (node.kind == WIRE_ARRAY ? node.n : 0) - 1;
	}
	return wanted == 0;
}

/* Takes the replies that have come as a whole. */
static enum tp_rc parse(struct redis_wire *w, struct tp_err *err)
{
	while (w->n_replies < w->n_commands) {
		void *done = NULL;

		if (redisReaderGetReply(w->reader, &done) != REDIS_OK) {
			if (w->text.rc == TP_NOMEM || w->nodes.rc == TP_NOMEM)
				return tp_fail(err, TP_NOMEM, "out of memory");
			if (w->text.rc != TP_OK || w->nodes.rc != TP_OK)
				return fail(w, "sent a reply that is too large", err);
			return fail(w, "sent what is no reply", err);
		}
		if (done == NULL)
			return TP_OK;
		if (!is_whole(w, w->first[w->n_replies]))
			return fail(w, "sent what is no reply", err);
		w->n_replies++;
		if (w->n_replies < WIRE_COMMANDS)
			w->first[w->n_replies] = w->nodes.len / sizeof(struct node);
	}
	if (w->reader->pos < w->reader->len)
		return fail(w, "sent more than was asked for", err);
	return TP_OK;
}

/* ---- bytes in, bytes out ---- */

static enum tp_rc receive(struct redis_wire *w, int64_t deadline_ms, struct tp_err *err)
{
	size_t n = 0;
	enum tp_rc rc = dial_receive(&w->dial, w->chunk, sizeof(w->chunk), deadline_ms, &n, err);
	int e;

	if (rc != TP_OK)
		return rc;
	w->received += n;
	if (w->received > WIRE_BYTES)
		return fail(w, "sent a reply that is too large", err);
	e = redisReaderFeed(w->reader, w->chunk, n);
	explicit_bzero(w->chunk, n);
	return e == REDIS_OK ? parse(w, err) : tp_fail(err, TP_NOMEM, "out of memory");
}

enum tp_rc redis_wire_run(struct redis_wire *w, int64_t deadline_ms, struct tp_err *err)
{
	enum tp_rc rc = buf_rc(&w->out, "a batch of commands", err);

	if (rc == TP_OK)
		rc = dial_send(&w->dial, buf_view(&w->out), &w->sent, deadline_ms, err);
	while (rc == TP_OK && w->n_replies < w->n_commands)
		rc = receive(w, deadline_ms, err);
	return rc;
}

enum redis_wire_loss redis_wire_loss(const struct redis_wire *w)
{
	if (!w->dial.hung_up || w->received > 0)
		return WIRE_NOT_LOST;
	return w->sent == 0 ? WIRE_UNSENT : WIRE_UNANSWERED;
}

/* ---- building a batch, reading its replies ---- */

static char *put(char *to, struct span s)
{
	if (s.len > 0)
		memcpy(to, s.p, s.len);
	return to + s.len;
}

/* The type, the number, and the parts behind that line. A login has some fifty of these: hence one
 * look at the buffer for each. */
static void put_item(struct redis_wire *w, char type, size_t n, const struct span *parts,
		     size_t n_parts)
{
	char room[INT_TEXT], *to;
	struct span digits = span_of_int((int64_t)n, room);
	size_t len = 1 + digits.len + 2;

	for (size_t i = 0; i < n_parts; i++)
		len += parts[i].len;
	to = buf_room(&w->out, len);
	if (to == NULL)
		return;
	*to++ = type;
	to = put(put(to, digits), SPAN_LIT("\r\n"));
	for (size_t i = 0; i < n_parts; i++)
		to = put(to, parts[i]);
	buf_added(&w->out, len);
}

void redis_wire_command(struct redis_wire *w, const char *name, size_t n_args)
{
	assert(w->n_commands < WIRE_COMMANDS);
	w->n_commands++;
	put_item(w, '*', 1 + n_args, NULL, 0);
	redis_wire_arg(w, span_of(name));
}

void redis_wire_join(struct redis_wire *w, struct span a, struct span b, struct span c)
{
	const struct span parts[] = { a, b, c, SPAN_LIT("\r\n") };

	put_item(w, '$', a.len + b.len + c.len, parts, TP_COUNT(parts));
}

void redis_wire_arg(struct redis_wire *w, struct span s)
{
	redis_wire_join(w, s, SPAN_LIT(""), SPAN_LIT(""));
}

void redis_wire_int(struct redis_wire *w, int64_t n)
{
	char room[INT_TEXT];

	redis_wire_arg(w, span_of_int(n, room));
}

void redis_wire_auth(struct redis_wire *w, const char *user, struct span password)
{
	redis_wire_command(w, "AUTH", user != NULL ? 2 : 1);
	if (user != NULL)
		redis_wire_arg(w, span_of(user));
	redis_wire_arg(w, password);
}

size_t redis_wire_count(const struct redis_wire *w)
{
	return w->n_commands;
}

static struct redis_reply reply_at(const struct redis_wire *w, size_t at)
{
	struct node node = node_at(w, at);
	struct redis_reply reply = { node.kind, node.n, SPAN_LIT(""), at };

	if (node.kind == WIRE_STATUS || node.kind == WIRE_ERROR || node.kind == WIRE_STRING)
		reply.s = (struct span){ buf_view(&w->text).p + node.at, (size_t)node.n };
	return reply;
}

struct redis_reply redis_wire_reply(const struct redis_wire *w, size_t i)
{
	assert(i < w->n_replies);
	return reply_at(w, w->first[i]);
}

struct redis_reply redis_wire_element(const struct redis_wire *w, struct redis_reply array,
				      int64_t i)
{
	bool there = array.kind == WIRE_ARRAY && i >= 0 && i < array.n;

	/* Beyond all nodes: nil. */
	return reply_at(w, there ? array.at + 1 + (size_t)i : SIZE_MAX);
}

struct redis_reply redis_wire_after(const struct redis_wire *w, struct redis_reply reply)
{
	size_t end = w->nodes.len / sizeof(struct node), at = reply.at;

	for (int64_t left = 1; left > 0 && at < end; at++) {
		struct node node = node_at(w, at);

		left += (node.kind == WIRE_ARRAY ? node.n : 0) - 1;
	}
	return reply_at(w, at);
}

bool redis_wire_quiet(const struct redis_wire *w)
{
	return dial_quiet(&w->dial);
}

static void forget(struct buf *b)
{
	if (b->alloc > KEEP_BYTES)
		buf_release(b);
	else
		buf_reset(b);
}

void redis_wire_clear(struct redis_wire *w)
{
	forget(&w->out);
	forget(&w->text);
	forget(&w->nodes);
	/* hiredis leaves what it has parsed in its buffer, and has none left after an error. */
	if (w->reader->buf != NULL)
		explicit_bzero(w->reader->buf, sdslen(w->reader->buf) + sdsavail(w->reader->buf));
	w->n_commands = w->n_replies = w->first[0] = 0;
	w->sent = w->received = 0;
}

enum tp_rc redis_wire_open(const struct dial_peer *peer, int64_t deadline_ms,
			   struct redis_wire **ret, struct tp_err *err)
{
	struct redis_wire *w = calloc(1, sizeof(*w));
	enum tp_rc rc;

	if (w == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	w->dial = (struct dial)DIAL_INIT;
	w->out = (struct buf)BUF_INIT(OUT_BYTES);
	w->text = (struct buf)BUF_INIT(WIRE_BYTES);
	w->nodes = (struct buf)BUF_INIT(WIRE_NODES * sizeof(struct node));
	w->makers.createString = add_string;
	w->makers.createArray = add_array;
	w->makers.createInteger = add_integer;
	w->makers.createNil = add_nil;
	w->reader = redisReaderCreateWithFunctions(&w->makers);
	if (w->reader == NULL) {
		rc = tp_fail(err, TP_NOMEM, "out of memory");
	} else {
		w->reader->privdata = w;
		rc = dial_connect(&w->dial, peer, deadline_ms, err);
	}
	if (rc != TP_OK) {
		redis_wire_close(w);
		return rc;
	}
	*ret = w;
	return TP_OK;
}

void redis_wire_close(struct redis_wire *w)
{
	if (w == NULL)
		return;
	dial_release(&w->dial);
	if (w->reader != NULL) {
		redis_wire_clear(w);
		redisReaderFree(w->reader);
	}
	buf_release(&w->out);
	buf_release(&w->text);
	buf_release(&w->nodes);
	explicit_bzero(w->chunk, sizeof(w->chunk));
	free(w);
}
