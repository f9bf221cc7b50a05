/* SPDX-License-Identifier: MIT */
/* "tpauth store": what the embedded store's files hold, and making them small. */
#include "ctl/command.h"

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
enum { INFO, COMPACT };

struct call {
	const char *to;
	bool json;
	struct args args;
};

static const struct args_flag flags[] = {
	{ "--json", ARGS_SWITCH, offsetof(struct call, json), 0 },
	{ "--to", ARGS_FILE, offsetof(struct call, to), 1u << COMPACT },
};

static const struct args_verb verbs[] = {
	[INFO] = { "info", 0, 0, false },
	[COMPACT] = { "compact", 0, 0, false },
};

const struct args_spec cmd_store_args = { verbs, TP_COUNT(verbs), flags, TP_COUNT(flags), true };

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

	if (c->args.verb == COMPACT)
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

static enum tp_rc with_settings(struct call *c, char **envp, int *ret_status, struct tp_err *err)
{
	struct boot_args args = { .argc = c->args.n_settings,
				  .argv = c->args.settings,
				  .envp = envp,
				  .edge = &boot_http };
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
	struct call c = { .json = false };
	struct tp_err err = { 0 };
	int status = EXIT_SUCCESS;
	enum tp_rc rc = args_read(&cmd_store_args, argc, argv, &c, &c.args, &err);

	if (rc == TP_OK && c.args.help)
		fputs(usage, stdout);
	else if (rc == TP_OK)
		rc = with_settings(&c, envp, &status, &err);
	return rc == TP_OK ? status : command_failed("store", rc, &err);
}
