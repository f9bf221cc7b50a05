/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the reply to CLUSTER SLOTS, from a peer that hangs up behind them. A map that is
 * read must be in range and have no node twice, and written down again it must be the same.
 */
#include "base/clock.h"
#include "store/redis_slots.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/banned.h"

enum { BUDGET_MS = 5000, REPLY_BYTES = 64 << 10 /* goes into a socket without being read */ };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static char folder[] = "/tmp/fuzz-redis-slots.XXXXXX";
static struct sockaddr_un sun = { .sun_family = AF_UNIX };
static int listener = -1;

static void leave(void)
{
	close(listener);
	unlink(sun.sun_path);
	rmdir(folder);
}

static void listen_once(void)
{
	if (listener >= 0)
		return;
	assert(mkdtemp(folder) != NULL);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/s", folder);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(bind(listener, (const struct sockaddr *)&sun, sizeof(sun)) == 0);
	assert(listen(listener, 1) == 0);
	atexit(leave);
}

/* A connection is made as soon as somebody listens: one process can be both ends, in turn. */
static bool read_map(struct span reply, struct redis_slots *ret)
{
	const struct dial_peer peer = { .kind = "redis", .name = "it", .path = sun.sun_path };
	int64_t deadline_ms = clock_mono_ms() + BUDGET_MS;
	struct redis_wire *w = NULL;
	bool ok;
	int fd;

	assert(redis_wire_open(&peer, deadline_ms, &w, NULL) == TP_OK);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert(fd >= 0 && send(fd, reply.p, reply.len, MSG_DONTWAIT) == (ssize_t)reply.len);
	assert(shutdown(fd, SHUT_WR) == 0);
	redis_wire_command(w, "CLUSTER", 1);
	redis_wire_arg(w, SPAN_LIT("SLOTS"));
	ok = redis_wire_run(w, deadline_ms, NULL) == TP_OK &&
	     redis_slots_read(w, redis_wire_reply(w, 0), ret);
	redis_wire_close(w);
	close(fd);
	return ok;
}

static const struct redis_at *node_of(const struct redis_slots *map, int slot)
{
	return map->of[slot] != REDIS_NO_NODE ? &map->nodes[map->of[slot]] : NULL;
}

/* The first slot behind those that the same node has. */
static int range_end(const struct redis_slots *map, int first)
{
	int i = first;

	while (i < REDIS_SLOTS && map->of[i] == map->of[first])
		i++;
	return i;
}

static void write_map(const struct redis_slots *map, struct buf *ret)
{
	int n = 0;

	for (int i = 0; i < REDIS_SLOTS; i = range_end(map, i))
		n += map->of[i] != REDIS_NO_NODE;
	buf_printf(ret, "*%d\r\n", n);
	for (int i = 0; i < REDIS_SLOTS; i = range_end(map, i)) {
		const struct redis_at *at = node_of(map, i);

		if (at == NULL)
			continue;
		buf_printf(ret, "*3\r\n:%d\r\n:%d\r\n*2\r\n$%zu\r\n%s\r\n:%d\r\n", i,
			   range_end(map, i) - 1, strlen(at->host), at->host, at->port);
	}
}

static void check_map(const struct redis_slots *map)
{
	assert(map->n_nodes <= LIMIT_CLUSTER_NODES);
	for (size_t i = 0; i < REDIS_SLOTS; i++)
		assert(map->of[i] == REDIS_NO_NODE || map->of[i] < map->n_nodes);
	for (size_t i = 0; i < map->n_nodes; i++) {
		const struct redis_at *at = &map->nodes[i];

		assert(memchr(at->host, '\0', sizeof(at->host)) != NULL);
		assert(at->port >= 1 && at->port <= 65535);
		for (size_t k = 0; k < i; k++)
			assert(strcmp(map->nodes[k].host, at->host) != 0 ||
			       map->nodes[k].port != at->port);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct redis_slots map, again;
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(REPLY_BYTES);

	listen_once();
	if (n > REPLY_BYTES || !read_map((struct span){ (const char *)p, n }, &map))
		return 0;
	check_map(&map);
	write_map(&map, &text);
	if (text.rc != TP_OK)
		return 0; /* slots in many small pieces */
	assert(read_map(buf_view(&text), &again));
	for (int i = 0; i < REDIS_SLOTS; i++) {
		const struct redis_at *at = node_of(&map, i), *to = node_of(&again, i);

		assert((at == NULL) == (to == NULL));
		assert(at == NULL || (strcmp(at->host, to->host) == 0 && at->port == to->port));
	}
	return 0;
}
