/* SPDX-License-Identifier: MIT */
/*
 * The handler htpasswd: as authn gives it, over files that stay as they are: who logs in with which
 * claims, and which files are refused at start.
 */
#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/htfiles.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define APR1   "$apr1$8Ti/muGk$lMIBN0iEpP98oOAVAN7HT0"
#define MD5    "$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80"
#define SHA256 "$5$rounds=1000$GeLlTG9D1s8pikWZ$w.CuNHJfekqqOF3z4D76KrpYoQSe92V27g2ab4htry8"
#define YES    "$y$j75$LdJMENpBABJJ3hIHjB1Bi.$rfA07bT0O97FNWV5Cb8oFDnoGBJLXwSI4w/PIpLfyy2"
#define DES    "UjLB9hLnxCEPc"

/* clang-format off */
static const char every_format[] =
	"# users\n"
	"sha:" HT_SHA "\n"
	"apr1:" APR1 ":a third field\n"
	"bcrypt:" HT_BCRYPT "\r\n"
	"md5:" MD5 "\n"
	"sha256:" SHA256 "\n"
	"yescrypt:" YES "\n"
	"des:" DES "\n"
	"J\xc3\xb6rg Doe:" HT_SHA "\n"
	"tpauth-x:" HT_SHA "\n"
	"plain:correct horse\n"
	"locked:!" HT_SHA "\n"
	"empty:\n"
	"sha:" HT_SHA_NO "\n";

static const char *const known[] = { "sha", "apr1", "bcrypt", "md5", "sha256", "yescrypt", "des",
				     "J\xc3\xb6rg Doe" };
static const char *const unknown[] = { "nobody", "", "HT_SHA", "sha ", "sh", "# users", "tpauth-x",
				       ("sha:" HT_SHA) };

static const struct {
	const char *user, *msg;
} useless[] = {
	{ "plain", ": line 11: a password hash of no known format" },
	{ "locked", ": line 12: a password hash of no known format" },
	{ "empty", ": line 13: a password hash of no known format" },
};
/* clang-format on */

START_TEST(the_right_password_logs_in)
{
	htfiles_open_with(every_format, NULL);
	htfiles_expect_login(known[_i], "");
}
END_TEST

START_TEST(an_unknown_name_is_denied)
{
	htfiles_open_with(every_format, NULL);
	htfiles_expect_denied(unknown[_i]);
}
END_TEST

START_TEST(a_wrong_password_reads_like_an_unknown_name)
{
	static const char *const wrong[] = { "", "wrong", "correct", "Correct horse" };

	htfiles_open_with(every_format, NULL);
	for (size_t i = 0; i < TP_COUNT(wrong); i++) {
		ck_assert_int_eq(htfiles_login_bytes(span_of(known[_i]), span_of(wrong[i])),
				 TP_DENIED);
		ck_assert_str_eq(htfiles_err.msg, HT_WRONG);
		ck_assert_int_eq(htfiles_err.retry_s, 0);
	}
}
END_TEST

START_TEST(a_hash_of_no_known_format_is_denied_and_named_in_the_log)
{
	htfiles_open_with(every_format, NULL);
	ck_assert_int_eq(htfiles_login(useless[_i].user), TP_DENIED);
	htfiles_expect_msg("", "users", useless[_i].msg);
}
END_TEST

/* The dearest hash is checked for those who are not there, and must not let them in. */
START_TEST(the_password_of_another_user_lets_nobody_in)
{
	htfiles_open_with("joe:" HT_BCRYPT "\nann:" HT_SHA_NO "\nkim:!\n", NULL);
	htfiles_expect_login("joe", "");
	htfiles_expect_denied("nobody");
	htfiles_expect_denied("ann");
	ck_assert_int_eq(htfiles_login("kim"), TP_DENIED);
}
END_TEST

/* More memory than any machine has: that the dearest hash is checked shows in its trouble, whoever
 * it was that came with a wrong password. */
#define NEVER "$y$jj5$LdJMENpBABJJ3hIHjB1Bi.$rfA07bT0O97FNWV5Cb8oFDnoGBJLXwSI4w/PIpLfyy2"

START_TEST(a_wrong_name_and_a_wrong_password_cost_the_dearest_hash)
{
	static const char trouble[] = ": line 3: crypt(3) could not compute a password hash";

	htfiles_open_with("joe:" HT_SHA "\nann:" HT_SHA_NO "\nmax:" NEVER "\n", NULL);
	htfiles_expect_login("joe", "");
	htfiles_expect_trouble("ann", "", "users", trouble);
	for (size_t i = 0; i < TP_COUNT(unknown); i++)
		ck_assert_int_eq(htfiles_login(unknown[i]), TP_UNAVAILABLE);
}
END_TEST

