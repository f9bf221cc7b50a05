/* SPDX-License-Identifier: MIT */
/* "tpauth check": what tpauth.fcgi --check-config says, where no web server's program is at hand.
 */
#include "ctl/command.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/optdoc.h"
#include "run/boot.h"

#include "base/banned.h"

static int help(void)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(OPTDOC_MOST);

	optdoc_help(&out, "tpauth check", 0);
	fputs(buf_cstr(&out), stdout);
	return EXIT_SUCCESS;
}

/* Messages go to the terminal, wherever the log of the service goes. */
static enum tp_rc check(struct app *app, struct tp_err *err)
{
	return app->config.help ? TP_OK : boot_check(app, err);
}

int cmd_check(int argc, char **argv, char **envp)
{
	struct boot_args args = { argc, argv, envp, false, &boot_http };
	struct tp_err err = { 0 };
	struct app app;
	enum tp_rc rc = boot_config(&args, &app, &err);
	bool wants_help;

	if (rc == TP_OK)
		rc = check(&app, &err);
	wants_help = rc == TP_OK && app.config.help;
	boot_close(&app);
	if (rc != TP_OK) {
		fprintf(stderr, "tpauth: %s\n", err.msg);
		return rc_info(rc)->exit_status;
	}
	if (wants_help)
		return help();
	puts("configuration: good");
	return EXIT_SUCCESS;
}
