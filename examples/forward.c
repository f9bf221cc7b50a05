/* SPDX-License-Identifier: MIT */
/* An application that asks another one in the name of its user: GET /forwarded passes on what
 * http://localhost:8001/user, or the address in $USER_SERVICE, answers. */
#include <stdlib.h>
#include <tpauth.h>

static enum tpauth_rc forwarded(struct tpauth_call *call, void *arg)
{
	struct tpauth_fetch *fetch = tpauth_get(call, arg);
	const char *body;
	size_t len;

	if (tpauth_fetch_rc(fetch) != TPAUTH_OK) {
		tpauth_reason(call, "the user service: %s", tpauth_fetch_error(fetch));
		return TPAUTH_UNAVAILABLE;
	}
	body = tpauth_fetch_get_body(fetch, &len);
	return tpauth_respond(call, tpauth_fetch_status(fetch),
			      tpauth_fetch_get_header(fetch, "Content-Type"), body, len);
}

int main(int argc, char **argv)
{
	static char usual[] = "http://localhost:8001/user";
	char *service = getenv("USER_SERVICE");
	struct tpauth_app *app = tpauth_app_new(NULL);
	int status;

	tpauth_route(app, "GET", "/forwarded", NULL, forwarded, service != NULL ? service : usual);
	status = tpauth_run(app, argc, argv);
	tpauth_app_free(app);
	return status;
}
