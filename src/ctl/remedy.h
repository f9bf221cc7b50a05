/* SPDX-License-Identifier: MIT */
/* What mends a finding of the doctor, in the words of the web server that has it. */
#ifndef CTL_REMEDY_H
#define CTL_REMEDY_H

#include "base/buf.h"

enum remedy_server {
	REMEDY_LIGHTTPD,
	REMEDY_APACHE,
	REMEDY_NGINX,
	REMEDY_SERVERS,
	REMEDY_ANY = REMEDY_SERVERS /* which one it is is not known */
};

enum remedy {
	REMEDY_MOUNT,
	REMEDY_BACKEND,
	REMEDY_STORE,
	REMEDY_ROUTE,
	REMEDY_PREFIX,
	REMEDY_REQUEST_ID,
	REMEDY_METHODS,
	REMEDY_ERRORS,
	REMEDY_AUTHORIZATION,
	REMEDY_TWICE,
	REMEDY_COOKIES,
	REMEDY_HOST,
	REMEDY_ORIGIN,
	REMEDY_CORS,
	REMEDY_CACHING,
	REMEDY_BODY_LIMIT,
	REMEDY_BODY_ERROR,
	REMEDY_CHUNKED,
	REMEDY_HTTPS,
	REMEDY_CLOCK,
	REMEDY_LOGIN,
	REMEDY_COOKIE_FLAGS,
	REMEDY_SESSION,
	REMEDY_LOGOUT,
	REMEDY_OPEN,
	REMEDY_GUARD_DOWN,
	REMEDY_GUARD_REFUSES,
	REMEDY_SPOOF,
	REMEDY_SPELLING,
	REMEDY_LEAK,
	REMEDY_COUNT
};

/* "lighttpd", "apache", "nginx", in any case and anywhere in the name, as a Server header has it;
 * REMEDY_ANY: none of them. */
enum remedy_server remedy_server_of(struct span name);

/* What to say to whatever server it is, one paragraph a line; for REMEDY_ANY each server's. Every
 * remedy has at least one paragraph for every server. */
void remedy_put(enum remedy r, enum remedy_server server, struct buf *out);

#endif
