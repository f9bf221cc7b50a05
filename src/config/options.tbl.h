/* SPDX-License-Identifier: MIT */
/*
 * Every setting and every flag, once. The struct, the loader, --help, the manual pages, the README
 * table and the sample file are made from these rows. Whoever includes this defines
 *
 *   GROUP(title, first)   a heading; first is the NAME of the row below it
 *   OPT(field, TYPE, NAME, default, takes, flags, help, man)
 *     field    in struct config; a duration carries its unit (_s, _ms)
 *     TYPE     see enum option_type
 *     default  as one would write it in the file; NULL: none
 *     takes    ANY, RANGE(low, high) in the unit of the field, ONE_OF("a|b"), CALLED("WORD")
 *     flags    see enum option_flags
 *     help     one line of at most 60 characters, for --help, README and the sample file
 *     man      whole sentences for tpauth.conf(5); `literal`
 *
 * and both are undefined at the end. No include guard: it is included more than once.
 */

/* clang-format off */

GROUP("Endpoints", TOKEN_URL)

OPT(token_url, ROUTE, TOKEN_URL, "/token", ANY, 0,
    "path of the token endpoint: the login",
    "Path of the token endpoint, where a user name and a password are exchanged for a session.")

OPT(refresh_url, STR, REFRESH_URL, "/refresh", CALLED("PATH"), 0,
    "path of the refresh endpoint, or address of the gRPC service",
    "Path of the refresh endpoint. `HOST:PORT` (or `unix:/PATH`) is taken as the address of the "
    "gRPC refresh service instead, as deployments of the Python original have it: then the path "
    "is `/refresh`, and GRPC_LISTEN and GRPC_TARGET default to that address.")

OPT(userinfo_url, ROUTE, USERINFO_URL, "/userinfo", ANY, 0,
    "path that answers the claims of the session",
    "Path that answers the claims of the session as JSON.")

OPT(logout_url, ROUTE, LOGOUT_URL, "/logout", ANY, 0,
    "path of the logout",
    "Path that ends the session, or with `all=true` every session of the user.")

OPT(sessions_url, ROUTE, SESSIONS_URL, "/sessions", ANY, OPTION_F_EMPTY,
    "path that lists the user's own sessions; empty: off",
    "Path that lists the user's own sessions. DELETE on it ends all of them but the one that asks, "
    "DELETE on a session's id below it that one. Empty turns it off.")

OPT(auth_url, ROUTE, AUTH_URL, "/auth", ANY, 0,
    "path for nginx auth_request and the like",
    "Path that answers whether a request may pass, with an empty body and identity headers: for "
    "nginx `auth_request`, Traefik, Caddy and others.")

OPT(health_url, ROUTE, HEALTH_URL, "/api/healthcheck", ANY, 0,
    "path of the health check",
    "Path of the health check. It answers 503 when the session store does not answer.")

OPT(login_page_url, ROUTE, LOGIN_PAGE_URL, "", ANY, OPTION_F_EMPTY,
    "path of the login page; empty: there is none",
    "Path of a page for browsers, on an authorization server only: a login form, and for who is "
    "logged in the way out. Empty turns it off.")

OPT(root_path, ROUTE, ROOT_PATH, "", ANY, OPTION_F_EMPTY,
    "prefix that is taken off the request's path",
    "Prefix under which the application is mounted, such as `/auth`. It is taken off the path of "
    "a request before the path is compared with those of the endpoints.")

OPT(public_url, STR, PUBLIC_URL, NULL, CALLED("ORIGIN"), 0,
    "the origin under which browsers see the service",
    "The origin under which browsers see the service, such as `https://login.example.org`, "
    "without a path. A request whose Origin is this one is not foreign. When not set, the Host "
    "of the request takes its place.")

GROUP("Documentation", OPENAPI_URL)

OPT(openapi_url, ROUTE, OPENAPI_URL, "/openapi.json", ANY, OPTION_F_EMPTY,
    "path of the OpenAPI document; empty: no documentation",
    "Path of the OpenAPI document. Empty turns it off, and with it the pages of DOCS_URL and "
    "REDOC_URL, which are made from it.")

OPT(docs_url, ROUTE, DOCS_URL, "/docs", ANY, OPTION_F_EMPTY,
    "path of the Swagger UI page; empty: off",
    "Path of the Swagger UI page. Empty turns it off.")

