/* SPDX-License-Identifier: MIT */
/*
 * The handler ldap: against a real server with a directory of its own: who may come in, by which
 * name and with which groups, and what is trouble. The loadable object is where the build leaves
 * it, BUILD_DIR/.libs.
 */
#include "auth/authn.h"

#include "support/certs.h"
#include "support/check_run.h"
#include "support/folder.h"
#include "support/module_rig.h"
#include "support/slapd.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

#define DC     "dc=example,dc=org"
#define PEOPLE "ou=people," DC
#define READER "cn=reader," DC

enum { LONG_MS = 20000, SHORT_MS = 600, SKIP = 77 };

static struct authn *handler;
static struct tp_err err;
static struct authn_spec last; /* how the handler was opened */
static bool child_only;	       /* what may hang is asked by the handler alone */

/* clang-format off */
#define PERSON(rdn, ou, rest) \
	"dn: " rdn "," ou "\nobjectClass: inetOrgPerson\nsn: x\n" rest "\n"
#define OU(name) "dn: ou=" name "," DC "\nobjectClass: organizationalUnit\nou: " name "\n\n"

static const char directory[] =
	"dn: " DC "\nobjectClass: dcObject\nobjectClass: organization\no: x\ndc: example\n\n"
	OU("people") OU("other") OU("groups") OU("hidden")
	"dn: cn=secret,ou=hidden," DC "\nobjectClass: groupOfNames\ncn: secret\nmember: uid=alice," PEOPLE "\n\n"
	"dn: " READER "\nobjectClass: person\nsn: x\ncn: reader\nuserPassword: reader-pw\n\n"
	PERSON("uid=alice", PEOPLE, "uid: alice\ncn: Alice A\nmail: alice@example.org\nuserPassword: pw-alice\n"
	       "memberOf: cn=write,ou=groups," DC "\nmemberOf: cn=Domain Users,ou=groups," DC "\n"
	       "memberOf: cn=read,ou=groups," DC "\nmemberOf: cn=read,ou=other," DC "\n"
	       "memberOf: cn=a\\+b\\2Cc,ou=groups," DC "\nmemberOf: cn=x+ou=y," DC "\n")
	PERSON("uid=bob", PEOPLE, "uid: bob\ncn: Bob\nuserPassword: pw-bob\ndescription: locked\n")
	PERSON("uid=nopw", PEOPLE, "uid: nopw\ncn: N\n")
	PERSON("uid=twin", PEOPLE, "uid: twin\ncn: T\nuserPassword: pw-twin\n")
	PERSON("uid=twin", "ou=other," DC, "uid: twin\ncn: T\nuserPassword: pw-twin\n")
	PERSON("uid=multi", PEOPLE, "uid: multi\nuid: second\ncn: M\nuserPassword: pw-multi\n")
	PERSON("cn=anna", PEOPLE, "cn: anna\nuserPassword: pw-anna\n")
	PERSON("uid=eve\\, (x)*\\\\\\+", PEOPLE, "uid: eve, (x)*\\+\ncn: Eve\nuserPassword: pw-eve\n")
	PERSON("uid=carol", "ou=hidden," DC, "uid: carol\ncn: Carol\nuserPassword: pw-carol\n")
	"dn: cn=staff,ou=groups," DC "\nobjectClass: groupOfNames\ncn: staff\nmember: uid=alice," PEOPLE "\n"
	"member: uid=eve\\, (x)*\\\\\\+," PEOPLE "\n\n"
	"dn: cn=admins,ou=groups," DC "\nobjectClass: groupOfNames\ncn: admins\nmember: uid=alice," PEOPLE "\n\n";
/* clang-format on */

/* Once: what is asked in this process leaves no environment. */
static const char *module_dir(void)
{
	static char path[4096];
	const char *build = getenv("BUILD_DIR");

	if (path[0] == '\0')
		snprintf(path, sizeof(path), "%s/.libs", build ? build : ".");
	return path;
}

static void begin(void)
{
	folder_make();
	slapd_start(directory, false);
}

static void begin_tls(void)
{
	folder_make();
	slapd_start(directory, true);
}

static void end(void)
{
	authn_close(handler);
	handler = NULL;
	slapd_stop();
	folder_remove();
}

static void close_handler(void)
{
	authn_close(handler);
	handler = NULL;
}

