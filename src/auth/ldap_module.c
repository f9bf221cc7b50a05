/* SPDX-License-Identifier: MIT */
/*
 * The handler ldap:URL, as the loadable object tpauth_ldap.so. Owns who is bound when:
 *
 *   the user's DN is searched   bind the reader, find the entry, bind the user, groups as the
 *                               reader again
 *   the user's DN is known      bind the user, then all as the reader, who is the user where
 *                               LDAP_BIND_DN is not set
 *   a refresh                   all as the reader
 *
 * The reader is LDAP_BIND_DN, or nobody by name. A reader who is refused is trouble, and not a no.
 */
#include "auth/authn_module.h"
#include "auth/ldap_find.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

struct handler {
	struct ldap_setting setting;
	const char *reader; /* "": anonymous */
	struct span reader_password;
	const char *ca_file;
	int64_t limit_ms;
};

static void handler_close(void *self)
{
	struct handler *h = self;

	if (h == NULL)
		return;
	ldap_setting_release(&h->setting);
	free(h);
}

static enum tp_rc handler_open(const struct authn_spec *spec, struct span arg, void **ret,
			       struct tp_err *err)
{
	struct handler *h;
	enum tp_rc rc;

	if (spec->ldap_bind_dn != NULL && spec->ldap_bind_password.len == 0)
		return tp_fail(err, TP_INVALID,
			       "LDAP_BIND_PASSWORD: not set, and LDAP_BIND_DN needs it");
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	rc = ldap_setting_open(arg, span_of(spec->ldap_groups), &h->setting, err);
	if (rc != TP_OK) {
		handler_close(h);
		return rc;
	}
	h->reader = spec->ldap_bind_dn != NULL ? spec->ldap_bind_dn : "";
	h->reader_password = spec->ldap_bind_dn != NULL ? spec->ldap_bind_password : SPAN_LIT("");
	h->ca_file = spec->ca_file;
	h->limit_ms = spec->limit_ms / 2; /* of one step, so that it and no clock is in the log */
	*ret = h;
	return TP_OK;
}

/* ---- in the child ---- */

static void link_cleanup(struct ldap **l)
{
	ldap_link_close(*l);
}

/* libldap takes defaults from LDAP* and $HOME/.ldaprc, among them whether a certificate counts. */
static enum tp_rc dial(const struct handler *h, struct ldap **ret, struct tp_err *err)
{
	const struct ldap_link_spec spec = { &h->setting, h->ca_file, h->limit_ms };

	if (clearenv() != 0) /* NOLINT(concurrency-mt-unsafe): no threads */
		return tp_fail(err, TP_NOMEM, "out of memory");
	return ldap_link_open(&spec, ret, err);
}

static enum tp_rc bind_reader(const struct handler *h, struct ldap *l, struct tp_err *err)
{
	enum tp_rc rc = ldap_link_bind(l, h->reader, h->reader_password, err);

	if (rc != TP_DENIED)
		return rc;
	return tp_fail(err, TP_UNAVAILABLE, "%s: %s",
		       h->reader[0] != '\0' ? "LDAP_BIND_DN or its password" : "no LDAP_BIND_DN",
		       err->msg);
}

static enum tp_rc bind_directly(const struct handler *h, struct ldap *l,
				const struct authn_module_question *q, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf dn = BUF_INIT((size_t)2 * LDAP_TEXT_MOST);
	enum tp_rc rc;

	ldap_user_dn(&h->setting, q->user, &dn);
	rc = buf_rc(&dn, "the DN", err);
	if (rc == TP_OK)
		rc = ldap_link_bind(l, buf_cstr(&dn), q->password, err);
	if (rc != TP_OK || h->reader[0] == '\0')
		return rc;
	return bind_reader(h, l, err);
}

/* The entry of a user who has proved to be it, with the reader bound. */
static enum tp_rc find(const struct handler *h, struct ldap *l,
		       const struct authn_module_question *q, struct ldap_entry *ret,
		       struct tp_err *err)
{
	const bool login = q->password.p != NULL;
	enum tp_rc rc =
		login && h->setting.direct ? bind_directly(h, l, q, err) : bind_reader(h, l, err);

	if (rc == TP_OK)
		rc = ldap_find_user(l, &h->setting, q->user, ret, err);
	if (rc != TP_OK || !login || h->setting.direct)
		return rc;
	rc = ldap_link_bind(l, ret->dn, q->password, err);
	return rc == TP_OK ? bind_reader(h, l, err) : rc;
}

static enum tp_rc handler_ask(const void *self, const struct authn_module_question *q,
			      struct buf *answer, struct tp_err *err)
{
	TP_CLEANUP(link_cleanup) struct ldap *l = NULL;
	TP_CLEANUP(ldap_entry_release) struct ldap_entry e = { 0 };
	const struct handler *h = self;
	enum tp_rc rc = dial(h, &l, err);

	if (rc == TP_OK)
		rc = find(h, l, q, &e, err);
	if (rc != TP_OK)
		return rc;
	authn_module_begin(answer, span_of(e.user_id), span_of(e.name != NULL ? e.name : e.user_id),
			   span_of(e.mail));
	rc = ldap_find_groups(l, &h->setting, &e, authn_module_group, answer, err);
	authn_module_end(answer);
	return rc;
}

static enum tp_rc handler_probe(const void *self, struct tp_err *err)
{
	TP_CLEANUP(link_cleanup) struct ldap *l = NULL;
	const struct handler *h = self;
	enum tp_rc rc = dial(h, &l, err);

	if (rc == TP_OK)
		rc = bind_reader(h, l, err);
	return rc == TP_OK ? ldap_find_base(l, &h->setting, err) : rc;
}

extern const struct authn_module tpauth_authn_module __attribute__((visibility("default")));
const struct authn_module tpauth_authn_module = { AUTHN_MODULE_ABI, handler_open, handler_close,
						  handler_ask, handler_probe };
