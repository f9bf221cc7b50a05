/* SPDX-License-Identifier: MIT */
/*
 * libtpauth: authorization for web applications in C and C++.
 *
 * An application registers hooks (who may log in, with which claims) and routes of its own with the
 * scopes they need, and runs under any web server as FastCGI or CGI program, or on a socket of its
 * own; the endpoints, settings and flags of tpauth.fcgi(8) come with it. A validator checks
 * sessions without an application; the JWT functions sign and verify for keys of the caller's own.
 * libtpauth(3) is the manual.
 *
 * Strings are UTF-8 and end in NUL. A string that a function returns belongs to the object it came
 * from; what comes from a struct tpauth_call ends with the hook or handler that got the call. NULL
 * is taken wherever an object is: such a call does nothing, and answers NULL, 0 or TPAUTH_INTERNAL.
 * Setters return nothing: what fails in them (no memory, invalid UTF-8, no JSON) marks the object,
 * and the object is refused where it is used. No object may be used by two threads at once;
 * distinct objects may.
 *
 * Times are seconds since 1970 (RFC 7519 2, without fractions), time-outs milliseconds.
 *
 * The interface only grows within one number of the shared library: no function, value or meaning
 * is taken away; structs that a caller makes carry their version; all others are opaque.
 */
#ifndef TPAUTH_H
#define TPAUTH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TPAUTH_API		  __attribute__((visibility("default")))
#define TPAUTH_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define TPAUTH_API
#define TPAUTH_PRINTF(fmt, first)
#endif

/* How it went. Returned from a route's handler, each of them is also an answer: the status. */
enum tpauth_rc {
	TPAUTH_OK = 0,
	TPAUTH_DENIED = 1,	  /* 401: what was given does not hold */
	TPAUTH_NO_CREDENTIAL = 2, /* 401: nothing was given */
	TPAUTH_EXPIRED = 3,	  /* 401: it held once */
	TPAUTH_FORBIDDEN = 4,	  /* 403: a scope is missing, or a foreign origin asks */
	TPAUTH_INVALID = 5,	  /* 400: it cannot be read, or is not allowed there */
	TPAUTH_NOT_FOUND = 6,	  /* 404 */
	TPAUTH_TOO_LARGE = 7,	  /* 413 */
	TPAUTH_UNAVAILABLE = 8,	  /* 503: cannot be said now; never to be read as yes */
	TPAUTH_NOMEM = 9,	  /* 503 */
	TPAUTH_INTERNAL = 10	  /* 500: a mistake in a program */
};

/* The version of the library that runs: "0.1.0". Never NULL. */
TPAUTH_API const char *tpauth_version(void);

/* A word for a code: "denied". Never NULL. */
TPAUTH_API const char *tpauth_rc_name(enum tpauth_rc rc);

/* ---- claims: a JSON object, RFC 7519 4 ------------------------------------------------------ */

struct tpauth_claims;

TPAUTH_API struct tpauth_claims *tpauth_claims_new(void);
/* From JSON text; read strictly: one object, no member twice, whole numbers up to 2^53. */
TPAUTH_API enum tpauth_rc tpauth_claims_parse(const char *json, size_t len,
					      struct tpauth_claims **ret);
TPAUTH_API void tpauth_claims_free(struct tpauth_claims *claims);

/* Each replaces what was there by that name; NULL as value is null. Strings that were read before
 * are gone with any change. */
TPAUTH_API void tpauth_claims_set(struct tpauth_claims *claims, const char *name,
				  const char *value);
TPAUTH_API void tpauth_claims_set_int(struct tpauth_claims *claims, const char *name,
				      int64_t value);
TPAUTH_API void tpauth_claims_set_json(struct tpauth_claims *claims, const char *name,
				       const char *json);
/* One string more in the array of that name, made if need be, unless it is there already: a scope
 * in "scopes". */
TPAUTH_API void tpauth_claims_add(struct tpauth_claims *claims, const char *name,
				  const char *value);

