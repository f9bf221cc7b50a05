/* SPDX-License-Identifier: MIT */
/*
 * Whom a connection is from, for counting: an IPv4 address or the /64 of an IPv6 one. Unix sockets,
 * 127.0.0.1 and ::1 are nobody's in particular, since all local clients share them, and one that
 * means harm there has other means.
 */
#ifndef GRPC_GRPC_SOURCE_H
#define GRPC_GRPC_SOURCE_H

#include <stdbool.h>

struct sockaddr_storage;

struct grpc_source {
	bool counts; /* false: any number may come from there */
	unsigned char net[8];
};

struct grpc_source grpc_source_of(const struct sockaddr_storage *addr);

/* Never equal where one of them does not count. */
bool grpc_source_eq(const struct grpc_source *a, const struct grpc_source *b);

#endif
