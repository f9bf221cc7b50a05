/* SPDX-License-Identifier: MIT */
/* Owns the cutting of a URL, and the question whether it stays on this machine. */
#include "base/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/banned.h"

enum { PORT_MOST = 65535 };

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_visible(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	}
	return true;
}

static bool is_name(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (!is_alpha(c) && !is_digit(c) && c != '.' && c != '-' && c != '_')
			return false;
	}
	return true;
}

static bool to_address(int family, struct span s, void *ret)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (s.len >= sizeof(text))
		return false;
	if (s.len > 0)
		memcpy(text, s.p, s.len);
	return inet_pton(family, text, ret) == 1;
}

static bool cut_scheme(struct span *rest, struct span *ret)
{
	size_t n = 0;

	while (n < rest->len && (is_alpha(rest->p[n]) || (n > 0 && is_digit(rest->p[n]))))
		n++;
	if (n == 0 || rest->len < n + 3 || memcmp(rest->p + n, "://", 3) != 0)
		return false;
	*ret = (struct span){ rest->p, n };
	*rest = (struct span){ rest->p + n + 3, rest->len - n - 3 };
	return true;
}

static struct span cut_authority(struct span *rest)
{
	struct span s = { rest->p, 0 };

	while (s.len < rest->len && rest->p[s.len] != '/' && rest->p[s.len] != '?')
		s.len++;
	*rest = (struct span){ rest->p + s.len, rest->len - s.len };
	return s;
}

/* *rest: what stands behind the host. */
static bool cut_host(struct span *rest, struct span *ret)
{
	const char *end;
	struct in6_addr v6;
	struct span s = *rest;

	if (s.len > 0 && s.p[0] == '[') {
		end = memchr(s.p, ']', s.len);
		if (end == NULL)
			return false;
		*ret = (struct span){ s.p + 1, (size_t)(end - s.p) - 1 };
		*rest = (struct span){ end + 1, s.len - ret->len - 2 };
		return to_address(AF_INET6, *ret, &v6);
	}
	end = s.len > 0 ? memchr(s.p, ':', s.len) : NULL;
	ret->p = s.p;
	ret->len = end != NULL ? (size_t)(end - s.p) : s.len;
	*rest = (struct span){ s.p + ret->len, s.len - ret->len };
	return is_name(*ret);
}

bool url_split(struct span text, struct url *ret)
{
	struct url u = { .port = 0 };
	struct span authority;
	int64_t port = 0;

	if (!is_visible(text) || span_has_byte(text, '#') || !cut_scheme(&text, &u.scheme))
		return false;
	authority = cut_authority(&text);
	if (!cut_host(&authority, &u.host))
		return false;
	if (authority.len > 0) {
		if (authority.p[0] != ':' || u.host.len == 0 ||
		    !span_int((struct span){ authority.p + 1, authority.len - 1 }, 1, PORT_MOST,
			      &port))
			return false;
		u.port = (int)port;
	}
	u.rest = text;
	*ret = u;
	return true;
}

bool url_is_loopback(const struct url *u)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (span_is_nocase(u->host, "localhost"))
		return true;
	if (to_address(AF_INET, u->host, &v4))
		return ntohl(v4.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
	return to_address(AF_INET6, u->host, &v6) && IN6_IS_ADDR_LOOPBACK(&v6);
}
