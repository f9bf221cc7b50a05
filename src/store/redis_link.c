/* SPDX-License-Identifier: MIT */
/*
 * The handshake and the batch. All questions of the handshake go out in one write, whatever the
 * answers will be: a new connection costs one round trip more than an old one (two with TLS).
 */
#include "store/redis_link.h"

#include <assert.h>

#include "base/banned.h"

enum {
	ROLE_EVERY_MS = 1000,
	WAIT_SPARE_MS = 150 /* a server looks at such times every tenth of a second (hz 10) */
};

/* ---- the handshake ---- */

enum hello {
	HELLO_AUTH,
	HELLO_RESTRICT,
	HELLO_LOGIN,
	HELLO_HEXPIRE,
	HELLO_HRANDFIELD,
	HELLO_CLUSTER,
	HELLO_EXPIRE,
	HELLO_ROLE,
	HELLO_STEPS
};

/* The index of each question's reply, where it was asked. */
struct hello_at {
	size_t v[HELLO_STEPS];
};

static void ask(struct redis_link *l, const char *name, size_t n_args, const char *first,
		const char *second)
{
	redis_wire_command(l->talk.wire, name, n_args);
	if (n_args > 0)
		redis_wire_arg(l->talk.wire, span_of(first));
	if (n_args > 1)
		redis_wire_arg(l->talk.wire, span_of(second));
}

/* PING stands in for AUTH. */
static void ask_auth(struct redis_link *l)
{
	const struct redis_node *node = l->node;

	if (node->password.p != NULL)
		redis_wire_auth(l->talk.wire, node->user, node->password);
	else
		ask(l, "PING", 0, NULL, NULL);
}

static void ask_select(struct redis_link *l, int db)
{
	redis_wire_command(l->talk.wire, "SELECT", 1);
	redis_wire_int(l->talk.wire, db);
}

/* Both databases are selected: later a SELECT goes out together with the writes that rely on it. */
static struct hello_at hello_ask(struct redis_link *l)
{
	struct hello_at at = { 0 };

	ask_auth(l);
	if (l->node->db != NULL) {
		at.v[HELLO_RESTRICT] = redis_wire_count(l->talk.wire);
		ask_select(l, l->node->db[STORE_RESTRICT]);
		at.v[HELLO_LOGIN] = redis_wire_count(l->talk.wire);
		ask_select(l, l->node->db[STORE_LOGIN]);
	}
	at.v[HELLO_HEXPIRE] = redis_wire_count(l->talk.wire);
	ask(l, "COMMAND", 2, "INFO", "HEXPIRE");
	at.v[HELLO_HRANDFIELD] = redis_wire_count(l->talk.wire);
	ask(l, "COMMAND", 2, "INFO", "HRANDFIELD");
	at.v[HELLO_CLUSTER] = redis_wire_count(l->talk.wire);
	ask(l, "INFO", 1, "cluster", NULL);
	at.v[HELLO_EXPIRE] = redis_wire_count(l->talk.wire);
	ask(l, "COMMAND", 2, "INFO", "EXPIRE");
	at.v[HELLO_ROLE] = redis_wire_count(l->talk.wire);
	if (l->node->must_be_master)
		ask(l, "ROLE", 0, NULL, NULL);
	return at;
}

static enum tp_rc hello_auth(struct redis_link *l, struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(l->talk.wire, HELLO_AUTH);

	if (reply.kind == WIRE_STATUS)
		return TP_OK;
	/* "ERR invalid password", "ERR AUTH called without any password configured": older words */
	if (reply.kind == WIRE_ERROR && span_starts(reply.s, "ERR "))
		reply.s = SPAN_LIT("WRONGPASS ");
	return redis_verbs_refused(&l->talk, reply, err);
}

static enum tp_rc hello_cluster(struct redis_link *l, size_t at, struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(l->talk.wire, at);
	bool wanted = l->node->db == NULL;

	if (reply.kind != WIRE_STRING && reply.kind != WIRE_ERROR)
		return redis_verbs_refused(&l->talk, reply, err);
	l->is_cluster = reply.kind == WIRE_STRING &&
			memmem(reply.s.p, reply.s.len, "cluster_enabled:1", 17) != NULL;
	if (l->is_cluster == wanted)
		return TP_OK;
	return dial_fail(&l->node->peer,
			 wanted ? "is not part of a Redis Cluster, but DB_URL names more "
				  "than one host, or it was before"
				: "is part of a Redis Cluster",
			 err);
}

