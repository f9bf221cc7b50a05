/* SPDX-License-Identifier: MIT */
/*
 * The refresh service of a resource server (GRPC_TARGET), called through the loadable object
 * tpauth_grpc.so, so that no other program, and no CGI request that does not need it, loads an
 * HTTP/2 library.
 */
#ifndef RUN_TRIGGER_H
#define RUN_TRIGGER_H

#include "auth/auth.h"
#include "grpc/grpc_client.h"

struct trigger;

struct trigger_spec {
	const char *module_dir;
	struct grpc_client_spec client; /* borrowed until trigger_close() */
	bool late; /* loads with the first call: for a process that may never make one */
};

/* TP_INVALID: a setting that cannot be used (the message names it). TP_UNAVAILABLE: the object
 * cannot be loaded, or the name of the service is not found. Connects to nothing. */
enum tp_rc trigger_open(const struct trigger_spec *spec, struct trigger **ret,
			struct tp_err *err) TP_MUSTUSE;
void trigger_close(struct trigger *t);

/* For struct auth_ctx; with t NULL one that is none. */
struct auth_trigger trigger_of(struct trigger *t);

#endif
