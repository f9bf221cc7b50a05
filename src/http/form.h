/* SPDX-License-Identifier: MIT */
/* Form fields: application/x-www-form-urlencoded, multipart/form-data (RFC 7578), and a query. */
#ifndef HTTP_FORM_H
#define HTTP_FORM_H

#include "base/buf.h"
#include "base/limits.h"

struct form_field {
	struct span name, value; /* decoded; in store */
};

struct form {
	size_t n;
	struct form_field field[LIMIT_FORM_FIELDS];
	struct buf store; /* wiped on release: it holds a password */
};

/*
 * By content type, parameters included. TP_BAD_MEDIA: neither of the two, a charset other than
 * UTF-8, or no valid boundary. TP_INVALID: malformed, a field twice, a NUL, invalid UTF-8, a file
 * upload, too many fields or too long a value; the message names the field (never its value).
 */
enum tp_rc form_parse(struct span content_type, struct span body, struct form *ret,
		      struct tp_err *err) TP_MUSTUSE;
enum tp_rc form_parse_query(struct span query, struct form *ret, struct tp_err *err) TP_MUSTUSE;

struct span form_get(const struct form *f, const char *name); /* p NULL: no such field */
void form_release(struct form *f);

#endif
