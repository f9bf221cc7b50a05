/* SPDX-License-Identifier: MIT */
/* Whether a text is JSON (RFC 8259), of whatever kind; nothing is made of it. */
#ifndef APP_JSON_TEXT_H
#define APP_JSON_TEXT_H

#include "base/str.h"

/* True for one value, in UTF-8, with white space around it; false also for one that is nested
 * deeper than LIMIT_JSON_TEXT. */
bool json_text_ok(struct span text);

#endif
