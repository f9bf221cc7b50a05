/* SPDX-License-Identifier: MIT */
/* "tpauth check": what tpauth.fcgi --check-config says, where no web server's program is at hand;
 * and whether session store and token handler are there, for which no server is to wait at its
 * start. */
#include "ctl/command.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/optdoc.h"
#include "run/boot.h"

#include "base/banned.h"

enum { STORE_WAIT_MS = 5000 };

static const struct args_verb verbs[] = { { NULL, 0, 0, false } };

const struct args_spec cmd_check_args = { verbs, 1, NULL, 0, true };

static int help(void)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(OPTDOC_MOST);

	optdoc_help(&out, "tpauth check", 0);
	fputs(buf_cstr(&out), stdout);
	return EXIT_SUCCESS;
}

/* Whether the store can be used: an embedded one by this user, any other one within DB_TIMEOUT. */
static enum tp_rc check_store(const struct app *app, struct tp_err *err)
{
	struct store_spec spec = boot_store_spec(app);
	struct store_op ping = { .verb = STORE_PING };
	struct store *s = NULL;
	enum tp_rc rc;

	if (spec.timeout_ms > STORE_WAIT_MS)
		spec.timeout_ms = STORE_WAIT_MS;
	rc = store_open(&spec, &s, err);
	if (rc == TP_OK)
		rc = store_do(s, &ping, err);
	if (rc == TP_OK)
		printf("session store: %s, good\n", store_name(s));
	else
		rc = tp_fail(err, rc, "session store: %s", err->msg);
	store_close(s);
	return rc;
}

static enum tp_rc check_handler(const struct app *app, struct tp_err *err)
{
	enum tp_rc rc = boot_probe_handler(app, err);

	if (rc == TP_OK && app->config.authorization_server)
		puts("token handler: good");
	return rc;
}

static enum tp_rc check(struct args *a, char **envp, struct tp_err *err)
{
	struct boot_args args = {
		.argc = a->n_settings, .argv = a->settings, .envp = envp, .edge = &boot_http
	};
	struct app app;
	enum tp_rc rc = boot_config(&args, &app, err);

	if (rc == TP_OK)
		rc = boot_check(&app, err);
	if (rc == TP_OK) {
		puts("configuration: good");
		rc = check_store(&app, err);
	}
	if (rc == TP_OK)
		rc = check_handler(&app, err);
	boot_close(&app);
	return rc;
}

int cmd_check(int argc, char **argv, char **envp)
{
	struct tp_err err = { 0 };
	struct args args;
	enum tp_rc rc = args_read(&cmd_check_args, argc, argv, NULL, &args, &err);

	if (rc == TP_OK && args.help)
		return help();
	if (rc == TP_OK)
		rc = check(&args, envp, &err);
	return rc == TP_OK ? EXIT_SUCCESS : command_failed("check", rc, &err);
}