START_TEST(nul_and_length_do_not_cut_names_or_passwords)
{
	const struct span absent = { NULL, 0 };
	char lots[LIMIT_PASSWORD + 1];

	memset(lots, 'a', sizeof(lots));
	htfiles_open_with(every_format, NULL);
	ck_assert_int_eq(htfiles_login_bytes(SPAN_LIT("sha\0x"), SPAN_LIT("correct horse")),
			 TP_DENIED);
	ck_assert_int_eq(htfiles_login_bytes(SPAN_LIT("sha"), SPAN_LIT("correct horse\0x")),
			 TP_DENIED);
	ck_assert_int_eq(htfiles_login_bytes(SPAN_LIT("bcrypt"), SPAN_LIT("correct horse\0x")),
			 TP_DENIED);
	ck_assert_int_eq(htfiles_login_bytes(SPAN_LIT("sha"), (struct span){ lots, sizeof(lots) }),
			 TP_DENIED);
	ck_assert_int_eq(htfiles_login_bytes((struct span){ lots, sizeof(lots) }, SPAN_LIT("x")),
			 TP_DENIED);
	ck_assert_int_eq(htfiles_login_bytes(absent, absent), TP_DENIED);
}
END_TEST

/* The right passwords: what crypt(3) would not take is refused in every format, so that the time of
 * a long one does not tell a name that exists. */
START_TEST(a_password_has_511_bytes_in_every_format)
{
	char lots[512];

	memset(lots, 'a', sizeof(lots));
	htfiles_open_with(
		"most:{SHA}uTcOr7esdyxsHca4ismtRmuIDqE=\nmore:{SHA}FkVX+stzkph1Foweksrwm7YGRWQ=\n",
		NULL);
	ck_assert_int_eq(htfiles_login_bytes(SPAN_LIT("most"), (struct span){ lots, 511 }), TP_OK);
	ck_assert_int_eq(htfiles_login_bytes(SPAN_LIT("more"), (struct span){ lots, 512 }),
			 TP_DENIED);
}
END_TEST

START_TEST(scopes_are_the_groups_in_their_order)
{
	htfiles_open_with(
		"joe:" HT_SHA "\nann doe:" HT_SHA "\nkim:" HT_SHA "\n",
		"# groups\nadmin: kim joe\nuser.read: \"ann doe\" joe\nadmin: joe\nuser:x joe\n");
	htfiles_expect_login("joe", "\"admin\",\"user.read\",\"user\"");
	htfiles_expect_login("ann doe", "\"user.read\"");
	htfiles_expect_login("kim", "\"admin\"");
}
END_TEST

START_TEST(more_groups_than_scopes_is_trouble)
{
	struct buf groups = BUF_INIT(10000);

	for (int i = 0; i < LIMIT_SCOPES; i++)
		buf_printf(&groups, "g%d: joe\n", i);
	htfiles_open_with("joe:" HT_SHA "\n", buf_cstr(&groups));
	ck_assert_int_eq(htfiles_login("joe"), TP_OK);
	buf_str(&groups, "one-more: joe\n");
	folder_write("groups", buf_cstr(&groups));
	ck_assert_int_eq(htfiles_login("joe"), TP_UNAVAILABLE);
	ck_assert_str_eq(htfiles_err.msg,
			 "the token handler returned scopes that are no array of distinct scopes");
	buf_release(&groups);
}
END_TEST

/* ---- the setting ---- */

START_TEST(paths_may_hold_commas)
{
	ck_assert_int_eq(mkdir(folder_path("odd,groups=folder"), 0755), 0);
	folder_write("a,b", "joe:" HT_SHA "\n");
	folder_write("odd,groups=folder/u,", "joe:" HT_SHA "\n");
	folder_write("g", "read: joe\n");
	htfiles_open("a,b", NULL);
	htfiles_expect_login("joe", "");
	htfiles_open("odd,groups=folder/u,", "g");
	htfiles_expect_login("joe", "\"read\"");
}
END_TEST

static const char *const empty[] = { "htpasswd:", "htpasswd:,groups=x", "htpasswd:x,groups=" };

START_TEST(an_empty_path_is_refused)
{
	struct authn *n = NULL;
	struct tp_err err = { 0 };

	ck_assert_int_eq(chdir(folder_path("")), 0);
	folder_write("x", "");
	ck_assert_int_eq(
		authn_open(&(struct authn_spec){ .handler = span_of(empty[_i]) }, &n, &err),
		TP_INVALID);
	ck_assert_ptr_null(n);
	ck_assert_str_eq(err.msg,
			 "TOKEN_HANDLER: takes htpasswd:FILE[,groups=FILE]; a FILE is empty");
}
END_TEST

START_TEST(what_cannot_be_read_is_an_error_at_start)
{
	static const char enoent[] = ": No such file or directory";

	folder_write("users", "joe:" HT_SHA "\n");
	folder_write("large", "");
	ck_assert_int_eq(truncate(folder_path("large"), LIMIT_AUTHN_FILE + 1), 0);
	ck_assert_int_eq(mkfifo(folder_path("fifo"), 0644), 0);
	ck_assert_int_eq(mkdir(folder_path("folder"), 0755), 0);
	htfiles_expect_refused("none", NULL, "cannot open ", "none", enoent);
	htfiles_expect_refused("users", "none", "cannot open ", "none", enoent);
	htfiles_expect_refused("fifo", NULL, "", "fifo", " is no regular file");
	htfiles_expect_refused("folder", NULL, "", "folder", " is no regular file");
	htfiles_expect_refused("large", NULL, "", "large", " is larger than 67108864 bytes");
}
END_TEST

