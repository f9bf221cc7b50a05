/* SPDX-License-Identifier: MIT */
/* Puts the head of a key together. */
#include "store/redis_keys.h"

#include <assert.h>

#include "base/banned.h"

static char *put(char *to, struct span s)
{
	if (s.len > 0)
		memcpy(to, s.p, s.len);
	return to + s.len;
}

struct span redis_keys_head(int number, enum store_space space, struct span owner,
			    char room[REDIS_KEYS_ROOM])
{
	char digits[INT_TEXT];
	char *to = put(room, span_of_int(number, digits));

	assert(owner.len <= LIMIT_USER_ID);
	if (space == STORE_THROTTLE) {
		to = put(to, SPAN_LIT(":{tpauth-fail}/"));
	} else {
		to = put(to, SPAN_LIT(":{u:"));
		to = put(put(to, owner), SPAN_LIT("}"));
	}
	return (struct span){ room, (size_t)(to - room) };
}

struct span redis_keys_owner(int number, struct span key)
{
	char room[REDIS_KEYS_ROOM];
	struct span head = redis_keys_head(number, STORE_LOGIN, SPAN_LIT(""), room);
	size_t front = head.len - 1;

	if (key.len <= head.len || memcmp(key.p, head.p, front) != 0 || key.p[key.len - 1] != '}')
		return (struct span){ NULL, 0 };
	return (struct span){ key.p + front, key.len - head.len };
}

bool redis_keys_in(int number, struct span key)
{
	char room[INT_TEXT];
	struct span digits = span_of_int(number, room);

	return key.len > digits.len && memcmp(key.p, digits.p, digits.len) == 0 &&
	       key.p[digits.len] == ':';
}
