/* SPDX-License-Identifier: MIT */
/*
 * Cookies (RFC 6265), written so that Python's http.cookies reads them and read as it writes them:
 * a value that is not cookie-safe stands in double quotes, with backslash octal for its odd bytes.
 *
 * Python writes a character up to U+00FF as the one byte of Latin-1, and no higher one at all. So
 * does cookie_set() wherever those bytes are not UTF-8 of something else; else it writes UTF-8. A
 * quoted value is UTF-8 where it can be, and Latin-1 where not: what cookie_set() wrote reads back.
 */
#ifndef HTTP_COOKIE_H
#define HTTP_COOKIE_H

#include "base/buf.h"
#include "base/limits.h"

/* Room for any decoded value: a byte of Latin-1 may become two. */
enum { COOKIE_HOLD = 2 * LIMIT_COOKIE };

enum cookie_samesite { COOKIE_STRICT, COOKIE_LAX, COOKIE_NONE };

struct cookie_rules {
	struct span prefix; /* of the name: "", "__Host-", "__Secure-" */
	struct span domain, path;
	bool secure;
	enum cookie_samesite samesite;
};

/*
 * The value of prefix+name in a Cookie header, decoded: borrowed from the header, or from *hold
 * where it had to be decoded. TP_NOT_FOUND: not there, or empty. TP_INVALID: there with two
 * different values, a broken quoted value, a control character in it, or too much of it. Names are
 * matched byte for byte.
 */
enum tp_rc cookie_get(struct span header, struct span prefix, const char *name, struct buf *hold,
		      struct span *ret, struct tp_err *err) TP_MUSTUSE;

/* The value of a Set-Cookie header: name=value; Domain=..; HttpOnly; Path=/; SameSite=strict;
 * Secure */
void cookie_set(const struct cookie_rules *rules, const char *name, struct span value,
		struct buf *out);

/* The one that deletes it: same Path, Domain, Secure; Max-Age=0 and an Expires in the past. */
void cookie_delete(const struct cookie_rules *rules, const char *name, struct buf *out);

#endif
