/* SPDX-License-Identifier: MIT */
/*
 * A batch that is taken apart by node. A batch is done in passes: each
 * sends what is still to do to the nodes that should have it, one round trip for each node, and
 * what comes back as a redirection is left for the next pass.
 */
#include "store/redis_cluster.h"

#include "base/clock.h"
#include "store/redis_keys.h"
#include "store/redis_members.h"
#include "store/redis_walk.h"
#include "store/store_url.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

enum {
	PORT = 6379,
	TURNS_MOST = 16,       /* redirections of one call */
	LEARN_MOST_MS = 500,   /* after one, for the node that it names */
	LEARN_EVERY_MS = 1000, /* for a ping */
	PAUSE_FIRST_MS = 5,
	PAUSE_MOST_MS = 100
};

/* ---- a batch ---- */

enum step { STEP_TO_DO, STEP_TRIED, STEP_DONE };

struct call {
	struct redis_cluster *c;
	struct store_op *ops;
	size_t n;
	int64_t deadline_ms;
	enum step step[LIMIT_STORE_OPS];
	struct redis_at ask[LIMIT_STORE_OPS]; /* port 0: where the map says */
	int turns;
	bool wait; /* nobody can do it at the moment */
};

static int slot_of(const struct redis_cluster *c, const struct store_op *op)
{
	char room[REDIS_KEYS_ROOM];
	bool counts = op->verb == STORE_HIT || op->verb == STORE_UNHIT;
	enum store_space space = counts ? STORE_THROTTLE : op->key.space;

	return redis_slots_of(redis_keys_head(c->numbers[space], space, op->key.owner, room));
}

/* NULL: nobody has the slot. */
static struct redis_member *member_for(struct call *call, size_t i)
{
	uint8_t at;

	if (call->ask[i].port != 0)
		return redis_member_at(call->c, &call->ask[i]);
	at = call->c->of[slot_of(call->c, &call->ops[i])];
	return at != REDIS_NO_NODE ? &call->c->v[at] : NULL;
}

/* What one node was asked for. */
struct part {
	struct redis_member *m;
	size_t n;
	size_t index[LIMIT_STORE_OPS];
	struct store_op ops[LIMIT_STORE_OPS];
};

/* An operation that follows an ASK goes alone: ASKING is not for the others. */
static void gather(struct call *call, size_t first, struct part *ret)
{
	bool asking = call->ask[first].port != 0;

	ret->n = 0;
	for (size_t i = first; i < call->n && (i == first || !asking); i++) {
		if (call->step[i] != STEP_TO_DO || (i != first && call->ask[i].port != 0) ||
		    member_for(call, i) != ret->m)
			continue;
		ret->index[ret->n] = i;
		ret->ops[ret->n++] = call->ops[i];
		call->step[i] = STEP_TRIED;
	}
}

static enum tp_rc take_turn(struct call *call, size_t i, const struct redis_member *m,
			    const struct redis_turn *turn, struct tp_err *err)
{
	struct redis_cluster *c = call->c;
	struct redis_at at = redis_member_seen(m, &turn->at);
	struct redis_member *to;

	call->ask[i].port = 0;
	if (turn->kind == REDIS_TURN_LATER || turn->kind == REDIS_TURN_DOWN) {
		call->wait = true;
		c->stale = c->stale || turn->kind == REDIS_TURN_DOWN;
		return TP_OK;
	}
	if (++call->turns > TURNS_MOST)
		return dial_fail(&m->node.peer, "and others redirect without an end", err);
	if (turn->kind == REDIS_TURN_ASK) {
		call->ask[i] = at;
		return TP_OK;
	}
	/* A failover moves many slots, and a map from elsewhere may be behind: the whole map is
	 * learnt, and this slot is where we were told. */
	to = redis_member_at(c, &at);
	if (to == NULL)
		return dial_fail(&m->node.peer, "names too many nodes", err);
	if (redis_members_learn_from(c, to, redis_member_sooner(call->deadline_ms, LEARN_MOST_MS),
				     err) == TP_NOMEM)
		return TP_NOMEM;
	to = redis_member_at(c, &at);
	if (to != NULL)
		c->of[turn->slot] = (uint8_t)(to - c->v);
	return TP_OK;
}

