/* SPDX-License-Identifier: MIT */
/* struct tpauth_app from the inside: what a program registered, in the form that run/ takes it. */
#ifndef APP_APP_H
#define APP_APP_H

#include "hook/hooks.h"
#include "http/router.h"
#include "run/boot.h"

#include <tpauth.h>

enum { APP_DEFAULTS = 4 };

/* The arg of a row in app->routes, whose handler is app_serve(). */
struct app_route {
	tpauth_handler *handler;
	void *arg;
};

struct tpauth_app {
	struct boot_default defaults[APP_DEFAULTS]; /* those that are set, their values owned */
	size_t n_defaults;
	struct hook_set hooks;
	struct route *routes; /* strings and arg owned */
	size_t n_routes;
	struct tp_err flaw; /* the first thing that could not be set up; rc TP_OK: nothing */
};

/* Calls the handler of c->route, an application's, and makes its answer of what came of it. */
http_handler app_serve;

#endif
