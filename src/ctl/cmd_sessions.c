/* SPDX-License-Identifier: MIT */
/*
 * "tpauth sessions": what an administrator does with the sessions in the store, on the machine that
 * has the settings. Its own flags are taken out of the command line; the rest is settings, as
 * everywhere.
 */
#include "ctl/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "auth/sessions.h"
#include "ctl/session_move.h"
#include "run/boot.h"

#include "base/banned.h"

enum { ARGS_MOST = 256, STATUS_NONE = 1, STATUS_USAGE = 64, STATUS_DATA = 65 };

struct call {
	const struct verb *verb;
	const char *operand[2]; /* user, id */
	const char *file;	/* NULL: standard output or input */
	bool json;
	char *args[ARGS_MOST]; /* the settings, behind a name */
	int n_args;
};

struct verb {
	const char *name;
	int n_operands;
	bool has_file, has_json;
	int (*run)(const struct call *c, const struct auth_ctx *a);
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
	fprintf(stderr, "tpauth sessions: %s\n", err->msg);
	return rc_info(rc)->exit_status;
}

/* ---- list, revoke ---- */

/* The time of day in UTC, as people and programs read it; "-" where it is not known. */
static const char *show_time(int64_t t, char room[24])
{
	time_t when = (time_t)t;
	struct tm tm;

	if (t <= 0 || gmtime_r(&when, &tm) == NULL ||
	    strftime(room, 24, "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
		return "-";
	return room;
}

/* A client's words on a terminal: the control characters of C1, which auth lets pass, are not for
 * it. */
static void print_text(struct span s, int width)
{
	char room[LIMIT_AGENT + 1] = "-";
	size_t n = 0;

	for (size_t i = 0; i < s.len && n < LIMIT_AGENT; i++) {
		bool c1 = s.p[i] == '\xc2' && i + 1 < s.len && (s.p[i + 1] & 0xe0) == 0x80;

		room[n] = s.p[i];
		if (c1)
			room[n] = '?';
		n++;
		i += c1;
	}
	room[n > 0 ? n : 1] = '\0';
	printf("%-*s", width, room);
}

static void print_table(const struct sessions *s)
{
	char at[3][24];

	printf("%-43s  %-20s  %-20s  %-20s  %-15s  %s\n", "ID", "STARTED", "REFRESHED", "EXPIRES",
	       "ADDRESS", "AGENT");
	for (size_t i = 0; i < s->n; i++) {
		const struct session_info *v = &s->v[i];

		if (v->rc != TP_OK) {
			printf("%s  %s\n", v->id,
			       v->rc == TP_EXPIRED ? "(has ended)" : "(does not verify)");
			continue;
		}
		printf("%s  %-20s  %-20s  %-20s  ", v->id, show_time(v->started, at[0]),
		       show_time(v->refreshed, at[1]), show_time(v->expires, at[2]));
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

	rc = sessions_list(a, span_of(c->operand[0]), (struct span){ NULL, 0 }, true, &s, &err);
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

	rc = sessions_end(a, span_of(c->operand[0]), span_of(c->operand[1]), &handle, &err);
	if (rc != TP_OK && rc != TP_NOT_FOUND)
		return failed(rc, &err);
	say_ended(c, rc == TP_OK);
	return rc == TP_OK ? EXIT_SUCCESS : STATUS_NONE;
}

static int run_revoke_all(const struct call *c, const struct auth_ctx *a)
{
	struct tp_err err = { 0 };
	int64_t n = 0;
	enum tp_rc rc = session_close_all(a, span_of(c->operand[0]), &n, &err);

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

static const struct verb verbs[] = {
	{ "list", 1, false, true, run_list },
	{ "revoke", 2, false, true, run_revoke },
	{ "revoke-all", 1, false, true, run_revoke_all },
	{ "export", 0, true, false, run_export },
	{ "import", 0, true, false, run_import },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < TP_COUNT(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* True when the argument is one of the command's own; *i moves past its value. */
static bool take_own(struct call *c, int argc, char **argv, int *i)
{
	const char *arg = argv[*i];

	if (c->verb->has_json && strcmp(arg, "--json") == 0) {
		c->json = true;
		return true;
	}
	if (!c->verb->has_file)
		return false;
	if (strncmp(arg, "--file=", 7) == 0)
		c->file = arg + 7;
	else if (strcmp(arg, "--file") == 0 && *i + 1 < argc)
		c->file = argv[++*i];
	else
		return false;
	return true;
}

static enum tp_rc read_call(struct call *c, int argc, char **argv, struct tp_err *err)
{
	int i = 2;

	c->verb = argc > 1 ? find_verb(argv[1]) : NULL;
	if (c->verb == NULL)
		return tp_fail(err, TP_NO_ROUTE, "see tpauth sessions --help");
	for (int k = 0; k < c->verb->n_operands; k++, i++) {
		if (i >= argc || strncmp(argv[i], "--", 2) == 0)
			return tp_fail(err, TP_NO_ROUTE, "%s takes %s before its flags",
				       c->verb->name,
				       c->verb->n_operands == 2 ? "a user and an id" : "a user");
		c->operand[k] = argv[i];
	}
	c->args[c->n_args++] = argv[0];
	for (; i < argc; i++) {
		if (take_own(c, argc, argv, &i))
			continue;
		if (c->n_args == ARGS_MOST - 1)
			return tp_fail(err, TP_NO_ROUTE, "too many arguments");
		c->args[c->n_args++] = argv[i];
	}
	return TP_OK;
}

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

/* Nobody serves and nobody logs in here. */
static const struct boot_edge edge = { .open = open_nothing, .close = close_nothing };

static int run(struct call *c, char **envp)
{
	struct boot_args args = { .argc = c->n_args, .argv = c->args, .envp = envp, .edge = &edge };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct tp_err err = { 0 };
	struct app app;
	enum tp_rc rc = boot_config(&args, &app, &err);
	int status = EXIT_SUCCESS;

	/* A reader that goes away is an error of write(), so that no file is left half written. */
	sigemptyset(&ignore.sa_mask);
	sigaction(SIGPIPE, &ignore, NULL);
	if (rc == TP_OK && (app.config.help || app.config.version))
		fputs(usage, stdout);
	else if (rc == TP_OK) {
		rc = boot_open(&app, &err);
		if (rc == TP_OK)
			status = c->verb->run(c, &app.auth);
	}
	boot_close(&app);
	if (status == EXIT_SUCCESS && fflush(stdout) != 0)
		rc = tp_fail(&err, TP_UNAVAILABLE, "cannot write to standard output");
	return rc == TP_OK ? status : failed(rc, &err);
}

int cmd_sessions(int argc, char **argv, char **envp)
{
	struct call c = { .n_args = 0 };
	struct tp_err err = { 0 };

	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (read_call(&c, argc, argv, &err) != TP_OK) {
		fprintf(stderr, "tpauth sessions: %s\n", err.msg);
		return STATUS_USAGE;
	}
	return run(&c, envp);
}
