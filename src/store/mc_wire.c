/* SPDX-License-Identifier: MIT */
/*
 * The binary protocol, by hand and not by libmemcached: that library (1.1.4) reads a reply's key of
 * up to 65535 bytes into a field of 251, takes a reply for the next request's without a look at its
 * number, and waits anew for each byte, so a peer that sends one a second holds a request for ever.
 *
 * Only requests that have exactly one reply are used; so a batch is whole when as many came.
 */
#include "store/mc_wire.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

enum {
	HEADER = 24,
	MAGIC_REQUEST = 0x80,
	MAGIC_REPLY = 0x81,
	STORE_EXTRAS = 8, /* flags and lifetime, of a request that stores */
	GET_EXTRAS = 4,	  /* flags, of a reply to MC_GET */
	CHUNK_BYTES = 16384,
	KEEP_BYTES = 65536 /* of a buffer's storage, from batch to batch */
};

/* Of a reply; the numbers are the protocol's. */
enum {
	STATUS_OK = 0x00,
	STATUS_NOT_FOUND = 0x01,
	STATUS_EXISTS = 0x02,
	STATUS_TOO_LARGE = 0x03,
	STATUS_AUTH = 0x20,
	STATUS_NO_MEMORY = 0x82
};

struct pending {
	uint8_t code;
	uint32_t number;
	struct mc_reply reply;
	size_t at; /* where its value begins; the buffer may move until all is in */
};

struct mc_wire {
	struct dial dial;
	struct buf out, in;
	uint32_t number; /* of the last request */
	size_t n, n_replies, parsed;
	struct pending batch[MC_REQUESTS];
	unsigned refused; /* the first status that is neither yes nor no */
	bool blind;	  /* an item came without a version */
	char chunk[CHUNK_BYTES];
};

static enum tp_rc fail(const struct mc_wire *w, const char *what, struct tp_err *err)
{
	return dial_fail(w->dial.peer, what, err);
}

/* ---- numbers, most significant byte first ---- */

static void put_be(struct buf *b, uint64_t n, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		buf_char(b, (char)(unsigned char)(n >> (8 * i)));
}

static uint64_t get_be(const char *p, int bytes)
{
	uint64_t n = 0;

	for (int i = 0; i < bytes; i++)
		n = n << 8 | (unsigned char)p[i];
	return n;
}

/* ---- requests ---- */

size_t mc_wire_ask(struct mc_wire *w, const struct mc_request *r)
{
	bool stores = r->code == MC_SET || r->code == MC_ADD;
	size_t extras = stores ? STORE_EXTRAS : 0;

	assert(w->n < MC_REQUESTS);
	assert(r->key.len <= 250 && r->value.len <= MC_VALUE);
	w->batch[w->n] = (struct pending){ .code = (uint8_t)r->code, .number = ++w->number };
	put_be(&w->out, MAGIC_REQUEST, 1);
	put_be(&w->out, (uint64_t)r->code, 1);
	put_be(&w->out, r->key.len, 2);
	put_be(&w->out, extras, 1);
	put_be(&w->out, 0, 3); /* data type and virtual bucket */
	put_be(&w->out, extras + r->key.len + (stores ? r->value.len : 0), 4);
	put_be(&w->out, w->number, 4);
	put_be(&w->out, r->cas, 8);
	if (stores) {
		put_be(&w->out, 0, 4);
		put_be(&w->out, r->lifetime, 4);
	}
	buf_span(&w->out, r->key);
	if (stores)
		buf_span(&w->out, r->value);
	return w->n++;
}

/* ---- replies ---- */

struct header {
	unsigned status;
	size_t extras, body;
};

/* A header whose every field is as it has to be for the request that is next in line. */
static bool read_header(const struct pending *p, const char *h, struct header *ret)
{
	bool found = p->code == MC_GET && get_be(h + 6, 2) == STATUS_OK;
	size_t extras = (size_t)get_be(h + 4, 1), body = (size_t)get_be(h + 8, 4);

	if (get_be(h, 1) != MAGIC_REPLY || get_be(h + 1, 1) != p->code || get_be(h + 2, 2) != 0 ||
	    get_be(h + 5, 1) != 0 || get_be(h + 12, 4) != p->number)
		return false;
	if (extras != (found ? GET_EXTRAS : 0) || body < extras || body > GET_EXTRAS + MC_VALUE)
		return false;
	*ret = (struct header){ (unsigned)get_be(h + 6, 2), extras, body };
	return true;
}

