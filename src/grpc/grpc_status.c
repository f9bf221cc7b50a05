/* SPDX-License-Identifier: MIT */
/*
 * Owns how a status reads on the wire. What the floors below return is mapped by base/rc.h alone;
 * the codes that are named here are those of the envelope itself.
 */
#include "grpc/grpc_status.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/banned.h"

void grpc_fail(struct grpc_status *s, enum grpc_code code, const char *fmt, ...)
{
	va_list args;

	if (s->code != GRPC_OK)
		return;
	s->code = (int)code;
	va_start(args, fmt);
	vsnprintf(s->text, sizeof(s->text), fmt, args);
	va_end(args);
}

void grpc_fail_rc(struct grpc_status *s, enum tp_rc rc, const struct tp_err *err)
{
	const struct rc_info *info = rc_info(rc);

	if (s->code != GRPC_OK || rc == TP_OK)
		return;
	s->code = info->grpc;
	snprintf(s->text, sizeof(s->text), "%s", info->detail != NULL ? info->detail : err->msg);
}

void grpc_message_put(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c >= 0x20 && c <= 0x7e && c != '%')
			buf_char(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
}
