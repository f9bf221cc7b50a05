/* SPDX-License-Identifier: MIT */
/*
 * Owns the way of a program that serves, up to the socket and the pool. It knows neither FastCGI
 * nor gRPC, so that each program links only what it speaks.
 */
#include "run/program.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "config/optdoc.h"
#include "run/companion.h"
#include "run/listen.h"
#include "run/prefork.h"
#include "run/signals.h"

#include "base/banned.h"

enum { GRACE_S = 30 };

int program_complain(const struct tp_err *err)
{
	log_event(LOG_LEVEL_ERR, "start.failed", LOG_STR("reason", err->msg));
	return rc_info(err->rc)->exit_status;
}

static int refuse(const struct server *s, const struct tp_err *err)
{
	return s->program->refuse != NULL ? s->program->refuse(s, err) : program_complain(err);
}

/* A pool ----------------------------------------------------------------------------------------*/

static int serve(void *arg)
{
	struct server *s = arg;

	return s->program->serve(s);
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
		return program_complain(&err);
	if (how.beside != NULL && companion_check(&s->app.config, &err) != TP_OK)
		return program_complain(&err);
	return prefork_run(&how, GRACE_S);
}

static int run_alone(struct server *s)
{
	int status = serve(s);

	notify_stopping(&s->notify);
	return status;
}

int program_on_socket(struct server *s)
{
	int status;

	notify_open(&s->notify);
	status = s->app.config.workers > 0 ? run_pool(s) : run_alone(s);
	notify_close(&s->notify);
	return status;
}

/* The address outlives the settings that it came from. */
int program_listen(struct server *s, const char *address, const char *setting)
{
	struct tp_err err = { 0 };
	char *own = span_dup(span_of(address));
	enum tp_rc rc;
	int status;

	if (own == NULL)
		rc = tp_fail(&err, TP_NOMEM, "out of memory");
	else
		rc = listen_open(own, (unsigned)s->app.config.listen_mode, &s->fd, &err);
	if (rc != TP_OK) {
		free(own);
		tp_fail(&err, rc, "%s: %s", setting, err.msg);
		return program_complain(&err);
	}
	status = program_on_socket(s);
	listen_remove(own);
	free(own);
	return status;
}

/* Command line ----------------------------------------------------------------------------------*/

static int check_config(struct app *app)
{
	struct tp_err err = { 0 };

	if (boot_check(app, &err) != TP_OK)
		return program_complain(&err);
	puts("configuration: good");
	return EXIT_SUCCESS;
}

static int help(const struct program *p)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(OPTDOC_MOST);

	optdoc_help(&out, p->name, p->without);
	fputs(buf_cstr(&out), stdout);
	return EXIT_SUCCESS;
}

static int version(void)
{
	puts("tpauth " TP_VERSION);
	return EXIT_SUCCESS;
}

static int start(struct server *s)
{
	const struct config *c = &s->app.config;
	struct tp_err err = { 0 };

	if (c->help)
		return help(s->program);
	if (c->version)
		return version();
	if (boot_log(&s->app, &err) != TP_OK)
		return refuse(s, &err);
	if (c->check_config)
		return check_config(&s->app);
	return s->program->run(s);
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

int program_run(const struct program *p, const struct boot_args *args)
{
	struct server s = { .program = p, .fd = -1 };
	struct tp_err err = { 0 };
	int status;

	/* First: who is told to end while it starts may have a client already. */
	signals_init();
	if (!keep_standard_descriptors())
		return rc_info(TP_NOMEM)->exit_status;
	if (boot_config(args, &s.app, &err) == TP_OK)
		status = start(&s);
	else
		status = refuse(&s, &err);
	boot_close(&s.app);
	log_close();
	return status;
}
