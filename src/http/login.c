/* SPDX-License-Identifier: MIT */
/*
 * Owns the login: the fields of its form, the counting of attempts around the password check, and
 * the cut of the scopes. A login that fails for its scopes after the right password stays counted:
 * taking it back would cost a round trip, and a client that asks for what it may not have gains
 * nothing by haste. What it is answered with is for the handlers to say.
 */
#include "http/login.h"

#include "auth/authn.h"
#include "auth/throttle.h"
#include "base/log.h"
#include "http/edge.h"

#include "base/banned.h"

struct login {
	const struct form *form;
	struct span username, password, client_id;
	struct span scope; /* as given */
	struct scope_set requested;
};

static enum tp_rc need(const struct form *f, const char *name, size_t most, struct span *ret,
		       struct tp_err *err)
{
	*ret = form_get(f, name);
	if (ret->p == NULL)
		return tp_fail(err, TP_INVALID, "the field %s is missing", name);
	if (ret->len > most)
		return tp_fail(err, TP_INVALID, "the field %s is longer than %zu bytes", name,
			       most);
	return TP_OK;
}

/* RFC 6749 3.1 and 4.3.2: a parameter without a value counts as omitted. client_secret and unknown
 * fields are taken and not looked at. */
static enum tp_rc read_fields(const struct form *f, struct login *l, struct tp_err *err)
{
	struct span grant_type = form_get(f, "grant_type");
	enum tp_rc rc;

	if (grant_type.len > 0 && !span_is(grant_type, "password"))
		return tp_fail(err, TP_BAD_TYPE, "grant_type must be password");
	rc = need(f, "username", LIMIT_USER_ID, &l->username, err);
	if (rc != TP_OK)
		return rc;
	if (l->username.len == 0)
		return tp_fail(err, TP_INVALID, "the field username is empty");
	l->scope = form_get(f, "scope");
	l->client_id = form_get(f, "client_id");
	return need(f, "password", LIMIT_PASSWORD, &l->password, err);
}

/* They would be in every log between here and the browser. */
static enum tp_rc refuse_credentials_in_query(struct span query, struct tp_err *err)
{
	static const char *const names[] = { "username", "password", "client_secret" };
	TP_CLEANUP(form_release) struct form f = { 0 };
	enum tp_rc rc = form_parse_query(query, &f, err);

	if (rc != TP_OK)
		return rc;
	for (size_t i = 0; i < TP_COUNT(names); i++) {
		if (form_get(&f, names[i]).p != NULL)
			return tp_fail(err, TP_INVALID, "%s may not be in the query", names[i]);
	}
	return TP_OK;
}

static enum tp_rc read_scope(const struct auth_rules *rules, struct login *l, struct tp_err *err)
{
	enum tp_rc rc = scope_parse(l->scope, &l->requested, err);

	if (rc == TP_OK && rules->has_catalogue && !scope_covers(&rules->catalogue, &l->requested))
		return tp_fail(err, TP_BAD_SCOPE, "an unknown scope was asked for");
	return rc;
}

/* The password check, within the bound on how many may run at once. */
static enum tp_rc ask_handler(struct http_call *c, const struct login *l, struct jval **ret_claims,
			      struct tp_err *err)
{
	TP_CLEANUP(edge_release) struct edge edge;
	struct authn_request ask = {
		.event = AUTHN_LOGIN,
		.username = l->username,
		.password = l->password,
		.scope = l->scope,
		.client_id = l->client_id,
		.remote_addr = c->req->remote_addr,
		.request_id = span_of(c->req->request_id),
		.edge = &edge.base,
	};
	enum tp_rc rc;

	edge_init(&edge, c, EDGE_HOOK, l->form);
	rc = authn_ask(c->auth->authn, &ask, ret_claims, err);

	/* Why is for the log; the client gets the same answer for every reason. */
	return rc == TP_DENIED ? tp_fail(err, TP_BAD_GRANT, "%s", err->msg) : rc;
}

/* The attempt is counted behind the gate: one that finds no place was none. What takes no time
 * needs no place. */
static enum tp_rc try_password(struct http_call *c, const struct login *l, const struct throttle *t,
			       struct jval **ret_claims, struct tp_err *err)
{
	const struct auth_gate none = { 0 };
	const struct auth_gate *gate = authn_is_cheap(c->auth->authn) ? &none : &c->auth->gate;
	enum tp_rc rc;