static enum tp_rc hello_database(struct redis_link *l, size_t at, enum store_space space,
				 struct tp_err *err)
{
	struct redis_reply reply;

	if (l->node->db == NULL)
		return TP_OK;
	reply = redis_wire_reply(l->talk.wire, at);
	if (reply.kind == WIRE_ERROR && span_starts(reply.s, "ERR "))
		return tp_fail(err, TP_UNAVAILABLE, "%s at %.100s has no database %d",
			       l->node->peer.kind, l->node->peer.name, l->node->db[space]);
	if (reply.kind != WIRE_STATUS || !span_is(reply.s, "OK"))
		return redis_verbs_refused(&l->talk, reply, err);
	return TP_OK;
}

/* COMMAND INFO: an array with one element, nil where the server has no such command. A server that
 * does not know the question does not have it either; one that forbids it is not guessed at. */
static enum tp_rc hello_has(struct redis_link *l, size_t at, bool *ret, struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(l->talk.wire, at);
	bool unknown = reply.kind == WIRE_ERROR && span_starts(reply.s, "ERR ");

	if (reply.kind != WIRE_ARRAY && reply.kind != WIRE_NIL && !unknown)
		return redis_verbs_refused(&l->talk, reply, err);
	*ret = redis_wire_element(l->talk.wire, reply, 0).kind == WIRE_ARRAY;
	return TP_OK;
}

/* Its name and then its arity: 3 in servers that know no condition, else "at least 3". To be unsure
 * costs time only. */
static bool hello_has_expire_nx(struct redis_link *l, size_t at)
{
	struct redis_reply reply = redis_wire_reply(l->talk.wire, at);
	struct redis_reply it = redis_wire_element(l->talk.wire, reply, 0);
	struct redis_reply arity = redis_wire_element(l->talk.wire, it, 1);

	return arity.kind == WIRE_INT && arity.n == -3;
}

/* ROLE: an array whose first element is the word, and whose third is an array again for a master.
 */
static enum tp_rc take_role(struct redis_link *l, size_t at, struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(l->talk.wire, at);
	struct redis_reply role = redis_wire_element(l->talk.wire, reply, 0);

	if (role.kind != WIRE_STRING)
		return redis_verbs_refused(&l->talk, reply, err);
	l->role_ms = clock_mono_ms();
	if (span_is(role.s, "master"))
		return TP_OK;
	l->talk.spoilt = true;
	return dial_fail(&l->node->peer, "is not the master", err);
}

static enum tp_rc hello(struct redis_link *l, int64_t deadline_ms, struct tp_err *err)
{
	struct hello_at at = hello_ask(l);
	enum tp_rc rc = redis_wire_run(l->talk.wire, deadline_ms, err);

	if (rc == TP_OK)
		rc = hello_auth(l, err);
	if (rc == TP_OK)
		rc = hello_cluster(l, at.v[HELLO_CLUSTER], err);
	if (rc == TP_OK)
		rc = hello_database(l, at.v[HELLO_RESTRICT], STORE_RESTRICT, err);
	if (rc == TP_OK)
		rc = hello_database(l, at.v[HELLO_LOGIN], STORE_LOGIN, err);
	if (rc == TP_OK)
		rc = hello_has(l, at.v[HELLO_HEXPIRE], &l->talk.has_hexpire, err);
	if (rc == TP_OK)
		rc = hello_has(l, at.v[HELLO_HRANDFIELD], &l->talk.has_hrandfield, err);
	if (rc == TP_OK && l->node->must_be_master)
		rc = take_role(l, at.v[HELLO_ROLE], err);
	/* In a cluster a transaction could be redirected in its middle; a script is not. */
	l->talk.has_expire_nx =
		rc == TP_OK && l->node->db != NULL && hello_has_expire_nx(l, at.v[HELLO_EXPIRE]);
	redis_wire_clear(l->talk.wire);
	return rc;
}

