/* SPDX-License-Identifier: MIT */
/*
 * "tpauth sessions": what an administrator does with the sessions in the store, on the machine that
 * has the settings.
 */
#include "ctl/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/sessions.h"
#include "ctl/session_move.h"
#include "ctl/settings.h"
#include "ctl/text.h"

#include "base/banned.h"

enum { STATUS_NONE = 1, STATUS_DATA = 65 };
enum { LIST, REVOKE, REVOKE_ALL, EXPORT, IMPORT };

struct call {
	const char *file; /* NULL: standard output or input */
	bool json;
	struct args args; /* operands: user, id */
};

static const char usage[] =
	"usage: tpauth sessions list USER [FLAG ...]\n"
	"       tpauth sessions revoke USER ID [FLAG ...]\n"
	"       tpauth sessions revoke-all USER [FLAG ...]\n"
	"       tpauth sessions export [FLAG ...]\n"
	"       tpauth sessions import [FLAG ...]\n"
	"\n"
	"  --json          list, revoke, revoke-all: for programs\n"
	"  --file FILE     export: make this file, which may not exist; import: read it;\n"
	"                  else standard output or input\n"
	"\n"
	"Besides, --config FILE and the flags of all settings (tpauth check --help).\n"
	"\n"
	"exit status: 0 done, 1 no such session, 64 wrong usage, 65 a line of the file is\n"
	"wrong, 69 the store or the file failed, 78 a setting is wrong\n";

static int failed(enum tp_rc rc, const struct tp_err *err)
{
	return command_failed("sessions", rc, err);
}

/* ---- list, revoke ---- */

/* What a client said of itself. */
static void print_text(struct span s, int width)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(LIMIT_AGENT);

	text_put(s.len > 0 ? s : SPAN_LIT("-"), &out);
	printf("%-*s", width, buf_cstr(&out));
}

static void print_table(const struct sessions *s)
{
	char at[3][TEXT_TIME];

	printf("%-43s  %-20s  %-20s  %-20s  %-15s  %s\n", "ID", "STARTED", "REFRESHED", "EXPIRES",
	       "ADDRESS", "AGENT");
	for (size_t i = 0; i < s->n; i++) {
		const struct session_info *v = &s->v[i];

		if (v->rc != TP_OK) {
			printf("%s  %s\n", v->id,
			       v->rc == TP_EXPIRED ? "(has ended)" : "(does not verify)");
			continue;
		}
		printf("%s  %-20s  %-20s  %-20s  ", v->id, text_time(v->started, at[0]),
		       text_time(v->refreshed, at[1]), text_time(v->expires, at[2]));
		print_text(v->ip, 15);
		printf("  ");
		print_text(v->agent, 0);
		putchar('\n');
	}
	if (s->total > s->n)
		printf("(the latest %zu of %zu)\n", s->n, s->total);
}

/* As the endpoint shows them; of what does not hold there is the id and "holds": false. */
static enum tp_rc print_json(const struct sessions *s, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT((size_t)2 * LIMIT_RESP_BODY);
	enum tp_rc rc;

	buf_printf(&out, "{\"total\":%zu,\"sessions\":[", s->total);
	for (size_t i = 0; i < s->n; i++) {
		buf_str(&out, i > 0 ? "," : "");
		if (s->v[i].rc == TP_OK)
			session_info_json(&s->v[i], &out);
		else
			buf_printf(&out, "{\"id\":\"%s\",\"holds\":false}", s->v[i].id);
	}
	buf_str(&out, "]}");
	rc = buf_rc(&out, "the list", err);
	if (rc == TP_OK)
		puts(buf_cstr(&out));
	return rc;
}

static int run_list(const struct call *c, const struct auth_ctx *a)
{
	TP_CLEANUP(sessions_release) struct sessions s = { 0 };
	struct tp_err err = { 0 };
	enum tp_rc rc;

	rc = sessions_list(a, span_of(c->args.operand[0]), (struct span){ NULL, 0 }, true, &s,
			   &err);
	if (rc == TP_NOT_FOUND)
		rc = tp_fail(&err, TP_NO_ROUTE, "no user can have this name");
	if (rc == TP_OK && c->json)
		rc = print_json(&s, &err);
	else if (rc == TP_OK)
		print_table(&s);
	return rc == TP_OK ? EXIT_SUCCESS : failed(rc, &err);
}

static void say_ended(const struct call *c, int64_t n)
{
	printf(c->json ? "{\"ended\":%lld}\n" : "ended: %lld\n", (long long)n);
}

static int run_revoke(const struct call *c, const struct auth_ctx *a)
{
	TP_CLEANUP(secret_release) struct secret handle = { 0 };
	struct tp_err err = { 0 };
	enum tp_rc rc;

	rc = sessions_end(a, span_of(c->args.operand[0]), span_of(c->args.operand[1]), &handle,
			  &err);
	if (rc != TP_OK && rc != TP_NOT_FOUND)
		return failed(rc, &err);
	say_ended(c, rc == TP_OK);
	return rc == TP_OK ? EXIT_SUCCESS : STATUS_NONE;
}

static int run_revoke_all(const struct call *c, const struct auth_ctx *a)
{
	struct tp_err err = { 0 };
	int64_t n = 0;
	enum tp_rc rc = session_close_all(a, span_of(c->args.operand[0]), &n, &err);

	if (rc != TP_OK && rc != TP_NOT_FOUND)
		return failed(rc, &err);
	say_ended(c, n);
	return n > 0 ? EXIT_SUCCESS : STATUS_NONE;
}

