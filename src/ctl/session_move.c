/* SPDX-License-Identifier: MIT */
/*
 * Owns the two ways of sessions between a store and a file. Without stdio, whose buffers would keep
 * handles and tokens.
 */
#include "ctl/session_move.h"

#include <errno.h>
#include <unistd.h>

#include "auth/session.h"
#include "ctl/session_line.h"

#include "base/banned.h"

enum { AT_ONCE = 16 }; /* written in one transaction, for which logins may have to wait */

enum { CHUNK = 65536 };

/* ---- out ---- */

struct outgoing {
	const struct auth_ctx *a;
	int fd;
	struct buf text;
	struct session_moved n;
	struct tp_err err;
};

static enum tp_rc flush(struct outgoing *o)
{
	size_t done = 0;

	while (done < o->text.len) {
		ssize_t n = write(o->fd, o->text.p + done, o->text.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return tp_fail(&o->err, TP_UNAVAILABLE, "cannot write: %s",
				       strerrordesc_np(errno));
		done += (size_t)n;
	}
	buf_reset(&o->text);
	return TP_OK;
}

static enum tp_rc put_line(struct outgoing *o, const struct session_line *l)
{
	enum tp_rc rc;

	session_line_put(l, &o->text);
	rc = buf_rc(&o->text, "a line", &o->err);
	return rc == TP_OK && o->text.len >= CHUNK ? flush(o) : rc;
}

/* What a request could show, and no more: see auth/session. */
static bool can_be_shown(struct span user, struct span handle)
{
	return token_user_id_ok(user) && handle.len >= 1 && handle.len <= LIMIT_HANDLE &&
	       !span_has_control(handle) && span_is_utf8(handle);
}

static enum tp_rc write_one(void *arg, const struct store_key *key, struct span value)
{
	struct outgoing *o = arg;
	struct session_line l = { .kind = SESSION_LINE_ITEM };
	const struct token *t = NULL;
	enum tp_rc rc = TP_DENIED;

	if (can_be_shown(key->owner, key->item))
		rc = session_prove(o->a, key->owner, key->item, value, NULL, &t, &o->err);
	if (rc == TP_EXPIRED)
		o->n.expired++;
	if (rc == TP_DENIED)
		o->n.skipped++;
	if (rc == TP_EXPIRED || rc == TP_DENIED)
		return TP_OK;
	if (rc != TP_OK)
		return rc;
	l.user = key->owner;
	l.handle = key->item;
	l.value = value;
	l.expires_at = t->exp;
	o->n.done++;
	return put_line(o, &l);
}

static enum tp_rc write_all(struct outgoing *o)
{
	struct session_line l = { .kind = SESSION_LINE_HEAD };
	int64_t others = 0;
	enum tp_rc rc = put_line(o, &l);

	store_begin(o->a->store);
	if (rc == TP_OK)
		rc = store_walk(o->a->store, write_one, o, &others, &o->err);
	if (rc != TP_OK)
		return rc;
	o->n.skipped += others;
	l.kind = SESSION_LINE_END;
	l.sessions = o->n.done;
	rc = put_line(o, &l);
	return rc == TP_OK ? flush(o) : rc;
}

enum tp_rc session_export(const struct auth_ctx *a, int fd, struct session_moved *ret,
			  struct tp_err *err)
{
	struct outgoing o = { .a = a, .fd = fd, .text = BUF_INIT(CHUNK + SESSION_LINE_MOST) };
	enum tp_rc rc = write_all(&o);

	*ret = o.n;
	buf_release(&o.text);
	return rc == TP_OK ? TP_OK : tp_fail(err, rc, "%s", o.err.msg);
}

/* ---- in ---- */

struct incoming {
	const struct auth_ctx *a;
	int fd;
	struct buf text; /* what was read and not used yet begins at `at` */
	size_t at;
	bool at_end;
	int64_t line;
	struct session_moved n;
	/* not in the store yet */
	struct session_line held[AT_ONCE];
	int64_t ttl_s[AT_ONCE];
	size_t n_held;
};

static void incoming_release(struct incoming *in)
{
	for (size_t i = 0; i < in->n_held; i++)
		session_line_release(&in->held[i]);
	buf_release(&in->text);
}

static enum tp_rc read_more(struct incoming *in, struct tp_err *err)
{
	size_t left = in->text.len - in->at;
	ssize_t n;
	char *room;

	if (left > 0)
		memmove(in->text.p, in->text.p + in->at, left);
	buf_cut(&in->text, left);
	in->at = 0;
	room = buf_room(&in->text, CHUNK);
	if (room == NULL)
		return in->text.rc == TP_NOMEM ? buf_rc(&in->text, "", err)
					       : tp_fail(err, TP_DENIED, "the line is too long");
	do
		n = read(in->fd, room, CHUNK);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return tp_fail(err, TP_UNAVAILABLE, "cannot read: %s", strerrordesc_np(errno));
	buf_added(&in->text, (size_t)n);
	in->at_end = n == 0;
	return TP_OK;
}

/* ret->p NULL: there is no further one. Borrowed until the next call. */
static enum tp_rc next_line(struct incoming *in, struct span *ret, struct tp_err *err)
{
	enum tp_rc rc = TP_OK;

