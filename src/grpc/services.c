/* SPDX-License-Identifier: MIT */
/* The table of methods. */
#include "grpc/services.h"

#include "base/banned.h"

static const struct grpc_method methods[] = {
	{ "/refresh.RefreshService/RefreshToken", GRPC_UNARY, false, NULL, s_refresh },
	{ "/grpc.health.v1.Health/Check", GRPC_UNARY, true, s_health_check, NULL },
	{ "/grpc.health.v1.Health/Watch", GRPC_WATCH, true, s_health_watch, NULL },
	{ "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", GRPC_CHAT, false,
	  s_reflection, NULL },
	{ "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", GRPC_CHAT, false,
	  s_reflection, NULL },
};

void services_rules(struct services *s, struct span secret, struct grpc_rules *ret)
{
	*ret = (struct grpc_rules){ methods, TP_COUNT(methods), s, secret };
}
