/* SPDX-License-Identifier: MIT */
/*
 * The layout of the Python original, so that both can share a server: a hash for each user in one
 * database, a key for each closed refresh window in another, and counters of ours beside those.
 * Knows commands, scripts and replies; not where a connection comes from or when it ends.
 *
 * What has to be atomic is one Lua script, sent as its text each time: EVALSHA was measured to save
 * 2 % of its round trip, and brings an answer (NOSCRIPT) after which the rest of a batch has
 * already run out of order. A transaction would be cheaper for a session, too, but cannot keep its
 * EXPIRE from other data at the key, after the HSET was refused.
 */
#include "store/redis_verbs.h"

#include "base/limits.h"
#include "store/redis_keys.h"
#include "store/redis_scripts.h"

#include "base/banned.h"

enum { SAMPLE_ITEMS = 2, MARK_S = 60 };

/* ---- failing ---- */

#define NOT_PERMITTED "does not permit this user a command or a key (ACL)"

/*
 * What a server may say instead of doing it. `drop`: the connection goes, since another try
 * may find another server behind the address, or the same one in a better state. The text of an
 * error is never shown: it quotes the command, and with it a handle.
 */
static const struct {
	const char *start; /* of its reply */
	const char *text;
	bool drop;
} refusals[] = {
	{ "NOAUTH ", "wants a user and a password", true },
	{ "WRONGPASS ", "does not accept the user or the password", true },
	{ "NOPERM ", NOT_PERMITTED, false },
	{ "ERR ACL failure in script", NOT_PERMITTED, false },
	{ "ERR The user executing the script can't run", NOT_PERMITTED, false },
	{ "READONLY ", "is a read-only replica", true },
	{ "LOADING ", "is still loading its data", true },
	{ "MASTERDOWN ", "is a replica that has lost its master", true },
	{ "OOM ", "is out of memory (maxmemory) and takes no writes", false },
	{ "MISCONF ", "cannot save its data and takes no writes", false },
	{ "NOREPLICAS ", "has too few replicas and takes no writes", false },
	{ "BUSY ", "is busy with a script", false },
	{ "CLUSTERDOWN ", "is part of a Redis Cluster that is down", true },
};

static enum tp_rc fail(const struct redis_talk *t, const char *what, struct tp_err *err)
{
	return tp_fail(err, TP_UNAVAILABLE, "redis at %.100s %s", t->name, what);
}

enum tp_rc redis_verbs_refused(struct redis_talk *t, struct redis_reply reply, struct tp_err *err)
{
	const char *what = "answered with what makes no sense";

	for (size_t i = 0; reply.kind == WIRE_ERROR && i < TP_COUNT(refusals); i++)
		if (span_starts(reply.s, refusals[i].start)) {
			t->spoilt = t->spoilt || refusals[i].drop;
			return fail(t, refusals[i].text, err);
		}
	if (reply.kind == WIRE_ERROR)
		what = "answered with an error";
	t->spoilt = true;
	return fail(t, what, err);
}

/* ---- commands ---- */

/* Starts a command in the database of `space`. The database stays: most calls are for sessions. */
static void command(struct redis_talk *t, enum store_space space, const char *name, size_t n_args)
{
	if (t->current_db != t->db[space]) {
		t->selects[redis_wire_count(t->wire)] = true;
		t->current_db = t->db[space];
		redis_wire_command(t->wire, "SELECT", 1);
		redis_wire_int(t->wire, t->current_db);
	}
	/* It goes for one command only. */
	if (t->asking)
		redis_wire_command(t->wire, "ASKING", 0);
	redis_wire_command(t->wire, name, n_args);
}

static void arg(struct redis_talk *t, struct span s)
{
	redis_wire_arg(t->wire, s);
}

static void arg_str(struct redis_talk *t, const char *s)
{
	redis_wire_arg(t->wire, span_of(s));
}

static struct span cluster_key(const struct redis_talk *t, enum store_space space,
			       struct span owner, char room[REDIS_KEYS_ROOM])
{
	return redis_keys_head(t->prefix[space], space, owner, room);
}

static void arg_counter(struct redis_talk *t, struct span item)
{
	char room[REDIS_KEYS_ROOM];
	struct span head = SPAN_LIT("tpauth-fail/");

	if (t->prefix != NULL)
		head = cluster_key(t, STORE_THROTTLE, SPAN_LIT(""), room);
	redis_wire_join(t->wire, head, item, SPAN_LIT(""));
}

