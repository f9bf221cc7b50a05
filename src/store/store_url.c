/* SPDX-License-Identifier: MIT */
/*
 * Takes DB_URL apart. Knows the shape of a URL and nothing of any store: which parts a scheme needs
 * is its backend's check. Messages say what is wrong by the name of the part, since a part may hold
 * a password that was not escaped.
 */
#include "store/store_url.h"

#include "base/codec.h"
#include "base/limits.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/banned.h"

enum { PORT_MOST = 65535 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 3986 section 3.1; kept in lower case. */
static bool take_scheme(struct span *rest, char *ret, size_t size)
{
	size_t n = 0;

	while (n < rest->len && n < size - 1) {
		char c = rest->p[n];

		if (!is_letter(c) && (n == 0 || (!is_digit(c) && strchr("+-.", c) == NULL)))
			break;
		ret[n++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	ret[n] = '\0';
	*rest = (struct span){ rest->p + n, rest->len - n };
	if (n == 0 || !span_starts(*rest, "://"))
		return false;
	*rest = (struct span){ rest->p + 3, rest->len - 3 };
	return true;
}

static bool is_ip6(struct span s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr unused;

	if (s.len >= sizeof(text))
		return false;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	return inet_pton(AF_INET6, text, &unused) == 1;
}

static bool is_name(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_letter(s.p[i]) && !is_digit(s.p[i]) && strchr("-._", s.p[i]) == NULL)
			return false;
	return s.len > 0;
}

/* host[:port], where host may be an IPv6 address in brackets. */
static bool split_host(struct span s, struct span *ret_host, int *ret_port)
{
	bool bracket = span_starts(s, "[");
	struct span host, rest = s;
	int64_t port = -1;

	if (bracket)
		rest = (struct span){ s.p + 1, s.len - 1 };
	host = span_cut(&rest, bracket ? ']' : ':');
	if (bracket) {
		/* what follows the bracket is nothing, or a port */
		if (!is_ip6(host) || rest.p == NULL || (rest.len > 0 && rest.p[0] != ':'))
			return false;
		if (rest.len == 0)
			rest.p = NULL;
		else
			rest = (struct span){ rest.p + 1, rest.len - 1 };
	} else if (!is_name(host)) {
		return false;
	}
	if (rest.p != NULL && !span_int(rest, 1, PORT_MOST, &port))
		return false;
	*ret_host = host;
	*ret_port = (int)port;
	return true;
}

bool store_url_host(struct span *hosts, struct span *ret_host, int *ret_port)
{
	struct span rest = *hosts;
	struct span one;

	if (rest.p == NULL)
		return false;
	one = span_cut(&rest, ',');
	if (!split_host(one, ret_host, ret_port))
		return false;
	*hosts = rest;
	return true;
}

static enum tp_rc decode(struct span text, const char *what, struct buf *ret, struct tp_err *err)
{
	if (codec_percent_get(text, false, ret, NULL) == TP_INVALID)
		return tp_fail(err, TP_INVALID,
			       "the %s in DB_URL has a '%%' without two hex digits", what);
	if (span_has_byte(buf_view(ret), '\0'))
		return tp_fail(err, TP_INVALID, "the %s in DB_URL has a NUL", what);
	return buf_rc(ret, what, err);
}

static enum tp_rc decode_text(struct span text, const char *what, char **ret, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(LIMIT_STORE_URL);
	enum tp_rc rc = decode(text, what, &b, err);

	if (rc != TP_OK)
		return rc;
	*ret = span_dup(buf_view(&b));
	return *ret != NULL ? TP_OK : tp_fail(err, TP_NOMEM, "out of memory");
}

static enum tp_rc take_userinfo(struct span s, struct store_url *u, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(LIMIT_STORE_URL);
	struct span user = span_cut(&s, ':');
	enum tp_rc rc;

	/* "redis://:password@host" is the usual way to have no user. */
	if (user.len > 0) {
		rc = decode_text(user, "user", &u->user, err);
		if (rc != TP_OK)
			return rc;
	}
	if (s.p == NULL || s.len == 0)
		return TP_OK;
	rc = decode(s, "password", &b, err);
	if (rc != TP_OK)
		return rc;
	secret_take(&u->password, &b);
	return TP_OK;
}

static enum tp_rc take_hosts(struct span s, struct store_url *u, struct tp_err *err)
{
	struct span rest = s, host = { NULL, 0 };
	int port = -1;

	if (s.len == 0)
		return TP_OK;
	while (rest.p != NULL)
		if (!store_url_host(&rest, &host, &port))
			return tp_fail(err, TP_INVALID,
				       "the host or the port in DB_URL is malformed (a '/' in a "
				       "password is written %%2F)");
	if (span_has_byte(s, ',')) {
		host = s;
		port = -1;
	}
	u->host = span_dup(host);
	if (u->host == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	u->port = port;
	return TP_OK;
}

static enum tp_rc take_authority(struct span s, struct store_url *u, struct tp_err *err)
{
	size_t at = s.len;

	/* The last '@': one in a password may have been left as it is. */
	while (at > 0 && s.p[at - 1] != '@')
		at--;
	if (at > 0) {
		enum tp_rc rc = take_userinfo((struct span){ s.p, at - 1 }, u, err);

		if (rc != TP_OK)
			return rc;
	}
	return take_hosts((struct span){ s.p + at, s.len - at }, u, err);
}

static enum tp_rc take_path(struct span s, struct store_url *u, struct tp_err *err)
{
	if (s.len == 0)
		return TP_OK;
	/* "redis://user:se/cret@host": what looks like a path is the end of a password. */
	if (u->host != NULL && span_has_byte(s, '@'))
		return tp_fail(err, TP_INVALID,
			       "DB_URL has an '@' after the '/' that ends the host (a '/' in a "
			       "password is written %%2F)");
	if (span_has_byte(s, '?') || span_has_byte(s, '#'))
		return tp_fail(err, TP_INVALID,
			       "DB_URL: takes no '?' and no '#' part (in a path they are written "
			       "%%3F and %%23)");
	return decode_text(s, "path", &u->path, err);
}

static enum tp_rc take_parts(struct span rest, struct store_url *u, struct tp_err *err)
{
	size_t slash = 0;
	enum tp_rc rc;

	while (slash < rest.len && rest.p[slash] != '/')
		slash++;
	rc = take_authority((struct span){ rest.p, slash }, u, err);
	if (rc != TP_OK)
		return rc;
	return take_path((struct span){ rest.p + slash, rest.len - slash }, u, err);
}

enum tp_rc store_url_parse(struct span text, struct store_url *ret, struct tp_err *err)
{
	struct store_url u = { .port = -1 };
	enum tp_rc rc;

	if (text.p == NULL || text.len == 0)
		return tp_fail(err, TP_INVALID, "DB_URL is empty");
	if (text.len > LIMIT_STORE_URL)
		return tp_fail(err, TP_INVALID, "DB_URL is longer than %d bytes", LIMIT_STORE_URL);
	if (span_has_control(text))
		return tp_fail(err, TP_INVALID, "DB_URL has a control character");
	if (!take_scheme(&text, u.scheme, sizeof(u.scheme)))
		return tp_fail(err, TP_INVALID, "DB_URL does not start with scheme://");
	rc = take_parts(text, &u, err);
	if (rc != TP_OK) {
		store_url_release(&u);
		return rc;
	}
	*ret = u;
	return TP_OK;
}

void store_url_release(struct store_url *u)
{
	if (u == NULL)
		return;
	free(u->user);
	secret_release(&u->password);
	free(u->host);
	free(u->path);
	*u = (struct store_url){ .port = -1 };
}