static enum tp_rc take_part(struct call *call, const struct part *part, struct tp_err *err)
{
	struct redis_turn turn[LIMIT_STORE_OPS];
	struct redis_member by = { .at = part->m->at, .node = part->m->node };
	enum tp_rc rc = TP_OK;

	/* Copied: following a redirection may drop the member. */
	memcpy(turn, part->m->link.turn, sizeof(turn));
	for (size_t k = 0; rc == TP_OK && k < part->n; k++) {
		size_t i = part->index[k];

		if (turn[k].kind == REDIS_TURN_NONE) {
			call->ops[i] = part->ops[k];
			call->step[i] = STEP_DONE;
		} else {
			rc = take_turn(call, i, &by, &turn[k], err);
		}
	}
	return rc;
}

static enum tp_rc refuse_down(const struct redis_member *m, struct tp_err *err)
{
	return tp_fail_retry(
		err, TP_UNAVAILABLE, 1,
		"redis at %.100s failed less than a second ago and was not asked again", m->name);
}

static enum tp_rc run_part(struct call *call, struct part *part, struct tp_err *err)
{
	struct redis_cluster *c = call->c;
	struct redis_member *m = part->m;
	enum redis_wire_loss loss = WIRE_NOT_LOST;
	enum tp_rc rc;

	assert(part->n > 0);
	if (m->suspect && clock_mono_ms() < m->down_ms)
		return refuse_down(m, err);
	rc = redis_member_ready(c, m, call->deadline_ms, err);
	if (rc == TP_UNAVAILABLE) {
		/* Nothing was sent. The next pass goes by a new map, and fails if that has the same
		 * node: it is down now. */
		for (size_t k = 0; k < part->n; k++)
			call->ask[part->index[k]].port = 0;
		return TP_OK;
	}
	if (rc != TP_OK)
		return rc;
	m->link.talk.asking = call->ask[part->index[0]].port != 0;
	rc = redis_link_run(&m->link, part->ops, part->n, call->deadline_ms, &loss, err);
	if (rc == TP_OK)
		return take_part(call, part, err);
	if (redis_link_up(&m->link))
		return rc; /* it answered, and refused */
	c->stale = true;
	if (redis_link_repeatable(loss, part->ops, part->n) && ++call->turns <= TURNS_MOST)
		return TP_OK;
	if (loss == WIRE_NOT_LOST)
		redis_member_failed(c, m);
	return rc;
}

/* A part that fails does not keep the others from being done, as in the pipeline of one server: a
 * login whose session cannot be stored is still taken off the count of wrong passwords. */
static enum tp_rc pass(struct call *call, struct tp_err *err)
{
	struct part part;
	enum tp_rc rc = TP_OK;

	for (size_t i = 0; i < call->n; i++)
		if (call->step[i] == STEP_TRIED)
			call->step[i] = STEP_TO_DO;
	for (size_t i = 0; i < call->n; i++) {
		enum tp_rc part_rc;

		if (call->step[i] != STEP_TO_DO || call->ops[i].verb == STORE_PING)
			continue;
		part.m = member_for(call, i);
		if (part.m == NULL) {
			call->step[i] = STEP_TRIED;
			call->wait = call->c->stale = true;
			continue;
		}
		gather(call, i, &part);
		part_rc = run_part(call, &part, rc == TP_OK ? err : NULL);
		if (rc == TP_OK)
			rc = part_rc;
	}
	return rc;
}

/* ---- STORE_PING ---- */

static enum tp_rc check_state(struct redis_cluster *c, struct redis_member *m, int64_t deadline_ms,
			      struct tp_err *err)
{
	enum tp_rc rc = redis_member_ask(c, m, "INFO", deadline_ms, err);
	struct redis_reply reply;