static enum tp_rc open_spec(struct authn_spec spec, const char *url)
{
	close_handler();
	err = (struct tp_err){ 0 };
	spec.handler = span_of(url);
	spec.module_dir = module_dir();
	if (spec.limit_ms == 0)
		spec.limit_ms = LONG_MS;
	last = spec;
	return authn_open(&spec, &handler, &err);
}

/* rest: what stands behind the server's '/'. */
static void open_at(struct authn_spec spec, const char *rest)
{
	static char url[1024];

	snprintf(url, sizeof(url), "ldap:ldap://127.0.0.1:%d/%s", slapd_port(), rest);
	ck_assert_msg(open_spec(spec, url) == TP_OK, "%s", err.msg);
}

static void open_plain(const char *rest)
{
	open_at((struct authn_spec){ .limit_ms = 0 }, rest);
}

static struct authn_spec reader(void)
{
	return (struct authn_spec){ .ldap_bind_dn = READER,
				    .ldap_bind_password = SPAN_LIT("reader-pw") };
}

/* The answer as JSON, "" for none. */
static enum tp_rc ask(const struct authn_request *r, const char *expected)
{
	struct jval *claims = NULL;
	struct buf json = BUF_INIT(10000);
	enum tp_rc rc;

	err = (struct tp_err){ 0 };
	rc = authn_ask(handler, r, &claims, &err);
	ck_assert_int_eq(rc == TP_OK, claims != NULL);
	if (claims != NULL)
		jval_write(claims, &json);
	if (rc == TP_OK)
		ck_assert_str_eq(buf_cstr(&json), expected);
	jval_release(claims);
	buf_release(&json);
	if (!child_only)
		module_rig_compare(&last, "tpauth_ldap.so", r, rc);
	return rc;
}

static enum tp_rc log_in(const char *user, const char *password, const char *expected)
{
	const struct authn_request r = { .event = AUTHN_LOGIN,
					 .username = span_of(user),
					 .password = span_of(password) };

	return ask(&r, expected);
}

static enum tp_rc refresh(const char *user, const char *expected)
{
	struct authn_request r = { .event = AUTHN_REFRESH };
	struct jval *claims = jval_new_object();
	enum tp_rc rc;

	ck_assert_int_eq(jval_set_str(claims, "user_id", span_of(user), NULL), TP_OK);
	r.claims = claims;
	rc = ask(&r, expected);
	jval_release(claims);
	return rc;
}

/* clang-format off */
#define ALICE(scopes) "{\"user_id\":\"alice\",\"username\":\"Alice A\",\"email\":\"alice@example.org\",\"scopes\":[" scopes "]}"
#define BOB "{\"user_id\":\"bob\",\"username\":\"Bob\",\"email\":null,\"scopes\":[]}"
#define MULTI(id) "{\"user_id\":\"" id "\",\"username\":\"M\",\"email\":null,\"scopes\":[]}"
#define EVE "{\"user_id\":\"eve, (x)*\\\\+\",\"username\":\"Eve\",\"email\":null,\"scopes\":[]}"
#define MEMBER_OF "\"write\",\"read\",\"a+b,c\""

/* What is asked, found by a search in PEOPLE or in all, or at a DN that is known. */
#define SEARCH PEOPLE
#define ALL    DC "??sub"
#define DIRECT "uid=%u," PEOPLE

