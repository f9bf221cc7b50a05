/* SPDX-License-Identifier: MIT */
/* Owns the step from an application object to a program: the same one as tpauth.fcgi, with more to
 * serve. */
#include "app/app.h"

#include "run/program.h"

#include <unistd.h>

#include "base/banned.h"

static const char *name_of(int argc, char **argv)
{
	const char *slash;

	if (argc < 1 || argv[0] == NULL || argv[0][0] == '\0')
		return "application";
	slash = strrchr(argv[0], '/');
	return slash != NULL && slash[1] != '\0' ? slash + 1 : argv[0];
}

/* NULL: it has none, and a module may bring them. */
static const struct hook_set *hooks_of_app(const struct tpauth_app *app)
{
	for (size_t i = 0; i < HOOK_EVENTS; i++) {
		if (app->hooks.on[i].fn != NULL)
			return &app->hooks;
	}
	return NULL;
}

int tpauth_run(struct tpauth_app *app, int argc, char **argv)
{
	static const struct tp_err none = { .rc = TP_NOMEM, .msg = "no memory for an application" };
	struct boot_args args = {
		.argc = argc, .argv = argv, .envp = environ, .edge = &boot_http, .flaw = &none
	};

	if (app != NULL) {
		args.flaw = app->flaw.rc != TP_OK ? &app->flaw : NULL;
		args.defaults = app->defaults;
		args.n_defaults = app->n_defaults;
		args.routes = app->routes;
		args.n_routes = app->n_routes;
		args.hooks = hooks_of_app(app);
	}
	return program_http(name_of(argc, argv), &args);
}
