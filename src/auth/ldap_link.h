/* SPDX-License-Identifier: MIT */
/*
 * One connection to a directory (RFC 4511), over libldap: proved by TLS before anything is said
 * over a network, with a simple bind for whoever asks. In a child of its own: libldap reads the
 * environment and the current folder when it is first called.
 */
#ifndef AUTH_LDAP_LINK_H
#define AUTH_LDAP_LINK_H

#include "auth/ldap_setting.h"

struct ldap; /* libldap's LDAP */

struct ldap_link_spec {
	const struct ldap_setting *setting;
	const char *ca_file; /* PEM; NULL: what ldap.conf(5) says */
	int64_t limit_ms;    /* of each step */
};

/* TP_UNAVAILABLE: not reached, or it could not prove who it is. */
enum tp_rc ldap_link_open(const struct ldap_link_spec *spec, struct ldap **ret,
			  struct tp_err *err) TP_MUSTUSE;
void ldap_link_close(struct ldap *l);

/* An empty DN with an empty password is anonymous. TP_DENIED: the directory says that this is not
 * who it claims to be, or may not log in; TP_UNAVAILABLE. A DN with an empty password is TP_DENIED
 * without asking. */
enum tp_rc ldap_link_bind(struct ldap *l, const char *dn, struct span password,
			  struct tp_err *err) TP_MUSTUSE;

/* TP_UNAVAILABLE: "the directory: <what>: <libldap's word for code>". */
enum tp_rc ldap_link_trouble(struct ldap *l, const char *what, int code, struct tp_err *err);

#endif
