/* SPDX-License-Identifier: MIT */
/* The value of an Authorization header (RFC 9110 11.4), looked at for a bearer (RFC 6750 2.1). */
#ifndef HTTP_BEARER_H
#define HTTP_BEARER_H

#include "base/str.h"

/*
 * *ret: what stands behind "Bearer", which is matched without regard to case; untouched when the
 * scheme is another one, which is no credential here. TP_INVALID: more than one credential, as two
 * headers arrive that a server joined by a comma. TP_DENIED: not the characters of a bearer.
 */
enum tp_rc bearer_get(struct span text, struct span *ret, struct tp_err *err) TP_MUSTUSE;

#endif
