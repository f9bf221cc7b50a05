/* SPDX-License-Identifier: MIT */
/*
 * The composition root: the only place that knows both the settings and what is made of them. Each
 * floor gets its own small struct; none of them sees the settings.
 */
#include "run/boot.h"

#include <stdio.h>
#include <stdlib.h>

#include "auth/authn.h"
#include "base/log.h"
#include "hook/module.h"
#include "http/router.h"
#include "run/pool.h"
#include "run/trigger.h"
#include "token/opinion.h"

#include "base/banned.h"

struct boot_rules {
	struct auth_rules auth;
	struct token_rules token;
	struct auth_hooks hooks;
};

static struct span text(const char *s)
{
	return span_of(s);
}

/* Settings ------------------------------------------------------------------------------------- */

enum tp_rc boot_log(const struct app *app, struct tp_err *err)
{
	const struct config *c = &app->config;
	static const enum log_level levels[] = {
		[CONFIG_LOG_ERROR] = LOG_LEVEL_ERR,	[CONFIG_LOG_WARNING] = LOG_LEVEL_WARN,
		[CONFIG_LOG_NOTICE] = LOG_LEVEL_NOTICE, [CONFIG_LOG_INFO] = LOG_LEVEL_INFO,
		[CONFIG_LOG_DEBUG] = LOG_LEVEL_DEBUG,
	};
	enum log_format format = c->log_format == CONFIG_LOG_JSON ? LOG_JSON : LOG_LOGFMT;

	return log_open(c->log_target, format, levels[c->log_level], "tpauth", err);
}

static bool brings_login(const struct hook_set *hooks)
{
	return hooks != NULL && hooks->on[TPAUTH_ON_TOKEN].fn != NULL;
}

/* The daemon beside has the settings, and not what a program registered: what a refresh is denied
 * by here would be signed anew there. */
static enum tp_rc check_daemon(const struct app *app, struct tp_err *err)
{
	const struct hook_set *hooks = app->args.hooks;

	if (!app->config.grpc || hooks == NULL || hooks->on[TPAUTH_ON_REFRESH].fn == NULL)
		return TP_OK;
	return tp_fail(err, TP_INVALID,
		       "--grpc: tpauth-grpcd does not ask this program's hook for refreshes");
}

static enum tp_rc take_defaults(struct app *app, struct tp_err *err)
{
	const struct boot_args *args = &app->args;

	for (size_t i = 0; i < args->n_defaults; i++) {
		const struct boot_default *d = &args->defaults[i];
		enum tp_rc rc = config_default(&app->config, d->id, d->value, err);

		if (rc != TP_OK)
			return rc;
	}
	return TP_OK;
}

enum tp_rc boot_config(const struct boot_args *args, struct app *ret, struct tp_err *err)
{
	enum tp_rc rc;

	*ret = (struct app){ .args = *args };
	rc = config_load(args->cgi ? 1 : args->argc, args->argv, args->envp, &ret->config, err);
	if (rc != TP_OK)
		return rc;
	if (ret->config.help || ret->config.version)
		return TP_OK;
	if (args->edge != NULL && args->edge->is_guest)
		ret->config.authorization_server = false;
	if (args->flaw != NULL)
		return tp_fail(err, args->flaw->rc, "%s", args->flaw->msg);
	rc = take_defaults(ret, err);
	if (rc != TP_OK)
		return rc;
	if (!args->cgi && ret->config.first_operand < args->argc)
		return tp_fail(err, TP_INVALID,
			       "there is an argument that is no flag (see --help)");
	rc = config_check(&ret->config, brings_login(args->hooks), err);
	return rc == TP_OK ? check_daemon(ret, err) : rc;
}

static void warn(void *arg, const char *sentence)
{
	(void)arg;
	log_event(LOG_LEVEL_WARN, "config.warning", LOG_STR("reason", sentence));
}

/* A scope that nobody can ask for, since the catalogue does not have it: a slip, unless the handler
 * grants it by itself. */
static void warn_of_route(const struct app *app, const struct route *r)
{
	char sentence[256];
	struct scope_set needed;

	if (scope_parse(text(r->scopes), &needed, NULL) != TP_OK ||
	    scope_covers(&app->rules->auth.catalogue, &needed))
		return;
	snprintf(sentence, sizeof(sentence),
		 "the route %.80s needs \"%.80s\", and AUTH_SCOPES does not have all of it",
		 r->path_template, r->scopes);
	warn(NULL, sentence);
}