OPT(redoc_url, ROUTE, REDOC_URL, "/redoc", ANY, OPTION_F_EMPTY,
    "path of the ReDoc page; empty: off",
    "Path of the ReDoc page. Empty turns it off.")

OPT(docs_dir, PATH, DOCS_DIR, TP_DOCS_DIR, CALLED("FOLDER"), OPTION_F_BUILT,
    "folder with the files of Swagger UI and ReDoc",
    "Folder with the files of Swagger UI and ReDoc. They are not part of tpauth: `make docs-assets` "
    "fetches them, `make install-docs` puts them here.")

OPT(docs_cdn, STR, DOCS_CDN, NULL, CALLED("URL"), 0,
    "CDN that has them where DOCS_DIR has not",
    "An https address below which a CDN has the packages of npm, such as "
    "`https://cdn.jsdelivr.net/npm`. Where DOCS_DIR does not have the files of a page, the browser "
    "takes them from there: one version each, with the hash of its content. When not set, nothing "
    "ever comes from elsewhere.")

OPT(app_title, STR, APP_TITLE, "tpauth", CALLED("TEXT"), 0,
    "title of the pages and of the OpenAPI document",
    "Title of the login page, of the documentation and of the OpenAPI document.")

OPT(app_version, STR, APP_VERSION, TP_VERSION, CALLED("TEXT"), OPTION_F_BUILT,
    "version in the OpenAPI document",
    "Version that the OpenAPI document shows.")

OPT(app_description, STR, APP_DESCRIPTION, "", CALLED("TEXT"), OPTION_F_EMPTY,
    "description in the OpenAPI document",
    "Description that the OpenAPI document shows.")

GROUP("Keys and tokens", ALGORITHM)

OPT(algorithm, ENUM, ALGORITHM, "HS256", ONE_OF("HS256|RS256"), 0,
    "signature of the JWTs",
    "The signature of the JWTs. HS256 needs SECRET_KEY. RS256 needs PRIVATE_KEY where tokens are "
    "issued, and PUBLIC_KEY or PRIVATE_KEY where they are verified. The algorithm that a token "
    "itself names never counts.")

OPT(secret_key, SECRET, SECRET_KEY, NULL, CALLED("KEY"), 0,
    "the secret of HS256",
    "The secret of HS256. It should have 32 bytes or more, from a random source.")

OPT(private_key, SECRET, PRIVATE_KEY, NULL, CALLED("KEY"), 0,
    "the private key of RS256: PEM, or base64 of it",
    "The RSA private key of RS256 that signs: PEM, or base64 of PEM. 2048 bits at least.")

OPT(public_key, SECRET, PUBLIC_KEY, NULL, CALLED("KEY"), OPTION_F_OPEN,
    "the public key of RS256: PEM, or base64 of it",
    "The RSA public key of RS256 that verifies: PEM, or base64 of PEM. It may be left out where "
    "PRIVATE_KEY is set.")

OPT(verify_keys, LIST, VERIFY_KEYS, "", CALLED("FILES"), OPTION_F_EMPTY,
    "files of older keys, which verify and never sign",
    "Files that each hold an older key: a secret for HS256, a PEM public key for RS256. Tokens "
    "signed with them still verify, new ones are never signed with them: so a key can be changed "
    "without ending the sessions.")

OPT(issuer, STR, ISSUER, "prismaticain", ANY, 0,
    "the claim iss of the JWTs",
    "The claim `iss` of the JWTs: written when one is signed, required when one is verified.")

OPT(leeway_s, MINUTES, LEEWAY, "10", RANGE(0, DAY), 0,
    "clock difference that is tolerated",
    "The clock difference that is tolerated for the claims `nbf` and `iat`, and for the `exp` of "
    "a JWT that a request brings. A stored session ends at its `exp`, by the second.")

OPT(token_format, ENUM, TOKEN_FORMAT, "opaque", ONE_OF("opaque|jwt"), 0,
    "what a client gets as its bearer token",
    "What a client gets as its bearer token: `opaque` is a random handle that says nothing, `jwt` "
    "is the JWT itself. Both are accepted in a request, and both end with the session.")

