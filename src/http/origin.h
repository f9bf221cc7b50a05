/* SPDX-License-Identifier: MIT */
/*
 * Web origins (RFC 6454): parsed, never searched. Patterns of CORS_URLS are origins
 * (https://a.example:8443), host patterns (*.example.org: https on the default port, one or more
 * whole labels before it; http or a port only where written), or "*".
 */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include "base/str.h"

struct origin {
	bool https;
	struct span host; /* as given; compared without regard to ASCII case */
	int port;	  /* the scheme's default when not written */
	bool has_port;
	bool wildcard; /* pattern "*.host" */
	bool any;      /* pattern "*" */
};

/* An Origin header's value; false for "null" and for anything that is not scheme://host[:port]. */
bool origin_parse(struct span text, struct origin *ret);

/* A pattern; TP_INVALID says what is wrong ("*.in" is too wide, and so on). Borrowed from text. */
enum tp_rc origin_pattern(struct span text, struct origin *ret, struct tp_err *err) TP_MUSTUSE;

bool origin_matches(const struct origin *pattern, const struct origin *o);

/* The origin is the host that the request went to; the port counts only when host has one. */
bool origin_is_host(const struct origin *o, struct span host);

#endif
