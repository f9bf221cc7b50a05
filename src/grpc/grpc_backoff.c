/* SPDX-License-Identifier: MIT */
/* The arithmetic of leaving a failed service alone. What counts as a failure is the caller's to
 * say. */
#include "grpc/grpc_backoff.h"

#include "base/banned.h"

enum { PAUSE_FIRST_MS = 1000, PAUSE_MOST_MS = 30000 };

bool grpc_backoff_passes(const struct grpc_backoff *b, int64_t now_ms)
{
	return b->pause_ms == 0 || now_ms >= b->until_ms;
}

void grpc_backoff_failed(struct grpc_backoff *b, int64_t now_ms)
{
	b->pause_ms = b->pause_ms == 0 ? PAUSE_FIRST_MS : 2 * b->pause_ms;
	if (b->pause_ms > PAUSE_MOST_MS)
		b->pause_ms = PAUSE_MOST_MS;
	b->until_ms = now_ms + b->pause_ms;
}

void grpc_backoff_worked(struct grpc_backoff *b)
{
	*b = (struct grpc_backoff){ 0 };
}
