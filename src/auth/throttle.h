/* SPDX-License-Identifier: MIT */
/*
 * Password guessing, counted in the store before the password is looked at, for known and unknown
 * names alike: by (user, address) 5 free, then a pause doubling from 1 s to 15 min; by address
 * (IPv6: its /64) 50 in 15 min; by user over all addresses a pause of 2 s at most, so that nobody
 * can lock somebody else out.
 */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include "auth/auth.h"
#include "base/limits.h"

enum { THROTTLE_PAIR, THROTTLE_ADDRESS, THROTTLE_USER, THROTTLE_KINDS };

struct throttle {
	char item[THROTTLE_KINDS]
		 [2 * 32 + 1]; /* hex SHA-256: neither name nor address is in the store */
	struct store_hit hits[THROTTLE_KINDS]; /* the pair first: STORE_UNHIT forgets that one */
};

void throttle_init(struct throttle *t, struct span user, struct span address);

/* A name without blanks and in lower case (ASCII), for a handler to which that is the same user.
 * Borrowed from room; what is longer stays as it is. */
struct span throttle_fold(struct span user, char room[LIMIT_USER_ID]);

/* Counts one attempt. TP_THROTTLED with err->retry_s, or TP_UNAVAILABLE. */
enum tp_rc throttle_enter(const struct auth_ctx *a, const struct throttle *t,
			  struct tp_err *err) TP_MUSTUSE;

/* The operation that takes the attempt back after a success; goes into the login's round trip. */
struct store_op throttle_success(const struct throttle *t);

#endif
