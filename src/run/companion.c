/* SPDX-License-Identifier: MIT */
/*
 * Owns the step from the supervisor's command line to the one of the daemon beside the pool. Which
 * flags it does not take is written here and nowhere else.
 */
#include "run/companion.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "config/config_value.h"

#include "base/banned.h"

#define PROGRAM "tpauth-grpcd"

static bool find(const struct config *c, char ret[PATH_MAX])
{
	const char *folders[] = { c->module_dir, TP_SBIN_DIR };

	for (size_t i = 0; i < TP_COUNT(folders); i++) {
		int n = snprintf(ret, PATH_MAX, "%s/" PROGRAM, folders[i]);

		if (n > 0 && n < PATH_MAX && access(ret, X_OK) == 0)
			return true;
	}
	return false;
}

enum tp_rc companion_check(const struct config *c, struct tp_err *err)
{
	char path[PATH_MAX];

	if (find(c, path))
		return TP_OK;
	return tp_fail(err, TP_INVALID,
		       "--grpc: there is no program " PROGRAM " in MODULE_DIR or " TP_SBIN_DIR);
}

/* Which flags are the supervisor's alone. */
static const enum option_id own[] = { OPTION_LISTEN, OPTION_WORKERS, OPTION_GRPC };

/* The option of a flag "--name" or "--name=value", when it is one of those; else NULL. Their names
 * are single words. */
static const struct option *own_flag(struct span arg, bool *ret_has_value)
{
	struct span value = arg;
	struct span flag = span_cut(&value, '=');

	*ret_has_value = value.p != NULL;
	for (size_t i = 0; i < TP_COUNT(own); i++) {
		const struct option *o = &option_table[own[i]];

		if (flag.len == strlen(o->name) + 2 && span_starts(flag, "--") &&
		    strncasecmp(flag.p + 2, o->name, flag.len - 2) == 0)
			return o;
	}
	return NULL;
}

/* Whether what follows a flag without "=" is its value. A value never looks like a flag. */
static bool takes_next(const struct option *o, const char *next)
{
	bool word;

	if (next == NULL)
		return false;
	return o->type != OPTION_TYPE_BOOL ||
	       config_value_set(o, span_of(next), &word, NULL) == TP_OK;
}

void companion_flags(char *program, int argc, char **argv, char **ret)
{
	int n = 0;

	ret[n++] = program;
	for (int i = 1; i < argc; i++) {
		bool has_value;
		const struct option *o = own_flag(span_of(argv[i]), &has_value);

		if (o == NULL)
			ret[n++] = argv[i];
		else if (!has_value && takes_next(o, i + 1 < argc ? argv[i + 1] : NULL))
			i++;
	}
	ret[n] = NULL;
}

static int fail(const char *what)
{
	log_event(LOG_LEVEL_ERR, "beside.failed", LOG_STR("reason", what),
		  LOG_STR("error", strerrordesc_np(errno)));
	return rc_info(TP_UNAVAILABLE)->exit_status;
}

int companion_become(const struct app *app)
{
	const struct boot_args *args = &app->args;
	char path[PATH_MAX];
	char **flags;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int status;

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || !find(&app->config, path))
		return fail("cannot start " PROGRAM);
	flags = calloc((size_t)args->argc + 1, sizeof(*flags));
	if (flags == NULL)
		return fail("out of memory");
	companion_flags(path, args->argc, args->argv, flags);
	execve(path, flags, environ);
	status = fail(path);
	free(flags);
	return status;
}
