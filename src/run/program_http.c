/* SPDX-License-Identifier: MIT */
/*
 * Owns the decision how an HTTP program was called (by a web server as CGI, with a FastCGI socket,
 * or from a shell), and hands over to the gateway for it.
 */
#include "run/program.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "run/gateway.h"
#include "run/listen.h"

#include "base/banned.h"

static int serve_fcgi(struct server *s)
{
	struct tp_err err = { 0 };
	int status;

	if (boot_open(&s->app, &err) != TP_OK)
		return program_complain(&err);
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

static int run_fcgi(struct server *s)
{
	if (s->app.config.listen != NULL)
		return program_listen(s, s->app.config.listen, "--listen");
	s->fd = listen_inherited();
	if (s->fd >= 0)
		return program_on_socket(s);
	fprintf(stderr,
		"%s: no FastCGI socket: a web server starts this program, or give --listen "
		"(see --help)\n",
		s->program->name);
	return rc_info(TP_NO_ROUTE)->exit_status;
}

static int run_cgi(struct server *s)
{
	struct tp_err err = { 0 };

	if (boot_open(&s->app, &err) != TP_OK)
		return gateway_cgi_refuse(s->app.args.envp, &err);
	return gateway_cgi(&s->app, s->app.args.envp);
}

static int run(struct server *s)
{
	return s->app.args.cgi ? run_cgi(s) : run_fcgi(s);
}

static int refuse(const struct server *s, const struct tp_err *err)
{
	return s->app.args.cgi ? gateway_cgi_refuse(s->app.args.envp, err) : program_complain(err);
}

int program_http(const char *name, const struct boot_args *args)
{
	const struct program p = {
		.name = name, .run = run, .serve = serve_fcgi, .refuse = refuse
	};
	struct boot_args found = *args;

	found.cgi = gateway_is_cgi(args->envp);
	return program_run(&p, &found);
}
