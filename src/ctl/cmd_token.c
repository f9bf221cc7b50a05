/* SPDX-License-Identifier: MIT */
/*
 * "tpauth token": opens a session without a password, shows what a token says, and tells whether
 * the service would take it. A token comes from standard input or as an argument, which others can
 * read.
 */
#include "ctl/command.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/access.h"
#include "auth/session.h"
#include "ctl/input.h"
#include "ctl/settings.h"
#include "ctl/text.h"
#include "token/jws.h"

#include "base/banned.h"

static const char usage[] =
	"usage: tpauth token issue --user NAME [--scopes \"A B\"] [--claim NAME=TEXT ...]\n"
	"                          [--expires SECONDS] [--json] [FLAG ...]\n"
	"       tpauth token inspect [--json] [FLAG ...] [TOKEN | -]\n"
	"       tpauth token verify [--json] [FLAG ...] [TOKEN | -]\n"
	"\n"
	"  issue              opens a session for this user, without a password, and prints\n"
	"                     its bearer\n"
	"  inspect            shows what a JWT or a bearer says, true or not, and whether the\n"
	"                     keys of the settings and the session store stand for it\n"
	"  verify             tells whether the service takes it now\n"
	"  --scopes \"A B\"     what the session may do\n"
	"  --claim NAME=TEXT  one more claim; may be repeated\n"
	"  --expires SECONDS  of the session, until its first refresh (EXPIRY)\n"
	"  --json             for programs\n"
	"\n"
	"A token is read from standard input; others can read an argument.\n"
	"Besides, --config FILE and the flags of all settings (tpauth check --help).\n"
	"\n"
	"exit status: 0 done, or accepted; 1 not accepted, 64 wrong usage, 65 what was read\n"
	"is no token, 69 the store failed, 78 a setting is wrong\n";

enum { ISSUE, INSPECT, VERIFY };
enum { STATUS_REFUSED = 1, STATUS_DATA = 65, EXPIRES_MOST = 315360000, OUT_MOST = 65536 };

struct call {
	const char *user, *scopes, *expires;
	struct args_list claims;
	bool json;
	int64_t expires_s; /* 0: as the settings have it */
	struct scope_set granted;
	struct args args;
	struct app app;
};

static const struct args_flag flags[] = {
	{ "--claim", ARGS_LIST, offsetof(struct call, claims), 1u << ISSUE },
	{ "--expires", ARGS_TEXT, offsetof(struct call, expires), 1u << ISSUE },
	{ "--json", ARGS_SWITCH, offsetof(struct call, json), 0 },
	{ "--scopes", ARGS_TEXT, offsetof(struct call, scopes), 1u << ISSUE },
	{ "--user", ARGS_TEXT, offsetof(struct call, user), 1u << ISSUE },
};

static const struct args_verb verbs[] = {
	[ISSUE] = { "issue", 0, 0, false },
	[INSPECT] = { "inspect", 0, 1, false },
	[VERIFY] = { "verify", 0, 1, false },
};

const struct args_spec cmd_token_args = { verbs, TP_COUNT(verbs), flags, TP_COUNT(flags), true };

/* ---- issue ---- */

static enum tp_rc judge_claim(const char *text, struct tp_err *err)
{
	static const char *const taken[] = { "iss",	   "iat",	"exp",	   "nbf",
					     "token_type", "sid",	"aud",	   "ip",
					     "agent",	   "auth_time", "user_id", "scopes" };
	struct span rest = span_of(text), name = span_cut(&rest, '=');

	if (rest.p == NULL || name.len == 0)
		return tp_fail(err, TP_NO_ROUTE, "--claim takes NAME=TEXT");
	for (size_t i = 0; i < TP_COUNT(taken); i++) {
		if (span_is(name, taken[i]))
			return tp_fail(err, TP_NO_ROUTE, "--claim: %s is not for you to set",
				       taken[i]);
	}
	if (!span_is_utf8(span_of(text)))
		return tp_fail(err, TP_NO_ROUTE, "--claim: no UTF-8");
	return TP_OK;
}

static enum tp_rc judge(struct call *c, struct tp_err *err)
{
	struct tp_err why = { 0 };
	enum tp_rc rc = TP_OK;

