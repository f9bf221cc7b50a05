/* SPDX-License-Identifier: MIT */
/*
 * tpauth-grpcd: the refresh service for those who cannot sign themselves. Puts the settings, the
 * socket and the gRPC server together; alone, or as a pool of processes on one socket.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/tls.h"
#include "config/optdoc.h"
#include "grpc/grpc_server.h"
#include "grpc/services.h"
#include "run/boot.h"
#include "run/listen.h"
#include "run/notify.h"
#include "run/prefork.h"
#include "run/signals.h"

#include "base/banned.h"

enum { GRACE_S = 30 };

struct daemon {
	struct app app;
	struct services services;
	int fd;
	struct notify notify;
};

static int complain(const struct tp_err *err)
{
	log_event(LOG_LEVEL_ERR, "start.failed", LOG_STR("reason", err->msg));
	return rc_info(err->rc)->exit_status;
}

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

static const struct boot_edge boot_grpc = { open_grpc, close_grpc, false, true };

/* Serving ---------------------------------------------------------------------------------------*/

static struct grpc_rules rules_of(struct daemon *d)
{
	struct grpc_rules rules;

	services_rules(&d->services, secret_view(&d->app.config.grpc_secret), &rules);
	return rules;
}

static void reload(struct daemon *d, struct grpc_server *server)
{
	struct tp_err err = { 0 };
	struct grpc_rules rules;

	if (boot_reload(&d->app, &err) != TP_OK) {
		log_event(LOG_LEVEL_ERR, "config.kept", LOG_STR("reason", err.msg));
		return;
	}
	rules = rules_of(d);
	grpc_server_change(server, &rules, d->app.edge);
	log_event(LOG_LEVEL_NOTICE, "config.reloaded", LOG_STR("store", store_name(d->app.store)));
}

static enum grpc_order order(void *arg, struct grpc_server *server)
{
	signals_let_in();
	if (signals_reload())
		reload(arg, server);
	return signals_stop() ? GRPC_DRAIN : GRPC_GO_ON;
}

/* A socket that was passed on is judged by what it is bound to. */
static enum tp_rc check_socket(const struct daemon *d, struct tp_err *err)
{
	if (d->app.edge == NULL && !listen_fd_is_local(d->fd))
		return tp_fail(err, TP_INVALID,
			       "the socket can be reached by others, and that takes GRPC_TLS_CERT "
			       "and GRPC_TLS_KEY");
	fcntl(d->fd, F_SETFL, fcntl(d->fd, F_GETFL) | O_NONBLOCK);
	return TP_OK;
}

/* A worker's life, and that of the single process. */
static int serve(void *arg)
{
	struct daemon *d = arg;
	struct grpc_spec spec = {
		.listen_fd = d->fd, .wait_mask = signals_wait_mask(), .order = order, .arg = d
	};
	struct tp_err err = { 0 };
	enum tp_rc rc;

	rc = boot_open(&d->app, &err);
	if (rc == TP_OK)
		rc = check_socket(d, &err);
	if (rc != TP_OK)
		return complain(&err);
	if (d->app.config.workers == 0)
		boot_warn(&d->app);
	d->services.auth = &d->app.auth;
	spec.rules = rules_of(d);
	spec.tls = d->app.edge;
	log_event(LOG_LEVEL_INFO, "grpc.start", LOG_INT("pid", getpid()),
		  LOG_STR("store", store_name(d->app.store)));
	notify_serving(&d->notify);
	rc = grpc_server_run(&spec, &err);
	if (rc != TP_OK)
		return complain(&err);
	log_event(LOG_LEVEL_INFO, "grpc.stop", LOG_INT("pid", getpid()));
	boot_close(&d->app);
	log_close();
	return EXIT_SUCCESS;
}

static bool renew(void *arg)
{
	struct daemon *d = arg;

	return boot_renew(&d->app);
}

static int run_pool(struct daemon *d)
{
	struct prefork how = { .workers = (int)d->app.config.workers,
			       .work = serve,
			       .check = renew,
			       .arg = d,
			       .notify = &d->notify };
	struct tp_err err = { 0 };

	if (boot_check(&d->app, &err) != TP_OK)
		return complain(&err);
	return prefork_run(&how, GRACE_S);
}

static int run_alone(struct daemon *d)
{
	int status = serve(d);

	notify_stopping(&d->notify);
	return status;
}

static int run_on_socket(struct daemon *d)
{
	int status;

	notify_open(&d->notify);
	status = d->app.config.workers > 0 ? run_pool(d) : run_alone(d);
	notify_close(&d->notify);
	return status;
}

/* The address outlives the settings that it came from. */
static int run(struct daemon *d)
{
	struct tp_err err = { 0 };
	char *address;
	enum tp_rc rc;
	int status;

	d->fd = listen_inherited();
	if (d->fd >= 0)
		return run_on_socket(d);
	/* Before there is a socket: one that anybody can reach must not exist for a moment. */
	if (check_settings(&d->app.config, &err) != TP_OK)
		return complain(&err);
	address = span_dup(span_of(config_grpc_listen(&d->app.config)));
	if (address == NULL)
		rc = tp_fail(&err, TP_NOMEM, "out of memory");
	else
		rc = listen_open(address, (unsigned)d->app.config.listen_mode, &d->fd, &err);
	if (rc != TP_OK) {
		free(address);
		tp_fail(&err, rc, "GRPC_LISTEN: %s", err.msg);
		return complain(&err);
	}
	status = run_on_socket(d);
	listen_remove(address);
	free(address);
	return status;
}

/* Command line ----------------------------------------------------------------------------------*/

static int check_config(struct app *app)
{
	struct tp_err err = { 0 };

	if (boot_check(app, &err) != TP_OK)
		return complain(&err);
	puts("configuration: good");
	return EXIT_SUCCESS;
}

static int help(void)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(OPTDOC_MOST);

	optdoc_help(&out, "tpauth-grpcd", OPTION_F_FCGI);
	fputs(buf_cstr(&out), stdout);
	return EXIT_SUCCESS;
}

static int version(void)
{
	puts("tpauth " TP_VERSION);
	return EXIT_SUCCESS;
}

static int start(struct daemon *d)
{
	const struct config *c = &d->app.config;
	struct tp_err err = { 0 };

	if (c->help)
		return help();
	if (c->version)
		return version();
	if (boot_log(&d->app, &err) != TP_OK)
		return complain(&err);
	if (c->check_config)
		return check_config(&d->app);
	signals_init();
	return run(d);
}

/* A file of ours that got number 1 or 2 would be written over by whatever prints. */
static bool keep_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return false;
	}
	return true;
}

int main(int argc, char **argv, char **envp)
{
	struct daemon d = { .fd = -1 };
	struct boot_args args = { argc, argv, envp, false, &boot_grpc, NULL };
	struct tp_err err = { 0 };
	int status;

	if (!keep_standard_descriptors())
		return rc_info(TP_NOMEM)->exit_status;
	if (boot_config(&args, &d.app, &err) == TP_OK)
		status = start(&d);
	else
		status = complain(&err);
	boot_close(&d.app);
	log_close();
	return status;
}
