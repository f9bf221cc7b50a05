/* SPDX-License-Identifier: MIT */
/* "tpauth doctor": reads its command line, asks for the password, and lets the doctor ask by
 * libcurl. */
#include "ctl/command.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fetch.h"
#include "base/limits.h"
#include "ctl/doctor.h"
#include "ctl/password.h"
#include "ctl/text.h"

#include "base/banned.h"

enum { GUARDED_MOST = 32, TIMEOUT_S = 15, TIMEOUT_MOST_S = 600, MAX_BODY = 65536 };

struct call {
	struct doctor_spec spec;
	const char *guarded[GUARDED_MOST];
	const char *ca_file, *password_file;
	const char *cookie_prefix, *max_body, *origin, *server, *timeout, *user; /* as given */
	struct args_list paths, urls;
	int64_t timeout_s;
	char *url;
	struct args args;
};

static const struct args_flag flags[] = {
	{ "--cacert", ARGS_FILE, offsetof(struct call, ca_file), 0 },
	{ "--cookie-prefix", ARGS_TEXT, offsetof(struct call, cookie_prefix), 0 },
	{ "--insecure-http-ok", ARGS_SWITCH, offsetof(struct call, spec.insecure_ok), 0 },
	{ "--max-body", ARGS_TEXT, offsetof(struct call, max_body), 0 },
	{ "--origin", ARGS_TEXT, offsetof(struct call, origin), 0 },
	{ "--password-file", ARGS_FILE, offsetof(struct call, password_file), 0 },
	{ "--path", ARGS_LIST, offsetof(struct call, paths), 0 },
	{ "--protected", ARGS_LIST, offsetof(struct call, urls), 0 },
	{ "--server", ARGS_TEXT, offsetof(struct call, server), 0 },
	{ "--timeout", ARGS_TEXT, offsetof(struct call, timeout), 0 },
	{ "--user", ARGS_TEXT, offsetof(struct call, user), 0 },
};

static const struct args_verb verbs[] = { { NULL, 1, 1, false } };

const struct args_spec cmd_doctor_args = { verbs, 1, flags, TP_COUNT(flags), false };

static const char usage[] =
	"usage: tpauth doctor URL [FLAG ...]\n"
	"\n"
	"  URL                    where tpauth is mounted: https://example.org, or\n"
	"                         https://example.org/auth below a path\n"
	"  --user NAME            log in, too, and look at the session\n"
	"  --password-file FILE   first line of FILE, \"-\": of standard input; else the\n"
	"                         terminal is asked\n"
	"  --protected URL        a URL, or a path, that wants a session; may be repeated\n"
	"  --server NAME          lighttpd, apache or nginx, if Server does not say so\n"
	"  --path NAME=PATH       token, refresh, userinfo, logout or health, if moved\n"
	"  --cookie-prefix TEXT   COOKIE_PREFIX of the service\n"
	"  --max-body BYTES       MAX_BODY_BYTES of the service (65536)\n"
	"  --origin ORIGIN        an origin that CORS_URLS should allow\n"
	"  --cacert FILE          authorities to trust instead of the system's\n"
	"  --timeout SECONDS      for each answer (15)\n"
	"  --insecure-http-ok     send password and session over plain HTTP as well\n"
	"\n"
	"exit status: 0 all well, 1 something is wrong, 2 something could not be asked,\n"
	"64 wrong usage\n";

static enum tp_rc read_path(struct doctor_spec *spec, const char *text, struct tp_err *err)
{
	struct span rest = span_of(text), name = span_cut(&rest, '=');

	for (int i = 0; i < DOCTOR_PATHS && rest.p != NULL; i++) {
		if (span_is(name, doctor_paths[i].name) && span_starts(rest, "/") &&
		    !span_has_control(rest)) {
			spec->path[i] = rest.p;
			return TP_OK;
		}
	}
	return tp_fail(err, TP_INVALID,
		       "--path takes token, refresh, userinfo, logout or health, '=' and a path");
}

static enum tp_rc read_guarded(struct call *c, const char *url, struct tp_err *err)
{
	if (c->spec.n_guarded == GUARDED_MOST)
		return tp_fail(err, TP_INVALID, "--protected: at most %d", GUARDED_MOST);
	if (!doctor_guarded(span_of(url)))
		return tp_fail(err, TP_INVALID,
			       "--protected takes a path, or an http or https URL with a path");
	c->guarded[c->spec.n_guarded++] = url;
	return TP_OK;
}

/* text NULL: *ret stays as it is. */
static enum tp_rc read_int(const char *flag, const char *text, int64_t low, int64_t high,
			   int64_t *ret, struct tp_err *err)
{
	if (text == NULL || span_int(span_of(text), low, high, ret))
		return TP_OK;
	return tp_fail(err, TP_INVALID, "%s takes a number from %lld to %lld", flag, (long long)low,
		       (long long)high);
}

static enum tp_rc read_text(const char *flag, const char *text, const char **ret,
			    struct tp_err *err)
{
	if (text == NULL)
		return TP_OK;
	if (span_has_control(span_of(text)))
		return tp_fail(err, TP_INVALID, "%s: a control character", flag);
	*ret = text;
	return TP_OK;
}

