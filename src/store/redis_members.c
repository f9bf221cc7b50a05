/* SPDX-License-Identifier: MIT */
/* Whom to ask, who is down, and what they say of the slots. */
#include "store/redis_members.h"

#include "base/clock.h"

#include "base/banned.h"

enum {
	DOWN_MS = 1000,	     /* a node that failed is not asked again before */
	PROBE_MOST_MS = 250, /* for it to answer then */
	LEARN_MOST_MS = 500  /* for one node to say what it knows */
};

/* ---- members ---- */

void redis_member_release(struct redis_member *m)
{
	redis_link_release(&m->link);
	*m = (struct redis_member){ .used = false };
}

void redis_member_init(const struct redis_cluster *c, struct redis_member *m,
		       const struct redis_at *at)
{
	*m = (struct redis_member){ .at = *at, .used = true, .node = *c->like };
	dial_peer_name(m->at.host, m->at.port, m->name, sizeof(m->name));
	m->node.db = NULL;
	m->node.prefix = c->numbers;
	m->node.must_be_master = false;
	m->node.peer.path = NULL;
	m->node.peer.host = m->at.host;
	m->node.peer.port = m->at.port;
	m->node.peer.name = m->name;
}

/* Also one that was not known yet. NULL: there is no room. */
struct redis_member *redis_member_at(struct redis_cluster *c, const struct redis_at *at)
{
	struct redis_member *room = NULL;

	for (size_t i = 0; i < LIMIT_CLUSTER_NODES; i++) {
		struct redis_member *m = &c->v[i];

		if (m->used && m->node.peer.path == NULL && m->at.port == at->port &&
		    strcmp(m->at.host, at->host) == 0)
			return m;
		if (!m->used && room == NULL)
			room = m;
	}
	if (room != NULL)
		redis_member_init(c, room, at);
	return room;
}

/* The address as `by` gave it: no host is its own. By a unix socket that is this machine. */
struct redis_at redis_member_seen(const struct redis_member *by, const struct redis_at *at)
{
	struct redis_at ret = *at;

	if (ret.host[0] != '\0')
		return ret;
	if (by->node.peer.path != NULL)
		memcpy(ret.host, "127.0.0.1", sizeof("127.0.0.1"));
	else
		memcpy(ret.host, by->at.host, sizeof(ret.host));
	return ret;
}

void redis_member_failed(struct redis_cluster *c, struct redis_member *m)
{
	redis_link_release(&m->link);
	m->suspect = true;
	m->down_ms = clock_mono_ms() + DOWN_MS;
	c->stale = true;
}

int64_t redis_member_sooner(int64_t deadline_ms, int64_t most_ms)
{
	int64_t end_ms = clock_mono_ms() + most_ms;

	return end_ms < deadline_ms ? end_ms : deadline_ms;
}

enum tp_rc redis_member_ready(struct redis_cluster *c, struct redis_member *m, int64_t deadline_ms,
			      struct tp_err *err)
{
	int64_t most_ms;
	enum tp_rc rc;

	if (redis_link_up(&m->link) && !redis_link_quiet(&m->link))
		redis_link_release(&m->link);
	if (redis_link_up(&m->link))
		return TP_OK;
	/* Time has to be left to go elsewhere. */
	most_ms = m->suspect ? PROBE_MOST_MS : (deadline_ms - clock_mono_ms()) / 2;
	deadline_ms = redis_member_sooner(deadline_ms, most_ms);
	rc = redis_link_connect(&m->link, &m->node, deadline_ms, err);
	if (rc != TP_OK)
		redis_member_failed(c, m);
	else
		m->suspect = false;
	return rc;
}

/* ---- learning the map ---- */

static enum tp_rc adopt(struct redis_cluster *c, const struct redis_member *by, struct tp_err *err)
{
	uint8_t index[UINT8_MAX + 1]; /* REDIS_NO_NODE stays what it is */

	memset(index, REDIS_NO_NODE, sizeof(index));
	for (size_t i = 0; i < LIMIT_CLUSTER_NODES; i++)
		c->v[i].has_slots = false;
	for (size_t i = 0; i < c->slots.n_nodes; i++) {
		struct redis_at at = redis_member_seen(by, &c->slots.nodes[i]);
		struct redis_member *m = redis_member_at(c, &at);

		if (m == NULL)
			return dial_fail(&by->node.peer, "names too many nodes", err);
		m->has_slots = true;
		index[i] = (uint8_t)(m - c->v);
	}
	for (size_t i = 0; i < REDIS_SLOTS; i++)
		c->of[i] = index[c->slots.of[i]];
	return TP_OK;
}

/* Who has no slot any more is forgotten; `by` may still be in use. */
static void drop_others(struct redis_cluster *c, const struct redis_member *by)
{
	for (size_t i = 0; i < LIMIT_CLUSTER_NODES; i++) {
		struct redis_member *m = &c->v[i];

		if (m->used && m != by && !m->named && !m->has_slots)
			redis_member_release(m);
	}
}

/* One question to one node, beside the operations; its reply is good until redis_wire_clear(). */
enum tp_rc redis_member_ask(struct redis_cluster *c, struct redis_member *m, const char *about,
			    int64_t deadline_ms, struct tp_err *err)
{
	enum tp_rc rc = redis_member_ready(c, m, deadline_ms, err);

	if (rc != TP_OK)
		return rc;
	redis_wire_command(m->link.talk.wire, "CLUSTER", 1);
	redis_wire_arg(m->link.talk.wire, span_of(about));
	rc = redis_wire_run(m->link.talk.wire, deadline_ms, err);
	if (rc != TP_OK)
		redis_member_failed(c, m);
	return rc;
}

enum tp_rc redis_members_learn_from(struct redis_cluster *c, struct redis_member *m,
				    int64_t deadline_ms, struct tp_err *err)
{
	struct redis_wire *wire;
	enum tp_rc rc = redis_member_ask(c, m, "SLOTS", deadline_ms, err);

	if (rc != TP_OK)
		return rc;
	wire = m->link.talk.wire;
	if (redis_slots_read(wire, redis_wire_reply(wire, 0), &c->slots))
		rc = adopt(c, m, err);
	else
		rc = redis_verbs_refused(&m->link.talk, redis_wire_reply(wire, 0), err);
	redis_wire_clear(wire);
	if (rc != TP_OK) {
		redis_member_failed(c, m);
		return rc;
	}
	drop_others(c, m);
	c->stale = false;
	c->learnt_ms = clock_mono_ms();
	return TP_OK;
}

bool redis_member_turn(const struct redis_member *m, int round)
{
	bool up = redis_link_up(&m->link);
	bool down = m->suspect && clock_mono_ms() < m->down_ms;

	if (!m->used)
		return false;
	return round == 0 ? up : round == 1 ? !up && !m->suspect : m->suspect && !down;
}

enum tp_rc redis_members_learn(struct redis_cluster *c, int64_t deadline_ms, struct tp_err *err)
{
	enum tp_rc rc = tp_fail(err, TP_UNAVAILABLE,
				"no node of the Redis Cluster answers, and each failed less than a "
				"second ago");

	for (int round = 0; round < REDIS_ROUNDS; round++)
		for (size_t i = 0; i < LIMIT_CLUSTER_NODES; i++) {
			if (!redis_member_turn(&c->v[i], round))
				continue;
			rc = redis_members_learn_from(
				c, &c->v[i], redis_member_sooner(deadline_ms, LEARN_MOST_MS), err);
			if (rc == TP_OK || rc == TP_NOMEM)
				return rc;
		}
	c->is_up = false;
	return rc;
}
