/* SPDX-License-Identifier: MIT */
/*
 * The token handler: turns credentials into claims. TOKEN_HANDLER names one by its scheme:
 *   htpasswd:FILE[,groups=FILE]    Apache's password and group files
 *   exec:COMMAND                   JSON on stdin, claims as JSON on stdout
 *   https://...                    the same JSON by POST (http:// to this machine only)
 *   ldap:URL                       a bind to a directory (a loadable object)
 *   pam:SERVICE                    the system's own logins (a loadable object)
 * or brings one of its own, as a module (hook/module) and an application do.
 */
#ifndef AUTH_AUTHN_H
#define AUTH_AUTHN_H

#include "base/clock.h"
#include "base/jval.h"

struct auth_edge;

enum authn_event { AUTHN_LOGIN, AUTHN_REFRESH };

/* All borrowed; absent spans where there is nothing. */
struct authn_request {
	enum authn_event event;
	struct span username, password; /* login */
	const struct jval *claims;	/* refresh: the claims of the session */
	struct span scope;		/* as the form has it: blank-separated */
	struct span client_id, remote_addr, request_id;
	const struct auth_edge *edge; /* the request behind it; NULL: there is none */
};

/* The settings of all handlers; each looks at its own. What it points to is borrowed until
 * authn_close(). */
struct authn_spec {
	struct span handler;	/* TOKEN_HANDLER */
	const char *module_dir; /* where the loadable objects are */
	bool late;		/* they are loaded with the first question, and not at start */
	int64_t limit_ms;	/* most time for one question; 0: LIMIT_AUTHN_S */
	const char *ca_file;	/* authorities that vouch for its server, PEM; NULL: the system's */
	struct span secret;	/* by which a server knows us; absent: none */
	const char *ldap_bind_dn; /* who searches the directory; NULL: nobody by name */
	struct span ldap_bind_password;
	const char *ldap_groups; /* LDAP_GROUPS; NULL: memberOf */
};

struct authn_ops {
	const char *scheme;
	/* arg: what stands behind "scheme:". TP_INVALID names TOKEN_HANDLER and what is wrong. */
	enum tp_rc (*open)(const struct authn_spec *spec, struct span arg, void **ret,
			   struct tp_err *err);
	enum tp_rc (*ask)(void *self, const struct authn_request *r, struct jval **ret_claims,
			  struct tp_err *err);
	void (*close)(void *self);
	/* Every answer takes microseconds only, so that logins cannot starve anything. NULL: no. */
	bool (*cheap)(const void *self);
	/* "Alice" and "al ice" are the same user. NULL: no. */
	bool (*folds)(const void *self);
	/* See authn_probe(). NULL: there is nothing to look for. */
	enum tp_rc (*probe)(void *self, struct tp_err *err);
};

struct authn;

/* TP_INVALID: a scheme that is not in the table ("module" is for those who open one), or what
 * open() says. */
enum tp_rc authn_open(const struct authn_spec *spec, struct authn **ret,
		      struct tp_err *err) TP_MUSTUSE;
void authn_close(struct authn *n);

/* A handler that is not in the table: of an application, or of a test. self is closed with it. */
enum tp_rc authn_open_with(const struct authn_ops *ops, void *self, struct authn **ret,
			   struct tp_err *err) TP_MUSTUSE;

/* An answer costs less than finding out who else is at a login: no place need be taken for it. */
bool authn_is_cheap(const struct authn *n);

/* Names that differ in blanks and in the case of ASCII letters are one user's: throttle_fold(). */
bool authn_folds_names(const struct authn *n);

/*
 * TP_OK: *ret_claims is an object with a valid user_id (the caller's; jval_release). TP_DENIED:
 * wrong name or password, or the user may no longer come in. TP_UNAVAILABLE: the handler is in
 * trouble, or returned claims that cannot become a token (the message says which: user_id missing
 * or not allowed, scopes no array of scopes, username or email no string, an aud, not one JSON
 * object, too large). TP_INTERNAL: the handler is a program that broke the answer.
 */
enum tp_rc authn_ask(struct authn *n, const struct authn_request *r, struct jval **ret_claims,
		     struct tp_err *err) TP_MUSTUSE;

/* Whether what stands behind the handler is there, without logging anybody in. TP_UNAVAILABLE. */
enum tp_rc authn_probe(struct authn *n, struct tp_err *err) TP_MUSTUSE;

extern const struct authn_ops authn_htpasswd_ops;
extern const struct authn_ops authn_exec_ops;
extern const struct authn_ops authn_https_ops;
extern const struct authn_ops authn_http_ops;
extern const struct authn_ops authn_ldap_ops;
extern const struct authn_ops authn_pam_ops;

#endif
