/* SPDX-License-Identifier: MIT */
/*
 * Owns the table of result codes as data, and the filling of error records. Knows nothing of what
 * the codes mean to a protocol beyond that table.
 */
#include "base/rc.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

static const struct rc_info table[] = {
#define TP_RC_ROW(name, http, grpc, exit, oauth, detail) { #name, http, grpc, exit, oauth, detail },
	TP_RC_TABLE(TP_RC_ROW)
#undef TP_RC_ROW
};

const struct rc_info *rc_info(enum tp_rc rc)
{
	return &table[(size_t)rc < TP_COUNT(table) ? (size_t)rc : (size_t)TP_INTERNAL];
}

static void fill(struct tp_err *err, enum tp_rc rc, int64_t retry_s, const char *fmt, va_list ap)
	TP_PRINTF(4, 0);

static void fill(struct tp_err *err, enum tp_rc rc, int64_t retry_s, const char *fmt, va_list ap)
{
	char msg[sizeof(err->msg)]; /* err->msg may be among the arguments */

	if (err == NULL)
		return;
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the callers have started it */
	vsnprintf(msg, sizeof(msg), fmt, ap);
	memcpy(err->msg, msg, sizeof(msg));
	err->rc = rc;
	err->retry_s = retry_s < 0 ? 0 : retry_s > INT_MAX ? INT_MAX : (int)retry_s;
}

enum tp_rc tp_fail(struct tp_err *err, enum tp_rc rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(err, rc, 0, fmt, ap);
	va_end(ap);
	return rc;
}

enum tp_rc tp_fail_retry(struct tp_err *err, enum tp_rc rc, int64_t retry_s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(err, rc, retry_s, fmt, ap);
	va_end(ap);
	return rc;
}