/* NULL: there is none, or it is not a string. */
TPAUTH_API const char *tpauth_claims_get(const struct tpauth_claims *claims, const char *name);
/* TPAUTH_NOT_FOUND: there is none, or it is no whole number. */
TPAUTH_API enum tpauth_rc tpauth_claims_get_int(const struct tpauth_claims *claims,
						const char *name, int64_t *ret);
/* Any claim as JSON text, or with NULL as name all of them; NULL: there is none. */
TPAUTH_API const char *tpauth_claims_get_json(const struct tpauth_claims *claims, const char *name);
/* 1: the array of that name has the string; the string of that name is it; else 0. */
TPAUTH_API int tpauth_claims_has(const struct tpauth_claims *claims, const char *name,
				 const char *value);

/* ---- a call: the request that a hook or a handler is there for ------------------------------ */

struct tpauth_call;

TPAUTH_API const char *tpauth_method(const struct tpauth_call *call);	   /* "GET" */
TPAUTH_API const char *tpauth_path(const struct tpauth_call *call);	   /* "/user" */
TPAUTH_API const char *tpauth_remote_addr(const struct tpauth_call *call); /* "192.0.2.7" */
TPAUTH_API const char *tpauth_request_id(const struct tpauth_call *call);  /* X-Request-ID */
/* NULL: not there, or more than once. Names of headers in any case. */
TPAUTH_API const char *tpauth_header(struct tpauth_call *call, const char *name);
TPAUTH_API const char *tpauth_query(struct tpauth_call *call, const char *name);
/* A field of the form in the body, urlencoded or multipart. NULL also: the body is no form. */
TPAUTH_API const char *tpauth_form(struct tpauth_call *call, const char *name);
/* What stood at {name} in the route's path. */
TPAUTH_API const char *tpauth_param(struct tpauth_call *call, const char *name);
/* The body as it came. NULL: none, or not readable. It ends in NUL besides. */
TPAUTH_API const void *tpauth_body(struct tpauth_call *call, size_t *ret_len);

/* The user, proved: the claims of the session. NULL: in a public route and a login. */
TPAUTH_API const struct tpauth_claims *tpauth_user(const struct tpauth_call *call);
/* A claim of the user's that is a string: "user_id", "username", "email"; NULL: there is none. */
TPAUTH_API const char *tpauth_user_get(const struct tpauth_call *call, const char *name);

/* Adds a header to the answer, unless that becomes a refusal. One that would break the answer, or
 * is the library's to set (Status, Content-Type, Content-Length, Connection and such; a cookie of
 * the session's name; Cache-Control but in a public route), fails the request with 500. */
TPAUTH_API void tpauth_add_header(struct tpauth_call *call, const char *name, const char *value);

/*
 * The answer of a handler; the last one counts. Each returns TPAUTH_OK or why it cannot be, for a
 * handler's last line. status is from 200 to 599, the body has at most 16 MiB; with NULL as
 * content_type it is application/octet-stream. A handler that returns TPAUTH_OK and has given none
 * is answered for with 204; with another code that is the answer, and what was given or added
 * before is dropped.
 */
TPAUTH_API enum tpauth_rc tpauth_respond(struct tpauth_call *call, int status,
					 const char *content_type, const void *body, size_t len);
/* text/plain, made as printf(3) does. */
TPAUTH_API enum tpauth_rc tpauth_respond_text(struct tpauth_call *call, int status,
					      const char *format, ...) TPAUTH_PRINTF(3, 4);
/* application/json; the text must be JSON. */
TPAUTH_API enum tpauth_rc tpauth_respond_json(struct tpauth_call *call, int status,
					      const char *json);
/* Why a hook or handler refuses: for the log, never for the client. No password belongs here. */
TPAUTH_API void tpauth_reason(struct tpauth_call *call, const char *format, ...)
	TPAUTH_PRINTF(2, 3);

/* ---- hooks ---------------------------------------------------------------------------------- */

