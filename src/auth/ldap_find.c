/* SPDX-License-Identifier: MIT */
/* Owns the searches, and what is taken from entries. */
#include "auth/ldap_find.h"

#include "base/limits.h"

#include <ldap.h>
#include <stdlib.h>

#include "base/banned.h"

enum { GROUPS_MOST = 4096, FILTER_MOST = LDAP_TEXT_MOST + 16 * LIMIT_USER_ID + 65536 };

static void message_cleanup(LDAPMessage **m)
{
	if (*m != NULL)
		(void)ldap_msgfree(*m);
}

static int scope_of(enum ldap_scope s)
{
	static const int scopes[] = { [LDAP_AT_BASE] = LDAP_SCOPE_BASE,
				      [LDAP_BELOW] = LDAP_SCOPE_ONELEVEL,
				      [LDAP_WITHIN] = LDAP_SCOPE_SUBTREE };

	return scopes[s];
}

/* What it gives is to be freed in all cases. */
static int search(struct ldap *l, const char *base, int scope, const char *filter, char **attrs,
		  int most, LDAPMessage **ret)
{
	return ldap_search_ext_s(l, base, scope, filter, attrs, 0, NULL, NULL, NULL, most, ret);
}

/* ---- a user ---- */

void ldap_entry_release(struct ldap_entry *e)
{
	ldap_memfree(e->dn);
	free(e->user_id);
	free(e->name);
	free(e->mail);
	if (e->member_of != NULL)
		ldap_value_free_len(e->member_of);
	*e = (struct ldap_entry){ 0 };
}

static struct span value_at(struct berval *const *values, size_t i)
{
	return (struct span){ values[i]->bv_val, values[i]->bv_len };
}

static bool is_text(struct span s)
{
	return s.len > 0 && span_is_utf8(s) && !span_has_byte(s, '\0');
}

static enum tp_rc copy_first(struct ldap *l, LDAPMessage *m, const char *attr, char **ret,
			     struct tp_err *err)
{
	struct berval **values = ldap_get_values_len(l, m, attr);
	enum tp_rc rc = TP_OK;

	if (values != NULL && values[0] != NULL && is_text(value_at(values, 0))) {
		*ret = span_dup(value_at(values, 0));
		if (*ret == NULL)
			rc = tp_fail(err, TP_NOMEM, "out of memory");
	}
	ldap_value_free_len(values);
	return rc;
}

static bool is_nocase(struct span a, struct span b)
{
	return a.len == b.len && strncasecmp(a.p, b.p, a.len) == 0;
}

/* But for blanks and the case of ASCII letters, which throttle_fold() takes for one as well: a
 * directory knows more spellings of a name, and each would have attempts of its own. */
static bool is_spelling(struct span a, struct span b)
{
	size_t i = 0, k = 0;

	for (;;) {
		while (i < a.len && a.p[i] == ' ')
			i++;
		while (k < b.len && b.p[k] == ' ')
			k++;
		if (i == a.len || k == b.len)
			return i == a.len && k == b.len;
		if (str_lower(a.p[i++]) != str_lower(b.p[k++]))
			return false;
	}
}

/* Whether the attribute is what the name was searched by; else another one of the entry is shown.
 */
static bool is_asked_by(const struct ldap_setting *s)
{
	size_t n = strlen(s->user.attr);

	return !s->direct || (strncasecmp(s->user.base, s->user.attr, n) == 0 &&
			      strncmp(s->user.base + n, "=%u", 3) == 0);
}

/* The only value; of several the one that was given. So one user has one user_id, however the name
 * was typed. */
static struct span own_name(struct berval *const *values, struct span name)
{
	if (values == NULL || values[0] == NULL)
		return (struct span){ NULL, 0 };
	if (values[1] == NULL)
		return value_at(values, 0);
	for (size_t i = 0; values[i] != NULL; i++) {
		if (is_nocase(value_at(values, i), name))
			return value_at(values, i);
	}
	return (struct span){ NULL, 0 };
}

static enum tp_rc copy_user_id(struct ldap *l, LDAPMessage *m, const struct ldap_setting *s,
			       struct span name, char **ret, struct tp_err *err)
{
	struct berval **values = ldap_get_values_len(l, m, s->user.attr);
	struct span own = own_name(values, name);
	enum tp_rc rc = TP_OK;

	if (!is_text(own) || (is_asked_by(s) && !is_spelling(own, name)))
		rc = tp_fail(err, TP_DENIED,
			     "the directory: the user's entry has no %.40s, or none that is the "
			     "name",
			     s->user.attr);
	else if ((*ret = span_dup(own)) == NULL)
		rc = tp_fail(err, TP_NOMEM, "out of memory");
	ldap_value_free_len(values);
	return rc;
}

static enum tp_rc take_entry(struct ldap *l, LDAPMessage *m, const struct ldap_setting *s,
			     struct span name, struct ldap_entry *e, struct tp_err *err)
{
	enum tp_rc rc;