static const struct {
	const char *url, *user, *password;
	enum tp_rc rc;
	const char *says; /* claims, or the message */
} logins[] = {
	{ SEARCH, "alice", "pw-alice", TP_OK, ALICE(MEMBER_OF) },
	{ SEARCH, "ALICE", "pw-alice", TP_OK, ALICE(MEMBER_OF) }, /* one user, one user_id */
	{ SEARCH, "alice ", "pw-alice", TP_OK, ALICE(MEMBER_OF) },
	/* The directory takes these for "alice" as well; who counts attempts by name does not. */
	{ SEARCH, "\xef\xbd\x81lice", "pw-alice", TP_DENIED, "the directory: the user's entry has no uid, or none that is the name" },
	{ DIRECT, "\xef\xbd\x81lice", "pw-alice", TP_DENIED, "the directory: the user's entry has no uid, or none that is the name" },
	{ SEARCH, "bob", "pw-bob", TP_OK, BOB },
	{ SEARCH, "multi", "pw-multi", TP_OK, MULTI("multi") },
	{ SEARCH, "Second", "pw-multi", TP_OK, MULTI("second") },
	{ SEARCH, "eve, (x)*\\+", "pw-eve", TP_OK, EVE },
	{ SEARCH, "alice", "pw-bob", TP_DENIED, "the directory: Invalid credentials" },
	{ SEARCH, "alice", "", TP_DENIED, "an empty password" },
	{ SEARCH, "nopw", "x", TP_DENIED, "the directory: Inappropriate authentication" },
	{ SEARCH, "nobody", "x", TP_DENIED, "the directory: no entry of that name" },
	{ SEARCH, "*", "pw-alice", TP_DENIED, "the directory: no entry of that name" },
	{ SEARCH, "ali*", "pw-alice", TP_DENIED, "the directory: no entry of that name" },
	{ SEARCH, "x)(uid=alice", "pw-alice", TP_DENIED, "the directory: no entry of that name" },
	{ SEARCH, "", "pw-alice", TP_DENIED, "a user name that cannot be one" },
	{ SEARCH, "a\nb", "pw-alice", TP_DENIED, "a user name that cannot be one" },
	{ SEARCH, "twin", "pw-twin", TP_OK, "{\"user_id\":\"twin\",\"username\":\"T\",\"email\":null,\"scopes\":[]}" },
	{ ALL, "twin", "pw-twin", TP_DENIED, "the directory: more than one entry of that name" },
	{ DC "??one", "alice", "pw-alice", TP_DENIED, "the directory: no entry of that name" },
	{ SEARCH "?uid?sub?(!(description=locked))", "bob", "pw-bob", TP_DENIED, "the directory: no entry of that name" },
	{ SEARCH "?uid?sub?(!(description=locked))", "multi", "pw-multi", TP_OK, MULTI("multi") },
	{ SEARCH "?mail", "alice@example.org", "pw-alice", TP_OK,
	  "{\"user_id\":\"alice@example.org\",\"username\":\"Alice A\",\"email\":\"alice@example.org\",\"scopes\":[" MEMBER_OF "]}" },
	{ "ou=none," DC, "alice", "pw-alice", TP_UNAVAILABLE, "the directory: search: No such object" },
	{ "nonsense", "alice", "pw-alice", TP_UNAVAILABLE, "the directory: search: Invalid DN syntax: invalid DN" },
	{ SEARCH "?uid?sub?(&(a=b)", "alice", "pw-alice", TP_INVALID, NULL },
	{ DIRECT, "alice", "pw-alice", TP_OK, ALICE(MEMBER_OF) },
	{ DIRECT, "Alice", "pw-alice", TP_OK, ALICE(MEMBER_OF) },
	{ DIRECT, "eve, (x)*\\+", "pw-eve", TP_OK, EVE },
	{ DIRECT, "alice", "wrong", TP_DENIED, "the directory: Invalid credentials" },
	{ DIRECT, "alice", "", TP_DENIED, "an empty password" },
	{ DIRECT, "nobody", "x", TP_DENIED, "the directory: Invalid credentials" },
	{ DIRECT, "alice,ou=people,dc=example,dc=org", "pw-alice", TP_DENIED, "the directory: Invalid credentials" },
	{ DIRECT "?uid?sub?(!(description=locked))", "bob", "pw-bob", TP_DENIED, "the directory: no entry of that name" },
	{ "cn=%u," PEOPLE, "anna", "pw-anna", TP_DENIED,
	  "the directory: the user's entry has no uid, or none that is the name" },
	{ "cn=%u," PEOPLE "?cn", "anna", "pw-anna", TP_OK,
	  "{\"user_id\":\"anna\",\"username\":\"anna\",\"email\":null,\"scopes\":[]}" },
	/* The root of the server has no name, and a bind without one is nobody's. */
	{ "?objectClass?base", "top", "x", TP_DENIED, "the directory: the user's entry has no DN" },
	{ "%u", READER, "reader-pw", TP_UNAVAILABLE, "the directory: bind: Invalid DN syntax: invalid DN" },
};
/* clang-format on */

