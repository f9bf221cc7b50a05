/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the error of a cluster's node. What it is taken for must be in range, and a
 * redirection put together again must be the same one.
 */
#include "store/redis_slots.h"

#include <assert.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(1024);
	struct redis_turn turn = redis_slots_turn((struct span){ (const char *)p, n }), again;

	if (turn.kind != REDIS_TURN_MOVED && turn.kind != REDIS_TURN_ASK)
		return 0;
	assert(turn.slot >= 0 && turn.slot < REDIS_SLOTS);
	assert(turn.at.port >= 1 && turn.at.port <= 65535);
	assert(memchr(turn.at.host, '\0', sizeof(turn.at.host)) != NULL);
	buf_printf(&text, "%s %d %s:%d", turn.kind == REDIS_TURN_MOVED ? "MOVED" : "ASK", turn.slot,
		   turn.at.host, turn.at.port);
	again = redis_slots_turn(buf_view(&text));
	assert(again.kind == turn.kind && again.slot == turn.slot);
	assert(strcmp(again.at.host, turn.at.host) == 0 && again.at.port == turn.at.port);
	return 0;
}