GROUP("Sessions", EXPIRY)

OPT(expiry_s, MINUTES, EXPIRY, "1440", RANGE(1, 366 * DAY), 0,
    "lifetime of a session since its last refresh",
    "Lifetime of a session and of its JWT, counted from the login or the last refresh.")

OPT(session_max_s, MINUTES, SESSION_MAX, "0", RANGE(0, 3660 * DAY), 0,
    "lifetime of a session since its login; 0: no limit",
    "Lifetime of a session counted from its login, however often it is refreshed. 0 sets no "
    "limit.")

OPT(sessions_per_user, INT, SESSIONS_PER_USER, "100", RANGE(1, LIMIT_SESSIONS), 0,
    "sessions that a user may have; the oldest makes room",
    "How many sessions a user may have at once. A further login ends the oldest.")

OPT(refresh_restrict_s, MINUTES, REFRESH_RESTRICT_MINUTES, "2", RANGE(0, DAY), 0,
    "time after a refresh in which there is no other",
    "The restriction window: after a login or a refresh, no further refresh of the same session "
    "for this time. 0 has no window: every refresh counts.")

OPT(refresh_recheck, BOOL, REFRESH_RECHECK, "true", ANY, 0,
    "ask the token handler again at each refresh",
    "Whether a refresh asks the token handler again, so that a user who was locked out loses the "
    "session, and changed scopes arrive. When the handler is in trouble, the session stays as it "
    "is until it expires.")

GROUP("Who may log in", AUTHORIZATION_SERVER)

OPT(authorization_server, BOOL, AUTHORIZATION_SERVER, "false", ANY, 0,
    "issue and refresh tokens; else only validate them",
    "True: an authorization server, which issues and refreshes tokens and needs TOKEN_HANDLER. "
    "False: a resource server, which validates them and ends sessions; TOKEN_URL and REFRESH_URL "
    "answer 404 there, and sessions are refreshed by calls to GRPC_TARGET.")

OPT(token_handler, STR, TOKEN_HANDLER, NULL, CALLED("HANDLER"), 0,
    "what turns a name and a password into claims",
    "What turns a name and a password into claims: `htpasswd:FILE[,groups=FILE]`, `exec:COMMAND`, "
    "`https://HOST/PATH`, `ldap:URL`, `pam:SERVICE` or `module:FILE.so[,TEXT]`; see TOKEN HANDLERS "
    "below. A module's hooks for proved sessions, their end and the health check are called by a "
    "resource server as well.")

OPT(handler_ca, PATH, HANDLER_CA, NULL, ANY, 0,
    "authorities that vouch for the token handler's server, PEM",
    "The certificate of the server that TOKEN_HANDLER names must come from one of these "
    "authorities, PEM, and be for its host. When not set, the authorities of the system count.")

OPT(handler_secret, SECRET, HANDLER_SECRET, NULL, CALLED("KEY"), 0,
    "shared with the token handler, which knows us by it",
    "A secret by which the server of an `https://` token handler knows who asks: it is sent as "
    "`Authorization: Bearer` with each question.")

OPT(ldap_bind_dn, STR, LDAP_BIND_DN, NULL, CALLED("DN"), 0,
    "who searches the directory of an ldap: handler",
    "The distinguished name by which an `ldap:` token handler searches the directory. When not "
    "set, it searches anonymously.")

OPT(ldap_bind_password, SECRET, LDAP_BIND_PASSWORD, NULL, CALLED("PASSWORD"), 0,
    "password of LDAP_BIND_DN",
    "The password of LDAP_BIND_DN.")

OPT(ldap_groups, STR, LDAP_GROUPS, NULL, CALLED("BASE?ATTR?SCOPE?FILTER"), 0,
    "where an ldap: handler searches the user's groups",
    "Where an `ldap:` token handler searches the groups of a user, which become scopes: "
    "`BASE?ATTR?SCOPE?FILTER`. In the filter `%d` is the user's DN and `%u` the name. When not set, "
    "the groups are those of the user's `memberOf`.")

OPT(auth_scopes, MAP, AUTH_SCOPES, NULL, ANY, 0,
    "the scopes and their descriptions, a JSON object",
    "The catalogue of scopes: a JSON object of names and descriptions. It limits what a login may "
    "ask for and is shown in the OpenAPI document. What the token handler grants beyond it is "
    "granted, and once a warning in the log. Required scopes are enforced whether it is set or "
    "not.")