	e->dn = ldap_get_dn(l, m);
	if (e->dn == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	/* An empty DN would be bound anonymously, with success. */
	if (e->dn[0] == '\0')
		return tp_fail(err, TP_DENIED, "the directory: the user's entry has no DN");
	rc = copy_user_id(l, m, s, name, &e->user_id, err);
	if (rc == TP_OK)
		rc = copy_first(l, m, "cn", &e->name, err);
	if (rc == TP_OK)
		rc = copy_first(l, m, "mail", &e->mail, err);
	if (s->groups.base == NULL)
		e->member_of = ldap_get_values_len(l, m, "memberOf");
	return rc;
}

static enum tp_rc search_user(struct ldap *l, const struct ldap_setting *s, struct span name,
			      LDAPMessage **ret, int *ret_code, struct tp_err *err)
{
	char cn[] = "cn", mail[] = "mail", member_of[] = "memberOf";
	char *attrs[] = { s->user.attr, cn, mail, member_of, NULL };
	TP_CLEANUP(buf_release)
	struct buf filter = BUF_INIT(FILTER_MOST), dn = BUF_INIT(FILTER_MOST);
	enum tp_rc rc;

	ldap_user_filter(s, name, &filter);
	if (s->direct)
		ldap_user_dn(s, name, &dn);
	rc = buf_rc(&filter, "the filter", err);
	if (rc == TP_OK)
		rc = buf_rc(&dn, "the DN", err);
	if (rc != TP_OK)
		return rc;
	/* Where the DN is known, the filter of the setting stays, and the name is in the DN. */
	*ret_code =
		s->direct ? search(l, buf_cstr(&dn), LDAP_SCOPE_BASE, s->user.filter, attrs, 2, ret)
			  : search(l, s->user.base, scope_of(s->user.scope), buf_cstr(&filter),
				   attrs, 2, ret);
	return TP_OK;
}

enum tp_rc ldap_find_user(struct ldap *l, const struct ldap_setting *s, struct span name,
			  struct ldap_entry *ret, struct tp_err *err)
{
	TP_CLEANUP(message_cleanup) LDAPMessage *m = NULL;
	struct ldap_entry e = { 0 };
	int code = LDAP_OTHER, n;
	enum tp_rc rc = search_user(l, s, name, &m, &code, err);

	if (rc != TP_OK)
		return rc;
	n = m != NULL ? ldap_count_entries(l, m) : 0;
	if (n > 1 || code == LDAP_SIZELIMIT_EXCEEDED)
		return tp_fail(err, TP_DENIED, "the directory: more than one entry of that name");
	if (code != LDAP_SUCCESS && !(s->direct && code == LDAP_NO_SUCH_OBJECT))
		return ldap_link_trouble(l, "search", code, err);
	if (n != 1)
		return tp_fail(err, TP_DENIED, "the directory: no entry of that name");
	rc = take_entry(l, ldap_first_entry(l, m), s, name, &e, err);
	if (rc != TP_OK) {
		ldap_entry_release(&e);
		return rc;
	}
	*ret = e;
	return TP_OK;
}

/* ---- groups ---- */

/* The value of the first RDN of a DN, RFC 4514; one that is made of several values, or is no text,
 * names no group. */
static void put_rdn(struct span dn, void (*put)(struct buf *out, struct span group),
		    struct buf *out)
{
	struct berval whole = { dn.len, NULL };
	char *copy = span_dup(dn);
	LDAPDN parts = NULL;

	whole.bv_val = copy;
	if (copy != NULL && ldap_bv2dn(&whole, &parts, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS &&
	    parts != NULL && parts[0] != NULL && parts[0][0] != NULL && parts[0][1] == NULL &&
	    (parts[0][0]->la_flags & LDAP_AVA_BINARY) == 0) {
		struct span value = { parts[0][0]->la_value.bv_val, parts[0][0]->la_value.bv_len };

		if (is_text(value))
			put(out, value);
	}
	if (parts != NULL)
		ldap_dnfree(parts);
	free(copy);
}

static enum tp_rc search_groups(struct ldap *l, const struct ldap_setting *s,
				const struct ldap_entry *e, LDAPMessage **ret, struct tp_err *err)
{
	char *attrs[] = { s->groups.attr, NULL };
	TP_CLEANUP(buf_release) struct buf filter = BUF_INIT(FILTER_MOST);
	enum tp_rc rc;
	int code;

	ldap_group_filter(s, span_of(e->user_id), span_of(e->dn), &filter);
	rc = buf_rc(&filter, "the filter of groups", err);
	if (rc != TP_OK)
		return rc;
	code = search(l, s->groups.base, scope_of(s->groups.scope), buf_cstr(&filter), attrs,
		      GROUPS_MOST, ret);
	return code == LDAP_SUCCESS ? TP_OK : ldap_link_trouble(l, "LDAP_GROUPS", code, err);
}

enum tp_rc ldap_find_groups(struct ldap *l, const struct ldap_setting *s,
			    const struct ldap_entry *e,
			    void (*put)(struct buf *out, struct span group), struct buf *out,
			    struct tp_err *err)
{
	TP_CLEANUP(message_cleanup) LDAPMessage *m = NULL;
	enum tp_rc rc;

	if (s->groups.base == NULL) {
		for (size_t i = 0; e->member_of != NULL && e->member_of[i] != NULL; i++)
			put_rdn(value_at(e->member_of, i), put, out);
		return TP_OK;
	}
	rc = search_groups(l, s, e, &m, err);
	if (rc != TP_OK)
		return rc;
	for (LDAPMessage *g = ldap_first_entry(l, m); g != NULL; g = ldap_next_entry(l, g)) {
		struct berval **values = ldap_get_values_len(l, g, s->groups.attr);

		if (values != NULL && values[0] != NULL && is_text(value_at(values, 0)))
			put(out, value_at(values, 0));
		ldap_value_free_len(values);
	}
	return TP_OK;
}

enum tp_rc ldap_find_base(struct ldap *l, const struct ldap_setting *s, struct tp_err *err)
{
	char nothing[] = LDAP_NO_ATTRS, *none[] = { nothing, NULL };
	TP_CLEANUP(message_cleanup) LDAPMessage *m = NULL;
	int code;

	if (s->direct)
		return TP_OK;
	code = search(l, s->user.base, LDAP_SCOPE_BASE, "(objectClass=*)", none, 1, &m);
	return code == LDAP_SUCCESS ? TP_OK : ldap_link_trouble(l, "the base", code, err);
}
