/* SPDX-License-Identifier: MIT */
/*
 * One line's password hash, in the formats that Apache's htpasswd and crypt(3) make: bcrypt
 * ($2y$ $2a$ $2b$), apr1 ($apr1$), SHA-1 ({SHA}), and by crypt(3) of this system $1$ $5$ $6$ $y$
 * $gy$ $7$ and traditional DES. Plain text is refused.
 */
#ifndef AUTH_PASSHASH_H
#define AUTH_PASSHASH_H

#include "base/secret.h"

/* True when the format is one that can be checked here, and the hash is whole. */
bool passhash_known(struct span hash);

/* What a check costs, for comparing formats: more is slower; 0 when the hash is of none. */
int passhash_cost(struct span hash);

/*
 * TP_OK it is the password; TP_DENIED it is not; TP_UNAVAILABLE the hash is of no known format, or
 * could not be computed. As with crypt(3) and Apache, bcrypt sees 72 bytes of a password and
 * traditional DES 8; one that no hash can be made of (a NUL in it, more than LIMIT_PASSWORD bytes,
 * more than 511 for crypt(3)) is denied at once.
 */
enum tp_rc passhash_check(struct span hash, struct span password, struct tp_err *err) TP_MUSTUSE;

/* bcrypt's cost: each step doubles the time of a login. */
enum { PASSHASH_COST_LEAST = 4, PASSHASH_COST = 10, PASSHASH_COST_MOST = 17 };

/* A new hash, bcrypt as Apache writes and reads it ($2y$). TP_INVALID: bcrypt cannot tell this
 * password from another one: it is empty, longer than 72 bytes, or has a NUL. TP_UNAVAILABLE: no
 * random bytes, or crypt(3) fails. */
enum tp_rc passhash_make(struct span password, int cost, struct secret *ret,
			 struct tp_err *err) TP_MUSTUSE;

#endif
