/* SPDX-License-Identifier: MIT */
/*
 * "tpauth users": who is in the files of TOKEN_HANDLER=htpasswd:. Which file, which password and
 * what is said is decided here; the text of the files is edited by auth/userfile_edit.
 */
#include "ctl/command.h"

#include <stdio.h>
#include <stdlib.h>

#include "auth/session.h"
#include "ctl/password.h"
#include "ctl/user_files.h"
#include "run/boot.h"

#include "base/banned.h"

static const char usage[] =
	"usage: tpauth users add USER [--scopes \"A B\"] [FLAG ...]\n"
	"       tpauth users passwd USER [FLAG ...]\n"
	"       tpauth users remove USER [FLAG ...]\n"
	"       tpauth users list [FLAG ...]\n"
	"\n"
	"  --file FILE           the password file, instead of the one of TOKEN_HANDLER\n"
	"  --groups FILE         the group file, likewise\n"
	"  --scopes \"A B\"        add: puts the user into these groups\n"
	"  --create              add: makes files that are missing, with mode 0640\n"
	"  --password-file FILE  add, passwd: first line of FILE; else the terminal is asked\n"
	"  --password-stdin      add, passwd: first line of standard input\n"
	"  --cost N              add, passwd: of bcrypt, 4 to 17 (10)\n"
	"  --keep-sessions       passwd, remove: leaves the user's sessions alone\n"
	"  --json                for programs\n"
	"\n"
	"Besides, --config FILE and the flags of all settings (tpauth check --help).\n"
	"\n"
	"exit status: 0 done, 1 no such user, or add: there is one, 64 wrong usage, 65 a\n"
	"file or the password cannot be used, 69 the sessions could not be ended, 73 a\n"
	"file cannot be written, 78 a setting is wrong\n";

enum { STATUS_NONE = 1, STATUS_DATA = 65, STATUS_FILE = 73 };
enum { ADD, PASSWD, REMOVE, LIST };
enum { BIT_ADD = 1, BIT_PASSWD = 2, BIT_REMOVE = 4 };

struct call {
	const char *file, *groups, *scopes, *password_file, *cost;
	bool create, password_stdin, keep, json;
	int64_t n_cost;
	struct scope_set scope_set;
	struct args args;
	struct app app;
	bool has_settings;
	struct user_files files;
};

static const struct args_flag flags[] = {
	{ "--cost", ARGS_TEXT, offsetof(struct call, cost), BIT_ADD | BIT_PASSWD },
	{ "--create", ARGS_SWITCH, offsetof(struct call, create), BIT_ADD },
	{ "--file", ARGS_FILE, offsetof(struct call, file), 0 },
	{ "--groups", ARGS_FILE, offsetof(struct call, groups), 0 },
	{ "--json", ARGS_SWITCH, offsetof(struct call, json), 0 },
	{ "--keep-sessions", ARGS_SWITCH, offsetof(struct call, keep), BIT_PASSWD | BIT_REMOVE },
	{ "--password-file", ARGS_FILE, offsetof(struct call, password_file),
	  BIT_ADD | BIT_PASSWD },
	{ "--password-stdin", ARGS_SWITCH, offsetof(struct call, password_stdin),
	  BIT_ADD | BIT_PASSWD },
	{ "--scopes", ARGS_TEXT, offsetof(struct call, scopes), BIT_ADD },
};

static const struct args_verb verbs[] = {
	[ADD] = { "add", 1, 1, false },
	[PASSWD] = { "passwd", 1, 1, false },
	[REMOVE] = { "remove", 1, 1, false },
	[LIST] = { "list", 0, 0, false },
};

const struct args_spec cmd_users_args = { verbs, TP_COUNT(verbs), flags, TP_COUNT(flags), true };

/* ---- before anything is done ---- */

static struct span user_of(const struct call *c)
{
	return span_of(c->args.operand[0]);
}

static enum tp_rc judge(struct call *c, struct tp_err *err)
{
	c->n_cost = PASSHASH_COST;
	if (c->cost != NULL &&
	    !span_int(span_of(c->cost), PASSHASH_COST_LEAST, PASSHASH_COST_MOST, &c->n_cost))
		return tp_fail(err, TP_NO_ROUTE, "--cost takes %d to %d", PASSHASH_COST_LEAST,
			       PASSHASH_COST_MOST);
	if (c->password_stdin && c->password_file != NULL)
		return tp_fail(err, TP_NO_ROUTE, "the password is given twice");
	if (c->args.verb == ADD && !userfile_name_ok(user_of(c)))
		return tp_fail(err, TP_NO_ROUTE,
			       "nobody can have this name: it has no ':', no control characters, "
			       "no blank at its ends, not both kinds of quotes, and does not "
			       "begin with '#' or \"tpauth-\"");
	return TP_OK;
}

