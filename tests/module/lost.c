/* SPDX-License-Identifier: MIT */
/* A module that calls what the program which loads it does not have: a function on answers. */
#include <tpauth.h>

static enum tpauth_rc on_token(struct tpauth_call *call, const struct tpauth_claims *user,
			       struct tpauth_claims *claims, void *arg)
{
	(void)user;
	(void)claims;
	(void)arg;
	return tpauth_respond_text(call, 200, "hello");
}

const struct tpauth_module tpauth_module = { .version = TPAUTH_MODULE_1, .on_token = on_token };