/* The key of a user's sessions. */
static void arg_owner(struct redis_talk *t, const struct store_op *op)
{
	char room[REDIS_KEYS_ROOM];
	bool plain = t->prefix == NULL;

	arg(t, plain ? op->key.owner : cluster_key(t, STORE_LOGIN, op->key.owner, room));
}

/* The key of an item that has one for itself. */
static void arg_key(struct redis_talk *t, const struct store_key *key)
{
	char room[REDIS_KEYS_ROOM];
	struct span head = key->owner;

	if (key->space == STORE_THROTTLE) {
		arg_counter(t, key->item);
		return;
	}
	if (t->prefix != NULL)
		head = cluster_key(t, key->space, key->owner, room);
	redis_wire_join(t->wire, head, SPAN_LIT("__"), key->item);
}

static void script(struct redis_talk *t, enum store_space space, const char *text, size_t n_keys,
		   size_t n_args)
{
	command(t, space, "EVAL", 2 + n_keys + n_args);
	arg_str(t, text);
	redis_wire_int(t->wire, (int64_t)n_keys);
}

/* hash_name for the field of a session, key_name for what has a key of its own. */
static void ask_item(struct redis_talk *t, const struct store_op *op, const char *hash_name,
		     const char *key_name)
{
	bool in_hash = op->key.space == STORE_LOGIN;

	command(t, op->key.space, in_hash ? hash_name : key_name, in_hash ? 2 : 1);
	if (in_hash) {
		arg_owner(t, op);
		arg(t, op->key.item);
	} else {
		arg_key(t, &op->key);
	}
}

static void ask_get(struct redis_talk *t, const struct store_op *op)
{
	ask_item(t, op, "HGET", "GET");
}

static void ask_del(struct redis_talk *t, const struct store_op *op)
{
	ask_item(t, op, "HDEL", "DEL");
}

static void ask_put_session(struct redis_talk *t, const struct store_op *op)
{
	static const char *const there[] = {
		[STORE_ANY] = "any", [STORE_IF_ABSENT] = "0", [STORE_IF_PRESENT] = "1"
	};

	script(t, STORE_LOGIN, lua_put, 1, 5);
	arg_owner(t, op);
	arg(t, op->key.item);
	arg(t, op->value);
	redis_wire_int(t->wire, op->ttl_s);
	arg_str(t, there[op->mode]);
	arg_str(t, t->has_hexpire ? "1" : "0");
}

static void ask_put(struct redis_talk *t, const struct store_op *op)
{
	if (op->key.space == STORE_LOGIN) {
		ask_put_session(t, op);
		return;
	}
	command(t, op->key.space, "SET", op->mode == STORE_ANY ? 4 : 5);
	arg_key(t, &op->key);
	arg(t, op->value.p != NULL ? op->value : SPAN_LIT("restricted"));
	arg_str(t, "EX");
	redis_wire_int(t->wire, op->ttl_s);
	if (op->mode != STORE_ANY)
		arg_str(t, op->mode == STORE_IF_ABSENT ? "NX" : "XX");
}

static void ask_del_owner(struct redis_talk *t, const struct store_op *op)
{
	script(t, STORE_LOGIN, lua_del_owner, 1, 0);
	arg_owner(t, op);
}

static void ask_list(struct redis_talk *t, const struct store_op *op)
{
	command(t, STORE_LOGIN, "HGETALL", 1);
	arg_owner(t, op);
}

/* Also nothing on servers before 6.2: there the key's expiry alone clears away. */
static void ask_sample(struct redis_talk *t, const struct store_op *op)
{
	if (t->has_hexpire || !t->has_hrandfield)
		return;
	command(t, STORE_LOGIN, "HRANDFIELD", 3);
	arg_owner(t, op);
	redis_wire_int(t->wire, SAMPLE_ITEMS);
	arg_str(t, "WITHVALUES");
}

static void ask_ttl(struct redis_talk *t, const struct store_op *op)
{
	if (op->key.space != STORE_LOGIN) {
		command(t, op->key.space, "TTL", 1);
		arg_key(t, &op->key);
	} else if (t->has_hexpire) {
		command(t, STORE_LOGIN, "HTTL", 4);
		arg_owner(t, op);
		arg_str(t, "FIELDS");
		redis_wire_int(t->wire, 1);
		arg(t, op->key.item);
	} else {
		ask_item(t, op, "HEXISTS", "");
		command(t, STORE_LOGIN, "TTL", 1);
		arg_owner(t, op);
	}
}

/* Nearly every login meets no counter, and then a transaction does what the script would, for half
 * of the server's time. Where one is met nothing was done, and the script is asked in another round
 * trip; so only of an operation that has its batch for itself. */
