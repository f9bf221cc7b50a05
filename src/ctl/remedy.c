/* SPDX-License-Identifier: MIT */
/*
 * Owns the table of what mends what. Directives are those of the shipped configurations, where they
 * are run by the tests; when to give which, the checks decide.
 */
#include "ctl/remedy.h"

#include "base/banned.h"

struct text {
	const char *any; /* whatever server it is; NULL: nothing in common */
	const char *by_server[REMEDY_SERVERS];
};

static const char *const names[REMEDY_SERVERS] = { "lighttpd", "Apache", "nginx" };

/* clang-format off */
static const struct text texts[REMEDY_COUNT] = {
	[REMEDY_MOUNT] = { "Include one of the configurations that come with tpauth, and restart the "
		"server. If the service lives below a path, give the doctor that path too.", {
		"lighttpd-conf/fastcgi.conf; is mod_fastcgi among the server.modules?",
		"apache-conf/mod_fcgid.conf; was it put into this virtual host, and \"a2enmod fcgid\" said?",
		"a location for tpauth's paths with \"include fastcgi_params;\" and "
		"\"fastcgi_pass unix:/run/tpauth/tp.sock;\"" } },
	[REMEDY_BACKEND] = { "See the server's error log, and that of tpauth. \"tpauth check --config FILE\" "
		"says whether tpauth would start.", {
		"bin-path must be a program that the server's user may run, and the folder of the socket one "
		"that it may write to",
		"the program must be below a <Directory> with \"Options +ExecCGI\" and \"Require all granted\"; "
		"mod_proxy_fcgi starts no programs: \"systemctl start tpauth\", or tpauth.fcgi --listen PATH "
		"--workers 4, and the server's user must be able to write to the socket",
		"nginx starts no programs: \"systemctl start tpauth\", or tpauth.fcgi --listen PATH --workers 4; "
		"its user must be able to write to the socket" } },
	[REMEDY_STORE] = { "tpauth runs, and the session store of DB_URL does not answer it: is the store "
		"up, may the user that tpauth runs as reach it (the socket's mode, the folder of an embedded "
		"store), does the password hold? tpauth's log has the reason.", { NULL } },
	[REMEDY_ROUTE] = { "The web server does not give this path to tpauth. Name it in the rule that "
		"mounts tpauth; a path that was moved by a setting (HEALTH_URL and its like) is told to the "
		"doctor by --path.", {
		"$HTTP[\"url\"] =~ \"^/(token|refresh|userinfo|logout|api/healthcheck)$\", with the mount \"\" "
		"inside of it",
		"ScriptAliasMatch \"^/(token|refresh|userinfo|logout|api/healthcheck)$\" /usr/lib/tpauth/tpauth.fcgi",
		"location ~ ^/(token|refresh|userinfo|logout|api/healthcheck)$ { ... }" } },
	[REMEDY_PREFIX] = { "The request reaches tpauth under a path that is none of its own. Below a prefix "
		"set ROOT_PATH to it (ROOT_PATH = /auth); a path that was moved by a setting (HEALTH_URL and "
		"its like) is told to the doctor by --path.", {
		NULL, NULL, "fastcgi_param SCRIPT_NAME must be $fastcgi_script_name, given once" } },
	[REMEDY_REQUEST_ID] = { "Something between here and tpauth takes X-Request-ID for itself, so a line of "
		"tpauth's log cannot be found by what the client has.", {
		"no setenv.set-request-header or setenv.set-response-header for X-Request-ID",
		"no \"RequestHeader set\" or \"Header set\" for X-Request-ID (mod_headers), and no mod_unique_id "
		"rule that overwrites it",
		"no \"fastcgi_hide_header X-Request-ID\", \"add_header X-Request-ID\" or "
		"\"fastcgi_param HTTP_X_REQUEST_ID\" of another value" } },
	[REMEDY_METHODS] = { "The web server answers these methods itself instead of passing them on.", {
		"no url.access-deny, request-method condition or mod_webdav on tpauth's paths",
		"no <Limit>, <LimitExcept>, \"RewriteCond %{REQUEST_METHOD}\" or \"TraceEnable\" rule on tpauth's paths; "
		"tpauth answers preflights by itself",
		"no limit_except, and no \"if ($request_method = OPTIONS)\" that returns: tpauth answers preflights "
		"by itself" } },
	[REMEDY_ERRORS] = { "Clients need tpauth's own error bodies and WWW-Authenticate (RFC 6749, RFC 6750).", {
		"server.error-intercept = \"disable\" for tpauth's paths",
		"no ErrorDocument for these statuses on tpauth's paths, and \"ProxyErrorOverride Off\"",
		"fastcgi_intercept_errors off;   in tpauth's location" } },
	[REMEDY_AUTHORIZATION] = { NULL, {
		"lighttpd passes Authorization on: look for a proxy before it that does not, or for "
		"setenv.set-request-header",
		"CGIPassAuth On   in the <Directory> or <Location> of tpauth. With mod_fcgid also, at the level of "
		"the server: FcgidPassHeader Authorization. In an .htaccess without AllowOverride AuthConfig: "
		"apache-conf/htaccess-no-authconfig",
		"nginx passes Authorization on, unless \"fastcgi_pass_request_headers off\" or "
		"\"fastcgi_param HTTP_AUTHORIZATION\" says otherwise in tpauth's location" } },
	[REMEDY_TWICE] = { "A header arrives as two values, and a request that could mean two things is refused; "
		"tpauth's log names the header.", {
		"no setenv.add-request-header for it",
		"\"RequestHeader set\", not \"add\" or \"append\"",
		"each fastcgi_param once: nginx sends every line of that name, those of an included file as well, so "
		"none for HTTP_HOST beside Debian's fastcgi_params" } },
	[REMEDY_COOKIES] = { "Where the cookies have a COOKIE_PREFIX, tell it to the doctor by --cookie-prefix.", {
		"no setenv.set-request-header for Cookie",
		"no \"RequestHeader unset Cookie\" or \"edit\" on tpauth's paths",
		"no \"fastcgi_pass_request_headers off\" and no \"fastcgi_param HTTP_COOKIE\" in tpauth's location; behind "
		"a proxy_pass no \"proxy_set_header Cookie\"" } },
	[REMEDY_HOST] = { "tpauth is asked under another host name than the browser uses, and so takes the "
		"service's own pages for foreign. Set PUBLIC_URL to the origin that browsers see, or let the Host "
		"header through.", {
		"behind a proxy: that one must pass Host on",
		"behind a proxy: ProxyPreserveHost On   in the proxy",
		"proxy_set_header Host $http_host;   in a proxy before" } },
	[REMEDY_ORIGIN] = { "Without Origin tpauth cannot tell a foreign page from the service's own.", {
		"no setenv.set-request-header for Origin",
		"no \"RequestHeader unset Origin\" on tpauth's paths",
		"no fastcgi_param HTTP_ORIGIN, and in a proxy before no \"proxy_set_header Origin\"" } },
	[REMEDY_CORS] = { "tpauth makes the CORS headers itself (CORS_URLS). Take those of the server away on "
		"tpauth's paths.", {
		"no setenv.add-response-header \"Access-Control-...\"",
		"no \"Header set\" or \"Header add Access-Control-...\"",
		"no \"add_header Access-Control-...\"" } },
	[REMEDY_CACHING] = { "What depends on a session must not be kept by a cache between.", {
		"no expire.url, setenv.set-response-header \"Cache-Control\" or mod_magnet rule on tpauth's paths",
		"no ExpiresByType/ExpiresDefault, \"Header set Cache-Control\" or \"CacheEnable\" on tpauth's paths",
		"no \"expires\", \"add_header Cache-Control\", \"fastcgi_cache\" or \"fastcgi_hide_header\" in tpauth's "
		"location" } },
	[REMEDY_BODY_LIMIT] = { "The server refuses bodies that tpauth would take (MAX_BODY_BYTES).", {
		"server.max-request-size = 128   (KiB)",
		"FcgidMaxRequestLen 131072   with mod_fcgid; with others LimitRequestBody 131072",
		"client_max_body_size 128k;" } },
	[REMEDY_BODY_ERROR] = { "A body that is too large should be answered 413.", {
		"see the server's error log",
		"FcgidMaxRequestLen must be above MAX_BODY_BYTES, for mod_fcgid answers 500 beyond it",
		"see the server's error log" } },
	[REMEDY_CHUNKED] = { "Clients that do not know the length of a body beforehand send it in chunks.", {
		"server.stream-request-body = 0   for tpauth's paths",
		"with mod_cgid nothing helps but another mount: mod_fcgid, or mod_proxy_fcgi with \"SetEnv "
		"proxy-sendcl 1\"",
		"fastcgi_request_buffering on;" } },
	[REMEDY_HTTPS] = { "Browsers keep Secure cookies from plain HTTP: a login there ends with the next "
		"request, and the password was readable on the way. Serve tpauth by https. COOKIE_SECURE = False is "
		"for trials only.", {
		"$SERVER[\"socket\"] == \":443\" { ssl.engine = \"enable\" ... }   with mod_openssl",
		"SSLEngine on   in a virtual host on port 443, and a Redirect from port 80",
		"listen 443 ssl;" } },
	[REMEDY_CLOCK] = { "Tokens live by the clock: let the server's be set by the network (NTP), and this "
		"machine's as well. LEEWAY is what tpauth forgives.", { NULL } },
	[REMEDY_LOGIN] = { "tpauth's log has the reason, under the request id \"tpauth-doctor\".", { NULL } },
	[REMEDY_COOKIE_FLAGS] = { "tpauth sets HttpOnly always, Secure by COOKIE_SECURE, SameSite by "
		"COOKIE_SAMESITE, the path by COOKIE_PATH and the domain by COOKIE_DOMAIN. Where these are as they "
		"should be, the server changes the cookies.", {
		"no setenv.set-response-header \"Set-Cookie\"",
		"no \"Header edit Set-Cookie\" and no ProxyPassReverseCookiePath/Domain that changes these two",
		"no proxy_cookie_path, proxy_cookie_domain or proxy_cookie_flags that changes these two" } },
	[REMEDY_SESSION] = { "If every worker answers alike, tpauth's log has the reason. If only some refuse, "
		"they have not the same keys or not the same store: one configuration for all mounts, and for all "
		"machines a store that they share (DB_URL).", { NULL } },
	[REMEDY_LOGOUT] = { "A session that a logout does not end can be used by whoever has its cookie.", { NULL } },
	[REMEDY_OPEN] = { "The authorizer does not stand before this path.", {
		"fastcgi.server = ( \"/app/\" => (( ..., \"mode\" => \"authorizer\", \"check-local\" => \"disable\" )) )   "
		"for this prefix",
		"FcgidAccessChecker /usr/lib/tpauth/tpauth.fcgi   and   FcgidAccessCheckerAuthoritative On   in a "
		"<Location> for this path; no \"Satisfy Any\" and no \"Require all granted\" that lets it pass",
		"auth_request /_tpauth;   in the location that serves this path" } },
	[REMEDY_GUARD_DOWN] = { "The door is shut, also for those who may enter: the server cannot ask the "
		"authorizer, or the authorizer not its store. See the error logs.", {
		NULL,
		"mod_fcgid says 500 when the program cannot start; mod_authnz_fcgi when nobody listens at its "
		"address, or when UserExpr is missing",
		"nginx says 500 when auth_request gets something else than 200, 401 or 403: fastcgi_pass, and "
		"SCRIPT_NAME of AUTH_URL" } },
	[REMEDY_GUARD_REFUSES] = { "The authorizer must have the keys and the store of the service that logged "
		"the user in.", {
		NULL,
		"CGIPassAuth On   in the <Location> of the protected path as well",
		"the location of auth_request must not lose the client's Cookie and Authorization" } },
	[REMEDY_SPOOF] = { "Whoever sends this header is let in, or is taken for another. Take the header from "
		"the request before the application sees it, and let it trust only what the server sets.", {
		"setenv.set-request-header = ( \"X-Auth-User\" => \"\" ); names with \"_\" reach the application as well, "
		"so it should read REMOTE_USER or TPAUTH_USER_ID from its environment",
		"RequestHeader unset X-Auth-User   (and each such name) before the one line that sets it",
		"proxy_set_header X-Auth-User $tpauth_user;   and fastcgi_param HTTP_X_AUTH_USER $tpauth_user;   in every location "
		"of the application; \"underscores_in_headers off\"" } },
	[REMEDY_SPELLING] = { "The rule that protects compares another spelling of the path than the one that "
		"serves it.", {
		"protect by a prefix ( \"/app/\" => ... ) or $HTTP[\"url\"], not by $HTTP[\"request-uri\"] or a rewrite; where the "
		"file system knows no case: server.force-lowercase-filenames = \"enable\"",
		"protect by <Location> or by the <Directory> that holds the files, not by a RewriteCond on THE_REQUEST; "
		"MergeSlashes On; AllowEncodedSlashes Off",
		"merge_slashes on;   one \"location ^~ /app/\" for both, no \"location ~\" on $request_uri" } },
	[REMEDY_LEAK] = { "What was meant for the application alone is shown to every client.", {
		"an older lighttpd: update it",
		"Header always unset Variable-REMOTE_USER   and one such line for each name, beside FcgidAccessChecker; "
		"or use mod_authnz_fcgi, which does not leak",
		"no \"add_header\" of an $upstream_http_... variable" } },
};
/* clang-format on */

static bool holds(struct span s, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i + len <= s.len; i++) {
		if (span_is_nocase((struct span){ s.p + i, len }, word))
			return true;
	}
	return false;
}

enum remedy_server remedy_server_of(struct span name)
{
	for (int i = 0; i < REMEDY_SERVERS; i++) {
		if (holds(name, names[i]))
			return (enum remedy_server)i;
	}
	return REMEDY_ANY;
}

void remedy_put(enum remedy r, enum remedy_server server, struct buf *out)
{
	const struct text *t = &texts[r];

	if (t->any != NULL)
		buf_printf(out, "%s\n", t->any);
	for (int i = 0; i < REMEDY_SERVERS; i++) {
		if (t->by_server[i] != NULL && (server == REMEDY_ANY || (int)server == i))
			buf_printf(out, "%s: %s\n", names[i], t->by_server[i]);
	}
}