START_TEST(a_login_is_a_bind_as_the_one_entry)
{
	enum tp_rc rc;

	if (logins[_i].says == NULL) {
		static char url[256];

		snprintf(url, sizeof(url), "ldap:ldap://127.0.0.1/%s", logins[_i].url);
		ck_assert_int_eq(open_spec((struct authn_spec){ .limit_ms = 0 }, url),
				 logins[_i].rc);
		return;
	}
	open_plain(logins[_i].url);
	ck_assert(authn_folds_names(handler));
	rc = log_in(logins[_i].user, logins[_i].password, logins[_i].says);
	ck_assert_msg(rc == logins[_i].rc, "%s %s: %d %s", logins[_i].url, logins[_i].user, rc,
		      err.msg);
	if (rc != TP_OK)
		ck_assert_str_eq(err.msg, logins[_i].says);
}
END_TEST

START_TEST(a_refresh_looks_everything_up_anew)
{
	open_plain(SEARCH);
	ck_assert_msg(refresh("alice", ALICE(MEMBER_OF)) == TP_OK, "%s", err.msg);
	ck_assert_int_eq(refresh("gone", ""), TP_DENIED);
	ck_assert_int_eq(refresh("*", ""), TP_DENIED);
	open_plain(SEARCH "?uid?sub?(!(description=locked))");
	ck_assert_int_eq(refresh("bob", ""), TP_DENIED);
	open_plain(DIRECT);
	ck_assert_msg(refresh("alice", ALICE(MEMBER_OF)) == TP_OK, "%s", err.msg);
	ck_assert_int_eq(refresh("gone", ""), TP_DENIED);
	open_plain("ou=none," DC);
	ck_assert_int_eq(refresh("alice", ""), TP_UNAVAILABLE);
}
END_TEST

START_TEST(a_reader_sees_what_nobody_sees)
{
	static const char carol[] = "{\"user_id\":\"carol\",\"username\":\"Carol\","
				    "\"email\":null,\"scopes\":[]}";

	open_plain("ou=hidden," DC);
	ck_assert_int_ne(log_in("carol", "pw-carol", ""), TP_OK);
	open_at(reader(), "ou=hidden," DC);
	ck_assert_msg(log_in("carol", "pw-carol", carol) == TP_OK, "%s", err.msg);
	ck_assert_int_eq(log_in("carol", "reader-pw", ""), TP_DENIED);
	ck_assert_int_eq(refresh("carol", carol), TP_OK);
	open_at(reader(), "uid=%u,ou=hidden," DC);
	ck_assert_msg(log_in("carol", "pw-carol", carol) == TP_OK, "%s", err.msg);
	ck_assert_int_eq(refresh("carol", carol), TP_OK);
	open_plain("uid=%u,ou=hidden," DC);
	ck_assert_int_eq(log_in("carol", "pw-carol", ""), TP_DENIED);
}
END_TEST

START_TEST(a_reader_sees_the_groups_that_the_user_does_not)
{
	struct authn_spec spec = reader();

	spec.ldap_groups = "ou=hidden," DC "?cn?one?(member=%d)";
	open_at(spec, SEARCH);
	ck_assert_msg(log_in("alice", "pw-alice", ALICE("\"secret\"")) == TP_OK, "%s", err.msg);
	open_at(spec, DIRECT);
	ck_assert_msg(log_in("alice", "pw-alice", ALICE("\"secret\"")) == TP_OK, "%s", err.msg);
}
END_TEST

START_TEST(a_reader_who_is_refused_is_trouble)
{
	struct authn_spec spec = reader();

	spec.ldap_bind_password = SPAN_LIT("wrong");
	open_at(spec, SEARCH);
	ck_assert_int_eq(log_in("alice", "pw-alice", ""), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg,
			 "LDAP_BIND_DN or its password: the directory: Invalid credentials");
	ck_assert_int_eq(refresh("alice", ""), TP_UNAVAILABLE);
	ck_assert_int_eq(authn_probe(handler, &err), TP_UNAVAILABLE);
	open_at(spec, DIRECT);
	ck_assert_int_eq(log_in("alice", "pw-alice", ""), TP_UNAVAILABLE);
	spec.ldap_bind_password = (struct span){ NULL, 0 };
	ck_assert_int_eq(open_spec(spec, "ldap:ldap://127.0.0.1/" DC), TP_INVALID);
	ck_assert_str_eq(err.msg, "LDAP_BIND_PASSWORD: not set, and LDAP_BIND_DN needs it");
}
END_TEST

