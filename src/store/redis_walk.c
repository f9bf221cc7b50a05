/* SPDX-License-Identifier: MIT */
/*
 * Finds the keys of the login database by SCAN, which never holds the server up, and reads the
 * hashes among them: first how large they are, then as many at a time as fit into one batch of
 * replies. What is of another type, or no user's, is none of ours.
 */
#include "store/redis_walk.h"

#include "base/clock.h"
#include "store/redis_keys.h"

#include "base/banned.h"

enum {
	SCAN_COUNT = 100, /* keys that the server looks at for one SCAN, roughly */
	SCAN_KEYS = 4096, /* most that one answer may bring: some more after a hash table grew */
	CURSOR_LEN = 20,
	BATCH_KEYS = WIRE_COMMANDS - 1, /* and a SELECT */
	BATCH_FIELDS = 16000		/* of the hashes in one batch, unless it is one alone */
};

struct walk {
	struct redis_talk *t;
	struct store_walk *w;
	int64_t step_ms;
	char cursor[CURSOR_LEN + 1];
	struct buf keys; /* whose they are, each behind its length */
	/* the keys of one batch */
	struct span key[BATCH_KEYS];
	int64_t fields[BATCH_KEYS];
	size_t n;
};

static void walk_release(struct walk *k)
{
	buf_release(&k->keys);
}

/* A SELECT goes first where the database is another; *ret_first is the index of what follows. */
static void begin(struct walk *k, size_t *ret_first)
{
	struct redis_talk *t = k->t;

	*ret_first = 0;
	if (t->db == NULL || t->current_db == t->db[STORE_LOGIN])
		return;
	redis_wire_command(t->wire, "SELECT", 1);
	redis_wire_int(t->wire, t->db[STORE_LOGIN]);
	*ret_first = 1;
}

static enum tp_rc run(struct walk *k, size_t first, struct tp_err *err)
{
	struct redis_talk *t = k->t;
	enum tp_rc rc = redis_wire_run(t->wire, clock_mono_ms() + k->step_ms, err);

	if (rc != TP_OK) {
		t->spoilt = true;
		return rc;
	}
	if (first > 0) {
		struct redis_reply selected = redis_wire_reply(t->wire, 0);

		if (selected.kind != WIRE_STATUS || !span_is(selected.s, "OK"))
			return redis_verbs_refused(t, selected, err);
		t->current_db = t->db[STORE_LOGIN];
	}
	return TP_OK;
}

/* ---- SCAN ---- */

/* Of ours, where both databases are one; no more than that: a user may be called tpauth-admin. */
static bool is_counter(const struct walk *k, struct span key)
{
	return k->t->prefix == NULL && span_starts(key, "tpauth-fail/");
}

static enum tp_rc keep_keys(struct walk *k, struct redis_reply found, struct tp_err *err)
{
	buf_reset(&k->keys);
	for (int64_t i = 0; i < found.n; i++) {
		struct span key = redis_wire_element(k->t->wire, found, i).s;

		if (k->t->prefix != NULL) {
			if (!redis_keys_in(k->t->prefix[STORE_LOGIN], key))
				continue;
			key = redis_keys_owner(k->t->prefix[STORE_LOGIN], key);
		}
		if (key.len == 0 || key.len > LIMIT_USER_ID || is_counter(k, key)) {
			k->w->skipped++;
			continue;
		}
		buf_char(&k->keys, (char)key.len);
		buf_span(&k->keys, key);
	}
	return buf_rc(&k->keys, "a piece of the list of users", err);
}

static enum tp_rc take_scan(struct walk *k, size_t first, struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(k->t->wire, first);
	struct redis_reply cursor = redis_wire_element(k->t->wire, reply, 0);
	struct redis_reply found = redis_wire_element(k->t->wire, reply, 1);

	if (reply.kind != WIRE_ARRAY || reply.n != 2 || cursor.kind != WIRE_STRING ||
	    cursor.s.len == 0 || cursor.s.len > CURSOR_LEN || found.kind != WIRE_ARRAY ||
	    found.n > SCAN_KEYS)
		return redis_verbs_refused(k->t, reply, err);
	memcpy(k->cursor, cursor.s.p, cursor.s.len);
	k->cursor[cursor.s.len] = '\0';
	return keep_keys(k, found, err);
}

static enum tp_rc scan(struct walk *k, struct tp_err *err)
{
	size_t first;
	enum tp_rc rc;

	begin(k, &first);
	redis_wire_command(k->t->wire, "SCAN", 3);
	redis_wire_arg(k->t->wire, span_of(k->cursor));
	redis_wire_arg(k->t->wire, SPAN_LIT("COUNT"));
	redis_wire_int(k->t->wire, SCAN_COUNT);
	rc = run(k, first, err);
	if (rc == TP_OK)
		rc = take_scan(k, first, err);
	redis_wire_clear(k->t->wire);
	return rc;
}

/* ---- the hashes ---- */

