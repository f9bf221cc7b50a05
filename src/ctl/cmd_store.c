/* SPDX-License-Identifier: MIT */
/* "tpauth store": what the embedded store's files hold, and making them small. */
#include "ctl/command.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/jval.h"
#include "run/boot.h"

#include "base/banned.h"

static const char usage[] =
	"usage: tpauth store info [--json] [SETTINGS]\n"
	"       tpauth store compact [--json] [--to FOLDER] [SETTINGS]\n"
	"\n"
	"  info         what the store holds, read from end to end; the size of its files\n"
	"  compact      copies it without the room that is not used, and takes the copy\n"
	"  --to FOLDER  leaves the store as it is, and the copy in FOLDER, which is made\n"
	"  --json       one JSON object\n"
	"  SETTINGS     --config FILE, --NAME=VALUE ...\n"
	"\n"
	"exit status: 0 done, 1 there are damaged records, 64 wrong usage, 69 the store\n"
	"cannot be used, 78 a setting is wrong\n";

enum { DAMAGED = 1, BODY_MOST = 4096 };

struct call {
	const char *verb, *to;
	bool json, help;
	char **argv; /* what is left for the settings */
	int argc;
};

static const struct {
	const char *name, *label;
	size_t offset;
} rows[] = {
	{ "sessions", "sessions", offsetof(struct store_info, sessions) },
	{ "windows", "refresh windows", offsetof(struct store_info, windows) },
	{ "counters", "counters of guessing", offsetof(struct store_info, counters) },
	{ "ended", "ended, to be swept", offsetof(struct store_info, ended) },
	{ "damaged", "damaged records", offsetof(struct store_info, damaged) },
	{ "file_bytes", "file, bytes", offsetof(struct store_info, file_bytes) },
	{ "free_bytes", "free in it, bytes", offsetof(struct store_info, free_bytes) },
	{ "map_bytes", "map, bytes", offsetof(struct store_info, map_bytes) },
	{ "readers", "readers' places", offsetof(struct store_info, readers) },
	{ "dead_readers", "dead readers, freed", offsetof(struct store_info, dead_readers) },
};

static int64_t number(const struct store_info *info, size_t i)
{
	return *(const int64_t *)((const char *)info + rows[i].offset);
}

/* Takes this command's own flags out; all others are settings. */
static enum tp_rc read_call(int argc, char **argv, struct call *c, struct tp_err *err)
{
	c->argv = calloc((size_t)argc + 1, sizeof(*c->argv));
	if (c->argv == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	c->argv[c->argc++] = argv[0];
	for (int i = 1; i < argc; i++) {
		struct span arg = span_of(argv[i]);

		if (span_is(arg, "--json"))
			c->json = true;
		else if (span_is(arg, "--help"))
			c->help = true;
		else if (span_is(arg, "--to") && i + 1 < argc)
			c->to = argv[++i];
		else if (span_starts(arg, "--to="))
			c->to = argv[i] + strlen("--to=");
		else if (c->verb == NULL && !span_starts(arg, "-"))
			c->verb = argv[i];
		else
			c->argv[c->argc++] = argv[i];
	}
	if (c->help)
		return TP_OK;
	if (c->verb == NULL || (strcmp(c->verb, "info") != 0 && strcmp(c->verb, "compact") != 0))
		return tp_fail(err, TP_NO_ROUTE, "info or compact (see tpauth store --help)");
	if (c->to != NULL && (c->to[0] == '\0' || strcmp(c->verb, "compact") != 0))
		return tp_fail(err, TP_NO_ROUTE, "--to takes a folder, for compact");
	return TP_OK;
}

static enum tp_rc add_rows(struct jval *object, const struct store_info *info, struct tp_err *err)
{
	enum tp_rc rc = jval_set_str(object, "folder", span_of(info->dir), err);

	for (size_t i = 0; rc == TP_OK && i < TP_COUNT(rows); i++)
		rc = jval_set_int(object, rows[i].name, number(info, i), err);
	return rc;
}

static enum tp_rc print_json(const struct store_info *info, int64_t was_bytes, struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *object = jval_new_object();
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(BODY_MOST);
	enum tp_rc rc = add_rows(object, info, err);

	if (rc == TP_OK && was_bytes > 0)
		rc = jval_set_int(object, "file_bytes_before", was_bytes, err);
	if (rc == TP_OK)
		jval_write(object, &out);
	if (rc == TP_OK)
		rc = buf_rc(&out, "the answer", err);
	if (rc == TP_OK)
		puts(buf_cstr(&out));
	return rc;
}

static void print_text(const struct store_info *info)
{
	printf("%-21s %s\n", "folder", info->dir);
	for (size_t i = 0; i < TP_COUNT(rows); i++)
		printf("%-21s %" PRId64 "\n", rows[i].label, number(info, i));
}

static enum tp_rc compact(const struct store_spec *spec, const struct call *c,
			  int64_t *ret_was_bytes, struct tp_err *err)
{
	struct store_info before;
	enum tp_rc rc = store_info(spec, &before, err);

	if (rc == TP_OK)
		rc = store_compact(spec, c->to, err);
	if (rc == TP_OK)
		*ret_was_bytes = before.file_bytes;
	return rc;
}

static enum tp_rc work(const struct store_spec *spec, const struct call *c, int *ret_status,
		       struct tp_err *err)
{
	struct store_info info;
	int64_t was_bytes = 0;
	enum tp_rc rc = TP_OK;

	assert(c->verb != NULL);
	if (strcmp(c->verb, "compact") == 0)
		rc = compact(spec, c, &was_bytes, err);
	if (rc == TP_OK)
		rc = store_info(spec, &info, err);
	if (rc != TP_OK)
		return rc;
	*ret_status = info.damaged > 0 ? DAMAGED : EXIT_SUCCESS;
	if (c->json)
		return print_json(&info, was_bytes, err);
	if (was_bytes == 0)
		print_text(&info);
	else if (c->to != NULL)
		printf("copied to %s\n", c->to);
	else
		printf("%s: %" PRId64 " bytes, were %" PRId64 "\n", info.dir, info.file_bytes,
		       was_bytes);
	return TP_OK;
}

static enum tp_rc with_settings(const struct call *c, char **envp, int *ret_status,
				struct tp_err *err)
{
	struct boot_args args = {
		.argc = c->argc, .argv = c->argv, .envp = envp, .edge = &boot_http
	};
	struct app app;
	enum tp_rc rc = boot_config(&args, &app, err);

	if (rc == TP_OK) {
		struct store_spec spec = boot_store_spec(&app);

		rc = work(&spec, c, ret_status, err);
	}
	boot_close(&app);
	return rc;
}

int cmd_store(int argc, char **argv, char **envp)
{
	struct call c = { .verb = NULL };
	struct tp_err err = { 0 };
	int status = EXIT_SUCCESS;
	enum tp_rc rc = read_call(argc, argv, &c, &err);

	if (rc == TP_OK && c.help)
		fputs(usage, stdout);
	else if (rc == TP_OK)
		rc = with_settings(&c, envp, &status, &err);
	free(c.argv);
	if (rc == TP_OK)
		return status;
	fprintf(stderr, "tpauth store: %s\n", err.msg);
	return rc_info(rc)->exit_status;
}