enum tp_rc redis_link_connect(struct redis_link *l, const struct redis_node *node,
			      int64_t deadline_ms, struct tp_err *err)
{
	static const int cluster_db[3];
	enum tp_rc rc;

	*l = (struct redis_link){ .node = node };
	l->talk.name = node->peer.name;
	l->talk.clock = node->clock;
	l->talk.db = node->db != NULL ? node->db : cluster_db;
	l->talk.prefix = node->db == NULL ? node->prefix : NULL;
	rc = redis_wire_open(&node->peer, deadline_ms, &l->talk.wire, err);
	if (rc != TP_OK)
		return rc;
	rc = hello(l, deadline_ms, err);
	if (rc != TP_OK)
		redis_link_release(l);
	l->talk.current_db = l->talk.db[STORE_LOGIN];
	l->talk.spoilt = false;
	return rc;
}

void redis_link_release(struct redis_link *l)
{
	redis_wire_close(l->talk.wire);
	l->talk.wire = NULL;
}

/* ---- a batch ---- */

static bool role_due(const struct redis_link *l)
{
	return l->node->must_be_master && clock_mono_ms() >= l->role_ms + ROLE_EVERY_MS;
}

/* Is one of the operation's replies, those from `first` to before `end`, that another node has to
 * do it? An operation that takes no command has none. */
static struct redis_turn find_turn(const struct redis_link *l, size_t first, size_t end)
{
	struct redis_turn turn = { .kind = REDIS_TURN_NONE };

	for (size_t i = first; turn.kind == REDIS_TURN_NONE && i < end; i++) {
		struct redis_reply reply = redis_wire_reply(l->talk.wire, i);

		if (reply.kind == WIRE_ERROR)
			turn = redis_slots_turn(reply.s);
	}
	return turn;
}

static bool is_change(const struct store_op *op)
{
	return op->key.space == STORE_LOGIN && !op->no_wait &&
	       (op->verb == STORE_PUT || op->verb == STORE_DEL || op->verb == STORE_DEL_OWNER);
}

