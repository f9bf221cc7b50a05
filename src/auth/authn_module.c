/* SPDX-License-Identifier: MIT */
/* Owns the writing of an answer: part of the loadable objects, not of the programs. */
#include "auth/authn_module.h"

#include "base/banned.h"

static void put(struct buf *out, const char *key, struct span value)
{
	buf_str(out, key);
	if (value.p == NULL)
		buf_str(out, "null");
	else
		jval_quote(value, out);
}

void authn_module_begin(struct buf *answer, struct span user_id, struct span username,
			struct span email)
{
	put(answer, "{\"user_id\":", user_id);
	put(answer, ",\"username\":", username);
	put(answer, ",\"email\":", email);
	buf_str(answer, ",\"scopes\":[");
}

void authn_module_group(struct buf *answer, struct span group)
{
	if (answer->len > 0 && answer->p[answer->len - 1] != '[')
		buf_char(answer, ',');
	jval_quote(group, answer);
}

void authn_module_end(struct buf *answer)
{
	buf_str(answer, "]}");
}
