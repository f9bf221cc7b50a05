/* SPDX-License-Identifier: MIT */
/*
 * tpauth-grpcd: the refresh service for those who cannot sign themselves. Puts the settings, the
 * socket and the gRPC server together; alone, or as a pool of processes on one socket.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/tls.h"
#include "grpc/grpc_server.h"
#include "grpc/services.h"
#include "run/listen.h"
#include "run/program.h"
#include "run/signals.h"

#include "base/banned.h"

/* A worker, or the single process. */
struct daemon {
	struct server *server;
	struct services services;
};

/* The gRPC side of the settings: app->edge is the TLS context, or NULL --------------------------*/

static enum tp_rc check_settings(const struct config *c, struct tp_err *err)
{
	if (!c->authorization_server)
		return tp_fail(
			err, TP_INVALID,
			"AUTHORIZATION_SERVER: false, and tpauth-grpcd signs the sessions that "
			"it refreshes, which takes true");
	if (c->listen != NULL)
		return tp_fail(err, TP_INVALID,
			       "LISTEN: is for tpauth.fcgi; this program listens on GRPC_LISTEN");
	if (c->grpc)
		return tp_fail(err, TP_INVALID,
			       "--grpc: is for tpauth.fcgi, which starts this program then");
	if (c->grpc_tls_cert == NULL && !listen_is_local(config_grpc_listen(c)))
		return tp_fail(err, TP_INVALID,
			       "GRPC_LISTEN: %.60s can be reached by others, and that takes "
			       "GRPC_TLS_CERT and GRPC_TLS_KEY",
			       config_grpc_listen(c));
	return TP_OK;
}

static enum tp_rc open_grpc(struct app *app, struct tp_err *err)
{
	const struct config *c = &app->config;
	struct tls_server_spec spec = { c->grpc_tls_cert, c->grpc_tls_key, c->grpc_tls_client_ca,
					"h2" };
	struct tls_ctx *tls = NULL;
	struct tp_err why = { 0 };
	enum tp_rc rc = check_settings(c, err);

	if (rc != TP_OK || c->grpc_tls_cert == NULL)
		return rc;
	rc = tls_server_open(&spec, &tls, &why);
	if (rc != TP_OK)
		return tp_fail(err, rc, "GRPC_TLS: %s", why.msg);
	app->edge = tls;
	return TP_OK;
}

static void close_grpc(struct app *app)
{
	tls_ctx_close(app->edge);
	app->edge = NULL;
}

static const struct boot_edge boot_grpc = { .open = open_grpc, .close = close_grpc, .asks = true };

/* Serving ---------------------------------------------------------------------------------------*/

static struct grpc_rules rules_of(struct daemon *d)
{
	struct grpc_rules rules;

	services_rules(&d->services, secret_view(&d->server->app.config.grpc_secret), &rules);
	return rules;
}

static void reload(struct daemon *d, struct grpc_server *server)
{
	struct tp_err err = { 0 };
	struct grpc_rules rules;

	if (boot_reload(&d->server->app, &err) != TP_OK) {
		log_event(LOG_LEVEL_ERR, "config.kept", LOG_STR("reason", err.msg));
		return;
	}
	rules = rules_of(d);
	grpc_server_change(server, &rules, d->server->app.edge);
	log_event(LOG_LEVEL_NOTICE, "config.reloaded",
		  LOG_STR("store", store_name(d->server->app.store)));
}

static enum grpc_order order(void *arg, struct grpc_server *server)
{
	signals_let_in();
	if (signals_reopen())
		log_reopen();
	if (signals_reload())
		reload(arg, server);
	return signals_stop() ? GRPC_DRAIN : GRPC_GO_ON;
}

/* A socket that was passed on is judged by what it is bound to. */
static enum tp_rc check_socket(const struct server *s, struct tp_err *err)
{
	if (s->app.edge == NULL && !listen_fd_is_local(s->fd))
		return tp_fail(err, TP_INVALID,
			       "the socket can be reached by others, and that takes GRPC_TLS_CERT "
			       "and GRPC_TLS_KEY");
	fcntl(s->fd, F_SETFL, fcntl(s->fd, F_GETFL) | O_NONBLOCK);
	return TP_OK;
}

/* A worker's life, and that of the single process. */
static int serve(struct server *s)
{
	struct daemon d = { .server = s };
	struct grpc_spec spec = {
		.listen_fd = s->fd, .wait_mask = signals_wait_mask(), .order = order, .arg = &d
	};
	struct tp_err err = { 0 };
	enum tp_rc rc;

	rc = boot_open(&s->app, &err);
	if (rc == TP_OK)
		rc = check_socket(s, &err);
	if (rc != TP_OK)
		return program_complain(&err);
	if (s->app.config.workers == 0)
		boot_warn(&s->app);
	d.services.auth = &s->app.auth;
	spec.rules = rules_of(&d);
	spec.tls = s->app.edge;
	log_event(LOG_LEVEL_INFO, "grpc.start", LOG_INT("pid", getpid()),
		  LOG_STR("store", store_name(s->app.store)));
	notify_serving(&s->notify);
	rc = grpc_server_run(&spec, &err);
	if (rc != TP_OK)
		return program_complain(&err);
	log_event(LOG_LEVEL_INFO, "grpc.stop", LOG_INT("pid", getpid()));
	boot_close(&s->app);
	log_close();
	return EXIT_SUCCESS;
}

static int run(struct server *s)
{
	struct tp_err err = { 0 };

	s->fd = listen_inherited();
	if (s->fd >= 0)
		return program_on_socket(s);
	/* Before there is a socket: one that anybody can reach must not exist for a moment. */
	if (check_settings(&s->app.config, &err) != TP_OK)
		return program_complain(&err);
	return program_listen(s, config_grpc_listen(&s->app.config), "GRPC_LISTEN");
}

int main(int argc, char **argv, char **envp)
{
	static const struct program p = {
		.name = "tpauth-grpcd", .without = OPTION_F_FCGI, .run = run, .serve = serve
	};
	const struct boot_args args = {
		.argc = argc, .argv = argv, .envp = envp, .edge = &boot_grpc
	};

	return program_run(&p, &args);
}
