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

struct pool;

/* How the program was called; kept so that a reload reads the same sources again. */
struct boot_args {
	int argc;
	char **argv;
	char **envp;
	bool cgi; /* argv is the client's then (RFC 3875 4.4), and nothing in it is read */
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
	struct pool *pool;
	struct http_site site;
	struct auth_ctx auth;
};

/* Reads and checks the settings only. */
enum tp_rc boot_config(const struct boot_args *args, struct app *ret,
		       struct tp_err *err) TP_MUSTUSE;

/* Sends the log where the settings say. On failure it goes on where it went. */
enum tp_rc boot_log(const struct app *app, struct tp_err *err) TP_MUSTUSE;

/* Logs what is allowed and hardly meant. */
void boot_warn(const struct app *app);

/* Everything else, in the process that will serve (after fork). */
enum tp_rc boot_open(struct app *app, struct tp_err *err) TP_MUSTUSE;

/* What --check-config and the supervisor ask: keys, handler, site and store address are as they
 * should be. Keeps nothing open. */
enum tp_rc boot_check(struct app *app, struct tp_err *err) TP_MUSTUSE;

/*
 * A reload changes everything but the session store: workers that keep their sessions in two places
 * would each refuse what the other let in. TP_INVALID: the settings of the store differ.
 */
enum tp_rc boot_same_store(const struct app *old, const struct app *next,
			   struct tp_err *err) TP_MUSTUSE;

/* Reads everything again; the store and the place in the pool are handed over. On failure *app and
 * the log are as they were. */
enum tp_rc boot_reload(struct app *app, struct tp_err *err) TP_MUSTUSE;

void boot_close(struct app *app);

#endif
