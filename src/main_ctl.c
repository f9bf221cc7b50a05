/* SPDX-License-Identifier: MIT */
/* tpauth: the command line. What it can do is in the table of ctl/command.c. */
#include "ctl/command.h"

#include <signal.h>

#include "base/banned.h"

int main(int argc, char **argv, char **envp)
{
	/* A store that hangs up on TLS is an error and no end. */
	signal(SIGPIPE, SIG_IGN);
	return command_main(argc, argv, envp);
}
