/* SPDX-License-Identifier: MIT */
/*
 * The handlers ldap: and pam:, as far as they are alike: loading the object, asking it in a child,
 * and taking of the user's groups those that can be scopes. What is asked of whom is the objects'
 * affair.
 */
#include "auth/authn_module.h"
#include "auth/authn_question.h"
#include "auth/child.h"
#include "auth/scope.h"
#include "base/limits.h"
#include "base/object.h"
#include "token/token.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

/* Exit statuses of the child; what it wrote is the claims, or why there are none. */
enum { SAYS_YES = 0, SAYS_NO = 1, SAYS_TROUBLE = 2, SAYS_NOMEM = 3 };

struct loaded {
	struct authn_spec spec; /* with the strings of the caller */
	const char *file;
	struct span arg;
	struct object object;
	const struct authn_module *module; /* NULL: not loaded yet */
	void *self;
};

/* A question on its way to the child; q NULL: a probe. */
struct errand {
	const struct loaded *l;
	const struct authn_module_question *q;
};

/* ---- opening ---- */

static void loaded_close(void *self)
{
	struct loaded *l = self;

	if (l == NULL)
		return;
	if (l->self != NULL)
		l->module->close(l->self);
	object_unload(&l->object);
	free(l);
}

static enum tp_rc load(struct loaded *l, struct tp_err *err)
{
	enum tp_rc rc = TP_OK;

	if (l->self != NULL)
		return TP_OK;
	if (l->module == NULL)
		rc = object_load(&l->object, l->spec.module_dir, l->file, AUTHN_MODULE_SYMBOL,
				 AUTHN_MODULE_ABI, err);
	if (rc != TP_OK)
		return tp_fail(err, rc, "TOKEN_HANDLER: %s", err->msg);
	l->module = l->object.table;
	return l->module->open(&l->spec, l->arg, &l->self, err);
}

