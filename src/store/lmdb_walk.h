/* SPDX-License-Identifier: MIT */
/* The walk over all sessions in LMDB, a piece at a time. Seen by store_lmdb.c only. */
#ifndef STORE_LMDB_WALK_H
#define STORE_LMDB_WALK_H

#include "base/clock.h"
#include "store/backend.h"
#include "store/lmdb_env.h"

/* As backend.h says of walk(). */
enum tp_rc lmdb_walk(struct lmdb_env *env, const struct clock *clock, struct store_walk *w,
		     struct tp_err *err) TP_MUSTUSE;

#endif
