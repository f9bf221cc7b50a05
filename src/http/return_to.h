/* SPDX-License-Identifier: MIT */
/*
 * Where a browser goes after a login: a path of this host, and nothing that a browser could take
 * for another one (CWE-601). Browsers resolve a Location by the URL Standard (WHATWG): "\" is "/"
 * to them, tabs and line breaks are dropped, "//" begins a host.
 */
#ifndef HTTP_RETURN_TO_H
#define HTTP_RETURN_TO_H

#include "base/buf.h"

/*
 * True for a path with perhaps a query and a fragment: one "/" and not another one behind it, at
 * most LIMIT_RETURN_TO printable bytes of ASCII, no "\". The path, decoded once, must begin with
 * one "/" as well, and have no "\", no control character, no segment "." or "..": a browser sends
 * none of these, and what stands behind us may decode once more. False where there is no memory to
 * find out.
 */
bool return_to_ok(struct span path);

/*
 * login_url, which may have a query but no fragment, and in it return_to=<uri, percent-encoded>.
 * An uri that is no place to return to (return_to_ok()) is left out.
 */
void return_to_put(struct span login_url, struct span uri, struct buf *out);

#endif
