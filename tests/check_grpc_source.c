/* SPDX-License-Identifier: MIT */
/* Which addresses are one client's. */
#include "grpc/grpc_source.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#include "base/rc.h"
#include "support/check_run.h"

#include "base/banned.h"

static struct grpc_source source(const char *text)
{
	struct sockaddr_storage addr = { 0 };
	struct sockaddr_in ip4 = { .sin_family = AF_INET };
	struct sockaddr_in6 ip6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &ip4.sin_addr) == 1)
		memcpy(&addr, &ip4, sizeof(ip4));
	else if (inet_pton(AF_INET6, text, &ip6.sin6_addr) == 1)
		memcpy(&addr, &ip6, sizeof(ip6));
	else
		addr.ss_family = AF_UNIX;
	return grpc_source_of(&addr);
}

static const struct {
	const char *a, *b;
	bool same;
} rows[] = {
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "::ffff:192.0.2.1", "192.0.2.1", true },
	{ "::ffff:192.0.2.1", "::ffff:192.0.2.2", false },
	{ "2001:db8::1", "2001:db8::1", true },
	{ "2001:db8::1", "2001:db8::ffff:0:0:2", true },
	{ "2001:db8::1", "2001:db8:0:1::1", false },
	{ "127.0.0.2", "127.0.0.2", true },
	/* Everybody's. */
	{ "127.0.0.1", "127.0.0.1", false },
	{ "::ffff:127.0.0.1", "::ffff:127.0.0.1", false },
	{ "::1", "::1", false },
	{ "unix", "unix", false },
};

START_TEST(tells_who_is_one_client)
{
	struct grpc_source a = source(rows[_i].a), b = source(rows[_i].b);

	ck_assert_msg(grpc_source_eq(&a, &b) == rows[_i].same, "%s %s", rows[_i].a, rows[_i].b);
	ck_assert(grpc_source_eq(&b, &a) == rows[_i].same);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("grpc_source");
	TCase *t = tcase_create("source");

	tcase_add_loop_test(t, tells_who_is_one_client, 0, TP_COUNT(rows));
	suite_add_tcase(s, t);
	return check_run(s);
}
