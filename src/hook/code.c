/* SPDX-License-Identifier: MIT */
/* Owns the mapping of result codes between the tree and the public interface, in one table each
 * way: the public codes are fewer, and mean what an application has to tell apart. */
#include "hook/code.h"

#include "base/banned.h"

/* clang-format off */
static const struct {
	enum tp_rc in;
	const char *name;
} codes[] = {
	[TPAUTH_OK]            = { TP_OK,            "ok" },
	[TPAUTH_DENIED]        = { TP_DENIED,        "denied" },
	[TPAUTH_NO_CREDENTIAL] = { TP_NO_CREDENTIAL, "no credential" },
	[TPAUTH_EXPIRED]       = { TP_EXPIRED,       "expired" },
	[TPAUTH_FORBIDDEN]     = { TP_FORBIDDEN,     "forbidden" },
	[TPAUTH_INVALID]       = { TP_INVALID,       "invalid" },
	[TPAUTH_NOT_FOUND]     = { TP_NO_ROUTE,      "not found" },
	[TPAUTH_TOO_LARGE]     = { TP_TOO_LARGE,     "too large" },
	[TPAUTH_UNAVAILABLE]   = { TP_UNAVAILABLE,   "unavailable" },
	[TPAUTH_NOMEM]         = { TP_NOMEM,         "out of memory" },
	[TPAUTH_INTERNAL]      = { TP_INTERNAL,      "internal error" },
};

static const enum tpauth_rc out[] = {
	[TP_OK]            = TPAUTH_OK,
	[TP_NOT_FOUND]     = TPAUTH_DENIED,
	[TP_EXISTS]        = TPAUTH_INTERNAL,
	[TP_EXPIRED]       = TPAUTH_EXPIRED,
	[TP_DENIED]        = TPAUTH_DENIED,
	[TP_NO_CREDENTIAL] = TPAUTH_NO_CREDENTIAL,
	[TP_FORBIDDEN]     = TPAUTH_FORBIDDEN,
	[TP_ORIGIN]        = TPAUTH_FORBIDDEN,
	[TP_INVALID]       = TPAUTH_INVALID,
	[TP_BAD_GRANT]     = TPAUTH_DENIED,
	[TP_BAD_TYPE]      = TPAUTH_INVALID,
	[TP_BAD_SCOPE]     = TPAUTH_INVALID,
	[TP_NO_ROUTE]      = TPAUTH_NOT_FOUND,
	[TP_BAD_METHOD]    = TPAUTH_INVALID,
	[TP_BAD_MEDIA]     = TPAUTH_INVALID,
	[TP_TOO_LARGE]     = TPAUTH_TOO_LARGE,
	[TP_THROTTLED]     = TPAUTH_UNAVAILABLE,
	[TP_UNAVAILABLE]   = TPAUTH_UNAVAILABLE,
	[TP_NOMEM]         = TPAUTH_NOMEM,
	[TP_INTERNAL]      = TPAUTH_INTERNAL,
};
/* clang-format on */

_Static_assert(TP_COUNT(out) == (size_t)TP_INTERNAL + 1, "every code has a way out");

enum tp_rc code_in(enum tpauth_rc rc)
{
	return (unsigned)rc < TP_COUNT(codes) ? codes[rc].in : TP_INTERNAL;
}

enum tpauth_rc code_out(enum tp_rc rc)
{
	return (unsigned)rc < TP_COUNT(out) ? out[rc] : TPAUTH_INTERNAL;
}

const char *tpauth_rc_name(enum tpauth_rc rc)
{
	return (unsigned)rc < TP_COUNT(codes) ? codes[rc].name : "no code";
}

const char *tpauth_version(void)
{
	return TP_VERSION;
}
