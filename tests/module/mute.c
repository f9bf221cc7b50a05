/* SPDX-License-Identifier: MIT */
/* A module without a hook for the login. */
#include <tpauth.h>

static enum tpauth_rc on_health(struct tpauth_call *call, const struct tpauth_claims *user,
				struct tpauth_claims *claims, void *arg)
{
	(void)call;
	(void)user;
	(void)claims;
	(void)arg;
	return TPAUTH_OK;
}

const struct tpauth_module tpauth_module = { .version = TPAUTH_MODULE_1, .on_health = on_health };
