/* SPDX-License-Identifier: MIT */
/*
 * The handler pam:SERVICE, as the loadable object tpauth_pam.so: is the password right, and may the
 * account be used now. No session is opened and no credential is set: nobody gets a shell here. The
 * user's groups are those of the system, where the system knows the user.
 */
#include "auth/authn_module.h"

#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdlib.h>

#include "base/banned.h"

enum { SERVICE_MOST = 64, GROUPS_MOST = 4096 };

struct handler {
	char *service;
};

/* What the conversation may give away: once. */
struct talk {
	struct span password;
	bool told;
};

/* ---- the setting ---- */

static void handler_close(void *self)
{
	struct handler *h = self;

	if (h == NULL)
		return;
	free(h->service);
	free(h);
}

/* A name of a file in /etc/pam.d, and never a path. */
static bool is_service(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '_' && (c != '.' || i == 0))
			return false;
	}
	return s.len > 0 && s.len <= SERVICE_MOST;
}

static enum tp_rc handler_open(const struct authn_spec *spec, struct span arg, void **ret,
			       struct tp_err *err)
{
	struct handler *h;

	(void)spec;
	if (!is_service(arg))
		return tp_fail(err, TP_INVALID,
			       "TOKEN_HANDLER: takes pam:SERVICE, the name of a file in "
			       "/etc/pam.d");
	h = calloc(1, sizeof(*h));
	if (h != NULL)
		h->service = span_dup(arg);
	if (h == NULL || h->service == NULL) {
		handler_close(h);
		return tp_fail(err, TP_NOMEM, "out of memory");
	}
	*ret = h;
	return TP_OK;
}

/* ---- the conversation ---- */

/* PAM frees it with free(3). NULL: a question that we have no answer for, a second password (a new
 * one, or one that is good for one time only) or anything that is to be shown while it is typed. */
static char *answer_to(const struct pam_message *m, struct talk *t)
{
	if (m->msg_style == PAM_TEXT_INFO || m->msg_style == PAM_ERROR_MSG)
		return span_dup(span_of(""));
	if (m->msg_style != PAM_PROMPT_ECHO_OFF || t->told || t->password.p == NULL)
		return NULL;
	t->told = true;
	return span_dup(t->password);
}

static void free_answers(struct pam_response *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (all[i].resp != NULL)
			explicit_bzero(all[i].resp, strlen(all[i].resp));
		free(all[i].resp);
	}
	free(all);
}

static int converse(int n, const struct pam_message **m, struct pam_response **ret, void *arg)
{
	struct pam_response *all;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	all = calloc((size_t)n, sizeof(*all));
	if (all == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++) {
		all[i].resp = answer_to(m[i], arg);
		if (all[i].resp == NULL) {
			free_answers(all, (size_t)n);
			return PAM_CONV_ERR;
		}
	}
	*ret = all;
	return PAM_SUCCESS;
}

/* ---- the question ---- */

/* What PAM says when it has looked and the user may not come in. */
static bool is_no(int code)
{
	static const int no[] = { PAM_AUTH_ERR,	    PAM_USER_UNKNOWN,	PAM_MAXTRIES,
				  PAM_PERM_DENIED,  PAM_ACCT_EXPIRED,	PAM_NEW_AUTHTOK_REQD,
				  PAM_CRED_EXPIRED, PAM_AUTHTOK_EXPIRED };

	for (size_t i = 0; i < TP_COUNT(no); i++) {
		if (code == no[i])
			return true;
	}
	return false;
}

static enum tp_rc judge(pam_handle_t *pam, const char *what, int code, struct tp_err *err)
{
	enum tp_rc rc = is_no(code) ? TP_DENIED : TP_UNAVAILABLE;

	if (code == PAM_SUCCESS)
		return TP_OK;
	return tp_fail(err, code == PAM_BUF_ERR ? TP_NOMEM : rc, "PAM: %s: %s", what,
		       pam_strerror(pam, code));
}

static enum tp_rc set_host(pam_handle_t *pam, struct span address, struct tp_err *err)
{
	char *host;
	int code;