static enum tp_rc read_server(struct call *c, struct tp_err *err)
{
	if (c->server == NULL)
		return TP_OK;
	c->spec.server = remedy_server_of(span_of(c->server));
	if (c->spec.server == REMEDY_ANY)
		return tp_fail(err, TP_INVALID, "--server takes lighttpd, apache or nginx");
	return TP_OK;
}

static enum tp_rc read_lists(struct call *c, struct tp_err *err)
{
	enum tp_rc rc = TP_OK;

	for (size_t i = 0; rc == TP_OK && i < c->paths.n; i++)
		rc = read_path(&c->spec, c->paths.v[i], err);
	for (size_t i = 0; rc == TP_OK && i < c->urls.n; i++)
		rc = read_guarded(c, c->urls.v[i], err);
	return rc;
}

static enum tp_rc read_url(struct call *c, struct tp_err *err)
{
	struct span url = span_of(c->args.operand[0]);

	if (!doctor_url(url))
		return tp_fail(err, TP_INVALID,
			       "the URL must be http://HOST[/PATH] or https://HOST[/PATH]");
	while (url.p[url.len - 1] == '/')
		url.len--;
	c->url = span_dup(url);
	if (c->url == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	c->spec.url = c->url;
	return TP_OK;
}

static enum tp_rc judge(struct call *c, struct tp_err *err)
{
	enum tp_rc rc = read_text("--cacert", c->ca_file, &c->ca_file, err);

	if (rc == TP_OK)
		rc = read_text("--cookie-prefix", c->cookie_prefix, &c->spec.cookie_prefix, err);
	if (rc == TP_OK)
		rc = read_int("--max-body", c->max_body, 1024, LIMIT_BODY, &c->spec.max_body, err);
	if (rc == TP_OK)
		rc = read_text("--origin", c->origin, &c->spec.origin, err);
	if (rc == TP_OK)
		rc = read_text("--password-file", c->password_file, &c->password_file, err);
	if (rc == TP_OK)
		rc = read_int("--timeout", c->timeout, 1, TIMEOUT_MOST_S, &c->timeout_s, err);
	if (rc == TP_OK)
		rc = read_server(c, err);
	if (rc == TP_OK)
		rc = read_lists(c, err);
	c->spec.user = span_of(c->user);
	return rc == TP_OK ? read_url(c, err) : rc;
}

static enum tp_rc by_curl(void *arg, const struct fetch_request *ask, struct fetch_reply *reply,
			  struct tp_err *err)
{
	return fetch_ask(arg, ask, reply, err);
}

/* A line, whose first word says how it is. */
static void print(void *arg, const char *line)
{
	static const struct {
		const char *word;
		enum text_colour colour;
	} words[] = { { "ok", TEXT_GOOD }, { "BAD", TEXT_BAD } };
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(LIMIT_RESP_BODY);

	for (size_t i = 0; text_colours(STDOUT_FILENO) && i < TP_COUNT(words); i++) {
		if (!span_starts(span_of(line), words[i].word))
			continue;
		text_mark(words[i].colour, true, words[i].word, &out);
		line += strlen(words[i].word);
	}
	buf_str(&out, line);
	fputs(buf_cstr(&out), arg);
	fflush(arg);
}

static enum tp_rc read_password(const struct call *c, struct secret *ret, struct tp_err *err)
{
	if (c->spec.user.p == NULL)
		return TP_OK;
	return c->password_file != NULL ? password_from_file(c->password_file, ret, err)
					: password_from_terminal("Password: ", ret, err);
}

/* Neither whoever reads what is printed nor a server that hangs up may end the doctor before it has
 * logged out. */
static void outlive_readers(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigemptyset(&ignore.sa_mask);
	sigaction(SIGPIPE, &ignore, NULL);
}

static enum tp_rc examine(struct call *c, int *ret_status, struct tp_err *err)
{
	TP_CLEANUP(secret_release) struct secret password = { 0 };
	struct fetch_spec how = { .ca_file = c->ca_file, .timeout_ms = (int)c->timeout_s * 1000 };
	struct fetch *f = NULL;
	enum tp_rc rc = read_password(c, &password, err);

	outlive_readers();
	if (rc == TP_OK)
		rc = fetch_open(&how, &f, err);
	if (rc != TP_OK)
		return rc;
	c->spec.password = secret_view(&password);
	c->spec.guarded = c->guarded;
	c->spec.fetch = by_curl;
	c->spec.fetch_arg = f;
	c->spec.print = print;
	c->spec.print_arg = stdout;
	*ret_status = doctor_run(&c->spec);
	fetch_close(f);
	return TP_OK;
}

int cmd_doctor(int argc, char **argv, char **envp)
{
	struct call c = { .spec = { .server = REMEDY_ANY,
				    .cookie_prefix = "",
				    .max_body = MAX_BODY,
				    .clock = clock_system() },
			  .timeout_s = TIMEOUT_S };
	struct tp_err err = { 0 };
	int status = EXIT_SUCCESS;
	enum tp_rc rc = args_read(&cmd_doctor_args, argc, argv, &c, &c.args, &err);

	(void)envp;
	if (rc == TP_OK && c.args.help) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (rc == TP_OK)
		rc = judge(&c, &err);
	if (rc == TP_OK)
		rc = examine(&c, &status, &err);
	free(c.url);
	if (rc == TP_OK)
		return status;
	return command_failed("doctor", TP_NO_ROUTE, &err);
}
