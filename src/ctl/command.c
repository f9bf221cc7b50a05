/* SPDX-License-Identifier: MIT */
/* Owns the table of subcommands, and the two that speak of the program itself. */
#include "ctl/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"

#include "base/banned.h"

static int cmd_help(int argc, char **argv, char **envp);
static int cmd_version(int argc, char **argv, char **envp);

/* clang-format off */
static const struct command commands[] = {
	{ "check",   "[--config FILE] [--NAME=VALUE ...]",
	  "check settings, keys, token handler and session store", &cmd_check_args, cmd_check },
	{ "doc",     "help | man | readme | env | completion",
	  "print what is written from the tables of settings and commands", &cmd_doc_args, cmd_doc },
	{ "doctor",  "URL [--user NAME] [--protected URL ...]",
	  "ask a running service what is wrong with it", &cmd_doctor_args, cmd_doctor },
	{ "help",    "", "print this", NULL, cmd_help },
	{ "jws",     "verify --jwk FILE [JWS] | verify-raw --alg NAME --jwk FILE --msg FILE --sig FILE",
	  "tell whether a published key made a signature", &cmd_jws_args, cmd_jws },
	{ "keygen",  "[--algorithm HS256|RS256] [--bits N] [--out FILE]",
	  "make keys, as lines of settings", &cmd_keygen_args, cmd_keygen },
	{ "sessions", "list USER | revoke USER ID | revoke-all USER | export | import [FLAG ...]",
	  "look at sessions, end them, move them to another store", &cmd_sessions_args, cmd_sessions },
	{ "store",   "info | compact [--json] [--to FOLDER] [FLAG ...]",
	  "look into the embedded session store, or make its files small", &cmd_store_args, cmd_store },
	{ "token",   "issue --user NAME | inspect [TOKEN] | verify [TOKEN] [FLAG ...]",
	  "open a session, show what a token says, tell whether it holds", &cmd_token_args, cmd_token },
	{ "users",   "add USER | passwd USER | remove USER | list [FLAG ...]",
	  "look after the files of users and groups", &cmd_users_args, cmd_users },
	{ "version", "", "print the version", NULL, cmd_version },
};
/* clang-format on */

const struct command *command_table(size_t *ret_n)
{
	*ret_n = TP_COUNT(commands);
	return commands;
}

static int cmd_help(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	puts("usage: tpauth COMMAND [ARGUMENT ...]\n");
	for (size_t i = 0; i < TP_COUNT(commands); i++)
		printf("  tpauth %s%s%s\n      %s\n", commands[i].name,
		       commands[i].usage[0] != '\0' ? " " : "", commands[i].usage,
		       commands[i].summary);
	return EXIT_SUCCESS;
}

static int cmd_version(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	puts("tpauth " TP_VERSION);
	return EXIT_SUCCESS;
}

int command_failed(const char *name, enum tp_rc rc, const struct tp_err *err)
{
	fprintf(stderr, "tpauth %s: %s\n", name, err->msg);
	if (rc == TP_NO_ROUTE)
		fprintf(stderr, "tpauth %s: see tpauth %s --help\n", name, name);
	return rc_info(rc)->exit_status;
}

int command_write(struct span text)
{
	while (text.len > 0) {
		ssize_t n = write(STDOUT_FILENO, text.p, text.len);

		if (n < 0 && errno != EINTR) {
			fprintf(stderr, "tpauth: standard output: %s\n", strerrordesc_np(errno));
			return rc_info(TP_UNAVAILABLE)->exit_status;
		}
		if (n > 0) {
			text.p += n;
			text.len -= (size_t)n;
		}
	}
	return EXIT_SUCCESS;
}

int command_main(int argc, char **argv, char **envp)
{
	const char *name = argc > 1 ? argv[1] : "";

	/* As every program takes them. */
	if (strcmp(name, "--help") == 0 || strcmp(name, "--version") == 0)
		name += 2;
	for (size_t i = 0; i < TP_COUNT(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].run(argc - 1, argv + 1, envp);
	}
	if (name[0] != '\0')
		fprintf(stderr, "tpauth: no such command: %.32s\n", argv[1]);
	fputs("usage: tpauth COMMAND; \"tpauth help\" names them\n", stderr);
	return rc_info(TP_NO_ROUTE)->exit_status;
}
