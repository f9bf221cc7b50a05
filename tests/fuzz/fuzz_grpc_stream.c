/* SPDX-License-Identifier: MIT */
/*
 * A connection's bytes behind the preface, with calls run and time passing in between: whatever
 * comes, the server neither crashes nor keeps more than its limits.
 */
#include "grpc/grpc_conn.h"

#include <assert.h>

#include "base/log.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void echo(void *arg, struct grpc_call *c, struct span message)
{
	(void)arg;
	assert(message.len <= LIMIT_GRPC_MESSAGE);
	buf_span(&c->out, message);
}

static const struct grpc_method methods[] = { { "/u", GRPC_UNARY, false, echo, NULL },
					      { "/c", GRPC_CHAT, false, echo, NULL },
					      { "/w", GRPC_WATCH, false, echo, NULL } };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct grpc_rules rules = { methods, TP_COUNT(methods), NULL, { NULL, 0 } };
	static const struct span preface = { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24 };
	struct span rest = { (const char *)p, n };
	struct grpc_conn *c = NULL;
	int64_t now_ms = 1000;
	struct tp_err err;
	static bool quiet;
	bool going;

	/* Who is sent away is worth a line each time; not here. */
	if (!quiet)
		quiet = log_open("file:/dev/null", LOG_LOGFMT, LOG_LEVEL_ERR, "fuzz", &err) ==
			TP_OK;
	assert(grpc_conn_open(&rules, SPAN_LIT("peer"), now_ms, &c, &err) == TP_OK);
	going = grpc_conn_in(c, preface, now_ms);
	while (going && rest.len > 0) {
		TP_CLEANUP(buf_release) struct buf out = BUF_INIT((size_t)4 * GRPC_OUT_MOST);
		size_t piece = 1 + rest.len / 3;

		going = grpc_conn_in(c, (struct span){ rest.p, piece }, now_ms);
		rest.p += piece;
		rest.len -= piece;
		grpc_conn_work(c, 4, now_ms);
		now_ms += 900;
		grpc_conn_tick(c, now_ms);
		assert(grpc_conn_out(c, &out));
	}
	grpc_conn_close(c);
	return 0;
}
