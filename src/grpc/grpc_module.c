/* SPDX-License-Identifier: MIT */
/* The loadable object tpauth_grpc.so: the table of grpc_client.h, found by its name. The rest of
 * the object is hidden. */
#include "grpc/grpc_client.h"

#include "base/banned.h"

extern const struct grpc_client_module tpauth_grpc_client __attribute__((visibility("default")));
const struct grpc_client_module tpauth_grpc_client = { GRPC_CLIENT_ABI, grpc_client_open,
						       grpc_client_refresh, grpc_client_close };