void boot_warn(const struct app *app)
{
	config_warnings(&app->config, warn, NULL);
	for (size_t i = 0; i < app->args.n_routes && app->config.auth_scopes != NULL; i++)
		warn_of_route(app, &app->args.routes[i]);
	if (app->keys != NULL && keyring_warning(app->keys) != NULL)
		warn(NULL, keyring_warning(app->keys));
}

/* Tokens --------------------------------------------------------------------------------------- */

static enum tp_rc open_keys(struct app *app, struct tp_err *err)
{
	const struct config *c = &app->config;
	struct keyring_spec spec = {
		.alg = c->algorithm == CONFIG_ALG_RS256 ? KEYRING_RS256 : KEYRING_HS256,
		.secret = secret_view(&c->secret_key),
		.public_key = secret_view(&c->public_key),
		.private_key = secret_view(&c->private_key),
		.verify_files = c->verify_keys.v,
		.must_sign = c->authorization_server,
		.is_guest = app->args.edge->is_guest,
	};
	enum tp_rc rc = keyring_open(&spec, &app->keys, err);

	if (rc != TP_OK)
		return rc;
	app->rules->token = (struct token_rules){ c->issuer, c->leeway_s };
	return token_verifier_open(app->keys, &app->rules->token, &app->verifier, err);
}

static enum tp_rc add_scope(void *arg, const char *key, const struct jval *v, struct tp_err *err)
{
	struct scope_set *set = arg;
	struct scope_set one;

	(void)v;
	if (scope_parse(text(key), &one, NULL) != TP_OK || one.n != 1)
		return tp_fail(err, TP_INVALID, "AUTH_SCOPES: '%.60s' is no scope", key);
	if (set->n == LIMIT_SCOPES)
		return tp_fail(err, TP_INVALID, "AUTH_SCOPES: more than %d scopes", LIMIT_SCOPES);
	set->v[set->n++] = one.v[0];
	return TP_OK;
}

static enum tp_rc make_rules(struct app *app, struct tp_err *err)
{
	const struct config *c = &app->config;

	app->rules->auth = (struct auth_rules){
		.issuer = c->issuer,
		.expiry_s = c->expiry_s,
		.session_max_s = c->session_max_s,
		.restrict_s = c->refresh_restrict_s,
		.sessions_per_user = c->sessions_per_user,
		.issues = c->authorization_server,
		.recheck = c->refresh_recheck,
		.bearer_is_jwt = c->token_format == CONFIG_TOKEN_JWT,
		.has_catalogue = c->auth_scopes != NULL,
	};
	return jval_each(c->auth_scopes, add_scope, &app->rules->auth.catalogue, err);
}

/* Store and handler ------------------------------------------------------------------------------
 */

static struct store_spec store_spec_of(const struct config *c)
{
	return (struct store_spec){
		.url = c->db_url.p,
		.type = c->db_type,
		.state_dir = c->state_dir,
		.login_db = (int)c->login_redis_db,
		.restrict_db = (int)c->refresh_restrict_db,
		.timeout_ms = c->db_timeout_ms,
		.tls_ca = c->db_tls_ca,
		.tls_cert = c->db_tls_cert,
		.tls_key = c->db_tls_key,
		.sentinel = c->redis_connection_type == CONFIG_REDIS_SENTINEL,
		.master = c->redis_master_service,
		.sentinel_user = c->db_sentinel_user,
		.sentinel_password = secret_view(&c->db_sentinel_password),
		.wait_replicas = (int)c->db_wait_replicas,
		.clock = clock_system(),
	};
}

struct store_spec boot_store_spec(const struct app *app)
{
	return store_spec_of(&app->config);
}

/* A CGI process loads no library that its one request may not need. */
static struct authn_spec authn_spec_of(const struct app *app)
{
	const struct config *c = &app->config;

	return (struct authn_spec){
		.handler = text(c->token_handler),
		.module_dir = c->module_dir,
		.late = app->args.cgi,
		.ca_file = c->handler_ca,
		.secret = secret_view(&c->handler_secret),
		.ldap_bind_dn = c->ldap_bind_dn,
		.ldap_bind_password = secret_view(&c->ldap_bind_password),
		.ldap_groups = c->ldap_groups,
	};
}

