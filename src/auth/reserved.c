/* SPDX-License-Identifier: MIT */
/* Owns the list of reserved claims, for all who mint claims and all who take them from others. */
#include "auth/reserved.h"

#include "base/banned.h"

static const char *const names[] = { "iss", "iat",	 "exp", "nbf",	"token_type",
				     "sid", "auth_time", "ip",	"agent" };

bool reserved_is(const char *claim)
{
	for (size_t i = 0; i < TP_COUNT(names); i++) {
		if (strcmp(claim, names[i]) == 0)
			return true;
	}
	return false;
}

void reserved_strip(struct jval *claims)
{
	for (size_t i = 0; i < TP_COUNT(names); i++)
		jval_remove(claims, names[i]);
}
