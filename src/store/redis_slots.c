/* SPDX-License-Identifier: MIT */
/* Slots, redirections and the map, each of them parsed strictly: a wrong map would not give a wrong
 * answer (the nodes check), but send a worker around for nothing. */
#include "store/redis_slots.h"

#include "base/banned.h"

enum { PORT_MOST = 65535, CRC_POLY = 0x1021 };

uint16_t redis_slots_crc(struct span s)
{
	unsigned crc = 0;

	for (size_t i = 0; i < s.len; i++) {
		crc ^= (unsigned)(unsigned char)s.p[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 0x8000 ? crc << 1 ^ CRC_POLY : crc << 1;
	}
	return (uint16_t)(crc & 0xffff);
}

int redis_slots_of(struct span key)
{
	struct span rest = key, tag;

	(void)span_cut(&rest, '{');
	if (rest.p == NULL)
		return redis_slots_crc(key) % REDIS_SLOTS;
	tag = span_cut(&rest, '}');
	if (rest.p == NULL || tag.len == 0)
		tag = key;
	return redis_slots_crc(tag) % REDIS_SLOTS;
}

static bool is_host_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-._:", c) != NULL);
}

static bool set_at(struct redis_at *at, struct span host, int64_t port)
{
	if (host.len > REDIS_HOST || port < 1 || port > PORT_MOST)
		return false;
	for (size_t i = 0; i < host.len; i++)
		if (!is_host_byte(host.p[i]))
			return false;
	*at = (struct redis_at){ .port = (int)port };
	if (host.len > 0)
		memcpy(at->host, host.p, host.len);
	return true;
}

/* "<slot> <host>:<port>"; the host may be empty, or an IPv6 address without brackets. */
static bool take_address(struct span s, struct redis_turn *ret)
{
	struct span slot = span_cut(&s, ' '), port;
	int64_t slot_n = 0, port_n = 0;
	size_t colon = s.len;

	if (s.p == NULL || !span_int(slot, 0, REDIS_SLOTS - 1, &slot_n))
		return false;
	while (colon > 0 && s.p[colon - 1] != ':')
		colon--;
	if (colon == 0)
		return false;
	port = (struct span){ s.p + colon, s.len - colon };
	if (!span_int(port, 1, PORT_MOST, &port_n))
		return false;
	ret->slot = (int)slot_n;
	return set_at(&ret->at, (struct span){ s.p, colon - 1 }, port_n);
}

struct redis_turn redis_slots_turn(struct span error)
{
	static const struct {
		const char *word;
		enum redis_turn_kind kind;
		bool address;
	} words[] = {
		{ "MOVED", REDIS_TURN_MOVED, true },
		{ "ASK", REDIS_TURN_ASK, true },
		{ "TRYAGAIN", REDIS_TURN_LATER, false },
		{ "CLUSTERDOWN", REDIS_TURN_DOWN, false },
	};
	struct redis_turn turn = { .kind = REDIS_TURN_NONE }, none = turn;
	struct span word = span_cut(&error, ' ');

	for (size_t i = 0; i < TP_COUNT(words); i++)
		if (span_is(word, words[i].word)) {
			turn.kind = words[i].kind;
			if (words[i].address && !take_address(error, &turn))
				return none;
		}
	return turn;
}

/* ---- the map ---- */

static bool same_at(const struct redis_at *a, const struct redis_at *b)
{
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}

static bool find_or_add(struct redis_slots *s, const struct redis_at *at, uint8_t *ret)
{
	size_t i = 0;

	while (i < s->n_nodes && !same_at(&s->nodes[i], at))
		i++;
	if (i == LIMIT_CLUSTER_NODES)
		return false;
	if (i == s->n_nodes)
		s->nodes[s->n_nodes++] = *at;
	*ret = (uint8_t)i;
	return true;
}

/* [host, port, ...]: nil or "" is the one that was asked, "?" one whose name is not known yet. */
static bool take_node(const struct redis_wire *w, struct redis_reply node, struct redis_slots *s,
		      uint8_t *ret)
{
	struct redis_reply host = redis_wire_element(w, node, 0);
	struct redis_reply port = redis_wire_element(w, node, 1);
	struct redis_at at;

	if (node.kind != WIRE_ARRAY || node.n < 2 || port.kind != WIRE_INT ||
	    (host.kind != WIRE_STRING && host.kind != WIRE_NIL))
		return false;
	*ret = REDIS_NO_NODE;
	if (host.kind == WIRE_STRING && span_is(host.s, "?"))
		return true;
	return set_at(&at, host.s, port.n) && find_or_add(s, &at, ret);
}

/* [first, last, master, replicas...] */
static bool take_range(const struct redis_wire *w, struct redis_reply range, struct redis_slots *s)
{
	struct redis_reply first = redis_wire_element(w, range, 0);
	struct redis_reply last = redis_wire_element(w, range, 1);
	uint8_t node = REDIS_NO_NODE;

	if (range.kind != WIRE_ARRAY || range.n < 3 || first.kind != WIRE_INT ||
	    last.kind != WIRE_INT || first.n < 0 || last.n >= REDIS_SLOTS || first.n > last.n ||
	    !take_node(w, redis_wire_element(w, range, 2), s, &node))
		return false;
	for (int64_t i = first.n; i <= last.n; i++) {
		if (s->of[i] != REDIS_NO_NODE)
			return false;
		s->of[i] = node;
	}
	return true;
}

bool redis_slots_read(const struct redis_wire *w, struct redis_reply reply, struct redis_slots *ret)
{
	struct redis_reply range = redis_wire_element(w, reply, 0);

	if (reply.kind != WIRE_ARRAY)
		return false;
	ret->n_nodes = 0;
	memset(ret->of, REDIS_NO_NODE, sizeof(ret->of));
	for (int64_t i = 0; i < reply.n; i++) {
		if (!take_range(w, range, ret))
			return false;
		range = redis_wire_after(w, range);
	}
	return true;
}
