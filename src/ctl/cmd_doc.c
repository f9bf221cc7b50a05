/* SPDX-License-Identifier: MIT */
/* "tpauth doc": what is written from tables, for people and for packages. */
#include "ctl/command.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/optdoc.h"
#include "ctl/completion.h"

#include "base/banned.h"

static const char usage[] = "usage: tpauth doc help | man | readme | env | completion\n"
			    "\n"
			    "  help        every flag of tpauth.fcgi, with a line on each\n"
			    "  man         the settings, as mdoc(7)\n"
			    "  readme      the settings, as tables of Markdown\n"
			    "  env         a settings file, each with its default, as comments\n"
			    "  completion  completion for bash\n"
			    "\n"
			    "exit status: 0 done, 64 wrong usage\n";

static void put_help(struct buf *out)
{
	optdoc_help(out, "tpauth.fcgi", 0);
}

enum { VERBS = 5 };

static const struct args_verb verbs[VERBS] = {
	{ "help", 0, 0, false }, { "man", 0, 0, false },	{ "readme", 0, 0, false },
	{ "env", 0, 0, false },	 { "completion", 0, 0, false },
};

static void (*const put[VERBS])(struct buf *out) = {
	put_help, optdoc_man, optdoc_readme, optdoc_sample, completion_bash,
};

const struct args_spec cmd_doc_args = { verbs, VERBS, NULL, 0, false };

int cmd_doc(int argc, char **argv, char **envp)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT((size_t)2 * OPTDOC_MOST);
	struct tp_err err = { 0 };
	struct args args;
	enum tp_rc rc = args_read(&cmd_doc_args, argc, argv, NULL, &args, &err);

	(void)envp;
	if (rc == TP_OK && args.help) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (rc == TP_OK) {
		put[args.verb](&out);
		rc = buf_rc(&out, "the text", &err);
	}
	return rc == TP_OK ? command_write(buf_view(&out)) : command_failed("doc", rc, &err);
}