/* A resource server has no logins, but the module's other hooks are asked there as well. */
static enum tp_rc open_module(struct app *app, struct tp_err *err)
{
	struct span handler = text(app->config.token_handler);

	if (!module_is_named(handler) || brings_login(app->args.hooks))
		return TP_OK;
	if (app->args.hooks != NULL)
		return tp_fail(err, TP_INVALID,
			       "TOKEN_HANDLER: a program that has hooks takes no module");
	return module_open(handler, &app->module, err);
}

static enum tp_rc open_handler(struct app *app, struct tp_err *err)
{
	const struct authn_spec spec = authn_spec_of(app);
	const struct hook_set *hooks = app->args.hooks;
	struct authn *named = NULL;
	enum tp_rc rc = open_module(app, err);

	if (app->module != NULL)
		hooks = module_hooks(app->module);
	if (rc == TP_OK && hooks != NULL)
		app->rules->hooks = hooks_of(hooks);
	if (rc != TP_OK || !app->config.authorization_server)
		return rc;
	if (!brings_login(hooks))
		rc = authn_open(&spec, &named, err);
	if (rc != TP_OK)
		return rc;
	if (hooks != NULL)
		return hooks_authn(hooks, named, &app->authn, err);
	app->authn = named;
	return TP_OK;
}

enum tp_rc boot_probe_handler(const struct app *app, struct tp_err *err)
{
	const struct authn_spec spec = authn_spec_of(app);
	struct authn *n = NULL;
	enum tp_rc rc;

	if (!app->config.authorization_server || module_is_named(spec.handler))
		return TP_OK;
	rc = authn_open(&spec, &n, err);
	if (rc == TP_OK)
		rc = authn_probe(n, err);
	authn_close(n);
	return rc;
}

/* All that needs neither a store nor a process of its own. */
static enum tp_rc open_logic(struct app *app, struct tp_err *err)
{
	enum tp_rc rc;

	app->rules = calloc(1, sizeof(*app->rules));
	if (app->rules == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	rc = open_keys(app, err);
	if (rc == TP_OK)
		rc = make_rules(app, err);
	if (rc == TP_OK)
		rc = app->args.edge->open(app, err);
	if (rc == TP_OK && app->args.edge->asks)
		rc = open_handler(app, err);
	return rc;
}

/* A second opinion on the keys; a CGI process is spared it, for it lives for one request. */
static enum tp_rc second_opinion(const struct app *app, struct tp_err *err)
{
	struct clock clock = clock_system();
	struct tp_err why = { 0 };
	enum tp_rc rc = opinion_ask(app->keys, app->config.module_dir, clock_now(&clock), &why);

	if (rc == TP_UNAVAILABLE) {
		log_event(LOG_LEVEL_WARN, "keys.unchecked", LOG_STR("reason", why.msg));
		return TP_OK;
	}
	return rc == TP_OK ? TP_OK : tp_fail(err, rc, "%s", why.msg);
}

static void close_logic(struct app *app)
{
	authn_close(app->authn);
	module_close(app->module);
	if (app->args.edge != NULL)
		app->args.edge->close(app);
	token_verifier_close(app->verifier);
	keyring_close(app->keys);
	free(app->rules);
	app->authn = NULL;
	app->module = NULL;
	app->verifier = NULL;
	app->keys = NULL;
	app->rules = NULL;
}

enum tp_rc boot_check(struct app *app, struct tp_err *err)
{
	struct store_spec spec = store_spec_of(&app->config);
	enum tp_rc rc = open_logic(app, err);