static void put_key(struct walk *k, struct span owner)
{
	char room[REDIS_KEYS_ROOM];

	if (k->t->prefix != NULL)
		owner = redis_keys_head(k->t->prefix[STORE_LOGIN], STORE_LOGIN, owner, room);
	redis_wire_arg(k->t->wire, owner);
}

/* HLEN tells as well which of the keys are hashes: the others leave the batch. */
static enum tp_rc measure(struct walk *k, struct tp_err *err)
{
	size_t first, n = 0;
	enum tp_rc rc;

	begin(k, &first);
	for (size_t i = 0; i < k->n; i++) {
		redis_wire_command(k->t->wire, "HLEN", 1);
		put_key(k, k->key[i]);
	}
	rc = run(k, first, err);
	for (size_t i = 0; rc == TP_OK && i < k->n; i++) {
		struct redis_reply reply = redis_wire_reply(k->t->wire, first + i);

		if (reply.kind == WIRE_ERROR && span_starts(reply.s, "WRONGTYPE")) {
			k->w->skipped++;
		} else if (reply.kind == WIRE_INT) {
			k->key[n] = k->key[i];
			k->fields[n++] = reply.n;
		} else {
			rc = redis_verbs_refused(k->t, reply, err);
		}
	}
	k->n = n;
	redis_wire_clear(k->t->wire);
	return rc;
}

/* A user's sessions. What ends the walk is in w->rc. */
static enum tp_rc hand_on(struct walk *k, struct span owner, struct redis_reply reply,
			  struct tp_err *err)
{
	if (reply.kind == WIRE_ERROR && span_starts(reply.s, "WRONGTYPE")) {
		k->w->skipped++; /* it was a hash a moment ago */
		return TP_OK;
	}
	if (reply.kind != WIRE_ARRAY || reply.n % 2 != 0)
		return redis_verbs_refused(k->t, reply, err);
	for (int64_t i = 0; k->w->rc == TP_OK && i < reply.n; i += 2) {
		struct redis_reply item = redis_wire_element(k->t->wire, reply, i);
		struct redis_reply value = redis_wire_element(k->t->wire, reply, i + 1);
		struct store_key key = { STORE_LOGIN, owner, item.s };

		if (item.kind != WIRE_STRING || value.kind != WIRE_STRING)
			return redis_verbs_refused(k->t, reply, err);
		if (item.s.len == 0 || item.s.len > LIMIT_HANDLE || value.s.len > LIMIT_STORE_VALUE)
			k->w->skipped++;
		else
			k->w->rc = k->w->each(k->w->arg, &key, value.s);
	}
	return TP_OK;
}

/* The hashes from `from` up to *ret_to, at least one. */
static enum tp_rc read_some(struct walk *k, size_t from, size_t *ret_to, struct tp_err *err)
{
	int64_t fields = k->fields[from];
	size_t first, to = from + 1;
	enum tp_rc rc;

	while (to < k->n && fields + k->fields[to] <= BATCH_FIELDS)
		fields += k->fields[to++];
	begin(k, &first);
	for (size_t i = from; i < to; i++) {
		redis_wire_command(k->t->wire, "HGETALL", 1);
		put_key(k, k->key[i]);
	}
	rc = run(k, first, err);
	for (size_t i = from; rc == TP_OK && k->w->rc == TP_OK && i < to; i++)
		rc = hand_on(k, k->key[i], redis_wire_reply(k->t->wire, first + i - from), err);
	redis_wire_clear(k->t->wire);
	*ret_to = to;
	return rc;
}

static enum tp_rc read_hashes(struct walk *k, struct tp_err *err)
{
	struct span rest = buf_view(&k->keys);
	enum tp_rc rc = TP_OK;

	while (rc == TP_OK && k->w->rc == TP_OK && rest.len > 0) {
		for (k->n = 0; k->n < BATCH_KEYS && rest.len > 0; k->n++) {
			size_t len = (unsigned char)rest.p[0];

			k->key[k->n] = (struct span){ rest.p + 1, len };
			rest = (struct span){ rest.p + 1 + len, rest.len - 1 - len };
		}
		rc = measure(k, err);
		for (size_t i = 0; rc == TP_OK && k->w->rc == TP_OK && i < k->n;)
			rc = read_some(k, i, &i, err);
	}
	return rc;
}

enum tp_rc redis_walk(struct redis_talk *t, struct store_walk *w, int64_t step_ms,
		      struct tp_err *err)
{
	TP_CLEANUP(walk_release)
	struct walk k = { .t = t,
			  .w = w,
			  .step_ms = step_ms,
			  .cursor = "0",
			  .keys = BUF_INIT((size_t)SCAN_KEYS * (1 + LIMIT_USER_ID)) };
	enum tp_rc rc;

	do {
		rc = scan(&k, err);
		if (rc == TP_OK)
			rc = read_hashes(&k, err);
	} while (rc == TP_OK && w->rc == TP_OK && strcmp(k.cursor, "0") != 0);
	return rc;
}
