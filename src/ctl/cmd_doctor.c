/* SPDX-License-Identifier: MIT */
/* "tpauth doctor": reads its command line, asks for the password, and lets the doctor ask by
 * libcurl. */
#include "ctl/command.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fetch.h"
#include "base/limits.h"
#include "ctl/doctor.h"
#include "ctl/password.h"

#include "base/banned.h"

enum { GUARDED_MOST = 32, TIMEOUT_S = 15, TIMEOUT_MOST_S = 600, MAX_BODY = 65536 };

struct call {
	struct doctor_spec spec;
	const char *guarded[GUARDED_MOST];
	const char *ca_file, *password_file;
	int64_t timeout_s;
	char *url;
	bool help;
};

enum flag {
	FLAG_CACERT = 'a',
	FLAG_COOKIE_PREFIX,
	FLAG_HELP,
	FLAG_INSECURE,
	FLAG_MAX_BODY,
	FLAG_ORIGIN,
	FLAG_PASSWORD_FILE,
	FLAG_PATH,
	FLAG_PROTECTED,
	FLAG_SERVER,
	FLAG_TIMEOUT,
	FLAG_USER
};

static const struct option flags[] = {
	{ "cacert", required_argument, NULL, FLAG_CACERT },
	{ "cookie-prefix", required_argument, NULL, FLAG_COOKIE_PREFIX },
	{ "help", no_argument, NULL, FLAG_HELP },
	{ "insecure-http-ok", no_argument, NULL, FLAG_INSECURE },
	{ "max-body", required_argument, NULL, FLAG_MAX_BODY },
	{ "origin", required_argument, NULL, FLAG_ORIGIN },
	{ "password-file", required_argument, NULL, FLAG_PASSWORD_FILE },
	{ "path", required_argument, NULL, FLAG_PATH },
	{ "protected", required_argument, NULL, FLAG_PROTECTED },
	{ "server", required_argument, NULL, FLAG_SERVER },
	{ "timeout", required_argument, NULL, FLAG_TIMEOUT },
	{ "user", required_argument, NULL, FLAG_USER },
	{ NULL, 0, NULL, 0 },
};

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

static enum tp_rc read_int(const char *flag, const char *text, int64_t low, int64_t high,
			   int64_t *ret, struct tp_err *err)
{
	if (span_int(span_of(text), low, high, ret))
		return TP_OK;
	return tp_fail(err, TP_INVALID, "%s takes a number from %lld to %lld", flag, (long long)low,
		       (long long)high);
}

static enum tp_rc read_text(const char *flag, const char *text, const char **ret,
			    struct tp_err *err)
{
	if (span_has_control(span_of(text)))
		return tp_fail(err, TP_INVALID, "%s: a control character", flag);
	*ret = text;
	return TP_OK;
}

static enum tp_rc read_flag(struct call *c, int flag, struct tp_err *err)
{
	switch (flag) {
	case FLAG_CACERT:
		return read_text("--cacert", optarg, &c->ca_file, err);
	case FLAG_COOKIE_PREFIX:
		return read_text("--cookie-prefix", optarg, &c->spec.cookie_prefix, err);
	case FLAG_HELP:
		c->help = true;
		return TP_OK;
	case FLAG_INSECURE:
		c->spec.insecure_ok = true;
		return TP_OK;
	case FLAG_MAX_BODY:
		return read_int("--max-body", optarg, 1024, LIMIT_BODY, &c->spec.max_body, err);
	case FLAG_ORIGIN:
		return read_text("--origin", optarg, &c->spec.origin, err);
	case FLAG_PASSWORD_FILE:
		return read_text("--password-file", optarg, &c->password_file, err);
	case FLAG_PATH:
		return read_path(&c->spec, optarg, err);
	case FLAG_PROTECTED:
		return read_guarded(c, optarg, err);
	case FLAG_SERVER:
		c->spec.server = remedy_server_of(span_of(optarg));
		if (c->spec.server == REMEDY_ANY)
			return tp_fail(err, TP_INVALID, "--server takes lighttpd, apache or nginx");
		return TP_OK;
	case FLAG_TIMEOUT:
		return read_int("--timeout", optarg, 1, TIMEOUT_MOST_S, &c->timeout_s, err);
	case FLAG_USER:
		c->spec.user = span_of(optarg);
		return TP_OK;
	default:
		return tp_fail(err, TP_INVALID, "see tpauth doctor --help");
	}
}

/* The one operand, wherever it stands between the flags. */
static enum tp_rc read_url(struct call *c, int argc, char **argv, struct tp_err *err)
{
	struct span url;

	if (argc - optind != 1)
		return tp_fail(err, TP_INVALID, "one URL is needed (see tpauth doctor --help)");
	url = span_of(argv[optind]);
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

static enum tp_rc read_call(struct call *c, int argc, char **argv, struct tp_err *err)
{
	enum tp_rc rc = TP_OK;
	int flag;

	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads */
	while (rc == TP_OK && (flag = getopt_long(argc, argv, "", flags, NULL)) != -1)
		rc = read_flag(c, flag, err);
	if (rc == TP_OK && !c->help)
		rc = read_url(c, argc, argv, err);
	return rc;
}

static enum tp_rc by_curl(void *arg, const struct fetch_request *ask, struct fetch_reply *reply,
			  struct tp_err *err)
{
	return fetch_ask(arg, ask, reply, err);
}

static void print(void *arg, const char *line)
{
	fputs(line, arg);
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
	enum tp_rc rc = read_call(&c, argc, argv, &err);

	(void)envp;
	if (rc == TP_OK && c.help)
		fputs(usage, stdout);
	else if (rc == TP_OK)
		rc = examine(&c, &status, &err);
	free(c.url);
	if (rc == TP_OK)
		return status;
	fprintf(stderr, "tpauth doctor: %s\n", err.msg);
	return rc_info(TP_NO_ROUTE)->exit_status;
}