	for (;;) {
		struct span rest = { buf_view(&in->text).p + in->at, in->text.len - in->at };
		const char *end = rest.len > 0 ? memchr(rest.p, '\n', rest.len) : NULL;

		if (end != NULL) {
			*ret = (struct span){ rest.p, (size_t)(end - rest.p) };
			in->at += ret->len + 1;
			in->line++;
			return TP_OK;
		}
		if (in->at_end) {
			*ret = (struct span){ NULL, 0 };
			in->line += rest.len > 0;
			return rest.len == 0 ? TP_OK
					     : tp_fail(err, TP_DENIED, "the line breaks off");
		}
		rc = read_more(in, err);
		if (rc != TP_OK) {
			in->line++;
			return rc;
		}
	}
}

static enum tp_rc store_held(struct incoming *in, struct tp_err *err)
{
	struct store_op ops[AT_ONCE];
	enum tp_rc rc = TP_OK;

	for (size_t i = 0; i < in->n_held; i++)
		ops[i] = (struct store_op){
			.verb = STORE_PUT,
			.mode = STORE_IF_ABSENT,
			.key = { STORE_LOGIN, in->held[i].user, in->held[i].handle },
			.value = in->held[i].value,
			.ttl_s = in->ttl_s[i],
		};
	store_begin(in->a->store);
	if (in->n_held > 0)
		rc = store_run(in->a->store, ops, in->n_held, err);
	for (size_t i = 0; i < in->n_held; i++) {
		in->n.done += ops[i].rc == TP_OK;
		in->n.kept += ops[i].rc == TP_EXISTS;
		session_line_release(&in->held[i]);
	}
	in->n_held = 0;
	return rc;
}

/* Takes the line over, which is empty then, if it is to go into the store. */
static enum tp_rc take_item(struct incoming *in, struct session_line *l, struct tp_err *err)
{
	int64_t now = clock_now(&in->a->clock), end = l->expires_at;
	const struct token *t = NULL;
	enum tp_rc rc;

	if (!can_be_shown(l->user, l->handle))
		return tp_fail(err, TP_DENIED, "no session can have this name");
	rc = session_prove(in->a, l->user, l->handle, l->value, NULL, &t, err);
	if (rc == TP_OK && t->exp < end)
		end = t->exp;
	if (rc == TP_EXPIRED || (rc == TP_OK && end <= now)) {
		in->n.expired++;
		return TP_OK;
	}
	if (rc != TP_OK)
		return rc;
	in->held[in->n_held] = *l;
	*l = (struct session_line){ .kind = SESSION_LINE_ITEM };
	in->ttl_s[in->n_held++] = end - now < STORE_TTL_MAX ? end - now : STORE_TTL_MAX;
	return in->n_held == AT_ONCE ? store_held(in, err) : TP_OK;
}

static enum tp_rc check_end(struct incoming *in, const struct session_line *l, int64_t items,
			    struct tp_err *err)
{
	struct span rest;
	enum tp_rc rc;

	if (l->sessions != items)
		return tp_fail(err, TP_DENIED, "it speaks of another number of sessions");
	rc = next_line(in, &rest, err);
	if (rc == TP_OK && rest.p != NULL)
		return tp_fail(err, TP_DENIED, "something stands behind the last line");
	return rc;
}

/* *ret_kind: what the line was; `items` came before it. */
static enum tp_rc take_line(struct incoming *in, struct span text, int64_t items,
			    enum session_line_kind *ret_kind, struct tp_err *err)
{
	TP_CLEANUP(session_line_release) struct session_line l = { .kind = SESSION_LINE_HEAD };
	enum tp_rc rc = session_line_get(text, &l, err);

	if (rc != TP_OK)
		return rc == TP_INVALID ? TP_DENIED : rc;
	*ret_kind = l.kind;
	if ((l.kind == SESSION_LINE_HEAD) != (in->line == 1))
		return tp_fail(err, TP_DENIED, "the first line is not where it has to be");
	if (l.kind == SESSION_LINE_ITEM)
		return take_item(in, &l, err);
	return l.kind == SESSION_LINE_END ? check_end(in, &l, items, err) : TP_OK;
}

static enum tp_rc read_all(struct incoming *in, struct tp_err *err)
{
	enum session_line_kind kind = SESSION_LINE_HEAD;
	int64_t items = 0;
	struct span text;
	enum tp_rc rc;

	do {
		rc = next_line(in, &text, err);
		if (rc == TP_OK && text.p == NULL) {
			in->line++;
			rc = tp_fail(err, TP_DENIED, "the file ends before its last line");
		}
		if (rc == TP_OK)
			rc = take_line(in, text, items, &kind, err);
		items += kind == SESSION_LINE_ITEM;
	} while (rc == TP_OK && kind != SESSION_LINE_END);
	return rc;
}

/* What was good before a bad line goes into the store as well. */
enum tp_rc session_import(const struct auth_ctx *a, int fd, struct session_moved *ret,
			  int64_t *ret_line, struct tp_err *err)
{
	TP_CLEANUP(incoming_release)
	struct incoming in = { .a = a, .fd = fd, .text = BUF_INIT((size_t)2 * SESSION_LINE_MOST) };
	struct tp_err why = { 0 };
	enum tp_rc rc = read_all(&in, &why), stored = TP_OK;

	*ret_line = rc == TP_DENIED ? in.line : 0;
	if (rc == TP_OK || rc == TP_DENIED)
		stored = store_held(&in, err);
	*ret = in.n;
	if (stored != TP_OK) {
		*ret_line = 0;
		return stored;
	}
	return rc == TP_OK ? TP_OK : tp_fail(err, rc, "%s", why.msg);
}
