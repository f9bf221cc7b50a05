/* SPDX-License-Identifier: MIT */
/*
 * How long a service that failed is left alone: a second at first, doubling up to half a minute,
 * over with the first success. All zero: nothing has failed. Of one process; it waits for nothing.
 */
#ifndef GRPC_GRPC_BACKOFF_H
#define GRPC_GRPC_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

struct grpc_backoff {
	int64_t pause_ms, until_ms;
};

bool grpc_backoff_passes(const struct grpc_backoff *b, int64_t now_ms);
void grpc_backoff_failed(struct grpc_backoff *b, int64_t now_ms);
void grpc_backoff_worked(struct grpc_backoff *b);

#endif