/* ---- export, import ---- */

/* Counts go to the standard error: the output may be the file. */
static void say_moved(const char *what, const struct session_moved *n)
{
	fprintf(stderr, "tpauth sessions: %s %lld", what, (long long)n->done);
	if (n->kept > 0)
		fprintf(stderr, ", there already %lld", (long long)n->kept);
	if (n->expired > 0)
		fprintf(stderr, ", ended %lld", (long long)n->expired);
	if (n->skipped > 0)
		fprintf(stderr, ", left out since they do not verify or are none %lld",
			(long long)n->skipped);
	fputc('\n', stderr);
}

static enum tp_rc open_file(const char *path, int flags, int standard, int *ret, struct tp_err *err)
{
	if (path == NULL && isatty(standard))
		return tp_fail(err, TP_NO_ROUTE,
			       "sessions are not for a terminal: use --file, or a pipe");
	*ret = path == NULL ? standard : open(path, flags | O_CLOEXEC | O_NOCTTY, 0600);
	if (*ret < 0)
		return tp_fail(err, TP_UNAVAILABLE, "%.80s: %s", path, strerrordesc_np(errno));
	return TP_OK;
}

/* What is half written is not left behind. */
static int run_export(const struct call *c, const struct auth_ctx *a)
{
	struct session_moved n = { 0 };
	struct tp_err err = { 0 };
	int fd = -1;
	enum tp_rc rc = open_file(c->file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, STDOUT_FILENO,
				  &fd, &err);

	if (rc != TP_OK)
		return failed(rc, &err);
	rc = session_export(a, fd, &n, &err);
	if (c->file != NULL && rc == TP_OK && fsync(fd) != 0 && errno != EINVAL)
		rc = tp_fail(&err, TP_UNAVAILABLE, "cannot write: %s", strerrordesc_np(errno));
	if (c->file != NULL && close(fd) != 0 && rc == TP_OK)
		rc = tp_fail(&err, TP_UNAVAILABLE, "cannot write: %s", strerrordesc_np(errno));
	if (c->file != NULL && rc != TP_OK)
		unlink(c->file);
	if (rc != TP_OK)
		return failed(rc, &err);
	say_moved("written", &n);
	return EXIT_SUCCESS;
}

static int run_import(const struct call *c, const struct auth_ctx *a)
{
	struct session_moved n = { 0 };
	struct tp_err err = { 0 };
	int64_t line = 0;
	int fd = -1;
	enum tp_rc rc = open_file(c->file, O_RDONLY, STDIN_FILENO, &fd, &err);

	if (rc != TP_OK)
		return failed(rc, &err);
	rc = session_import(a, fd, &n, &line, &err);
	if (c->file != NULL)
		close(fd);
	say_moved("taken", &n);
	if (rc == TP_OK)
		return EXIT_SUCCESS;
	if (line == 0)
		return failed(rc, &err);
	fprintf(stderr, "tpauth sessions: line %lld: %s\n", (long long)line, err.msg);
	return STATUS_DATA;
}

/* ---- the command line ---- */

enum {
	BIT_LISTS = 1 << LIST | 1 << REVOKE | 1 << REVOKE_ALL,
	BIT_FILES = 1 << EXPORT | 1 << IMPORT
};

static const struct args_flag flags[] = {
	{ "--file", ARGS_FILE, offsetof(struct call, file), BIT_FILES },
	{ "--json", ARGS_SWITCH, offsetof(struct call, json), BIT_LISTS },
};

static const struct args_verb verbs[] = {
	[LIST] = { "list", 1, 1, false },
	[REVOKE] = { "revoke", 2, 2, true },
	[REVOKE_ALL] = { "revoke-all", 1, 1, false },
	[EXPORT] = { "export", 0, 0, false },
	[IMPORT] = { "import", 0, 0, false },
};

const struct args_spec cmd_sessions_args = { verbs, TP_COUNT(verbs), flags, TP_COUNT(flags), true };

static int (*const runs[])(const struct call *c, const struct auth_ctx *a) = {
	[LIST] = run_list,     [REVOKE] = run_revoke, [REVOKE_ALL] = run_revoke_all,
	[EXPORT] = run_export, [IMPORT] = run_import,
};

static int run(struct call *c, char **envp)
{
	struct tp_err err = { 0 };
	struct app app;
	enum tp_rc rc = settings_open(&c->args, envp, &app, &err);
	int status = EXIT_SUCCESS;

	if (rc == TP_OK)
		status = runs[c->args.verb](c, &app.auth);
	boot_close(&app);
	if (status == EXIT_SUCCESS && fflush(stdout) != 0)
		rc = tp_fail(&err, TP_UNAVAILABLE, "cannot write to standard output");
	return rc == TP_OK ? status : failed(rc, &err);
}

int cmd_sessions(int argc, char **argv, char **envp)
{
	struct call c = { .json = false };
	struct tp_err err = { 0 };
	enum tp_rc rc = args_read(&cmd_sessions_args, argc, argv, &c, &c.args, &err);

	if (rc == TP_OK && c.args.help) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	return rc == TP_OK ? run(&c, envp) : failed(rc, &err);
}