enum tpauth_event {
	/*
	 * A login: the form's fields (username, password, scope, client_id, client_secret) are
	 * there by tpauth_form(). Fills claims, user_id at least; scopes are an array.
	 * TPAUTH_DENIED: wrong name or password. Anything else is trouble: 503, and nobody comes
	 * in.
	 */
	TPAUTH_ON_TOKEN = 0,
	/*
	 * A session is about to be signed anew; claims holds the present ones (without those that
	 * the server sets) and may be changed, but for user_id; scopes that the session does not
	 * have are not added to it. TPAUTH_DENIED ends the session; trouble leaves it as it is.
	 * Mostly without a request, method and path are NULL then: over gRPC, and when a session
	 * slides, which it does after its answer.
	 */
	TPAUTH_ON_REFRESH = 1,
	/* A user has ended a session, or all, or the others; what the hook returns is logged and
	 * changes nothing. Not called for sessions that end by themselves. */
	TPAUTH_ON_LOGOUT = 2,
	/* The health check, once the session store has answered; not TPAUTH_OK: 503. */
	TPAUTH_ON_HEALTH = 3,
	/*
	 * A session was proved, for any route but the logout, or by the authorizer; method and
	 * path are those of the request that is decided about, NULL where they are not known. It
	 * may deny (TPAUTH_DENIED, TPAUTH_FORBIDDEN), and fill in claims that the user does not
	 * have, but for scopes: they last as long as the request. It admits nobody, and changes no
	 * claim that is there. Anything else refuses with 503.
	 */
	TPAUTH_ON_AUTHENTICATE = 4
};

/* user is tpauth_user(call), NULL in a login; claims is what the hook fills, empty where it may
 * fill nothing. */
typedef enum tpauth_rc tpauth_hook(struct tpauth_call *call, const struct tpauth_claims *user,
				   struct tpauth_claims *claims, void *arg);

/*
 * A shared object that TOKEN_HANDLER=module:FILE.so names defines
 *
 *   const struct tpauth_module tpauth_module = { TPAUTH_MODULE_1, ... };
 *
 * open is called in each process that serves, with what the settings give behind the file
 * ("module:FILE.so,TEXT"; "" without), and *ret_arg becomes the arg of every hook; close ends it.
 * It is called again when the settings are read again, before the close of what was open, and to
 * check the settings. TPAUTH_UNAVAILABLE: it cannot be opened now; anything else: not like this.
 * NULL: not there; on_token must be. A module is not linked with libtpauth: the program that loads
 * it has the functions on claims and calls (not those on answers, other than tpauth_add_header).
 */
#define TPAUTH_MODULE_1 1

struct tpauth_module {
	int version; /* TPAUTH_MODULE_1 */
	enum tpauth_rc (*open)(const char *text, void **ret_arg);
	void (*close)(void *arg);
	tpauth_hook *on_token, *on_refresh, *on_logout, *on_health, *on_authenticate;
};

extern TPAUTH_API const struct tpauth_module tpauth_module;

/* ---- an application ------------------------------------------------------------------------- */

struct tpauth_app;

/* What the documentation shows, and where a proxy mounts it; the settings APP_TITLE, APP_VERSION,
 * APP_DESCRIPTION and ROOT_PATH go first. NULL: nothing. */
struct tpauth_about {
	const char *title, *version, *description, *root_path;
};

/* The strings are copied. NULL: no memory. */
TPAUTH_API struct tpauth_app *tpauth_app_new(const struct tpauth_about *about);
TPAUTH_API void tpauth_app_free(struct tpauth_app *app);

/* A token hook stands in for TOKEN_HANDLER. The last one for an event counts, NULL is none. */
TPAUTH_API void tpauth_on(struct tpauth_app *app, enum tpauth_event event, tpauth_hook *hook,
			  void *arg);

typedef enum tpauth_rc tpauth_handler(struct tpauth_call *call, void *arg);

/*
 * A route for users whose session has all the scopes (blank-separated; "" or NULL: any session).
 * path begins with "/"; a segment {name} stands for any one segment, tpauth_param() has it
 * (decoded). Methods: GET (HEAD comes with it), POST, PUT, PATCH, DELETE. The built-in endpoints go
 * first, then paths without a {name}, then the others as they were registered; the first path that
 * fits is the one, and methods that no route of that very path has get 405. Cookies with an unsafe
 * method are taken from the own origin only.
 */
TPAUTH_API void tpauth_route(struct tpauth_app *app, const char *method, const char *path,
			     const char *scopes, tpauth_handler *handler, void *arg);
