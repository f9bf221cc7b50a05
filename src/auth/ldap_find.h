/* SPDX-License-Identifier: MIT */
/* What a directory knows of a user: the one entry, and the names of the groups. */
#ifndef AUTH_LDAP_FIND_H
#define AUTH_LDAP_FIND_H

#include "auth/ldap_link.h"

struct ldap_entry {
	char *dn;
	char *user_id;		   /* the value of the setting's ATTR, as the directory writes it */
	char *name, *mail;	   /* cn and mail; NULL: none */
	struct berval **member_of; /* NULL: none */
};

/* The user of that name: in a search the one entry that matches, else the entry at its DN. A name
 * is compared by the directory's rules ("JOE" may find joe), so user_id is the entry's. TP_DENIED:
 * none, more than one, or one whose name differs in more than blanks and the case of ASCII letters
 * (where the DN is known: if ATTR is what the name stands for in it). */
enum tp_rc ldap_find_user(struct ldap *l, const struct ldap_setting *s, struct span name,
			  struct ldap_entry *ret, struct tp_err *err) TP_MUSTUSE;
void ldap_entry_release(struct ldap_entry *e);

/* Calls put for the name of each group: by the search of LDAP_GROUPS, else the first RDN of each
 * memberOf. */
enum tp_rc ldap_find_groups(struct ldap *l, const struct ldap_setting *s,
			    const struct ldap_entry *e,
			    void (*put)(struct buf *out, struct span group), struct buf *out,
			    struct tp_err *err) TP_MUSTUSE;

/* The base of the search is there to be seen. TP_UNAVAILABLE: not so. */
enum tp_rc ldap_find_base(struct ldap *l, const struct ldap_setting *s,
			  struct tp_err *err) TP_MUSTUSE;

#endif