	if (gate->enter != NULL && !gate->enter(gate->arg))
		return tp_fail_retry(err, TP_UNAVAILABLE, 1, "too many logins at once");
	rc = throttle_enter(c->auth, t, err);
	if (rc == TP_OK)
		rc = ask_handler(c, l, ret_claims, err);
	if (gate->leave != NULL)
		gate->leave(gate->arg);
	return rc;
}

/* What the handler granted, cut to what was asked for. */
static enum tp_rc cut_scopes(const struct login *l, const struct jval *claims,
			     struct scope_set *ret, struct tp_err *err)
{
	struct scope_set granted;
	enum tp_rc rc = scope_from_claim(jval_get(claims, "scopes"), &granted, err);

	if (rc != TP_OK)
		return tp_fail(err, TP_UNAVAILABLE, "the token handler's scopes cannot be read");
	if (l->requested.n == 0) {
		*ret = granted;
		return TP_OK;
	}
	scope_intersect(&granted, &l->requested, ret);
	if (ret->n == 0)
		return tp_fail(err, TP_BAD_SCOPE, "none of the scopes may be granted");
	return TP_OK;
}

/* The session of the cookies that came along, to be ended by this login; it must be proved like any
 * other, since to name one is not to hold it. Broken cookies keep nobody from a new session. */
static struct credential live_session(struct http_call *c)
{
	const struct token *token = NULL;
	struct credential none = { 0 }, old = { 0 };

	if (request_cookies(c->req, &old, NULL) != TP_OK || old.user_id.len == 0 ||
	    old.access_token.len == 0 ||
	    session_find(c->auth, old.user_id, old.access_token, &token, NULL) != TP_OK)
		return none;
	return old;
}

/* Once in the life of a process: it is the administrator's to mend, and each login would say it. */
static void warn_of_catalogue(const struct auth_rules *rules, const struct scope_set *granted)
{
	static bool warned;
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(LIMIT_LOG_LINE);
	struct scope_set beyond = { .n = 0 };

	if (warned || !rules->has_catalogue || scope_covers(&rules->catalogue, granted))
		return;
	warned = true;
	for (size_t i = 0; i < granted->n; i++) {
		if (!scope_has(&rules->catalogue, granted->v[i]))
			beyond.v[beyond.n++] = granted->v[i];
	}
	scope_join(&beyond, &text);
	log_event(LOG_LEVEL_WARN, "scope.uncatalogued", LOG_SPAN("scopes", buf_view(&text)),
		  LOG_STR("reason",
			  "the token handler grants scopes that AUTH_SCOPES does not name"));
}

static enum tp_rc log_in(struct http_call *c, const struct login *l, struct session_minted *ret,
			 struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *claims = NULL;
	struct credential old;
	struct scope_set granted;
	char room[LIMIT_USER_ID];
	struct span name = l->username;
	struct throttle t;
	enum tp_rc rc;

	if (authn_folds_names(c->auth->authn))
		name = throttle_fold(name, room);
	throttle_init(&t, name, c->req->remote_addr);
	rc = try_password(c, l, &t, &claims, err);
	if (rc == TP_OK)
		rc = cut_scopes(l, claims, &granted, err);
	if (rc != TP_OK)
		return rc;
	old = live_session(c);
	warn_of_catalogue(c->auth->rules, &granted);
	return session_open(c->auth,
			    &(struct session_login){
				    .claims = claims,
				    .ip = c->req->remote_addr,
				    .agent = c->req->user_agent,
				    .granted = &granted,
				    .throttle = &t,
				    .replaced_user = old.user_id,
				    .replaced_handle = old.access_token,
			    },
			    ret, err);
}

enum tp_rc login_by_form(struct http_call *c, const struct form *f, struct session_minted *ret,
			 struct tp_err *err)
{
	struct login l = { .form = f };
	enum tp_rc rc;

	rc = read_fields(f, &l, err);
	if (rc == TP_OK)
		rc = refuse_credentials_in_query(c->req->query, err);
	if (rc == TP_OK)
		rc = read_scope(c->auth->rules, &l, err);
	if (rc != TP_OK)
		return rc;
	response_event(c->resp, LOG_LEVEL_INFO, "login.refused", l.username,
		       (struct span){ NULL, 0 });
	return log_in(c, &l, ret, err);
}
