/* SPDX-License-Identifier: MIT */
/* The same for users whose session has the scope user:write; others get 403. */
#include <tpauth.h>

static enum tpauth_rc user(struct tpauth_call *call, void *arg)
{
	(void)arg;
	return tpauth_respond_text(call, 200, "Hello %s", tpauth_user_get(call, "username"));
}

int main(int argc, char **argv)
{
	struct tpauth_app *app = tpauth_app_new(NULL);
	int status;

	tpauth_route(app, "GET", "/user", "user:write", user, NULL);
	status = tpauth_run(app, argc, argv);
	tpauth_app_free(app);
	return status;
}
