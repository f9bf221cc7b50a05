/* SPDX-License-Identifier: MIT */
/* The subcommands of tpauth(1): one const row each, from which "tpauth help" is printed. */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

struct command {
	const char *name;
	const char *usage; /* its arguments */
	const char *summary;
	/* argv[0] is the subcommand's name. An exit status. */
	int (*run)(int argc, char **argv, char **envp);
};

/* Runs the subcommand that argv[1] names; an exit status, 64 when there is none of that name. */
int command_main(int argc, char **argv, char **envp);

int cmd_check(int argc, char **argv, char **envp);
int cmd_doctor(int argc, char **argv, char **envp);
int cmd_sessions(int argc, char **argv, char **envp);
int cmd_store(int argc, char **argv, char **envp);

#endif
