/* SPDX-License-Identifier: MIT */
/* The HTTP side of the composition root: makes the site of the settings, and what lets its sessions
 * slide where it may not refresh them. Programs without HTTP do not link it. */
#include "run/boot.h"

#include <stdlib.h>

#include "base/log.h"
#include "http/route_check.h"
#include "run/trigger.h"

#include "base/banned.h"

static enum tp_rc open_the_site(struct app *app, struct tp_err *err)
{
	static const enum cookie_samesite samesite[] = {
		[CONFIG_SAMESITE_STRICT] = COOKIE_STRICT,
		[CONFIG_SAMESITE_LAX] = COOKIE_LAX,
		[CONFIG_SAMESITE_NONE] = COOKIE_NONE,
	};
	const struct config *c = &app->config;
	struct site_spec spec = {
		.path = { [HTTP_PATH_TOKEN] = c->token_url,
			  [HTTP_PATH_REFRESH] = config_refresh_path(c),
			  [HTTP_PATH_USERINFO] = c->userinfo_url,
			  [HTTP_PATH_LOGOUT] = c->logout_url,
			  [HTTP_PATH_HEALTH] = c->health_url,
			  [HTTP_PATH_AUTH] = c->auth_url,
			  [HTTP_PATH_LOGIN_PAGE] = c->login_page_url,
			  [HTTP_PATH_SESSIONS] = c->sessions_url,
			  [HTTP_PATH_OPENAPI] = c->openapi_url,
			  [HTTP_PATH_DOCS] = c->openapi_url[0] != '\0' ? c->docs_url : "",
			  [HTTP_PATH_REDOC] = c->openapi_url[0] != '\0' ? c->redoc_url : "" },
		.root_path = c->root_path,
		.public_url = c->public_url,
		.title = c->app_title,
		.version = c->app_version,
		.description = c->app_description,
		.scopes = c->auth_scopes,
		.docs_dir = c->docs_dir,
		.docs_cdn = c->docs_cdn,
		.login_url = c->login_url,
		.cookie_prefix = c->cookie_prefix,
		.cookie_domain = c->cookie_domain,
		.cookie_path = c->cookie_path,
		.cookie_secure = c->cookie_secure,
		.cookie_samesite = samesite[c->cookie_samesite],
		.cors = c->enable_cors,
		.cors_credentials = c->cors_allow_credentials,
		.cors_urls_set = config_is_set(c, OPTION_CORS_URLS),
		.cors_urls = c->cors_urls.v,
		.cors_methods = c->cors_allow_methods.v,
		.cors_headers = c->cors_allow_headers.v,
		.trusted_proxies = c->trusted_proxies.v,
		.max_body = c->max_body_bytes,
		.issues = c->authorization_server,
		.required_scopes = c->required_scopes.v,
		.scope_rules = c->scope_rules,
		.preflight_checked = c->authorizer_preflight == CONFIG_PREFLIGHT_CHECK,
		.pass_jwt = c->authorizer_pass_jwt,
		.module_dir = c->module_dir,
	};

	return site_open(&spec, &app->site, err);
}

/* A resource server checks sessions without the refresh service as well, so what may pass (a name
 * that is not found just now) is a warning. A CGI process looks no name up: that may take longer
 * than it has, for each request. */
static enum tp_rc open_trigger(struct app *app, struct tp_err *err)
{
	const struct config *c = &app->config;
	const struct trigger_spec spec = {
		.module_dir = c->module_dir,
		.client = { .target = config_grpc_target(c),
			    .look_up = !app->args.cgi,
			    .ca_file = c->grpc_tls_ca,
			    .cert_file = c->grpc_tls_cert,
			    .key_file = c->grpc_tls_key,
			    .secret = secret_view(&c->grpc_secret),
			    .timeout_ms = c->refresh_timeout_ms },
		.late = app->args.cgi,
	};
	struct tp_err why = { 0 };
	enum tp_rc rc;

	if (c->authorization_server)
		return TP_OK;
	rc = trigger_open(&spec, &app->trigger, &why);
	if (rc != TP_UNAVAILABLE)
		return rc == TP_OK ? TP_OK : tp_fail(err, rc, "GRPC_TARGET: %s", why.msg);
	log_event(LOG_LEVEL_WARN, "slide.off", LOG_STR("reason", why.msg));
	return TP_OK;
}

/* The built-in ones, and an application's behind them. */
static enum tp_rc open_routes(struct app *app, struct tp_err *err)
{
	const struct boot_args *args = &app->args;
	enum tp_rc rc;

	app->routes = http_routes;
	app->n_routes = http_n_routes;
	if (args->n_routes == 0)
		return TP_OK;
	rc = route_check(&app->site, args->routes, args->n_routes, err);
	if (rc != TP_OK)
		return rc;
	app->joined = calloc(http_n_routes + args->n_routes, sizeof(*app->joined));
	if (app->joined == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	memcpy(app->joined, http_routes, http_n_routes * sizeof(*app->joined));
	memcpy(app->joined + http_n_routes, args->routes, args->n_routes * sizeof(*app->joined));
	app->routes = app->joined;
	app->n_routes = http_n_routes + args->n_routes;
	return TP_OK;
}

static enum tp_rc open_http(struct app *app, struct tp_err *err)
{
	enum tp_rc rc = open_the_site(app, err);

	if (rc == TP_OK)
		rc = open_routes(app, err);
	return rc == TP_OK ? open_trigger(app, err) : rc;
}

static void close_http(struct app *app)
{
	trigger_close(app->trigger);
	app->trigger = NULL;
	free(app->joined);
	app->joined = NULL;
	app->routes = NULL;
	app->n_routes = 0;
	site_close(&app->site);
	app->site = (struct http_site){ 0 };
}

const struct boot_edge boot_http = {
	.open = open_http, .close = close_http, .logins = true, .asks = true
};
const struct boot_edge boot_validator = {
	.open = open_the_site, .close = close_http, .asks = true, .is_guest = true
};
