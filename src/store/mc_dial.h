/* SPDX-License-Identifier: MIT */
/*
 * The byte stream to one memcached server over TCP: connecting, bytes out and bytes in, each over
 * by a deadline on clock_mono_ms()'s scale, whatever the peer does. Knows nothing of what the bytes
 * mean.
 */
#ifndef STORE_MC_DIAL_H
#define STORE_MC_DIAL_H

#include "base/str.h"

struct mc_peer {
	const char *host; /* an address, or a name, which is looked up with each connection */
	int port;
	const char *name; /* for messages */
};

struct mc_dial {
	const struct mc_peer *peer;
	int fd; /* close-on-exec; -1: not connected */
};

/* peer is borrowed until the release. All failures but TP_NOMEM are TP_UNAVAILABLE. */
enum tp_rc mc_dial_connect(struct mc_dial *d, const struct mc_peer *peer, int64_t deadline_ms,
			   struct tp_err *err) TP_MUSTUSE;
void mc_dial_release(struct mc_dial *d);

enum tp_rc mc_dial_send(struct mc_dial *d, struct span s, int64_t deadline_ms,
			struct tp_err *err) TP_MUSTUSE;

/* Waits for bytes: at least one, at most size. */
enum tp_rc mc_dial_receive(struct mc_dial *d, char *p, size_t size, int64_t deadline_ms,
			   size_t *ret_n, struct tp_err *err) TP_MUSTUSE;

/* The peer has neither hung up nor said anything that was not received yet. Does not wait. */
bool mc_dial_quiet(const struct mc_dial *d);

/* TP_UNAVAILABLE: "memcached at NAME <what>". */
enum tp_rc mc_dial_fail(const struct mc_peer *peer, const char *what, struct tp_err *err);

#endif
