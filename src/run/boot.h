/* SPDX-License-Identifier: MIT */
/*
 * The composition root: reads the settings and makes of them the keys, the store, the token
 * handler, the site and the pool place that the floors below work with.
 */
#ifndef RUN_BOOT_H
#define RUN_BOOT_H

#include "auth/auth.h"
#include "config/config.h"
#include "http/site.h"
#include "store/store.h"

struct hook_set;
struct module;
struct pool;
struct route;
struct trigger;

struct app;

/* What the program adds to the common part, above it: the HTTP site, the gRPC side. */
struct boot_edge {
	enum tp_rc (*open)(struct app *app,
			   struct tp_err *err); /* needs neither store nor process */
	void (*close)(struct app *app);		/* also what is half open */
	bool logins;				/* takes a place in the pool */
	bool asks;				/* the token handler and the hooks */
	bool is_guest; /* in a program of others, where sessions are checked and no more:
			  AUTHORIZATION_SERVER is read as off, and OpenSSL is left alone */
};

/* The HTTP site, in app->site; and the same for a guest. */
extern const struct boot_edge boot_http, boot_validator;

/* What an application sets when no source of settings does. */
struct boot_default {
	enum option_id id;
	const char *value;
};

/* How the program was called, and what an application adds to it; kept so that a reload reads the
 * same sources again. */
struct boot_args {
	int argc;
	char **argv;
	char **envp;
	bool cgi; /* argv is the client's then (RFC 3875 4.4), and nothing in it is read */
	const struct boot_edge *edge;

	/* An application's own, borrowed; zeros for a program that is none. */
	const struct tp_err *flaw; /* what keeps it from serving; NULL: nothing */
	const struct boot_default *defaults;
	size_t n_defaults;
	const struct route *routes; /* after the built-in ones; each is good by itself */
	size_t n_routes;
	const struct hook_set *hooks; /* of the program itself; NULL: none. One for the login stands
				       * in for TOKEN_HANDLER */
};

struct boot_rules;

struct app {
	struct boot_args args;
	struct config config;
	struct boot_rules *rules; /* on the heap, so that an app can be moved */
	struct keyring *keys;
	struct token_verifier *verifier;
	struct store *store;
	struct authn *authn;
	struct module *module; /* of TOKEN_HANDLER; NULL: it names none */
	struct pool *pool;
	struct trigger
		*trigger; /* of boot_http on a resource server; NULL: its sessions do not slide */
	struct http_site site; /* of boot_http, as the next three are */
	const struct route *routes;
	size_t n_routes;
	struct route *joined; /* what routes is, where it is no constant */
	void *edge;	      /* of another edge: its own */
	bool judged;	      /* boot_check() had the second opinion on the keys */
	struct auth_ctx auth;
};

/* Reads and checks the settings only. */
enum tp_rc boot_config(const struct boot_args *args, struct app *ret,
		       struct tp_err *err) TP_MUSTUSE;

/* Sends the log where the settings say. On failure it goes on where it went. */
enum tp_rc boot_log(const struct app *app, struct tp_err *err) TP_MUSTUSE;

/* The session store of the settings, not opened; borrows from *app. */
struct store_spec boot_store_spec(const struct app *app);

/* Whether what stands behind the token handler is there; TP_OK also where there is none. */
enum tp_rc boot_probe_handler(const struct app *app, struct tp_err *err) TP_MUSTUSE;

/* Logs what is allowed and hardly meant. */
void boot_warn(const struct app *app);

/* Everything else, in the process that will serve (after fork). */
enum tp_rc boot_open(struct app *app, struct tp_err *err) TP_MUSTUSE;

/* What --check-config and the supervisor ask: keys, handler, site and store address are as they
 * should be. Keeps nothing open. Workers that are forked from there do not ask again for the second
 * opinion on the keys: they have the very same bytes. */
enum tp_rc boot_check(struct app *app, struct tp_err *err) TP_MUSTUSE;

/*
 * A reload changes everything but the session store: workers that keep their sessions in two places
 * would each refuse what the other let in. TP_INVALID: the settings of the store differ.
 */
enum tp_rc boot_same_store(const struct app *old, const struct app *next,
			   struct tp_err *err) TP_MUSTUSE;

/* Reads everything again; the store and the place in the pool are handed over. On failure *app is
 * as it was, and so is the log, whose file is opened anew in any case. */
enum tp_rc boot_reload(struct app *app, struct tp_err *err) TP_MUSTUSE;

/* What a supervisor does on SIGHUP: what is configured now is what workers that start from now on
 * get as well, if it is good; else false, and the log says why. */
bool boot_renew(struct app *app);

void boot_close(struct app *app);

#endif
