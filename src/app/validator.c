/* SPDX-License-Identifier: MIT */
/*
 * A validator without an application: the settings and the store of a resource server, and of a
 * request the few variables that decide. Whether a session holds, and what it must have besides,
 * is judged by the very code that judges it for the endpoints, a module's hook included; what
 * differs is that this runs in a program of others, whose log, signals and OpenSSL are not ours.
 */
#include "hook/claims.h"
#include "hook/code.h"
#include "http/admit.h"
#include "http/consult.h"
#include "run/boot.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

/* Of the variables of a request those that count; no other is looked at, so none of them can make
 * a request fail. */
/* clang-format off */
static const char *const looked_at[] = {
	"REQUEST_METHOD", "HTTP_AUTHORIZATION", "REDIRECT_HTTP_AUTHORIZATION", "HTTP_COOKIE",
	"HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_HOST", "REMOTE_ADDR", "HTTP_X_FORWARDED_FOR",
};
/* clang-format on */

struct tpauth_validator {
	struct app app;
	struct http_resp resp; /* for the headers of a hook, which nobody gets */
	struct tp_err last;    /* of tpauth_validate() */
};

/* Signals --------------------------------------------------------------------------------------
 *
 * A store that closes its connection raises SIGPIPE, which ends a program that did not expect it.
 * It is held back meanwhile, and taken away if it came from us. */

struct quiet {
	sigset_t pipe, before;
	bool was_pending;
};

static bool is_pending(void)
{
	sigset_t set;

	return sigpending(&set) == 0 && sigismember(&set, SIGPIPE) == 1;
}

static void quiet_begin(struct quiet *q)
{
	sigemptyset(&q->pipe);
	sigaddset(&q->pipe, SIGPIPE);
	q->was_pending = is_pending();
	pthread_sigmask(SIG_BLOCK, &q->pipe, &q->before);
}

static void quiet_end(const struct quiet *q)
{
	const struct timespec now = { 0, 0 };

	if (!q->was_pending && is_pending())
		sigtimedwait(&q->pipe, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &q->before, NULL);
}

/* Opening --------------------------------------------------------------------------------------
 */

static enum tp_rc open_app(struct app *app, const char *const *settings, struct tp_err *err)
{
	/* The settings' reader wants what main() gets, and changes none of it. */
	union {
		const char *const *in;
		char **out;
	} u = { .in = settings };
	char *argv[] = { NULL };
	const struct boot_args args = { .argv = argv,
					.envp = settings != NULL ? u.out : environ,
					.cgi = true, /* reads no arguments, warns of nothing */
					.edge = &boot_validator };
	enum tp_rc rc = boot_config(&args, app, err);

	if (rc == TP_OK)
		rc = boot_open(app, err);
	app->args.argv = NULL;
	app->args.envp = NULL;
	return rc;
}

static enum tp_rc validator_open(const char *const *settings, struct tpauth_validator **ret,
				 struct tp_err *err)
{
	struct tpauth_validator *v = calloc(1, sizeof(*v));
	struct quiet q;
	enum tp_rc rc;

	if (v == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	response_init(&v->resp);
	quiet_begin(&q);
	rc = open_app(&v->app, settings, err);
	if (rc != TP_OK)
		tpauth_validator_close(v);
	quiet_end(&q);
	if (rc == TP_OK)
		*ret = v;
	return rc;
}

enum tpauth_rc tpauth_validator_open(const char *const *settings, struct tpauth_validator **ret,
				     char *error, size_t error_size)
{
	struct tp_err err = { 0 };
	enum tp_rc rc;

	if (ret == NULL)
		rc = tp_fail(&err, TP_INTERNAL, "there is no place for the result");
	else
		rc = validator_open(settings, ret, &err);
	if (error != NULL && error_size > 0)
		snprintf(error, error_size, "%s", rc == TP_OK ? "" : err.msg);
	return code_out(rc);
}

void tpauth_validator_close(struct tpauth_validator *validator)
{
	struct quiet q;

	if (validator == NULL)
		return;
	quiet_begin(&q);
	boot_close(&validator->app);
	quiet_end(&q);
	response_release(&validator->resp);
	free(validator);
}

/* Validating -----------------------------------------------------------------------------------
 */

static bool is_of(const char *variable, const char *name)
{
	size_t n = strlen(name);

	return strncmp(variable, name, n) == 0 && variable[n] == '=';
}

/* The router takes the last of some that are given twice, as a web server may do that. Here nobody
 * has a reason to. */
static enum tp_rc pick(const char *const *request, const char **ret, struct tp_err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < TP_COUNT(looked_at); i++) {
		const char *found = NULL;

