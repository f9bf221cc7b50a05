/* SPDX-License-Identifier: MIT */
/*
 * A store in memory that keeps the whole contract of store/store.h by the clock it is given, and
 * fails on demand. It goes with the process, and so does what is in it with store_close().
 */
#ifndef SUPPORT_STORE_MEMORY_H
#define SUPPORT_STORE_MEMORY_H

#include "store/backend.h"

enum store_memory_fault {
	STORE_MEMORY_WORKS,
	STORE_MEMORY_UNAVAILABLE, /* does nothing, fails with TP_UNAVAILABLE */
	STORE_MEMORY_NOMEM,	  /* the same with TP_NOMEM */
	STORE_MEMORY_LOST,	  /* does everything, and then fails with TP_UNAVAILABLE */
	STORE_MEMORY_NONSENSE,	  /* does everything; values read are replaced by garbage */
	STORE_MEMORY_SILENT	  /* TP_OK, but leaves the operations without an answer */
};

struct store_memory_item;

/* Its switches, to be set at any time between two calls. */
struct store_memory {
	enum store_memory_fault next; /* of the next call, which resets it */
	enum store_memory_fault all;  /* of each call */
	int64_t takes_ms; /* how long each call takes; past its deadline it is TP_UNAVAILABLE then
			   */
	bool keeps_ended; /* items of STORE_LOGIN end with the owner's last one only, and
			   * STORE_SAMPLE shows some: a server without HEXPIRE */
	bool answers;	  /* over a wire: it fails, and the connection stands */

	size_t calls, ops, pings; /* that came in so far, pings apart from the rest */

	struct clock clock;
	struct store_memory_item *items; /* a list */
};

/* NULL: no memory. The result is borrowed, until store_close(*ret). As a server at the other end of
 * a wire (`remote`) its failures trip the breaker, so that the next second's calls fail too. */
struct store_memory *store_memory_open(struct clock clock, int64_t timeout_ms, struct store **ret);
struct store_memory *store_memory_open_remote(struct clock clock, int64_t timeout_ms,
					      struct store **ret);

/* Live items of a space. */
size_t store_memory_count(const struct store_memory *m, enum store_space space);

#endif
