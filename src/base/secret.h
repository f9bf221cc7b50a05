/* SPDX-License-Identifier: MIT */
/*
 * Keys, passwords, handles and tokens, from parse to output. Wiped on release, compared in constant
 * time, and with no way into printf or the log but its fingerprint.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/buf.h"

struct secret {
	char *p; /* NUL-terminated for the libraries that want it; len does not count the NUL */
	size_t len;
};

/* Takes a copy of its own, releasing what it held; *s is empty on failure, and after an absent
 * span.
 */
enum tp_rc secret_set(struct secret *s, struct span from, struct tp_err *err) TP_MUSTUSE;

/* Takes the buffer's storage over, and with it whatever a failed buffer holds: ask buf_rc() first.
 * *from is empty afterwards. */
void secret_take(struct secret *s, struct buf *from);

struct span secret_view(const struct secret *s); /* borrowed until release; p NULL when empty */
void secret_release(struct secret *s);

/* Constant time in the content of both; the lengths are not secret. An absent span equals nothing,
 * not even another: no proof is no proof. */
bool secret_eq(struct span a, struct span b);

enum { SECRET_FP_LEN = 8 };

/* The first 8 hex digits of SHA-256: enough to follow a session through a log, useless to a thief.
 */
void secret_fingerprint(struct span s, char ret_hex[SECRET_FP_LEN + 1]);

#endif
