/* SPDX-License-Identifier: MIT */
/*
 * An authorization server that knows its user itself: admin, "correct horse battery staple".
 *
 *	SECRET_KEY=... AUTHORIZATION_SERVER=true ./authserver --listen 127.0.0.1:9000 --workers 2
 */
#include <crypt.h>
#include <string.h>
#include <tpauth.h>

/* openssl passwd -6 */
static const char hash[] = "$6$tpauthexample$HM1gUBaPpTRGKdmO7nqeQCI4K8VWuSj3R72yAj23IjH7W1ycvu5b"
			   "HjAiFnlq4/wuY2YzS0nWVflcuDIjWrA9V1";

static enum tpauth_rc login(struct tpauth_call *call, const struct tpauth_claims *user,
			    struct tpauth_claims *claims, void *arg)
{
	const char *name = tpauth_form(call, "username"), *password = tpauth_form(call, "password");
	const char *made = password != NULL ? crypt(password, hash) : NULL;

	(void)user, (void)arg;
	if (name == NULL || made == NULL || strcmp(made, hash) != 0 || strcmp(name, "admin") != 0)
		return TPAUTH_DENIED;
	tpauth_claims_set(claims, "user_id", "user_099");
	tpauth_claims_set(claims, "username", "Admin");
	tpauth_claims_add(claims, "scopes", "user:read");
	tpauth_claims_add(claims, "scopes", "user:write");
	tpauth_claims_set(claims, "issued_to", tpauth_remote_addr(call));
	return TPAUTH_OK;
}

int main(int argc, char **argv)
{
	struct tpauth_app *app = tpauth_app_new(NULL);
	int status;

	tpauth_on(app, TPAUTH_ON_TOKEN, login, NULL);
	status = tpauth_run(app, argc, argv);
	tpauth_app_free(app);
	return status;
}
