/* SPDX-License-Identifier: MIT */
/*
 * A memcached that answers as a script tells it, for the faults that no real one commits. It runs
 * in a process of its own, takes one connection at a time, and dies with the process that started
 * it.
 */
#ifndef SUPPORT_MC_FAKE_H
#define SUPPORT_MC_FAKE_H

#include "base/str.h"

/* Waits for a request, and answers it in the right form, but for: */
struct mc_fake_step {
	unsigned status;
	const char *value;    /* of an item that was asked for */
	int flip_at;	      /* this byte of the answer, */
	unsigned char flip;   /* is changed in these bits */
	size_t cut;	      /* only so many bytes of it; 0: all */
	const char *more;     /* what comes right behind it */
	int wait_ms, drip_ms; /* before it, and after each of its bytes */
	bool hold;	      /* sends it with the next one */
	bool hang_up;	      /* afterwards; the next step is for the next connection */
	bool silent;	      /* says nothing */
};

struct mc_fake;

/* Steps are copied, what they say is not. After the last one it listens on and is silent. */
struct mc_fake *mc_fake_start(const struct mc_fake_step *steps, size_t n);
void mc_fake_stop(struct mc_fake *f);

int mc_fake_port(const struct mc_fake *f);
size_t mc_fake_connections(const struct mc_fake *f);
/* All bytes of all requests so far; good until the stop. */
struct span mc_fake_heard(const struct mc_fake *f);

#endif
