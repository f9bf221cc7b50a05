/* SPDX-License-Identifier: MIT */
/*
 * What the programs that serve have in common, from the command line to the exit status: settings
 * and log, --help, --version, --check-config, a socket that was inherited or is opened, and one
 * process or a pool on it. What a program does with a socket is its own.
 */
#ifndef RUN_PROGRAM_H
#define RUN_PROGRAM_H

#include "run/boot.h"
#include "run/notify.h"

struct server;

struct program {
	const char *name; /* as --help and messages have it */
	unsigned without; /* options that it does not take, by enum option_flags */

	/* Once the settings are read and the log is open: decides where to serve, and does. */
	int (*run)(struct server *s);
	/* A worker's life, and that of the single process: serves s->fd with what boot_open() makes
	 * of s->app. */
	int (*serve)(struct server *s);
	/* When it cannot start: tells whoever waits for it. NULL: program_complain(). */
	int (*refuse)(const struct server *s, const struct tp_err *err);
};

struct server {
	const struct program *program;
	struct app app;
	int fd; /* the socket; -1: none yet */
	struct notify notify;
};

/* Everything. Returns an exit status, as the rest of these do. args is copied; what it points to
 * must outlive the call. */
int program_run(const struct program *p, const struct boot_args *args);

/* tpauth.fcgi and each application: a FastCGI program, or a CGI program when it is called as one
 * (args->cgi is found out here). Links libfcgi. */
int program_http(const char *name, const struct boot_args *args);

/* For `run`: serves on s->fd, alone or with a pool as WORKERS says. */
int program_on_socket(struct server *s);

/* For `run`: the same on a socket of its own, which is removed afterwards. setting names the
 * address in messages. */
int program_listen(struct server *s, const char *address, const char *setting);

/* Logs why the program ends. */
int program_complain(const struct tp_err *err);

#endif