GROUP("Session store", DB_URL)

OPT(db_url, SECRET, DB_URL, "lmdb://", CALLED("URL"), OPTION_F_OPEN,
    "the session store",
    "The session store: `lmdb://` (files in STATE_DIR), `lmdb:///PATH`, "
    "`redis://[USER[:PASSWORD]@]HOST[:PORT]`, `rediss://` (the same with TLS), "
    "`unix:///PATH.sock`, `valkey://`, `valkeys://`, `dragonfly://`; several hosts, separated by "
    "commas, are nodes of a Redis Cluster, or sentinels; "
    "`memcached://HOST[:PORT][,HOST[:PORT]...]`; see SESSION STORES below. "
    "A URL with a password is not taken from the command "
    "line. A database number in the URL does not override LOGIN_REDIS_DB and "
    "REFRESH_RESTRICT_DB.")

OPT(db_type, STR, DB_TYPE, NULL, ONE_OF("redis|valkey|dragonfly|memcached|lmdb"), 0,
    "kind of the session store, where DB_URL does not tell",
    "The kind of the session store. When not set, the scheme of DB_URL tells.")

OPT(redis_connection_type, ENUM, REDIS_CONNECTION_TYPE, "direct", ONE_OF("direct|sentinel"), 0,
    "what DB_URL names: the server, or a sentinel",
    "Whether DB_URL names the Redis server itself, or sentinels (several hosts are separated by "
    "commas) that know where the master is.")

OPT(redis_master_service, STR, REDIS_MASTER_SERVICE, NULL, CALLED("NAME"), 0,
    "name of the master, for a sentinel",
    "The name under which the sentinels know the master.")

OPT(db_sentinel_user, STR, DB_SENTINEL_USER, NULL, CALLED("NAME"), 0,
    "user that the sentinels want",
    "The ACL user as whom the sentinels themselves are asked; it needs DB_SENTINEL_PASSWORD.")

OPT(db_sentinel_password, SECRET, DB_SENTINEL_PASSWORD, NULL, CALLED("PASSWORD"), 0,
    "password that the sentinels want",
    "The password of the sentinels themselves. User and password of DB_URL are for the servers "
    "that they name.")

OPT(login_redis_db, INT, LOGIN_REDIS_DB, "9", RANGE(0, 65535), 0,
    "database number of the sessions",
    "Number of the Redis database that holds the sessions.")

OPT(refresh_restrict_db, INT, REFRESH_RESTRICT_DB, "8", RANGE(0, 65535), 0,
    "database number of the restriction windows",
    "Number of the Redis database that holds the restriction windows and the counts of failed "
    "logins.")

OPT(db_timeout_ms, SECONDS, DB_TIMEOUT, "30", RANGE(1, 5 * MINUTE_MS), 0,
    "most time that the store may take for one request",
    "The most time that all work of the store may take for one request, connecting included. "
    "Then the answer is 503, and it stays so without waiting until the store is back.")

OPT(db_tls_ca, PATH, DB_TLS_CA, NULL, ANY, 0,
    "authorities that vouch for the session store, PEM",
    "With `rediss://` and `valkeys://`, the server's certificate must come from one of these "
    "authorities, PEM, and be for the host in DB_URL. When not set, the system's authorities "
    "count. With a scheme that has no TLS it is an error.")

OPT(db_tls_cert, PATH, DB_TLS_CERT, NULL, ANY, 0,
    "certificate that is shown to the session store, PEM",
    "The certificate chain that tpauth shows to the server of a `rediss://` or `valkeys://` URL, "
    "PEM. It needs DB_TLS_KEY. With a scheme that has no TLS it is an error.")

OPT(db_tls_key, PATH, DB_TLS_KEY, NULL, ANY, 0,
    "private key of that certificate, PEM",
    "Private key of DB_TLS_CERT, PEM, without a passphrase.")

OPT(db_wait_replicas, INT, DB_WAIT_REPLICAS, "0", RANGE(0, 64), 0,
    "Redis replicas that must have a change first",
    "A login, refresh or logout is acknowledged only when this many replicas of the Redis server "
    "have it (WAIT); else the answer is 503, and a login is taken back. 0 does not wait.")