static bool hits_directly(const struct redis_talk *t)
{
	return t->has_expire_nx && t->alone && !t->again;
}

static void ask_first_hit(struct redis_talk *t, const struct store_op *op)
{
	char room[INT_TEXT];
	struct span now = span_of_int(clock_now(&t->clock), room);

	command(t, STORE_THROTTLE, "MULTI", 0);
	redis_wire_command(t->wire, "MSETNX", 2 * op->n_hits);
	for (size_t i = 0; i < op->n_hits; i++) {
		arg_counter(t, op->hits[i].item);
		redis_wire_join(t->wire, SPAN_LIT("1 "), now, SPAN_LIT(""));
	}
	/* NX: one that was there keeps its end. */
	for (size_t i = 0; i < op->n_hits; i++) {
		redis_wire_command(t->wire, "EXPIRE", 3);
		arg_counter(t, op->hits[i].item);
		redis_wire_int(t->wire, op->hits[i].limit->memory_s);
		arg_str(t, "NX");
	}
	redis_wire_command(t->wire, "EXEC", 0);
}

static void ask_hit(struct redis_talk *t, const struct store_op *op)
{
	if (hits_directly(t)) {
		ask_first_hit(t, op);
		return;
	}
	script(t, STORE_THROTTLE, lua_hit, op->n_hits, 1 + 5 * op->n_hits);
	for (size_t i = 0; i < op->n_hits; i++)
		arg_counter(t, op->hits[i].item);
	redis_wire_int(t->wire, clock_now(&t->clock));
	for (size_t i = 0; i < op->n_hits; i++) {
		const struct store_limit *limit = op->hits[i].limit;

		redis_wire_int(t->wire, limit->free);
		redis_wire_int(t->wire, limit->first_s);
		redis_wire_int(t->wire, limit->most_s);
		redis_wire_int(t->wire, limit->memory_s);
		redis_wire_int(t->wire, limit->window);
	}
}

static void ask_unhit(struct redis_talk *t, const struct store_op *op)
{
	script(t, STORE_THROTTLE, lua_unhit, op->n_hits, 0);
	for (size_t i = 0; i < op->n_hits; i++)
		arg_counter(t, op->hits[i].item);
}

static void ask_ping(struct redis_talk *t, const struct store_op *op)
{
	(void)op;
	redis_wire_command(t->wire, "PING", 0);
}

/* ---- replies; `at`: the last one that belongs to the operation ---- */

/* Other data at a user's key: the user has no session, and the operator is told. */
static enum tp_rc other_data(struct redis_talk *t, struct store_op *op, struct tp_err *err)
{
	bool wants_room = op->verb == STORE_PUT && op->mode != STORE_IF_PRESENT;
	bool wants_one = op->verb == STORE_GET || op->verb == STORE_DEL || op->verb == STORE_TTL ||
			 op->verb == STORE_PUT;

	op->rc = wants_one ? TP_NOT_FOUND : TP_OK;
	op->ret_n = 0;
	(void)fail(t, "has a key of another type at login data", err);
	return wants_room ? TP_UNAVAILABLE : TP_OK;
}

/* A reply that is no answer to the operation. */
static enum tp_rc no_answer(struct redis_talk *t, struct store_op *op, struct redis_reply reply,
			    struct tp_err *err)
{
	if (reply.kind == WIRE_ERROR && op->key.space == STORE_LOGIN &&
	    span_starts(reply.s, "WRONGTYPE"))
		return other_data(t, op, err);
	return redis_verbs_refused(t, reply, err);
}

static enum tp_rc answer_get(struct redis_talk *t, struct store_op *op, size_t at,
			     struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(t->wire, at);

	if (reply.kind != WIRE_NIL && reply.kind != WIRE_STRING)
		return no_answer(t, op, reply, err);
	op->rc = reply.kind == WIRE_NIL ? TP_NOT_FOUND : TP_OK;
	if (op->rc != TP_OK || op->ret == NULL)
		return TP_OK;
	buf_span(op->ret, reply.s);
	if (op->ret->rc == TP_NOMEM)
		return tp_fail(err, TP_NOMEM, "out of memory");
	if (op->ret->rc != TP_OK)
		return fail(t, "has a value that is larger than the caller takes", err);
	return TP_OK;
}

