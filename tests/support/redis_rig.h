/* SPDX-License-Identifier: MIT */
/* The Redis backend by itself, without the breaker and the budget of store.c: for its own checks.
 */
#ifndef SUPPORT_REDIS_RIG_H
#define SUPPORT_REDIS_RIG_H

#include "store/backend.h"

enum { RIG_LOGIN_DB = 9, RIG_RESTRICT_DB = 8, RIG_BUDGET_MS = 5000 };

struct redis_rig {
	void *self;
	struct tp_err err; /* of the last call; its msg is "" before */
	int64_t now_s;	   /* its clock; 0: the system's */
	int64_t budget_ms; /* of each call */
	int64_t spent_ms;  /* by the last call */
	struct buf value;  /* that redis_rig_get() found */
};

void redis_rig_open(struct redis_rig *r, const char *url_fmt, ...) TP_PRINTF(2, 3);
/* With what else the specification shall say. */
void redis_rig_open_as(struct redis_rig *r, const struct store_spec *more, const char *url_fmt, ...)
	TP_PRINTF(3, 4);
void redis_rig_close(struct redis_rig *r);

enum tp_rc redis_rig_run(struct redis_rig *r, struct store_op *ops, size_t n);
/* One operation: the call's failure or its answer. */
enum tp_rc redis_rig_do(struct redis_rig *r, struct store_op *op);

struct store_key redis_rig_key(enum store_space space, const char *owner, const char *item);
enum tp_rc redis_rig_get(struct redis_rig *r, const char *user, const char *handle);
enum tp_rc redis_rig_put(struct redis_rig *r, const char *user, const char *handle,
			 const char *value, int64_t ttl_s, enum store_mode mode);

#endif
