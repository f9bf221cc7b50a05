/* SPDX-License-Identifier: MIT */
/*
 * Owns the reading and comparing of web origins. Both sides of a comparison are parsed first: a
 * host is whole labels, so a suffix can match at the border of a label only. Who may do what from
 * where is for http/cors to say.
 */
#include "http/origin.h"

#include "base/banned.h"

static bool is_label_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '-' || c == '_';
}

static struct span skip(struct span s, size_t n)
{
	return (struct span){ s.p + n, s.len - n };
}

static bool skip_prefix(struct span *s, const char *prefix)
{
	if (!span_starts(*s, prefix))
		return false;
	*s = skip(*s, strlen(prefix));
	return true;
}

static char lower(char c)
{
	if (c < 'A' || c > 'Z')
		return c;
	return (char)(c - 'A' + 'a');
}

static bool same_host(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	}
	return true;
}

/* Labels of letters, digits, '-' and '_' between dots, none empty. *ret_labels: how many. */
static bool is_name(struct span host, size_t *ret_labels)
{
	size_t labels = 0, len = 0;

	for (size_t i = 0; i <= host.len; i++) {
		if (i < host.len && is_label_char(host.p[i])) {
			len++;
			continue;
		}
		if (len == 0 || (i < host.len && host.p[i] != '.'))
			return false;
		labels++;
		len = 0;
	}
	*ret_labels = labels;
	return true;
}

/* "[" hex digits, colons and dots "]" at the start of s; 0 when it is none. */
static size_t bracketed_at(struct span s)
{
	size_t n = 1;

	if (s.len == 0 || s.p[0] != '[')
		return 0;
	while (n < s.len && s.p[n] != '\0' && strchr("0123456789abcdefABCDEF:.", s.p[n]) != NULL)
		n++;
	return n > 2 && n < s.len && s.p[n] == ']' ? n + 1 : 0;
}

/* "host[:port]"; *ret_port stays as it is where there is none. */
static bool split_host(struct span s, struct span *ret_host, int *ret_port, bool *ret_has_port)
{
	size_t n = bracketed_at(s), labels;
	int64_t port = 0;

	if (n == 0) {
		while (n < s.len && s.p[n] != ':')
			n++;
		if (!is_name((struct span){ s.p, n }, &labels))
			return false;
	}
	*ret_host = (struct span){ s.p, n };
	*ret_has_port = n < s.len;
	s = skip(s, n);
	if (s.len == 0)
		return true;
	if (s.p[0] != ':' || !span_int(skip(s, 1), 1, 65535, &port))
		return false;
	*ret_port = (int)port;
	return true;
}

static bool skip_scheme(struct span *s, bool *ret_https)
{
	*ret_https = span_starts(*s, "https://");
	return skip_prefix(s, *ret_https ? "https://" : "http://");
}

bool origin_parse(struct span text, struct origin *ret)
{
	struct origin o = { 0 };

	if (!skip_scheme(&text, &o.https))
		return false;
	o.port = o.https ? 443 : 80;
	if (!split_host(text, &o.host, &o.port, &o.has_port))
		return false;
	*ret = o;
	return true;
}

static enum tp_rc check_wildcard(const struct origin *o, struct tp_err *err)
{
	size_t labels;

	if (!is_name(o->host, &labels))
		return tp_fail(err, TP_INVALID, "\"*.\" must stand before a host name");
	if (labels < 2)
		return tp_fail(err, TP_INVALID, "\"*.\" before a single label is too wide");
	return TP_OK;
}

enum tp_rc origin_pattern(struct span text, struct origin *ret, struct tp_err *err)
{
	struct origin o = { .https = true };
	bool has_scheme;
	enum tp_rc rc;

	if (span_is(text, "*")) {
		*ret = (struct origin){ .any = true };
		return TP_OK;
	}
	has_scheme = skip_scheme(&text, &o.https);
	if (!has_scheme)
		o.https = true;
	o.wildcard = skip_prefix(&text, "*.");
	if (!has_scheme && !o.wildcard)
		return tp_fail(err, TP_INVALID,
			       "neither an origin (https://host[:port]) nor a pattern (*.host)");
	o.port = o.https ? 443 : 80;
	if (!split_host(text, &o.host, &o.port, &o.has_port))
		return tp_fail(err, TP_INVALID, "not a host name with an optional port");
	rc = o.wildcard ? check_wildcard(&o, err) : TP_OK;
	if (rc == TP_OK)
		*ret = o;
	return rc;
}

bool origin_matches(const struct origin *pattern, const struct origin *o)
{
	size_t n;

	if (pattern->any)
		return true;
	if (pattern->https != o->https || pattern->port != o->port)
		return false;
	if (!pattern->wildcard)
		return same_host(pattern->host, o->host);
	/* At least one character and the dot before the suffix; o's labels are whole. */
	if (o->host.len < pattern->host.len + 2)
		return false;
	n = o->host.len - pattern->host.len;
	return o->host.p[n - 1] == '.' && same_host(skip(o->host, n), pattern->host);
}

bool origin_is_host(const struct origin *o, struct span host)
{
	struct span name;
	bool has_port;
	int port = 0;

	return split_host(host, &name, &port, &has_port) && same_host(name, o->host) &&
	       (!has_port || port == o->port);
}
