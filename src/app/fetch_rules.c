/* SPDX-License-Identifier: MIT */
/* Owns the grammar of what a program says in a request. It is stricter than a client's library
 * would be: what two readers could read in two ways is no request of ours. */
#include "app/fetch_rules.h"

#include "base/limits.h"
#include "base/str.h"

#include <strings.h>

#include "base/banned.h"

enum { METHOD_MOST = 32, NAME_MOST = 128 };

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_token(const char *s, size_t most)
{
	size_t n = 0;

	if (s == NULL)
		return false;
	while (s[n] != '\0' && (is_alnum(s[n]) || strchr("!#$%&'*+-.^_`|~", s[n]) != NULL))
		n++;
	return s[n] == '\0' && n >= 1 && n <= most;
}

enum tp_rc fetch_rules_method(const char *method, struct tp_err *err)
{
	if (!is_token(method, METHOD_MOST))
		return tp_fail(err, TP_INTERNAL, "its method is none");
	if (strcasecmp(method, "CONNECT") == 0 || strcasecmp(method, "TRACE") == 0)
		return tp_fail(err, TP_INTERNAL, "its method is CONNECT or TRACE");
	return TP_OK;
}

static size_t scheme_of(const char *url)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < TP_COUNT(schemes); i++) {
		if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
			return strlen(schemes[i]);
	}
	return 0;
}

enum tp_rc fetch_rules_url(const char *url, struct tp_err *err)
{
	size_t scheme = url != NULL ? scheme_of(url) : 0, authority;

	if (scheme == 0)
		return tp_fail(err, TP_INTERNAL,
			       "its URL begins with neither http:// nor https://");
	for (const char *c = url; *c != '\0'; c++) {
		if (*c <= ' ' || *c > '~' || strchr("\"<>\\^`{|}", *c) != NULL)
			return tp_fail(err, TP_INTERNAL,
				       "its URL holds a character that has to be percent-encoded");
	}
	authority = strcspn(url + scheme, "/?#");
	if (authority == 0 || url[scheme] == ':')
		return tp_fail(err, TP_INTERNAL, "its URL names no host");
	if (memchr(url + scheme, '@', authority) != NULL)
		return tp_fail(err, TP_INTERNAL, "its URL holds a user or a password");
	if (strlen(url) > LIMIT_FETCH_URL)
		return tp_fail(err, TP_INTERNAL, "its URL is longer than %d bytes",
			       LIMIT_FETCH_URL);
	return TP_OK;
}

/* As CGI does it with the name of a header. */
static int folded(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 'a';
	return c == '_' ? '-' : c;
}

/* Both arrive as the same variable. */
static bool is_name(const char *a, const char *b)
{
	size_t i = 0;

	while (a[i] != '\0' && folded(a[i]) == folded(b[i]))
		i++;
	return a[i] == b[i];
}

enum tp_rc fetch_rules_header(const char *name, const char *value, struct tp_err *err)
{
	static const char *const ours[] = {
		"Authorization",
		"refresh",
		"X-Request-ID",
		"Host",
		"Content-Type",
		"Content-Length",
		"Transfer-Encoding",
		"Connection",
		"Keep-Alive",
		"Expect",
		"Upgrade",
		"TE",
		"Trailer",
		"Proxy-Connection",
		"Proxy-Authorization",
	};

	if (!is_token(name, NAME_MOST))
		return tp_fail(err, TP_INTERNAL, "the name of a header is none");
	for (size_t i = 0; i < TP_COUNT(ours); i++) {
		if (is_name(name, ours[i]))
			return tp_fail(err, TP_INTERNAL,
				       "the header %s is not the program's to set", ours[i]);
	}
	return fetch_rules_value(value, err);
}

enum tp_rc fetch_rules_value(const char *value, struct tp_err *err)
{
	if (value == NULL)
		return tp_fail(err, TP_INTERNAL, "the value of a header is NULL");
	for (const char *c = value; *c != '\0'; c++) {
		unsigned char byte = (unsigned char)*c;

		if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
			return tp_fail(err, TP_INTERNAL,
				       "the value of a header holds a control character");
	}
	if (strlen(value) > LIMIT_FETCH_HEADER)
		return tp_fail(err, TP_INTERNAL, "the value of a header is longer than %d bytes",
			       LIMIT_FETCH_HEADER);
	return TP_OK;
}