OPT(state_dir, PATH, STATE_DIR, TP_STATE_DIR, CALLED("FOLDER"), OPTION_F_BUILT,
    "folder of the embedded store",
    "Folder of the embedded store. It must be writable by the web server's user, and on a local "
    "file system.")

GROUP("Cookies", COOKIE_PREFIX)

OPT(cookie_prefix, STR, COOKIE_PREFIX, "", CALLED("PREFIX"), OPTION_F_EMPTY,
    "put before the names of the cookies",
    "Put before the names of the cookies `user_id` and `access_token`. `__Host-` is recommended "
    "where no service of the Python original shares the host: browsers then refuse cookies that "
    "another host or a plain connection set.")

OPT(cookie_secure, BOOL, COOKIE_SECURE, "true", ANY, 0,
    "cookies travel over TLS only",
    "Whether the cookies have the attribute Secure and so travel over TLS only. Over plain http "
    "browsers drop such cookies, except for their own machine's, and the login page then asks "
    "again and again: false is for trials.")

OPT(cookie_samesite, ENUM, COOKIE_SAMESITE, "strict", ONE_OF("strict|lax|none"), 0,
    "attribute SameSite of the cookies",
    "The attribute SameSite of the cookies. With `strict` a browser keeps them back from every "
    "visit that another site began, so that whoever follows a link seems to be logged out; with "
    "`lax` they go along with a link, and still not with forms, frames and scripts of other sites. "
    "`none` needs COOKIE_SECURE.")

OPT(cookie_domain, STR, COOKIE_DOMAIN, NULL, CALLED("DOMAIN"), 0,
    "attribute Domain of the cookies",
    "The attribute Domain of the cookies: they then go to the hosts below it, too. When not set, "
    "they go to the host that set them and to no other.")

OPT(cookie_path, ROUTE, COOKIE_PATH, "/", ANY, 0,
    "attribute Path of the cookies",
    "The attribute Path of the cookies.")

GROUP("Cross-origin requests", ENABLE_CORS)

OPT(enable_cors, BOOL, ENABLE_CORS, "true", ANY, 0,
    "answer cross-origin requests of browsers (CORS)",
    "Whether scripts of the origins in CORS_URLS may read answers (CORS).")

OPT(cors_urls, LIST, CORS_URLS, "[\"*.prismatica.in\"]", CALLED("ORIGINS"), OPTION_F_EMPTY,
    "origins whose scripts may read answers",
    "The origins that are allowed: `https://app.example.org:8443` is that one, `*.example.org` "
    "is https on the default port of every host below example.org, `http://*.example.org:3000` "
    "says scheme and port, `*` is every origin and excludes credentials. Set it: the default is "
    "that of the Python original, and while it stands it does not count as a permission to "
    "change anything.")

OPT(cors_allow_credentials, BOOL, CORS_ALLOW_CREDENTIALS, "true", ANY, 0,
    "cross-origin requests may carry cookies",
    "Whether cross-origin requests may carry cookies and other credentials.")

OPT(cors_allow_methods, LIST, CORS_ALLOW_METHODS,
    "[\"GET\", \"POST\", \"DELETE\", \"PUT\", \"OPTIONS\", \"PATCH\"]", CALLED("METHODS"),
    OPTION_F_EMPTY,
    "methods that cross-origin requests may use",
    "The methods that cross-origin requests may use.")

OPT(cors_allow_headers, LIST, CORS_ALLOW_HEADERS, "[\"*\"]", CALLED("HEADERS"), OPTION_F_EMPTY,
    "headers that cross-origin requests may have",
    "The headers that cross-origin requests may have. `*` allows all.")

GROUP("Protecting other applications", REQUIRED_SCOPES)

OPT(required_scopes, LIST, REQUIRED_SCOPES, "", CALLED("SCOPES"), OPTION_F_EMPTY,
    "scopes that every protected request needs",
    "Scopes that every request needs which the authorizer or AUTH_URL is asked about. Those of "
    "the web server's parameter TPAUTH_REQUIRE_SCOPES and of SCOPE_RULES are added to them.")

