/* SPDX-License-Identifier: MIT */
/*
 * Owns the application object. Whatever a program registers is judged at once and kept; what is
 * wrong with it is said when it is run, where somebody looks.
 */
#include "app/app.h"

#include "base/limits.h"
#include "http/route_check.h"

#include <stdlib.h>

#include "base/banned.h"

static void flaw(struct tpauth_app *app, enum tp_rc rc, const char *what)
{
	if (app->flaw.rc == TP_OK)
		tp_fail(&app->flaw, rc, "%s", what);
}

static bool set_default(struct tpauth_app *app, enum option_id id, const char *value)
{
	char *own;

	if (value == NULL)
		return true;
	own = span_dup(span_of(value));
	if (own == NULL)
		return false;
	app->defaults[app->n_defaults++] = (struct boot_default){ id, own };
	return true;
}

struct tpauth_app *tpauth_app_new(const struct tpauth_about *about)
{
	struct tpauth_app *app = calloc(1, sizeof(*app));

	if (app == NULL || about == NULL)
		return app;
	if (set_default(app, OPTION_APP_TITLE, about->title) &&
	    set_default(app, OPTION_APP_VERSION, about->version) &&
	    set_default(app, OPTION_APP_DESCRIPTION, about->description) &&
	    set_default(app, OPTION_ROOT_PATH, about->root_path))
		return app;
	tpauth_app_free(app);
	return NULL;
}

/* The strings of a row are its own, const for those who only read it. */
static void free_string(const char *s)
{
	union {
		const char *read;
		char *own;
	} u = { .read = s };

	free(u.own);
}

static void free_route(struct route *r)
{
	free_string(r->path_template);
	free_string(r->scopes);
	free_string(r->summary);
	free(r->arg);
}

void tpauth_app_free(struct tpauth_app *app)
{
	if (app == NULL)
		return;
	for (size_t i = 0; i < app->n_defaults; i++)
		free_string(app->defaults[i].value);
	for (size_t i = 0; i < app->n_routes; i++)
		free_route(&app->routes[i]);
	free(app->routes);
	free(app);
}

void tpauth_on(struct tpauth_app *app, enum tpauth_event event, tpauth_hook *hook, void *arg)
{
	if (app == NULL)
		return;
	if ((unsigned)event >= HOOK_EVENTS) {
		flaw(app, TP_INVALID, "tpauth_on: there is no such event");
		return;
	}
	app->hooks.on[event] = (struct hook){ hook, arg };
}

/* Routes ----------------------------------------------------------------------------------------*/

/* 0: none that a route may have. */
static unsigned methods_of(const char *method)
{
	enum http_method m = request_method(span_of(method));

	if (m == HTTP_GET)
		return HTTP_GET | HTTP_HEAD;
	return m == HTTP_POST || m == HTTP_PUT || m == HTTP_PATCH || m == HTTP_DELETE ? m : 0;
}

static const char *or_none(const char *s)
{
	return s != NULL ? s : "(none)";
}

/* Everything that a row owns; what is missing after a failure, free_route() takes. */
static enum tp_rc own_route(struct route *r, const struct app_route *to, struct tp_err *err)
{
	struct app_route *arg = malloc(sizeof(*arg));

	r->path_template = span_dup(span_of(r->path_template));
	r->scopes = span_dup(span_of(r->scopes != NULL ? r->scopes : ""));
	r->arg = arg;
	if (arg == NULL || r->path_template == NULL || r->scopes == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	*arg = *to;
	return TP_OK;
}

static enum tp_rc add_route(struct tpauth_app *app, const struct route *r,
			    const struct app_route *to, struct tp_err *err)
{
	struct route *more;
	enum tp_rc rc;

	if (app->n_routes == LIMIT_ROUTES)
		return tp_fail(err, TP_INVALID, "more than %d routes", LIMIT_ROUTES);
	rc = route_check_one(r, app->routes, app->n_routes, err);
	if (rc != TP_OK)
		return rc;
	more = realloc(app->routes, (app->n_routes + 1) * sizeof(*more));
	if (more == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	app->routes = more;
	more[app->n_routes] = *r;
	rc = own_route(&more[app->n_routes], to, err);
	if (rc == TP_OK)
		app->n_routes++;
	else
		free_route(&more[app->n_routes]);
	return rc;
}

static void take_route(struct tpauth_app *app, const char *method, struct route r,
		       const struct app_route *to)
{
	struct tp_err why = { 0 };

	if (app == NULL || app->flaw.rc != TP_OK)
		return;
	r.methods = methods_of(method);
	r.handler = to->handler != NULL ? app_serve : NULL;
	if (add_route(app, &r, to, &why) != TP_OK)
		tp_fail(&app->flaw, why.rc, "route %.8s %.60s: %.80s", or_none(method),
			or_none(r.path_template), why.msg);
}

void tpauth_route(struct tpauth_app *app, const char *method, const char *path, const char *scopes,
		  tpauth_handler *handler, void *arg)
{
	const struct route r = { .path_template = path,
				 .scopes = scopes,
				 .flags = ROUTE_SESSION | ROUTE_SLIDES };

	take_route(app, method, r, &(struct app_route){ handler, arg });
}

void tpauth_route_public(struct tpauth_app *app, const char *method, const char *path,
			 tpauth_handler *handler, void *arg)
{
	take_route(app, method, (struct route){ .path_template = path },
		   &(struct app_route){ handler, arg });
}

void tpauth_route_summary(struct tpauth_app *app, const char *summary)
{
	struct route *last;
	char *own;

	if (app == NULL || app->flaw.rc != TP_OK)
		return;
	if (app->n_routes == 0) {
		flaw(app, TP_INVALID, "tpauth_route_summary: there is no route yet");
		return;
	}
	if (summary == NULL || !span_is_utf8(span_of(summary))) {
		flaw(app, TP_INVALID, "tpauth_route_summary: the text is not UTF-8");
		return;
	}
	own = span_dup(span_of(summary));
	if (own == NULL) {
		flaw(app, TP_NOMEM, "out of memory");
		return;
	}
	last = &app->routes[app->n_routes - 1];
	free_string(last->summary);
	last->summary = own;
}
