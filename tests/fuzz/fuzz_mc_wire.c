/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as what a memcached server answers to three requests, over a real socket. Only replies
 * that account for every byte may be taken.
 */
#include "store/mc_wire.h"

#include "base/clock.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { PATIENCE_MS = 20000, REQUESTS = 3, HEADER = 24, MOST = 65536 };

static int listener(struct dial_peer *ret)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 4) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		abort();
	*ret = (struct dial_peer){
		.kind = "memcached", .host = "127.0.0.1", .port = ntohs(a.sin_port), .name = "fuzz"
	};
	return fd;
}

/* The server says all of it at once, and then no more. */
static int answer(int listening, const uint8_t *p, size_t n)
{
	int fd = accept(listening, NULL, NULL);

	if (fd < 0 || (n > 0 && send(fd, p, n, MSG_NOSIGNAL) != (ssize_t)n) ||
	    shutdown(fd, SHUT_WR) != 0)
		abort();
	return fd;
}

static void check(const struct mc_wire *w, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < REQUESTS; i++) {
		struct mc_reply r = mc_wire_reply(w, i);

		assert(r.value.len <= MC_VALUE);
		sum += HEADER + r.value.len;
	}
	assert(sum <= n);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static int listening = -1;
	static struct dial_peer peer;
	struct mc_wire *w = NULL;
	bool refused = false;
	enum tp_rc rc;
	int fd;

	if (n > MOST)
		return 0;
	if (listening < 0)
		listening = listener(&peer);
	if (mc_wire_open(&peer, clock_mono_ms() + PATIENCE_MS, &w, NULL) != TP_OK)
		return 0;
	fd = answer(listening, p, n);
	mc_wire_ask(w, &(struct mc_request){ .code = MC_GET, .key = SPAN_LIT("k") });
	mc_wire_ask(w, &(struct mc_request){ .code = MC_ADD, .key = SPAN_LIT("k") });
	mc_wire_ask(w, &(struct mc_request){ .code = MC_GET, .key = SPAN_LIT("l") });
	rc = mc_wire_run(w, clock_mono_ms() + PATIENCE_MS, &refused, NULL);
	assert(rc == TP_OK || rc == TP_UNAVAILABLE || rc == TP_NOMEM);
	assert(!refused || rc == TP_UNAVAILABLE);
	if (rc == TP_OK)
		check(w, n);
	mc_wire_close(w);
	close(fd);
	return 0;
}