static void take(struct mc_wire *w, const char *at, struct header h)
{
	struct pending *p = &w->batch[w->n_replies++];

	p->at = w->parsed + HEADER + h.extras;
	p->reply.value.len = p->code == MC_GET ? h.body - h.extras : 0;
	p->reply.cas = get_be(at + 16, 8);
	p->reply.status = MC_DONE;
	/* A server without versions (-C) takes any change, also one that lost a race: a logout. */
	w->blind = w->blind || (p->code == MC_GET && h.status == STATUS_OK && p->reply.cas == 0);
	if (h.status == STATUS_NOT_FOUND)
		p->reply.status = MC_ABSENT;
	else if (h.status == STATUS_EXISTS)
		p->reply.status = MC_DIFFERS;
	else if (h.status != STATUS_OK && w->refused == STATUS_OK)
		w->refused = h.status;
	w->parsed += HEADER + h.body;
}

/* Takes the replies that have come as a whole. */
static enum tp_rc parse(struct mc_wire *w, struct tp_err *err)
{
	while (w->n_replies < w->n) {
		const char *at = buf_view(&w->in).p + w->parsed;
		size_t left = w->in.len - w->parsed;
		struct header h;

		if (left < HEADER)
			return TP_OK;
		if (!read_header(&w->batch[w->n_replies], at, &h))
			return fail(w, "sent what is no reply", err);
		if (left - HEADER < h.body)
			return TP_OK;
		take(w, at, h);
	}
	if (w->in.len > w->parsed)
		return fail(w, "sent more than was asked for", err);
	return TP_OK;
}

static enum tp_rc receive(struct mc_wire *w, int64_t deadline_ms, struct tp_err *err)
{
	size_t n = 0;
	enum tp_rc rc = dial_receive(&w->dial, w->chunk, sizeof(w->chunk), deadline_ms, &n, err);

	if (rc != TP_OK)
		return rc;
	buf_put(&w->in, w->chunk, n);
	explicit_bzero(w->chunk, n);
	if (w->in.rc == TP_NOMEM)
		return tp_fail(err, TP_NOMEM, "out of memory");
	if (w->in.rc != TP_OK)
		return fail(w, "sent replies that are too large", err);
	return parse(w, err);
}

/* The server's own words are not shown. */
static const char *refusal(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} rows[] = {
		{ STATUS_TOO_LARGE, "refuses an item as too large (its option -I)" },
		{ STATUS_AUTH, "wants a user and a password (SASL), which is not supported" },
		{ STATUS_NO_MEMORY, "is out of memory and takes no writes" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++)
		if (rows[i].status == status)
			return rows[i].text;
	return "answered with an error";
}

enum tp_rc mc_wire_run(struct mc_wire *w, int64_t deadline_ms, bool *ret_refused,
		       struct tp_err *err)
{
	enum tp_rc rc = buf_rc(&w->out, "a batch of requests", err);
	size_t sent = 0;

	*ret_refused = false;
	if (rc == TP_OK)
		rc = dial_send(&w->dial, buf_view(&w->out), &sent, deadline_ms, err);
	while (rc == TP_OK && w->n_replies < w->n)
		rc = receive(w, deadline_ms, err);
	if (rc != TP_OK || (w->refused == STATUS_OK && !w->blind))
		return rc;
	*ret_refused = true;
	if (w->blind)
		return fail(w, "keeps no versions of its items (its option -C)", err);
	return fail(w, refusal(w->refused), err);
}

struct mc_reply mc_wire_reply(const struct mc_wire *w, size_t at)
{
	struct mc_reply reply;

	assert(at < w->n_replies);
	reply = w->batch[at].reply;
	reply.value.p = buf_view(&w->in).p + w->batch[at].at;
	return reply;
}

/* ---- the connection ---- */

static void forget(struct buf *b)
{
	if (b->alloc > KEEP_BYTES)
		buf_release(b);
	else
		buf_reset(b);
}

void mc_wire_clear(struct mc_wire *w)
{
	forget(&w->out);
	forget(&w->in);
	w->n = w->n_replies = w->parsed = 0;
	w->refused = STATUS_OK;
	w->blind = false;
}

bool mc_wire_quiet(const struct mc_wire *w)
{
	return dial_quiet(&w->dial);
}

enum tp_rc mc_wire_open(const struct dial_peer *peer, int64_t deadline_ms, struct mc_wire **ret,
			struct tp_err *err)
{
	struct mc_wire *w = calloc(1, sizeof(*w));
	enum tp_rc rc;

	if (w == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	w->out = w->in = (struct buf)BUF_INIT(MC_BATCH_BYTES);
	rc = dial_connect(&w->dial, peer, deadline_ms, err);
	if (rc != TP_OK) {
		free(w);
		return rc;
	}
	*ret = w;
	return TP_OK;
}

void mc_wire_close(struct mc_wire *w)
{
	if (w == NULL)
		return;
	dial_release(&w->dial);
	buf_release(&w->out);
	buf_release(&w->in);
	explicit_bzero(w->chunk, sizeof(w->chunk));
	free(w);
}