OPT(scope_rules, PATH, SCOPE_RULES, NULL, ANY, 0,
    "file that maps paths and methods to scopes",
    "A file that maps path prefixes and methods to the scopes that they need. It is described in "
    "SCOPE RULES below.")

OPT(authorizer_preflight, ENUM, AUTHORIZER_PREFLIGHT, "pass", ONE_OF("pass|check"), 0,
    "what a CORS preflight gets from the authorizer",
    "What a CORS preflight (OPTIONS without credentials) gets from the authorizer and AUTH_URL: "
    "`pass` leaves it to the protected application, `check` demands a session as for any other "
    "request.")

OPT(authorizer_pass_jwt, BOOL, AUTHORIZER_PASS_JWT, "false", ANY, 0,
    "hand the JWT to the protected application",
    "Whether the authorizer and AUTH_URL hand the JWT of the session to the protected "
    "application. AUTH_URL does only where the web server sets the parameter TPAUTH_SUBREQUEST to "
    "1. mod_fcgid shows it to the client, unless its configuration removes the header.")

OPT(login_url, STR, LOGIN_URL, NULL, CALLED("URL"), 0,
    "where the authorizer sends a browser without a session",
    "Where the authorizer sends a browser that comes for a page without a session: a path, or an "
    "http or https URL, often that of LOGIN_PAGE_URL. The path that was asked for goes along as "
    "`return_to`. All others get 401, and so does everybody when it is not set. Under mod_fcgid "
    "and nginx, which pass no redirect on, their shipped configurations do it.")

GROUP("gRPC", GRPC_LISTEN)

OPT(grpc_listen, ADDRESS, GRPC_LISTEN, NULL, ANY, 0,
    "where tpauth-grpcd listens",
    "Where the refresh daemon listens. When not set: the address in REFRESH_URL if it is one, "
    "else `127.0.0.1:50051`. An address other machines can reach needs TLS.")

OPT(grpc_target, ADDRESS, GRPC_TARGET, NULL, ANY, 0,
    "the refresh service that a resource server calls",
    "The refresh service that a resource server calls when a session was used whose restriction "
    "window is open. When not set: the address in REFRESH_URL if it is one, else "
    "`127.0.0.1:50051`. A name is looked up at start and with a reload, `localhost` and numeric "
    "addresses never are. An address of another machine needs GRPC_TLS_CA, since the call shows "
    "the session.")

OPT(grpc_secret, SECRET, GRPC_SECRET, NULL, CALLED("KEY"), 0,
    "shared by the refresh daemon and those who call it",
    "A secret that callers of the refresh daemon must show, as metadata `x-tpauth-secret`. It adds "
    "to TLS and does not replace it.")

OPT(grpc_tls_cert, PATH, GRPC_TLS_CERT, NULL, ANY, 0,
    "certificate chain of the refresh daemon, PEM",
    "Certificate chain of the refresh daemon, PEM; on a resource server with GRPC_TLS_CA the one "
    "that it shows to GRPC_TARGET. It needs GRPC_TLS_KEY.")

OPT(grpc_tls_key, PATH, GRPC_TLS_KEY, NULL, ANY, 0,
    "private key of that certificate, PEM",
    "Private key of GRPC_TLS_CERT, PEM.")

OPT(grpc_tls_client_ca, PATH, GRPC_TLS_CLIENT_CA, NULL, ANY, 0,
    "authorities of the required client certificates, PEM",
    "When set, callers of the refresh daemon must have a certificate of one of these "
    "authorities, PEM.")

OPT(grpc_tls_ca, PATH, GRPC_TLS_CA, NULL, ANY, 0,
    "authorities that vouch for GRPC_TARGET, PEM",
    "When set, GRPC_TARGET is called over TLS, and its certificate must come from one of these "
    "authorities, PEM, and be for the host in it (for `unix:` that is `localhost`).")

OPT(refresh_timeout_ms, MILLIS, REFRESH_TIMEOUT_MS, "250", RANGE(1, MINUTE_MS), 0,
    "most time for one call to the refresh service",
    "The most time that one call to GRPC_TARGET may take, connecting included. The call is made "
    "after the answer, so no request waits for it. After a call that failed the target is left "
    "alone for a second, then for two, and so on up to half a minute.")

GROUP("Service", LOG_TARGET)