	if (rc != TP_OK)
		return rc;
	reply = redis_wire_reply(m->link.talk.wire, 0);
	if (reply.kind != WIRE_STRING)
		rc = redis_verbs_refused(&m->link.talk, reply, err);
	else if (memmem(reply.s.p, reply.s.len, "cluster_state:ok", 16) == NULL)
		rc = dial_fail(&m->node.peer, "is part of a Redis Cluster that is down", err);
	redis_wire_clear(m->link.talk.wire);
	return rc;
}

static enum tp_rc ping(struct redis_cluster *c, int64_t deadline_ms, struct tp_err *err)
{
	enum tp_rc rc = TP_UNAVAILABLE;
	size_t missing = 0;

	for (size_t i = 0; i < REDIS_SLOTS; i++)
		missing += c->of[i] == REDIS_NO_NODE;
	if (missing > 0)
		return tp_fail(err, TP_UNAVAILABLE,
			       "the Redis Cluster has no master for %zu of its %d slots", missing,
			       REDIS_SLOTS);
	for (int round = 0; rc != TP_OK && round < REDIS_ROUNDS; round++)
		for (size_t i = 0; rc != TP_OK && i < LIMIT_CLUSTER_NODES; i++)
			if (c->v[i].has_slots && redis_member_turn(&c->v[i], round))
				rc = check_state(c, &c->v[i], deadline_ms, err);
	if (rc != TP_OK)
		c->is_up = false;
	return rc;
}

static enum tp_rc do_pings(struct call *call, struct tp_err *err)
{
	enum tp_rc rc = TP_OK;

	for (size_t i = 0; rc == TP_OK && i < call->n; i++) {
		if (call->ops[i].verb != STORE_PING)
			continue;
		if (clock_mono_ms() >= call->c->learnt_ms + LEARN_EVERY_MS)
			rc = redis_members_learn(call->c, call->deadline_ms, err);
		if (rc == TP_OK)
			rc = ping(call->c, call->deadline_ms, err);
		call->ops[i].rc = rc;
		call->step[i] = STEP_DONE;
	}
	return rc;
}

/* ---- a call ---- */

static bool is_done(const struct call *call)
{
	for (size_t i = 0; i < call->n; i++)
		if (call->step[i] != STEP_DONE)
			return false;
	return true;
}

static enum tp_rc hold_on(struct call *call, int64_t *pause_ms, struct tp_err *err)
{
	if (!call->wait)
		return TP_OK;
	call->wait = false;
	if (clock_mono_ms() + *pause_ms >= call->deadline_ms) {
		call->c->is_up = false;
		return tp_fail(err, TP_UNAVAILABLE,
			       "the Redis Cluster is down, or has no master for a slot");
	}
	clock_pause_us(*pause_ms * 1000);
	*pause_ms = 2 * *pause_ms < PAUSE_MOST_MS ? 2 * *pause_ms : PAUSE_MOST_MS;
	return TP_OK;
}

enum tp_rc redis_cluster_run(struct redis_cluster *c, struct store_op *ops, size_t n,
			     int64_t deadline_ms, struct tp_err *err)
{
	struct call call = { .c = c, .ops = ops, .n = n, .deadline_ms = deadline_ms };
	int64_t pause_ms = PAUSE_FIRST_MS;
	enum tp_rc rc;

	assert(n <= LIMIT_STORE_OPS);
	c->is_up = true;
	if (c->stale)
		rc = redis_members_learn(c, deadline_ms, err);
	else
		rc = TP_OK;
	if (rc == TP_OK)
		rc = do_pings(&call, err);
	while (rc == TP_OK && !is_done(&call)) {
		rc = pass(&call, err);
		if (rc == TP_OK)
			rc = hold_on(&call, &pause_ms, err);
		if (rc == TP_OK && c->stale && !is_done(&call))
			rc = redis_members_learn(c, deadline_ms, err);
	}
	return rc;
}

bool redis_cluster_connected(const struct redis_cluster *c)
{
	return c->is_up;
}

