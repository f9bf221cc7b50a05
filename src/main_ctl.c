/* SPDX-License-Identifier: MIT */
/* tpauth: the command line. What it can do is in the table of ctl/command.c. */
#include "ctl/command.h"

#include "base/banned.h"

int main(int argc, char **argv, char **envp)
{
	return command_main(argc, argv, envp);
}
