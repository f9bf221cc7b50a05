/* SPDX-License-Identifier: MIT */
/* Owns the question whether two connections are of one client. */
#include "grpc/grpc_source.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/banned.h"

static struct grpc_source of_ip4(const unsigned char ip[4])
{
	static const unsigned char local[4] = { 127, 0, 0, 1 };
	/* As ::ffff:0:0/96 has it, of which no /64 is somebody's. */
	struct grpc_source s = { memcmp(ip, local, sizeof(local)) != 0, { 0 } };

	memcpy(s.net + 4, ip, 4);
	return s;
}

static struct grpc_source of_ip6(const struct in6_addr *ip)
{
	struct grpc_source s = { !IN6_IS_ADDR_LOOPBACK(ip), { 0 } };

	if (IN6_IS_ADDR_V4MAPPED(ip))
		return of_ip4(ip->s6_addr + 12);
	memcpy(s.net, ip->s6_addr, sizeof(s.net));
	return s;
}

struct grpc_source grpc_source_of(const struct sockaddr_storage *addr)
{
	union {
		const struct sockaddr_storage *any;
		const struct sockaddr_in *ip4;
		const struct sockaddr_in6 *ip6;
	} at = { addr };

	if (addr->ss_family == AF_INET) {
		unsigned char ip[4];

		memcpy(ip, &at.ip4->sin_addr, sizeof(ip));
		return of_ip4(ip);
	}
	if (addr->ss_family == AF_INET6)
		return of_ip6(&at.ip6->sin6_addr);
	return (struct grpc_source){ false, { 0 } };
}

bool grpc_source_eq(const struct grpc_source *a, const struct grpc_source *b)
{
	return a->counts && b->counts && memcmp(a->net, b->net, sizeof(a->net)) == 0;
}