	if (c->args.verb != ISSUE)
		return TP_OK;
	if (c->user == NULL || !token_user_id_ok(span_of(c->user)))
		return tp_fail(err, TP_NO_ROUTE,
			       "--user takes a user's name, without control characters");
	if (c->scopes != NULL && scope_parse(span_of(c->scopes), &c->granted, &why) != TP_OK)
		return tp_fail(err, TP_NO_ROUTE, "--scopes: %s", why.msg);
	if (c->expires != NULL && !span_int(span_of(c->expires), 1, EXPIRES_MOST, &c->expires_s))
		return tp_fail(err, TP_NO_ROUTE, "--expires takes 1 to %d seconds", EXPIRES_MOST);
	for (size_t i = 0; rc == TP_OK && i < c->claims.n; i++)
		rc = judge_claim(c->claims.v[i], err);
	return rc;
}

static enum tp_rc make_claims(const struct call *c, struct jval *claims, struct tp_err *err)
{
	enum tp_rc rc = jval_set_str(claims, "user_id", span_of(c->user), err);

	for (size_t i = 0; rc == TP_OK && i < c->claims.n; i++) {
		struct span value = span_of(c->claims.v[i]), name = span_cut(&value, '=');
		char *key = span_dup(name);

		rc = key == NULL ? tp_fail(err, TP_NOMEM, "out of memory")
				 : jval_set_str(claims, key, value, err);
		free(key);
	}
	return rc;
}

static enum tp_rc open_session(struct call *c, struct session_minted *ret, struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *claims = jval_new_object();
	struct auth_rules rules = *c->app.auth.rules;
	struct auth_ctx a = c->app.auth;
	struct session_login login = { .claims = claims,
				       .agent = SPAN_LIT("tpauth token issue"),
				       .granted = &c->granted };
	enum tp_rc rc;

	if (!rules.issues)
		return tp_fail(err, TP_INVALID,
			       "AUTHORIZATION_SERVER is off: these settings issue nothing");
	if (c->expires_s > 0)
		rules.expiry_s = c->expires_s;
	a.rules = &rules;
	rc = make_claims(c, claims, err);
	return rc == TP_OK ? session_open(&a, &login, ret, err) : rc;
}

/* As the token endpoint answers. */
static void put_grant(const struct call *c, const struct session_minted *m, struct span bearer,
		      struct buf *out)
{
	TP_CLEANUP(buf_release) struct buf scope = BUF_INIT(OUT_MOST);

	scope_join(&c->granted, &scope);
	buf_str(out, "{\"user_id\":");
	jval_quote(span_of(c->user), out);
	buf_str(out, ",\"token\":");
	jval_quote(secret_view(&m->handle), out);
	buf_str(out, ",\"access_token\":");
	jval_quote(bearer, out);
	buf_printf(out, ",\"token_type\":\"bearer\",\"expires_in\":%lld,\"scope\":",
		   (long long)m->expires_in_s);
	jval_quote(buf_view(&scope), out);
	buf_str(out, "}\n");
}

static int run_issue(struct call *c)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { .claims = NULL };
	TP_CLEANUP(buf_release) struct buf bearer = BUF_INIT(OUT_MOST);
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(OUT_MOST);
	struct tp_err err = { 0 };
	enum tp_rc rc = open_session(c, &m, &err);

	if (rc != TP_OK)
		return command_failed("token", rc, &err);
	if (c->app.auth.rules->bearer_is_jwt)
		buf_span(&bearer, secret_view(&m.jwt));
	else
		session_bearer(span_of(c->user), secret_view(&m.handle), &bearer);
	if (c->json) {
		put_grant(c, &m, buf_view(&bearer), &out);
	} else {
		buf_span(&out, buf_view(&bearer));
		buf_char(&out, '\n');
	}
	rc = buf_rc(&out, "the token", &err);
	return rc == TP_OK ? command_write(buf_view(&out)) : command_failed("token", rc, &err);
}

/* ---- inspect ---- */

/* What is known of a token; p NULL and absent where it is not. */
struct finding {
	bool is_jwt;
	struct jval *header, *claims;
	enum tp_rc verifies, lives; /* TP_INTERNAL: not asked */
	struct tp_err why_not, why_dead;
};

static void finding_release(struct finding *f)
{
	jval_release(f->header);
	jval_release(f->claims);
}

/* A JWT has two, and our opaque bearer one. */
static size_t count_dots(struct span token)
{
	size_t dots = 0;

	for (size_t i = 0; i < token.len; i++)
		dots += token.p[i] == '.';
	return dots;
}

/* By the store, as a request would be. */
static enum tp_rc ask_store(const struct call *c, struct span token, struct finding *f,
			    struct tp_err *err)
{
	TP_CLEANUP(access_release) struct access x = { .token = NULL };
	struct credential credential = { .bearer = token };
	enum tp_rc rc;

