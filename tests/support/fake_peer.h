/* SPDX-License-Identifier: MIT */
/*
 * A server that says what a script tells it, for the faults that no real one commits. It runs in a
 * process of its own, takes one connection at a time, notes each command that it gets, and dies
 * with the process that started it.
 */
#ifndef SUPPORT_FAKE_PEER_H
#define SUPPORT_FAKE_PEER_H

#include <stdbool.h>
#include <stddef.h>

/* Waits for a command, and then: */
struct fake_step {
	const char *say; /* NULL: nothing */
	size_t len;	 /* of say; 0: up to its NUL */
	int wait_ms;	 /* before it says so */
	int drip_ms;	 /* after each byte */
	bool hang_up;	 /* afterwards; the next step is for the next connection */
	bool unasked;	 /* does not wait for a command */
	bool deaf; /* afterwards lets the connection be: on a unix socket it stands, but what is
		    * sent to it fails; the next step is for the next connection */
};

struct fake_peer;

/* Steps are copied, what they say is not. After the last one it listens on and is silent. On TCP;
 * path: on that unix socket instead. */
struct fake_peer *fake_peer_start(const struct fake_step *steps, size_t n, const char *path);
void fake_peer_stop(struct fake_peer *p);

int fake_peer_port(const struct fake_peer *p);
size_t fake_peer_connections(const struct fake_peer *p);
void fake_peer_await(const struct fake_peer *p, size_t steps); /* until so many are done */

/* What it has been told so far. */
size_t fake_peer_commands(const struct fake_peer *p);
/* The words of a command joined by blanks, "SCRIPT" for one with a line break in it; "" when there
 * is no such command. Good until the next call. */
const char *fake_peer_command(const struct fake_peer *p, size_t i);
/* One word as it came. */
const char *fake_peer_word(const struct fake_peer *p, size_t i, size_t word);

#endif
