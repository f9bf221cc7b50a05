/* SPDX-License-Identifier: MIT */
/*
 * What the settings of an ldap: handler say (RFC 4516 URLs, with the scope "sub" where none is
 * given), and the quoting of what goes into a filter (RFC 4515) or a DN (RFC 4514). Knows no
 * library and no server.
 *
 *   ldap:ldaps://HOST[:PORT]/BASE?ATTR?SCOPE?FILTER      the user is the one entry whose ATTR is
 *                                                        the name, and is bound as
 *   ldap:ldaps://HOST[:PORT]/DN-WITH-%u?ATTR??FILTER     the user's DN is known: bound as directly
 */
#ifndef AUTH_LDAP_SETTING_H
#define AUTH_LDAP_SETTING_H

#include "base/buf.h"

enum ldap_scope { LDAP_AT_BASE, LDAP_BELOW, LDAP_WITHIN };

enum { LDAP_TEXT_MOST = 2048 };

/* One search. */
struct ldap_search {
	char *base; /* direct: a template with one %u */
	char *attr;
	char *filter; /* in parentheses; of groups: with %u and %d */
	enum ldap_scope scope;
};

struct ldap_setting {
	char *server;  /* scheme://host[:port] */
	bool starttls; /* ldap:// to another machine: nothing is said before TLS stands */
	bool direct;
	struct ldap_search user, groups; /* groups.base NULL: memberOf */
};

/* groups: LDAP_GROUPS, absent: none. TP_INVALID names the setting. */
enum tp_rc ldap_setting_open(struct span url, struct span groups, struct ldap_setting *ret,
			     struct tp_err *err) TP_MUSTUSE;
void ldap_setting_release(struct ldap_setting *s);

/* The filter for a user of that name: (&FILTER(ATTR=name)). */
void ldap_user_filter(const struct ldap_setting *s, struct span name, struct buf *out);
/* The DN of a user of that name, where it is direct. */
void ldap_user_dn(const struct ldap_setting *s, struct span name, struct buf *out);
void ldap_group_filter(const struct ldap_setting *s, struct span name, struct span dn,
		       struct buf *out);

/* Any bytes as the value of a filter or of an RDN: nothing in them can end it or be more than a
 * value. */
void ldap_quote_filter(struct span s, struct buf *out);
void ldap_quote_dn(struct span s, struct buf *out);

#endif