	f->lives = access_check(&c->app.auth, &credential, &x, &f->why_dead);
	if (f->lives != TP_OK)
		return f->lives == TP_UNAVAILABLE || f->lives == TP_NOMEM
			       ? tp_fail(err, f->lives, "%s", f->why_dead.msg)
			       : TP_OK;
	if (f->claims != NULL)
		return TP_OK;
	rc = jval_copy(x.token->claims, &f->claims, err);
	return rc;
}

/* A JWT of others can be shown without settings; what they would tell is then not known. */
static enum tp_rc find_out(struct call *c, char **envp, struct span token, struct finding *f,
			   struct tp_err *err)
{
	const size_t dots = count_dots(token);
	const struct token *t;
	enum tp_rc rc = TP_OK;

	if (dots != 1 && dots != 2)
		return tp_fail(err, TP_DENIED, "this is neither a JWT nor a bearer of tpauth");
	f->is_jwt = dots == 2;
	if (f->is_jwt)
		rc = jws_decode(token, &f->header, &f->claims, err);
	if (rc != TP_OK)
		return rc;
	rc = settings_open(&c->args, envp, &c->app, &f->why_not);
	if (rc != TP_OK && f->is_jwt) {
		f->why_dead = f->why_not;
		return TP_OK;
	}
	if (rc != TP_OK)
		return tp_fail(err, rc, "%s", f->why_not.msg);
	if (f->is_jwt)
		f->verifies = token_verify(c->app.verifier, token, TOKEN_PRESENTED,
					   clock_now(&c->app.auth.clock), &t, &f->why_not);
	rc = ask_store(c, token, f, err);
	if (!f->is_jwt) {
		f->verifies = f->lives;
		f->why_not = f->why_dead;
	}
	/* The JWT is shown all the same, and the store's trouble said. */
	if (f->is_jwt && rc == TP_UNAVAILABLE) {
		f->lives = TP_INTERNAL;
		return TP_OK;
	}
	return rc;
}

static const char *json_word(enum tp_rc rc)
{
	return rc == TP_INTERNAL ? "null" : rc == TP_OK ? "true" : "false";
}

static void put_reason(const char *name, enum tp_rc rc, const struct tp_err *err, struct buf *out)
{
	buf_printf(out, ",\"%s\":", name);
	if (rc == TP_OK)
		buf_str(out, "null");
	else
		jval_quote(span_of(err->msg), out);
}

static void put_json(const struct finding *f, struct buf *out)
{
	buf_printf(out, "{\"kind\":\"%s\",\"header\":", f->is_jwt ? "jwt" : "opaque");
	jval_write(f->header, out);
	buf_str(out, ",\"claims\":");
	jval_write(f->claims, out);
	buf_printf(out, ",\"verifies\":%s", json_word(f->verifies));
	put_reason("verifies_reason", f->verifies, &f->why_not, out);
	buf_printf(out, ",\"lives\":%s", json_word(f->lives));
	put_reason("lives_reason", f->lives, &f->why_dead, out);
	buf_str(out, "}\n");
}

static enum tp_rc put_member(void *arg, const char *key, const struct jval *v, struct tp_err *err)
{
	static const char *const times[] = { "iat", "nbf", "exp", "auth_time" };
	struct buf *out = arg;
	char room[TEXT_TIME];
	int64_t t;

	(void)err;
	buf_str(out, "  ");
	text_put(span_of(key), out);
	buf_str(out, ": ");
	jval_write(v, out);
	for (size_t i = 0; i < TP_COUNT(times); i++) {
		if (strcmp(key, times[i]) == 0 && jval_int(v, &t))
			buf_printf(out, " (%s)", text_time(t, room));
	}
	buf_char(out, '\n');
	return TP_OK;
}

static void put_answer(const char *name, enum tp_rc rc, const struct tp_err *why, struct buf *out)
{
	bool colours = text_colours(STDOUT_FILENO);

	buf_printf(out, "%s: ", name);
	if (rc == TP_OK)
		text_mark(TEXT_GOOD, colours, "yes", out);
	else if (rc == TP_INTERNAL)
		buf_str(out, "not known");
	else
		text_mark(TEXT_BAD, colours, "no", out);
	if (rc != TP_OK)
		buf_printf(out, ", %s", why->msg);
	buf_char(out, '\n');
}

static enum tp_rc put_text(const struct finding *f, struct buf *out, struct tp_err *err)
{
	enum tp_rc rc = TP_OK;