START_TEST(groups_may_be_searched)
{
	struct authn_spec spec = { .ldap_groups = "ou=groups," DC "?cn?one?(member=%d)" };

	open_at(spec, SEARCH);
	ck_assert_msg(log_in("alice", "pw-alice", ALICE("\"admins\",\"staff\"")) == TP_OK, "%s",
		      err.msg);
	ck_assert_int_eq(log_in("eve, (x)*\\+", "pw-eve",
				"{\"user_id\":\"eve, (x)*\\\\+\",\"username\":\"Eve\","
				"\"email\":null,\"scopes\":[\"staff\"]}"),
			 TP_OK);
	ck_assert_int_eq(log_in("bob", "pw-bob", BOB), TP_OK);
	ck_assert_int_eq(refresh("alice", ALICE("\"admins\",\"staff\"")), TP_OK);
	spec.ldap_groups = "ou=nowhere," DC;
	open_at(spec, SEARCH);
	ck_assert_int_eq(log_in("alice", "pw-alice", ""), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the directory: LDAP_GROUPS: No such object");
}
END_TEST

static int listen_anywhere(int *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t len = sizeof(a);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

START_TEST(a_server_that_went_or_is_silent_is_trouble_in_time)
{
	int64_t begun;

	open_at((struct authn_spec){ .limit_ms = SHORT_MS }, SEARCH);
	ck_assert_msg(authn_probe(handler, &err) == TP_OK, "%s", err.msg);
	child_only = true;
	slapd_freeze();
	begun = clock_mono_ms();
	ck_assert_int_eq(log_in("alice", "pw-alice", ""), TP_UNAVAILABLE);
	ck_assert_int_lt(clock_mono_ms() - begun, LONG_MS);
	slapd_stop();
	ck_assert_int_eq(log_in("alice", "pw-alice", ""), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the directory: bind: Can't contact LDAP server");
	ck_assert_int_eq(refresh("alice", ""), TP_UNAVAILABLE);
	ck_assert_int_eq(authn_probe(handler, &err), TP_UNAVAILABLE);
}
END_TEST

/* An entry that says of another server that it knows more, in the midst of the people. */
#define REFERRAL                                                                            \
	"%sdn: uid=away," PEOPLE "\nobjectClass: referral\nobjectClass: extensibleObject\n" \
	"uid: away\nref: ldap://127.0.0.1:%d/uid=away," PEOPLE "\n\n"

START_TEST(no_referral_is_followed)
{
	int port = 0, fd = listen_anywhere(&port);
	struct buf all = BUF_INIT(100000);

	slapd_stop();
	folder_remove();
	folder_make();
	buf_printf(&all, REFERRAL, directory, port);
	slapd_start(buf_cstr(&all), false);
	child_only = true;
	open_plain(DIRECT);
	ck_assert_int_ne(log_in("away", "pw-away", ""), TP_OK);
	open_plain(SEARCH);
	ck_assert_int_ne(log_in("away", "pw-away", ""), TP_OK);
	ck_assert_int_eq(log_in("bob", "pw-bob", BOB), TP_OK);
	ck_assert_int_lt(accept(fd, NULL, NULL), 0);
	ck_assert_int_eq(errno, EAGAIN);
	close(fd);
	buf_release(&all);
}
END_TEST

START_TEST(a_base_that_is_not_there_is_found_out_by_the_probe)
{
	open_plain("ou=none," DC);
	ck_assert_int_eq(authn_probe(handler, &err), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the directory: the base: No such object");
	open_plain(DIRECT);
	ck_assert_int_eq(authn_probe(handler, &err), TP_OK);
}
END_TEST

START_TEST(a_unix_socket_needs_no_tls)
{
	static char url[1024];

	snprintf(url, sizeof(url), "ldap:ldapi://%s/%s", slapd_ldapi(), SEARCH);
	ck_assert_msg(open_spec((struct authn_spec){ .limit_ms = 0 }, url) == TP_OK, "%s", err.msg);
	ck_assert_msg(log_in("bob", "pw-bob", BOB) == TP_OK, "%s", err.msg);
}
END_TEST

/* 0.0.0.0 is another machine as far as the settings go. */
START_TEST(nothing_is_said_to_another_machine_without_tls)
{
	static char url[1024];

	snprintf(url, sizeof(url), "ldap:ldap://0.0.0.0:%d/%s", slapd_port(), SEARCH);
	ck_assert_msg(open_spec((struct authn_spec){ .limit_ms = 0 }, url) == TP_OK, "%s", err.msg);
	ck_assert_int_eq(log_in("bob", "pw-bob", ""), TP_UNAVAILABLE);
	ck_assert(strncmp(err.msg, "the directory: StartTLS: ", 25) == 0);
}
END_TEST

static void open_tls(const char *scheme, const char *host, int port, const char *ca)
{
	static char url[1024];

	snprintf(url, sizeof(url), "ldap:%s://%s:%d/%s", scheme, host, port, SEARCH);
	ck_assert_msg(open_spec((struct authn_spec){ .ca_file = ca }, url) == TP_OK, "%s", err.msg);
}

START_TEST(tls_proves_who_the_server_is)
{
	char *ca = certs_file("ca.pem"), *other = certs_file("other.pem");

	certs_authority("other");
	/* What the environment says of certificates does not count. */
	setenv("LDAPTLS_REQCERT", "never", 1);
	open_tls("ldaps", "127.0.0.1", slapd_tls_port(), ca);
	ck_assert_msg(log_in("bob", "pw-bob", BOB) == TP_OK, "%s", err.msg);
	open_tls("ldap", "0.0.0.0", slapd_port(), ca);
	ck_assert_msg(log_in("bob", "pw-bob", BOB) == TP_OK, "%s", err.msg);
	open_tls("ldaps", "127.0.0.1", slapd_tls_port(), other);
	ck_assert_int_eq(log_in("bob", "pw-bob", ""), TP_UNAVAILABLE);
	ck_assert_int_eq(refresh("bob", ""), TP_UNAVAILABLE);
	open_tls("ldap", "0.0.0.0", slapd_port(), other);
	ck_assert_int_eq(log_in("bob", "pw-bob", ""), TP_UNAVAILABLE);
	open_tls("ldaps", "127.0.0.1", slapd_tls_port(), NULL);
	ck_assert_int_eq(log_in("bob", "pw-bob", ""), TP_UNAVAILABLE);
	open_tls("ldaps", "127.0.0.1", slapd_tls_port(), "/nonexistent");
	ck_assert_int_eq(log_in("bob", "pw-bob", ""), TP_UNAVAILABLE);
	/* The right authority, and not that host. */
	open_tls("ldaps", "127.0.0.2", slapd_tls_port(), ca);
	ck_assert_int_eq(log_in("bob", "pw-bob", ""), TP_UNAVAILABLE);
}
END_TEST

static Suite *ldap_suite(void)
{
	Suite *s = suite_create("authn_ldap");
	TCase *t = tcase_create("authn_ldap"), *tls = tcase_create("tls");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_loop_test(t, a_login_is_a_bind_as_the_one_entry, 0, TP_COUNT(logins));
	tcase_add_test(t, a_refresh_looks_everything_up_anew);
	tcase_add_test(t, a_reader_sees_what_nobody_sees);
	tcase_add_test(t, a_reader_sees_the_groups_that_the_user_does_not);
	tcase_add_test(t, a_reader_who_is_refused_is_trouble);
	tcase_add_test(t, groups_may_be_searched);
	tcase_add_test(t, a_server_that_went_or_is_silent_is_trouble_in_time);
	tcase_add_test(t, no_referral_is_followed);
	tcase_add_test(t, a_base_that_is_not_there_is_found_out_by_the_probe);
	tcase_add_test(t, a_unix_socket_needs_no_tls);
	tcase_add_test(t, nothing_is_said_to_another_machine_without_tls);
	suite_add_tcase(s, t);
	tcase_set_timeout(tls, 60);
	tcase_add_checked_fixture(tls, begin_tls, end);
	tcase_add_test(tls, tls_proves_who_the_server_is);
	suite_add_tcase(s, tls);
	return s;
}

int main(void)
{
	if (!slapd_is_installed()) {
		puts("SKIP: there is no slapd: the handler ldap: is NOT tested");
		return SKIP;
	}
	return check_run(ldap_suite());
}