static enum tp_rc answer_put(struct redis_talk *t, struct store_op *op, size_t at,
			     struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(t->wire, at);
	enum tp_rc refused = op->mode == STORE_IF_ABSENT ? TP_EXISTS : TP_NOT_FOUND;
	bool in_hash = op->key.space == STORE_LOGIN;

	if (in_hash && reply.kind == WIRE_INT && reply.n == -1)
		return other_data(t, op, err);
	if (in_hash && reply.kind == WIRE_INT && reply.n > 0) {
		op->rc = TP_OK;
		op->ret_n = reply.n;
	} else if (!in_hash && reply.kind == WIRE_STATUS && span_is(reply.s, "OK")) {
		op->rc = TP_OK;
	} else if (op->mode != STORE_ANY &&
		   (in_hash ? reply.kind == WIRE_INT && reply.n == 0 : reply.kind == WIRE_NIL)) {
		op->rc = refused;
	} else {
		return no_answer(t, op, reply, err);
	}
	return TP_OK;
}

static enum tp_rc answer_del(struct redis_talk *t, struct store_op *op, size_t at,
			     struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(t->wire, at);

	if (reply.kind != WIRE_INT || reply.n < 0 || reply.n > 1)
		return no_answer(t, op, reply, err);
	op->rc = reply.n == 1 ? TP_OK : TP_NOT_FOUND;
	return TP_OK;
}

static enum tp_rc answer_del_owner(struct redis_talk *t, struct store_op *op, size_t at,
				   struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(t->wire, at);

	if (reply.kind == WIRE_INT && reply.n == -1)
		return other_data(t, op, err);
	if (reply.kind != WIRE_INT || reply.n < 0)
		return no_answer(t, op, reply, err);
	op->rc = TP_OK;
	op->ret_n = reply.n;
	return TP_OK;
}

static enum tp_rc answer_list(struct redis_talk *t, struct store_op *op, size_t at,
			      struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(t->wire, at);

	if (reply.kind != WIRE_ARRAY || reply.n % 2 != 0)
		return no_answer(t, op, reply, err);
	for (int64_t i = 0; i < reply.n; i++)
		if (redis_wire_element(t->wire, reply, i).kind != WIRE_STRING)
			return redis_verbs_refused(t, reply, err);
	op->rc = TP_OK;
	for (int64_t i = 0; op->rc == TP_OK && i < reply.n; i += 2)
		op->rc = op->each(op->arg, redis_wire_element(t->wire, reply, i).s,
				  redis_wire_element(t->wire, reply, i + 1).s);
	return TP_OK;
}

static enum tp_rc answer_sample(struct redis_talk *t, struct store_op *op, size_t at,
				struct tp_err *err)
{
	if (!t->has_hexpire && t->has_hrandfield)
		return answer_list(t, op, at, err);
	op->rc = TP_OK;
	return TP_OK;
}

/* -2: there is none. -1: it has no end, which is none of our items (the original, cut off between
 * its two writes, leaves such a field). */
static enum tp_rc answer_ttl(struct redis_talk *t, struct store_op *op, size_t at,
			     struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(t->wire, at);
	struct redis_reply there = { WIRE_INT, 1, SPAN_LIT(""), 0 };

	if (op->key.space == STORE_LOGIN && !t->has_hexpire)
		there = redis_wire_reply(t->wire, at - (t->asking ? 2 : 1));
	if (op->key.space == STORE_LOGIN && t->has_hexpire && reply.kind == WIRE_ARRAY &&
	    reply.n == 1)
		reply = redis_wire_element(t->wire, reply, 0);
	if (there.kind != WIRE_INT)
		return no_answer(t, op, there, err);
	if (reply.kind != WIRE_INT || reply.n < -2)
		return no_answer(t, op, reply, err);
	op->rc = there.n == 0 || reply.n == -2 ? TP_NOT_FOUND : TP_OK;
	if (op->rc == TP_OK)
		op->ret_n = reply.n == -1 ? STORE_TTL_MAX : reply.n;
	if (op->rc == TP_OK && op->ret_n < 1)
		op->ret_n = 1; /* the server rounds */
	return TP_OK;
}

/* What MSETNX (0) and the EXPIREs behind it were answered: inside the reply to EXEC, or one by one
 * by a server that would not have the transaction and did them all the same. */
static struct redis_reply part(struct redis_talk *t, const struct store_op *op, size_t at, size_t i)
{
	struct redis_reply exec = redis_wire_reply(t->wire, at);

	if (exec.kind == WIRE_ARRAY)
		return redis_wire_element(t->wire, exec, (int64_t)i);
	return redis_wire_reply(t->wire, at - op->n_hits - 1 + i);
}

