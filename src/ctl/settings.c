/* SPDX-License-Identifier: MIT */
/* boot.h for commands: without an HTTP site, and without a place in the pool. */
#include "ctl/settings.h"

#include "base/banned.h"

static enum tp_rc open_nothing(struct app *app, struct tp_err *err)
{
	(void)app;
	(void)err;
	return TP_OK;
}

static void close_nothing(struct app *app)
{
	(void)app;
}

static const struct boot_edge edge = { .open = open_nothing, .close = close_nothing };

enum tp_rc settings_open(struct args *a, char **envp, struct app *ret, struct tp_err *err)
{
	struct boot_args args = {
		.argc = a->n_settings, .argv = a->settings, .envp = envp, .edge = &edge
	};
	enum tp_rc rc = boot_config(&args, ret, err);

	return rc == TP_OK ? boot_open(ret, err) : rc;
}
