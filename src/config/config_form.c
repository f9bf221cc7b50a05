/* SPDX-License-Identifier: MIT */
/*
 * Owns the judging of addresses, paths and origins by their form. Whether a host exists, or a
 * pattern of CORS_URLS means something, is not asked here.
 */
#include "config/config_form.h"

#include <arpa/inet.h>
#include <strings.h>

#include "base/banned.h"

static bool made_of(struct span s, const char *further)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		bool alnum =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!alnum && (c == '\0' || strchr(further, c) == NULL))
			return false;
	}
	return s.len > 0;
}

/* HOST or [V6], then perhaps :PORT. */
static bool is_authority(struct span s, bool port_needed)
{
	struct span host = s;
	struct span port = { NULL, 0 };
	int64_t n;

	for (size_t i = s.len; i > 0 && s.p[i - 1] != ']'; i--) {
		if (s.p[i - 1] == ':') {
			host.len = i - 1;
			port = (struct span){ s.p + i, s.len - i };
			break;
		}
	}
	if (port.p == NULL ? port_needed : !span_int(port, 1, 65535, &n))
		return false;
	if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']')
		return made_of((struct span){ host.p + 1, host.len - 2 }, ":.");
	return made_of(host, "-._");
}

bool config_form_is_address(struct span s)
{
	if (span_starts(s, "unix:"))
		return span_starts(s, "unix:/");
	return is_authority(s, true);
}

/* Other names may be anywhere, "127.example.org" included. */
bool config_form_is_local(struct span address)
{
	struct in_addr v4;
	char host[64];
	struct span s = address;

	if (span_starts(s, "unix:"))
		return true;
	while (s.len > 0 && s.p[s.len - 1] != ':')
		s.len--;
	if (s.len < 2 || s.len > sizeof(host))
		return false;
	memcpy(host, s.p, s.len - 1);
	host[s.len - 1] = '\0';
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return strcmp(host, "[::1]") == 0 || strcasecmp(host, "localhost") == 0;
}

bool config_form_is_route(struct span s)
{
	/* No ';', which would end a cookie's Path, and no '%': paths are compared decoded. */
	return span_starts(s, "/") && made_of(s, "/-._~!$&'()*+,=:@");
}

bool config_form_is_origin(struct span s)
{
	if (!span_starts(s, "http://") && !span_starts(s, "https://"))
		return false;
	span_cut(&s, '/');
	span_cut(&s, '/');
	return is_authority(s, false);
}

bool config_form_is_path(struct span s)
{
	return span_starts(s, "/");
}
