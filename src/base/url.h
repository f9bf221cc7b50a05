/* SPDX-License-Identifier: MIT */
/*
 * The parts of a URL that a setting holds (RFC 3986, the forms with an authority), strictly: what
 * two readers could take for different hosts is refused. No user name, no fragment, nothing but
 * visible ASCII.
 */
#ifndef BASE_URL_H
#define BASE_URL_H

#include "base/str.h"

/* Borrowed from the text. */
struct url {
	struct span scheme; /* as it was written: compare without case */
	struct span host;   /* without the brackets of an IPv6 address; may be empty */
	int port;	    /* 0: not given */
	struct span rest;   /* from the first '/' or '?' on; empty: there is none */
};

/* False: no such URL. */
bool url_split(struct span text, struct url *ret);

/* Nobody but this machine is reached by that host: 127.0.0.0/8, ::1 or localhost. Not by the look
 * of a name: 127.0.0.1.example.org is anybody's. */
bool url_is_loopback(const struct url *u);

#endif