	buf_str(out, f->is_jwt ? "JWT\n" : "opaque bearer\n");
	if (f->header != NULL) {
		buf_str(out, "header, not proved by itself:\n");
		rc = jval_each(f->header, put_member, out, err);
	}
	if (rc == TP_OK && f->claims != NULL) {
		buf_str(out, "claims:\n");
		rc = jval_each(f->claims, put_member, out, err);
	}
	if (f->is_jwt)
		put_answer("verifies", f->verifies, &f->why_not, out);
	put_answer("session lives", f->lives, &f->why_dead, out);
	return rc;
}

static int run_inspect(struct call *c, char **envp, struct span token)
{
	TP_CLEANUP(finding_release)
	struct finding f = { .verifies = TP_INTERNAL, .lives = TP_INTERNAL };
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(OUT_MOST);
	struct tp_err err = { 0 };
	enum tp_rc rc = find_out(c, envp, token, &f, &err);

	if (rc == TP_DENIED) {
		fprintf(stderr, "tpauth token: %s\n", err.msg);
		return STATUS_DATA;
	}
	if (rc == TP_OK && c->json)
		put_json(&f, &out);
	else if (rc == TP_OK)
		rc = put_text(&f, &out, &err);
	if (rc == TP_OK)
		rc = buf_rc(&out, "the answer", &err);
	return rc == TP_OK ? command_write(buf_view(&out)) : command_failed("token", rc, &err);
}

/* ---- verify ---- */

static void put_verdict(const struct access *x, enum tp_rc rc, const struct tp_err *why,
			struct buf *out)
{
	buf_printf(out, "{\"accepted\":%s", rc == TP_OK ? "true" : "false");
	put_reason("reason", rc, why, out);
	buf_str(out, ",\"user_id\":");
	if (rc == TP_OK)
		jval_quote(x->token->user_id, out);
	else
		buf_str(out, "null");
	buf_str(out, ",\"scopes\":");
	jval_write(rc == TP_OK ? x->token->scopes : NULL, out);
	buf_str(out, ",\"expires_at\":");
	if (rc == TP_OK)
		buf_int(out, x->token->exp);
	else
		buf_str(out, "null");
	buf_str(out, "}\n");
}

static int run_verify(struct call *c, char **envp, struct span token)
{
	TP_CLEANUP(access_release) struct access x = { .token = NULL };
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(OUT_MOST);
	struct credential credential = { .bearer = token };
	struct tp_err err = { 0 };
	enum tp_rc rc = settings_open(&c->args, envp, &c->app, &err);
	int status;

	if (rc != TP_OK)
		return command_failed("token", rc, &err);
	rc = access_check(&c->app.auth, &credential, &x, &err);
	if (rc == TP_UNAVAILABLE || rc == TP_NOMEM || rc == TP_INTERNAL)
		return command_failed("token", rc, &err);
	status = rc == TP_OK ? EXIT_SUCCESS : STATUS_REFUSED;
	if (c->json) {
		put_verdict(&x, rc, &err, &out);
	} else {
		put_answer("accepted", rc, &err, &out);
	}
	return command_write(buf_view(&out)) == EXIT_SUCCESS ? status
							     : rc_info(TP_UNAVAILABLE)->exit_status;
}

/* ---- the command line ---- */

static int run_on_token(struct call *c, char **envp)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(OUT_MOST);
	struct tp_err err = { 0 };
	enum tp_rc rc = input_text(c->args.operand[0], "a token", &text, &err);
	struct span token;

	if (rc == TP_INVALID) {
		fprintf(stderr, "tpauth token: %s\n", err.msg);
		return STATUS_DATA;
	}
	if (rc != TP_OK)
		return command_failed("token", rc, &err);
	token = input_line(&text);
	return c->args.verb == INSPECT ? run_inspect(c, envp, token) : run_verify(c, envp, token);
}

static int run(struct call *c, char **envp)
{
	struct tp_err err = { 0 };
	enum tp_rc rc;

	if (c->args.verb != ISSUE)
		return run_on_token(c, envp);
	rc = settings_open(&c->args, envp, &c->app, &err);
	return rc == TP_OK ? run_issue(c) : command_failed("token", rc, &err);
}

int cmd_token(int argc, char **argv, char **envp)
{
	struct call c = { .json = false };
	struct tp_err err = { 0 };
	enum tp_rc rc = args_read(&cmd_token_args, argc, argv, &c, &c.args, &err);
	int status;

	if (rc == TP_OK && c.args.help) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (rc == TP_OK)
		rc = judge(&c, &err);
	status = rc == TP_OK ? run(&c, envp) : command_failed("token", rc, &err);
	boot_close(&c.app);
	return status;
}
