/* SPDX-License-Identifier: MIT */
/*
 * Asks a running mount from outside what a client would, and says in plain words what is wrong with
 * it and what mends it. Only what was seen is claimed: what cannot be proved by an answer is left
 * out, and what could not be asked is said to be so.
 *
 *	ok   answers        200 from /api/healthcheck (lighttpd/1.4.69)
 *	BAD  authorization  a bearer does not arrive: ...
 *	     Apache: CGIPassAuth On   in the ...
 *	--   login          not asked: no --user
 *
 * One line a check; behind a BAD what mends it. A session that it opens it ends.
 */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include "base/clock.h"
#include "base/fetch.h"
#include "base/secret.h"
#include "ctl/remedy.h"

enum doctor_path {
	DOCTOR_TOKEN,
	DOCTOR_REFRESH,
	DOCTOR_USERINFO,
	DOCTOR_LOGOUT,
	DOCTOR_HEALTH,
	DOCTOR_PATHS
};

/* Their names on the command line, and where they are by default. */
struct doctor_path_info {
	const char *name, *path;
};
extern const struct doctor_path_info doctor_paths[DOCTOR_PATHS];

enum { DOCTOR_WELL = 0, DOCTOR_FINDINGS = 1, DOCTOR_UNASKED = 2, DOCTOR_BODY_MOST = 262144 };

struct doctor_spec {
	const char *url;		/* see doctor_url(); without a slash at its end */
	const char *path[DOCTOR_PATHS]; /* NULL: the default */
	enum remedy_server server;	/* REMEDY_ANY: as its Server header says */
	struct span user, password;	/* absent user: nobody logs in */
	const char *const *guarded;	/* URLs, or paths of the same host, that want a session */
	size_t n_guarded;
	const char *origin;	   /* one that CORS_URLS allows; NULL: none */
	const char *cookie_prefix; /* "" */
	int64_t max_body;	   /* MAX_BODY_BYTES as it is set there */
	bool insecure_ok;	   /* secrets may go over plain HTTP */
	struct clock clock;

	/* As fetch_ask() does it. */
	enum tp_rc (*fetch)(void *arg, const struct fetch_request *ask, struct fetch_reply *reply,
			    struct tp_err *err);
	void *fetch_arg;
	void (*print)(void *arg,
		      const char *line); /* with its newline; 100 columns where words are shorter */
	void *print_arg;
};

/* http(s)://host[:port][/path]: no user, query or fragment, no control byte. */
bool doctor_url(struct span url);
/* The same with a path, which may have a query; or a path alone, of the mount's host. */
bool doctor_guarded(struct span url);

/* DOCTOR_WELL; DOCTOR_FINDINGS: something is wrong; DOCTOR_UNASKED: nothing was found wrong, but
 * not everything could be asked. */
int doctor_run(const struct doctor_spec *spec);

#endif
