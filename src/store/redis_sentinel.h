/* SPDX-License-Identifier: MIT */
/*
 * Which of several Redis servers is the master, by those who watch over them: asks the sentinels in
 * turn and dials whom they name, until one says by ROLE that it is the master. Asked whenever a
 * connection is made, never for a request.
 */
#ifndef STORE_REDIS_SENTINEL_H
#define STORE_REDIS_SENTINEL_H

#include "store/redis_link.h"

struct redis_sentinels;

/* Borrowed until redis_sentinels_close(), but for the hosts. */
struct redis_sentinels_spec {
	struct span hosts; /* several for store_url_host(), or one alone, which has port */
	int port;
	const char *service;
	const char *user; /* what the sentinels themselves want; NULL: none */
	struct span password;
	const struct redis_node *node; /* as whom to go to the master; its peer says no address */
};

/* TP_INVALID: more than LIMIT_SENTINELS. */
enum tp_rc redis_sentinels_open(const struct redis_sentinels_spec *spec,
				struct redis_sentinels **ret, struct tp_err *err) TP_MUSTUSE;
void redis_sentinels_close(struct redis_sentinels *s); /* after the link */

/* redis_link_connect() to the master. A sentinel or a node that stands still gets a part of the
 * time only, and a sentinel that failed is asked last the next time. */
enum tp_rc redis_sentinels_connect(struct redis_sentinels *s, struct redis_link *l,
				   int64_t deadline_ms, struct tp_err *err) TP_MUSTUSE;

#endif
