/* SPDX-License-Identifier: MIT */
/* The subcommands of tpauth(1): one const row each, from which "tpauth help" is printed and the
 * completion is made. */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "base/str.h"
#include "ctl/args.h"

struct command {
	const char *name;
	const char *usage; /* its arguments */
	const char *summary;
	const struct args_spec *args; /* NULL: it takes none */
	/* argv[0] is the subcommand's name. An exit status. */
	int (*run)(int argc, char **argv, char **envp);
};

const struct command *command_table(size_t *ret_n);

/* Runs the subcommand that argv[1] names; an exit status, 64 when there is none of that name. */
int command_main(int argc, char **argv, char **envp);

int cmd_check(int argc, char **argv, char **envp);
int cmd_doc(int argc, char **argv, char **envp);
int cmd_doctor(int argc, char **argv, char **envp);
int cmd_jws(int argc, char **argv, char **envp);
int cmd_keygen(int argc, char **argv, char **envp);
int cmd_sessions(int argc, char **argv, char **envp);
int cmd_store(int argc, char **argv, char **envp);
int cmd_token(int argc, char **argv, char **envp);
int cmd_users(int argc, char **argv, char **envp);

extern const struct args_spec cmd_check_args, cmd_doc_args, cmd_doctor_args, cmd_jws_args,
	cmd_keygen_args, cmd_sessions_args, cmd_store_args, cmd_token_args, cmd_users_args;

/* Says what went wrong, and how to learn more where the usage was; the exit status. */
int command_failed(const char *name, enum tp_rc rc, const struct tp_err *err);

/* All of it to standard output, without a buffer that keeps a copy; EXIT_SUCCESS, or the status of
 * a failure that was told. */
int command_write(struct span text);

#endif
