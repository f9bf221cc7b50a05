/* SPDX-License-Identifier: MIT */
/* What the checks of the doctor share. For doctor*.c only. */
#ifndef CTL_DOCTOR_PARTS_H
#define CTL_DOCTOR_PARTS_H

#include "ctl/doctor.h"

#define DOCTOR_ORIGIN "https://tpauth-doctor.invalid" /* RFC 2606: nobody's */

enum doctor_verdict { DOCTOR_OK, DOCTOR_BAD, DOCTOR_SKIP };

struct doctor {
	const struct doctor_spec *spec;
	enum remedy_server server;
	struct span root; /* scheme://host[:port] of the mount */
	bool https, loopback;

	struct fetch_reply reply; /* of the last question */
	struct tp_err err;	  /* why there was none */
	struct buf url;		  /* of the last question */

	/* What the check that runs has to say. */
	struct buf words;
	enum remedy remedy;

	/* What checks found out for others. */
	bool here;    /* tpauth answers */
	bool issues;  /* it has a token endpoint */
	bool reached; /* at /userinfo, which most questions go to */
	bool bearer_arrives;
	bool replaced; /* its error bodies are other ones when they arrive */

	/* The session of the doctor's own; each is a whole header line. */
	bool open;
	struct buf login_head; /* the headers of the login's answer */
	struct buf bearer, cookies;
	struct buf user_id;
	bool secure_cookies;

	const char *guarded; /* the protected URL that is looked at */
	int guarded_status;  /* without a session */

	int bad, unasked;
};

struct question {
	const char *method;
	enum doctor_path path; /* unless url is given */
	const char *url;       /* absolute, or a path of the mount's host */
	const char *header[4]; /* NULL: none */
	struct span body;      /* a form */
	bool chunked;
};

struct check {
	const char *name;
	enum doctor_verdict (*run)(struct doctor *d);
	enum { ALWAYS, WITH_TPAUTH, WITH_SESSION } when;
};

/* True: answered, in d->reply. Else return doctor_unasked(d). */
bool doctor_ask(struct doctor *d, const struct question *q);
enum doctor_verdict doctor_unasked(struct doctor *d);

enum doctor_verdict doctor_ok(struct doctor *d, const char *fmt, ...) TP_PRINTF(2, 3);
enum doctor_verdict doctor_bad(struct doctor *d, enum remedy r, const char *fmt, ...)
	TP_PRINTF(3, 4);
enum doctor_verdict doctor_skip(struct doctor *d, const char *fmt, ...) TP_PRINTF(2, 3);

const char *doctor_path(const struct doctor *d, enum doctor_path p);
struct span doctor_header(const struct doctor *d, const char *name); /* the first; absent: none */
size_t doctor_header_count(const struct doctor *d, const char *name);
bool doctor_has(struct span s, const char *word);

/* A secret that is sent to url (a path: of the mount's host) can be read by nobody on the way, or
 * may be. */
bool doctor_hides(const struct doctor *d, const char *url);

/* Was the last answer made by tpauth: by its request id, or by a body that only tpauth makes. */
bool doctor_is_ours(const struct doctor *d);
/* Does it refuse in that word of RFC 6750 or tpauth ("invalid_token"), in the body or the
 * challenge. */
bool doctor_says(const struct doctor *d, const char *word);

/* The checks, in the order of the tables. */
extern const struct check doctor_mount_checks[];
extern const size_t doctor_n_mount_checks;
extern const struct check doctor_pass_checks[];
extern const size_t doctor_n_pass_checks;
extern const struct check doctor_session_checks[];
extern const size_t doctor_n_session_checks;
extern const struct check doctor_guard_checks[]; /* for each protected URL */
extern const size_t doctor_n_guard_checks;
extern const struct check doctor_end_checks[];
extern const size_t doctor_n_end_checks;

#endif
