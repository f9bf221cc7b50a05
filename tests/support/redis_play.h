/* SPDX-License-Identifier: MIT */
/* One Redis backend against one fake peer: a case begins a play, talks, and ends it. */
#ifndef SUPPORT_REDIS_PLAY_H
#define SUPPORT_REDIS_PLAY_H

#include "support/fake_peer.h"
#include "support/redis_rig.h"

#define PLAY_USER   "user_099"
#define PLAY_HANDLE "Vy3Zn4MVLLfifneYUA7Tm7"

/* clang-format off */
/* What a server says to the handshake; the two replies are about HEXPIRE and HRANDFIELD. */
#define PLAY_ABSENT  "*1\r\n*-1\r\n"
#define PLAY_PRESENT "*1\r\n*2\r\n$4\r\nname\r\n:-3\r\n"
#define PLAY_HELLO_OF(hexpire, hrandfield) \
	{ .say = "+PONG\r\n" }, { .say = "+OK\r\n" }, { .say = "+OK\r\n" }, \
	{ .say = (hexpire) }, { .say = (hrandfield) }, { .say = "$17\r\ncluster_enabled:0\r\n" }, \
	{ .say = PLAY_ABSENT }
#define PLAY_HELLO PLAY_HELLO_OF(PLAY_ABSENT, PLAY_PRESENT)
/* clang-format on */

/* The right reply to redis_play_get(). */
#define PLAY_RIGHT "$5\r\nright\r\n"

enum { PLAY_HELLO_STEPS = 7, PLAY_SLACK_MS = 250 };

struct redis_play {
	struct fake_peer *peer;
	struct redis_rig rig;
};

void redis_play_begin(struct redis_play *p, const struct fake_step *steps, size_t n);
void redis_play_end(struct redis_play *p);

enum tp_rc redis_play_get(struct redis_play *p, int64_t budget_ms);
enum tp_rc redis_play_put(struct redis_play *p);

/* Asserts that rc is TP_UNAVAILABLE, in time, and that the message is just "redis at host:port" and
 * this. */
void redis_play_failed(const struct redis_play *p, enum tp_rc rc, const char *says);
/* Gets, and asserts that this is PLAY_RIGHT. */
void redis_play_right(struct redis_play *p);

#endif
