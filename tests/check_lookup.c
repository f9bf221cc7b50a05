/* SPDX-License-Identifier: MIT */
/* Looking up with a resolver of our own in the place of the system's, which may be as slow as it
 * likes. */
#include "base/lookup.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check_run.h"

#include "base/banned.h"

enum { PORT = 6379, PATIENCE_MS = 20000 };

/* ---- the resolver ---- */

static struct addrinfo *node(const char *address, struct addrinfo *next)
{
	struct addrinfo *a = calloc(1, sizeof(*a) + sizeof(struct sockaddr_in6));
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)(a + 1);
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)(a + 1);

	ck_assert_ptr_nonnull(a);
	a->ai_addr = (struct sockaddr *)(a + 1);
	a->ai_next = next;
	a->ai_addrlen = sizeof(*v4);
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(PORT);
		return a;
	}
	a->ai_addrlen = sizeof(*v6);
	ck_assert_int_eq(inet_pton(AF_INET6, address, &v6->sin6_addr), 1);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(PORT);
	return a;
}

static bool is_address(const char *host)
{
	return strchr(host, ':') != NULL || (host[0] >= '0' && host[0] <= '9');
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int getaddrinfo(const char *restrict host, const char *restrict service,
		const struct addrinfo *restrict hints, struct addrinfo **restrict ret)
{
	ck_assert_str_eq(service, "6379");
	ck_assert_int_eq(hints->ai_socktype, SOCK_STREAM);
	*ret = NULL;
	if (is_address(host)) {
		*ret = node(host, NULL);
		return 0;
	}
	if ((hints->ai_flags & AI_NUMERICHOST) != 0)
		return EAI_NONAME;
	if (strcmp(host, "hangs") == 0)
		for (;;)
			pause();
	if (strcmp(host, "dies") == 0)
		_exit(1);
	if (strcmp(host, "unknown") == 0)
		return EAI_NONAME;
	if (strcmp(host, "both") == 0)
		*ret = node("::1", node("127.0.0.1", NULL));
	for (int i = 0; strcmp(host, "many") == 0 && i < LIMIT_ADDRESSES + 5; i++)
		*ret = node("10.0.0.1", *ret);
	return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
	while (list != NULL) {
		struct addrinfo *next = list->ai_next;

		free(list);
		list = next;
	}
}

/* ---- what is asked ---- */

static enum tp_rc look(const char *host, int64_t ms, struct lookup *ret, struct tp_err *err)
{
	return lookup_host(host, PORT, clock_mono_ms() + ms, ret, err);
}

static void is_at(const struct lookup_address *a, const char *address)
{
	const void *in = a->to.ss_family == AF_INET
				 ? (const void *)&((const struct sockaddr_in *)&a->to)->sin_addr
				 : (const void *)&((const struct sockaddr_in6 *)&a->to)->sin6_addr;
	char text[INET6_ADDRSTRLEN];

	ck_assert_ptr_nonnull(inet_ntop(a->to.ss_family, in, text, sizeof(text)));
	ck_assert_str_eq(text, address);
}

static int first_free_fd(void)
{
	int fd = dup(0);

	ck_assert_int_ge(fd, 0);
	close(fd);
	return fd;
}

/* Neither a child, running or dead, nor a pipe. */
static void nothing_is_left(int fd)
{
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	ck_assert_int_eq(first_free_fd(), fd);
}

START_TEST(an_address_is_taken_as_it_is)
{
	struct tp_err err = { 0 };
	struct lookup at;

	/* Even when there is no time left: there is nobody to wait for. */
	ck_assert_int_eq(look("127.0.0.1", -1, &at, &err), TP_OK);
	ck_assert_uint_eq(at.n, 1);
	is_at(&at.v[0], "127.0.0.1");
	ck_assert_int_eq(look("::1", -1, &at, &err), TP_OK);
	is_at(&at.v[0], "::1");
	ck_assert_uint_eq(at.v[0].len, sizeof(struct sockaddr_in6));
}
END_TEST

START_TEST(a_name_gives_all_its_addresses_in_their_order)
{
	struct tp_err err = { 0 };
	struct lookup at;
	int fd = first_free_fd();

	ck_assert_int_eq(look("both", PATIENCE_MS, &at, &err), TP_OK);
	ck_assert_uint_eq(at.n, 2);
	is_at(&at.v[0], "::1");
	is_at(&at.v[1], "127.0.0.1");
	ck_assert_int_eq(look("many", PATIENCE_MS, &at, &err), TP_OK);
	ck_assert_uint_eq(at.n, LIMIT_ADDRESSES);
	nothing_is_left(fd);
}
END_TEST

START_TEST(a_resolver_that_hangs_is_left_in_time)
{
	struct tp_err err = { 0 };
	struct lookup at;
	int fd = first_free_fd();
	int64_t begun_ms = clock_mono_ms();

	ck_assert_int_eq(look("hangs", 200, &at, &err), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "was not looked up in time");
	ck_assert_int_ge(clock_mono_ms() - begun_ms, 200);
	ck_assert_int_eq(look("hangs", -1, &at, &err), TP_UNAVAILABLE);
	nothing_is_left(fd);
}
END_TEST

START_TEST(what_is_not_found_is_unavailable)
{
	static const struct {
		const char *host, *said;
	} rows[] = { { "unknown", "Name or service not known" },
		     { "dies", "could not be looked up" },
		     { "none", "has no address" } };
	struct tp_err err = { 0 };
	struct lookup at;
	int fd = first_free_fd();

	ck_assert_int_eq(look(rows[_i].host, PATIENCE_MS, &at, &err), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, rows[_i].said);
	nothing_is_left(fd);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("lookup");
	TCase *tc = tcase_create("lookup");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, an_address_is_taken_as_it_is);
	tcase_add_test(tc, a_name_gives_all_its_addresses_in_their_order);
	tcase_add_test(tc, a_resolver_that_hangs_is_left_in_time);
	tcase_add_loop_test(tc, what_is_not_found_is_unavailable, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(suite());
}