/* A line that begins with '#' is a comment. */
static enum tp_rc judge_scopes(struct call *c, struct tp_err *err)
{
	struct tp_err why = { 0 };

	if (c->scopes == NULL)
		return TP_OK;
	if (scope_parse(span_of(c->scopes), &c->scope_set, &why) != TP_OK)
		return tp_fail(err, TP_NO_ROUTE, "--scopes: %s", why.msg);
	for (size_t i = 0; i < c->scope_set.n; i++) {
		if (c->scope_set.v[i].p[0] == '#')
			return tp_fail(err, TP_NO_ROUTE,
				       "--scopes: a group's name does not begin with '#'");
	}
	return TP_OK;
}

static bool ends_sessions(const struct call *c)
{
	return (c->args.verb == PASSWD || c->args.verb == REMOVE) && !c->keep;
}

/* The settings are read first where sessions are to be ended, so that one that is wrong stops
 * everything before anything was changed. Where only named files are concerned there need be none.
 */
static enum tp_rc read_settings(struct call *c, char **envp, struct tp_err *err)
{
	struct boot_args args = { .argc = c->args.n_settings,
				  .argv = c->args.settings,
				  .envp = envp,
				  .edge = &boot_http };
	enum tp_rc rc;

	if (!ends_sessions(c) && c->file != NULL)
		return TP_OK;
	rc = boot_config(&args, &c->app, err);
	c->has_settings = rc == TP_OK;
	return rc;
}

static enum tp_rc find_files(struct call *c, struct tp_err *err)
{
	const char *handler = c->has_settings ? c->app.config.token_handler : NULL;

	return user_files_find(c->file, c->groups, handler, &c->files, err);
}

/* ---- the password ---- */

static enum tp_rc ask_twice(struct secret *ret, struct tp_err *err)
{
	TP_CLEANUP(secret_release) struct secret again = { NULL, 0 };
	enum tp_rc rc = password_from_terminal("new password: ", ret, err);

	if (rc == TP_OK)
		rc = password_from_terminal("again: ", &again, err);
	if (rc == TP_OK && !secret_eq(secret_view(ret), secret_view(&again)))
		rc = tp_fail(err, TP_INVALID, "the two passwords differ");
	return rc;
}

static enum tp_rc make_hash(const struct call *c, struct secret *ret, struct tp_err *err)
{
	TP_CLEANUP(secret_release) struct secret password = { NULL, 0 };
	enum tp_rc rc;

	if (c->password_stdin || c->password_file != NULL)
		rc = password_from_file(c->password_stdin ? "-" : c->password_file, &password, err);
	else
		rc = ask_twice(&password, err);
	if (rc == TP_OK)
		rc = passhash_make(secret_view(&password), (int)c->n_cost, ret, err);
	return rc;
}

/* ---- what is said ---- */

static int failed(enum tp_rc rc, const struct tp_err *err)
{
	int status = rc_info(rc)->exit_status;

	if (rc == TP_INVALID || rc == TP_TOO_LARGE)
		status = STATUS_DATA;
	if (rc == TP_EXISTS || rc == TP_NOT_FOUND)
		status = STATUS_NONE;
	if (rc == TP_UNAVAILABLE)
		status = STATUS_FILE;
	fprintf(stderr, "tpauth users: %s\n", err->msg);
	return status;
}

/* ended below 0: none were asked for. */
static int say_done(const struct call *c, const char *what, int64_t ended)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(LIMIT_BODY);

	if (c->json) {
		buf_str(&out, "{\"user\":");
		jval_quote(user_of(c), &out);
		buf_printf(&out, ",\"done\":\"%s\",\"ended\":", what);
		if (ended < 0)
			buf_str(&out, "null");
		else
			buf_int(&out, ended);
		buf_str(&out, "}\n");
	} else {
		buf_printf(&out, "%s: %s", what, c->args.operand[0]);
		if (ended >= 0)
			buf_printf(&out, "; sessions ended: %lld", (long long)ended);
		buf_char(&out, '\n');
	}
	return command_write(buf_view(&out));
}