/* One for anyone; what credentials a request carries is not looked at. */
TPAUTH_API void tpauth_route_public(struct tpauth_app *app, const char *method, const char *path,
				    tpauth_handler *handler, void *arg);
/* What the documentation says of the route registered last. */
TPAUTH_API void tpauth_route_summary(struct tpauth_app *app, const char *summary);

/*
 * Reads settings and flags as tpauth.fcgi(8) does, finds out how it was called, and serves until it
 * is told to end. Returns the exit status, see tpauth.fcgi(8); what cannot be served (a handler
 * missing, a path that is none) is said there. main() is: return tpauth_run(app, argc, argv);
 */
TPAUTH_API int tpauth_run(struct tpauth_app *app, int argc, char **argv);

/* ---- the requestor: other services, as the user of the call --------------------------------- */

/*
 * One request to another service, from the handler of a route. It carries the session as
 * "Authorization: Bearer" (nothing in a public route), "refresh: false" (the other service does not
 * make the session slide; this one does) and the X-Request-ID. It belongs to the call and ends with
 * it. Redirects are not followed: the credential is for the named host alone. Plain http goes to
 * any host: who does not trust the network says https. No proxy is used.
 */
struct tpauth_fetch;

/* NULL: no memory, more than 64 in one call, or a call of a hook, which makes no requests. */
TPAUTH_API struct tpauth_fetch *tpauth_fetch_new(struct tpauth_call *call, const char *method,
						 const char *url);
/* Sends a header. Those above cannot be replaced, nor what is the connection's (Host,
 * Content-Length and such) or the body's (Content-Type). */
TPAUTH_API void tpauth_fetch_header(struct tpauth_fetch *fetch, const char *name,
				    const char *value);
TPAUTH_API void tpauth_fetch_body(struct tpauth_fetch *fetch, const char *content_type,
				  const void *body, size_t len);
/* For the whole exchange; default 10000, at most 600000. */
TPAUTH_API void tpauth_fetch_timeout(struct tpauth_fetch *fetch, int timeout_ms);
/* Certificates are verified: by the system's store, or by this PEM file alone. */
TPAUTH_API void tpauth_fetch_ca(struct tpauth_fetch *fetch, const char *file);
/* Only for trials: anyone between can be the other service, and has the session. */
TPAUTH_API void tpauth_fetch_insecure(struct tpauth_fetch *fetch);

/* Sets it going and returns at once; several may be under way. It cannot be changed any more. */
TPAUTH_API void tpauth_fetch_start(struct tpauth_fetch *fetch);
/* 1: it is done, for good or bad; 0: not yet. Waits up to timeout_ms (0: not at all; -1: until it
 * is done); all that are under way get on meanwhile. 1 for NULL as well, so that loops end. */
TPAUTH_API int tpauth_fetch_wait(struct tpauth_fetch *fetch, int timeout_ms);

/* The rest waits for the end. TPAUTH_OK: there is an answer, whatever its status. Else there is
 * nothing of it: TPAUTH_UNAVAILABLE (nobody there, not in time, not to be trusted),
 * TPAUTH_TOO_LARGE, TPAUTH_NOMEM, TPAUTH_INTERNAL (what was said cannot be sent). */
TPAUTH_API enum tpauth_rc tpauth_fetch_rc(struct tpauth_fetch *fetch);
TPAUTH_API const char *tpauth_fetch_error(struct tpauth_fetch *fetch); /* "" when TPAUTH_OK */
TPAUTH_API int tpauth_fetch_status(struct tpauth_fetch *fetch);	       /* 0: no answer */
/* NULL: not there, or more than once. */
TPAUTH_API const char *tpauth_fetch_get_header(struct tpauth_fetch *fetch, const char *name);
/* Ends in NUL besides; never NULL. At most 16 MiB, more is TPAUTH_TOO_LARGE. */
TPAUTH_API const char *tpauth_fetch_get_body(struct tpauth_fetch *fetch, size_t *ret_len);