	if (rc == TP_OK)
		rc = store_check_url(&spec, err);
	if (rc == TP_OK)
		rc = second_opinion(app, err);
	app->judged = rc == TP_OK;
	if (rc == TP_OK)
		boot_warn(app);
	close_logic(app);
	return rc;
}

/* Without a place in the pool logins work, but nothing bounds how many workers they take. */
static void open_pool(struct app *app)
{
	struct tp_err why = { 0 };

	if (!app->config.authorization_server || app->args.cgi || !app->args.edge->logins)
		return;
	if (pool_open(app->config.state_dir, &app->pool, &why) != TP_OK)
		log_event(LOG_LEVEL_WARN, "pool.unbounded", LOG_STR("reason", why.msg));
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_replicas(const struct config *a, const struct config *b)
{
	return a->redis_connection_type == b->redis_connection_type &&
	       same_text(a->redis_master_service, b->redis_master_service) &&
	       same_text(a->db_sentinel_user, b->db_sentinel_user) &&
	       same_text(a->db_sentinel_password.p, b->db_sentinel_password.p) &&
	       a->db_wait_replicas == b->db_wait_replicas;
}

static bool same_tls(const struct config *a, const struct config *b)
{
	return same_text(a->db_tls_ca, b->db_tls_ca) && same_text(a->db_tls_cert, b->db_tls_cert) &&
	       same_text(a->db_tls_key, b->db_tls_key);
}

enum tp_rc boot_same_store(const struct app *old, const struct app *next, struct tp_err *err)
{
	const struct config *a = &old->config, *b = &next->config;

	if (same_text(a->db_url.p, b->db_url.p) && same_text(a->db_type, b->db_type) &&
	    same_text(a->state_dir, b->state_dir) && a->login_redis_db == b->login_redis_db &&
	    a->refresh_restrict_db == b->refresh_restrict_db && same_tls(a, b) &&
	    same_replicas(a, b) && a->db_timeout_ms == b->db_timeout_ms)
		return TP_OK;
	return tp_fail(err, TP_INVALID,
		       "a setting of the session store changed: that takes a restart");
}

/* Opens what *app does not have yet: a reload hands over the store and the place in the pool. */
enum tp_rc boot_open(struct app *app, struct tp_err *err)
{
	struct store_spec spec = store_spec_of(&app->config);
	enum tp_rc rc = open_logic(app, err);

	if (rc == TP_OK && !app->args.cgi && !app->judged)
		rc = second_opinion(app, err);
	if (rc == TP_OK && app->store == NULL)
		rc = store_open(&spec, &app->store, err);
	if (rc != TP_OK)
		return rc;
	if (app->pool == NULL)
		open_pool(app);
	app->auth = (struct auth_ctx){
		.keys = app->keys,
		.verifier = app->verifier,
		.rules = &app->rules->auth,
		.store = app->store,
		.authn = app->authn,
		.clock = spec.clock,
		.gate = pool_gate(app->pool),
		.trigger = trigger_of(app->trigger),
		.hooks = &app->rules->hooks,
	};
	return TP_OK;
}

enum tp_rc boot_reload(struct app *app, struct tp_err *err)
{
	struct app next;
	enum tp_rc rc;

	log_reopen(); /* even if the rest is refused */
	rc = boot_config(&app->args, &next, err);
	if (rc == TP_OK)
		rc = boot_same_store(app, &next, err);
	if (rc != TP_OK) {
		boot_close(&next);
		return rc;
	}
	/* Handed over, not opened twice: an LMDB environment must not be, in one process. */
	next.store = app->store;
	next.pool = app->pool;
	rc = boot_open(&next, err);
	if (rc == TP_OK)
		rc = boot_log(&next, err);
	if (rc != TP_OK) {
		next.store = NULL;
		next.pool = NULL;
		boot_close(&next);
		return rc;
	}
	app->store = NULL;
	app->pool = NULL;
	boot_close(app);
	*app = next;
	return TP_OK;
}

bool boot_renew(struct app *app)
{
	struct app next;
	struct tp_err err = { 0 };
	bool good;

	log_reopen(); /* as boot_reload() does */
	good = boot_config(&app->args, &next, &err) == TP_OK &&
	       boot_same_store(app, &next, &err) == TP_OK && boot_check(&next, &err) == TP_OK &&
	       boot_log(&next, &err) == TP_OK;
	if (!good) {
		log_event(LOG_LEVEL_ERR, "config.kept", LOG_STR("reason", err.msg));
		boot_close(&next);
		return false;
	}
	boot_close(app);
	*app = next;
	return true;
}

void boot_close(struct app *app)
{
	pool_close(app->pool);
	store_close(app->store);
	close_logic(app);
	config_release(&app->config);
	*app = (struct app){ .args = app->args };
}