/* Of the settings only the store is opened: with the last user gone the token handler may be in no
 * state to start. */
static enum tp_rc end_sessions(const struct call *c, int64_t *ret_n, struct tp_err *err)
{
	struct store_spec spec = boot_store_spec(&c->app);
	struct store *s = NULL;
	enum tp_rc rc = store_open(&spec, &s, err);

	if (rc == TP_OK) {
		struct auth_ctx a = { .store = s, .clock = spec.clock };

		rc = session_close_all(&a, user_of(c), ret_n, err);
	}
	store_close(s);
	if (rc == TP_NOT_FOUND) { /* nobody of this name can have one */
		*ret_n = 0;
		return TP_OK;
	}
	return rc;
}

static int finish(const struct call *c, const char *what)
{
	struct tp_err err = { 0 };
	int64_t n = -1;
	enum tp_rc rc = ends_sessions(c) ? end_sessions(c, &n, &err) : TP_OK;

	if (rc == TP_OK)
		return say_done(c, what, n);
	fprintf(stderr,
		"tpauth users: %s: %s, but the sessions live on: %s\n"
		"tpauth users: when the store answers: tpauth sessions revoke-all %s\n",
		what, c->args.operand[0], err.msg, c->args.operand[0]);
	return rc_info(TP_UNAVAILABLE)->exit_status;
}

/* ---- the verbs ---- */

static int run_put(struct call *c)
{
	TP_CLEANUP(secret_release) struct secret hash = { NULL, 0 };
	struct tp_err err = { 0 };
	const bool is_new = c->args.verb == ADD;
	enum tp_rc rc;

	if (is_new && c->scopes != NULL && c->files.groups == NULL)
		rc = tp_fail(&err, TP_INVALID, "there is no group file to put the scopes into");
	else
		rc = user_files_ready(&c->files, c->create, user_of(c), is_new, &err);
	if (rc == TP_OK)
		rc = make_hash(c, &hash, &err);
	/* Whoever typed it took a while, and another user of this name must not get the groups. */
	if (rc == TP_OK && is_new)
		rc = user_files_ready(&c->files, false, user_of(c), true, &err);
	/* Groups first: with the password the user can log in, and has the scopes then. */
	if (rc == TP_OK && c->scope_set.n > 0)
		rc = user_files_put_groups(&c->files, user_of(c), &c->scope_set, &err);
	if (rc == TP_OK)
		rc = user_files_put(&c->files, user_of(c), secret_view(&hash), is_new, &err);
	return rc == TP_OK ? finish(c, is_new ? "added" : "changed") : failed(rc, &err);
}

static int run_remove(struct call *c)
{
	struct tp_err err = { 0 };
	enum tp_rc rc = user_files_drop(&c->files, user_of(c), &err);

	return rc == TP_OK ? finish(c, "removed") : failed(rc, &err);
}

static int run_list(struct call *c)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(LIMIT_AUTHN_FILE);
	struct tp_err err = { 0 };
	enum tp_rc rc = user_files_list(&c->files, c->json, &out, &err);

	return rc == TP_OK ? command_write(buf_view(&out)) : failed(rc, &err);
}

static int run(struct call *c)
{
	static int (*const runs[])(struct call * c) = {
		[ADD] = run_put,
		[PASSWD] = run_put,
		[REMOVE] = run_remove,
		[LIST] = run_list,
	};

	return runs[c->args.verb](c);
}

int cmd_users(int argc, char **argv, char **envp)
{
	struct call c = { .json = false };
	struct tp_err err = { 0 };
	enum tp_rc rc = args_read(&cmd_users_args, argc, argv, &c, &c.args, &err);
	int status;

	if (rc == TP_OK && c.args.help) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (rc == TP_OK)
		rc = judge(&c, &err);
	if (rc == TP_OK)
		rc = judge_scopes(&c, &err);
	if (rc == TP_OK)
		rc = read_settings(&c, envp, &err);
	if (rc == TP_OK)
		rc = find_files(&c, &err);
	status = rc == TP_OK ? run(&c) : command_failed("users", rc, &err);
	user_files_release(&c.files);
	boot_close(&c.app);
	return status;
}