static enum tp_rc loaded_open(const struct authn_spec *spec, struct span arg, const char *file,
			      void **ret, struct tp_err *err)
{
	struct loaded *l = calloc(1, sizeof(*l));
	enum tp_rc rc;

	if (l == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	l->spec = *spec;
	l->file = file;
	l->arg = arg;
	rc = spec->late ? TP_OK : load(l, err);
	if (rc != TP_OK) {
		loaded_close(l);
		return tp_fail(err, rc == TP_NOMEM ? rc : TP_INVALID, "%s", err->msg);
	}
	*ret = l;
	return TP_OK;
}

/* ---- in the child ---- */

static bool write_all(int fd, struct span s)
{
	while (s.len > 0) {
		ssize_t n = write(fd, s.p, s.len);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			s = (struct span){ s.p + n, s.len - (size_t)n };
	}
	return true;
}

static int status_of(enum tp_rc rc)
{
	if (rc == TP_OK)
		return SAYS_YES;
	if (rc == TP_NOMEM)
		return SAYS_NOMEM;
	return rc == TP_DENIED ? SAYS_NO : SAYS_TROUBLE;
}

static int run_errand(void *arg, int out)
{
	struct buf answer = BUF_INIT(LIMIT_AUTHN_OUTPUT);
	const struct errand *e = arg;
	struct tp_err err = { 0 };
	enum tp_rc rc = e->q != NULL ? e->l->module->ask(e->l->self, e->q, &answer, &err)
				     : e->l->module->probe(e->l->self, &err);

	if (rc == TP_OK)
		rc = buf_rc(&answer, "the claims", &err);
	if (!write_all(out, rc == TP_OK ? buf_view(&answer) : span_of(err.msg)))
		return SAYS_TROUBLE;
	return status_of(rc);
}

/* ---- outside ---- */

static enum tp_rc judge(int status, const struct buf *said, struct tp_err *err)
{
	switch (status) {
	case SAYS_YES:
		return TP_OK;
	case SAYS_NO:
		return tp_fail(err, TP_DENIED, "%s", buf_cstr(said));
	case SAYS_NOMEM:
		return tp_fail(err, TP_NOMEM, "%s", buf_cstr(said));
	case SAYS_TROUBLE:
		return tp_fail(err, TP_UNAVAILABLE, "%s", buf_cstr(said));
	default:
		return tp_fail(err, TP_UNAVAILABLE, "the token handler ended with status %d",
			       status);
	}
}

static enum tp_rc send(struct loaded *l, const struct authn_module_question *q, struct buf *answer,
		       struct tp_err *err)
{
	TP_CLEANUP(child_release) struct child c = CHILD_INIT;
	struct errand errand = { l, q };
	int status = SAYS_TROUBLE;
	enum tp_rc rc = load(l, err);

	if (rc == TP_OK)
		rc = child_fork(&c, run_errand, &errand, err);
	if (rc == TP_OK)
		rc = child_await(&c, l->spec.limit_ms, answer, err);
	if (rc == TP_OK)
		rc = child_status(&c, &status, err);
	return rc == TP_OK ? judge(status, answer, err) : rc;
}

/* Group names of a directory may be anything ("Domain Users"); only some can be scopes. */
static bool is_scope(struct span name, struct scope_set *room)
{
	return scope_parse(name, room, NULL) == TP_OK && room->n == 1 && span_eq(room->v[0], name);
}

static enum tp_rc collect_scopes(const struct jval *groups, struct scope_set *ret,
				 struct tp_err *err)
{
	struct scope_set one;

	for (size_t i = 0; i < jval_count(groups); i++) {
		struct span name = { NULL, 0 };

		if (!jval_str(jval_at(groups, i), &name) || !is_scope(name, &one) ||
		    scope_has(ret, name))
			continue;
		if (ret->n == LIMIT_SCOPES)
			return tp_fail(err, TP_UNAVAILABLE,
				       "the user is in more than %d groups that can be scopes",
				       LIMIT_SCOPES);
		ret->v[ret->n++] = name;
	}
	return TP_OK;
}

static enum tp_rc keep_scopes(struct jval *claims, struct tp_err *err)
{
	struct scope_set scopes = { .n = 0 };
	struct jval *array;
	enum tp_rc rc = collect_scopes(jval_get(claims, "scopes"), &scopes, err);

	if (rc != TP_OK)
		return rc;
	array = scope_to_claim(&scopes); /* of its own, so the old one may go */
	if (array == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	return jval_set(claims, "scopes", array, err);
}

/* An empty password is never asked about: to a directory it is a bind without one, which succeeds
 * for every name (RFC 4513 section 5.1.2). */
static enum tp_rc make_question(const struct authn_request *r, struct authn_module_question *ret,
				struct tp_err *err)
{
	*ret = (struct authn_module_question){ .user = r->username, .remote_addr = r->remote_addr };
	if (r->event == AUTHN_REFRESH) {
		if (!jval_str(jval_get(r->claims, "user_id"), &ret->user))
			return tp_fail(err, TP_INTERNAL, "a refresh without a user_id");
	} else {
		ret->password = r->password;
		if (ret->password.len == 0)
			return tp_fail(err, TP_DENIED, "an empty password");
		if (!span_is_utf8(ret->password) || span_has_byte(ret->password, '\0'))
			return tp_fail(err, TP_DENIED, "a password that is not UTF-8");
	}
	if (!token_user_id_ok(ret->user))
		return tp_fail(err, TP_DENIED, "a user name that cannot be one");
	return TP_OK;
}

static enum tp_rc loaded_ask(void *self, const struct authn_request *r, struct jval **ret_claims,
			     struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf answer = BUF_INIT(LIMIT_AUTHN_OUTPUT);
	TP_CLEANUP(jval_cleanup) struct jval *claims = NULL;
	struct authn_module_question q;
	enum tp_rc rc = make_question(r, &q, err);

	if (rc == TP_OK)
		rc = send(self, &q, &answer, err);
	if (rc == TP_OK)
		rc = authn_answer_parse(buf_view(&answer), &claims, err);
	if (rc == TP_OK)
		rc = keep_scopes(claims, err);
	if (rc != TP_OK)
		return rc;
	*ret_claims = claims;
	claims = NULL;
	return TP_OK;
}

static enum tp_rc loaded_probe(void *self, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf answer = BUF_INIT(LIMIT_AUTHN_OUTPUT);

	return send(self, NULL, &answer, err);
}

/* PAM may ask a directory too. */
static bool folds(const void *self)
{
	(void)self;
	return true;
}

static enum tp_rc ldap_open(const struct authn_spec *spec, struct span arg, void **ret,
			    struct tp_err *err)
{
	return loaded_open(spec, arg, "tpauth_ldap.so", ret, err);
}

static enum tp_rc pam_open(const struct authn_spec *spec, struct span arg, void **ret,
			   struct tp_err *err)
{
	return loaded_open(spec, arg, "tpauth_pam.so", ret, err);
}

const struct authn_ops authn_ldap_ops = { .scheme = "ldap",
					  .open = ldap_open,
					  .ask = loaded_ask,
					  .close = loaded_close,
					  .folds = folds,
					  .probe = loaded_probe };
const struct authn_ops authn_pam_ops = { .scheme = "pam",
					 .open = pam_open,
					 .ask = loaded_ask,
					 .close = loaded_close,
					 .folds = folds,
					 .probe = loaded_probe };
