/* SPDX-License-Identifier: MIT */
/*
 * tpauth.fcgi: decides how it was called (by a web server as CGI, with a FastCGI socket, or from a
 * shell), and hands over to the gateway for it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "config/optdoc.h"
#include "run/boot.h"
#include "run/companion.h"
#include "run/gateway.h"
#include "run/listen.h"
#include "run/notify.h"
#include "run/prefork.h"
#include "run/signals.h"

#include "base/banned.h"

enum { GRACE_S = 30 };

struct server {
	struct app app;
	int fd;
	struct notify notify;
};

static int complain(const struct tp_err *err)
{
	log_event(LOG_LEVEL_ERR, "start.failed", LOG_STR("reason", err->msg));
	return rc_info(err->rc)->exit_status;
}

static int serve(void *arg)
{
	struct server *s = arg;
	struct tp_err err = { 0 };
	int status;

	if (boot_open(&s->app, &err) != TP_OK)
		return complain(&err);
	if (s->app.config.workers == 0)
		boot_warn(&s->app);
	log_event(LOG_LEVEL_INFO, "worker.start", LOG_INT("pid", getpid()),
		  LOG_STR("store", store_name(s->app.store)));
	notify_serving(&s->notify);
	status = gateway_fcgi(&s->app, s->fd);
	boot_close(&s->app);
	log_close();
	return status;
}

static bool renew(void *arg)
{
	struct server *s = arg;

	return boot_renew(&s->app);
}

/* The daemon beside the workers. */
static int serve_grpc(void *arg)
{
	struct server *s = arg;

	return companion_become(&s->app);
}

static int run_pool(struct server *s)
{
	struct prefork how = { .workers = (int)s->app.config.workers,
			       .work = serve,
			       .check = renew,
			       .arg = s,
			       .notify = &s->notify,
			       .beside = s->app.config.grpc ? serve_grpc : NULL };
	struct tp_err err = { 0 };

	if (boot_check(&s->app, &err) != TP_OK)
		return complain(&err);
	if (how.beside != NULL && companion_check(&s->app.config, &err) != TP_OK)
		return complain(&err);
	return prefork_run(&how, GRACE_S);
}

static int run_alone(struct server *s)
{
	int status = serve(s);

	notify_stopping(&s->notify);
	return status;
}

static int run_on_socket(struct server *s)
{
	int status;

	notify_open(&s->notify);
	status = s->app.config.workers > 0 ? run_pool(s) : run_alone(s);
	notify_close(&s->notify);
	return status;
}

/* A socket of our own. The address outlives the settings that it came from. */
static int run_listening(struct server *s)
{
	struct tp_err err = { 0 };
	char *address = span_dup(span_of(s->app.config.listen));
	enum tp_rc rc;
	int status;

	if (address == NULL)
		rc = tp_fail(&err, TP_NOMEM, "out of memory");
	else
		rc = listen_open(address, (unsigned)s->app.config.listen_mode, &s->fd, &err);
	if (rc != TP_OK) {
		free(address);
		tp_fail(&err, rc, "--listen: %s", err.msg);
		return complain(&err);
	}
	status = run_on_socket(s);
	listen_remove(address);
	free(address);
	return status;
}

static int run_fcgi(struct server *s)
{
	if (s->app.config.listen != NULL)
		return run_listening(s);
	s->fd = listen_inherited();
	if (s->fd >= 0)
		return run_on_socket(s);
	fputs("tpauth.fcgi: no FastCGI socket: a web server starts this program, or give --listen "
	      "(see --help)\n",
	      stderr);
	return rc_info(TP_NO_ROUTE)->exit_status;
}

static int run_cgi(struct app *app)
{
	struct tp_err err = { 0 };

	if (boot_open(app, &err) != TP_OK)
		return gateway_cgi_refuse(app->args.envp, &err);
	return gateway_cgi(app, app->args.envp);
}

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

	optdoc_help(&out, "tpauth.fcgi", 0);
	fputs(buf_cstr(&out), stdout);
	return EXIT_SUCCESS;
}

static int version(void)
{
	puts("tpauth " TP_VERSION);
	return EXIT_SUCCESS;
}

static int run(struct server *s)
{
	const struct config *c = &s->app.config;
	struct tp_err err = { 0 };

	if (c->help)
		return help();
	if (c->version)
		return version();
	if (boot_log(&s->app, &err) != TP_OK)
		return s->app.args.cgi ? gateway_cgi_refuse(s->app.args.envp, &err)
				       : complain(&err);
	if (c->check_config)
		return check_config(&s->app);
	return s->app.args.cgi ? run_cgi(&s->app) : run_fcgi(s);
}

/* FastCGI leaves only descriptor 0 open. A file of ours that got number 1 or 2 would be written
 * over by whatever prints. */
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
	struct server s = { .fd = -1 };
	struct boot_args args = { argc, argv, envp, gateway_is_cgi(envp), &boot_http, NULL };
	struct tp_err err = { 0 };
	int status;

	/* First: who is told to end while it starts may have a client already. */
	signals_init();
	if (!keep_standard_descriptors())
		return rc_info(TP_NOMEM)->exit_status;
	if (boot_config(&args, &s.app, &err) == TP_OK)
		status = run(&s);
	else
		status = args.cgi ? gateway_cgi_refuse(envp, &err) : complain(&err);
	boot_close(&s.app);
	log_close();
	return status;
}
