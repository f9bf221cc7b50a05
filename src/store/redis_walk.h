/* SPDX-License-Identifier: MIT */
/* The walk over all sessions in Redis, some keys at a time. Seen by store_redis.c only. */
#ifndef STORE_REDIS_WALK_H
#define STORE_REDIS_WALK_H

#include "store/backend.h"
#include "store/redis_verbs.h"

/* As backend.h says of walk(), over a connection whose handshake is done. */
enum tp_rc redis_walk(struct redis_talk *t, struct store_walk *w, int64_t step_ms,
		      struct tp_err *err) TP_MUSTUSE;

#endif
