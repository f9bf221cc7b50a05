/* SPDX-License-Identifier: MIT */
/* The least that a module can be. */
#include <tpauth.h>

#include <stddef.h>

static enum tpauth_rc on_token(struct tpauth_call *call, const struct tpauth_claims *user,
			       struct tpauth_claims *claims, void *arg)
{
	(void)user;
	tpauth_claims_set(claims, "user_id", tpauth_form(call, "username"));
	return arg == NULL ? TPAUTH_OK : TPAUTH_INTERNAL;
}

const struct tpauth_module tpauth_module = { .version = TPAUTH_MODULE_1, .on_token = on_token };