/* Was there no counter yet, and has each got its end? A server that would not have the transaction
 * (an ACL) is not asked this way again. */
static enum tp_rc answer_first_hit(struct redis_talk *t, struct store_op *op, size_t at,
				   struct tp_err *err)
{
	struct redis_reply exec = redis_wire_reply(t->wire, at), set = part(t, op, at, 0);
	bool done = exec.kind == WIRE_ARRAY;

	if (done && (exec.n != 1 + (int64_t)op->n_hits || set.kind != WIRE_INT))
		return redis_verbs_refused(t, exec, err);
	t->has_expire_nx = done;
	t->again = set.kind != WIRE_INT || set.n == 0;
	for (size_t i = 0; !t->again && i <= op->n_hits; i++) {
		struct redis_reply one = part(t, op, at, i);

		if (one.kind != WIRE_INT || one.n != 1)
			return redis_verbs_refused(t, one, err);
	}
	op->rc = TP_OK;
	return TP_OK;
}

static enum tp_rc answer_hit(struct redis_talk *t, struct store_op *op, size_t at,
			     struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(t->wire, at);

	if (hits_directly(t))
		return answer_first_hit(t, op, at, err);
	if (reply.kind != WIRE_INT || reply.n < 0)
		return redis_verbs_refused(t, reply, err);
	op->rc = reply.n == 0 ? TP_OK : TP_THROTTLED;
	op->ret_n = reply.n;
	return TP_OK;
}

static enum tp_rc answer_unhit(struct redis_talk *t, struct store_op *op, size_t at,
			       struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(t->wire, at);

	if (reply.kind != WIRE_INT || reply.n != 0)
		return redis_verbs_refused(t, reply, err);
	op->rc = TP_OK;
	return TP_OK;
}

static enum tp_rc answer_ping(struct redis_talk *t, struct store_op *op, size_t at,
			      struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(t->wire, at);

	if (reply.kind != WIRE_STATUS || !span_is(reply.s, "PONG"))
		return redis_verbs_refused(t, reply, err);
	op->rc = TP_OK;
	return TP_OK;
}

static const struct verb {
	void (*ask)(struct redis_talk *t, const struct store_op *op);
	enum tp_rc (*answer)(struct redis_talk *t, struct store_op *op, size_t at,
			     struct tp_err *err);
	bool reads; /* may be sent twice */
} verbs[] = {
	[STORE_GET] = { ask_get, answer_get, true },
	[STORE_PUT] = { ask_put, answer_put, false },
	[STORE_DEL] = { ask_del, answer_del, false },
	[STORE_DEL_OWNER] = { ask_del_owner, answer_del_owner, false },
	[STORE_LIST] = { ask_list, answer_list, true },
	[STORE_SAMPLE] = { ask_sample, answer_sample, true },
	[STORE_TTL] = { ask_ttl, answer_ttl, true },
	[STORE_HIT] = { ask_hit, answer_hit, false },
	[STORE_UNHIT] = { ask_unhit, answer_unhit, false },
	[STORE_PING] = { ask_ping, answer_ping, true },
};

size_t redis_verbs_ask(struct redis_talk *t, const struct store_op *op)
{
	verbs[op->verb].ask(t, op);
	return redis_wire_count(t->wire) - 1;
}

/* "<user>__": no window has this key, since a handle is not empty. */
size_t redis_verbs_mark(struct redis_talk *t, const struct store_op *op)
{
	const struct store_key key = { .space = STORE_RESTRICT,
				       .owner = op->key.owner,
				       .item = SPAN_LIT("") };

	command(t, STORE_RESTRICT, "SET", 4);
	arg_key(t, &key);
	arg_str(t, "written");
	arg_str(t, "EX");
	redis_wire_int(t->wire, MARK_S);
	return redis_wire_count(t->wire) - 1;
}

bool redis_verbs_repeatable(const struct store_op *op)
{
	return verbs[op->verb].reads;
}

enum tp_rc redis_verbs_selected(struct redis_talk *t, struct tp_err *err)
{
	for (size_t i = 0; i < redis_wire_count(t->wire); i++) {
		struct redis_reply reply = redis_wire_reply(t->wire, i);

		if (!t->selects[i] || span_is(reply.s, "OK"))
			continue;
		t->spoilt = true;
		return redis_verbs_refused(t, reply, err);
	}
	return TP_OK;
}

enum tp_rc redis_verbs_answer(struct redis_talk *t, struct store_op *op, size_t at,
			      struct tp_err *err)
{
	return verbs[op->verb].answer(t, op, at, err);
}
