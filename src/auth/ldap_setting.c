/* SPDX-License-Identifier: MIT */
/* Owns the reading of the settings, and the quoting. Whoever talks to a server uses both. */
#include "auth/ldap_setting.h"

#include "base/codec.h"
#include "base/url.h"

#include <stdlib.h>

#include "base/banned.h"

static const char user_takes[] =
	"TOKEN_HANDLER: takes ldap:ldaps://HOST[:PORT]/BASE?ATTR?SCOPE?FILTER: ";

enum { PARTS = 4 };

/* "?"-separated; what is not there is absent. */
struct parts {
	struct span v[PARTS];
};

static enum tp_rc no_memory(struct tp_err *err)
{
	return tp_fail(err, TP_NOMEM, "out of memory");
}

void ldap_setting_release(struct ldap_setting *s)
{
	struct ldap_search *both[] = { &s->user, &s->groups };

	for (size_t i = 0; i < TP_COUNT(both); i++) {
		free(both[i]->base);
		free(both[i]->attr);
		free(both[i]->filter);
	}
	free(s->server);
	*s = (struct ldap_setting){ 0 };
}

/* ---- quoting ---- */

static void put_hex(unsigned char c, struct buf *out)
{
	buf_printf(out, "\\%02x", c);
}

void ldap_quote_filter(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c >= 0x7f || c == '*' || c == '(' || c == ')' || c == '\\')
			put_hex(c, out);
		else
			buf_char(out, (char)c);
	}
}

static bool is_plain(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '.' || c == '-' || c == '_' || c == '@';
}

void ldap_quote_dn(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (is_plain(c))
			buf_char(out, (char)c);
		else
			put_hex(c, out);
	}
}

/* ---- what is asked ---- */

void ldap_user_filter(const struct ldap_setting *s, struct span name, struct buf *out)
{
	buf_printf(out, "(&%s(%s=", s->user.filter, s->user.attr);
	ldap_quote_filter(name, out);
	buf_str(out, "))");
}

/* Behind each % there is a 'u' or a 'd': that was seen to at the opening. */
static void fill_in(struct span template, struct span u, struct span d,
		    void (*quote)(struct span s, struct buf *out), struct buf *out)
{
	while (template.p != NULL) {
		buf_span(out, span_cut(&template, '%'));
		if (template.p == NULL)
			return;
		quote(template.p[0] == 'd' ? d : u, out);
		template = (struct span){ template.p + 1, template.len - 1 };
	}
}

void ldap_user_dn(const struct ldap_setting *s, struct span name, struct buf *out)
{
	fill_in(span_of(s->user.base), name, name, ldap_quote_dn, out);
}

void ldap_group_filter(const struct ldap_setting *s, struct span name, struct span dn,
		       struct buf *out)
{
	fill_in(span_of(s->groups.filter), name, dn, ldap_quote_filter, out);
}

/* ---- the parts of a search ---- */

static enum tp_rc wrong(const char *takes, const char *what, struct tp_err *err)
{
	return tp_fail(err, TP_INVALID, "%s%s", takes, what);
}

static bool split(struct span text, struct parts *ret)
{
	size_t n = 0;

	*ret = (struct parts){ .v = { { NULL, 0 } } };
	while (text.p != NULL && n < PARTS)
		ret->v[n++] = span_cut(&text, '?');
	return text.p == NULL;
}

static enum tp_rc take(struct span text, char **ret, struct tp_err *err)
{
	*ret = span_dup(text);
	return *ret != NULL ? TP_OK : no_memory(err);
}

/* An attribute's name or its OID, RFC 4512 section 2.5, without options. */
static bool is_attribute(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_plain((unsigned char)s.p[i]) || s.p[i] == '@' || s.p[i] == '_')
			return false;
	}
	return s.len > 0;
}

