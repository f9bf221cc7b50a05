/* SPDX-License-Identifier: MIT */
/*
 * The path of a request to a protected application, as its resources are named: read out of the raw
 * target that the client sent. Two spellings of one path must not be two paths to a rule.
 */
#ifndef HTTP_PATH_H
#define HTTP_PATH_H

#include "base/buf.h"

/*
 * Appends the path of a request target (RFC 9112 3.2: "/a/b?q", or "http://host/a/b?q") to out,
 * which is empty before: without scheme, host and query, percent-decoded once, "//" made "/", "/./"
 * dropped. It begins with "/".
 *
 * TP_FORBIDDEN: what web servers and applications would not read alike: no path at all, a '%' that
 * is none or is left after decoding, a NUL or another control character, '\', "..", a '#', or a
 * segment of nothing but parameters ("/;x"). Longer than out may get: TP_FORBIDDEN too. TP_NOMEM.
 *
 * *ret_ambiguous: it is read in two ways even so, since it has a '/' that was encoded, or
 * parameters (";x=1"), which some applications take off, or a '?' or '#' that was encoded, where
 * the path ends for whoever gets it decoded.
 */
enum tp_rc path_read(struct span target, struct buf *out, bool *ret_ambiguous,
		     struct tp_err *err) TP_MUSTUSE;

#endif
