/* SPDX-License-Identifier: MIT */
/*
 * Result codes, the error record, and the few compiler macros the tree uses.
 *
 * Every fallible function returns enum tp_rc and fills a struct tp_err that its caller owns. The
 * edge (the HTTP router, the gRPC server, a main()) turns the code into bytes by the one table
 * below. "There is none" (TP_NOT_FOUND) and "cannot tell" (TP_UNAVAILABLE) never share a code.
 */
#ifndef BASE_RC_H
#define BASE_RC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TP_MUSTUSE	      __attribute__((warn_unused_result))
#define TP_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define TP_CLEANUP(fn)	      __attribute__((cleanup(fn)))
#define TP_COUNT(array)	      (sizeof(array) / sizeof((array)[0]))

/* clang-format off */
/*
 * X(name, http, grpc, exit, oauth, detail)
 *   http    status of the answer
 *   grpc    status code of the gRPC answer
 *   exit    exit status of a program, from sysexits(3)
 *   oauth   "error" of the body: RFC 6749 5.2, RFC 6750 3.1, or ours; NULL: a body without one
 *   detail  what a client is told; NULL: it is told err->msg
 */
#define TP_RC_TABLE(X) \
	X(TP_OK,            200,  0,  0, NULL,                      "OK") \
	X(TP_NOT_FOUND,     401, 16, 69, "invalid_token",           "Could not validate credentials") \
	X(TP_EXISTS,        500, 13, 70, "server_error",            "Internal Server Error") \
	X(TP_EXPIRED,       401, 16, 77, "invalid_token",           "Could not validate credentials") \
	X(TP_DENIED,        401, 16, 77, "invalid_token",           "Could not validate credentials") \
	X(TP_NO_CREDENTIAL, 401, 16, 77, NULL,                      "Not authenticated") \
	X(TP_FORBIDDEN,     403,  7, 77, "insufficient_scope",      "Not enough permissions") \
	X(TP_ORIGIN,        403,  7, 77, "access_denied",           "Requests from this origin are not accepted") \
	X(TP_INVALID,       400,  3, 78, "invalid_request",         NULL) \
	X(TP_BAD_GRANT,     400,  3, 77, "invalid_grant",           "Wrong user name or password") \
	X(TP_BAD_TYPE,      400,  3, 78, "unsupported_grant_type",  NULL) \
	X(TP_BAD_SCOPE,     400,  3, 78, "invalid_scope",           NULL) \
	X(TP_NO_ROUTE,      404, 12, 64, "not_found",               "Not Found") \
	X(TP_BAD_METHOD,    405, 12, 64, "method_not_allowed",      "Method Not Allowed") \
	X(TP_BAD_MEDIA,     415,  3, 64, "invalid_request",         NULL) \
	X(TP_TOO_LARGE,     413,  8, 65, "invalid_request",         NULL) \
	X(TP_THROTTLED,     429,  8, 75, "slow_down",               "Too many attempts; try again later") \
	X(TP_UNAVAILABLE,   503, 14, 69, "temporarily_unavailable", "The service is temporarily unavailable") \
	X(TP_NOMEM,         503, 14, 71, "temporarily_unavailable", "The service is temporarily unavailable") \
	X(TP_INTERNAL,      500, 13, 70, "server_error",            "Internal Server Error")
/* clang-format on */

enum tp_rc {
#define TP_RC_ENUM(name, http, grpc, exit, oauth, detail) name,
	TP_RC_TABLE(TP_RC_ENUM)
#undef TP_RC_ENUM
};

struct rc_info {
	const char *name;
	int http, grpc, exit_status;
	const char *oauth, *detail;
};

/* The table's row of a code; a code that is none of them reads as TP_INTERNAL. */
const struct rc_info *rc_info(enum tp_rc rc);

/*
 * What went wrong, for the operator's log. msg never holds a secret. Codes whose detail is NULL
 * show msg to the client too, so there it must speak of the client's own request only.
 * retry_s: seconds after which a new try makes sense, 0 where nothing is known.
 */
struct tp_err {
	enum tp_rc rc;
	int retry_s;
	char msg[160];
};

/* Fills *err (which may be NULL) and returns rc, so that a function can fail in one line. err->msg
 * may be among the arguments: a caller puts its own words before what it was told. */
enum tp_rc tp_fail(struct tp_err *err, enum tp_rc rc, const char *fmt, ...) TP_PRINTF(3, 4);

/* The same with Retry-After: a refusal that ends by itself after retry_s seconds. */
enum tp_rc tp_fail_retry(struct tp_err *err, enum tp_rc rc, int64_t retry_s, const char *fmt, ...)
	TP_PRINTF(4, 5);

#endif