OPT(log_target, STR, LOG_TARGET, "stderr", CALLED("TARGET"), 0,
    "where the log goes: stderr, syslog or file:/PATH",
    "Where the log goes: `stderr` (in FastCGI its error stream, which the web server writes to "
    "its own log), `syslog`, or `file:/PATH`, opened anew on SIGHUP and SIGUSR2.")

OPT(log_level, ENUM, LOG_LEVEL, "info", ONE_OF("error|warning|notice|info|debug"), 0,
    "what is logged: this level and the graver ones",
    "What is logged: this level and the graver ones. `notice` is what an operator acts on, `info` "
    "adds logins, refreshes, logouts and refusals, `debug` adds checks that passed.")

OPT(log_format, ENUM, LOG_FORMAT, "logfmt", ONE_OF("logfmt|json"), 0,
    "form of a log line",
    "Form of a log line: key=value pairs, or a JSON object.")

OPT(trusted_proxies, LIST, TRUSTED_PROXIES, "", CALLED("ADDRESSES"), OPTION_F_EMPTY,
    "addresses whose X-Forwarded-For counts",
    "Addresses and networks (`10.0.0.0/8`) of reverse proxies whose X-Forwarded-For counts. It is "
    "read from the right, past the proxies listed here. When one of them asks AUTH_URL, its "
    "X-Forwarded-Uri, X-Forwarded-Method and X-Forwarded-Host name the request that is meant.")

OPT(max_body_bytes, SIZE, MAX_BODY_BYTES, "65536", RANGE(1024, LIMIT_BODY), 0,
    "largest request body that is read",
    "The largest request body that is read. A larger one is answered 413.")

OPT(module_dir, PATH, MODULE_DIR, TP_MODULE_DIR, CALLED("FOLDER"), OPTION_F_BUILT,
    "folder of tpauth's loadable objects",
    "Folder of tpauth's own loadable objects.")

GROUP("Flags", CONFIG)

OPT(config_file, STR, CONFIG, NULL, CALLED("FILE"), OPTION_F_FLAG,
    "file with settings; else the one that $TPAUTH_CONFIG names",
    "Reads settings from this file. Without the flag, the environment variable TPAUTH_CONFIG "
    "may name one.")

OPT(listen, STR, LISTEN, NULL, CALLED("ADDRESS"), OPTION_F_FLAG | OPTION_F_FCGI,
    "open a FastCGI socket: a path, or HOST:PORT",
    "Opens a FastCGI socket of its own, at a path of the file system or at `HOST:PORT`, instead "
    "of taking the one that a web server passes on. Whoever can write to the socket is trusted "
    "like the web server.")

OPT(listen_mode, OCTAL, LISTEN_MODE, "0660", RANGE(0, 0777), OPTION_F_FLAG,
    "file mode of a socket that is a path",
    "File mode of the socket at a path.")

OPT(workers, INT, WORKERS, "0", RANGE(0, LIMIT_WORKERS), OPTION_F_FLAG,
    "processes under a supervisor; 0: this process serves alone",
    "How many processes serve the socket, under a supervisor that replaces one that ends. 0 has "
    "no supervisor: this process serves alone, as a web server expects of one that it started.")

OPT(grpc, BOOL, GRPC, "false", ANY, OPTION_F_FLAG | OPTION_F_FCGI,
    "with --workers: supervise the gRPC refresh daemon as well",
    "Starts `tpauth-grpcd` beside the workers, with the same settings and flags, and keeps it "
    "running as it does them. It listens on GRPC_LISTEN, is told of a reload, and is stopped with "
    "the rest. One that finds its settings wrong at the start ends the whole service.")

OPT(check_config, BOOL, CHECK_CONFIG, "false", ANY, OPTION_F_FLAG,
    "check the settings and exit",
    "Checks the settings, the keys and the token handler, prints what is wrong with them, and "
    "exits: 0 when they are fine, 78 when not.")

OPT(help, BOOL, HELP, "false", ANY, OPTION_F_FLAG,
    "print this and exit",
    "Prints the flags and exits.")

OPT(version, BOOL, VERSION, "false", ANY, OPTION_F_FLAG,
    "print the version and exit",
    "Prints the version and exits.")

/* clang-format on */

#undef GROUP
#undef OPT
