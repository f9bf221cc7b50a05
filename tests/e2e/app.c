/* SPDX-License-Identifier: MIT */
/* What 40-libtpauth.t builds, as C and as C++, and runs in every way. */
#include <tpauth.h>

/* Names that the library has inside, and leaves to everybody. */
extern int buf_put(void);
extern int http_serve(void);
int buf_put(void)
{
	return 1;
}
int http_serve(void)
{
	return 1;
}

static enum tpauth_rc user(struct tpauth_call *call, void *arg)
{
	return tpauth_respond_text(call, 200, "%s %s\n", (const char *)arg,
				   tpauth_user_get(call, "username"));
}

static enum tpauth_rc item(struct tpauth_call *call, void *arg)
{
	(void)arg;
	tpauth_add_header(call, "X-Item", "yes");
	return tpauth_respond_text(call, 200, "%s %s\n", tpauth_method(call),
				   tpauth_param(call, "id"));
}

int main(int argc, char **argv)
{
	static char hello[] = "Hello";
	struct tpauth_about about = { "Try", "1.0", "A trial", NULL };
	struct tpauth_app *app = tpauth_app_new(&about);
	int status;

	tpauth_route(app, "GET", "/user", "", user, hello);
	tpauth_route(app, "GET", "/items/{id}", "read", item, NULL);
	tpauth_route(app, "PUT", "/items/{id}", "write", item, NULL);
	tpauth_route(app, "GET", "/secret", "nobody:has", item, NULL);
	tpauth_route_public(app, "GET", "/public", item, NULL);
	tpauth_route_summary(app, "Anybody's");
	status = tpauth_run(app, argc, argv);
	tpauth_app_free(app);
	return status;
}
