/* SPDX-License-Identifier: MIT */
/* Owns connecting, TLS and binding. */
#include "auth/ldap_link.h"

#include <ldap.h>
#include <stdlib.h>

#include "base/banned.h"

enum { MS = 1000 };

static bool set(LDAP *l, int option, const void *value)
{
	return ldap_set_option(l, option, value) == LDAP_OPT_SUCCESS;
}

static bool set_int(LDAP *l, int option, int value)
{
	return set(l, option, &value);
}

enum tp_rc ldap_link_trouble(struct ldap *l, const char *what, int code, struct tp_err *err)
{
	enum tp_rc rc = code == LDAP_NO_MEMORY ? TP_NOMEM : TP_UNAVAILABLE;
	char *more = NULL;

	if (l != NULL)
		(void)ldap_get_option(l, LDAP_OPT_DIAGNOSTIC_MESSAGE, (void *)&more);
	(void)tp_fail(err, rc, "the directory: %s: %s%s%s", what, ldap_err2string(code),
		      more != NULL && more[0] != '\0' ? ": " : "", more != NULL ? more : "");
	ldap_memfree(more);
	return rc;
}

/* A referral could send the password to whomever the answer names. */
static bool set_manners(LDAP *l, int64_t limit_ms)
{
	const struct timeval limit = { limit_ms / MS, limit_ms % MS * MS };

	return set_int(l, LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3) &&
	       set(l, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) &&
	       set_int(l, LDAP_OPT_DEREF, LDAP_DEREF_NEVER) &&
	       set_int(l, LDAP_OPT_SIZELIMIT, LDAP_NO_LIMIT) &&
	       set_int(l, LDAP_OPT_TIMELIMIT, LDAP_NO_LIMIT) &&
	       set(l, LDAP_OPT_NETWORK_TIMEOUT, &limit) && set(l, LDAP_OPT_TIMEOUT, &limit);
}

static bool set_tls(LDAP *l, const char *ca_file)
{
	if (ca_file != NULL && (!set(l, LDAP_OPT_X_TLS_CACERTFILE, ca_file) ||
				!set(l, LDAP_OPT_X_TLS_CACERTDIR, NULL)))
		return false;
	return set_int(l, LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_DEMAND) &&
	       set_int(l, LDAP_OPT_X_TLS_PROTOCOL_MIN, LDAP_OPT_X_TLS_PROTOCOL_TLS1_2) &&
	       set_int(l, LDAP_OPT_X_TLS_NEWCTX, 0);
}

static enum tp_rc start_tls(LDAP *l, struct tp_err *err)
{
	int code = ldap_start_tls_s(l, NULL, NULL);

	return code == LDAP_SUCCESS ? TP_OK : ldap_link_trouble(l, "StartTLS", code, err);
}

enum tp_rc ldap_link_open(const struct ldap_link_spec *spec, struct ldap **ret, struct tp_err *err)
{
	const struct ldap_setting *s = spec->setting;
	LDAP *l = NULL;
	int code = ldap_initialize(&l, s->server);
	enum tp_rc rc = TP_OK;

	if (code != LDAP_SUCCESS)
		return ldap_link_trouble(NULL, s->server, code, err);
	if (!set_manners(l, spec->limit_ms) ||
	    (strncmp(s->server, "ldapi:", strlen("ldapi:")) != 0 && !set_tls(l, spec->ca_file)))
		rc = tp_fail(err, TP_UNAVAILABLE, "the directory: TLS cannot be set up%s",
			     spec->ca_file != NULL ? " with HANDLER_CA" : "");
	if (rc == TP_OK && s->starttls)
		rc = start_tls(l, err);
	if (rc != TP_OK) {
		ldap_link_close(l);
		return rc;
	}
	*ret = l;
	return TP_OK;
}

void ldap_link_close(struct ldap *l)
{
	if (l != NULL)
		(void)ldap_unbind_ext_s(l, NULL, NULL);
}

/* Codes by which directories say that somebody may not come in: the last two are how some tell of a
 * locked account. */
static bool is_no(int code)
{
	static const int no[] = { LDAP_INVALID_CREDENTIALS, LDAP_INAPPROPRIATE_AUTH,
				  LDAP_NO_SUCH_OBJECT, LDAP_CONSTRAINT_VIOLATION,
				  LDAP_UNWILLING_TO_PERFORM };

	for (size_t i = 0; i < TP_COUNT(no); i++) {
		if (code == no[i])
			return true;
	}
	return false;
}

enum tp_rc ldap_link_bind(struct ldap *l, const char *dn, struct span password, struct tp_err *err)
{
	struct berval cred = { password.len, NULL };
	char *copy;
	int code;

	if (password.len == 0 && dn[0] != '\0')
		return tp_fail(err, TP_DENIED, "an empty password");
	copy = span_dup(password.len > 0 ? password : span_of(""));
	if (copy == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	cred.bv_val = copy;
	code = ldap_sasl_bind_s(l, dn, LDAP_SASL_SIMPLE, &cred, NULL, NULL, NULL);
	explicit_bzero(copy, password.len);
	free(copy);
	if (code == LDAP_SUCCESS)
		return TP_OK;
	if (is_no(code))
		return tp_fail(err, TP_DENIED, "the directory: %s", ldap_err2string(code));
	return ldap_link_trouble(l, "bind", code, err);
}