/* ---- the walk ---- */

static enum tp_rc walk_all(struct redis_cluster *c, struct store_walk *w, int64_t step_ms,
			   struct tp_err *err)
{
	enum tp_rc rc = TP_OK;

	for (size_t i = 0; rc == TP_OK && w->rc == TP_OK && i < LIMIT_CLUSTER_NODES; i++) {
		struct redis_member *m = &c->v[i];

		if (!m->used || !m->has_slots)
			continue;
		rc = redis_member_ready(c, m, clock_mono_ms() + step_ms, err);
		if (rc != TP_OK)
			return rc;
		rc = redis_walk(&m->link.talk, w, step_ms, err);
		if (m->link.talk.spoilt)
			redis_member_failed(c, m);
	}
	return rc;
}

enum tp_rc redis_cluster_walk(struct redis_cluster *c, struct store_walk *w, int64_t step_ms,
			      struct tp_err *err)
{
	uint8_t before[REDIS_SLOTS];
	enum tp_rc rc = redis_members_learn(c, clock_mono_ms() + step_ms, err);

	if (rc == TP_OK)
		rc = ping(c, clock_mono_ms() + step_ms, err);
	if (rc != TP_OK)
		return rc;
	memcpy(before, c->of, sizeof(before));
	rc = walk_all(c, w, step_ms, err);
	if (rc == TP_OK)
		rc = redis_members_learn(c, clock_mono_ms() + step_ms, err);
	if (rc == TP_OK && memcmp(before, c->of, sizeof(before)) != 0)
		rc = tp_fail(err, TP_UNAVAILABLE,
			     "slots of the Redis Cluster moved during the walk over its sessions");
	return rc;
}

/* ---- open and close ---- */

static enum tp_rc add_named(struct redis_cluster *c, struct span host, int port, struct tp_err *err)
{
	struct redis_at at = { .port = port > 0 ? port : PORT };
	struct redis_member *m;

	if (host.len > REDIS_HOST)
		return tp_fail(err, TP_INVALID, "DB_URL names a host that cannot be");
	memcpy(at.host, host.p, host.len);
	m = redis_member_at(c, &at);
	if (m == NULL)
		return tp_fail(err, TP_INVALID, "DB_URL names too many hosts");
	m->named = true;
	return TP_OK;
}

static enum tp_rc add_hosts(struct redis_cluster *c, const struct redis_cluster_spec *spec,
			    struct tp_err *err)
{
	struct span rest = spec->hosts, host = { NULL, 0 };
	enum tp_rc rc = TP_OK;
	int port = -1;

	if (spec->node->peer.path != NULL) {
		const struct redis_at at = { .port = PORT };
		struct redis_member *m = &c->v[0];

		redis_member_init(c, m, &at);
		m->named = true;
		m->node.peer = spec->node->peer;
		return TP_OK;
	}
	/* One alone has lost its brackets, if it had any. */
	if (!span_has_byte(rest, ','))
		return add_named(c, rest, spec->port, err);
	while (rc == TP_OK && store_url_host(&rest, &host, &port))
		rc = add_named(c, host, port, err);
	return rc;
}

enum tp_rc redis_cluster_open(const struct redis_cluster_spec *spec, struct redis_cluster **ret,
			      struct tp_err *err)
{
	struct redis_cluster *c = calloc(1, sizeof(*c));
	enum tp_rc rc;

	if (c == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	c->like = spec->node;
	c->stale = true;
	memcpy(c->numbers, spec->numbers, sizeof(c->numbers));
	memset(c->of, REDIS_NO_NODE, sizeof(c->of));
	rc = add_hosts(c, spec, err);
	if (rc != TP_OK) {
		redis_cluster_close(c);
		return rc;
	}
	*ret = c;
	return TP_OK;
}

void redis_cluster_close(struct redis_cluster *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < LIMIT_CLUSTER_NODES; i++)
		redis_member_release(&c->v[i]);
	free(c);
}