START_TEST(what_is_surely_wrong_is_an_error_at_start)
{
	folder_write("users", "joe:" HT_SHA "\nann\n");
	htfiles_expect_refused("users", NULL, "", "users", ": line 2: no ':'");
	folder_write("users", "joe:" HT_SHA "\n");
	folder_write("groups", "read: joe\nthe admins: joe\n");
	htfiles_expect_refused("users", "groups", "", "groups",
			       ": line 2: the group name \"the admins\" cannot be a scope");
}
END_TEST

START_TEST(a_file_that_lets_nobody_in_is_an_error_at_start)
{
	folder_write("users", "# passwd(5)\nroot:x:0:0:root:/root:/bin/sh\ndaemon:*:1:1::/:\n");
	htfiles_expect_refused(
		"users", NULL, "", "users",
		": line 2: no password hash of a known format, nor on any other line");
}
END_TEST

START_TEST(a_file_with_comments_only_denies)
{
	htfiles_open_with("# nobody yet\n", NULL);
	htfiles_expect_denied("joe");
}
END_TEST

START_TEST(is_cheap_as_long_as_no_hash_is_dear)
{
	htfiles_open_with("joe:" HT_SHA "\n", NULL);
	ck_assert(htfiles_is_cheap());
	htfiles_replace("users", "joe:" HT_SHA "\nann:" HT_BCRYPT "\n");
	ck_assert_int_eq(htfiles_login("joe"), TP_OK);
	ck_assert(!htfiles_is_cheap());
}
END_TEST

/* Opens, logs in and closes, with files that are there; reads them twice, since they are new. */
static enum tp_rc open_and_log_in(struct span setting)
{
	const struct authn_request r = { .event = AUTHN_LOGIN,
					 .username = SPAN_LIT("joe"),
					 .password = SPAN_LIT("correct horse") };
	struct jval *claims = NULL;
	struct authn *n = NULL;
	struct tp_err err;
	enum tp_rc rc;

	rc = authn_open(&(struct authn_spec){ .handler = setting }, &n, &err);
	if (rc == TP_OK)
		rc = authn_ask(n, &r, &claims, &err);
	jval_release(claims);
	authn_close(n);
	return rc;
}

START_TEST(a_lack_of_memory_is_neither_yes_nor_no)
{
	static const char *const hashes[] = { "joe:" HT_SHA "\n", "joe:" HT_BCRYPT "\n",
					      "joe:" APR1 "\n" };
	struct buf setting = BUF_INIT(1000);

	folder_write("users", hashes[_i]);
	folder_write("groups", "read: joe\n");
	buf_printf(&setting, "htpasswd:%s", folder_path("users"));
	buf_printf(&setting, ",groups=%s", folder_path("groups"));
	for (long n = 1;; n++) {
		enum tp_rc rc;
		bool failed;

		alloc_fail_at(n);
		rc = open_and_log_in(buf_view(&setting));
		failed = alloc_fail_off();
		ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
		if (!failed)
			break;
	}
	buf_release(&setting);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("authn_htpasswd");
	TCase *t = tcase_create("authn_htpasswd");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, folder_make, htfiles_end);
	tcase_add_loop_test(t, the_right_password_logs_in, 0, TP_COUNT(known));
	tcase_add_loop_test(t, an_unknown_name_is_denied, 0, TP_COUNT(unknown));
	tcase_add_loop_test(t, a_wrong_password_reads_like_an_unknown_name, 0, TP_COUNT(known));
	tcase_add_loop_test(t, a_hash_of_no_known_format_is_denied_and_named_in_the_log, 0,
			    TP_COUNT(useless));
	tcase_add_test(t, the_password_of_another_user_lets_nobody_in);
	tcase_add_test(t, a_wrong_name_and_a_wrong_password_cost_the_dearest_hash);
	tcase_add_test(t, is_cheap_as_long_as_no_hash_is_dear);
	tcase_add_test(t, nul_and_length_do_not_cut_names_or_passwords);
	tcase_add_test(t, a_password_has_511_bytes_in_every_format);
	tcase_add_test(t, scopes_are_the_groups_in_their_order);
	tcase_add_test(t, more_groups_than_scopes_is_trouble);
	tcase_add_test(t, paths_may_hold_commas);
	tcase_add_loop_test(t, an_empty_path_is_refused, 0, TP_COUNT(empty));
	tcase_add_test(t, what_cannot_be_read_is_an_error_at_start);
	tcase_add_test(t, what_is_surely_wrong_is_an_error_at_start);
	tcase_add_test(t, a_file_that_lets_nobody_in_is_an_error_at_start);
	tcase_add_test(t, a_file_with_comments_only_denies);
	tcase_add_loop_test(t, a_lack_of_memory_is_neither_yes_nor_no, 0, 3);
	suite_add_tcase(s, t);
	return check_run(s);
}