/* In parentheses that match, so that what is put around it stays around it. */
static bool is_filter(struct span s)
{
	int depth = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')')
			depth--;
		if (depth < 0 || (depth == 0 && i + 1 < s.len))
			return false;
	}
	return s.len > 2 && depth == 0 && s.p[0] == '(';
}

static bool to_scope(struct span s, enum ldap_scope *ret)
{
	static const struct {
		const char *name;
		enum ldap_scope scope;
	} names[] = { { "", LDAP_WITHIN },
		      { "sub", LDAP_WITHIN },
		      { "one", LDAP_BELOW },
		      { "base", LDAP_AT_BASE } };

	for (size_t i = 0; i < TP_COUNT(names); i++) {
		if (s.p == NULL || span_is(s, names[i].name)) {
			*ret = names[i].scope;
			return true;
		}
	}
	return false;
}

static struct span or_else(struct span s, const char *other)
{
	return s.len > 0 ? s : span_of(other);
}

/* From parts that are decoded. */
static enum tp_rc set_search(const struct parts *p, const char *attr, const char *filter,
			     const char *takes, struct ldap_search *ret, struct tp_err *err)
{
	const struct span a = or_else(p->v[1], attr), f = or_else(p->v[3], filter);
	enum tp_rc rc;

	if (!is_attribute(a))
		return wrong(takes, "ATTR is one attribute", err);
	if (!to_scope(p->v[2], &ret->scope))
		return wrong(takes, "SCOPE is sub, one or base", err);
	if (!is_filter(f))
		return wrong(takes, "FILTER stands in parentheses", err);
	rc = take(or_else(p->v[0], ""), &ret->base, err);
	if (rc == TP_OK)
		rc = take(a, &ret->attr, err);
	return rc == TP_OK ? take(f, &ret->filter, err) : rc;
}

/* ---- TOKEN_HANDLER ---- */

static bool is_text(struct span s)
{
	return span_is_utf8(s) && !span_has_control(s);
}

static enum tp_rc decode(struct span raw, struct buf *out, struct tp_err *err)
{
	struct tp_err inner = { 0 };
	enum tp_rc rc = codec_percent_get(raw, false, out, &inner);

	if (rc == TP_NOMEM)
		return no_memory(err);
	if (rc == TP_TOO_LARGE)
		return wrong(user_takes, "it is too long", err);
	if (rc != TP_OK || !is_text(buf_view(out)))
		return wrong(user_takes, "a % is followed by two hex digits, of UTF-8", err);
	return TP_OK;
}

/* A base with %u in it is a template: what else it has of % would be taken for a mark. */
static enum tp_rc decode_base(struct span raw, struct buf *out, bool *ret_direct,
			      struct tp_err *err)
{
	size_t n = 0;
	enum tp_rc rc;

	while (n + 1 < raw.len && (raw.p[n] != '%' || raw.p[n + 1] != 'u'))
		n++;
	*ret_direct = n + 1 < raw.len;
	if (!*ret_direct)
		return decode(raw, out, err);
	rc = decode((struct span){ raw.p, n }, out, err);
	if (rc == TP_OK)
		rc = decode((struct span){ raw.p + n + 2, raw.len - n - 2 }, out, err);
	if (rc != TP_OK)
		return rc;
	if (span_has_byte(buf_view(out), '%'))
		return wrong(user_takes, "a DN with %u in it has no other %", err);
	buf_reset(out);
	rc = decode((struct span){ raw.p, n }, out, err);
	buf_str(out, "%u");
	return rc == TP_OK ? decode((struct span){ raw.p + n + 2, raw.len - n - 2 }, out, err) : rc;
}

/* The rest of the URL, behind the '/'. */
static enum tp_rc set_user(struct span rest, struct ldap_setting *s, struct tp_err *err)
{
	struct buf part[PARTS] = { BUF_INIT(LDAP_TEXT_MOST), BUF_INIT(LDAP_TEXT_MOST),
				   BUF_INIT(LDAP_TEXT_MOST), BUF_INIT(LDAP_TEXT_MOST) };
	struct parts p;
	enum tp_rc rc = TP_OK;

