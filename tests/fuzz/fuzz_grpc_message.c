/* SPDX-License-Identifier: MIT */
/*
 * A stream's bytes as messages, and each of them as a RefreshRequest: in one piece and in many the
 * messages are the same, and what is clean is decoded to the strings that stand there.
 */
#include "grpc/grpc_frame.h"

#include <assert.h>

#include "grpc/pb.h"
#include "grpc/refresh.pb-c.h"

#include "base/banned.h"

enum { LIMIT = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void decode(struct span message)
{
	Refresh__RefreshRequest *r;

	if (!pb_is_clean(message, 1 << 1 | 1 << 2))
		return;
	r = refresh__refresh_request__unpack(NULL, message.len, (const uint8_t *)message.p);
	if (r == NULL)
		return;
	assert(span_is_utf8(span_of(r->user_id)) && span_is_utf8(span_of(r->token)));
	assert(strlen(r->user_id) + strlen(r->token) <= message.len);
	refresh__refresh_request__free_unpacked(r, NULL);
}

/* All messages one after the other, and how it ended. */
static enum grpc_frame_got read_all(struct span rest, size_t piece, struct buf *out)
{
	enum grpc_frame_got got = GRPC_FRAME_MORE;
	struct grpc_frame f;

	grpc_frame_init(&f, LIMIT);
	while (rest.len > 0 && got <= GRPC_FRAME_MESSAGE) {
		struct span part = { rest.p, piece < rest.len ? piece : rest.len };
		size_t given = part.len;

		got = grpc_frame_take(&f, &part);
		rest.p += given - part.len;
		rest.len -= given - part.len;
		if (got != GRPC_FRAME_MESSAGE)
			continue;
		decode(buf_view(&f.message));
		buf_span(out, buf_view(&f.message));
		buf_char(out, '\n');
		grpc_frame_next(&f);
	}
	grpc_frame_release(&f);
	return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	TP_CLEANUP(buf_release) struct buf whole = BUF_INIT(1 << 21);
	TP_CLEANUP(buf_release) struct buf pieces = BUF_INIT(1 << 21);
	struct span bytes = { (const char *)p, n };

	decode(bytes);
	assert(read_all(bytes, SIZE_MAX, &whole) == read_all(bytes, 1, &pieces));
	assert(span_eq(buf_view(&whole), buf_view(&pieces)));
	return 0;
}
