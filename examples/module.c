/* SPDX-License-Identifier: MIT */
/*
 * A token handler as a module: it knows one user, whose name and hash stand in the setting.
 *
 *	TOKEN_HANDLER=module:/usr/lib/tpauth/module.so,alice:$6$...
 */
#include <crypt.h>
#include <stdlib.h>
#include <string.h>
#include <tpauth.h>

static enum tpauth_rc open_module(const char *text, void **ret_arg)
{
	*ret_arg = strchr(text, ':') != NULL ? strdup(text) : NULL;
	return *ret_arg != NULL ? TPAUTH_OK : TPAUTH_INVALID;
}

static enum tpauth_rc login(struct tpauth_call *call, const struct tpauth_claims *user,
			    struct tpauth_claims *claims, void *arg)
{
	const char *name = tpauth_form(call, "username"), *password = tpauth_form(call, "password");
	const char *known = arg, *hash = strchr(known, ':') + 1;
	const char *made = password != NULL ? crypt(password, hash) : NULL;
	size_t len = (size_t)(hash - known) - 1;

	(void)user;
	if (name == NULL || made == NULL || strcmp(made, hash) != 0 || strlen(name) != len ||
	    strncmp(name, known, len) != 0)
		return TPAUTH_DENIED;
	tpauth_claims_set(claims, "user_id", name);
	tpauth_claims_set(claims, "username", name);
	tpauth_claims_add(claims, "scopes", "user:read");
	return TPAUTH_OK;
}

const struct tpauth_module tpauth_module = {
	.version = TPAUTH_MODULE_1, .open = open_module, .close = free, .on_token = login
};