	if (!split(rest, &p))
		return wrong(user_takes, "nothing stands behind FILTER", err);
	for (size_t i = 0; i < PARTS && rc == TP_OK; i++) {
		rc = i == 0 ? decode_base(p.v[0], &part[0], &s->direct, err)
			    : decode(p.v[i], &part[i], err);
		if (rc == TP_OK)
			rc = buf_rc(&part[i], "TOKEN_HANDLER", err);
		p.v[i] = buf_view(&part[i]);
	}
	if (rc == TP_OK)
		rc = set_search(&p, "uid", "(objectClass=*)", user_takes, &s->user, err);
	for (size_t i = 0; i < PARTS; i++)
		buf_release(&part[i]);
	return rc;
}

/* A unix socket of this machine; its path is percent-encoded, as the library wants it. */
static bool split_ldapi(struct span url, struct span *ret_server, struct span *ret_rest)
{
	size_t n = strlen("ldapi://");

	if (!span_starts(url, "ldapi://") || !is_text(url))
		return false;
	while (n < url.len && url.p[n] != '/' && url.p[n] != '?')
		n++;
	*ret_server = (struct span){ url.p, n };
	*ret_rest = (struct span){ url.p + n, url.len - n };
	return true;
}

static bool split_server(struct span url, struct span *ret_server, struct span *ret_rest,
			 bool *ret_starttls)
{
	struct url u;

	*ret_starttls = false;
	if (split_ldapi(url, ret_server, ret_rest))
		return true;
	if (!url_split(url, &u) || u.host.len == 0 ||
	    (!span_is(u.scheme, "ldap") && !span_is(u.scheme, "ldaps")))
		return false;
	*ret_starttls = span_is(u.scheme, "ldap") && !url_is_loopback(&u);
	*ret_server = (struct span){ url.p, (size_t)(u.rest.p - url.p) };
	*ret_rest = u.rest;
	return true;
}

/* ---- LDAP_GROUPS ---- */

static bool has_known_marks(struct span s)
{
	while (s.p != NULL) {
		(void)span_cut(&s, '%');
		if (s.p != NULL && (s.len == 0 || (s.p[0] != 'u' && s.p[0] != 'd')))
			return false;
	}
	return true;
}

static enum tp_rc set_groups(struct span text, struct ldap_setting *s, struct tp_err *err)
{
	static const char takes[] = "LDAP_GROUPS: takes BASE?ATTR?SCOPE?FILTER: ";
	struct parts p;

	if (text.len == 0)
		return TP_OK;
	if (!is_text(text))
		return wrong(takes, "of UTF-8", err);
	if (!split(text, &p))
		return wrong(takes, "nothing stands behind FILTER", err);
	if (!has_known_marks(or_else(p.v[3], "")))
		return wrong(takes, "a % in FILTER is %u or %d", err);
	return set_search(&p, "cn", "(|(member=%d)(uniqueMember=%d)(memberUid=%u))", takes,
			  &s->groups, err);
}

enum tp_rc ldap_setting_open(struct span url, struct span groups, struct ldap_setting *ret,
			     struct tp_err *err)
{
	struct ldap_setting s = { 0 };
	struct span server, rest;
	enum tp_rc rc;

	if (!split_server(url, &server, &rest, &s.starttls) || rest.len == 0 || rest.p[0] != '/')
		return wrong(user_takes, "also ldap:// and ldapi://, of ASCII", err);
	rc = take(server, &s.server, err);
	if (rc == TP_OK)
		rc = set_user((struct span){ rest.p + 1, rest.len - 1 }, &s, err);
	if (rc == TP_OK)
		rc = set_groups(groups, &s, err);
	if (rc != TP_OK) {
		ldap_setting_release(&s);
		return rc;
	}
	*ret = s;
	return TP_OK;
}