	if (address.len == 0 || span_has_control(address))
		return TP_OK;
	host = span_dup(address);
	code = host != NULL ? pam_set_item(pam, PAM_RHOST, host) : PAM_BUF_ERR;
	free(host);
	return judge(pam, "PAM_RHOST", code, err);
}

static void put_groups(struct buf *answer, const char *user)
{
	const struct passwd *pw = getpwnam(user); /* NOLINT(concurrency-mt-unsafe): no threads */
	gid_t ids[GROUPS_MOST];
	int n = GROUPS_MOST;

	if (pw == NULL || getgrouplist(user, pw->pw_gid, ids, &n) < 0)
		return;
	for (int i = 0; i < n; i++) {
		const struct group *g = getgrgid(ids[i]); /* NOLINT(concurrency-mt-unsafe) */

		if (g != NULL && span_is_utf8(span_of(g->gr_name)))
			authn_module_group(answer, span_of(g->gr_name));
	}
}

/* PAM_USER at the end: a module may have put its own spelling of the name there. */
static enum tp_rc put_claims(pam_handle_t *pam, struct buf *answer, struct tp_err *err)
{
	const void *item = NULL;
	int code = pam_get_item(pam, PAM_USER, &item);
	const char *user = item;

	if (code == PAM_SUCCESS && (user == NULL || !span_is_utf8(span_of(user))))
		return tp_fail(err, TP_UNAVAILABLE, "PAM: a user name that is not UTF-8");
	if (code != PAM_SUCCESS)
		return judge(pam, "PAM_USER", code, err);
	authn_module_begin(answer, span_of(user), span_of(user), (struct span){ NULL, 0 });
	put_groups(answer, user);
	authn_module_end(answer);
	return TP_OK;
}

static enum tp_rc ask(pam_handle_t *pam, const struct authn_module_question *q, struct buf *answer,
		      struct tp_err *err)
{
	const int flags = PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK;
	enum tp_rc rc = set_host(pam, q->remote_addr, err);

	if (rc == TP_OK && q->password.p != NULL)
		rc = judge(pam, "password", pam_authenticate(pam, flags), err);
	if (rc == TP_OK)
		rc = judge(pam, "account", pam_acct_mgmt(pam, flags), err);
	return rc == TP_OK ? put_claims(pam, answer, err) : rc;
}

static enum tp_rc handler_ask(const void *self, const struct authn_module_question *q,
			      struct buf *answer, struct tp_err *err)
{
	const struct handler *h = self;
	struct talk talk = { q->password, false };
	const struct pam_conv conv = { converse, &talk };
	pam_handle_t *pam = NULL;
	char *user = span_dup(q->user);
	enum tp_rc rc;
	int code;

	if (q->password.len >= PAM_MAX_RESP_SIZE) {
		free(user);
		return tp_fail(err, TP_DENIED, "a password of more than %d bytes",
			       PAM_MAX_RESP_SIZE - 1);
	}
	code = user != NULL ? pam_start(h->service, user, &conv, &pam) : PAM_BUF_ERR;
	rc = code == PAM_SUCCESS ? ask(pam, q, answer, err) : judge(pam, h->service, code, err);
	if (pam != NULL)
		(void)pam_end(pam, code);
	free(user);
	return rc;
}

/* As far as can be seen without a user: PAM is there and reads the service. */
static enum tp_rc handler_probe(const void *self, struct tp_err *err)
{
	const struct handler *h = self;
	struct talk talk = { { NULL, 0 }, false };
	const struct pam_conv conv = { converse, &talk };
	pam_handle_t *pam = NULL;
	int code = pam_start(h->service, NULL, &conv, &pam);
	enum tp_rc rc = judge(pam, h->service, code, err);

	if (pam != NULL)
		(void)pam_end(pam, code);
	return rc;
}

extern const struct authn_module tpauth_authn_module __attribute__((visibility("default")));
const struct authn_module tpauth_authn_module = { AUTHN_MODULE_ABI, handler_open, handler_close,
						  handler_ask, handler_probe };
