/* SPDX-License-Identifier: MIT */
/* JSON as a test wants to write and to read it. */
#ifndef SUPPORT_JSON_POINTER_H
#define SUPPORT_JSON_POINTER_H

#include "base/jval.h"

/* What a test wrote down must be JSON. Caller releases. */
struct jval *json_of(const char *text);

/* The value at "a/b/c"; a name with a "/" has it as "~1" (RFC 6901). NULL: there is none. */
const struct jval *json_pointer(const struct jval *v, const char *pointer);

/* As JSON; "" where there is nothing. Good until the next call. */
const char *json_text(const struct jval *v);

#endif
