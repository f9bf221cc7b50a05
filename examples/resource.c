/* SPDX-License-Identifier: MIT */
/*
 * An application for users with a session: GET /user greets them.
 *
 *	SECRET_KEY=... AUTHORIZATION_SERVER=false ./resource --listen 127.0.0.1:9001 --workers 2
 */
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

	tpauth_route(app, "GET", "/user", NULL, user, NULL);
	tpauth_route_summary(app, "Says hello to the user");
	status = tpauth_run(app, argc, argv);
	tpauth_app_free(app);
	return status;
}
