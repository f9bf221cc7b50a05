/* SPDX-License-Identifier: MIT */
/* tpauth.fcgi: the built-in endpoints and nothing else. */
#include "run/program.h"

#include "base/banned.h"

int main(int argc, char **argv, char **envp)
{
	const struct boot_args args = {
		.argc = argc, .argv = argv, .envp = envp, .edge = &boot_http
	};

	return program_http("tpauth.fcgi", &args);
}
