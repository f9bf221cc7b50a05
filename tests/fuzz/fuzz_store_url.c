/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a DB_URL. What is taken must be in the ranges that the header gives, its hosts must
 * be what store_url_host() cuts, and the same parts put together again must give the same parts.
 */
#include "store/store_url.h"

#include "base/limits.h"

#include <assert.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void put_escaped(struct buf *out, struct span s)
{
	for (size_t i = 0; s.p != NULL && i < s.len; i++)
		buf_printf(out, "%%%02X", (unsigned char)s.p[i]);
}

static void put_together(const struct store_url *u, struct buf *out)
{
	struct span password = secret_view(&u->password);

	buf_printf(out, "%s://", u->scheme);
	if (u->user != NULL || password.p != NULL) {
		put_escaped(out, span_of(u->user));
		if (password.p != NULL)
			buf_char(out, ':');
		put_escaped(out, password);
		buf_char(out, '@');
	}
	if (u->host != NULL) {
		bool ip6 = strchr(u->host, ':') != NULL && strchr(u->host, ',') == NULL;

		buf_str(out, ip6 ? "[" : "");
		buf_str(out, u->host);
		buf_str(out, ip6 ? "]" : "");
	}
	if (u->port >= 0)
		buf_printf(out, ":%d", u->port);
	if (u->path != NULL) {
		buf_char(out, '/');
		put_escaped(out, span_of(u->path + 1));
	}
}

static bool same_text(const char *a, const char *b)
{
	return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

static void check_again(const struct store_url *u)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(4 * LIMIT_STORE_URL);
	TP_CLEANUP(store_url_release) struct store_url again = { .port = -1 };

	put_together(u, &text);
	if (text.len > LIMIT_STORE_URL)
		return;
	assert(store_url_parse(buf_view(&text), &again, NULL) == TP_OK);
	assert(strcmp(u->scheme, again.scheme) == 0);
	assert(same_text(u->user, again.user));
	assert(span_eq(secret_view(&u->password), secret_view(&again.password)));
	assert(same_text(u->host, again.host));
	assert(u->port == again.port);
	assert(same_text(u->path, again.path));
}

static void check_hosts(const struct store_url *u)
{
	struct span rest = span_of(u->host), host;
	int port;

	if (u->host == NULL || strchr(u->host, ',') == NULL)
		return;
	assert(u->port == -1);
	while (rest.p != NULL) {
		assert(store_url_host(&rest, &host, &port));
		assert(host.len > 0 && (port == -1 || (port >= 1 && port <= 65535)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span text = { (const char *)p, n };
	TP_CLEANUP(store_url_release) struct store_url u = { .port = -1 };
	struct tp_err err = { 0 };
	enum tp_rc rc = store_url_parse(text, &u, &err);

	assert(rc == TP_OK || rc == TP_INVALID);
	if (rc != TP_OK) {
		assert(err.rc == rc && err.msg[0] != '\0');
		assert(u.user == NULL && u.password.p == NULL && u.host == NULL && u.path == NULL);
		return 0;
	}
	assert(u.port == -1 || (u.port >= 1 && u.port <= 65535));
	assert(u.port == -1 || u.host != NULL);
	assert(u.path == NULL || u.path[0] == '/');
	check_hosts(&u);
	check_again(&u);
	return 0;
}