/* Does somebody learn of a change by this batch? Then the replicas have to have it first. */
static bool wait_due(const struct redis_link *l, const struct store_op *ops, size_t n)
{
	if (l->node->wait_replicas == 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (is_change(&ops[i]))
			return true;
	return false;
}

static bool did_change(const struct redis_link *l, const struct store_op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (l->turn[i].kind == REDIS_TURN_NONE && is_change(&ops[i]))
			return true;
	return false;
}

/*
 * WAIT goes by the last write of its own connection, and an operation may have found that there is
 * nothing to write: the session was ended by somebody else a moment ago, or by this call's first
 * try, whose answer was a failure. Therefore each change is followed by a mark, which always is a
 * write. The server does one thing after another and its replicas do the same in the same order:
 * who has the mark has all that the operations before it wrote, and all that they saw. A mark for
 * each change, not for each batch: in a cluster, some of them may be for another node.
 *
 * A part of the time stays for the answer, and for taking the change back.
 */
static void ask_wait(struct redis_link *l, const struct store_op *ops, size_t n,
		     int64_t deadline_ms, size_t *ret_marks)
{
	int64_t left_ms = deadline_ms - clock_mono_ms();
	int64_t spare_ms = left_ms / 8 > WAIT_SPARE_MS ? left_ms / 8 : WAIT_SPARE_MS;
	int64_t most_ms = left_ms - (spare_ms < left_ms / 2 ? spare_ms : left_ms / 2);

	for (size_t i = 0; i < n; i++)
		if (is_change(&ops[i]))
			ret_marks[i] = redis_verbs_mark(&l->talk, &ops[i]);
	redis_wire_command(l->talk.wire, "WAIT", 2);
	redis_wire_int(l->talk.wire, l->node->wait_replicas);
	redis_wire_int(l->talk.wire, most_ms > 0 ? most_ms : 1); /* 0 would be for ever */
}

/* The operation was done here, and so its mark has to be; but its slot may leave in between. */
static enum tp_rc take_mark(struct redis_link *l, size_t at, struct tp_err *err)
{
	struct redis_reply reply = redis_wire_reply(l->talk.wire, at);

	if (reply.kind == WIRE_STATUS)
		return TP_OK;
	if (l->node->db == NULL && find_turn(l, at, at + 1).kind != REDIS_TURN_NONE)
		return dial_fail(&l->node->peer,
				 "gives the slot away just now: replicas cannot be waited for",
				 err);
	return redis_verbs_refused(&l->talk, reply, err);
}

static enum tp_rc take_wait(struct redis_link *l, const struct store_op *ops, size_t n,
			    const size_t *marks, struct tp_err *err)
{
	struct redis_reply reply =
		redis_wire_reply(l->talk.wire, redis_wire_count(l->talk.wire) - 1);
	enum tp_rc rc = TP_OK;

	for (size_t i = 0; rc == TP_OK && i < n; i++)
		if (l->turn[i].kind == REDIS_TURN_NONE && is_change(&ops[i]))
			rc = take_mark(l, marks[i], err);
	if (rc != TP_OK)
		return rc;
	if (reply.kind != WIRE_INT || reply.n < 0)
		return redis_verbs_refused(&l->talk, reply, err);
	if (reply.n >= l->node->wait_replicas)
		return TP_OK;
	return tp_fail(err, TP_UNAVAILABLE,
		       "%s at %.100s: %lld replicas have the change, not %d (DB_WAIT_REPLICAS)",
		       l->node->peer.kind, l->node->peer.name, (long long)reply.n,
		       l->node->wait_replicas);
}

static enum tp_rc take_answers(struct redis_link *l, struct store_op *ops, size_t n,
			       const size_t *at, struct tp_err *err)
{
	enum tp_rc rc = redis_verbs_selected(&l->talk, err);

	for (size_t i = 0; rc == TP_OK && i < n; i++) {
		if (l->node->db == NULL)
			l->turn[i] = find_turn(l, i > 0 ? at[i - 1] + 1 : 0, at[i] + 1);
		if (l->turn[i].kind == REDIS_TURN_NONE)
			rc = redis_verbs_answer(&l->talk, &ops[i], at[i], err);
	}
	return rc;
}

static enum tp_rc round_trip(struct redis_link *l, struct store_op *ops, size_t n,
			     int64_t deadline_ms, enum redis_wire_loss *ret_loss,
			     struct tp_err *err)
{
	size_t at[LIMIT_STORE_OPS], marks[LIMIT_STORE_OPS] = { 0 };
	bool role = role_due(l), wait = wait_due(l, ops, n);
	enum tp_rc rc;

	memset(l->talk.selects, 0, sizeof(l->talk.selects));
	if (role)
		ask(l, "ROLE", 0, NULL, NULL);
	for (size_t i = 0; i < n; i++)
		at[i] = redis_verbs_ask(&l->talk, &ops[i]);
	if (wait)
		ask_wait(l, ops, n, deadline_ms, marks);
	rc = redis_wire_run(l->talk.wire, deadline_ms, err);
	if (rc != TP_OK) {
		*ret_loss = redis_wire_loss(l->talk.wire);
		l->talk.spoilt = true;
	}
	if (rc == TP_OK && role)
		rc = take_role(l, 0, err);
	if (rc == TP_OK)
		rc = take_answers(l, ops, n, at, err);
	/* Not where another node has to do it all: this one may be a replica, which says no. */
	if (rc == TP_OK && wait && did_change(l, ops, n))
		rc = take_wait(l, ops, n, marks, err);
	redis_wire_clear(l->talk.wire);
	return rc;
}

enum tp_rc redis_link_run(struct redis_link *l, struct store_op *ops, size_t n, int64_t deadline_ms,
			  enum redis_wire_loss *ret_loss, struct tp_err *err)
{
	enum tp_rc rc;

	assert(n <= LIMIT_STORE_OPS);
	*ret_loss = WIRE_NOT_LOST;
	l->talk.alone = n == 1;
	l->talk.again = false;
	rc = round_trip(l, ops, n, deadline_ms, ret_loss, err);
	if (rc == TP_OK && l->talk.again)
		rc = round_trip(l, ops, n, deadline_ms, ret_loss, err);
	if (l->talk.spoilt)
		redis_link_release(l);
	return rc;
}

static bool all_reads(const struct store_op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!redis_verbs_repeatable(&ops[i]))
			return false;
	return true;
}

bool redis_link_repeatable(enum redis_wire_loss loss, const struct store_op *ops, size_t n)
{
	return loss == WIRE_UNSENT || (loss == WIRE_UNANSWERED && all_reads(ops, n));
}
