/* SPDX-License-Identifier: MIT */
/*
 * What tpauth-grpcd serves: refresh.RefreshService, grpc.health.v1.Health and server reflection
 * (v1 and v1alpha). Health needs no secret, so that those who only watch the service need not know
 * it.
 */
#ifndef GRPC_SERVICES_H
#define GRPC_SERVICES_H

#include "auth/auth.h"
#include "grpc/grpc_call.h"

/* The handlers' common state; their arg. */
struct services {
	const struct auth_ctx *auth; /* borrowed; may change between two calls */
	int64_t pinged_ms;	     /* when the store was last asked; 0: never */
	bool serving;		     /* what it said */
};

/* Fills *ret; s and secret are borrowed. */
void services_rules(struct services *s, struct span secret, struct grpc_rules *ret);

grpc_handler s_health_check, s_health_watch, s_reflection;
grpc_many_handler s_refresh;

/* A FileDescriptorSet of all that is served, made by protoc at build time. */
extern const unsigned char grpc_descriptors[];
extern const size_t grpc_descriptors_len;

#endif