/* The whole way in one: new, body, start, wait. */
TPAUTH_API struct tpauth_fetch *tpauth_get(struct tpauth_call *call, const char *url);
TPAUTH_API struct tpauth_fetch *tpauth_post(struct tpauth_call *call, const char *url,
					    const char *content_type, const void *body, size_t len);
TPAUTH_API struct tpauth_fetch *tpauth_put(struct tpauth_call *call, const char *url,
					   const char *content_type, const void *body, size_t len);
TPAUTH_API struct tpauth_fetch *tpauth_patch(struct tpauth_call *call, const char *url,
					     const char *content_type, const void *body,
					     size_t len);
TPAUTH_API struct tpauth_fetch *tpauth_delete(struct tpauth_call *call, const char *url);

/* ---- a validator without an application ----------------------------------------------------- */

struct tpauth_validator;

/*
 * Reads settings as the programs do: "NAME=value" strings up to a NULL, with NULL the environment;
 * either way the file that TPAUTH_CONFIG names as well. error (may be NULL) gets a line for people.
 * Opens the session store: call it in the process that will validate, after fork(2).
 */
TPAUTH_API enum tpauth_rc tpauth_validator_open(const char *const *settings,
						struct tpauth_validator **ret, char *error,
						size_t error_size);
TPAUTH_API void tpauth_validator_close(struct tpauth_validator *validator);

/*
 * Who asks, and may they: request holds the CGI variables (RFC 3875) of the request, "NAME=value"
 * up to a NULL. Looked at are HTTP_AUTHORIZATION, REDIRECT_HTTP_AUTHORIZATION, HTTP_COOKIE, and for
 * the rule against foreign origins REQUEST_METHOD, HTTP_ORIGIN, HTTP_SEC_FETCH_SITE, HTTP_HOST, and
 * for the hook of a module REMOTE_ADDR and HTTP_X_FORWARDED_FOR; a duplicate is refused, and no
 * REQUEST_METHOD is an unsafe one. scopes as in tpauth_route(). TPAUTH_OK: *ret (may be NULL) are
 * the claims of a live session, the caller's to free.
 */
TPAUTH_API enum tpauth_rc tpauth_validate(struct tpauth_validator *validator,
					  const char *const *request, const char *scopes,
					  struct tpauth_claims **ret);
/* Why the last one was not TPAUTH_OK, for a log; "" else. */
TPAUTH_API const char *tpauth_validator_error(const struct tpauth_validator *validator);

/* ---- JWT with keys of the caller's own, RFC 7515 and 7519 ----------------------------------- */

struct tpauth_jwt;

/*
 * algorithm: "HS256" (key: the secret, public_key NULL) or "RS256" (key: the private key, NULL when
 * nothing is signed; public_key: NULL when it is to be derived from it). RSA keys are PEM, or
 * base64 of PEM. RSA below 2048 bits and secrets that are a PEM are refused.
 */
TPAUTH_API enum tpauth_rc tpauth_jwt_open(const char *algorithm, const char *key,
					  const char *public_key, struct tpauth_jwt **ret,
					  char *error, size_t error_size);
TPAUTH_API void tpauth_jwt_close(struct tpauth_jwt *jwt);

/* Signs the claims as they are, but for exp and iat, which are set when lifetime_s is above 0. The
 * caller frees *ret with free(3). */
TPAUTH_API enum tpauth_rc tpauth_jwt_encode(struct tpauth_jwt *jwt,
					    const struct tpauth_claims *claims, int64_t lifetime_s,
					    char **ret);
/*
 * The claims of a token whose signature, by the opened algorithm alone, and times hold: exp must be
 * there, nbf and iat may be; each within leeway_s. issuer NULL: any. TPAUTH_DENIED, TPAUTH_EXPIRED.
 */
TPAUTH_API enum tpauth_rc tpauth_jwt_decode(struct tpauth_jwt *jwt, const char *token,
					    const char *issuer, int64_t leeway_s,
					    struct tpauth_claims **ret);
/* The same without the claims. */
TPAUTH_API enum tpauth_rc tpauth_jwt_verify(struct tpauth_jwt *jwt, const char *token,
					    const char *issuer, int64_t leeway_s);

#ifdef __cplusplus
}
#endif

#endif
