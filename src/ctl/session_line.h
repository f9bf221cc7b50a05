/* SPDX-License-Identifier: MIT */
/*
 * The lines of a file of sessions, as "tpauth sessions export" writes them: a JSON object each.
 *
 *	{"format":"tpauth-sessions","version":1}
 *	{"user_id":"..","handle":"..","value":"..","expires_at":1800086400}
 *	{"sessions":1}
 *
 * value is what the store holds. The last line tells that the file is whole.
 */
#ifndef CTL_SESSION_LINE_H
#define CTL_SESSION_LINE_H

#include "base/jval.h"
#include "base/limits.h"

/* Each byte may have become six, "\u001f". */
enum { SESSION_LINE_MOST = 6 * (LIMIT_USER_ID + LIMIT_HANDLE + LIMIT_STORE_VALUE) + 256 };

enum session_line_kind { SESSION_LINE_HEAD, SESSION_LINE_ITEM, SESSION_LINE_END };

struct session_line {
	enum session_line_kind kind;
	struct span user, handle, value; /* borrowed from json */
	int64_t expires_at;
	int64_t sessions; /* SESSION_LINE_END: how many there were */
	struct jval *json;
};

void session_line_release(struct session_line *l);

/* A line without its newline. TP_INVALID: none of the three; other members than these, a member of
 * another type or out of its range, another version. TP_NOMEM. */
enum tp_rc session_line_get(struct span line, struct session_line *ret,
			    struct tp_err *err) TP_MUSTUSE;

/* With the newline; of an item its four members. */
void session_line_put(const struct session_line *l, struct buf *out);

#endif
