/* SPDX-License-Identifier: MIT */
/*
 * Owns the five bytes before a message and the gathering of its pieces. Compression it only
 * notices: what to say about it is the caller's matter.
 */
#include "grpc/grpc_frame.h"

#include "base/banned.h"

void grpc_frame_init(struct grpc_frame *f, size_t limit)
{
	*f = (struct grpc_frame){ .message = BUF_INIT(limit) };
}

static struct span take(struct span *rest, size_t n)
{
	struct span taken = { rest->p, n < rest->len ? n : rest->len };

	rest->p += taken.len;
	rest->len -= taken.len;
	return taken;
}

static enum grpc_frame_got judge_head(struct grpc_frame *f)
{
	const unsigned char *h = f->head;

	if (h[0] > 1)
		return GRPC_FRAME_BAD_FLAG;
	if (h[0] == 1)
		return GRPC_FRAME_COMPRESSED;
	f->need = (size_t)h[1] << 24 | (size_t)h[2] << 16 | (size_t)h[3] << 8 | h[4];
	return f->need > f->message.cap ? GRPC_FRAME_TOO_LARGE : GRPC_FRAME_MESSAGE;
}

enum grpc_frame_got grpc_frame_take(struct grpc_frame *f, struct span *rest)
{
	enum grpc_frame_got got;
	struct span part;

	if (f->have < GRPC_FRAME_HEAD && rest->len > 0) {
		part = take(rest, GRPC_FRAME_HEAD - f->have);
		memcpy(f->head + f->have, part.p, part.len);
		f->have += part.len;
	}
	if (f->have < GRPC_FRAME_HEAD)
		return GRPC_FRAME_MORE;
	got = judge_head(f);
	if (got != GRPC_FRAME_MESSAGE)
		return got;
	if (f->need > 0)
		buf_span(&f->message, take(rest, f->need - f->message.len));
	if (f->message.rc != TP_OK)
		return GRPC_FRAME_NOMEM;
	return f->message.len == f->need ? GRPC_FRAME_MESSAGE : GRPC_FRAME_MORE;
}

void grpc_frame_next(struct grpc_frame *f)
{
	buf_reset(&f->message);
	f->have = 0;
	f->need = 0;
}

bool grpc_frame_is_between(const struct grpc_frame *f)
{
	return f->have == 0;
}

void grpc_frame_release(struct grpc_frame *f)
{
	buf_release(&f->message);
	f->have = 0;
	f->need = 0;
}

void grpc_frame_head(unsigned char ret[GRPC_FRAME_HEAD], size_t n)
{
	ret[0] = 0;
	ret[1] = (unsigned char)(n >> 24);
	ret[2] = (unsigned char)(n >> 16);
	ret[3] = (unsigned char)(n >> 8);
	ret[4] = (unsigned char)n;
}