		for (const char *const *v = request; v != NULL && *v != NULL; v++) {
			if (!is_of(*v, looked_at[i]))
				continue;
			if (found != NULL)
				return tp_fail(err, TP_INVALID, "%s is given twice", looked_at[i]);
			found = *v;
		}
		if (found != NULL)
			ret[n++] = found;
	}
	ret[n] = NULL;
	return TP_OK;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is http's */
static ptrdiff_t no_body(void *arg, char *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
	return 0;
}

static enum tp_rc judge(struct tpauth_validator *v, struct http_req *r,
			const struct scope_set *needed, struct access *ret, struct tp_err *err)
{
	struct http_call c = {
		.site = &v->app.site, .auth = &v->app.auth, .req = r, .resp = &v->resp
	};
	struct credential credential = { 0 };
	enum tp_rc rc = request_credential(r, &credential, err);

	if (rc == TP_OK)
		rc = access_check(c.auth, &credential, ret, err);
	if (rc != TP_OK)
		return rc;
	c.access = ret;
	rc = admit_session(r, r->method, ret, needed, err);
	return rc == TP_OK ? consult_access(&c, ret, err) : rc;
}

static enum tp_rc give_claims(const struct access *access, struct tpauth_claims **ret,
			      struct tp_err *err)
{
	struct jval *all = NULL;
	enum tp_rc rc;

	if (ret == NULL)
		return TP_OK;
	rc = claims_merge(access->token->claims, access->extra, &all, err);
	if (rc != TP_OK)
		return rc;
	*ret = claims_take(all);
	return *ret != NULL ? TP_OK : tp_fail(err, TP_NOMEM, "out of memory");
}

static enum tp_rc validate(struct tpauth_validator *v, const char *const *request,
			   const char *scopes, struct tpauth_claims **ret, struct tp_err *err)
{
	TP_CLEANUP(access_release) struct access access = { 0 };
	TP_CLEANUP(request_release) struct http_req r = { 0 };
	const char *picked[TP_COUNT(looked_at) + 1];
	union {
		const char **in;
		char *const *out;
	} u = { .in = picked };
	struct scope_set needed = { 0 };
	enum tp_rc rc;

	if (scopes != NULL && scope_parse(span_of(scopes), &needed, err) != TP_OK)
		return tp_fail(err, TP_INTERNAL, "the scopes that are asked for are none");
	rc = pick(request, picked, err);
	if (rc != TP_OK)
		return rc;
	response_reset(&v->resp);
	store_begin(v->app.store);
	rc = request_init(&r, &v->app.site, u.out, (struct http_body){ no_body, NULL }, err);
	if (rc == TP_OK)
		rc = judge(v, &r, &needed, &access, err);
	return rc == TP_OK ? give_claims(&access, ret, err) : rc;
}

enum tpauth_rc tpauth_validate(struct tpauth_validator *validator, const char *const *request,
			       const char *scopes, struct tpauth_claims **ret)
{
	struct quiet q;
	enum tp_rc rc;

	if (validator == NULL)
		return TPAUTH_INTERNAL;
	validator->last = (struct tp_err){ 0 };
	quiet_begin(&q);
	rc = validate(validator, request, scopes, ret, &validator->last);
	quiet_end(&q);
	return code_out(rc);
}

const char *tpauth_validator_error(const struct tpauth_validator *validator)
{
	return validator != NULL ? validator->last.msg : "there is no validator";
}
